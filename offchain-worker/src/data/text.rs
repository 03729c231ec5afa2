//! Reading a file that must be text, piece by piece: it may be larger than the memory.

use super::DataError;
use crate::files::FileError;
use std::{fs::File, io::Read, path::Path};

/// Some editors begin a file with it. It stands for nothing.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Bytes that are read at once.
const PIECE: usize = 1 << 16;

/// Reads a file of UTF-8 text and gives it to `take`, in order and whole characters at a time.
///
/// # Errors
/// If the file cannot be read, is not text, or holds nothing but blanks; what was given to `take` before is of no use then. And
/// those of `take`.
pub(super) fn read(
    path: &Path,
    mut take: impl FnMut(&str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut file = File::open(path).map_err(FileError::of("open", path))?;
    let mut buffer = vec![0; PIECE];
    // `kept` bytes at the buffer's start are the beginning of a character whose rest is still to be read.
    let (mut kept, mut offset, mut blank) = (0usize, 0u64, true);
    let not_text = |offset, what| DataError::NotText { path: path.to_path_buf(), offset, what };
    loop {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        let read = file.read(free).map_err(FileError::of("read", path))?;
        let held = kept + read;
        let piece = buffer.get(..held).unwrap_or_default();
        if let Some(at) = piece.iter().position(|byte| is_control(*byte)) {
            let what = if piece.get(at) == Some(&0) { "a zero byte" } else { "a control character" };
            return Err(not_text(offset + at as u64, what));
        }
        let text = match std::str::from_utf8(piece) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() && read > 0 => {
                let valid = piece.get(..error.valid_up_to()).unwrap_or_default();
                std::str::from_utf8(valid).unwrap_or_default()
            }
            Err(error) => {
                return Err(not_text(offset + error.valid_up_to() as u64, "no valid character"));
            }
        };
        // The control characters of two bytes: DEL's kin, which wrong conversions leave.
        if let Some((at, _)) = text.char_indices().find(|(_, c)| matches!(c, '\u{80}'..='\u{9f}')) {
            return Err(not_text(offset + at as u64, "a control character"));
        }
        blank = blank && text.chars().all(|c| c.is_whitespace() || c == BYTE_ORDER_MARK);
        take(text)?;
        let taken = text.len();
        offset += taken as u64;
        kept = held - taken;
        if read == 0 {
            break;
        }
        buffer.copy_within(taken..held, 0);
    }
    match (offset, blank) {
        (0, _) => Err(DataError::EmptyFile(path.to_path_buf())),
        (_, true) => Err(DataError::BlankFile(path.to_path_buf())),
        _ => Ok(()),
    }
}

/// Whether a byte is a control character that text does not hold. Tabs, line feeds, form feeds and carriage returns lay text out;
/// the others are what binary files are full of.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What is read of a file with this content.
    fn read_back(content: &[u8]) -> Result<String, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, content).unwrap();
        let mut text = String::new();
        read(&path, |piece| {
            text.push_str(piece);
            Ok(())
        })?;
        Ok(text)
    }

    #[test]
    fn a_character_across_the_bounds_of_pieces_is_text() {
        for before in PIECE - 3..PIECE + 1 {
            let text = "x".repeat(before) + "🌍ñ";
            assert_eq!(read_back(text.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn of_the_control_characters_only_those_that_lay_text_out_are_text() {
        for control in ('\0'..' ').chain('\u{7f}'..='\u{9f}') {
            let content = format!("text{control}text");
            let lays_out = "\t\n\x0c\r".contains(control);
            match read_back(content.as_bytes()) {
                Ok(text) => assert!(lays_out && text == content, "{control:?}"),
                Err(error) => {
                    assert!(matches!(error, DataError::NotText { offset: 4, .. }), "{control:?}: {error}");
                    assert!(!lays_out, "{control:?}");
                }
            }
        }
        assert_eq!(read_back("text ~\u{a0}¡".as_bytes()).unwrap(), "text ~\u{a0}¡");
    }

    #[test]
    fn blanks_alone_are_refused_however_many() {
        // The last blank, of three bytes, lies across the bounds of the pieces that are read.
        for blanks in [" \n\t\r\n".to_string(), "\u{feff}".into(), " ".repeat(PIECE - 1) + "\u{2003}\n"] {
            assert!(matches!(read_back(blanks.as_bytes()), Err(DataError::BlankFile(_))));
            assert_eq!(read_back((blanks.clone() + "x").as_bytes()).unwrap(), blanks + "x");
        }
    }
}

//! Reading a file that must be text, piece by piece: it may be larger than the memory.

use crate::DataError;
use sabha_files::FileError;
use std::{fs::File, io::Read, path::Path};

/// Some editors begin a file with it. It stands for nothing.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Bytes that are read at once.
pub(crate) const PIECE: usize = 1 << 18;

/// Reads a file of UTF-8 text and gives it to `take`, in order and whole characters at a time.
///
/// # Errors
/// If the file cannot be read, is not text, or holds nothing but blanks; what was given to `take` before is of no use then. And
/// those of `take`.
pub(crate) fn read(
    path: &Path,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&str) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut file = File::open(path).map_err(FileError::of("open", path))?;
    buffer.resize(PIECE, 0);
    // `kept` bytes at the buffer's start are the beginning of a character whose rest is still to be read.
    let (mut kept, mut offset, mut blank) = (0usize, 0u64, true);
    loop {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        let read = file.read(free).map_err(FileError::of("read", path))?;
        let held = kept + read;
        let piece = buffer.get(..held).unwrap_or_default();
        let text = characters(piece, read == 0).map_err(|(at, what)| DataError::NotText {
            path: path.to_path_buf(),
            offset: offset + at as u64,
            what,
        })?;
        blank = blank && is_blank(text);
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

/// The whole characters that `piece` begins with: all but a few bytes of it, or all of it if it is the last one. Else where it is not
/// text, and why.
pub(crate) fn characters(piece: &[u8], last: bool) -> Result<&str, (usize, &'static str)> {
    let text = match simdutf8::compat::from_utf8(piece) {
        Ok(text) => text,
        Err(error) => {
            let valid = piece.get(..error.valid_up_to()).unwrap_or_default();
            let text = simdutf8::compat::from_utf8(valid).unwrap_or_default();
            if error.error_len().is_some() || last {
                // A control character before it is the first thing that is wrong.
                return Err(fault(text).unwrap_or((error.valid_up_to(), "no valid character")));
            }
            text
        }
    };
    fault(text).map_or(Ok(text), Err)
}

/// Where the first control character is that text does not hold, if there is one, and what it is.
pub(crate) fn fault(text: &str) -> Option<(usize, &'static str)> {
    let bytes = text.as_bytes();
    // Without leaving early, so that the compiler looks at sixteen bytes or more at once.
    let low = bytes.iter().fold(false, |found, byte| found | is_control(*byte));
    // The control characters of two bytes: DEL's kin, which wrong conversions leave.
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    let high = pairs.fold(false, |found, (first, second)| found | ((*first == 0xc2) & (*second < 0xa0)));
    if !low && !high {
        return None;
    }
    let unwanted =
        |c: &char| matches!(c, '\u{80}'..='\u{9f}') || u8::try_from(u32::from(*c)).is_ok_and(is_control);
    let (at, found) = text.char_indices().find(|(_, c)| unwanted(c))?;
    Some((at, if found == '\0' { "a zero byte" } else { "a control character" }))
}

/// Whether there is nothing to read.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// Whether a byte is a control character that text does not hold. Tabs, line feeds, form feeds and carriage returns lay text out;
/// the others are what binary files are full of.
fn is_control(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != 0x0c) & (byte != b'\r') | (byte == 0x7f)
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
        read(&path, &mut Vec::new(), |piece| {
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

//! One image in a file: PNG, PGM or PPM.

use crate::{DataError, manifest::IMAGE_BYTES};
use sabha_files::FileError;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

/// An image.
pub(super) struct Picture {
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) channels: u8,
    /// Row by row.
    pub(super) pixels: Vec<u8>,
}

/// Reads an image. What is wrong with it is said in words; an error of the file is one.
pub(super) fn read(path: &Path) -> Result<Result<Picture, DataError>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Ok(Err(FileError::of("open", path)(error).into())),
    };
    let mut reader = BufReader::new(file);
    let mut start = Vec::new();
    if let Err(error) = reader.by_ref().take(4).read_to_end(&mut start) {
        return Ok(Err(FileError::of("read", path)(error).into()));
    }
    let whole = start.as_slice().chain(reader);
    match start.as_slice() {
        [0x89, b'P', b'N', b'G'] => portable_network(whole).map(Ok),
        [b'P', b'5' | b'6', ..] => anymap(whole).map(Ok),
        _ => Err("it is neither PNG nor a raw PGM or PPM: convert it to PNG, or leave it out".into()),
    }
}

fn portable_network(reader: impl Read) -> Result<Picture, String> {
    let wrong = |error: png::DecodingError| format!("it cannot be read as PNG: {error}; make it again");
    let limits = png::Limits { bytes: usize::try_from(4 * IMAGE_BYTES).unwrap_or(usize::MAX) };
    // The decoder wants to seek, for which the file is read first; its size was looked at.
    let mut bytes = Vec::new();
    let mut reader = reader;
    reader.read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    // Palettes and fewer bits than eight become bytes; sixteen become eight.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(wrong)?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    if info.animation_control().is_some() {
        return Err("it is animated: leave it out".into());
    }
    let size = reader.output_buffer_size().filter(|size| *size as u64 <= IMAGE_BYTES).ok_or_else(larger)?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(wrong)?;
    pixels.truncate(frame.buffer_size());
    let channels = u8::try_from(frame.color_type.samples()).unwrap_or(u8::MAX);
    Ok(Picture { height, width, channels, pixels })
}

fn larger() -> String {
    format!("it is larger than {IMAGE_BYTES} bytes of pixels: resize it, or leave it out")
}

/// The raw forms of PGM and PPM.
fn anymap(reader: impl Read) -> Result<Picture, String> {
    let mut bytes = BufReader::new(reader).bytes();
    let mut number = |what: &str| -> Result<u32, String> {
        let missing = || format!("its header has no {what}: make it again");
        let (mut value, mut digits, mut comment) = (0u32, 0, false);
        for byte in bytes.by_ref() {
            match byte.map_err(|error| format!("it cannot be read: {error}"))? {
                b'\n' | b'\r' if comment => comment = false,
                _ if comment => {}
                b'#' => comment = true,
                byte @ b'0'..=b'9' => {
                    value = value.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                    digits += 1;
                }
                byte if byte.is_ascii_whitespace() && digits > 0 => return Ok(value),
                byte if byte.is_ascii_whitespace() => {}
                // The letter of the magic number.
                b'P' if digits == 0 => {}
                _ => return Err(missing()),
            }
        }
        Err(missing())
    };
    let channels = if number("magic number")? == 6 { 3u8 } else { 1 };
    let (width, height) = (number("width")?, number("height")?);
    let deepest = number("depth")?;
    if deepest != 255 {
        return Err(format!("its depth is {deepest}, not 255: convert it"));
    }
    let size = u64::from(width).saturating_mul(height.into()).saturating_mul(channels.into());
    if size > IMAGE_BYTES {
        return Err(larger());
    }
    let pixels: Result<Vec<u8>, _> = bytes.take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
    let pixels = pixels.map_err(|error| format!("it cannot be read: {error}"))?;
    if size == 0 || pixels.len() as u64 != size {
        return Err(format!(
            "it has {} bytes of pixels, its header says {size}: make it again",
            pixels.len()
        ));
    }
    Ok(Picture { height, width, channels, pixels })
}

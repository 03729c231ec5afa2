//! Labelled images, in one raw form: records of one size, so that each can be found without reading the others.
//!
//! What is read loses nothing: PNG and the raw PGM and PPM, and IDX. JPEG is refused: decoders differ in their last bits, and the same
//! input would not give the same dataset everywhere.

mod idx;
mod picture;

pub(crate) use idx::read as idx;

use crate::{
    DataError,
    inputs::{self, Kind},
    manifest::{IMAGE_BYTES, Images, LABELS},
    pack::Advance,
    writer::StreamWriter,
};
use picture::Picture;
use std::path::{Path, PathBuf};

/// Bytes of an image's file, at most.
const FILE_BYTES: u64 = 4 * IMAGE_BYTES;

/// Packs a folder of folders, whose names are the labels.
pub(crate) fn folder(
    inputs: &[PathBuf],
    writer: &mut StreamWriter,
    advance: &mut Advance<'_>,
) -> Result<Images, DataError> {
    let bad = |path: &Path, reason: String| DataError::BadImage { path: path.to_path_buf(), reason };
    let [root] = inputs else {
        let path = inputs.get(1).cloned().unwrap_or_default();
        return Err(bad(&path, "labelled images are in one folder, with a folder for each label".into()));
    };
    let mut images: Option<Images> = None;
    let (mut labels, mut counts) = (Vec::new(), Vec::new());
    for (name, is_folder) in inputs::names(root)? {
        let path = root.join(&name);
        if !is_folder {
            return Err(bad(&path, "it is in no label's folder: move it into one, or leave it out".into()));
        }
        let label = name.into_string().ok().filter(|name| is_label(name));
        let Some(label) = label else {
            return Err(bad(&path, "a label is one line of UTF-8, of 128 bytes at most: rename it".into()));
        };
        if labels.len() == LABELS {
            return Err(bad(&path, format!("there are more than {LABELS} labels")));
        }
        let number = u16::try_from(labels.len()).unwrap_or(u16::MAX);
        let mut count = 0u64;
        inputs::visit(&path, Kind::ANY, &mut |input| {
            if input.bytes > FILE_BYTES {
                return Err(bad(input.path, format!("it has more than {FILE_BYTES} bytes: leave it out")));
            }
            let Picture { height, width, channels, pixels } =
                picture::read(input.path).map_err(|reason| bad(input.path, reason))??;
            match &images {
                None => images = Some(Images { height, width, channels, labels: vec![], counts: vec![] }),
                Some(first) if (first.height, first.width, first.channels) != (height, width, channels) => {
                    return Err(bad(
                        input.path,
                        format!(
                            "it is {width} by {height} with {channels} channels, the first image is {} by {} with {}: all must be \
                             of one size; resize or convert it",
                            first.width, first.height, first.channels
                        ),
                    ));
                }
                Some(_) => {}
            }
            writer.append(&number.to_le_bytes())?;
            writer.append(&pixels)?;
            count += 1;
            advance.by(input.bytes)
        })?;
        if count == 0 {
            return Err(DataError::NothingToPack { path, what: "images" });
        }
        labels.push(label);
        counts.push(count);
    }
    let images = images.ok_or_else(|| DataError::NothingToPack { path: root.clone(), what: "images" })?;
    Ok(Images { labels, counts, ..images })
}

fn is_label(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Manifest, PackOptions, STREAM, pack};
    use std::{fs, ops::ControlFlow};

    fn packed(input: &Path, format: Format) -> Result<(Manifest, Vec<u8>), DataError> {
        let out = tempfile::tempdir().unwrap();
        let options = PackOptions {
            title: "Images".into(),
            language: "zxx".into(),
            licence: "CC0-1.0".into(),
            format,
            heldout_fraction: 0.5,
            replace: false,
        };
        let go_on = |_, _| ControlFlow::Continue(());
        let inputs = if input.join("images").exists() {
            vec![input.join("labels"), input.join("images")]
        } else {
            vec![input.to_path_buf()]
        };
        let manifest = pack(&inputs, &out.path().join("out"), &options, go_on)?.manifest;
        let read = Manifest::read(&out.path().join("out")).unwrap();
        assert_eq!(read, manifest);
        read.verify(&out.path().join("out"), go_on).unwrap();
        Ok((manifest, fs::read(out.path().join("out").join(STREAM)).unwrap()))
    }

    fn png(pixels: &[u8], width: u32, color: png::ColorType) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, 2);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        bytes
    }

    fn put(folder: &Path, name: &str, bytes: &[u8]) {
        sabha_files::write_atomic(&folder.join(name), bytes).unwrap();
    }

    #[test]
    fn folders_are_labels_in_order_and_formats_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "two/a.png", &png(&[1, 2, 3, 4], 2, png::ColorType::Grayscale));
        put(folder.path(), "one/deep/z.pgm", b"P5\n# a comment\n2 2\n255\n\x05\x06\x07\x08");
        put(folder.path(), "one/b.png", &png(&[9, 9, 9, 9], 2, png::ColorType::Grayscale));
        let (manifest, stream) = packed(folder.path(), Format::Images).unwrap();
        assert_eq!(stream, [0, 0, 9, 9, 9, 9, 0, 0, 5, 6, 7, 8, 1, 0, 1, 2, 3, 4]);
        let images = manifest.images.unwrap();
        assert_eq!((images.labels, images.counts), (vec!["one".into(), "two".into()], vec![2, 1]));
        assert_eq!((images.width, images.height, images.channels), (2, 2, 1));
        assert_eq!((manifest.documents, manifest.text_bytes, manifest.tokens), (3, 12, 18));
        assert_eq!(manifest.heldout_tokens, 6, "whole images");
        assert!(manifest.statistics.is_none());
    }

    #[test]
    fn images_that_do_not_fit_are_refused_by_name() {
        let good = png(&[1, 2, 3, 4], 2, png::ColorType::Grayscale);
        for (name, bytes, says) in [
            ("one/b.png", png(&[0; 8], 4, png::ColorType::Grayscale), "of one size"),
            ("one/b.png", png(&[0; 12], 2, png::ColorType::Rgb), "of one size"),
            ("one/b.png", b"\x89PNG\r\n\x1a\nnonsense".to_vec(), "as PNG"),
            ("one/b.png", good[..good.len() - 20].to_vec(), "as PNG"),
            ("one/b.jpg", b"\xff\xd8\xff\xe0".to_vec(), "convert it to PNG"),
            ("one/b.pgm", b"P5 99999 99999 255\n".to_vec(), "larger"),
            ("one/b.pgm", b"P5 2 2 65535\n12345678".to_vec(), "255"),
            ("one/b.pgm", b"P5 2 2 255\n123".to_vec(), "bytes of pixels"),
            ("b.png", good.clone(), "no label's folder"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            put(folder.path(), "one/a.png", &good);
            put(folder.path(), name, &bytes);
            let error = packed(folder.path(), Format::Images).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(says), "{name}: {error}");
        }
    }

    fn idx(folder: &Path, images: &[u8], labels: &[u8]) {
        put(folder, "images", images);
        put(folder, "labels", labels);
    }

    #[test]
    fn idx_gives_what_its_header_says() {
        let folder = tempfile::tempdir().unwrap();
        let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 0];
        idx(folder.path(), &images, &labels);
        let (manifest, stream) = packed(folder.path(), Format::Idx).unwrap();
        assert_eq!(stream, [7, 0, 1, 2, 0, 0, 3, 4]);
        let found = manifest.images.unwrap();
        assert_eq!((found.width, found.height, found.channels), (2, 1, 1));
        assert_eq!(found.counts, [1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(found.labels[7], "7");

        // Compressed, the same.
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, &images).unwrap();
        put(folder.path(), "images", &gz.finish().unwrap());
        assert_eq!(packed(folder.path(), Format::Idx).unwrap().1, stream);
    }

    #[test]
    fn malformed_idx_is_refused() {
        let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 0].to_vec();
        let changed = |bytes: &[u8], at: usize, to: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] = to;
            bytes
        };
        let longer = |bytes: &[u8]| [bytes, &[0]].concat();
        for (images, labels, says) in [
            (changed(&images, 2, 0x0d), labels.clone(), "unsigned bytes"),
            (changed(&images, 0, 1), labels.clone(), "IDX"),
            (changed(&images, 7, 3), labels.clone(), "has 2 labels"),
            (changed(&images, 8, 255), labels.clone(), "larger"),
            (images[..18].to_vec(), labels.clone(), "ends within image 1"),
            (longer(&images), labels.clone(), "goes on"),
            (images.clone(), longer(&labels), "goes on"),
            (images.clone(), labels[..9].to_vec(), "ends within"),
            (images.clone(), images.clone(), "one file of labels"),
            (images[..5].to_vec(), labels.clone(), "header"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            idx(folder.path(), &images, &labels);
            let error = packed(folder.path(), Format::Idx).unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}

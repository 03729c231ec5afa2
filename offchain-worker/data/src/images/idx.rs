//! Images and labels as IDX, the form of the MNIST digits: a big-endian header with the sizes, then bytes.

use crate::{
    DataError, jsonl,
    manifest::{IMAGE_BYTES, Images},
    pack::Advance,
    writer::StreamWriter,
};
use sabha_files::FileError;
use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

/// A file of IDX whose header was read.
struct Idx<'a> {
    path: &'a Path,
    reader: Box<dyn BufRead>,
    sizes: Vec<u32>,
    done: Rc<Cell<u64>>,
}

/// Packs a file of images and the file of their labels, in whichever order they are named.
pub(crate) fn read(
    inputs: &[PathBuf],
    writer: &mut StreamWriter,
    advance: &mut Advance<'_>,
) -> Result<Images, DataError> {
    let [first, second] = inputs else {
        let path = inputs.get(2).or(inputs.first()).cloned().unwrap_or_default();
        let reason = "IDX is two files, one of images and one of their labels: name both".into();
        return Err(DataError::BadImage { path, reason });
    };
    let (first, second) = (Idx::open(first)?, Idx::open(second)?);
    let (mut images, mut labels) = if first.sizes.len() == 1 { (second, first) } else { (first, second) };
    let ([count], Some((images_count, sizes))) = (labels.sizes.as_slice(), images.sizes.split_first()) else {
        return Err(labels.bad("IDX is one file of images and one file of labels: name one of each".into()));
    };
    let (height, width, channels) = match *sizes {
        [height, width] => (height, width, 1),
        [height, width, channels] if (1..=4).contains(&channels) => (height, width, channels as u8),
        _ => return Err(images.bad("its images have not two sizes, or three with channels".into())),
    };
    if count != images_count || *count == 0 {
        let reason =
            format!("it has {images_count} images, and {} has {count} labels", labels.path.display());
        return Err(images.bad(reason));
    }
    let count = *count;
    let mut found = Images { height, width, channels, labels: Vec::new(), counts: Vec::new() };
    let size = found.pixels();
    if size == 0 || size > IMAGE_BYTES {
        return Err(images.bad(format!("its images are larger than {IMAGE_BYTES} bytes, or empty")));
    }
    let mut pixels = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    for image in 0..count {
        let mut label = [0];
        labels.fill(&mut label, image)?;
        images.fill(&mut pixels, image)?;
        let [label] = label;
        let place = usize::from(label);
        if found.counts.len() <= place {
            found.counts.resize(place + 1, 0);
        }
        if let Some(count) = found.counts.get_mut(place) {
            *count += 1;
        }
        writer.append(&u16::from(label).to_le_bytes())?;
        writer.append(&pixels)?;
        advance.by(labels.done.replace(0) + images.done.replace(0))?;
    }
    labels.end()?;
    images.end()?;
    found.labels = (0..found.counts.len()).map(|label| label.to_string()).collect();
    Ok(found)
}

impl<'a> Idx<'a> {
    fn open(path: &'a Path) -> Result<Self, DataError> {
        let done = Rc::new(Cell::new(0));
        let reader = jsonl::open(path, Rc::clone(&done))?;
        let mut file = Self { path, reader, sizes: Vec::new(), done };
        let mut magic = [0; 4];
        file.header(&mut magic)?;
        let [0, 0, kind, sizes @ 1..=4] = magic else {
            return Err(file.bad("it does not begin as IDX does".into()));
        };
        if kind != 8 {
            return Err(
                file.bad(format!("its elements are of type {kind:#04x}, not unsigned bytes: convert it"))
            );
        }
        for _ in 0..sizes {
            let mut size = [0; 4];
            file.header(&mut size)?;
            file.sizes.push(u32::from_be_bytes(size));
        }
        Ok(file)
    }

    fn bad(&self, reason: String) -> DataError {
        DataError::BadImage { path: self.path.to_path_buf(), reason }
    }

    fn header(&mut self, to: &mut [u8]) -> Result<(), DataError> {
        let wrong = |file: &Self| file.bad("its header is cut off, or damaged: fetch it again".into());
        self.reader.read_exact(to).map_err(|_| wrong(self))
    }

    fn fill(&mut self, to: &mut [u8], image: u32) -> Result<(), DataError> {
        self.reader.read_exact(to).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self
                .bad(format!("it ends within image {image} of its {} images: fetch it again", self.count())),
            _ => FileError::of("read", self.path)(error).into(),
        })
    }

    fn count(&self) -> u32 {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Nothing may follow.
    fn end(&mut self) -> Result<(), DataError> {
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.bad(format!("it goes on after its {} images: fetch it again", self.count()))),
            Err(error) => Err(FileError::of("read", self.path)(error).into()),
        }
    }
}

//! Notes: small records by name, beside the blobs. They say where something is whose hash nobody knows yet.
//!
//! A note is not verified: whoever reads one checks what it says, and takes the next one if it is of no use.

use crate::{
    BlobError, LocalBlobs,
    files::{self, FileError},
    room::{folder, is_plain},
};
use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

/// Bytes of a note, at most.
pub const NOTE_BYTES: u64 = 16 << 10;

impl LocalBlobs {
    fn note_path(&self, name: &str) -> Result<PathBuf, BlobError> {
        if is_plain(name) {
            Ok(self.root().join("notes").join(name))
        } else {
            Err(BlobError::Name { name: name.into() })
        }
    }

    /// Keeps a note of 1 to [`NOTE_BYTES`] bytes.
    ///
    /// # Errors
    /// If it cannot be named so, is too long, or cannot be written.
    pub fn put_note(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        let path = self.note_path(name)?;
        if bytes.is_empty() || bytes.len() as u64 > NOTE_BYTES {
            let wrong = format!("it has {} bytes, 1 to {NOTE_BYTES} are allowed", bytes.len());
            return Err(
                FileError::of("write", &path)(io::Error::new(io::ErrorKind::InvalidInput, wrong)).into()
            );
        }
        Ok(files::write_atomic(&path, bytes)?)
    }

    /// A note, if it is there.
    ///
    /// # Errors
    /// If it cannot be named so, or not be read.
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.note_path(name)?;
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        let mut bytes = Vec::new();
        file.take(NOTE_BYTES).read_to_end(&mut bytes).map_err(FileError::of("read", &path))?;
        Ok(Some(bytes))
    }

    /// Removes the notes whose names begin with `prefix`.
    ///
    /// # Errors
    /// If a note is there and cannot be removed.
    pub fn remove_notes(&self, prefix: &str) -> Result<(), BlobError> {
        for (path, name) in folder(&self.root().join("notes"))? {
            if name.starts_with(prefix) {
                files::remove(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_kept_by_name_and_removed_by_what_they_begin_with() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path()).unwrap();
        assert_eq!(store.note("a-1").unwrap(), None);
        for name in ["a-1", "a-2", "b-1"] {
            store.put_note(name, name.as_bytes()).unwrap();
        }
        assert_eq!(store.note("a-1").unwrap().unwrap(), b"a-1");
        store.remove_notes("a-").unwrap();
        assert_eq!((store.note("a-2").unwrap(), store.note("b-1").unwrap()), (None, Some(b"b-1".to_vec())));
        assert!(matches!(store.note("../x"), Err(BlobError::Name { .. })));
        assert!(store.put_note("x", b"").is_err());
        assert!(store.put_note("x", &[0; NOTE_BYTES as usize + 1]).is_err());
    }
}

//! The event log's file: one daemon's at a time, of whole lines, and in its place at every moment.

use super::journal::JournalError;
use crate::files::{self, FileError};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Opens the file, which is made if need be, and locks it against other daemons.
///
/// # Errors
/// [`JournalError::InUse`]; or if it cannot be opened.
pub(super) fn open(path: &Path) -> Result<File, JournalError> {
    loop {
        let mut options = OpenOptions::new();
        let file =
            options.read(true).append(true).create(true).open(path).map_err(FileError::of("open", path))?;
        // A new file is in its folder only when that is on the disk.
        sync_folder(path)?;
        lock(&file, path)?;
        // Between opening and locking, its daemon may have put another one in its place.
        let opened = file.metadata().map_err(FileError::of("read", path))?.ino();
        if path.metadata().is_ok_and(|there| there.ino() == opened) {
            return Ok(file);
        }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(JournalError::InUse(path.into())),
        Err(fs::TryLockError::Error(error)) => Err(FileError::of("lock", path)(error).into()),
    }
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of("write", folder))
}

/// Reads all whole lines, and cuts off half a line that a crash has left.
///
/// # Errors
/// If it cannot be read, or not be cut.
pub(super) fn read(file: &mut File, path: &Path) -> Result<Vec<u8>, FileError> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(FileError::of("read", path))?;
    file.read_to_end(&mut text).map_err(FileError::of("read", path))?;
    let whole = whole_lines(&text);
    if whole < text.len() {
        tracing::warn!(path = %path.display(), "the last line was cut off by a crash: dropped");
        file.set_len(whole as u64).map_err(FileError::of("repair", path))?;
        file.sync_all().map_err(FileError::of("repair", path))?;
        text.truncate(whole);
    }
    Ok(text)
}

/// Bytes of whole lines.
pub(super) fn whole_lines(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// Where the log before the last [`replace`] is.
pub(super) fn old(path: &Path) -> PathBuf {
    path.with_extension("old.jsonl")
}

/// Puts a log with this text in the place of the one that there is, which stays beside it under another name. Returns the new one,
/// locked.
///
/// # Errors
/// If a file cannot be written or moved: the log is the old one then.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<File, JournalError> {
    let (new, old) = (path.with_extension("new.jsonl"), old(path));
    files::remove(&new)?;
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).append(true).create_new(true).open(&new).map_err(FileError::of("make", &new))?;
    lock(&file, &new)?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(FileError::of("write", &new))?;
    files::remove(&old)?;
    // Not every file system has links.
    let kept = fs::hard_link(path, &old).or_else(|_| fs::copy(path, &old).map(drop));
    kept.map_err(FileError::of("write", &old))?;
    fs::rename(&new, path).map_err(|error: io::Error| FileError::of("replace", path)(error))?;
    sync_folder(path)?;
    Ok(file)
}

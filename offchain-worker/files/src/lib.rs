//! Files that are either whole or not there.
//!
//! A file is written beside its place under a temporary name, flushed to the disk and then renamed: a crash, a full disk or a
//! signal leaves the old content, never half of the new one.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A file operation that failed: which, on what, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}{}", path.display(), remedy(source))]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err`: an error of `action` on `path`.
    pub fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self { action, path, source }
    }
}

/// Whether a write failed because the disk, or the writer's share of it, is full.
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What to do about an error of a file, to be appended to what happened.
pub fn remedy(source: &io::Error) -> &'static str {
    if is_disk_full(source) {
        ": the disk is full; nothing that was there is lost; free some space before you go on"
    } else {
        ""
    }
}

/// A file in the making. Dropping it without [`commit`](Self::commit) removes it and leaves the destination as it was.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    partial: PathBuf,
    destination: PathBuf,
}

impl AtomicFile {
    /// Starts a file that will be at `destination`; its folder is made if need be.
    ///
    /// # Errors
    /// If the folder or the temporary file cannot be made.
    pub fn create(destination: &Path) -> Result<Self, FileError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = folder_of(destination);
        create_folder(folder)?;
        let name = destination.file_name().unwrap_or_default().to_string_lossy();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let partial = folder.join(format!(".{name}.{}-{count}.partial", std::process::id()));
        let file = File::create(&partial).map_err(FileError::of("create", &partial))?;
        Ok(Self { file: Some(file), partial, destination: destination.to_path_buf() })
    }

    /// The file once more, to be read and written at any place.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn reopen(&self) -> Result<File, FileError> {
        let mut options = File::options();
        options.read(true).write(true).open(&self.partial).map_err(FileError::of("open", &self.partial))
    }

    /// It will be at `destination`, on the same disk, whose folder is made if need be when it is put there.
    pub fn move_to(&mut self, destination: &Path) {
        self.destination = destination.to_path_buf();
    }

    /// Flushes everything to the disk and puts the file in its place.
    ///
    /// # Errors
    /// If flushing or renaming fails; the destination is as it was then.
    pub fn commit(mut self) -> Result<(), FileError> {
        let file = self.file.take();
        if let Some(file) = file {
            file.sync_all().map_err(FileError::of("write", &self.destination))?;
        }
        rename(&self.partial, &self.destination)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::Error::other("the file is closed")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit there is nothing under this name.
        let _ = fs::remove_file(&self.partial);
    }
}

/// Writes `bytes` to `path`, all or nothing.
///
/// # Errors
/// If the file cannot be written; it is as it was then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes).map_err(FileError::of("write", path))?;
    file.commit()
}

/// Moves a file on the same disk, in the place of what is there; the folder is made if need be.
///
/// # Errors
/// If the file cannot be moved; the destination is as it was then.
pub fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    create_folder(folder_of(to))?;
    fs::rename(from, to).map_err(FileError::of("replace", to))?;
    // The rename itself must reach the disk too.
    sync_folder(folder_of(to));
    Ok(())
}

/// Reads a whole file.
///
/// # Errors
/// If the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(FileError::of("read", path))
}

/// Makes a folder and those above it, which are on the disk then: what is written into it is not lost with it.
///
/// # Errors
/// If a folder cannot be made.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    let made: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    fs::create_dir_all(path).map_err(FileError::of("create the folder", path))?;
    made.into_iter().for_each(|folder| sync_folder(folder_of(folder)));
    Ok(())
}

/// Flushes the names in a folder. Some file systems cannot flush a folder: then there is nothing to do.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Locks a file that is there against other processes, until what is returned is dropped. `None` if another one has it.
///
/// # Errors
/// If it cannot be opened or locked.
pub fn lock(path: &Path) -> Result<Option<File>, FileError> {
    let file = File::open(path).map_err(FileError::of("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(FileError::of("lock", path)(error)),
    }
}

/// Removes a file; one that is not there counts as removed.
///
/// # Errors
/// If the file is there and cannot be removed.
pub fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folders_are_made_once_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        for _ in 0..2 {
            create_folder(&deep).unwrap();
            assert!(deep.is_dir());
        }
        fs::write(folder.path().join("file"), b"").unwrap();
        assert!(create_folder(&folder.path().join("file/below")).is_err());
        create_folder(Path::new("")).unwrap();
    }

    #[test]
    fn an_abandoned_file_leaves_the_old_content_and_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        write_atomic(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
        write_atomic(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }

    #[test]
    fn a_full_disk_is_named_with_its_remedy() {
        let error = FileError {
            action: "write",
            path: "/a/b".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        };
        assert!(is_disk_full(&error.source));
        let text = error.to_string();
        assert!(
            text.contains("/a/b") && text.contains("disk is full") && text.contains("free some space"),
            "{text}"
        );
    }

    #[test]
    fn a_file_is_locked_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        assert!(lock(&path).is_err(), "it is not there");
        fs::write(&path, "x").unwrap();
        let held = lock(&path).unwrap();
        assert!(held.is_some() && lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
    }

    #[test]
    fn an_unreadable_file_is_named() {
        let error = read(Path::new("/nonexistent/file")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/file"), "{error}");
        assert!(remove(Path::new("/nonexistent/file")).is_ok());
    }
}

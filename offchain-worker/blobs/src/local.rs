//! Blobs in a folder.
//!
//! | in the folder | what |
//! |---|---|
//! | `ab/abcd…` | the blob `abcd…`, whole |
//! | `nodes/abcd…` | the inner nodes of its tree, for others that fetch it; made with it, and again if it is lost |
//! | `partial/abcd…` | a download that is not complete, its tree so far, and how far it is verified |
//! | `notes/NAME` | a small record ([`crate::notes`]) |
//! | `unsent/…` | what is still to be sent to an object store |
//! | `pins/NAME` | the blobs that NAME keeps from being removed, a digest a line |
//!
//! Several processes may share a folder: files are replaced atomically, and a download is locked by who works on it.

use crate::{
    BlobError, BlobStore,
    files::{self, AtomicFile, FileError},
    room::{Reserved, Room},
    tree,
};
use sabha_protocol::Digest;
use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
    time::SystemTime,
};

/// Blobs in a local folder: `ab/abcd…` for the blob `abcd…`.
#[derive(Clone, Debug)]
pub struct LocalBlobs {
    root: PathBuf,
    pub(crate) room: Arc<Room>,
}

/// A blob that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its address.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// When it was used last.
    pub used: SystemTime,
}

impl LocalBlobs {
    /// Opens a folder, which is made if need be.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let store = Self::at(root.into());
        files::create_folder(&store.root)?;
        Ok(store)
    }

    /// A folder that is somebody else's, and may not be there yet. It is only read.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root, room: Arc::default() }
    }

    /// The same, but blobs take no more than `limit` bytes; none is without a limit.
    #[must_use]
    pub fn within(self, limit: Option<u64>) -> Self {
        Self { room: Arc::new(Room::of(limit)), ..self }
    }

    /// Where a blob is, or would be.
    pub fn path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.root.join(name.get(..2).unwrap_or_default()).join(&name)
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The size of a blob that is there, unverified.
    ///
    /// # Errors
    /// If the store cannot tell.
    pub fn size(&self, digest: Digest) -> Result<Option<u64>, BlobError> {
        let path = self.path(digest);
        match path.metadata() {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::of("look for", &path)(error).into()),
        }
    }

    /// Opens a blob that has `limit` bytes at most, for reading, and notes that it is used.
    fn open_within(&self, digest: Digest, limit: u64) -> Result<(File, u64, PathBuf), BlobError> {
        let path = self.path(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BlobError::Missing { digest, place: self.root.display().to_string() });
            }
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        };
        let found = file.metadata().map_err(FileError::of("read", &path))?.len();
        if found > limit {
            // A damaged file says nothing of the blob.
            if tree::hash(&file).map_err(FileError::of("read", &path))? != digest {
                return Err(self.damaged(digest, &file));
            }
            return Err(BlobError::TooLarge { digest, found, limit });
        }
        Ok((file, found, path))
    }

    fn read_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        let (file, found, path) = self.open_within(digest, limit)?;
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(usize::try_from(found).unwrap_or(usize::MAX));
        room.map_err(|error| {
            FileError::of("read", &path)(io::Error::new(io::ErrorKind::OutOfMemory, error))
        })?;
        // No further than it was long: what is appended meanwhile is not it.
        (&file).take(found).read_to_end(&mut bytes).map_err(FileError::of("read", &path))?;
        if Digest::of(&bytes) != digest {
            return Err(self.damaged(digest, &file));
        }
        note_use(&file);
        Ok(bytes)
    }

    fn verified_within(&self, digest: Digest, limit: u64) -> Result<PathBuf, BlobError> {
        let (file, found, path) = self.open_within(digest, limit)?;
        if tree::hash((&file).take(found)).map_err(FileError::of("read", &path))? != digest {
            return Err(self.damaged(digest, &file));
        }
        note_use(&file);
        Ok(path)
    }

    /// Keeps what a file holds, in constant memory; `progress` is told how many bytes are read. Returns the address and the size.
    ///
    /// # Errors
    /// If the file cannot be read, or kept.
    pub fn put_file(&self, path: &Path, progress: &mut dyn FnMut(u64)) -> Result<(Digest, u64), BlobError> {
        let file = File::open(path).map_err(FileError::of("read", path))?;
        let size = file.metadata().map_err(FileError::of("read", path))?.len();
        let reader = Counting { from: file, count: 0, progress };
        let digest = self.import(reader, size, None).map_err(|error| match error {
            Import::Read(error) => BlobError::File(FileError::of("read", path)(error)),
            Import::Wrong { .. } => {
                BlobError::network(path.display().to_string(), "it changed while it was read")
            }
            Import::Kept(error) => error,
        })?;
        Ok((digest, size))
    }

    /// Takes in `size` bytes, which must be `expected` if that is given.
    pub(crate) fn import(
        &self,
        from: impl Read,
        size: u64,
        expected: Option<Digest>,
    ) -> Result<Digest, Import> {
        let room = self.make_room(tree::with_nodes(size)).map_err(Import::Kept)?;
        let incoming = self.root.join("partial").join("incoming");
        let mut file = AtomicFile::create(&incoming).map_err(|error| Import::Kept(error.into()))?;
        let mut nodes = AtomicFile::create(&incoming).map_err(|error| Import::Kept(error.into()))?;
        let nodes_file = nodes.reopen().map_err(|error| Import::Kept(error.into()))?;
        // However old they seem, nobody takes them for what is left of a crash.
        let _locks = [locked(&file, &incoming)?, locked(&nodes, &incoming)?];
        let mut reader = Reading { from, failed: false, room };
        let copied = tree::copy(&mut reader, size, &mut file, nodes_file);
        let digest = match copied {
            Ok(digest) => digest,
            Err(error) if reader.failed || error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Import::Read(error));
            }
            Err(error) => return Err(Import::Kept(FileError::of("write", &incoming)(error).into())),
        };
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(Import::Wrong { expected, found: digest });
        }
        nodes.move_to(&self.nodes_path(digest));
        file.move_to(&self.path(digest));
        nodes.commit().and_then(|()| file.commit()).map_err(|error| Import::Kept(error.into()))?;
        Ok(digest)
    }

    /// Where the inner nodes of a blob's tree are.
    pub(crate) fn nodes_path(&self, digest: Digest) -> PathBuf {
        self.root.join("nodes").join(digest.to_string())
    }

    /// A blob and the inner nodes of its tree, open for reading. The nodes are made, and the blob verified, when they are needed
    /// for the first time.
    ///
    /// # Errors
    /// If the blob is not there, or is not what its name says: it is removed then.
    pub(crate) fn open_with_nodes(&self, digest: Digest) -> Result<(File, File, u64), BlobError> {
        if let Some(found) = self.nodes_there(digest)? {
            return Ok(found);
        }
        // Those that need it at the same time wait for the one that makes it.
        let making = self.room.making(digest);
        let made = {
            let _making = making.lock().unwrap_or_else(PoisonError::into_inner);
            match self.nodes_there(digest)? {
                Some(found) => Ok(found),
                None => self.make_nodes(digest),
            }
        };
        self.room.made(digest, making);
        made
    }

    /// The blob and its nodes, if those are there.
    fn nodes_there(&self, digest: Digest) -> Result<Option<(File, File, u64)>, BlobError> {
        let (file, size, _) = self.open_within(digest, u64::MAX)?;
        let expected = tree::shape(size).outboard_size();
        let right = |file: &File| file.metadata().is_ok_and(|metadata| metadata.len() == expected);
        let Some(nodes) = File::open(self.nodes_path(digest)).ok().filter(right) else { return Ok(None) };
        note_use(&file);
        Ok(Some((file, nodes, size)))
    }

    fn make_nodes(&self, digest: Digest) -> Result<(File, File, u64), BlobError> {
        let (file, size, path) = self.open_within(digest, u64::MAX)?;
        let nodes_path = self.nodes_path(digest);
        let made = AtomicFile::create(&nodes_path)?;
        let (found, _) = tree::build(&path, &file, made.reopen()?)?;
        if found != digest {
            return Err(self.damaged(digest, &file));
        }
        made.commit()?;
        (&file).rewind().map_err(FileError::of("read", &path))?;
        note_use(&file);
        let nodes = File::open(&nodes_path).map_err(FileError::of("read", &nodes_path))?;
        Ok((file, nodes, size))
    }

    /// Reads a blob that seems to be damaged again: one that is right stays, and its tree is made again; another one is removed.
    /// Returns whether it stays.
    ///
    /// # Errors
    /// If it cannot be read, or its files cannot be replaced.
    pub(crate) fn check(&self, digest: Digest) -> Result<bool, BlobError> {
        files::remove(&self.nodes_path(digest))?;
        match self.open_with_nodes(digest) {
            Ok(_) => Ok(true),
            Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a blob and the nodes of its tree, pinned or not.
    ///
    /// # Errors
    /// If a file is there and cannot be removed.
    pub fn remove(&self, digest: Digest) -> Result<(), FileError> {
        files::remove(&self.nodes_path(digest))?;
        files::remove(&self.path(digest))
    }

    /// Removes a blob whose opened file is found to be damaged, so that it can be fetched or computed again, and says what it was. While
    /// it was read, which may take long, somebody else may have put the right one there: that stays.
    fn damaged(&self, digest: Digest, file: &File) -> BlobError {
        let path = self.path(digest);
        let of = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let same = match (file.metadata(), path.metadata()) {
            (Ok(opened), Ok(there)) => of(opened) == of(there),
            _ => false,
        };
        match same.then(|| self.remove(digest)) {
            Some(Err(error)) => error.into(),
            _ => BlobError::Corrupt { digest, path },
        }
    }
}

/// Holds what is being written until what is returned is dropped.
fn locked(file: &AtomicFile, path: &Path) -> Result<File, Import> {
    let file = file.reopen().map_err(|error| Import::Kept(error.into()))?;
    file.lock().map_err(|error| Import::Kept(FileError::of("lock", path)(error).into()))?;
    Ok(file)
}

/// Why bytes were not taken in.
pub(crate) enum Import {
    /// Reading them failed, or there are fewer.
    Read(io::Error),
    /// They are another blob.
    Wrong {
        /// What they were to be.
        expected: Digest,
        /// What they are.
        found: Digest,
    },
    /// They cannot be kept.
    Kept(BlobError),
}

/// Notes that a blob is used. A convenience: what is used least goes first when there is no room.
fn note_use(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

/// Knows whether an error is the reader's, and how much has come.
struct Reading<R> {
    from: R,
    failed: bool,
    room: Reserved,
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer);
        self.failed |= matches!(&read, Err(error) if error.kind() != io::ErrorKind::Interrupted);
        self.room.came(read.as_ref().map_or(0, |count| *count as u64));
        read
    }
}

struct Counting<'a, R> {
    from: R,
    count: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.count = self.count.saturating_add(count as u64);
        (self.progress)(self.count);
        Ok(count)
    }
}

impl BlobStore for LocalBlobs {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = Digest::of(bytes);
        // What is there under the name is read again: a corrupt copy is replaced, a good one stays.
        match self.get(digest) {
            Ok(_) => {}
            Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => {
                // With its tree: whoever fetches it first does not wait for that.
                self.import(bytes, bytes.len() as u64, Some(digest)).map_err(|error| match error {
                    Import::Kept(error) => error,
                    Import::Read(error) => FileError::of("write", &self.path(digest))(error).into(),
                    Import::Wrong { .. } => BlobError::Corrupt { digest, path: self.path(digest) },
                })?;
            }
            Err(error) => return Err(error),
        }
        Ok(digest)
    }

    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        self.read_within(digest, limit)
    }

    fn file_within(&self, digest: Digest, limit: u64) -> Result<PathBuf, BlobError> {
        self.verified_within(digest, limit)
    }

    fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        let path = self.path(digest);
        Ok(path.try_exists().map_err(FileError::of("look for", &path))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, LocalBlobs) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path().join("blobs")).unwrap();
        (folder, store)
    }

    #[test]
    fn what_is_put_comes_back_under_its_hash() {
        let (_folder, store) = store();
        for bytes in [&b""[..], b"a", &[7; 100_000]] {
            let digest = store.put(bytes).unwrap();
            assert_eq!(digest, Digest::of(bytes));
            assert_eq!(store.put(bytes).unwrap(), digest, "twice is once");
            assert_eq!(store.get(digest).unwrap(), bytes);
            assert!(store.has(digest).unwrap());
        }
    }

    /// It stays where it is: it may be the right blob for somebody else.
    #[test]
    fn a_blob_beyond_the_limit_is_not_read() {
        let (_folder, store) = store();
        let digest = store.put(&[7; 1_000]).unwrap();
        let error = store.get_within(digest, 999).unwrap_err();
        assert!(matches!(error, BlobError::TooLarge { found: 1_000, limit: 999, .. }), "{error}");
        assert_eq!(store.get_within(digest, 1_000).unwrap().len(), 1_000);
        // What somebody appended to is not a larger blob, but a damaged one.
        std::fs::write(store.path(digest), [7; 1_001]).unwrap();
        assert!(matches!(store.get_within(digest, 1_000), Err(BlobError::Corrupt { .. })));
    }

    #[test]
    fn a_file_is_kept_and_verified_without_being_held_in_memory() {
        let (folder, store) = store();
        let file = folder.path().join("file");
        let bytes = vec![9; 1_000_000];
        std::fs::write(&file, &bytes).unwrap();
        let mut read = 0;
        let (digest, size) = store.put_file(&file, &mut |count| read = count).unwrap();
        assert_eq!((digest, size, read), (Digest::of(&bytes), 1_000_000, 1_000_000));
        assert_eq!(store.file_within(digest, size).unwrap(), store.path(digest));
        assert!(matches!(store.file_within(digest, size - 1), Err(BlobError::TooLarge { .. })));
        std::fs::write(store.path(digest), &bytes[1..]).unwrap();
        assert!(matches!(store.file_within(digest, size), Err(BlobError::Corrupt { .. })));
        assert!(matches!(store.file_within(digest, size), Err(BlobError::Missing { .. })), "dropped");
        let left = std::fs::read_dir(store.root().join("partial")).unwrap().count();
        assert_eq!(left, 0, "nothing is left behind");
    }

    /// Nobody who fetches it waits until it is hashed.
    #[test]
    fn a_blob_is_put_with_its_tree() {
        let (_folder, store) = store();
        let bytes = vec![5; 100_000];
        let digest = store.put(&bytes).unwrap();
        let nodes = store.nodes_path(digest).metadata().unwrap();
        assert_eq!(nodes.len(), tree::shape(100_000).outboard_size());
        assert!(store.check(digest).unwrap(), "and it is the right one");
    }

    #[test]
    fn a_tree_that_many_need_is_made_once() {
        let (_folder, store) = store();
        let digest = store.put(&vec![5; 3_000_000]).unwrap();
        std::fs::remove_file(store.nodes_path(digest)).unwrap();
        let inodes = std::thread::scope(|scope| {
            let threads = [0; 8].map(|_| scope.spawn(|| store.open_with_nodes(digest).unwrap().1));
            threads.map(|thread| {
                std::os::unix::fs::MetadataExt::ino(&thread.join().unwrap().metadata().unwrap())
            })
        });
        assert!(inodes.iter().all(|inode| *inode == inodes[0]), "{inodes:?}");
    }

    #[test]
    fn a_check_removes_what_is_damaged_and_makes_a_damaged_tree_again() {
        let (_folder, store) = store();
        let digest = store.put(&vec![5; 100_000]).unwrap();
        let tree = std::fs::read(store.nodes_path(digest)).unwrap();
        std::fs::write(store.nodes_path(digest), vec![0; tree.len()]).unwrap();
        assert!(store.check(digest).unwrap());
        assert_eq!(std::fs::read(store.nodes_path(digest)).unwrap(), tree);
        std::fs::write(store.path(digest), vec![6; 100_000]).unwrap();
        assert!(!store.check(digest).unwrap());
        assert!(!store.has(digest).unwrap() && !store.nodes_path(digest).exists());
        assert!(!store.check(digest).unwrap(), "it is not there any more");
    }

    /// What is truncated or changed under its name is not served: making its tree shows it.
    #[test]
    fn the_tree_is_made_of_the_right_bytes_only() {
        let (_folder, store) = store();
        let bytes = vec![5; 100_000];
        let digest = store.put(&bytes).unwrap();
        let (_, nodes, size) = store.open_with_nodes(digest).unwrap();
        assert_eq!(size, 100_000);
        assert_eq!(nodes.metadata().unwrap().len(), tree::shape(size).outboard_size());
        std::fs::write(store.path(digest), &bytes[..50_000]).unwrap();
        assert!(matches!(store.open_with_nodes(digest), Err(BlobError::Corrupt { .. })));
        assert!(!store.has(digest).unwrap());
    }

    /// Reading a large one takes long.
    #[test]
    fn what_is_put_in_the_place_of_a_damaged_blob_while_that_is_read_stays() {
        let (_folder, store) = store();
        let digest = store.put(b"good").unwrap();
        std::fs::write(store.path(digest), b"bad!").unwrap();
        let damaged = File::open(store.path(digest)).unwrap();
        assert_eq!(store.put(b"good").unwrap(), digest);
        assert!(matches!(store.damaged(digest, &damaged), BlobError::Corrupt { .. }));
        assert!(store.nodes_path(digest).exists());
        assert_eq!(store.get(digest).unwrap(), b"good");
        let there = File::open(store.path(digest)).unwrap();
        assert!(matches!(store.damaged(digest, &there), BlobError::Corrupt { .. }));
        assert!(!store.has(digest).unwrap());
    }

    #[test]
    fn a_missing_blob_is_named_with_the_place() {
        let (_folder, store) = store();
        let digest = Digest::of(b"never put");
        let error = store.get(digest).unwrap_err();
        assert!(matches!(error, BlobError::Missing { .. }));
        assert!(error.to_string().contains(&digest.to_string()), "{error}");
        assert!(!store.has(digest).unwrap());
    }

    #[test]
    fn a_corrupt_or_truncated_blob_is_dropped_and_can_be_put_again() {
        let (_folder, store) = store();
        for damage in [&b"other bytes"[..], b"", b"goo"] {
            let digest = store.put(b"good").unwrap();
            std::fs::write(store.path(digest), damage).unwrap();
            assert!(matches!(store.get(digest), Err(BlobError::Corrupt { .. })));
            assert!(matches!(store.get(digest), Err(BlobError::Missing { .. })), "dropped");
            store.put(b"good").unwrap();
            std::fs::write(store.path(digest), damage).unwrap();
            assert_eq!(store.put(b"good").unwrap(), digest, "putting repairs");
            assert_eq!(store.get(digest).unwrap(), b"good");
        }
    }
}

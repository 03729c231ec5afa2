//! A download that may be cut off at any time, and goes on from there.
//!
//! Verified bytes are written in order. Now and then they are flushed to the disk, and then noted: what is noted is there, and is
//! not read or fetched again. What was written after the last note is. What comes meanwhile does not wait for the disk, unless that
//! falls behind.

use crate::{
    BlobError, LocalBlobs,
    files::{self, FileError},
    room::Reserved,
    tree::{self, GROUP_BYTES},
};
use bao_tree::io::{BaoContentItem, outboard::PreOrderOutboard, sync::OutboardMut};
use sabha_protocol::Digest;
use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    thread::{self, JoinHandle},
};

/// Bytes that room is made for at once: whoever sends nothing makes nothing go.
const ROOM_BYTES: u64 = 16 << 20;

/// Bytes after which progress is flushed and noted.
const NOTE_EVERY: u64 = 32 << 20;

/// Bytes that may have come and not be noted, while the disk is behind.
const MOST_UNNOTED: u64 = 128 << 20;

/// What is noted behind a size that is not proved.
const CLAIMED: &str = "claimed";

/// A download in a store's folder. While it lives nobody else works on it.
#[derive(Debug)]
pub struct Partial {
    store: LocalBlobs,
    digest: Digest,
    size: u64,
    data: File,
    nodes: PreOrderOutboard<File>,
    /// Verified bytes, from the beginning.
    done: u64,
    /// Of them, those that a crash does not take away.
    noted: u64,
    /// What is on its way to the disk.
    flushing: Option<JoinHandle<Result<u64, BlobError>>>,
    /// Whether something did not get there. The system says so once, so nothing is noted from then on.
    broken: bool,
    /// Bytes after which progress is flushed and noted.
    note_every: u64,
    /// Bytes that room was made for.
    room: u64,
    /// Of them, those that are to come.
    coming: Option<Reserved>,
    /// Whether the size is proved.
    proved: bool,
}

/// Whether a download can go on.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It can.
    Here(Box<Partial>),
    /// Somebody else works on it.
    Taken,
    /// What came is of a blob of another size, which is proved.
    OtherSize(u64),
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The blob's bytes.
    pub size: u64,
    /// Of them, those that are there and verified.
    pub done: u64,
}

impl LocalBlobs {
    fn partial_path(&self, digest: Digest, suffix: &str) -> PathBuf {
        self.root().join("partial").join(format!("{digest}{suffix}"))
    }

    /// How far a download is that was cut off.
    pub fn progress(&self, digest: Digest) -> Option<Progress> {
        self.noted(digest).map(|(progress, _)| progress)
    }

    /// The same, and whether the size is proved.
    fn noted(&self, digest: Digest) -> Option<(Progress, bool)> {
        let text = fs::read_to_string(self.partial_path(digest, ".done")).ok()?;
        let mut words = text.trim_end().split(' ');
        let (size, done) = (words.next()?, words.next()?);
        let proved = words.next() != Some(CLAIMED);
        let progress = Progress { size: size.parse().ok()?, done: done.parse().ok()? };
        let there = |suffix: &str| self.partial_path(digest, suffix).metadata().map_or(0, |file| file.len());
        let whole = progress.done.is_multiple_of(GROUP_BYTES) || progress.done == progress.size;
        // What the note says must be there.
        (progress.done <= progress.size && whole && there("") >= progress.done).then_some((progress, proved))
    }
}

impl Partial {
    /// Goes on with the download of a blob of `size` bytes, or begins one. A size that is not `proved` does not undo what came of a
    /// blob of another size that is.
    ///
    /// # Errors
    /// If the files cannot be made.
    pub(crate) fn open(
        store: &LocalBlobs,
        digest: Digest,
        size: u64,
        proved: bool,
    ) -> Result<Opened, BlobError> {
        let path = store.partial_path(digest, "");
        files::create_folder(&store.root().join("partial"))?;
        store.remove_stale_partials()?;
        let open = |path: &PathBuf| {
            let mut options = File::options();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(FileError::of("open", path))
        };
        let data = open(&path)?;
        match data.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Opened::Taken),
            Err(TryLockError::Error(error)) => return Err(FileError::of("lock", &path)(error).into()),
        }
        // Between opening and locking, somebody else may have put it in its place.
        let opened = data.metadata().map_err(FileError::of("read", &path))?;
        if path.metadata().map_or(true, |there| there.ino() != opened.ino()) {
            return Ok(Opened::Taken);
        }
        let noted = store.noted(digest);
        if let Some((other, true)) = noted
            && other.size != size
            && other.done > 0
            && !proved
        {
            return Ok(Opened::OtherSize(other.size));
        }
        let nodes_path = store.partial_path(digest, ".nodes");
        let nodes = tree::nodes(digest, size, open(&nodes_path)?);
        let going_on = noted.filter(|(progress, _)| progress.size == size);
        let done = going_on.map_or(0, |(progress, _)| progress.done);
        let proved = proved || going_on.is_some_and(|(_, proved)| proved);
        let mut data = data;
        data.seek(SeekFrom::Start(done)).map_err(FileError::of("read", &path))?;
        let store = store.clone();
        let partial = Self {
            store,
            digest,
            size,
            data,
            nodes,
            done,
            noted: done,
            flushing: None,
            broken: false,
            note_every: NOTE_EVERY,
            room: done,
            coming: None,
            proved,
        };
        Ok(Opened::Here(Box::new(partial)))
    }

    /// The first byte that is missing.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Takes in what was verified.
    ///
    /// # Errors
    /// If it cannot be written, or there is no room for it.
    pub(crate) fn take(&mut self, item: BaoContentItem) -> Result<(), BlobError> {
        match item {
            BaoContentItem::Parent(parent) => {
                let path = self.store.partial_path(self.digest, ".nodes");
                self.nodes.save(parent.node, &parent.pair).map_err(FileError::of("write", &path))?;
            }
            BaoContentItem::Leaf(leaf) if leaf.offset == self.done => {
                let path = self.store.partial_path(self.digest, "");
                let end = self.done.saturating_add(leaf.data.len() as u64);
                if end > self.room {
                    let step = ROOM_BYTES
                        .min(self.size.saturating_sub(self.room))
                        .max(end.saturating_sub(self.room));
                    self.coming = Some(self.store.make_room(tree::with_nodes(step))?);
                    self.room = self.room.saturating_add(step);
                }
                self.data.write_all(&leaf.data).map_err(FileError::of("write", &path))?;
                if let Some(coming) = &mut self.coming {
                    coming.came(leaf.data.len() as u64);
                }
                self.done = end;
                if self.done.saturating_sub(self.noted) >= self.note_every {
                    self.flush()?;
                }
            }
            // Groups come in order, so it is one that is here.
            BaoContentItem::Leaf(_) => {}
        }
        Ok(())
    }

    /// Flushes what came to the disk, and notes that it is there. After a failure nothing is noted any more.
    ///
    /// # Errors
    /// If it cannot be flushed.
    pub fn note(&mut self) -> Result<(), BlobError> {
        if self.broken {
            return Ok(());
        }
        self.flushed()?;
        let noted = self.to_note().flush([&self.data, &self.nodes.data]);
        self.broken = noted.is_err();
        self.noted = noted?;
        Ok(())
    }

    /// The same, on a thread of its own. One that is at it is waited for only if the disk has fallen far behind.
    fn flush(&mut self) -> Result<(), BlobError> {
        let busy = self.flushing.as_ref().is_some_and(|flushing| !flushing.is_finished());
        if busy && self.done.saturating_sub(self.noted) < MOST_UNNOTED {
            return Ok(());
        }
        self.flushed()?;
        if self.done.saturating_sub(self.noted) < self.note_every {
            return Ok(());
        }
        let note = self.to_note();
        let path = note.path.clone();
        let clone = |file: &File| file.try_clone().map_err(FileError::of("open", &path));
        let files = [clone(&self.data)?, clone(&self.nodes.data)?];
        let begun = thread::Builder::new().spawn(move || note.flush(files.each_ref()));
        self.flushing = Some(begun.map_err(FileError::of("write", &path))?);
        Ok(())
    }

    /// Waits until nothing is on its way to the disk.
    fn flushed(&mut self) -> Result<(), BlobError> {
        let Some(flushing) = self.flushing.take() else { return Ok(()) };
        let ended = flushing.join().unwrap_or_else(|_| {
            let path = self.store.partial_path(self.digest, "");
            Err(FileError::of("write", &path)(io::Error::other("it was given up")).into())
        });
        self.broken = ended.is_err();
        self.noted = ended?;
        Ok(())
    }

    fn to_note(&self) -> Note {
        let path = |suffix| self.store.partial_path(self.digest, suffix);
        Note { path: path(""), note: path(".done"), size: self.size, done: self.done, proved: self.proved }
    }

    /// Puts the blob in its place. Everything must be there.
    ///
    /// # Errors
    /// If something is missing, or a file cannot be moved.
    pub fn finish(mut self) -> Result<PathBuf, BlobError> {
        let path = self.store.partial_path(self.digest, "");
        if self.done != self.size {
            let short = io::Error::new(io::ErrorKind::UnexpectedEof, "the download is not complete");
            return Err(FileError::of("finish", &path)(short).into());
        }
        self.note()?;
        if self.noted != self.size {
            let lost = io::Error::other("what came has not reached the disk");
            return Err(FileError::of("finish", &path)(lost).into());
        }
        // An earlier download of another size may have left more.
        self.data.set_len(self.size).map_err(FileError::of("write", &path))?;
        let nodes = tree::shape(self.size).outboard_size();
        let cut = self.nodes.data.set_len(nodes);
        cut.map_err(FileError::of("write", &path))?;
        files::rename(&self.store.partial_path(self.digest, ".nodes"), &self.store.nodes_path(self.digest))?;
        let to = self.store.path(self.digest);
        files::rename(&path, &to)?;
        files::remove(&self.store.partial_path(self.digest, ".done"))?;
        Ok(to)
    }

    /// Removes what came.
    pub(crate) fn discard(mut self) -> Result<(), BlobError> {
        // Whatever becomes of it, nothing is noted afterwards.
        let _ = self.flushed();
        for suffix in [".done", ".nodes", ""] {
            files::remove(&self.store.partial_path(self.digest, suffix))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    /// The lock is of the open file, which a thread that flushes it has, too: whoever comes next is not to find it taken.
    fn drop(&mut self) {
        let _ = self.flushed();
    }
}

/// What is to be noted when it has reached the disk.
struct Note {
    path: PathBuf,
    note: PathBuf,
    size: u64,
    done: u64,
    proved: bool,
}

impl Note {
    /// Returns how many bytes are noted.
    fn flush(&self, files: [&File; 2]) -> Result<u64, BlobError> {
        for file in files {
            file.sync_data().map_err(FileError::of("write", &self.path))?;
        }
        let claimed = if self.proved { "" } else { CLAIMED };
        let text = format!("{} {} {claimed}", self.size, self.done).trim_end().to_owned() + "\n";
        files::write_atomic(&self.note, text.as_bytes())?;
        Ok(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bao_tree::io::Leaf;
    use std::time::{Duration, Instant};

    const STEP: u64 = 4 * GROUP_BYTES;

    fn here(store: &LocalBlobs, digest: Digest) -> Box<Partial> {
        match Partial::open(store, digest, 64 * GROUP_BYTES, true).unwrap() {
            Opened::Here(mut partial) => {
                partial.note_every = STEP;
                partial
            }
            other => panic!("{other:?}"),
        }
    }

    fn groups(partial: &mut Partial, count: u64) -> Result<(), BlobError> {
        for _ in 0..count {
            let data = vec![7; GROUP_BYTES as usize].into();
            partial.take(BaoContentItem::Leaf(Leaf { offset: partial.done(), data }))?;
        }
        Ok(())
    }

    /// Waits for what another thread does.
    fn until(what: impl Fn() -> bool) {
        let began = Instant::now();
        while !what() {
            assert!(began.elapsed() < Duration::from_secs(30), "it never happens");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn noted(store: &LocalBlobs, digest: Digest) -> u64 {
        store.progress(digest).map_or(0, |progress| progress.done)
    }

    fn at_rest(partial: &Partial) -> bool {
        partial.flushing.as_ref().is_none_or(JoinHandle::is_finished)
    }

    #[test]
    fn what_has_come_is_noted_while_more_comes_and_the_next_one_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path()).unwrap();
        let digest = Digest::of(b"a blob");
        let mut partial = here(&store, digest);
        groups(&mut partial, 3).unwrap();
        assert!(partial.flushing.is_none());
        groups(&mut partial, 1).unwrap();
        until(|| noted(&store, digest) == STEP && at_rest(&partial));
        // Less than a step came since.
        groups(&mut partial, 2).unwrap();
        assert!(partial.flushing.is_none() && partial.noted == STEP);
        groups(&mut partial, 2).unwrap();
        // Nobody waits for what is on its way; who comes next finds the file free and the note there.
        drop(partial);
        assert_eq!(noted(&store, digest), 2 * STEP);
        assert_eq!(here(&store, digest).done(), 2 * STEP);
    }

    #[test]
    fn what_did_not_reach_the_disk_is_told_and_nothing_is_noted_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path()).unwrap();
        let digest = Digest::of(b"a blob");
        let mut partial = here(&store, digest);
        // In the way of the note.
        let note = store.partial_path(digest, ".done");
        fs::create_dir_all(note.join("x")).unwrap();
        groups(&mut partial, 4).unwrap();
        until(|| at_rest(&partial));
        let error = groups(&mut partial, 4).unwrap_err().to_string();
        assert!(error.contains(".done"), "{error}");
        fs::remove_dir_all(&note).unwrap();
        partial.note().unwrap();
        assert_eq!(noted(&store, digest), 0);
        partial.done = partial.size;
        assert!(matches!(partial.finish(), Err(BlobError::File(_))));
        assert!(!store.path(digest).exists());
    }
}

//! How much of the disk blobs may take.
//!
//! What a pin names stays, and what is still to be sent to an object store. Of the rest, what was not used for the longest time goes first, when room is needed or when asked. A
//! store without a limit never removes anything by itself.

use crate::{
    BlobError, LocalBlobs,
    files::{self, FileError},
    local::Entry,
    upload::{self, Item},
};
use sabha_protocol::Digest;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// How long what was counted is relied on: other processes may share the folder.
const COUNTED_FOR: Duration = Duration::from_secs(30);

/// How long an incomplete download that nobody works on is kept.
const PARTIAL_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The same, when room is needed.
const PARTIAL_FOR_PRESSED: Duration = Duration::from_secs(60 * 60);

/// The limit, and what is known of the bytes that are taken.
#[derive(Debug, Default)]
pub(crate) struct Room {
    limit: Option<u64>,
    counted: Mutex<Option<(u64, Instant)>>,
    /// Bytes that room was made for, and that are not in the folder yet: a count of the folder does not tell.
    coming: AtomicU64,
    /// Trees that are being made.
    making: Mutex<BTreeMap<Digest, Arc<Mutex<()>>>>,
}

impl Room {
    pub(crate) fn of(limit: Option<u64>) -> Self {
        Self { limit, ..Self::default() }
    }

    fn counted(&self) -> MutexGuard<'_, Option<(u64, Instant)>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What whoever makes a blob's tree holds.
    pub(crate) fn making(&self, digest: Digest) -> Arc<Mutex<()>> {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        making.entry(digest).or_default().clone()
    }

    /// It is made, or cannot be.
    pub(crate) fn made(&self, digest: Digest, lock: Arc<Mutex<()>>) {
        let mut making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        drop(lock);
        if making.get(&digest).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            making.remove(&digest);
        }
    }
}

/// Room for something that is being written, which nothing else takes meanwhile.
#[derive(Debug)]
pub(crate) struct Reserved {
    room: Arc<Room>,
    bytes: u64,
}

impl Reserved {
    /// Some of it is in the folder.
    pub(crate) fn came(&mut self, bytes: u64) {
        let came = bytes.min(self.bytes);
        self.bytes = self.bytes.saturating_sub(came);
        self.room.coming.fetch_sub(came, Ordering::Relaxed);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.came(self.bytes);
    }
}

/// What a collection came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// What was removed.
    pub removed: Vec<Digest>,
    /// Bytes that were freed.
    pub freed: u64,
    /// Bytes that are still taken.
    pub left: u64,
}

/// Pinned blobs, by the name of the pin.
pub type Pins = BTreeMap<String, BTreeSet<Digest>>;

impl LocalBlobs {
    /// The bytes that blobs may take, if there is a limit.
    pub fn limit(&self) -> Option<u64> {
        self.room.limit
    }

    /// All blobs that are there, in order of their addresses; unverified.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, BlobError> {
        let mut entries = Vec::new();
        for (path, name) in folder(self.root())? {
            if name.len() != 2 || !path.is_dir() {
                continue;
            }
            for (path, name) in folder(&path)? {
                let Ok(digest) = name.parse::<Digest>() else { continue };
                // It may have gone meanwhile.
                let Ok(metadata) = path.metadata() else { continue };
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                entries.push(Entry { digest, size: metadata.len(), used });
            }
        }
        entries.sort_unstable_by_key(|entry| entry.digest);
        Ok(entries)
    }

    /// Bytes that the store takes: blobs, their trees, and incomplete downloads.
    ///
    /// # Errors
    /// If a folder cannot be read.
    pub fn used(&self) -> Result<u64, BlobError> {
        let blobs = self.entries()?.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
        let mut used = blobs;
        for name in ["nodes", "notes", "partial"] {
            for (path, _) in folder(&self.root().join(name))? {
                used = used.saturating_add(path.metadata().map_or(0, |metadata| metadata.len()));
            }
        }
        Ok(used)
    }

    /// Makes room for `needed` more bytes, and keeps it until what is returned is dropped: by then they are in the folder, or do not
    /// come.
    ///
    /// # Errors
    /// [`BlobError::Full`] if what is pinned leaves no room for them.
    pub(crate) fn make_room(&self, needed: u64) -> Result<Reserved, BlobError> {
        let mut counted = self.room.counted();
        if let Some(limit) = self.limit() {
            let fresh = counted.filter(|(_, when)| when.elapsed() < COUNTED_FOR);
            let (used, when) = match fresh {
                Some(known) => known,
                None => {
                    (self.used()?.saturating_add(self.room.coming.load(Ordering::Relaxed)), Instant::now())
                }
            };
            let total = used.saturating_add(needed);
            if total <= limit {
                *counted = Some((total, when));
            } else {
                let coming = self.room.coming.load(Ordering::Relaxed);
                // Nothing is given up in vain.
                self.could_hold(needed, coming)?;
                let target = limit.saturating_sub(needed).saturating_sub(coming);
                let held = self.collect(target)?.left.saturating_add(coming);
                let total = held.saturating_add(needed);
                *counted = Some((if total > limit { held } else { total }, Instant::now()));
                if total > limit {
                    return Err(BlobError::Full { root: self.root().into(), needed, held, limit });
                }
            }
        }
        // Under the lock: who counts finds all of it.
        self.room.coming.fetch_add(needed, Ordering::Relaxed);
        Ok(Reserved { room: self.room.clone(), bytes: needed })
    }

    /// Whether so many more bytes would fit beside those that are `coming`, if everything went that is not kept.
    ///
    /// # Errors
    /// [`BlobError::Full`] if they would not.
    pub(crate) fn could_hold(&self, needed: u64, coming: u64) -> Result<(), BlobError> {
        let Some(limit) = self.limit() else { return Ok(()) };
        let kept = self.kept()?;
        let entries = self.entries()?.into_iter().filter(|entry| kept.contains(&entry.digest));
        let held = entries.fold(coming, |sum, entry| sum.saturating_add(entry.size));
        if held.saturating_add(needed) > limit {
            return Err(BlobError::Full { root: self.root().into(), needed, held, limit });
        }
        Ok(())
    }

    /// What is not removed: what a pin names, and what is still to be sent to an object store, for it may be nowhere else.
    fn kept(&self) -> Result<BTreeSet<Digest>, BlobError> {
        let mut kept = self.pinned_by_any()?;
        kept.extend(upload::unsent(self)?.iter().filter_map(Item::digest));
        Ok(kept)
    }

    /// Removes blobs that no pin names and that need not be sent anywhere any more, the least recently used ones first, until `target` bytes are taken at most; and what is
    /// left of downloads that nobody goes on with.
    ///
    /// # Errors
    /// If a folder or a pin cannot be read, or a file cannot be removed.
    pub fn collect(&self, target: u64) -> Result<Collected, BlobError> {
        // First: a pin that cannot be read keeps everything.
        self.pinned_by_any()?;
        let before = self.used()?;
        self.remove_partials(PARTIAL_FOR_PRESSED)?;
        self.remove_lost_nodes()?;
        let mut done = Collected { left: self.used()?, ..Collected::default() };
        let mut entries = self.entries()?;
        entries.sort_by_key(|entry| entry.used);
        for entry in entries {
            if done.left <= target {
                break;
            }
            // Anew each time: others pin what they have found here, and a collection may take long.
            if self.kept()?.contains(&entry.digest) {
                continue;
            }
            let nodes = self.nodes_path(entry.digest).metadata().map_or(0, |metadata| metadata.len());
            self.remove(entry.digest)?;
            tracing::info!(blob = %entry.digest, bytes = entry.size, "removed a blob to make room");
            done.removed.push(entry.digest);
            done.left = done.left.saturating_sub(entry.size.saturating_add(nodes));
        }
        done.freed = before.saturating_sub(done.left);
        Ok(done)
    }

    /// Removes downloads that nobody has gone on with for a day, whether there is a limit or not.
    ///
    /// # Errors
    /// If a folder cannot be read, or a file cannot be removed.
    pub(crate) fn remove_stale_partials(&self) -> Result<(), BlobError> {
        self.remove_partials(PARTIAL_FOR)
    }

    fn remove_partials(&self, age: Duration) -> Result<(), BlobError> {
        let mut downloads = BTreeMap::<String, (Vec<PathBuf>, SystemTime)>::new();
        for (path, name) in folder(&self.root().join("partial"))? {
            // It may have gone meanwhile.
            let Ok(touched) = path.metadata().and_then(|metadata| metadata.modified()) else { continue };
            // The parts of a download go together.
            let digest = name.split('.').next().filter(|digest| !digest.is_empty());
            let whose = digest.map_or_else(|| name.clone(), str::to_owned);
            let (paths, last) = downloads.entry(whose).or_insert((Vec::new(), touched));
            paths.push(path);
            *last = touched.max(*last);
        }
        for (name, (mut paths, touched)) in downloads {
            if !touched.elapsed().is_ok_and(|idle| idle >= age) {
                continue;
            }
            // Who works on it holds the lock, and nobody begins to while this one has it.
            let path = self.root().join("partial").join(name);
            let Some(_lock) = lock_download(&path)? else { continue };
            // Meanwhile somebody may have gone on with it.
            let modified = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
            if paths.iter().filter_map(modified).any(|now| now > touched) {
                continue;
            }
            if !paths.contains(&path) {
                paths.push(path);
            }
            // The one that is locked goes last: its name is the shortest.
            paths.sort_by_key(|path| Reverse(path.as_os_str().len()));
            for path in paths {
                files::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Trees whose blobs are gone.
    fn remove_lost_nodes(&self) -> Result<(), BlobError> {
        for (path, name) in folder(&self.root().join("nodes"))? {
            if let Ok(digest) = name.parse::<Digest>()
                && self.size(digest)?.is_none()
            {
                files::remove(&path)?;
            }
        }
        Ok(())
    }

    /// All pins.
    ///
    /// # Errors
    /// If a pin cannot be read, or does not hold digests.
    pub fn pins(&self) -> Result<Pins, BlobError> {
        let mut pins = Pins::new();
        for (path, name) in folder(&self.root().join("pins"))? {
            if !name.starts_with('.') {
                pins.insert(name, read_pin(&path)?);
            }
        }
        Ok(pins)
    }

    /// The pins whose names begin with `prefix`. Damage of others does not matter.
    ///
    /// # Errors
    /// If one of them cannot be read, or does not hold digests.
    pub fn pins_named(&self, prefix: &str) -> Result<Pins, BlobError> {
        let named =
            folder(&self.root().join("pins"))?.into_iter().filter(|(_, name)| name.starts_with(prefix));
        named.map(|(path, name)| Ok((name, read_pin(&path)?))).collect()
    }

    /// What any pin keeps.
    ///
    /// # Errors
    /// As [`Self::pins`].
    pub fn pinned_by_any(&self) -> Result<BTreeSet<Digest>, BlobError> {
        Ok(self.pins()?.into_values().flatten().collect())
    }

    /// Keeps `digests`, and no others, under the pin `name`; none at all removes the pin. They need not be there yet.
    ///
    /// # Errors
    /// If the pin cannot be named so, or not be written.
    pub fn pin(&self, name: &str, digests: &BTreeSet<Digest>) -> Result<(), BlobError> {
        let path = self.pin_path(name)?;
        if digests.is_empty() {
            return Ok(files::remove(&path)?);
        }
        let text: String = digests.iter().map(|digest| format!("{digest}\n")).collect();
        Ok(files::write_atomic(&path, text.as_bytes())?)
    }

    /// What the pin `name` keeps.
    ///
    /// # Errors
    /// If the pin cannot be named so, or not be read.
    pub fn pinned(&self, name: &str) -> Result<BTreeSet<Digest>, BlobError> {
        read_pin(&self.pin_path(name)?)
    }

    /// Makes the damaged ones of the pins that `own` names readable again: of what a crash of the machine has left of one, each whole
    /// digest is kept. Returns their names. Whoever owns them pins anew what they lack.
    ///
    /// # Errors
    /// If a pin cannot be read, or not be written.
    pub fn mend_pins(&self, own: impl Fn(&str) -> bool) -> Result<Vec<String>, BlobError> {
        let mut mended = Vec::new();
        for (path, name) in folder(&self.root().join("pins"))? {
            if !is_plain(&name) || !own(&name) || !matches!(read_pin(&path), Err(BlobError::Pin { .. })) {
                continue;
            }
            let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
            let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
            self.pin(&name, &lines.filter_map(|line| line.parse().ok()).collect())?;
            mended.push(name);
        }
        Ok(mended)
    }

    fn pin_path(&self, name: &str) -> Result<PathBuf, BlobError> {
        if is_plain(name) {
            Ok(self.root().join("pins").join(name))
        } else {
            Err(BlobError::Name { name: name.into() })
        }
    }
}

/// Whether a pin or a note can be named so.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=100).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

/// The lock of a download, whose data file is made if only other parts are left. None if somebody has it, or has ended it.
fn lock_download(path: &Path) -> Result<Option<File>, FileError> {
    // An import is one file.
    let parts = path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b"."));
    let file = match File::options().read(true).write(true).create(parts).truncate(false).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(FileError::of("open", path)(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(FileError::of("lock", path)(error)),
    }
    let same =
        file.metadata().is_ok_and(|opened| path.metadata().is_ok_and(|there| there.ino() == opened.ino()));
    Ok(same.then_some(file))
}

fn read_pin(path: &Path) -> Result<BTreeSet<Digest>, BlobError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(BlobError::Pin { path: path.into() });
        }
        Err(error) => return Err(FileError::of("read", path)(error).into()),
    };
    text.lines().map(|line| line.parse().map_err(|_| BlobError::Pin { path: path.into() })).collect()
}

/// What is in a folder: paths and names. One that is not there is empty.
pub(crate) fn folder(path: &Path) -> Result<Vec<(PathBuf, String)>, FileError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::of("read the folder", path)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(FileError::of("read the folder", path))?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((entry.path(), name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BlobStore,
        partial::{Opened, Partial},
    };

    fn store(limit: u64) -> (tempfile::TempDir, LocalBlobs) {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path()).unwrap().within(Some(limit));
        (folder, store)
    }

    /// Uses it, so many seconds ago.
    fn used_before(store: &LocalBlobs, digest: Digest, seconds: u64) {
        let file = File::options().write(true).open(store.path(digest)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn the_least_recently_used_goes_first_and_what_is_pinned_never() {
        let (_folder, store) = store(3_000);
        let blob = |fill: u8| vec![fill; 1_000];
        let [a, b, c] = [1, 2, 3].map(|fill| store.put(&blob(fill)).unwrap());
        store.pin("run-1", &BTreeSet::from([a])).unwrap();
        for (digest, seconds) in [(a, 300), (b, 200), (c, 100)] {
            used_before(&store, digest, seconds);
        }
        let d = store.put(&blob(4)).unwrap();
        assert!(!store.has(b).unwrap(), "the oldest that is not pinned");
        assert!([a, c, d].iter().all(|digest| store.has(*digest).unwrap()));
        store.get(c).unwrap();
        used_before(&store, d, 50);
        let e = store.put(&blob(5)).unwrap();
        assert!(!store.has(d).unwrap(), "reading is use");
        assert!([a, c, e].iter().all(|digest| store.has(*digest).unwrap()));
        assert!(store.used().unwrap() <= 3_000);
    }

    #[test]
    fn when_everything_is_pinned_it_is_refused_with_what_holds_the_room() {
        let (_folder, store) = store(2_500);
        let all = [1, 2].map(|fill| store.put(&vec![fill; 1_000]).unwrap());
        store.pin("run-1", &all.into()).unwrap();
        let error = store.put(&[3; 1_000]).unwrap_err();
        assert!(matches!(error, BlobError::Full { needed: 1_000, held: 2_000, limit: 2_500, .. }), "{error}");
        assert!(error.to_string().contains("storage.blobs_limit_mib"), "{error}");
        assert!(store.get(all[0]).is_ok() && store.get(all[1]).is_ok());
        assert_eq!(store.put(&[4; 500]).map(|_| ()).map_err(|error| error.to_string()), Ok(()));
        store.pin("run-1", &BTreeSet::from([all[1]])).unwrap();
        store.put(&[3; 1_000]).unwrap();
        assert!(!store.has(all[0]).unwrap() && store.has(all[1]).unwrap());
        assert!(store.put(&[5; 3_000]).is_err(), "larger than all there is");
        assert!(store.has(all[1]).unwrap());
    }

    /// It may be nowhere else.
    #[test]
    fn what_is_still_to_be_sent_stays() {
        let (_folder, store) = store(3_000);
        let [blob, replaced, sent] = [1, 2, 3].map(|fill| store.put(&[fill; 900]).unwrap());
        let unsent = store.root().join("unsent");
        for name in [format!("blob-{blob}"), format!("replaced-{replaced}"), "note-x".into()] {
            files::write_atomic(&unsent.join(name), b"1 0\n").unwrap();
        }
        assert_eq!(store.collect(0).unwrap().removed, [sent]);
        let error = store.put(&[4; 1_300]).unwrap_err();
        assert!(matches!(error, BlobError::Full { held: 1_800, .. }), "{error}");
        fs::remove_dir_all(unsent).unwrap();
        assert_eq!(store.collect(0).unwrap().removed.len(), 2);
    }

    #[test]
    fn nothing_is_given_up_for_what_does_not_fit_anyway() {
        let (_folder, store) = store(3_000);
        let [kept, loose] = [1, 2].map(|fill| store.put(&[fill; 1_000]).unwrap());
        store.pin("run-1", &BTreeSet::from([kept])).unwrap();
        let error = store.put(&[3; 2_500]).unwrap_err();
        assert!(matches!(error, BlobError::Full { needed: 2_500, held: 1_000, .. }), "{error}");
        assert!(store.has(loose).unwrap());
        store.put(&[4; 1_500]).unwrap();
        assert!(!store.has(loose).unwrap() && store.has(kept).unwrap());
    }

    #[test]
    fn a_collection_frees_what_it_says_and_trees_go_with_their_blobs() {
        let (_folder, store) = store(u64::MAX);
        let kept = store.put(&[1; 50_000]).unwrap();
        let gone = store.put(&[2; 50_000]).unwrap();
        for digest in [kept, gone] {
            store.open_with_nodes(digest).unwrap();
        }
        store.pin("manual", &BTreeSet::from([kept])).unwrap();
        let before = store.used().unwrap();
        let done = store.collect(0).unwrap();
        assert_eq!(done.removed, [gone]);
        assert_eq!((done.left, done.freed), (store.used().unwrap(), before - store.used().unwrap()));
        assert!(!store.nodes_path(gone).exists() && store.nodes_path(kept).exists());
        assert_eq!(store.entries().unwrap().len(), 1);
    }

    #[test]
    fn room_that_is_kept_for_what_is_coming_is_counted_until_it_has_come() {
        let (_folder, store) = store(3_000);
        let mut coming = store.make_room(2_000).unwrap();
        // What was counted is too old.
        *store.room.counted() = None;
        let error = store.make_room(1_500).unwrap_err();
        assert!(matches!(error, BlobError::Full { needed: 1_500, held: 2_000, .. }), "{error}");
        coming.came(1_200);
        *store.room.counted() = None;
        drop(store.make_room(1_500).unwrap());
        drop(coming);
        assert_eq!(store.room.coming.load(Ordering::Relaxed), 0);
        *store.room.counted() = None;
        store.make_room(3_000).unwrap();
    }

    #[test]
    fn pins_are_kept_by_name() {
        let (_folder, store) = store(u64::MAX);
        let digests = BTreeSet::from([Digest([1; 32]), Digest([2; 32])]);
        store.pin("a.b-c_1", &digests).unwrap();
        assert_eq!(store.pinned("a.b-c_1").unwrap(), digests);
        assert_eq!(store.pins().unwrap(), Pins::from([("a.b-c_1".into(), digests)]));
        store.pin("a.b-c_1", &BTreeSet::new()).unwrap();
        assert_eq!(store.pins().unwrap(), Pins::new());
        for name in ["", ".x", "a/b", "..", "a b", &"x".repeat(101)] {
            let refused = store.pin(name, &BTreeSet::new());
            assert!(matches!(refused, Err(BlobError::Name { .. })), "{name}");
        }
    }

    #[test]
    fn downloads_that_nobody_goes_on_with_are_removed_without_a_limit_too() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalBlobs::open(folder.path()).unwrap();
        let partial = folder.path().join("partial");
        fs::create_dir(&partial).unwrap();
        let [old, going, locked] = [1, 2, 3].map(|fill| Digest([fill; 32]));
        let long_ago = SystemTime::now() - PARTIAL_FOR;
        let make = |name: String, when| {
            let file = File::create(partial.join(name)).unwrap();
            file.set_modified(when).unwrap();
            file
        };
        for suffix in ["", ".nodes", ".done"] {
            make(format!("{old}{suffix}"), long_ago);
        }
        make(".incoming.1-1.partial".into(), long_ago);
        // Its tree is not written often.
        make(going.to_string(), SystemTime::now());
        make(format!("{going}.nodes"), long_ago);
        let held = make(locked.to_string(), long_ago);
        held.lock().unwrap();
        make(format!("{locked}.nodes"), long_ago);
        let opened = Partial::open(&store, Digest([4; 32]), 1_000, true).unwrap();
        let Opened::Here(download) = opened else { panic!("{opened:?}") };
        download.discard().unwrap();
        let mut left: Vec<String> = fs::read_dir(&partial)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let two = |digest: Digest| [digest.to_string(), format!("{digest}.nodes")];
        assert_eq!(left, [two(going), two(locked)].concat());
    }

    /// Its data file is gone, or was never made.
    #[test]
    fn what_is_left_of_a_download_without_its_data_is_removed_too() {
        let (folder, store) = store(u64::MAX);
        let partial = folder.path().join("partial");
        fs::create_dir(&partial).unwrap();
        let digest = Digest([1; 32]);
        for suffix in [".nodes", ".done"] {
            let file = File::create(partial.join(format!("{digest}{suffix}"))).unwrap();
            file.set_modified(SystemTime::now() - PARTIAL_FOR).unwrap();
        }
        store.remove_stale_partials().unwrap();
        assert_eq!(fs::read_dir(&partial).unwrap().count(), 0);
    }

    /// A clock may jump ahead.
    #[test]
    fn what_is_being_taken_in_stays_however_old_it_seems() {
        struct Old(LocalBlobs);
        impl io::Read for Old {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                for (path, _) in folder(&self.0.root().join("partial")).unwrap() {
                    let file = File::options().write(true).open(path).unwrap();
                    file.set_modified(SystemTime::now() - PARTIAL_FOR).unwrap();
                }
                self.0.remove_stale_partials().unwrap();
                buffer.fill(7);
                Ok(buffer.len())
            }
        }
        let (_folder, store) = store(u64::MAX);
        let imported = store.import(Old(store.clone()), 100_000, None);
        let Ok(digest) = imported else { panic!("it was removed") };
        assert_eq!(store.get(digest).unwrap(), [7; 100_000]);
    }

    #[test]
    fn of_a_pin_that_was_cut_off_its_owner_keeps_what_is_whole() {
        let (_folder, store) = store(u64::MAX);
        let all: Vec<Digest> = [1, 2].map(|fill| Digest([fill; 32])).into();
        let text =
            |digests: &[Digest]| digests.iter().map(|digest| format!("{digest}\n")).collect::<String>();
        let write =
            |name: &str, bytes: &[u8]| fs::write(store.root().join("pins").join(name), bytes).unwrap();
        store.pin("own-whole", &all[..1].iter().copied().collect()).unwrap();
        let cut = text(&all);
        write("own-cut", &cut.as_bytes()[..cut.len() - 9]);
        write("own-gone", &[0xff; 40]);
        write("foreign", b"damaged");
        let mut mended = store.mend_pins(|name| name.starts_with("own-")).unwrap();
        mended.sort();
        assert_eq!(mended, ["own-cut", "own-gone"]);
        assert!(matches!(store.pins(), Err(BlobError::Pin { .. })), "it is somebody else's");
        assert_eq!(store.pins_named("own-").unwrap().len(), 2);
        fs::remove_file(store.root().join("pins/foreign")).unwrap();
        let left = BTreeSet::from([all[0]]);
        assert_eq!(
            store.pins().unwrap(),
            Pins::from(["own-cut", "own-whole"].map(|name| (name.into(), left.clone())))
        );
        assert_eq!(store.mend_pins(|_| true).unwrap(), Vec::<String>::new());
    }

    /// A pin that somebody damaged must not count as none.
    #[test]
    fn with_a_damaged_pin_nothing_is_removed() {
        let (_folder, store) = store(u64::MAX);
        let digest = store.put(b"precious").unwrap();
        store.pin("x", &BTreeSet::from([digest])).unwrap();
        fs::write(store.root().join("pins/x"), "damaged").unwrap();
        assert!(matches!(store.collect(0), Err(BlobError::Pin { .. })));
        assert!(store.has(digest).unwrap());
    }
}

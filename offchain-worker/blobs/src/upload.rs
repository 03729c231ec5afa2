//! What is to be sent to the object store, until it has been.
//!
//! Each thing is a file in the folder `unsent` beside the blobs, so that a restart forgets nothing. It is sent in the background; while
//! the store does not take it, it is tried again after longer and longer times. What is small - an update, a note - does not wait for
//! what is large: each has a sender of its own.

use crate::{
    BlobError, LocalBlobs,
    files::{self, FileError},
    network::{Counts, Patience},
    objects::ObjectBlobs,
    room::folder,
};
use sabha_protocol::Digest;
use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::spawn_blocking,
    time::Instant,
};

/// The longest time after which it is tried again.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// How long a wrong object is to be replaced if the right blob does not come here.
const REPLACE_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes of a small blob, at most.
const SMALL_BYTES: u64 = 8 << 20;

/// What an object store is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// A blob, unless it is there.
    Blob(Digest),
    /// A blob, in the place of a wrong one, as soon as it is here.
    Replaced(Digest),
    /// A note.
    Note(String),
}

/// What of it one sender sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Notes and small blobs.
    Small,
    /// The rest.
    Large,
}

impl Item {
    /// The blob, if it is one.
    pub(crate) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Blob(digest) | Self::Replaced(digest) => Some(*digest),
            Self::Note(_) => None,
        }
    }

    fn file_name(&self) -> String {
        match self {
            Self::Blob(digest) => format!("blob-{digest}"),
            Self::Replaced(digest) => format!("replaced-{digest}"),
            Self::Note(name) => format!("note-{name}"),
        }
    }

    fn of_file_name(name: &str) -> Option<Self> {
        let (kind, what) = name.split_once('-')?;
        Some(match kind {
            "blob" => Self::Blob(what.parse().ok()?),
            "replaced" => Self::Replaced(what.parse().ok()?),
            "note" => Self::Note(what.into()),
            _ => return None,
        })
    }
}

/// Why something was not sent.
enum Unsent {
    /// It is not here, so that there is nothing to send.
    NotHere,
    Failed(BlobError),
}

impl From<BlobError> for Unsent {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Missing { .. } | BlobError::Corrupt { .. } => Self::NotHere,
            error => Self::Failed(error),
        }
    }
}

/// What is still to be sent of a store's blobs and notes.
pub(crate) fn unsent(own: &LocalBlobs) -> Result<Vec<Item>, FileError> {
    let found = folder(&own.root().join("unsent"))?;
    Ok(found.into_iter().filter_map(|(_, name)| Item::of_file_name(&name)).collect())
}

/// What is to be sent. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Uploads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    own: LocalBlobs,
    objects: ObjectBlobs,
    patience: Patience,
    counts: Arc<Counts>,
    /// Held while a file is written or removed.
    files: Mutex<()>,
    /// How often something was added.
    added: AtomicU64,
    small: Sender,
    large: Sender,
}

/// How far a sender is.
#[derive(Debug)]
struct Sender {
    wake: Notify,
    /// Of what was added, what has been tried, or waits until the store is tried again.
    tried: watch::Sender<u64>,
}

impl Sender {
    fn new() -> Self {
        Self { wake: Notify::new(), tried: watch::Sender::new(0) }
    }
}

impl Uploads {
    pub(crate) fn new(
        own: LocalBlobs,
        objects: ObjectBlobs,
        patience: Patience,
        counts: Arc<Counts>,
    ) -> Self {
        Self(Arc::new(Inner {
            own,
            objects,
            patience,
            counts,
            files: Mutex::default(),
            added: AtomicU64::new(0),
            small: Sender::new(),
            large: Sender::new(),
        }))
    }

    fn path(&self, item: &Item) -> PathBuf {
        self.0.own.root().join("unsent").join(item.file_name())
    }

    /// It is sent as soon as can be.
    ///
    /// # Errors
    /// If that cannot be noted on the disk.
    pub(crate) fn add(&self, item: &Item) -> Result<(), BlobError> {
        let number = self.0.added.fetch_add(1, Ordering::SeqCst);
        {
            let _files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
            // What was sent before it was added again must not take it away.
            let text = format!("{} {number}\n", std::process::id());
            files::write_atomic(&self.path(item), text.as_bytes())?;
        }
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        self.0.small.wake.notify_one();
        self.0.large.wake.notify_one();
    }

    /// A blob has come: if the store has a wrong one, it can be replaced now.
    pub(crate) fn came(&self, digest: Digest) {
        if self.path(&Item::Replaced(digest)).exists() {
            self.0.added.fetch_add(1, Ordering::SeqCst);
            self.wake();
        }
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> Result<Vec<Item>, FileError> {
        unsent(&self.0.own)
    }

    /// What waits for a sender, the smallest first.
    fn waiting_for(&self, class: Class) -> Result<Vec<Item>, FileError> {
        let mut found: Vec<(u64, Item)> =
            self.waiting()?.into_iter().map(|item| (self.size(&item), item)).collect();
        found.retain(|(size, _)| (*size > SMALL_BYTES) == (class == Class::Large));
        found.sort();
        Ok(found.into_iter().map(|(_, item)| item).collect())
    }

    /// Bytes to be sent, as far as is known.
    fn size(&self, item: &Item) -> u64 {
        item.digest().and_then(|digest| self.0.own.size(digest).ok().flatten()).unwrap_or(0)
    }

    /// Waits until everything that was added has been tried.
    pub(crate) async fn settle(self) {
        let added = self.0.added.load(Ordering::SeqCst);
        for sender in [&self.0.small, &self.0.large] {
            let _ = sender.tried.subscribe().wait_for(|tried| *tried >= added).await;
        }
    }

    /// Sends what is there, and what comes, for ever.
    pub(crate) async fn run(self) {
        tokio::join!(self.sending(Class::Small), self.sending(Class::Large));
    }

    async fn sending(&self, class: Class) {
        let sender = match class {
            Class::Small => &self.0.small,
            Class::Large => &self.0.large,
        };
        let first = self.0.patience.look_every.min(LONGEST);
        let mut delay = first;
        loop {
            let added = self.0.added.load(Ordering::SeqCst);
            let all = self.pass(class).await;
            sender.tried.send_replace(added);
            if all {
                delay = first;
                if self.0.added.load(Ordering::SeqCst) == added {
                    sender.wake.notified().await;
                }
                continue;
            }
            let after = |delay| Instant::now().checked_add(delay).unwrap_or_else(Instant::now);
            let mut until = after(delay);
            delay = delay.saturating_mul(2).min(LONGEST);
            loop {
                // What comes meanwhile waits, too, but not for long: the store may refuse one thing, and take another.
                sender.tried.send_replace(self.0.added.load(Ordering::SeqCst));
                tokio::select! {
                    () = tokio::time::sleep_until(until) => break,
                    () = sender.wake.notified() => until = until.min(after(first)),
                }
            }
        }
    }

    /// Tries everything of a class once. Returns whether the store took all of it.
    async fn pass(&self, class: Class) -> bool {
        let waiting = match self.waiting_for(class) {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(%error, "cannot see what is to be sent to the object store");
                return false;
            }
        };
        let mut all = true;
        for item in waiting {
            let path = self.path(&item);
            let Ok(text) = fs::read(&path) else { continue };
            let sent = self.send(&item).await;
            match sent {
                Ok(bytes) => {
                    Counts::add(&self.0.counts.stored, bytes);
                    self.done(&path, &text);
                }
                Err(Unsent::NotHere) if matches!(item, Item::Replaced(_)) && !is_old(&path) => {}
                Err(Unsent::NotHere) if matches!(item, Item::Blob(_)) => {
                    let store = self.0.objects.url();
                    tracing::error!(
                        ?item,
                        store,
                        "it was to be sent to the object store, and is gone from here: if nobody else has it, it is lost"
                    );
                    self.done(&path, &text);
                }
                Err(Unsent::NotHere) => {
                    tracing::info!(?item, "it was to be sent to the object store, and is gone from here");
                    self.done(&path, &text);
                }
                Err(Unsent::Failed(error)) => {
                    let store = self.0.objects.url();
                    tracing::error!(?item, %error, store, "not sent to the object store: it is tried again");
                    all = false;
                }
            }
        }
        all
    }

    /// It is not to be sent any more, unless it was added again meanwhile.
    fn done(&self, path: &std::path::Path, text: &[u8]) {
        let _files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        if fs::read(path).is_ok_and(|now| now == text)
            && let Err(error) = files::remove(path)
        {
            tracing::error!(%error, "what was sent to the object store is going to be sent again");
        }
    }

    async fn send(&self, item: &Item) -> Result<u64, Unsent> {
        let inner = &self.0;
        let (own, objects, patience) = (inner.own.clone(), &inner.objects, inner.patience);
        match item {
            Item::Blob(digest) | Item::Replaced(digest) => {
                let digest = *digest;
                let replace = matches!(item, Item::Replaced(_));
                let (blob, nodes) = (own.path(digest), own.nodes_path(digest));
                let size = aside(move || {
                    // Nothing wrong is put in the place of anything.
                    if replace && !own.check(digest)? {
                        return Err(BlobError::Missing { digest, place: own.root().display().to_string() });
                    }
                    Ok(own.open_with_nodes(digest)?.2)
                })
                .await?;
                Ok(objects.send(digest, size, blob, nodes, replace, patience).await?)
            }
            Item::Note(name) => {
                let asked = name.clone();
                let Some(note) = aside(move || own.note(&asked)).await? else {
                    return Err(Unsent::NotHere);
                };
                Ok(objects.send_note(name, note, patience).await?)
            }
        }
    }
}

fn is_old(path: &std::path::Path) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|when| when.elapsed().is_ok_and(|age| age >= REPLACE_FOR))
}

/// Reads the disk where nobody waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(BlobError::network("reading what is to be sent", io::Error::other(error)))
    })
}

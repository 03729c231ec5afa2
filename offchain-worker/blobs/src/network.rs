//! Everything beyond this machine's folders: other workers, and an object store. One for each process.
//!
//! It has threads of its own, so that whoever waits for a blob - a thread that trains, or one that serves a command - needs to know
//! nothing of how it comes.

use crate::{
    BlobError, LocalBlobs, WorkerAddress,
    objects::{ObjectBlobs, StoreOptions},
    workers::{Node, NodeOptions},
};
use bytes::{Buf, Bytes};
use futures::executor::block_on;
use sabha_protocol::Digest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    io::{self, Read},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How long a provider that sent wrong bytes is not asked again.
const DROPPED_FOR: Duration = Duration::from_secs(60 * 60);

/// How long a provider that does not answer is not asked again.
const SILENT_FOR: Duration = Duration::from_secs(15);

/// Other workers that are asked, at most: whoever registers can be one of them.
pub const MAX_WORKERS: usize = 64;

/// Pieces on their way between two threads: what one is ahead of the other, in memory.
const PIECES: usize = 8;

/// How the network is used.
#[derive(Clone, Debug, Default)]
pub struct NetworkOptions {
    /// From worker to worker: how. None: not at all.
    pub node: Option<NodeOptions>,
    /// An object store.
    pub store: Option<StoreOptions>,
    /// How long things may take.
    pub patience: Patience,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection to be made.
    pub connect: Duration,
    /// For the next bytes to come, or to be taken.
    pub idle: Duration,
    /// The least bytes a second that a transfer must come to in the long run.
    pub least_rate: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30), least_rate: 64 << 10 }
    }
}

impl Patience {
    /// How long a transfer of `bytes` may take.
    pub(crate) fn whole(&self, bytes: u64) -> Duration {
        let seconds = bytes.checked_div(self.least_rate).unwrap_or(u64::MAX);
        self.connect.saturating_add(self.idle).saturating_add(Duration::from_secs(seconds))
    }
}

/// Bytes and providers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes of blobs that came from others, verified.
    pub fetched_bytes: u64,
    /// Bytes that other workers were sent.
    pub served_bytes: u64,
    /// Bytes that were sent to the object store.
    pub stored_bytes: u64,
    /// Providers that were dropped because they sent wrong bytes.
    pub dropped_providers: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) fetched: AtomicU64,
    pub(crate) served: AtomicU64,
    pub(crate) stored: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64, bytes: u64) {
        counter.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Who may have a blob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Another worker.
    Worker(WorkerAddress),
    /// The object store.
    Store(String),
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(address) => write!(f, "worker {address}"),
            Self::Store(url) => write!(f, "{url}"),
        }
    }
}

/// Why a provider is of no use for a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It has not got it.
    Missing,
    /// It does not answer, or stopped in the middle.
    Silent(String),
    /// It sent something else.
    Wrong(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "has not got it"),
            Self::Silent(reason) => write!(f, "does not serve it: {reason}"),
            Self::Wrong(reason) => write!(f, "sent something else: {reason}"),
        }
    }
}

/// What a provider says that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) provider: Provider,
    pub(crate) size: u64,
    /// Whether it comes with the hash tree, so that each part is proved.
    pub(crate) proved: bool,
}

/// What an object store is sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Blob(Digest),
    Note(String),
}

/// What is not asked for a while.
type Out = BTreeMap<(Provider, Option<Digest>), Instant>;

/// Other workers, and an object store.
pub struct Network {
    runtime: Option<tokio::runtime::Runtime>,
    node: Option<Node>,
    objects: Option<ObjectBlobs>,
    workers: Mutex<BTreeSet<WorkerAddress>>,
    out: Mutex<Out>,
    /// What could not be sent to the object store yet.
    unsent: Mutex<BTreeSet<Item>>,
    pub(crate) patience: Patience,
    pub(crate) counts: Arc<Counts>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("node", &self.node)
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.close();
        // Where dropping may not wait, too.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Network {
    /// Listens, if it is to serve, and opens the object store, which is not asked yet. Blobs of `own` are served.
    ///
    /// # Errors
    /// Names the address that cannot be listened on, or the URL that cannot be used.
    pub fn open(options: NetworkOptions, own: &LocalBlobs) -> Result<Self, BlobError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("blobs")
            .enable_all()
            .build()
            .map_err(|error| BlobError::network("cannot start the threads of the network", error))?;
        let counts = Arc::new(Counts::default());
        let handle = runtime.handle().clone();
        // It ends the threads, wherever it is dropped.
        let mut network = Self {
            runtime: Some(runtime),
            node: None,
            objects: None,
            workers: Mutex::default(),
            out: Mutex::default(),
            unsent: Mutex::default(),
            patience: options.patience,
            counts: counts.clone(),
        };
        network.objects = options.store.as_ref().map(ObjectBlobs::open).transpose()?;
        if let Some(node) = options.node {
            network.node = Some(wait(&handle, Node::open(node, own.clone(), options.patience, counts))??);
        }
        Ok(network)
    }

    /// Where other workers reach this one, if it serves.
    pub fn address(&self) -> Option<WorkerAddress> {
        self.node.as_ref()?.address()
    }

    /// The other workers that are asked from now on: the first [`MAX_WORKERS`] of them.
    pub fn set_workers(&self, workers: impl IntoIterator<Item = WorkerAddress>) {
        let own = self.node.as_ref().map(Node::id);
        let others = workers.into_iter().filter(|worker| Some(worker.id()) != own);
        *locked(&self.workers) = others.take(MAX_WORKERS).collect();
    }

    /// How many other workers are asked.
    pub fn worker_count(&self) -> usize {
        locked(&self.workers).len()
    }

    /// Bytes and providers since the start.
    pub fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            fetched_bytes: read(&self.counts.fetched),
            served_bytes: read(&self.counts.served),
            stored_bytes: read(&self.counts.stored),
            dropped_providers: read(&self.counts.dropped),
        }
    }

    /// Says good-bye to other workers, and serves nothing any more.
    pub fn close(&self) {
        if let (Some(node), Some(runtime)) = (&self.node, &self.runtime) {
            let _ = wait(runtime.handle(), node.clone().close());
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
    }

    /// Whether a provider is asked at all, and for a blob.
    fn is_asked(&self, provider: &Provider, digest: Option<Digest>) -> bool {
        let now = Instant::now();
        let mut out = locked(&self.out);
        out.retain(|_, until| *until > now);
        !out.contains_key(&(provider.clone(), None)) && !out.contains_key(&(provider.clone(), digest))
    }

    /// Asks everybody at once for a blob; answers come as they come.
    pub(crate) fn ask(&self, digest: Digest) -> Receiver<(Provider, Result<Offer, Failure>)> {
        let (sender, receiver) = channel(MAX_WORKERS.saturating_add(1));
        if let Some(node) = &self.node {
            for worker in locked(&self.workers).iter() {
                let provider = Provider::Worker(worker.clone());
                if !self.is_asked(&provider, Some(digest)) {
                    continue;
                }
                let (node, worker, sender) = (node.clone(), worker.clone(), sender.clone());
                self.spawn(async move {
                    let offer = node.ask(&worker, digest).await;
                    let offer = offer.map(|size| Offer { provider: provider.clone(), size, proved: true });
                    let _ = sender.send((provider, offer)).await;
                });
            }
        }
        if let Some(objects) = &self.objects {
            let provider = Provider::Store(objects.url().into());
            if self.is_asked(&provider, Some(digest)) {
                let (objects, patience) = (objects.clone(), self.patience);
                self.spawn(async move {
                    let offer = objects.ask(digest, patience).await.map(|(size, proved)| Offer {
                        provider: provider.clone(),
                        size,
                        proved,
                    });
                    let _ = sender.send((provider, offer)).await;
                });
            }
        }
        receiver
    }

    /// What a provider offered, from its byte `from` on.
    pub(crate) fn pull(&self, offer: &Offer, digest: Digest, from: u64) -> Incoming {
        let (sender, pieces) = channel(PIECES);
        let (size, whole) = (offer.size, self.patience.whole(offer.size.saturating_sub(from)));
        let bounded = |work: std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
                       end: Pieces| {
            self.spawn(async move {
                let done = tokio::time::timeout(whole, work).await;
                let late = || Err(Failure::Silent("it is too slow".into()));
                if let Err(failure) = done.unwrap_or_else(|_| late()) {
                    let _ = end.send(Err(failure)).await;
                }
            });
        };
        match &offer.provider {
            Provider::Worker(worker) => {
                if let Some(node) = self.node.clone() {
                    let (worker, pieces) = (worker.clone(), sender.clone());
                    let work = async move { node.pull(&worker, digest, size, from, pieces).await };
                    bounded(Box::pin(work), sender);
                }
            }
            Provider::Store(_) => {
                if let Some(objects) = self.objects.clone() {
                    let (pieces, patience, proved) = (sender.clone(), self.patience, offer.proved);
                    let work = async move {
                        if proved {
                            objects.pull_proved(digest, size, from, pieces, patience).await
                        } else {
                            objects.pull_plain(digest, pieces, patience).await
                        }
                    };
                    bounded(Box::pin(work), sender);
                }
            }
        }
        Incoming { pieces, chunks: Vec::new().into_iter(), chunk: Bytes::new(), failure: None }
    }

    /// Takes note of what a provider did, and does not ask it again for a while.
    pub(crate) fn report(&self, provider: &Provider, digest: Digest, failure: &Failure) {
        let (key, time) = match failure {
            Failure::Missing => return,
            Failure::Silent(_) => ((provider.clone(), None), SILENT_FOR),
            Failure::Wrong(_) => {
                Counts::add(&self.counts.dropped, 1);
                tracing::warn!(%provider, blob = %digest, %failure, "dropped a provider");
                // A store is many people's: one bad object says nothing of the others.
                let what = matches!(provider, Provider::Store(_)).then_some(digest);
                ((provider.clone(), what), DROPPED_FOR)
            }
        };
        if let Some(until) = Instant::now().checked_add(time) {
            locked(&self.out).insert(key, until);
        }
    }

    /// Asks everybody at once for a note; answers come as they come.
    pub(crate) fn ask_note(&self, name: &str) -> Receiver<(Provider, Vec<u8>)> {
        let (sender, receiver) = channel(MAX_WORKERS.saturating_add(1));
        if let Some(node) = &self.node {
            for worker in locked(&self.workers).iter() {
                let provider = Provider::Worker(worker.clone());
                if !self.is_asked(&provider, None) {
                    continue;
                }
                let (node, worker, sender, name) =
                    (node.clone(), worker.clone(), sender.clone(), name.to_owned());
                self.spawn(async move {
                    if let Ok(note) = node.note(&worker, &name).await {
                        let _ = sender.send((provider, note)).await;
                    }
                });
            }
        }
        if let Some(objects) = &self.objects {
            let (objects, patience, name) = (objects.clone(), self.patience, name.to_owned());
            self.spawn(async move {
                if let Ok(note) = objects.note(&name, patience).await {
                    let _ = sender.send((Provider::Store(objects.url().into()), note)).await;
                }
            });
        }
        receiver
    }

    /// Sends something of the own store to the object store, if there is one, and what could not be sent before.
    pub(crate) fn publish(&self, own: &LocalBlobs, item: Item) {
        let Some(objects) = self.objects.as_ref().filter(|objects| objects.takes()) else { return };
        let mut waiting = std::mem::take(&mut *locked(&self.unsent));
        waiting.insert(item);
        for item in waiting {
            match self.send(objects, own, &item) {
                Ok(bytes) => Counts::add(&self.counts.stored, bytes),
                Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => {}
                Err(error) => {
                    tracing::error!(?item, %error, store = objects.url(), "not sent to the object store: trying again with the next one");
                    locked(&self.unsent).insert(item);
                }
            }
        }
    }

    fn send(&self, objects: &ObjectBlobs, own: &LocalBlobs, item: &Item) -> Result<u64, BlobError> {
        let Some(runtime) = &self.runtime else { return Ok(0) };
        let (objects, patience) = (objects.clone(), self.patience);
        match item.clone() {
            Item::Blob(digest) => {
                let (_, _, size) = own.open_with_nodes(digest)?;
                let (blob, nodes) = (own.path(digest), own.nodes_path(digest));
                wait(
                    runtime.handle(),
                    async move { objects.send(digest, size, blob, nodes, patience).await },
                )?
            }
            Item::Note(name) => {
                let Some(note) = own.note(&name)? else { return Ok(0) };
                wait(runtime.handle(), async move { objects.send_note(&name, note, patience).await })?
            }
        }
    }
}

/// Runs `work` on the network's threads and waits for it, wherever it is called.
pub(crate) fn wait<T: Send + 'static>(
    handle: &tokio::runtime::Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, BlobError> {
    let (sender, receiver) = futures::channel::oneshot::channel();
    handle.spawn(async move {
        // Nobody waits any more: there is nobody to tell.
        let _ = sender.send(work.await);
    });
    block_on(receiver).map_err(|_| BlobError::network("the network", "it has been shut down"))
}

/// The next thing that comes. Whoever waits may be within a task of some runtime, whose budget of steps counts for nothing here.
pub(crate) fn next<T>(receiver: &mut Receiver<T>) -> Option<T> {
    block_on(tokio::task::unconstrained(receiver.recv()))
}

/// Bytes on their way, or why there are no more.
pub(crate) type Pieces = Sender<Result<Vec<Bytes>, Failure>>;

/// What a provider sends, to be read as it comes.
pub(crate) struct Incoming {
    pieces: Receiver<Result<Vec<Bytes>, Failure>>,
    chunks: std::vec::IntoIter<Bytes>,
    chunk: Bytes,
    /// Why it ended.
    pub(crate) failure: Option<Failure>,
}

impl Read for &mut Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            if let Some(chunk) = self.chunks.next() {
                self.chunk = chunk;
                continue;
            }
            match next(&mut self.pieces) {
                Some(Ok(chunks)) => self.chunks = chunks.into_iter(),
                Some(Err(failure)) => {
                    let error = io::Error::new(io::ErrorKind::ConnectionAborted, failure.to_string());
                    self.failure = Some(failure);
                    return Err(error);
                }
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        if let (Some(room), Some(bytes)) = (buffer.get_mut(..count), self.chunk.get(..count)) {
            room.copy_from_slice(bytes);
        }
        self.chunk.advance(count);
        Ok(count)
    }
}

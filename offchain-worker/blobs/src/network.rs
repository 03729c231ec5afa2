//! Everything beyond this machine's folders: other workers, and an object store. One for each process.
//!
//! It has threads of its own, so that whoever waits for a blob - a thread that trains, or one that serves a command - needs to know
//! nothing of how it comes.

use crate::{
    BlobError, LocalBlobs, WorkerAddress,
    incoming::{Incoming, Pieces, Stopped, next, wait},
    objects::{ObjectBlobs, StoreOptions},
    pace::{Haste, Pace},
    provider::{Failure, Offer, Provider},
    upload::{Item, Uploads},
    workers::{Node, NodeOptions},
};
use futures::StreamExt;
use sabha_protocol::Digest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{Receiver, channel};

/// How long a provider that sent wrong bytes is not asked again.
const DROPPED_FOR: Duration = Duration::from_secs(60 * 60);

/// Blobs that a worker sends wrong before it is asked for none at all: with one, it may be its disk.
const WRONG_BLOBS: usize = 3;

/// How long a provider that does not answer is not asked again.
const SILENT_FOR: Duration = Duration::from_secs(15);

/// Providers that are asked for something at a time.
const ASKED: usize = 32;

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
    /// The bytes a second that are enough while there are others: whoever sends less is left for somebody else, and whoever takes
    /// less makes room for others that wait.
    pub enough_rate: u64,
    /// How often the rate is looked at.
    pub look_every: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            least_rate: 64 << 10,
            enough_rate: 1 << 20,
            look_every: Duration::from_secs(5),
        }
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

/// A question on its way.
type Asking = Pin<Box<dyn Future<Output = (Provider, Result<Offer, Failure>)> + Send>>;

/// The same, about a note.
type AskingNote = Pin<Box<dyn Future<Output = Option<(Provider, Vec<u8>)>> + Send>>;

/// What those say who are asked for a blob.
pub(crate) struct Answers {
    receiver: Receiver<(Provider, Result<Offer, Failure>)>,
    /// Offers that wait.
    pub(crate) offers: Arc<AtomicUsize>,
}

impl Answers {
    /// The next one, as long as `goes_on` says so.
    pub(crate) fn next(
        &mut self,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<(Provider, Result<Offer, Failure>)>, Stopped> {
        let next = next(&mut self.receiver, goes_on)?;
        if let Some((_, Ok(_))) = &next {
            self.offers.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(next)
    }
}

/// What is not asked for a while.
type Out = BTreeMap<(Provider, Option<Digest>), Instant>;

/// Other workers, and an object store.
pub struct Network {
    runtime: Option<tokio::runtime::Runtime>,
    node: Option<Node>,
    objects: Option<ObjectBlobs>,
    /// In the order in which they are asked.
    workers: Mutex<Vec<WorkerAddress>>,
    /// Who probably has a blob.
    hints: Mutex<BTreeMap<Digest, Vec<WorkerAddress>>>,
    out: Mutex<Out>,
    /// What is sent to the object store, if it takes anything.
    uploads: Option<Uploads>,
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
            hints: Mutex::default(),
            out: Mutex::default(),
            uploads: None,
            patience: options.patience,
            counts: counts.clone(),
        };
        network.objects = options.store.as_ref().map(ObjectBlobs::open).transpose()?;
        if let Some(objects) = network.objects.as_ref().filter(|objects| objects.takes()) {
            let uploads = Uploads::new(own.clone(), objects.clone(), options.patience, counts.clone());
            network.spawn(uploads.clone().run());
            network.uploads = Some(uploads);
        }
        if let Some(node) = options.node {
            network.node = Some(wait(&handle, Node::open(node, own.clone(), options.patience, counts))??);
        }
        Ok(network)
    }

    /// Where other workers reach this one, if it serves.
    pub fn address(&self) -> Option<WorkerAddress> {
        self.node.as_ref()?.address()
    }

    /// The other workers that are asked from now on, in this order; those that a connection is open to come first.
    pub fn set_workers(&self, workers: impl IntoIterator<Item = WorkerAddress>) {
        *locked(&self.workers) = self.others(workers);
    }

    /// Who probably has which blob, such as the worker that made it: it is asked first. These are all hints from now on.
    pub fn set_hints(&self, hints: impl IntoIterator<Item = (Digest, WorkerAddress)>) {
        let mut by_blob = BTreeMap::<Digest, Vec<WorkerAddress>>::new();
        for (digest, worker) in hints {
            by_blob.entry(digest).or_default().push(worker);
        }
        let by_blob = by_blob.into_iter().map(|(digest, workers)| (digest, self.others(workers)));
        *locked(&self.hints) = by_blob.collect();
    }

    /// Each of them once, and not this one.
    fn others(&self, workers: impl IntoIterator<Item = WorkerAddress>) -> Vec<WorkerAddress> {
        let own = self.node.as_ref().map(Node::id);
        let mut seen = BTreeSet::new();
        let mut others: Vec<WorkerAddress> = workers.into_iter().collect();
        others.retain(|worker| Some(worker.id()) != own && seen.insert(worker.clone()));
        others
    }

    /// Whom to ask, in this order.
    fn asked(&self, digest: Option<Digest>) -> Vec<WorkerAddress> {
        let hints = digest.and_then(|digest| locked(&self.hints).get(&digest).cloned()).unwrap_or_default();
        let mut workers = locked(&self.workers).clone();
        if let Some(node) = &self.node {
            let connected = node.connected();
            workers.sort_by_key(|worker| !connected.contains(&worker.id()));
        }
        self.others(hints.into_iter().chain(workers))
    }

    /// How many other workers are asked.
    pub fn worker_count(&self) -> usize {
        locked(&self.workers).len()
    }

    /// How many connections to other workers this one has made and keeps.
    pub fn connections(&self) -> usize {
        self.node.as_ref().map_or(0, Node::links)
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

    /// Asks everybody for a blob, some at a time; answers come as they come. Nobody else is asked once they are dropped.
    pub(crate) fn ask(&self, digest: Digest, haste: &Haste) -> Answers {
        let (sender, receiver) = channel(ASKED);
        let mut asking: Vec<Asking> = Vec::new();
        if let Some(objects) = &self.objects {
            let provider = Provider::Store(objects.url().into());
            let (objects, patience) = (objects.clone(), self.patience);
            let asked = self.is_asked(&provider, Some(digest));
            asking.push(Box::pin(async move {
                let answer = if asked { objects.ask(digest, patience).await } else { Err(Failure::Out) };
                let offer =
                    |(size, proved)| Offer { provider: provider.clone(), size, size_proved: false, proved };
                let answer = answer.map(offer);
                (provider, answer)
            }));
        }
        for worker in self.asked(Some(digest)) {
            let Some(node) = self.node.clone() else { break };
            let provider = Provider::Worker(worker.clone());
            let asked = self.is_asked(&provider, Some(digest));
            asking.push(Box::pin(async move {
                let answer = if asked { node.ask(&worker, digest).await } else { Err(Failure::Out) };
                let offer =
                    |size| Offer { provider: provider.clone(), size, size_proved: true, proved: true };
                let answer = answer.map(offer);
                (provider, answer)
            }));
        }
        let offers = Arc::new(AtomicUsize::new(0));
        let (counter, time) = (offers.clone(), haste.within(Duration::MAX));
        self.spawn(async move {
            let answers = futures::stream::iter(asking).buffer_unordered(ASKED);
            let told = answers.for_each(|(provider, answer)| {
                counter.fetch_add(usize::from(answer.is_ok()), Ordering::Relaxed);
                let sent = sender.send((provider, answer));
                async move { drop(sent.await) }
            });
            tokio::select! {
                () = told => {}
                () = sender.closed() => {}
                () = tokio::time::sleep(time) => {}
            }
        });
        Answers { receiver, offers }
    }

    /// A part of what a provider offered, as long as `goes_on` says so.
    pub(crate) fn pull<'a>(
        &self,
        offer: &Offer,
        digest: Digest,
        part: Range<u64>,
        haste: &Haste,
        pace: Pace,
        goes_on: &'a dyn Fn() -> bool,
    ) -> Incoming<'a> {
        let (sender, pieces) = channel(PIECES);
        let size = offer.size;
        let bytes = part.end.min(size).saturating_sub(part.start);
        let whole = haste.within(self.patience.whole(bytes));
        let bounded = |work: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>, end: Pieces| {
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
                    let work = async move { node.pull(&worker, digest, size, part, pieces, pace).await };
                    bounded(Box::pin(work), sender);
                }
            }
            Provider::Store(_) => {
                if let Some(objects) = self.objects.clone() {
                    let (pieces, patience, proved) = (sender.clone(), self.patience, offer.proved);
                    let work = async move {
                        if proved {
                            objects.pull_proved(digest, size, part, pieces, patience, pace).await
                        } else {
                            objects.pull_plain(digest, pieces, patience, pace).await
                        }
                    };
                    bounded(Box::pin(work), sender);
                }
            }
        }
        Incoming::new(pieces, goes_on)
    }

    /// Takes note of what a provider did, and does not ask it again for a while.
    pub(crate) fn report(&self, provider: &Provider, digest: Digest, failure: &Failure) {
        let (key, time) = match failure {
            Failure::Missing | Failure::Slow(_) | Failure::Out => return,
            Failure::Silent(_) => ((provider.clone(), None), SILENT_FOR),
            Failure::Wrong(_) => {
                Counts::add(&self.counts.dropped, 1);
                tracing::warn!(%provider, blob = %digest, %failure, "dropped a provider");
                if matches!(provider, Provider::Store(_)) {
                    self.publish(&Item::Replaced(digest));
                }
                ((provider.clone(), Some(digest)), DROPPED_FOR)
            }
        };
        let Some(until) = Instant::now().checked_add(time) else { return };
        let mut out = locked(&self.out);
        out.insert(key, until);
        let wrong = out.keys().filter(|(who, blob)| who == provider && blob.is_some()).count();
        // A store is many people's: bad objects say nothing of the others.
        if wrong >= WRONG_BLOBS && matches!((provider, failure), (Provider::Worker(_), Failure::Wrong(_))) {
            tracing::warn!(%provider, wrong, "a worker sends wrong bytes again and again: it is not asked any more");
            out.insert((provider.clone(), None), until);
        }
    }

    /// Asks everybody for a note, some at a time; answers come as they come.
    pub(crate) fn ask_note(&self, name: &str) -> Receiver<(Provider, Vec<u8>)> {
        let (sender, receiver) = channel(ASKED);
        let mut asking: Vec<AskingNote> = Vec::new();
        if let Some(objects) = &self.objects {
            let (objects, patience, name) = (objects.clone(), self.patience, name.to_owned());
            asking.push(Box::pin(async move {
                let note = objects.note(&name, patience).await.ok()?;
                Some((Provider::Store(objects.url().into()), note))
            }));
        }
        for worker in self.asked(None) {
            let Some(node) = self.node.clone() else { break };
            let provider = Provider::Worker(worker.clone());
            let name = name.to_owned();
            if self.is_asked(&provider, None) {
                asking.push(Box::pin(async move { Some((provider, node.note(&worker, &name).await.ok()?)) }));
            }
        }
        self.spawn(async move {
            let answers = futures::stream::iter(asking).buffer_unordered(ASKED);
            let told = answers.for_each(|answer| {
                let sender = &sender;
                async move {
                    if let Some(answer) = answer {
                        let _ = sender.send(answer).await;
                    }
                }
            });
            tokio::select! {
                () = told => {}
                () = sender.closed() => {}
            }
        });
        receiver
    }

    /// Sends something of the own store to the object store, if there is one, in the background.
    pub(crate) fn publish(&self, item: &Item) {
        let Some(uploads) = &self.uploads else { return };
        if let Err(error) = uploads.add(item) {
            tracing::error!(?item, %error, "not sent to the object store");
        }
    }

    /// What is still to be sent to the object store.
    ///
    /// # Errors
    /// If the folder that says so cannot be read.
    pub fn unsent(&self) -> Result<usize, BlobError> {
        Ok(self.uploads.as_ref().map(Uploads::waiting).transpose()?.map_or(0, |waiting| waiting.len()))
    }

    /// Waits until everything that was put has been sent to the object store, or the store has refused it: it is tried again then,
    /// and after a restart, too.
    pub fn settle(&self) {
        if let (Some(uploads), Some(runtime)) = (&self.uploads, &self.runtime) {
            let _ = wait(runtime.handle(), uploads.clone().settle());
        }
    }

    /// A blob has come here.
    pub(crate) fn came(&self, digest: Digest) {
        if let Some(uploads) = &self.uploads {
            uploads.came(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker with one wrong blob may have a disk that fails; one with several lies.
    #[test]
    fn a_worker_is_dropped_for_a_blob_and_for_all_of_them_only_if_it_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let own = LocalBlobs::open(folder.path()).unwrap();
        let network = Network::open(NetworkOptions::default(), &own).unwrap();
        let id = iroh::SecretKey::from_bytes(&[7; 32]).public();
        let worker = Provider::Worker(WorkerAddress::new(id, [([127, 0, 0, 1], 9).into()]).unwrap());
        let store = Provider::Store("s3://bucket/blobs".into());
        let blobs = [1, 2, 3, 4].map(|fill| Digest([fill; 32]));
        let [first, second, third, other] = blobs;
        let wrong = Failure::Wrong("it is".into());
        for provider in [&worker, &store] {
            for blob in [first, first, first, second] {
                network.report(provider, blob, &wrong);
            }
            assert!(!network.is_asked(provider, Some(first)) && !network.is_asked(provider, Some(second)));
            assert!(network.is_asked(provider, Some(other)) && network.is_asked(provider, None));
            network.report(provider, third, &wrong);
        }
        assert!(!network.is_asked(&worker, Some(other)) && !network.is_asked(&worker, None));
        assert!(network.is_asked(&store, Some(other)), "it is many people's");
        assert_eq!(network.counters().dropped_providers, 10);
    }
}

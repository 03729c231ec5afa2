//! Blobs from worker to worker, by iroh: QUIC between public keys, and the protocol of `iroh-blobs`.
//!
//! Workers reach each other at the addresses that stand on chain. No server is asked where anybody is, and no relay is used unless
//! relays are configured.

mod encode;
mod guests;
mod links;
mod manner;
mod serve;

pub use manner::Manner;

use crate::{
    BlobError, LocalBlobs, WorkerAddress,
    incoming::Pieces,
    network::{Counts, Patience},
    notes::NOTE_BYTES,
    pace::Pace,
    provider::Failure,
    tree,
};
use bao_tree::io::sync::DecodeResponseIter;
use bytes::Bytes;
use iroh::{
    Endpoint, EndpointId, RelayMode, RelayUrl, SecretKey, TransportAddr,
    endpoint::{
        Connection, QuicTransportConfig, ReadError, ReadExactError, ReadToEndError, RecvStream, VarInt,
        presets,
    },
};
use iroh_blobs::protocol::{ALPN, ChunkRanges, ChunkRangesExt, GetRequest, Request};
use links::{Link, Links};
use sabha_protocol::Digest;
use std::{
    collections::BTreeSet, fmt, future::Future, net::SocketAddr, ops::Range, sync::Arc, time::Duration,
};
use tokio::time::timeout;

/// A proof of a blob's size: the way from the root to its last chunk. No blob needs more.
const PROOF_BYTES: usize = 64 << 10;

/// What may be on its way to a reader, unread. More could, in the smallest packets and with every second one lost, have more gaps than
/// QUIC's implementation bears (1,024): it would give the connection up.
const WINDOW_BYTES: u32 = 2 << 20;

/// The same, of all that one other worker is asked at a time.
const CONNECTION_BYTES: u32 = 8 << 20;

/// Requests that one other worker may make at a time.
const REQUESTS: u32 = 16;

/// Chunks of a stream that are read at once: each is what came in one datagram.
const CHUNKS: usize = 128;

/// What is spoken about notes: a name, and the note or nothing.
pub(crate) const NOTES: &[u8] = b"/sabha/notes/1";

/// How long an answer over a connection that was open before is waited for, until a new one is made.
const STALE: Duration = Duration::from_secs(3);

/// How long a good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(3);

/// Nothing is wrong.
const DONE: VarInt = VarInt::from_u32(0);

/// How this worker takes part.
#[derive(Clone)]
pub struct NodeOptions {
    /// The secret key, whose public key is the node id.
    pub secret: [u8; 32],
    /// Where to listen. None: it asks others and serves nobody.
    pub listen: Option<SocketAddr>,
    /// Where others reach it, if that is not where it listens.
    pub announce: Vec<SocketAddr>,
    /// Relays to be reached by where no direct way is. None by default.
    pub relays: Vec<String>,
    /// How others are served.
    pub manner: Manner,
}

impl fmt::Debug for NodeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeOptions")
            .field("listen", &self.listen)
            .field("announce", &self.announce)
            .field("relays", &self.relays)
            .field("manner", &self.manner)
            .finish_non_exhaustive()
    }
}

/// The node id that belongs to a secret key.
pub fn id_of(secret: &[u8; 32]) -> EndpointId {
    SecretKey::from_bytes(secret).public()
}

/// This worker among the others. Clones are the same node.
#[derive(Clone)]
pub(crate) struct Node {
    endpoint: Endpoint,
    serves: bool,
    announce: Vec<SocketAddr>,
    relays: Vec<RelayUrl>,
    links: Links,
    patience: Patience,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id()).field("serves", &self.serves).finish_non_exhaustive()
    }
}

impl Node {
    /// Begins to listen, and to serve the blobs of `own`, if the options say so.
    pub(crate) async fn open(
        options: NodeOptions,
        own: LocalBlobs,
        patience: Patience,
        counts: Arc<Counts>,
    ) -> Result<Self, BlobError> {
        let mut relays = Vec::new();
        for relay in &options.relays {
            let url: RelayUrl = relay
                .parse()
                .map_err(|error| BlobError::network(format!("{relay:?} is no relay's URL"), error))?;
            relays.push(url);
        }
        let mode = if relays.is_empty() { RelayMode::Disabled } else { RelayMode::custom(relays.clone()) };
        let mut builder = Endpoint::builder(presets::Minimal)
            .secret_key(SecretKey::from_bytes(&options.secret))
            .relay_mode(mode)
            .transport_config(transport(patience));
        if let Some(listen) = options.listen {
            let refused =
                |error: &dyn fmt::Display| BlobError::network(format!("cannot listen on {listen}"), error);
            builder = builder.clear_ip_transports().alpns(vec![ALPN.to_vec(), NOTES.to_vec()]);
            builder = builder.bind_addr(listen).map_err(|error| refused(&error))?;
        }
        let what = options.listen.map_or_else(|| "for others".into(), |listen| listen.to_string());
        let bound = timeout(patience.connect, builder.bind()).await;
        let endpoint = bound
            .map_err(|error| BlobError::network(format!("cannot open a socket on {what}"), error))?
            .map_err(|error| {
                BlobError::network(format!("cannot open a socket on {what}"), format_args!("{error:#}"))
            })?;
        let serves = options.listen.is_some();
        if serves {
            tokio::spawn(serve::serve(endpoint.clone(), own, patience, counts, options.manner));
        }
        let links = Links::default();
        tokio::spawn(links.clone().close_idle(patience.idle));
        Ok(Self { endpoint, serves, announce: options.announce, relays, links, patience })
    }

    pub(crate) fn id(&self) -> EndpointId {
        self.endpoint.id()
    }

    /// Where others reach it: as announced, or where it listens if that can be reached.
    pub(crate) fn address(&self) -> Option<WorkerAddress> {
        if !self.serves {
            return None;
        }
        let listens = self.endpoint.bound_sockets();
        let port = listens.first().map(SocketAddr::port);
        let announced = self.announce.iter().map(|address| match (address.port(), port) {
            (0, Some(port)) => SocketAddr::new(address.ip(), port),
            _ => *address,
        });
        let addresses: Vec<SocketAddr> = announced.collect();
        let addresses = if addresses.is_empty() { listens } else { addresses };
        WorkerAddress::new(self.id(), addresses).ok()
    }

    pub(crate) async fn close(self) {
        let _ = timeout(GOOD_BYE, self.endpoint.close()).await;
    }

    /// Whom connections are open to.
    pub(crate) fn connected(&self) -> BTreeSet<EndpointId> {
        self.links.peers()
    }

    /// How many connections are kept.
    pub(crate) fn links(&self) -> usize {
        self.links.count()
    }

    async fn connect(&self, worker: &WorkerAddress, spoken: &'static [u8]) -> Result<Link, Failure> {
        let mut address = worker.to_iroh();
        address.addrs.extend(self.relays.iter().cloned().map(TransportAddr::Relay));
        let made = timeout(self.patience.connect, self.endpoint.connect(address, spoken)).await;
        let connection = made
            .map_err(|_| Failure::Silent("no connection comes about".into()))?
            .map_err(|error| Failure::Silent(format!("no connection: {error:#}")))?;
        Ok(self.links.keep((worker.id(), spoken), connection))
    }

    /// Asks another worker, over a connection that is open if there is one. The other side may have gone without a word and be there
    /// again: then nothing comes over that connection any more, and a new one is made at once.
    async fn over_link<T, W: Future<Output = Result<T, Asked>>>(
        &self,
        worker: &WorkerAddress,
        spoken: &'static [u8],
        ask: impl Fn(Connection) -> W,
    ) -> Result<(T, Link), Failure> {
        let silent = || Asked::Lost(Failure::Silent("it does not answer".into()));
        if let Some(link) = self.links.get((worker.id(), spoken)) {
            let time = self.patience.idle.min(STALE);
            match timeout(time, ask(link.connection.clone())).await.unwrap_or_else(|_| Err(silent())) {
                Ok(answer) => return Ok((answer, link)),
                Err(Asked::Said(failure)) => return Err(failure),
                Err(Asked::Lost(failure)) => {
                    tracing::debug!(%worker, %failure, "a connection is of no use any more");
                    self.links.forget(&link);
                }
            }
        }
        let link = self.connect(worker, spoken).await?;
        let asking = timeout(self.patience.idle, ask(link.connection.clone()));
        match asking.await.unwrap_or_else(|_| Err(silent())) {
            Ok(answer) => Ok((answer, link)),
            Err(Asked::Said(failure)) => Err(failure),
            Err(Asked::Lost(failure)) => {
                self.links.forget(&link);
                Err(failure)
            }
        }
    }

    /// Another worker's note.
    pub(crate) async fn note(&self, worker: &WorkerAddress, name: &str) -> Result<Vec<u8>, Failure> {
        let asking = |connection: Connection| async move {
            let (mut send, mut receive) = connection.open_bi().await.map_err(lost)?;
            send.write_all(name.as_bytes()).await.map_err(lost)?;
            send.finish().map_err(lost)?;
            let limit = usize::try_from(NOTE_BYTES).unwrap_or(usize::MAX);
            let note = receive.read_to_end(limit).await;
            note.map_err(|error| match error {
                ReadToEndError::Read(error) => read_failed(error),
                error => Asked::Said(silent(error)),
            })
        };
        let (note, _) = self.over_link(worker, NOTES, asking).await?;
        if note.is_empty() { Err(Failure::Missing) } else { Ok(note) }
    }

    /// Sends a request for ranges of a blob, and reads the size that the answer begins with.
    async fn request(
        &self,
        worker: &WorkerAddress,
        digest: Digest,
        ranges: ChunkRanges,
    ) -> Result<(RecvStream, u64, Link), Failure> {
        let request = Request::Get(GetRequest::blob_ranges(digest.0.into(), ranges));
        let request = postcard::to_allocvec(&request).map_err(|error| Failure::Silent(error.to_string()))?;
        let request = request.as_slice();
        let asking = |connection: Connection| async move {
            let (mut send, mut receive) = connection.open_bi().await.map_err(lost)?;
            send.write_all(request).await.map_err(lost)?;
            send.finish().map_err(lost)?;
            let mut size = [0; 8];
            match receive.read_exact(&mut size).await {
                Ok(()) => Ok((receive, u64::from_le_bytes(size))),
                // It closes the stream at once.
                Err(ReadExactError::FinishedEarly(0)) => Err(Asked::Said(Failure::Missing)),
                Err(ReadExactError::FinishedEarly(_)) => {
                    Err(Asked::Said(Failure::Silent("it ends within the size".into())))
                }
                Err(ReadExactError::ReadError(error)) => Err(read_failed(error)),
            }
        };
        let ((receive, size), link) = self.over_link(worker, ALPN, asking).await?;
        Ok((receive, size, link))
    }

    /// The size of a blob that another worker has, proved.
    pub(crate) async fn ask(&self, worker: &WorkerAddress, digest: Digest) -> Result<u64, Failure> {
        let ranges = ChunkRanges::last_chunk();
        let (mut receive, size, _link) = self.request(worker, digest, ranges.clone()).await?;
        let proof = timeout(self.patience.idle, receive.read_to_end(PROOF_BYTES)).await;
        let proof = proof.map_err(|_| Failure::Silent("it does not go on".into()))?.map_err(silent)?;
        let mut items =
            DecodeResponseIter::new(digest.0.into(), tree::shape(size), proof.as_slice(), &ranges);
        match items.find_map(Result::err) {
            None => Ok(size),
            Some(error) => Err(Failure::Wrong(format!("{size} bytes are not its size: {error}"))),
        }
    }

    /// What another worker sends of a blob of `size` bytes, from its byte `from` on: hash pairs and groups, to be verified.
    pub(crate) async fn pull(
        &self,
        worker: &WorkerAddress,
        digest: Digest,
        size: u64,
        part: Range<u64>,
        pieces: Pieces,
        mut pace: Pace,
    ) -> Result<(), Failure> {
        let (mut receive, told, link) = self.request(worker, digest, tree::ranges(&part, size)).await?;
        if told != size {
            return Err(Failure::Wrong(format!("it has {told} bytes now, and had {size} before")));
        }
        let mut chunks = vec![Bytes::new(); CHUNKS];
        loop {
            let read = pace.wait(self.patience.idle, receive.read_many_chunks(&mut chunks)).await;
            let count = match read {
                Ok(Ok(Some(count))) => count,
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(silent(error)),
                Err(failure) => {
                    let _ = receive.stop(DONE);
                    if matches!(failure, Failure::Silent(_)) {
                        self.links.forget(&link);
                    }
                    return Err(failure);
                }
            };
            let came: Vec<Bytes> = chunks.iter_mut().take(count).map(std::mem::take).collect();
            pace.add(came.iter().map(|chunk| chunk.len() as u64).sum());
            if pieces.send(Ok(came)).await.is_err() {
                // Nobody reads any more.
                let _ = receive.stop(DONE);
                return Ok(());
            }
        }
    }
}

/// Why there is no answer.
enum Asked {
    /// The other side says so.
    Said(Failure),
    /// Nothing comes over this connection.
    Lost(Failure),
}

fn lost(error: impl std::error::Error) -> Asked {
    Asked::Lost(silent(error))
}

fn read_failed(error: ReadError) -> Asked {
    match error {
        error @ ReadError::Reset(_) => Asked::Said(silent(error)),
        error => lost(error),
    }
}

/// With its causes: "connection lost" alone says little.
fn silent(error: impl std::error::Error) -> Failure {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    Failure::Silent(reason)
}

/// Limits of all connections.
fn transport(patience: Patience) -> QuicTransportConfig {
    let mut builder = QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(REQUESTS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_BYTES))
        .send_window(u64::from(CONNECTION_BYTES))
        .keep_alive_interval((patience.idle / 3).min(Duration::from_secs(5)));
    if let Ok(idle) = patience.idle.try_into() {
        builder = builder.max_idle_timeout(Some(idle));
    }
    builder.build()
}

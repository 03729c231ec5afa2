//! Serving the own blobs to other workers.
//!
//! Anybody may connect. What anybody can take is bounded: connections, requests at a time, and how long a request may stand still.

use super::{
    DONE, Manner, NOTES,
    encode::encode,
    guests::{Close, Guests, Limits, Seat},
};
use crate::{
    LocalBlobs,
    network::{Counts, Patience},
};
use bytes::Bytes;
use iroh::{
    Endpoint,
    endpoint::{Connection, Incoming, RecvStream, SendStream, VarInt},
};
use iroh_blobs::protocol::{ChunkRanges, ERR_INTERNAL, ERR_LIMIT, ERR_PERMISSION, GetRequest, Request};
use sabha_protocol::Digest;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};

/// Connections at a time.
const CONNECTIONS: usize = 128;

/// Connections of one other worker: what is spoken about blobs and notes, before and after it was started again.
const CONNECTIONS_EACH: usize = 4;

/// Connections in the making.
const HANDSHAKES: usize = 64;

/// Blobs that are read at a time, over all connections.
const READS: usize = 32;

/// Blobs that one other worker reads at a time. It may ask for more: they wait.
const READS_EACH: usize = 8;

/// Bytes of a request at most: a digest and ranges.
const REQUEST_BYTES: usize = 4 << 10;

/// Pieces that are read ahead of what the other side has taken.
const AHEAD: usize = 4;

/// There is no room for an idle connection any more.
const CROWDED: VarInt = VarInt::from_u32(1);

/// Serves until the endpoint is closed.
pub(super) async fn serve(
    endpoint: Endpoint,
    own: LocalBlobs,
    patience: Patience,
    counts: Arc<Counts>,
    manner: Manner,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    let limits = Limits { all: CONNECTIONS, each: CONNECTIONS_EACH, reads: READS_EACH };
    let server = Server {
        own,
        patience,
        counts,
        reads: Arc::new(Semaphore::new(READS)),
        waiting: Arc::default(),
        guests: Guests::new(limits),
        manner,
    };
    while let Some(incoming) = endpoint.accept().await {
        // Who cannot be reached where it says that it is does not take a place for long.
        if handshakes.available_permits() < HANDSHAKES / 2 && !incoming.remote_addr_validated() {
            let _ = incoming.retry();
            continue;
        }
        let Ok(permit) = handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        tokio::spawn(server.clone().talk(incoming, permit));
    }
}

impl Close for Connection {
    fn close(&self) {
        Connection::close(self, CROWDED, b"too many connections");
    }
}

#[derive(Clone)]
struct Server {
    own: LocalBlobs,
    patience: Patience,
    counts: Arc<Counts>,
    reads: Arc<Semaphore>,
    /// Requests that wait for a read to end.
    waiting: Arc<AtomicUsize>,
    guests: Guests<Connection>,
    manner: Manner,
}

impl Server {
    async fn talk(self, incoming: Incoming, handshake: OwnedSemaphorePermit) {
        let Ok(accepting) = incoming.accept() else { return };
        let Ok(Ok(connection)) = timeout(self.patience.connect, accepting).await else { return };
        let connection: Connection = connection;
        drop(handshake);
        let seat = Arc::new(self.guests.admit(connection.remote_id(), connection.clone()));
        let notes = connection.alpn() == NOTES;
        loop {
            match timeout(self.patience.idle, connection.accept_bi()).await {
                Ok(Ok((send, receive))) => {
                    seat.touch();
                    let (server, seat) = (self.clone(), seat.clone());
                    if notes {
                        tokio::spawn(server.answer_note(send, receive, seat));
                    } else {
                        tokio::spawn(server.answer(send, receive, seat));
                    }
                }
                Ok(Err(_)) => break,
                // Nothing is asked, and nothing is on its way.
                Err(_) if Arc::strong_count(&seat) == 1 => break,
                Err(_) => {}
            }
        }
        Connection::close(&connection, DONE, b"");
    }

    async fn answer_note(self, mut send: SendStream, mut receive: RecvStream, _seat: Arc<Seat<Connection>>) {
        let read = timeout(self.patience.idle, receive.read_to_end(REQUEST_BYTES)).await;
        let Ok(Ok(name)) = read else {
            let _ = send.reset(ERR_LIMIT);
            return;
        };
        let own = self.own.clone();
        let reading = spawn_blocking(move || own.note(std::str::from_utf8(&name).unwrap_or_default()));
        let Ok(Ok(note)) = reading.await else {
            let _ = send.reset(ERR_INTERNAL);
            return;
        };
        let note = note.filter(|_| self.manner.serves());
        if let Ok(Ok(())) = timeout(self.patience.idle, send.write_all(&note.unwrap_or_default())).await {
            let _ = send.finish();
        }
    }

    /// Of those of its worker first, so that one that asks for much takes nothing from others.
    async fn permits(&self, seat: &Seat<Connection>) -> Option<[OwnedSemaphorePermit; 2]> {
        let of_peer = seat.reads.clone().acquire_owned().await.ok()?;
        let _waiting = Waiting::begin(&self.waiting);
        Some([of_peer, self.reads.clone().acquire_owned().await.ok()?])
    }

    /// Writes a piece. What the other side takes slower than the least rate is taken from the time that is `left` to it; who takes
    /// faster gets it back. While others wait, the least rate is a higher one.
    async fn write(&self, send: &mut SendStream, piece: Bytes, left: &mut Duration) -> bool {
        let bytes = piece.len() as u64;
        let mut write = std::pin::pin!(send.write_chunk(piece));
        let due = |rate: u64| {
            Duration::from_millis(bytes.saturating_mul(1_000).checked_div(rate).unwrap_or(u64::MAX))
        };
        let began = Instant::now();
        loop {
            let crowded = self.waiting.load(Ordering::Relaxed) > 0;
            let rate = if crowded { self.patience.enough_rate } else { self.patience.least_rate };
            if crowded {
                *left = (*left).min(self.patience.look_every);
            }
            let may_take = left.saturating_add(due(rate));
            let took = began.elapsed();
            if took >= may_take {
                return false;
            }
            // Others may come to wait meanwhile.
            let tick = may_take.saturating_sub(took).min(self.patience.look_every);
            match timeout(tick, &mut write).await {
                Ok(Ok(())) => {
                    let left_now = may_take.saturating_sub(began.elapsed());
                    *left = left_now.min(self.patience.idle);
                    return true;
                }
                Ok(Err(_)) => return false,
                Err(_) => {}
            }
        }
    }

    async fn answer(self, mut send: SendStream, mut receive: RecvStream, seat: Arc<Seat<Connection>>) {
        let read = timeout(self.patience.idle, receive.read_to_end(REQUEST_BYTES)).await;
        let Ok(Ok(request)) = read else {
            let _ = send.reset(ERR_LIMIT);
            return;
        };
        let Some((digest, ranges)) = wanted(&request) else {
            let _ = send.reset(ERR_PERMISSION);
            return;
        };
        let waited = timeout(self.patience.idle, self.permits(&seat)).await;
        let Ok(Some(_permits)) = waited else {
            let _ = send.reset(ERR_LIMIT);
            return;
        };
        let (pieces, mut ready) = mpsc::channel(AHEAD);
        let (own, manner, asked) = (self.own.clone(), self.manner, ranges.clone());
        let reading =
            spawn_blocking(
                move || {
                    if manner.serves() { encode(&own, digest, &asked, pieces) } else { Ok(()) }
                },
            );
        let mut left = self.patience.idle;
        while let Some(piece) = ready.recv().await {
            let piece: Bytes = manner.of(piece, &ranges);
            let count = piece.len() as u64;
            if !self.write(&mut send, piece, &mut left).await {
                // It has gone, or takes too little.
                let _ = send.reset(ERR_LIMIT);
                return;
            }
            seat.touch();
            Counts::add(&self.counts.served, count);
        }
        match reading.await {
            Ok(Ok(())) => {
                let _ = send.finish();
            }
            Ok(Err(error)) => {
                tracing::warn!(blob = %digest, %error, "a blob cannot be served");
                let _ = send.reset(ERR_INTERNAL);
            }
            Err(_) => {
                let _ = send.reset(ERR_INTERNAL);
            }
        }
    }
}

/// Counts who waits.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The blob, and what of it is asked for. Nothing else is served: no lists of blobs, and nobody puts anything here.
fn wanted(request: &[u8]) -> Option<(Digest, ChunkRanges)> {
    let Request::Get(GetRequest { hash, ranges }) = postcard::from_bytes(request).ok()? else { return None };
    let ranges = ranges.iter_non_empty_infinite().next().filter(|(child, _)| *child == 0)?.1.clone();
    Some((Digest(*hash.as_bytes()), ranges))
}

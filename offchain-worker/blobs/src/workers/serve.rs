//! Serving the own blobs to other workers.
//!
//! Anybody may connect. What anybody can take is bounded: connections, requests at a time, and how long a request may stand still.

use super::{DONE, NOTES};
use crate::{
    LocalBlobs,
    network::{Counts, Patience},
    tree,
};
use bao_tree::{
    io::sync::{Outboard, encode_ranges},
    iter::{BaoChunk, ResponseIter},
};
use bytes::{Bytes, BytesMut};
use iroh::{
    Endpoint,
    endpoint::{Connection, Incoming, RecvStream, SendStream},
};
use iroh_blobs::protocol::{ChunkRanges, ERR_INTERNAL, ERR_LIMIT, ERR_PERMISSION, GetRequest, Request};
use sabha_protocol::Digest;
use std::{
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};

/// Connections at a time.
const CONNECTIONS: usize = 128;

/// Blobs that are read at a time, over all connections.
const READS: usize = 32;

/// Bytes of a request at most: a digest and ranges.
const REQUEST_BYTES: usize = 4 << 10;

/// Pieces that are read ahead of what the other side has taken.
const AHEAD: usize = 4;

/// Serves until the endpoint is closed.
pub(super) async fn serve(endpoint: Endpoint, own: LocalBlobs, patience: Patience, counts: Arc<Counts>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let server = Server { own, patience, counts, reads: Arc::new(Semaphore::new(READS)) };
    while let Some(incoming) = endpoint.accept().await {
        let Ok(permit) = connections.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        tokio::spawn(server.clone().talk(incoming, permit));
    }
}

#[derive(Clone)]
struct Server {
    own: LocalBlobs,
    patience: Patience,
    counts: Arc<Counts>,
    reads: Arc<Semaphore>,
}

impl Server {
    async fn talk(self, incoming: Incoming, _permit: OwnedSemaphorePermit) {
        let Ok(accepting) = incoming.accept() else { return };
        let Ok(Ok(connection)) = timeout(self.patience.connect, accepting).await else { return };
        let connection: Connection = connection;
        let notes = connection.alpn() == NOTES;
        while let Ok((send, receive)) = connection.accept_bi().await {
            let server = self.clone();
            if notes {
                tokio::spawn(server.answer_note(send, receive));
            } else {
                tokio::spawn(server.answer(send, receive));
            }
        }
        connection.close(DONE, b"");
    }

    async fn answer_note(self, mut send: SendStream, mut receive: RecvStream) {
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
        if let Ok(Ok(())) = timeout(self.patience.idle, send.write_all(&note.unwrap_or_default())).await {
            let _ = send.finish();
        }
    }

    async fn answer(self, mut send: SendStream, mut receive: RecvStream) {
        let read = timeout(self.patience.idle, receive.read_to_end(REQUEST_BYTES)).await;
        let Ok(Ok(request)) = read else {
            let _ = send.reset(ERR_LIMIT);
            return;
        };
        let Some((digest, ranges)) = wanted(&request) else {
            let _ = send.reset(ERR_PERMISSION);
            return;
        };
        let waited = timeout(self.patience.idle, self.reads.clone().acquire_owned()).await;
        let Ok(Ok(_permit)) = waited else {
            let _ = send.reset(ERR_LIMIT);
            return;
        };
        let (pieces, mut ready) = mpsc::channel(AHEAD);
        let own = self.own.clone();
        let reading = spawn_blocking(move || encode(&own, digest, &ranges, pieces));
        while let Some(piece) = ready.recv().await {
            let piece: Bytes = piece;
            let count = piece.len() as u64;
            match timeout(self.patience.idle, send.write_chunk(piece)).await {
                Ok(Ok(())) => Counts::add(&self.counts.served, count),
                // It has gone, or takes nothing.
                _ => {
                    let _ = send.reset(ERR_LIMIT);
                    return;
                }
            }
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

/// The blob, and what of it is asked for. Nothing else is served: no lists of blobs, and nobody puts anything here.
fn wanted(request: &[u8]) -> Option<(Digest, ChunkRanges)> {
    let Request::Get(GetRequest { hash, ranges }) = postcard::from_bytes(request).ok()? else { return None };
    let ranges = ranges.iter_non_empty_infinite().next().filter(|(child, _)| *child == 0)?.1.clone();
    Some((Digest(*hash.as_bytes()), ranges))
}

/// The size, then hash pairs and groups in the order of the tree. Nothing at all if the blob is not here. The other side verifies.
fn encode(
    own: &LocalBlobs,
    digest: Digest,
    ranges: &ChunkRanges,
    pieces: mpsc::Sender<Bytes>,
) -> io::Result<()> {
    let (file, nodes, size) = match own.open_with_nodes(digest) {
        Ok(found) => found,
        Err(crate::BlobError::Missing { .. }) => return Ok(()),
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    let nodes = tree::nodes(digest, size, nodes);
    let mut writer = Sending { buffer: BytesMut::with_capacity(tree::BUFFER_BYTES), pieces };
    writer.write_all(&size.to_le_bytes())?;
    if !ends_open(ranges) {
        let encoded = encode_ranges(file, nodes, ranges, &mut writer);
        encoded.map_err(|error| io::Error::other(error.to_string()))?;
        return writer.flush();
    }
    // All of it, or the rest from some group on, is what nearly everybody asks for: groups are read to where they are sent from.
    for chunk in ResponseIter::new(tree::shape(size), ranges.clone()) {
        match chunk {
            BaoChunk::Parent { node, .. } => {
                let pair = nodes.load(node)?.ok_or_else(|| io::Error::other("the tree has another shape"))?;
                writer.write_all(pair.0.as_bytes())?;
                writer.write_all(pair.1.as_bytes())?;
            }
            BaoChunk::Leaf { start_chunk, size, .. } => {
                file.read_exact_at(writer.room(size)?, start_chunk.to_bytes())?;
            }
        }
    }
    writer.flush()
}

/// Whether ranges are one that begins with a group and has no end: then whole groups are asked for, and no parts of any.
fn ends_open(ranges: &ChunkRanges) -> bool {
    match ranges.boundaries() {
        [start] => start.0.is_multiple_of(tree::GROUP_BYTES / 1024),
        _ => false,
    }
}

/// Gathers what is written into pieces.
struct Sending {
    buffer: BytesMut,
    pieces: mpsc::Sender<Bytes>,
}

impl Sending {
    /// Room for so many bytes, which must be filled.
    fn room(&mut self, bytes: usize) -> io::Result<&mut [u8]> {
        let mut start = self.buffer.len();
        if start.saturating_add(bytes) > tree::BUFFER_BYTES {
            self.flush()?;
            self.buffer.reserve(tree::BUFFER_BYTES);
            start = 0;
        }
        self.buffer.resize(start.saturating_add(bytes), 0);
        Ok(self.buffer.get_mut(start..).unwrap_or_default())
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room(bytes.len())?.copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = self.buffer.split().freeze();
        if piece.is_empty() {
            return Ok(());
        }
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes it any more");
        self.pieces.blocking_send(piece).map_err(gone)
    }
}

//! What comes from the network's threads, for whoever waits on a thread of its own.

use crate::{BlobError, provider::Failure};
use bytes::{Buf, Bytes};
use futures::executor::block_on;
use std::{
    future::Future,
    io::{self, Read},
};
use tokio::sync::mpsc::{Receiver, Sender};

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

impl Incoming {
    pub(crate) fn new(pieces: Receiver<Result<Vec<Bytes>, Failure>>) -> Self {
        Self { pieces, chunks: Vec::new().into_iter(), chunk: Bytes::new(), failure: None }
    }
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

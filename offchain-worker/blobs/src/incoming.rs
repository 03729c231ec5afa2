//! What comes from the network's threads, for whoever waits on a thread of its own.

use crate::{BlobError, provider::Failure};
use bytes::{Buf, Bytes};
use futures::executor::block_on;
use std::{
    future::Future,
    io::{self, Read},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{Receiver, Sender};

/// How often whoever waits looks whether it is to go on.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

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

/// Whoever waited is not to go on.
#[derive(Debug)]
pub(crate) struct Stopped;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The next thing that comes, if any does, as long as `goes_on` says so. Whoever waits may be within a task of some runtime, whose budget
/// of steps counts for nothing here.
pub(crate) fn next<T>(receiver: &mut Receiver<T>, goes_on: &dyn Fn() -> bool) -> Result<Option<T>, Stopped> {
    let mut coming = pin!(tokio::task::unconstrained(receiver.recv()));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut looked = Instant::now();
    loop {
        if let Poll::Ready(came) = coming.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(came);
        }
        thread::park_timeout(LOOK_EVERY.saturating_sub(looked.elapsed()));
        if looked.elapsed() >= LOOK_EVERY {
            if !goes_on() {
                return Err(Stopped);
            }
            looked = Instant::now();
        }
    }
}

/// Bytes on their way, or why there are no more.
pub(crate) type Pieces = Sender<Result<Vec<Bytes>, Failure>>;

/// What a provider sends, to be read as it comes.
pub(crate) struct Incoming<'a> {
    pieces: Receiver<Result<Vec<Bytes>, Failure>>,
    chunks: std::vec::IntoIter<Bytes>,
    chunk: Bytes,
    goes_on: &'a dyn Fn() -> bool,
    /// Why it ended.
    pub(crate) failure: Option<Failure>,
}

impl<'a> Incoming<'a> {
    /// It ends with an error when `goes_on` says no.
    pub(crate) fn new(pieces: Receiver<Result<Vec<Bytes>, Failure>>, goes_on: &'a dyn Fn() -> bool) -> Self {
        Self { pieces, chunks: Vec::new().into_iter(), chunk: Bytes::new(), goes_on, failure: None }
    }
}

impl Read for &mut Incoming<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            if let Some(chunk) = self.chunks.next() {
                self.chunk = chunk;
                continue;
            }
            match next(&mut self.pieces, self.goes_on) {
                Ok(Some(Ok(chunks))) => self.chunks = chunks.into_iter(),
                Ok(Some(Err(failure))) => {
                    let error = io::Error::new(io::ErrorKind::ConnectionAborted, failure.to_string());
                    self.failure = Some(failure);
                    return Err(error);
                }
                Ok(None) => return Ok(0),
                Err(Stopped) => return Err(io::Error::other("it was stopped")),
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

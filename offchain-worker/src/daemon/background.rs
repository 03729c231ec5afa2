//! Threads beside the daemon's loop: whatever waits for another worker, an object store or a disk. The loop looks in on them, and never
//! waits for them.

use crate::{error::Exit, stop::Stop};
use std::time::Duration;
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, timeout_at},
};

/// A thread, how it is stopped, and what it comes to.
pub(super) struct Background<T> {
    stop: Stop,
    handle: JoinHandle<anyhow::Result<T>>,
}

impl<T: Send + 'static> Background<T> {
    /// Begins it. It should look at the flag it is given now and then.
    pub(super) fn begin(work: impl FnOnce(&Stop) -> anyhow::Result<T> + Send + 'static) -> Self {
        let stop = Stop::new();
        let raised = stop.clone();
        Self { stop, handle: tokio::task::spawn_blocking(move || work(&raised)) }
    }

    /// Whether it has ended: [`Self::result`] does not wait then.
    pub(super) fn has_ended(&self) -> bool {
        self.handle.is_finished()
    }

    /// Asks it to end.
    pub(super) fn stop(&self) {
        self.stop.raise(Exit::Terminated);
    }

    /// What it came to.
    pub(super) async fn result(self) -> anyhow::Result<T> {
        self.handle.await.unwrap_or_else(|error| Err(anyhow::anyhow!("the thread broke down: {error}")))
    }
}

/// What all of these come to, as far as they end within a time: one for all of them together, however many there are.
pub(super) async fn gather<K, T>(
    handles: Vec<(K, JoinHandle<T>)>,
    within: Duration,
) -> Vec<(K, Option<Result<T, JoinError>>)> {
    let until = Instant::now().checked_add(within);
    let mut all = Vec::new();
    for (key, handle) in handles {
        let ended = match until {
            Some(until) => timeout_at(until, handle).await.ok(),
            None => Some(handle.await),
        };
        all.push((key, ended));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_a_thread_and_it_is_told_to_stop() {
        let began = Instant::now();
        let thread = Background::begin(|stop| {
            while !stop.is_raised() {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(7)
        });
        assert!(!thread.has_ended() && began.elapsed() < Duration::from_secs(5));
        thread.stop();
        assert_eq!(thread.result().await.unwrap(), 7);
        let broken = Background::<()>::begin(|_| panic!("on purpose"));
        assert!(broken.result().await.unwrap_err().to_string().contains("broke down"));
    }

    /// Each of them alone would take all the time that there is.
    #[tokio::test]
    async fn all_threads_share_one_deadline() {
        let hangs = || tokio::spawn(std::future::pending::<u8>());
        let handles = vec![("a", hangs()), ("b", hangs()), ("c", tokio::spawn(async { 3 })), ("d", hangs())];
        let began = Instant::now();
        let found = gather(handles, Duration::from_millis(300)).await;
        assert!(began.elapsed() < Duration::from_millis(600), "{:?}", began.elapsed());
        let ended: Vec<_> = found.into_iter().map(|(key, ended)| (key, ended.map(Result::unwrap))).collect();
        assert_eq!(ended, [("a", None), ("b", None), ("c", Some(3)), ("d", None)]);
    }
}

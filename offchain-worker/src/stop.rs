//! The wish to stop: set by SIGINT or SIGTERM, looked at between steps.

use crate::error::{Exit, failure};
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};
use tokio::sync::Notify;

/// A flag that many places can look at and that only ever goes up. Clones share it.
#[derive(Clone, Default, Debug)]
pub struct Stop(Arc<Inner>);

#[derive(Default, Debug)]
struct Inner {
    /// 0, or the exit code of the signal that came.
    code: AtomicU8,
    notify: Notify,
}

impl Stop {
    /// A flag that nothing has raised yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that the first SIGINT or SIGTERM raises; a second signal ends the process at once. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// If the signal handlers cannot be installed.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let stop = Self::new();
        let raised = stop.clone();
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            loop {
                let exit = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                if raised.is_raised() {
                    // Files are replaced atomically, so leaving now loses work but harms nothing.
                    std::process::exit(exit.code().into());
                }
                raised.raise(exit);
            }
        });
        Ok(stop)
    }

    /// Raises the flag; `exit` says why. The first reason stays.
    pub fn raise(&self, exit: Exit) {
        let _ = self.0.code.compare_exchange(0, exit.code(), Ordering::AcqRel, Ordering::Acquire);
        self.0.notify.notify_waiters();
    }

    /// Whether the flag is up.
    pub fn is_raised(&self) -> bool {
        self.0.code.load(Ordering::Acquire) != 0
    }

    /// Waits until the flag is up.
    pub async fn raised(&self) {
        let notified = self.0.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so a raise between the two is not missed.
        notified.as_mut().enable();
        if !self.is_raised() {
            notified.await;
        }
    }

    /// Why the flag is up, if it is.
    pub fn reason(&self) -> Option<Exit> {
        match self.0.code.load(Ordering::Acquire) {
            0 => None,
            code if code == Exit::Interrupted.code() => Some(Exit::Interrupted),
            _ => Some(Exit::Terminated),
        }
    }

    /// The error that a stopped command returns, with the signal's exit code.
    pub fn error(&self, message: impl Into<String>) -> anyhow::Error {
        failure(self.reason().unwrap_or(Exit::Terminated), message.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn waiting_ends_when_the_flag_goes_up_before_or_after() {
        let stop = Stop::new();
        let waiting = tokio::spawn({
            let stop = stop.clone();
            async move { stop.raised().await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        stop.raise(Exit::Interrupted);
        waiting.await.unwrap();
        stop.raised().await;
        stop.raise(Exit::Terminated);
        assert_eq!(stop.reason(), Some(Exit::Interrupted), "the first reason stays");
    }
}

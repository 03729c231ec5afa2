//! The wish to stop: set by SIGINT or SIGTERM, looked at between steps.

use crate::error::{Exit, failure};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

/// What is done before a second signal ends the process, which runs no destructors.
static AT_EXIT: Mutex<Option<fn()>> = Mutex::new(None);

/// How long that may take: a terminal that takes nothing must not keep a process alive.
const AT_EXIT_WITHIN: Duration = Duration::from_secs(1);

/// Sets what is done before a second signal ends the process.
pub fn at_exit(hook: Option<fn()>) {
    *AT_EXIT.lock().unwrap_or_else(PoisonError::into_inner) = hook;
}

/// Ends the process now. Files are replaced atomically, so leaving loses work but harms nothing.
async fn leave(exit: Exit) -> ! {
    let hook = *AT_EXIT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(hook) = hook {
        let _ = tokio::time::timeout(AT_EXIT_WITHIN, tokio::task::spawn_blocking(hook)).await;
    }
    std::process::exit(exit.code().into())
}

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
        let stop = Self::new();
        stop.raise_at(SignalKind::interrupt(), Exit::Interrupted)?;
        stop.raise_at(SignalKind::terminate(), Exit::Terminated)?;
        Ok(stop)
    }

    /// The same for SIGHUP and SIGQUIT, which end any other process at once: for who has something to leave in order. Not for all, since
    /// `nohup` wants SIGHUP to be ignored.
    ///
    /// # Errors
    /// If the signal handlers cannot be installed.
    pub fn also_at_hangup(&self) -> std::io::Result<()> {
        self.raise_at(SignalKind::hangup(), Exit::Terminated)?;
        self.raise_at(SignalKind::quit(), Exit::Terminated)
    }

    fn raise_at(&self, kind: SignalKind, exit: Exit) -> std::io::Result<()> {
        let (mut signals, stop) = (signal(kind)?, self.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if stop.is_raised() {
                    leave(exit).await;
                }
                stop.raise(exit);
            }
        });
        Ok(())
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

    /// What `asked` comes to, unless the flag goes up first: then it is given up, wherever it is.
    pub async fn unless_raised<T>(&self, asked: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.raised() => None,
            found = asked => Some(found),
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
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

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

    #[tokio::test]
    async fn what_is_asked_is_given_up_when_the_flag_goes_up() {
        let stop = Stop::new();
        assert_eq!(stop.unless_raised(async { 7 }).await, Some(7));
        let asking = tokio::spawn({
            let stop = stop.clone();
            async move { stop.unless_raised(std::future::pending::<()>()).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        stop.raise(Exit::Interrupted);
        assert_eq!(tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap().unwrap(), None);
        assert_eq!(stop.unless_raised(async { 7 }).await, None, "nothing is begun any more");
    }

    /// The name of this variable is set in the process that is sent signals: this test, run alone.
    const CHILD: &str = "SABHA_TEST_OF_SIGNALS";

    async fn be_ended() {
        let stop = Stop::on_signals().unwrap();
        stop.also_at_hangup().unwrap();
        at_exit(Some(|| eprintln!("in order")));
        eprintln!("begun");
        stop.raised().await;
        eprintln!("raised");
        std::future::pending().await
    }

    /// The first one raises the flag, the second one ends the process, after what is to be done before.
    #[tokio::test]
    async fn the_second_signal_ends_the_process_in_order() {
        if std::env::var_os(CHILD).is_some() {
            return be_ended().await;
        }
        for (first, second, code) in [("INT", "INT", 130), ("TERM", "INT", 130), ("HUP", "TERM", 143)] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "stop::tests::the_second_signal_ends_the_process_in_order", "--nocapture"])
                .env(CHILD, "1")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
            let mut send = |signal: &str, answer: &str| {
                let kill = format!("kill -{signal} {}", child.id());
                assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
                assert!(said.any(|line| line == answer), "{first}, {second}: not {answer}");
            };
            send("0", "begun");
            send(first, "raised");
            send(second, "in order");
            assert_eq!(child.wait().unwrap().code(), Some(code), "{first}, {second}");
        }
    }
}

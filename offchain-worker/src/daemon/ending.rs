//! How the daemon ends: its work parked, the log closed, and the chain told, or the operator.

use super::{
    Daemon,
    journal::{Event, JournalError},
    task::Task,
};
use crate::{
    chain::{Call, ChainError, WorkerStatus},
    error::Exit,
};
use std::time::Duration;

/// How long threads may take to park their work, after a signal.
pub(super) const PARK_WITHIN: Duration = Duration::from_secs(120);

/// How long asking or telling the chain may take at the end. With [`PARK_WITHIN`] less than a service manager's patience in
/// docs/workers.md.
const FAREWELL_WITHIN: Duration = Duration::from_secs(40);

/// Why the chain could not be told.
#[derive(Debug, thiserror::Error)]
enum FarewellError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the node did not answer within {FAREWELL_WITHIN:?}")]
    Late,
}

impl Daemon {
    /// Parks the work, tells the chain or the operator, and notes why it ended.
    ///
    /// # Errors
    /// If the log cannot be written. What was parked stays.
    pub(super) async fn end(&mut self, reason: &str) -> anyhow::Result<()> {
        self.disputes.end();
        let parked = self.park().await;
        let told = tokio::time::timeout(FAREWELL_WITHIN, self.farewell()).await;
        if let Err(error) = told.unwrap_or(Err(FarewellError::Late)) {
            tracing::warn!(
                %error,
                "the worker may still be ready on chain, and miss what it is drawn for: when the node answers, look with \
                 `sabha-worker status`, and `sabha-worker drain` it"
            );
        }
        parked?;
        self.record(Event::Stopped { reason: reason.into() })?;
        tracing::info!(%reason, "stopped");
        Ok(())
    }

    /// The chain does not notice that a daemon ends: a ready worker is drawn as before.
    async fn farewell(&mut self) -> Result<(), FarewellError> {
        self.client.check_genesis().await?;
        let worker = self.client.at_best().await?.worker_of(&self.key.account()).await?;
        let Some(worker) = worker else { return Ok(()) };
        if worker.status != WorkerStatus::Ready {
            return Ok(());
        }
        if !self.options.drain_on_stop {
            tracing::warn!(
                "the worker is still ready on chain: it may be drawn while it is off, and miss what it is drawn for. If it is off \
                 for long: `sabha-worker drain`, or start it with --drain-on-stop"
            );
            return Ok(());
        }
        self.record(Event::Drain)?;
        let included = self.submit(&Call::drain()).await?;
        tracing::info!(
            block = included.number,
            "drained: it is drawn for nothing that begins later, until `sabha-worker ready`"
        );
        let left = self.client.at_best().await?.duties_of(&self.key.account()).await?.len();
        if left > 0 || worker.reserved > 0 {
            tracing::warn!(
                duties = left,
                "it still answers for what it was drawn for: start it again before the deadlines, or its stake may be slashed"
            );
        }
        Ok(())
    }

    /// Stops a thread and takes in what it came to.
    pub(super) async fn halt(&mut self, task: Task) -> anyhow::Result<()> {
        let lane = task.kind.lane();
        self.memory.working.remove(&lane);
        let Some(crew) = self.crews.remove(&lane) else { return Ok(()) };
        crew.stop.raise(Exit::Terminated);
        match tokio::time::timeout(PARK_WITHIN, crew.handle).await {
            Ok(Ok(ended)) => self.note(&crew.duty, crew.began, ended),
            Ok(Err(error)) => {
                self.note(&crew.duty, crew.began, Err(anyhow::anyhow!("the engine broke down: {error}")))
            }
            Err(_) => {
                tracing::error!(%task, "the step did not end in time: its work is lost");
                Ok(())
            }
        }
    }

    async fn park(&mut self) -> anyhow::Result<()> {
        self.stop_remaking().await;
        // All of them at once: the time is bounded.
        for crew in self.crews.values() {
            tracing::info!(task = %crew.duty.task, "parking");
            crew.stop.raise(Exit::Terminated);
        }
        let tasks: Vec<Task> = self.crews.values().map(|crew| crew.duty.task).collect();
        for task in tasks {
            self.halt(task).await?;
        }
        Ok(())
    }
}

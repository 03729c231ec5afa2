//! How the daemon ends: the slot parked, the log closed, and the chain told, or the operator.

use super::{
    Daemon,
    journal::{Event, JournalError},
};
use crate::{
    chain::{Call, ChainError, Until, WorkerStatus},
    error::Exit,
};
use std::time::Duration;

/// How long a thread may take to park its slot, after a signal.
const PARK_WITHIN: Duration = Duration::from_secs(120);

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
    /// Parks the slot, tells the chain or the operator, and notes why it ended.
    ///
    /// # Errors
    /// If the log cannot be written. What was parked stays.
    pub(super) async fn end(&mut self, reason: &str) -> anyhow::Result<()> {
        let parked = self.park().await;
        let told = tokio::time::timeout(FAREWELL_WITHIN, self.farewell()).await;
        if let Err(error) = told.unwrap_or(Err(FarewellError::Late)) {
            tracing::warn!(
                %error,
                "the worker may still be ready on chain, and lose a slot that it is drawn for: when the node answers, look with \
                 `sabha-worker status`, and `sabha-worker drain` it"
            );
        }
        parked?;
        self.journal.record(Event::Stopped { reason: reason.into() })?;
        tracing::info!(%reason, "stopped");
        Ok(())
    }

    /// The chain does not notice that a daemon ends: a ready worker is drawn as before.
    async fn farewell(&mut self) -> Result<(), FarewellError> {
        self.client.check_genesis().await?;
        let worker = self.client.at_best().await?.worker_of(&self.key.account()).await?;
        let Some(worker) = worker else { return Ok(()) };
        let has_slot = match worker.status {
            WorkerStatus::Ready => false,
            WorkerStatus::Working => true,
            WorkerStatus::Idle | WorkerStatus::Draining | WorkerStatus::Unbonding { .. } => return Ok(()),
        };
        if !self.options.drain_on_stop {
            tracing::warn!(
                status = worker.status.word(),
                "the worker is still ready on chain: it may be drawn while it is off, and lose the slot. If it is off for long: \
                 `sabha-worker drain`, or start it with --drain-on-stop"
            );
            return Ok(());
        }
        self.journal.record(Event::Drain)?;
        let included = self.client.submit(&Call::drain(), &self.key, Until::Best).await?;
        tracing::info!(
            block = included.number,
            "drained: no more slots are drawn for it until `sabha-worker ready`"
        );
        if has_slot {
            tracing::warn!("it still has a slot: start it again before the deadline, or the slot is lost");
        }
        Ok(())
    }

    /// Stops the thread and takes in what it came to.
    pub(super) async fn halt(&mut self) -> anyhow::Result<()> {
        self.memory.training = None;
        let Some(training) = self.training.take() else { return Ok(()) };
        training.stop.raise(Exit::Terminated);
        match tokio::time::timeout(PARK_WITHIN, training.handle).await {
            Ok(Ok(ended)) => self.note(&training.duty, ended),
            Ok(Err(error)) => {
                self.note(&training.duty, Err(anyhow::anyhow!("the engine broke down: {error}")))
            }
            Err(_) => {
                tracing::error!(task = %training.duty.task, "the step did not end in time: its work is lost");
                Ok(())
            }
        }
    }

    async fn park(&mut self) -> anyhow::Result<()> {
        if let Some(training) = &self.training {
            tracing::info!(task = %training.duty.task, "parking the slot");
        }
        self.halt().await
    }
}

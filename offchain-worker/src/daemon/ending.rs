//! How the daemon ends: its work parked, the log closed, and the chain told, or the operator.

use super::{
    Crew, Daemon, Unnoted,
    background::gather,
    journal::{Event, JournalError},
    task::Task,
};
use crate::{
    chain::{Call, ChainError, WorkerStatus},
    error::Exit,
};
use std::time::{Duration, Instant};

/// How long threads may take to park their work, all together, after a signal; of one that takes longer to stop it is told.
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

    /// Tells a thread to stop. What it came to is taken in by a later look: its lane is taken until then.
    pub(super) fn halt(&mut self, task: Task) {
        let lane = task.kind.lane();
        if let Some(crew) = self.crews.get_mut(&lane) {
            crew.stop.raise(Exit::Terminated);
            crew.stopping.get_or_insert_with(Instant::now);
            self.memory.stopping.insert(lane);
        } else {
            self.memory.working.remove(&lane);
        }
    }

    /// Stops all that goes on, and takes in what the work came to, as far as it ends within [`PARK_WITHIN`].
    async fn park(&mut self) -> anyhow::Result<()> {
        self.stop_background();
        let mut crews = Vec::new();
        for (lane, Crew { duty, began, stop, handle, .. }) in std::mem::take(&mut self.crews) {
            tracing::info!(task = %duty.task, "parking");
            stop.raise(Exit::Terminated);
            self.memory.working.remove(&lane);
            crews.push(((duty, began), handle));
        }
        let mut parked = Ok(());
        for ((duty, began), ended) in gather(crews, PARK_WITHIN).await {
            let ended = match ended {
                Some(ended) => {
                    ended.unwrap_or_else(|error| Err(anyhow::anyhow!("the engine broke down: {error}")))
                }
                None => {
                    tracing::error!(task = %duty.task, "the step did not end in time: its work is lost");
                    continue;
                }
            };
            if let Some(ended) = self.count(&duty, began, ended) {
                parked = parked.and(self.note(&duty, &ended));
            }
        }
        for (_, Unnoted { duty, ended }) in std::mem::take(&mut self.unnoted) {
            parked = parked.and(self.note(&duty, &ended));
        }
        parked
    }
}

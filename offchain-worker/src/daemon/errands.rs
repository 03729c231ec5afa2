//! Transactions on their way into a block. The daemon goes on meanwhile: an inclusion may take minutes, and clocks of disputes run.

use super::{
    Daemon,
    acts::is_refusal,
    decide::{Errand, RETRY_BLOCKS},
    journal::Event,
};
use crate::{
    chain::{Call, ChainError, Included, Until},
    metrics::metrics,
};
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// What became of a transaction.
type Landed = Result<Included, ChainError>;

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Errands(BTreeMap<Errand, JoinHandle<Landed>>);

impl Errands {
    /// Whether something is known of one of them that was not taken in yet.
    pub(super) fn have_news(&self) -> bool {
        self.0.values().any(JoinHandle::is_finished)
    }

    fn take_landed(&mut self) -> Vec<(Errand, JoinHandle<Landed>)> {
        self.0.extract_if(.., |_, flight| flight.is_finished()).collect()
    }
}

impl Daemon {
    /// Signs and sends a call. What becomes of it is taken in by a later look; until then `errand` is in the memory's
    /// [`Memory::flying`](super::decide::Memory::flying).
    ///
    /// # Errors
    /// If the node does not answer. That the pool does not want it is taken in at once.
    pub(super) async fn send_out(&mut self, errand: Errand, call: &Call) -> Result<(), ChainError> {
        let sending = self.client.sender(&self.key).await?.send(call).await;
        if sending.is_err() {
            metrics().sent(&sending);
        }
        match sending {
            Ok(sent) => {
                self.memory.flying.insert(errand);
                self.errands.0.insert(errand, tokio::spawn(sent.included(Until::Best)));
                Ok(())
            }
            Err(error) if is_refusal(&error) => {
                self.land(errand, Err(error));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Takes in what became of what was sent.
    pub(super) async fn take_in_errands(&mut self) {
        for (errand, flight) in self.errands.take_landed() {
            self.memory.flying.remove(&errand);
            let landed = flight.await.unwrap_or_else(|error| {
                Err(ChainError::Rpc { what: "watching a transaction".into(), reason: error.to_string() })
            });
            metrics().sent(&landed);
            self.land(errand, landed);
        }
    }

    /// The node that was to tell what becomes of them is left: they are sent again to the next one, if need be.
    pub(super) fn give_up_errands(&mut self) {
        for (errand, flight) in std::mem::take(&mut self.errands.0) {
            flight.abort();
            self.memory.flying.remove(&errand);
            let left =
                ChainError::Rpc { what: "watching a transaction".into(), reason: "its node was left".into() };
            self.land(errand, Err(left));
        }
    }

    fn land(&mut self, errand: Errand, landed: Landed) {
        let again = self.block.saturating_add(RETRY_BLOCKS);
        if let Errand::Presence { .. } = errand {
            self.memory.ready_again = Some(again);
        }
        match (errand, landed) {
            (Errand::Act(task), Ok(included)) => {
                tracing::info!(%task, block = included.number, transaction = ?included.transaction, "sent");
                if self.journal.known(task).is_some_and(|known| !known.closed) {
                    self.memory.sent.insert(task, included.number);
                    self.memory.landed.insert(task);
                }
            }
            (Errand::Act(task), Err(error)) if is_refusal(&error) => {
                tracing::error!(%task, %error, again_in_blocks = RETRY_BLOCKS, "refused");
                self.memory.sent.remove(&task);
                self.memory.again.insert(task, again);
            }
            // It may be included yet: `sent` says when it is sent again if the chain does not show it.
            (Errand::Act(task), Err(error)) => {
                tracing::warn!(%task, %error, "what becomes of it is not known: it is sent again if need be");
            }
            (Errand::Presence { ready }, Ok(included)) => {
                tracing::info!(block = included.number, "{}", if ready { "ready" } else { "drained" });
                // Whoever drains it later by hand means it.
                self.memory.wants_ready = false;
            }
            (Errand::Presence { .. }, Err(error)) => {
                tracing::error!(%error, again_in_blocks = RETRY_BLOCKS, "refused, or lost");
            }
            (Errand::Poke(run), Ok(included)) => {
                tracing::info!(run, block = included.number, "moved the run on");
            }
            (Errand::Poke(run), Err(error)) if error.refusal().is_some() => {
                tracing::info!(run, %error, "somebody else was sooner");
            }
            (Errand::Poke(run), Err(error)) => tracing::warn!(run, %error, "the poke was lost"),
            (Errand::Announcement, Ok(_)) => tracing::info!("announced where it serves its blobs"),
            (Errand::Announcement, Err(error)) => {
                tracing::error!(%error, "cannot announce where it serves its blobs");
                if !is_refusal(&error) {
                    self.providers.forget_told();
                }
            }
        }
    }

    /// Writes down what is about to be done, and sends it.
    pub(super) async fn send_noted(
        &mut self,
        errand: Errand,
        event: Event,
        call: &Call,
    ) -> anyhow::Result<()> {
        self.record(event)?;
        Ok(self.send_out(errand, call).await?)
    }
}

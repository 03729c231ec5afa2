//! Whom blobs are fetched from, and which ones stay on this machine's disk.
//!
//! The workers of rounds that are not settled come first: who trains, and who made a checkpoint. Where they are is in their records on
//! chain. What those rounds need is pinned, so that it stays when there is no room.

use super::{Daemon, watch::Rounds};
use crate::{
    blobs::WorkerAddress,
    chain::{At, Call, ChainError, Until, Worker},
    keys::AccountId,
};
use sabha_protocol::{Digest, Outcome, round::SlotState};
use std::collections::BTreeSet;

/// Blocks after which it is looked again.
const LOOK_EVERY: u64 = 4;

/// Workers that are asked about on chain, at most: rounds have any number of slots, and anybody may register.
const ASKED: usize = 64;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Providers {
    /// The block in which it was looked last.
    looked: Option<u64>,
    /// What is pinned.
    pinned: Option<BTreeSet<Digest>>,
    /// The endpoint on chain that was spoken of last.
    told: Option<String>,
}

impl Daemon {
    /// Looks for workers to fetch from, pins what rounds need, and compares where this worker is with what the chain says.
    pub(super) async fn keep_providers(
        &mut self,
        at: &At,
        worker: &Worker,
        rounds: &mut Rounds<'_>,
    ) -> anyhow::Result<()> {
        self.announce(worker).await;
        if self.providers.looked.is_some_and(|looked| at.number() < looked.saturating_add(LOOK_EVERY)) {
            return Ok(());
        }
        let (mut needed, mut owners) = (BTreeSet::new(), BTreeSet::new());
        for run in at.open_runs().await? {
            let spec = self.specs.of(at, run).await?.map(|(_, spec)| spec);
            needed.extend(
                spec.iter().flat_map(|spec| [Some(spec.data.stream), spec.initial_checkpoint]).flatten(),
            );
            for round in rounds.rounds(run).await? {
                needed.extend(round.base.map(|base| base.blob));
                if let Some((made, by)) = round.result {
                    needed.insert(made.blob);
                    owners.insert(by);
                }
                for (_, slot) in rounds.slots(run, round.key).await? {
                    match slot.state {
                        SlotState::Assigned { worker, .. } => {
                            owners.insert(worker);
                        }
                        SlotState::Committed { worker, outcome } => {
                            owners.insert(worker);
                            if let Outcome::Trained(commitment) = outcome {
                                needed.insert(commitment.update_digest);
                            }
                        }
                        SlotState::Vacant | SlotState::Lost => {}
                    }
                }
            }
        }
        self.pin(needed)?;
        if let Some(network) = self.blobs.network().cloned() {
            network.set_workers(addresses_of(at, &worker.owner, owners).await?);
            tracing::debug!(workers = network.worker_count(), "knows whom to fetch blobs from");
        }
        self.providers.looked = Some(at.number());
        Ok(())
    }

    fn pin(&mut self, needed: BTreeSet<Digest>) -> anyhow::Result<()> {
        if self.providers.pinned.as_ref() != Some(&needed) {
            // Daemons that share the folder have names of their own.
            let name = format!("daemon-{}", self.key.account());
            self.blobs.own().pin(&name, &needed)?;
            self.providers.pinned = Some(needed);
        }
        Ok(())
    }

    /// Says where this worker serves its blobs, if the chain says something else: it is the owner's call, which the daemon makes
    /// only if its key is the owner's.
    async fn announce(&mut self, worker: &Worker) {
        let Some(network) = self.blobs.network() else { return };
        if self.providers.told.as_ref() == Some(&worker.endpoint) {
            return;
        }
        self.providers.told = Some(worker.endpoint.clone());
        let Some(own) = network.address() else {
            if self.config.network.listen.is_some() {
                tracing::warn!(
                    "this worker listens everywhere, and knows no address of its own: say where others reach it with --announce"
                );
            } else if worker.endpoint.is_empty() {
                tracing::info!("this worker serves its blobs to nobody over the network: --listen makes it");
            }
            return;
        };
        let own = own.to_string();
        if worker.endpoint == own {
            tracing::info!(endpoint = %own, "serves its blobs where the chain says");
            return;
        }
        if self.key.account() != worker.owner {
            tracing::warn!(
                on_chain = %worker.endpoint,
                endpoint = %own,
                "the chain does not say where this worker serves its blobs: others cannot fetch them. Announce it with the owner's key: \
                 sabha-worker update --key OWNER.json --endpoint {own}"
            );
            return;
        }
        let changes = crate::chain::WorkerChanges { endpoint: Some(own.clone()), ..Default::default() };
        match self.client.submit(&Call::update_worker(&changes), &self.key, Until::Best).await {
            Ok(_) => tracing::info!(endpoint = %own, "announced where it serves its blobs"),
            Err(error) => {
                tracing::error!(endpoint = %own, %error, "cannot announce where it serves its blobs")
            }
        }
    }
}

/// Where other workers are: those of rounds first, then some of all others.
pub(crate) async fn addresses_of(
    at: &At,
    own: &AccountId,
    owners: BTreeSet<AccountId>,
) -> Result<Vec<WorkerAddress>, ChainError> {
    let mut workers = Vec::new();
    for owner in owners.iter().filter(|owner| *owner != own).take(ASKED) {
        workers.extend(at.worker_of(owner).await?);
    }
    let others = at.some_workers(ASKED).await?.into_iter();
    workers.extend(others.filter(|worker| worker.owner != *own && !owners.contains(&worker.owner)));
    // An endpoint is any text, and some are none of ours.
    Ok(workers.iter().filter_map(|worker| worker.endpoint.parse().ok()).collect())
}

//! Whom blobs are fetched from, and which ones stay on this machine's disk.
//!
//! The workers of rounds that are not settled come first: who trains, and who made a checkpoint. Where they are is in their records on
//! chain. What those rounds need is pinned, so that it stays when there is no room.

use super::{
    Daemon,
    decide::Errand,
    journal::{Event, Journal},
    survey::Survey,
    task::Act,
    watch::{AT_ONCE, Rounds},
};
use crate::{
    blobs::{BlobStore, WorkerAddress},
    chain::{At, Call, ChainError, Worker},
    keys::AccountId,
};
use futures::{StreamExt, TryStreamExt, stream};
use sabha_protocol::{Digest, Outcome, RunId, round::SlotState};
use std::collections::{BTreeMap, BTreeSet};

/// Blocks after which it is looked again.
const LOOK_EVERY: u64 = 4;

/// Workers that are asked about on chain at a time, at most: rounds have any number of slots, and anybody may register.
const ASKED: usize = 64;

/// Blocks after which a worker of a round is asked about again.
const ASK_AGAIN: u64 = 64;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Providers {
    /// The block in which it was looked last.
    looked: Option<u64>,
    /// What is pinned.
    pinned: Option<BTreeSet<Digest>>,
    /// The checkpoints that runs have come to, as far as they are pinned.
    tips: BTreeMap<RunId, Digest>,
    /// Pins that were damaged at the start.
    damaged: Vec<String>,
    /// The endpoint on chain that was spoken of last.
    told: Option<String>,
    /// Where workers of rounds are.
    addresses: Addresses,
}

/// Where workers are, as the chain said in which block.
#[derive(Debug, Default)]
struct Addresses(BTreeMap<AccountId, (u64, Option<WorkerAddress>)>);

impl Addresses {
    /// Forgets all but these workers, and tells about whom to ask in this block: those first about whom nothing is known, and then those
    /// about whom it was asked longest ago.
    fn due(&mut self, workers: &BTreeSet<AccountId>, block: u64) -> Vec<AccountId> {
        self.0.retain(|worker, _| workers.contains(worker));
        let asked = |worker: &AccountId| self.0.get(worker).map(|(asked, _)| *asked);
        let mut due: Vec<_> = workers
            .iter()
            .map(|worker| (asked(worker), worker))
            .filter(|(asked, _)| asked.is_none_or(|asked| asked.saturating_add(ASK_AGAIN) <= block))
            .collect();
        due.sort();
        due.into_iter().take(ASKED).map(|(_, worker)| *worker).collect()
    }

    fn of(&self, worker: &AccountId) -> Option<&WorkerAddress> {
        self.0.get(worker)?.1.as_ref()
    }
}

impl Providers {
    /// Of a daemon that has found these pins damaged.
    pub(super) fn of_mended(pins: &[String]) -> Self {
        Self { damaged: pins.to_vec(), ..Self::default() }
    }

    /// What the chain says of this worker is looked at again.
    pub(super) fn forget_told(&mut self) {
        self.told = None;
    }
}

impl Daemon {
    /// Looks for workers to fetch from, pins what rounds need, and compares where this worker is with what the chain says.
    pub(super) async fn keep_providers(
        &mut self,
        survey: &mut Survey,
        worker: &Worker,
    ) -> anyhow::Result<()> {
        self.announce(worker).await?;
        if !survey.deep {
            return Ok(());
        }
        let Survey { at, open, rounds, .. } = survey;
        let at = &*at;
        // What was made and is not in the chain yet, or not in this block.
        let (mut needed, mut owners) = (made_of(&self.journal), BTreeSet::new());
        let mut makers = Vec::new();
        self.keep_tips(open, rounds).await?;
        for run in open.iter().copied() {
            let spec = self.specs.of(rounds, run).await?.map(|(_, spec)| spec);
            needed.extend(
                spec.iter().flat_map(|spec| [Some(spec.data.stream), spec.initial_checkpoint]).flatten(),
            );
            for round in rounds.rounds(run).await? {
                needed.extend(round.base.map(|base| base.blob));
                if let Some((made, by)) = round.result {
                    needed.insert(made.blob);
                    makers.push((made.blob, by));
                    owners.insert(by);
                }
                for (_, slot) in rounds.slots(run, round.key).await? {
                    match slot.state {
                        SlotState::Assigned { worker, .. } => {
                            owners.insert(worker);
                        }
                        SlotState::Committed { worker, outcome } => {
                            if let Outcome::Trained(commitment) = outcome {
                                needed.insert(commitment.update_digest);
                                makers.push((commitment.update_digest, worker));
                            }
                            owners.insert(worker);
                        }
                        SlotState::Vacant | SlotState::Lost => {}
                    }
                }
            }
        }
        self.pin(needed)?;
        if let Some(network) = self.blobs.network().cloned() {
            owners.remove(&worker.owner);
            network.set_workers(self.addresses_of(at, &worker.owner, &owners).await?);
            let known = &self.providers.addresses;
            network
                .set_hints(makers.iter().filter_map(|(blob, maker)| Some((*blob, known.of(maker)?.clone()))));
            tracing::debug!(workers = network.worker_count(), "knows whom to fetch blobs from");
        }
        self.providers.looked = Some(at.number());
        Ok(())
    }

    /// Where other workers are: those of rounds first, then some of all others.
    async fn addresses_of(
        &mut self,
        at: &At,
        own: &AccountId,
        owners: &BTreeSet<AccountId>,
    ) -> Result<Vec<WorkerAddress>, ChainError> {
        let known = &mut self.providers.addresses;
        let mut asked = stream::iter(known.due(owners, at.number()))
            .map(|owner| async move { at.worker_of(&owner).await.map(|found| (owner, found)) })
            .buffer_unordered(AT_ONCE);
        while let Some((owner, found)) = asked.try_next().await? {
            known.0.insert(owner, (at.number(), found.as_ref().and_then(address)));
        }
        let mut addresses: Vec<_> = owners.iter().filter_map(|owner| known.of(owner)).cloned().collect();
        addresses.extend(some_addresses(at, |worker| worker != own && !owners.contains(worker)).await?);
        Ok(addresses)
    }

    fn pin(&mut self, needed: BTreeSet<Digest>) -> anyhow::Result<()> {
        if self.providers.pinned.as_ref() != Some(&needed) {
            self.blobs.own().pin(&self.pin_name(), &needed)?;
            self.providers.pinned = Some(needed);
        }
        Ok(())
    }

    /// Daemons that share the folder have names of their own.
    fn pin_name(&self) -> String {
        format!("daemon-{}", self.owner)
    }

    /// Pins what was made here, before anything else is done with it.
    pub(super) fn pin_made(&mut self, blob: Digest) -> anyhow::Result<()> {
        let mut pinned = self.blobs.own().pinned(&self.pin_name())?;
        pinned.insert(blob);
        self.pin(pinned)
    }

    /// What the pins of checkpoints that runs have come to begin with.
    fn tips_prefix(&self) -> String {
        let chain: String = self.client.genesis_hex().chars().skip(2).take(8).collect();
        format!("model-{chain}-")
    }

    /// The runs whose checkpoints are pinned, and that may be over.
    pub(super) fn runs_with_tips(&self) -> BTreeSet<RunId> {
        let prefix = self.tips_prefix();
        let damaged = self.providers.damaged.iter().filter_map(|name| run_of(&prefix, name));
        self.providers.tips.keys().copied().chain(damaged).collect()
    }

    /// Whether it is time to look again for workers to fetch from.
    pub(super) fn looks_for_providers(&self, block: u64) -> bool {
        self.providers.looked.is_none_or(|looked| block >= looked.saturating_add(LOOK_EVERY))
    }

    /// Pins the checkpoints that runs have come to, each by a pin of its own. That of a run that is over stays: it is the model that the
    /// run was for, and the chain names it still. Who does not want it unpins it.
    async fn keep_tips(&mut self, open: &[RunId], rounds: &mut Rounds) -> anyhow::Result<()> {
        let prefix = self.tips_prefix();
        if self.providers.looked.is_none() {
            // Runs may have ended while the daemon was off.
            self.providers.tips = tips_of(&prefix, self.blobs.own().pins_named(&prefix)?);
        }
        let mut runs: BTreeSet<RunId> = self.providers.tips.keys().copied().collect();
        // What these kept may be known by their names alone.
        runs.extend(self.providers.damaged.iter().filter_map(|name| run_of(&prefix, name)));
        runs.extend(open);
        for run in runs {
            let Some(record) = rounds.run(run).await? else { continue };
            let kept = self.providers.tips.get(&run).copied();
            // The one before stays until the next one is here.
            let tip =
                record.checkpoint.map(|tip| tip.blob).filter(|tip| self.blobs.has(*tip).unwrap_or(false));
            if let Some(tip) = tip.filter(|tip| Some(*tip) != kept) {
                self.blobs.own().pin(&format!("{prefix}{run}"), &[tip].into())?;
                self.providers.tips.insert(run, tip);
            }
            if record.status.is_over() {
                // It does not change any more.
                self.providers.tips.remove(&run);
            }
        }
        self.providers.damaged.clear();
        Ok(())
    }

    /// Says where this worker serves its blobs, if the chain says something else: it is the owner's call, which the daemon makes
    /// only if its key is the owner's.
    async fn announce(&mut self, worker: &Worker) -> anyhow::Result<()> {
        let Some(network) = self.blobs.network() else { return Ok(()) };
        if self.providers.told.as_ref() == Some(&worker.endpoint) {
            return Ok(());
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
            return Ok(());
        };
        let own = own.to_string();
        if worker.endpoint == own {
            tracing::info!(endpoint = %own, "serves its blobs where the chain says");
            return Ok(());
        }
        if self.key.account() != worker.owner {
            tracing::warn!(
                on_chain = %worker.endpoint,
                endpoint = %own,
                "the chain does not say where this worker serves its blobs: others cannot fetch them. Announce it with the owner's key: \
                 sabha-worker update --key OWNER.json --endpoint {own}"
            );
            return Ok(());
        }
        let changes = crate::chain::WorkerChanges { endpoint: Some(own.clone()), ..Default::default() };
        let call = Call::update_worker(&changes);
        let sent = self.send_noted(Errand::Announcement, Event::Announcing { endpoint: own }, &call).await;
        if sent.is_err() {
            self.providers.forget_told();
        }
        sent
    }
}

/// What was made for what the chain has not settled yet, by the event log.
pub(super) fn made_of(journal: &Journal) -> BTreeSet<Digest> {
    let acts = journal.open_tasks().filter_map(|(_, known)| Some(&known.done.as_ref()?.1));
    acts.filter_map(Act::blob).collect()
}

/// The runs whose checkpoints are kept by pins that begin so.
fn tips_of(prefix: &str, pins: BTreeMap<String, BTreeSet<Digest>>) -> BTreeMap<RunId, Digest> {
    let tips = pins.iter().filter_map(|(name, pinned)| Some((run_of(prefix, name)?, *pinned.first()?)));
    tips.collect()
}

/// The run whose checkpoint a pin keeps that begins so.
fn run_of(prefix: &str, name: &str) -> Option<RunId> {
    name.strip_prefix(prefix)?.parse().ok()
}

/// Whether a daemon pins under this name, and pins anew what is missing: what rounds need, models, and states for auditors.
pub(super) fn is_of_a_daemon(name: &str) -> bool {
    ["daemon-", "model-", "served-"].iter().any(|prefix| name.starts_with(prefix))
}

/// An endpoint is any text, and some are none of ours.
fn address(worker: &Worker) -> Option<WorkerAddress> {
    worker.endpoint.parse().ok()
}

/// Where some of the workers are whose owners are asked for.
pub(crate) async fn some_addresses(
    at: &At,
    asked_for: impl Fn(&AccountId) -> bool,
) -> Result<Vec<WorkerAddress>, ChainError> {
    let workers = at.some_workers(ASKED).await?;
    Ok(workers.iter().filter(|worker| asked_for(&worker.owner)).filter_map(address).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        blobs::LocalBlobs,
        daemon::task::{Basis, Kind, Task},
    };
    use sabha_protocol::{Commitment, RoundKey};

    /// From the moment that it is done until the chain has it, also by a daemon that was started again.
    #[test]
    fn what_was_made_is_kept_until_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path().join("blobs")).unwrap();
        let blob = blobs.put(b"an update").unwrap();
        let round = RoundKey { round: 0, attempt: 0 };
        let task = Task { kind: Kind::Train, run: 7, round, place: 0, generation: 0 };
        let basis = Basis { spec: Digest([1; 32]), base: None, inputs: Digest([2; 32]) };
        let commitment =
            Commitment { segments_root: Digest([3; 32]), update_digest: blob, mean_loss: 2.0.into() };
        let act = Act::Commit(Outcome::Trained(commitment));
        let open = || Journal::open(&folder.path().join("state")).unwrap();
        let mut journal = open();
        journal.record(Event::Taken { task, basis, until: 9, block: 1 }).unwrap();
        assert!(made_of(&journal).is_empty());
        journal.record(Event::Done { task, basis, act: act.clone() }).unwrap();
        drop(journal);
        let mut journal = open();
        assert_eq!(made_of(&journal), [blob].into());
        blobs.pin("daemon", &made_of(&journal)).unwrap();
        blobs.collect(0).unwrap();
        assert!(blobs.has(blob).unwrap(), "no collection takes it");
        journal.record(Event::Signing { task, act }).unwrap();
        assert_eq!(made_of(&journal), [blob].into());
        journal.record(Event::Settled { task, block: 5 }).unwrap();
        assert!(made_of(&journal).is_empty(), "the chain names it from now on");
    }

    #[test]
    fn all_workers_of_large_rounds_are_asked_about_a_part_at_a_time() {
        let workers: BTreeSet<AccountId> = (0..200u8).map(|index| AccountId::from([index; 32])).collect();
        let mut known = Addresses::default();
        let mut asked = BTreeSet::new();
        for block in [4, 8, 12, 16] {
            let due = known.due(&workers, block);
            assert!(due.len() <= ASKED);
            for worker in due {
                assert!(asked.insert(worker), "nobody twice while others wait");
                known.0.insert(worker, (block, None));
            }
        }
        assert_eq!(asked, workers);
        assert!(known.due(&workers, 20).is_empty());
        let again = known.due(&workers, 4 + ASK_AGAIN);
        assert_eq!(again.len(), ASKED, "those of block 4");
        assert!(again.iter().all(|worker| known.0.get(worker).is_some_and(|(block, _)| *block == 4)));
        let few = workers.iter().take(3).copied().collect();
        known.due(&few, 20);
        assert_eq!(known.0.len(), 3, "the others are forgotten");
    }

    #[test]
    fn pins_name_the_runs_whose_checkpoints_they_keep() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path()).unwrap();
        let model = blobs.put(b"a model").unwrap();
        for name in ["model-00112233-7", "model-44556677-8", "model-00112233-x", "daemon-a"] {
            blobs.pin(name, &[model].into()).unwrap();
        }
        assert_eq!(tips_of("model-00112233-", blobs.pins().unwrap()), [(7, model)].into());
    }
}

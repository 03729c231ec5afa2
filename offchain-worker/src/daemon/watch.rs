//! Reading from the chain what a decision needs.

use super::{
    decide::{Standing, View},
    journal::Journal,
    slots,
    task::{Ask, Duty, Kind, Task},
    work,
};
use crate::{
    chain::{At, ChainError, Round, Run, Slot, Worker},
    keys::AccountId,
    metrics::health::Fitness,
};
use futures::{StreamExt, TryStreamExt, stream};
use sabha_protocol::{
    ActiveBlock, Digest, Outcome, RoundKey, RunId, SlotIndex, SlotSet,
    audit::SeatState,
    round::{self, Phase, SlotState},
    spec::{ClockSpec, RunSpec},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Questions that are asked of a node at a time.
pub(super) const AT_ONCE: usize = 16;

/// Specifications that were read before, by their hash. They never change.
#[derive(Debug, Default)]
pub struct Specs {
    /// With when each was asked for last, counted in questions.
    kept: BTreeMap<Digest, (u64, RunSpec)>,
    asked: u64,
}

/// How many specifications are kept: twice as many as runs may be open, so that all of a look are there at its end.
const KEPT: usize = 512;

impl Specs {
    /// One that was read before.
    pub fn get(&self, hash: Digest) -> Option<&RunSpec> {
        self.kept.get(&hash).map(|(_, spec)| spec)
    }

    /// The same, which stays longer for it.
    fn used(&mut self, hash: Digest) -> Option<&RunSpec> {
        self.asked = self.asked.saturating_add(1);
        let (used, spec) = self.kept.get_mut(&hash)?;
        *used = self.asked;
        Some(spec)
    }

    fn keep(&mut self, hash: Digest, spec: RunSpec) {
        if self.kept.len() >= KEPT
            && let Some(oldest) = self.kept.iter().min_by_key(|(_, (used, _))| *used).map(|(hash, _)| *hash)
        {
            self.kept.remove(&oldest);
        }
        self.kept.insert(hash, (self.asked, spec));
    }

    /// The specification of a run, and its hash; `None` if the run is over.
    ///
    /// # Errors
    /// If the node does not answer, or serves another specification than the one that the run names.
    pub async fn of(
        &mut self,
        rounds: &mut Rounds,
        id: RunId,
    ) -> Result<Option<(Digest, RunSpec)>, ChainError> {
        let Some(run) = rounds.run(id).await? else { return Ok(None) };
        let hash = run.spec_hash;
        if let Some(spec) = self.used(hash) {
            return Ok(Some((hash, spec.clone())));
        }
        let Some(spec) = read_spec(&rounds.at, id, hash).await? else { return Ok(None) };
        self.keep(hash, spec.clone());
        Ok(Some((hash, spec)))
    }

    /// Those that are here.
    pub(super) fn hashes(&self) -> BTreeSet<Digest> {
        self.kept.keys().copied().collect()
    }

    /// Takes in what was read elsewhere.
    pub(super) fn take(&mut self, specs: Vec<(Digest, RunSpec)>) {
        for (hash, spec) in specs {
            self.asked = self.asked.saturating_add(1);
            self.keep(hash, spec);
        }
    }
}

/// The specification of a run that names this hash.
pub(super) async fn read_spec(at: &At, id: RunId, hash: Digest) -> Result<Option<RunSpec>, ChainError> {
    let spec = at.spec(id).await?;
    if spec.as_ref().is_some_and(|spec| spec.hash() != hash) {
        return Err(ChainError::Rpc {
            what: format!("reading the specification of run {id}"),
            reason: "what the node serves does not hash to what the run names".into(),
        });
    }
    Ok(spec)
}

/// Whether an account speaks for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It does, by the followed block.
    Worker(Box<Worker>),
    /// It does by the best block only: the followed one is older.
    NotYet,
    /// It does not.
    No,
}

/// The worker that `hot_key` speaks for.
///
/// # Errors
/// If the node does not answer, or the runtime differs from what this release knows.
pub async fn worker(followed: &At, best: &At, hot_key: &AccountId) -> Result<Found, ChainError> {
    if let Some(worker) = followed.worker_of(hot_key).await? {
        return Ok(Found::Worker(Box::new(worker)));
    }
    let later = followed.hash() != best.hash() && best.worker_of(hot_key).await?.is_some();
    Ok(if later { Found::NotYet } else { Found::No })
}

/// What the chain says of a worker that may keep it from being drawn, or from being heard.
///
/// # Errors
/// As for [`worker`].
pub async fn fitness(at: &At, worker: &Worker, active: ActiveBlock) -> Result<Fitness, ChainError> {
    Ok(Fitness {
        jailed_until: Some(worker.jailed_until).filter(|until| *until > active),
        stake: worker.stake,
        least_stake: at.min_stake()?,
        fees: at.balances(&worker.hot_key).await?.free,
    })
}

/// What was read of rounds after one block, so that nothing is read twice.
pub struct Rounds {
    at: At,
    runs: BTreeMap<RunId, Option<Run>>,
    rounds: BTreeMap<RunId, Vec<Round>>,
    slots: BTreeMap<(RunId, RoundKey), Vec<(SlotIndex, Slot)>>,
}

impl Rounds {
    /// Nothing is read yet.
    pub fn at(at: &At) -> Self {
        Self { at: at.clone(), runs: BTreeMap::new(), rounds: BTreeMap::new(), slots: BTreeMap::new() }
    }

    /// Reads these runs and their rounds, and all slots of those if `deep`, many at a time.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn fill(&mut self, runs: BTreeSet<RunId>, deep: bool) -> Result<(), ChainError> {
        let at = &self.at;
        let read = stream::iter(runs)
            .map(
                |run| async move { Ok::<_, ChainError>((run, at.run(run).await?, at.rounds_of(run).await?)) },
            )
            .buffer_unordered(AT_ONCE);
        let read: Vec<_> = read.try_collect().await?;
        let keys = read.iter().flat_map(|(run, _, rounds)| rounds.iter().map(|round| (*run, round.key)));
        let keys: Vec<_> = keys.filter(|_| deep).collect();
        let slots = stream::iter(keys)
            .map(|(run, key)| async move { Ok::<_, ChainError>(((run, key), at.slots_of(run, key).await?)) })
            .buffer_unordered(AT_ONCE);
        self.slots = slots.try_collect().await?;
        for (run, record, rounds) in read {
            self.runs.insert(run, record);
            self.rounds.insert(run, rounds);
        }
        Ok(())
    }

    /// A run.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn run(&mut self, id: RunId) -> Result<Option<Run>, ChainError> {
        if let Some(run) = self.runs.get(&id) {
            return Ok(run.clone());
        }
        let run = self.at.run(id).await?;
        self.runs.insert(id, run.clone());
        Ok(run)
    }

    /// An attempt at a round, until it is settled.
    ///
    /// # Errors
    /// If the node does not answer, or the runtime differs from what this release knows; so for all that follow.
    pub async fn round(&mut self, run: RunId, key: RoundKey) -> Result<Option<Round>, ChainError> {
        Ok(self.rounds(run).await?.into_iter().find(|round| round.key == key))
    }

    /// All attempts at rounds of a run that are not settled.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn rounds(&mut self, run: RunId) -> Result<Vec<Round>, ChainError> {
        if let Some(rounds) = self.rounds.get(&run) {
            return Ok(rounds.clone());
        }
        let rounds = self.at.rounds_of(run).await?;
        self.rounds.insert(run, rounds.clone());
        Ok(rounds)
    }

    /// Its slots.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn slots(&mut self, run: RunId, key: RoundKey) -> Result<&[(SlotIndex, Slot)], ChainError> {
        if !self.slots.contains_key(&(run, key)) {
            self.slots.insert((run, key), self.at.slots_of(run, key).await?);
        }
        Ok(self.slots.get(&(run, key)).map(Vec::as_slice).unwrap_or_default())
    }

    /// One of its slots.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn slot(
        &mut self,
        run: RunId,
        key: RoundKey,
        index: SlotIndex,
    ) -> Result<Option<Slot>, ChainError> {
        Ok(self.slots(run, key).await?.iter().find(|(slot, _)| *slot == index).map(|(_, slot)| *slot))
    }

    /// How the checkpoints of a run's rounds that are not settled were made, in order.
    ///
    /// # Errors
    /// As for [`Self::round`].
    pub async fn origins(&mut self, run: RunId) -> Result<Vec<work::Origin>, ChainError> {
        let mut origins = Vec::new();
        for round in self.rounds(run).await? {
            let Some((made, _)) = round.result else { continue };
            let updates = self.updates(run, round.key, &round.accepted).await?;
            // Some are settled: the chain has forgotten their addresses.
            if updates.len() == usize::from(round.accepted.len()) {
                origins.push(work::Origin { round: round.key.round, made, base: round.base, updates });
            }
        }
        Ok(origins)
    }

    /// The addresses of the updates of some of its slots.
    async fn updates(
        &mut self,
        run: RunId,
        key: RoundKey,
        set: &SlotSet,
    ) -> Result<Vec<(SlotIndex, Digest)>, ChainError> {
        let slots = self.slots(run, key).await?;
        let updates = slots.iter().filter(|(slot, _)| set.contains(*slot)).filter_map(|(slot, record)| {
            match record.outcome()? {
                Outcome::Trained(commitment) => Some((*slot, commitment.update_digest)),
                Outcome::Diverged(_) => None,
            }
        });
        Ok(updates.collect())
    }
}

/// What the daemon itself knows, for a view.
pub struct Own<'a> {
    /// The worker's owner.
    pub owner: &'a AccountId,
    /// The account that speaks for it.
    pub hot_key: &'a AccountId,
    /// The event log.
    pub journal: &'a Journal,
    /// The folder of the daemon's state.
    pub state: &'a Path,
    /// How much is due for the open runs, as far as it is known.
    pub due: &'a [(RunId, u32)],
}

/// What a decision needs: what the worker has to do after the followed block.
///
/// # Errors
/// If the node does not answer, or the runtime differs from what this release knows.
pub async fn view(
    followed: &At,
    best: &At,
    worker: &Worker,
    own: &Own<'_>,
    rounds: &mut Rounds,
    specs: &mut Specs,
) -> Result<View, ChainError> {
    let mut duties = Vec::new();
    for asked in followed.duties_of(own.hot_key).await? {
        let Some((hash, spec)) = specs.of(rounds, asked.run()).await? else { continue };
        duties.extend(duty(followed, &asked, hash, &spec, rounds, own.state).await?);
    }
    let mut standings = BTreeMap::new();
    for (task, _) in own.journal.open_tasks() {
        if !duties.iter().any(|duty: &Duty| duty.task == task) {
            standings.insert(task, standing(followed, &task, own.owner, rounds).await?);
        }
    }
    Ok(View {
        block: followed.number(),
        best: best.number(),
        active: followed.active_blocks().await?,
        status: worker.status,
        duties,
        standings,
        due: own.due.to_vec(),
    })
}

/// What a duty of the chain asks exactly; `None` if the chain has moved on between two reads.
async fn duty(
    at: &At,
    asked: &round::Duty,
    spec_hash: Digest,
    spec: &RunSpec,
    rounds: &mut Rounds,
    state: &Path,
) -> Result<Option<Duty>, ChainError> {
    use round::Duty as Asked;
    let (run, key, until) = (asked.run(), asked.round(), asked.until());
    let Some(round) = rounds.round(run, key).await? else { return Ok(None) };
    let task = |kind, place, generation| Task { kind, run, round: key, place, generation };
    let mut leaves = None;
    let (task, ask) = match asked {
        Asked::Train { slot, generation, .. } => (task(Kind::Train, *slot, *generation), Ask::Train),
        Asked::Attest { place, slots, .. } => {
            let Phase::Availability { panel, .. } = round.phase else { return Ok(None) };
            (task(Kind::Attest, *place, panel.into()), Ask::Attest(rounds.updates(run, key, slots).await?))
        }
        Asked::Aggregate { accepted, .. } => {
            (task(Kind::Aggregate, 0, 0), Ask::Aggregate(rounds.updates(run, key, accepted).await?))
        }
        Asked::Audit { place, slot, generation, segments, .. } => {
            let record = rounds.slot(run, key, *slot).await?;
            let Some(claim) = record.and_then(|record| record.outcome()) else { return Ok(None) };
            let ask = Ask::Audit { slot: *slot, claim, segments: segments.clone() };
            (task(Kind::Audit, *place, *generation), ask)
        }
        Asked::Publish { slot, segments, .. } => {
            let Some(record) = rounds.slot(run, key, *slot).await? else { return Ok(None) };
            let Some(Outcome::Trained(commitment)) = record.outcome() else { return Ok(None) };
            let segments_root = commitment.segments_root;
            let ask = Ask::Publish { segments_root, segments: segments.clone() };
            let task = task(Kind::Publish, *slot, record.generation);
            leaves = slots::read_openings(&work::folder_of(state, &task), spec, segments_root, segments);
            (task, ask)
        }
        Asked::Reveal { place, .. } => {
            let seat = at.seat(run, key, *place).await?;
            let Some((SeatState::Sealed(seal), generation)) = seat.map(|seat| (seat.state, seat.generation))
            else {
                return Ok(None);
            };
            (task(Kind::Reveal, *place, generation), Ask::Reveal(seal))
        }
    };
    let half = clock(task.kind, &spec.clocks) / 2;
    let target = if task.kind == Kind::Train { until } else { until.saturating_sub(half) };
    Ok(Some(Duty {
        basis: Duty::basis(spec_hash, round.base, &ask),
        task,
        ask,
        until,
        target,
        patience: until.saturating_sub(half),
        leaves,
        numerics_version: spec.numerics_version,
    }))
}

/// The clock that a kind of duty has.
fn clock(kind: Kind, clocks: &ClockSpec) -> ActiveBlock {
    match kind {
        Kind::Train => clocks.training,
        Kind::Attest => clocks.availability,
        Kind::Aggregate => clocks.aggregation,
        Kind::Audit => clocks.seals,
        Kind::Publish => clocks.leaves,
        Kind::Reveal => clocks.reveals,
    }
}

/// How the chain sees something that it does not ask for.
async fn standing(
    at: &At,
    task: &Task,
    owner: &AccountId,
    rounds: &mut Rounds,
) -> Result<Standing, ChainError> {
    let Task { kind, run, round: key, place, generation } = *task;
    let Some(round) = rounds.round(run, key).await? else { return Ok(Standing::Gone) };
    let of = |done| if done { Standing::Done } else { Standing::Undone };
    Ok(match kind {
        Kind::Train | Kind::Publish => match rounds.slot(run, key, place).await? {
            None => Standing::Gone,
            Some(slot) if kind == Kind::Publish => {
                of(!round.unanswered.contains(place) && slot.checks.fault.is_none())
            }
            Some(slot) => of(slot.generation == generation
                && matches!(&slot.state, SlotState::Committed { worker, .. } if worker == owner)),
        },
        Kind::Attest => {
            let panel = u8::try_from(generation).unwrap_or(u8::MAX);
            match at.attester(run, key, panel, place).await? {
                Some(attester) => of(attester.worker == *owner && attester.report.is_some()),
                None => Standing::Gone,
            }
        }
        Kind::Aggregate => of(matches!(&round.result, Some((_, worker)) if worker == owner)),
        Kind::Audit | Kind::Reveal => match at.seat(run, key, place).await? {
            Some(seat) if seat.auditor != *owner => Standing::Undone,
            Some(seat) if kind == Kind::Audit => of(seat.state != SeatState::Drawn),
            Some(seat) => of(!matches!(seat.state, SeatState::Drawn | SeatState::Sealed(_))),
            None => Standing::Gone,
        },
    })
}

//! A run in memory: the records that the pallet keeps in storage, and a driver that makes every transition that is due. It is what
//! the property tests and the simulator run, and shows in one place how the functions of [`crate::round`] are put together.

mod acts;
mod drive;
mod store;

pub use store::MemoryTickets;

use crate::{
    ActiveBlock, Balance, Commitment, Digest, Generation, Outcome, RoundKey, RunSpec, Session, SlotIndex,
    SlotSet,
    audit::{Opening, Seat},
    defaults::{DRAW_LAG, TICKET, TICKETS},
    draw::{self, Subject, Word, tickets},
    money::{Party, Transfer},
    reputation::Reputation,
    round::{
        Attester, Checkpoint, Due, Effect, Effects, Progress, ProgressError, Reveal, Round, RoundError, Slot,
        SlotState, Terms, Verdict,
    },
};
use std::collections::BTreeMap;

/// Identifies a worker.
pub type Member = u32;

/// A worker as the board knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its stake, in units of 10^-12 SBH.
    pub stake: Balance,
    /// Of it, reserved.
    pub reserved: Balance,
    /// What it was paid, in units of 10^-12 SBH.
    pub earned: Balance,
    /// How often it did what it was drawn for.
    pub reputation: Reputation,
    /// The last block of its jail.
    pub jailed_until: ActiveBlock,
    /// Tickets in the draw.
    pub tickets: u16,
    /// The session in which it left.
    pub left: Option<Session>,
}

impl Account {
    /// What is not reserved.
    pub fn free(&self) -> Balance {
        self.stake.saturating_sub(self.reserved)
    }
}

/// What an effect came of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// The round as a whole.
    Round,
    /// A slot.
    Slot(SlotIndex),
    /// An auditor's seat.
    Seat(u16),
    /// An attester's place.
    Attester(u16),
    /// The aggregation.
    Aggregator,
}

/// One effect, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The round.
    pub key: RoundKey,
    /// What it came of.
    pub duty: Duty,
    /// What happened.
    pub effect: Effect<Member>,
}

/// Why the board refuses something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoardError {
    /// There is no such record.
    #[error("there is no such record")]
    Missing,
    /// The stake answers for something.
    #[error("the stake answers for something")]
    StakeInUse,
    /// The round refuses it.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The run refuses it.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// One run and its workers.
#[derive(Clone, Debug)]
pub struct Board {
    /// The run's terms.
    pub terms: Terms,
    /// How far the run is.
    pub progress: Progress,
    /// The workers.
    pub workers: BTreeMap<Member, Account>,
    /// Their tickets.
    pub tickets: MemoryTickets<Member>,
    /// Unsettled rounds.
    pub rounds: BTreeMap<RoundKey, Round<Member>>,
    /// Their slots.
    pub slots: BTreeMap<(RoundKey, SlotIndex), Slot<Member>>,
    /// Their attesters, by panel and place.
    pub attesters: BTreeMap<(RoundKey, u8, u16), Attester<Member>>,
    /// Their auditors.
    pub seats: BTreeMap<(RoundKey, u16), Seat<Member>>,
    /// Active blocks.
    pub now: ActiveBlock,
    /// Blocks of a session.
    pub session_blocks: u32,
    /// Seed of the randomness.
    pub seed: u64,
    /// What was burnt, in units of 10^-12 SBH.
    pub burnt: Balance,
    /// What is kept of slashes, in units of 10^-12 SBH.
    pub kept: Balance,
    /// What stakes were slashed by, in units of 10^-12 SBH.
    pub slashed: Balance,
    /// Everything that moved or was decided, for reports.
    pub log: Vec<Happening>,
    /// Blocks of a jail.
    pub jail: u32,
}

impl Board {
    /// A run with a budget and no workers.
    pub fn new(spec: &RunSpec, budget: Balance, session_blocks: u32, seed: u64) -> Self {
        Self {
            terms: Terms::new(0, spec),
            progress: Progress::new(budget),
            workers: BTreeMap::new(),
            tickets: MemoryTickets::default(),
            rounds: BTreeMap::new(),
            slots: BTreeMap::new(),
            attesters: BTreeMap::new(),
            seats: BTreeMap::new(),
            now: 0,
            session_blocks: session_blocks.max(1),
            seed,
            burnt: 0,
            kept: 0,
            slashed: 0,
            log: Vec::new(),
            jail: 150,
        }
    }

    /// The session that `now` is in.
    pub fn session(&self) -> Session {
        self.now.checked_div(self.session_blocks).unwrap_or(0)
    }

    /// Everything that can be owned. Nothing that happens changes it, but a worker's joining and leaving.
    pub fn total(&self) -> Balance {
        let members = self.workers.values().map(|worker| worker.stake.saturating_add(worker.earned));
        members
            .fold(self.progress.escrow, Balance::saturating_add)
            .saturating_add(self.burnt)
            .saturating_add(self.kept)
    }

    /// Registers a worker: its tickets count from the next session on.
    pub fn join(&mut self, member: Member, stake: Balance) {
        let count = stake.checked_div(TICKET).unwrap_or(0).min(TICKETS.into()) as u16;
        let session = self.session();
        for ordinal in 0..count {
            tickets::join(&mut self.tickets, &member, ordinal, session);
        }
        let account = Account {
            stake,
            reserved: 0,
            earned: 0,
            reputation: Reputation::NEW,
            jailed_until: 0,
            tickets: count,
            left: None,
        };
        self.workers.insert(member, account);
    }

    /// Takes a worker's tickets out of the draw, from the next session on.
    pub fn leave(&mut self, member: Member) {
        let session = self.session();
        let Some(worker) = self.workers.get_mut(&member) else { return };
        for ordinal in 0..worker.tickets {
            tickets::leave(&mut self.tickets, &member, ordinal, session);
        }
        worker.tickets = 0;
        worker.left.get_or_insert(session);
    }

    /// Gives a worker that has left its stake back; returns it with what it earned.
    ///
    /// # Errors
    /// If its stake answers for something, or it can still be drawn.
    pub fn withdraw(&mut self, member: Member) -> Result<Balance, BoardError> {
        let worker = self.workers.get(&member).ok_or(BoardError::Missing)?;
        let gone = worker.left.is_some_and(|left| tickets::may_withdraw(left, self.session()));
        if worker.reserved > 0 || !gone {
            return Err(BoardError::StakeInUse);
        }
        let worker = self.workers.remove(&member).ok_or(BoardError::Missing)?;
        Ok(worker.stake.saturating_add(worker.earned))
    }

    /// The randomness of a session.
    pub fn word(&self, session: Session) -> Word {
        draw::word_of(self.seed, session)
    }

    /// Draws a worker from the set frozen in a session, with enough free stake and not in `excluded`.
    fn draw(
        &self,
        (subject, frozen): (Subject, Session),
        stake: Balance,
        excluded: &[Member],
    ) -> Option<Member> {
        let word = self.word(frozen.saturating_add(DRAW_LAG));
        tickets::draw(&self.tickets, &word, &subject, frozen, |member| {
            let fit =
                self.workers.get(member).is_some_and(|w| w.free() >= stake && self.now >= w.jailed_until);
            fit && !excluded.contains(member)
        })
    }

    fn load(&self, key: RoundKey, index: SlotIndex) -> (Option<Round<Member>>, Option<Slot<Member>>) {
        (self.rounds.get(&key).copied(), self.slots.get(&(key, index)).copied())
    }

    /// Stores a round, and does what its effects say.
    fn put(&mut self, round: Round<Member>, duty: Duty, effects: Effects<Member>) {
        let (now, session) = (self.now, self.session());
        let key = round.key;
        // A shortfall would be a defect: the property tests compare the books after every step.
        let later = self.progress.apply(&round, &effects, session).unwrap_or_default();
        self.rounds.insert(key, round);
        for effect in effects {
            self.apply(&effect);
            self.log.push(Happening { key, duty, effect });
        }
        for key in later {
            if let Some(mut round) = self.rounds.get(&key).copied() {
                let effects = round.void_with_base(&self.terms, now, session);
                self.put(round, Duty::Round, effects);
            }
        }
    }

    fn apply(&mut self, effect: &Effect<Member>) {
        match effect {
            Effect::Reserve { worker, amount } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.reserved = worker.reserved.saturating_add(*amount);
                }
            }
            Effect::Release { worker, amount } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.reserved = worker.reserved.saturating_sub(*amount);
                }
            }
            Effect::Observe { worker, good } => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.reputation = worker.reputation.observe(*good);
                    if worker.reputation.is_jailed() {
                        worker.jailed_until = self.now.saturating_add(self.jail);
                        worker.reputation = worker.reputation.released();
                    }
                }
            }
            Effect::Move(moved) => self.transfer(moved),
            Effect::Void(_) | Effect::PauseDiverged | Effect::Built(_) | Effect::Dispute { .. } => {}
        }
    }

    fn transfer(&mut self, Transfer { from, to, amount }: &Transfer<Member>) {
        match from {
            Party::Stake(worker) => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.stake = worker.stake.saturating_sub(*amount);
                }
                self.slashed = self.slashed.saturating_add(*amount);
            }
            Party::Kept => self.kept = self.kept.saturating_sub(*amount),
            Party::Escrow | Party::Worker(_) | Party::Challenger(_) | Party::Burnt => {}
        }
        match to {
            Party::Worker(worker) | Party::Challenger(worker) => {
                if let Some(worker) = self.workers.get_mut(worker) {
                    worker.earned = worker.earned.saturating_add(*amount);
                }
            }
            Party::Kept => self.kept = self.kept.saturating_add(*amount),
            Party::Burnt => self.burnt = self.burnt.saturating_add(*amount),
            Party::Escrow | Party::Stake(_) => {}
        }
    }

    /// The workers of a round's slots.
    pub fn workers_of(&self, key: RoundKey) -> Vec<Member> {
        let slots = self.slots.range((key, 0)..=(key, SlotIndex::MAX));
        slots.filter_map(|(_, slot)| slot.worker().copied()).collect()
    }

    /// The seats of a round.
    pub fn seats_of(&self, key: RoundKey) -> Vec<(u16, Seat<Member>)> {
        self.seats.range((key, 0)..=(key, u16::MAX)).map(|((_, place), seat)| (*place, *seat)).collect()
    }

    fn reports(&self, round: &Round<Member>) -> Vec<SlotSet> {
        let crate::round::Phase::Availability { panel, .. } = round.phase else { return Vec::new() };
        let places = self.attesters.range((round.key, panel, 0)..=(round.key, panel, u16::MAX));
        places.filter_map(|(_, attester)| attester.report).collect()
    }
}

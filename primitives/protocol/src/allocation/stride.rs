//! Whose turn it is, where not every run can be at work: start-time fair queueing (Goyal, Vin and Cheng, 1996), the stride scheduling of
//! whole rounds.
//!
//! Each run has a **weight**: the share of capacity that the DAO gave it, or else its part of what is left, by **priority**: its backing for
//! each unit of work that it still has to do. A round that is opened puts its run **ahead** by the round's work over the weight. Whoever is least
//! ahead is first; of two that are equally far, the one with a share. So runs that compete get work in proportion to their weights, however
//! large their rounds are, and each gets its turn.
//!
//! A run can be at work on one round at a time, and must wait for its checkpoint before it opens the next. So that one that is ahead does not
//! take its place whenever it waits, places are **reserved** (as in EASY backfilling of batch queues): a run opens a round out of its turn
//! only if all of it fits beside the slots in flight and one round of each run before it. Whoever is first needs one free worker only. Where
//! there are workers for all, nobody waits for anybody. A run has a reservation from when it could open its first round, and it lapses after a
//! while, so a run that comes to nothing stops nobody.

use super::fraction::mul_div;
use crate::{ActiveBlock, Balance, RunId};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most runs of a schedule.
pub const RUNS: u32 = 256;

/// All capacity, in the units of shares and weights.
pub const WHOLE: u32 = 1_000_000_000;

/// The most of it that can be given away as shares: the crowd's runs have the rest.
pub const MOST_SHARED: u32 = 900_000_000;

/// No run has less weight, so each has its turn: with a thousandth, one round for some thousand of others.
pub const LEAST: u32 = WHOLE / 1000;

/// Bits of a stride behind the point, so that rounding favours nobody.
const FINE: u32 = 20;

/// No priority is greater, so that the sum of all fits.
const MOST_PRIORITY: u128 = u128::MAX >> RUNS.ilog2();

/// Rounds whose work a run can have missed while it waited for finality, at most: as many as can be open besides the one that it waits for.
const CLAIM: u128 = 2;

/// Work: multiply-adds of training, constant factors apart.
pub type Work = u128;

/// A run that is not over.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// The share of capacity that the DAO gave it, in billionths; 0 for none.
    pub share: u32,
    /// What backers and pot have given for it, in units of 10^-12 SBH.
    pub backing: Balance,
    /// Slots of a round.
    pub slots: u16,
    /// Work of a round.
    pub cost: Work,
    /// Rounds that it has not opened.
    pub rounds: u32,
    /// How far it is ahead.
    pub ahead: u128,
    /// Whether it opens rounds at all.
    pub active: bool,
    /// Whether it could have opened a round when it was heard of last.
    pub waits: bool,
    /// Whether it could ever have opened one.
    pub asked: bool,
    /// The active block in which it was heard of last.
    pub since: ActiveBlock,
}

impl Entry {
    /// A run that has not begun.
    pub fn new(run: RunId, backing: Balance, slots: u16, cost: Work, rounds: u32, now: ActiveBlock) -> Self {
        Self {
            run,
            share: 0,
            backing,
            slots,
            cost,
            rounds,
            ahead: 0,
            active: true,
            waits: false,
            asked: false,
            since: now,
        }
    }

    /// What it is worth to its backers that a unit of its work is done, in units that say nothing by themselves. Never zero.
    pub fn priority(&self) -> u128 {
        let left = self.cost.saturating_mul(self.rounds.max(1).into()).max(1);
        // At least 64 bits for each unit of the token's, and sums of many fit.
        mul_div(self.backing, 1 << 64, left).unwrap_or(u128::MAX).clamp(1, MOST_PRIORITY)
    }

    /// Whether it has rounds to open, and opens them.
    ///
    /// A last round that was voided is opened again.
    pub fn wants(&self) -> bool {
        self.active && (self.rounds > 0 || self.waits)
    }

    /// Whether it was not heard of for more than so many active blocks: it has not even waited for its turn.
    pub fn is_idle(&self, now: ActiveBlock, blocks: ActiveBlock) -> bool {
        now.saturating_sub(self.since) > blocks
    }

    /// What decides whose turn it is; the least is first.
    fn rank(&self) -> (u128, bool, RunId) {
        (self.ahead, self.share == 0, self.run)
    }
}

/// What there is of workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Slots that wait for a worker, or for its result.
    pub in_flight: u32,
    /// Slots that all ready workers together train at a time.
    pub capacity: u32,
    /// Active blocks so far.
    pub now: ActiveBlock,
    /// Active blocks for which a place is reserved.
    pub patience: ActiveBlock,
}

/// A run's weight among others, in billionths: the priorities of all without a share, and what those have of capacity.
fn weight_among(entry: &Entry, (all, rest): (u128, u32)) -> u32 {
    if entry.share > 0 {
        return entry.share.max(LEAST);
    }
    let part = mul_div(rest.into(), entry.priority(), all).unwrap_or(0);
    u32::try_from(part).unwrap_or(WHOLE).clamp(LEAST, WHOLE)
}

/// By how much a round puts a run ahead.
fn stride_among(entry: &Entry, crowd: (u128, u32)) -> u128 {
    mul_div(entry.cost, u128::from(WHOLE) << FINE, weight_among(entry, crowd).into()).unwrap_or(u128::MAX)
}

/// The runs that compete.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Schedule {
    /// In no order.
    pub entries: BoundedVec<Entry, ConstU32<RUNS>>,
}

impl Schedule {
    /// Adds a run. False if there are too many, or it is there.
    pub fn add(&mut self, entry: Entry) -> bool {
        self.get(entry.run).is_none() && self.entries.try_push(entry).is_ok()
    }

    /// Removes a run.
    pub fn remove(&mut self, run: RunId) {
        self.entries.retain(|entry| entry.run != run);
    }

    /// A run.
    pub fn get(&self, run: RunId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.run == run)
    }

    /// A run, to be changed.
    pub fn get_mut(&mut self, run: RunId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.run == run)
    }

    /// All shares together.
    pub fn shared(&self) -> u32 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.share))
    }

    /// Gives a run a share, or another one; 0 for none. It is never further ahead than one round puts it there, so the change is felt at once.
    /// False if there is no such run, or too much would be shared.
    pub fn set_share(&mut self, run: RunId, share: u32) -> bool {
        let others = self.entries.iter().filter(|entry| entry.run != run);
        let rest = others.fold(0u32, |sum, entry| sum.saturating_add(entry.share));
        if rest.saturating_add(share) > MOST_SHARED {
            return false;
        }
        let Some(entry) = self.get_mut(run) else { return false };
        entry.share = share;
        self.bound_ahead(run);
        true
    }

    /// Gives a run other backing. As with a share, the change is felt at once.
    pub fn set_backing(&mut self, run: RunId, backing: Balance) {
        if let Some(entry) = self.get_mut(run) {
            entry.backing = backing;
            self.bound_ahead(run);
        }
    }

    /// No run is further ahead than one round puts it there.
    fn bound_ahead(&mut self, run: RunId) {
        let most = self.stride(run);
        if let Some(entry) = self.get_mut(run) {
            entry.ahead = entry.ahead.min(most);
        }
    }

    /// A run's weight, in billionths of what there is.
    pub fn weight(&self, run: RunId) -> u32 {
        self.get(run).map_or(LEAST, |entry| weight_among(entry, self.crowd()))
    }

    /// The priorities of all runs without a share together, and what of capacity they share. Whoever is paused, or has no rounds left to open,
    /// takes nothing of it from the others.
    fn crowd(&self) -> (u128, u32) {
        let crowd = self.entries.iter().filter(|entry| entry.share == 0 && entry.wants());
        let all = crowd.fold(0u128, |sum, entry| sum.saturating_add(entry.priority()));
        (all, WHOLE.saturating_sub(self.shared()))
    }

    /// By how much a round puts a run ahead.
    fn stride(&self, run: RunId) -> u128 {
        self.get(run).map_or(0, |entry| stride_among(entry, self.crowd()))
    }

    /// Whether a run may open its next round, which it can now. Notes that it waits.
    pub fn may_open(&mut self, run: RunId, room: Room) -> bool {
        let Some(entry) = self.get_mut(run) else { return false };
        (entry.active, entry.waits, entry.asked, entry.since) = (true, true, true, room.now);
        let entry = *entry;
        let mut first = true;
        let mut taken = room.in_flight;
        for other in self.before(&entry, room.now, room.patience) {
            first = false;
            taken = taken.saturating_add(other.slots.into());
        }
        if first {
            // It need not fit, or a capacity that nobody has noted would stop all.
            taken < room.capacity || room.in_flight == 0
        } else {
            taken.saturating_add(entry.slots.into()) <= room.capacity
        }
    }

    /// Notes that a run has opened a round, and has so many left.
    pub fn opened(&mut self, run: RunId, rounds: u32, now: ActiveBlock, patience: ActiveBlock) {
        let Some(entry) = self.get(run).copied() else { return };
        // Time goes on to where this one started, but not beyond anybody who is before it and waits.
        let start = self.before(&entry, now, patience).map(|other| other.ahead).fold(entry.ahead, u128::min);
        let stride = self.stride(run);
        // Whose place has lapsed, for it waits for finality, comes back with what it has missed, as far as it can use it: as many rounds as can
        // be open at a time. Whoever comes to nothing for good keeps no more than that, either.
        let all = self.crowd();
        let claims: Vec<u128> = self
            .entries
            .iter()
            .map(|other| match other.active && other.rounds > 0 && other.ahead < start {
                true => other.ahead.max(start.saturating_sub(stride_among(other, all).saturating_mul(CLAIM))),
                false => other.ahead.max(start),
            })
            .collect();
        let least = claims.iter().fold(start, |least, claim| least.min(*claim));
        for (other, claim) in self.entries.iter_mut().zip(claims) {
            other.ahead = claim.saturating_sub(least);
        }
        if let Some(entry) = self.get_mut(run) {
            entry.ahead = entry.ahead.saturating_add(stride);
            (entry.rounds, entry.waits, entry.since) = (rounds, false, now);
        }
    }

    /// Notes that a run's slots are trained: it has its next round in sight.
    pub fn trained(&mut self, run: RunId, now: ActiveBlock) {
        if let Some(entry) = self.get_mut(run) {
            entry.since = now;
        }
    }

    /// Notes that a run opens no rounds, or does again.
    pub fn set_active(&mut self, run: RunId, active: bool, now: ActiveBlock) {
        if let Some(entry) = self.get_mut(run) {
            (entry.active, entry.waits, entry.since) = (active, false, now);
        }
    }

    /// The first of those who wait.
    pub fn next(&self) -> Option<RunId> {
        let waiting = self.entries.iter().filter(|entry| entry.active && entry.waits);
        waiting.min_by_key(|entry| entry.rank()).map(|entry| entry.run)
    }

    /// Runs before `entry` whose places are reserved.
    fn before(
        &self,
        entry: &Entry,
        now: ActiveBlock,
        patience: ActiveBlock,
    ) -> impl Iterator<Item = &Entry> + '_ {
        let rank = entry.rank();
        self.entries.iter().filter(move |other| {
            // Who has never had the workers for a round has no place: it may never have them.
            let kept = other.wants() && other.asked && now.saturating_sub(other.since) <= patience;
            kept && other.rank() < rank
        })
    }
}

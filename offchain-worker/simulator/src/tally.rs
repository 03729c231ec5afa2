//! What is counted while a run is played.

use sabha_protocol::{
    Balance,
    board::Member,
    money::{Party, Transfer},
};

/// Slots or seats of one kind, and what came of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lot {
    /// How many.
    pub count: u64,
    /// Of them, audited (slots only).
    pub audited: u64,
    /// Of them, lost a stake.
    pub slashed: u64,
    /// Of them, paid.
    pub paid: u64,
    /// What they were paid, lost, and cost to execute, in units.
    pub earned: Balance,
    pub lost: Balance,
    pub cost: Balance,
}

/// What happened in one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub attempts: u64,
    pub finalised: u64,
    pub pauses: u64,
    pub blocks: u64,
    pub cheating_slots: Lot,
    pub honest_slots: Lot,
    pub cheating_seats: Lot,
    pub honest_seats: Lot,
    /// Segments that were executed: by workers, and by auditors.
    pub trained_segments: u64,
    pub audited_segments: u64,
    pub to_attesters: Balance,
    pub to_aggregators: Balance,
    pub burnt: Balance,
    pub refilled: Balance,
    pub slashed: Balance,
    pub balanced: bool,
}

/// What came of a slot or a seat so far.
#[derive(Clone, Copy, Default)]
pub(crate) struct Note {
    pub audited: bool,
    pub earned: Balance,
    pub lost: Balance,
    pub executed: u32,
}

impl Note {
    pub(crate) fn book(&mut self, moved: &Transfer<Member>, member: Member) {
        if moved.to == Party::Worker(member) {
            self.earned += moved.amount;
        }
        if moved.from == Party::Stake(member) {
            self.lost += moved.amount;
        }
    }
}

impl Lot {
    pub(crate) fn count(&mut self, note: &Note, segment: Balance) {
        self.count += 1;
        self.audited += u64::from(note.audited);
        self.slashed += u64::from(note.lost > 0);
        self.paid += u64::from(note.earned > 0);
        self.earned += note.earned;
        self.lost += note.lost;
        self.cost += segment * Balance::from(note.executed);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.audited += other.audited;
        self.slashed += other.slashed;
        self.paid += other.paid;
        self.earned += other.earned;
        self.lost += other.lost;
        self.cost += other.cost;
    }
}

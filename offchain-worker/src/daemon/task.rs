//! What a worker answers for, what its results are made from, and what it signs.

use crate::{chain::Call, keys::AccountId};
use codec::{Decode, Encode};
use sabha_protocol::{
    ActiveBlock, Digest, Generation, Outcome, RoundKey, RunId, SlotIndex, SlotSet,
    audit::{self, Opening},
    round::{self, Checkpoint, Reveal},
};
use serde::{Deserialize, Serialize};

/// What is to be done, in the order of how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Reveal what was sealed.
    Reveal,
    /// Publish leaves.
    Publish,
    /// Fetch updates, and report which came.
    Attest,
    /// Make the next checkpoint.
    Aggregate,
    /// Execute segments again, and seal the answer.
    Audit,
    /// Train a slot.
    Train,
}

/// Where work is done: one piece of it at a time in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Reading and verifying: no engine, little memory.
    Light,
    /// The engine: all cores, and the memory of a model.
    Heavy,
}

impl Kind {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reveal => "reveal",
            Self::Publish => "publish",
            Self::Attest => "attest",
            Self::Aggregate => "aggregate",
            Self::Audit => "audit",
            Self::Train => "train",
        }
    }

    /// Where its work is done.
    pub fn lane(self) -> Lane {
        if self == Self::Attest { Lane::Light } else { Lane::Heavy }
    }

    /// Whether its work may be interrupted for something more urgent. An aggregation is short, and would begin anew.
    pub fn gives_way(self) -> bool {
        matches!(self, Self::Train | Self::Audit | Self::Publish)
    }
}

/// One thing that a worker answers for. No two things share one, so the law of the event log is about these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Task {
    /// What is to be done.
    pub kind: Kind,
    /// The run.
    pub run: RunId,
    /// The attempt at a round.
    pub round: RoundKey,
    /// The slot that is trained or published, or the place on a panel or among the auditors.
    pub place: u16,
    /// How often the slot was assigned before; for attesters the panel.
    pub generation: Generation,
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RoundKey { round, attempt } = self.round;
        write!(f, "{} {}/{round}.{attempt}/{}#{}", self.kind.word(), self.run, self.place, self.generation)
    }
}

impl Task {
    /// Whether the chain asks for this one. Panel and generation are not compared where the chain does not tell them.
    pub fn is_asked_by(&self, duty: &round::Duty) -> bool {
        let same = self.run == duty.run() && self.round == duty.round();
        same && match (self.kind, duty) {
            (Kind::Train, round::Duty::Train { slot, generation, .. }) => {
                (self.place, self.generation) == (*slot, *generation)
            }
            (Kind::Audit, round::Duty::Audit { place, generation, .. }) => {
                (self.place, self.generation) == (*place, *generation)
            }
            (Kind::Attest, round::Duty::Attest { place, .. })
            | (Kind::Reveal, round::Duty::Reveal { place, .. })
            | (Kind::Publish, round::Duty::Publish { slot: place, .. }) => self.place == *place,
            (Kind::Aggregate, round::Duty::Aggregate { .. }) => true,
            _ => false,
        }
    }
}

/// What a result is made from: with these equal, results are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The run's specification.
    pub spec: Digest,
    /// The checkpoint that the round started from; none for the specification's own.
    pub base: Option<Checkpoint>,
    /// Digest of everything else.
    pub inputs: Digest,
}

/// What exactly is asked.
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum Ask {
    /// Train the slot.
    Train,
    /// Fetch the updates of these slots, under these addresses.
    Attest(Vec<(SlotIndex, Digest)>),
    /// Make the next checkpoint of these updates.
    Aggregate(Vec<(SlotIndex, Digest)>),
    /// Execute segments of a slot that committed this.
    Audit {
        /// The slot.
        slot: SlotIndex,
        /// What it committed.
        claim: Outcome,
        /// The segments, ascending.
        segments: Vec<u32>,
    },
    /// Publish the leaves at the ends of these segments of the own slot.
    Publish {
        /// The root that was committed.
        segments_root: Digest,
        /// The segments, ascending.
        segments: Vec<u32>,
    },
    /// Reveal what this seal hides.
    Reveal(Digest),
}

/// Something that the worker has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Duty {
    /// Which.
    pub task: Task,
    /// What exactly.
    pub ask: Ask,
    /// What its result is made from.
    pub basis: Basis,
    /// The last active block.
    pub until: ActiveBlock,
    /// The active block by which it should be done, so that what comes later still can be.
    pub target: ActiveBlock,
    /// From this active block on it is done with what is there; before, what others have yet to provide is waited for.
    pub patience: ActiveBlock,
    /// The leaves to be published, if they are at hand.
    pub leaves: Option<Vec<Opening>>,
    /// Which arithmetic its run follows.
    pub numerics_version: u16,
}

impl Duty {
    /// The slot whose files it reads or makes: an auditor keeps what it finds of a slot where its files would be if it had trained it.
    pub fn about(&self) -> Task {
        match &self.ask {
            Ask::Audit { slot, .. } => Task { place: *slot, ..self.task },
            _ => self.task,
        }
    }

    /// The basis of a duty: what it asks is part of it.
    pub fn basis(spec: Digest, base: Option<Checkpoint>, ask: &Ask) -> Basis {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 daemon duty v1");
        hasher.update(&ask.encode());
        Basis { spec, base, inputs: Digest(*hasher.finalize().as_bytes()) }
    }
}

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Found {
    /// Digest of the roots, or of the divergence.
    pub answer: Digest,
    /// The slot's worker did not serve the states that the segments start from.
    pub unserved: bool,
}

/// What work comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Product {
    /// Of training. A trained update is in the blob store.
    Outcome(Outcome),
    /// Of attesting.
    Got(SlotSet),
    /// Of aggregating; the checkpoint is in the blob store.
    Checkpoint(Checkpoint),
    /// Of an audit.
    Found(Found),
    /// Leaves, made again.
    Leaves(Vec<Opening>),
}

/// What a worker signs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// A slot's outcome.
    Commit(Outcome),
    /// The updates that came.
    Report(SlotSet),
    /// The next checkpoint.
    PostRoot(Checkpoint),
    /// A seal, and what it hides.
    Seal {
        /// What is sent.
        seal: Digest,
        /// What was found.
        found: Found,
        /// What hides it.
        salt: [u8; 32],
    },
    /// Leaves.
    Publish(Vec<Opening>),
    /// What a seal hid.
    Reveal {
        /// What was found.
        found: Found,
        /// What hid it.
        salt: [u8; 32],
    },
}

impl Act {
    /// What follows from work. `salt` hides an audit's answer, which is bound to the worker's `owner`.
    pub fn of(product: Product, salt: [u8; 32], owner: &AccountId) -> Self {
        match product {
            Product::Outcome(outcome) => Self::Commit(outcome),
            Product::Got(got) => Self::Report(got),
            Product::Checkpoint(checkpoint) => Self::PostRoot(checkpoint),
            Product::Found(found) => {
                Self::Seal { seal: audit::seal(&found.answer, &salt, owner), found, salt }
            }
            Product::Leaves(leaves) => Self::Publish(leaves),
        }
    }

    /// The blob that the act names, which must be there when it is done.
    pub fn blob(&self) -> Option<Digest> {
        match self {
            Self::Commit(Outcome::Trained(commitment)) => Some(commitment.update_digest),
            Self::PostRoot(checkpoint) => Some(checkpoint.blob),
            _ => None,
        }
    }

    /// The call that does it.
    pub fn call(&self, task: &Task) -> Call {
        let Task { run, round, place, generation, .. } = *task;
        match self {
            Self::Commit(outcome) => Call::commit(run, round, place, generation, *outcome),
            Self::Report(got) => Call::report(run, round, place, *got),
            Self::PostRoot(checkpoint) => Call::post_root(run, round, *checkpoint),
            Self::Seal { seal, .. } => Call::seal(run, round, place, *seal),
            Self::Publish(leaves) => Call::publish(run, round, place, leaves),
            Self::Reveal { found: Found { answer, unserved }, salt } => {
                let reveal = Reveal { answer: *answer, salt: *salt, unserved: *unserved };
                Call::reveal(run, round, place, &reveal)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_part_of_the_basis() {
        let spec = Digest([1; 32]);
        let of = |ask: &Ask| Duty::basis(spec, None, ask);
        let audit = |segments: Vec<u32>| Ask::Audit {
            slot: 1,
            claim: Outcome::Diverged(sabha_protocol::Divergence { step: 1, instruction: 2, element: 3 }),
            segments,
        };
        assert_eq!(of(&audit(vec![1, 4])), of(&audit(vec![1, 4])));
        assert_ne!(of(&audit(vec![1, 4])), of(&audit(vec![1, 5])));
        assert_ne!(of(&Ask::Attest(vec![])), of(&Ask::Aggregate(vec![])));
        assert_ne!(of(&Ask::Aggregate(vec![(0, spec)])), of(&Ask::Aggregate(vec![(1, spec)])));
    }

    #[test]
    fn a_seal_is_bound_to_the_owner_and_reveals_what_it_hides() {
        let found = Found { answer: Digest([4; 32]), unserved: true };
        let (salt, owner) = ([9; 32], AccountId::from([7; 32]));
        let Act::Seal { seal, found: kept, salt: hidden } = Act::of(Product::Found(found), salt, &owner)
        else {
            panic!("an audit ends in a seal");
        };
        assert_eq!((kept, hidden), (found, salt));
        assert_eq!(seal, audit::seal(&found.answer, &salt, &owner));
        assert_ne!(seal, audit::seal(&found.answer, &salt, &AccountId::from([8; 32])));
    }
}

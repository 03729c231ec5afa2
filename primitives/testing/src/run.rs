//! An execution, as the book of a player.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use sabha_numerics::program::Source;
use sabha_protocol::{
    Commitment, Digest, Outcome, SlotIndex,
    dispute::{
        Claim, Facts, Part, Subject,
        player::{Blob, Book, Buffers, find},
    },
    segments_root, update,
};

use crate::{Words, World, digest, execute::Done, root};

/// A slot, or an aggregation, that was executed; all of it in memory.
#[derive(Clone, Debug)]
pub struct Run {
    /// The slot.
    pub slot: SlotIndex,
    /// Steps of a segment.
    pub segment_steps: u32,
    /// The checkpoint that it started from: parameters and momenta.
    pub base: Vec<Words>,
    /// The run's token stream.
    pub stream: Words,
    /// The same, as a blob.
    pub stream_bytes: Vec<u8>,
    /// What was executed, by [`key`].
    pub parts: BTreeMap<(u8, u32), Arc<Done>>,
    /// States, by the steps that were done; of an aggregation the next checkpoint alone.
    pub states: Vec<Vec<Words>>,
    /// Their roots.
    pub roots: Vec<Digest>,
    /// What is committed for it.
    pub outcome: Outcome,
    /// Its update, as a blob.
    pub update: Vec<u8>,
    /// The updates that were aggregated.
    pub updates: Vec<Vec<u8>>,
}

/// Names a part of a run. A step that is said to diverge is the same part as the whole step.
pub fn key(part: Part) -> (u8, u32) {
    match part {
        Part::Begin => (0, 0),
        Part::Step(step) | Part::Diverging(step) => (1, step),
        Part::Finish => (2, 0),
        Part::Aggregate => (3, 0),
    }
}

fn no_update(_: u32) -> Option<Digest> {
    None
}

impl Run {
    pub(crate) fn keep(&mut self, state: Vec<Words>) {
        self.roots.push(root(&state));
        self.states.push(state);
    }

    /// The leaves below its commitment.
    pub fn leaves(&self) -> Vec<Digest> {
        self.roots.iter().step_by(self.segment_steps as usize).copied().collect()
    }

    /// Root of what it ends with.
    pub fn last_root(&self) -> Digest {
        *self.roots.last().expect("it came to something")
    }

    /// Commits these states, this update and this mean loss.
    pub fn commit(&mut self, mean_loss: sabha_protocol::spec::F32Bits) {
        self.outcome = Outcome::Trained(Commitment {
            segments_root: segments_root(&self.leaves()),
            update_digest: Digest::of(&self.update),
            mean_loss,
        });
    }

    /// Commits other states than before, with what else it had committed.
    pub fn commit_states(&mut self) {
        let segments_root = segments_root(&self.leaves());
        let Outcome::Trained(commitment) = self.outcome else { panic!("it trained") };
        self.outcome = Outcome::Trained(Commitment { segments_root, ..commitment });
    }

    /// Commits another update than before.
    pub fn commit_update(&mut self) {
        let update_digest = Digest::of(&self.update);
        let Outcome::Trained(commitment) = self.outcome else { panic!("it trained") };
        self.outcome = Outcome::Trained(Commitment { update_digest, ..commitment });
    }

    /// Has its update say that it is of this world's run, of this slot.
    pub fn head_update(&mut self, world: &World, slot: SlotIndex) {
        let header = update::header(&world.spec.hash(), world.round, slot);
        self.update[..header.len()].copy_from_slice(&header);
        self.commit_update();
    }

    /// What the chain knows of the slot.
    pub fn facts<'a>(&self, world: &'a World) -> Facts<'a> {
        let subject = Subject::Slot { slot: self.slot, outcome: self.outcome };
        Facts { spec: &world.spec, round: world.round, base: world.base_root(), subject, update: &no_update }
    }

    /// The claim that is wrong, for whoever executed the slot like this; none if nothing is.
    pub fn find(&self, theirs: &Self) -> Option<Claim> {
        match (self.outcome, theirs.outcome) {
            (own, other) if own == other => None,
            (_, Outcome::Diverged(_)) => Some(Claim::Divergence),
            (_, Outcome::Trained(_)) => find(&self.leaves(), &theirs.leaves()).or(Some(Claim::Finish)),
        }
    }
}

/// Something that is asked for is not there.
#[derive(Debug)]
pub struct Missing;

impl Book for Run {
    type Error = Missing;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Missing> {
        Ok(self.roots.get(steps as usize).copied())
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Missing> {
        let leaves = match of {
            Buffers::Base => &self.base,
            Buffers::State(steps) => self.states.get(steps as usize).ok_or(Missing)?,
        };
        Ok(leaves.iter().map(|leaf| digest(leaf)).collect())
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Missing> {
        let done = self.parts.get(&key(part)).ok_or(Missing)?;
        let finite = done.diverged.map_or(done.outputs.len(), |(at, _)| at as usize);
        Ok(done.outputs[..finite].iter().map(|output| digest(output)).collect())
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Missing> {
        Ok(self.parts.get(&key(part)).ok_or(Missing)?.diverged)
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Missing> {
        let done = self.parts.get(&key(part)).ok_or(Missing)?;
        let words = match source {
            Source::Leaf(index) => done.leaves.get(index as usize).ok_or(Missing)?,
            Source::Output(index) => done.outputs.get(index as usize).ok_or(Missing)?,
            Source::Stream => &self.stream,
        };
        Ok(Cow::Borrowed(words))
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Missing> {
        Ok(Cow::Borrowed(match blob {
            Blob::Stream => &self.stream_bytes,
            Blob::Update(place) => self.updates.get(place as usize).ok_or(Missing)?,
            Blob::Own => &self.update,
        }))
    }
}

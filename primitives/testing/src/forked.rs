//! Liars who show what is true down to some level, and fork there.

use std::{borrow::Cow, collections::BTreeSet};

use sabha_numerics::program::Source;
use sabha_protocol::{
    Digest,
    dispute::{
        Part,
        player::{Blob, Book, Buffers},
    },
};

use crate::{Missing, Run, World};

/// Shows the truth of some states and outputs, and the lie of the others.
#[derive(Clone)]
pub struct Forked {
    /// What is right.
    pub truth: Run,
    /// What it committed.
    pub lie: Run,
    /// The states, by step, that are shown as they are.
    pub true_states: BTreeSet<u32>,
    /// The outputs, by instruction of the step that is lied about, that are shown as they are.
    pub true_outputs: BTreeSet<u32>,
}

impl Forked {
    /// All ways to fork that are worth a game about a segment in which `step` is wrong: the true states up to some step; of the step's
    /// outputs the true ones before some place, after it, all but one, or all that the end does not hold.
    pub fn all(world: &World, truth: &Run, lie: &Run, step: u32) -> Vec<Self> {
        let fork = |true_states, true_outputs| Self {
            truth: truth.clone(),
            lie: lie.clone(),
            true_states,
            true_outputs,
        };
        let program = world.program(lie.slot, Part::Step(step));
        let count = program.count();
        let inner: BTreeSet<u32> = program.inner().into_iter().collect();
        let segment_steps = world.spec.rounds.segment_steps;
        let first = step - step % segment_steps;
        // The segment's ends are bound.
        let mut forks: Vec<Self> =
            (first..first + segment_steps).map(|last| fork((0..=last).collect(), BTreeSet::new())).collect();
        for at in (0..count).step_by(17) {
            forks.push(fork(BTreeSet::new(), (0..at).collect()));
            forks.push(fork(BTreeSet::new(), (at..count).collect()));
            forks.push(fork(BTreeSet::new(), inner.iter().copied().filter(|index| *index != at).collect()));
        }
        forks.push(fork(BTreeSet::new(), inner));
        forks
    }
}

impl Book for Forked {
    type Error = Missing;

    fn state(&mut self, steps: u32) -> Result<Option<Digest>, Missing> {
        if self.true_states.contains(&steps) { self.truth.state(steps) } else { self.lie.state(steps) }
    }

    fn buffers(&mut self, of: Buffers) -> Result<Vec<Digest>, Missing> {
        self.lie.buffers(of)
    }

    fn outputs(&mut self, part: Part) -> Result<Vec<Digest>, Missing> {
        let (truth, lie) = (self.truth.outputs(part)?, self.lie.outputs(part)?);
        let pick = |(index, (truth, lie))| if self.true_outputs.contains(&index) { truth } else { lie };
        Ok((0u32..).zip(truth.into_iter().zip(lie)).map(pick).collect())
    }

    fn diverges(&mut self, part: Part) -> Result<Option<(u32, u64)>, Missing> {
        self.lie.diverges(part)
    }

    fn words(&mut self, part: Part, source: Source) -> Result<Cow<'_, [u32]>, Missing> {
        match source {
            Source::Output(index) if self.true_outputs.contains(&index) => self.truth.words(part, source),
            _ => self.lie.words(part, source),
        }
    }

    fn content(&mut self, blob: Blob) -> Result<Cow<'_, [u8]>, Missing> {
        self.lie.content(blob)
    }
}

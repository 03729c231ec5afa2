//! What an auditor keeps of an audit, in case its answer differs: it knows then which claim is wrong, and where its own execution goes
//! on, without executing the slot again while its clock runs.

use crate::{
    daemon::slots,
    engine::State,
    files::{self, FileError},
};
use codec::{Decode, DecodeAll, Encode};
use sabha_protocol::{Digest, Outcome, RunSpec, dispute::Claim};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What an audit came to, beside its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Notes {
    /// Whether the slot was executed from its start. If not, each segment was from the state that the slot's worker served, which is the one
    /// that it committed, right or not.
    pub from_start: bool,
    /// The audited segments, ascending.
    pub segments: Vec<u32>,
    /// State roots by leaf, ascending; none where the numbers had become infinite before.
    pub leaves: BTreeMap<u32, Option<Digest>>,
    /// The claim that was named by these notes.
    pub named: Option<Claim>,
}

/// Where an execution may start, beside the checkpoint of the round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Start {
    /// Nowhere: it has to be executed.
    Checkpoint,
    /// At any state that was kept: all of them are own.
    Kept,
    /// At the start of this segment, which both sides agree on. What comes before may be wrong.
    Served(u32),
}

fn file(folder: &Path) -> PathBuf {
    folder.join("audited")
}

impl Notes {
    /// Those that were kept in a slot's folder.
    pub fn read(folder: &Path) -> Option<Self> {
        let bytes = fs::read(file(folder)).ok()?;
        Self::decode_all(&mut bytes.as_slice()).ok()
    }

    /// Keeps them.
    pub fn keep(&self, folder: &Path) -> Result<(), FileError> {
        files::write_atomic(&file(folder), &self.encode())
    }

    /// The claim of a slot that committed `theirs` that is wrong, if these notes tell it. `published` are the leaves at the ends of audited
    /// segments, by segment, if they are known. The answer differed, so one of them does.
    pub fn wrong(&self, theirs: &Outcome, published: &[(u32, Digest)]) -> Option<Claim> {
        let Outcome::Trained(_) = theirs else { return Some(Claim::Divergence) };
        if self.from_start {
            // All leaves up to the one that differs are own, so the first that does will be found among them.
            return Some(Claim::Slot);
        }
        let segment = match self.segments.as_slice() {
            [only] => *only,
            _ => {
                let differs = |(segment, leaf): &&(u32, Digest)| {
                    let own = self.leaves.get(&segment.saturating_add(1));
                    own.is_some_and(|own| *own != Some(*leaf))
                };
                published.iter().find(differs)?.0
            }
        };
        // Nobody published what the first segment starts from: it is looked at in the game.
        Some(if segment == 0 { Claim::Slot } else { Claim::Segment(segment) })
    }

    /// The own leaves from the first one on, as far as there are any, if the first that is wrong is one of them or the one behind.
    pub fn prefix(&self) -> Option<Vec<Digest>> {
        let named = self.named == Some(Claim::Slot);
        let own = (0u32..).map_while(|leaf| self.leaves.get(&leaf).copied().flatten());
        named.then(|| own.collect())
    }

    /// Where an execution may start, in a game about this claim.
    pub fn start(&self, claim: Claim) -> Start {
        match claim {
            _ if self.named.is_none() => Start::Checkpoint,
            _ if self.from_start => Start::Kept,
            Claim::Segment(segment) if segment > 0 && self.named == Some(claim) => Start::Served(segment),
            _ => Start::Checkpoint,
        }
    }

    /// Roots that need not be computed again, by leaf.
    pub fn roots(&self, start: Start) -> BTreeMap<u32, Digest> {
        let known = |leaf: u32| match start {
            Start::Checkpoint => false,
            Start::Kept => true,
            Start::Served(segment) => leaf == segment || leaf == segment.saturating_add(1),
        };
        let own = self.leaves.iter().filter(|(leaf, _)| known(**leaf));
        own.filter_map(|(leaf, root)| Some((*leaf, (*root)?))).collect()
    }
}

impl Start {
    /// The state that a segment starts from, if it was kept and is one to start from.
    pub fn kept(self, folder: &Path, spec: &RunSpec, segment: u32) -> Option<State> {
        match self {
            Self::Checkpoint => None,
            Self::Served(only) if segment != only => None,
            Self::Kept | Self::Served(_) => slots::kept_state(folder, spec, segment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::{Commitment, Divergence, spec::F32Bits};

    fn digest(byte: u8) -> Digest {
        Digest([byte; 32])
    }

    fn notes(from_start: bool, segments: &[u32], leaves: &[(u32, Option<u8>)]) -> Notes {
        let leaves = leaves.iter().map(|(leaf, root)| (*leaf, root.map(digest))).collect();
        Notes { from_start, segments: segments.into(), leaves, named: None }
    }

    fn trained() -> Outcome {
        let [segments_root, update_digest] = [digest(1), digest(2)];
        Outcome::Trained(Commitment { segments_root, update_digest, mean_loss: F32Bits(0) })
    }

    #[test]
    fn the_segment_is_named_that_differs_behind_a_state_that_both_have() {
        let two = notes(false, &[2, 5], &[(2, Some(2)), (3, Some(3)), (5, Some(5)), (6, Some(6))]);
        let published = |ends: [u8; 2]| vec![(2, digest(ends[0])), (5, digest(ends[1]))];
        assert_eq!(two.wrong(&trained(), &published([9, 6])), Some(Claim::Segment(2)));
        assert_eq!(two.wrong(&trained(), &published([3, 9])), Some(Claim::Segment(5)));
        assert_eq!(two.wrong(&trained(), &published([9, 9])), Some(Claim::Segment(2)), "the first of them");
        assert_eq!(two.wrong(&trained(), &[]), None, "which one is not known: the slot is executed");
        // Of one there is no doubt, and numbers that become infinite differ from every root.
        let one = notes(false, &[4], &[(4, Some(4)), (5, None)]);
        assert_eq!(one.wrong(&trained(), &[]), Some(Claim::Segment(4)));
        let two = notes(false, &[2, 5], &[(2, Some(2)), (3, None)]);
        assert_eq!(two.wrong(&trained(), &published([3, 6])), Some(Claim::Segment(2)));
        let claimed = Outcome::Diverged(Divergence { step: 1, instruction: 2, element: 3 });
        assert_eq!(one.wrong(&claimed, &[]), Some(Claim::Divergence));
    }

    /// What a slot begins with is published nowhere, and may be what is wrong: it is looked at before anything is named.
    #[test]
    fn where_the_leaf_before_is_not_known_the_leaves_are_looked_at() {
        let mut first = notes(false, &[0, 3], &[(0, Some(1)), (1, Some(2)), (3, Some(3)), (4, Some(4))]);
        let published = [(0, digest(9)), (3, digest(4))];
        assert_eq!(first.prefix(), None, "nothing was named");
        first.named = first.wrong(&trained(), &published);
        assert_eq!((first.named, first.prefix()), (Some(Claim::Slot), Some(vec![digest(1), digest(2)])));
        let mut whole = notes(true, &[2], &[(0, Some(1)), (1, Some(2)), (2, Some(3)), (3, None)]);
        whole.named = whole.wrong(&trained(), &[]);
        assert_eq!(whole.named, Some(Claim::Slot));
        assert_eq!(whole.prefix(), Some(vec![digest(1), digest(2), digest(3)]));
    }

    /// A served state is what was committed: whoever starts from it elsewhere believes what may be a lie.
    #[test]
    fn a_served_state_is_started_from_in_its_own_segment_only() {
        let mut served = notes(false, &[2, 5], &[(2, Some(2)), (3, Some(3)), (5, Some(5)), (6, Some(6))]);
        assert_eq!(served.start(Claim::Segment(2)), Start::Checkpoint, "it was not named by them");
        served.named = Some(Claim::Segment(2));
        assert_eq!(served.start(Claim::Segment(2)), Start::Served(2));
        assert_eq!(served.start(Claim::Segment(5)), Start::Checkpoint);
        assert_eq!(served.start(Claim::Slot), Start::Checkpoint);
        let roots: Vec<u32> = served.roots(Start::Served(2)).into_keys().collect();
        assert_eq!(roots, [2, 3]);
        assert_eq!(served.roots(Start::Checkpoint), BTreeMap::new());
        let whole = Notes { from_start: true, named: Some(Claim::Slot), ..served };
        assert_eq!(whole.start(Claim::Segment(1)), Start::Kept);
        assert_eq!(whole.roots(Start::Kept).len(), 4);
    }

    #[test]
    fn notes_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Notes::read(folder.path()), None);
        let kept = notes(true, &[1], &[(0, Some(1)), (1, None)]);
        kept.keep(folder.path()).unwrap();
        assert_eq!(Notes::read(folder.path()), Some(kept));
        fs::write(file(folder.path()), [9]).unwrap();
        assert_eq!(Notes::read(folder.path()), None);
    }
}

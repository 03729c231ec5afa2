//! What auditors answer with, and what their answers are compared to.

use crate::{Digest, Divergence};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use sabha_numerics::Tree;
use scale_info::TypeInfo;

/// A leaf of a slot's `segments_root` with the hashes beside its way up.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Opening {
    /// The state root.
    pub leaf: Digest,
    /// The siblings, from the leaf's upwards.
    pub path: Vec<Digest>,
}

impl Opening {
    /// Opens leaf `index`; `None` if there is none.
    pub fn of(state_roots: &[Digest], index: u32) -> Option<Self> {
        let mut at = usize::try_from(index).ok()?;
        let leaf = *state_roots.get(at)?;
        let mut level: Vec<[u8; 32]> =
            (0u32..).zip(state_roots).map(|(index, root)| Tree::SEGMENTS.leaf(index, &root.0)).collect();
        let mut path = Vec::new();
        while level.len() > 1 {
            if let Some(sibling) = level.get(at ^ 1) {
                path.push(Digest(*sibling));
            }
            at >>= 1;
            level = Tree::SEGMENTS.parents(&level);
        }
        Some(Self { leaf, path })
    }

    /// Whether this is leaf `index` of the `leaves` below `root`. The number of leaves comes from the specification.
    pub fn opens(&self, root: &Digest, leaves: u32, index: u32) -> bool {
        if index >= leaves {
            return false;
        }
        let mut path = self.path.iter();
        let (mut node, mut at, mut width) = (Tree::SEGMENTS.leaf(index, &self.leaf.0), index, leaves);
        while width > 1 {
            // The last node of an odd level has no sibling and moves up.
            if at ^ 1 < width {
                let Some(sibling) = path.next() else { return false };
                node = if at & 1 == 0 {
                    Tree::SEGMENTS.node(&node, &sibling.0)
                } else {
                    Tree::SEGMENTS.node(&sibling.0, &node)
                };
            }
            at >>= 1;
            width = width.div_ceil(2);
        }
        path.next().is_none() && node == root.0
    }
}

/// The answer to an audit: what the roots at the audited segments' ends are, or where the arithmetic left the finite numbers.
pub mod answer {
    use super::*;

    /// The roots at the ends of the audited segments, in ascending order of the segments.
    pub fn of_roots(roots: &[Digest]) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 audit answer v1");
        for root in roots {
            hasher.update(&root.0);
        }
        Digest(*hasher.finalize().as_bytes())
    }

    /// A divergence.
    pub fn of_divergence(divergence: &Divergence) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 audit divergence v1");
        hasher.update(&divergence.encode());
        Digest(*hasher.finalize().as_bytes())
    }
}

/// What an auditor seals: its answer, hidden by a salt and bound to its account.
pub fn seal<Account: Encode>(answer: &Digest, salt: &[u8; 32], auditor: &Account) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 audit seal v1");
    hasher.update(&answer.0);
    hasher.update(salt);
    hasher.update(&auditor.encode());
    Digest(*hasher.finalize().as_bytes())
}

//! What a worker commits for a slot: of fixed size, and nothing in it that the chain could derive by itself.

use crate::{Digest, Generation, SlotId, spec::F32Bits};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::Tree;
use scale_info::TypeInfo;

/// The result of a trained slot.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Commitment {
    /// Merkle root over the H/L + 1 state roots at the segments' ends; leaf 0 is the state before the first step.
    pub segments_root: Digest,
    /// BLAKE3 of the update blob, which is its address on the wire.
    pub update_digest: Digest,
    /// Mean training loss over the slot's steps, in nats per token. Finite.
    pub mean_loss: F32Bits,
}

/// Where a slot's arithmetic left the finite numbers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Divergence {
    /// Inner step, from 0.
    pub step: u32,
    /// Instruction of the step's program, from 0.
    pub instruction: u32,
    /// First element of the instruction's output that is not finite.
    pub element: u32,
}

/// How a slot ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// Training ran to its end.
    Trained(Commitment),
    /// Training left the finite numbers. Valid and paid: the specification, not the worker, is at fault.
    Diverged(Divergence),
}

impl Outcome {
    /// Whether the outcome can be true of a slot with `inner_steps` steps: finite loss, or a step that exists.
    pub fn is_well_formed(&self, inner_steps: u32) -> bool {
        match self {
            Outcome::Trained(commitment) => commitment.mean_loss.get().is_finite(),
            Outcome::Diverged(divergence) => divergence.step < inner_steps,
        }
    }

    /// What binds this outcome to one chain, slot, generation and worker: a commitment cannot be replayed elsewhere.
    pub fn binding(
        &self,
        genesis: &[u8; 32],
        slot: SlotId,
        generation: Generation,
        worker: &[u8; 32],
    ) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 commitment v1");
        hasher.update(genesis);
        hasher.update(&(slot, generation).encode());
        hasher.update(worker);
        hasher.update(&self.encode());
        Digest(*hasher.finalize().as_bytes())
    }
}

/// The root over the state roots at the ends of a slot's segments, the start state first.
pub fn segments_root(state_roots: &[Digest]) -> Digest {
    Digest(Tree::SEGMENTS.root((0u32..).zip(state_roots.iter().map(|root| root.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome::Trained(Commitment {
            segments_root: Digest([1; 32]),
            update_digest: Digest([2; 32]),
            mean_loss: F32Bits::from(2.5),
        })
    }

    #[test]
    fn a_commitment_is_bound_to_chain_slot_generation_and_worker() {
        let slot = SlotId { run: 1, round: 2, slot: 3 };
        let bound = outcome().binding(&[0; 32], slot, 4, &[5; 32]);
        assert_ne!(bound, outcome().binding(&[9; 32], slot, 4, &[5; 32]), "chain");
        assert_ne!(bound, outcome().binding(&[0; 32], SlotId { run: 2, ..slot }, 4, &[5; 32]), "run");
        assert_ne!(bound, outcome().binding(&[0; 32], SlotId { round: 3, ..slot }, 4, &[5; 32]), "round");
        assert_ne!(bound, outcome().binding(&[0; 32], SlotId { slot: 4, ..slot }, 4, &[5; 32]), "slot");
        assert_ne!(bound, outcome().binding(&[0; 32], slot, 5, &[5; 32]), "generation");
        assert_ne!(bound, outcome().binding(&[0; 32], slot, 4, &[6; 32]), "worker");
    }

    #[test]
    fn a_loss_must_be_finite_and_a_diverged_step_must_exist() {
        assert!(outcome().is_well_formed(10));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let Outcome::Trained(commitment) = outcome() else { panic!("a trained outcome") };
            assert!(!Outcome::Trained(Commitment { mean_loss: bad.into(), ..commitment }).is_well_formed(10));
        }
        let at = |step| Outcome::Diverged(Divergence { step, instruction: 0, element: 0 });
        assert!(at(9).is_well_formed(10));
        assert!(!at(10).is_well_formed(10));
    }

    #[test]
    fn segments_root_depends_on_order() {
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        assert_ne!(segments_root(&[a, b]), segments_root(&[b, a]));
    }

    /// A slot's claim about its segments must not read as one about a state with as many buffers.
    #[test]
    fn segments_root_is_the_root_of_no_state() {
        for roots in [&[][..], &[[1; 32]], &[[1; 32], [2; 32]]] {
            let segments: alloc::vec::Vec<Digest> = roots.iter().copied().map(Digest).collect();
            assert_ne!(segments_root(&segments).0, sabha_numerics::state_root(roots));
        }
    }

    /// On chain for good: these bits must never change.
    #[test]
    fn golden_segments_root() {
        let root = segments_root(&[Digest([1; 32]), Digest([2; 32]), Digest([3; 32])]);
        assert_eq!(hex::encode(root.0), "3b418390f8101777e99c48d346d993e87e69eef8b47d5198feff07eae7a62c21");
    }
}

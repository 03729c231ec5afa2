//! Which tokens a batch reads: a pure function of the run's seed and the place of the sample, the same on chain and in every
//! worker.

use crate::{RoundIndex, SlotIndex, spec::RunSpec};

/// One sample's place in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleId {
    /// The round.
    pub round: RoundIndex,
    /// The slot within the round.
    pub slot: SlotIndex,
    /// The inner step within the slot.
    pub step: u32,
    /// The sample within the batch.
    pub sample: u32,
}

/// The first token of the window that a sample reads, in the run's stream. The window is `context + 1` tokens: inputs and,
/// shifted by one, targets; it never reaches into the held-out tail. `None` if the stream has no room for one window.
///
/// The offset is 64 bits of keyed BLAKE3 scaled to the number of windows by a 128-bit multiplication, so there is no rejection
/// loop; its bias is at most windows / 2^64.
pub fn window_offset(spec: &RunSpec, id: SampleId) -> Option<u64> {
    let windows = spec.training_windows()?;
    let mut hasher = blake3::Hasher::new_derive_key("sabha 2026 data order v1");
    hasher.update(&spec.seed.to_le_bytes());
    hasher.update(&id.round.to_le_bytes());
    hasher.update(&id.slot.to_le_bytes());
    hasher.update(&id.step.to_le_bytes());
    hasher.update(&id.sample.to_le_bytes());
    let mut word = [0u8; 8];
    hasher.finalize_xof().fill(&mut word);
    let scaled = u128::from(u64::from_le_bytes(word)).checked_mul(u128::from(windows))? >> 64;
    u64::try_from(scaled).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::spec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_window_stays_within_the_training_part(round: u32, slot: u16, step: u32, sample: u32, seed: u64) {
            let spec = RunSpec { seed, ..spec() };
            let offset = window_offset(&spec, SampleId { round, slot, step, sample }).unwrap();
            let end = offset + u64::from(spec.model.context) + 1;
            prop_assert!(end <= spec.data.tokens - spec.data.heldout_tokens);
        }
    }

    #[test]
    fn every_part_of_the_place_matters() {
        let id = SampleId { round: 1, slot: 2, step: 3, sample: 4 };
        let here = window_offset(&spec(), id);
        for other in [
            SampleId { round: 2, ..id },
            SampleId { slot: 3, ..id },
            SampleId { step: 4, ..id },
            SampleId { sample: 5, ..id },
        ] {
            assert_ne!(here, window_offset(&spec(), other), "{other:?}");
        }
        assert_ne!(here, window_offset(&RunSpec { seed: 99, ..spec() }, id));
    }

    #[test]
    fn windows_cover_the_stream_evenly() {
        let spec = spec();
        let windows = spec.training_windows().unwrap();
        let mut quarters = [0u32; 4];
        for sample in 0..4_000 {
            let offset = window_offset(&spec, SampleId { round: 0, slot: 0, step: 0, sample }).unwrap();
            quarters[(offset * 4 / windows) as usize] += 1;
        }
        assert!(quarters.iter().all(|n| (900..1_100).contains(n)), "{quarters:?}");
    }

    /// The order of data is part of what a result means: these offsets must never change.
    #[test]
    fn golden_offsets() {
        let offsets = [0, 1, 2, 3]
            .map(|sample| window_offset(&spec(), SampleId { round: 7, slot: 1, step: 5, sample }).unwrap());
        assert_eq!(offsets, [2_817_325, 3_143_234, 207_824, 650_504]);
    }
}

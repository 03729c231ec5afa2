//! Images: which repeat others, show nothing, or are noise.

use super::{Fault, KEPT, Tally};
use crate::{
    manifest::{Images, LABEL_BYTES},
    report::passages::mix,
};
use std::collections::HashMap;

/// Images that are looked at.
pub(super) struct Pictures {
    form: Images,
    /// By a hash of its pixels: what is wrong with an image, and how often it is repeated. Repetitions take no room of their own.
    kept: HashMap<u64, (Option<Fault>, u64)>,
    below: u64,
}

impl Pictures {
    pub(super) fn new(form: Images) -> Self {
        Self { form, kept: HashMap::new(), below: u64::MAX }
    }

    /// The whole records within a part that begins at the byte `at`.
    pub(super) fn add(&mut self, at: u64, bytes: &[u8]) {
        let size = self.form.record_bytes();
        let begun = at.checked_rem(size).unwrap_or(0);
        let first = if begun == 0 { 0 } else { usize::try_from(size - begun).unwrap_or(usize::MAX) };
        let (Ok(size), Some(records)) = (usize::try_from(size), bytes.get(first..)) else { return };
        for record in records.chunks_exact(size.max(1)) {
            let Some((label, pixels)) = record.split_first_chunk::<{ LABEL_BYTES as usize }>() else {
                continue;
            };
            let digest = blake3::hash(pixels);
            let key = digest.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let key = mix(key);
            if key > self.below {
                continue;
            }
            if let Some((_, repeats)) = self.kept.get_mut(&key) {
                *repeats += 1;
                continue;
            }
            let fault = if usize::from(u16::from_le_bytes(*label)) >= self.form.labels.len() {
                Some(Fault::Malformed)
            } else {
                self.is_empty(pixels).then_some(Fault::Empty)
            };
            self.kept.insert(key, (fault, 0));
            while self.kept.len() > KEPT {
                self.below /= 2;
                let below = self.below;
                self.kept.retain(|key, _| *key <= below);
            }
        }
    }

    /// Whether all pixels are the same; or, where no value is frequent, neighbours differ as much as pixels that are far from each other
    /// do: as in noise. In drawings of thin lines, the background is frequent.
    fn is_empty(&self, pixels: &[u8]) -> bool {
        let channels = usize::from(self.form.channels).max(1);
        let Some(first) = pixels.first_chunk::<1>() else { return true };
        if pixels.iter().all(|byte| byte == first.first().unwrap_or(&0)) {
            return true;
        }
        let mut counts = [0usize; 256];
        for byte in pixels {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
        let frequent = counts.iter().max().copied().unwrap_or(0);
        if pixels.len() < 256 || frequent.saturating_mul(8) > pixels.len() {
            return false;
        }
        let differ = |step: usize| -> u64 {
            let pairs = pixels.iter().zip(pixels.iter().cycle().skip(step));
            pairs.map(|(one, other)| u64::from(one.abs_diff(*other))).sum()
        };
        // A step that is no multiple of a row: some rows down, and a third of a row aside.
        let row = (self.form.width as usize).saturating_mul(channels);
        let (near, far) =
            (differ(channels), differ((pixels.len() / 2).saturating_add(row / 3) / channels * channels));
        near.saturating_mul(10) >= far.saturating_mul(9)
    }

    pub(super) fn finish(self) -> Tally {
        let mut tally = Tally::default();
        for (fault, repeats) in self.kept.into_values() {
            tally.add(1, 1, fault);
            tally.add(repeats, repeats, Some(Fault::Duplicate));
        }
        tally
    }
}

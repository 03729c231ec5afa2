//! Images: which repeat others, show nothing, or are noise.

use super::{Fault, KEPT, Sample, Tally};
use crate::{
    manifest::{Images, LABEL_BYTES},
    report::passages::mix,
};
use std::collections::HashMap;

/// Bytes of pixels by which noise is told. Of smaller images, several are told together.
const ENOUGH: usize = 256;

/// Bytes of pixels that those have together, at least.
const TOGETHER: u64 = 4 * ENOUGH as u64;

/// What is to be said about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// It shows nothing, or noise.
    Empty,
    /// It is too small to be told from noise by itself: how much neighbours differ, and pixels that are far from each other.
    Doubtful {
        near: u64,
        far: u64,
    },
}

/// Images that are looked at.
pub(super) struct Pictures {
    form: Images,
    /// By a hash of the pixels.
    kept: HashMap<u64, Verdict>,
    below: u64,
    seen: u64,
    malformed: u64,
    repeats: u64,
    /// The beginning of a record, and where the part is to begin that goes on with it.
    begun: Vec<u8>,
    next: u64,
}

impl Pictures {
    pub(super) fn new(form: Images) -> Self {
        Self {
            form,
            kept: HashMap::new(),
            below: u64::MAX,
            seen: 0,
            malformed: 0,
            repeats: 0,
            begun: Vec::new(),
            next: 0,
        }
    }

    /// A part that begins at the byte `at`. A record that is cut off at its end goes on with the next part, if that begins there.
    pub(super) fn add(&mut self, at: u64, bytes: &[u8]) {
        let record = self.form.record_bytes().max(1);
        let mut held = std::mem::take(&mut self.begun);
        if held.is_empty() || at != self.next {
            held.clear();
            let into = at.checked_rem(record).unwrap_or(0);
            let first = if into == 0 { 0 } else { usize::try_from(record - into).unwrap_or(usize::MAX) };
            held.extend_from_slice(bytes.get(first..).unwrap_or_default());
        } else {
            held.extend_from_slice(bytes);
        }
        self.next = at.saturating_add(bytes.len() as u64);
        let size = usize::try_from(record).unwrap_or(usize::MAX);
        let records = held.chunks_exact(size);
        let rest = records.remainder().len();
        records.for_each(|record| self.look(record));
        held.drain(..held.len().saturating_sub(rest));
        self.begun = held;
    }

    fn look(&mut self, record: &[u8]) {
        let Some((label, pixels)) = record.split_first_chunk::<{ LABEL_BYTES as usize }>() else { return };
        self.seen += 1;
        if usize::from(u16::from_le_bytes(*label)) >= self.form.labels.len() {
            self.malformed += 1;
            return;
        }
        let digest = blake3::hash(pixels);
        let key = digest.as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let key = mix(key);
        if key > self.below {
            return;
        }
        if self.kept.contains_key(&key) {
            self.repeats += 1;
            return;
        }
        self.kept.insert(key, self.judge(pixels));
        while self.kept.len() > KEPT {
            self.below /= 2;
            let below = self.below;
            self.kept.retain(|key, _| *key <= below);
        }
    }

    /// An image shows nothing if all pixels are the same; or, where no value is frequent, neighbours differ as much as pixels that are far
    /// from each other do: as in noise. In drawings of thin lines, the background is frequent.
    fn judge(&self, pixels: &[u8]) -> Verdict {
        let channels = usize::from(self.form.channels).max(1);
        let Some(first) = pixels.first_chunk::<1>() else { return Verdict::Empty };
        if pixels.iter().all(|byte| byte == first.first().unwrap_or(&0)) {
            return Verdict::Empty;
        }
        let mut counts = [0usize; 256];
        for byte in pixels {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count += 1;
            }
        }
        let frequent = counts.iter().max().copied().unwrap_or(0);
        // In some bytes, a value comes several times by chance.
        if frequent >= 4 && frequent.saturating_mul(8) > pixels.len() {
            return Verdict::Fine;
        }
        let differ = |step: usize| -> u64 {
            let pairs = pixels.iter().zip(pixels.iter().cycle().skip(step));
            pairs.map(|(one, other)| u64::from(one.abs_diff(*other))).sum()
        };
        // A step that is no multiple of a row: some rows down, and a third of a row aside.
        let row = (self.form.width as usize).saturating_mul(channels);
        let (near, far) =
            (differ(channels), differ((pixels.len() / 2).saturating_add(row / 3) / channels * channels));
        if pixels.len() >= ENOUGH {
            if is_noise(near, far) { Verdict::Empty } else { Verdict::Fine }
        } else if near.saturating_mul(10) >= far.saturating_mul(6) {
            Verdict::Doubtful { near, far }
        } else {
            Verdict::Fine
        }
    }

    pub(super) fn finish(self) -> Tally {
        let (mut fine, mut empty, mut doubtful, mut near, mut far) = (0u64, 0u64, 0u64, 0u64, 0u64);
        for verdict in self.kept.into_values() {
            match verdict {
                Verdict::Fine => fine += 1,
                Verdict::Empty => empty += 1,
                Verdict::Doubtful { near: one, far: other } => {
                    doubtful += 1;
                    (near, far) = (near.saturating_add(one), far.saturating_add(other));
                }
            }
        }
        // What chance makes of one small image, it does not make of many.
        if doubtful.saturating_mul(self.form.pixels()) >= TOGETHER && is_noise(near, far) {
            empty += doubtful;
        } else {
            fine += doubtful;
        }
        let mut tally = Tally::default();
        tally.add(self.malformed, self.malformed, Some(Fault::Malformed));
        let seen = self.seen.saturating_sub(self.malformed);
        let sample = Sample { fine, bad: empty, repeats: self.repeats, below: self.below };
        tally.add_sampled(seen, seen, sample, Fault::Empty);
        tally
    }
}

fn is_noise(near: u64, far: u64) -> bool {
    near.saturating_mul(10) >= far.saturating_mul(9)
}

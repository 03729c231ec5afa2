//! Passages that repeat others, word for word or nearly: by MinHash over what their letters spell, with one permutation, and bands of it as
//! keys of those that may be alike.

use super::{
    Fault, KEPT, Sample, Tally,
    language::{Found, Language},
    passages::{CONTEXT, LEAST, Passage, hash, mix},
    ratio,
};
use std::collections::{BTreeMap, HashMap};

/// Values of a signature.
const VALUES: usize = 64;

/// Values of a band. A pair that is alike by 0.6 shares one of the sixteen bands in 89 of 100 cases, one that is alike by 0.8 always.
const BAND: usize = 4;

/// Values that two must share to be alike: six in ten.
const ALIKE: usize = VALUES * 6 / 10;

/// Bytes of letters that are hashed at once.
const SHINGLE: usize = 12;

/// Shingles below which a passage says too little to be anybody's copy.
const FEWEST: usize = 48;

type Signature = [u16; VALUES];

/// A passage that is remembered.
struct Kept {
    /// As likely for all, long or short. It is made of the least hash of its shingles: alike passages share that mostly, so that they are
    /// kept, or not, together.
    key: u64,
    weight: u64,
    signature: Option<Box<Signature>>,
    found: Found,
}

/// The passages of a text.
pub(super) struct Passages {
    language: Language,
    kept: Vec<Kept>,
    /// Those with a greater key are not kept.
    below: u64,
    bands: HashMap<u64, u32>,
    letters: Vec<u8>,
    /// What is text, and what is not: passages, and their bytes.
    seen: (u64, u64),
    malformed: (u64, u64),
    /// Bytes of passages that repeat one that is kept.
    repeats: u64,
    /// Of the context that passages share.
    found: Option<Found>,
    /// Passages of documents that are too short to be told alone, and what stands in them.
    short: Vec<Kept>,
    pool: String,
}

impl Passages {
    pub(super) fn new(language: Language) -> Self {
        Self {
            language,
            kept: Vec::new(),
            below: u64::MAX,
            bands: HashMap::new(),
            letters: Vec::new(),
            seen: (0, 0),
            malformed: (0, 0),
            repeats: 0,
            found: None,
            short: Vec::new(),
            pool: String::new(),
        }
    }

    pub(super) fn add(&mut self, passage: Passage<'_>) {
        let weight = passage.bytes as u64;
        if weight == 0 {
            return;
        }
        if !passage.same_context {
            self.found = None;
        }
        let Some(text) = passage.text.ok().filter(|text| !is_mostly_blank(text)) else {
            return count(&mut self.malformed, weight);
        };
        count(&mut self.seen, weight);
        let (key, signature) = self.sign(text);
        if key > self.below {
            return;
        }
        let kept = Kept { key, weight, signature, found: Found::Short };
        let Some(context) = passage.context else {
            self.pool.push_str(text);
            self.pool.push('\n');
            self.short.push(kept);
            if self.pool.len() >= CONTEXT {
                self.tell_short();
            }
            return;
        };
        if self.is_repeated(&kept) {
            return;
        }
        let found = *self.found.get_or_insert_with(|| self.language.find(context));
        self.keep(Kept { found, ..kept });
    }

    /// The short ones are told together.
    fn tell_short(&mut self) {
        let found = self.language.find(&self.pool);
        self.pool.clear();
        for kept in std::mem::take(&mut self.short) {
            if kept.key <= self.below && !self.is_repeated(&kept) {
                self.keep(Kept { found, ..kept });
            }
        }
    }

    fn keep(&mut self, kept: Kept) {
        remember(&mut self.bands, &kept, self.kept.len());
        self.kept.push(kept);
        while self.kept.len() > KEPT {
            self.below /= 2;
            let below = self.below;
            self.kept.retain(|kept| kept.key <= below);
            self.bands.clear();
            for (place, kept) in self.kept.iter().enumerate() {
                remember(&mut self.bands, kept, place);
            }
        }
    }

    /// The key, and the signature if the passage says enough.
    fn sign(&mut self, text: &str) -> (u64, Option<Box<Signature>>) {
        spell(text, &mut self.letters);
        let mut least = [u32::MAX; VALUES];
        let mut key = u64::MAX;
        let shingles = self.letters.windows(SHINGLE);
        let count = shingles.len();
        if count < FEWEST {
            // It repeats only what spells the same; marks alone, what is the same.
            let spelt = if self.letters.is_empty() { text.as_bytes() } else { &self.letters };
            return (mix(hash(spelt)), None);
        }
        for shingle in shingles {
            let hashed = hash(shingle);
            key = key.min(hashed);
            let place = usize::try_from(hashed >> 58).unwrap_or(0);
            if let Some(least) = least.get_mut(place) {
                *least = (*least).min(hashed as u32);
            }
        }
        // Where no shingle fell, the next value stands in, the same way for all.
        let mut signature = Box::new([0; VALUES]);
        for (place, value) in signature.iter_mut().enumerate() {
            let from = (0..VALUES)
                .map(|step| (step, least.get((place + step) % VALUES).copied().unwrap_or(u32::MAX)));
            let (step, found) = from.into_iter().find(|(_, least)| *least != u32::MAX).unwrap_or((0, 0));
            *value = mix(u64::from(found) + ((step as u64) << 32)) as u16;
        }
        (least_of(key, count), Some(signature))
    }

    /// Whether it repeats one that is kept; then that is noted.
    fn is_repeated(&mut self, kept: &Kept) -> bool {
        let like = |key: u64| {
            let other = self.bands.get(&key).and_then(|place| self.kept.get(*place as usize));
            other.is_some_and(|other| match (&other.signature, &kept.signature) {
                (None, None) => other.key == kept.key,
                (Some(other), Some(signature)) => {
                    let shared = other.iter().zip(signature.iter()).filter(|(a, b)| a == b).count();
                    shared >= ALIKE
                }
                _ => false,
            })
        };
        let repeated = match &kept.signature {
            Some(signature) => band_keys(signature).any(like),
            None => like(kept.key),
        };
        if repeated {
            self.repeats = self.repeats.saturating_add(kept.weight);
        }
        repeated
    }

    /// What they come to; the languages with their parts of what was judged; and whether the language could be told.
    pub(super) fn finish(mut self) -> (Tally, Vec<(String, u16)>, bool) {
        self.tell_short();
        let (mut languages, mut whole) = (BTreeMap::<&str, u64>::new(), 0u64);
        let mut sample = Sample { fine: 0, bad: 0, repeats: self.repeats, below: self.below };
        for kept in &self.kept {
            let other = self.language.is_other(kept.found);
            let sum = if other { &mut sample.bad } else { &mut sample.fine };
            *sum = sum.saturating_add(kept.weight);
            let tag = match kept.found {
                Found::Of(tag) => tag,
                Found::Unclear => "und",
                Found::Letterless => "zxx",
                Found::Short => continue,
            };
            let sum = languages.entry(tag).or_default();
            *sum = sum.saturating_add(kept.weight);
            whole = whole.saturating_add(kept.weight);
        }
        let mut tally = Tally::default();
        tally.add(self.malformed.0, self.malformed.1, Some(Fault::Malformed));
        tally.add_sampled(self.seen.0, self.seen.1, sample, Fault::OtherLanguage);
        let mut languages: Vec<_> =
            languages.into_iter().map(|(tag, weight)| (tag.to_string(), ratio(weight, whole))).collect();
        languages.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        languages.truncate(8);
        (tally, languages, self.language.is_known())
    }
}

fn count(sums: &mut (u64, u64), weight: u64) {
    *sums = (sums.0.saturating_add(1), sums.1.saturating_add(weight));
}

/// Whether there is hardly anything to read.
fn is_mostly_blank(text: &str) -> bool {
    let (mut chars, mut visible) = (0usize, 0usize);
    for c in text.chars() {
        chars += 1;
        visible += usize::from(!c.is_whitespace());
    }
    visible == 0 || (text.len() >= LEAST && visible.saturating_mul(8) < chars)
}

/// A key that is as likely for every number of hashes, of the least of so many: the chance that a lesser one is among them. In whole numbers,
/// so that it is the same everywhere.
fn least_of(least: u64, count: usize) -> u64 {
    let times = |a: u64, b: u64| u64::try_from((u128::from(a) * u128::from(b)) >> 64).unwrap_or(u64::MAX);
    // The chance that one hash is not less, to the power of `count`.
    let (mut base, mut left, mut none) = (u64::MAX - least, count, u64::MAX);
    while left > 0 {
        if left & 1 == 1 {
            none = times(none, base);
        }
        base = times(base, base);
        left >>= 1;
    }
    u64::MAX - none
}

/// The first passage with a band keeps it.
fn remember(bands: &mut HashMap<u64, u32>, kept: &Kept, place: usize) {
    let place = u32::try_from(place).unwrap_or(u32::MAX);
    match &kept.signature {
        Some(signature) => band_keys(signature).for_each(|key| {
            bands.entry(key).or_insert(place);
        }),
        None => {
            bands.entry(kept.key).or_insert(place);
        }
    }
}

fn band_keys(signature: &Signature) -> impl Iterator<Item = u64> + '_ {
    signature.chunks(BAND).enumerate().map(|(band, values)| {
        let packed = values.iter().fold(0u64, |packed, value| (packed << 16) | u64::from(*value));
        mix(packed ^ mix(band as u64 + 1))
    })
}

/// Letters and digits in lower case, with one blank between words: what does not depend on how a text is laid out.
fn spell(text: &str, to: &mut Vec<u8>) {
    to.clear();
    let mut blank = true;
    for c in text.chars() {
        // Vowel signs are marks, and no letters, in many scripts.
        if c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() {
            let lower = c.to_lowercase();
            lower.for_each(|c| to.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
            blank = false;
        } else if !blank {
            to.push(b' ');
            blank = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_likely_for_long_passages_as_for_short_ones() {
        let mut passages = Passages::new(Language::new("es"));
        for words in [3, 12, 60, 200] {
            let text = |seed: u64| -> String {
                (0..words).map(|i| format!("{:x} ", mix(seed * 1_000 + i))).collect()
            };
            let keys = (0..4_000).map(|seed| passages.sign(&text(seed)).0);
            let kept = keys.filter(|key| *key < 1 << 60).count();
            // One in sixteen; the deviation is 15.
            assert!((190..310).contains(&kept), "{words} words: {kept}");
        }
    }
}

//! Passages that repeat others, word for word or nearly: by MinHash over what their letters spell, with one permutation, and bands of it as
//! keys of those that may be alike.

use super::{
    Fault, KEPT, Tally,
    language::{Found, Language},
    passages::{Passage, hash, mix},
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
    /// The least hash of its shingles: alike passages share it mostly, so that they are kept, or not, together.
    key: u64,
    weight: u64,
    fault: Option<Fault>,
    found: Found,
    signature: Option<Box<Signature>>,
    /// Passages that repeat it, and their bytes. They take no room of their own: a flood of them drives nothing else out.
    repeats: (u64, u64),
}

/// The passages of a text.
pub(super) struct Passages {
    language: Language,
    kept: Vec<Kept>,
    /// Those with a greater key are not kept.
    below: u64,
    bands: HashMap<u64, u32>,
    letters: Vec<u8>,
    count: u64,
    /// Of the context that passages share.
    found: Option<Found>,
}

impl Passages {
    pub(super) fn new(language: Language) -> Self {
        Self {
            language,
            kept: Vec::new(),
            below: u64::MAX,
            bands: HashMap::new(),
            letters: Vec::new(),
            count: 0,
            found: None,
        }
    }

    pub(super) fn add(&mut self, passage: Passage<'_>) {
        let weight = passage.bytes as u64;
        if weight == 0 {
            return;
        }
        self.count += 1;
        if !passage.same_context {
            self.found = None;
        }
        let Ok(text) = passage.text else {
            let (key, fault) = (mix(self.count), Some(Fault::Malformed));
            return self.keep(Kept {
                key,
                weight,
                fault,
                found: Found::Short,
                signature: None,
                repeats: (0, 0),
            });
        };
        let (key, signature) = self.sign(text);
        if key > self.below {
            return;
        }
        let like = signature.as_ref().and_then(|signature| self.find_alike(signature));
        if let Some(first) = like.and_then(|place| self.kept.get_mut(place)) {
            first.repeats = (first.repeats.0 + 1, first.repeats.1.saturating_add(weight));
            return;
        }
        let found = *self.found.get_or_insert_with(|| self.language.find(passage.context));
        let fault = self.language.is_other(found).then_some(Fault::OtherLanguage);
        self.keep(Kept { key, weight, fault, found, signature, repeats: (0, 0) });
    }

    fn keep(&mut self, kept: Kept) {
        if kept.key > self.below {
            return;
        }
        if let Some(signature) = &kept.signature {
            remember(&mut self.bands, signature, self.kept.len());
        }
        self.kept.push(kept);
        while self.kept.len() > KEPT {
            self.below /= 2;
            let below = self.below;
            self.kept.retain(|kept| kept.key <= below);
            self.bands.clear();
            for (place, kept) in self.kept.iter().enumerate() {
                if let Some(signature) = &kept.signature {
                    remember(&mut self.bands, signature, place);
                }
            }
        }
    }

    /// The least hash, and the signature if the passage says enough.
    fn sign(&mut self, text: &str) -> (u64, Option<Box<Signature>>) {
        spell(text, &mut self.letters);
        let mut least = [u32::MAX; VALUES];
        let mut key = u64::MAX;
        let shingles = self.letters.windows(SHINGLE);
        let count = shingles.len();
        for shingle in shingles {
            let hashed = hash(shingle);
            key = key.min(hashed);
            let place = usize::try_from(hashed >> 58).unwrap_or(0);
            if let Some(least) = least.get_mut(place) {
                *least = (*least).min(hashed as u32);
            }
        }
        if count < FEWEST {
            return (if count == 0 { hash(text.as_bytes()) } else { key }, None);
        }
        // Where no shingle fell, the next value stands in, the same way for all.
        let mut signature = Box::new([0; VALUES]);
        for (place, value) in signature.iter_mut().enumerate() {
            let from = (0..VALUES)
                .map(|step| (step, least.get((place + step) % VALUES).copied().unwrap_or(u32::MAX)));
            let (step, found) = from.into_iter().find(|(_, least)| *least != u32::MAX).unwrap_or((0, 0));
            *value = mix(u64::from(found) + ((step as u64) << 32)) as u16;
        }
        (key, Some(signature))
    }

    /// Which of those that are kept it repeats.
    fn find_alike(&self, signature: &Signature) -> Option<usize> {
        band_keys(signature).find_map(|key| {
            let place = *self.bands.get(&key)? as usize;
            let other = self.kept.get(place)?.signature.as_deref()?;
            let shared = other.iter().zip(signature).filter(|(a, b)| a == b).count();
            (shared >= ALIKE).then_some(place)
        })
    }

    /// What they come to; the languages with their parts of what was judged; and whether the language could be told.
    pub(super) fn finish(self) -> (Tally, Vec<(String, u16)>, bool) {
        let (mut tally, mut languages, mut whole) = (Tally::default(), BTreeMap::<&str, u64>::new(), 0u64);
        for kept in &self.kept {
            tally.add(1, kept.weight, kept.fault);
            tally.add(kept.repeats.0, kept.repeats.1, Some(Fault::Duplicate));
            let tag = match kept.found {
                Found::Of(tag) => tag,
                Found::Unclear => "und",
                Found::Short => continue,
            };
            let sum = languages.entry(tag).or_default();
            *sum = sum.saturating_add(kept.weight);
            whole = whole.saturating_add(kept.weight);
        }
        let mut languages: Vec<_> =
            languages.into_iter().map(|(tag, weight)| (tag.to_string(), ratio(weight, whole))).collect();
        languages.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        languages.truncate(8);
        (tally, languages, self.language.is_known())
    }
}

/// The first passage with a band keeps it.
fn remember(bands: &mut HashMap<u64, u32>, signature: &Signature, place: usize) {
    for key in band_keys(signature) {
        bands.entry(key).or_insert(u32::try_from(place).unwrap_or(u32::MAX));
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

//! Text from a trained model.
//!
//! A convenience for people, not a protocol result: the softmax is taken in `f64` with the platform's `exp`.

#![allow(clippy::disallowed_methods)]

use super::Inference;
use crate::data::END_OF_DOCUMENT;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// How to choose the next token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What logits are divided by: 0 always takes the likeliest token, 1 draws as the model says.
    pub temperature: f64,
    /// Only so many of the likeliest tokens are drawn from; 0 for all.
    pub top_k: usize,
    /// Seed of the draws: the same seed gives the same text.
    pub seed: u64,
}

/// Why sampling cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum SamplingError {
    /// Negative, infinite or not a number.
    #[error("the temperature is {0}: it must be 0 or more (0.7 to 1 is usual)")]
    Temperature(f64),
}

impl Sampling {
    /// Checks the values.
    ///
    /// # Errors
    /// Names the field and what is accepted.
    pub fn check(&self) -> Result<(), SamplingError> {
        if self.temperature.is_finite() && self.temperature >= 0.0 {
            Ok(())
        } else {
            Err(SamplingError::Temperature(self.temperature))
        }
    }
}

/// Writes up to `length` tokens after `prompt`, each of which is passed to `each` as it comes; `each` returns whether to go on.
/// Ends at the end of a document.
///
/// # Errors
/// If the sampling is not usable or the device fails.
pub fn generate(
    model: &dyn Inference,
    prompt: &[u32],
    length: usize,
    sampling: &Sampling,
    mut each: impl FnMut(u32) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    sampling.check()?;
    let mut random = ChaCha20Rng::seed_from_u64(sampling.seed);
    // Without a prompt: what begins a document.
    let mut tokens = if prompt.is_empty() { vec![u32::from(END_OF_DOCUMENT)] } else { prompt.to_vec() };
    for _ in 0..length {
        let logits = model.next_logits(&tokens)?;
        let uniform = f64::from(random.next_u32()) / (f64::from(u32::MAX) + 1.0);
        let next = choose(&logits, sampling, uniform);
        if next == u32::from(END_OF_DOCUMENT) || !each(next)? {
            break;
        }
        tokens.push(next);
    }
    Ok(())
}

/// The token that a uniform number in [0, 1) falls on.
fn choose(logits: &[f32], sampling: &Sampling, uniform: f64) -> u32 {
    let mut ranked: Vec<(u32, f64)> = (0u32..).zip(logits.iter().map(|logit| f64::from(*logit))).collect();
    // Likeliest first, of equals the smaller token: a total order, so the same everywhere.
    ranked.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    let Some((best, highest)) = ranked.first().copied() else { return 0 };
    if sampling.temperature == 0.0 {
        return best;
    }
    if sampling.top_k > 0 {
        ranked.truncate(sampling.top_k);
    }
    let weights: Vec<f64> =
        ranked.iter().map(|(_, logit)| ((logit - highest) / sampling.temperature).exp()).collect();
    let mut left = uniform * weights.iter().sum::<f64>();
    for ((token, _), weight) in ranked.iter().zip(&weights) {
        left -= weight;
        if left < 0.0 {
            return *token;
        }
    }
    best
}

/// Bytes to text: byte-level tokens cut characters in two, so only whole characters are given out.
#[derive(Default)]
pub struct Utf8 {
    pending: Vec<u8>,
}

impl Utf8 {
    /// Takes a byte, and gives the text that is certain now. What can never be UTF-8 becomes U+FFFD.
    pub fn push(&mut self, byte: u8) -> String {
        self.pending.push(byte);
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(whole) => {
                    text.push_str(whole);
                    self.pending.clear();
                    return text;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(self.pending.get(..valid).unwrap_or_default()));
                    let Some(bad) = error.error_len() else {
                        self.pending.drain(..valid);
                        return text;
                    };
                    text.push('\u{fffd}');
                    self.pending.drain(..valid + bad);
                }
            }
        }
    }

    /// What is left at the end.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Batch, engine::EngineError};

    /// Prefers token t + 1 after token t, a little less token 2.
    struct Counts;

    impl Inference for Counts {
        fn loss(&self, _: &Batch) -> Result<f64, EngineError> {
            Ok(0.0)
        }

        fn next_logits(&self, tokens: &[u32]) -> Result<Vec<f32>, EngineError> {
            let next = (tokens.last().unwrap() + 1) % 5;
            Ok((0..5)
                .map(|token| {
                    if token == next {
                        2.0
                    } else if token == 2 {
                        1.0
                    } else {
                        -3.0
                    }
                })
                .collect())
        }
    }

    fn text(sampling: Sampling, prompt: &[u32], length: usize) -> Vec<u32> {
        let mut tokens = Vec::new();
        let each = |token| {
            tokens.push(token);
            Ok(true)
        };
        generate(&Counts, prompt, length, &sampling, each).unwrap();
        tokens
    }

    #[test]
    fn temperature_zero_takes_the_likeliest_and_ends_with_the_document() {
        let greedy = Sampling { temperature: 0.0, top_k: 0, seed: 1 };
        assert_eq!(text(greedy, &[1], 2), [2, 3]);
        assert_eq!(text(greedy, &[1], 50), [2, 3, 4], "0 ends it");
        assert_eq!(text(greedy, &[], 50), [1, 2, 3, 4], "no prompt: a new document");
    }

    #[test]
    fn the_seed_decides_and_top_k_limits() {
        let sampling = Sampling { temperature: 3.0, top_k: 0, seed: 4 };
        assert_eq!(text(sampling, &[1], 40), text(sampling, &[1], 40));
        let texts: Vec<_> = (0..8).map(|seed| text(Sampling { seed, ..sampling }, &[1], 40)).collect();
        assert!(texts.iter().any(|other| *other != texts[0]));
        assert_eq!(text(Sampling { top_k: 1, ..sampling }, &[1], 50), [2, 3, 4]);
    }

    #[test]
    fn draws_follow_the_softmax() {
        let sampling = Sampling { temperature: 1.0, top_k: 0, seed: 0 };
        let logits = [0.0, (3.0f32).ln(), f32::NEG_INFINITY];
        // Weights 3 and 1, likeliest first.
        assert_eq!(choose(&logits, &sampling, 0.0), 1);
        assert_eq!(choose(&logits, &sampling, 0.74), 1);
        assert_eq!(choose(&logits, &sampling, 0.76), 0);
        assert_eq!(choose(&logits, &sampling, 0.999_999), 0);
    }

    #[test]
    fn unusable_temperatures_are_named() {
        for temperature in [-0.1, f64::NAN, f64::INFINITY] {
            let error = Sampling { temperature, top_k: 0, seed: 0 }.check().unwrap_err().to_string();
            assert!(error.contains("temperature"), "{error}");
        }
    }

    #[test]
    fn characters_come_out_whole() {
        let mut utf8 = Utf8::default();
        let parts: Vec<String> = "añ€".bytes().map(|byte| utf8.push(byte)).collect();
        assert_eq!(parts, ["a", "", "ñ", "", "", "€"]);
        let mut broken = Utf8::default();
        let parts: String = [0xc3, b'a', 0xff, 0xe2].map(|byte| broken.push(byte)).concat();
        assert_eq!(parts, "\u{fffd}a\u{fffd}");
        assert_eq!(broken.finish(), "\u{fffd}");
    }
}

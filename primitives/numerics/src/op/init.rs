//! Initial parameters, drawn from a run's seed.
//!
//! Each parameter has a ChaCha20 stream of its own, keyed by the seed and numbered by the parameter's place in the specification.
//! An element takes six words, that is twelve uniform 16-bit numbers, whose sum is close to normal (Irwin-Hall, variance 1, at
//! most 6 standard deviations). The sum is taken in whole numbers, and scaled and rounded once, so no logarithm has a say, and
//! element `i` reads words `6 i` to `6 i + 5` of its stream, whatever was drawn before.

use super::{Definition, Lens, Missing, Range, Words};
use alloc::vec::Vec;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// Words of the stream that one element takes.
const WORDS: u32 = 6;

/// Normal numbers of mean 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Init {
    /// Elements.
    pub size: u64,
    /// The run's seed.
    pub seed: u64,
    /// The parameter's place in the specification.
    pub parameter: u64,
    /// Standard deviation.
    pub deviation: f64,
}

impl Init {
    /// The stream, at element `index`.
    fn stream(&self, index: u64) -> ChaCha20Rng {
        let key = blake3::derive_key("sabha 2026 initial parameters v0", &self.seed.to_le_bytes());
        let mut stream = ChaCha20Rng::from_seed(key);
        stream.set_stream(self.parameter);
        stream.set_word_pos(u128::from(index) * u128::from(WORDS));
        stream
    }

    fn draw(&self, stream: &mut ChaCha20Rng) -> f32 {
        let sum: u32 = (0..WORDS)
            .map(|_| {
                let word = stream.next_u32();
                (word & 0xffff) + (word >> 16)
            })
            .sum();
        // Twelve numbers of mean 32767.5.
        let normal = (f64::from(sum) - 12.0 * 32_767.5) / 65_536.0;
        (normal * self.deviation) as f32
    }

    /// All elements from `first` on, in order: without seeking for each.
    pub fn values(&self, first: u64) -> impl Iterator<Item = f32> {
        let mut stream = self.stream(first);
        (first..self.size).map(move |_| self.draw(&mut stream))
    }
}

impl Definition for Init {
    fn len(&self) -> u64 {
        self.size
    }

    fn inputs(&self) -> Lens {
        Lens::default()
    }

    fn element<W: Words + ?Sized>(&self, index: u64, _: &W) -> Result<u32, Missing> {
        Ok(self.draw(&mut self.stream(index)).to_bits())
    }

    fn reads<W: Words + ?Sized>(&self, _: u64, _: &W) -> Result<Vec<Range>, Missing> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Inputs;

    const INIT: Init = Init { size: 200_000, seed: 1, parameter: 2, deviation: 1.0 };

    #[test]
    fn draws_are_close_to_normal() {
        let draws: Vec<f64> = INIT.values(0).map(f64::from).collect();
        let moment =
            |power: i32| draws.iter().map(|x| libm::pow(*x, power.into())).sum::<f64>() / draws.len() as f64;
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "{}", moment(2));
        assert!((moment(4) - 2.9).abs() < 0.1, "Irwin-Hall of 12: 2.9, {}", moment(4));
    }

    #[test]
    fn an_element_does_not_depend_on_what_was_drawn_before() {
        let nothing = Inputs(Vec::new());
        for first in [0u64, 1, 7, 31, 32, 33, 1_000] {
            let drawn = INIT.values(first).next().unwrap();
            assert_eq!(INIT.element(first, &nothing).unwrap(), drawn.to_bits());
            assert_eq!(INIT.values(0).nth(first as usize).unwrap().to_bits(), drawn.to_bits());
        }
        let other = Init { parameter: 3, ..INIT };
        assert_ne!(other.values(0).next(), INIT.values(0).next());
    }
}

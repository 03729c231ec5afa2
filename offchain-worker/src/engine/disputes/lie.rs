//! Planted cheats.

use sabha_protocol::{RoundIndex, RoundKey};
use std::{num::ParseIntError, str::FromStr};

/// What a worker tells instead of the truth, in the first slot that it trains from a round on, or in one round alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// From which round on.
    pub round: RoundIndex,
    /// Only in the first attempt at that round: told to every worker, one of them lies in a round of one slot, whoever is drawn.
    pub once: bool,
    /// What.
    pub what: What,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Other bits in one element of one instruction of one step. Everything after it is computed from the changed number, as by somebody
    /// who computes wrongly and believes it.
    Element {
        /// The step of the slot, from 0.
        step: u32,
        /// The instruction of the step's program.
        instruction: u32,
        /// The element of its output.
        element: usize,
        /// The bits that are flipped.
        bits: u32,
    },
    /// The right states, and an update that does not follow from them.
    Update,
    /// A commitment that is made up: nothing was trained.
    Noise,
}

impl Lie {
    /// Whether it may be told in this round.
    pub fn is_for(self, round: RoundIndex) -> bool {
        if self.once { round == self.round } else { round >= self.round }
    }

    /// Whether it is told in a slot of this attempt, if none was told before.
    pub fn is_told_in(self, at: RoundKey) -> bool {
        self.is_for(at.round) && (at.attempt == 0 || !self.once)
    }

    /// The bits that are flipped in an instruction's output, if the lie is about this step.
    pub(super) fn in_step(self, at: u32) -> Option<(u32, usize, u32)> {
        match self.what {
            What::Element { step, instruction, element, bits } if step == at => {
                Some((instruction, element, bits))
            }
            _ => None,
        }
    }
}

/// Not a lie.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no lie: ROUND:STEP:INSTRUCTION:ELEMENT:BITS, ROUND:update or ROUND:noise is expected, such as 1:3:120:0:4096; =ROUND is \
     that round alone"
)]
pub struct BadLie(String);

impl FromStr for Lie {
    type Err = BadLie;

    fn from_str(text: &str) -> Result<Self, BadLie> {
        let bad = || BadLie(text.into());
        let (round, what) = text.split_once(':').ok_or_else(bad)?;
        let (once, round) = match round.strip_prefix('=') {
            Some(round) => (true, round),
            None => (false, round),
        };
        let round = round.parse().map_err(|_| bad())?;
        let numbers: Result<Vec<u32>, ParseIntError> = what.split(':').map(str::parse).collect();
        let what = match (what, numbers.as_deref()) {
            ("update", _) => What::Update,
            ("noise", _) => What::Noise,
            (_, Ok([step, instruction, element, bits])) if *bits != 0 => What::Element {
                step: *step,
                instruction: *instruction,
                element: *element as usize,
                bits: *bits,
            },
            _ => return Err(bad()),
        };
        Ok(Self { round, once, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_is_five_numbers_or_a_round_and_a_word() {
        let lie: Lie = "1:3:120:0:4096".parse().unwrap();
        assert_eq!((lie.round, lie.in_step(3), lie.in_step(4)), (1, Some((120, 0, 4096)), None));
        assert_eq!("2:update".parse::<Lie>().unwrap(), Lie { round: 2, once: false, what: What::Update });
        assert_eq!("=0:noise".parse::<Lie>().unwrap(), Lie { round: 0, once: true, what: What::Noise });
        for bad in
            ["", "1", "1:3:120:0", "1:3:120:0:0", "1:3:120:0:4096:1", "a:3:120:0:1", "1:truth", "==1:update"]
        {
            assert!(bad.parse::<Lie>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lie_is_told_from_its_round_on_or_in_its_first_attempt_alone() {
        let told =
            |lie: &str, round, attempt| lie.parse::<Lie>().unwrap().is_told_in(RoundKey { round, attempt });
        assert!(!told("1:update", 0, 0) && told("1:update", 1, 1) && told("1:update", 2, 0));
        assert!(told("=1:update", 1, 0));
        for (round, attempt) in [(0, 0), (1, 1), (2, 0)] {
            assert!(!told("=1:update", round, attempt), "{round}, {attempt}");
        }
    }
}

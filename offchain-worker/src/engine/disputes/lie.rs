//! A planted cheat.

use sabha_protocol::RoundIndex;
use std::{num::ParseIntError, str::FromStr};

/// Other bits in one element of one instruction of one step. Everything after it is computed from the changed number, as by somebody
/// who computes wrongly and believes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// From which round on a worker tells it, in the first slot that it trains.
    pub round: RoundIndex,
    /// The step of the slot, from 0.
    pub step: u32,
    /// The instruction of the step's program.
    pub instruction: u32,
    /// The element of its output.
    pub element: usize,
    /// The bits that are flipped.
    pub bits: u32,
}

/// Not five numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no lie: ROUND:STEP:INSTRUCTION:ELEMENT:BITS is expected, such as 1:3:120:0:4096")]
pub struct BadLie(String);

impl FromStr for Lie {
    type Err = BadLie;

    fn from_str(text: &str) -> Result<Self, BadLie> {
        let numbers: Result<Vec<u32>, ParseIntError> = text.split(':').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([round, step, instruction, element, bits]) if *bits != 0 => Ok(Self {
                round: *round,
                step: *step,
                instruction: *instruction,
                element: *element as usize,
                bits: *bits,
            }),
            _ => Err(BadLie(text.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lie_is_five_numbers() {
        let lie: Lie = "1:3:120:0:4096".parse().unwrap();
        assert_eq!((lie.round, lie.step, lie.instruction, lie.element, lie.bits), (1, 3, 120, 0, 4096));
        for bad in ["", "1:3:120:0", "1:3:120:0:0", "1:3:120:0:4096:1", "a:3:120:0:1"] {
            assert!(bad.parse::<Lie>().is_err(), "{bad}");
        }
    }
}

//! The verdict: one element of one instruction, evaluated by its definition.

use super::{
    GameError,
    proof::{OPENINGS, Opened},
    scope::{Place, Scope},
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use sabha_numerics::{
    op::{Definition, Missing, Words},
    program::{Instruction, Operand},
};
use scale_info::TypeInfo;

/// An input's words.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Input {
    /// Which input of the instruction, from 0.
    pub input: u8,
    /// Its words.
    pub opened: Opened,
}

/// One element of one instruction's output, with everything that it is made of, opened against what the defender has bound.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Judgement {
    /// The instruction.
    pub instruction: u32,
    /// The element of its output.
    pub element: u64,
    /// The element as the defender has it; none if that is a word of the commitment, or the claim is that it is not finite.
    pub output: Option<Opened>,
    /// The words that it is made of, in any order. Those that the chain derives by itself are not opened.
    pub inputs: BoundedVec<Input, ConstU32<OPENINGS>>,
}

/// Words that were opened and checked.
struct Checked<'a> {
    start: u64,
    bytes: &'a [u8],
    offset: u64,
    width: u8,
}

impl<'a> Checked<'a> {
    fn of(opened: &'a Opened, place: &Place, words: u64) -> Option<Self> {
        let (digest, bytes, offset, width) = match place {
            Place::Leaf { tree, root, leaves, place, label, .. } => {
                let member = opened.member.as_ref()?;
                if !member.is_in(*tree, root, *leaves, *place, *label) {
                    return None;
                }
                (member.digest, words.checked_mul(4)?, 0, 4)
            }
            Place::Content { digest, bytes, offset, width, .. } if opened.member.is_none() => {
                (*digest, *bytes, *offset, *width)
            }
            Place::Content { .. } | Place::Word(_) | Place::Made(_) => return None,
        };
        let start = opened.slice.opens(&digest, bytes)?;
        Some(Self { start, bytes: &opened.slice.bytes, offset, width })
    }

    fn word(&self, index: u64) -> Option<u32> {
        let at = index.checked_mul(self.width.into())?.checked_add(self.offset)?.checked_sub(self.start)?;
        let at = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(self.width.into())?)?;
        let mut word = [0; 4];
        for (to, from) in word.iter_mut().zip(bytes) {
            *to = *from;
        }
        Some(u32::from_le_bytes(word))
    }
}

/// An instruction's inputs, as far as they are opened or can be derived.
struct Inputs<'a> {
    places: Vec<(Operand, Place)>,
    opened: Vec<(usize, Checked<'a>)>,
}

impl Words for Inputs<'_> {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        let missing = Missing { input, index };
        let (operand, place) = self.places.get(input).ok_or(missing)?;
        // Beyond a buffer's end there may be another one, in the same content.
        if index >= operand.len {
            return Err(missing);
        }
        match place {
            Place::Word(word) => Ok(*word),
            Place::Made(instruction) => instruction.op.element(index, &Nothing),
            Place::Leaf { .. } | Place::Content { .. } => {
                let mut of_input = self.opened.iter().filter(|(of, _)| *of == input);
                of_input.find_map(|(_, checked)| checked.word(index)).ok_or(missing)
            }
        }
    }
}

/// No inputs.
struct Nothing;

impl Words for Nothing {
    fn word(&self, input: usize, index: u64) -> Result<u32, Missing> {
        Err(Missing { input, index })
    }
}

/// Whether the defender is convicted.
pub(super) fn judge(scope: &Scope<'_>, judgement: &Judgement) -> Result<bool, GameError> {
    let Judgement { instruction: index, element, .. } = *judgement;
    let instruction = scope.instruction(index);
    if let Some(diverges) = scope.diverges()
        && diverges.instruction == index
    {
        // The claim names this instruction, so it is bound to be one, with such an element.
        let Some(instruction) = instruction else { return Ok(true) };
        if u64::from(diverges.element) >= instruction.len() {
            return Ok(true);
        }
        if element > diverges.element.into() || judgement.output.is_some() {
            return Err(GameError::NoSuchElement);
        }
        let value = evaluate(scope, &instruction, judgement)?;
        let finite = !instruction.op.is_float() || f32::from_bits(value).is_finite();
        // The first one that is not finite: those before it are.
        return Ok(if element == diverges.element.into() { finite } else { !finite });
    }
    let instruction = instruction.filter(|_| index < scope.count).ok_or(GameError::NoSuchElement)?;
    if element >= instruction.len() {
        return Err(GameError::NoSuchElement);
    }
    let place = scope.output(index).ok_or(GameError::NoSuchElement)?;
    let claimed = match (&place, &judgement.output) {
        (Place::Word(word), None) => *word,
        (_, Some(opened)) => {
            let checked = Checked::of(opened, &place, instruction.len()).ok_or(GameError::BadProof)?;
            checked.word(element).ok_or(GameError::BadProof)?
        }
        (_, None) => return Err(GameError::BadProof),
    };
    let value = evaluate(scope, &instruction, judgement)?;
    if !instruction.op.is_float() {
        return Ok(value != claimed);
    }
    let (number, theirs) = (f32::from_bits(value), f32::from_bits(claimed));
    if scope.must_be_finite() && !number.is_finite() {
        return Ok(true);
    }
    // Which NaN it is differs between machines, and nobody is to blame for that.
    Ok(value != claimed && !(number.is_nan() && theirs.is_nan()))
}

fn evaluate(scope: &Scope<'_>, instruction: &Instruction, judgement: &Judgement) -> Result<u32, GameError> {
    let place = |operand: &Operand| Some((*operand, scope.place(operand.source)?));
    let places: Vec<(Operand, Place)> =
        instruction.inputs.iter().map(place).collect::<Option<_>>().ok_or(GameError::NoSuchElement)?;
    let mut opened = Vec::with_capacity(judgement.inputs.len());
    for Input { input, opened: proof } in &judgement.inputs {
        let input = usize::from(*input);
        let (operand, place) = places.get(input).ok_or(GameError::BadProof)?;
        opened.push((input, Checked::of(proof, place, operand.len).ok_or(GameError::BadProof)?));
    }
    let value = instruction.op.element(judgement.element, &Inputs { places, opened });
    value.map_err(|Missing { input, index }| GameError::NotOpened {
        input: u8::try_from(input).unwrap_or(u8::MAX),
        index,
    })
}

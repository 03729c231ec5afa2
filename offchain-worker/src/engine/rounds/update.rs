//! A slot's update as a blob.
//!
//! How it lies there is [`sabha_protocol::update`]'s.
//!
//! All numbers are little-endian. Every length follows from the model, so a blob is either exactly that long or refused; one byte
//! an element and one word for 256 of them are 0.254 of the parameters in `f32`. That the place is part of the blob keeps an
//! update from being passed off as another slot's under the same address.

use sabha_numerics::op::EXPONENTS;
use sabha_protocol::{
    Digest, RoundIndex, SlotIndex,
    spec::{ModelSpec, RunSpec},
    update::{self, HEADER, MAGIC, lens},
};

/// Why bytes are not the update that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// Too short or too long.
    #[error("it has {found} bytes, an update of this model has {needed}")]
    Length {
        /// What there is.
        found: u64,
        /// What the model needs.
        needed: u64,
    },
    /// Not an update, or one of another format.
    #[error("it does not begin as an update does")]
    Header,
    /// Made for another run.
    #[error("it is an update of the run with specification {0}")]
    OtherRun(Digest),
    /// Made for another slot.
    #[error("it is the update of round {round}, slot {slot}")]
    OtherSlot {
        /// Its round.
        round: RoundIndex,
        /// Its slot.
        slot: SlotIndex,
    },
    /// An exponent out of bounds.
    #[error(
        "block {block} of parameter {parameter} has the exponent {found}: it must be from {} to {}",
        EXPONENTS.start(), EXPONENTS.end()
    )]
    Exponent {
        /// The parameter's place in the model's order.
        parameter: usize,
        /// The block of 256.
        block: usize,
        /// The exponent.
        found: i32,
    },
    /// A code that no delta has.
    #[error("element {element} of parameter {parameter} has the code -128: codes are from -127 to 127")]
    Code {
        /// The parameter's place in the model's order.
        parameter: usize,
        /// The element.
        element: usize,
    },
    /// Something where nothing should be.
    #[error("parameter {parameter} is filled up with other bytes than zeros")]
    Filling {
        /// The parameter's place in the model's order.
        parameter: usize,
    },
}

/// Which slot's update it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Hash of the run's specification.
    pub spec: Digest,
    /// The round.
    pub round: RoundIndex,
    /// The slot in the round.
    pub slot: SlotIndex,
}

impl Place {
    /// A slot of a run.
    pub fn of(spec: &RunSpec, round: RoundIndex, slot: SlotIndex) -> Self {
        Self { spec: spec.hash(), round, slot }
    }
}

/// What a slot trained: the checkpoint it began with less the parameters it ended with, as codes and powers of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    place: Place,
    /// Words of each of the buffers in turn: codes of a parameter, its exponents.
    lens: Vec<usize>,
    words: Vec<u32>,
}

/// Bytes of an update of a model: at most 0.27 of its parameters in `f32`, but for models of a few hundred parameters. Saturates.
pub fn update_bytes(model: &ModelSpec) -> u64 {
    if model.check().is_err() {
        // There may be any number of layers to count.
        return model.parameter_count().saturating_mul(2);
    }
    update::bytes(&model.shape())
}

impl Update {
    /// From the words of each buffer, as the `finish` program ends with them.
    pub(super) fn from_buffers(place: Place, buffers: &[Vec<u32>]) -> Self {
        Self { place, lens: buffers.iter().map(Vec::len).collect(), words: buffers.concat() }
    }

    /// Whose it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The words of each buffer, in the order of the `aggregate` program.
    pub fn buffers(&self) -> impl Iterator<Item = &[u32]> {
        let mut rest = self.words.as_slice();
        self.lens.iter().map(move |len| {
            let (buffer, after) = rest.split_at_checked(*len).unwrap_or((rest, &[]));
            rest = after;
            buffer
        })
    }

    /// The blob, whose BLAKE3 is the update's digest.
    pub fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(HEADER + self.words.len() * 4);
        blob.extend_from_slice(&header(self.place));
        blob.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        blob
    }

    /// Reads the update of one slot. Takes as much memory again as the blob, whatever is in it.
    ///
    /// # Errors
    /// If it is not that slot's, or not of the run's model, or not as [`to_blob`](Self::to_blob) writes it.
    pub fn from_blob(spec: &RunSpec, place: Place, blob: &[u8]) -> Result<Self, UpdateError> {
        let (found, needed) = (blob.len() as u64, update_bytes(&spec.model));
        if found != needed {
            return Err(UpdateError::Length { found, needed });
        }
        let (start, body) = blob.split_at_checked(HEADER).ok_or(UpdateError::Header)?;
        check_header(start, place)?;
        let model = spec.model.shape();
        let words = body.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let lens = lens(&model).map(|len| usize::try_from(len).unwrap_or(usize::MAX)).collect();
        let update = Self { place, lens, words };
        for (index, parameter) in model.parameters().enumerate() {
            update.check(index, usize::try_from(parameter.elements()).unwrap_or(usize::MAX))?;
        }
        Ok(update)
    }

    /// Reads the place that an update says it is of, for people: nothing else is checked.
    ///
    /// # Errors
    /// If it does not begin as an update does.
    pub fn place_of(blob: &[u8]) -> Result<Place, UpdateError> {
        let field = |range: std::ops::Range<usize>| blob.get(range).ok_or(UpdateError::Header);
        if field(0..16)? != MAGIC {
            return Err(UpdateError::Header);
        }
        let spec = Digest(field(16..48)?.try_into().map_err(|_| UpdateError::Header)?);
        let round = u32::from_le_bytes(field(48..52)?.try_into().map_err(|_| UpdateError::Header)?);
        let slot = u16::from_le_bytes(field(52..54)?.try_into().map_err(|_| UpdateError::Header)?);
        Ok(Place { spec, round, slot })
    }

    /// Checks the codes and exponents of one parameter.
    fn check(&self, parameter: usize, size: usize) -> Result<(), UpdateError> {
        let mut buffers = self.buffers().skip(parameter * 2);
        let (codes, exponents) = (buffers.next().unwrap_or_default(), buffers.next().unwrap_or_default());
        for (block, word) in exponents.iter().enumerate() {
            let found = *word as i32;
            if !EXPONENTS.contains(&found) {
                return Err(UpdateError::Exponent { parameter, block, found });
            }
        }
        let bytes = codes.iter().flat_map(|word| word.to_le_bytes());
        for (element, byte) in bytes.enumerate() {
            if element >= size && byte != 0 {
                return Err(UpdateError::Filling { parameter });
            }
            if byte as i8 == i8::MIN {
                return Err(UpdateError::Code { parameter, element });
            }
        }
        Ok(())
    }
}

fn header(place: Place) -> [u8; HEADER] {
    update::header(&place.spec, place.round, place.slot)
}

fn check_header(start: &[u8], place: Place) -> Result<(), UpdateError> {
    let found = Update::place_of(start)?;
    if found.spec != place.spec {
        return Err(UpdateError::OtherRun(found.spec));
    }
    if found != place {
        return Err(UpdateError::OtherSlot { round: found.round, slot: found.slot });
    }
    // What is left must be zeros.
    if start == header(place) { Ok(()) } else { Err(UpdateError::Header) }
}

//! A round's checkpoint: parameters and the outer optimiser's momenta.
//!
//! Its root is a state root over the digests of the parameters, then of the momenta, both in the order of the specification: the
//! leaves that the `aggregate` program starts from and ends with. Its blob is a safetensors file in one canonical form, so that
//! every program that reads such files reads it, and equal checkpoints have equal addresses.

use crate::engine::{Checkpoint, CheckpointError};
use rayon::prelude::*;
use sabha_numerics::{buffer_digest, state_root};
use sabha_protocol::{
    Digest,
    spec::{ModelSpec, Parameter},
};
use std::io::{self, Read};

/// What is read of a tensor at once: whole elements.
const PIECE_BYTES: usize = 16 << 10;

/// What the names of momenta begin with in a checkpoint's file.
pub const MOMENTUM: &str = "momentum.";

/// Parameters and momenta.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundCheckpoint {
    parameters: Checkpoint,
    momenta: Vec<Vec<f32>>,
}

/// Bytes of a checkpoint's blob. Saturates.
pub fn checkpoint_bytes(model: &ModelSpec) -> u64 {
    if model.check().is_err() {
        return u64::MAX;
    }
    model.parameter_count().saturating_mul(8).saturating_add(header(&model.parameters()).len() as u64)
}

impl RoundCheckpoint {
    /// The checkpoint that a run starts from: its momenta are zeros.
    pub fn start(parameters: Checkpoint) -> Self {
        let momenta = parameters.values().iter().map(|values| vec![0.0; values.len()]).collect();
        Self { parameters, momenta }
    }

    /// From parts that fit each other by construction.
    pub(super) fn from_parts(parameters: Checkpoint, momenta: Vec<Vec<f32>>) -> Self {
        debug_assert!(
            parameters.values().iter().map(Vec::len).eq(momenta.iter().map(Vec::len)),
            "each parameter has its momentum"
        );
        Self { parameters, momenta }
    }

    /// The parameters: the model.
    pub fn parameters(&self) -> &Checkpoint {
        &self.parameters
    }

    /// The momenta, in the parameters' order.
    pub fn momenta(&self) -> &[Vec<f32>] {
        &self.momenta
    }

    /// The root that the chain carries.
    pub fn root(&self) -> Digest {
        let buffers: Vec<&Vec<f32>> = self.parameters.values().iter().chain(&self.momenta).collect();
        let digests: Vec<[u8; 32]> = buffers.par_iter().map(|buffer| buffer_digest(buffer)).collect();
        Digest(state_root(&digests))
    }

    /// The blob, in its canonical form.
    pub fn to_blob(&self) -> Vec<u8> {
        let names = self.parameters.parameters();
        let mut blob = header(names);
        for (of, index) in order(names) {
            let values = if of == Of::Parameter { self.parameters.values() } else { &self.momenta };
            let values = values.get(index).map(Vec::as_slice).unwrap_or_default();
            blob.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        blob
    }

    /// Reads what [`to_blob`](Self::to_blob) wrote, and nothing else. Takes as much memory again as the blob, whatever is in it.
    ///
    /// # Errors
    /// If it is damaged, of another model, in another form, or holds a number that is not finite.
    pub fn from_blob(model: &ModelSpec, blob: &[u8]) -> Result<Self, CheckpointError> {
        let (found, needed) = (blob.len() as u64, checkpoint_bytes(model));
        if found != needed {
            return Err(CheckpointError::Length { found, needed });
        }
        let parameters = model.parameters();
        let header = header(&parameters);
        let mut rest = blob.strip_prefix(header.as_slice()).ok_or(CheckpointError::Form)?;
        let mut values = vec![Vec::new(); parameters.len()];
        let mut momenta = values.clone();
        for (of, index) in order(&parameters) {
            let Some(parameter) = parameters.get(index) else { continue };
            let bytes = usize::try_from(parameter.elements()).unwrap_or(usize::MAX).saturating_mul(4);
            let (here, after) = rest.split_at_checked(bytes).ok_or(CheckpointError::Form)?;
            rest = after;
            let read: Vec<f32> =
                here.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            if let Some(element) = read.iter().position(|value| !value.is_finite()) {
                return Err(CheckpointError::NotFinite { name: of.name(parameter), element });
            }
            let places = if of == Of::Parameter { &mut values } else { &mut momenta };
            if let Some(place) = places.get_mut(index) {
                *place = read;
            }
        }
        Ok(Self::from_parts(Checkpoint::from_parts(parameters, values), momenta))
    }
}

/// The root of the checkpoint in a blob, as [`RoundCheckpoint::from_blob`] followed by [`RoundCheckpoint::root`] finds it, in a few KiB of
/// memory. The outer error is the reader's.
///
/// # Errors
/// As [`RoundCheckpoint::from_blob`].
pub fn root_of_blob(model: &ModelSpec, blob: &mut impl Read) -> io::Result<Result<Digest, CheckpointError>> {
    let parameters = model.parameters();
    let expected = header(&parameters);
    let mut found = Vec::new();
    Read::by_ref(blob).take(expected.len() as u64).read_to_end(&mut found)?;
    if found != expected {
        return Ok(Err(CheckpointError::Form));
    }
    let mut digests = vec![[0; 32]; parameters.len()];
    let mut momenta = digests.clone();
    for (of, index) in order(&parameters) {
        let Some(parameter) = parameters.get(index) else { continue };
        let digest = match tensor_digest(parameter.elements(), blob)? {
            Ok(digest) => digest,
            Err(element) => return Ok(Err(CheckpointError::NotFinite { name: of.name(parameter), element })),
        };
        let places = if of == Of::Parameter { &mut digests } else { &mut momenta };
        if let Some(place) = places.get_mut(index) {
            *place = digest;
        }
    }
    if blob.read(&mut [0])? > 0 {
        return Ok(Err(CheckpointError::Form));
    }
    digests.extend(momenta);
    Ok(Ok(Digest(state_root(&digests))))
}

/// What [`buffer_digest`] says of a tensor's elements, or the first that is not finite.
fn tensor_digest(elements: u64, blob: &mut impl Read) -> io::Result<Result<[u8; 32], usize>> {
    let (mut hasher, mut left, mut before) = (blake3::Hasher::new(), elements.saturating_mul(4), 0_usize);
    let mut piece = [0; PIECE_BYTES];
    while left > 0 {
        let bytes = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(piece) = piece.get_mut(..bytes) else { break };
        blob.read_exact(piece)?;
        let values = piece.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        if let Some(element) = values.clone().position(|value| !value.is_finite()) {
            return Ok(Err(before.saturating_add(element)));
        }
        hasher.update(piece);
        before = before.saturating_add(values.len());
        left = left.saturating_sub(bytes as u64);
    }
    Ok(Ok(*hasher.finalize().as_bytes()))
}

/// What a tensor of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Parameter,
    Momentum,
}

impl Of {
    fn name(self, parameter: &Parameter) -> String {
        match self {
            Of::Parameter => parameter.name.clone(),
            Of::Momentum => format!("{MOMENTUM}{}", parameter.name),
        }
    }
}

/// The file's tensors: sorted by name, as the safetensors library does, with the parameter's place in the model's order.
fn order(parameters: &[Parameter]) -> Vec<(Of, usize)> {
    let each = |of| (0..parameters.len()).map(move |index| (of, index));
    let mut all: Vec<(Of, usize)> = each(Of::Parameter).chain(each(Of::Momentum)).collect();
    all.sort_by_cached_key(|(of, index)| parameters.get(*index).map(|parameter| of.name(parameter)));
    all
}

/// The file up to the first tensor: all of it follows from the model. What the safetensors library would write.
fn header(parameters: &[Parameter]) -> Vec<u8> {
    let mut text = r#"{"__metadata__":{"format":"pt"}"#.to_string();
    let mut offset = 0u64;
    for (of, index) in order(parameters) {
        let Some(parameter) = parameters.get(index) else { continue };
        let end = offset.saturating_add(parameter.elements().saturating_mul(4));
        // Names are letters, digits, dots and underscores: nothing to escape.
        let shape: Vec<String> = parameter.shape.iter().map(u32::to_string).collect();
        text.push_str(&format!(
            r#","{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{offset},{end}]}}"#,
            of.name(parameter),
            shape.join(",")
        ));
        offset = end;
    }
    text.push('}');
    // The library fills up to whole words of 8 bytes.
    let filled = text.len().next_multiple_of(8);
    let mut bytes = (filled as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes.resize(filled + 8, b' ');
    bytes
}

//! Parameters and whole states on the host: their order, digests, roots and files.

use super::rounds::checkpoint::MOMENTUM;
use sabha_numerics::{buffer_digest, state_root};
use sabha_protocol::{
    Digest,
    spec::{ModelSpec, Parameter},
};
use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use std::collections::HashMap;

/// What is wrong with a checkpoint's bytes.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not safetensors, or cut off.
    #[error("not a whole safetensors file ({0})")]
    Format(String),
    /// Too short or too long.
    #[error(
        "it has {found} bytes, a checkpoint of this model has {needed}: this is a checkpoint of another model, or cut off"
    )]
    Length {
        /// What there is.
        found: u64,
        /// What the model needs.
        needed: u64,
    },
    /// The right tensors, perhaps, but not in the one form that a checkpoint's address is made of.
    #[error("its header is not the one of a checkpoint of this model")]
    Form,
    /// A parameter of the model is missing.
    #[error("parameter {0} is missing: this is a checkpoint of another model")]
    Missing(String),
    /// A tensor that the model does not have.
    #[error("{0} is not a parameter of the model: this is a checkpoint of another model")]
    Unknown(String),
    /// A parameter of another shape or element type.
    #[error("parameter {name} is {found}, the model has {expected}: this is a checkpoint of another model")]
    Shape {
        /// The parameter.
        name: String,
        /// What the file holds.
        found: String,
        /// What the model needs.
        expected: String,
    },
    /// An infinity or a NaN.
    #[error("parameter {name} is not finite at element {element}")]
    NotFinite {
        /// The parameter.
        name: String,
        /// The first such element.
        element: usize,
    },
}

/// All parameters of a model, in the order of its specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    parameters: Vec<Parameter>,
    values: Vec<Vec<f32>>,
}

impl Checkpoint {
    /// From parts that fit each other by construction.
    pub(crate) fn from_parts(parameters: Vec<Parameter>, values: Vec<Vec<f32>>) -> Self {
        debug_assert!(
            parameters.len() == values.len()
                && parameters.iter().zip(&values).all(|(p, v)| p.elements() == v.len() as u64)
        );
        Self { parameters, values }
    }

    /// Reads a blob that [`to_blob`](Self::to_blob) made, or any safetensors file with exactly the model's parameters in `f32`, and
    /// perhaps their momenta, which are left aside.
    ///
    /// # Errors
    /// If it is damaged, belongs to another model, or holds a number that is not finite.
    pub fn from_blob(model: &ModelSpec, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let file =
            SafeTensors::deserialize(bytes).map_err(|error| CheckpointError::Format(error.to_string()))?;
        let parameters = model.parameters();
        let values = read_values(&file, &parameters, "")?;
        let known = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
        let of_model = |name: &str| known(name) || name.strip_prefix(MOMENTUM).is_some_and(known);
        if let Some(name) = file.names().into_iter().find(|name| !of_model(name)) {
            return Err(CheckpointError::Unknown(name.into()));
        }
        Ok(Self { parameters, values })
    }

    /// The checkpoint as a blob: safetensors, tensors sorted by name, so equal parameters give equal bytes.
    pub fn to_blob(&self) -> Vec<u8> {
        // `transformers` refuses files that do not name their format. One entry: a map of several has no fixed order.
        let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
        write_tensors(self.named(""), metadata)
    }

    /// The state root over the parameters alone, in order: what `initial_checkpoint` of a specification names.
    pub fn root(&self) -> Digest {
        let digests: Vec<[u8; 32]> = self.values.iter().map(|values| buffer_digest(values)).collect();
        Digest(state_root(&digests))
    }

    /// Parameters with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Parameter, &[f32])> {
        self.parameters.iter().zip(self.values.iter().map(Vec::as_slice))
    }

    /// Names and shapes, in order.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Values, in order.
    pub fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// Whether this is a checkpoint of `model`.
    pub fn is_of(&self, model: &ModelSpec) -> bool {
        self.parameters == model.parameters()
    }

    fn named(&self, prefix: &str) -> Vec<(String, &Parameter, &[f32])> {
        named(prefix, &self.parameters, &self.values)
    }
}

/// The whole state of a slot: every parameter with its two moments, the step and a loss accumulator.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The parameters.
    pub checkpoint: Checkpoint,
    /// First moments, in the parameters' order.
    pub moment1: Vec<Vec<f32>>,
    /// Second moments, in the parameters' order.
    pub moment2: Vec<Vec<f32>>,
    /// Inner steps done in the slot.
    pub step: u32,
    /// Sum of the losses of these steps.
    pub loss_sum: f32,
}

/// Names of the moments in a state's file.
const MOMENT1: &str = "moment1.";
const MOMENT2: &str = "moment2.";

impl State {
    /// The state before a slot's first step.
    pub fn begin(checkpoint: Checkpoint) -> Self {
        let zeros = || checkpoint.values.iter().map(|values| vec![0.0; values.len()]).collect();
        Self { moment1: zeros(), moment2: zeros(), checkpoint, step: 0, loss_sum: 0.0 }
    }

    /// The state root: leaves are, for each parameter in order, the digests of its values, first and second moments; then the
    /// step (as four bytes) and the loss accumulator.
    pub fn root(&self) -> Digest {
        let mut digests = Vec::with_capacity(self.checkpoint.values.len() * 3 + 2);
        for ((values, first), second) in self.checkpoint.values.iter().zip(&self.moment1).zip(&self.moment2) {
            digests.extend([values, first, second].map(|buffer| buffer_digest(buffer)));
        }
        digests.push(*blake3::hash(&self.step.to_le_bytes()).as_bytes());
        digests.push(buffer_digest(&[self.loss_sum]));
        Digest(state_root(&digests))
    }

    /// Mean loss over the steps done so far; 0 before the first.
    pub fn mean_loss(&self) -> f32 {
        if self.step == 0 { 0.0 } else { self.loss_sum / self.step as f32 }
    }

    /// Safetensors of parameters and moments, with `record` in the file's metadata.
    pub(crate) fn to_bytes(&self, record: String) -> Vec<u8> {
        let parameters = &self.checkpoint.parameters;
        let mut tensors = self.checkpoint.named("");
        tensors.extend(named(MOMENT1, parameters, &self.moment1));
        tensors.extend(named(MOMENT2, parameters, &self.moment2));
        write_tensors(tensors, HashMap::from([(RECORD.to_string(), record)]))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; step and loss accumulator are left at 0.
    pub(crate) fn from_bytes(model: &ModelSpec, bytes: &[u8]) -> Result<(Self, String), CheckpointError> {
        let format = |error: safetensors::SafeTensorError| CheckpointError::Format(error.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let record = metadata.metadata().as_ref().and_then(|map| map.get(RECORD)).cloned();
        let record = record.ok_or_else(|| CheckpointError::Format("it holds no slot's record".into()))?;
        let file = SafeTensors::deserialize(bytes).map_err(format)?;
        let parameters = model.parameters();
        let values = read_values(&file, &parameters, "")?;
        let moment1 = read_values(&file, &parameters, MOMENT1)?;
        let moment2 = read_values(&file, &parameters, MOMENT2)?;
        let checkpoint = Checkpoint { parameters, values };
        Ok((Self { checkpoint, moment1, moment2, step: 0, loss_sum: 0.0 }, record))
    }
}

/// The metadata entry that holds a parked slot's record.
const RECORD: &str = "sabha.slot";

fn named<'a>(
    prefix: &str,
    parameters: &'a [Parameter],
    values: &'a [Vec<f32>],
) -> Vec<(String, &'a Parameter, &'a [f32])> {
    let with_name = |(parameter, values): (&'a Parameter, &'a Vec<f32>)| {
        (format!("{prefix}{}", parameter.name), parameter, values.as_slice())
    };
    parameters.iter().zip(values).map(with_name).collect()
}

/// A tensor on its way into a file: the bytes are made one tensor at a time.
struct Outgoing<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl safetensors::View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
    }

    fn data_len(&self) -> usize {
        self.values.len() * 4
    }
}

fn write_tensors(tensors: Vec<(String, &Parameter, &[f32])>, metadata: HashMap<String, String>) -> Vec<u8> {
    let outgoing = tensors.into_iter().map(|(name, parameter, values)| {
        let shape = parameter.shape.iter().map(|dimension| *dimension as usize).collect();
        (name, Outgoing { shape, values })
    });
    // Fails for shapes that do not fit their data only, and these are made together.
    safetensors::serialize(outgoing, Some(metadata)).expect("shapes fit their data")
}

fn read_values(
    file: &SafeTensors<'_>,
    parameters: &[Parameter],
    prefix: &str,
) -> Result<Vec<Vec<f32>>, CheckpointError> {
    parameters
        .iter()
        .map(|parameter| {
            let name = format!("{prefix}{}", parameter.name);
            let Ok(tensor) = file.tensor(&name) else { return Err(CheckpointError::Missing(name)) };
            read_tensor(name, parameter, &tensor)
        })
        .collect()
}

fn read_tensor(
    name: String,
    parameter: &Parameter,
    tensor: &TensorView<'_>,
) -> Result<Vec<f32>, CheckpointError> {
    let same_shape =
        tensor.shape().iter().map(|d| *d as u64).eq(parameter.shape.iter().map(|d| u64::from(*d)));
    if tensor.dtype() != Dtype::F32 || !same_shape {
        let found = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
        return Err(CheckpointError::Shape { name, found, expected: format!("F32 {:?}", parameter.shape) });
    }
    let values: Vec<f32> = tensor
        .data()
        .chunks_exact(4)
        .map(|bytes| bytes.iter().rev().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)))
        .map(f32::from_bits)
        .collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(element) => Err(CheckpointError::NotFinite { name, element }),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{init::initial, testing::tiny_spec};

    #[test]
    fn a_blob_reads_back_and_is_the_same_bytes_each_time() {
        let model = tiny_spec().model;
        let checkpoint = initial(&model, 3);
        let blob = checkpoint.to_blob();
        assert_eq!(blob, checkpoint.clone().to_blob());
        assert_eq!(Checkpoint::from_blob(&model, &blob).unwrap(), checkpoint);
        assert_eq!(checkpoint.iter().count(), model.parameters().len());
    }

    #[test]
    fn damaged_or_foreign_blobs_are_refused() {
        let model = tiny_spec().model;
        let checkpoint = initial(&model, 3);
        let blob = checkpoint.to_blob();
        for length in [0, 7, 8, 100, blob.len() - 1] {
            let error = Checkpoint::from_blob(&model, &blob[..length]).unwrap_err();
            assert!(matches!(error, CheckpointError::Format(_)), "{length}: {error}");
        }
        let mut longer = blob.clone();
        longer.push(0);
        assert!(Checkpoint::from_blob(&model, &longer).is_err());

        let wider = ModelSpec { feed_forward: model.feed_forward + 1, ..model };
        let refuse = |model: &ModelSpec| Checkpoint::from_blob(model, &blob).unwrap_err();
        assert!(matches!(refuse(&wider), CheckpointError::Shape { .. }));
        let deeper = ModelSpec { layers: model.layers + 1, ..model };
        assert!(matches!(refuse(&deeper), CheckpointError::Missing(_)));
        let shallower = ModelSpec { layers: model.layers - 1, ..model };
        assert!(matches!(refuse(&shallower), CheckpointError::Unknown(_)));

        let mut wild = checkpoint;
        wild.values[1][2] = f32::NAN;
        let error = Checkpoint::from_blob(&model, &wild.to_blob()).unwrap_err();
        assert!(matches!(error, CheckpointError::NotFinite { element: 2, .. }), "{error}");
    }

    #[test]
    fn every_part_of_a_state_is_in_its_root() {
        let state = State::begin(initial(&tiny_spec().model, 3));
        let changes: [fn(&mut State); 5] = [
            |s| s.checkpoint.values[4][0] += 1.0,
            |s| s.moment1[4][0] = 1.0,
            |s| s.moment2[4][0] = 1.0,
            |s| s.step = 1,
            |s| s.loss_sum = 1.0,
        ];
        let mut roots = vec![state.root(), state.checkpoint.root()];
        for change in changes {
            let mut other = state.clone();
            change(&mut other);
            roots.push(other.root());
        }
        let distinct: std::collections::HashSet<_> = roots.iter().collect();
        assert_eq!(distinct.len(), roots.len());
    }
}

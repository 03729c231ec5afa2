//! Whether work fits this machine's memory, before anything is allocated for it.
//!
//! A specification comes from whoever opened the run, and its bounds allow models of many terabytes. An allocation of that size
//! ends the process, and with it everything that a worker does for other runs; so it is refused first.

use sabha_protocol::spec::{ModelSpec, RunSpec};
use std::fmt;

/// Where Linux says how much memory there is.
const MEMINFO: &str = "/proc/meminfo";

/// How much memory work may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryLimit {
    /// What the system can give at the moment, without swapping.
    #[default]
    Available,
    /// So many bytes.
    Bytes(u64),
}

/// Why work is not begun.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It needs more than there is.
    #[error(
        "{what} needs about {} of memory, and {} {}: choose a smaller model, batch or context, or a larger machine, or free \
         some memory; --memory-limit-mib (engine.memory_limit_mib) sets the limit",
        Bytes(*need), Bytes(*limit), if *configured { "is the limit" } else { "are available" }
    )]
    TooLarge {
        /// What was to be done.
        what: String,
        /// Bytes that it needs.
        need: u64,
        /// Bytes that it may take.
        limit: u64,
        /// Whether somebody set that limit.
        configured: bool,
        /// Whether waiting is of no use: the limit is set, or the machine has less in all.
        for_good: bool,
    },
    /// Nobody set a limit, and the system does not tell one.
    #[error(
        "{MEMINFO} does not say how much memory is available: set a limit with --memory-limit-mib (engine.memory_limit_mib)"
    )]
    Unknown,
}

impl MemoryLimit {
    /// A limit in mebibytes, or what is available.
    pub fn mebibytes(limit: Option<u64>) -> Self {
        limit.map_or(Self::Available, |mebibytes| Self::Bytes(mebibytes.saturating_mul(1 << 20)))
    }

    /// The limit now, in bytes.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`] if the system does not tell.
    pub fn bytes(self) -> Result<u64, MemoryError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Available => read("MemAvailable").ok_or(MemoryError::Unknown),
        }
    }

    /// Whether `what`, which needs `need` bytes, may be begun.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn admit(self, what: impl fmt::Display, need: u64) -> Result<(), MemoryError> {
        let limit = self.bytes()?;
        if need <= limit {
            return Ok(());
        }
        let configured = self != Self::Available;
        let for_good = configured || read("MemTotal").is_none_or(|total| need > total);
        Err(MemoryError::TooLarge { what: what.to_string(), need, limit, configured, for_good })
    }

    /// Whether a run may be trained here.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn admit_training(self, spec: &RunSpec) -> Result<(), MemoryError> {
        let model = &spec.model;
        let (parameters, batch, context) = (model.parameter_count(), spec.rounds.batch, model.context);
        let what = format!("training {parameters} parameters on batches of {batch} x {context} tokens");
        self.admit(what, training(spec))
    }

    /// Whether a model may be used here, on `samples` texts of up to `length` tokens at once.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn admit_use(self, model: &ModelSpec, samples: u32, length: u32) -> Result<(), MemoryError> {
        let what = format!("using a model of {} parameters", model.parameter_count());
        self.admit(what, inference(model, samples, length))
    }
}

/// Bytes in words.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        indicatif::BinaryBytes(self.0).fmt(f)
    }
}

/// A quantity that the system tells, in bytes.
fn read(name: &str) -> Option<u64> {
    find(&std::fs::read_to_string(MEMINFO).ok()?, name)
}

fn find(meminfo: &str, name: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What training needs at its peak, in bytes: in a step the state and the activations; while the state is saved, the state, a
/// copy of it and the file that is made from the copy. The checkpoint that a round began with comes on top.
pub fn training(spec: &RunSpec) -> u64 {
    let values = bytes_of(spec.model.parameter_count());
    let step = sum(&[spec.state_bytes(), activations(spec)]);
    let saving = values.saturating_mul(9);
    sum(&[step.max(saving), values, tables(&spec.model)])
}

/// What candle holds in one step besides the state, roughly, in bytes: for each token and layer about 46 vectors of the model's
/// width and ten of the feed-forward's, for each pair of positions and head eight scores, and eight rows of logits. Fitted to
/// the peaks of six runs of different shapes, and a little above each of them.
pub fn activations(spec: &RunSpec) -> u64 {
    let model = &spec.model;
    let [width, wide, heads, context, layers, vocabulary] = widths(model);
    let token = sum(&[
        width.saturating_mul(46),
        wide.saturating_mul(10),
        heads.saturating_mul(context).saturating_mul(8),
    ]);
    let token = sum(&[token.saturating_mul(layers), vocabulary.saturating_mul(8)]);
    bytes_of(token.saturating_mul(context).saturating_mul(spec.rounds.batch.into()))
}

/// What using a model needs, in bytes: the file, the checkpoint read from it and the engine's copy (for a comparison, an
/// untrained one beside it), and what one layer or the logits hold.
fn inference(model: &ModelSpec, samples: u32, length: u32) -> u64 {
    let [width, wide, heads, context, _, vocabulary] = widths(model);
    let length = u64::from(length).min(context);
    let layer = sum(&[
        width.saturating_mul(16),
        wide.saturating_mul(4),
        heads.saturating_mul(length).saturating_mul(6),
    ]);
    let token = layer.max(vocabulary.saturating_mul(6));
    let work = bytes_of(token.saturating_mul(length).saturating_mul(samples.into()));
    sum(&[bytes_of(model.parameter_count()).saturating_mul(4), work, tables(model)])
}

/// The rotary angles and the mask that a decoder makes for its whole context.
fn tables(model: &ModelSpec) -> u64 {
    let [_, _, _, context, ..] = widths(model);
    let angles = context.saturating_mul(model.head_width().into()).saturating_mul(4);
    bytes_of(sum(&[context.saturating_mul(context), angles]))
}

fn widths(model: &ModelSpec) -> [u64; 6] {
    [model.width, model.feed_forward, model.heads, model.context, model.layers, model.vocabulary]
        .map(u64::from)
}

fn bytes_of(values: u64) -> u64 {
    values.saturating_mul(4)
}

fn sum(parts: &[u64]) -> u64 {
    parts.iter().fold(0u64, |sum, part| sum.saturating_add(*part))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::engine::testing::{demo_spec, tiny_spec};
    use sabha_protocol::spec::limits;

    /// The largest model that a specification may ask for.
    pub(crate) fn huge_spec() -> RunSpec {
        let mut spec = tiny_spec();
        spec.model.width = limits::WIDTH;
        spec.model.layers = limits::LAYERS;
        spec.model.feed_forward = limits::FEED_FORWARD;
        spec.check().unwrap();
        spec
    }

    #[test]
    fn what_is_available_is_read() {
        let text = "MemTotal:       24689748 kB\nMemFree:         100 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(find(text, "MemAvailable"), Some(2 << 20));
        assert_eq!(find(text, "MemTotal"), Some(24_689_748 << 10));
        for bad in ["", "MemTotal: 5 kB", "Mem: x kB", "Mem: 5", "Mem: 99999999999999999999 kB"] {
            assert_eq!(find(bad, "Mem"), None, "{bad:?}");
        }
        assert!(MemoryLimit::Available.bytes().unwrap() > 1 << 20, "this machine");
    }

    #[test]
    fn the_largest_model_is_refused_whatever_this_machine_has() {
        let spec = huge_spec();
        assert!(training(&spec) > 10 << 40, "{}", training(&spec));
        for error in [
            MemoryLimit::Available.admit_training(&spec).unwrap_err(),
            MemoryLimit::Available.admit_use(&spec.model, 1, 10).unwrap_err(),
            MemoryLimit::mebibytes(Some(1 << 20)).admit_training(&spec).unwrap_err(),
        ] {
            assert!(matches!(error, MemoryError::TooLarge { for_good: true, .. }), "{error}");
            let text = error.to_string();
            for part in ["TiB of memory", "parameters", "smaller model", "engine.memory_limit_mib"] {
                assert!(text.contains(part), "{part} is missing in: {text}");
            }
        }
    }

    #[test]
    fn a_long_context_counts_as_well_as_a_large_model() {
        let mut spec = tiny_spec();
        let before = (training(&spec), inference(&spec.model, 1, u32::MAX));
        spec.model.context = limits::CONTEXT;
        let after = (training(&spec), inference(&spec.model, 1, u32::MAX));
        assert!(after.0 > (16 << 30) + before.0 && after.1 > (16 << 30) + before.1, "{after:?}");
        assert!(inference(&spec.model, 1, 10) < after.1, "a short text needs less");
    }

    #[test]
    fn estimates_saturate() {
        let mut spec = huge_spec();
        spec.model.context = u32::MAX;
        spec.model.vocabulary = u32::MAX;
        spec.model.layers = u32::MAX;
        spec.rounds.batch = u32::MAX;
        assert_eq!(training(&spec), u64::MAX);
    }

    #[test]
    fn a_limit_is_kept_to_the_byte() {
        let spec = demo_spec();
        let need = training(&spec);
        assert_eq!(MemoryLimit::Bytes(need).admit_training(&spec), Ok(()));
        let error = MemoryLimit::Bytes(need - 1).admit_training(&spec).unwrap_err();
        assert!(error.to_string().contains("is the limit"), "{error}");
        assert_eq!(MemoryLimit::mebibytes(Some(3)), MemoryLimit::Bytes(3 << 20));
        assert_eq!(MemoryLimit::mebibytes(None), MemoryLimit::Available);
    }
}

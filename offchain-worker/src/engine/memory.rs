//! Whether work fits this machine's memory, before anything is allocated for it.
//!
//! A specification comes from whoever opened the run, and its bounds allow models of many terabytes. An allocation of that size
//! ends the process, and with it everything that a worker does for other runs; so it is refused first.

use super::{exact::footprint, rounds};
use sabha_engine::plan::Purpose;
use sabha_numerics::op::MAX_READ;
use sabha_protocol::{
    NUMERICS_EXACT,
    spec::{ModelSpec, RunSpec},
};
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

impl MemoryError {
    /// Whether waiting is of no use.
    pub fn is_for_good(&self) -> bool {
        matches!(self, Self::TooLarge { for_good: true, .. })
    }
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

    /// Whether a segment of a run may be replayed here.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn admit_replay(self, spec: &RunSpec) -> Result<(), MemoryError> {
        let what = format!("replaying steps of {} parameters", spec.model.parameter_count());
        self.admit(what, replay(spec))
    }

    /// Whether the updates of a run's round may be aggregated here.
    ///
    /// # Errors
    /// [`MemoryError`] names what is needed, what there is, and the remedy.
    pub fn admit_aggregation(self, spec: &RunSpec) -> Result<(), MemoryError> {
        let (slots, parameters) = (spec.rounds.slots, spec.model.parameter_count());
        self.admit(format!("aggregating {slots} updates of {parameters} parameters"), aggregation(spec))
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

/// What training needs at its peak, in bytes. The checkpoint that a round began with, parameters and momenta, comes on top of the
/// engine's own.
pub fn training(spec: &RunSpec) -> u64 {
    let values = bytes_of(spec.model.parameter_count());
    let checkpoint = values.saturating_mul(2);
    // A copy of the state, and the file that is made from the copy.
    let saved = values.saturating_mul(6);
    if spec.numerics_version == NUMERICS_EXACT {
        // The state, and beside it a step's memory, which stays while the state is saved.
        let slot = sum(&[values.saturating_mul(3), step(spec), saved, checkpoint]);
        return slot.max(aggregation(spec));
    }
    let step = sum(&[spec.state_bytes(), activations(spec)]);
    let saving = values.saturating_mul(3).saturating_add(saved);
    sum(&[step.max(saving), checkpoint, tables(&spec.model)])
}

/// What making a round's updates into the next checkpoint needs at its peak, in bytes: the work itself, the checkpoints before and
/// after it, and the blob of the latter.
pub fn aggregation(spec: &RunSpec) -> u64 {
    let checkpoints = bytes_of(spec.model.parameter_count()).saturating_mul(6);
    sum(&[rounds::aggregation_bytes(spec), checkpoints])
}

/// What attesting a round's updates, one after another, needs at its peak, in bytes: an update's blob, and what is read from it.
pub fn attesting(model: &ModelSpec) -> u64 {
    rounds::update_bytes(model).saturating_mul(2)
}

/// What replaying a segment needs at its peak, in bytes: every output of a step, the checkpoint, the states at the segment's start
/// and before and after the step, and the engine's copy; and one more, to spare.
pub fn replay(spec: &RunSpec) -> u64 {
    let states = bytes_of(spec.model.parameter_count()).saturating_mul(16);
    sum(&[states, planned(spec, Purpose::Trace)])
}

/// What a dispute about a run needs at its peak, in bytes: any of its programs with every output, and its slots replayed.
pub fn dispute(spec: &RunSpec) -> u64 {
    training(spec).max(replay(spec)).max(aggregation(spec))
}

/// What a step of the exact engine works in, in bytes: activations, gradients, tables.
pub fn step(spec: &RunSpec) -> u64 {
    planned(spec, Purpose::Advance)
}

/// What one step holds besides parameters, gradients and moments, in bytes; of candle roughly.
pub fn activations(spec: &RunSpec) -> u64 {
    if spec.numerics_version == NUMERICS_EXACT {
        step(spec).saturating_sub(bytes_of(spec.model.parameter_count()))
    } else {
        work(spec)
    }
}

/// What the exact engine's plan of a step takes, or at least that much.
fn planned(spec: &RunSpec, purpose: Purpose) -> u64 {
    footprint::step(spec, purpose).unwrap_or_else(|| bound(spec))
}

/// More than every output of every instruction of a step together, in bytes: for those that are too long to be planned.
fn bound(spec: &RunSpec) -> u64 {
    let [width, wide, _, context, ..] = widths(&spec.model);
    let blocks = |terms: u64| terms.div_ceil(MAX_READ);
    let tokens = context.saturating_mul(spec.rounds.batch.into());
    // Long sums have an output for each block of their terms; updated parameters, moments and transposes have one each.
    let made = work(spec).saturating_mul(blocks(width.max(wide).max(context)).saturating_add(1));
    let outputs = blocks(tokens).saturating_add(8);
    sum(&[made, bytes_of(spec.model.parameter_count()).saturating_mul(outputs), tables(&spec.model)])
}

/// What one step makes besides the state, roughly, in bytes, all of which candle holds: for each token and layer about 46 vectors of
/// the model's width and ten of the feed-forward's, for each pair of positions and head eight scores, and eight rows of logits.
/// Fitted to the peaks of six runs of different shapes, and a little above each of them.
fn work(spec: &RunSpec) -> u64 {
    let [width, wide, heads, context, layers, vocabulary] = widths(&spec.model);
    let layer = sum(&[
        width.saturating_mul(46),
        wide.saturating_mul(10),
        heads.saturating_mul(context).saturating_mul(8),
    ]);
    let token = sum(&[layer.saturating_mul(layers), vocabulary.saturating_mul(8)]);
    bytes_of(token.saturating_mul(context).saturating_mul(spec.rounds.batch.into()))
}

/// What using a model needs, in bytes: the file, the checkpoint read from it and the engine's copies (for a comparison, an
/// untrained one beside them), and what one layer or the logits hold.
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
    let work = work.max(footprint::evaluation(model, samples, length).unwrap_or(0));
    sum(&[bytes_of(model.parameter_count()).saturating_mul(5), work, tables(model)])
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
    use sabha_engine::plan::Plan;
    use sabha_protocol::{NUMERICS_YARDSTICK, spec::limits};

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
            MemoryLimit::Available.admit_replay(&spec).unwrap_err(),
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

    /// Shapes in which each of the things that a step holds is the largest, and those of docs/performance.md.
    fn shapes() -> Vec<RunSpec> {
        let shape = |[vocabulary, width, layers, heads, feed_forward, context, batch]: [u32; 7]| {
            [false, true].map(|tied_embedding| {
                let mut spec = RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() };
                let kept = spec.model;
                spec.model = ModelSpec {
                    vocabulary,
                    width,
                    layers,
                    heads,
                    feed_forward,
                    context,
                    tied_embedding,
                    ..kept
                };
                spec.rounds.batch = batch;
                spec.model.check().unwrap();
                spec
            })
        };
        [
            [256, 256, 4, 4, 688, 256, 8],
            [256, 512, 8, 8, 1_376, 512, 4],
            [2, 2, 1, 1, 1, 2, 1],
            [2, 4, 2, 2, 1, 2, 64],
            [16, 2, 1, 1, 1, 512, 16],
            [256, 64, 1, 32, 64, 512, 1],
            [256, 64, 1, 32, 64, 64, 64],
            [256, 64, 1, 1, 64, 2_048, 1],
            [16, 256, 1, 1, 16, 3_000, 1],
            [50_000, 64, 2, 2, 172, 64, 4],
            [4, 64, 3, 1, 1 << 16, 2, 1],
            [16, 1_024, 1, 512, 8, 8, 1],
            [256, 32, 48, 2, 172, 64, 4],
            [256, 32, 2, 2, 64, 256, 100],
            [32_000, 4_096, 32, 32, 11_008, 4_096, 1],
            [limits::VOCABULARY, limits::WIDTH, 4, 128, limits::FEED_FORWARD, 4_096, 1],
        ]
        .into_iter()
        .flat_map(shape)
        .collect()
    }

    #[test]
    fn no_estimate_of_exact_work_is_below_its_plan() {
        for spec in shapes() {
            let model = spec.model;
            let values = bytes_of(model.parameter_count());
            let plan = |purpose| Plan::new(&footprint::program(&spec), purpose).bytes() as u64;
            let (advance, trace) = (plan(Purpose::Advance), plan(Purpose::Trace));
            assert_eq!(step(&spec), advance, "{model:?}");
            assert!(advance > values && advance < trace, "{model:?}: gradients are in it");
            assert!(bound(&spec) > trace, "{model:?}: {} {trace}", bound(&spec));
            assert!(training(&spec) >= advance + 10 * values && replay(&spec) >= trace + 13 * values);
            assert_eq!(activations(&spec), advance - values);
            let batch = spec.rounds.batch;
            let program = footprint::evaluation_program(&model, batch, model.context.into());
            let evaluation = Plan::new(&program, Purpose::Compute).bytes() as u64;
            let spare = inference(&model, batch, u32::MAX).checked_sub(evaluation + 5 * values);
            assert!(spare.is_some(), "{model:?}");
        }
    }

    #[test]
    fn the_exact_engine_needs_less_than_candle() {
        let exact = RunSpec { numerics_version: NUMERICS_EXACT, ..demo_spec() };
        let candle = RunSpec { numerics_version: NUMERICS_YARDSTICK, ..demo_spec() };
        assert!(training(&exact) < training(&candle) && training(&candle) < replay(&exact));
        // What is too long to be planned is estimated all the same.
        let mut long = RunSpec { numerics_version: NUMERICS_EXACT, ..huge_spec() };
        long.rounds.batch = limits::BATCH;
        assert!(footprint::step(&long, Purpose::Advance).is_none());
        assert!(
            training(&long) > training(&RunSpec { numerics_version: NUMERICS_YARDSTICK, ..long.clone() })
        );
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

//! The exact engine: the same bits whatever the machine does, close to the yardstick, and what it refuses.

use super::*;
use crate::{
    data::Stream,
    engine::{
        init,
        testing::{text_stream, tiny_spec},
    },
};

fn fixture() -> (tempfile::TempDir, RunSpec, Stream) {
    text_stream(RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() })
}

/// Losses of some steps, and the state's root at the end.
fn run(engine: &dyn Engine, spec: &RunSpec, stream: &Stream, steps: u32) -> (Vec<f32>, Digest) {
    let mut session = engine.begin(spec, &init::initial(&spec.model, 5)).unwrap();
    let losses =
        (0..steps).map(|at| match session.step(&stream.training_batch(spec, 0, 0, at).unwrap(), 0.01) {
            Ok(StepOutcome::Done { loss, gradient_norm }) => {
                assert!(gradient_norm > 0.0);
                loss
            }
            other => panic!("{other:?}"),
        });
    let losses = losses.collect();
    (losses, session.digest().unwrap())
}

#[test]
fn the_digest_is_the_root_of_the_state() {
    let (_folder, spec, stream) = fixture();
    let mut session = ExactEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    for at in 0..3 {
        assert_eq!(session.digest().unwrap(), session.state().unwrap().root());
        session.step(&stream.training_batch(&spec, 0, 0, at).unwrap(), 0.01).unwrap();
    }
    assert_eq!(session.digest().unwrap(), session.state().unwrap().root());
    assert_eq!(session.steps_done(), 3);
}

/// Bits of a slot are what a run is paid for: a change needs a new numerics version.
#[test]
fn golden_root_with_any_number_of_threads() {
    let (_folder, spec, stream) = fixture();
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (_, root) = pool.install(|| run(&ExactEngine::cpu(), &spec, &stream, 6));
        assert_eq!(root.to_string(), GOLDEN, "{threads} threads");
    }
}
const GOLDEN: &str = "f1aa5edabafa4dbf156aa0e244778f3921f7b44d6a520db934f68b187c896119";

#[test]
fn a_session_goes_on_from_any_state_to_the_same_bits() {
    let (_folder, spec, stream) = fixture();
    let mut session = ExactEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let mut states = vec![session.state().unwrap()];
    for at in 0..4 {
        session.step(&stream.training_batch(&spec, 0, 0, at).unwrap(), 0.01).unwrap();
        states.push(session.state().unwrap());
    }
    for (done, state) in (0u32..).zip(&states) {
        let mut session = ExactEngine::cpu().resume(&spec, state).unwrap();
        for at in done..4 {
            session.step(&stream.training_batch(&spec, 0, 0, at).unwrap(), 0.01).unwrap();
        }
        assert_eq!(session.state().unwrap(), states[4], "from step {done}");
    }
}

/// Two independent implementations of the same model: they differ by roundings only.
#[test]
fn losses_are_those_of_the_yardstick_within_rounding() {
    for tied_embedding in [false, true] {
        let mut spec = RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() };
        spec.model.tied_embedding = tied_embedding;
        let (_folder, spec, stream) = text_stream(spec);
        let (exact, _) = run(&ExactEngine::cpu(), &spec, &stream, 6);
        let (candle, _) = run(&CandleEngine::cpu(), &spec, &stream, 6);
        for (exact, candle) in exact.iter().zip(&candle) {
            assert!((exact - candle).abs() < 2e-4, "{exact} {candle}");
        }
        let checkpoint = init::initial(&spec.model, 5);
        let batch = stream.windows(&spec, &[0, 50, 100]).unwrap();
        let of = |engine: &dyn Engine| engine.load(&spec.model, &checkpoint).unwrap().loss(&batch).unwrap();
        assert!((of(&ExactEngine::cpu()) - of(&CandleEngine::cpu())).abs() < 1e-5);
        for length in [1, 5, 8] {
            let tokens: Vec<u32> = (0..length).map(|i| i * 7 % 16).collect();
            let of =
                |engine: &dyn Engine| engine.load(&spec.model, &checkpoint).unwrap().logits(&tokens).unwrap();
            let (exact, candle) = (of(&ExactEngine::cpu()), of(&CandleEngine::cpu()));
            assert_eq!(exact.len(), tokens.len() * 16);
            assert!(exact.iter().zip(&candle).all(|(a, b)| (a - b).abs() < 1e-5), "{exact:?} {candle:?}");
        }
    }
}

#[test]
fn a_divergence_names_step_instruction_and_element() {
    let (_folder, spec, stream) = fixture();
    let mut session = ExactEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let step = |session: &mut Box<dyn Session>, at: u32, rate: f32| {
        session.step(&stream.training_batch(&spec, 0, 0, at).unwrap(), rate).unwrap()
    };
    assert!(matches!(step(&mut session, 0, 0.01), StepOutcome::Done { .. }));
    // A rate without bounds leaves no parameter finite: the first that is updated is named.
    let StepOutcome::Diverged(at) = step(&mut session, 1, f32::INFINITY) else { panic!("it must diverge") };
    let program = program(&spec, f32::INFINITY, 2, spec.rounds.batch as usize);
    let instruction = program.instruction(at.instruction).unwrap();
    assert!(matches!(instruction.op, Op::Weights(_)), "{instruction:?}");
    assert_eq!((at.step, at.element), (1, 0));
    assert_eq!(operation(&spec, at.instruction), Some(instruction.op.name()));
    assert_eq!(operation(&spec, u32::MAX), None);
    assert_eq!(operation(&RunSpec { numerics_version: 0, ..spec }, at.instruction), None);
}

#[test]
fn a_cpu_has_no_kernels_of_its_own_to_compare() {
    assert!(matches!(ExactEngine::cpu().compare_kernels(), Ok(None)));
    assert!(ExactEngine::cpu().describe().starts_with("exact arithmetic on the CPU ("));
}

#[test]
fn foreign_checkpoints_and_batches_are_refused() {
    let (_folder, spec, stream) = fixture();
    let mut other = spec.model;
    other.layers += 1;
    let foreign = init::initial(&other, 5);
    assert!(matches!(ExactEngine::cpu().begin(&spec, &foreign).err(), Some(EngineError::Shape(_))));
    assert!(matches!(ExactEngine::cpu().load(&spec.model, &foreign).err(), Some(EngineError::Shape(_))));
    let mut session = ExactEngine::cpu().begin(&spec, &init::initial(&spec.model, 5)).unwrap();
    let mut batch = stream.windows(&spec, &[0]).unwrap();
    assert!(matches!(session.step(&batch, 0.01), Err(EngineError::Shape(_))), "too few samples");
    batch.inputs.pop();
    assert!(matches!(session.step(&batch, 0.01), Err(EngineError::Shape(_))));
}

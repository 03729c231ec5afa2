use super::*;
use proptest::prelude::*;

/// The specification that tests start from: 0.9M parameters.
pub(crate) fn spec() -> RunSpec {
    toml::from_str(SPEC).expect("the example is well formed")
}

const SPEC: &str = r#"
numerics_version = 1
seed = 7
price_per_slot = "2.5"
stake_per_slot = "20"

[model]
vocabulary = 256
width = 128
layers = 4
heads = 4
feed_forward = 344
context = 128
rope_base = 10000.0
norm_epsilon = 1e-5
tied_embedding = false

[optimiser]
peak_rate = 3e-3
floor_rate = 3e-4
warmup_steps = 20
inner_warmup_steps = 2
beta1 = 0.9
beta2 = 0.95
epsilon = 1e-8
weight_decay = 0.1
clip_norm = 1.0

[outer]
rate = 0.7
momentum = 0.9

[data]
stream = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
tokens = 3_900_000
token_bytes = 1
heldout_tokens = 65_536
sources = []

[rounds]
count = 8
slots = 3
quorum = 2
tries = 3
inner_steps = 40
segment_steps = 10
batch = 8
aggregator_price = "0.5"

[audit]
auditors = 2
segments = 2
auditor_price = "1.25"
auditor_stake = "20"
attesters = 3
attester_price = "0.1"

[clocks]
training = 60
availability = 10
aggregation = 10
seals = 20
leaves = 10
reveals = 10
dispute = 120
window = 60
"#;

#[test]
fn the_example_passes_and_survives_toml_and_scale() {
    let spec = spec();
    spec.check().unwrap();
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<RunSpec>(&text).unwrap(), spec);
    assert_eq!(RunSpec::decode(&mut &spec.encode()[..]).unwrap(), spec);
    assert!(spec.encoded_size() <= RunSpec::max_encoded_len());
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    let error = toml::from_str::<RunSpec>(&SPEC.replace("heads = 4", "heads = 4\nhaeds = 4")).unwrap_err();
    assert!(error.to_string().contains("haeds"), "{error}");
}

#[test]
fn each_bad_field_is_refused_with_its_name() {
    let refuse = |change: fn(&mut RunSpec), field: &str| {
        let mut spec = spec();
        change(&mut spec);
        let error = spec.check().expect_err(field).to_string();
        assert!(error.contains(field), "{error:?} should name {field}");
    };
    refuse(|s| s.numerics_version = 9, "numerics_version");
    refuse(|s| s.initial_checkpoint = Some(Digest([1; 32])), "initial_checkpoint");
    refuse(|s| s.price_per_slot = 0, "price_per_slot");
    refuse(|s| s.model.layers = 0, "model.layers");
    refuse(|s| s.model.heads = 0, "model.heads");
    refuse(|s| s.model.heads = 3, "model.heads");
    refuse(|s| s.model.heads = 128, "model.heads");
    refuse(|s| s.model.width = 0, "model.width");
    refuse(|s| s.model.vocabulary = 1, "model.vocabulary");
    refuse(|s| s.model.context = 1, "model.context");
    refuse(|s| s.model.feed_forward = 0, "model.feed_forward");
    refuse(|s| s.model.rope_base = f32::NAN.into(), "model.rope_base");
    refuse(|s| s.model.norm_epsilon = 0.0.into(), "model.norm_epsilon");
    refuse(|s| s.optimiser.peak_rate = f32::INFINITY.into(), "optimiser.peak_rate");
    refuse(|s| s.optimiser.floor_rate = 0.5.into(), "optimiser.floor_rate");
    refuse(|s| s.optimiser.beta1 = 1.0.into(), "optimiser.beta1");
    refuse(|s| s.optimiser.beta2 = (-0.1).into(), "optimiser.beta2");
    refuse(|s| s.optimiser.epsilon = 0.0.into(), "optimiser.epsilon");
    refuse(|s| s.optimiser.weight_decay = 2.0.into(), "optimiser.weight_decay");
    refuse(|s| s.optimiser.clip_norm = 0.0.into(), "optimiser.clip_norm");
    refuse(|s| s.rounds.count = 0, "rounds.count");
    refuse(|s| s.rounds.slots = 0, "rounds.slots");
    refuse(|s| s.rounds.slots = 257, "rounds.slots");
    refuse(|s| s.numerics_version = 0, "rounds.slots");
    refuse(|s| s.rounds.quorum = 0, "rounds.quorum");
    refuse(|s| s.rounds.quorum = 4, "rounds.quorum");
    refuse(|s| s.rounds.tries = 0, "rounds.tries");
    refuse(|s| s.rounds.tries = 17, "rounds.tries");
    refuse(|s| s.outer.rate = 0.0.into(), "outer.rate");
    refuse(|s| s.outer.momentum = 1.0.into(), "outer.momentum");
    refuse(|s| s.rounds.inner_steps = 0, "rounds.inner_steps");
    refuse(|s| s.rounds.segment_steps = 0, "rounds.segment_steps");
    refuse(|s| s.rounds.segment_steps = 7, "rounds.segment_steps");
    refuse(|s| s.rounds.batch = 0, "rounds.batch");
    // 2^14 samples of 2,048 tokens: 2^33 logits.
    refuse(|s| (s.rounds.batch, s.model.context) = (1 << 14, 2_048), "rounds.batch");
    refuse(|s| (s.rounds.batch, s.model.context) = (2, 1 << 15), "rounds.batch");
    refuse(|s| (s.rounds.batch, s.model.context) = (1 << 11, 128), "rounds.batch");
    refuse(|s| (s.rounds.batch, s.model.context) = (1 << 14, 8), "rounds.batch");
    refuse(|s| (s.rounds.slots, s.model.layers) = (256, 256), "rounds.slots");
    refuse(|s| s.audit.auditors = 65, "audit.auditors");
    refuse(|s| s.audit.attesters = 65, "audit.attesters");
    refuse(|s| s.audit.segments = 0, "audit.segments");
    refuse(|s| s.audit.segments = 3, "audit.segments");
    refuse(|s| (s.rounds.slots, s.rounds.quorum, s.numerics_version) = (1, 1, 0), "audit.auditors");
    refuse(|s| s.clocks.availability = 0, "clocks.availability");
    refuse(|s| s.clocks.aggregation = 0, "clocks.aggregation");
    refuse(|s| s.clocks.seals = 0, "clocks.seals");
    refuse(|s| s.clocks.leaves = 0, "clocks.leaves");
    refuse(|s| s.clocks.reveals = 0, "clocks.reveals");
    refuse(|s| s.clocks.dispute = 1_000_001, "clocks.dispute");
    refuse(|s| s.clocks.training = 0, "clocks.training");
    refuse(|s| s.clocks.window = 0, "clocks.window");
    refuse(|s| s.data.token_bytes = 3, "data.token_bytes");
    refuse(|s| s.model.vocabulary = 257, "data.token_bytes");
    refuse(|s| s.data.tokens = 65_536 + 128, "data.tokens");
    refuse(|s| s.data.heldout_tokens = u64::MAX, "data.tokens");
    refuse(|s| s.data.heldout_tokens = 128, "data.tokens");
}

/// Divergences name elements with 32 bits: the programs of every accepted specification have no more.
#[test]
fn the_largest_buffer_of_a_step_is_as_large_as_the_check_says() {
    use sabha_numerics::{
        op::Definition,
        program::{Program, StepProgram},
    };
    for (batch, context, heads) in [(8, 128, 4), (1, 512, 4), (2, 64, 64)] {
        let mut spec = spec();
        spec.rounds.batch = batch;
        spec.model.context = context;
        spec.model.heads = heads;
        spec.check().unwrap();
        let program = StepProgram {
            model: spec.model.shape(),
            optimiser: spec.optimiser.numerics(),
            rate: 1e-3,
            step: 1,
            stream: spec.data.tokens,
            offsets: alloc::vec![0; batch as usize],
        };
        let (instructions, _) = program.instructions();
        let largest = instructions.iter().map(|instruction| instruction.op.len()).max();
        assert_eq!(largest, Some(spec.largest_buffer()), "{batch} x {context}, {heads} heads");
    }
}

#[test]
fn an_initial_checkpoint_is_refused_with_the_remedy() {
    let spec = RunSpec { initial_checkpoint: Some(Digest([1; 32])), ..spec() };
    let error = spec.check().unwrap_err();
    assert_eq!(error, SpecError::InitialCheckpoint(Digest([1; 32])));
    let text = alloc::string::ToString::to_string(&error);
    assert!(text.contains("initial_checkpoint is 0101") && text.contains("leave it out"), "{text}");
}

#[test]
fn parameters_agree_with_their_count() {
    for tied_embedding in [false, true] {
        let model = ModelSpec { tied_embedding, ..spec().model };
        let listed: u64 = model.parameters().iter().map(Parameter::elements).sum();
        assert_eq!(listed, model.parameter_count());
    }
    assert_eq!(spec().model.parameter_count(), 857_216);
}

#[test]
fn the_hash_binds_every_field() {
    let base = spec().hash();
    let changes: [fn(&mut RunSpec); 13] = [
        |s| s.seed += 1,
        |s| s.price_per_slot += 1,
        |s| s.model.tied_embedding = true,
        |s| s.optimiser.beta1 = 0.91.into(),
        |s| s.data.stream = Digest([1; 32]),
        |s| s.clocks.window += 1,
        |s| s.initial_checkpoint = Some(Digest([0; 32])),
        |s| s.stake_per_slot += 1,
        |s| s.outer.rate = 0.8.into(),
        |s| s.rounds.quorum += 1,
        |s| s.rounds.aggregator_price += 1,
        |s| s.audit.auditor_stake += 1,
        |s| s.clocks.dispute += 1,
    ];
    for change in changes {
        let mut spec = spec();
        change(&mut spec);
        assert_ne!(spec.hash(), base);
    }
}

/// The hash is on chain for good: these bytes must never change.
#[test]
fn golden_hash() {
    assert_eq!(
        alloc::string::ToString::to_string(&spec().hash()),
        "e4ec79a399b943788d686c217a5701f2d00627e8c5d43a2d3743811591213273"
    );
}

#[test]
fn totals() {
    let spec = spec();
    // Three slots at 2.5, two auditors at 1.25, three attesters at 0.1, the aggregator at 0.5.
    assert_eq!(spec.round_cost(), 108 * crate::UNITS / 10);
    assert_eq!(spec.cost(), 8 * spec.round_cost());
    assert_eq!(spec.training_tokens(), 8 * 3 * 40 * 8 * 128);
    assert_eq!(spec.segments(), 4);
}

proptest! {
    /// Whatever bytes arrive: decoding, checking and every total are total functions.
    #[test]
    fn arbitrary_specs_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(spec) = RunSpec::decode(&mut &bytes[..]) {
            let _ = spec.check();
            let _ = (spec.hash(), spec.cost(), crate::economics::least_auditor_price(&spec), spec.training_tokens(), spec.segments(), spec.state_bytes());
            let _ = spec.schedule().rate(3);
            let _ = spec.model.parameter_count();
        }
    }
}

#[test]
fn rounds_of_one_slot_without_checks_are_allowed_for_the_yardstick() {
    let mut spec = spec();
    spec.numerics_version = 0;
    spec.rounds = RoundSpec::single(8, 40, 10, 8);
    spec.audit = AuditSpec::NONE;
    spec.clocks = ClockSpec::unaudited(60, 60);
    spec.outer = OuterSpec::MEAN;
    spec.check().unwrap();
    assert_eq!((spec.outer.rate.get(), spec.outer.momentum.get()), (1.0, 0.0));
}

/// Programs see the parameters that checkpoints hold, in the same order and of the same shapes.
#[test]
fn programs_have_the_parameters_of_the_specification() {
    for tied_embedding in [false, true] {
        let model = ModelSpec { tied_embedding, ..spec().model };
        let named = model.parameters();
        let shapes: Vec<_> = model.shape().parameters().collect();
        assert_eq!(named.len(), shapes.len());
        for (named, shape) in named.iter().zip(shapes) {
            assert_eq!(named.elements(), shape.elements(), "{}", named.name);
            assert_eq!(named.shape.len() == 2, shape.is_matrix(), "{}", named.name);
            assert_eq!(named.shape.last().copied().map(u64::from), Some(shape.columns), "{}", named.name);
        }
    }
}

//! Whether a runtime is as this release knows it: every name of [`super::names`], with its types.
//!
//! The same check runs against the committed `metadata.scale` (a test) and against a node (`doctor`).

mod datasets;

use super::{
    calls::{Call, WorkerChanges},
    dao::{BackerRecord, MetricRecord, ModelRecord, ProposalRecord},
    datasets::{DataClaim, DurationsRecord},
    error::ChainError,
    names::{Name, call, constant, event, storage, view},
    queries::{At, Dispute, Round, Slot},
    types::{AccountInfo, Device, RunRecord, WorkerRecord},
};
use crate::keys::AccountId;
use codec::Encode;
use sabha_protocol::{
    ActiveBlock, Balance, Commitment, Digest, Divergence, NUMERICS_YARDSTICK, Outcome, RoundKey, RunId,
    SlotSet, UNITS,
    audit::{Audits, Opening, Seat, SeatState},
    dispute::{
        Answer, Claim, Clocks, Game, Judgement, Member, Move, Opened, Side, Slice, Stage, StepEnds,
        record::{Phase as Progress, Risk, Shown, Target},
        shape::Node,
        stream::{StreamEvidence, WrongByte},
    },
    models::Licence,
    round::{Attester, Checkpoint, Checks, Duty, Fault, Phase, Reveal, SlotState, VoidReason},
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec, RunSpec},
};
use std::collections::BTreeSet;
use subxt::{
    client::{ClientAtBlock, OfflineClientAtBlockT},
    config::Config,
    dynamic::Value,
    ext::{scale_decode::DecodeAsType, scale_value::scale::decode_as_type},
    metadata::Metadata,
};

impl At {
    /// Checks that the block's runtime is as this release knows it.
    ///
    /// # Errors
    /// [`ChainError::Incompatible`] names the first item that is missing or of another type.
    pub fn check_compatible(&self) -> Result<(), ChainError> {
        check(self.block())
    }
}

/// Checks that a runtime is as this release knows it.
///
/// # Errors
/// [`ChainError::Incompatible`] names the first item that is missing or of another type.
pub fn check<T: Config, C: OfflineClientAtBlockT<T>>(block: &ClientAtBlock<T, C>) -> Result<(), ChainError> {
    let calls = sample_calls();
    debug_assert_eq!(
        calls.iter().map(|sample| sample.name).collect::<BTreeSet<_>>(),
        call::ALL.into_iter().collect(),
        "every call has a sample"
    );
    for sample in calls {
        sample.payload(block)?;
    }
    let metadata = block.metadata_ref();
    check_storage(metadata)?;
    for item in constant::ALL {
        let known = pallet(metadata, item)?.constant_by_name(item.item).ok_or_else(|| missing(item))?;
        match item {
            constant::MAX_ENDPOINT_LEN | constant::MAX_COUNT => reads::<u32>(metadata, item, known.ty())?,
            _ => reads::<Balance>(metadata, item, known.ty())?,
        }
    }
    check_views(metadata)?;
    for item in event::ALL {
        let known = pallet(metadata, item)?;
        let variants = known.event_variants().unwrap_or_default();
        let found = variants.iter().find(|variant| variant.name == item.item).ok_or_else(|| missing(item))?;
        let first = found.fields.first().ok_or_else(|| differs(item, "it has no fields"))?;
        reads::<RunId>(metadata, item, first.ty.id)?;
        let sample = match item {
            event::MOVED => (7u32, Side::Defender, Digest([1; 32]), 9u32).encode(),
            event::DECIDED => {
                let target = Target::Slot { slot: 3, generation: 1 };
                (7u32, 1u32, KEY, target, Side::Challenger, true).encode()
            }
            event::CLOSED => 7u32.encode(),
            _ => continue,
        };
        let fields: Vec<u32> = found.fields.iter().map(|field| field.ty.id).collect();
        encode_fields(metadata, item, &fields, &sample)?;
    }
    Ok(())
}

fn check_views(metadata: &Metadata) -> Result<(), ChainError> {
    for item in view::ALL {
        let known = pallet(metadata, item)?.view_function_by_name(item.item).ok_or_else(|| missing(item))?;
        let inputs: Vec<u32> = known.inputs().map(|input| input.id).collect();
        let arguments = match item {
            view::DUE
            | view::IS_DUE
            | view::ROUNDS_OF
            | view::IS_OVERTAKEN
            | view::MATCH_OF
            | view::CAN_SETTLE => {
                vec![7u32.encode()]
            }
            view::REFUND_OF => vec![7u32.encode(), [7u8; 32].encode()],
            view::LONGEST_FUNDING => vec![],
            view::SLOTS_OF => vec![7u32.encode(), KEY.encode()],
            _ => vec![[7u8; 32].encode()],
        };
        if inputs.len() != arguments.len() {
            return Err(differs(item, "it takes other arguments"));
        }
        for (input, sample) in inputs.iter().zip(&arguments) {
            encodes(metadata, item, *input, sample)?;
        }
        let output = known.output_ty();
        match item {
            view::WORKER_OF => reads::<Option<(AccountId, WorkerRecord)>>(metadata, item, output)?,
            view::WITHDRAWABLE_FROM => reads::<Option<ActiveBlock>>(metadata, item, output)?,
            view::DUTIES_OF => encodes(metadata, item, output, &sample_duties().encode())?,
            view::ROUNDS_OF => encodes(metadata, item, output, &sample_rounds().encode())?,
            view::SLOTS_OF => encodes(metadata, item, output, &sample_slots().encode())?,
            view::IS_OVERTAKEN | view::IS_DUE | view::CAN_SETTLE => {
                encodes(metadata, item, output, &true.encode())?
            }
            view::MATCH_OF | view::REFUND_OF => encodes(metadata, item, output, &UNITS.encode())?,
            view::SEATS_OF => {
                let claims: Vec<(u32, DataClaim)> =
                    datasets::claims().into_iter().map(|claim| (1, claim)).collect();
                encodes(metadata, item, output, &claims.encode())?;
            }
            view::MEMBERSHIPS => {
                let pools: Vec<_> = datasets::POOLS.iter().map(|pool| (*pool, 7u128, UNITS)).collect();
                encodes(metadata, item, output, &pools.encode())?;
            }
            _ => encodes(metadata, item, output, &1u32.encode())?,
        }
    }
    Ok(())
}

const KEY: RoundKey = RoundKey { round: 2, attempt: 1 };
const CHECKPOINT: Checkpoint = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };
const DIVERGENCE: Divergence = Divergence { step: 1, instruction: 2, element: 3 };

fn account() -> AccountId {
    AccountId::from([7; 32])
}

fn trained() -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([1; 32]),
        update_digest: Digest([2; 32]),
        mean_loss: 1.5.into(),
    })
}

/// One of each.
fn sample_duties() -> Vec<Duty> {
    let (run, round, place, slot, generation, until) = (1, KEY, 2, 3, 4, 5);
    let (slots, segments) = (SlotSet([3; 32]), vec![1, 4]);
    let base = Some(CHECKPOINT);
    vec![
        Duty::Train { run, round, slot, generation, base, until },
        Duty::Train { run, round, slot, generation, base: None, until },
        Duty::Attest { run, round, place, slots, until },
        Duty::Aggregate { run, round, base, accepted: slots, until },
        Duty::Audit { run, round, place, slot, generation, base, segments: segments.clone(), until },
        Duty::Publish { run, round, slot, segments, until },
        Duty::Reveal { run, round, place, until },
    ]
}

/// Every phase, and every state of the audits.
fn sample_rounds() -> Vec<Round> {
    let until = 9;
    let phases = [
        Phase::Training { until },
        Phase::Availability { panel: 1, tried: 2, seated: 3, reports: 4, until },
        Phase::Aggregating { turn: 1, aggregator: Some(account()), until },
        Phase::Window { until },
        Phase::Final,
        Phase::Voided,
    ];
    let audits = [
        Audits::NotYet,
        Audits::Waiting { frozen: 1 },
        Audits::Seating { frozen: 1, tried: 2 },
        Audits::Sealing { until },
        Audits::Publishing { until },
        Audits::Revealing { until },
        Audits::Done,
    ];
    let round = |phase: Phase<AccountId>, audits| Round {
        key: KEY,
        frozen: 3,
        base: Some(CHECKPOINT),
        phase,
        void: Some(VoidReason::Stopped),
        open: SlotSet([1; 32]),
        committed: SlotSet([2; 32]),
        diverged: SlotSet([3; 32]),
        faulty: SlotSet([4; 32]),
        accepted: SlotSet([5; 32]),
        result: Some((CHECKPOINT, account())),
        owes_aggregator: true,
        audits,
        audit_word: Some([6; 32]),
        unanswered: SlotSet([7; 32]),
        seats: 1,
        sealed: 2,
        answered: 3,
        disagreements: 4,
        challenges: 6,
        root_challenges: 7,
        root_lapses: 8,
        extended: true,
        unsettled: 5,
    };
    let of_phases = phases.iter().map(|phase| round(*phase, Audits::Done));
    let of_audits = audits.iter().map(|audits| round(Phase::Final, *audits));
    of_phases.chain(of_audits).collect()
}

/// Every state.
fn sample_slots() -> Vec<(u16, Slot)> {
    let checks = Checks { answer: Some(Digest([1; 32])), fault: Some(Fault::Undecided), ..Checks::default() };
    let worker = account();
    let states = [
        SlotState::Vacant,
        SlotState::Assigned { worker, until: 8 },
        SlotState::Committed { worker, outcome: trained() },
        SlotState::Committed { worker, outcome: Outcome::Diverged(DIVERGENCE) },
        SlotState::Lost,
    ];
    states.into_iter().map(|state| (3, Slot { generation: 4, state, checks })).collect()
}

/// Every state.
fn sample_seats() -> Vec<Seat<AccountId>> {
    let states = [
        SeatState::Drawn,
        SeatState::Sealed(Digest([1; 32])),
        SeatState::Agreed { unserved: true },
        SeatState::Differed { unserved: false },
        SeatState::Unanswered,
        SeatState::Wrong,
    ];
    states.into_iter().map(|state| Seat { auditor: account(), slot: 3, generation: 4, state }).collect()
}

const NODE: Node = Node { height: 1, index: 2 };

fn member() -> Member {
    Member { digest: Digest([1; 32]), path: vec![Digest([2; 32])].try_into().unwrap_or_default() }
}

/// Every answer.
fn sample_answers() -> Vec<Answer> {
    let row = || vec![Digest([3; 32])].try_into().unwrap_or_default();
    let path = || vec![Digest([4; 32])].try_into().unwrap_or_default();
    let bytes = vec![5].try_into().unwrap_or_default();
    vec![
        Answer::Ends { first: Some(member()), last: None, top: row() },
        Answer::Trace { top: row() },
        Answer::Nodes { row: row(), path: path() },
        Answer::Chunk { bytes, path: path() },
    ]
}

fn slice() -> Slice {
    Slice {
        first: 1,
        bytes: vec![2].try_into().unwrap_or_default(),
        path: vec![Digest([3; 32])].try_into().unwrap_or_default(),
    }
}

fn wrong_byte() -> StreamEvidence {
    let (theirs, ours) = (slice(), slice());
    StreamEvidence::Byte(WrongByte { source: 1, shard: 2, member: member(), at: 3, theirs, ours })
}

fn judgement() -> Judgement {
    let opened = || Opened { member: Some(member()), slice: slice() };
    let input = sabha_protocol::dispute::Input { input: 1, opened: opened() };
    let inputs = vec![input].try_into().unwrap_or_default();
    Judgement { instruction: 1, element: 2, output: Some(opened()), inputs }
}

/// Every move.
fn sample_moves() -> Vec<Move> {
    let path = vec![Digest([4; 32])].try_into().unwrap_or_default();
    vec![
        Move::AskPosted(NODE),
        Move::AskEnd(NODE),
        Move::AskBuffer { instruction: 1, member: Some(member()), node: NODE },
        Move::NameSegment { segment: 1, first: member(), last: member() },
        Move::NameStep { step: 1, ends: StepEnds { from: Some(member()), to: None } },
        Move::NameBegin { to: member() },
        Move::JudgeHeader { bytes: vec![1].try_into().unwrap_or_default(), path },
        Move::Judge(judgement()),
    ]
}

const CLAIMS: [Claim; 6] =
    [Claim::Begin, Claim::Segment(1), Claim::Slot, Claim::Finish, Claim::Divergence, Claim::Aggregate];

fn game(claim: Claim) -> Game {
    let clocks = Clocks { challenger: 1, defender: 2, since: 3 };
    let stage = Stage::Leaves { asked: Some(NODE) };
    Game { claim, stage, position: Digest([1; 32]), moves: 2, questions: 3, clocks }
}

/// Every phase, risk and target.
fn sample_disputes() -> Vec<Dispute> {
    let target = Target::Slot { slot: 1, generation: 2 };
    let dispute = |target, risk, stage| Dispute {
        run: 1,
        round: KEY,
        target,
        challenger: account(),
        defender: account(),
        risk,
        stage,
    };
    let mut all = vec![
        dispute(target, Risk::Seat(1), Progress::Naming { until: 3 }),
        dispute(Target::Aggregation, Risk::Bond(UNITS), Progress::Playing(game(Claim::Aggregate))),
    ];
    all.extend(CLAIMS.map(|claim| dispute(target, Risk::Bond(UNITS), Progress::Playing(game(claim)))));
    all
}

fn check_storage(metadata: &Metadata) -> Result<(), ChainError> {
    let attester = Attester { worker: account(), panel: 1, report: Some(SlotSet([1; 32])) };
    for (item, keys) in storage::ALL {
        let known = pallet(metadata, item)?
            .storage()
            .and_then(|storage| storage.entry_by_name(item.item))
            .ok_or_else(|| missing(item))?;
        if known.keys().len() != keys {
            return Err(differs(item, "it has another number of keys"));
        }
        let ty = known.value_ty();
        match item {
            storage::WORKERS => reads::<WorkerRecord>(metadata, item, ty)?,
            storage::RUNS => reads::<RunRecord>(metadata, item, ty)?,
            storage::PROPOSALS => reads::<ProposalRecord>(metadata, item, ty)?,
            storage::BACKERS => reads::<BackerRecord>(metadata, item, ty)?,
            storage::MODELS => reads_from::<ModelRecord>(metadata, item, ty, 4)?,
            storage::METRICS => reads_from::<Vec<MetricRecord>>(metadata, item, ty, 4)?,
            storage::ACCRUED => encodes(metadata, item, ty, &UNITS.encode())?,
            storage::ACCOUNT => reads::<AccountInfo>(metadata, item, ty)?,
            storage::SPECS => encodes(metadata, item, ty, &sample_spec().encode())?,
            storage::ATTESTERS => encodes(metadata, item, ty, &attester.encode())?,
            storage::SEATS => {
                for seat in sample_seats() {
                    encodes(metadata, item, ty, &seat.encode())?;
                }
            }
            storage::GAMES => {
                for dispute in sample_disputes() {
                    encodes(metadata, item, ty, &dispute.encode())?;
                }
            }
            storage::SHOWN => {
                for answer in sample_answers() {
                    let before = game(Claim::Slot);
                    encodes(metadata, item, ty, &Shown { before, answer }.encode())?;
                }
            }
            storage::DATASETS => {
                for dataset in datasets::datasets() {
                    encodes(metadata, item, ty, &dataset.encode())?;
                }
            }
            storage::DATA_CLAIMS => {
                for claim in datasets::claims() {
                    encodes(metadata, item, ty, &claim.encode())?;
                }
            }
            storage::ACCEPTED_ROOTS => encodes(metadata, item, ty, &datasets::accepted().encode())?,
            storage::CLAIM_SHARDS => encodes(metadata, item, ty, &vec![Digest([1; 32])].encode())?,
            storage::CLAIM_LOCATORS | storage::LICENCES => encodes(metadata, item, ty, &vec!["x"].encode())?,
            storage::CURATORS => {
                for curator in datasets::curators() {
                    encodes(metadata, item, ty, &curator.encode())?;
                }
            }
            storage::PAYOUTS => reads::<(AccountId, Value<()>)>(metadata, item, ty)?,
            storage::WORDS => encodes(metadata, item, ty, &vec![(1u32, [2u8; 32])].encode())?,
            storage::DURATIONS => reads::<DurationsRecord>(metadata, item, ty)?,
            storage::NOW => encodes(metadata, item, ty, &1u64.encode())?,
            _ => encodes(metadata, item, ty, &1u32.encode())?,
        }
    }
    Ok(())
}

fn pallet(metadata: &Metadata, item: Name) -> Result<subxt::metadata::PalletMetadata<'_>, ChainError> {
    metadata.pallet_by_name(item.pallet).ok_or_else(|| missing(item))
}

/// Whether `bytes` are exactly one value of a type: the same definition on both sides.
fn encodes(metadata: &Metadata, item: Name, ty: u32, bytes: &[u8]) -> Result<(), ChainError> {
    let mut left = bytes;
    let value: Result<Value<u32>, _> = decode_as_type(&mut left, ty, metadata.types());
    match value {
        Ok(_) if left.is_empty() => Ok(()),
        Ok(_) => Err(differs(item, "it is shorter than this release knows it")),
        Err(error) => Err(differs(item, &error.to_string())),
    }
}

/// Whether an event's fields, one after another, are this long and of these kinds.
fn encode_fields(metadata: &Metadata, item: Name, fields: &[u32], bytes: &[u8]) -> Result<(), ChainError> {
    let mut left = bytes;
    for field in fields {
        let value: Result<Value<u32>, _> = decode_as_type(&mut left, *field, metadata.types());
        value.map_err(|error| differs(item, &error.to_string()))?;
    }
    if left.is_empty() { Ok(()) } else { Err(differs(item, "it has fewer fields than this release knows")) }
}

/// Whether a value of a type reads as `T`, field by field: tried with zeros, with one in front, and with ones, which every type here
/// has values of; the latter two make optional values present.
fn reads<T: DecodeAsType>(metadata: &Metadata, item: Name, ty: u32) -> Result<(), ChainError> {
    reads_from::<T>(metadata, item, ty, 1)
}

/// The same for a type that begins with a list: one item is there where `one` is 4.
fn reads_from<T: DecodeAsType>(metadata: &Metadata, item: Name, ty: u32, one: u8) -> Result<(), ChainError> {
    for (first, rest) in [(0u8, 0u8), (one, 0), (1, 1)] {
        let mut bytes = [rest; 16_384];
        bytes[0] = first;
        T::decode_as_type(&mut bytes.as_slice(), ty, metadata.types())
            .map_err(|error| differs(item, &error.to_string()))?;
    }
    Ok(())
}

fn missing(item: Name) -> ChainError {
    differs(item, "the runtime has none")
}

fn differs(item: Name, reason: &str) -> ChainError {
    ChainError::Incompatible { what: item.to_string(), reason: reason.into() }
}

/// Every call, with arguments that have all variants and optional parts.
fn sample_calls() -> Vec<Call> {
    let account = account();
    let opening = Opening { leaf: Digest([1; 32]), path: vec![Digest([2; 32]), Digest([3; 32])] };
    let reveal = Reveal { answer: Digest([1; 32]), salt: [2; 32], unserved: true };
    let spec = sample_spec();
    let with_checkpoint = RunSpec { initial_checkpoint: Some(Digest([3; 32])), ..spec.clone() };
    let target = Target::Slot { slot: 3, generation: 4 };
    let mut all = vec![
        Call::register(account, account, Device::Cpu, 1, "", 100 * UNITS),
        Call::register(account, account, Device::Cuda, 2, "tcp://192.0.2.1:9", UNITS),
        Call::update_worker(&WorkerChanges::default()),
        Call::update_worker(&WorkerChanges {
            hot_key: Some(account),
            payout: Some(account),
            device: Some(Device::Cuda),
            capacity: Some(2),
            endpoint: Some("x".into()),
        }),
        Call::add_stake(UNITS),
        Call::ready(),
        Call::drain(),
        Call::unbond(),
        Call::withdraw(),
        Call::propose("A model", Licence::Apache2, None, &spec, UNITS, 9),
        Call::propose("A fork", Licence::CcBySa4, Some(3), &with_checkpoint, UNITS, 9),
        Call::pledge(1, UNITS),
        Call::withdraw_pledge(1, UNITS),
        Call::settle(1, 128),
        Call::cancel(1),
        Call::refund(1, account),
        Call::remove(1),
        Call::stop_idle(1),
        Call::register_model(1),
        Call::pay(1, UNITS),
        Call::distribute(1),
        Call::poke(1),
        Call::commit(1, KEY, 3, 4, trained()),
        Call::commit(1, KEY, 3, 4, Outcome::Diverged(DIVERGENCE)),
        Call::report(1, KEY, 2, SlotSet([5; 32])),
        Call::post_root(1, KEY, CHECKPOINT),
        Call::seal(1, KEY, 2, Digest([4; 32])),
        Call::publish(1, KEY, 3, &[opening.clone(), opening]),
        Call::reveal(1, KEY, 2, &reveal),
        Call::challenge(1, KEY, Target::Aggregation, Claim::Aggregate),
        Call::time_out(5),
        Call::close(5),
        Call::refute_stream(1, &StreamEvidence::Sum),
        Call::refute_stream(1, &StreamEvidence::Length { bytes: 2, last: slice() }),
        Call::refute_stream(1, &wrong_byte()),
        Call::transfer(account, UNITS),
    ];
    all.extend(datasets::calls());
    all.extend(CLAIMS.map(|claim| Call::challenge(1, KEY, target, claim)));
    all.extend(CLAIMS.map(|claim| Call::name_claim(5, claim)));
    all.extend(sample_answers().iter().map(|answer| Call::answer(5, Digest([6; 32]), answer)));
    all.extend(sample_moves().iter().map(|made| Call::press(5, Digest([6; 32]), made)));
    all
}

/// A specification that is valid and tiny: an argument to check calls with, and what `doctor` trains.
pub fn sample_spec() -> RunSpec {
    RunSpec {
        numerics_version: NUMERICS_YARDSTICK,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: 1,
        stake_per_slot: 0,
        model: ModelSpec {
            vocabulary: 16,
            width: 16,
            layers: 1,
            heads: 2,
            feed_forward: 32,
            context: 8,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 0.01.into(),
            floor_rate: 0.001.into(),
            warmup_steps: 0,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OuterSpec::MEAN,
        data: DataSpec {
            stream: Digest([0; 32]),
            tokens: 64,
            token_bytes: 1,
            heldout_tokens: 16,
            sources: Default::default(),
        },
        rounds: RoundSpec::single(1, 2, 1, 4),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use subxt::{
        OfflineClient, SubstrateConfig, client::OfflineClientAtBlock, config::substrate::SpecVersionForRange,
    };

    const COMMITTED: &[u8] = include_bytes!("../../metadata.scale");

    fn block(metadata: &[u8]) -> OfflineClientAtBlock<SubstrateConfig> {
        let metadata = Metadata::decode_from(metadata).unwrap();
        let config = SubstrateConfig::builder()
            .set_metadata_for_spec_versions([(1, metadata.arc())])
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version: 1,
                transaction_version: 1,
            }])
            .build();
        OfflineClient::new_with_config(config).at_block(1u64).unwrap()
    }

    #[test]
    fn the_committed_metadata_is_as_this_release_knows_it() {
        check(&block(COMMITTED)).unwrap();
    }

    #[test]
    fn the_sample_specification_is_valid() {
        sample_spec().check().unwrap();
    }

    #[test]
    fn whatever_is_renamed_is_missed() {
        for (from, to) in [
            ("withdraw", "withdrew"),
            ("ActiveBlocks", "ActiveBlocky"),
            ("ExistentialDeposit", "ExistentialDepozit"),
            ("withdrawable_from", "withdrawable_form"),
            ("Proposed", "Propozed"),
            ("granted", "grantet"),
            ("can_settle", "man_settle"),
            ("duties_of", "dutees_of"),
            ("regained", "regainad"),
            ("finalised", "finalized"),
            ("attesting", "attestink"),
            ("post_root", "past_root"),
            ("seats_of", "saets_of"),
            ("reveal_claim", "reveel_claim"),
            ("AppealBond", "AppealBand"),
        ] {
            let mut bytes = COMMITTED.to_vec();
            // Each name with the length that SCALE puts before it, so that no longer name is hit.
            let pattern = [&[(from.len() as u8) << 2], from.as_bytes()].concat();
            let mut found = 0;
            for start in 0..bytes.len() - pattern.len() {
                if bytes[start..].starts_with(&pattern) {
                    bytes[start + 1..start + pattern.len()].copy_from_slice(to.as_bytes());
                    found += 1;
                }
            }
            assert!(found > 0, "{from} is not in the metadata");
            let error = check(&block(&bytes)).unwrap_err();
            assert!(matches!(error, ChainError::Incompatible { .. }), "{from}: {error}");
        }
    }
}

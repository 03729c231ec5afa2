//! A run and its workers, as the tests of other parts need them, and their life on the whole chain.

use super::chain::{Chain, sign};
use crate::{
    Balances, Runtime, RuntimeCall, Timing, Training, UNITS,
    constants::{bonds, currency::EXISTENTIAL_DEPOSIT},
};
use pallet_sabha_training::{Call, Device, RunStatus, Runs};
use sabha_protocol::{
    Commitment, Digest, Outcome, RoundKey, RunId, RunSpec, SlotIndex,
    audit::{Opening, answer, seal},
    defaults::{AUDIT, CLOCKS, OUTER, rounds},
    round::{Checkpoint, Duty, Progress, Terms},
    segments_root,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, RoundSpec},
};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};

/// What a slot of [`spec`] pays.
const PRICE: u128 = UNITS;

/// A small run of two rounds: one slot, one auditor, one attester.
pub fn spec(window: u32) -> RunSpec {
    RunSpec {
        numerics_version: sabha_protocol::NUMERICS_EXACT,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE,
        stake_per_slot: 20 * UNITS,
        model: ModelSpec {
            vocabulary: 256,
            width: 64,
            layers: 2,
            heads: 2,
            feed_forward: 128,
            context: 64,
            rope_base: 10_000.0.into(),
            norm_epsilon: 1e-5.into(),
            tied_embedding: true,
        },
        optimiser: OptimiserSpec {
            peak_rate: 1e-3.into(),
            floor_rate: 1e-4.into(),
            warmup_steps: 10,
            inner_warmup_steps: 0,
            beta1: 0.9.into(),
            beta2: 0.95.into(),
            epsilon: 1e-8.into(),
            weight_decay: 0.1.into(),
            clip_norm: 1.0.into(),
        },
        outer: OUTER,
        data: DataSpec {
            stream: Digest::of(b"a stream"),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: Default::default(),
        },
        rounds: RoundSpec { slots: 1, quorum: 1, ..rounds(2, 40, 10, 4) },
        audit: AuditSpec { auditors: 1, attesters: 1, auditor_price: PRICE / 2, ..AUDIT },
        clocks: ClockSpec { window, ..CLOCKS },
    }
}

/// The least budget of a run.
pub fn budget(spec: &RunSpec) -> u128 {
    Progress::least_budget(&Terms::new(0, spec))
}

/// A run that `owner` pays for alone, as no call can make one.
pub fn create(chain: &mut Chain, owner: Sr25519Keyring) -> RunId {
    let window = chain.with(|| Timing::durations().window);
    let spec = spec(window);
    let budget = budget(&spec);
    chain.with(|| Training::create_run(&owner.to_account_id(), spec, budget)).expect("it can be created")
}

fn record(chain: &mut Chain, run: RunId) -> pallet_sabha_training::RunOf<Runtime> {
    chain.with(|| Runs::<Runtime>::get(run).expect("the run exists"))
}

/// Whether the run is paused.
pub fn is_paused(chain: &mut Chain, run: RunId) -> bool {
    record(chain, run).pause().is_some()
}

/// `owner`'s worker with `hot_key`, paid to `payout`, registered and ready.
fn worker(chain: &mut Chain, owner: Sr25519Keyring, hot_key: Sr25519Keyring, payout: Sr25519Keyring) {
    chain.submit(
        owner,
        Call::register {
            hot_key: hot_key.to_account_id(),
            payout: payout.to_account_id(),
            device: Device::Cpu,
            capacity: 1,
            endpoint: Default::default(),
            stake: bonds::WORKER,
        },
    );
    chain.submit(hot_key, Call::ready {});
}

/// The state roots of a slot.
pub fn roots(round: RoundKey, slot: SlotIndex) -> Vec<Digest> {
    (0..5u8).map(|leaf| Digest::of(&[leaf, round.round as u8, slot as u8])).collect()
}

/// What a slot is trained to.
pub fn outcome(round: RoundKey, slot: SlotIndex) -> Outcome {
    let roots = roots(round, slot);
    Outcome::Trained(Commitment {
        segments_root: segments_root(&roots),
        update_digest: Digest::of(&round.round.to_le_bytes()),
        mean_loss: 3.0.into(),
    })
}

/// What an auditor of the slot answers.
fn truth(run: RunId, round: RoundKey, place: u16) -> Digest {
    let seat = pallet_sabha_training::Seats::<Runtime>::get((run, round, place)).expect("the seat is there");
    let spec = pallet_sabha_training::Specs::<Runtime>::get(run).expect("it is open");
    let record = pallet_sabha_training::Rounds::<Runtime>::get(run, round).expect("it is there");
    let roots = roots(round, seat.slot);
    let segments = record.audited_segments(&Terms::new(run, &spec), seat.slot);
    answer::of_roots(&segments.iter().map(|segment| roots[*segment as usize + 1]).collect::<Vec<_>>())
}

/// The call that does a duty of `owner`'s worker.
pub fn call_for(owner: Sr25519Keyring, duty: Duty) -> Call<Runtime> {
    let salt = [7; 32];
    match duty {
        Duty::Train { run, round, slot, generation, .. } => {
            Call::commit { run, round, slot, generation, outcome: outcome(round, slot) }
        }
        Duty::Attest { run, round, place, slots, .. } => Call::report { run, round, place, got: slots },
        Duty::Aggregate { run, round, .. } => {
            let digest = Digest::of(&round.round.to_le_bytes());
            Call::post_root { run, round, checkpoint: Checkpoint { root: digest, blob: digest } }
        }
        Duty::Audit { run, round, place, .. } => {
            let seal = seal(&truth(run, round, place), &salt, &owner.to_account_id());
            Call::seal { run, round, place, seal }
        }
        Duty::Publish { run, round, slot, segments, .. } => {
            let roots = roots(round, slot);
            let open = |segment: &u32| Opening::of(&roots, segment + 1).expect("there is such a leaf");
            let leaves = segments.iter().map(open).collect::<Vec<_>>().try_into().expect("few");
            Call::publish { run, round, slot, leaves }
        }
        Duty::Reveal { run, round, place, .. } => {
            Call::reveal { run, round, place, answer: truth(run, round, place), salt, unserved: false }
        }
    }
}

/// A block in which each of the workers does one of its duties. Nothing else moves the run on but the hook.
fn duties(chain: &mut Chain, workers: &[(Sr25519Keyring, Sr25519Keyring)]) {
    let transactions = chain.with(|| {
        let duty = |(owner, hot_key): &(Sr25519Keyring, Sr25519Keyring)| {
            let duty = Training::duties_of(hot_key.to_account_id()).into_iter().next()?;
            Some(sign(*hot_key, RuntimeCall::Training(call_for(*owner, duty))))
        };
        workers.iter().filter_map(duty).collect::<Vec<_>>()
    });
    let (_, results) = chain.produce(transactions);
    // The block of a session's change takes no transactions.
    assert!(results.iter().all(|result| matches!(result, Ok(Ok(())) | Err(_))), "{results:?}");
}

#[test]
fn a_run_is_trained_audited_and_paid() {
    let mut chain = Chain::development();
    worker(&mut chain, Bob, Eve, Ferdie);
    worker(&mut chain, Dave, Dave, Dave);
    worker(&mut chain, Charlie, Charlie, Charlie);
    assert_eq!(chain.with(|| Balances::reserved_balance(Bob.to_account_id())), bonds::WORKER);
    let pot = chain.with(Training::account_id);
    let run = create(&mut chain, Alice);
    let spec = spec(60);
    assert_eq!(chain.with(|| Balances::free_balance(&pot)), EXISTENTIAL_DEPOSIT + budget(&spec));

    let free =
        |chain: &mut Chain, who: Sr25519Keyring| chain.with(|| Balances::free_balance(who.to_account_id()));
    let workers = [(Bob, Eve), (Dave, Dave), (Charlie, Charlie)];
    let hot_before = free(&mut chain, Eve);
    let paid_to = [Ferdie, Dave, Charlie];
    let before: u128 = paid_to.map(|who| free(&mut chain, who)).iter().sum();
    for _ in 0..500 {
        if record(&mut chain, run).status != RunStatus::Open {
            break;
        }
        duties(&mut chain, &workers);
    }
    let done = record(&mut chain, run);
    assert_eq!((done.status, done.progress.finalised), (RunStatus::Completed, 2), "{done:#?}");
    assert_eq!(done.paid, 2 * spec.round_cost());
    let after: u128 = paid_to.map(|who| free(&mut chain, who)).iter().sum();
    assert_eq!(after, before + 2 * spec.round_cost(), "to the unit: accepted calls cost nothing");
    assert_eq!(free(&mut chain, Eve), hot_before);
    assert_eq!(chain.with(|| Balances::free_balance(&pot)), EXISTENTIAL_DEPOSIT);
    chain.check();
}

#[test]
fn each_session_has_its_own_word_and_old_ones_are_forgotten() {
    let mut chain = Chain::development();
    chain.run(9 * 20);
    chain.with(|| {
        let words = pallet_sabha_training::Words::<Runtime>::get();
        let sessions: Vec<u32> = words.iter().map(|(session, _)| *session).collect();
        let current = crate::Session::current_index();
        let kept = sabha_protocol::defaults::RETAINED;
        assert_eq!(sessions, (current + 1 - kept..=current).collect::<Vec<_>>());
        let different: std::collections::BTreeSet<_> = words.iter().map(|(_, word)| *word).collect();
        assert_eq!(different.len(), words.len());
    });
    chain.check();
}

#[test]
fn the_protocols_defaults_are_accepted_on_a_development_chain_and_with_its_own_clocks_on_every_chain() {
    use pallet_sabha_timing::{CurrentDurations, Durations};

    let mut chain = Chain::development();
    let durations = chain.with(Timing::durations);
    assert_eq!(durations, Durations::development());
    assert_eq!(durations.window, CLOCKS.window);
    create(&mut chain, Charlie);
    for durations in [Durations::development(), Durations::local_testnet(), Durations::live()] {
        let Durations { availability: fetch, audit_seals: seals, window, chess_clock, .. } = durations;
        let clocks = ClockSpec {
            training: fetch,
            availability: fetch,
            aggregation: fetch,
            seals,
            leaves: fetch,
            reveals: fetch,
            dispute: 2 * chess_clock,
            window,
        };
        let defaults = RunSpec {
            price_per_slot: sabha_protocol::defaults::PRICE_PER_SLOT,
            stake_per_slot: sabha_protocol::defaults::STAKE_PER_SLOT,
            // Twenty segments, as the defaults are meant for.
            rounds: rounds(2, 40, 2, 4),
            audit: AUDIT,
            clocks,
            ..spec(window)
        };
        chain.with(|| {
            let kept = CurrentDurations::<Runtime>::get();
            CurrentDurations::<Runtime>::put(durations);
            let budget = budget(&defaults);
            let owner = Charlie.to_account_id();
            Training::create_run(&owner, defaults.clone(), budget).expect("it is accepted");
            // With less time than that it is not: these are the least clocks.
            for shorten in [
                (|clocks: &mut ClockSpec| clocks.seals -= 1) as fn(&mut ClockSpec),
                |clocks| clocks.dispute -= 1,
                |clocks| clocks.window -= 1,
            ] {
                let mut short = defaults.clone();
                shorten(&mut short.clocks);
                Training::create_run(&owner, short, budget).expect_err("it is too short");
            }
            CurrentDurations::<Runtime>::put(kept);
        });
    }
    chain.check();
}

/// Cheat: replay a commitment that was signed for another chain.
#[test]
fn a_commitment_that_was_signed_for_another_chain_is_refused() {
    use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};

    let mut chain = Chain::development();
    worker(&mut chain, Bob, Eve, Ferdie);
    worker(&mut chain, Dave, Dave, Dave);
    let run = create(&mut chain, Alice);
    let mut duty = None;
    for _ in 0..200 {
        chain.run(1);
        duty = [(Bob, Eve), (Dave, Dave)].into_iter().find_map(|(owner, hot_key)| {
            let duties = chain.with(|| Training::duties_of(hot_key.to_account_id()));
            let train = duties.into_iter().find(|duty| matches!(duty, Duty::Train { .. }))?;
            Some((hot_key, call_for(owner, train)))
        });
        if duty.is_some() {
            break;
        }
    }
    let (hot_key, call) = duty.expect("somebody trains");
    // Another chain with the same runtime, run, worker and nonce: only its genesis is another.
    let foreign = chain.with(|| {
        let genesis = crate::System::block_hash(0);
        frame_system::BlockHash::<Runtime>::insert(0, crate::Hash::repeat_byte(7));
        let transaction = sign(hot_key, call.clone().into());
        frame_system::BlockHash::<Runtime>::insert(0, genesis);
        transaction
    });
    let (_, results) = chain.produce(vec![foreign]);
    assert_eq!(results, [Err(TransactionValidityError::Invalid(InvalidTransaction::BadProof))]);
    let key = RoundKey { round: 0, attempt: 0 };
    let committed = |chain: &mut Chain| {
        chain.with(|| {
            let slot = pallet_sabha_training::Slots::<Runtime>::get((run, key, 0)).expect("it is there");
            slot.outcome().is_some()
        })
    };
    assert!(!committed(&mut chain));
    chain.submit(hot_key, call);
    assert!(committed(&mut chain), "the same call, signed for this chain, is accepted");
    chain.check();
}

#[test]
fn a_poke_that_does_nothing_is_paid_for() {
    let mut chain = Chain::development();
    let before = chain.with(|| Balances::free_balance(Dave.to_account_id()));
    let result = chain.try_submit(Dave, Call::poke { run: 7 });
    assert!(result.expect("it is included").is_err());
    assert!(chain.with(|| Balances::free_balance(Dave.to_account_id())) < before);
    chain.check();
}

#[test]
fn a_vote_does_not_shield_a_stake() {
    use frame_support::traits::fungible::{Inspect, InspectHold, hold::Balanced};
    use pallet_conviction_voting::{AccountVote, Conviction, Vote};

    let mut chain = Chain::development();
    worker(&mut chain, Bob, Eve, Ferdie);
    let run = create(&mut chain, Charlie);
    let call: crate::RuntimeCall = Call::pause_run { run }.into();
    let bytes = codec::Encode::encode(&call);
    let proposal = frame_support::traits::Bounded::Inline(bytes.try_into().expect("short"));
    chain.submit(
        Alice,
        pallet_referenda::Call::submit {
            proposal_origin: Box::new(pallet_sabha_origins::Origin::ComputeAllocator.into()),
            proposal,
            enactment_moment: frame_support::traits::schedule::DispatchTime::After(0),
        },
    );
    // Bob locks all that he has, the stake included, for as long as possible.
    let all = chain.with(|| Balances::total_balance(&Bob.to_account_id()));
    let vote = AccountVote::Standard {
        vote: Vote { aye: true, conviction: Conviction::Locked6x },
        balance: all - UNITS,
    };
    chain.submit(Bob, pallet_conviction_voting::Call::vote { poll_index: 0, vote });
    chain.with(|| {
        let reason = pallet_sabha_training::HoldReason::WorkerStake.into();
        assert_eq!(Balances::balance_on_hold(&reason, &Bob.to_account_id()), bonds::WORKER);
        let (slashed, missing) =
            <Balances as Balanced<_>>::slash(&reason, &Bob.to_account_id(), bonds::WORKER);
        assert_eq!(missing, 0, "a stake can be taken whatever else is locked");
        assert_eq!(frame_support::traits::Imbalance::peek(&slashed), bonds::WORKER);
    });
}

#[test]
fn an_allocator_can_stop_a_run_and_the_budget_returns() {
    let mut chain = Chain::development();
    let run = create(&mut chain, Charlie);
    let before = chain.with(|| Balances::free_balance(Charlie.to_account_id()));
    chain.with(|| {
        let origin = pallet_sabha_origins::Origin::ComputeAllocator;
        Training::stop_run(origin.into(), run).expect("the track may");
    });
    chain.run(1);
    assert_eq!(record(&mut chain, run).status, RunStatus::Stopped);
    let back = budget(&spec(60));
    assert_eq!(chain.with(|| Balances::free_balance(Charlie.to_account_id())), before + back);
    chain.check();
}

#[test]
fn create_run_with_clocks_out_of_the_chains_bounds_fails() {
    use pallet_sabha_training::Error;

    let mut chain = Chain::development();
    let durations = chain.with(Timing::durations);
    let (window, longest) = (durations.window, 4 * durations.window);
    let mut attempt = |training, window| {
        let mut spec = spec(window);
        spec.clocks.training = training;
        let budget = budget(&spec);
        chain.with(|| Training::create_run(&Charlie.to_account_id(), spec, budget)).map(drop)
    };
    assert_eq!(
        attempt(durations.availability - 1, window),
        Err(Error::<Runtime>::TrainingTooShort.into()),
        "no worker could commit in time"
    );
    assert_eq!(attempt(longest + 1, window), Err(Error::<Runtime>::ClockTooLong.into()));
    assert_eq!(attempt(20, longest + 1), Err(Error::<Runtime>::ClockTooLong.into()));
    assert_eq!(attempt(durations.availability, window), Ok(()));
    assert_eq!(attempt(longest, longest), Ok(()));
    // The demo's.
    assert_eq!(attempt(200, 60), Ok(()));
    chain.check();
}

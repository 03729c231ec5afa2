//! A run and a worker, as the tests of other parts need them, and their life on the whole chain.

use super::chain::Chain;
use crate::{
    Balances, RuntimeEvent, Timing, Training, UNITS,
    constants::{bonds, currency::EXISTENTIAL_DEPOSIT},
};
use pallet_sabha_training::{Call, Device, RunStatus};
use sabha_protocol::{
    Commitment, Digest, Outcome, RunId, RunSpec,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec},
};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};

/// What a slot of [`spec`] pays.
const PRICE: u128 = UNITS;

/// A small run of two rounds.
pub fn spec(window: u32) -> RunSpec {
    RunSpec {
        numerics_version: sabha_protocol::NUMERICS_YARDSTICK,
        seed: 1,
        initial_checkpoint: None,
        price_per_slot: PRICE,
        stake_per_slot: 0,
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
        outer: OuterSpec::MEAN,
        data: DataSpec {
            stream: Digest::of(b"a stream"),
            tokens: 1_000_000,
            token_bytes: 1,
            heldout_tokens: 10_000,
            sources: Default::default(),
        },
        rounds: RoundSpec::single(2, 10, 5, 4),
        audit: AuditSpec::NONE,
        clocks: ClockSpec::unaudited(20, window),
    }
}

/// Create a run that `owner` pays for.
pub fn create(chain: &mut Chain, owner: Sr25519Keyring) -> RunId {
    let window = chain.with(|| Timing::durations().window);
    let spec = spec(window);
    let budget = spec.cost();
    chain.submit(owner, Call::create_run { spec: Box::new(spec), budget });
    chain
        .events()
        .into_iter()
        .find_map(|event| match event {
            RuntimeEvent::Training(pallet_sabha_training::Event::RunCreated { run, .. }) => Some(run),
            _ => None,
        })
        .expect("the run exists")
}

fn status(chain: &mut Chain, run: RunId) -> RunStatus {
    chain.with(|| pallet_sabha_training::Runs::<crate::Runtime>::get(run).expect("the run exists").status)
}

/// Whether the run is paused.
pub fn is_paused(chain: &mut Chain, run: RunId) -> bool {
    status(chain, run) == RunStatus::Paused
}

/// `owner`'s worker with `hot_key`, paid to `payout`, registered and ready.
fn worker(chain: &mut Chain, owner: Sr25519Keyring, hot_key: Sr25519Keyring, payout: Sr25519Keyring) {
    chain.submit(
        owner,
        Call::register {
            hot_key: hot_key.to_account_id(),
            payout: payout.to_account_id(),
            device: Device::Cpu,
            endpoint: Default::default(),
            stake: bonds::WORKER,
        },
    );
    chain.submit(hot_key, Call::ready {});
}

/// An outcome that says which round it is of.
pub fn outcome(round: u32) -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest::of(b"segments"),
        update_digest: Digest::of(&round.to_le_bytes()),
        mean_loss: 3.0.into(),
    })
}

#[test]
fn a_run_is_trained_and_paid() {
    let mut chain = Chain::development();
    worker(&mut chain, Bob, Eve, Ferdie);
    assert_eq!(chain.with(|| Balances::reserved_balance(Bob.to_account_id())), bonds::WORKER);
    let pot = chain.with(Training::account_id);
    let run = create(&mut chain, Charlie);
    assert_eq!(chain.with(|| Balances::free_balance(&pot)), EXISTENTIAL_DEPOSIT + 2 * PRICE);

    let free =
        |chain: &mut Chain, who: Sr25519Keyring| chain.with(|| Balances::free_balance(who.to_account_id()));
    let (hot_before, paid_before) = (free(&mut chain, Eve), free(&mut chain, Ferdie));
    for round in 0..2 {
        chain.submit(Dave, Call::poke { run });
        let call = Call::commit { run, round, slot: 0, generation: 0, outcome: outcome(round) };
        chain.submit(Eve, call);
    }
    assert_eq!(free(&mut chain, Eve), hot_before, "an accepted commitment costs nothing");
    assert_eq!(free(&mut chain, Ferdie), paid_before, "the window is open");

    // The window is 60 active blocks, and the blocks that change a session are none.
    chain.run(65);
    chain.submit(Dave, Call::poke { run });
    assert_eq!(free(&mut chain, Ferdie), paid_before + 2 * PRICE);
    assert_eq!(status(&mut chain, run), RunStatus::Completed);
    assert_eq!(chain.with(|| Balances::free_balance(&pot)), EXISTENTIAL_DEPOSIT);
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
    assert_eq!(status(&mut chain, run), RunStatus::Stopped);
    assert_eq!(chain.with(|| Balances::free_balance(Charlie.to_account_id())), before + 2 * PRICE);
    chain.check();
}

#[test]
fn create_run_with_clocks_out_of_the_chains_bounds_fails() {
    use crate::Runtime;
    use pallet_sabha_training::Error;

    let mut chain = Chain::development();
    let durations = chain.with(Timing::durations);
    let (window, longest) = (durations.window, 4 * durations.window);
    let mut attempt = |training, window| {
        let mut spec = spec(window);
        spec.clocks.training = training;
        let budget = spec.cost();
        let call = Call::create_run { spec: Box::new(spec), budget };
        chain.try_submit(Charlie, call).expect("it is included")
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

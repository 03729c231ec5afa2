//! Whatever people send, in whatever order: after every block the invariants of our own pallets hold, and the only new tokens are
//! those that `Dap` has announced, and the only ones that are gone those that the pallets of training and disputes say they burnt.
//!
//! The dice are seeded, so that a failure comes back; it names the seed and the block.

use super::{
    chain::{Chain, sign},
    random_allocation::settle,
    random_disputes::{challenge, move_in_game},
    runs::{budget, call_for, outcome, spec},
};
use crate::{
    Allocation, Balance, Balances, Datasets, Disputes, Models, RewardPool, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeOrigin, Session, System, Timing, Training, UNITS, Validators,
    constants::{bonds, currency::EXISTENTIAL_DEPOSIT, limits},
    governance::TrackId,
};
use codec::Encode;
use frame_support::traits::{Bounded, schedule::DispatchTime};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_sabha_allocation::Proposals;
use pallet_sabha_origins::Origin;
use pallet_sabha_timing::{Durations, GenesisDurations};
use pallet_sabha_training::{Device, Event, RunStatus, Runs, WorkerStatus, Workers};
use sabha_protocol::{Divergence, Outcome, RoundKey, RunId, models::Licence, spec::ClockSpec};
use sp_keyring::Sr25519Keyring::{
    self, Alice, AliceStash, Bob, BobStash, Charlie, Dave, Eve, Ferdie, One, Two,
};
use sp_runtime::traits::Dispatchable;
use std::collections::BTreeMap;

type Call = pallet_sabha_training::Call<Runtime>;

/// Blocks of each game.
const BLOCKS: u32 = 1_500;
/// Who may own a worker.
const OWNERS: [Sr25519Keyring; 4] = [Bob, Charlie, Dave, Eve];
/// Who may be a hot key. Some are owners too, so that the rules about that are tried.
const HOT_KEYS: [Sr25519Keyring; 6] = [Eve, Ferdie, AliceStash, BobStash, Bob, Charlie];
/// Who has no account at first. Payments make one, transfers remove it.
const POOR: [Sr25519Keyring; 2] = [One, Two];
/// Everybody.
pub const ALL: [Sr25519Keyring; 10] =
    [Alice, Bob, Charlie, Dave, Eve, Ferdie, AliceStash, BobStash, One, Two];
/// The ComputeAllocator track.
const TRACK: TrackId = 3;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `count`, which is small.
    pub fn below(&mut self, count: u32) -> u32 {
        (self.roll() % u64::from(count.max(1))) as u32
    }

    pub fn one_in(&mut self, count: u32) -> bool {
        self.below(count) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    /// Up to `units` SBH.
    pub fn amount(&mut self, units: u32) -> Balance {
        Balance::from(self.below(units)) * UNITS + Balance::from(self.roll() % 1_000_000_000_000)
    }
}

/// What somebody does.
pub enum Act {
    /// Sign and send a transaction.
    Send(Sr25519Keyring, RuntimeCall),
    /// What a referendum of this origin would dispatch.
    Decide(Origin, RuntimeCall),
    /// Nobody makes a block for a while.
    Halt(u64),
}

/// Makes an act from the dice and the chain's state.
type Make = fn(&mut Dice) -> Act;

/// What can happen: how likely it is, and what it is called.
pub type Acts = [(u32, &'static str, Make)];

pub fn send(who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> Act {
    Act::Send(who, call.into())
}

/// A run, mostly one that exists.
pub fn run(dice: &mut Dice) -> RunId {
    let next = pallet_sabha_training::NextRunId::<Runtime>::get();
    // The later ones are more likely to be open.
    let back = dice.below(next.min(6) + 1);
    next.saturating_sub(back)
}

pub fn register(dice: &mut Dice) -> Act {
    let owner = dice.pick(&OWNERS);
    let stake =
        bonds::WORKER - Balance::from(dice.one_in(8)) + dice.amount(300) * Balance::from(dice.below(2));
    let call = Call::register {
        hot_key: dice.pick(&HOT_KEYS).to_account_id(),
        payout: dice.pick(&[owner, One, Two]).to_account_id(),
        device: Device::Cpu,
        capacity: 1 + dice.below(3) as u16,
        endpoint: Default::default(),
        stake,
    };
    send(owner, call)
}

fn update_worker(dice: &mut Dice) -> Act {
    let call = Call::update_worker {
        hot_key: dice.one_in(2).then(|| dice.pick(&HOT_KEYS).to_account_id()),
        payout: dice.one_in(2).then(|| dice.pick(&ALL).to_account_id()),
        device: None,
        capacity: dice.one_in(2).then(|| dice.below(4) as u16),
        endpoint: None,
    };
    send(dice.pick(&OWNERS), call)
}

fn propose(dice: &mut Dice) -> Act {
    let Durations { window, availability, audit_seals, chess_clock, .. } = Timing::durations();
    let longest = window * limits::MAX_CLOCK_WINDOWS;
    let mut spec = spec(window);
    spec.rounds.count = 1 + dice.below(4);
    spec.price_per_slot = dice.pick(&[EXISTENTIAL_DEPOSIT, UNITS, EXISTENTIAL_DEPOSIT - 1]);
    let short = |clock: u32, least: u32| clock.max(least);
    spec.clocks = ClockSpec {
        training: dice.pick(&[availability, 2 * availability, window, longest, longest + 1]),
        availability: short(10, availability),
        aggregation: short(10, availability),
        seals: short(10, audit_seals),
        leaves: short(10, availability),
        reveals: short(10, availability),
        dispute: dice.pick(&[2 * chess_clock, longest]).min(longest),
        window: dice.pick(&[window, window, window + 1, longest, window - 1]),
    };
    let goal = budget(&spec) + dice.amount(2) * Balance::from(dice.below(2)) - Balance::from(dice.one_in(8));
    let call = pallet_sabha_allocation::Call::propose {
        title: b"A model".to_vec().try_into().expect("short"),
        licence: Licence::Mit,
        parent: None,
        spec: Box::new(spec),
        goal,
        duration: 5 + dice.below(60),
    };
    send(dice.pick(&[Alice, Ferdie, Dave]), call)
}

/// All that a proposal asks for.
fn pledge(dice: &mut Dice) -> Act {
    let open: Vec<_> = Proposals::<Runtime>::iter()
        .filter(|(_, proposal)| proposal.campaign.is_funding())
        .map(|(run, proposal)| (run, proposal.campaign.goal))
        .collect();
    let (run, amount) = if open.is_empty() { (run(dice), UNITS) } else { dice.pick(&open) };
    send(dice.pick(&[Alice, Ferdie, Dave]), pallet_sabha_allocation::Call::pledge { run, amount })
}

/// Mostly somebody who can.
pub fn ready(dice: &mut Dice) -> Act {
    let idle = |worker: &pallet_sabha_training::WorkerOf<Runtime>| worker.status == WorkerStatus::Idle;
    let idle = Workers::<Runtime>::iter_values().filter(idle);
    let hot_keys: Vec<_> =
        idle.filter_map(|worker| Sr25519Keyring::from_account_id(&worker.hot_key)).collect();
    let who = if hot_keys.is_empty() || dice.one_in(4) { dice.pick(&HOT_KEYS) } else { dice.pick(&hot_keys) };
    send(who, Call::ready {})
}

/// Mostly a run for which something is due.
pub fn poke(dice: &mut Dice) -> Act {
    let due: Vec<_> = Runs::<Runtime>::iter_keys().filter(|run| Training::due(*run) > 0).collect();
    let run = if due.is_empty() || dice.one_in(4) { run(dice) } else { dice.pick(&due) };
    send(dice.pick(&OWNERS), Call::poke { run })
}

/// Mostly what a worker has to do, and mostly rightly.
pub fn duty(dice: &mut Dice) -> Act {
    let all: Vec<_> = Workers::<Runtime>::iter()
        .filter_map(|(owner, worker)| {
            let owner = Sr25519Keyring::from_account_id(&owner)?;
            Some((owner, Sr25519Keyring::from_account_id(&worker.hot_key)?))
        })
        .flat_map(|(owner, hot_key)| {
            let duties = Training::duties_of(hot_key.to_account_id());
            duties.into_iter().map(move |duty| (owner, hot_key, duty))
        })
        .collect();
    if all.is_empty() {
        let round = RoundKey::default();
        let outcome = outcome(round, 0);
        let call = Call::commit { run: run(dice), round, slot: 0, generation: 0, outcome };
        return send(dice.pick(&HOT_KEYS), call);
    }
    let (owner, hot_key, duty) = all[dice.below(all.len() as u32) as usize].clone();
    let signer = if dice.one_in(12) { dice.pick(&HOT_KEYS) } else { hot_key };
    let mut call = call_for(owner, duty);
    match &mut call {
        Call::commit { outcome, .. } if dice.one_in(12) => {
            *outcome = Outcome::Diverged(Divergence { step: dice.below(44), instruction: 0, element: 0 });
        }
        Call::commit { generation, .. } if dice.one_in(12) => *generation = generation.wrapping_add(1),
        Call::report { got, .. } if dice.one_in(12) => *got = Default::default(),
        Call::seal { seal, .. } if dice.one_in(12) => seal.0[0] ^= 1,
        Call::publish { leaves, .. } if dice.one_in(12) => *leaves = Default::default(),
        _ => {}
    }
    send(signer, call)
}

pub fn transfer(dice: &mut Dice) -> Act {
    type Call = pallet_balances::Call<Runtime>;
    if dice.one_in(2) {
        let value = dice.amount(3);
        let dest = dice.pick(&ALL).to_account_id().into();
        return send(dice.pick(&OWNERS), Call::transfer_allow_death { dest, value });
    }
    // All, or all but less than an account may have: the rest is dust.
    let (from, dest) = (dice.pick(&POOR), dice.pick(&ALL).to_account_id().into());
    if dice.one_in(2) {
        return send(from, Call::transfer_all { dest, keep_alive: false });
    }
    let value = Balances::free_balance(from.to_account_id()).saturating_sub(EXISTENTIAL_DEPOSIT / 2);
    send(from, Call::transfer_allow_death { dest, value })
}

fn submit_referendum(dice: &mut Dice) -> Act {
    let call: RuntimeCall = match dice.below(3) {
        0 => Call::stop_run { run: run(dice) }.into(),
        1 => Call::resume_run { run: run(dice) }.into(),
        _ => Call::pause_run { run: run(dice) }.into(),
    };
    let call = pallet_referenda::Call::<Runtime>::submit {
        proposal_origin: Box::new(Origin::ComputeAllocator.into()),
        proposal: Bounded::Inline(call.encode().try_into().expect("short")),
        enactment_moment: DispatchTime::After(dice.below(3)),
    };
    send(dice.pick(&OWNERS), call)
}

fn poll(dice: &mut Dice) -> u32 {
    pallet_referenda::ReferendumCount::<Runtime>::get().saturating_sub(1 + dice.below(3))
}

fn vote(dice: &mut Dice) -> Act {
    let vote = Vote { aye: !dice.one_in(4), conviction: Conviction::Locked1x };
    let balance = Balance::from(dice.below(1_100_000)) * UNITS;
    let vote = AccountVote::Standard { vote, balance };
    send(dice.pick(&ALL), pallet_conviction_voting::Call::<Runtime>::vote { poll_index: poll(dice), vote })
}

fn unlock(dice: &mut Dice) -> Act {
    let target = dice.pick(&ALL);
    send(
        target,
        pallet_conviction_voting::Call::<Runtime>::unlock {
            class: TRACK,
            target: target.to_account_id().into(),
        },
    )
}

/// All durations that training reads, as at genesis or a quarter of that.
fn set_durations(dice: &mut Dice) -> Act {
    let mut durations = GenesisDurations::<Runtime>::get();
    if !dice.one_in(3) {
        let Durations { availability, audit_seals, window, chess_clock, unbonding, referendum, .. } =
            &mut durations;
        // An appeal must fit into the unbonding time.
        for duration in [availability, audit_seals, window, chess_clock, unbonding, &mut referendum.decide] {
            *duration = duration.div_ceil(4);
        }
    }
    Act::Decide(
        Origin::ParameterAdmin,
        pallet_sabha_timing::Call::<Runtime>::set_durations { durations }.into(),
    )
}

fn manage_validators(dice: &mut Dice) -> Act {
    let who = dice.pick(&[Alice, Bob, Charlie, Dave]).to_account_id();
    let call = match dice.below(2) {
        0 => pallet_sabha_validators::Call::<Runtime>::admit { who },
        _ => pallet_sabha_validators::Call::<Runtime>::remove { who },
    };
    Act::Decide(Origin::ValidatorManager, call.into())
}

fn decide(call: Call) -> Act {
    Act::Decide(Origin::ComputeAllocator, call.into())
}

/// What happens to workers, runs and games.
pub const ACTS: [(u32, &str, Make); 28] = [
    (4, "register", register),
    (2, "update a worker", update_worker),
    (1, "add stake", |dice| {
        let amount = dice.amount(2);
        send(dice.pick(&OWNERS), Call::add_stake { amount })
    }),
    (14, "ready", ready),
    (2, "drain", |dice| send(dice.pick(&HOT_KEYS), Call::drain {})),
    (4, "unbond", |dice| send(dice.pick(&OWNERS), Call::unbond {})),
    (8, "withdraw", |dice| send(dice.pick(&OWNERS), Call::withdraw {})),
    (8, "propose a run", propose),
    (10, "pledge all of it", pledge),
    (10, "settle", settle),
    (2, "top up", |dice| {
        let (run, amount) = (run(dice), dice.amount(1));
        send(dice.pick(&OWNERS), Call::top_up_run { run, amount })
    }),
    (24, "poke", poke),
    (60, "do a duty", duty),
    (10, "challenge", challenge),
    (20, "move in a game", move_in_game),
    (6, "transfer", transfer),
    (2, "submit a referendum", submit_referendum),
    (3, "deposit for a decision", |dice| {
        let index = poll(dice);
        send(dice.pick(&OWNERS), pallet_referenda::Call::<Runtime>::place_decision_deposit { index })
    }),
    (6, "vote", vote),
    (2, "remove a vote", |dice| {
        let index = poll(dice);
        send(
            dice.pick(&ALL),
            pallet_conviction_voting::Call::<Runtime>::remove_vote { class: Some(TRACK), index },
        )
    }),
    (2, "unlock", unlock),
    (1, "pause", |dice| decide(Call::pause_run { run: run(dice) })),
    (4, "resume", |dice| decide(Call::resume_run { run: run(dice) })),
    (1, "stop", |dice| decide(Call::stop_run { run: run(dice) })),
    (1, "set durations", set_durations),
    (2, "manage validators", manage_validators),
    (1, "halt", |dice| Act::Halt(u64::from(1 + dice.below(30)))),
    (6, "nothing", |_| Act::Halt(0)),
];

fn act(acts: &Acts, dice: &mut Dice) -> (&'static str, Act) {
    let total = acts.iter().map(|(weight, ..)| weight).sum();
    let mut left = dice.below(total);
    for (weight, name, make) in acts {
        if left < *weight {
            return (name, make(dice));
        }
        left -= weight;
    }
    unreachable!("the weights sum to the total")
}

/// How often each act succeeded.
pub type Score = BTreeMap<&'static str, u32>;

/// Up to three acts, and the block with their transactions. Returns how many calls were made.
fn step(acts: &Acts, chain: &mut Chain, dice: &mut Dice, score: &mut Score) -> u32 {
    let mut names = Vec::new();
    let mut signers: Vec<Sr25519Keyring> = Vec::new();
    let mut transactions = Vec::new();
    let mut calls = 0;
    for _ in 0..1 + dice.below(3) {
        let (name, act) = chain.with(|| act(acts, dice));
        match act {
            // A second transaction of the same signer in one block would need the next nonce.
            Act::Send(who, _) if signers.contains(&who) => {}
            Act::Send(who, call) => {
                assert!(super::weights::fits(&call), "{name} takes more of a block than a call may");
                transactions.push(chain.with(|| sign(who, call)));
                signers.push(who);
                names.push(name);
            }
            Act::Decide(origin, call) => {
                assert!(super::weights::fits(&call), "{name} takes more of a block than a call may");
                let before = chain.events().len();
                let done = chain.with(|| call.dispatch(RuntimeOrigin::from(origin)).is_ok());
                calls += 1;
                *score.entry(name).or_default() += u32::from(done);
                // The block forgets them.
                for name in chain.events().iter().skip(before).filter_map(worth_noting) {
                    *score.entry(name).or_default() += 1;
                }
            }
            Act::Halt(slots) => {
                chain.skip_slots(slots);
                *score.entry(name).or_default() += 1;
            }
        }
    }

    let before = chain.with(Balances::total_issuance);
    let (_, results) = chain.produce(transactions);
    for (name, result) in names.into_iter().zip(results) {
        // Those that the block took.
        calls += u32::from(result.is_ok());
        *score.entry(name).or_default() += u32::from(result == Ok(Ok(())));
    }
    let minted: Balance = chain
        .events()
        .into_iter()
        .map(|event| match event {
            RuntimeEvent::Dap(pallet_dap::Event::IssuanceMinted { total_minted, .. }) => total_minted,
            _ => 0,
        })
        .sum();
    let burnt: Balance = chain
        .events()
        .into_iter()
        .map(|event| match event {
            RuntimeEvent::Training(
                Event::StakeSlashed { amount, burnt: true, .. } | Event::SurplusBurnt { amount, .. },
            ) => amount,
            RuntimeEvent::Disputes(pallet_sabha_disputes::Event::BondSlashed { burnt, .. }) => burnt,
            RuntimeEvent::Datasets(pallet_sabha_datasets::Event::Slashed { burnt, .. }) => burnt,
            _ => 0,
        })
        .sum();
    *score.entry("a stake was slashed").or_default() += u32::from(burnt > 0);
    for name in chain.events().iter().filter_map(worth_noting) {
        *score.entry(name).or_default() += 1;
    }
    let expected = before + minted - burnt;
    assert_eq!(chain.with(Balances::total_issuance), expected, "only Dap mints and only slashes burn");
    chain.check_issuance();
    check_own_pallets(chain);
    calls
}

/// What tests ask whether it ever happened.
fn worth_noting(event: &RuntimeEvent) -> Option<&'static str> {
    use pallet_sabha_allocation::Event as Campaigns;
    use pallet_sabha_datasets::Event as Data;
    use pallet_sabha_models::Event as Registry;
    Some(match event {
        RuntimeEvent::Disputes(pallet_sabha_disputes::Event::Decided { .. }) => "a game was decided",
        RuntimeEvent::Datasets(Data::ClaimAccepted { .. }) => "a claim was accepted",
        RuntimeEvent::Datasets(Data::ClaimRejected { .. }) => "a claim was rejected",
        RuntimeEvent::Datasets(Data::ClaimLapsed { .. }) => "a claim lapsed",
        RuntimeEvent::Datasets(Data::ClaimUnfunded { .. }) => "a claim waited for its budget",
        RuntimeEvent::Datasets(Data::ClaimFunded { .. }) => "a claim waited for its budget, and had it",
        RuntimeEvent::Datasets(Data::ClaimRedrawn { .. }) => "a claim had more panels",
        RuntimeEvent::Datasets(Data::PanelFailed { .. }) => "a panel had no quorum",
        RuntimeEvent::Datasets(Data::CuratorAbsent { .. }) => "a curator was silent",
        RuntimeEvent::Datasets(Data::AppealEnded { upheld: true, .. }) => "an appeal was right",
        RuntimeEvent::Datasets(Data::AppealEnded { upheld: false, .. }) => "an appeal was wrong",
        RuntimeEvent::Allocation(Campaigns::Started { .. }) => "a run was started",
        RuntimeEvent::Allocation(Campaigns::Ended { .. }) => "a run ended",
        RuntimeEvent::Allocation(Campaigns::Failed { .. }) => "a proposal failed",
        RuntimeEvent::Allocation(Campaigns::CountedAgain { dropped: 1.., .. }) => {
            "an account counted no more"
        }
        RuntimeEvent::Models(Registry::Registered { .. }) => "a model was registered",
        _ => return None,
    })
}

/// The invariants of our own pallets that have a state.
fn check_own_pallets(chain: &mut Chain) {
    #[cfg(feature = "try-runtime")]
    chain.with(|| {
        Timing::do_try_state().expect("Timing is sound");
        Training::do_try_state().expect("Training is sound");
        Disputes::do_try_state().expect("Disputes is sound");
        RewardPool::do_try_state().expect("RewardPool is sound");
        Datasets::do_try_state().expect("Datasets is sound");
        Allocation::do_try_state().expect("Allocation is sound");
        Models::do_try_state().expect("Models is sound");
        Validators::do_try_state().expect("Validators is sound");
    });
    #[cfg(not(feature = "try-runtime"))]
    let _ = chain;
}

/// Plays one game, and returns what succeeded in it. `note` adds what is to be seen at its end.
pub fn play(acts: &Acts, chain: Chain, seed: u64, note: fn(&mut Score)) -> Score {
    play_while(acts, chain, seed, note, |blocks, _| blocks < BLOCKS)
}

/// As [`play`], as long as so many blocks and calls are not enough.
pub fn play_while(
    acts: &Acts,
    mut chain: Chain,
    seed: u64,
    note: fn(&mut Score),
    goes_on: impl Fn(u32, u32) -> bool,
) -> Score {
    let (mut dice, mut score) = (Dice(seed), Score::new());
    let (mut blocks, mut calls) = (0, 0);
    while goes_on(blocks, calls) {
        let stepped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            step(acts, &mut chain, &mut dice, &mut score)
        }));
        calls += stepped.unwrap_or_else(|panic| {
            eprintln!("seed {seed}, after {blocks} blocks and {calls} calls; so far: {score:?}");
            std::panic::resume_unwind(panic);
        });
        blocks += 1;
    }
    chain.with(|| {
        note(&mut score);
        score.insert("a session passed", Session::current_index());
        assert_eq!(System::block_number(), blocks);
    });
    chain.check();
    score
}

/// Whether all acts succeeded, and all of these things happened.
pub fn assert_lively(acts: &Acts, happenings: &[&'static str], games: impl IntoIterator<Item = Score>) {
    let mut sum: Score = happenings.iter().map(|name| (*name, 0)).collect();
    for (name, count) in games.into_iter().flatten() {
        *sum.entry(name).or_default() += count;
    }
    eprintln!("{sum:?}");
    // A game in which something never works says nothing about it.
    for (_, name, _) in acts {
        assert!(sum.get(name).is_some_and(|count| *count > 0), "nobody managed to {name}: {sum:?}");
    }
    for (name, count) in &sum {
        assert!(*count > 0, "never: {name}: {sum:?}");
    }
}

/// What became of runs.
pub fn note_runs(score: &mut Score) {
    let over = |status| Runs::<Runtime>::iter_values().filter(|run| run.status == status).count() as u32;
    let finalised = Runs::<Runtime>::iter_values().map(|run| run.progress.finalised).sum();
    score.insert("a round became final", finalised);
    score.insert("a run was completed", over(RunStatus::Completed));
    score.insert("a run was stopped", over(RunStatus::Stopped));
    let lost = Workers::<Runtime>::iter_values().map(|worker| worker.missed).sum();
    score.insert("a deadline was missed", lost);
}

#[test]
fn any_calls_in_any_order_keep_the_chain_sound() {
    let games = [(Chain::development(), 1), (Chain::local(), 2)];
    let games = games.map(|(chain, seed)| play(&ACTS, chain, seed, note_runs));
    assert_lively(&ACTS, &["a stake was slashed", "a game was decided"], games);
}

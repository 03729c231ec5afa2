//! Whatever anybody does in whatever order: the invariants hold, money is conserved, and time alone ends everything.

use frame_support::{
    storage::with_storage_layer,
    weights::{Weight, WeightMeter},
};
use proptest::prelude::*;
use sabha_protocol::{
    Digest, RunSpec, SlotSet, UNITS,
    audit::seal,
    round::{Claim, Verdict},
};
use sp_runtime::DispatchError;

use super::play::*;
use crate::{
    Attesters, Device, Event, Rounds, RunStatus, Runs, Seats, Slots, WorkerStatus, Workers, mock::*,
};

#[derive(Clone, Debug)]
enum Act {
    Pass {
        blocks: u32,
        work: bool,
    },
    Poke {
        run: u32,
    },
    /// Everybody does its duty, but for those that `skip` says, and `lie` says who lies.
    Duties {
        skip: u16,
        lie: u16,
    },
    Commit {
        pick: usize,
        who: u64,
        stale: bool,
    },
    Report {
        pick: usize,
        got: u8,
    },
    Root {
        pick: usize,
        who: u64,
    },
    Seal {
        pick: usize,
        who: u64,
    },
    Publish {
        pick: usize,
        wrong: bool,
    },
    Reveal {
        pick: usize,
        honest: bool,
    },
    Resolve {
        pick: usize,
        worker_wrong: bool,
    },
    Convict {
        pick: usize,
        segment: u32,
        challenger: u64,
    },
    Challenge {
        pick: usize,
        close: bool,
    },
    ChallengeRoot {
        pick: usize,
        close: bool,
    },
    ConvictAggregator {
        pick: usize,
    },
    Register {
        owner: u64,
        hot: u64,
        stake: u32,
    },
    AddStake {
        owner: u64,
    },
    Ready {
        owner: u64,
    },
    Drain {
        owner: u64,
    },
    Unbond {
        owner: u64,
    },
    Withdraw {
        pick: usize,
        unbonding: bool,
    },
    Create {
        owner: u64,
        rounds: u32,
        slots: u16,
        shape: u16,
        extra: u32,
    },
    TopUp {
        run: u32,
    },
    Pause {
        run: u32,
    },
    Resume {
        run: u32,
    },
    Stop {
        run: u32,
    },
    Seed {
        seed: u64,
    },
    Limit {
        millis: u64,
    },
}

fn owner() -> impl Strategy<Value = u64> {
    FIRST..=ACCOUNTS
}

fn run_id() -> impl Strategy<Value = u32> {
    0u32..4
}

/// Mostly none, or few, of sixteen.
fn sparse() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(0u16), 1 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| a & b), 1 => any::<u16>()]
}

fn act() -> impl Strategy<Value = Act> {
    let at = any::<usize>;
    prop_oneof![
        20 => (1u32..20, prop::bool::weighted(0.8)).prop_map(|(blocks, work)| Act::Pass { blocks, work }),
        6 => run_id().prop_map(|run| Act::Poke { run }),
        30 => (sparse(), sparse()).prop_map(|(skip, lie)| Act::Duties { skip, lie }),
        2 => (at(), owner(), any::<bool>()).prop_map(|(pick, who, stale)| Act::Commit { pick, who, stale }),
        2 => (at(), any::<u8>()).prop_map(|(pick, got)| Act::Report { pick, got }),
        1 => (at(), owner()).prop_map(|(pick, who)| Act::Root { pick, who }),
        1 => (at(), owner()).prop_map(|(pick, who)| Act::Seal { pick, who }),
        1 => (at(), any::<bool>()).prop_map(|(pick, wrong)| Act::Publish { pick, wrong }),
        2 => (at(), any::<bool>()).prop_map(|(pick, honest)| Act::Reveal { pick, honest }),
        3 => (at(), any::<bool>()).prop_map(|(pick, worker_wrong)| Act::Resolve { pick, worker_wrong }),
        1 => (at(), 0u32..4, 1u64..40).prop_map(|(pick, segment, challenger)| Act::Convict { pick, segment, challenger }),
        1 => (at(), any::<bool>()).prop_map(|(pick, close)| Act::Challenge { pick, close }),
        1 => (at(), any::<bool>()).prop_map(|(pick, close)| Act::ChallengeRoot { pick, close }),
        1 => at().prop_map(|pick| Act::ConvictAggregator { pick }),
        1 => (owner(), 100u64..118, 50u32..700).prop_map(|(owner, hot, stake)| Act::Register { owner, hot, stake }),
        1 => owner().prop_map(|owner| Act::AddStake { owner }),
        3 => owner().prop_map(|owner| Act::Ready { owner }),
        1 => owner().prop_map(|owner| Act::Drain { owner }),
        1 => owner().prop_map(|owner| Act::Unbond { owner }),
        2 => (at(), any::<bool>()).prop_map(|(pick, unbonding)| Act::Withdraw { pick, unbonding }),
        2 => (1u64..=2, 1u32..4, 1u16..5, any::<u16>(), 0u32..3)
            .prop_map(|(owner, rounds, slots, shape, extra)| Act::Create { owner, rounds, slots, shape, extra }),
        1 => run_id().prop_map(|run| Act::TopUp { run }),
        1 => run_id().prop_map(|run| Act::Pause { run }),
        2 => run_id().prop_map(|run| Act::Resume { run }),
        1 => prop_oneof![1 => run_id().prop_map(|run| Act::Stop { run }), 3 => Just(Act::Poke { run: 0 })],
        1 => any::<u64>().prop_map(|seed| Act::Seed { seed }),
        1 => prop_oneof![Just(40u64), Just(200)].prop_map(|millis| Act::Limit { millis }),
    ]
}

fn pick<K>(keys: impl Iterator<Item = K>, at: usize) -> Option<K>
where
    K: Ord,
{
    let mut keys: Vec<K> = keys.collect();
    keys.sort();
    let at = at.checked_rem(keys.len())?;
    keys.into_iter().nth(at)
}

/// One to three tries; one to three attesters, none too where a round has one slot; one auditor to four.
fn some_spec(rounds: u32, slots: u16, shape: u16) -> RunSpec {
    let mut spec = spec(rounds);
    spec.rounds.slots = slots;
    spec.rounds.quorum = slots.div_ceil(2);
    spec.rounds.tries = 1 + shape % 3;
    spec.audit.attesters = u16::from(slots > 1) + shape / 3 % 3;
    spec.audit.auditors = 1 + shape / 9 % 4;
    spec.stake_per_slot = 40 * UNITS;
    spec.clocks.window = WINDOW;
    spec
}

/// Does it; whether it succeeds is the pallet's business.
fn apply(act: &Act) -> bool {
    let root = RuntimeOrigin::root;
    match *act {
        Act::Pass { blocks, work } => {
            (0..blocks).for_each(|_| block(work));
            true
        }
        Act::Poke { run } => Training::poke(signed(2), run).is_ok(),
        Act::Duties { skip, lie } => {
            duties(skip, lie);
            true
        }
        Act::Commit { pick: at, who, stale } => {
            pick(Slots::<Test>::iter_keys(), at).is_some_and(|(run, key, slot)| {
                let generation = slot_of(run, key, slot).generation.wrapping_sub(stale.into());
                Training::commit(signed(who), run, key, slot, generation, trained(key, slot)).is_ok()
            })
        }
        Act::Report { pick: at, got } => {
            pick(Attesters::<Test>::iter_keys(), at).is_some_and(|(run, key, panel, place)| {
                let worker = Attesters::<Test>::get((run, key, panel, place)).unwrap().worker;
                let mut set = SlotSet::default();
                set.0[0] = got;
                Training::report(signed(worker), run, key, place, set).is_ok()
            })
        }
        Act::Root { pick: at, who } => pick(Rounds::<Test>::iter_keys(), at)
            .is_some_and(|(run, key)| Training::post_root(signed(who), run, key, checkpoint(key)).is_ok()),
        Act::Seal { pick: at, who } => {
            pick(Seats::<Test>::iter_keys(), at).is_some_and(|(run, key, place)| {
                Training::seal(signed(who), run, key, place, Digest([1; 32])).is_ok()
            })
        }
        Act::Publish { pick: at, wrong } => {
            pick(Slots::<Test>::iter_keys(), at).is_some_and(|(run, key, slot)| {
                let mut roots = roots(key, slot);
                roots.rotate_left(wrong.into());
                Training::publish(signed(2), run, key, slot, openings(run, key, slot, &roots)).is_ok()
            })
        }
        Act::Reveal { pick: at, honest } => {
            pick(Seats::<Test>::iter_keys(), at).is_some_and(|(run, key, place)| {
                let seat = Seats::<Test>::get((run, key, place)).unwrap();
                let answer = if honest { truth(run, key, seat.slot) } else { Digest([66; 32]) };
                Training::reveal(signed(seat.auditor), run, key, place, answer, salt(place), true).is_ok()
            })
        }
        Act::Resolve { pick: at, worker_wrong } => {
            let verdict =
                if worker_wrong { Verdict::WorkerWrong(Claim::Segment(0)) } else { Verdict::AuditorWrong };
            pick(Seats::<Test>::iter_keys(), at)
                .is_some_and(|(run, key, place)| Training::resolve(run, key, place, verdict).is_ok())
        }
        Act::Convict { pick: at, segment, challenger } => {
            pick(Slots::<Test>::iter_keys(), at).is_some_and(|(run, key, slot)| {
                Training::convict(run, key, slot, Claim::Segment(segment), Some(&challenger)).is_ok()
            })
        }
        Act::Challenge { pick: at, close } => {
            pick(Slots::<Test>::iter_keys(), at).is_some_and(|(run, key, slot)| {
                if close {
                    Training::close_challenge(run, key, slot).is_ok()
                } else {
                    Training::open_challenge(run, key, slot).is_ok()
                }
            })
        }
        Act::ChallengeRoot { pick: at, close } => {
            pick(Rounds::<Test>::iter_keys(), at).is_some_and(|(run, key)| {
                if close {
                    Training::close_root_challenge(run, key).is_ok()
                } else {
                    Training::open_root_challenge(run, key).is_ok()
                }
            })
        }
        Act::ConvictAggregator { pick: at } => pick(Rounds::<Test>::iter_keys(), at)
            .is_some_and(|(run, key)| Training::convict_aggregator(run, key, None).is_ok()),
        Act::Register { owner, hot, stake } => {
            let stake = u128::from(stake) * UNITS;
            let capacity = 1 + (hot % 3) as u16;
            Training::register(
                signed(owner),
                hot,
                hot + 100,
                Device::Cpu,
                capacity,
                Default::default(),
                stake,
            )
            .is_ok()
        }
        Act::AddStake { owner } => Training::add_stake(signed(owner), 60 * UNITS).is_ok(),
        Act::Ready { owner } => Training::ready(signed(owner)).is_ok(),
        Act::Drain { owner } => Training::drain(signed(owner)).is_ok(),
        Act::Unbond { owner } => Training::unbond(signed(owner)).is_ok(),
        Act::Withdraw { pick: at, unbonding } => {
            let left =
                |record: &crate::WorkerOf<Test>| matches!(record.status, WorkerStatus::Unbonding { .. });
            let owners = Workers::<Test>::iter().filter(|(_, worker)| !unbonding || left(worker));
            pick(owners.map(|(owner, _)| owner), at)
                .is_some_and(|owner| Training::withdraw(signed(owner)).is_ok())
        }
        Act::Create { owner, rounds, slots, shape, extra } => {
            let spec = some_spec(rounds, slots, shape);
            let least = sabha_protocol::round::Progress::least_budget(&terms(0, &spec));
            // One unit less is refused.
            let budget = (least + u128::from(extra)).saturating_sub(1);
            Training::create_run(&owner, spec, budget).is_ok()
        }
        Act::TopUp { run } => Training::top_up_run(signed(1), run, 7).is_ok(),
        Act::Pause { run } => Training::pause_run(root(), run).is_ok(),
        Act::Resume { run } => Training::resume_run(root(), run).is_ok(),
        Act::Stop { run } => Training::stop_run(root(), run).is_ok(),
        Act::Seed { seed } => {
            Seed::set(seed);
            true
        }
        Act::Limit { millis } => {
            WorkLimit::set(Weight::from_parts(millis * 1_000_000_000, u64::MAX));
            true
        }
    }
}

/// What `duties_of` tells each worker is done, skipped or done wrongly.
fn duties(skip: u16, lie: u16) {
    use sabha_protocol::round::Duty::*;
    let said = |mask: u16, owner: u64| mask & (1 << (owner & 15)) != 0;
    for owner in (FIRST..=ACCOUNTS).filter(|owner| !said(skip, *owner)) {
        let lies = said(lie, owner);
        for duty in Training::duties_of(owner) {
            let who = signed(owner);
            let answer = |run, round, slot| if lies { Digest([66; 32]) } else { truth(run, round, slot) };
            let done = match duty {
                Train { run, round, slot, generation, .. } => {
                    let outcome = if lies { diverged() } else { trained(round, slot) };
                    Training::commit(who, run, round, slot, generation, outcome)
                }
                Attest { run, round, place, slots, .. } => {
                    let got = if lies { SlotSet::default() } else { slots };
                    Training::report(who, run, round, place, got)
                }
                Aggregate { run, round, .. } => Training::post_root(who, run, round, checkpoint(round)),
                Audit { run, round, place, slot, .. } => {
                    let sealed = seal(&answer(run, round, slot), &salt(place), &owner);
                    Training::seal(who, run, round, place, sealed)
                }
                Publish { run, round, slot, .. } => {
                    Training::publish(who, run, round, slot, openings(run, round, slot, &roots(round, slot)))
                }
                Reveal { run, round, place, .. } => {
                    let slot = Seats::<Test>::get((run, round, place)).unwrap().slot;
                    // It may have sealed either.
                    for answer in [truth(run, round, slot), Digest([66; 32])] {
                        let _ = Training::reveal(signed(owner), run, round, place, answer, salt(place), lies);
                    }
                    continue;
                }
            };
            done.expect("a duty that is told of can be done");
        }
    }
}

/// How the runs of a play end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Root stops them.
    Stop,
    /// Root pauses them: what is open ends by itself, training included.
    Pause,
    /// Nobody does anything: rounds are voided until the run is paused for it, or has too few workers.
    Time,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Stop), Just(End::Pause), Just(End::Time)]
}

/// Time and the hook alone end every round, whatever becomes of the runs, and everybody gets its stake back.
fn get_everybody_out(end: End) {
    WorkLimit::set(Weight::from_parts(200_000_000_000, u64::MAX));
    let open = || {
        let open = Runs::<Test>::iter().filter(|(_, run)| run.status == RunStatus::Open);
        open.map(|(id, _)| id).collect::<Vec<_>>()
    };
    let pause = || {
        for id in open() {
            // One that is paused for another reason stays so.
            let _ = Training::pause_run(RuntimeOrigin::root(), id);
        }
    };
    match end {
        End::Stop => {
            for id in open() {
                Training::stop_run(RuntimeOrigin::root(), id).expect("it is open");
            }
        }
        End::Pause => pause(),
        End::Time => {}
    }
    let (mut blocks, mut idle) = (0, 0);
    // Between two rounds of a run are the sessions of its next draw.
    while idle < 5 * SESSION {
        block(true);
        blocks += 1;
        let paused = Runs::<Test>::iter_values().all(|run| run.status.is_over() || run.pause().is_some());
        idle = match Rounds::<Test>::iter().next() {
            Some(_) => 0,
            None if paused => 5 * SESSION,
            None => idle + 1,
        };
        assert!(blocks < 6_000, "stuck: {:#?}", Rounds::<Test>::iter().collect::<Vec<_>>());
    }
    pause();
    check();
    assert_eq!(Rounds::<Test>::iter().count() + Slots::<Test>::iter().count(), 0);
    assert_eq!(Seats::<Test>::iter().count() + Attesters::<Test>::iter().count(), 0);
    let owners: Vec<u64> = Workers::<Test>::iter_keys().collect();
    for owner in &owners {
        assert!(!worker(*owner).is_bound() && worker(*owner).training == 0, "{:#?}", worker(*owner));
        if !matches!(worker(*owner).status, WorkerStatus::Unbonding { .. }) {
            Training::unbond(signed(*owner)).expect("nothing holds the stake");
        }
    }
    pass(UNBONDING.max((sabha_protocol::defaults::RETAINED + 1) * SESSION));
    for owner in owners {
        Training::withdraw(signed(owner)).expect("the stake is free");
        assert_eq!(held(owner), 0);
    }
    check();
    for id in open() {
        Training::stop_run(RuntimeOrigin::root(), id).expect("it is open");
    }
    pass(2);
    assert!(Runs::<Test>::iter_values().all(|run| run.status.is_over()));
    check();
    let escrows: u128 = Runs::<Test>::iter_values().map(|run| run.progress.escrow).sum();
    assert_eq!(
        free(Training::account_id()),
        ED + escrows,
        "nothing is left in the pot but refunds that wait"
    );
}

/// Plays acts, checking the invariants after each; returns the events of the play and of its end.
fn play(acts: &[Act], end: End, shape: u16) -> Vec<Event<Test>> {
    ext().execute_with(|| {
        for owner in FIRST..FIRST + 10 {
            register(owner, 3 * STAKE);
            Training::ready(signed(owner)).unwrap();
        }
        create(&some_spec(1, 3, shape));
        create(&some_spec(3, 3, shape.wrapping_add(5)));
        pass(3 * SESSION);
        for act in acts {
            // As dispatch does: a refused call leaves no trace.
            let _ = with_storage_layer(|| if apply(act) { Ok(()) } else { Err(DispatchError::Unavailable) });
            check();
        }
        get_everybody_out(end);
        events()
    })
}

fn plays() -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(), 20..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_in_any_order_keep_the_invariants_and_get_nothing_stuck(acts in plays(), end in end(), shape: u16) {
        play(&acts, end, shape);
    }

    /// The hook never takes more than it is given, and takes no step that it does not pay for.
    #[test]
    fn the_hook_stays_within_its_limit(acts in plays(), millis in 1u64..60) {
        ext().execute_with(|| {
            crowd();
            create(&some_spec(3, 3, 0));
            create(&some_spec(2, 2, 5));
            for act in &acts {
                let _ = with_storage_layer(|| if apply(act) { Ok(()) } else { Err(DispatchError::Unavailable) });
                let limit = Weight::from_parts(millis * 1_000_000_000, u64::MAX);
                let mut meter = WeightMeter::with_limit(limit);
                let before = sp_io::storage::root(sp_runtime::StateVersion::V1);
                <Training as frame_support::traits::Hooks<u64>>::on_poll(1, &mut meter);
                prop_assert!(meter.consumed().all_lte(limit));
                if meter.consumed() == Weight::zero() {
                    prop_assert_eq!(before, sp_io::storage::root(sp_runtime::StateVersion::V1));
                }
            }
            Ok(())
        })?;
    }
}

/// The property is worth something only if the plays go everywhere.
#[test]
fn the_plays_reach_every_kind_of_end() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for shape in 0..60 {
        let (acts, end) = (plays(), end()).new_tree(&mut runner).unwrap().current();
        for event in play(&acts, end, shape) {
            let text = format!("{event:?}");
            let text = text.trim_start_matches("Event::");
            let name: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
            if let Event::RoundVoided { reason, .. } = event {
                seen.insert(format!("void {reason:?}"));
            }
            seen.insert(name);
        }
    }
    for kind in [
        "RoundFinalised",
        "RoundSettled",
        "RunCompleted",
        "RunStopped",
        "RunPaused",
        "SlotPaid",
        "SlotExpired",
        "StakeSlashed",
        "WorkerJailed",
        "DisagreementOpened",
        "DisagreementLapsed",
        "LeavesMissing",
        "Withdrawn",
        "void TooFew",
        "void Convicted",
        "void FalseRoot",
        "void Diverged",
        "void Stopped",
        "void Base",
        "void Unattested",
        "void Undecided",
        "void NoRoot",
    ] {
        assert!(seen.contains(kind), "no play led to `{kind}`: {seen:?}");
    }
}

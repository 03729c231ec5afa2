//! Random interleavings of acts and time.

use super::*;
use crate::{
    board::BoardError,
    round::{Claim, Verdict},
};
use proptest::{prelude::*, strategy::ValueTree};

/// What somebody tries. Records are picked by number among those that exist.
#[derive(Clone, Debug)]
enum Act {
    Pass(u32),
    Poke,
    /// Everybody does its duty, but for those that `skip` says, and `lie` says who lies.
    Duties {
        skip: u8,
        lie: u8,
    },
    Commit {
        pick: usize,
        diverge: bool,
        stale: bool,
    },
    Report {
        pick: usize,
        got: u8,
    },
    PostRoot,
    Seal {
        pick: usize,
        honest: bool,
    },
    Publish {
        pick: usize,
    },
    Reveal {
        pick: usize,
        honest: bool,
        unserved: bool,
    },
    Resolve {
        pick: usize,
        worker_wrong: bool,
    },
    Convict {
        pick: usize,
        segment: u32,
    },
    ConvictAggregator,
    Challenge {
        pick: usize,
        close: bool,
    },
    ChallengeRoot {
        close: bool,
    },
    Join(Member),
    Leave(Member),
    Resume,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (1u32..25).prop_map(Act::Pass),
        20 => Just(Act::Poke),
        20 => (sparse(), sparse()).prop_map(|(skip, lie)| Act::Duties { skip, lie }),
        12 => (any::<usize>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1))
            .prop_map(|(pick, diverge, stale)| Act::Commit { pick, diverge, stale }),
        8 => (any::<usize>(), any::<u8>()).prop_map(|(pick, got)| Act::Report { pick, got: got | 3 }),
        6 => Just(Act::PostRoot),
        6 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(pick, honest)| Act::Seal { pick, honest }),
        6 => any::<usize>().prop_map(|pick| Act::Publish { pick }),
        6 => (any::<usize>(), prop::bool::weighted(0.8), any::<bool>())
            .prop_map(|(pick, honest, unserved)| Act::Reveal { pick, honest, unserved }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(pick, worker_wrong)| Act::Resolve { pick, worker_wrong }),
        1 => (any::<usize>(), 0u32..4, prop::bool::weighted(0.4))
            .prop_map(|(pick, segment, really)| if really { Act::Convict { pick, segment } } else { Act::Poke }),
        1 => prop_oneof![1 => Just(Act::ConvictAggregator), 4 => Just(Act::Poke)],
        2 => (any::<usize>(), prop::bool::weighted(0.7)).prop_map(|(pick, close)| Act::Challenge { pick, close }),
        2 => prop::bool::weighted(0.7).prop_map(|close| Act::ChallengeRoot { close }),
        1 => (10u32..14).prop_map(Act::Join),
        1 => (0u32..14).prop_map(Act::Leave),
        1 => Just(Act::Resume),
    ]
}

/// Mostly none, or few, of eight.
fn sparse() -> impl Strategy<Value = u8> {
    prop_oneof![3 => Just(0u8), 1 => (any::<u8>(), any::<u8>()).prop_map(|(a, b)| a & b), 1 => any::<u8>()]
}

fn pick<K: Copy, V>(map: &std::collections::BTreeMap<K, V>, at: usize) -> Option<K> {
    map.keys().nth(at.checked_rem(map.len())?).copied()
}

/// Tries it. Whether it is refused does not matter: refusals are tested by name elsewhere.
fn attempt(board: &mut Board, act: &Act) -> Option<Result<(), BoardError>> {
    match *act {
        Act::Pass(blocks) => board.now += blocks,
        Act::Poke => {
            board.poke();
        }
        Act::Duties { skip, lie } => duties(board, skip, lie),
        Act::Commit { pick: at, diverge, stale } => {
            let (key, index) = pick(&board.slots, at)?;
            let slot = board.slots[&(key, index)];
            let worker = *slot.worker()?;
            let outcome = if diverge { diverged() } else { trained(key, index) };
            let generation = if stale { slot.generation.wrapping_sub(1) } else { slot.generation };
            let result = board.commit(key, index, worker, generation, outcome);
            assert!(!stale || result.is_err(), "a stale generation is refused");
            return Some(result);
        }
        Act::Report { pick: at, got } => {
            let (key, panel, place) = pick(&board.attesters, at)?;
            let mut set = SlotSet::default();
            (0..3).filter(|slot| got & (1 << slot) != 0).for_each(|slot| set.insert(slot));
            let worker = board.attesters[&(key, panel, place)].worker;
            return Some(board.report(key, panel, place, worker, set));
        }
        Act::PostRoot => {
            let turn = board.rounds.iter().find_map(|(key, round)| match round.phase {
                Phase::Aggregating { aggregator: Some(worker), .. } => Some((*key, worker)),
                _ => None,
            });
            let (key, worker) = turn?;
            return Some(board.post_root(key, worker, checkpoint(key)));
        }
        Act::Seal { pick: at, honest: right } => {
            let (key, place) = pick(&board.seats, at)?;
            let seat = board.seats[&(key, place)];
            let answer = if right { truth(board, key, seat.slot) } else { Digest([66; 32]) };
            return Some(board.seal(key, place, seat.auditor, seal(&answer, &salt(place), &seat.auditor)));
        }
        Act::Publish { pick: at } => {
            let (key, index) = pick(&board.slots, at)?;
            let leaves = openings(board, key, index, &roots(key, index));
            return Some(board.publish(key, index, &leaves));
        }
        Act::Reveal { pick: at, honest: right, unserved } => {
            let (key, place) = pick(&board.seats, at)?;
            let seat = board.seats[&(key, place)];
            let answer = if right { truth(board, key, seat.slot) } else { Digest([66; 32]) };
            let reveal = Reveal { answer, salt: salt(place), unserved };
            return Some(board.reveal(key, place, seat.auditor, &reveal));
        }
        Act::Resolve { pick: at, worker_wrong } => {
            let (key, place) = pick(&board.seats, at)?;
            let verdict =
                if worker_wrong { Verdict::WorkerWrong(Claim::Segment(0)) } else { Verdict::AuditorWrong };
            return Some(board.resolve(key, place, verdict));
        }
        Act::Convict { pick: at, segment } => {
            let (key, index) = pick(&board.slots, at)?;
            return Some(board.convict(key, index, Claim::Segment(segment), Some(0)));
        }
        Act::ConvictAggregator => {
            let (key, _) = board.rounds.iter().next().map(|(key, round)| (*key, *round))?;
            return Some(board.convict_aggregator(key, None));
        }
        Act::Challenge { pick: at, close } => {
            let (key, index) = pick(&board.slots, at)?;
            let open = board.slots[&(key, index)].checks.challenges;
            let result =
                if close { board.close_challenge(key, index) } else { board.open_challenge(key, index) };
            assert!(!close || result.is_ok() == (open > 0), "exactly an open challenge can be closed");
            return Some(result);
        }
        Act::ChallengeRoot { close } => {
            let key = *board.rounds.keys().next()?;
            let result = if close { board.close_root_challenge(key) } else { board.open_root_challenge(key) };
            return Some(result);
        }
        // By the property itself, which counts the money that comes in.
        Act::Join(_) => {}
        Act::Leave(member) => board.leave(member),
        Act::Resume => board.progress.resume(),
    }
    None
}

fn duties(board: &mut Board, skip: u8, lie: u8) {
    let said = |mask: u8, place: u16| mask & (1 << (place & 7)) != 0;
    for (key, index) in board.slots.keys().copied().collect::<Vec<_>>() {
        let slot = board.slots[&(key, index)];
        if let Some(worker) = slot.worker().filter(|_| !said(skip, index)) {
            let outcome = if said(lie, index + 4) { diverged() } else { trained(key, index) };
            let _ = board.commit(key, index, *worker, slot.generation, outcome);
        }
        if !said(skip, index + 3) {
            let leaves = openings(board, key, index, &roots(key, index));
            let _ = board.publish(key, index, &leaves);
        }
    }
    for (key, panel, place) in board.attesters.keys().copied().collect::<Vec<_>>() {
        let worker = board.attesters[&(key, panel, place)].worker;
        let got = if said(lie, place) { SlotSet::default() } else { all(board) };
        if !said(skip, place) {
            let _ = board.report(key, panel, place, worker, got);
        }
    }
    for (key, place) in board.seats.keys().copied().collect::<Vec<_>>() {
        let seat = board.seats[&(key, place)];
        let answer = if said(lie, place) { Digest([66; 32]) } else { truth(board, key, seat.slot) };
        if !said(skip, place) {
            let _ = board.seal(key, place, seat.auditor, seal(&answer, &salt(place), &seat.auditor));
        }
        // Whatever it sealed before.
        for answer in [truth(board, key, seat.slot), Digest([66; 32])] {
            let reveal = Reveal { answer, salt: salt(place), unserved: said(lie, place + 2) };
            if !said(skip, place + 1) {
                let _ = board.reveal(key, place, seat.auditor, &reveal);
            }
        }
    }
    for key in board.rounds.keys().copied().collect::<Vec<_>>() {
        if let Phase::Aggregating { aggregator: Some(worker), .. } = board.rounds[&key].phase
            && !said(skip, 7)
        {
            let _ = board.post_root(key, worker, checkpoint(key));
        }
    }
}

/// What must always hold.
fn check(board: &Board, total: u128) {
    assert_eq!(board.total(), total, "money is conserved");
    assert!(board.burnt * 2 >= board.slashed, "half of what is slashed is burnt");
    // Reserved stakes are exactly what is outstanding.
    let mut reserved = std::collections::BTreeMap::<Member, u128>::new();
    let mut reserve = |member: Member, amount: u128| *reserved.entry(member).or_default() += amount;
    let mut kept = 0;
    for ((key, index), slot) in &board.slots {
        let slashed = matches!(
            slot.checks.fault,
            Some(crate::round::Fault::Convicted(_) | crate::round::Fault::LeavesMissing)
        );
        if let Some(worker) = slot.worker().filter(|_| !slashed) {
            reserve(*worker, board.terms.stake);
        }
        if slashed {
            kept += crate::money::split(board.terms.stake).auditors;
        }
        let round = &board.rounds[key];
        let committed = matches!(slot.state, SlotState::Committed { .. });
        assert_eq!(round.committed.contains(*index), committed);
        assert!(!round.accepted.contains(*index) || committed, "what is accepted was committed");
        assert_eq!(round.faulty.contains(*index), slot.checks.fault.is_some());
    }
    for seat in board.seats.values() {
        if seat.state != SeatState::Wrong {
            reserve(seat.auditor, board.terms.audit.auditor_stake);
        }
    }
    for round in board.rounds.values() {
        match (&round.phase, round.owes_aggregator, &round.result) {
            (Phase::Aggregating { aggregator: Some(worker), .. }, _, _) => {
                reserve(*worker, board.terms.stake)
            }
            (_, true, Some((_, worker))) => reserve(*worker, board.terms.stake),
            _ => {}
        }
        let slots =
            || board.slots.iter().filter(|((key, _), _)| *key == round.key).map(|(_, slot)| slot.checks);
        assert_eq!(slots().map(|checks| checks.open).sum::<u16>(), round.disagreements);
        assert_eq!(slots().map(|checks| checks.challenges).sum::<u16>(), round.challenges);
        assert!(
            slots().all(|checks| checks.fault.is_none() || !checks.is_disputed()),
            "a fault ends what is open"
        );
        let stands = matches!(round.phase, Phase::Window { .. }) && round.owes_aggregator;
        assert!(round.root_challenges == 0 || stands, "what is challenged is an aggregation that stands");
    }
    for (member, worker) in &board.workers {
        assert_eq!(worker.reserved, reserved.get(member).copied().unwrap_or(0), "reservations of {member}");
        assert!(worker.reserved <= worker.stake, "no stake answers twice");
    }
    assert_eq!(board.kept, kept, "what is kept belongs to convicted slots");
    // Order and bounds.
    let progress = &board.progress;
    assert!(progress.open.windows(2).all(|pair| pair[0].round + 1 == pair[1].round));
    assert!(progress.open.first().is_none_or(|first| first.round == progress.finalised));
    assert!(progress.open.iter().all(|key| board.rounds[key].void.is_none()), "a voided round is not open");
    assert_eq!(progress.next.round, progress.finalised + progress.open.len() as u32);
    // The next round starts from what the last open one made, or started from; never from what a voided one made.
    let made = |round: &crate::round::Round<Member>| round.result.map(|(checkpoint, _)| checkpoint);
    let open: Vec<_> = progress.open.iter().map(|key| &board.rounds[key]).collect();
    for pair in open.windows(2) {
        assert_eq!(pair[1].base, made(pair[0]), "a round starts from what the one before made");
    }
    if let Some(last) = open.last() {
        let tip = if progress.building { last.base } else { made(last) };
        assert_eq!(progress.tip, tip, "the tip is of a round that stands");
    }
    assert!(progress.finalised > 0 || !open.is_empty() || progress.tip.is_none());
    for round in board.rounds.values() {
        let aggregating = matches!(round.phase, Phase::Aggregating { .. });
        assert!(!(aggregating && round.void.is_some()), "a voided round is not aggregated");
    }
    let live = progress.open.len() + progress.settling.len();
    assert_eq!(live, board.rounds.len());
    assert!(live <= crate::round::LIVE as usize);
}

/// Everybody is paid for each duty at most once, and never more than a round can cost.
fn check_pay(board: &Board) {
    let mut paid = std::collections::BTreeMap::<RoundKey, u128>::new();
    for happening in &board.log {
        if let Effect::Move(moved) = &happening.effect
            && moved.from == crate::money::Party::Escrow
        {
            *paid.entry(happening.key).or_default() += moved.amount;
        }
    }
    assert!(paid.values().all(|paid| *paid <= board.terms.round_cost), "{paid:?}");
}

/// A specification of some shape: one to three tries and attesters, no auditor to four.
fn shaped(shape: u64) -> RunSpec {
    let mut spec = spec();
    spec.rounds.tries = (1 + shape % 3) as u16;
    spec.audit.attesters = (1 + shape / 3 % 3) as u16;
    spec.audit.auditors = (shape / 9 % 5) as u16;
    spec
}

/// Plays acts from an open round on, checking the invariants after each, and then lets time alone end every round. Returns how
/// the board was left by the acts, and at the end.
fn play(acts: &[Act], seed: u64) -> (Board, Board) {
    let mut board = Board::new(&shaped(seed), 0, SESSION, seed);
    board.progress.escrow = crate::round::Progress::least_budget(&board.terms);
    (0..10).for_each(|member| board.join(member, 200 * UNITS));
    let mut total = board.total();
    opened(&mut board, key(0, 0));
    for act in acts {
        if let Act::Join(member) = act
            && !board.workers.contains_key(member)
        {
            board.join(*member, 100 * UNITS);
            total += 100 * UNITS;
        }
        attempt(&mut board, act);
        check(&board, total);
    }
    check_pay(&board);
    let left = board.clone();
    board.progress.pause(crate::round::Pause::Decided);
    let mut blocks = 0;
    while !board.rounds.is_empty() {
        board.now += 1;
        board.poke();
        blocks += 1;
        assert!(blocks < 2_000, "stuck: {:#?}", board.rounds);
    }
    check(&board, total);
    check_pay(&board);
    assert!(board.slots.is_empty() && board.seats.is_empty() && board.attesters.is_empty());
    assert!(board.workers.values().all(|worker| worker.reserved == 0));
    assert_eq!(board.kept, 0);
    (left, board)
}

fn logged_anywhere(board: &Board, is: impl Fn(&Effect<Member>) -> bool) -> bool {
    board.log.iter().any(|happening| is(&happening.effect))
}

fn plays() -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec(act(), 50..500)
}

/// The property is worth something only if the interleavings go everywhere.
#[test]
fn the_interleavings_reach_every_kind_of_end() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..150 {
        let acts = plays().new_tree(&mut runner).unwrap().current();
        let (board, ended) = play(&acts, seed);
        // The aggregator, too, is one that time alone has to do without.
        if logged_anywhere(&ended, |effect| *effect == Effect::Void(crate::round::VoidReason::NoRoot)) {
            seen.insert("void NoRoot".into());
        }
        for happening in &board.log {
            match &happening.effect {
                Effect::Void(reason) => seen.insert(alloc::format!("void {reason:?}")),
                Effect::Built(_) => seen.insert("built".into()),
                Effect::Dispute { .. } => seen.insert("dispute".into()),
                Effect::Move(moved) => seen.insert(match (moved.from, moved.to) {
                    (crate::money::Party::Stake(_), _) => "slash".into(),
                    (crate::money::Party::Kept, crate::money::Party::Worker(_)) => "share of a slash".into(),
                    _ => "pay".into(),
                }),
                Effect::PauseDiverged => seen.insert("pause".into()),
                _ => false,
            };
        }
        if board.progress.finalised > 1 {
            seen.insert("final".into());
        }
    }
    for kind in [
        "built",
        "final",
        "dispute",
        "slash",
        "share of a slash",
        "pay",
        "pause",
        "void TooFew",
        "void Convicted",
        "void FalseRoot",
        "void Undecided",
        "void Unattested",
        "void Diverged",
        "void NoRoot",
    ] {
        assert!(seen.contains(kind), "no interleaving led to `{kind}`: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever happens: the invariants hold after each act; and from wherever it led, time and pokes alone end every round.
    #[test]
    fn no_interleaving_breaks_the_books_or_gets_a_round_stuck(acts in plays(), seed: u64) {
        play(&acts, seed);
    }

    /// Also if nobody pokes for a long time in between.
    #[test]
    fn rare_pokes_end_every_round(seed: u64, gaps in proptest::collection::vec(1u32..120, 100)) {
        let mut board = Board::new(&shaped(seed), 0, SESSION, seed);
        board.progress.escrow = crate::round::Progress::least_budget(&board.terms);
        (0..10).for_each(|member| board.join(member, 200 * UNITS));
        opened(&mut board, key(0, 0));
        for index in 0..3 {
            commit(&mut board, key(0, 0), index, trained(key(0, 0), index));
        }
        board.progress.pause(crate::round::Pause::Decided);
        let total = board.total();
        for gap in gaps {
            board.now += gap;
            board.poke();
        }
        prop_assert!(board.rounds.is_empty(), "{:#?}", board.rounds);
        prop_assert_eq!(board.total(), total);
    }
}

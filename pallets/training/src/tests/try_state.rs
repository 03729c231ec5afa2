//! Each invariant is proven able to fail: storage is corrupted, and the check must say so.

use frame_support::traits::{fungible::MutateHold, tokens::Precision::Exact};
use sabha_protocol::{
    Digest, SlotSet,
    round::{Claim, Phase, SlotState},
};
use sp_runtime::TryRuntimeError;

use super::play::*;
use crate::{
    Agenda, Attesters, Capacity, HoldReason, HotKeys, InFlight, LeftTickets, NextRunId, Pass, Passes, Rounds,
    RunStatus, Runs, Seats, Slots, Specs, TicketHead, TicketPlaces, Tickets, Unserved, Words, WorkerStatus,
    Workers, mock::*,
};

const DONE: sabha_protocol::RoundKey = sabha_protocol::RoundKey { round: 0, attempt: 0 };
const OPEN: sabha_protocol::RoundKey = sabha_protocol::RoundKey { round: 1, attempt: 0 };

/// A run whose round 0 is in its window, with sealed seats, an attested and a diverged slot, of which one is challenged, and whose round 1
/// is in training; another one that is over; a worker that unbonds.
fn busy() -> sp_io::TestExternalities {
    let mut ext = ext();
    ext.execute_with(|| {
        crowd();
        register(FIRST + 10, STAKE);
        Training::unbond(signed(FIRST + 10)).unwrap();
        create(&spec(1));
        Training::stop_run(RuntimeOrigin::root(), 0).unwrap();
        let id = create(&spec(4));
        opened(id, DONE);
        commit(id, DONE, 0, trained(DONE, 0));
        commit(id, DONE, 1, trained(DONE, 1));
        commit(id, DONE, 2, diverged());
        block(true);
        let mut two = all(id);
        two.remove(2);
        attest(id, DONE, two);
        aggregate(id, DONE);
        opened(id, OPEN);
        seated(id, DONE);
        seal_all(id, DONE, |place| Some(Digest([place as u8; 32])));
        Training::open_challenge(id, DONE, 0).unwrap();
        Training::convict(id, DONE, 2, Claim::Divergence, None).unwrap();
        assert!(run_of(id).kept > 0);
        assert!(matches!(round_of(id, OPEN).phase, Phase::Training { .. }));
        check();
    });
    ext
}

/// A worker that trains a slot of the open round.
fn trainer() -> AccountId {
    Workers::<Test>::iter().find(|(_, worker)| worker.training > 0).unwrap().0
}

fn worker_of(owner: AccountId, change: impl FnOnce(&mut crate::WorkerOf<Test>)) {
    Workers::<Test>::mutate(owner, |worker| change(worker.as_mut().unwrap()));
}

fn run_1(change: impl FnOnce(&mut crate::RunOf<Test>)) {
    Runs::<Test>::mutate(1, |run| change(run.as_mut().unwrap()));
}

fn done(change: impl FnOnce(&mut crate::RoundOf<Test>)) {
    Rounds::<Test>::mutate(1, DONE, |round| change(round.as_mut().unwrap()));
}

/// Every corruption, and what the check must say.
fn corruptions() -> Vec<(fn(), &'static str)> {
    vec![
        // Room.
        (|| InFlight::<Test>::mutate(|all| *all += 1), "slots in flight are miscounted"),
        (|| Capacity::<Test>::mutate(|all| *all += 1), "places of workers are miscounted"),
        (|| Unserved::<Test>::insert(1, (key(7, 0), SlotSet::default())), "that nobody serves has no round"),
        (
            || {
                let mut slots = SlotSet::default();
                slots.insert(9);
                Unserved::<Test>::insert(1, (OPEN, slots));
            },
            "that nobody serves is not open",
        ),
        // Workers.
        (|| worker_of(FIRST, |w| w.stake += 1), "not the stake"),
        (
            || {
                Balances::release(&HoldReason::WorkerStake.into(), &FIRST, 1, Exact).unwrap();
            },
            "not the stake",
        ),
        (|| worker_of(trainer(), |w| w.reserved = w.stake + 1), "answers twice"),
        (|| worker_of(trainer(), |w| w.reserved -= 1), "not what is unsettled"),
        (|| worker_of(trainer(), |w| w.training += 1), "that a worker trains are miscounted"),
        (|| worker_of(FIRST, |w| w.attesting += 1), "attestations are miscounted"),
        (|| HotKeys::<Test>::remove(hot(FIRST)), "does not lead to it"),
        (|| HotKeys::<Test>::insert(900, FIRST), "speaks for no worker"),
        (
            || {
                HotKeys::<Test>::remove(hot(FIRST));
                HotKeys::<Test>::insert(FIRST + 1, FIRST);
                worker_of(FIRST, |w| w.hot_key = FIRST + 1);
            },
            "owns another worker",
        ),
        (|| worker_of(FIRST, |w| w.status = WorkerStatus::Idle), "exactly ready workers"),
        (|| worker_of(FIRST, |w| w.tickets += 1), "ticket has no place"),
        (
            || worker_of(FIRST + 10, |w| w.status = WorkerStatus::Unbonding { since: Now::get() + 1 }),
            "from the future",
        ),
        // Tickets.
        (|| worker_of(FIRST, |w| w.tickets -= 1), "more tickets than it knows"),
        (|| TicketPlaces::<Test>::insert(77, 0, 0), "ticket has no worker"),
        (|| Tickets::<Test>::remove(0), "place has no ticket"),
        (|| Tickets::<Test>::mutate(0, |ticket| ticket.as_mut().unwrap().ordinal = 9), "in another's place"),
        (|| TicketHead::<Test>::mutate(|head| head.len -= 1), "beyond the array"),
        (|| TicketHead::<Test>::mutate(|head| head.tail -= 1), "behind the tail"),
        (|| TicketHead::<Test>::mutate(|head| head.live += 1), "live tickets are miscounted"),
        (|| LeftTickets::<Test>::insert(1_000, 0), "outside the queue"),
        // Runs.
        (|| NextRunId::<Test>::put(1), "from the future"),
        (|| run_1(|run| run.progress.escrow += 1), "not what came in"),
        (|| run_1(|run| run.paid += 1), "not what came in"),
        (|| Specs::<Test>::insert(0, spec(1)), "run that is over remains"),
        (
            || Agenda::<Test>::mutate(|agenda| agenda.try_push((0, 0)).unwrap()),
            "run that is over is in the agenda",
        ),
        (|| Agenda::<Test>::mutate(|agenda| agenda.try_push((1, 0)).unwrap()), "in the agenda twice"),
        (|| Agenda::<Test>::mutate(|agenda| agenda.try_push((9, 0)).unwrap()), "does not exist"),
        (|| Agenda::<Test>::kill(), "not in the agenda"),
        (|| Runs::<Test>::mutate(0, |run| run.as_mut().unwrap().kept = 1), "kept for a run that is over"),
        (
            || Runs::<Test>::mutate(0, |run| run.as_mut().unwrap().status = RunStatus::Completed),
            "ended otherwise",
        ),
        (|| Specs::<Test>::remove(1), "no specification"),
        (|| Specs::<Test>::insert(1, spec(3)), "specification is another"),
        (|| run_1(|run| run.rounds = 1), "rounds are not its specification's"),
        (|| Specs::<Test>::insert(9, spec(3)), "specification has no run"),
        (|| Passes::<Test>::insert(0, Pass::START), "pass has no run"),
        (|| run_1(|run| run.status = RunStatus::Stopping), "stopped run opens rounds"),
        // Progress.
        (|| run_1(|run| run.progress.open.truncate(1)), "not those of its progress"),
        (|| run_1(|run| run.progress.settling.try_push(OPEN).unwrap()), "too many rounds, or one twice"),
        (|| run_1(|run| run.progress.finalised = 1), "out of order"),
        (|| run_1(|run| run.progress.next.round = 3), "not the next"),
        (|| done(|round| round.void = Some(sabha_protocol::round::VoidReason::Base)), "voided round is open"),
        // Rounds.
        (|| done(|round| round.key.attempt = 7), "another's key"),
        (|| done(|round| round.unsettled += 1), "unsettled records are miscounted"),
        (|| done(|round| round.owes_aggregator = false), "unsettled records are miscounted"),
        (|| done(|round| round.disagreements += 1), "disagreements are miscounted"),
        (|| done(|round| round.challenges += 1), "challenges are miscounted"),
        (
            || {
                let mut slot = slot_of(1, DONE, 2);
                slot.checks.challenges = 1;
                Slots::<Test>::insert((1, DONE, 2), slot);
            },
            "open about a slot at fault",
        ),
        (
            || {
                let mut open = round_of(1, OPEN);
                open.root_challenges = 1;
                Rounds::<Test>::insert(1, OPEN, open);
            },
            "that does not stand",
        ),
        (|| done(|round| round.committed.remove(0)), "committed slots are others"),
        (|| done(|round| round.open.insert(0)), "open slots are others"),
        (|| done(|round| round.accepted.insert(9)), "accepted was not committed"),
        (|| done(|round| round.faulty = SlotSet::default()), "fault is not the round's"),
        (|| done(|round| round.sealed += 1), "seals and answers are miscounted"),
        (|| done(|round| round.seats += 1), "seat is missing"),
        (|| done(|round| round.audits = sabha_protocol::audit::Audits::NotYet), "before the freeze"),
        (
            || {
                let slot = slot_of(1, DONE, 0);
                Slots::<Test>::insert((1, DONE, 5), slot);
            },
            "beyond the round's",
        ),
        (|| Slots::<Test>::remove((1, DONE, 1)), "a slot of a round is missing"),
        (
            || {
                let slot = slot_of(1, DONE, 0);
                Slots::<Test>::insert((1, key(3, 0), 0), slot);
            },
            "slot has no round",
        ),
        (
            || {
                let seat = Seats::<Test>::iter_values().next().unwrap();
                Seats::<Test>::insert((1, key(3, 0), 0), seat);
            },
            "seat has no round",
        ),
        (
            || {
                let seat = Seats::<Test>::iter_values().next().unwrap();
                Seats::<Test>::insert((1, DONE, 5), seat);
            },
            "seat is beyond",
        ),
        (
            || {
                let attester = Attesters::<Test>::iter_values().next().unwrap();
                Attesters::<Test>::insert((1, key(3, 0), 0, 0), attester);
            },
            "attester has no round",
        ),
        (
            || {
                let round = round_of(1, DONE);
                Rounds::<Test>::insert(9, DONE, round);
            },
            "round has no run",
        ),
        // A slot whose worker does not exist.
        (
            || {
                let index =
                    (0..3).find(|index| slot_of(1, OPEN, *index).worker() == Some(&trainer())).unwrap();
                let owner = trainer();
                Slots::<Test>::mutate((1, OPEN, index), |slot| {
                    let SlotState::Assigned { until, .. } = slot.as_ref().unwrap().state else { panic!() };
                    slot.as_mut().unwrap().state = SlotState::Assigned { worker: 77, until };
                });
                worker_of(owner, |w| {
                    w.training -= 1;
                    w.reserved -= spec(4).stake_per_slot;
                });
            },
            "has no worker",
        ),
        (
            || {
                let ((run, round, panel, place), attester) = Attesters::<Test>::iter().next().unwrap();
                let owner = attester.worker;
                Attesters::<Test>::mutate((run, round, panel, place), |a| a.as_mut().unwrap().worker = 77);
                worker_of(owner, |w| w.attesting -= 1);
            },
            "attestation has no worker",
        ),
        // Money.
        (|| run_1(|run| run.kept += 1), "kept does not belong"),
        (|| worker_of(FIRST, |w| w.owed = 1), "pot does not cover"),
        (
            || {
                Balances::transfer_allow_death(RuntimeOrigin::signed(Training::account_id()), BOB, 1)
                    .unwrap();
            },
            "pot does not cover",
        ),
        // Words.
        (|| Words::<Test>::mutate(|words| words.as_mut().swap(0, 1)), "out of order"),
        (
            || {
                Words::<Test>::mutate(|words| words.last_mut().unwrap().0 += 1);
            },
            "word is from the future",
        ),
    ]
}

#[test]
fn every_corruption_is_noticed() {
    for (index, (corrupt, says)) in corruptions().into_iter().enumerate() {
        busy().execute_with(|| {
            corrupt();
            match Training::do_try_state() {
                Err(TryRuntimeError::Other(text)) => {
                    assert!(text.contains(says), "corruption {index}: `{text}` should say `{says}`");
                }
                other => panic!("corruption {index} ({says}): {other:?}"),
            }
        });
    }
}

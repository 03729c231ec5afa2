use super::*;
use crate::daemon::journal::Event;
use sabha_protocol::{Commitment, Digest, SlotId};

fn account(byte: u8) -> AccountId {
    AccountId::from([byte; 32])
}

fn task(round: u32, generation: u16) -> Task {
    Task { slot: SlotId { run: 7, round, slot: 0 }, generation }
}

fn basis(byte: u8) -> Basis {
    Basis { spec: Digest([9; 32]), checkpoint: Some(Digest([byte; 32])) }
}

fn outcome(byte: u8) -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([byte; 32]),
        update_digest: Digest([byte; 32]),
        mean_loss: 2.0.into(),
    })
}

fn duty(round: u32, generation: u16) -> Duty {
    Duty {
        task: task(round, generation),
        state: SlotState::Assigned { deadline: 150 },
        basis: basis(1),
        numerics_version: NUMERICS_YARDSTICK,
    }
}

fn idle() -> View {
    View {
        block: 100,
        best: 102,
        active: 100,
        status: WorkerStatus::Ready,
        failed: 0,
        duty: None,
        due: vec![],
    }
}

fn working(duty: Duty) -> View {
    View { status: WorkerStatus::Working, duty: Some(duty), ..idle() }
}

/// A log in a folder of its own, with some events.
fn journal(events: impl IntoIterator<Item = Event>) -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events {
        journal.record(event).unwrap();
    }
    (folder, journal)
}

fn taken(task: Task) -> Event {
    Event::Taken { task, basis: basis(1), failed: 0 }
}

fn trained(task: Task) -> Event {
    Event::Trained { task, basis: basis(1), outcome: outcome(1) }
}

fn signing(task: Task) -> Event {
    Event::Signing { task, outcome: outcome(1) }
}

fn decide(view: &View, memory: &Memory, events: impl IntoIterator<Item = Event>) -> Action {
    let (_folder, journal) = journal(events);
    next_action(view, memory, &journal, &account(1))
}

#[test]
fn without_a_slot_there_is_nothing_to_do() {
    assert_eq!(decide(&idle(), &Memory::default(), []), Action::Wait);
}

#[test]
fn a_new_slot_is_trained_and_then_only_waited_for() {
    let view = working(duty(0, 0));
    assert_eq!(decide(&view, &Memory::default(), []), Action::Train(duty(0, 0)));
    let memory = Memory { training: Some((task(0, 0), basis(1))), ..Memory::default() };
    assert_eq!(decide(&view, &memory, [taken(task(0, 0))]), Action::Wait);
}

#[test]
fn a_restart_in_mid_training_trains_on() {
    let view = working(duty(0, 0));
    let parked = Event::Parked { task: task(0, 0), step: 5 };
    assert_eq!(decide(&view, &Memory::default(), [taken(task(0, 0)), parked]), Action::Train(duty(0, 0)));
}

#[test]
fn a_trained_slot_is_committed_also_after_a_restart() {
    let view = working(duty(0, 0));
    let commit = Action::Commit(task(0, 0), outcome(1));
    let log = || [taken(task(0, 0)), trained(task(0, 0))];
    assert_eq!(decide(&view, &Memory::default(), log()), commit);
    // Signed, and then the lights went out: sent again, the same.
    let signed = log().into_iter().chain([signing(task(0, 0))]);
    assert_eq!(decide(&view, &Memory::default(), signed), commit);
}

#[test]
fn a_sent_commitment_is_waited_for_and_sent_again_when_it_is_lost() {
    let memory = Memory { sent: [(task(0, 0), 103)].into(), ..Memory::default() };
    let log = || [taken(task(0, 0)), trained(task(0, 0)), signing(task(0, 0))];
    let at = |block| View { block, ..working(duty(0, 0)) };
    assert_eq!(decide(&at(101), &memory, log()), Action::Wait);
    assert_eq!(decide(&at(103 + RESEND_BLOCKS - 1), &memory, log()), Action::Wait);
    let commit = Action::Commit(task(0, 0), outcome(1));
    assert_eq!(decide(&at(103 + RESEND_BLOCKS), &memory, log()), commit);
}

#[test]
fn a_commitment_is_settled_only_when_the_followed_block_can_show_it() {
    let memory = Memory { sent: [(task(0, 0), 103)].into(), ..Memory::default() };
    let log = || [taken(task(0, 0)), trained(task(0, 0)), signing(task(0, 0))];
    let at = |block| View { block, ..idle() };
    assert_eq!(decide(&at(102), &memory, log()), Action::Wait);
    assert_eq!(decide(&at(103), &memory, log()), Action::Settle(task(0, 0)));
    // After a restart nothing is remembered as sent: the chain says it all.
    assert_eq!(decide(&at(103), &Memory::default(), log()), Action::Settle(task(0, 0)));
    let committed = log().into_iter().chain([Event::Committed { task: task(0, 0), block: 103 }]);
    assert_eq!(decide(&at(103), &memory, committed), Action::Wait);
}

#[test]
fn a_missed_deadline_is_noted_and_the_worker_gets_ready_again() {
    let lost = View { status: WorkerStatus::Idle, failed: 1, ..idle() };
    for events in [
        vec![taken(task(0, 0))],
        vec![taken(task(0, 0)), trained(task(0, 0))],
        vec![taken(task(0, 0)), trained(task(0, 0)), signing(task(0, 0))],
    ] {
        let lose = Action::Lose { task: task(0, 0), expired: true };
        assert_eq!(decide(&lost, &Memory::default(), events), lose);
    }
    let noted = || [taken(task(0, 0)), Event::Lost { task: task(0, 0), expired: true }];
    let wants = Memory { wants_ready: true, ..Memory::default() };
    assert_eq!(decide(&lost, &wants, noted()), Action::Ready);
    assert_eq!(decide(&lost, &Memory::default(), noted()), Action::Wait, "only if it is wanted");
    let later = Memory { retry_at: Some(104), ..wants };
    assert_eq!(decide(&lost, &later, noted()), Action::Wait, "not at once after a failure");
}

#[test]
fn ready_is_never_said_against_the_operators_will() {
    let wants = Memory { wants_ready: true, ..Memory::default() };
    for status in [
        WorkerStatus::Ready,
        WorkerStatus::Working,
        WorkerStatus::Draining,
        WorkerStatus::Unbonding { since: 3 },
    ] {
        assert_eq!(decide(&View { status, ..idle() }, &wants, []), Action::Wait, "{status:?}");
    }
}

#[test]
fn a_slot_of_a_stopped_run_is_dropped_without_blame() {
    let lose = Action::Lose { task: task(0, 0), expired: false };
    assert_eq!(decide(&idle(), &Memory::default(), [taken(task(0, 0))]), lose);
}

#[test]
fn training_is_abandoned_when_the_slot_or_its_basis_is_another() {
    let memory = Memory { training: Some((task(0, 0), basis(1))), ..Memory::default() };
    let abandon = Action::Abandon(task(0, 0));
    assert_eq!(decide(&idle(), &memory, [taken(task(0, 0))]), abandon);
    assert_eq!(decide(&working(duty(0, 1)), &memory, [taken(task(0, 0))]), abandon);
    let moved = Duty { basis: basis(2), ..duty(0, 0) };
    assert_eq!(decide(&working(moved), &memory, [taken(task(0, 0))]), abandon);
}

#[test]
fn another_basis_is_trained_anew_unless_an_outcome_was_signed() {
    let moved = Duty { basis: basis(2), ..duty(0, 0) };
    let view = working(moved.clone());
    let log = || [taken(task(0, 0)), trained(task(0, 0))];
    assert_eq!(decide(&view, &Memory::default(), log()), Action::Train(moved));
    let signed = || log().into_iter().chain([signing(task(0, 0))]);
    assert_eq!(decide(&view, &Memory::default(), signed()), Action::Refuse(task(0, 0)));
    let memory = Memory { refused: [task(0, 0)].into(), ..Memory::default() };
    assert_eq!(decide(&view, &memory, signed()), Action::Wait);
}

/// A slot that was declined is not tried again and again: it is only waited for, until the chain takes it back.
#[test]
fn a_declined_slot_is_let_go() {
    let log = || [taken(task(0, 0)), Event::Declined { task: task(0, 0), reason: "too large".into() }];
    let memory = Memory { refused: [task(0, 0)].into(), wants_ready: true, ..Memory::default() };
    let at = |active| View { active, ..working(duty(0, 0)) };
    for active in [100, 149, 150, 200] {
        assert_eq!(decide(&at(active), &memory, log()), Action::Wait, "{active}");
    }
    let lost = View { status: WorkerStatus::Idle, failed: 1, ..idle() };
    assert_eq!(decide(&lost, &memory, log()), Action::Lose { task: task(0, 0), expired: true });
}

#[test]
fn another_generation_is_another_task() {
    let view = View { failed: 1, ..working(duty(0, 1)) };
    let log = || [taken(task(0, 0)), trained(task(0, 0)), signing(task(0, 0))];
    assert_eq!(decide(&view, &Memory::default(), log()), Action::Lose { task: task(0, 0), expired: true });
    let noted = log().into_iter().chain([Event::Lost { task: task(0, 0), expired: true }]);
    assert_eq!(decide(&view, &Memory::default(), noted), Action::Train(duty(0, 1)));
}

#[test]
fn nothing_is_trained_or_sent_after_the_deadline_or_before_a_retry() {
    let at = |active| View { active, ..working(duty(0, 0)) };
    assert_eq!(decide(&at(149), &Memory::default(), []), Action::Train(duty(0, 0)));
    assert_eq!(decide(&at(150), &Memory::default(), []), Action::Wait);
    let log = [taken(task(0, 0)), trained(task(0, 0))];
    assert_eq!(decide(&at(150), &Memory::default(), log), Action::Wait);
    let memory = Memory { retry_at: Some(101), ..Memory::default() };
    assert_eq!(decide(&at(100), &memory, []), Action::Wait);
}

#[test]
fn unknown_numerics_end_the_daemon() {
    let strange = Duty { numerics_version: 9, ..duty(0, 0) };
    assert_eq!(decide(&working(strange), &Memory::default(), []), Action::UnknownNumerics(9));
}

#[test]
fn runs_are_poked_after_a_while_and_by_the_committer_at_once() {
    let due = Due { open: true, ..Due::default() };
    let mut view = View { due: vec![(6, Due::default()), (7, due)], ..idle() };
    let mut memory = Memory { pokes: true, ..Memory::default() };
    note_due(&mut memory, &view);
    assert_eq!(memory.due_since, [(7, 102)].into());
    assert_eq!(decide(&view, &memory, []), Action::Wait);
    view.best = 102 + poke_delay(&account(1), 7, 102);
    note_due(&mut memory, &view);
    assert_eq!(decide(&view, &memory, []), Action::Poke(7));
    let silent = Memory { pokes: false, ..memory.clone() };
    assert_eq!(decide(&view, &silent, []), Action::Wait);
    view.best = 102;
    memory.just_committed = Some(7);
    assert_eq!(decide(&view, &memory, []), Action::Poke(7));
    // Somebody else has done it.
    view.due = vec![];
    note_due(&mut memory, &view);
    assert!(memory.due_since.is_empty());
    assert_eq!(decide(&view, &memory, []), Action::Wait);
}

#[test]
fn own_work_goes_before_pokes() {
    let due = vec![(7, Due { finalise: 2, ..Due::default() })];
    let memory = Memory { pokes: true, just_committed: Some(7), ..Memory::default() };
    let view = View { due, ..working(duty(0, 0)) };
    assert_eq!(decide(&view, &memory, []), Action::Train(duty(0, 0)));
    let training = Memory { training: Some((task(0, 0), basis(1))), ..memory };
    assert_eq!(decide(&view, &training, [taken(task(0, 0))]), Action::Poke(7), "meanwhile");
}

#[test]
fn poke_delays_spread() {
    let mut counts = [0; 5];
    for since in 0..400 {
        counts[poke_delay(&account(1), 7, since) as usize] += 1;
    }
    assert!(counts[0] == 0 && counts[1..].iter().all(|n| *n > 70), "{counts:?}");
    let collisions = (0..400)
        .filter(|since| poke_delay(&account(1), 7, *since) == poke_delay(&account(2), 7, *since))
        .count();
    assert!((60..140).contains(&collisions), "{collisions}");
}

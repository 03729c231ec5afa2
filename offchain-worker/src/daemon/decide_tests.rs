use super::*;
use crate::daemon::{
    journal::Event,
    task::{Ask, Found},
};
use sabha_protocol::{
    Commitment, Digest, NUMERICS_YARDSTICK, Outcome, RoundKey, SlotSet, audit::Opening, round::Checkpoint,
};

#[path = "decide_crashes.rs"]
mod crashes;
#[path = "decide_properties.rs"]
mod properties;

fn account(byte: u8) -> AccountId {
    AccountId::from([byte; 32])
}

fn task(kind: Kind, round: u32) -> Task {
    Task { kind, run: 7, round: RoundKey { round, attempt: 0 }, place: 0, generation: 1 }
}

fn commitment(byte: u8) -> Outcome {
    Outcome::Trained(Commitment {
        segments_root: Digest([byte; 32]),
        update_digest: Digest([byte; 32]),
        mean_loss: 2.0.into(),
    })
}

const SEAL: Digest = Digest([77; 32]);
const FOUND: Found = Found { answer: Digest([5; 32]), unserved: false };
const SALT: [u8; 32] = [6; 32];

fn leaves() -> Vec<Opening> {
    vec![Opening { leaf: Digest([8; 32]), path: vec![] }]
}

fn ask(kind: Kind) -> Ask {
    match kind {
        Kind::Train => Ask::Train,
        Kind::Attest => Ask::Attest(vec![(0, Digest([1; 32]))]),
        Kind::Aggregate => Ask::Aggregate(vec![(0, Digest([1; 32]))]),
        Kind::Audit => Ask::Audit { slot: 0, claim: commitment(1), segments: vec![1] },
        Kind::Publish => Ask::Publish { segments_root: Digest([1; 32]), segments: vec![1] },
        Kind::Reveal => Ask::Reveal(SEAL),
    }
}

/// A duty of round 0 whose deadline is active block 150.
fn duty(kind: Kind) -> Duty {
    let ask = ask(kind);
    Duty {
        task: task(kind, 0),
        basis: Duty::basis(Digest([9; 32]), None, &ask),
        ask,
        until: 150,
        target: 150,
        patience: 140,
        leaves: None,
        numerics_version: NUMERICS_EXACT,
    }
}

/// The same from another checkpoint: a reorganisation took away what the round was built on.
fn moved(kind: Kind) -> Duty {
    let base = Some(Checkpoint { root: Digest([3; 32]), blob: Digest([4; 32]) });
    let duty = duty(kind);
    Duty { basis: Duty::basis(Digest([9; 32]), base, &duty.ask), ..duty }
}

/// What honest work for a duty ends in.
fn act(kind: Kind) -> Act {
    match kind {
        Kind::Train => Act::Commit(commitment(1)),
        Kind::Attest => Act::Report(SlotSet([1; 32])),
        Kind::Aggregate => Act::PostRoot(Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) }),
        Kind::Audit => Act::Seal { seal: SEAL, found: FOUND, salt: SALT },
        Kind::Publish => Act::Publish(leaves()),
        Kind::Reveal => Act::Reveal { found: FOUND, salt: SALT },
    }
}

const ALL: [Kind; 6] = [Kind::Reveal, Kind::Publish, Kind::Attest, Kind::Aggregate, Kind::Audit, Kind::Train];
/// Those that take work.
const WORK: [Kind; 5] = [Kind::Publish, Kind::Attest, Kind::Aggregate, Kind::Audit, Kind::Train];

fn idle() -> View {
    View {
        block: 100,
        best: 102,
        active: 100,
        status: WorkerStatus::Ready,
        duties: vec![],
        standings: BTreeMap::new(),
        due: vec![],
    }
}

fn asked(duties: impl IntoIterator<Item = Duty>) -> View {
    View { duties: duties.into_iter().collect(), ..idle() }
}

fn standing(kind: Kind, standing: Standing) -> View {
    View { standings: [(task(kind, 0), standing)].into(), ..idle() }
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

fn taken(kind: Kind) -> Event {
    Event::Taken { task: task(kind, 0), basis: duty(kind).basis, until: 150, block: 99 }
}

fn done(kind: Kind) -> Event {
    Event::Done { task: task(kind, 0), basis: duty(kind).basis, act: act(kind) }
}

fn signing(kind: Kind) -> Event {
    Event::Signing { task: task(kind, 0), act: act(kind) }
}

fn decide(view: &View, memory: &Memory, events: impl IntoIterator<Item = Event>) -> Action {
    let (_folder, journal) = journal(events);
    next_action(view, memory, &journal, &account(1))
}

fn working(kind: Kind) -> Memory {
    Memory { working: [(kind.lane(), (task(kind, 0), duty(kind).basis))].into(), ..Memory::default() }
}

#[test]
fn without_a_duty_there_is_nothing_to_do() {
    assert_eq!(decide(&idle(), &Memory::default(), []), Action::Wait);
}

#[test]
fn a_new_duty_is_worked_on_and_then_only_waited_for() {
    for kind in WORK {
        let view = asked([duty(kind)]);
        assert_eq!(decide(&view, &Memory::default(), []), Action::Work(duty(kind)));
        assert_eq!(decide(&view, &working(kind), [taken(kind)]), Action::Wait, "{kind:?}");
    }
}

#[test]
fn a_restart_in_the_middle_works_on() {
    let parked = Event::Parked { task: task(Kind::Train, 0), step: 5 };
    let view = asked([duty(Kind::Train)]);
    assert_eq!(
        decide(&view, &Memory::default(), [taken(Kind::Train), parked]),
        Action::Work(duty(Kind::Train))
    );
}

#[test]
fn what_was_worked_out_is_signed_also_after_a_restart() {
    for kind in WORK {
        let view = asked([duty(kind)]);
        let sign = Action::Sign(duty(kind), act(kind));
        let log = || [taken(kind), done(kind)];
        assert_eq!(decide(&view, &Memory::default(), log()), sign);
        // Signed, and then the lights went out: sent again, the same.
        let signed = log().into_iter().chain([signing(kind)]);
        assert_eq!(decide(&view, &Memory::default(), signed), sign);
    }
}

#[test]
fn a_sent_act_is_waited_for_and_sent_again_when_it_is_lost() {
    for kind in WORK {
        let memory = Memory { sent: [(task(kind, 0), 103)].into(), ..Memory::default() };
        let log = || [taken(kind), done(kind), signing(kind)];
        let at = |block| View { block, ..asked([duty(kind)]) };
        assert_eq!(decide(&at(101), &memory, log()), Action::Wait);
        assert_eq!(decide(&at(103 + RESEND_BLOCKS - 1), &memory, log()), Action::Wait);
        let sign = Action::Sign(duty(kind), act(kind));
        assert_eq!(decide(&at(103 + RESEND_BLOCKS), &memory, log()), sign);
    }
}

#[test]
fn an_act_is_settled_only_when_the_followed_block_can_show_it() {
    for kind in WORK {
        let memory = Memory { sent: [(task(kind, 0), 103)].into(), ..Memory::default() };
        let log = || [taken(kind), done(kind), signing(kind)];
        let at = |block| View { block, ..standing(kind, Standing::Undone) };
        assert_eq!(
            decide(&at(102), &memory, log()),
            Action::Wait,
            "the block that has it is not followed yet"
        );
        let view = View { block: 103, ..standing(kind, Standing::Done) };
        assert_eq!(decide(&view, &memory, log()), Action::Settle(task(kind, 0)));
        let settled = log().into_iter().chain([Event::Settled { task: task(kind, 0), block: 103 }]);
        assert_eq!(decide(&view, &memory, settled), Action::Wait);
    }
}

/// A settled round has no records: what a block was seen to have is done, what was not signed is missed, and of the rest nobody can tell.
#[test]
fn after_a_long_absence_only_what_was_seen_counts_as_done() {
    for kind in WORK {
        let gone = standing(kind, Standing::Gone);
        let signed = [taken(kind), done(kind), signing(kind)];
        let seen = Memory { landed: [task(kind, 0)].into(), ..Memory::default() };
        assert_eq!(decide(&gone, &seen, signed.clone()), Action::Settle(task(kind, 0)));
        assert_eq!(decide(&gone, &Memory::default(), signed.clone()), Action::Forget(task(kind, 0)));
        let forgotten = signed.into_iter().chain([Event::Unknown { task: task(kind, 0) }]);
        assert_eq!(decide(&gone, &Memory::default(), forgotten), Action::Wait);
        let late = View { active: 151, ..gone };
        let lose = Action::Lose { task: task(kind, 0), late: true };
        assert_eq!(decide(&late, &Memory::default(), [taken(kind), done(kind)]), lose);
    }
}

#[test]
fn a_missed_deadline_is_told_from_a_duty_that_was_taken_back() {
    for kind in WORK {
        for (active, late) in [(150, false), (151, true)] {
            let view = View { active, ..standing(kind, Standing::Undone) };
            let lose = Action::Lose { task: task(kind, 0), late };
            assert_eq!(decide(&view, &Memory::default(), [taken(kind)]), lose);
            let noted = [taken(kind), Event::Lost { task: task(kind, 0), late }];
            assert_eq!(decide(&view, &Memory::default(), noted), Action::Wait);
        }
    }
}

/// After a failover to a node that is behind: in its block the work is not asked for yet.
#[test]
fn a_view_that_is_older_than_the_work_ends_nothing() {
    for kind in WORK {
        let at = |block, view| View { block, active: 151, ..view };
        for stand in [Standing::Gone, Standing::Undone] {
            let lose = Action::Lose { task: task(kind, 0), late: true };
            let decide = |block| decide(&at(block, standing(kind, stand)), &Memory::default(), [taken(kind)]);
            assert_eq!((decide(98), decide(99)), (Action::Wait, lose), "{kind:?}");
        }
        let decide = |block| decide(&at(block, idle()), &working(kind), [taken(kind)]);
        assert_eq!((decide(98), decide(99)), (Action::Wait, Action::Abandon(task(kind, 0))), "{kind:?}");
    }
}

/// The view was made before the work was begun.
#[test]
fn what_the_view_says_nothing_of_is_left_as_it_is() {
    assert_eq!(decide(&idle(), &Memory::default(), [taken(Kind::Train)]), Action::Wait);
}

#[test]
fn work_that_nobody_asks_for_any_more_is_abandoned() {
    for kind in WORK {
        let abandon = Action::Abandon(task(kind, 0));
        assert_eq!(decide(&idle(), &working(kind), [taken(kind)]), abandon);
        let again = Duty { task: Task { generation: 2, ..task(kind, 0) }, ..duty(kind) };
        assert_eq!(decide(&asked([again]), &working(kind), [taken(kind)]), abandon, "another generation");
        assert_eq!(decide(&asked([moved(kind)]), &working(kind), [taken(kind)]), abandon, "another basis");
    }
}

#[test]
fn after_a_reorganisation_work_begins_anew_and_nothing_is_signed_twice() {
    for kind in WORK {
        let view = asked([moved(kind)]);
        let log = || [taken(kind), done(kind)];
        assert_eq!(decide(&view, &Memory::default(), log()), Action::Work(moved(kind)));
        let signed = || log().into_iter().chain([signing(kind)]);
        let refuse = Action::Refuse(task(kind, 0), Refusal::Signed);
        assert_eq!(decide(&view, &Memory::default(), signed()), refuse);
        // Once is enough; and when the chain comes back to the first basis, the first act stands.
        let refused = Memory { refused: [task(kind, 0)].into(), ..Memory::default() };
        assert_eq!(decide(&view, &refused, signed()), Action::Wait);
        let back = asked([duty(kind)]);
        assert_eq!(decide(&back, &Memory::default(), signed()), Action::Sign(duty(kind), act(kind)));
    }
}

#[test]
fn what_was_sealed_is_revealed_and_nothing_else() {
    let view = asked([duty(Kind::Reveal)]);
    let sealed = || [taken(Kind::Audit), done(Kind::Audit), signing(Kind::Audit)];
    let settled = sealed().into_iter().chain([Event::Settled { task: task(Kind::Audit, 0), block: 90 }]);
    let reveal = Action::Sign(duty(Kind::Reveal), act(Kind::Reveal));
    assert_eq!(decide(&view, &Memory::default(), settled), reveal);
    // Found, but never sealed by this daemon; sealed with another salt by another one.
    let refuse = Action::Refuse(task(Kind::Reveal, 0), Refusal::Sealed);
    assert_eq!(decide(&view, &Memory::default(), [taken(Kind::Audit), done(Kind::Audit)]), refuse);
    let other = Duty { ask: Ask::Reveal(Digest([1; 32])), ..duty(Kind::Reveal) };
    assert_eq!(decide(&asked([other]), &Memory::default(), sealed()), refuse);
}

#[test]
fn leaves_at_hand_are_published_and_others_are_made_again() {
    let at_hand = Duty { leaves: Some(leaves()), ..duty(Kind::Publish) };
    let sign = Action::Sign(at_hand.clone(), Act::Publish(leaves()));
    assert_eq!(decide(&asked([at_hand]), &Memory::default(), []), sign);
    let gone = duty(Kind::Publish);
    assert_eq!(decide(&asked([gone.clone()]), &Memory::default(), []), Action::Work(gone));
}

/// An act counts in the block of its deadline, and the next block is the first that can have it.
#[test]
fn nothing_is_begun_or_sent_when_it_would_come_too_late() {
    for kind in ALL {
        let sealed = [
            done(Kind::Audit),
            signing(Kind::Audit),
            Event::Settled { task: task(Kind::Audit, 0), block: 9 },
        ];
        let log: Vec<Event> = match kind {
            Kind::Reveal => sealed.into(),
            _ => vec![done(kind)],
        };
        let at = |active| View { active, ..asked([duty(kind)]) };
        assert!(matches!(decide(&at(149), &Memory::default(), log.clone()), Action::Sign(..)), "{kind:?}");
        assert_eq!(decide(&at(150), &Memory::default(), log), Action::Wait, "{kind:?}");
        assert_eq!(decide(&at(150), &Memory::default(), []), Action::Wait, "{kind:?}");
    }
}

#[test]
fn acts_come_before_work_and_the_nearest_target_before_all() {
    let far = Duty { task: task(Kind::Train, 3), until: 190, target: 190, ..duty(Kind::Train) };
    let near = Duty { task: task(Kind::Attest, 1), target: 120, ..duty(Kind::Attest) };
    let sooner = Duty { task: task(Kind::Aggregate, 2), target: 110, ..duty(Kind::Aggregate) };
    let done = |duty: &Duty| Event::Done { task: duty.task, basis: duty.basis, act: act(duty.task.kind) };
    let view = asked([far.clone(), near.clone(), sooner.clone()]);
    let log = || [done(&far), done(&near)];
    assert_eq!(decide(&view, &Memory::default(), log()), Action::Sign(near.clone(), act(Kind::Attest)));
    let sent = Memory { sent: [(near.task, 101)].into(), ..Memory::default() };
    assert_eq!(decide(&view, &sent, log()), Action::Sign(far.clone(), act(Kind::Train)));
    let sent = Memory { sent: [(near.task, 101), (far.task, 101)].into(), ..Memory::default() };
    assert_eq!(decide(&view, &sent, log()), Action::Work(sooner));
}

#[test]
fn work_with_the_nearest_target_is_begun_first() {
    let late = Duty { target: 149, ..duty(Kind::Audit) };
    let soon = Duty { target: 130, ..duty(Kind::Train) };
    let view = asked([late.clone(), soon.clone()]);
    assert_eq!(decide(&view, &Memory::default(), []), Action::Work(soon));
    // Of equal ones the shorter work.
    let view = asked([duty(Kind::Train), duty(Kind::Audit), duty(Kind::Aggregate)]);
    assert_eq!(decide(&view, &Memory::default(), []), Action::Work(duty(Kind::Aggregate)));
}

#[test]
fn training_and_audits_give_way_to_what_is_more_urgent_and_go_on_afterwards() {
    for kind in [Kind::Train, Kind::Audit] {
        let urgent = Duty { task: task(Kind::Aggregate, 5), target: 120, ..duty(Kind::Aggregate) };
        let view = asked([duty(kind), urgent.clone()]);
        assert_eq!(decide(&view, &working(kind), [taken(kind)]), Action::Park(task(kind, 0)));
        assert_eq!(decide(&view, &Memory::default(), [taken(kind)]), Action::Work(urgent.clone()));
        let done = Event::Done { task: urgent.task, basis: urgent.basis, act: act(Kind::Aggregate) };
        let sent = Memory { sent: [(urgent.task, 101)].into(), ..Memory::default() };
        assert_eq!(decide(&view, &sent, [taken(kind), done]), Action::Work(duty(kind)));
        // What is less urgent waits.
        let later = Duty { target: 160, ..urgent };
        assert_eq!(decide(&asked([duty(kind), later]), &working(kind), [taken(kind)]), Action::Wait);
    }
}

#[test]
fn an_aggregation_is_not_interrupted() {
    let urgent = Duty { task: task(Kind::Audit, 5), target: 120, ..duty(Kind::Audit) };
    let view = asked([duty(Kind::Aggregate), urgent]);
    assert_eq!(decide(&view, &working(Kind::Aggregate), [taken(Kind::Aggregate)]), Action::Wait);
}

#[test]
fn attestations_go_beside_the_work_of_the_engine() {
    let view = asked([duty(Kind::Train), duty(Kind::Attest)]);
    let attest = Action::Work(duty(Kind::Attest));
    assert_eq!(decide(&view, &working(Kind::Train), [taken(Kind::Train)]), attest);
    let train = Action::Work(duty(Kind::Train));
    assert_eq!(decide(&view, &working(Kind::Attest), [taken(Kind::Attest)]), train);
}

#[test]
fn what_failed_or_waits_is_tried_again_later_and_holds_nothing_up() {
    let memory = Memory { again: [(task(Kind::Audit, 0), 104)].into(), ..Memory::default() };
    let at = |block| View { block, ..asked([duty(Kind::Audit)]) };
    assert_eq!(decide(&at(103), &memory, []), Action::Wait);
    assert_eq!(decide(&at(104), &memory, []), Action::Work(duty(Kind::Audit)));
    let both = View { block: 103, ..asked([duty(Kind::Audit), duty(Kind::Train)]) };
    assert_eq!(decide(&both, &memory, []), Action::Work(duty(Kind::Train)));
    // A refused act, too.
    assert_eq!(decide(&at(103), &memory, [done(Kind::Audit)]), Action::Wait);
}

#[test]
fn a_declined_duty_is_left_alone_and_others_are_not() {
    let memory = Memory { refused: [task(Kind::Train, 0)].into(), ..Memory::default() };
    assert_eq!(decide(&asked([duty(Kind::Train)]), &memory, []), Action::Wait);
    let view = asked([duty(Kind::Train), duty(Kind::Audit)]);
    assert_eq!(decide(&view, &memory, []), Action::Work(duty(Kind::Audit)));
}

#[test]
fn a_run_of_unknown_arithmetic_ends_the_daemon_and_one_of_the_yardstick_is_refused() {
    let unknown = Duty { numerics_version: 9, ..duty(Kind::Train) };
    assert_eq!(decide(&asked([unknown]), &Memory::default(), []), Action::UnknownNumerics(9));
    let yardstick = Duty { numerics_version: NUMERICS_YARDSTICK, ..duty(Kind::Train) };
    let refuse = Action::Refuse(task(Kind::Train, 0), Refusal::Yardstick);
    assert_eq!(decide(&asked([yardstick]), &Memory::default(), []), refuse);
}

#[test]
fn an_idle_worker_becomes_ready_if_it_is_to_be() {
    let at = |status| View { status, ..idle() };
    let wants = Memory { wants_ready: true, ..Memory::default() };
    assert_eq!(decide(&at(WorkerStatus::Idle), &wants, []), Action::Ready);
    assert_eq!(decide(&at(WorkerStatus::Idle), &Memory::default(), []), Action::Wait);
    let later = Memory { ready_again: Some(104), ..wants.clone() };
    assert_eq!(decide(&at(WorkerStatus::Idle), &later, []), Action::Wait);
    for status in [WorkerStatus::Ready, WorkerStatus::Unbonding { since: 3 }] {
        assert_eq!(decide(&at(status), &wants, []), Action::Wait, "{status:?}");
    }
}

#[test]
fn too_many_misses_in_a_row_and_the_worker_asks_for_nothing_more() {
    let at = |misses| Memory { misses, wants_ready: true, ..Memory::default() };
    let view = |status| View { status, ..idle() };
    assert_eq!(decide(&view(WorkerStatus::Ready), &at(MISSES_IN_A_ROW - 1), []), Action::Wait);
    assert_eq!(decide(&view(WorkerStatus::Ready), &at(MISSES_IN_A_ROW), []), Action::Drain);
    assert_eq!(decide(&view(WorkerStatus::Idle), &at(MISSES_IN_A_ROW), []), Action::Wait, "not ready again");
    // What it was drawn for is still done.
    let view = View { status: WorkerStatus::Idle, ..asked([duty(Kind::Audit)]) };
    assert_eq!(decide(&view, &at(MISSES_IN_A_ROW), []), Action::Work(duty(Kind::Audit)));
}

/// Who has found out why says that the worker is ready, and is believed.
#[test]
fn misses_are_forgotten_when_somebody_makes_a_drained_worker_ready() {
    let (_folder, log) = journal([]);
    let mut memory = Memory { misses: MISSES_IN_A_ROW, ..Memory::default() };
    let view = |status| View { status, ..idle() };
    let mut looks = |status| {
        note(&mut memory, &view(status), &log);
        (decide(&view(status), &memory, []), memory.misses)
    };
    assert_eq!(looks(WorkerStatus::Ready), (Action::Drain, MISSES_IN_A_ROW), "it is not drained yet");
    assert_eq!(looks(WorkerStatus::Idle), (Action::Wait, MISSES_IN_A_ROW));
    assert_eq!(looks(WorkerStatus::Ready), (Action::Wait, 0));
    assert_eq!(looks(WorkerStatus::Ready), (Action::Wait, 0));
}

/// Also by a daemon that was started again since.
#[test]
fn what_was_declined_is_no_miss() {
    let declined = Event::Declined { task: task(Kind::Train, 0), reason: "too large".into() };
    let lost = Event::Lost { task: task(Kind::Train, 0), late: true };
    let is_miss = |late, events: Vec<Event>| {
        let (folder, log) = journal(events);
        drop(log);
        is_miss(Journal::open(folder.path()).unwrap().known(task(Kind::Train, 0)), late)
    };
    let taken = || taken(Kind::Train);
    assert!(is_miss(true, vec![taken()]));
    assert!(!is_miss(false, vec![taken()]), "taken back");
    assert!(!is_miss(true, vec![taken(), declined.clone()]));
    assert!(is_miss(true, vec![taken(), declined, lost, taken()]), "begun anew: there was room");
}

#[test]
fn pokes_let_the_chain_and_others_go_first() {
    let memory = |since| Memory { pokes: true, due_since: [(7, since)].into(), ..Memory::default() };
    let view = |due| View { due: vec![(7, due)], ..idle() };
    let delay = poke_delay(&account(1), 7, 90);
    assert!((POKE_AFTER..POKE_AFTER + 8).contains(&delay));
    let at = |best, due| View { best, ..view(due) };
    assert_eq!(decide(&at(90 + delay - 1, 1), &memory(90), []), Action::Wait);
    assert_eq!(decide(&at(90 + delay, 1), &memory(90), []), Action::Poke(7));
    assert_eq!(decide(&at(90 + delay, 0), &memory(90), []), Action::Wait, "nothing is due");
    let silent = Memory { pokes: false, ..memory(90) };
    assert_eq!(decide(&at(90 + delay, 1), &silent, []), Action::Wait);
    let delays: BTreeSet<u64> = (0..40).map(|byte| poke_delay(&account(byte), 7, 90)).collect();
    assert!(delays.len() > 4, "workers differ: {delays:?}");
}

#[test]
fn since_when_something_is_due_is_noted_and_forgotten() {
    let mut memory = Memory { again: [(task(Kind::Train, 0), 104)].into(), ..Memory::default() };
    let view = View { due: vec![(7, 1), (8, 0)], ..asked([duty(Kind::Train)]) };
    let (_folder, log) = journal([]);
    note(&mut memory, &view, &log);
    assert_eq!(memory.due_since, [(7, 102)].into());
    note(&mut memory, &View { best: 110, ..view.clone() }, &log);
    assert_eq!(memory.due_since, [(7, 102)].into(), "since the first time");
    assert_eq!(memory.again.len(), 1);
    note(&mut memory, &View { due: vec![(7, 0)], ..idle() }, &log);
    assert!(memory.due_since.is_empty() && memory.again.is_empty());
}

/// A worker has some duties in every round, for years.
#[test]
fn what_is_remembered_of_a_task_is_forgotten_with_it() {
    let all = |kind| Memory {
        refused: [task(kind, 0)].into(),
        sent: [(task(kind, 0), 90)].into(),
        landed: [task(kind, 0)].into(),
        waited: [task(kind, 0)].into(),
        ..Memory::default()
    };
    for kind in WORK {
        let remembered = |view: &View, events: Vec<Event>| {
            let (mut memory, (_folder, log)) = (all(kind), journal(events));
            note(&mut memory, view, &log);
            memory == all(kind)
        };
        assert!(remembered(&asked([duty(kind)]), vec![]) && remembered(&idle(), vec![taken(kind)]));
        let settled = Event::Settled { task: task(kind, 0), block: 90 };
        assert!(!remembered(&idle(), vec![taken(kind), settled]));
        let mut memory = all(kind);
        note(&mut memory, &idle(), &journal([]).1);
        assert_eq!(memory, Memory::default());
    }
}

/// After a start: an attester that knows nobody would say that nothing came.
#[test]
fn no_work_is_begun_before_it_is_known_whom_to_fetch_from() {
    for kind in WORK {
        let blind = Memory { blind: true, ..Memory::default() };
        assert_eq!(decide(&asked([duty(kind)]), &blind, []), Action::Wait);
        let sign = decide(&asked([duty(kind)]), &blind, [taken(kind), done(kind)]);
        assert!(matches!(sign, Action::Sign(..)), "what was done needs nobody: {sign:?}");
    }
}

/// Parking takes as long as a step: nothing else is begun there meanwhile, and nobody is told twice.
#[test]
fn a_lane_that_is_told_to_stop_is_left_alone_until_it_has_stopped() {
    let urgent = Duty { task: task(Kind::Aggregate, 5), target: 120, ..duty(Kind::Aggregate) };
    let view = asked([duty(Kind::Train), urgent.clone(), duty(Kind::Attest)]);
    let stopping = Memory { stopping: [Lane::Heavy].into(), ..working(Kind::Train) };
    let attest = Action::Work(duty(Kind::Attest));
    assert_eq!(decide(&view, &stopping, [taken(Kind::Train)]), attest, "another lane goes on");
    let view = asked([duty(Kind::Train), urgent.clone()]);
    assert_eq!(decide(&view, &stopping, [taken(Kind::Train)]), Action::Wait);
    assert_eq!(decide(&asked([]), &stopping, [taken(Kind::Train)]), Action::Wait, "abandoned once");
    assert_eq!(decide(&view, &Memory::default(), [taken(Kind::Train)]), Action::Work(urgent));
}

/// An inclusion may take longer than the blocks after which an act is sent again.
#[test]
fn what_is_on_its_way_is_neither_sent_again_nor_lost() {
    for kind in ALL.into_iter().filter(|kind| *kind != Kind::Publish && *kind != Kind::Reveal) {
        let events = || [taken(kind), done(kind), signing(kind)];
        let sent = Memory { sent: [(task(kind, 0), 90)].into(), ..Memory::default() };
        let flies = Memory { flying: [Errand::Act(task(kind, 0))].into(), ..sent.clone() };
        let view = asked([duty(kind)]);
        assert_eq!(decide(&view, &sent, events()), Action::Sign(duty(kind), act(kind)), "{kind:?}");
        assert_eq!(decide(&view, &flies, events()), Action::Wait, "{kind:?}");
        let undone = View { active: 151, ..standing(kind, Standing::Undone) };
        let lose = Action::Lose { task: task(kind, 0), late: true };
        assert_eq!(decide(&undone, &sent, events()), lose, "{kind:?}");
        assert_eq!(decide(&undone, &flies, events()), Action::Wait, "{kind:?}");
    }
    let wants = Memory { wants_ready: true, ..Memory::default() };
    let idle = View { status: WorkerStatus::Idle, ..idle() };
    assert_eq!(decide(&idle, &wants, []), Action::Ready);
    let flies = Memory { flying: [Errand::Presence { ready: true }].into(), ..wants };
    assert_eq!(decide(&idle, &flies, []), Action::Wait);
    let due = View { best: 200, due: vec![(7, 1)], ..idle };
    let pokes = Memory { pokes: true, due_since: [(7, 90)].into(), ..Memory::default() };
    assert_eq!(decide(&due, &pokes, []), Action::Poke(7));
    let flies = Memory { flying: [Errand::Poke(7)].into(), ..pokes };
    assert_eq!(decide(&due, &flies, []), Action::Wait);
}

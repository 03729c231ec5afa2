//! Whole rounds in any order of blocks, crashes, lost acts and reorganisations, played as the daemon would.

use super::*;
use proptest::prelude::*;

/// What may happen to a daemon between two decisions.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// The work that is going on ends.
    Ends,
    /// The daemon is killed: what it remembers is gone, its log is not.
    Crash,
    /// The chain has what was sent.
    Included,
    /// What was sent is lost.
    Dropped,
    /// A block passes.
    Block,
    /// The chain goes back to where another checkpoint was the base, or from there.
    Reorganised,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        3 => Just(Fate::Ends),
        1 => Just(Fate::Crash),
        2 => Just(Fate::Included),
        2 => Just(Fate::Dropped),
        4 => Just(Fate::Block),
        1 => Just(Fate::Reorganised),
    ];
    proptest::collection::vec(fate, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_one_act_is_signed_for_each_task_and_deciding_ends(fates in fates()) {
        let kinds = [Kind::Attest, Kind::Aggregate, Kind::Audit, Kind::Train];
        let (folder, mut log) = journal([]);
        let (mut memory, mut view, mut forked) = (Memory::default(), asked(kinds.map(duty)), false);
        let mut signed: BTreeMap<Task, Act> = BTreeMap::new();
        for fate in fates {
            for acts in 0.. {
                prop_assert!(acts < 40, "deciding does not end: {memory:?}");
                match next_action(&view, &memory, &log, &account(1)) {
                    Action::Wait => break,
                    Action::Work(duty) => {
                        let Duty { task, basis, until, .. } = duty;
                        prop_assert!(!memory.working.contains_key(&task.kind.lane()), "one at a time");
                        log.record(Event::Taken { task, basis, until, block: view.block }).unwrap();
                        memory.working.insert(task.kind.lane(), (task, basis));
                    }
                    Action::Sign(duty, act) => {
                        // Refuses a second one: that would be a defect of the decision.
                        log.record(Event::Signing { task: duty.task, act: act.clone() }).unwrap();
                        let first = signed.entry(duty.task).or_insert_with(|| act.clone());
                        prop_assert_eq!(first, &act);
                        memory.sent.insert(duty.task, view.block + 1);
                    }
                    Action::Abandon(task) | Action::Park(task) => {
                        memory.working.remove(&task.kind.lane());
                    }
                    Action::Refuse(task, _) => {
                        memory.refused.insert(task);
                    }
                    Action::Settle(task) => log.record(Event::Settled { task, block: view.block }).unwrap(),
                    Action::Forget(task) => log.record(Event::Unknown { task }).unwrap(),
                    Action::Lose { task, late } => log.record(Event::Lost { task, late }).unwrap(),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            match fate {
                Fate::Ends => {
                    for (task, basis) in std::mem::take(&mut memory.working).into_values() {
                        // Another basis has another result.
                        let act = match (task.kind, basis == duty(task.kind).basis) {
                            (kind, true) => act(kind),
                            (Kind::Train, false) => Act::Commit(commitment(2)),
                            (Kind::Attest, false) => Act::Report(SlotSet([2; 32])),
                            (Kind::Audit, false) => Act::Seal { seal: Digest([2; 32]), found: FOUND, salt: [2; 32] },
                            (_, false) => Act::PostRoot(Checkpoint { root: Digest([2; 32]), blob: Digest([2; 32]) }),
                        };
                        log.record(Event::Done { task, basis, act }).unwrap();
                    }
                }
                Fate::Crash => {
                    memory = Memory::default();
                    drop(log);
                    log = Journal::open(folder.path()).unwrap();
                }
                Fate::Included => {
                    view.block += 1;
                    for task in memory.sent.keys() {
                        view.duties.retain(|duty| duty.task != *task);
                        view.standings.insert(*task, Standing::Done);
                    }
                }
                Fate::Dropped => view.block += RESEND_BLOCKS,
                Fate::Block => view.block += 1,
                Fate::Reorganised => {
                    forked = !forked;
                    view.standings.clear();
                    view.duties = kinds.map(if forked { moved } else { duty }).into();
                }
            }
        }
    }
}

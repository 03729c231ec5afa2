use super::*;
use sabha_protocol::{Commitment, Divergence, Outcome, SlotSet, round::Checkpoint};
use std::fs;

fn task(round: u32) -> Task {
    Task { run: 1, round: RoundKey { round, attempt: 1 }, kind: Kind::Train, place: 0, generation: 2 }
}

fn basis(byte: u8) -> Basis {
    Basis { spec: Digest([byte; 32]), base: None, inputs: Digest([9; 32]) }
}

fn commit(byte: u8) -> Act {
    Act::Commit(Outcome::Trained(Commitment {
        segments_root: Digest([byte; 32]),
        update_digest: Digest([byte; 32]),
        mean_loss: 1.5.into(),
    }))
}

fn found(byte: u8) -> Found {
    Found { answer: Digest([byte; 32]), unserved: false }
}

fn seal(byte: u8) -> Act {
    Act::Seal { seal: Digest([byte + 100; 32]), found: found(byte), salt: [byte; 32] }
}

fn events() -> Vec<Event> {
    let audit = Task { kind: Kind::Audit, ..task(0) };
    vec![
        Event::Started { genesis: "0x".into(), hot_key: "5G".into(), version: "0".into() },
        Event::Taken { task: task(0), basis: basis(1), until: 30, block: 8 },
        Event::Parked { task: task(0), step: 7 },
        Event::Done { task: task(0), basis: basis(1), act: commit(1) },
        Event::Signing { task: task(0), act: commit(1) },
        Event::Settled { task: task(0), block: 9 },
        Event::Taken { task: task(1), basis: basis(1), until: 40, block: 10 },
        Event::Done {
            task: task(1),
            basis: basis(1),
            act: Act::Commit(Outcome::Diverged(Divergence { step: 1, instruction: 2, element: 3 })),
        },
        Event::Lost { task: task(1), late: true },
        Event::Holds {
            run: 1,
            round: task(0).round,
            checkpoint: Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) },
        },
        Event::Ready,
        Event::Taken { task: audit, basis: basis(1), until: 44, block: 11 },
        Event::Done { task: audit, basis: basis(1), act: seal(3) },
        Event::Signing { task: audit, act: seal(3) },
        Event::Settled { task: audit, block: 12 },
        Event::Taken { task: task(2), basis: basis(4), until: 50, block: 13 },
        Event::Declined { task: task(2), reason: "too large".into() },
        Event::Drain,
        Event::Stopped { reason: "signal".into() },
    ]
}

#[test]
fn what_is_recorded_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events() {
        journal.record(event).unwrap();
    }
    let (before, sealed) = (journal.known.clone(), journal.sealed.clone());
    drop(journal);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!((&journal.known, &journal.sealed), (&before, &sealed));
    assert_eq!(journal.known(task(0)).unwrap().signed, Some(commit(1)));
    assert_eq!(journal.sealed(Digest([103; 32])), Some((found(3), [3; 32])));
    assert_eq!(journal.sealed(Digest([104; 32])), None);
    let open: Vec<_> = journal.open_tasks().collect();
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].0, open[0].1.until), (task(2), 50));
}

/// By it slots are told that a node which is behind does not know yet.
#[test]
fn the_highest_block_that_was_seen_of_a_slot_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.seen(task(0)), 0);
    for event in events() {
        journal.record(event).unwrap();
    }
    for _ in 0..2 {
        // Taken in 8, settled in 9; taken in 10 and lost.
        assert_eq!((journal.seen(task(0)), journal.seen(task(1))), (9, 10));
        assert_eq!(journal.seen(task(7)), 13, "nothing is known of it: as young as anything");
        drop(journal);
        journal = Journal::open(folder.path()).unwrap();
    }
    let publish = Task { kind: Kind::Publish, ..task(0) };
    journal.record(Event::Taken { task: publish, basis: basis(1), until: 60, block: 20 }).unwrap();
    assert_eq!(journal.seen(task(0)), 20);
    // Seen from a node that is behind.
    journal.record(Event::Taken { task: publish, basis: basis(1), until: 60, block: 15 }).unwrap();
    assert_eq!(journal.seen(task(0)), 20);
}

/// A log of a release that did not note blocks.
#[test]
fn a_log_without_blocks_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    journal.record(Event::Taken { task: task(0), basis: basis(1), until: 30, block: 8 }).unwrap();
    drop(journal);
    let path = folder.path().join(NAME);
    let line = fs::read_to_string(&path).unwrap();
    assert!(line.contains(",\"block\":8"), "{line}");
    fs::write(&path, line.replace(",\"block\":8", "")).unwrap();
    assert_eq!(Journal::open(folder.path()).unwrap().known(task(0)).unwrap().until, 30);
}

/// For each kind of act.
#[test]
fn a_second_act_is_refused_also_after_a_restart_and_changes_nothing() {
    let got = |slot| {
        let mut set = SlotSet::default();
        set.insert(slot);
        Act::Report(set)
    };
    let root = |byte| {
        let (root, blob) = (Digest([byte; 32]), Digest([byte; 32]));
        Act::PostRoot(sabha_protocol::round::Checkpoint { root, blob })
    };
    for (kind, first, second) in [
        (Kind::Train, commit(1), commit(2)),
        (Kind::Attest, got(1), got(2)),
        (Kind::Aggregate, root(1), root(2)),
        (Kind::Audit, seal(1), seal(2)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let task = Task { kind, ..task(0) };
        for _ in 0..2 {
            let mut journal = Journal::open(folder.path()).unwrap();
            journal.record(Event::Signing { task, act: first.clone() }).unwrap();
            let size = fs::metadata(journal.path()).unwrap().len();
            let error = journal.record(Event::Signing { task, act: second.clone() }).unwrap_err();
            assert!(matches!(error, JournalError::SecondAct { .. }), "{error}");
            assert_eq!(fs::metadata(journal.path()).unwrap().len(), size);
            // Another generation, slot or attempt is another task.
            let attempt = RoundKey { attempt: 2, ..task.round };
            for next in
                [Task { generation: 3, ..task }, Task { place: 1, ..task }, Task { round: attempt, ..task }]
            {
                journal.record(Event::Signing { task: next, act: second.clone() }).unwrap();
            }
        }
    }
}

#[test]
fn only_what_was_sealed_is_revealed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    let (audit, reveal) = (Task { kind: Kind::Audit, ..task(0) }, Task { kind: Kind::Reveal, ..task(0) });
    let revealing = |byte, salt| Event::Signing {
        task: reveal,
        act: Act::Reveal { found: found(byte), salt: [salt; 32] },
    };
    assert!(journal.record(revealing(3, 3)).is_err(), "nothing was sealed");
    // Found, but not sealed yet.
    journal.record(Event::Done { task: audit, basis: basis(1), act: seal(3) }).unwrap();
    assert!(journal.record(revealing(3, 3)).is_err());
    journal.record(Event::Signing { task: audit, act: seal(3) }).unwrap();
    assert!(journal.record(revealing(3, 4)).is_err(), "another salt");
    assert!(journal.record(revealing(4, 3)).is_err(), "another answer");
    journal.record(revealing(3, 3)).unwrap();
}

#[test]
fn half_a_last_line_is_cut_off_wherever_the_crash_came() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events().into_iter().take(4) {
        journal.record(event).unwrap();
    }
    let path = journal.path().to_path_buf();
    drop(journal);
    let good = fs::read(&path).unwrap();
    let last = good[..good.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in [last + 1, last + 20, good.len() - 1] {
        fs::write(&path, &good[..cut]).unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.known(task(0)).unwrap().done, None, "cut at {cut}");
        journal.record(Event::Ready).unwrap();
        drop(journal);
        Journal::open(folder.path()).unwrap();
    }
}

#[test]
fn open_of_a_log_damaged_in_the_middle_fails() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events() {
        journal.record(event).unwrap();
    }
    let path = journal.path().to_path_buf();
    drop(journal);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"taken\"", "\"tokan\"", 1)).unwrap();
    let error = Journal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { line: 2, .. }), "{error}");
    // Two outcomes for one task, written by hand.
    let doubled = text.clone() + &text.replace("0101", "0202");
    fs::write(&path, doubled).unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::SecondAct { .. })));
}

#[test]
fn open_twice_fails() {
    let folder = tempfile::tempdir().unwrap();
    let first = Journal::open(folder.path()).unwrap();
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::InUse(_))));
    drop(first);
    Journal::open(folder.path()).unwrap();
}

/// A write failed, and what it left could not be cut off at once.
#[test]
fn nothing_is_glued_to_half_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    journal.record(Event::Ready).unwrap();
    journal.cut_at = Some(journal.file.metadata().unwrap().len());
    journal.file.write_all(b"{\"time_ms\":1,\"eve").unwrap();
    journal.record(Event::Drain).unwrap();
    let text = fs::read_to_string(journal.path()).unwrap();
    let events: Vec<Event> =
        text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap().event).collect();
    assert_eq!(events, [Event::Ready, Event::Drain]);
    assert_eq!(journal.cut_at, None);
}

#[test]
fn acts_without_a_task_are_in_the_log_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    let events = [
        Event::Poking { run: 7, due: 2 },
        Event::Moving { game: 3, position: Digest([4; 32]), call: "Disputes.answer".into() },
        Event::Announcing { endpoint: "ab@192.0.2.1:9955".into() },
    ];
    for event in events.clone() {
        journal.record(event).unwrap();
    }
    drop(journal);
    let journal = Journal::open(folder.path()).unwrap();
    let text = fs::read_to_string(journal.path()).unwrap();
    let read: Vec<Event> =
        text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap().event).collect();
    assert_eq!(read, events);
}

fn closed(round: u32) -> Event {
    let Task { run, round, .. } = task(round);
    Event::Closed { run, round }
}

#[test]
fn what_is_known_of_a_round_is_forgotten_when_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events() {
        journal.record(event).unwrap();
    }
    let Act::Seal { seal: sealed, .. } = seal(3) else { unreachable!() };
    let round = |number| (task(number).run, task(number).round);
    // Of the first round two things were done; the last one is declined, and its deadline has not passed.
    assert_eq!(journal.done_rounds(), [(round(0), 12), (round(1), 10)].into());
    journal.record(closed(0)).unwrap();
    assert_eq!(journal.done_rounds(), [(round(1), 10)].into());
    for journal in [&journal, &Journal::open(&copy_of(&folder)).unwrap()] {
        assert_eq!((journal.known(task(0)), journal.sealed(sealed)), (None, None));
        assert!(journal.known(task(1)).is_some() && journal.known(task(2)).is_some());
        assert_eq!(journal.highest(), 13);
    }
}

/// A log may be looked at in another place while a daemon has it.
fn copy_of(folder: &tempfile::TempDir) -> PathBuf {
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(folder.path().join(NAME), copy.join(NAME)).unwrap();
    copy
}

#[test]
fn a_log_that_has_grown_is_freed_of_rounds_that_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path()).unwrap();
    for event in events() {
        journal.record(event).unwrap();
    }
    for number in [0, 1] {
        journal.record(closed(number)).unwrap();
    }
    let (path, before) = (journal.path().to_owned(), journal.known(task(2)).cloned());
    drop(journal);
    let whole = fs::read(&path).unwrap();
    drop(Journal::open_compacting(folder.path(), whole.len() as u64 + 1).unwrap());
    assert_eq!(fs::read(&path).unwrap(), whole, "it is not large enough");

    let mut journal = Journal::open_compacting(folder.path(), whole.len() as u64).unwrap();
    assert_eq!(fs::read(folder.path().join("events.old.jsonl")).unwrap(), whole);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3, "what is open, and that it was compacted: {text}");
    assert_eq!((journal.known(task(2)).cloned(), journal.highest()), (before, 13));
    assert!(matches!(Journal::open(folder.path()), Err(JournalError::InUse(_))), "it is locked as before");
    journal.record(Event::Signing { task: task(2), act: commit(5) }).unwrap();
    let second = journal.record(Event::Signing { task: task(2), act: commit(6) });
    assert!(matches!(second, Err(JournalError::SecondAct { .. })), "the law holds");
    drop(journal);

    // Now most of it is open.
    let grown = fs::read(&path).unwrap();
    let journal = Journal::open_compacting(folder.path(), 0).unwrap();
    assert_eq!(fs::read(&path).unwrap(), grown);
    assert_eq!(journal.known(task(2)).unwrap().signed, Some(commit(5)));
}

#[test]
fn a_log_is_freed_while_the_daemon_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open_compacting(folder.path(), 4_000).unwrap();
    let lines = |journal: &Journal| fs::read_to_string(journal.path()).unwrap().lines().count();
    let mut longest = 0;
    for number in 0..60 {
        journal.record(Event::Taken { task: task(number), basis: basis(1), until: 30, block: 10 }).unwrap();
        journal.record(Event::Lost { task: task(number), late: false }).unwrap();
        if number > 0 {
            journal.record(closed(number - 1)).unwrap();
        }
        journal.compact_from = journal.compact_from.min(4_000);
        journal.tidy().unwrap();
        longest = longest.max(lines(&journal));
    }
    assert!(longest < 40, "{longest} lines of {}", 3 * 60);
    assert!(journal.known(task(59)).is_some() && journal.known(task(58)).is_none());
    journal.record(Event::Signing { task: task(59), act: commit(1) }).unwrap();
    drop(journal);
    let journal = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.known(task(59)).unwrap().signed, Some(commit(1)), "it went into the new file");
    assert_eq!(journal.highest(), 10);
}

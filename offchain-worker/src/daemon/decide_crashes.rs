//! A whole life - every kind of duty, from asked to settled - and a crash at each write of its log: before the write, in its middle,
//! between it and its act, and after the act. Whoever reopens the log goes on to the end, and for no task are two things ever signed.

use super::*;
use std::fs;

/// What the chain has.
type Chain = BTreeMap<Task, Act>;

/// What work comes to. Done again after a crash it may come to something else, of which only a log can tell: a seal has another salt.
fn result(kind: Kind, luck: u8) -> Act {
    match kind {
        Kind::Train => Act::Commit(commitment(luck)),
        Kind::Attest => Act::Report(SlotSet([luck; 32])),
        Kind::Aggregate => Act::PostRoot(Checkpoint { root: Digest([luck; 32]), blob: Digest([luck; 32]) }),
        Kind::Audit => Act::Seal { seal: Digest([100 + luck; 32]), found: FOUND, salt: [luck; 32] },
        Kind::Publish => Act::Publish(vec![Opening { leaf: Digest([luck; 32]), path: vec![] }]),
        Kind::Reveal => panic!("revealing takes no work"),
    }
}

/// What the chain asks for: everything that it does not have, and a reveal of what was sealed.
fn asked_by(chain: &Chain, block: u64) -> View {
    let mut duties: Vec<Duty> = WORK.map(duty).into();
    if let Some(Act::Seal { seal, .. }) = chain.get(&task(Kind::Audit, 0)) {
        let ask = Ask::Reveal(*seal);
        duties.push(Duty { basis: Duty::basis(Digest([9; 32]), None, &ask), ask, ..duty(Kind::Reveal) });
    }
    duties.retain(|duty| !chain.contains_key(&duty.task));
    let standings = chain.keys().map(|task| (*task, Standing::Done)).collect();
    View { block, standings, ..asked(duties) }
}

/// What the chain has when an entry of the log was just written, and just before the next one is.
#[derive(Clone, Default)]
struct Moments {
    written: Vec<Chain>,
    next: Vec<Chain>,
}

/// A life: from what the log and the chain have to its end.
struct Life {
    log: Journal,
    chain: Chain,
    signed: BTreeMap<Task, Act>,
    moments: Moments,
}

impl Life {
    fn record(&mut self, event: Event) {
        self.moments.next.push(self.chain.clone());
        // Refuses a second act for one task, which would be a defect of the decision.
        self.log.record(event).unwrap();
        self.moments.written.push(self.chain.clone());
    }

    fn live(&mut self, luck: u8) {
        let (mut memory, mut block) = (Memory::default(), 100);
        for _ in 0..200 {
            let view = asked_by(&self.chain, block);
            match next_action(&view, &memory, &self.log, &account(1)) {
                Action::Wait if self.chain.len() == ALL.len() && self.log.open_tasks().count() == 0 => {
                    self.moments.next.push(self.chain.clone());
                    return;
                }
                Action::Wait => block += RESEND_BLOCKS,
                Action::Work(duty) => {
                    let Duty { task, basis, until, .. } = duty;
                    self.record(Event::Taken { task, basis, until, block });
                    self.record(Event::Parked { task, step: 1 });
                    self.record(Event::Done { task, basis, act: result(task.kind, luck) });
                }
                Action::Sign(duty, act) => {
                    self.record(Event::Signing { task: duty.task, act: act.clone() });
                    let first = self.signed.entry(duty.task).or_insert_with(|| act.clone());
                    assert_eq!(first, &act, "two things are signed for {}", duty.task);
                    self.chain.insert(duty.task, act);
                    memory.sent.insert(duty.task, block);
                }
                Action::Settle(task) => self.record(Event::Settled { task, block }),
                Action::Forget(task) => self.record(Event::Unknown { task }),
                other => panic!("{other:?}"),
            }
        }
        panic!("it does not come to an end: {:?}", self.chain);
    }
}

fn signed_in(text: &str) -> BTreeMap<Task, Act> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("events.jsonl"), text).unwrap();
    let log = Journal::open(folder.path()).unwrap();
    let all = ALL.map(|kind| task(kind, 0));
    all.into_iter().filter_map(|task| Some((task, log.known(task)?.signed.clone()?))).collect()
}

#[test]
fn a_crash_at_any_write_of_a_whole_life_signs_nothing_twice_and_loses_nothing() {
    let (_folder, log) = journal([]);
    let path = log.path().to_path_buf();
    let mut life = Life { log, chain: Chain::new(), signed: BTreeMap::new(), moments: Moments::default() };
    life.live(1);
    assert_eq!(life.signed.len(), ALL.len(), "a life has every kind of duty");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 5 * WORK.len() + 2, "a reveal takes no work");

    let mut crashes = 0;
    for count in 0..=lines.len() {
        let whole: String = lines[..count].concat();
        let half = lines.get(count).map_or("", |line| &line[..line.len() / 2]);
        let written = count.checked_sub(1).map_or(Chain::new(), |last| life.moments.written[last].clone());
        for (cut, chain) in
            [("", written), ("", life.moments.next[count].clone()), (half, life.moments.next[count].clone())]
        {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("events.jsonl"), format!("{whole}{cut}")).unwrap();
            let mut again = Life {
                log: Journal::open(folder.path()).unwrap(),
                chain: chain.clone(),
                signed: signed_in(&whole),
                moments: Moments::default(),
            };
            // What is worked out again comes to something else.
            again.live(2);
            for (task, act) in &chain {
                assert_eq!(
                    again.signed.get(task),
                    Some(act),
                    "after {count} entries: what was sent was in the log"
                );
            }
            assert_eq!(again.chain, again.signed, "after {count} entries");
            crashes += 1;
        }
    }
    assert_eq!(crashes, 3 * (lines.len() + 1));
}

#[test]
fn a_result_that_this_daemon_did_not_sign_is_somebody_elses() {
    let is = |kind, events: Vec<Event>| {
        let (_folder, log) = journal(events);
        is_foreign(&task(kind, 0), log.known(task(kind, 0)))
    };
    for kind in [Kind::Train, Kind::Attest, Kind::Aggregate] {
        assert!(is(kind, vec![taken(kind)]) && is(kind, vec![taken(kind), done(kind)]), "{kind:?}");
        assert!(!is(kind, vec![taken(kind), done(kind), signing(kind)]) && !is(kind, vec![]), "{kind:?}");
    }
    // A seat is no longer drawn, a slot's leaves no longer asked for, for other reasons too.
    for kind in [Kind::Audit, Kind::Publish, Kind::Reveal] {
        assert!(!is(kind, vec![taken(kind)]), "{kind:?}");
    }
}

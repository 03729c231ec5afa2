//! Whole runs on one machine: the same each time, wherever they were stopped.

use super::*;
use crate::{
    engine::{
        AnyEngine, StepReport,
        testing::{StopsAfter, text_stream, tiny_spec},
    },
    error::Exit,
};
use sabha_protocol::spec::OuterSpec;

struct Fixture {
    folder: tempfile::TempDir,
    spec: RunSpec,
    stream: Stream,
}

impl Fixture {
    /// Two rounds of one slot of the yardstick engine.
    fn new() -> Self {
        Self::of(tiny_spec())
    }

    /// Two rounds of three exact slots.
    fn exact() -> Self {
        let mut spec = RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() };
        (spec.rounds.slots, spec.rounds.quorum) = (3, 2);
        spec.outer = OuterSpec { rate: 0.7.into(), momentum: 0.5.into() };
        Self::of(spec)
    }

    fn of(spec: RunSpec) -> Self {
        let (folder, spec, stream) = text_stream(spec);
        Self { folder, spec, stream }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn train(&self, run: &mut LocalRun, engine: &dyn Engine, stop: &Stop) -> LocalEnd {
        run.train(engine, &self.spec, &self.stream, &mut (), stop).unwrap()
    }

    /// A whole run: its record and its checkpoint's bytes.
    fn whole(&self, name: &str) -> (LocalRecord, Vec<u8>) {
        let mut run = LocalRun::begin(&self.out(name), &self.spec).unwrap();
        assert_eq!(self.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
        (run.record().clone(), std::fs::read(self.out(name).join(CHECKPOINT)).unwrap())
    }
}

#[test]
fn a_run_is_its_rounds_and_the_same_each_time() {
    let fixture = Fixture::new();
    let (record, checkpoint) = fixture.whole("a");
    assert_eq!(record.rounds.len(), 2);
    assert_eq!(record.rounds[1].checkpoint.blob, Digest::of(&checkpoint));
    assert_eq!(record.losses.len(), 12);
    assert_eq!(fixture.whole("b"), (record, checkpoint));
}

#[test]
fn the_observer_hears_every_step_and_what_each_round_came_to() {
    #[derive(Default)]
    struct Heard {
        steps: Vec<(RoundIndex, u32)>,
        rounds: Vec<RoundRecord>,
    }
    impl Observer for Heard {
        fn step(&mut self, report: &StepReport) {
            self.steps.push((report.round, report.done));
        }

        fn ends(&mut self, round: RoundIndex, record: &RoundRecord) {
            assert_eq!(round as usize, self.rounds.len());
            self.rounds.push(record.clone());
        }
    }
    let fixture = Fixture::new();
    let mut heard = Heard::default();
    let mut run = LocalRun::begin(&fixture.out("run"), &fixture.spec).unwrap();
    run.train(&AnyEngine::cpu(), &fixture.spec, &fixture.stream, &mut heard, &Stop::new()).unwrap();
    let steps: Vec<_> = (0..2).flat_map(|round| (1..=6).map(move |done| (round, done))).collect();
    assert_eq!(heard.steps, steps);
    assert_eq!(heard.rounds, run.record().rounds);
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_the_same() {
    let fixture = Fixture::new();
    let whole = fixture.whole("whole");
    for steps in [1, 5, 6, 8] {
        let out = fixture.out(&format!("stopped-{steps}"));
        let stop = Stop::new();
        let mut run = LocalRun::begin(&out, &fixture.spec).unwrap();
        // The engine counts from the start of each slot.
        let ended = fixture.train(&mut run, &StopsAfter::new(steps.min(6), &stop), &stop);
        let (round, step) = if steps < 6 { (0, steps) } else { (1, 0) };
        assert_eq!(ended, LocalEnd::Parked { round, slot: 0, step });
        let mut run = LocalRun::resume(&out, &fixture.spec).unwrap();
        assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
        let checkpoint = std::fs::read(out.join(CHECKPOINT)).unwrap();
        assert_eq!((run.record().clone(), checkpoint), whole);
        assert!(!out.join(PARKED).exists());
    }
}

#[test]
fn a_crash_between_record_and_checkpoint_costs_one_round() {
    let fixture = Fixture::new();
    let (record, checkpoint) = fixture.whole("run");
    let out = fixture.out("run");
    std::fs::remove_file(out.join(CHECKPOINT)).unwrap();
    let mut first = record.clone();
    first.rounds.truncate(1);
    std::fs::write(out.join(RECORD), serde_json::to_vec(&first).unwrap()).unwrap();
    let mut run = LocalRun::resume(&out, &fixture.spec).unwrap();
    assert!(run.record().rounds.is_empty());
    assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
    assert_eq!(run.record(), &record);
    assert_eq!(std::fs::read(out.join(CHECKPOINT)).unwrap(), checkpoint);
}

#[test]
fn foreign_damaged_and_missing_runs_are_refused() {
    let fixture = Fixture::new();
    let out = fixture.out("run");
    let text = |result: anyhow::Result<LocalRun>| result.unwrap_err().to_string();
    assert!(text(LocalRun::resume(&out, &fixture.spec)).contains("no run to resume"));
    fixture.whole("run");
    assert!(text(LocalRun::begin(&out, &fixture.spec)).contains("--resume"));
    let other = RunSpec { seed: 99, ..fixture.spec.clone() };
    assert!(text(LocalRun::resume(&out, &other)).contains("specification"));

    let path = out.join(CHECKPOINT);
    let good = std::fs::read(&path).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bad).unwrap();
    let error = text(LocalRun::resume(&out, &fixture.spec));
    assert!(error.contains(CHECKPOINT) && error.contains("damaged"), "{error}");
    std::fs::write(&path, good).unwrap();
    LocalRun::resume(&out, &fixture.spec).unwrap();
    std::fs::rename(&path, out.join("elsewhere")).unwrap();
    let error = text(LocalRun::resume(&out, &fixture.spec));
    assert!(error.contains(CHECKPOINT) && error.contains("missing"), "{error}");
    std::fs::rename(out.join("elsewhere"), &path).unwrap();
    std::fs::write(out.join(RECORD), "{").unwrap();
    assert!(text(LocalRun::resume(&out, &fixture.spec)).contains(RECORD));
}

#[test]
fn each_round_is_the_aggregation_of_its_slots() {
    let fixture = Fixture::exact();
    let Fixture { spec, .. } = &fixture;
    let (record, checkpoint) = fixture.whole("run");
    assert_eq!((record.rounds.len(), record.losses.len()), (2, 12));
    let blobs = LocalBlobs::open(fixture.out("run").join(BLOBS)).unwrap();
    let mut base = RoundCheckpoint::start(init::of_spec(spec).unwrap());
    for (round, done) in (0..).zip(&record.rounds) {
        assert_eq!(done.slots.len(), 3);
        let mut updates = updates(&blobs, spec, round, &done.slots).unwrap();
        updates.reverse();
        let next = rounds::aggregate(spec, &base, updates, &|| true).unwrap();
        assert_eq!(next.root(), done.checkpoint.root, "round {round}");
        assert_eq!(store::fetch_checkpoint(&blobs, spec, done.checkpoint).unwrap(), next);
        for slot in &done.slots {
            let Outcome::Trained(commitment) = &slot.outcome else { panic!("{slot:?}") };
            let root = commitment.segments_root;
            let leaves = store::fetch_leaves(&blobs, spec, root, slot.leaves.unwrap()).unwrap();
            assert_eq!(leaves[0], rounds::begin(&base).root(), "leaf 0 is the start");
        }
        base = next;
    }
    assert!(base.to_blob() == checkpoint);
    // Slots read other data, so they come to other updates.
    let digests = record.rounds.iter().flat_map(|round| &round.slots).map(|slot| slot.outcome);
    let digests: std::collections::HashSet<String> = digests.map(|outcome| format!("{outcome:?}")).collect();
    assert_eq!(digests.len(), 6);
}

#[test]
fn an_exact_run_that_was_stopped_in_any_slot_or_aggregation_ends_the_same() {
    /// Asks for a stop after a step of a slot (0: before its first), or while a round is aggregated.
    struct Stops(Stop, RoundIndex, Option<(SlotIndex, u32)>);
    impl Observer for Stops {
        fn begins(&mut self, round: RoundIndex, slot: SlotIndex, _: u32) {
            if (round, Some((slot, 0))) == (self.1, self.2) {
                self.0.raise(Exit::Terminated);
            }
        }
        fn step(&mut self, report: &StepReport) {
            if (report.round, Some((report.slot, report.done))) == (self.1, self.2) {
                self.0.raise(Exit::Terminated);
            }
        }
        fn aggregates(&mut self, round: RoundIndex, updates: usize) {
            assert_eq!(updates, 3);
            if (round, None) == (self.1, self.2) {
                self.0.raise(Exit::Terminated);
            }
        }
    }
    let fixture = Fixture::exact();
    let whole = fixture.whole("whole");
    let places = [Some((0, 0)), Some((0, 5)), Some((1, 3)), Some((2, 1)), Some((2, 5)), None];
    for (index, place) in places.into_iter().enumerate() {
        for round in 0..2 {
            let out = fixture.out(&format!("stopped-{round}-{index}"));
            let mut run = LocalRun::begin(&out, &fixture.spec).unwrap();
            let stop = Stop::new();
            let mut stops = Stops(stop.clone(), round, place);
            let Fixture { spec, stream, .. } = &fixture;
            let ended = run.train(&AnyEngine::cpu(), spec, stream, &mut stops, &stop).unwrap();
            let expected = match place {
                Some((slot, step)) => LocalEnd::Parked { round, slot, step },
                None => LocalEnd::Aggregating { round },
            };
            assert_eq!(ended, expected);
            let mut run = LocalRun::resume(&out, &fixture.spec).unwrap();
            assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
            assert_eq!(run.record(), &whole.0, "round {round}, {place:?}");
            assert!(std::fs::read(out.join(CHECKPOINT)).unwrap() == whole.1);
            assert!(!out.join(PARKED).exists());
        }
    }
}

/// A copy of a folder, as a kill at this moment would leave it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn an_exact_run_that_was_killed_anywhere_ends_the_same() {
    /// Keeps what a kill would leave, at some moments.
    struct Kills<'a>(&'a Fixture, Vec<PathBuf>);
    impl Kills<'_> {
        fn keep(&mut self) {
            let kept = self.0.out(&format!("killed-{}", self.1.len()));
            copy(&self.0.out("run"), &kept);
            self.1.push(kept);
        }
    }
    impl Observer for Kills<'_> {
        fn step(&mut self, report: &StepReport) {
            if report.done % 3 == 1 {
                self.keep();
            }
        }
        fn aggregates(&mut self, _: RoundIndex, _: usize) {
            self.keep();
        }
        // The checkpoint's blob is published, and no record names it.
        fn measure(&mut self, _: &Checkpoint) -> anyhow::Result<Option<f32>> {
            self.keep();
            Ok(None)
        }
        fn ends(&mut self, _: RoundIndex, _: &RoundRecord) {
            self.keep();
            // The record is written before the checkpoint's file.
            let kept = self.1.last().unwrap();
            std::fs::write(kept.join(CHECKPOINT), "an older one").unwrap();
        }
    }
    let fixture = Fixture::exact();
    let whole = fixture.whole("whole");
    let mut kills = Kills(&fixture, vec![]);
    let mut run = LocalRun::begin(&fixture.out("run"), &fixture.spec).unwrap();
    let Fixture { spec, stream, .. } = &fixture;
    run.train(&AnyEngine::cpu(), spec, stream, &mut kills, &Stop::new()).unwrap();
    assert_eq!(kills.1.len(), 18);
    for killed in kills.1 {
        let mut run = LocalRun::resume(&killed, spec).unwrap();
        assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
        assert_eq!(run.record(), &whole.0, "{}", killed.display());
        assert!(std::fs::read(killed.join(CHECKPOINT)).unwrap() == whole.1, "{}", killed.display());
    }
}

#[test]
fn blobs_that_are_lost_are_named_or_made_again() {
    let fixture = Fixture::exact();
    let Fixture { spec, stream, .. } = &fixture;
    let whole = fixture.whole("whole");
    let (out, stop) = (fixture.out("run"), Stop::new());
    let blobs = LocalBlobs::open(out.join(BLOBS)).unwrap();
    let digest_of = |slot: &SlotRecord| match &slot.outcome {
        Outcome::Trained(commitment) => commitment.update_digest,
        other => panic!("{other:?}"),
    };
    // Lost while the run goes on: named, with its slot.
    struct Loses<'a>(&'a LocalBlobs, Digest);
    impl Observer for Loses<'_> {
        fn begins(&mut self, round: RoundIndex, slot: SlotIndex, _: u32) {
            if (round, slot) == (0, 2) {
                std::fs::remove_file(self.0.path(self.1)).unwrap();
            }
        }
    }
    let lost = digest_of(&whole.0.rounds[0].slots[1]);
    let mut run = LocalRun::begin(&out, spec).unwrap();
    let error = run.train(&AnyEngine::cpu(), spec, stream, &mut Loses(&blobs, lost), &stop).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("round 0, slot 1") && text.contains(&lost.to_string()), "{text}");

    // Then the slots from the lost one on are trained again. Their losses are not counted twice.
    let mut run = LocalRun::resume(&out, spec).unwrap();
    assert_eq!(run.record().open.len(), 1);
    assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &stop), LocalEnd::Done);
    assert_eq!(run.record().rounds, whole.0.rounds);

    // The last checkpoint is there twice; without both, it is said which file to restore.
    let last = whole.0.rounds[1].checkpoint.blob;
    std::fs::write(blobs.path(last), "damaged").unwrap();
    LocalRun::resume(&out, spec).unwrap();
    assert!(blobs.get(last).unwrap() == whole.1, "restored from its file");
    std::fs::write(out.join(CHECKPOINT), "damaged").unwrap();
    LocalRun::resume(&out, spec).unwrap();
    assert!(std::fs::read(out.join(CHECKPOINT)).unwrap() == whole.1, "restored from the blob");
    std::fs::remove_file(blobs.path(last)).unwrap();
    std::fs::write(out.join(CHECKPOINT), "damaged").unwrap();
    let error = LocalRun::resume(&out, spec).unwrap_err().to_string();
    assert!(error.contains(CHECKPOINT) && error.contains("damaged"), "{error}");
    std::fs::remove_file(out.join(CHECKPOINT)).unwrap();
    let error = LocalRun::resume(&out, spec).unwrap_err().to_string();
    assert!(error.contains(CHECKPOINT) && error.contains("missing"), "{error}");
}

/// The slot that leaves the finite numbers does so for every worker: the round goes on without it, or the run pauses.
#[test]
fn slots_that_diverge_end_the_run_when_they_are_a_quorum() {
    let mut fixture = Fixture::exact();
    fixture.spec.optimiser.peak_rate = 1e30.into();
    fixture.spec.optimiser.floor_rate = 1e30.into();
    let mut run = LocalRun::begin(&fixture.out("wild"), &fixture.spec).unwrap();
    let ended = fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new());
    let LocalEnd::Diverged { round: 0, slot: 0, divergence } = ended else { panic!("{ended:?}") };
    assert_eq!((divergence.step, run.record().open.len()), (1, 2), "a quorum is two of three");
    let mut again = LocalRun::resume(&fixture.out("wild"), &fixture.spec).unwrap();
    assert_eq!(fixture.train(&mut again, &AnyEngine::cpu(), &Stop::new()), ended);

    // One of three that is said to have diverged is left out.
    let fixture = Fixture::exact();
    let (record, _) = fixture.whole("whole");
    let out = fixture.out("one");
    let mut run = LocalRun::begin(&out, &fixture.spec).unwrap();
    run.record.close_slot(SlotRecord { outcome: Outcome::Diverged(divergence), leaves: None });
    assert_eq!(fixture.train(&mut run, &AnyEngine::cpu(), &Stop::new()), LocalEnd::Done);
    assert_eq!(run.record().rounds[0].slots[1..], record.rounds[0].slots[1..]);
    assert_ne!(run.record().rounds[0].checkpoint, record.rounds[0].checkpoint);
}

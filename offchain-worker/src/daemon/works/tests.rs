use super::*;
use crate::{
    blobs::{BlobStore, PeerBlobs},
    daemon::{
        slots,
        task::{Act, Basis, Duty, Found, Kind, Product, Task},
        work::{Table, Time},
    },
    data::Batch,
    engine::{EngineError, Inference, Session},
    engine::{
        ExactEngine, State, StepOutcome,
        checkpoint::Checkpoint,
        local::{LocalEnd, LocalRun},
        memory::tests::huge_spec,
        testing::tiny_spec,
    },
};
use sabha_protocol::{
    Commitment, Digest, NUMERICS_EXACT, Outcome, RoundKey, SlotIndex,
    audit::answer,
    dispute::{self, Side},
    round,
    spec::{AuditSpec, ModelSpec, RoundSpec, RunSpec},
};
use std::path::Path;

/// Two slots a round, twelve steps each in segments of three.
fn spec(blobs: &PeerBlobs) -> RunSpec {
    let bytes: Vec<u8> = (0..600u32).map(|i| (i * i % 13) as u8).collect();
    let mut spec = RunSpec { numerics_version: NUMERICS_EXACT, ..tiny_spec() };
    spec.data.stream = blobs.put(&bytes).unwrap();
    spec.data.tokens = bytes.len() as u64;
    spec.rounds = RoundSpec { slots: 2, quorum: 1, ..RoundSpec::single(2, 12, 3, 4) };
    spec.audit = AuditSpec { auditors: 1, segments: 2, ..AuditSpec::NONE };
    spec.check().unwrap();
    spec
}

/// A machine with a folder; its workers share the blobs.
pub(super) struct Machine {
    folder: tempfile::TempDir,
    pub(super) spec: RunSpec,
    pub(super) workshop: EngineWorkshop,
}

impl Machine {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = PeerBlobs::open(folder.path().join("blobs"), &[]).unwrap();
        let spec = spec(&blobs);
        Self { folder, spec, workshop: EngineWorkshop::with(Box::new(AnyEngine::cpu()), blobs, vec![]) }
    }

    /// Another machine, which looks into this one's blobs.
    pub(super) fn auditor(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peers = [self.folder.path().join("blobs")];
        let blobs = PeerBlobs::open(folder.path().join("blobs"), &peers).unwrap();
        let spec = spec(&blobs);
        Self { folder, spec, workshop: EngineWorkshop::with(Box::new(AnyEngine::cpu()), blobs, vec![]) }
    }

    pub(super) fn lies(&mut self, lie: Lie) {
        self.workshop.lie = Some(lie);
    }

    pub(super) fn works_with(&mut self, engine: Box<dyn Engine>) {
        self.workshop.engine = engine;
    }

    pub(super) fn limit(&mut self, bytes: u64) {
        self.workshop.memory = MemoryLimit::Bytes(bytes);
    }

    /// Serves the states that segments of a slot start from.
    pub(super) fn serve(&self, slot: SlotIndex, commitment: &Commitment, segments: &[u32]) {
        let (folder, leaves) = (self.train_job(0, slot, None).folder, self.leaves(slot, commitment));
        for segment in segments.iter().filter(|segment| **segment > 0) {
            assert!(
                self.workshop.served.serve(&folder, &leaves, commitment.segments_root, *segment).unwrap()
            );
        }
    }

    pub(super) fn job(
        &self,
        kind: Kind,
        round: u32,
        place: u16,
        base: Option<round::Checkpoint>,
        ask: Ask,
    ) -> Job {
        let round = RoundKey { round, attempt: 0 };
        let task = Task { kind, run: 0, round, place, generation: 0 };
        let duty = Duty {
            task,
            basis: Duty::basis(self.spec.hash(), base, &ask),
            ask,
            until: 9,
            target: 9,
            patience: 5,
            leaves: None,
            numerics_version: NUMERICS_EXACT,
        };
        let folder = crate::daemon::work::folder_of(self.folder.path(), &duty.about());
        Job { duty, spec: self.spec.clone(), folder, time: Time::of_test(false), origins: vec![] }
    }

    pub(super) fn train_job(&self, round: u32, slot: SlotIndex, base: Option<round::Checkpoint>) -> Job {
        self.job(Kind::Train, round, slot, base, Ask::Train)
    }

    pub(super) fn done(&self, job: &Job) -> Product {
        match self.workshop.work(job, &Stop::new()).unwrap() {
            Ended::Done(product) => product,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn train(&self, round: u32, slot: SlotIndex, base: Option<round::Checkpoint>) -> Commitment {
        match self.done(&self.train_job(round, slot, base)) {
            Product::Outcome(Outcome::Trained(commitment)) => commitment,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn aggregate(
        &self,
        round: u32,
        base: Option<round::Checkpoint>,
        updates: Vec<(SlotIndex, Digest)>,
    ) -> round::Checkpoint {
        match self.done(&self.job(Kind::Aggregate, round, 0, base, Ask::Aggregate(updates))) {
            Product::Checkpoint(checkpoint) => checkpoint,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn audit_job(&self, slot: SlotIndex, claim: Outcome, segments: &[u32]) -> Job {
        self.job(Kind::Audit, 0, 0, None, Ask::Audit { slot, claim, segments: segments.into() })
    }

    pub(super) fn found(&self, job: &Job) -> Found {
        match self.done(job) {
            Product::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// A game about a slot of the first round.
    pub(super) fn table(&self, side: Side, slot: SlotIndex, outcome: Outcome) -> Table {
        Table {
            game: 7,
            side,
            round: 0,
            spec: self.spec.clone(),
            base: None,
            subject: dispute::Subject::Slot { slot, outcome },
            updates: vec![],
            folder: self.train_job(0, slot, None).folder,
            published: vec![],
            seen: self.folder.path().join("seen"),
            origins: vec![],
        }
    }

    pub(super) fn leaves(&self, slot: SlotIndex, commitment: &Commitment) -> Vec<Digest> {
        let job = self.train_job(0, slot, None);
        slots::read_leaves(&job.folder, &self.spec, commitment.segments_root).expect("leaves")
    }
}

/// Asks for a stop after some steps.
struct StopsAfter {
    steps: u32,
    stop: Stop,
}

struct StopsSession {
    inner: Box<dyn Session>,
    left: u32,
    stop: Stop,
}

impl Engine for StopsAfter {
    fn follows(&self, version: u16) -> bool {
        ExactEngine::cpu().follows(version)
    }

    fn describe(&self) -> String {
        "stops".into()
    }

    fn resume(&self, spec: &RunSpec, state: &State) -> Result<Box<dyn Session>, EngineError> {
        let inner = ExactEngine::cpu().resume(spec, state)?;
        Ok(Box::new(StopsSession { inner, left: self.steps, stop: self.stop.clone() }))
    }

    fn load(&self, model: &ModelSpec, checkpoint: &Checkpoint) -> Result<Box<dyn Inference>, EngineError> {
        ExactEngine::cpu().load(model, checkpoint)
    }
}

impl Session for StopsSession {
    fn steps_done(&self) -> u32 {
        self.inner.steps_done()
    }

    fn step(&mut self, batch: &Batch, rate: f32) -> Result<StepOutcome, EngineError> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            self.stop.raise(Exit::Terminated);
        }
        self.inner.step(batch, rate)
    }

    fn state(&self) -> Result<State, EngineError> {
        self.inner.state()
    }
}

fn stopping(machine: &Machine, steps: u32) -> (EngineWorkshop, Stop) {
    let stop = Stop::new();
    let engine = StopsAfter { steps, stop: stop.clone() };
    (EngineWorkshop::with(Box::new(engine), machine.workshop.blobs.clone(), vec![]), stop)
}

#[test]
fn a_parked_slot_goes_on_for_the_same_basis_only() {
    let machine = Machine::new();
    let job = machine.train_job(0, 0, None);
    let (workshop, stop) = stopping(&machine, 5);
    assert_eq!(workshop.work(&job, &stop).unwrap(), Ended::Parked { step: 5 });

    // Another checkpoint, which is not there: the parked state would give a wrong result, so it is not taken up.
    let base = round::Checkpoint { root: Digest([1; 32]), blob: Digest([1; 32]) };
    let basis = Basis { base: Some(base), ..job.duty.basis };
    let other = Job { duty: Duty { basis, ..job.duty.clone() }, ..job.clone() };
    assert!(machine.workshop.work(&other, &Stop::new()).is_err());

    let fresh = Machine::new();
    let expected = fresh.done(&fresh.train_job(0, 0, None));
    assert_eq!(machine.done(&job), expected);
}

/// Two rounds, slot by slot, as drawn workers would do them.
#[test]
fn the_rounds_of_workers_are_those_of_a_local_run() {
    let machine = Machine::new();
    let mut base = None;
    let mut rounds = vec![];
    for round in 0..2 {
        let commitments: Vec<Commitment> = (0..2).map(|slot| machine.train(round, slot, base)).collect();
        let updates: Vec<_> = (0..).zip(&commitments).map(|(slot, c)| (slot, c.update_digest)).collect();
        let forwards = machine.aggregate(round, base, updates.clone());
        let backwards = machine.aggregate(round, base, updates.into_iter().rev().collect());
        assert_eq!(forwards, backwards, "in whatever order");
        base = Some(forwards);
        rounds.push((commitments, forwards));
    }
    let stream =
        Stream::of_spec(&machine.workshop.blobs.own().path(machine.spec.data.stream), &machine.spec).unwrap();
    let mut run = LocalRun::begin(&machine.folder.path().join("local"), &machine.spec).unwrap();
    let ended = run.train(&AnyEngine::cpu(), &machine.spec, &stream, &mut (), &Stop::new()).unwrap();
    assert_eq!(ended, LocalEnd::Done);
    for (record, (commitments, checkpoint)) in run.record().rounds.iter().zip(&rounds) {
        let outcomes: Vec<Outcome> = record.slots.iter().map(|slot| slot.outcome).collect();
        assert_eq!(outcomes, commitments.iter().map(|c| Outcome::Trained(*c)).collect::<Vec<_>>());
        assert_eq!(record.checkpoint, *checkpoint);
    }
}

#[test]
fn an_attester_waits_for_updates_until_there_is_hurry_and_counts_no_wrong_one() {
    let machine = Machine::new();
    let (first, second) = (machine.train(0, 0, None), machine.train(0, 1, None));
    let attest = |updates: &[(SlotIndex, Digest)], hurry| {
        let job = machine.job(Kind::Attest, 0, 0, None, Ask::Attest(updates.into()));
        machine.workshop.work(&Job { time: Time::of_test(hurry), ..job }, &Stop::new()).unwrap()
    };
    let got = |ended: Ended| match ended {
        Ended::Done(Product::Got(got)) => got.iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let both = [(0, first.update_digest), (1, second.update_digest)];
    assert_eq!(got(attest(&both, false)), [0, 1]);

    let absent = [(0, first.update_digest), (1, Digest([9; 32]))];
    assert!(matches!(attest(&absent, false), Ended::Waits { .. }));
    assert_eq!(got(attest(&absent, true)), [0]);

    // Another slot's update under the slot's name, and what is no update: no waiting helps.
    assert_eq!(got(attest(&[(0, second.update_digest), (1, second.update_digest)], false)), [1]);
    let noise = machine.workshop.blobs.put(b"noise").unwrap();
    assert_eq!(got(attest(&[(0, noise), (1, second.update_digest)], false)), [1]);
}

#[test]
fn an_aggregator_without_an_update_names_it() {
    let machine = Machine::new();
    let first = machine.train(0, 0, None);
    let updates = vec![(0, first.update_digest), (1, Digest([9; 32]))];
    let job = machine.job(Kind::Aggregate, 0, 0, None, Ask::Aggregate(updates));
    let error = format!("{:#}", machine.workshop.work(&job, &Stop::new()).unwrap_err());
    assert!(error.contains("slot 1") && error.contains(&Digest([9; 32]).to_string()), "{error}");
    let stop = Stop::new();
    stop.raise(Exit::Terminated);
    let job = machine.job(Kind::Aggregate, 0, 0, None, Ask::Aggregate(vec![(0, first.update_digest)]));
    assert_eq!(machine.workshop.work(&job, &stop).unwrap(), Ended::Stopped);
}

/// With the states that the worker serves, and without: the same answer, which is the slot's own.
#[test]
fn an_auditor_finds_what_an_honest_worker_committed() {
    let machine = Machine::new();
    let commitment = machine.train(0, 1, None);
    let leaves = machine.leaves(1, &commitment);
    for segments in [&[0, 2][..], &[1, 3]] {
        let ends: Vec<Digest> = segments.iter().map(|segment| leaves[*segment as usize + 1]).collect();
        let expected = answer::of_roots(&ends);
        let job = machine.audit_job(1, Outcome::Trained(commitment), segments);
        assert!(matches!(machine.workshop.work(&job, &Stop::new()).unwrap(), Ended::Waits { .. }));
        let replayed = machine.found(&Job { time: Time::of_test(true), ..job.clone() });
        assert_eq!(replayed, Found { answer: expected, unserved: true }, "{segments:?}");

        let folder = machine.train_job(0, 1, None).folder;
        for segment in segments.iter().filter(|segment| **segment > 0) {
            let root = commitment.segments_root;
            assert!(machine.workshop.served.serve(&folder, &leaves, root, *segment).unwrap());
        }
        assert_eq!(machine.found(&job), Found { answer: expected, unserved: false }, "{segments:?}");
    }
}

/// A worker that commits another slot's work: the auditor's answer is not among its leaves.
#[test]
fn an_auditor_finds_something_else_than_what_a_cheat_committed() {
    let machine = Machine::new();
    let other = machine.train(0, 0, None);
    let leaves = machine.leaves(0, &other);
    let job = machine.audit_job(1, Outcome::Trained(other), &[1, 3]);
    let found = machine.found(&Job { time: Time::of_test(true), ..job });
    assert_ne!(found.answer, answer::of_roots(&[leaves[2], leaves[4]]));
}

#[test]
fn a_divergence_is_found_again_and_a_false_one_is_not() {
    let mut machine = Machine::new();
    let honest = machine.train(0, 0, None);
    let leaves = machine.leaves(0, &honest);
    let claimed = sabha_protocol::Divergence { step: 4, instruction: 3, element: 0 };
    let found = machine.found(&machine.audit_job(0, Outcome::Diverged(claimed), &[1, 3]));
    assert_eq!(found.answer, answer::of_roots(&[leaves[2], leaves[4]]), "there is none");

    machine.spec.optimiser.peak_rate = 1e30.into();
    machine.spec.optimiser.floor_rate = 1e30.into();
    let Product::Outcome(Outcome::Diverged(divergence)) = machine.done(&machine.train_job(0, 0, None)) else {
        panic!("such a rate diverges");
    };
    let found = machine.found(&machine.audit_job(0, Outcome::Diverged(divergence), &[1, 3]));
    assert_eq!(found.answer, answer::of_divergence(&divergence));
    // Its worker claims that it trained on.
    let job = Job { time: Time::of_test(true), ..machine.audit_job(0, Outcome::Trained(honest), &[1, 3]) };
    assert_eq!(machine.found(&job).answer, answer::of_divergence(&divergence));
}

#[test]
fn an_audit_that_is_stopped_begins_anew() {
    let machine = Machine::new();
    let commitment = machine.train(0, 0, None);
    let job =
        Job { time: Time::of_test(true), ..machine.audit_job(0, Outcome::Trained(commitment), &[1, 3]) };
    let (workshop, stop) = stopping(&machine, 2);
    assert_eq!(workshop.work(&job, &stop).unwrap(), Ended::Stopped);
    let leaves = machine.leaves(0, &commitment);
    assert_eq!(machine.found(&job).answer, answer::of_roots(&[leaves[2], leaves[4]]));
}

#[test]
fn leaves_that_are_gone_are_made_again() {
    let machine = Machine::new();
    let commitment = machine.train(0, 0, None);
    let leaves = machine.leaves(0, &commitment);
    let publish = |root, segments: &[u32]| {
        let ask = Ask::Publish { segments_root: root, segments: segments.into() };
        machine.job(Kind::Publish, 0, 0, None, ask)
    };
    let job = publish(commitment.segments_root, &[1, 3]);
    std::fs::remove_file(job.folder.join("leaves")).unwrap();
    let product = machine.done(&job);
    let Product::Leaves(openings) = &product else { panic!("{product:?}") };
    assert_eq!((openings[0].leaf, openings[1].leaf), (leaves[2], leaves[4]));
    assert!(openings[1].opens(&commitment.segments_root, 5, 4));
    assert_eq!(machine.leaves(0, &commitment), leaves, "and kept");
    assert!(matches!(Act::of(product, [0; 32], &crate::keys::AccountId::from([1; 32])), Act::Publish(_)));
    assert!(machine.workshop.work(&publish(Digest([1; 32]), &[1, 3]), &Stop::new()).is_err());
}

#[test]
fn a_model_that_does_not_fit_is_declined_before_anything_is_read() {
    let machine = Machine::new();
    let mut job = machine.train_job(0, 0, None);
    let declined = |workshop: &EngineWorkshop, job: &Job| match workshop.work(job, &Stop::new()) {
        Ok(Ended::Declined { reason }) => reason,
        other => panic!("{other:?}"),
    };
    let small = EngineWorkshop { memory: MemoryLimit::Bytes(1_000), ..machine.workshop };
    assert!(declined(&small, &job).contains("is the limit"));
    assert!(!job.folder.exists());

    let workshop = EngineWorkshop { memory: MemoryLimit::Available, ..small };
    job.spec.model = huge_spec().model;
    // There is no such stream either: it is not looked for.
    job.spec.data.stream = Digest([4; 32]);
    let reason = declined(&workshop, &job);
    assert!(reason.contains("TiB of memory") && reason.contains("--memory-limit-mib"), "{reason}");
}

#[test]
fn without_the_data_or_the_checkpoint_the_remedy_is_named() {
    let machine = Machine::new();
    let mut job = machine.train_job(0, 0, None);
    job.spec.data.stream = Digest([4; 32]);
    let error = machine.workshop.work(&job, &Stop::new()).unwrap_err().to_string();
    assert!(error.contains("--dataset"), "{error}");
    let base = round::Checkpoint { root: Digest([7; 32]), blob: Digest([8; 32]) };
    let job = machine.train_job(1, 0, Some(base));
    let error = format!("{:#}", machine.workshop.work(&job, &Stop::new()).unwrap_err());
    assert!(error.contains("starts from") && error.contains(&Digest([8; 32]).to_string()), "{error}");
}

/// The states that segments start from are kept for auditors, and nothing else is.
#[test]
fn the_states_at_segments_ends_are_kept_where_auditors_may_ask() {
    let mut machine = Machine::new();
    machine.train(0, 0, None);
    let ends = |folder: &Path| {
        let mut names: Vec<String> = std::fs::read_dir(folder.join("ends"))
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(ends(&machine.train_job(0, 0, None).folder), ["1", "2", "3"]);
    machine.spec.audit = AuditSpec::NONE;
    machine.train(0, 1, None);
    assert!(ends(&machine.train_job(0, 1, None).folder).is_empty());
}

#[path = "cheats_tests.rs"]
mod cheats;
#[path = "slow_tests.rs"]
mod slow;

#[path = "withheld_tests.rs"]
mod withheld;

#[test]
fn a_stream_that_was_damaged_is_fetched_again() {
    let machine = Machine::new();
    let other = machine.auditor();
    let spec = &machine.spec;
    let damage = |machine: &Machine| {
        let path = machine.workshop.blobs.own().path(spec.data.stream);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        path
    };
    damage(&other);
    other.workshop.stream_of(spec).unwrap();
    assert!(other.workshop.blobs.own().get(spec.data.stream).is_ok());
    // Nobody else has this one's.
    let path = damage(&machine);
    assert!(machine.workshop.stream_of(spec).is_err());
    assert!(!path.exists(), "what is damaged is not tried again");
}

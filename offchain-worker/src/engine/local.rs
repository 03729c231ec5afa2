//! A whole run on this machine alone, by the chain's rules: rounds one after the other, each from the update of the one before.
//! The updates are those that a worker of the chain would commit.
//!
//! The folder holds `checkpoint.safetensors` (the parameters after the last whole round), `run.json` (what was done: digests and
//! losses) and, after a stop in the middle of a round, `parked.safetensors`.

use super::{
    Checkpoint, CheckpointError, Engine, init,
    runner::{Observer, SlotEnd, SlotJob, StepReport, Trained, run_slot},
};
use crate::{
    data::Stream,
    files::{self, FileError},
    stop::Stop,
};
use sabha_protocol::{Commitment, Digest, Divergence, RoundIndex, spec::RunSpec};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The parameters after the last whole round.
pub const CHECKPOINT: &str = "checkpoint.safetensors";

/// What was done.
pub const RECORD: &str = "run.json";

const PARKED: &str = "parked.safetensors";

/// Losses that the record keeps at most: beyond, every second one goes.
const LOSSES: usize = 4_096;

/// What was done so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalRecord {
    /// Hash of the specification.
    pub spec: Digest,
    /// What each whole round came to: what a worker would have committed.
    pub rounds: Vec<Commitment>,
    /// Steps of the run, from 0, with their losses: at most some thousand, evenly spaced. Written when a round ends or is stopped,
    /// so a crash in the middle of a round may leave a gap.
    pub losses: Vec<(u64, f32)>,
    /// The distance between two recorded steps.
    pub loss_stride: u64,
}

/// Why a local run cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The folder holds a run.
    #[error("{} holds a run already: pass --resume to go on with it, or choose another folder", .0.display())]
    Exists(PathBuf),
    /// The folder holds none.
    #[error("{} holds no run to resume (there is no {RECORD} in it): leave --resume out", .0.display())]
    NothingToResume(PathBuf),
    /// It was begun with another specification or other data.
    #[error(
        "the run in {} was begun with specification {found}, this one is {wanted}: use the same specification and data, \
         or another folder",
        folder.display()
    )]
    OtherSpec {
        /// The folder.
        folder: PathBuf,
        /// What the record names.
        found: Digest,
        /// What was given.
        wanted: Digest,
    },
    /// The record is damaged.
    #[error("{} is damaged ({reason}): restore it, or start again in another folder", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The checkpoint is not the one that the record names.
    #[error(
        "{} is damaged: it hashes to {found}, {RECORD} names {wanted}; restore it, or start again in another folder",
        path.display()
    )]
    WrongCheckpoint {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: Digest,
        /// The digest that the record names.
        wanted: Digest,
    },
    /// The checkpoint is not there.
    #[error("{} is missing, {RECORD} names it: restore it, or start again in another folder", .0.display())]
    NoCheckpoint(PathBuf),
    /// The checkpoint cannot be read as one.
    #[error("{}: {reason}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: CheckpointError,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How a local run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalEnd {
    /// All rounds are done.
    Done,
    /// A slot left the finite numbers; the rounds before it stand.
    Diverged {
        /// The round.
        round: RoundIndex,
        /// Where in it.
        divergence: Divergence,
    },
    /// It was stopped; the state is on the disk.
    Parked {
        /// The round.
        round: RoundIndex,
        /// Inner steps of it that are done.
        step: u32,
    },
}

/// A run in a folder.
#[derive(Debug)]
pub struct LocalRun {
    folder: PathBuf,
    record: LocalRecord,
    checkpoint: Checkpoint,
}

impl LocalRun {
    /// Begins a run in a folder that holds none.
    ///
    /// # Errors
    /// If there is one, or the folder cannot be written.
    pub fn begin(folder: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        if folder.join(RECORD).exists() {
            return Err(LocalError::Exists(folder.into()).into());
        }
        let record = LocalRecord { spec: spec.hash(), rounds: vec![], losses: vec![], loss_stride: 1 };
        let run = Self { folder: folder.into(), record, checkpoint: init::of_spec(spec)? };
        // What a run that was removed by hand may have left.
        run.remove_parked()?;
        run.save()?;
        Ok(run)
    }

    /// Goes on with the run in a folder.
    ///
    /// # Errors
    /// If there is none, it is another one, or a file is damaged.
    pub fn resume(folder: &Path, spec: &RunSpec) -> anyhow::Result<Self> {
        let path = folder.join(RECORD);
        if !path.exists() {
            return Err(LocalError::NothingToResume(folder.into()).into());
        }
        let damaged = |reason: String| LocalError::Record { path: path.clone(), reason };
        let bytes = files::read(&path)?;
        let mut record: LocalRecord =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let wanted = spec.hash();
        if record.spec != wanted {
            return Err(LocalError::OtherSpec { folder: folder.into(), found: record.spec, wanted }.into());
        }
        if record.rounds.len() > spec.rounds.count as usize || record.loss_stride == 0 {
            return Err(damaged("it holds more than the run".into()).into());
        }
        let checkpoint = last_checkpoint(folder, spec, &mut record)?;
        Ok(Self { folder: folder.into(), record, checkpoint })
    }

    /// What was done so far.
    pub fn record(&self) -> &LocalRecord {
        &self.record
    }

    /// The parameters after the last whole round.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Trains the rounds that are left, until the end or until `stop` is raised.
    ///
    /// # Errors
    /// If the data is missing or wrong, or the engine or the disk fails. What was done before stays.
    pub fn train(
        &mut self,
        engine: &dyn Engine,
        spec: &RunSpec,
        stream: &Stream,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> anyhow::Result<LocalEnd> {
        let park = self.folder.join(PARKED);
        while (self.record.rounds.len() as u64) < u64::from(spec.rounds.count) {
            let round = self.record.rounds.len() as RoundIndex;
            let work = format!("{} round {round}", self.record.spec);
            let job = SlotJob { spec, stream, round, slot: 0, park: &park, work: &work };
            let start = self.checkpoint.clone();
            let mut recorder = Recorder { record: &mut self.record, spec, observer };
            let ended = run_slot(engine, &job, || Ok(start), &mut recorder, stop);
            match ended? {
                SlotEnd::Trained(trained) => {
                    let commitment = self.finish_round(*trained)?;
                    observer.ends(round, &commitment);
                }
                SlotEnd::Diverged(divergence) => {
                    self.save()?;
                    return Ok(LocalEnd::Diverged { round, divergence });
                }
                SlotEnd::Parked { step } => {
                    self.save()?;
                    return Ok(LocalEnd::Parked { round, step });
                }
            }
        }
        Ok(LocalEnd::Done)
    }

    /// The record first: a crash before the checkpoint is written shows as a record that is one round ahead.
    fn finish_round(&mut self, trained: Trained) -> Result<Commitment, LocalError> {
        let blob = trained.checkpoint.to_blob();
        let commitment = Commitment {
            segments_root: trained.segments_root,
            update_digest: Digest::of(&blob),
            mean_loss: trained.mean_loss.into(),
        };
        self.record.rounds.push(commitment);
        self.save()?;
        files::write_atomic(&self.folder.join(CHECKPOINT), &blob)?;
        self.checkpoint = trained.checkpoint;
        self.remove_parked()?;
        Ok(commitment)
    }

    fn save(&self) -> Result<(), LocalError> {
        let path = self.folder.join(RECORD);
        let text = serde_json::to_vec(&self.record)
            .map_err(|error| LocalError::Record { path: path.clone(), reason: error.to_string() })?;
        Ok(files::write_atomic(&path, &text)?)
    }

    fn remove_parked(&self) -> Result<(), LocalError> {
        let path = self.folder.join(PARKED);
        if path.exists() {
            files::remove(&path)?;
        }
        Ok(())
    }
}

/// Reads the checkpoint that the record names. A record that is one round ahead of it is put back: the round is trained again.
fn last_checkpoint(folder: &Path, spec: &RunSpec, record: &mut LocalRecord) -> anyhow::Result<Checkpoint> {
    let path = folder.join(CHECKPOINT);
    let Some(last) = record.rounds.last() else { return init::of_spec(spec) };
    let wanted = last.update_digest;
    let before = record.rounds.len().checked_sub(2).and_then(|index| record.rounds.get(index));
    if before.is_none() && !path.exists() {
        record.rounds.clear();
        return init::of_spec(spec);
    }
    if !path.exists() {
        return Err(LocalError::NoCheckpoint(path).into());
    }
    let bytes = files::read(&path)?;
    let found = Digest::of(&bytes);
    if found != wanted {
        if before.is_none_or(|before| before.update_digest != found) {
            return Err(LocalError::WrongCheckpoint { path, found, wanted }.into());
        }
        record.rounds.pop();
    }
    let read = Checkpoint::from_blob(&spec.model, &bytes);
    Ok(read.map_err(|reason| LocalError::Checkpoint { path, reason })?)
}

/// Notes losses, and passes everything on.
struct Recorder<'a> {
    record: &'a mut LocalRecord,
    spec: &'a RunSpec,
    observer: &'a mut dyn Observer,
}

impl Recorder<'_> {
    /// The step of the run, from 0, after `done` steps of a round.
    fn step_of(&self, round: RoundIndex, done: u32) -> u64 {
        u64::from(round) * u64::from(self.spec.rounds.inner_steps) + u64::from(done)
    }
}

impl Observer for Recorder<'_> {
    fn begins(&mut self, round: RoundIndex, done: u32) {
        // After a crash the slot may begin at an earlier step than was noted.
        let next = self.step_of(round, done);
        self.record.losses.retain(|(step, _)| *step < next);
        self.observer.begins(round, done);
    }

    fn step(&mut self, report: &StepReport) {
        let step = self.step_of(report.round, report.done).saturating_sub(1);
        let record = &mut *self.record;
        if step.checked_rem(record.loss_stride) == Some(0) {
            record.losses.push((step, report.loss));
        }
        if record.losses.len() > LOSSES {
            record.loss_stride = record.loss_stride.saturating_mul(2);
            let stride = record.loss_stride;
            record.losses.retain(|(step, _)| step.checked_rem(stride) == Some(0));
        }
        self.observer.step(report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        CandleEngine,
        testing::{StopsAfter, text_stream, tiny_spec},
    };

    struct Fixture {
        folder: tempfile::TempDir,
        spec: RunSpec,
        stream: Stream,
    }

    impl Fixture {
        fn new() -> Self {
            let (folder, spec, stream) = text_stream(tiny_spec());
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
            assert_eq!(self.train(&mut run, &CandleEngine::cpu(), &Stop::new()), LocalEnd::Done);
            (run.record().clone(), std::fs::read(self.out(name).join(CHECKPOINT)).unwrap())
        }
    }

    #[test]
    fn a_run_is_its_rounds_and_the_same_each_time() {
        let fixture = Fixture::new();
        let (record, checkpoint) = fixture.whole("a");
        assert_eq!(record.rounds.len(), 2);
        assert_eq!(record.rounds[1].update_digest, Digest::of(&checkpoint));
        assert_eq!(record.losses.len(), 12);
        assert_eq!(fixture.whole("b"), (record, checkpoint));
    }

    #[test]
    fn the_observer_hears_every_step_and_what_each_round_came_to() {
        #[derive(Default)]
        struct Heard {
            steps: Vec<(RoundIndex, u32)>,
            rounds: Vec<Commitment>,
        }
        impl Observer for Heard {
            fn step(&mut self, report: &StepReport) {
                self.steps.push((report.round, report.done));
            }

            fn ends(&mut self, round: RoundIndex, commitment: &Commitment) {
                assert_eq!(round as usize, self.rounds.len());
                self.rounds.push(*commitment);
            }
        }
        let fixture = Fixture::new();
        let mut heard = Heard::default();
        let mut run = LocalRun::begin(&fixture.out("run"), &fixture.spec).unwrap();
        run.train(&CandleEngine::cpu(), &fixture.spec, &fixture.stream, &mut heard, &Stop::new()).unwrap();
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
            assert_eq!(ended, LocalEnd::Parked { round, step });
            let mut run = LocalRun::resume(&out, &fixture.spec).unwrap();
            assert_eq!(fixture.train(&mut run, &CandleEngine::cpu(), &Stop::new()), LocalEnd::Done);
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
        assert_eq!(fixture.train(&mut run, &CandleEngine::cpu(), &Stop::new()), LocalEnd::Done);
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
}

//! The files of a slot that this worker trains, which stay until its round is settled: leaves, which are secret until the seals of
//! its audits are closed, and the states at its segments' ends, of which auditors get those that their segments start from.
//!
//! ```text
//! slots/RUN-ROUND-ATTEMPT-SLOT-GENERATION/state.safetensors   the parked state
//!                                         leaves              the state roots at the segments' ends
//!                                         ends/N              the state that segment N starts from
//!                                         fetched             of an audit: the states that were fetched for it
//! ```
//!
//! An auditor gets a state as a blob. Its hash is in the note `state-SEGMENTS_ROOT-N`, with the path that shows that it is leaf N below
//! the root; the pin `served-SEGMENTS_ROOT` keeps it.
//!
//! A served state need not be trusted: its root, with the path, must come to what was committed.

use crate::{
    blobs::{BlobError, BlobStore, Haste, PeerBlobs, UntilStopped},
    engine::{State, rounds::leaves},
    files::{self, FileError},
    stop::Stop,
};
use codec::{DecodeAll, Encode};
use sabha_protocol::{Digest, audit::Opening, spec::RunSpec};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Instant,
};

/// What the states at a slot's segments' ends may take on the disk. Where they would take more, none are kept, and auditors train
/// the slot from its start.
const KEPT_BYTES: u64 = 16 << 30;

/// What a state's file has beside its values, at most.
const HEADER_BYTES: u64 = 4 << 20;

/// What a state's file says beside its tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    step: u32,
    /// The loss accumulator's bits: decimal digits might not read back.
    loss_sum: u32,
}

/// The parked state of a slot.
pub fn parked(folder: &Path) -> PathBuf {
    folder.join("state.safetensors")
}

fn leaves_file(folder: &Path) -> PathBuf {
    folder.join("leaves")
}

fn end_file(folder: &Path, segment: u32) -> PathBuf {
    folder.join("ends").join(segment.to_string())
}

fn fetched_file(folder: &Path) -> PathBuf {
    folder.join("fetched")
}

/// The states that were fetched for an audit.
fn read_fetched(folder: &Path) -> BTreeSet<Digest> {
    let text = fs::read_to_string(fetched_file(folder)).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Writes down that a state is fetched, before it is: so it is removed whatever becomes of the audit, and of the process.
fn note_fetched(folder: &Path, digest: Digest) -> Result<(), FileError> {
    let mut fetched = read_fetched(folder);
    if !fetched.insert(digest) {
        return Ok(());
    }
    let lines: String = fetched.iter().map(|digest| format!("{digest}\n")).collect();
    files::write_atomic(&fetched_file(folder), lines.as_bytes())
}

/// Keeps a slot's leaves.
///
/// # Errors
/// If the file cannot be written.
pub fn keep_leaves(folder: &Path, roots: &[Digest]) -> Result<(), FileError> {
    files::write_atomic(&leaves_file(folder), &leaves::to_blob(roots))
}

/// A slot's leaves, if they are at hand and are those of the commitment.
pub fn read_leaves(folder: &Path, spec: &RunSpec, segments_root: Digest) -> Option<Vec<Digest>> {
    let blob = fs::read(leaves_file(folder)).ok()?;
    match leaves::from_blob(spec, segments_root, &blob) {
        Ok(leaves) => Some(leaves),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "the leaves are of no use: they are made again");
            None
        }
    }
}

/// The leaves at the ends of some segments, with their paths, if they are at hand.
pub fn read_openings(
    folder: &Path,
    spec: &RunSpec,
    segments_root: Digest,
    segments: &[u32],
) -> Option<Vec<Opening>> {
    openings(&read_leaves(folder, spec, segments_root)?, segments)
}

/// The leaves at the ends of some segments, with their paths.
pub fn openings(leaves: &[Digest], segments: &[u32]) -> Option<Vec<Opening>> {
    segments.iter().map(|segment| Opening::of(leaves, segment.saturating_add(1))).collect()
}

/// Whether the states at the segments' ends are kept: auditors may need them, and they are not too large.
pub fn keeps_states(spec: &RunSpec) -> bool {
    let states = u64::from(spec.segments().saturating_sub(1));
    spec.audit.auditors > 0 && state_bytes(spec).saturating_mul(states) <= KEPT_BYTES
}

/// Bytes of a state's file, at most. Saturates.
fn state_bytes(spec: &RunSpec) -> u64 {
    spec.model.parameter_count().saturating_mul(12).saturating_add(HEADER_BYTES)
}

/// Keeps the state that a segment starts from.
///
/// # Errors
/// If the file cannot be written.
pub fn keep_state(folder: &Path, segment: u32, state: &State) -> anyhow::Result<()> {
    let record = Record { step: state.step, loss_sum: state.loss_sum.to_bits() };
    let bytes = state.to_bytes(serde_json::to_string(&record)?);
    Ok(files::write_atomic(&end_file(folder, segment), &bytes)?)
}

/// The state that a segment of an own slot starts from, if it was kept. It is the own disk's: nothing is proved.
pub fn kept_state(folder: &Path, spec: &RunSpec, segment: u32) -> Option<State> {
    let file = end_file(folder, segment);
    let state = file.exists().then(|| read_state(&file, spec))?;
    let state =
        state.map_err(|reason| tracing::warn!(file = %file.display(), reason, "the kept state is of no use"));
    state.ok().filter(|state| state.step == segment.saturating_mul(spec.rounds.segment_steps))
}

/// The state in a file, or why there is none.
fn read_state(file: &Path, spec: &RunSpec) -> Result<State, String> {
    state_of(&fs::read(file).map_err(|error| error.to_string())?, spec)
}

fn state_of(bytes: &[u8], spec: &RunSpec) -> Result<State, String> {
    let (mut state, record) = State::from_bytes(&spec.model, bytes).map_err(|error| error.to_string())?;
    let record: Record = serde_json::from_str(&record).map_err(|error| error.to_string())?;
    state.step = record.step;
    state.loss_sum = f32::from_bits(record.loss_sum);
    Ok(state)
}

/// What workers serve to auditors: states, as blobs, and notes that say under which hashes.
#[derive(Clone, Debug)]
pub struct Served {
    blobs: PeerBlobs,
}

/// What the notes of a slot begin with.
fn notes_of(segments_root: Digest) -> String {
    format!("state-{segments_root}-")
}

/// The note of the state that a segment starts from.
fn note_of(segments_root: Digest, segment: u32) -> String {
    format!("{}{segment}", notes_of(segments_root))
}

/// The pin that keeps a slot's served states.
fn pin_of(segments_root: Digest) -> String {
    format!("served-{segments_root}")
}

impl Served {
    /// From and in a blob store.
    pub fn beside(blobs: &PeerBlobs) -> Self {
        Self { blobs: blobs.clone() }
    }

    /// Serves the state that a segment starts from, if it was kept. Returns whether it is served.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn serve(
        &self,
        folder: &Path,
        leaves: &[Digest],
        segments_root: Digest,
        segment: u32,
    ) -> Result<bool, BlobError> {
        let (own, note, pin) = (self.blobs.own(), note_of(segments_root, segment), pin_of(segments_root));
        let Some(opening) = Opening::of(leaves, segment) else { return Ok(false) };
        // A note that was damaged, or whose state is gone, serves nobody: both are made again.
        let served = own.note(&note)?.and_then(|note| <(Digest, Opening)>::decode_all(&mut &*note).ok());
        if let Some((digest, found)) = served
            && found == opening
            && own.has(digest)?
            && own.pinned(&pin)?.contains(&digest)
        {
            return Ok(true);
        }
        let from = end_file(folder, segment);
        let bytes = match fs::read(&from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(FileError::of("read", &from)(error).into()),
        };
        let digest = Digest::of(&bytes);
        let mut pinned = own.pinned(&pin)?;
        pinned.insert(digest);
        own.pin(&pin, &pinned)?;
        self.blobs.put(&bytes)?;
        // Last: who finds it finds the state.
        self.blobs.put_note(&note, &(digest, opening).encode())?;
        Ok(true)
    }

    /// The state that a segment starts from, if its worker serves it `by` a time; checked against what was committed. In `folder` it is
    /// written down what is fetched, until [`Self::release`].
    pub fn fetch(
        &self,
        spec: &RunSpec,
        segments_root: Digest,
        segment: u32,
        folder: &Path,
        by: Instant,
        stop: &Stop,
    ) -> Option<State> {
        let raised = stop.clone();
        let patient = self.blobs.in_haste(Haste::before(by)).with_stop(move || raised.is_raised());
        patient.find_note(&note_of(segments_root, segment), |blobs, note| {
            let blobs = UntilStopped { blobs, stop };
            let refused =
                |reason: &str| tracing::warn!(%segments_root, segment, reason, "the served state is of no use");
            let (digest, opening) = <(Digest, Opening)>::decode_all(&mut &*note).ok()?;
            let leaves = spec.segments().saturating_add(1);
            if !opening.opens(&segments_root, leaves, segment) {
                refused("its leaf is not the one that was committed");
                return None;
            }
            if !self.blobs.has(digest).unwrap_or(true)
                && let Err(error) = note_fetched(folder, digest)
            {
                refused(&error.to_string());
                return None;
            }
            let bytes = blobs.get_within(digest, state_bytes(spec));
            let bytes = bytes.map_err(|error| refused(&error.to_string())).ok()?;
            let state = state_of(&bytes, spec).map_err(|reason| refused(&reason)).ok()?;
            let step = segment.saturating_mul(spec.rounds.segment_steps);
            let right = state.step == step && state.root() == opening.leaf;
            if !right {
                refused("it is not the one that was committed");
            }
            right.then_some(state)
        })
    }

    /// Removes the states that were fetched for an audit from others, as `folder` says: they have been used, or are of no use any more.
    pub fn release(&self, folder: &Path) {
        let fetched = read_fetched(folder);
        let removed = self.remove_unpinned(&fetched);
        if let Err(error) =
            removed.and_then(|()| files::remove(&fetched_file(folder)).map_err(BlobError::from))
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove the states that were fetched");
        }
    }

    fn remove_unpinned(&self, digests: &BTreeSet<Digest>) -> Result<(), BlobError> {
        let own = self.blobs.own();
        let pinned = own.pinned_by_any()?;
        for digest in digests.difference(&pinned) {
            own.remove(*digest)?;
        }
        Ok(())
    }

    /// Removes what was served of a slot.
    pub fn remove(&self, segments_root: Digest) {
        if let Err(error) = self.try_remove(segments_root) {
            tracing::warn!(%segments_root, %error, "cannot remove what was served");
        }
    }

    fn try_remove(&self, segments_root: Digest) -> Result<(), BlobError> {
        let own = self.blobs.own();
        own.remove_notes(&notes_of(segments_root))?;
        let pin = pin_of(segments_root);
        let served = own.pinned(&pin)?;
        own.pin(&pin, &BTreeSet::new())?;
        self.remove_unpinned(&served)
    }
}

/// Removes a slot's files, and what was served of what was `committed` for it: nothing will need them. By the leaves as well, for the log
/// may be another one, and the leaves damaged.
pub fn remove(folder: &Path, served: &Served, committed: Option<Digest>) {
    if let Some(root) = committed {
        served.remove(root);
    }
    if let Ok(blob) = fs::read(leaves_file(folder)) {
        let roots: Vec<Digest> = blob.as_chunks::<32>().0.iter().map(|leaf| Digest(*leaf)).collect();
        served.remove(sabha_protocol::segments_root(&roots));
    }
    served.release(folder);
    remove_folder(folder);
}

fn remove_folder(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{init::initial, testing::tiny_spec};
    use sabha_protocol::segments_root;

    fn beside(blobs: &Path) -> Served {
        Served::beside(&PeerBlobs::open(blobs, &[]).unwrap())
    }

    fn in_a_minute() -> Instant {
        Instant::now() + std::time::Duration::from_secs(60)
    }

    fn fetch(served: &Served, spec: &RunSpec, root: Digest, segment: u32) -> Option<State> {
        let folder = served.blobs.own().root().join("audit");
        served.fetch(spec, root, segment, &folder, in_a_minute(), &Stop::new())
    }

    /// A slot of three segments with leaves that are true of its states.
    fn slot(spec: &RunSpec) -> (Vec<State>, Vec<Digest>) {
        let mut states = Vec::new();
        for segment in 0..=spec.segments() {
            let mut state = State::begin(initial(&spec.model, 3 + u64::from(segment)));
            state.step = segment * spec.rounds.segment_steps;
            state.loss_sum = 0.1 * segment as f32;
            states.push(state);
        }
        let leaves = states.iter().map(State::root).collect();
        (states, leaves)
    }

    #[test]
    fn a_kept_state_is_served_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let spec = tiny_spec();
        let (states, leaves) = slot(&spec);
        let root = segments_root(&leaves);
        let (own, served) = (folder.path().join("own"), beside(folder.path()));
        assert!(!served.serve(&own, &leaves, root, 1).unwrap(), "nothing was kept");
        assert_eq!(fetch(&served, &spec, root, 1), None);

        keep_leaves(&own, &leaves).unwrap();
        keep_state(&own, 1, &states[1]).unwrap();
        assert!(served.serve(&own, &leaves, root, 1).unwrap());
        assert_eq!(fetch(&served, &spec, root, 1), Some(states[1].clone()));
        assert_eq!(fetch(&served, &spec, root, 2), None);

        let peers = [folder.path().to_path_buf()];
        let audit = folder.path().join("audit");
        let auditor = Served::beside(&PeerBlobs::open(folder.path().join("auditor"), &peers).unwrap());
        assert_eq!(
            auditor.fetch(&spec, root, 1, &audit, in_a_minute(), &Stop::new()),
            Some(states[1].clone()),
            "from a peer's folder"
        );
        assert_eq!(auditor.blobs.own().entries().unwrap().len(), 1, "it is kept while it is used");
        let restarted = Served::beside(&auditor.blobs);
        restarted.release(&audit);
        assert!(restarted.blobs.own().entries().unwrap().is_empty());
        assert!(!fetched_file(&audit).exists());
        served.release(&own);
        assert!(fetch(&served, &spec, root, 1).is_some(), "what is served stays");

        let used = served.blobs.own().used().unwrap();
        std::fs::write(leaves_file(&own), [1; 40]).unwrap();
        remove(&own, &served, Some(root));
        assert_eq!(fetch(&served, &spec, root, 1), None);
        assert!(!own.exists());
        let left = served.blobs.own();
        assert!(left.entries().unwrap().is_empty() && left.pins().unwrap().is_empty(), "of {used} bytes");
    }

    /// Another segment's state, another slot's, a changed one, and one whose path is of another segment.
    #[test]
    fn a_served_state_that_was_not_committed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let spec = tiny_spec();
        let (states, leaves) = slot(&spec);
        let root = segments_root(&leaves);
        let mut changed = states[1].clone();
        changed.moment1[0][0] = 1e-20;
        let mut other = State::begin(initial(&spec.model, 77));
        other.step = spec.rounds.segment_steps;
        for (index, bad) in [states[2].clone(), other, changed].into_iter().enumerate() {
            let place = folder.path().join(index.to_string());
            let (own, served) = (place.join("own"), beside(&place));
            keep_state(&own, 1, &bad).unwrap();
            assert!(served.serve(&own, &leaves, root, 1).unwrap());
            assert_eq!(fetch(&served, &spec, root, 1), None, "{index}");
        }
        let (own, served) = (folder.path().join("own"), beside(folder.path()));
        keep_state(&own, 1, &states[1]).unwrap();
        served.serve(&own, &leaves, root, 1).unwrap();
        assert!(fetch(&served, &spec, root, 1).is_some());
        let digest = *served.blobs.own().pinned(&pin_of(root)).unwrap().first().unwrap();
        for note in [(digest, Opening::of(&leaves, 2).unwrap()).encode(), digest.encode(), vec![1]] {
            served.blobs.own().put_note(&note_of(root, 1), &note).unwrap();
            assert_eq!(fetch(&served, &spec, root, 1), None);
            assert!(served.serve(&own, &leaves, root, 1).unwrap());
            assert!(fetch(&served, &spec, root, 1).is_some(), "whose it is makes it again");
        }
    }

    #[test]
    fn what_is_served_and_gone_is_served_again() {
        let folder = tempfile::tempdir().unwrap();
        let spec = tiny_spec();
        let (states, leaves) = slot(&spec);
        let root = segments_root(&leaves);
        let (own, served) = (folder.path().join("own"), beside(folder.path()));
        keep_state(&own, 1, &states[1]).unwrap();
        let serve = || assert!(served.serve(&own, &leaves, root, 1).unwrap());
        serve();
        let blobs = served.blobs.own();
        let digest = *blobs.pinned(&pin_of(root)).unwrap().first().unwrap();
        blobs.remove(digest).unwrap();
        serve();
        assert!(fetch(&served, &spec, root, 1).is_some());
        blobs.pin(&pin_of(root), &BTreeSet::new()).unwrap();
        serve();
        assert_eq!(blobs.pinned(&pin_of(root)).unwrap(), [digest].into());
    }

    #[test]
    fn openings_are_those_of_the_segments_ends_and_of_the_commitment_only() {
        let folder = tempfile::tempdir().unwrap();
        let spec = tiny_spec();
        let (_, leaves) = slot(&spec);
        let root = segments_root(&leaves);
        keep_leaves(folder.path(), &leaves).unwrap();
        let found = read_openings(folder.path(), &spec, root, &[0, 2]).unwrap();
        assert_eq!((found[0].leaf, found[1].leaf), (leaves[1], leaves[3]));
        let count = spec.segments() + 1;
        assert!(found[0].opens(&root, count, 1) && found[1].opens(&root, count, 3));
        assert_eq!(read_openings(folder.path(), &spec, Digest([1; 32]), &[0]), None, "another commitment");
        assert_eq!(read_openings(folder.path(), &spec, root, &[3]), None, "no such segment");
        assert_eq!(read_openings(&folder.path().join("none"), &spec, root, &[0]), None);
    }
}

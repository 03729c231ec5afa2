//! The state of a slot that was stopped, as a file: from it the slot goes on to the same bits.
//!
//! A parked state is taken up only if it hashes to the root that it was written with and belongs to the same work; else the slot
//! starts over, which costs time and changes nothing.

use super::{CheckpointError, State};
use crate::files::{self, FileError};
use sabha_protocol::{Digest, segments_root, spec::RunSpec};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is wrong with a parked state.
#[derive(Debug, thiserror::Error)]
pub enum ParkError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is damaged, or a state of another model.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its record is not one.
    #[error("its record is not as expected: {0}")]
    Record(#[from] serde_json::Error),
    /// It was made for something else.
    #[error("it belongs to other work")]
    OtherWork,
    /// Its tensors are not those that were written.
    #[error("it does not hash to the root that it was written with")]
    WrongRoot,
    /// Its list of roots is not the one that was written, or does not fit its step.
    #[error("its roots are not those that were written, or do not fit its step")]
    WrongRoots,
}

/// A slot in the middle.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// The state.
    pub state: State,
    /// Roots at the segments' ends so far, the start's first.
    pub roots: Vec<Digest>,
}

/// What the file says beside the tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Which work this is: whatever its owner tells two pieces of work apart by.
    work: String,
    step: u32,
    /// The loss accumulator's bits: decimal digits might not read back.
    loss_sum: u32,
    /// Root of the state: what the file must hash to.
    root: Digest,
    roots: Vec<Digest>,
    /// What the roots must come to: they end up in a commitment, and the state's own root says nothing about them.
    segments_root: Digest,
}

/// Writes a slot's state; an older one stays whole if that fails.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, work: &str, state: &State, roots: &[Digest]) -> Result<(), ParkError> {
    let record = Record {
        work: work.into(),
        step: state.step,
        loss_sum: state.loss_sum.to_bits(),
        root: state.root(),
        roots: roots.to_vec(),
        segments_root: segments_root(roots),
    };
    Ok(files::write_atomic(path, &state.to_bytes(serde_json::to_string(&record)?))?)
}

/// Reads a slot's state; `None` if there is none.
///
/// # Errors
/// If it is of no use.
pub fn read(path: &Path, work: &str, spec: &RunSpec) -> Result<Option<Parked>, ParkError> {
    if !path.exists() {
        return Ok(None);
    }
    let (mut state, text) = State::from_bytes(&spec.model, &files::read(path)?)?;
    let record: Record = serde_json::from_str(&text)?;
    if record.work != work {
        return Err(ParkError::OtherWork);
    }
    state.step = record.step;
    state.loss_sum = f32::from_bits(record.loss_sum);
    if state.root() != record.root {
        return Err(ParkError::WrongRoot);
    }
    let segments = record.step.checked_div(spec.rounds.segment_steps).unwrap_or(0);
    if record.step > spec.rounds.inner_steps
        || record.roots.len() as u64 != u64::from(segments) + 1
        || segments_root(&record.roots) != record.segments_root
    {
        return Err(ParkError::WrongRoots);
    }
    Ok(Some(Parked { state, roots: record.roots }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{init::initial, testing::tiny_spec};

    #[test]
    fn a_state_reads_back_for_the_same_work_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slot/state.safetensors");
        let spec = tiny_spec();
        assert_eq!(read(&path, "a", &spec).unwrap(), None);

        let mut state = State::begin(initial(&spec.model, 3));
        state.step = spec.rounds.segment_steps + 1;
        state.loss_sum = 0.1 + 0.2;
        state.moment1[1][0] = 1e-30;
        let roots = vec![Digest([1; 32]), Digest([2; 32])];
        write(&path, "a", &state, &roots).unwrap();
        assert_eq!(read(&path, "a", &spec).unwrap(), Some(Parked { state: state.clone(), roots }));
        assert!(matches!(read(&path, "b", &spec), Err(ParkError::OtherWork)));

        write(&path, "a", &state, &[Digest([1; 32])]).unwrap();
        assert!(matches!(read(&path, "a", &spec), Err(ParkError::WrongRoots)));
    }

    /// A damaged root would be committed, and could be disputed.
    #[test]
    fn a_changed_root_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let spec = tiny_spec();
        let root = Digest([0xab; 32]);
        write(&path, "a", &State::begin(initial(&spec.model, 3)), &[root]).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let text = root.to_string().into_bytes();
        let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
        bytes[at] = b'1';
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(read(&path, "a", &spec), Err(ParkError::WrongRoots)));
    }

    #[test]
    fn any_flipped_byte_of_the_tensors_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.safetensors");
        let spec = tiny_spec();
        let state = State::begin(initial(&spec.model, 3));
        write(&path, "a", &state, &[Digest([1; 32])]).unwrap();
        let good = std::fs::read(&path).unwrap();
        for back in [1, 5, 400] {
            let mut bad = good.clone();
            let at = bad.len() - back;
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(read(&path, "a", &spec), Err(ParkError::WrongRoot)), "{back} from the end");
        }
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(matches!(read(&path, "a", &spec), Err(ParkError::Checkpoint(_))));
    }
}

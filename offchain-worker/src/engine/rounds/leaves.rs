//! The state roots at the ends of a slot's segments, the start's first, as an object of its own: 32 bytes each, nothing else.
//!
//! The chain holds their root only. A worker publishes them when the seals of the audits are closed, so that an auditor cannot
//! copy its answer from them.

use sabha_protocol::{Digest, segments_root, spec::RunSpec};

/// Why bytes are not the leaves that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeavesError {
    /// Too few or too many.
    #[error("it has {found} bytes, a slot of this run has {needed} bytes of leaves")]
    Length {
        /// What there is.
        found: u64,
        /// What the specification says.
        needed: u64,
    },
    /// Other leaves than those that were committed.
    #[error("its leaves come to the root {found}, {wanted} was committed")]
    Root {
        /// Their root.
        found: Digest,
        /// The one that was committed.
        wanted: Digest,
    },
}

/// Bytes of a slot's leaves.
pub fn leaves_bytes(spec: &RunSpec) -> u64 {
    u64::from(spec.segments()).saturating_add(1).saturating_mul(32)
}

/// Leaves as an object.
pub fn to_blob(leaves: &[Digest]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| leaf.0).collect()
}

/// Reads the leaves below a root that was committed.
///
/// # Errors
/// If they are too few or too many, or come to another root.
pub fn from_blob(spec: &RunSpec, wanted: Digest, blob: &[u8]) -> Result<Vec<Digest>, LeavesError> {
    let (found, needed) = (blob.len() as u64, leaves_bytes(spec));
    if found != needed {
        return Err(LeavesError::Length { found, needed });
    }
    let leaves: Vec<Digest> = blob.as_chunks::<32>().0.iter().map(|leaf| Digest(*leaf)).collect();
    let found = segments_root(&leaves);
    if found == wanted { Ok(leaves) } else { Err(LeavesError::Root { found, wanted }) }
}

//! Attesting: which updates of a round can be fetched.

use super::EngineWorkshop;
use crate::{
    blobs::BlobError,
    daemon::{
        task::Product,
        work::{Ended, Job},
    },
    engine::rounds::{
        Place,
        store::{self, FetchError},
    },
};
use sabha_protocol::{Digest, SlotIndex, SlotSet};

impl EngineWorkshop {
    /// Fetches each update and checks its digest, length and form. One that is not there may still come, until there is hurry.
    pub(super) fn attest(&self, job: &Job, updates: &[(SlotIndex, Digest)]) -> anyhow::Result<Ended> {
        let task = job.duty.task;
        let (mut got, mut missing) = (SlotSet::default(), Vec::new());
        for (slot, digest) in updates {
            let place = Place::of(&job.spec, task.round.round, *slot);
            match store::fetch_update(&self.blobs, &job.spec, place, *digest) {
                Ok(_) => got.insert(*slot),
                // It is this machine's disk that fails: nothing is known of the update.
                Err(FetchError::Blob(error)) if error.is_local() => return Err(error.into()),
                Err(FetchError::Blob(
                    BlobError::Missing { .. } | BlobError::Corrupt { .. } | BlobError::Fetch { .. },
                )) => {
                    missing.push(*slot);
                }
                Err(error) => tracing::warn!(%task, slot, %error, "this update does not count"),
            }
        }
        if !missing.is_empty() && !job.hurry {
            return Ok(Ended::Waits {
                reason: format!("the updates of slots {missing:?} are not there yet"),
            });
        }
        if !missing.is_empty() {
            tracing::warn!(%task, ?missing, "these updates never came");
        }
        Ok(Ended::Done(Product::Got(got)))
    }
}

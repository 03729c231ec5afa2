//! Attesting: which updates of a round can be fetched.

use super::EngineWorkshop;
use crate::{
    blobs::{BlobError, UntilStopped},
    daemon::{
        task::Product,
        work::{Ended, Job},
    },
    engine::rounds::{
        Place,
        store::{self, FetchError},
    },
    stop::Stop,
};
use sabha_protocol::{Digest, SlotIndex, SlotSet};

/// What an error says of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody who was asked serves it.
    Missing,
    /// It is no update of that slot.
    Wrong,
    /// Nothing: it is this machine, its disk or its configuration, that failed. It is no reason to vote against anybody.
    Unknown,
}

fn judge(error: &FetchError) -> Verdict {
    match error {
        FetchError::Blob(BlobError::Missing { .. } | BlobError::Corrupt { .. } | BlobError::Fetch { .. }) => {
            Verdict::Missing
        }
        FetchError::Blob(BlobError::TooLarge { .. }) => Verdict::Wrong,
        FetchError::Blob(_) => Verdict::Unknown,
        FetchError::Update { .. }
        | FetchError::Checkpoint { .. }
        | FetchError::Root { .. }
        | FetchError::Leaves { .. } => Verdict::Wrong,
    }
}

impl EngineWorkshop {
    /// Fetches each update and checks its digest, length and form. One that is not there may still come, until there is hurry. Each has its
    /// share of the time: who serves one slowly does not take it from the others.
    pub(super) fn attest(
        &self,
        job: &Job,
        updates: &[(SlotIndex, Digest)],
        stop: &Stop,
    ) -> anyhow::Result<Ended> {
        let task = job.duty.task;
        let (mut got, mut missing) = (SlotSet::default(), Vec::new());
        for (index, (slot, digest)) in updates.iter().enumerate() {
            let blobs = &self.blobs_within(Some(&job.time), updates.len().saturating_sub(index));
            let blobs = UntilStopped { blobs, stop };
            let place = Place::of(&job.spec, task.round.round, *slot);
            match store::fetch_update(&blobs, &job.spec, place, *digest) {
                Ok(_) => got.insert(*slot),
                Err(error) => match judge(&error) {
                    Verdict::Missing => missing.push(*slot),
                    Verdict::Wrong => tracing::warn!(%task, slot, %error, "this update does not count"),
                    Verdict::Unknown => return Err(error.into()),
                },
            }
        }
        if !missing.is_empty() && !job.time.is_short() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::rounds::UpdateError, files::FileError};
    use std::io;

    /// An own pin that is damaged, an own network that is not there, a full disk: none of them is the trainer's fault.
    #[test]
    fn what_fails_on_this_machine_is_no_vote_of_absence() {
        let digest = Digest([1; 32]);
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let file = FileError { action: "write", path: "/a".into(), source };
        for error in [
            BlobError::Pin { path: "/pins/a".into() },
            BlobError::Name { name: "a/b".into() },
            BlobError::Network { what: "the network".into(), reason: "it has been shut down".into() },
            BlobError::Full { root: "/a".into(), needed: 2, held: 1, limit: 2 },
            BlobError::Stopped { digest },
            BlobError::File(file),
        ] {
            assert_eq!(judge(&error.into()), Verdict::Unknown);
        }
        for error in [
            BlobError::Missing { digest, place: "/a".into() },
            BlobError::Corrupt { digest, path: "/a".into() },
            BlobError::Fetch { digest, reasons: "silent".into() },
        ] {
            assert_eq!(judge(&error.into()), Verdict::Missing);
        }
        assert_eq!(judge(&BlobError::TooLarge { digest, found: 9, limit: 1 }.into()), Verdict::Wrong);
        assert_eq!(judge(&FetchError::Update { digest, source: UpdateError::Header }), Verdict::Wrong);
    }
}

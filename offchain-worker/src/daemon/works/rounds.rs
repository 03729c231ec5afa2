//! Making the next checkpoint of a round's updates.

use super::EngineWorkshop;
use crate::{
    daemon::{
        task::Product,
        work::{Ended, Job},
    },
    engine::rounds::{self, AggregateError, Place, store},
    stop::Stop,
};
use anyhow::Context;
use sabha_protocol::{Digest, SlotIndex};

impl EngineWorkshop {
    pub(super) fn aggregate(
        &self,
        job: &Job,
        updates: &[(SlotIndex, Digest)],
        stop: &Stop,
    ) -> anyhow::Result<Ended> {
        let (spec, round) = (&job.spec, job.duty.task.round.round);
        let base = self.base(job)?;
        let mut fetched = Vec::new();
        for (slot, digest) in updates {
            let update = store::fetch_update(&self.blobs, spec, Place::of(spec, round, *slot), *digest);
            fetched.push(update.with_context(|| format!("the update of slot {slot}"))?);
        }
        match rounds::aggregate(spec, &base, fetched, &|| !stop.is_raised()) {
            Ok(next) => Ok(Ended::Done(Product::Checkpoint(store::publish_checkpoint(&self.blobs, &next)?))),
            Err(AggregateError::Stopped) => Ok(Ended::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}

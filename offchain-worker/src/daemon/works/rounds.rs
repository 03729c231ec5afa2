//! Making the next checkpoint of a round's updates.

use super::EngineWorkshop;
use crate::{
    daemon::{
        task::Product,
        work::{Ended, Job},
    },
    engine::rounds::store,
    stop::Stop,
};
use sabha_protocol::{Digest, SlotIndex};

impl EngineWorkshop {
    pub(super) fn aggregate(
        &self,
        job: &Job,
        updates: &[(SlotIndex, Digest)],
        stop: &Stop,
    ) -> anyhow::Result<Ended> {
        let base = self.base(job, stop)?;
        let next =
            self.aggregated(&job.spec, job.duty.task.round.round, &base, updates, Some(&job.time), stop)?;
        Ok(Ended::Done(Product::Checkpoint(store::publish_checkpoint(&self.blobs, &next)?)))
    }
}

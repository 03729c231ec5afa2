//! Runs whose stream is not what their specification says that it is made of.

use pallet_sabha_training::{Pallet as Training, Specs};
use sabha_protocol::{Digest, RunId, datasets::Sources, dispute::stream::StreamEvidence};
use sp_runtime::DispatchResult;

use crate::{Config, Error, Event, Pallet};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_refute_stream(
        who: T::AccountId,
        run: RunId,
        evidence: &StreamEvidence,
    ) -> DispatchResult {
        let spec = Specs::<T>::get(run).ok_or(Error::<T>::NoSuchRun)?;
        let bytes_of = |root: &Digest| <T as Config>::Sources::dataset_of(root).map(|(_, bytes)| bytes);
        evidence.check(&spec.data, bytes_of).map_err(Error::<T>::from)?;
        Training::<T>::stop_refuted(run)?;
        Self::deposit_event(Event::StreamRefuted { run, who, source: evidence.source() });
        Ok(())
    }
}

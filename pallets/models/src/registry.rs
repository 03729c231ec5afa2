//! The registry: how models come in, and what is known of them.

use alloc::vec::Vec;

use frame_support::{BoundedVec, ensure, pallet_prelude::DispatchResult, traits::Get};
use pallet_sabha_allocation::{Pallet as Allocation, Parents};
use pallet_sabha_training::Runs;
use sabha_protocol::{
    RunId,
    datasets::Sources,
    models::{Licence, ModelId},
    round::Checkpoint,
    spec::ModelSpec,
};

use crate::{
    Config, Error, Event, Metric, MetricNameOf, Metrics, Model, ModelOf, ModelOfRun, Models, NameOf,
    NextModelId, Origin, Pallet, Source, Status,
};

/// How many ancestors a client is told.
const ANCESTORS: usize = 64;

/// Whether a name can be shown.
fn is_printable(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

impl<T: Config> Pallet<T> {
    pub(crate) fn do_register(run: RunId) -> DispatchResult {
        let proposal = Allocation::<T>::completed(run).ok_or(Error::<T>::NothingToRegister)?;
        let record = Runs::<T>::get(run).ok_or(Error::<T>::NothingToRegister)?;
        let checkpoint = record.progress.tip.ok_or(Error::<T>::NothingToRegister)?;
        // A stream may have some data several times; its contributors are paid as for once.
        let all = &proposal.sources;
        let first =
            all.iter().enumerate().filter(|(at, manifest)| !all.iter().take(*at).any(|one| one == *manifest));
        let sources = first.map(|(_, manifest)| Source {
            manifest: *manifest,
            dataset: <T as Config>::Sources::dataset_of(manifest),
        });
        let origin = Origin::Trained {
            run,
            proposer: proposal.proposer,
            spec_hash: proposal.spec_hash,
            rounds: record.progress.finalised,
            cost: record.paid,
            sources: BoundedVec::truncate_from(sources.collect()),
        };
        let (licence, parent) = (proposal.licence, proposal.parent);
        let model = Self::add(proposal.title, licence, proposal.model, checkpoint, origin, parent)?;
        ModelOfRun::<T>::insert(run, model);
        Allocation::<T>::note_registered(run);
        Self::deposit_event(Event::Registered { model, run, checkpoint, licence });
        Ok(())
    }

    pub(crate) fn do_import(
        name: NameOf<T>,
        licence: Licence,
        shape: ModelSpec,
        checkpoint: Checkpoint,
    ) -> DispatchResult {
        ensure!(is_printable(&name), Error::<T>::BadName);
        ensure!(shape.check().is_ok(), Error::<T>::BadShape);
        let model = Self::add(name, licence, shape, checkpoint, Origin::Imported, None)?;
        Self::deposit_event(Event::Imported { model, checkpoint, licence });
        Ok(())
    }

    fn add(
        name: NameOf<T>,
        licence: Licence,
        shape: ModelSpec,
        checkpoint: Checkpoint,
        origin: Origin<T::AccountId>,
        parent: Option<ModelId>,
    ) -> Result<ModelId, Error<T>> {
        let id = NextModelId::<T>::get();
        NextModelId::<T>::put(id.checked_add(1).ok_or(Error::<T>::TooManyModels)?);
        let model = Model {
            name,
            licence,
            checkpoint,
            shape,
            origin,
            parent,
            table: <T as Config>::Table::get(),
            revenue: 0,
            status: Status::Current,
        };
        Models::<T>::insert(id, model);
        Ok(id)
    }

    pub(crate) fn do_measure(
        who: Option<T::AccountId>,
        id: ModelId,
        metric: Metric<MetricNameOf<T>>,
    ) -> DispatchResult {
        let model = Self::model(id)?;
        if let Some(who) = who {
            let own = matches!(&model.origin, Origin::Trained { proposer, .. } if *proposer == who);
            ensure!(own, Error::<T>::NotTheProposer);
        }
        ensure!(is_printable(&metric.name), Error::<T>::BadName);
        ensure!(metric.value.get().is_finite(), Error::<T>::NotFinite);
        let (name, value) = (metric.name.clone(), metric.value);
        Metrics::<T>::try_mutate(id, |metrics| {
            match metrics.iter_mut().find(|known| known.name == metric.name) {
                Some(known) => *known = metric,
                None => metrics.try_push(metric).map_err(|_| Error::<T>::TooManyMetrics)?,
            }
            Ok::<(), Error<T>>(())
        })?;
        Self::deposit_event(Event::Measured { model: id, name, value });
        Ok(())
    }

    pub(crate) fn do_deprecate(id: ModelId, successor: Option<ModelId>) -> DispatchResult {
        let mut model = Self::model(id)?;
        ensure!(model.status == Status::Current, Error::<T>::Deprecated);
        if let Some(successor) = successor {
            ensure!(successor != id, Error::<T>::BadSuccessor);
            ensure!(Self::model(successor)?.status == Status::Current, Error::<T>::BadSuccessor);
        }
        model.status = Status::Deprecated { successor };
        Models::<T>::insert(id, model);
        Self::deposit_event(Event::Deprecated { model: id, successor });
        Ok(())
    }

    pub(crate) fn model(id: ModelId) -> Result<ModelOf<T>, Error<T>> {
        Models::<T>::get(id).ok_or(Error::<T>::NoSuchModel)
    }

    pub(crate) fn lineage(id: ModelId) -> Vec<ModelId> {
        let parent = |id: &ModelId| Models::<T>::get(id)?.parent;
        core::iter::successors(parent(&id), parent).take(ANCESTORS).collect()
    }
}

impl<T: Config> Parents for Pallet<T> {
    fn parent(model: ModelId) -> Option<(Checkpoint, ModelSpec, Licence)> {
        let model = Models::<T>::get(model).filter(|model| model.status == Status::Current)?;
        Some((model.checkpoint, model.shape, model.licence))
    }
}

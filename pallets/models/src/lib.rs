//! # Models
//!
//! The registry of what was trained: weights, licence, lineage; and payments for models, which reach those who gave data, compute and
//! money.
//!
//! ## Glossary
//!
//! - **Model**: a checkpoint that the chain vouches for as the result of a run (**trained**), or that a referendum took in (**imported**).
//! - **Lineage**: the run, its specification, the datasets of its stream and the bytes of each, the model that it began from (its
//!   **parent**).
//! - **Table**: who has which part of a payment. It is the chain's when the model is registered, and the model's for ever.
//! - **Accrued**: what forks of a model were paid for it, and nobody has distributed yet.
//!
//! ## Life of a model
//!
//! ```text
//! run completed ─ register ─┐
//!                           ├─► Model ─ pay, distribute, measure, fork … ─ deprecate ─► deprecated: no forks, payments as before
//! referendum ────── import ─┘
//! ```
//!
//! ## Money
//!
//! `pay` moves an amount from the payer into reward pools, by the model's table: to each dataset by its bytes, to the run's workers and to its
//! backers by their shares. The parents' part goes to the pallet's **pot**, where it is the parent's: `distribute`, which anybody may call, splits
//! it by the parent's table, whose own parents' part goes one generation further. So each call is as long as one model's lineage, and a
//! chain of forks of any length is paid, to the unit. A part that has no taker (no known dataset, a closed pool, no parent, an imported model)
//! is the treasury's, and so is what rounding leaves.
//!
//! ## Scenario
//!
//! A product pays 1,000 SBH for Asha's Hindi model: 300 go to the contributors of its two datasets, two thirds of them to the one that is
//! twice as large; 300 to the workers, 200 to the backers; of the rest 100 are for parents, but it has none, so the treasury has 200. Later Binh's
//! run begins from it. Of 1,000 SBH for Binh's model, 100 accrue to Asha's. Somebody distributes them: 30 reach her contributors.
//!
//! ## Limitations
//!
//! - Nobody must pay: the licence is open. A product pays because it wants the next model.
//! - What a metric says is the word of whoever reported it: the proposer, or a referendum.
//! - Data whose manifest the chain did not know when the model was registered has no part. A proposal names the data; that a stream of bytes is made of
//!   it can be disputed (`disputes.refute_stream`) as long as the run goes on, of a tokenised one it is the proposer's word.
//! - A proposer may replace what was said of a metric before, also by a referendum: events say who said what.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
mod money;
mod registry;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use pallet::*;
pub use types::{Metric, Model, Origin, Source, Status};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
    use alloc::vec::Vec;

    use frame_support::{PalletId, pallet_prelude::*, traits::fungible::Inspect};
    use frame_system::pallet_prelude::*;
    use sabha_protocol::{
        Balance, Digest, RunId,
        datasets::Sources,
        models::{Licence, ModelId, Table},
        round::Checkpoint,
        spec::{F32Bits, ModelSpec},
    };

    use crate::{Metric, Model, WeightInfo};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    /// A name, as text.
    pub type NameOf<T> = BoundedVec<u8, <T as pallet_sabha_allocation::Config>::MaxTitleLen>;
    /// What a metric is called, as text.
    pub type MetricNameOf<T> = BoundedVec<u8, <T as Config>::MaxMetricName>;
    /// Metrics of a model.
    pub type MetricsOf<T> = BoundedVec<Metric<MetricNameOf<T>>, <T as Config>::MaxMetrics>;
    /// A model on this chain.
    pub type ModelOf<T> = Model<<T as frame_system::Config>::AccountId, NameOf<T>>;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>> + pallet_sabha_allocation::Config
    {
        /// The datasets that manifests belong to.
        type Sources: Sources;

        /// Who imports and deprecates models, and may report metrics of any.
        type RegistryOrigin: EnsureOrigin<Self::RuntimeOrigin>;

        /// Where what has no other taker goes.
        type Treasury: Get<Self::AccountId>;

        /// Who has which part of what is paid for models that are registered from now on.
        type Table: Get<Table>;

        /// The least payment, in units of 10^-12 SBH. At least the existential deposit.
        #[pallet::constant]
        type MinPayment: Get<Balance>;

        /// The most metrics of a model.
        #[pallet::constant]
        type MaxMetrics: Get<u32>;

        /// The most bytes of a metric's name.
        #[pallet::constant]
        type MaxMetricName: Get<u32>;

        /// Names the pot, the account that holds what forks were paid for their parents.
        #[pallet::constant]
        type PalletId: Get<PalletId>;

        /// Weights of this pallet's calls.
        type WeightInfo: WeightInfo;

        /// What benchmarks need from the runtime.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::BenchmarkHelper;
    }

    /// The models.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, ModelOf<T>>;

    /// The models of runs.
    #[pallet::storage]
    pub type ModelOfRun<T: Config> = StorageMap<_, Twox64Concat, RunId, ModelId>;

    /// What was reported of models.
    #[pallet::storage]
    pub type Metrics<T: Config> = StorageMap<_, Twox64Concat, ModelId, MetricsOf<T>, ValueQuery>;

    /// What forks were paid for their parents and nobody has distributed, in units of 10^-12 SBH.
    #[pallet::storage]
    pub type Accrued<T: Config> = StorageMap<_, Twox64Concat, ModelId, Balance, ValueQuery>;

    /// The number of the next model.
    #[pallet::storage]
    pub type NextModelId<T: Config> = StorageValue<_, ModelId, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A completed run's result was registered.
        Registered {
            /// The model.
            model: ModelId,
            /// The run.
            run: RunId,
            /// Its weights.
            checkpoint: Checkpoint,
            /// Its licence.
            licence: Licence,
        },
        /// A referendum took a model in.
        Imported {
            /// The model.
            model: ModelId,
            /// Its weights.
            checkpoint: Checkpoint,
            /// Its licence.
            licence: Licence,
        },
        /// Somebody paid for a model.
        Paid {
            /// The model.
            model: ModelId,
            /// Who paid.
            payer: T::AccountId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// What forks were paid for a model was split by its table.
        Distributed {
            /// The model.
            model: ModelId,
            /// How much, in units of 10^-12 SBH.
            amount: Balance,
        },
        /// Where a payment, or what accrued, went.
        Split {
            /// The model.
            model: ModelId,
            /// To contributors of its data, in units of 10^-12 SBH.
            data: Balance,
            /// To its workers, in units of 10^-12 SBH.
            compute: Balance,
            /// To its backers, in units of 10^-12 SBH.
            backers: Balance,
            /// To its parent, in units of 10^-12 SBH.
            parents: Balance,
            /// To the treasury, in units of 10^-12 SBH.
            treasury: Balance,
        },
        /// Something was reported of a model.
        Measured {
            /// The model.
            model: ModelId,
            /// What.
            name: MetricNameOf<T>,
            /// How much.
            value: F32Bits,
        },
        /// A model is deprecated: no run can begin from it any more.
        Deprecated {
            /// The model.
            model: ModelId,
            /// What to use instead.
            successor: Option<ModelId>,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The run is not completed, nobody proposed it, or it is registered.
        NothingToRegister,
        /// There is no such model.
        NoSuchModel,
        /// The name is empty, or not printable ASCII.
        BadName,
        /// The shape is not one that could be trained.
        BadShape,
        /// The payment is below the least one.
        PaymentTooSmall,
        /// Nothing has accrued to the model.
        NothingAccrued,
        /// The account did not propose the model's run.
        NotTheProposer,
        /// The value is not a finite number.
        NotFinite,
        /// The model has as many metrics as it can.
        TooManyMetrics,
        /// The model is deprecated.
        Deprecated,
        /// A model cannot be its own successor, nor a deprecated one be one.
        BadSuccessor,
        /// There can be no more models.
        TooManyModels,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(<T as Config>::Table::get().is_sound(), "the parts must not be more than the whole");
            assert!(
                T::MinPayment::get() >= T::Currency::minimum_balance(),
                "a payment must be more than dust"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_now: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Register the result of a completed run.
        ///
        /// The origin must be signed, by anyone. Free if there is something to register. Name, licence and lineage are those of the proposal
        /// and its specification; the weights are the run's last checkpoint.
        ///
        /// - `run`: the run.
        ///
        /// Emits `Registered`.
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, run: RunId) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            Self::do_register(run)?;
            Ok(Pays::No.into())
        }

        /// Take in a model that was not trained here.
        ///
        /// The origin must be `RegistryOrigin` (the ComputeAllocator track). Nobody has shares in it: what is paid for it is the treasury's. Runs can
        /// begin from it.
        ///
        /// - `name`: what to call it, printable ASCII.
        /// - `licence`: its licence.
        /// - `shape`: its shape.
        /// - `checkpoint`: its weights, as a run's checkpoint: the state's root, and the digest of the blob.
        ///
        /// Emits `Imported`.
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::import())]
        pub fn import(
            origin: OriginFor<T>,
            name: NameOf<T>,
            licence: Licence,
            shape: ModelSpec,
            checkpoint: Checkpoint,
        ) -> DispatchResult {
            T::RegistryOrigin::ensure_origin(origin)?;
            Self::do_import(name, licence, shape, checkpoint)
        }

        /// Pay for a model. The amount is split by the model's table.
        ///
        /// The origin must be signed, by anyone.
        ///
        /// - `model`: the model.
        /// - `amount`: at least `MinPayment`, in units of 10^-12 SBH.
        ///
        /// Emits `Paid` and `Split`.
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::pay())]
        pub fn pay(origin: OriginFor<T>, model: ModelId, amount: Balance) -> DispatchResult {
            let payer = ensure_signed(origin)?;
            Self::do_pay(payer, model, amount)
        }

        /// Split what forks of a model were paid for it, by its table.
        ///
        /// The origin must be signed, by anyone.
        ///
        /// - `model`: the model.
        ///
        /// Emits `Distributed` and `Split`.
        #[pallet::call_index(3)]
        #[pallet::weight(<T as Config>::WeightInfo::distribute())]
        pub fn distribute(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_distribute(model)
        }

        /// Report a metric of a model, such as a loss on held-out text.
        ///
        /// The origin must be signed by the proposer of the model's run, or be `RegistryOrigin`. A metric of the same name is replaced.
        ///
        /// - `model`: the model.
        /// - `name`: what was measured, printable ASCII.
        /// - `value`: the bits of an `f32`.
        /// - `evidence`: the digest of a blob that says how; none if there is none.
        ///
        /// Emits `Measured`.
        #[pallet::call_index(4)]
        #[pallet::weight(<T as Config>::WeightInfo::measure())]
        pub fn measure(
            origin: OriginFor<T>,
            model: ModelId,
            name: MetricNameOf<T>,
            value: F32Bits,
            evidence: Option<Digest>,
        ) -> DispatchResult {
            let who = match T::RegistryOrigin::try_origin(origin) {
                Ok(_) => None,
                Err(origin) => Some(ensure_signed(origin)?),
            };
            Self::do_measure(who, model, Metric { name, value, evidence })
        }

        /// Deprecate a model: no run can begin from it any more. It can be paid for as before.
        ///
        /// The origin must be `RegistryOrigin` (the ComputeAllocator track).
        ///
        /// - `model`: the model.
        /// - `successor`: what to use instead.
        ///
        /// Emits `Deprecated`.
        #[pallet::call_index(5)]
        #[pallet::weight(<T as Config>::WeightInfo::deprecate())]
        pub fn deprecate(origin: OriginFor<T>, model: ModelId, successor: Option<ModelId>) -> DispatchResult {
            T::RegistryOrigin::ensure_origin(origin)?;
            Self::do_deprecate(model, successor)
        }
    }

    #[pallet::view_functions]
    impl<T: Config> Pallet<T> {
        /// A model's ancestors, its parent first; at most 64.
        pub fn ancestors(model: ModelId) -> Vec<ModelId> {
            Self::lineage(model)
        }

        /// The model that a run has become.
        pub fn model_of(run: RunId) -> Option<ModelId> {
            ModelOfRun::<T>::get(run)
        }
    }
}

//! System: block limits, hashing, accounts, and who may make extrinsics on the chain's behalf.

use crate::{
    AccountId, Balance, Block, BlockNumber, Hash, MultiBlockMigrations, Nonce, PalletInfo, Runtime,
    RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask, UncheckedExtrinsic, VERSION, constants,
    filters::BaseCallFilter,
};
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU16, ConstU32},
    weights::constants::ParityDbWeight,
};
use frame_system::{
    limits::{BlockLength, BlockWeights},
    offchain::{CreateBare, CreateTransactionBase},
};
use sp_version::RuntimeVersion;

parameter_types! {
    pub const BlockHashCount: BlockNumber = constants::block::HASH_COUNT;
    pub const Version: RuntimeVersion = VERSION;
    pub RuntimeBlockWeights: BlockWeights = BlockWeights::with_sensible_defaults(
        constants::block::MAXIMUM_WEIGHT,
        constants::block::NORMAL_RATIO,
    );
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(constants::block::MAXIMUM_LENGTH)
        .modify_max_length_for_class(frame_support::dispatch::DispatchClass::Normal, |max| {
            *max = constants::block::NORMAL_RATIO * constants::block::MAXIMUM_LENGTH
        })
        .build();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type BaseCallFilter = BaseCallFilter;
    type Block = Block;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = Hash;
    type BlockHashCount = BlockHashCount;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
    type SS58Prefix = ConstU16<{ constants::currency::SS58_PREFIX }>;
    type MaxConsumers = ConstU32<64>;
    type MultiBlockMigrator = MultiBlockMigrations;
}

// Reports of equivocation are bare extrinsics: their evidence speaks for itself, so nobody has to sign or pay.
impl<LocalCall> CreateTransactionBase<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateBare<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}

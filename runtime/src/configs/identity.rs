//! Identity: names, and registrars who vouch for them. Quadratic funding counts only accounts that one vouches for.

use super::treasury::ToTreasuryLegacy;
use crate::{
    Balance, Balances, BlockNumber, Runtime, RuntimeEvent, Signature, UNITS, constants::currency::deposit,
    governance::RootOrParameterAdmin,
};
use frame_support::{
    parameter_types,
    traits::{ConstU32, Get},
};
use pallet_identity::legacy::IdentityInfo;
use sp_runtime::traits::Verify;

parameter_types! {
    pub const BasicDeposit: Balance = UNITS;
    pub const ByteDeposit: Balance = deposit(0, 1);
    pub const UsernameDeposit: Balance = UNITS;
    pub const SubAccountDeposit: Balance = deposit(1, 53);
    /// Blocks within which a username must be accepted.
    pub PendingUsernameExpiration: BlockNumber =
        <pallet_sabha_timing::VoteLocking<Runtime> as Get<BlockNumber>>::get();
    /// Blocks between a username's unbinding and its removal.
    pub UsernameGracePeriod: BlockNumber = <pallet_sabha_timing::Unbonding<Runtime> as Get<BlockNumber>>::get();
}

impl pallet_identity::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BasicDeposit = BasicDeposit;
    type ByteDeposit = ByteDeposit;
    type UsernameDeposit = UsernameDeposit;
    type SubAccountDeposit = SubAccountDeposit;
    type MaxSubAccounts = ConstU32<100>;
    type IdentityInformation = IdentityInfo<ConstU32<100>>;
    type MaxRegistrars = ConstU32<20>;
    type Slashed = ToTreasuryLegacy;
    type ForceOrigin = RootOrParameterAdmin;
    type RegistrarOrigin = RootOrParameterAdmin;
    type OffchainSignature = Signature;
    type SigningPublicKey = <Signature as Verify>::Signer;
    type UsernameAuthorityOrigin = RootOrParameterAdmin;
    type PendingUsernameExpiration = PendingUsernameExpiration;
    type UsernameGracePeriod = UsernameGracePeriod;
    type MaxSuffixLength = ConstU32<7>;
    type MaxUsernameLength = ConstU32<32>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
    type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}

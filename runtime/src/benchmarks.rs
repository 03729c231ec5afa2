//! Which pallets the benchmarking tool measures. Only under the feature `runtime-benchmarks`.

use crate::*;
use alloc::{string::String, vec::Vec};
use frame_benchmarking::{
    BenchmarkBatch, BenchmarkConfig, BenchmarkList, baseline, baseline::Pallet as BaselineBench,
};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};
use frame_system_benchmarking::{Pallet as SystemBench, extensions::Pallet as SystemExtensionsBench};
use sp_storage::TrackedStorageKey;

frame_benchmarking::define_benchmarks!(
    [frame_benchmarking, BaselineBench::<Runtime>]
    [frame_system, SystemBench::<Runtime>]
    [frame_system_extensions, SystemExtensionsBench::<Runtime>]
    [pallet_sabha_timing, Timing]
    [pallet_sabha_validators, Validators]
    [pallet_sabha_training, Training]
    [pallet_sabha_disputes, Disputes]
    [pallet_sabha_allocation, Allocation]
    [pallet_sabha_models, Models]
    [pallet_sabha_reward_pool, RewardPool]
    [pallet_sabha_datasets, Datasets]
    [pallet_timestamp, Timestamp]
    [pallet_babe, Babe]
    [pallet_grandpa, Grandpa]
    [pallet_balances, Balances]
    [pallet_transaction_payment, TransactionPayment]
    [pallet_preimage, Preimage]
    [pallet_scheduler, Scheduler]
    [pallet_referenda, Referenda]
    [pallet_conviction_voting, ConvictionVoting]
    [pallet_whitelist, Whitelist]
    [pallet_treasury, Treasury]
    [pallet_bounties, Bounties]
    [pallet_child_bounties, ChildBounties]
    [pallet_utility, Utility]
    [pallet_multisig, Multisig]
    [pallet_proxy, Proxy]
    [pallet_identity, Identity]
    [pallet_safe_mode, SafeMode]
    [pallet_tx_pause, TxPause]
    [pallet_migrations, MultiBlockMigrations]
    [pallet_dap, Dap]
);

impl frame_system_benchmarking::Config for Runtime {}
impl baseline::Config for Runtime {}
impl pallet_transaction_payment::BenchmarkConfig for Runtime {}

/// All benchmarks, and the storage that they may touch.
pub fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::<BenchmarkList>::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

/// Run what `config` names.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist: Vec<TrackedStorageKey> = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::<BenchmarkBatch>::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use frame_support::traits::{PalletInfoAccess, PalletsInfoAccess};

    /// A pallet that is not on the list above is never measured, and nothing else would say so.
    #[test]
    fn benchmarks_of_our_own_pallets_are_all_listed() {
        // Ranges of parameters come from durations, which are in storage.
        let (listed, _) = sp_io::TestExternalities::default().execute_with(|| metadata(true));
        let listed: Vec<String> =
            listed.into_iter().map(|list| String::from_utf8(list.pallet).expect("a name")).collect();
        for pallet in AllPalletsWithSystem::infos() {
            let name = pallet.module_name;
            // The origins have no calls.
            if name.starts_with("pallet_sabha") && name != Origins::module_name() {
                assert!(listed.iter().any(|listed| listed == name), "{name} is not among {listed:?}");
            }
        }
        assert!(listed.iter().any(|name| name == "pallet_sabha_training"));
    }
}

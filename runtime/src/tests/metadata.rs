//! What clients rely on: indices, names, the transaction format, the constants that Polkadot.js Apps looks for.

use super::chain::{Chain, extension};
use crate::{
    AllPalletsWithSystem, Runtime, RuntimeCall, TxExtension, UNITS, VERSION,
    constants::{block, currency},
    filters,
    governance::{TRACK_COUNT, Tracks},
};
use codec::Encode;
use frame_support::{
    dispatch::DispatchClass,
    traits::{Get, GetCallMetadata, PalletsInfoAccess},
};
use pallet_referenda::TracksInfo;
use sabha_protocol::pool::PoolId;
use sp_runtime::traits::TransactionExtension;

/// The table of indices, which are never reused.
const INDICES: [(usize, &str); 35] = [
    (0, "System"),
    (1, "Timing"),
    (2, "Timestamp"),
    (3, "Babe"),
    (4, "Authorship"),
    (5, "Balances"),
    (6, "TransactionPayment"),
    (7, "Validators"),
    (8, "Offences"),
    (9, "Historical"),
    (10, "Session"),
    (11, "Grandpa"),
    (20, "Preimage"),
    (21, "Scheduler"),
    (22, "Referenda"),
    (23, "ConvictionVoting"),
    (24, "Origins"),
    (25, "Whitelist"),
    (26, "Treasury"),
    (27, "Bounties"),
    (28, "ChildBounties"),
    (30, "Utility"),
    (31, "Multisig"),
    (32, "Proxy"),
    (33, "Identity"),
    (34, "SafeMode"),
    (35, "TxPause"),
    (36, "MultiBlockMigrations"),
    (40, "Dap"),
    (41, "RewardPool"),
    (50, "Datasets"),
    (51, "Training"),
    (52, "Disputes"),
    (53, "Allocation"),
    (54, "Models"),
];

#[test]
fn indices_and_names_are_those_of_the_table() {
    let mut found: Vec<_> =
        AllPalletsWithSystem::infos().into_iter().map(|info| (info.index, info.name)).collect();
    found.sort_unstable();
    assert_eq!(found, INDICES);
}

#[test]
fn the_transaction_format_is_pinned() {
    let names: Vec<_> = <TxExtension as TransactionExtension<RuntimeCall>>::metadata()
        .into_iter()
        .map(|extension| extension.identifier)
        .collect();
    assert_eq!(
        names,
        [
            "AuthorizeCall",
            "CheckNonZeroSender",
            "CheckSpecVersion",
            "CheckTxVersion",
            "CheckGenesis",
            "CheckMortality",
            "CheckNonce",
            "CheckWeight",
            "ChargeTransactionPayment",
            "CheckMetadataHash",
            "WeightReclaim",
        ]
    );
    // Immortal, nonce 0, tip 0, no metadata hash: a byte each.
    assert_eq!(extension(0).encode(), [0, 0, 0, 0]);
}

#[test]
fn the_constants_are_those_of_the_table() {
    assert_eq!(VERSION.spec_name, "sabha");
    assert_eq!(UNITS, 10_u128.pow(u32::from(currency::DECIMALS)));
    assert_eq!(currency::EXISTENTIAL_DEPOSIT, UNITS / 100);
    let prefix: u16 = <Runtime as frame_system::Config>::SS58Prefix::get();
    assert_eq!(prefix, 42);

    let weights = <Runtime as frame_system::Config>::BlockWeights::get();
    assert_eq!(weights.max_block, block::MAXIMUM_WEIGHT);
    assert_eq!(weights.max_block.ref_time(), 2_000_000_000_000);
    assert_eq!(
        weights.get(DispatchClass::Normal).max_total.map(|weight| weight.ref_time()),
        Some(1_500_000_000_000)
    );
    let length = <Runtime as frame_system::Config>::BlockLength::get();
    assert_eq!(*length.max.get(DispatchClass::Operational), 5 * 1024 * 1024);
    assert_eq!(*length.max.get(DispatchClass::Normal), 5 * 1024 * 1024 / 4 * 3);
}

#[test]
fn metadata_is_made_from_any_state() {
    // Constants read the durations: on an empty state they are the live chain's.
    for mut ext in [sp_io::TestExternalities::default(), Chain::local().ext] {
        ext.execute_with(|| {
            for version in Runtime::metadata_versions() {
                assert!(Runtime::metadata_at_version(version).is_some());
            }
            assert!(Runtime::metadata().encode().len() > 100_000);
        });
    }
}

#[test]
fn every_exempt_call_exists() {
    let pallets: Vec<_> = AllPalletsWithSystem::infos().into_iter().map(|info| info.name).collect();
    for pallet in filters::EXEMPT_PALLETS {
        assert!(pallets.contains(&pallet), "{pallet}");
    }
    for (pallet, call) in filters::EXEMPT_CALLS.iter().chain(&filters::CLOCK_STOPPING_CALLS) {
        assert!(RuntimeCall::get_call_names(pallet).contains(call), "{pallet}.{call}");
    }
}

#[test]
fn tracks_follow_the_durations() {
    let mut chain = Chain::development();
    chain.with(|| {
        assert_eq!(Tracks::check_integrity(), Ok(()));
        assert_eq!(Tracks::tracks().count(), usize::from(TRACK_COUNT));
        for track in Tracks::tracks() {
            let info = Tracks::info(track.id).expect("every track has details");
            assert_eq!(*info, track.info, "both ways say the same");
            for clock in
                [info.prepare_period, info.decision_period, info.confirm_period, info.min_enactment_period]
            {
                assert!(clock > 0);
            }
            assert!(info.confirm_period <= info.decision_period);
        }
        assert!(Tracks::info(TRACK_COUNT).is_none());

        let compute = Tracks::info(3).expect("ComputeAllocator");
        assert_eq!(compute.name, sp_runtime::str_array("compute_allocator"));
        assert_eq!(
            (
                compute.prepare_period,
                compute.decision_period,
                compute.confirm_period,
                compute.min_enactment_period
            ),
            (2, 20, 4, 2)
        );
    });
    sp_io::TestExternalities::default().execute_with(|| {
        let root = Tracks::info(0).expect("Root");
        // 14 days of 6-second blocks.
        assert_eq!(root.decision_period, 14 * 14_400);
    });
}

#[test]
fn every_origin_has_its_track() {
    use pallet_sabha_origins::Origin;
    let origins = [
        Origin::WhitelistedCaller,
        Origin::TreasurySpender,
        Origin::ComputeAllocator,
        Origin::DatasetArbiter,
        Origin::ValidatorManager,
        Origin::ParameterAdmin,
        Origin::EmergencyCanceller,
    ];
    assert_eq!(Tracks::track_for(&frame_system::RawOrigin::Root.into()), Ok(0));
    for (origin, id) in origins.into_iter().zip(1..) {
        assert_eq!(Tracks::track_for(&origin.into()), Ok(id));
    }
    let nobody = frame_system::RawOrigin::Signed(sp_keyring::Sr25519Keyring::Alice.to_account_id());
    assert_eq!(Tracks::track_for(&nobody.into()), Err(()));
}

#[test]
fn calls_are_at_their_indices() {
    // A worker's hardware wallet or script may have these bytes.
    let poke = RuntimeCall::Training(pallet_sabha_training::Call::poke { run: 0 });
    assert_eq!(poke.encode()[..2], [51, 8]);
    let close = RuntimeCall::Disputes(pallet_sabha_disputes::Call::close { game: 0 });
    assert_eq!(close.encode()[..2], [52, 6]);
    let evidence = Box::new(sabha_protocol::dispute::stream::StreamEvidence::Sum);
    let refute = RuntimeCall::Disputes(pallet_sabha_disputes::Call::refute_stream { run: 0, evidence });
    assert_eq!(refute.encode(), [52, 7, 0, 0, 0, 0, 1]);
    let stop = RuntimeCall::Allocation(pallet_sabha_allocation::Call::stop { run: 0 });
    assert_eq!(stop.encode()[..2], [53, 11]);
    let stop = RuntimeCall::Allocation(pallet_sabha_allocation::Call::stop_idle { run: 0 });
    assert_eq!(stop.encode()[..2], [53, 13]);
    let register = RuntimeCall::Models(pallet_sabha_models::Call::register { run: 0 });
    assert_eq!(register.encode()[..2], [54, 0]);
    let claim = RuntimeCall::RewardPool(pallet_sabha_reward_pool::Call::claim { pool: PoolId::Curators });
    assert_eq!(claim.encode(), [41, 0, 4]);
    let poke = RuntimeCall::Datasets(pallet_sabha_datasets::Call::poke { claim: 0 });
    assert_eq!(poke.encode()[..2], [50, 8]);
}

#[cfg(feature = "try-runtime")]
#[test]
fn an_upgrade_passes_its_checks() {
    let mut chain = Chain::development();
    chain.run(2);
    chain.with(|| {
        crate::Executive::try_runtime_upgrade(frame_try_runtime::UpgradeCheckSelect::All).expect("sound");
    });
}

/// build.rs makes a literal of the number, for the attribute that puts it into the blob.
#[test]
fn the_version_is_that_of_the_build() {
    let source = include_str!("../../build.rs");
    let constant =
        source.lines().find_map(|line| line.strip_prefix("const SPEC_VERSION: u32 = ")?.strip_suffix(';'));
    let expected = option_env!("SABHA_SPEC_VERSION").or(constant).unwrap();
    assert_eq!(VERSION.spec_version, expected.parse::<u32>().unwrap());
}

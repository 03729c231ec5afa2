//! Each `Ensure…` accepts one origin, and no other.

use codec::{Decode, Encode};
use frame_support::traits::{ConstU128, EnsureOrigin};

use crate::{mock::*, *};

const ALL: [Origin; 7] = [
    Origin::WhitelistedCaller,
    Origin::TreasurySpender,
    Origin::ComputeAllocator,
    Origin::DatasetArbiter,
    Origin::ValidatorManager,
    Origin::ParameterAdmin,
    Origin::EmergencyCanceller,
];

/// Which of all origins `E` accepts; none but custom ones.
fn accepted<E: EnsureOrigin<RuntimeOrigin>>() -> Vec<Origin> {
    assert!(E::try_origin(RuntimeOrigin::root()).is_err());
    assert!(E::try_origin(RuntimeOrigin::signed(1)).is_err());
    assert!(E::try_origin(RuntimeOrigin::none()).is_err());
    ALL.into_iter().filter(|origin| E::try_origin((*origin).into()).is_ok()).collect()
}

#[test]
fn each_accepts_its_own_origin_only() {
    assert_eq!(accepted::<EnsureWhitelistedCaller>(), [Origin::WhitelistedCaller]);
    assert_eq!(accepted::<EnsureTreasurySpender>(), [Origin::TreasurySpender]);
    assert_eq!(accepted::<EnsureTreasurySpenderUpTo<ConstU128<7>>>(), [Origin::TreasurySpender]);
    assert_eq!(accepted::<EnsureComputeAllocator>(), [Origin::ComputeAllocator]);
    assert_eq!(accepted::<EnsureDatasetArbiter>(), [Origin::DatasetArbiter]);
    assert_eq!(accepted::<EnsureValidatorManager>(), [Origin::ValidatorManager]);
    assert_eq!(accepted::<EnsureParameterAdmin>(), [Origin::ParameterAdmin]);
    assert_eq!(accepted::<EnsureEmergencyCanceller>(), [Origin::EmergencyCanceller]);
}

#[test]
fn a_refused_origin_is_handed_back() {
    let origin = RuntimeOrigin::from(Origin::DatasetArbiter);
    let back = EnsureComputeAllocator::try_origin(origin).expect_err("another track");
    assert!(EnsureDatasetArbiter::try_origin(back).is_ok());
}

#[test]
fn a_spender_succeeds_with_its_limit() {
    let origin = RuntimeOrigin::from(Origin::TreasurySpender);
    let limit = EnsureTreasurySpenderUpTo::<ConstU128<7>>::try_origin(origin);
    assert_eq!(limit.ok(), Some(7u128));
}

#[test]
fn encoding_is_the_order_of_the_tracks() {
    // Stored in scheduled calls and in clients: never renumbered.
    for (index, origin) in ALL.into_iter().enumerate() {
        assert_eq!(origin.encode(), [index as u8]);
        assert_eq!(Origin::decode(&mut &[index as u8][..]), Ok(origin));
    }
}

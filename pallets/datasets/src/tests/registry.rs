//! Datasets, their budgets, licences.

use frame_support::{assert_noop, assert_ok, traits::fungible::Mutate};
use sabha_protocol::{
    UNITS,
    datasets::{Modality, Unit},
    pool::PoolId,
};
use sp_runtime::DispatchError;

use crate::{Error, Event, Licences, mock::*};

struct Wish {
    title: &'static str,
    language: &'static str,
    licence: &'static str,
    unit_bytes: u32,
    rate: u128,
    panel: u16,
}

const GOOD: Wish =
    Wish { title: "Books", language: "es", licence: "CC0-1.0", unit_bytes: 1, rate: 1, panel: 3 };

fn register(wish: &Wish) -> sp_runtime::DispatchResult {
    Datasets::register_dataset(
        signed(OWNER),
        text(wish.title),
        Modality::Text,
        text(wish.language),
        text(wish.licence),
        Unit::Item,
        wish.unit_bytes,
        wish.rate,
        wish.panel,
    )
}

#[test]
fn register_dataset_fails() {
    run(|| {
        assert_noop!(register(&Wish { title: " ", ..GOOD }), Error::<Test>::BadTitle);
        assert_noop!(register(&Wish { language: "es_MX", ..GOOD }), Error::<Test>::BadLanguage);
        assert_noop!(register(&Wish { licence: "all rights", ..GOOD }), Error::<Test>::BadLicence);
        assert_noop!(register(&Wish { licence: "Proprietary", ..GOOD }), Error::<Test>::LicenceNotAllowed);
        assert_noop!(register(&Wish { rate: 0, ..GOOD }), Error::<Test>::BadRate);
        assert_noop!(register(&Wish { unit_bytes: 0, ..GOOD }), Error::<Test>::BadRate);
        for panel in [0, 2, 16] {
            assert_noop!(register(&Wish { panel, ..GOOD }), Error::<Test>::BadPanel);
        }
        assert_ok!(register(&GOOD));
        assert_eq!(events().last(), Some(&Event::DatasetRegistered { dataset: 0, owner: OWNER }));
    });
}

#[test]
fn a_dataset_without_data_is_removed_when_it_is_closed() {
    run(|| {
        let id = dataset(3);
        assert!(held(crate::HoldReason::Storage, OWNER) > UNITS / 10);
        assert_noop!(Datasets::close_dataset(signed(EVE), id), Error::<Test>::NotYours);
        assert_ok!(Datasets::close_dataset(signed(OWNER), id));
        assert_eq!(held(crate::HoldReason::Storage, OWNER), 0);
        assert!(!crate::Datasets::<Test>::contains_key(id));
        // What was given belongs to no dataset now, and the pool can go.
        assert_eq!(Datasets::unallotted(), 1_000 * UNITS);
        assert_ok!(RewardPool::remove_pool(signed(EVE), PoolId::Dataset(id)));
        assert_noop!(Datasets::close_dataset(signed(OWNER), id), Error::<Test>::NoSuchDataset);
    });
}

#[test]
fn a_dataset_is_closed_by_the_arbiter_and_ends_with_its_last_claim() {
    run(|| {
        curators(3);
        let id = dataset(3);
        let claim = claim_of(ASHA, id, 1, 2);
        assert_ok!(Datasets::close_dataset(root(), id));
        assert!(dataset_of(id).budget > 0);
        assert_noop!(Datasets::close_dataset(root(), id), Error::<Test>::DatasetClosed);
        assert_noop!(Datasets::donate(signed(DONOR), id, 1), Error::<Test>::DatasetClosed);
        judge(claim, &[10_000; 3]);
        settle(claim);
        // It was accepted and paid; the record stays for those who have shares.
        assert_eq!((dataset_of(id).budget, dataset_of(id).units), (0, 2));
        assert!(happened(|event| matches!(event, Event::DatasetFinished { removed: false, .. })));
        assert_eq!(held(crate::HoldReason::Storage, OWNER), 0);
        assert!(owed(PoolId::Dataset(id), ASHA) > 0);
    });
}

#[test]
fn donate_fails() {
    run(|| {
        let id = dataset(3);
        assert_noop!(Datasets::donate(signed(DONOR), id, 0), Error::<Test>::ZeroAmount);
        assert_noop!(Datasets::donate(signed(DONOR), 9, 1), Error::<Test>::NoSuchDataset);
        assert!(Datasets::donate(signed(DONOR), id, ENDOWMENT).is_err());
    });
}

/// Dap mints into the pot and tells nobody; what it minted is there to be allotted, and no more.
#[test]
fn allot_gives_what_was_minted() {
    ext().execute_with(|| {
        let id = dataset(3);
        assert_ok!(Balances::mint_into(&Datasets::account_id(), 30 * UNITS));
        assert_eq!(Datasets::unallotted(), 30 * UNITS);
        assert_noop!(Datasets::allot(signed(OWNER), id, 1), DispatchError::BadOrigin);
        assert_noop!(Datasets::allot(root(), id, 30 * UNITS + 1), Error::<Test>::NotEnoughUnallotted);
        assert_noop!(Datasets::allot(root(), id, 0), Error::<Test>::ZeroAmount);
        assert_ok!(Datasets::allot(root(), id, 30 * UNITS));
        assert_eq!(dataset_of(id).budget, 1_030 * UNITS);
        assert_eq!(Datasets::unallotted(), 0);
        check();
    });
}

#[test]
fn the_list_of_licences_is_the_arbiters() {
    run(|| {
        let set = |licence: &str, allowed| Datasets::set_licence(root(), text(licence), allowed);
        assert_noop!(Datasets::set_licence(signed(OWNER), text("0BSD"), true), DispatchError::BadOrigin);
        assert_noop!(set("not one", true), Error::<Test>::BadLicence);
        assert_noop!(set("MIT", true), Error::<Test>::LicenceUnchanged);
        assert_noop!(set("0BSD", false), Error::<Test>::LicenceUnchanged);
        assert_ok!(set("0BSD", true));
        assert_ok!(register(&Wish { licence: "0BSD", ..GOOD }));
        assert_ok!(set("0BSD", false));
        assert_noop!(register(&Wish { licence: "0BSD", ..GOOD }), Error::<Test>::LicenceNotAllowed);
        for number in 0.. {
            if set(&format!("Licence-{number}"), true).is_err() {
                break;
            }
        }
        assert_eq!(Licences::<Test>::get().len(), 64);
        assert_noop!(set("0BSD", true), Error::<Test>::TooManyLicences);
    });
}

//! New tokens: how many, for whom, and that the sums are right.

use super::chain::Chain;
use crate::{
    Balances, Runtime, RuntimeEvent, Treasury, UNITS,
    configs::dap::{self, GenesisSupply, Recipients},
    constants::issuance::{CADENCE_MS, LIVE_SUPPLY, MAX_ELAPSED_MS, YEAR_MS},
};
use pallet_dap::WeightInfo as _;
use sp_runtime::Perbill;
use sp_staking::budget::BudgetRecipientList;

#[test]
fn the_rate_halves_every_four_years_down_to_one_percent() {
    let at = |years: u64| dap::rate(years * YEAR_MS);
    for (years, percent) in [(0, 8), (3, 8), (4, 4), (7, 4), (8, 2), (12, 1), (16, 1), (4_000, 1)] {
        assert_eq!(at(years), Perbill::from_percent(percent), "in year {years}");
    }
    assert_eq!(dap::rate(u64::MAX), Perbill::from_percent(1));
}

#[test]
fn a_year_mints_eight_percent() {
    assert_eq!(dap::issue(LIVE_SUPPLY, 0, YEAR_MS), LIVE_SUPPLY / 100 * 8);
    assert_eq!(dap::issue(LIVE_SUPPLY, 4 * YEAR_MS, YEAR_MS), LIVE_SUPPLY / 100 * 4);
    // Minute by minute it comes to the same, but for what rounding leaves out.
    let minutes = YEAR_MS / CADENCE_MS;
    let sum = u128::from(minutes) * dap::issue(LIVE_SUPPLY, 0, CADENCE_MS);
    assert!(LIVE_SUPPLY / 100 * 8 - sum < u128::from(minutes));
    // The longest period that is ever minted for is far from overflow.
    assert!(dap::issue(u128::from(u64::MAX) * UNITS, 0, MAX_ELAPSED_MS) > 0);
}

#[test]
fn the_budget_sums_to_all() {
    let sum: u64 = dap::genesis_budget().values().map(|share| u64::from(share.deconstruct())).sum();
    assert_eq!(sum, u64::from(Perbill::one().deconstruct()));
    assert!(dap::genesis_budget().keys().all(|key| key.as_slice() != b"buffer"));
}

#[test]
fn blocks_mint_and_the_pots_get_their_shares() {
    let mut chain = Chain::development();
    let recipients = chain.with(Recipients::recipients);
    // Block 2 starts the clock; 20 blocks of 3 seconds are a minute.
    chain.run(2);
    let (issuance, before) = chain.with(|| {
        let before: Vec<_> = recipients.iter().map(|(_, pot)| Balances::free_balance(pot)).collect();
        (Balances::total_issuance(), before)
    });
    assert_eq!(issuance, chain.with(GenesisSupply::get), "nothing is minted before the first minute");

    chain.run(19);
    assert_eq!(chain.with(Balances::total_issuance), issuance);
    chain.run(1);
    let minted = chain
        .events()
        .into_iter()
        .find_map(|event| match event {
            RuntimeEvent::Dap(pallet_dap::Event::IssuanceMinted { total_minted, elapsed_millis }) => {
                assert_eq!(elapsed_millis, CADENCE_MS);
                Some(total_minted)
            }
            _ => None,
        })
        .expect("a minute has passed");

    chain.with(|| {
        let expected = dap::issue(issuance, 60_000, CADENCE_MS);
        assert!(expected - minted < 5, "all is shared out, but for rounding");
        assert!(minted > 3 * UNITS, "22,000,000 SBH make about 3.3 SBH a minute");
        assert_eq!(Balances::total_issuance(), issuance + minted);
        for ((key, pot), before) in recipients.iter().zip(before) {
            let share = dap::genesis_budget()[key];
            assert_eq!(Balances::free_balance(pot) - before, share.mul_floor(expected), "{key:?}");
        }
    });

    // Three minutes later there are three minutes' worth more, and every planck is in an account.
    chain.run(60);
    let after = chain.with(Balances::total_issuance);
    assert_eq!(after, issuance + 4 * minted);
    chain.check();
}

#[test]
fn a_halt_is_not_made_up_for() {
    let mut chain = Chain::development();
    chain.run(3);
    let issuance = chain.with(Balances::total_issuance);
    chain.skip_slots(20 * 60 * 24);
    chain.run(2);
    let minted = chain.with(Balances::total_issuance) - issuance;
    assert!(minted <= dap::issue(issuance, 0, MAX_ELAPSED_MS), "a day's halt mints an hour's worth");
    assert!(minted > 0);
    chain.check();
}

#[test]
fn the_weight_covers_every_pot() {
    let one = <Runtime as frame_system::Config>::DbWeight::get().reads_writes(1, 1);
    let all = dap::Weights::<Runtime>::drip_issuance();
    assert!(all.all_gte(one.saturating_mul(5)));
    assert_ne!(Treasury::account_id(), crate::Dap::buffer_account());
}

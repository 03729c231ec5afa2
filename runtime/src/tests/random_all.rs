//! Everything at once: workers, runs, games, data, curators, pools, proposals, pledges and models of one chain, for twenty thousand calls.
//! After every block the books of our own pallets balance, and at the end the state of every pallet is sound.

use super::{
    chain::Chain,
    random_allocation,
    random_calls::{self, assert_lively, note_runs, play_while},
    random_datasets,
};

const CALLS: u32 = 20_000;

#[test]
fn twenty_thousand_random_calls_leave_every_pallet_sound() {
    let acts = [&random_calls::ACTS[..], &random_datasets::ACTS[..], &random_allocation::ACTS[..]].concat();
    let happenings = [&random_datasets::HAPPENINGS[..], &random_allocation::HAPPENINGS[..]].concat();
    let score = play_while(&acts, Chain::development(), 7, note_runs, |_, calls| calls < CALLS);
    assert_lively(&acts, &happenings, [score]);
}

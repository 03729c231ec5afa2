//! Everything at once: workers, runs, games, data, curators, pools, proposals, pledges and models of one chain. After every block the books of our
//! own pallets balance, and at the end the state of every pallet is sound.
//!
//! A test makes a few thousand calls; `scripts/check-random` says how many (`SABHA_RANDOM_CALLS`).

use super::{
    chain::Chain,
    random_allocation,
    random_calls::{self, Acts, Score, note_runs, play_while},
    random_datasets,
};

/// Calls of a test run that nobody says the length of.
const CALLS: u32 = 2_000;

#[test]
fn any_calls_of_all_pallets_leave_every_pallet_sound() {
    let wanted = std::env::var("SABHA_RANDOM_CALLS").ok();
    let wanted = wanted.map_or(CALLS, |text| text.parse().expect("SABHA_RANDOM_CALLS is a number of calls"));
    let acts = [
        &random_calls::ACTS[..],
        &random_datasets::ACTS[..],
        &random_allocation::ACTS[..],
        &random_allocation::RARE[..],
    ]
    .concat();
    let acts: &Acts = &acts;
    let score = play_while(acts, Chain::development(), 7, note_runs, |_, calls| calls < wanted);
    let tried = |score: &Score| {
        acts.iter().filter(|(_, name, _)| score.get(name).is_some_and(|count| *count > 0)).count()
    };
    let (done, all) = (tried(&score), acts.len());
    eprintln!("RANDOM acts={all} succeeded={done} {score:?}");
    // The games of each pallet ask for all of their acts; of this one it is asked that most of what can happen did.
    assert!(done * 4 >= all * 3, "of {all} acts {done} ever succeeded: {score:?}");
}

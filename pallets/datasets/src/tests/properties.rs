//! Whatever anybody does in whatever order: the books add up after each step, and every claim ends.

use proptest::prelude::*;
use sabha_protocol::{
    Digest, UNITS,
    datasets::{SeatState, Stage, vote},
};

use crate::{Claims, ShardClaims, mock::*};

#[derive(Clone, Debug)]
enum Step {
    Pass(u32),
    Commit(u64, u32, u32),
    Tell(u32),
    GiveUp(u32),
    Poke(u32),
    GoOn(u32),
    Seal(u32, u16),
    Reveal(u32),
    Appeal(u32),
    Arbitrate(u32, u16, bool),
    Curate(u64, u8),
    Close,
    Donate(u128),
}

fn step() -> impl Strategy<Value = Step> {
    let claim = || 0u32..12;
    let fraction = || prop_oneof![Just(0u16), Just(10_000u16), 0u16..=10_000];
    prop_oneof![
        8 => prop_oneof![1u32..6, 20u32..45, 100u32..200].prop_map(Step::Pass),
        5 => (2u64..5, 0u32..6, 1u32..4).prop_map(|(who, seed, count)| Step::Commit(who, seed, count)),
        8 => claim().prop_map(Step::Tell),
        1 => claim().prop_map(Step::GiveUp),
        20 => claim().prop_map(Step::Poke),
        4 => claim().prop_map(Step::GoOn),
        14 => (claim(), fraction()).prop_map(|(claim, fraction)| Step::Seal(claim, fraction)),
        14 => claim().prop_map(Step::Reveal),
        3 => claim().prop_map(Step::Appeal),
        3 => (claim(), fraction(), any::<bool>()).prop_map(|(claim, f, blame)| Step::Arbitrate(claim, f, blame)),
        6 => (10u64..17, 0u8..5).prop_map(|(who, what)| Step::Curate(who, what)),
        1 => Just(Step::Close),
        1 => (1u128..1 << 45).prop_map(Step::Donate),
    ]
}

/// What was sealed: by claim the claimant, seed and count of its shards, by vote its fraction.
#[derive(Default)]
struct Memory {
    claims: Vec<(AccountId, u32, u32)>,
    votes: std::collections::BTreeMap<(u32, AccountId), u16>,
}

/// Errors are as good as anything: only what they leave behind counts.
fn act(step: Step, memory: &mut Memory) {
    let known = |id: u32, memory: &Memory| memory.claims.get(id as usize).copied();
    match step {
        Step::Pass(blocks) => pass(blocks),
        Step::Commit(who, seed, count) if memory.claims.len() < 12 => {
            let next = crate::NextClaim::<Test>::get();
            let root =
                sabha_protocol::datasets::Content { units: 1, bytes: 1, shards: &shards(seed, count) }.root();
            let seal = sabha_protocol::datasets::claim::seal(0, &root, &SALT, &who);
            if dispatch(|| Datasets::commit_claim(signed(who), 0, seal)) {
                assert_eq!(next as usize, memory.claims.len());
                memory.claims.push((who, seed, count));
            }
        }
        Step::Commit(..) => {}
        Step::Tell(id) => {
            if let Some((who, seed, count)) = known(id, memory) {
                dispatch(|| tell(who, id, &shards(seed, count)));
            }
        }
        Step::GiveUp(id) => {
            if let Some((who, ..)) = known(id, memory) {
                dispatch(|| Datasets::withdraw_claim(signed(who), id).map(drop).map_err(|error| error.error));
            }
        }
        Step::Poke(id) => {
            dispatch(|| Datasets::poke(signed(EVE), id).map(drop).map_err(|error| error.error));
        }
        // By its claimant, who may ask for other panels.
        Step::GoOn(id) => {
            if let Some((who, ..)) = known(id, memory) {
                dispatch(|| Datasets::poke(signed(who), id).map(drop).map_err(|error| error.error));
            }
        }
        // Whoever has not sealed.
        Step::Seal(id, fraction) => {
            let Some(claim) = Claims::<Test>::get(id) else { return };
            let Some(seat) = claim.panel.iter().find(|seat| seat.state == SeatState::Drawn) else { return };
            let seal = vote::seal(id, claim.panels, &opinion(fraction), &SALT, &seat.curator);
            if dispatch(|| Datasets::seal_vote(signed(seat.curator), id, seal).map(drop).map_err(|e| e.error))
            {
                memory.votes.insert((id, seat.curator), fraction);
            }
        }
        Step::Reveal(id) => {
            let Some(claim) = Claims::<Test>::get(id) else { return };
            let sealed = |state: &SeatState| matches!(state, SeatState::Sealed(_));
            let Some(seat) = claim.panel.iter().find(|seat| sealed(&seat.state)) else { return };
            let vote = opinion(memory.votes[&(id, seat.curator)]);
            dispatch(|| {
                Datasets::reveal_vote(signed(seat.curator), id, vote, SALT).map(drop).map_err(|e| e.error)
            });
        }
        Step::Appeal(id) => {
            dispatch(|| Datasets::appeal(signed(EVE), id).map(drop).map_err(|error| error.error));
        }
        Step::Arbitrate(id, fraction, blame) => {
            dispatch(|| Datasets::arbitrate(root(), id, opinion(fraction), blame));
        }
        Step::Curate(who, what) => {
            dispatch(|| match what {
                0 => Datasets::register_curator(signed(who), STAKE * 2),
                1 => Datasets::ready_curator(signed(who)),
                2 => Datasets::drain_curator(signed(EVE), who),
                3 => Datasets::withdraw_curator(signed(who)),
                _ => Datasets::add_curator_stake(signed(who), SEAT),
            });
        }
        Step::Close => {
            dispatch(|| Datasets::close_dataset(root(), 0));
        }
        Step::Donate(amount) => {
            dispatch(|| Datasets::donate(signed(DONOR), 0, amount));
        }
    }
}

/// As a transaction: an error leaves nothing behind.
fn dispatch(call: impl FnOnce() -> sp_runtime::DispatchResult) -> bool {
    frame_support::storage::with_storage_layer(call).is_ok()
}

/// Nobody but the one who pokes does anything any more: every claim ends.
fn end_all() {
    for _ in 0..60 {
        for id in Claims::<Test>::iter_keys().collect::<Vec<_>>() {
            dispatch(|| Datasets::poke(signed(EVE), id).map(drop).map_err(|error| error.error));
        }
        check();
        pass(SESSION);
    }
    let open: Vec<Stage> = Claims::<Test>::iter_values().map(|claim| claim.stage).collect();
    assert_eq!(open, [], "every claim can be ended by anybody");
    let accepted: std::collections::BTreeSet<u32> = ShardClaims::<Test>::iter_values().collect();
    assert_eq!(accepted.len(), crate::AcceptedRoots::<Test>::iter().count());
    assert!(!ShardClaims::<Test>::contains_key(Digest::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_books_add_up_and_every_claim_ends(steps in proptest::collection::vec(step(), 1..150), seed: u64) {
        ext().execute_with(|| {
            let issuance = pallet_balances::TotalIssuance::<Test>::get();
            Seed::set(seed);
            curators(5);
            // Room for three of them.
            dataset_with(3, 8 * UNITS);
            let mut memory = Memory::default();
            for step in steps {
                act(step, &mut memory);
                check();
            }
            end_all();
            assert_eq!(pallet_balances::TotalIssuance::<Test>::get() + burnt(), issuance);
        });
    }
}

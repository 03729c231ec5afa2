//! What people try with datasets, claims, panels and pools, in any order: the books add up after every block.

use super::{
    chain::Chain,
    random_calls::{ALL, Act, Acts, Dice, assert_lively, play, send},
};
use crate::{Balance, Datasets, Runtime, UNITS, constants::bonds};
use frame_support::BoundedVec;
use pallet_sabha_datasets::{ClaimOf, Claims, CuratorStatus, Curators, Datasets as Records, Shards};
use pallet_sabha_origins::Origin;
use pallet_sabha_reward_pool::{Members, Pools};
use sabha_protocol::{
    Digest,
    datasets::{
        ClaimId, Content, DatasetId, Modality, SHARD_BYTES, SeatState, Stage, Unit, Vote, claim, vote,
    },
    pool::PoolId,
};
use sp_keyring::Sr25519Keyring::{self, Alice, AliceStash, Bob, BobStash, Charlie, Dave, Eve, Ferdie};

type Data = pallet_sabha_datasets::Call<Runtime>;
type Pool = pallet_sabha_reward_pool::Call<Runtime>;

const SALT: [u8; 32] = [5; 32];
/// Who claims.
const CLAIMANTS: [Sr25519Keyring; 3] = [Alice, Ferdie, Eve];
/// Who curates; one of them claims, too.
const CURATORS: [Sr25519Keyring; 6] = [Bob, Charlie, Dave, AliceStash, BobStash, Eve];

fn text<S: TryFrom<Vec<u8>>>(text: &str) -> S {
    S::try_from(text.as_bytes().to_vec()).ok().expect("short")
}

/// The shards of a claim: a few have those of the claim before them.
fn shards(claim: ClaimId) -> Shards {
    let seed = if claim % 9 == 8 { claim - 1 } else { claim };
    let all = (0..1 + seed % 3).map(|index| Digest::of(&[seed.to_le_bytes(), index.to_le_bytes()].concat()));
    BoundedVec::truncate_from(all.collect())
}

/// What a curator votes: mostly about the same, now and then anything.
fn opinion(claim: ClaimId, panel: u8, who: Sr25519Keyring) -> Vote {
    let chance = Digest::of(&[claim.to_le_bytes().as_slice(), &[panel, who as u8]].concat()).0;
    let about = if claim % 3 == 2 { 200 } else { 9_000 };
    let fraction = if chance[0] < 30 { u16::from(chance[1]) * 39 } else { about + u16::from(chance[2]) };
    Vote { fraction, quality: chance[3] % 101 }
}

fn dataset(dice: &mut Dice) -> DatasetId {
    let next = pallet_sabha_datasets::NextDataset::<Runtime>::get();
    next.saturating_sub(dice.below(next.min(3) + 1))
}

/// Mostly one that is open, of those that `fits`.
fn pick(dice: &mut Dice, fits: impl Fn(&ClaimOf<Runtime>) -> bool) -> (ClaimId, Option<ClaimOf<Runtime>>) {
    let all: Vec<_> = Claims::<Runtime>::iter().filter(|(_, claim)| fits(claim)).collect();
    if all.is_empty() || dice.one_in(12) {
        return (dice.below(40), None);
    }
    let (id, claim) = all[dice.below(all.len() as u32) as usize].clone();
    (id, Some(claim))
}

fn key(account: &crate::AccountId) -> Sr25519Keyring {
    Sr25519Keyring::from_account_id(account).expect("nobody else is here")
}

fn register_dataset(dice: &mut Dice) -> Act {
    let call = Data::register_dataset {
        title: text(dice.pick(&["Books", "Letters", " "])),
        modality: dice.pick(&[Modality::Text, Modality::Image]),
        language: text(dice.pick(&["es", "hi", "zxx", "!"])),
        licence: text(dice.pick(&["CC0-1.0", "MIT", "0BSD", "None"])),
        unit: Unit::Mebibyte,
        unit_bytes: 1 << 20,
        rate: dice.pick(&[UNITS, UNITS / 7, 1, 0]),
        panel: 3,
    };
    send(dice.pick(&ALL), call)
}

fn commit(dice: &mut Dice) -> Act {
    let (who, dataset) = (dice.pick(&CLAIMANTS), dataset(dice));
    let id = pallet_sabha_datasets::NextClaim::<Runtime>::get();
    let root = Content { units: 1, bytes: 1, shards: &shards(id) }.root();
    send(who, Data::commit_claim { dataset, seal: claim::seal(dataset, &root, &SALT, &who.to_account_id()) })
}

fn tell(dice: &mut Dice) -> Act {
    let (claim, record) = pick(dice, |claim| matches!(claim.stage, Stage::Committed { .. }));
    let shards = shards(claim);
    let units = shards.len() as u64;
    let who = record.map_or(Alice, |record| key(&record.claimant));
    let bytes = units * SHARD_BYTES + u64::from(dice.one_in(20));
    let locators = BoundedVec::truncate_from(vec![text("http://127.0.0.1/")]);
    send(who, Data::reveal_claim { claim, units, bytes, shards, locators, salt: SALT })
}

/// Mostly one for which something is due.
fn poke(dice: &mut Dice) -> Act {
    let due: Vec<_> = Claims::<Runtime>::iter_keys().filter(|claim| Datasets::is_due(*claim)).collect();
    let claim = if due.is_empty() || dice.one_in(6) { pick(dice, |_| true).0 } else { dice.pick(&due) };
    send(dice.pick(&ALL), Data::poke { claim })
}

fn seal(dice: &mut Dice) -> Act {
    let waits = |claim: &ClaimOf<Runtime>| claim.panel.iter().any(|seat| seat.state == SeatState::Drawn);
    let (id, record) = pick(dice, |claim| matches!(claim.stage, Stage::Sealing { .. }) && waits(claim));
    let Some(record) = record else {
        return send(dice.pick(&CURATORS), Data::seal_vote { claim: id, seal: Digest::default() });
    };
    let seat = record.panel.iter().find(|seat| seat.state == SeatState::Drawn).expect("one waits");
    let who = key(&seat.curator);
    let vote = opinion(id, record.panels, who);
    let seal = vote::seal(id, record.panels, &vote, &SALT, &seat.curator);
    send(who, Data::seal_vote { claim: id, seal })
}

fn reveal(dice: &mut Dice) -> Act {
    let sealed = |state: &SeatState| matches!(state, SeatState::Sealed(_));
    let (id, record) = pick(dice, |claim| {
        matches!(claim.stage, Stage::Revealing { .. }) && claim.panel.iter().any(|seat| sealed(&seat.state))
    });
    let seat = record.as_ref().and_then(|record| record.panel.iter().find(|seat| sealed(&seat.state)));
    let (who, panels) = match (seat, &record) {
        (Some(seat), Some(record)) => (key(&seat.curator), record.panels),
        _ => (dice.pick(&CURATORS), 0),
    };
    let mut vote = opinion(id, panels, who);
    vote.quality ^= u8::from(dice.one_in(20));
    send(who, Data::reveal_vote { claim: id, vote, salt: SALT })
}

fn arbitrate(dice: &mut Dice) -> Act {
    let (claim, _) = pick(dice, |claim| matches!(claim.stage, Stage::Appealed { .. }));
    let vote = Vote { fraction: dice.pick(&[0, 9_000, 10_000, 5_000]), quality: 50 };
    let call = Data::arbitrate { claim, vote, panel_at_fault: dice.one_in(2) };
    Act::Decide(Origin::DatasetArbiter, call.into())
}

fn decide(call: Data) -> Act {
    Act::Decide(Origin::DatasetArbiter, call.into())
}

/// Mostly a curator of whom this holds.
fn curator(dice: &mut Dice, fits: impl Fn(CuratorStatus) -> bool) -> Sr25519Keyring {
    let all = Curators::<Runtime>::iter().filter(|(_, curator)| fits(curator.status));
    let mut all: Vec<_> = all.map(|(who, _)| key(&who)).collect();
    if all.is_empty() || dice.one_in(6) {
        all = CURATORS.into();
    }
    dice.pick(&all)
}

/// A pool, and a member of it, mostly.
fn membership(dice: &mut Dice) -> (PoolId, Sr25519Keyring) {
    // The matching pot is a member, too.
    let known = |member: &crate::AccountId| Sr25519Keyring::from_account_id(member).is_some();
    let all: Vec<_> = Members::<Runtime>::iter_keys().filter(|(_, member)| known(member)).collect();
    if all.is_empty() || dice.one_in(8) {
        return (PoolId::Dataset(dice.below(5)), dice.pick(&ALL));
    }
    let (pool, member) = all[dice.below(all.len() as u32) as usize].clone();
    (pool, key(&member))
}

fn transfer_shares(dice: &mut Dice) -> Act {
    let (pool, from) = membership(dice);
    let shares = dice.pick(&[1, 40, 100]);
    send(from, Pool::transfer_shares { pool, to: dice.pick(&ALL).to_account_id(), shares })
}

pub const ACTS: [(u32, &str, fn(&mut Dice) -> Act); 28] = [
    // Most of them are refused.
    (8, "register a dataset", register_dataset),
    (6, "donate", |dice| {
        let (dataset, amount) = (dataset(dice), dice.amount(60));
        send(dice.pick(&ALL), Data::donate { dataset, amount })
    }),
    (4, "allot", |dice| decide(Data::allot { dataset: dataset(dice), amount: dice.amount(2) })),
    (1, "close a dataset", |dice| decide(Data::close_dataset { dataset: dataset(dice) })),
    (1, "change the licences", |dice| {
        let licence = text(dice.pick(&["0BSD", "MIT"]));
        decide(Data::set_licence { licence, allowed: dice.one_in(2) })
    }),
    (6, "seal a claim", commit),
    (14, "tell a claim", tell),
    (1, "give up a claim", |dice| {
        let (claim, record) = pick(dice, |claim| matches!(claim.stage, Stage::Committed { .. }));
        send(record.map_or(Alice, |record| key(&record.claimant)), Data::withdraw_claim { claim })
    }),
    (30, "poke a claim", poke),
    (70, "seal a vote", seal),
    (70, "reveal a vote", reveal),
    (4, "appeal", |dice| {
        let (claim, _) = pick(dice, |claim| matches!(claim.stage, Stage::Judged { .. }));
        send(dice.pick(&ALL), Data::appeal { claim })
    }),
    (4, "arbitrate", arbitrate),
    (8, "register a curator", |dice| {
        let stake = bonds::CURATOR * Balance::from(1 + dice.below(3)) - Balance::from(dice.one_in(6));
        send(dice.pick(&CURATORS), Data::register_curator { stake })
    }),
    (3, "add a curator's stake", |dice| {
        let amount = dice.amount(20);
        send(dice.pick(&CURATORS), Data::add_curator_stake { amount })
    }),
    (10, "be ready again", |dice| {
        send(curator(dice, |status| status == CuratorStatus::Absent), Data::ready_curator {})
    }),
    (4, "leave the draw", |dice| {
        let curator = curator(dice, |status| !matches!(status, CuratorStatus::Idle { .. }));
        send(dice.pick(&[curator, Alice]), Data::drain_curator { curator: curator.to_account_id() })
    }),
    (8, "withdraw a stake", |dice| {
        send(curator(dice, |status| matches!(status, CuratorStatus::Idle { .. })), Data::withdraw_curator {})
    }),
    (4, "claim", |dice| {
        let (pool, member) = membership(dice);
        send(member, Pool::claim { pool })
    }),
    (2, "claim for somebody", |dice| {
        let (pool, member) = membership(dice);
        send(dice.pick(&ALL), Pool::claim_for { pool, member: member.to_account_id() })
    }),
    (2, "claim from several pools", |dice| {
        let (pool, member) = membership(dice);
        let pools = vec![pool, PoolId::Curators, PoolId::Dataset(0)].try_into().expect("few");
        send(member, Pool::claim_batch { pools })
    }),
    (3, "give shares away", transfer_shares),
    (2, "name a payout account", |dice| {
        let payout = dice.one_in(2).then(|| dice.pick(&ALL).to_account_id());
        send(dice.pick(&ALL), Pool::set_payout { payout })
    }),
    (3, "pay into a pool", |dice| {
        let amount = dice.amount(3);
        let pools: Vec<_> = Pools::<Runtime>::iter_keys().collect();
        send(dice.pick(&ALL), Pool::deposit { pool: dice.pick(&pools), amount })
    }),
    (2, "remove a pool", |dice| {
        let closed: Vec<_> =
            Pools::<Runtime>::iter().filter(|(_, pool)| !pool.open).map(|(id, _)| id).collect();
        let pool = if closed.is_empty() { PoolId::Curators } else { dice.pick(&closed) };
        send(dice.pick(&ALL), Pool::remove_pool { pool })
    }),
    (1, "halt", |dice| Act::Halt(u64::from(1 + dice.below(30)))),
    (6, "nothing", |_| Act::Halt(0)),
    (1, "shorten the clocks", |dice| {
        let mut durations = pallet_sabha_timing::GenesisDurations::<Runtime>::get();
        if !dice.one_in(4) {
            for duration in [
                &mut durations.availability,
                &mut durations.audit_seals,
                &mut durations.window,
                &mut durations.chess_clock,
                &mut durations.unbonding,
                // An appeal must fit into the unbonding time.
                &mut durations.referendum.decide,
            ] {
                *duration = duration.div_ceil(4);
            }
        }
        let call = pallet_sabha_timing::Call::<Runtime>::set_durations { durations };
        Act::Decide(Origin::ParameterAdmin, call.into())
    }),
];

pub const HAPPENINGS: [&str; 7] = [
    "a stake was slashed",
    "a claim was accepted",
    "a claim was rejected",
    "a panel had no quorum",
    "a curator was silent",
    "an appeal was right",
    "an appeal was wrong",
];

#[test]
fn any_calls_about_data_in_any_order_keep_the_books() {
    let acts: &Acts = &ACTS;
    let games = [
        (Chain::development(), 9),
        (Chain::local(), 10),
        (Chain::development(), 11),
        (Chain::development(), 3),
    ];
    let games = games.map(|(chain, seed)| {
        play(acts, chain, seed, |score| {
            let open = Records::<Runtime>::iter_values().filter(|dataset| dataset.open).count();
            score.insert("a dataset is open", open as u32);
            score.insert("there are curators", Curators::<Runtime>::iter_keys().count() as u32);
        })
    });
    assert_lively(acts, &HAPPENINGS, games);
}

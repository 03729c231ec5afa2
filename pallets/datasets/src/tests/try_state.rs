//! That the invariants can be violated.

use frame_support::traits::{fungible::MutateHold, tokens::Precision};
use sabha_protocol::{
    Digest,
    datasets::{DatasetId, Stage},
    pool::{PoolId, RewardPools},
};

use crate::{
    AcceptedRoots, Allotted, ClaimDeposits, ClaimLocators, ClaimShards, Claims, CuratorStatus, Curators,
    DatasetDeposits, HoldReason, NextClaim, NextDataset, ShardClaims, TicketHead, TicketPlaces, Tickets,
    mock::*,
};

/// A state with everything in it: a claim whose panel has sealed, and one that is appealed. Whether its invariants are violated, with this
/// message, after `spoil`.
fn fails(message: &'static str, spoil: impl FnOnce(DatasetId)) {
    ext().execute_with(|| {
        curators(3);
        let id = dataset(3);
        let appealed = claim_of(ASHA, id, 2, 2);
        judge(appealed, &[10_000; 3]);
        Datasets::appeal(signed(EVE), appealed).expect("it can be appealed");
        let open = claim_of(ASHA, id, 1, 2);
        let panel = draw(open);
        seal(open, panel[0], opinion(1));
        check();
        spoil(open);
        assert_eq!(Datasets::do_try_state(), Err(message.into()));
    });
}

/// Something is on hold for no reason.
fn hold(reason: HoldReason, who: AccountId) {
    Balances::hold(&reason.into(), &who, 1).expect("it can be held");
}

fn claim(id: u32, change: impl FnOnce(&mut crate::ClaimOf<Test>)) {
    Claims::<Test>::mutate(id, |claim| change(claim.as_mut().expect("it is there")));
}

fn data(change: impl FnOnce(&mut crate::DatasetOf<Test>)) {
    crate::Datasets::<Test>::mutate(0, |dataset| change(dataset.as_mut().expect("it is there")));
}

fn ten(change: impl FnOnce(&mut crate::Curator)) {
    Curators::<Test>::mutate(10, |curator| change(curator.as_mut().expect("it is there")));
}

#[test]
fn claims_that_do_not_add_up_are_found() {
    fails("a claim is from the future", |_| NextClaim::<Test>::put(1));
    fails("a claim's stage and content do not go together", |id| claim(id, |claim| claim.told = None));
    let wrong = "a claim's stage and its money do not go together";
    fails(wrong, |id| claim(id, |claim| claim.stage = Stage::Committed { since: 0, until: 0 }));
    fails(wrong, |id| claim(id, |claim| claim.reserved = 0));
    fails(wrong, |id| claim(id, |claim| claim.fee = 0));
    fails("a claim's shards are not there", ClaimShards::<Test>::remove);
    fails("a claim's deposit is not there", |id| {
        ClaimDeposits::<Test>::take(id).expect("there");
    });
    fails("a shard of a claim is not registered for it", |_| ShardClaims::<Test>::remove(shards(1, 1)[0]));
    fails("a panel has too many members", |id| claim(id, |claim| claim.seats = 2));
    fails("what is on hold is not the sum of bonds", |id| claim(id, |claim| claim.bond += 1));
    fails("what is on hold is not the sum of bonds", |_| hold(HoldReason::ClaimBond, BINH));
    fails("what is on hold is not the sum of bonds", |_| hold(HoldReason::AppealBond, BINH));
    fails("a bond is of no account", |id| {
        let bond = Claims::<Test>::get(id).expect("it is there").bond;
        Balances::release(&HoldReason::ClaimBond.into(), &ASHA, bond, Precision::Exact).expect("it is held");
        claim(id, |claim| claim.claimant = 999);
    });
    fails("what is on hold is not the sum of bonds", |id| {
        claim(id - 1, |claim| claim.appeal.as_mut().expect("there is one").bond += 1);
    });
    fails("what is on hold for records is not the sum of their deposits", |_| {
        hold(HoldReason::Storage, BINH)
    });
    fails("what is on hold for records is not the sum of their deposits", |id| {
        DatasetDeposits::<Test>::insert(0, ClaimDeposits::<Test>::get(id).expect("there"));
    });
    fails("a deposit is for no claim", |id| {
        ClaimDeposits::<Test>::insert(9, ClaimDeposits::<Test>::get(id).expect("there"));
    });
    fails("something is kept of a claim that is not there", |_| {
        ClaimLocators::<Test>::insert(9, crate::Locators::default());
    });
    fails("a shard is registered for a claim that does not list it", |id| {
        ShardClaims::<Test>::insert(Digest::default(), id);
    });
    fails("shards are registered for claims that are not there", |_| {
        ShardClaims::<Test>::insert(Digest::default(), 99);
    });
    fails("an accepted claim has no shards", |_| {
        let record = crate::Accepted { dataset: 0, claimant: ASHA, units: 1, bytes: 1 };
        AcceptedRoots::<Test>::insert(Digest::default(), record);
    });
}

#[test]
fn datasets_that_do_not_add_up_are_found() {
    fails("a dataset is from the future", |_| NextDataset::<Test>::put(0));
    fails("what a dataset counts is not what its claims say", |_| data(|dataset| dataset.reserved += 1));
    fails("what a dataset counts is not what its claims say", |_| data(|dataset| dataset.claims += 1));
    fails("a budget does not cover what it has promised", |_| data(|dataset| dataset.budget = 0));
    fails("a dataset's deposit is not there", |_| {
        DatasetDeposits::<Test>::take(0).expect("there");
    });
    fails("a claim is for no dataset", |_| crate::Datasets::<Test>::remove(0));
    fails("what is allotted is not the sum of budgets and purses", |id| claim(id, |claim| claim.purse += 1));
    fails("the pot does not cover what is allotted", |_| {
        Allotted::<Test>::mutate(|all| *all += 1);
        data(|dataset| dataset.budget += 1);
    });
}

#[test]
fn curators_that_do_not_add_up_are_found() {
    fails("what is on hold is not the curator's stake", |_| ten(|curator| curator.stake += 1));
    fails("what is on hold is not the curator's stake", |_| hold(HoldReason::CuratorStake, BINH));
    fails("a curator is no account", |_| Curators::<Test>::insert(999, curator(10)));
    fails("what a stake reserves is not what its seats say", |_| ten(|curator| curator.reserved += 1));
    fails("a curator's tickets and status do not go together", |_| ten(|curator| curator.tickets = 0));
    fails("a curator is ready without the least stake", |_| {
        let reason = HoldReason::CuratorStake.into();
        Balances::release(&reason, &10, 1, Precision::Exact).expect("it is held");
        ten(|curator| curator.stake -= 1);
    });
    fails("a curator that is not ready has a part in what is minted", |_| {
        RewardPool::set_shares(PoolId::Curators, &10, 1).expect("it can be given");
        ten(|curator| curator.status = CuratorStatus::Absent);
    });
    fails("a ticket has no place", |_| TicketPlaces::<Test>::remove(10, 0));
    fails("a ticket is not in its place", |_| Tickets::<Test>::remove(0));
    fails("there are tickets of nobody", |_| TicketHead::<Test>::mutate(|head| head.live += 1));
    fails("a place is of no ticket", |_| TicketPlaces::<Test>::insert(10, 5, 9));
}

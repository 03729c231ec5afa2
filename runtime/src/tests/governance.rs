//! Referenda from the preimage to the enactment.

use super::{chain::Chain, shares::submit};
use crate::{
    Balance, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, Timing, Treasury,
    UNITS,
    governance::{RootOrComputeAllocator, TreasurySpend},
};
use codec::Encode;
use frame_support::{
    assert_noop, assert_ok,
    traits::{Bounded, EnsureOrigin, schedule::DispatchTime},
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::ReferendumInfo;
use pallet_sabha_origins::Origin;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie};
use sp_runtime::{
    DispatchError,
    traits::{BlakeTwo256, Hash},
};
use std::collections::BTreeMap;

/// Note the preimage, submit, pay the deposit, vote: what a client does. Returns the referendum's index.
fn propose(
    chain: &mut Chain,
    origin: OriginCaller,
    call: RuntimeCall,
    votes: &[(Sr25519Keyring, Balance)],
) -> u32 {
    let bytes = call.encode();
    let proposal = Bounded::Lookup { hash: BlakeTwo256::hash(&bytes), len: bytes.len() as u32 };
    submit(chain, Alice, pallet_preimage::Call::note_preimage { bytes });
    let index = chain.with(pallet_referenda::ReferendumCount::<Runtime>::get);
    submit(
        chain,
        Alice,
        pallet_referenda::Call::submit {
            proposal_origin: Box::new(origin),
            proposal,
            enactment_moment: DispatchTime::After(0),
        },
    );
    submit(chain, Bob, pallet_referenda::Call::place_decision_deposit { index });
    for (who, balance) in votes {
        let vote = AccountVote::Standard {
            vote: Vote { aye: true, conviction: Conviction::Locked1x },
            balance: *balance,
        };
        submit(chain, *who, pallet_conviction_voting::Call::vote { poll_index: index, vote });
    }
    index
}

/// Run until the referendum is decided; returns whether it was approved, and how many blocks it took.
fn decide(chain: &mut Chain, index: u32, at_most: u32) -> (bool, u32) {
    let start = chain.number();
    for _ in 0..at_most {
        match chain.with(|| pallet_referenda::ReferendumInfoFor::<Runtime>::get(index)) {
            Some(ReferendumInfo::Ongoing(_)) => chain.run(1),
            Some(ReferendumInfo::Approved(..)) => return (true, chain.number() - start),
            other => {
                assert!(other.is_some(), "the referendum exists");
                return (false, chain.number() - start);
            }
        }
    }
    panic!("undecided after {at_most} blocks");
}

/// A referendum with everything that it needs, until its call was dispatched and has succeeded.
fn enact(chain: &mut Chain, origin: Origin, call: RuntimeCall) {
    let index = propose(chain, origin.into(), call, &[(Alice, 900_000 * UNITS)]);
    assert!(decide(chain, index, 80).0);
    // What referenda calls it: the scheduler also dispatches what referenda does for itself.
    let name = BlakeTwo256::hash_of(&(*b"assembly", "enactment", index)).0;
    for _ in 0..100 {
        chain.run(1);
        for event in chain.events() {
            if let RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched { id, result, .. }) = event
                && id == Some(name)
            {
                assert_ok!(result);
                return;
            }
        }
    }
    panic!("it is never enacted");
}

#[test]
fn a_compute_allocator_referendum_takes_two_minutes_on_a_development_chain() {
    let mut chain = Chain::development();
    let run = super::runs::create(&mut chain, Charlie);
    assert!(!super::runs::is_paused(&mut chain, run));

    let first = chain.number();
    let call = pallet_sabha_training::Call::pause_run { run }.into();
    let index = propose(&mut chain, Origin::ComputeAllocator.into(), call, &[(Alice, 900_000 * UNITS)]);
    let (approved, _) = decide(&mut chain, index, 40);
    assert!(approved);
    for _ in 0..5 {
        if super::runs::is_paused(&mut chain, run) {
            break;
        }
        chain.run(1);
    }
    assert!(super::runs::is_paused(&mut chain, run), "the call was dispatched");
    let seconds = u64::from(chain.number() - first) * chain.with(|| Timing::durations().slot_ms) / 1_000;
    assert!(seconds <= 120, "it took {seconds} s");

    // The deposits come back.
    chain.submit(Bob, pallet_referenda::Call::refund_decision_deposit { index });
    chain.submit(Alice, pallet_referenda::Call::refund_submission_deposit { index });
    assert_eq!(chain.with(|| Balances::reserved_balance(Bob.to_account_id())), 0);
    chain.check();
}

#[test]
fn a_referendum_without_support_is_rejected() {
    let mut chain = Chain::development();
    let call = pallet_sabha_training::Call::pause_run { run: 0 }.into();
    let index = propose(&mut chain, Origin::ComputeAllocator.into(), call, &[(Alice, UNITS)]);
    let (approved, blocks) = decide(&mut chain, index, 40);
    assert!(!approved);
    assert!(blocks >= 19, "it had its whole decision period");
    chain.check();
}

#[test]
fn a_track_cannot_act_for_another() {
    let mut chain = Chain::development();
    let run = super::runs::create(&mut chain, Charlie);
    let call = pallet_sabha_training::Call::pause_run { run }.into();
    let votes = [(Alice, 900_000 * UNITS), (Bob, 900_000 * UNITS)];
    let index = propose(&mut chain, Origin::DatasetArbiter.into(), call, &votes);
    let (approved, _) = decide(&mut chain, index, 40);
    assert!(approved, "people may agree on what they have no power over");
    let mut dispatched = Vec::new();
    for _ in 0..5 {
        chain.run(1);
        dispatched.extend(chain.events().into_iter().filter_map(|event| match event {
            RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched { result, .. }) => Some(result),
            _ => None,
        }));
    }
    assert!(dispatched.contains(&Err(DispatchError::BadOrigin)));
    assert!(!super::runs::is_paused(&mut chain, run));
    chain.check();
}

#[test]
fn a_whitelisted_call_is_dispatched_as_root() {
    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        let call = RuntimeCall::from(frame_system::Call::set_heap_pages { pages: 64 });
        let hash = BlakeTwo256::hash_of(&call);
        assert_noop!(
            crate::Whitelist::whitelist_call(Origin::ParameterAdmin.into(), hash),
            DispatchError::BadOrigin
        );
        assert_ok!(crate::Whitelist::whitelist_call(Origin::EmergencyCanceller.into(), hash));
        assert_ok!(crate::Whitelist::dispatch_whitelisted_call_with_preimage(
            Origin::WhitelistedCaller.into(),
            Box::new(call)
        ));
    });
    chain.check();
}

#[test]
fn the_treasury_spends_within_limits_and_keeps_its_account() {
    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        let spend = |origin, amount| {
            Treasury::spend(origin, Box::new(()), amount, Box::new(Charlie.to_account_id()), None)
        };
        assert_noop!(
            spend(Origin::TreasurySpender.into(), 1_000_001 * UNITS),
            pallet_treasury::Error::<Runtime>::InsufficientPermission
        );
        assert_ok!(spend(Origin::TreasurySpender.into(), 1_000_000 * UNITS));
        let before = Balances::free_balance(Charlie.to_account_id());
        let payee = frame_system::RawOrigin::Signed(Charlie.to_account_id());
        assert_ok!(Treasury::payout(payee.clone().into(), 0));
        assert_eq!(Balances::free_balance(Charlie.to_account_id()), before + 1_000_000 * UNITS);

        // All that is left, to the last planck: refused, for the account would be gone.
        let rest = Balances::free_balance(Treasury::account_id());
        assert_ok!(spend(frame_system::RawOrigin::Root.into(), rest));
        assert_noop!(Treasury::payout(payee.into(), 1), pallet_treasury::Error::<Runtime>::PayoutError);
    });
    chain.check();
}

#[test]
fn the_treasury_burns_nothing() {
    let mut chain = Chain::development();
    let period = chain.with(<crate::configs::treasury::SpendPeriod as frame_support::traits::Get<u32>>::get);
    chain.run(period + 1);
    let burnt = chain.events().into_iter().any(|event| {
        matches!(event, RuntimeEvent::Treasury(pallet_treasury::Event::Burnt { burnt_funds }) if burnt_funds > 0)
    });
    assert!(!burnt);
    assert!(chain.with(|| Balances::free_balance(Treasury::account_id())) >= 10_000_000 * UNITS);
    // And what it holds does not count as votes that nobody gives.
    chain.with(|| {
        use frame_support::traits::Currency;
        assert!(Balances::active_issuance() < Balances::total_issuance() - 9_000_000 * UNITS);
    });
    chain.check();
}

#[test]
fn origins_are_told_apart() {
    let compute = |origin: RuntimeOrigin| RootOrComputeAllocator::try_origin(origin).is_ok();
    assert!(compute(RuntimeOrigin::root()));
    assert!(compute(Origin::ComputeAllocator.into()));
    assert!(!compute(Origin::TreasurySpender.into()));
    assert!(!compute(RuntimeOrigin::signed(Alice.to_account_id())));

    let spend = |origin: RuntimeOrigin| TreasurySpend::try_origin(origin).ok();
    assert_eq!(spend(RuntimeOrigin::root()), Some(Balance::MAX));
    assert_eq!(spend(Origin::TreasurySpender.into()), Some(1_000_000 * UNITS));
    assert_eq!(spend(Origin::ComputeAllocator.into()), None);
}

/// As *Delegation* in docs/voters.md says: Alice has no vote of her own, Charlie has her tokens besides his.
#[test]
fn a_delegate_votes_with_the_tokens_of_another() {
    let mut chain = Chain::development();
    let run = super::runs::create(&mut chain, Charlie);
    let class = 3;
    let to = Charlie.to_account_id().into();
    let (conviction, balance) = (Conviction::Locked1x, 900_000 * UNITS);
    submit(&mut chain, Alice, pallet_conviction_voting::Call::delegate { class, to, conviction, balance });
    let call = pallet_sabha_training::Call::pause_run { run }.into();
    let index = propose(&mut chain, Origin::ComputeAllocator.into(), call, &[(Charlie, UNITS)]);
    let (approved, _) = decide(&mut chain, index, 40);
    assert!(approved, "one SBH of his own would not have been enough");
    // On another track she votes herself.
    let call = frame_system::Call::remark { remark: vec![] }.into();
    let index = propose(&mut chain, Origin::ParameterAdmin.into(), call, &[(Alice, 900_000 * UNITS)]);
    assert!(decide(&mut chain, index, 80).0);
    submit(&mut chain, Alice, pallet_conviction_voting::Call::undelegate { class });
    chain.check();
}

#[test]
fn a_parameter_admin_referendum_changes_the_split_of_new_tokens() {
    use crate::configs::dap;
    use sp_runtime::Perbill;
    use sp_staking::budget::BudgetRecipient;

    let mut chain = Chain::development();
    let all = || BTreeMap::from([(dap::ToMatching::budget_key(), Perbill::one())]);
    let new_allocations = all().try_into().expect("few");
    let call = pallet_dap::Call::set_budget_allocation { new_allocations }.into();
    let index = propose(&mut chain, Origin::ParameterAdmin.into(), call, &[(Alice, 900_000 * UNITS)]);
    assert!(decide(&mut chain, index, 80).0);
    let split = |chain: &mut Chain| chain.with(pallet_dap::BudgetAllocation::<Runtime>::get).into_inner();
    for _ in 0..30 {
        chain.run(1);
        if split(&mut chain) == all() {
            break;
        }
    }
    assert_eq!(split(&mut chain), all(), "the call was dispatched");
    // From now on all new tokens are the matching pot's.
    let pots = [dap::ToMatching::pot_account(), dap::ToValidators::pot_account()];
    let balances = |chain: &mut Chain| chain.with(|| pots.clone().map(Balances::free_balance));
    // What was due before is out.
    chain.run(40);
    let before = balances(&mut chain);
    chain.run(60);
    let after = balances(&mut chain);
    assert!(after[0] > before[0] && after[1] == before[1], "{before:?} {after:?}");
    chain.check();
}

/// As *Spending from the treasury* in docs/voters.md says.
#[test]
fn a_treasury_spender_referendum_pays_an_account() {
    let mut chain = Chain::development();
    let (payee, amount) = (Sr25519Keyring::One.to_account_id(), 500 * UNITS);
    let call = pallet_treasury::Call::spend_local { amount, beneficiary: payee.clone().into() };
    enact(&mut chain, Origin::TreasurySpender, call.into());
    assert_eq!(chain.with(|| Balances::free_balance(&payee)), 0, "not before the end of the period");
    let period = chain.with(<crate::configs::treasury::SpendPeriod as frame_support::traits::Get<u32>>::get);
    chain.run(period);
    assert_eq!(chain.with(|| Balances::free_balance(&payee)), amount);
    chain.check();
}

/// As in docs/use-cases.md: the treasury pays for labels, a curator looks at them, and whoever made them is paid.
#[test]
fn a_bounty_pays_for_labelling_digits() {
    use pallet_bounties::Call;

    let mut chain = Chain::development();
    let [proposer, curator, labeller] = [Charlie, Bob, Sr25519Keyring::One];
    let (value, fee) = (500 * UNITS, 50 * UNITS);
    let description = b"Label 10,000 photographs of digits".to_vec();
    submit(&mut chain, proposer, Call::propose_bounty { value, description });
    let call =
        Call::approve_bounty_with_curator { bounty_id: 0, curator: curator.to_account_id().into(), fee };
    enact(&mut chain, Origin::TreasurySpender, call.into());
    let period = chain.with(<crate::configs::treasury::SpendPeriod as frame_support::traits::Get<u32>>::get);
    chain.run(period + 1);
    submit(&mut chain, curator, Call::accept_curator { bounty_id: 0 });
    submit(
        &mut chain,
        curator,
        Call::award_bounty { bounty_id: 0, beneficiary: labeller.to_account_id().into() },
    );
    let delay =
        chain.with(<crate::configs::bounties::BountyPayoutDelay as frame_support::traits::Get<u32>>::get);
    chain.run(delay + 1);
    let before = chain.with(|| Balances::free_balance(labeller.to_account_id()));
    submit(&mut chain, proposer, Call::claim_bounty { bounty_id: 0 });
    let after = chain.with(|| Balances::free_balance(labeller.to_account_id()));
    assert_eq!(after - before, value - fee);
    chain.check();
}

//! Random joins, leaves, deposits, credits, claims and transfers beside a naive model in exact fractions.

use std::collections::{BTreeMap, BTreeSet};

use frame_support::traits::fungible::Inspect;
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use sabha_protocol::{
    UNITS,
    pool::{PoolId, RewardPools},
};

use crate::{Members, mock::*};

const MEMBERS: u64 = 6;

#[derive(Clone, Debug)]
enum Step {
    Set(AccountId, u128),
    Deposit(u128),
    Mint(u128),
    Credit(AccountId, u128),
    Claim(AccountId),
    Transfer(AccountId, AccountId, u128),
}

fn whole(number: u128) -> BigRational {
    BigInt::from(number).into()
}

/// What each member is owed and has, divided among all at each deposit.
#[derive(Default)]
struct Model {
    shares: BTreeMap<AccountId, u128>,
    owed: BTreeMap<AccountId, BigRational>,
    held: u128,
    /// How often a member's record went, and the fraction that it was owed with it.
    gone: BTreeMap<AccountId, u128>,
}

impl Model {
    fn deposit(&mut self, amount: u128) {
        let total: u128 = self.shares.values().sum();
        if total == 0 {
            self.held += amount;
            return;
        }
        let amount = whole(amount + std::mem::take(&mut self.held));
        for (member, shares) in &self.shares {
            *self.owed.entry(*member).or_default() += &amount * whole(*shares) / whole(total);
        }
    }
}

fn shares() -> impl Strategy<Value = u128> {
    prop_oneof![0u128..4, 0u128..1_000_000, 0u128..1 << 90]
}

fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![1u128..10, 1u128..UNITS]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 1..=MEMBERS;
    prop_oneof![
        3 => (who(), shares()).prop_map(|(who, shares)| Step::Set(who, shares)),
        3 => amount().prop_map(Step::Deposit),
        2 => amount().prop_map(Step::Mint),
        1 => (who(), amount()).prop_map(|(who, amount)| Step::Credit(who, amount)),
        3 => who().prop_map(Step::Claim),
        2 => (who(), who(), shares()).prop_map(|(from, to, shares)| Step::Transfer(from, to, shares)),
    ]
}

fn play(pool: PoolId, steps: Vec<Step>) {
    let mut model = Model::default();
    let mut paid = BTreeMap::<AccountId, u128>::new();
    let claim = |model: &mut Model, paid: &mut BTreeMap<AccountId, u128>, who: AccountId| {
        // Whatever is done with a pool finds what has arrived, even if nobody had shares then.
        let before = Balances::balance(&who);
        let done = RewardPool::claim(signed(who), pool);
        let got = Balances::balance(&who) - before;
        assert_eq!(done.is_ok(), got > 0);
        *paid.entry(who).or_default() += got;
        let exact = model.owed.get(&who).cloned().unwrap_or_default() - whole(paid[&who]);
        assert!(exact >= whole(0), "{who} was paid more than it is owed");
        let most = 1 + model.gone.get(&who).copied().unwrap_or(0);
        // In whole units: what a claim could have paid.
        assert!(exact.floor() <= whole(most), "{who} is short of {exact}");
    };
    let members = || Members::<Test>::iter_key_prefix(pool).collect::<BTreeSet<_>>();
    for step in steps {
        let before = members();
        match step {
            Step::Set(who, shares) => {
                model.deposit(0);
                give(pool, who, shares);
                model.shares.insert(who, shares);
            }
            Step::Deposit(amount) => {
                pay(pool, amount);
                model.deposit(amount);
            }
            // The source's pool divides what was minted before whatever comes next.
            Step::Mint(amount) if pool == PoolId::Curators => {
                mint(amount);
                model.deposit(amount);
            }
            Step::Mint(_) => {}
            Step::Credit(who, amount) => {
                model.deposit(0);
                RewardPool::credit(pool, &ACCOUNTS, &who, amount).expect("it can be credited");
                *model.owed.entry(who).or_default() += whole(amount);
            }
            Step::Claim(who) => {
                // A claim that is refused changes nothing.
                if RewardPool::claimable(pool, who) > 0 {
                    model.deposit(0);
                }
                claim(&mut model, &mut paid, who);
            }
            Step::Transfer(from, to, shares) => {
                let done = hand_over(pool, from, to, shares);
                let has = model.shares.get(&from).copied().unwrap_or(0);
                assert_eq!(done.is_ok(), from != to && shares > 0 && shares <= has);
                if done.is_ok() {
                    model.deposit(0);
                    *model.shares.entry(from).or_default() -= shares;
                    *model.shares.entry(to).or_default() += shares;
                }
            }
        }
        for who in before.difference(&members()) {
            *model.gone.entry(*who).or_default() += 1;
        }
        check();
    }
    model.deposit(0);
    for who in 1..=MEMBERS {
        claim(&mut model, &mut paid, who);
    }
    check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn never_more_than_owed_and_never_short_of_more_than_a_unit_for_each_membership(
        steps in proptest::collection::vec(step(), 1..60),
        minted: bool,
    ) {
        let pool = if minted { PoolId::Curators } else { DATA };
        ext().execute_with(|| play(pool, steps));
    }
}

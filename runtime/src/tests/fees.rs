//! What a transfer costs, and who gets it.

use super::chain::{Chain, length, sign};
use crate::{
    Balances, RuntimeCall, TransactionPayment, Treasury, UNITS,
    constants::{currency::EXISTENTIAL_DEPOSIT, fees::TREASURY_SHARE},
};
use frame_support::dispatch::GetDispatchInfo;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, One};

fn transfer(to: sp_keyring::Sr25519Keyring, value: u128) -> RuntimeCall {
    pallet_balances::Call::transfer_allow_death { dest: to.to_account_id().into(), value }.into()
}

#[test]
fn a_transfer_costs_about_a_thousandth() {
    let mut chain = Chain::development();
    let fee = chain.with(|| {
        let transaction = sign(Bob, transfer(Charlie, UNITS));
        TransactionPayment::compute_fee(length(&transaction), &transaction.get_dispatch_info(), 0)
    });
    assert!((900_000_000..1_100_000_000).contains(&fee), "a transfer costs {fee} plancks");
}

#[test]
fn a_transfer_costs_what_was_announced() {
    let mut chain = Chain::development();
    let (announced, before) = chain.with(|| {
        let transaction = sign(Bob, transfer(Charlie, UNITS));
        let length = length(&transaction);
        (
            TransactionPayment::query_info(transaction, length).partial_fee,
            Balances::free_balance(Bob.to_account_id()),
        )
    });
    chain.submit(Bob, transfer(Charlie, UNITS));
    let paid = chain.with(|| before - UNITS - Balances::free_balance(Bob.to_account_id()));
    assert!(paid <= announced, "paid {paid}, announced {announced}");
    assert!(paid > announced / 2, "paid {paid}, announced {announced}");
    chain.check();
}

#[test]
fn fees_go_to_treasury_and_author() {
    let mut chain = Chain::development();
    let balances = |chain: &mut Chain| {
        chain.with(|| {
            [
                Balances::free_balance(Treasury::account_id()),
                Balances::free_balance(Alice.to_account_id()),
                Balances::free_balance(Bob.to_account_id()),
                Balances::total_issuance(),
            ]
        })
    };
    let [treasury, author, sender, issuance] = balances(&mut chain);
    chain.submit(Bob, transfer(Charlie, UNITS));
    let [treasury_after, author_after, sender_after, issuance_after] = balances(&mut chain);
    let fee = sender - sender_after - UNITS;
    assert_eq!(treasury_after - treasury, TREASURY_SHARE * fee);
    assert_eq!(author_after - author, fee - TREASURY_SHARE * fee);
    assert_eq!(issuance_after, issuance, "nothing is burnt");
    chain.check();
}

#[test]
fn a_tip_goes_to_the_author() {
    use crate::configs::transaction_payment::FeeSplit;
    use frame_support::traits::{OnUnbalanced, fungible::Balanced};

    let mut chain = Chain::development();
    chain.run(1);
    chain.with(|| {
        let author = Balances::free_balance(Alice.to_account_id());
        let treasury = Balances::free_balance(Treasury::account_id());
        // Outside a block Authorship reads the author from the digest, which is still there.
        assert_eq!(crate::Authorship::author(), Some(Alice.to_account_id()));
        FeeSplit::on_unbalanceds([Balances::issue(100 * UNITS), Balances::issue(7 * UNITS)].into_iter());
        assert_eq!(Balances::free_balance(Alice.to_account_id()), author + 27 * UNITS);
        assert_eq!(Balances::free_balance(Treasury::account_id()), treasury + 80 * UNITS);
    });
    chain.check();
}

#[test]
fn what_the_author_cannot_take_goes_to_the_treasury() {
    use crate::configs::transaction_payment::FeeSplit;
    use frame_support::traits::{OnUnbalanced, fungible::Balanced};

    let mut chain = Chain::development();
    chain.with(|| {
        // Before block 1 there is no author.
        let treasury = Balances::free_balance(Treasury::account_id());
        FeeSplit::on_unbalanceds([Balances::issue(10 * UNITS)].into_iter());
        assert_eq!(Balances::free_balance(Treasury::account_id()), treasury + 10 * UNITS);
    });
    chain.check();
}

#[test]
fn dust_goes_to_the_treasury() {
    let mut chain = Chain::development();
    chain.submit(Bob, transfer(One, EXISTENTIAL_DEPOSIT + 5_000_000_000));
    let (treasury, issuance) =
        chain.with(|| (Balances::free_balance(Treasury::account_id()), Balances::total_issuance()));
    // What is left of One after its fee is less than the existential deposit.
    chain.submit(One, transfer(Bob, EXISTENTIAL_DEPOSIT));
    chain.with(|| {
        assert_eq!(Balances::free_balance(One.to_account_id()), 0, "the account is gone");
        assert_eq!(Balances::total_issuance(), issuance, "nothing is burnt");
        // The fee is about 0.001 and its fifth goes to the author: the treasury gains most of the 0.005.
        assert!(Balances::free_balance(Treasury::account_id()) > treasury + 4_500_000_000);
    });
    chain.check();
}

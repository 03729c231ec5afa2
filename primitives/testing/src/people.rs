//! Who is who on the chains of tests that know workers, and what everybody has.

use sabha_protocol::UNITS;

/// An account.
pub type AccountId = u64;

/// Least balance of an account.
pub const ED: u128 = UNITS / 100;
/// Least stake of a worker, and what a ticket stands for.
pub const STAKE: u128 = 100 * UNITS;
/// What each account has at genesis.
pub const ENDOWMENT: u128 = 10_000 * UNITS;
/// Accounts with money, from 1 on.
pub const ACCOUNTS: u64 = 14;
/// Active blocks of a session.
pub const SESSION: u32 = 20;

/// Who creates runs.
pub const ALICE: AccountId = 1;
/// Who pokes and challenges, and owns no worker.
pub const BOB: AccountId = 2;
/// The first of those who own workers, up to [`ACCOUNTS`].
pub const FIRST: AccountId = 3;

/// The hot key of the worker of `owner`.
pub fn hot(owner: AccountId) -> AccountId {
    owner + 100
}

/// The payout account of the worker of `owner`.
pub fn payout(owner: AccountId) -> AccountId {
    owner + 200
}

//! Reward pools: who has which share of what is earned later, and the one interface through which pallets use them.
//!
//! The arithmetic is in [`ledger`]: a pool keeps what one share has earned so far, a member what that was when it was settled last. So a
//! deposit costs the same whether a pool has ten members or a million.

pub mod ledger;

use crate::{Balance, RunId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Shares of a pool. They only say how a deposit is divided.
pub type Shares = Balance;

/// A pool.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum PoolId {
    /// Those whose data is in a dataset.
    Dataset(u32),
    /// Those whose updates are in a run's checkpoint.
    Compute(RunId),
    /// Those who paid for a run.
    Backers(RunId),
    /// Those who make blocks.
    Validators,
    /// Those who judge data.
    Curators,
}

impl PoolId {
    /// Whether a member may give its shares to somebody else. Those of validators and curators stand for what they do, and end with
    /// it.
    pub const fn is_transferable(self) -> bool {
        matches!(self, Self::Dataset(_) | Self::Compute(_) | Self::Backers(_))
    }
}

/// What pallets do with reward pools. Whoever earns takes it from the pool (`claim`); nothing here pays anybody.
pub trait RewardPools<Account> {
    /// Why something cannot be done. Nothing was changed then.
    type Error;

    /// Makes a pool. Does nothing if it is there and open.
    ///
    /// # Errors
    /// If the pool was closed.
    fn create(pool: PoolId) -> Result<(), Self::Error>;

    /// Ends a pool: it takes no deposits and no members any more. It can be removed when its members have claimed what they are owed.
    ///
    /// # Errors
    /// If there is no such pool.
    fn close(pool: PoolId) -> Result<(), Self::Error>;

    /// The shares that `member` has.
    fn shares(pool: PoolId, member: &Account) -> Shares;

    /// Gives `member` exactly so many shares. Deposits that were made before are not affected.
    ///
    /// # Errors
    /// If there is no such pool, it is closed, or has too many shares.
    fn set_shares(pool: PoolId, member: &Account, shares: Shares) -> Result<(), Self::Error>;

    /// Gives `member` more shares. Deposits that were made before are not affected.
    ///
    /// # Errors
    /// As [`Self::set_shares`].
    fn add_shares(pool: PoolId, member: &Account, shares: Shares) -> Result<(), Self::Error>;

    /// Takes shares of `member` away. What they have earned stays its own.
    ///
    /// # Errors
    /// If there is no such pool, or `member` has fewer.
    fn remove_shares(pool: PoolId, member: &Account, shares: Shares) -> Result<(), Self::Error>;

    /// Makes shares of `from` those of `to`. What they have earned stays with `from`.
    ///
    /// # Errors
    /// If there is no such pool, it is closed, or `from` has fewer.
    fn transfer_shares(pool: PoolId, from: &Account, to: &Account, shares: Shares)
    -> Result<(), Self::Error>;

    /// Moves `amount` from an account into a pool, to be divided by shares; held until somebody has any.
    ///
    /// # Errors
    /// If there is no such pool, it is closed, or the account cannot pay and stay alive.
    fn deposit(pool: PoolId, from: &Account, amount: Balance) -> Result<(), Self::Error>;

    /// Moves `amount` from an account into a pool, for one member alone, whatever its shares.
    ///
    /// # Errors
    /// As [`Self::deposit`].
    fn credit(pool: PoolId, from: &Account, member: &Account, amount: Balance) -> Result<(), Self::Error>;
}

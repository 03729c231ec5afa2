//! Reward pools: who has which share of what is earned later. The one interface through which pallets record shares.

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

/// Keeps the shares of pools.
pub trait RewardPool<Account> {
    /// Gives `member` more shares of `pool`. Deposits that were made before are not affected.
    fn add_shares(pool: PoolId, member: &Account, shares: Shares);
}

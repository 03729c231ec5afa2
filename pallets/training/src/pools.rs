//! The shares of those whose updates are in a run's checkpoint: the least ledger that is right, until the reward pools have a
//! pallet of their own.

use sabha_protocol::pool::{PoolId, RewardPool, Shares};

use crate::{Config, Pallet, PoolShares, PoolTotals};

impl<T: Config> RewardPool<T::AccountId> for Pallet<T> {
    fn add_shares(pool: PoolId, member: &T::AccountId, shares: Shares) {
        // What does not fit the total is not given: the shares of a pool sum to its total, whatever happens.
        let total = PoolTotals::<T>::get(pool);
        let given = total.saturating_add(shares).saturating_sub(total);
        PoolTotals::<T>::insert(pool, total.saturating_add(given));
        PoolShares::<T>::mutate(pool, member, |held| *held = held.saturating_add(given));
    }
}

//! What runs were trained on, and rewards for those who brought it.

use sabha_protocol::{
    Balance, Digest,
    datasets::{DatasetId, lineage},
    pool::{PoolId, RewardPools},
};
use sp_runtime::DispatchError;

use crate::{AcceptedRoots, Config, Pallet};

impl<T: Config> lineage::Lineage<T::AccountId> for Pallet<T> {
    type Error = DispatchError;

    fn accepted(root: &Digest) -> Option<(DatasetId, u64)> {
        AcceptedRoots::<T>::get(root).map(|accepted| (accepted.dataset, accepted.bytes))
    }

    fn reward(sources: &[Digest], from: &T::AccountId, amount: Balance) -> Result<Balance, DispatchError> {
        let known = sources.iter().filter_map(Self::accepted);
        let mut given: Balance = 0;
        for (dataset, part) in lineage::divide(amount, known) {
            if part > 0 {
                T::Pools::deposit(PoolId::Dataset(dataset), from, part)?;
                given = given.saturating_add(part);
            }
        }
        Ok(given)
    }
}

//! From what a run was trained on to those who brought it. A specification names its data by manifest roots (`DataSpec::sources`), and
//! is bound by the hash that a run's record keeps; the chain knows the roots whose claims it accepted.

use super::DatasetId;
use crate::{Balance, Digest};
use alloc::collections::BTreeMap;

/// What pallets that reward a run's data ask of the one that has accepted it.
pub trait Lineage<Account> {
    /// Why it cannot be done. Nothing was changed then.
    type Error;

    /// The dataset in which the data under this root was accepted, and how many bytes it has; none if it was not.
    fn accepted(root: &Digest) -> Option<(DatasetId, u64)>;

    /// Moves `amount` of `from` into the pools of the datasets that `sources` are of, by [`divide`], and returns how much that was: nothing
    /// if none of them was accepted. The rest stays with `from`.
    ///
    /// # Errors
    /// If the account cannot pay and stay alive.
    fn reward(sources: &[Digest], from: &Account, amount: Balance) -> Result<Balance, Self::Error>;
}

/// What of `amount` each dataset gets, where so many bytes of a stream are from it: in proportion, rounded down. A dataset may be named
/// several times.
pub fn divide(
    amount: Balance,
    sources: impl IntoIterator<Item = (DatasetId, u64)>,
) -> BTreeMap<DatasetId, Balance> {
    let mut bytes = BTreeMap::<DatasetId, u128>::new();
    for (dataset, more) in sources {
        let sum = bytes.entry(dataset).or_default();
        *sum = sum.saturating_add(more.into());
    }
    let total = bytes.values().copied().fold(0u128, u128::saturating_add);
    // In two steps, so that no amount of a real token overflows.
    let (each, rest) = (amount.checked_div(total).unwrap_or(0), amount.checked_rem(total).unwrap_or(0));
    let part = |bytes: u128| {
        let rest = rest.saturating_mul(bytes).checked_div(total).unwrap_or(0);
        each.saturating_mul(bytes).saturating_add(rest)
    };
    bytes.into_iter().map(|(dataset, bytes)| (dataset, part(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_bytes() {
        let parts: Vec<_> = divide(100, [(4, 1), (2, 1), (4, 1)]).into_iter().collect();
        assert_eq!(parts, [(2, 33), (4, 66)]);
        assert!(divide(100, []).is_empty());
        assert_eq!(divide(100, [(1, 0)]).get(&1), Some(&0));
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_and_never_short_of_a_unit_each(
            amount in 0u128..1 << 90,
            sources in proptest::collection::vec((0u32..4, 1u64..1 << 36), 1..16),
        ) {
            let parts = divide(amount, sources.clone());
            let sum: u128 = parts.values().sum();
            prop_assert!(sum <= amount && amount - sum < 4);
            // Against the definition, in another order of steps.
            let total: u128 = sources.iter().map(|(_, bytes)| u128::from(*bytes)).sum();
            for (dataset, part) in parts {
                let bytes: u128 =
                    sources.iter().filter(|(of, _)| *of == dataset).map(|(_, bytes)| u128::from(*bytes)).sum();
                let (low, high) = (crate::wide::Wide::new(part).times_wide(total), part + 1);
                let exact = crate::wide::Wide::new(amount).times_wide(bytes);
                prop_assert!(low <= exact && exact < crate::wide::Wide::new(high).times_wide(total));
            }
        }
    }
}

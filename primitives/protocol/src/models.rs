//! Models: their licences, and how a payment for one is split.

use crate::{Balance, allocation::fraction::mul_div};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A model on the chain.
pub type ModelId = u32;

/// A licence under which anybody may use, change and share a model, for any purpose. What is not here is not open: there is no other.
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
pub enum Licence {
    /// Apache-2.0.
    Apache2,
    /// MIT.
    Mit,
    /// BSD-3-Clause.
    Bsd3,
    /// CC0-1.0: no rights reserved.
    Cc0,
    /// CC-BY-4.0.
    CcBy4,
    /// CC-BY-SA-4.0: what is made of it is under the same licence.
    CcBySa4,
}

impl Licence {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Apache2, Self::Mit, Self::Bsd3, Self::Cc0, Self::CcBy4, Self::CcBySa4];

    /// The identifier of the SPDX list.
    pub const fn spdx(self) -> &'static str {
        match self {
            Self::Apache2 => "Apache-2.0",
            Self::Mit => "MIT",
            Self::Bsd3 => "BSD-3-Clause",
            Self::Cc0 => "CC0-1.0",
            Self::CcBy4 => "CC-BY-4.0",
            Self::CcBySa4 => "CC-BY-SA-4.0",
        }
    }

    /// Whether a model under `self` may be made of one under `parent`: nobody can take the obligation to share alike away.
    pub const fn may_follow(self, parent: Self) -> bool {
        !matches!(parent, Self::CcBySa4) || matches!(self, Self::CcBySa4)
    }
}

/// A hundred per cent, in the unit of [`Table`].
pub const WHOLE: u16 = 10_000;

/// Who has which part of what is paid for a model, in ten-thousandths. The treasury has the rest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Table {
    /// Those whose data it was trained on.
    pub data: u16,
    /// Those who trained it.
    pub compute: u16,
    /// Those who paid for that.
    pub backers: u16,
    /// The models that it began from.
    pub parents: u16,
}

/// A payment's parts, in units of 10^-12 SBH. They add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// For data.
    pub data: Balance,
    /// For compute.
    pub compute: Balance,
    /// For backers.
    pub backers: Balance,
    /// For parents.
    pub parents: Balance,
    /// For the treasury: its part, and what rounding leaves.
    pub treasury: Balance,
}

impl Table {
    /// Whether the parts are not more than the whole.
    pub fn is_sound(&self) -> bool {
        let Self { data, compute, backers, parents } = *self;
        let sum: u32 = [data, compute, backers, parents].into_iter().map(u32::from).sum();
        sum <= WHOLE.into()
    }

    /// Splits a payment. A table that is not sound gives nothing beyond the whole.
    pub fn split(&self, amount: Balance) -> Parts {
        let mut rest = amount;
        let mut take = |part: u16| {
            let part = mul_div(amount, part.into(), WHOLE.into()).unwrap_or(0).min(rest);
            rest = rest.saturating_sub(part);
            part
        };
        let (data, compute) = (take(self.data), take(self.compute));
        let (backers, parents) = (take(self.backers), take(self.parents));
        Parts { data, compute, backers, parents, treasury: rest }
    }
}

/// A part of `amount` for `weight` of `all`, given that `before` weight was served: what is due to the first `before + weight`, less what was due
/// to the first `before`. So the parts of all add up to the amount.
pub fn part(amount: Balance, before: u128, weight: u128, all: u128) -> Balance {
    let due = |weight: u128| mul_div(amount, weight.min(all), all).unwrap_or(0);
    due(before.saturating_add(weight)).saturating_sub(due(before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_split_adds_up_to_the_payment(amount: Balance, data: u16, compute: u16, backers: u16, parents: u16) {
            let table = Table { data, compute, backers, parents };
            let parts = table.split(amount);
            let sum = [parts.data, parts.compute, parts.backers, parts.parents, parts.treasury];
            prop_assert_eq!(sum.into_iter().try_fold(0u128, u128::checked_add), Some(amount));
            if table.is_sound() {
                let exact = |part: u16| num_bigint::BigUint::from(amount) * part / WHOLE;
                prop_assert_eq!(num_bigint::BigUint::from(parts.data), exact(data));
                prop_assert_eq!(num_bigint::BigUint::from(parts.parents), exact(parents));
            }
        }

        #[test]
        fn parts_by_weight_add_up_to_the_amount(amount: Balance, weights in prop::collection::vec(0u128..1 << 64, 1..17)) {
            let all: u128 = weights.iter().sum();
            prop_assume!(all > 0);
            let (mut before, mut sum) = (0, 0u128);
            for weight in weights {
                let given = part(amount, before, weight, all);
                let exact = num_bigint::BigUint::from(amount) * weight / all;
                prop_assert!(num_bigint::BigUint::from(given) >= exact && num_bigint::BigUint::from(given) <= exact + 1u8);
                sum = sum.checked_add(given).expect("no more than there is");
                before += weight;
            }
            prop_assert_eq!(sum, amount);
        }
    }

    #[test]
    fn a_model_made_of_one_to_be_shared_alike_is_shared_alike() {
        assert!(Licence::CcBySa4.may_follow(Licence::CcBySa4) && !Licence::Mit.may_follow(Licence::CcBySa4));
        assert!(Licence::Mit.may_follow(Licence::Apache2) && Licence::CcBySa4.may_follow(Licence::Cc0));
    }

    #[test]
    fn nobody_has_part_of_nothing() {
        assert_eq!(part(7, 0, 1, 0), 0);
        let table = Table { data: 3_000, compute: 3_000, backers: 2_000, parents: 1_000 };
        assert!(table.is_sound() && !Table { parents: 2_001, ..table }.is_sound());
        let parts = table.split(1_001);
        assert_eq!((parts.data, parts.compute, parts.backers, parts.parents), (300, 300, 200, 100));
        assert_eq!(parts.treasury, 101);
    }
}

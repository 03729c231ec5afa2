//! The pot: one account that holds what is pledged and granted, and what moves in and out of it.

use frame_support::traits::{
    Get,
    fungible::{Inspect, Mutate},
    tokens::{Fortitude::Polite, Preservation::Preserve},
};
use sabha_protocol::{
    Balance,
    allocation::{Campaign, Stage},
};
use sp_runtime::{DispatchResult, traits::AccountIdConversion};

use crate::{Asked, Config, Matching, Pallet};

impl<T: Config> Pallet<T> {
    /// The pot's account. It must be endowed with the existential deposit at genesis.
    pub fn account_id() -> T::AccountId {
        <T as Config>::PalletId::get().into_account_truncating()
    }

    /// Moves an amount, if there is any. The paying account stays alive.
    pub(crate) fn transfer(from: &T::AccountId, to: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount == 0 {
            return Ok(());
        }
        T::Currency::transfer(from, to, amount, Preserve).map(drop)
    }

    /// Gives back to the matching pot.
    pub(crate) fn restore(amount: Balance) -> DispatchResult {
        Self::transfer(&Self::account_id(), &T::MatchingPot::get(), amount)
    }

    /// What the matching pot can give.
    pub(crate) fn available() -> Balance {
        T::Currency::reducible_balance(&T::MatchingPot::get(), Preserve, Polite)
    }

    /// What the matching pot adds to a campaign, as things are.
    pub(crate) fn matched(campaign: &Campaign) -> Balance {
        Matching::<T>::get().matched(Self::available(), Self::ideal(campaign), Asked::<T>::get())
    }

    /// What a campaign asks of the matching pot: nothing any more when it is settled.
    pub(crate) fn ideal(campaign: &Campaign) -> Balance {
        match campaign.stage {
            Stage::Funding { .. } | Stage::Counting { .. } => campaign.support.ideal(),
            Stage::Running | Stage::Over { .. } => 0,
        }
    }

    /// Notes what a campaign asks for, that was `before`.
    pub(crate) fn note_asked(before: &Campaign, now: &Campaign) {
        let (before, now) = (Self::ideal(before), Self::ideal(now));
        if before != now {
            Asked::<T>::mutate(|all| *all = all.saturating_sub(before).saturating_add(now));
        }
    }
}

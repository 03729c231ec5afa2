//! What time makes due for a claim, one step a poke.

use frame_support::{traits::Get, weights::Weight};
use sabha_protocol::datasets::{
    ClaimId, Due, MAX_SHARDS, Ruling, Stage, due,
    panel::{another_panel, decide, quorum},
};
use sp_arithmetic::traits::SaturatedConversion;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{ClaimOf, Claims, Config, Error, Event, Pallet, WeightInfo};

/// The most that a poke can weigh.
pub(crate) fn most<T: Config>() -> Weight {
    T::WeightInfo::poke_draw()
        .max(T::WeightInfo::poke_next_panel())
        .max(T::WeightInfo::poke_settle(MAX_SHARDS))
        .max(T::WeightInfo::poke_stand())
        .max(T::WeightInfo::withdraw_claim(MAX_SHARDS))
}

impl<T: Config> Pallet<T> {
    /// What is due for a claim now.
    pub(crate) fn due_now(claim: &ClaimOf<T>) -> Option<Due> {
        due(&claim.stage, &claim.panel, claim.seats, T::ActiveBlocks::get(), T::Session::get())
    }

    /// Does what is due, or what else can be done, and says what it weighed.
    pub(crate) fn do_poke(by: &T::AccountId, id: ClaimId) -> Result<Weight, DispatchError> {
        let claim = Self::claim_of(id)?;
        let Some(due) = Self::due_now(&claim) else {
            // Of the same records, and without a slash.
            return Self::go_on(by, id, claim).map(|()| T::WeightInfo::poke_stand());
        };
        match due {
            Due::Expire => Self::give_up(id, &claim).map(T::WeightInfo::withdraw_claim),
            Due::Draw => Self::draw_panel(id, claim).map(|()| T::WeightInfo::poke_draw()),
            Due::Freeze => {
                Self::freeze(id, claim);
                Ok(T::WeightInfo::poke_draw())
            }
            Due::Reveal => {
                Self::ask_for_votes(id, claim);
                Ok(T::WeightInfo::poke_draw())
            }
            Due::Decide => Self::conclude(id, claim).map(|()| T::WeightInfo::poke_next_panel()),
            Due::Stand => Self::stand(id, claim).map(|()| T::WeightInfo::poke_stand()),
            Due::Settle => Self::settle(id, claim).map(T::WeightInfo::poke_settle),
        }
    }

    /// Freezes the set of curators as it is before this session.
    fn freeze(id: ClaimId, mut claim: ClaimOf<T>) {
        claim.stage = Stage::Drawing { frozen: T::Session::get() };
        Claims::<T>::insert(id, claim);
    }

    fn draw_panel(id: ClaimId, mut claim: ClaimOf<T>) -> DispatchResult {
        let Stage::Drawing { frozen } = claim.stage else { return Err(Error::<T>::WrongStage.into()) };
        match Self::draw(id, &claim, frozen) {
            // The session's word was lost: no block was made in its first slots, say.
            None => Self::freeze(id, claim),
            Some(panel) if panel.len() < usize::from(quorum(claim.seats)) => Self::fail_panel(id, claim),
            Some(panel) => {
                let until = T::ActiveBlocks::get().saturating_add(T::VoteSeals::get().saturated_into());
                Self::seat(id, &mut claim, panel, until);
                Claims::<T>::insert(id, claim);
            }
        }
        Ok(())
    }

    fn ask_for_votes(id: ClaimId, mut claim: ClaimOf<T>) {
        let until = T::ActiveBlocks::get().saturating_add(Self::availability());
        claim.stage = Stage::Revealing { until };
        Claims::<T>::insert(id, claim);
        Self::deposit_event(Event::VotesDue { claim: id, until });
    }

    /// The panel has decided, or is dismissed.
    fn conclude(id: ClaimId, mut claim: ClaimOf<T>) -> DispatchResult {
        match decide(&claim.panel, claim.seats) {
            Some(vote) => {
                Self::judge(id, &mut claim, Ruling::Panel(vote));
                Claims::<T>::insert(id, claim);
            }
            None => {
                let asked = matches!(claim.stage, Stage::Revealing { .. });
                Self::settle_panel(&mut claim, None, asked)?;
                Self::fail_panel(id, claim);
            }
        }
        Ok(())
    }

    /// On to the next panel, or to no ruling at all.
    fn fail_panel(id: ClaimId, mut claim: ClaimOf<T>) {
        Self::deposit_event(Event::PanelFailed { claim: id, panel: claim.panels });
        claim.panels = claim.panels.saturating_add(1);
        if another_panel(claim.panels) {
            return Self::freeze(id, claim);
        }
        Self::judge(id, &mut claim, Ruling::None);
        Claims::<T>::insert(id, claim);
    }

    fn judge(id: ClaimId, claim: &mut ClaimOf<T>, ruling: Ruling) {
        let until = T::ActiveBlocks::get().saturating_add(T::Retention::get().saturated_into());
        claim.stage = Stage::Judged { ruling, until, last: false };
        Self::deposit_event(Event::ClaimJudged { claim: id, ruling, until });
    }

    /// The arbiter did not decide: it is as if nobody had appealed. Otherwise a claimant who appeals itself could withdraw its data
    /// early, and keep others from appealing. An appeal in the retention's first block ends within it: `Timing` sees to that. While a
    /// later one is open, others can still have the arbiter decide.
    fn stand(id: ClaimId, mut claim: ClaimOf<T>) -> DispatchResult {
        let Stage::Appealed { ruling, retention, .. } = claim.stage else {
            return Err(Error::<T>::WrongStage.into());
        };
        claim.stage = Stage::Judged { ruling, until: retention, last: false };
        Self::end_appeal(id, &mut claim, ruling)?;
        Claims::<T>::insert(id, claim);
        Ok(())
    }
}

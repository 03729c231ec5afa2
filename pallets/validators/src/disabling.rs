//! Which offenders stop authoring at once.

use alloc::vec::Vec;

use pallet_session::disabling::{
    DisablingDecision, DisablingStrategy, UpToLimitWithReEnablingDisablingStrategy as UpToAThird,
};
use sp_staking::offence::OffenceSeverity;

/// Disables up to a third of the seated validators, the gravest offenders first, and always one of two or three.
///
/// The third is a guard against a fault that makes honest nodes equivocate: the rest keep the chain going. Taken
/// strictly it would leave the equivocator of a set of two or three at work. Only authoring is at stake: a disabled
/// validator's slots stay empty, or go to a secondary author, and finality does not ask who is disabled.
pub struct DisableOffenders;

impl<T: pallet_session::Config> DisablingStrategy<T> for DisableOffenders {
    fn decision(
        offender: &T::ValidatorId,
        severity: OffenceSeverity,
        disabled: &Vec<(u32, OffenceSeverity)>,
    ) -> DisablingDecision {
        let seated = pallet_session::Validators::<T>::get();
        if disabled.is_empty() && matches!(seated.len(), 2 | 3) {
            let index = seated.iter().position(|who| who == offender);
            return DisablingDecision {
                disable: index.and_then(|index| index.try_into().ok()),
                reenable: None,
            };
        }
        <UpToAThird<3> as DisablingStrategy<T>>::decision(offender, severity, disabled)
    }
}

//! What happens to those who are reported.

use frame_support::weights::Weight;
use pallet_session::historical::IdentificationTuple;
use sp_runtime::Perbill;
use sp_staking::{
    SessionIndex,
    offence::{OffenceDetails, OffenceSeverity, OnOffenceHandler},
};

use crate::{Config, DropRecord, Dropped, Event, ForgivenUpTo, Pallet, Validators, WeightInfo};

impl<T: Config> OnOffenceHandler<T::AccountId, IdentificationTuple<T>, Weight> for Pallet<T> {
    /// Disable and drop the offenders. Called again with earlier offenders when another one of the same slot or round
    /// is reported, so that it must not matter how often one is named.
    fn on_offence(
        offenders: &[OffenceDetails<T::AccountId, IdentificationTuple<T>>],
        slash_fractions: &[Perbill],
        session: SessionIndex,
    ) -> Weight {
        let now = pallet_session::CurrentIndex::<T>::get();
        let too_old = session < Self::first_reportable(now);
        for (details, severity) in offenders.iter().zip(slash_fractions) {
            let (who, ()) = &details.offender;
            if too_old {
                Self::deposit_event(Event::ReportTooOld { who: who.clone(), session });
            } else if ForgivenUpTo::<T>::get(who).is_none_or(|forgiven| forgiven < session) {
                Self::punish(who, *severity, session, now);
            }
        }
        <T as Config>::WeightInfo::on_offence(offenders.len().try_into().unwrap_or(u32::MAX))
    }
}

impl<T: Config> Pallet<T> {
    /// Disable `who` for as long as it is seated, and drop it unless it is the last one fit.
    fn punish(who: &T::AccountId, severity: Perbill, session: SessionIndex, now: SessionIndex) {
        pallet_session::Pallet::<T>::report_offence(who.clone(), OffenceSeverity(severity));

        if let Some(mut record) = Dropped::<T>::get(who) {
            record.offence_session = record.offence_session.max(session);
            record.severity = record.severity.max(severity);
            record.dropped_in = record.dropped_in.max(record.offence_session);
            Dropped::<T>::insert(who, record);
            return;
        }

        let validators = Validators::<T>::get();
        if validators.contains(who) && !validators.iter().any(|other| other != who && Self::is_fit(other)) {
            Self::deposit_event(Event::KeptAsLast { who: who.clone(), session });
        } else if validators.contains(who) || Self::is_seated_or_planned(who) {
            let record = DropRecord { offence_session: session, dropped_in: now, severity };
            Dropped::<T>::insert(who, record);
            Self::deposit_event(Event::Dropped { who: who.clone(), session, severity });
        }
    }
}

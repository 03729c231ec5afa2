//! What pallet-session asks at each session change.
//!
//! Order of its calls when session `n` begins: `end_session(n - 1)`, `start_session(n)`, `new_session(n + 1)`.

use alloc::vec::Vec;

use pallet_session::{
    SessionInterface,
    historical::{self, StoredRange},
};
use sp_staking::{SessionIndex, offence::OffenceSeverity};

use crate::{Config, Dropped, Event, Identification, Pallet, Validators};

/// The most historical roots pruned at one session change. One falls due per session; more only after governance
/// shortened the time for reports.
const MAX_PRUNED_AT_ONCE: SessionIndex = 32;

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
    fn new_session(_planned: SessionIndex) -> Option<Vec<T::AccountId>> {
        Some(Self::plan())
    }

    fn end_session(_ended: SessionIndex) {
        Self::forget_unseated();
    }

    fn start_session(started: SessionIndex) {
        Self::disable_dropped();
        Self::prune_roots(started);
    }
}

impl<T: Config> historical::SessionManager<T::AccountId, Identification> for Pallet<T> {
    fn new_session(planned: SessionIndex) -> Option<Vec<(T::AccountId, Identification)>> {
        <Self as pallet_session::SessionManager<_>>::new_session(planned)
            .map(|validators| validators.into_iter().map(|who| (who, ())).collect())
    }

    fn end_session(ended: SessionIndex) {
        <Self as pallet_session::SessionManager<_>>::end_session(ended)
    }

    fn start_session(started: SessionIndex) {
        <Self as pallet_session::SessionManager<_>>::start_session(started)
    }
}

impl<T: Config> Pallet<T> {
    /// The validators of the session after the one that begins: all fit ones, or else whoever can go on.
    fn plan() -> Vec<T::AccountId> {
        let fit = Self::fit_validators();
        if !fit.is_empty() {
            return fit;
        }
        let seated = pallet_session::QueuedKeys::<T>::get();
        if seated.is_empty() {
            // Genesis of a chain whose keys are missing: pallet-session reports each.
            return Validators::<T>::get().into_inner();
        }
        let (standing, others): (Vec<_>, Vec<_>) = seated
            .into_iter()
            .partition(|(who, _)| Self::is_admitted(who) && !Dropped::<T>::contains_key(who));
        let kept = Self::keep(standing);
        if kept.is_empty() { Self::keep(others) } else { kept }
    }

    /// Those of `seated` that have session keys, after giving back the keys that they are seated with.
    fn keep(seated: Vec<(T::AccountId, T::Keys)>) -> Vec<T::AccountId> {
        seated
            .into_iter()
            .filter_map(|(who, keys)| {
                if !Self::has_keys(&who) {
                    // Fails if another account has taken over one of the keys; then the seat is lost.
                    <pallet_session::Pallet<T> as SessionInterface>::set_keys(&who, keys).ok()?;
                    Self::deposit_event(Event::KeysRestored { who: who.clone() });
                }
                Some(who)
            })
            .collect()
    }

    /// Disable the dropped validators that are seated in the session that begins: pallet-session enables everybody
    /// when a set is replaced, and the set of this session was planned before their offence.
    fn disable_dropped() {
        for who in pallet_session::Validators::<T>::get() {
            if let Some(record) = Dropped::<T>::get(&who) {
                pallet_session::Pallet::<T>::report_offence(who, OffenceSeverity(record.severity));
            }
        }
    }

    /// Delete the records of validators that lose their seat now and were removed before.
    fn forget_unseated() {
        let validators = Validators::<T>::get();
        let next = pallet_session::QueuedKeys::<T>::get();
        for who in pallet_session::Validators::<T>::get() {
            if !validators.contains(&who) && !next.iter().any(|(seated, _)| *seated == who) {
                Dropped::<T>::remove(&who);
            }
        }
    }

    /// Delete the historical roots of sessions whose offences cannot be reported any more.
    fn prune_roots(now: SessionIndex) {
        let Some((first, _)) = StoredRange::<T>::get() else { return };
        let up_to = Self::first_reportable(now).min(first.saturating_add(MAX_PRUNED_AT_ONCE));
        if up_to > first {
            historical::Pallet::<T>::prune_up_to(up_to);
        }
    }
}

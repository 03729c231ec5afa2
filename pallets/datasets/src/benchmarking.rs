//! Benchmarks of every call and of every step that a poke can make, at its worst: full panels of curators with as many tickets as they can
//! have, as many shards as a claim can have.

use alloc::vec::Vec;

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{Consideration, EnsureOrigin, Footprint, Get, fungible::Mutate},
};
use frame_system::RawOrigin;
use sabha_protocol::{
    ActiveBlock, Balance, Digest, Session,
    datasets::{
        ClaimId, Content, DatasetId, MAX_PANEL, MAX_SHARDS, Modality, SHARD_BYTES, SeatState, Stage, Unit,
        Vote, claim, vote, words,
    },
    defaults::{DRAW_LAG, TICKETS},
    draw::Word,
    pool::{PoolId, RewardPools},
};
use sp_arithmetic::traits::SaturatedConversion;

use crate::*;

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper {
    /// Turn the protocol's clock.
    fn set_active_blocks(now: u32);
    /// Make it this session. The protocol's clock may turn with it.
    fn set_session(session: u32);
    /// Let a session have this word.
    fn set_word(session: u32, word: Word);
}

const SALT: [u8; 32] = [9; 32];
/// The session that claims are told in.
const TOLD_IN: Session = 10;

fn rich<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who: T::AccountId = account(name, index, 0);
    let _ = T::Currency::mint_into(&who, T::MinStake::get().saturating_mul(1_000));
    T::Consideration::ensure_successful(&who, Footprint::from_parts(10, 200_000));
    who
}

fn arbiter<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::ArbiterOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

fn filled<S: Get<u32>>(byte: u8) -> BoundedVec<u8, S> {
    BoundedVec::truncate_from(alloc::vec![byte; S::get() as usize])
}

/// The pool of curators, which genesis makes, and the pot.
fn pots<T: Config>() {
    let _ = T::Pools::create(PoolId::Curators);
    let _ = T::Currency::mint_into(&Pallet::<T>::account_id(), T::MinStake::get());
}

/// The last licence of a full list of the longest ones.
fn licence<T: Config>() -> Licence {
    let licence = |last: u8| {
        let mut text = alloc::vec![b'z'; words::LICENCE as usize];
        text.pop();
        text.push(last);
        Licence::truncate_from(text)
    };
    let mut list: Vec<Licence> =
        (1..MAX_LICENCES).map(|number| licence(b'0'.saturating_add(number as u8))).collect();
    list.push(licence(b'z'));
    Licences::<T>::put(BoundedVec::truncate_from(list));
    licence(b'z')
}

/// A dataset with the largest panel and enough money.
fn dataset<T: Config>() -> Result<DatasetId, BenchmarkError> {
    let id = poor_dataset::<T>()?;
    let donor = rich::<T>("donor", 0);
    Pallet::<T>::do_donate(donor, id, T::MinStake::get().saturating_mul(100))?;
    Ok(id)
}

/// A dataset with the largest panel and no money.
fn poor_dataset<T: Config>() -> Result<DatasetId, BenchmarkError> {
    pots::<T>();
    let owner = rich::<T>("owner", 0);
    let id = NextDataset::<T>::get();
    let licence = licence::<T>();
    Pallet::<T>::do_register_dataset(
        owner,
        filled(b't'),
        Modality::Text,
        BoundedVec::truncate_from(b"zh-Hant-TW".to_vec()),
        licence,
        Unit::Mebibyte,
        1,
        1,
        MAX_PANEL,
    )?;
    Ok(id)
}

fn shards(count: u32) -> Shards {
    BoundedVec::truncate_from((0..count).map(|index| Digest::of(&index.to_le_bytes())).collect())
}

fn locators() -> Locators {
    BoundedVec::truncate_from(alloc::vec![filled(b'l'); words::LOCATORS as usize])
}

/// A claim for a dataset that is old enough to be told.
fn committed<T: Config>(
    dataset: DatasetId,
    shards: &Shards,
) -> Result<(ClaimId, T::AccountId), BenchmarkError> {
    let claimant = rich::<T>("claimant", 0);
    let id = NextClaim::<T>::get();
    let root = Content { units: 1, bytes: 1, shards }.root();
    T::BenchmarkHelper::set_session(TOLD_IN);
    Pallet::<T>::do_commit_claim(claimant.clone(), dataset, claim::seal(dataset, &root, &SALT, &claimant))?;
    let Some(Claim { stage: Stage::Committed { since, .. }, .. }) = Claims::<T>::get(id) else {
        return Err(BenchmarkError::Stop("it is not committed"));
    };
    T::BenchmarkHelper::set_active_blocks(since.saturating_add(T::Availability::get().saturated_into()));
    Ok((id, claimant))
}

/// A claim that was told.
fn told<T: Config>(count: u32) -> Result<(ClaimId, T::AccountId), BenchmarkError> {
    told_for::<T>(dataset::<T>()?, count)
}

/// A claim for a dataset that was told.
fn told_for<T: Config>(dataset: DatasetId, count: u32) -> Result<(ClaimId, T::AccountId), BenchmarkError> {
    let shards = shards(count);
    let (id, claimant) = committed::<T>(dataset, &shards)?;
    let bytes = u64::from(count).saturating_mul(SHARD_BYTES);
    Pallet::<T>::do_reveal_claim(&claimant, id, count.into(), bytes, shards, locators(), &SALT)?;
    Ok((id, claimant))
}

/// So many curators with as many tickets as they can have.
fn curators<T: Config>(count: u32) -> Result<Vec<T::AccountId>, BenchmarkError> {
    let stake = T::MinStake::get().saturating_mul(TICKETS.into());
    (0..count)
        .map(|index| {
            let who = rich::<T>("curator", index);
            Pallet::<T>::do_register_curator(who.clone(), stake)?;
            Ok(who)
        })
        .collect()
}

/// A claim with a full panel, in this state; `fraction` is what all voted, but the last one, who voted for nothing.
fn seated<T: Config>(
    count: u32,
    state: impl Fn(u16) -> SeatState,
) -> Result<(ClaimId, Vec<T::AccountId>), BenchmarkError> {
    let panel = curators::<T>(MAX_PANEL.into())?;
    let (id, _) = told::<T>(count)?;
    for (place, who) in panel.iter().enumerate() {
        // Shares, which may be lost, and something owed.
        T::Pools::set_shares(PoolId::Curators, who, 7)?;
        let seat = sabha_protocol::datasets::Seat { curator: who.clone(), state: state(place as u16) };
        Claims::<T>::mutate(id, |claim| {
            if let Some(claim) = claim {
                let _ = claim.panel.try_push(seat);
            }
        });
        Curators::<T>::mutate(who, |curator| {
            if let Some(curator) = curator {
                curator.reserved = T::SeatStake::get();
            }
        });
    }
    Ok((id, panel))
}

fn now<T: Config>() -> ActiveBlock {
    T::ActiveBlocks::get()
}

fn stage<T: Config>(id: ClaimId, stage: Stage) {
    Claims::<T>::mutate(id, |claim| {
        if let Some(claim) = claim {
            claim.stage = stage;
        }
    });
}

const FALSE: Vote = Vote { fraction: 0, quality: 0 };
const TRUE: Vote = Vote { fraction: 10_000, quality: 100 };

/// Judged as false, appealed by somebody whose appeal is open.
fn appealed<T: Config>(id: ClaimId) -> Result<T::AccountId, BenchmarkError> {
    let appellant = rich::<T>("appellant", 0);
    let ruling = sabha_protocol::datasets::Ruling::Panel(FALSE);
    stage::<T>(id, Stage::Judged { ruling, until: now::<T>(), last: false });
    Pallet::<T>::do_appeal(appellant.clone(), id)?;
    Ok(appellant)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register_dataset() {
        pots::<T>();
        let (owner, licence) = (rich::<T>("owner", 0), licence::<T>());
        let language = BoundedVec::truncate_from(b"sl-rozaj-biske-1994".to_vec());

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner),
            filled(b't'),
            Modality::Text,
            language,
            licence,
            Unit::Item,
            1,
            1,
            MAX_PANEL,
        );

        assert_eq!(NextDataset::<T>::get(), 1);
    }

    #[benchmark]
    fn close_dataset() -> Result<(), BenchmarkError> {
        let id = dataset::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(account::<T::AccountId>("owner", 0, 0)), id);

        assert!(!Datasets::<T>::contains_key(id));
        Ok(())
    }

    #[benchmark]
    fn donate() -> Result<(), BenchmarkError> {
        let (id, donor) = (dataset::<T>()?, rich::<T>("donor", 1));
        let before = Allotted::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(donor), id, T::MinStake::get());

        assert!(Allotted::<T>::get() > before);
        Ok(())
    }

    #[benchmark]
    fn allot() -> Result<(), BenchmarkError> {
        let (id, origin) = (dataset::<T>()?, arbiter::<T>()?);
        let amount: Balance = Pallet::<T>::unallotted_now();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id, amount);

        assert_eq!(Pallet::<T>::unallotted_now(), 0);
        Ok(())
    }

    #[benchmark]
    fn set_licence() -> Result<(), BenchmarkError> {
        let (licence, origin) = (licence::<T>(), arbiter::<T>()?);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, licence.clone(), false);

        assert!(!Licences::<T>::get().contains(&licence));
        Ok(())
    }

    #[benchmark]
    fn commit_claim() -> Result<(), BenchmarkError> {
        let (id, claimant) = (dataset::<T>()?, rich::<T>("claimant", 0));

        #[extrinsic_call]
        _(RawOrigin::Signed(claimant), id, Digest::default());

        assert!(Claims::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn reveal_claim(s: Linear<1, MAX_SHARDS>) -> Result<(), BenchmarkError> {
        let shards = shards(s);
        let (id, claimant) = committed::<T>(dataset::<T>()?, &shards)?;
        let bytes = u64::from(s).saturating_mul(SHARD_BYTES);

        #[extrinsic_call]
        _(RawOrigin::Signed(claimant), id, s.into(), bytes, shards, locators(), SALT);

        assert!(ClaimShards::<T>::contains_key(id));
        Ok(())
    }

    /// The last of a dataset that is closed, told although the budget did not cover it.
    #[benchmark]
    fn withdraw_claim(s: Linear<1, MAX_SHARDS>) -> Result<(), BenchmarkError> {
        let (id, claimant) = told_for::<T>(poor_dataset::<T>()?, s)?;
        Pallet::<T>::do_close_dataset(0, None)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(claimant), id);

        assert!(!Claims::<T>::contains_key(id) && !ClaimShards::<T>::contains_key(id));
        Ok(())
    }

    /// The last seats look at many tickets of curators who have one already.
    #[benchmark]
    fn poke_draw() -> Result<(), BenchmarkError> {
        T::BenchmarkHelper::set_session(TOLD_IN.saturating_sub(2));
        curators::<T>(MAX_PANEL.into())?;
        let (id, _) = told::<T>(1)?;
        let caller = rich::<T>("caller", 0);
        let drawn_in = TOLD_IN.saturating_add(DRAW_LAG);
        T::BenchmarkHelper::set_session(drawn_in);
        T::BenchmarkHelper::set_word(drawn_in, [7; 32]);

        #[extrinsic_call]
        poke(RawOrigin::Signed(caller), id);

        assert!(Claims::<T>::get(id).is_some_and(|claim| claim.panel.len() > usize::from(MAX_PANEL / 2)));
        Ok(())
    }

    /// All but a few were silent.
    #[benchmark]
    fn poke_next_panel() -> Result<(), BenchmarkError> {
        let quiet = |place| if place < 7 { SeatState::Revealed(TRUE) } else { SeatState::Drawn };
        let (id, _) = seated::<T>(1, quiet)?;
        stage::<T>(id, Stage::Revealing { until: 0 });
        let caller = rich::<T>("caller", 0);

        #[extrinsic_call]
        poke(RawOrigin::Signed(caller), id);

        assert!(matches!(Claims::<T>::get(id), Some(Claim { stage: Stage::Drawing { .. }, .. })));
        Ok(())
    }

    /// The arbiter rejects a claim that some of the panel had accepted, on somebody's appeal.
    #[benchmark]
    fn poke_settle(s: Linear<1, MAX_SHARDS>) -> Result<(), BenchmarkError> {
        let mixed = |place| SeatState::Revealed(if place < 7 { TRUE } else { FALSE });
        let (id, _) = seated::<T>(s, mixed)?;
        let appellant = rich::<T>("appellant", 0);
        let ruling = sabha_protocol::datasets::Ruling::Panel(TRUE);
        stage::<T>(id, Stage::Judged { ruling, until: now::<T>(), last: false });
        Pallet::<T>::do_appeal(appellant, id)?;
        Pallet::<T>::do_arbitrate(id, FALSE, true)?;
        let caller = rich::<T>("caller", 0);

        #[extrinsic_call]
        poke(RawOrigin::Signed(caller), id);

        assert!(!Claims::<T>::contains_key(id) && !ClaimShards::<T>::contains_key(id));
        Ok(())
    }

    #[benchmark]
    fn poke_stand() -> Result<(), BenchmarkError> {
        let (id, _) = seated::<T>(1, |_| SeatState::Revealed(FALSE))?;
        appealed::<T>(id)?;
        let ruling = sabha_protocol::datasets::Ruling::Panel(FALSE);
        stage::<T>(id, Stage::Appealed { ruling, until: 0, retention: 0 });
        let caller = rich::<T>("caller", 0);

        #[extrinsic_call]
        poke(RawOrigin::Signed(caller), id);

        assert!(Claims::<T>::get(id).is_some_and(|claim| claim.appeal.is_none()));
        Ok(())
    }

    #[benchmark]
    fn register_curator() {
        let curator = rich::<T>("curator", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(curator.clone()), T::MinStake::get().saturating_mul(TICKETS.into()));

        assert!(Curators::<T>::get(curator).is_some_and(|curator| curator.tickets == TICKETS));
    }

    /// From one ticket to all.
    #[benchmark]
    fn add_curator_stake() -> Result<(), BenchmarkError> {
        let curator = rich::<T>("curator", 0);
        Pallet::<T>::do_register_curator(curator.clone(), T::MinStake::get())?;

        #[extrinsic_call]
        _(RawOrigin::Signed(curator.clone()), T::MinStake::get().saturating_mul(TICKETS.into()));

        assert!(Curators::<T>::get(curator).is_some_and(|curator| curator.tickets == TICKETS));
        Ok(())
    }

    /// Into the places of tickets that left long ago.
    #[benchmark]
    fn ready_curator() -> Result<(), BenchmarkError> {
        T::BenchmarkHelper::set_session(1);
        let all = curators::<T>(1)?;
        let Some(curator) = all.first().cloned() else { return Err(BenchmarkError::Stop("nobody")) };
        Pallet::<T>::do_drain_curator(&curator, curator.clone())?;
        T::BenchmarkHelper::set_session(20);

        #[extrinsic_call]
        _(RawOrigin::Signed(curator.clone()));

        assert!(Curators::<T>::get(curator).is_some_and(|curator| curator.tickets == TICKETS));
        Ok(())
    }

    #[benchmark]
    fn drain_curator() -> Result<(), BenchmarkError> {
        pots::<T>();
        let all = curators::<T>(2)?;
        let Some(curator) = all.first().cloned() else { return Err(BenchmarkError::Stop("nobody")) };
        T::Pools::set_shares(PoolId::Curators, &curator, 7)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(curator.clone()), curator.clone());

        assert!(Curators::<T>::get(curator).is_some_and(|curator| curator.tickets == 0));
        Ok(())
    }

    #[benchmark]
    fn withdraw_curator() -> Result<(), BenchmarkError> {
        pots::<T>();
        T::BenchmarkHelper::set_session(1);
        let all = curators::<T>(1)?;
        let Some(curator) = all.first().cloned() else { return Err(BenchmarkError::Stop("nobody")) };
        Pallet::<T>::do_drain_curator(&curator, curator.clone())?;
        T::BenchmarkHelper::set_session(1_000_000);
        T::BenchmarkHelper::set_active_blocks(u32::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(curator.clone()));

        assert!(!Curators::<T>::contains_key(curator));
        Ok(())
    }

    #[benchmark]
    fn seal_vote() -> Result<(), BenchmarkError> {
        let (id, panel) = seated::<T>(1, |_| SeatState::Drawn)?;
        stage::<T>(id, Stage::Sealing { until: now::<T>() });
        let Some(who) = panel.last().cloned() else { return Err(BenchmarkError::Stop("nobody")) };

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, Digest::default());

        let sealed = |seat: &sabha_protocol::datasets::Seat<_>| matches!(seat.state, SeatState::Sealed(_));
        assert!(Claims::<T>::get(id).is_some_and(|claim| claim.panel.iter().any(sealed)));
        Ok(())
    }

    #[benchmark]
    fn reveal_vote() -> Result<(), BenchmarkError> {
        let who: T::AccountId = account("curator", u32::from(MAX_PANEL).saturating_sub(1), 0);
        let seal = vote::seal(0, 0, &TRUE, &SALT, &who);
        let (id, _) = seated::<T>(1, |_| SeatState::Sealed(seal))?;
        stage::<T>(id, Stage::Revealing { until: now::<T>() });

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, TRUE, SALT);

        assert!(
            Claims::<T>::get(id).is_some_and(|claim| claim.panel.iter().any(|seat| seat.vote().is_some()))
        );
        Ok(())
    }

    #[benchmark]
    fn appeal() -> Result<(), BenchmarkError> {
        let (id, _) = seated::<T>(1, |_| SeatState::Revealed(FALSE))?;
        let ruling = sabha_protocol::datasets::Ruling::Panel(FALSE);
        stage::<T>(id, Stage::Judged { ruling, until: now::<T>(), last: false });
        let appellant = rich::<T>("appellant", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(appellant), id);

        assert!(Claims::<T>::get(id).is_some_and(|claim| claim.appeal.is_some()));
        Ok(())
    }

    /// In vain.
    #[benchmark]
    fn arbitrate() -> Result<(), BenchmarkError> {
        let (id, _) = seated::<T>(1, |_| SeatState::Revealed(FALSE))?;
        appealed::<T>(id)?;
        let origin = arbiter::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id, FALSE, true);

        assert!(Claims::<T>::get(id).is_some_and(|claim| claim.appeal.is_none()));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}

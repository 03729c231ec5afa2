//! Benchmarks of every call and of every step of the hook, in its worst case.

mod crowd;
mod setup;

use frame_benchmarking::v2::*;
use frame_support::{
    traits::{
        Get,
        fungible::{Inspect, Mutate},
    },
    weights::{Weight, WeightMeter},
};
use frame_system::RawOrigin;
use sabha_protocol::{
    Digest,
    audit::{Audits, SeatState, answer, seal as seal_of},
    defaults::{RETAINED, TICKETS},
    money,
    round::{Checkpoint, Claim, Fault, Phase, Progress, Terms},
    spec::limits,
};
use sp_arithmetic::traits::SaturatedConversion;

pub use setup::BenchmarkHelper;

use crate::*;
use setup::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let owner = rich::<T>("owner", 0);
        let (hot_key, stake) = (hot_key::<T>(0), T::MinStake::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), hot_key, owner.clone(), Device::Cuda, 1, endpoint::<T>(), stake);

        assert!(Workers::<T>::contains_key(owner));
    }

    #[benchmark]
    fn update_worker() -> Result<(), BenchmarkError> {
        let owner = worker::<T>(0, 1)?;
        let hot = hot_key::<T>(9);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner.clone()),
            Some(hot.clone()),
            Some(owner.clone()),
            Some(Device::Cpu),
            Some(2),
            Some(endpoint::<T>()),
        );

        assert_eq!(HotKeys::<T>::get(hot), Some(owner));
        Ok(())
    }

    #[benchmark]
    fn add_stake() -> Result<(), BenchmarkError> {
        let owner = worker::<T>(0, 1)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let amount = T::MinStake::get().saturating_mul(TICKETS.into());

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), amount);

        assert_eq!(Workers::<T>::get(owner).map(|worker| worker.tickets), Some(TICKETS));
        Ok(())
    }

    /// The tickets take over entries that others have left.
    #[benchmark]
    fn ready() -> Result<(), BenchmarkError> {
        let owner = ready_worker::<T>()?;
        Pallet::<T>::do_drain(owner.clone())?;
        pass_sessions::<T>(T::Session::get().saturating_add(RETAINED).saturating_add(2));

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)));

        assert_eq!(TicketHead::<T>::get().live, u32::from(TICKETS) + 1);
        Ok(())
    }

    #[benchmark]
    fn drain() -> Result<(), BenchmarkError> {
        ready_worker::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)));

        assert_eq!(TicketHead::<T>::get().live, 1);
        Ok(())
    }

    #[benchmark]
    fn unbond() -> Result<(), BenchmarkError> {
        let owner = ready_worker::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner));

        assert_eq!(TicketHead::<T>::get().live, 1);
        Ok(())
    }

    #[benchmark]
    fn withdraw() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, 1)?;
        // Owed something: it is paid to an account that does not exist yet. And with a reputation that stays.
        let owed = T::Currency::minimum_balance();
        T::Currency::mint_into(&Pallet::<T>::account_id(), owed)?;
        Workers::<T>::mutate(&owner, |worker| {
            if let Some(worker) = worker {
                worker.owed = owed;
                worker.reputation = worker.reputation.observe(false);
            }
        });
        Pallet::<T>::do_unbond(owner.clone())?;
        let until = Pallet::<T>::withdrawable_from(owner.clone()).unwrap_or(u32::MAX);
        T::BenchmarkHelper::set_active_blocks(until);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()));

        assert!(!Workers::<T>::contains_key(&owner) && Records::<T>::contains_key(owner));
        Ok(())
    }

    /// The last commitment of a round: it is due to be closed.
    #[benchmark]
    fn commit() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        assign::<T>(&scene, 0, &owner)?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), scene.id, ROUND, 0, 0, outcome());

        assert_eq!(round::<T>(&scene)?.committed.len(), 1);
        Ok(())
    }

    #[benchmark]
    fn report() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        let round = committed::<T>(&scene, &owner)?;
        attester::<T>(&scene, &owner);
        // The last one.
        let until = scene.now.saturating_add(scene.terms.clocks.availability);
        let (tried, seated) = (scene.terms.audit.attesters, 1);
        set_phase::<T>(&scene, Phase::Availability { panel: 0, tried, seated, reports: 0, until })?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), scene.id, ROUND, 0, round.committed);

        assert!(Attesters::<T>::get((scene.id, ROUND, 0, 0)).is_some_and(|a| a.report.is_some()));
        Ok(())
    }

    #[benchmark]
    fn post_root() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        committed::<T>(&scene, &owner)?;
        let until = scene.now.saturating_add(scene.terms.clocks.aggregation);
        set_phase::<T>(&scene, Phase::Aggregating { turn: 0, aggregator: Some(owner), until })?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);
        let checkpoint = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), scene.id, ROUND, checkpoint);

        assert!(round::<T>(&scene)?.result.is_some());
        Ok(())
    }

    #[benchmark]
    fn seal() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        committed::<T>(&scene, &owner)?;
        setup::seat::<T>(&scene, &owner, SeatState::Drawn, Audits::Sealing { until: u32::MAX })?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), scene.id, ROUND, 0, Digest([3; 32]));

        assert_eq!(round::<T>(&scene)?.sealed, 1);
        Ok(())
    }

    #[benchmark]
    fn publish(n: Linear<1, { limits::AUDIT.into() }>) -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        committed::<T>(&scene, &owner)?;
        Specs::<T>::mutate(scene.id, |spec| {
            if let Some(spec) = spec {
                spec.audit.segments = n.saturated_into();
            }
        });
        let scene = setup::scene::<T>(scene.id)?;
        setup::seat::<T>(&scene, &owner, SeatState::Drawn, Audits::Publishing { until: u32::MAX })?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);
        let leaves = leaves::<T>(&scene)?;
        assert_eq!(leaves.len(), n as usize);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), scene.id, ROUND, 0, leaves);

        assert!(round::<T>(&scene)?.unanswered.is_empty());
        Ok(())
    }

    #[benchmark]
    fn reveal() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        committed::<T>(&scene, &owner)?;
        let (mine, salt) = (Digest([4; 32]), [5; 32]);
        let sealed = SeatState::Sealed(seal_of(&mine, &salt, &owner));
        setup::seat::<T>(&scene, &owner, sealed, Audits::Revealing { until: u32::MAX })?;
        change_slot::<T>(&scene, 0, |slot| slot.checks.answer = Some(answer::of_roots(&[])));
        Pallet::<T>::set_wake(scene.id, u32::MAX);

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), scene.id, ROUND, 0, mine, salt, true);

        assert_eq!(round::<T>(&scene)?.disagreements, 1);
        Ok(())
    }

    #[benchmark]
    fn pause_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let (origin, id) = (allocator::<T>()?, run::<T>(&spec::<T>(1))?);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id);

        assert!(Runs::<T>::get(id).is_some_and(|run| run.pause().is_some()));
        Ok(())
    }

    #[benchmark]
    fn resume_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let (origin, id) = (allocator::<T>()?, run::<T>(&spec::<T>(1))?);
        Pallet::<T>::do_pause_run(id)?;
        Pallet::<T>::set_wake(id, u32::MAX);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, id);

        assert!(Runs::<T>::get(id).is_some_and(|run| run.pause().is_none()));
        Ok(())
    }

    #[benchmark]
    fn stop_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let origin = allocator::<T>()?;
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(limits::SLOTS)?;
        assign::<T>(&scene, 0, &owner)?;
        Pallet::<T>::set_wake(scene.id, u32::MAX);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, scene.id);

        assert!(round::<T>(&scene)?.void.is_some());
        Ok(())
    }

    #[benchmark]
    fn top_up_run() -> Result<(), BenchmarkError> {
        endow::<T>();
        let id = run::<T>(&spec::<T>(1))?;
        Runs::<T>::mutate(id, |run| {
            if let Some(run) = run {
                run.progress.pause(sabha_protocol::round::Pause::Escrow);
            }
        });
        Pallet::<T>::set_wake(id, u32::MAX);
        let from = rich::<T>("sponsor", 1);
        let amount = T::Currency::minimum_balance();

        #[extrinsic_call]
        _(RawOrigin::Signed(from), id, amount);

        assert!(Runs::<T>::get(id).is_some_and(|run| run.pause().is_none()));
        Ok(())
    }

    #[benchmark]
    fn note_session() {
        pass_sessions::<T>(T::Session::get().saturating_add(RETAINED).saturating_add(1));
        fill_agenda::<T>(u32::MAX);
        T::BenchmarkHelper::set_session(T::Session::get().saturating_add(1));

        #[block]
        {
            Pallet::<T>::note_session();
        }

        assert!(Agenda::<T>::get().iter().all(|(_, wake)| *wake == 0));
    }

    /// Nothing is due.
    #[benchmark]
    fn agenda() {
        fill_agenda::<T>(u32::MAX);
        let mut meter = WeightMeter::with_limit(T::WeightInfo::agenda());

        #[block]
        {
            Pallet::<T>::work(&mut meter);
        }

        assert_eq!(NextTurn::<T>::get(), 1);
    }

    /// The turn of a run that no step is left for.
    #[benchmark]
    fn turn() -> Result<(), BenchmarkError> {
        endow::<T>();
        let id = run::<T>(&spec::<T>(1))?;
        fill_agenda::<T>(0);
        let mut meter = WeightMeter::with_limit(Weight::MAX);

        #[block]
        {
            Pallet::<T>::advance(id, &mut meter, 0);
        }

        assert!(Passes::<T>::contains_key(id));
        Ok(())
    }

    /// A round of `n` slots is opened.
    #[benchmark]
    fn run_step(n: Linear<1, { limits::SLOTS.into() }>) -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner)?;
        let start = T::Session::get();
        pass_sessions::<T>(start.saturating_add(2));
        let mut spec = spec::<T>(n.saturated_into());
        spec.audit.auditors = limits::AUDIT.min(spec.rounds.slots.max(1));
        let id = run::<T>(&spec)?;
        Pallet::<T>::run_step(&scene::<T>(id)?)?;
        pass_sessions::<T>(start.saturating_add(5));
        let scene = scene::<T>(id)?;

        #[block]
        {
            Pallet::<T>::run_step(&scene)?;
        }

        assert_eq!(Slots::<T>::iter_prefix((id, ROUND)).count(), n as usize);
        Ok(())
    }

    /// A slot expires, and goes to the last candidate of its draw.
    #[benchmark]
    fn slot_step() -> Result<(), BenchmarkError> {
        endow::<T>();
        let fit = unwilling_crowd::<T>()?;
        let scene = opened::<T>(1)?;
        let late = worker::<T>(99, 1)?;
        assign::<T>(&scene, 0, &late)?;
        change_slot::<T>(&scene, 0, |slot| {
            if let sabha_protocol::round::SlotState::Assigned { until, .. } = &mut slot.state {
                *until = 0;
            }
        });
        // The clock is past it; the next generation's draw is from the latest set.
        T::BenchmarkHelper::set_active_blocks(scene.now.max(1));
        let scene = setup::scene::<T>(scene.id)?;
        let round = round::<T>(&scene)?;
        exhaust::<T>(round.slot_draw(&scene.terms, 0, 1, scene.session));

        #[block]
        {
            Pallet::<T>::slot_step(&scene, ROUND, 0)?;
        }

        assert_eq!(Slots::<T>::get((scene.id, ROUND, 0)).and_then(|slot| slot.worker().cloned()), Some(fit));
        Ok(())
    }

    /// The last place of a panel goes to the last candidate of its draw, none of the round's 256 workers.
    #[benchmark]
    fn round_step() -> Result<(), BenchmarkError> {
        endow::<T>();
        let fit = unwilling_crowd::<T>()?;
        let scene = opened::<T>(limits::SLOTS)?;
        let trained = worker::<T>(99, TICKETS)?;
        let mut round = committed::<T>(&scene, &trained)?;
        let last = scene.terms.audit.attesters.saturating_sub(1);
        if let Phase::Availability { tried, .. } = &mut round.phase {
            *tried = last;
        }
        Rounds::<T>::insert(scene.id, ROUND, &round);
        if let Some(draw) = round.attester_draw(&scene.terms, last, scene.session) {
            exhaust::<T>(draw);
        }

        #[block]
        {
            Pallet::<T>::round_step(&scene, ROUND)?;
        }

        assert!(Workers::<T>::get(fit).is_some_and(|worker| worker.attesting == 1));
        Ok(())
    }

    /// A seat that differed from a convicted slot: it is paid its price and its share of the slash.
    #[benchmark]
    fn settle_step() -> Result<(), BenchmarkError> {
        endow::<T>();
        let owner = worker::<T>(0, TICKETS)?;
        Pallet::<T>::do_ready(owner.clone())?;
        let scene = opened::<T>(1)?;
        committed::<T>(&scene, &owner)?;
        let differed = SeatState::Differed { unserved: false };
        setup::seat::<T>(&scene, &owner, differed, Audits::Done)?;
        set_phase::<T>(&scene, Phase::Voided)?;
        change_slot::<T>(&scene, 0, |slot| {
            slot.checks.revealed = 1;
            slot.checks.differed = 1;
            slot.checks.fault = Some(Fault::Convicted(Claim::Other));
        });
        let kept = money::split(scene.terms.stake).auditors;
        T::Currency::mint_into(&Pallet::<T>::account_id(), kept)?;
        Runs::<T>::mutate(scene.id, |run| {
            if let Some(run) = run {
                run.kept = kept;
            }
        });

        #[block]
        {
            Pallet::<T>::seat_step(&scene, ROUND, 0)?;
        }

        assert!(Seats::<T>::get((scene.id, ROUND, 0)).is_none());
        assert_eq!(Runs::<T>::get(scene.id).map(|run| run.kept), Some(0));
        Ok(())
    }

    /// The last ticket moves into an entry that another one left long ago.
    #[benchmark]
    fn compact() -> Result<(), BenchmarkError> {
        let gone = worker::<T>(0, 1)?;
        Pallet::<T>::do_ready(gone.clone())?;
        let last = worker::<T>(1, 1)?;
        Pallet::<T>::do_ready(last)?;
        pass_sessions::<T>(T::Session::get().saturating_add(2));
        Pallet::<T>::do_drain(gone)?;
        pass_sessions::<T>(T::Session::get().saturating_add(RETAINED).saturating_add(2));

        #[block]
        {
            Pallet::<T>::compact_tickets();
        }

        assert_eq!(TicketHead::<T>::get().tail, 1);
        Ok(())
    }

    /// No weight comes of it: it shows what a block of a crowded chain takes beside what its hook says that it weighs.
    #[benchmark(extra)]
    fn crowded_block(b: Linear<0, { crowd::LAST }>) -> Result<(), BenchmarkError> {
        crowd::gather::<T>()?;
        for block in 0..b {
            crowd::begin_block::<T>(block)?;
            crowd::hook::<T>();
        }
        crowd::begin_block::<T>(b)?;
        frame_system::Pallet::<T>::reset_events();
        let weight;

        #[block]
        {
            weight = crowd::hook::<T>();
        }

        crowd::tell(b, weight, crowd::reached::<T>());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}

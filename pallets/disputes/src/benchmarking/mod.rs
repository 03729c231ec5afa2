//! Benchmarks of every call and of the hook, in its worst case: with programs of as many instructions as a specification may have
//! (`limits::INSTRUCTIONS`), which an aggregation of as many updates as there can be comes to.

mod setup;

use alloc::boxed::Box;

use frame_benchmarking::v2::*;
use frame_system::RawOrigin;
use pallet_sabha_training::{Rounds, RunStatus, Runs, Slots, Specs};
use sabha_numerics::{Tree, program::Program};
use sabha_protocol::{
    Digest,
    datasets::{MAX_SHARDS, SHARD_BYTES},
    dispute::{Answer, Asked, Claim, Move, Part, Span, Stage as Position, shape::Node},
    programs,
    round::Fault,
    spec::limits,
};

use crate::{proofs, *};
use setup::*;

/// What benchmarks need from the runtime.
pub trait BenchmarkHelper {
    /// Data with this manifest root was accepted, and has so many bytes.
    fn accept(root: Digest, bytes: u64);
}

/// A part of an aggregation.
const AGGREGATION: Span = Span { part: Part::Aggregate, from: Digest([0; 32]), to: Digest([0; 32]) };

#[benchmarks]
mod benchmarks {
    use super::*;

    /// The largest program is built at once.
    #[benchmark]
    fn challenge() -> Result<(), BenchmarkError> {
        let id = window::<T>(limits::SLOTS)?;
        let who = rich::<T>("challenger", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, ROUND, Target::Aggregation, Claim::Aggregate);

        assert!(Games::<T>::contains_key(0));
        Ok(())
    }

    #[benchmark]
    fn name_claim() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        let (game, _) = disagreement::<T>(id)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(1)), game, Claim::Segment(0));

        assert!(matches!(Games::<T>::get(game), Some(Dispute { stage: Stage::Playing(_), .. })));
        Ok(())
    }

    /// 64 nodes of the tree over the outputs of the largest program.
    #[benchmark]
    fn answer() -> Result<(), BenchmarkError> {
        let id = window::<T>(limits::SLOTS)?;
        let (game, _) = challenged::<T>(id, Target::Aggregation, Claim::Aggregate)?;
        let inner = programs::aggregate(&spec::<T>(limits::SLOTS), limits::SLOTS.into()).inner();
        let label = |place: u64| inner.get(place as usize).copied().unwrap_or(0);
        let (node, row, path, trace) = proofs::row(Tree::TRACE, inner.len() as u32, label);
        let asked = Some(Asked::Posted(node));
        change::<T>(game, |game| game.stage = Position::Outputs { span: AGGREGATION, trace, asked });
        let position = position::<T>(game);

        #[extrinsic_call]
        _(RawOrigin::Signed(hot_key::<T>(0)), game, position, Box::new(Answer::Nodes { row, path }));

        assert_ne!(setup::position::<T>(game), position);
        Ok(())
    }

    /// An output of the largest program is shown to be bound.
    #[benchmark]
    fn press() -> Result<(), BenchmarkError> {
        let id = window::<T>(limits::SLOTS)?;
        let (game, challenger) = challenged::<T>(id, Target::Aggregation, Claim::Aggregate)?;
        let inner = programs::aggregate(&spec::<T>(limits::SLOTS), limits::SLOTS.into()).inner();
        let place = inner.len() as u32 - 2;
        let instruction = inner.get(place as usize).copied().unwrap_or(0);
        let (member, trace) = proofs::member(Tree::TRACE, inner.len() as u32, place, instruction);
        change::<T>(game, |game| {
            game.stage = Position::Outputs { span: AGGREGATION, trace, asked: None };
            game.questions = 9;
        });
        let position = position::<T>(game);
        let node = Node { height: 0, index: 0 };
        let made = Move::AskBuffer { instruction, member: Some(member), node };

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), game, position, Box::new(made));

        assert_ne!(setup::position::<T>(game), position);
        Ok(())
    }

    /// The element that reads most, and a defender that has it wrong: its slot is convicted, and its round voided.
    #[benchmark]
    fn judge() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        let (game, challenger) = challenged::<T>(id, SLOT, Claim::Segment(0))?;
        let (judgement, span, trace) =
            proofs::judgement(&spec::<T>(1)).ok_or(BenchmarkError::Stop("nothing to judge"))?;
        let words: usize = judgement.inputs.iter().map(|input| input.opened.slice.bytes.len() / 4).sum();
        assert!(words >= 4_096, "{words} words are opened");
        change::<T>(game, |game| game.stage = Position::Outputs { span, trace, asked: None });
        let position = position::<T>(game);

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), game, position, Box::new(judgement));

        assert!(Slots::<T>::get((id, ROUND, 0)).is_some_and(|slot| slot.checks.fault.is_some()));
        Ok(())
    }

    /// The defender is silent: its slot is convicted, and its round voided.
    #[benchmark]
    fn time_out() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        let (game, _) = challenged::<T>(id, SLOT, Claim::Segment(0))?;
        run_out::<T>();
        let who = rich::<T>("anybody", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), game);

        assert!(Slots::<T>::get((id, ROUND, 0)).is_some_and(|slot| slot.checks.fault.is_some()));
        Ok(())
    }

    #[benchmark]
    fn close() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        let (game, _) = challenged::<T>(id, SLOT, Claim::Segment(0))?;
        Slots::<T>::mutate((id, ROUND, 0), |slot| {
            if let Some(slot) = slot {
                slot.checks.fault = Some(Fault::LeavesMissing);
            }
        });
        let who = rich::<T>("anybody", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), game);

        assert!(!Games::<T>::contains_key(game));
        Ok(())
    }

    /// A byte of the last source, in trees as deep as they can be; a round is in training.
    #[benchmark]
    fn refute_stream() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        in_training::<T>(id);
        let mut evidence = None;
        let bytes = SHARD_BYTES.saturating_mul(MAX_SHARDS.into());
        Specs::<T>::mutate(id, |spec| {
            if let Some(spec) = spec {
                evidence = proofs::wrong_byte(&mut spec.data, bytes);
                for root in &spec.data.sources {
                    <T as Config>::BenchmarkHelper::accept(*root, bytes);
                }
            }
        });
        let evidence = evidence.ok_or(BenchmarkError::Stop("nothing is wrong"))?;
        let who = rich::<T>("anybody", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, Box::new(evidence));

        assert!(Runs::<T>::get(id).is_some_and(|run| run.status == RunStatus::Stopping));
        assert!(Rounds::<T>::get(id, ROUND).is_some_and(|round| round.void.is_some()));
        Ok(())
    }

    /// The hook finds that a defender is silent, behind the last game of all.
    #[benchmark]
    fn sweep() -> Result<(), BenchmarkError> {
        let id = window::<T>(1)?;
        let (game, _) = challenged::<T>(id, SLOT, Claim::Segment(0))?;
        run_out::<T>();
        Swept::<T>::put(game);

        #[block]
        {
            Pallet::<T>::sweep();
        }

        assert!(!Games::<T>::contains_key(game));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::ext(), crate::mock::Test);
}

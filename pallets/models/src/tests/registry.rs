use frame_support::{assert_noop, assert_ok};
use sabha_protocol::{Digest, models::Licence, round::Checkpoint};
use sp_runtime::DispatchError;

use crate::{Error, Metrics, ModelOfRun, NameOf, Origin, Source, mock::*};

fn name(text: &str) -> NameOf<Test> {
    text.as_bytes().to_vec().try_into().expect("it is short")
}

#[test]
fn register_takes_name_licence_and_lineage_from_the_proposal() {
    run(|| {
        datasets();
        let id = started(None, Licence::CcBySa4);
        assert_noop!(ModelRegistry::register(signed(PAYER), id), Error::<Test>::NothingToRegister);
        complete(id);
        let done = ModelRegistry::register(signed(PAYER), id).expect("it is completed");
        assert_eq!(done.pays_fee, frame_support::dispatch::Pays::No);
        let model = model(0);
        assert_eq!((model.name, model.licence, model.shape), (name("A model"), Licence::CcBySa4, shape()));
        assert_eq!((model.checkpoint, model.parent, model.table), (weights(id), None, TABLE));
        let Origin::Trained { run, proposer, spec_hash, rounds, sources, .. } = model.origin else {
            panic!("it was trained");
        };
        assert_eq!((run, proposer, spec_hash, rounds), (id, ALICE, spec(None).hash(), 1));
        let source = |dataset, known| Source { manifest: manifest(dataset), dataset: known };
        let expected = [source(0, Some((0, 1_000))), source(1, Some((1, 2_000))), source(99, None)];
        assert_eq!(sources.to_vec(), expected);
        assert_eq!(ModelRegistry::model_of(id), Some(0));
        // Once.
        assert_noop!(ModelRegistry::register(signed(PAYER), id), Error::<Test>::NothingToRegister);
        assert_ok!(Allocation::refund(signed(PAYER), id, BOB));
        assert_ok!(Allocation::remove(signed(PAYER), id));
    });
}

#[test]
fn a_run_that_was_stopped_becomes_no_model() {
    run(|| {
        let id = started(None, Licence::Mit);
        assert_ok!(Allocation::stop(root(), id));
        pass();
        assert_noop!(ModelRegistry::register(signed(PAYER), id), Error::<Test>::NothingToRegister);
        assert_eq!(ModelOfRun::<Test>::get(id), None);
    });
}

#[test]
fn import_needs_a_decision_a_name_and_a_shape() {
    run(|| {
        let weights = Checkpoint { root: Digest([1; 32]), blob: Digest([2; 32]) };
        let attempt = |origin, text: &str, heads| {
            let mut shape = shape();
            shape.heads = heads;
            ModelRegistry::import(origin, name(text), Licence::Mit, shape, weights)
        };
        assert_noop!(attempt(signed(ALICE), "GPT", 2), DispatchError::BadOrigin);
        assert_noop!(attempt(root(), "", 2), Error::<Test>::BadName);
        assert_noop!(attempt(root(), "GPT", 3), Error::<Test>::BadShape);
        assert_ok!(attempt(root(), "GPT", 2));
        assert_eq!(model(0).origin, Origin::Imported);
        // Runs can begin from it.
        let id = started(Some(0), Licence::Mit);
        assert_eq!(
            pallet_sabha_training::Runs::<Test>::get(id).and_then(|run| run.progress.tip),
            Some(weights)
        );
    });
}

#[test]
fn deprecate_ends_forks_and_names_a_successor() {
    run(|| {
        let (old, new) = (trained(None), trained(None));
        assert_noop!(ModelRegistry::deprecate(signed(ALICE), old, None), DispatchError::BadOrigin);
        assert_noop!(ModelRegistry::deprecate(root(), old, Some(old)), Error::<Test>::BadSuccessor);
        assert_noop!(ModelRegistry::deprecate(root(), old, Some(9)), Error::<Test>::NoSuchModel);
        assert_ok!(ModelRegistry::deprecate(root(), old, Some(new)));
        assert_noop!(ModelRegistry::deprecate(root(), old, None), Error::<Test>::Deprecated);
        assert_noop!(ModelRegistry::deprecate(root(), new, Some(old)), Error::<Test>::BadSuccessor);
        let title = name("A fork");
        let fork = Box::new(spec(Some(old)));
        let goal = Training::least_budget(&fork);
        assert_noop!(
            Allocation::propose(signed(ALICE), title, Licence::Apache2, Some(old), fork, goal, 9),
            pallet_sabha_allocation::Error::<Test>::NoSuchParent
        );
        assert_ok!(ModelRegistry::pay(signed(PAYER), old, LEAST));
    });
}

#[test]
fn measure_is_for_the_proposer_and_the_dao() {
    run(|| {
        let id = trained(None);
        let metric = |text: &str| text.as_bytes().to_vec().try_into().expect("it is short");
        let attempt = |origin, text: &str, value: f32| {
            ModelRegistry::measure(origin, id, metric(text), value.into(), None)
        };
        assert_noop!(attempt(signed(BOB), "loss", 1.0), Error::<Test>::NotTheProposer);
        assert_noop!(attempt(signed(ALICE), "", 1.0), Error::<Test>::BadName);
        assert_noop!(attempt(signed(ALICE), "loss", f32::NAN), Error::<Test>::NotFinite);
        assert_ok!(attempt(signed(ALICE), "loss", 1.5));
        assert_ok!(attempt(root(), "loss", 1.25));
        assert_eq!(Metrics::<Test>::get(id).len(), 1);
        assert_eq!(Metrics::<Test>::get(id)[0].value, 1.25.into());
        for text in ["a", "b", "c"] {
            assert_ok!(attempt(signed(ALICE), text, 0.0));
        }
        assert_noop!(attempt(signed(ALICE), "d", 0.0), Error::<Test>::TooManyMetrics);
        assert_ok!(attempt(signed(ALICE), "c", 2.0));
    });
}

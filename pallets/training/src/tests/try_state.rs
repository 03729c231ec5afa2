//! Each invariant is proven able to fail: storage is corrupted, and the check must say so.

use frame_support::traits::fungible::MutateHold;
use sabha_protocol::Slot;
use sp_runtime::TryRuntimeError;

use crate::{
    HoldReason, HotKeys, NextRunId, OpenRuns, ReadyCount, ReadyIndex, ReadySet, RunStatus, Runs,
    SlotPosition, Slots, Specs, WorkerStatus, Workers, mock::*,
};

/// A chain where CAROL's worker is ready, DAVE's unbonds, BOB's has committed round 0 of run 0 and trains round 1.
fn busy() -> sp_io::TestExternalities {
    let mut ext = ext();
    ext.execute_with(|| {
        let id = assigned(4);
        commit(id, 0);
        poke(id);
        ready(CAROL);
        register(DAVE);
        Training::unbond(signed(DAVE)).unwrap();
        check();
    });
    ext
}

/// Every corruption, and what the check must say.
fn corruptions() -> Vec<(fn(), &'static str)> {
    const OPEN: SlotPosition = SlotPosition { round: 1, slot: 0 };
    const DONE: SlotPosition = SlotPosition { round: 0, slot: 0 };
    fn worker_of(owner: AccountId, change: impl FnOnce(&mut crate::WorkerOf<Test>)) {
        Workers::<Test>::mutate(owner, |worker| change(worker.as_mut().unwrap()));
    }
    fn run_0(change: impl FnOnce(&mut crate::RunOf<Test>)) {
        Runs::<Test>::mutate(0, |run| change(run.as_mut().unwrap()));
    }
    vec![
        (|| ReadyCount::<Test>::put(0), "longer than its count"),
        (|| ReadyCount::<Test>::put(2), "gap"),
        (|| ReadyIndex::<Test>::insert(CAROL, 5), "index is another"),
        (|| ReadyIndex::<Test>::insert(BOB, 5), "stale"),
        (|| worker_of(CAROL, |w| w.status = WorkerStatus::Idle), "not ready"),
        (
            || {
                ReadySet::<Test>::remove(0);
                ReadyIndex::<Test>::remove(CAROL);
                ReadyCount::<Test>::put(0);
            },
            "not in the ready set",
        ),
        (|| worker_of(BOB, |w| w.stake += 1), "not the stake"),
        (
            || {
                Balances::release(
                    &HoldReason::WorkerStake.into(),
                    &BOB,
                    1,
                    frame_support::traits::tokens::Precision::Exact,
                )
                .unwrap();
            },
            "not the stake",
        ),
        (|| HotKeys::<Test>::remove(HOT), "does not lead to it"),
        (|| HotKeys::<Test>::insert(900, BOB), "speaks for no worker"),
        (
            || {
                HotKeys::<Test>::remove(HOT);
                HotKeys::<Test>::insert(CAROL, BOB);
                worker_of(BOB, |w| w.hot_key = CAROL);
            },
            "owns another worker",
        ),
        (|| worker_of(BOB, |w| w.outstanding = 2), "miscounted"),
        (|| worker_of(BOB, |w| w.assigned = None), "no slot"),
        (|| worker_of(BOB, |w| w.status = WorkerStatus::Idle), "idle worker has a slot"),
        (|| worker_of(CAROL, |w| w.assigned = worker(BOB).assigned), "ready worker has a slot"),
        (|| worker_of(DAVE, |w| w.assigned = worker(BOB).assigned), "unbonding worker has a slot"),
        (
            || worker_of(DAVE, |w| w.status = WorkerStatus::Unbonding { since: Now::get() + 1 }),
            "from the future",
        ),
        (
            || {
                worker_of(BOB, |w| {
                    w.assigned = None;
                    w.status = WorkerStatus::Unbonding { since: 0 };
                });
            },
            "answers for a slot",
        ),
        (|| Slots::<Test>::insert(9, DONE, Slot::assign(77, 0, 0, 0)), "no run"),
        (|| run_0(|run| run.status = RunStatus::Completed), "run that is over remains"),
        (|| run_0(|run| run.status = RunStatus::Stopping), "slot of a stopped run is assigned"),
        (|| run_0(|run| run.generation = 3), "generation"),
        (
            || {
                let slot = Slots::<Test>::take(0, OPEN).unwrap();
                Slots::<Test>::insert(0, SlotPosition { round: 2, slot: 0 }, slot);
            },
            "a working worker has no slot",
        ),
        (
            || Slots::<Test>::mutate(0, OPEN, |slot| slot.as_mut().unwrap().worker = CAROL),
            "a working worker has no slot",
        ),
        (
            || Slots::<Test>::mutate(0, DONE, |slot| slot.as_mut().unwrap().worker = 77),
            "outstanding slots are miscounted",
        ),
        // The same once more, with the worker's record in agreement: the invariants of slots and runs notice by themselves.
        (
            || {
                let slot = Slots::<Test>::take(0, OPEN).unwrap();
                Slots::<Test>::insert(0, SlotPosition { round: 2, slot: 0 }, slot);
                worker_of(BOB, |w| w.assigned.as_mut().unwrap().round = 2);
            },
            "not of the open round",
        ),
        (
            || {
                Slots::<Test>::mutate(0, OPEN, |slot| slot.as_mut().unwrap().worker = CAROL);
                worker_of(BOB, |w| (w.status, w.assigned) = (WorkerStatus::Idle, None));
            },
            "slot's worker does not know it",
        ),
        (
            || {
                Slots::<Test>::mutate(0, DONE, |slot| slot.as_mut().unwrap().worker = 77);
                worker_of(BOB, |w| w.outstanding = 0);
            },
            "committed slot has no worker",
        ),
        (
            || {
                Slots::<Test>::remove(0, DONE);
                worker_of(BOB, |w| w.outstanding = 0);
            },
            "committed round has no slot",
        ),
        (
            || {
                let slot = Slots::<Test>::get(0, DONE).unwrap();
                Slots::<Test>::insert(0, SlotPosition { round: 3, slot: 0 }, slot);
                worker_of(BOB, |w| w.outstanding = 2);
            },
            "slots out of place",
        ),
        (|| NextRunId::<Test>::put(0), "from the future"),
        (|| run_0(|run| run.finalised = 3), "ahead of itself"),
        (|| run_0(|run| run.rounds = 1), "rounds are not its specification's"),
        (|| Specs::<Test>::remove(0), "no specification"),
        (|| Specs::<Test>::insert(0, spec(3)), "specification is another"),
        (|| Specs::<Test>::insert(9, spec(3)), "specification has no run"),
        (|| OpenRuns::<Test>::put(2), "miscounted"),
        (|| Slots::<Test>::remove(0, DONE), "outstanding slots are miscounted"),
        (|| run_0(|run| run.escrow = 3 * PRICE), "does not pay"),
        (|| run_0(|run| run.paid = 1), "price"),
        (|| worker_of(BOB, |w| w.owed = 1), "pot does not cover"),
        (|| run_0(|run| run.escrow += 1), "pot does not cover"),
    ]
}

#[test]
fn every_corruption_is_noticed() {
    for (index, (corrupt, says)) in corruptions().into_iter().enumerate() {
        busy().execute_with(|| {
            corrupt();
            match Training::do_try_state() {
                Err(TryRuntimeError::Other(text)) => {
                    assert!(text.contains(says), "corruption {index}: `{text}` should say `{says}`");
                }
                other => panic!("corruption {index} ({says}): {other:?}"),
            }
        });
    }
}

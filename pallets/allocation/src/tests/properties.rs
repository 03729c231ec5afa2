//! Whatever anybody does, in whatever order: nobody gets more than it gave, the proposer nothing, and nothing stays behind.

use std::collections::BTreeMap;

use pallet_sabha_training::Runs;
use proptest::prelude::*;
use sabha_protocol::{allocation::Stage, models::Licence};

use crate::{Backers, Proposals, mock::*};

#[derive(Clone, Debug)]
enum Act {
    Propose { extra: u8 },
    Pledge { who: u64, run: u32, units: u16, odd: u8 },
    Withdraw { who: u64, run: u32, units: u16 },
    Settle { run: u32, most: u32 },
    Cancel { who: u64, run: u32 },
    Refund { who: u64, run: u32 },
    Remove { run: u32 },
    Fund { run: u32, units: u16 },
    SetShare { run: u32, percent: u32 },
    Pause { run: u32 },
    Resume { run: u32 },
    Stop { run: u32 },
    StopIdle { who: u64, run: u32 },
    Spend { run: u32, units: u16 },
    Complete { run: u32 },
    Judge { who: u64, judged: bool },
    Pass { blocks: u32 },
}

/// The proposer is among those who try.
const WHO: std::ops::Range<u64> = 1..7;

fn act() -> impl Strategy<Value = Act> {
    let (run, units) = (|| 0u32..4, || 0u16..60);
    prop_oneof![
        2 => any::<u8>().prop_map(|extra| Act::Propose { extra }),
        8 => (WHO, run(), units(), any::<u8>())
            .prop_map(|(who, run, units, odd)| Act::Pledge { who, run, units, odd }),
        2 => (WHO, run(), units()).prop_map(|(who, run, units)| Act::Withdraw { who, run, units }),
        5 => (run(), 0u32..4).prop_map(|(run, most)| Act::Settle { run, most }),
        1 => (WHO, run()).prop_map(|(who, run)| Act::Cancel { who, run }),
        6 => (WHO, run()).prop_map(|(who, run)| Act::Refund { who, run }),
        2 => run().prop_map(|run| Act::Remove { run }),
        2 => (run(), units()).prop_map(|(run, units)| Act::Fund { run, units }),
        1 => (run(), 0u32..100).prop_map(|(run, percent)| Act::SetShare { run, percent }),
        1 => run().prop_map(|run| Act::Pause { run }),
        1 => run().prop_map(|run| Act::Resume { run }),
        2 => run().prop_map(|run| Act::Stop { run }),
        2 => (WHO, run()).prop_map(|(who, run)| Act::StopIdle { who, run }),
        2 => (run(), units()).prop_map(|(run, units)| Act::Spend { run, units }),
        1 => run().prop_map(|run| Act::Complete { run }),
        3 => (WHO, any::<bool>()).prop_map(|(who, judged)| Act::Judge { who, judged }),
        2 => prop_oneof![4 => 0u32..20, 1 => IDLE - 10..IDLE + 10].prop_map(|blocks| Act::Pass { blocks }),
    ]
}

/// What each account has pledged and what came back of it, by balances alone.
#[derive(Default)]
struct Flow {
    pledged: BTreeMap<(u32, u64), u128>,
    back: BTreeMap<(u32, u64), u128>,
    spent: u128,
}

impl Flow {
    fn act(&mut self, act: Act) {
        let before: BTreeMap<u64, u128> = WHO.map(|who| (who, free(who))).collect();
        let units = |units: u16| u128::from(units) * LEAST;
        let is_run = |run: u32| {
            Proposals::<Test>::get(run).is_some_and(|proposal| proposal.campaign.stage == Stage::Running)
        };
        // Whose money may move by it, and for which proposal.
        let moved = match act {
            Act::Propose { extra } => {
                let goal = least(1) + u128::from(extra);
                let call = Allocation::propose(
                    signed(ALICE),
                    title(),
                    Licence::Mit,
                    None,
                    Box::new(spec(1)),
                    goal,
                    30,
                );
                let _ = call;
                return;
            }
            Act::Pledge { who, run, units: amount, odd } => {
                let _ = Allocation::pledge(signed(who), run, units(amount) + u128::from(odd));
                Some((run, who))
            }
            Act::Withdraw { who, run, units: amount } => {
                let _ = Allocation::withdraw(signed(who), run, units(amount));
                Some((run, who))
            }
            Act::Refund { who, run } => {
                let _ = Allocation::refund(signed(BOB), run, who);
                Some((run, who))
            }
            Act::Remove { run } => {
                let _ = Allocation::remove(signed(BOB), run);
                return;
            }
            Act::Settle { run, most } => {
                let _ = Allocation::settle(signed(BOB), run, most);
                None
            }
            Act::Cancel { who, run } => {
                let _ = Allocation::cancel(signed(who), run);
                None
            }
            Act::Fund { run, units: amount } => {
                let _ = Allocation::fund(root(), run, units(amount));
                None
            }
            Act::SetShare { run, percent } => {
                let _ = Allocation::set_share(root(), run, sp_runtime::Perbill::from_percent(percent));
                None
            }
            Act::Pause { run } => {
                let _ = Allocation::pause(root(), run);
                None
            }
            Act::Resume { run } => {
                let _ = Allocation::resume(root(), run);
                None
            }
            Act::Stop { run } => {
                let _ = Allocation::stop(root(), run);
                None
            }
            Act::StopIdle { who, run } => {
                let _ = Allocation::stop_idle(signed(who), run);
                None
            }
            Act::Spend { run, units: amount } => {
                if is_run(run) {
                    let paid = Runs::<Test>::get(run).map_or(0, |run| run.progress.escrow).min(units(amount));
                    spend(run, units(amount));
                    self.spent += paid;
                }
                None
            }
            Act::Complete { run } => {
                let open = pallet_sabha_training::RunStatus::Open;
                if is_run(run) && record(run).status == open {
                    complete(run);
                    // It is registered as a model at once.
                    Allocation::note_registered(run);
                }
                None
            }
            Act::Judge { who, judged } => {
                if judged {
                    judge(who)
                } else {
                    unjudge(who)
                }
                None
            }
            Act::Pass { blocks } => {
                pass(blocks);
                None
            }
        };
        for who in WHO {
            let (was, is) = (before[&who], free(who));
            match moved {
                Some((run, mover)) if mover == who && is < was => {
                    *self.pledged.entry((run, who)).or_default() += was - is;
                }
                Some((run, mover)) if mover == who => {
                    *self.back.entry((run, who)).or_default() += is - was;
                }
                _ => assert_eq!(was, is, "nobody's money but the backer's own moves"),
            }
        }
    }

    fn check(&self) {
        check();
        for (key, back) in &self.back {
            let pledged = self.pledged.get(key).copied().unwrap_or(0);
            assert!(*back <= pledged, "{key:?} got {back} for {pledged}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_order_of_calls_pays_twice_or_keeps_anything(acts in prop::collection::vec(act(), 1..120)) {
        ext().execute_with(|| {
            let mut flow = Flow::default();
            flow.act(Act::Propose { extra: 0 });
            for act in acts {
                flow.act(act);
                flow.check();
            }
            // The end of everything.
            for run in 0..pallet_sabha_training::NextRunId::<Test>::get() {
                flow.act(Act::Stop { run });
            }
            flow.act(Act::Pass { blocks: 1 });
            for (run, who) in Backers::<Test>::iter_keys().collect::<Vec<_>>() {
                flow.act(Act::Refund { who, run });
                flow.check();
            }
            for run in 0..pallet_sabha_training::NextRunId::<Test>::get() {
                flow.act(Act::Remove { run });
            }
            flow.check();
            assert_eq!(Proposals::<Test>::iter().count(), 0, "everything can be removed");
            assert_eq!((held(ALICE), free(Allocation::account_id())), (0, ED));
            assert_eq!(free(Training::account_id()), ED, "a stopped run keeps nothing");
            // What is gone was spent on work, and by nobody but backers and the matching pot.
            let gone: u128 = WHO.map(|who| ENDOWMENT - free(who)).sum::<u128>() + POT + ED - free(MATCHING);
            assert_eq!(gone, flow.spent);
            assert_eq!(free(WORKER), ED + flow.spent);
        });
    }
}

//! What people try with proposals, pledges, runs that come of them, and models, in any order: the books add up after every block, and no
//! proposal keeps anything.

use super::{
    chain::Chain,
    random_calls::{ALL, Act, Acts, Dice, assert_lively, duty, play, poke, ready, register, send, transfer},
    runs::{budget, spec},
    shares::vouch,
};
use crate::{AccountId, Runtime, RuntimeCall, Timing, UNITS};
use pallet_identity::{IdentityOf, Judgement};
use pallet_sabha_allocation::{Backers, Proposals};
use pallet_sabha_models::{Accrued, ModelOfRun, Models};
use pallet_sabha_origins::Origin;
use pallet_sabha_training::{RunStatus, Runs};
use sabha_protocol::{
    Digest, RunId,
    allocation::{MatchingTerms, Stage},
    models::{Licence, ModelId},
    round::Checkpoint,
};
use sp_keyring::Sr25519Keyring::{self, Alice, Ferdie};
use sp_runtime::Perbill;

type Call = pallet_sabha_allocation::Call<Runtime>;
type Registry = pallet_sabha_models::Call<Runtime>;

/// Who proposes.
const PROPOSERS: [Sr25519Keyring; 2] = [Alice, Ferdie];

/// A proposal, mostly one of those that are `fit`.
fn proposal(dice: &mut Dice, fit: impl Fn(&Stage) -> bool) -> RunId {
    let all: Vec<_> = Proposals::<Runtime>::iter()
        .filter(|(_, proposal)| fit(&proposal.campaign.stage))
        .map(|(run, _)| run)
        .collect();
    if all.is_empty() || dice.one_in(10) { dice.below(20) } else { dice.pick(&all) }
}

fn open(dice: &mut Dice) -> RunId {
    proposal(dice, |stage| matches!(stage, Stage::Funding { .. }))
}

fn running(dice: &mut Dice) -> RunId {
    proposal(dice, |stage| *stage == Stage::Running)
}

fn key(account: &AccountId) -> Sr25519Keyring {
    Sr25519Keyring::from_account_id(account).expect("nobody else is here")
}

fn propose(dice: &mut Dice) -> Act {
    let window = Timing::durations().window;
    let mut spec = spec(window);
    spec.rounds.count = 1 + dice.below(2);
    // Now and then a fork.
    let models: Vec<_> = Models::<Runtime>::iter().collect();
    let parent = if !models.is_empty() && !dice.one_in(4) {
        let (id, model) = models[dice.below(models.len() as u32) as usize].clone();
        spec.initial_checkpoint = Some(model.checkpoint.root);
        Some(id)
    } else {
        None
    };
    let goal = budget(&spec) + dice.amount(10);
    let call = Call::propose {
        title: b"A model".to_vec().try_into().expect("short"),
        licence: dice.pick(&[Licence::Mit, Licence::CcBySa4]),
        parent,
        spec: Box::new(spec),
        goal: if dice.one_in(10) { goal / 3 } else { goal },
        duration: 1 + dice.below(60),
    };
    send(dice.pick(&PROPOSERS), call)
}

fn pledge(dice: &mut Dice) -> Act {
    let run = if dice.one_in(6) { running(dice) } else { open(dice) };
    let amount = dice.amount(12);
    send(dice.pick(&ALL), Call::pledge { run, amount })
}

/// Mostly of something that is there.
fn backer(dice: &mut Dice, fit: impl Fn(&Stage) -> bool) -> (RunId, Sr25519Keyring, u128) {
    let all: Vec<_> = Backers::<Runtime>::iter()
        .filter(|(run, ..)| {
            Proposals::<Runtime>::get(run).is_some_and(|proposal| fit(&proposal.campaign.stage))
        })
        .collect();
    if all.is_empty() || dice.one_in(10) {
        return (dice.below(20), dice.pick(&ALL), UNITS);
    }
    let (run, who, backer) = all[dice.below(all.len() as u32) as usize].clone();
    (run, key(&who), backer.pledge.amount)
}

fn withdraw(dice: &mut Dice) -> Act {
    let (run, who, amount) = backer(dice, |stage| matches!(stage, Stage::Funding { .. }));
    let amount = if dice.one_in(2) { amount } else { dice.amount(3) };
    send(who, Call::withdraw { run, amount })
}

fn refund(dice: &mut Dice) -> Act {
    let (run, who, _) = backer(dice, |stage| matches!(stage, Stage::Over { .. }));
    send(dice.pick(&ALL), Call::refund { run, backer: who.to_account_id() })
}

pub fn settle(dice: &mut Dice) -> Act {
    let all: Vec<_> = Proposals::<Runtime>::iter_keys().collect();
    let due: Vec<_> = all.into_iter().filter(|run| crate::Allocation::can_settle(*run)).collect();
    let run = if due.is_empty() || dice.one_in(10) { open(dice) } else { dice.pick(&due) };
    send(dice.pick(&ALL), Call::settle { run, most: dice.below(4) })
}

/// Somebody vouches for an account, or nobody does any more.
fn judge(dice: &mut Dice) -> Act {
    let who = dice.pick(&ALL).to_account_id();
    if dice.one_in(3) {
        IdentityOf::<Runtime>::remove(who);
    } else {
        let judgement = dice.pick(&[Judgement::Reasonable, Judgement::KnownGood, Judgement::LowQuality]);
        vouch(&who, judgement);
    }
    Act::Halt(0)
}

fn decide(call: impl Into<RuntimeCall>) -> Act {
    Act::Decide(Origin::ComputeAllocator, call.into())
}

/// Now and then one that began from another one, if there is any.
fn model(dice: &mut Dice) -> ModelId {
    let forks: Vec<_> = Models::<Runtime>::iter().filter(|(_, model)| model.parent.is_some()).collect();
    if !forks.is_empty() && dice.one_in(3) {
        return forks[dice.below(forks.len() as u32) as usize].0;
    }
    let next = pallet_sabha_models::NextModelId::<Runtime>::get();
    next.saturating_sub(1 + dice.below(3))
}

fn measure(dice: &mut Dice) -> Act {
    let name = dice.pick(&["loss", "accuracy", ""]).as_bytes().to_vec().try_into().expect("short");
    let value = dice.pick(&[1.5f32, 0.0, f32::NAN]).into();
    send(dice.pick(&PROPOSERS), Registry::measure { model: model(dice), name, value, evidence: None })
}

fn import(dice: &mut Dice) -> Act {
    let digest = Digest::of(&dice.below(1_000).to_le_bytes());
    let name = b"From elsewhere".to_vec().try_into().expect("short");
    let shape = spec(60).model;
    let checkpoint = Checkpoint { root: digest, blob: digest };
    decide(Registry::import { name, licence: Licence::Mit, shape, checkpoint })
}

/// What happens to proposals, and what workers do for the runs that come of them.
pub const ACTS: [(u32, &str, fn(&mut Dice) -> Act); 28] = [
    (6, "register", register),
    (14, "ready", ready),
    (40, "poke", poke),
    (70, "do a duty", duty),
    (2, "transfer", transfer),
    (8, "propose", propose),
    (24, "pledge", pledge),
    (3, "withdraw", withdraw),
    (16, "settle", settle),
    (1, "cancel", |dice| {
        let run = open(dice);
        send(dice.pick(&PROPOSERS), Call::cancel { run })
    }),
    (14, "refund", refund),
    (4, "remove", |dice| {
        let run = proposal(dice, |stage| matches!(stage, Stage::Over { .. }));
        send(dice.pick(&ALL), Call::remove { run })
    }),
    (6, "judge", judge),
    (2, "fund", |dice| {
        let (run, amount) = (open(dice), dice.amount(3));
        decide(Call::fund { run, amount })
    }),
    (2, "set a share", |dice| {
        let run = running(dice);
        decide(Call::set_share { run, share: Perbill::from_percent(dice.below(50)) })
    }),
    (1, "pause", |dice| decide(Call::pause { run: running(dice) })),
    (4, "resume", |dice| decide(Call::resume { run: running(dice) })),
    (1, "stop a proposal", |dice| decide(Call::stop { run: open(dice) })),
    (1, "stop a run", |dice| decide(Call::stop { run: running(dice) })),
    (1, "set how the pot is split", |dice| {
        let terms = MatchingTerms { most_of_pot: dice.below(1_000_000), most: dice.amount(100) };
        decide(Call::set_matching { terms })
    }),
    (8, "register a model", |dice| {
        let ended: Vec<_> = Runs::<Runtime>::iter()
            .filter(|(run, record)| {
                record.status == RunStatus::Completed && !ModelOfRun::<Runtime>::contains_key(run)
            })
            .map(|(run, _)| run)
            .collect();
        let run = if ended.is_empty() { dice.below(9) } else { dice.pick(&ended) };
        send(dice.pick(&ALL), Registry::register { run })
    }),
    (1, "import a model", import),
    (6, "pay for a model", |dice| {
        let (model, amount) = (model(dice), dice.amount(5));
        send(dice.pick(&ALL), Registry::pay { model, amount })
    }),
    (4, "distribute", |dice| {
        let accrued: Vec<_> = Accrued::<Runtime>::iter_keys().collect();
        let model = if accrued.is_empty() { model(dice) } else { dice.pick(&accrued) };
        send(dice.pick(&ALL), Registry::distribute { model })
    }),
    (2, "measure", measure),
    (1, "deprecate", |dice| {
        let (model, successor) = {
            let own = model(dice);
            (own, dice.one_in(2).then(|| model(dice)))
        };
        decide(Registry::deprecate { model, successor })
    }),
    (1, "halt", |dice| Act::Halt(u64::from(1 + dice.below(30)))),
    (4, "nothing", |_| Act::Halt(0)),
];

/// What takes longer than these games to be possible.
pub const RARE: [(u32, &str, fn(&mut Dice) -> Act); 1] = [(1, "stop an idle run", |dice| {
    let turns = pallet_sabha_allocation::Turns::<Runtime>::get();
    let idle = turns.entries.iter().min_by_key(|entry| entry.since).map_or(0, |entry| entry.run);
    send(dice.pick(&ALL), Call::stop_idle { run: idle })
})];

pub const HAPPENINGS: [&str; 5] = [
    "a run was started",
    "a run ended",
    "a proposal failed",
    "an account counted no more",
    "a model was registered",
];

#[test]
fn any_calls_about_runs_and_models_in_any_order_keep_the_books() {
    let acts: &Acts = &ACTS;
    let games =
        [(Chain::development(), 5), (Chain::local(), 6), (Chain::development(), 8), (Chain::local(), 9)];
    let games = games.map(|(chain, seed)| {
        play(acts, chain, seed, |score| {
            let forks = Models::<Runtime>::iter_values().filter(|model| model.parent.is_some()).count();
            score.insert("there is a fork", forks as u32);
        })
    });
    assert_lively(acts, &HAPPENINGS, games);
}

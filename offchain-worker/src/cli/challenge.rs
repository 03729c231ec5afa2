//! `challenge`: executes a result again, and if it is wrong, disputes it to the end.

use super::{Context, on_chain::SendArgs};
use crate::{
    blobs::{self, Identity},
    chain::{At, Call, ChainResult, Client, Dispute, GameEnd, GameEvent, Until, names::event},
    config::{DeviceArgs, MemoryArgs, StorageArgs},
    daemon::{
        disputes::{About, Due, Moves, Player, call_of, seen_file, send, table, turn_of},
        providers,
        watch::{Rounds, Specs},
        work::{Position, Table},
        works::EngineWorkshop,
    },
    error::{Exit, failure},
};
use clap::Args;
use sabha_protocol::{
    RoundIndex, RoundKey, RunId, SlotIndex,
    dispute::{
        Claim, Side,
        record::{GameId, Phase, Risk, Target},
    },
};
use serde::Serialize;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Arguments of `challenge`.
#[derive(Args, Debug)]
#[command(
    after_help = "The slot is executed from the checkpoint that its round started from. If it comes to what was committed, nothing \
                        is sent. If not, the chain finds out who is wrong: the bond of the challenge is on hold until then, and lost to \
                        whoever challenges what is right.\n\n\
                        Example: sabha-worker challenge --run 0 --round 3 --slot 1 --key me.json --dataset packed/spanish"
)]
pub struct ChallengeArgs {
    /// The run
    #[arg(long)]
    pub run: RunId,
    /// The round
    #[arg(long)]
    pub round: RoundIndex,
    /// How often rounds of the run had been voided before; the latest attempt that is not settled, if it is not named
    #[arg(long)]
    pub attempt: Option<u16>,
    /// The slot; without it, the round's aggregation
    #[arg(long)]
    pub slot: Option<SlotIndex>,
    /// Go on with this game, which an earlier call began
    #[arg(long, value_name = "GAME")]
    pub game: Option<GameId>,
    /// Challenge this claim without executing anything first
    #[arg(long, value_enum, hide = true)]
    pub blindly: Option<Blind>,
    /// Challenge it so many times at once, and leave the games alone: to see what becomes of a flood
    #[arg(long, value_name = "TIMES", hide = true, requires = "blindly")]
    pub flood: Option<u16>,
    /// Who signs, and which chain.
    #[command(flatten)]
    pub send: SendArgs,
    /// Where files are.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// What to execute on.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// How much memory a model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
}

/// A claim that can be challenged without a reason: to see what becomes of who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Blind {
    /// The slot's leaves.
    Slot,
    /// The update and the loss.
    Finish,
    /// The aggregation.
    Aggregate,
}

/// What a challenge came to.
#[derive(Debug, Serialize)]
struct Ended {
    run: RunId,
    round: RoundKey,
    slot: Option<SlotIndex>,
    wrong: bool,
    game: Option<GameId>,
    /// None if nothing was challenged, or the game was overtaken: then nobody has lost it.
    won: Option<bool>,
}

/// What a flood of challenges came to.
#[derive(Debug, Serialize)]
struct Flood {
    games: Vec<GameId>,
    blocks: BTreeSet<u64>,
}

/// How often the chain is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Blocks before the last one that showed a game in which its end is looked for: that one may be in the chain no more.
const REORGANISED: u64 = 8;

/// Executes a result again and challenges it if it is wrong.
///
/// # Errors
/// [`Exit::BadInput`] (no such result, data that is missing), [`Exit::NoNode`], [`Exit::Refused`]; [`Exit::Failure`] if the challenge is lost.
pub async fn run(args: ChallengeArgs, context: &Context) -> anyhow::Result<()> {
    let signed = args.send.open(context).await?;
    let config = signed.session.config.clone().with_storage(&args.storage).with_memory(&args.memory);
    let config = config.with_device(&args.device);
    let blobs = blobs::connect(&config, Identity::Passing)?;
    let workshop = Arc::new(EngineWorkshop::new(&config, blobs.clone())?);
    let client = &signed.session.client;
    let best = client.at_best().await.coded()?;
    if let Some(network) = blobs.network() {
        let own = signed.key.account();
        network.set_workers(providers::some_addresses(&best, |owner| *owner != own).await.coded()?);
    }
    let none = |what: &str| failure(Exit::BadInput, format!("there is no such {what}, or it is settled"));

    let mut rounds = Rounds::at(&best);
    let all = rounds.rounds(args.run).await.coded()?;
    let found = all.iter().rev().find(|round| {
        round.key.round == args.round && args.attempt.is_none_or(|attempt| round.key.attempt == attempt)
    });
    let key = found.ok_or_else(|| none("round"))?.key;
    let target = match args.slot {
        Some(slot) => {
            let found = rounds.slot(args.run, key, slot).await.coded()?.ok_or_else(|| none("slot"))?;
            Target::Slot { slot, generation: found.generation }
        }
        None => Target::Aggregation,
    };
    let who = signed.key.account();
    let about = Dispute {
        run: args.run,
        round: key,
        target,
        challenger: who,
        defender: who,
        risk: Risk::Bond(0),
        stage: Phase::Naming { until: 0 },
    };
    let (_, spec) = Specs::default().of(&mut rounds, args.run).await.coded()?.ok_or_else(|| none("run"))?;
    let place = |game| About {
        game,
        side: Side::Challenger,
        spec: spec.clone(),
        origins: Vec::new(),
        seen: seen_file(&config.storage.state, game),
        state: &config.storage.state,
    };
    let sheet = table(place(0), &about, &mut rounds).await?.ok_or_else(|| none("result"))?;

    let mut ended =
        Ended { run: args.run, round: key, slot: args.slot, wrong: true, game: args.game, won: None };
    if let Some(game) = args.game {
        let table = Table { game, seen: seen_file(&config.storage.state, game), ..sheet };
        let end = play(&signed, workshop, table, best.number(), context).await?;
        return tell(ended, end, context);
    }
    let claim = match args.blindly {
        Some(Blind::Slot) => Some(Claim::Slot),
        Some(Blind::Finish) => Some(Claim::Finish),
        Some(Blind::Aggregate) => Some(Claim::Aggregate),
        None => find(workshop.clone(), sheet.clone(), context).await?,
    };
    let Some(claim) = claim else {
        ended.wrong = false;
        return context.print(&ended, "it is right: nothing is challenged\n".to_string());
    };
    tracing::warn!(?claim, "it is wrong: challenging it");
    let call = Call::challenge(args.run, key, target, claim);
    if let Some(times) = args.flood {
        return flood(&signed, &call, times, context).await;
    }
    let included = client.submit(&call, &signed.key, Until::Best).await.coded()?;
    let game: GameId = included
        .first_field(event::CHALLENGED)
        .ok_or_else(|| failure(Exit::Failure, "the chain did not say which game it is".to_string()))?;
    ended.game = Some(game);
    tracing::info!(game, block = included.number, "challenged");
    let table = Table { game, seen: seen_file(&config.storage.state, game), ..sheet };
    let end = play(&signed, workshop, table, included.number, context).await?;
    tell(ended, end, context)
}

/// Tells how a game ended, by the chain's own event.
fn tell(mut ended: Ended, end: GameEnd, context: &Context) -> anyhow::Result<()> {
    let text = match end {
        GameEnd::Lost { loser: Side::Defender, .. } => {
            ended.won = Some(true);
            "the result was wrong, and its worker is slashed"
        }
        GameEnd::Lost { loser: Side::Challenger, .. } => {
            ended.won = Some(false);
            "the challenge is lost, and its bond"
        }
        GameEnd::Overtaken => "it was decided otherwise: nobody has lost, and the bond is released",
    };
    context.print(&ended, format!("{text}\n"))?;
    if ended.won == Some(false) {
        return Err(failure(Exit::Failure, "the challenge was lost".to_string()));
    }
    Ok(())
}

/// Sends a challenge so many times, without waiting for a block between them.
async fn flood(
    signed: &super::on_chain::Signed,
    call: &Call,
    times: u16,
    context: &Context,
) -> anyhow::Result<()> {
    let mut sender = signed.session.client.sender(&signed.key).await.coded()?;
    let mut sent = Vec::new();
    for _ in 0..times {
        sent.push(sender.send(call).await.coded()?);
    }
    let (mut games, mut blocks) = (Vec::new(), BTreeSet::new());
    for challenge in sent {
        let included = challenge.included(Until::Best).await.coded()?;
        blocks.insert(included.number);
        games.extend(included.first_field::<GameId>(event::CHALLENGED));
    }
    let text = format!("{} challenges in {} blocks\n", games.len(), blocks.len());
    context.print(&Flood { games, blocks }, text)
}

async fn find(
    workshop: Arc<EngineWorkshop>,
    table: Table,
    context: &Context,
) -> anyhow::Result<Option<Claim>> {
    let stop = context.stop.clone();
    tokio::task::spawn_blocking(move || workshop.find_wrong(&table, &stop)).await?
}

/// How a game ended by `best`, if it did in a block after `read`.
async fn end_of(client: &Client, game: GameId, read: u64, best: &At) -> anyhow::Result<Option<GameEnd>> {
    let events = client.game_events(read.saturating_sub(REORGANISED), best).await.coded()?;
    Ok(events.into_iter().rev().find_map(|(_, of, event)| match event {
        GameEvent::Ended(end) if of == game => Some(end),
        _ => None,
    }))
}

/// Plays until the game is over, and returns how it ended. It was open after block `read`.
async fn play(
    signed: &super::on_chain::Signed,
    workshop: Arc<EngineWorkshop>,
    table: Table,
    mut read: u64,
    context: &Context,
) -> anyhow::Result<GameEnd> {
    let (client, game) = (&signed.session.client, table.game);
    let (player, mut moves) = (Player::begin(workshop), Moves::default());
    let table = Arc::new(table);
    let mut asked = None;
    loop {
        if context.stop.is_raised() {
            break Err(context
                .stop
                .error("stopped: the game goes on without this side, which loses when its clock runs out"));
        }
        let best: At = client.at_best().await.coded()?;
        let Some((_, dispute)) = best.disputes().await.coded()?.into_iter().find(|(id, _)| *id == game)
        else {
            break end_of(client, game, read, &best).await?.ok_or_else(|| {
                failure(Exit::Failure, format!("game {game} is over, and no block since {read} says how"))
            });
        };
        read = best.number();
        if player.has_ended() {
            break Err(failure(Exit::Failure, "the thread that finds moves broke down".to_string()));
        }
        moves.land(read).await;
        if dispute.turn() == Side::Challenger {
            let position = Position { phase: dispute.stage, shown: None }.name();
            if asked != Some(position) {
                player.ask(turn_of(game, &dispute, table.clone(), &best).await.coded()?);
                asked = Some(position);
            }
            match player.found(game, position) {
                Some(Ok(said)) if moves.wants(game, position, read) => {
                    let call = call_of(game, position, &said);
                    let due = call.map(|call| Due { game, position, until: dispute.until(), call });
                    send(client, &signed.key, &mut moves, due.into_iter().collect(), read).await.coded()?;
                }
                Some(Err(error)) => break Err(failure(Exit::Failure, format!("no move was found: {error}"))),
                Some(Ok(_)) | None => {}
            }
        }
        tokio::select! {
            () = context.stop.raised() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

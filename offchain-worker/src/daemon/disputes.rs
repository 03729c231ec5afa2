//! Disputes that this worker is a side of: it alarms its operator, and plays, following the best block.
//!
//! - [`player`] is the thread that finds moves, for all games: the most urgent first. What it has executed is kept from one move to the
//!   next, and shared by all games about the same slot.
//! - [`moves`] sends what was found, of all games at once, and again if it is not in the chain some blocks later.
//! - [`table`] is what a game is about.
//!
//! After a restart everything is executed again; what a challenger has seen, and what an auditor found, is on the disk. Games in which
//! another side's time is up are ended, own ones and others', like runs are poked: if the chain does not do it by itself.

mod moves;
mod player;
mod table;
#[cfg(test)]
mod testing;

pub(crate) use moves::{Due, Moves};
pub(crate) use player::Player;
pub(crate) use table::{About, seen_file, table};

use super::{
    Daemon,
    decide::poke_delay,
    journal::Event,
    watch::Rounds,
    work::{Position, Said, Table, Turn},
};
use crate::{
    chain::{At, Call, ChainError, Client, Dispute, GameEnd, GameEvent},
    keys::{AccountId, Key},
    metrics::metrics,
};
use sabha_protocol::{
    ActiveBlock, Digest, RunId,
    dispute::{
        Side,
        record::{GameId, Risk},
    },
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Blocks to wait before what failed is tried again.
const RETRY_BLOCKS: u64 = 4;

/// Blocks whose events are read at once, at most: a daemon that was away does not tell what it missed.
const EVENT_BLOCKS: u64 = 64;

/// How long to look for leaves that were published.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(15);

/// Games that are ended between two looks at the chain, at most: each costs a fee if somebody was sooner.
const ENDS_A_LOOK: usize = 16;

/// Stands for the position of a game in which a side has no time left.
const TIME_IS_UP: Digest = Digest([0xff; 32]);

/// Stands for the position of a game that was overtaken.
const OVERTAKEN: Digest = Digest([0xfe; 32]);

/// A game that this worker plays in.
struct Seat {
    table: Arc<Table>,
    /// The position that the player was asked about last.
    asked: Option<Digest>,
}

/// Disputes of this worker.
#[derive(Default)]
pub(super) struct Disputes {
    player: Option<Player>,
    seats: BTreeMap<GameId, Seat>,
    moves: Moves,
    /// Games that are not to be looked at before a block.
    later: BTreeMap<GameId, u64>,
    /// Games that the operator was told of, with the moves that were made in them since.
    told: BTreeMap<GameId, u32>,
    /// Games in which another side's time is up, since a block.
    overdue: BTreeMap<GameId, u64>,
    /// The last block whose events were read.
    read: Option<u64>,
}

impl Disputes {
    /// Whether something was found that was not sent yet.
    pub(super) fn have_news(&self) -> bool {
        let news = self.player.iter().flat_map(Player::news);
        news.into_iter().any(|(game, position)| {
            let asked = self.seats.get(&game).is_some_and(|seat| seat.asked == Some(position));
            asked && !self.moves.has_sent(game, position) && !self.later.contains_key(&game)
        })
    }

    /// Moves that are on their way into a block.
    pub(super) fn flying(&self) -> usize {
        self.moves.flying()
    }

    /// Ends the thread.
    pub(super) fn end(&mut self) {
        self.player = None;
        self.seats.clear();
    }

    /// Forgets what was found for a game: it is not this side's move.
    fn hush(&mut self, game: GameId) {
        if let Some(seat) = self.seats.get_mut(&game) {
            seat.asked = None;
        }
        if let Some(player) = &self.player {
            player.forget(game);
        }
    }

    /// Forgets a game that is over, or that begins anew.
    fn leave(&mut self, game: GameId) {
        self.seats.remove(&game);
        if let Some(player) = &self.player {
            player.forget(game);
        }
    }
}

/// The side that an account is on.
fn side_of(dispute: &Dispute, owner: &AccountId, hot_key: &AccountId) -> Option<Side> {
    if dispute.defender == *owner {
        Some(Side::Defender)
    } else if dispute.challenger == *owner || dispute.challenger == *hot_key {
        Some(Side::Challenger)
    } else {
        None
    }
}

/// What is sent for what was found. `None` if nothing is.
pub(crate) fn call_of(game: GameId, position: Digest, said: &Said) -> Option<Call> {
    match said {
        Said::Name(claim) => Some(Call::name_claim(game, *claim)),
        Said::Answer(answer) => Some(Call::answer(game, position, answer)),
        Said::Press(made) => Some(Call::press(game, position, made)),
        Said::Nothing => None,
    }
}

/// The turn of a game, as it is now.
pub(crate) async fn turn_of(
    game: GameId,
    dispute: &Dispute,
    table: Arc<Table>,
    best: &At,
) -> Result<Turn, ChainError> {
    let shown = match table.side {
        Side::Challenger => best.shown(game).await?,
        Side::Defender => None,
    };
    Ok(Turn { table, position: Position { phase: dispute.stage, shown }, until: dispute.until() })
}

/// Sends what is due.
///
/// # Errors
/// If the node does not answer.
pub(crate) async fn send(
    client: &Client,
    key: &Key,
    moves: &mut Moves,
    due: Vec<Due>,
    block: u64,
) -> Result<(), ChainError> {
    if due.is_empty() {
        return Ok(());
    }
    moves.send(due, &mut client.sender(key).await?, block).await
}

impl Daemon {
    /// Looks after the disputes that this worker is a side of.
    pub(super) async fn tend_disputes(&mut self, best: &At) -> anyhow::Result<()> {
        let (owner, hot_key) = (self.owner, self.key.account());
        let (mut mine, mut others) = (BTreeMap::new(), BTreeMap::new());
        for (game, dispute) in best.disputes().await? {
            if let Some(side) = side_of(&dispute, &owner, &hot_key) {
                mine.insert(game, (side, dispute));
            } else {
                others.insert(game, dispute);
            }
        }
        let block = best.number();
        self.close_the_books(best, &mine).await;
        let refused = self.disputes.moves.land(block).await;
        self.disputes.moves.retain(|game| mine.contains_key(&game) || others.contains_key(&game));
        metrics().disputes_open(mine.len());
        if mine.is_empty() {
            self.disputes.end();
        }
        if mine.is_empty() && others.is_empty() {
            return Ok(());
        }
        let active = best.active_blocks().await?;
        let mut due = self.overdue(best, &mine, &others, active).await?;
        let mut rounds = Rounds::at(best);
        for (game, (side, dispute)) in mine {
            self.alarm(game, side, &dispute);
            if refused.contains(&game) && best.is_overtaken(game).await? {
                due.push(Due { game, position: OVERTAKEN, until: 0, call: Call::close(game) });
                continue;
            }
            if self.disputes.later.get(&game).is_some_and(|until| block < *until) {
                continue;
            }
            self.disputes.later.remove(&game);
            due.extend(self.play_on(game, side, &dispute, active, best, &mut rounds).await?);
        }
        for Due { game, position, call, .. } in &due {
            let (game, position, call) = (*game, *position, call.name.to_string());
            self.record(Event::Moving { game, position, call })?;
        }
        Ok(send(&self.client, &self.key, &mut self.disputes.moves, due, block).await?)
    }

    /// Tells how games ended, by the chain's events.
    async fn close_the_books(&mut self, best: &At, mine: &BTreeMap<GameId, (Side, Dispute)>) {
        let read = self.disputes.read.replace(best.number());
        if mine.is_empty() && self.disputes.told.is_empty() {
            return;
        }
        let first = read.map_or(best.number(), |read| read.saturating_add(1));
        let oldest = best.number().saturating_sub(EVENT_BLOCKS);
        let mut ends = BTreeMap::new();
        match self.client.game_events(first.max(oldest), best).await {
            Ok(events) => {
                for (_, game, event) in events {
                    match (event, self.disputes.told.get_mut(&game)) {
                        (GameEvent::Moved(_), Some(moves)) => *moves = moves.saturating_add(1),
                        (GameEvent::Moved(_), None) => {}
                        (GameEvent::Ended(end), _) => {
                            ends.insert(game, end);
                        }
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "what the last blocks did in disputes cannot be read"),
        }
        let told = self.disputes.told.iter().map(|(game, moves)| (*game, *moves));
        let over: Vec<(GameId, u32)> = told.filter(|(game, _)| !mine.contains_key(game)).collect();
        for (game, moves) in over {
            match ends.get(&game) {
                Some(GameEnd::Lost { loser, timed_out }) => {
                    tracing::info!(game, ?loser, timed_out, moves, "the dispute is over");
                }
                Some(GameEnd::Overtaken) => tracing::info!(game, "the dispute is over: it was overtaken"),
                None => tracing::info!(game, "the dispute is over: how is not known"),
            }
            self.disputes.told.remove(&game);
            self.disputes.later.remove(&game);
            self.disputes.leave(game);
            let _ = std::fs::remove_file(seen_file(&self.state, game));
        }
    }

    /// The games that the chain should have ended by now: those whose time is up for longer than the chain and others take. Of games of
    /// others only if runs are poked, too.
    async fn overdue(
        &mut self,
        best: &At,
        mine: &BTreeMap<GameId, (Side, Dispute)>,
        others: &BTreeMap<GameId, Dispute>,
        active: ActiveBlock,
    ) -> Result<Vec<Due>, ChainError> {
        let block = best.number();
        let won = mine.iter().filter(|(_, (side, dispute))| {
            // Whose own time is up leaves it to the others to say so.
            dispute.expired(active).is_some_and(|loser| loser != *side)
        });
        let pokes = self.memory.pokes;
        let late = others.iter().filter(|(_, dispute)| pokes && dispute.expired(active).is_some());
        let late = late.map(|(game, dispute)| (*game, dispute.run));
        let late: BTreeMap<GameId, RunId> =
            won.map(|(game, (_, dispute))| (*game, dispute.run)).chain(late).collect();
        self.disputes.overdue.retain(|game, _| late.contains_key(game));
        let hot_key = self.key.account();
        let mut due = Vec::new();
        for (game, run) in late {
            let since = *self.disputes.overdue.entry(game).or_insert(block);
            let ripe = block >= since.saturating_add(poke_delay(&hot_key, run, since));
            if !ripe || due.len() >= ENDS_A_LOOK || !self.disputes.moves.wants(game, TIME_IS_UP, block) {
                continue;
            }
            let overtaken = best.is_overtaken(game).await?;
            let call = if overtaken { Call::close(game) } else { Call::time_out(game) };
            // After what this worker has to say for itself.
            due.push(Due { game, position: TIME_IS_UP, until: ActiveBlock::MAX, call });
        }
        Ok(due)
    }

    fn alarm(&mut self, game: GameId, side: Side, dispute: &Dispute) {
        if self.disputes.told.contains_key(&game) {
            return;
        }
        self.disputes.told.insert(game, 0);
        metrics().disputed(side);
        let Dispute { run, round, target, challenger, .. } = dispute;
        match (side, dispute.risk) {
            (Side::Defender, _) => tracing::error!(
                game, run, round = round.round, attempt = round.attempt, ?target, %challenger,
                "a result of this worker is disputed: its stake is at risk. It is defended automatically, as long as this daemon \
                 runs and has the data"
            ),
            (Side::Challenger, Risk::Seat(place)) => tracing::warn!(
                game,
                run,
                round = round.round,
                ?target,
                place,
                "an audit of this worker differs from the result: it names what is wrong"
            ),
            (Side::Challenger, Risk::Bond(_)) => {
                tracing::info!(game, run, round = round.round, ?target, "this worker challenges a result");
            }
        }
    }

    /// What is to be sent in a game now.
    async fn play_on(
        &mut self,
        game: GameId,
        side: Side,
        dispute: &Dispute,
        active: ActiveBlock,
        best: &At,
        rounds: &mut Rounds,
    ) -> anyhow::Result<Option<Due>> {
        let block = best.number();
        if dispute.expired(active).is_some() {
            self.disputes.hush(game);
            return Ok(None);
        }
        if dispute.turn() != side || (self.options.never_answer && side == Side::Defender) {
            self.disputes.hush(game);
            return Ok(None);
        }
        if self.disputes.player.as_ref().is_some_and(Player::has_ended) {
            tracing::error!(again_in_blocks = RETRY_BLOCKS, "the thread that finds moves broke down");
            self.disputes.end();
            self.disputes.later.insert(game, block.saturating_add(RETRY_BLOCKS));
            return Ok(None);
        }
        let position = Position { phase: dispute.stage, shown: None }.name();
        let asked = self.disputes.seats.get(&game).is_some_and(|seat| seat.asked == Some(position));
        if !asked {
            return self.ask(game, side, position, dispute, best, rounds).await.map(|()| None);
        }
        let player = self.disputes.player.as_ref();
        match player.and_then(|player| player.found(game, position)) {
            None => Ok(None),
            Some(Ok(said)) => {
                let call = call_of(game, position, &said);
                if call.is_none() {
                    tracing::error!(game, "this side finds nothing that is wrong: it will lose the dispute");
                    self.disputes.later.insert(game, u64::MAX);
                }
                let wanted = self.disputes.moves.wants(game, position, block);
                let due = |call| Due { game, position, until: dispute.until(), call };
                Ok(call.filter(|_| wanted).map(due))
            }
            Some(Err(error)) => {
                tracing::error!(game, error, again_in_blocks = RETRY_BLOCKS, "no move was found");
                self.disputes.later.insert(game, block.saturating_add(RETRY_BLOCKS));
                self.disputes.leave(game);
                Ok(None)
            }
        }
    }

    /// Has a move found for a position.
    async fn ask(
        &mut self,
        game: GameId,
        side: Side,
        position: Digest,
        dispute: &Dispute,
        best: &At,
        rounds: &mut Rounds,
    ) -> anyhow::Result<()> {
        let table = match self.disputes.seats.get(&game) {
            Some(seat) => seat.table.clone(),
            None => match self.table(game, side, dispute, best, rounds).await? {
                Some(table) => Arc::new(table),
                None => return Ok(()),
            },
        };
        let turn = turn_of(game, dispute, table.clone(), best).await?;
        let workshop = &self.workshop;
        self.disputes.player.get_or_insert_with(|| Player::begin(workshop.clone())).ask(turn);
        self.disputes.seats.insert(game, Seat { table, asked: Some(position) });
        Ok(())
    }

    /// What a game is about. `None` if the chain has no record of it any more.
    async fn table(
        &mut self,
        game: GameId,
        side: Side,
        dispute: &Dispute,
        best: &At,
        rounds: &mut Rounds,
    ) -> anyhow::Result<Option<Table>> {
        let run = dispute.run;
        let Some((_, spec)) = self.specs.of(rounds, run).await? else { return Ok(None) };
        let origins = self.origins.get(&run).cloned().unwrap_or_default();
        let seen = seen_file(&self.state, game);
        let about = About { game, side, spec, origins, seen, state: &self.state };
        let Some(mut found) = table(about, dispute, rounds).await? else { return Ok(None) };
        let looking = table::published(&self.client, best, &found, dispute, rounds);
        // The clocks of other games run; without them the auditor executes the slot.
        match tokio::time::timeout(PUBLISHED_WITHIN, looking).await {
            Ok(Ok(published)) => found.published = published,
            Ok(Err(error)) => tracing::warn!(game, %error, "the leaves that were published cannot be read"),
            Err(_) => tracing::warn!(game, "the leaves that were published are not found in time"),
        }
        Ok(Some(found))
    }
}

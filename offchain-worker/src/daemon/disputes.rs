//! Disputes that this worker is a side of: it alarms its operator, and plays, following the best block.
//!
//! Each game has a thread of its own ([`Workshop::play`]), which keeps what it has executed from one move to the next. The threads are
//! asked for a move whenever it is this worker's turn in a position that they have not seen; what they say is signed and sent, and sent
//! again if it is not in the chain some blocks later. After a restart everything is executed again; what a challenger has seen is on
//! the disk.

use super::{
    Daemon,
    task::{Kind, Task},
    watch::Rounds,
    work::{self, Origin, Position, Said, Table, Workshop},
};
use crate::{
    chain::{At, Call, ChainError, Client, Dispute, Round, Until},
    error::Exit,
    keys::{AccountId, Key},
    metrics::metrics,
    stop::Stop,
};
use sabha_protocol::{
    ActiveBlock, Digest, Outcome, RunSpec, SlotIndex,
    dispute::{
        Side, Subject,
        record::{GameId, Risk, Target},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};
use tokio::task::JoinHandle;

/// Blocks after which a move that is not in the chain is sent again.
const RESEND_BLOCKS: u64 = 3;

/// Blocks to wait before a thread that failed begins again, or a game without time left is pointed out again.
const RETRY_BLOCKS: u64 = 4;

/// How often a thread that waits looks whether it is to end.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// A game that this worker plays in.
pub(crate) struct Seat {
    to: mpsc::Sender<Position>,
    said: Arc<Mutex<Option<(Digest, Said)>>>,
    stop: Stop,
    handle: JoinHandle<anyhow::Result<()>>,
    /// The position that the thread was asked about last.
    asked: Option<Digest>,
    /// The position for which a move was sent last, and in which block.
    sent: Option<(Digest, u64)>,
}

impl Seat {
    /// Begins a thread for a game.
    pub(crate) fn sit(workshop: Arc<dyn Workshop>, table: Table) -> Self {
        let (to, positions) = mpsc::channel();
        let said = Arc::new(Mutex::new(None));
        let stop = Stop::new();
        let (heard, raised) = (said.clone(), stop.clone());
        let handle = tokio::task::spawn_blocking(move || {
            let mut next = || {
                // Now and then it looks whether it is to end.
                loop {
                    match positions.recv_timeout(LOOKS_EVERY) {
                        Ok(position) => return Some(position),
                        Err(mpsc::RecvTimeoutError::Timeout) if !raised.is_raised() => {}
                        Err(_) => return None,
                    }
                }
            };
            let mut say = |position, what| {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some((position, what));
            };
            workshop.play(&table, &mut next, &mut say, &raised)
        });
        Self { to, said, stop, handle, asked: None, sent: None }
    }

    /// Whether the thread has ended, which it does by itself only if it failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.handle.is_finished()
    }

    /// Why the thread has failed.
    pub(crate) async fn failure(self) -> String {
        match self.handle.await {
            Ok(Err(error)) => format!("{error:#}"),
            Ok(Ok(())) => "it was stopped".into(),
            Err(error) => format!("it broke down: {error}"),
        }
    }

    /// The call to be sent in this position, if it is known by now and was not sent a moment ago.
    pub(crate) async fn call(
        &mut self,
        game: GameId,
        side: Side,
        dispute: &Dispute,
        best: &At,
    ) -> Result<Option<Call>, ChainError> {
        let (phase, block) = (dispute.stage, best.number());
        let position = Position { phase, shown: None }.name();
        if self.asked != Some(position) {
            let shown = match side {
                Side::Challenger => best.shown(game).await?,
                Side::Defender => None,
            };
            // A thread that has ended is looked at with the next block.
            if self.to.send(Position { phase, shown }).is_ok() {
                self.asked = Some(position);
            }
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((_, said)) = said.filter(|(of, _)| *of == position) else { return Ok(None) };
        if self.sent.is_some_and(|(of, at)| of == position && block < at.saturating_add(RESEND_BLOCKS)) {
            return Ok(None);
        }
        let again = self.sent.is_some_and(|(of, _)| of == position);
        self.sent = Some((position, block));
        Ok(match &said {
            Said::Name(claim) => Some(Call::name_claim(game, *claim)),
            Said::Answer(answer) => Some(Call::answer(game, position, answer)),
            Said::Press(made) => Some(Call::press(game, position, made)),
            Said::Nothing => {
                if !again {
                    tracing::error!(game, "this side finds nothing that is wrong: it will lose the dispute");
                }
                None
            }
        })
    }

    /// Ends the thread.
    pub(crate) fn leave(&self) {
        self.stop.raise(Exit::Terminated);
    }
}

/// Sends a move. What is refused is looked at again with the next block.
pub(crate) async fn send(client: &Client, key: &Key, game: GameId, call: &Call) -> anyhow::Result<()> {
    let result = client.submit(call, key, Until::Best).await;
    metrics().sent(&result);
    match result {
        Ok(included) => {
            metrics().moved();
            let bytes = call.arguments().len();
            tracing::info!(game, block = included.number, call = %call.name, bytes, "moved");
            Ok(())
        }
        Err(error) if error.refusal().is_some() => {
            tracing::warn!(game, %error, "the move was refused: looking again");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Disputes of this worker.
#[derive(Default)]
pub(super) struct Disputes {
    seats: BTreeMap<GameId, Seat>,
    /// Games that are not to be looked at before a block.
    later: BTreeMap<GameId, u64>,
    /// Games that the operator was told of.
    told: BTreeSet<GameId>,
}

impl Disputes {
    /// Whether a thread has said something that was not sent yet.
    pub(super) fn have_news(&self) -> bool {
        self.seats.values().any(|seat| match &*seat.said.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((position, _)) => seat.sent.is_none_or(|(sent, _)| sent != *position),
            None => false,
        })
    }

    /// Ends all threads.
    pub(super) fn end(&mut self) {
        for seat in std::mem::take(&mut self.seats).into_values() {
            seat.leave();
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

impl Daemon {
    /// Looks after the disputes that this worker is a side of.
    pub(super) async fn tend_disputes(&mut self, best: &At) -> anyhow::Result<()> {
        let (owner, hot_key) = (self.owner, self.key.account());
        let mut mine: BTreeMap<GameId, (Side, Dispute)> = BTreeMap::new();
        for (game, dispute) in best.disputes().await? {
            if let Some(side) = side_of(&dispute, &owner, &hot_key) {
                mine.insert(game, (side, dispute));
            }
        }
        let over: Vec<GameId> =
            self.disputes.told.iter().copied().filter(|game| !mine.contains_key(game)).collect();
        for game in over {
            tracing::info!(game, "the dispute is over");
            self.disputes.told.remove(&game);
            self.disputes.later.remove(&game);
            if let Some(seat) = self.disputes.seats.remove(&game) {
                seat.leave();
            }
            let _ = std::fs::remove_file(seen_file(&self.state, game));
        }
        metrics().disputes_open(mine.len());
        if mine.is_empty() {
            return Ok(());
        }
        let active = best.active_blocks().await?;
        let mut rounds = Rounds::at(best);
        for (game, (side, dispute)) in mine {
            self.alarm(game, side, &dispute);
            if self.disputes.later.get(&game).is_some_and(|until| best.number() < *until) {
                continue;
            }
            self.play_on(game, side, &dispute, active, best, &mut rounds).await?;
        }
        Ok(())
    }

    fn alarm(&mut self, game: GameId, side: Side, dispute: &Dispute) {
        if !self.disputes.told.insert(game) {
            return;
        }
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

    async fn play_on(
        &mut self,
        game: GameId,
        side: Side,
        dispute: &Dispute,
        active: ActiveBlock,
        best: &At,
        rounds: &mut Rounds<'_>,
    ) -> anyhow::Result<()> {
        let block = best.number();
        if let Some(loser) = dispute.expired(active) {
            if loser != side {
                self.point_out(game, block).await?;
            }
            return Ok(());
        }
        if dispute.turn() != side || (self.options.never_answer && side == Side::Defender) {
            return Ok(());
        }
        let failed = self.disputes.seats.get(&game).is_some_and(Seat::has_failed);
        if failed && let Some(seat) = self.disputes.seats.remove(&game) {
            let error = seat.failure().await;
            tracing::error!(game, error, again_in_blocks = RETRY_BLOCKS, "no move was found");
            self.disputes.later.insert(game, block.saturating_add(RETRY_BLOCKS));
            return Ok(());
        }
        if !self.disputes.seats.contains_key(&game) {
            let Some(table) = self.table(game, side, dispute, best, rounds).await? else { return Ok(()) };
            self.disputes.seats.insert(game, Seat::sit(self.workshop.clone(), table));
        }
        let Some(seat) = self.disputes.seats.get_mut(&game) else { return Ok(()) };
        let Some(call) = seat.call(game, side, dispute, best).await? else { return Ok(()) };
        send(&self.client, &self.key, game, &call).await
    }

    /// Says that the other side has no time left; the chain finds out by itself as well.
    async fn point_out(&mut self, game: GameId, block: u64) -> anyhow::Result<()> {
        self.disputes.later.insert(game, block.saturating_add(RETRY_BLOCKS));
        match self.submit(&Call::time_out(game)).await {
            Ok(included) => tracing::info!(game, block = included.number, "the other side has no time left"),
            Err(error) if error.refusal().is_some() => tracing::debug!(game, %error, "somebody was sooner"),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// What a game is about. `None` if the chain has no record of it any more.
    async fn table(
        &mut self,
        game: GameId,
        side: Side,
        dispute: &Dispute,
        best: &At,
        rounds: &mut Rounds<'_>,
    ) -> anyhow::Result<Option<Table>> {
        let run = dispute.run;
        let Some((_, spec)) = self.specs.of(best, run).await? else { return Ok(None) };
        let origins = self.origins.get(&run).cloned().unwrap_or_default();
        let seen = seen_file(&self.state, game);
        let about = About { game, side, spec, origins, seen, state: &self.state };
        table(about, dispute, rounds).await
    }
}

/// What is known of a game besides what the chain says.
pub(crate) struct About<'a> {
    pub(crate) game: GameId,
    pub(crate) side: Side,
    pub(crate) spec: RunSpec,
    pub(crate) origins: Vec<Origin>,
    pub(crate) seen: PathBuf,
    pub(crate) state: &'a Path,
}

/// What a game is about. `None` if the chain has no record of it any more.
pub(crate) async fn table(
    about: About<'_>,
    dispute: &Dispute,
    rounds: &mut Rounds<'_>,
) -> anyhow::Result<Option<Table>> {
    let (run, key) = (dispute.run, dispute.round);
    let Some(round) = rounds.round(run, key).await? else { return Ok(None) };
    let slots = rounds.slots(run, key).await?.to_vec();
    let mut updates: Vec<(SlotIndex, Digest)> = Vec::new();
    for (index, slot) in &slots {
        if let (true, Some(Outcome::Trained(commitment))) = (round.accepted.contains(*index), slot.outcome())
        {
            updates.push((*index, commitment.update_digest));
        }
    }
    let (subject, place, generation) = match dispute.target {
        Target::Slot { slot, generation } => {
            let found = slots.iter().find(|(index, found)| *index == slot && found.generation == generation);
            let Some(outcome) = found.and_then(|(_, found)| found.outcome()) else { return Ok(None) };
            (Subject::Slot { slot, outcome }, slot, generation)
        }
        Target::Aggregation => {
            let Round { result: Some((checkpoint, _)), .. } = &round else { return Ok(None) };
            let workers = u16::try_from(updates.len()).unwrap_or(u16::MAX);
            (Subject::Aggregation { workers, result: checkpoint.root }, 0, 0)
        }
    };
    let task = Task { kind: Kind::Train, run, round: key, place, generation };
    Ok(Some(Table {
        game: about.game,
        side: about.side,
        round: key.round,
        spec: about.spec,
        base: round.base,
        subject,
        updates,
        folder: work::folder_of(about.state, &task),
        seen: about.seen,
        origins: about.origins,
    }))
}

/// Where what a challenger has seen of a game is kept.
pub(crate) fn seen_file(state: &Path, game: GameId) -> PathBuf {
    state.join("disputes").join(format!("{game}.seen"))
}

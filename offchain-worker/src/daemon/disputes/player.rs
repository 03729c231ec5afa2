//! The thread that finds this worker's moves, for all games: the most urgent first, and one after another, for each of them takes all
//! cores and the memory of a whole trace.

use crate::{
    daemon::work::{Bench, Said, Turn, Turns, Workshop},
    error::Exit,
    stop::Stop,
};
use sabha_protocol::{ActiveBlock, Digest, dispute::record::GameId};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// How often the thread looks whether it is to end while it has nothing to do.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// How long there must have been nothing to do before memory is given back: other sides that play at once are answered from what is at hand.
const IDLE_AFTER: Duration = Duration::from_secs(60);

/// Which turn comes next: the one whose time is up first; of equal ones one about what is at hand, so that nothing is executed again for
/// nothing.
fn most_urgent<'t>(
    waiting: impl Iterator<Item = (GameId, ActiveBlock, &'t Bench)>,
    at_hand: Option<&Bench>,
) -> Option<GameId> {
    let first = waiting.min_by_key(|(game, until, bench)| (*until, at_hand != Some(*bench), *game));
    first.map(|(game, ..)| game)
}

/// A move, or why none was found.
pub(crate) type Found = Result<Said, String>;

#[derive(Default)]
struct Papers {
    waiting: BTreeMap<GameId, (Bench, Turn)>,
    found: BTreeMap<GameId, (Digest, Found)>,
}

#[derive(Default)]
struct Desk {
    papers: Mutex<Papers>,
    changed: Condvar,
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.papers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread.
pub(crate) struct Player {
    desk: Arc<Desk>,
    stop: Stop,
    handle: JoinHandle<()>,
}

impl Player {
    /// Begins it.
    pub(crate) fn begin(workshop: Arc<dyn Workshop>) -> Self {
        let (desk, stop) = (Arc::<Desk>::default(), Stop::new());
        let mut asked = Asked { desk: desk.clone(), stop: stop.clone() };
        let raised = stop.clone();
        let handle = tokio::task::spawn_blocking(move || workshop.play(&mut asked, &raised));
        Self { desk, stop, handle }
    }

    /// Asks for a move.
    pub(crate) fn ask(&self, turn: Turn) {
        let mut papers = self.desk.papers();
        papers.found.remove(&turn.table.game);
        papers.waiting.insert(turn.table.game, (turn.table.bench(), turn));
        drop(papers);
        self.desk.changed.notify_one();
    }

    /// What was found for a position of a game, if it is by now.
    pub(crate) fn found(&self, game: GameId, position: Digest) -> Option<Found> {
        let papers = self.desk.papers();
        let found = papers.found.get(&game).filter(|(of, _)| *of == position);
        found.map(|(_, found)| found.clone())
    }

    /// The games and positions for which something was found.
    pub(crate) fn news(&self) -> Vec<(GameId, Digest)> {
        self.desk.papers().found.iter().map(|(game, (position, _))| (*game, *position)).collect()
    }

    /// A game is over, or begins anew.
    pub(crate) fn forget(&self, game: GameId) {
        let mut papers = self.desk.papers();
        papers.waiting.remove(&game);
        papers.found.remove(&game);
    }

    /// Whether the thread has ended by itself: it broke down.
    pub(crate) fn has_ended(&self) -> bool {
        self.handle.is_finished()
    }

    /// Ends the thread.
    pub(crate) fn end(&self) {
        self.stop.raise(Exit::Terminated);
        self.desk.changed.notify_one();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread is asked.
struct Asked {
    desk: Arc<Desk>,
    stop: Stop,
}

impl Turns for Asked {
    fn next(&mut self, at_hand: Option<&Bench>, idle: &mut dyn FnMut()) -> Option<Turn> {
        let mut idle = Some(idle);
        let since = Instant::now();
        let mut papers = self.desk.papers();
        loop {
            if self.stop.is_raised() {
                return None;
            }
            let waiting = papers.waiting.iter().map(|(game, (bench, turn))| (*game, turn.until, bench));
            if let Some((_, turn)) =
                most_urgent(waiting, at_hand).and_then(|game| papers.waiting.remove(&game))
            {
                return Some(turn);
            }
            let waited = self.desk.changed.wait_timeout(papers, LOOKS_EVERY);
            papers = waited.unwrap_or_else(PoisonError::into_inner).0;
            if since.elapsed() >= IDLE_AFTER
                && let Some(idle) = idle.take()
            {
                drop(papers);
                idle();
                papers = self.desk.papers();
            }
        }
    }

    fn say(&mut self, game: GameId, position: Digest, said: anyhow::Result<Said>) {
        let found = said.map_err(|error| format!("{error:#}"));
        self.desk.papers().found.insert(game, (position, found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::disputes::testing::{Fake, turn};

    #[test]
    fn the_nearest_time_out_comes_first_and_then_what_is_at_hand() {
        let benches: Vec<Bench> = [0, 1].map(|slot| turn(0, slot, 9).table.bench()).into();
        let choose = |waiting: &[(GameId, ActiveBlock, usize)], at_hand: Option<usize>| {
            let waiting = waiting.iter().map(|(game, until, bench)| (*game, *until, &benches[*bench]));
            most_urgent(waiting, at_hand.map(|bench| &benches[bench]))
        };
        assert_eq!(choose(&[], None), None);
        let three = [(1, 30, 0), (2, 20, 0), (3, 20, 1)];
        assert_eq!(choose(&three, None), Some(2));
        assert_eq!(choose(&three, Some(1)), Some(3), "no other execution for nothing");
        assert_eq!(choose(&three[..2], Some(1)), Some(2), "but time comes first");
        assert_eq!(choose(&[(1, 30, 1), (2, 20, 0)], Some(1)), Some(2));
    }

    /// Sixty-four games about one slot, and one about another: one thread, and one execution of each.
    #[tokio::test]
    async fn games_about_one_slot_share_an_execution() {
        let workshop = Arc::new(Fake::default());
        let player = Player::begin(workshop.clone());
        // While it thinks about the first, the others come.
        let gate = workshop.gate();
        for game in 0..64 {
            player.ask(turn(game, 1, 100));
        }
        player.ask(turn(64, 2, 100));
        player.ask(turn(65, 1, 40));
        drop(gate);
        let position = turn(0, 1, 100).position.name();
        for game in 0..66 {
            while player.found(game, position).is_none() {
                assert!(!player.has_ended());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let (order, executed) = workshop.log();
        assert_eq!(executed, 2, "{order:?}");
        assert!(order.iter().position(|game| *game == 65).unwrap() <= 1, "its time is up first: {order:?}");
        assert_eq!(player.news().len(), 66);
        player.forget(3);
        assert_eq!(player.found(3, position), None);
        player.end();
    }
}

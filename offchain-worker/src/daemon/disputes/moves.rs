//! Sending moves: those of all games at once, each in the next block that has room for it. Whatever is lost or refused is sent again.

use crate::{
    chain::{Call, ChainError, Sender, Until},
    metrics::metrics,
};
use sabha_protocol::{ActiveBlock, Digest, dispute::record::GameId};
use std::collections::BTreeMap;
use tokio::task::JoinHandle;

/// Blocks after which a move that a block had is sent again if the game does not show it: that block is in the chain no more.
const RESEND_BLOCKS: u64 = 3;

/// Blocks to wait before what the chain refused is sent again: each time costs a fee.
const REFUSED_BLOCKS: u64 = 4;

/// A move that is to be sent.
pub(crate) struct Due {
    pub(crate) game: GameId,
    /// The position that it is for.
    pub(crate) position: Digest,
    /// The last active block for it.
    pub(crate) until: ActiveBlock,
    pub(crate) call: Call,
}

/// What becomes of a transaction: the number of the block that has it.
pub(crate) type Flight = JoinHandle<Result<u64, ChainError>>;

/// Sends transactions, one after another, without waiting for a block.
pub(crate) trait Post {
    /// Sends one.
    async fn post(&mut self, call: &Call) -> Result<Flight, ChainError>;
}

impl Post for Sender<'_> {
    async fn post(&mut self, call: &Call) -> Result<Flight, ChainError> {
        let sent = self.send(call).await?;
        Ok(tokio::spawn(async move { Ok(sent.included(Until::Best).await?.number) }))
    }
}

/// What became of the last move in a game.
enum Fate {
    /// It is on its way.
    Flies(Flight),
    /// A block has it.
    In(u64),
    /// It was lost or refused: not before this block again.
    Lost(u64),
}

struct Sent {
    position: Digest,
    call: Call,
    fate: Fate,
}

/// The last move in each game.
#[derive(Default)]
pub(crate) struct Moves {
    sent: BTreeMap<GameId, Sent>,
}

impl Moves {
    /// Whether a move for this position is to be sent now.
    pub(crate) fn wants(&self, game: GameId, position: Digest, block: u64) -> bool {
        match self.sent.get(&game).filter(|sent| sent.position == position).map(|sent| &sent.fate) {
            None => true,
            Some(Fate::Flies(_)) => false,
            Some(Fate::In(at)) => block >= at.saturating_add(RESEND_BLOCKS),
            Some(Fate::Lost(again)) => block >= *again,
        }
    }

    /// Whether a move was sent for this position before.
    pub(crate) fn has_sent(&self, game: GameId, position: Digest) -> bool {
        self.sent.get(&game).is_some_and(|sent| sent.position == position)
    }

    /// How many are on their way into a block.
    pub(crate) fn flying(&self) -> usize {
        self.sent.values().filter(|sent| matches!(sent.fate, Fate::Flies(_))).count()
    }

    /// Forgets the games that are over.
    pub(crate) fn retain(&mut self, is_open: impl Fn(GameId) -> bool) {
        self.sent.retain(|game, _| is_open(*game));
    }

    /// Takes in what became of what was sent. Returns the games whose moves the chain refused.
    pub(crate) async fn land(&mut self, block: u64) -> Vec<GameId> {
        let mut refused = Vec::new();
        for (game, sent) in &mut self.sent {
            let Fate::Flies(flight) = &mut sent.fate else { continue };
            if !flight.is_finished() {
                continue;
            }
            let (call, bytes) = (sent.call.name, sent.call.arguments().len());
            let landed = flight.await;
            if let Ok(result) = &landed {
                metrics().sent(result);
            }
            sent.fate = match landed {
                Ok(Ok(number)) => {
                    metrics().moved();
                    tracing::info!(game, block = number, %call, bytes, "moved");
                    Fate::In(number)
                }
                Ok(Err(error)) if error.refusal().is_some() => {
                    tracing::warn!(game, %error, "the move was refused: looking again");
                    refused.push(*game);
                    Fate::Lost(block.saturating_add(REFUSED_BLOCKS))
                }
                Ok(Err(error)) => {
                    tracing::warn!(game, %error, "the move was lost: sending it again");
                    Fate::Lost(block)
                }
                Err(error) => {
                    tracing::warn!(game, %error, "the move was lost: sending it again");
                    Fate::Lost(block)
                }
            };
        }
        refused
    }

    /// Sends what is due, the game whose time is up first before the others, without waiting for a block.
    ///
    /// # Errors
    /// If the node does not answer. What was not sent by then is due again.
    pub(crate) async fn send(
        &mut self,
        mut due: Vec<Due>,
        post: &mut impl Post,
        block: u64,
    ) -> Result<(), ChainError> {
        due.sort_by_key(|due| (due.until, due.game));
        for Due { game, position, call, .. } in due {
            let posted = post.post(&call).await;
            if posted.is_err() {
                metrics().sent(&posted);
            }
            let fate = match posted {
                Ok(flight) => Fate::Flies(flight),
                Err(error @ ChainError::NotAccepted { .. }) => {
                    tracing::warn!(game, %error, "the move was not taken: sending it again");
                    Fate::Lost(block.saturating_add(1))
                }
                Err(error) => return Err(error),
            };
            self.sent.insert(game, Sent { position, call, fate });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::names::call;
    use tokio::sync::oneshot;

    /// A chain whose blocks have room for everything that is in its pool.
    #[derive(Default)]
    struct Chain {
        pool: Vec<(Call, oneshot::Sender<Result<u64, ChainError>>)>,
        block: u64,
        /// How many it takes before it answers no more.
        takes: Option<usize>,
    }

    impl Post for Chain {
        async fn post(&mut self, call: &Call) -> Result<Flight, ChainError> {
            if let Some(takes) = &mut self.takes {
                let left = takes.checked_sub(1);
                *takes = left.ok_or(ChainError::NoNode("gone".into()))?;
            }
            let (tell, told) = oneshot::channel();
            self.pool.push((call.clone(), tell));
            Ok(tokio::spawn(async move { told.await.unwrap() }))
        }
    }

    impl Chain {
        /// Makes a block; what becomes of each transaction in it is told by its place.
        fn make_block(&mut self, fate: impl Fn(usize) -> Result<(), ChainError>) -> usize {
            self.block += 1;
            let all: Vec<_> = self.pool.drain(..).collect();
            let count = all.len();
            for (place, (_, tell)) in all.into_iter().enumerate() {
                tell.send(fate(place).map(|()| self.block)).unwrap();
            }
            count
        }
    }

    fn at(byte: u8) -> Digest {
        Digest([byte; 32])
    }

    fn due(game: GameId, position: Digest, until: ActiveBlock) -> Due {
        Due { game, position, until, call: Call::time_out(game) }
    }

    /// What is due of so many games, all in the same position.
    fn all(moves: &Moves, games: u32, position: Digest, block: u64) -> Vec<Due> {
        let wanted = (0..games).filter(|game| moves.wants(*game, position, block));
        wanted.map(|game| due(game, position, 100 - game)).collect()
    }

    async fn land(moves: &mut Moves, block: u64) -> Vec<GameId> {
        // What was told has to come.
        while moves
            .sent
            .values()
            .any(|sent| matches!(&sent.fate, Fate::Flies(flight) if !flight.is_finished()))
        {
            tokio::task::yield_now().await;
        }
        moves.land(block).await
    }

    /// Sixty-four games that were opened in one block: all are answered in the next one.
    #[tokio::test]
    async fn the_moves_of_all_games_are_in_the_next_block() {
        let (mut chain, mut moves) = (Chain::default(), Moves::default());
        for round in 1..=5u8 {
            let wanted = all(&moves, 64, at(round), chain.block);
            assert_eq!(wanted.len(), 64);
            let block = chain.block;
            moves.send(wanted, &mut chain, block).await.unwrap();
            assert!(all(&moves, 64, at(round), chain.block + 9).is_empty(), "they are on their way");
            let first = &chain.pool[0].0;
            assert_eq!(*first, Call::time_out(63), "the nearest time-out first");
            assert_eq!(chain.make_block(|_| Ok(())), 64, "in one block");
            assert!(land(&mut moves, chain.block).await.is_empty());
        }
        assert_eq!(chain.block, 5);
    }

    #[tokio::test]
    async fn what_is_lost_or_refused_is_sent_again() {
        let (mut chain, mut moves) = (Chain::default(), Moves::default());
        moves.send(all(&moves, 5, at(1), 0), &mut chain, 0).await.unwrap();
        // Game 4 is the first.
        chain.make_block(|place| match place {
            0 => Err(ChainError::NotAccepted { call: call::ANSWER, reason: "dropped".into() }),
            1 => Err(ChainError::Refused { call: call::ANSWER, name: "Disputes.X".into(), docs: "".into() }),
            _ => Ok(()),
        });
        assert_eq!(land(&mut moves, 1).await, [3]);
        let games = |block| all(&moves, 5, at(1), block).iter().map(|due| due.game).collect::<Vec<_>>();
        assert_eq!(games(1), [4], "at once");
        // In a block that is in the chain no more: the position is the same later.
        assert_eq!(games(4), [0, 1, 2, 4]);
        assert_eq!(games(5), [0, 1, 2, 3, 4]);
        assert_eq!(all(&moves, 5, at(2), 1).len(), 5, "in a new position all are wanted");
        assert!(moves.has_sent(4, at(1)) && !moves.has_sent(4, at(2)));
    }

    #[tokio::test]
    async fn what_a_node_did_not_take_is_due_again() {
        let (mut chain, mut moves) = (Chain { takes: Some(2), ..Chain::default() }, Moves::default());
        let error = moves.send(all(&moves, 5, at(1), 0), &mut chain, 0).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        let left: Vec<GameId> = all(&moves, 5, at(1), 0).iter().map(|due| due.game).collect();
        assert_eq!(left, [0, 1, 2]);
        moves.retain(|game| game == 4);
        assert_eq!(all(&moves, 5, at(1), 0).len(), 4, "forgotten");
    }
}

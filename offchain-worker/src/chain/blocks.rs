//! Reading what blocks did: the events of disputes, and leaves that were published.

use super::{
    client::{Client, Hash, within},
    error::ChainError,
    names::{Name, call, event},
    queries::At,
};
use codec::{Decode, DecodeAll, Encode};
use futures::{StreamExt, TryStreamExt, stream};
use sabha_protocol::{
    RoundKey, RunId, SlotIndex,
    audit::Opening,
    dispute::{
        Side,
        record::{GameId, Target},
    },
};

/// Blocks that are asked for at a time.
const AT_ONCE: usize = 16;

/// What a block did in a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GameEvent {
    /// A side has moved.
    Moved(Side),
    /// It is over.
    Ended(GameEnd),
}

/// How a game ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GameEnd {
    /// A side has lost.
    Lost {
        /// Which.
        loser: Side,
        /// Whether its time had run out.
        timed_out: bool,
    },
    /// What it was about was decided otherwise: nobody has lost.
    Overtaken,
}

impl At {
    /// What the block did in disputes, in order.
    ///
    /// # Errors
    /// If the node does not answer or has the block's state no more, or the runtime differs from what this release knows.
    pub async fn game_events(&self) -> Result<Vec<(GameId, GameEvent)>, ChainError> {
        let block = self.block();
        let events = within(self.patience(), "reading a block's events", block.events().fetch()).await?;
        let mut found = Vec::new();
        for event in events.iter() {
            let event = event.map_err(|error| ChainError::Incompatible {
                what: "a block's events".into(),
                reason: error.to_string(),
            })?;
            let is = |name: Name| event.pallet_name() == name.pallet && event.event_name() == name.item;
            if let Some(name) =
                [event::MOVED, event::DECIDED, event::CLOSED].into_iter().find(|name| is(*name))
            {
                found.push(game_event(name, event.field_bytes())?);
            }
        }
        Ok(found)
    }
}

/// Reads one of the events that [`At::game_events`] tells.
fn game_event(name: Name, mut fields: &[u8]) -> Result<(GameId, GameEvent), ChainError> {
    type Decided = (GameId, RunId, RoundKey, Target, Side, bool);
    let read =
        |error: codec::Error| ChainError::Incompatible { what: name.to_string(), reason: error.to_string() };
    if name == event::MOVED {
        // Its position and time follow.
        let (game, side) = <(GameId, Side)>::decode(&mut fields).map_err(read)?;
        return Ok((game, GameEvent::Moved(side)));
    }
    if name == event::CLOSED {
        let game = GameId::decode_all(&mut fields).map_err(read)?;
        return Ok((game, GameEvent::Ended(GameEnd::Overtaken)));
    }
    let (game, _, _, _, loser, timed_out) = Decided::decode_all(&mut fields).map_err(read)?;
    Ok((game, GameEvent::Ended(GameEnd::Lost { loser, timed_out })))
}

impl Client {
    /// What the blocks from number `first` to `best` did in disputes, in order, with the number of each block.
    ///
    /// # Errors
    /// As [`At::game_events`].
    pub async fn game_events(
        &self,
        first: u64,
        best: &At,
    ) -> Result<Vec<(u64, GameId, GameEvent)>, ChainError> {
        let mut found = Vec::new();
        for number in first..best.number() {
            let at = self.at(self.hash_of(number).await?).await?;
            found.extend(at.game_events().await?.into_iter().map(|(game, event)| (number, game, event)));
        }
        if first <= best.number() {
            let events = best.game_events().await?;
            found.extend(events.into_iter().map(|(game, event)| (best.number(), game, event)));
        }
        Ok(found)
    }

    /// The leaves at the ends of a slot's audited segments, as they were published in one of the last `blocks` blocks: those that `fit`.
    /// Nothing else is looked at: the leaves prove themselves, by the root that was committed.
    ///
    /// # Errors
    /// If the node does not answer, or the runtime differs from what this release knows.
    pub async fn published(
        &self,
        best: &At,
        blocks: u64,
        (run, round, slot): (RunId, RoundKey, SlotIndex),
        fit: impl Fn(&[Opening]) -> bool,
    ) -> Result<Option<Vec<Opening>>, ChainError> {
        let mut start = best.call_index(call::PUBLISH)?.to_vec();
        start.extend((run, round, slot).encode());
        let oldest = best.number().saturating_sub(blocks).max(1);
        let mut read = stream::iter((oldest..=best.number()).rev())
            .map(|number| async move { self.extrinsics(self.hash_of(number).await?).await })
            .buffered(AT_ONCE);
        while let Some(extrinsics) = read.try_next().await? {
            for extrinsic in extrinsics {
                let found = extrinsic.windows(start.len()).position(|window| window == start);
                let arguments = found.and_then(|at| extrinsic.get(at.saturating_add(start.len())..));
                let leaves = arguments.and_then(|mut bytes| Vec::<Opening>::decode(&mut bytes).ok());
                if let Some(leaves) = leaves.filter(|leaves| fit(leaves)) {
                    return Ok(Some(leaves));
                }
            }
        }
        Ok(None)
    }

    async fn hash_of(&self, number: u64) -> Result<Hash, ChainError> {
        let what = format!("asking for block {number}");
        let found =
            within(&self.patience(), &what, self.methods().chain_get_block_hash(Some(number.into()))).await?;
        found.ok_or_else(|| ChainError::Rpc { what, reason: "the node has no such block".into() })
    }

    async fn extrinsics(&self, hash: Hash) -> Result<Vec<Vec<u8>>, ChainError> {
        let what = "reading a block's transactions";
        let found = within(&self.patience(), what, self.methods().chain_get_block(Some(hash))).await?;
        let found = found.ok_or_else(|| ChainError::Rpc {
            what: what.into(),
            reason: "the node has the block no more".into(),
        })?;
        Ok(found.block.extrinsics.into_iter().map(|extrinsic| extrinsic.0).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabha_protocol::Digest;

    #[test]
    fn the_events_of_games_are_read() {
        let moved = (7u32, Side::Defender, Digest([1; 32]), 9u32).encode();
        assert_eq!(game_event(event::MOVED, &moved).unwrap(), (7, GameEvent::Moved(Side::Defender)));
        let target = Target::Slot { slot: 3, generation: 1 };
        let key = RoundKey { round: 2, attempt: 1 };
        for (loser, timed_out) in [(Side::Challenger, true), (Side::Defender, false)] {
            let decided = (8u32, 1u32, key, target, loser, timed_out).encode();
            let end = GameEnd::Lost { loser, timed_out };
            assert_eq!(game_event(event::DECIDED, &decided).unwrap(), (8, GameEvent::Ended(end)));
            assert!(game_event(event::DECIDED, &decided[..decided.len() - 1]).is_err());
        }
        let closed = game_event(event::CLOSED, &9u32.encode()).unwrap();
        assert_eq!(closed, (9, GameEvent::Ended(GameEnd::Overtaken)));
    }
}

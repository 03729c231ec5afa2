//! What the event log tells, one event a line.

use super::task::{Act, Basis, Task};
use sabha_protocol::{ActiveBlock, Digest, RoundKey, RunId, dispute::record::GameId, round::Checkpoint};
use serde::{Deserialize, Serialize};

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The daemon started.
    Started {
        /// Hash of the chain's genesis block.
        genesis: String,
        /// The account of the hot key.
        hot_key: String,
        /// Version of this program.
        version: String,
    },
    /// The worker was asked for something, and begins or goes on with it.
    Taken {
        /// What.
        task: Task,
        /// What its result is made from.
        basis: Basis,
        /// The last active block.
        until: ActiveBlock,
        /// The number of the block that asks for it; 0 in logs of older releases.
        #[serde(default)]
        block: u64,
    },
    /// It is let go: this machine cannot do it.
    Declined {
        /// What.
        task: Task,
        /// Why.
        reason: String,
    },
    /// Training was stopped in the middle; its state is on the disk.
    Parked {
        /// What.
        task: Task,
        /// Inner steps that are done.
        step: u32,
    },
    /// The work is done, and what it made is in the blob store.
    Done {
        /// What.
        task: Task,
        /// What the result was made from.
        basis: Basis,
        /// What is to be signed.
        #[serde(with = "scale_hex")]
        act: Act,
    },
    /// The act is about to be signed and sent.
    Signing {
        /// What.
        task: Task,
        /// What is signed.
        #[serde(with = "scale_hex")]
        act: Act,
    },
    /// The chain has it.
    Settled {
        /// What.
        task: Task,
        /// The number of the block that shows it.
        block: u64,
    },
    /// It is no longer asked for, and the chain does not have it.
    Lost {
        /// What.
        task: Task,
        /// Whether its deadline was missed; else it was taken back.
        late: bool,
    },
    /// It was signed, and its round was settled before anybody saw whether it came into the chain.
    Unknown {
        /// What.
        task: Task,
    },
    /// The worker has the checkpoint that a round made, and it is the one whose root was posted.
    Holds {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
        /// The checkpoint.
        checkpoint: Checkpoint,
    },
    /// A run is about to be moved on. A second poke costs a fee and changes nothing.
    Poking {
        /// The run.
        run: RunId,
        /// How much was due.
        due: u32,
    },
    /// A move in a dispute is about to be sent. A second one for the same position is refused.
    Moving {
        /// The game.
        game: GameId,
        /// The position that it is for.
        position: Digest,
        /// The call.
        call: String,
    },
    /// The chain is about to be told where the worker serves its blobs.
    Announcing {
        /// The endpoint.
        endpoint: String,
    },
    /// A round is settled for good: nothing will be asked of its duties, and what is known of them is forgotten.
    Closed {
        /// The run.
        run: RunId,
        /// The attempt at a round.
        round: RoundKey,
    },
    /// Lines about rounds that are closed were taken out.
    Compacted {
        /// The highest block that was noted in any of them.
        seen: u64,
    },
    /// The worker says that it can be drawn.
    Ready,
    /// The worker says that it cannot be drawn any more.
    Drain,
    /// The daemon ended.
    Stopped {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The task that it is about, if it is about one.
    pub(super) fn task(&self) -> Option<Task> {
        match self {
            Self::Taken { task, .. }
            | Self::Declined { task, .. }
            | Self::Parked { task, .. }
            | Self::Done { task, .. }
            | Self::Signing { task, .. }
            | Self::Settled { task, .. }
            | Self::Lost { task, .. }
            | Self::Unknown { task } => Some(*task),
            Self::Started { .. }
            | Self::Holds { .. }
            | Self::Poking { .. }
            | Self::Moving { .. }
            | Self::Announcing { .. }
            | Self::Closed { .. }
            | Self::Compacted { .. }
            | Self::Ready
            | Self::Drain
            | Self::Stopped { .. } => None,
        }
    }
}

/// Acts in the log are bytes in hexadecimal: a loss in decimal digits might not read back as the same bits.
mod scale_hex {
    use super::Act;
    use codec::{DecodeAll, Encode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(act: &Act, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(act.encode()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Act, D::Error> {
        let bytes = hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)?;
        Act::decode_all(&mut bytes.as_slice()).map_err(D::Error::custom)
    }
}

//! What can go wrong between the worker and the chain, and which exit code each failure asks for.

use super::names::Name;
use crate::error::{Exit, ResultExt};
use std::{convert::Infallible, time::Duration};

/// A failure of a request, or of a transaction.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// None of the configured nodes answers.
    #[error("no node answers: {0}. Is `sabha-node` running, and is --url right?")]
    NoNode(String),
    /// A node took too long.
    #[error("{what}: the node gave no answer within {} s", .after.as_secs())]
    Timeout {
        /// What was asked.
        what: String,
        /// How long was waited.
        after: Duration,
    },
    /// The node answered with an error, or the connection was lost.
    #[error("{what}: {reason}")]
    Rpc {
        /// What was asked.
        what: String,
        /// Why it failed.
        reason: String,
    },
    /// What a node says of the chain cannot be believed yet: it has not got all of it.
    #[error("{url} is behind: {reason}. Wait until it has caught up, or name another node in chain.urls")]
    Behind {
        /// The node.
        url: String,
        /// How that is known.
        reason: String,
    },
    /// The configured genesis is not a hash.
    #[error(
        "the genesis {0:?} (--genesis, or chain.genesis in the configuration) is not a hash: 0x and 64 hexadecimal digits are \
         expected, as `sabha-worker doctor` shows your chain's"
    )]
    BadGenesis(String),
    /// The node belongs to another chain.
    #[error("{url} is a node of another chain: its genesis is {found}, expected was {expected}")]
    WrongGenesis {
        /// The node.
        url: String,
        /// Hash of its genesis block.
        found: String,
        /// The configured hash.
        expected: String,
    },
    /// The node runs another kind of chain.
    #[error(
        "{url} is no node of this network: its runtime is `{found}`, expected was `{}`",
        super::names::SPEC_NAME
    )]
    WrongRuntime {
        /// The node.
        url: String,
        /// Its spec name.
        found: String,
    },
    /// The runtime lacks something that this worker needs, or gives it another type.
    #[error("{what} is not as this release knows it: {reason}. Is a newer sabha-worker needed?")]
    Incompatible {
        /// The item.
        what: String,
        /// What differs.
        reason: String,
    },
    /// The transaction was included, and the chain refused the call.
    #[error("the chain refused {call}: {name}{}{docs}", if .docs.is_empty() { "" } else { ": " })]
    Refused {
        /// The call.
        call: Name,
        /// The error's name, such as `Training.StakeTooLow`.
        name: String,
        /// What the error means, from the metadata.
        docs: String,
    },
    /// The transaction did not enter the pool, or was dropped from it.
    #[error("{call} was not accepted: {reason}")]
    NotAccepted {
        /// The call.
        call: Name,
        /// The node's reason.
        reason: String,
    },
    /// The transaction was not included in time; it may be yet.
    #[error("{call} was not included within {} s; it may be yet, until its era ends", .after.as_secs())]
    NotIncluded {
        /// The call.
        call: Name,
        /// How long was waited.
        after: Duration,
    },
}

impl ChainError {
    /// The exit code that a command ends with.
    pub fn exit_code(&self) -> Exit {
        match self {
            Self::NoNode(_) | Self::Timeout { .. } | Self::Rpc { .. } | Self::Behind { .. } => Exit::NoNode,
            // There are no blocks, or none with room: as good as no network.
            Self::NotIncluded { .. } => Exit::NoNode,
            Self::BadGenesis(_) => Exit::BadInput,
            Self::WrongGenesis { .. } | Self::WrongRuntime { .. } => Exit::WrongChain,
            Self::Refused { .. } | Self::NotAccepted { .. } => Exit::Refused,
            Self::Incompatible { .. } => Exit::Outdated,
        }
    }

    /// Whether trying again later can help: the node or the network is at fault, not the request.
    pub fn is_transient(&self) -> bool {
        self.is_silence()
            || matches!(self, Self::Behind { .. } | Self::NotAccepted { .. } | Self::NotIncluded { .. })
    }

    /// Whether the node did not answer, or not what was asked: another one may. What becomes of a transaction is no fault of the node.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::NoNode(_) | Self::Timeout { .. } | Self::Rpc { .. })
    }

    /// The error that a command ends with: it reads the same and carries [`Self::exit_code`].
    pub fn into_coded(self) -> anyhow::Error {
        let exit = self.exit_code();
        match Err::<Infallible, Self>(self).exit(exit) {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// The name of the pallet's error, if the chain refused the call.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// Turns a chain's failure into a command's, with its exit code.
pub trait ChainResult<T> {
    /// The same result with [`ChainError::exit_code`] noted.
    ///
    /// # Errors
    /// Those of `self`.
    fn coded(self) -> anyhow::Result<T>;
}

impl<T> ChainResult<T> for Result<T, ChainError> {
    fn coded(self) -> anyhow::Result<T> {
        self.map_err(ChainError::into_coded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::names::call;

    #[test]
    fn a_refusal_reads_well_with_and_without_docs() {
        let refused = |docs: &str| ChainError::Refused {
            call: call::COMMIT,
            name: "Training.TooLate".into(),
            docs: docs.into(),
        };
        assert_eq!(
            refused("The slot's deadline has passed.").to_string(),
            "the chain refused Training.commit: Training.TooLate: The slot's deadline has passed."
        );
        assert_eq!(refused("").to_string(), "the chain refused Training.commit: Training.TooLate");
        assert_eq!(refused("").refusal(), Some("Training.TooLate"));
    }

    #[test]
    fn each_failure_keeps_its_exit_code() {
        let error = ChainError::WrongRuntime { url: "ws://x".into(), found: "node".into() };
        let coded = Err::<(), _>(error).coded().unwrap_err();
        assert_eq!(Exit::of(&coded), Exit::WrongChain);
        let coded = Err::<(), _>(ChainError::NoNode("ws://x: refused".into())).coded().unwrap_err();
        assert_eq!(Exit::of(&coded), Exit::NoNode);
        assert!(coded.to_string().contains("--url"));
        for error in [
            ChainError::NotAccepted { call: call::COMMIT, reason: "dropped".into() },
            ChainError::NotIncluded { call: call::COMMIT, after: Duration::from_secs(120) },
        ] {
            assert!(error.is_transient() && !error.is_silence(), "{error}");
            // What passes is waited for by whatever serves, which knows the exit code only.
            let coded = Err::<(), _>(error).coded().unwrap_err();
            assert!(matches!(Exit::of(&coded), Exit::NoNode | Exit::Refused), "{coded}");
        }
        assert!(ChainError::NoNode("gone".into()).is_silence());
        let error = ChainError::Incompatible { what: "Training.commit".into(), reason: "it is gone".into() };
        assert!(!error.is_transient(), "waiting does not help");
        assert_eq!(Exit::of(&Err::<(), _>(error).coded().unwrap_err()), Exit::Outdated);
    }
}

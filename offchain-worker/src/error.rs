//! Exit codes that mean something, and how an error carries one.
//!
//! Commands return [`anyhow::Result`]; where the kind of failure is known, [`ResultExt::exit`] notes it. An error without a note
//! ends the process with [`Exit::Failure`].

pub use sabha_blobs::files::is_disk_full;
use std::fmt;

/// How the process ends. The numbers are part of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Success,
    /// 1: any failure without a code of its own.
    Failure,
    /// 2: the command line itself is wrong.
    Usage,
    /// 3: bad input: a file, a specification, a corpus, a checkpoint.
    BadInput,
    /// 4: no node or no network.
    NoNode,
    /// 5: the chain refused a call.
    Refused,
    /// 6: the node belongs to another chain than the one that was configured.
    WrongChain,
    /// 7: the chain's runtime, or a run's arithmetic, is newer than this release.
    Outdated,
    /// 8: another daemon uses the same state folder or the same key.
    InUse,
    /// 130: stopped by SIGINT (Ctrl-C); what was done so far is saved.
    Interrupted,
    /// 143: stopped by SIGTERM; what was done so far is saved.
    Terminated,
}

/// What `--help` prints about exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failure
  2    wrong usage of the command line
  3    bad input: a file, a specification, a corpus, a checkpoint
  4    no node, or no network
  5    refused by the chain
  6    the node belongs to another chain
  7    the runtime or a run's arithmetic is unknown to this release
  8    another daemon uses the state folder or the key
  130  stopped by SIGINT, state saved
  143  stopped by SIGTERM, state saved";

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Usage => 2,
            Exit::BadInput => 3,
            Exit::NoNode => 4,
            Exit::Refused => 5,
            Exit::WrongChain => 6,
            Exit::Outdated => 7,
            Exit::InUse => 8,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// The code that `error`, or anything that caused it, asks for; [`Exit::Failure`] if nothing does.
    pub fn of(error: &anyhow::Error) -> Self {
        error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Coded>())
            .map_or(Exit::Failure, |coded| coded.exit)
    }
}

/// Notes an exit code on an error.
pub trait ResultExt<T> {
    /// The error, if any, shall end the process with `exit`.
    ///
    /// # Errors
    /// Those of `self`.
    fn exit(self, exit: Exit) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> ResultExt<T> for Result<T, E> {
    fn exit(self, exit: Exit) -> anyhow::Result<T> {
        self.map_err(|error| {
            let error = error.into();
            // A full disk says nothing about the input.
            let exit = if is_of_full_disk(&error) && exit == Exit::BadInput { Exit::Failure } else { exit };
            anyhow::Error::new(Coded { exit, error })
        })
    }
}

/// An error of kind `exit` with a message of its own.
pub fn failure(exit: Exit, message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> anyhow::Error {
    anyhow::Error::new(Coded { exit, error: anyhow::Error::msg(message) })
}

/// Whether an error comes from a full disk.
pub fn is_of_full_disk(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref()).any(is_disk_full)
}

/// An error with an exit code. It reads exactly as the error it wraps.
#[derive(Debug)]
struct Coded {
    exit: Exit,
    error: anyhow::Error,
}

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Coded {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.chain().nth(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::io;

    #[test]
    fn a_code_survives_context_and_changes_no_text() {
        let plain: Result<(), _> = Err(io::Error::other("inner"));
        let error = plain.context("outer").exit(Exit::BadInput).context("outermost").unwrap_err();
        assert_eq!(Exit::of(&error), Exit::BadInput);
        assert_eq!(format!("{error:#}"), "outermost: outer: inner");
    }

    #[test]
    fn a_full_disk_is_no_bad_input() {
        let full = || crate::files::FileError {
            action: "write",
            path: "/a".into(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        };
        let exit = |error: anyhow::Error| Exit::of(&error);
        assert_eq!(exit(Err::<(), _>(full()).exit(Exit::BadInput).unwrap_err()), Exit::Failure);
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let store = crate::keys::KeyError::File { action: "write", path: "/a".into(), source };
        assert!(store.to_string().contains("free some space"), "{store}");
        assert_eq!(exit(Err::<(), _>(store).exit(Exit::BadInput).unwrap_err()), Exit::Failure);
        assert_eq!(exit(Err::<(), _>(full()).exit(Exit::NoNode).unwrap_err()), Exit::NoNode);
        let missing = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(exit(Err::<(), _>(missing).exit(Exit::BadInput).unwrap_err()), Exit::BadInput);
    }

    #[test]
    fn an_error_without_a_code_is_a_failure() {
        assert_eq!(Exit::of(&anyhow::anyhow!("x")), Exit::Failure);
        assert_eq!(Exit::of(&failure(Exit::NoNode, "x")), Exit::NoNode);
    }

    #[test]
    fn every_code_is_documented_in_help() {
        for exit in [
            Exit::Success,
            Exit::Failure,
            Exit::Usage,
            Exit::BadInput,
            Exit::NoNode,
            Exit::Refused,
            Exit::WrongChain,
            Exit::Outdated,
            Exit::InUse,
            Exit::Interrupted,
            Exit::Terminated,
        ] {
            assert!(EXIT_CODES.contains(&format!("\n  {:<5}", exit.code())), "{exit:?}");
        }
    }
}

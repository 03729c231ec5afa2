//! How a running node ends: quietly when it is told to, and with the cause and the remedy when a part of it fails.

use futures::{FutureExt, future::BoxFuture};
use sc_service::{Error as ServiceError, SpawnEssentialTaskHandle};
use sp_core::traits::SpawnEssentialNamed;
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// Spawns tasks whose end is a failure, unless the node itself is ending.
///
/// The transaction pool has a task that blocks on a channel. When the node ends, the channel is closed before the task can
/// hear of it otherwise, and `sc-service` would log a failure at each clean end.
#[derive(Clone)]
pub struct QuietEnd(pub SpawnEssentialTaskHandle);

impl SpawnEssentialNamed for QuietEnd {
    fn spawn_essential_blocking(
        &self,
        name: &'static str,
        group: Option<&'static str>,
        task: BoxFuture<'static, ()>,
    ) {
        self.0.spawn_blocking(name, group, yielding(task));
    }

    fn spawn_essential(&self, name: &'static str, group: Option<&'static str>, task: BoxFuture<'static, ()>) {
        self.0.spawn(name, group, yielding(task));
    }
}

/// Whoever polls a task looks at the node's exit first. With one more poll before its end, a task that ended because of the exit
/// is dropped instead.
fn yielding(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    async move {
        task.await;
        tokio::task::yield_now().await;
    }
    .boxed()
}

/// Why a node ended, where `sc-service` says too little.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// There is no room for the database.
    #[error("the disk that holds {} is full ({cause}): free some space, then start the node again", folder.display())]
    DiskFull {
        /// The database.
        folder: PathBuf,
        /// What failed for it.
        cause: String,
    },
    /// Two processes on one database.
    #[error(
        "{cause} Another node or command has this database open: stop it first, or give this one another folder with `--base-path`"
    )]
    InUse {
        /// What the database said, a sentence.
        cause: String,
    },
    /// A task ended without which there is no node.
    #[error("a part that the node cannot do without has failed: the log above names it, and says why")]
    Part,
}

/// How ParityDB's error of a locked database begins.
const IN_USE: &str = "Database file is in use.";

/// The error of a node whose database is in `folder`, or of a command, with its cause where that can still be found out.
pub fn explain(error: sc_cli::Error, folder: Option<&Path>) -> sc_cli::Error {
    // Its type is lost on the way: the client keeps the text.
    if error.to_string().contains(IN_USE) {
        return sc_cli::Error::Application(Box::new(Ended::InUse { cause: IN_USE.into() }));
    }
    let sc_cli::Error::Service(cause) = &error else { return error };
    let of_a_part = matches!(cause, ServiceError::Other(text) if text.starts_with("Essential task"));
    let ended = match folder {
        Some(folder) if is_full(folder) => {
            let cause = if of_a_part { Ended::Part.to_string() } else { cause.to_string() };
            Ended::DiskFull { folder: folder.into(), cause }
        }
        _ if of_a_part => Ended::Part,
        _ => return error,
    };
    sc_cli::Error::Application(Box::new(ended))
}

/// Whether a few pages cannot be written beside `folder` for lack of room.
fn is_full(folder: &Path) -> bool {
    let Some(existing) = folder.ancestors().find(|folder| folder.is_dir()) else { return false };
    let probe = existing.join(format!(".room-{}", std::process::id()));
    let written = File::create(&probe).and_then(|mut file| {
        file.write_all(&[0; 1 << 16])?;
        file.sync_all()
    });
    let _ = fs::remove_file(&probe);
    written.is_err_and(|error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part() -> sc_cli::Error {
        sc_cli::Error::Service(ServiceError::Other("Essential task failed.".into()))
    }

    #[test]
    fn a_failed_part_points_at_the_log() {
        let text = explain(part(), Some(&std::env::temp_dir())).to_string();
        assert!(text.contains("the log above") && !text.contains("Essential"), "{text}");
    }

    #[test]
    fn a_database_in_use_has_a_remedy() {
        let cause = sp_blockchain::Error::Backend(format!("{IN_USE} (Resource temporarily unavailable)"));
        let text = explain(sc_cli::Error::Service(ServiceError::Client(cause)), None).to_string();
        assert!(text.starts_with(IN_USE) && text.contains("--base-path"), "{text}");
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        let error = || sc_cli::Error::Service(ServiceError::Other("no such key".into()));
        assert_eq!(explain(error(), None).to_string(), error().to_string());
        assert_eq!(explain(sc_cli::Error::Input("x".into()), None).to_string(), "Invalid input: x");
    }

    #[test]
    fn there_is_room_beside_a_folder_that_is_not_there_yet() {
        let folder = std::env::temp_dir().join(format!("sabha-ending-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        assert!(!is_full(&folder.join("not/yet")));
        assert_eq!(fs::read_dir(&folder).expect("ours").count(), 0, "the probe is gone");
        fs::remove_dir_all(&folder).expect("ours to remove");
    }
}

//! Where the state of each worker is: one folder may serve several chains and workers. A worker's folder is named by its owner, so that a
//! new hot key finds what the one before it has signed and sealed.

use super::journal::Journal;
use crate::{files::FileError, keys::AccountId};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The state folders of the workers of one chain.
pub(super) struct Places {
    root: PathBuf,
    /// What their names begin with.
    chain: String,
}

impl Places {
    /// In the folder `root`, of the chain with this genesis hash.
    pub(super) fn of(root: &Path, genesis_hex: &str) -> Self {
        let chain: String = genesis_hex.chars().skip(2).take(8).collect();
        Self { root: root.into(), chain: format!("{chain}-") }
    }

    /// The highest block that any of their workers has seen: none of them is asked for before it is known which one it is.
    pub(super) fn highest(&self) -> u64 {
        let folders = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let of_chain = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with(&self.chain));
        // A damaged one says so when it is opened.
        let looked = of_chain.filter_map(|entry| Journal::look(&entry.path()).ok().flatten());
        looked.map(|look| look.highest).max().unwrap_or(0)
    }

    /// The folder of a worker. One that is named by its hot key, as it was before, becomes it.
    ///
    /// # Errors
    /// If that cannot be renamed.
    pub(super) fn of_worker(&self, owner: &AccountId, hot_key: &AccountId) -> Result<PathBuf, FileError> {
        let place = |account: &AccountId| {
            let account: String = account.to_string().chars().take(12).collect();
            self.root.join(format!("{}{account}", self.chain))
        };
        let (named, before) = (place(owner), place(hot_key));
        if before != named && before.is_dir() && !named.exists() {
            fs::rename(&before, &named).map_err(FileError::of("rename", &before))?;
            tracing::info!(from = %before.display(), to = %named.display(), "the worker's state is named by its owner now");
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::{
        journal::Event,
        task::{Basis, Kind, Task},
    };
    use sabha_protocol::{Digest, RoundKey};

    fn account(byte: u8) -> AccountId {
        AccountId::from([byte; 32])
    }

    #[test]
    fn a_new_hot_key_finds_what_the_one_before_it_has_signed() {
        let folder = tempfile::tempdir().unwrap();
        let genesis = format!("0x{}", "ab".repeat(32));
        let places = || Places::of(folder.path(), &genesis);
        assert_eq!(places().highest(), 0);
        let first = places().of_worker(&account(1), &account(2)).unwrap();
        let task = Task {
            kind: Kind::Audit,
            run: 1,
            round: RoundKey { round: 0, attempt: 0 },
            place: 0,
            generation: 0,
        };
        let basis = Basis { spec: Digest([1; 32]), base: None, inputs: Digest([2; 32]) };
        let mut journal = Journal::open(&first).unwrap();
        journal.record(Event::Taken { task, basis, until: 9, block: 77 }).unwrap();
        drop(journal);
        assert_eq!(places().of_worker(&account(1), &account(3)).unwrap(), first);
        assert_ne!(places().of_worker(&account(3), &account(3)).unwrap(), first, "another worker's");
        assert_eq!(places().highest(), 77);
        let elsewhere = Places::of(folder.path(), &format!("0x{}", "cd".repeat(32)));
        assert_eq!(elsewhere.highest(), 0);
        assert_ne!(elsewhere.of_worker(&account(1), &account(2)).unwrap(), first);
    }

    #[test]
    fn a_folder_that_is_named_by_the_hot_key_becomes_the_workers() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::of(folder.path(), &format!("0x{}", "ab".repeat(32)));
        let old = places.of_worker(&account(2), &account(2)).unwrap();
        drop(Journal::open(&old).unwrap());
        let new = places.of_worker(&account(1), &account(2)).unwrap();
        assert!(new != old && new.join("events.jsonl").is_file() && !old.exists());
        // Never over one that is there.
        drop(Journal::open(&old).unwrap());
        assert_eq!(places.of_worker(&account(1), &account(2)).unwrap(), new);
        assert!(old.exists());
    }
}

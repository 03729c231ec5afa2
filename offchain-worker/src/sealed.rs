//! What was sealed on the chain and is still to be told: claims and votes, with the salts that hide them.
//!
//! Whoever loses a salt loses a bond or a stake. So it is on the disk, flushed, before the seal is sent; and the same thing is never sealed
//! twice in different words: what is kept is used again. The folder is its owner's alone, and one process has it at a time.

use crate::{
    error::{Exit, ResultExt, failure},
    files,
    keys::{AccountId, fill_random},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Bytes of a record, at most.
const RECORD_BYTES: u64 = 16 << 20;

/// 32 bytes that nobody else knows until they are told.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt(pub [u8; 32]);

impl Salt {
    /// A new one.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn new() -> anyhow::Result<Self> {
        let mut salt = [0; 32];
        fill_random(&mut salt)?;
        Ok(Self(salt))
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> Self {
        hex::encode(salt.0)
    }
}

impl TryFrom<String> for Salt {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut salt = [0; 32];
        hex::decode_to_slice(text, &mut salt).map_err(|_| "a salt has 64 hexadecimal digits")?;
        Ok(Self(salt))
    }
}

/// The records of one account on one chain.
#[derive(Debug)]
pub struct Sealed {
    folder: PathBuf,
    _lock: File,
}

impl Sealed {
    /// Those in the folder of state; the folder is made if need be.
    ///
    /// # Errors
    /// [`Exit::InUse`] if another process has it; else if it cannot be made.
    pub fn open(state: &Path, genesis: [u8; 32], account: &AccountId) -> anyhow::Result<Self> {
        let chain = hex::encode(genesis.get(..8).unwrap_or_default());
        let folder = state.join("sealed").join(format!("{chain}-{}", hex::encode(account.0)));
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)))
            .map_err(files::FileError::of("create the folder", &folder))
            .exit(Exit::BadInput)?;
        let path = folder.join("lock");
        if !path.exists() {
            files::write_atomic(&path, b"").exit(Exit::BadInput)?;
        }
        match files::lock(&path).exit(Exit::BadInput)? {
            Some(lock) => Ok(Self { folder, _lock: lock }),
            None => Err(failure(
                Exit::InUse,
                format!(
                    "another process uses {}: let it end, or name another folder with --state",
                    folder.display()
                ),
            )),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Keeps a record: when this returns, it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written; what was there is there then.
    pub fn keep(&self, name: &str, record: &impl Serialize) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(record)?;
        Ok(files::write_atomic(&self.path(name), &bytes)?)
    }

    /// A record, if it is there.
    ///
    /// # Errors
    /// If it cannot be read: it is not made anew, for what it holds is sealed.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(found) if found.len() > RECORD_BYTES => {
                anyhow::bail!("{} is too large to be a record", path.display())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let bytes = files::read(&path)?;
        let record = serde_json::from_slice(&bytes);
        record.map(Some).map_err(|error| {
            anyhow::anyhow!(
                "{} is damaged ({error}): restore it from a copy, its seal cannot be opened without it",
                path.display()
            )
        })
    }

    /// Forgets a record.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub fn forget(&self, name: &str) -> anyhow::Result<()> {
        Ok(files::remove(&self.path(name))?)
    }

    /// The names of the records that begin with `prefix`, in order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn names(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        let read = fs::read_dir(&self.folder).map_err(files::FileError::of("read", &self.folder))?;
        for entry in read {
            let entry = entry.map_err(files::FileError::of("read", &self.folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".json").filter(|name| name.starts_with(prefix)) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([7; 32]);
        let sealed = Sealed::open(folder.path(), [1; 32], &account).unwrap();
        let salt = Salt::new().unwrap();
        assert_ne!(salt, Salt::new().unwrap());
        assert_eq!(sealed.read::<Salt>("vote-1").unwrap(), None);
        sealed.keep("vote-1", &salt).unwrap();
        sealed.keep("claim-1", &salt).unwrap();
        assert_eq!(sealed.read("vote-1").unwrap(), Some(salt));
        assert_eq!(sealed.names("vote-").unwrap(), ["vote-1"]);
        let mode = fs::metadata(&sealed.folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(sealed.path("vote-1"), "{").unwrap();
        let error = sealed.read::<Salt>("vote-1").unwrap_err().to_string();
        assert!(error.contains("restore it"), "{error}");
        sealed.forget("vote-1").unwrap();
        assert!(sealed.names("vote-").unwrap().is_empty());
        assert!(!format!("{salt:?}").contains(&String::from(salt)));
    }

    #[test]
    fn one_process_has_them_at_a_time_for_each_account_and_chain() {
        let folder = tempfile::tempdir().unwrap();
        let account = AccountId::from([7; 32]);
        let first = Sealed::open(folder.path(), [1; 32], &account).unwrap();
        let error = Sealed::open(folder.path(), [1; 32], &account).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::InUse);
        Sealed::open(folder.path(), [2; 32], &account).unwrap();
        Sealed::open(folder.path(), [1; 32], &AccountId::from([8; 32])).unwrap();
        drop(first);
        Sealed::open(folder.path(), [1; 32], &account).unwrap();
    }
}

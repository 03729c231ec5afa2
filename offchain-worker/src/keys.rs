//! Keys: sr25519 key pairs, their files, and addresses.
//!
//! A key file is JSON, readable by its owner only (mode 0600), and holds the secret in clear: protect it as you protect an SSH
//! key. Files that others can read are refused. A secret comes from a file, from standard input or from the environment
//! ([`SECRET_ENV`]), never from an argument, which every process on the machine could see. Secrets are wiped from memory when
//! they are dropped.

use crate::files::remedy;
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};
use subxt_signer::{SecretUri, bip39, sr25519};
use zeroize::{Zeroize, Zeroizing};

/// An account: the 32 bytes of an sr25519 public key. Written as an SS58 address.
pub type AccountId = subxt::utils::AccountId32;

/// The environment variable that may hold a secret: a phrase, a hexadecimal seed, or a development key such as `//Alice`.
pub const SECRET_ENV: &str = "SABHA_SECRET";

/// The only scheme of keys that the worker uses.
const SCHEME: &str = "sr25519";

/// What can go wrong with a key. No message holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot {action} the key file {path}{}", remedy(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than the owner can read the file.
    #[error("the key file {path} can be read by others (mode {mode:03o}): run `chmod 600 {path}`")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// There is a key already.
    #[error("{0} exists: a key is never overwritten, remove the file first if you mean it")]
    Exists(PathBuf),
    /// The file is not a key file.
    #[error("{path} is no key file: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The secret is neither a phrase nor a seed.
    #[error(
        "this is no secret: 12 to 24 words of BIP-39, 0x and 64 hexadecimal digits, or a development key such as \
         //Alice is expected, each with optional //derivation"
    )]
    Secret,
    /// No key was named.
    #[error("no key: give --key FILE (see `sabha-worker key generate`), or a secret in {SECRET_ENV}")]
    None,
    /// The system gives no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(io::Error),
}

/// A key pair that signs.
#[derive(Clone)]
pub struct Key {
    pair: sr25519::Keypair,
    account: AccountId,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.account)
    }
}

impl Key {
    /// The key that `secret` stands for.
    ///
    /// # Errors
    /// [`KeyError::Secret`] if it is neither a phrase nor a seed.
    pub fn from_secret(secret: &str) -> Result<Self, KeyError> {
        // An empty secret would stand for the public development phrase.
        let secret = Some(secret.trim()).filter(|secret| !secret.is_empty()).ok_or(KeyError::Secret)?;
        let uri = SecretUri::from_str(secret).map_err(|_| KeyError::Secret)?;
        let pair = sr25519::Keypair::from_uri(&uri).map_err(|_| KeyError::Secret)?;
        let account = pair.public_key().to_account_id();
        Ok(Self { pair, account })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// If the file cannot be read, is open to others, or is no key file.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { action: "read", path: path.into(), source };
        let mut file = fs::File::open(path).map_err(failed)?;
        refuse_if_open(path, &file.metadata().map_err(failed)?)?;
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        let malformed = |reason: String| KeyError::Malformed { path: path.into(), reason };
        // Serde's message quotes what it read, which may be the secret: tell only the place.
        let stored: KeyFile = serde_json::from_str(&text).map_err(|error| {
            malformed(format!("line {}, column {} is not as expected", error.line(), error.column()))
        })?;
        if stored.version != 1 || stored.scheme != SCHEME {
            return Err(malformed(format!(
                "version {} of scheme {} is unknown",
                stored.version, stored.scheme
            )));
        }
        let key = Self::from_secret(&stored.secret)?;
        if key.account != stored.account {
            return Err(malformed("its account is not the one of its secret".into()));
        }
        Ok(key)
    }

    /// The key in `file` or, without a file, in the environment variable [`SECRET_ENV`].
    ///
    /// # Errors
    /// As [`Key::read`]; [`KeyError::None`] if there is neither.
    pub fn load(file: Option<&Path>) -> Result<Self, KeyError> {
        match (file, std::env::var(SECRET_ENV).map(Zeroizing::new)) {
            (Some(path), _) => Self::read(path),
            (None, Ok(secret)) => Self::from_secret(&secret),
            (None, Err(_)) => Err(KeyError::None),
        }
    }

    /// The account that the key signs for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.account.0
    }

    /// What signs.
    pub fn pair(&self) -> &sr25519::Keypair {
        &self.pair
    }
}

/// Writes a new key file for `secret` and returns its key.
///
/// # Errors
/// If the secret is none, or the file exists or cannot be written.
pub fn store(path: &Path, secret: &str) -> Result<Key, KeyError> {
    use std::os::unix::fs::OpenOptionsExt;
    let key = Key::from_secret(secret)?;
    let failed = |action| move |source| KeyError::File { action, path: path.into(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed("create the folder of"))?;
    }
    let stored = KeyFile {
        version: 1,
        scheme: SCHEME.into(),
        account: key.account,
        secret: Zeroizing::new(secret.trim().into()),
    };
    let text = Zeroizing::new(
        serde_json::to_vec_pretty(&stored)
            .map_err(|error| KeyError::Malformed { path: path.into(), reason: error.to_string() })?,
    );
    let mut file = match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists(path.into()));
        }
        Err(error) => return Err(failed("create")(error)),
    };
    let written = file.write_all(&text).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key file is of no use, and in the way of the next attempt.
        let _ = fs::remove_file(path);
        return Err(failed("write")(error));
    }
    Ok(key)
}

/// A fresh phrase of 12 words.
///
/// # Errors
/// [`KeyError::Random`] if the operating system gives no random bytes.
pub fn generate_phrase() -> Result<Zeroizing<String>, KeyError> {
    let mut entropy = Zeroizing::new([0u8; 16]);
    fill_random(entropy.as_mut_slice())?;
    let phrase = bip39::Mnemonic::from_entropy(entropy.as_slice()).map_err(|_| KeyError::Secret)?;
    Ok(Zeroizing::new(phrase.to_string()))
}

/// Fills bytes with what nobody can guess.
///
/// # Errors
/// [`KeyError::Random`] if the operating system gives no random bytes.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
    fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).map_err(KeyError::Random)
}

/// Reads a secret from a file that only its owner can read, or with `-` from standard input.
///
/// # Errors
/// If it cannot be read or others can read it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let failed = |source| KeyError::File { action: "read", path: path.into(), source };
    let mut text = Zeroizing::new(String::new());
    if path == Path::new("-") {
        io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
    } else {
        let mut file = fs::File::open(path).map_err(failed)?;
        refuse_if_open(path, &file.metadata().map_err(failed)?)?;
        file.read_to_string(&mut text).map_err(failed)?;
    }
    let secret = Zeroizing::new(text.trim().to_string());
    text.zeroize();
    Ok(secret)
}

/// Parses an account: an SS58 address, or 0x and 64 hexadecimal digits.
///
/// # Errors
/// Says what is expected.
pub fn parse_account(text: &str) -> Result<AccountId, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        let mut bytes = [0u8; 32];
        if hex::decode_to_slice(digits, &mut bytes).is_ok() {
            return Ok(AccountId::from(bytes));
        }
    } else if let Ok(account) = AccountId::from_str(text) {
        return Ok(account);
    }
    Err(format!("`{text}` is no account: an SS58 address or 0x and 64 hexadecimal digits are expected"))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    scheme: String,
    account: AccountId,
    #[serde(with = "secret_text")]
    secret: Zeroizing<String>,
}

mod secret_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub fn serialize<S: Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

fn refuse_if_open(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyError> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let mode = metadata.permissions().mode() & 0o777;
    // A pipe, as from `<(…)`, is as private as the process that made it.
    if mode & 0o077 != 0 && !metadata.file_type().is_fifo() {
        return Err(KeyError::TooOpen { path: path.into(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_stored_key_reads_back_and_only_its_owner_can_read_it() {
        let folder = folder();
        let path = folder.path().join("deep/hot.json");
        let stored = store(&path, "//Alice\n").unwrap();
        assert_eq!(stored.account().to_string(), ALICE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Key::read(&path).unwrap().account(), stored.account());
    }

    #[test]
    fn read_of_a_file_open_to_others_fails() {
        let folder = folder();
        let path = folder.path().join("key.json");
        store(&path, "//Alice").unwrap();
        for mode in [0o640, 0o604, 0o644, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = Key::read(&path).unwrap_err();
            assert!(matches!(error, KeyError::TooOpen { mode: found, .. } if found == mode), "{error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn store_never_overwrites() {
        let folder = folder();
        let path = folder.path().join("key.json");
        store(&path, "//Alice").unwrap();
        assert!(matches!(store(&path, "//Bob"), Err(KeyError::Exists(_))));
        assert_eq!(Key::read(&path).unwrap().account().to_string(), ALICE);
    }

    #[test]
    fn read_of_a_damaged_file_fails_without_telling_the_secret() {
        let folder = folder();
        let path = folder.path().join("key.json");
        store(&path, "//Alice").unwrap();
        let good = fs::read_to_string(&path).unwrap();
        for bad in [
            good.replace("//Alice", "//Bob"),
            good.replace("\"version\": 1", "\"version\": 2"),
            good.replace("\"secret\"", "\"bottom drive obey\""),
            good.replace('}', ""),
            good.replace("//Alice", "not a // phrase///x"),
        ] {
            fs::write(&path, &bad).unwrap();
            let message = Key::read(&path).unwrap_err().to_string();
            assert!(!message.contains("bottom") && !message.contains("Bob"), "{message}");
        }
    }

    #[test]
    fn generated_phrases_differ_and_make_keys() {
        let (one, two) = (generate_phrase().unwrap(), generate_phrase().unwrap());
        assert_ne!(*one, *two);
        assert_eq!(one.split(' ').count(), 12);
        assert_ne!(Key::from_secret(&one).unwrap().account(), Key::from_secret(&two).unwrap().account());
    }

    #[test]
    fn from_secret_of_something_else_fails() {
        for bad in ["", " \n", "0x12", "one two three", "0xzz"] {
            assert!(matches!(Key::from_secret(bad), Err(KeyError::Secret)), "{bad:?}");
        }
    }

    #[test]
    fn accounts_parse_as_address_and_as_hexadecimal() {
        let alice = parse_account(ALICE).unwrap();
        assert_eq!(parse_account(&format!("0x{}", hex::encode(alice.0))), Ok(alice));
        for bad in ["", "0x00", "5Grwva", &ALICE.replace('Y', "Z")] {
            assert!(parse_account(bad).is_err(), "{bad}");
        }
    }
}

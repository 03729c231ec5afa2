//! `key`: make, import and show keys.

use super::Context;
use crate::{
    error::{Exit, ResultExt},
    keys::{self, AccountId, Key, SECRET_ENV},
};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Arguments of `key`.
#[derive(Args, Debug)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What to do with keys.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a new key and write it to a file that only you can read
    Generate {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Write a key file for a secret that you have
    #[command(
        after_help = "The secret is 12 to 24 words, 0x and 64 hexadecimal digits, or a development key such as //Alice; \
                            derivations such as //hot may follow. It is never an argument: other users of the machine see those."
    )]
    Import {
        /// The file to write; it must not exist
        file: PathBuf,
        /// Where the secret is: a file that only you can read, or - for standard input. Without it, the variable SABHA_SECRET
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Show the account of a key file, or of the secret in SABHA_SECRET
    Show {
        /// The key file
        file: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Shown {
    account: AccountId,
    public_key: String,
    scheme: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] if a file or secret is unusable.
pub async fn run(args: KeyArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        KeyCommand::Generate { file } => {
            let phrase = keys::generate_phrase()?;
            written(context, &file, &phrase)
        }
        KeyCommand::Import { file, from } => {
            let secret = match from {
                Some(path) => keys::read_secret(&path).exit(Exit::BadInput)?,
                None => Zeroizing::new(
                    std::env::var(SECRET_ENV).map_err(|_| keys::KeyError::None).exit(Exit::BadInput)?,
                ),
            };
            written(context, &file, &secret)
        }
        KeyCommand::Show { file } => {
            let key = Key::load(file.as_deref()).exit(Exit::BadInput)?;
            let shown = shown(&key, file.as_deref());
            context.print(&shown, format!("{}\npublic key {}", shown.account, shown.public_key))
        }
    }
}

fn written(context: &Context, file: &Path, secret: &str) -> anyhow::Result<()> {
    let key = keys::store(file, secret).exit(Exit::BadInput)?;
    let shown = shown(&key, Some(file));
    let text = format!(
        "{}\nwritten to {} (mode 0600). It holds the secret in clear: back it up, and show it to nobody",
        shown.account,
        file.display()
    );
    context.print(&shown, text)
}

fn shown(key: &Key, file: Option<&Path>) -> Shown {
    Shown {
        account: key.account(),
        public_key: format!("0x{}", hex::encode(key.public())),
        scheme: "sr25519",
        file: file.map(Path::to_path_buf),
    }
}

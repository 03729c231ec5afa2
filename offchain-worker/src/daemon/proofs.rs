//! Reading a blob once more before it is signed: others reckon with it from then on. A large one is read beside the loop.

use super::{Daemon, background::Background, providers::made_of};
use crate::blobs::{BlobError, BlobStore};
use sabha_protocol::Digest;
use std::{collections::BTreeMap, fs, time::SystemTime};

/// Blobs up to this size are read within a look.
const READ_AT_ONCE: u64 = 64 << 20;

/// What a blob's file was when it was read.
type State = (u64, SystemTime);

/// What was read.
#[derive(Default)]
pub(super) struct Proofs {
    whole: BTreeMap<Digest, State>,
    reading: Option<(Digest, State, Background<bool>)>,
}

impl Proofs {
    /// Whether one was read that was not taken in yet.
    pub(super) fn have_news(&self) -> bool {
        self.reading.as_ref().is_some_and(|(.., thread)| thread.has_ended())
    }
}

impl Daemon {
    /// Takes in what was read.
    pub(super) async fn take_in_proof(&mut self) {
        let Some((blob, state, thread)) = self.proofs.reading.take_if(|(.., thread)| thread.has_ended())
        else {
            return;
        };
        match thread.result().await {
            Ok(is_whole) => {
                if is_whole {
                    let made = made_of(&self.journal);
                    self.proofs.whole.retain(|blob, _| made.contains(blob));
                    self.proofs.whole.insert(blob, state);
                }
                // Whichever waited for it.
                let journal = &self.journal;
                let waited = |act: &super::task::Act| act.blob() == Some(blob);
                self.memory.again.retain(|task, _| {
                    !journal
                        .known(*task)
                        .and_then(|known| known.done.as_ref())
                        .is_some_and(|(_, act)| waited(act))
                });
            }
            Err(error) => {
                tracing::error!(%blob, error = format!("{error:#}"), "what was made cannot be read: trying again");
            }
        }
    }

    /// Whether what was made is here, and is what its name says. What is damaged is removed. `None` while a large one is being read.
    pub(super) async fn is_whole(&mut self, blob: Digest) -> anyhow::Result<Option<bool>> {
        let own = self.blobs.own().clone();
        let Ok(found) = fs::metadata(own.path(blob)) else { return Ok(Some(false)) };
        let state = (found.len(), found.modified()?);
        if self.proofs.whole.get(&blob) == Some(&state) {
            return Ok(Some(true));
        }
        let is_large = found.len() > READ_AT_ONCE;
        if is_large && self.proofs.reading.is_some() {
            return Ok(None);
        }
        let thread = Background::begin(move |_| match own.file_within(blob, u64::MAX) {
            Ok(_) => Ok(true),
            Err(BlobError::Missing { .. } | BlobError::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        });
        if is_large {
            self.proofs.reading = Some((blob, state, thread));
            return Ok(None);
        }
        let is_whole = thread.result().await?;
        if is_whole {
            self.proofs.whole.insert(blob, state);
        }
        Ok(Some(is_whole))
    }
}

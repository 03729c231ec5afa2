//! Which checkpoint a command means, and whether it is whole.

use super::Context;
use crate::{
    blobs::{BlobStore, LocalBlobs},
    config::{Config, MemoryArgs, StorageArgs},
    engine::{
        Checkpoint, MemoryLimit,
        local::{LocalRecord, RECORD},
    },
    error::{Exit, ResultExt, failure},
    files, output,
};
use clap::Args;
use sabha_protocol::{Digest, spec::ModelSpec};
use std::path::{Path, PathBuf};

/// Which checkpoint.
#[derive(Args, Clone, Debug, Default)]
pub struct CheckpointArgs {
    /// The checkpoint: a safetensors file, or the digest that `run show` prints of one in the blob store (see --blobs)
    #[arg(long, value_name = "FILE|DIGEST")]
    pub checkpoint: PathBuf,
    /// The folder of checkpoints and updates, by digest
    #[arg(long, env = "SABHA_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// How much memory the model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
}

/// A checkpoint's file.
pub(super) struct File {
    /// Where it is.
    pub path: PathBuf,
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl CheckpointArgs {
    fn config(&self, context: &Context) -> anyhow::Result<Config> {
        let storage = StorageArgs { blobs: self.blobs.clone(), ..StorageArgs::default() };
        Ok(Config::load(&context.global)?.with_storage(&storage).with_memory(&self.memory))
    }

    /// How much memory a model may take.
    pub(super) fn memory(&self, context: &Context) -> anyhow::Result<MemoryLimit> {
        Ok(MemoryLimit::mebibytes(self.config(context)?.engine.memory_limit_mib))
    }

    /// A file of that name, or else the blob of that digest; and its bytes, verified where something says what they must be.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if it cannot be read, is too large, or is not what it must be.
    pub(super) fn read(&self, context: &Context) -> anyhow::Result<File> {
        let memory = self.memory(context)?;
        let admit = |path: &Path| {
            // A file that is not there has an error of its own, later.
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            // The file, and the values that are read from it.
            memory.admit(format!("reading {}", path.display()), size.saturating_mul(2)).exit(Exit::BadInput)
        };
        let digest = self.checkpoint.to_str().and_then(|text| text.parse::<Digest>().ok());
        match digest {
            Some(digest) if !self.checkpoint.exists() => {
                let blobs = LocalBlobs::open(&self.config(context)?.storage.blobs).exit(Exit::BadInput)?;
                let path = blobs.path(digest);
                admit(&path)?;
                let bytes = blobs.get(digest).exit(Exit::BadInput)?;
                Ok(File { path, digest, bytes })
            }
            _ => {
                admit(&self.checkpoint)?;
                let path = self.checkpoint.clone();
                let bytes = files::read(&path).exit(Exit::BadInput)?;
                let file = File { digest: Digest::of(&bytes), path, bytes };
                file.check_beside_record()?;
                Ok(file)
            }
        }
    }

    /// The checkpoint, which must be one of `model`, and its digest. People are told which one they got; JSON has to name it.
    ///
    /// # Errors
    /// As for [`Self::read`], and if it is of another model.
    pub(super) fn load(&self, model: &ModelSpec, context: &Context) -> anyhow::Result<(Checkpoint, Digest)> {
        let file = self.read(context)?;
        let checkpoint = file.checkpoint_of(model)?;
        if !context.global.json {
            output::tell(format_args!("checkpoint {} (BLAKE3 {})", file.path.display(), file.digest));
        }
        Ok((checkpoint, file.digest))
    }
}

impl File {
    /// What it holds, which must be a checkpoint of `model`.
    ///
    /// # Errors
    /// [`Exit::BadInput`] if it is damaged or of another model.
    pub fn checkpoint_of(&self, model: &ModelSpec) -> anyhow::Result<Checkpoint> {
        Checkpoint::from_blob(model, &self.bytes).map_err(|error| {
            failure(Exit::BadInput, format!("{} cannot be used: {error}", self.path.display()))
        })
    }

    /// A file that is named by its path has no digest to be compared with, and a flipped bit in it is a number like any other.
    /// But in the folder of a run there is a record beside it, which names every checkpoint of that run.
    fn check_beside_record(&self) -> anyhow::Result<()> {
        let record = self.path.with_file_name(RECORD);
        let Ok(text) = std::fs::read(&record) else { return Ok(()) };
        let rounds = match serde_json::from_slice::<LocalRecord>(&text) {
            Ok(record) => record.rounds,
            Err(error) => {
                tracing::warn!(record = %record.display(), %error, "no record of a run: the checkpoint is not compared with it");
                return Ok(());
            }
        };
        if rounds.is_empty() || rounds.iter().any(|round| round.checkpoint.blob == self.digest) {
            return Ok(());
        }
        Err(failure(
            Exit::BadInput,
            format!(
                "{} is damaged, or of another run: it hashes to {}, which {} does not name; restore it, or move it to another \
                 folder to use it as it is",
                self.path.display(),
                self.digest,
                record.display()
            ),
        ))
    }
}

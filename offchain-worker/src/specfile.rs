//! A run specification as people write it: TOML, whose `[data]` may be left to a packed dataset.

use crate::{
    data::{DataError, Manifest},
    files::{self, FileError},
};
use sabha_protocol::{
    Balance, Digest, SpecError, amount,
    spec::{AuditSpec, ClockSpec, DataSpec, ModelSpec, OptimiserSpec, OuterSpec, RoundSpec, RunSpec, limits},
};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What is wrong with a specification file.
#[derive(Debug, thiserror::Error)]
pub enum SpecFileError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not a specification in TOML.
    #[error("{} is not a run specification: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// The dataset that shall fill `[data]` is unusable.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A field of `[data]` is neither written nor known from a dataset.
    #[error("data.{0} is missing: write it, or pass a packed dataset with --data")]
    MissingData(&'static str),
    /// What is written contradicts the dataset.
    #[error(
        "data.{field} is {written}, but the dataset has {dataset}: leave the field out, or pass the dataset that it names"
    )]
    OtherDataset {
        /// The field.
        field: &'static str,
        /// What the specification says.
        written: String,
        /// What the dataset says.
        dataset: String,
    },
    /// More sources than a specification holds.
    #[error("data.sources has {0} entries: at most {max} are allowed", max = limits::SOURCES)]
    TooManySources(usize),
    /// A field has a value that no run can have.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The first field that is wrong. Not a `source`: the message says it, and a report with its causes would say it again.
        reason: SpecError,
    },
}

/// A specification file: a [`RunSpec`] whose data may still be open.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecFile {
    path: PathBuf,
    fields: Fields,
}

/// As [`RunSpec`], field by field; only `[data]` differs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    numerics_version: u16,
    seed: u64,
    initial_checkpoint: Option<Digest>,
    #[serde(with = "amount::text")]
    price_per_slot: Balance,
    #[serde(with = "amount::text")]
    stake_per_slot: Balance,
    model: ModelSpec,
    optimiser: OptimiserSpec,
    outer: OuterSpec,
    #[serde(default)]
    data: DataFields,
    rounds: RoundSpec,
    audit: AuditSpec,
    clocks: ClockSpec,
}

/// A model without a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelAlone {
    model: ModelSpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataFields {
    stream: Option<Digest>,
    tokens: Option<u64>,
    token_bytes: Option<u8>,
    heldout_tokens: Option<u64>,
    sources: Option<Vec<Digest>>,
}

impl SpecFile {
    /// Reads a file. Its values are not checked yet.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, or lacks a field or has an unknown one.
    pub fn read(path: &Path) -> Result<Self, SpecFileError> {
        let bytes = files::read(path)?;
        let malformed = |reason: String| SpecFileError::Malformed { path: path.to_path_buf(), reason };
        let text = String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
        let fields = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        Ok(Self { path: path.to_path_buf(), fields })
    }

    /// The specification, with what the file leaves open in `[data]` filled from `dataset`, and checked.
    ///
    /// # Errors
    /// If something in `[data]` stays open or contradicts the dataset, or a value is out of its range.
    pub fn complete(self, dataset: Option<&Manifest>) -> Result<RunSpec, SpecFileError> {
        let Self { path, fields } = self;
        let spec = RunSpec {
            numerics_version: fields.numerics_version,
            seed: fields.seed,
            initial_checkpoint: fields.initial_checkpoint,
            price_per_slot: fields.price_per_slot,
            stake_per_slot: fields.stake_per_slot,
            model: fields.model,
            optimiser: fields.optimiser,
            outer: fields.outer,
            data: fields.data.complete(dataset)?,
            rounds: fields.rounds,
            audit: fields.audit,
            clocks: fields.clocks,
        };
        spec.check().map_err(|reason| SpecFileError::Invalid { path, reason })?;
        Ok(spec)
    }
}

/// Reads the model of a specification, and checks it. What `[data]` leaves open does not matter; a file with nothing but `[model]` will
/// do, as `model fetch` writes it.
///
/// # Errors
/// As [`SpecFile::read`], and if a value of the model is out of its range.
pub fn model_of(path: &Path) -> Result<ModelSpec, SpecFileError> {
    let text = String::from_utf8(files::read(path)?).ok();
    let alone = text.and_then(|text| toml::from_str::<ModelAlone>(&text).ok());
    let model = match alone {
        Some(ModelAlone { model }) => model,
        None => SpecFile::read(path)?.fields.model,
    };
    model.check().map_err(|reason| SpecFileError::Invalid { path: path.to_path_buf(), reason })?;
    Ok(model)
}

/// Reads a specification, fills `[data]` from the dataset in the folder `data` if there is one, and checks it.
///
/// # Errors
/// Those of [`SpecFile::read`], [`SpecFile::complete`] and [`Manifest::read`].
pub fn load(path: &Path, data: Option<&Path>) -> Result<RunSpec, SpecFileError> {
    let file = SpecFile::read(path)?;
    let manifest = data.map(Manifest::read).transpose()?;
    file.complete(manifest.as_ref())
}

impl DataFields {
    fn complete(self, dataset: Option<&Manifest>) -> Result<DataSpec, SpecFileError> {
        let stream = agree("stream", self.stream, dataset.map(|set| set.stream))?;
        let tokens = agree("tokens", self.tokens, dataset.map(|set| set.tokens))?;
        let token_bytes = agree("token_bytes", self.token_bytes, dataset.map(|set| set.token_bytes))?;
        // The tail is the run's own choice: a written value wins.
        let heldout_tokens = self
            .heldout_tokens
            .or(dataset.map(|set| set.heldout_tokens))
            .ok_or(SpecFileError::MissingData("heldout_tokens"))?;
        let sources = self
            .sources
            .or(dataset.map(|set| vec![set.root]))
            .ok_or(SpecFileError::MissingData("sources"))?;
        let sources = sources
            .try_into()
            .map_err(|refused: Vec<Digest>| SpecFileError::TooManySources(refused.len()))?;
        Ok(DataSpec { stream, tokens, token_bytes, heldout_tokens, sources })
    }
}

fn agree<T: PartialEq + ToString>(
    field: &'static str,
    written: Option<T>,
    dataset: Option<T>,
) -> Result<T, SpecFileError> {
    match (written, dataset) {
        (Some(written), Some(dataset)) if written != dataset => Err(SpecFileError::OtherDataset {
            field,
            written: written.to_string(),
            dataset: dataset.to_string(),
        }),
        (Some(value), _) | (None, Some(value)) => Ok(value),
        (None, None) => Err(SpecFileError::MissingData(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Shard,
        engine::testing::{demo_spec, demo_spec_toml},
    };

    fn manifest() -> Manifest {
        let shards = vec![Shard { bytes: 1 << 20, blake3: Digest([1; 32]) }; 3];
        Manifest {
            version: 1,
            title: "t".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            documents: 1,
            text_bytes: (3 << 20) - 1,
            tokens: 3 << 20,
            token_bytes: 1,
            heldout_tokens: 60_000,
            stream: Digest([5; 32]),
            root: Manifest::root_of(&shards),
            statistics: None,
            images: None,
            view: None,
            shards,
        }
    }

    fn file(text: &str) -> Result<SpecFile, SpecFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, text).unwrap();
        SpecFile::read(&path)
    }

    #[test]
    fn a_complete_file_needs_no_dataset() {
        let spec = demo_spec();
        let text = toml::to_string(&spec).unwrap();
        assert_eq!(file(&text).unwrap().complete(None).unwrap(), spec);
    }

    #[test]
    fn a_dataset_fills_what_is_left_open() {
        let spec = file(demo_spec_toml()).unwrap().complete(Some(&manifest())).unwrap();
        assert_eq!(spec.data.stream, Digest([5; 32]));
        assert_eq!((spec.data.tokens, spec.data.heldout_tokens), (3 << 20, 60_000));
        assert_eq!(spec.data.sources.as_slice(), [manifest().root]);
        let text = format!("{}\n[data]\nheldout_tokens = 70_000\n", demo_spec_toml());
        let spec = file(&text).unwrap().complete(Some(&manifest())).unwrap();
        assert_eq!(spec.data.heldout_tokens, 70_000, "a written value wins");
    }

    #[test]
    fn open_data_without_a_dataset_is_refused_with_the_remedy() {
        let error = file(demo_spec_toml()).unwrap().complete(None).unwrap_err().to_string();
        assert!(error.contains("data.stream") && error.contains("--data"), "{error}");
    }

    #[test]
    fn a_file_of_a_model_alone_is_enough_for_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.toml");
        let spec = demo_spec();
        let text = format!("[model]\n{}", toml::to_string(&spec.model).unwrap());
        std::fs::write(&path, &text).unwrap();
        assert_eq!(model_of(&path).unwrap(), spec.model);
        assert!(SpecFile::read(&path).is_err(), "it is no run");
        std::fs::write(&path, text.replace("layers", "lairs")).unwrap();
        let error = model_of(&path).unwrap_err().to_string();
        assert!(error.contains("model.toml"), "{error}");
    }

    #[test]
    fn another_dataset_is_refused() {
        let text = toml::to_string(&demo_spec()).unwrap();
        let error = file(&text).unwrap().complete(Some(&manifest())).unwrap_err();
        assert!(matches!(error, SpecFileError::OtherDataset { field: "stream", .. }), "{error}");
    }

    #[test]
    fn mistakes_are_named_with_file_and_line() {
        let error = file(&demo_spec_toml().replace("layers = 4", "layers = 0"))
            .unwrap()
            .complete(Some(&manifest()))
            .unwrap_err()
            .to_string();
        assert!(error.contains("spec.toml") && error.contains("model.layers"), "{error}");
        let error = file(&demo_spec_toml().replace("heads = 4", "haeds = 4")).unwrap_err().to_string();
        assert!(error.contains("haeds") && error.contains("spec.toml") && error.contains("line"), "{error}");
        let error = file("= 3").unwrap_err().to_string();
        assert!(error.contains("spec.toml"), "{error}");
        assert!(matches!(SpecFile::read(Path::new("/nonexistent")), Err(SpecFileError::File(_))));
    }
}

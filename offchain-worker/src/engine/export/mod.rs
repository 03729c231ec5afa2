//! A model as a folder that `transformers` and everything that reads its format loads: `LlamaForCausalLM` in safetensors, with its
//! configuration and a tokeniser whose token ids are bytes.
//!
//! The templates beside this file are the folder's files; `"{field}"`, with its quotes, stands for the JSON value of a field.
//! scripts/torch/check_transformers.py explains why each entry is as it is, and loads a folder.

use super::Checkpoint;
use crate::files::{self, FileError};
use sabha_protocol::spec::ModelSpec;
use std::path::{Path, PathBuf};

/// The parameters' file.
pub const MODEL: &str = "model.safetensors";

/// The other files, by name.
const TEMPLATES: [(&str, &str); 4] = [
    ("config.json", include_str!("config.json")),
    ("generation_config.json", include_str!("generation_config.json")),
    ("tokenizer.json", include_str!("tokenizer.json")),
    ("tokenizer_config.json", include_str!("tokenizer_config.json")),
];

/// Why a model cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No tokeniser is known for it.
    #[error(
        "model.vocabulary is {0}: only byte-level models, of 256 tokens, can be exported with a tokeniser yet"
    )]
    Vocabulary(u32),
    /// The folder holds a model.
    #[error("{} holds a model already: choose another folder", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Writes the folder. Returns the files' names.
///
/// # Errors
/// If the model has no tokeniser, the folder holds a model, or the disk fails.
pub fn export(
    model: &ModelSpec,
    checkpoint: &Checkpoint,
    folder: &Path,
) -> Result<Vec<&'static str>, ExportError> {
    if model.vocabulary != 256 {
        return Err(ExportError::Vocabulary(model.vocabulary));
    }
    if folder.join(MODEL).exists() {
        return Err(ExportError::Exists(folder.into()));
    }
    files::create_folder(folder)?;
    for (name, template) in TEMPLATES {
        files::write_atomic(&folder.join(name), fill(template, model).as_bytes())?;
    }
    // Last: a folder with parameters is a whole one.
    files::write_atomic(&folder.join(MODEL), &checkpoint.to_blob())?;
    Ok(TEMPLATES.iter().map(|(name, _)| *name).chain([MODEL]).collect())
}

fn fill(template: &str, model: &ModelSpec) -> String {
    // The shortest decimal that reads back as the same number, as JSON writes it.
    let number =
        |value: f32| serde_json::Value::from(value.to_string().parse::<f64>().unwrap_or(0.0)).to_string();
    [
        ("vocabulary", model.vocabulary.to_string()),
        ("width", model.width.to_string()),
        ("layers", model.layers.to_string()),
        ("heads", model.heads.to_string()),
        ("head_width", model.head_width().to_string()),
        ("feed_forward", model.feed_forward.to_string()),
        ("context", model.context.to_string()),
        ("rope_base", number(model.rope_base.get())),
        ("norm_epsilon", number(model.norm_epsilon.get())),
        ("tied_embedding", model.tied_embedding.to_string()),
    ]
    .into_iter()
    .fold(template.to_string(), |text, (field, value)| text.replace(&format!("\"{{{field}}}\""), &value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{init, testing::demo_spec};
    use serde_json::Value;

    fn json(folder: &Path, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    }

    #[test]
    fn the_folder_says_what_the_model_is() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("exported");
        let model = demo_spec().model;
        let checkpoint = init::initial(&model, 3);
        assert_eq!(export(&model, &checkpoint, &out).unwrap().len(), 5);
        let config = json(&out, "config.json");
        for (field, value) in [
            ("vocab_size", Value::from(256)),
            ("hidden_size", Value::from(model.width)),
            ("num_hidden_layers", Value::from(model.layers)),
            ("num_key_value_heads", Value::from(model.heads)),
            ("max_position_embeddings", Value::from(model.context)),
            ("rms_norm_eps", Value::from(1e-5)),
            ("rope_theta", Value::from(10_000.0)),
            ("tie_word_embeddings", Value::from(model.tied_embedding)),
        ] {
            assert_eq!(config[field], value, "{field}");
        }
        assert_eq!(json(&out, "tokenizer.json")["model"]["vocab"].as_object().unwrap().len(), 256);
        for name in ["config.json", "tokenizer_config.json", "generation_config.json", "tokenizer.json"] {
            let text = std::fs::read_to_string(out.join(name)).unwrap();
            let fields = text.split("\"{").skip(1).filter(|rest| rest.starts_with(char::is_alphabetic));
            assert_eq!(fields.count(), 0, "{name} has a field that was not filled");
        }
        let blob = std::fs::read(out.join(MODEL)).unwrap();
        assert_eq!(Checkpoint::from_blob(&model, &blob).unwrap(), checkpoint);
        assert!(matches!(export(&model, &checkpoint, &out), Err(ExportError::Exists(_))));
    }

    #[test]
    fn other_vocabularies_have_no_tokeniser() {
        let folder = tempfile::tempdir().unwrap();
        let model = ModelSpec { vocabulary: 300, ..demo_spec().model };
        let error = export(&model, &init::initial(&model, 3), folder.path()).unwrap_err();
        assert!(error.to_string().contains("300"), "{error}");
        assert!(!folder.path().join("config.json").exists());
    }
}

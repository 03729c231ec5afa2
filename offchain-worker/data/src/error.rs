//! What can go wrong with data.

use sabha_files::FileError;
use std::path::PathBuf;

/// What went wrong with data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Not text.
    #[error("{} is not UTF-8 text: {what} at byte {offset}; leave this file out or convert it", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where in the file, from 0.
        offset: u64,
        /// What is there.
        what: &'static str,
    },
    /// A file without content.
    #[error("{} is empty: leave it out", .0.display())]
    EmptyFile(PathBuf),
    /// A file of blanks.
    #[error("{} holds nothing but blanks: leave it out", .0.display())]
    BlankFile(PathBuf),
    /// No files at all.
    #[error("nothing to pack: {} holds no {what} (names that begin with a dot are skipped)", path.display())]
    NothingToPack {
        /// Where was looked.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// A row of a table cannot be used.
    #[error("{}, row {row}: {reason}", path.display())]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The row, or line, from 1.
        row: u64,
        /// Why, and what to do.
        reason: String,
    },
    /// A table cannot be read.
    #[error("{} cannot be read as Parquet: {reason}", path.display())]
    BadParquet {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// An image, or a file of images or labels, cannot be used.
    #[error("{}: {reason}", path.display())]
    BadImage {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A tokenizer cannot be used.
    #[error("{} cannot be used as a tokenizer: {reason}", path.display())]
    BadTokenizer {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Neither a file nor a folder.
    #[error("{} is neither a file nor a folder", .0.display())]
    NotAFile(PathBuf),
    /// The output lies within an input.
    #[error("{} lies within the input {}: it would pack itself; choose another folder", output.display(), input.display())]
    OutputInInput {
        /// Where the dataset should be written.
        output: PathBuf,
        /// What should be packed.
        input: PathBuf,
    },
    /// The output holds a dataset.
    #[error("{} holds a dataset already: choose another folder, or pass --replace", .0.display())]
    Exists(PathBuf),
    /// A field of the manifest is unusable.
    #[error("{field} is {value:?}: it must be {expected}")]
    BadField {
        /// The field.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is accepted, in words.
        expected: &'static str,
    },
    /// The manifest cannot be read as one.
    #[error("{} is not a dataset's manifest: {reason}", path.display())]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The stream is not what its manifest or specification says.
    #[error("{} is not the stream it should be: {reason}; fetch or pack it again", path.display())]
    WrongStream {
        /// The file.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// A token that the model does not know.
    #[error("{} holds token {token} at {offset}, but model.vocabulary is {vocabulary}", path.display())]
    BadToken {
        /// The file.
        path: PathBuf,
        /// The token.
        token: u32,
        /// Its place in the stream, in tokens.
        offset: u64,
        /// Tokens that the model knows.
        vocabulary: u32,
    },
    /// The stream has no room for one window.
    #[error("the stream has no room for a window of model.context + 1 tokens")]
    NoWindow,
    /// Somebody asked for a stop.
    #[error("it was stopped")]
    Stopped,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

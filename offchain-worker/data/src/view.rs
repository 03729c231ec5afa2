//! A text dataset as the tokens of a tokenizer: a stream of its own, that says what it was made of.
//!
//! A document is tokenised in pieces, so that one of any size takes no more memory than another: a piece ends after the first line feed
//! beyond [`PIECE_BYTES`], or after [`LONGEST_BYTES`] if there is none before. Each document ends with the token that is named for it. Whoever
//! has the text and the tokenizer's file makes the same stream again.

use crate::{
    DataError, Manifest, STREAM,
    manifest::View,
    pack::{Advance, Told, put},
    writer::StreamWriter,
};
use sabha_files::{self as files, FileError};
use sabha_protocol::Digest;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};
use tokenizers::Tokenizer;

/// Bytes after which a piece of a document ends with its line.
pub const PIECE_BYTES: usize = 1 << 16;

/// Bytes of a piece, at most.
pub const LONGEST_BYTES: usize = 1 << 20;

/// Bytes of a tokenizer's file, at most.
const TOKENIZER_BYTES: u64 = 1 << 28;

/// What a view is made with.
#[derive(Clone, Debug)]
pub struct ViewOptions {
    /// BLAKE3 that the tokenizer's file must have; none: whichever it has.
    pub tokenizer: Option<Digest>,
    /// The token that ends a document, as the tokenizer writes it.
    pub end: String,
    /// Part of the stream, at its end, that is never trained on; from 0 to below 1.
    pub heldout_fraction: f64,
    /// Whether a dataset that is in the output folder may be replaced.
    pub replace: bool,
}

/// Writes the dataset in `source`, tokenised by the `tokenizers` file `tokenizer`, to `out`. The source is verified on the way.
///
/// # Errors
/// If the source is no text, or damaged; the tokenizer cannot be used, or is another one than was asked for; a file cannot be read or
/// written; or the work was stopped.
pub fn make(
    source: &Path,
    tokenizer: &Path,
    out: &Path,
    options: &ViewOptions,
    progress: Told<'_>,
) -> Result<Manifest, DataError> {
    let field = |field, value: String, expected| DataError::BadField { field, value, expected };
    if !(0.0..1.0).contains(&options.heldout_fraction) {
        let value = options.heldout_fraction.to_string();
        return Err(field("heldout-fraction", value, "from 0 to below 1"));
    }
    if !options.replace && out.join(crate::MANIFEST).exists() {
        return Err(DataError::Exists(out.to_path_buf()));
    }
    let from = Manifest::read(source)?;
    if !from.is_text() {
        let path = source.join(STREAM);
        return Err(DataError::WrongStream { path, reason: "it is no text that can be tokenised".into() });
    }
    let same = source.canonicalize().ok();
    if same.is_some() && same == out.canonicalize().ok() {
        let (output, input) = (out.to_path_buf(), source.to_path_buf());
        return Err(DataError::OutputInInput { output, input });
    }
    let (words, digest) = load(tokenizer, options.tokenizer)?;
    let bad = |reason: String| DataError::BadTokenizer { path: tokenizer.to_path_buf(), reason };
    let vocabulary = u32::try_from(words.get_vocab_size(true)).map_err(|error| bad(error.to_string()))?;
    let end = words.token_to_id(&options.end).ok_or_else(|| {
        bad(format!("it has no token {:?}: name one that it has with --end-token", options.end))
    })?;
    let token_bytes = if vocabulary <= 1 << 16 { 2u8 } else { 4 };

    let mut writer = StreamWriter::create(out)?;
    let (mut tokens, mut ids) = (0u64, Vec::new());
    let mut advance = Advance::new(from.bytes(), progress);
    let mut put_ids = |ids: &[u32], writer: &mut StreamWriter| {
        tokens += ids.len() as u64;
        let width = usize::from(token_bytes);
        ids.iter().try_for_each(|id| writer.append(id.to_le_bytes().get(..width).unwrap_or_default()))
    };
    pieces(source, &from, |piece, ends| {
        let encoding = words.encode_fast(piece, false).map_err(|error| bad(error.to_string()))?;
        ids.clear();
        ids.extend_from_slice(encoding.get_ids());
        if ends {
            ids.push(end);
        }
        if let Some(id) = ids.iter().find(|id| **id >= vocabulary) {
            return Err(bad(format!("it gives the token {id}, and says it has {vocabulary}")));
        }
        put_ids(&ids, &mut writer)?;
        advance.by(piece.len() as u64 + u64::from(ends))
    })?;
    let written = writer.finish()?;
    let manifest = Manifest {
        version: 1,
        tokens,
        token_bytes,
        heldout_tokens: (tokens as f64 * options.heldout_fraction) as u64,
        stream: written.digest,
        root: Manifest::root_of(&written.shards),
        statistics: None,
        view: Some(View { source: from.root, tokenizer: digest, vocabulary }),
        shards: written.shards,
        ..from
    };
    put(out, written.file, &manifest)?;
    Ok(manifest)
}

fn load(path: &Path, wanted: Option<Digest>) -> Result<(Tokenizer, Digest), DataError> {
    let bad = |reason: String| DataError::BadTokenizer { path: path.to_path_buf(), reason };
    let size = std::fs::metadata(path).map_err(FileError::of("read", path))?.len();
    if size > TOKENIZER_BYTES {
        return Err(bad(format!("it has {size} bytes, more than {TOKENIZER_BYTES}")));
    }
    let bytes = files::read(path)?;
    let digest = Digest::of(&bytes);
    if wanted.is_some_and(|wanted| wanted != digest) {
        return Err(bad(format!("it hashes to {digest}: fetch the one that was asked for")));
    }
    let mut tokenizer = Tokenizer::from_bytes(&bytes)
        .map_err(|error| bad(format!("{error}; it must be a tokenizer.json of the library tokenizers")))?;
    // What is cut off or filled up would be no text any more.
    tokenizer.with_truncation(None).map_err(|error| bad(error.to_string()))?;
    tokenizer.with_padding(None);
    Ok((tokenizer, digest))
}

/// Gives the documents of the dataset in `folder` to `take`, piece by piece, and whether one ends with the piece.
fn pieces(
    folder: &Path,
    manifest: &Manifest,
    mut take: impl FnMut(&str, bool) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let path = folder.join(STREAM);
    manifest.check_size(folder)?;
    let wrong = |reason: &str| DataError::WrongStream { path: path.clone(), reason: reason.into() };
    let file = File::open(&path).map_err(FileError::of("open", &path))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let (mut hasher, mut piece) = (blake3::Hasher::new(), Vec::new());
    loop {
        let held = reader.fill_buf().map_err(FileError::of("read", &path))?;
        if held.is_empty() {
            break;
        }
        let room = LONGEST_BYTES.saturating_sub(piece.len()).max(1);
        let held = held.get(..room.min(held.len())).unwrap_or_default();
        let early = PIECE_BYTES.saturating_sub(piece.len());
        let is_end = |(at, byte): (usize, &u8)| *byte == 0 || (at >= early && *byte == b'\n');
        let stop = held.iter().enumerate().position(is_end);
        let count = stop.map_or(held.len(), |at| at + 1);
        let now = held.get(..count).unwrap_or_default();
        hasher.update(now);
        piece.extend_from_slice(now);
        reader.consume(count);
        let ends = piece.last() == Some(&0);
        if ends {
            piece.pop();
        }
        if stop.is_some() || piece.len() >= LONGEST_BYTES {
            let text = crate::text::characters(&piece, ends).map_err(|(_, what)| wrong(what))?;
            take(text, ends)?;
            let taken = text.len();
            piece.drain(..taken);
        }
    }
    if !piece.is_empty() {
        return Err(wrong("its last document has no end"));
    }
    if *hasher.finalize().as_bytes() != manifest.stream.0 {
        return Err(wrong("it hashes to something else than its manifest says"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, PackOptions, Stream, pack};
    use std::{fs, ops::ControlFlow, path::PathBuf};

    /// Words and the marks between them; what it does not know is `?`.
    const WORDS: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
        "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
        "model":{"type":"WordLevel","vocab":{"?":0,"<end>":1,"uno":2,"dos":3,"tres":4},"unk_token":"?"}}"#;

    fn go_on(_: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn packed(folder: &Path, texts: &[&str]) -> PathBuf {
        for (place, text) in texts.iter().enumerate() {
            files::write_atomic(&folder.join(format!("in/{place}.txt")), text.as_bytes()).unwrap();
        }
        let options = PackOptions {
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Text,
            heldout_fraction: 0.1,
            replace: true,
        };
        pack(&[folder.join("in")], &folder.join("packed"), &options, go_on).unwrap();
        fs::write(folder.join("tokenizer.json"), WORDS).unwrap();
        folder.join("packed")
    }

    fn options() -> ViewOptions {
        ViewOptions { tokenizer: None, end: "<end>".into(), heldout_fraction: 0.25, replace: false }
    }

    #[test]
    fn documents_become_tokens_and_the_view_says_of_what_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let source = packed(folder.path(), &["uno dos", "tres cuatro uno"]);
        let (tokenizer, out) = (folder.path().join("tokenizer.json"), folder.path().join("view"));
        let manifest = make(&source, &tokenizer, &out, &options(), &mut go_on).unwrap();
        assert_eq!((manifest.tokens, manifest.token_bytes, manifest.heldout_tokens), (7, 2, 1));
        let view = manifest.view.unwrap();
        assert_eq!(view.source, Manifest::read(&source).unwrap().root);
        assert_eq!((view.tokenizer, view.vocabulary), (Digest::of(WORDS.as_bytes()), 5));
        let read = Manifest::read(&out).unwrap();
        assert_eq!(read, manifest);
        read.verify(&out, go_on).unwrap();
        let bytes = fs::read(out.join(STREAM)).unwrap();
        let tokens: Vec<u8> = bytes.chunks(2).map(|pair| pair[0]).collect();
        assert_eq!(tokens, [2, 3, 1, 4, 0, 2, 1]);
        let stream = Stream::open(&out, manifest.stream, manifest.tokens, 2).unwrap();
        stream.check_tokens(5).unwrap();
        assert!(stream.check_tokens(4).is_err());
        assert!(matches!(make(&source, &tokenizer, &out, &options(), &mut go_on), Err(DataError::Exists(_))));
    }

    #[test]
    fn a_long_document_is_tokenised_in_pieces_and_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let lines = "uno dos tres\n".repeat(20_000);
        // Without line feeds, and with characters of three bytes across the bound.
        let endless = "xहिन्दी ".repeat(90_000);
        let source = packed(folder.path(), &[&lines, &endless]);
        let manifest = Manifest::read(&source).unwrap();
        let (mut texts, mut longest, mut count) = (vec![String::new()], 0, 0);
        pieces(&source, &manifest, |piece, ends| {
            texts.last_mut().unwrap().push_str(piece);
            longest = longest.max(piece.len());
            count += 1;
            if ends {
                texts.push(String::new());
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(texts, [lines.clone(), endless, String::new()]);
        assert!(longest <= LONGEST_BYTES && count > 5, "{longest} {count}");
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let source = packed(folder.path(), &["uno dos"]);
        let (tokenizer, out) = (folder.path().join("tokenizer.json"), folder.path().join("view"));
        let refuse = |options: ViewOptions, says: &str| {
            let error = make(&source, &tokenizer, &out, &options, &mut go_on).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!out.join(STREAM).exists());
        };
        refuse(ViewOptions { tokenizer: Some(Digest([1; 32])), ..options() }, "fetch the one");
        refuse(ViewOptions { end: "</s>".into(), ..options() }, "--end-token");
        refuse(ViewOptions { heldout_fraction: 1.0, ..options() }, "heldout-fraction");
        fs::write(&tokenizer, "{}").unwrap();
        refuse(options(), "tokenizer.json");
        fs::write(&tokenizer, WORDS).unwrap();
        let stream = source.join(STREAM);
        let mut bytes = fs::read(&stream).unwrap();
        bytes[0] ^= 1;
        fs::write(&stream, bytes).unwrap();
        refuse(options(), "fetch or pack it again");
    }
}

//! `data pack`: files become a stream and a manifest.

use crate::{
    DataError, END_OF_DOCUMENT, MANIFEST, Manifest,
    count::TextCount,
    images,
    inputs::{self, Kind},
    jsonl,
    manifest::Images,
    table, text,
    writer::{StreamWriter, Written},
};
use sabha_files as files;
use serde::Serialize;
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// What the inputs are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Files of text: each is a document.
    #[default]
    Text,
    /// Files `*.jsonl`, `*.ndjson` and the same with `.gz`, a JSON object a line: a field of each is a document.
    Jsonl {
        /// The field.
        field: String,
    },
    /// Files `*.parquet`: a column's value in each row is a document.
    Parquet {
        /// The column; one within a group by its path, with dots.
        column: String,
    },
    /// One folder that holds a folder for each label, with images in it: PNG, PGM or PPM, all of one size.
    Images,
    /// One file of images and one of their labels, as IDX.
    Idx,
}

impl Format {
    /// What files named so are, where their names tell: else text.
    pub fn of(inputs: &[PathBuf]) -> Self {
        let all = |kind: Kind| !inputs.is_empty() && inputs.iter().all(|input| kind.takes(input));
        if all(JSONL) {
            Self::Jsonl { field: "text".into() }
        } else if all(PARQUET) {
            Self::Parquet { column: "text".into() }
        } else if all(IDX) {
            Self::Idx
        } else {
            Self::Text
        }
    }

    /// Whether it is about images.
    pub fn is_images(&self) -> bool {
        matches!(self, Self::Images | Self::Idx)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Text | Self::Idx => Kind::ANY,
            Self::Jsonl { .. } => JSONL,
            Self::Parquet { .. } => PARQUET,
            Self::Images => IMAGES,
        }
    }
}

const JSONL: Kind =
    Kind { name: "files *.jsonl or *.ndjson", endings: &[".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"] };
const PARQUET: Kind = Kind { name: "files *.parquet", endings: &[".parquet"] };
const IMAGES: Kind = Kind { name: "images", endings: &[".png", ".pgm", ".ppm"] };
const IDX: Kind = Kind {
    name: "files of IDX",
    endings: &["-ubyte", "-ubyte.gz", ".idx3", ".idx1", ".idx4", ".idx3.gz", ".idx1.gz", ".idx4.gz"],
};

/// What the manifest will say besides what is counted, and how the inputs are read.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Title, for people.
    pub title: String,
    /// Language tag, such as `es`; `zxx` for data without a language.
    pub language: String,
    /// Licence, such as `CC0-1.0`.
    pub licence: String,
    /// What the inputs are.
    pub format: Format,
    /// Part of the stream, at its end, that is never trained on; from 0 to below 1.
    pub heldout_fraction: f64,
    /// Whether a dataset that is in the output folder may be replaced.
    pub replace: bool,
}

/// What was packed.
#[derive(Clone, Debug, Serialize)]
pub struct PackSummary {
    /// The folder.
    pub folder: PathBuf,
    /// The manifest that was written.
    pub manifest: Manifest,
    /// Rows of tables that were left out, because there was no text in them.
    pub skipped_rows: u64,
}

/// What is told how far the work is: bytes that were read, and bytes in all. It may stop the work.
pub type Told<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Packs files, and all files in folders (sorted by path; names that begin with a dot are skipped), into a dataset in `out`.
/// `progress` is told the bytes read so far and in all, and may stop the work.
///
/// # Errors
/// If there is nothing to pack, an input is empty, blank or not what it should be, a file cannot be read or written, or the work was
/// stopped ([`DataError::Stopped`]). The output folder is then as it was.
pub fn pack(
    inputs: &[PathBuf],
    out: &Path,
    options: &PackOptions,
    mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PackSummary, DataError> {
    check(options)?;
    if !options.replace && out.join(MANIFEST).exists() {
        return Err(DataError::Exists(out.to_path_buf()));
    }
    let total = inputs::check(inputs, out, options.format.kind())?;
    let made: Vec<&Path> =
        out.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let packed = write(inputs, out, options, total, &mut progress);
    if packed.is_err() {
        // Only empty folders go: whatever somebody else has put there stays.
        made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    packed
}

fn write(
    inputs: &[PathBuf],
    out: &Path,
    options: &PackOptions,
    total: u64,
    progress: Told<'_>,
) -> Result<PackSummary, DataError> {
    let mut advance = Advance::new(total, progress);
    if options.format.is_images() {
        let mut writer = StreamWriter::create(out)?;
        let read = if options.format == Format::Images { images::folder } else { images::idx };
        let images = read(inputs, &mut writer, &mut advance)?;
        let written = writer.finish()?;
        let count = images.counts.iter().sum();
        let parts = Parts { documents: count, text_bytes: count * images.pixels(), images: Some(images) };
        return finish(out, options, written, parts, None, 0);
    }
    let mut sink =
        TextSink { writer: StreamWriter::create(out)?, count: TextCount::default(), skipped: 0, advance };
    let mut buffer = Vec::new();
    for input in inputs {
        inputs::visit(input, options.format.kind(), &mut |input| match &options.format {
            Format::Jsonl { field } => jsonl::read(input, field, &mut sink),
            Format::Parquet { column } => table::read(input, column, &mut sink),
            _ => {
                text::read(input.path, &mut buffer, |piece| {
                    sink.append(piece)?;
                    sink.advance(piece.len() as u64)
                })?;
                sink.end_document()
            }
        })?;
    }
    let TextSink { writer, count, skipped, .. } = sink;
    if count.documents == 0 {
        let path = inputs.first().cloned().unwrap_or_default();
        return Err(DataError::NothingToPack { path, what: "row with text" });
    }
    let parts = Parts { documents: count.documents, text_bytes: count.bytes, images: None };
    finish(out, options, writer.finish()?, parts, Some(count), skipped)
}

struct Parts {
    documents: u64,
    text_bytes: u64,
    images: Option<Images>,
}

fn finish(
    out: &Path,
    options: &PackOptions,
    written: Written,
    parts: Parts,
    count: Option<TextCount>,
    skipped_rows: u64,
) -> Result<PackSummary, DataError> {
    let mut heldout_tokens = (written.bytes as f64 * options.heldout_fraction) as u64;
    if let Some(images) = &parts.images {
        // Whole images.
        heldout_tokens -= heldout_tokens.checked_rem(images.record_bytes()).unwrap_or(0);
    }
    let manifest = Manifest {
        version: 1,
        title: options.title.clone(),
        language: options.language.clone(),
        licence: options.licence.clone(),
        documents: parts.documents,
        text_bytes: parts.text_bytes,
        tokens: written.bytes,
        token_bytes: 1,
        heldout_tokens,
        stream: written.digest,
        root: Manifest::root_of(&written.shards),
        statistics: count.map(|count| count.statistics()),
        images: parts.images,
        view: None,
        shards: written.shards,
    };
    put(out, written.file, &manifest)?;
    Ok(PackSummary { folder: out.to_path_buf(), manifest, skipped_rows })
}

/// Writes the dataset of a manifest to `out`, from its shards, which `shard` gives one by one; and verifies all of it.
///
/// # Errors
/// Those of `shard`; if a shard or a count is not what the manifest says, or a file cannot be written. The folder is then as it was.
pub fn assemble<E: From<DataError>>(
    manifest: &Manifest,
    out: &Path,
    replace: bool,
    mut shard: impl FnMut(usize) -> Result<Vec<u8>, E>,
) -> Result<(), E> {
    if !replace && out.join(MANIFEST).exists() {
        return Err(DataError::Exists(out.to_path_buf()).into());
    }
    let mut writer = StreamWriter::create(out)?;
    let mut contents = manifest.contents();
    let wrong = |reason: String| DataError::WrongStream { path: out.join(crate::STREAM), reason };
    let mut at = 0;
    for index in 0..manifest.shards.len() {
        let bytes = shard(index)?;
        contents.add(&bytes, at).map_err(wrong)?;
        at += bytes.len() as u64;
        writer.append(&bytes)?;
    }
    contents.end().map_err(wrong)?;
    let written = writer.finish()?;
    if written.digest != manifest.stream || written.shards != manifest.shards {
        return Err(wrong("its shards are not those of the manifest".into()).into());
    }
    Ok(put(out, written.file, manifest)?)
}

/// Puts a stream and its manifest into their places.
pub(crate) fn put(out: &Path, stream: files::AtomicFile, manifest: &Manifest) -> Result<(), DataError> {
    let path = out.join(MANIFEST);
    let bytes =
        manifest.to_bytes().map_err(|reason| DataError::BadManifest { path: path.clone(), reason })?;
    // Until the manifest is there the folder is no dataset: an old manifest must not stand beside a new stream.
    files::remove(&path)?;
    stream.commit()?;
    Ok(files::write_atomic(&path, &bytes)?)
}

fn check(options: &PackOptions) -> Result<(), DataError> {
    let bad = |field, value: &str, expected| DataError::BadField { field, value: value.into(), expected };
    let one_line = |text: &str| !text.trim().is_empty() && !text.chars().any(char::is_control);
    if !one_line(&options.title) {
        return Err(bad("title", &options.title, "one line of text"));
    }
    let tag = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !options.language.split('-').all(tag) {
        return Err(bad("language", &options.language, "a language tag such as es, hi or pt-BR"));
    }
    if !one_line(&options.licence) {
        return Err(bad("licence", &options.licence, "a licence such as CC0-1.0 or CC-BY-4.0"));
    }
    if !(0.0..1.0).contains(&options.heldout_fraction) {
        let value = options.heldout_fraction.to_string();
        return Err(bad("heldout-fraction", &value, "from 0 to below 1"));
    }
    Ok(())
}

/// How far the work is.
pub(crate) struct Advance<'a> {
    done: u64,
    total: u64,
    progress: Told<'a>,
}

impl<'a> Advance<'a> {
    pub(crate) fn new(total: u64, progress: Told<'a>) -> Self {
        Self { done: 0, total, progress }
    }

    /// So many more bytes were read.
    pub(crate) fn by(&mut self, bytes: u64) -> Result<(), DataError> {
        self.done = self.done.saturating_add(bytes);
        // A file may have grown meanwhile.
        let done = self.done.min(self.total);
        if (self.progress)(done, self.total).is_break() { Err(DataError::Stopped) } else { Ok(()) }
    }
}

/// Takes documents.
pub(crate) struct TextSink<'a> {
    writer: StreamWriter,
    count: TextCount,
    skipped: u64,
    advance: Advance<'a>,
}

impl TextSink<'_> {
    /// A piece of a document: text, without control characters.
    pub(crate) fn append(&mut self, piece: &str) -> Result<(), DataError> {
        self.count.add(piece.as_bytes());
        self.writer.append(piece.as_bytes())
    }

    pub(crate) fn end_document(&mut self) -> Result<(), DataError> {
        self.count.end();
        self.writer.append(&[END_OF_DOCUMENT])
    }

    /// A row without text.
    pub(crate) fn skip_row(&mut self) {
        self.skipped += 1;
    }

    pub(crate) fn advance(&mut self, bytes: u64) -> Result<(), DataError> {
        self.advance.by(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{STREAM, Stream};
    use sabha_protocol::Digest;

    fn options() -> PackOptions {
        PackOptions {
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Text,
            heldout_fraction: 0.1,
            replace: false,
        }
    }

    fn go_on(_: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn quiet(inputs: &[PathBuf], out: &Path) -> Result<Manifest, DataError> {
        pack(inputs, out, &options(), go_on).map(|summary| summary.manifest)
    }

    #[test]
    fn folders_are_packed_in_the_order_of_their_paths_and_verify() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        for (name, text) in [("b.txt", "dos"), ("a/z.txt", "uno"), ("c.md", "tres ñ"), (".hidden", "\0")] {
            files::write_atomic(&input.join(name), text.as_bytes()).unwrap();
        }
        let out = folder.path().join("out");
        let manifest = quiet(std::slice::from_ref(&input), &out).unwrap();
        assert_eq!(fs::read(out.join(STREAM)).unwrap(), "uno\0dos\0tres ñ\0".as_bytes());
        assert_eq!((manifest.documents, manifest.tokens, manifest.text_bytes), (3, 16, 13));
        assert_eq!(manifest.heldout_tokens, 1);
        let read = Manifest::read(&out).unwrap();
        assert_eq!(read, manifest);
        read.verify(&out, go_on).unwrap();
        Stream::open(&out, manifest.stream, manifest.tokens, 1).unwrap();
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let text = "árbol\n".repeat(400_000);
        let input = folder.path().join("text");
        fs::write(&input, &text).unwrap();
        let outs = ["one", "two"].map(|name| folder.path().join(name));
        let manifests = outs.clone().map(|out| quiet(std::slice::from_ref(&input), &out).unwrap());
        assert_eq!(manifests[0], manifests[1]);
        assert_eq!(manifests[0].shards.len(), 3, "2.8 MB in shards of 1 MiB");
        for name in [STREAM, MANIFEST] {
            assert_eq!(fs::read(outs[0].join(name)).unwrap(), fs::read(outs[1].join(name)).unwrap());
        }
        let stream = fs::read(outs[0].join(STREAM)).unwrap();
        assert_eq!(stream, [text.as_bytes(), &[0]].concat(), "lossless");
        assert_eq!(manifests[0].stream, Digest::of(&stream));
        manifests[0].verify(&outs[0], go_on).unwrap();
    }

    #[test]
    fn binary_input_is_refused_with_file_and_offset() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        // The offsets lie before, on and beyond the bounds of the pieces that are read.
        for (at, bytes) in [
            (3u64, &b"\0"[..]),
            (262_143, b"\xff"),
            (262_144, b"\x1b"),
            (270_000, b"\xc3("),
            (9, b"\xf0\x9f"),
        ] {
            let input = folder.path().join("binary");
            let mut content = vec![b'x'; at as usize];
            content.extend_from_slice(bytes);
            fs::write(&input, &content).unwrap();
            let error = quiet(std::slice::from_ref(&input), &out).unwrap_err();
            assert!(
                matches!(&error, DataError::NotText { offset, path, .. } if *offset == at && *path == input),
                "{error}"
            );
            assert!(!out.join(STREAM).exists() && !out.join(MANIFEST).exists(), "nothing is left behind");
        }
    }

    #[test]
    fn a_stop_ends_packing_and_verifying_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("text");
        fs::write(&input, "x".repeat(3_000_000)).unwrap();
        let stops_at = |bytes: u64| {
            move |done: u64, total: u64| {
                assert!(done <= total);
                if done >= bytes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
        };
        let out = folder.path().join("deep/out");
        let inputs = [input];
        let error = pack(&inputs, &out, &options(), stops_at(1_000_000)).unwrap_err();
        assert!(matches!(error, DataError::Stopped), "{error}");
        assert!(!folder.path().join("deep").exists(), "folders that were made for it are gone");

        // What was there before stays, whole.
        let before = quiet(&inputs, &out).unwrap();
        let replace = PackOptions { replace: true, title: "Other".into(), ..options() };
        assert!(pack(&inputs, &out, &replace, stops_at(1_000_000)).is_err());
        assert_eq!(Manifest::read(&out).unwrap(), before);
        before.verify(&out, go_on).unwrap();
        assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
        assert!(matches!(before.verify(&out, stops_at(1 << 20)), Err(DataError::Stopped)));
    }

    #[test]
    fn empty_input_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, empty, out) =
            (folder.path().join("file"), folder.path().join("empty"), folder.path().join("out"));
        fs::write(&file, b"").unwrap();
        fs::create_dir(&empty).unwrap();
        assert!(matches!(quiet(&[file], &out), Err(DataError::EmptyFile(_))));
        assert!(matches!(quiet(&[empty], &out), Err(DataError::NothingToPack { .. })));
        assert!(matches!(quiet(&[], &out), Err(DataError::NothingToPack { .. })));
        assert!(matches!(quiet(&["/nonexistent".into()], &out), Err(DataError::File(_))));
        assert!(!out.join(STREAM).exists());
    }

    #[test]
    fn an_output_within_an_input_or_on_a_dataset_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("in");
        files::write_atomic(&input.join("a"), b"text").unwrap();
        let within = input.join("deep/out");
        assert!(matches!(quiet(std::slice::from_ref(&input), &within), Err(DataError::OutputInInput { .. })));
        let out = folder.path().join("out");
        quiet(std::slice::from_ref(&input), &out).unwrap();
        assert!(matches!(quiet(std::slice::from_ref(&input), &out), Err(DataError::Exists(_))));
        let replace = PackOptions { replace: true, ..options() };
        pack(&[input], &out, &replace, go_on).unwrap();
    }

    #[test]
    fn a_dataset_is_made_again_from_its_shards_and_from_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("text");
        fs::write(&input, "año\n".repeat(600_000)).unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let manifest = quiet(&[input], &from).unwrap();
        let stream = fs::read(from.join(STREAM)).unwrap();
        let shard = |index: usize| stream.chunks(1 << 20).nth(index).unwrap().to_vec();
        assemble::<DataError>(&manifest, &to, false, |index| Ok(shard(index))).unwrap();
        for name in [STREAM, MANIFEST] {
            assert_eq!(fs::read(from.join(name)).unwrap(), fs::read(to.join(name)).unwrap());
        }
        let again = assemble::<DataError>(&manifest, &to, false, |index| Ok(shard(index)));
        assert!(matches!(again, Err(DataError::Exists(_))));
        let other = folder.path().join("other");
        let turned = assemble::<DataError>(&manifest, &other, false, |index| Ok(shard(1 - index.min(1))));
        assert!(turned.is_err());
        let lying = Manifest { documents: 2, text_bytes: manifest.text_bytes - 1, ..manifest.clone() };
        let error = assemble::<DataError>(&lying, &other, false, |index| Ok(shard(index))).unwrap_err();
        assert!(error.to_string().contains("documents"), "{error}");
        assert!(!other.join(STREAM).exists() && !other.join(MANIFEST).exists());
    }

    #[test]
    fn documents_that_hold_nothing_do_not_verify() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("text");
        fs::write(&input, "uno dos tres cuatro").unwrap();
        let out = folder.path().join("out");
        let packed = quiet(&[input], &out).unwrap();
        for (stream, documents) in [
            ("uno dos tres cuatro\0", None),
            ("uno dos\0tres cuatro\0", None),
            ("uno dos tres\0\0\0", Some("document 1 is empty")),
            ("\0uno dos tres\0", Some("document 0 is empty")),
            ("uno dos tres\0 \u{2003}\n\0", Some("document 1 is empty, or holds nothing but blanks")),
        ] {
            let shard = crate::Shard { bytes: stream.len() as u64, blake3: Digest::of(stream.as_bytes()) };
            let ends = stream.bytes().filter(|byte| *byte == 0).count() as u64;
            let manifest = Manifest {
                documents: ends,
                text_bytes: shard.bytes - ends,
                tokens: shard.bytes,
                heldout_tokens: 0,
                stream: shard.blake3,
                root: Manifest::root_of(&[shard]),
                statistics: None,
                shards: vec![shard],
                ..packed.clone()
            };
            let manifest = Manifest::from_bytes(&manifest.to_bytes().unwrap()).unwrap();
            fs::write(out.join(STREAM), stream).unwrap();
            match (manifest.verify(&out, go_on), documents) {
                (Ok(()), None) => {}
                (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
                (other, _) => panic!("{stream:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn bad_fields_are_refused_by_name() {
        let refuse = |change: fn(&mut PackOptions), field: &str| {
            let mut options = options();
            change(&mut options);
            let error = pack(&[], Path::new("/nonexistent"), &options, go_on).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        };
        refuse(|o| o.title = " ".into(), "title");
        refuse(|o| o.language = "español".into(), "language");
        refuse(|o| o.language = String::new(), "language");
        refuse(|o| o.licence = "a\nb".into(), "licence");
        refuse(|o| o.heldout_fraction = 1.0, "heldout-fraction");
        refuse(|o| o.heldout_fraction = f64::NAN, "heldout-fraction");
    }

    #[test]
    fn a_damaged_dataset_does_not_verify() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("text");
        fs::write(&input, "x".repeat(3_000_000)).unwrap();
        let out = folder.path().join("out");
        let manifest = quiet(&[input], &out).unwrap();
        let good = fs::read(out.join(STREAM)).unwrap();
        let mut flipped = good.clone();
        flipped[2_000_000] ^= 1;
        fs::write(out.join(STREAM), &flipped).unwrap();
        let error = manifest.verify(&out, go_on).unwrap_err().to_string();
        assert!(error.contains("shard 1"), "{error}");
        fs::write(out.join(STREAM), &good[..good.len() - 1]).unwrap();
        assert!(manifest.verify(&out, go_on).is_err());

        let text = fs::read_to_string(out.join(MANIFEST)).unwrap();
        for (from, to) in
            [("\"version\": 1", "\"version\": 2"), ("\"bytes\": 1048576", "\"bytes\": 1"), ("{", "[")]
        {
            fs::write(out.join(MANIFEST), text.replacen(from, to, 1)).unwrap();
            assert!(matches!(Manifest::read(&out), Err(DataError::BadManifest { .. })), "{to}");
        }
    }
}

//! `data pack`: files of text become a stream and a manifest.

use super::{DataError, END_OF_DOCUMENT, MANIFEST, Manifest, SHARD_BYTES, STREAM, Shard, text};
use crate::files::{self, AtomicFile, FileError};
use sabha_protocol::Digest;
use serde::Serialize;
use std::{
    fs,
    io::{BufWriter, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// What the manifest will say besides what is counted.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Title, for people.
    pub title: String,
    /// Language tag, such as `es`.
    pub language: String,
    /// Licence, such as `CC0-1.0`.
    pub licence: String,
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
}

/// Packs files, and all files in folders (sorted by path; names that begin with a dot are skipped), into a dataset in `out`.
/// `progress` is told the bytes read so far and in all, and may stop the work.
///
/// # Errors
/// If there is nothing to pack, an input is empty, blank or not UTF-8 text, a file cannot be read or written, or the work was stopped
/// ([`DataError::Stopped`]). The output folder is then as it was.
pub fn pack(
    inputs: &[PathBuf],
    out: &Path,
    options: &PackOptions,
    progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PackSummary, DataError> {
    check(options)?;
    if !options.replace && out.join(MANIFEST).exists() {
        return Err(DataError::Exists(out.to_path_buf()));
    }
    let documents = collect(inputs, out)?;
    let made: Vec<&Path> =
        out.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let packed = write(&documents, out, options, progress);
    if packed.is_err() {
        // Only empty folders go: whatever somebody else has put there stays.
        made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
    packed
}

fn write(
    documents: &[Document],
    out: &Path,
    options: &PackOptions,
    mut progress: impl FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<PackSummary, DataError> {
    let total = documents.iter().map(|document| document.bytes).sum();
    let file = AtomicFile::create(&out.join(STREAM))?;
    let mut writer = StreamWriter::new(file, out.join(STREAM));
    for document in documents {
        append(document, &mut writer, |bytes| progress(bytes, total))?;
    }
    let packed = writer.finish()?;
    let heldout_tokens = (packed.bytes as f64 * options.heldout_fraction) as u64;
    let manifest = Manifest {
        version: 1,
        title: options.title.clone(),
        language: options.language.clone(),
        licence: options.licence.clone(),
        documents: documents.len() as u64,
        text_bytes: packed.bytes - documents.len() as u64,
        tokens: packed.bytes,
        token_bytes: 1,
        heldout_tokens,
        stream: packed.digest,
        root: Manifest::root_of(&packed.shards),
        shards: packed.shards,
    };
    let path = out.join(MANIFEST);
    let mut text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| DataError::BadManifest { path: path.clone(), reason: error.to_string() })?;
    text.push(b'\n');
    // Until the manifest is there the folder is no dataset: an old manifest must not stand beside a new stream.
    files::remove(&path)?;
    packed.file.commit()?;
    files::write_atomic(&path, &text)?;
    Ok(PackSummary { folder: out.to_path_buf(), manifest })
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

struct Document {
    path: PathBuf,
    bytes: u64,
}

/// Every file to pack, in a fixed order.
fn collect(inputs: &[PathBuf], out: &Path) -> Result<Vec<Document>, DataError> {
    // The output may not exist yet: its nearest folder that does decides where it lies.
    let out_at = out.ancestors().find_map(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        folder.canonicalize().ok()
    });
    let mut documents = Vec::new();
    for input in inputs {
        let at = input.canonicalize().map_err(FileError::of("read", input))?;
        if at.is_dir() {
            if out_at.as_ref().is_some_and(|out| out.starts_with(&at)) {
                return Err(DataError::OutputInInput { output: out.to_path_buf(), input: input.clone() });
            }
            let before = documents.len();
            walk(input, &mut documents)?;
            if documents.len() == before {
                return Err(DataError::NothingToPack(input.clone()));
            }
        } else {
            documents.push(document(input)?);
        }
    }
    if documents.is_empty() {
        return Err(DataError::NothingToPack(PathBuf::from("the list of inputs")));
    }
    Ok(documents)
}

fn walk(folder: &Path, documents: &mut Vec<Document>) -> Result<(), DataError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(FileError::of("read", folder))? {
        let entry = entry.map_err(FileError::of("read", folder))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push(entry);
        }
    }
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(FileError::of("read", &path))?;
        if kind.is_dir() {
            walk(&path, documents)?;
        } else {
            // A link to a folder could lead in a circle: `document` refuses it.
            documents.push(document(&path)?);
        }
    }
    Ok(())
}

fn document(path: &Path) -> Result<Document, DataError> {
    let metadata = fs::metadata(path).map_err(FileError::of("read", path))?;
    if !metadata.is_file() {
        return Err(DataError::NotAFile(path.to_path_buf()));
    }
    if metadata.len() == 0 {
        return Err(DataError::EmptyFile(path.to_path_buf()));
    }
    Ok(Document { path: path.to_path_buf(), bytes: metadata.len() })
}

/// Checks a document piece by piece and appends it. `progress` is told the stream's bytes so far.
fn append(
    document: &Document,
    writer: &mut StreamWriter,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<(), DataError> {
    text::read(&document.path, |piece| {
        writer.append(piece.as_bytes())?;
        if progress(writer.bytes).is_break() { Err(DataError::Stopped) } else { Ok(()) }
    })?;
    writer.append(&[END_OF_DOCUMENT])
}

/// Writes the stream and hashes it, whole and by shard, on the way.
struct StreamWriter {
    file: BufWriter<AtomicFile>,
    path: PathBuf,
    whole: blake3::Hasher,
    shard: blake3::Hasher,
    shard_bytes: u64,
    shards: Vec<Shard>,
    bytes: u64,
}

struct Packed {
    file: AtomicFile,
    digest: Digest,
    shards: Vec<Shard>,
    bytes: u64,
}

impl StreamWriter {
    fn new(file: AtomicFile, path: PathBuf) -> Self {
        Self {
            file: BufWriter::with_capacity(1 << 16, file),
            path,
            whole: blake3::Hasher::new(),
            shard: blake3::Hasher::new(),
            shard_bytes: 0,
            shards: Vec::new(),
            bytes: 0,
        }
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<(), DataError> {
        self.file.write_all(bytes).map_err(FileError::of("write", &self.path))?;
        self.whole.update(bytes);
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = usize::try_from(SHARD_BYTES - self.shard_bytes).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.shard.update(now);
            self.shard_bytes += now.len() as u64;
            if self.shard_bytes == SHARD_BYTES {
                self.end_shard();
            }
            bytes = later;
        }
        Ok(())
    }

    fn end_shard(&mut self) {
        let blake3 = Digest(*self.shard.finalize().as_bytes());
        self.shards.push(Shard { bytes: self.shard_bytes, blake3 });
        self.shard.reset();
        self.shard_bytes = 0;
    }

    fn finish(mut self) -> Result<Packed, DataError> {
        if self.shard_bytes > 0 {
            self.end_shard();
        }
        let digest = Digest(*self.whole.finalize().as_bytes());
        let file = self.file.into_inner().map_err(|error| FileError {
            action: "write",
            path: self.path.clone(),
            source: error.into_error(),
        })?;
        Ok(Packed { file, digest, shards: self.shards, bytes: self.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Stream;

    fn options() -> PackOptions {
        PackOptions {
            title: "Test".into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
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
        for (at, bytes) in
            [(3u64, &b"\0"[..]), (65_535, b"\xff"), (65_536, b"\x1b"), (70_000, b"\xc3("), (9, b"\xf0\x9f")]
        {
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
        assert!(matches!(quiet(&[empty], &out), Err(DataError::NothingToPack(_))));
        assert!(matches!(quiet(&[], &out), Err(DataError::NothingToPack(_))));
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

//! Whether the streams that this worker trains on are what their sources' manifests say. A worker that is drawn trains on the stream that the
//! specification names, and is paid for it, whatever it is; but somebody should tell.

use crate::data::{
    DataError,
    sources::{Finding, among, compare},
};
use sabha_protocol::{Digest, dispute::stream::can_be_refuted, spec::DataSpec};
use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// The streams that were compared.
#[derive(Debug, Default)]
pub(super) struct Compared(Mutex<BTreeSet<Digest>>);

impl Compared {
    /// Compares a stream with its sources, once, on a thread of its own: nobody waits for it.
    pub fn once(&self, data: &DataSpec, stream: &Path, datasets: &[PathBuf]) {
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !seen.insert(data.stream) {
            return;
        }
        let (data, stream, datasets) = (data.clone(), stream.to_path_buf(), datasets.to_vec());
        let thread = std::thread::Builder::new().name("sources".into());
        if let Err(error) = thread.spawn(move || tell(&data, look(&data, &stream, &datasets))) {
            tracing::warn!(%error, "the stream is not compared with its sources: there is no thread for it");
        }
    }
}

/// What a stream is beside its sources; none if they are not all here, or it is the one source itself.
fn look(data: &DataSpec, stream: &Path, datasets: &[PathBuf]) -> Option<Result<Finding, DataError>> {
    can_be_refuted(data).ok()?;
    let sources = among(data, datasets);
    let itself = matches!(sources.as_slice(), [only] if only.folder.as_deref() == Some(stream));
    if itself || sources.iter().any(|source| source.folder.is_none()) {
        return None;
    }
    Some(compare(data, stream, &sources, |_, _| ControlFlow::Continue(())))
}

fn tell(data: &DataSpec, found: Option<Result<Finding, DataError>>) {
    let stream = data.stream;
    match found {
        None => {
            tracing::debug!(%stream, "not all sources of the stream are here: it is not compared with them")
        }
        Some(Ok(Finding::Agrees { .. })) => {
            tracing::info!(%stream, "the stream is what its sources' manifests say");
        }
        Some(Ok(Finding::False { reason, .. })) => tracing::warn!(
            %stream, reason,
            "the stream is not what its sources' manifests say: `sabha-worker run refute-stream` shows it to the chain"
        ),
        Some(Err(error)) => tracing::warn!(%stream, %error, "the stream cannot be compared with its sources"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Format, Manifest, PackOptions, STREAM, pack};

    fn packed(folder: &Path, name: &str, text: &str) -> (PathBuf, Manifest) {
        let (input, out) = (folder.join(format!("{name}.txt")), folder.join(name));
        std::fs::write(&input, text).unwrap();
        let options = PackOptions {
            title: name.into(),
            language: "es".into(),
            licence: "CC0-1.0".into(),
            format: Format::Text,
            heldout_fraction: 0.1,
            replace: false,
        };
        let summary = pack(&[input], &out, &options, |_, _| ControlFlow::Continue(())).unwrap();
        (out, summary.manifest)
    }

    #[test]
    fn a_stream_is_compared_where_its_sources_are_here() {
        let folder = tempfile::tempdir().unwrap();
        let (first, one) = packed(folder.path(), "uno", "Había una vez");
        let (second, two) = packed(folder.path(), "dos", "un barquito chiquitito");
        let mut stream = std::fs::read(first.join(STREAM)).unwrap();
        stream.extend(std::fs::read(second.join(STREAM)).unwrap());
        let path = folder.path().join("stream");
        let data = |stream: &[u8]| DataSpec {
            stream: Digest::of(stream),
            tokens: stream.len() as u64,
            token_bytes: 1,
            heldout_tokens: 1,
            sources: vec![one.root, two.root].try_into().unwrap(),
        };
        let look = |stream: &[u8], folders: &[PathBuf]| {
            std::fs::write(&path, stream).unwrap();
            super::look(&data(stream), &path, folders).map(Result::unwrap)
        };
        let both = [second.clone(), first.clone()];
        assert_eq!(look(&stream, &both), Some(Finding::Agrees { left_out: vec![] }));
        assert_eq!(look(&stream, &both[1..]), None);
        stream[20] ^= 1;
        let Some(Finding::False { reason, .. }) = look(&stream, &both) else { panic!() };
        assert!(reason.contains("byte 20 of it is not byte 5 of source 1"), "{reason}");

        // A dataset that is the stream.
        let own = DataSpec { stream: one.stream, sources: vec![one.root].try_into().unwrap(), ..data(b"") };
        assert!(super::look(&own, &first, &both).is_none());
        let tokens = DataSpec { token_bytes: 2, ..data(&stream) };
        assert!(super::look(&tokens, &path, &both).is_none());
    }

    #[test]
    fn a_stream_is_compared_once() {
        let compared = Compared::default();
        let data = crate::chain::compat::sample_spec().data;
        for _ in 0..2 {
            compared.once(&data, Path::new("nowhere"), &[]);
        }
        assert_eq!(compared.0.lock().unwrap().len(), 1);
    }
}

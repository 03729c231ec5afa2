//! Blobs in an object store: a folder (`file:///…`), S3 and what speaks its protocol (`s3://bucket/prefix`), or a web server, which is
//! only read (`https://…`).
//!
//! A blob `abcd…` is the object `ab/abcd…`; beside it, `ab/abcd….nodes` holds the inner nodes of its tree, with which each part is
//! proved as it comes. An object without one, put there by other means, is hashed as a whole.
//!
//! Keys to a store come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`,
//! `AWS_ALLOW_HTTP`, …), and never from its URL.

use crate::{
    BlobError, incoming::Pieces, network::Patience, notes::NOTE_BYTES, pace::Pace, provider::Failure, tree,
};
use bao_tree::iter::{BaoChunk, ResponseIter};
use bytes::{Buf, Bytes, BytesMut};
use futures::{StreamExt, stream::FuturesUnordered};
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResult, MultipartUpload, ObjectStore, ObjectStoreExt,
    ObjectStoreScheme, RetryConfig, aws::AmazonS3Builder, http::HttpBuilder, local::LocalFileSystem,
    path::Path as Key,
};
use sabha_protocol::Digest;
use std::{fmt, future::Future, ops::Range, path::PathBuf, sync::Arc, time::Duration};
use tokio::{io::AsyncReadExt, time::timeout};
use url::Url;

/// What is sent as one part.
const PART_BYTES: usize = 8 << 20;

/// Parts on their way at a time.
const PARTS_AT_ONCE: usize = 2;

/// How long what could not be sent is tried again, in seconds: longer than a part takes on a line of some hundred kilobytes a second.
const RETRY_UPLOADS_S: u64 = 180;

/// How long taking parts back may take.
const ABORT_WITHIN: Duration = Duration::from_secs(30);

/// Which object store.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// `file:///…`, `s3://bucket/prefix`, or `https://…`.
    pub url: String,
    /// The environment, of which what begins with `AWS_` is looked at.
    pub environment: Vec<(String, String)>,
}

impl StoreOptions {
    /// With the environment of this process.
    pub fn of_process(url: String) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { url, environment: environment.collect() }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest holds secrets.
        f.debug_struct("StoreOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// An object store. Clones are the same.
#[derive(Clone)]
pub(crate) struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    url: String,
    /// The same, with more patience: what things are sent by. None: it is only read.
    uploads: Option<Arc<dyn ObjectStore>>,
}

impl fmt::Debug for ObjectBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectBlobs").field("url", &self.url).finish_non_exhaustive()
    }
}

impl ObjectBlobs {
    /// By its URL; nothing is asked yet.
    pub(crate) fn open(options: &StoreOptions) -> Result<Self, BlobError> {
        let text = options.url.as_str();
        let wrong = |reason: &dyn fmt::Display| {
            BlobError::network(format!("the object store {text:?} cannot be used"), reason)
        };
        let url = Url::parse(text).map_err(|error| wrong(&error))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            // Not repeated: it may be a secret.
            return Err(BlobError::network(
                "an object store's URL holds a user, a password or a query",
                "keys to a store come from the environment: see docs/workers.md",
            ));
        }
        let (scheme, prefix) = ObjectStoreScheme::parse(&url).map_err(|error| wrong(&error))?;
        // Only the first call of a process counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let slow = ClientOptions::new().with_timeout_disabled().with_connect_timeout(Duration::from_secs(10));
        let client = slow.clone().with_read_timeout(Duration::from_secs(30));
        let retry = |seconds| RetryConfig {
            max_retries: 3,
            retry_timeout: Duration::from_secs(seconds),
            ..RetryConfig::default()
        };
        let (store, uploads): (Arc<dyn ObjectStore>, Option<Arc<dyn ObjectStore>>) = match scheme {
            ObjectStoreScheme::Local => {
                let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
                (store.clone(), Some(store))
            }
            ObjectStoreScheme::AmazonS3 => {
                // What the environment says of the client is part of its options.
                let build = |client: ClientOptions, retry: RetryConfig| {
                    let mut builder = AmazonS3Builder::new().with_client_options(client).with_retry(retry);
                    for (name, value) in
                        options.environment.iter().filter(|(name, _)| name.starts_with("AWS_"))
                    {
                        if let Ok(key) = name.to_ascii_lowercase().parse() {
                            builder = builder.with_config(key, value);
                        }
                    }
                    builder.with_url(text).build().map_err(|error| wrong(&error))
                };
                // A client's time to read begins with its request: what is sent in it must not take longer, on the slowest of lines.
                let uploads = build(slow, retry(RETRY_UPLOADS_S))?;
                (Arc::new(build(client, retry(30))?), Some(Arc::new(uploads)))
            }
            ObjectStoreScheme::Http => {
                let base = url[..url::Position::BeforePath].to_owned();
                let client = client.with_allow_http(url.scheme() == "http");
                let builder =
                    HttpBuilder::new().with_url(base).with_client_options(client).with_retry(retry(30));
                (Arc::new(builder.build().map_err(|error| wrong(&error))?), None)
            }
            other => {
                return Err(wrong(&format!("{other:?} is not supported: it is file, s3, http or https")));
            }
        };
        Ok(Self { store, uploads, prefix, url: text.into() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether blobs can be sent to it.
    pub(crate) fn takes(&self) -> bool {
        self.uploads.is_some()
    }

    fn uploads(&self) -> &Arc<dyn ObjectStore> {
        self.uploads.as_ref().unwrap_or(&self.store)
    }

    fn key(&self, digest: Digest, suffix: &str) -> Key {
        let name = digest.to_string();
        let folder = name.get(..2).unwrap_or_default().to_owned();
        self.prefix.clone().join(folder).join(format!("{name}{suffix}"))
    }

    async fn size(&self, key: &Key, patience: Patience) -> Result<u64, Failure> {
        Ok(within(patience.idle, self.store.head(key)).await?.size)
    }

    /// The size of an object, and whether its tree is beside it. Neither is proved.
    pub(crate) async fn ask(&self, digest: Digest, patience: Patience) -> Result<(u64, bool), Failure> {
        let size = self.size(&self.key(digest, ""), patience).await?;
        let nodes = tree::shape(size).outboard_size();
        let proved = nodes == 0
            || self.size(&self.key(digest, ".nodes"), patience).await.is_ok_and(|found| found == nodes);
        Ok((size, proved))
    }

    async fn read(&self, key: &Key, from: u64, patience: Patience, pace: Pace) -> Result<Reader, Failure> {
        let get = |from: u64| {
            let range = (from > 0).then_some(GetRange::Offset(from));
            within(patience.idle, self.store.get_opts(key, GetOptions { range, ..GetOptions::default() }))
        };
        let reader =
            |got: GetResult| Reader { stream: got.into_stream(), piece: Bytes::new(), patience, pace };
        match get(from).await {
            Ok(got) => Ok(reader(got)),
            // Some web servers send all of it, whatever is asked for, which is refused.
            Err(Failure::Silent(reason)) if from > 0 => {
                let mut reader = reader(get(0).await.map_err(|_| Failure::Silent(reason))?);
                reader.skip(from).await?;
                Ok(reader)
            }
            Err(failure) => Err(failure),
        }
    }

    /// What a worker would send of a part: hash pairs and groups, to be verified.
    pub(crate) async fn pull_proved(
        &self,
        digest: Digest,
        size: u64,
        part: Range<u64>,
        pieces: Pieces,
        patience: Patience,
        pace: Pace,
    ) -> Result<(), Failure> {
        let shape = tree::shape(size);
        let mut data = self.read(&self.key(digest, ""), part.start, patience, pace.clone()).await?;
        let mut nodes = None;
        let mut read = 0_u64;
        let mut out = BytesMut::with_capacity(tree::BUFFER_BYTES);
        for chunk in ResponseIter::new(shape, tree::ranges(&part, size)) {
            match chunk {
                BaoChunk::Parent { node, .. } => {
                    // In the order of the object, with gaps.
                    let Some(index) = shape.pre_order_offset(node) else {
                        return Err(Failure::Silent("the tree has another shape".into()));
                    };
                    let at = index.saturating_mul(64);
                    let reader = match &mut nodes {
                        Some(reader) => reader,
                        None => nodes
                            .insert(self.read(&self.key(digest, ".nodes"), 0, patience, pace.alone()).await?),
                    };
                    reader.skip(at.saturating_sub(read)).await?;
                    reader.copy(64, &mut out).await?;
                    read = at.saturating_add(64);
                }
                BaoChunk::Leaf { size, .. } => data.copy(size, &mut out).await?,
            }
            if out.len() >= tree::BUFFER_BYTES / 2
                && pieces.send(Ok(vec![out.split().freeze()])).await.is_err()
            {
                return Ok(());
            }
        }
        let _ = pieces.send(Ok(vec![out.freeze()])).await;
        Ok(())
    }

    /// The object as it is.
    pub(crate) async fn pull_plain(
        &self,
        digest: Digest,
        pieces: Pieces,
        patience: Patience,
        pace: Pace,
    ) -> Result<(), Failure> {
        let mut data = self.read(&self.key(digest, ""), 0, patience, pace).await?;
        while let Some(piece) = data.next().await? {
            if pieces.send(Ok(vec![piece])).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Sends a blob of `size` bytes and its tree, unless they are there: to `replace` them, in any case. Returns the bytes that were sent.
    pub(crate) async fn send(
        &self,
        digest: Digest,
        size: u64,
        blob: PathBuf,
        nodes: PathBuf,
        replace: bool,
        patience: Patience,
    ) -> Result<u64, BlobError> {
        let mut sent = 0_u64;
        let shape = tree::shape(size);
        // The tree first: whoever finds the blob finds it.
        for (suffix, bytes, file) in [(".nodes", shape.outboard_size(), nodes), ("", size, blob)] {
            let key = self.key(digest, suffix);
            if bytes == 0 && !suffix.is_empty() {
                continue;
            }
            if !replace && self.size(&key, patience).await.is_ok_and(|found| found == bytes) {
                continue;
            }
            let done = self.send_file(&key, &file, patience.whole(bytes)).await;
            done.map_err(|error| BlobError::network(format!("sending {key} to {}", self.url), error))?;
            sent = sent.saturating_add(bytes);
        }
        Ok(sent)
    }

    fn note_key(&self, name: &str) -> Key {
        self.prefix.clone().join("notes").join(name)
    }

    /// A note.
    pub(crate) async fn note(&self, name: &str, patience: Patience) -> Result<Vec<u8>, Failure> {
        let got = within(patience.idle, self.store.get(&self.note_key(name))).await?;
        if got.meta.size > NOTE_BYTES {
            return Err(Failure::Wrong(format!("a note of {} bytes", got.meta.size)));
        }
        Ok(within(patience.idle, got.bytes()).await?.to_vec())
    }

    /// Sends a note.
    pub(crate) async fn send_note(
        &self,
        name: &str,
        note: Vec<u8>,
        patience: Patience,
    ) -> Result<u64, BlobError> {
        let bytes = note.len() as u64;
        let sent = within(patience.idle, self.uploads().put(&self.note_key(name), note.into())).await;
        sent.map_err(|failure| BlobError::network(format!("sending the note {name}"), failure))?;
        Ok(bytes)
    }

    async fn send_file(&self, key: &Key, file: &std::path::Path, time: Duration) -> std::io::Result<()> {
        let mut file = tokio::fs::File::open(file).await?;
        let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
        let first = part(&mut file).await?;
        if first.len() < PART_BYTES {
            let put = timeout(time, self.uploads().put(key, first.into())).await;
            put.map_err(|_| late())??;
            return Ok(());
        }
        let begun = timeout(time, self.uploads().put_multipart(key)).await;
        let mut upload = begun.map_err(|_| late())??;
        let sent = timeout(time, send_parts(&mut *upload, first, &mut file)).await;
        let sent = sent.unwrap_or_else(|_| Err(late()));
        if sent.is_err() {
            // What was sent would be paid for.
            let _ = timeout(ABORT_WITHIN, upload.abort()).await;
        }
        sent
    }
}

/// What is sent next; less than a whole part is the last one.
async fn part(file: &mut tokio::fs::File) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    file.take(PART_BYTES as u64).read_to_end(&mut bytes).await?;
    Ok(bytes.into())
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    first: Bytes,
    file: &mut tokio::fs::File,
) -> std::io::Result<()> {
    let mut on_their_way = FuturesUnordered::new();
    let mut next = first;
    while !next.is_empty() {
        // All at once would share the line, and each would take as long as all of them.
        if on_their_way.len() >= PARTS_AT_ONCE {
            on_their_way.next().await.transpose()?;
        }
        on_their_way.push(upload.put_part(next.into()));
        next = part(file).await?;
    }
    while on_their_way.next().await.transpose()?.is_some() {}
    upload.complete().await?;
    Ok(())
}

/// What a store says within a time.
async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, object_store::Error>>,
) -> Result<T, Failure> {
    match timeout(time, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(object_store::Error::NotFound { .. })) => Err(Failure::Missing),
        Ok(Err(error)) => Err(Failure::Silent(error.to_string())),
        Err(_) => Err(Failure::Silent("it does not answer".into())),
    }
}

/// An object, as it comes.
struct Reader {
    stream: futures::stream::BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
    patience: Patience,
    pace: Pace,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if !self.piece.is_empty() {
            return Ok(Some(std::mem::take(&mut self.piece)));
        }
        match self.pace.wait(self.patience.idle, self.stream.next()).await? {
            Some(Ok(piece)) => {
                self.pace.add(piece.len() as u64);
                Ok(Some(piece))
            }
            Some(Err(error)) => Err(Failure::Silent(error.to_string())),
            None => Ok(None),
        }
    }

    /// Makes sure that there are bytes at hand.
    async fn fill(&mut self) -> Result<(), Failure> {
        while self.piece.is_empty() {
            match self.next().await? {
                Some(piece) => self.piece = piece,
                None => return Err(Failure::Silent("it ends too early".into())),
            }
        }
        Ok(())
    }

    async fn skip(&mut self, mut bytes: u64) -> Result<(), Failure> {
        while bytes > 0 {
            self.fill().await?;
            let count = self.piece.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            self.piece.advance(count);
            bytes = bytes.saturating_sub(count as u64);
        }
        Ok(())
    }

    async fn copy(&mut self, mut bytes: usize, to: &mut BytesMut) -> Result<(), Failure> {
        while bytes > 0 {
            self.fill().await?;
            let count = self.piece.len().min(bytes);
            to.extend_from_slice(&self.piece.split_to(count));
            bytes = bytes.saturating_sub(count);
        }
        Ok(())
    }
}

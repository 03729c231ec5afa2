//! Object stores: a folder, a real server of the S3 protocol, and a web server.

use crate::harness::{Machine, content};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use sabha_blobs::{BlobError, BlobStore, objects::StoreOptions};
use sabha_protocol::Digest;
use std::{fs, path::PathBuf};

/// A server of the S3 protocol with a folder of objects.
struct Server {
    port: u16,
    folder: tempfile::TempDir,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Server {
    /// With keys, or for everybody.
    fn start(keys: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bucket")).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let service = {
            let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
            let mut builder = S3ServiceBuilder::new(files);
            if keys {
                builder.set_auth(SimpleAuth::from_single("key", "secret"));
            }
            builder.build()
        };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { port, folder, runtime: Some(runtime) }
    }

    fn options(&self, secret: &str) -> StoreOptions {
        let set = |name: &str, value: String| (name.to_string(), value);
        StoreOptions {
            url: "s3://bucket/blobs".into(),
            environment: vec![
                set("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
                set("AWS_ALLOW_HTTP", "true".into()),
                set("AWS_REGION", "anywhere".into()),
                set("AWS_ACCESS_KEY_ID", "key".into()),
                set("AWS_SECRET_ACCESS_KEY", secret.into()),
            ],
        }
    }

    /// The file of an object.
    fn object(&self, digest: Digest, suffix: &str) -> PathBuf {
        let name = digest.to_string();
        self.folder.path().join("bucket/blobs").join(&name[..2]).join(format!("{name}{suffix}"))
    }
}

fn machine(options: StoreOptions) -> Machine {
    Machine::with(false, None, Some(options))
}

/// With nothing but the store between them.
#[test]
fn what_one_worker_puts_another_gets_by_s3() {
    let server = Server::start(true);
    let (one, other) = (machine(server.options("secret")), machine(server.options("secret")));
    // The last one in several parts.
    for size in [0, 1, 16_384, 16_385, 100_000, 20_000_000] {
        let bytes = content(size);
        let digest = one.blobs.put(&bytes).unwrap();
        assert_eq!(fs::metadata(server.object(digest, "")).unwrap().len(), size as u64);
        assert_eq!(other.blobs.get_within(digest, size as u64).unwrap(), bytes, "{size}");
    }
    assert!(one.network().counters().stored_bytes > 20_000_000);
    one.blobs.put_note("state-1", b"a note").unwrap();
    assert_eq!(other.blobs.find_note("state-1", |note| Some(note.to_vec())).unwrap(), b"a note");
    assert!(matches!(other.blobs.get(Digest([1; 32])), Err(BlobError::Missing { .. })));
    let digest = one.blobs.put(&content(1_000)).unwrap();
    assert!(matches!(other.blobs.get_within(digest, 999), Err(BlobError::TooLarge { found: 1_000, .. })));
}

#[test]
fn a_download_from_s3_goes_on_where_it_was_stopped() {
    let server = Server::start(true);
    let one = machine(server.options("secret"));
    let bytes = content(9_000_000);
    let digest = one.blobs.put(&bytes).unwrap();
    let other = machine(server.options("secret"));
    assert!(matches!(other.fetch_until(digest, 6_000_000), Err(BlobError::Stopped { .. })));
    let kept = other.blobs.own().progress(digest).unwrap();
    assert!(kept.done >= 6_000_000);
    let before = other.network().counters().fetched_bytes;
    assert_eq!(other.blobs.get(digest).unwrap(), bytes);
    assert_eq!(other.network().counters().fetched_bytes - before, kept.size - kept.done);
}

/// In the object, in its tree, and cut off. Other blobs of the store are fetched all the same.
#[test]
fn a_wrong_object_is_refused_and_a_right_one_beside_it_is_not() {
    let server = Server::start(true);
    let one = machine(server.options("secret"));
    let bytes = content(1_000_000);
    let digest = one.blobs.put(&bytes).unwrap();
    let right = one.blobs.put(b"another").unwrap();
    let damage: [(&str, fn(&mut Vec<u8>)); 4] = [
        ("", |bytes| bytes[700_000] ^= 1),
        ("", |bytes| bytes.truncate(16_384 * 10)),
        (".nodes", |bytes| bytes[64 * 5] ^= 1),
        (".nodes", |bytes| bytes[0] ^= 1),
    ];
    for (suffix, change) in damage {
        let path = server.object(digest, suffix);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        change(&mut changed);
        fs::write(&path, &changed).unwrap();
        let other = machine(server.options("secret"));
        let error = other.blobs.get(digest).unwrap_err();
        assert!(matches!(error, BlobError::Fetch { .. }), "{error}");
        assert_eq!(other.network().counters().dropped_providers, 1);
        assert!(!other.blobs.has(digest).unwrap());
        assert_eq!(other.blobs.get(right).unwrap(), b"another");
        // A worker that has it helps.
        let helper = Machine::serving();
        helper.blobs.put(&bytes).unwrap();
        other.network().set_workers([helper.address()]);
        assert_eq!(other.blobs.get(digest).unwrap(), bytes);
        fs::write(&path, &whole).unwrap();
    }
}

/// Somebody copied it there with other tools.
#[test]
fn an_object_without_its_tree_is_hashed_as_a_whole() {
    let server = Server::start(true);
    let bytes = content(2_000_000);
    let digest = Digest::of(&bytes);
    let path = server.object(digest, "");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &bytes).unwrap();
    assert_eq!(machine(server.options("secret")).blobs.get(digest).unwrap(), bytes);
    fs::write(&path, &bytes[1..]).unwrap();
    let other = machine(server.options("secret"));
    assert!(matches!(other.blobs.get(digest), Err(BlobError::Fetch { .. })));
    let left = fs::read_dir(other.folder.path().join("partial")).unwrap().count();
    assert_eq!(left, 0, "what was wrong is not kept");
}

/// What could not be sent is sent with the next one. The own copy is there all the time.
#[test]
fn a_store_that_refuses_does_not_stop_the_worker() {
    let server = Server::start(true);
    let one = machine(server.options("another secret"));
    let bytes = content(1_000);
    let digest = one.blobs.put(&bytes).unwrap();
    assert!(!server.object(digest, "").exists());
    assert_eq!(one.blobs.get(digest).unwrap(), bytes);
    let error = one.blobs.get(Digest([1; 32])).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }), "not as if it were not there: {error}");
    assert!(!error.to_string().contains("another secret"));

    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let one = machine(StoreOptions { url: format!("file://{}", store.display()), environment: vec![] });
    fs::write(&store, "in the way").unwrap();
    let first = one.blobs.put(b"first").unwrap();
    fs::remove_file(&store).unwrap();
    let second = one.blobs.put(b"second").unwrap();
    for digest in [first, second] {
        let name = digest.to_string();
        assert!(store.join(&name[..2]).join(&name).exists());
    }
}

#[test]
fn a_folder_and_a_web_server_are_stores_too() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/a/b", folder.path().display());
    let options = StoreOptions { url, environment: vec![] };
    let (one, other) = (machine(options.clone()), machine(options));
    let bytes = content(300_000);
    let digest = one.blobs.put(&bytes).unwrap();
    assert_eq!(other.blobs.get(digest).unwrap(), bytes);

    let server = Server::start(false);
    let path = server.object(digest, "");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &bytes).unwrap();
    let nodes = one.blobs.own().root().join("nodes").join(digest.to_string());
    fs::copy(nodes, server.object(digest, ".nodes")).unwrap();
    let url = format!("http://127.0.0.1:{}/bucket/blobs", server.port);
    let reader = machine(StoreOptions { url, environment: vec![] });
    assert!(matches!(reader.fetch_until(digest, 100_000), Err(BlobError::Stopped { .. })));
    assert_eq!(reader.blobs.get(digest).unwrap(), bytes);
    assert_eq!(reader.blobs.put(b"not sent").map(|_| ()).map_err(|error| error.to_string()), Ok(()));
    assert_eq!(reader.network().counters().stored_bytes, 0, "a web server is only read");
}

#[test]
fn a_url_that_cannot_be_used_is_named_and_a_secret_in_it_is_not() {
    for (url, says) in [
        ("nonsense", "nonsense"),
        ("ftp://host/x", "ftp"),
        ("gs://bucket/x", "not supported"),
        ("s3://key:hunter2@bucket/x", "environment"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let own = sabha_blobs::LocalBlobs::open(folder.path()).unwrap();
        let store = Some(StoreOptions { url: url.into(), environment: vec![] });
        let options = sabha_blobs::NetworkOptions { store, ..Default::default() };
        let error = sabha_blobs::Network::open(options, &own).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hunter2"), "{error}");
    }
}

//! Object stores: a folder, a real server of the S3 protocol, and a web server.

use crate::harness::{Machine, content, put};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use sabha_blobs::{BlobError, BlobStore, objects::StoreOptions};
use sabha_protocol::Digest;
use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

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
        Self::starting(keys, true)
    }

    /// Of which ranges can be asked for, or which sends all of an object whatever is asked for.
    fn starting(keys: bool, ranges: bool) -> Self {
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
                let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
                    if !ranges {
                        request.headers_mut().remove("range");
                    }
                    hyper::service::Service::call(&service, request)
                });
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
        let digest = one.store(&bytes);
        assert_eq!(fs::metadata(server.object(digest, "")).unwrap().len(), size as u64);
        assert_eq!(other.blobs.get_within(digest, size as u64).unwrap(), bytes, "{size}");
    }
    assert!(one.network().counters().stored_bytes > 20_000_000);
    one.blobs.put_note("state-1", b"a note").unwrap();
    one.network().settle();
    assert_eq!(other.blobs.find_note("state-1", |_, note| Some(note.to_vec())).unwrap(), b"a note");
    assert!(matches!(other.blobs.get(Digest([1; 32])), Err(BlobError::Missing { .. })));
    let digest = one.store(&content(1_000));
    // Anybody may have put anything there: its size proves nothing.
    let error = other.blobs.get_within(digest, 999).unwrap_err();
    assert!(matches!(error, BlobError::Fetch { .. }) && error.to_string().contains("1000 bytes"), "{error}");
}

#[test]
fn a_download_from_s3_goes_on_where_it_was_stopped() {
    let server = Server::start(true);
    let one = machine(server.options("secret"));
    let bytes = content(9_000_000);
    let digest = one.store(&bytes);
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
    let digest = one.store(&bytes);
    let right = one.store(b"another");
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
    let digest = one.store(&bytes);
    assert!(!server.object(digest, "").exists());
    assert_eq!(one.blobs.get(digest).unwrap(), bytes);
    let error = one.blobs.get(Digest([1; 32])).unwrap_err();
    assert!(matches!(error, BlobError::Network { .. }), "not as if it were not there: {error}");
    assert!(error.is_local(), "nor as if whose blob it is were to blame");
    assert!(!error.to_string().contains("another secret"));

    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let one = machine(StoreOptions { url: format!("file://{}", store.display()), environment: vec![] });
    fs::write(&store, "in the way").unwrap();
    let first = one.store(b"first");
    fs::remove_file(&store).unwrap();
    let second = one.store(b"second");
    let began = Instant::now();
    while one.network().unsent().unwrap() > 0 {
        assert!(began.elapsed().as_secs() < 10, "without anybody putting anything");
        thread::sleep(Duration::from_millis(50));
    }
    for digest in [first, second] {
        let name = digest.to_string();
        assert!(store.join(&name[..2]).join(&name).exists());
    }
}

/// What is to be sent is on the disk.
#[test]
fn what_could_not_be_sent_is_sent_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let options = StoreOptions { url: format!("file://{}", store.display()), environment: vec![] };
    let one = machine(options.clone());
    fs::write(&store, "in the way").unwrap();
    let digest = one.store(b"first");
    one.blobs.put_note("state-1", b"a note").unwrap();
    one.network().settle();
    assert_eq!(one.network().unsent().unwrap(), 2);
    let name = digest.to_string();
    let object = store.join(&name[..2]).join(&name);
    let one = one.restarted(Some(options));
    fs::remove_file(&store).unwrap();
    let began = Instant::now();
    while one.network().unsent().unwrap() > 0 {
        assert!(began.elapsed().as_secs() < 10);
        thread::sleep(Duration::from_millis(50));
    }
    assert!(object.exists() && store.join("notes/state-1").exists());
}

/// Whoever trains does not wait for a store that does not answer.
#[test]
fn putting_does_not_wait_for_the_store() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = Server::start(true).options("secret");
    let port = listener.local_addr().unwrap().port();
    options.environment[0].1 = format!("http://127.0.0.1:{port}");
    let one = machine(options);
    let began = Instant::now();
    for fill in 0..5 {
        one.blobs.put(&[fill; 100]).unwrap();
    }
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    assert_eq!(one.network().unsent().unwrap(), 5);
}

/// By whoever finds out, as soon as it has the right one.
#[test]
fn a_wrong_object_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { url: format!("file://{}", folder.path().display()), environment: vec![] };
    let bytes = content(200_000);
    let digest = machine(options.clone()).store(&bytes);
    let name = digest.to_string();
    let object = folder.path().join(&name[..2]).join(&name);
    let mut wrong = bytes.clone();
    wrong[100_000] ^= 1;
    fs::write(&object, &wrong).unwrap();
    let other = machine(options);
    assert!(other.blobs.get(digest).is_err());
    other.network().settle();
    assert!(fs::read(&object).unwrap() == wrong, "nobody here has the right one");
    let helper = Machine::serving();
    helper.blobs.put(&bytes).unwrap();
    other.network().set_workers([helper.address()]);
    assert!(other.blobs.get(digest).unwrap() == bytes);
    other.network().settle();
    assert!(fs::read(&object).unwrap() == bytes);
    assert_eq!(other.network().unsent().unwrap(), 0);
}

/// What came from others, proved, is not thrown away for what the store says.
#[test]
fn an_object_of_another_size_does_not_undo_a_download() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { url: format!("file://{}", folder.path().display()), environment: vec![] };
    let helper = Machine::serving();
    let bytes = content(2_000_000);
    let digest = helper.blobs.put(&bytes).unwrap();
    let one = machine(options.clone());
    one.network().set_workers([helper.address()]);
    one.fetch_until(digest, 1_000_000).unwrap_err();
    let kept = one.blobs.own().progress(digest).unwrap();
    let name = digest.to_string();
    let object = folder.path().join(&name[..2]).join(&name);
    fs::create_dir_all(object.parent().unwrap()).unwrap();
    fs::write(&object, &bytes[..1_900_000]).unwrap();
    let nodes = sabha_blobs::tree::shape(1_900_000).outboard_size();
    fs::write(object.with_extension("nodes"), vec![0; nodes as usize]).unwrap();
    one.network().set_workers([]);
    assert!(one.blobs.get(digest).is_err());
    assert_eq!(one.blobs.own().progress(digest), Some(kept));
    one.network().set_workers([helper.address()]);
    let before = one.network().counters().fetched_bytes;
    assert!(one.blobs.get(digest).unwrap() == bytes);
    assert_eq!(one.network().counters().fetched_bytes - before, kept.size - kept.done);
    // It replaces the wrong object, which is to be done before there is another wrong one.
    one.network().settle();
    // What began with a size that nobody proved is begun anew when one is proved.
    let other = machine(options);
    fs::write(&object, &bytes[..1_990_000]).unwrap();
    fs::copy(helper.folder.path().join("nodes").join(&name), object.with_extension("nodes")).unwrap();
    assert!(other.blobs.get(digest).is_err());
    other.network().set_workers([helper.address()]);
    assert!(other.blobs.get(digest).unwrap() == bytes);
}

#[test]
fn a_folder_and_a_web_server_are_stores_too() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/a/b", folder.path().display());
    let options = StoreOptions { url, environment: vec![] };
    let (one, other) = (machine(options.clone()), machine(options));
    let bytes = content(300_000);
    let digest = one.store(&bytes);
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

/// Many simple ones do.
#[test]
fn a_download_goes_on_from_a_web_server_that_knows_no_ranges() {
    let server = Server::starting(false, false);
    let one = Machine::serving();
    let bytes = content(9_000_000);
    let digest = put(&one, &bytes);
    fs::create_dir_all(server.object(digest, "").parent().unwrap()).unwrap();
    fs::copy(one.blobs.own().path(digest), server.object(digest, "")).unwrap();
    let nodes = one.blobs.own().root().join("nodes").join(digest.to_string());
    fs::copy(nodes, server.object(digest, ".nodes")).unwrap();
    let url = format!("http://127.0.0.1:{}/bucket/blobs", server.port);
    let reader = machine(StoreOptions { url, environment: vec![] });
    assert!(matches!(reader.fetch_until(digest, 6_000_000), Err(BlobError::Stopped { .. })));
    assert!(reader.blobs.own().progress(digest).unwrap().done >= 6_000_000);
    assert_eq!(reader.blobs.get(digest).unwrap(), bytes);
    assert_eq!(reader.network().counters().fetched_bytes, 9_000_000, "nothing is kept twice");
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

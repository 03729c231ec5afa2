//! What is sent to an object store that takes some of it only.

use crate::harness::{PATIENCE, content};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use sabha_blobs::{
    BlobStore, LocalBlobs, Network, NetworkOptions, PeerBlobs, network::Patience, objects::StoreOptions,
};
use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// A server of the S3 protocol that takes everything, and keeps nothing.
struct Server {
    port: u16,
    /// Uploads in parts that were taken back.
    aborted: Arc<AtomicUsize>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Server {
    /// One that does not answer requests of this method whose query has this in it.
    fn deaf_to(method: Method, query: &'static str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let aborted = Arc::new(AtomicUsize::new(0));
        let count = aborted.clone();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (method, count) = (method.clone(), count.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let deaf =
                        request.method() == method && request.uri().query().unwrap_or("").contains(query);
                    count.fetch_add(usize::from(request.method() == Method::DELETE), Ordering::SeqCst);
                    async move {
                        if deaf {
                            pending::<()>().await;
                        }
                        Ok::<_, Infallible>(answer(request.method()))
                    }
                });
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { port, aborted, runtime: Some(runtime) }
    }

    fn blobs(&self, folder: &std::path::Path, patience: Patience) -> PeerBlobs {
        let set = |name: &str, value: &str| (name.to_string(), value.to_string());
        let store = StoreOptions {
            url: "s3://bucket/blobs".into(),
            environment: vec![
                set("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{}", self.port)),
                set("AWS_ALLOW_HTTP", "true"),
                set("AWS_REGION", "anywhere"),
                set("AWS_ACCESS_KEY_ID", "key"),
                set("AWS_SECRET_ACCESS_KEY", "secret"),
            ],
        };
        let own = LocalBlobs::open(folder).unwrap();
        let options = NetworkOptions { node: None, store: Some(store), patience };
        let network = Network::open(options, &own).unwrap();
        PeerBlobs::of(own, &[]).with_network(Arc::new(network))
    }
}

fn answer(method: &Method) -> Response<String> {
    let (status, body) = match *method {
        Method::HEAD | Method::GET => (StatusCode::NOT_FOUND, ""),
        Method::DELETE => (StatusCode::NO_CONTENT, ""),
        Method::POST => (
            StatusCode::OK,
            "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>x</Key><UploadId>1</UploadId></InitiateMultipartUploadResult>",
        ),
        _ => (StatusCode::OK, ""),
    };
    Response::builder().status(status).header("ETag", "\"1\"").body(body.into()).unwrap()
}

/// It would be paid for.
#[test]
fn what_was_sent_of_an_upload_that_comes_too_late_is_taken_back() {
    for (method, query) in [(Method::PUT, "partNumber"), (Method::POST, "uploadId")] {
        let server = Server::deaf_to(method, query);
        let folder = tempfile::tempdir().unwrap();
        let second = Duration::from_secs(1);
        let hasty = Patience { connect: second, idle: second, least_rate: u64::MAX, ..PATIENCE };
        let blobs = server.blobs(folder.path(), hasty);
        blobs.put(&content(9_000_000)).unwrap();
        let began = Instant::now();
        while server.aborted.load(Ordering::SeqCst) == 0 {
            assert!(began.elapsed() < Duration::from_secs(15), "{query}");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(blobs.network().unwrap().unsent().unwrap(), 1, "it is tried again");
    }
}

#[test]
fn what_is_small_does_not_wait_for_what_is_large() {
    let server = Server::deaf_to(Method::PUT, "partNumber");
    let folder = tempfile::tempdir().unwrap();
    let blobs = server.blobs(folder.path(), PATIENCE);
    let unsent = || blobs.network().unwrap().unsent().unwrap();
    blobs.put(&content(9_000_000)).unwrap();
    // It has begun.
    thread::sleep(Duration::from_millis(500));
    blobs.put(b"small").unwrap();
    blobs.put_note("state-1", b"a note").unwrap();
    let began = Instant::now();
    while unsent() > 1 {
        assert!(began.elapsed() < Duration::from_secs(10), "{} wait", unsent());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.aborted.load(Ordering::SeqCst), 0, "the large one goes on");
}

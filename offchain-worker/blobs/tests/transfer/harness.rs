//! Workers with folders of their own, in one process.

use bao_tree::{
    ChunkRanges,
    io::{outboard::PreOrderMemOutboard, sync::encode_ranges},
};
use iroh::{Endpoint, RelayMode, SecretKey, endpoint::presets};
use iroh_blobs::protocol::{ALPN, GetRequest, Request};
use sabha_blobs::{
    BlobError, BlobStore, LocalBlobs, Network, NetworkOptions, PeerBlobs, WorkerAddress, network::Patience,
    objects::StoreOptions, partial::Progress, tree::shape, workers::NodeOptions,
};
use sabha_protocol::Digest;
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Short, so that tests of silence do not take long.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    idle: Duration::from_secs(2),
    least_rate: 64 << 10,
    enough_rate: 1 << 20,
    look_every: Duration::from_millis(500),
};

/// Bytes that differ everywhere.
pub fn content(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut bytes = Vec::with_capacity(size + 4);
    while bytes.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A worker with a folder of its own.
pub struct Machine {
    pub folder: tempfile::TempDir,
    pub blobs: PeerBlobs,
}

impl Machine {
    pub fn with(serves: bool, limit: Option<u64>, store: Option<StoreOptions>) -> Self {
        Self::at(tempfile::tempdir().unwrap(), serves, limit, store)
    }

    /// One that serves in this manner.
    pub fn serving_as(manner: sabha_blobs::workers::Manner) -> Self {
        Self::serving_from(tempfile::tempdir().unwrap(), true, None, None, manner)
    }

    /// With a folder that may have been another one's.
    pub fn at(
        folder: tempfile::TempDir,
        serves: bool,
        limit: Option<u64>,
        store: Option<StoreOptions>,
    ) -> Self {
        Self::serving_from(folder, serves, limit, store, sabha_blobs::workers::Manner::Honest)
    }

    fn serving_from(
        folder: tempfile::TempDir,
        serves: bool,
        limit: Option<u64>,
        store: Option<StoreOptions>,
        manner: sabha_blobs::workers::Manner,
    ) -> Self {
        let own = LocalBlobs::open(folder.path()).unwrap().within(limit);
        let mut secret = [0; 32];
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut secret).unwrap();
        let node = NodeOptions {
            secret,
            listen: serves.then(|| ([127, 0, 0, 1], 0).into()),
            announce: vec![],
            relays: vec![],
            manner,
        };
        let options = NetworkOptions { node: Some(node), store, patience: PATIENCE };
        let network = Network::open(options, &own).unwrap();
        Self { folder, blobs: PeerBlobs::of(own, &[]).with_network(Arc::new(network)) }
    }

    /// One that serves.
    pub fn serving() -> Self {
        Self::with(true, None, None)
    }

    /// One that fetches from these.
    pub fn fetching(from: impl IntoIterator<Item = WorkerAddress>) -> Self {
        let machine = Self::with(false, None, None);
        machine.network().set_workers(from);
        machine
    }

    pub fn network(&self) -> &Network {
        self.blobs.network().unwrap()
    }

    pub fn address(&self) -> WorkerAddress {
        self.network().address().unwrap()
    }

    /// The same worker, started again.
    pub fn restarted(self, store: Option<StoreOptions>) -> Self {
        let Self { folder, blobs } = self;
        drop(blobs);
        Self::at(folder, false, None, store)
    }

    /// Puts, and waits until the object store has it, or refuses it.
    pub fn store(&self, bytes: &[u8]) -> Digest {
        let digest = self.blobs.put(bytes).unwrap();
        self.network().settle();
        digest
    }

    /// Fetches, and stops after so many bytes.
    pub fn fetch_until(&self, digest: Digest, stop: u64) -> Result<(), BlobError> {
        let mut watch = |progress: Progress| {
            if progress.done >= stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        self.blobs.fetch(digest, u64::MAX, &mut watch).map(drop)
    }
}

pub fn put(machine: &Machine, bytes: &[u8]) -> Digest {
    machine.blobs.put(bytes).unwrap()
}

/// What a server does to the answers that it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Sends so many bytes of an answer, and no more.
    Cuts(usize),
    /// Changes the byte at this place of an answer.
    Changes(usize),
    /// Says another size in front, that much more.
    Enlarges(u64),
    /// Never answers.
    Silent,
    /// Sends so many bytes of an answer, and then nothing for a minute.
    Stalls(usize),
    /// Sends so many bytes of an answer each tenth of a second.
    Trickles(usize),
    /// Answers after so many milliseconds.
    Late(u64),
}

/// A server of one blob that is honest about its size, unless it lies about that.
pub struct Liar {
    pub address: WorkerAddress,
    /// Requests for more than a proof of the size.
    pub pulls: Arc<AtomicUsize>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Liar {
    pub fn serving(bytes: Vec<u8>, manner: Manner) -> Self {
        Self::serving_as(SecretKey::generate(), 0, bytes, manner)
    }

    pub fn serving_as(key: SecretKey, port: u16, bytes: Vec<u8>, manner: Manner) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let pulls = Arc::new(AtomicUsize::new(0));
        let endpoint = runtime.block_on(async {
            Endpoint::builder(presets::Minimal)
                .secret_key(key)
                .relay_mode(RelayMode::Disabled)
                .alpns(vec![ALPN.to_vec()])
                .clear_ip_transports()
                .bind_addr(format!("127.0.0.1:{port}"))
                .unwrap()
                .bind()
                .await
                .unwrap()
        });
        let address = WorkerAddress::new(endpoint.id(), endpoint.bound_sockets()).unwrap();
        let (bytes, count) = (Arc::new(bytes), pulls.clone());
        runtime.spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                let (bytes, count) = (bytes.clone(), count.clone());
                tokio::spawn(async move {
                    let connection = incoming.accept().unwrap().await.unwrap();
                    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
                        let request = receive.read_to_end(4_096).await.unwrap();
                        let (answer, pull) = answer(&bytes, &request, manner);
                        if manner == Manner::Silent {
                            tokio::time::sleep(Duration::from_secs(60)).await;
                        }
                        if let Manner::Late(millis) = manner {
                            tokio::time::sleep(Duration::from_millis(millis)).await;
                        }
                        count.fetch_add(usize::from(pull), Ordering::SeqCst);
                        let (step, pause) = match (manner, pull) {
                            (Manner::Trickles(step), true) => (step, Duration::from_millis(100)),
                            (Manner::Stalls(step), true) => (step, Duration::from_secs(60)),
                            _ => (usize::MAX, Duration::ZERO),
                        };
                        tokio::spawn(async move {
                            for part in answer.chunks(step) {
                                if send.write_all(part).await.is_err() {
                                    return;
                                }
                                if step < usize::MAX {
                                    tokio::time::sleep(pause).await;
                                }
                            }
                            let _ = send.finish();
                        });
                    }
                });
            }
        });
        Self { address, pulls, runtime: Some(runtime) }
    }
}

/// What is answered, and whether more than a proof was asked for.
fn answer(bytes: &[u8], request: &[u8], manner: Manner) -> (Vec<u8>, bool) {
    let Request::Get(GetRequest { hash, ranges }) = postcard::from_bytes(request).unwrap() else { panic!() };
    assert_eq!(Digest(*hash.as_bytes()), Digest::of(bytes));
    let ranges: ChunkRanges = ranges.iter_non_empty_infinite().next().unwrap().1.clone();
    let pull = ranges != ChunkRanges::from(bao_tree::ChunkNum(u64::MAX)..);
    let outboard = PreOrderMemOutboard::create(bytes, shape(0).block_size());
    let mut size = bytes.len() as u64;
    if let Manner::Enlarges(more) = manner {
        size += more;
    }
    let mut answer = size.to_le_bytes().to_vec();
    encode_ranges(bytes, outboard, &ranges, &mut answer).unwrap();
    match manner {
        Manner::Cuts(after) if pull => answer.truncate(after),
        Manner::Changes(place) if pull => {
            if let Some(byte) = answer.get_mut(place) {
                *byte ^= 1;
            }
        }
        _ => {}
    }
    (answer, pull)
}

/// Takes a blob in sips, over and over, until it is dropped: so many connections, with so many requests each.
pub struct Sipper {
    /// Requests that the server has ended.
    pub ended: Arc<AtomicUsize>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Sipper {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Sipper {
    pub fn taking(server: WorkerAddress, digest: Digest, connections: usize, requests: usize) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ended = Arc::new(AtomicUsize::new(0));
        let transport = iroh::endpoint::QuicTransportConfig::builder()
            .stream_receive_window(16_384_u32.into())
            .keep_alive_interval(Duration::from_millis(500))
            .build();
        let endpoint = runtime.block_on(async {
            Endpoint::builder(presets::Minimal)
                .relay_mode(RelayMode::Disabled)
                .transport_config(transport)
                .bind()
                .await
                .unwrap()
        });
        let request = GetRequest::blob_ranges(digest.0.into(), ChunkRanges::all());
        let request = postcard::to_allocvec(&Request::Get(request)).unwrap();
        for _ in 0..connections {
            let mut address = iroh::EndpointAddr::new(server.id());
            address.addrs.extend(server.addresses().map(iroh::TransportAddr::Ip));
            let connection = runtime.block_on(endpoint.connect(address, ALPN)).unwrap();
            for _ in 0..requests {
                let (connection, request, ended) = (connection.clone(), request.clone(), ended.clone());
                runtime.spawn(async move {
                    let (mut send, mut receive) = connection.open_bi().await.unwrap();
                    send.write_all(&request).await.unwrap();
                    send.finish().unwrap();
                    let mut sip = [0; 2_048];
                    while let Ok(Some(_)) = receive.read(&mut sip).await {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        }
        runtime.spawn(async move {
            let _endpoint = endpoint;
            std::future::pending::<()>().await;
        });
        Self { ended, runtime: Some(runtime) }
    }
}

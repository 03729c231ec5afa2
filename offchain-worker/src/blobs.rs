//! The blob store as it is configured: the crate `sabha-blobs` with folders, network and limits of the configuration.

pub use sabha_blobs::workers::Manner;
pub use sabha_blobs::{
    BlobError, BlobStore, Counters, Haste, LocalBlobs, Network, NetworkOptions, PeerBlobs, WorkerAddress,
    local, partial, room,
};

use crate::{
    config::Config,
    error::{Exit, ResultExt, failure},
    files::FileError,
    keys::{KeyError, fill_random, read_secret},
    stop::Stop,
};
use anyhow::Context;
use sabha_blobs::{
    network::Patience,
    objects::StoreOptions,
    workers::{NodeOptions, id_of},
};
use sabha_protocol::Digest;
use std::{
    fs,
    io::{ErrorKind, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use zeroize::Zeroizing;

/// The file of a node's secret key, in the folder of the daemon's state.
pub const NODE_KEY: &str = "node.key";

/// Whether other workers can know this one by its node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By the same one each time: its key is in the folder of the daemon's state.
    Kept,
    /// By a new one: it only fetches.
    Passing,
}

/// The store's folders alone.
///
/// # Errors
/// [`Exit::BadInput`] if the store cannot be made.
pub fn open(config: &Config) -> anyhow::Result<PeerBlobs> {
    let limit = config.storage.blobs_limit_mib.map(|limit| limit.saturating_mul(1 << 20));
    let own = LocalBlobs::open(&config.storage.blobs).exit(Exit::BadInput)?.within(limit);
    Ok(PeerBlobs::of(own, &config.storage.peers))
}

/// The store with the network: other workers, and the object store if one is configured. It serves others if it is told where to listen.
///
/// # Errors
/// [`Exit::BadInput`] if the store cannot be made, or the network cannot be used as configured.
pub fn connect(config: &Config, identity: Identity) -> anyhow::Result<PeerBlobs> {
    let blobs = open(config)?;
    let secret = match identity {
        Identity::Kept => node_key(&config.storage.state).exit(Exit::BadInput)?,
        Identity::Passing => {
            let mut secret = Zeroizing::new([0; 32]);
            fill_random(secret.as_mut_slice())?;
            secret
        }
    };
    let listen = config.network.listen.filter(|_| identity == Identity::Kept);
    let options = NetworkOptions {
        node: Some(NodeOptions {
            secret: *secret,
            listen,
            announce: config.network.announce.clone(),
            relays: config.network.relays.clone(),
            manner: config.network.manner,
        }),
        store: config.storage.store.clone().map(StoreOptions::of_process),
        patience: Patience {
            connect: Duration::from_secs(config.network.connect_timeout_s),
            idle: Duration::from_secs(config.network.idle_timeout_s),
            ..Patience::default()
        },
    };
    let network = Network::open(options, blobs.own()).exit(Exit::BadInput)?;
    Ok(blobs.with_network(Arc::new(network)))
}

/// Where other workers reach this one, as it is configured.
///
/// # Errors
/// [`Exit::BadInput`] if the configuration does not say where it listens, or others cannot reach it there.
pub fn address(config: &Config) -> anyhow::Result<WorkerAddress> {
    let Some(listen) = config.network.listen else {
        return Err(failure(
            Exit::BadInput,
            "say where to listen, with --listen or network.listen: for example 0.0.0.0:9955",
        ));
    };
    let announced = config.network.announce.iter().map(|address| match address.port() {
        0 => SocketAddr::new(address.ip(), listen.port()),
        _ => *address,
    });
    let addresses = if config.network.announce.is_empty() { vec![listen] } else { announced.collect() };
    let id = id_of(&*node_key(&config.storage.state).exit(Exit::BadInput)?);
    WorkerAddress::new(id, addresses)
        .context("say where others reach it, with --announce or network.announce")
        .exit(Exit::BadInput)
}

/// The node id of this worker, if it has a key already: none is made for the question.
///
/// # Errors
/// If the key cannot be read.
pub fn read_node_key(state: &Path) -> Result<Option<String>, KeyError> {
    let path = state.join(NODE_KEY);
    let exists = path.try_exists();
    match exists.map_err(|source| KeyError::File { action: "look for", path, source })? {
        true => Ok(Some(id_of(&*node_key(state)?).to_string())),
        false => Ok(None),
    }
}

/// [`address`], if it listens and has a key already.
///
/// # Errors
/// As [`address`]; or if the key cannot be read.
pub fn address_so_far(config: &Config) -> anyhow::Result<Option<WorkerAddress>> {
    let known = read_node_key(&config.storage.state).exit(Exit::BadInput)?.is_some();
    if known && config.network.listen.is_some() { address(config).map(Some) } else { Ok(None) }
}

/// The secret key that other workers know this one by: made when it is needed for the first time, and readable by its owner only.
fn node_key(state: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let path = state.join(NODE_KEY);
    let failed = |action: &'static str| {
        let path = path.clone();
        move |source| KeyError::File { action, path, source }
    };
    let mut secret = Zeroizing::new([0; 32]);
    if path.try_exists().map_err(failed("look for"))? {
        let text = read_secret(&path)?;
        let digits = hex::decode_to_slice(text.as_str(), secret.as_mut_slice());
        digits.map_err(|_| KeyError::Malformed {
            path,
            reason: "64 hexadecimal digits are expected; remove it to get another node id".into(),
        })?;
        return Ok(secret);
    }
    fs::create_dir_all(state).map_err(failed("create the folder of"))?;
    fill_random(secret.as_mut_slice())?;
    let partial = state.join(format!(".{NODE_KEY}.{}", std::process::id()));
    let written =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial).and_then(
            |mut file| {
                file.write_all(Zeroizing::new(hex::encode(secret.as_slice())).as_bytes())?;
                file.sync_all()?;
                // Not in the place of one that another process has made meanwhile.
                fs::hard_link(&partial, &path)
            },
        );
    let _ = fs::remove_file(&partial);
    match written {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => node_key(state),
        Err(error) => Err(failed("write")(error)),
    }
}

/// A store whose fetches end when a flag goes up: with [`BlobError::Stopped`], and what came is kept.
#[derive(Clone, Copy, Debug)]
pub struct UntilStopped<'a> {
    /// The store.
    pub blobs: &'a PeerBlobs,
    /// The flag.
    pub stop: &'a Stop,
}

impl BlobStore for UntilStopped<'_> {
    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        self.blobs.put(bytes)
    }

    fn get_within(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
        self.blobs.fetching(digest, limit, || self.stop.is_raised(), |own| own.get_within(digest, limit))
    }

    fn file_within(&self, digest: Digest, limit: u64) -> Result<PathBuf, BlobError> {
        self.blobs.fetching(digest, limit, || self.stop.is_raised(), |own| own.file_within(digest, limit))
    }

    fn has(&self, digest: Digest) -> Result<bool, BlobError> {
        self.blobs.has(digest)
    }
}

/// Copies a blob's file, and makes sure on the way that it is the blob.
///
/// # Errors
/// If a file cannot be read or written, or is another blob.
pub fn copy_out(from: &Path, digest: Digest, to: &Path) -> Result<(), BlobError> {
    let file = fs::File::open(from).map_err(FileError::of("read", from))?;
    let mut out = crate::files::AtomicFile::create(to)?;
    let found =
        sabha_blobs::tree::hash(Copying { from: file, to: &mut out }).map_err(FileError::of("write", to))?;
    if found != digest {
        return Err(BlobError::Corrupt { digest, path: from.into() });
    }
    Ok(out.commit()?)
}

struct Copying<'a> {
    from: fs::File,
    to: &'a mut crate::files::AtomicFile,
}

impl std::io::Read for Copying<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.to.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{ops::ControlFlow, os::unix::fs::PermissionsExt};

    #[test]
    fn the_node_key_is_made_once_and_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let key = node_key(&state).unwrap();
        assert_eq!(node_key(&state).unwrap(), key);
        assert_ne!(*key, [0; 32]);
        let path = state.join(NODE_KEY);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nothing else is left");
        fs::write(&path, "damaged").unwrap();
        let error = node_key(&state).unwrap_err().to_string();
        assert!(error.contains("node.key"), "{error}");
    }

    #[test]
    fn a_copy_is_the_blob_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = LocalBlobs::open(folder.path().join("blobs")).unwrap();
        let digest = blobs.put(b"content").unwrap();
        let out = folder.path().join("out");
        copy_out(&blobs.path(digest), digest, &out).unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"content");
        let other = folder.path().join("other");
        let wrong = copy_out(&blobs.path(digest), Digest([1; 32]), &other);
        assert!(matches!(wrong, Err(BlobError::Corrupt { .. })));
        assert!(!other.exists());
    }

    /// A worker that listens on this machine, and one that knows it.
    fn two(folder: &Path) -> [PeerBlobs; 2] {
        let worker = |name: &str, byte: u8| {
            let own = LocalBlobs::open(folder.join(name)).unwrap();
            let node = NodeOptions {
                secret: [byte; 32],
                listen: Some("127.0.0.1:0".parse().unwrap()),
                announce: vec![],
                relays: vec![],
                manner: Manner::Honest,
            };
            let options = NetworkOptions { node: Some(node), ..NetworkOptions::default() };
            let network = Network::open(options, &own).unwrap();
            PeerBlobs::of(own, &[]).with_network(Arc::new(network))
        };
        let [giver, taker] = [worker("giver", 1), worker("taker", 2)];
        taker.network().unwrap().set_workers(giver.network().unwrap().address());
        [giver, taker]
    }

    #[test]
    fn a_fetch_ends_when_the_flag_goes_up_and_goes_on_later() {
        let folder = tempfile::tempdir().unwrap();
        let [giver, taker] = two(folder.path());
        let bytes: Vec<u8> = (0..(1_u32 << 20)).map(|index| (index % 251) as u8).collect();
        let digest = giver.put(&bytes).unwrap();
        let stop = Stop::new();
        stop.raise(Exit::Terminated);
        let stopped = UntilStopped { blobs: &taker, stop: &stop };
        assert!(matches!(stopped.get(digest), Err(BlobError::Stopped { .. })));
        // In the middle.
        let stop = Stop::new();
        let raise = &mut |_| {
            stop.raise(Exit::Terminated);
            ControlFlow::Break(())
        };
        assert!(matches!(taker.fetch(digest, u64::MAX, raise), Err(BlobError::Stopped { .. })));
        let stop = Stop::new();
        let reach = UntilStopped { blobs: &taker, stop: &stop };
        assert_eq!(reach.get(digest).unwrap(), bytes);
        stop.raise(Exit::Terminated);
        assert_eq!(reach.get(digest).unwrap(), bytes, "what is here is read all the same");
    }

    /// What a daemon does at each look: after a transfer both sides have counted it, and who scrapes them sees it.
    #[test]
    fn a_transfer_is_in_the_metrics_of_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let [giver, taker] = two(folder.path());
        let digest = giver.put(&[7; 50_000]).unwrap();
        assert_eq!(taker.get(digest).unwrap().len(), 50_000);
        let value = |blobs: &PeerBlobs, line: &str| -> f64 {
            let metrics = crate::metrics::Metrics::new();
            let counters = blobs.network().unwrap().counters();
            metrics.carried(Counters::default(), counters);
            metrics.carried(counters, counters);
            let text = String::from_utf8(metrics.text()).unwrap();
            let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
            found.unwrap_or_else(|| panic!("{line} is not in {text}")).parse().unwrap()
        };
        let bytes = |direction: &str| format!("sabha_blob_bytes_total{{direction=\"{direction}\"}}");
        assert_eq!(value(&taker, &bytes("received")), 50_000.0);
        assert!(value(&giver, &bytes("sent")) >= 50_000.0);
        assert_eq!(value(&taker, "sabha_blob_providers_dropped_total"), 0.0);
    }
}

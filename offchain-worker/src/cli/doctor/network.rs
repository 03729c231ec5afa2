//! How blobs come from others and get to them: the key that others know this worker by, the port, what the chain says of it, and the
//! object store.

use super::Report;
use crate::{
    blobs::{self, LocalBlobs, NODE_KEY, Network, NetworkOptions, PeerBlobs},
    config::Config,
    error::{Exit, ResultExt},
    keys::fill_random,
};
use sabha_blobs::objects::StoreOptions;
use std::{fs, io, net::UdpSocket, path::Path, sync::Arc};

/// The note that is written to an object store, to see whether it can be: each time over the last one.
const PROBE: &str = "doctor";

/// Whether the key can be read that others know this worker by.
pub(super) fn check_key(report: &mut Report, config: &Config) {
    let path = config.storage.state.join(NODE_KEY);
    match blobs::read_node_key(&config.storage.state) {
        Ok(Some(id)) => report.good("node key", format!("{} is readable: node {id}", path.display())),
        Ok(None) => report.good("node key", "there is none yet: the first start makes it"),
        Err(error) => report.bad(
            "node key",
            Exit::BadInput,
            format!("{error:#}"),
            format!("give {} to the user that runs the daemon, with mode 0600; or remove it to get another node id", path.display()),
        ),
    }
}

/// Whether the port is free that blobs are served at, or taken by the daemon that runs.
pub(super) fn check_port(report: &mut Report, config: &Config, running: bool) {
    let Some(address) = config.network.listen else {
        if config.storage.store.is_none() {
            report.warn(
                "serves",
                "this worker serves its blobs to nobody, and has no object store: others cannot fetch what it makes",
                "let it be reached with --listen 0.0.0.0:9955 (network.listen), or name a store with --store (storage.store)",
            );
        } else {
            report.good(
                "serves",
                "nobody over the network (no network.listen): others fetch from the object store",
            );
        }
        return;
    };
    match UdpSocket::bind(address) {
        Ok(_) => report.good("serves", format!("UDP {address} is free: open it to the world")),
        Err(error) if running && error.kind() == io::ErrorKind::AddrInUse => {
            report.good("serves", format!("UDP {address} is taken, by the daemon that runs as it seems"));
        }
        Err(error) => report.bad(
            "serves",
            Exit::BadInput,
            format!("cannot listen at UDP {address}: {error}"),
            "choose another --listen (network.listen), or end what listens there",
        ),
    }
}

/// Whether the chain says where this worker serves its blobs.
pub(super) fn check_endpoint(report: &mut Report, config: &Config, on_chain: &str) {
    let own = match blobs::address_so_far(config) {
        Ok(own) => own,
        Err(error) => {
            report.warn(
                "endpoint",
                format!("where others reach this worker is not known: {error:#}"),
                "say it with --announce (network.announce), such as 192.0.2.1:9955",
            );
            return;
        }
    };
    match (config.network.listen, own) {
        (None, _) if on_chain.is_empty() => report.good("endpoint", "none on chain, and none is served"),
        (None, _) => report.warn(
            "endpoint",
            format!("the chain says {on_chain}, and nothing is served: others wait for it in vain"),
            "let it be reached with --listen (network.listen), or clear it: sabha-worker update --key OWNER.json --endpoint \"\"",
        ),
        (Some(_), None) => report.warn(
            "endpoint",
            "there is no node key yet, so no endpoint",
            "start the daemon, which says it, or see sabha-worker blob address; then register or update with --endpoint",
        ),
        (Some(_), Some(own)) if own.to_string() == on_chain => {
            report.good("endpoint", format!("the chain says {on_chain}, where this worker serves"));
        }
        (Some(_), Some(own)) => report.warn(
            "endpoint",
            format!("the chain says {on_chain:?}, this worker serves at {own}: others cannot fetch from it"),
            format!("sabha-worker update --key OWNER.json --endpoint {own}"),
        ),
    }
}

/// Whether the object store takes something and gives it back.
pub(super) async fn check_store(report: &mut Report, url: Option<String>) {
    let Some(url) = url else {
        report.good("store", "none (no storage.store)");
        return;
    };
    if url.starts_with("http://") || url.starts_with("https://") {
        report.good("store", format!("{url} is only read: it is not looked at"));
        return;
    }
    let name = url.clone();
    let probed = tokio::task::spawn_blocking(move || probe(url)).await;
    match probed.map_err(anyhow::Error::from).and_then(|probed| probed) {
        Ok(()) => report.good("store", format!("{name} takes what is written, and gives it back")),
        Err(error) => report.bad(
            "store",
            Exit::BadInput,
            format!("{name}: {error:#}"),
            "correct --store (storage.store), or the keys, region and rights in the environment (AWS_ACCESS_KEY_ID, …; the service \
             takes them from /etc/sabha-worker/environment)",
        ),
    }
}

/// Writes a note, and reads it with a store that has nothing of its own.
fn probe(url: String) -> anyhow::Result<()> {
    let mut nonce = [0; 16];
    fill_random(&mut nonce)?;
    let folder = std::env::temp_dir().join(format!("sabha-doctor-{}", hex::encode(nonce)));
    let probed = probe_in(&folder, url, &nonce);
    let _ = fs::remove_dir_all(&folder);
    probed
}

fn probe_in(folder: &Path, url: String, nonce: &[u8]) -> anyhow::Result<()> {
    let writer = LocalBlobs::open(folder.join("writer"))?;
    let reader = LocalBlobs::open(folder.join("reader"))?;
    let options = NetworkOptions { store: Some(StoreOptions::of_process(url)), ..NetworkOptions::default() };
    let network = Arc::new(Network::open(options, &writer).exit(Exit::BadInput)?);
    PeerBlobs::of(writer, &[]).with_network(network.clone()).put_note(PROBE, nonce)?;
    network.settle();
    anyhow::ensure!(network.counters().stored_bytes > 0, "nothing can be written there: the log says why");
    let reader = PeerBlobs::of(reader, &[]).with_network(network);
    let found = reader.find_note(PROBE, |_, note| (note == nonce).then_some(()));
    anyhow::ensure!(found.is_some(), "what was written there cannot be read again");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};

    fn grades(check: impl FnOnce(&mut Report)) -> Vec<(&'static str, Grade)> {
        let mut report = Report::default();
        check(&mut report);
        let fixed = |check: &&super::super::Check| check.grade == Grade::Good || check.fix.is_some();
        assert_eq!(report.checks.iter().filter(fixed).count(), report.checks.len());
        report.checks.iter().map(|check| (check.name, check.grade)).collect()
    }

    fn config(folder: &Path) -> Config {
        let mut config = Config::default();
        config.storage.state = folder.join("state");
        config
    }

    #[test]
    fn the_node_key_is_read_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let grade = || grades(|report| check_key(report, &config));
        assert_eq!(grade(), [("node key", Grade::Good)]);
        assert!(!config.storage.state.exists(), "none is made");
        fs::create_dir_all(&config.storage.state).unwrap();
        fs::write(config.storage.state.join(NODE_KEY), "damaged").unwrap();
        assert_eq!(grade(), [("node key", Grade::Bad)]);
    }

    #[test]
    fn a_port_that_is_taken_is_bad_unless_the_daemon_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        assert_eq!(grades(|report| check_port(report, &config, false)), [("serves", Grade::Warning)]);
        config.storage.store = Some("s3://bucket".into());
        assert_eq!(grades(|report| check_port(report, &config, false)), [("serves", Grade::Good)]);
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        config.network.listen = Some(taken.local_addr().unwrap());
        assert_eq!(grades(|report| check_port(report, &config, false)), [("serves", Grade::Bad)]);
        assert_eq!(grades(|report| check_port(report, &config, true)), [("serves", Grade::Good)]);
        drop(taken);
        assert_eq!(grades(|report| check_port(report, &config, false)), [("serves", Grade::Good)]);
    }

    #[test]
    fn the_endpoint_on_chain_is_compared_with_where_it_serves() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        let grade = |config: &Config, on_chain: &str| {
            grades(|report| check_endpoint(report, config, on_chain)).first().unwrap().1
        };
        assert_eq!(grade(&config, ""), Grade::Good);
        assert_eq!(grade(&config, "somewhere"), Grade::Warning);
        config.network.listen = Some("127.0.0.1:9955".parse().unwrap());
        assert_eq!(grade(&config, ""), Grade::Warning, "no key yet");
        let own = blobs::address(&config).unwrap().to_string();
        assert_eq!(grade(&config, &own), Grade::Good);
        assert_eq!(grade(&config, ""), Grade::Warning);
        config.network.listen = Some("0.0.0.0:9955".parse().unwrap());
        assert_eq!(grade(&config, &own), Grade::Warning, "nobody says where it is reached");
    }

    #[tokio::test]
    async fn a_store_is_written_to_and_read_from() {
        let folder = tempfile::tempdir().unwrap();
        let check = async |url: Option<String>| {
            let mut report = Report::default();
            check_store(&mut report, url).await;
            report.checks.pop().unwrap().grade
        };
        assert_eq!(check(None).await, Grade::Good);
        let place = folder.path().join("store");
        fs::create_dir(&place).unwrap();
        let url = format!("file://{}", place.display());
        assert_eq!(check(Some(url.clone())).await, Grade::Good);
        assert_eq!(check(Some(url)).await, Grade::Good, "over what the last one left");
        assert_eq!(fs::read_dir(place.join("notes")).unwrap().count(), 1);
        fs::write(folder.path().join("file"), "").unwrap();
        let bad = format!("file://{}/file", folder.path().display());
        assert_eq!(check(Some(bad)).await, Grade::Bad);
        assert_eq!(check(Some("gopher://x".into())).await, Grade::Bad);
    }
}

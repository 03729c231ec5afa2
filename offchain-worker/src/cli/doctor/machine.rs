//! This machine: folders, room, files, ports, and whether a daemon runs already.

use super::Report;
use crate::{
    blobs::LocalBlobs, config::Config, engine::rounds::checkpoint_bytes, error::Exit, files, metrics::system,
};
use sabha_protocol::RunSpec;
use std::{io, net::SocketAddr, path::Path};
use tokio::net::TcpListener;

/// Files that a daemon should be allowed to have open: connections to nodes and other workers, blobs, shards of datasets.
const OPEN_FILES: u64 = 1_024;

/// Whether the folders can be written, and have room.
pub(super) fn check_disk(report: &mut Report, config: &Config) {
    let wanted = config.storage.min_free_mib;
    for (name, folder) in [("blobs", &config.storage.blobs), ("state", &config.storage.state)] {
        match writable(folder) {
            Ok(()) => report.good(name, format!("{} can be written", folder.display())),
            Err(error) => {
                report.bad(
                    name,
                    Exit::BadInput,
                    format!("{} cannot be written: {error:#}", folder.display()),
                    "correct its owner and mode, free some space, or choose another folder",
                );
                continue;
            }
        }
        match system::free_bytes(folder).map(|bytes| bytes >> 20) {
            Some(free) if free < wanted => report.warn(
                "disk",
                format!("{free} MiB free in {}", folder.display()),
                format!("free some space: at least {wanted} MiB are advised (storage.min_free_mib)"),
            ),
            Some(free) => report.good("disk", format!("{free} MiB free in {}", folder.display())),
            None => report.warn(
                "disk",
                format!("the free space in {} is unknown", folder.display()),
                "look with df",
            ),
        }
    }
}

/// What a round leaves on the disk of a worker that has all of it: the checkpoint that it starts from, the one that it makes, and the
/// updates, none of which is larger.
pub(super) fn room_of_a_round(spec: &RunSpec) -> u64 {
    checkpoint_bytes(&spec.model).saturating_mul(u64::from(spec.rounds.slots).saturating_add(2))
}

/// Whether there is room for a round of the open run that needs most.
pub(super) fn check_room(report: &mut Report, blobs: &Path, room: u64) {
    let Some(free) = system::free_bytes(blobs) else { return };
    let (free, room) = (free >> 20, room >> 20);
    let found = format!("a round of the largest open run takes up to {room} MiB, {free} MiB are free");
    if free < room {
        report.warn("room", found, "free some space, or move storage.blobs to a larger disk");
    } else {
        report.good("room", found);
    }
}

/// Whether blobs may take what such a round leaves, if somebody set a limit: all of it is pinned while the round goes on.
pub(super) fn check_limit(report: &mut Report, limit_mib: Option<u64>, room: u64) {
    let Some(limit) = limit_mib else { return };
    let room = room >> 20;
    let found = format!("blobs may take {limit} MiB, a round of the largest open run up to {room} MiB");
    if limit < room {
        report.warn(
            "limit",
            found,
            "raise storage.blobs_limit_mib (--blobs-limit-mib): what does not fit is refused",
        );
    } else {
        report.good("limit", found);
    }
}

/// Whether enough files may be open.
pub(super) fn check_files(report: &mut Report) {
    judge_files(report, system::open_files_limit());
}

fn judge_files(report: &mut Report, limit: Option<u64>) {
    match limit {
        Some(limit) if limit < OPEN_FILES => report.warn(
            "files",
            format!("{limit} files may be open"),
            format!("raise it: ulimit -n {OPEN_FILES}, or LimitNOFILE={OPEN_FILES} in the service"),
        ),
        Some(limit) => report.good("files", format!("{limit} files may be open")),
        None => report.good("files", "any number of files may be open"),
    }
}

/// Whether a daemon runs with this key already; whether one does.
pub(super) fn check_daemon(report: &mut Report, config: &Config) -> bool {
    let Some(key) = &config.worker.key else { return false };
    match files::lock(key) {
        Ok(Some(_)) => {
            report.good("daemon", "none runs with this key");
            false
        }
        Ok(None) => {
            report.good("daemon", "one runs with this key: a second one would be refused");
            true
        }
        // It was said of the key.
        Err(_) => false,
    }
}

/// Whether the port of the metrics is free, or taken by the daemon that runs.
pub(super) async fn check_port(report: &mut Report, listen: Option<SocketAddr>, running: bool) {
    let Some(address) = listen else {
        report.good("metrics", "not served (no metrics.listen)");
        return;
    };
    match TcpListener::bind(address).await {
        Ok(_) if address.ip().is_loopback() => report.good("metrics", format!("{address} is free")),
        Ok(_) => report.warn(
            "metrics",
            format!("{address} is free, and others can reach it"),
            "what is served there is not secret, but nobody else needs it: listen at 127.0.0.1, or let a firewall see to it",
        ),
        Err(error) if running && error.kind() == io::ErrorKind::AddrInUse => {
            report.good("metrics", format!("{address} is taken, by the daemon that runs as it seems"));
        }
        Err(error) => report.bad(
            "metrics",
            Exit::BadInput,
            format!("cannot listen at {address}: {error}"),
            "choose another --metrics-listen (metrics.listen), or end what listens there",
        ),
    }
}

fn writable(folder: &Path) -> anyhow::Result<()> {
    LocalBlobs::open(folder)?;
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    files::write_atomic(&probe, b"probe")?;
    files::remove(&probe)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};
    use crate::chain::compat;

    fn grades(report: &Report) -> Vec<(&'static str, Grade)> {
        report.checks.iter().map(|check| (check.name, check.grade)).collect()
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_bad_and_names_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let mut config = Config::default();
        config.storage.blobs = file;
        config.storage.state = folder.path().join("state");
        config.storage.min_free_mib = 0;
        let mut report = Report::default();
        check_disk(&mut report, &config);
        assert_eq!(report.exit, Some(Exit::BadInput));
        assert_eq!(grades(&report), [("blobs", Grade::Bad), ("state", Grade::Good), ("disk", Grade::Good)]);
        assert!(report.text().unwrap().contains("-> "));
    }

    #[test]
    fn too_little_room_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        (config.storage.blobs, config.storage.state) = (folder.path().join("b"), folder.path().join("s"));
        config.storage.min_free_mib = u64::MAX;
        let mut report = Report::default();
        check_disk(&mut report, &config);
        let disk = ("disk", Grade::Warning);
        assert_eq!(grades(&report), [("blobs", Grade::Good), disk, ("state", Grade::Good), disk]);

        let mut report = Report::default();
        check_room(&mut report, folder.path(), room_of_a_round(&compat::sample_spec()));
        check_room(&mut report, folder.path(), u64::MAX);
        assert_eq!(grades(&report), [("room", Grade::Good), ("room", Grade::Warning)]);

        let mut report = Report::default();
        for limit in [None, Some(9), Some(10)] {
            check_limit(&mut report, limit, 10 << 20);
        }
        assert_eq!(grades(&report), [("limit", Grade::Warning), ("limit", Grade::Good)]);
    }

    #[test]
    fn few_open_files_are_a_warning() {
        let mut report = Report::default();
        for limit in [Some(OPEN_FILES - 1), Some(OPEN_FILES), None] {
            judge_files(&mut report, limit);
        }
        let [few, enough, any] = [Grade::Warning, Grade::Good, Grade::Good].map(|grade| ("files", grade));
        assert_eq!(grades(&report), [few, enough, any]);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_bad_unless_the_daemon_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let mut report = Report::default();
        check_port(&mut report, Some(address), false).await;
        check_port(&mut report, Some(address), true).await;
        drop(taken);
        check_port(&mut report, Some(address), false).await;
        check_port(&mut report, None, false).await;
        check_port(&mut report, Some("0.0.0.0:0".parse().unwrap()), false).await;
        let found: Vec<Grade> = report.checks.iter().map(|check| check.grade).collect();
        assert_eq!(found, [Grade::Bad, Grade::Good, Grade::Good, Grade::Good, Grade::Warning]);
        assert_eq!(report.exit, Some(Exit::BadInput));
    }

    #[test]
    fn a_running_daemon_is_seen_by_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("hot.json");
        std::fs::write(&key, "{}").unwrap();
        let mut config = Config::default();
        config.worker.key = Some(key.clone());
        let mut report = Report::default();
        assert!(!check_daemon(&mut report, &config));
        let _held = files::lock(&key).unwrap();
        assert!(check_daemon(&mut report, &config));
        assert_eq!(report.exit, None);
    }
}

//! Serve slowly: whoever is the only one to have something sends it just fast enough not to be silent. Each attester and auditor would miss
//! its deadline, for another one's fault.

use super::*;
use crate::{
    blobs::{LocalBlobs, Network, NetworkOptions},
    daemon::work::Origin,
};
use sabha_blobs::objects::StoreOptions;
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Each work would take minutes.
const TOO_LONG: Duration = Duration::from_secs(20);

/// Ten bytes of a body, and then a while nothing.
const PAUSE: Duration = Duration::from_millis(100);

/// A web server that sends what is in a store of blobs, drop by drop.
fn trickle(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let root = root.clone();
            std::thread::spawn(move || drop(answer_all(socket, &root)));
        }
    });
    url
}

fn answer_all(mut socket: TcpStream, root: &Path) -> std::io::Result<()> {
    let mut requests = BufReader::new(socket.try_clone()?);
    loop {
        let (mut first, mut line) = (String::new(), String::new());
        requests.read_line(&mut first)?;
        while requests.read_line(&mut line)? > 2 {
            line.clear();
        }
        let mut words = first.split(' ');
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
        let name = path.rsplit('/').next().unwrap_or_default();
        let file = name.parse().ok().map(|digest| LocalBlobs::open(root).unwrap().path(digest));
        let Some(body) = file.and_then(|file| std::fs::read(file).ok()) else {
            socket.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        socket.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes())?;
        for drop in body.chunks(10).take_while(|_| method == "GET") {
            socket.write_all(drop)?;
            std::thread::sleep(PAUSE);
        }
    }
}

/// A machine that gets all that it lacks from a slow server, which has what another machine has.
fn far_from(machine: &Machine) -> Machine {
    let folder = tempfile::tempdir().unwrap();
    let url = trickle(machine.folder.path().join("blobs"));
    let own = LocalBlobs::open(folder.path().join("blobs")).unwrap();
    let store = Some(StoreOptions { url, environment: vec![] });
    let network = Network::open(NetworkOptions { store, ..Default::default() }, &own).unwrap();
    let blobs = PeerBlobs::of(own, &[]).with_network(Arc::new(network));
    let spec = spec(&blobs);
    Machine { folder, spec, workshop: EngineWorkshop::with(Box::new(AnyEngine::cpu()), blobs, vec![]) }
}

fn copy(from: &Machine, to: &Machine, blob: Digest) {
    let bytes = from.workshop.blobs.get(blob).unwrap();
    assert!(bytes.len() > 2_000, "it would take {} drops", bytes.len() / 10);
    to.workshop.blobs.own().put(&bytes).unwrap();
}

fn soon<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    assert!(began.elapsed() < TOO_LONG, "it took {:?}", began.elapsed());
    done
}

#[test]
fn an_attester_reports_what_came_in_time() {
    let trainer = Machine::new();
    let updates = [0, 1].map(|slot| (slot, trainer.train(0, slot, None).update_digest));
    let attester = far_from(&trainer);
    copy(&trainer, &attester, updates[1].1);
    let job = attester.job(Kind::Attest, 0, 0, None, Ask::Attest(updates.into()));
    let work =
        |time: Time| soon(|| attester.workshop.work(&Job { time, ..job.clone() }, &Stop::new()).unwrap());
    assert!(matches!(work(Time::brief(false)), Ended::Waits { .. }), "it may come yet");
    let told = |ended: Ended| match ended {
        Ended::Done(Product::Got(got)) => got.iter().collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(work(Time::brief(true))), [1]);
    // The chain's clock goes on while it is fetched.
    let time = Time::brief(false);
    let meanwhile = time.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        meanwhile.hurry();
    });
    assert_eq!(told(work(time)), [1]);
}

#[test]
fn an_auditor_whom_states_do_not_reach_in_time_trains_the_slot_itself() {
    let trainer = Machine::new();
    let commitment = trainer.train(0, 1, None);
    let segments = [1, 3];
    trainer.serve(1, &commitment, &segments);
    let auditor = far_from(&trainer);
    let notes = |machine: &Machine| machine.workshop.blobs.own().root().join("notes");
    std::fs::create_dir_all(notes(&auditor)).unwrap();
    for note in std::fs::read_dir(notes(&trainer)).unwrap().flatten() {
        std::fs::copy(note.path(), notes(&auditor).join(note.file_name())).unwrap();
    }
    let job = auditor.audit_job(1, Outcome::Trained(commitment), &segments);
    let waits = soon(|| {
        let job = Job { time: Time::brief(false), ..job.clone() };
        auditor.workshop.work(&job, &Stop::new()).unwrap()
    });
    assert!(matches!(waits, Ended::Waits { .. }));
    let leaves = trainer.leaves(1, &commitment);
    let expected = answer::of_roots(&[leaves[2], leaves[4]]);
    let found = soon(|| auditor.found(&Job { time: Time::brief(true), ..job.clone() }));
    assert_eq!(found, Found { answer: expected, unserved: true });
    assert!(!job.folder.join("fetched").exists(), "nothing is left of what came");
}

#[test]
fn a_checkpoint_that_does_not_come_in_time_is_made_again() {
    let machine = Machine::new();
    let updates: Vec<_> = (0..2).map(|slot| (slot, machine.train(0, slot, None).update_digest)).collect();
    let made = machine.aggregate(0, None, updates.clone());
    let honest = machine.done(&machine.train_job(1, 0, Some(made)));
    let other = far_from(&machine);
    for (_, update) in &updates {
        copy(&machine, &other, *update);
    }
    let job = Job { time: Time::brief(false), ..other.train_job(1, 0, Some(made)) };
    let failed = soon(|| other.workshop.work(&job, &Stop::new()).unwrap_err());
    assert!(format!("{failed:#}").contains("no more time"), "{failed:#}");
    let origins = vec![Origin { round: 0, made, base: None, updates }];
    assert_eq!(soon(|| other.done(&Job { origins, ..job })), honest);
}

//! Rounds of several slots through the commands: trained, replayed slot by slot, aggregated again, and what is refused.

use crate::harness::{CHECKPOINT, Home, TRAIN, slots, text_of};
use sabha_protocol::Digest;
use serde_json::Value;

/// Two rounds of three slots of two segments of ten steps, trained.
fn home() -> (Home, Value, Value) {
    let home = Home::ready(2, 20);
    home.write("spec.toml", slots(2, 20, 3));
    let trained = home.json(&TRAIN);
    let record = serde_json::from_slice(&home.read("run/run.json")).unwrap();
    (home, trained, record)
}

fn replay<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["replay", "spec.toml", "--data", "data"], more].concat()
}

/// Where a blob of the run is.
fn blob(digest: &Value) -> String {
    let digest = digest.as_str().unwrap();
    format!("run/blobs/{}/{digest}", &digest[..2])
}

fn update(record: &Value, round: usize, slot: usize) -> Value {
    record["rounds"][round]["slots"][slot]["outcome"]["Trained"]["update_digest"].clone()
}

#[test]
fn every_slot_and_aggregation_of_a_run_can_be_replayed() {
    let (home, trained, record) = home();
    assert_eq!(
        (&trained["rounds"], &trained["slots"], &trained["steps"]),
        (&2.into(), &3.into(), &40.into())
    );
    let drop = trained["heldout_drop_pct"].as_f64().unwrap();
    assert!(drop > 15.0, "the held-out loss fell by {drop} % only");
    let ratio = trained["upload_ratio"].as_f64().unwrap();
    assert!(ratio <= 0.27, "an update is {ratio} of the parameters");
    assert_eq!(trained["download_bytes"], home.read(CHECKPOINT).len());
    assert_eq!(trained["root"], record["rounds"][1]["checkpoint"]["root"]);
    let heldout: Vec<f64> =
        (0..2).map(|round| record["rounds"][round]["heldout"].as_f64().unwrap()).collect();
    assert!(heldout[1] < heldout[0], "{heldout:?}");

    for (round, slot) in [("0", "2"), ("1", "0"), ("1", "2")] {
        let place = ["--round", round, "--slot", slot, "--run", "run"];
        let replayed = home.json(&replay(&place));
        let committed =
            &record["rounds"][round.parse::<usize>().unwrap()]["slots"][slot.parse::<usize>().unwrap()];
        assert_eq!((&replayed["outcome"], &replayed["expected"]), (&committed["outcome"], &true.into()));
        let segment = home.json(&replay(&[&place[..], &["--segment", "1"]].concat()));
        assert_eq!(segment["expected"], true, "the leaf that was published: {segment}");
    }
    for round in ["0", "1"] {
        let replayed = home.json(&replay(&["--round", round, "--aggregation", "--run", "run"]));
        assert_eq!((&replayed["updates"], &replayed["expected"]), (&3.into(), &true.into()));
        assert_eq!(replayed["checkpoint"], record["rounds"][round.parse::<usize>().unwrap()]["checkpoint"]);
    }

    // From files and digests, in another order.
    let files = [2, 0, 1].map(|slot| blob(&update(&record, 1, slot)));
    let base = record["rounds"][0]["checkpoint"]["blob"].as_str().unwrap();
    let last = update(&record, 1, 1);
    let mut named = vec!["--round", "1", "--aggregation", "--checkpoint", base, "--blobs", "run/blobs"];
    named.extend(["--update", &files[0], "--update", &files[1], "--update", last.as_str().unwrap()]);
    let replayed = home.json(&replay(&named));
    assert_eq!(replayed["checkpoint"], record["rounds"][1]["checkpoint"]);
    // One is left out: another checkpoint.
    named.truncate(named.len() - 2);
    let root = record["rounds"][1]["checkpoint"]["root"].as_str().unwrap();
    named.extend(["--expect", root]);
    let output = home.run(&replay(&named));
    assert_eq!(output.status.code(), Some(1), "{}", text_of(&output.stderr));
    assert!(text_of(&output.stdout).contains("what was expected is another"));
}

#[test]
fn a_model_of_rounds_is_a_model_for_every_command() {
    let (home, trained, _) = home();
    let show = home.json(&["model", "show", "--checkpoint", CHECKPOINT, "--spec", "spec.toml"]);
    assert_eq!((&show["digest"], &show["checkpoint_root"]), (&trained["digest"], &trained["root"]));
    let checked = home.json(&["run", "check", "spec.toml", "--data", "data"]);
    assert_eq!(show["parameters"], checked["parameters"], "momenta are none");
    assert_eq!(
        (&checked["update_bytes"], &checked["checkpoint_bytes"]),
        (&trained["upload_bytes"], &trained["download_bytes"])
    );
    let evaluate = ["model", "evaluate", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--data", "data"];
    let evaluated = home.json(&[&evaluate[..], &["--windows", "64"]].concat());
    assert_eq!(evaluated["trained"], trained["heldout_trained"]);
    home.good(&["model", "export", "--checkpoint", CHECKPOINT, "--spec", "spec.toml", "--out", "exported"]);
    let exported =
        home.json(&["model", "show", "--checkpoint", "exported/model.safetensors", "--spec", "spec.toml"]);
    assert_eq!((&exported["root"], &exported["checkpoint_root"]), (&show["root"], &Value::Null));
}

#[test]
fn blobs_that_are_damaged_missing_or_of_other_slots_are_refused() {
    let (home, _, record) = home();
    let of = |slot: usize| update(&record, 0, slot);
    let aggregate = |update: &str| {
        replay(&["--aggregation", "--blobs", "run/blobs", "--update"])
            .into_iter()
            .map(String::from)
            .chain([update.into()])
            .collect::<Vec<String>>()
    };
    let refuse = |update: &str, parts: &[&str]| {
        let arguments = aggregate(update);
        home.refused_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), parts);
    };
    home.refused_with(&replay(&["--aggregation"]), &["--update", "--run"]);
    home.refused_with(&replay(&["--round", "1", "--aggregation", "--run", "nowhere"]), &["nowhere/run.json"]);
    refuse("absent.bin", &["absent.bin"]);
    refuse(CHECKPOINT, &[CHECKPOINT, "does not begin as an update"]);
    let good = home.read(&blob(&of(0)));
    home.write("short.bin", &good[..good.len() - 1]);
    refuse("short.bin", &["short.bin", "bytes"]);
    let other = blob(&update(&record, 1, 0));
    refuse(&other, &["the update of round 1, slot 0"]);
    let first = blob(&of(0));
    let twice = [&replay(&["--aggregation"])[..], &["--update", &first, "--update", &first]].concat();
    home.refused_with(&twice, &["slot 0 has two updates"]);

    // In the store of a run.
    let run = replay(&["--aggregation", "--run", "run"]);
    let mut flipped = good.clone();
    flipped[70] ^= 1;
    // What is damaged is removed, also if it is larger than any update.
    for damaged in [flipped, vec![0; good.len() * 2]] {
        home.write(&blob(&of(0)), &damaged);
        let output = home.run(&run);
        assert_eq!(output.status.code(), Some(3));
        let said = text_of(&output.stderr);
        assert!(said.contains("round 0, slot 0") && said.contains("did not hash to its name"), "{said}");
        home.refused_with(&run, &["round 0, slot 0", of(0).as_str().unwrap(), "is not in run/blobs"]);
    }
    home.write("spec.toml", slots(3, 20, 3));
    home.refused_with(&run, &["another specification"]);
}

/// A lie about one update, as whoever aggregates falsely would tell it.
#[test]
fn a_false_checkpoint_is_named() {
    let (home, _, mut record) = home();
    let checkpoint = &mut record["rounds"][0]["checkpoint"]["root"];
    let mut lie: Digest = checkpoint.as_str().unwrap().parse().unwrap();
    lie.0[0] ^= 1;
    *checkpoint = lie.to_string().into();
    home.write("run/run.json", record.to_string());
    let output = home.run(&replay(&["--aggregation", "--run", "run"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output.stdout).contains("what was expected is another"));
    // Nor does training go on from it.
    home.refused_with(&replay(&["--round", "1", "--run", "run"]), &["root", "was posted"]);
}

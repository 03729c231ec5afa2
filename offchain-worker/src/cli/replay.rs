//! `replay`: a segment once more, with everything written down, and where two machines part; a whole slot; an aggregation.

use super::{
    Context,
    model::engine_on,
    replay_round::{self, Source},
};
use crate::{
    config::{DeviceArgs, MemoryArgs},
    data::Stream,
    engine::{
        exact,
        replay::{Comparison, Keep, Place, Segment, Trace, check_version, first_difference, state_at, trace},
    },
    error::{Exit, ResultExt, failure},
    files,
    progress::{Progress, Unit},
    specfile,
};
use clap::Args;
use sabha_protocol::{Digest, spec::RunSpec};
use serde::Serialize;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// Arguments of `replay`.
#[derive(Args, Debug)]
#[command(
    after_help = "With --segment a segment is executed again, with --aggregation the aggregation of a round, without either a \
                        whole slot. With --run they start from what the folder of `train` holds, and are compared with it.\n\n\
                        Two machines disagree about a segment: each replays it with --trace, one compares with the other's trace by \
                        --against, both keep the words of the output that is named there with --keep, and one compares them with \
                        --words.\n\n\
                        Example: sabha-worker replay spec.toml --data packed/spanish --segment 3 --trace segment-3.json"
)]
pub struct ReplayArgs {
    /// The run specification, of numerics version 1
    pub spec: PathBuf,
    /// The packed dataset that the run trains on
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The round
    #[arg(long, default_value_t = 0)]
    pub round: u32,
    /// The slot in the round
    #[arg(long, default_value_t = 0)]
    pub slot: u16,
    /// The segment of the slot, from 0
    #[arg(long)]
    pub segment: Option<u32>,
    /// Make the round's updates into its checkpoint again
    #[arg(long, conflicts_with = "segment")]
    pub aggregation: bool,
    /// An update that is aggregated: a file, or a digest in the blob store. Once for each
    #[arg(long = "update", value_name = "FILE|DIGEST", requires = "aggregation")]
    pub updates: Vec<PathBuf>,
    /// The folder of a run of `train`: its checkpoints, its updates, and what it came to
    #[arg(long, value_name = "DIR", conflicts_with_all = ["checkpoint", "blobs", "updates"])]
    pub run: Option<PathBuf>,
    /// The checkpoint that the round starts from: a safetensors file, or a digest in the blob store. Round 0 needs none
    #[arg(long, value_name = "FILE|DIGEST")]
    pub checkpoint: Option<PathBuf>,
    /// The folder of checkpoints and updates, by digest
    #[arg(long, env = "SABHA_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// How much memory the model may take.
    #[command(flatten)]
    pub memory: MemoryArgs,
    /// What to compute on.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// What it should come to: the root at the segment's end, the digest of the slot's update, or the root of the round's checkpoint
    #[arg(long, value_name = "DIGEST")]
    pub expect: Option<Digest>,
    /// Write the trace to this file: the root after each step, and the digest of every output
    #[arg(long, value_name = "FILE", requires = "segment")]
    pub trace: Option<PathBuf>,
    /// Compare with the trace that another machine wrote
    #[arg(long, value_name = "FILE", requires = "segment")]
    pub against: Option<PathBuf>,
    /// Keep the words of one output, of this step of the slot and this instruction, in the file that --words names or a new one
    #[arg(long, value_name = "STEP:INSTRUCTION", value_parser = place, requires = "segment")]
    pub keep: Option<(u32, u32)>,
    /// The file for the words that --keep keeps. If it exists, they are compared with its words instead
    #[arg(long, value_name = "FILE", requires = "keep")]
    pub words: Option<PathBuf>,
}

fn place(text: &str) -> Result<(u32, u32), String> {
    let parts = text
        .split_once(':')
        .and_then(|(step, instruction)| Some((step.parse().ok()?, instruction.parse().ok()?)));
    parts.ok_or_else(|| format!("{text:?} is no place: write STEP:INSTRUCTION, such as 12:345"))
}

/// What a replay found.
#[derive(Debug, Serialize)]
struct Replayed {
    segment: Segment,
    /// What the round starts from, if it is not the specification's own start.
    checkpoint: Option<Digest>,
    start: Digest,
    end: Digest,
    steps: usize,
    diverged: Option<Place>,
    expected: Option<bool>,
    parts: Option<Place>,
    /// What the instruction does at which the traces part, or at which the segment diverged.
    operation: Option<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] for files that cannot be used; [`Exit::Failure`] if the roots or the traces differ.
pub fn run(args: ReplayArgs, context: &Context) -> anyhow::Result<()> {
    let spec = specfile::load(&args.spec, Some(&args.data)).exit(Exit::BadInput)?;
    let at = Segment { round: args.round, slot: args.slot, segment: args.segment.unwrap_or(0) };
    let engines = engine_on(&args.device, context)?;
    let engine = engines.exact();
    check_version(engine, &spec).exit(Exit::BadInput)?;
    check_place(&spec, at)?;
    let source = Source::new(&args, &spec, context)?;
    if args.aggregation {
        return replay_round::aggregation(&args, &spec, &source, context);
    }
    if args.segment.is_none() {
        return replay_round::slot(&args, &spec, &source, context);
    }
    source.memory().admit_replay(&spec).exit(Exit::BadInput)?;
    let stream = Stream::of_spec(&args.data, &spec).exit(Exit::BadInput)?;
    let (checkpoint, digest) = source.parameters(&spec, at.round)?;
    let expect = match args.expect {
        Some(expect) => Some(expect),
        None => source.leaf_after(&spec, at)?,
    };
    let other = args.against.as_deref().map(read_trace).transpose()?;

    let total = u64::from(spec.rounds.segment_steps);
    let mut progress = Progress::new("replaying", Unit::Steps, total, context.global.json);
    let mut done = 0;
    let start = state_at(engine, &spec, &stream, &checkpoint, at, &context.stop)?;
    let keep = Keep { output: args.keep };
    let (trace, words) = trace(engine, &spec, &stream, &start, at, keep, &context.stop, &mut |_| {
        done += 1;
        progress.set(done, String::new);
    })?;
    progress.finish();

    if let Some(path) = &args.trace {
        files::write_atomic(path, &serde_json::to_vec(&trace)?)?;
    }
    let comparison = other.as_ref().map(|other| trace.compare(other, &spec));
    let mut parts = match comparison {
        Some(Comparison::Unrelated) => {
            return Err(failure(Exit::BadInput, "the traces are of different runs or segments".to_string()));
        }
        Some(Comparison::Starts) => {
            let message = "the traces start from different states: compare the segment before".to_string();
            return Err(failure(Exit::BadInput, message));
        }
        Some(Comparison::Broken) => {
            let message = "the other trace is not of a whole segment: steps are missing, or it does not end where it says that it \
                           diverged; have it written again"
                .to_string();
            return Err(failure(Exit::BadInput, message));
        }
        Some(Comparison::Parts(place)) => Some(place),
        Some(Comparison::Same) | None => None,
    };
    let mut text = format!("segment {} of round {}, slot {}\n", at.segment, at.round, at.slot);
    writeln!(text, "start {}\nend   {}", trace.start, trace.end())?;
    if let Some((step, instruction)) = args.keep {
        let Some(words) = words else {
            let message = format!("--keep {step}:{instruction} names no output of the segment");
            return Err(failure(Exit::BadInput, message));
        };
        if let Some(element) = keep_words(&args, &words, &mut text)? {
            parts = Some(Place { step, instruction, element: Some(element) });
        }
    }
    let operation = |place: Place| exact::operation(&spec, place.instruction).unwrap_or("no instruction");
    let expected = expect.map(|expected| expected == trace.end());
    if let Some(place) = trace.diverged {
        writeln!(text, "diverged at {}: {}", describe(place), operation(place))?;
    }
    if let Some(place) = parts {
        writeln!(text, "parts at {}: {}", describe(place), operation(place))?;
    } else if other.is_some() {
        writeln!(text, "the traces are the same")?;
    }
    if expected == Some(false) {
        writeln!(text, "the expected root is another")?;
    }
    let (start, end) = (trace.start, trace.end());
    let steps = trace.steps.iter().filter(|step| step.root.is_some()).count();
    let operation = parts.or(trace.diverged).map(operation);
    let (checkpoint, diverged) = (digest, trace.diverged);
    let found = Replayed { segment: at, checkpoint, start, end, steps, diverged, expected, parts, operation };
    let differs = found.parts.is_some() || expected == Some(false);
    context.print(&found, text)?;
    if differs {
        return Err(failure(Exit::Failure, "the replay came to another result".to_string()));
    }
    Ok(())
}

fn check_place(spec: &RunSpec, at: Segment) -> anyhow::Result<()> {
    let bounds = [
        ("--round", u64::from(at.round), u64::from(spec.rounds.count)),
        ("--slot", u64::from(at.slot), u64::from(spec.rounds.slots)),
        ("--segment", u64::from(at.segment), u64::from(spec.segments())),
    ];
    for (flag, value, count) in bounds {
        if value >= count {
            let message = format!("{flag} is {value}: the specification has {count}, counted from 0");
            return Err(failure(Exit::BadInput, message));
        }
    }
    Ok(())
}

fn read_trace(path: &Path) -> anyhow::Result<Trace> {
    let bytes = files::read(path).exit(Exit::BadInput)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| failure(Exit::BadInput, format!("{} is not a trace: {error}", path.display())))
}

/// Writes the words, or compares them with those that are there: the first element that differs.
fn keep_words(args: &ReplayArgs, words: &[u32], text: &mut String) -> anyhow::Result<Option<u64>> {
    let Some(path) = &args.words else { return Ok(None) };
    if path.exists() {
        let bytes = files::read(path).exit(Exit::BadInput)?;
        let (theirs, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            let message = format!("{} holds {} bytes, not whole words", path.display(), bytes.len());
            return Err(failure(Exit::BadInput, message));
        }
        let theirs: Vec<u32> = theirs.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let found = first_difference(words, &theirs);
        if found.is_none() {
            writeln!(text, "the words are those of {}", path.display())?;
        }
        return Ok(found);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    files::write_atomic(path, &bytes)?;
    writeln!(text, "{} words in {}", words.len(), path.display())?;
    Ok(None)
}

fn describe(place: Place) -> String {
    let Place { step, instruction, element } = place;
    match element {
        Some(element) => format!("step {step}, instruction {instruction}, element {element}"),
        None => format!("step {step}, instruction {instruction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(place("12:345"), Ok((12, 345)));
        for bad in ["", "12", "12:", ":1", "a:b", "1:2:3", "-1:0"] {
            assert!(place(bad).unwrap_err().contains("STEP:INSTRUCTION"), "{bad}");
        }
    }
}

//! `run check`: whether a specification can be run, and what it amounts to.

use super::{
    Context,
    on_chain::{as_text, sbh},
};
use crate::{
    data::{DataError, Stream},
    engine::{
        memory,
        rounds::{checkpoint_bytes, update_bytes},
    },
    error::{Exit, ResultExt},
    specfile,
};
use sabha_protocol::{Balance, Digest, NUMERICS_EXACT, economics, spec::RunSpec};
use serde::Serialize;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Arguments of `run check`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example: sabha-worker run check spec.toml --data packed/spanish")]
pub struct CheckArgs {
    /// The run specification
    pub spec: PathBuf,
    /// The packed dataset to train on: it fills what the specification leaves open in [data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What a specification amounts to.
#[derive(Debug, PartialEq, Serialize)]
struct Report {
    spec_hash: Digest,
    parameters: u64,
    /// Of one update: what each slot uploads.
    update_bytes: u64,
    /// Of one checkpoint: what each slot downloads.
    checkpoint_bytes: u64,
    /// Parameters, gradients and moments.
    state_bytes: u64,
    /// What one step holds besides; of plain candle an estimate.
    activation_bytes: u64,
    /// What a step of the exact engine works in, as it is planned: activations, gradients and tables.
    step_bytes: Option<u64>,
    /// An estimate of the peak: a worker with less lets the run's slots go.
    memory_bytes: u64,
    tokens_per_step: u64,
    tokens_per_slot: u64,
    tokens_in_all: u64,
    /// Tokens of the stream that are trained on.
    stream_tokens: u64,
    /// How often each of them is seen, on average.
    passes: f64,
    rounds: u32,
    slots: u64,
    #[serde(serialize_with = "as_text")]
    cost: Balance,
    warnings: Vec<String>,
}

impl Report {
    fn of(spec: &RunSpec) -> Self {
        let parameters = spec.model.parameter_count();
        let tokens_per_step = u64::from(spec.rounds.batch).saturating_mul(u64::from(spec.model.context));
        let stream_tokens = spec.data.tokens.saturating_sub(spec.data.heldout_tokens);
        let tokens_in_all = spec.training_tokens();
        let passes = tokens_in_all as f64 / stream_tokens.max(1) as f64;
        let exact = spec.numerics_version == NUMERICS_EXACT;
        Self {
            spec_hash: spec.hash(),
            parameters,
            update_bytes: if exact { update_bytes(&spec.model) } else { parameters.saturating_mul(4) },
            checkpoint_bytes: if exact {
                checkpoint_bytes(&spec.model)
            } else {
                parameters.saturating_mul(4)
            },
            state_bytes: spec.state_bytes(),
            activation_bytes: memory::activations(spec),
            step_bytes: exact.then(|| memory::step(spec)),
            memory_bytes: memory::training(spec),
            tokens_per_step,
            tokens_per_slot: tokens_per_step.saturating_mul(u64::from(spec.rounds.inner_steps)),
            tokens_in_all,
            stream_tokens,
            passes,
            rounds: spec.rounds.count,
            slots: u64::from(spec.rounds.count).saturating_mul(u64::from(spec.rounds.slots)),
            cost: spec.cost(),
            warnings: warnings(spec, passes, parameters),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Exit::BadInput`] names the field and what is accepted.
pub fn run(args: CheckArgs, context: &Context) -> anyhow::Result<()> {
    let spec = specfile::load(&args.spec, args.data.as_deref()).exit(Exit::BadInput)?;
    check_stream(&spec, args.data.as_deref()).exit(Exit::BadInput)?;
    let report = Report::of(&spec);
    context.print(&report, text(&report)?)
}

/// Whether the data that was named is the stream of the specification, and the model knows all of it.
pub(super) fn check_stream(spec: &RunSpec, data: Option<&Path>) -> Result<(), DataError> {
    data.map_or(Ok(()), |data| Stream::of_spec(data, spec)?.check_tokens(spec.model.vocabulary))
}

fn warnings(spec: &RunSpec, passes: f64, parameters: u64) -> Vec<String> {
    let mut found = Vec::new();
    if passes > 4.0 {
        found.push(format!(
            "each token of the data is seen {passes:.1} times: beyond about four, more data helps more than more steps"
        ));
    }
    // Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022.
    let tokens = spec.training_tokens();
    if tokens < parameters.saturating_mul(20) {
        found.push(format!(
            "{tokens} tokens are few for {parameters} parameters: about twenty for each is usual, or a smaller model"
        ));
    }
    if u64::from(spec.optimiser.warmup_steps)
        > u64::from(spec.rounds.count).saturating_mul(u64::from(spec.rounds.inner_steps)) / 4
    {
        found.push("optimiser.warmup_steps is more than a quarter of all steps".into());
    }
    if spec.data.heldout_tokens < u64::from(spec.model.context).saturating_mul(16) {
        found.push(
            "data.heldout_tokens has room for fewer than 16 windows: the held-out loss will be rough".into(),
        );
    }
    // A run that asks for no audits says so itself.
    if spec.audit.auditors > 0
        && let Err(error) = economics::check(spec, &economics::Assumptions::default())
    {
        found.push(error.to_string());
    }
    found
}

fn text(report: &Report) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "specification  {}", report.spec_hash)?;
    writeln!(text, "parameters     {}", grouped(report.parameters))?;
    writeln!(
        text,
        "update         {} up for each slot, {} of checkpoint down",
        bytes(report.update_bytes),
        bytes(report.checkpoint_bytes)
    )?;
    writeln!(
        text,
        "memory         {} for parameters, gradients and moments, about {} for activations; about {} at the peak",
        bytes(report.state_bytes),
        bytes(report.activation_bytes),
        bytes(report.memory_bytes)
    )?;
    if let Some(step) = report.step_bytes {
        writeln!(text, "exact step     {} for activations, gradients and tables, as planned", bytes(step))?;
    }
    writeln!(
        text,
        "tokens         {} a step, {} a slot, {} in all",
        grouped(report.tokens_per_step),
        grouped(report.tokens_per_slot),
        grouped(report.tokens_in_all)
    )?;
    writeln!(
        text,
        "data           {} tokens to train on, each seen {:.2} times",
        grouped(report.stream_tokens),
        report.passes
    )?;
    writeln!(
        text,
        "cost           {} for {} slots in {} rounds",
        sbh(report.cost),
        report.slots,
        report.rounds
    )?;
    for warning in &report.warnings {
        writeln!(text, "note: {warning}")?;
    }
    Ok(text)
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(number: u64) -> String {
    indicatif::BinaryBytes(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::{demo_spec, tiny_spec};

    #[test]
    fn the_demo_amounts_to_what_its_comments_say() {
        let spec = demo_spec();
        let report = Report::of(&spec);
        assert_eq!(report.parameters, 824_448);
        assert_eq!(report.update_bytes, update_bytes(&spec.model));
        let ratio = report.update_bytes as f64 / (4.0 * 824_448.0);
        assert!(ratio < 0.255, "{ratio}");
        assert!(report.checkpoint_bytes > 8 * 824_448);
        assert_eq!(report.tokens_per_step, 1_024);
        assert_eq!(report.slots, u64::from(spec.rounds.count));
        // A slot, an auditor and an aggregator each round.
        assert_eq!(sbh(report.cost), "24.4 SBH");
        let text = text(&report).unwrap();
        assert!(text.contains("824,448") && text.contains("SBH for"), "{text}");
        let planned = format!("exact step     {} for activations", bytes(memory::step(&spec)));
        assert!(text.contains(&planned), "{text}");
        assert_eq!(report.step_bytes, Some(report.activation_bytes + 4 * report.parameters));
    }

    #[test]
    fn unwise_values_are_pointed_out() {
        let mut spec = tiny_spec();
        assert_eq!(Report::of(&spec).step_bytes, None, "plain candle plans nothing");
        spec.rounds.inner_steps = 1_000;
        spec.optimiser.warmup_steps = 1_999;
        let warnings = Report::of(&spec).warnings.join("\n");
        for part in ["seen", "warmup_steps", "heldout_tokens"] {
            assert!(warnings.contains(part), "{part} is missing in: {warnings}");
        }
    }

    #[test]
    fn a_stake_too_low_for_its_audits_is_pointed_out() {
        let mut spec = tiny_spec();
        assert!(!Report::of(&spec).warnings.join("\n").contains("stake_per_slot"), "nothing is audited");
        (spec.audit.auditors, spec.audit.segments) = (1, 1);
        let warnings = Report::of(&spec).warnings.join("\n");
        assert!(warnings.contains("stake_per_slot is 0 SBH") && warnings.contains("at least"), "{warnings}");
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}

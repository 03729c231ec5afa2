//! Reading from the chain what a decision needs.

use super::{
    decide::{Duty, View},
    journal::{Basis, Task},
};
use crate::{
    chain::{At, ChainError, Worker},
    keys::AccountId,
};
use sabha_protocol::{Digest, spec::RunSpec};
use std::collections::BTreeMap;

/// Specifications that were read before, by their hash. They never change.
#[derive(Debug, Default)]
pub struct Specs(BTreeMap<Digest, RunSpec>);

/// How many specifications are kept.
const KEPT: usize = 64;

impl Specs {
    /// One that was read before.
    pub fn get(&self, hash: Digest) -> Option<&RunSpec> {
        self.0.get(&hash)
    }

    fn keep(&mut self, hash: Digest, spec: RunSpec) {
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(hash, spec);
    }
}

/// Whether an account speaks for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It does, by the followed block.
    Worker(Box<Worker>),
    /// It does by the best block only: the followed one is older.
    NotYet,
    /// It does not.
    No,
}

/// The worker that `hot_key` speaks for.
///
/// # Errors
/// If the node does not answer, or the runtime differs from what this release knows.
pub async fn worker(followed: &At, best: &At, hot_key: &AccountId) -> Result<Found, ChainError> {
    if let Some(worker) = followed.worker_of(hot_key).await? {
        return Ok(Found::Worker(Box::new(worker)));
    }
    let later = followed.hash() != best.hash() && best.worker_of(hot_key).await?.is_some();
    Ok(if later { Found::NotYet } else { Found::No })
}

/// What a decision needs: the worker and its slot after the followed block, what is due after the best one.
///
/// # Errors
/// If the node does not answer, or the runtime differs from what this release knows.
pub async fn view(
    followed: &At,
    best: &At,
    worker: &Worker,
    pokes: bool,
    specs: &mut Specs,
) -> Result<View, ChainError> {
    let mut due = Vec::new();
    if pokes {
        for run in best.open_runs().await? {
            due.push((run, best.due(run).await?));
        }
    }
    Ok(View {
        block: followed.number(),
        best: best.number(),
        active: followed.active_blocks().await?,
        status: worker.status,
        failed: worker.failed,
        duty: duty(followed, worker, specs).await?,
        due,
    })
}

async fn duty(at: &At, worker: &Worker, specs: &mut Specs) -> Result<Option<Duty>, ChainError> {
    let Some(id) = worker.assigned else { return Ok(None) };
    let (Some(run), Some(slot)) = (at.run(id.run).await?, at.slot(id.run, id.round, id.slot).await?) else {
        return Ok(None);
    };
    if specs.get(run.spec_hash).is_none() {
        let Some(spec) = at.spec(id.run).await? else { return Ok(None) };
        if spec.hash() != run.spec_hash {
            return Err(ChainError::Incompatible {
                what: format!("the specification of run {}", id.run),
                reason: "it does not hash to what the run names".into(),
            });
        }
        specs.keep(run.spec_hash, spec);
    }
    let Some(spec) = specs.get(run.spec_hash) else { return Ok(None) };
    Ok(Some(Duty {
        task: Task { slot: id, generation: slot.generation },
        state: slot.state,
        basis: Basis { spec: run.spec_hash, checkpoint: run.checkpoint },
        numerics_version: spec.numerics_version,
    }))
}

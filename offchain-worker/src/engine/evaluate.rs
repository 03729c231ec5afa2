//! The loss on text that was never trained on.

use super::Inference;
use crate::data::Stream;
use sabha_protocol::spec::RunSpec;

/// The mean loss over up to `windows` windows of the held-out tail, in nats per token.
///
/// # Errors
/// If the tail has no room for a window, the stream cannot be read, or the device fails.
pub fn heldout_loss(
    model: &dyn Inference,
    spec: &RunSpec,
    stream: &Stream,
    windows: u32,
) -> anyhow::Result<f64> {
    let offsets = Stream::heldout_offsets(spec, windows)?;
    let mut sum = 0.0;
    for batch in offsets.chunks((spec.rounds.batch as usize).max(1)) {
        sum += model.loss(&stream.windows(spec, batch)?)? * batch.len() as f64;
    }
    Ok(sum / offsets.len().max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        CandleEngine, Engine, init,
        testing::{text_stream, tiny_spec},
    };

    #[allow(clippy::disallowed_methods)]
    #[test]
    fn an_untrained_model_knows_nothing_and_the_batch_does_not_matter() {
        let (_folder, mut spec, stream) = text_stream(tiny_spec());
        let model = CandleEngine::cpu().load(&spec.model, &init::initial(&spec.model, 1)).unwrap();
        let loss = heldout_loss(model.as_ref(), &spec, &stream, 7).unwrap();
        assert!((loss - f64::from(spec.model.vocabulary).ln()).abs() < 0.05, "{loss}");
        spec.rounds.batch = 3;
        let other = heldout_loss(model.as_ref(), &spec, &stream, 7).unwrap();
        assert!((loss - other).abs() < 1e-5, "{loss} {other}");
    }
}

//! The forward pass, and the program that evaluates a model.

use super::{Emit, Model, Operand, Program, Role, leaf, stream};
use crate::op::{
    Add, Batch, Divide, Embed, InverseRms, Kind, Layout, MAX_READ, Matmul, Norm, Reach, Reduce, Rope,
    RopeTable, Softmax, SwiGlu, TargetLogit, TokenLoss, Transpose,
};
use alloc::{vec, vec::Vec};

/// What the forward and the backward pass share: the builder, the shapes, the parameters.
pub(super) struct Pass<'a, 'b> {
    pub emit: &'a mut Emit<'b>,
    pub model: Model,
    pub samples: u64,
    /// Each parameter's buffer, in order.
    pub parameters: Vec<Operand>,
    pub cosines: Operand,
    pub sines: Operand,
}

/// Tokens and targets, `[samples, context]` each.
pub(super) struct Tokens {
    pub inputs: Operand,
    pub targets: Operand,
}

/// A norm's inputs and output.
#[derive(Clone, Copy)]
pub(super) struct Normed {
    pub x: Operand,
    pub gain: Operand,
    pub inverse: Operand,
    pub y: Operand,
}

/// What the backward pass needs of a layer.
pub(super) struct Layer {
    pub attention: Normed,
    pub query: Operand,
    pub key: Operand,
    pub value: Operand,
    pub weights: Operand,
    pub attended: Operand,
    pub feed_forward: Normed,
    pub gate: Operand,
    pub up: Operand,
    pub gated: Operand,
}

/// What the backward pass needs of the whole.
pub(super) struct Forward {
    pub layers: Vec<Layer>,
    pub last: Normed,
    pub logits: Operand,
    pub maxima: Operand,
    pub sums: Operand,
    pub loss: Operand,
}

impl<'a, 'b> Pass<'a, 'b> {
    pub(super) fn new(emit: &'a mut Emit<'b>, model: Model, samples: u64, parameters: Vec<Operand>) -> Self {
        let half = model.head_width() / 2;
        let table = |sines| RopeTable { context: model.context, half, base: model.rope_base, sines };
        let cosines = emit.emit(table(false), &[]);
        let sines = emit.emit(table(true), &[]);
        Self { emit, model, samples, parameters, cosines, sines }
    }

    /// Rows of the residual stream: samples times positions.
    pub(super) fn rows(&self) -> u64 {
        self.samples * self.model.context
    }

    pub(super) fn parameter(&self, role: Role, layer: u64) -> Operand {
        let none = leaf(usize::MAX, 0);
        self.parameters.get(self.model.index(role, layer)).copied().unwrap_or(none)
    }

    /// A product, chained over blocks of `k`, from accumulators if there are any.
    pub(super) fn product(
        &mut self,
        shape: Matmul,
        a: Operand,
        b: Operand,
        start: Option<Operand>,
    ) -> Operand {
        let mut acc = start;
        let mut from = 0;
        loop {
            let to = shape.k.min(from + MAX_READ);
            let block = Matmul { from, to, accumulate: acc.is_some(), ..shape };
            let output = match acc {
                Some(acc) => self.emit.emit(block, &[a, b, acc]),
                None => self.emit.emit(block, &[a, b]),
            };
            if to >= shape.k {
                return output;
            }
            acc = Some(output);
            from = to;
        }
    }

    /// `[m, k] x [n, k]^T`.
    pub(super) fn linear(&mut self, m: u64, n: u64, k: u64, a: Operand, b: Operand) -> Operand {
        self.product(Matmul::plain(m, n, k), a, b, None)
    }

    /// Reduces rows to one number each; blocks' results are reduced by `again`.
    pub(super) fn reduce(&mut self, first: Reduce, again: Kind, inputs: &[Operand]) -> Operand {
        let mut output = self.emit.emit(first, inputs);
        let mut columns = first.blocks();
        while columns > 1 {
            let next = Reduce { kind: again, rows: first.rows, columns, causal: false };
            output = self.emit.emit(next, &[output]);
            columns = next.blocks();
        }
        output
    }

    fn norm(&mut self, x: Operand, gain: Operand) -> Normed {
        let (rows, columns) = (self.rows(), self.model.width);
        let squares = Reduce { kind: Kind::SumSquares, rows, columns, causal: false };
        let sums = self.reduce(squares, Kind::Sum, &[x]);
        let epsilon = self.model.norm_epsilon;
        let inverse = self.emit.emit(InverseRms { rows, columns: columns as f32, epsilon }, &[sums]);
        let y = self.emit.emit(Norm { rows, columns }, &[x, inverse, gain]);
        Normed { x, gain, inverse, y }
    }

    pub(super) fn rope(&mut self, x: Operand, inverse: bool) -> Operand {
        let Model { heads, context, .. } = self.model;
        let rope = Rope { rows: self.rows(), heads, half: self.model.head_width() / 2, context, inverse };
        self.emit.emit(rope, &[x, self.cosines, self.sines])
    }

    /// A product for each sample and head, from operands whose heads lie side by side.
    pub(super) fn heads(&self, m: u64, n: u64, k: u64, reach: Reach) -> Matmul {
        Matmul {
            samples: self.samples,
            heads: self.model.heads,
            a: Layout::Merged,
            b: Layout::Merged,
            c: Layout::Split,
            reach,
            ..Matmul::plain(m, n, k)
        }
    }

    /// `[samples, context, heads * width] -> [samples, heads, width, context]`.
    pub(super) fn transpose_heads(&mut self, x: Operand) -> Operand {
        let (rows, columns) = (self.model.context, self.model.head_width());
        let (samples, heads) = (self.samples, self.model.heads);
        self.emit.emit(Transpose { samples, heads, rows, columns, input: Layout::Merged }, &[x])
    }

    /// What attention scores are multiplied by: one over the root of a head's width.
    pub(super) fn scale(&self) -> f32 {
        (1.0 / libm::sqrt(self.model.head_width() as f64)) as f32
    }

    fn layer(&mut self, x: Operand, layer: u64) -> (Layer, Operand) {
        let Model { width, feed_forward: ff, context, heads, .. } = self.model;
        let rows = self.rows();
        let of = |pass: &Self, role| pass.parameter(role, layer);

        let attention = self.norm(x, of(self, Role::AttentionNorm));
        let project = |pass: &mut Self, role| {
            let weight = of(pass, role);
            pass.linear(rows, width, width, attention.y, weight)
        };
        let query = project(self, Role::Query);
        let query = self.rope(query, false);
        let key = project(self, Role::Key);
        let key = self.rope(key, false);
        let value = project(self, Role::Value);

        let head = self.model.head_width();
        let scores = self.product(self.heads(context, context, head, Reach::Columns), query, key, None);
        let all = self.samples * heads * context;
        let scale = self.scale();
        let causal = |kind| Reduce { kind, rows: all, columns: context, causal: true };
        let maxima = self.reduce(causal(Kind::Max), Kind::Max, &[scores]);
        let sums = self.reduce(causal(Kind::SumExp { scale }), Kind::Sum, &[scores, maxima]);
        let weights = self.emit.emit(Softmax { rows: all, columns: context, scale }, &[scores, maxima, sums]);
        let values = self.transpose_heads(value);
        let attend = Matmul {
            a: Layout::Split,
            b: Layout::Split,
            c: Layout::Merged,
            ..self.heads(context, head, context, Reach::UpTo)
        };
        let attended = self.product(attend, weights, values, None);
        let output = of(self, Role::Output);
        let output = self.linear(rows, width, width, attended, output);
        let middle = self.emit.emit(Add { size: rows * width }, &[x, output]);

        let feed_forward = self.norm(middle, of(self, Role::FeedForwardNorm));
        let gate_weight = of(self, Role::Gate);
        let gate = self.linear(rows, ff, width, feed_forward.y, gate_weight);
        let up_weight = of(self, Role::Up);
        let up = self.linear(rows, ff, width, feed_forward.y, up_weight);
        let gated = self.emit.emit(SwiGlu { size: rows * ff }, &[gate, up]);
        let down = of(self, Role::Down);
        let down = self.linear(rows, width, ff, gated, down);
        let out = self.emit.emit(Add { size: rows * width }, &[middle, down]);
        (Layer { attention, query, key, value, weights, attended, feed_forward, gate, up, gated }, out)
    }

    /// From tokens to the mean loss.
    pub(super) fn forward(&mut self, tokens: &Tokens) -> Forward {
        let Model { vocabulary, width, .. } = self.model;
        let rows = self.rows();
        let table = self.parameter(Role::Embedding, 0);
        let mut x = self.emit.emit(Embed { vocabulary, width, rows }, &[table, tokens.inputs]);
        // Room at once: engines go through the program with every step.
        let mut layers = Vec::with_capacity(usize::try_from(self.model.layers).unwrap_or(0));
        for layer in 0..self.model.layers {
            let (saved, out) = self.layer(x, layer);
            layers.push(saved);
            x = out;
        }
        let last = self.norm(x, self.parameter(Role::FinalNorm, 0));
        let head = self.parameter(Role::Head, 0);
        let logits = self.linear(rows, vocabulary, width, last.y, head);

        let whole = |kind| Reduce { kind, rows, columns: vocabulary, causal: false };
        let maxima = self.reduce(whole(Kind::Max), Kind::Max, &[logits]);
        let sums = self.reduce(whole(Kind::SumExp { scale: 1.0 }), Kind::Sum, &[logits, maxima]);
        let chosen = self.emit.emit(TargetLogit { rows, vocabulary }, &[logits, tokens.targets]);
        let losses = self.emit.emit(TokenLoss { rows }, &[sums, chosen, maxima]);
        let sum = self.sum(losses);
        let loss = self.emit.emit(Divide { size: 1, by: rows as f32 }, &[sum]);
        Forward { layers, last, logits, maxima, sums, loss }
    }

    /// The sum of a whole buffer.
    pub(super) fn sum(&mut self, x: Operand) -> Operand {
        self.reduce(Reduce { kind: Kind::Sum, rows: 1, columns: x.len, causal: false }, Kind::Sum, &[x])
    }
}

/// The tokens and targets of samples that begin at `offsets`.
pub(super) fn tokens(emit: &mut Emit<'_>, model: &Model, stream_len: u64, offsets: &[u64]) -> Tokens {
    let mut batch = |shift: u64| {
        let offsets = offsets.iter().map(|offset| offset.saturating_add(shift)).collect();
        let (context, vocabulary) = (model.context, model.vocabulary);
        emit.emit(Batch { context, vocabulary, stream: stream_len, offsets }, &[stream(stream_len)])
    };
    Tokens { inputs: batch(0), targets: batch(1) }
}

/// The mean loss of a model on the windows that begin at `offsets`.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluateProgram {
    /// The model.
    pub model: Model,
    /// Tokens in the stream.
    pub stream: u64,
    /// Where each window begins.
    pub offsets: Vec<u64>,
}

impl Program for EvaluateProgram {
    fn leaves(&self) -> Vec<u64> {
        self.model.parameters().map(|parameter| parameter.elements()).collect()
    }

    fn build(&self, emit: &mut Emit<'_>) -> Vec<Operand> {
        let parameters = self.leaves().into_iter().enumerate().map(|(index, len)| leaf(index, len)).collect();
        let tokens = tokens(emit, &self.model, self.stream, &self.offsets);
        let mut pass = Pass::new(emit, self.model, self.offsets.len() as u64, parameters);
        vec![pass.forward(&tokens).loss]
    }
}

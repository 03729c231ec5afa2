//! The backward pass: the gradient of every parameter.

use super::{
    Model, Operand, Role,
    forward::{Forward, Layer, Normed, Pass, Tokens},
    leaf,
};
use crate::op::{
    Add, CrossEntropyGrad, EmbedGrad, Kind, Layout, MAX_READ, Matmul, NormCoefficient, NormGainTerm,
    NormGrad, Reach, Reduce, SoftmaxGrad, SwiGluGradGate, SwiGluGradUp, Transpose,
};
use alloc::{vec, vec::Vec};

/// The gradients as they become known, by parameter.
struct Gradients(Vec<Operand>);

impl Pass<'_, '_> {
    fn transpose(&mut self, x: Operand, rows: u64, columns: u64) -> Operand {
        self.emit.emit(Transpose::plain(rows, columns), &[x])
    }

    /// The gradient of a projection's weight `[n, k]`: `dy^T [n, rows]` times `x^T [k, rows]`.
    fn weight_gradient(&mut self, n: u64, k: u64, dy: Operand, x: Operand) -> Operand {
        let rows = self.rows();
        let dy = self.transpose(dy, rows, n);
        let x = self.transpose(x, rows, k);
        self.linear(n, k, rows, dy, x)
    }

    /// The gradient of a projection's input: `dy [rows, n]` times the weight `[n, k]` transposed, added to `start` if there is one.
    fn input_gradient(
        &mut self,
        n: u64,
        k: u64,
        dy: Operand,
        weight: Operand,
        start: Option<Operand>,
    ) -> Operand {
        let weight = self.transpose(weight, n, k);
        self.product(Matmul::plain(self.rows(), k, n), dy, weight, start)
    }

    /// The gradients of a norm's input and gain.
    fn norm_gradient(&mut self, dy: Operand, normed: Normed) -> (Operand, Operand) {
        let (rows, columns) = (self.rows(), self.model.width);
        let Normed { x, gain, inverse, .. } = normed;
        let dot = Reduce { kind: Kind::GainDot, rows, columns, causal: false };
        let dot = self.reduce(dot, Kind::Sum, &[dy, x, gain]);
        let coefficient = NormCoefficient { rows, columns: columns as f32 };
        let coefficient = self.emit.emit(coefficient, &[dot, inverse]);
        let dx = self.emit.emit(NormGrad { rows, columns }, &[dy, x, gain, inverse, coefficient]);
        let terms = self.emit.emit(NormGainTerm { rows, columns }, &[dy, x, inverse]);
        let terms = self.transpose(terms, rows, columns);
        let sums = Reduce { kind: Kind::Sum, rows: columns, columns: rows, causal: false };
        (dx, self.reduce(sums, Kind::Sum, &[terms]))
    }

    /// The gradients of queries, keys and values (before rotation), from that of attention's output.
    fn attention_gradient(&mut self, layer: &Layer, attended: Operand) -> [Operand; 3] {
        let Model { context, heads, .. } = self.model;
        let (head, samples) = (self.model.head_width(), self.samples);
        let rows = samples * heads * context;
        let scores = self.heads(context, context, head, Reach::Columns);
        let dp = self.product(scores, attended, layer.value, None);

        let square = Transpose { samples, heads, rows: context, columns: context, input: Layout::Split };
        let back = Matmul {
            a: Layout::Split,
            b: Layout::Split,
            c: Layout::Merged,
            ..self.heads(context, head, context, Reach::From)
        };
        let weights = self.emit.emit(square, &[layer.weights]);
        let attended = self.transpose_heads(attended);
        let dv = self.product(back, weights, attended, None);

        let dot = Reduce { kind: Kind::Dot, rows, columns: context, causal: true };
        let dot = self.reduce(dot, Kind::Sum, &[layer.weights, dp]);
        let scale = self.scale();
        let ds = self.emit.emit(SoftmaxGrad { rows, columns: context, scale }, &[layer.weights, dp, dot]);
        let key = self.transpose_heads(layer.key);
        let dq = self.product(Matmul { reach: Reach::UpTo, ..back }, ds, key, None);
        let ds = self.emit.emit(square, &[ds]);
        let query = self.transpose_heads(layer.query);
        let dk = self.product(back, ds, query, None);
        [self.rope(dq, true), self.rope(dk, true), dv]
    }

    /// From the gradient of a layer's output to that of its input.
    fn layer_gradient(
        &mut self,
        index: u64,
        layer: &Layer,
        dx: Operand,
        gradients: &mut Gradients,
    ) -> Operand {
        let Model { width, feed_forward: ff, .. } = self.model;
        let size = self.rows() * width;
        let model = self.model;
        let mut found = |role, gradient| gradients.set(&model, role, index, gradient);

        found(Role::Down, self.weight_gradient(width, ff, dx, layer.gated));
        let dh = self.input_gradient(width, ff, dx, self.parameter(Role::Down, index), None);
        let gate = SwiGluGradGate { size: self.rows() * ff };
        let dgate = self.emit.emit(gate, &[dh, layer.gate, layer.up]);
        let dup = self.emit.emit(SwiGluGradUp { size: self.rows() * ff }, &[dh, layer.gate]);
        found(Role::Gate, self.weight_gradient(ff, width, dgate, layer.feed_forward.y));
        found(Role::Up, self.weight_gradient(ff, width, dup, layer.feed_forward.y));
        let dn = self.input_gradient(ff, width, dgate, self.parameter(Role::Gate, index), None);
        let dn = self.input_gradient(ff, width, dup, self.parameter(Role::Up, index), Some(dn));
        let (dn, gain) = self.norm_gradient(dn, layer.feed_forward);
        found(Role::FeedForwardNorm, gain);
        let dx = self.emit.emit(Add { size }, &[dx, dn]);

        found(Role::Output, self.weight_gradient(width, width, dx, layer.attended));
        let attended = self.input_gradient(width, width, dx, self.parameter(Role::Output, index), None);
        let parts = self.attention_gradient(layer, attended);
        let mut dn = None;
        for (role, part) in [Role::Query, Role::Key, Role::Value].into_iter().zip(parts) {
            found(role, self.weight_gradient(width, width, part, layer.attention.y));
            dn = Some(self.input_gradient(width, width, part, self.parameter(role, index), dn));
        }
        let dn = dn.unwrap_or(dx);
        let (dn, gain) = self.norm_gradient(dn, layer.attention);
        found(Role::AttentionNorm, gain);
        self.emit.emit(Add { size }, &[dx, dn])
    }

    /// The gradient of every parameter, in order.
    pub(super) fn backward(&mut self, forward: &Forward, tokens: &Tokens) -> Vec<Operand> {
        let model = self.model;
        let Model { vocabulary, width, .. } = model;
        let rows = self.rows();
        // Each is set: a test walks every parameter's.
        let mut gradients = Gradients(vec![leaf(usize::MAX, 0); self.parameters.len()]);

        let weight = 1.0 / rows as f32;
        let Forward { logits, maxima, sums, .. } = *forward;
        let dlogits = CrossEntropyGrad { rows, vocabulary, weight };
        let dlogits = self.emit.emit(dlogits, &[logits, maxima, sums, tokens.targets]);
        let head = self.weight_gradient(vocabulary, width, dlogits, forward.last.y);
        gradients.set(&model, Role::Head, 0, head);
        let dn = self.input_gradient(vocabulary, width, dlogits, self.parameter(Role::Head, 0), None);
        let (mut dx, gain) = self.norm_gradient(dn, forward.last);
        gradients.set(&model, Role::FinalNorm, 0, gain);
        for (index, layer) in forward.layers.iter().enumerate().rev() {
            dx = self.layer_gradient(index as u64, layer, dx, &mut gradients);
        }

        // A tied embedding has the projection's gradient already: the positions' are added to it.
        let mut acc = if model.tied_embedding { Some(head) } else { None };
        let dx = self.transpose(dx, rows, width);
        let mut from = 0;
        while from < rows {
            let to = rows.min(from + MAX_READ);
            let grad = EmbedGrad { vocabulary, width, rows, from, to, accumulate: acc.is_some() };
            acc = Some(match acc {
                Some(acc) => self.emit.emit(grad, &[dx, tokens.inputs, acc]),
                None => self.emit.emit(grad, &[dx, tokens.inputs]),
            });
            from = to;
        }
        gradients.set(&model, Role::Embedding, 0, acc.unwrap_or(head));
        gradients.0
    }
}

impl Gradients {
    fn set(&mut self, model: &Model, role: Role, layer: u64, gradient: Operand) {
        if let Some(place) = self.0.get_mut(model.index(role, layer)) {
            *place = gradient;
        }
    }
}

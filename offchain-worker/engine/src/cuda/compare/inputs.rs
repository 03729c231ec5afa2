//! Made-up inputs of operations.

use sabha_numerics::op::{CrossEntropyGrad, Definition, Embed, EmbedGrad, Op, TargetLogit};

/// A generator of numbers and words: SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.word() % n.max(1)
    }

    /// Mostly of the size that training has; some zeros of both signs, subnormals and large ones.
    pub(crate) fn float(&mut self, wild: bool) -> f32 {
        let value = (self.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0) * 2.0;
        match self.below(64) {
            0 => 0.0,
            1 => -0.0,
            2 => f32::from_bits(self.below(1 << 23) as u32),
            3 => -f32::MIN_POSITIVE * value,
            4 if wild => value * 1e18,
            5 if wild => value * 1e-18,
            6 if wild => value * 90.0,
            _ => value,
        }
    }
}

/// What input `index` of an operation holds, of `len` words.
pub(crate) fn input(random: &mut Random, op: &Op, index: usize, len: u64) -> Vec<u32> {
    let tokens = match (op, index) {
        (Op::Embed(Embed { vocabulary, .. }), 1)
        | (Op::EmbedGrad(EmbedGrad { vocabulary, .. }), 1)
        | (Op::TargetLogit(TargetLogit { vocabulary, .. }), 1)
        | (Op::CrossEntropyGrad(CrossEntropyGrad { vocabulary, .. }), 3) => Some(*vocabulary),
        _ => None,
    };
    let wild = matches!(op, Op::Matmul(_) | Op::Add(_) | Op::Reduce(_) | Op::SwiGlu(_) | Op::Exponents(_));
    (0..len)
        .map(|_| match (op, index, tokens) {
            (.., Some(vocabulary)) => random.below(vocabulary) as u32,
            (Op::Codes(_), 2, _) | (Op::Decode(_) | Op::AddUpdate(_), 1, _) => {
                random.below(50).wrapping_sub(43) as u32
            }
            (Op::Decode(_) | Op::AddUpdate(_), 0, _) => random.word() as u32,
            (Op::AddUpdate(_), 2, _) => random.below(70) as u32,
            (Op::AddUpdate(_), 3, _) | (Op::FromGrid(_), ..) => random.word() as u32,
            // Sums of exponentials and of squares are positive.
            (Op::TokenLoss(_), 0, _)
            | (Op::Softmax(_) | Op::CrossEntropyGrad(_), 2, _)
            | (Op::Moment2(_), 0, _)
            | (Op::Weights(_), 2, _)
            | (Op::InverseRms(_) | Op::ClipFactor(_) | Op::NormCap(_), 0, _) => {
                (random.float(false).abs() + 1e-3).to_bits()
            }
            _ => random.float(wild).to_bits(),
        })
        .collect()
}

/// What all inputs of an operation hold.
pub(crate) fn of(op: &Op, random: &mut Random) -> Vec<Vec<u32>> {
    op.inputs().iter().enumerate().map(|(index, len)| input(random, op, index, *len)).collect()
}

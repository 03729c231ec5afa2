//! The shape of a decoder and the order of its parameters.

/// A Llama-style decoder: RMSNorm, rotary positions, causal attention, SwiGLU, no biases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// Tokens in the vocabulary.
    pub vocabulary: u64,
    /// Width of the residual stream.
    pub width: u64,
    /// Number of layers.
    pub layers: u64,
    /// Attention heads; divides `width`, into heads of an even width.
    pub heads: u64,
    /// Width of the feed-forward layers.
    pub feed_forward: u64,
    /// Tokens of a sample.
    pub context: u64,
    /// Base of the rotary positions.
    pub rope_base: f32,
    /// Added to the mean square in norms.
    pub norm_epsilon: f32,
    /// Whether the output projection is the embedding itself.
    pub tied_embedding: bool,
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The embedding.
    Embedding,
    /// Gain of the norm before attention.
    AttentionNorm,
    /// Projection to queries.
    Query,
    /// Projection to keys.
    Key,
    /// Projection to values.
    Value,
    /// Projection of attention's output.
    Output,
    /// Gain of the norm before the feed-forward part.
    FeedForwardNorm,
    /// Projection to gates.
    Gate,
    /// Projection to what is gated.
    Up,
    /// Projection of the feed-forward part's output.
    Down,
    /// Gain of the last norm.
    FinalNorm,
    /// Projection to logits.
    Head,
}

/// One parameter: a matrix `[rows, columns]`, or a gain (one row).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is.
    pub role: Role,
    /// Its layer; 0 for those outside of layers.
    pub layer: u64,
    /// Outputs of a matrix; 1 for a gain.
    pub rows: u64,
    /// Inputs of a matrix; elements of a gain.
    pub columns: u64,
}

impl Parameter {
    /// Elements.
    pub fn elements(&self) -> u64 {
        self.rows.saturating_mul(self.columns)
    }

    /// Whether it is a matrix: those decay and are drawn, gains are not.
    pub fn is_matrix(&self) -> bool {
        !matches!(self.role, Role::AttentionNorm | Role::FeedForwardNorm | Role::FinalNorm)
    }

    /// Whether it projects into the residual stream.
    pub fn is_residual(&self) -> bool {
        matches!(self.role, Role::Output | Role::Down)
    }
}

/// Parameters of one layer, in order.
const LAYER: [Role; 9] = [
    Role::AttentionNorm,
    Role::Query,
    Role::Key,
    Role::Value,
    Role::Output,
    Role::FeedForwardNorm,
    Role::Gate,
    Role::Up,
    Role::Down,
];

impl Model {
    /// Width of a head; 0 if there are no heads.
    pub fn head_width(&self) -> u64 {
        self.width.checked_div(self.heads).unwrap_or(0)
    }

    /// The number of parameters: tensors, not elements.
    pub fn parameter_count(&self) -> u64 {
        self.layers.saturating_mul(LAYER.len() as u64).saturating_add(if self.tied_embedding { 2 } else { 3 })
    }

    /// Parameter `index`, in the order that checkpoints and states use.
    pub fn parameter(&self, index: u64) -> Option<Parameter> {
        let in_layers = self.layers.saturating_mul(LAYER.len() as u64);
        let (role, layer) = if index == 0 {
            (Role::Embedding, 0)
        } else if index <= in_layers {
            let place = index - 1;
            let role = LAYER.get(usize::try_from(place % LAYER.len() as u64).ok()?)?;
            (*role, place / LAYER.len() as u64)
        } else if index == in_layers + 1 {
            (Role::FinalNorm, 0)
        } else if index == in_layers + 2 && !self.tied_embedding {
            (Role::Head, 0)
        } else {
            return None;
        };
        let (rows, columns) = self.shape(role);
        Some(Parameter { role, layer, rows, columns })
    }

    /// All parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> + '_ {
        (0..self.parameter_count()).filter_map(|index| self.parameter(index))
    }

    fn shape(&self, role: Role) -> (u64, u64) {
        match role {
            Role::Embedding | Role::Head => (self.vocabulary, self.width),
            Role::AttentionNorm | Role::FeedForwardNorm | Role::FinalNorm => (1, self.width),
            Role::Query | Role::Key | Role::Value | Role::Output => (self.width, self.width),
            Role::Gate | Role::Up => (self.feed_forward, self.width),
            Role::Down => (self.width, self.feed_forward),
        }
    }

    /// The index of a parameter.
    pub(crate) fn index(&self, role: Role, layer: u64) -> usize {
        let in_layers = self.layers * LAYER.len() as u64;
        let index = match role {
            Role::Embedding => 0,
            Role::FinalNorm => in_layers + 1,
            Role::Head if self.tied_embedding => 0,
            Role::Head => in_layers + 2,
            other => {
                let place = LAYER.iter().position(|role| *role == other).unwrap_or(0) as u64;
                1 + layer * LAYER.len() as u64 + place
            }
        };
        usize::try_from(index).unwrap_or(usize::MAX)
    }
}

"""The model in PyTorch: the peer that the engines are measured against, and the reference for their gradients.

A Llama-style decoder as `LlamaForCausalLM` in `transformers`: RMSNorm, rotary positions in halves, causal attention, SwiGLU,
no biases, optional tied embedding. Parameters have the names, shapes and order of `ModelSpec::parameters` in
primitives/protocol/src/spec/model.rs. Any floating dtype; written for speed in eager mode, where what pays was measured.
"""

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn


@dataclasses.dataclass(frozen=True)
class Shape:
    """As `ModelSpec`. The two real numbers are those that an `f32` holds."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    context: int
    rope_base: float = 10000.0
    norm_epsilon: float = float(torch.tensor(1e-5, dtype=torch.float32))
    tied_embedding: bool = False

    def __post_init__(self):
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads do not divide width {self.width} into heads of an even width")

    @property
    def head_width(self):
        return self.width // self.heads

    def parameters(self):
        """[(name, shape)] in the order that checkpoints, states and vectors use."""
        width, ff = self.width, self.feed_forward
        found = [("model.embed_tokens.weight", (self.vocabulary, width))]
        for layer in range(self.layers):
            of = f"model.layers.{layer}.{{}}.weight".format
            found.append((of("input_layernorm"), (width,)))
            found += [(of(f"self_attn.{part}_proj"), (width, width)) for part in "qkvo"]
            found.append((of("post_attention_layernorm"), (width,)))
            found += [(of(f"mlp.{part}_proj"), (ff, width)) for part in ("gate", "up")]
            found.append((of("mlp.down_proj"), (width, ff)))
        found.append(("model.norm.weight", (width,)))
        if not self.tied_embedding:
            found.append(("lm_head.weight", (self.vocabulary, width)))
        return found


def linear(inputs, outputs):
    # No initial values: they come from elsewhere, always.
    return nn.utils.skip_init(nn.Linear, inputs, outputs, bias=False)


class Norm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * gain (Zhang and Sennrich, 2019)."""

    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self.epsilon = shape.norm_epsilon

    def forward(self, x):
        return F.rms_norm(x, self.weight.shape, self.weight, self.epsilon)


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads = shape.heads
        self.q_proj = linear(shape.width, shape.width)
        self.k_proj = linear(shape.width, shape.width)
        self.v_proj = linear(shape.width, shape.width)
        self.o_proj = linear(shape.width, shape.width)

    def forward(self, x, cosines, sines):
        batch, length, width = x.shape

        def heads(y):
            return y.view(batch, length, self.heads, -1).transpose(1, 2)

        query, key = (rotate(heads(project(x)), cosines, sines) for project in (self.q_proj, self.k_proj))
        attended = F.scaled_dot_product_attention(query, key, heads(self.v_proj(x)), is_causal=True)
        return self.o_proj(attended.transpose(1, 2).reshape(batch, length, width))


def rotate(x, cosines, sines):
    """Rotary positions (Su et al., 2021), the first half of a head against the second."""
    first, second = x.chunk(2, dim=-1)
    return x * cosines + torch.cat((-second, first), dim=-1) * sines


class FeedForward(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = linear(shape.width, shape.feed_forward)
        self.up_proj = linear(shape.width, shape.feed_forward)
        self.down_proj = linear(shape.feed_forward, shape.width)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.input_layernorm = Norm(shape)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = Norm(shape)
        self.mlp = FeedForward(shape)

    def forward(self, x, cosines, sines):
        x = x + self.self_attn(self.input_layernorm(x), cosines, sines)
        return x + self.mlp(self.post_attention_layernorm(x))


class Stack(nn.Module):
    """Everything below the output projection."""

    def __init__(self, shape):
        super().__init__()
        self.embed_tokens = nn.utils.skip_init(nn.Embedding, shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape)
        half = shape.head_width // 2
        frequencies = shape.rope_base ** -(torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(shape.context, dtype=torch.float64)[:, None] * frequencies
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cosines", angles.cos(), persistent=False)
        self.register_buffer("sines", angles.sin(), persistent=False)

    def forward(self, tokens):
        length = tokens.shape[1]
        cosines, sines = self.cosines[:length], self.sines[:length]
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, cosines, sines)
        return self.norm(x)


class Decoder(nn.Module):
    def __init__(self, shape, dtype=torch.float32):
        super().__init__()
        self.shape = shape
        self.model = Stack(shape)
        if not shape.tied_embedding:
            self.lm_head = linear(shape.width, shape.vocabulary)
        self.to(dtype)
        if [(name, tuple(p.shape)) for name, p in self.named_parameters()] != shape.parameters():
            raise AssertionError("the modules are not in the order of the specification")

    def forward(self, tokens):
        """[samples, length] of tokens -> [samples, length, vocabulary] of logits."""
        head = self.model.embed_tokens if self.shape.tied_embedding else self.lm_head
        return F.linear(self.model(tokens), head.weight)

    def loss(self, tokens, targets):
        """The mean cross-entropy over all targets, in nats per token."""
        return F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())

    @torch.no_grad()
    def load(self, values):
        """Sets the parameters, given as tensors in the specification's order."""
        for parameter, value in zip(self.parameters(), values, strict=True):
            parameter.copy_(value.view(parameter.shape))
        return self

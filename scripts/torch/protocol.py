"""What a training run's result depends on besides arithmetic, as the Rust sources define it: specification files, the order of
the data, initial parameters, learning rates, roots.

| here | there |
|---|---|
| `Run` | `RunSpec` in primitives/protocol/src/spec |
| `Run.window_offset` | primitives/protocol/src/data.rs |
| `Run.rate` | primitives/numerics/src/schedule.rs |
| `initial_parameters` | offchain-worker/src/engine/init.rs |
| `state_root` | primitives/numerics/src/digest.rs |

`protocol.py` run by itself repeats those sources' golden tests.
"""

import json
import math
import os
import re
import sys
import tomllib

sys.dont_write_bytecode = True
import blake3
import numpy as np

from model import Shape


def f32(value):
    """What an `f32` holds of `value`, in double precision."""
    return float(np.float32(value))


def keyed(context, *parts):
    hasher = blake3.blake3(derive_key_context=context)
    for part in parts:
        hasher.update(part)
    return hasher


# ---- specifications -------------------------------------------------------------------------------------------------


class Run:
    """A specification file, with what its [data] leaves open taken from a dataset's manifest.json, if there is one."""

    def __init__(self, tables):
        # Fields that are missing show up as KeyError, which names them: `run check` is what explains mistakes to people.
        model = dict(tables["model"])
        for real in ("rope_base", "norm_epsilon"):
            model[real] = f32(model[real])
        self.shape = Shape(**{"vocabulary": 0, **model})
        self.seed = tables["seed"]
        self.optimiser = {k: f32(v) if isinstance(v, float) else v for k, v in tables["optimiser"].items()}
        self.rounds = tables["rounds"]
        self.data = tables["data"]
        for field in ("tokens", "token_bytes", "heldout_tokens"):
            if field not in self.data:
                raise SystemExit(f"data.{field} is not given: pass the dataset's folder, or write it into the specification")

    @classmethod
    def read(cls, path, dataset=None):
        with open(path, "rb") as file:
            tables = tomllib.load(file)
        data = dict(tables.get("data", {}))
        if dataset is not None:
            with open(os.path.join(dataset, "manifest.json")) as file:
                manifest = json.load(file)
            for field in ("stream", "tokens", "token_bytes", "heldout_tokens"):
                data.setdefault(field, manifest[field])
        return cls({**tables, "data": data})

    @property
    def steps(self):
        return self.rounds["count"] * self.rounds["inner_steps"]

    def window_offset(self, round, slot, step, sample):
        """The first token of the window that a sample reads."""
        windows = self.data["tokens"] - self.data["heldout_tokens"] - self.shape.context
        if windows <= 0:
            raise ValueError("the stream has no room for a window of model.context + 1 tokens")
        place = [(self.seed, 8), (round, 4), (slot, 2), (step, 4), (sample, 4)]
        hasher = keyed("sabha 2026 data order v1", *(number.to_bytes(size, "little") for number, size in place))
        return int.from_bytes(hasher.digest(8), "little") * windows >> 64

    def rate(self, step):
        """The learning rate of a step, counted over the whole run. Python's cosine may differ from Rust's in the last bit."""
        o, inner_steps = self.optimiser, self.rounds["inner_steps"]
        warmup, peak, floor = o["warmup_steps"], o["peak_rate"], o["floor_rate"]
        if step < warmup:
            base = peak * (step + 1) / warmup
        else:
            span = max(self.steps - warmup - 1, 1)
            base = floor + (peak - floor) * 0.5 * (1.0 + math.cos(math.pi * min((step - warmup) / span, 1.0)))
        inner = step % inner_steps
        damped = inner < o["inner_warmup_steps"]
        return f32(base * ((inner + 1) / (o["inner_warmup_steps"] + 1.0) if damped else 1.0))


class Stream:
    """A token stream: a dataset's folder, or its stream.bin."""

    def __init__(self, path, run):
        path = os.path.join(path, "stream.bin") if os.path.isdir(path) else path
        self.run = run
        self.tokens = np.fromfile(path, dtype={1: "<u1", 2: "<u2", 4: "<u4"}[run.data["token_bytes"]])
        if len(self.tokens) != run.data["tokens"]:
            raise ValueError(f"{path} has {len(self.tokens)} tokens, the specification says {run.data['tokens']}")
        if "stream" in run.data and blake3.blake3(self.tokens.tobytes()).hexdigest() != run.data["stream"]:
            raise ValueError(f"{path} is not the stream that the specification names")

    def windows(self, offsets):
        """[samples, context + 1] of tokens."""
        length = self.run.shape.context + 1
        return np.stack([self.tokens[offset : offset + length] for offset in offsets]).astype(np.int64)

    def training_batch(self, round, slot, step):
        samples = range(self.run.rounds["batch"])
        return self.windows([self.run.window_offset(round, slot, step, sample) for sample in samples])

    def heldout_offsets(self, count):
        """Where up to `count` windows begin that are spread evenly over the held-out tail."""
        heldout, window = self.run.data["heldout_tokens"], self.run.shape.context + 1
        start, last = self.run.data["tokens"] - heldout, heldout - window
        count = max(min(max(count, 1), heldout // window), 1)
        return [start + last * index // max(count - 1, 1) for index in range(count)]


# ---- initial parameters ---------------------------------------------------------------------------------------------


def chacha20_words(key, stream, count):
    """The first `count` words of a ChaCha20 stream: block counter 0 of 64 bits, then the stream's number of 64 bits."""
    blocks = -(-count // 16)
    counter = np.arange(blocks, dtype=np.uint64)
    fixed = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574, *np.frombuffer(key, "<u4").tolist()]
    state = [np.full(blocks, word, dtype=np.uint32) for word in fixed]
    state += [counter.astype(np.uint32), (counter >> np.uint64(32)).astype(np.uint32)]
    state += [np.full(blocks, stream >> shift & 0xFFFF_FFFF, dtype=np.uint32) for shift in (0, 32)]
    x = [word.copy() for word in state]

    def quarter(a, b, c, d):
        for target, other, rotated, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[target] += x[other]
            x[rotated] ^= x[target]
            x[rotated] = (x[rotated] << np.uint32(by)) | (x[rotated] >> np.uint32(32 - by))

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for diagonal in range(4):
            quarter(diagonal, (diagonal + 1) % 4 + 4, (diagonal + 2) % 4 + 8, (diagonal + 3) % 4 + 12)
    return np.stack([a + b for a, b in zip(x, state)], axis=1).reshape(-1)[:count]


def initial_parameters(shape, seed):
    """The parameters that a run starts from: flat arrays of f32 in the specification's order."""
    key = keyed("sabha 2026 initial parameters v0", seed.to_bytes(8, "little")).digest()
    found = []
    for index, (name, dimensions) in enumerate(shape.parameters()):
        elements = math.prod(dimensions)
        if len(dimensions) == 1:
            found.append(np.ones(elements, dtype=np.float32))
            continue
        residual = name.endswith(("o_proj.weight", "down_proj.weight"))
        deviation = 0.02 / math.sqrt(shape.layers * 2) if residual else 0.02
        words = chacha20_words(key, index, elements * 6).reshape(elements, 6)
        sums = ((words & 0xFFFF) + (words >> 16)).sum(axis=1, dtype=np.uint32)
        normal = (sums.astype(np.float64) - 12.0 * 32_767.5) / 65_536.0
        found.append((normal * deviation).astype(np.float32))
    return found


# ---- roots ----------------------------------------------------------------------------------------------------------


def state_root(buffers):
    """The root over a list of arrays of f32, as text."""
    digests = [blake3.blake3(np.ascontiguousarray(buffer, dtype="<f4").tobytes()).digest() for buffer in buffers]
    level = [keyed("sabha 2026 state leaf v1", i.to_bytes(4, "little"), d).digest() for i, d in enumerate(digests)]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [keyed("sabha 2026 tree node v1", *pair).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex()


# ---- golden values --------------------------------------------------------------------------------------------------


def golden(path, name):
    """A constant or literal of a Rust source, by the expression that captures it."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    with open(os.path.join(root, path)) as file:
        found = re.search(name, file.read())
    if not found:
        raise SystemExit(f"{path} no longer holds {name}")
    return found[1]


def check():
    numbers = lambda text: [int(part) for part in text.replace("_", "").split(",") if part.strip()]
    tables = {
        "seed": 7,
        "model": dict(vocabulary=256, width=8, layers=1, heads=4, feed_forward=8, context=128, rope_base=1e4, norm_epsilon=1e-5,
                      tied_embedding=True),
        "optimiser": dict(peak_rate=3e-3, floor_rate=3e-4, warmup_steps=10, inner_warmup_steps=2),
        "data": dict(tokens=3_900_000, heldout_tokens=65_536, token_bytes=1),
        "rounds": dict(count=5, inner_steps=20, batch=4),
    }
    run = Run(tables)
    root = state_root(initial_parameters(run.shape, 7))
    assert root == golden("offchain-worker/src/engine/init.rs", r'const GOLDEN: &str = "(\w+)"'), root
    offsets = [run.window_offset(7, 1, 5, sample) for sample in range(4)]
    assert offsets == numbers(golden("primitives/protocol/src/data.rs", r"assert_eq!\(offsets, \[([\d_, ]+)\]\)")), offsets
    rates = [np.float32(run.rate(step)).view(np.uint32) for step in (0, 1, 9, 10, 37, 41, 77, 99)]
    assert rates == numbers(golden("primitives/numerics/src/schedule.rs", r"GOLDEN_RATES: \[u32; 8\] =\s+\[([\d, ]+)\]")), rates
    print("RESULT initial_root=ok offsets=ok rates=ok")


if __name__ == "__main__":
    check()

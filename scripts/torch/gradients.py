#!/usr/bin/env python3
"""Reference gradients: every parameter of several small decoders, in float64, by PyTorch's autodiff.

  gradients.py            computes them anew and compares them with the committed vectors
  gradients.py --write    writes the vectors

Both also check autodiff itself against central differences, parameter by parameter. Ends with a RESULT line and exit code 0
or 1. The files, and the formula of parameters and tokens, are described in primitives/numerics/tests/vectors/README.md.
Run it with the interpreter that scripts/torch/setup installs.
"""

import dataclasses
import json
import os
import sys

sys.dont_write_bytecode = True
import blake3
import numpy as np
import torch

from model import Decoder, Shape

FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../primitives/numerics/tests/vectors"))
INDEX = "gradients.json"
# Stands where a parameter's index stands when tokens are drawn.
TOKENS = 0xFFFF_FFFF
# Agreement of autodiff with central differences, and of a new computation with the committed one, relative to the norm.
DIFFERENCES, AGAIN = 1e-6, {"f64": 1e-11, "f32": 2e-7}


def f32(value):
    """What an `f32` holds of `value`, in double precision."""
    return float(np.float32(value))


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    shape: Shape
    batch: int
    seed: int
    scale: float  # a power of two: then values are exact in f32
    values: str = "f32"  # how the gradient is stored


# Small enough to commit and to run in a debug build; each has something that the others lack. Widths that are no multiples
# of vectors or of the 32 lanes, rows longer than 32 and 64, vocabularies below and above 256, odd numbers of heads.
CASES = [
    Case("tiny-tied", Shape(17, 12, 1, 3, 10, 7, tied_embedding=True), 2, 1, 0.5, "f64"),
    Case("tiny-untied", Shape(11, 6, 2, 1, 5, 3), 3, 2, 1.0, "f64"),
    Case("odd-widths", Shape(29, 64, 2, 2, 97, 33, tied_embedding=True), 2, 3, 0.25),
    Case("long-context", Shape(50, 32, 1, 2, 48, 70), 3, 4, 0.5),
    Case("wide-vocabulary", Shape(300, 36, 2, 3, 67, 16, tied_embedding=True), 2, 5, 0.5),
    Case("deep", Shape(64, 40, 3, 2, 53, 40), 2, 6, 0.25),
    Case("bytes", Shape(256, 48, 1, 4, 64, 129, rope_base=500.0, norm_epsilon=f32(1e-6)), 1, 7, 0.25),
]


def splitmix64(state):
    """Steele, Lea and Flood's finaliser, on an array of uint64; arithmetic wraps."""
    z = state + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


def draw(seed, index, count):
    return splitmix64(np.uint64(seed) ^ np.uint64(index << 32) ^ np.arange(count, dtype=np.uint64))


def parameters(case):
    """The parameters, as flat arrays of f32 in the specification's order."""
    found = []
    for index, (_, shape) in enumerate(case.shape.parameters()):
        high = (draw(case.seed, index, int(np.prod(shape))) >> np.uint64(40)).astype(np.float32)
        value = (high * np.float32(2.0**-24) - np.float32(0.5)) * np.float32(case.scale)
        found.append(np.float32(1.0) + value if len(shape) == 1 else value)
    return found


def tokens(case):
    """[batch, context + 1]: inputs are all but the last of a row, targets all but the first."""
    count = case.batch * (case.shape.context + 1)
    drawn = draw(case.seed, TOKENS, count) % np.uint64(case.shape.vocabulary)
    return drawn.astype(np.uint32).reshape(case.batch, -1)


def digest(arrays):
    return blake3.blake3(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


class Reference:
    """A case in PyTorch, in float64 unless told otherwise."""

    def __init__(self, case, dtype=torch.float64):
        self.case = case
        self.decoder = Decoder(case.shape, dtype)
        self.decoder.load([torch.from_numpy(values).to(dtype) for values in parameters(case)])
        batch = torch.from_numpy(tokens(case).astype(np.int64))
        self.batch = batch[:, :-1], batch[:, 1:]

    def gradients(self):
        """The loss and every parameter's gradient, flat."""
        self.decoder.zero_grad()
        loss = self.decoder.loss(*self.batch)
        loss.backward()
        return loss.item(), [p.grad.flatten().numpy().copy() for p in self.decoder.parameters()]

    @torch.no_grad()
    def slope(self, parameter, direction, h=1e-3):
        """The loss's derivative along a direction, by central differences of fourth order."""

        def at(step):
            start = parameter.clone()
            parameter.add_(direction, alpha=step * h)
            loss = self.decoder.loss(*self.batch).item()
            parameter.copy_(start)
            return loss

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)

    def worst_difference(self, gradients):
        """Largest distance between autodiff and central differences, relative to the gradient's norm, over every parameter."""
        generator = torch.Generator().manual_seed(self.case.seed)
        worst = 0.0
        for parameter, gradient in zip(self.decoder.parameters(), gradients):
            gradient = torch.from_numpy(gradient).view_as(parameter)
            norm = gradient.norm()
            directions = [torch.randn(parameter.shape, generator=generator, dtype=torch.float64) for _ in range(3)]
            for direction in [gradient / norm] + [d / d.norm() for d in directions]:
                error = self.slope(parameter, direction) - (gradient * direction).sum()
                worst = max(worst, float(abs(error) / norm))
        return worst


def single_precision(case, gradients):
    """How far PyTorch's own f32 gradients are from these, at most: what a tensor's conditioning allows."""
    _, found = Reference(case, torch.float32).gradients()
    return max(float(np.linalg.norm(f - g) / np.linalg.norm(g)) for f, g in zip(found, gradients))


def entry(case, loss, gradients):
    """A case in the index."""
    shape = dataclasses.asdict(case.shape)
    width = np.dtype(stored(case)).itemsize
    listed, offset = [], 0
    for (name, dimensions), gradient in zip(case.shape.parameters(), gradients):
        listed.append({"name": name, "shape": list(dimensions), "offset": offset, "norm": float(np.linalg.norm(gradient))})
        offset += gradient.size * width
    return {
        "name": case.name,
        "model": shape,
        "batch": case.batch,
        "seed": case.seed,
        "scale": case.scale,
        "parameters_blake3": digest(parameters(case)),
        "tokens_blake3": digest([tokens(case)]),
        "loss": loss,
        "norm": float(np.sqrt(sum(float(gradient @ gradient) for gradient in gradients))),
        "file": f"gradients-{case.name}.bin",
        "values": case.values,
        "gradients": listed,
    }


def stored(case):
    return {"f64": "<f8", "f32": "<f4"}[case.values]


def committed(found, case, gradients):
    """Largest relative distance from what is committed."""
    with open(os.path.join(FOLDER, INDEX)) as file:
        old = next((old for old in json.load(file)["cases"] if old["name"] == case.name), None)
    if old is None:
        raise SystemExit(f"{case.name} is not in {INDEX}: run gradients.py --write")
    distance = max(abs(old["loss"] - found["loss"]) / found["loss"], abs(old["norm"] - found["norm"]) / found["norm"])
    # What is left must be the same, whoever computes it.
    exact = {key for key in found if key not in ("loss", "norm", "gradients")}
    names = [[(g["name"], g["shape"], g["offset"]) for g in index["gradients"]] for index in (old, found)]
    if any(old.get(key) != found[key] for key in exact) or names[0] != names[1]:
        raise SystemExit(f"{case.name} is described differently in {INDEX}: run gradients.py --write")
    values = np.fromfile(os.path.join(FOLDER, found["file"]), dtype=stored(case)).astype(np.float64)
    if values.size != sum(gradient.size for gradient in gradients):
        raise SystemExit(f"{found['file']} has {values.size} values")
    for part, gradient in zip(np.split(values, np.cumsum([g.size for g in gradients])[:-1]), gradients):
        distance = max(distance, float(np.linalg.norm(part - gradient) / np.linalg.norm(gradient)))
    return distance


def main():
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    write = bool(sys.argv[1:])
    index, problems, worst_difference, worst_again = [], 0, 0.0, 0.0
    os.makedirs(FOLDER, exist_ok=True)
    for case in CASES:
        reference = Reference(case)
        loss, gradients = reference.gradients()
        difference = reference.worst_difference(gradients)
        found = entry(case, loss, gradients)
        index.append(found)
        if write:
            np.concatenate(gradients).astype(stored(case)).tofile(os.path.join(FOLDER, found["file"]))
            again = 0.0
        else:
            again = committed(found, case, gradients)
        single = single_precision(case, gradients)
        smallest = min(g["norm"] for g in found["gradients"]) / found["norm"]
        count = sum(gradient.size for gradient in gradients)
        print(f"{case.name}: {count:,} values, loss {loss:.12f}, norm {found['norm']:.6f}, smallest tensor's share "
              f"{smallest:.1e}, PyTorch's f32 {single:.1e}, differences {difference:.1e}, committed {again:.1e}")
        problems += (difference > DIFFERENCES) + (again > AGAIN[case.values])
        worst_difference, worst_again = max(worst_difference, difference), max(worst_again, again)
    if write:
        with open(os.path.join(FOLDER, INDEX), "w") as file:
            head = {"about": "See README.md beside this file.", "format": 1}
            json.dump({**head, "cases": index}, file, indent=1)
            file.write("\n")
    print(f"RESULT cases={len(CASES)} differences={worst_difference:.1e} committed={worst_again:.1e} problems={problems}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()

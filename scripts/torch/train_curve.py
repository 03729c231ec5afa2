#!/usr/bin/env python3
"""Trains a run's model in PyTorch on the run's own data, and prints the loss of every step: the curve to compare ours with.

  train_curve.py --spec SPEC.toml --data DATASET [--rounds N] [--steps N] [--heldout WINDOWS]

Same model, same initial parameters (bit for bit), same windows in the same order, same learning rates, same optimiser with
fresh moments at the start of each round. A round goes on from what the one before it came to: there is one slot a round, and
its result is taken as it is. DATASET is a folder that `sabha-worker data pack` made, or a stream.bin if the specification's
[data] is complete. Output is JSON lines: the start with the initial root, a line for each step, and the end with the loss on
the held-out tail. Run it with the interpreter that scripts/torch/setup installs.
"""

import argparse
import json
import os
import sys
import time

sys.dont_write_bytecode = True
import numpy as np
import torch

from model import Decoder
from protocol import Run, Stream, initial_parameters, state_root
from trainer import Trainer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", required=True, metavar="FILE")
    parser.add_argument("--data", required=True, metavar="PATH")
    parser.add_argument("--rounds", type=int, metavar="N", help="only the first N rounds")
    parser.add_argument("--steps", type=int, metavar="N", help="only the first N steps")
    parser.add_argument("--heldout", type=int, default=64, metavar="N", help="windows of the held-out tail (default 64; 0: none)")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--double", action="store_true", help="in float64: how far f32's rounding carries the curve")
    return parser.parse_args()


def emit(**fields):
    print(json.dumps(fields), flush=True)


@torch.no_grad()
def heldout_loss(decoder, run, stream, count):
    offsets = stream.heldout_offsets(count)
    losses = []
    for start in range(0, len(offsets), run.rounds["batch"]):
        batch = torch.from_numpy(stream.windows(offsets[start : start + run.rounds["batch"]]))
        losses += [decoder.loss(batch[:, :-1], batch[:, 1:]).item()] * len(batch)
    return float(np.mean(losses)), len(losses)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    run = Run.read(options.spec, options.data if os.path.isdir(options.data) else None)
    if run.rounds["slots"] != 1:
        sys.exit("train_curve.py: rounds of several slots end in an aggregation, which is not repeated here")
    stream = Stream(options.data, run)
    start = initial_parameters(run.shape, run.seed)
    decoder = Decoder(run.shape, torch.float64 if options.double else torch.float32)
    decoder.load([torch.from_numpy(values) for values in start])
    o = run.optimiser
    trainer = Trainer(decoder, beta1=o["beta1"], beta2=o["beta2"], epsilon=o["epsilon"], weight_decay=o["weight_decay"],
                      clip_norm=o["clip_norm"])
    inner_steps = run.rounds["inner_steps"]
    steps = min(run.steps, options.steps or run.steps, (options.rounds or run.rounds["count"]) * inner_steps)
    emit(initial_root=state_root(start), parameters=sum(map(len, start)), steps=steps, torch=torch.__version__)
    begun = time.perf_counter()
    for step in range(steps):
        number, inner = divmod(step, inner_steps)
        if inner == 0:
            trainer.begin_round()
        batch = torch.from_numpy(stream.training_batch(number, 0, inner))
        rate = run.rate(step)
        loss, norm = trainer.step(batch[:, :-1], batch[:, 1:], rate)
        emit(step=step, round=number, loss=float(loss), norm=float(norm), rate=rate)
        if not torch.isfinite(loss):
            sys.exit("train_curve.py: the loss is not finite")
    end = {"done": True, "steps": steps, "seconds": round(time.perf_counter() - begun, 3)}
    if options.heldout:
        end["heldout_loss"], end["heldout_windows"] = heldout_loss(decoder, run, stream, options.heldout)
    emit(**end)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Times whole training steps in PyTorch: forward, backward, clipping by global norm, AdamW with decay on matrices.

Prints JSON lines: one when it is ready, one for each step, one at the end with the median and the peak resident memory.
`--serve` does a step for each line `step` on standard input instead of `--steps` in a row, so that another program can run
pairs of steps (ours, theirs, ours, ...) within the same minutes; the end of the input, or `quit`, ends it.
Run it with the interpreter that scripts/torch/setup installs.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time

sys.dont_write_bytecode = True


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("vocab", 256), ("width", 256), ("layers", 4), ("heads", 4), ("ff", 688), ("context", 256), ("batch", 8)):
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N")
    parser.add_argument("--tied", action="store_true", help="the output projection is the embedding")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="measured steps (default 10)")
    parser.add_argument("--warmup", type=int, default=3, metavar="N", help="steps before the first measured one (default 3)")
    parser.add_argument("--compile", action="store_true", help="with torch.compile (needs a C++ compiler; slow to begin)")
    parser.add_argument("--serve", action="store_true", help="a step for each line `step` on standard input")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    return parser.parse_args()


def emit(**fields):
    print(json.dumps(fields), flush=True)


def requests():
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        if line.strip() != "step":
            sys.exit(f"bench.py: {line.strip()!r} is neither `step` nor `quit`")
        yield


def main():
    options = arguments()
    # Before PyTorch is loaded: what it compiles is kept beside it, and its thread pools have the size that was asked for.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(sys.prefix, "inductor"))
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    import torch

    from model import Decoder, Shape
    from trainer import Trainer

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shape = Shape(options.vocab, options.width, options.layers, options.heads, options.ff, options.context,
                  tied_embedding=options.tied)
    start = [torch.randn(size) * 0.02 if len(size) == 2 else torch.ones(size) for _, size in shape.parameters()]
    trainer = Trainer(Decoder(shape).load(start), compile=options.compile)
    del start

    def step():
        batch = torch.randint(shape.vocabulary, (options.batch, shape.context + 1))
        begun = time.perf_counter()
        # Reading the loss belongs to a step.
        loss = trainer.step(batch[:, :-1], batch[:, 1:], 1e-3)[0].item()
        return time.perf_counter() - begun, loss

    for _ in range(options.warmup):
        step()
    tokens = options.batch * options.context
    emit(ready=True, torch=torch.__version__, mode="compile" if options.compile else "eager", threads=torch.get_num_threads(),
         capability=torch.backends.cpu.get_cpu_capability(), parameters=sum(p.numel() for p in trainer.parameters),
         tokens_per_step=tokens)
    times = []
    for _ in requests() if options.serve else range(options.steps):
        seconds, loss = step()
        times.append(seconds)
        emit(step=len(times), seconds=round(seconds, 6), loss=round(loss, 6))
    # Linux counts in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    median = statistics.median(times) if times else None
    emit(done=True, steps=len(times), median_seconds=median and round(median, 6),
         tokens_per_second=median and round(tokens / median, 1), peak_rss_bytes=peak)


if __name__ == "__main__":
    main()

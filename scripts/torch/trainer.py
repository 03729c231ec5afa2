"""The training step, as the engines define it: clipping by global norm, AdamW with decoupled decay on matrices only.

`trainer.py` run by itself compares steps with the definition, written out in double precision.
"""

import sys

import torch


class Trainer:
    """Trains a `Decoder` in place. `compile` hands forward, loss and backward to torch.compile."""

    def __init__(self, decoder, *, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.1, clip_norm=1.0, compile=False):
        self.decoder = decoder
        self.parameters = list(decoder.parameters())
        self.clip_norm = clip_norm
        self.loss = torch.compile(decoder.loss, dynamic=False) if compile else decoder.loss
        groups = [
            {"params": [p for p in self.parameters if p.ndim == 2], "weight_decay": weight_decay},
            {"params": [p for p in self.parameters if p.ndim == 1], "weight_decay": 0.0},
        ]
        # The fused kernel exists for CPUs too and reads each value once.
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, betas=(beta1, beta2), eps=epsilon, fused=True)

    def begin_round(self):
        """Fresh moments, as at the start of each round."""
        self.optimiser.state.clear()

    def step(self, tokens, targets, rate):
        """One step; returns loss and gradient norm, both from before the step."""
        loss = self.loss(tokens, targets)
        loss.backward()
        gradients = [p.grad for p in self.parameters]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        # torch.nn.utils.clip_grad_norm_ adds 1e-6 to the norm and always writes; the definition does neither.
        if norm > self.clip_norm:
            torch._foreach_mul_(gradients, self.clip_norm / norm)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach(), norm


def check():
    """Five steps in float64, with and without clipping, against the definition."""
    from model import Decoder, Shape

    shape = Shape(11, 8, 1, 2, 6, 5)
    beta1, beta2, epsilon, decay, worst = 0.9, 0.99, 1e-8, 0.1, 0.0
    generator = torch.Generator().manual_seed(1)
    for clip in (1e-2, 1e3):
        start = [torch.randn(size, generator=generator, dtype=torch.float64) for _, size in shape.parameters()]
        trained, twin = (Decoder(shape, torch.float64).load(start) for _ in range(2))
        trainer = Trainer(trained, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=decay, clip_norm=clip)
        parameters = list(twin.parameters())
        first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
        for t in range(1, 6):
            batch, rate = torch.randint(11, (3, 6), generator=generator), 0.01 * t
            trainer.step(batch[:, :-1], batch[:, 1:], rate)
            gradients = torch.autograd.grad(twin.loss(batch[:, :-1], batch[:, 1:]), parameters)
            scale = min(1.0, clip / float(sum((g * g).sum() for g in gradients)) ** 0.5)
            for p, g, m, v in zip(parameters, gradients, first, second):
                g = g * scale
                m.mul_(beta1).add_((1 - beta1) * g)
                v.mul_(beta2).add_((1 - beta2) * g * g)
                step = (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + epsilon)
                with torch.no_grad():
                    p.copy_(p * (1 - rate * decay if p.ndim == 2 else 1) - rate * step)
        worst = max([worst, *(float((a - b).detach().abs().max()) for a, b in zip(trained.parameters(), parameters))])
    print(f"RESULT steps=10 difference={worst:.1e} problems={int(worst > 1e-10)}")
    sys.exit(worst > 1e-10)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    check()

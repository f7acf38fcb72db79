"""The training loop. It knows no model: it asks `model.loss(x)` for scalar terms and minimises "loss".

It is fast because it avoids work, not because it is clever: the images are one tensor on the device, an epoch is one
permutation of its rows, nothing is read back to the host before the epoch is over, and Adam is the fused one. `Run`
is the loop itself; `fit`, next door, checks what it is given, and deals with caches, checkpoints and interruptions.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch import Tensor, nn

from aecourse.train import contract, graphs, schedules
from aecourse.train.batches import TensorBatches
from aecourse.train.contract import Batch

SWEEP, NOTHING = 128, 1e-30  # every so many steps, moments of Adam below this are set to zero


class Run:
    """A model, its batches and its optimiser, and the few lines that bring them together."""

    rank, recordable = 0, True  # the number of this process; whether a step may become a CUDA graph

    def __init__(
        self, model, batches, *, epochs, lr, rate, weights, transform, clip, ema, precision, device
    ):
        self.model, self.batches, self.device = model.to(device), batches, device
        self.lr, self.rate, self.weights, self.transform = lr, rate, weights, transform
        self.clip, self.ema, self.bf16 = clip, ema, precision == "bf16"
        self.total, self.done, self.loss = epochs * batches.steps, 0, model.loss
        self.names: list[str] = []  # of the terms of the loss, once it has been called
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        graphed = self.recordable and device.type == "cuda" and isinstance(batches, TensorBatches)
        self.optimizer = torch.optim.Adam(
            self.parameters,
            lr=torch.tensor(lr, device=device) if graphed else lr,
            fused=device.type in ("cpu", "cuda"),
            capturable=graphed,
        )
        self.averages = None if ema is None else [p.detach().clone() for p in self.parameters]
        self.asked = {name: torch.zeros((), device=device) if graphed else 0.0 for name in weights}
        self.take_step = graphs.Graphed(self) if graphed else self.step

    def epoch(self, on_step=lambda: None) -> dict[str, float]:
        """Every image once, in a fresh order; the mean of each term, read back only at the end."""
        self.begin()
        trace, sizes = [], []
        for batch in self.batches:
            self.set_schedules(self.done / self.total)
            trace.append(self.take_step(batch))
            sizes.append(len(batch["x"]))
            self.done += 1
            self.average()
            on_step()
        shares = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)
        means = (torch.stack(trace).cpu().double() * shares[:, None]).sum(0)
        return dict(zip(self.names, means.tolist()))

    def step(self, batch: Batch) -> Tensor:
        """One update of the weights; the terms of the loss [terms], still on the device."""
        terms = self.forward_backward(batch)
        self.update()
        return torch.stack([terms[name].detach() for name in self.names])

    def forward_backward(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of the loss for a batch; the gradient of "loss" is left beside each parameter."""
        terms = self.terms(batch)
        contract.check_terms(self.model, terms, self.names)
        self.names = self.names or list(terms)
        terms["loss"].backward()
        return terms

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """What the model says of a batch: x [B, ...], transformed, and the other columns that its loss names."""
        others = {name: column for name, column in batch.items() if name != "x"}
        x = batch["x"]
        if self.transform is not None:
            x = contract.transformed(self.transform(x), x, self.model)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.bf16, cache_enabled=False
        ):
            return self.loss(x, **others, **self.asked)

    def update(self) -> None:
        """One step of the optimiser against the gradients at hand, which are then dropped."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.done % SWEEP == 0 and self.device.type == "cpu":
            self.sweep()

    @torch.no_grad()
    def sweep(self) -> None:
        """Sets to zero what Adam still remembers of gradients that ended long ago.

        Where a weight's gradient has become zero (a unit that has died, a pixel that is hardly ever ink), its first
        moment shrinks by a tenth at each step, and after some 800 steps is below the smallest normal float32. A
        processor works on such numbers many times slower. The update that they stand for, at most lr * 1e-30 / 1e-8,
        is far below what a float32 weight can register, so that the weights stay what they are, bit for bit.
        """
        for moments in self.optimizer.state.values():
            torch.hardshrink(moments["exp_avg"], NOTHING, out=moments["exp_avg"])

    def begin(self) -> None:
        """What comes before the first batch of an epoch."""
        self.model.train()

    def reduce(self, terms: dict[str, float]) -> dict[str, float]:
        """The mean of each term over all processes; here there is one."""
        return terms

    def set_schedules(self, t: float) -> None:
        """Learning rate and loss weights at progress t in [0, 1)."""
        rate = schedules.value("schedule", self.rate, t)
        _set(self.optimizer.param_groups[0], "lr", self.lr * rate)
        for name, weight in self.weights.items():
            _set(self.asked, name, schedules.value(f"weights[{name!r}]", weight, t))

    @torch.no_grad()
    def average(self) -> None:
        """Moves the averaged weights towards the weights: slowly, but faster at first, to forget the random start."""
        if self.ema is not None and self.averages is not None:
            decay = min(self.ema, (1 + self.done) / (10 + self.done))
            torch._foreach_lerp_(self.averages, self.parameters, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]

    @contextmanager
    def averaged(self):
        """The averaged weights in the place of the weights, where there are any."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    @torch.no_grad()
    def swap(self) -> None:
        """Exchanges the weights and their averages, where there are any."""
        for weight, average in zip(self.parameters, self.averages or []):
            kept = weight.clone()
            weight.copy_(average)
            average.copy_(kept)


def _set(where: dict, name: str, value: float) -> None:
    """A number where a number stands; the content of the tensor where a tensor does (a recorded graph reads it)."""
    if isinstance(where[name], Tensor):
        where[name].fill_(value)
    else:
        where[name] = value

"""What to say when a loss or a gradient stops being a number."""

from __future__ import annotations

import math

import torch

from aecourse.train import state

CAUSES = (
    "Usual causes: a learning rate that is too high, exp() of an unbounded log-variance, log() of zero in a "
    "hand-written cross-entropy, or inputs far outside [0, 1]."
)


class Diverged(ArithmeticError):
    """A term of the loss, or a gradient, became NaN or infinite. `history` holds the epochs before it.

    The model is left as it was at the end of the last good epoch.
    """

    def __init__(self, message: str, history):
        super().__init__(message)
        self.history = history


def finite(means: dict[str, float], run) -> bool:
    """Whether every term of the epoch and every weight after it is a finite number."""
    return all(map(math.isfinite, means.values())) and all(
        torch.stack([torch.isfinite(p).all() for p in run.parameters]).tolist()
    )


def diverged(run, start: dict, epoch: int, history) -> Diverged:
    """The error to raise: the epoch is repeated from its start until the fault shows again, and is then named."""
    state.put(start, run)
    run.begin()
    fault = "a term of the loss or a weight is not finite (repeating the epoch did not show where)"
    for step, batch in enumerate(run.batches):
        run.set_schedules(run.done / run.total)
        terms = run.forward_backward(batch)
        found = _fault(run, run.reduce({name: term.item() for name, term in terms.items()}))
        if found:
            fault = f"step {step} (both counted from 0): {found}"
            break
        run.update()
        run.done += 1
    run.optimizer.zero_grad(set_to_none=True)
    state.put(start, run)
    return Diverged(
        f"training stopped in epoch {epoch}, {fault}. The model is as it was before that epoch. {CAUSES}",
        history,
    )


def _fault(run, terms: dict[str, float]) -> str | None:
    """The first thing that is not finite: a part of the loss before its sum, then a gradient."""
    for name in sorted(terms, key=lambda name: name == "loss"):
        if not math.isfinite(terms[name]):
            return f"the term {name!r} is {terms[name]}"
    for name, parameter in run.model.named_parameters():
        if parameter.grad is not None and not torch.isfinite(parameter.grad).all():
            return f"the gradient of {name!r} is not finite, although every term of the loss is"
    return None

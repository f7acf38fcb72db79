"""How a checker works: compare with the reference, and where that fails, find out what kind of mistake it is."""
from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Callable

import torch
from torch import Tensor

COLOURS = {True: "#2e9e6b", False: "#d98a0d"}


@dataclass(frozen=True)
class Answer:
    """What a checker says: whether the exercise is solved, and the message."""
    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'Right' if self.passed else 'Not yet'}: {self.message}"

    def _repr_html_(self) -> str:
        return (f'<div class="aecourse-answer {"right" if self.passed else "not-yet"}" style="border-left:4px solid '
                f'{COLOURS[self.passed]};padding:.35em .8em;margin:.6em 0"><strong>{"Right" if self.passed else "Not yet"}'
                f'.</strong> {html.escape(self.message[:1].upper() + self.message[1:])}</div>')


def compare(function: Callable, reference: Callable, cases: list[tuple], mistakes: dict[str, Callable], *,
            praise: str, gradient: bool = True, tolerance: float = 1e-4) -> Answer:
    """Runs `function` beside `reference` on every case.

    mistakes: message -> a function that makes that mistake. Where the learner's result agrees with a mistake on all
    cases, the message is the answer; otherwise the first difference in kind is named: type, shape, dtype, NaN, sign,
    a constant factor, a missing gradient, or the numbers of one case.
    """
    if not callable(function):
        return Answer(False, f"the checker needs your function itself, not {type(function).__name__}: give its name "
                             "without brackets")
    results = []
    for case in cases:
        given = tuple(a.clone() if isinstance(a, Tensor) else a for a in case)
        try:
            result = function(*given)
        except NotImplementedError:
            return Answer(False, "nothing is written here yet: replace the line that raises NotImplementedError.")
        except Exception as error:
            return Answer(False, f"your function raised {type(error).__name__}: {error} (with {_inputs(case)}).")
        if result is None:
            return Answer(False, "your function returns nothing: is a return missing?")
        if any(isinstance(a, Tensor) and not torch.equal(a, b) for a, b in zip(given, case)):
            return Answer(False, "your function changes its input in place; make a new tensor instead.")
        results.append(result)
    wanted = [reference(*case) for case in cases]
    fault = next((f for f in map(_difference_in_kind, results, wanted, cases) if f), None)
    if fault is None and all(map(lambda r, w: _close(r, w, tolerance), results, wanted)):
        if gradient and (lost := _lost_gradient(function, cases[0])):
            return Answer(False, lost)
        return Answer(True, praise)
    for message, mistake in mistakes.items():
        if all(_close(r, mistake(*case), tolerance) for r, case in zip(results, cases)):
            return Answer(False, message)
    return Answer(False, fault or _difference_in_value(results, wanted, cases))


def _tensor(value) -> Tensor:
    return value if isinstance(value, Tensor) else torch.as_tensor(float(value))


def _close(result, wanted, tolerance: float) -> bool:
    try:
        result, wanted = _tensor(result), _tensor(wanted)
    except (TypeError, ValueError):
        return False
    return result.shape == wanted.shape and torch.allclose(result.double(), wanted.double(), rtol=tolerance, atol=tolerance,
                                                           equal_nan=True)


def _difference_in_kind(result, wanted, case) -> str | None:
    if isinstance(wanted, Tensor) and not isinstance(result, Tensor):
        return f"a tensor is wanted, your function returned {type(result).__name__}."
    if not isinstance(wanted, Tensor):
        if isinstance(result, bool) or not isinstance(result, (int, float)):
            return f"a number is wanted, your function returned {type(result).__name__}."
        return None
    if result.shape != wanted.shape:
        return (f"the shape should be {list(wanted.shape)}, yours is {list(result.shape)} (with {_inputs(case)}). "
                "Which dimensions are summed, which averaged, which kept?")
    if result.dtype != wanted.dtype:
        return f"the dtype should be {wanted.dtype}, yours is {result.dtype}."
    if not torch.isfinite(result).all() and torch.isfinite(wanted).all():
        return "your result contains NaN or infinity where finite numbers are possible: which step can overflow?"
    return None


def _difference_in_value(results, wanted, cases) -> str:
    ratio = [(_tensor(r).double() / _tensor(w).double()).flatten() for r, w in zip(results, wanted)]
    ratio = torch.cat(ratio)
    if torch.isfinite(ratio).all() and (ratio - ratio[0]).abs().max() < 1e-3 * ratio[0].abs():
        if abs(ratio[0] + 1) < 1e-3:
            return "the numbers are right, the sign is wrong."
        return f"your result is {ratio[0]:.4g} times what it should be, everywhere: a constant factor is missing or too many."
    k = next(i for i, (r, w) in enumerate(zip(results, wanted)) if not _close(r, w, 1e-4))
    return (f"with {_inputs(cases[k])} the first number should be {_tensor(wanted[k]).flatten()[0]:.4f}, "
            f"yours is {_tensor(results[k]).flatten()[0]:.4f}.")


def _lost_gradient(function, case) -> str | None:
    given = [a.clone().requires_grad_() if isinstance(a, Tensor) and a.is_floating_point() else a for a in case]
    result = function(*given)
    if not result.requires_grad:
        return ("the numbers are right, but no gradient flows through your function: detach(), .item(), numpy or "
                "no_grad() cuts it, and a loss needs it.")
    return None


def _inputs(case) -> str:
    return "inputs " + ", ".join(f"of shape {list(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in case)

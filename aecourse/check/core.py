"""An exercise and its checker: the answer is compared with the solution, and a mistake is named."""

from __future__ import annotations

import copy
import html
import inspect
import math
import random
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

COLOURS = {True: "#2e9e6b", False: "#d98a0d"}


@dataclass(frozen=True)
class Answer:
    """What a checker says: whether the exercise is solved, and the message."""

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'Right' if self.passed else 'Not yet'}: {self.message}"

    def _repr_html_(self) -> str:
        return (
            f'<div class="aecourse-answer {"right" if self.passed else "not-yet"}" style="border-left:4px solid '
            f'{COLOURS[self.passed]};padding:.35em .8em;margin:.6em 0"><strong>{"Right" if self.passed else "Not yet"}'
            f".</strong> {html.escape(self.message[:1].upper() + self.message[1:])}</div>"
        )


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give, and what the checker says to it.

    name        a few words for those who read the tests: "the sign", "exp overflows"
    function    takes the arguments of the exercise and makes the mistake
    message     what the checker says: all of it in `mistakes`, a part of it in `also_wrong`
    """

    name: str
    function: Callable
    message: str


@dataclass(eq=False)
class Exercise:
    """An exercise: its solution, and all that its checker knows. Calling it with a function gives an `Answer`.

    solution    the function that is asked for, with the annotations and the docstring of the notebook's stub; its code
                is the notebook's folded solution
    cases       takes a seeded torch.Generator; returns ordinary arguments, a list of tuples, or a dict of them by name
    mistakes    wrong answers that the checker recognises by their values and gradients; the first that fits is named
    praise      what is said to a right answer: what the function now does
    hard        like `cases`: unkind arguments, by what is special about them, tried after the ordinary ones
    also_right  right answers in other styles, by style
    also_wrong  wrong answers that no message of `mistakes` is for, but that the comparison has to catch
    name        the checker is `check.<name>`; the solution's name if not given
    through     changes a function before it is called with the cases, for answers that a single call does not show
    gradient, still, draws, tolerance   as in `compare`
    """

    solution: Callable
    cases: Callable[[torch.Generator], list[tuple] | dict[str, tuple]]
    mistakes: list[Mistake]
    praise: str
    hard: Callable[[torch.Generator], dict[str, tuple]] = lambda generator: {}
    also_right: dict[str, Callable] = field(default_factory=dict)
    also_wrong: list[Mistake] = field(default_factory=list)
    name: str = ""
    through: Callable[[Callable], Callable] = lambda function: function
    gradient: bool | None = True
    still: tuple[str, ...] = ()
    draws: bool = False
    tolerance: float = 1e-4

    def __post_init__(self):
        self.name = self.name or self.solution.__name__
        wanted = ", ".join(inspect.signature(self.solution).parameters)
        self.__doc__ = f"Checks your function({wanted}): {self.solution.__doc__}"

    def __repr__(self) -> str:
        return f"check.{self.name}"

    def __call__(self, function: Callable) -> Answer:
        with _own_settings():
            generator = torch.Generator().manual_seed(0)
            return compare(
                self.through(function) if callable(function) else function,
                self.through(self.solution),
                self.cases(generator),
                {mistake.message: self.through(mistake.function) for mistake in self.mistakes},
                hard=self.hard(generator),
                praise=self.praise,
                gradient=self.gradient,
                still=self.still,
                draws=self.draws,
                tolerance=self.tolerance,
            )


EXERCISES: dict[str, Exercise] = {}


def exercise(solution: Callable, **parts) -> Exercise:
    """Returns the `Exercise` of this solution and these parts, and makes it known as check.<name>."""
    made = Exercise(solution, **parts)
    if made.name in EXERCISES:
        raise ValueError(f"exercise: there is already one called {made.name!r}.")
    EXERCISES[made.name] = made
    return made


class _Refused(Exception):
    """Carries the message of an answer that is not right."""


class Named:
    """A function that says in messages what it is."""

    def __init__(self, name: str, function: Callable):
        self.name, self.function = name, function

    def __call__(self, z: Tensor) -> Tensor:
        return self.function(z)

    def __repr__(self) -> str:
        return self.name


def like(array: np.ndarray | float, x: Tensor) -> Tensor:
    """The numbers of a NumPy array as a tensor of the dtype of x."""
    return torch.as_tensor(np.asarray(array)).to(x.dtype)


def compare(
    function: Callable,
    reference: Callable,
    cases: list[tuple] | dict[str, tuple],
    mistakes: dict[str, Callable],
    *,
    praise: str,
    hard: dict[str, tuple] | None = None,
    gradient: bool | None = True,
    still: tuple[str, ...] = (),
    draws: bool = False,
    tolerance: float = 1e-4,
) -> Answer:
    """Runs `function` beside `reference` on every case, and says at the first difference what is wrong.

    Each case is tried on copies: values, dtype, the arguments afterwards and the global random state count. Then come
    the gradients, of all floating-point arguments and parameters of models except those named in `still`, and last the
    `hard` cases, by what is special about them, to which a copy of the first case in another precision is added.

    mistakes  message -> a function that makes that mistake. It is named where the learner's values agree with it, or,
              for right values, the gradients. Otherwise the difference is: type, shape, NaN, dtype, sign, a factor, an entry.
    gradient  False asks for none; None asks for the right one, unless the answer leaves torch for NumPy or floats.
    draws     whether the global random state may be used.
    """
    if not callable(function):
        return Answer(
            False,
            f"the checker needs your function itself, not {type(function).__name__}: give its name "
            "without brackets",
        )
    cases = cases if isinstance(cases, dict) else {_inputs(case): case for case in cases}
    hard = dict(hard or {})
    if other := _other_precision(next(iter(cases.values()))):
        hard[other[0]] = other[1]
    work = _Work(function, reference, mistakes, gradient, still, draws, tolerance)
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            work.values(cases, {})
            if gradient is not False:
                for case in cases.values():
                    work.gradients(case)
            work.values(hard, cases)
    except _Refused as refused:
        return Answer(False, str(refused))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an object of the learner's that fails when looked at
        return Answer(False, f"what your function returns cannot be compared: {_said(error)}.")
    return Answer(True, praise)


@dataclass
class _Work:
    """One comparison: what `compare` was given, and its steps. Each raises `_Refused` with the message."""

    function: Callable
    reference: Callable
    mistakes: dict[str, Callable]
    gradient: bool | None
    still: tuple[str, ...]
    draws: bool
    tolerance: float

    def values(self, cases: dict[str, tuple], passed: dict[str, tuple]) -> None:
        """Compares the results of `cases`; those of `passed` have been found right before."""
        begin = "right in ordinary cases, but not here: " if passed else ""
        self.left = None
        results = {label: self.result(label, case, begin) for label, case in cases.items()}
        wanted = {label: _wanted(self.reference, case) for label, case in cases.items()}
        wrong = [
            label for label in cases if not _close(results[label], wanted[label], self.tolerance)
        ]
        faults = [_difference_in_kind(results[label], wanted[label], label) for label in cases]
        fault = next(filter(None, faults), None)
        if wrong:
            given = {**passed, **cases}
            found = {
                **{label: _wanted(self.reference, case) for label, case in passed.items()},
                **results,
            }
            agreeing = {
                message: mistake
                for message, mistake in self.mistakes.items()
                if all(self.agree(mistake, case, found[label]) for label, case in given.items())
            }
            case = next(iter(given.values()))
            own = self.slopes(self.function, case) if len(agreeing) > 1 else None
            best = [m for m, mistake in agreeing.items() if _alike(own, self.slopes(mistake, case))]
            if agreeing:
                raise _Refused((best or list(agreeing))[0])
            raise _Refused(
                begin
                + (fault or _difference_in_value(results, wanted, wrong, [] if passed else cases))
            )
        if fault or self.left:
            raise _Refused(begin + (fault or self.left or ""))

    def result(self, label: str, case: tuple, begin: str):
        """What the learner's function returns, if nothing else happens."""
        given, after = _copied(case), _copied(case)
        with _Surroundings() as around, _Leaving() as leaving:
            result = self.run(given, label, begin)
        if (
            leaving.left
            and not self.gradient
            and isinstance(result, Tensor)
            and (dtypes := _dtypes(case))
        ):
            if result.dtype in (
                torch.float32,
                torch.float64,
            ):  # the precision is NumPy's or Python's choice
                result = result.to(dtypes[0])
        self.reference(*after)
        if result is None:
            raise _Refused(begin + "your function returns nothing: is a return missing?")
        if around.drawn and not (self.draws and around.drawn == "drawn"):
            raise _Refused(
                begin
                + "your function draws numbers of its own from the global random state, or seeds it: "
                "all it needs is handed to it as arguments."
            )
        if around.changed:
            raise _Refused(
                begin + f"your function changes {around.changed} for everything that runs after it."
            )
        for name, a, b, original in zip(_names(self.reference, case), given, after, case):
            if _touched(a):
                raise _Refused(
                    f"{begin}{name} has a .grad, or asks for one, after the call: leave backward() and "
                    "requires_grad_() to the caller."
                )
            if not _same(a, b) and _same(b, original):
                raise _Refused(
                    f"{begin}your function changes its input in place ({name}); make a new one instead, or "
                    "work on a copy."
                )
            if not _same(a, b):
                self.left = f"the numbers are right, but {name} is to be called exactly once."
        return result

    def run(self, given: tuple, label: str, begin: str):
        result, error = _tried(self.function, *given)
        if isinstance(error, NotImplementedError) and " implemented" not in _said(
            error
        ):  # torch says so of its own
            raise _Refused(
                "nothing is written here yet: replace the line that raises NotImplementedError."
            )
        if error is not None:
            raise _Refused(f"{begin}your function raised {_said(error)} (with {label}).")
        return result

    def gradients(self, case: tuple) -> None:
        """Compares the gradients of a weighted sum of the results with the reference's."""
        leaves, given = self.leaves(case)
        with _Surroundings(), _Leaving() as leaving:
            result, error = _tried(self.function, *given)
        if error is not None and not leaving.left:
            raise _Refused(
                "the numbers are right, but where a gradient is wanted your function raised "
                f"{_said(error)}."
            )
        if any(a.grad is not None for a in leaves.values()):
            raise _Refused(
                "the numbers are right, but your function calls backward() itself: leave that to "
                "the caller."
            )
        if not isinstance(result, Tensor) or not result.requires_grad:
            slopes = self.slopes(self.reference, case) or {}
            idle = not any(g.any() for g in slopes.values())
            if not idle and (self.gradient or not leaving.left):
                raise _Refused(
                    "the numbers are right, but no gradient flows through your function: detach(), .item(), "
                    "numpy or no_grad() cuts it, and a loss needs it."
                )
            return
        found, error = _tried(_slopes, result, leaves)
        if error is not None:
            raise _Refused(
                "the numbers are right, but the gradient cannot be computed (is something changed in place, "
                f"or used up by a backward()?): {_said(error)}."
            )
        wanted = self.slopes(self.reference, case) or {}
        if _alike(found, wanted):
            return
        for message, mistake in self.mistakes.items():
            if self.agree(mistake, case, _wanted(self.reference, case)) and _alike(
                found, self.slopes(mistake, case)
            ):
                raise _Refused(message)
        for name, g in sorted(
            found.items(), key=lambda item: bool(item[1].any())
        ):  # where none arrives, first
            if not _alike({name: g}, {name: wanted[name]}):
                raise _Refused(
                    f"the numbers are right, but the gradient is not: {_slope_fault(name, g, wanted[name])}"
                )

    def agree(self, mistake: Callable, case: tuple, result) -> bool:
        return _close(result, _tried(mistake, *_copied(case))[0], self.tolerance)

    def leaves(
        self, case: tuple, dtype: torch.dtype | None = None
    ) -> tuple[dict[str, Tensor], tuple]:
        """Copies of the arguments, and by name what of them can have a gradient."""
        given, leaves = _copied(case, dtype), {}
        for name, a in zip(_names(self.reference, case), given):
            if isinstance(a, nn.Module):
                leaves.update({f"{name}.{inner}": p for inner, p in a.named_parameters()})
            elif isinstance(a, Tensor) and a.is_floating_point() and name not in self.still:
                leaves[name] = a.requires_grad_()
        return leaves, given

    def slopes(self, function: Callable, case: tuple) -> dict[str, Tensor] | None:
        """The gradients of one of ours, in float64, or of the learner's; None where there are none."""
        leaves, given = self.leaves(case, None if function is self.function else torch.float64)
        with _Surroundings():
            return _tried(lambda: _slopes(function(*given), leaves))[0]


class _Leaving(TorchFunctionMode):
    """Notes whether tensors are turned into NumPy arrays, lists or numbers of Python."""

    left = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.left |= getattr(function, "__name__", "") in (
            "numpy",
            "__array__",
            "item",
            "tolist",
            "__float__",
        )
        return function(*args, **(kwargs or {}))


class _Surroundings:
    """Sets a random state of its own, notes what a call does to it and to torch's settings, and puts all back."""

    def __enter__(self):
        self.before = self.settings()
        self.torch, self.numpy, self.python = (
            torch.get_rng_state(),
            np.random.get_state(),
            random.getstate(),
        )
        torch.default_generator.manual_seed(730_241_111)
        np.random.seed(730_241_111)
        random.seed(730_241_111)
        self.start = self.state()
        return self

    def __exit__(self, *_):
        now = self.state()
        self.drawn = "" if now == self.start else "drawn" if now[1:] == self.start[1:] else "seeded"
        self.changed = next(
            (name for name, value in self.settings().items() if value != self.before[name]), None
        )
        torch.set_grad_enabled(self.before["whether gradients are recorded"])
        torch.set_default_dtype(self.before["the default dtype"])
        torch.set_rng_state(self.torch)
        np.random.set_state(self.numpy)
        random.setstate(self.python)

    @staticmethod
    def settings() -> dict:
        return {
            "whether gradients are recorded": torch.is_grad_enabled(),
            "the default dtype": torch.get_default_dtype(),
        }

    @staticmethod
    def state() -> tuple:
        kind, words, *rest = np.random.get_state()
        return (
            torch.get_rng_state().numpy().tobytes(),
            torch.initial_seed(),
            np.asarray(words).tobytes(),
            rest,
            random.getstate(),
        )


def _said(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    try:
        lines = str(error).strip().splitlines()
    except BaseException:
        lines = []
    return type(error).__name__ + (f": {lines[0][:200].rstrip('.')}" if lines else "")


def _names(reference: Callable, case: tuple) -> list[str]:
    return list(inspect.signature(reference).parameters)[: len(case)]


def _copied(value, dtype: torch.dtype | None = None) -> Any:
    """A copy that shares nothing with `value`, its floating-point numbers as `dtype`."""
    if isinstance(value, Tensor):
        return (
            value.detach().clone().to(dtype if dtype and value.is_floating_point() else value.dtype)
        )
    if isinstance(value, nn.Module):
        return copy.deepcopy(value).to(dtype)
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(v, dtype) for v in value)
    return copy.deepcopy(value)


def _dtypes(case: tuple) -> list[torch.dtype]:
    """The dtypes of the floating-point tensors."""
    return [a.dtype for a in case if isinstance(a, Tensor) and a.is_floating_point()]


def _other_precision(case: tuple) -> tuple[str, tuple] | None:
    """What the case is called, and itself, in float64, or in float32 if it is in float64; None without such numbers."""
    if not (dtypes := _dtypes(case)):
        return None
    other = torch.float32 if torch.float64 in dtypes else torch.float64
    return f"numbers in {str(other)[6:]}", _copied(case, other)


def _touched(value) -> bool:
    """Whether a tensor or a parameter has a gradient, or a tensor asks for one."""
    if isinstance(value, nn.Module):
        return any(p.grad is not None for p in value.parameters())
    return isinstance(value, Tensor) and (value.requires_grad or value.grad is not None)


def _same(a, b) -> bool:
    """Whether two arguments are alike, with all that they contain."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, nn.Module):
        flags = [
            ([m.training for m in x.modules()], [p.requires_grad for p in x.parameters()])
            for x in (a, b)
        ]
        return flags[0] == flags[1] and _same(dict(a.state_dict()), dict(b.state_dict()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return a == b if inspect.isroutine(a) or not hasattr(a, "__dict__") else _same(vars(a), vars(b))


def _wanted(reference: Callable, case: tuple):
    """The reference's result, computed in float64 and given in the dtype of the case."""
    plain, exact = reference(*_copied(case)), reference(*_copied(case, torch.float64))
    return exact.to(plain.dtype) if isinstance(plain, Tensor) else plain


def _tried(call: Callable, *args) -> tuple:
    """What the call returns, and None; or None, and what it raises: SystemExit and the like, too."""
    try:
        return call(*args), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, error


def _tensor(value) -> Tensor:
    return (
        value.detach().double()
        if isinstance(value, Tensor)
        else torch.as_tensor(float(value), dtype=torch.float64)
    )


def _near(result: Tensor, wanted: Tensor, tolerance: float) -> Tensor:
    return torch.isclose(result, wanted, rtol=tolerance, atol=tolerance, equal_nan=True)


def _close(result, wanted, tolerance: float) -> bool:
    """Whether numbers and shape agree; whole numbers have to agree exactly."""
    try:
        if not isinstance(result, Tensor) and isinstance(wanted, int):
            return bool(result == wanted)
        result, wanted = _tensor(result), _tensor(wanted)
        return result.shape == wanted.shape and bool(_near(result, wanted, tolerance).all())
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return False


def _slopes(result: Tensor, leaves: dict[str, Tensor]) -> dict[str, Tensor]:
    """The gradient with respect to each of `leaves` of the results' sum, with weights that tell them apart."""
    generator = torch.Generator().manual_seed(1)
    weights = 1 + torch.rand(result.shape, generator=generator, dtype=torch.float32).to(
        result.dtype
    )
    found = torch.autograd.grad((result * weights).sum(), list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(a) if g is None else g for (name, a), g in zip(leaves.items(), found)
    }


def _alike(found: dict[str, Tensor] | None, wanted: dict[str, Tensor] | None) -> bool:
    def close(g: Tensor, w: Tensor) -> bool:
        return torch.allclose(
            g.double(), w.double(), rtol=1e-3, atol=1e-4 * max(1e-2, w.abs().max().item())
        )

    return (
        found is not None
        and wanted is not None
        and all(close(g, wanted[name]) for name, g in found.items())
    )


def _slope_fault(name: str, found: Tensor, wanted: Tensor) -> str:
    found, wanted = found.double(), wanted.double()
    if not found.any():
        return f"no gradient reaches {name}: something on its way is detached."
    if _alike({name: found}, {name: -wanted}):
        return f"with respect to {name} it has the wrong sign: the wrong term is detached."
    return f"with respect to {name}, {_first_difference(found, wanted, 1e-3)}. Is a part of it detached?"


def _difference_in_kind(result, wanted, label: str) -> str | None:
    if isinstance(wanted, Tensor) and not isinstance(result, Tensor):
        made = isinstance(result, (np.ndarray, np.generic))
        return (
            f"a tensor is wanted, your function returned {type(result).__name__}"
            f"{': torch.as_tensor makes one of it' if made else ''}."
        )
    if not isinstance(wanted, Tensor):
        if isinstance(result, bool) or not isinstance(result, Real):
            return f"a number is wanted, your function returned {type(result).__name__}."
    elif result.shape != wanted.shape:
        return (
            f"the shape should be {list(wanted.shape)}, yours is {list(result.shape)} (with {label}). "
            "Which dimensions are summed, which averaged, which kept?"
        )
    numbers, sought = _tensor(result), _tensor(wanted)
    bad = (~numbers.isfinite() & sought.isfinite()).nonzero()
    if len(bad):
        place = tuple(bad[0].tolist())
        value = numbers[place].item()
        return (
            f"with {label} your result {'at ' + str(list(place)) if place else 'there'} is "
            f"{'NaN' if math.isnan(value) else value}, where {sought[place]:.4g} is wanted: which step can "
            "overflow, underflow or divide by zero?"
        )
    if isinstance(wanted, Tensor) and isinstance(result, Tensor) and result.dtype != wanted.dtype:
        if result.dtype == torch.bool:
            return f"those are values True and False; numbers of dtype {wanted.dtype} are wanted: add .float()."
        return f"the dtype should be {wanted.dtype}, yours is {result.dtype} (with {label})."
    return None


def _difference_in_value(results: dict, wanted: dict, wrong: list[str], named) -> str:
    """What the wrong results have in common: a sign, a factor, a term; otherwise the first entry that differs.

    Of the cases in `named`, those that came out right are mentioned.
    """
    right = [label for label in named if label not in wrong]
    begin = f"right with {'; '.join(right)}, but not with {wrong[0]}: " if right else ""
    pairs = [
        (_tensor(results[label]).flatten(), _tensor(wanted[label]).flatten()) for label in wrong
    ]
    found, sought = (torch.cat(part) for part in zip(*pairs))
    ratio, offset = found / sought, found - sought
    if (
        len(ratio) > 1
        and torch.isfinite(ratio).all()
        and (ratio - ratio[0]).abs().max() < 1e-3 * ratio[0].abs()
    ):
        factor = ratio[0].item()
        if abs(factor + 1) < 1e-3:
            return f"{begin}the numbers are right, the sign is wrong."
        for value, said in (
            (1 / math.log(2), "bits where nats are wanted: take the natural logarithm"),
            (math.log(2), "nats where bits are wanted, or a logarithm to the wrong base"),
        ):
            if abs(factor / value - 1) < 1e-3:
                return f"{begin}your result is {factor:.4g} times what it should be. That looks like {said}."
        if abs(factor - 1) > 0.01:
            return (
                f"{begin}your result is {factor:.4g} times what it should be, everywhere: a constant factor is "
                "missing or too many."
            )
    if len(offset) > 1 and (offset - offset[0]).abs().max() < 1e-3 * offset[0].abs():
        return (
            f"{begin}your result is {abs(offset[0]):.4g} too {'large' if offset[0] > 0 else 'small'}, everywhere: "
            "a constant term is missing or too many."
        )
    label = wrong[0]
    said = _first_difference(_tensor(results[label]), _tensor(wanted[label]), 1e-4)
    return f"{begin}{said}." if right else f"with {label} {said}."


def _first_difference(found: Tensor, wanted: Tensor, tolerance: float) -> str:
    place = tuple(
        ((found - wanted).abs() > tolerance * (1 + wanted.abs())).nonzero()[:1].flatten().tolist()
    )
    if not place and wanted.dim():  # agree within the tolerance: the largest difference
        place = tuple(
            int(i)
            for i in np.unravel_index(int((found - wanted).abs().argmax()), tuple(wanted.shape))
        )
    a, b = found[place].item() + 0.0, wanted[place].item() + 0.0  # no "-0"
    digits = next((d for d in (4, 7, 12) if f"{a:.{d}g}" != f"{b:.{d}g}"), 17)
    times = (
        ""
        if not a or not b or wanted.numel() > 1
        else next(
            (f", 1/{n} of it" for n in range(2, 100) if abs(b / a / n - 1) < 1e-4),
            next((f", {n} times as much" for n in range(2, 100) if abs(a / b / n - 1) < 1e-4), ""),
        )
    )
    where = f"entry {list(place)}" if place else "the number"
    return f"{where} should be {b:.{digits}g}, yours is {a:.{digits}g}{times}"


def _inputs(case) -> str:
    *first, last = (f"of shape {list(a.shape)}" if isinstance(a, Tensor) else repr(a) for a in case)
    return "inputs " + (", ".join(first) + " and " if first else "") + last


@contextmanager
def _own_settings():
    """Torch's own default dtype and device, whatever the notebook has set."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)

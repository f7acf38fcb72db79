"""Checks of arguments: each error names the argument, what came and what is accepted."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch


def described(value) -> str:
    """What came, in a few words of one line: a tensor or array by its shape and dtype, anything else by its repr."""
    if isinstance(value, torch.Tensor) and value.is_nested:
        return "a nested tensor"
    if isinstance(value, torch.Tensor) and (value.layout is not torch.strided or value.is_meta):
        return f"a tensor of the layout {value.layout}, device {value.device.type}"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {list(value.shape)}, {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)}, {value.dtype}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def integer(name: str, value, *, low: int = 1, high: int | None = None) -> int:
    """`value` as an int of at least `low`, and at most `high` if there is one; raises TypeError or ValueError naming `name`."""
    accepted = f"a whole number of at least {low}" + (
        "" if high is None else f" and at most {high}"
    )
    if isinstance(value, bool) or not isinstance(value, int) and not hasattr(value, "__index__"):
        raise TypeError(f"{name}: got {described(value)}; accepted is {accepted}")
    if int(value) < low or high is not None and int(value) > high:
        raise ValueError(f"{name}: got {value}; accepted is {accepted}")
    return int(value)


def number(
    name: str, value, *, low: float = -math.inf, high: float = math.inf, above: bool = False
) -> float:
    """`value` as a finite float in [low, high] (in (low, high] with `above`)."""
    accepted = (
        f"a finite number {'above' if above else 'of at least'} {low}"
        if low > -math.inf
        else "a finite number"
    )
    accepted += f" and at most {high}" if high < math.inf else ""
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        and not hasattr(value, "__float__")
    ):
        raise TypeError(f"{name}: got {described(value)}; accepted is {accepted}")
    value = float(value)
    if not math.isfinite(value) or value < low or value > high or above and value == low:
        raise ValueError(f"{name}: got {value}; accepted is {accepted}")
    return value


def choice(name: str, value, options: Iterable):
    """`value`, if it is one of `options`."""
    options = list(options)
    if value not in options:
        raise ValueError(
            f"{name}: got {described(value)}; accepted is one of {', '.join(map(repr, options))}"
        )
    return value


def hyphened(name: str, value) -> str:
    """`value`, if it is lower-case words joined by hyphens."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError(
            f"{name}: got {described(value)}; accepted are lower-case words joined by hyphens"
        )
    return value


def sizes(name: str, value, *, empty: bool = True) -> tuple[int, ...]:
    """`value` as a tuple of positive ints."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(
            f"{name}: got {described(value)}; accepted is a sequence of positive whole numbers"
        )
    value = tuple(integer(f"{name}[{i}]", v) for i, v in enumerate(value))
    if not value and not empty:
        raise ValueError(
            f"{name}: got an empty sequence; accepted is at least one positive whole number"
        )
    return value


def image_shape(name: str, value) -> tuple[int, int, int]:
    """`value` as (channels, height, width)."""
    value = sizes(name, value)
    if len(value) != 3:
        raise ValueError(f"{name}: got {value}; accepted is (channels, height, width)")
    return value[0], value[1], value[2]


def batch(name: str, x, shape: tuple[int, ...]) -> torch.Tensor:
    """`x`, if it is a floating-point tensor [N, *shape] with N of at least one."""
    accepted = f"a floating-point tensor [N, {', '.join(map(str, shape))}] with N of at least 1"
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name}: got {type(x).__name__}; accepted is {accepted}")
    if (
        x.layout is not torch.strided
        or x.is_nested
        or x.is_meta
        or tuple(x.shape[1:]) != tuple(shape)
        or x.dim() != 1 + len(shape)
        or not len(x)
        or not x.is_floating_point()
    ):
        raise ValueError(f"{name}: got {described(x)}; accepted is {accepted}")
    return x


def checked(*conditions: Callable, **rules: Callable):
    """A decorator that checks arguments before the call: each one named in `rules` becomes rule(name, value), then
    each condition(*args, **kwargs) may raise.

    The body of a function that lessons print then holds the idea alone; `page.source` leaves the decorator out.
    """

    def decorate(function: Callable) -> Callable:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def run(*args, **kwargs):
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            for name, rule in rules.items():
                given.arguments[name] = rule(name, given.arguments[name])
            for condition in conditions:
                condition(*given.args, **given.kwargs)
            return function(*given.args, **given.kwargs)

        return run

    return decorate


class Setting:
    """An attribute that may be changed on an object and is checked whenever it is set: rule(name, value)."""

    def __init__(self, rule: Callable):
        self.rule = rule

    def __set_name__(self, owner, name: str) -> None:
        self.name = name

    def __get__(self, thing, owner=None) -> Any:
        return self if thing is None else thing.__dict__[self.name]

    def __set__(self, thing, value) -> None:
        thing.__dict__[self.name] = self.rule(self.name, value)

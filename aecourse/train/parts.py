"""What a model is beside its weights: settings, code and hooks, in words that a file of plain weights can hold."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType

import numpy as np
from torch import Tensor, nn

from aecourse.train.fingerprint import fingerprint

PLAIN = (bool, int, float, str, type(None))
BASE = frozenset(vars(nn.Module()))  # what every module has
HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def attributes(layer: nn.Module) -> dict[str, object]:
    """The settings of one layer by their names, and what it does: the code of a class of the reader's own, and hooks."""
    theirs = _library(type(layer))
    found: dict[str, object] = {
        name: plain(value)
        for name, value in vars(layer).items()
        if name not in BASE and not isinstance(value, nn.Module) and not (theirs and name[0] == "_")
    }
    own = [kind for kind in type(layer).__mro__ if not _library(kind)]
    if own:
        found["code"] = _digest([_methods(kind) for kind in own])
    hooks = [_code(hook) for name in HOOKS for hook in getattr(layer, name).values()]
    return {**found, "hooks": _digest(hooks)} if hooks else found


def plain(value, depth: int = 5):
    """`value` in types that a file of plain weights can hold: the same for what trains alike, in another process, too.

    Tensors and arrays are told apart by their content, parameters (which training changes) and results of a computation by
    their form, other objects by their class and plain attributes.
    """
    if type(value) in PLAIN:
        return value if value == value else repr(value)
    inside = functools.partial(plain, depth=depth - 1)
    name = type(value).__qualname__
    if depth == 0:
        return name
    if isinstance(value, (Tensor, np.ndarray)):
        form = f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if isinstance(value, nn.Parameter) or getattr(value, "grad_fn", None) is not None:
            return f"{name} {form}"
        return f"{form}, {fingerprint(_Held(value))[-8:]}"
    if isinstance(value, Mapping):
        return {str(key): inside(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(inside, value))
    if isinstance(value, (list, tuple)):
        return [name, *map(inside, value)]
    if isinstance(value, (set, frozenset)):
        return sorted(str(inside(item)) for item in value)
    if isinstance(value, (FunctionType, MethodType)):
        return fingerprint(value.__code__)
    if isinstance(value, functools.partial):
        return [name, *map(inside, (value.func, value.args, value.keywords))]
    if isinstance(value, BuiltinFunctionType):
        return fingerprint(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
        return {"class": name, **{field: inside(getattr(value, field, None)) for field in fields}}
    if not hasattr(value, "__dict__") or type(value).__repr__ is not object.__repr__:
        words = repr(value)
        return words if " at 0x" not in words else name
    held = {key: item for key, item in vars(value).items() if type(item) in PLAIN}
    return {"class": name, **inside(held)}


class _Held:
    """A tensor or array as an attribute, which `fingerprint` follows."""

    def __init__(self, value):
        self.value = value


def _library(kind: type) -> bool:
    return kind.__module__.split(".")[0] in ("aecourse", "torch", "builtins")


def _methods(kind: type) -> list:
    """Name and code of every function of a class."""
    found = []
    for name, member in sorted(vars(kind).items()):
        member = getattr(member, "fget", None) or getattr(member, "__func__", member)
        if isinstance(member, FunctionType):
            found.append((name, _code(member)))
    return found


def _code(function, depth: int = 4) -> list | str:
    """What a function does, without its name and documentation, and the plain values that it holds on to."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType) or depth == 0:
        return type(function).__qualname__

    def steps(code: CodeType) -> list:
        inner = [
            steps(c) if isinstance(c, CodeType) else repr(c)
            for c in code.co_consts
            if c != getattr(function, "__doc__", None)
        ]
        return [code.co_code.hex(), code.co_names, inner]

    held = []
    for cell in getattr(function, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        held.append(_code(value, depth - 1) if callable(value) else plain(value))
    defaults = getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None)
    return [steps(code), plain(defaults), held]


def _digest(words) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()[:8]

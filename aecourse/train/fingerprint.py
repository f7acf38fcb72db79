"""What a transform is, in one line that is the same in another process and differs where the transform does."""

from __future__ import annotations

import functools
import hashlib
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

import numpy as np
import torch


def fingerprint(transform) -> str:
    """Name and eight hexadecimal digits of a transform: of its code, its defaults, and the values that it uses.

    Followed are closures, variables of its module, `functools.partial`, methods, and attributes of callable objects;
    functions of other modules and objects without attributes count by their names. None gives "None".
    """
    if transform is None:
        return "None"
    inner = transform
    while isinstance(inner, functools.partial):
        inner = inner.func
    name = getattr(inner, "__name__", type(inner).__name__)
    words = repr(_described(transform, getattr(inner, "__module__", None), ()))
    return f"{name}, code {hashlib.sha256(words.encode()).hexdigest()[:8]}"


def _described(value, module, above: tuple):
    """`value` in plain words and numbers. above: what is being described, which is not entered twice."""
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), type(...))):
        return repr(value)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return _array(torch.as_tensor(value))
    if isinstance(value, (type, ModuleType, BuiltinFunctionType)) or id(value) in map(id, above):
        return f"{type(value).__name__} {getattr(value, '__qualname__', '')}"
    inside = functools.partial(_described, module=module, above=(*above, value))
    if isinstance(value, dict):
        return sorted((repr(name), inside(item)) for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return [inside(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, functools.partial):
        return ["partial", inside(value.func), inside(value.args), inside(value.keywords)]
    if isinstance(value, MethodType):
        return ["method", inside(value.__func__), inside(value.__self__)]
    if isinstance(value, CodeType):
        return [value.co_code.hex(), value.co_names, [inside(c) for c in value.co_consts]]
    if isinstance(value, FunctionType):
        if above and value.__module__ != module:
            return f"{value.__module__}.{value.__qualname__}"
        names = sorted({name for code in _codes(value.__code__) for name in code.co_names})
        return [
            inside(value.__code__),
            inside(value.__defaults__),
            inside(value.__kwdefaults__),
            [inside(cell.cell_contents) for cell in value.__closure__ or () if _filled(cell)],
            [inside(value.__globals__[name]) for name in names if name in value.__globals__],
        ]
    kind = type(value)
    own = kind.__call__ if isinstance(vars(kind).get("__call__"), FunctionType) else None
    return [kind.__qualname__, inside(own), inside(getattr(value, "__dict__", None))]


def _array(values: torch.Tensor) -> str:
    content = values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return f"{values.dtype}{list(values.shape)} {hashlib.sha256(content).hexdigest()[:16]}"


def _codes(code: CodeType):
    """A function's code and that of the functions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _filled(cell) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False

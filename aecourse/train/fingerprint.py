"""What a transform is, in one line that is the same in another process and differs where the transform does."""

from __future__ import annotations

import functools
import hashlib
import sys
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType

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
    module = sys.modules.get(getattr(inner, "__module__", None) or "")
    words = repr(_described(transform, getattr(module, "__dict__", {}), ()))
    return f"{name}, code {hashlib.sha256(words.encode()).hexdigest()[:8]}"


def _described(value, names: dict, above: tuple):
    """`value` in plain words and numbers.

    names: the variables of the transform's module. above: what is being described, which is not entered twice.
    """
    kind = type(value)
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), type(...))):
        return repr(value)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        flat = torch.as_tensor(value).detach().cpu().contiguous().reshape(-1)
        content = flat.view(torch.uint8).numpy().tobytes()
        return [str(value.dtype), list(value.shape), hashlib.sha256(content).hexdigest()]
    if isinstance(value, (type, ModuleType, BuiltinFunctionType)) or id(value) in map(id, above):
        return f"{kind.__name__} {getattr(value, '__qualname__', '')}"
    if isinstance(value, FunctionType) and above and value.__globals__ is not names:
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    inside = functools.partial(_described, names=names, above=(*above, value))
    if isinstance(value, dict):
        return sorted((repr(name), inside(item)) for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return [inside(item) for item in value]
    if isinstance(value, CodeType):
        used = [inside(names[name]) for name in value.co_names if name in names]
        return [value.co_code.hex(), value.co_names, [inside(c) for c in value.co_consts], used]
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell != CellType()]
        parts = [value.__code__, value.__defaults__, value.__kwdefaults__, cells]
    elif isinstance(value, functools.partial):
        parts = [value.func, value.args, value.keywords]
    elif isinstance(value, MethodType):
        parts = [value.__func__, value.__self__]
    else:
        own = vars(kind).get("__call__")
        parts = [own if isinstance(own, FunctionType) else None, getattr(value, "__dict__", None)]
    return [kind.__qualname__, *map(inside, parts)]

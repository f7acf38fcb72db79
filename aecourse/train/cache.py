"""Trained models kept by the content of what made them, so that no lesson trains another lesson's model again.

Kept is only what is known to be safe: a model, a transform and schedules made of classes and functions of the course
and of torch, all as they were when the course was imported. Where anything else is seen, `key` gives None and the run
is trained. Other threads or another processor make the same run, up to rounding.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import warnings
from collections import OrderedDict
from pathlib import Path
from types import BuiltinFunctionType, FunctionType

import platformdirs
import torch
from torch import Tensor, nn
from torch.autograd import graph

from aecourse.train import schedules, state
from aecourse.train.history import History

PLACES = re.compile(  # the modules that trained weights depend on
    r"aecourse\.(data|estimators|nets|seeds|(models|train)\..*)|math|builtins|torch"
    r"|torch\.(_tensor|random|autograd(\.graph|\.function|\.grad_mode)?|optim\.(adam|optimizer))"
    r"|torch\.distributions\.(?!kl$).*|torch\.nn\.(functional|modules\..*|utils\.clip_grad)"
)
KINDS = {  # of their names; a notebook adds its display to Python's, and torch a module when it is needed
    "builtins": (type, BuiltinFunctionType),
    "torch": (type, BuiltinFunctionType, FunctionType),
}
UNSEEN = re.compile(r"__\w+__|.*\.__slotnames__|compile")  # Lightning replaces torch.compile
SWITCHES = re.compile(
    "_get_.*_(enabled|tf32|deterministic|algorithms|memory|reduction|accumulation|precision|benchmark)"
)
FIRST: dict[str, dict] = {}  # what the names in each module stood for when the course was imported
SOURCES: dict[str, str] = {}  # what the course's files said then


class CacheWarning(RuntimeWarning):
    """The cache could not be read or written; training went on without it."""


def folder() -> Path | None:
    """Where trained models are kept: `AECOURSE_CACHE`, or the user's cache folder; None where it is "off"."""
    setting = os.environ.get("AECOURSE_CACHE", "").strip()
    if setting.lower() in ("off", "0", "none", "false", "no"):
        return None
    if setting.lower() in ("", "on", "1", "true", "yes"):
        return Path(platformdirs.user_cache_dir("aecourse")) / "models"
    return state.place("AECOURSE_CACHE", setting)


def key(model, data, settings: dict, steps: int) -> str | None:
    """The file of a run, by all that its weights depend on; None where that is not known, or the cache is off.

    data: the columns, as dicts of tensors. settings: of the run, of `steps` steps.
    """
    if (place := folder()) is None:
        return None
    settings = dict(settings)
    rules = {"rate": settings.pop("rate"), **settings.pop("weights")}
    try:
        _same_as_imported()
        if any(rule.__globals__ is not vars(schedules) for rule in rules.values()):
            raise TypeError("a schedule of one's own")
        parts = [
            SOURCES,
            _switches(),
            [(name, _layer(part)) for name, part in model.named_modules(remove_duplicate=False)],
            *map(_tensors, [_weights(model), *data]),
            {name: [rule(i / steps) for i in range(steps)] for name, rule in rules.items()},
            _known(settings),
        ]
    except Exception:  # whatever cannot be looked at is not known to be safe
        return None
    return str(place / f"{state.digest(parts)[:32]}.pt")


def read(file: str, model) -> History | None:
    """Puts the cached weights into `model`; None where there is no such file, or a damaged one."""
    weights = _weights(model)
    try:
        content = state.read(Path(file))
        if content["key"] != Path(file).stem:
            raise ValueError("it is the entry of another model")
        state.alike("weights", content["weights"], weights)
        history = History(**{**content["history"], "cached": True})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        words = f"the cached model {file} is damaged ({error}); training it again"
        warnings.warn(words, CacheWarning, stacklevel=3)
        return None
    with torch.no_grad():
        for name, value in weights.items():
            value.copy_(content["weights"][name])
    return history


def save(file: str, model, history: History) -> None:
    """Writes the trained weights atomically; a folder that cannot be written is a warning."""
    place, weights = Path(file), state.copied(_weights(model))
    content = {"key": place.stem, "weights": weights, "history": history.as_dict()}
    try:
        state.write(place, content)
    except OSError as error:
        words = f"the trained model could not be kept in {place.parent} ({error})"
        advice = "set AECOURSE_CACHE to another folder, or to 'off'"
        warnings.warn(f"{words}; {advice}", CacheWarning, stacklevel=3)


def _weights(model) -> dict[str, Tensor]:
    parameters, buffers = model.named_parameters, model.named_buffers
    return dict([*parameters(remove_duplicate=False), *buffers(remove_duplicate=False)])


# --- what is known: each raises an error for anything else ----------------------------------------------------------


def _known(value):
    """Plain values, and classes and functions of the course and of torch, as something to digest."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (tuple, list):
        return [kind.__name__, *map(_known, value)]
    if kind in (dict, OrderedDict):
        return [kind.__name__, *((_known(name), _known(inner)) for name, inner in value.items())]
    if kind is set:
        return [kind.__name__, *map(_known, sorted(value))]
    home = FIRST.get(value.__module__, FIRST["torch.nn.functional"])  # its built-ins live elsewhere
    for name in (value.__qualname__, value.__name__):  # torch.relu is a method of a hidden class
        if home.get(name) is value:
            return f"{value.__module__}.{name}"
    raise TypeError(repr(value))


def _layer(layer) -> list:
    """A module's class and attributes, hooks included, and the names of its parts."""
    own = {**vars(layer), "training": None}  # which `fit` sets
    parts = {name: list(own[name]) for name in ("_modules", "_parameters", "_buffers")}
    return [_known(type(layer)), _known({**own, **parts})]


def _tensors(tensors: dict[str, Tensor]) -> list:
    """Plain tensors, none with a hook or a gradient; one may have several names, but no two share memory."""
    for value in tensors.values():
        hooks = value._backward_hooks or value._post_accumulate_grad_hooks
        plain = type(value) in (Tensor, nn.Parameter) and value.is_leaf and not vars(value)
        if hooks or not plain or value.grad is not None:
            raise TypeError("a tensor with something to it")
    ids = list(map(id, tensors.values()))
    if len({value.untyped_storage().data_ptr() for value in tensors.values()}) < len(set(ids)):
        raise TypeError("shared memory")
    return [
        (name, ids.index(id(v)), type(v).__name__, v.requires_grad, v.stride(), v)
        for name, v in tensors.items()
    ]


def _switches() -> list:
    """What changes torch's results from outside, where no mode and no hook listens in."""
    if torch._C._len_torch_function_stack() or torch._C._len_torch_dispatch_stack():
        raise TypeError("a mode")
    with graph.disable_saved_tensors_hooks("hooks on saved tensors"):
        pass  # which raises an error where there are any
    flushed = (torch.tensor(1e-39, dtype=torch.float32) * 2).item()
    autocast = [torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")]
    switches = [(n, getattr(torch._C, n)()) for n in dir(torch._C) if SWITCHES.fullmatch(n)]
    return [torch.__version__, torch.get_default_dtype(), flushed, autocast, switches]


def _names(module: str) -> dict[str, object]:
    """What the names in a module stand for now, and those in its classes, functions and dicts."""
    found, todo = {}, {"": vars(sys.modules[module])}
    while todo:
        above, names = todo.popitem()
        for name, value in list(names.items()):
            path = f"{above}{name}"
            seen = above or isinstance(value, KINDS.get(module, object))
            if not seen or UNSEEN.fullmatch(path):
                continue
            if path in ("Adam.step", "manual_seed"):  # which torch itself wraps, sooner or later
                value = inspect.unwrap(
                    value, stop=lambda f: f.__globals__["__name__"][:6] != "torch."
                )
            found[path] = value
            if isinstance(value, FunctionType):
                parts = ("__code__", "__defaults__", "__kwdefaults__")
                todo[f"{path}."] = {part: getattr(value, part) for part in parts}
            elif isinstance(value, dict):
                todo[f"{path}."] = value
            elif isinstance(value, type) and value.__module__ == module:
                if value.__qualname__ == path:
                    todo[f"{path}."] = {**vars(value), "__mro__": value.__mro__}
    return found


def _same_as_imported() -> None:
    """Nothing was patched, added or loaded again."""
    for module, first in FIRST.items():
        now = _names(module)
        if now.keys() != first.keys() or any(now[name] is not first[name] for name in first):
            raise TypeError(f"{module} is another")


def remember() -> None:
    """Takes what the names stand for now, when the course has just been imported, and what its files say."""
    for name in (
        "data",
        "estimators",
        "nets",
        "models.stacked",
    ):  # whatever else has been imported by now
        importlib.import_module(f"aecourse.{name}")
    modules = sorted(filter(PLACES.fullmatch, sys.modules.keys() - {__name__}))
    own = [name for name in modules if name.startswith("aecourse.")]
    try:
        SOURCES.update({name: inspect.getsource(sys.modules[name]) for name in own})
        FIRST.update({name: _names(name) for name in modules})
    except Exception:  # no files, or what cannot be looked at: nothing is known
        return

"""Trained models kept by the content of what made them, so that no lesson trains another lesson's model again.

Kept is only what is known to be safe: a model, a transform and schedules made of classes and functions of the course
and of torch, all as they were when the course was imported. Where anything else is seen, `key` gives None and the run
is trained. Other threads or another processor make the same run, up to rounding.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import BuiltinFunctionType, FunctionType

import platformdirs
import torch
from torch import Tensor, nn

from aecourse.train import schedules, state
from aecourse.train.history import History

PLACES = (
    "aecourse.models.",
    "aecourse.train.",
    "aecourse.data",
    "aecourse.nets",
    "aecourse.seeds",
    "aecourse._",
    "torch.nn.functional",
    "torch.nn.modules.",
    "torch.nn.utils.clip_grad",
    "torch.optim.adam",
    "torch.optim.optimizer",
    "torch.autograd.",
    "torch.distributions.",
    "torch._tensor",
    "torch.random",
)
SWITCHES = (
    "_enabled",
    "_tf32",
    "_deterministic",
    "_algorithms",
    "_memory",
    "_reduction",
    "_accumulation",
    "_precision",
    "_benchmark",
)
FIRST, NAMES, SOURCES = {}, {}, {}  # what `remember` saw


class CacheWarning(RuntimeWarning):
    """The cache could not be read or written; training went on without it."""


def folder() -> Path | None:
    """Where trained models are kept: `AECOURSE_CACHE`, or the user's cache folder; None where it is "off"."""
    setting = os.environ.get("AECOURSE_CACHE", "").strip()
    if setting.lower() in ("off", "0", "none", "false", "no"):
        return None
    own = setting.lower() in ("", "on", "1", "true", "yes")
    return (
        Path(platformdirs.user_cache_dir("aecourse")) / "models"
        if own
        else state.place("AECOURSE_CACHE", setting)
    )


def key(model, data, settings: dict, steps: int) -> str | None:
    """A digest of all that the trained weights depend on; None where that is not known, or the cache is off.

    data: the columns, as dicts of tensors. settings: of the run, of `steps` steps.
    """
    if folder() is None:
        return None
    try:
        layers = list(model.named_modules(remove_duplicate=False))
        tensors = dict(
            [
                *model.named_parameters(remove_duplicate=False),
                *model.named_buffers(remove_duplicate=False),
            ]
        )
        _same_as_imported()
        return state.digest(
            [
                SOURCES,
                _switches(),
                [(name, _layer(layer)) for name, layer in layers],
                *map(_tensors, [tensors, *data]),
                {
                    name: _curve(rule, steps)
                    for name, rule in {"rate": settings["rate"], **settings["weights"]}.items()
                },
                _content(
                    {
                        name: value
                        for name, value in settings.items()
                        if name not in ("rate", "weights")
                    }
                ),
            ]
        )[:32]
    except Exception:  # whatever cannot be looked at is not known to be safe
        return None


def _file(name: str) -> Path:
    place = folder()
    assert place is not None, "a key was given, so there is a folder"
    return place / f"{name}.pt"


def read(name: str, model) -> History | None:
    """Puts the cached weights into `model`; None where there is no entry, or a damaged one (which is removed)."""
    path, now = _file(name), _weights(model)
    try:
        content = state.read(path)
        if content["key"] != name:
            raise ValueError("it is the entry of another model")
        history = History(**content["history"])
        state.alike("weights", content["weights"], now)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        warnings.warn(
            f"the cached model {path} is damaged ({error}); training it again",
            CacheWarning,
            stacklevel=3,
        )
        try:
            path.unlink(missing_ok=True)
        except OSError:
            pass
        return None
    with torch.no_grad():
        for weight, value in now.items():
            value.copy_(content["weights"][weight])
    history.cached = True
    return history


def save(name: str, model, history: History) -> None:
    """Writes the trained weights atomically; a folder that cannot be written is a warning."""
    path = _file(name)
    try:
        state.write(path, {"key": name, "weights": _weights(model), "history": history.as_dict()})
    except OSError as error:
        warnings.warn(
            f"the trained model could not be kept in {path.parent} ({error}); set AECOURSE_CACHE to another "
            "folder, or to 'off'",
            CacheWarning,
            stacklevel=3,
        )


def _weights(model) -> dict[str, Tensor]:
    return {
        name: value.detach() for name, value in [*model.named_parameters(), *model.named_buffers()]
    }


# --- what is known --------------------------------------------------------------------------------------------------


def _content(value):
    """`value` as something whose digest changes when it does; raises TypeError where it is none of the kinds known."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (tuple, list):
        return [kind.__name__, *map(_content, value)]
    if kind in (dict, set, frozenset):
        return [
            kind.__name__,
            *((name, _content(value[name]) if kind is dict else None) for name in sorted(value)),
        ]
    if id(value) in NAMES:
        return NAMES[id(value)]
    raise TypeError(repr(value))


def _layer(layer) -> list:
    """A module's class, attributes and parts; raises TypeError for hooks and for classes of one's own."""
    attributes = {
        name: value for name, value in vars(layer).items() if name != "training"
    }  # `fit` sets that itself
    parts = [list(attributes.pop(name)) for name in ("_modules", "_parameters", "_buffers")]
    if any(attributes.pop(name) for name in list(attributes) if "hook" in name):
        raise TypeError("a hook")
    return [_content(type(layer)), parts, _content(attributes)]


def _tensors(tensors: dict) -> list:
    """Names, contents and layouts, what is shared, what is trained; raises TypeError for all but plain tensors."""
    for value in tensors.values():
        if (
            type(value) not in (Tensor, nn.Parameter)
            or vars(value)
            or not value.is_leaf
            or value.grad is not None
            or (value._backward_hooks or value._post_accumulate_grad_hooks)
        ):
            raise TypeError("a tensor with something to it")
    memory = [value.untyped_storage().data_ptr() for value in tensors.values()]
    shared = [
        (memory.index(place), list(map(id, tensors.values())).index(id(value)))
        for place, value in zip(memory, tensors.values())
    ]
    return [
        shared,
        [
            (
                name,
                type(value).__name__,
                value.requires_grad,
                value.stride(),
                value.storage_offset(),
                value,
            )
            for name, value in tensors.items()
        ],
    ]


def _curve(schedule, steps: int) -> Tensor:
    """A schedule of the course at every step; raises TypeError for any other."""
    values = (
        [schedule(step / steps) for step in range(steps)]
        if schedule.__globals__ is vars(schedules)
        else [None]
    )
    if any(type(value) not in (int, float) for value in values):
        raise TypeError(repr(schedule))
    return torch.tensor(values, dtype=torch.float64, device="cpu")


def _switches() -> list:
    """What changes torch's results from outside; raises TypeError where something listens in."""
    hooks = {**vars(nn.modules.module), **vars(sys.modules["torch.optim.optimizer"])}
    saved = getattr(
        vars(torch._C)["_autograd"], "_top_saved_tensors_default_hooks", lambda anyway: None
    )
    if (
        torch._C._len_torch_function_stack()
        or torch._C._len_torch_dispatch_stack()
        or saved(True)
        or any(value for name, value in hooks.items() if name.startswith("_global_"))
    ):
        raise TypeError("a hook or mode")
    switches = [
        name for name in dir(torch._C) if name.startswith("_get_") and name.endswith(SWITCHES)
    ]
    return [
        torch.__version__,
        torch.get_default_dtype(),
        (torch.tensor(1e-39, dtype=torch.float32) * 2).item(),
        [torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda")],
        [(name, getattr(torch._C, name)()) for name in switches],
    ]


def _seen() -> dict[tuple, object]:
    """What the names in the course's and torch's modules and classes stand for at this moment."""
    found = {}
    for name, module in list(sys.modules.items()):
        if (
            name not in ("torch", "math", "builtins")
            and not name.startswith(PLACES)
            or name == __name__
        ):
            continue
        own = name.startswith("aecourse.")
        kinds = [
            kind
            for kind in list(vars(module).values())
            if isinstance(kind, type) and kind.__module__ == name
        ]
        for place, part, value in [
            (owner, *item) for owner in (module, *kinds) for item in list(vars(owner).items())
        ]:
            if place is module and (part.startswith("__") or part == "compile"):
                # Python's own; torch.compile, which Lightning replaces and nothing here calls
                continue
            while (
                part in ("step", "manual_seed")
                and hasattr(value, "__wrapped__")
                and (value.__globals__["__name__"].startswith("torch."))
            ):
                value = value.__wrapped__  # torch wraps these anew, sooner or later
            if own or isinstance(value, (type, FunctionType, BuiltinFunctionType, property)):
                found[name, place.__name__, part] = value
            details = ("__code__", "__defaults__", "__kwdefaults__", "__mro__") if own else ()
            inside = (
                value
                if own and isinstance(value, dict)
                else {d: getattr(value, d, None) for d in details}
            )
            found.update(
                {(name, place.__name__, part, key): inner for key, inner in inside.items()}
            )
    return found


def _same_as_imported() -> None:
    """Raises TypeError where a name stands for another thing than when the course was imported: a patch, a reload."""
    now, modules = _seen(), {name[0] for name in FIRST}
    changed = [name for name, value in FIRST.items() if now.get(name, now) is not value]
    new = [
        name
        for name in now.keys() - FIRST.keys()  # torch may add functions, but no methods
        if name[0] in SOURCES or name[0] in modules and name[1] != name[0]
    ]
    if changed or new:
        raise TypeError(f"{(changed + new)[0]} is another")


def remember() -> None:
    """Takes what the names stand for now, when the course has just been imported, for what its files say."""
    first = _seen()
    try:
        sources = {
            name: Path(str(sys.modules[name].__file__)).read_text("utf-8")
            for name in sorted({name[0] for name in first})
            if name.startswith("aecourse.")
        }
    except (OSError, ValueError):  # no files, as in an archive: nothing is known
        return
    FIRST.update(first)
    SOURCES.update(sources)
    NAMES.update(
        {
            id(value): f"{value.__module__}.{value.__qualname__}"
            for value in first.values()
            if isinstance(value, (type, FunctionType, BuiltinFunctionType))
            and "<" not in value.__qualname__
        }
    )

"""Trained models kept by the content of what made them, so that no lesson trains another lesson's model again."""
from __future__ import annotations

import inspect
import os
import sys
import warnings
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import ModuleType

import platformdirs
import torch

from aecourse.train import state
from aecourse.train.history import History

LOOP = ("loop", "fitting", "batches", "schedules")               # a change in these trains everything again


class CacheWarning(RuntimeWarning):
    """The cache could not be read or written; training went on without it."""


def folder() -> Path | None:
    """Where trained models are kept: `AECOURSE_CACHE`, or the user's cache folder; None where it is "off"."""
    setting = os.environ.get("AECOURSE_CACHE", "")
    if setting.lower() in ("off", "0", "none"):
        return None
    return Path(setting) if setting else Path(platformdirs.user_cache_dir("aecourse")) / "models"


def key(model, tensors, arguments: dict) -> str | None:
    """A digest of the model's source, structure and initial weights, the data, the arguments and torch's version.

    None where something has no source to look at (a class typed into a notebook, say) or no content that can be
    compared: such a run is not cached.
    """
    own = [module for module in model.modules() if not type(module).__module__.startswith("torch.")]
    try:
        made_of = [_sources(own), repr(model), [_content(_settings(module)) for module in own], _content(arguments)]
    except (OSError, TypeError):
        return None
    return state.digest([made_of, torch.__version__, model.state_dict(), list(tensors)])[:32]


def read(name: str, model) -> History | None:
    """Puts the cached weights into `model`; None where there is no entry, or a damaged one (which is removed)."""
    path = folder() / f"{name}.pt"
    try:
        content = state.read(path)
        if content["key"] != name:
            raise ValueError("it is the entry of another model")
        history = History(**content["history"])
        model.load_state_dict(content["model"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        warnings.warn(f"the cached model {path} is damaged ({error}); training it again", CacheWarning, stacklevel=3)
        try:
            path.unlink(missing_ok=True)
        except OSError:
            pass
        return None
    history.cached = True
    return history


def save(name: str, model, history: History) -> None:
    """Writes the trained weights atomically; a folder that cannot be written is a warning."""
    path = folder() / f"{name}.pt"
    try:
        state.write(path, {"key": name, "model": model.state_dict(), "history": history.as_dict()})
    except OSError as error:
        warnings.warn(f"the trained model could not be kept in {path.parent} ({error}); set AECOURSE_CACHE to another "
                      "folder, or to 'off'", CacheWarning, stacklevel=3)


def _sources(modules: list) -> list[str]:
    """The source of every file that the model's classes come from, of the course's files these use, and of the loop."""
    classes = {base for module in modules for base in type(module).__mro__}
    files, found = [sys.modules[c.__module__] for c in classes if c.__module__.split(".")[0] not in ("torch", "builtins")], {}
    while files:
        file = files.pop()
        if file.__name__ not in found:
            found[file.__name__] = inspect.getsource(file)
            uses = [value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", None) or "")
                    for value in vars(file).values()]
            files += [used for used in uses if used is not None and used.__name__.startswith("aecourse.")]
    return [found[name] for name in sorted(found)] + [
        inspect.getsource(sys.modules[f"aecourse.train.{part}"]) for part in LOOP]


def _settings(module) -> dict:
    """A module's plain attributes; its parameters, buffers and parts are in its state and structure."""
    return {name: value for name, value in vars(module).items() if not name.startswith("_") and name != "training"}


def _content(value, seen: tuple = ()):
    """`value` as something whose digest changes when it does; raises TypeError where nothing is known of its content.

    A function is its source, its defaults and what it uses from outside itself.
    """
    if value is None or isinstance(value, (bool, int, float, str, torch.Tensor)):
        return value
    if isinstance(value, dict):
        return {str(name): _content(value[name], seen) for name in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [_content(item, seen) for item in value]
    if isinstance(value, (ModuleType, type)) or value in seen:
        return value.__name__
    if is_dataclass(value):
        return _content(asdict(value), seen)
    if inspect.isfunction(value):
        outside = inspect.getclosurevars(value)
        return [inspect.getsource(value)] + [_content(part, (*seen, value)) for part in (
            value.__defaults__, value.__kwdefaults__, dict(outside.nonlocals), dict(outside.globals))]
    raise TypeError(f"nothing is known of the content of {value!r}")

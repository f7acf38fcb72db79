"""Trained models kept by the content of what made them, so that no lesson trains another lesson's model again."""
from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
import warnings
from pathlib import Path

import platformdirs
import torch

from aecourse.train.history import History
from aecourse.train.state import write


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

    None where something has no source to look at (a function typed at a prompt, say): such a run is not cached.
    """
    digest = hashlib.sha256()
    try:
        for text in [*_sources(model), repr(model), _plain(vars(model)), _plain(arguments), torch.__version__]:
            digest.update(text.encode() + b"\0")
    except (OSError, TypeError):
        return None
    for tensor in [*model.state_dict().values(), *tensors]:
        if tensor is None:
            digest.update(b"none\0")
        else:
            digest.update(f"{tensor.dtype}{list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]


def read(name: str, model) -> History | None:
    """Puts the cached weights into `model`; None where there is no entry, or a damaged one (which is removed)."""
    path = _path(name)
    if path is None or not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["key"] != name or content["digest"] != _digest(content["model"]):
            raise ValueError("its content does not match its digest")
        history = History(**content["history"])
        model.load_state_dict(content["model"])
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
    path = _path(name)
    if path is None:
        return
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    try:
        write(path, {"key": name, "digest": _digest(weights), "model": weights, "history": history.as_dict()})
    except OSError as error:
        warnings.warn(f"the trained model could not be kept in {path.parent} ({error}); set AECOURSE_CACHE to another "
                      "folder, or to 'off'", CacheWarning, stacklevel=3)


def _path(name: str) -> Path | None:
    return None if folder() is None else folder() / f"{name}.pt"


def _digest(weights: dict) -> str:
    digest = hashlib.sha256()
    for name, tensor in weights.items():
        digest.update(f"{name}{tensor.dtype}{list(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _sources(model) -> list[str]:
    """The source of every class that is part of the model, torch's own excepted, and of the training loop."""
    found = {base for module in model.modules() for base in type(module).__mro__
             if base.__module__.split(".")[0] not in ("torch", "builtins")}
    modules = {sys.modules[c.__module__] for c in found if c.__module__.startswith("aecourse.")}
    texts = [inspect.getsource(m) for m in sorted(modules, key=lambda m: m.__name__)]
    texts += [inspect.getsource(c) for c in sorted(found, key=lambda c: c.__qualname__)
              if not c.__module__.startswith("aecourse.")]
    return texts + [inspect.getsource(sys.modules[f"aecourse.train.{part}"]) for part in ("loop", "batches", "schedules")]


def _plain(values: dict) -> str:
    """A stable text of plain values and functions; modules and tensors are covered by structure and weights."""
    def text(value):
        if callable(value) and not isinstance(value, torch.nn.Module) and not isinstance(value, type):
            closed = [text(c.cell_contents) for c in (getattr(value, "__closure__", None) or ())]
            return [inspect.getsource(value), closed]
        if isinstance(value, dict):
            return {str(k): text(v) for k, v in sorted(value.items(), key=lambda item: str(item[0]))}
        if isinstance(value, (list, tuple)):
            return [text(v) for v in value]
        return value if isinstance(value, (str, int, float, bool, type(None))) else str(type(value))
    return json.dumps(text({k: v for k, v in values.items() if not k.startswith("_")}))

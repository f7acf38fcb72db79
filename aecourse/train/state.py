"""Everything a run depends on, gathered, put back, and kept in a file."""
from __future__ import annotations

import hashlib
import os
import pickle
import random
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aecourse import _arguments as check
from aecourse import seeds
from aecourse.train.history import History


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used for this run; the message says why."""


# --- a run ----------------------------------------------------------------------------------------------------------

def take(run) -> dict:
    """A copy of weights, optimiser, averaged weights, the place in the run and every random state."""
    order = run.batches.generator
    return copied({"model": run.model.state_dict(), "optimizer": run.optimizer.state_dict()["state"],
                   "averages": run.averages, "done": run.done, "random": random_state(),
                   "order": None if order is None else order.get_state()})


@torch.no_grad()
def put(taken: dict, run) -> None:
    """The inverse of `take`, in place: a recorded graph keeps reading the same tensors."""
    run.model.load_state_dict(taken["model"])
    for i, parameter in enumerate(run.parameters):
        now, saved = run.optimizer.state[parameter], taken["optimizer"].get(i, {})
        for name in now:                                         # a run that had not begun has nothing saved: zero
            now[name].copy_(saved[name]) if name in saved else now[name].zero_()
        for name in saved.keys() - now.keys():                   # the moments lie beside their parameter, and so does
            fused = run.optimizer.defaults["fused"]              # the count of steps where Adam is fused
            now[name] = saved[name].clone().to(parameter.device if fused or saved[name].dim() else "cpu")
    for mine, saved in zip(run.averages or [], taken["averages"] or []):
        mine.copy_(saved)
    run.done = taken["done"]
    set_random_state(taken["random"])
    if run.batches.generator is not None:
        run.batches.generator.set_state(taken["order"].cpu())


def copied(value):
    """A copy of every tensor inside dicts, lists and tuples."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return type(value)(map(copied, value)) if isinstance(value, (list, tuple)) else value


# --- random numbers -------------------------------------------------------------------------------------------------

def random_state() -> dict:
    """The state of torch's generators on every device, of Python's and of NumPy's, as tensors and plain numbers."""
    version, numbers, gauss = random.getstate()
    kind, keys, *rest = np.random.get_state()
    states = {"cpu": torch.get_rng_state(), "python": (version, torch.tensor(numbers), gauss),
              "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), *rest)}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_state(states: dict) -> None:
    """The inverse of `random_state`."""
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    version, numbers, gauss = states["python"]
    random.setstate((version, tuple(numbers.tolist()), gauss))
    torch.set_rng_state(states["cpu"].cpu())
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([s.cpu() for s in states["cuda"]])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"].cpu())


def seed_all(seed: int) -> None:
    """Starts every generator anew from `seed`."""
    torch.manual_seed(seed)
    random.seed(seeds.moved(seed))
    np.random.seed(seed % 2**32)


@contextmanager
def seeded(seed: int):
    """Every generator started from `seed` inside, and as it was afterwards."""
    before = random_state()
    seed_all(seed)
    try:
        yield
    finally:
        set_random_state(before)


# --- files ----------------------------------------------------------------------------------------------------------

def write(path: Path, content: dict) -> None:
    """`content` into `path`, atomically: a reader finds the old file or the new one, never a part.

    Raises OSError where that is impossible (a full disk, a folder that cannot be written).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save({"content": content, "digest": digest(content)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, RuntimeError):                      # torch's own writer, when the disk is full
            raise OSError(str(error)) from error
        raise


def read(path: Path) -> dict:
    """What `write` wrote, read with weights only; raises ValueError or torch's own errors for anything else."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError("it holds something else than plain weights") from error
    if digest(saved["content"]) != saved["digest"]:              # torch notices a damaged header, but no damaged weight
        raise ValueError("its content does not match its digest")
    return saved["content"]


def digest(content) -> str:
    """A hash of tensors, numbers and texts inside dicts, lists and tuples."""
    total = hashlib.sha256()

    def add(value) -> None:
        if isinstance(value, Tensor):
            total.update(f"{value.dtype}{list(value.shape)}".encode())
            total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        elif isinstance(value, dict):
            for key, item in value.items():
                total.update(f"{key!r}:".encode())
                add(item)
        elif isinstance(value, (list, tuple)):
            total.update(f"{len(value)} items".encode())
            for item in value:
                add(item)
        else:
            total.update(repr(value).encode() + b"\0")
    add(content)
    return total.hexdigest()


# --- checkpoints ----------------------------------------------------------------------------------------------------

def identity(run, settings: dict) -> dict:
    """What two runs must share for one to go on where the other stopped, under names for an error message.

    Schedules are compared at a few uneven points, images by their number and by a sample of them.
    """
    def curve(schedule) -> list[float]:
        return [float(f"{schedule(t):.6g}") for t in (0, 0.03, 0.11, 0.23, 0.37, 0.53, 0.71, 0.97)]

    settings = dict(settings)
    model, transform = run.model, settings.pop("transform")
    return {
        "model": type(model).__name__,
        **{f"model.{name}": value for name, value in vars(model).items()
           if isinstance(value, (bool, int, float, str, tuple)) and not name.startswith("_") and name != "training"},
        **{f"model.{name}": repr(layer) for name, layer in model.named_modules() if not list(layer.children())},
        "schedule": curve(settings.pop("rate")),
        "weights": {name: curve(weight) for name, weight in settings.pop("weights").items()},
        "transform": getattr(transform, "__qualname__", type(transform).__name__),
        **settings, "images": run.batches.description(),
    }


def save_checkpoint(path, its: dict, content: dict, history: History) -> None:
    """One file from which the run goes on bit for bit; a full disk is a warning, not the end of training."""
    try:
        write(Path(path), {"identity": its, "content": content, "history": history.as_dict()})
    except OSError as error:
        warnings.warn(f"checkpoint {path} could not be written ({error}); training goes on without it", RuntimeWarning,
                      stacklevel=4)


def load_checkpoint(path, its: dict, run) -> tuple[dict | None, History] | None:
    """Puts what `save_checkpoint` wrote into the run; its best weights and its history. None where there is no file.

    Raises CheckpointError for a damaged file and for one that belongs to another run.
    """
    if not Path(path).exists():
        return None
    try:
        saved = read(Path(path))
        content, history, found = saved["content"], History(**saved["history"]), saved["identity"]
    except Exception as error:
        raise CheckpointError(f"checkpoint: {path} cannot be read ({error}); delete it to start anew") from error
    for name in [*its, *(found.keys() - its.keys())]:
        if found.get(name) != its.get(name):
            raise CheckpointError(
                f"checkpoint: {path} belongs to a run with {name}={check.described(found.get(name))}, this one has "
                f"{name}={check.described(its.get(name))}; use another file, or delete it to start anew")
    put(content["run"], run)
    return content["best"], history

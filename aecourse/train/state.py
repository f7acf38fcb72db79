"""Everything a run depends on, gathered, put back, and kept in a file."""
from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import torch

from aecourse.train.history import History


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used for this run; the message says why."""


def take(run) -> dict:
    """A copy of weights, optimiser, averaged weights, the place in the run and every random state."""
    taken = {"model": run.model.state_dict(), "optimizer": run.optimizer.state_dict()["state"],
             "averages": run.averages, "done": run.done, "rng": torch.get_rng_state()}
    if torch.cuda.is_available():
        taken["cuda_rng"] = torch.cuda.get_rng_state_all()
    return _cloned(taken)


@torch.no_grad()
def put(taken: dict, run) -> None:
    """The inverse of `take`, in place: a recorded graph keeps reading the same tensors."""
    run.model.load_state_dict(taken["model"])
    for i, parameter in enumerate(run.parameters):
        now, saved = run.optimizer.state[parameter], taken["optimizer"].get(i, {})
        for name in now:                                         # a run that had not begun has nothing saved: zero
            now[name].copy_(saved[name]) if name in saved else now[name].zero_()
        for name in saved.keys() - now.keys():                   # fused Adam keeps all of it beside its parameter
            now[name] = saved[name].clone().to(parameter.device)
    for mine, saved in zip(run.averages or [], taken["averages"] or []):
        mine.copy_(saved)
    run.done = taken["done"]
    torch.set_rng_state(taken["rng"].cpu())
    if "cuda_rng" in taken and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([s.cpu() for s in taken["cuda_rng"]])


def write(path: Path, content) -> None:
    """`content` into `path`, atomically: a reader finds the old file or the new one, never a part."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def save_checkpoint(path, identity: dict, content: dict, history: History) -> None:
    """One file from which the run goes on bit for bit; a full disk is a warning, not the end of training."""
    try:
        write(Path(path), {"identity": identity, "content": content, "history": history.as_dict()})
    except (OSError, RuntimeError) as error:
        warnings.warn(f"checkpoint {path} could not be written ({error}); training goes on without it", RuntimeWarning,
                      stacklevel=3)


def load_checkpoint(path, identity: dict) -> tuple[dict, History] | None:
    """What `save_checkpoint` wrote, read with weights only; None where there is no file.

    Raises CheckpointError for a damaged file and for one that belongs to another run.
    """
    if not Path(path).exists():
        return None
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        content, history, its = saved["content"], History(**saved["history"]), saved["identity"]
    except Exception as error:
        raise CheckpointError(f"checkpoint: {path} cannot be read ({error}); delete it to start anew") from error
    for name, value in identity.items():
        if its.get(name) != value:
            raise CheckpointError(f"checkpoint: {path} belongs to a run with {name}={its.get(name)!r}, this one has "
                                  f"{name}={value!r}; use another file, or delete it to start anew")
    return content, history


def _cloned(value):
    """A copy of every tensor inside dicts and lists."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _cloned(item) for key, item in value.items()}
    return [_cloned(item) for item in value] if isinstance(value, (list, tuple)) else value

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

from aecourse import require, seeds
from aecourse.train import parts
from aecourse.train.fingerprint import fingerprint
from aecourse.train.history import History


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used for this run; the message says why."""


# --- a run ----------------------------------------------------------------------------------------------------------


def take(run) -> dict:
    """A copy of weights, optimiser, averaged weights, the place in the run and every random state."""
    order, trained = run.batches.generator, named(run)
    moments = run.optimizer.state
    return copied(  # pyright: ignore[reportReturnType]
        {
            "model": run.model.state_dict(),
            "done": run.done,
            "random": random_state(),
            "optimizer": {name: moments[p] for name, p in trained.items() if p in moments},
            "averages": None if run.averages is None else dict(zip(trained, run.averages)),
            "order": None if order is None else order.get_state(),
        }
    )


@torch.no_grad()
def put(taken: dict, run) -> None:
    """The inverse of `take`, in place: a recorded graph keeps reading the same tensors."""
    run.model.load_state_dict(taken["model"])
    for name, parameter in named(run).items():
        saved = taken["optimizer"].get(name)
        now = run.optimizer.state[parameter] if saved else run.optimizer.state.get(parameter, {})
        for moment in now:  # a run that had not begun has nothing saved: zero
            now[moment].copy_(saved[moment]) if saved else now[moment].zero_()
        for moment in (
            saved or {}
        ).keys() - now.keys():  # the moments lie beside their parameter, and so does
            fused = run.optimizer.defaults["fused"]  # the count of steps where Adam is fused
            now[moment] = (
                saved[moment]
                .clone()
                .to(parameter.device if fused or saved[moment].dim() else "cpu")
            )
    for mine, saved in zip(run.averages or [], (taken["averages"] or {}).values()):
        mine.copy_(saved)
    run.done = taken["done"]
    order, saved = run.batches.generator, taken["order"]
    if order is not None and saved.shape == order.get_state().shape:
        order.set_state(saved.cpu())
    elif order is not None:  # a file of another kind of device, which draws others:
        for _ in range(
            run.done // run.batches.steps
        ):  # on with the order that this one would have had
            next(iter(run.batches))
    set_random_state(taken["random"])


def named(run) -> dict[str, Tensor]:
    """The parameters that are trained, by their names, in the optimiser's order."""
    names = {parameter: name for name, parameter in run.model.named_parameters()}
    return {names[parameter]: parameter for parameter in run.parameters}


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
    states = {
        "cpu": torch.get_rng_state(),
        "python": (version, torch.tensor(numbers), gauss),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), *rest),  # pyright: ignore[reportAttributeAccessIssue]
    }
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
        torch.cuda.set_rng_state_all([s.cpu() for s in states["cuda"][: torch.cuda.device_count()]])
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


def place(name: str, value) -> Path:
    """`value` as a path, with the home folder in the place of `~`; raises TypeError or ValueError naming `name`."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name}: got {require.described(value)}; accepted is a path")
    path = os.path.expanduser(value)
    if not isinstance(path, str) or path.startswith("~") or "\0" in path:
        raise ValueError(
            f"{name}: got {require.described(value)}; accepted is a path, ~ being a home folder that exists"
        )
    return Path(path)


def write(path: Path, content: dict) -> None:
    """`content` into `path`, atomically: a reader finds the old file or the new one, never a part.

    Raises OSError where that is impossible (a full disk, a folder that cannot be written). A link stays one.
    """
    path = Path(os.path.realpath(path))
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
        if isinstance(error, RuntimeError):  # torch's own writer, when the disk is full
            raise OSError(str(error)) from error
        raise


def read(path: Path) -> dict:
    """What `write` wrote, read with weights only; raises ValueError or torch's own errors for anything else."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError("it holds something else than plain weights") from error
    if not isinstance(saved, dict):
        raise ValueError(f"it holds a {type(saved).__name__}")
    if (
        digest(saved["content"]) != saved["digest"]
    ):  # torch notices a damaged header, but no damaged weight
        raise ValueError("its content does not match its digest")
    return saved["content"]


def digest(content) -> str:
    """A hash of tensors, numbers and texts inside dicts, lists and tuples."""
    total = hashlib.sha256()

    def add(value) -> None:
        if isinstance(value, Tensor):
            total.update(f"{value.dtype}{list(value.shape)}".encode())
            total.update(
                value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
            )
        elif isinstance(value, dict):
            total.update(f"{len(value)} names".encode())
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


def identity(run, settings: dict, held_out=None) -> dict:
    """What two runs must share for one to go on where the other stopped, under names for an error message.

    Schedules are compared at a few uneven points, images by a digest, a transform by its fingerprint.
    """

    def curve(schedule) -> list[float]:
        return [float(f"{schedule(t):.6g}") for t in (0, 0.03, 0.11, 0.23, 0.37, 0.53, 0.71, 0.97)]

    settings = dict(settings)
    layers, transform, kept = (
        dict(run.model.named_modules()),
        settings.pop("transform"),
        run.model.state_dict().keys(),
    )
    attributes = {
        ".".join(filter(None, ("model", path, name))): value
        for path, layer in layers.items()
        for name, value in parts.attributes(layer).items()
    }
    return {
        "model": type(run.model).__name__,
        **{name: value for name, value in attributes.items() if name.count(".") == 1},
        **{
            f"model.{path}": repr(layer)
            for path, layer in layers.items()
            if not list(layer.children())
        },
        **attributes,
        **{
            f"parameter {name}": f"{_form(parameter)}, {'trained' if parameter.requires_grad else 'frozen'}"
            for name, parameter in run.model.named_parameters()
        },
        **{
            f"buffer {name}": _form(buffer)
            + ("" if name in kept else f", digest {digest(buffer)[:8]}")
            for name, buffer in run.model.named_buffers()
        },
        "schedule": curve(settings.pop("rate")),
        "weights": {name: curve(weight) for name, weight in settings.pop("weights").items()},
        "transform": fingerprint(transform),
        **parts.plain(settings),  # pyright: ignore[reportGeneralTypeIssues]
        "images": run.batches.description(),
        "validation": held_out and held_out.description(),
    }


def summary(column: torch.Tensor) -> str:
    """Eight hexadecimal digits of all that a column [N, ...] holds, in one pass over it where it lies.

    A sample of the rows is digested; of every row the bits are added up, and these sums by their places, so that a row
    changed, missing or moved is seen.
    """
    sample = digest(column[:: max(1, len(column) // 100)])
    size = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[column.element_size()]
    real = torch.view_as_real(column) if column.is_complex() else column
    rows = real.contiguous().view(size).flatten(1) if real.dim() > 1 else real.view(size)[:, None]
    sums = rows.sum(1, dtype=torch.int64)
    places = torch.arange(1, len(sums) + 1, device=sums.device)
    total = int((sums * places).sum()), int(sums.sum())
    return hashlib.sha256(f"{sample} {total}".encode()).hexdigest()[:8]


def _form(value) -> str:
    """Shape and dtype of a tensor, in a few words."""
    return f"{list(value.shape)} {str(value.dtype).removeprefix('torch.')}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def save_checkpoint(path: Path, its: dict, content: dict, history: History) -> None:
    """One file from which the run goes on bit for bit; a full disk is a warning, not the end of training."""
    try:
        write(path, {"identity": its, "content": content, "history": history.as_dict()})
    except Exception as error:
        warnings.warn(
            f"checkpoint {path} could not be written ({error}); training goes on without it",
            RuntimeWarning,
            stacklevel=4,
        )


def load_checkpoint(path: Path, its: dict, run) -> tuple[dict | None, History] | None:
    """Puts what `save_checkpoint` wrote into the run; its best weights and its history. None where there is no file.

    Raises CheckpointError for a damaged file and for one that belongs to another run, which stays as it was.
    """
    try:
        saved = read(path)
        content, history, found = saved["content"], History(**saved["history"]), saved["identity"]
        others = [
            name
            for name in [*its, *(found.keys() - its.keys())]
            if found.get(name) != its.get(name)
        ]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except Exception as error:
        if path.exists() and not path.is_file():
            raise CheckpointError(
                f"checkpoint: {path} cannot be read, since it is no file; accepted is the path of a file, which may not exist yet"
            ) from error
        raise CheckpointError(
            f"checkpoint: {path} cannot be read ({_line(error)}); delete it to start anew"
        ) from error
    for name in others:
        raise CheckpointError(
            f"checkpoint: {path} belongs to a run with {name}={require.described(found.get(name))}, this one has "
            f"{name}={require.described(its.get(name))}; use another file, or delete it to start anew"
        )
    before = take(run)
    try:
        _check(content, before, history, run)
        put(content["run"], run)
    except Exception as error:
        put(before, run)
        raise CheckpointError(
            f"checkpoint: {path} does not fit this run ({_line(error)}); use another file, or delete "
            "it to start anew"
        ) from error
    return content["best"], history


def _check(content: dict, mine: dict, history: History, run) -> None:
    """Raises where the content of a file has not the form of what `take` gives of this run: a name, shape or dtype."""
    saved, trained = content["run"], named(run)
    moments = {
        name: {"step": torch.zeros(()), "exp_avg": p, "exp_avg_sq": p}
        for name, p in trained.items()
    }
    alike("model", saved["model"], mine["model"])
    alike(
        "optimizer",
        saved["optimizer"],
        {name: like for name, like in moments.items() if name in saved["optimizer"]},
    )
    alike("averages", saved["averages"], mine["averages"])
    alike(
        "random",
        *(
            {"cpu": states["cpu"], "python": states["python"][:2], "numpy": states["numpy"]}
            for states in (saved["random"], mine["random"])
        ),
    )
    if content["best"] is not None:
        alike("best", content["best"], mine["model"])
    order = saved["order"]
    if (
        (order is None) != (mine["order"] is None)
        or order is not None
        and order.dtype != torch.uint8
    ):
        raise ValueError(
            f"order: {require.described(order)} in the place of {require.described(mine['order'])}"
        )
    if (
        not 0 <= saved["random"]["numpy"][2] <= 624
    ):  # NumPy does not look, and reads beyond its numbers
        raise ValueError("random.numpy: a place outside of its numbers")
    alike(
        "history",
        history.as_dict(),
        {
            "terms": {str(name): [0.0] * history.epochs for name in history.terms},
            "seconds": [0.0] * history.epochs,
            "best_epoch": history.best_epoch and 0,
            "interrupted": False,
            "cached": False,
        },
    )
    alike("done", saved["done"], 0)
    if saved["done"] != history.epochs * run.batches.steps or saved["done"] > run.total:
        raise ValueError(
            f"done: {saved['done']} steps of {run.total}, with a history of {history.epochs} epochs"
        )


def alike(name: str, saved, mine) -> None:
    """Raises ValueError, naming the place, unless `saved` has the names, lengths, shapes and types of `mine`."""
    if isinstance(mine, dict) and isinstance(saved, dict):
        for key in saved.keys() ^ mine.keys():
            raise ValueError(f"{name}: {key!r} is {'missing' if key in mine else 'too many'}")
        for key in mine:
            alike(f"{name}.{key}", saved[key], mine[key])
    elif isinstance(mine, (list, tuple)) and type(saved) is type(mine) and len(saved) == len(mine):
        for i, item in enumerate(mine):
            alike(f"{name}[{i}]", saved[i], item)
    elif not (
        isinstance(mine, Tensor)
        and isinstance(saved, Tensor)
        and _form(saved) == _form(mine)
        or type(mine) in parts.PLAIN
        and (type(saved) is type(mine) or {type(saved), type(mine)} == {int, float})
    ):
        raise ValueError(
            f"{name}: {require.described(saved)} in the place of {require.described(mine)}"
        )

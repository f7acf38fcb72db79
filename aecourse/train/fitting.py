"""`fit`: the training loop with everything around it that can go wrong."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import replace

import torch

from aecourse import require, seeds
from aecourse.train import cache as trained
from aecourse.train import guard, shared, state
from aecourse.train.batches import TensorBatches, as_batches
from aecourse.train.contract import asked_by, check_model, check_terms
from aecourse.train.history import History
from aecourse.train.loop import Run
from aecourse.train.progress import Progress
from aecourse.train.schedules import schedule as as_schedule


def fit(
    model,
    images,
    *,
    epochs: int = 10,
    batch_size: int = 128,
    lr: float = 1e-3,
    schedule="one_cycle",
    weights: dict | None = None,
    transform=None,
    clip: float | None = None,
    ema: float | None = None,
    validation=None,
    keep: str = "last",
    seed: int = 0,
    device=None,
    precision: str = "float32",
    checkpoint=None,
    cache: bool = True,
    progress: bool = True,
    engine=None,
) -> History:
    """Trains `model` in place and returns its History.

    images: Images, a Split, a float32 tensor [N, C, H, W] or a DataLoader. epochs, batch_size: whole numbers; a
    DataLoader brings its own batches. lr: the peak learning rate of Adam. schedule: "one_cycle", "cosine",
    "constant", or a function of progress in [0, 1) that multiplies lr. weights: schedules for arguments of
    `model.loss`, e.g. {"beta": train.warmup(0.2)}. transform: applied to every batch on the device, e.g.
    `data.binarize`. clip: the largest norm of the gradient. ema: the decay of an exponential moving average of the
    weights, which replaces them at the end (0.999, say). validation: Images (their test part), a Split, a tensor or a
    DataLoader, on which the loss is measured after every epoch, without `weights` and `transform`; keep: "last", or
    "best" for the weights of the lowest validation loss. seed: of everything random here; the caller's random state
    is left alone. device: "cpu", "cuda", "mps", or None for the best there is. precision: "float32", or "bf16" for
    autocast. checkpoint: a file written after every epoch, from which an interrupted run goes on bit for bit. cache:
    whether a run made before from the very same parts is read instead of repeated. progress: whether a bar is shown.
    engine: a launched `lightning_fabric.Fabric`, to share the work out among processes (see the page "Scaling out").

    An interrupt (Ctrl-C) returns what was trained so far. Raises TypeError or ValueError before the first step for
    arguments that cannot work, and `Diverged` where a loss or gradient stops being finite.
    """
    device = pick_device(device) if engine is None else shared.device_of(engine, device)
    epochs, seed = (
        require.integer("epochs", epochs),
        require.integer("seed", seed, low=0, high=seeds.HIGHEST),
    )
    require.choice("precision", precision, ("float32", "bf16"))
    if require.choice("keep", keep, ("last", "best")) == "best" and validation is None:
        raise ValueError(
            "validation: got None; accepted with keep='best' is Images, a Split, a tensor or a DataLoader"
        )
    if transform is not None and not callable(transform):
        raise TypeError(
            f"transform: got {require.described(transform)}; accepted is a function of a batch, or None"
        )
    check_model(model)
    batches = as_batches("images", images, model, batch_size, device, seed=seed)
    held_out = (
        None
        if validation is None
        else as_batches("validation", getattr(validation, "test", validation), model, 1000, device)
    )
    takes = [name for name in asked_by(model) if name not in batches.columns]
    plan = {
        "epochs": epochs,
        "precision": precision,
        "transform": transform,
        "lr": require.number("lr", lr, low=0, above=True),
        "rate": as_schedule("schedule", schedule),
        "weights": {
            require.choice("weights", name, takes): as_schedule(f"weights[{name!r}]", value)
            for name, value in (weights or {}).items()
        },
        "clip": None if clip is None else require.number("clip", clip, low=0, above=True),
        "ema": None if ema is None else require.number("ema", ema, low=0, high=1),
    }
    settings = {**plan, "batch_size": batches.batch_size, "seed": seed, "keep": keep}
    checkpoint = None if checkpoint is None else state.place("checkpoint", checkpoint)

    name, found = None, None
    if (
        cache
        and engine is None
        and (checkpoint is None or not os.path.lexists(checkpoint))
        and all(isinstance(part, (TensorBatches, type(None))) for part in (batches, held_out))
    ):
        tensors = [batches.columns, held_out.columns if held_out else {}]
        name = trained.key(
            model,
            tensors,
            {**settings, "seed": seeds.moved(seed), "device": device.type},
            epochs * batches.steps,
        )
        found = None if name is None else trained.read(name, model)
        if found is not None and checkpoint is None:
            model.to(device).eval()
            Progress(1, 0, progress).close(repr(found))
            return found

    around = torch.autocast(device.type, enabled=False)  # the caller's would change validation
    with state.seeded(seed), torch.inference_mode(False), torch.enable_grad(), around:
        if engine is None:
            run = Run(model, batches, device=device, **plan)
        else:
            run = shared.SharedRun(model, batches, device=device, **plan, engine=engine, seed=seed)
        history = _train(run, held_out, epochs, keep, settings, checkpoint, progress, found)
    if name is not None and found is None and not history.interrupted:
        trained.save(name, model, history)
    return history


def _train(
    run: Run,
    held_out,
    epochs: int,
    keep: str,
    settings: dict,
    checkpoint,
    progress: bool,
    found: History | None,
) -> History:
    """The epochs of a run, from its checkpoint if there is one; leaves in the model what is to be kept.

    found: the history of a run whose weights were read from the cache, of which only a checkpoint is to be made.
    """
    history, best, identity = History(), None, {}
    if checkpoint is not None:
        identity = state.identity(run, settings, held_out)
        if (saved := state.load_checkpoint(checkpoint, identity, run)) is not None:
            best, history = saved
    if found is not None and checkpoint is not None:
        run.done, history, best = run.total, found, state.copied(run.model.state_dict())
        content = {"run": state.take(run), "best": best}
        state.save_checkpoint(checkpoint, identity, content, replace(history, cached=False))
    bar = Progress(run.total, run.done, progress and run.rank == 0)
    try:
        for epoch in range(history.epochs, epochs):
            start, began = state.take(run), time.perf_counter()
            means = run.epoch(bar.step)
            if not guard.finite(means, run):
                raise guard.diverged(run, start, epoch, history)
            seconds = time.perf_counter() - began
            with run.averaged():
                if held_out is not None:
                    means.update(validate(run.model, held_out))
                if keep == "best" and means["val_loss"] < history.lowest("val_loss"):
                    best, history.best_epoch = state.copied(run.model.state_dict()), epoch
            history.add(means, seconds)
            if checkpoint is not None and run.rank == 0:
                state.save_checkpoint(
                    checkpoint, identity, {"run": state.take(run), "best": best}, history
                )
            bar.epoch(epoch + 1, epochs, means["loss"])
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        run.optimizer.zero_grad(set_to_none=True)
        run.model.eval()
        bar.close(repr(history))
    if history.epochs:
        run.swap()
    if best is not None:
        run.model.load_state_dict(best)
    elif keep == "best" and history.epochs:
        warnings.warn(
            "keep='best': the validation loss was a finite number after no epoch; the last weights are kept",
            RuntimeWarning,
            stacklevel=3,
        )
    return history


def pick_device(device=None) -> torch.device:
    """The device asked for, or the best there is: CUDA, then Apple's MPS, then the CPU."""
    if device is None:
        device = (
            "cuda"
            if torch.cuda.is_available()
            else "mps"
            if torch.backends.mps.is_available()
            else "cpu"
        )
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"device: got {device!r}; accepted is 'cpu', 'cuda', 'mps' or None"
        ) from error
    count = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    if (device.index or 0) >= count.get(device.type, 0):
        found = ", ".join(repr(kind) for kind, number in count.items() if number)
        raise ValueError(
            f"device: got {str(device)!r}, which this machine does not have; accepted here is {found}"
        )
    return device


@torch.no_grad()
def validate(model, batches) -> dict[str, float]:
    """The mean of each term over held-out images, in evaluation mode, with the same noise at every call."""
    model.eval()
    sums, count = {}, 0
    with state.seeded(0):
        for batch in batches:
            x = batch.pop("x")
            terms = model.loss(x, **batch)
            check_terms(model, terms, sums, trained=False)
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + term * len(x)
            count += len(x)
    return {f"val_{name}": (value / count).item() for name, value in sums.items()}


trained.remember()

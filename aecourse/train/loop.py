"""The training loop. It knows no model: it asks `model.loss(x)` for scalar terms and minimises "loss".

It is fast because it avoids work, not because it is clever: the images are one tensor on the device, an epoch is one
permutation of its rows, nothing is read back to the host before the epoch is over, and Adam is the fused one. `Run`
is the loop itself; `fit` checks what it is given, and deals with caches, checkpoints and interruptions.
"""
from __future__ import annotations

import inspect
import time

import torch
from torch import Tensor, nn

from aecourse import _arguments as check
from aecourse.train import cache as trained
from aecourse.train import graphs, guard, state
from aecourse.train.batches import TensorBatches, as_batches
from aecourse.train.history import History
from aecourse.train.progress import Progress
from aecourse.train.schedules import schedule as as_schedule


class Run:
    """A model, its batches and its optimiser, and the few lines that bring them together."""

    def __init__(self, model, batches, *, epochs, lr, rate, weights, transform, clip, ema, precision, device):
        self.model, self.batches, self.device = model.to(device), batches, device
        self.lr, self.rate, self.weights, self.transform = lr, rate, weights, transform
        self.clip, self.ema, self.bf16 = clip, ema, precision == "bf16"
        self.total, self.done = epochs * batches.steps, 0
        self.wants_labels = "labels" in inspect.signature(model.loss).parameters
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        graphed = device.type == "cuda" and isinstance(batches, TensorBatches)
        self.optimizer = torch.optim.Adam(self.parameters, lr=torch.tensor(lr, device=device) if graphed else lr,
                                          fused=device.type in ("cpu", "cuda"), capturable=graphed)
        self.averages = None if ema is None else [p.detach().clone() for p in self.parameters]
        self.asked = {name: torch.zeros((), device=device) if graphed else 0.0 for name in weights}
        self.take_step = graphs.Graphed(self) if graphed else self.step

    def epoch(self, on_step=lambda: None) -> dict[str, float]:
        """Every image once, in a fresh order; the mean of each term, read back only at the end."""
        self.model.train()
        trace, sizes = [], []
        for batch in self.batches:
            self.set_schedules(self.done / self.total)
            trace.append(self.take_step(batch))
            sizes.append(len(batch[0]))
            self.done += 1
            on_step()
        shares = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)
        return dict(zip(self.names, (torch.stack(trace).double().cpu() * shares[:, None]).sum(0).tolist()))

    def step(self, batch: tuple[Tensor, Tensor | None]) -> Tensor:
        """One update of the weights; the terms of the loss [terms], still on the device."""
        terms = self.forward_backward(batch)
        self.update()
        self.names = list(terms)
        return torch.stack([term.detach() for term in terms.values()])

    def forward_backward(self, batch) -> dict[str, Tensor]:
        x, labels = batch
        x = x if self.transform is None else self.transform(x)
        asked = {**self.asked, "labels": labels} if self.wants_labels else self.asked
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            terms = self.model.loss(x, **asked)
        terms["loss"].backward()
        return terms

    def update(self) -> None:
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def set_schedules(self, t: float) -> None:
        """Learning rate and loss weights at progress t, and the averaged weights of the step before."""
        _set(self.optimizer.param_groups[0], "lr", self.lr * self.rate(t))
        for name, weight in self.weights.items():
            _set(self.asked, name, weight(t))
        if self.ema is not None:
            torch._foreach_lerp_(self.averages, self.parameters, 1 - min(self.ema, (1 + self.done) / (10 + self.done)))


def fit(model, images, *, epochs: int = 10, batch_size: int = 128, lr: float = 1e-3, schedule="one_cycle",
        weights: dict | None = None, transform=None, clip: float | None = None, ema: float | None = None,
        validation=None, keep: str = "last", seed: int = 0, device=None, precision: str = "float32",
        checkpoint=None, cache: bool = True, progress: bool = True) -> History:
    """Trains `model` in place and returns its History.

    images: Images, a Split, a float32 tensor [N, C, H, W] or a DataLoader. epochs, batch_size: whole numbers; a
    DataLoader brings its own batches. lr: the peak learning rate of Adam. schedule: "one_cycle", "cosine",
    "constant", or a function of progress in [0, 1) that multiplies lr. weights: schedules for arguments of
    `model.loss`, e.g. {"beta": train.warmup(0.2)}. transform: applied to every batch on the device, e.g.
    `data.binarize`. clip: the largest norm of the gradient. ema: the decay of an exponential moving average of the
    weights, which replaces them at the end (0.999, say). validation: Images (their test part), a Split or a tensor,
    on which the loss is measured after every epoch; keep: "last", or "best" for the weights of the lowest validation
    loss. seed: of everything random here; the caller's random state is left alone. device: "cpu", "cuda", "mps", or
    None for the best there is. precision: "float32", or "bf16" for autocast. checkpoint: a file written after every
    epoch, from which an interrupted run goes on bit for bit. cache: whether a run made before from the very same
    parts is read instead of repeated. progress: whether a bar is shown.

    An interrupt (Ctrl-C) returns what was trained so far. Raises TypeError or ValueError before the first step for
    arguments that cannot work, and `Diverged` where a loss or gradient stops being finite.
    """
    device = pick_device(device)
    epochs, seed = check.integer("epochs", epochs), check.integer("seed", seed, low=0)
    check.choice("precision", precision, ("float32", "bf16"))
    if check.choice("keep", keep, ("last", "best")) == "best" and validation is None:
        raise ValueError("validation: got None; accepted with keep='best' is Images, a Split or a tensor")
    takes = [name for name in inspect.signature(model.loss).parameters if name not in ("x", "labels")]
    plan = {
        "epochs": epochs, "precision": precision, "transform": transform,
        "lr": check.number("lr", lr, low=0, above=True), "rate": as_schedule("schedule", schedule),
        "weights": {check.choice("weights", name, takes): as_schedule(f"weights[{name!r}]", value)
                    for name, value in (weights or {}).items()},
        "clip": None if clip is None else check.number("clip", clip, low=0, above=True),
        "ema": None if ema is None else check.number("ema", ema, low=0, high=1),
    }
    batches = as_batches("images", images, model, batch_size, device)
    held_out = None if validation is None else as_batches(
        "validation", getattr(validation, "test", validation), model, 1000, device)

    name = None
    if cache and trained.folder() is not None and isinstance(batches, TensorBatches):
        parts = [batches.x, batches.labels] + ([held_out.x, held_out.labels] if held_out else [])
        name = trained.key(model, parts, {**plan, "batch_size": batches.batch_size, "seed": seed, "keep": keep,
                                          "device": device.type})
        history = None if name is None else trained.read(name, model)
        if history is not None:
            model.to(device).eval()
            Progress(1, 0, progress).close(repr(history))
            return history

    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        run, history, best = Run(model, batches, device=device, **plan), History(), None
        identity = {"epochs": epochs, "batch_size": batches.batch_size, "seed": seed, "lr": plan["lr"], "clip": clip,
                    "ema": ema, "keep": keep, "precision": precision}
        if checkpoint is not None and (saved := state.load_checkpoint(checkpoint, identity)) is not None:
            content, history = saved
            state.put(content["run"], run)
            best = content["best"]
        bar = Progress(run.total, run.done, progress)
        try:
            for epoch in range(history.epochs, epochs):
                start, began = state.take(run), time.perf_counter()
                means = run.epoch(bar.step)
                if not guard.finite(means, run):
                    raise guard.diverged(run, start, epoch, history)
                seconds = time.perf_counter() - began
                if held_out is not None:
                    means.update(validate(model, held_out))
                history.add(means, seconds)
                if keep == "best" and means["val_loss"] == min(history["val_loss"]):
                    best, history.best_epoch = state.take(run)["model"], epoch
                if checkpoint is not None:
                    state.save_checkpoint(checkpoint, identity, {"run": state.take(run), "best": best}, history)
                bar.epoch(epoch + 1, epochs, means["loss"])
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            bar.close(repr(history))
        if ema is not None and history.epochs:
            run.set_schedules(1.0)
            torch._foreach_copy_([p.data for p in run.parameters], run.averages)
        if best is not None:
            model.load_state_dict(best)
    model.eval()
    if name is not None and not history.interrupted:
        trained.save(name, model, history)
    return history


def pick_device(device=None) -> torch.device:
    """The device asked for, or the best there is: CUDA, then Apple's MPS, then the CPU."""
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device: got {device!r}; accepted is 'cpu', 'cuda', 'mps' or None") from error
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False):
        found = ", ".join(repr(kind) for kind, present in there.items() if present)
        raise ValueError(f"device: got {str(device)!r}, which this machine does not have; accepted here is {found}")
    return device


@torch.no_grad()
def validate(model, batches) -> dict[str, float]:
    """The mean of each term over held-out images, in evaluation mode, with the same noise at every call."""
    model.eval()
    sums, count = {}, 0
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(0)
        for x, labels in batches:
            asked = {"labels": labels} if "labels" in inspect.signature(model.loss).parameters else {}
            for name, term in model.loss(x, **asked).items():
                sums[name] = sums.get(name, 0.0) + term * len(x)
            count += len(x)
    return {f"val_{name}": (value / count).item() for name, value in sums.items()}


def _set(where: dict, name: str, value: float) -> None:
    """A number where a number stands; the content of the tensor where a tensor does (a recorded graph reads it)."""
    if isinstance(where[name], Tensor):
        where[name].fill_(value)
    else:
        where[name] = value

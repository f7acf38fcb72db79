"""How every measure is taken: of a model that has what it needs; nothing trains, nothing is left changed."""

from __future__ import annotations

import inspect
import itertools
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from aecourse import require, seeds
from aecourse.data import standard
from aecourse.models.posterior import Posterior


@contextmanager
def measuring(model, seed: int):
    """Evaluation mode, no gradients, seeded noise, standard defaults; model and random state are left as they were."""
    modes = [(module, module.training) for module in model.modules()]
    first = next(itertools.chain(model.parameters(), model.buffers()), None)
    seed = require.integer("seed", seed, low=0, high=seeds.HIGHEST)
    model.eval()
    try:
        with (
            torch.no_grad(),
            torch.random.fork_rng(devices=range(torch.cuda.device_count())),
            standard(),
        ):
            torch.manual_seed(seed)
            yield torch.device("cpu") if first is None else first.device
    finally:
        for module, mode in modes:
            module.training = mode


def needs(model, *wanted: str) -> None:
    """Raises TypeError where `model` is no module with all that is wanted, e.g. "decoder" or "decode(z)"."""
    if not isinstance(model, nn.Module) or not all(_has(model, part) for part in wanted):
        raise TypeError(
            f"model: got {type(model).__name__}; accepted is a model with {' and '.join(wanted)}"
        )


def fitting(model, x: Tensor, *wanted: str, spoiled: bool = False) -> Tensor:
    """`x`, if the model has all that is wanted and takes such images [N, ...]; raises an error otherwise.

    spoiled: whether noisy images pass too, whose pixels leave the model's range by a little.
    """
    needs(model, "shape", *wanted)
    require.batch("x", x, model.shape)
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), x.dtype)
    if x.dtype != dtype:
        raise ValueError(
            f"x: got {require.described(x)}; accepted is {str(dtype).removeprefix('torch.')}, the model's"
        )
    low, high = (bound.item() for bound in torch.aminmax(x.detach()))
    if not low > -float("inf") or not high < float("inf"):
        raise ValueError("x: got NaN or infinite pixels; accepted are finite numbers")
    allowed = getattr(model, "input_range", None)
    if high > 50 and (allowed or x.dim() == 4):
        raise ValueError(
            f"x: got pixels up to {high:g}, which look like 0-255; accepted is [0, 1]: divide by 255"
        )
    if allowed and not spoiled and (low < allowed[0] or high > allowed[1]):
        raise ValueError(
            f"x: got pixels in [{low:g}, {high:g}]; accepted by {type(model).__name__} is "
            f"[{allowed[0]:g}, {allowed[1]:g}]"
        )
    return x


def gaussian(model, x: Tensor) -> tuple[Tensor, Tensor]:
    """mu and log-variance of q(z|x) [B, latent_dim]; raises TypeError where q is no diagonal Gaussian."""
    q = model.posterior(x)
    if not isinstance(q, Posterior) or not q.gaussian:
        raise TypeError(
            f"model: got {type(model).__name__}, whose q(z|x) is no diagonal Gaussian; "
            "accepted is a model whose posterior(x) is one"
        )
    return q.mu, q.log_var


def _has(model, part: str) -> bool:
    """Whether the model has an attribute "name" or a method "name(x, y)" that takes as many arguments."""
    name, _, arguments = part.rstrip(")").partition("(")
    try:
        value = getattr(model, name)
        return not arguments or bool(inspect.signature(value).bind(*arguments.split(", ")))
    except (AttributeError, TypeError, ValueError):
        return False

"""Two posteriors in the plane that are known exactly, and the bent Gaussians that come nearest to them."""

from __future__ import annotations

import math
from functools import cache, partial

import torch
from torch import Tensor

from aecourse import require
from aecourse.models.posterior import Posterior, planar

TARGETS = ("banana", "two humps")
_target = partial(require.choice, options=TARGETS)


def _places(name: str, z) -> Tensor:
    if not isinstance(z, Tensor) or not z.dim() or z.shape[-1] != 2:
        raise ValueError(f"{name}: got {require.described(z)}; accepted is a tensor [..., 2]")
    return z


def _normal(off: Tensor, sigma: float) -> Tensor:
    """log N(off; 0, sigma^2)."""
    return -0.5 * (off / sigma).square() - math.log(sigma) - 0.5 * math.log(2 * math.pi)


@require.checked(z=_places, target=_target)
def log_joint(z: Tensor, target: str = "banana") -> Tensor:
    """log p(x, z) of codes z [..., 2] for the one observation x of a known model: nats [...].

    In both z ~ N(0, I). "banana": x = z_2 + z_1^2 plus noise of standard deviation 0.4, and x = 1 was seen.
    "two humps": x = 2 z_1 or -2 z_1, either with probability 1/2, plus noise of 0.6, and x = 2 was seen.
    """
    log_prior = -0.5 * z.square().sum(-1) - math.log(2 * math.pi)
    if target == "banana":
        return log_prior + _normal(1 - z[..., 1] - z[..., 0].square(), 0.4)
    sides = [_normal(2 - sign * 2 * z[..., 0], 0.6) for sign in (1, -1)]
    return log_prior + sides[0].logaddexp(sides[1]) - math.log(2)


@require.checked(target=_target)
@cache
def log_evidence(target: str = "banana") -> float:
    """log p(x) of the observation, by a sum over a fine grid of the plane."""
    z, step = grid(6.0, 601)
    return (torch.logsumexp(log_joint(z, target).flatten(), 0) + 2 * math.log(step)).item()


@require.checked(extent=partial(require.number, low=0, above=True), side=require.integer)
def grid(extent: float = 5.0, side: int = 41) -> tuple[Tensor, float]:
    """The points of a square grid, float64 [side, side, 2], first coordinate along the columns; and their spacing."""
    line = torch.linspace(-extent, extent, side, dtype=torch.float64)
    across, up = torch.meshgrid(line, line, indexing="xy")
    return torch.stack([across, up], -1), (2 * extent / (side - 1))


def push(e: Tensor, q: Posterior) -> tuple[Tensor, Tensor]:
    """Where a standard normal draw e [..., 1, k] lands under each of the B members of q, and log q there: [..., B, k], [..., B]."""
    log_q = -0.5 * (e.square() + math.log(2 * math.pi)).sum(-1) - 0.5 * q.log_var.sum(1)
    bends = () if q.u is None or q.w is None or q.b is None else (q.u, q.w, q.b)
    for u, w, b in zip(*bends):
        e, log_det = planar(e, u, w, b)
        log_q = log_q - log_det  # stretched space is thinner
    return q.mu + torch.exp(0.5 * q.log_var) * e, log_q


def divergence(q: Posterior, target: str = "banana", *, side: int = 81) -> Tensor:
    """KL(q || p(z|x)) of each of the B members of q, by a sum over a grid of the undistorted draws: nats [B]."""
    e, step = grid(5.0, side)
    e = e.view(-1, 1, 2)
    share = step**2 * torch.exp(-0.5 * e.square().sum(2)) / (2 * math.pi)
    z, log_q = push(e, q)
    return (share * (log_q - log_joint(z, target))).sum(0) + log_evidence(target)


@require.checked(
    steps=partial(require.integer, low=0),
    target=_target,
    tries=require.integer,
    seed=partial(require.integer, low=0),
)
def fit(steps: int, target: str = "banana", *, tries: int = 64, seed: int = 0) -> Posterior:
    """The Gaussian bent by `steps` planar steps that has the least KL to the posterior, as far as a search by Adam finds it.

    It sets out from `tries` random starts, on a coarse grid, and goes on with the best four of them on a finer one.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape, scale=1.0):
        return scale * torch.randn(shape, generator=generator, dtype=torch.float64)

    start = {"mu": normal(tries, 2), "log_var": normal(tries, 2) - 1}
    if steps:
        start |= {name: normal(steps, tries, 2, scale=1.5) for name in ("u", "w")}
        start["b"] = normal(steps, tries)
    some = _descend(start, target, side=17, iterations=120)
    lost = divergence(Posterior(**some), target, side=31)
    kept = _descend(_members(some, lost.argsort()[:4]), target, side=31, iterations=250)
    least = divergence(Posterior(**kept), target).argmin()
    return Posterior(**_members(kept, least[None]))


def _members(parts: dict[str, Tensor], which: Tensor) -> dict[str, Tensor]:
    """Some of the B members of a family, all of whose tensors have B as last or last but one dimension."""
    return {
        name: part[..., which] if name == "b" else part[..., which, :]
        for name, part in parts.items()
    }


def _descend(
    parts: dict[str, Tensor], target: str, side: int, iterations: int
) -> dict[str, Tensor]:
    """Adam on the KL of all members at once, its rate falling from 0.1 to 0."""
    free = {name: part.clone().requires_grad_() for name, part in parts.items()}
    adam = torch.optim.Adam(free.values(), lr=0.1)
    for step in range(iterations):
        adam.param_groups[0]["lr"] = 0.05 * (1 + math.cos(math.pi * step / iterations))
        adam.zero_grad()
        divergence(Posterior(**free), target, side=side).sum().backward()
        adam.step()
    return {name: part.detach() for name, part in free.items()}

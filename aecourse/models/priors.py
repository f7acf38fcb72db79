"""Priors to draw codes from. An adversarial autoencoder needs draws of its prior and nothing else, no density.

A sampler is a function of how many codes are wanted: prior(n) -> [n, latent_dim].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from aecourse import require

ARMS, RADIUS, ALONG, ACROSS = 10, 2.0, 0.5, 0.12  # the mixture: ten long clouds around the origin
TURNS, OUTER, THICK = 1.5, 3.0, 0.1  # the swiss roll: a spiral of one and a half turns


def gaussian(n: int, latent_dim: int, device=None) -> Tensor:
    """`n` draws from N(0, I): [n, latent_dim]."""
    return torch.randn(n, latent_dim, device=device)


def mixture(n: int, latent_dim: int = 2, device=None) -> Tensor:
    """`n` draws from ten Gaussians in the plane, which lie around the origin like the petals of a flower: [n, 2].

    Each is longer along its ray (0.5) than across it (0.12); the centres are 2 away from the origin.
    Source: the shape of Makhzani et al. 2015, figure 2.
    """
    angle = torch.randint(ARMS, (n,), device=device) * (2 * math.pi / ARMS)
    along, across = torch.randn(2, n, device=device) * torch.tensor(
        [[ALONG], [ACROSS]], device=device
    )
    ray = torch.stack([angle.cos(), angle.sin()], dim=1)
    side = torch.stack([-angle.sin(), angle.cos()], dim=1)
    return (RADIUS + along)[:, None] * ray + across[:, None] * side


def spiral(t: Tensor) -> Tensor:
    """The middle line of the swiss roll at the shares t [n] of its radius, from 0 to 1: [n, 2]."""
    angle = 2 * math.pi * TURNS * t
    return OUTER * t[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)


def swiss_roll(n: int, latent_dim: int = 2, device=None) -> Tensor:
    """`n` draws from a spiral of one and a half turns in the plane, 3 wide, as dense at its end as at its start: [n, 2].

    At the share t of its radius a turn is t times as long as at the end, so t is the root of a uniform draw.
    """
    t = torch.rand(n, device=device).sqrt()
    return spiral(t) + THICK * torch.randn(n, 2, device=device)


NAMED = {"gaussian": gaussian, "mixture": mixture, "swiss_roll": swiss_roll}


def given(prior, latent_dim: int):
    """`prior`, if it is a name of these or a function n -> [n, latent_dim]; raises TypeError or ValueError otherwise."""
    if isinstance(prior, str):
        require.choice("prior", prior, NAMED)
        if prior != "gaussian" and latent_dim != 2:
            raise ValueError(
                f"latent_dim: got {latent_dim}; accepted with prior={prior!r} is 2, since it lies in the plane"
            )
        return prior
    if not isinstance(prior, Callable):
        names = ", ".join(map(repr, NAMED))
        raise TypeError(
            f"prior: got {require.described(prior)}; accepted is {names} or a function n -> codes [n, {latent_dim}]"
        )
    with torch.random.fork_rng(devices=[]):
        checked(prior(3), 3, latent_dim)
    return prior


def checked(z, n: int, latent_dim: int) -> Tensor:
    """`z`, if it is what a sampler was asked for."""
    if not isinstance(z, Tensor) or tuple(z.shape) != (n, latent_dim) or not z.is_floating_point():
        raise ValueError(
            f"prior: got {require.described(z)} when asked for {n} codes; "
            f"accepted is a floating-point tensor [{n}, {latent_dim}]"
        )
    return z


def draw(prior, n: int, latent_dim: int, like: Tensor) -> Tensor:
    """`n` codes [n, latent_dim] from a prior as `given` returns it, on the device and of the dtype of `like`."""
    if isinstance(prior, str):
        return NAMED[prior](n, latent_dim, like.device).to(like.dtype)
    return checked(prior(n), n, latent_dim).to(like)

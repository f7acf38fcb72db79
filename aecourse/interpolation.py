"""Ways from one point to another: straight, along a sphere, and along the surface that a decoder draws.

A path is a tensor [T, N, ...]: T places on each of N ways. Places are codes or images; lengths are Euclidean, over all
numbers of one place (for images: over pixels).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from aecourse import require

Decoder = Callable[[Tensor], Tensor]  # codes [N, D] -> images [N, ...]


def linear(a: Tensor, b: Tensor, t) -> Tensor:
    """(1 - t) a + t b. a, b of one shape; t a number, or a tensor [T], which gives [T, *a.shape].

    Of two images this is the pixel blend, of two codes the straight line.
    """
    t = _times(a, b, t)
    return (1 - t) * a + t * b


def slerp(a: Tensor, b: Tensor, t) -> Tensor:
    """Along the arc from a to b: a, b [..., D] and t as in `linear`.

    The angle is that between the directions of a and b; where the two are equally long, the path keeps that length and
    turns at constant speed, else it passes from one length to the other and is only nearly an arc.
    Below an angle of 1e-3 it is the straight line, which differs from the arc by less than rounding. Opposite directions
    raise ValueError: no arc between them is shorter than the others. Source: Shoemake 1985; for codes, White 2016.
    """
    t = _times(a, b, t)
    omega = _angle(a, b)
    near = omega < 1e-3  # an arc so short is a straight line
    sine = torch.where(near, 1.0, omega.sin())
    weight_a = torch.where(near, 1 - t, ((1 - t) * omega).sin() / sine)
    weight_b = torch.where(near, t, (t * omega).sin() / sine)
    return weight_a * a + weight_b * b


def decoded(decode: Decoder, path: Tensor) -> Tensor:
    """Every place of a path of codes [T, N, D] as an image: [T, N, ...]."""
    return decode(path.flatten(0, 1)).unflatten(0, path.shape[:2])


def step_lengths(path: Tensor) -> Tensor:
    """How far apart neighbouring places of a path [T, N, ...] are: [T - 1, N]."""
    return _path(path).diff(dim=0).flatten(2).norm(dim=2)


def path_length(path: Tensor) -> Tensor:
    """The sum of the steps of a path [T, N, ...]: [N]."""
    return step_lengths(path).sum(0)


def jumpiness(path: Tensor) -> Tensor:
    """The largest step of a path [T, N, ...] over its mean step: [N], at least 1, and 1 at constant speed."""
    steps = step_lengths(path)
    return steps.amax(0) / steps.mean(0)


def energy(path: Tensor) -> Tensor:
    """T - 1 times the sum of the squared steps of a path [T, N, ...]: [N].

    At least the squared length, and equal to it at constant speed (Cauchy-Schwarz), so that the path of least energy is
    a shortest one with its places evenly spread.
    """
    return (len(path) - 1) * step_lengths(path).square().sum(0)


def pullback_metric(decode: Decoder, z: Tensor) -> Tensor:
    """G(z) = J^T J with J the derivative of the decoded image: z [N, D] -> [N, D, D].

    A small step dz of the code moves the image by sqrt(dz^T G dz). Source: Arvanitidis, Hansen & Hauberg 2018, for a
    decoder without noise.
    """

    def one(code: Tensor) -> Tensor:
        return decode(code[None]).flatten()

    J = torch.func.vmap(torch.func.jacfwd(one))(z)  # [N, pixels, D]
    return J.mT @ J


@require.checked(places=partial(require.integer, low=3), steps=require.integer)
def geodesic(
    decode: Decoder,
    a: Tensor,
    b: Tensor,
    *,
    places: int = 24,
    steps: int = 100,
    start: Tensor | None = None,
) -> Tensor:
    """A path of codes [places, N, D] from a to b, both [N, D], whose decoded images take the shortest way.

    Begins at the straight line, or at the path `start` [places, N, D], and moves the places between the ends by L-BFGS,
    with at most `steps` evaluations, down the energy of the decoded paths, all N at once (Shao, Kumar & Fletcher 2018,
    whose algorithm 1 does so by plain gradient descent). It finds ways that no small change shortens; there may be
    shorter ones elsewhere, which other starts may find.
    """
    t = torch.linspace(0, 1, places, dtype=a.dtype)
    path = linear(a, b, t).detach() if start is None else _from_to(start, a, b).detach()
    inner = path[1:-1].clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [inner],  # the ends stay where they are
        max_iter=steps,
        max_eval=steps,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def total() -> Tensor:
        whole = torch.cat([path[:1], inner, path[-1:]])
        value = energy(decoded(decode, whole)).sum()
        inner.grad = torch.autograd.grad(value, inner)[0]
        return value

    optimizer.step(total)
    return torch.cat([path[:1], inner.detach(), path[-1:]])


def refined(path: Tensor, factor: int) -> Tensor:
    """The same path [T, N, D] with every step cut into `factor` equal ones: [(T - 1) factor + 1, N, D]."""
    parts = (
        torch.arange(require.integer("factor", factor), dtype=path.dtype, device=path.device)
        / factor
    )
    between = linear(path[:-1], path[1:], parts).transpose(0, 1).flatten(0, 1)
    return torch.cat([between, path[-1:]])


def _from_to(start: Tensor, a: Tensor, b: Tensor) -> Tensor:
    if start.dim() != 3 or len(start) < 3 or start.shape[1:] != a.shape:
        raise ValueError(
            f"start: got {require.described(start)}; accepted is a path [T, {', '.join(map(str, a.shape))}] with T of "
            "at least 3"
        )
    if not (torch.allclose(start[0], a, atol=1e-5) and torch.allclose(start[-1], b, atol=1e-5)):
        raise ValueError(
            "start: got a path with other ends; accepted is one that leads from a to b"
        )
    return torch.cat([a[None], start[1:-1], b[None]])


def _path(path: Tensor) -> Tensor:
    if path.dim() < 3 or len(path) < 2:
        raise ValueError(
            f"path: got {require.described(path)}; accepted is a tensor [T, N, ...] with T of at least 2"
        )
    return path


def _angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between a and b, [..., D] -> [..., 1] in radians, by the tangent of its half: exact near 0 and pi too."""
    if not (a.norm(dim=-1).all() and b.norm(dim=-1).all()):
        raise ValueError(
            "a, b: got a vector of length 0, which has no direction; accepted are vectors of any other length"
        )
    u, v = (c / c.norm(dim=-1, keepdim=True) for c in (a, b))
    omega = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    if (omega > torch.pi - 1e-3).any():
        raise ValueError(
            "a, b: got vectors of opposite directions, between which every half circle is equally long; "
            "accepted are directions less than 180 degrees apart"
        )
    return omega


def _times(a: Tensor, b: Tensor, t) -> Tensor:
    """`t` so shaped that it multiplies a; a tensor [T] gets a dimension of its own in front."""
    if a.shape != b.shape or a.dtype != b.dtype or not a.is_floating_point():
        raise ValueError(
            f"b: got {require.described(b)} beside a, {require.described(a)}; accepted are two floating-point tensors "
            "of one shape and dtype"
        )
    if not isinstance(t, Tensor):
        return a.new_tensor(require.number("t", t))
    if t.dim() != 1:
        raise ValueError(f"t: got {require.described(t)}; accepted is a number or a tensor [T]")
    return t.to(a).view(-1, *[1] * a.dim())

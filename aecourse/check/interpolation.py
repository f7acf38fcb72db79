"""Checkers of lesson 08."""
from __future__ import annotations

import math
from typing import Callable

import torch
from torch import Tensor

from aecourse import interpolation
from aecourse.check.core import Answer, Named, compare


def slerp(function) -> Answer:
    """function(a, b, t) -> the place t on the arc from a to b, rows of [N, D] each; t a number from 0 to 1."""
    def angle(a: Tensor, b: Tensor, *, unit: bool = True, whole: bool = False) -> Tensor:
        dim = None if whole else -1
        cosine = (a * b).sum(dim, keepdim=not whole)
        if unit:
            cosine = cosine / (a.norm(dim=dim, keepdim=not whole) * b.norm(dim=dim, keepdim=not whole))
        return torch.acos(cosine)

    def along(a, b, t, omega, sine=torch.sin):
        return torch.sin((1 - t) * omega) / sine(omega) * a + torch.sin(t * omega) / sine(omega) * b

    def normalised(c):
        return c / c.norm(dim=-1, keepdim=True)

    mistakes = {
        "that is the straight line, the chord; the weights of an arc are sines.": lambda a, b, t: (1 - t) * a + t * b,
        "the angle comes from the dot product of vectors that are not normalised: divide it by both lengths before acos.":
            lambda a, b, t: along(a, b, t, angle(a, b, unit=False)),
        "the angle comes from the dot product of vectors that are not normalised, and clamping hides it: divide by both lengths.":
            lambda a, b, t: along(a, b, t, torch.acos((a * b).sum(-1, keepdim=True).clamp(-1, 1))),
        "the angle is in degrees; torch.sin takes radians.": lambda a, b, t: along(a, b, t, torch.rad2deg(angle(a, b))),
        "the ends are swapped: at t = 0 the result is a, at t = 1 it is b.": lambda a, b, t: along(b, a, t, angle(a, b)),
        "the division by sin(omega) is missing: at t = 0 the result is sin(omega) times a.":
            lambda a, b, t: along(a, b, t, angle(a, b), sine=torch.ones_like),
        "divided by the angle instead of its sine.": lambda a, b, t: along(a, b, t, angle(a, b), sine=lambda omega: omega),
        "divided by the cosine of the angle instead of its sine.": lambda a, b, t: along(a, b, t, angle(a, b), sine=torch.cos),
        "acos is missing: the cosine stands where the angle belongs.": lambda a, b, t: along(a, b, t, angle(a, b).cos()),
        "only the directions are interpolated, so the result has length 1; the weights belong to a and b themselves.":
            lambda a, b, t: along(normalised(a), normalised(b), t, angle(a, b)),
        "that is the straight line pushed out to the sphere: it has the right directions at the ends and in the middle, but "
        "does not turn at an even pace.":
            lambda a, b, t: normalised((1 - t) * normalised(a) + t * normalised(b)) * ((1 - t) * a.norm(dim=-1, keepdim=True)
                                                                                       + t * b.norm(dim=-1, keepdim=True)),
        "there is one angle for the whole batch; every row has its own: sum and norm over the last dimension.":
            lambda a, b, t: along(a, b, t, angle(a, b, whole=True)),
    }
    generator = torch.Generator().manual_seed(8)
    cases = [(*(0.7 * torch.randn(2, n, d, generator=generator)), t) for n, d, t in ((5, 3, 0.3), (4, 7, 0.85), (3, 2, 0.1))]
    a, b = cases[0][:2]
    long = torch.randn(2, 4, 40, generator=generator) * torch.tensor([20.0, 3.0])[:, None, None]
    hard = {"t = 0": (a, b, 0.0), "t = 1": (a, b, 1.0), "t = 0.5": (a, b, 0.5),
            "long vectors of 40 numbers": (*long, 0.6), "one pair": (a[:1], b[:1], 0.25),
            "an angle of 170 degrees": (torch.tensor([[2.0, 0.0]]), torch.tensor([[-0.985, 0.174]]), 0.4),
            "vectors of one length": (a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True), 0.7)}
    return compare(function, interpolation.slerp, cases, mistakes, hard=hard, gradient=None,
                   praise="from a to b; vectors of one length keep it, and turn at an even pace along the arc.")


def path_length(function) -> Answer:
    """function(images) -> the length of each decoded path: T images of N paths, [T, N, C, H, W] -> [N]."""
    def steps(x: Tensor) -> Tensor:
        return x.diff(dim=0).flatten(2)

    def reference(images: Tensor) -> Tensor:
        return interpolation.path_length(images)

    mistakes = {
        "that is the distance from the first image to the last: the steps are added before their lengths are taken. Take the "
        "length of every step, then add.": lambda x: (x[-1] - x[0]).flatten(1).norm(dim=1),
        "those are the squared lengths of the steps; take the root of each before adding.": lambda x: steps(x).square().sum((0, 2)),
        "the root is taken of the sum over all steps; it belongs to every step, and the sum comes after.":
            lambda x: steps(x).square().sum((0, 2)).sqrt(),
        "that is the mean step; the length is their sum.": lambda x: steps(x).norm(dim=2).mean(0),
        "pixels are averaged inside the root; a Euclidean length sums over them.": lambda x: steps(x).square().mean(2).sqrt().sum(0),
        "absolute differences are summed; a Euclidean length is the root of the sum of squares.": lambda x: steps(x).abs().sum((0, 2)),
        "that is one number for all paths; keep one per path.": lambda x: steps(x).norm(dim=2).sum(),
        "that is the average over the paths; keep one length per path.": lambda x: steps(x).norm(dim=2).sum(0).mean(),
        "neighbours along dimension 1 are compared, which are different paths; the places of a path lie along dimension 0.":
            lambda x: x.diff(dim=1).flatten(2).norm(dim=2).sum(1),
        "those are the steps; add them up.": lambda x: steps(x).norm(dim=2),
    }
    generator = torch.Generator().manual_seed(8)
    cases = {f"images of {shape[2]} channels, {list(shape)}": (torch.rand(shape, generator=generator),)
             for shape in ((6, 4, 1, 5, 3), (9, 2, 1, 3, 7), (3, 3, 2, 4, 2))}
    walk = torch.rand(4, 3, 1, 2, 2, generator=generator)
    hard = {"a path that rests on the way": (walk[[0, 1, 1, 2]],),
            "a path that ends where it began": (walk[[0, 1, 2, 0]],), "two images": (walk[:2],),
            "one path": (walk[:, :1],), "as many images as paths": (walk[:3],),
            "a long path": (100 * torch.rand(50, 2, 1, 4, 3, generator=generator),)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="the length of every step, added up; never below the distance between the ends.")


def pullback_metric(function) -> Answer:
    """function(decode, z) -> J^T J at one code: decode maps [D] to [P], z [D] -> [D, D]."""
    def jacobian(decode: Callable, z: Tensor) -> Tensor:
        return torch.func.jacfwd(decode)(z)

    def reference(decode: Callable, z: Tensor) -> Tensor:
        J = jacobian(decode, z)
        return J.T @ J

    mistakes = {
        "that is J J^T, a matrix of pixels; the metric belongs to the codes: J^T J.": lambda f, z: jacobian(f, z) @ jacobian(f, z).T,
        "that is the derivative J itself; the metric is J^T J.": jacobian,
        "that is J^T; the metric is J^T J.": lambda f, z: jacobian(f, z).T,
        "that is the trace of J^T J, one number; a metric depends on the direction.": lambda f, z: jacobian(f, z).square().sum(),
        "only the diagonal is kept, as if all directions of the code moved the image at right angles.":
            lambda f, z: reference(f, z).diagonal().diag(),
        "that is the inverse of the metric.": lambda f, z: torch.linalg.inv(reference(f, z)),
        "J^T J is averaged over the pixels; they are summed.": lambda f, z: reference(f, z) / len(f(z)),
        "that is the outer product of the slopes of the summed image: sum over the pixels after squaring, not before.":
            lambda f, z: torch.outer(jacobian(f, z).sum(0), jacobian(f, z).sum(0)),
    }
    generator = torch.Generator().manual_seed(8)
    W = torch.randn(5, 3, generator=generator)
    V = torch.randn(7, 2, generator=generator)
    cases = [(Named("decode(z) = W z", lambda z: W.to(z) @ z), torch.randn(3, generator=generator)),
             (Named("decode(z) = tanh(V z)", lambda z: torch.tanh(V.to(z) @ z)), torch.randn(2, generator=generator)),
             (Named("decode(r, angle) = (r cos, r sin, r)", _cone), torch.tensor([1.5, math.pi / 5]))]
    U = torch.randn(4, 4, generator=generator)
    hard = {"one code number": (Named("", lambda z: torch.cat([z, z.square(), z.sin()])), torch.tensor([0.7])),
            "a decoder that shrinks a direction to nothing": (
                Named("", lambda z: torch.stack([z[0] + z[1], z.exp().prod()])), torch.tensor([0.3, -0.2])),
            "as many pixels as code numbers": (
                Named("", lambda z: torch.sigmoid(U.to(z) @ z)), torch.randn(4, generator=generator))}
    return compare(function, reference, {repr(f): (f, z) for f, z in cases}, mistakes, hard=hard, gradient=False,
                   praise="symmetric, never negative, and W^T W for a linear decoder.")


def _cone(z: Tensor) -> Tensor:
    return torch.stack([z[0] * z[1].cos(), z[0] * z[1].sin(), z[0]])

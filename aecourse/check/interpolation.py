"""Exercises of lesson 09."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from aecourse import interpolation
from aecourse.check.core import Mistake, exercise, like

# ---- Along the arc -------------------------------------------------------------------------------


def slerp(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    """a, b [N, D], t from 0 to 1 -> the place t on the arc, [N, D]."""
    omega = torch.acos(F.cosine_similarity(a, b))[:, None]
    return (torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b) / torch.sin(omega)


def _angle(a, b, *, unit=True, whole=False):
    dim = None if whole else -1
    cosine = (a * b).sum(dim, keepdim=not whole)
    if unit:
        cosine = cosine / (a.norm(dim=dim, keepdim=not whole) * b.norm(dim=dim, keepdim=not whole))
    return torch.acos(cosine)


def _along(a, b, t, omega, sine=torch.sin):
    return torch.sin((1 - t) * omega) / sine(omega) * a + torch.sin(t * omega) / sine(omega) * b


def _unit(c):
    return c / c.norm(dim=-1, keepdim=True)


def _slerp_numpy(a, b, t):
    u, v = a.numpy(), b.numpy()
    cosine = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    omega = np.arccos(cosine)[:, None]
    return like((np.sin((1 - t) * omega) * u + np.sin(t * omega) * v) / np.sin(omega), a)


def _slerp_hard(generator):
    a, b = torch.randn(2, 5, 3, generator=generator)
    long = torch.randn(2, 4, 40, generator=generator) * torch.tensor([20.0, 3.0])[:, None, None]
    return {
        "t = 0": (a, b, 0.0),
        "t = 1": (a, b, 1.0),
        "t = 0.5": (a, b, 0.5),
        "long vectors of 40 numbers": (*long, 0.6),
        "one pair": (a[:1], b[:1], 0.25),
        "an angle of 170 degrees": (
            torch.tensor([[2.0, 0.0]]),
            torch.tensor([[-0.985, 0.174]]),
            0.4,
        ),
        "vectors of one length": (_unit(a), _unit(b), 0.7),
    }


exercise(
    slerp,
    cases=lambda generator: [
        (*(0.7 * torch.randn(2, n, d, generator=generator)), t)
        for n, d, t in ((5, 3, 0.3), (4, 7, 0.85), (3, 2, 0.1))
    ],
    hard=_slerp_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "the chord",
            lambda a, b, t: (1 - t) * a + t * b,
            "that is the straight line, the chord; the weights of an arc are sines.",
        ),
        Mistake(
            "not normalised",
            lambda a, b, t: _along(a, b, t, _angle(a, b, unit=False)),
            "the angle comes from the dot product of vectors that are not normalised: divide it "
            "by both lengths before acos.",
        ),
        Mistake(
            "not normalised, clamped",
            lambda a, b, t: _along(a, b, t, torch.acos((a * b).sum(-1, keepdim=True).clamp(-1, 1))),
            "the angle comes from the dot product of vectors that are not normalised, and "
            "clamping hides it: divide by both lengths.",
        ),
        Mistake(
            "degrees",
            lambda a, b, t: _along(a, b, t, torch.rad2deg(_angle(a, b))),
            "the angle is in degrees; torch.sin takes radians.",
        ),
        Mistake(
            "ends swapped",
            lambda a, b, t: _along(b, a, t, _angle(a, b)),
            "the ends are swapped: at t = 0 the result is a, at t = 1 it is b.",
        ),
        Mistake(
            "no sine below",
            lambda a, b, t: _along(a, b, t, _angle(a, b), sine=torch.ones_like),
            "the division by sin(omega) is missing: at t = 0 the result is sin(omega) times a.",
        ),
        Mistake(
            "the angle below",
            lambda a, b, t: _along(a, b, t, _angle(a, b), sine=lambda omega: omega),
            "divided by the angle instead of its sine.",
        ),
        Mistake(
            "the cosine below",
            lambda a, b, t: _along(a, b, t, _angle(a, b), sine=torch.cos),
            "divided by the cosine of the angle instead of its sine.",
        ),
        Mistake(
            "no acos",
            lambda a, b, t: _along(a, b, t, _angle(a, b).cos()),
            "acos is missing: the cosine stands where the angle belongs.",
        ),
        Mistake(
            "directions only",
            lambda a, b, t: _along(_unit(a), _unit(b), t, _angle(a, b)),
            "only the directions are interpolated, so the result has length 1; the weights belong"
            " to a and b themselves.",
        ),
        Mistake(
            "chord pushed out",
            lambda a, b, t: (
                _unit((1 - t) * _unit(a) + t * _unit(b))
                * ((1 - t) * a.norm(dim=-1, keepdim=True) + t * b.norm(dim=-1, keepdim=True))
            ),
            "that is the straight line pushed out to the sphere: it has the right directions at "
            "the ends and in the middle, but does not turn at an even pace.",
        ),
        Mistake(
            "one angle for all",
            lambda a, b, t: _along(a, b, t, _angle(a, b, whole=True)),
            "there is one angle for the whole batch; every row has its own: sum and norm over the"
            " last dimension.",
        ),
        Mistake(
            "sine and cosine",
            lambda a, b, t: torch.cos(t * _angle(a, b)) * a + torch.sin(t * _angle(a, b)) * b,
            "cos and sin of t times the angle fit only where b stands at a right angle to a.",
        ),
        Mistake(
            "asin",
            lambda a, b, t: _along(a, b, t, torch.asin(_angle(a, b).cos())),
            "the angle comes from asin; the dot product of directions is its cosine, so acos is "
            "wanted.",
        ),
        Mistake(
            "a mean angle",
            lambda a, b, t: _along(a, b, t, _angle(a, b).mean()),
            "the angles of the rows are averaged; every row has its own.",
        ),
        Mistake(
            "over the rows",
            lambda a, b, t: _along(a, b, t, torch.acos(F.cosine_similarity(a, b, dim=0))),
            "the angle is taken along the columns, over the batch; each row is a vector.",
        ),
    ],
    also_right={
        "the course's own": interpolation.slerp,
        "NumPy": _slerp_numpy,
        "pair by pair": lambda a, b, t: torch.cat(
            [slerp(u[None], v[None], t) for u, v in zip(a, b)]
        ),
        "clamped": lambda a, b, t: _along(
            a, b, t, (_unit(a) * _unit(b)).sum(1, keepdim=True).clamp(-1, 1).acos()
        ),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda a, b, t: _along(a, b, t, _angle(a, b).detach()),
            "the gradient is not",
        ),
        Mistake("detached", lambda a, b, t: slerp(a, b, t).detach(), "no gradient"),
        Mistake(
            "a float32 buffer",
            lambda a, b, t: torch.empty(a.shape).copy_(slerp(a, b, t)),
            "torch.float64",
        ),
    ],
    praise="from a to b; vectors of one length keep it, and turn at an even pace along the arc.",
)


# ---- How even is a path --------------------------------------------------------------------------


def jumpiness(images: torch.Tensor) -> torch.Tensor:
    """images [T, N, C, H, W] -> the largest step over the mean step of each, [N]."""
    steps = images.diff(dim=0).flatten(2).norm(dim=2)
    return steps.amax(dim=0) / steps.mean(dim=0)


def _lengths(images):
    return images.diff(dim=0).flatten(2).norm(dim=2)


def _jumpiness_numpy(images):
    steps = np.sqrt((np.diff(images.numpy(), axis=0) ** 2).sum((2, 3, 4)))
    return like(steps.max(0) / steps.mean(0), images)


def _even(images):
    """The same images, so far apart along a line that all steps are equally long."""
    places = torch.arange(5.0)[:, None, None, None, None]
    return images[:1] + places * (images[1:2] - images[:1])


def walks(generator):
    """Images on paths, [T, N, C, H, W], of unusual sizes: hard cases of every exercise on the length of steps."""
    walk = torch.rand(4, 3, 1, 2, 2, generator=generator)
    return {
        "a path that rests on the way": (walk[[0, 1, 1, 2]],),
        "two images, one step": (walk[:2],),
        "one path": (walk[:, :1],),
        "as many images as paths": (walk[:3],),
        "a long path": (100 * torch.rand(40, 2, 1, 4, 3, generator=generator),),
    }


def _jumpiness_hard(generator):
    walk = torch.rand(5, 3, 1, 2, 2, generator=generator)
    return {
        "an even path, whose answer is 1": (_even(walk),),
        "a path that rests and then jumps": (walk[[0, 0, 0, 1, 1]],),
        **walks(generator),
    }


exercise(
    jumpiness,
    cases=lambda generator: {
        f"images of {shape[2]} channels, {list(shape)}": (torch.rand(shape, generator=generator),)
        for shape in ((6, 4, 1, 5, 3), (9, 2, 1, 3, 7), (4, 3, 2, 4, 2))
    },
    hard=_jumpiness_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "turned over",
            lambda x: _lengths(x).mean(0) / _lengths(x).amax(0),
            "the fraction is upside down: the largest step is divided by the mean step, so that "
            "an even path has 1 and others more.",
        ),
        Mistake(
            "over the length",
            lambda x: _lengths(x).amax(0) / _lengths(x).sum(0),
            "the largest step is divided by the sum of the steps; divide by their mean.",
        ),
        Mistake(
            "places for steps",
            lambda x: len(x) * _lengths(x).amax(0) / _lengths(x).sum(0),
            "the mean is taken over T places; there are T - 1 steps between them.",
        ),
        Mistake(
            "squared steps",
            lambda x: _lengths(x).square().amax(0) / _lengths(x).square().mean(0),
            "those are squared steps; take the root of each before anything else.",
        ),
        Mistake(
            "the largest of all",
            lambda x: _lengths(x).max() / _lengths(x).mean(0),
            "the largest step is that of all paths together; each path has its own.",
        ),
        Mistake(
            "the mean of all",
            lambda x: _lengths(x).amax(0) / _lengths(x).mean(),
            "the mean step is that of all paths together; each path has its own.",
        ),
        Mistake(
            "one for all paths",
            lambda x: _lengths(x).max() / _lengths(x).mean(),
            "that is one number for all paths; keep one per path.",
        ),
        Mistake(
            "mean over paths",
            lambda x: (_lengths(x).amax(0) / _lengths(x).mean(0)).mean(),
            "that is the average over the paths; keep one number per path.",
        ),
        Mistake(
            "over the smallest",
            lambda x: _lengths(x).amax(0) / _lengths(x).amin(0),
            "the largest step is divided by the smallest; divide by the mean.",
        ),
        Mistake(
            "the largest step",
            lambda x: _lengths(x).amax(0),
            "that is the largest step itself; divide it by the mean step, so that the size of "
            "the images does not count.",
        ),
        Mistake(
            "pixel by pixel",
            lambda x: x.diff(dim=0).abs().flatten(2).amax((0, 2)) / _lengths(x).mean(0),
            "the largest change of a single pixel is taken; a step is one vector of all pixels, "
            "and its length the root of the sum of squares.",
        ),
        Mistake(
            "absolute",
            lambda x: (s := x.diff(dim=0).abs().sum((2, 3, 4))).amax(0) / s.mean(0),
            "absolute differences are summed; a Euclidean length is the root of the sum of "
            "squares.",
        ),
        Mistake(
            "along the wrong dimension",
            lambda x: (s := x.diff(dim=1).flatten(2).norm(dim=2)).amax(1) / s.mean(1),
            "neighbours along dimension 1 are compared, which are different paths; the places of "
            "a path lie along dimension 0.",
        ),
        Mistake(
            "the straight way below",
            lambda x: (len(x) - 1) * _lengths(x).amax(0) / (x[-1] - x[0]).flatten(1).norm(dim=1),
            "the mean step comes from the distance between first and last image; take it from "
            "the steps, which may go round about.",
        ),
        Mistake(
            "the spread",
            lambda x: _lengths(x).std(0) / _lengths(x).mean(0),
            "that is the standard deviation of the steps over their mean; the largest step is "
            "wanted above.",
        ),
    ],
    also_right={
        "the course's own": interpolation.jumpiness,
        "NumPy": _jumpiness_numpy,
        "sliced": lambda x: (
            (s := (x[1:] - x[:-1]).square().sum((2, 3, 4)).sqrt()).max(0).values / s.mean(0)
        ),
        "times the number of steps": lambda x: (
            (len(x) - 1) * _lengths(x).amax(0) / _lengths(x).sum(0)
        ),
        "path by path": lambda x: torch.stack(
            [
                (s := p.diff(dim=0).flatten(1).norm(dim=1)).max() / s.mean()
                for p in x.transpose(0, 1)
            ]
        ),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda x: _lengths(x).amax(0) / _lengths(x).mean(0).detach(),
            "the gradient is not",
        ),
        Mistake("doubled", lambda x: 2 * jumpiness(x), "2 times"),
    ],
    praise="1 for an even path, and more the more of the way is done in one step.",
)

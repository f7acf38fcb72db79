"""Exercises of lesson 10."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from aecourse import interpolation
from aecourse.check.core import Mistake, Named, exercise
from aecourse.check.interpolation import walks

# ---- The length of a path ------------------------------------------------------------------------


def path_length(images: torch.Tensor) -> torch.Tensor:
    """images [T, N, C, H, W] -> the length of each path, [N]."""
    return images.diff(dim=0).flatten(2).norm(dim=2).sum(0)


def _steps(images):
    return images.diff(dim=0).flatten(2)


def _length_numpy(images):
    return torch.from_numpy(np.sqrt((np.diff(images.numpy(), axis=0) ** 2).sum((2, 3, 4))).sum(0))


def _path_hard(generator):
    walk = torch.rand(4, 3, 1, 2, 2, generator=generator)
    return {"a path that ends where it began": (walk[[0, 1, 2, 0]],), **walks(generator)}


exercise(
    path_length,
    cases=lambda generator: {
        f"images of {shape[2]} channels, {list(shape)}": (torch.rand(shape, generator=generator),)
        for shape in ((6, 4, 1, 5, 3), (9, 2, 1, 3, 7), (3, 3, 2, 4, 2))
    },
    hard=_path_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "first to last",
            lambda x: (x[-1] - x[0]).flatten(1).norm(dim=1),
            "that is the distance from the first image to the last: the steps are added before "
            "their lengths are taken. Take the length of every step, then add.",
        ),
        Mistake(
            "squared steps",
            lambda x: _steps(x).square().sum((0, 2)),
            "those are the squared lengths of the steps; take the root of each before adding.",
        ),
        Mistake(
            "root at the end",
            lambda x: _steps(x).square().sum((0, 2)).sqrt(),
            "the root is taken of the sum over all steps; it belongs to every step, and the sum "
            "comes after.",
        ),
        Mistake(
            "mean step",
            lambda x: _steps(x).norm(dim=2).mean(0),
            "that is the mean step; the length is their sum.",
        ),
        Mistake(
            "mean over pixels",
            lambda x: _steps(x).square().mean(2).sqrt().sum(0),
            "pixels are averaged inside the root; a Euclidean length sums over them.",
        ),
        Mistake(
            "absolute",
            lambda x: _steps(x).abs().sum((0, 2)),
            "absolute differences are summed; a Euclidean length is the root of the sum of "
            "squares.",
        ),
        Mistake(
            "one for all paths",
            lambda x: _steps(x).norm(dim=2).sum(),
            "that is one number for all paths; keep one per path.",
        ),
        Mistake(
            "mean over paths",
            lambda x: _steps(x).norm(dim=2).sum(0).mean(),
            "that is the average over the paths; keep one length per path.",
        ),
        Mistake(
            "along the wrong dimension",
            lambda x: x.diff(dim=1).flatten(2).norm(dim=2).sum(1),
            "neighbours along dimension 1 are compared, which are different paths; the places of "
            "a path lie along dimension 0.",
        ),
        Mistake(
            "steps not added", lambda x: _steps(x).norm(dim=2), "those are the steps; add them up."
        ),
        Mistake(
            "closed",
            lambda x: _steps(torch.cat([x, x[:1]])).norm(dim=2).sum(0),
            "the way from the last image back to the first is counted; the path is open.",
        ),
        Mistake(
            "from the first",
            lambda x: (x[1:] - x[0]).flatten(2).norm(dim=2).sum(0),
            "the distances of all images from the first are added; a step leads from one image to"
            " the next.",
        ),
        Mistake(
            "the largest step",
            lambda x: _steps(x).norm(dim=2).amax(0),
            "that is the largest step; add all of them.",
        ),
        Mistake(
            "channel by channel",
            lambda x: x.diff(dim=0).flatten(3).norm(dim=3).sum((0, 2)),
            "each channel's length is taken by itself, and they are added; a step is one vector "
            "of all channels and pixels.",
        ),
        Mistake(
            "pixels added first",
            lambda x: _steps(x).sum(2).abs().sum(0),
            "the differences of the pixels are added before they are squared: opposite ones "
            "cancel.",
        ),
    ],
    also_right={
        "the course's own": interpolation.path_length,
        "NumPy": _length_numpy,
        "a little under the root": lambda x: (
            (x.diff(dim=0).square().sum((2, 3, 4)) + 1e-12).sqrt().sum(0)
        ),
        "sliced": lambda x: (x[1:] - x[:-1]).square().sum((2, 3, 4)).sqrt().sum(0),
        "step by step": lambda x: sum((b - a).flatten(1).norm(dim=1) for a, b in zip(x, x[1:])),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda x: (x[1:] - x[:-1].detach()).flatten(2).norm(dim=2).sum(0),
            "respect to images",
        ),
        Mistake("doubled", lambda x: 2 * path_length(x), "2 times"),
    ],
    praise="the length of every step, added up; never below the distance between the ends.",
)


# ---- The metric of the decoder -------------------------------------------------------------------


def pullback_metric(decode, z: torch.Tensor) -> torch.Tensor:
    """decode maps a code [D] to pixels [P]; z [D] -> G [D, D]."""
    J = torch.func.jacfwd(decode)(z)
    return J.T @ J


def _jacobian(decode, z):
    return torch.func.jacfwd(decode)(z)


def _metric_backwards(decode, z):
    J = torch.autograd.functional.jacobian(decode, z)
    return J.T @ J


def _columns_from_0(decode, z):
    """J as if the decoder were linear."""
    J = torch.stack([decode(e) - decode(0 * z) for e in torch.eye(len(z)).to(z)], 1)
    return J.T @ J


def _cone(z):
    return torch.stack([z[0] * z[1].cos(), z[0] * z[1].sin(), z[0]])


def _decoders(generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    W, V = normal(5, 3), normal(7, 2)
    decoders = [
        (Named("decode(z) = W z", lambda z: W.to(z) @ z), normal(3)),
        (Named("decode(z) = tanh(V z)", lambda z: torch.tanh(V.to(z) @ z)), normal(2)),
        (Named("decode(r, angle) = (r cos, r sin, r)", _cone), torch.tensor([1.5, math.pi / 5])),
    ]
    return {repr(decode): (decode, z) for decode, z in decoders}


def _unkind_decoders(generator):
    U, z = torch.randn(4, 4, generator=generator), torch.randn(4, generator=generator)
    return {
        "one code number": (
            Named("", lambda z: torch.cat([z, z.square(), z.sin()])),
            torch.tensor([0.7]),
        ),
        "a decoder that shrinks a direction to nothing": (
            Named("", lambda z: torch.stack([z[0] + z[1], z.exp().prod()])),
            torch.tensor([0.3, -0.2]),
        ),
        "as many pixels as code numbers": (Named("", lambda z: torch.sigmoid(U.to(z) @ z)), z),
    }


exercise(
    pullback_metric,
    cases=_decoders,
    hard=_unkind_decoders,
    gradient=False,
    mistakes=[
        Mistake(
            "J J^T",
            lambda f, z: _jacobian(f, z) @ _jacobian(f, z).T,
            "that is J J^T, a matrix of pixels; the metric belongs to the codes: J^T J.",
        ),
        Mistake("J", _jacobian, "that is the derivative J itself; the metric is J^T J."),
        Mistake("J^T", lambda f, z: _jacobian(f, z).T, "that is J^T; the metric is J^T J."),
        Mistake(
            "trace",
            lambda f, z: _jacobian(f, z).square().sum(),
            "that is the trace of J^T J, one number; a metric depends on the direction.",
        ),
        Mistake(
            "diagonal",
            lambda f, z: pullback_metric(f, z).diagonal().diag(),
            "only the diagonal is kept, as if all directions of the code moved the image at right"
            " angles.",
        ),
        Mistake(
            "inverse",
            lambda f, z: torch.linalg.inv(pullback_metric(f, z)),
            "that is the inverse of the metric.",
        ),
        Mistake(
            "mean over pixels",
            lambda f, z: pullback_metric(f, z) / len(f(z)),
            "J^T J is averaged over the pixels; they are summed.",
        ),
        Mistake(
            "summed before squaring",
            lambda f, z: torch.outer(_jacobian(f, z).sum(0), _jacobian(f, z).sum(0)),
            "that is the outer product of the slopes of the summed image: sum over the pixels "
            "after squaring, not before.",
        ),
        Mistake(
            "at the origin",
            lambda f, z: pullback_metric(f, 0 * z),
            "the derivative is taken at 0; the metric belongs to the place z.",
        ),
        Mistake(
            "unit columns",
            lambda f, z: (J := F.normalize(_jacobian(f, z), dim=0)).T @ J,
            "the columns of J are brought to length 1; their lengths are what the metric measures.",
        ),
    ],
    also_right={
        "jacrev and einsum": lambda f, z: torch.einsum(
            "pi,pj->ij", (J := torch.func.jacrev(f)(z)), J
        ),
        "autograd.functional": _metric_backwards,
        "column by column": lambda f, z: (
            (
                J := torch.stack(
                    [torch.func.jvp(f, (z,), (e,))[1] for e in torch.eye(len(z)).to(z)], 1
                )
            ).T
            @ J
        ),
    },
    also_wrong=[
        Mistake(
            "as if linear",
            _columns_from_0,
            "right with decode(z) = W z, but not with decode(z) = tanh(V z)",
        )
    ],
    praise="symmetric, never negative, and W^T W for a linear decoder.",
)

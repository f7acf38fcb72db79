"""Exercises of lesson 01."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import exact
from aecourse.check.core import Mistake, exercise

# ---- The number of parameters --------------------------------------------------------------------


def parameter_count(widths: list[int]) -> int:
    """Weights and biases of a dense autoencoder with these encoder widths."""
    return sum(2 * a * b + a + b for a, b in zip(widths, widths[1:]))


def _popping(widths):
    total = 0
    while len(widths) > 1:
        a = widths.pop(0)
        total += 2 * a * widths[0] + a + widths[0]
    return total


exercise(
    parameter_count,
    cases=lambda generator: {
        f"widths {w}": (w,) for w in ([7, 3], [11, 5, 2], [784, 256, 128, 64, 32])
    },
    hard=lambda generator: {
        "widths [6, 6, 6]": ([6, 6, 6],),
        "widths [2, 9, 3], which widen first": ([2, 9, 3],),
        "widths [5], no layer at all": ([5],),
        "widths [100000, 60001, 3]": ([100000, 60001, 3],),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "the encoder only",
            lambda w: sum((a * b + b for a, b in zip(w, w[1:]))),
            "that counts the encoder only; the mirror image of it decodes.",
        ),
        Mistake(
            "no biases",
            lambda w: sum((2 * a * b for a, b in zip(w, w[1:]))),
            "the biases are missing: each layer has one per output.",
        ),
        Mistake(
            "biases of the encoder's widths",
            lambda w: sum((2 * (a * b + b) for a, b in zip(w, w[1:]))),
            "the decoder's biases are counted with the encoder's widths: a layer has as many "
            "biases as *outputs*, and the decoder's outputs are the encoder's inputs.",
        ),
        Mistake(
            "all biases twice",
            lambda w: sum(2 * a * b for a, b in zip(w, w[1:])) + 2 * sum(w),
            "the biases of both ends are counted twice: the input has biases only as the decoder's "
            "output, the code only as the encoder's.",
        ),
        Mistake(
            "products only once",
            lambda w: sum(a * b + a + b for a, b in zip(w, w[1:])),
            "the weights are counted once; the decoder has as many again.",
        ),
    ],
    also_right={
        "a NumPy integer": lambda w: np.int64(parameter_count(w)),
        "a float": lambda w: float(parameter_count(w)),
        "a copy is taken apart": lambda w: _popping(list(w)),
        "layer by layer, there and back": lambda w: sum(
            (a + 1) * b for a, b in zip(w + w[-2::-1], w[1:] + w[-2::-1])
        ),
    },
    also_wrong=[
        Mistake("takes the list apart", _popping, "changes its input in place (widths)"),
        Mistake(
            "reverses the list", lambda w: (w.reverse(), parameter_count(w))[1], "in place (widths)"
        ),
        Mistake("sorts the widths", lambda w: parameter_count(sorted(w)[::-1]), "widen first"),
        Mistake("float32", lambda w: float(torch.tensor(float(parameter_count(w)))), "12000780011"),
        Mistake("text", lambda w: str(parameter_count(w)), "a number is wanted"),
    ],
    praise="and for 784-256-128-64-32 you count 489,136, as the model itself does.",
)


# ---- The squared error ---------------------------------------------------------------------------


def squared_error(image: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Squared error, summed over pixels, averaged over images: a scalar."""
    return (image - x).square().flatten(1).sum(1).mean()


def _images(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)


def _on_a_copy(image, x, *, reduce=True):
    difference = image.clone()
    difference -= x
    return difference.pow(2).sum() / len(x)


def _in_place(image, x):
    image -= x
    return image.square().flatten(1).sum(1).mean()


def _backward_inside(image, x):
    loss = squared_error(image, x)
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss


exercise(
    squared_error,
    cases=lambda generator: {
        f"images of {shape[1]} channel(s)": _images(*shape)
        for shape in ((5, 1, 7, 3), (2, 3, 4, 9))
    },
    hard=lambda generator: {
        "one image": _images(1, 2, 3, 4),
        "images of one pixel": _images(4, 1, 1, 1),
        "logits from -300 to 300": tuple(600 * a - 300 for a in _images(3, 1, 5, 2)),
    },
    mistakes=[
        Mistake(
            "mean over pixels",
            lambda a, b: (a - b).square().mean(),
            "that is the mean over pixels as well. Sum over the pixels of an image, average over "
            "the images only: else the number depends on how many pixels there are.",
        ),
        Mistake(
            "sum over the batch",
            lambda a, b: (a - b).square().sum(),
            "that is the sum over the batch as well. Average over the images: else the number "
            "depends on the batch size.",
        ),
        Mistake(
            "one per image",
            lambda a, b: (a - b).square().flatten(1).sum(1),
            "that is one number per image; the loss is their average.",
        ),
        Mistake(
            "averaged before squaring",
            lambda a, b: (a - b).mean(0).square().sum(),
            "the errors are averaged over the batch before they are squared: opposite errors "
            "cancel.",
        ),
        Mistake(
            "absolute",
            lambda a, b: (a - b).abs().flatten(1).sum(1).mean(),
            "that is the absolute error: square it.",
        ),
        Mistake(
            "a root",
            lambda a, b: (a - b).flatten(1).norm(dim=1).mean(),
            "that is the root of the squared error of each image; leave the root out.",
        ),
        Mistake(
            "channels averaged",
            lambda a, b: (a - b).square().mean(1).sum() / len(a),
            "right for one channel only: channels are averaged; sum over them, too.",
        ),
        Mistake(
            "channels added before squaring",
            lambda a, b: (a - b).sum(1).square().sum() / len(a),
            "right for one channel only: the channels are added up before they are squared.",
        ),
        Mistake(
            "summed before squaring",
            lambda a, b: (a - b).flatten(1).sum(1).square().mean(),
            "the errors of an image are added up before they are squared: opposite errors cancel.",
        ),
        Mistake(
            "difference of squares",
            lambda a, b: (a.square() - b.square()).flatten(1).sum(1).mean(),
            "that is the difference of the squares; the square of the difference is wanted.",
        ),
    ],
    also_right={
        "on a copy": _on_a_copy,
        "einsum": lambda a, b: torch.einsum("bchw,bchw->b", a - b, a - b).mean(),
        "in float64": lambda a, b: squared_error(a.double(), b.double()).to(a.dtype),
        "mse_loss": lambda a, b: F.mse_loss(a, b, reduction="sum") / len(a),
        "a power, image by image": lambda a, b: (
            sum(((u - v) ** 2).sum() for u, v in zip(a, b)) / len(a)
        ),
    },
    also_wrong=[
        Mistake("the sign", lambda a, b: -squared_error(a, b), "sign"),
        Mistake("a half", lambda a, b: 0.5 * squared_error(a, b), "0.5 times"),
        Mistake("detached", lambda a, b: squared_error(a, b).detach(), "no gradient"),
        Mistake("item()", lambda a, b: squared_error(a, b).item(), "a tensor is wanted"),
        Mistake(
            "half a gradient", lambda a, b: squared_error(a, b.detach()), "no gradient reaches x"
        ),
        Mistake("in place", _in_place, "in place"),
        Mistake("backward() inside", _backward_inside, "backward()"),
    ],
    praise="summed over pixels, averaged over images, and gradients flow through it.",
)


# ---- The reconstruction of PCA -------------------------------------------------------------------


def pca_reconstruction(x: torch.Tensor, k: int) -> torch.Tensor:
    """x [N, D] -> its best linear reconstruction from k numbers, [N, D]."""
    mean = x.mean(0)
    directions = torch.linalg.svd(x - mean, full_matrices=False)[2][:k]
    return (x - mean) @ directions.T @ directions + mean


def _with_svd(x, k, centre=True, restore=True, first=True):
    mean = x.mean(0) if centre else torch.zeros_like(x[0])
    rows = torch.linalg.svd(x - mean, full_matrices=False)[2]
    directions = rows[:k] if first else rows[-k:]
    return (x - mean) @ directions.T @ directions + (mean if restore else 0)


def _columns(x, k):
    v = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:, :k]
    return (x - x.mean(0)) @ v @ v.T + x.mean(0)


def _own(x, k):
    mean, directions = exact.pca(x, k)
    return (x - mean) @ directions @ directions.T + mean


def _lowrank(x, k):
    mean = x.mean(0)
    v = torch.pca_lowrank(x, q=min(x.shape))[2][:, :k]
    return mean + (x - mean) @ v @ v.T


def _eigh(x, k):
    mean = x.mean(0)
    v = torch.linalg.eigh((x - mean).T @ (x - mean)).eigenvectors[:, -k:]
    return mean + (x - mean) @ v @ v.T


def _rows(n, d, generator, stretch):
    return torch.randn(n, d, generator=generator, dtype=torch.float64) * stretch


def _pca_cases(generator):
    stretch = torch.linspace(2, 0.3, 6).double()
    return [
        (_rows(23, 6, generator, stretch) + 3, 2),
        (_rows(11, 5, generator, stretch[:5]) - 1, 4),
    ]


def _pca_hard(generator):
    (many, _), (few, _) = _pca_cases(generator)
    return {
        "fewer rows than columns": (_rows(4, 9, generator, torch.linspace(0.3, 2, 9).double()), 2),
        "as many directions as columns": (few, 5),
        "one direction": (many[:, [3, 5, 0, 2, 4, 1]] * 5 + 40, 1),
    }


def _directions_uncentred(x, k):
    mean, directions = x.mean(0), torch.linalg.svd(x, full_matrices=False)[2][:k]
    return (x - mean) @ directions.T @ directions + mean


def _standardised(x, k):
    return pca_reconstruction(x / x.std(0), k) * x.std(0)


exercise(
    pca_reconstruction,
    cases=_pca_cases,
    hard=_pca_hard,
    gradient=False,
    draws=True,
    mistakes=[
        Mistake(
            "not centred",
            lambda x, k: _with_svd(x, k, centre=False),
            "the mean was not subtracted before the directions were computed: the first direction"
            " then points at the mean.",
        ),
        Mistake(
            "mean not added back",
            lambda x, k: _with_svd(x, k, restore=False),
            "the mean was subtracted but not added back at the end.",
        ),
        Mistake(
            "the last directions",
            lambda x, k: _with_svd(x, k, first=False),
            "those are the last directions, with the least variance: singular values come largest"
            " first, eigenvalues smallest first.",
        ),
        Mistake(
            "columns of V^T",
            _columns,
            "those are columns of V^T; the principal directions are its rows (torch.linalg.svd "
            "returns V transposed).",
        ),
        Mistake(
            "the code itself",
            lambda x, k: (x - x.mean(0)) @ exact.pca(x, k)[1],
            "those are the k numbers themselves; multiply by the directions once more to come "
            "back.",
        ),
        Mistake(
            "x projected uncentred",
            lambda x, k: x @ exact.pca(x, k)[1] @ exact.pca(x, k)[1].T + x.mean(0),
            "the mean is added at the end, but x itself was projected: subtract the mean first.",
        ),
        Mistake(
            "directions uncentred",
            _directions_uncentred,
            "x - mean is projected, but the directions are those of x itself: compute them of x -"
            " mean, too.",
        ),
        Mistake(
            "standardised",
            _standardised,
            "each column is divided by its standard deviation: the directions of most variance "
            "are those of x as it comes.",
        ),
    ],
    also_right={
        "the course's own": _own,
        "pca_lowrank": _lowrank,
        "eigenvectors of the scatter": _eigh,
    },
    also_wrong=[
        Mistake("seeds", lambda x, k: (torch.manual_seed(3), x)[1], "global random state"),
        Mistake("float32", lambda x, k: pca_reconstruction(x, k).float(), "dtype"),
        Mistake("k columns", lambda x, k: pca_reconstruction(x, k)[:, :k], "shape should be"),
    ],
    praise="the best linear reconstruction there is from k numbers.",
)

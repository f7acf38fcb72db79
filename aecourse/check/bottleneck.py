"""Checkers of lesson 01."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse import exact
from aecourse.check.core import Answer, compare


def parameter_count(function) -> Answer:
    """function(widths) -> how many weights and biases a dense autoencoder with these widths and its mirror has."""
    def reference(widths):
        pairs = list(zip(widths, widths[1:]))
        return sum(2 * a * b + a + b for a, b in pairs)

    mistakes = {
        "that counts the encoder only; the mirror image of it decodes.":
            lambda w: sum(a * b + b for a, b in zip(w, w[1:])),
        "the biases are missing: each layer has one per output.": lambda w: sum(2 * a * b for a, b in zip(w, w[1:])),
        "the decoder's biases are counted with the encoder's widths: a layer has as many biases as *outputs*, and the "
        "decoder's outputs are the encoder's inputs.": lambda w: sum(2 * (a * b + b) for a, b in zip(w, w[1:])),
    }
    hard = {"widths [6, 6, 6]": ([6, 6, 6],), "widths [2, 9, 3], which widen first": ([2, 9, 3],),
            "widths [5], no layer at all": ([5],),
            "widths [100000, 60001, 3]": ([100000, 60001, 3],)}
    cases = {f"widths {w}": (w,) for w in ([7, 3], [11, 5, 2], [784, 256, 128, 64, 32])}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="and for 784-256-128-64-32 you count 489,136, as the model itself does.")


def squared_error(function) -> Answer:
    """function(image, x) -> the squared error, summed over pixels and averaged over the batch; both [B, C, H, W]."""
    def reference(image: Tensor, x: Tensor) -> Tensor:
        return (image - x).square().flatten(1).sum(1).mean()

    mistakes = {
        "that is the mean over pixels as well. Sum over the pixels of an image, average over the images only: else the "
        "number depends on how many pixels there are.": lambda a, b: (a - b).square().mean(),
        "that is the sum over the batch as well. Average over the images: else the number depends on the batch size.":
            lambda a, b: (a - b).square().sum(),
        "that is one number per image; the loss is their average.": lambda a, b: (a - b).square().flatten(1).sum(1),
        "the errors are averaged over the batch before they are squared: opposite errors cancel.":
            lambda a, b: (a - b).mean(0).square().sum(),
        "that is the absolute error: square it.": lambda a, b: (a - b).abs().flatten(1).sum(1).mean(),
        "that is the root of the squared error of each image; leave the root out.":
            lambda a, b: (a - b).flatten(1).norm(dim=1).mean(),
        "right for one channel only: channels are averaged; sum over them, too.":
            lambda a, b: (a - b).square().mean(1).sum() / len(a),
        "right for one channel only: the channels are added up before they are squared.":
            lambda a, b: (a - b).sum(1).square().sum() / len(a),
    }
    hard = {"one image": _images(1, 2, 3, 4), "images of one pixel": _images(4, 1, 1, 1),
            "logits from -300 to 300": tuple(600 * a - 300 for a in _images(3, 1, 5, 2))}
    cases = {f"images of {c} channel(s)": _images(b, c, h, w) for b, c, h, w in ((5, 1, 7, 3), (2, 3, 4, 9))}
    return compare(function, reference, cases, mistakes, hard=hard,
                   praise="summed over pixels, averaged over images, and gradients flow through it.")


def pca_reconstruction(function) -> Answer:
    """function(x, k) -> x [N, D] projected on its first k principal directions and back, [N, D]."""
    def reference(x: Tensor, k: int) -> Tensor:
        mean, directions = exact.pca(x, k)
        return (x - mean) @ directions @ directions.T + mean

    def with_svd(x, k, centre=True, restore=True, first=True):
        mean = x.mean(0) if centre else torch.zeros_like(x[0])
        rows = torch.linalg.svd(x - mean, full_matrices=False)[2]
        v = rows[:k].T if first else rows[-k:].T
        return (x - mean) @ v @ v.T + (mean if restore else 0)

    def transposed(x, k):
        v = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:, :k]
        return (x - x.mean(0)) @ v @ v.T + x.mean(0)

    mistakes = {
        "the mean was not subtracted before the directions were computed: the first direction then points at the mean.":
            lambda x, k: with_svd(x, k, centre=False),
        "the mean was subtracted but not added back at the end.": lambda x, k: with_svd(x, k, restore=False),
        "those are the last directions, with the least variance: singular values come largest first, eigenvalues "
        "smallest first.": lambda x, k: with_svd(x, k, first=False),
        "those are columns of V^T; the principal directions are its rows (torch.linalg.svd returns V transposed).":
            transposed,
    }
    generator = torch.Generator().manual_seed(0)
    stretch = torch.linspace(2, 0.3, 6).double()
    cases = [(torch.randn(23, 6, generator=generator, dtype=torch.float64) * stretch + 3, 2),
             (torch.randn(11, 5, generator=generator, dtype=torch.float64) * stretch[:5] - 1, 4)]
    few = torch.randn(4, 9, generator=generator, dtype=torch.float64) * torch.linspace(0.3, 2, 9).double()
    hard = {"fewer rows than columns": (few, 2), "as many directions as columns": (cases[1][0], 5),
            "one direction": (cases[0][0][:, [3, 5, 0, 2, 4, 1]] * 5 + 40, 1)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False, draws=True,
                   praise="the best linear reconstruction there is from k numbers.")


def _images(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)

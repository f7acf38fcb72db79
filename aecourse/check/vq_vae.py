"""Exercises of lesson 16."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, exercise

# ---- The nearest word ----------------------------------------------------------------------------


def nearest_code(z: torch.Tensor, codebook: torch.Tensor) -> torch.Tensor:
    """z [B, D, h, w], codebook [K, D] -> int64 indices [B, h, w]."""
    rows = z.permute(0, 2, 3, 1)
    scores = codebook.square().sum(1) - 2 * rows @ codebook.T
    return scores.argmin(-1)


def _rows(z):
    return z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])


def _on_grid(z, flat):
    return flat.view(len(z), *z.shape[2:])


def _unpermuted(z, codebook):
    return _on_grid(z, torch.cdist(z.reshape(-1, z.shape[1]), codebook).argmin(1))


def _cosine(z, codebook):
    return _on_grid(z, (F.normalize(_rows(z), dim=1) @ F.normalize(codebook, dim=1).T).argmax(1))


def _nearest_numpy(z, codebook):
    cells = z.numpy().transpose(0, 2, 3, 1)[..., None, :]
    return torch.from_numpy(((cells - codebook.numpy()) ** 2).sum(-1).argmin(-1))


def _codebook_changed(z, codebook):
    return torch.cdist(z.movedim(1, -1), codebook.div_(2)[None]).argmin(-1)


def _grid(b, d, h, w, k, generator):
    z = torch.randn(b, d, h, w, generator=generator)
    return z, torch.randn(k, d, generator=generator)


def _word_cases(generator):
    """Words of many lengths, so that the largest dot product is not the nearest word."""
    cases = []
    for b, d, h, w, k in ((2, 3, 4, 5, 7), (3, 2, 5, 3, 11), (1, 4, 6, 2, 9)):
        z, codebook = _grid(b, d, h, w, k, generator)
        cases.append((z, codebook * torch.linspace(0.3, 2.5, k)[:, None]))
    return cases


def _word_hard(generator):
    z, codebook = _grid(2, 3, 2, 4, 6, generator)
    return {
        "a book of 400 words": _grid(2, 3, 9, 8, 400, generator),
        "a grid as high as wide, as deep and as many": _grid(3, 3, 3, 3, 8, generator),
        "numbers around -40": (z - 40, codebook * 2 - 40),
        "one word": _grid(2, 3, 2, 2, 1, generator),
        "one cell": _grid(1, 2, 1, 1, 5, generator),
        "vectors of one number": _grid(2, 1, 3, 4, 6, generator),
    }


exercise(
    nearest_code,
    cases=_word_cases,
    hard=_word_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "farthest",
            lambda z, e: _on_grid(z, torch.cdist(_rows(z), e).argmax(1)),
            "that is the farthest word: the distance is minimised.",
        ),
        Mistake(
            "not permuted",
            _unpermuted,
            "z is reshaped as it lies, channels before cells, so that the rows mix numbers of "
            "different cells: move the channels to the end first, z.permute(0, 2, 3, 1).",
        ),
        Mistake(
            "dot product",
            lambda z, e: _on_grid(z, (_rows(z) @ e.T).argmax(1)),
            "that takes the largest dot product, which favours long words: |z - e|^2 = |z|^2 - 2 "
            "z.e + |e|^2, and |e|^2 differs from word to word.",
        ),
        Mistake(
            "cosine",
            _cosine,
            "that compares directions (cosine); a word of the right direction can have the wrong "
            "length. The distance is wanted.",
        ),
        Mistake(
            "no factor 2",
            lambda z, e: _on_grid(z, (e.square().sum(1) - _rows(z) @ e.T).argmin(1)),
            "in |z|^2 - 2 z.e + |e|^2 the factor 2 is missing.",
        ),
        Mistake(
            "plus 2",
            lambda z, e: _on_grid(z, (e.square().sum(1) + 2 * _rows(z) @ e.T).argmin(1)),
            "the sign of the middle term of |z|^2 - 2 z.e + |e|^2 is wrong.",
        ),
        Mistake(
            "absolute",
            lambda z, e: _on_grid(z, torch.cdist(_rows(z), e, p=1).argmin(1)),
            "that is the sum of absolute differences; the squared distance is wanted.",
        ),
        Mistake(
            "nearest cell",
            lambda z, e: torch.cdist(_rows(z), e).argmin(0),
            "the minimum runs over the cells: that says which cell is nearest to each word, not "
            "which word to each cell.",
        ),
        Mistake(
            "words",
            lambda z, e: e[nearest_code(z, e)].permute(0, 3, 1, 2),
            "those are the words themselves; their indices are wanted.",
        ),
        Mistake(
            "words, channels last",
            lambda z, e: e[nearest_code(z, e)],
            "those are the words themselves, channels last; their indices are wanted.",
        ),
        Mistake(
            "one line",
            lambda z, e: nearest_code(z, e).flatten(),
            "that is one line of indices; give them the shape of the grid, [B, h, w].",
        ),
        Mistake(
            "height and width",
            lambda z, e: nearest_code(z, e).transpose(1, 2),
            "height and width are exchanged: permute(0, 2, 3, 1) keeps rows before columns.",
        ),
        Mistake(
            "distances",
            lambda z, e: torch.cdist(_rows(z), e).square(),
            "those are the squared distances; take the place of the smallest with argmin.",
        ),
        Mistake(
            "differences added first",
            lambda z, e: _on_grid(z, (_rows(z)[:, None] - e).sum(2).square().argmin(1)),
            "the differences are added up before they are squared: opposite ones cancel.",
        ),
        Mistake(
            "the largest difference",
            lambda z, e: _on_grid(z, (_rows(z)[:, None] - e).abs().amax(2).argmin(1)),
            "that compares the largest difference alone; the squared differences add up.",
        ),
        Mistake(
            "one word per image",
            lambda z, e: torch.cdist(z.mean((2, 3)), e).argmin(1),
            "that is one word for each image; every cell of the grid has its own.",
        ),
        Mistake(
            "counted from 1",
            lambda z, e: nearest_code(z, e) + 1,
            "the indices are one too large: they count from 0.",
        ),
        Mistake(
            "one-hot",
            lambda z, e: F.one_hot(nearest_code(z, e), len(e)),
            "those are one-hot vectors; the indices themselves are wanted.",
        ),
    ],
    also_right={
        "cdist": lambda z, e: _on_grid(z, torch.cdist(_rows(z), e).argmin(1)),
        "einsum": lambda z, e: ((e * e).sum(1) - 2 * torch.einsum("bdhw,kd->bhwk", z, e)).argmin(
            -1
        ),
        "NumPy": _nearest_numpy,
        "all differences": lambda z, e: (
            (z[:, None] - e[None, :, :, None, None]).square().sum(2).argmin(1)
        ),
    },
    also_wrong=[
        Mistake("in place", _codebook_changed, "in place (codebook)"),
        Mistake("bytes", lambda z, e: nearest_code(z, e).byte().long(), "400 words entry"),
        Mistake("floats", lambda z, e: nearest_code(z, e).float(), "dtype"),
    ],
    praise="one word for each cell, by channel vector. No gradient passes through a choice, "
    "which is why the next step needs a trick.",
)


# ---- The loss of the codebook --------------------------------------------------------------------


def vq_loss(z: torch.Tensor, words: torch.Tensor, beta: float) -> torch.Tensor:
    """z and words [B, D, h, w] -> scalar: codebook term + beta * commitment term."""
    codebook = (words - z.detach()).square().sum()
    commitment = (z - words.detach()).square().sum()
    return (codebook + beta * commitment) / len(z)


def _mse(words, z):
    return F.mse_loss(words, z, reduction="sum") / len(z)


def _vq_image_by_image(z, words, beta):
    total = 0
    for v, e in zip(z, words):
        total = total + ((e - v.detach()) ** 2).sum() + beta * ((v - e.detach()) ** 2).sum()
    return total / len(z)


def _codebook_weighs_less(z, words, beta):
    return (1 - beta) * _mse(words, z.detach()) + beta * _mse(words.detach(), z)


def _twice_the_pull(z, words, beta):
    return vq_loss(z, words, 2 * beta) - beta * _mse(words, z).detach()


def _vq_hard(generator):
    z, words = torch.randn(2, 5, 3, 4, 2, generator=generator)
    return {
        "beta = 0": (z, words, 0.0),
        "beta = 1": (z, words, 1.0),
        "words that fit exactly": (z, z, 0.25),
        "one cell": (z[:, :, :1, :1], words[:, :, :1, :1], 0.5),
    }


exercise(
    vq_loss,
    cases=lambda generator: [
        (*torch.randn(2, b, d, h, w, generator=generator), beta)
        for b, d, h, w, beta in ((5, 3, 4, 2, 0.25), (1, 2, 3, 5, 0.1), (3, 4, 1, 2, 2.0))
    ],
    hard=_vq_hard,
    mistakes=[
        Mistake(
            "no beta",
            lambda z, e, beta: vq_loss(z, e, 1.0),
            "beta is missing: the commitment term is weighted.",
        ),
        Mistake(
            "beta on both",
            lambda z, e, beta: 2 * beta * (z - e).square().sum() / len(z),
            "beta multiplies both terms; it belongs to the commitment alone.",
        ),
        Mistake(
            "no commitment",
            lambda z, e, beta: vq_loss(z, e, 0.0),
            "the commitment term is missing.",
        ),
        Mistake(
            "codebook weighs 1 - beta",
            lambda z, e, beta: (
                vq_loss(z, e, beta) - beta * (e - z.detach()).square().sum() / len(z)
            ),
            "the value is that of the codebook term alone, but both terms are there: the codebook"
            " has weight 1, not 1 - beta.",
        ),
        Mistake(
            "no codebook term",
            lambda z, e, beta: beta * (z - e).square().sum() / len(z),
            "the codebook term is missing: nothing would move the words.",
        ),
        Mistake(
            "mean over the grid",
            lambda z, e, beta: (1 + beta) * (z - e).square().mean(),
            "that is the mean over the numbers of the grid, too: sum over the grid, average over "
            "the batch only. Beside a reconstruction that is summed over pixels, the mean would "
            "weigh next to nothing.",
        ),
        Mistake(
            "sum over the batch",
            lambda z, e, beta: (1 + beta) * (z - e).square().sum(),
            "that is the sum over the batch as well: divide by the number of images.",
        ),
        Mistake(
            "mean over cells",
            lambda z, e, beta: (1 + beta) * (z - e).square().sum() / (z.numel() / z.shape[1]),
            "that is the mean over all cells of all images: divide by the number of images only.",
        ),
        Mistake(
            "one per image",
            lambda z, e, beta: (1 + beta) * (z - e).square().flatten(1).sum(1),
            "that is one number per image; return their mean.",
        ),
        Mistake(
            "no square",
            lambda z, e, beta: (1 + beta) * (z - e).square().sum(1).sqrt().sum() / len(z),
            "those are distances; the square is missing.",
        ),
        Mistake(
            "the sign",
            lambda z, e, beta: -vq_loss(z, e, beta),
            "the sign is wrong: distances are minimised.",
        ),
        Mistake(
            "detach on the wrong sides",
            lambda z, e, beta: (
                (beta * (e - z.detach()).square().sum() + (z - e.detach()).square().sum()) / len(z)
            ),
            "the number is right, but the detach() stand on the wrong sides: beta weighs the pull"
            " on z (the commitment), and here it weighs the pull on the words.",
        ),
        Mistake(
            "no detach",
            lambda z, e, beta: (1 + beta) * (z - e).square().sum() / len(z),
            "the number is right, but nothing is detached: each term then pulls at both sides, "
            "and beta no longer says how much the encoder gives way.",
        ),
        Mistake(
            "codebook term pulls at z",
            lambda z, e, beta: _mse(e, z) + beta * _mse(e.detach(), z),
            "the number is right, but the codebook term pulls at z as well: detach z there, so "
            "that beta alone says how far the encoder gives way.",
        ),
        Mistake(
            "commitment pulls at the words",
            lambda z, e, beta: _mse(e, z.detach()) + beta * _mse(e, z),
            "the number is right, but the commitment term pulls at the words as well: detach the "
            "words there.",
        ),
        Mistake(
            "beta squared",
            lambda z, e, beta: (1 + beta**2) * _mse(e, z),
            "beta is squared: it weighs the commitment once.",
        ),
        Mistake(
            "1 + beta",
            lambda z, e, beta: (2 + beta) * _mse(e, z),
            "the commitment has weight 1 + beta; it should have beta.",
        ),
        Mistake(
            "minus the commitment",
            lambda z, e, beta: (1 - beta) * _mse(e, z),
            "the commitment is subtracted: both terms are added.",
        ),
        Mistake(
            "absolute",
            lambda z, e, beta: (1 + beta) * (z - e).abs().sum() / len(z),
            "those are absolute differences; square them.",
        ),
    ],
    also_right={
        "image by image": _vq_image_by_image,
        "mse_loss": lambda z, e, beta: _mse(e, z.detach()) + beta * _mse(e.detach(), z),
        "per image, then the mean": lambda z, e, beta: (
            ((e - z.detach()).square() + beta * (z - e.detach()).square()).sum((1, 2, 3)).mean()
        ),
    },
    also_wrong=[
        Mistake(
            "codebook weighs 1 - beta, both sides pulled",
            _codebook_weighs_less,
            "weight 1, not 1 - beta",
        ),
        Mistake(
            "z detached",
            lambda z, e, beta: (1 + beta) * _mse(e, z.detach()),
            "no gradient reaches z",
        ),
        Mistake(
            "words detached",
            lambda z, e, beta: (1 + beta) * _mse(e.detach(), z),
            "no gradient reaches words",
        ),
        Mistake("detached", lambda z, e, beta: vq_loss(z, e, beta).detach(), "no gradient"),
        Mistake("twice the pull", _twice_the_pull, "the gradient is not"),
        Mistake(
            "mean over the grid, detached",
            lambda z, e, beta: F.mse_loss(e, z.detach()) + beta * F.mse_loss(z, e.detach()),
            "mean over the numbers",
        ),
    ],
    praise="the words move to the vectors, and the vectors keep near the words.",
)


# ---- Perplexity ----------------------------------------------------------------------------------


def perplexity(indices: torch.Tensor, codes: int) -> float:
    """int64 indices of any shape -> exp of the entropy (in nats) of their shares."""
    counts = torch.bincount(indices.flatten(), minlength=codes).double()
    return torch.special.entr(counts / counts.sum()).sum().exp().item()


def _shares(indices, codes):
    return torch.bincount(indices.flatten(), minlength=codes).double() / indices.numel()


def _naive(indices, codes):
    p = _shares(indices, codes)
    return torch.exp(-(p * p.log()).sum()).item()


def _bits(indices, codes):
    return math.log2(perplexity(indices, codes))


def _in_base_2(indices, codes):
    p = _shares(indices, codes).tolist()
    return 2 ** -sum(v * math.log2(v) for v in p if v)


def _perplexity_numpy(indices, codes):
    counts = np.unique(indices, return_counts=True)[1]
    return np.float32(np.exp(-sum(n / counts.sum() * np.log(n / counts.sum()) for n in counts)))


def _index_cases(generator):
    def indices(*shape, power, words):
        return (torch.rand(shape, generator=generator) ** power * words).long()

    return [
        (indices(3, 4, 5, power=2, words=6), 7),
        (indices(2, 5, 3, power=3, words=11), 13),
        (torch.full((2, 2, 3), 1), 4),
    ]


def _index_hard(generator):
    return {
        "one line of indices": (torch.tensor([4, 0, 4, 2, 2, 2, 0]), 5),
        "one index": (torch.tensor([[1]]), 3),
        "every word once": (torch.randperm(12, generator=generator).view(3, 4), 12),
        "a book of 700 words": (torch.randint(700, (4, 30, 20), generator=generator), 700),
        "a book of one word": (torch.zeros(2, 3, dtype=torch.int64), 1),
    }


def _one_added(indices, codes):
    counts = torch.bincount(indices.flatten(), minlength=codes).double() + 1
    return torch.special.entr(counts / counts.sum()).sum().exp().item()


exercise(
    perplexity,
    cases=_index_cases,
    hard=_index_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "0 log 0",
            _naive,
            "that is NaN: a word that never occurs has p log p = 0, but 0 * log 0 is computed as "
            "0 * -inf. torch.special.xlogy knows it.",
        ),
        Mistake(
            "nats",
            lambda i, k: math.log(perplexity(i, k)),
            "that is the entropy in nats; perplexity is its exponential.",
        ),
        Mistake(
            "bits",
            _bits,
            "that is the entropy in bits; perplexity is e to the power of the entropy in nats.",
        ),
        Mistake(
            "e to the bits",
            lambda i, k: math.exp(_bits(i, k)),
            "that is e to the power of an entropy in bits; with the logarithm of base 2, the base"
            " of the power is 2 as well.",
        ),
        Mistake(
            "words in use",
            lambda i, k: float((_shares(i, k) > 0).sum()),
            "that counts the words in use; perplexity also asks how evenly they are used.",
        ),
        Mistake(
            "share in use",
            lambda i, k: (_shares(i, k) > 0).double().mean().item(),
            "that is the share of words in use; perplexity is a number of words.",
        ),
        Mistake(
            "the sign",
            lambda i, k: 1 / perplexity(i, k),
            "the sign of the entropy is wrong: that is one divided by the perplexity.",
        ),
        Mistake(
            "mean over images",
            lambda i, k: sum(perplexity(one, k) for one in i) / len(i),
            "that is the average of the perplexities of single images; the frequencies are those "
            "of all images together.",
        ),
        Mistake(
            "2 to the nats",
            lambda i, k: 2 ** math.log(perplexity(i, k)),
            "that is 2 to the power of an entropy in nats; with the natural logarithm, the base "
            "of the power is e as well.",
        ),
        Mistake(
            "a share",
            lambda i, k: perplexity(i, k) / k,
            "that is a share of the book; perplexity is a number of words.",
        ),
        Mistake(
            "sum of squares",
            lambda i, k: 1 / _shares(i, k).square().sum().item(),
            "that is 1 over the sum of squared shares: a measure of the same thing, but another "
            "one.",
        ),
        Mistake(
            "the commonest word",
            lambda i, k: 1 / _shares(i, k).max().item(),
            "that is 1 over the share of the commonest word; all words count.",
        ),
        Mistake(
            "one added",
            _one_added,
            "one is added to every count; the frequencies are those that occur.",
        ),
        Mistake(
            "the size of the book",
            lambda i, k: float(k),
            "that is the size of the book, which is reached only where all words are used alike.",
        ),
    ],
    also_right={
        "NumPy": _perplexity_numpy,
        "base 2 throughout": _in_base_2,
        "xlogy": lambda i, k: (-torch.special.xlogy(p := _shares(i, k), p).sum()).exp().item(),
        "Categorical": lambda i, k: (
            torch.distributions.Categorical(_shares(i, k)).perplexity().item()
        ),
    },
    also_wrong=[
        Mistake("bytes", lambda i, k: perplexity(i.byte().long(), k), "700"),
        Mistake("a tensor", lambda i, k: torch.tensor(perplexity(i, k)), "a number is wanted"),
    ],
    praise="1 where one word does it all, K where all are used alike.",
)

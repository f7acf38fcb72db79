"""Checkers of lesson 13."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse.check.core import Answer, compare


def nearest_code(function) -> Answer:
    """function(z, codebook) -> the index of the nearest word for each cell: [B, D, h, w], [K, D] -> int64 [B, h, w]."""
    def rows(z: Tensor) -> Tensor:
        return z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])

    def on_grid(z: Tensor, flat: Tensor) -> Tensor:
        return flat.view(len(z), *z.shape[2:])

    def reference(z: Tensor, codebook: Tensor) -> Tensor:
        return on_grid(z, torch.cdist(rows(z), codebook).argmin(1))

    def unpermuted(z, codebook):
        return on_grid(z, torch.cdist(z.reshape(-1, z.shape[1]), codebook).argmin(1))

    def cosine(z, codebook):
        return on_grid(z, (torch.nn.functional.normalize(rows(z), dim=1) @ torch.nn.functional.normalize(codebook, dim=1).T).argmax(1))

    mistakes = {
        "that is the farthest word: the distance is minimised.": lambda z, e: on_grid(z, torch.cdist(rows(z), e).argmax(1)),
        "z is reshaped as it lies, channels before cells, so that the rows mix numbers of different cells: move the channels to the "
        "end first, z.permute(0, 2, 3, 1).": unpermuted,
        "that takes the largest dot product, which favours long words: |z - e|^2 = |z|^2 - 2 z.e + |e|^2, and |e|^2 differs from word to word.":
            lambda z, e: on_grid(z, (rows(z) @ e.T).argmax(1)),
        "that compares directions (cosine); a word of the right direction can have the wrong length. The distance is wanted.": cosine,
        "in |z|^2 - 2 z.e + |e|^2 the factor 2 is missing.": lambda z, e: on_grid(z, (e.square().sum(1) - rows(z) @ e.T).argmin(1)),
        "the sign of the middle term of |z|^2 - 2 z.e + |e|^2 is wrong.":
            lambda z, e: on_grid(z, (e.square().sum(1) + 2 * rows(z) @ e.T).argmin(1)),
        "that is the sum of absolute differences; the squared distance is wanted.":
            lambda z, e: on_grid(z, torch.cdist(rows(z), e, p=1).argmin(1)),
        "the minimum runs over the cells: that says which cell is nearest to each word, not which word to each cell.":
            lambda z, e: torch.cdist(rows(z), e).argmin(0),
        "those are the words themselves; their indices are wanted.":
            lambda z, e: e[reference(z, e)].permute(0, 3, 1, 2),
        "those are the words themselves, channels last; their indices are wanted.": lambda z, e: e[reference(z, e)],
        "that is one line of indices; give them the shape of the grid, [B, h, w].": lambda z, e: reference(z, e).flatten(),
        "height and width are exchanged: permute(0, 2, 3, 1) keeps rows before columns.": lambda z, e: reference(z, e).transpose(1, 2),
        "those are the squared distances; take the place of the smallest with argmin.":
            lambda z, e: torch.cdist(rows(z), e).square(),
    }
    generator = torch.Generator().manual_seed(13)
    cases = [(torch.randn(b, d, h, w, generator=generator), torch.randn(k, d, generator=generator) * torch.linspace(0.3, 2.5, k)[:, None])
             for b, d, h, w, k in ((2, 3, 4, 5, 7), (3, 2, 5, 3, 11), (1, 4, 6, 2, 9))]
    def grid(b, d, h, w, k):
        return torch.randn(b, d, h, w, generator=generator), torch.randn(k, d, generator=generator)

    far = grid(2, 3, 2, 4, 6)
    hard = {"a book of 400 words": grid(2, 3, 9, 8, 400),
            "a grid as high as wide, as deep and as many": grid(3, 3, 3, 3, 8),
            "numbers around -40": (far[0] - 40, far[1] * 2 - 40), "one word": grid(2, 3, 2, 2, 1),
            "one cell": grid(1, 2, 1, 1, 5), "vectors of one number": grid(2, 1, 3, 4, 6)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="one word for each cell, by channel vector. No gradient passes through a choice, which is why the next step needs a trick.")


def vq_loss(function) -> Answer:
    """function(z, words, beta) -> the two extra terms of the VQ-VAE's loss, summed over the grid, averaged over the batch, scalar."""
    def reference(z: Tensor, words: Tensor, beta: float) -> Tensor:
        return ((words - z.detach()).square().sum() + beta * (z - words.detach()).square().sum()) / len(z)

    mistakes = {
        "beta is missing: the commitment term is weighted.": lambda z, e, beta: reference(z, e, 1.0),
        "beta multiplies both terms; it belongs to the commitment alone.": lambda z, e, beta: 2 * beta * (z - e).square().sum() / len(z),
        "the commitment term is missing.": lambda z, e, beta: reference(z, e, 0.0),
        "the value is that of the codebook term alone, but both terms are there: the codebook has weight 1, not 1 - "
        "beta.": lambda z, e, beta: reference(z, e, beta) - beta * (e - z.detach()).square().sum() / len(z),
        "the codebook term is missing: nothing would move the words.": lambda z, e, beta: beta * (z - e).square().sum() / len(z),
        "that is the mean over the numbers of the grid, too: sum over the grid, average over the batch only. Beside a reconstruction "
        "that is summed over pixels, the mean would weigh next to nothing.": lambda z, e, beta: (1 + beta) * (z - e).square().mean(),
        "that is the sum over the batch as well: divide by the number of images.": lambda z, e, beta: (1 + beta) * (z - e).square().sum(),
        "that is the mean over all cells of all images: divide by the number of images only.":
            lambda z, e, beta: (1 + beta) * (z - e).square().sum() / (z.numel() / z.shape[1]),
        "that is one number per image; return their mean.": lambda z, e, beta: (1 + beta) * (z - e).square().flatten(1).sum(1),
        "those are distances; the square is missing.":
            lambda z, e, beta: (1 + beta) * (z - e).square().sum(1).sqrt().sum() / len(z),
        "the sign is wrong: distances are minimised.": lambda z, e, beta: -reference(z, e, beta),
        "the number is right, but the detach() stand on the wrong sides: beta weighs the pull on z (the commitment), "
        "and here it weighs the pull on the words.":
            lambda z, e, beta: (beta * (e - z.detach()).square().sum() + (z - e.detach()).square().sum()) / len(z),
        "the number is right, but nothing is detached: each term then pulls at both sides, and beta no longer says how "
        "much the encoder gives way.": lambda z, e, beta: (1 + beta) * (z - e).square().sum() / len(z),
    }
    generator = torch.Generator().manual_seed(13)
    cases = [(*torch.randn(2, b, d, h, w, generator=generator), beta)
             for b, d, h, w, beta in ((5, 3, 4, 2, 0.25), (1, 2, 3, 5, 0.1), (3, 4, 1, 2, 2.0))]
    z, words, _ = cases[0]
    hard = {"beta = 0": (z, words, 0.0), "beta = 1": (z, words, 1.0), "words that fit exactly": (z, z, 0.25),
            "one cell": (z[:, :, :1, :1], words[:, :, :1, :1], 0.5)}
    return compare(function, reference, cases, mistakes, hard=hard,
                   praise="the words move to the vectors, and the vectors keep near the words.")


def perplexity(function) -> Answer:
    """function(indices, codes) -> the exponential of the entropy of how often each of `codes` words occurs, a float."""
    def shares(indices: Tensor, codes: int) -> Tensor:
        return torch.bincount(indices.flatten(), minlength=codes).double() / indices.numel()

    def reference(indices: Tensor, codes: int) -> float:
        return torch.exp(-torch.special.xlogy(shares(indices, codes), shares(indices, codes)).sum()).item()

    def naive(indices, codes):
        p = shares(indices, codes)
        return torch.exp(-(p * p.log()).sum()).item()

    def bits(indices, codes):
        return reference(indices, codes) and torch.tensor(reference(indices, codes)).log2().item()

    mistakes = {
        "that is NaN: a word that never occurs has p log p = 0, but 0 * log 0 is computed as 0 * -inf. torch.special.xlogy knows it.": naive,
        "that is the entropy in nats; perplexity is its exponential.": lambda i, k: torch.tensor(reference(i, k)).log().item(),
        "that is the entropy in bits; perplexity is e to the power of the entropy in nats.": bits,
        "that is e to the power of an entropy in bits; with the logarithm of base 2, the base of the power is 2 as well.":
            lambda i, k: torch.exp(torch.tensor(reference(i, k)).log2()).item(),
        "that counts the words in use; perplexity also asks how evenly they are used.": lambda i, k: float((shares(i, k) > 0).sum()),
        "that is the share of words in use; perplexity is a number of words.": lambda i, k: (shares(i, k) > 0).double().mean().item(),
        "the sign of the entropy is wrong: that is one divided by the perplexity.": lambda i, k: 1 / reference(i, k),
        "that is the average of the perplexities of single images; the frequencies are those of all images together.":
            lambda i, k: sum(reference(one, k) for one in i) / len(i),
    }
    generator = torch.Generator().manual_seed(13)
    cases = [((torch.rand(3, 4, 5, generator=generator) ** 2 * 6).long(), 7), ((torch.rand(2, 5, 3, generator=generator) ** 3 * 11).long(), 13),
             (torch.full((2, 2, 3), 1), 4)]
    hard = {"one line of indices": (torch.tensor([4, 0, 4, 2, 2, 2, 0]), 5), "one index": (torch.tensor([[1]]), 3),
            "every word once": (torch.randperm(12, generator=generator).view(3, 4), 12),
            "a book of 700 words": (torch.randint(700, (4, 30, 20), generator=generator), 700),
            "a book of one word": (torch.zeros(2, 3, dtype=torch.int64), 1)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="1 where one word does it all, K where all are used alike.")

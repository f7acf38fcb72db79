"""Exercises of lesson 17."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, exercise

# ---- The price of a grid -------------------------------------------------------------------------


def grid_bits(logits: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """logits [B, h * w, K], int64 indices [B, h, w] -> bits of each grid [B]."""
    line = indices.flatten(1)
    log_p = logits.log_softmax(2).gather(2, line[:, :, None])[:, :, 0]
    return -log_p.sum(1) / math.log(2)


def _log_p(logits, line):
    return logits.log_softmax(2).gather(2, line[:, :, None])[:, :, 0]


def _by_cross_entropy(logits, indices):
    nats = F.cross_entropy(logits.transpose(1, 2), indices.flatten(1), reduction="none")
    return nats.sum(1) / math.log(2)


def _cell_by_cell(logits, indices):
    bits = []
    for row, line in zip(logits, indices.flatten(1)):
        bits.append(-sum(row[i].log_softmax(0)[k] for i, k in enumerate(line)) / math.log(2))
    return torch.stack(bits)


def _one_late(logits, indices):
    return -_log_p(logits[:, :-1], indices.flatten(1)[:, 1:]).sum(1) / math.log(2)


def _over_places(logits, indices):
    log_p = logits.log_softmax(1).gather(2, indices.flatten(1)[:, :, None])[:, :, 0]
    return -log_p.sum(1) / math.log(2)


def _expected(logits, indices):
    p = logits.softmax(2)
    return torch.special.entr(p).sum((1, 2)) / math.log(2)


def _mean_probability(logits, indices):
    p = _log_p(logits, indices.flatten(1)).exp()
    return -p.shape[1] * p.mean(1).log2()


def _naive_softmax(logits, indices):
    p = logits.softmax(2).gather(2, indices.flatten(1)[:, :, None])[:, :, 0]
    return -p.log2().sum(1)


def _grid(b, h, w, k, generator, scale=1.0):
    logits = scale * torch.randn(b, h * w, k, generator=generator)
    return logits, torch.randint(k, (b, h, w), generator=generator)


exercise(
    grid_bits,
    cases=lambda generator: [
        _grid(*shape, generator, 1.5) for shape in ((4, 2, 3, 5), (1, 3, 2, 7), (3, 4, 2, 6))
    ],
    hard=lambda generator: {
        "logits of hundreds": _grid(2, 2, 3, 5, generator, 300.0),
        "one cell": _grid(3, 1, 1, 4, generator),
        "two words": _grid(2, 3, 3, 2, generator),
    },
    mistakes=[
        Mistake(
            "nats",
            lambda a, i: -_log_p(a, i.flatten(1)).sum(1),
            "those are nats: divide by log 2, or take the logarithm to base 2.",
        ),
        Mistake(
            "times log 2",
            lambda a, i: -_log_p(a, i.flatten(1)).sum(1) * math.log(2),
            "nats are multiplied by log 2; a nat is more than a bit, so divide.",
        ),
        Mistake(
            "bits per word",
            lambda a, i: -_log_p(a, i.flatten(1)).mean(1) / math.log(2),
            "that is the mean over the cells, the bits of one word: a grid costs the sum.",
        ),
        Mistake(
            "the sign",
            lambda a, i: _log_p(a, i.flatten(1)).sum(1) / math.log(2),
            "the sign is turned: a probability below 1 has a negative logarithm, and a price is "
            "positive.",
        ),
        Mistake(
            "no softmax",
            lambda a, i: -a.gather(2, i.flatten(1)[:, :, None])[:, :, 0].sum(1) / math.log(2),
            "the logits are used as they are; log_softmax over the words makes log-probabilities "
            "of them.",
        ),
        Mistake(
            "softmax over the cells",
            _over_places,
            "the softmax runs over the cells; the probabilities of the words of one cell sum to 1.",
        ),
        Mistake(
            "the likeliest word",
            lambda a, i: -a.log_softmax(2).amax(2).sum(1) / math.log(2),
            "that is the price of the likeliest word of each cell; take the word that stands there.",
        ),
        Mistake(
            "the entropy",
            _expected,
            "that is the price which the prior expects (an entropy); the words that do stand in the "
            "grid are not asked.",
        ),
        Mistake(
            "uniform",
            lambda a, i: 0 * a.sum((1, 2)) + a.shape[1] * math.log2(a.shape[2]),
            "that is the price under a uniform prior, which has not learned anything.",
        ),
        Mistake(
            "one cell late",
            _one_late,
            "the prediction for one cell is held against the word of the next: logits[:, t] are for "
            "word t already, and the first word has its price, too.",
        ),
        Mistake(
            "column by column",
            lambda a, i: grid_bits(a, i.transpose(1, 2)),
            "the grid is read column by column; the line runs row by row.",
        ),
        Mistake(
            "mean of probabilities",
            _mean_probability,
            "the probabilities are averaged before the logarithm; the probability of a grid is "
            "their product, so add the logarithms.",
        ),
        Mistake(
            "one number",
            lambda a, i: grid_bits(a, i).mean(),
            "that is one number for all images; give each grid its own price.",
        ),
        Mistake(
            "the whole batch",
            lambda a, i: grid_bits(a, i).sum(),
            "that is the price of all grids together; give each its own.",
        ),
        Mistake(
            "each word",
            lambda a, i: -_log_p(a, i.flatten(1)) / math.log(2),
            "that is a price for each word; add them up over the grid.",
        ),
    ],
    also_right={
        "cross entropy": _by_cross_entropy,
        "cell by cell": _cell_by_cell,
        "Categorical": lambda a, i: (
            -torch.distributions.Categorical(logits=a).log_prob(i.flatten(1)).sum(1) / math.log(2)
        ),
        "one-hot": lambda a, i: (
            -(a.log_softmax(2) * F.one_hot(i.flatten(1), a.shape[2])).sum((1, 2)) / math.log(2)
        ),
    },
    also_wrong=[
        Mistake("softmax, then log", _naive_softmax, "logits of hundreds"),
        Mistake("detached", lambda a, i: grid_bits(a, i).detach(), "no gradient"),
    ],
    praise="a probability is a price: halve it, and the grid costs one bit more.",
)


# ---- The rate under a fitted density -------------------------------------------------------------


def fitted_rate(log_q: torch.Tensor, log_each: torch.Tensor) -> torch.Tensor:
    """log_q [N], log_each [N, C] -> the rate in nats per image, a scalar."""
    log_p = log_each.logsumexp(1) - math.log(log_each.shape[1])
    return (log_q - log_p).mean()


def _image_by_image(log_q, log_each):
    total = 0
    for q, row in zip(log_q, log_each):
        total = total + q - row.logsumexp(0) + math.log(len(row))
    return total / len(log_q)


exercise(
    fitted_rate,
    cases=lambda generator: [
        (3 * torch.randn(n, generator=generator), 2 * torch.randn(n, c, generator=generator) - 4)
        for n, c in ((5, 3), (2, 7), (6, 4))
    ],
    hard=lambda generator: {
        "densities near exp(-300)": (
            torch.randn(4, generator=generator),
            torch.randn(4, 5, generator=generator) - 300,
        ),
        "one class": (torch.randn(3, generator=generator), torch.randn(3, 1, generator=generator)),
        "one image": (torch.randn(1, generator=generator), torch.randn(1, 6, generator=generator)),
    },
    mistakes=[
        Mistake(
            "classes added",
            lambda q, p: (q - p.logsumexp(1)).mean(),
            "the densities of the classes are added; they count as equally frequent, so average "
            "them: subtract the logarithm of their number.",
        ),
        Mistake(
            "log 10",
            lambda q, p: (q - p.logsumexp(1) + math.log(10)).mean(),
            "log 10 is typed in; the number of classes is that of the columns.",
        ),
        Mistake(
            "added log C",
            lambda q, p: (q - p.logsumexp(1) - math.log(p.shape[1])).mean(),
            "the logarithm of the number of classes has the wrong sign: an average is a sum divided "
            "by it.",
        ),
        Mistake(
            "mean of logarithms",
            lambda q, p: (q - p.mean(1)).mean(),
            "that averages the log-densities; a mixture averages the densities (logsumexp).",
        ),
        Mistake(
            "sum of logarithms",
            lambda q, p: (q - p.sum(1)).mean(),
            "that adds the log-densities, as if the code had been drawn from every class at once; "
            "a mixture averages the densities (logsumexp).",
        ),
        Mistake(
            "the best class",
            lambda q, p: (q - p.amax(1)).mean(),
            "that takes the best class for granted; nobody has told which one it is. All of them "
            "count, each with its share.",
        ),
        Mistake(
            "the best class, priced",
            lambda q, p: (q - p.amax(1) + math.log(p.shape[1])).mean(),
            "that names the best class and pays for its name. It is a price, too, but not that of "
            "the mixture: all classes count.",
        ),
        Mistake(
            "the sign",
            lambda q, p: -fitted_rate(q, p),
            "the sign is turned: the rate is log q minus log p.",
        ),
        Mistake(
            "no log q",
            lambda q, p: 0 * q.sum() - (p.logsumexp(1) - math.log(p.shape[1])).mean(),
            "log q is missing: the noise of the code is not paid for.",
        ),
        Mistake(
            "plus log q",
            lambda q, p: (-q - p.logsumexp(1) + math.log(p.shape[1])).mean(),
            "log q has the wrong sign: what the noise gives back is subtracted from the price.",
        ),
        Mistake(
            "bits", lambda q, p: fitted_rate(q, p) / math.log(2), "those are bits; nats are wanted."
        ),
        Mistake(
            "the sum over images",
            lambda q, p: fitted_rate(q, p) * len(q),
            "that is the sum over the images: take the mean.",
        ),
        Mistake(
            "each image",
            lambda q, p: q - p.logsumexp(1) + math.log(p.shape[1]),
            "that is one number per image; return their mean.",
        ),
        Mistake(
            "over the images",
            lambda q, p: q.mean() - (p.logsumexp(0) - math.log(len(p))).mean(),
            "the densities are averaged over the images; a code has one density in each class, so "
            "average over the classes.",
        ),
    ],
    also_right={
        "image by image": _image_by_image,
        "log of shares": lambda q, p: (q - (p + math.log(1 / p.shape[1])).logsumexp(1)).mean(),
        "largest taken out": lambda q, p: (
            q - p.amax(1) - (p - p.amax(1, keepdim=True)).exp().mean(1).log()
        ).mean(),
    },
    also_wrong=[
        Mistake(
            "mean of densities",
            lambda q, p: (q - p.exp().mean(1).log()).mean(),
            "densities near exp",
        ),
        Mistake("detached", lambda q, p: fitted_rate(q, p).detach(), "no gradient"),
    ],
    praise="the same words for both codes: what a code costs under a density that was fitted to it.",
)

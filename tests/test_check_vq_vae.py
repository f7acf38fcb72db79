"""The checkers of lesson 13: each passes a right answer, and names planted mistakes."""
import math

import pytest
import torch
import torch.nn.functional as F

from aecourse import check


def rows(z):
    return z.movedim(1, -1)


def nearest(z, codebook):
    return (rows(z)[..., None, :] - codebook).square().sum(-1).argmin(-1)


def vq_loss(z, words, beta):
    return F.mse_loss(words, z.detach(), reduction="sum") / len(z) + beta * F.mse_loss(z, words.detach(), reduction="sum") / len(z)


def frequencies(indices, codes):
    return F.one_hot(indices.flatten(), codes).double().mean(0)


def perplexity(indices, codes):
    p = frequencies(indices, codes)
    return math.exp(torch.special.entr(p).sum())


def by_words(indices, codes):
    p = frequencies(indices, codes)
    return math.exp(-sum(v * math.log2(v) for v in p.tolist() if v))


REFERENCES = {"nearest_code": nearest, "vq_loss": vq_loss, "perplexity": perplexity}

PLANTED = [
    ("nearest_code", lambda z, e: (rows(z)[..., None, :] - e).square().sum(-1).argmax(-1), "farthest"),
    ("nearest_code", lambda z, e: (rows(z) @ e.T).argmax(-1), "dot product"),
    ("nearest_code", lambda z, e: F.cosine_similarity(rows(z)[..., None, :], e, dim=-1).argmax(-1), "cosine"),
    ("nearest_code", lambda z, e: torch.cdist(z.reshape(-1, z.shape[1]), e).argmin(1).view(len(z), *z.shape[2:]), "as it lies"),
    ("nearest_code", lambda z, e: torch.cdist(rows(z).reshape(-1, z.shape[1]), e).argmin(0), "over the cells"),
    ("nearest_code", lambda z, e: nearest(z, e).flatten(), "one line of indices"),
    ("nearest_code", lambda z, e: nearest(z, e).mT, "height and width are exchanged"),
    ("nearest_code", lambda z, e: e[nearest(z, e)], "the words themselves, channels last"),
    ("nearest_code", lambda z, e: e[nearest(z, e)].movedim(-1, 1), "the words themselves"),
    ("nearest_code", lambda z, e: (e.square().sum(1) - rows(z) @ e.T).argmin(-1), "factor 2"),
    ("nearest_code", lambda z, e: (rows(z)[..., None, :] - e).abs().sum(-1).argmin(-1), "absolute differences"),
    ("nearest_code", lambda z, e: nearest(z, e).float(), "dtype"),
    ("vq_loss", lambda z, e, b: (e - z.detach()).square().sum() / len(z) + (z - e.detach()).square().sum() / len(z), "beta is missing"),
    ("vq_loss", lambda z, e, b: ((z - e.detach()).square().sum() + b * (e - z.detach()).square().sum()) / len(z), "wrong sides"),
    ("vq_loss", lambda z, e, b: (1 + b) * (z - e).square().sum() / len(z), "nothing is detached"),
    ("vq_loss", lambda z, e, b: F.mse_loss(e, z.detach()) + b * F.mse_loss(z, e.detach()), "mean over the numbers"),
    ("vq_loss", lambda z, e, b: vq_loss(z, e, b) * len(z), "sum over the batch"),
    ("vq_loss", lambda z, e, b: b * (z - e.detach()).square().sum() / len(z), "nothing would move the words"),
    ("vq_loss", lambda z, e, b: (e - z.detach()).square().sum() / len(z), "commitment term is missing"),
    ("vq_loss", lambda z, e, b: (1 + b) * (z.detach() - e).square().sum() / len(z), "no gradient reaches z"),
    ("vq_loss", lambda z, e, b: (1 + b) * (z - e.detach()).square().sum() / len(z), "no gradient reaches words"),
    ("vq_loss", lambda z, e, b: vq_loss(z, e, b).detach(), "no gradient"),
    ("vq_loss", lambda z, e, b: vq_loss(z, e, 2 * b) - b * (z - e).detach().square().sum() / len(z), "the gradient is not"),
    ("vq_loss", lambda z, e, b: -vq_loss(z, e, b), "sign"),
    ("perplexity", lambda i, k: math.log(perplexity(i, k)), "entropy in nats"),
    ("perplexity", lambda i, k: math.log2(perplexity(i, k)), "entropy in bits"),
    ("perplexity", by_words, "base 2"),
    ("perplexity", lambda i, k: float(len(i.unique())), "counts the words in use"),
    ("perplexity", lambda i, k: len(i.unique()) / k, "share of words"),
    ("perplexity", lambda i, k: 1 / perplexity(i, k), "sign of the entropy"),
    ("perplexity", lambda i, k: math.exp(-(frequencies(i, k) * frequencies(i, k).log()).sum()), "NaN"),
    ("perplexity", lambda i, k: torch.tensor(perplexity(i, k)), "a number is wanted"),
]


@pytest.mark.parametrize("name", REFERENCES)
def test_checkers_pass_a_right_answer(name):
    answer = getattr(check, name)(REFERENCES[name])
    assert answer.passed, answer


@pytest.mark.parametrize("name, mistake, message", PLANTED)
def test_checkers_name_planted_mistakes(name, mistake, message):
    answer = getattr(check, name)(mistake)
    assert not answer.passed and message in answer.message, answer


@pytest.mark.parametrize("name", REFERENCES)
def test_unfinished_and_failing_functions_get_an_answer_too(name):
    def stub(*args):
        raise NotImplementedError
    assert "nothing is written" in getattr(check, name)(stub).message
    assert "returns nothing" in getattr(check, name)(lambda *args: None).message

"""What lesson 18 derives: the best judge, the best grey, and how hard each loss pushes a logit."""

import math

import pytest
import torch
import torch.nn.functional as F

from aecourse import models


def test_the_best_judge_pays_log_2_less_the_jensen_shannon_divergence():
    g = torch.Generator().manual_seed(0)
    p, q = torch.rand(2, 6, generator=g, dtype=torch.float64).softmax(1)
    middle = (p + q) / 2
    kl = lambda a: (a * (a / middle).log()).sum()
    divergence = (kl(p) + kl(q)) / 2
    loss = lambda logit: (p @ F.softplus(-logit) + q @ F.softplus(logit)) / 2
    best = (p / q).log()  # the logit of p / (p + q)
    assert loss(best).item() == pytest.approx(math.log(2) - divergence.item(), abs=1e-12)
    for shift in (-0.1, 0.1):
        assert loss(best + shift) > loss(best)
    assert torch.allclose(best.sigmoid(), p / (p + q))


@pytest.mark.parametrize(
    "error",
    (F.mse_loss, lambda answer, x: F.binary_cross_entropy(answer, x)),
    ids=("squared error", "cross-entropy"),
)
def test_the_best_answer_to_a_pixel_is_its_mean(error):
    values = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    answer = torch.tensor(0.3, requires_grad=True)
    error(answer.expand(10), values).backward()
    assert abs(answer.grad.item()) < 1e-6
    cost = lambda a: error(torch.full((10,), a), values).item()
    assert cost(0.3) < min(cost(0.25), cost(0.35), cost(0.01), cost(0.99))


def test_the_grey_ramp_costs_half_of_a_true_edge():
    edges = torch.zeros(2, 16)
    edges[0, 6:], edges[1, 10:] = 1, 1
    cost = lambda answer: (answer - edges).square().sum(1).mean().item()
    assert cost(edges[0]) == cost(edges[1]) == 2 and cost(edges.mean(0)) == 1
    assert torch.cdist(edges.mean(0)[None], edges).flatten().tolist() == [1, 1]


def test_reversal_pushes_with_d_and_the_other_loss_with_one_less_d():
    logit = torch.tensor([-8.0, -2.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    chance = logit.detach().sigmoid()
    (judge,) = torch.autograd.grad(2 * len(logit) * models.judge_loss(logit.detach(), logit), logit)
    assert torch.allclose(judge, chance)  # the judge pushes down, so reversed it pushes up
    (other,) = torch.autograd.grad(F.softplus(-logit).sum(), logit)
    assert torch.allclose(-other, 1 - chance)

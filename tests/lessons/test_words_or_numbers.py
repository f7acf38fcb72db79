"""What lesson 17 says without showing a claim for it."""

import math

import torch
from torch.distributions import Normal

from aecourse import evaluate, models


def test_a_prior_that_has_learned_nothing_takes_six_bits_for_a_word():
    torch.manual_seed(0)
    grids = torch.randint(64, (3, 7, 7))
    for classes in (None, 10):
        prior = models.CodePrior(64, (7, 7), width=16, layers=1, classes=classes)
        bits = evaluate.code_nats(prior, grids) / math.log(2)
        torch.testing.assert_close(bits, torch.full((3,), 294.0), rtol=1e-5, atol=0)


def test_the_rate_under_the_prior_is_the_kl_term():
    torch.manual_seed(0)
    mu, log_var = torch.randn(2, 4, 3, dtype=torch.float64)
    z, log_q = models.Posterior(mu, log_var).draw(100_000)
    drawn = (log_q - Normal(0, 1).log_prob(z).sum(2)).mean(0)
    exactly = models.kl_divergence(mu, log_var).sum(1)
    torch.testing.assert_close(drawn, exactly, rtol=0.02, atol=0.02)


def test_a_step_twice_as_long_saves_a_bit():
    """Of a number that varies by much more than a step."""
    generator = torch.Generator().manual_seed(0)
    number = 8 * torch.randn(200_000, generator=generator, dtype=torch.float64)
    bits = []
    for step in (0.5, 1.0, 2.0):
        whole = (number / step).round().long()
        bits.append(math.log2(evaluate.perplexity(whole - whole.min(), 1000)))
    assert all(abs(a - b - 1) < 0.02 for a, b in zip(bits, bits[1:]))

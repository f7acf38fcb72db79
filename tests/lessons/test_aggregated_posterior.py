"""What lesson 08 says without a claim: the split of the KL where it is known, and why held-out codes are the control."""

import math

import pytest
import torch

from aecourse.evaluate.aggregated import log_mixture


@pytest.mark.parametrize("v, s", [(0.3, 0.7), (2.0, 0.1), (0.05, 1.4)])
def test_information_and_mismatch_add_up_to_the_kl_of_one_gaussian_latent(v, s):
    """Means spread as N(0, v), posteriors of variance s; the card of the lesson asks for the mismatch."""
    averaged = (v + s - 1 - math.log(s)) / 2  # E[mu^2] = v
    information, mismatch = math.log(1 + v / s) / 2, (v + s - 1 - math.log(v + s)) / 2
    assert averaged == pytest.approx(information + mismatch)


def holes(z, mu, log_var):
    log_p = -0.5 * z.square().sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)
    return (log_mixture(z, mu, log_var, 1000) < log_p - math.log(10)).double().mean().item()


def test_without_mismatch_new_codes_and_draws_of_the_prior_meet_holes_equally_often():
    g = torch.Generator().manual_seed(0)
    s, n, k = 0.05, 30, 2  # means N(0, 1 - s), posteriors of variance s: together the prior

    def draw(*shape):
        return torch.randn(*shape, k, dtype=torch.float64, generator=g)

    known = math.sqrt(1 - s) * draw(n)
    log_var = torch.full_like(known, math.log(s))
    held_out = math.sqrt(1 - s) * draw(4000) + math.sqrt(s) * draw(4000)
    of_known = known.repeat(60, 1) + math.sqrt(s) * draw(60 * n)
    prior, new = holes(draw(4000), known, log_var), holes(held_out, known, log_var)
    assert prior == pytest.approx(new, abs=0.04) and prior > 0.05
    assert holes(of_known, known, log_var) < prior / 3

"""The posteriors in the plane, and the bent Gaussians that come near them."""

import math
import re

import pytest
import torch

from aecourse import bending, plots
from aecourse.explore.weighted_draws import truth
from aecourse.models import Posterior


def gaussian(mu, sigma):
    return Posterior(torch.tensor([mu]).double(), 2 * torch.tensor([sigma]).double().log())


def bent():
    generator = torch.Generator().manual_seed(1)
    u, w = torch.randn(2, 2, 1, 2, generator=generator, dtype=torch.float64)
    plain = gaussian([0.3, -0.2], [0.5, 0.7])
    return Posterior(plain.mu, plain.log_var, u, w, torch.tensor([[0.2], [-0.4]]).double())


def test_the_evidence_of_two_humps_is_the_closed_form():
    assert bending.log_evidence("two humps") == pytest.approx(truth()["log_p"], abs=1e-6)


def test_the_evidence_of_the_banana_is_that_of_draws_from_the_prior():
    z = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    normal = torch.distributions.Normal(z[:, 1] + z[:, 0] ** 2, 0.4)
    estimate = normal.log_prob(torch.tensor(1.0).double()).exp().mean().log().item()
    assert bending.log_evidence("banana") == pytest.approx(estimate, abs=0.01)


def test_a_pushed_draw_has_the_density_that_the_jacobian_says():
    q = bent()
    e = torch.tensor([0.4, -0.9]).double()
    jacobian = torch.func.jacfwd(lambda e: bending.push(e[None], q)[0][0])(e)
    expected = -0.5 * e.square().sum() - math.log(2 * math.pi) - torch.linalg.slogdet(jacobian)[1]
    torch.testing.assert_close(bending.push(e[None], q)[1][0], expected)


@pytest.mark.parametrize("target", bending.TARGETS)
@pytest.mark.parametrize("q", [gaussian([0.3, 0.4], [0.5, 0.7]), bent()], ids=["straight", "bent"])
def test_the_divergence_is_that_of_draws(q, target):
    torch.manual_seed(0)
    z, log_q = q.draw(200_000)
    lost = (log_q - bending.log_joint(z, target)).mean() + bending.log_evidence(target)
    assert bending.divergence(q, target).item() == pytest.approx(lost.item(), rel=0.02)
    assert bending.divergence(q, target) > 0


def test_more_steps_come_nearer_and_the_search_repeats_itself():
    some = {k: bending.fit(k, tries=8) for k in (0, 2)}
    lost = {k: bending.divergence(q).item() for k, q in some.items()}
    assert lost[2] < 0.5 * lost[0]
    torch.testing.assert_close(bending.fit(0, tries=8).mu, some[0].mu)


def test_nothing_nearby_is_better_than_the_best_gaussian():
    q = bending.fit(0, tries=8)
    least = bending.divergence(q)
    for off in torch.eye(2).double() * 0.05:
        for sign in (1, -1):
            assert bending.divergence(Posterior(q.mu + sign * off, q.log_var)) > least
            assert bending.divergence(Posterior(q.mu, q.log_var + sign * off)) > least


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bending.fit(-1), "steps: got -1"),
        (lambda: bending.fit(1, "apple"), "target: got 'apple'"),
        (lambda: bending.fit(1, tries=0), "tries: got 0"),
        (lambda: bending.log_joint(torch.zeros(3)), "z: got a tensor"),
        (lambda: bending.grid(0.0), "extent: got 0"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_rings_and_ladders_are_drawn_and_said_in_words():
    turn = torch.linspace(0, 6.3, 20)
    circle = torch.stack([turn.cos(), turn.sin()], 1)
    places, _ = bending.grid(3.0, 21)
    figure = plots.rings(
        {"one": {"p": [circle], "q": [circle, 2 * circle]}, "two": {"q": [circle]}},
        shade=(places, bending.log_joint(places).exp()),
        description="Two panels of rings.",
    )
    assert [len(ax.lines) for ax in figure.axes] == [3, 1]
    assert figure.axes[0].get_legend() and not figure.axes[1].get_legend()
    both = plots.ladder(description="Two diagrams.")
    assert [ax.get_title() for ax in both.axes] == ["one level", "two levels"]
    assert "Two diagrams." in both.svg() and "Two panels of rings." in figure.svg()

"""The variance of two estimators of one gradient, which algebra gives exactly."""

from __future__ import annotations

import math

import torch
from torch.distributions import Normal

from aecourse import estimators
from aecourse.reproduce.recipe import Measured, Recipe, Row

DRAWS = 4_000_000
SETTING = "f(z) = z², z ~ N(θ, 1), 4,000,000 draws"
ALGEBRA = "algebra: θ⁴ + 14 θ² + 15"


def run(lab, part: str) -> dict[str, Measured]:
    """The variance over draws, and its standard error from the fourth moment."""
    name, theta = part.split(", θ = ")
    estimator = {"pathwise": estimators.pathwise, "score function": estimators.score_function}[name]
    draws = estimator(
        torch.square,
        lambda mean: Normal(mean, 1.0),
        torch.tensor(float(theta)),
        lab.toy(DRAWS, 20_000),
    )
    off = draws.double() - draws.double().mean()
    variance = off.square().mean().item()
    error = math.sqrt((off.pow(4).mean().item() - variance**2) / len(off))
    return {part: Measured(variance, error)}


RECIPE = Recipe(
    name="gradient-variance",
    title="Variance of two gradient estimators",
    about="The gradient of E[z²] by its mean, estimated from one draw. Both estimators have the same mean; the variances "
    "are known, so that this table tests the code and not the literature.",
    measure="variance of one draw's estimate",
    lower=None,
    rows=(
        Row(
            "pathwise, θ = 1",
            SETTING,
            published=4,
            source="algebra: 4, whatever θ is",
            key="kingma2014",
            exact=True,
        ),
        *(
            Row(
                f"score function, θ = {theta}",
                SETTING,
                published=theta**4 + 14 * theta**2 + 15,
                source=ALGEBRA,
                key="williams1992",
                exact=True,
            )
            for theta in (0, 1, 2)
        ),
    ),
    run=run,
    minutes=0.1,
    data="",
)

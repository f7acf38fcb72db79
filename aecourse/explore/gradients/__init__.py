"""Two ways to a gradient through chance, averaged side by side while draws come in."""

from __future__ import annotations

from aecourse import require
from aecourse.page.figure import Figure, fragment

LIMITS = {"mu": (-3.0, 3.0), "sigma": (0.1, 2.0)}  # what the sliders reach
DRAWS = 10_000  # the most that are averaged


def gradients(
    mu: float = 2.0,
    sigma: float = 1.0,
    *,
    draws: int = 100,
    seed: int = 0,
    description: str | None = None,
) -> Figure:
    """A bench for both estimators of d/dmu E[z^2], z = mu + sigma * eps: the draws, and running averages with error bands.

    mu, sigma    where the sliders stand at first; mu from -3 to 3, sigma from 0.1 to 2.
    draws        how many draws are averaged before anybody presses a button, at most 10,000.
    seed         of the generator in the page: the same seed gives the same draws in every browser.
    description  the figure in words; by default what both estimators are known to do at the given place.
    """
    values = {
        name: require.number(name, value, low=LIMITS[name][0], high=LIMITS[name][1])
        for name, value in {"mu": mu, "sigma": sigma}.items()
    }
    draws, seed = require.integer("draws", draws, low=0), require.integer("seed", seed, low=0)
    if draws > DRAWS or seed >= 2**32:
        name, value, most = ("draws", draws, DRAWS) if draws > DRAWS else ("seed", seed, 2**32 - 1)
        raise ValueError(f"{name}: got {value}; accepted is a whole number from 0 to {most}")
    data = {
        **values,
        "draws": draws,
        "seed": seed,
        "limits": {k: list(v) for k, v in LIMITS.items()},
        "most": DRAWS,
    }
    description = _describe(**values) if description is None else description
    return Figure(
        fragment(
            "gradients",
            data,
            package=__name__,
            title="Interactive figure: two estimators of a gradient",
            description=description,
        ),
        description,
    )


def variances(mu: float, sigma: float) -> dict[str, float]:
    """The variance of one estimate of d/dmu E[z^2]: pathwise, score function, and that with the baseline E[z^2]."""
    return {
        "pathwise": 4 * sigma**2,
        "score function": mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2,
        "with baseline": 8 * mu**2 + 10 * sigma**2,
    }


def _describe(mu: float, sigma: float) -> str:
    known = variances(mu, sigma)
    return (
        "Draws of eps, and the z = mu + sigma eps that they become when mu and sigma are moved; below, running averages of two "
        f"estimators of the derivative of E[z^2] with respect to mu, with bands of two standard errors. At mu = {mu:g} and "
        f"sigma = {sigma:g} the derivative is {2 * mu:g}. One pathwise estimate has a variance of {known['pathwise']:.3g}, one of the "
        f"score function {known['score function']:.3g}, and with the mean of z^2 as a baseline {known['with baseline']:.3g}; the bands "
        "shrink with the square root of the number of draws, the pathwise one being the narrower."
    )

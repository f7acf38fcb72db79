"""The live figure of lesson 14: K weighted draws from a Gaussian q, against a posterior that is known."""

from __future__ import annotations

import math

from aecourse import require
from aecourse.page.figure import Figure, fragment

LIMITS = {"mu": (-2.0, 2.0), "sigma": (0.1, 2.0), "K": (1, 100)}  # what the sliders reach


def weighted_draws(
    mu: float = 0.9,
    sigma: float = 0.3,
    K: int = 5,
    *,
    x: float = 2.0,
    slope: float = 2.0,
    noise: float = 0.6,
    draws: int = 20_000,
    seed: int = 0,
    presets: dict[str, tuple] | None = None,
    description: str | None = None,
) -> Figure:
    """The bound of K weighted draws where everything else is known: posterior, q, weights, bound, effective draws.

    The model: z ~ N(0, 1), and x is slope z or -slope z, either with probability 1/2, plus noise. Then p(x) is one Gaussian
    and p(z|x) two humps.

    mu, sigma, K  where the sliders stand at first.
    x             the one observation.
    slope, noise  of the model; noise is a standard deviation.
    draws         how many are averaged over for the bound, from 100 to 100,000.
    seed          of the generator in the page.
    presets       name -> (mu, sigma, K), buttons that set the sliders.
    description   the figure in words.

    Raises TypeError or ValueError, naming the argument, for what does not fit.
    """
    values = {
        name: require.number(name, value, low=LIMITS[name][0], high=LIMITS[name][1])
        for name, value in {"mu": mu, "sigma": sigma}.items()
    }
    if require.integer("K", K) > LIMITS["K"][1]:
        raise ValueError(f"K: got {K}; accepted is a whole number from 1 to {LIMITS['K'][1]}")
    draws, seed = require.integer("draws", draws, low=100), require.integer("seed", seed, low=0)
    if draws > 100_000 or seed >= 2**32:
        name, value, most = (
            ("draws", draws, 100_000) if draws > 100_000 else ("seed", seed, 2**32 - 1)
        )
        raise ValueError(f"{name}: got {value}; accepted is a whole number up to {most}")
    model = {
        "x": require.number("x", x),
        "slope": require.number("slope", slope, low=0, above=True),
        "noise": require.number("noise", noise, low=0, above=True),
    }
    data = {
        **values,
        "K": int(K),
        **model,
        "draws": draws,
        "seed": seed,
        "limits": {k: list(v) for k, v in LIMITS.items()},
        "presets": {name: list(place) for name, place in (presets or {}).items()},
    }
    description = _describe(**values, K=K, **model) if description is None else description
    return Figure(
        fragment(
            "weighted_draws",
            data,
            package=__name__,
            title="Interactive figure: K weighted draws",
            description=description,
        ),
        description,
    )


def truth(x: float = 2.0, slope: float = 2.0, noise: float = 0.6) -> dict[str, float]:
    """What is known of the model: log p(x), and the place and width of the posterior's two humps at -hump and +hump."""
    total, variance = slope**2 + noise**2, 1 / (1 + slope**2 / noise**2)
    return {
        "log_p": -0.5 * (x**2 / total + math.log(2 * math.pi * total)),
        "hump": variance * slope * abs(x) / noise**2,
        "width": math.sqrt(variance),
    }


def log_joint(z, x: float = 2.0, slope: float = 2.0, noise: float = 0.6):
    """log p(x, z) of the model, for a tensor z of any shape."""
    humps = [-0.5 * ((x - sign * slope * z) / noise) ** 2 for sign in (1, -1)]
    return (
        humps[0].logaddexp(humps[1])
        - 0.5 * z**2
        - math.log(2)
        - math.log(noise)
        - math.log(2 * math.pi)
    )


def _describe(mu: float, sigma: float, K: int, x: float, slope: float, noise: float) -> str:
    known = truth(x, slope, noise)
    return (
        f"A posterior with two humps of width {known['width']:.2f} at plus and minus {known['hump']:.2f}, and a Gaussian q with mean "
        f"{mu:g} and standard deviation {sigma:g}, from which {K} draws are taken; each stands as a stem as tall as its share of the "
        f"weights. Below, the bound of K draws rises with K from 1 to 100 towards log p(x), which is {known['log_p']:.2f} nats. How fast it rises "
        "depends on q: one that covers a single hump does well with one draw and gains little from more; a wide one starts low and "
        "comes closest with many."
    )

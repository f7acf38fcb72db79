"""The live figure of lesson 15: a Gaussian, bent by hand towards a posterior that is known."""

from __future__ import annotations

import contourpy
import torch

from aecourse import bending, require
from aecourse.models.posterior import Posterior
from aecourse.page.figure import Figure, fragment

STEPS = 3  # how many the figure has
EXTENT = 3.0  # the plane is drawn from -EXTENT to EXTENT
LIMITS = {
    "mu": (-2.0, 2.0),
    "sigma": (0.05, 2.0),
    "w": (-4.0, 4.0),
    "u": (-4.0, 4.0),
    "b": (-4.0, 4.0),
}
HELD = (0.99, 0.9, 0.5)  # of the posterior's mass, by the three grey shapes
NAMES = ("best Gaussian", "best with 1 step", "best with 2 steps", "best with 3 steps")


def bend(families: dict | None = None, *, seed: int = 0, description: str | None = None) -> Figure:
    """A cloud of draws from a Gaussian that up to three planar steps bend, over a known posterior, and its ELBO.

    families     {target: {steps: q}} for targets of `aecourse.bending`: buttons that set everything to a q found by
                 `bending.fit`, with 0 to 3 steps. None searches for the best Gaussian and the best with one step.
    seed         of the draws in the page.
    description  the figure in words.

    Raises TypeError or ValueError, naming the argument, for what does not fit.
    """
    if families is None:
        families = {name: {k: bending.fit(k, name) for k in (0, 1)} for name in bending.TARGETS}
    if not isinstance(families, dict) or not families:
        raise ValueError(
            f"families: got {require.described(families)}; accepted is a dict with at least one target"
        )
    seed = require.integer("seed", seed, low=0)
    data = {
        "targets": [_target(name, members) for name, members in families.items()],
        "limits": {name: list(ends) for name, ends in LIMITS.items()},
        "extent": EXTENT,
        "seed": seed,
    }
    description = _describe(data["targets"]) if description is None else description
    return Figure(
        fragment(
            "bend",
            data,
            package=__name__,
            title="Interactive figure: bend a Gaussian",
            description=description,
        ),
        description,
    )


def _target(name: str, members) -> dict:
    require.choice("families", name, bending.TARGETS)
    if not isinstance(members, dict) or 0 not in members:
        raise ValueError(
            f"families[{name!r}]: got {require.described(members)}; accepted is a dict from the number of steps to a "
            "Posterior, with 0 among them"
        )
    places, _ = bending.grid(EXTENT, 121)
    density = torch.exp(bending.log_joint(places, name) - bending.log_evidence(name))
    return {
        "name": name,
        "evidence": bending.log_evidence(name),
        "shapes": [_shape(density, held) for held in HELD],
        "members": [_member(name, steps, members[steps]) for steps in sorted(members)],
    }


def _shape(density, held: float) -> list:
    """The outlines of the smallest region that holds this share of the mass: closed lines [N, 2], places in hundredths."""
    ordered, _ = density.flatten().sort(descending=True)
    share = ordered.cumsum(0) / ordered.sum()
    level = ordered[int((share < held).sum())].item()
    step = 2 * EXTENT / (len(density) - 1)
    lines = contourpy.contour_generator(z=density.numpy()).lines(level)
    return [[[round(100 * (v * step - EXTENT)) for v in point] for point in line] for line in lines]  # pyright: ignore[reportOptionalIterable]


def _member(name: str, steps, q) -> dict:
    if not isinstance(q, Posterior) or q.mu.shape != (1, 2):
        raise ValueError(
            f"families[{name!r}][{steps!r}]: got {require.described(q)}; accepted is a Posterior of one image, with two "
            "latents"
        )
    there = 0 if q.u is None else len(q.u)
    if there != steps or there > STEPS:
        raise ValueError(
            f"families[{name!r}][{steps!r}]: got {there} steps; accepted are as many as its key says, at most {STEPS}"
        )
    bends = [] if q.u is None or q.w is None or q.b is None else list(zip(q.u, q.w, q.b))
    return {
        "name": NAMES[there],
        "mu": q.mu[0].tolist(),
        "sigma": torch.exp(0.5 * q.log_var[0]).tolist(),
        "steps": [{"u": u[0].tolist(), "w": w[0].tolist(), "b": b.item()} for u, w, b in bends],
        "lost": bending.divergence(q, name).item(),
    }


def _describe(targets: list[dict]) -> str:
    told = " ".join(
        f"For the {each['name']}, log p(x) is {each['evidence']:.2f} nats; the KL divergence is "
        + ", ".join(f"{q['lost']:.2f} nats for the {q['name']}" for q in each["members"])
        + "."
        for each in targets
    )
    return (
        "A posterior in the plane, as three grey shapes that hold 50, 90 and 99 % of it, and over it 300 draws from a Gaussian, with the "
        "rings that hold 50 and 90 % of them. Sliders move and stretch the Gaussian and set u, w and b of up to three planar steps, which "
        f"bend the rings; the ELBO is counted anew each time. {told}"
    )

"""A quick book: every lesson runs through with small budgets, so that its pages can be seen in minutes.

Where the environment variable `AECOURSE_QUICK` is set when the course is imported (`make book QUICK=1` sets it), a data set has at
most `IMAGES` images to train on, the first `EARLY` trainings of a process take at most `STEPS` steps each, and later ones, which
are mostly repetitions, `FEW`. The figures are then not the course's:
claims are shown without a verdict, and each page says so. Nothing changes where it is not set.
"""

from __future__ import annotations

import functools
import inspect
import os

EARLY, STEPS, FEW = 4, 150, 30
IMAGES = 2_000  # that a data set may have to train on
BANNER = "Quick build: small budgets, figures are not the course's"


def on() -> bool:
    """Whether this process runs with small budgets: `AECOURSE_QUICK`."""
    return os.environ.get("AECOURSE_QUICK", "") not in ("", "0", "off")


def install() -> None:
    """Makes the budgets of this process small; without effect where `on` says no, or the second time."""
    if not on():
        return
    from aecourse import data, train
    from aecourse.train import fitting, greedy

    if getattr(train.fit, "quick", False):
        return
    data.load = fewer(data.load)
    train.fit = fitting.fit = greedy.fit = shorter(fitting.fit)


def fewer(load):
    """`data.load` that keeps the first `IMAGES` images to train on."""

    @functools.wraps(load)
    def few(*arguments, **options):
        images = load(*arguments, **options)
        return images.subset(min(IMAGES, len(images.train)))

    return few


def shorter(fit):
    """`train.fit` that takes few steps: fewer epochs, and where one is too long, of the first images only.

    What is no tensor or Split, or is given wrongly, is handed on as it is; a test of the arguments is `fit`'s own."""
    signature, done = inspect.signature(fit), 0

    @functools.wraps(fit)
    def short(*arguments, **options):
        nonlocal done
        most, done = STEPS if done < EARLY else FEW, done + 1
        try:
            asked = signature.bind(*arguments, **options)
            asked.apply_defaults()
            given = asked.arguments
            images, size = getattr(given["images"], "train", given["images"]), given["batch_size"]
            steps = -(-len(images) // size)
            if steps > most:
                given["images"] = images[: most * size]
                steps = most
            given["epochs"] = max(1, min(given["epochs"], most // steps))
        except (TypeError, ValueError, AttributeError, ZeroDivisionError):
            return fit(*arguments, **options)
        return fit(*asked.args, **asked.kwargs)

    short.quick = True
    return short

"""A quick book: every lesson runs through with small budgets, so that its pages can be seen in minutes.

Where the environment variable `AECOURSE_QUICK` is set when the course is imported (`make book QUICK=1` sets it), a data set has at
most `IMAGES` images to train on; the first `EARLY` trainings of a process take about `STEPS` steps each, and later ones, which are
mostly repetitions, about `FEW`, but at least one in each epoch; a likelihood is estimated with `DRAWS` draws at most. The figures
are then not the course's: claims are shown without a verdict, and each page says so. Nothing changes where it is not set.
"""

from __future__ import annotations

import functools
import inspect
import os

EARLY, STEPS, FEW = 4, 150, 30
IMAGES, DRAWS = 2_000, 20
BANNER = "Quick build: small budgets, figures are not the course's"


def on() -> bool:
    """Whether this process runs with small budgets: `AECOURSE_QUICK`."""
    return os.environ.get("AECOURSE_QUICK", "") not in ("", "0", "off")


def install() -> None:
    """Makes the budgets of this process small; without effect where `on` says no, or the second time."""
    if not on():
        return
    from aecourse import data, evaluate, train
    from aecourse.train import fitting, greedy

    if getattr(train.fit, "quick", False):
        return
    data.load = fewer(data.load)
    evaluate.log_likelihood = rougher(evaluate.log_likelihood)
    train.fit = fitting.fit = greedy.fit = shorter(fitting.fit)


def fewer(load):
    """`data.load` that keeps the first `IMAGES` images to train on."""

    @functools.wraps(load)
    def few(*arguments, **options):
        images = load(*arguments, **options)
        return images.subset(min(IMAGES, len(images.train)))

    return few


def rougher(estimate):
    """`evaluate.log_likelihood` with at most `DRAWS` samples."""

    @functools.wraps(estimate)
    def rough(model, x, samples=DRAWS, **options):
        return estimate(model, x, min(samples, DRAWS), **options)

    return rough


def shorter(fit):
    """`train.fit` that takes few steps: as many epochs, so that histories have their length, of the first images only.

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
            epochs = min(given["epochs"], most)
            given["images"] = images[: max(1, most // epochs) * size]
        except (TypeError, ValueError, AttributeError, ZeroDivisionError):
            return fit(*arguments, **options)
        return fit(*asked.args, **asked.kwargs)

    short.quick = True
    return short

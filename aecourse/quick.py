"""A quick book: every lesson runs through with small budgets, so that its pages can be seen in minutes.

Where the environment variable `AECOURSE_QUICK` is set when the course is imported (`make book QUICK=1` sets it), a data set has at
most `IMAGES` images to train on; the first `EARLY` trainings of a process take about `STEPS` steps each, and later ones, which are
mostly repetitions, about `FEW`, but at least one in each epoch; a likelihood is estimated with `DRAWS` draws at most, and t-SNE makes 250 steps. The figures
are then not the course's: claims are shown without a verdict, and each page says so. Nothing changes where it is not set.
"""

from __future__ import annotations

import functools
import inspect
import os

EARLY, STEPS, FEW = 4, 150, 30
IMAGES, DRAWS = 2_000, 20
_installed = False
BANNER = "Quick build: small budgets, figures are not the course's"


def on() -> bool:
    """Whether this process runs with small budgets: `AECOURSE_QUICK`."""
    return os.environ.get("AECOURSE_QUICK", "") not in ("", "0", "off")


def install() -> None:
    """Makes the budgets of this process small; without effect where `on` says no, or the second time."""
    global _installed
    if _installed or not on():
        return
    _installed = True
    # here, so that nothing is imported where budgets are not small
    from sklearn.manifold import TSNE

    from aecourse import data, evaluate, train
    from aecourse.train import fitting, greedy

    data.load = fewer(data.load)
    evaluate.log_likelihood = capped(evaluate.log_likelihood, samples=DRAWS)
    evaluate.gaps = capped(evaluate.gaps, steps=DRAWS, samples=5 * DRAWS)
    evaluate.named_as = or_nothing(evaluate.named_as)
    usual = TSNE.__init__.__kwdefaults__ or {}
    usual.update({name: 250 for name in ("max_iter", "n_iter") if usual.get(name) == 1000})
    train.fit = fitting.fit = greedy.fit = shorter(fitting.fit)


def fewer(load):
    """`data.load` that keeps the first `IMAGES` images to train on."""

    @functools.wraps(load)
    def few(*arguments, **options):
        images = load(*arguments, **options)
        return images.subset(min(IMAGES, len(images.train)))

    return few


def capped(function, **most: int):
    """A function whose arguments of these names are at most so large."""
    from aecourse import (
        require,
    )  # here, since it imports torch, and the package must import where torch does not load

    rules = {name: lambda _, value, bound=bound: min(value, bound) for name, bound in most.items()}
    return require.checked(**rules)(function)


def or_nothing(share):
    """`evaluate.named_as` that is not a number for no images, as where a poor model draws none that passes a filter."""

    @functools.wraps(share)
    def measured(classifier, x, labels):
        return share(classifier, x, labels) if len(x) else float("nan")

    return measured


def shorter(fit):
    """`train.fit` that takes few steps: as many epochs, so that histories have their length, of fewer images, evenly spread.

    What is no tensor or Split, or is given wrongly, is handed on as it is; a test of the arguments is `fit`'s own."""
    import torch

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
            rows = min(len(images), max(1, most // epochs) * size)
            given["images"] = images[torch.linspace(0, len(images) - 1, rows).long()]
        except (TypeError, ValueError, AttributeError, ZeroDivisionError):
            return fit(*arguments, **options)
        return fit(*asked.args, **asked.kwargs)

    return short

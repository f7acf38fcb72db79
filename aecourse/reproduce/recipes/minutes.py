"""Likelihood against minutes of training: how good a VAE can be made in a given time.

The rules stand on the page "Results". What this recipe does about them is in `train_for`: a dense VAE with one stochastic
layer, averaged weights, a decoder that starts at the mean image, and a rate that falls to nothing at the end of the time.
"""

from __future__ import annotations

import copy
import time

from aecourse import data, nets, train
from aecourse.models import VAE
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean
from aecourse.train.batches import as_batches
from aecourse.train.loop import Run

WIDTH, LATENTS, BATCH, LR, EMA = 512, 50, 256, 2e-3, 0.9995
MARKS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # of the epochs, where the weights are kept for the curve
EPOCHS = {"15 minutes": 165, "60 minutes": 640}
TUNED = 6  # epochs of the trainings by which the rate is chosen


def built(lab):
    """784-512-512-50 and its mirror, with the bias of the last layer at the logit of the mean image."""
    width = lab.toy(WIDTH, 64)
    model = VAE(LATENTS, nets.mlp((width, width), "gelu"), shape=lab.images.shape)
    return lab.begin(model)


def train_for(lab, model, x, epochs: int, lr: float, minutes: float | None = None):
    """Trains `model` on x and keeps averaged weights along the way: [(seconds, epoch, weights)].

    Only seconds within `Run.epoch` count, which is all of the training: drawing the binary pixels, both passes, the optimiser
    and the averages. minutes: no epoch begins after these; the rate then has not come down to nothing.
    """
    device = train.fitting.pick_device("cpu")
    batches = as_batches("x", x, model, BATCH, device, seed=lab.seed)
    run = Run(
        model,
        batches,
        epochs=epochs,
        lr=lr,
        rate=train.schedules.one_cycle(warm=0.1),
        weights={},
        transform=data.binarize,
        clip=None,
        ema=EMA,
        precision="float32",
        device=device,
    )
    marks = {max(1, round(share * epochs)) for share in MARKS}
    kept, seconds = [], 0.0
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        run.epoch()
        seconds += time.perf_counter() - began
        over = minutes is not None and seconds >= 60 * minutes
        if epoch in marks or over:
            with run.averaged():
                kept.append((seconds, epoch, copy.deepcopy(model.state_dict())))
            lab.say(f"{seconds / 60:.1f} min, epoch {epoch} of {epochs}")
        if over:
            break
    lab.training_seconds += seconds
    model.eval()
    return kept


def run(lab, part: str) -> dict[str, Measured]:
    """-log p(x) at the end with 5,000 samples on all test images; along the way with 500."""
    minutes = float(part.split()[0])

    def score(lr: float) -> float:
        model = built(lab)
        train_for(lab, model, lab.fitting.x, lab.toy(TUNED, 1), lr)
        held_out = data.binarize(lab.held_out.x[: lab.toy(2000, 20)])
        return lab.nats(model, held_out, 50).mean().item()

    lr = lab.choose("learning rate", (LR, 1.5 * LR), score)
    lab.training_seconds = 0.0
    model = built(lab)
    kept = train_for(lab, model, lab.train.x, lab.toy(EPOCHS[part], 2), lr, minutes)
    x, curve = data.binarize(lab.test.x), []
    for seconds, epoch, weights in kept:
        model.load_state_dict(weights)
        last = epoch == kept[-1][1]
        found = mean(lab.nats(model, x, 5000 if last else 500))
        curve.append(
            {
                "seconds": round(seconds, 1),
                "epoch": epoch,
                "nats": found.figure,
                "samples": 5000 if last else 500,
            }
        )
    return {part: Measured(found.figure, found.standard_error, {"curve": curve})}


RECIPE = Recipe(
    name="minutes",
    title="Likelihood against minutes",
    about="How good a VAE with one stochastic layer is after some minutes of training, on the processor. The published "
    "figure beside it is the best one-layer VAE of the paper, whose network is smaller and whose training far longer.",
    measure="-log p(x), nats per test image, 5,000 samples",
    binarisation="dynamic",
    chosen="the learning rate, by trainings of 6 epochs scored on held-out training images; this time is not counted",
    rows=tuple(
        Row(
            part,
            f"784-{WIDTH}-{WIDTH}-{LATENTS}, GELU, batch {BATCH}, at most {epochs} epochs, one-cycle rate, averaged weights "
            f"({EMA}), bias at the mean",
            published=86.35,
            source="Burda et al. 2016, table 1: VAE, k = 50, 3,280 epochs, 784-200-200-50",
            key="burda2016",
            explained="A wider network, Adam with a falling rate, averaged weights, and a start at the mean image.",
        )
        for part, epochs in EPOCHS.items()
    ),
    run=run,
    minutes=90,
)

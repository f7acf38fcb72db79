"""Likelihood against minutes of training: how good a VAE can be made in a given time.

The rules stand on the page "Results". What this recipe does about them is in `train_for`: a dense VAE with one stochastic
layer, averaged weights, a decoder that starts at the mean image, and a rate that has come down to nothing when the time is up.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

from torch import Tensor

from aecourse import data, nets
from aecourse.models import IWAE, VAE
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean
from aecourse.train.batches import as_batches
from aecourse.train.fitting import pick_device
from aecourse.train.loop import Run
from aecourse.train.schedules import one_cycle

EMA = 0.9995
MARKS = (0.05, 0.1, 0.2, 0.4, 0.7)  # of the time: where weights are kept for the curve
TRIAL = 1 / 15  # of the time: how long each of the trainings takes by which the rate is chosen


@dataclass(frozen=True)
class Plan:
    """What is trained, and for how long.

    weighted: from which share of the time on several weighted draws take the place of one; draws: how many
    """

    minutes: float
    hidden: tuple[int, int] = (512, 512)
    activation: str = "gelu"
    batch: int = 256
    rates: tuple[float, ...] = (1e-3, 2e-3, 3e-3)
    weighted: float = 1.0
    draws: int = 1

    def __str__(self) -> str:
        net = "-".join(map(str, (784, *self.hidden, 50)))
        later = (
            f"; from {self.weighted:.0%} of the time on {self.draws} weighted draws with the DReG gradient"
            if self.draws > 1
            else ""
        )
        return (
            f"{net}, {self.activation}, batch {self.batch}, {self.minutes:g} minutes, one-cycle rate over the time, averaged "
            f"weights ({EMA}), bias at the mean{later}"
        )


PLANS = {
    "15 minutes": Plan(15),
    "15 minutes, weighted at the end": Plan(15, weighted=0.6, draws=8),
    "30 minutes, the paper's 200-200": Plan(30, (200, 200), "tanh", 128),
    "60 minutes, weighted at the end": Plan(60, weighted=0.6, draws=8),
}


class Later(IWAE):
    """A VAE as long as it has one sample, and after that an IWAE with the same weights."""

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The ELBO with its closed KL, or the bound of several draws: "loss" alone, since their terms have other names."""
        terms = VAE.loss(self, x) if self.samples == 1 else super().loss(x)
        return {"loss": terms["loss"]}


def built(lab, plan: Plan) -> Later:
    """The network, which at the start draws the mean image."""
    hidden = lab.toy(plan.hidden, (64, 64))
    net = nets.mlp(hidden, plan.activation)
    model = Later(50, net, samples=1, estimator="dreg", shape=lab.images.shape)
    return lab.begin(model)


def train_for(lab, plan: Plan, model: Later, x: Tensor, lr: float, minutes: float):
    """Trains `model` on x for so many minutes; averaged weights along the way and at the end: [(seconds, epoch, weights)].

    Only seconds within `Run.epoch` count, which is all of the training: drawing the binary pixels, both passes, the
    optimiser, the averages. Progress is measured in time, and no epoch begins that would not end in time.
    """
    limit, used, began = 60 * minutes, 0.0, 0.0
    cycle = one_cycle(warm=0.1)

    def progress() -> float:
        return min(1.0, (used + time.perf_counter() - began) / limit)

    run = Run(
        model,
        as_batches("x", x, model, plan.batch, pick_device("cpu"), seed=lab.seed),
        epochs=1,
        lr=lr,
        rate=lambda _: cycle(progress()),
        weights={},
        transform=data.binarize,
        clip=None,
        ema=EMA,
        precision="float32",
        device=pick_device("cpu"),
    )
    kept, left, epoch, longest = [], list(MARKS), 0, 0.0
    while epoch < 1 or used + longest <= limit:
        if plan.draws > 1 and used >= plan.weighted * limit and model.samples == 1:
            model.samples, longest = plan.draws, 0.0
        epoch, began = epoch + 1, time.perf_counter()
        run.epoch()
        took = time.perf_counter() - began
        used, longest = used + took, max(longest, took)
        if left and used >= left[0] * limit:
            left = [mark for mark in left if used < mark * limit]
            kept.append(noted(run, used, epoch))
            lab.say(f"{used / 60:.1f} of {minutes:g} min, epoch {epoch}")
    lab.training_seconds += used
    kept.append(noted(run, used, epoch))
    model.eval()
    return kept


def noted(run: Run, seconds: float, epoch: int) -> tuple[float, int, dict]:
    """The averaged weights, and when they were made."""
    with run.averaged():
        return seconds, epoch, copy.deepcopy(run.model.state_dict())


def run(lab, part: str) -> dict[str, Measured]:
    """-log p(x) at the end with 5,000 samples on all test images; along the way with 500."""
    plan = PLANS[part]
    minutes = lab.toy(plan.minutes, 0.01)

    def score(lr: float) -> float:
        model = built(lab, plan)
        [*_, (_, _, weights)] = train_for(lab, plan, model, lab.fitting.x, lr, TRIAL * minutes)
        model.load_state_dict(weights)
        held_out = data.binarize(lab.held_out.x[: lab.toy(2000, 20)])
        return lab.nats(model, held_out, 100).mean().item()

    lr = lab.choose("learning rate", plan.rates, score)
    lab.training_seconds = 0.0
    model = built(lab, plan)
    kept = train_for(lab, plan, model, lab.train.x, lr, minutes)
    x, curve, found = data.binarize(lab.test.x), [], Measured(0.0)
    for number, (seconds, epoch, weights) in enumerate(kept, 1):
        model.load_state_dict(weights)
        samples = 5000 if number == len(kept) else 500
        found = mean(lab.nats(model, x, samples))
        point = {"seconds": round(seconds, 1), "epoch": epoch, "nats": found.figure}
        curve.append({**point, "samples": samples})
    return {part: Measured(found.figure, found.standard_error, {"curve": curve})}


RECIPE = Recipe(
    name="minutes",
    title="Likelihood against minutes",
    about="How good a VAE with one stochastic layer is after some minutes of training, on the processor. The published "
    "figure beside it is the best one-layer VAE of the paper.",
    measure="-log p(x), nats per test image, 5,000 samples",
    binarisation="dynamic",
    chosen=f"the learning rate among three, by trainings of {TRIAL:.0%} of the time on 50,000 training images, scored on 2,000 "
    "others; this time is not counted",
    rows=tuple(
        Row(
            part,
            str(plan),
            published=86.35,
            source="Burda et al. 2016, table 1: VAE, k = 50, 784-200-200-50, 3,280 epochs",
            key="burda2016",
            explained="Adam with a falling rate, averaged weights and a start at the mean image; "
            + (
                "the network is the paper's own, and the training far shorter."
                if plan.hidden == (200, 200)
                else "the network is wider."
            ),
        )
        for part, plan in PLANS.items()
    ),
    run=run,
    minutes=200,
)

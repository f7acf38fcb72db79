"""What a recipe works with: the images, the training loop, and a test set that is locked while anything is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor

from aecourse import data, evaluate, train

HELD_OUT = 10_000  # of the training images, the last ones: for choices
Candidate = TypeVar("Candidate")


class TestSetLocked(RuntimeError):
    """The test set was asked for while something was being chosen, or a choice was to be made after it had been seen."""

    __test__ = False  # no test, whatever its name


class Lab:
    """The images and the settings of one run of one part.

    images    an `Images`; in a quick run few of the embedded digits
    seed      of everything random in the run
    quick     whether sizes are those of a toy, so that the figures mean nothing
    say       a function that tells of progress
    """

    def __init__(self, images: data.Images | None, seed: int, quick: bool, say: Callable):
        self._images, self.seed, self.quick, self.say = images, seed, quick, say
        self.choices: dict[str, Any] = {}
        self.training_seconds = 0.0
        self._choosing = self._test_seen = False
        torch.manual_seed(seed)

    # ---- images -----------------------------------------------------------------------------------------------

    @property
    def images(self) -> data.Images:
        """The data set; the recipe asks for its parts by the properties below."""
        assert self._images is not None, "this recipe declares that it needs no data"
        return self._images

    @property
    def train(self) -> data.Split:
        """All training images."""
        return self.images.train

    @property
    def fitting(self) -> data.Split:
        """The training images without those that are held out."""
        return self.train[: -self._held_out()]

    @property
    def held_out(self) -> data.Split:
        """Training images on which choices are made, and epochs are."""
        return self.train[-self._held_out() :]

    @property
    def test(self) -> data.Split:
        """The test images. Raises TestSetLocked while anything is being chosen; afterwards nothing can be chosen."""
        if self._choosing:
            raise TestSetLocked("the test set was asked for while something is being chosen")
        self._test_seen = True
        return self.images.test

    def _held_out(self) -> int:
        return min(HELD_OUT, len(self.train) // 6)

    # ---- work -------------------------------------------------------------------------------------------------

    def toy(self, real, toy):
        """`real`, or `toy` in a quick run."""
        return toy if self.quick else real

    def choose(
        self,
        name: str,
        candidates: Iterable[Candidate],
        score: Callable[[Candidate], float],
        lower: bool = True,
    ) -> Candidate:
        """The candidate with the best score, which is computed without the test set; all scores are kept in the results."""
        if self._test_seen:
            raise TestSetLocked(f"{name}: was to be chosen after the test set had been seen")
        self._choosing = True
        try:
            scores = {candidate: float(score(candidate)) for candidate in candidates}
        finally:
            self._choosing = False
        best = (min if lower else max)(scores, key=lambda candidate: scores[candidate])
        self.choices[name] = {
            "chosen": str(best),
            "scores": {str(candidate): value for candidate, value in scores.items()},
        }
        self.say(f"{name}: {best}")
        return best

    def fit(self, model, images, epochs: int, **options) -> train.History:
        """`train.fit`, never from the cache, since seconds are part of what is measured; a quick run has one epoch."""
        options = {"seed": self.seed, "progress": False, "cache": False, **options}
        history = train.fit(model, images, epochs=self.toy(epochs, 1), **options)
        self.training_seconds += sum(history.seconds)
        return history

    def begin(self, model):
        """`model`, whose decoder's last bias is now the logit of the mean training image: what it draws before it has learnt."""
        mean = self.train.x.mean(0).flatten().clamp(1e-3, 1 - 1e-3)
        last = [layer for layer in model.decoder.modules() if isinstance(layer, torch.nn.Linear)][
            -1
        ]
        with torch.no_grad():
            last.bias.copy_(torch.logit(mean))
        return model

    def binary(self, x: Tensor) -> Tensor:
        """x [N, ...] binarised once, the same for every run: the static binarisation of this course."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2008)
            return data.binarize(x)

    def nats(self, model, x: Tensor, samples: int) -> Tensor:
        """-log p(x) of every image by importance sampling, as `evaluate.log_likelihood`: nats [N]."""
        samples = self.toy(samples, 5)
        self.say(f"-log p(x) of {len(x):,} images, {samples:,} samples each")
        return -evaluate.log_likelihood(model, x, samples=samples)

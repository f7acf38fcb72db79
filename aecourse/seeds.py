"""One seed moves all the randomness of a lesson, so that the lesson can be run again as an independent repetition.

Lessons, models and measures name their seeds in the usual way, `torch.manual_seed(0)`, `seed=0`, `random_state=0`. Where the
environment variable `AECOURSE_SEED` is a whole number above 0, every one of these seeds is moved by it when the course is
imported: torch's, NumPy's and, through NumPy's, scikit-learn's. Nothing changes where it is not set. Data sets are
the same bytes under every seed (`fixed`).
"""

from __future__ import annotations

import os
from contextlib import contextmanager

HIGHEST = 2**63 - 1  # torch takes no larger one
STRIDE = 100_003  # seeds of a lesson lie closer together than this, so that no two runs share one
_moved_by = 0


def run() -> int:
    """The repetition that this process is: `AECOURSE_SEED`, 0 where it is not set. Raises ValueError for anything but a whole
    number from 0 to 10,000."""
    text = os.environ.get("AECOURSE_SEED", "").strip() or "0"
    if not text.isdecimal() or int(text) > 10_000:
        raise ValueError(f"AECOURSE_SEED: got {text!r}; accepted is a whole number from 0 to 10000")
    return int(text)


def moved(seed):
    """`seed`, moved by the repetition; anything but a whole number (None, a generator) is handed back as it is."""
    if not _moved_by or isinstance(seed, bool) or not hasattr(seed, "__index__"):
        return seed
    return int(seed) + _moved_by


@contextmanager
def fixed():
    """Seeds count as they are written inside: for data sets, which are part of the question and no draw."""
    global _moved_by
    before, _moved_by = _moved_by, 0
    try:
        yield
    finally:
        _moved_by = before


def install() -> None:
    """Moves the seeds of this process by `run()`; without effect where that is 0, or the second time."""
    global _moved_by
    if _moved_by or not run():
        return
    import numpy as np  # here, so that the course can be imported, and say so, where they are missing
    import torch

    _moved_by = run() * STRIDE
    torch_seed, generator, numpy_seed, new, state = (
        torch.manual_seed,
        torch.Generator,
        np.random.seed,
        np.random.default_rng,
        np.random.RandomState,
    )

    class Generator(generator):
        def manual_seed(self, seed):
            super().manual_seed(moved(seed))
            return self

    class RandomState(state):
        def __init__(self, seed=None):
            super().__init__(moved(seed))

    torch.manual_seed = lambda seed: torch_seed(moved(seed))
    torch.Generator = Generator
    np.random.seed = lambda seed=None: numpy_seed(moved(seed))
    np.random.default_rng = lambda seed=None: new(moved(seed))
    np.random.RandomState = RandomState

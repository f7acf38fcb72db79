"""How every measure is taken: nothing trains, nothing is left changed."""
from __future__ import annotations

from contextlib import contextmanager

import torch

from aecourse import _arguments as check


@contextmanager
def measuring(model, seed: int):
    """Evaluation mode, no gradients, seeded noise; model and random state are left as they were."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(check.integer("seed", seed, low=0))
            yield next(model.parameters()).device
    finally:
        model.train(was_training)

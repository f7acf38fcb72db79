"""Training: one loop for every model (`fit`), and what it needs. `loop.py` is the file to read."""

from aecourse.train.cache import CacheWarning
from aecourse.train.fitting import fit
from aecourse.train.guard import Diverged
from aecourse.train.history import History
from aecourse.train.loop import Run
from aecourse.train.plain import plain
from aecourse.train.schedules import SCHEDULES, constant, cosine, cyclical, one_cycle, warmup
from aecourse.train.state import CheckpointError

__all__ = [
    "CacheWarning",
    "CheckpointError",
    "Diverged",
    "History",
    "Run",
    "SCHEDULES",
    "constant",
    "cosine",
    "cyclical",
    "fit",
    "one_cycle",
    "plain",
    "warmup",
]

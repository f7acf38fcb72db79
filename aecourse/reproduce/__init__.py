"""Published figures, measured again: `python -m aecourse.reproduce NAME`.

Each experiment is one short file of `aecourse/reproduce/recipes`, which says its setting, the published figure and its
source, and what was chosen on held-out training images. What is measured is kept in benchmarks/results.json; the page
"Results" of the book is made of it.
"""

from aecourse.reproduce.lab import Lab, TestSetLocked
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean
from aecourse.reproduce.results import Summary, read, summaries
from aecourse.reproduce.run import reproduce

__all__ = [
    "Lab",
    "Measured",
    "Recipe",
    "Row",
    "Summary",
    "TestSetLocked",
    "mean",
    "read",
    "reproduce",
    "summaries",
]

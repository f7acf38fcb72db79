"""Exercise checkers: give one your function and it answers at once, naming what is wrong.

    check.kl_divergence(my_function)

Each compares results and gradients with the solution's on seeded random inputs of odd sizes, then on unkind ones. Nothing
raises: a stub that is not written yet, or a function that fails, gets an answer too.

An exercise is one block in the module of its lesson: the solution, a real function, and a call of `exercise` with its
cases, its mistakes and right answers in other styles (see `core.Exercise`). It is found here under its name.
"""

import importlib
import pkgutil

from aecourse.check.core import EXERCISES, Answer, Exercise, Mistake

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
globals().update(EXERCISES)

__all__ = ["EXERCISES", "Answer", "Exercise", "Mistake"]


def __getattr__(name: str) -> Exercise:
    raise AttributeError(
        f"there is no exercise {name!r}; there are {', '.join(sorted(EXERCISES))}."
    )

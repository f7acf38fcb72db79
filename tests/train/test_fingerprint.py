"""Two transforms that do different things have different fingerprints; one transform has one, in every process."""

import functools
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from aecourse.train.fingerprint import fingerprint

FACTOR, TABLE, OPTIONS = 0.5, torch.ones(3), {"std": 0.1}


def scaled(x, by=0.5):
    return x * by


def with_keyword(x, *, by=0.5):
    return x * by


def doubled(x):
    return scaled(x, 2.0)


def by_a_variable(x):
    return x * FACTOR


def by_a_table(x):
    return x * TABLE


def by_options(x):
    return x * OPTIONS["std"]


def nested(x):
    return [y * FACTOR for y in x]


class Scale:
    def __init__(self, by, noise=None):
        self.by, self.noise = by, noise

    def __call__(self, x):
        return x * self.by

    def method(self, x):
        return x + self.by


class Module(torch.nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by
        self.register_buffer("table", torch.full((2,), float(by)))

    def forward(self, x):
        return x * self.by


def closure(by):
    return lambda x: x * by


UNLIKE = {
    "two functions": (scaled, doubled),
    "two lambdas": (lambda x: x + 1, lambda x: x + 2),
    "an operator": (lambda x: x + 1, lambda x: x - 1),
    "a lambda inside": (lambda x: (lambda y: y + 1)(x), lambda x: (lambda y: y + 2)(x)),
    "a comprehension": (lambda x: [y + 1 for y in x], lambda x: [y + 2 for y in x]),
    "a closure": (closure(1), closure(2)),
    "a tensor in a closure": (closure(torch.ones(2)), closure(torch.zeros(2))),
    "a dict in a closure": (closure({"a": 1}), closure({"a": 2})),
    "a function in a closure": (closure(scaled), closure(doubled)),
    "a partial": (functools.partial(scaled, by=1), functools.partial(scaled, by=2)),
    "an argument of a partial": (functools.partial(scaled, 1), functools.partial(scaled, 2)),
    "a function and its partial": (scaled, functools.partial(scaled, by=0.5)),
    "an object": (Scale(1), Scale(2)),
    "inside an object": (Scale(1, Scale(1)), Scale(1, Scale(2))),
    "an array of an object": (Scale(np.ones(2)), Scale(np.zeros(2))),
    "a method": (Scale(1).method, Scale(2).method),
    "a method and its object": (Scale(1).method, Scale(1)),
    "a module": (Module(1), Module(2)),
    "dtypes": (closure(torch.ones(2)), closure(torch.ones(2, dtype=torch.float64))),
    "shapes": (closure(torch.ones(2, 3)), closure(torch.ones(3, 2))),
    "none": (None, scaled),
}


@pytest.mark.parametrize("what", UNLIKE)
def test_what_differs_is_told_apart(what):
    one, other = map(fingerprint, UNLIKE[what])
    assert one != other


CHANGED = {
    "a default": (scaled, "__defaults__", (0.7,)),
    "a default by keyword": (with_keyword, "__kwdefaults__", {"by": 0.7}),
    "a variable of the module": (by_a_variable, "FACTOR", 0.7),
    "a tensor of the module": (by_a_table, "TABLE", torch.zeros(3)),
    "a dict of the module": (by_options, "OPTIONS", {"std": 0.2}),
    "a variable used inside": (nested, "FACTOR", 0.7),
    "a function it calls": (doubled, "scaled", lambda x, by: x + by),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_it_uses_belongs_to_it(what, monkeypatch):
    function, name, value = CHANGED[what]
    before = fingerprint(function)
    place = function if name.startswith("__") else sys.modules[__name__]
    monkeypatch.setattr(place, name, value)
    changed = fingerprint(function)
    monkeypatch.undo()
    assert changed != before == fingerprint(function)


def test_what_it_does_not_use_does_not_matter(monkeypatch):
    before = fingerprint(scaled)
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 0.7)
    assert fingerprint(scaled) == before


def test_two_objects_alike_are_one_transform():
    assert fingerprint(Scale(1, {"a": torch.ones(2)})) == fingerprint(
        Scale(1, {"a": torch.ones(2)})
    )
    assert fingerprint(closure(3)) == fingerprint(closure(3))


def test_what_holds_itself_ends():
    scale = Scale(1)
    scale.noise = scale
    assert fingerprint(scale).startswith("Scale, code ")


def test_another_process_says_the_same():
    program = textwrap.dedent("""
        import functools, importlib.util, sys, torch
        spec = importlib.util.spec_from_file_location("fingerprint", sys.argv[1])
        module = importlib.util.module_from_spec(spec)  # alone: the course takes longer to import
        spec.loader.exec_module(module)
        fingerprint = module.fingerprint
        BY = {"b": torch.ones(2), "a": frozenset(["x", "y", "z"])}
        class Scale:
            def __init__(self): self.by = BY
            def __call__(self, x, more=print): return [x * y for y in self.by]
        print(fingerprint(functools.partial(Scale(), more=Scale)), fingerprint(lambda x: Scale()(x)))
    """)
    said = {
        subprocess.run(
            [sys.executable, "-c", program, fingerprint.__code__.co_filename],
            capture_output=True,
            text=True,
            check=True,
            env={**__import__("os").environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1 and said.pop().startswith("Scale, code ")

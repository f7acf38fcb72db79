"""Running a recipe, part by part and seed by seed; what is done is kept, and is not done again."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

from aecourse import data
from aecourse.reproduce import machine, results
from aecourse.reproduce.lab import Lab
from aecourse.reproduce.recipe import Recipe


class NotHere(RuntimeError):
    """A recipe cannot run on this machine; the message says what is missing, in one line."""


def images(recipe: Recipe, quick: bool) -> data.Images | None:
    """The images that a recipe needs: MNIST where its files are, few of the embedded digits for a quick run."""
    if not recipe.data:
        return None
    if quick:
        digits = data.load("digits")
        return data.Images("digits", digits.train[:480], digits.test[:120])
    raw = data.folder() / "MNIST" / "raw"
    if not all((raw / file).is_file() for file in data.IDX_FILES):
        raise NotHere(
            f"MNIST is not under {data.folder()}: set AECOURSE_DATA to a folder that has it, or fetch it with "
            "python -c \"from aecourse import data; data.load('mnist')\""
        )
    return data.load("mnist")


def reproduce(
    recipe: Recipe,
    file: Path,
    *,
    seeds: int | None = None,
    parts: list[str] | None = None,
    again: bool = False,
    quick: bool = False,
    say: Callable[[str], None] = print,
) -> int:
    """Runs what is missing of a recipe, writes each part to `file` when it is done, and returns how many parts were run.

    seeds: how many repetitions, from seed 0 on; None takes the recipe's own number. parts: some of its parts only. again:
    whether parts that are there already are run again. Raises NotHere where the recipe cannot run here.
    """
    if missing := recipe.needs():
        raise NotHere(missing)
    wanted = [
        (part, seed)
        for seed in range(seeds or (1 if quick else recipe.seeds))
        for part in recipe.parts
        if not parts or part in parts
    ]
    entries = results.read(file)
    left = [each for each in wanted if again or results.of(entries, recipe, *each) is None]
    say(f"{recipe.name}: {len(left)} of {len(wanted)} parts to run")
    if not left:
        return 0
    loaded = images(recipe, quick)
    for number, (part, seed) in enumerate(left, 1):
        say(f"{recipe.name}, {part}, seed {seed} ({number} of {len(left)})")
        lab = Lab(loaded, seed, quick, lambda text: say(f"   {text}"))
        commit, watch = machine.commit(), machine.Watch()
        measured = recipe.run(lab, part)
        told = watch.read()
        if set(measured) != set(recipe.settings(part)):
            raise RuntimeError(
                f"{recipe.name}, {part}: got the rows {sorted(measured)}; declared are {sorted(recipe.settings(part))}"
            )
        results.write(
            file,
            {
                "recipe": recipe.name,
                "part": part,
                "seed": seed,
                "rows": {name: vars(each) for name, each in measured.items()},
                "settings": recipe.settings(part),
                "binarisation": recipe.binarisation,
                "choices": lab.choices,
                **told,
                "training_seconds": round(lab.training_seconds, 2),
                "machine": machine.described(),
                "versions": machine.versions(),
                "commit": commit,
                "date": datetime.date.today().isoformat(),
                "data": loaded.name if loaded else None,
                "quick": quick,
            },
        )
        for name, each in measured.items():
            say(f"   {name}: {each.figure:.4g} ({told['cpu_seconds']:.0f} s of the processor)")
    return len(left)

"""`python -m aecourse.reproduce`: measure published figures again, and show what was measured."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from aecourse.reproduce import results
from aecourse.reproduce.recipes import RECIPES
from aecourse.reproduce.run import NotHere, reproduce


def main(arguments: list[str] | None = None) -> int:
    """Runs the command. Returns 0, or 2 with one line on the standard error where it cannot be done."""
    parser = argparse.ArgumentParser(
        prog="python -m aecourse.reproduce",
        description="Measures published figures again, with the course's own code, and keeps what was measured.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes, or all")
    parser.add_argument("--list", action="store_true", help="the recipes, the cheapest first")
    parser.add_argument("--show", action="store_true", help="the results that are there")
    parser.add_argument("--again", action="store_true", help="run also what is there already")
    parser.add_argument("--part", action="append", help="this part of the recipe only")
    parser.add_argument("--seeds", type=int, help="how many repetitions, instead of the recipe's")
    parser.add_argument("--within", type=float, metavar="MINUTES", help="leave longer recipes out")
    parser.add_argument("--results", type=Path, metavar="FILE", help="instead of results.json")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="toy sizes on the embedded digits, into a temporary file: does it run?",
    )
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in (*RECIPES, "all")]:
        print(
            f"NAME: got {unknown[0]!r}; accepted is all, or one of {', '.join(RECIPES)}",
            file=sys.stderr,
        )
        return 2
    everything = not given.names or "all" in given.names
    chosen = [RECIPES[name] for name in (RECIPES if everything else given.names)]
    if given.within is not None:
        chosen = [recipe for recipe in chosen if recipe.minutes <= given.within]
    known = [part for recipe in chosen for part in recipe.parts]
    if unknown := [part for part in given.part or [] if part not in known]:
        print(f"--part: got {unknown[0]!r}; accepted is one of {', '.join(known)}", file=sys.stderr)
        return 2
    file = given.results or results.default()
    if given.list or given.show or not given.names:
        for recipe in chosen:
            if given.show:
                show(recipe, file)
            else:
                print(f"{recipe.name:18} about {recipe.minutes:4.0f} min  {recipe.title}")
        return 0
    if given.quick and given.results is None:
        file = Path(tempfile.mkdtemp(prefix="reproduce-")) / "results.json"
        say(f"toy sizes, the figures mean nothing: {file}")
    failed = 0
    for recipe in chosen:
        try:
            options = {"seeds": given.seeds, "parts": given.part, "again": given.again}
            reproduce(recipe, file, **options, quick=given.quick, say=say)
        except NotHere as error:
            print(f"{recipe.name}: {error}", file=sys.stderr)
            failed += not everything
            if recipe.data and not recipe.needs():
                return 2  # no MNIST: the others would say the same
    return 2 if failed else 0


def show(recipe, file: Path) -> None:
    """The rows of a recipe that have a result."""
    found = results.summaries(results.read(file), recipe)
    if not found:
        return
    print(f"{recipe.title} ({recipe.name}): {recipe.measure}")
    for each in found:
        spread = "" if each.spread is None else f" ± {each.spread:.2g}"
        published = "" if each.row.published is None else f"published {each.row.published}"
        print(
            f"   {each.row.name:44} {each.figure:9.4g}{spread:10} {published:24} "
            f"{each.seeds} seed(s), {each.total('cpu_seconds'):.0f} s of the processor"
        )


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

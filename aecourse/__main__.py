"""Commands: `python -m aecourse doctor` looks at this machine, `python -m aecourse diagnose FILE` at a model of the reader's own."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

NAMES = ("encode", "decode", "loss", "corrupt", "module")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns 0 where nothing was found, 1 where something was, 2 where it could not be looked at."""
    parser = argparse.ArgumentParser(prog="python -m aecourse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="look for what this machine lacks to run the course")
    diagnose = commands.add_parser(
        "diagnose",
        help="look for what is wrong with a model",
        description="Runs FILE, which has to define `data` (images [N, ...]) and either `model` (a module with encode, "
        "decode and loss) or the functions encode(x), decode(z) and loss(x); `test` and corrupt(x) are optional. What "
        "stands under `if __name__ == '__main__':` is not run.",
    )
    diagnose.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "doctor":
        from aecourse import doctor

        return doctor.main()
    from aecourse import evaluate  # here, since the doctor works without torch

    if not given.file.is_file():
        print(f"file: {given.file} is no file", file=sys.stderr)
        return 2
    sys.path.insert(0, str(given.file.resolve().parent))
    try:
        names = runpy.run_path(str(given.file), run_name="diagnosed")
    except (Exception, SystemExit) as error:
        print(f"file: {given.file} stops with {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    finally:
        sys.path.pop(0)
    functions = {name: names[name] for name in NAMES if callable(names.get(name))}
    if "data" not in names or not functions and "model" not in names:
        print(
            f"file: {given.file} defines {', '.join(sorted(n for n in names if not n.startswith('_'))) or 'nothing'}; "
            "wanted are data, and model or encode, decode and loss",
            file=sys.stderr,
        )
        return 2
    model = functions if functions else names["model"]
    if functions and "module" not in functions and "model" in names:
        model = {**functions, "module": names["model"]}
    report = evaluate.diagnose(model, names["data"], test=names.get("test"))
    print(report)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())

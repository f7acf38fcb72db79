"""Tests the course with the oldest versions that it declares, or with the newest ones that pip finds.

    python house/versions.py oldest [--python python3.10]
    python house/versions.py newest [--python python3.13] [--folder FOLDER]

Makes an environment in FOLDER (_build/versions), installs there what pyproject.toml names (for `oldest` each package at its
lower bound), runs the unit tests that need no browser and no built book, and executes two lessons. Needs the package index,
gigabytes of disk where the oldest torch brings CUDA along, and about half an hour. The exit status is 0 where all of it went well.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ("denoising", "reparameterization")
TESTS = ("tests", "--ignore=tests/book", "--ignore=tests/house", "-m", "not slow and not browser")
RUNNER = ("pytest>=8", "pytest-xdist>=3.8")


def declared(text: str) -> list[str]:
    """The package's own dependencies in the text of pyproject.toml, as they stand there: "torch>=2.4"."""
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.S | re.M)
    if not block:
        raise ValueError("pyproject.toml: no dependencies found")
    return re.findall(r'"([^"]+)"', block[1])


def oldest(requirement: str) -> str:
    """A requirement at its lower bound, with whatever was mended in it later: "torch>=2.4" becomes "torch==2.4.*"."""
    name, bound, version = re.fullmatch(r"([\w.-]+)(>=)([\d.]+).*", requirement).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return f"{name}=={version}" if version.count(".") > 1 else f"{name}=={version}.*"


def wanted(which: str) -> list[str]:
    """What pip is asked for: the dependencies, and what runs the tests."""
    packages = declared((ROOT / "pyproject.toml").read_text("utf-8"))
    return [*(map(oldest, packages) if which == "oldest" else packages), *RUNNER]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("which", choices=("oldest", "newest"))
    parser.add_argument("--python", default=sys.executable, help="the Python to test with")
    parser.add_argument("--folder", type=Path, default=ROOT / "_build" / "versions")
    options = parser.parse_args()
    folder = options.folder.resolve() / options.which
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    env = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUTF8="1", OMP_NUM_THREADS="1")
    env["AECOURSE_CACHE"] = str(folder / "models")  # no model that other versions have trained
    upgrade = ["--upgrade"] if options.which == "newest" else []
    steps: dict[str, list] = {
        "environment": [options.python, "-m", "venv", folder],
        "packages": [python, "-m", "pip", "install", "-q", *upgrade, *wanted(options.which)],
        "doctor": [python, "-m", "aecourse", "doctor"],
        "unit tests": [python, "-m", "pytest", "-q", "-n", "auto", *TESTS],
    }
    for name in LESSONS:
        (notebook,) = (ROOT / "notebooks").glob(f"[0-9][0-9]_{name}.ipynb")
        steps[name] = [python, "-m", "aecourse.ledger.run", notebook, folder / f"{name}.json"]
    results = {}
    for title, command in steps.items():
        print(f"== {options.which}: {title}", flush=True)
        results[title] = subprocess.run([str(part) for part in command], cwd=ROOT, env=env)
        if results[title].returncode and title in ("environment", "packages"):
            break
    for title, done in results.items():
        print(f"{title:24} {'passed' if not done.returncode else 'FAILED'}")
    return int(len(results) < len(steps) or any(each.returncode for each in results.values()))


if __name__ == "__main__":
    sys.exit(main())

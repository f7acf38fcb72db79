"""Writes `requirements.lock`: the exact version of every package in this environment, also of those that nobody asked for by name.

    python house/lock.py

`requirements.txt` names what the course uses; the lock also holds what these bring along. It holds for the version of Python in
its first line; `make` gives it to pip as constraints there. Build suffixes ("+cpu") are left out, so that it serves every build.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "requirements.lock"
LEFT_OUT = {"aecourse", "pip", "uv"}


def plain(name: str) -> str:
    """A package's name as all its spellings have it: "PyYAML" and "pyyaml", "jupyter_core" and "jupyter-core"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """The packages of this environment and their versions, in order of their names."""
    found = {plain(each.metadata["Name"]): each.version for each in metadata.distributions()}
    return {name: found[name].split("+")[0] for name in sorted(found) if name not in LEFT_OUT}


def read(text: str) -> dict[str, str]:
    """The packages of a lock and their versions."""
    return dict(line.split("==") for line in text.splitlines() if line and not line.startswith("#"))


def written(packages: dict[str, str]) -> str:
    head = "# Python %d.%d. Written by house/lock.py: the whole environment in which the course is tested.\n"
    lines = "".join(f"{name}=={version}\n" for name, version in packages.items())
    return head % sys.version_info[:2] + lines


if __name__ == "__main__":
    FILE.write_text(written(installed()), "utf-8")
    print(f"{FILE.name}: {len(installed())} packages.")

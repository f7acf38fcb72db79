"""A copy of the tree, and tests that are run in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))

import names  # noqa: E402


def copied(folder: Path) -> Path:
    """The tree without what is built, copied into a folder."""
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    for name in names.FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(root: Path, *command: str) -> None:
    """Runs Python with these arguments in a tree; an AssertionError with the end of its output where it fails."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def pytest(root: Path, *arguments: str) -> None:
    """Runs tests in a tree, by the paths and options of pytest."""
    run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)

"""The package as others get it: a source archive, the wheel made of it, and a lesson run from the wheel alone."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import copies
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
import repository  # noqa: E402

LESSON = "06_reparameterization"
URL = "https://git.example.org/us/course"
BUILD = """\
import os, sys, tarfile
from pathlib import Path
from setuptools import build_meta

out = Path(sys.argv[1])
archive = out / build_meta.build_sdist(str(out))
with tarfile.open(archive) as packed:
    packed.extractall(out)
os.chdir(out / archive.name.removesuffix(".tar.gz"))
build_meta.build_wheel(str(out))
"""
TELL = """\
import json, sys
import aecourse
from aecourse import claims, contents, data, explore, ledger, train
from aecourse.quiz import cards, self_quiz

print(json.dumps({
    "place": aecourse.__file__,
    "lessons": len(contents.read(contents.FILE)),
    "cards": len(cards.load()),
    "repetitions": len(ledger.read("06_reparameterization")),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the source archive of a copy of the tree."""
    pytest.importorskip("setuptools")
    tree, out = copies.copied(tmp_path_factory.mktemp("tree")), tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=tree, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = out.glob("aecourse-*-py3-none-any.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A function that runs Python in a fresh environment: what is installed here can be imported there, but for the course."""
    if os.name == "nt":
        pytest.skip("links to folders need an administrator on Windows")
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True
    )
    own = next((folder / "venv").glob("lib/python*/site-packages"))
    seen = folder / "seen"
    seen.mkdir()
    for place in (
        Path(each) for each in sys.path if each.endswith(("site-packages", "dist-packages"))
    ):
        for entry in place.iterdir():
            if "aecourse" not in entry.name and not (seen / entry.name).exists():
                (seen / entry.name).symlink_to(entry)
    (own / "installed.pth").write_text(str(seen), "utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AECOURSE_", "PYTHON", "PIP_", "JUPYTER"))
    }
    environment |= {
        "HOME": str(folder),
        "AECOURSE_QUICK": "1",
        "AECOURSE_CACHE": "off",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "MPLBACKEND": "agg",
    }

    def run(*arguments: str, ends: tuple = (0,)) -> str:
        command = [str(folder / "venv" / "bin" / "python"), *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode in ends, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    run("-c", "import importlib.util as u; assert u.find_spec('aecourse') is None")
    return run


def test_the_wheel_holds_every_file_of_the_package(wheel):
    there = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("aecourse/")}
    here = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "aecourse").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert there == here


@pytest.mark.slow
def test_a_lesson_runs_from_the_wheel_alone(wheel, python, tmp_path):
    """The set-up cell installs the wheel, which checks what it needs against what is there; then the lesson runs, with small
    budgets and without the tree."""
    cell = repository.set_up(URL)
    address = f"aecourse @ git+{URL}@{repository.BRANCH}"
    assert address in cell
    python("-c", cell.replace(address, str(wheel)))
    python("-c", cell.replace(address, "/nowhere.whl"))  # the second time nothing happens

    told = json.loads(python("-c", TELL))
    assert "clean" in told["place"] and str(ROOT) not in told["place"]
    assert told["lessons"] >= 20 and told["cards"] > 100 and told["repetitions"] >= 8
    said = python(
        "-m", "aecourse", "doctor", ends=(0, 1)
    )  # 1: of the machine, say too little memory
    faults = [line for line in said.splitlines() if line.startswith("✗")]
    assert "✓ packages" in said and not [
        f for f in faults if not re.match("✗ (memory|data|model)", f)
    ]

    source = json.loads((ROOT / "notebooks" / f"{LESSON}.ipynb").read_text("utf-8"))
    assert source["cells"][1]["id"] == repository.CELL
    (tmp_path / "lesson.ipynb").write_text(json.dumps(source), "utf-8")
    python(
        "-m", "aecourse.ledger.run", str(tmp_path / "lesson.ipynb"), str(tmp_path / "values.json")
    )
    values = json.loads((tmp_path / "values.json").read_text("utf-8"))["values"]
    assert len(values) >= 3

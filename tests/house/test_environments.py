"""The lists of packages agree: pins, lock, the package's own lower bounds, and conda's file."""

import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
import lock  # noqa: E402

requirements = pytest.importorskip("packaging.requirements")
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
LOCKED = lock.read(LOCK)
PYTHON = re.search(r"Python (\d\.\d+)", LOCK)[1]
HERE = "%d.%d" % sys.version_info[:2]


def pins() -> dict[str, str]:
    """What requirements.txt pins for the lock's Python."""
    found = {}
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            wanted = requirements.Requirement(line)
            if not wanted.marker or wanted.marker.evaluate({"python_version": PYTHON}):
                found[lock.plain(wanted.name)] = str(wanted.specifier).removeprefix("==")
    return found


def declared() -> dict[str, list[str]]:
    """The lower bounds of pyproject.toml: of the package under "", and of each extra."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    extras = text.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    blocks = {"": re.search(r"\ndependencies = \[(.*?)\n\]", text, re.S)[1]}
    blocks |= dict(re.findall(r"^(\w+) = \[(.*?)\]$", extras, re.S | re.M))
    return {name: re.findall(r'"([^"]+)"', block) for name, block in blocks.items()}


def test_the_lock_holds_every_pin():
    assert pins() and {name: LOCKED.get(name) for name in pins()} == pins()


def test_the_lock_is_as_it_would_be_written():
    packages = dict(sorted(LOCKED.items()))
    assert LOCK.split("\n", 1)[1] == lock.written(packages).split("\n", 1)[1]


@pytest.mark.skipif(HERE != PYTHON, reason="the lock is of another Python")
def test_the_lock_holds_what_its_packages_bring_along():
    """Of those of them that are installed here, at the version of the lock."""
    missing = []
    for name, version in LOCKED.items():
        try:
            there = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if there.version.split("+")[0] != version:
            continue
        for text in there.requires or []:
            wanted = requirements.Requirement(text)
            if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
                continue
            found = LOCKED.get(lock.plain(wanted.name))
            if found is None and lock.plain(wanted.name).startswith(("nvidia-", "cuda-", "triton")):
                continue  # of another build of PyTorch, which names them exactly
            if found is None or not wanted.specifier.contains(found, prereleases=True):
                missing.append(f"{name} wants {wanted}, the lock has {found}")
    assert not missing, "\n".join(missing)


def test_what_is_declared_can_be_had_at_the_pinned_versions():
    wrong = []
    for extra, listed in declared().items():
        for each in map(requirements.Requirement, listed):
            pinned = {**LOCKED, **pins()}.get(lock.plain(each.name))
            if pinned is None and extra != "bench":  # rivals are measured, not shipped
                wrong.append(f"[{extra}] {each}: not pinned")
            elif pinned and not each.specifier.contains(pinned):
                wrong.append(f"[{extra}] {each}: pinned is {pinned}")
    assert set(declared()) >= {"", "book", "test", "bench"} and not wrong, "\n".join(wrong)


def test_a_fresh_machines_own_torch_is_kept():
    """Colab brings torch and torchvision; an upper bound or a pin would replace them."""
    bounds = {each.name: each for each in map(requirements.Requirement, declared()[""])}
    for name in ("torch", "torchvision", "numpy"):
        assert {each.operator for each in bounds[name].specifier} == {">="}


def test_conda_gets_the_same_lower_bounds():
    listed = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))
    assert set(declared()[""]) <= {
        each.replace("pytorch-cpu", "torch") for each in listed["dependencies"]
    }


def test_the_oldest_versions_are_the_lower_bounds():
    import versions

    assert versions.oldest("torch>=2.4") == "torch==2.4.*"
    assert versions.oldest("implicit>=0.7.2") == "implicit==0.7.2"
    assert versions.oldest("jupyter-book>=1.0.4,<2") == "jupyter-book==1.0.4"
    packages = versions.declared((ROOT / "pyproject.toml").read_text("utf-8"))
    assert packages == declared()[""] and len(packages) > 8
    assert versions.wanted("newest")[: len(packages)] == packages
    assert all("==" in each for each in versions.wanted("oldest")[: len(packages)])
    for name in versions.LESSONS:
        assert len(list((ROOT / "notebooks").glob(f"[0-9][0-9]_{name}.ipynb"))) == 1

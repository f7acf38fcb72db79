"""The address of the repository: in one place, stamped everywhere it is said."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
import repository  # noqa: E402

URL = "https://github.com/someone/autoencoders"
STAMPED = ("pyproject.toml", "_config.yml", "README.md", "CITATION.cff")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def copy(tmp_path):
    for name in STAMPED:
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    for notebook in NOTEBOOKS:
        shutil.copy(notebook, tmp_path / "notebooks")
    return tmp_path


def everything(root: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in root.rglob("*.*") if file.is_file()}


def first_cell(root: Path) -> str:
    content = json.loads((root / "notebooks" / NOTEBOOKS[0].name).read_text("utf-8"))
    assert content["cells"][1]["id"] == repository.CELL
    return "".join(content["cells"][1]["source"])


def test_the_tree_says_one_address(copy):
    assert repository.stamp(copy, repository.address(copy)) == []


def test_an_address_goes_everywhere_and_comes_out_again(copy):
    repository.stamp(copy, "")
    before = everything(copy)
    changed = repository.stamp(copy, URL)
    assert set(changed) == {*STAMPED, *(f"notebooks/{each.name}" for each in NOTEBOOKS)}
    assert repository.address(copy) == URL and repository.stamp(copy, URL) == []
    config = yaml.safe_load((copy / "_config.yml").read_text("utf-8"))
    assert config["repository"] == {"url": URL, "branch": "main"}
    assert config["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert config["html"]["use_repository_button"] is True
    assert yaml.safe_load((copy / "CITATION.cff").read_text("utf-8"))["repository-code"] == URL
    badge = "github/someone/autoencoders/blob/main/notebooks/01_bottleneck.ipynb"
    assert badge in (copy / "README.md").read_text("utf-8") and URL in first_cell(copy)
    repository.stamp(copy, "https://git.example.org/us/course")
    assert "colab" not in (copy / "_config.yml").read_text("utf-8")
    repository.stamp(copy, "")
    assert everything(copy) == before


@pytest.mark.parametrize(
    "url", ["github.com/a/b", "http://github.com/a/b", URL + ".git", "https://github.com/a", "x y"]
)
def test_what_is_no_address_changes_nothing(copy, url):
    before = everything(copy)
    with pytest.raises(ValueError, match="URL: got .*accepted is"):
        repository.stamp(copy, url)
    assert everything(copy) == before


@pytest.mark.parametrize("url", ["", URL])
def test_the_cell_does_nothing_where_the_course_is(monkeypatch, url):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("something was installed"))
    exec(repository.set_up(url), {})


def test_elsewhere_the_cell_installs_the_course_or_says_how(monkeypatch):
    run = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: run.append((command, check)))
    exec(repository.set_up(URL), {})
    command = [sys.executable, "-m", "pip", "install", "-q", f"aecourse @ git+{URL}@main"]
    assert run == [(command, True)]
    with pytest.raises(ModuleNotFoundError, match="%pip install"):
        exec(repository.set_up(""), {})


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=str)
def test_workflows_name_commands_that_exist(file):
    content = yaml.safe_load(file.read_text("utf-8"))
    steps = [step for job in content["jobs"].values() for step in job["steps"]]
    commands = "\n".join(step["run"] for step in steps if "run" in step)
    make = (ROOT / "Makefile").read_text("utf-8").split(".PHONY:")[1].split("\n")[0].split()
    for target in re.findall(r"(?m)^(?:make|python make\.py) (\w+)", commands):
        assert target in make
    if ".ci/run" in commands:
        assert (ROOT / ".ci" / "run").is_file()
    assert commands

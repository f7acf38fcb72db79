"""The benchmarks run, at tiny sizes, and write what the page of the book reads. Their figures are not looked at."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from aecourse import models

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for script in ("speed", "published"):
        done = subprocess.run([sys.executable, ROOT / "benchmarks" / f"{script}.py", "--quick", "--results", folder], text=True,
                              capture_output=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"})
        assert done.returncode == 0, done.stderr
    return {file.stem: json.loads(file.read_text()) for file in folder.iterdir()}


def test_the_conditions_of_a_measurement_are_part_of_it(results):
    for result in results.values():
        assert result["quick"] and result["data"] == "digits" and result["date"] and result["versions"]["torch"]
        assert result["machine"]["cores"] >= 1 and not any(mark in json.dumps(result) for mark in ("/home", "/tmp", "/root", "\\\\"))


def test_every_contender_is_measured_or_said_to_be_absent(results):
    speed = results["speed"]
    for one in speed["epochs"]:
        assert set(one["seconds"]) | set(one["absent"]) == {"tutorial", "pythae", "plain", "fit", "bf16"}
        assert all(min(one["rounds"][name]) <= seconds <= max(one["rounds"][name]) for name, seconds in one["seconds"].items())
        assert all(seconds > 0 for seconds in one["seconds"].values()) and one["peak_gflops"] > 0
        for name, seconds in one["seconds"].items():
            assert one["images_per_second"][name] == pytest.approx(one["images"] / seconds)
    assert speed["memory"]["fit"] > 0
    assert {"holds", "figure", "bound"} <= set(speed["targets"][0]) and len(speed["targets"]) >= 7


def test_operations_are_counted_as_executed(results):
    """784-400-40 and 20-400-784: forward, weight gradients, and input gradients of every layer but the first."""
    forward = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    dense = next(one for one in results["speed"]["epochs"] if one["net"] == "dense")
    assert dense["mflop_per_image"] == pytest.approx(2 * (3 * forward - 784 * 400) / 1e6)


def test_memory_and_time_are_measured_per_size(results):
    small, large = results["speed"]["growth"]["images"]
    assert (small["images"], large["images"]) == (500, 1000) and large["bytes"] == 2 * small["bytes"] == 1000 * 784 * 4
    assert small["peak"] > small["at_start"] > 0


def test_published_figures_stand_beside_the_measured_ones(results):
    assert [row["published"].split()[0] for row in results["published"]["rows"]] == ["86.76", "3.00", "13.87"]


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("_report")


def test_the_page_draws_every_result(results, report, monkeypatch):
    monkeypatch.setattr(report, "results", results.get)
    speed = results["speed"]
    batch = speed["epochs"][0]["batch"]
    for shown in (report.side_by_side("dense", batch), report.side_by_side("conv", batch), report.memory(), report.growth("images"),
                  report.growth_of_memory(), report.likelihood()):
        assert "<svg" in shown.svg() and any(digit in shown.description for digit in "123456789")
    assert "PyTorch" in report.conditions().markdown and report.ratios().markdown.count("\n") == len(speed["epochs"]) - 1
    assert report.targets()._repr_html_().count("<tr>") == 1 + len(speed["targets"])
    assert "<td>13.87 (Hinton &amp; Salakhutdinov 2006)</td>" in report.published()._repr_html_()


def test_the_page_says_so_where_nothing_was_measured(report, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    assert "No results are here yet" in report.conditions().markdown
    assert report.side_by_side("dense", 128) is report.published() is report.targets() is None


def test_every_cell_of_the_page_is_a_call_of_the_report(report):
    cells = re.findall(r"```{code-cell} python\n(.*?)```", (ROOT / "book" / "speed.md").read_text("utf-8"), re.DOTALL)
    calls = [name for cell in cells for name in re.findall(r"_report\.(\w+)\(", cell)]
    assert len(calls) == len(cells) and all(hasattr(report, name) for name in calls)


def test_the_committed_results_are_of_a_whole_run():
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        result = json.loads(file.read_text())
        assert not result["quick"] and result["date"], file


def test_all_contenders_train_the_same_model(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    _contenders = importlib.import_module("_contenders")
    assert _contenders.built("dense").parameter_count == 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784
    losses = {}
    for name in ("tutorial", "plain", "fit"):
        caught = []
        with monkeypatch.context() as patched:
            patched.setattr(models.VAE, "loss", lambda model, x, loss=models.VAE.loss: caught.append(x.shape) or loss(model, x))
            _contenders.ALL[name]("digits", 70, "dense", 32)()
        losses[name] = caught
    assert losses["tutorial"] == losses["plain"] == losses["fit"] and len(losses["fit"]) == 3

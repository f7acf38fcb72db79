"""The benchmarks run, at tiny sizes, and write what the page of the book reads. Their figures are not looked at."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from aecourse import explore, models

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for script in ("speed", "page"):
        done = subprocess.run(
            [sys.executable, ROOT / "benchmarks" / f"{script}.py", "--quick", "--results", folder],
            text=True,
            capture_output=True,
            timeout=300,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"},
        )
        assert done.returncode == 0, done.stderr
    return {file.stem: json.loads(file.read_text()) for file in folder.iterdir()}


@pytest.mark.slow
def test_the_conditions_of_a_measurement_are_part_of_it(results):
    for result in results.values():
        assert (
            result["quick"]
            and result["data"] == "digits"
            and result["date"]
            and result["versions"]["torch"]
        )
        assert result["machine"]["cores"] >= 1 and not any(
            mark in json.dumps(result) for mark in ("/home", "/tmp", "/root", "\\\\")
        )


@pytest.mark.slow
def test_every_contender_is_measured_or_said_to_be_absent(results):
    speed = results["speed"]
    for one in speed["epochs"]:
        assert set(one["seconds"]) | set(one["absent"]) == {
            "tutorial",
            "pythae",
            "plain",
            "fit",
            "bf16",
        }
        assert all(
            min(one["rounds"][name]) <= seconds <= max(one["rounds"][name])
            for name, seconds in one["seconds"].items()
        )
        assert all(seconds > 0 for seconds in one["seconds"].values()) and one["peak_gflops"] > 0
        for name, seconds in one["seconds"].items():
            assert one["images_per_second"][name] == pytest.approx(one["images"] / seconds)
    assert speed["memory"]["fit"] > 0
    assert {"holds", "figure", "bound"} <= set(speed["targets"][0]) and len(speed["targets"]) >= 7


@pytest.mark.slow
def test_operations_are_counted_as_executed(results):
    """784-400-40 and 20-400-784: forward, weight gradients, and input gradients of every layer but the first."""
    forward = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    dense = next(one for one in results["speed"]["epochs"] if one["net"] == "dense")
    assert dense["mflop_per_image"] == pytest.approx(2 * (3 * forward - 784 * 400) / 1e6)


@pytest.mark.slow
def test_every_part_of_a_step_is_measured(results):
    """11 products: forward 4, weight gradients 4, input gradients of every layer but the first 3."""
    for one in results["speed"]["parts"]:
        assert one["products"] == 11 and set(one["ms"]) == {
            "products",
            "gradients",
            "optimizer",
            "batch",
        }
        assert all(ms > 0 for ms in one["ms"].values())


def test_products_are_made_again_on_the_same_operands(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    x, layer = torch.rand(3, 4), nn.Linear(4, 2)
    with importlib.import_module("_measure").Products() as products:
        layer(x).sum().backward()
    assert [function.overloadpacket for function, _, _ in products.calls] == [
        torch.ops.aten.addmm,
        torch.ops.aten.mm,
    ]
    function, operands, keywords = products.calls[0]
    assert torch.equal(function(*operands, **keywords), layer(x))


@pytest.mark.slow
def test_memory_and_time_are_measured_per_size(results):
    small, large = results["speed"]["growth"]["images"]
    assert (small["images"], large["images"]) == (500, 1000) and large["bytes"] == 2 * small[
        "bytes"
    ] == 1000 * 784 * 4
    assert small["peak"] > small["at_start"] > 0


def test_every_figure_that_decodes_is_measured_and_decodes_what_pytorch_decodes(browser, results):
    page = results["page"]
    assert "Chromium" in page["browser"]
    assert {row["figure"] for row in page["decodes"]} >= {
        "latent plane",
        "interpolation",
        "traversals",
        "denoising",
        "codebook",
    }
    for row in page["decodes"]:
        assert (
            row["decodes"] == 12 and row["mean_ms"] > 0 and 0 <= row["median_ms"] <= row["p95_ms"]
        )
        assert 0 < row["difference"] <= 2, row
    weighed = {row["figure"]: row["kB"] for row in page["loading"]}
    assert (
        set(weighed) == {row["figure"] for row in page["frames"]} | {"playground"}
        and max(weighed.values()) < 2000
    )


def test_every_figure_is_followed_on_both_screens_and_the_playground_trains(browser, results):
    page = results["page"]
    both = [("desktop", 1280, 1), ("phone", 390, 4)]
    assert [(row["screen"], row["width"], row["slowdown"]) for row in page["frames"]] == both * (
        len(page["loading"]) - 1
    )
    assert all(
        row["frames"] > 0 and row["per_second"] > 0 and row["at_rest"] > 0 and 0 <= row["late"] <= 1
        for row in page["frames"]
    )
    assert [(row["screen"], row["width"], row["slowdown"]) for row in page["training"]] == both
    assert all(
        row["epochs"] == 2 and row["seen_s"] > 0 and row["computed_s"] > 0
        for row in page["training"]
    )
    assert [target["bound"] for target in page["targets"]] == [4, 59, 10, 2]


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("page")


def small(page, **changes):
    """A plane whose decoder has eight hidden units."""
    torch.manual_seed(0)
    net, z = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 20)), torch.randn(6, 2)
    one = page.Shown(
        "plane",
        "2-8-20",
        explore.latent_plane(net, z, torch.arange(6), shape=(4, 5)),
        page.POINT % (".ae-stage", "pointermove"),
        "root.aecourse.decode(input)",
        z.tolist(),
        torch.sigmoid(net(z)),
    )
    return one._replace(**changes)


def test_wrong_pixels_are_noticed(browser, page):
    right = small(page)
    assert page.decodes(browser, right, page.QUICK)["difference"] <= 2
    assert page.decodes(browser, right._replace(truth=right.truth + 0.1), page.QUICK)[
        "difference"
    ] == pytest.approx(25.5, abs=2)


def test_a_figure_that_does_not_follow_is_no_measurement(browser, page):
    assert page.frames(browser, small(page), "desktop", page.QUICK)["frames"] > 0
    with pytest.raises(RuntimeError, match="plane: the figure does not follow"):
        page.frames(browser, small(page, move="root.title = n;"), "desktop", page.QUICK)
    with pytest.raises(RuntimeError, match="planted"):
        page.frames(
            browser,
            small(
                page, move=small(page).move + "setTimeout(() => { throw new Error('planted'); });"
            ),
            "desktop",
            page.QUICK,
        )


@pytest.mark.slow
def test_without_a_browser_nothing_is_written(tmp_path):
    nowhere = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": str(tmp_path),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path),
    }
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "page.py",
            "--quick",
            "--results",
            tmp_path / "results",
        ],
        text=True,
        capture_output=True,
        timeout=120,
        env=nowhere,
    )
    assert (
        done.returncode == 0
        and "no browser starts here" in done.stdout
        and not (tmp_path / "results").exists()
    ), done.stderr


@pytest.mark.parametrize(
    "figure, at_least, holds",
    [
        (3, True, False),
        (4, True, True),
        (4, False, True),
        (5, False, False),
        (float("nan"), False, False),
    ],
)
def test_a_promise_is_held_up_to_its_bound(monkeypatch, figure, at_least, holds):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    assert (
        importlib.import_module("_measure").promise("words", figure, 4, at_least)["holds"] is holds
    )


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("_report")


@pytest.mark.slow
def test_the_page_draws_every_result(results, report, monkeypatch):
    monkeypatch.setattr(report, "results", results.get)
    speed = results["speed"]
    batch = speed["epochs"][0]["batch"]
    for shown in (
        report.side_by_side("dense", batch),
        report.side_by_side("conv", batch),
        report.memory(),
        report.growth("images"),
        report.in_a_row(),
        report.growth_of_memory(),
        report.likelihood(),
    ):
        assert "<svg" in shown.svg() and any(digit in shown.description for digit in "123456789")
    assert (
        "PyTorch" in report.conditions().markdown
        and report.ratios().markdown.count("\n") == len(speed["epochs"]) - 1
    )
    assert report.targets()._repr_html_().count("<tr>") == 1 + len(speed["targets"])
    assert report.parts()._repr_html_().count("<tr>") == 1 + len(speed["parts"])
    assert "The 11 matrix products of a step" in report.ceiling().markdown


def test_the_page_draws_what_was_measured_in_a_browser(browser, results, report, monkeypatch):
    monkeypatch.setattr(report, "results", results.get)
    page = results["page"]
    assert page["browser"] in report.in_the_browser().markdown
    for shown, rows in (
        (report.decodes(), page["decodes"]),
        (report.loading(), page["loading"]),
        (report.frames(), page["frames"]),
        (report.playground(), page["training"]),
        (report.targets("page"), page["targets"]),
    ):
        assert shown._repr_html_().count("<tr>") == 1 + len(rows)
    assert f"<td>{page['loading'][0]['kB']:.0f} kB</td>" in report.loading()._repr_html_()
    assert (
        report.frames()._repr_html_().count("<td>390 px, slowed 4 times</td>")
        == len(page["frames"]) / 2
    )


def test_the_page_says_so_where_nothing_was_measured(report, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    assert "No results are here yet" in report.conditions().markdown
    assert (
        report.side_by_side("dense", 128)
        is report.targets()
        is report.parts()
        is report.ceiling()
        is None
    )
    assert (
        report.targets("page")
        is report.in_the_browser()
        is report.decodes()
        is report.loading()
        is report.frames()
        is report.playground()
        is None
    )


def test_every_cell_of_the_page_is_a_call_of_the_report(report):
    cells = re.findall(
        r"```{code-cell} python\n(.*?)```",
        (ROOT / "book" / "speed.md").read_text("utf-8"),
        re.DOTALL,
    )
    calls = [name for cell in cells for name in re.findall(r"_report\.(\w+)\(", cell)]
    assert len(calls) == len(cells) and all(hasattr(report, name) for name in calls)


def test_the_committed_results_are_of_a_whole_run():
    for file in (ROOT / "benchmarks" / "results").glob("*.json"):
        result = json.loads(file.read_text())
        assert not result["quick"] and result["date"], file


def test_all_contenders_train_the_same_model(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    _contenders = importlib.import_module("_contenders")
    assert (
        _contenders.built("dense").parameter_count
        == 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784
    )
    losses = {}
    for name in ("tutorial", "plain", "fit"):
        caught = []
        with monkeypatch.context() as patched:
            patched.setattr(
                models.VAE,
                "loss",
                lambda model, x, loss=models.VAE.loss: caught.append(x.shape) or loss(model, x),
            )
            _contenders.ALL[name]("digits", 70, "dense", 32)()
        losses[name] = caught
    assert losses["tutorial"] == losses["plain"] == losses["fit"] and len(losses["fit"]) == 3

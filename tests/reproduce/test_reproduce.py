"""Recipes run at toy size, results are kept and not measured twice, and no choice is made on the test set."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from aecourse import data, reproduce
from aecourse.reproduce import Lab, Measured, Recipe, Row, TestSetLocked
from aecourse.reproduce import results as kept
from aecourse.reproduce.__main__ import main
from aecourse.reproduce.recipes import RECIPES
from aecourse.reproduce.recipes.exact_likelihood import as_vae
from aecourse.reproduce.recipes.quadrants import seen

ROOT = Path(__file__).resolve().parents[2]
KEYS = re.findall(r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.M)


def recipe(run=None, **changes) -> Recipe:
    """Two rows of one part and one of another, without data."""
    calls = []

    def measure(lab, part):
        calls.append((part, lab.seed))
        figures = {"one": ("a", "b"), "c": ("c",)}[part]
        return {name: Measured(1.0 + lab.seed, 0.5) for name in figures}

    rows = (
        Row("a", "s", part="one", published=1.5),
        Row("b", "s", part="one"),
        Row("c", "s", published=(4, 5), explained="because"),
    )
    made = Recipe("toy", "Toy", "", "m", rows, run or measure, data="", seeds=2, **changes)
    object.__setattr__(made, "calls", calls)
    return made


def quiet(made, file, **options):
    return reproduce.reproduce(made, file, say=lambda text: None, **options)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_runs_at_toy_size(name, tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_MOVIELENS", "anywhere")
    file = tmp_path / "results.json"
    made = RECIPES[name]
    parts = (
        made.parts if name in ("gradient-variance", "pca", "stacked", "minutes") else made.parts[:1]
    )
    quiet(made, file, quick=True, parts=parts)
    entries = reproduce.read(file)
    assert [entry["part"] for entry in entries] == sorted(parts)
    for entry in entries:
        assert set(entry["rows"]) == set(made.settings(entry["part"])) and entry["quick"]
        for row in entry["rows"].values():
            assert torch.isfinite(torch.tensor(row["figure"]))
    text = file.read_text("utf-8")
    assert not any(mark in text for mark in ("/home", "/tmp", "/root", "\\\\"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_where_its_figures_come_from(name):
    made = RECIPES[name]
    assert made.name == name and made.title and made.about and made.measure and made.minutes > 0
    assert len({row.name for row in made.rows}) == len(made.rows)
    assert made.binarisation in ("", "grey", "dynamic", "static")
    for row in made.rows:
        assert row.setting and row.computed_in in made.parts
        if row.published is not None:
            assert row.source and (row.key in KEYS or row.key.startswith("https://")), row.name
        else:
            assert not row.source


def test_what_is_done_is_not_done_again(tmp_path):
    file, made = tmp_path / "results.json", recipe()
    assert quiet(made, file, seeds=1) == 2 and quiet(made, file, seeds=1) == 0
    assert quiet(made, file) == 2
    assert made.calls == [("one", 0), ("c", 0), ("one", 1), ("c", 1)]
    assert quiet(made, file, parts=["c"], seeds=1, again=True) == 1
    assert len(reproduce.read(file)) == 4


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    file, whole = tmp_path / "results.json", recipe()

    def stops(lab, part):
        if part == "c":
            raise KeyboardInterrupt
        return whole.run(lab, part)

    with pytest.raises(KeyboardInterrupt):
        quiet(replace(whole, run=stops), file, seeds=1)
    assert [entry["part"] for entry in reproduce.read(file)] == ["one"]
    assert quiet(whole, file, seeds=1) == 1


def test_a_changed_setting_is_measured_again_and_not_shown_meanwhile(tmp_path):
    file, made = tmp_path / "results.json", recipe()
    quiet(made, file, seeds=1)
    rows = (*made.rows[:2], replace(made.rows[2], setting="longer"))
    changed = replace(made, rows=rows)
    names = [each.row.name for each in reproduce.summaries(reproduce.read(file), changed)]
    assert names == ["a", "b"] and quiet(changed, file, seeds=1) == 1


def test_rows_that_were_not_declared_are_refused(tmp_path):
    made = recipe(run=lambda lab, part: {"another": Measured(1.0)})
    with pytest.raises(RuntimeError, match="declared are"):
        quiet(made, tmp_path / "results.json")
    assert not (tmp_path / "results.json").exists()


def test_a_summary_is_the_mean_over_seeds_with_the_larger_standard_error(tmp_path):
    file, made = tmp_path / "results.json", recipe()
    quiet(made, file)
    a, b, c = reproduce.summaries(reproduce.read(file), made)
    assert (a.figure, a.seeds) == (1.5, 2) and a.spread == pytest.approx(0.5)
    assert a.difference == 0 and a.agrees()
    assert b.difference is None and b.agrees() is None
    assert c.difference == -2.5 and not c.agrees()


@pytest.mark.parametrize(
    "figure, published, agrees",
    [(3.004, 3.0, True), (3.2, 3.0, True), (3.21, 3.1, False), (0.45, (0.4, 0.5), True)],
)
def test_two_standard_errors_and_the_rounding_of_the_published_figure_count(
    figure, published, agrees
):
    row = Row("a", "s", published=published)
    spread = {3.2: 0.1}.get(figure)
    assert reproduce.Summary(row, (), figure, spread).agrees() is agrees


def test_the_test_set_is_locked_while_something_is_chosen():
    images = data.load("digits").subset(60)
    lab = Lab(images, 0, True, lambda text: None)
    assert len(lab.fitting) == 50 and len(lab.held_out) == 10
    assert torch.equal(torch.cat([lab.fitting.x, lab.held_out.x]), images.train.x)
    with pytest.raises(TestSetLocked, match="being chosen"):
        lab.choose("rate", [1, 2], lambda rate: lab.test.x.sum())
    assert lab.choose("rate", [1, 2], lambda rate: rate) == 1
    assert lab.choose("units", [1, 2], lambda units: units, lower=False) == 2
    assert lab.choices["rate"] == {"chosen": "1", "scores": {"1": 1.0, "2": 2.0}}
    lab.test  # noqa: B018
    with pytest.raises(TestSetLocked, match="after the test set"):
        lab.choose("rate", [1, 2], lambda rate: rate)


def test_the_file_is_whole_whatever_happens(tmp_path, monkeypatch):
    file, made = tmp_path / "results.json", recipe()
    quiet(made, file, seeds=1)
    before = file.read_text("utf-8")

    def fails(*_):
        raise OSError("planted")

    monkeypatch.setattr(kept.os, "replace", fails)
    with pytest.raises(OSError, match="planted"):
        quiet(made, file)
    assert file.read_text("utf-8") == before
    file.write_text("[]", "utf-8")
    with pytest.raises(ValueError, match="no file of results"):
        reproduce.read(file)


def test_without_mnist_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    assert main(["pca", "--results", str(tmp_path / "results.json")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("pca: MNIST is not under") and said.count("\n") == 1


def test_what_a_reader_has_to_bring_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("AECOURSE_MOVIELENS", raising=False)
    assert main(["recommender", "--results", str(tmp_path / "results.json")]) == 2
    assert "nothing is downloaded" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["hint"], ["pca", "--part", "elephants"]])
def test_bad_names_give_the_list(arguments, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "accepted is" in said and ("one-class" in said or "30 principal components" in said)


def test_the_list_and_the_results_are_shown(tmp_path, capsys):
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in RECIPES)
    assert main(["gradient-variance", "--quick", "--results", str(tmp_path / "r.json")]) == 0
    assert main(["gradient-variance", "--show", "--results", str(tmp_path / "r.json")]) == 0
    assert "published 4" in capsys.readouterr().out


def test_a_known_model_is_the_same_model_as_a_vae():
    from aecourse.exact import LinearGaussian

    known = LinearGaussian.fit(torch.randn(200, 6) @ torch.randn(6, 6), 2)
    model, x = as_vae(known, wider=1.0), torch.randn(5, 6).double()
    log_w = model.log_weights(x[:, None, None], 3)
    assert torch.allclose(log_w, known.log_prob(x).expand(3, 5), atol=1e-4)


@pytest.mark.parametrize("quadrants", [1, 2, 3])
def test_so_many_quadrants_are_seen(quadrants):
    where = seen(quadrants)
    assert where.sum() == quadrants * 14 * 14 and where[20, 5] and not where[5, 20]


@pytest.fixture
def report(monkeypatch):
    pytest.importorskip("IPython")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import _results

    return _results


def test_the_page_shows_what_was_measured_and_nothing_else(report, tmp_path, monkeypatch):
    file = tmp_path / "results.json"
    monkeypatch.setattr(report, "FILE", file)
    assert "No results are here yet" in report.conditions().markdown
    assert report.overview() is None and report.exactness() is None
    assert not any(report.parts(name) for name in RECIPES)
    quiet(RECIPES["gradient-variance"], file, quick=True)
    quiet(RECIPES["pca"], file, quick=True, parts=["30 principal components"])
    quiet(RECIPES["minutes"], file, quick=True, parts=["15 minutes"])
    said, table, figure, differences, fold = report.parts("pca")
    cells = table._repr_html_()
    assert 'href="bibliography.html#hinton2006">Hinton &amp; Salakhutdinov 2006' in cells
    assert cells.count("<tr>") == 2 and "logistic" not in cells
    assert "minutes of training" in report.parts("minutes")[2].description
    assert "<svg" in figure.svg() and "13.87" in figure.description
    assert "python -m aecourse.reproduce pca" in fold._repr_html_()
    assert "2 figures stand beside a published one" in report.overview().markdown
    assert "what algebra gives" in report.overview().markdown
    assert "PyTorch" in report.conditions().markdown


def test_differences_are_explained_or_said_not_to_be(report, tmp_path):
    file = tmp_path / "results.json"
    rows = (
        Row("a", "s", published=9),
        Row("b", "s", published=1),
        Row("c", "s", published=7, explained="Why."),
    )
    made = replace(recipe(), rows=rows, run=lambda lab, part: {part: Measured(1.0, 0.1)})
    quiet(made, file, seeds=1)
    said = report.differences(made, reproduce.summaries(reproduce.read(file), made)).markdown
    assert "figure: b." in said
    assert "a (-8, better): *unexplained.*" in said and "c (-6, better): Why." in said


def test_every_experiment_has_its_place_on_the_page(report):
    page = (ROOT / "book" / "results.md").read_text("utf-8")
    shown = [
        name
        for call in re.findall(r"_results\.experiment\((.*?)\)", page, re.S)
        for name in re.findall(r'"([\w-]+)"', call)
    ]
    assert sorted(shown) == sorted(RECIPES)
    calls = re.findall(r"_results\.(\w+)\(", page)
    assert all(hasattr(report, name) for name in calls)


def test_the_committed_results_are_of_whole_runs():
    file = ROOT / "benchmarks" / "results.json"
    entries = reproduce.read(file)
    for entry in entries:
        assert not entry["quick"] and entry["recipe"] in RECIPES
        assert entry["part"] in RECIPES[entry["recipe"]].parts, entry["part"]
        assert entry["data"] in ("mnist", None) and entry["commit"]
    assert not any(mark in json.dumps(entries) for mark in ("/home", "/tmp", "/root"))


@pytest.mark.parametrize("lower", [True, False, None])
def test_each_figure_is_counted_once(report, tmp_path, monkeypatch, lower):
    """What agrees, is better, is worse or only differs adds up, also where no direction is better."""
    import re
    from dataclasses import replace

    found = list(report.all_found())
    monkeypatch.setattr(
        report,
        "all_found",
        lambda: [(replace(recipe, lower=lower), each) for recipe, each in found],
    )
    words = report.overview().markdown
    stand, better, worse, agree = (
        int(re.search(pattern, words)[1])
        for pattern in (
            r"(\d+) figures? stand",
            r"(\d+) (?:is|are) better",
            r"(\d+) (?:is|are) worse",
            r"(\d+) agrees? within",
        )
    )
    differ = re.search(r"(\d+) differs?\.", words)
    assert stand == agree + better + worse + (int(differ[1]) if differ else 0)
    assert bool(differ) == (lower is None) and bool(better + worse) == (lower is not None)

"""The ledger of repetitions: complete, not stale, and made by a command that goes on where it stopped."""

import ast
import inspect
import json
import math
from contextlib import nullcontext
from pathlib import Path

import pytest

from aecourse import contents, ledger
from aecourse.ledger import __main__ as replicate
from aecourse.ledger import code

ROOT = Path(__file__).resolve().parents[2]


def claims_of(lesson: str) -> list[dict]:
    """The measured claims of a notebook as its source states them: id, statement (as far as it is literal), above, below."""
    cells = json.loads((code.NOTEBOOKS / f"{lesson}.ipynb").read_text("utf-8"))["cells"]
    found = []
    for node in (
        node
        for cell in cells
        if cell["cell_type"] == "code"
        for node in ast.walk(ast.parse("".join(cell["source"])))
    ):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "claim"
        ):
            bounds = {
                word.arg: eval(ast.unparse(word.value), {"math": math})
                for word in node.keywords
                if word.arg in ("above", "below")
            }
            words = "".join(
                part.value
                for part in ast.walk(node.args[1])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            found.append(
                {
                    "id": ast.literal_eval(node.args[0]),
                    "statement": words,
                    "above": None,
                    "below": None,
                    **bounds,
                }
            )
    return found


LESSONS = [lesson for lesson in replicate.named([]) if claims_of(lesson)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_measured_claim_has_eight_runs_and_none_is_stale(lesson):
    runs = ledger.read(lesson)
    assert len({run["run"] for run in runs}) >= 8, (
        f"the ledger has {len(runs)} runs of {lesson}; eight are wanted: make replicate {lesson[:2]}"
    )
    assert (
        len({run["capability"] for run in runs}) > 1
        and sum(run["run"] % 8 >= 6 for run in runs) >= 2
    ), "other arithmetic"
    stale = [run["run"] for run in runs if code.stale(lesson, run)]
    assert not stale, (
        f"runs {stale} were measured with other code: make replicate {lesson[:2]}, or with CONFIRM=1 where no figure changed"
    )
    for claim in claims_of(lesson):
        assert all(claim["id"] in run["values"] for run in runs), claim["id"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_statement_that_often_fails_says_so(lesson):
    for claim in claims_of(lesson):
        values = [entry.value for entry in ledger.entries(claim["id"])]
        held = sum(ledger.within(value, claim["above"], claim["below"]) for value in values)
        assert held >= 0.95 * len(values) or "{held}" in claim["statement"], (
            f"{claim['id']} held in {held} of {len(values)}: {values}"
        )


# --- the digest of a lesson's code ----------------------------------------------------------------------------------

LESSON = """
import torch
from aecourse import data, plots, train
from aecourse.claims import claim
torch.manual_seed(0)
x = torch.rand(100).mean().item()
claim("mean-of-draws", "The mean is near a half; it is", x, above=0.4, below=0.6)
"""


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """A small lesson in a folder of its own: a function that writes it, and its name."""
    monkeypatch.setattr(code, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(ledger, "FOLDER", tmp_path)

    def write(source: str = LESSON) -> str | None:
        cells = [
            {"cell_type": "code", "metadata": {}, "source": part}
            for part in source.split("# ---\n")
        ]
        (tmp_path / "99_toy.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
        code.digest.cache_clear()
        ledger._all.cache_clear()
        return code.digest("99_toy")

    yield write
    code.digest.cache_clear()
    ledger._all.cache_clear()


@pytest.mark.parametrize(
    "old, new",
    [
        ("The mean is near a half", "Their mean is a half"),
        ("above=0.4", "above=0.45"),
        ("x = torch", "# a comment\nx = torch"),
        ('claim("mean', "plots.bars({'a': x})\nclaim(\"mean"),
        ("import claim", "import claim, exact"),
    ],
)
def test_words_and_plots_do_not_change_the_digest(lesson, old, new):
    assert old in LESSON and lesson(LESSON.replace(old, new)) == lesson()


def test_another_number_of_a_lesson_does_not_change_the_digest(lesson):
    told = LESSON + "\nx = f'as in lesson 10: {x}'"
    assert lesson(told.replace("lesson 10", "lesson 12")) == lesson(told)
    assert lesson(told.replace("lesson 10", "another lesson")) != lesson(told)


@pytest.mark.parametrize(
    "old, new",
    [
        ("rand(100)", "rand(101)"),
        ("seed(0)", "seed(1)"),
        ('half; it is", x', 'half; it is", 2 * x'),
        ("mean-of-draws", "other-id"),
        ("data, plots", "data, plots, models"),
        ("x = torch", "torch.rand(1)\nx = torch"),
    ],
)
def test_what_computes_changes_the_digest(lesson, old, new):
    if "models" in new:
        new, old = (
            LESSON.replace(old, new).replace('claim("mean', 'm = models.VAE\nclaim("mean'),
            LESSON,
        )
        assert lesson(new) != lesson()
    else:
        assert old in LESSON and lesson(LESSON.replace(old, new)) != lesson()


def test_a_lesson_depends_on_the_files_that_it_uses_and_on_no_others():
    used = code.modules(ast.parse("from aecourse import models, train\nmodels.VQVAE\ntrain.fit"))
    assert {
        "aecourse.models.vqvae",
        "aecourse.models.base",
        "aecourse.train.loop",
        "aecourse.train.fitting",
    } <= used
    assert (
        not {"aecourse.models.vae", "aecourse.train.cache", "aecourse.claims", "aecourse.plots"}
        & used
    )


@pytest.fixture
def changed(lesson, monkeypatch):
    """A function: the digest of a lesson that trains a VAE, with lines of a module of the course written otherwise."""
    caches = (code._pieces, code._cleaned, code._used_by)
    source = LESSON + "model = models.VAE(2)\n".replace("model", "vae", 1)
    source = source.replace("import data,", "import data, models,")
    read = inspect.getsource

    def digest(module: str = "", old: str = "", new: str = "", more: str = "") -> str | None:
        def written(thing):
            text = read(thing)
            if thing.__name__ != module:
                return text
            assert old in text, old
            return text.replace(old, new)

        for each in caches:
            each.cache_clear()
        monkeypatch.setattr(code.inspect, "getsource", written)
        return lesson(source + more)

    yield digest
    for each in caches:
        each.cache_clear()


@pytest.mark.parametrize(
    "module, old, new",
    [
        ("models.likelihoods", "torch.bernoulli(torch.sigmoid", "torch.bernoulli(torch.relu"),
        ("models.likelihoods", '"bernoulli": Bernoulli', '"bernoulli": Gaussian'),
        ("models.likelihoods", "return BY_NAME[", "return BY_NAME[1 and "),
        ("models.likelihoods", "import torch.nn.functional as F", "import torch.nn as F"),
        ("models.base", "class LatentModel(Model):", "class LatentModel(Model, object):"),
    ],
)
def test_a_definition_that_a_lesson_reaches_counts(changed, module, old, new):
    assert changed(f"aecourse.{module}", old, new) != changed()


@pytest.mark.parametrize(
    "old, new",
    [
        ("class Multinomial(nn.Module):", "class Multinomial(nn.Module, object):"),
        ("class ContinuousBernoulli(nn.Module):", "class ContinuousBernoulli(nn.Module, object):"),
        ('"continuous_bernoulli": ContinuousBernoulli', '"continuous_bernoulli": Gaussian'),
        ("import math", "import abc\nimport math"),
    ],
)
def test_a_definition_that_no_lesson_reaches_does_not_count(changed, old, new):
    assert changed("aecourse.models.likelihoods", old, new) == changed()


@pytest.mark.parametrize(
    "more",
    [
        "models.VAE(2, likelihood='continuous_bernoulli')",
        "models.VAE(2, likelihood='continuous' + '_bernoulli', also=models.ContinuousBernoulli)",
    ],
)
def test_a_definition_counts_where_a_string_names_it(changed, more):
    other = (
        "aecourse.models.likelihoods",
        "class ContinuousBernoulli(nn",
        "class ContinuousBernoulli(object, nn",
    )
    more = f"y = {more}\n"
    assert changed(*other, more=more) != changed(more=more)


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_runs_are_made_kept_confirmed_and_measured_anew(lesson, capsys):
    lesson()
    assert replicate.replicate(["99_toy"], runs=3, jobs=2) == 0
    runs = ledger.read("99_toy")
    values = [run["values"]["mean-of-draws"] for run in runs]
    assert [run["run"] for run in runs] == [0, 1, 2] and len(set(values)) == 3
    assert {run["threads"] for run in runs} == {1} and all(
        not entry.stale for entry in ledger.entries("mean-of-draws")
    )
    assert (
        replicate.replicate(["99_toy"], runs=3, jobs=2) == 0
        and "Nothing to do" in capsys.readouterr().out
    )

    lesson(LESSON + "y = 1\n")  # other code, the same figures
    assert all(entry.stale for entry in ledger.entries("mean-of-draws"))
    assert (
        replicate.confirm(["99_toy"], jobs=1) == 0
        and "confirmed bit for bit" in capsys.readouterr().out
    )
    assert [run["values"]["mean-of-draws"] for run in ledger.read("99_toy")] == values
    assert all(not entry.stale for entry in ledger.entries("mean-of-draws"))

    lesson(LESSON.replace("rand(100)", "rand(50)"))  # other figures: nothing is carried over
    assert (
        replicate.confirm(["99_toy"], jobs=1) == 1
        and "not the figures on record" in capsys.readouterr().out
    )
    assert all(entry.stale for entry in ledger.entries("mean-of-draws"))


@pytest.mark.slow
def test_on_another_processor_the_old_revision_is_run_again(lesson, capsys, monkeypatch, tmp_path):
    lesson()
    assert replicate.replicate(["99_toy"], runs=1, jobs=1) == 0
    (run,) = ledger.read("99_toy")
    ledger.write("99_toy", [{**run, "processor": "another", "values": {"mean-of-draws": 0.123}}])
    old = tmp_path / "old"  # what the revision holds: the lesson as it was
    (old / "notebooks").mkdir(parents=True)
    (old / "aecourse").symlink_to(ROOT / "aecourse")
    (old / "notebooks" / "99_toy.ipynb").write_bytes((tmp_path / "99_toy.ipynb").read_bytes())
    monkeypatch.setattr(replicate, "checkout", lambda revision: nullcontext(old))
    then = run["digest"]
    monkeypatch.setattr(replicate, "digest_at", lambda root, name: then)

    lesson(LESSON + "y = 1\n")
    assert replicate.confirm(["99_toy"], jobs=1) == 1
    assert "none of its runs" in capsys.readouterr().out
    assert replicate.confirm(["99_toy"], jobs=1, revision="old") == 0
    (kept,) = ledger.read("99_toy")  # the value of the other processor stays
    assert kept["values"] == {"mean-of-draws": 0.123} and kept["digest"] == code.digest("99_toy")

    lesson(LESSON.replace("rand(100)", "rand(50)"))
    then = kept["digest"]
    assert replicate.confirm(["99_toy"], jobs=1, revision="old") == 1
    assert "not the figures" in capsys.readouterr().out
    then = "3.11:other"
    assert replicate.confirm(["99_toy"], jobs=1, revision="old") == 1
    assert "not made with the code of old" in capsys.readouterr().out


def test_a_revision_that_does_not_exist_is_said_to_be_none():
    with pytest.raises(SystemExit, match="CONFIRM: got 'no-such-revision'"):
        with replicate.checkout("no-such-revision"):
            pass


@pytest.mark.slow
def test_a_lesson_that_fails_is_named_and_the_ledger_stays(lesson, capsys):
    lesson(LESSON + "1 / 0\n")
    assert replicate.replicate(["99_toy"], runs=1, jobs=1) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out and ledger.read("99_toy") == []


def test_unknown_lessons_are_refused():
    first, second = contents.lesson("bottleneck"), contents.lesson("vae_elbo")
    with pytest.raises(SystemExit, match=f"LESSON: got '99'; accepted are .*{first.name}"):
        replicate.named(["99"])
    wanted = [str(first.number), second.name]
    assert replicate.named(wanted) == replicate.named([first.slug, second.slug])
    assert set(replicate.named(wanted)) == {first.name, second.name}


def test_of_every_eight_runs_two_use_other_arithmetic(monkeypatch):
    import torch

    for native, lower in (
        ("AVX512", ["avx2", "default"]),
        ("AVX2", ["default", "default"]),
        ("NO AVX", []),
    ):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda native=native: native)
        assert [
            env["ATEN_CPU_CAPABILITY"] for env in map(replicate.arithmetic, range(8)) if env
        ] == lower

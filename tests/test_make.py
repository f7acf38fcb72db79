"""What the commands tell those who wait for them."""
import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def make(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_of_the_course", ROOT / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path)
    return module


HELD = {"id": "a", "page": "notebooks/05_vae_elbo", "holds": True, "kind": "measured", "value": 1.0}
FALLEN = {"id": "luck", "page": "notebooks/07_latent_views", "holds": False, "kind": "measured", "figure": "0.765", "value": 0.765,
          "runs": [0.7] * 8, "held": 8}
WRONG = {"id": "sum", "page": "notebooks/01_bottleneck", "holds": False, "kind": "exact", "figure": "3", "value": 3.0}


def test_a_book_says_at_its_end_what_did_not_hold(make, tmp_path):
    (tmp_path / "claims.json").write_text(json.dumps([HELD, FALLEN, WRONG]))
    said = make.what_did_not_hold()
    assert "Of 3 claims 1 held here, 2 did not:" in said
    assert "07_latent_views: luck, measured 0.765; held in 8 of 8 repetitions" in said
    assert "01_bottleneck: EXACT, so something is wrong: sum, measured 3" in said
    (tmp_path / "claims.json").write_text(json.dumps([HELD]))
    assert make.what_did_not_hold().strip() == "All 1 claims held here."


@pytest.mark.parametrize("line, shown", [
    ("05_vae_elbo: executing", "05_vae_elbo: executing"),
    ("05_vae_elbo: executed in 71.4 seconds", "05_vae_elbo: executed in 1 min 11 s"),
    ("05_vae_elbo: unchanged, taken from the cache", "05_vae_elbo: unchanged, taken from the cache"),
    ("05_vae_elbo: failed", "05_vae_elbo: failed"), ("some chatter", None)])
def test_the_lines_of_an_execution(make, line, shown):
    assert make.notebook_line(line) == shown


def test_of_failed_notebooks_only_the_errors_are_told(make):
    output = ["a: executing", "b: executing", "a: failed", "ZeroDivisionError: division", "at line 3", "b: executed in 3.0 seconds"]
    assert make.errors_of_notebooks(output) == "a: failed\nZeroDivisionError: division\nat line 3"
    assert make.errors_of_notebooks(["No module named nbclient"]) == "No module named nbclient"


def test_make_hands_lessons_and_settings_on(make, monkeypatch):
    called = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(make.subprocess, "run", lambda command, **_: called.append(command) or type("Done", (), {"returncode": 0}))
    make.main(["replicate", "05", "RUNS=12"])
    make.main(["replicate", "CONFIRM=1"])
    assert [command[2:] for command in called] == [["aecourse.ledger", "05", "--runs", "12"], ["aecourse.ledger", "--confirm"]]

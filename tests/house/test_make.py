"""What the commands tell those who wait for them."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_of_the_course", ROOT / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path)
    return module


HELD = {"id": "a", "page": "notebooks/05_vae_elbo", "holds": True, "kind": "measured", "value": 1.0}
FALLEN = {
    "id": "luck",
    "page": "notebooks/07_latent_views",
    "holds": False,
    "kind": "measured",
    "figure": "0.765",
    "value": 0.765,
    "runs": [0.7] * 8,
    "held": 8,
}
WRONG = {
    "id": "sum",
    "page": "notebooks/01_bottleneck",
    "holds": False,
    "kind": "exact",
    "figure": "3",
    "value": 3.0,
}


def test_a_book_says_at_its_end_what_did_not_hold(make, tmp_path):
    (tmp_path / "claims.json").write_text(json.dumps([HELD, FALLEN, WRONG]))
    said = make.what_did_not_hold()
    assert "Of 3 claims 1 held here, 2 did not:" in said
    assert "07_latent_views: luck, measured 0.765; held in 8 of 8 repetitions" in said
    assert "01_bottleneck: EXACT, so something is wrong: sum, measured 3" in said
    (tmp_path / "claims.json").write_text(json.dumps([HELD]))
    assert make.what_did_not_hold().strip() == "All 1 claims held here."


@pytest.mark.parametrize(
    "line, shown",
    [
        ("05_vae_elbo: executing", "05_vae_elbo: executing"),
        ("05_vae_elbo: executed in 71.4 seconds", "05_vae_elbo: executed in 1 min 11 s"),
        (
            "05_vae_elbo: unchanged, taken from the cache",
            "05_vae_elbo: unchanged, taken from the cache",
        ),
        ("05_vae_elbo: failed", "05_vae_elbo: failed"),
        ("some chatter", None),
    ],
)
def test_the_lines_of_an_execution(make, line, shown):
    assert make.notebook_line(line) == shown


def test_of_failed_notebooks_only_the_errors_are_told(make):
    output = [
        "a: executing",
        "b: executing",
        "a: failed",
        "ZeroDivisionError: division",
        "at line 3",
        "b: executed in 3.0 seconds",
    ]
    assert make.errors_of_notebooks(output) == "a: failed\nZeroDivisionError: division\nat line 3"
    assert make.errors_of_notebooks(["No module named nbclient"]) == "No module named nbclient"


def test_make_hands_lessons_and_settings_on(make, monkeypatch):
    called = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(
        make.subprocess,
        "run",
        lambda command, **_: called.append(command) or type("Done", (), {"returncode": 0}),
    )
    make.main(["replicate", "05", "RUNS=12"])
    make.main(["replicate", "CONFIRM=1"])
    assert [command[2:] for command in called] == [
        ["aecourse.ledger", "05", "--runs", "12"],
        ["aecourse.ledger", "--confirm=1"],
    ]


def test_quick_tests_leave_out_notebooks_browser_and_slow_tests(make, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(make, "lint", lambda: (2, 0, 0))
    monkeypatch.setattr(make, "with_node", lambda: {"types of Python": (1, 0, 0)})
    monkeypatch.setattr(
        make, "pytest", lambda title, *arguments, **_: asked.append((title, arguments)) or (1, 0, 0)
    )
    monkeypatch.setattr(make, "build_book", lambda *options: asked.append(("book", ())))
    assert make.test(["QUICK=1", "-x"]) == 0
    ((title, arguments),) = asked
    assert title == "unit tests" and arguments[-3:] == ("-m", "not slow and not browser", "-x")
    asked.clear()
    assert make.test(["QUICK=0"]) == 0
    assert [title for title, _ in asked] == ["unit tests", "notebooks", "book", "book in a browser"]
    assert not any("-m" in arguments for _, arguments in asked)
    monkeypatch.setattr(make, "lint", lambda: (1, 1, 0))
    assert make.test(["QUICK=1"]) == 1 and "1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "version, fails, required, counted",
    [
        ("v20.1.0", None, "", [(1, 0, 0), (1, 0, 0)]),
        ("v20.1.0", "run", "", [(1, 0, 0), (0, 1, 0)]),
        ("v20.1.0", "ci", "", [(0, 0, 1)] * 2),  # no registry answers
        ("v20.1.0", "ci", "1", [(0, 1, 0)] * 2),
        ("v16.0.0", None, "", [(0, 0, 1)] * 2),
        ("v16.0.0", None, "1", [(0, 1, 0)] * 2),
    ],
)
def test_what_needs_node_is_skipped_with_a_word_or_required(
    make, monkeypatch, tmp_path, capsys, version, fails, required, counted
):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package-lock.json").write_text("{}")
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make.shutil, "which", lambda name: name)
    said = subprocess.CompletedProcess([], 0, version)
    monkeypatch.setattr(make.subprocess, "run", lambda command, **_: said)
    monkeypatch.setenv("AECOURSE_REQUIRE_NODE", required)

    def step(title, command, **_):
        if command[1] == fails:
            raise make.Failed(title)

    monkeypatch.setattr(make, "step", step)
    found = make.with_node()
    assert list(found) == ["JavaScript", "types of Python"] and list(found.values()) == counted
    assert ("not checked: JavaScript, types of Python" in capsys.readouterr().out) == (
        (1, 0, 0) not in counted
    )


@pytest.mark.parametrize(
    "arguments, command",
    [
        (["renumber", "SLUG=denoising", "TO=05"], ["renumber.py", "denoising", "05"]),
        (["lesson", "SLUG=one", "TITLE=a = b"], ["lesson.py", "one", "a = b"]),
        (["lesson", "one", "One"], ["lesson.py", "one", "One"]),
        (["contents"], ["toc.py"]),
    ],
)
def test_make_hands_names_on_to_the_scripts_of_the_house(make, monkeypatch, arguments, command):
    called = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(
        make.subprocess,
        "run",
        lambda command, **_: called.append(command) or type("Done", (), {"returncode": 0}),
    )
    assert make.main(arguments) == 0
    script, *values = called[0][1:]
    assert Path(script).is_file() and [Path(script).name, *values] == command


def test_a_missing_name_is_asked_for(make, monkeypatch, capsys):
    monkeypatch.setattr(make, "environment", lambda: None)
    assert make.main(["renumber", "SLUG=denoising"]) == 1
    assert "renumber: accepted are SLUG=... TO=..." in capsys.readouterr().out


def test_a_quick_book_lies_apart_and_is_not_judged(make, monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(make, "stale_results_removed", lambda: None)
    monkeypatch.setattr(
        make,
        "step",
        lambda title, command, env=None, **_: ran.append((list(map(str, command)), env)),
    )
    monkeypatch.setenv("AECOURSE_QUICK", "1")  # of the shell; the real book is real all the same
    assert make.main(["book"]) == 0
    assert make.main(["book", "QUICK=1"]) == 0
    (execute, env), (build, _), (quick, quick_env), (quick_build, _) = ran
    assert "AECOURSE_QUICK" not in env and quick_env["AECOURSE_QUICK"] == "1"
    apart = str(make.ROOT / "_build" / "quick" / "_build")
    assert quick[2].startswith(apart) and quick_env["AECOURSE_CACHE"].startswith(apart)
    assert not execute[2].startswith(apart) and quick_build[6] + "/_build" == apart.replace(
        "\\", "/"
    )
    said = capsys.readouterr().out
    assert "no claim is judged" in said and "quick/_build/html/index.html" in said


def test_what_is_published_is_made_from_the_book(make, monkeypatch):
    ran = []
    monkeypatch.setattr(make, "environment", lambda: None)
    monkeypatch.setattr(make, "build_book", lambda: ran.append("book"))
    monkeypatch.setattr(
        make, "step", lambda title, command, **_: ran.append(list(map(str, command))[1:])
    )
    for arguments in (["publish", "SITE=https://a.b/c"], ["pdf"], ["epub"]):
        assert make.main(arguments) == 0
    site, pdf, epub = ran[1::2]
    assert (
        Path(site[0]).is_file() and site[0].endswith("publish.py") and site[-1] == "https://a.b/c"
    )
    assert Path(pdf[0]).is_file() and pdf[-1].endswith(".pdf") and epub[-1].endswith(".epub")


@pytest.fixture
def linux(make, tmp_path, monkeypatch):
    """A Linux machine without an NVIDIA card, without torch, with a pip that knows its own index only."""
    monkeypatch.setattr(make, "VENV", tmp_path / "venv")
    monkeypatch.setattr(make.sys, "platform", "linux")
    monkeypatch.setattr(make.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(make.shutil, "which", lambda name: None)
    monkeypatch.setattr(make, "CARD", tmp_path / "nvidia0")
    make.told = "global.timeout='60'\n:env:.cert='/etc/ssl/certs/ca-certificates.crt'"
    monkeypatch.setattr(
        make.subprocess,
        "run",
        lambda *command, **_: subprocess.CompletedProcess(command, 0, stdout=make.told),
    )
    return make


def test_without_a_card_linux_gets_the_build_for_the_processor(linux):
    assert linux.wants_cpu_build(["pip"])


@pytest.mark.parametrize(
    "told",
    [
        "global.extra-index-url='file:///srv/simple'",
        "global.index-url='https://example.org/simple'",
        ":env:.find-links='/opt/wheels'",
        "install.no-index='true'",
    ],
)
def test_a_pip_with_an_index_of_its_own_is_left_alone(linux, told):
    linux.told += f"\n{told}"
    assert not linux.wants_cpu_build(["pip"])


def test_no_build_for_the_processor_where_pip_has_it_or_a_card_is_there(linux, monkeypatch):
    with monkeypatch.context() as here:
        here.setattr(linux.shutil, "which", lambda name: f"/usr/bin/{name}")
        assert not linux.wants_cpu_build(["pip"])
    with monkeypatch.context() as here:
        here.setattr(linux, "CARD", linux.BUILD)
        assert not linux.wants_cpu_build(["pip"])
    for system in ("darwin", "win32"):
        with monkeypatch.context() as here:
            here.setattr(linux.sys, "platform", system)
            assert not linux.wants_cpu_build(["pip"])
    with monkeypatch.context() as here:
        here.setattr(linux.platform, "machine", lambda: "riscv64")
        assert not linux.wants_cpu_build(["pip"])


@pytest.mark.parametrize("build", ["", "+cpu", "+cu130"])
def test_the_pinned_torch_is_left_alone_and_another_one_replaced(linux, build):
    [pin] = re.findall(r"^torch==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.M)
    packages = linux.VENV / "lib" / "python3.12" / "site-packages"
    (packages / f"torch-{pin}9{build}.dist-info").mkdir(parents=True)  # 2.13.09 is another
    assert linux.wants_cpu_build(["pip"])
    (packages / f"torch-{pin}{build}.dist-info").mkdir()
    assert not linux.wants_cpu_build(["pip"])


def test_uv_is_asked_for_the_pins_and_pip_goes_on_without_it(make, monkeypatch, capsys):
    steps = []
    monkeypatch.setattr(make, "step", lambda title, command, **_: steps.append(command))
    make.cpu_build(["pip"])
    uv = [str(part) for part in steps[1]]
    pins = (ROOT / "requirements.txt").read_text("utf-8").split()
    assert steps[0][:2] == ["pip", "install"] and uv[1:3] == ["pip", "install"]
    assert uv[-4:-2] == ["--torch-backend", "cpu"] and "--no-deps" in uv
    assert [pin.split("==")[0] for pin in uv[-2:]] == ["torch", "torchvision"]
    assert set(uv[-2:]) <= set(pins)

    def fails(title, command, **_):
        raise make.Failed(f"{title}: failed after 2 s")

    monkeypatch.setattr(make, "step", fails)
    make.cpu_build(["pip"])
    assert (
        "failed after 2 s; pip fetches the build for NVIDIA cards instead"
        in capsys.readouterr().out
    )

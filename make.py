#!/usr/bin/env python3
"""Build, test and open the course. Needs nothing but Python 3.10 or later; everything else goes into .venv.

python make.py book        (on Windows: py make.py book)
"""

import sys

if sys.version_info < (3, 10):
    sys.exit("This course needs Python 3.10 or later; this is Python %d.%d." % sys.version_info[:2])

import hashlib
import importlib.util
import json
import os
import platform
import queue
import re
import shutil
import subprocess
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
BUILD = ROOT / "_build"
HTML = BUILD / "html"
QUICK = False  # whether the book is one of small budgets
NOTEBOOKS = ROOT / "notebooks"
CARD = Path("/dev/nvidia0")  # Linux has it where there is an NVIDIA card and its driver
UV = "uv>=0.7.14"  # since then --torch-backend is no preview
ANSI = r"\x1b\[[0-9;]*m"

HELP = """\
python make.py book       execute the notebooks and build the book into _build/html
                          ([QUICK=1]: in minutes, with small budgets and marked so on every page, into _build/quick/_build/html)
python make.py test       format and lint (JavaScript and types where there is Node), unit tests, notebooks, the book, and the book in a browser
                          ([QUICK=1]: in minutes, without notebooks, browser and slow tests)
python make.py lab        open JupyterLab on the notebooks
python make.py replicate  run lessons again under other seeds, for the ledger of claims ([LESSON...] [RUNS=8] [CONFIRM=1 or a revision])
python make.py lesson     lay out a new lesson that passes the tests (SLUG=anomaly_detection TITLE="Anomaly detection")
python make.py renumber   move a lesson, and every number that changes with it (SLUG=denoising TO=05)
python make.py contents   bring _toc.yml up to date with aecourse/lessons.yaml
python make.py repository write the address of the course's repository everywhere it is said: buttons, badge, set-up cells (URL=https://...; URL= for none)
python make.py bench      run the benchmarks
python make.py handout    write the notebooks without solutions, for a class ([FOLDER=_build/handout])
python make.py grade      run the checkers over returned notebooks, and write a table (FOLDER=returned)
python make.py anki       write the question bank as an Anki deck, _build/autoencoders.apkg
python make.py publish    the site for a host, and a zip that works offline, in _build/publish ([SITE=https://you.github.io/autoencoders])
python make.py pdf        the whole book for paper, _build/publish/autoencoders.pdf
python make.py epub       the whole book for a reader, _build/publish/autoencoders.epub
python make.py clean      remove the built book
python make.py distclean  remove the built book and .venv

Each makes .venv first where it is missing or out of date. With make: make book, make test, ...
AECOURSE_DATASET=mnist, AECOURSE_DATA and AECOURSE_CACHE are passed on (see "How to use this course")."""


# ---------------------------------------------------------------- running a step and saying so


def say(text: str = "") -> None:
    print(text, flush=True)


def clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


class Failed(Exception):
    """A step that ended badly; the message is all the reader needs."""


def step(title: str, command: list, picture=None, env: dict | None = None, explain=None) -> None:
    """Run a command under a title. Without `picture` its output passes through. With it, each line of output is
    shown as picture(line) (None: not shown), with the time while nothing comes. Where the command fails,
    explain(output) says why; without it the end of the output is shown."""
    say(f"== {title}")
    start = time.monotonic()
    command = [str(part) for part in command]
    if picture is None:
        status = subprocess.run(command, cwd=ROOT, env=env).returncode
        output: list[str] = []
    else:
        status, output = stream(command, picture, env, start)
    if status:
        if output:
            say(explain(output) if explain else "\n".join(output[-200:]))
        raise Failed(f"{title}: failed after {clock(time.monotonic() - start)}")
    say(f"   done in {clock(time.monotonic() - start)}")


def stream(command: list[str], picture, env: dict | None, start: float) -> tuple[int, list[str]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    lines: queue.Queue = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip())
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    on_screen, output, doing, told = sys.stdout.isatty(), [], "", start
    try:
        while True:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                now = time.monotonic()
                if on_screen:
                    print(
                        f"\r   {doing} ({clock(now - start)})\033[K"[
                            : shutil.get_terminal_size().columns + 8
                        ],
                        end="",
                        flush=True,
                    )
                elif now - told > 60:
                    told = now
                    say(f"   ... {doing} ({clock(now - start)} so far)")
                continue
            if line is None:
                break
            output.append(line)
            shown = picture(line)
            if shown:
                doing = shown
                say(("\r\033[K" if on_screen else "") + f"   {shown}")
    finally:
        if process.poll() is None and sys.exc_info()[0]:
            process.terminate()
        if on_screen:
            print("\r\033[K", end="", flush=True)
    return process.wait(), output


# ---------------------------------------------------------------- the environment


def digest(*paths: Path, extra: str = "") -> str:
    """What these files and folders hold; without the cards of the question bank, which shape two pages that Sphinx follows."""
    total = hashlib.sha256(extra.encode())
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            inside = file.relative_to(ROOT)
            if (
                file.is_file()
                and not {"__pycache__", "cards"} & set(inside.parts)
                and ".egg-info" not in str(inside)
            ):
                total.update(str(inside).encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def environment() -> None:
    """.venv with the pinned packages and the course itself, made or brought up to date."""
    version = "%d.%d" % sys.version_info[:2]
    if not PYTHON.exists():
        absent = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if absent:
            raise Failed(
                f"Python {version} here has no {' and no '.join(absent)}; on Debian or Ubuntu: "
                f"sudo apt install python{version}-venv"
            )
        try:
            step("Making .venv", [sys.executable, "-m", "venv", VENV])
        except Failed:
            shutil.rmtree(
                VENV, ignore_errors=True
            )  # half of one would be taken for a whole one next time
            raise
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    stamp, wanted = VENV / "aecourse-requirements", digest(ROOT / "requirements.txt")
    if read(stamp) != wanted:
        lock = (
            ROOT / "requirements.lock"
        )  # of one Python; it says exactly what the pins bring along
        held = ["-c", lock.name] if f"Python {version}." in read(lock)[:20] else []
        if wants_cpu_build(pip):
            cpu_build(pip)
        step(
            "Installing the pinned packages (the first time takes some minutes)",
            [*pip, "install", "--progress-bar", "off", "-r", "requirements.txt", *held],
            picture=pip_line,
        )
        stamp.write_text(wanted, "utf-8")
    stamp, wanted = VENV / "aecourse-package", digest(ROOT / "pyproject.toml")
    if read(stamp) != wanted:
        step(
            "Installing the course into .venv",
            [*pip, "install", "--no-deps", "--no-build-isolation", "--editable", "."],
            picture=lambda line: None,
        )
        stamp.write_text(wanted, "utf-8")


def wants_cpu_build(pip: list) -> bool:
    """Whether pip would fetch gigabytes of CUDA for nothing: on Linux without an NVIDIA card, where the pinned torch is not
    installed yet and pip has been told of no index but its own."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return False
    if CARD.exists() or shutil.which("nvidia-smi"):
        return False
    [torch] = re.findall(r"^torch==(\S+)", read(ROOT / "requirements.txt"), re.M)
    if any(VENV.glob(f"lib*/python*/site-packages/torch-{torch}[+.]*dist-info")):
        return False
    told = subprocess.run(
        [str(part) for part in [*pip, "config", "list"]], capture_output=True, text=True, cwd=ROOT
    ).stdout
    return not re.search(r"\.(?:extra-)?(?:index-url|find-links|no-index)=", told)


def cpu_build(pip: list) -> None:
    """The builds of torch and torchvision for the processor. uv knows where PyTorch keeps them; without them, pip takes the
    large ones, which work as well."""
    pins = re.findall(r"^(?:torch|torchvision)==\S+", read(ROOT / "requirements.txt"), re.M)
    try:
        step("Installing uv", [*pip, "install", "-q", UV], picture=lambda line: None)
        step(
            "Installing PyTorch for the processor (no NVIDIA card is here)",
            [BIN / "uv", "pip", "install", "--python", PYTHON, "--no-deps"]
            + ["--torch-backend", "cpu", *pins],
            picture=lambda line: None,
            explain=lambda output: "   " + "\n   ".join(output[-3:]),
        )
    except Failed as trouble:
        say(f"   {trouble}; pip fetches the build for NVIDIA cards instead, which is larger")


def pip_line(line: str) -> str | None:
    found = re.match(
        r"\s*(?:Downloading|Using cached) (?:\S*/)?([A-Za-z0-9_.]+-[^-]+)-\S+(?: \((.*)\))?", line
    )
    if found:
        size = found[2] or ""
        return f"{found[1]} {size}".rstrip() if re.search(r"GB|\d{2,}\.\d MB", size) else None
    return "unpacking" if line.startswith("Installing collected packages") else None


def inside() -> dict:
    """The environment variables of a program run inside .venv: its programs and its kernel come first."""
    env = dict(
        os.environ,
        VIRTUAL_ENV=str(VENV),
        PATH=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        JUPYTER_PREFER_ENV_PATH="1",
        PYTHONUTF8="1",
        PYTHONUNBUFFERED="1",
    )
    env["JUPYTER_PATH"] = os.pathsep.join(
        filter(None, [str(VENV / "share" / "jupyter"), env.get("JUPYTER_PATH")])
    )
    env.pop("PYTHONHOME", None)
    env.pop("AECOURSE_QUICK", None)
    if QUICK:
        env.update(AECOURSE_QUICK="1", AECOURSE_CACHE=str(BUILD / "models"))
    return env


def is_quick(arguments: list[str]) -> bool:
    return any(re.fullmatch(r"QUICK=[^0]+", argument) for argument in arguments)


# ---------------------------------------------------------------- the book


def notebook_line(line: str) -> str | None:
    """What a line of book/execute.py means to somebody who waits for it."""
    done = re.fullmatch(r"(\w+): executed in ([\d.]+) seconds", line)
    if done:
        return f"{done[1]}: executed in {clock(float(done[2]))}"
    return line if re.fullmatch(r"\w+: (executing|failed|unchanged, .*)", line) else None


def book_line(line: str) -> str | None:
    """What a line of the build's output means to somebody who waits for it."""
    line = re.sub(ANSI, "", line)
    if "WARNING:" in line or "ERROR:" in line:
        return line
    return "writing the pages" if line.startswith("preparing documents") else None


def errors_of_notebooks(output: list[str]) -> str:
    """What the failed notebooks said; everything else has been shown already."""
    text = "\n".join(output)
    parts = re.split(
        r"^(?=\w+: (?:failed|executing|executed|unchanged).*$)", text, flags=re.MULTILINE
    )
    said = [part.strip() for part in parts if re.match(r"\w+: failed$", part, re.MULTILINE)] or [
        text
    ]
    return "\n\n".join(said) if sys.stdout.isatty() else re.sub(ANSI, "", "\n\n".join(said))


def stale_results_removed() -> None:
    """The cache of executed notebooks sees changed notebooks only; other things that shape the results are seen here."""
    for stamp, wanted, swept in (
        (
            BUILD / "executed-with",
            digest(
                ROOT / "aecourse",
                ROOT / "benchmarks",
                ROOT / "requirements.txt",
                extra="%s %s" % (os.environ.get("AECOURSE_DATASET", ""), sys.version_info[:2]),
            ),
            (BUILD / ".jupyter_cache", BUILD / ".doctrees", HTML),
        ),
        (
            BUILD / "rendered-with",
            digest(ROOT / "book" / "_ext", ROOT / "_config.yml", ROOT / "_toc.yml"),
            (BUILD / ".doctrees", HTML),
        ),
    ):
        if read(stamp) != wanted:
            for folder in swept:
                shutil.rmtree(folder, ignore_errors=True)
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(wanted, "utf-8")


def build_book(*options) -> None:
    """Execute what is not executed yet, and make the pages. `options` go to execute.py."""
    stale_results_removed()
    notebooks = [
        NOTEBOOKS / f"{name}.ipynb"
        for name in re.findall(
            r"^\s*- file: notebooks/(\w+)\s*$", read(ROOT / "_toc.yml"), re.MULTILINE
        )
    ]
    step(
        "Executing the notebooks (later builds execute only what changed)",
        [PYTHON, ROOT / "book" / "execute.py", BUILD / ".jupyter_cache", *options, *notebooks],
        picture=notebook_line,
        env=inside(),
        explain=errors_of_notebooks,
    )
    try:
        step(
            "Building the pages",
            [
                PYTHON,
                "-c",
                "from jupyter_book.cli.main import main; main()",
                "build",
                ".",
                "--path-output",
                BUILD.parent,
                "--warningiserror",
                "--keep-going",
            ],
            picture=book_line,
            env=inside(),
            explain=lambda output: "\n".join(output[-200:]),
        )
    except Failed:
        shutil.rmtree(
            BUILD / ".doctrees", ignore_errors=True
        )  # so that the next build gives every warning again
        raise


def what_did_not_hold() -> str:
    """The claims that did not hold in this build, for those who built it; nothing where all held."""
    claims = json.loads(read(BUILD / "claims.json") or "[]")
    fallen = [claim for claim in claims if not claim["holds"]]
    lines = [
        f"\nOf {len(claims)} claims {len(claims) - len(fallen)} held here, {len(fallen)} did not:"
        if fallen
        else f"\nAll {len(claims)} claims held here."
    ]
    for claim in fallen:
        runs = claim.get("runs") or []
        rate = f"; held in {claim['held']} of {len(runs)} repetitions" if runs else ""
        kind = "EXACT, so something is wrong: " if claim.get("kind") == "exact" else ""
        lines.append(
            f"   {claim['page'].split('/')[-1]}: {kind}{claim['id']}, measured {claim.get('figure', claim['value'])}{rate}"
        )
    if any(claim.get("kind") != "exact" for claim in fallen):
        lines.append(
            '   Another processor rounds differently; the page "Claims" shows each with its repetitions.'
        )
    return "\n".join(lines)


def made_book(arguments: list[str]) -> list[str]:
    """Builds the book; with QUICK=1 one of small budgets, whose results lie apart from those of the real one. The other
    arguments."""
    global BUILD, HTML, QUICK
    QUICK = is_quick(arguments)
    environment()
    if QUICK:
        BUILD = ROOT / "_build" / "quick" / "_build"
        HTML = BUILD / "html"
    build_book()
    return [argument for argument in arguments if not argument.startswith("QUICK=")]


def book(arguments: list[str]) -> int:
    made_book(arguments)
    say("\nA quick book: no claim is judged." if QUICK else what_did_not_hold())
    say(f"\nThe book is ready. Open this in a browser:\n{(HTML / 'index.html').as_uri()}")
    return 0


# ---------------------------------------------------------------- the tests


def pytest(
    title: str, *arguments: str, share: str = "loadfile", **variables: str
) -> tuple[int, int, int]:
    """Run pytest, as many tests at once as there are cores, each with one thread; (passed, failed, skipped) from its own
    report. No readable report counts as one failure. The processes share files ("loadfile") or single tests ("worksteal").
    """
    report = BUILD / "reports" / f"{title.replace(' ', '-')}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    say(f"== Testing: {title}")
    jobs = os.cpu_count() or 1
    if jobs > 1:
        arguments = ("-n", str(jobs), "--dist", share, "--no-loadscope-reorder", *arguments)
        variables = {
            **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
            **variables,
        }
    status = subprocess.run(
        [str(PYTHON), "-m", "pytest", "-q", f"--junitxml={report}", *arguments],
        cwd=ROOT,
        env={**inside(), **variables},
    ).returncode
    return counts(report, status)


def counts(report: Path, status: int) -> tuple[int, int, int]:
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
        tests, failures, errors, skipped = (
            sum(int(suite.get(name, 0)) for suite in suites)
            for name in ("tests", "failures", "errors", "skipped")
        )
    except (OSError, ElementTree.ParseError, ValueError):
        return 0, 1, 0
    failed = failures + errors
    return tests - failed - skipped, max(failed, 1) if status else failed, skipped


def lint() -> tuple[int, int, int]:
    """Format and lint of the Python, as counts of one test each."""
    say("== Testing: format and lint")
    commands = (["format", "--check", "."], ["check", "."])
    failed = sum(
        subprocess.run([str(PYTHON), "-m", "ruff", *command], cwd=ROOT, env=inside()).returncode
        != 0
        for command in commands
    )
    return len(commands) - failed, failed, 0


def with_node() -> dict[str, tuple[int, int, int]]:
    """Lint and types of the JavaScript and types of the Python, where there is Node 18 or later with what package.json
    names; each as (passed, failed, skipped)."""
    commands = {"JavaScript": ["test"], "types of Python": ["run", "python"]}
    npm, version = shutil.which("npm"), ""
    if npm and shutil.which("node"):
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    stamp, wanted = ROOT / "node_modules" / "aecourse-lock", digest(ROOT / "package-lock.json")
    quiet: dict = {"picture": lambda line: None}
    try:
        if not re.match(r"v(1[89]|[2-9]\d)\.", version):
            raise Failed("== This needs Node 18 or later, with npm")
        if read(stamp) != wanted:
            ci = [npm, "ci", "--no-audit", "--no-fund"]
            step("Installing what checks JavaScript and types", ci, **quiet)
            stamp.write_text(wanted, "utf-8")
    except Failed as failure:
        say(f"{failure}; not checked: {', '.join(commands)}")
        required = os.environ.get("AECOURSE_REQUIRE_NODE") == "1"
        return dict.fromkeys(commands, (0, int(required), int(not required)))
    results = {}
    for title, command in commands.items():
        try:
            step(f"Checking: {title}", [npm, *command, "--silent"], **quiet)
            results[title] = (1, 0, 0)
        except Failed as failure:
            say(str(failure))
            results[title] = (0, 1, 0)
    return results


def test(arguments: list[str]) -> int:
    """Everything; with QUICK=1 what answers in minutes: no notebook, no browser, no test that is marked slow."""
    quick = is_quick(arguments)
    arguments = [argument for argument in arguments if not argument.startswith("QUICK=")]
    environment()
    results = {"format and lint": lint(), **with_node()}
    marks = ["-m", "not slow and not browser"] if quick else []
    results["unit tests"] = pytest("unit tests", "tests", "--ignore=tests/book", *marks, *arguments)
    if not quick:
        executed = BUILD / ".executed-by-tests"
        shutil.rmtree(executed, ignore_errors=True)
        results["notebooks"] = pytest(
            "notebooks",
            *("-p", "executed_by_tests", "--keep-executed", str(executed)),
            "--nbval-lax",
            "--nbval-current-env",
            "notebooks",
            *arguments,
            AECOURSE_STRICT="1",
            PYTHONPATH=os.pathsep.join(
                filter(None, (str(ROOT / "book"), os.environ.get("PYTHONPATH")))
            ),
        )
        try:
            build_book("--executed", executed)
            results["building the book"] = (1, 0, 0)
        except Failed as failure:
            say(str(failure))
            results["building the book"] = (0, 1, 0)
        results["book in a browser"] = pytest(
            "book in a browser", "tests/book", *arguments, share="worksteal"
        )

    say()
    for title, (passed, failed, skipped) in results.items():
        say(f"{title:18}  {passed:5} passed  {failed:3} failed  {skipped:3} skipped")
    passed, failed, skipped = map(sum, zip(*results.values()))
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


# ---------------------------------------------------------------- the rest


def lab(arguments: list[str]) -> int:
    environment()
    say("== JupyterLab (stop it with Ctrl-C)")
    return subprocess.run(
        [str(PYTHON), "-m", "jupyterlab", "notebooks", *arguments], cwd=ROOT, env=inside()
    ).returncode


def replicate(arguments: list[str]) -> int:
    """LESSON..., RUNS=8 and CONFIRM=1, as make hands them on."""
    environment()
    options = []
    for argument in arguments:
        name, _, value = argument.partition("=")
        options += {
            "RUNS": ["--runs", value],
            "CONFIRM": [f"--confirm={value}"] if value not in ("", "0") else [],
        }.get(name, [argument])
    return subprocess.run(
        [str(PYTHON), "-m", "aecourse.ledger", *options], cwd=ROOT, env=inside()
    ).returncode


def publish(arguments: list[str]) -> int:
    """The site for a host, and a zip that works offline. SITE=https://... is where it will stand."""
    sites = [argument.removeprefix("SITE=") for argument in made_book(arguments)]
    command = [PYTHON, ROOT / "house" / "publish.py", HTML, BUILD / "publish", *sites]
    step("Making the site", command, env=inside())
    return 0


def printed(kind: str, arguments: list[str]) -> int:
    made_book(arguments)
    file = BUILD / "publish" / f"autoencoders.{kind}"
    step(
        f"Making {file.name}: every page is opened in a browser",
        [PYTHON, ROOT / "house" / "print_book.py", HTML, file],
        env=inside(),
    )
    return 0


def pdf(arguments: list[str]) -> int:
    return printed("pdf", arguments)


def epub(arguments: list[str]) -> int:
    return printed("epub", arguments)


def house(script: str, names: tuple[str, ...], arguments: list[str]) -> int:
    """Run a script of house/ with arguments that may be given by name, as make hands them on: SLUG=denoising."""
    environment()
    values = [argument.removeprefix(f"{name}=") for name, argument in zip(names, arguments)]
    if len(arguments) != len(names):
        raise Failed(
            f"{script}: accepted are {' '.join(f'{name}=...' for name in names) or 'none'}"
        )
    return subprocess.run(
        [str(PYTHON), str(ROOT / "house" / f"{script}.py"), *values], cwd=ROOT, env=inside()
    ).returncode


def lesson(arguments: list[str]) -> int:
    return house("lesson", ("SLUG", "TITLE"), arguments)


def renumber(arguments: list[str]) -> int:
    return house("renumber", ("SLUG", "TO"), arguments)


def contents(arguments: list[str]) -> int:
    return house("toc", (), arguments)


def repository(arguments: list[str]) -> int:
    return house("repository", ("URL",), arguments)


def handout(arguments: list[str]) -> int:
    return house("handout", ("FOLDER",), arguments or ["FOLDER=" + str(BUILD / "handout")])


def grade(arguments: list[str]) -> int:
    return house("grade", ("FOLDER",), arguments)


def bench(arguments: list[str]) -> int:
    environment()
    scripts = sorted((ROOT / "benchmarks").glob("[!_]*.py"))
    if not scripts:
        say("There are no benchmarks yet.")
    for script in scripts:
        step(f"benchmarks/{script.name}", [PYTHON, script, *arguments], env=inside())
    return 0


def anki(arguments: list[str]) -> int:
    environment()
    step(
        "Writing the Anki deck",
        [PYTHON, "-m", "aecourse.quiz.anki", BUILD / "autoencoders.apkg"],
        env=inside(),
    )
    return 0


def clean(arguments: list[str]) -> int:
    shutil.rmtree(BUILD, ignore_errors=True)
    return 0


def distclean(arguments: list[str]) -> int:
    shutil.rmtree(VENV, ignore_errors=True)
    return clean(arguments)


def main(arguments: list[str]) -> int:
    sys.stdout.reconfigure(  # pyright: ignore[reportAttributeAccessIssue]
        errors="replace"
    )  # a console that cannot show a sign shows a question mark
    if os.name == "nt":
        os.system("")  # switches on the escape sequences of Windows' console
    targets = {
        target.__name__: target
        for target in (
            book,
            test,
            lab,
            replicate,
            lesson,
            renumber,
            contents,
            repository,
            handout,
            grade,
            bench,
            anki,
            publish,
            pdf,
            epub,
            clean,
            distclean,
        )
    }
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        say(HELP)
        return 0
    if arguments[0] not in targets:
        say(f"There is no target {arguments[0]!r}.\n\n{HELP}")
        return 2
    try:
        return targets[arguments[0]](arguments[1:])
    except Failed as failure:
        say(f"\n{failure}")
        return 1
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

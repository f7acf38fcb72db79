"""Runs lessons again under other seeds and other arithmetic, and writes what their claims came to into the ledger.

    make replicate                      what is missing or stale, of every lesson, up to 8 runs
    make replicate 05 07 RUNS=12        two lessons, up to 12 runs
    make replicate CONFIRM=1            lessons whose code changed but whose figures should not have: one run of each must give
                                        every value bit for bit as it is recorded; then the entries count as measured with today's code
    make replicate CONFIRM=4f2a9c1      the same on a kind of processor that made none of the runs: with the code of that revision,
                                        which made them, one run is done here again, and today's must agree with it

An interrupted command goes on where it stopped. As many runs go side by side as there are processor cores, with one thread each:
two threads each on two cores would take ten times as long.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from aecourse import ledger
from aecourse.ledger import code
from aecourse.ledger.run import processor

RUNS = 8


def arithmetic(run: int) -> dict[str, str]:
    """Environment variables of a run: of every eight, the last two use other instructions of the processor, which add up
    in another order."""
    import torch

    native = torch.backends.cpu.get_cpu_capability()
    lower = {6: "avx2" if native == "AVX512" else "default", 7: "default"}.get(run % 8)
    return {"ATEN_CPU_CAPABILITY": lower} if lower and native in ("AVX2", "AVX512") else {}


def environment(run: int, cache: Path, extra: dict[str, str]) -> dict[str, str]:
    """The environment of one run: its seed, one thread, its arithmetic, and models trained for this very run only."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name
        not in ("AECOURSE_DATASET", "AECOURSE_QUICK", "AECOURSE_STRICT", "ATEN_CPU_CAPABILITY")
    }
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        **env,
        **threads,
        **extra,
        "AECOURSE_SEED": str(run),
        "AECOURSE_CACHE": str(cache / f"run-{run}"),
    }


def measure(lesson: str, run: int, cache: Path, root: Path | None = None) -> dict:
    """One repetition in a process of its own; raises RuntimeError with the end of its output where it fails.

    root: where another revision of the course lies, if that is to be run.
    """
    notebooks = root / "notebooks" if root else code.NOTEBOOKS
    elsewhere = {"PYTHONPATH": str(root)} if root else {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "aecourse.ledger.run",
                str(notebooks / f"{lesson}.ipynb"),
                str(out),
            ],
            cwd=root,
            env=environment(run, cache, {**arithmetic(run), **elsewhere}),
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode or not out.is_file():
            raise RuntimeError(
                f"{lesson}, run {run} failed:\n"
                + "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            )
        return {
            **json.loads(out.read_text("utf-8")),
            "digest": code.digest(lesson),
            "date": date.today().isoformat(),
        }


def side_by_side(todo: list[tuple[str, int]], jobs: int, root: Path | None = None):
    """Measures (lesson, run) pairs, `jobs` at a time; yields lesson, run and the entry, or the fault, as they are done."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(measure, lesson, run, Path(cache), root): (lesson, run)
            for lesson, run in todo
        }
        for finished, future in enumerate(as_completed(waiting), 1):
            left = (time.monotonic() - start) / finished * (len(todo) - finished)
            print(f"[{finished} of {len(todo)}, about {left / 60:.0f} min left] ", end="")
            try:
                yield *waiting[future], future.result()
            except RuntimeError as fault:
                yield *waiting[future], fault


def replicate(lessons: list[str], runs: int, jobs: int) -> int:
    """Fills the ledger; the exit status is 1 where a lesson could not be run."""
    todo, failed = [], False
    for run in range(runs):
        for lesson in lessons:
            kept = {entry["run"]: entry for entry in ledger.read(lesson)}
            if run not in kept or code.stale(lesson, kept[run]):
                todo.append((lesson, run))
    if not todo:
        print("Nothing to do: every run is there, measured with today's code.")
    for lesson, run, entry in side_by_side(todo, jobs):
        if isinstance(entry, RuntimeError):
            failed = True
            print(entry, flush=True)
            continue
        ledger.write(
            lesson, [*(other for other in ledger.read(lesson) if other["run"] != run), entry]
        )
        print(
            f"{lesson}, run {run}: {len(entry['values'])} claims in {entry['seconds']} s",
            flush=True,
        )
    return int(failed)


def confirm(lessons: list[str], jobs: int, revision: str = "") -> int:
    """Carries stale entries over where one run gives every recorded value bit for bit; 1 where some lesson's could not be.

    revision: the one that made the runs; it is run here again for the lessons of which no run was made on this kind of processor.
    """
    known, strangers, failed = {}, [], False
    for lesson in lessons:
        runs = ledger.read(lesson)
        if any(code.stale(lesson, run) for run in runs):
            mine = [e for e in runs if e["processor"] == processor() and e["threads"] == 1]
            if mine:
                known[lesson, mine[0]["run"]] = mine[0]["values"]
            else:
                strangers.append((lesson, runs[0]["run"]))
    if strangers and revision:
        with checkout(revision) as root:
            for lesson, run, then in side_by_side(strangers, jobs, root):
                digests = {entry["digest"] for entry in ledger.read(lesson)}
                if isinstance(then, RuntimeError):
                    failed = True
                    print(then, flush=True)
                elif {digest_at(root, lesson)} != digests:
                    failed = True
                    print(f"{lesson}: its runs were not made with the code of {revision}")
                else:
                    known[lesson, run] = then["values"]
                    print(f"{lesson}: run {run} of {revision}", flush=True)
    else:
        failed = bool(strangers)
        for lesson, _ in strangers:
            print(
                f"{lesson}: none of its runs was made on this kind of processor ({processor()}); make replicate measures it anew, "
                "and CONFIRM=REVISION runs the revision that made them here again"
            )
    if not known:
        print("Nothing to confirm.")
    for lesson, run, now in side_by_side(list(known), jobs):
        if isinstance(now, RuntimeError):
            failed = True
            print(now, flush=True)
            continue
        then = known[lesson, run]
        changed = [
            f"{id} {then.get(id)} -> {value}"
            for id, value in now["values"].items()
            if then.get(id) != value
        ]
        if changed:
            failed = True
            print(
                f"{lesson}: not the figures on record, so make replicate has to measure it: {', '.join(changed)}",
                flush=True,
            )
        else:
            ledger.write(
                lesson,
                [
                    {
                        **entry,
                        "digest": now["digest"],
                        "values": {id: entry["values"][id] for id in now["values"]},
                    }
                    for entry in ledger.read(lesson)
                ],
            )
            print(f"{lesson}: {len(now['values'])} values confirmed bit for bit", flush=True)
    return int(failed)


@contextmanager
def checkout(revision: str):
    """A folder with the files of a revision of this repository; raises SystemExit where there is none of that name."""
    git = ["git", "-C", str(code.NOTEBOOKS.parent), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "course"
        done = subprocess.run(
            [*git, "add", "--detach", str(root), revision], capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(
                f"CONFIRM: got {revision!r}; accepted is 1 or a revision: {done.stderr.strip()}"
            )
        try:
            yield root
        finally:
            subprocess.run([*git, "remove", "--force", str(root)], capture_output=True)


def digest_at(root: Path, lesson: str) -> str:
    """The digest of a lesson's code in another folder, by the rule that holds there."""
    command = f"from aecourse.ledger import code; print(code.digest({lesson!r}))"
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", command], cwd=root, env=env, capture_output=True, text=True
    ).stdout.strip()


def named(wanted: list[str]) -> list[str]:
    """The lessons meant by names, slugs or numbers ("05"), all that make claims where none is given; raises SystemExit for an
    unknown one."""
    every = [
        file.stem
        for file in sorted(code.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
        if "claims import" in file.read_text("utf-8")
    ]
    unknown = [
        name
        for name in wanted
        if not any(name in (lesson, lesson[3:]) or lesson[:2] == name.zfill(2) for lesson in every)
    ]
    if unknown:
        raise SystemExit(
            f"LESSON: got {unknown[0]!r}; accepted are {', '.join(every)}, their numbers or slugs"
        )
    return [
        lesson
        for lesson in every
        if not wanted
        or any(name in (lesson, lesson[3:]) or lesson[:2] == name.zfill(2) for name in wanted)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m aecourse.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "lessons", nargs="*", help="names, numbers or slugs of lessons; all where none is given"
    )
    parser.add_argument(
        "--runs", type=int, default=RUNS, help=f"how many runs each lesson is to have ({RUNS})"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        help="how many go side by side (one per core)",
    )
    parser.add_argument(
        "--confirm",
        nargs="?",
        const="1",
        metavar="REVISION",
        help="carry entries over that one run gives bit for bit: on record, or as REVISION gives them here",
    )
    wanted = parser.parse_args()
    if wanted.runs < 1 or wanted.jobs < 1:
        parser.error("RUNS and --jobs: accepted is a whole number of at least 1")
    lessons = named(wanted.lessons)
    return (
        confirm(lessons, wanted.jobs, "" if wanted.confirm == "1" else wanted.confirm)
        if wanted.confirm
        else replicate(lessons, wanted.runs, wanted.jobs)
    )


if __name__ == "__main__":
    sys.exit(main())

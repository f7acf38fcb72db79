"""Runs lessons again under other seeds and other arithmetic, and writes what their claims came to into the ledger.

    make replicate                      what is missing or stale, of every lesson, up to 8 runs
    make replicate 05 07 RUNS=12        two lessons, up to 12 runs
    make replicate CONFIRM=1            lessons whose code changed but whose figures should not have: one run of each must give
                                        every value bit for bit as it is recorded; then the entries count as measured with today's code

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


def measure(lesson: str, run: int, cache: Path) -> dict:
    """One repetition in a process of its own; raises RuntimeError with the end of its output where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "aecourse.ledger.run",
                str(code.NOTEBOOKS / f"{lesson}.ipynb"),
                str(out),
            ],
            env=environment(run, cache, arithmetic(run)),
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


def side_by_side(todo: list[tuple[str, int]], jobs: int):
    """Measures (lesson, run) pairs, `jobs` at a time; yields lesson, run and the entry, or the fault, as they are done."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as cache, ThreadPoolExecutor(jobs) as pool:
        waiting = {
            pool.submit(measure, lesson, run, Path(cache)): (lesson, run) for lesson, run in todo
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


def confirm(lessons: list[str], jobs: int) -> int:
    """Carries stale entries over where one run gives every recorded value bit for bit; 1 where some lesson's could not be."""
    todo, failed = [], False
    for lesson in lessons:
        runs = ledger.read(lesson)
        if any(code.stale(lesson, run) for run in runs):
            mine = [
                run["run"]
                for run in runs
                if run["processor"] == processor() and run["threads"] == 1
            ]
            if mine:
                todo.append((lesson, mine[0]))
            else:
                failed = True
                print(
                    f"{lesson}: none of its runs was made on this kind of processor ({processor()}); make replicate measures it anew"
                )
    if not todo:
        print("Nothing to confirm.")
    for lesson, run, now in side_by_side(todo, jobs):
        if isinstance(now, RuntimeError):
            failed = True
            print(now, flush=True)
            continue
        runs = ledger.read(lesson)
        then = next(
            entry for entry in runs if entry["run"] == run and entry["processor"] == processor()
        )["values"]
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
                    for entry in runs
                ],
            )
            print(f"{lesson}: {len(now['values'])} values confirmed bit for bit", flush=True)
    return int(failed)


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
        "--confirm", action="store_true", help="carry entries over that one run gives bit for bit"
    )
    wanted = parser.parse_args()
    if wanted.runs < 1 or wanted.jobs < 1:
        parser.error("RUNS and --jobs: accepted is a whole number of at least 1")
    lessons = named(wanted.lessons)
    return (
        confirm(lessons, wanted.jobs)
        if wanted.confirm
        else replicate(lessons, wanted.runs, wanted.jobs)
    )


if __name__ == "__main__":
    sys.exit(main())

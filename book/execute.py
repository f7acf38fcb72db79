"""Executes the notebooks that the book's cache does not hold yet, as many at once as there are processor cores, with one thread each,
and puts them into that cache, where Jupyter Book finds them.

One thread each, because two training processes with two threads each on two cores take ten times as long, while two with
one thread each take little more than half the time of one after the other.

    python book/execute.py CACHE [--executed FOLDER] NOTEBOOK...

Each notebook's fate is a line of output: "NAME: executing", "NAME: executed in SECONDS seconds" or "NAME: failed" and the error.
In FOLDER lie notebooks with the outputs of an execution of just now (executed_by_tests.py); they are taken as they are.
The exit status is 1 where one failed; the others are executed all the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
TIMEOUT = 600  # seconds a cell may take


def main(folder: str, paths: list[str], known: str | None = None) -> int:
    import nbformat
    from jupyter_cache import get_cache

    cache, waiting = get_cache(folder), []
    for path in map(Path, paths):
        notebook = nbformat.read(path, as_version=4)
        try:
            cache.match_cache_notebook(notebook)
            print(f"{path.stem}: unchanged, taken from the cache", flush=True)
        except KeyError:
            done = known and just_executed(Path(known) / path.name, notebook)
            if done:
                keep(cache, path, done, 0.0)
                print(f"{path.stem}: unchanged, executed by the tests", flush=True)
            else:
                waiting.append((path, notebook))
    waiting.sort(
        key=lambda item: -seconds_before(item[0].stem)
    )  # the longest first, so that none is left alone at the end
    jobs = min(os.cpu_count() or 1, len(waiting)) or 1
    if jobs > 1:
        os.environ.update(
            {
                name: os.environ.get(name, str(max(1, (os.cpu_count() or 1) // jobs)))
                for name in THREADS
            }
        )
    failed = False
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(executed, *item) for item in waiting]):
            path, notebook, seconds, fault = done.result()
            if fault:
                failed = True
                print(f"{path.stem}: failed\n{fault}", flush=True)
            else:
                keep(cache, path, notebook, seconds)
    return int(failed)


def just_executed(file: Path, notebook):
    """The notebook as it lies executed in a file, or None where there is none or its cells are others."""
    import nbformat

    if not file.is_file():
        return None
    done = nbformat.read(file, as_version=4)
    same = [cell.source for cell in done.cells] == [cell.source for cell in notebook.cells]
    return done if same else None


def seconds_before(name: str) -> float:
    """How long a lesson took when it was repeated for the ledger; infinity where it never was."""
    from aecourse import ledger

    return max((run["seconds"] for run in ledger.read(name)), default=float("inf"))


def executed(path: Path, notebook):
    """The notebook executed in its own folder: its path, itself, the seconds, and the error or None."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    print(f"{path.stem}: executing", flush=True)
    start = time.monotonic()
    try:
        NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(path.parent)}},
        ).execute()
        fault = None
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        fault = str(error)
    seconds = time.monotonic() - start
    if fault is None:
        print(f"{path.stem}: executed in {seconds:.1f} seconds", flush=True)
    return path, notebook, seconds, fault


def keep(cache, path: Path, notebook, seconds: float) -> None:
    """Puts an executed notebook into the cache as the book's builder would have done."""
    from jupyter_cache.base import CacheBundleIn

    record = cache.add_nb_to_project(str(path.resolve()))
    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, record.uri, data={"execution_seconds": seconds}),
        check_validity=False,
        overwrite=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("cache")
    parser.add_argument("--executed", metavar="FOLDER")
    parser.add_argument("notebooks", nargs="+")
    given = parser.parse_args()
    sys.exit(main(given.cache, given.notebooks, given.executed))

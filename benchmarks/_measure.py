"""What the benchmarks share: the machine in words, the clock, memory, matrix-product peak, and the file of results."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from aecourse import data

RESULTS = Path(__file__).resolve().parent / "results"


def arguments(description: str) -> argparse.Namespace:
    """The options of every benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny sizes: does everything run? The figures mean nothing",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder to write to")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def data_name() -> str:
    """ "mnist" where its files are under AECOURSE_DATA, otherwise "digits": benchmarks download nothing."""
    raw = data.folder() / "MNIST" / "raw"
    return "mnist" if all((raw / file).is_file() for file in data.IDX_FILES) else "digits"


def conditions() -> dict:
    """Machine, versions, date, and how busy the machine was when the benchmark began."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        names = [
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    versions = {"python": platform.python_version()}
    for name in ("aecourse", "torch", "torchvision", "numpy", "pythae"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "machine": {
            "cpu": cpu,
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "system": platform.system(),
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        },
        "versions": versions,
        "date": datetime.date.today().isoformat(),
    }


def write(folder: Path, name: str, results: dict) -> None:
    """The results as a small text file that can be compared with an earlier one line by line."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def promise(what: str, figure: float, bound: float, at_least: bool = True) -> dict:
    """Something that is promised, the figure measured in this run, and whether it holds."""
    return {
        "what": what,
        "figure": figure,
        "bound": bound,
        "at_least": at_least,
        "holds": figure >= bound if at_least else figure <= bound,
    }


def tell(promises: list[dict]) -> None:
    """One line for each promise."""
    for one in promises:
        say(
            f"   {'held' if one['holds'] else 'MISSED'}: {one['what']}: {one['figure']:.3g} "
            f"(at {'least' if one['at_least'] else 'most'} {one['bound']:g})"
        )


def timed(work) -> float:
    """Seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternating(work: dict, rounds: int) -> dict[str, list[float]]:
    """The seconds of each call in every round, all taking turns, so that a slow minute of the machine strikes all of them."""
    seconds = {name: [] for name in work}
    for number in range(rounds):
        for name in list(work)[:: 1 if number % 2 == 0 else -1]:
            seconds[name].append(timed(work[name]))
    return seconds


def matrix_product(size: int = 2048):
    """A call that multiplies two square float32 matrices, and its floating-point operations."""
    a, b, out = (torch.rand(size, size) for _ in range(3))
    return lambda: torch.mm(a, b, out=out), 2 * size**3


def operations(model, x: torch.Tensor) -> int:
    """Floating-point operations of one training step on x, in its matrix products and convolutions.

    As executed: forward, gradients of the weights, and of every layer's input but the first.
    """
    with FlopCounterMode(display=False) as counter:
        model.loss(x)["loss"].backward()
    model.zero_grad()
    return counter.get_total_flops()


class Products(TorchDispatchMode):
    """Notes every matrix product made inside the `with` block, and can make the same ones again, on the same operands."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm):
            self.calls.append(
                (
                    function,
                    [a.detach() if isinstance(a, torch.Tensor) else a for a in args],
                    kwargs or {},
                )
            )
        return function(*args, **(kwargs or {}))

    def replay(self) -> None:
        for function, args, kwargs in self.calls:
            function(*args, **kwargs)


def repeated(call, times: int) -> None:
    """The same call several times, where one is too short for the clock."""
    for _ in range(times):
        call()


def peak_memory() -> int:
    """The most resident memory that this process has had, in bytes."""
    if Path("/proc/self/status").is_file():
        [line] = [
            line
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


def in_a_fresh_process(script: str, **job) -> dict:
    """What `script --child JOB` prints: a measurement that no other one can have touched."""
    done = subprocess.run(
        [sys.executable, script, "--child", json.dumps(job)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def say(text: str) -> None:
    print(text, flush=True)

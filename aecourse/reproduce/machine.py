"""Where and when something was measured: the machine, the versions, the commit, and how much others used of it meanwhile."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path

import torch

from aecourse.reproduce.results import ROOT

BUSY = 0.1  # the share of the machine's time in use by others above which seconds by the clock on the wall mean little


def described() -> dict:
    """Processor, cores, threads of PyTorch, system."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(errors="replace").splitlines()
        cpu = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu
        )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.system(),
    }


def versions() -> dict:
    """Of Python and of the packages that figures depend on."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in ("aecourse", "torch", "numpy", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def commit() -> str | None:
    """The commit of the course's folder, with a + where files of the package were changed since; None without git."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", "aecourse")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + "+" * bool(changed)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=20
    )
    return done.stdout.strip()


class Watch:
    """Seconds by the clock, seconds of the processor that this process used, and what others used of the machine."""

    def __init__(self):
        self._wall, self._cpu, self._all = time.perf_counter(), time.process_time(), _in_use()

    def read(self) -> dict:
        """seconds, cpu_seconds, others (the share of the machine that others used, None where that is not known), busy."""
        seconds = time.perf_counter() - self._wall
        own = time.process_time() - self._cpu
        now, others = _in_use(), None
        if now is not None and self._all is not None and seconds > 1:
            others = max(0.0, (now - self._all - own) / (seconds * (os.cpu_count() or 1)))
        return {
            "seconds": round(seconds, 2),
            "cpu_seconds": round(own, 2),
            "others": None if others is None else round(others, 3),
            "busy": None if others is None else others > BUSY,
        }


def _in_use() -> float | None:
    """Seconds of all cores that were not idle since the machine started; None on systems that do not say."""
    file = Path("/proc/stat")
    if not file.is_file():
        return None
    user, nice, system, _idle, _wait, irq, soft, *_ = map(
        int, file.read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")

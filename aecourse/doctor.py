"""What the course finds on this machine, what is missing, and the one command that mends it.

    python -m aecourse doctor

Each check looks at one thing and imports nothing that it does not need, so that it can also say that torch is missing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import locale
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# the headless shell opens a page with a third of the work of the whole browser
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
DATASETS = ("digits", "mnist", "fashion", "shapes", "photos")
ROOM = 2 * 2**30  # bytes that data, models and the built book may come to
MEMORY = 2 * 2**30  # a lesson's kernel grows to 1.3 GB


@dataclass(frozen=True)
class Finding:
    """What one check says.

    about    what was looked at: "torch", "the model cache"
    words    what was found, in one line
    fault    whether something will not work because of it
    command  what mends it, or helps; empty where there is nothing to do
    """

    about: str
    words: str
    fault: bool = False
    command: str = ""

    def __str__(self) -> str:
        sign = "✗" if self.fault else "·" if self.command else "✓"
        return f"{sign} {self.about:18} {self.words}" + (
            f"\n  {'':18} mend it: {self.command}" if self.command else ""
        )


def findings() -> list[Finding]:
    """What every check says, in order; a check that fails itself is a finding, too.

    A check that cannot import what it looks at says nothing: `packages` and `imports` have said what is missing."""
    found = []
    for check in CHECKS:
        try:
            found += list(check())
        except ImportError:
            continue
        except Exception as error:
            found.append(Finding(check.__name__, f"could not be looked at: {error}", fault=True))
    return found


# --- the checks -----------------------------------------------------------------------------------------------------


def python() -> Iterator[Finding]:
    version = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info < (3, 10):
        yield Finding(
            "Python",
            f"{version}; 3.10 is the oldest that works",
            True,
            "install Python 3.10 or later",
        )
    else:
        yield Finding("Python", f"{version}, {sys.executable}")


def packages() -> Iterator[Finding]:
    """What the package needs, at the versions that it needs."""
    good = []
    for wanted in requirements():
        name, least = re.fullmatch(r"([\w-]+)(?:>=([\d.]+))?", wanted).groups()  # pyright: ignore[reportOptionalMemberAccess]
        mend = f'{sys.executable} -m pip install "{wanted}"'
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, "is not installed", True, mend)
            continue
        if least and numbers(version) < numbers(least):
            yield Finding(name, f"{version}; {least} is the oldest that works", True, mend)
        else:
            good.append(f"{name} {version}")
    yield Finding("packages", ", ".join(good) or "none")


def imports() -> Iterator[Finding]:
    """That torch and torchvision are not only there, but fit each other."""
    try:
        importlib.import_module("torch")
        importlib.import_module("aecourse._torchvision").load()
    except Exception as error:
        words = f"do not load: {str(error).splitlines()[0][:120] if str(error) else type(error).__name__}"
        mend = f"{sys.executable} -m pip install --force-reinstall torch torchvision"
        yield Finding("torch, torchvision", words, True, mend)
    else:
        yield Finding("torch, torchvision", "load")


def device() -> Iterator[Finding]:
    """Where models will be trained."""
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        yield Finding("device", f"graphics card {torch.cuda.get_device_name(0)}")
    elif torch.backends.mps.is_available():
        yield Finding("device", "Apple's graphics (mps)")
    elif has_card():
        words = "an NVIDIA card is there, and this build of torch cannot use it"
        yield Finding(
            "device", words, command="install the CUDA build that pytorch.org/get-started names"
        )
    else:
        yield Finding(
            "device", f"processor, {os.cpu_count()} cores; a lesson takes a minute or two"
        )
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        text = os.environ.get(name, "1")
        if not text.isdecimal() or not 1 <= int(text) <= (os.cpu_count() or 1):
            words = f"{text!r}, with {os.cpu_count()} cores; training will be slow"
            yield Finding(name, words, True, f"unset {name}")


def settings() -> Iterator[Finding]:
    """The course's own environment variables. (AECOURSE_SEED is checked when the course is imported.)"""
    claims = importlib.import_module("aecourse.claims")
    asked = os.environ.get("AECOURSE_DATASET")
    if asked and asked not in DATASETS:
        words = f"{asked!r}; accepted is one of {', '.join(DATASETS)}"
        yield Finding("AECOURSE_DATASET", words, True, "unset AECOURSE_DATASET")
    elif asked:
        yield Finding("AECOURSE_DATASET", asked)
    if os.environ.get("AECOURSE_QUICK", "") not in ("", "0", "off"):
        words = "is set: budgets are small, and no claim is judged"
        yield Finding("AECOURSE_QUICK", words, command="unset AECOURSE_QUICK")
    if claims.strict():
        words = "is set: a claim that fails stops a notebook; only the tests want that"
        yield Finding("AECOURSE_STRICT", words, command="unset AECOURSE_STRICT")


def folders() -> Iterator[Finding]:
    """Where data and trained models are kept, whether they can be, and the room there."""
    data = importlib.import_module("aecourse.data")
    cache = importlib.import_module("aecourse.train.cache")
    for about, variable, place in (
        ("data", "AECOURSE_DATA", data.folder),
        ("model cache", "AECOURSE_CACHE", cache.folder),
    ):
        try:
            folder = place()
        except Exception as error:
            yield Finding(about, str(error), True, f"unset {variable}")
            continue
        if folder is None:
            yield Finding(
                about, f"off: every lesson trains afresh ({variable})", command=f"unset {variable}"
            )
            continue
        above = next(each for each in (folder, *folder.parents) if each.exists())
        if not above.is_dir() or not os.access(above, os.W_OK):
            words = f"{folder} cannot be written"
            yield Finding(about, words, True, f"set {variable} to a folder of yours")
            continue
        free = shutil.disk_usage(above).free
        files = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
        held = sum(file.stat().st_size for file in files) / 2**20
        words = f"{folder}, {len(files)} files, {held:.0f} MB; {free / 2**30:.0f} GB free"
        if free < ROOM:
            yield Finding(
                about, words + ", too little", True, f"make room, or set {variable} to another disk"
            )
        else:
            yield Finding(about, words)


def memory() -> Iterator[Finding]:
    file = Path("/proc/meminfo")
    found = re.search(r"MemAvailable:\s+(\d+) kB", file.read_text()) if file.is_file() else None
    if found:
        free = int(found[1]) * 1024
        few = free < MEMORY
        words = f"{free / 2**30:.1f} GB free" + ("; a lesson wants 2" if few else "")
        yield Finding("memory", words, few, "close other programs" if few else "")


def kernel() -> Iterator[Finding]:
    """That notebooks run in this Python, and not in another one of the same name."""
    try:
        spec = importlib.import_module("jupyter_client.kernelspec")
    except ImportError:
        mend = f"{sys.executable} -m pip install jupyterlab ipykernel"
        yield Finding("notebooks", "Jupyter is not installed here", command=mend)
        return
    mend = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        command = spec.KernelSpecManager().get_kernel_spec("python3").argv
    except spec.NoSuchKernel:
        yield Finding("notebooks", "there is no kernel python3", True, mend)
        return
    runs = shutil.which(command[0]) or command[0]
    if os.path.basename(command[0]) != command[0] and not os.path.samefile(
        *map(os.path.dirname, (runs, sys.executable))
    ):
        yield Finding("notebooks", f"the kernel python3 runs {runs}", True, mend)
    else:
        yield Finding("notebooks", "the kernel python3 runs this Python")


def book() -> Iterator[Finding]:
    """What building and testing the book want; nothing here is needed to run a lesson."""
    try:
        version = importlib.metadata.version("jupyter-book")
    except importlib.metadata.PackageNotFoundError:
        yield Finding(
            "the book", "Jupyter Book is not installed here", command="make book installs it"
        )
    else:
        late = numbers(version) >= (2,)
        mend = f'{sys.executable} -m pip install "jupyter-book<2"' if late else ""
        words = f"Jupyter Book {version}" + ("; the book is made for 1" if late else "")
        yield Finding("the book", words, late, mend)
    if found := browser_path():
        yield Finding("browser", found)
    else:
        yield Finding(
            "browser", "none; tests of the pages are skipped", command="playwright install chromium"
        )


def network() -> Iterator[Finding]:
    """Whether MNIST could be fetched; the default data need no network."""
    torchvision = importlib.import_module("aecourse._torchvision").load()
    host = urlsplit(
        importlib.import_module(f"{torchvision.__name__}.datasets").MNIST.mirrors[0]
    ).netloc
    try:
        socket.create_connection((host, 443), timeout=3).close()
    except OSError:
        yield Finding("network", "MNIST cannot be fetched now; the default digits need no network")
    else:
        yield Finding("network", "MNIST can be fetched")


def text() -> Iterator[Finding]:
    """That messages and pages can be written as they are."""
    coding = locale.getpreferredencoding(False)
    if coding.lower().replace("-", "") not in ("utf8", "cp65001"):
        words = f"{coding}; signs such as σ may come out as question marks"
        yield Finding("text", words, command="set PYTHONUTF8=1")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python,
    packages,
    imports,
    device,
    settings,
    folders,
    memory,
    kernel,
    book,
    network,
    text,
)


# --- helpers --------------------------------------------------------------------------------------------------------


def requirements() -> list[str]:
    """What the installed package needs, each as "name>=version"; of a folder that was never installed, what it says itself."""
    try:
        listed = importlib.metadata.requires("aecourse") or []
    except importlib.metadata.PackageNotFoundError:
        file = Path(__file__).resolve().parents[1] / "pyproject.toml"
        block = re.search(r"\ndependencies = (\[.*?\])", file.read_text("utf-8"), re.S)
        listed = json.loads(re.sub(r",\s*\]", "]", block[1])) if block else []
    return [each.replace(" ", "") for each in listed if ";" not in each]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: (2, 13, 0) of "2.13.0+cpu"."""
    return tuple(map(int, re.findall(r"\d+", re.match(r"[\d.]*", version)[0])))  # pyright: ignore[reportOptionalSubscript]


def browser_path() -> str | None:
    """Where a Chromium or Chrome of the system is; None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def has_card() -> bool:
    return Path("/dev/nvidia0").exists() or shutil.which("nvidia-smi") is not None


def main() -> int:
    """Prints the findings. Returns 1 where something will not work, else 0."""
    found = findings()
    for each in found:
        print(each)
    faults = sum(each.fault for each in found)
    print(f"\n{faults} to mend." if faults else "\nThe course can run here.")
    return int(faults > 0)

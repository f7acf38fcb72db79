"""Writes the address of the course's repository everywhere it is said, and takes it out again.

    python house/repository.py https://github.com/you/autoencoders     (or: make repository URL=https://github.com/you/autoencoders)
    python house/repository.py ""                                      (no address: no buttons, no badge)

The address is kept in `pyproject.toml`, under [project.urls]. From there it goes into the set-up cell at the head of each notebook,
`_config.yml` (the buttons of the pages), the README (a badge) and `CITATION.cff`. Running it again changes nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https://([\w.-]+)/([\w.-]+/[\w./-]*[\w-])")
CELL = "set-up"
BRANCH = "main"

INSTALL = """\
# Set-up for Colab and other fresh machines; where the course is installed, nothing happens.
import importlib.util

if importlib.util.find_spec("aecourse") is None:
    import subprocess
    import sys

    course = "aecourse @ git+{url}@{branch}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", course], check=True)
"""
ASK = """\
# Set-up: where the course is installed, nothing happens.
import importlib.util

if importlib.util.find_spec("aecourse") is None:
    raise ModuleNotFoundError(
        "Install the course first: %pip install FOLDER, "
        "with the folder or the address of your copy of it"
    )
"""


def stamp(root: Path, url: str) -> list[str]:
    """Writes this address into the tree under a root, "" for none; the files that changed.

    Raises ValueError for what is no address; then nothing is changed.
    """
    if url and not ADDRESS.fullmatch(url):
        raise ValueError(
            f"URL: got {url!r}; accepted is https://HOST/OWNER/NAME, without .git, or nothing"
        )
    if url.endswith(".git"):
        raise ValueError(f"URL: got {url!r}; accepted is the address without .git")
    files = {
        root / "pyproject.toml": project,
        root / "_config.yml": config,
        root / "README.md": readme,
        root / "CITATION.cff": citation,
        **dict.fromkeys(sorted((root / "notebooks").glob("*.ipynb")), notebook),
    }
    changed = []
    for file, written in files.items():
        before = file.read_text("utf-8")
        now = written(before, url)
        if now != before:
            file.write_text(now, "utf-8")
            changed.append(file.relative_to(root).as_posix())
    return changed


def address(root: Path) -> str:
    """The address that the tree under a root carries; "" where it has none."""
    found = re.search(r'^Repository = "(.+)"$', (root / "pyproject.toml").read_text("utf-8"), re.M)
    return found[1] if found else ""


def set_up(url: str) -> str:
    """The source of the cell that stands at the head of each notebook."""
    return INSTALL.format(url=url, branch=BRANCH) if url else ASK


def project(text: str, url: str) -> str:
    text = re.sub(r'\[project\.urls\]\nRepository = ".*"\n\n', "", text)
    entry = f'[project.urls]\nRepository = "{url}"\n\n' if url else ""
    return text.replace(
        "[project.optional-dependencies]\n", entry + "[project.optional-dependencies]\n"
    )


def config(text: str, url: str) -> str:
    """On GitHub each page gets a button that opens its notebook in Colab; elsewhere one that leads to the repository."""
    text = re.sub(r"repository:\n(  .+\n)+\n", "", text)
    text = re.sub(r"  colab_url: .*\n", "", text)
    text = re.sub(r'( repository_url: )".*"', rf'\1"{url}"', text)
    text = re.sub(r"(use_repository_button: )\w+", rf"\1{'true' if url else 'false'}", text)
    if not url:
        return text
    entry = f"repository:\n  url: {url}\n  branch: {BRANCH}\n\n"
    colab = "  colab_url: https://colab.research.google.com\n" if on_github(url) else ""
    return text.replace("launch_buttons:\n", f"{entry}launch_buttons:\n{colab}")


def readme(text: str, url: str) -> str:
    text = re.sub(r"\[!\[Open lesson 01 in Colab\].+\n\n", "", text)
    badge = (
        "[![Open lesson 01 in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
        f"({colab(url, 'notebooks/01_bottleneck.ipynb')})\n\n"
    )
    title, rest = text.split("\n\n", 1)
    return f"{title}\n\n{badge if on_github(url) else ''}{rest}"


def citation(text: str, url: str) -> str:
    text = re.sub(r"repository-code: .*\n", "", text)
    return text + (f"repository-code: {url}\n" if url else "")


def notebook(text: str, url: str) -> str:
    content = json.loads(text)
    cell = {
        "cell_type": "code",
        "id": CELL,
        "metadata": {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}},
        "execution_count": None,
        "outputs": [],
        "source": set_up(url).rstrip("\n").splitlines(keepends=True),
    }
    cells = [each for each in content["cells"] if each.get("id") != CELL]
    return (
        json.dumps({**content, "cells": [cells[0], cell, *cells[1:]]}, indent=1, ensure_ascii=False)
        + "\n"
    )


def on_github(url: str) -> bool:
    return url.startswith("https://github.com/")


def colab(url: str, path: str) -> str:
    """Where Colab opens a file of a repository on GitHub."""
    return f"https://colab.research.google.com/github/{url.removeprefix('https://github.com/')}/blob/{BRANCH}/{path}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("url", help='https://HOST/OWNER/NAME; "" takes the address out')
    try:
        changed = stamp(ROOT, parser.parse_args().url.rstrip("/"))
    except ValueError as fault:
        print(fault)
        return 2
    print(
        "\n".join(changed) + f"\n{len(changed)} files changed." if changed else "Nothing changed."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes the notebooks as they are handed out: with their exercises and hints, without solutions.

    python house/handout.py [FOLDER]        (or: make handout)

They go to FOLDER, `_build/handout` where none is given. Left out are the folded cells with solutions, and in texts the folded
parts named Solution or Discussion. Everything else stays as it is, the calls of the checkers included.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDED = re.compile(
    r"\n*<details>\s*<summary>\s*(?:Solution|Discussion)\b.*?</details>\n*", re.S | re.I
)


def without_solutions(notebook: dict) -> dict:
    """A copy of a notebook, without the cells and the folded parts that hold solutions, and without outputs."""
    notebook = copy.deepcopy(notebook)
    kept = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            if "hide-cell" in cell["metadata"].get("tags", []) and text.startswith("# Solution"):
                continue
            cell["outputs"], cell["execution_count"] = [], None
        else:
            text = FOLDED.sub("\n\n", text).strip("\n")
            cell["source"] = text.splitlines(keepends=True)
        kept.append(cell)
    notebook["cells"] = kept
    return notebook


def handed_out(target: Path) -> list[Path]:
    """Writes every lesson with exercises into `target`. Returns the files; raises OSError where that is impossible."""
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        notebook = without_solutions(json.loads(source.read_text("utf-8")))
        path = target / source.name
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "handout"
    print(f"{len(handed_out(folder))} notebooks without solutions are in {folder}")

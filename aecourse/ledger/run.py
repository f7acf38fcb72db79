"""One repetition of one lesson in this process: its code cells are executed in order, nothing is drawn, and what its measured
claims came to is written to a file. `python -m aecourse.ledger` starts it, with the seed and the arithmetic in the environment."""

from __future__ import annotations

import json
import linecache
import os
import platform
import sys
import time
from pathlib import Path


def main(notebook: Path, out: Path) -> None:
    os.environ["MPLBACKEND"] = "agg"
    import matplotlib.pyplot as plt
    import numpy
    import sklearn
    import torch

    from aecourse import claims, seeds

    start, space = time.monotonic(), {"__name__": "__main__"}
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    os.chdir(notebook.parent)
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            execute("".join(cell["source"]), f"<{notebook.stem}, cell {number}>", space)
            plt.close("all")
    out.write_text(
        json.dumps(
            {
                "run": seeds.run(),
                "values": {
                    claim.id: claim.value for claim in claims.made if claim.kind == "measured"
                },
                "seconds": round(time.monotonic() - start),
                "processor": processor(),
                "threads": torch.get_num_threads(),
                "capability": torch.backends.cpu.get_cpu_capability(),
                "versions": {
                    "python": platform.python_version(),
                    "torch": torch.__version__,
                    "numpy": numpy.__version__,
                    "scikit-learn": sklearn.__version__,
                },
            }
        ),
        "utf-8",
    )


def execute(source: str, name: str, space: dict) -> None:
    """Runs a cell; a stub that a reader has yet to fill in is no fault. Its source can be looked up, as in a notebook."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    try:
        exec(compile(source, name, "exec"), space)
    except NotImplementedError:
        pass


def processor() -> str:
    """The name of the processor, as the system gives it."""
    file = Path("/proc/cpuinfo")
    names = (
        [
            line.split(":", 1)[1].strip()
            for line in file.read_text().splitlines()
            if line.startswith("model name")
        ]
        if file.is_file()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())

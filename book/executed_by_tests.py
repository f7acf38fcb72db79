"""A pytest plugin that keeps what nbval executes, so that the book need not execute it again.

    pytest -p executed_by_tests --keep-executed FOLDER --nbval-lax notebooks

Each notebook of which every cell passed is written to FOLDER with the outputs that nbval received. A notebook is left out where
a cell failed or was skipped, or where the kernel sent a message that nbval does not store (an output that is cleared or
exchanged later); `execute.py` executes those.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
from execute import seconds_before


def pytest_addoption(parser):
    parser.addoption("--keep-executed", metavar="FOLDER", help="where executed notebooks are kept")


def pytest_configure(config):
    if folder := config.getoption("--keep-executed"):
        config.pluginmanager.register(Keeper(Path(folder)))


def pytest_collection_modifyitems(items):
    """The notebooks that take longest come first, so that none is left alone at the end."""
    items.sort(key=lambda item: -seconds_before(item.path.stem))


class Keeper:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passed: dict[Path, list] = defaultdict(list)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        outputs = getattr(item, "test_outputs", None)
        if report.when == "call" and report.passed and outputs is not None:
            if "unhandled iopub msg" not in report.capstdout:
                self.passed[Path(item.path)].append((item.cell, list(outputs)))

    def pytest_sessionfinish(self):
        for path, cells in self.passed.items():
            notebook = nbformat.read(path, as_version=4)
            code = [cell for cell in notebook.cells if cell.cell_type == "code"]
            if [cell.source for cell in code] != [cell.source for cell, _ in cells]:
                continue
            for place, (cell, (_, outputs)) in enumerate(zip(code, cells), 1):
                cell.execution_count = place
                cell.outputs = outputs
                for output in outputs:
                    if output.output_type == "execute_result":
                        output.execution_count = place
            self.folder.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, self.folder / path.name)

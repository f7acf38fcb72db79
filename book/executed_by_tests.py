"""A pytest plugin that keeps what nbval executes, so that the book need not execute it again.

    pytest -p executed_by_tests --keep-executed FOLDER --nbval-lax notebooks

Each notebook of which every cell passed is written to FOLDER with the outputs that nbval received. A notebook is left out where
a cell failed or was skipped, or where the kernel sent a message that nbval does not store (an output that is cleared);
`execute.py` executes those. Outputs that are exchanged later, as a line of progress is, are kept in their last state.
"""

from __future__ import annotations

import re
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
        self.shown: dict[
            tuple, dict
        ] = {}  # (notebook, display id): the output that updates exchange
        self.now: list[dict] = []  # the displays and updates of the cell that runs

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        receive, self.now = getattr(item.parent, "get_kernel_message", None), []
        if receive is None:
            yield
            return

        def noted(*arguments, **options):
            message = receive(*arguments, **options)
            if message["msg_type"] in ("display_data", "execute_result", "update_display_data"):
                self.now.append(message)
            return message

        item.parent.get_kernel_message = noted
        yield
        item.parent.get_kernel_message = receive

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        outputs = getattr(item, "test_outputs", None)
        if report.when != "call" or not report.passed or outputs is None:
            return
        path = Path(item.path)
        displays = [o for o in outputs if o.output_type in ("display_data", "execute_result")]
        noted = [m for m in self.now if m["msg_type"] != "update_display_data"]
        unhandled = set(re.findall(r"unhandled iopub msg: (\w+)", report.capstdout))
        if len(noted) == len(displays) and unhandled <= {"update_display_data"}:
            self.update(path, displays)
            self.passed[path].append((item.cell, outputs))

    def update(self, path: Path, outputs: list) -> None:
        """Brings the outputs to the state that the last update gave them; nbval leaves updates out."""
        waiting = iter(outputs)
        for message in self.now:
            content = message["content"]
            place = (path, (content.get("transient") or {}).get("display_id"))
            if message["msg_type"] != "update_display_data":
                self.shown[place] = next(waiting)
            elif place in self.shown:
                self.shown[place].update(data=content["data"], metadata=content["metadata"])

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

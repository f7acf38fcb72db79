"""What code a lesson's figures come from, as a digest: it changes with every line that can change a figure, and with no other.

Counted are the lesson's code cells and, through their imports, the course's files that compute. Left out are words: comments,
documentation, the wording and bounds of claims, sentences, plots, quizzes and exercises.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import json
import re
import sys
import types
from functools import cache
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SHOWN = {
    "say",
    "source",
    "plots",
    "quiz",
    "explore",
    "check",
}  # calls that show, and compute no figure
QUIET = (
    "require",
    "_torchvision",
    "check",
    "claims",
    "contents",
    "explore",
    "ledger",
    "page",
    "plots",
    "quiz",
    "seeds",
    "train.cache",
    "train.fingerprint",
    "train.history",
    "train.progress",
    "train.shared",
)


def stale(lesson: str, run: dict) -> bool:
    """Whether the code of the lesson differs from that of the run; False where that cannot be known, as without the
    notebooks, or under another version of Python, which writes the same code differently."""
    now = digest(lesson)
    then = run.get("digest", "")
    return now is not None and now.split(":")[0] == then.split(":")[0] and now != then


@cache
def digest(lesson: str) -> str | None:
    """The digest of a lesson, e.g. of "05_vae_elbo", after the version of Python; None where there is no notebook."""
    file = NOTEBOOKS / f"{lesson}.ipynb"
    if not file.is_file():
        return None
    cells = json.loads(file.read_text("utf-8"))["cells"]
    tree = ast.parse(
        "\n".join(
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code"
            and cell.get("id") != "set-up"
            and "raises-exception" not in cell["metadata"].get("tags", [])
        )
    )
    parts = [ast.unparse(_Computing().visit(tree))]
    for name in sorted(modules(tree)):
        parts += [name, _module(name)]
    return (
        "%d.%d:" % sys.version_info[:2] + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    )


class _Computing(ast.NodeTransformer):
    """Keeps of a lesson what computes: of a claim its id and value, of what is only shown nothing."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in ("claim", "exact")
            and len(node.args) >= 3
        ):
            return ast.Tuple([node.args[0], node.args[2]], ast.Load())
        name = node.func
        while isinstance(name, ast.Attribute):
            name = name.value
        return ast.Constant(None) if isinstance(name, ast.Name) and name.id in SHOWN else node

    def visit_Constant(self, node):
        if isinstance(node.value, str):  # a lesson that moves to another number computes the same
            return ast.Constant(re.sub(r"\b([Ll]essons?) \d\d\b", r"\1 NN", node.value))
        return node

    def visit_Expr(self, node):
        self.generic_visit(node)
        return None if isinstance(node.value, ast.Constant) else node

    def visit_ImportFrom(self, node):
        return None if node.module in ("aecourse.claims", "aecourse.page") else node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.ClassDef):
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_ClassDef(self, node):
        return self.visit_FunctionDef(node)


@cache
def _module(name: str) -> str:
    tree = ast.parse(inspect.getsource(importlib.import_module(name)))
    for node in ast.walk(tree):  # documentation and types count for nothing
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
            if isinstance(node, ast.FunctionDef):
                node.returns = None
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # pyright: ignore[reportAttributeAccessIssue]
                line
                for line in body
                if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
            ] or [ast.Pass()]
    return ast.unparse(tree)


def modules(tree: ast.AST) -> set[str]:
    """The course's modules that code uses, and those that these use in turn."""
    found: set[str] = set()
    waiting = _used(tree)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _used_by(name) - found
    return found


@cache
def _used_by(name: str) -> set[str]:
    return _used(ast.parse(inspect.getsource(importlib.import_module(name))))


def _used(tree: ast.AST) -> set[str]:
    """The modules in which the names live that code imports from the course and uses; of a package, only the used ones."""
    packages, found = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "aecourse":
            origin = importlib.import_module(node.module or "")
            for alias in node.names:
                thing = getattr(origin, alias.name, None)
                thing = (
                    importlib.import_module(f"{node.module}.{alias.name}")
                    if thing is None
                    else thing
                )
                if isinstance(thing, types.ModuleType) and hasattr(thing, "__path__"):
                    packages[alias.asname or alias.name] = thing
                else:
                    found.append(_home(thing) or node.module)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in packages
        ):
            home = packages[node.value.id]
            found.append(_home(getattr(home, node.attr, None)) or home.__name__)
    return {
        name
        for name in found
        if name.startswith("aecourse") and not name.removeprefix("aecourse.").startswith(QUIET)
    }


def _home(thing) -> str | None:
    return (
        thing.__name__
        if isinstance(thing, types.ModuleType)
        else getattr(thing, "__module__", None)
    )

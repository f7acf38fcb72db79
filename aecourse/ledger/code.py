"""What code a lesson's figures come from, as a digest: it changes with every line that can change a figure, and with no other.

Counted are the lesson's code cells and, of the course's files that compute and that they import, the functions, classes and
constants whose names can be reached from there: a name counts as used wherever it is written in code that counts, as a name, an
attribute or a word in a string. Left out are words: comments, documentation, the wording and bounds of claims, sentences, plots,
quizzes and exercises.
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
from typing import NamedTuple

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
    "train.parts",
    "train.progress",
    "train.shared",
)
WORD = re.compile(r"[A-Za-z_]\w*")
PLAIN = {  # decorators that register a definition nowhere
    "require",
    "torch",
    "cache",
    "lru_cache",
    "dataclass",
    "contextmanager",
    "functools",
    "staticmethod",
}


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
    cells_text = ast.unparse(_Computing().visit(tree))
    parts = [cells_text, *reached(cells_text, modules(tree))]
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


class Piece(NamedTuple):
    """Some lines of a module. They count once every set in `needs` has a name that is written in code that counts."""

    text: str
    words: frozenset[str]
    needs: tuple[frozenset[str], ...]


def _piece(code: ast.stmt | str, *needs) -> Piece:
    text = code if isinstance(code, str) else ast.unparse(code)
    return Piece(text, frozenset(WORD.findall(text)), tuple(map(frozenset, needs)))


def reached(text: str, names: set[str]) -> list[str]:
    """The pieces of the modules `names` that code can reach, each behind its module's name, in the order of the files."""
    waiting = {(name, place): piece for name in names for place, piece in enumerate(_pieces(name))}
    words, kept = set(WORD.findall(text)), {}
    while new := {at: p for at, p in waiting.items() if not any(map(words.isdisjoint, p.needs))}:
        kept |= new
        for at, piece in new.items():
            del waiting[at]
            words |= piece.words
    return [f"{at[0]}: {kept[at].text}" for at in sorted(kept)]


@cache
def _pieces(name: str) -> list[Piece]:
    """A module's definitions by the names that they bind; any other statement counts always."""
    tree, pieces = _cleaned(name), []
    for node in tree.body:
        needs = _bound(node)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            whole = ast.unparse(node).rpartition("import ")[0]
            for alias in node.names:
                bound = (alias.asname or alias.name).split(".")[0]
                line = f"{whole}import {ast.unparse(alias)}"
                pieces.append(_piece(line, *([] if bound == "*" else [{bound}])))
        elif needs and (table := _table(node, needs[0], tree)):
            for key, value in table.items():
                words = [{word} for word in WORD.findall(key)]
                pieces.append(_piece(f"{key}: {value}", *needs, *words))
        else:
            pieces.append(_piece(node, *needs))
    return pieces


def _bound(node: ast.stmt) -> list[set[str]]:
    """The names that a definition binds, as a list of one set; none for a statement that does something else as well."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        decorators = {re.split(r"\W", ast.unparse(each))[0] for each in node.decorator_list}
        return [{node.name}] if decorators <= PLAIN else []
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    plain = isinstance(node, (ast.Assign, ast.AnnAssign)) and all(
        isinstance(target, (ast.Name, ast.Tuple)) for target in targets
    )
    names = [n.id for t in targets if t for n in ast.walk(t) if isinstance(n, ast.Name)]
    return [set(names)] if plain else []


def _table(node: ast.stmt, bound: set[str], tree: ast.Module) -> dict[str, str]:
    """A table from names to functions or classes, of which its module takes single entries by their names only; else {}."""
    value = getattr(node, "value", None)
    table = {
        str(key.value): entry.id
        for key, entry in (zip(value.keys, value.values) if isinstance(value, ast.Dict) else ())
        if isinstance(key, ast.Constant)
        and isinstance(key.value, str)
        and isinstance(entry, ast.Name)
    }
    taken = []  # the places where a single entry is taken
    for other in ast.walk(tree):
        if isinstance(other, ast.Subscript):
            taken.append(other.value)
        elif isinstance(other, ast.Call) and ast.unparse(other.func) == "require.choice":
            taken += other.args
    uses = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in bound]
    single = all(isinstance(use.ctx, ast.Store) or use in taken for use in uses)
    whole = isinstance(value, ast.Dict) and len(table) == len(value.keys)
    return table if single and whole else {}


@cache
def _cleaned(name: str) -> ast.Module:
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
    return tree


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

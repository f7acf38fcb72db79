"""What every interactive part of a page is: a self-contained HTML fragment with a description in words."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from aecourse.page import words

_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_COMMENTS = re.compile(r"^[ \t]*//.*\n|^[ \t]*/\*\*(?:.|\n)*?\*/\n|/\*\*.*?\*/ ?", re.MULTILINE)
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)
_STATEMENT = re.compile(
    r"^(?=[^\s})\]])", re.MULTILINE
)  # at the top: it begins in the first column
_DECLARED = re.compile(r"(?:const|let|function|class) (\w+)|, (\w+) = ")
_WORD = re.compile(r"(?:(?<=\.\.\.)|(?<![.\w$]))[A-Za-z_$][\w$]*")  # a name, but for a.property


class Figure:
    """An interactive figure: `html` is one self-contained fragment, `description` says it in words.

    A notebook shows `html`; where HTML cannot be shown (a terminal, a test), `description` stands in.
    """

    def __init__(self, html: str, description: str):
        self.html = html
        self.description = description

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": self.html, "text/plain": self.description}

    @property
    def nbytes(self) -> int:
        """What the figure adds to a page, in bytes."""
        return len(self.html.encode())

    def save(self, path: str | Path) -> Path:
        """Writes the figure as a page of its own, and returns the page's path."""
        path = Path(path)
        path.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
            f"<title>{escape(type(self).__name__)}</title><main>{self.html}</main></html>\n",
            encoding="utf-8",
        )
        return path


def fragment(
    script: str, data: dict, *, package: str, title: str, description: str = "", body: str = ""
) -> str:
    """The HTML of one figure: its root element, style, `body` and a script of its own.

    script       name of the files `<script>.js` and, if there is one, `<script>.css` in `package`.
                 The JavaScript defines `build(root, data)`, which is called once with the root element,
                 and imports what it uses: `import { slider } from "../../page/controls.js";`.
    data         what `build` receives; anything JSON can hold.
    package      the figure's package, `__name__` in its `__init__.py`.
    title        what screen readers call the figure.
    description  the figure in words, shown folded below it.
    body         HTML that stands in the figure before its script runs.

    The root's id is a hash of everything in the fragment: equal figures have equal ids on every run,
    and several figures on one page share nothing.
    """
    style = asset("aecourse.page", "page.css") + asset(package, f"{script}.css")
    code = bundle(_folder("aecourse.page") / "mount.js", _folder(package) / f"{script}.js")
    title, description, body = words.text(title), words.text(description), words.markup(body)
    payload = json.dumps(words.inside(data), ensure_ascii=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    key = (
        "ae-"
        + hashlib.sha256(
            "\0".join((style, code, payload, title, description, body)).encode()
        ).hexdigest()[:12]
    )
    told = description and (
        f'<details class="ae-words"><summary>{words.text("This figure in words")}</summary><p>{escape(description)}</p></details>'
    )
    without = words.text("With JavaScript on, this part of the page is interactive.")
    language = "" if words.current() == "en" else f' lang="{words.current()}"'
    return (
        f'<div class="ae-figure ae-{script.replace("_", "-")}" id="{key}"{language} role="group" aria-label="{escape(title)}"'
        " data-lm-suppress-shortcuts>\n"  # keys pressed in a figure are no commands of JupyterLab
        f"<style>{style}</style>\n"
        f"{body}{told}\n"
        f'<noscript><p class="ae-note">{without}</p></noscript>\n'
        f'<script>(function () {{\n"use strict";\n{code}\nmount("{key}", build, {payload});\n}})();</script>\n</div>'
    )


def bundle(*scripts: str | Path) -> str:
    """The text of JavaScript modules and of what they use of others, joined so that it runs inside one function.

    What is imported comes first, each file once. Imports and exports are left out, for a page has no modules when it is
    opened as a file; and so are comments, types and indentation, for they weigh, and of the files imported each declaration
    that nothing in the bundle names, with whatever it does. All names of the joined files share one scope, so they must differ.
    """
    wanted = [Path(script).resolve() for script in scripts]
    files = dict.fromkeys(file for script in wanted for file in _imported(script))
    statements = [each for file in files for each in _statements(file)]
    ready = [each for each in statements if each.file in wanted or not each.names]
    used = set(ready)
    while ready:
        user = ready.pop()
        named = set(_WORD.findall(user.text))
        seen = {user.file: named, **{file: named & names for file, names in _imports(user.file)}}
        found = {each for each in statements if each.names & seen.get(each.file, set())} - used
        used |= found
        ready += found
    return words.script(
        _INDENTATION.sub("", "".join(each.text for each in statements if each in used))
    )


class _Statement(NamedTuple):
    """A statement of a module, without comments and the word export."""

    file: Path
    place: int
    text: str
    names: frozenset[str]  # that it declares; of a statement that does something, none


def _statements(file: Path) -> list[_Statement]:
    """The statements of a module, in order, without its imports."""
    text = _COMMENTS.sub("", _IMPORT.sub("", file.read_text("utf-8")))
    parts = [part.removeprefix("export ") for part in _STATEMENT.split(text) if part.strip()]
    return [_Statement(file, i, part, _declared(part)) for i, part in enumerate(parts)]


def _declared(statement: str) -> frozenset[str]:
    """The names that a statement declares; perhaps, with a list of constants, some that it only sets inside."""
    if not _DECLARED.match(statement):
        return frozenset()
    first, *others = (one or other for one, other in _DECLARED.findall(statement))
    return frozenset([first, *others] if statement.startswith(("const", "let")) else [first])


@cache
def _imports(file: Path) -> list[tuple[Path, set[str]]]:
    """The modules that a module imports, and the names that it takes from each."""
    return [
        ((file.parent / path).resolve(), set(re.findall(r"\w+", names)))
        for names, path in _IMPORT.findall(file.read_text("utf-8"))
    ]


def _imported(file: Path) -> list[Path]:
    """A module after all that it imports, directly or not."""
    return [*(inner for path, _ in _imports(file) for inner in _imported(path)), file]


def _folder(package: str) -> Path:
    return Path(str(resources.files(package)))


@cache
def asset(package: str, name: str) -> str:
    """The text of a file that lies beside the Python code; empty where there is no such file."""
    file = _folder(package) / name
    return file.read_text("utf-8") if file.is_file() else ""


def base64_of(array: np.ndarray) -> str:
    """The bytes of an array, little-endian, as base64 text."""
    array = np.ascontiguousarray(array)
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def as_array(name: str, value) -> np.ndarray:
    """`value` (a tensor, an array or nested lists) as a finite NumPy array."""
    array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: got {array.dtype} entries; accepted are numbers")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name}: got entries that are nan or infinite; accepted are finite numbers"
        )
    return array

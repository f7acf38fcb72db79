"""The words of figures and quizzes in other languages, put in while a page is made: the page itself carries one language only.

The English words stand where they are used, in the scripts and in Python. `languages/en.yaml` lists them all, file by file;
`python house/words.py` writes that list. A translation is a file beside it, from English to the other language:

    "{0} of {1} answered": "{0} von {1} beantwortet"

The numbers in braces stand for what a figure computes, in the order of the English; a translation may turn the order round or
leave one out. What a file does not translate stays English.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape, unescape
from pathlib import Path

import yaml

from aecourse import require

FOLDER = Path(__file__).parent / "languages"
_chosen = "en"

# ---- Which language ------------------------------------------------------------------------------------------------


def languages() -> list[str]:
    """The languages there are, English first: "en", "de", ..."""
    return ["en", *sorted({file.stem for file in FOLDER.glob("*.yaml")} - {"en"})]


@contextmanager
def language(name: str) -> Iterator[None]:
    """Figures and quizzes that are made within speak `name`, one of `languages()`."""
    global _chosen
    before, _chosen = _chosen, str(require.choice("name", name, languages()))
    try:
        yield
    finally:
        _chosen = before


def current() -> str:
    """The language in which figures and quizzes are made now."""
    return _chosen


@cache
def translations(name: str) -> dict[str, str]:
    """English -> the language `name`; nothing for English."""
    if name == "en":
        return {}
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))


# ---- What is translated --------------------------------------------------------------------------------------------


def script(code: str) -> str:
    """JavaScript with its words in the current language."""
    return _rewritten(code, translations(_chosen)) if _chosen != "en" else code


def text(said: str) -> str:
    """A text in the current language: one of the list, or one that fills the braces of one."""
    table = translations(_chosen)
    if not said.strip() or not table:
        return said
    start, end = len(said) - len(said.lstrip()), len(said.rstrip())
    inner = said[start:end]
    if inner in table:
        return said[:start] + table[inner] + said[end:]
    for pattern, other in _patterns(_chosen):
        if found := pattern.fullmatch(inner):
            return said[:start] + _filled(other, list(found.groups())) + said[end:]
    return said


def markup(html: str) -> str:
    """HTML whose texts and labels are in the current language."""
    if _chosen == "en":
        return html

    def label(found: re.Match) -> str:
        return f'{found[1]}="{escape(text(unescape(found[2])))}"'

    def node(found: re.Match) -> str:
        return escape(text(unescape(found[0])), quote=False)

    parts = _TAG.split(html)
    return "".join(
        _LABEL.sub(label, part) if i % 2 else _NODE.sub(node, part) for i, part in enumerate(parts)
    )


def inside(data):
    """What a figure is given, with each text in it in the current language; names of entries stay."""
    if isinstance(data, dict):
        return {name: inside(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [inside(value) for value in data]
    return translations(_chosen).get(data, data) if isinstance(data, str) else data


_TAG = re.compile(r"(<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>)", re.DOTALL)
_NODE = re.compile(r".+", re.DOTALL)
_LABEL = re.compile(r'\b(aria-label|placeholder|title|aria-roledescription)="([^"]*)"')
_PLACE = re.compile(r"\{(\d+)\}")


@cache
def _patterns(name: str) -> list[tuple[re.Pattern, str]]:
    """The entries with braces, those with the most words of their own first."""
    entries = [(key, value) for key, value in translations(name).items() if _PLACE.search(key)]
    entries.sort(key=lambda entry: -len(_PLACE.sub("", entry[0])))
    return [
        (re.compile("(.*?)".join(map(re.escape, _PLACE.split(key)[::2])), re.DOTALL), value)
        for key, value in entries
    ]


def _filled(translation: str, values: list[str]) -> str:
    return _PLACE.sub(lambda found: values[int(found[1])], translation)


# ---- Words in JavaScript -------------------------------------------------------------------------------------------

_LITERAL = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/
    |(?<=[(,=:\[!&|?{};\n])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)
    |"(?P<plain>(?:\\.|[^"\\\n])*)"|(?P<template>`)""",
    re.VERBOSE | re.DOTALL,
)
_NAMED = re.compile(r"\b(?:text|title|label|words|note|hint|said): $|tryThis\($")


def in_script(code: str) -> list[str]:
    """The words in JavaScript, in the order in which they begin."""
    found: list[str] = []
    _rewritten(code, {}, found)
    return found


def _rewritten(code: str, table: dict[str, str], found: list[str] | None = None) -> str:
    """`code` with its words as `table` has them; the words that were met go to `found`."""
    out, at = [], 0
    while match := _LITERAL.search(code, at):
        out.append(code[at : match.start()])
        if match["skip"] is not None:
            out.append(match[0])
            at = match.end()
            continue
        if match["template"]:
            pieces, values, at = _template(code, match.end())
        else:
            pieces, values, at = [match["plain"]], [], match.end()
        key = "".join(
            piece + (f"{{{i}}}" if i < len(values) else "") for i, piece in enumerate(pieces)
        )
        key = key.replace('\\"', '"')
        shown = _are_words(key, bool(_NAMED.search(code[: match.start()])))
        if shown and found is not None:
            found.append(key)
        inner = ["${" + _rewritten(value, table, found) + "}" for value in values]
        other = table.get(key.strip()) if shown else None
        if other is None:
            body = "".join(
                piece + (inner[i] if i < len(inner) else "") for i, piece in enumerate(pieces)
            )
            out.append(f"`{body}`" if match["template"] else match[0])
        else:
            lead, tail = key[: len(key) - len(key.lstrip())], key[len(key.rstrip()) :]
            safe = other.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
            out.append("`" + lead + _filled(safe, inner) + tail + "`")
    return "".join([*out, code[at:]])


def _template(code: str, at: int) -> tuple[list[str], list[str], int]:
    """The texts and the expressions of a template literal whose first sign is at `at`, and where it has ended."""
    pieces, values, start = [], [], at
    while code[at] != "`":
        if code[at] == "\\":
            at += 2
        elif code.startswith("${", at):
            pieces.append(code[start:at])
            end = _closed(code, at + 2)
            values.append(code[at + 2 : end])
            at = start = end + 1
        else:
            at += 1
    return [*pieces, code[start:at]], values, at + 1


def _closed(code: str, at: int) -> int:
    """Where the brace is that closes an expression which begins at `at`."""
    depth = 0
    while depth or code[at] != "}":
        if code[at] == "`":
            *_, at = _template(code, at + 1)
        elif code[at] in "\"'":
            at = code.index(code[at], at + 1) + 1
        else:
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            at += 1
    return at


_KEYS = {
    "Enter",
    "Escape",
    "Home",
    "End",
    "Shift",
    "Control",
    "Alt",
    "Delete",
    "Backspace",
    "PageUp",
}
_CODE = re.compile(  # class names, selectors, styles, paths: nothing that a reader sees
    r"\bae-|\[\w+[=\]]|var\(|[;{]\s*$|: \{\d\}(px|%)|^\.|^#|https?:|^[\w/]+\.\w+$|^[A-Z0-9_]+$|^M\{|^\w+:$|^(translate|rotate|scale|rgb)\(|use strict"
    r"|^[A-Z][a-z]+[A-Z]\w*$|^\d|^application/|^\(prefers-|^\(max-width|^(table|section|tbody) |^aecourse |font|system-ui|^row wrap$|^\w+: Tensor$|^\{height\}|^M\d|^(left|right|top|bottom|width|height|background)\b.*[;:]"
)


def _are_words(key: str, named: bool) -> bool:
    plain = _PLACE.sub("", key).strip()
    if len(re.findall(r"[A-Za-z]{2,}", plain)) == 0 or plain in _KEYS or _CODE.search(key):
        return False
    if " " in plain or named:
        return True
    return bool(re.match(r"[A-Z][a-z]+", plain)) or bool(_PLACE.search(key) and " " in key)


# ---- Words in Python -----------------------------------------------------------------------------------------------


def in_python(source: str) -> list[str]:
    """The words that Python code puts into figures and quizzes, in order; no documentation and no errors."""
    found: list[str] = []
    tree = ast.parse(source)
    silent = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) or _is_documentation(node) or _is_check(node)
        for inner in ast.walk(node)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in silent or id(node) in parts:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += _texts(node.value)
        elif isinstance(node, ast.JoinedStr):
            found += _texts("".join(map(_part, node.values)))
    return found


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "\0"


def _texts(html: str) -> list[str]:
    """The texts and labels in a string that may be HTML, in which a zero byte stands for something computed."""
    parts = _TAG.split(html)
    texts = [part for i, part in enumerate(parts) if i % 2 == 0]
    texts += [label for part in parts[1::2] for _, label in _LABEL.findall(part)]
    keys = []
    for each in texts:
        pieces = unescape(each).strip().split("\0")
        key = "".join(p + (f"{{{i}}}" if i < len(pieces) - 1 else "") for i, p in enumerate(pieces))
        if _are_words(key, False) and not re.search(r"[<>=\\]|aecourse", key):
            keys.append(key)
    return keys


def _is_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_check(node: ast.AST) -> bool:
    """A call of `require.something`, a regular expression, a decorator: words for programmers."""
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in ("require", "re")

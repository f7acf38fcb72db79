"""What every interactive figure is: a self-contained HTML fragment with a description in words."""
from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from html import escape
from importlib import resources
from pathlib import Path

import numpy as np


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
        """Write the figure as a page of its own and return the page's path."""
        path = Path(path)
        path.write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
            f"<title>{escape(type(self).__name__)}</title><main>{self.html}</main></html>\n",
            encoding="utf-8",
        )
        return path


def fragment(script: str, data: dict, *, title: str, description: str = "", body: str = "",
             package: str = "aecourse.explore", libraries: tuple[str, ...] = ()) -> str:
    """The HTML of one figure: its root element, style, `body` and a script of its own.

    script:  name of the files `<script>.js` and, if there is one, `<script>.css` in `package`.
             The JavaScript defines `build(root, data)`, which is called once with the root element.
    data:    what `build` receives; anything JSON can hold.
    libraries: further scripts of `aecourse.explore` that this one builds on, by name.
    The root's id is a hash of everything in the fragment: equal figures have equal ids on every run,
    and several figures on one page share nothing.
    """
    style = asset("aecourse.explore", "figure.css") + asset(package, f"{script}.css")
    code = "".join(asset("aecourse.explore", f"{name}.js") for name in ("runtime", *libraries)) + asset(package, f"{script}.js")
    payload = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    key = "ae-" + hashlib.sha256("\0".join((style, code, payload, title, description, body)).encode()).hexdigest()[:12]
    words = description and (
        f'<details class="ae-words"><summary>This figure in words</summary><p>{escape(description)}</p></details>')
    return (
        f'<div class="ae-figure ae-{script.replace("_", "-")}" id="{key}" role="group" aria-label="{escape(title)}"'
        " data-lm-suppress-shortcuts>\n"  # keys pressed in a figure are no commands of JupyterLab
        f"<style>{style}</style>\n"
        f"{body}{words}\n"
        '<noscript><p class="ae-note">With JavaScript on, this part of the page is interactive.</p></noscript>\n'
        f'<script>(function () {{\n"use strict";\n{code}\nmount("{key}", build, {payload});\n}})();</script>\n</div>'
    )


@lru_cache(maxsize=None)
def asset(package: str, name: str) -> str:
    """The text of a file that lies beside the Python code; empty where there is no such file."""
    file = resources.files(package) / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""


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
        raise ValueError(f"{name}: got entries that are nan or infinite; accepted are finite numbers")
    return array

"""Computed sentences, and code shown from its source."""

from __future__ import annotations

import inspect
import re
import textwrap


class Text:
    """Markdown that a notebook and the book both render."""

    def __init__(self, markdown: str):
        self.markdown = markdown

    def _repr_markdown_(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return self.markdown


def say(*sentences: str) -> Text:
    """A paragraph of prose whose figures are computed: give f-strings, they are joined by spaces."""
    return Text(" ".join(sentences))


def source(thing, *, docstring: bool = False) -> Text:
    """The source of a function or class of the package, so that a lesson shows the code that runs, not a copy.

    docstring  whether its documentation is shown too.
    """
    text = textwrap.dedent(inspect.getsource(thing))
    if not docstring:
        text = re.sub(r"\A@require\.(?:.|\n)*?(?=def )", "", text)  # the guard, not the idea
        text = re.sub(r'\n[ ]*"""(?:.|\n)*?"""(?=\n)', "", text, count=1)
    return Text(f"```python\n{text.strip()}\n```")

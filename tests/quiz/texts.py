"""Texts of questions and cards, changed in one place to be wrong."""


def replaced(text: str, old: str, new: str) -> str:
    """The text with `old` exchanged for `new`; `old` has to be there, or the test would test nothing."""
    assert old in text
    return text.replace(old, new)

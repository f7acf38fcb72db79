"""Lists the words of figures and quizzes for translators: aecourse/page/languages/en.yaml.

python house/words.py            write the list anew
python house/words.py de         what de.yaml lacks, and what it translates that is not there any more
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aecourse.page import words  # noqa: E402

HEAD = """# The words of figures and quizzes, file by file, for translators. Written by `python house/words.py`; see aecourse/page/words.py.
# A number in braces stands for what is computed.
"""
PLACES = ("aecourse/page", "aecourse/quiz", "aecourse/explore", "book/_static")
NONE = ("words.py", "mathematics.py", "anki.py")  # their words are no figure's and no quiz's


def found(root: Path = ROOT) -> dict[str, list[str]]:
    """File -> its words, each once."""
    every = {}
    for file in sorted(file for place in PLACES for file in (root / place).rglob("*.*")):
        read = {".js": words.in_script, ".py": words.in_python}.get(file.suffix)
        if read and file.name not in NONE:
            keys = list(dict.fromkeys(key.strip() for key in read(file.read_text("utf-8"))))
            if keys:
                every[file.relative_to(root).as_posix()] = keys
    return every


def listed(root: Path = ROOT) -> str:
    """The text of en.yaml."""
    return HEAD + yaml.safe_dump(found(root), allow_unicode=True, sort_keys=False, width=1000)


def gaps(language: str, files: list[str] | None = None) -> tuple[list[str], list[str]]:
    """What a language lacks (of some files, or of all), and what it translates that is not there any more."""
    every = found()
    wanted = {key for file, keys in every.items() if files is None or file in files for key in keys}
    table = words.translations(language)
    return sorted(wanted - set(table)), sorted(
        set(table) - {k for keys in every.values() for k in keys}
    )


def main(arguments: list[str]) -> int:
    if not arguments:
        (words.FOLDER / "en.yaml").write_text(listed(), "utf-8")
        print(
            f"{sum(map(len, found().values()))} texts are listed in aecourse/page/languages/en.yaml"
        )
        return 0
    lacking, gone = gaps(arguments[0])
    print("\n".join([f"lacks  {key!r}" for key in lacking] + [f"gone   {key!r}" for key in gone]))
    return int(bool(gone))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

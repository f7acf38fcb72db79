"""Formulas that readers type: understood without running them, and marked by their values.

    known = Known.of({"mu": (-2, 2), "sigma": (0.3, 3)}, also={"log_var": "log(sigma^2)"}, answer="mu^2 + sigma^2")
    read("μ² + 2σ", known)                      # the formula as nested tuples, or a Fault that says what is not understood, and where
    mark("mu^2 + sigma", known, [Row("mu^2 + sigma^2", True, "So it is."), Row("mu^2 + sigma", False, "Squared, too.")])

What is accepted: numbers (2, 0.5, 0,5, 1e-3, ½), the names of the question, + - * / ^ and **, parentheses, the functions of
`FUNCTIONS`, the signs of a typeset formula (−, ·, ×, ÷, ², √, π), and a product without a sign, as in 2mu or ½(x + 1). Two formulas
are the same where their values agree at every one of some points, which are drawn once for each question.

`formula.js` beside this file does the same in the page, with the same words; `tests/quiz/test_formula.py` holds the two together.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context

LONGEST, DEEPEST = 200, 40  # signs of a formula; parentheses, signs and exponents inside each other
POINTS, CLOSE = (
    10,
    1e-6,
)  # places at which two formulas are compared; how far apart, relatively, is the same

SPELLINGS = {  # what else a name may be written as
    "alpha": ("α",), "beta": ("β",), "gamma": ("γ",), "delta": ("δ",), "eps": ("ε", "ϵ", "epsilon"), "theta": ("θ", "ϑ"),
    "kappa": ("κ",), "lambda": ("λ",), "mu": ("μ", "µ"), "rho": ("ρ", "ϱ"), "sigma": ("σ", "ς"), "tau": ("τ",),
    "phi": ("φ", "ϕ"), "psi": ("ψ",), "omega": ("ω",),
    "log_var": ("logvar", "log_variance", "logvariance"), "var": ("variance", "sigma2", "sigma_2", "sigma_sq"),
}  # fmt: skip
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "abs": abs,
    "sin": math.sin,
    "cos": math.cos,
}
OTHERS = {"ln": "log", "√": "sqrt"}  # other names of functions

SIGNS = {
    "+": "+", "-": "-", "−": "-", "–": "-", "—": "-", "*": "*", "·": "*", "×": "*", "⋅": "*", "∙": "*", "•": "*",
    "/": "/", "÷": "/", "∕": "/", "⁄": "/", "^": "^", "(": "(", ")": ")", "[": "(", "]": ")", "{": "(", "}": ")",
}  # fmt: skip
PAIRS = {"(": ")", "[": "]", "{": "}"}
HIGH = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-"))
PARTS = {
    "½": 1 / 2,
    "⅓": 1 / 3,
    "⅔": 2 / 3,
    "¼": 1 / 4,
    "¾": 3 / 4,
    "⅕": 1 / 5,
    "⅙": 1 / 6,
    "⅛": 1 / 8,
}
BLANKS = " \t\n\r\u00a0\u2009\u200a\u202f\u2062\ufeff"
NO_SIGNS = {  # signs that are often tried, and what to say to them
    "=": "only what stands right of the = is asked for.",
    "|": "write an absolute value as abs(...).",
    ",": "a comma is understood between two digits only.",
    "\\": "this is no TeX; write 1/2, sqrt(x), sigma^2.",
}
NUMBER = re.compile(r"(?:\d+(?:[.,]\d+|\.)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
WORD = re.compile(r"(?:[A-Za-z][A-Za-z0-9_]*|[α-ωϑϕϱϵµ](?:_[A-Za-z0-9]+)?)")
MODULE = re.compile(r"(?:torch|np|numpy|math)\.(?=[a-z])")


@dataclass(frozen=True)
class Fault:
    """What is not understood in a formula: from sign `at` to sign `end`, counted from 0, and `said`, the whole message."""

    at: int
    end: int
    said: str


@dataclass(frozen=True)
class Row:
    """A prepared answer: a formula, whether it is right, and what to say to it."""

    answer: str
    right: bool
    why: str


@dataclass(frozen=True)
class Marked:
    """A marked formula: right or not, or None where it is not understood; what to say; and which row it is, if any."""

    right: bool | None
    said: str
    row: int | None = None


@dataclass(frozen=True)
class Known:
    """The names of a question: `names` spelling -> name, `points` name -> a value at each point, `parts` name -> the variables in it."""

    names: dict[str, str]
    points: dict[str, list[float]]
    parts: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, variables, also=None, answer: str = "0") -> Known:
        """The names of a question.

        variables   name -> (low, high), the range of its values at the points
        also        name -> a formula of the variables: further names that may be used
        answer      a formula; at every point it has a value

        Raises ValueError for a name that cannot be typed, a formula that is not understood, or an answer without values.
        """
        also = also or {}
        for name in [*variables, *also]:
            if WORD.fullmatch(name) is None or name in FUNCTIONS or name in OTHERS:
                raise ValueError(f"{name!r} is no name for a variable")
        names = {name: name for name in [*variables, *also]}
        for name in list(names):
            for spelling in SPELLINGS.get(name, ()):
                names.setdefault(spelling, name)
        bare = cls({s: n for s, n in names.items() if n in variables}, {})
        trees = {name: sound(formula, bare) for name, formula in also.items()}
        parts = {name: sorted(_used(tree) & set(variables)) for name, tree in trees.items()}
        whole = sound(answer, cls(names, {}))
        chance = random.Random(0)
        columns = [_spread(low, high, chance) for low, high in variables.values()]
        places = [dict(zip(variables, place)) for place in zip(*columns)]
        points: dict[str, list[float]] = {name: [] for name in [*variables, *also]}
        for place in places:
            for _ in range(100):
                values = dict(place)
                values |= {name: value(tree, place) for name, tree in trees.items()}
                if math.isfinite(value(whole, values)) and all(map(math.isfinite, values.values())):
                    break
                place = {n: round(chance.uniform(*variables[n]), 3) for n in variables}
            else:
                raise ValueError(f"{answer!r} has hardly any values in these ranges")
            for name in points:
                points[name].append(values[name])
        return cls(names, points, parts)

    @property
    def data(self) -> dict:
        """What the page's script needs of it."""
        return {"names": self.names, "points": self.points, "parts": self.parts}


def _spread(low: float, high: float, chance: random.Random) -> list[float]:
    """A value in each of POINTS equal parts of a range, in random order."""
    order = sorted(range(POINTS), key=lambda _: chance.random())
    return [round(low + (high - low) * (i + chance.random()) / POINTS, 3) for i in order]


def sound(text: str, known: Known) -> tuple:
    """A formula as `read` gives it. Raises ValueError, with the message, for one that is not understood."""
    tree = read(text, known)
    if isinstance(tree, Fault):
        raise ValueError(f"{text!r}: {tree.said}")
    return tree


# ---- A text becomes a formula ------------------------------------------------------------------------------


class _Stop(Exception):
    """Here a formula is not understood."""

    def __init__(self, at: int, end: int, words: str):
        super().__init__(words)
        self.at, self.end, self.words = at, end, words


def read(text: str, known: Known) -> tuple | Fault:
    """A formula as nested tuples, such as ("*", ("number", 2.0, "2"), ("name", "mu")); or what is not understood in it."""
    signs = [_plain(sign) for sign in text]
    try:
        if not "".join(signs).strip(BLANKS):
            return Fault(0, 0, "Write a formula first.")
        if len(signs) > LONGEST:
            raise _Stop(LONGEST, len(signs), f"a formula has at most {LONGEST} signs.")
        return _Parser(_tokens("".join(signs)), len(signs), known).whole()
    except _Stop as stop:
        found = "".join(signs[stop.at : min(stop.end, stop.at + 20)])
        place = f"At “{found}” (sign {stop.at + 1})" if found else "At the end"
        return Fault(stop.at, stop.end, f"{place}: {stop.words}")


def _plain(sign: str) -> str:
    """A letter of mathematical type as the letter that it is: one sign for one sign."""
    code = ord(sign)
    if 0x1D6A8 <= code <= 0x1D7C9:  # bold and italic Greek: five alphabets of 58 signs
        place = (code - 0x1D6A8) % 58 - 26
        return "αβγδεζηθικλμνξοπρςστυφχψω"[place] if 0 <= place < 25 else sign
    return sign


def _tokens(text: str) -> list[tuple[str, str, int, int]]:
    """(kind, text, from, to) of each word, number and sign; the kind of a sign is what it means."""
    tokens, at = [], 0
    while at < len(text):
        sign = text[at]
        if sign in BLANKS:
            at += 1
        elif found := MODULE.match(text, at):
            at = found.end()
        elif found := NUMBER.match(text, at):
            tokens.append(("number", found[0].replace(",", "."), at, found.end()))
            at = found.end()
        elif found := WORD.match(text, at):
            tokens.append(("word", found[0], at, found.end()))
            at = found.end()
        elif text.startswith("**", at):
            tokens.append(("^", "**", at, at + 2))
            at += 2
        elif sign in HIGH:
            end = at
            while end < len(text) and text[end] in HIGH:
                end += 1
            digits = "".join(HIGH[each] for each in text[at:end])
            if not re.fullmatch(r"[+-]?[0-9]+", digits):
                raise _Stop(at, end, "this exponent is no number.")
            tokens.append(("high", digits, at, end))
            at = end
        elif sign in PARTS:
            tokens.append(("number", sign, at, at + 1))
            at += 1
        elif sign in SIGNS or sign in "√π":
            tokens.append((SIGNS.get(sign, "word"), sign, at, at + 1))
            at += 1
        else:
            raise _Stop(at, at + 1, NO_SIGNS.get(sign, "this sign is not understood here."))
    return tokens


class _Parser:
    """Reads a formula from left to right; what binds tighter is read first."""

    def __init__(self, tokens: list, length: int, known: Known):
        self.tokens, self.length, self.known = tokens, length, known
        self.place = self.depth = 0

    def whole(self) -> tuple:
        tree = self.sum()
        if self.kind == ")":
            self.stop("this parenthesis was never opened.")
        return tree

    @property
    def kind(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else "end"

    def take(self) -> tuple[str, str, int, int]:
        self.place += 1
        return self.tokens[self.place - 1]

    def stop(self, words: str):
        at, end = self.tokens[self.place][2:] if self.kind != "end" else (self.length, self.length)
        raise _Stop(at, end, words)

    def deeper(self, rule: Callable[[], tuple]) -> tuple:
        self.depth += 1
        if self.depth > DEEPEST:
            self.stop("this is nested too deeply.")
        tree = rule()
        self.depth -= 1
        return tree

    def sum(self) -> tuple:
        tree = self.product()
        while self.kind in "+-":
            sign = self.take()[0]
            tree = (sign, tree, self.product())
        return tree

    def product(self) -> tuple:
        tree, below = self.signed(), False
        while True:
            if self.kind in "*/":
                sign = self.take()[0]
                tree = (sign, tree, self.signed())
                below = sign == "/" and not (_number(tree[1]) and _number(tree[2]))
            elif self.kind in ("word", "("):  # a product without a sign
                if below:
                    self.stop("is this still below the /? Parentheses say it.")
                tree = ("*", tree, self.power())
            elif self.kind == "number":
                self.stop("between this number and what stands before it a sign is missing.")
            else:
                return tree

    def signed(self) -> tuple:
        if self.kind in "+-":
            sign = self.take()[0]
            tree = self.deeper(self.signed)
            return ("neg", tree) if sign == "-" else tree
        return self.power()

    def power(self) -> tuple:
        tree = self.atom()
        if self.kind == "high":
            digits = self.take()[1].removeprefix("+")
            exponent = ("number", float(digits.removeprefix("-")), digits.removeprefix("-"))
            tree = ("^", tree, ("neg", exponent) if digits[0] == "-" else exponent)
            if self.kind in ("high", "^"):
                self.stop("this is an exponent on an exponent; parentheses say of what.")
        elif self.kind == "^":
            self.take()
            tree = ("^", tree, self.deeper(self.signed))
        return tree

    def atom(self) -> tuple:
        if self.kind == "number":
            return self.number()
        if self.kind == "word":
            return self.word()
        if self.kind == "(":
            return self.inside()
        if self.kind == "end":
            self.stop(f"after “{self.tokens[-1][1]}” something is missing.")
        if self.kind == ")":
            self.stop("before this parenthesis something is missing.")
        return self.stop("before this sign something is missing.")

    def number(self) -> tuple:
        _, text, at, end = self.take()
        size = PARTS[text] if text in PARTS else float(text)
        if not math.isfinite(size):
            raise _Stop(at, end, "this number is too large.")
        return ("number", size, text)

    def inside(self) -> tuple:
        opened = self.take()
        if self.kind == ")":
            self.stop("between these parentheses something is missing.")
        tree = self.deeper(self.sum)
        if self.kind == "end":
            raise _Stop(opened[2], opened[3], "this parenthesis is never closed.")
        if self.tokens[self.place][1] != PAIRS[opened[1]]:
            self.stop(f"“{opened[1]}” was opened, so “{PAIRS[opened[1]]}” closes.")
        self.take()
        return tree

    def word(self) -> tuple:
        _, text, at, end = self.take()
        if text in self.known.names:
            return ("name", self.known.names[text])
        function = OTHERS.get(text.lower(), text.lower())
        if function in FUNCTIONS:
            return ("call", function, self.argument(text))
        if text in CONSTANTS:
            return ("name", "e" if text == "e" else "pi")
        alike = {n for s, n in self.known.names.items() if s.lower() == text.lower()}
        if len(alike) == 1:
            return ("name", alike.pop())
        raise _Stop(at, end, f"this is no name here. Known are {listed(self.known)}.")

    def argument(self, name: str) -> tuple:
        if self.kind == "(":
            return self.inside()
        if self.kind in ("high", "^"):
            self.stop(f"write the power of {name} as ({name}(...))^2.")
        if self.kind not in ("word", "number", "+", "-"):
            self.stop(f"after {name} comes what it is taken of, in parentheses.")
        tree = self.deeper(self.signed)
        if self.kind in ("word", "("):
            self.stop(f"does {name} apply to this as well? Parentheses say it.")
        return tree


def _number(tree: tuple) -> bool:
    return tree[0] == "number" or (tree[0] == "neg" and tree[1][0] == "number")


def listed(known: Known) -> str:
    """The names and functions that may be used, as a sentence's part."""
    names = [name if shown(name) == name else f"{name} (or {shown(name)})" for name in known.points]
    names = names or sorted(set(known.names.values()))
    return f"{', '.join(names)}, and {', '.join(FUNCTIONS)}"


def _used(tree: tuple) -> set[str]:
    """The names in a formula."""
    if tree[0] == "name":
        return {tree[1]}
    return set().union(*(_used(part) for part in tree[1:] if isinstance(part, tuple)))


# ---- A formula has a value ---------------------------------------------------------------------------------


def value(tree: tuple, values: dict[str, float]) -> float:
    """What a formula comes to where the names have these values; nan where it, or any part of it, has no finite value."""
    kind = tree[0]
    if kind == "number":
        return tree[1]
    if kind == "name":
        return values[tree[1]] if tree[1] in values else CONSTANTS[tree[1]]
    parts = [value(part, values) for part in tree[1:] if isinstance(part, tuple)]
    if not all(map(math.isfinite, parts)):
        return math.nan
    try:
        result = FUNCTIONS[tree[1]](*parts) if kind == "call" else _OPERATIONS[kind](*parts)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    return result if math.isfinite(result) else math.nan


_OPERATIONS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": math.pow,
    "neg": lambda a: -a,
}


def mark(text: str, known: Known, rows: Sequence[Row]) -> Marked:
    """Marks a formula: the first of the rows with the same values, or else what can be said of it without one."""
    tree = read(text, known)
    if isinstance(tree, Fault):
        return Marked(None, tree.said)
    given = _values(tree, known)
    for place, row in enumerate(rows):
        if _same(given, _values(sound(row.answer, known), known)):
            return Marked(row.right, row.why, place)
    right = next(row.answer for row in rows if row.right)
    return Marked(False, _hint(tree, sound(right, known), known))


def same(one: str, other: str, known: Known) -> bool:
    """Whether two formulas have the same values. Raises ValueError for one that is not understood."""
    return _same(_values(sound(one, known), known), _values(sound(other, known), known))


def _values(tree: tuple, known: Known) -> list[float]:
    return [value(tree, dict(zip(known.points, place))) for place in zip(*known.points.values())]


def _same(given: list[float], wanted: list[float]) -> bool:
    if not all(map(math.isfinite, given + wanted)):
        return False
    large = max(map(abs, wanted))
    return all(abs(g - w) <= CLOSE * max(abs(w), large / 1000) for g, w in zip(given, wanted))


def _hint(tree: tuple, answer: tuple, known: Known) -> str:
    """What is wrong with a formula that is no known mistake; empty where nothing simple can be said."""
    given, wanted = _values(tree, known), _values(answer, known)
    for place, got in enumerate(given):
        if not math.isfinite(got):
            at = ", ".join(f"{shown(n)} = {_short(c[place])}" for n, c in known.points.items())
            return f"Your formula has no value at {at}."
    if not _used(answer):
        return ""
    largest = max(range(len(wanted)), key=lambda i: abs(wanted[i]))
    ratio = given[largest] / wanted[largest] if wanted[largest] else 0.0
    if 0.01 <= abs(ratio) <= 100 and _same(given, [ratio * w for w in wanted]):
        if abs(ratio + 1) < 1e-5:
            return "The sign of the whole is turned."
        return f"Right but for a constant factor: yours is {_short(ratio)} times what it should be."
    off = given[0] - wanted[0]
    if 0.01 <= abs(off) <= 100 and _same(given, [w + off for w in wanted]):
        more = "more" if off > 0 else "less"
        return f"Right but for a constant: yours is {_short(abs(off))} {more} than it should be."
    missing = _whole(answer, known) - _whole(tree, known)
    for name in known.points:
        if name in missing:
            return f"The answer depends on {shown(name)}, and yours does not."
    return ""


def _whole(tree: tuple, known: Known) -> set[str]:
    """The variables that a formula depends on."""
    return {part for name in _used(tree) for part in known.parts.get(name, [name])}


def _short(number: float) -> str:
    """Three digits; half is rounded up, as JavaScript does it."""
    digits = Context(prec=3, rounding=ROUND_HALF_UP).create_decimal_from_float(number)
    text = f"{float(digits):.6f}".rstrip("0").removesuffix(".")
    return text.replace("-", "−")


# ---- A formula as it was understood ------------------------------------------------------------------------

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
RANK = {"+": SUM, "-": SUM, "neg": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}
LOW = {plain: high for high, plain in HIGH.items()}


def shown(name: str) -> str:
    """A name as it is typeset: mu as μ."""
    return next(
        (s for s in SPELLINGS.get(name, ()) if not s.isascii()), "π" if name == "pi" else name
    )


def typeset(tree: tuple) -> str:
    """A formula as plain text that can be read one way only: "(μ² + σ² − 1 − log(σ²)) / 2"."""
    tree = _sign_first(tree)
    kind = tree[0]
    if kind == "number":
        return tree[2]
    if kind == "name":
        return shown(tree[1])
    if kind == "call":
        inner = typeset(tree[2])
        return {"abs": f"|{inner}|", "sqrt": f"√({inner})"}.get(tree[1], f"{tree[1]}({inner})")
    if kind == "neg":
        return f"−{_at_least(PRODUCT, tree[1])}"
    if kind in "+-":
        sign = "−" if kind == "-" else "+"
        return f"{_at_least(SUM, tree[1])} {sign} {_at_least(PRODUCT, tree[2])}"
    if kind in "*/":
        first = typeset(tree[1]) if tree[1][0] == "*" else _at_least(POWER, tree[1])
        return f"{first} {'·' if kind == '*' else '/'} {_at_least(POWER, tree[2])}"
    exponent = tree[2]
    plain = f"-{typeset(exponent[1])}" if exponent[0] == "neg" else typeset(exponent)
    if re.fullmatch("-?[0-9]+", plain):
        high = "".join(LOW[digit] for digit in plain)
    else:
        high = "^" + _at_least(ATOM, exponent)
    return _at_least(ATOM, tree[1]) + high


def _sign_first(tree: tuple) -> tuple:
    """(−2) · a as −(2 · a), which is shown as −2 · a."""
    if tree[0] not in ("*", "/"):
        return tree
    first = _sign_first(tree[1])
    negative = first[0] == "neg"
    return ("neg", (tree[0], first[1], tree[2])) if negative else (tree[0], first, tree[2])


def _at_least(rank: int, tree: tuple) -> str:
    tree = _sign_first(tree)
    text = typeset(tree)
    return text if RANK.get(tree[0], ATOM) >= rank else f"({text})"


TEX = {"eps": r"\epsilon", "log_var": r"\log\sigma^2", "var": r"\sigma^2"}


def tex(tree: tuple) -> str:
    """A formula as TeX."""
    tree = _sign_first(tree)
    kind = tree[0]
    if kind == "number":
        part = PARTS.get(tree[2])
        return tree[2] if part is None else rf"\tfrac{{1}}{{{round(1 / part)}}}"
    if kind == "name":
        return _tex_name(tree[1])
    if kind == "call":
        inner = tex(tree[2])
        if tree[1] == "sqrt":
            return rf"\sqrt{{{inner}}}"
        if tree[1] == "abs":
            return rf"\lvert {inner} \rvert"
        name = {"log2": r"\log_2", "log10": r"\log_{10}"}.get(tree[1], rf"\{tree[1]}")
        return rf"{name}\left({inner}\right)"
    if kind == "neg":
        return f"-{_tex_at_least(PRODUCT, tree[1])}"
    if kind in "+-":
        return f"{_tex_at_least(SUM, tree[1])} {kind} {_tex_at_least(PRODUCT, tree[2])}"
    if kind == "/":
        return rf"\frac{{{tex(tree[1])}}}{{{tex(tree[2])}}}"
    if kind == "*":
        left, right = _tex_at_least(PRODUCT, tree[1]), _tex_at_least(PRODUCT, tree[2])
        return rf"{left} \cdot {right}" if re.match(r"[\d.]", right) else rf"{left}\,{right}"
    base = tex(tree[1])
    plain = tree[1][0] in ("number", "name") and "^" not in base
    return (base if plain else rf"\left({base}\right)") + f"^{{{tex(tree[2])}}}"


def _tex_at_least(rank: int, tree: tuple) -> str:
    tree = _sign_first(tree)
    text = tex(tree)
    return text if RANK.get(tree[0], ATOM) >= rank else rf"\left({text}\right)"


def _tex_name(name: str) -> str:
    if name in TEX:
        return TEX[name]
    stem, _, index = name.partition("_")
    letter = rf"\{stem}" if stem in SPELLINGS or stem == "pi" else stem
    if len(stem) > 1 and letter == stem:
        letter = rf"\mathrm{{{stem}}}"
    return f"{letter}_{{{index}}}" if index else letter

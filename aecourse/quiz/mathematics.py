"""Is a formula one that MathJax can set? What would stand in the page as an error is found before it gets there."""

from __future__ import annotations

import re

GREEK = (
    "alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta kappa lambda Lambda mu nu xi pi Pi "
    "rho sigma Sigma tau phi Phi varphi chi psi Psi omega Omega"
)
SIGNS = (
    "cdot times cdots ldots dots vdots ddots mid sim approx propto equiv ne neq le leq ge geq ll gg pm mp in notin subset "
    "cup cap Vert to mapsto gets leftarrow rightarrow Rightarrow Leftrightarrow leftrightarrow infty partial nabla forall exists "
    "ell odot oplus otimes circ star ast top perp parallel prime quad qquad langle rangle lVert rVert lvert rvert "
    "lfloor rfloor lceil rceil colon sum prod int mathbin mathrel mathop middle limits nolimits displaystyle textstyle"
)
FUNCTIONS = "log ln exp min max sup inf arg argmin argmax det dim Pr sin cos tan tanh deg"
FORMS = (
    "frac tfrac dfrac sqrt binom hat tilde bar vec dot ddot widehat widetilde overline underline overbrace underbrace "
    "overset underset stackrel text textstyle mathbb mathcal mathbf mathrm mathit mathsf boldsymbol operatorname "
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr begin end mathstrut phantom"
)
KNOWN = set(" ".join((GREEK, SIGNS, FUNCTIONS, FORMS)).split())
WITH_ARGUMENT = set(
    "frac tfrac dfrac sqrt binom hat tilde bar vec text mathbb mathcal mathbf mathrm operatorname".split()
)


def fault(tex: str) -> str | None:
    """What is wrong with a formula, or None: commands nobody knows, braces, \\left, \\right and environments without partner."""
    bare = re.sub(r"\\[\\{}|,;:!%#&_$ ]", " ", tex)  # escaped signs and spaces are no structure
    if unknown := [name for name in re.findall(r"\\([A-Za-z]+)", bare) if name not in KNOWN]:
        return f"the unknown command \\{unknown[0]}"
    if "\\" in re.sub(r"\\[A-Za-z]+", "", bare):
        return "a backslash before a sign that needs none"
    open_braces = 0
    for sign in re.findall(r"[{}]", bare):
        open_braces += 1 if sign == "{" else -1
        if open_braces < 0:
            return "a } without {"
    if open_braces:
        return "a { without }"
    open_lefts = 0
    for side in re.findall(r"\\(left|right)(?![A-Za-z])", bare):
        open_lefts += 1 if side == "left" else -1
        if open_lefts < 0:
            return r"a \right without \left"
    if open_lefts:
        return r"a \left without \right"
    if sorted(re.findall(r"\\begin\{(\w+)", bare)) != sorted(re.findall(r"\\end\{(\w+)", bare)):
        return r"a \begin without \end"
    if found := re.search(r"\\(\w+)\s*$", bare.rstrip("} ")):
        if found[1] in WITH_ARGUMENT:
            return f"\\{found[1]} without what it applies to"
    if re.search(r"[_^]\s*([_^}]|$)", bare):
        return "an empty index or exponent"
    if re.search(r"(?<![_^])(_|\^)(\{[^{}]*\}|\\?\w+?)\1", bare):
        return "two indices or two exponents on one symbol"
    return None

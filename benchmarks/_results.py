"""What `python -m aecourse.reproduce` measured, as tables, figures and sentences: the page "Results" is made of these.

Every function shows what there is and nothing where there is nothing yet.
"""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path

from IPython.display import display
from matplotlib.ticker import MaxNLocator

from aecourse import plots
from aecourse.page import say
from aecourse.reproduce import Summary, read, summaries
from aecourse.reproduce.recipes import RECIPES

FILE = Path(__file__).resolve().parent / "results.json"
BINARISATION = {
    "grey": "grey pixels",
    "dynamic": "pixels binarised anew at every visit",
    "static": "pixels binarised once",
    "": "",
}
WIDTH = 40  # of a row's name in a figure


class Table:
    """A table with a caption, column titles and rows of HTML."""

    def __init__(self, caption: str, titles: list[str], rows: list[list[str]]):
        self.caption, self.titles, self.rows = caption, titles, rows

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in self.titles)
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return (
            f'<table class="table"><caption>{html.escape(self.caption)}</caption><thead><tr>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )


class Fold:
    """Lines of text behind a summary, as HTML."""

    def __init__(self, summary: str, lines: list[tuple[str, str]]):
        self.summary, self.lines = summary, lines

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<li><strong>{html.escape(name)}</strong>: {html.escape(text)}</li>"
            for name, text in self.lines
        )
        return f"<details><summary>{html.escape(self.summary)}</summary><ul>{rows}</ul></details>"


def found(name: str) -> list[Summary]:
    """The rows of an experiment that have a result made with the settings it has now."""
    return summaries(read(FILE), RECIPES[name])


def all_found() -> list[tuple]:
    """Every row with a result and its recipe."""
    return [(recipe, each) for name, recipe in RECIPES.items() for each in found(name)]


def conditions():
    """Where and when everything was measured."""
    entries = [entry for _, each in all_found() for entry in each.entries]
    if not entries:
        return say(
            "**No results are here yet.** `python -m aecourse.reproduce all` measures them; they appear when the book is "
            "built again."
        )
    machines = sorted({entry["machine"]["cpu"] for entry in entries})
    threads = sorted({entry["machine"]["threads"] for entry in entries})
    dates = sorted(entry["date"] for entry in entries)
    busy = sum(bool(entry["busy"]) for entry in entries)
    when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    return say(
        f"Measured on {when} on {' and '.join(machines)} with {_several(threads)} thread{'s' * (threads != [1])}, PyTorch "
        f"{_several(sorted({entry['versions']['torch'] for entry in entries}))}.",
        f"Of {len(entries)} measured figures, {busy} were measured while others used the machine as well. There seconds of the "
        "processor are the measure; seconds by the clock are not compared with anything."
        if busy
        else "Nothing else ran on the machine meanwhile.",
    )


def overview():
    """How many rows stand beside a published figure, and how they compare."""
    rows = [(recipe, each) for recipe, each in all_found() if each.row.published is not None]
    if not rows:
        return None
    exact = [each for _, each in rows if each.row.exact]
    others = [(recipe, each) for recipe, each in rows if not each.row.exact]
    verdicts = Counter(
        "agrees" if each.agrees() else _verdict(recipe, each) or "differs"
        for recipe, each in others
    )
    unexplained = [
        each.row.name for _, each in others if not each.agrees() and not each.row.explained
    ]
    return say(
        f"{_many(len(others), 'figure stands', 'figures stand')} beside a published one: "
        f"{_many(verdicts['agrees'], 'agrees', 'agree')} within two standard errors of the figure here, "
        f"{_many(verdicts['better'], 'is', 'are')} better, {_many(verdicts['worse'], 'is', 'are')} worse"
        + (f", {_many(verdicts['differs'], 'differs', 'differ')}." if verdicts["differs"] else "."),
        f"{_many(len(unexplained), 'difference has', 'differences have')} no explanation: {', '.join(unexplained)}."
        if unexplained
        else "Each difference is explained where it stands.",
        f"Beside {_many(len(exact), 'more figure', 'more figures')} stands what algebra gives; "
        f"{sum(bool(each.agrees()) for each in exact)} of them {'is' if len(exact) == 1 else 'are'} met within two standard errors."
        if exact
        else "",
    )


def parts(name: str) -> list:
    """What is shown of an experiment: what it is, table, figure, differences, settings. Empty where nothing was measured."""
    recipe, rows = RECIPES[name], found(name)
    if not rows:
        return []
    pixels = BINARISATION[recipe.binarisation]
    return [
        say(f"**{recipe.title}.** {recipe.about}"),
        _table(recipe, rows),
        curve(rows) if any(each.more("curve") for each in rows) else dots(recipe, rows),
        *(
            [differences(recipe, rows)]
            if any(each.row.published is not None for each in rows)
            else []
        ),
        Fold(
            "Settings, time, command",
            [
                ("Command", f"python -m aecourse.reproduce {name}"),
                *([("Pixels", pixels)] if pixels else []),
                ("Chosen on held-out training images", recipe.chosen),
                *_settings(rows),
            ],
        ),
    ]


def experiment(*names: str) -> None:
    """Shows experiments, one below the other."""
    for name in names:
        for part in parts(name):
            display(part)


def _table(recipe, rows: list[Summary]) -> Table:
    """A row for each figure: here, published, and where."""
    better = {True: "; lower is better", False: "; higher is better", None: ""}[recipe.lower]
    return Table(
        f"{recipe.title}: {recipe.measure}{better}",
        ["setting", "here", "published", "source"],
        [
            [
                html.escape(each.row.name),
                _figure(each),
                "" if each.row.published is None else _published(each.row.published),
                _source(each.row),
            ]
            for each in rows
        ],
    )


def dots(recipe, rows: list[Summary]):
    """Each figure with two standard errors to either side, and the published one."""
    told = "; ".join(
        f"{each.row.name} {_figure(each)}"
        + ("" if each.row.published is None else f", published {_published(each.row.published)}")
        for each in rows
    )
    fig, ax = plots.figure(
        f"{recipe.title}, {recipe.measure}: {told}.", width=6.4, height=0.9 + 0.3 * len(rows)
    )
    places = range(len(rows))[::-1]
    ax.errorbar(
        [each.figure for each in rows],
        places,
        xerr=[2 * (each.spread or 0.0) for each in rows],
        fmt="o",
        color=plots.BLUE,
        capsize=3,
        elinewidth=1.4,
        label="here, with two standard errors",
    )
    known = [
        (end, place)
        for each, place in zip(rows, places)
        if each.row.published is not None
        for end in _ends(each.row.published)
    ]
    if known:
        exact = all(each.row.exact for each in rows if each.row.published is not None)
        ax.scatter(
            *zip(*known),
            marker="D",
            s=42,
            facecolors="none",
            edgecolors=plots.INK,
            linewidths=1.4,
            zorder=3,
            label="exact" if exact else "published",
        )
    ax.set_yticks(list(places), [each.row.name[:WIDTH] for each in rows])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set(xlabel=recipe.measure)
    ax.margins(x=0.1)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y", visible=False)
    fig.legend(loc="outside lower center", ncols=2, frameon=False)
    return fig


def curve(rows: list[Summary]):
    """Likelihood against minutes of training, of every run that kept its curve."""
    lines = {
        each.row.name + f", run {number}" * (each.seeds > 1): (
            [point["seconds"] / 60 for point in points],
            [point["nats"] for point in points],
        )
        for each in rows
        for number, points in enumerate(each.more("curve"), 1)
    }
    levels = {
        f"published, {_published(each.row.published)}": each.row.published
        for each in rows
        if isinstance(each.row.published, (int, float))
    }
    told = "; ".join(
        f"{name}: {ys[-1]:.2f} after {xs[-1]:.1f} min" for name, (xs, ys) in lines.items()
    )
    return plots.curves(
        lines,
        x="minutes of training",
        y="-log p(x), nats per image",
        log_x=True,
        lines=levels,
        description=f"Negative log-likelihood of the test images against minutes of training, lower is better. {told}.",
    )


def differences(recipe, rows: list[Summary]):
    """A sentence for the rows that agree, and one for each explanation of the others."""
    beside = [each for each in rows if each.row.published is not None]
    agree = [each for each in beside if each.agrees()]
    said = []
    if agree:
        names = (
            "all rows" if len(agree) == len(beside) else ", ".join(each.row.name for each in agree)
        )
        said.append(
            f"- Within two standard errors of the {'exact' if agree[0].row.exact else 'published'} figure: {names}."
        )
    why: dict[str, list[str]] = {}
    for each in beside:
        if each not in agree:
            verdict = _verdict(recipe, each)
            size = f"{each.difference:+.3g}" + (f", {verdict}" if verdict else "")
            why.setdefault(each.row.explained, []).append(f"{each.row.name} ({size})")
    said += [f"- {', '.join(names)}: {text or '*unexplained.*'}" for text, names in why.items()]
    return say("\n".join(said))


def exactness():
    """How many images the estimator's own error bars hold for."""
    rows = found("exact-likelihood")
    if not rows:
        return None
    [share, *_] = rows[0].more("within")
    return say(
        f"For {share:.1%} of the images the truth lies within two of the estimate's own standard errors; 95 % would be expected "
        "of a normal distribution."
    )


def _verdict(recipe, each: Summary) -> str:
    """Whether a row is better or worse than the published figure, where one of both can be said."""
    if recipe.lower is None or not each.difference:
        return ""
    return "better" if (each.difference < 0) == recipe.lower else "worse"


def _figure(each: Summary) -> str:
    """The figure, to two digits of its spread."""
    if each.spread is None or each.spread <= 0:
        return f"{each.figure:.4g}"
    digits = 0
    while each.spread * 10**digits < 9.5 and digits < 5:
        digits += 1
    return f"{each.figure:.{digits}f} ± {each.spread:.{digits}f}"


def _published(value) -> str:
    low, high = _ends(value)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _ends(value) -> tuple[float, float]:
    return value if isinstance(value, tuple) else (value, value)


def _source(row) -> str:
    """Where a figure was published, as a link to the bibliography or to the repository."""
    if not row.key:
        return html.escape(row.source)
    place = row.key if row.key.startswith("https:") else f"bibliography.html#{row.key}"
    return f'<a href="{html.escape(place)}">{html.escape(row.source)}</a>'


def _settings(rows: list[Summary]) -> list[tuple[str, str]]:
    """What rows declare and what their parts took, rows with one setting together."""
    groups: dict[str, list[Summary]] = {}
    for each in rows:
        groups.setdefault(each.row.setting, []).append(each)
    return [(", ".join(each.row.name for each in group), _told(group)) for group in groups.values()]


def _told(group: list[Summary]) -> str:
    """The setting of some rows, what was chosen, how many runs, seconds, commit."""
    parts = {each.row.computed_in: each for each in group}.values()
    took = {
        what: sum(each.total(what) for each in parts)
        for what in ("cpu_seconds", "seconds", "training_seconds")
    }
    entries = [entry for each in parts for entry in each.entries]
    choices = "".join(
        f"; {name}: {choice['chosen']}"
        for name, choice in entries[0]["choices"].items()
        if "chosen" in choice
    )
    runs, busy = max(each.seeds for each in parts), any(entry["busy"] for entry in entries)
    return (
        f"{group[0].row.setting}{choices}. {runs} run{'s' * (runs > 1)}; one took {took['cpu_seconds']:,.0f} s of the processor, "
        f"{took['seconds']:,.0f} s by the clock"
        + (" while others used the machine as well" if busy else "")
        + (
            f", {took['training_seconds']:,.0f} s of them in training"
            if took["training_seconds"]
            else ""
        )
        + f"; commit {_several(sorted({str(entry['commit']) for entry in entries}))}"
    )


def _many(count: int, one: str, several: str) -> str:
    """A number and the words that follow it."""
    return f"{count} {one if count == 1 else several}"


def _several(values) -> str:
    return ", ".join(map(str, values))

"""The results of the benchmarks as figures, tables and sentences; the page "Speed" of the book is made of these.

Every function returns something that a notebook shows, or None where its results are missing.
"""

from __future__ import annotations

import functools
import html
import json
from pathlib import Path

from aecourse import plots
from aecourse.page import say

FOLDER = Path(__file__).resolve().parent / "results"
NAMES = {
    "tutorial": "tutorial loop",
    "pythae": "pythae's trainer",
    "plain": "bare loop",
    "fit": "train.fit",
    "bf16": "train.fit, bf16",
}
GROWTH = {"images": "images", "latent": "code size", "width": "hidden width", "batch": "batch size"}
PROMISES = {
    "speed": "What the training engine promises, and what this run measured",
    "page": "What the interactive figures promise, and what this run measured",
}


class Table:
    """An HTML table: a caption, column titles and rows of texts."""

    def __init__(self, caption: str, titles: list[str], rows: list[list[str]]):
        self.caption, self.titles, self.rows = caption, titles, rows

    def _repr_html_(self) -> str:
        def cells(tag: str, values: list[str]) -> str:
            return (
                "<tr>"
                + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values)
                + "</tr>"
            )

        heads = cells('th scope="col"', self.titles).replace('</th scope="col">', "</th>")
        body = "".join(cells("td", row) for row in self.rows)
        return f'<table class="table"><caption>{html.escape(self.caption)}</caption><thead>{heads}</thead><tbody>{body}</tbody></table>'


def results(name: str) -> dict | None:
    """What a benchmark wrote, or None."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.is_file() else None


def from_results(name: str):
    """For functions of one benchmark's results: they are read, and None is returned where there are none."""

    def decorate(function):
        @functools.wraps(function)
        def shown(*arguments):
            found = results(name)
            return None if found is None else function(found, *arguments)

        return shown

    return decorate


def conditions():
    """Where and when the figures of this page were measured, or that they were not."""
    speed = results("speed")
    if speed is None:
        return say(
            "**No results are here yet.** `make bench` measures them; the figures appear when the book is built again."
        )
    machine, versions = speed["machine"], speed["versions"]
    absent = sorted({name for one in speed["epochs"] for name in one["absent"]})
    return say(
        f"Measured on {speed['date']} on {machine['cpu']} with {machine['threads']} threads, PyTorch {versions['torch']}, "
        f"Python {versions['python']}, in one run; images: {speed['data']}.",
        *(f"{NAMES[name]} was not installed and is missing." for name in absent),
    )


@from_results("speed")
def side_by_side(speed: dict, net: str, batch: int):
    """Images per second of every contender."""
    one = next((r for r in speed["epochs"] if (r["net"], r["batch"]) == (net, batch)), None)
    if one is None:
        return None
    rates = {NAMES[name]: rate for name, rate in one["images_per_second"].items()}
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    return plots.bars(
        rates,
        y="images per second",
        form="{:,.0f}",
        description=f"Training images per second, {net} network, batches of {batch}: {told}.",
    )


@from_results("speed")
def ratios(speed: dict):
    """How much faster fit is, and how much of the machine it uses."""
    said = []
    for one in speed["epochs"]:
        seconds = one["seconds"]
        others = " and ".join(
            f"{seconds[name] / seconds['fit']:.1f} times {NAMES[name]}"
            for name in ("tutorial", "pythae")
            if name in seconds
        )
        said.append(
            f"- {one['net']}, batches of {one['batch']}: {others}; {one['share_of_peak']['fit']:.0%} of the "
            f"{one['peak_gflops']:.0f} GFLOP/s that a matrix product reached in the same minutes; "
            f"{seconds['fit'] / seconds['plain'] - 1:+.1%} time compared with the bare loop. "
            f"Over the rounds an epoch of it took {min(one['rounds']['fit']):.2f} to {max(one['rounds']['fit']):.2f} s, one of "
            f"the tutorial loop {min(one['rounds']['tutorial']):.2f} to {max(one['rounds']['tutorial']):.2f} s."
        )
    return say("\n".join(said))


@from_results("speed")
def parts(speed: dict):
    """What one training step is made of."""
    rows = []
    for one in speed["parts"]:
        ms = one["ms"]
        whole = ms["gradients"] + ms["optimizer"] + ms["batch"]
        rows.append(
            [f"{one['batch']:,}", f"{whole:.2f} ms"]
            + [
                f"{value:.2f} ms, {value / whole:.0%}"
                for value in (
                    ms["products"],
                    ms["gradients"] - ms["products"],
                    ms["optimizer"],
                    ms["batch"],
                )
            ]
        )
    return Table(
        "One training step of the dense VAE; each part measured alone",
        ["batch", "whole", "matrix products", "rest of gradients", "optimiser", "indexing"],
        rows,
    )


@from_results("speed")
def ceiling(speed: dict):
    """How fast a loop would be of which nothing is left but the matrix products."""
    one, step = next(
        (r, p)
        for r in speed["epochs"]
        for p in speed["parts"]
        if r["net"] == "dense" and r["batch"] == p["batch"]
    )
    products = one["images"] / one["batch"] * step["ms"]["products"] / 1e3
    others = " and ".join(
        f"{one['seconds'][name] / products:.1f} times as fast as {NAMES[name]}"
        for name in ("tutorial", "pythae")
        if name in one["seconds"]
    )
    return say(
        f"The {step['products']} matrix products of a step are what any loop around this model has to compute. An epoch of them alone, in "
        f"batches of {one['batch']}, takes {products:.2f} s on this machine, so that a loop in which everything else cost nothing would be "
        f"{others}. `train.fit` takes {one['seconds']['fit']:.2f} s."
    )


def targets(name: str = "speed"):
    """What a benchmark looks after, and whether this run kept it."""
    found = results(name)
    return (
        None
        if found is None
        else Table(
            PROMISES[name],
            ["promise", "measured", "bound", ""],
            [
                [
                    one["what"],
                    f"{one['figure']:.3g}",
                    f"at {'least' if one['at_least'] else 'most'} {one['bound']:g}",
                    "held" if one["holds"] else "missed",
                ]
                for one in found["targets"]
            ],
        )
    )


@from_results("speed")
def in_a_row(speed: dict):
    """Seconds of each epoch of one training, with the bare loop and with fit."""
    seconds = speed["in_a_row"]["seconds"]
    told = "; ".join(
        f"{NAMES[name]} {', '.join(f'{s:.2f}' for s in each)}" for name, each in seconds.items()
    )
    return plots.curves(
        {NAMES[name]: (list(range(1, len(each) + 1)), each) for name, each in seconds.items()},
        x="epoch of one training",
        y="seconds",
        description=f"Seconds of each epoch of one training: {told}.",
    )


@from_results("speed")
def too_small(speed: dict):
    """How much slower the later epochs of the bare loop are, and how many moments are subnormal by then."""
    row = speed["in_a_row"]
    later = {name: each[-1] / each[0] for name, each in row["seconds"].items()}
    return say(
        f"In the last of these epochs the bare loop took {later['plain']:.2f} times as long as in the first, `train.fit` "
        f"{later['fit']:.2f} times. By then {row['subnormal'][-1]:.0%} of the bare loop's first moments were subnormal."
    )


@from_results("speed")
def memory(speed: dict):
    """Peak memory of each contender."""
    used = {NAMES[name]: peak / 1e6 for name, peak in speed["memory"].items()}
    told = ", ".join(f"{name} {value:,.0f}" for name, value in used.items())
    return plots.bars(
        used,
        y="peak memory of the process, MB",
        form="{:,.0f}",
        description=f"Peak memory in megabytes of a process that loads the images and trains one epoch: {told}.",
    )


@from_results("speed")
def growth(speed: dict, what: str):
    """Seconds per epoch against one size, on logarithmic axes."""
    points = speed["growth"][what]
    sizes, seconds = [p[what] for p in points], [p["seconds"] for p in points]
    fixed = ", ".join(f"{name} {points[0][key]:,}" for key, name in GROWTH.items() if key != what)
    return plots.curves(
        {"": (sizes, seconds)},
        x=f"{GROWTH[what]} ({fixed})",
        y="seconds per epoch",
        log_x=True,
        log_y=True,
        ticks=sizes,
        description=f"Seconds per epoch as {GROWTH[what]} goes from {sizes[0]:,} to {sizes[-1]:,}: "
        f"from {seconds[0]:.2f} to {seconds[-1]:.2f}.",
    )


@from_results("speed")
def growth_of_memory(speed: dict):
    """Peak memory against the bytes of the images."""
    points = speed["growth"]["images"]
    size, peak = [p["bytes"] / 1e6 for p in points], [p["peak"] / 1e6 for p in points]
    slope = (peak[-1] - peak[0]) / (size[-1] - size[0])
    return plots.curves(
        {"peak memory": (size, peak), "the images alone": (size, size)},
        x="images, MB",
        y="MB",
        description=f"Peak memory against the bytes of the images: {slope:.2f} bytes more for each byte of images.",
    )


@from_results("speed")
def likelihood(speed: dict):
    """-log p(x) against seconds of training."""
    lines = {
        NAMES[name]: ([p["seconds"] for p in points], [p["nats"] for p in points])
        for name, points in speed["likelihood"].items()
    }
    told = "; ".join(
        f"{NAMES[name]} {points[-1]['nats']:.1f} after {points[-1]['seconds']:.0f} s"
        for name, points in speed["likelihood"].items()
    )
    return plots.curves(
        lines,
        x="seconds of training",
        y="-log p(x), nats per image",
        log_x=True,
        description=f"Negative log-likelihood of held-out images against training time; lower is better: {told}.",
    )


@from_results("page")
def in_the_browser(page: dict):
    """Where and when the interactive figures were measured."""
    return say(
        f"Measured on {page['date']} on {page['machine']['cpu']} with {page['machine']['cores']} cores, in {page['browser']} without "
        "a graphics card, from files and offline."
    )


@from_results("page")
def decodes(page: dict):
    """What one decode takes in each interactive figure, and how exact it is."""
    return Table(
        "One decode in the page, from the first on",
        ["figure", "network", "mean", "median", "95 of 100", "furthest from PyTorch"],
        [
            [
                row["figure"],
                row["network"],
                f"{row['mean_ms']:.2f} ms",
                f"{row['median_ms']:.1f} ms",
                f"{row['p95_ms']:.1f} ms",
                f"{row['difference']:.2f} / 255",
            ]
            for row in page["decodes"]
        ],
    )


@from_results("page")
def loading(page: dict):
    """What each interactive figure weighs, and how soon it is there."""
    return Table(
        "Weight of each figure, and the time until a page that holds nothing else is ready",
        ["figure", "weight", "ready after"],
        [
            [row["figure"], f"{row['kB']:.0f} kB", f"{row['ready_ms']:.0f} ms"]
            for row in page["loading"]
        ],
    )


@from_results("page")
def frames(page: dict):
    """How many frames a second are drawn while a reader moves something at each of them."""
    return Table(
        "Two seconds with a move at every frame",
        ["figure", "screen", "frames per second", "later than 1/50 s", "work per frame"],
        [
            [
                row["figure"],
                _screen(row),
                f"{row['per_second']:.1f} ({row['at_rest']:.1f} at rest)",
                f"{row['late']:.0%}",
                f"{row['work_ms']:.1f} ms ({row['script_ms']:.1f} of it script)",
            ]
            for row in page["frames"]
        ],
    )


@from_results("page")
def playground(page: dict):
    """How long the playground's default model trains."""
    return Table(
        f"{page['training'][0]['epochs']} epochs of the playground's default model",
        ["screen", "after pressing Train", "computed at once"],
        [
            [_screen(row), f"{row['seen_s']:.1f} s", f"{row['computed_s']:.1f} s"]
            for row in page["training"]
        ],
    )


def _screen(row: dict) -> str:
    return f"{row['width']} px" + (
        "" if row["slowdown"] == 1 else f", slowed {row['slowdown']} times"
    )

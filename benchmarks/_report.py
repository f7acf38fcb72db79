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
NAMES = {"tutorial": "tutorial loop", "pythae": "pythae's trainer", "plain": "bare loop", "fit": "train.fit", "bf16": "train.fit, bf16"}
GROWTH = {"images": "images", "latent": "code size", "width": "hidden width", "batch": "batch size"}


class Table:
    """An HTML table: a caption, column titles and rows of texts."""

    def __init__(self, caption: str, titles: list[str], rows: list[list[str]]):
        self.caption, self.titles, self.rows = caption, titles, rows

    def _repr_html_(self) -> str:
        def cells(tag: str, values: list[str]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(value)}</{tag}>" for value in values) + "</tr>"
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
        return say("**No results are here yet.** `make bench` measures them; the figures appear when the book is built again.")
    machine, versions = speed["machine"], speed["versions"]
    absent = sorted({name for one in speed["epochs"] for name in one["absent"]})
    return say(f"Measured on {speed['date']} on {machine['cpu']} with {machine['threads']} threads, PyTorch {versions['torch']}, "
               f"Python {versions['python']}, in one run; images: {speed['data']}.",
               *(f"{NAMES[name]} was not installed and is missing." for name in absent))


@from_results("speed")
def side_by_side(speed: dict, net: str, batch: int):
    """Images per second of every contender."""
    one = next((r for r in speed["epochs"] if (r["net"], r["batch"]) == (net, batch)), None)
    if one is None:
        return None
    rates = {NAMES[name]: rate for name, rate in one["images_per_second"].items()}
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    return plots.bars(rates, y="images per second", form="{:,.0f}",
                      description=f"Training images per second, {net} network, batches of {batch}: {told}.")


@from_results("speed")
def ratios(speed: dict):
    """How much faster fit is, and how much of the machine it uses."""
    said = []
    for one in speed["epochs"]:
        seconds = one["seconds"]
        others = " and ".join(f"{seconds[name] / seconds['fit']:.1f} times {NAMES[name]}" for name in ("tutorial", "pythae") if name in seconds)
        said.append(f"- {one['net']}, batches of {one['batch']}: {others}; {one['share_of_peak']['fit']:.0%} of the "
                    f"{one['peak_gflops']:.0f} GFLOP/s that a matrix product reached in the same minutes; "
                    f"{seconds['fit'] / seconds['plain'] - 1:+.1%} time compared with the bare loop. "
                    f"Over the rounds an epoch of it took {min(one['rounds']['fit']):.2f} to {max(one['rounds']['fit']):.2f} s, one of "
                    f"the tutorial loop {min(one['rounds']['tutorial']):.2f} to {max(one['rounds']['tutorial']):.2f} s.")
    return say("\n".join(said))


@from_results("speed")
def targets(speed: dict):
    """What the training engine promises, and whether this run kept it."""
    return Table("What the training engine promises, and what this run measured", ["promise", "measured", "bound", ""],
                 [[one["what"], f"{one['figure']:.3g}", f"at {'least' if one['at_least'] else 'most'} {one['bound']:g}",
                   "held" if one["holds"] else "missed"] for one in speed["targets"]])


@from_results("speed")
def memory(speed: dict):
    """Peak memory of each contender."""
    used = {NAMES[name]: peak / 1e6 for name, peak in speed["memory"].items()}
    told = ", ".join(f"{name} {value:,.0f}" for name, value in used.items())
    return plots.bars(used, y="peak memory of the process, MB", form="{:,.0f}",
                      description=f"Peak memory in megabytes of a process that loads the images and trains one epoch: {told}.")


@from_results("speed")
def growth(speed: dict, what: str):
    """Seconds per epoch against one size, on logarithmic axes."""
    points = speed["growth"][what]
    sizes, seconds = [p[what] for p in points], [p["seconds"] for p in points]
    fixed = ", ".join(f"{name} {points[0][key]:,}" for key, name in GROWTH.items() if key != what)
    return plots.curves({"": (sizes, seconds)}, x=f"{GROWTH[what]} ({fixed})", y="seconds per epoch", log_x=True, log_y=True, ticks=sizes,
                        description=f"Seconds per epoch as {GROWTH[what]} goes from {sizes[0]:,} to {sizes[-1]:,}: "
                                    f"from {seconds[0]:.2f} to {seconds[-1]:.2f}.")


@from_results("speed")
def growth_of_memory(speed: dict):
    """Peak memory against the bytes of the images."""
    points = speed["growth"]["images"]
    size, peak = [p["bytes"] / 1e6 for p in points], [p["peak"] / 1e6 for p in points]
    slope = (peak[-1] - peak[0]) / (size[-1] - size[0])
    return plots.curves({"peak memory": (size, peak), "the images alone": (size, size)}, x="images, MB", y="MB",
                        description=f"Peak memory against the bytes of the images: {slope:.2f} bytes more for each byte of images.")


@from_results("speed")
def likelihood(speed: dict):
    """-log p(x) against seconds of training."""
    lines = {NAMES[name]: ([p["seconds"] for p in points], [p["nats"] for p in points]) for name, points in speed["likelihood"].items()}
    told = "; ".join(f"{NAMES[name]} {points[-1]['nats']:.1f} after {points[-1]['seconds']:.0f} s" for name, points in speed["likelihood"].items())
    return plots.curves(lines, x="seconds of training", y="-log p(x), nats per image", log_x=True,
                        description=f"Negative log-likelihood of held-out images against training time; lower is better: {told}.")


@from_results("published")
def published(found: dict):
    """Figures of the literature beside this course's own."""
    return Table(f"Published figures, and the same quantity measured here on {found['date']}", ["what", "measured", "training", "published"],
                 [[row["what"], f"{row['figure']:.2f} ± {row['standard_error']:.2f} {row['unit']}".strip(),
                   "" if row["seconds"] is None else f"{row['seconds']:.0f} s", row["published"]] for row in found["rows"]])

"""Figures. Each function returns one; it shows itself in a notebook as SVG and carries its description in words.

The SVG takes its text colour from the page around it, so that the same figure is readable in light and dark. Series
have mid-tone colours that stand out on both. `figure` is the start of every one, also of a figure of your own.
"""

from __future__ import annotations

import html
import io
import itertools
import re
from typing import Any

import matplotlib
import numpy as np
import torch
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as _Figure
from matplotlib.lines import Line2D
from matplotlib.patches import ConnectionPatch, FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from torch import Tensor

from aecourse import require

BLUE, ORANGE, GREEN, PURPLE, RED, GREY = (
    "#3f86dd",
    "#dc7a1f",
    "#2f9f6e",
    "#9a66d8",
    "#d9525c",
    "#8a9099",
)
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
DIGITS = (
    "#3f86dd",
    "#dc7a1f",
    "#2f9f6e",
    "#d9525c",
    "#9a66d8",
    "#a9743f",
    "#e069b1",
    "#8a9099",
    "#a8a81e",
    "#1fb1c1",
)
MARKERS = "oxs^v*DP+<"
DASHES = (
    "-",
    "--",
    "-.",
    ":",
)  # where there are more series than colours, the next round has other dashes
INK = "#010203"  # stands for the page's own text colour
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=SERIES),
}


class Figure(_Figure):
    """A matplotlib figure with a description in words, shown as SVG in the colours of the page."""

    description: str = ""

    def svg(self) -> str:
        """The figure as an inline SVG element, described for a reader who does not see it."""
        if not self.description:
            raise ValueError(
                "description: got nothing; every figure of the course says in words what it shows"
            )
        buffer = io.StringIO()
        with matplotlib.rc_context(STYLE):
            self.savefig(
                buffer, format="svg", metadata={"Date": None}, bbox_inches="tight", pad_inches=0.05
            )
        text = buffer.getvalue()
        text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
        text = re.sub(
            r' id="(figure|axes|patch|line2d|text|xtick|ytick|matplotlib|PathCollection|QuadMesh|legend|'
            r'LineCollection|FillBetween\w*)_?[\w.]*"',
            "",
            text,
        )
        text = (
            text.replace(INK, "currentColor")
            .replace("'sans-serif'", "sans-serif")
            .replace("DejaVu Sans", "inherit")
        )
        width = float(re.findall(r'width="([\d.]+)pt"', text)[0]) * 96 / 72
        label = html.escape(self.description, quote=True)
        text = re.sub(
            r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL
        )  # would style the whole page
        style = (
            f"width:100%;min-width:{min(width, max(320, width / 2)):.0f}px;max-width:{width:.0f}px;height:auto;fill:currentColor;"
            "stroke-linejoin:round;stroke-linecap:butt"
        )
        return text.replace("<svg", f'<svg role="img" aria-label="{label}" style="{style}"', 1)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {
            "text/html": f'<figure class="aecourse-figure" style="margin:0.8em 0;overflow-x:auto">{self.svg()}</figure>',
            "text/plain": f"Figure: {self.description}",
        }


def figure(
    description: str,
    *,
    rows: int = 1,
    columns: int = 1,
    width: float = 7.0,
    height: float = 3.2,
    **options,
) -> tuple[Figure, Any]:
    """A new figure and its axes (one, or an array of them), in the course's style.

    description: what a reader sees, in words; required. width, height in inches; further options go to
    matplotlib's `Figure.subplots`.
    """
    if not isinstance(description, str) or not description.strip():
        raise ValueError(
            f"description: got {require.described(description)}; accepted is a sentence that says what the figure shows"
        )
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(fig)
        fig.description = description
        return fig, fig.subplots(rows, columns, **options)


def images(
    x: Tensor, *, columns: int = 10, description: str, titles=None, scale: float = 0.55
) -> Figure:
    """A grid of images x [N, C, H, W] in [0, 1], row by row: grey or in colour, as in `rows`."""
    return rows({"": x}, columns=columns, description=description, titles=titles, scale=scale)


def rows(
    named: dict[str, Tensor],
    *,
    description: str,
    columns: int | None = None,
    titles=None,
    scale: float = 0.62,
    framed: bool = False,
) -> Figure:
    """One labelled row of images per entry: name -> [N, C, H, W] in [0, 1], all of the same size.

    C is 1 (grey, also as [N, H, W]) or 3 (red, green, blue). columns: breaks a row after so many images.
    titles: one text above each column. scale: inches per image. framed: a thin grey line around each image, where white
    or black at its border would be lost on a page of that colour.
    """
    lines, labels = [], []
    for name, x in _series(named).items():
        x = _pictures(name or "x", x)
        step = len(x) if columns is None else require.integer("columns", columns)
        for start in range(0, len(x), step):
            lines.append(x[start : start + step])
            labels.append(name if start == 0 else "")
    wide, sizes = max(map(len, lines)), {line.shape[1:3] for line in lines}
    if len(sizes) > 1:
        came = " and ".join("%d x %d" % size for size in sorted(sizes))
        raise ValueError(f"named: got images of the sizes {came}; accepted is one size")
    ((height, width),) = sizes
    if titles is not None and len(titles) > wide:
        raise ValueError(
            f"titles: got {len(titles)} for {wide} columns; accepted is one for each column"
        )
    scale = min(scale, 6.2 / wide)  # wider, and the labels would shrink with the page
    gap = max(1, height // 14)
    canvas = np.full(
        (len(lines) * (height + gap) - gap, wide * (width + gap) - gap, 4), 0.0, dtype=np.float32
    )
    for r, line in enumerate(lines):
        for c, image in enumerate(line):
            top, left = r * (height + gap), c * (width + gap)
            (
                canvas[top : top + height, left : left + width, :3],
                canvas[top : top + height, left : left + width, 3],
            ) = image, 1
    fig, ax = figure(
        description,
        width=scale * wide + (1.1 if any(labels) else 0),
        height=scale * len(lines) * height / width + 0.3 * bool(titles),
    )
    ax.imshow(canvas, interpolation="none")
    for r, line in enumerate(lines if framed else ()):
        for c in range(len(line)):
            corner = c * (width + gap) - 0.5, r * (height + gap) - 0.5
            ax.add_patch(Rectangle(corner, width, height, fill=False, color=GREY, linewidth=0.8))
    ax.set_yticks([r * (height + gap) + height / 2 for r in range(len(lines))], labels)
    ax.set_xticks([])
    if titles is not None:
        ax.set_xticks([c * (width + gap) + width / 2 for c in range(len(titles))], titles)
        ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return fig


def _level(ax, level: float, name: str) -> None:
    """Draws a dashed level across the axes, with its name above its right end."""
    ax.axhline(level, color=GREY, linestyle="--", linewidth=1.4)
    ax.annotate(
        name,
        (1, level),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=9,
        color=INK,
    )


def curves(
    named: dict[str, tuple],
    *,
    x: str,
    y: str,
    description: str,
    log_x: bool = False,
    log_y: bool = False,
    bands: dict[str, tuple] | None = None,
    lines: dict[str, float] | None = None,
    ticks=None,
    width: float = 6.4,
    height: float = 3.2,
) -> Figure:
    """Lines through points: name -> (xs, ys). bands: name -> (xs, low, high), shaded. lines: name -> a level, dashed."""
    fig, ax = figure(description, width=width, height=height)
    for i, (name, (xs, ys)) in enumerate(_series(named).items()):
        xs, ys = _together(name, xs, ys)
        ax.plot(
            xs,
            ys,
            color=SERIES[i % len(SERIES)],
            marker=MARKERS[i % len(MARKERS)] if len(xs) < 30 else None,
            linestyle=DASHES[i // len(SERIES) % len(DASHES)],
            markersize=5,
            label=name,
        )
    for name, (xs, low, high) in (bands or {}).items():
        require.choice("bands", name, named)
        xs, low, high = _together(name, xs, low, high)
        ax.fill_between(
            xs,
            low,
            high,
            color=SERIES[list(named).index(name) % len(SERIES)],
            alpha=0.18,
            linewidth=0,
        )
    for name, level in (lines or {}).items():
        _level(ax, level, name)
    if log_x:
        ax.set_xscale("log", base=2)
        _plain_numbers(ax.xaxis)
    if log_y:
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        if high / low < 100:  # powers of ten alone would leave the axis with one number or none
            ax.yaxis.set_major_locator(
                LogLocator(subs=(1, 2, 5) if high / low > 10 else (1, 2, 3, 5))
            )
            ax.yaxis.set_minor_formatter(NullFormatter())
            _plain_numbers(ax.yaxis)
    if not log_x and all(np.issubdtype(_array(xs).dtype, np.integer) for xs, _ in named.values()):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if ticks is not None:
        ax.set_xticks(ticks, [f"{t:,g}" for t in ticks])
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel=x, ylabel=y)
    if len(named) > 1 or list(named) != [""]:
        ax.legend(frameon=False)
    return fig


def _plain_numbers(axis) -> None:
    """Numbers on a logarithmic axis as one writes them, 16 rather than 2 to the power of 4, where they are not too long."""
    low, high = sorted(axis.get_view_interval())
    if low >= 1e-3 and high <= 1e5:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def history(
    run,
    *,
    terms: list[str] | None = None,
    y: str = "nats per image",
    description: str | None = None,
    apart: bool = False,
    lines: dict[str, float] | None = None,
) -> Figure:
    """Each term of a training run's loss against the epoch.

    apart: every term on an axis of its own, side by side, where one of them would be a thin line beside the others.
    lines: term -> its level before training, dashed (only with apart=True).
    """
    terms = [require.choice("terms", term, run.terms) for term in terms or run.terms]
    epochs = np.arange(1, run.epochs + 1)
    told = description or "Training curves. " + " ".join(
        f"{name} goes from {run[name][0]:.1f} to {run[name][-1]:.1f}." for name in terms
    )
    if apart:
        return _apart(run, terms, epochs, y, told, lines or {})
    return curves(
        {name.replace("_", " "): (epochs, run[name]) for name in terms},
        x="epoch",
        y=y,
        description=told,
    )


def _apart(run, terms: list[str], epochs, y: str, told: str, lines: dict[str, float]) -> Figure:
    fig, axes = figure(told, columns=len(terms), width=3.3 * len(terms), height=2.7, squeeze=False)
    for ax, name, color in zip(axes[0], terms, itertools.cycle(SERIES)):
        ax.plot(epochs, run[name], color=color, marker="o", markersize=4)
        if name in lines:
            _level(ax, lines[name], "before training")
        ax.set(title=name.replace("_", " "), xlabel="epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0][0].set(ylabel=y)
    return fig


def hourglass(
    widths: list[int], *, description: str, names: dict[int, str] | None = None, height: float = 2.3
) -> Figure:
    """The shape of a network: one column per layer, as tall as the logarithm of its width, with the width below.

    names: the place of a layer -> a word written above it.
    """
    fig, ax = figure(description, height=height)
    widths = list(require.sizes("widths", widths, empty=False))
    tall = np.log2(np.asarray(widths, dtype=float)) + 1
    narrow = int(np.argmin(tall))
    for i, (width, size) in enumerate(zip(widths, tall)):
        ax.add_patch(
            FancyBboxPatch(
                (i - 0.22, -size / 2),
                0.44,
                size,
                boxstyle="round,pad=0,rounding_size=0.1",
                linewidth=0,
                facecolor=ORANGE if i == narrow else BLUE,
            )
        )
        ax.annotate(
            f"{width}",
            (i, -size / 2),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            color=INK,
        )
        if names and i in names:
            ax.annotate(
                names[i],
                (i, size / 2),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                color=INK,
            )
        if i:
            ax.fill_between(
                [i - 1 + 0.24, i - 0.24],
                [tall[i - 1] / 2, size / 2],
                [-tall[i - 1] / 2, -size / 2],
                color=GREY,
                alpha=0.22,
                linewidth=0,
            )
    ax.set(xlim=(-0.6, len(widths) - 0.4), ylim=(-max(tall) / 2 - 2, max(tall) / 2 + 2))
    ax.set_axis_off()
    return fig


BOW = 0.5  # of an arrow that runs back: its depth as a share of half its length


def graph(
    panels: dict[str, tuple[dict, list]],
    *,
    description: str,
    chance: tuple[str, ...] = (),
    width: float = 5.0,
    height: float = 3.0,
) -> Figure:
    """What is computed from what, one drawing below the other, and the way of the gradient back.

    panels   title -> (nodes, arrows). nodes: name -> (x, y), its place. arrows: (from, to), or (from, to, kind) with the
             kind "gradient" for one that runs back, dashed, or "cut" for one that does not arrive, dashed with a cross.
    chance   the nodes in which a random number is drawn, in another colour.
    """
    across = [x for nodes, _ in panels.values() for x, _ in nodes.values()]
    levels = [[y for _, y in nodes.values()] for nodes, _ in panels.values()]
    fig, axes = figure(
        description,
        rows=len(panels),
        width=width,
        height=height,
        squeeze=False,
        height_ratios=[max(ys) - min(ys) + 1.2 for ys in levels],
    )
    for ax, ys, (title, (nodes, arrows)) in zip(axes[:, 0], levels, panels.items()):
        boxes = {}
        for name, place in nodes.items():
            tint = ORANGE if name in chance else BLUE
            frame = {"boxstyle": "round,pad=0.45", "facecolor": tint + "40", "edgecolor": tint}
            text = ax.annotate(name, place, ha="center", va="center", color=INK, bbox=frame)
            boxes[name] = text.get_bbox_patch()
        for start, end, *kind in arrows:
            (x1, y1), (x2, y2) = (
                nodes[require.choice("arrows", name, nodes)] for name in (start, end)
            )
            how = require.choice("arrows", kind[0], ("gradient", "cut")) if kind else ""
            style = {
                "arrowstyle": "->",
                "color": RED if how else INK,
                "linestyle": "--" if how else "-",
                "linewidth": 1.5,
                "patchA": boxes[start],
                "patchB": boxes[end],
                "shrinkA": 3,
                "shrinkB": 3,
                "connectionstyle": f"arc3,rad={-BOW if how else 0}",
            }
            ax.annotate("", (x2, y2), (x1, y1), arrowprops=style)
            if how == "cut":  # where the bow of the arrow is deepest
                lowest = (y1 + y2) / 2 - BOW / 2 * abs(x1 - x2)
                ax.plot((x1 + x2) / 2, lowest, "x", color=RED, markersize=9, markeredgewidth=2)
        ax.set(
            title=title,
            aspect="equal",
            xlim=(min(across) - 0.5, max(across) + 0.5),
            ylim=(min(ys) - 0.8, max(ys) + 0.4),
        )
        ax.set_axis_off()
    return fig


def steps(
    panels: dict[str, Tensor],
    *,
    there: str,
    back: str = "",
    description: str,
    width: float = 7.0,
    height: float = 2.2,
) -> Figure:
    """Images in a row, each title above its own, with the way from one to the next as arrows between them.

    panels   title -> an image [C, H, W] in [0, 1], at least two
    there    what leads to the right, in words below the row
    back     what leads back to the left, if anything does
    """
    pictures = [_pictures(f"panels[{title!r}]", x[None])[0] for title, x in panels.items()]
    if len(pictures) < 2:
        raise ValueError(f"panels: got {len(pictures)}; accepted are at least two images")
    fig, axes = figure(
        description, columns=len(pictures), width=width, height=height, gridspec_kw={"wspace": 0.14}
    )
    for ax, title, picture in zip(axes, panels, pictures):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
        ax.set_title(title, loc="center")
        ax.set_axis_off()
    ways = {f"\u2192 {there}": (BLUE, 0.62)}
    if back:
        ways[f"\u2190 {back}"] = (ORANGE, 0.38)
    for pair in zip(axes, axes[1:]):
        for color, level in ways.values():
            ends = [((1.04, level), pair[0]), ((-0.04, level), pair[1])]
            (start, first), (end, last) = ends if color == BLUE else ends[::-1]
            arrow = ConnectionPatch(
                start, end, "axes fraction", "axes fraction", axesA=first, axesB=last
            )
            arrow.set(arrowstyle="-|>", color=color, linewidth=1.8, mutation_scale=10)
            arrow.set_in_layout(False)
            fig.add_artist(arrow)
    marks = [Line2D([], [], color=color, linewidth=1.8) for color, _ in ways.values()]
    labels = {"frameon": False, "labelcolor": INK, "handlelength": 1.2}
    fig.legend(marks, list(ways), loc="outside lower center", ncols=2, **labels)
    return fig


def pushes(
    f, theta: float, *, description: str, draws: int = 10, width: float = 7.0, height: float = 3.9
) -> Figure:
    """How single draws of z ~ N(theta, 1) push theta so that the mean of `f` rises, by two estimators side by side.

    f       [N] -> [N], smooth
    draws   that many, one from each equal share of the distribution, sorted

    Left the pathwise estimate, f'(z); right the score function, f(z) (z - theta), the area of a dot being the size of
    f(z). All arrows have one scale; below them, their mean.
    """
    theta, draws = float(theta), require.integer("draws", draws, low=2)
    shares = (torch.arange(draws, dtype=torch.float64) + 0.5) / draws
    z = (theta + torch.distributions.Normal(0.0, 1.0).icdf(shares)).requires_grad_()
    values = f(z)
    (slope,) = torch.autograd.grad(values.sum(), z)
    z, values = z.detach(), values.detach()
    panels = {
        "pathwise: the slope of f there": (slope, None),
        "score function: to the draw, times f": (values * (z - theta), values),
    }
    longest = max(float(push.abs().max()) for push, _ in panels.values())
    scale = 3.0 / longest if longest > 0 else 1.0
    reach = [float(place + scale * p) for push, _ in panels.values() for place, p in zip(z, push)]
    low, high = min([*z.tolist(), *reach]) - 0.5, max([*z.tolist(), *reach]) + 0.5
    fig, axes = figure(description, columns=2, width=width, height=height, sharex=True, sharey=True)
    bell = np.linspace(low, high, 200)
    top = draws + 0.3
    for ax, (title, (push, weight)) in zip(axes, panels.items()):
        ax.plot(bell, top + 2.6 * np.exp(-np.square(bell - theta) / 2), color=GREY, linewidth=1.6)
        ax.plot([theta, theta], [-1.5, top + 2.6], ":", color=INK, linewidth=1.2)
        size = np.full(draws, 16.0)
        if weight is not None:
            size = 6 + 110 * _array(weight.abs() / weight.abs().max().clamp_min(1e-12))
        for row, (place, p) in enumerate(zip(z.tolist(), push.tolist())):
            _arrow(ax, (place, row), (place + scale * p, row), BLUE, 1.8)
        ax.scatter(z, range(draws), s=size, color=BLUE, linewidths=0, alpha=0.55)
        mean = float(push.mean())
        _arrow(ax, (theta, -1.5), (theta + scale * mean, -1.5), ORANGE, 3.0)
        ax.text(theta - 0.15, -1.5, f"mean {mean:.1f}", ha="right", va="center", color=INK)
        ax.set(title=title, xlabel="z", xlim=(low, high), ylim=(-2.3, top + 2.9), yticks=[])
        ax.set_xticks([theta], ["θ"])
        ax.grid(False)
        ax.spines["left"].set_visible(False)
    return fig


def _arrow(ax, start: tuple, end: tuple, color: str, width: float) -> None:
    style = {
        "arrowstyle": "-|>",
        "color": color,
        "linewidth": width,
        "shrinkA": 0,
        "shrinkB": 0,
        "mutation_scale": 4 + 3 * width,
    }
    ax.annotate("", end, start, arrowprops=style)


def scatter(
    points: Tensor,
    labels: Tensor,
    *,
    description: str,
    x: str = "z₁",
    y: str = "z₂",
    names=None,
    size: float = 4.6,
) -> Figure:
    """Points [N, 2], coloured and marked by their labels, whole numbers [N], with equal axes. names: of the classes."""
    places = _points("points", points)
    classes = _classes(labels, len(places))
    _names_fit(names, classes)
    rounds = -(-len(classes) // 15)
    fig, ax = figure(description, width=size + 0.4 + 0.5 * max(1, rounds), height=size)
    for label, chosen, style in classes:
        told = str(label) if names is None else names[label]
        ax.scatter(*places[chosen].T, s=9, label=told, rasterized=len(places) > 3000, **style)
    ax.set(xlabel=x, ylabel=y, aspect="equal")
    ax.legend(
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        markerscale=2,
        handletextpad=0.2,
        frameon=False,
        ncols=max(1, rounds),
    )
    return fig


def bars(
    named: dict[str, float],
    *,
    y: str,
    description: str,
    quiet: tuple[str, ...] = (),
    width: float = 5.6,
    height: float = 2.6,
    form: str = "{:.3g}",
) -> Figure:
    """One horizontal bar per entry, with its figure written beside it. quiet: the baselines among them, in grey."""
    fig, ax = figure(description, width=width, height=height)
    names = list(named)[::-1]
    drawn = ax.barh(
        names,
        [float(named[n]) for n in names],
        color=[GREY if n in quiet else BLUE for n in names],
        height=0.6,
    )
    ax.bar_label(drawn, [form.format(float(named[n])) for n in names], padding=4, color=INK)
    ax.set(xlabel=y)
    ax.margins(x=0.18)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.grid(axis="y", visible=False)
    return fig


def fields(
    named: dict[str, Tensor],
    at: Tensor,
    *,
    description: str,
    points: Tensor | None = None,
    walkers: dict[str, Tensor] | None = None,
    columns: int | None = None,
    scale: float = 1.0,
    size: float = 3.7,
) -> Figure:
    """Vector fields side by side: name -> arrows [N, 2] at the places `at` [N, 2], `scale` times their length.

    points    data [M, 2] behind the arrows, if any
    walkers   name -> points [M, 2] that differ from panel to panel; the data behind them are then grey, and the view
              ends where the arrows do
    columns   panels in a row; all of them where it is None
    """
    columns = min(require.integer("columns", columns or len(named)), len(named))
    lines = -(-len(named) // columns)
    fig, axes = figure(
        description,
        rows=lines,
        columns=columns,
        width=size * columns,
        height=(size + 0.1) * lines,
        squeeze=False,
    )
    for ax in axes.flat[len(named) :]:
        ax.set_axis_off()
    for ax, (name, field) in zip(axes.flat, named.items()):
        places, arrows = _together(name, _points("at", at), _points(name, field, finite=False))
        if points is not None:
            ax.scatter(
                *_points("points", points).T,
                s=2,
                color=ORANGE if walkers is None else GREY,
                linewidths=0,
            )
        if walkers is not None:
            moving = walkers[require.choice("walkers", name, walkers)]
            ax.scatter(*_points(name, moving).T, s=5, color=ORANGE, linewidths=0)
            low, high = places.min(0), places.max(0)
            margin = 0.06 * (high - low)
            ax.set(
                xlim=(low[0] - margin[0], high[0] + margin[0]),
                ylim=(low[1] - margin[1], high[1] + margin[1]),
            )
        ax.quiver(
            *places.T,
            *arrows.T,
            color=BLUE,
            angles="xy",
            scale_units="xy",
            scale=1 / scale,
            width=0.005,
        )
        ax.set(title=name, aspect="equal", xticks=[], yticks=[])
        ax.grid(False)
    return fig


def origins(
    named: dict[str, list[float] | Tensor],
    points: Tensor,
    sigma: float,
    *,
    description: str,
    size: float = 3.4,
) -> Figure:
    """Clean points that noisy ones may come from, one panel for each noisy point: name -> its place [2].

    points [N, 2] are the clean ones, grey, and orange as far as they are probable origins under Gaussian noise of
    standard deviation `sigma`. A cross marks the noisy point, an arrow leads to the mean of its origins (Bayes' rule).
    """
    sigma = require.number("sigma", sigma, low=0, above=True)
    clean = _points("points", points)
    arrow = {"arrowstyle": "-", "color": BLUE, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    fig, axes = _squares(description, named, size)
    for ax, (name, place) in zip(axes[0], named.items()):
        (noisy,) = _points(name, _array(place)[None])
        distance = np.square(clean - noisy).sum(1)
        share = np.exp((distance.min() - distance) / (2 * sigma**2))
        mean = share @ clean / share.sum()
        ax.scatter(*clean.T, s=3, color=GREY, alpha=0.5, linewidths=0, rasterized=True)
        ax.scatter(*clean.T, s=8, color=ORANGE, alpha=share, linewidths=0, rasterized=True)
        ax.annotate("", mean, noisy, arrowprops=arrow)
        ax.plot(*noisy, "x", color=INK, markersize=8, markeredgewidth=2)
        ax.plot(*mean, "o", color=BLUE, markersize=6)
        ax.set(title=name, aspect="equal", xticks=[], yticks=[])
        ax.grid(False)
    return fig


def _squares(description: str, named: dict, size: float) -> tuple[Figure, Any]:
    """One square panel of the same plane for each of `named`, side by side."""
    return figure(
        description,
        columns=len(_series(named)),
        width=size * len(named),
        height=size,
        squeeze=False,
        sharex=True,
        sharey=True,
    )


def projections(
    named: dict[str, tuple],
    points: Tensor,
    *,
    description: str,
    marked: int = 40,
    size: float = 3.4,
) -> Figure:
    """Points of a plane and what a code of one number makes of them, one panel per method: name -> (curve [T, 2], places [N, 2]).

    points [N, 2] are grey, the curve of all that the method can draw is blue, and orange lines lead from the first `marked`
    points to their `places` on it.
    """
    cloud = _points("points", points)
    marked = require.integer("marked", marked)
    fig, axes = _squares(description, named, size)
    for ax, (name, (curve, places)) in zip(axes[0], named.items()):
        curve, places = _points(name, curve), _points(name, places)
        if len(places) != len(cloud):
            raise ValueError(
                f"{name}: got {len(places)} places for {len(cloud)} points; accepted is one each"
            )
        ways = np.stack([cloud[:marked], places[:marked]], 1)
        ax.scatter(*cloud.T, s=3, color=GREY, alpha=0.5, linewidths=0, rasterized=True)
        ax.plot(*curve.T, color=BLUE, linewidth=2.2)
        ax.plot(*ways.transpose(2, 1, 0), color=ORANGE, linewidth=1)
        ax.scatter(*cloud[:marked].T, s=9, color=ORANGE, linewidths=0)
        ax.set(title=name, aspect="equal", xticks=[], yticks=[])
        ax.grid(False)
    return fig


def intervals(
    named: dict[str, Tensor],
    at: list,
    *,
    x: str,
    y: str,
    description: str,
    baseline: str | None = None,
    width: float = 6.6,
    height: float = 3.2,
) -> Figure:
    """Mean and standard deviation over repetitions: name -> [len(at), repetitions], side by side at each of `at`.

    baseline: what the dashed line at 0 stands for, where there is one.
    """
    fig, ax = figure(description, width=width, height=height)
    if baseline is not None:
        ax.axhline(0, color=GREY, linestyle="--", linewidth=1.4, label=baseline)
    for i, (name, values) in enumerate(named.items()):
        values, aside = _table(name, values, len(at)), 0.6 / len(named) * (i - (len(named) - 1) / 2)
        spread = values.std(1, ddof=1) if values.shape[1] > 1 else None
        ax.errorbar(
            np.arange(len(at)) + aside,
            values.mean(1),
            spread,
            fmt=MARKERS[i % len(MARKERS)],
            markersize=5,
            color=SERIES[i % len(SERIES)],
            label=name,
            capsize=3,
            elinewidth=1.4,
        )
    ax.set_xticks(range(len(at)), [str(place) for place in at])
    ax.set(xlabel=x, ylabel=y)
    ax.grid(axis="x", visible=False)
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def clouds(
    named: dict[str, Tensor],
    labels: Tensor | None = None,
    *,
    description: str,
    columns: int = 3,
    names=None,
    size: float = 2.3,
) -> Figure:
    """Pictures of codes side by side: name -> points [N, 2], coloured and marked by their labels, whole
    numbers [N], where there are labels.

    The axes bear no figures, since only the points' places relative to each other are meant. names: of the classes.
    """
    pictures = {
        title: _points(title or "points", points) for title, points in _series(named).items()
    }
    if labels is not None:
        classes = _classes(labels, *{len(points) for points in pictures.values()})
        _names_fit(names, classes)
    lines, told = (
        -(-len(named) // require.integer("columns", columns)),
        0 if labels is None else -(-len(classes) // 10),
    )
    fig, axes = figure(
        description,
        rows=lines,
        columns=min(columns, len(named)),
        width=size * min(columns, len(named)) + 0.1,
        height=(size + 0.15) * lines + 0.2 * told + 0.15 * (told > 0),
        squeeze=False,
    )
    for ax in axes.flat[len(named) :]:
        ax.set_axis_off()
    for ax, (title, points) in zip(axes.flat, pictures.items()):
        if labels is None:
            ax.scatter(*points.T, s=6, color=DIGITS[0], linewidths=0)
        for label, chosen, style in classes if labels is not None else ():
            ax.scatter(
                *points[chosen].T, s=6, label=label if names is None else names[label], **style
            )
        ax.set(title=title, aspect="equal", adjustable="datalim", xticks=[], yticks=[])
        ax.grid(False)
    if labels is not None:
        fig.legend(
            *axes.flat[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=10,
            markerscale=2,
            handletextpad=0.1,
            columnspacing=1.2,
            frameon=False,
        )
    return fig


def rings(
    panels: dict[str, dict[str, list]],
    *,
    description: str,
    shade: tuple[Tensor, Tensor] | None = None,
    x: str = "z₁",
    y: str = "z₂",
    size: float = 2.4,
) -> Figure:
    """Closed curves in the plane, one panel per title: title -> {name: curves, each [N, 2]}, one colour per name.

    shade   places [H, W, 2] of a square grid and a density [H, W] there, drawn in grey behind every panel
    """
    fig, axes = figure(
        description,
        columns=len(_series(panels)),
        width=size * (len(panels) + (1.1 if len(panels) == 1 else 0.2)),
        height=size + 0.4,
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    for ax, (title, named) in zip(axes[0], panels.items()):
        if shade is not None:
            places, density = _array(shade[0]), _array(shade[1])
            ax.contourf(
                places[..., 0],
                places[..., 1],
                density,
                np.linspace(0.05, 1, 8) * density.max(),
                colors=[str(0.88 - 0.065 * i) for i in range(7)],
                extend="max",
            )
        for i, (name, curves) in enumerate(named.items()):
            for k, curve in enumerate(curves):
                ax.plot(
                    *_array(curve).T,
                    color=SERIES[i],
                    label=name if k == 0 else None,
                    lw=2.2 - 0.8 * k,
                )
        ax.set(title=title, xlabel=x, aspect="equal")
        if len(named) > 1:
            ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    axes[0, 0].set(ylabel=y)
    return fig


def ladder(*, description: str) -> Figure:
    """How one level and two levels of latents are encoded (first colour) and decoded (second), and where estimates merge."""
    fig, axes = figure(description, columns=2, width=7.2, height=3.3)
    up, down = SERIES[:2]
    image, drawn = ("image", (0, 0)), ("image\nagain", (2, 0))
    panels = {
        "one level": (
            [image, drawn, ("z₁", (1, 1))],
            [((0, 0), (1, 1), up, "q"), ((1, 1), (2, 0), down, "")],
        ),
        "two levels": (
            [
                image,
                drawn,
                ("estimate\nof z₁", (0, 1)),
                ("estimate\nof z₂", (0, 2)),
                ("merge", (1, 1)),
                ("z₁", (2, 1)),
                ("z₂", (2, 2)),
            ],
            [
                ((0, 0), (0, 1), up, ""),
                ((0, 1), (0, 2), up, ""),
                ((0, 2), (2, 2), up, "drawn first"),
                ((0, 1), (1, 1), up, ""),
                ((2, 2), (1, 1), down, "prediction\nof z₁"),
                ((1, 1), (2, 1), up, "q"),
                ((2, 1), (2, 0), down, ""),
            ],
        ),
    }
    for ax, (title, (boxes, arrows)) in zip(axes, panels.items()):
        ax.set(title=title, xlim=(-0.45, 2.45), ylim=(-0.35, 2.35))
        ax.axis("off")
        for text, place in boxes:
            ax.text(
                *place,
                text,
                ha="center",
                va="center",
                bbox={"boxstyle": "round", "fc": "none", "ec": "0.5"},
            )
        for start, end, color, text in arrows:
            ax.annotate(
                "",
                end,
                start,
                arrowprops={
                    "arrowstyle": "->",
                    "color": color,
                    "lw": 1.8,
                    "shrinkA": 22,
                    "shrinkB": 22,
                },
            )
            slanted = start[0] != end[0] and start[1] != end[1]
            ax.text(
                (start[0] + end[0]) / 2 - 0.12 * slanted,
                (start[1] + end[1]) / 2 + 0.07,
                text,
                ha="right" if slanted else "center",
                va="bottom",
                color=color,
            )
    return fig


def spreads(
    named: dict[str, Tensor],
    *,
    x: str,
    description: str,
    quiet: tuple[str, ...] = (),
    width: float = 6.0,
    height: float | None = None,
    form: str = "{:.3g}",
) -> Figure:
    """One horizontal box per entry: the middle half of its values, their median, and the range of the middle 90 %.

    The mean is written beside it. quiet: the baselines among the entries, in grey.
    """
    names = list(named)[::-1]
    fig, ax = figure(description, width=width, height=height or 0.34 * len(named) + 0.7)
    for place, name in enumerate(names, 1):
        values = _array(named[name])
        low, left, middle, right, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
        ax.hlines(place, low, high, color=INK, linewidth=1)
        ax.barh(place, right - left, left=left, height=0.55, color=GREY if name in quiet else BLUE)
        ax.vlines(middle, place - 0.27, place + 0.27, color=INK, linewidth=1.6)
        ax.annotate(
            form.format(values.mean()),
            (high, place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    ax.set_yticks(range(1, len(names) + 1), names)
    ax.set(xlabel=x)
    ax.margins(x=0.1)
    ax.grid(axis="y", visible=False)
    return fig


def plane(
    shade: Tensor,
    extent: float,
    *,
    description: str,
    paths: dict[str, Tensor] | None = None,
    points: Tensor | None = None,
    labels: Tensor | None = None,
    x: str = "z₁",
    y: str = "z₂",
    size: float = 4.8,
) -> Figure:
    """The plane of a two-number code, from -extent to extent: shaded, with codes as points and paths across.

    shade: [rows, columns], from the lowest z₂ upwards; the bluer the larger, on a light page as on a dark one. paths: name -> [T, 2]. points,
    labels: [M, 2] and whole numbers [M].
    """
    places = np.zeros((0, 2)) if points is None else _points("points", points)
    classes = [] if points is None else _classes(labels, len(places))
    rounds = max(1, -(-(len(classes) + len(paths or {})) // 15))
    fig, ax = figure(description, width=size + 0.8 + 0.5 * rounds, height=size)
    level = _table("shade", shade)
    level = (level - level.min()) / ((level.max() - level.min()) or 1)
    blue = [int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    ax.imshow(
        np.dstack([np.full_like(level, c) for c in blue] + [0.75 * level]),
        origin="lower",
        extent=(-extent, extent) * 2,
        interpolation="bilinear",
    )
    for label, chosen, style in classes:
        ax.scatter(*places[chosen].T, s=7, label=str(label), **style)
    styles = [(INK, "--"), (INK, "-"), (RED, "-"), *itertools.product(SERIES[:4], DASHES[1:])]
    for (name, path), (color, dashes) in zip((paths or {}).items(), itertools.cycle(styles)):
        path = _points(name, path)
        ax.plot(*path.T, color=color, linestyle=dashes, linewidth=2.2, label=name)
        ax.plot(*path[[0, -1]].T, "o", color=color, markersize=6)
    ax.set(xlabel=x, ylabel=y, aspect="equal", xlim=(-extent, extent), ylim=(-extent, extent))
    if classes or paths:
        ax.legend(
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            markerscale=2,
            handletextpad=0.4,
            frameon=False,
            ncols=rounds,
        )
    ax.grid(False)
    return fig


def maps(
    named: dict[str, Tensor],
    ticks,
    *,
    description: str,
    x: str = "z₁",
    y: str = "z₂",
    size: float = 2.3,
    points: Tensor | None = None,
    scale: str = "",
    places: dict[str, tuple] | None = None,
) -> Figure:
    """Functions of a plane side by side: name -> values [len(ticks), len(ticks)], row by row of the second coordinate.

    Values of both signs are drawn in two colours, orange above 0 and blue below. All others share one scale, which ends
    at the smallest of their maxima, so that a sharp peak does not leave the rest in the dark.

    points   [N, 2], drawn as white dots on every map
    scale    what the colours mean, written below one bar for all maps; where it is empty, each map has a bar of its own
    places   name -> place [2] and its image [1, H, W]: the first letter of the name stands at the place on every map, the
             image with the whole name on the right
    """
    fig, axes = figure(
        description,
        columns=len(named) + bool(places),
        width=size * (len(named) + 0.5 * bool(places)),
        height=size + 0.75,
        squeeze=False,
        sharey=True,
        width_ratios=[1] * len(named) + [0.5] * bool(places),
    )
    ticks = _array(ticks)
    arrays = {
        title: _table(title or "named", values, len(ticks), len(ticks))
        for title, values in named.items()
    }
    top = min((values.max() for values in arrays.values() if values.min() >= 0), default=1)
    signed = LinearSegmentedColormap.from_list("signed", [BLUE, "#f4f4f4", ORANGE])
    for ax, (title, values) in zip(axes[0], arrays.items()):
        far = np.abs(values).max()
        colours = (
            {"vmin": -far, "vmax": far, "cmap": signed}
            if values.min() < 0
            else {"vmin": 0, "vmax": top, "cmap": "viridis"}
        )
        image = ax.imshow(
            values,
            origin="lower",
            extent=(ticks[0], ticks[-1], ticks[0], ticks[-1]),
            interpolation="bilinear",
            **colours,
        )
        if points is not None:
            ax.scatter(*_array(points).T, s=1.5, color="white", alpha=0.6, linewidths=0)
            ax.set(xlim=ticks[[0, -1]], ylim=ticks[[0, -1]])
        for name, (place, _) in (places or {}).items():
            _letter(ax, name[0], _array(place))
        if not scale:
            fig.colorbar(
                image,
                ax=ax,
                orientation="horizontal",
                fraction=0.06,
                aspect=16,
                ticks=MaxNLocator(4),
            ).outline.set_visible(False)
        ax.set(title=title, xlabel=x)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.grid(False)
    if scale:
        fig.colorbar(
            image, ax=axes, orientation="horizontal", fraction=0.06, aspect=40, label=scale
        ).outline.set_visible(False)
    axes[0][0].set(ylabel=y)
    if places:
        _at_places(fig, axes[0][-1], places)
    return fig


def _letter(ax, letter: str, place: np.ndarray) -> None:
    """A ring around a place of a map, and a letter on a white disc beside it."""
    for colour, width in (("black", 2.6), ("white", 1.2)):
        ax.plot(*place, "o", markersize=8, color="none", markeredgecolor=colour, mew=width)
    disc = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "black"}
    ax.annotate(
        letter,
        place,
        xytext=(9, 9),
        textcoords="offset points",
        color="#111111",  # written out, as the default black would follow the page's colour
        fontsize=8,
        ha="center",
        va="center",
        bbox=disc,
    )


def _at_places(fig, ax, places: dict[str, tuple]) -> None:
    """The images of `places` below each other, where `ax` stands."""
    below = ax.get_subplotspec().subgridspec(len(places), 1)
    ax.remove()
    for row, (name, (_, image)) in enumerate(places.items()):
        part = fig.add_subplot(below[row, 0])
        part.imshow(_pictures(name, image[None])[0], cmap="gray", vmin=0, vmax=1)
        part.set_title(name, fontsize=STYLE["axes.titlesize"], loc="left", color=INK)
        part.axis("off")


def strips(
    panels: dict[str, dict[str, list]],
    *,
    description: str,
    quiet: tuple[str, ...] = (),
    high: float | None = None,
    width: float = 7.2,
    height: float = 2.9,
) -> Figure:
    """Every single value as a point, side by side by group: panel -> {group -> values}; a bar at the mean of each group.

    quiet: the groups that are baselines, in grey. high: the upper end of all axes, which start at 0.
    """
    fig, axes = figure(description, columns=len(panels), width=width, height=height, squeeze=False)
    for ax, (title, groups) in zip(axes[0], panels.items()):
        for i, (name, values) in enumerate(groups.items()):
            values, colour = _array(values).astype(float), GREY if name in quiet else BLUE
            ax.hlines(values.mean(), i - 0.3, i + 0.3, color=colour, linewidth=2)
            ax.plot(
                i + np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else [i],
                values,
                "o",
                color=colour,
                markersize=5,
                markerfacecolor="none",
                markeredgewidth=1.6,
            )
        ax.set_xticks(
            range(len(groups)), list(groups), rotation=90 if max(map(len, groups)) > 4 else 0
        )
        top = (
            1.08 * max(float(_array(values).max()) for values in groups.values())
            if high is None
            else high
        )
        low = 1.08 * min(0.0, *(float(_array(values).min()) for values in groups.values()))
        ax.set(title=title, ylim=(low, top), xlim=(-0.6, len(groups) - 0.4))
        ax.grid(axis="x", visible=False)
    return fig


def matrices(
    named: dict[str, Tensor],
    *,
    rows: list[str],
    columns: list[str],
    description: str,
    high: float = 1.0,
    scale: float = 0.42,
) -> Figure:
    """Tables of numbers from 0 to `high` side by side, darker where larger, each number written as a percentage of `high`.

    named: title -> [len(rows), len(columns)].
    """
    fig, axes = figure(
        description,
        columns=len(named),
        width=len(named) * (scale * len(columns) + 0.25) + 0.8,
        height=scale * len(rows) + 1.1,
        squeeze=False,
        sharey=True,
    )
    for ax, (title, table) in zip(axes[0], named.items()):
        for r, line in enumerate(_table(title or "named", table, len(rows), len(columns))):
            for c, value in enumerate(line):
                share = min(max(value / high, 0.0), 1.0)
                ax.add_patch(
                    FancyBboxPatch(
                        (c + 0.04, r + 0.04),
                        0.92,
                        0.92,
                        boxstyle="square,pad=0",
                        linewidth=0,
                        facecolor=BLUE,
                        alpha=0.06 + 0.84 * share,
                    )
                )
                ax.text(
                    c + 0.5,
                    r + 0.52,
                    f"{100 * value / high:.0f}".replace("-0", "0"),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=INK,
                )
        ax.set(title=title, xlim=(0, len(columns)), ylim=(len(rows), 0), aspect="equal")
        ax.set_xticks([c + 0.5 for c in range(len(columns))], columns, rotation=90)
        ax.set_yticks([r + 0.5 for r in range(len(rows))], rows)
        ax.tick_params(length=0)
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return fig


def marked(
    named: dict,
    *,
    rows: list[str],
    columns: list[str],
    description: str,
    along: str,
    second: bool = False,
    right: dict | None = None,
    below: dict | None = None,
    high: float = 1.0,
    scale: float = 0.45,
) -> Figure:
    """Tables like those of `matrices`, in which the largest number of every column or row has an orange frame.

    along    "columns" or "rows": where the largest is sought
    second   a dashed frame around the second largest as well
    right    title -> [len(rows)], written beside the rows, in per cent of 1
    below    title -> [len(columns)], written below the columns
    """
    axis = ("columns", "rows").index(require.choice("along", along, ("columns", "rows")))
    fig = matrices(
        named, rows=rows, columns=columns, description=description, high=high, scale=scale
    )
    fig.set_size_inches(
        fig.get_figwidth() + scale * len(named) * (right is not None), fig.get_figheight() + 0.35
    )
    for ax, (title, table) in zip(fig.axes, named.items()):
        ranked = np.argsort(-_array(table), axis=axis, kind="stable")
        for place in range(ranked.shape[1 - axis]):
            order = ranked[:, place] if axis == 0 else ranked[place]
            for found, line in zip(order, ("-", "--") if second else ("-",)):
                r, c = (found, place) if axis == 0 else (place, found)
                ax.add_patch(
                    Rectangle(
                        (c + 0.06, r + 0.06),
                        0.88,
                        0.88,
                        fill=False,
                        edgecolor=ORANGE,
                        linewidth=2.2,
                        linestyle=line,
                    )
                )
        written = {"color": ORANGE, "ha": "center", "va": "center", "fontsize": 10}
        if below is not None:
            for c, value in enumerate(_array(below[title])):
                ax.text(c + 0.5, len(rows) + 0.5, f"{100 * value:.0f}", **written)
        if right is not None:
            for r, value in enumerate(_array(right[title])):
                ax.text(len(columns) + 0.5, r + 0.52, f"{100 * value:.0f}", **written)
        ax.set(
            xlim=(0, len(columns) + (right is not None)), ylim=(len(rows) + (below is not None), 0)
        )
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        ax.set_title(title, pad=8)
    return fig


def gaps(
    named: dict[str, tuple[Tensor, Tensor]],
    *,
    rows: list[str],
    columns: list[str],
    description: str,
    scale: float = 0.45,
) -> Figure:
    """What each latent knows of each factor: title -> (information [k, f], entropies [f]), k at least 2, drawn in per
    cent of the entropy. The two best latents of every factor have a frame, and their gap stands below."""
    shares = {title: _array(known) / _array(whole) for title, (known, whole) in named.items()}
    ranked = {title: np.sort(_table(title, table), axis=0) for title, table in shares.items()}
    return marked(
        shares,
        rows=rows,
        columns=columns,
        description=description,
        along="columns",
        second=True,
        below={title: table[-1] - table[-2] for title, table in ranked.items()},
        scale=scale,
    )


def stacked(
    named: dict[str, dict[str, float]],
    *,
    x: str,
    description: str,
    width: float = 6.4,
    height: float = 2.7,
    form: str = "{:.2f}",
) -> Figure:
    """One horizontal bar per entry, made of labelled parts: name -> {part: length}, all with the same parts."""
    fig, ax = figure(description, width=width, height=height)
    left = np.zeros(len(named))
    wanted = list(next(iter(_series(named).values())))
    for name, parts in named.items():
        if set(parts) != set(wanted):
            raise ValueError(
                f"{name}: got the parts {', '.join(parts)}; accepted are those of the first entry, "
                f"{', '.join(wanted)}"
            )
    for i, part in enumerate(wanted):
        lengths = np.array([float(parts[part]) for parts in named.values()])
        drawn = ax.barh(
            list(named),
            lengths,
            left=left,
            color=SERIES[i % len(SERIES)],
            height=0.6,
            label=part,
            hatch=(None, "//", "..", "xx")[i // len(SERIES) % 4],
        )
        ax.bar_label(
            drawn, [form.format(length) for length in lengths], label_type="center", color=INK
        )
        left += lengths
    ax.set(xlabel=x)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
    return fig


def _array(values) -> np.ndarray:
    """Numbers as NumPy's, from wherever they are; half precision, in which means overflow, as float32."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (
            values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
        ).numpy()
    if isinstance(values, (list, tuple)):
        values = [_array(value) if isinstance(value, Tensor) else value for value in values]
    values = np.asarray(values)
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _series(named: dict) -> dict:
    if not isinstance(named, dict) or not named:
        raise ValueError(
            f"named: got {require.described(named)}; accepted is a dict with at least one entry"
        )
    return named


def _together(name: str, *parts) -> list[np.ndarray]:
    """Numbers that belong together, one of each to a point."""
    parts = [_array(part) for part in parts]
    if any(part.ndim == 0 or len(part) != len(parts[0]) for part in parts):
        came = ", ".join(str(list(part.shape)) for part in parts)
        raise ValueError(f"{name}: got the shapes {came}; accepted are equally many of each")
    return parts


def _table(name: str, values, *sizes: int) -> np.ndarray:
    """Finite numbers [rows, columns], of the sizes that are given."""
    values = _array(values)
    if (
        values.ndim != 2
        or not values.size
        or values.shape[: len(sizes)] != sizes
        or not np.isfinite(values).all()
    ):
        wanted = (
            [*map(str, sizes), "rows", "columns"][:2]
            if len(sizes) != 1
            else [str(sizes[0]), "repetitions"]
        )
        raise ValueError(
            f"{name}: got the shape {list(values.shape)}; accepted are finite numbers "
            f"[{', '.join(wanted)}]"
        )
    return values


def _points(name: str, values, *, finite: bool = True) -> np.ndarray:
    """Points of a plane [N, 2]."""
    values = _array(values)
    if values.ndim != 2 or values.shape[1] != 2 or finite and not np.isfinite(values).all():
        came = f"the shape {list(values.shape)}" if values.shape[1:] != (2,) else "NaN or infinity"
        raise ValueError(f"{name}: got {came}; accepted are points [N, 2] of finite numbers")
    return values


def _classes(labels, *counts: int) -> list[tuple[int, np.ndarray, dict]]:
    """Each label that occurs, which points have it, and its colour and marker. 0-9 have the colours of the digits."""
    labels = _array(labels)
    if labels.dtype.kind not in "iub" and not (
        labels.dtype.kind == "f" and (labels == labels.round()).all()
    ):
        raise ValueError(f"labels: got {labels.dtype}; accepted are whole numbers")
    if labels.ndim != 1 or counts != (len(labels),):
        raise ValueError(
            f"labels: got the shape {list(labels.shape)} for {' and '.join(map(str, counts))} points; "
            "accepted is one each"
        )
    found = [int(label) for label in np.unique(labels)]
    if len(found) > len(DIGITS) * len(MARKERS):
        raise ValueError(
            f"labels: got {len(found)} different ones; accepted are at most {len(DIGITS) * len(MARKERS)}, "
            "since there are no more colours and markers"
        )
    places = found if found and 0 <= found[0] and found[-1] < len(DIGITS) else range(len(found))
    return [
        (
            label,
            labels == label,
            {
                "color": DIGITS[place % len(DIGITS)],
                "marker": MARKERS[place // len(DIGITS)],
                "linewidths": 0 if MARKERS[place // len(DIGITS)] not in "x+" else 1,
            },
        )
        for label, place in zip(found, places)
    ]


def _names_fit(names, classes) -> None:
    if names is not None and not all(0 <= label < len(names) for label, _, _ in classes):
        raise ValueError(
            f"names: got {len(names)} for labels {classes[0][0]} to {classes[-1][0]}; "
            "accepted is one for each, from 0"
        )


def _pictures(name: str, x) -> np.ndarray:
    """Images as [N, H, W, 1 or 3], float32 in [0, 1]: bytes divided by 255, what leaves the range cut off."""
    x = _array(x)
    shape, x = list(x.shape), x[:, None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not x.size:
        raise ValueError(
            f"{name}: got the shape {shape}; accepted is [N, 1, H, W], [N, H, W] or, in colour, "
            "[N, 3, H, W]"
        )
    x = x / np.float32(255) if x.dtype == np.uint8 and x.max() > 1 else x
    if x.dtype.kind not in "iubf" or not np.isfinite(x).all() or x.max() > 50:
        raise ValueError(
            f"{name}: got {x.dtype} up to {x.max()}; accepted are finite numbers in [0, 1]"
        )
    return x.astype(np.float32).clip(0, 1).transpose(0, 2, 3, 1)

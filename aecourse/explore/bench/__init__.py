"""A bench: the reader changes settings, a model is trained with them, and the outcome lies beside those of earlier runs.

In a live notebook a bench is made of ipywidgets. Where nothing is live (a built page, a notebook on a website) or there
are no widgets, the same drawing and the same table stand still, with a line that says what the controls would do.
"""

from __future__ import annotations

import inspect
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape

import numpy as np
import torch

from aecourse import plots, require
from aecourse.page.figure import Figure, asset
from aecourse.train import state

DRAWN = 5  # the first run and the latest four; the table has all


@dataclass
class Run:
    """What one training came to: rows of images, curves and single figures, each by its name."""

    settings: dict
    images: dict[str, torch.Tensor] = field(default_factory=dict)
    curves: dict[str, np.ndarray] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[list[str]]:
        return [list(part) for part in (self.images, self.curves, self.figures)]


class Bench:
    """Controls, a button and what came of each run so far; made by `bench`.

    runs: the runs, the baseline first. shown: the place of the one the reader looks at. controls: name -> widget,
    train, clear: the buttons, all of them absent where ipywidgets is not installed.
    """

    def __init__(
        self, run, choices: dict[str, list], *, title: str, description: str, beside: dict, x: str
    ):
        self._run, self.choices, self.title, self.description, self.beside, self.x = (
            run,
            choices,
            title,
            description,
            beside,
            x,
        )
        self.runs: list[Run] = []
        self.shown, self.busy, self.view, self.controls = 0, False, None, {}

    # --- running ------------------------------------------------------------------------------------------------------

    def place(self, settings: dict) -> int | None:
        """Where in the table these settings stand, if they have been run."""
        return next((i for i, run in enumerate(self.runs) if run.settings == settings), None)

    def add(self, settings: dict) -> int:
        """Runs these settings, if they are new, and returns their place; what `run` raises goes through."""
        if (known := self.place(settings)) is not None:
            return known
        with _interrupts() as interrupted, state.seeded(0):
            given = self._run(**settings)
        if interrupted:  # `fit` returns what it has: half a training is no result
            raise KeyboardInterrupt
        made = _sorted_out(settings, given)
        if self.runs and made.names != self.runs[0].names:
            raise TypeError(
                f"run: got {', '.join(given)}; accepted are the names and kinds of the first run, "
                f"{', '.join(sum(self.runs[0].names, []))}"
            )
        self.runs.append(made)
        return len(self.runs) - 1

    # --- the drawing and the table ------------------------------------------------------------------------------------

    def drawn(self) -> list[int]:
        """The places of the runs that are drawn: the first, the latest, and the one the reader looks at."""
        latest = [i for i in range(1, len(self.runs)) if i != self.shown][-(DRAWN - 2) :]
        return sorted({0, self.shown, *latest})

    def figures(self) -> list[plots.Figure]:
        """One figure of all rows of images, and one for each curve."""
        drawn, made = self.drawn(), []
        kinds = list(self.runs[0].images)
        rows = dict(self.beside)
        for kind in kinds:
            rows |= {
                f"run {i + 1}" if len(kinds) == 1 else f"{kind}, run {i + 1}": self.runs[i].images[
                    kind
                ]
                for i in drawn
            }
        if rows:
            made.append(
                plots.rows(
                    rows, description=f"{self.description} Rows from the top: {', '.join(rows)}."
                )
            )
        for name in self.runs[0].curves:
            lines = {f"run {i + 1}": self.runs[i].curves[name] for i in drawn}
            ends = " ".join(
                f"{who.capitalize()} goes from {line[0]:.3g} to {line[-1]:.3g}."
                for who, line in lines.items()
            )
            made.append(
                plots.curves(
                    {who: (np.arange(1, len(line) + 1), line) for who, line in lines.items()},
                    x=self.x,
                    y=name,
                    height=2.8,
                    description=f"{self.description} {name} against {self.x}. {ends}",
                )
            )
        return made

    def table(self, current: int | None = None) -> str:
        """Every run's settings and figures, as HTML; the row of the `current` one is marked."""
        heads = ["run", *map(_word, self.choices), *self.runs[0].figures]
        lines = []
        for i, run in enumerate(self.runs):
            cells = [*map(told, run.settings.values()), *map(told, run.figures.values())]
            lines.append(
                f'<tr{" aria-current=true" * (i == current)}><th scope="row">{i + 1}</th>'
                + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
                + "</tr>"
            )
        return (
            f'<table aria-label="The runs so far"><thead><tr>{"".join(f"<th scope=col>{escape(head)}</th>" for head in heads)}'
            f"</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        )

    def html(self, *notes: str, heading: bool = True, current: int | None = None) -> str:
        """The drawing and the table as one self-contained fragment, with notes below."""
        style = asset("aecourse.page", "page.css") + asset(__name__, "bench.css")
        shown = "".join(figure._repr_mimebundle_()["text/html"] for figure in self.figures())
        return (
            f'<div class="ae-figure ae-bench" role="group" aria-label="{escape(self.title)}"><style>{style}</style>\n'
            + f'<p class="ae-title">{escape(self.title)}</p>\n' * heading
            + f"{shown}\n{self.table(current)}\n"
            + "".join(f'<p class="ae-note">{escape(note)}</p>' for note in notes)
            + "</div>"
        )

    def still(self) -> Figure:
        """The bench where nothing is live."""
        offered = "; ".join(
            f"{_word(name)}: {', '.join(map(told, choices))}"
            for name, choices in self.choices.items()
        )
        note = (
            f"In a live notebook this bench has controls ({offered}) and a button that trains with them and puts the new run "
            "beside these."
        )
        missing = (
            []
            if self.view is not None
            else ["The controls need the package ipywidgets, which is not installed here."]
        )
        words = "\n".join(
            [f"{self.title}. {self.description}", *map(self.in_words, range(len(self.runs)))]
        )
        return Figure(self.html(note, *missing), words)

    def in_words(self, place: int) -> str:
        """One run on one line: its settings and its figures."""
        run = self.runs[place]
        told_of = [
            ", ".join(f"{_word(name)} {told(value)}" for name, value in part.items())
            for part in (run.settings, run.figures)
            if part
        ]
        return f"run {place + 1}: {'; '.join(told_of)}"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        """The live controls for those who can show them, else the still; a frontend takes the first that it knows."""
        live = None if self.view is None else self.view._repr_mimebundle_()
        return {**(live or {}), **self.still()._repr_mimebundle_()}

    def __repr__(self) -> str:
        return self.still().description

    # --- live ---------------------------------------------------------------------------------------------------------

    def make_live(self) -> None:
        """Builds the widgets, standing at the first run's settings; without ipywidgets the bench stays still."""
        try:
            import ipywidgets as widgets
        except ImportError:
            return
        for name, choices in self.choices.items():
            options = {
                "options": [(told(choice), choice) for choice in choices],
                "value": self.runs[0].settings[name],
                "description": _word(name),
                "style": {"description_width": "initial"},
            }
            graded = len(choices) > 2 and all(
                not isinstance(choice, (bool, str)) for choice in choices
            )
            self.controls[name] = (
                widgets.SelectionSlider(continuous_update=False, **options)
                if graded
                else widgets.Dropdown(**options)
            )
            self.controls[name].observe(lambda change: self._look(), names="value")
        self.train = widgets.Button(
            description="Train", button_style="primary", tooltip="Train with these settings"
        )
        self.clear = widgets.Button(description="Clear", tooltip="Keep the first run only")
        self.train.on_click(lambda button: self._press())
        self.clear.on_click(lambda button: self._clear())
        self._status, self._drawing = widgets.HTML(), widgets.HTML()
        row = widgets.Layout(flex_flow="row wrap", align_items="center")
        self.view = widgets.VBox(
            [
                widgets.HTML(f"<b>{escape(self.title)}</b>"),
                widgets.HBox(list(self.controls.values()), layout=row),
                widgets.HBox([self.train, self.clear, self._status], layout=row),
                self._drawing,
            ]
        )
        self._draw()

    @property
    def settings(self) -> dict:
        """What the controls stand at."""
        return {name: control.value for name, control in self.controls.items()}

    def _say(self, text: str) -> None:
        self._status.value = f'<span role="status">{escape(text)}</span>'

    def _draw(self) -> None:
        self._drawing.value = self.html(heading=False, current=self.shown)

    def _look(self) -> None:
        """A control has moved: settings that were run before are shown at once."""
        if self.busy:
            return
        known = self.place(self.settings)
        if known is None:
            self._say("")
        else:
            self.shown = known
            self._draw()
            self._say(f"Run {known + 1} has these settings.")

    def _press(self) -> None:
        """Train: at once, or where clicks arrive beside the main thread, as soon as that is free."""
        if self.busy:
            return
        settings = self.settings
        if self.place(settings) is not None:
            return self._look()
        self.busy = self.train.disabled = self.clear.disabled = True
        self._say("Training. To stop, interrupt the kernel.")
        _on_the_main_thread(lambda: self._work(settings))

    def _work(self, settings: dict) -> None:
        began = time.monotonic()
        try:
            self.shown = self.add(settings)
            self._draw()
            self._say(f"Run {self.shown + 1} took {time.monotonic() - began:.1f} s.")
        except KeyboardInterrupt:
            self._say("Stopped. The runs before it are kept.")
        except Exception as error:
            self._say(f"{type(error).__name__}: {error} (The runs before it are kept.)")
        finally:
            self.busy = self.train.disabled = self.clear.disabled = False

    def _clear(self) -> None:
        if not self.busy:
            del self.runs[1:]
            self.shown = 0
            self._draw()
            self._say("Only the first run is left.")


def bench(
    run,
    controls: dict,
    *,
    start: dict,
    title: str,
    description: str | None = None,
    beside: dict | None = None,
    also=(),
    x: str = "epoch",
) -> Bench:
    """A bench on which the reader trains `run(**settings)` with settings of their own choice.

    run          a function of the settings that trains a model and returns what came of it, by name: images
                 [N, 1, H, W] in [0, 1], which become a row; a list of numbers, which becomes a curve; or a number, which
                 becomes a column of the table. Random numbers are seeded before each call, and are outside it as if
                 it had never been.
    controls     name of an argument of run -> the values to choose from: numbers, words or True and False. Three
                 numbers and more are a slider, others a list.
    start        the value of every control at first. These settings are run right away: they are the baseline.
    title        what is trained here, in a few words.
    description  what the drawing shows, in words; by default the title.
    beside       name -> images that are drawn above those of all runs.
    also         further settings to run right away; what they leave out is as in start.
    x            what the points of a curve are counted by.

    Settings that were run already are not run again. Raises TypeError or ValueError, naming the argument, for what does
    not fit, and whatever `run` raises at the settings of `start` and `also`; later, live, that becomes a message.
    """
    choices = _choices(run, controls)
    for name, value in (
        ("title", title),
        ("description", title if description is None else description),
    ):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name}: got {require.described(value)}; accepted are words")
    first = _settings("start", start, choices)
    others = [
        _settings(f"also[{i}]", {**first, **other} if isinstance(other, dict) else other, choices)
        for i, other in enumerate(also)
    ]
    beside = {} if beside is None else beside
    for name, images in beside.items():
        if not _are_images(images):
            raise TypeError(
                f"beside[{name!r}]: got {require.described(images)}; accepted are images [N, 1, H, W]"
            )
    made = Bench(run, choices, title=title, description=description or title, beside=beside, x=x)
    for settings in (first, *others):
        made.add(settings)
    made.make_live()
    return made


def told(value) -> str:
    """A setting or a figure as a reader finds it: four significant digits, yes and no."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return f"{value:.4g}".replace("-", "\u2212") if isinstance(value, float) else str(value)


def _word(name: str) -> str:
    return name.replace("_", " ")


def _choices(run, controls: dict) -> dict[str, list]:
    if not callable(run):
        raise TypeError(
            f"run: got {require.described(run)}; accepted is a function of the settings"
        )
    if not isinstance(controls, dict) or not controls:
        raise TypeError(
            f"controls: got {require.described(controls)}; accepted is a dict, name -> the values to choose from"
        )
    choices = {name: list(values) for name, values in controls.items()}
    for name, values in choices.items():
        if (
            len(values) < 2
            or len(set(map(told, values))) < len(values)
            or not all(isinstance(v, (bool, int, float, str)) for v in values)
        ):
            raise ValueError(
                f"controls[{name!r}]: got {values}; accepted are two or more different numbers, words or truth values"
            )
    try:
        inspect.signature(run).bind(**choices)
    except TypeError as error:
        raise TypeError(
            f"controls: got {', '.join(choices)}; accepted are the arguments of run ({error})"
        ) from None
    return choices


def _settings(name: str, given: dict, choices: dict[str, list]) -> dict:
    """`given` in the order of the controls, each value one of its choices."""
    if not isinstance(given, dict) or set(given) != set(choices):
        raise ValueError(
            f"{name}: got {require.described(given)}; accepted is a dict with a value for {', '.join(choices)}"
        )
    for control, value in given.items():
        if value not in choices[control]:
            raise ValueError(
                f"{name}[{control!r}]: got {value!r}; accepted is one of {', '.join(map(repr, choices[control]))}"
            )
    return {control: given[control] for control in choices}


def _are_images(value) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dim() == 4
        and len(value) > 0
        and value.shape[1] == 1
    )


def _sorted_out(settings: dict, given) -> Run:
    """What `run` returned, by its kinds."""
    if not isinstance(given, dict) or not given:
        raise TypeError(
            f"run: returned {require.described(given)}; accepted is a dict, name -> images, a list of numbers or a number"
        )
    made = Run(settings)
    for name, value in given.items():
        if _are_images(value):
            made.images[name] = value.detach().cpu()
            continue
        try:
            numbers = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
        except ValueError:  # lists of unequal length
            numbers = np.empty((0, 0))
        if (
            numbers.dtype.kind not in "biuf"
            or numbers.ndim > 1
            or numbers.shape == (0,)
            or not numbers.size
        ):
            raise TypeError(
                f"run: returned {require.described(value)} as {name!r}; accepted are images [N, 1, H, W], a list of "
                "numbers or a number"
            )
        if numbers.ndim:
            made.curves[name] = numbers
        else:
            made.figures[name] = numbers.item()
    return made


@contextmanager
def _interrupts():
    """Inside, an interrupt is raised and noted: `fit` swallows it and returns, and what follows has to know."""
    noted: list[bool] = []

    def note(number, frame):
        noted.append(True)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _on_the_main_thread(work) -> None:
    """Calls `work` there. Some frontends send clicks to a thread of their own, where an interrupt would not arrive
    and cells would run at the same time."""
    try:
        from IPython import get_ipython
    except ImportError:
        return work()
    loop = getattr(getattr(get_ipython(), "kernel", None), "io_loop", None)
    if loop is None or threading.current_thread() is threading.main_thread():
        return work()
    loop.add_callback(work)

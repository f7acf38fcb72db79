"""The progress bar: tqdm's in a terminal, one self-replacing line in a notebook (which a static page can keep)."""

from __future__ import annotations

import time

from tqdm import tqdm


class Progress:
    """Counts steps; shows the loss of the last epoch and the time left; says nothing where `shown` is False."""

    def __init__(self, steps: int, done: int, shown: bool):
        self.steps, self.done, self.shown = steps, done, shown
        self.note, self.start, self.last = "", time.monotonic(), 0.0
        self.first = done
        self.display = _notebook_display() if shown else None
        self.bar = (
            tqdm(total=steps, initial=done, leave=False, unit=" steps", disable=None)
            if shown and not self.display
            else None
        )  # nothing where nobody watches: a file, a pipe

    def step(self) -> None:
        """One more batch; drawn at most ten times a second."""
        self.done += 1
        if self.shown and time.monotonic() - self.last > 0.1:
            self._draw()

    def epoch(self, number: int, epochs: int, loss: float) -> None:
        """The figures of a finished epoch."""
        self.note = f"epoch {number}/{epochs}, loss {loss:.2f}"
        if self.shown:
            self._draw()

    def close(self, summary: str) -> None:
        """Replaces the bar by one line."""
        if self.display:
            self.display.update(_Line(summary))
        elif self.bar is not None:
            self.bar.close()

    def _draw(self) -> None:
        self.last = time.monotonic()
        if self.display:
            elapsed = self.last - self.start
            self.display.update(
                _Line(
                    tqdm.format_meter(
                        self.done,
                        self.steps,
                        elapsed,
                        initial=self.first,
                        unit=" steps",
                        ncols=80,
                        postfix=self.note,
                    )
                )
            )
        elif self.bar is not None:
            self.bar.set_postfix_str(self.note, refresh=False)
            self.bar.n = self.done
            self.bar.refresh()


class _Line:
    """A line of text as a notebook shows it."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _notebook_display():
    """A display that can be replaced, in a Jupyter kernel; None elsewhere."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    shell = get_ipython()
    return (
        display(_Line("starting"), display_id=True)
        if getattr(shell, "kernel", None) is not None
        else None
    )

"""The bar: loss and time left for whoever watches, nothing for whoever does not."""

import io
import sys

import pytest

from aecourse.train import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(shown):
    bar = progress.Progress(20, 0, shown)
    for epoch in (1, 2):
        for _ in range(10):
            bar.step()
        bar.epoch(epoch, 2, 12.345)
    bar.close("History(2 epochs)")


def test_a_terminal_sees_epoch_loss_and_steps(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run(True)
    assert "epoch 2/2, loss 12.35" in terminal.getvalue() and "20/20" in terminal.getvalue()


@pytest.mark.parametrize("shown, stream", [(False, Terminal()), (True, io.StringIO())])
def test_silent_when_asked_and_where_nobody_watches(monkeypatch, shown, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    run(shown)
    assert stream.getvalue() == ""


def test_a_notebook_gets_one_line_that_is_replaced(monkeypatch):
    lines = []

    class Display:
        def update(self, line):
            lines.append(repr(line))

    monkeypatch.setattr(progress, "_notebook_display", Display)
    run(True)
    assert lines[-1] == "History(2 epochs)" and any("loss 12.35" in line for line in lines)

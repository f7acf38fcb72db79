"""The bench: what it runs and when, what it keeps when something fails, and what stands where nothing is live."""

import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
import torch
import yaml

from aecourse import explore
from aecourse.explore.bench import told

ROOT = Path(__file__).resolve().parents[2]
WIDGET = "application/vnd.jupyter.widget-view+json"
CONTROLS = {"size": [2, 4, 8], "loss": ["mse", "bce"], "revival": [False, True]}
START = {"size": 4, "loss": "mse", "revival": False}
PICTURES = torch.linspace(0, 1, 3 * 9 * 6).view(3, 1, 9, 6)


class Recorder:
    """Stands for a training: notes its settings, and returns a row of images, a curve and two figures."""

    def __init__(self):
        self.calls, self.fault = [], None

    def __call__(self, size, loss, revival):
        self.calls.append({"size": size, "loss": loss, "revival": revival})
        if self.fault is not None:
            raise self.fault
        return {
            "redrawn": PICTURES / size,
            "KL, nats": [3.0, 2.0, 1.0 / size],
            "error": 10.0 / size,
            "active": size,
        }


@pytest.fixture
def train():
    return Recorder()


def made(train, **changes):
    arguments = {
        "controls": CONTROLS,
        "start": START,
        "title": "A network of your own",
        "description": "Three digits.",
        **changes,
    }
    return explore.bench(train, **arguments)


@pytest.fixture
def live(train):
    pytest.importorskip("ipywidgets")
    return made(train)


def choose(bench, **settings):
    for name, value in settings.items():
        bench.controls[name].value = value


def said(bench):
    return re.sub("<[^>]*>", "", bench._status.value)


# ---- What it runs ------------------------------------------------------------------------------------------


def test_making_one_runs_the_start_and_no_more(train):
    made(train)
    assert train.calls == [START]


def test_further_settings_are_run_once_each_and_filled_in_from_the_start(train):
    bench = made(train, also=[{"size": 2}, {"size": 2, "loss": "mse"}, {"revival": True}])
    assert train.calls == [START, {**START, "size": 2}, {**START, "revival": True}]
    assert [run.settings for run in bench.runs] == train.calls


def test_a_click_runs_exactly_the_settings_of_the_controls(train, live):
    choose(live, size=8, loss="bce", revival=True)
    assert train.calls == [START]  # moving a control trains nothing
    live.train.click()
    assert train.calls == [START, {"size": 8, "loss": "bce", "revival": True}]
    assert live.shown == 1 and live.runs[1].figures == {"error": 1.25, "active": 8}
    assert "Run 2 took" in said(live) and not live.train.disabled


def test_settings_that_were_run_are_shown_and_not_run_again(train, live):
    live.train.click()  # the start
    choose(live, size=8)
    live.train.click()
    choose(live, size=4)
    assert live.shown == 0 and "Run 1 has these settings" in said(live)
    choose(live, size=8)
    assert live.shown == 1 and re.search(
        'aria-current=true><th scope="row">2<', live._drawing.value
    )
    live.train.click()
    assert [call["size"] for call in train.calls] == [4, 8] and len(live.runs) == 2


def test_clear_keeps_the_first_run_and_forgets_the_others(train, live):
    choose(live, size=8)
    live.train.click()
    live.clear.click()
    assert [run.settings for run in live.runs] == [START] and live.shown == 0
    live.train.click()  # forgotten, so it is trained again
    assert [call["size"] for call in train.calls] == [4, 8, 8]


def test_the_same_settings_meet_the_same_random_numbers_and_leave_none_behind():
    drawn = []

    def draws(size):
        drawn.append(torch.rand(3))
        return {"figure": 0.0}

    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    explore.bench(draws, {"size": [1, 2, 3]}, start={"size": 1}, also=[{"size": 2}], title="Draws")
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(torch.random.get_rng_state(), before)


# ---- What happens when something fails ---------------------------------------------------------------------


def test_a_failure_is_told_and_the_bench_stays_usable(train, live):
    choose(live, size=8)
    train.fault = ValueError("beta: got -1 < 0")
    live.train.click()
    assert "ValueError: beta: got -1 &lt; 0" in said(live) and len(live.runs) == 1
    assert not live.train.disabled and not live.clear.disabled and not live.busy
    train.fault = None
    live.train.click()
    assert len(live.runs) == 2 and live.runs[1].settings["size"] == 8


def test_the_button_rests_while_a_run_is_on():
    pytest.importorskip("ipywidgets")
    seen = []

    def looks(size):
        if size == 2:
            seen.append((bench.train.disabled, bench.clear.disabled, said(bench)))
            bench.train.click()  # an impatient second click
        return {"figure": size}

    bench = explore.bench(looks, {"size": [1, 2]}, start={"size": 1}, title="Looks")
    choose(bench, size=2)
    bench.train.click()
    assert (
        seen == [(True, True, "Training. To stop, interrupt the kernel.")] and len(bench.runs) == 2
    )
    assert not bench.train.disabled and not bench.clear.disabled


@pytest.mark.skipif(os.name == "nt", reason="signals are sent in another way there")
@pytest.mark.parametrize("swallowed", [False, True])
def test_an_interrupt_keeps_nothing_half_trained(swallowed):
    """Also where training swallows the interrupt and returns what it has, as `fit` does."""
    pytest.importorskip("ipywidgets")

    def stopped(size):
        if size == 2:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if not swallowed:
                    raise
        return {"figure": size}

    handler = signal.getsignal(signal.SIGINT)
    bench = explore.bench(stopped, {"size": [1, 2, 3]}, start={"size": 1}, title="Stopped")
    choose(bench, size=2)
    bench.train.click()
    assert "Stopped" in said(bench) and len(bench.runs) == 1 and not bench.train.disabled
    assert signal.getsignal(signal.SIGINT) is handler
    choose(bench, size=3)
    bench.train.click()
    assert [run.figures["figure"] for run in bench.runs] == [1, 3]
    with pytest.raises(KeyboardInterrupt):
        explore.bench(stopped, {"size": [1, 2]}, start={"size": 2}, title="Stopped at once")


def test_a_click_from_another_thread_is_handed_to_the_kernel(train, live, monkeypatch):
    """JupyterLab sends clicks to a subshell, a thread of its own; training belongs on the main one."""
    IPython = pytest.importorskip("IPython")
    handed = []

    class Shell:
        class kernel:
            class io_loop:
                add_callback = handed.append

    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell)
    choose(live, size=8)
    thread = threading.Thread(target=live.train.click)
    thread.start()
    thread.join()
    assert train.calls == [START] and len(handed) == 1 and live.train.disabled
    handed[0]()
    assert train.calls[1]["size"] == 8 and not live.train.disabled


# ---- What is shown -----------------------------------------------------------------------------------------


def test_the_mimebundle_has_controls_a_still_and_words(live):
    bundle = live._repr_mimebundle_()
    assert set(bundle) == {WIDGET, "text/html", "text/plain"}
    assert bundle[WIDGET]["model_id"] == live.view.model_id
    assert bundle["text/plain"] == repr(
        live
    ) and "run 1: size 4, loss mse, revival no; error 2.5, active 4" in repr(live)


def test_the_still_is_described_and_says_that_the_controls_are_live_elsewhere(train):
    still = made(train, beside={"original": PICTURES}, also=[{"size": 2}]).still()
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', still.html)
    assert labels == [
        "Three digits. Rows from the top: original, run 1, run 2.",
        "Three digits. KL, nats against epoch. Run 1 goes from 3 to 0.25. Run 2 goes from 3 to 0.5.",
    ]
    assert (
        "In a live notebook this bench has controls (size: 2, 4, 8; loss: mse, bce; revival: no, yes)"
        in still.html
    )
    rows = re.findall(r"<tr.*?</tr>", still.html)
    assert [re.findall(r">([^<]+)</t", row) for row in rows] == [
        ["run", "size", "loss", "revival", "error", "active"],
        ["1", "4", "mse", "no", "2.5", "4"],
        ["2", "2", "mse", "no", "5", "2"],
    ]
    assert not re.search(
        r"<script|widget|http|aria-current=", still.html.replace("http://www.w3.org", "")
    )


def test_the_drawing_keeps_the_first_the_shown_and_the_latest(train):
    sizes = list(range(1, 11))
    bench = made(
        train,
        controls={**CONTROLS, "size": sizes},
        start={**START, "size": 1},
        also=[{"size": size} for size in sizes[1:]],
    )
    assert bench.drawn() == [0, 7, 8, 9]
    bench.shown = 3
    assert bench.drawn() == [0, 3, 7, 8, 9]
    assert bench.table().count("<tr") == 11 and bench.table(3).count("aria-current") == 1


def test_numbers_are_a_slider_and_words_a_list(live):
    import ipywidgets

    assert isinstance(live.controls["size"], ipywidgets.SelectionSlider)
    assert isinstance(live.controls["loss"], ipywidgets.Dropdown) and isinstance(
        live.controls["revival"], ipywidgets.Dropdown
    )
    assert live.settings == START
    assert live.controls["revival"].options == (("no", False), ("yes", True))


def test_without_ipywidgets_the_still_remains(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bench = made(train)
    assert set(bench._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert "ipywidgets, which is not installed" in bench._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize(
    "value, text",
    [
        (2, "2"),
        (0.125, "0.125"),
        (1 / 3, "0.3333"),
        (-101.234, "\u2212101.2"),
        (True, "yes"),
        ("mse", "mse"),
    ],
)
def test_settings_and_figures_are_told_as_people_write_them(value, text):
    assert told(value) == text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_still_fits_a_narrow_screen(train, open_page, tmp_path, theme):
    page = open_page(
        made(train, beside={"original": PICTURES}).still(), tmp_path, color_scheme=theme
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.get_by_role("img", name="Three digits. Rows from the top: original, run 1.").count()
        == 1
    )
    assert page.get_by_role("table", name="The runs so far").count() == 1


def test_a_built_page_takes_the_still():
    """The priority that the book's own configuration gives to the kinds of output."""
    render = pytest.importorskip("myst_nb.core.render")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    order = render.get_mime_priority("html", config["nb_mime_priority_overrides"])
    assert WIDGET not in order and order.index("text/html") < order.index("text/plain")
    assert WIDGET in render.get_mime_priority("html", []), (
        "the setting is what keeps the widgets out"
    )


# ---- What it refuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, error, message",
    [
        (dict(controls={}), TypeError, "controls: got {}"),
        (dict(controls={**CONTROLS, "size": [4]}), ValueError, "controls['size']: got [4]"),
        (dict(controls={**CONTROLS, "size": [4, 4]}), ValueError, "controls['size']: got [4, 4]"),
        (
            dict(controls={**CONTROLS, "size": [4, None]}),
            ValueError,
            "controls['size']: got [4, None]",
        ),
        (
            dict(controls={**CONTROLS, "width": [4, 8]}, start={**START, "width": 4}),
            TypeError,
            "controls: got size, loss, revival, width",
        ),
        (dict(controls={"size": [2, 4]}, start={"size": 2}), TypeError, "controls: got size;"),
        (dict(start={"size": 4}), ValueError, "start: got {'size': 4}"),
        (dict(start={**START, "size": 5}), ValueError, "start['size']: got 5"),
        (dict(also=[{"size": 2}, {"loss": "l1"}]), ValueError, "also[1]['loss']: got 'l1'"),
        (dict(also=[{"width": 2}]), ValueError, "also[0]: got"),
        (dict(title=" "), ValueError, "title: got ' '"),
        (dict(description=""), ValueError, "description: got ''"),
        (
            dict(beside={"original": torch.rand(3, 9, 6)}),
            TypeError,
            "beside['original']: got a tensor of shape [3, 9, 6]",
        ),
    ],
)
def test_it_names_the_argument_that_does_not_fit(train, change, error, message):
    with pytest.raises(error, match=re.escape(message)):
        made(train, **change)
    assert not train.calls, "nothing is trained before the arguments are known to fit"


@pytest.mark.parametrize(
    "given, message",
    [
        (None, "run: returned None"),
        ({}, "run: returned {}"),
        ({"a": torch.rand(2, 3)}, "as 'a'"),
        ({"a": "word"}, "run: returned 'word' as 'a'"),
        ({"a": []}, "run: returned [] as 'a'"),
        ({"a": [[1.0], [1.0, 2.0]]}, "as 'a'"),
        ({"a": torch.rand(0, 1, 9, 6)}, "as 'a'"),
    ],
)
def test_it_names_what_the_function_should_have_returned(given, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        explore.bench(lambda size: given, {"size": [1, 2]}, start={"size": 1}, title="Wrong")


def test_every_run_returns_the_same_names():
    with pytest.raises(
        TypeError, match="run: got other; accepted are the names and kinds of the first run, figure"
    ):
        explore.bench(
            lambda size: {"figure" if size == 1 else "other": 1.0},
            {"size": [1, 2]},
            start={"size": 1},
            also=[{"size": 2}],
            title="Names",
        )


def test_a_failure_at_the_start_is_an_error_of_the_cell(train):
    train.fault = RuntimeError("no such data")
    with pytest.raises(RuntimeError, match="no such data"):
        made(train)

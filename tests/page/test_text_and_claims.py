"""Claims, figures and the other pieces of a page."""

import html
import json
import re

import numpy as np
import pytest
import torch

from aecourse import claims, page, plots, train


@pytest.fixture
def repeated(monkeypatch):
    """A ledger in which "some-claim" came to these values."""

    def fill(*values, stale=False):
        entries = [claims.ledger.Entry(value, {}, stale) for value in values]
        monkeypatch.setattr(
            claims.ledger, "entries", lambda id: entries if id == "some-claim" else []
        )

    monkeypatch.delenv("AECOURSE_STRICT", raising=False)
    monkeypatch.delenv("AECOURSE_DATASET", raising=False)
    return fill


def test_claim_shows_what_was_measured_and_how_often_it_held(repeated):
    repeated(0.1, 0.2, 0.004, 0.3)
    made = claims.claim(
        "some-claim", "Statement < true", 0.012345, above=0.01, unit="rad", published="0.02"
    )
    assert repr(made) == "held: Statement < true 0.0123 rad (held in 3 of 4 runs; published: 0.02)"
    text = made._repr_html_()
    assert (
        "Statement &lt; true" in text
        and "0.0123 rad" in text
        and "published: 0.02" in text
        and "held in 3 of 4 runs" in text
    )
    record = json.loads(html.unescape(re.search(r'data-claim="([^"]*)"', text).group(1)))
    assert (
        record["id"] == "some-claim"
        and record["holds"] is True
        and record["figure"] == "0.0123 rad"
        and record["held"] == 3
    )
    assert record["runs"] == [0.1, 0.2, 0.004, 0.3] and record["kind"] == "measured"


def test_a_measured_claim_never_stops_a_notebook(repeated):
    repeated(0.5, 0.6)
    shown = claims.claim("some-claim", "It is large.", 0.01, above=0.4)
    assert repr(shown).startswith("did not hold here") and not shown.holds
    nothing = claims.claim("some-claim", "It is large.", float("nan"), above=0.4)
    assert not nothing.holds and "nan" in nothing._repr_html_()
    assert not claims.claim("new-claim", "It is large.", 0.01, above=0.4).holds


def test_the_spread_of_a_claim_stands_in_words(repeated, monkeypatch):
    repeated(-0.52, 0.6, 0.22)
    assert claims.in_runs("some-claim") == "between -0.5 and 0.6 nats in 3 runs, 0.1 on average"
    text = claims.in_runs("some-claim", digits=2, unit="")
    assert text == "between -0.52 and 0.60 in 3 runs, 0.10 on average"
    assert claims.in_runs("another-claim") == "not measured in other runs"
    with pytest.raises(ValueError, match="digits: got -1"):
        claims.in_runs("some-claim", digits=-1)
    monkeypatch.setenv("AECOURSE_DATASET", "mnist")
    assert claims.in_runs("some-claim") == "not measured in other runs"


def test_an_exact_claim_stops_only_the_tests(repeated, monkeypatch):
    shown = claims.exact("sum", "It is 2.", 3, holds=False)
    assert repr(shown).startswith("fails here") and "runs" not in repr(shown)
    monkeypatch.setenv("AECOURSE_STRICT", "1")
    with pytest.raises(claims.ClaimFailed, match="sum: It is 2. Measured: 3."):
        claims.exact("sum", "It is 2.", 3, holds=False)
    assert claims.exact("sum", "It is 3.", 3, holds=True).holds


def test_strict_judges_a_measured_claim_by_the_ledger_and_not_by_its_bound(repeated, monkeypatch):
    monkeypatch.setenv("AECOURSE_STRICT", "1")
    repeated(0.50, 0.60)
    assert not claims.claim(
        "some-claim", "s", 0.45, above=0.55
    ).holds  # below the bound, near the repetitions
    for far in (0.39, 0.71, float("nan"), float("inf")):
        with pytest.raises(
            claims.ClaimFailed, match="far outside the 2 repetitions in the ledger, 0.5 to 0.6"
        ):
            claims.claim("some-claim", "s", far, above=0.1)
    monkeypatch.setenv("AECOURSE_DATASET", "mnist")  # the ledger knows nothing of other images
    assert claims.claim("some-claim", "s", 0.9, above=0.55).holds


@pytest.mark.parametrize(
    "value, runs, near",
    [
        (0.4, [0.5, 0.6], True),
        (0.39, [0.5, 0.6], False),
        (19, [20, 20, 20], True),
        (18, [20, 20, 20], False),
        (1.009, [1.0, 1.0], True),
        (1.02, [1.0, 1.0000001], False),
        (0.0, [0.0, 0.0], True),
        (float("nan"), [1.0, 2.0], False),
    ],
)
def test_what_is_plausible(value, runs, near):
    assert claims.ledger.plausible(value, runs) is near


def test_a_statement_says_how_often_it_held(repeated):
    repeated(1.0, 2.0, 3.0)
    assert (
        claims.claim(
            "some-claim", "In {held} of {runs} runs it is.", 1.5, above=1.2, below=2.5
        ).statement
        == "In 1 of 3 runs it is."
    )


def test_other_images_are_not_judged_by_the_ledger(repeated, monkeypatch):
    repeated(1.0, 2.0)
    monkeypatch.setenv("AECOURSE_DATASET", "mnist")
    made = claims.claim("some-claim", "In {held} of {runs} runs it was.", 1.5, above=1.2)
    assert made.statement == "In some runs it was." and made.rate == "not yet repeated"
    made = claims.claim("some-claim", "It falls: in {held} of {runs} runs it was.", 1.5, above=1.2)
    assert made.statement == "It falls: in some runs it was."


def test_the_strip_draws_every_repetition_and_says_what_it_shows(repeated):
    repeated(1.0, 2.0, 3.0)
    made = claims.claim("some-claim", "s", 1.5, above=0.0)
    svg = claims.strip(made)
    assert (
        svg.count('r="3"') == 3 and svg.count('r="5"') == 1 and svg.count("stroke-dasharray") == 1
    )
    assert "Here 1.5; 3 repetitions from 1 to 3; the statement holds above 0." in svg


@pytest.mark.parametrize("bad", ["Some Claim", "", "a_b", "a--b", None])
def test_claim_ids(bad):
    with pytest.raises(ValueError, match="id: got"):
        claims.claim(bad, "s", 1, above=0)


@pytest.mark.parametrize("bad", ["1", None, [1]])
def test_claims_need_a_number(bad):
    with pytest.raises(TypeError, match="value: got"):
        claims.claim("a", "s", bad, above=0)


def test_measured_claims_need_a_bound():
    with pytest.raises(ValueError, match="above: got None, and below is None"):
        claims.claim("a", "s", 1)


@pytest.mark.parametrize(
    "value, text",
    [(489136, "489,136"), (0.5, "0.5"), (1234.5, "1,234"), (3e-6, "3e-06"), (-2.0, "-2")],
)
def test_numbers(value, text):
    assert claims.number(value) == text


def test_figures_need_a_description_and_carry_it():
    with pytest.raises(ValueError, match="description: got ''"):
        plots.figure("")
    fig, ax = plots.figure('A "line" rises.')
    ax.plot([0, 1], [0, 1])
    bundle = fig._repr_mimebundle_()
    assert bundle["text/plain"] == 'Figure: A "line" rises.'
    assert (
        'role="img"' in bundle["text/html"] and "A &quot;line&quot; rises." in bundle["text/html"]
    )


def test_terms_of_a_run_have_axes_of_their_own_where_they_are_drawn_apart():
    run = train.History({"loss": [9.0, 7.0], "kl": [1.0, 2.0]}, [1.0, 1.0])
    left, right = plots.history(run, apart=True, lines={"kl": 0.5}).axes
    assert left.lines[0].get_ydata().tolist() == [9.0, 7.0] and len(left.lines) == 1
    assert [line.get_ydata()[0] for line in right.lines] == [1.0, 0.5]
    assert len(plots.history(run).axes) == 1


def test_figures_take_the_colour_of_the_page():
    history = train.History()
    history.add({"loss": 2.0, "kl": 1.0}, 0.1)
    history.add({"loss": 1.0, "kl": 0.5}, 0.1)
    drawn = {
        "history": history.plot(),
        "rows": plots.rows(
            {"a": torch.rand(4, 1, 6, 9), "b": torch.rand(4, 1, 6, 9)},
            description="d",
            titles=list("wxyz"),
        ),
        "images": plots.images(torch.rand(5, 1, 6, 9), columns=3, description="d"),
        "scatter": plots.scatter(torch.randn(30, 2), torch.arange(30) % 10, description="d"),
        "bars": plots.bars({"a": 1.0, "b": -2.0}, y="nats", description="d"),
        "curves": plots.curves(
            {"a": ([1, 2], [3, 4])},
            x="x",
            y="y",
            description="d",
            lines={"level": 3.5},
            bands={"a": ([1, 2], [2, 3], [4, 5])},
            log_x=True,
            log_y=True,
            ticks=[1, 2],
        ),
    }
    for name, fig in drawn.items():
        svg = fig.svg()
        assert plots.INK not in svg and "<style" not in svg, name
        assert "currentColor" in svg or name == "images"
        assert svg.startswith("<svg") and svg.count("<svg") == 1
    assert "loss goes from 2.0 to 1.0" in drawn["history"].description


def test_rows_place_every_image_where_it_belongs():
    x = torch.zeros(3, 1, 14, 20)
    x[1] = 1.0
    fig = plots.images(x, columns=2, description="d")
    drawn = np.asarray(fig.axes[0].images[0].get_array())
    assert drawn.shape[:2] == (
        2 * 14 + 1,
        2 * 20 + 1,
    )  # two rows and columns, one pixel between them
    assert drawn[5, 30, 0] == 1 and drawn[5, 5, 0] == 0 and drawn[20, 5, 0] == 0
    assert (
        drawn[14, 5, 3] == 0 and drawn[20, 30, 3] == 0
    )  # gaps and the missing fourth image are transparent


def test_framed_rows_have_a_line_around_every_image():
    x = torch.ones(3, 1, 14, 20)
    fig = plots.rows({"a": x[:2], "b": x[2:]}, description="d", framed=True)
    frames = [patch for patch in fig.axes[0].patches if not patch.get_fill()]
    assert [patch.get_xy() for patch in frames] == [(-0.5, -0.5), (20.5, -0.5), (-0.5, 14.5)]
    assert all((p.get_width(), p.get_height()) == (20, 14) for p in frames)
    assert not plots.rows({"a": x}, description="d").axes[0].patches


def test_source_shows_the_code_without_its_documentation():
    text = page.source(train.warmup)._repr_markdown_()
    assert text.startswith("```python\ndef warmup(") and '"""' not in text
    assert '"""' in page.source(train.warmup, docstring=True)._repr_markdown_()
    assert page.say("One.", "Two.")._repr_markdown_() == "One. Two."


@pytest.mark.parametrize("thing", [train.Run.epoch, train.Run.step])
def test_printed_code_fits_the_page(thing):
    assert max(map(len, page.source(thing).markdown.splitlines())) <= 86


@pytest.mark.parametrize(
    "ys, expected",
    [([0.21, 0.3, 0.52], {"0.3", "0.5"}), ([0.3, 2.0, 18.0], {"0.5", "1", "2", "5", "10"})],
)
def test_a_logarithmic_axis_carries_numbers(ys, expected):
    """Within a decade or two, where powers of ten alone would leave one label or none; and across, counts as one writes them."""
    drawn = plots.curves(
        {"": ([1, 4, 16], ys)}, x="x", y="y", log_x=True, log_y=True, description="d"
    )
    drawn.svg()
    [axes] = drawn.axes
    low, high = axes.get_ylim()
    seen = {
        label.get_text()
        for label in axes.get_yticklabels()
        if low <= label.get_position()[1] <= high
    }
    assert expected <= seen
    assert {"1", "4", "16"} <= {label.get_text() for label in axes.get_xticklabels()}

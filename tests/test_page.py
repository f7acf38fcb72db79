"""Claims, figures and the other pieces of a page."""
import html
import json
import re

import numpy as np
import pytest
import torch

from aecourse import claims, page, plots, train


def test_claim_shows_what_was_measured_and_whether_it_held():
    made = claims.claim("some-claim", "Statement < true", 0.012345, holds=True, unit="rad", published="0.01")
    assert repr(made) == "held: Statement < true 0.0123 rad (published: 0.01)"
    text = made._repr_html_()
    assert "Statement &lt; true" in text and "0.0123 rad" in text and "published: 0.01" in text
    record = json.loads(html.unescape(re.search(r'data-claim="([^"]*)"', text).group(1)))
    assert record["id"] == "some-claim" and record["holds"] is True and record["figure"] == "0.0123 rad"


def test_claim_that_the_text_relies_on_stops_the_notebook():
    with pytest.raises(claims.ClaimFailed, match="some-claim: It is small. Measured: 7 nats"):
        claims.claim("some-claim", "It is small.", 7.0, holds=False, unit="nats")
    shown = claims.claim("some-claim", "It is small.", torch.tensor(7.0), holds=torch.tensor(False), required=False)
    assert repr(shown).startswith("did not hold") and not shown.holds


@pytest.mark.parametrize("bad", ["Some Claim", "", "a_b", "a--b", None])
def test_claim_ids(bad):
    with pytest.raises(ValueError, match="id: got"):
        claims.claim(bad, "s", 1, holds=True)


def test_claims_need_a_finite_figure():
    with pytest.raises(ValueError, match="value: got nan"):
        claims.claim("a", "s", float("nan"), holds=True)


@pytest.mark.parametrize("value, text", [(489136, "489,136"), (0.5, "0.5"), (1234.5, "1,234"), (3e-6, "3e-06"), (-2.0, "-2")])
def test_numbers(value, text):
    assert claims.number(value) == text


def test_figures_need_a_description_and_carry_it():
    with pytest.raises(ValueError, match="description: got ''"):
        plots.figure("")
    fig, ax = plots.figure('A "line" rises.')
    ax.plot([0, 1], [0, 1])
    bundle = fig._repr_mimebundle_()
    assert bundle["text/plain"] == 'Figure: A "line" rises.'
    assert 'role="img"' in bundle["text/html"] and "A &quot;line&quot; rises." in bundle["text/html"]


def test_figures_take_the_colour_of_the_page():
    history = train.History()
    history.add({"loss": 2.0, "kl": 1.0}, 0.1)
    history.add({"loss": 1.0, "kl": 0.5}, 0.1)
    drawn = {"history": history.plot(),
             "rows": plots.rows({"a": torch.rand(4, 1, 6, 9), "b": torch.rand(4, 1, 6, 9)}, description="d", titles=list("wxyz")),
             "images": plots.images(torch.rand(5, 1, 6, 9), columns=3, description="d"),
             "scatter": plots.scatter(torch.randn(30, 2), torch.arange(30) % 10, description="d"),
             "bars": plots.bars({"a": 1.0, "b": -2.0}, y="nats", description="d"),
             "curves": plots.curves({"a": ([1, 2], [3, 4])}, x="x", y="y", description="d", lines={"level": 3.5},
                                    bands={"a": ([1, 2], [2, 3], [4, 5])}, log_x=True, log_y=True, ticks=[1, 2])}
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
    assert drawn.shape[:2] == (2 * 14 + 1, 2 * 20 + 1)           # two rows and columns, one pixel between them
    assert drawn[5, 30, 0] == 1 and drawn[5, 5, 0] == 0 and drawn[20, 5, 0] == 0
    assert drawn[14, 5, 3] == 0 and drawn[20, 30, 3] == 0        # gaps and the missing fourth image are transparent


def test_source_shows_the_code_without_its_documentation():
    text = page.source(train.warmup)._repr_markdown_()
    assert text.startswith("```python\ndef warmup(") and '"""' not in text
    assert '"""' in page.source(train.warmup, docstring=True)._repr_markdown_()
    assert page.say("One.", "Two.")._repr_markdown_() == "One. Two."


@pytest.mark.parametrize("thing", [train.Run.epoch, train.Run.step])
def test_printed_code_fits_the_page(thing):
    assert max(map(len, page.source(thing).markdown.splitlines())) <= 86


@pytest.mark.parametrize("ys, expected", [([0.21, 0.3, 0.52], {"0.3", "0.5"}), ([0.3, 2.0, 18.0], {"0.5", "1", "2", "5", "10"})])
def test_a_logarithmic_axis_carries_numbers(ys, expected):
    """Within a decade or two, where powers of ten alone would leave one label or none; and across, counts as one writes them."""
    drawn = plots.curves({"": ([1, 4, 16], ys)}, x="x", y="y", log_x=True, log_y=True, description="d")
    drawn.svg()
    [axes] = drawn.axes
    low, high = axes.get_ylim()
    seen = {label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high}
    assert expected <= seen
    assert {"1", "4", "16"} <= {label.get_text() for label in axes.get_xticklabels()}

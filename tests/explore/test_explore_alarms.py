"""A threshold in the page: its counts and costs are those of `evaluate`, it moves by mouse and keys, prices move the cheapest."""

import math
import re

import pytest
import torch

from aecourse import evaluate, explore

ROOT = "document.querySelector('.ae-alarms').aecourse"
TALL = {"viewport": {"width": 390, "height": 1600}}
G = torch.Generator().manual_seed(0)
LABELS = (torch.rand(3000, generator=G) < 0.03).long()
NORMAL = torch.randn(3000, generator=G)
LINEAR = NORMAL + 3 * LABELS
LONG = (NORMAL + 4 * LABELS).exp()  # a long tail: its axis is logarithmic
DETECTORS = {"plain": LINEAR, "heavy": LONG}


def figure(detectors=DETECTORS, labels=LABELS, **options):
    return explore.alarms(detectors, labels, **options)


def state(page):
    return page.evaluate(f"{ROOT}.state")


def put(page, name, value):
    page.get_by_role("slider", name=name).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


@pytest.mark.parametrize("name", DETECTORS)
def test_counts_are_those_of_the_measure(open_page, tmp_path, name):
    page = open_page(figure({name: DETECTORS[name]}), tmp_path, **TALL)
    last = int(page.get_by_role("slider", name="Threshold").get_attribute("max"))
    for place in (0, 40, 90, 130, last):
        put(page, "Threshold", place)
        now = state(page)
        expected = evaluate.alarms(DETECTORS[name], LABELS, now["threshold"])
        assert [now[k] for k in ("found", "missed", "wrong", "quiet")] == list(expected)
        assert now["found"] + now["missed"] == LABELS.sum()
        assert now["wrong"] + now["quiet"] == (1 - LABELS).sum()
        assert now["cost"] == 50 * now["missed"] + now["wrong"]
    assert now["found"] == now["wrong"] == 0
    put(page, "Threshold", 0)
    assert state(page)["quiet"] == 0 and state(page)["missed"] == 0


def test_the_first_threshold_keeps_the_share_of_false_alarms(open_page, tmp_path):
    now = state(open_page(figure(false_alarms=0.02), tmp_path, **TALL))
    assert 0.012 < now["wrong"] / (1 - LABELS).sum() <= 0.02


def test_the_cheapest_is_found_and_prices_move_it(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    page.get_by_role("button", name="Cheapest threshold").click()
    first = state(page)
    level = evaluate.cheapest_threshold(LINEAR, LABELS, 50, 1)
    least = evaluate.alarms(LINEAR, LABELS, level).cost(50, 1)
    assert least <= first["cost"] < 1.1 * least
    put(page, "Cost of a false alarm", round(100 * math.log(50)))
    page.get_by_role("button", name="Cheapest threshold").click()
    dear = state(page)
    assert dear["price"] == pytest.approx(50, rel=0.01) and dear["threshold"] > first["threshold"]
    page.get_by_role("button", name="Back to the first").click()
    assert state(page)["threshold"] > first["threshold"]


def test_by_keyboard(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    before = state(page)
    page.get_by_role("slider", name="Threshold").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    after = state(page)
    assert after["place"] == before["place"] - 5 and after["wrong"] > before["wrong"]
    page.get_by_role("slider", name="Cost of a miss").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["miss"] > before["miss"]
    page.get_by_role("button", name="heavy").focus()
    page.keyboard.press("Enter")
    assert state(page)["detector"] == "heavy"


def test_a_press_on_the_picture_puts_the_threshold_there(open_page, tmp_path):
    page = open_page(figure(), tmp_path, viewport={"width": 800, "height": 1000})
    box = page.locator(".ae-chart").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    left = state(page)
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.5 * box["height"])
    assert left["place"] < state(page)["place"] and left["found"] >= state(page)["found"]


def test_table_and_sentence_say_the_counts(open_page, tmp_path):
    page = open_page(figure(names=("normal payments", "frauds")), tmp_path, **TALL)
    now = state(page)
    cells = page.locator("td.ae-found, td.ae-missed, td.ae-wrong, td.ae-quiet").all_inner_texts()
    assert [int(cell.replace(",", "")) for cell in cells] == [
        now[k] for k in ("found", "missed", "wrong", "quiet")
    ]
    told = page.locator(".ae-reading").inner_text()
    assert f"recall {100 * now['found'] / LABELS.sum():.0f} % of frauds" in told
    assert page.locator(".ae-alarms th[scope=row]").all_inner_texts() == [
        "frauds",
        "normal payments",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure(), tmp_path, **TALL, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("img", name="Histograms of the scores").count() == 1
    assert page.get_by_role("slider").count() == 3


def test_it_is_said_in_words_and_weighs_little():
    made = figure()
    assert "plain: " in repr(made) and "false alarms" in repr(made) and made.nbytes < 60_000
    assert made.html == figure().html
    assert repr(figure(description="My words.")) == "My words."


def test_few_scores_and_equal_ones_will_do(open_page, tmp_path):
    few = figure({"few": torch.tensor([1.0, 1, 1, 2])}, torch.tensor([0, 0, 1, 1]))
    page = open_page(few, tmp_path, **TALL)
    page.get_by_role("button", name="Cheapest threshold").click()
    now = state(page)
    assert now["found"] + now["missed"] == 2 and now["wrong"] + now["quiet"] == 2


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: figure({}), "detectors: got"),
        (lambda: figure(LINEAR), "detectors: got"),
        (lambda: figure(labels=torch.zeros(3000)), "labels: got 0 for all 3000"),
        (lambda: figure(labels=LABELS[:10]), "labels: got 10 for 3000 scores"),
        (lambda: figure({"a": LINEAR / 0}), "a: got entries that are nan or infinite"),
        (lambda: figure(miss=0), "miss: got 0"),
        (lambda: figure(false_alarm=2000), "false_alarm: got 2000"),
        (lambda: figure(false_alarms=2), "false_alarms: got 2"),
        (lambda: figure(names=("one",)), "names: got 1"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()

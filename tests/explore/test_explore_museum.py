"""A round of runs: a pick is told at once, right ones are counted, by mouse, touch and keys; nothing ill-formed comes in."""

import re

import pytest
import torch

from aecourse import explore

ROOT = "document.querySelector('.ae-museum').aecourse"


def runs(count=3, **changed):
    generator = torch.Generator().manual_seed(0)
    one = {
        "curve": [210.0, 120.0, 95.5, 90.0],
        "rows": {
            "Images": torch.rand(4, 1, 6, 5, generator=generator),
            "Rebuilt": torch.zeros(4, 6, 5),
        },
        "facts": {"KL": "0.0 nats"},
        "answer": "the code is ignored",
        "others": ["the KL never reaches the loss", "nothing is wrong"],
        "why": "Swap the codes.",
    }
    return (
        [{**one, **changed, "curve": [k + v for v in one["curve"]]} for k in range(count)]
        if ("curve" not in changed)
        else [{**one, **changed} for _ in range(count)]
    )


def answer(page, right=True):
    choices = page.locator("[data-choice]")
    wanted = [
        i
        for i in range(choices.count())
        if (choices.nth(i).get_attribute("data-choice") == "0") == right
    ]
    return choices.nth(wanted[0])


def test_a_round_is_played_and_counted(open_page, tmp_path):
    page = open_page(explore.museum(runs()), tmp_path)
    assert "Run 1 of 3" in page.locator(".ae-museum-head").inner_text()
    assert page.get_by_role("button", name="Next run").count() == 0
    answer(page).click()
    assert page.evaluate(f"{ROOT}.score") == 1
    assert "Right: the code is ignored. Swap the codes." in page.locator(".ae-reading").inner_text()
    assert all(node.is_disabled() for node in page.locator("[data-choice]").all())
    page.get_by_role("button", name="Next run").click()
    answer(page, right=False).click()
    assert (
        page.evaluate(f"{ROOT}.score") == 1
        and "No: the code is ignored." in page.locator(".ae-reading").inner_text()
    )
    page.get_by_role("button", name="Next run").click()
    answer(page).click()
    assert "2 of 3 right" in page.locator(".ae-reading").inner_text()
    page.get_by_role("button", name="Begin again").click()
    assert page.evaluate(f"[{ROOT}.run, {ROOT}.score, {ROOT}.picked]") == [0, 0, None]


def test_by_keyboard_alone(open_page, tmp_path):
    page = open_page(explore.museum(runs()), tmp_path)
    answer(page).focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ROOT}.score") == 1
    page.keyboard.press("Enter")  # the way on has the focus
    assert page.evaluate(f"{ROOT}.run") == 1
    page.keyboard.press("Space")  # so has the first diagnosis of the next run
    assert page.evaluate(f"{ROOT}.picked") is not None


def test_by_touch_on_a_narrow_screen(open_page, tmp_path):
    page = open_page(explore.museum(runs()), tmp_path, has_touch=True)
    answer(page).tap()
    assert page.evaluate(f"{ROOT}.picked") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_right_one_does_not_always_stand_first(open_page, tmp_path):
    page = open_page(explore.museum(runs(8)), tmp_path)
    places = set()
    for _ in range(8):
        choices = page.locator("[data-choice]")
        places.add([c.get_attribute("data-choice") for c in choices.all()].index("0"))
        choices.first.click()
        page.locator(".ae-main").click()
    assert len(places) == 3


def test_dark_pages_show_light_ink_and_the_curve_is_said(open_page, tmp_path):
    figure = explore.museum(runs(rows={"Images": torch.ones(2, 6, 5)}))
    first = "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data]"
    light, dark = (
        open_page(figure, tmp_path, color_scheme=scheme).evaluate(first)
        for scheme in ("light", "dark")
    )
    assert light[0] < 100 < dark[0]
    page = open_page(figure, tmp_path)
    assert "from 210.00 to 90.00" in page.locator("svg").first.get_attribute("aria-label")


@pytest.mark.parametrize(
    "given, message",
    [
        (runs(1), "accepted are two or more runs"),
        ([{}, {}], "runs[0]: got"),
        (runs(curve=[1.0]), "runs[0] curve: got shape [1]"),
        (runs(rows={}), "runs[0] rows: got 0"),
        (runs(rows={"a": torch.ones(2, 3)}), "accepted is [N, H, W]"),
        (runs(others=["the code is ignored", "b"]), "runs[0] others"),
        (runs(others=["a"]), "accepted are two to five"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.museum(given)


def test_it_is_said_in_words_without_the_answers():
    figure = explore.museum(runs())
    assert "run 2: loss 211 to 91" in repr(figure) and "ignored" not in repr(figure)
    assert figure.nbytes < 60_000 and repr(explore.museum(runs(), description="Mine.")) == "Mine."

"""Pictures of the same codes: the neighbours against a plain count, and what a reader can do with them."""

import re

import numpy as np
import pytest

from aecourse import explore
from aecourse.explore.layouts import neighbours, share_kept

ROOT = "document.querySelector('.ae-layouts').aecourse"
N, K = 40, 4


def inputs():
    rng = np.random.default_rng(0)
    codes, images = rng.normal(size=(N, 5)), np.zeros((N, 6, 9))
    images[:, 2:4, 3:8] = rng.uniform(size=(N, 2, 5))
    pictures = {
        "first two": codes[:, :2],
        "turned": 3 * codes[:, 1::-1] + 5,
        "noise": rng.normal(size=(N, 2)),
    }
    return dict(pictures=pictures, codes=codes, images=images, labels=np.arange(N) % 3, k=K)


def figure(**change):
    return explore.layouts(**{**inputs(), "start": 0, **change})


def state(page):
    return page.evaluate(f"{ROOT}.state")


def move(page, value):
    """Puts the slider where a reader would have dragged it, and waits for the points to arrive."""
    page.get_by_role("slider", name="Picture").evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )
    page.wait_for_function(f"!{ROOT}.state.moving")


def plain(points, i):
    """The k nearest of one point, by a plain sort."""
    return sorted(
        (j for j in range(N) if j != i), key=lambda j: np.hypot(*(points[j] - points[i]))
    )[:K]


# ---- Python ------------------------------------------------------------------------------------------------


def test_neighbours_by_a_plain_sort_and_the_share_that_is_kept():
    given = inputs()
    points = given["pictures"]["noise"]
    assert neighbours(points, K).tolist() == [plain(points, i) for i in range(N)]
    true = neighbours(given["codes"], K)
    assert share_kept(true, true) == 1.0 and share_kept(true, (true + 1) % N) < 0.5
    assert share_kept(np.array([[1, 2]]), np.array([[2, 3]])) == 0.5


def test_turning_and_scaling_keeps_every_neighbour():
    made = figure()
    first, turned, noise = map(float, re.findall(r"(\d+)%", repr(made)))
    assert first == turned > noise
    kept = share_kept(
        neighbours(inputs()["codes"], K), neighbours(inputs()["pictures"]["noise"], K)
    )
    assert noise == pytest.approx(100 * kept, abs=0.51)


def test_it_says_in_words_what_it_shows_and_is_the_same_every_time():
    assert figure().html == figure().html and "40 codes as points, drawn in 3 ways" in repr(
        figure()
    )
    assert repr(figure(description="My words.")) == "My words."
    assert '"shape":[4,7]' in figure().html  # the empty margin is cut off, but for one pixel
    assert '"start":5}' in figure(start=5).html


def test_it_starts_where_the_first_picture_is_worst():
    given = inputs()
    given["pictures"] = dict(reversed(given["pictures"].items()))  # noise first
    true, drawn = neighbours(given["codes"], K), neighbours(given["pictures"]["noise"], K)
    worst = min(range(N), key=lambda i: len(set(true[i]) & set(drawn[i])))
    assert f'"start":{worst}}}' in explore.layouts(**given).html


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(codes=np.zeros((3, 2))), "codes: got shape [3, 2]"),
        (dict(codes=np.zeros((601, 2))), "codes: got shape [601, 2]"),
        (dict(labels=np.zeros(N)), "labels: got float64"),
        (dict(labels=np.full(N, 10)), "labels: got 10 to 10"),
        (dict(pictures={"one": np.ones((N, 2))}), "pictures: got"),
        (
            dict(pictures={"a": np.eye(N, 2), "b": np.ones((N, 2))}),
            "pictures['b']: got shape [40, 2], or all points in one place",
        ),
        (dict(pictures={"a": np.eye(N, 2), "b": np.eye(N, 3)}), "pictures['b']: got shape [40, 3]"),
        (dict(images=np.zeros((N, 3))), "images: got shape [40, 3]"),
        (dict(images=np.full((N, 3, 3), 2.0)), "images: got values from 2 to 2"),
        (dict(k=13), "k: got 13"),
        (dict(k=20), "k: got 20"),
        (dict(start=N), "start: got 40"),
        (dict(codes=np.full((N, 2), np.nan)), "codes: got entries that are nan"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(**change)


# ---- In a browser ------------------------------------------------------------------------------------------


def test_the_neighbours_in_the_page_are_those_of_a_plain_sort(open_page, tmp_path):
    given = inputs()
    page = open_page(figure(), tmp_path)
    for layout, points in enumerate(given["pictures"].values()):
        move(page, layout)
        assert state(page)["layout"] == layout
        for i in (0, 7, 23):
            page.evaluate(f"{ROOT}.choose({i})")
            assert page.evaluate(f"{ROOT}.found({i})") == plain(points, i)
            shared = len(set(plain(points, i)) & set(neighbours(given["codes"], K)[i].tolist()))
            assert state(page)["shared"] == shared
            assert f"{shared} of these 4" in page.locator(".ae-reading").first.inner_text()
        share = share_kept(neighbours(given["codes"], K), neighbours(points, K))
        assert f"{K * share:.1f} of 4" in page.locator(".ae-reading").nth(1).inner_text()


def test_the_images_are_those_given(open_page, tmp_path):
    page = open_page(figure(start=5), tmp_path)
    shown = page.evaluate("""(() => { const c = document.querySelector('.ae-chosen'), root = document.querySelector('.ae-layouts');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return [c.width, c.height, Array.from(d).filter((_, i) => i % 4 === 0)]; })()""")
    truth = inputs()["images"][5, 1:5, 2:9]
    assert shown[:2] == [7, 4]
    assert (
        np.abs(np.array(shown[2]).reshape(4, 7) / 255 - (1 - truth)).max() <= 1.01 / 255
    )  # black ink on white paper


def test_by_keyboard(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    stage, before = page.locator(".ae-stage"), state(page)
    stage.focus()
    for key, axis, sign in (
        ("ArrowRight", 0, 1),
        ("ArrowLeft", 0, -1),
        ("ArrowUp", 1, 1),
        ("ArrowDown", 1, -1),
    ):
        page.keyboard.press("Home")
        assert state(page)["chosen"] == 0
        page.keyboard.press(key)
        now = state(page)
        assert now["chosen"] == 0 or sign * (now["place"][axis] - before["place"][axis]) > 0
    for _ in range(N):
        page.keyboard.press("ArrowRight")  # ends at the edge and stays there
    last = state(page)
    page.keyboard.press("ArrowRight")
    assert state(page) == last and last["place"][0] > 0
    slider = page.get_by_role("slider", name="Picture")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"!{ROOT}.state.moving")
    assert state(page)["layout"] == 1 and slider.get_attribute("aria-valuetext") == "turned"
    page.wait_for_function(
        "document.querySelector('.ae-layouts [role=status]').textContent.startsWith('turned, a ')"
    )


def test_by_pointer(open_page, tmp_path):
    page = open_page(figure(), tmp_path, has_touch=True)
    box = page.locator(".ae-stage").bounding_box()
    for i in (3, 11):
        page.evaluate(f"{ROOT}.choose({i})")
        x, y = state(page)["place"]
        page.evaluate(f"{ROOT}.choose(0)")
        reach = (box["width"] - 2) / 2 - 12
        spot = box["x"] + box["width"] / 2 + x * reach, box["y"] + box["height"] / 2 - y * reach
        (page.mouse.click if i == 3 else page.touchscreen.tap)(*spot)
        assert state(page)["chosen"] == i


def test_with_reduced_motion_nothing_moves_by_itself(open_page, tmp_path):
    page = open_page(figure(), tmp_path, reduced_motion="reduce")
    page.evaluate(f"{ROOT}.moveTo(2)")
    assert not state(page)["moving"] and state(page)["layout"] == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure(), tmp_path, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.get_by_role("slider", name="Picture").count() == 1
        and page.get_by_role("application").count() == 1
    )
    assert page.get_by_role("img", name=re.compile("Its nearest codes: ")).count() == 1
    assert page.get_by_role("img", name="The image of the chosen code, a 0").count() == 1

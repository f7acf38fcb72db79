"""Labelling in the page: its three readers are those of Python, and a reader can label by mouse and by keys."""

import re

import numpy as np
import pytest
import torch

from aecourse import explore, labelling

ROOT = "document.querySelector('.ae-teach').aecourse"
SCREEN = {"viewport": {"width": 390, "height": 1600}}
N, M, K = 30, 20, 3


def part(count, seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 4
    codes = rng.normal(size=(count, 5)) + 2 * np.eye(5)[labels]
    images = np.clip(rng.uniform(size=(count, 6, 9)) * 0.5 + 0.1 * labels[:, None, None], 0, 1)
    return np.round(images * 255) / 255, codes, labels


def figure(**change):
    given = {"pool": part(N, 0), "test": part(M, 1), "places": part(N, 0)[1][:, :2]}
    return explore.teach(**{**given, "k": K, "classes": 4, **change})


def wanted(labels, order):
    """The three accuracies by the package's own functions."""
    (images, codes, _), (tested, test_codes, truth) = part(N, 0), part(M, 1)

    def nearest(points, new):
        distances = torch.cdist(*(torch.tensor(p).flatten(1) for p in (new, points[order])))
        return torch.tensor(labels)[order][distances.argmin(1)]

    graph = labelling.neighbour_graph(torch.tensor(codes), K)
    scores = labelling.spread(graph, torch.tensor(labels))
    read = labelling.read_off(torch.tensor(codes), scores, torch.tensor(test_codes), K)
    found = [nearest(images, tested), nearest(codes, test_codes), read]
    return [(each == torch.tensor(truth)).double().mean().item() for each in found]


def test_the_three_readers_are_those_of_the_package(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    page.get_by_role("button", name="Label ten for me").click()
    state = page.evaluate(f"{ROOT}.state")
    assert state["order"] == labelling.cover(torch.tensor(part(N, 0)[1]), 10)
    assert len(state["curves"]) == 10 and state["curves"][-1][1] == pytest.approx(
        wanted(state["labels"], state["order"])
    )
    graph = labelling.neighbour_graph(torch.tensor(part(N, 0)[1]), K)
    scores = labelling.spread(graph, torch.tensor(state["labels"]))
    assert np.allclose(page.evaluate(f"{ROOT}.scores()"), scores.numpy(), atol=1e-4)


def test_a_click_chooses_a_button_labels_and_all_begins_anew(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    first = page.evaluate(f"{ROOT}.state.current")
    page.get_by_role("button", name="This is a 2").click()
    state = page.evaluate(f"{ROOT}.state")
    assert state["order"] == [first] and state["labels"][first] == 2 and state["current"] != first
    assert "1 label, 1 of 4 classes" in page.locator(".ae-reading").inner_text()
    box = page.locator(".ae-map").bounding_box()
    page.mouse.click(box["x"] + 5, box["y"] + 5)
    assert page.evaluate(f"{ROOT}.state.current") != state["current"]
    page.get_by_role("button", name="Start again").click()
    assert page.evaluate(f"{ROOT}.state.order") == []
    page.get_by_role("button", name="by chance").click()
    page.get_by_role("button", name="Label ten for me").click()
    order = page.evaluate(f"{ROOT}.state.order")
    assert len(set(order)) == 10 and order != labelling.cover(torch.tensor(part(N, 0)[1]), 10)


def test_keys_choose_and_label(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    page.locator(".ae-map").focus()
    before = page.evaluate(f"{ROOT}.state.current")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("3")
    state = page.evaluate(f"{ROOT}.state")
    assert len(state["order"]) == 1 and state["labels"][state["order"][0]] == 3
    page.keyboard.press("9")  # no class of four
    assert len(page.evaluate(f"{ROOT}.state.order")) == 1 and before >= 0


def test_labels_that_contradict_the_data_are_told(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    truth = part(N, 0)[2][page.evaluate(f"{ROOT}.state.current")]
    page.get_by_role("button", name=f"This is a {(truth + 1) % 4}").click()
    assert "1 other than in the data" in page.locator(".ae-reading").inner_text()


def test_all_can_be_labelled(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    page.evaluate(f"{ROOT}.many(99)")
    assert page.evaluate(f"{ROOT}.state.current") == -1
    assert page.get_by_role("button", name="This is a 0").is_disabled()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"pool": part(N, 0)[:2]}, "pool: got 'tuple'; accepted is (images, codes, labels)"),
        ({"places": np.zeros((N, 2))}, "places: got shape [30, 2], or all in one place"),
        ({"classes": 3}, "pool: got labels from 0 to 3; accepted is 0 to 2"),
        ({"classes": 11}, "classes: got 11"),
        ({"k": N}, "k: got 30; accepted is less than 30"),
        ({"test": (part(M, 1)[0][:, :5], *part(M, 1)[1:])}, "test: got shape [5, 9]"),
        ({"pool": part(400, 0)}, "pool: got 400 images; accepted are 2 to 300"),
        ({"test": (part(M, 1)[0], part(N, 1)[1], part(M, 1)[2])}, "test: got codes [30, 5]"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(**change)


def test_it_is_said_in_words_and_weighs_little():
    made = figure()
    assert made.html == figure().html and "three readers" in repr(made)
    assert repr(figure(description="My words.")) == "My words." and made.nbytes < 90_000

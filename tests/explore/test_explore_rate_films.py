"""Choosing films in the page: three rankings as torch computes them, choices to make and to take back, by keyboard, too."""

import re

import pytest
import torch

from aecourse import explore, models, nets, ratings

ROOT = "document.querySelector('.ae-rate-films').aecourse"
WORLD = ratings.world(users=200, held_out=10)
POPULARITY = WORLD.train.x.mean(0)
WEIGHTS = models.ease(WORLD.train.x, 100.0)


def made(family=models.MultVAE, **options):
    torch.manual_seed(0)
    return family(4, nets.mlp((12,), "tanh"), **{"shape": (512,), **options}).eval()


def figure(model=None, weights=WEIGHTS, popularity=POPULARITY, world=WORLD, **options):
    return explore.rate_films(model or made(), weights, popularity, world, **options)


@pytest.mark.parametrize(
    "family, name", [(models.MultVAE, "Mult-VAE"), (models.MultDAE, "Mult-DAE")]
)
def test_the_page_ranks_as_torch_does(open_page, tmp_path, family, name):
    model = made(family)
    page = open_page(figure(model), tmp_path)
    with torch.no_grad():
        start = torch.tensor(page.evaluate(f"{ROOT}.scores('{name}')"))
        assert torch.allclose(start, model.decode(torch.zeros(1, 4))[0], atol=0.02)
        assert page.evaluate(f"{ROOT}.scores('EASE')") == []
        for i in (3, 77, 410):
            page.evaluate(f"{ROOT}.toggle({i})")
        x = torch.zeros(1, 512).index_fill(1, torch.tensor([3, 77, 410]), 1.0)
        found = torch.tensor(page.evaluate(f"{ROOT}.scores('{name}')"))
        assert torch.allclose(found, model.decode(model.code(x))[0], atol=0.03)
    scores = torch.tensor(page.evaluate(f"{ROOT}.scores('EASE')"))
    assert torch.allclose(scores, (x @ WEIGHTS)[0], atol=3 * WEIGHTS.abs().max().item() / 200)
    assert not {3, 77, 410} & set(page.evaluate(f"{ROOT}.ranked('{name}')"))
    assert torch.allclose(torch.tensor(page.evaluate(f"{ROOT}.scores('Popularity')")), POPULARITY)


def test_films_are_chosen_and_taken_back(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    assert "adds up nothing" in page.locator(".ae-rate-films").inner_text()
    page.get_by_role("button", name="western", exact=False).first.click()
    shelf = page.get_by_role("group", name="Films of this genre").get_by_role("button")
    assert shelf.count() == 6
    title = shelf.nth(1).inner_text()
    shelf.nth(1).click()
    assert [WORLD.titles[i] for i in page.evaluate(f"{ROOT}.chosen")] == [title]
    assert shelf.nth(1).get_attribute("aria-pressed") == "true"
    assert page.get_by_role("list", name="First films by EASE").get_by_role("listitem").count() == 8
    assert title not in page.get_by_role("list", name="First films by Popularity").inner_text()
    page.get_by_role("button", name=f"Take back {title}").click()
    assert page.evaluate(f"{ROOT}.chosen") == []
    for k in (0, 1):
        shelf.nth(k).click()
    assert page.evaluate(f"{ROOT}.chosen.length") == 2
    page.get_by_role("button", name="Clear").click()
    assert (
        page.evaluate(f"{ROOT}.chosen") == []
        and page.get_by_text("Nothing chosen yet").is_visible()
    )


def test_films_offered_are_the_most_popular_of_their_genre(open_page, tmp_path):
    page = open_page(figure(offered=3), tmp_path)
    main = WORLD.genres.argmax(1)
    best = [i for i in POPULARITY.argsort(descending=True, stable=True).tolist() if main[i] == 0][
        :3
    ]
    shelf = page.get_by_role("group", name="Films of this genre").get_by_role("button")
    assert shelf.all_inner_texts() == [WORLD.titles[i] for i in best]


def test_by_keyboard_and_focus_stays(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    shelf = page.get_by_role("group", name="Films of this genre").get_by_role("button")
    shelf.first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ROOT}.chosen.length") == 1
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ROOT}.chosen") == []


def test_moves_are_shown_and_the_page_is_no_wider_than_a_phone(open_page, tmp_path):
    page = open_page(figure(), tmp_path, viewport={"width": 390, "height": 1600})
    page.evaluate(f"{ROOT}.toggle(3)")
    page.evaluate(f"{ROOT}.toggle(400)")
    assert page.locator(".ae-moved").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: figure(models.VAE(2, nets.mlp((5,)))),
            "model: got 'VAE'; accepted is a MultVAE or a MultDAE",
        ),
        (lambda: figure(made(shape=(5,))), "model: got shape (5,) for 512 titles"),
        (
            lambda: figure(weights=WEIGHTS[:5]),
            "weights: got shape [5, 512]; accepted is [512, 512]",
        ),
        (lambda: figure(popularity=POPULARITY[:5]), "popularity: got shape [5]; accepted is [512]"),
        (lambda: figure(top=0), "top: got 0"),
        (lambda: figure(offered=0), "offered: got 0"),
        (
            lambda: figure(
                world=ratings.Ratings("x", WORLD.train, WORLD.test, WORLD.test, WORLD.titles)
            ),
            "ratings: got 0 genres; accepted are ratings with 1 to 10 genres",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()


def test_it_is_said_in_words_and_weighs_little():
    made_figure = figure()
    assert "three lists of 8 films" in repr(made_figure) and made_figure.nbytes < 700_000
    assert repr(figure(description="My words.")) == "My words."

"""Generated choices: what is known of the world holds, and the best ranking is the best; MovieLens files are read or refused."""

import pytest
import torch

from aecourse import data, evaluate, ratings

WORLD = ratings.world(users=400, held_out=200)


def test_the_same_bytes_at_every_call_and_another_world_for_another_seed():
    again, other = ratings.world(users=400, held_out=200), ratings.world(400, 200, seed=1)
    assert torch.equal(again.train.x, WORLD.train.x) and torch.equal(
        again.test.liked, WORLD.test.liked
    )
    assert not torch.equal(other.train.x, WORLD.train.x)


def test_sizes_titles_and_columns():
    assert WORLD.shape == (512,) and len(set(WORLD.titles)) == 512 and len(WORLD.genre_names) == 8
    assert len(WORLD.train) == 400 and len(WORLD.test) == 200 and len(WORLD.validation) == 100
    assert (WORLD.genres.max(1).values == 1).all() and ((WORLD.genres > 0).sum(1) <= 2).all()
    for part in (WORLD.train, WORLD.validation, WORLD.test):
        assert set(part.x.unique().tolist()) == {0.0, 1.0} and part.x.any(1).all()
        assert part.side.shape == (len(part), 2)
    assert WORLD.test.held_out.any(1).all() and not (WORLD.test.x * WORLD.test.held_out).any()
    assert "512 items" in repr(WORLD)


def test_choices_occur_as_often_as_their_probabilities_say():
    chance = WORLD.train.shown * WORLD.train.liked
    z = (WORLD.train.x - chance).sum() / (chance * (1 - chance)).sum().sqrt()
    assert abs(z) < 5  # those with fewer than five choices are left out, which is a small excess
    high = chance > 0.5
    assert abs(WORLD.train.x[high].mean() - chance[high].mean()) < 0.03
    both = WORLD.test.x + WORLD.test.held_out
    assert abs(WORLD.test.x.sum() / both.sum() - ratings.KEPT) < 0.02


def test_nobody_ranks_better_than_the_best():
    part = WORLD.test
    ideal, liked = WORLD.ideal(part.x)
    popular = WORLD.train.x.mean(0).expand_as(part.x).contiguous()

    def ndcg(scores):
        return evaluate.ndcg_at(scores, part.held_out, 100, part.x).mean().item()

    truth = part.shown * part.liked
    assert ndcg(popular) + 0.05 < ndcg(ideal) < ndcg(truth)
    gain = part.liked * (1 - part.x)
    by_liking = [
        evaluate.ndcg_at(s, gain, 20, part.x).mean() for s in (popular, ideal, liked, part.liked)
    ]
    assert by_liking == sorted(by_liking) and by_liking[-1] > 0.999
    assert torch.equal(ideal, WORLD.ideal(part.x)[0])


def test_the_best_ranking_is_calibrated_and_its_draws_agree():
    """The expected number of held-out films is what is found; more draws say the same."""
    ideal, _ = WORLD.ideal(WORLD.test.x)
    free = WORLD.test.x == 0
    expected, found = ideal[free].sum(), WORLD.test.held_out[free].sum()
    assert abs(found / expected - 1) < 0.1
    more, _ = WORLD.ideal(WORLD.test.x[:20], samples=400, seed=1)
    assert torch.corrcoef(torch.stack([more.flatten(), ideal[:20].flatten()]))[0, 1] > 0.98


def test_the_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    ratings.world(users=20, held_out=4).ideal(torch.eye(512)[:2], samples=5)
    assert torch.equal(torch.rand(1), expected)


# ---- MovieLens ---------------------------------------------------------------------------------------------


def rows(users=30, films=12):
    """Ratings with more than enough stars: user u has rated every film but those that 3 divides with u."""
    return [
        (u, f, 5.0 if (u + f) % 4 else 2.5)
        for u in range(1, users + 1)
        for f in range(1, films + 1)
        if (u + f) % 3
    ]


def written(folder, name, separator, head=""):
    folder.mkdir(exist_ok=True)
    lines = [separator.join(map(str, (*row, 964982703))) for row in rows()]
    (folder / name).write_text(head + "\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.mark.parametrize(
    "name, separator, head",
    [
        ("ratings.csv", ",", "userId,movieId,rating,timestamp\n"),
        ("ratings.dat", "::", ""),
        ("u.data", "\t", ""),
    ],
)
def test_the_three_formats_give_the_same_choices(tmp_path, name, separator, head):
    found = ratings.movielens(written(tmp_path / "ml", name, separator, head), held_out=5)
    liked = [(u, f) for u, f, stars in rows() if stars >= 4]
    whole = found.train.x.sum() + sum(
        (p.x + p.held_out).sum() for p in (found.validation, found.test)
    )
    assert whole.item() == len(liked) and found.shape == (12,)
    assert (len(found.train), len(found.validation), len(found.test)) == (20, 5, 5)
    for part in (found.validation, found.test):
        assert (
            part.held_out.any(1).all()
            and part.x.any(1).all()
            and not (part.x * part.held_out).any()
        )
    assert found.titles[0] == "film 1" and found.genres is None


def test_titles_come_from_the_file_beside_it(tmp_path):
    folder = written(tmp_path / "ml", "ratings.csv", ",", "userId,movieId,rating,timestamp\n")
    (folder / "movies.csv").write_text(
        'movieId,title,genres\n1,"Door, The (1999)",Drama\n2,Window (2001),Comedy\n', "utf-8"
    )
    found = ratings.movielens(folder, held_out=5)
    assert found.titles[:3] == ("Door, The (1999)", "Window (2001)", "film 3")
    assert found.history("Window (2001)").nonzero().tolist() == [[0, 1]]


@pytest.mark.parametrize(
    "text, message",
    [
        (
            None,
            "without ratings.csv, ratings.dat, u.data; accepted is an unpacked folder of MovieLens",
        ),
        (
            "userId,movieId,rating,timestamp\n1,2,good,0\n",
            "got '1,2,good,0' in line 2 of .*accepted is user,film,rating",
        ),
        (
            "userId,movieId,rating,timestamp\n1,2,-3,0\n",
            "got a rating of -3 in .*accepted are ratings of at least 0",
        ),
        (
            "userId,movieId,rating,timestamp\n1,2,5,0\n",
            "held_out: got 0 twice for 0 users with 5 choices or more",
        ),
        ("", "held_out: got 0 twice for 0 users"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path, text, message):
    if text is not None:
        (tmp_path / "ratings.csv").write_text(text, "utf-8")
    with pytest.raises(data.DataError, match=message) as error:
        ratings.movielens(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ratings.world(users=0), "users: got 0"),
        (lambda: ratings.world(held_out=1), "held_out: got 1"),
        (lambda: WORLD.ideal(WORLD.test.x[:, :5]), r"x: got a tensor of shape \[200, 5\]"),
        (
            lambda: WORLD.history("No Such Film"),
            "titles: got 'No Such Film'; accepted is one of 512 titles such as",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()

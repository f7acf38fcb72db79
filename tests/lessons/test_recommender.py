"""What lesson 22 says without showing a claim for it."""

import torch

from aecourse import evaluate, models, ratings


def test_the_list_that_the_lesson_judges_by_hand():
    scores = torch.tensor([[9.0, 3.0, 2.0, 4.0, 1.0]])
    given, to_find = torch.tensor([[1.0, 0, 0, 0, 0]]), torch.tensor([[0, 0, 1.0, 0, 1.0]])
    assert evaluate.top_items(scores, 4, given).tolist() == [[3, 1, 2, 4]]
    assert evaluate.recall_at(scores, to_find, 3, given).item() == 0.5
    by_hand = 0.5 / (1 + 1 / torch.log2(torch.tensor(3.0)))
    torch.testing.assert_close(evaluate.ndcg_at(scores, to_find, 3, given), by_hand[None])


def test_an_exchanged_prior_is_bayes_rule():
    """A Gaussian likelihood times each of two priors: dividing by one and multiplying by the other gives the second posterior."""
    at, width, m, v = 1.3, 0.6, -0.8, 0.5
    sigma2 = 1 / (1 + 1 / width)
    mu = sigma2 * at / width
    exchanged = (mu / sigma2 + m / v) / (1 / sigma2 - 1 + 1 / v)
    direct = (at / width + m / v) / (1 / width + 1 / v)
    assert abs(exchanged - direct) < 1e-9


def test_the_model_learns_who_chooses_what_together():
    """Two kinds of users who never choose alike: a single choice names the kind."""
    from aecourse import data, nets, train

    g = torch.Generator().manual_seed(0)
    kind = torch.randint(2, (400,), generator=g)
    likes = torch.stack([torch.arange(10) < 5, torch.arange(10) >= 5])[kind]
    x = (likes & (torch.rand(400, 10, generator=g) < 0.7)).float()
    x = x[x.any(1)]
    for family in (models.MultVAE, models.MultDAE):
        torch.manual_seed(0)
        model = family(2, nets.mlp((8,), "tanh"), shape=(10,))
        train.fit(model, data.Split(x), epochs=30, lr=2e-2, progress=False, cache=False)
        with torch.no_grad():
            row = torch.eye(10)[:1]
            first = evaluate.top_items(model.cpu().decode(model.code(row)), 4, row)[0]
        assert set(first.tolist()) == {1, 2, 3, 4}, family.__name__


def test_an_unknown_title_and_an_empty_history_are_named():
    import pytest

    world = ratings.world(users=20, held_out=4)
    with pytest.raises(ValueError, match="titles: got 'Casablanca'; accepted is one of 512 titles"):
        world.history("Casablanca")
    with pytest.raises(ValueError, match="titles: got none; accepted is at least one"):
        world.history()

"""Measures of rankings: by hand, beside scikit-learn, and what they refuse."""

import math

import pytest
import torch
from sklearn.metrics import ndcg_score

from aecourse import evaluate

G = torch.Generator().manual_seed(0)
SCORES = torch.randn(8, 12, generator=G)
ORDER = torch.rand(8, 12, generator=G).argsort(1)
HELD_OUT = (ORDER <= torch.arange(8)[:, None] % 5).float()  # one to five films each
SEEN = (ORDER >= 9).float()


def test_recall_and_ndcg_by_hand():
    scores = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]])
    held_out = torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0]])
    seen = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0]])
    # the list is 1, 2, 3, 4: hits at the places 1 and 3
    assert evaluate.recall_at(scores, held_out, 3, seen).item() == pytest.approx(2 / 3)
    assert evaluate.recall_at(scores, held_out, 2, seen).item() == pytest.approx(1 / 2)
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert evaluate.ndcg_at(scores, held_out, 3, seen).item() == pytest.approx(
        (1 + 1 / math.log2(4)) / best
    )
    assert evaluate.ndcg_at(scores, held_out, 2, seen).item() == pytest.approx(
        1 / (1 + 1 / math.log2(3))
    )
    assert (
        evaluate.recall_at(scores, held_out, 1).item() == 0
    )  # what was seen is listed, unless it is named


@pytest.mark.parametrize("k", [1, 3, 7, 12])
def test_ndcg_is_that_of_scikit_learn(k):
    graded = HELD_OUT * torch.rand(8, 12, generator=torch.Generator().manual_seed(1))
    for gains in (HELD_OUT, graded):
        found = evaluate.ndcg_at(SCORES, gains, k)
        for i in range(8):
            known = ndcg_score(gains[i : i + 1].numpy(), SCORES[i : i + 1].numpy(), k=k)
            assert found[i].item() == pytest.approx(known, abs=1e-5)
    last = SCORES - 100 * SEEN  # scikit-learn knows no seen items: there they stand last
    known = ndcg_score(HELD_OUT.numpy(), last.numpy(), k=min(k, 9))
    assert evaluate.ndcg_at(SCORES, HELD_OUT, min(k, 9), SEEN).mean().item() == pytest.approx(
        known, abs=1e-5
    )


def test_perfect_worst_and_unchanged_by_any_increasing_map():
    best = evaluate.ndcg_at(HELD_OUT + 0.01 * SCORES, HELD_OUT, 6, SEEN)
    assert torch.allclose(best, torch.ones(8))
    assert (evaluate.recall_at(-10 * HELD_OUT + SCORES, HELD_OUT, 2, SEEN) == 0).all()
    for measure in (evaluate.ndcg_at, evaluate.recall_at):
        a, b = (measure(s, HELD_OUT, 5, SEEN) for s in (SCORES, (SCORES * 3 - 7).exp()))
        assert torch.equal(a, b)


def test_a_list_longer_than_what_is_left_ends_with_nothing():
    nine, all_twelve = (evaluate.recall_at(SCORES, HELD_OUT, k, SEEN) for k in (9, 12))
    assert torch.equal(nine, torch.ones(8)) and torch.equal(all_twelve, torch.ones(8))


def test_the_list_leaves_out_what_is_known():
    first = evaluate.top_items(SCORES, 9, SEEN)
    assert not SEEN.gather(1, first).any() and first.shape == (8, 9)
    assert torch.equal(evaluate.top_items(SCORES, 3), SCORES.topk(3).indices)


NOTHING = HELD_OUT.clone()
NOTHING[3] = 0
FULL = torch.ones(8, 12)
FULL[:5] = 0


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda m: m(SCORES, NOTHING, 3),
            "held_out: got nothing to find for user 3; accepted is at least one item for each",
        ),
        (
            lambda m: m(SCORES, HELD_OUT, 3, HELD_OUT),
            "held_out: got items of user 0 that are also in seen",
        ),
        (
            lambda m: m(SCORES, HELD_OUT, 13),
            "k: got 13; accepted is at most the number of items, 12",
        ),
        (lambda m: m(SCORES, HELD_OUT, 0), "k: got 0"),
        (
            lambda m: m(SCORES, HELD_OUT[:, :4], 3),
            r"held_out: got a tensor of shape \[8, 4\], float32 for scores of shape",
        ),
        (lambda m: m(SCORES, -HELD_OUT, 3), "held_out: got negative entries"),
        (lambda m: m(SCORES * math.nan, HELD_OUT, 3), "scores: got NaN or infinite numbers"),
        (lambda m: m(SCORES[0], HELD_OUT[0], 3), r"scores: got a tensor of shape \[12\]"),
        (
            lambda m: evaluate.top_items(SCORES, 1, FULL),
            "n: got 1 for user 5, who has 0 items left of 12; accepted are at most as many as are left",
        ),
    ],
)
@pytest.mark.parametrize("measure", [evaluate.recall_at, evaluate.ndcg_at])
def test_what_does_not_fit_is_refused_in_one_line(measure, call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(measure)
    assert "\n" not in str(error.value)

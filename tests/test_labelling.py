"""Few labels: draws that nest, labels that spread as scikit-learn's do, choices that cover."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.semi_supervised import LabelSpreading

from aecourse import labelling

G = torch.Generator().manual_seed(0)
LABELS = torch.randint(3, (40,), generator=G)
POINTS = torch.randn(40, 4, generator=G) + 2 * torch.eye(4)[LABELS]


def test_few_draws_equally_many_of_each_class_and_larger_draws_hold_smaller_ones():
    rows = labelling.few(LABELS, 3, 1)
    assert LABELS[rows].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and len(set(rows.tolist())) == 9
    assert set(rows.tolist()) <= set(labelling.few(LABELS, 5, 1).tolist())
    assert torch.equal(rows, labelling.few(LABELS, 3, 1))
    assert not torch.equal(rows, labelling.few(LABELS, 3, 2))


def test_hide_keeps_the_labels_of_the_rows_alone():
    rows = labelling.few(LABELS, 2)
    hidden = labelling.hide(LABELS, rows)
    assert torch.equal(hidden[rows], LABELS[rows]) and int((hidden == -1).sum()) == 34


def test_the_graph_joins_both_ways_and_is_scaled_by_its_degrees():
    graph = labelling.neighbour_graph(torch.tensor([[0.0], [1.0], [2.1], [9.0]]), 1).toarray()
    joined = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    degree = joined.sum(1)
    assert np.allclose(graph, joined / np.sqrt(np.outer(degree, degree)))


def test_scores_are_the_closed_form_and_those_of_scikit_learn():
    labels = labelling.hide(LABELS, labelling.few(LABELS, 2))
    graph = labelling.neighbour_graph(POINTS, 4)
    own = np.eye(3)[labels.clamp_min(0)] * (labels >= 0).numpy()[:, None]
    scores = labelling.spread(graph, labels, 0.8, 200).numpy()
    closed = 0.2 * np.linalg.inv(np.eye(40) - 0.8 * graph.toarray()) @ own
    assert np.allclose(scores, closed, atol=1e-5)

    joined = (graph.toarray() > 0).astype(float)
    theirs = LabelSpreading(kernel=lambda a, b: joined, alpha=0.8, max_iter=300, tol=1e-9)
    theirs.fit(POINTS.numpy(), labels.numpy())
    assert np.allclose(
        theirs.label_distributions_, scores / scores.sum(1, keepdims=True), atol=1e-4
    )


def test_labels_spread_within_clusters():
    points = torch.cat([torch.randn(30, 2, generator=G), torch.randn(30, 2, generator=G) + 8])
    labels = torch.full((60,), -1)
    labels[0], labels[30] = 0, 1
    scores = labelling.spread(labelling.neighbour_graph(points, 5), labels)
    assert scores.argmax(1).tolist() == [0] * 30 + [1] * 30
    new = torch.tensor([[0.0, 0.0], [8.0, 8.0]])
    assert labelling.read_off(points, scores, new, 5).tolist() == [0, 1]


def test_where_no_label_arrives_all_scores_are_zero():
    points = torch.tensor([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]])
    graph = labelling.neighbour_graph(points, 1)
    scores = labelling.spread(graph, torch.tensor([0, -1, 1, -1, -1, -1]))
    assert not scores[3:].any() and scores[:3].any()
    read = labelling.read_off(points, scores, torch.tensor([[9.05], [0.0]]), 2)
    assert read.tolist() == [-1, 0]


def test_the_most_central_point_comes_first_then_what_is_served_worst():
    points = torch.tensor([[0.0], [1.0], [2.0], [20.0], [21.0], [22.0], [23.0]])
    distances = torch.cdist(points, points)
    assert labelling.most_useful(distances, []) == distances.sum(1).argmin()
    assert labelling.cover(points, 2)[1] in (0, 1, 2)
    chosen = labelling.cover(points, 7)
    assert sorted(chosen) == list(range(7))


def test_the_greedy_choice_maximises_the_gain():
    distances = torch.cdist(POINTS, POINTS)
    chosen = [3, 17]
    served = lambda rows: distances[:, rows].amin(1).sum().item()
    best = min((c for c in range(40) if c not in chosen), key=lambda c: served([*chosen, c]))
    assert labelling.most_useful(distances, chosen) == best


ONE = torch.ones(40, dtype=torch.int64)
GRAPH = labelling.neighbour_graph(POINTS, 4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: labelling.few(ONE, 1), "labels: got labels of the one class 1; accepted are"),
        (lambda: labelling.few(-ONE, 1), "labels: got no labels at all; accepted are"),
        (lambda: labelling.few(LABELS - 1, 1), "labels: got .* of 40 that are -1; accepted is"),
        (lambda: labelling.few(LABELS - 2, 1), "labels: got -2; accepted is"),
        (lambda: labelling.few(LABELS.float(), 1), "labels: got a tensor .* float32; accepted is"),
        (lambda: labelling.few(LABELS, 30), "per_class: got 30; accepted is at most"),
        (lambda: labelling.few(LABELS, 0), "per_class: got 0"),
        (
            lambda: labelling.hide(LABELS, (LABELS == 1).nonzero()[:, 0]),
            "rows: got labels of the one",
        ),
        (lambda: labelling.spread(GRAPH, -ONE), "labels: got no labels at all"),
        (lambda: labelling.spread(GRAPH, ONE), "labels: got labels of the one class 1"),
        (lambda: labelling.spread(GRAPH, LABELS[:9]), r"graph: got \(40, 40\); accepted is"),
        (lambda: labelling.spread(sparse.eye(3), LABELS), r"graph: got \(3, 3\)"),
        (lambda: labelling.spread(GRAPH, LABELS, 1.5), "alpha: got 1.5"),
        (lambda: labelling.spread(GRAPH, LABELS, 0.5, 0), "steps: got 0"),
        (lambda: labelling.neighbour_graph(POINTS, 40), "k: got 40 for 40 points"),
        (lambda: labelling.neighbour_graph(POINTS / 0), "points: got entries that are nan"),
        (lambda: labelling.neighbour_graph(LABELS), "points: got a tensor"),
        (lambda: labelling.read_off(POINTS, torch.zeros(3, 2), POINTS), "scores: got 3 for 40"),
        (lambda: labelling.cover(POINTS, 41), "n: got 41; accepted is at most 40"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call()
    assert "\n" not in str(error.value)

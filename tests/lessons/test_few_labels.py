"""What lesson 21 says without showing a claim for it."""

import torch

from aecourse import labelling


def test_the_best_classifier_of_m2_is_bayes_rule_and_makes_the_bound_a_log_sum():
    bounds = -5 * torch.rand(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def bound(log_q):
        return (log_q.exp() * (bounds - log_q)).sum(1)

    best = bounds.log_softmax(1)
    torch.testing.assert_close(bound(best), bounds.logsumexp(1))
    other = (bounds + 0.3 * torch.randn(4, 6, dtype=torch.float64)).log_softmax(1)
    assert (bound(other) < bound(best)).all()


def test_one_step_along_a_path_of_three_points():
    """The check question: S_21 = 1 / sqrt(2), and half of it arrives."""
    graph = labelling.neighbour_graph(torch.tensor([[0.0], [1.0], [2.5]]), 1)
    scores = labelling.spread(graph, torch.tensor([0, -1, 1]), alpha=0.5, steps=1)
    assert abs(scores[1, 0].item() - 0.5 / 2**0.5) < 1e-6


def test_greedy_asking_reaches_at_least_its_share_of_the_best_gain():
    points = torch.randn(9, 2, generator=torch.Generator().manual_seed(1))
    distances = torch.cdist(points, points)
    far = distances.amax(1)
    gain = lambda rows: (far - distances[:, rows].amin(1)).sum().item()
    best = max(gain(list(three)) for three in torch.combinations(torch.arange(9), 3).tolist())
    assert gain(labelling.cover(points, 3)) >= 0.632 * best

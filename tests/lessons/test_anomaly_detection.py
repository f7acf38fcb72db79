"""What lesson 19 says without showing a claim for it."""

import torch
from sklearn import decomposition, ensemble

from aecourse import evaluate, payments


def test_the_squared_distance_from_the_mean_is_that_along_the_plane_plus_the_pca_error():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(80, 6, generator=g, dtype=torch.float64)
    x = x - x.mean(0)
    linear = decomposition.PCA(2).fit(x)
    redrawn = torch.tensor(linear.inverse_transform(linear.transform(x)))
    parts = redrawn.square().sum(1) + (x - redrawn).square().sum(1)
    torch.testing.assert_close(parts, x.square().sum(1))


def test_precision_follows_from_three_shares():
    """The formula of the lesson, against counts."""
    g = torch.Generator().manual_seed(1)
    labels = (torch.rand(500, generator=g) < 0.2).long()
    found = evaluate.alarms(torch.randn(500, generator=g) + labels, labels, 0.7)
    rate = labels.double().mean().item()
    true, false = rate * found.recall, (1 - rate) * found.false_rate
    assert abs(found.precision - true / (true + false)) < 1e-12


def test_auroc_does_not_see_how_rare_anomalies_are_and_average_precision_does():
    g = torch.Generator().manual_seed(2)
    scores = torch.randn(60, generator=g)
    labels = torch.arange(60) % 3 == 0
    scores = scores + labels
    rarer = torch.cat([scores, *[scores[~labels]] * 9])
    more = torch.cat([labels, torch.zeros(9 * 40, dtype=torch.bool)])
    assert abs(evaluate.auroc(scores, labels) - evaluate.auroc(rarer, more)) < 1e-9
    assert evaluate.average_precision(rarer, more) < 0.7 * evaluate.average_precision(
        scores, labels
    )


def test_the_cheapest_rule_for_a_known_probability():
    """Alarm where p miss > (1 - p) false_alarm: on calibrated probabilities no threshold is cheaper, but for chance."""
    g = torch.Generator().manual_seed(3)
    p = torch.rand(200_000, generator=g, dtype=torch.float64) ** 3
    labels = (torch.rand(200_000, generator=g) < p).long()
    miss, false_alarm = 9.0, 1.0
    rule = evaluate.alarms(p, labels, false_alarm / (false_alarm + miss)).cost(miss, false_alarm)
    level = evaluate.cheapest_threshold(p, labels, miss, false_alarm)
    assert abs(level - 0.1) < 0.02
    assert rule < 1.01 * evaluate.alarms(p, labels, level).cost(miss, false_alarm)


def test_four_in_ten_frauds_have_no_number_that_stands_out_and_the_forest_finds_none_of_them():
    stream = payments.stream()
    training = stream[(stream.week < 16) & (stream.labels == 0)].x
    test = stream[(stream.week >= 24) & (stream.week < 36)]
    fraud = test.labels == 1
    low, high = torch.quantile(training, torch.tensor([0.005, 0.995]), dim=0)
    inside = ((test.x >= low) & (test.x <= high)).all(1)
    assert 0.38 < inside[fraud].float().mean() < 0.45
    mean, width = training.mean(0), training.std(0)
    trees = ensemble.IsolationForest(max_samples=4096, random_state=0)
    trees.fit(((training - mean) / width).numpy())
    score = -torch.as_tensor(trees.score_samples(((test.x - mean) / width).numpy()))
    level = evaluate.alarm_threshold(score[~fraud])
    assert (score > level)[fraud & inside].float().mean() < 0.02


def test_boosted_trees_with_the_frauds_of_the_training_weeks():
    stream = payments.stream()
    training = stream[stream.week < 16]
    test = stream[(stream.week >= 24) & (stream.week < 36)]
    assert int(training.labels.sum()) == 226
    trees = ensemble.HistGradientBoostingClassifier(random_state=0)
    trees.fit(training.x.numpy(), training.labels.numpy())
    found = trees.predict_proba(test.x.numpy())[:, 1]
    assert 0.70 < evaluate.average_precision(found, test.labels) < 0.78

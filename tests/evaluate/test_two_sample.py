"""The discrepancy of two clouds against its closed form, and the test against its own promise."""

import math

import pytest
import torch

from aecourse.evaluate import two_sample as ts


def clouds(n=6, m=9, d=3, shift=0.5, seed=0):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=g, dtype=torch.float64)
    return x, shift + 1.3 * torch.randn(m, d, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("unbiased", (True, False))
def test_mmd_is_the_definition_pair_by_pair(unbiased):
    x, y = clouds()
    k = lambda a, b: math.exp(-float((a - b).square().sum()) / (2 * 0.8**2))

    def within(p):
        pairs = [
            k(p[i], p[j]) for i in range(len(p)) for j in range(len(p)) if i != j or not unbiased
        ]
        return sum(pairs) / len(pairs)

    between = sum(k(a, b) for a in x for b in y) / (len(x) * len(y))
    expected = within(x) + within(y) - 2 * between
    assert ts.mmd(x, y, ts.rbf(0.8), unbiased=unbiased).item() == pytest.approx(expected, abs=1e-12)


def test_mmd_of_gaussians_in_one_dimension_by_numerical_integration():
    t = torch.linspace(-12, 12, 1601, dtype=torch.float64)
    step = (t[1] - t[0]).item()
    density = lambda m, v: torch.exp(-((t - m) ** 2) / (2 * v)) / math.sqrt(2 * math.pi * v)
    k = torch.exp(-((t[:, None] - t) ** 2) / (2 * 0.7**2))
    difference = density(0.4, 1.5) - density(-0.3, 0.6)
    expected = (difference @ k @ difference).item() * step**2
    assert ts.mmd_of_gaussians([0.4], 1.5, [-0.3], 0.6, 0.7) == pytest.approx(expected, abs=1e-9)


def test_both_estimators_meet_the_closed_form_on_average():
    g = torch.Generator().manual_seed(1)
    n, d, width = 12, 2, 0.9
    exact = ts.mmd_of_gaussians([0.6, 0.0], 1.0, [0.0, 0.0], 2.25, width)
    found = {True: [], False: []}
    for _ in range(3000):
        x = torch.randn(n, d, generator=g) + torch.tensor([0.6, 0.0])
        y = 1.5 * torch.randn(n, d, generator=g)
        for unbiased, values in found.items():
            values.append(ts.mmd(x, y, ts.rbf(width), unbiased=unbiased))
    values = torch.stack(found[True])
    error = (values.std() / math.sqrt(len(values))).item()
    assert abs(values.mean().item() - exact) < 4 * error and error < 0.002
    within = [(width**2 / (width**2 + 2 * v)) ** (d / 2) for v in (1.0, 2.25)]
    bias = sum(1 - w for w in within) / n  # of each cloud, the pairs of a point with itself
    assert torch.stack(found[False]).mean().item() == pytest.approx(exact + bias, abs=4 * error)


def test_identical_clouds_and_gaussians_are_at_zero():
    x, _ = clouds()
    assert ts.mmd(x, x, ts.rbf(1.0), unbiased=False).item() == pytest.approx(0, abs=1e-12)
    assert ts.mmd_of_gaussians([1, 2], 0.5, [1, 2], 0.5, 1.0) == pytest.approx(0, abs=1e-15)


def test_points_that_coincide_have_a_gradient():
    x = torch.zeros(3, 2, requires_grad=True)
    ts.mmd(x, torch.ones(4, 2), ts.inverse_multiquadratic(4.0)).backward()
    assert x.grad.isfinite().all() and (x.grad < 0).all()  # descending moves them to the ones


def test_inverse_multiquadratic_is_the_sum_of_its_kernels():
    d2 = torch.tensor([0.0, 3.0])
    expected = sum(s * 4 / (s * 4 + d2) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    assert torch.allclose(ts.inverse_multiquadratic(4.0)(d2), expected)
    assert ts.inverse_multiquadratic(4.0)(d2)[0] == 7


def test_the_splits_give_the_estimator():
    x, y = clouds(20, 31)
    test = ts.two_sample_test(x, y, permutations=3)
    width = ts.median_distance(torch.cat([x, y]))
    assert test.discrepancy == pytest.approx(ts.mmd(x, y, ts.rbf(width)).item(), abs=1e-12)
    assert test.chance.shape == (3,) and 0.25 <= test.p <= 1


def test_false_alarms_are_as_rare_as_promised_and_differences_are_found():
    g = torch.Generator().manual_seed(2)
    draw = lambda shift=0.0: shift + torch.randn(40, 2, generator=g)
    alarms = sum(
        ts.two_sample_test(draw(), draw(), permutations=99, seed=i).rejects() for i in range(200)
    )
    assert 2 <= alarms <= 20  # 10 expected, standard deviation 3.1
    assert all(
        ts.two_sample_test(draw(), draw(1.0), permutations=99, seed=i).p == 0.01 for i in range(5)
    )


def test_a_shift_that_means_share_is_found_by_shape_alone():
    g = torch.Generator().manual_seed(3)
    x = torch.randn(200, 2, generator=g)
    ring = torch.nn.functional.normalize(torch.randn(200, 2, generator=g), dim=1) * math.sqrt(2)
    assert ts.two_sample_test(x, ring).rejects()


def test_the_test_is_repeatable_and_leaves_the_random_state_alone():
    x, y = clouds(30, 30)
    before = torch.get_rng_state()
    a, b = ts.two_sample_test(x, y, seed=4), ts.two_sample_test(x, y, seed=4)
    assert a.p == b.p and torch.equal(a.chance, b.chance)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: ts.mmd(x[0], x, ts.rbf(1)), r"x: got a tensor of shape \[3\]"),
        (lambda x: ts.mmd(x, x[:, :2], ts.rbf(1)), "y: got 2 numbers per point; accepted are 3"),
        (lambda x: ts.mmd(x[:1], x, ts.rbf(1)), "x: got 1 points; accepted are at least 2"),
        (lambda x: ts.mmd(x, x, "rbf"), "kernel: got 'rbf'"),
        (lambda x: ts.rbf(0), "width: got 0"),
        (lambda x: ts.two_sample_test(x, x * math.nan), "y: got entries that are nan"),
        (lambda x: ts.two_sample_test(x, x[:, :2]), "y: got 2 numbers per point"),
        (lambda x: ts.two_sample_test(x, x, permutations=0), "permutations: got 0"),
        (lambda x: ts.mmd_of_gaussians([0], 1, [0, 0], 1, 1), "mean_y: got 2 numbers"),
        (lambda x: ts.mmd_of_gaussians([0], -1, [0], 1, 1), "variance_x: got -1"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(torch.rand(5, 3))

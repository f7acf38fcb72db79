"""Measures on legal input far from the usual: tiny and huge scales, copies, names for classes, labels of another shape."""

import math

import pytest
import torch

from aecourse import evaluate, models, nets

DOUBLE = torch.float64
SHAPE = (1, 4, 4)
X = torch.rand(50, *SHAPE, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(50) % 3


def test_a_copy_is_at_the_distance_zero():
    """torch.cdist multiplies the square out: for 784 pixels it puts a copy 0.01 away."""
    torch.manual_seed(0)
    images = torch.rand(100, 1, 28, 28)
    among = images[torch.randperm(100)]
    assert torch.equal(evaluate.nearest_distance(images, among), torch.zeros(100))
    x = torch.rand(7, 1, 28, 28)
    pairs = (x.double()[:, None] - among.double()[None]).flatten(2).norm(dim=2)
    expected = pairs.min(1).values
    assert torch.allclose(evaluate.nearest_distance(x, among).double(), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="accepted are two floating-point tensors of one dtype"):
        evaluate.nearest_distance(x, among.double())


class Narrow(models.VAE):
    """A VAE whose every q(z|x) has the log-variance `log_var`."""

    log_var = 0.0

    def encode(self, x):
        mu, _ = super().encode(x)
        return 3 * mu, torch.full_like(mu, self.log_var)


@pytest.mark.parametrize("log_var", [-5.0, -20.0, -30.0, -40.0, -60.0])
def test_narrow_codes_name_their_image_and_no_more(log_var):
    torch.manual_seed(0)
    model = Narrow(2, nets.mlp((6,)), shape=SHAPE)
    model.log_var = log_var
    information = evaluate.index_code_information(model, X)
    assert information.max() <= math.log(50) + 1e-6
    if log_var <= -20:
        assert torch.allclose(information, torch.full((50,), math.log(50)))
    whole = evaluate.kl_aggregated(model, X, samples=200) + evaluate.index_code_information(
        model, X, samples=200
    )
    assert whole.mean() == pytest.approx(evaluate.kl_per_latent(model, X).sum().item(), abs=0.1)


def known():
    """Codes [600, 3], of which the first tells factor 0 and the second factor 1, both without error."""
    codes = torch.randn(600, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    return codes, torch.stack([(codes[:, 0] > 0).long(), (codes[:, 1] > 0.3).long()], 1)


@pytest.mark.parametrize("scale", [1e-20, 1e-14, 1e-9, 1e-3, 1e6, 1e20])
def test_the_scale_of_a_code_does_not_matter(scale):
    codes, factors = known()
    scaled = codes * torch.tensor([scale, 1.0, scale], dtype=DOUBLE)
    assert evaluate.mig(scaled, factors) == pytest.approx(evaluate.mig(codes, factors), abs=1e-9)
    dci, same = evaluate.dci(codes, factors), evaluate.dci(scaled, factors)
    assert same == pytest.approx(dci, abs=0.02) and same.disentanglement > 0.98
    assert evaluate.factor_vae_score(scaled, factors, votes=100) == 1.0


def test_a_code_far_from_zero_is_one_like_any_other():
    codes, factors = known()
    assert evaluate.dci(codes + 1e9, factors).disentanglement > 0.98


def test_the_values_of_a_factor_are_names():
    codes, factors = known()
    named = factors * 10**12 + torch.tensor([7, 0])
    assert evaluate.mig(codes, named) == pytest.approx(evaluate.mig(codes, factors), abs=1e-12)
    assert evaluate.dci(codes, named) == pytest.approx(evaluate.dci(codes, factors), abs=1e-12)


def test_factors_that_never_vary_have_no_gap():
    codes, factors = known()
    with pytest.raises(ValueError, match="factors: got columns of one value each"):
        evaluate.mig(codes, 0 * factors)
    varied = torch.cat([factors, torch.zeros_like(factors[:, :1])], 1)
    assert evaluate.mig(codes, varied) == evaluate.mig(codes, factors)
    with pytest.raises(ValueError, match="seed: got 4294967296; accepted"):
        evaluate.dci(codes, factors, seed=2**32)


@pytest.mark.parametrize("scale", [1e-36, 1e-20, 1e-7, 1e10, 1e30])
def test_the_scale_of_a_feature_does_not_matter(scale):
    torch.manual_seed(0)
    x = torch.randn(5, 64)
    for measure in (evaluate.footprint, evaluate.kurtosis):
        assert torch.allclose(measure(x * scale), measure(x), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-14, 1.0, 1e14])
def test_the_scale_of_a_kernel_does_not_matter(scale):
    torch.manual_seed(0)
    near, far = torch.randn(40, 2), torch.randn(40, 2) + 3
    kernel = lambda squared: scale * torch.exp(-squared)
    assert evaluate.two_sample_test(near, far, kernel=kernel).p == pytest.approx(1 / 201)


def test_points_that_mostly_coincide_can_be_tested():
    zeros, ones = torch.zeros(30, 2), torch.ones(30, 2)
    assert evaluate.two_sample_test(zeros, zeros).p == 1.0
    nearly = torch.cat([zeros[:29], ones[:1]])
    assert evaluate.two_sample_test(zeros, nearly).p > 0.3
    mostly = torch.cat([zeros[:20], ones[:10]])
    assert evaluate.two_sample_test(zeros, mostly).p < 0.01


WRONG = {
    "a column": LABELS[:, None],
    "one": LABELS[:1],
    "too few": LABELS[:9],
    "floats": LABELS.float(),
    "a list": LABELS.tolist(),
}


@pytest.mark.parametrize("kind", WRONG)
def test_labels_are_one_for_each(kind):
    """A column of labels would be held against every image in turn, and a single one against all."""
    labels, points = WRONG[kind], X.flatten(1)
    classifier = models.Classifier(3, nets.mlp((5,)), shape=SHAPE)
    conditional = models.ConditionalVAE(2, nets.mlp((5,)), classes=3, shape=SHAPE)
    for call in (
        lambda: evaluate.named_as(classifier, X, labels),
        lambda: evaluate.neighbour_accuracy(points, labels),
        lambda: evaluate.probe_accuracy(points, labels, points, LABELS),
        lambda: evaluate.probe_accuracy(points, LABELS, points, labels),
        lambda: evaluate.style_codes(conditional, X, labels),
        lambda: evaluate.log_likelihood_given(conditional, X, labels),
    ):
        with pytest.raises(ValueError, match="(labels|points): got .*; accepted"):
            call()


def test_a_probe_says_what_it_needs():
    points = X.flatten(1)
    for arguments, message in (
        ((points, 0 * LABELS, points, LABELS), "train_labels: got one class"),
        ((points, LABELS, points[:, :3], LABELS), "test: got 3 numbers per point; accepted are 16"),
        ((points, LABELS, points, LABELS, -1.0), "strength: got -1.0"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate.probe_accuracy(*arguments)


def test_a_model_in_float64_is_measured_in_float64():
    model = models.ConditionalVAE(1, nets.mlp((5,)), classes=3, shape=SHAPE).double()
    nats = evaluate.log_likelihood_given(model, (X > 0.5).double(), LABELS, 10)
    assert nats.dtype == DOUBLE and nats.isfinite().all()


def test_holes_are_filled_once_and_with_numbers():
    torch.manual_seed(0)
    x, mask = torch.rand(4, 4), torch.eye(4) < 0.5
    with pytest.raises(ValueError, match="filled: got .*of several completions give one"):
        evaluate.hole_rmse(torch.rand(4, 4, 4), x, mask)
    with pytest.raises(ValueError, match="draws: got NaN or infinity in a hole"):
        evaluate.coverage(torch.full((3, 4, 4), math.nan), x, mask)
    elsewhere = torch.where(mask, math.nan, torch.rand(3, 4, 4))
    assert 0 <= evaluate.coverage(elsewhere, x, mask) <= 1

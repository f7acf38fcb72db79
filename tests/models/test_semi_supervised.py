"""M2: its bounds against enumeration over classes, closed forms of a linear model, labels that do not fit."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from aecourse import data, evaluate, models, nets, train

SHAPE = (1, 3, 5)
X = torch.rand(7, *SHAPE, generator=torch.Generator().manual_seed(0)).round()
Y = torch.tensor([0, -1, 2, -1, 3, -1, 1])
NONE = torch.full((7,), -1)


def made(net=None, **options):
    torch.manual_seed(0)
    return models.M2(2, net or nets.mlp((6,)), **{"classes": 4, "shape": SHAPE, **options})


def linear():
    """Everything linear and Gaussian, in float64: each class is then a Gaussian whose density is known."""
    return made(nets.mlp(()), likelihood=models.Gaussian(0.7, squash=False)).double()


def joint(model, x):
    """log p(x, y) of every class, and the true q(z|x, y), of a linear model, by the rules for Gaussians alone."""
    layer, noise = model.decoder[0], 0.7**2
    W, offsets = layer.weight[:, :2].detach(), layer.weight[:, 2:].detach()
    covariance = W @ W.T + noise * torch.eye(15).double()
    precision = torch.eye(2).double() + W.T @ W / noise
    logs, means = [], []
    for y in range(model.classes):
        mean = layer.bias.detach() + offsets[:, y]
        logs.append(MultivariateNormal(mean, covariance).log_prob(x.flatten(1)))
        means.append((x.flatten(1) - mean) @ W / noise @ torch.linalg.inv(precision))
    return torch.stack(logs, 1) - math.log(model.classes), torch.stack(means, 1), precision


def test_the_bound_without_a_label_is_the_enumeration_over_classes():
    """U(x) = sum_y q(y|x) (L(x, y) - log q(y|x)), class by class in a loop, with the same draws of z."""
    model = made()
    torch.manual_seed(3)
    found = model.loss(X, NONE)["bound"]
    torch.manual_seed(3)
    eps = torch.randn(7, 4, 2)
    mu, log_var = model.encode(X)
    q = model.classifier(X).softmax(1)
    total = 0.0
    for i in range(7):
        for y in range(4):
            z = mu[i, y] + torch.exp(0.5 * log_var[i, y]) * eps[i, y]
            logits = model.decode(z[None], torch.tensor([y]))
            log_px = -torch.nn.functional.binary_cross_entropy_with_logits(
                logits, X[i : i + 1], reduction="sum"
            )
            kl = kl_divergence(Normal(mu[i, y], torch.exp(0.5 * log_var[i, y])), Normal(0.0, 1.0))
            labelled = log_px + math.log(1 / 4) - kl.sum()
            total += q[i, y] * (labelled - q[i, y].log())
    assert found.item() == pytest.approx(-total.item() / 7, rel=1e-5)


def test_the_bound_with_a_label_is_a_value_computed_by_hand():
    """All weights 0, two classes: p = 1/2 for each of 15 pixels, q(z|x, y) = N(0, I), q(y|x) = 1/2."""
    model = made(classes=2, alpha=3.0)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    terms = model.loss(X, torch.tensor([0, 1, 1, 0, 1, 0, 0]))
    assert terms["bound"].item() == pytest.approx(15 * math.log(2) + math.log(2), rel=1e-6)
    assert terms["cross_entropy"].item() == pytest.approx(math.log(2), rel=1e-6)
    assert terms["loss"].item() == pytest.approx(16 * math.log(2) + 3 * math.log(2), rel=1e-6)
    # without a label the entropy of q(y|x), log 2, comes back: which class it is need not be paid for
    assert model.loss(X, NONE)["bound"].item() == pytest.approx(15 * math.log(2), rel=1e-6)


def test_the_bound_plus_its_gap_is_the_exact_likelihood_of_the_mixture():
    """log p(x) = U(x) + KL(q(y, z|x) || p(y, z|x)) for any encoder, with everything else in closed form."""
    model, x = linear(), torch.randn(7, *SHAPE, generator=torch.Generator().manual_seed(1)).double()
    logs, means, precision = joint(model, x)
    mu, log_var = model.encode(x)
    log_q = model.classifier(x).log_softmax(1).detach()
    gaps = torch.zeros(7, 4).double()
    for i in range(7):
        for y in range(4):
            q = MultivariateNormal(mu[i, y], torch.diag(log_var[i, y].exp()))
            gaps[i, y] = kl_divergence(
                q, MultivariateNormal(means[i, y], precision_matrix=precision)
            )
    log_px = logs.logsumexp(1)
    posterior = logs - log_px[:, None]  # log p(y|x)
    gap = (log_q.exp() * (log_q - posterior + gaps)).sum(1)
    torch.manual_seed(0)
    with torch.no_grad():
        many, none = x.repeat(30, 1, 1, 1), NONE.repeat(30)  # 3000 draws an image, 30 at a time
        bounds = -torch.stack([model.loss(many, none)["bound"] for _ in range(100)])
        weights = model.log_weights(x, 3000).mean(1)
        labelled = -torch.stack([model.loss(many, none + 3)["bound"] for _ in range(100)])
    expected = (log_px - gap).mean().item()
    for estimate, value in (
        (bounds, expected),
        (weights, expected),
        (labelled, (logs - gaps)[:, 2].mean().item()),
    ):
        assert abs(estimate.mean() - value) < 4.5 * estimate.std() / math.sqrt(len(estimate))


def test_importance_weights_reach_the_likelihood_of_the_mixture():
    model, x = linear(), torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(2)).double()
    truth = joint(model, x)[0].logsumexp(1)
    torch.manual_seed(0)
    with torch.no_grad():
        found = model.log_weights(x, 40_000).logsumexp(0) - math.log(40_000)
    assert (found - truth).abs().max() < 0.3 and model.log_weights(x, 3).shape == (3, 5)


def test_a_label_is_a_certain_class():
    """Where q(y|x) is certain of the right class, the bounds with and without the label agree up to log q."""
    model = made()
    with torch.no_grad():
        model.classifier[-1].weight.zero_()
        model.classifier[-1].bias.copy_(torch.tensor([0.0, 60.0, 0.0, 0.0]))
    torch.manual_seed(1)
    without = model.loss(X, NONE)
    torch.manual_seed(1)
    given = model.loss(X, NONE + 2)
    assert without["bound"].item() == pytest.approx(given["bound"].item(), rel=1e-6)
    assert given["cross_entropy"].item() == pytest.approx(0, abs=1e-6)


def test_a_mixed_batch_is_the_average_of_its_parts():
    model, known = made(), Y >= 0
    torch.manual_seed(5)
    eps = torch.randn(7, 4, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda mu: eps)
        whole = model.loss(X, Y)
        patch.setattr(torch, "randn_like", lambda mu: eps[known])
        labelled = model.loss(X[known], Y[known])
        patch.setattr(torch, "randn_like", lambda mu: eps[~known])
        rest = model.loss(X[~known], Y[~known])
    mean = (4 * labelled["bound"] + 3 * rest["bound"]) / 7
    assert whole["bound"].item() == pytest.approx(mean.item(), rel=1e-5)
    assert whole["cross_entropy"].item() == pytest.approx(labelled["cross_entropy"].item())
    assert rest["cross_entropy"].item() == 0.0


def test_the_bound_of_a_labelled_image_does_not_teach_the_classifier():
    model = made(alpha=0.0)
    model.loss(X, NONE + 1)["loss"].backward()
    assert not any(p.grad.any() for p in model.classifier.parameters() if p.grad is not None)
    model = made(alpha=0.0)
    model.loss(X, NONE)["loss"].backward()
    assert all(p.grad.any() for p in model.classifier.parameters())


@pytest.mark.parametrize("net", [nets.mlp((6,)), nets.conv((3, 4))])
def test_shapes(net):
    model, y = made(net=net), torch.tensor([0, 3, 1, 2, 0, 1, 3])
    mu, log_var = model.encode(X)
    assert mu.shape == log_var.shape == (7, 4, 2) and model.class_bounds(X).shape == (7, 4)
    assert model.decode(torch.randn(7, 2), y).shape == X.shape
    assert model.code(X, y).shape == (7, 2) and model.reconstruct(X, y).shape == X.shape
    assert torch.equal(model.code(X, y)[1], mu[1, 3])
    assert torch.allclose(model.probabilities(X).sum(1), torch.ones(7))
    assert model.sample(5).shape == model.sample(5, 3).shape == (5, *SHAPE)


def test_images_without_labels_help_where_classes_are_clusters():
    """Two kinds of images, one label each: the rest is told apart because a class explains its images best."""
    g = torch.Generator().manual_seed(0)
    truth = torch.randint(2, (600,), generator=g)
    chance = 0.15 + 0.7 * ((torch.arange(15) < 8).float() - truth[:, None]).abs()
    x = (torch.rand(600, 15, generator=g) < chance).float()
    labels = torch.full((600,), -1)
    for y in (0, 1):
        labels[(truth == y).nonzero()[0]] = y
    model = made(classes=2, shape=(15,), alpha=1.0)
    rows = torch.cat([torch.arange(600), (labels >= 0).nonzero().flatten().repeat(60)])
    train.fit(
        model, data.Split(x[rows], labels[rows]), epochs=20, lr=1e-2, progress=False, cache=False
    )
    assert evaluate.named_as(model.cpu(), x, truth) > 0.95


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda m: m.decode(torch.zeros(7, 2), NONE),
            "y: got classes from -1 to -1; accepted is 0",
        ),
        (lambda m: m.decode(torch.zeros(7, 2), Y.float()), "y: got a tensor of shape .*, float32"),
        (lambda m: m.sample(3, 4), "y: got classes from 4 to 4; accepted is 0 to 3"),
        (lambda m: m.code(X, Y[:2]), r"y: got a tensor of shape \[2\]"),
        (
            lambda m: train.fit(m, X, epochs=1),
            "images: got images without labels; M2 needs a label",
        ),
        (
            lambda m: train.fit(m, data.Split(X, Y + 1), epochs=1),
            "labels from 0 to 4; accepted is -1 to 3",
        ),
        (
            lambda m: train.fit(m, data.Split(X, Y - 1), epochs=1),
            "labels from -2 to 2; accepted is -1 to 3",
        ),
        (
            lambda m: train.fit(m, data.Split(X, NONE), epochs=1),
            "images: got no labels at all; M2 needs labels of two classes or more",
        ),
        (
            lambda m: train.fit(m, data.Split(X, NONE.clone().fill_(2)), epochs=1),
            "images: got labels of the one class 2; M2 needs labels of two classes or more",
        ),
        (lambda m: made(classes=1), "classes: got 1"),
        (lambda m: made(alpha=-1), "alpha: got -1"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call(made())
    assert "\n" not in str(error.value)

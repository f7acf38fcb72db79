"""The conditional VAE: exact answers of a linear model, the learned prior, labels that do not fit."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from aecourse import data, evaluate, models, nets, train
from aecourse.exact import LinearGaussian

SHAPE = (1, 3, 5)
X = torch.rand(7, *SHAPE, generator=torch.Generator().manual_seed(0)).round()
Y = torch.tensor([0, 2, 1, 3, 3, 0, 2])


def made(net=None, **options):
    torch.manual_seed(0)
    return models.ConditionalVAE(
        2, net or nets.mlp((6,)), **{"classes": 4, "shape": SHAPE, **options}
    )


def scrambled(model, seed=1):
    """The same model with a learned prior that is not at its start."""
    torch.manual_seed(seed)
    with torch.no_grad():
        model.prior_mu.normal_()
        model.prior_log_var.normal_(std=0.4)
    return model


def linear(**options):
    """Everything linear and Gaussian, in float64, with a prior away from its start where it is learned."""
    likelihood = models.Gaussian(0.7, squash=False)
    model = made(net=nets.mlp(()), likelihood=likelihood, **options).double()
    return scrambled(model) if model.learned else model


def exactly(model, y):
    """p(x|y) = N(mean, cov) and p(z|x, y) of a linear model, by the rules for Gaussians alone."""
    layer, k = model.decoder[0], model.latent_dim
    W = layer.weight[:, :k].detach()
    label = torch.tensor([y])
    b = model.decode(torch.zeros(1, k).double(), label).flatten().detach()
    m, s2 = (t[0].detach() for t in model.prior_of(label))
    s2, noise = s2.exp(), model.likelihood.sigma.detach() ** 2
    covariance = W @ torch.diag(s2) @ W.T + noise * torch.eye(len(b)).double()
    marginal = MultivariateNormal(W @ m + b, covariance)
    precision = torch.diag(1 / s2) + W.T @ W / noise

    def posterior(x):
        mean = (x.flatten(1) - b) @ W / noise + m / s2
        return MultivariateNormal(mean @ torch.linalg.inv(precision), precision_matrix=precision)

    return marginal, posterior


@pytest.mark.parametrize(
    "options", [{}, {"prior": "learned"}, {"prior": "learned", "decoder_label": False}]
)
def test_the_bound_of_a_linear_model_is_exact_at_the_true_posterior(options):
    model, x = linear(**options), torch.randn(7, *SHAPE).double()
    for y in range(4):
        marginal, posterior = exactly(model, y)
        q, labels = posterior(x), torch.full((7,), y)
        truth = marginal.log_prob(x.flatten(1))
        # a draw from the true posterior has the weight p(x|y), whatever the draw
        z = q.sample((5,))
        log_px = model.likelihood.log_prob(
            model.decode(z.flatten(0, 1), labels.repeat(5)), x.repeat(5, 1, 1, 1)
        ).view(5, 7)
        mean, log_var = model.prior_of(labels)
        log_pz = Normal(mean, torch.exp(0.5 * log_var)).log_prob(z).sum(2)
        assert torch.allclose(log_px + log_pz - q.log_prob(z), truth.expand(5, 7))


@pytest.mark.parametrize(
    "options", [{}, {"prior": "learned"}, {"prior": "learned", "decoder_label": False}]
)
def test_the_loss_plus_the_gap_is_the_exact_conditional_likelihood(options):
    """log p(x|y) = ELBO + KL(q(z|x, y) || p(z|x, y)) for any encoder: the average loss is compared with closed forms."""
    model, x = linear(**options), torch.randn(7, *SHAPE).double()
    mu, log_var = model.encode(x, Y)
    expected = 0.0
    for i, y in enumerate(Y.tolist()):
        marginal, posterior = exactly(model, y)
        q = MultivariateNormal(mu[i], torch.diag(log_var[i].exp()))
        gap = kl_divergence(q, posterior(x[i : i + 1])).squeeze()
        expected += (marginal.log_prob(x[i].flatten()) - gap) / len(x)
    torch.manual_seed(0)
    with torch.no_grad():
        many = x.repeat(40, 1, 1, 1), Y.repeat(40)  # 4000 draws for each image, 40 at a time
        losses = torch.stack([model.loss(*many)["loss"] for _ in range(100)])
        weights = model.log_weights(x, 4000, Y).mean(1)
    for estimate in (-losses, weights):
        assert abs(estimate.mean() - expected) < 4.5 * estimate.std() / math.sqrt(len(estimate))


def test_with_the_label_fixed_it_is_the_linear_gaussian_model_of_lesson_05():
    model, x = linear(), torch.randn(7, *SHAPE).double()
    for y in range(4):
        given = model.given(y)
        bias = given.decode(torch.zeros(1, 2).double()).flatten()
        known = LinearGaussian(model.decoder[0].weight[:, :2], bias, 0.7)
        torch.manual_seed(y)
        with torch.no_grad():
            weights = given.log_weights(x, 4000)
        bound = known.elbo(x, *given.encode(x))
        assert ((weights.mean(0) - bound).abs() < 5 * weights.std(0) / math.sqrt(4000)).all()
        assert torch.allclose(known.log_prob(x), exactly(model, y)[0].log_prob(x.flatten(1)))


def test_the_kl_is_that_of_torch_distributions():
    model = scrambled(made(prior="learned"))
    mu, log_var = model.encode(X, Y)
    q = Normal(mu, torch.exp(0.5 * log_var))
    p = Normal(model.prior_mu[Y], torch.exp(0.5 * model.prior_log_var[Y]))
    assert model.loss(X, Y)["kl"].item() == pytest.approx(
        kl_divergence(q, p).sum(1).mean().item(), rel=1e-5
    )
    standard = made()
    mu, log_var = standard.encode(X, Y)
    wanted = models.kl_divergence(mu, log_var).sum(1).mean().item()
    assert standard.loss(X, Y)["kl"].item() == pytest.approx(wanted, rel=1e-5)


def test_the_loss_is_the_mean_weight_and_its_terms_add_up():
    model = scrambled(made(prior="learned"))
    terms = model.loss(X, Y)
    assert set(terms) == {"loss", "reconstruction", "kl"}
    assert terms["loss"].item() == pytest.approx((terms["reconstruction"] + terms["kl"]).item())
    torch.manual_seed(0)
    with torch.no_grad():
        many = X.repeat(30, 1, 1, 1), Y.repeat(30)  # 3000 draws for each image, 30 at a time
        losses = torch.stack([model.loss(*many)["loss"] for _ in range(100)])
        weights = model.log_weights(X, 3000, Y).mean(1)
    error = losses.std() / math.sqrt(100) + weights.std() / math.sqrt(3000)
    assert abs(losses.mean() + weights.mean()) < 5 * error


def test_a_learned_prior_is_a_change_of_units_where_the_decoder_sees_the_label():
    """Counted from the class's mean in its widths, codes have a standard prior, and no weight changes."""
    model = scrambled(made(prior="learned"))
    given = model.given(3)
    labels = torch.full((7,), 3)
    torch.manual_seed(0)
    own = model.log_weights(X, 50, labels)
    torch.manual_seed(0)
    assert torch.allclose(given.log_weights(X, 50), own)
    torch.manual_seed(0)
    assert torch.allclose(
        models.posterior.log_weights(given, X, given.posterior(X), 50), own, atol=1e-3
    )
    # its latents are N(0, 1) a priori, so that the measures of lessons 05 to 07 hold for it
    kl = evaluate.kl_per_latent(given, X).sum().item()
    assert kl == pytest.approx(model.loss(X, labels)["kl"].item(), rel=1e-5)


def test_one_hot_and_embedding_are_the_same_functions():
    """A one-hot row times a matrix picks the matrix's row: any embedding is a one-hot code and a wider first layer."""
    looked_up = made(net=nets.mlp((6,)))
    plain = made(net=nets.mlp((6,)), embed="one_hot")
    E, pixels, k = looked_up.label.weight.detach(), math.prod(SHAPE), 2
    with torch.no_grad():
        for half, first in (("encoder", 1), ("decoder", 0)):
            mine, other = getattr(plain, half), getattr(looked_up, half)
            mine.load_state_dict(other.state_dict())
            width = pixels if half == "encoder" else k
            mine[first].weight[:, width:] = other[first].weight[:, width:] @ E.T
    for a, b in zip(plain.encode(X, Y), looked_up.encode(X, Y)):
        assert torch.allclose(a, b, atol=1e-6)
    z = torch.randn(7, 2)
    assert torch.allclose(plain.decode(z, Y), looked_up.decode(z, Y), atol=1e-6)


@pytest.mark.parametrize("net", [nets.mlp((6,)), nets.conv((3, 4))])
@pytest.mark.parametrize("embed", ["one_hot", "embedding"])
def test_shapes_and_that_each_half_hears_the_label(net, embed):
    model = made(net=net, embed=embed)
    mu, log_var = model.encode(X, Y)
    assert mu.shape == log_var.shape == (7, 2)
    other = (Y + 1) % 4
    z = torch.randn(7, 2)
    assert not torch.allclose(mu, model.encode(X, other)[0])
    assert model.decode(z, Y).shape == X.shape
    assert not torch.allclose(model.decode(z, Y), model.decode(z, other))
    assert model.reconstruct(X, Y).shape == X.shape and model.code(X, Y).shape == (7, 2)
    assert model.sample(5, 3).shape == (5, *SHAPE) and model.sample(7, Y).shape == (7, *SHAPE)
    model.loss(X, Y)["loss"].backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_rows_may_take_the_place_of_images():
    model = models.ConditionalVAE(2, nets.mlp((6,)), classes=3, shape=(5,), likelihood="gaussian")
    assert model.loss(torch.randn(4, 5), torch.tensor([0, 1, 2, 0]))["loss"].isfinite()
    assert model.sample(4, 1).shape == (4, 5)


def test_without_the_label_in_the_decoder_only_the_prior_tells_classes_apart():
    model = scrambled(made(prior="learned", decoder_label=False))
    z = torch.randn(7, 2)
    assert torch.equal(model.decode(z, Y), model.decode(z))
    torch.manual_seed(0)
    a = model.sample(400, 0)
    torch.manual_seed(0)
    b = model.sample(400, 1)
    assert not torch.allclose(a, b)


def test_samples_follow_the_prior_of_their_class():
    model = linear(prior="learned")
    marginal, _ = exactly(model, 2)
    torch.manual_seed(0)
    x = model.sample(20_000, 2).flatten(1)  # mean images: the noise of p(x|z, y) is not in them
    noise = 0.49 * torch.eye(x.shape[1]).double()
    assert torch.allclose(x.mean(0), marginal.mean, atol=0.03)
    assert torch.allclose(torch.cov(x.T), marginal.covariance_matrix - noise, atol=0.05)


def test_it_trains_through_the_columns_of_the_data_and_learns_to_be_asked():
    """Two classes, dark and bright: after training, the asked-for class is drawn."""
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (600,), generator=g)
    x = (
        torch.rand(600, *SHAPE, generator=g) < (0.1 + 0.8 * labels.float())[:, None, None, None]
    ).float()
    model = made(classes=2)
    train.fit(model, data.Split(x, labels), epochs=15, lr=1e-2, progress=False, cache=False)
    means = [model.sample(200, y).mean().item() for y in (0, 1)]
    assert means[0] < 0.2 and means[1] > 0.8


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda m: m.encode(X, None),
            r"y: got None; ConditionalVAE needs a label for each of the 7",
        ),
        (lambda m: m.decode(torch.zeros(7, 2)), "y: got None"),
        (lambda m: m.encode(X, Y + 1), "y: got labels from 1 to 4; accepted is 0 to 3"),
        (lambda m: m.decode(torch.zeros(7, 2), Y - 1), "y: got labels from -1 to 2"),
        (
            lambda m: m.encode(X, Y.float()),
            r"y: got a tensor of shape \[7\], float32; accepted is .*int64",
        ),
        (
            lambda m: m.encode(X, Y[:3]),
            r"y: got a tensor of shape \[3\], int64; accepted is .*\[7\]",
        ),
        (lambda m: m.encode(X, 3), "y: got 3; accepted is a tensor"),
        (lambda m: m.loss(X, Y + 7), "y: got labels from 7 to 10"),
        (lambda m: m.sample(3), "y: got None; accepted is a label from 0 to 3"),
        (lambda m: m.sample(3, 4), "y: got 4; accepted is a label from 0 to 3"),
        (lambda m: m.sample(3, Y), r"y: got a tensor of shape \[7\], int64 for n = 3"),
        (lambda m: m.given(9), "y: got 9; accepted is a label from 0 to 3"),
        (
            lambda m: train.fit(m, X, epochs=1),
            "images: got images without labels; ConditionalVAE needs a label",
        ),
        (
            lambda m: train.fit(m, data.Split(X, Y + 1), epochs=1),
            "labels from 1 to 4; accepted is 0 to 3",
        ),
        (
            lambda m: train.fit(m, data.Split(X, Y.float()), epochs=1),
            "labels of float32; accepted is int64",
        ),
        (lambda m: made(classes=1), "classes: got 1"),
        (lambda m: made(embed="onehot"), "embed: got 'onehot'"),
        (lambda m: made(prior="normal"), "prior: got 'normal'"),
        (lambda m: made(decoder_label=False), "decoder_label: got False with a standard prior"),
        (
            lambda m: evaluate.log_likelihood(m, X),
            r"model: got ConditionalVAE; accepted is a model with shape and log_weights\(x, samples\)",
        ),
        (
            lambda m: evaluate.codes(m, X),
            r"model: got ConditionalVAE; accepted is a model with shape and code\(x\)",
        ),
        (
            lambda m: evaluate.reconstruct(m, X),
            r"model: got ConditionalVAE; accepted is a model with shape and reconstruct\(x\)",
        ),
        (
            lambda m: evaluate.kl_per_latent(m, X),
            r"model: got ConditionalVAE; accepted is a model with shape and posterior\(x\)",
        ),
        (lambda m: evaluate.log_likelihood_given(m, X, Y[:2]), "labels: got .* for 7 images"),
        (
            lambda m: evaluate.log_likelihood_given(m, X, Y + 1),
            "y: got 4; accepted is a label from 0 to 3",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call(made())
    assert "\n" not in str(error.value)


def test_measures_with_labels_have_known_answers():
    torch.manual_seed(0)
    points = torch.randn(400, 3)
    labels = (points[:, 0] > 0).long() + 2 * (points[:, 1] > 0).long()
    assert evaluate.probe_accuracy(points[:300], labels[:300], points[300:], labels[300:]) > 0.9
    noise = torch.randn(400, 3)
    chance = evaluate.probe_accuracy(noise[:300], labels[:300], noise[300:], labels[300:])
    assert chance < 0.45
    judge = models.Classifier(classes=2, net=nets.mlp(()), shape=(1, 1, 1))
    with torch.no_grad():
        judge.network[1].weight.copy_(torch.tensor([[0.0], [1.0]]))
        judge.network[1].bias.copy_(torch.tensor([0.0, -0.5]))
    x = torch.tensor([0.0, 1.0, 1.0, 0.0]).view(4, 1, 1, 1)
    assert evaluate.named_as(judge, x, torch.tensor([0, 1, 0, 1])) == 0.5
    assert evaluate.named_as(judge, x, torch.tensor([0, 1, 1, 0])) == 1.0


def test_the_estimate_given_labels_goes_label_by_label():
    model = scrambled(made(prior="learned"))
    found = evaluate.log_likelihood_given(model, X, Y, samples=3000)
    torch.manual_seed(5)
    with torch.no_grad():
        direct = model.log_weights(X, 3000, Y).logsumexp(0) - math.log(3000)
    assert (found - direct).abs().max() < 0.1

"""Every measure on inputs whose score is known."""

import math

import pytest
import torch

from aecourse import evaluate, models, nets


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return models.VAE(3, nets.mlp((6,)), shape=(1, 3, 5))


def test_log_likelihood_does_not_depend_on_how_it_is_cut_up(vae):
    x = torch.bernoulli(torch.full((7, 1, 3, 5), 0.4))
    whole = evaluate.log_likelihood(vae, x, samples=4000, rows=28_000)
    parts = evaluate.log_likelihood(vae, x, samples=4000, rows=900)
    assert whole.shape == (7,) and torch.allclose(whole, parts, atol=0.1)
    assert torch.equal(whole, evaluate.log_likelihood(vae, x, samples=4000, rows=28_000))  # seeded


def test_log_likelihood_is_exact_where_the_decoder_ignores_z(vae):
    """p(x) is then p(x|z), whatever z; and with q at the prior every weight is the same."""
    with torch.no_grad():
        vae.decoder[0].weight.zero_()
        vae.encoder[-1].weight.zero_()
        vae.encoder[-1].bias.zero_()
        x = torch.bernoulli(torch.full((4, 1, 3, 5), 0.4))
        expected = vae.likelihood.log_prob(vae.decode(torch.zeros(4, 3)), x)
    for estimate in (
        evaluate.log_likelihood(vae, x, 1),
        evaluate.log_likelihood(vae, x, 50),
        evaluate.elbo(vae, x, 3),
    ):
        assert torch.allclose(estimate, expected, atol=1e-4)


def test_bernoulli_likelihoods_of_all_images_sum_to_one():
    """A discrete model assigns probabilities: over all 2^4 images of four pixels they add up to 1."""
    torch.manual_seed(0)
    vae = models.VAE(1, nets.mlp((5,)), shape=(1, 2, 2))
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4).view(16, 1, 2, 2)
    assert evaluate.log_likelihood(vae, every, samples=20_000).exp().sum().item() == pytest.approx(
        1, abs=0.01
    )


def test_measuring_leaves_mode_and_random_state_alone(vae):
    vae.train()
    x = torch.rand(2, 1, 3, 5)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    evaluate.elbo(vae, x)
    assert torch.equal(torch.rand(1), expected) and vae.training


def test_active_units_counts_latents_that_move(vae):
    with torch.no_grad():
        vae.encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(15, 6))
        vae.encoder[1].weight.zero_()
        vae.encoder[1].weight[0, 0] = 1.0  # only the first mean follows a pixel
    x = torch.rand(500, 1, 3, 5)
    assert evaluate.active_units(vae, x) == 1
    assert evaluate.active_units(vae, x, threshold=1.0) == 0
    kl = evaluate.kl_per_latent(vae, x)
    assert kl.shape == (3,) and kl[0] > 0.01


def test_squared_error_is_summed_over_pixels():
    model = models.LinearAutoencoder(2, shape=(1, 2, 3))
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert torch.allclose(
        evaluate.squared_error(model, torch.ones(4, 1, 2, 3)), torch.full((4,), 6.0)
    )


def test_knn_accuracy_perfect_useless_and_mismatched():
    points, labels = torch.arange(20.0)[:, None] * 10, torch.arange(20) // 10
    assert evaluate.knn_accuracy(points, labels, points + 0.1, labels) == 1.0
    assert evaluate.knn_accuracy(points, labels, points + 0.1, 1 - labels) == 0.0
    same = torch.zeros(20, 1)
    assert evaluate.knn_accuracy(same, labels, same, labels) == 0.5
    with pytest.raises(ValueError, match="train_labels, test_labels: got 19"):
        evaluate.knn_accuracy(points, labels[:19], points, labels)


def test_nearest_distance():
    among = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert torch.allclose(
        evaluate.nearest_distance(torch.tensor([[0.0, 1.0], [3.0, 4.0]]), among),
        torch.tensor([1.0, 0.0]),
    )


class Reader(torch.nn.Module):
    """Names the brighter of two pixels, as surely as they differ."""

    shape = (1, 1, 2)

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def probabilities(self, x):
        return (x.flatten(1) * 20).softmax(1)


def test_recognised_on_known_sets():
    left, right, grey = torch.eye(2).view(2, 1, 1, 2).unbind() + (torch.full((1, 1, 2), 0.5),)
    assert evaluate.recognised(Reader(), torch.stack([left, right] * 5)) == (
        1.0,
        pytest.approx(math.log(2)),
    )
    assert evaluate.recognised(Reader(), torch.stack([left] * 10)) == (1.0, pytest.approx(0.0))
    assert evaluate.recognised(Reader(), torch.stack([grey] * 10))[0] == 0.0
    with pytest.raises(ValueError, match="confidence: got 1.5"):
        evaluate.recognised(Reader(), torch.stack([left]), confidence=1.5)


def test_classifier_learns_what_can_be_told_apart():
    from aecourse import data, train

    torch.manual_seed(0)
    labels = torch.arange(200) % 2
    x = torch.rand(200, 1, 3, 5) * 0.2 + labels.view(-1, 1, 1, 1) * 0.6
    judge = models.Classifier(2, nets.mlp((4,)), shape=(1, 3, 5))
    train.fit(judge, data.Split(x, labels), epochs=20, lr=1e-2, cache=False, progress=False)
    assert (judge.probabilities(x).argmax(1) == labels).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda m: evaluate.elbo(m, torch.rand(2, 1, 5, 3)),
            r"x: got a tensor of shape \[2, 1, 5, 3\].*\[N, 1, 3, 5\]",
        ),
        (lambda m: evaluate.log_likelihood(m, torch.rand(2, 1, 3, 5), samples=0), "samples: got 0"),
        (lambda m: evaluate.codes(m, torch.rand(0, 1, 3, 5)), "x: got"),
        (
            lambda m: evaluate.active_units(m, torch.rand(2, 1, 3, 5), threshold=math.nan),
            "threshold: got nan",
        ),
    ],
)
def test_bad_arguments_are_named(vae, call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(vae)

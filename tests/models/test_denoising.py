"""Denoising: what noises do, what the loss compares, decibels, and a density whose score is known."""

import math

import pytest
import torch

from aecourse import evaluate, exact, models, nets, train

GENERATOR = lambda seed=0: torch.Generator().manual_seed(seed)  # noqa: E731
NOISES = [
    models.GaussianNoise(0.5),
    models.GaussianNoise((0.1, 0.9)),
    models.Masking(0.4),
    models.Masking((0.0, 1.0), patch=3),
    models.SaltAndPepper(0.3),
    models.SaltAndPepper((0.1, 0.5)),
]


# ---- Noise -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", NOISES, ids=repr)
def test_noise_keeps_shape_dtype_and_input_and_repeats_with_its_seed(noise):
    x = torch.rand(3, 2, 7, 10, dtype=torch.float64)
    before = x.clone()
    first, again, other = noise(x, GENERATOR()), noise(x, GENERATOR()), noise(x, GENERATOR(1))
    assert first.shape == x.shape and first.dtype == x.dtype and torch.equal(x, before)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_gaussian_noise_has_its_width_and_is_not_clipped():
    added = models.GaussianNoise(0.5)(torch.ones(50, 1, 28, 28), GENERATOR()) - 1
    assert abs(added.std() - 0.5) < 0.01 and abs(added.mean()) < 0.01 and added.max() > 1


def test_a_range_gives_every_image_its_own_level():
    widths = (
        models.GaussianNoise((0.2, 0.8))(torch.zeros(400, 1, 30, 30), GENERATOR()).flatten(1).std(1)
    )
    assert (
        0.18 < widths.min() < 0.25
        and 0.75 < widths.max() < 0.84
        and abs(widths.mean() - 0.5) < 0.03
    )


@pytest.mark.parametrize("patch", [1, 2, 3, 5])
def test_masking_loses_its_share_in_squares(patch):
    noise = models.Masking(0.3, patch=patch)
    kept = noise.kept(torch.ones(300, 2, 11, 17), GENERATOR())
    assert kept.shape == (300, 1, 11, 17) and set(kept.unique().tolist()) == {0.0, 1.0}
    assert abs(kept.mean() - 0.7) < 0.02
    assert (kept.std(0) > 0.3).all()  # no pixel is favoured, at the borders neither
    changes = (
        (kept[..., 1:] != kept[..., :-1]).float().mean()
    )  # of 0.42 where neighbours are independent
    assert changes == pytest.approx(0.42 / patch, abs=0.02)
    x = torch.rand(300, 2, 11, 17)
    assert torch.equal(noise(x, GENERATOR()), x * kept)  # all channels of a pixel together


def test_the_grid_of_masks_lies_differently_on_every_image():
    kept = models.Masking(0.5, patch=4).kept(torch.ones(200, 1, 16, 16), GENERATOR())
    edges = (kept[:, 0, :, 1:] != kept[:, 0, :, :-1]).any(
        1
    )  # where each image has edges between columns
    assert (edges.float().mean(0) > 0.1).all()


def test_salt_and_pepper_replaces_its_share_by_black_and_white_alike():
    x = torch.full((50, 1, 28, 28), 0.4)
    spoiled = models.SaltAndPepper(0.3)(x, GENERATOR())
    shares = [
        (spoiled == value).float().mean().item() for value in (0.0, 1.0, x[0, 0, 0, 0].item())
    ]
    assert shares == pytest.approx([0.15, 0.15, 0.7], abs=0.01)


def test_level_zero_changes_nothing():
    x = torch.rand(4, 1, 5, 6)
    for noise in (models.GaussianNoise(0), models.Masking(0.0, patch=2), models.SaltAndPepper(0)):
        assert torch.equal(noise(x), x)
    assert not models.Masking(1.0)(x).any()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: models.GaussianNoise(-0.1), "level: got -0.1"),
        (lambda: models.GaussianNoise((0.5, 0.1)), r"level: got \(0.5, 0.1\)"),
        (lambda: models.GaussianNoise((0.1, 0.2, 0.3)), "level: got"),
        (lambda: models.Masking(1.5), "level: got 1.5"),
        (lambda: models.Masking(0.5, patch=0), "patch: got 0"),
        (lambda: models.DenoisingAutoencoder(2, noise=0.5), "noise: got 0.5"),
        (lambda: models.DenoisingAutoencoder(2, error="mae"), "error: got 'mae'"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# ---- The model ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["mse", "l1", "bce"])
def test_the_loss_compares_the_repair_of_the_noisy_image_with_the_clean_one(error):
    torch.manual_seed(0)
    model = models.DenoisingAutoencoder(
        3, nets.mlp((7,)), noise=models.GaussianNoise(0.5), error=error, shape=(2, 3, 5)
    ).double()
    x = torch.rand(4, 2, 3, 5, dtype=torch.float64)
    torch.manual_seed(1)
    noisy = model.noise(x)
    p = model.reconstruct(noisy)
    expected = {
        "mse": (p - x) ** 2,
        "l1": (p - x).abs(),
        "bce": -(x * p.log() + (1 - x) * (1 - p).log()),
    }[error].sum() / 4
    torch.manual_seed(1)
    assert torch.allclose(model.loss(x)["loss"], expected)


def test_without_noise_it_is_the_plain_autoencoder():
    torch.manual_seed(0)
    denoising = models.DenoisingAutoencoder(
        3, nets.mlp((7,)), noise=models.GaussianNoise(0.0), shape=(1, 3, 5)
    )
    plain = models.Autoencoder(3, nets.mlp((7,)), shape=(1, 3, 5))
    plain.load_state_dict(denoising.state_dict())
    x = torch.rand(4, 1, 3, 5)
    assert torch.equal(plain.loss(x)["loss"], denoising.loss(x)["loss"])
    assert torch.equal(
        denoising.reconstruct(x), denoising.reconstruct(x)
    )  # reconstruct adds no noise


def test_gradients_in_float64():
    torch.manual_seed(0)
    model = models.DenoisingAutoencoder(2, nets.mlp((4,), "tanh"), shape=(1, 2, 3)).double()
    x = torch.rand(3, 1, 2, 3, dtype=torch.float64)
    names, values = zip(
        *((n, p.detach().clone().requires_grad_()) for n, p in model.named_parameters())
    )

    def loss(*values):
        torch.manual_seed(1)
        return torch.func.functional_call(model, dict(zip(names, values)), (x,))

    model.forward = lambda x: model.loss(x)["loss"]
    assert torch.autograd.gradcheck(loss, values)


def test_another_noise_is_another_entry_of_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path))

    def cached(noise):
        torch.manual_seed(0)
        model = models.DenoisingAutoencoder(2, nets.mlp((4,)), noise=noise, shape=(1, 2, 3))
        return train.fit(model, torch.full((8, 1, 2, 3), 0.5), epochs=1, progress=False).cached

    kinds = [
        models.GaussianNoise(0.5),
        models.Masking(0.5),
        models.Masking(0.5, patch=2),
        models.SaltAndPepper(0.5),
        models.Masking((0.5, 0.6)),
    ]
    assert [cached(noise) for noise in kinds] == [False] * len(kinds)
    assert [cached(noise) for noise in kinds] == [True] * len(kinds)


def test_a_linear_denoiser_shrinks_a_gaussian_as_theory_says():
    """Data N(0, s^2), noise N(0, sigma^2): the best answer is s^2 / (s^2 + sigma^2) of what is seen."""
    torch.manual_seed(0)
    x = 2.0 * torch.randn(20_000, 1, 1, 1)
    model = models.DenoisingAutoencoder(
        1, nets.mlp(()), noise=models.GaussianNoise(1.0), output="identity", shape=(1, 1, 1)
    )
    train.fit(model, x, epochs=6, lr=3e-2, progress=False, cache=False)
    slope = (
        evaluate.reconstruct(model, torch.ones(1, 1, 1, 1))
        - evaluate.reconstruct(model, torch.zeros(1, 1, 1, 1))
    ).item()
    assert slope == pytest.approx(4 / 5, abs=0.03)


# ---- Decibels ----------------------------------------------------------------------------------------------


def test_psnr_known_answers():
    x = torch.rand(3, 2, 5, 4, dtype=torch.float64)
    off = torch.tensor([0.1, 1.0, 0.5], dtype=torch.float64)[:, None, None, None]
    assert evaluate.psnr(x + off, x).tolist() == pytest.approx([20.0, 0.0, 10 * math.log10(4)])
    assert torch.equal(evaluate.psnr(x + off, x), evaluate.psnr(x, x + off))
    assert evaluate.psnr(x, x).tolist() == [math.inf] * 3
    with pytest.raises(ValueError, match="image: got"):
        evaluate.psnr(x[:2], x)


# ---- The mixture -------------------------------------------------------------------------------------------


@pytest.fixture
def mixture():
    return exact.GaussianMixture(
        torch.randn(5, 2, generator=GENERATOR()), torch.tensor([0.3, 0.5, 0.2, 0.4, 0.6])
    )


def test_the_mixture_is_torch_distributions(mixture):
    from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

    x = torch.randn(40, 2, dtype=torch.float64, generator=GENERATOR(1))
    known = MixtureSameFamily(
        Categorical(torch.ones(5, dtype=torch.float64)),
        Independent(Normal(mixture.means, mixture.width[:, None].expand(5, 2)), 1),
    )
    assert torch.allclose(mixture.log_prob(x), known.log_prob(x))


def test_the_score_is_the_gradient_of_the_log_density(mixture):
    x = (3 * torch.randn(40, 2, dtype=torch.float64, generator=GENERATOR(1))).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    assert torch.allclose(mixture.score(x), gradient)


def test_blurred_is_the_density_with_noise_added(mixture):
    torch.manual_seed(0)
    noisy = mixture.sample(200_000) + 0.7 * torch.randn(200_000, 2, dtype=torch.float64)
    assert (
        abs(
            (-mixture.blurred(0.7).log_prob(noisy)).mean()
            - (-mixture.blurred(0.7).log_prob(mixture.blurred(0.7).sample(200_000))).mean()
        )
        < 0.01
    )
    assert torch.equal(mixture.blurred(0.0).means, mixture.means) and torch.allclose(
        mixture.blurred(0.0).width, mixture.width
    )


def test_denoise_is_the_posterior_mean():
    """Tweedie's formula against Bayes' rule on a grid."""
    mixture, sigma = exact.GaussianMixture(torch.tensor([[-1.0], [0.5]]), 0.3), 0.8
    clean = torch.linspace(-4, 4, 20_001, dtype=torch.float64)
    for seen in (-2.0, 0.1, 1.7):
        weight = (mixture.log_prob(clean[:, None]) - 0.5 * ((seen - clean) / sigma) ** 2).exp()
        mean = (weight * clean).sum() / weight.sum()
        assert mixture.denoise(torch.tensor([[seen]]), sigma).item() == pytest.approx(
            mean.item(), abs=1e-6
        )


def test_a_mixture_refuses_what_is_none():
    with pytest.raises(ValueError, match="means: got"):
        exact.GaussianMixture(torch.zeros(3), 1.0)
    with pytest.raises(ValueError, match="width: got"):
        exact.GaussianMixture(torch.zeros(3, 2), 0.0)
    with pytest.raises(ValueError, match="x: got 3 numbers"):
        exact.GaussianMixture(torch.zeros(3, 2), 1.0).score(torch.zeros(4, 3))

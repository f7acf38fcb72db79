"""Gabor functions are found again, noise is not taken for one, and the measures of locality have their known values."""

import math

import pytest
import torch

from aecourse.evaluate.features import footprint, gabor_fit, kurtosis


def gabors(n=120, height=12, width=11, seed=0):
    """Gabor functions with known settings, written out independently of the fit."""
    g = torch.Generator().manual_seed(seed)

    def uniform(low, high):
        return low + (high - low) * torch.rand(n, 1, 1, generator=g)

    settings = {
        "row": uniform(3, height - 4),
        "column": uniform(3, width - 4),
        "orientation": uniform(0, 180),
        "wavelength": uniform(3.5, 9),
        "length": uniform(1.2, 2.6),
        "width": uniform(1.2, 2.6),
    }
    phase, size = uniform(0, 2 * math.pi), uniform(0.1, 5)
    row = torch.arange(height).view(1, -1, 1) - settings["row"]
    column = torch.arange(width).view(1, 1, -1) - settings["column"]
    along = torch.deg2rad(settings["orientation"])  # stripes rise to the right by this angle
    v = column * along.cos() - row * along.sin()
    u = column * along.sin() + row * along.cos()
    bell = (-(u**2) / 2 / settings["width"] ** 2 - v**2 / 2 / settings["length"] ** 2).exp()
    wave = (2 * math.pi * u / settings["wavelength"] + phase).cos()
    return size * bell * wave, {name: value[:, 0, 0] for name, value in settings.items()}


def test_gabor_functions_are_found_again():
    x, known = gabors()
    fit = gabor_fit(x)
    assert fit.error.quantile(0.95) < 1e-4 and fit.error.max() < 0.1
    sure = fit.error < 1e-6
    turned = (fit.orientation - known["orientation"]).abs()
    assert torch.minimum(turned, 180 - turned)[sure].quantile(0.95) < 1
    for name in ("row", "column", "wavelength", "length", "width"):
        assert (getattr(fit, name) - known[name])[sure].abs().quantile(0.9) < 0.05, name
    assert torch.allclose(fit.fitted[sure], x[sure], atol=5e-3)


def test_noise_is_no_gabor_function():
    x = torch.randn(100, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    fit = gabor_fit(x)
    assert fit.error.min() > 0.6 and not fit.edges().any()


def test_a_wave_across_the_whole_patch_is_fitted_but_is_no_edge():
    column = torch.arange(12.0)
    wave = (2 * math.pi * column / 6).cos().expand(1, 12, 12)
    fit = gabor_fit(wave)
    assert fit.error[0] < 0.05 and not fit.edges()[0]


def test_sign_size_and_batch_make_no_difference():
    x, _ = gabors(20)
    fit, other = gabor_fit(x), gabor_fit(-3 * x)
    assert torch.allclose(fit.error, other.error, atol=1e-3)
    assert torch.allclose(gabor_fit(x[3:4]).error, fit.error[3:4], atol=1e-3)


def test_the_error_is_the_share_of_energy_that_the_fit_leaves():
    x = torch.randn(10, 9, 12, generator=torch.Generator().manual_seed(1))
    fit = gabor_fit(x)
    left = (x - fit.fitted).square().sum((1, 2)) / x.square().sum((1, 2))
    assert torch.allclose(left, fit.error, atol=1e-4)


def test_footprints_and_kurtosis_have_their_known_values():
    one = torch.zeros(1, 100)
    one[0, 3] = -5
    assert footprint(one).item() == pytest.approx(0.01)
    assert footprint(torch.full((1, 4, 5), -2.0)).item() == pytest.approx(1)
    half = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    assert footprint(half).item() == pytest.approx(0.5)
    normal = torch.randn(1, 200_000, generator=torch.Generator().manual_seed(0))
    assert footprint(normal).item() == pytest.approx(1 / 3, abs=0.01)
    assert kurtosis(normal).item() == pytest.approx(0, abs=0.05)
    assert kurtosis(torch.tensor([[1.0, -1.0, 1.0, -1.0]])).item() == pytest.approx(-2)
    laplace = torch.distributions.Laplace(0.0, 1.0)
    torch.manual_seed(0)
    assert kurtosis(laplace.sample((1, 400_000))).item() == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize(
    "features", [torch.zeros(2, 12, 12), torch.rand(2, 3, 12, 12), torch.rand(2, 3, 12), [1.0]]
)
def test_what_cannot_be_fitted_is_refused(features):
    with pytest.raises(ValueError, match="features: got"):
        gabor_fit(features)

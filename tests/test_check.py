"""The checkers are checked: each passes its reference, and catches planted mistakes by naming them."""
import ast
import math
from pathlib import Path

import pytest
import torch

from aecourse import check, models

KL = models.kl_divergence


def good_pca(x, k):
    mean = x.mean(0)
    v = torch.linalg.svd(x - mean, full_matrices=False)[2][:k]
    return (x - mean) @ v.T @ v + mean


REFERENCES = {
    "parameter_count": lambda w: sum(2 * a * b + a + b for a, b in zip(w, w[1:])),
    "squared_error": lambda image, x: (image - x).square().flatten(1).sum(1).mean(),
    "pca_reconstruction": good_pca,
    "kl_divergence": lambda mu, log_var: 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(-1),
    "log_mean_exp": lambda w: torch.logsumexp(w, 0) - math.log(w.shape[0]),
    "reparameterize": lambda mu, log_var, eps: torch.exp(log_var / 2) * eps + mu,
    "score_function_gradient": lambda f, theta, z: (z - theta) * f(z),
    "straight_through": lambda y: ((y == y.amax(1, keepdim=True)).to(y.dtype) - y).detach() + y,
    "mask": lambda x, p, generator: torch.where(torch.rand(x.shape, generator=generator) < p, 0.0, x),
    "psnr": lambda image, x: 10 * torch.log10(1 / ((image - x) ** 2).mean((1, 2, 3))),
    "denoising_loss": lambda model, x, noise: ((model.reconstruct(noise(x)) - x) ** 2).sum() / len(x),
}


def numpy_kl(mu, log_var):
    return torch.from_numpy(KL(mu, log_var).detach().numpy().sum(1))


def slope(f, z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(f(z).sum(), z)[0]


def in_place(image, x):
    image -= x
    return image.square().flatten(1).sum(1).mean()


def error(a, b):
    return (a - b).square().sum() / len(a)


def loss_against_noisy(model, x, noise):
    noisy = noise(x)
    return error(model.reconstruct(noisy), noisy)


PLANTED = [
    ("parameter_count", lambda w: sum(a * b + b for a, b in zip(w, w[1:])), "encoder only"),
    ("parameter_count", lambda w: sum(2 * a * b for a, b in zip(w, w[1:])), "biases are missing"),
    ("parameter_count", lambda w: sum(2 * (a * b + b) for a, b in zip(w, w[1:])), "as many biases as"),
    ("parameter_count", lambda w: str(w), "a number is wanted"),
    ("squared_error", lambda a, b: (a - b).square().mean(), "mean over pixels"),
    ("squared_error", lambda a, b: (a - b).square().sum(), "sum over the batch"),
    ("squared_error", lambda a, b: (a - b).abs().flatten(1).sum(1).mean(), "absolute error"),
    ("squared_error", lambda a, b: (a - b).square().flatten(1).sum(1), "one number per image"),
    ("squared_error", lambda a, b: -(a - b).square().flatten(1).sum(1).mean(), "sign"),
    ("squared_error", lambda a, b: 0.5 * (a - b).square().flatten(1).sum(1).mean(), "0.5 times"),
    ("squared_error", lambda a, b: ((a - b) ** 2).sum((1, 2, 3)).mean().detach(), "no gradient"),
    ("squared_error", lambda a, b: ((a - b) ** 2).sum((1, 2, 3)).mean().item(), "a tensor is wanted"),
    ("squared_error", in_place, "in place"),
    ("pca_reconstruction", lambda x, k: good_pca(x, k) - x.mean(0), "not added back"),
    ("pca_reconstruction", lambda x, k: x @ (v := torch.linalg.svd(x, full_matrices=False)[2][:k]).T @ v, "mean was not subtracted"),
    ("pca_reconstruction", lambda x, k: (x - x.mean(0)) @ (v := torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:, :k])
     @ v.T + x.mean(0), "columns of V"),
    ("pca_reconstruction", lambda x, k: (x - x.mean(0)) @ (v := torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][-k:]).T
     @ v + x.mean(0), "last directions"),
    ("pca_reconstruction", lambda x, k: good_pca(x, k).float(), "dtype"),
    ("pca_reconstruction", lambda x, k: good_pca(x, k)[:, :k], "shape should be"),
    ("kl_divergence", lambda m, v: 0.5 * (1 + v - m**2 - v.exp()).sum(1), "never negative"),
    ("kl_divergence", lambda m, v: KL(m, v).mean(1), "averages over the latents"),
    ("kl_divergence", lambda m, v: KL(m, v).sum(), "summed over the batch"),
    ("kl_divergence", lambda m, v: KL(m, v).sum(1).mean(), "one number for the whole batch"),
    ("kl_divergence", lambda m, v: KL(m, v), "one number per latent"),
    ("kl_divergence", lambda m, v: -0.5 * (1 + 2 * v - m**2 - (2 * v).exp()).sum(1), "log of the standard deviation"),
    ("kl_divergence", lambda m, v: -0.5 * (1 + v - m**2 - (0.5 * v).exp()).sum(1), "not exp"),
    ("kl_divergence", lambda m, v: 0.5 * (v + (1 + m**2) / v.exp() - 1).sum(1), "swapped"),
    ("kl_divergence", lambda m, v: KL(m, v).sum(0), "shape should be"),
    ("kl_divergence", numpy_kl, "no gradient"),
    ("log_mean_exp", lambda w: w.exp().mean(0).log(), "underflows"),
    ("log_mean_exp", lambda w: w.mean(0), "the ELBO"),
    ("log_mean_exp", lambda w: torch.logsumexp(w, 0), "log of the sum"),
    ("log_mean_exp", lambda w: torch.logsumexp(w, 0) + math.log(len(w)), "subtracts it"),
    ("log_mean_exp", lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1]), "over the images"),
    ("reparameterize", lambda m, v, e: m + v.exp() * e, "is the variance"),
    ("reparameterize", lambda m, v, e: m + v * e, "as if it were the standard deviation"),
    ("reparameterize", lambda m, v, e: m + v / 2 * e, "exponential is missing"),
    ("reparameterize", lambda m, v, e: m + (2 * v).exp() * e, "square of the variance"),
    ("reparameterize", lambda m, v, e: (v / 2).exp() * e, "mean is missing"),
    ("reparameterize", lambda m, v, e: (v / 2).exp() * (m + e), "belongs to eps alone"),
    ("reparameterize", lambda m, v, e: m + (v / 2).exp(), "eps is missing"),
    ("reparameterize", lambda m, v, e: m - (v / 2).exp() * e, "sign of eps"),
    ("reparameterize", lambda m, v, e: (m + (v / 2).exp() * e).sum(1), "shape should be"),
    ("reparameterize", lambda m, v, e: torch.normal(m, (v / 2).exp()), "numbers of its own"),
    ("reparameterize", lambda m, v, e: m + (v / 2).exp() * torch.randn_like(m), "numbers of its own"),
    ("reparameterize", lambda m, v, e: (m + (v / 2).exp() * e).detach(), "no gradient"),
    ("reparameterize", lambda m, v, e: m + (v / 2).exp().detach() * e, "no gradient reaches log_var"),
    ("reparameterize", lambda m, v, e: m.detach() + (v / 2).exp() * e, "no gradient reaches mu"),
    ("score_function_gradient", lambda f, t, z: f(z) * (t - z), "sign is wrong"),
    ("score_function_gradient", lambda f, t, z: slope(f, z), "pathwise estimator"),
    ("score_function_gradient", lambda f, t, z: z - t, "score alone"),
    ("score_function_gradient", lambda f, t, z: f(z) * z, "not z"),
    ("score_function_gradient", lambda f, t, z: f(t) * (z - t), "evaluated at theta"),
    ("score_function_gradient", lambda f, t, z: f(z) * -(z - t) ** 2 / 2, "logarithm of the density"),
    ("score_function_gradient", lambda f, t, z: (f(z) * (z - t)).mean(), "average over the draws"),
    ("score_function_gradient", lambda f, t, z: (f(z) * (z - t)).sum(), "sum over the draws"),
    ("score_function_gradient", lambda f, t, z: (f(z) - f(z).mean()) * (z - t), "draw itself"),
    ("score_function_gradient", lambda f, t, z: 2 * f(z) * (z - t), "2 times"),
    ("score_function_gradient", lambda f, t, z: f(z) * (z - t) + 1, "1 too large, everywhere"),
    ("score_function_gradient", lambda f, t, z: f(z) * (z - t) + z, "f(z) = z^2"),
    ("straight_through", lambda y: y, "mixture as it came"),
    ("straight_through", lambda y: torch.eye(y.shape[1])[y.argmax(1)] + y, "not taken off"),
    ("straight_through", lambda y: torch.eye(len(y))[y.argmax(0)].T + y - y.detach(), "every column"),
    ("straight_through", lambda y: torch.eye(y.shape[1])[y.argmin(1)], "smallest entry"),
    ("straight_through", lambda y: y.round(), "below one half"),
    ("straight_through", lambda y: y.argmax(1), "places of the largest"),
    ("straight_through", lambda y: torch.nn.functional.one_hot(y.argmax(1), y.shape[1]), "dtype"),
    ("straight_through", lambda y: torch.eye(y.shape[1])[y.argmax(1)], "no gradient"),
    ("straight_through", lambda y: torch.eye(y.shape[1])[y.argmax(1)] - y + y.detach(), "wrong sign"),
    ("straight_through", lambda y: torch.eye(y.shape[1])[y.argmax(1)] + 2 * (y - y.detach()), "should be"),
    ("mask", lambda x, p, g: x * (torch.rand(x.shape, generator=g) < p), "erases the rest"),
    ("mask", lambda x, p, g: x * (torch.rand(x.shape, generator=g) >= p) / (1 - p), "dropout"),
    ("mask", lambda x, p, g: x * (torch.rand(x.shape[1:], generator=g) >= p), "same pixels"),
    ("mask", lambda x, p, g: x * (torch.rand(len(x), 1, 1, 1, generator=g) >= p), "whole images"),
    ("mask", lambda x, p, g: (torch.rand(x.shape, generator=g) >= p).float(), "the mask itself"),
    ("mask", lambda x, p, g: x.masked_fill(torch.rand(x.shape, generator=g) < p, 1.0), "which is ink"),
    ("mask", lambda x, p, g: x * (torch.rand(x.shape) >= p), "global random state"),
    ("mask", lambda x, p, g: x.mul_(torch.rand(x.shape, generator=g) >= p), "in place"),
    ("psnr", lambda a, x: -10 * ((a - x) ** 2).mean((1, 2, 3)).log(), "natural logarithm"),
    ("psnr", lambda a, x: 10 * torch.log10(255**2 / ((a - x) ** 2).mean((1, 2, 3))), "255"),
    ("psnr", lambda a, x: -10 * torch.log10(((a - x) ** 2).sum((1, 2, 3))), "summed over pixels"),
    ("psnr", lambda a, x: -10 * torch.log10(((a - x) ** 2).mean((1, 2, 3)).sqrt()), "root"),
    ("psnr", lambda a, x: -20 * torch.log10(((a - x) ** 2).mean((1, 2, 3))), "20 belongs"),
    ("psnr", lambda a, x: -10 * torch.log10(((a - x) ** 2).mean()), "whole batch"),
    ("psnr", lambda a, x: 10 * torch.log10(((a - x) ** 2).mean((1, 2, 3))), "sign"),
    ("psnr", lambda a, x: -10 * torch.log10((a - x).abs().mean((1, 2, 3))), "should be"),
    ("denoising_loss", loss_against_noisy, "compares the repair with the *noisy* image"),
    ("denoising_loss", lambda m, x, noise: error(m.reconstruct(x), x), "nothing to repair"),
    ("denoising_loss", lambda m, x, noise: error(m.reconstruct(x), noise(x)), "other way round"),
    ("denoising_loss", lambda m, x, noise: error(m.reconstruct(noise(x)), noise(x)), "drawn twice"),
    ("denoising_loss", lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().mean(), "mean over pixels"),
    ("denoising_loss", lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().sum(), "sum over the batch"),
    ("denoising_loss", lambda m, x, noise: error(m.decode(m.encode(noise(x))), x), "those are logits"),
    ("denoising_loss", lambda m, x, noise: error(m.reconstruct(noise(x)), x).detach(), "no gradient"),
]


@pytest.mark.parametrize("name", REFERENCES)
def test_checkers_pass_a_right_answer(name):
    answer = getattr(check, name)(REFERENCES[name])
    assert answer.passed, answer
    assert repr(answer).startswith("Right") and "Right" in answer._repr_html_()


@pytest.mark.parametrize("name, mistake, message", PLANTED)
def test_checkers_name_planted_mistakes(name, mistake, message):
    answer = getattr(check, name)(mistake)
    assert not answer.passed and message in answer.message, answer


def planted_anywhere():
    """The checkers named by every list PLANTED of the test files, once for each mistake."""
    names = []
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PLANTED":
                names += [row.elts[0].value for row in node.value.elts]
    return names


def test_every_public_checker_is_given_three_planted_mistakes():
    names = planted_anywhere()
    checkers = set(check.__all__) - {"Answer"}
    assert checkers == set(names)
    assert not [name for name in checkers if names.count(name) < 3]


@pytest.mark.parametrize("name", REFERENCES)
def test_unfinished_and_failing_functions_get_an_answer_too(name):
    checker = getattr(check, name)

    def stub(*args):
        raise NotImplementedError

    def broken(*args):
        return undefined_name                                    # noqa: F821
    assert "nothing is written" in checker(stub).message
    assert "NameError" in checker(broken).message
    assert "returns nothing" in checker(lambda *args: None).message
    assert "the checker needs your function itself" in checker(3).message


def test_answers_escape_what_they_quote():
    def hostile(*args):
        raise ValueError("<script>alert(1)</script>")
    assert "<script>" not in check.kl_divergence(hostile)._repr_html_()

"""What every checker does whatever the exercise: it survives all answers, sees side effects, and says what is wrong."""

import math
import random
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aecourse import check, models
from aecourse.check.core import EXERCISES, Exercise, exercise

KL = models.kl_divergence


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError("hands off")


def failing(*_):
    raise Silent


def endless(*_):
    return endless()


def kl_and(effect):
    """A right answer with a side effect."""

    def function(mu, log_var):
        effect()
        return KL(mu, log_var).sum(1)

    return function


def kl_fails_in_float64(mu, log_var):
    return KL(mu, log_var).sum(1) if mu.dtype == torch.float32 else 1 / 0


def kl_backward(mu, log_var):
    kl = KL(mu, log_var).sum(1)
    if kl.requires_grad:
        kl.sum().backward(retain_graph=True)
    return kl


def kl_in_place(mu, log_var):
    return 0.5 * (mu.pow_(2) + log_var.exp() - 1 - log_var).sum(1)


def noise_without_gradient(model, x, noise):
    with torch.no_grad():
        noisy = noise(x)
    return F.mse_loss(model.reconstruct(noisy), x, reduction="sum") / len(x)


@pytest.mark.parametrize(
    "name, answer, said",
    [
        ("parameter_count", lambda widths: sys.exit(1), "SystemExit: 1"),
        ("kl_divergence", endless, "RecursionError"),
        ("psnr", failing, "your function raised Silent"),
        ("squared_error", lambda a, b: Hostile(), "hands off"),
        ("perplexity", lambda i, k: Hostile(), "hands off"),
        ("kl_divergence", lambda mu: mu, "TypeError"),
        ("kl_divergence", kl_fails_in_float64, "ZeroDivisionError"),
    ],
)
def test_an_answer_that_fails_gets_an_answer(name, answer, said):
    found = getattr(check, name)(answer)
    assert not found.passed and said in found.message, found


@pytest.mark.parametrize(
    "answer, said",
    [
        (kl_and(lambda: torch.manual_seed(0)), "global random state"),
        (kl_and(lambda: np.random.seed(0)), "global random state"),
        (kl_and(lambda: random.random()), "global random state"),
        (kl_and(lambda: torch.set_grad_enabled(False)), "whether gradients are recorded"),
        (kl_and(lambda: torch.set_default_dtype(torch.float64)), "the default dtype"),
        (kl_backward, "backward()"),
        (kl_in_place, "in place (mu)"),
    ],
)
def test_side_effects_are_seen(answer, said):
    found = check.kl_divergence(answer)
    assert not found.passed and said in found.message, found


def test_a_check_leaves_everything_as_it_was():
    def state():
        numbers = (
            torch.get_rng_state().tolist(),
            np.random.get_state()[1].tolist(),
            random.getstate(),
        )
        return *numbers, torch.is_grad_enabled()

    def all_at_once():
        torch.manual_seed(0)
        np.random.rand()
        torch.set_grad_enabled(False)

    before = state()
    check.kl_divergence(kl_and(all_at_once))
    check.denoising_loss(noise_without_gradient)
    assert state() == before


def test_the_notebooks_dtype_device_and_grad_mode_do_not_matter():
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.no_grad():
            assert all(each(each.solution).passed for each in EXERCISES.values())
        assert torch.get_default_dtype() == torch.float64
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


@pytest.mark.parametrize(
    "wrong, said",
    [
        (lambda w: torch.logsumexp(w, 0) / math.log(2) - math.log2(len(w)), "bits where nats"),
        (lambda w: torch.logsumexp(w, 0) - math.log(len(w)) + 0.25, "0.25 too large"),
        (lambda w: 1.5 * (torch.logsumexp(w, 0) - math.log(len(w))), "1.5 times"),
        (lambda w: 1.003 * (torch.logsumexp(w, 0) - math.log(len(w))), "should be"),
    ],
)
def test_what_all_numbers_have_in_common_is_said_and_a_factor_near_one_is_not(wrong, said):
    answer = check.log_mean_exp(wrong)
    assert not answer.passed and said in answer.message, answer
    assert " 1.003 times" not in answer.message


def test_two_numbers_in_a_message_never_print_alike():
    answer = check.kl_divergence(lambda m, v: KL(m, v).sum(1) * (1 + 2e-4 * torch.arange(len(m))))
    wanted, found = answer.message.split(" should be ")[1].rstrip(".").split(", yours is ")
    assert wanted != found and "entry [" in answer.message


def test_answers_show_what_they_are_and_escape_what_they_quote():
    def hostile(*args):
        raise ValueError("<script>alert(1)</script>")

    assert "<script>" not in check.kl_divergence(hostile)._repr_html_()
    answer = check.kl_divergence(kl_and(lambda: None))
    assert repr(answer).startswith("Right: ") and "Right" in answer._repr_html_()


def test_an_exercise_is_known_by_one_name():
    assert isinstance(check.mig, Exercise) and repr(check.mig) == "check.mig"
    with pytest.raises(ValueError, match="already one called 'mig'"):
        exercise(check.mig.solution, cases=list, mistakes=[], praise="")
    with pytest.raises(TypeError, match="prais"):
        exercise(kl_in_place, cases=list, mistakes=[], prais="")

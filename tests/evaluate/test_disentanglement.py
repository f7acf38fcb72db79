"""The measures of disentanglement on codes whose scores are known."""

import math

import pytest
import torch

from aecourse import evaluate, models, nets

SIZES = (3, 5, 8, 4)


@pytest.fixture(scope="module")
def factors():
    generator = torch.Generator().manual_seed(0)
    return torch.stack([torch.randint(n, (8000,), generator=generator) for n in SIZES], 1)


@pytest.fixture(scope="module")
def perfect(factors):
    """One latent per factor: permuted, rescaled, one turned upside down, with a little noise."""
    torch.manual_seed(1)
    return factors[:, [2, 0, 3, 1]] * torch.tensor([0.01, 3.0, -50.0, 1.0]) + 7


def noise(columns, seed=2):
    return torch.randn(8000, columns, generator=torch.Generator().manual_seed(seed))


def scores(codes, factors):
    return (
        evaluate.mig(codes, factors),
        evaluate.factor_vae_score(codes, factors),
        *evaluate.dci(codes, factors),
    )


def test_a_perfect_code_scores_one(perfect, factors):
    assert min(scores(perfect, factors)) > 0.98
    assert evaluate.mig(perfect, factors) == pytest.approx(1, abs=0.01)


def test_noise_scores_nothing(factors):
    gap, votes, disentanglement, completeness, informativeness = scores(noise(4), factors)
    chance = sum(1 / n for n in SIZES) / len(SIZES)
    assert gap < 0.01 and disentanglement < 0.05 and completeness < 0.05
    assert abs(votes - 1 / len(SIZES)) < 0.06 and abs(informativeness - chance) < 0.03


def test_a_duplicated_latent_closes_the_gap_but_remains_disentangled(perfect, factors):
    twice = torch.cat([perfect, perfect], 1)
    gap, votes, disentanglement, completeness, informativeness = scores(twice, factors)
    assert gap < 1e-6 and votes > 0.98 and disentanglement > 0.98 and informativeness > 0.98
    assert (
        0.5 < completeness < 0.9
    )  # a factor is told by two numbers of eight: 1 - log 2 / log 8 = 2/3


def test_a_rotated_code_scores_low_though_nothing_is_lost(perfect, factors):
    standard = (perfect - perfect.mean(0)) / perfect.std(0)
    rotation = torch.linalg.qr(noise(4)[:4])[0]
    before, after = scores(standard, factors), scores(standard @ rotation, factors)
    assert after[0] < 0.3 * before[0] and after[2] < 0.6 * before[2] and after[3] < 0.6 * before[3]
    assert evaluate.dci(standard @ rotation @ rotation.T, factors).disentanglement > 0.98


def test_more_numbers_than_factors(perfect, factors):
    """Noise and dead numbers beside a perfect code change little."""
    wide = torch.cat([perfect, noise(3), torch.zeros(8000, 2)], 1)
    gap, votes, disentanglement, completeness, _ = scores(wide, factors)
    assert gap > 0.98 and votes > 0.98 and disentanglement > 0.9 and completeness > 0.9


def test_fewer_numbers_than_factors(factors):
    one = factors[:, [2]].float()
    assert evaluate.mig(one, factors) == pytest.approx(1 / 4, abs=0.01)
    assert evaluate.factor_vae_score(one, factors) == pytest.approx(1 / 4, abs=0.06)
    assert all(0 <= value <= 1 for value in evaluate.dci(one, factors))


def test_dead_codes_break_nothing(factors):
    for codes in (torch.zeros(8000, 3), torch.full((8000, 1), -2.5)):
        gap, votes, disentanglement, completeness, informativeness = scores(codes, factors)
        assert (
            gap == 0
            and votes == 0.25
            and disentanglement == completeness == 0
            and 0 < informativeness < 0.5
        )
    constant_factor = torch.cat([factors[:, :2], torch.zeros(8000, 1, dtype=torch.long)], 1)
    assert evaluate.mig(factors[:, :2].float(), constant_factor) == pytest.approx(1, abs=0.01)
    assert all(math.isfinite(value) for value in scores(factors[:, :2].float(), constant_factor))


def test_mutual_information_is_that_of_the_table():
    """Two bits that agree three times out of four: log 2 - H(1/4) nats."""
    factors = torch.tensor([[0], [0], [0], [0], [1], [1], [1], [1]]).repeat(10, 1)
    codes = torch.tensor([[0.0], [0], [0], [1], [1], [1], [1], [0]]).repeat(10, 1)
    information, entropies = evaluate.mutual_information(codes, factors)
    known = math.log(2) + 0.25 * math.log(0.25) + 0.75 * math.log(0.75)
    assert information.shape == (1, 1) and information.item() == pytest.approx(known, abs=1e-9)
    assert entropies.item() == pytest.approx(math.log(2))


def test_mutual_information_of_unrelated_numbers_has_the_bias_that_is_stated(factors):
    information, _ = evaluate.mutual_information(
        torch.rand(8000, 30, generator=torch.Generator().manual_seed(5)), factors
    )
    expected = torch.tensor([19 * (n - 1) / (2 * 8000) for n in SIZES])
    assert torch.allclose(information.mean(0).float(), expected, rtol=0.2)


def test_scores_are_seeded_and_do_not_touch_the_callers_random_state(perfect, factors):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first = scores(perfect + 3 * noise(4), factors)
    assert torch.equal(torch.rand(1), expected) and first == scores(perfect + 3 * noise(4), factors)


def test_draws_of_a_silent_latent_say_nothing_though_its_mean_says_everything():
    """The first latent's mean follows the factor by a thousandth of its noise."""
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp(()), shape=(1, 1, 2))
    with torch.no_grad():
        vae.encoder[1].weight.copy_(torch.tensor([[3e-3, 0.0], [0.0, 3.0], [0.0, 0.0], [0.0, 0.0]]))
        vae.encoder[1].bias.copy_(torch.tensor([0.0, 0.0, 0.0, -8.0]))
    factors = torch.cartesian_prod(torch.arange(4), torch.arange(4)).repeat(300, 1)
    x = factors.float().view(-1, 1, 1, 2) / 3
    drawn = evaluate.draw_codes(vae, x)
    assert torch.equal(drawn, evaluate.draw_codes(vae, x)) and drawn.shape == (4800, 2)
    assert (
        abs(drawn[:, 0].std() - 1) < 0.05
        and abs((drawn[:, 1] - factors[:, 1]).std() - torch.tensor(-4.0).exp()) < 1e-3
    )
    assert evaluate.mig(drawn, factors) == pytest.approx(0.5, abs=0.03)
    assert evaluate.mig(evaluate.codes(vae, x), factors) > 0.98


@pytest.mark.parametrize(
    "measure", [evaluate.mig, evaluate.factor_vae_score, evaluate.dci, evaluate.mutual_information]
)
@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c, f: (c[:, 0], f), "codes: got"),
        (lambda c, f: (c.long(), f), "codes: got"),
        (lambda c, f: (c, f[:-1]), "factors: got"),
        (lambda c, f: (c, f.float()), "factors: got"),
        (lambda c, f: (c / 0, f), "codes: got NaN or inf"),
        (lambda c, f: (c, f - 1), "factors: got"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(measure, change, message, perfect, factors):
    with pytest.raises(ValueError, match=message):
        measure(*change(perfect, factors))


def test_the_tables_behind_the_scores(perfect, factors):
    """Permuted factors: votes and importances stand where the permutation says; a dead latent gets neither."""
    codes = torch.cat([perfect, torch.zeros(8000, 1)], 1)
    votes, relied = evaluate.factor_votes(codes, factors), evaluate.importances(codes, factors)
    where = [2, 0, 3, 1]
    assert votes.shape == relied.table.shape == (5, 4) and votes.sum() == 800
    assert votes[:4].argmax(1).tolist() == relied.table[:4].argmax(1).tolist() == where
    assert not votes[4].any() and not relied.table[4].any() and relied.latents[4] == 0
    assert torch.allclose(relied.table.sum(0), torch.ones(4, dtype=torch.float64))
    assert relied.latents[:4].min() > 0.98 and relied.factors.min() > 0.98
    assert evaluate.dci(codes, factors).informativeness == pytest.approx(relied.right.mean().item())

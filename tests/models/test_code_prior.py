"""The prior over a grid of words: a proper distribution, causal, uniform at the start, and able to learn a language."""

import itertools
import math

import pytest
import torch

from aecourse import data, evaluate, train
from aecourse.models import CodePrior

GRIDS = torch.zeros(2, 2, 2, dtype=torch.long)


def prior(codes=3, grid=(2, 2), seed=0, wild=True, **options):
    """A small prior; `wild` gives its head weights, so that it is not uniform."""
    torch.manual_seed(seed)
    made = CodePrior(codes, grid, **{"width": 16, "heads": 2, **options})
    if wild:
        torch.nn.init.normal_(made.head.weight)
    return made.eval()


def test_the_probabilities_of_all_grids_sum_to_one():
    made = prior(3, (2, 2)).double()
    every = torch.tensor(list(itertools.product(range(3), repeat=4))).view(-1, 2, 2)
    with torch.no_grad():
        log_p = made.log_prob(every)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-9) and log_p.std() > 0.1


def test_a_word_sees_the_words_before_it_and_no_other():
    """By gradients: what reaches the logits of place i comes from words 1 .. i - 1, and from each of them."""
    made = prior(5, (2, 3)).double()
    line = torch.randint(5, (1, 5))
    seen = []
    embedded = made.word.register_forward_hook(
        lambda module, _, out: seen.append(out.requires_grad_()) or out
    )
    logits = made(line)
    embedded.remove()
    for i in range(6):  # entry 0 of the line is the beginning itself
        reached = (
            torch.autograd.grad(logits[0, i].square().sum(), seen[0], retain_graph=True)[0][0]
            .abs()
            .sum(1)
        )
        assert (reached[: i + 1] > 0).all() and (reached[i + 1 :] == 0).all()


def test_training_starts_at_the_uniform_prior():
    made = prior(7, (3, 2), wild=False)
    grids = torch.randint(7, (4, 3, 2))
    assert made.log_prob(grids).tolist() == pytest.approx([-6 * math.log(7)] * 4, rel=1e-6)
    bits = evaluate.code_nats(made, grids) / math.log(2)
    assert bits.tolist() == pytest.approx([6 * math.log2(7)] * 4, rel=1e-6)


def test_log_prob_is_the_sum_of_the_conditionals_and_the_loss_their_mean():
    made = prior(4, (2, 2))
    grids = torch.randint(4, (3, 2, 2))
    by_hand = torch.zeros(3)
    with torch.no_grad():
        for i in range(4):  # word by word, as sampling goes
            line = grids.flatten(1)
            by_hand += made(line[:, :i])[:, -1].log_softmax(1)[torch.arange(3), line[:, i]]
    assert torch.allclose(made.log_prob(grids), by_hand, atol=1e-5)
    assert made.loss(grids)["loss"].item() == pytest.approx(-by_hand.mean().item(), rel=1e-5)
    assert torch.allclose(evaluate.code_nats(made, grids, batch_size=2), -by_hand, atol=1e-5)


@pytest.mark.parametrize(
    "grids, message",
    [
        (torch.zeros(9, 2, 3), "images: got x of float32; accepted is int64"),
        (torch.full((9, 2, 3), 4), "images: got x from 4 to 4; accepted is 0 to 3"),
        (torch.full((9, 2, 3), -1), "images: got x from -1"),
        (
            torch.zeros(9, 3, 2, dtype=torch.long),
            "images: got a tensor .*accepted is a tensor .N, 2, 3.",
        ),
        (torch.zeros(0, 2, 3, dtype=torch.long), "images: got a tensor .*N of at least 1"),
    ],
)
def test_words_that_cannot_be_are_refused_before_training(grids, message):
    with pytest.raises(ValueError, match=message):
        train.fit(
            CodePrior(4, (2, 3), width=4, heads=1, layers=1),
            data.Split(grids),
            epochs=1,
            progress=False,
        )


def test_samples_have_the_probabilities_they_should():
    made = prior(2, (1, 3))
    every = torch.tensor(list(itertools.product(range(2), repeat=3))).view(-1, 1, 3)
    torch.manual_seed(0)
    drawn = made.sample(20_000)
    assert drawn.shape == (20_000, 1, 3) and drawn.dtype == torch.long
    places = (drawn.flatten(1) * torch.tensor([4, 2, 1])).sum(1)
    share = torch.bincount(places, minlength=8) / 20_000
    p = made.log_prob(every).exp().detach()
    assert ((share - p).abs() < 5 * (p * (1 - p) / 20_000).sqrt() + 1e-6).all()


def test_a_temperature_of_one_half_squares_the_probabilities():
    made = prior(3, (1, 1))
    p = made.log_prob(torch.arange(3).view(3, 1, 1)).exp().square().detach()
    torch.manual_seed(0)
    drawn = made.sample(20_000, temperature=0.5)
    share = torch.bincount(drawn.flatten(), minlength=3) / 20_000
    p = p / p.sum()
    assert ((share - p).abs() < 5 * (p * (1 - p) / 20_000).sqrt() + 1e-6).all()


def test_it_learns_a_language_through_fit_and_reaches_its_entropy(tmp_path, monkeypatch):
    """Every word repeats the word before it with probability 0.9: the entropy is known."""
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path))
    generator = torch.Generator().manual_seed(0)
    line = torch.randint(4, (4000, 1), generator=generator)
    for _ in range(5):
        other = (line[:, -1:] + torch.randint(1, 4, (4000, 1), generator=generator)) % 4
        line = torch.cat(
            [
                line,
                torch.where(torch.rand(4000, 1, generator=generator) < 0.9, line[:, -1:], other),
            ],
            1,
        )
    grids = line.view(-1, 2, 3)
    entropy = math.log(4) + 5 * -(0.9 * math.log(0.9) + 0.1 * math.log(0.1 / 3))
    made = prior(4, (2, 3), wild=False, layers=1)
    train.fit(made, data.Split(grids[:3500]), epochs=8, lr=1e-2, progress=False)
    nats = evaluate.code_nats(made, grids[3500:])
    error = nats.std().item() / math.sqrt(500)
    assert abs(nats.mean().item() - entropy) < 4 * error + 0.1 and nats.mean() < 6 * math.log(4) - 2
    again = prior(4, (2, 3), wild=False, layers=1)
    assert train.fit(again, data.Split(grids[:3500]), epochs=8, lr=1e-2, progress=False).cached


def test_with_classes_each_label_has_a_distribution_and_without_a_label_it_is_their_mean():
    made = prior(3, (2, 2), classes=4).double()
    every = torch.tensor(list(itertools.product(range(3), repeat=4))).view(-1, 2, 2)
    with torch.no_grad():
        given = torch.stack([made.log_prob(every, torch.full((81,), y)).exp() for y in range(4)])
        assert given.sum(1).tolist() == pytest.approx([1] * 4, abs=1e-9)
        assert (given[0] - given[1]).abs().max() > 1e-3  # the label matters
        assert torch.allclose(made.log_prob(every).exp(), given.mean(0), atol=1e-12)
        nats = evaluate.code_nats(made, every, batch_size=7)
    assert torch.allclose(nats.exp().reciprocal(), given.mean(0), atol=1e-9)


def test_every_word_sees_the_label():
    made = prior(5, (2, 3), classes=3).double()
    line, labels = torch.randint(5, (1, 5)), torch.tensor([2])
    seen = []
    embedded = made.word.register_forward_hook(
        lambda module, _, out: seen.append(out.requires_grad_()) or out
    )
    logits = made(line, labels)
    embedded.remove()
    for i in range(6):
        (gradient,) = torch.autograd.grad(logits[0, i].square().sum(), seen, retain_graph=True)
        assert gradient[0, 0].abs().sum() > 0  # entry 0 of the line is the label


def test_it_learns_which_words_belong_to_which_label(tmp_path, monkeypatch):
    """Label 0 writes words 0 or 1, label 1 words 2 or 3, all evenly: 1 bit per word with the label, one more per grid without."""
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path))
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2000) % 2
    grids = torch.randint(2, (2000, 1, 3), generator=generator) + 2 * labels[:, None, None]
    made = prior(4, (1, 3), wild=False, layers=1, classes=2)
    train.fit(made, data.Split(grids, labels), epochs=6, lr=1e-2, progress=False)
    bits = evaluate.code_nats(made, grids) / math.log(2)
    with torch.no_grad():
        told = -made.log_prob(grids, labels) / math.log(2)
    assert told.mean().item() == pytest.approx(3, abs=0.1)
    assert bits.mean().item() == pytest.approx(4, abs=0.1)
    torch.manual_seed(0)
    asked = made.sample(200, labels[:200]) // 2 == labels[:200, None, None]
    assert asked.float().mean() > 0.98
    share = (made.sample(400) // 2).float().mean().item()  # without a label, each as often
    assert 0.4 < share < 0.6


def test_a_prior_with_classes_starts_uniform_and_trains_on_labels_only():
    made = prior(7, (3, 2), wild=False, classes=3)
    grids = torch.randint(7, (4, 3, 2))
    assert made.log_prob(grids).tolist() == pytest.approx([-6 * math.log(7)] * 4, rel=1e-6)
    with pytest.raises(ValueError, match="labels: got None; accepted is a label for each"):
        made.loss(grids)
    assert "labels" in made.accepts and "labels" not in prior().accepts


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: CodePrior(1, (2, 2)), "codes: got 1"),
        (lambda: CodePrior(4, (2, 2, 2)), "grid: got"),
        (lambda: CodePrior(4, (2, 2), width=10, heads=4), "width: got 10"),
        (lambda: prior().log_prob(torch.zeros(2, 3, 2, dtype=torch.long)), "indices: got"),
        (lambda: prior().log_prob(torch.zeros(2, 2, 2)), "indices: got"),
        (lambda: prior().sample(0), "n: got 0"),
        (lambda: prior().sample(1, temperature=0), "temperature: got 0"),
        (lambda: CodePrior(4, (2, 2), classes=1), "classes: got 1"),
        (lambda: prior().sample(2, torch.tensor([0, 1])), "labels: got .*without classes"),
        (lambda: prior().loss(GRIDS, torch.tensor([0, 1])), "labels: got .*without classes"),
        (lambda: prior(classes=3).sample(2, torch.tensor([0])), "labels: got .*tensor .2."),
        (lambda: prior(classes=3).log_prob(GRIDS, torch.tensor([0.0, 1])), "labels: got .*int64"),
        (lambda: prior(classes=3).log_prob(GRIDS, torch.tensor([0, 3])), "labels: got labels from"),
        (lambda: prior(classes=3).log_prob(GRIDS, torch.tensor([-1, 0])), "labels from -1 to 0"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()

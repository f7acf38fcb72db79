"""NaN and infinity are found, named and undone; an interrupt keeps what was trained."""

import pytest
import torch

from aecourse import models, nets, train

STEPS = 3  # 22 images in batches of 8


class Poisoned(models.VAE):
    """Infinite in one term from the step on where `poison` is 1."""

    term = "kl"

    def loss(self, x, poison=0.0):
        terms = super().loss(x)
        bad = 0.0 if poison < 1 else float("inf")
        terms[self.term] = terms[self.term] + bad
        if self.term != "loss":
            terms["loss"] = terms["loss"] + bad
        return terms


class BadGradient(models.VAE):
    """Its loss is finite, but the derivative of sqrt at zero is not."""

    def loss(self, x, poison=0.0):
        terms = super().loss(x)
        if poison >= 1:
            terms["loss"] = terms["loss"] + (self.decoder[0].weight * 0).sqrt().sum()
        return terms


def from_step(step, epochs=4):
    return {"poison": lambda t: float(t >= (step - 0.5) / (STEPS * epochs))}


def diverged(model, images, step, **options):
    with pytest.raises(train.Diverged) as caught:
        train.fit(
            model,
            images,
            epochs=4,
            batch_size=8,
            progress=False,
            weights=from_step(step),
            schedule="constant",
            **options,
        )
    return caught.value


def built(kind, images):
    torch.manual_seed(2)
    return kind(2, nets.mlp((6,)), shape=images.shape)


@pytest.mark.parametrize("step, epoch, place", [(0, 0, 0), (7, 2, 1), (11, 3, 2)])
def test_an_infinite_term_is_named_with_epoch_and_step_and_the_weights_are_those_before_the_epoch(
    images, weights, step, epoch, place
):
    model, twin = built(Poisoned, images), built(Poisoned, images)
    error = diverged(model, images, step)
    assert (
        f"epoch {epoch}, step {place} " in str(error)
        and "the term 'kl' is inf" in str(error)
        and "learning rate" in str(error)
    )
    assert error.history.epochs == epoch
    if epoch:
        train.fit(twin, images, epochs=epoch, batch_size=8, progress=False, schedule="constant")
    assert torch.equal(weights(model), weights(twin)) and not model.training
    assert all(p.grad is None for p in model.parameters())


def test_the_sum_is_blamed_only_where_every_part_is_finite(images):
    model = built(Poisoned, images)
    model.term = "loss"
    assert "the term 'loss' is inf" in str(diverged(model, images, 4))


@pytest.mark.parametrize("options", [{}, {"clip": 1.0}, {"ema": 0.9}], ids=str)
def test_a_gradient_that_is_not_finite_is_named_though_the_loss_is(images, weights, options):
    model = built(BadGradient, images)
    error = diverged(model, images, 5, **options)
    assert "epoch 1, step 2 " in str(error)
    assert (
        "the gradient of 'decoder.0.weight' is not finite, although every term of the loss is"
        in str(error)
    )
    assert torch.isfinite(weights(model)).all()


def test_a_rate_far_too_high_is_reported_not_returned(images):
    model = models.LinearAutoencoder(2, shape=images.shape)
    with pytest.raises(train.Diverged, match="learning rate that is too high"):
        train.fit(model, images, lr=1e30, schedule="constant", epochs=3, progress=False)


class StopAt:
    """A transform that is interrupted at a given batch, as by Ctrl-C."""

    def __init__(self, batch):
        self.left = batch

    def __call__(self, x):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return x


def test_an_interrupt_returns_what_was_trained_so_far(images, autoencoder, weights):
    model = autoencoder()
    history = train.fit(
        model,
        images,
        epochs=4,
        batch_size=8,
        schedule="constant",
        progress=False,
        transform=StopAt(7),
    )
    assert (
        history.interrupted
        and history.epochs == 2
        and len(history["loss"]) == 2
        and "interrupted" in repr(history)
    )
    order, adam, twin = torch.Generator().manual_seed(0), None, autoencoder()
    adam = torch.optim.Adam(twin.parameters(), lr=1e-3, fused=True)
    rows = [part for _ in range(3) for part in torch.randperm(22, generator=order).split(8)]
    for part in rows[:7]:
        twin.loss(images.train.x[part])["loss"].backward()
        adam.step()
        adam.zero_grad()
    assert torch.equal(weights(model), weights(twin)) and not model.training


def test_an_interrupt_in_the_first_epoch_is_no_error(images, autoencoder):
    history = train.fit(autoencoder(), images, progress=False, transform=StopAt(0), ema=0.9)
    assert history.interrupted and history.epochs == 0


def test_an_interrupt_keeps_the_best_weights_where_those_were_asked_for(images, autoencoder):
    model = autoencoder()
    history = train.fit(
        model,
        images,
        epochs=9,
        batch_size=8,
        progress=False,
        validation=images,
        keep="best",
        transform=StopAt(10),
    )
    assert history.interrupted and model.loss(images.test.x)["loss"].item() == pytest.approx(
        min(history["val_loss"]), rel=1e-6
    )


def test_an_interrupt_leaves_the_callers_random_numbers_alone(images, vae):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    train.fit(vae(), images, progress=False, transform=StopAt(2))
    assert torch.equal(torch.rand(1), expected)

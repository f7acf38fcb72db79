"""What fit computes, against computations by hand."""

import math
import random
import sys

import numpy as np
import pytest
import torch
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.data import DataLoader, TensorDataset

from aecourse import models, nets, train
from aecourse.data import Images, Split
from aecourse.train import loop


def by_hand(model, x, *, epochs, batch_size, lr, rate, seed, steps=math.inf):
    """The plain loop that fit promises to be."""
    order, total, done = torch.Generator().manual_seed(seed), epochs * -(-len(x) // batch_size), 0
    adam = torch.optim.Adam(model.parameters(), fused=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(epochs):
            for rows in torch.randperm(len(x), generator=order).split(batch_size):
                if done == steps:
                    return model
                adam.param_groups[0]["lr"] = lr * rate(done / total)
                model.loss(x[rows])["loss"].backward()
                adam.step()
                adam.zero_grad()
                done += 1
    return model


def fitted(model, images, **options):
    train.fit(
        model, images, progress=False, **{"epochs": 3, "batch_size": 8, "lr": 0.01, **options}
    )
    return model


@pytest.mark.parametrize("kind", ["autoencoder", "vae"])
@pytest.mark.parametrize("schedule", ["one_cycle", "constant", "cosine"])
def test_fit_is_the_plain_loop_bit_for_bit(kind, schedule, images, weights, request):
    build = request.getfixturevalue(kind)
    expected = by_hand(
        build(),
        images.train.x,
        epochs=3,
        batch_size=8,
        lr=0.01,
        rate=train.SCHEDULES[schedule](),
        seed=5,
    )
    assert torch.equal(
        weights(fitted(build(), images, schedule=schedule, seed=5)), weights(expected)
    )


def subnormal(adam) -> int:
    """How many first moments are too small for a normal float32, on which a processor is slow."""
    tiny = torch.finfo(torch.float32).tiny
    return sum(
        ((m != 0) & (m.abs() < tiny)).sum().item()
        for m in (s["exp_avg"] for s in adam.state.values())
    )


@pytest.mark.slow
def test_moments_of_gradients_that_ended_are_swept_away_and_the_weights_do_not_change(
    images, autoencoder, weights, monkeypatch
):
    """Five pixels are ink for sixty batches and then never again: the gradients of their weights end."""
    kept, left = [], [60]

    def fades(x):
        left[0] -= 1
        return x * torch.cat(
            [torch.full((1, 1, 1, 5), float(left[0] > 0)), torch.ones(1, 1, 3, 5)], dim=2
        )

    def run(**options):
        left[0] = 60
        handle = register_optimizer_step_post_hook(lambda adam, *_: kept.append(subnormal(adam)))
        try:
            return weights(
                fitted(
                    autoencoder(),
                    images,
                    epochs=500,
                    transform=fades,
                    schedule="constant",
                    **options,
                )
            )
        finally:
            handle.remove()

    swept = run()
    assert max(kept) == 0
    kept.clear()
    monkeypatch.setattr(loop.Run, "sweep", lambda run: None)
    assert (
        torch.equal(run(), swept) and max(kept) >= 5 * 6
    )  # the five pixels' weights into six units, without the sweep


def test_images_a_split_and_a_tensor_are_the_same_thing(images, vae, weights):
    one, two, three = (
        weights(fitted(vae(), kind)) for kind in (images, images.train, images.train.x)
    )
    assert torch.equal(one, two) and torch.equal(one, three)


def test_one_seed_one_result_and_another_seed_another(images, vae, weights):
    one, same, other = (weights(fitted(vae(), images, seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_the_callers_random_numbers_are_left_alone(images, vae):
    def draw():
        return torch.rand(1).item(), random.random(), np.random.rand()

    def start():
        torch.manual_seed(11), random.seed(11), np.random.seed(11)

    start()
    expected = draw()
    loader = DataLoader(TensorDataset(images.train.x), batch_size=8, shuffle=True)
    for given in (images, loader):
        start()
        fitted(
            vae(),
            given,
            validation=loader,
            transform=lambda x: x * random.random() * np.random.rand(),
        )
        assert draw() == expected


def test_the_order_of_images_does_not_depend_on_the_models_noise(images):
    def seen(model):
        order = []
        fitted(model, images, transform=lambda x: order.extend(x[:, 0, 0, 0].tolist()) or x)
        return order

    shape = images.shape
    assert seen(models.Autoencoder(2, nets.mlp((3,)), shape=shape)) == seen(
        models.VAE(3, nets.mlp((5,)), shape=shape)
    )


def test_every_image_is_seen_once_an_epoch_in_a_fresh_order(images, autoencoder):
    batches = []
    fitted(
        autoencoder(),
        images,
        epochs=2,
        transform=lambda x: batches.append(x[:, 0, 0, 0].tolist()) or x,
    )
    assert [len(batch) for batch in batches] == [8, 8, 6] * 2
    first, second = sum(batches[:3], []), sum(batches[3:], [])
    assert (
        sorted(first) == sorted(second) == sorted(images.train.x[:, 0, 0, 0].tolist())
        and first != second
    )


def gradient_norms(model, images, **options):
    """The norm of the gradient that the optimiser was given, at every step."""
    norms = []

    def note(optimizer, *_):
        norms.append(
            torch.cat([p.grad.flatten() for p in optimizer.param_groups[0]["params"]]).norm().item()
        )

    hook = register_optimizer_step_pre_hook(note)
    try:
        fitted(model, images, **options)
    finally:
        hook.remove()
    return norms


def test_clip_bounds_the_gradient_that_the_optimiser_sees(images, autoencoder):
    free, clipped = (
        gradient_norms(autoencoder(), images),
        gradient_norms(autoencoder(), images, clip=0.1),
    )
    assert min(free) > 0.2
    assert clipped == pytest.approx([0.1] * len(free), rel=1e-4)
    assert gradient_norms(autoencoder(), images, clip=1e6) == free


def test_the_moving_average_is_the_one_computed_by_hand(images, autoencoder, weights):
    model, trail = autoencoder(), []
    average = weights(model)
    hook = register_optimizer_step_post_hook(lambda *_: trail.append(weights(model)))
    try:
        fitted(model, images, ema=0.8)
    finally:
        hook.remove()
    for n, now in enumerate(trail, start=1):
        decay = min(0.8, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * now
    assert len(trail) == 9
    torch.testing.assert_close(weights(model), average)
    assert not torch.allclose(weights(model), trail[-1])
    assert all(not p.grad_fn and p.grad is None for p in model.parameters())


def test_what_is_validated_is_what_is_kept(images, autoencoder):
    for options in ({}, {"ema": 0.9}, {"ema": 0.9, "keep": "best"}):
        model = autoencoder()
        history = train.fit(
            model,
            images,
            epochs=3,
            batch_size=8,
            lr=0.01,
            progress=False,
            validation=images,
            **options,
        )
        at = -1 if history.best_epoch is None else history.best_epoch
        assert model.loss(images.test.x)["loss"].item() == pytest.approx(
            history["val_loss"][at], rel=1e-6
        )


class Weighted(models.Autoencoder):
    """Notes the weight that its loss is given."""

    def loss(self, x, gamma=1.0):
        self.given = [*getattr(self, "given", []), gamma]
        return {"loss": gamma * super().loss(x)["loss"]}


def test_a_schedule_of_a_loss_weight_reaches_the_loss(images):
    model = fitted(
        Weighted(2, nets.mlp(()), shape=images.shape),
        images,
        weights={"gamma": train.warmup(0.5, to=3)},
    )
    assert model.given == pytest.approx([3 * min(1, k / 9 / 0.5) for k in range(9)])


def test_beta_of_zero_trains_without_the_kl_term(images, vae, weights):
    assert torch.equal(
        weights(fitted(vae(), images, weights={"beta": 0.0})),
        weights(fitted(vae(beta=0.0), images)),
    )
    assert not torch.equal(
        weights(fitted(vae(), images, weights={"beta": 0.0})), weights(fitted(vae(), images))
    )


class Labelled(models.Autoencoder):
    """Notes the label that comes with each image."""

    def loss(self, x, labels):
        self.seen = {
            **getattr(self, "seen", {}),
            **dict(zip(x[:, 0, 0, 0].tolist(), labels.tolist())),
        }
        return super().loss(x)


@pytest.mark.parametrize("as_loader", [False, True])
def test_each_image_comes_with_its_own_label_where_the_loss_asks(images, as_loader):
    x, labels = images.train.x, images.train.labels
    given = (
        DataLoader(TensorDataset(x, labels), batch_size=8, shuffle=True) if as_loader else images
    )
    model = fitted(Labelled(2, nets.mlp(()), shape=images.shape), given, validation=images)
    truth = dict(
        zip(
            torch.cat([x, images.test.x])[:, 0, 0, 0].tolist(),
            [*labels.tolist(), *images.test.labels.tolist()],
        )
    )
    assert model.seen == truth


def test_the_transform_is_applied_to_training_and_not_to_validation(images, autoencoder, weights):
    model = autoencoder()
    history = train.fit(
        model, images, transform=torch.zeros_like, validation=images, epochs=2, progress=False
    )
    nothing = autoencoder()
    zeros = Images("zeros", Split(torch.zeros_like(images.train.x)), images.test)
    expected = train.fit(nothing, zeros, validation=images, epochs=2, progress=False)
    assert torch.equal(weights(model), weights(nothing))
    assert history["loss"] == expected["loss"] and history["val_loss"] == expected["val_loss"]


class MeanPixel(models.Autoencoder):
    """Its loss is known without training: the mean pixel of the batch."""

    def loss(self, x):
        return {
            "loss": x.mean() + 0 * sum(p.sum() for p in self.parameters()),
            "twice": 2 * x.mean(),
        }


def test_means_over_an_epoch_count_images_not_batches(images):
    model = MeanPixel(2, nets.mlp(()), shape=images.shape)
    history = train.fit(model, images, epochs=2, batch_size=8, progress=False, validation=images)
    assert history["loss"] == pytest.approx([images.train.x.mean().item()] * 2, rel=1e-6)
    assert history["twice"] == pytest.approx([2 * images.train.x.mean().item()] * 2, rel=1e-6)
    assert history["val_loss"] == pytest.approx([images.test.x.mean().item()] * 2, rel=1e-6)
    assert (
        history.epochs == len(history.seconds) == 2
        and "val_twice" in history
        and "other" not in history
    )


def test_keep_best_keeps_the_weights_of_the_best_epoch(images, autoencoder, weights):
    def there_and_back(t):  # a negative rate climbs
        return 1.0 if t < 0.6 else -3.0

    options = dict(epochs=5, batch_size=8, lr=0.02, schedule=there_and_back, progress=False)
    best, last = autoencoder(), autoencoder()
    history = train.fit(best, images, validation=images.train, keep="best", **options)
    train.fit(last, images, **options)
    expected = by_hand(
        autoencoder(),
        images.train.x,
        epochs=5,
        batch_size=8,
        lr=0.02,
        rate=there_and_back,
        seed=0,
        steps=9,
    )
    assert history.best_epoch == 2 == history["val_loss"].index(min(history["val_loss"]))
    assert torch.equal(weights(best), weights(expected)) and not torch.equal(
        weights(best), weights(last)
    )


def test_validation_draws_the_same_noise_every_time(images, vae):
    history = train.fit(vae(), images, epochs=3, lr=1e-30, validation=images, progress=False)
    assert len(set(history["val_loss"])) == 1 and len(set(history["loss"])) == 3


def test_a_model_is_trained_in_training_mode_and_left_in_evaluation_mode(images):
    torch.manual_seed(0)
    model = models.Autoencoder(2, nets.conv((2,), batch_norm=True), shape=images.shape)
    modes = []
    fitted(
        model.eval(),
        images,
        transform=lambda x: modes.append(model.training) or x,
        validation=images,
    )
    assert set(modes) == {True} and not model.training


def test_a_frozen_part_stays_as_it_is(images, autoencoder):
    model = autoencoder()
    before = model.decoder[0].weight.clone()
    model.decoder.requires_grad_(False)
    fitted(model, images, ema=0.5)
    assert torch.equal(model.decoder[0].weight, before) and not torch.equal(
        model.encoder[1].weight, autoencoder().encoder[1].weight
    )


def test_bfloat16_trains_to_nearly_the_same_loss(images, autoencoder):
    exact, rough = (
        train.fit(autoencoder(), images, epochs=5, precision=p, progress=False)["loss"][-1]
        for p in ("float32", "bf16")
    )
    assert rough == pytest.approx(exact, rel=0.02) and rough != exact


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("with_labels", [False, True])
def test_a_data_loader_takes_the_place_of_images(
    images, autoencoder, weights, workers, with_labels
):
    x = images.train.x
    loader = DataLoader(
        TensorDataset(x, images.train.labels) if with_labels else list(x),
        batch_size=8,
        num_workers=workers,
    )
    model, expected, rate = autoencoder(), autoencoder(), train.one_cycle()
    adam = torch.optim.Adam(expected.parameters(), fused=True)
    for step, part in enumerate(x.split(8) * 2):  # unshuffled: the images as they lie, twice
        adam.param_groups[0]["lr"] = 0.01 * rate(step / 6)
        expected.loss(part)["loss"].backward()
        adam.step()
        adam.zero_grad()
    history = train.fit(model, loader, epochs=2, lr=0.01, progress=False, validation=loader)
    assert torch.equal(weights(model), weights(expected))
    assert history["val_loss"][-1] == pytest.approx(model.loss(x)["loss"].item(), rel=1e-6)


def test_a_shuffling_data_loader_gives_the_same_run_twice(images, vae, weights):
    def loader():
        return DataLoader(TensorDataset(images.train.x), batch_size=8, shuffle=True)

    assert torch.equal(weights(fitted(vae(), loader())), weights(fitted(vae(), loader())))


def test_the_bar_says_epoch_and_loss_or_nothing_at_all(images, autoencoder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    history = train.fit(autoencoder(), images, epochs=2)
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown and f"loss {history['loss'][-1]:.2f}" in shown
    train.fit(autoencoder(), images, epochs=2, progress=False)
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_history_says_what_it_knows(images, vae):
    history = train.fit(vae(), images, epochs=2, progress=False)
    assert f"loss {history['loss'][-1]:.2f}" in repr(history) and "2 epochs" in repr(history)
    assert history["loss"][-1] == pytest.approx(
        history["reconstruction"][-1] + history["kl"][-1], rel=1e-6
    )
    assert (
        repr(train.History()) == "History(no epochs)"
        and not history.interrupted
        and not history.cached
    )
    with pytest.raises(KeyError, match="got 'los'.*'kl'"):
        history["los"]
    assert "loss" in history.plot().description

"""Figures of the literature, measured again with this course's code: likelihood of a VAE, error of a deep autoencoder.

    python benchmarks/published.py [--quick] [--results FOLDER]

Needs MNIST under AECOURSE_DATA, since the published figures are about MNIST; takes about fifteen minutes on two cores.
"""

from __future__ import annotations

import math
import sys

import _measure
import torch
from _measure import say

from aecourse import data, evaluate, exact, models, nets, train


def vae_likelihood(images, *, epochs: int, samples: int) -> list[dict]:
    """-log p(x) of a VAE 784-512-512-40 on dynamically binarised pixels, by importance sampling on every test image."""
    say(f"   VAE 784-512-512-40, {epochs} epochs")
    torch.manual_seed(0)
    model = models.VAE(40, nets.mlp((512, 512), "gelu"))
    seconds = _measure.timed(
        lambda: train.fit(
            model,
            images,
            epochs=epochs,
            batch_size=256,
            lr=2e-3,
            transform=data.binarize,
            cache=False,
            progress=False,
        )
    )
    say("   its likelihood")
    torch.manual_seed(1)
    nats = -evaluate.log_likelihood(model, data.binarize(images.test.x), samples=samples)
    return [
        {
            "what": f"VAE 784-512-512-40, {epochs} epochs: -log p(x), dynamic binarisation, {samples} importance samples",
            "unit": "nats per image",
            "figure": nats.mean().item(),
            "standard_error": nats.std().item() / math.sqrt(len(nats)),
            "seconds": seconds,
            "bound": 94.0,
            "published": "86.76 for 784-200-200-50 after 3,280 epochs, 5,000 samples (Burda, Grosse & Salakhutdinov 2016)",
        }
    ]


def deep_autoencoder(images, *, epochs: int) -> list[dict]:
    """Squared error per test image of 784-1000-500-250-30, and of as many principal components."""
    say(f"   autoencoder 784-1000-500-250-30, {epochs} epochs")
    torch.manual_seed(0)
    model = models.Autoencoder(30, nets.mlp((1000, 500, 250), "gelu"))
    seconds = _measure.timed(
        lambda: train.fit(
            model, images, epochs=epochs, batch_size=256, lr=1e-3, cache=False, progress=False
        )
    )
    errors, x = evaluate.squared_error(model, images.test.x), images.test.x.flatten(1)
    mean, directions = exact.pca(images.train.x, 30)
    pca = ((x - mean) - (x - mean) @ directions @ directions.T).square().sum(1)
    return [
        {
            "what": f"Autoencoder 784-1000-500-250-30, {epochs} epochs: squared error per test image",
            "unit": "",
            "figure": errors.mean().item(),
            "standard_error": errors.std().item() / math.sqrt(len(errors)),
            "seconds": seconds,
            "bound": 3.0,
            "published": "3.00 (Hinton & Salakhutdinov 2006)",
        },
        {
            "what": "30 principal components: squared error per test image",
            "unit": "",
            "figure": pca.mean().item(),
            "standard_error": pca.std().item() / math.sqrt(len(pca)),
            "seconds": None,
            "bound": None,
            "published": "13.87 (Hinton & Salakhutdinov 2006)",
        },
    ]


def main() -> None:
    options = _measure.arguments(__doc__.splitlines()[0])
    name = "digits" if options.quick else _measure.data_name()
    if name != "mnist" and not options.quick:
        say(
            f"   MNIST is not under {data.folder()}: nothing to compare (data.load('mnist') fetches it)"
        )
        return
    images = data.load(name)
    if options.quick:
        images = data.Images(name, images.train[:512], images.test[:20])
    rows = vae_likelihood(
        images, epochs=1 if options.quick else 20, samples=5 if options.quick else 200
    ) + deep_autoencoder(images, epochs=1 if options.quick else 40)
    for row in rows:
        row["holds"] = None if row["bound"] is None else row["figure"] <= row["bound"]
        say(f"   {row['what']}: {row['figure']:.2f} (published: {row['published']})")
    _measure.write(
        options.results,
        "published",
        {**_measure.conditions(), "quick": options.quick, "data": name, "rows": rows},
    )


if __name__ == "__main__":
    sys.exit(main())

"""Exercises of lesson 8."""

from __future__ import annotations

import torch

from aecourse.check.core import Mistake, exercise


def aggregated_posterior_error(image: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The squared error of each image: [B, D], [B, D] -> [B]."""
    return (image - x).square().sum(dim=1)


exercise(
    aggregated_posterior_error,
    cases=lambda generator: [
        tuple(torch.randn(2, b, d, generator=generator)) for b, d in ((5, 3), (2, 7))
    ],
    hard=lambda generator: {"one image": tuple(torch.randn(2, 1, 4, generator=generator))},
    mistakes=[
        Mistake(
            "the mean over pixels",
            lambda image, x: (image - x).square().mean(1),
            "that is the mean over pixels: add them up.",
        ),
        Mistake(
            "no square",
            lambda image, x: (image - x).abs().sum(1),
            "that is the absolute error: square the differences.",
        ),
        Mistake(
            "over the images",
            lambda image, x: (image - x).square().sum(1).mean(),
            "that is one number for all images: keep one for each.",
        ),
    ],
    also_right={
        "by a loop": lambda image, x: torch.stack([(a - b) @ (a - b) for a, b in zip(image, x)])
    },
    praise="one figure per image, and gradients flow through it.",
)

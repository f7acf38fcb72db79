"""Draws the picture at the top of the README from models trained here and now: python book/picture.py

One image through the course's first question (what survives a narrow code), the plane of a two-number VAE with its
held-out codes, and what the decoder makes of that plane.
"""

from pathlib import Path

import matplotlib
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aecourse import data, evaluate, models, nets, plots, train

SIZES = (2, 8, 32)


def trained():
    """The digits, three autoencoders and a VAE with two latents."""
    images = data.load("digits")
    autoencoders = {}
    for k in SIZES:
        torch.manual_seed(0)
        autoencoders[k] = models.Autoencoder(k, nets.mlp((256, 128)))
        train.fit(autoencoders[k], images, epochs=15, lr=4e-3, progress=False)
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp((256, 128), "gelu"))
    train.fit(vae, images, epochs=30, lr=2e-3, transform=data.binarize, progress=False)
    return images, autoencoders, vae


def strips(ax, images, autoencoders):
    """One of each digit, and what comes back through 2, 8 and 32 numbers."""
    chosen = torch.stack(
        [images.test.x[(images.test.labels == d).nonzero()[1, 0]] for d in range(10)]
    )
    lines = [chosen] + [evaluate.reconstruct(autoencoders[k], chosen) for k in SIZES]
    ax.imshow(
        1 - torch.cat([torch.cat(list(line[:, 0]), 1) for line in lines]),
        cmap="gray",
        vmin=0,
        vmax=1,
    )
    ax.set_yticks(
        [14 + 28 * i for i in range(4)], ["784 numbers", *(f"{k} numbers" for k in SIZES)]
    )
    ax.set_title("What survives a narrow code?")


def plane(ax, images, vae):
    """Held-out digits in the plane of two latents."""
    codes = evaluate.codes(vae, images.test.x)
    for digit in range(10):
        ax.scatter(
            *codes[images.test.labels == digit].T,
            s=14,
            color=plots.DIGITS[digit],
            label=digit,
            linewidths=0,
        )
    ax.set(
        aspect="equal",
        xlim=(-3, 3),
        ylim=(-3, 3),
        xticks=range(-3, 4),
        yticks=range(-3, 4),
        xlabel="z₁",
        ylabel="z₂",
    )
    ax.set_title("Unseen digits as two numbers")


@torch.no_grad()
def manifold(ax, vae, n=15):
    """The decoder's answer to a grid of codes over the same plane."""
    side = torch.linspace(-2.8, 2.8, n)
    z = torch.cartesian_prod(side.flip(0), side)[:, [1, 0]]
    drawn = vae.pixels(vae.decode(z)).view(n, n, 28, 28)
    ax.imshow(1 - drawn.permute(0, 2, 1, 3).reshape(28 * n, 28 * n), cmap="gray", vmin=0, vmax=1)
    ax.set_yticks([])
    ax.set_title("The same plane, decoded")


def main():
    images, autoencoders, vae = trained()
    style = {
        **plots.STYLE,
        **{k: "#1d2733" for k, v in plots.STYLE.items() if v == plots.INK},
        "axes.titlesize": 12.5,
        "font.size": 11,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "axes.titlepad": 9,
    }
    with matplotlib.rc_context(style):  # pyright: ignore[reportArgumentType]
        fig = Figure(figsize=(15, 4.1), layout="constrained")
        FigureCanvasAgg(fig)
        left, middle, right = fig.subplots(1, 3, width_ratios=(2.05, 1, 1))
        strips(left, images, autoencoders)
        plane(middle, images, vae)
        manifold(right, vae)
        for ax in (left, right):
            ax.set_xticks([])
            ax.tick_params(length=0)
            ax.grid(False)
            for spine in ax.spines.values():
                spine.set_visible(False)
        target = Path(__file__).parent / "_static" / "course.png"
        fig.savefig(target, dpi=110)
        print(
            f"drew {target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target.name}"
        )


if __name__ == "__main__":
    main()

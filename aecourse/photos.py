"""Crops and patches of two photographs that scikit-learn brings along, cut from regions that never overlap.

china.jpg and flower.jpg are 427 x 640 pixels in colour (`sklearn.datasets.load_sample_images`; no network is needed). Each
picture is divided into five upright strips, the same in both: three to train on, one for validation, one to test on. The
strips begin at multiples of 16 pixels, so that no block of the JPEG coding, 16 x 16 at most, reaches from one into another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import require, seeds
from aecourse.data import Images, Split, standard

NAMES = ("china", "flower")
# Columns [from, to) of each strip, in pixels.
STRIPS = {
    "train": ((0, 160), (240, 400), (480, 640)),
    "validation": ((160, 240),),
    "test": ((400, 480),),
}
GREY = (0.299, 0.587, 0.114)  # luminance of red, green and blue (Rec. 601, as in JPEG itself)


@dataclass(frozen=True, repr=False)
class Photos(Images):
    """A data set of photographs: beside `train` and `test` a part to choose settings on, `validation`.

    In each part, `labels` says which picture an image was cut from (0 china, 1 flower) and `place`, int64 [N, 2], where its
    upper left corner lies: row and column in pixels.
    """

    validation: Split | None = None


@dataclass(frozen=True, repr=False)
class Patches(Photos):
    """Grey patches, and the linear map that whitened them.

    mean       float32 [D], D = size * size: what is subtracted from a patch scaled in contrast
    whitening  float32 [D, D], symmetric: what it is then multiplied by; the identity where patches are not whitened
    """

    mean: Tensor | None = None
    whitening: Tensor | None = None


@standard()
def pictures() -> Tensor:
    """The two photographs: float32 [2, 3, 427, 640] in [0, 1]."""
    from sklearn.datasets import load_sample_images

    both = np.stack(load_sample_images().images)
    return torch.from_numpy(both).permute(0, 3, 1, 2).float() / 255


@standard()
def photos(train_size: int = 8_000, held_out: int = 1_000, size: int = 32, seed: int = 0) -> Photos:
    """Colour crops [N, 3, size, size] in [0, 1] at random places of the two photographs.

    train_size  how many training crops
    held_out    how many crops for validation, and how many to test on
    size        their side in pixels, at most 80, the width of the held-out strips
    seed        where they are cut; the same crops at every call, whatever `AECOURSE_SEED` is
    """
    size = _fitting(size)
    x, cut = pictures(), {}
    with seeds.fixed():
        for part, n in _counts(train_size, held_out).items():
            which, place = _places(x, part, n, size, _generator(part, seed))
            cut[part] = Split(_cut(x, which, place, size), which, place=place)
    return Photos("photos", cut["train"], cut["test"], validation=cut["validation"])


@standard()
def patches(
    size: int = 12,
    n: int = 20_000,
    seed: int = 0,
    *,
    held_out: int = 2_000,
    contrast: float = 0.06,
    equal_contrast: bool = False,
    whiten: bool = True,
    damping: float = 1.0,
) -> Patches:
    """Grey patches [N, 1, size, size] of the two photographs at half their size, scaled in contrast and whitened.

    1. Grey is 0.299 red + 0.587 green + 0.114 blue. Each pixel is the mean of 2 x 2 pixels of the photograph, in which the
       grain of camera and JPEG coding averages out. A patch whose standard deviation is below `contrast` is passed over: it
       is sky or blurred background.
    2. Contrast: each patch loses its own mean. All are divided by one number, the root mean square of the training
       patches; with `equal_contrast` each is divided by its own instead, so that faint texture counts as much as an edge.
    3. Whitening (ZCA): with the mean m and the covariance U diag(s) U^T of the *training* patches, p becomes
       U diag((s + damping)^(-1/2)) U^T (p - m). Neighbouring pixels are then hardly correlated. Directions with a variance
       far below `damping` are damped; these are the finest patterns, mostly noise.

    size            side in pixels, at most 40, the width of the held-out strips at half size
    n               how many training patches
    seed            where they are cut; the same at every call, whatever `AECOURSE_SEED` is
    held_out        how many for validation, and how many to test on
    contrast        the least standard deviation of a patch, in grey levels of 0 to 1; accepted is 0 to 0.1
    equal_contrast  whether every patch is brought to the same contrast
    whiten          False leaves out the third step
    damping         in variance per direction; the average over directions is 1

    `place` counts pixels of the halved pictures. Source: Bell & Sejnowski 1997 (ZCA); Coates, Ng & Lee 2011 (contrast first).
    """
    size = _fitting(size, halved=True)
    contrast = require.number("contrast", contrast, low=0, high=0.1)
    damping = require.number("damping", damping, low=0, above=True)
    grey = (pictures() * torch.tensor(GREY)[:, None, None]).sum(1, keepdim=True)
    grey = F.avg_pool2d(grey, 2)  # [2, 1, 213, 320]
    rows, where = {}, {}
    with seeds.fixed():
        for part, count in _counts(n, held_out, "n").items():
            cut, which, place = _textured(grey, part, count, size, contrast, _generator(part, seed))
            rows[part] = cut - cut.mean(1, keepdim=True)
            where[part] = which, place
    common = rows["train"].square().mean().sqrt()
    for part, x in rows.items():
        own = x.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
        rows[part] = x / (own if equal_contrast else common)
    mean, whitening = torch.zeros(size * size), torch.eye(size * size)
    if whiten:
        mean = rows["train"].mean(0)
        variances, directions = torch.linalg.eigh(torch.cov(rows["train"].T))
        gain = (variances.clamp_min(0) + damping).rsqrt()
        whitening = directions * gain @ directions.T
    parts = {
        part: Split(
            ((x - mean) @ whitening).view(-1, 1, size, size), where[part][0], place=where[part][1]
        )
        for part, x in rows.items()
    }
    return Patches(
        "patches",
        parts["train"],
        parts["test"],
        validation=parts["validation"],
        mean=mean,
        whitening=whitening,
    )


def _fitting(size: int, halved: bool = False) -> int:
    narrowest = min(right - left for strips in STRIPS.values() for left, right in strips)
    narrowest //= 1 + halved
    if require.integer("size", size) > narrowest:
        raise ValueError(f"size: got {size}; accepted is 1 to {narrowest}, the narrowest strip")
    return int(size)


def _counts(train_size: int, held_out: int, name: str = "train_size") -> dict[str, int]:
    held_out = require.integer("held_out", held_out)
    return {"train": require.integer(name, train_size), "validation": held_out, "test": held_out}


def _generator(part: str, seed: int) -> torch.Generator:
    """Each part draws from a stream of its own, so that the size of one does not move the others."""
    seed = require.integer("seed", seed, low=0)
    return torch.Generator().manual_seed(len(STRIPS) * seed + list(STRIPS).index(part))


def _places(
    x: Tensor, part: str, n: int, size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Which picture [n], and the upper left corner (row, column) [n, 2] of a square of x inside one strip of `part`."""
    shrunk = 640 // x.shape[3]
    which = torch.randint(len(NAMES), (n,), generator=generator)
    row = torch.randint(x.shape[2] - size + 1, (n,), generator=generator)
    columns = torch.cat(
        [torch.arange(left // shrunk, right // shrunk - size + 1) for left, right in STRIPS[part]]
    )
    column = columns[torch.randint(len(columns), (n,), generator=generator)]
    return which, torch.stack([row, column], 1)


def _cut(x: Tensor, which: Tensor, place: Tensor, size: int) -> Tensor:
    """The squares of x [2, C, H, W] at those places: [n, C, size, size]."""
    windows = x.unfold(2, size, 1).unfold(3, size, 1)  # a view [2, C, rows, columns, size, size]
    return windows[which, :, place[:, 0], place[:, 1]].contiguous()


def _textured(grey: Tensor, part: str, n: int, size: int, contrast: float, generator):
    """n patches [n, size * size] with a standard deviation of at least `contrast`, with their pictures and places."""
    found, count = [], 0
    while count < n:
        which, place = _places(grey, part, 2 * n, size, generator)
        cut = _cut(grey, which, place, size).flatten(1)
        kept = cut.std(1, correction=0) >= contrast
        found.append((cut[kept], which[kept], place[kept]))
        count += int(kept.sum())
    return tuple(torch.cat(column)[:n] for column in zip(*found))

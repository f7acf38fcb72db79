"""Images as two tensors and their labels: digits embedded, shapes drawn, the others by torchvision's own download."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import require, seeds

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MNIST_MD5 = dict(
    zip(
        IDX_FILES,
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    )
)


class DataError(RuntimeError):
    """The images asked for could not be had; the message says what to do about it."""


class Split:
    """One part of a data set: named columns of one length, of which a model's loss receives those that its signature names.

    x        float32 [N, C, H, W] in [0, 1]; or whatever rows [N, ...] a model takes
    labels   int64 [N], or None
    source   int64 [N], the original that each image was made from where images were augmented, otherwise None
    factors  int64 [N, F], which value each known factor has in each image (see `Images.factor_values`), otherwise None
    more     further columns by name, e.g. mask=...; each is an attribute, too

    Raises ValueError for columns of another length than x, and for a name that is none.
    """

    def __init__(self, x, labels=None, source=None, factors=None, **more):
        columns = {"x": x, "labels": labels, "source": source, "factors": factors, **more}
        self.columns = {name: column for name, column in columns.items() if column is not None}
        for name, column in self.columns.items():
            if (
                isinstance(x, Tensor)
                and isinstance(column, Tensor)
                and (column.dim() == 0 or x.dim() and len(column) != len(x))
            ):
                raise ValueError(
                    f"{name}: got {require.described(column)} beside x of shape {list(x.shape)}; accepted is one entry for each "
                    "of x along the first dimension"
                )
            if name in ("columns", "__init__"):
                raise ValueError(
                    f"{name}: this name is taken; accepted is another name for the column"
                )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "columns":
            raise AttributeError(name)
        if name in self.columns or name in ("labels", "source", "factors"):
            return self.columns.get(name)
        raise AttributeError(f"this Split has no column {name!r}; it has {', '.join(self.columns)}")

    def __len__(self) -> int:
        return len(self.x)  # pyright: ignore[reportArgumentType]

    def __getitem__(self, rows) -> Split:
        """The entries at `rows` (a slice, a mask or indices), in every column."""
        if isinstance(rows, (int, np.integer)) or isinstance(rows, Tensor) and not rows.dim():
            raise TypeError(
                f"rows: got {require.described(rows)}; accepted is a slice, a mask or indices: [{int(rows)}:{int(rows) + 1}] "
                "is the part with this one entry"
            )
        return Split(**{name: column[rows] for name, column in self.columns.items()})

    def __repr__(self) -> str:
        return (
            "Split("
            + ", ".join(
                f"{name} {list(getattr(column, 'shape', ()))}"
                for name, column in self.columns.items()
            )
            + ")"
        )


@dataclass(frozen=True)
class Images:
    """A data set: its name, the part to train on and the part held out.

    factor_values: what the columns of `Split.factors` stand for, name -> the values that its indices count; empty where
    factors are not known.
    """

    name: str
    train: Split
    test: Split
    factor_values: dict[str, tuple] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of one image."""
        return tuple(self.train.x.shape[1:])  # pyright: ignore[reportOptionalMemberAccess]

    @property
    def factor_names(self) -> tuple[str, ...]:
        """The known factors of an image, in the order of the columns of `Split.factors`."""
        return tuple(self.factor_values)

    @property
    def factor_sizes(self) -> tuple[int, ...]:
        """How many values each of them has."""
        return tuple(map(len, self.factor_values.values()))

    def subset(self, n: int) -> Images:
        """The same data set with the first `n` training images only."""
        return replace(self, train=self.train[: require.integer("n", n)])

    def __repr__(self) -> str:
        return f"Images({self.name!r}, train {list(self.train.x.shape)}, test {list(self.test.x.shape)})"  # pyright: ignore[reportOptionalMemberAccess]


def load(name: str | None = None, *, default: str = "digits") -> Images:
    """The data set `name`: "digits" (embedded), "shapes" (drawn), "photos" (embedded), "mnist" or "fashion" (downloaded into `AECOURSE_DATA`).

    Without a name, the environment variable `AECOURSE_DATASET` decides, and where it is not set, `default`. The
    notebooks call `load()`, so that they run unchanged on other images.

    digits: 20,000 training images [1, 28, 28] made from 1,437 of scikit-learn's handwritten digits and 360 held-out
    ones; the same bytes at every call. shapes: 18,000 and 2,736 pictures drawn from five known factors. photos: 8,000
    and 1,000 colour crops [3, 32, 32] of two photographs, and 1,000 for validation. mnist and fashion: 60,000 and 10,000.

    Raises ValueError for an unknown name, and DataError where the files cannot be downloaded, are truncated or are
    corrupted; a failed download leaves nothing behind.
    """
    asked = name if name is not None else os.environ.get("AECOURSE_DATASET") or default
    argument = (
        "name"
        if name is not None
        else "AECOURSE_DATASET"
        if os.environ.get("AECOURSE_DATASET")
        else "default"
    )
    require.choice(argument, asked, _LOADERS)
    with seeds.fixed():
        return _LOADERS[asked]()


@contextmanager
def standard():
    """PyTorch's own default dtype, device and precision inside, for what must not depend on the user's: data sets, measures."""
    before, precision = torch.get_default_dtype(), _matmul_precision()
    try:
        torch.set_default_dtype(torch.float32)
        if precision != "highest":
            torch.set_float32_matmul_precision("highest")
        with (
            nullcontext() if torch.empty(0).device.type == "cpu" else torch.device("cpu"),
            torch.autocast("cpu", enabled=False),
            torch.autocast("cuda", enabled=False),
        ):
            yield
    finally:
        torch.set_default_dtype(before)
        if precision != "highest":
            torch.set_float32_matmul_precision(precision)


def _matmul_precision() -> str:
    """The user's precision of matrix products; "highest" where it was set by torch's newer switches, which are left alone."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "highest"


def binarize(x: Tensor) -> Tensor:
    """Every pixel drawn anew as 0 or 1 with its grey value as the probability of a 1 (dynamic binarisation).

    Source: Salakhutdinov & Murray 2008; the protocol of Burda, Grosse & Salakhutdinov 2016 draws at every visit.
    """
    return (torch.rand_like(x) < x).to(x.dtype)


def _in_tiles(x: Tensor, *, tile: int, **_) -> None:
    """Raises ValueError where x are no images [N, C, H, W] that can be cut into tiles."""
    images = isinstance(x, Tensor) and x.dim() == 4 and x.is_floating_point()
    if not images or any(side % tile for side in x.shape[2:]):
        raise ValueError(
            f"x: got {require.described(x)}; accepted is a floating-point tensor [N, C, H, W] "
            f"with H and W multiples of tile, {tile}"
        )


@require.checked(_in_tiles, tile=require.integer)
def torn_apart(x: Tensor, *, tile: int = 4, within: bool = False, seed: int = 0) -> Tensor:
    """Images cut into tiles and put together wrongly: x [N, C, H, W] -> [N, C, H, W].

    tile    the side of a tile in pixels; it divides H and W
    within  True: the tiles of an image are put together in random order. False: each tile keeps its
            place and is exchanged for the tile that stands there in another of the images
    seed    of the order

    All pieces are right, and they do not belong together: debris, from which a judge of samples can learn.
    """
    tiles = F.unfold(x, tile, stride=tile)  # [N, C * tile * tile, places]
    generator, dim = torch.Generator().manual_seed(seed), 2 if within else 0
    order = torch.rand(len(x), 1, tiles.shape[2], generator=generator).argsort(dim)
    moved = tiles.gather(dim, order.expand_as(tiles))
    return F.fold(moved, x.shape[2:], tile, stride=tile)


def folder() -> Path:
    """Where downloaded images are kept: `AECOURSE_DATA`, or the user's cache folder. DataError for an unknown ~name."""
    asked = os.environ.get("AECOURSE_DATA", "").strip()
    try:
        return (
            Path(asked).expanduser()
            if asked
            else Path(platformdirs.user_cache_dir("aecourse")) / "data"
        )
    except RuntimeError as error:
        raise DataError(
            f"AECOURSE_DATA: got {asked!r}, whose ~ is unknown; accepted is a folder's path"
        ) from error


# --- digits: 1,797 real 8x8 digits, enlarged and augmented --------------------------------------------------------


@standard()
def digits(train_size: int = 20_000, seed: int = 0) -> Images:
    """scikit-learn's handwritten digits at MNIST's size.

    The 8x8 originals (Alpaydin & Kaynak 1998) are resized bicubically to 20x20, padded to 28x28 and stretched in
    contrast. They are split into 1,437 and 360 *before* anything else; then small seeded affine maps (rotation,
    scale, shear, shift) of the training part fill it up to `train_size` images, the originals themselves first.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    train_size = require.integer("train_size", train_size)
    bunch = load_digits()
    small = torch.from_numpy(bunch.images / 16.0).float()[:, None]  # pyright: ignore[reportAttributeAccessIssue]
    large = F.pad(
        F.interpolate(small, size=(20, 20), mode="bicubic", align_corners=False), (4, 4, 4, 4)
    )
    labels = torch.from_numpy(bunch.target).long()  # pyright: ignore[reportAttributeAccessIssue]
    rows, held_out = train_test_split(
        np.arange(len(labels)),
        test_size=360,
        stratify=bunch.target,  # pyright: ignore[reportAttributeAccessIssue]
        random_state=seed,
    )
    rows, held_out = torch.from_numpy(np.sort(rows)), torch.from_numpy(np.sort(held_out))

    source = rows.repeat(-(-train_size // len(rows)))[:train_size]
    moved = _affine(large[source], seed=seed, unmoved=len(rows))
    return Images(
        "digits",
        Split(_stretch(moved), labels[source], source),
        Split(_stretch(large[held_out]), labels[held_out], held_out),
    )


def _affine(x: Tensor, *, seed: int, unmoved: int) -> Tensor:
    """Small random affine maps of x [N, 1, H, W]; the first `unmoved` images stay as they are."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(width: float) -> Tensor:
        return (torch.rand(len(x), generator=generator) * 2 - 1) * width

    angle, scale, shear = uniform(0.20), 1 + uniform(0.12), uniform(0.20)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    theta = torch.stack(
        [
            torch.stack([cos, shear - sin, uniform(0.10)], 1),
            torch.stack([sin, cos, uniform(0.10)], 1),
        ],
        1,
    )
    theta[:unmoved] = torch.eye(2, 3)
    return torch.cat(
        [
            F.grid_sample(
                part, F.affine_grid(t, list(part.shape), align_corners=False), align_corners=False
            )
            for part, t in zip(x.split(2000), theta.split(2000))
        ]
    )


def _stretch(x: Tensor) -> Tensor:
    """Contrast-stretched: ink darker than 15 % becomes paper, brighter than 75 % becomes full ink."""
    return ((x - 0.15) / 0.60).clamp(0, 1)


# --- shapes: drawn from known factors -----------------------------------------------------------------------------


@standard()
def shapes(test_size: int = 2_736, seed: int = 0) -> Images:
    """A square, an ellipse or a heart at a known scale, rotation and place, grey 28x28 (see `aecourse.shapes`).

    All 3 x 6 x 8 x 12 x 12 = 20,736 combinations occur once; a random `test_size` of them are held out. `factors` gives
    the five of each image, labels are the shape.
    """
    from aecourse import shapes as drawn

    factors = drawn.grid()
    if require.integer("test_size", test_size) >= len(factors):
        raise ValueError(
            f"test_size: got {test_size}; accepted is fewer than the {len(factors)} images there are"
        )
    factors = factors[
        torch.randperm(
            len(factors),
            generator=torch.Generator().manual_seed(require.integer("seed", seed, low=0)),
        )
    ]
    whole = Split(drawn.draw(factors), factors[:, 0].clone(), None, factors)
    return Images("shapes", whole[:-test_size], whole[-test_size:], dict(drawn.VALUES))


# --- torchvision's data sets -------------------------------------------------------------------------------------


@standard()
def _torchvision(name: str, class_name: str, md5: dict[str, str] | None = None) -> Images:
    """A data set in MNIST's file format, read by torchvision, downloaded first where it is missing."""
    from aecourse import _torchvision

    dataset = getattr(_torchvision.load().datasets, class_name)
    raw = folder() / class_name / "raw"
    if not all((raw / file).is_file() for file in IDX_FILES):
        _download(name, dataset, raw)
    _verify(name, raw, md5)
    parts = []
    for train in (True, False):
        read = dataset(folder(), train=train, download=False)
        parts.append(Split(read.data[:, None].float().div_(255), read.targets.long()))
    return Images(name, *parts)


def _download(name: str, dataset, raw: Path) -> None:
    """Downloads into a temporary folder and moves it into place only when it is complete."""
    try:
        raw.parent.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=raw.parent.parent))
    except OSError as error:
        raise DataError(
            f"data.load({name!r}): cannot write to {raw.parent.parent} ({error}); "
            "set AECOURSE_DATA to a folder that can be written"
        ) from error
    try:
        dataset(temporary, download=True)
        fresh = temporary / raw.parent.name / "raw"
        sums = {file: hashlib.md5((fresh / file).read_bytes()).hexdigest() for file in IDX_FILES}
        (fresh / "md5.json").write_text(json.dumps(sums), "utf-8")
        shutil.rmtree(raw.parent, ignore_errors=True)
        os.replace(fresh.parent, raw.parent)
    except Exception as error:
        raise DataError(
            f"data.load({name!r}): the download failed ({error}). Without a network, put the four files "
            f"{', '.join(IDX_FILES)} into {raw} (AECOURSE_DATA changes the folder), "
            "or use data.load('digits'), which needs none."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _verify(name: str, raw: Path, md5: dict[str, str] | None) -> None:
    """Every file has the size its header announces and, where its MD5 is known, that MD5; each image has a label."""
    again, recorded, counts = f"delete the folder {raw.parent} and load again", raw / "md5.json", []
    try:
        if md5 is None and recorded.is_file():
            md5 = {file: str(json.loads(recorded.read_text("utf-8"))[file]) for file in IDX_FILES}
        contents = [(raw / file).read_bytes() for file in IDX_FILES]
    except OSError as error:
        raise DataError(
            f"data.load({name!r}): cannot read from {raw} ({error}); {again}"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"data.load({name!r}): {recorded} is damaged ({type(error).__name__}); {again}"
        ) from error
    for file, content in zip(IDX_FILES, contents):
        dimensions = 3 if "images" in file else 1
        header = np.frombuffer(content[4 : 4 + 4 * dimensions], dtype=">i4")
        whole = content[:4] == bytes([0, 0, 8, dimensions]) and len(header) == dimensions
        if not whole or len(content) != 4 + 4 * dimensions + int(np.prod(header, dtype=np.int64)):
            fault = f"truncated or not an IDX file ({len(content):,} bytes)"
        elif md5 and hashlib.md5(content).hexdigest() != md5[file]:
            fault = "corrupted (its MD5 differs from the published file's)"
        elif not header[0] or "labels" in file and counts[-1] != header[0]:
            fault = f"of {header[0]} entries for {counts[-1] if counts else 0} images"
        else:
            counts.append(header[0])
            continue
        raise DataError(f"data.load({name!r}): {raw / file} is {fault}; {again}")


def _photos() -> Images:
    from aecourse import photos

    return photos.photos()


_LOADERS = {
    "digits": digits,
    "mnist": lambda: _torchvision("mnist", "MNIST", MNIST_MD5),  # pyright: ignore[reportArgumentType]
    "fashion": lambda: _torchvision("fashion", "FashionMNIST"),
    "shapes": shapes,
    "photos": _photos,
}

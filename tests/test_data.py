"""The data are what the course says they are, and files that are not are refused with what to do."""

import hashlib
import os
import struct
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from aecourse import data, evaluate, models, nets


@pytest.fixture(scope="module")
def images():
    return data.load("digits")


def test_digits_have_the_promised_shapes_and_range(images):
    assert images.train.x.shape == (20_000, 1, 28, 28) and images.test.x.shape == (360, 1, 28, 28)
    for part in (images.train, images.test):
        assert part.x.dtype == torch.float32 and part.labels.dtype == torch.int64
        assert part.x.min() == 0 and part.x.max() == 1
        assert part.labels.bincount().min() > 0 and part.labels.max() == 9


@contextmanager
def coarse_products():
    torch.set_float32_matmul_precision("medium")
    try:
        yield
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def newer_switch():
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if not hasattr(matmul, "fp32_precision"):  # torch 2.9 brought them
        pytest.skip("a torch without these switches")
    before, matmul.fp32_precision = matmul.fp32_precision, "ieee"
    try:
        yield
        assert matmul.fp32_precision == "ieee"
    finally:
        matmul.fp32_precision = before


SURROUNDINGS = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "inference mode": torch.inference_mode,
    "a device": lambda: torch.device("meta"),
    "coarse products": coarse_products,
    "a newer switch": newer_switch,
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_data_and_measures_do_not_depend_on_the_surroundings(images, name):
    """Autocast and coarse products changed the bytes of the digits, and gave likelihoods in bfloat16."""
    torch.manual_seed(0)
    model = models.VAE(2, nets.mlp((6,)), shape=(1, 28, 28))
    x = images.test.x[:20]
    expected = evaluate.log_likelihood(model, x, 10), evaluate.codes(model, x)
    with SURROUNDINGS[name]():
        again = data.load("digits")
        found = evaluate.log_likelihood(model, x, 10), evaluate.codes(model, x)
    assert torch.equal(again.train.x, images.train.x) and torch.equal(again.test.x, images.test.x)
    assert all(torch.equal(a, b) for a, b in zip(found, expected))


def test_digits_are_the_same_bytes_on_every_call(images):
    def digest(part):
        return hashlib.sha256(part.x.numpy().tobytes() + part.labels.numpy().tobytes()).hexdigest()

    again = data.load("digits")
    assert digest(again.train) == digest(images.train) and digest(again.test) == digest(images.test)


def test_digits_do_not_disturb_the_callers_random_state():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    data.load("digits")
    assert torch.equal(torch.rand(2), expected)


def test_no_original_is_in_both_parts(images):
    train, test = set(images.train.source.tolist()), set(images.test.source.tolist())
    assert not train & test and len(train) == 1437 and len(test) == 360
    assert torch.cdist(images.test.x.flatten(1), images.train.x.flatten(1)).min() > 0.1


def test_labels_belong_to_their_images(images):
    from sklearn.datasets import load_digits

    target = torch.from_numpy(load_digits().target)
    assert torch.equal(images.train.labels, target[images.train.source])


def test_split_keeps_images_labels_and_sources_together(images):
    part = images.train[torch.tensor([5, 2])]
    assert (
        len(part) == 2
        and torch.equal(part.x[1], images.train.x[2])
        and part.labels[0] == images.train.labels[5]
    )
    assert len(images.subset(7).train) == 7 and len(images.subset(7).test) == 360


def test_binarize_draws_with_the_grey_value_as_probability():
    torch.manual_seed(0)
    drawn = data.binarize(torch.full((100_000,), 0.3))
    assert set(drawn.unique().tolist()) == {0.0, 1.0} and abs(drawn.mean() - 0.3) < 0.01
    assert torch.equal(data.binarize(torch.tensor([0.0, 1.0])), torch.tensor([0.0, 1.0]))


def tiles(x, tile):
    return torch.nn.functional.unfold(x, tile, stride=tile).transpose(1, 2)  # [N, places, pixels]


@pytest.mark.parametrize("shape, tile", [((7, 1, 8, 12), 4), ((5, 3, 6, 4), 2), ((4, 1, 9, 3), 3)])
def test_torn_images_hold_every_tile_once_more(shape, tile):
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    before = tiles(x, tile)
    exchanged, shuffled = (
        tiles(data.torn_apart(x, tile=tile, within=w), tile) for w in (False, True)
    )
    for place in range(before.shape[1]):  # among images, each tile keeps its place
        assert torch.equal(exchanged[:, place].sort(0).values, before[:, place].sort(0).values)
    for one, other in zip(shuffled, before):  # within an image, its own tiles and no others
        assert torch.equal(one.sort(0).values, other.sort(0).values)
    assert not torch.equal(exchanged, before) and not torch.equal(shuffled, before)
    assert x.shape == data.torn_apart(x, tile=tile).shape


def test_torn_images_are_known_by_their_seed_and_leave_the_state_alone():
    x = torch.rand(9, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(3)
    state = torch.get_rng_state()
    assert torch.equal(data.torn_apart(x, seed=2), data.torn_apart(x, seed=2))
    assert not torch.equal(data.torn_apart(x, seed=2), data.torn_apart(x, seed=5))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(data.torn_apart(x, tile=8, within=True), x)  # one tile can only stay


@pytest.mark.parametrize(
    "x, tile, said",
    [
        (torch.rand(2, 1, 8, 6), 4, "x: got .*multiples of tile, 4"),
        (torch.rand(2, 8, 8), 4, "x: got "),
        (torch.ones(2, 1, 8, 8, dtype=torch.int64), 4, "x: got "),
        (torch.rand(2, 1, 8, 8), 0, "tile: got 0"),
    ],
)
def test_what_cannot_be_torn_is_refused(x, tile, said):
    with pytest.raises(ValueError, match=said):
        data.torn_apart(x, tile=tile)


def test_the_environment_chooses_where_no_name_is_given(monkeypatch):
    monkeypatch.setenv("AECOURSE_DATASET", "nonsense")
    with pytest.raises(
        ValueError, match="AECOURSE_DATASET: got 'nonsense'; accepted is one of 'digits'"
    ):
        data.load()
    assert data.load("digits").name == "digits"  # an explicit name is what it says
    monkeypatch.delenv("AECOURSE_DATASET")
    assert data.load().name == "digits"


def test_unknown_name():
    with pytest.raises(
        ValueError, match="name: got 'minst'; accepted is one of 'digits', 'mnist', 'fashion'"
    ):
        data.load("minst")


# --- torchvision's data sets, from files made here -----------------------------------------------------------------


def write_idx(folder, train=6, test=4):
    """A small data set in MNIST's file format."""
    folder.mkdir(parents=True)
    for name, n in zip(data.IDX_FILES, (train, train, test, test)):
        pixels = "images" in name
        dimensions = (n, 28, 28) if pixels else (n,)
        body = bytes(i % (256 if pixels else 10) for i in range(n * (784 if pixels else 1)))
        (folder / name).write_bytes(
            bytes([0, 0, 8, len(dimensions)])
            + struct.pack(f">{len(dimensions)}i", *dimensions)
            + body
        )


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    write_idx(tmp_path / "FashionMNIST" / "raw")
    return tmp_path / "FashionMNIST" / "raw"


def test_files_in_mnists_format_are_read(fashion):
    images = data.load("fashion")
    assert images.train.x.shape == (6, 1, 28, 28) and images.test.x.shape == (4, 1, 28, 28)
    assert images.train.x.flatten()[:3].tolist() == pytest.approx([0, 1 / 255, 2 / 255])
    assert images.train.labels.tolist() == [0, 1, 2, 3, 4, 5]


def test_truncated_file(fashion):
    file = fashion / data.IDX_FILES[0]
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(data.DataError, match="truncated.*delete the folder"):
        data.load("fashion")


def test_file_that_is_something_else(fashion):
    (fashion / data.IDX_FILES[3]).write_bytes(b"<html>not found</html>")
    with pytest.raises(data.DataError, match="t10k-labels.*not an IDX file"):
        data.load("fashion")


def test_corrupted_file_is_known_by_its_sum(tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    write_idx(tmp_path / "MNIST" / "raw")
    with pytest.raises(data.DataError, match="corrupted"):
        data.load("mnist")


@pytest.mark.parametrize("fault", ["offline", "half"])
def test_failed_download_says_what_to_do_and_leaves_nothing(tmp_path, monkeypatch, fault):
    from aecourse import _torchvision

    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))

    def download(root, download):
        if fault == "half":
            write_idx(root / "MNIST" / "raw")
            (root / "MNIST" / "raw" / data.IDX_FILES[2]).unlink()
        else:
            raise OSError("no network here")

    monkeypatch.setattr(_torchvision.load().datasets, "MNIST", download)
    with pytest.raises(
        data.DataError, match="without a network|Without a network.*data.load\\('digits'\\)"
    ):
        data.load("mnist")
    assert os.listdir(tmp_path) == []


def test_complete_download_is_moved_into_place(tmp_path, monkeypatch):
    from aecourse import _torchvision

    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    original = _torchvision.load().datasets.FashionMNIST

    class Downloads(original):
        def __init__(self, root, train=True, download=False):
            if download:
                write_idx(root / "FashionMNIST" / "raw")
            else:
                super().__init__(root, train=train, download=False)

    Downloads.__name__ = "FashionMNIST"
    monkeypatch.setattr(_torchvision.load().datasets, "FashionMNIST", Downloads)
    assert len(data.load("fashion").train) == 6
    assert os.listdir(tmp_path) == ["FashionMNIST"]
    damaged = tmp_path / "FashionMNIST" / "raw" / data.IDX_FILES[0]
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1  # same size, one bit changed since the download
    damaged.write_bytes(content)
    with pytest.raises(data.DataError, match="corrupted"):
        data.load("fashion")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"3", b"null", b"{}", b"\xff\xfe", b'{"train-images-idx3-ubyte": 1}']
)
def test_damaged_sums_are_told_in_one_line(fashion, text):
    (fashion / "md5.json").write_bytes(text)
    with pytest.raises(
        data.DataError, match="md5.json is damaged.*delete the folder.*load again"
    ) as error:
        data.load("fashion")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("train, test", [(6, 0), (0, 4)])
def test_files_without_images_are_refused(tmp_path, monkeypatch, train, test):
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path))
    write_idx(tmp_path / "FashionMNIST" / "raw", train, test)
    with pytest.raises(data.DataError, match="of 0 entries"):
        data.load("fashion")


def test_fewer_labels_than_images_are_refused(fashion):
    labels = bytes([0, 0, 8, 1]) + struct.pack(">i", 5) + bytes(5)
    (fashion / data.IDX_FILES[1]).write_bytes(labels)
    with pytest.raises(data.DataError, match="train-labels.* is of 5 entries for 6 images"):
        data.load("fashion")
    with pytest.raises(ValueError, match="labels: got"):
        data.Split(torch.rand(3, 1, 2, 2), torch.zeros(2, dtype=torch.long))


def test_files_that_cannot_be_read(fashion):
    (fashion / data.IDX_FILES[2]).unlink()
    (fashion / data.IDX_FILES[2]).mkdir()
    with pytest.raises(data.DataError, match="data.load\\('fashion'\\)"):
        data._verify("fashion", fashion, None)


def test_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AECOURSE_DATA", str(tmp_path / "file" / "below"))
    with pytest.raises(data.DataError, match="set AECOURSE_DATA"):
        data.load("mnist")


@pytest.mark.parametrize("row", [3, np.int64(3), torch.tensor(3)])
def test_one_row_of_a_split_is_asked_for_as_a_part(row):
    split = data.Split(torch.rand(5, 1, 2, 2), torch.arange(5))
    with pytest.raises(TypeError, match=r"rows: got .*\[3:4\] is the part with this one entry"):
        split[row]
    assert split[3:4].labels.tolist() == [3]

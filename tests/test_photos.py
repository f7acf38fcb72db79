"""Crops and patches of photographs come from disjoint regions, are the same at every call and are white where they say so."""

import pytest
import torch

from aecourse import data, photos


@pytest.fixture(scope="module")
def crops():
    return data.load("photos")


@pytest.fixture(scope="module")
def patches():
    return photos.patches(size=12, n=20_000)


def parts(images):
    return {"train": images.train, "validation": images.validation, "test": images.test}


def covered(split, size, scale):
    """1 where a pixel of the two photographs lies in at least one crop: [2, 427, 640]."""
    seen = torch.zeros(2, 427, 640, dtype=torch.bool)
    for picture, (row, column) in zip(split.labels.tolist(), (scale * split.place).tolist()):
        seen[picture, row : row + scale * size, column : column + scale * size] = True
    return seen


def test_crops_have_the_promised_shapes_and_range(crops):
    assert isinstance(crops, data.Images) and crops.shape == (3, 32, 32)
    assert [len(part) for part in parts(crops).values()] == [8_000, 1_000, 1_000]
    for part in parts(crops).values():
        assert part.x.dtype == torch.float32 and 0 <= part.x.min() and part.x.max() <= 1
        assert part.labels.dtype == part.place.dtype == torch.int64
        assert part.labels.bincount().min() > 0.4 * len(part)


@pytest.mark.parametrize("kind, size, scale", [("crops", 32, 1), ("patches", 12, 2)])
def test_no_pixel_is_in_two_parts(kind, size, scale, request):
    images = request.getfixturevalue(kind)
    seen = [covered(part, size, scale) for part in parts(images).values()]
    assert torch.stack(seen).sum(0).max() == 1
    assert all(s.any() for s in seen)


def test_no_jpeg_block_reaches_from_one_part_into_another():
    ends = [end for strips in photos.STRIPS.values() for strip in strips for end in strip]
    assert all(end % 16 == 0 for end in ends)
    assert sorted(ends) == [0, 160, 160, 240, 240, 400, 400, 480, 480, 640]  # nothing is left out


def test_a_crop_is_what_lies_at_its_place(crops):
    pictures = photos.pictures()
    for i in (0, 17, 999):
        row, column = crops.test.place[i].tolist()
        there = pictures[crops.test.labels[i], :, row : row + 32, column : column + 32]
        assert torch.equal(crops.test.x[i], there)


def test_the_same_bytes_at_every_call_and_under_every_seed_of_the_course(crops, monkeypatch):
    from aecourse import seeds

    monkeypatch.setattr(seeds, "_moved_by", 7 * seeds.STRIDE)
    again, moved = data.load("photos"), photos.patches(size=8, n=300)
    monkeypatch.setattr(seeds, "_moved_by", 0)
    assert torch.equal(again.train.x, crops.train.x)
    assert torch.equal(moved.train.x, photos.patches(size=8, n=300).train.x)
    assert not torch.equal(moved.train.x, photos.patches(size=8, n=300, seed=1).train.x)


def test_held_out_crops_do_not_depend_on_the_number_of_training_crops(crops):
    fewer = photos.photos(train_size=10)
    assert torch.equal(fewer.test.x, crops.test.x) and len(fewer.train) == 10


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    photos.photos(10, 10)
    photos.patches(8, 300)
    assert torch.equal(torch.rand(2), expected)


def test_patches_are_white_up_to_the_damping(patches):
    """With variance s before, a direction has s / (s + damping) afterwards: near 1 for most, never above it."""
    assert patches.shape == (1, 12, 12) and len(patches.validation) == len(patches.test) == 2_000
    x = patches.train.x.flatten(1)
    assert x.mean(0).abs().max() < 1e-4
    spectrum = torch.linalg.eigvalsh(torch.cov(x.T))
    raw = photos.patches(size=12, n=20_000, whiten=False).train.x.flatten(1)
    before = torch.linalg.eigvalsh(torch.cov(raw.T)).clamp_min(0)
    assert torch.allclose(spectrum, before / (before + 1), atol=1e-3)
    assert spectrum.max() <= 1.001


def test_whitening_is_fitted_on_the_training_part_alone(patches):
    raw = photos.patches(size=12, n=20_000, whiten=False)
    for name, part in parts(raw).items():
        mapped = (part.x.flatten(1) - patches.mean) @ patches.whitening
        assert torch.allclose(mapped, parts(patches)[name].x.flatten(1), atol=1e-5)
    assert torch.allclose(patches.mean, raw.train.x.flatten(1).mean(0), atol=1e-5)


def test_patches_without_whitening_have_mean_0_and_contrast_1():
    x = photos.patches(size=9, n=500, whiten=False).train.x.flatten(1)
    assert x.mean(1).abs().max() < 1e-5 and x.square().mean().item() == pytest.approx(1, abs=1e-5)
    x = photos.patches(size=9, n=500, whiten=False, equal_contrast=True).train.x.flatten(1)
    assert torch.allclose(x.std(1, correction=0), torch.ones(500))


def test_a_patch_is_the_mean_of_four_pixels_in_grey():
    flat = photos.patches(size=4, n=50, whiten=False, contrast=0.0)
    red, green, blue = photos.pictures().unbind(1)
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    squares = [
        grey[p, 2 * r : 2 * r + 8, 2 * c : 2 * c + 8].reshape(4, 2, 4, 2).mean((1, 3))
        for p, (r, c) in zip(flat.train.labels.tolist(), flat.train.place.tolist())
    ]
    known = torch.stack(squares)
    known = known - known.mean((1, 2), keepdim=True)
    known = known / known.square().mean().sqrt()
    assert torch.allclose(flat.train.x[:, 0], known, atol=1e-4)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: photos.photos(size=81), "size: got 81; accepted is 1 to 80"),
        (lambda: photos.patches(size=41), "size: got 41; accepted is 1 to 40"),
        (lambda: photos.photos(0), "train_size: got 0"),
        (lambda: photos.patches(n=0), "n: got 0"),
        (lambda: photos.patches(damping=0), "damping: got 0"),
        (lambda: photos.patches(contrast=0.5), "contrast: got 0.5"),
        (lambda: photos.patches(seed=-1), "seed: got -1"),
    ],
)
def test_what_is_refused_says_why(call, message):
    with pytest.raises(ValueError, match=message):
        call()

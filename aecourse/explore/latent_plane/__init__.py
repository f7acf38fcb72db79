"""The plane of a two-number code: point at it, and the decoder answers."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.evaluate.aggregated import log_mixture
from aecourse.evaluate.measuring import measuring
from aecourse.page.figure import Figure, as_array, base64_of, fragment
from aecourse.page.network import SQUASHES, check_room, forward, packed, packed_network

MAX_BYTES = 1_500_000  # what the weights may take of a page, which weighs 2 MB at most
TOLERANCE = 1.95 / 255  # the largest change of a pixel that rounding the weights to 8 bits may make
SURE = round(0.9 * 255)  # the probability in 255ths from which on an image counts as recognised
PLACES = 81  # q(z) and the judge are asked at PLACES x PLACES places that fill the plane


def latent_plane(
    decoder,
    codes,
    labels,
    *,
    shape=(28, 28),
    extent=3.5,
    center=(0.0, 0.0),
    output="sigmoid",
    names=None,
    prior=True,
    posterior=None,
    judge=None,
    grid=11,
    show=("codes", "circles"),
    encoder=None,
    description=None,
) -> Figure:
    """The plane of a two-number code, decoded in the page wherever the reader points.

    decoder      maps codes [N, 2] to height x width numbers per image; `network.steps_of` lists the layers it may have.
    codes        [N, 2] float, the codes of N test images, drawn as points.
    labels       [N] int, the classes of these images, 0..9 at most; they colour the points.
    shape        (height, width) of an image; (1, height, width) is accepted too.
    extent       the square shown reaches this far from `center`, in units of the code.
    output       how the decoder's numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity" (0 to 1).
    names        names of the classes; the digits by default.
    prior        whether the code has the prior N(0, I): draws its 1, 2 and 3 sigma circles and gives log p(z) in nats.
    posterior    mean and log-variance of q(z|x), each [M, 2], for any number of images, as `vae.encode(x)` gives them; draws
                 their average q(z) as lines, along which it is as dense as the prior on its three circles, and tells log q(z).
    judge        a `Classifier` of the same classes (its `probabilities` maps images [N, 1, height, width] to [N, at most
                 len(names)]); tints the plane where it gives one class 90 % or more, in that class's colour.
    grid         the background of decoded images has grid x grid of them.
    show         what is on at first: any of "codes", "circles", "grid", and of "posterior", "judge" where they are given.
    encoder      maps images [N, 1, height, width] or [N, height * width] to 4 numbers, mean and log-variance of q(z|x), or
                 to 2, the code; with it, the reader draws a digit beside the plane, and it is encoded there.
    description  the figure in words; by default the place of each class is told.

    The weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255, as they mostly do in a
    well-trained decoder; `nets.mlp((256, 128))` then takes 630 kB of the page, which agrees with torch within 2/255. Raises TypeError for a decoder that a page cannot run, ValueError for what does not fit.
    """
    codes, labels = as_array("codes", codes), as_array("labels", labels)
    if codes.ndim != 2 or codes.shape[1] != 2 or not len(codes):
        raise ValueError(
            f"codes: got shape {list(codes.shape)}; accepted is [N, 2] with N of at least 1"
        )
    if labels.shape != codes.shape[:1] or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels: got {labels.dtype} of shape {list(labels.shape)}; "
            f"accepted are {len(codes)} whole numbers, one for each code"
        )
    names = [str(name) for name in (range(10) if names is None else names)]
    if not 1 <= len(names) <= 10:
        raise ValueError(
            f"names: got {len(names)}; accepted are 1 to 10 classes, so that colours can tell them apart"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"labels: got {labels.min()} to {labels.max()}; accepted is 0 to {len(names) - 1}"
        )
    *channels, height, width = require.sizes("shape", shape)
    if channels not in ([], [1]):
        raise ValueError(f"shape: got {tuple(shape)}; accepted is (height, width)")
    extent = require.number("extent", extent, low=0, above=True)
    center = [require.number(f"center[{i}]", c) for i, c in enumerate(center)]
    require.choice("output", output, SQUASHES)
    given = [
        name for name, value in (("posterior", posterior), ("judge", judge)) if value is not None
    ]
    for part in show:
        require.choice("show", part, ["codes", "circles", "grid", *given])
    if require.integer("grid", grid, low=2) > 25:
        raise ValueError(f"grid: got {grid}; accepted is a whole number from 2 to 25")

    codes = torch.tensor(codes, dtype=torch.float32)
    squash = SQUASHES[output]
    probes = torch.cat([codes, lattice(center, extent)])
    net = packed_network(
        "decoder", decoder, probes, height * width, output=output, tolerance=TOLERANCE
    )
    check_room("decoder", net.nbytes, MAX_BYTES)
    reader = None
    if encoder is not None:
        seen = squash(forward(net.steps, codes[:500]))
        reader = packed_network("encoder", encoder, seen, (2, 4), output="identity", tolerance=0.02)
        check_room("encoder", reader.nbytes, MAX_BYTES - net.nbytes)
    together = None if posterior is None else _together(posterior, prior, center, extent)
    judged = (
        None
        if judge is None
        else _judged(
            judge,
            squash(forward(net.steps, lattice(center, extent, PLACES))).view(-1, 1, height, width),
            len(names),
        )
    )
    present = sorted(set(labels.tolist()))
    data = {
        "layers": net.layers,
        "output": output,
        "shape": [height, width],
        "codes": packed(codes.T, 16),
        "labels": labels.tolist(),
        "names": names,
        "present": present,
        "start": _typical(codes[torch.as_tensor(labels == present[0])]),
        "encoder": reader and reader.layers,
        "extent": extent,
        "center": center,
        "prior": bool(prior),
        "grid": grid,
        "show": list(show),
        "places": PLACES,
        "posterior": together,
        "judged": judged
        and {"level": SURE, **{name: base64_of(part) for name, part in judged.items()}},
    }
    if description is None:
        middles = [codes[torch.as_tensor(labels == i)].mean(0).tolist() for i in present]
        outside = int(((codes - torch.tensor(center)).abs() > extent).any(1).sum())
        description = (
            _describe(len(codes), [names[i] for i in present], middles, outside, prior)
            + (
                ""
                if together is None
                else " Lines mark where the average q(z) of the codes' distributions is as dense as the prior is on "
                "these circles, and beside the image log q(z) stands below log p(z)."
            )
            + (
                ""
                if judged is None
                else f" The plane can be tinted where a classifier is at least 90 % sure of the decoded image: "
                f"{(judged['sure'] >= SURE).mean():.0%} of the part shown."
            )
            + (
                ""
                if encoder is None
                else " Beside it a digit can be drawn by hand; it is encoded, and its place on the plane and its "
                "reconstruction are shown."
            )
        )
    return Figure(
        fragment(
            "latent_plane",
            data,
            package=__name__,
            title="Interactive figure: the plane of a two-number code",
            description=description,
        ),
        description,
    )


def lattice(center, extent, n=15):
    """n x n points that fill the plane, [n * n, 2]."""
    ticks = torch.linspace(-extent, extent, n)
    return torch.cartesian_prod(ticks, ticks) + torch.tensor(center)


def _together(posterior, prior, center, extent) -> dict:
    """q(z) for the page: its components, for log q at any place, and log q on a lattice, for the lines."""
    if not prior:
        raise ValueError(
            "posterior: got one for a code without a prior; accepted is one beside the prior N(0, I)"
        )
    if not isinstance(posterior, (tuple, list)) or len(posterior) != 2:
        raise ValueError(
            f"posterior: got {require.described(posterior)}; accepted is a pair, mean and log-variance"
        )
    mu, log_var = (
        torch.tensor(as_array("posterior", half), dtype=torch.float64) for half in posterior
    )
    if mu.shape != log_var.shape or mu.dim() != 2 or mu.shape[1] != 2 or not len(mu):
        raise ValueError(
            f"posterior: got shapes {list(mu.shape)} and {list(log_var.shape)}; accepted is [M, 2] twice"
        )
    log_q = log_mixture(lattice(center, extent, PLACES).double(), mu, log_var, 500)
    return {
        "components": packed(torch.cat([mu.T, log_var.T]).float(), 16),
        "log_q": packed(log_q.clamp_min(-20)[None].float(), 16),
    }


def _judged(judge, images, classes) -> dict:
    """What the judge names at each place of the lattice, and how sure it is, in 255ths."""
    with measuring(judge, 0) as device:
        said = judge.probabilities(images.to(device)).cpu()
    if (
        said.dim() != 2
        or len(said) != len(images)
        or said.shape[1] > classes
        or said.min() < 0
        or said.max() > 1.001
    ):
        raise ValueError(
            f"judge: got {require.described(said)} for {len(images)} images; accepted are probabilities "
            f"[{len(images)}, up to {classes}], one for each class"
        )
    sure, named = said.max(1)
    return {
        "sure": (255 * sure).round().clamp(max=255).byte().numpy(),
        "named": named.byte().numpy(),
    }


def _typical(codes) -> list[float]:
    """The code nearest to the middle of its class: a fair place to start."""
    return codes[(codes - codes.mean(0)).norm(dim=1).argmin()].tolist()


def _describe(count, names, middles, outside, prior) -> str:
    places = "; ".join(f"{name} around ({x:.1f}, {y:.1f})" for name, (x, y) in zip(names, middles))
    return (
        f"The plane of a code of two numbers, with the codes of {count:,} test images as points coloured by class. "
        "The image decoded from the chosen place of the plane stands beside it and changes as the place is moved. "
        + ("Circles mark one, two and three standard deviations of the prior. " if prior else "")
        + f"Middles of the classes: {places}."
        + (f" {outside:,} of the codes lie outside the part shown." if outside else "")
    )

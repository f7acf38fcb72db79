"""Two paths between two codes of a plane: the straight line, and a shorter one that the page looks for."""

from __future__ import annotations

import torch

from aecourse import interpolation, require
from aecourse.explore.latent_plane import MAX_BYTES, TOLERANCE, lattice
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import SQUASHES, check_room, forward, packed, packed_network
from aecourse.page.pictures import as_classes, packed_images

PLACES = 61  # the ground is shaded at PLACES x PLACES places


def two_paths(
    decoder,
    codes,
    labels,
    *,
    ends,
    shape=(28, 28),
    extent=3.2,
    output="sigmoid",
    names=None,
    description=None,
) -> Figure:
    """Two ends on the plane of a two-number code; the straight line between them, a shorter path, and the images on both.

    decoder      maps codes [N, 2] to height x width numbers per image; `network.steps_of` lists the layers it may have.
    codes        [N, 2], drawn as the first letters of their classes.
    labels       [N] int, the classes, 0 to 9 at most.
    ends         two codes [2, 2], between which the paths run at first.
    shape        (height, width) of an image.
    extent       the plane is shown from -extent to extent in both directions, and further where an end lies outside.
    output       how the decoder's numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    names        names of the classes; the digits by default.
    description  the figure in words.

    Lengths are those of `interpolation.path_length` over decoded images. The path is looked for as in `interpolation.geodesic`,
    by its energy, with a method that needs fewer steps; it is one that no small change shortens. The ground is the bluer the
    further a small step moves the image: the root of the trace of `interpolation.pullback_metric`. Raises TypeError for a
    decoder that a page cannot run, ValueError for what does not fit.
    """
    codes = as_array("codes", codes)
    if codes.ndim != 2 or codes.shape[1] != 2 or not len(codes):
        raise ValueError(
            f"codes: got shape {list(codes.shape)}; accepted is [N, 2] with N of at least 1"
        )
    labels, names = as_classes(labels, names, len(codes))
    size = require.sizes("shape", shape)
    if len(size) != 2:
        raise ValueError(f"shape: got {size}; accepted is (height, width)")
    height, width = size
    extent = require.number("extent", extent, low=0, above=True)
    require.choice("output", output, SQUASHES)
    ends = as_array("ends", ends)
    if ends.shape != (2, 2):
        raise ValueError(f"ends: got shape {list(ends.shape)}; accepted are two codes, [2, 2]")
    extent = max(extent, 1.05 * float(abs(ends).max()))
    net = packed_network(
        "decoder",
        decoder,
        lattice((0.0, 0.0), extent),
        height * width,
        output=output,
        tolerance=TOLERANCE,
    )
    check_room("decoder", net.nbytes, MAX_BYTES)
    speed = _speed(lambda z: SQUASHES[output](forward(net.steps, z)), extent)
    data = {
        "layers": net.layers,
        "output": output,
        "shape": [height, width],
        "codes": packed(torch.tensor(codes.T, dtype=torch.float32), 16),
        "labels": labels.tolist(),
        "names": names,
        "ends": ends.tolist(),
        "extent": extent,
        "ground": packed_images(speed / speed.max().clamp_min(1e-12)),
        "places": PLACES,
    }
    if description is None:
        description = (
            f"The plane of a code of two numbers with {len(codes)} codes as the letters of their classes, on a ground that is bluer "
            "where a small step moves the image further. Two ends, A and B, can be moved. Between them run the straight line, "
            "dashed, and a path that the page looks for by making the sum of the squared steps of its images smaller. The lengths "
            "of both, measured in images, and nine decoded images along each stand beside and below."
        )
    return Figure(
        fragment(
            "two_paths",
            data,
            package=__name__,
            title="Interactive figure: two paths between two codes",
            description=description,
        ),
        description,
    )


def _speed(decode, extent: float) -> torch.Tensor:
    """How far the image moves for a small step, over both directions, on a lattice: rows from top to bottom [PLACES, PLACES]."""
    metric = torch.cat(
        [
            interpolation.pullback_metric(decode, part)
            for part in lattice((0.0, 0.0), extent, PLACES).split(500)
        ]
    )
    return metric.diagonal(dim1=1, dim2=2).sum(1).sqrt().view(PLACES, PLACES).T.flip(0)

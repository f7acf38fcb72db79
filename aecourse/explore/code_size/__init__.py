"""What survives a code of 2, 8 or 32 numbers: a slider over code sizes."""

from __future__ import annotations

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.pictures import as_images, names_of, packed_images, without_channel


def code_size(
    originals,
    reconstructions,
    *,
    sizes,
    errors,
    labels=None,
    unit="squared error per image",
    description=None,
) -> Figure:
    """A slider over code sizes: the originals, what each model makes of them, and error against code size.

    originals        [N, H, W] float in [0, 1]; [N, 1, H, W] is accepted too.
    reconstructions  {model: [S, N, H, W]} float, likewise; drawn clipped to [0, 1]. One to four models.
    sizes            S code sizes, ascending.
    errors           {model: S errors} of the same models over a whole test set, in `unit`.
    labels           the N class names of the originals, for readers who cannot see them.
    description      the figure in words; by default the errors are listed.

    Pixels travel in 8 bits: 10 images, 8 sizes and 2 models of 28 x 28 take 180 kB of a page.
    Raises ValueError or TypeError, naming the argument, for what does not fit.
    """
    originals = as_images("originals", originals)
    sizes = list(require.sizes("sizes", sizes))
    if len(sizes) < 2 or sizes != sorted(set(sizes)):
        raise ValueError(f"sizes: got {sizes}; accepted are two or more whole numbers, ascending")
    if not 1 <= len(reconstructions) <= 4:
        raise ValueError(
            f"reconstructions: got {len(reconstructions)} models; accepted are one to four"
        )
    if set(errors) != set(reconstructions):
        raise ValueError(
            f"errors: got {', '.join(errors)}; accepted are the models of reconstructions, "
            f"{', '.join(reconstructions)}"
        )
    models = []
    for name, images in reconstructions.items():
        images = without_channel(as_array(f"reconstructions[{name!r}]", images), 4)
        if images.shape != (len(sizes), *originals.shape):
            raise ValueError(
                f"reconstructions[{name!r}]: got shape {list(images.shape)}; accepted is "
                f"[S, N, H, W] = {[len(sizes), *originals.shape]}"
            )
        error = as_array(f"errors[{name!r}]", errors[name])
        if error.shape != (len(sizes),) or error.min() < 0:
            raise ValueError(
                f"errors[{name!r}]: got {require.described(errors[name])}; accepted are {len(sizes)} "
                "numbers of at least 0, one for each size"
            )
        models.append({"name": name, "images": packed_images(images), "errors": error.tolist()})
    data = {
        "originals": packed_images(originals),
        "shape": list(originals.shape),
        "sizes": sizes,
        "models": models,
        "unit": unit,
        "labels": None
        if labels is None
        else names_of("labels", labels, len(originals), "original"),
    }
    description = _describe(sizes, models, unit) if description is None else description
    return Figure(
        fragment(
            "code_size",
            data,
            package=__name__,
            title="Interactive figure: reconstructions against code size",
            description=description,
        ),
        description,
    )


def _describe(sizes, models, unit) -> str:
    rows = (
        f"{size} number{'s' * (size != 1)}: "
        + ", ".join(f"{model['name']} {model['errors'][i]:.3g}" for model in models)
        for i, size in enumerate(sizes)
    )
    return (
        "Images and what each model makes of them when they pass through a code of the chosen size, with the "
        f"curve of error against code size. In {unit}, for a code of {'; '.join(rows)}."
    )

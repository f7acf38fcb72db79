"""Which of these runs is broken, and how? One run after the other, to be diagnosed from what a reader would see of it."""

from __future__ import annotations

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.pictures import as_images, packed_images


def museum(runs, *, description: str | None = None) -> Figure:
    """A round of runs: each shows its loss curve, rows of pictures and figures; the reader picks a diagnosis and is told.

    runs         a list of dictionaries, two or more, each with
                 curve    the loss at two or more moments of training, ascending in time
                 rows     {name: images [N, H, W] float in [0, 1]}, one to four; drawn clipped to [0, 1]
                 facts    {name: text}, what else the reader is told
                 answer   the diagnosis, in a few words
                 others   two to five other diagnoses, in a few words
                 why      what shows it, and the line that finds it
    description  the figure in words; by default the runs are listed, without their answers

    Raises ValueError or TypeError, naming the argument, for what does not fit.
    """
    if not isinstance(runs, (list, tuple)) or len(runs) < 2:
        raise ValueError(f"runs: got {require.described(runs)}; accepted are two or more runs")
    packed = [_run(f"runs[{i}]", run) for i, run in enumerate(runs)]
    if description is None:
        told = "; ".join(
            f"run {i}: loss {run['curve'][0]:.3g} to {run['curve'][-1]:.3g}"
            + "".join(f", {name} {text}" for name, text in run["facts"])
            for i, run in enumerate(packed, 1)
        )
        description = (
            f"{len(packed)} runs, one after the other. Each shows its loss curve, rows of pictures and some figures, and "
            f"asks for a diagnosis; the answer comes at once, and the right ones are counted. {told}."
        )
    return Figure(
        fragment(
            "museum",
            {"runs": packed},
            package=__name__,
            title="Interactive figure: which run is broken, and how?",
            description=description,
        ),
        description,
    )


def _run(name: str, run) -> dict:
    wanted = {"curve", "rows", "facts", "answer", "others", "why"}
    if not isinstance(run, dict) or set(run) != wanted:
        raise ValueError(
            f"{name}: got {require.described(run)}; accepted is a dictionary with {', '.join(sorted(wanted))}"
        )
    curve = as_array(f"{name} curve", run["curve"])
    if curve.ndim != 1 or len(curve) < 2:
        raise ValueError(
            f"{name} curve: got shape {list(curve.shape)}; accepted are two or more numbers"
        )
    if not 1 <= len(run["rows"]) <= 4:
        raise ValueError(f"{name} rows: got {len(run['rows'])}; accepted are one to four")
    rows = {title: as_images(f"{name} {title}", images) for title, images in run["rows"].items()}
    others = [str(other) for other in run["others"]]
    choices = [str(run["answer"]), *others]
    if not 2 <= len(others) <= 5 or len(set(choices)) < len(choices):
        raise ValueError(
            f"{name} others: got {others}; accepted are two to five diagnoses other than the answer"
        )
    return {
        "curve": [float(f"{value:.5g}") for value in curve.tolist()],
        "rows": [
            {"name": title, "images": packed_images(images), "shape": list(images.shape)}
            for title, images in rows.items()
        ],
        "facts": [[str(title), str(text)] for title, text in run["facts"].items()],
        "choices": choices,
        "why": str(run["why"]),
    }

"""Half of a small table is missing: MIWAE on Iris, as in its authors' notebook."""

from __future__ import annotations

import torch
from sklearn.datasets import load_iris

from aecourse import evaluate, nets
from aecourse.data import Split
from aecourse.models import MIWAE, Gaussian
from aecourse.reproduce.recipe import Measured, Recipe, Row

SETTING = "4-64-64-1, tanh, 20 samples, 500 epochs, batch 25, Gaussian with one learned width; 50 % missing at random"


def run(lab, part: str) -> dict[str, Measured]:
    """The squared error of standardised values in the holes, by MIWAE and by the mean of the column."""
    table = torch.as_tensor(load_iris().data, dtype=torch.float32)  # pyright: ignore[reportAttributeAccessIssue]
    x = (table - table.mean(0)) / table.std(0, unbiased=False)
    mask = torch.rand(x.shape) >= 0.5
    empty = ~mask.any(1)
    mask[empty, torch.randint(4, (int(empty.sum()),))] = True
    model = MIWAE(
        1,
        nets.mlp((64, 64), "tanh"),
        samples=20,
        likelihood=Gaussian(0.7, learned=True, squash=False),  # pyright: ignore[reportArgumentType]
        shape=(4,),
    )
    lab.fit(model, Split(torch.where(mask, x, 0.0), mask=mask), epochs=500, batch_size=25, lr=2e-3)
    filled = evaluate.imputed(model, x, mask, lab.toy(2000, 50), seed=lab.seed)
    mean = torch.where(mask, x, (x * mask).sum(0) / mask.sum(0))
    return {
        "MIWAE": Measured(evaluate.hole_rmse(filled, x, mask) ** 2),
        "mean of the column": Measured(evaluate.hole_rmse(mean, x, mask) ** 2),
    }


RECIPE = Recipe(
    name="iris",
    title="Filling holes in a small table",
    about="Half of the 600 numbers of Iris are hidden, anew for every seed. The mean of each column is the baseline.",
    measure="squared error of standardised values in the holes",
    rows=(
        Row(
            "MIWAE",
            SETTING,
            part="iris",
            published=(0.40, 0.52),
            source="notebook of the authors, single runs",
            key="mattei2019",
            explained="A Gaussian here, Student's t there; which numbers are hidden changes the figure by more than that, as "
            "the spread shows.",
        ),
        Row("mean of the column", "the mean of what was observed", part="iris"),
    ),
    run=run,
    minutes=2,
    seeds=5,
    data="",
)

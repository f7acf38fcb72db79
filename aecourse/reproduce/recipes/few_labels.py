"""Few labels: a VAE learns from all images, a support vector machine from the codes of those that have a label (M1)."""

from __future__ import annotations

import torch
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from aecourse import data, evaluate, labelling, nets
from aecourse.models import M2, VAE, Gaussian
from aecourse.reproduce.recipe import Measured, Recipe, Row, standard_error

KEY = "kingma2014semi"
M1_SETTING = (
    "VAE 784-500-500-50, GELU, 15 epochs on 60,000 images binarised at every visit, batch 256; SVM with a Gaussian kernel "
    "on the means of q(z|x), mean of 5 draws of labels"
)
M1_EXPLAINED = (
    "The paper's transductive SVM looks at the images without labels, too. Here the SVM sees only those with one, and its "
    "two settings are chosen by cross-validation among them. The networks differ a little, and 15 epochs are few."
)
M2_SETTING = "784-300-50 with 10 classes, GELU, alpha 10, 15 epochs, batch 200, one-cycle rate of 2e-3, mean of 1 draw"
BOTH_SETTING = "the VAE of M1, then M2 on draws of its codes, 50-300-50, GELU, alpha 10, 25 epochs, batch 200, one-cycle rate of 2e-3"
SHORTER = "The paper trains for thousands of epochs, this recipe for a few; the weight alpha of the labels is not tuned."


def vae(lab) -> VAE:
    """M1: what is learnt without a label."""
    model = VAE(50, nets.mlp((500, 500), "gelu"), shape=lab.images.shape)
    lab.fit(
        model, lab.train.x, epochs=15, batch_size=256, lr=2e-3, transform=data.binarize, ema=0.999
    )
    return model


def support_vectors(codes, labels, rows) -> GridSearchCV:
    """A Gaussian-kernel SVM on the labelled rows, whose two settings are cross-validated among these alone."""
    grid = {"C": [1, 10], "gamma": [0.01, 0.03, 0.1]}
    search = GridSearchCV(SVC(), grid, cv=3)
    return search.fit(codes[rows].numpy(), labels[rows].numpy())


def run_m1(lab, part: str) -> dict[str, Measured]:
    """Test errors in per cent with 100, 600, 1,000 and 3,000 labels."""
    model = vae(lab)
    codes, labels = evaluate.codes(model, lab.train.x), lab.train.labels
    found, trained = {}, {}
    for count in (100, 600, 1000, 3000):
        per_class = lab.toy(count // 10, 3)
        trained[count] = [
            support_vectors(codes, labels, labelling.few(labels, per_class, draw))
            for draw in range(lab.toy(5, 2))
        ]
    test, truth = evaluate.codes(model, lab.test.x).numpy(), lab.test.labels.numpy()
    for count, machines in trained.items():
        errors = [100 * float((each.predict(test) != truth).mean()) for each in machines]
        found[f"M1, {count:,} labels"] = Measured(
            sum(errors) / len(errors), standard_error(errors), {"draws": errors}
        )
    return found


def error_of(lab, model, x) -> Measured:
    """The share of test images whose most probable class is wrong, in per cent."""
    with torch.no_grad():
        wrong = 100.0 * (model.probabilities(x).argmax(1) != lab.test.labels).double()
    return Measured(wrong.mean().item(), wrong.std().item() / len(wrong) ** 0.5)


def hidden(lab, count: int):
    """The training labels, of which all but `count` are hidden; another draw for every seed."""
    labels = lab.train.labels
    rows = labelling.few(labels, lab.toy(count // 10, 3), lab.seed)
    return labelling.hide(labels, rows)


def run_m2(lab, part: str) -> dict[str, Measured]:
    """M2 on the pixels."""
    count = 100 if part == "M2, 100 labels" else 1000
    model = M2(50, nets.mlp((300,), "gelu"), shape=lab.images.shape)
    images = data.Split(lab.train.x, hidden(lab, count))
    lab.fit(model, images, epochs=15, batch_size=200, lr=2e-3, transform=data.binarize)
    return {part: error_of(lab, model, lab.test.x)}


def run_both(lab, part: str) -> dict[str, Measured]:
    """M2 on the codes of M1, with both numbers of labels."""
    below = vae(lab)
    with torch.no_grad():
        q = below.posterior(lab.train.x)
    codes, width = q.mu, torch.exp(0.5 * q.log_var)
    made = {}
    for count in (100, 1000):
        noise = Gaussian(0.5, learned=True, squash=False)
        model = M2(50, nets.mlp((300,), "gelu"), likelihood=noise, shape=(50,))  # pyright: ignore[reportArgumentType]
        drawn = codes + width * torch.randn(codes.shape)
        lab.fit(model, data.Split(drawn, hidden(lab, count)), epochs=25, batch_size=200, lr=2e-3)
        made[count] = model
    test = evaluate.codes(below, lab.test.x)
    return {f"M1+M2, {count:,} labels": error_of(lab, model, test) for count, model in made.items()}


def published(
    model: str, count: int, figure: float, setting: str, part: str, explained: str
) -> Row:
    """A row of table 1 of the paper."""
    return Row(
        f"{model}, {count:,} labels",
        setting,
        part=part,
        published=figure,
        source="Kingma et al. 2014, table 1" + ": M1+TSVM" * (model == "M1"),
        key=KEY,
        explained=explained,
    )


MEASURE = "test error in per cent"
M1 = Recipe(
    name="few-labels-m1",
    title="Few labels: a VAE, then a support vector machine",
    about="All 60,000 images teach the VAE, the labels only the classifier on its codes.",
    rows=tuple(
        published("M1", count, figure, M1_SETTING, "m1", M1_EXPLAINED)
        for count, figure in ((100, 11.82), (600, 5.72), (1000, 4.24), (3000, 3.49))
    ),
    chosen="C and gamma of the SVM, by threefold cross-validation among the labelled images",
    run=run_m1,
    minutes=5,
    measure=MEASURE,
    binarisation="dynamic",
)
DEEP = Recipe(
    name="few-labels-m2",
    title="Few labels: the class as a latent",
    about="M2 has the class among its latents, so that images without a label teach it, too.",
    rows=tuple(
        published("M2", count, figure, M2_SETTING, "", SHORTER)
        for count, figure in ((100, 11.97), (1000, 3.60))
    ),
    run=run_m2,
    minutes=25,
    measure=MEASURE,
    binarisation="dynamic",
)
STACKED = Recipe(
    name="few-labels-m1m2",
    title="Few labels: the class as a latent of codes",
    about="M2 again, on the codes of a VAE instead of the pixels.",
    rows=tuple(
        published("M1+M2", count, figure, BOTH_SETTING, "m1m2", SHORTER)
        for count, figure in ((100, 3.33), (1000, 2.40))
    ),
    run=run_both,
    minutes=8,
    measure=MEASURE,
    binarisation="dynamic",
)

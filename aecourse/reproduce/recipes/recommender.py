"""Mult-VAE and EASE on MovieLens, where a reader has its files."""

from __future__ import annotations

import os

import torch

from aecourse import models
from aecourse.evaluate.ranking import ndcg_at
from aecourse.ratings import movielens, world
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean
from aecourse.train import schedules

FOLDER = "AECOURSE_MOVIELENS"


def missing() -> str:
    """In a line, what is missing."""
    if os.environ.get(FOLDER, "").strip():
        return ""
    return f"set {FOLDER} to an unpacked folder of MovieLens (100k or 1M, from grouplens.org); nothing is downloaded"


def run(lab, part: str) -> dict[str, Measured]:
    """NDCG@100 of held-out users, of a fifth of their choices."""
    if lab.quick:
        ratings = world(users=200, held_out=40)
    else:
        ratings = movielens(os.environ[FOLDER])
    x = ratings.train.x

    def measured(scores, users) -> Measured:
        return mean(ndcg_at(scores, users.held_out, lab.toy(100, 10), users.x))

    def at(weight: float) -> float:
        users = ratings.validation
        return measured(users.x @ models.ease(x, weight), users).figure

    weight = lab.choose("weight of EASE", (30.0, 100.0, 300.0, 1000.0), at, lower=False)
    vae = models.MultVAE(lab.toy(200, 8), shape=ratings.shape)
    lab.fit(
        vae,
        x,
        epochs=100,
        batch_size=100,
        lr=1e-3,
        weights={"beta": schedules.warmup(to=0.2)},
        validation=ratings.validation,
        keep="best",
    )
    users = ratings.test
    with torch.no_grad():
        scores = vae.decode(vae.encode(users.x)[0])
    return {
        "EASE": measured(users.x @ models.ease(x, weight), users),
        "Mult-VAE": measured(scores, users),
    }


RECIPE = Recipe(
    name="recommender",
    title="Mult-VAE and EASE",
    about="The published comparison is on 20 million ratings, which need more memory than this course asks for. On smaller "
    "files no published figure is comparable.",
    measure="NDCG@100 of held-out users",
    lower=False,
    chosen="the weight of EASE and the number of epochs, on validation users",
    rows=(
        Row("EASE", "weight from 30 to 1,000", part="movielens"),
        Row(
            "Mult-VAE", "I-600-200, dropout 0.5, beta to 0.2, at most 100 epochs", part="movielens"
        ),
    ),
    run=run,
    minutes=10,
    data="",
    needs=missing,
)

"""Choose a few films and see three rankings move: the most popular, a linear model (EASE), and an autoencoder."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.models import MultDAE, MultVAE
from aecourse.page.figure import Figure, as_array, base64_of, fragment
from aecourse.page.network import check_room, packed, packed_network
from aecourse.page.pictures import names_of

MAX_BYTES = 1_000_000  # what the weights may take of a page, which weighs 2 MB at most


def rate_films(
    model, weights, popularity, ratings, *, offered: int = 6, top: int = 8, description=None
) -> Figure:
    """Films to choose, by genre, and the first of three rankings of all others.

    model:       a trained `MultVAE` or `MultDAE` of dense layers; it runs in the page.
    weights:     [I, I], of EASE; a choice adds its row to the scores.
    popularity:  [I], by which the first list is ordered, and which films of a genre are offered.
    ratings:     `Ratings` with genres, at most ten; their titles and genres are shown.
    offered:     films of each genre that can be chosen. top: the length of the lists.
    description: the figure in words.

    The weights of EASE travel in 8 bits each, those of the model in 8 or in 16 where 8 would show.
    Raises TypeError for a model that a page cannot run, ValueError for what does not fit.
    """
    if not isinstance(model, (MultVAE, MultDAE)):
        raise TypeError(
            f"model: got {require.described(type(model).__name__)}; accepted is a MultVAE or a MultDAE with nets.mlp(...)"
        )
    count, k = len(ratings.titles), model.latent_dim
    if ratings.genres is None or len(ratings.genre_names) > 10:
        raise ValueError(
            f"ratings: got {len(ratings.genre_names)} genres; accepted are ratings with 1 to 10 genres"
        )
    if tuple(model.shape) != (count,):
        raise ValueError(
            f"model: got shape {model.shape} for {count} titles; accepted is ({count},)"
        )
    weights = torch.tensor(as_array("weights", weights), dtype=torch.float32)
    popularity = torch.tensor(as_array("popularity", popularity), dtype=torch.float32)
    for name, value, shape in (
        ("weights", weights, [count] * 2),
        ("popularity", popularity, [count]),
    ):
        if list(value.shape) != shape:
            raise ValueError(f"{name}: got shape {list(value.shape)}; accepted is {shape}")
    offered, top = require.integer("offered", offered), require.integer("top", top)
    names = names_of("genre_names", ratings.genre_names, ratings.genres.shape[1], "genre")
    main = ratings.genres.argmax(1)
    shown = [
        [i for i in popularity.argsort(descending=True, stable=True).tolist() if main[i] == genre]
        for genre in range(len(names))
    ]

    # what a reader may choose: a few films
    g = torch.Generator().manual_seed(0)
    rows = torch.stack(
        [
            torch.zeros(count).index_fill(0, torch.randperm(count, generator=g)[: 1 + n % 8], 1.0)
            for n in range(64)
        ]
    )
    rows = rows / rows.norm(dim=1, keepdim=True)
    outputs = 2 * k if isinstance(model, MultVAE) else k
    encoder = packed_network(
        "model", model.encoder, rows, outputs, output="identity", tolerance=0.02
    )
    with torch.no_grad():
        codes = model.encoder(rows.to(next(model.parameters())))[:, :k].float().cpu()
    decoder = packed_network(
        "model", model.decoder, codes, count, output="identity", tolerance=0.02
    )
    check_room("model", encoder.nbytes + decoder.nbytes + weights.numel() * 8 // 6, MAX_BYTES)
    family = "Mult-VAE" if isinstance(model, MultVAE) else "Mult-DAE"
    if description is None:
        description = (
            f"Films of {len(names)} genres ({', '.join(names)}), of which a reader chooses some that they like. Beside them stand three "
            f"lists of {top} films that were not chosen: the most popular, which never change; those of EASE, a linear model; and those "
            f"of the {family}, which runs in the page. Each choice moves the second and the third list towards films of its kind."
        )
    data = {
        "encoder": encoder.layers,
        "decoder": decoder.layers,
        "k": k,
        "weights": packed(weights, 8),
        "popularity": base64_of(popularity.numpy()),
        "titles": list(ratings.titles),
        "genres": [[int(main[i]), *_others(ratings.genres[i], int(main[i]))] for i in range(count)],
        "names": names,
        "offered": [films[:offered] for films in shown],
        "top": min(top, count),
        "family": family,
    }
    return Figure(
        fragment(
            "rate_films",
            data,
            package=__name__,
            title="Interactive figure: choose films, see the ranking move",
            description=description,
        ),
        description,
    )


def _others(row: torch.Tensor, main: int) -> list[int]:
    """The genres of a film beside the first one."""
    return [i for i in row.nonzero().flatten().tolist() if i != main]

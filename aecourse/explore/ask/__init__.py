"""Ask a conditional VAE for a digit: choose the class, move the handwriting, or give it a hand of your own."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.models import ConditionalVAE
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import check_room, packed, packed_network
from aecourse.page.pictures import names_of

MAX_BYTES = 1_300_000  # what the weights may take of a page, which weighs 2 MB at most


def ask(model, codes, *, names=None, sliders: int = 4, extent=2.5, description=None) -> Figure:
    """A conditional VAE in the page: one button per class, one slider for each of the strongest latents, a pad to draw on.

    model        a `ConditionalVAE` of dense layers that tells its decoder the label, for images of one channel; at most ten
                 classes, pixels by a sigmoid.
    codes        [N, k], style codes of test images; sliders are those of the latents in which these vary most.
    names        of the classes; by default the digits.
    sliders      how many latents have a slider; "Another hand" draws all of them from N(0, I).
    extent       sliders reach from -extent to extent, in standard deviations of the prior.
    description  the figure in words.

    The encoder's weights travel in 8 bits each, the decoder's in 8 or in 16 where 8 would move a pixel by more than 2/255.
    Raises TypeError for a model that a page cannot run, ValueError for what does not fit.
    """
    if not isinstance(model, ConditionalVAE) or model.as_channels or not model.decoder_label:
        raise TypeError(
            f"model: got {require.described(type(model).__name__)}; accepted is a ConditionalVAE with nets.mlp(...) "
            "whose decoder is told the label"
        )
    if model.learned:
        raise ValueError("model: got a learned prior; accepted is the standard one, N(0, I)")
    if len(model.shape) != 3 or model.shape[0] != 1 or model.classes > 10:
        raise ValueError(
            f"model: got shape {model.shape} and {model.classes} classes; accepted are (1, height, width) and at most 10"
        )
    codes = torch.tensor(as_array("codes", codes), dtype=torch.float32)
    k = model.latent_dim
    if codes.dim() != 2 or codes.shape[1] != k or len(codes) < 2:
        raise ValueError(
            f"codes: got shape {list(codes.shape)}; accepted is [N, {k}] with N of at least 2"
        )
    names = names_of(
        "names", range(model.classes) if names is None else names, model.classes, "class"
    )
    extent = require.number("extent", extent, low=0, above=True)
    order = codes.var(0).argsort(descending=True)[: require.integer("sliders", sliders)].tolist()

    with torch.no_grad():
        rows = model.label(torch.arange(model.classes, device=next(model.parameters()).device))
    rows = rows.float().cpu()
    g = torch.Generator().manual_seed(0)
    z = torch.cat([codes[:300], torch.randn(300, k, generator=g)])
    asked = rows[torch.arange(len(z)) % model.classes]
    decoder = packed_network(
        "decoder", model.decoder, torch.cat([z, asked], 1), model.shape[1] * model.shape[2]
    )
    with torch.no_grad():
        parameter = next(model.parameters())
        seen = model.decoder(torch.cat([z, asked], 1).to(parameter)).sigmoid().flatten(1).float()
    encoder = packed_network(
        "encoder",
        model.encoder,
        torch.cat([seen.cpu(), asked], 1),
        2 * k,
        output="identity",
        bits=8,
    )
    check_room("model", decoder.nbytes + encoder.nbytes, MAX_BYTES)
    if description is None:
        description = (
            f"One picture for each of the classes {', '.join(names)}, all decoded from the same code, so that they are "
            "written in one hand. A class is asked for by its picture and shown large above them. Beside the large picture a "
            "digit can be drawn: it is encoded with the label that the reader gives it, and the pictures directly below take "
            f"on its hand. Sliders move the {len(order)} latents in which the codes of test images vary most; a button draws "
            "another hand."
        )
    data = {
        "decoder": decoder.layers,
        "encoder": encoder.layers,
        "rows": packed(rows, 16),
        "k": k,
        "order": order,
        "shape": list(model.shape[1:]),
        "names": names,
        "extent": extent,
    }
    return Figure(
        fragment(
            "ask",
            data,
            package=__name__,
            title="Interactive figure: ask for a digit",
            description=description,
        ),
        description,
    )

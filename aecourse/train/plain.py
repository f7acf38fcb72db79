"""The whole of training in a few lines; `fit` does the same, bit for bit, and guards it."""

from __future__ import annotations

import torch


def plain(model, x, epochs=10, batch_size=128, lr=1e-3, seed=0):
    """Trains `model` in place on x [N, ...], without a guard, a schedule or a report.

    `fit(model, x, schedule="constant")` gives the same weights, bit for bit (on a processor; a test says so).
    """
    torch.manual_seed(seed)
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=order).split(batch_size):
            loss = model.loss(x[rows])["loss"]  # forward: how wrong is it?
            loss.backward()  # backward: which way is better?
            optimizer.step()  # a small step that way
            optimizer.zero_grad()

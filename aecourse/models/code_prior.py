"""A prior over the words of a VQ-VAE: a small causal transformer, which reads a grid like a line of text."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import require


class CodePrior(nn.Module):
    """p(c) = prod_i p(c_i | c_1 .. c_{i-1}) over the cells of a grid [h, w], row by row (Vaswani et al. 2017's decoder).

    codes: the number of words. grid: (h, w). width, layers, heads: of the transformer, which is PyTorch's own.
    It is trained on grids of words, int64 [N, h, w]. Its loss is -log p(c) in nats per image.
    """

    later: Tensor

    def __init__(
        self, codes: int, grid: tuple[int, int], *, width: int = 64, layers: int = 2, heads: int = 4
    ):
        super().__init__()
        self.codes, self.grid = require.integer("codes", codes, low=2), require.sizes("grid", grid)
        if len(self.grid) != 2:
            raise ValueError(f"grid: got {self.grid}; accepted is (height, width)")
        if require.integer("width", width) % require.integer("heads", heads):
            raise ValueError(f"width: got {width}; accepted is a multiple of heads, {heads}")
        self.shape, self.cells = self.grid, self.grid[0] * self.grid[1]
        self.word = nn.Embedding(self.codes + 1, width)  # the last one says: the line begins here
        self.place = nn.Parameter(0.02 * torch.randn(self.cells, width))
        layer = nn.TransformerEncoderLayer(
            width,
            heads,
            2 * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.blocks = nn.TransformerEncoder(
            layer,
            require.integer("layers", layers),
            norm=nn.LayerNorm(width),
            enable_nested_tensor=False,
        )
        self.head = nn.Linear(width, self.codes)
        nn.init.zeros_(self.head.weight)  # so that training starts at the uniform prior
        nn.init.zeros_(self.head.bias)
        self.register_buffer(
            "later", nn.Transformer.generate_square_subsequent_mask(self.cells), persistent=False
        )

    @property
    def accepts(self) -> dict:
        """What x must be: words, whole numbers below their number."""
        return {"x": (torch.int64, 0, self.codes - 1)}

    def forward(self, line: Tensor) -> Tensor:
        """The first t words of each line, int64 [B, t] with t below h * w -> logits of words 1 .. t + 1 [B, t + 1, codes]."""
        line = F.pad(line, (1, 0), value=self.codes)
        t = line.shape[1]
        read = self.word(line) + self.place[:t]
        return self.head(self.blocks(read, mask=self.later[:t, :t], is_causal=True))

    def log_prob(self, indices: Tensor) -> Tensor:
        """log p(c) of grids of words, int64 [B, h, w] -> nats [B]."""
        line = self._checked(indices).flatten(1)
        logits = self(line[:, :-1]).transpose(1, 2)
        return -F.cross_entropy(logits, line, reduction="none").sum(1)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-log p(c), averaged over the batch, for words x, int64 [B, h, w]."""
        return {"loss": -self.log_prob(x).mean()}

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` grids of words, int64 [n, h, w], drawn cell by cell."""
        line = torch.empty(require.integer("n", n), 0, dtype=torch.long, device=self.place.device)
        for _ in range(self.cells):
            chance = self(line)[:, -1].softmax(1)
            line = torch.cat([line, torch.multinomial(chance, 1)], dim=1)
        return line.view(n, *self.grid)

    def _checked(self, indices: Tensor) -> Tensor:
        if (
            not isinstance(indices, Tensor)
            or indices.dtype != torch.long
            or indices.shape[1:] != self.grid
        ):
            raise ValueError(
                f"indices: got {require.described(indices)}; accepted is an int64 tensor [N, {self.grid[0]}, {self.grid[1]}]"
            )
        return indices

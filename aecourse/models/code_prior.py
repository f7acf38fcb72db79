"""A prior over the words of a VQ-VAE: a small causal transformer, which reads a grid like a line of text."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import require


def _words_fit(prior, indices, labels=None) -> None:
    """Raises ValueError where these are not grids of words of the prior's shape, or no labels for them."""
    if (
        not isinstance(indices, Tensor)
        or indices.dtype != torch.long
        or indices.shape[1:] != prior.grid
    ):
        raise ValueError(
            f"indices: got {require.described(indices)}; accepted is an int64 tensor [N, {prior.grid[0]}, {prior.grid[1]}]"
        )
    if labels is not None:
        _labels_fit(prior, len(indices), labels)


def _labels_fit(prior, n: int, labels) -> None:
    """Raises ValueError where these are no labels of n images; reads values only where that can be done."""
    if prior.classes is None:
        raise ValueError(
            f"labels: got {require.described(labels)}; accepted is None, since the prior was made without classes"
        )
    if not isinstance(labels, Tensor) or labels.dtype != torch.long or labels.shape != (n,):
        raise ValueError(
            f"labels: got {require.described(labels)}; accepted is an int64 tensor [{n}], a label for each image"
        )
    if not n or (labels.is_cuda and torch.cuda.is_current_stream_capturing()):
        return
    low, high = (bound.item() for bound in torch.aminmax(labels))
    if low < 0 or high >= prior.classes:
        raise ValueError(
            f"labels: got labels from {low} to {high}; accepted is 0 to {prior.classes - 1}"
        )


class CodePrior(nn.Module):
    """p(c) = prod_i p(c_i | c_1 .. c_{i-1}) over the cells of a grid [h, w], row by row (Vaswani et al. 2017's decoder).

    codes: the number of words. grid: (h, w). width, layers, heads: of the transformer, which is PyTorch's own.
    It is trained on grids of words, int64 [N, h, w]. Its loss is -log p(c) in nats per image.

    classes: of images, or None. With classes the line begins with the label y of the image, so that the transformer
    gives p(c|y) (as the class-conditional prior of Razavi et al. 2019). It is then trained with labels. Where no label
    is given, the classes count as equally frequent: p(c) = mean_y p(c|y).
    """

    later: Tensor

    def __init__(
        self,
        codes: int,
        grid: tuple[int, int],
        *,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        classes: int | None = None,
    ):
        super().__init__()
        self.codes, self.grid = require.integer("codes", codes, low=2), require.sizes("grid", grid)
        if len(self.grid) != 2:
            raise ValueError(f"grid: got {self.grid}; accepted is (height, width)")
        if require.integer("width", width) % require.integer("heads", heads):
            raise ValueError(f"width: got {width}; accepted is a multiple of heads, {heads}")
        self.shape, self.cells = self.grid, self.grid[0] * self.grid[1]
        self.classes = None if classes is None else require.integer("classes", classes, low=2)
        # the last ones say that a line begins here, and of which class it is
        self.word = nn.Embedding(self.codes + (self.classes or 1), width)
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
        """What x must be: words, whole numbers below their number; and labels, where there are classes."""
        words = {"x": (torch.int64, 0, self.codes - 1)}
        return (
            words
            if self.classes is None
            else {**words, "labels": (torch.int64, 0, self.classes - 1)}
        )

    def forward(self, line: Tensor, labels: Tensor | None = None) -> Tensor:
        """The first t words of each line, int64 [B, t] with t below h * w -> logits of words 1 .. t + 1 [B, t + 1, codes].

        labels: int64 [B], with which the lines begin, where there are classes.
        """
        begin = line.new_zeros(len(line)) if labels is None else labels
        line = torch.cat([self.codes + begin[:, None], line], dim=1)
        t = line.shape[1]
        read = self.word(line) + self.place[:t]
        return self.head(self.blocks(read, mask=self.later[:t, :t], is_causal=True))

    @require.checked(_words_fit)
    def log_prob(self, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        """log p(c) of grids of words, int64 [B, h, w] -> nats [B]; with labels, int64 [B], log p(c|y)."""
        if self.classes and labels is None:
            each = [self.log_prob(indices, y) for y in self._every(len(indices))]
            return torch.stack(each).logsumexp(0) - math.log(self.classes)
        line = indices.flatten(1)
        logits = self(line[:, :-1], labels).transpose(1, 2)
        return -F.cross_entropy(logits, line, reduction="none").sum(1)

    def loss(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """-log p(c), averaged over the batch, for words x, int64 [B, h, w]; -log p(c|y) where there are classes."""
        if self.classes and labels is None:
            raise ValueError(
                f"labels: got None; accepted is a label for each image, since the prior has {self.classes} classes"
            )
        return {"loss": -self.log_prob(x, labels).mean()}

    @torch.no_grad()
    def sample(self, n: int, labels: Tensor | None = None, *, temperature: float = 1.0) -> Tensor:
        """`n` grids of words, int64 [n, h, w], drawn cell by cell: of the classes in labels, int64 [n], if given.

        temperature: divides the logits of each word. 1 draws from p(c); below 1 likely words become likelier.
        """
        temperature = require.number("temperature", temperature, low=0, above=True)
        line = torch.empty(require.integer("n", n), 0, dtype=torch.long, device=self.place.device)
        if labels is not None:
            _labels_fit(self, n, labels)
            labels = labels.to(line.device)
        elif self.classes:
            labels = torch.randint(self.classes, (n,), device=line.device)
        for _ in range(self.cells):
            chance = (self(line, labels)[:, -1] / temperature).softmax(1)
            line = torch.cat([line, torch.multinomial(chance, 1)], dim=1)
        return line.view(n, *self.grid)

    def _every(self, n: int) -> Tensor:
        """Each class as labels of n images: int64 [classes, n]."""
        every = torch.arange(self.classes or 1, device=self.place.device)
        return every[:, None].expand(-1, n)

"""The VQ-VAE: a code made of words from a codebook (van den Oord, Vinyals & Kavukcuoglu 2017)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets, require
from aecourse.models.base import Model
from aecourse.models.likelihoods import likelihood as as_likelihood


class VectorQuantizer(nn.Module):
    """Replaces each vector of a grid by the nearest of `codes` vectors, the words of a codebook.

    codebook: "gradient", where the words are parameters that a loss pulls to the vectors they stand for (equation 3
    of the paper), or "ema", where they are moving averages of these vectors (its appendix A.1; Razavi et al. 2019).
    decay: of the moving averages. revive: a word is dead when its share of the vectors falls below `revive / codes`,
    and is then put in the place of a vector that the others serve badly; 0 leaves the dead alone.

    Words start in [-1/codes, 1/codes]; `initialise` starts them by k-means instead. Words and averages change only in
    training mode, by tensor operations that never wait for the device.
    """

    words: Tensor
    shares: Tensor
    sums: Tensor

    def __init__(
        self,
        codes: int,
        code_dim: int,
        *,
        codebook: str = "ema",
        decay: float = 0.99,
        revive: float = 0.0,
    ):
        super().__init__()
        self.codes, self.code_dim = (
            require.integer("codes", codes, low=2),
            require.integer("code_dim", code_dim),
        )
        self.by_gradient = require.choice("codebook", codebook, ("ema", "gradient")) == "gradient"
        self.decay = require.number("decay", decay, low=0, high=1)
        self.revive = require.number("revive", revive, low=0, high=1)
        words = (2 * torch.rand(self.codes, self.code_dim) - 1) / self.codes
        if self.by_gradient:
            self.words = nn.Parameter(words)
        else:
            self.register_buffer("words", words)
        self.register_buffer(
            "shares", torch.zeros(self.codes)
        )  # moving averages: of the vectors, which
        self.register_buffer(
            "sums", torch.zeros(self.codes, self.code_dim)
        )  # share takes a word, and their sum

    def forward(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """z [B, code_dim, h, w] -> words in its place, and the two squared distances.

        The words have the gradient of z: on the way back, the choice counts as if it had not happened. "codebook"
        moves words only and "commitment" moves z only; both are summed over the grid and averaged over the batch.
        """
        vectors = z.detach().permute(0, 2, 3, 1).reshape(-1, self.code_dim)  # one per cell
        if self.training and self.revive:
            self.replace_dead(vectors)
        indices = self.nearest(vectors)
        words = self.lookup(indices.view(len(z), *z.shape[2:]))
        terms = {
            "codebook": (words - z.detach()).square().sum() / len(z),
            "commitment": (z - words.detach()).square().sum() / len(z),
        }
        if self.training:
            self.update(vectors, indices, self.decay)
            if not self.by_gradient:
                self.move_words()
        return words.detach() + (z - z.detach()), terms

    @torch.no_grad()
    def nearest(self, vectors: Tensor) -> Tensor:
        """The index of the word nearest to each vector: [..., code_dim] -> int64 [...]; of equals, the first."""
        words = self.words  # |v - w|^2 without |v|^2, which is the same for all words
        return (words.square().sum(1) - 2 * vectors @ words.T).argmin(-1)

    def lookup(self, indices: Tensor) -> Tensor:
        """Indices [B, h, w] -> their words [B, code_dim, h, w]."""
        return F.embedding(indices, self.words).permute(0, 3, 1, 2)

    @torch.no_grad()
    def update(self, vectors: Tensor, indices: Tensor, decay: float) -> None:
        """Moves the averages towards these vectors [N, code_dim]."""
        taken = F.one_hot(indices, self.codes).to(vectors.dtype) / len(vectors)
        self.shares.lerp_(taken.sum(0), 1 - decay)
        self.sums.lerp_(taken.T @ vectors, 1 - decay)

    @torch.no_grad()
    def move_words(self) -> None:
        """Every word to the mean of its own vectors, which after `update` with decay 0 is one step of k-means.

        A word that no vector has chosen stays where it is.
        """
        means = self.sums / self.shares.clamp_min(1e-9)[:, None]
        self.words.copy_(torch.where(self.shares[:, None] > 1e-9, means, self.words))

    @torch.no_grad()
    def replace_dead(self, vectors: Tensor) -> None:
        """Puts every dead word in the place of one of `vectors` [N, code_dim].

        A vector is drawn with a probability proportional to its squared distance from the nearest word, as in
        k-means++. The share of a new word is set to twice the limit: if it falls below the limit before vectors choose
        the word, the word is replaced again.
        """
        limit = self.revive / self.codes
        dead = self.shares < limit
        distance = (vectors - self.words[self.nearest(vectors)]).square().sum(1)
        gumbel = -torch.log(-torch.log(torch.rand_like(distance).clamp(1e-12, 1 - 1e-7)))
        # draws without replacement; the first dead word gets the first, and so on
        order = (distance.clamp_min(1e-30).log() + gumbel).argsort(descending=True)
        places = order[(dead.cumsum(0) - 1).clamp_min(0) % len(order)]
        self.words.copy_(torch.where(dead[:, None], vectors[places], self.words))
        self.shares.copy_(torch.where(dead, 2 * limit, self.shares))
        sums = self.shares[:, None] * self.words
        self.sums.copy_(torch.where(dead[:, None], sums, self.sums))

    @torch.no_grad()
    def initialise(self, vectors: Tensor, *, steps: int = 10, seed: int = 0) -> None:
        """k-means on vectors [N, code_dim]: places drawn as in k-means++ (Arthur & Vassilvitskii 2007), then `steps` steps."""
        generator = torch.Generator().manual_seed(require.integer("seed", seed, low=0))
        place = torch.randint(len(vectors), (1,), generator=generator, device="cpu").to(
            vectors.device
        )
        distance = torch.full_like(vectors[:, 0], math.inf)
        for k in range(self.codes):
            self.words[k] = vectors[place[0]]
            distance = torch.minimum(distance, (vectors - self.words[k]).square().sum(1))
            place = torch.multinomial(distance.cpu() + 1e-30, 1, generator=generator).to(
                vectors.device
            )
        for _ in range(require.integer("steps", steps)):
            self.update(vectors, self.nearest(vectors), decay=0.0)
            self.move_words()

    def extra_repr(self) -> str:
        kind = "gradient" if self.by_gradient else f"ema, decay={self.decay:g}"
        return f"{self.codes}, {self.code_dim}, {kind}, revive={self.revive:g}"


class VQVAE(Model):
    """x -> grid of vectors -> grid of words -> x. The code of an image is h x w indices into a codebook.

    codes, code_dim: how many words there are, and how long each is. net: `nets.conv(...)`, each of whose halvings
    makes the grid coarser. likelihood: as in `VAE`. commitment: the weight of the term that keeps the encoder near
    its words. codebook, decay, revive: see `VectorQuantizer`.

    With a prior p(c) over the h x w indices c of an image, -log p(x) <= reconstruction - log p(c) nats; under a
    uniform prior the second part is h w log(codes), a constant, so that training need not know the prior.
    """

    def __init__(
        self,
        codes: int = 64,
        code_dim: int = 8,
        net=None,
        *,
        likelihood="bernoulli",
        commitment: float = 0.25,
        codebook: str = "ema",
        decay: float = 0.99,
        revive: float = 0.0,
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        net = nets.given(net, nets.conv(channels=(16, 32)))
        if not hasattr(net, "grid"):
            raise TypeError(
                f"net: got {net!r}; accepted is nets.conv(...), since a grid of words needs a grid of vectors"
            )
        grid = net.grid(require.image_shape("shape", shape))
        super().__init__(require.integer("code_dim", code_dim) * math.prod(grid), shape)
        self.grid = grid
        self.likelihood = as_likelihood(likelihood)
        self.input_range = getattr(self.likelihood, "input_range", None)
        self.commitment = require.number("commitment", commitment, low=0)
        self.encoder = net.grid_encoder(self.shape, code_dim)
        self.quantizer = VectorQuantizer(
            codes, code_dim, codebook=codebook, decay=decay, revive=revive
        )
        self.decoder = net.grid_decoder(code_dim, self.shape)

    def encode(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> one vector per cell [B, code_dim, h, w], not yet quantised."""
        return self.encoder(x)

    def quantize(self, z: Tensor) -> Tensor:
        """Vectors [B, code_dim, h, w] -> the nearest words, of the same shape."""
        return self.quantizer.lookup(self.quantizer.nearest(z.permute(0, 2, 3, 1)))

    def indices(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> which word stands in each cell, int64 [B, h, w]."""
        return self.quantizer.nearest(self.encode(x).permute(0, 2, 3, 1))

    def decode(self, z: Tensor) -> Tensor:
        """Words [B, code_dim, h, w] (or flat [B, latent_dim]) -> logits [B, C, H, W]."""
        return self.decoder(z.reshape(len(z), -1, *self.grid))

    def draw(self, indices: Tensor) -> Tensor:
        """Indices [B, h, w] -> the images [B, C, H, W] they stand for."""
        return self.pixels(self.decode(self.quantizer.lookup(indices)))

    def pixels(self, logits: Tensor) -> Tensor:
        """The mean image of p(x|c)."""
        return self.likelihood.mean(logits)

    def code(self, x: Tensor) -> Tensor:
        """The words of an image, as one point [B, latent_dim]."""
        return self.quantize(self.encode(x)).flatten(1)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-log p(x|words) and the squared distances between vectors and words, per image."""
        z = self.encode(x)
        with torch.autocast(x.device.type, enabled=False):  # distances need all their digits
            words, terms = self.quantizer(z.to(self.quantizer.words.dtype))
        reconstruction = -self.likelihood.log_prob(self.decode(words), x).mean()
        loss = reconstruction + self.commitment * terms["commitment"]
        if self.quantizer.by_gradient:
            loss = loss + terms["codebook"]
        return {"loss": loss, "reconstruction": reconstruction, "commitment": terms["commitment"]}

    @torch.no_grad()
    def initialise(self, x: Tensor, *, images: int = 500, seed: int = 0) -> VQVAE:
        """Starts the codebook by k-means on what the untrained encoder makes of some of x [N, C, H, W]; returns itself."""
        require.batch("x", x, self.shape)
        rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed), device="cpu")
        rows = rows[: require.integer("images", images)]
        device = next(self.parameters()).device
        vectors = (
            self.encode(x[rows].to(device)).permute(0, 2, 3, 1).reshape(-1, self.quantizer.code_dim)
        )
        self.quantizer.initialise(vectors, seed=seed)
        return self

    @torch.no_grad()
    def sample(self, n: int, prior=None) -> Tensor:
        """`n` images [n, C, H, W] from indices that `prior.sample(n)` gives, or from uniform ones where it is None."""
        n, device = require.integer("n", n), next(self.parameters()).device
        if prior is None:
            return self.draw(torch.randint(self.quantizer.codes, (n, *self.grid), device=device))
        return self.draw(prior.sample(n).to(device))

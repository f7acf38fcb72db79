"""A model whose answers are all known: linear decoder, Gaussian everything (probabilistic PCA).

    z ~ N(0, I_k),   x | z ~ N(W z + b, sigma^2 I_D)

Then x ~ N(b, C) with C = W W^T + sigma^2 I, and z | x ~ N(M^-1 W^T (x - b), sigma^2 M^-1) with M = W^T W + sigma^2 I.
Source: Tipping & Bishop 1999. Everything is in float64, in nats per image.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal, kl_divergence

from aecourse import require


class LinearGaussian:
    """The linear-Gaussian latent-variable model with W [D, k], b [D] and noise sigma > 0."""

    def __init__(self, W: Tensor, b: Tensor, sigma: float):
        if not isinstance(W, Tensor) or W.dim() != 2:
            raise ValueError(
                f"W: got {require.described(W)}; accepted is a tensor [pixels, latent_dim]"
            )
        if not isinstance(b, Tensor) or b.shape != W.shape[:1]:
            raise ValueError(
                f"b: got {require.described(b)}; accepted is a tensor [{len(W)}], one number per row of W"
            )
        self.W, self.b = W.detach().double(), b.detach().double()
        self.sigma = require.number("sigma", float(sigma), low=0, above=True)
        identity = torch.eye(W.shape[1], dtype=torch.float64, device=W.device)
        self.M = self.W.T @ self.W + self.sigma**2 * identity
        self._posterior_cov = self.sigma**2 * torch.linalg.inv(self.M)

    @classmethod
    def fit(cls, x: Tensor, latent_dim: int) -> LinearGaussian:
        """The maximum-likelihood model of x [N, D] in closed form (Tipping & Bishop 1999, equations 7 and 8)."""
        x = _rows("x", x).double()
        latent_dim = require.integer("latent_dim", latent_dim)
        if latent_dim >= x.shape[1]:
            raise ValueError(
                f"latent_dim: got {latent_dim}; accepted is fewer than the {x.shape[1]} columns of x"
            )
        mean = x.mean(0)
        values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
        values, vectors = values.flip(0), vectors.flip(1)
        noise = values[latent_dim:].mean().clamp_min(1e-12)
        W = vectors[:, :latent_dim] * (values[:latent_dim] - noise).clamp_min(0).sqrt()
        return cls(W, mean, noise.sqrt().item())

    @classmethod
    def from_vae(cls, vae) -> LinearGaussian:
        """The model that a VAE with a linear decoder and a Gaussian likelihood (squash=False) has learned."""
        layers = [layer for layer in vae.decoder if isinstance(layer, torch.nn.Linear)]
        if len(layers) != 1 or getattr(vae.likelihood, "squash", True):
            raise ValueError(
                f"vae: got a decoder with {len(layers)} linear layers and the likelihood "
                f"{type(vae.likelihood).__name__}; accepted is nets.mlp(hidden=()) with "
                "models.Gaussian(squash=False)"
            )
        return cls(layers[0].weight, layers[0].bias, vae.likelihood.sigma.item())

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), exact: x [N, D] -> nats [N]."""
        return self._marginal().log_prob(_rows("x", x, len(self.b)).double())

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """p(z|x), exact: x [N, D] -> a distribution over z [N, k]."""
        mean = (_rows("x", x, len(self.b)).double() - self.b) @ self.W @ torch.linalg.inv(self.M)
        return MultivariateNormal(mean, self._posterior_cov)

    def elbo(self, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        """E_q log p(x|z) - KL(q||p(z)) for q = N(mu, diag(exp(log_var))), without sampling: -> nats [N]."""
        x, mu, log_var = _rows("x", x, len(self.b)).double(), mu.double(), log_var.double()
        residual = (x - self.b - mu @ self.W.T).square().sum(1)
        spread = (log_var.exp() * self.W.square().sum(0)).sum(1)
        log_px = -0.5 * (residual + spread) / self.sigma**2 - len(self.b) * (
            math.log(self.sigma) + 0.5 * math.log(2 * math.pi)
        )
        return log_px + 0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(1)

    def kl_to_posterior(self, x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
        """KL(q || p(z|x)) for q = N(mu, diag(exp(log_var))): -> nats [N]."""
        q = MultivariateNormal(mu.double(), torch.diag_embed(log_var.double().exp()))
        return kl_divergence(q, self.posterior(x))

    def sample(self, n: int) -> Tensor:
        """`n` draws of x: [n, D], float64."""
        z = torch.randn(
            require.integer("n", n), self.W.shape[1], dtype=torch.float64, device=self.W.device
        )
        return (
            z @ self.W.T
            + self.b
            + self.sigma * torch.randn(n, len(self.b), dtype=torch.float64, device=self.W.device)
        )

    def _marginal(self) -> LowRankMultivariateNormal:
        return LowRankMultivariateNormal(self.b, self.W, torch.full_like(self.b, self.sigma**2))


def _directions_exist(x: Tensor, latent_dim: int) -> None:
    if latent_dim > x.shape[1]:
        raise ValueError(
            f"latent_dim: got {latent_dim}; accepted is at most the {x.shape[1]} columns of x"
        )


@require.checked(_directions_exist, x=lambda name, x: _rows(name, x), latent_dim=require.integer)
def pca(x: Tensor, latent_dim: int) -> tuple[Tensor, Tensor]:
    """The first principal directions of x [N, D]: (mean [D], directions [D, latent_dim] with orthonormal columns).

    Computed in float64 from the eigenvectors of the covariance, and returned in x's dtype.
    """
    mean = x.double().mean(0)
    centred = x.double() - mean
    vectors = torch.linalg.eigh(centred.T @ centred)[1].flip(1)  # largest first
    return mean.to(x.dtype), vectors[:, :latent_dim].to(x.dtype)


def principal_angles(A: Tensor, B: Tensor) -> Tensor:
    """The angles in radians, ascending, between the column spaces of A [D, k] and B [D, l]: [min(k, l)].

    Source: Björck & Golub 1973; small angles from sines, so that they are accurate.
    """
    if A.dim() != 2 or B.dim() != 2 or A.shape[0] != B.shape[0]:
        raise ValueError(
            f"B: got {require.described(B)} beside A {list(A.shape)}; accepted are matrices of equal height"
        )
    a, b = torch.linalg.qr(A.detach().double())[0], torch.linalg.qr(B.detach().double())[0]
    if a.shape[1] < b.shape[1]:
        a, b = b, a
    cosines = torch.linalg.svdvals(a.T @ b).clamp(max=1)
    sines = torch.linalg.svdvals(b - a @ (a.T @ b)).clamp(max=1).flip(0)
    return torch.where(sines < 0.7, torch.asin(sines), torch.acos(cosines))


def _rows(name: str, x: Tensor, columns: int | None = None) -> Tensor:
    """`x` as [N, D], images flattened."""
    if not isinstance(x, Tensor) or x.dim() < 2 or not len(x):
        raise ValueError(
            f"{name}: got {require.described(x)}; accepted is a tensor [N, D] or images [N, C, H, W]"
        )
    x = x.flatten(1)
    if columns is not None and x.shape[1] != columns:
        raise ValueError(f"{name}: got {x.shape[1]} numbers per image; accepted is {columns}")
    return x


class GaussianMixture:
    """Equally likely round Gaussians: means [K, D], one width per component, [K] or a number. Everything in float64.

    Its score, the gradient of log p(x), is known, and so is that of the density blurred by Gaussian noise, which is
    again a mixture. The best denoiser for noise of width sigma is x + sigma^2 * score of the blurred density
    (Tweedie's formula: Efron 2011; for denoising autoencoders Vincent 2011).
    """

    def __init__(self, means: Tensor, width: float | Tensor):
        if not isinstance(means, Tensor) or means.dim() != 2 or not len(means):
            raise ValueError(
                f"means: got {require.described(means)}; accepted is a tensor [components, dimensions]"
            )
        self.means = means.detach().double()
        self.width = torch.as_tensor(width, dtype=torch.float64).expand(len(means))
        if not (self.width > 0).all():
            raise ValueError(
                f"width: got {require.described(width)}; accepted is a positive number, or one per component"
            )

    def sample(self, n: int) -> Tensor:
        """`n` draws: [n, D], float64."""
        which = torch.randint(len(self.means), (require.integer("n", n),))
        return self.means[which] + self.width[which, None] * torch.randn(
            n, self.means.shape[1], dtype=torch.float64
        )

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x), exact: x [N, D] -> nats [N]."""
        return torch.logsumexp(self._log_joint(x), 1)

    def score(self, x: Tensor) -> Tensor:
        """The gradient of log p at x, exact: [N, D] -> [N, D]. Each component pulls, as far as it is responsible."""
        share = torch.softmax(self._log_joint(x), 1) / self.width.square()
        return share @ self.means - share.sum(1, keepdim=True) * x.double()

    def blurred(self, sigma: float) -> GaussianMixture:
        """The density of x + sigma * eps with eps ~ N(0, I)."""
        return GaussianMixture(
            self.means, (self.width.square() + require.number("sigma", sigma, low=0) ** 2).sqrt()
        )

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        """The mean of the clean point given the noisy x [N, D], which has the least squared error there is."""
        return x.double() + sigma**2 * self.blurred(sigma).score(x)

    def _log_joint(self, x: Tensor) -> Tensor:
        """log p(x, component): [N, D] -> [N, K]."""
        distance = (
            (_rows("x", x, self.means.shape[1]).double()[:, None] - self.means).square().sum(2)
        )
        normaliser = self.means.shape[1] * (
            self.width.log() + 0.5 * math.log(2 * math.pi)
        ) + math.log(len(self.means))
        return -0.5 * distance / self.width.square() - normaliser

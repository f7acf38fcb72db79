"""The models: the class is the model, its `loss` is the objective."""
from aecourse.models.aggressive import AggressiveVAE
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.autoregressive import MADE, Codeless, MaskedConv
from aecourse.models.base import LatentModel, Model
from aecourse.models.beta_tcvae import BetaTCVAE, CapacityVAE, kl_parts
from aecourse.models.classifier import Classifier
from aecourse.models.code_prior import CodePrior
from aecourse.models.denoising import DenoisingAutoencoder, GaussianNoise, Masking, SaltAndPepper
from aecourse.models.flows import FlowVAE
from aecourse.models.iwae import IWAE, log_mean_weight
from aecourse.models.ladder import LadderVAE, gaussian_kl, merge
from aecourse.models.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from aecourse.models.linear import LinearAutoencoder
from aecourse.models.posterior import Posterior, planar
from aecourse.models.vae import VAE, kl_divergence, reparameterize
from aecourse.models.vqvae import VQVAE, VectorQuantizer

__all__ = ["AggressiveVAE", "Autoencoder", "BetaTCVAE", "CapacityVAE", "kl_parts", "Bernoulli", "Classifier", "CodePrior", "Codeless", "ContinuousBernoulli", "DenoisingAutoencoder", "Gaussian", "GaussianNoise",
           "FlowVAE", "IWAE", "LadderVAE", "LatentModel",
           "LinearAutoencoder", "Posterior", "MADE", "MaskedConv", "Masking", "Model", "SaltAndPepper", "VAE",
           "VQVAE", "VectorQuantizer", "gaussian_kl", "kl_divergence", "log_mean_weight", "merge", "planar",
           "reparameterize"]

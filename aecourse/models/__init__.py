"""The models: the class is the model, its `loss` is the objective."""

from aecourse.models.adversarial import AdversarialAutoencoder, judge_loss, reverse_gradient
from aecourse.models.aggressive import AggressiveVAE
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.autoregressive import MADE, Codeless, MaskedConv
from aecourse.models.base import LatentModel, Model
from aecourse.models.beta_tcvae import BetaTCVAE, CapacityVAE, kl_parts
from aecourse.models.classifier import Classifier
from aecourse.models.code_prior import CodePrior
from aecourse.models.conditional import ConditionalVAE
from aecourse.models.contractive import ContractiveAutoencoder, contraction, sigmoid_contraction
from aecourse.models.denoising import DenoisingAutoencoder, GaussianNoise, Masking, SaltAndPepper
from aecourse.models.discrepancy import inverse_multiquadratic, mmd, rbf
from aecourse.models.flows import FlowVAE
from aecourse.models.gan import GAN, frozen
from aecourse.models.incomplete import MIWAE, MaskDenoiser, observed_log_prob
from aecourse.models.iwae import IWAE, log_mean_weight
from aecourse.models.ladder import LadderVAE, gaussian_kl, merge
from aecourse.models.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Multinomial
from aecourse.models.linear import LinearAutoencoder
from aecourse.models.posterior import Posterior, planar
from aecourse.models.recommender import MultDAE, MultVAE, ease
from aecourse.models.semi_supervised import M2
from aecourse.models.sparse import SparseAutoencoder, kl_sparsity, top_k
from aecourse.models.vae import VAE, kl_divergence, reparameterize
from aecourse.models.vqvae import VQVAE, VectorQuantizer

__all__ = [
    "AdversarialAutoencoder",
    "AggressiveVAE",
    "Autoencoder",
    "BetaTCVAE",
    "CapacityVAE",
    "kl_parts",
    "Bernoulli",
    "Classifier",
    "CodePrior",
    "Codeless",
    "ConditionalVAE",
    "ContinuousBernoulli",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "Gaussian",
    "GaussianNoise",
    "FlowVAE",
    "GAN",
    "IWAE",
    "LadderVAE",
    "LatentModel",
    "LinearAutoencoder",
    "M2",
    "Posterior",
    "MADE",
    "MIWAE",
    "MaskDenoiser",
    "MaskedConv",
    "Masking",
    "Model",
    "MultDAE",
    "MultVAE",
    "Multinomial",
    "SaltAndPepper",
    "SparseAutoencoder",
    "VAE",
    "VQVAE",
    "VectorQuantizer",
    "contraction",
    "ease",
    "frozen",
    "gaussian_kl",
    "inverse_multiquadratic",
    "judge_loss",
    "kl_divergence",
    "kl_sparsity",
    "log_mean_weight",
    "merge",
    "mmd",
    "observed_log_prob",
    "planar",
    "rbf",
    "reverse_gradient",
    "reparameterize",
    "sigmoid_contraction",
    "top_k",
]

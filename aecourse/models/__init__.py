"""The models: the class is the model, its `loss` is the objective."""
from aecourse.models.autoencoder import Autoencoder
from aecourse.models.base import Model
from aecourse.models.classifier import Classifier
from aecourse.models.denoising import DenoisingAutoencoder, GaussianNoise, Masking, SaltAndPepper
from aecourse.models.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from aecourse.models.linear import LinearAutoencoder
from aecourse.models.vae import VAE, kl_divergence, reparameterize

__all__ = ["Autoencoder", "Bernoulli", "Classifier", "ContinuousBernoulli", "DenoisingAutoencoder", "Gaussian", "GaussianNoise",
           "LinearAutoencoder", "Masking", "Model", "SaltAndPepper", "VAE", "kl_divergence", "reparameterize"]

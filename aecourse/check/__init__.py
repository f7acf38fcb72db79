"""Exercise checkers: give one your function and it answers at once, naming what is wrong.

    check.kl_divergence(my_function)

Each compares with a reference on seeded random inputs of odd sizes. Nothing raises: a stub that is not written yet,
or a function that fails, gets an answer too.
"""
from aecourse.check.core import Answer
from aecourse.check.beta_vae import mig, rate_in_bits, total_correlation
from aecourse.check.bottleneck import parameter_count, pca_reconstruction, squared_error
from aecourse.check.collapse import free_bits, made_mask
from aecourse.check.denoising import denoising_loss, mask, psnr
from aecourse.check.elbo import kl_divergence, log_mean_exp
from aecourse.check.interpolation import path_length, pullback_metric, slerp
from aecourse.check.latent_views import index_code_information, neighbour_probabilities
from aecourse.check.reparameterization import reparameterize, score_function_gradient, straight_through
from aecourse.check.vq_vae import nearest_code, perplexity, vq_loss
from aecourse.check.tighter_bounds import effective_sample_size, iwae_bound, planar_flow

__all__ = ["Answer", "mig", "rate_in_bits", "total_correlation", "denoising_loss", "free_bits", "made_mask", "index_code_information", "kl_divergence", "log_mean_exp", "mask", "nearest_code", "neighbour_probabilities",
           "parameter_count",
           "path_length", "pca_reconstruction", "perplexity", "psnr", "pullback_metric", "reparameterize",
           "score_function_gradient", "slerp", "squared_error", "straight_through", "vq_loss", "effective_sample_size", "iwae_bound", "planar_flow"]

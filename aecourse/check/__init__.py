"""Exercise checkers: give one your function and it answers at once, naming what is wrong.

    check.kl_divergence(my_function)

Each compares results and gradients with a reference's on seeded random inputs of odd sizes,
    then on unkind ones. Nothing
raises: a stub that is not written yet, or a function that fails, gets an answer too.
"""
from aecourse.check.core import Answer, settled
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

__all__ = ["Answer", "effective_sample_size", "denoising_loss", "free_bits", "index_code_information", "iwae_bound",
           "kl_divergence", "log_mean_exp", "made_mask", "mask", "mig", "nearest_code", "neighbour_probabilities",
           "parameter_count", "path_length", "pca_reconstruction", "perplexity", "planar_flow", "psnr",
           "pullback_metric", "rate_in_bits", "reparameterize", "score_function_gradient", "slerp", "squared_error",
           "straight_through", "total_correlation", "vq_loss"]
globals().update({name: settled(globals()[name]) for name in __all__[1:]})

"""Exercise checkers: give one your function and it answers at once, naming what is wrong.

    check.kl_divergence(my_function)

Each compares with a reference on seeded random inputs of odd sizes. Nothing raises: a stub that is not written yet,
or a function that fails, gets an answer too.
"""
from aecourse.check.core import Answer
from aecourse.check.bottleneck import parameter_count, pca_reconstruction, squared_error
from aecourse.check.denoising import denoising_loss, mask, psnr
from aecourse.check.elbo import kl_divergence, log_mean_exp
from aecourse.check.reparameterization import reparameterize, score_function_gradient, straight_through

__all__ = ["Answer", "denoising_loss", "kl_divergence", "log_mean_exp", "mask", "parameter_count",
           "pca_reconstruction", "psnr", "reparameterize", "score_function_gradient", "squared_error",
           "straight_through"]

"""Measures. Likelihoods are in nats per image; each function gives one figure per image where it can."""
from aecourse.evaluate.codes import active_units, codes, knn_accuracy
from aecourse.evaluate.likelihood import elbo, kl_per_latent, log_likelihood
from aecourse.evaluate.pictures import nearest_distance, psnr, recognised, reconstruct, squared_error

__all__ = ["active_units", "codes", "elbo", "kl_per_latent", "knn_accuracy", "log_likelihood", "nearest_distance", "psnr",
           "recognised", "reconstruct", "squared_error"]

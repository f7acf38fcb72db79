"""Measures. Likelihoods are in nats per image; each function gives one figure per image where it can."""
from aecourse.evaluate.codebook import code_indices, code_nats, codebook_usage, perplexity
from aecourse.evaluate.aggregated import aggregated_log_prob, index_code_information, kl_aggregated, total_correlation
from aecourse.evaluate.codes import active_units, codes, continuity, knn_accuracy, neighbour_accuracy, trustworthiness
from aecourse.evaluate.gaps import Gaps, effective_samples, gaps, gradient_moments, signal_to_noise
from aecourse.evaluate.disentanglement import DCI, dci, draw_codes, factor_vae_score, mig, mutual_information
from aecourse.evaluate.likelihood import elbo, kl_per_latent, log_likelihood
from aecourse.evaluate.pictures import nearest_distance, psnr, recognised, reconstruct, squared_error
from aecourse.evaluate.rate import RateDistortion, rate_distortion
from aecourse.evaluate.sharpness import laplacian_energy

__all__ = ["DCI", "Gaps", "RateDistortion", "active_units", "aggregated_log_prob", "code_indices", "code_nats",
           "codebook_usage", "codes", "continuity", "dci", "draw_codes", "effective_samples", "elbo",
           "factor_vae_score", "gaps", "gradient_moments", "index_code_information", "kl_aggregated",
           "kl_per_latent", "knn_accuracy", "laplacian_energy", "log_likelihood", "mig", "mutual_information", "nearest_distance", "neighbour_accuracy",
           "perplexity", "psnr", "rate_distortion", "recognised", "reconstruct", "signal_to_noise",
           "squared_error", "total_correlation", "trustworthiness"]

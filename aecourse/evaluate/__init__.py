"""Measures. Likelihoods are in nats per image; each function gives one figure per image where it can."""

from aecourse.evaluate.aggregated import (
    aggregated_log_prob,
    index_code_information,
    kl_aggregated,
    total_correlation,
)
from aecourse.evaluate.anomaly import (
    Alarms,
    alarm_threshold,
    alarms,
    auroc,
    average_precision,
    cheapest_threshold,
    compressed_nats,
)
from aecourse.evaluate.codebook import code_indices, code_nats, codebook_usage, perplexity
from aecourse.evaluate.codes import (
    active_units,
    codes,
    continuity,
    knn_accuracy,
    neighbour_accuracy,
    trustworthiness,
)
from aecourse.evaluate.conditional import (
    log_likelihood_given,
    named_as,
    probe_accuracy,
    style_codes,
)
from aecourse.evaluate.diagnose import Diagnosis, Finding, diagnose
from aecourse.evaluate.disentanglement import (
    DCI,
    Importances,
    dci,
    draw_codes,
    factor_vae_score,
    factor_votes,
    importances,
    mig,
    mutual_information,
)
from aecourse.evaluate.features import GaborFit, footprint, gabor_fit, kurtosis
from aecourse.evaluate.few_labels import Crossing, Spreads, crossing, spreads
from aecourse.evaluate.gaps import Gaps, effective_samples, gaps, gradient_moments, signal_to_noise
from aecourse.evaluate.likelihood import elbo, kl_per_latent, log_likelihood
from aecourse.evaluate.missing import (
    coverage,
    hole_rmse,
    imputations,
    imputed,
    observed_log_likelihood,
)
from aecourse.evaluate.pictures import (
    nearest_distance,
    psnr,
    recognised,
    reconstruct,
    squared_error,
)
from aecourse.evaluate.ranking import ndcg_at, recall_at, top_items
from aecourse.evaluate.rate import RateDistortion, rate_distortion
from aecourse.evaluate.sharpness import laplacian_energy
from aecourse.evaluate.two_sample import TwoSampleTest, mmd_of_gaussians, two_sample_test

__all__ = [
    "Alarms",
    "Crossing",
    "DCI",
    "Importances",
    "Diagnosis",
    "Finding",
    "GaborFit",
    "Gaps",
    "RateDistortion",
    "Spreads",
    "TwoSampleTest",
    "active_units",
    "aggregated_log_prob",
    "alarm_threshold",
    "alarms",
    "auroc",
    "average_precision",
    "cheapest_threshold",
    "code_indices",
    "code_nats",
    "codebook_usage",
    "codes",
    "compressed_nats",
    "continuity",
    "coverage",
    "crossing",
    "dci",
    "diagnose",
    "draw_codes",
    "effective_samples",
    "elbo",
    "factor_vae_score",
    "factor_votes",
    "footprint",
    "gabor_fit",
    "gaps",
    "gradient_moments",
    "hole_rmse",
    "importances",
    "imputations",
    "imputed",
    "index_code_information",
    "kl_aggregated",
    "kl_per_latent",
    "knn_accuracy",
    "kurtosis",
    "laplacian_energy",
    "log_likelihood",
    "log_likelihood_given",
    "mig",
    "mmd_of_gaussians",
    "mutual_information",
    "named_as",
    "ndcg_at",
    "nearest_distance",
    "observed_log_likelihood",
    "neighbour_accuracy",
    "perplexity",
    "probe_accuracy",
    "psnr",
    "rate_distortion",
    "recall_at",
    "recognised",
    "reconstruct",
    "signal_to_noise",
    "spreads",
    "squared_error",
    "style_codes",
    "top_items",
    "total_correlation",
    "trustworthiness",
    "two_sample_test",
]

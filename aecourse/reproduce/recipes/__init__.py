"""The experiments, the cheapest first. A new one is a file here and a line below."""

from aecourse.reproduce.recipe import Recipe
from aecourse.reproduce.recipes import (
    exact_likelihood,
    features,
    few_labels,
    first_minutes,
    gaps,
    gradient_variance,
    hinton,
    iris,
    iwae,
    minutes,
    one_class,
    pca,
    pytorch_example,
    quadrants,
    recommender,
    stacked,
    static_vae,
    two_layers,
    vqvae,
)

ALL = (
    gradient_variance.RECIPE,
    exact_likelihood.RECIPE,
    pca.RECIPE,
    iris.RECIPE,
    pytorch_example.RECIPE,
    first_minutes.FIRST_VAE,
    one_class.RECIPE,
    few_labels.M1,
    few_labels.STACKED,
    gaps.RECIPE,
    first_minutes.FIRST_AUTOENCODER,
    features.RECIPE,
    recommender.RECIPE,
    vqvae.RECIPE,
    stacked.RECIPE,
    quadrants.RECIPE,
    static_vae.RECIPE,
    few_labels.DEEP,
    two_layers.RECIPE,
    iwae.RECIPE,
    hinton.RECIPE,
    minutes.RECIPE,
)
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in sorted(ALL, key=lambda recipe: recipe.minutes)
}

"""Interactive figures: one HTML fragment each, at home in a static page and in a live notebook.

    explore.alarms({name: scores, ...}, labels)                            # move a threshold, watch alarms and costs
    explore.anatomy(model, images)                                         # one image through every layer and term of a VAE
    explore.ask(model, codes)                                              # a conditional VAE: a class, a hand, your own
    explore.bend({"banana": {steps: q, ...}})                              # bend a Gaussian towards a known posterior
    explore.bench(run, {"beta": [1, 4]}, start={"beta": 1}, title=...)    # train again with other settings, in a live notebook
    explore.code_size(originals, reconstructions, sizes=..., errors=...)   # a slider over code sizes
    explore.codebook(decoder, words, indices)                             # swap the words an image is made of
    explore.gradients(mu=2.0, sigma=1.0)                                   # two estimators of a gradient
    explore.interpolate(images, methods)                                   # from one digit to another, on several ways
    explore.layouts({name: places, ...}, codes, images, labels)            # pictures of the same codes
    explore.latent_plane(decoder, codes, labels)                           # a decoder under the pointer
    explore.weighted_draws(mu=0.9, sigma=0.3, K=5)                         # K weighted draws against a known posterior
    explore.denoise({name: network, ...}, images)                          # spoil a digit, watch it being repaired
    explore.fill_in(model, images)                                         # erase, and see several completions
    explore.museum([{curve, rows, facts, answer, others, why}, ...])       # which run is broken, and how?
    explore.playground()                                                   # train models in the page
    explore.strokes({price: model, ...}, images)                           # a wall of features that light up for a digit
    explore.prior_pull({name: (decoder, draws, codes), ...}, labels)       # codes on their way into a prior
    explore.rate_films(model, weights, popularity, ratings)                # choose films, see three rankings move
    explore.receptive_field(encoder, images)                               # what each layer of a convolutional network sees
    explore.teach(pool, test, places=places)                              # label a few digits, see three readers improve
    explore.traversals({name: (decoder, kl, starts), ...})                 # one slider per latent
    explore.tsne(codes, labels)                                            # t-SNE, run in the page from any start
    explore.two_paths(decoder, codes, labels, ends=ends)                   # the straight line and a shorter path between two codes
    explore.waterline(x, images)                                           # which latents of a linear VAE are dry

Every figure but the bench is a `Figure`: it carries its data, its style and its script, asks nothing of a network or
a kernel, and comes with a description in words. A bench needs a kernel to train and leaves a still `Figure` without one.
"""

from aecourse.page.figure import Figure

from .alarms import alarms
from .anatomy import anatomy
from .ask import ask
from .bench import bench
from .bend import bend
from .code_size import code_size
from .codebook import codebook
from .denoise import denoise
from .fill_in import fill_in
from .gradients import gradients
from .interpolate import interpolate
from .latent_plane import latent_plane
from .layouts import layouts
from .museum import museum
from .playground import playground
from .prior_pull import prior_pull
from .rate_films import rate_films
from .receptive_field import receptive_field
from .strokes import strokes
from .teach import teach
from .traversals import traversals
from .tsne import tsne
from .two_paths import two_paths
from .waterline import waterline
from .weighted_draws import weighted_draws

__all__ = [
    "Figure",
    "alarms",
    "anatomy",
    "ask",
    "bench",
    "bend",
    "codebook",
    "code_size",
    "denoise",
    "fill_in",
    "gradients",
    "interpolate",
    "latent_plane",
    "layouts",
    "museum",
    "playground",
    "strokes",
    "prior_pull",
    "rate_films",
    "receptive_field",
    "teach",
    "traversals",
    "tsne",
    "two_paths",
    "waterline",
    "weighted_draws",
]

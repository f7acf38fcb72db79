"""Interactive figures: one HTML fragment each, at home in a static page and in a live notebook.

    explore.anatomy(model, images)                                         # one image through every layer and term of a VAE
    explore.bench(run, {"beta": [1, 4]}, start={"beta": 1}, title=...)    # train again with other settings, in a live notebook
    explore.code_size(originals, reconstructions, sizes=..., errors=...)   # a slider over code sizes
    explore.codebook(decoder, words, indices)                             # swap the words an image is made of
    explore.gradients(mu=2.0, sigma=1.0)                                   # two estimators of a gradient
    explore.interpolate(images, methods)                                   # from one digit to another, on several ways
    explore.layouts({name: places, ...}, codes, images, labels)            # pictures of the same codes
    explore.latent_plane(decoder, codes, labels)                           # a decoder under the pointer
    explore.weighted_draws(mu=0.9, sigma=0.3, K=5)                         # K weighted draws against a known posterior
    explore.denoise({name: network, ...}, images)                          # spoil a digit, watch it being repaired
    explore.playground()                                                   # train models in the page
    explore.traversals({name: (decoder, kl, starts), ...})                 # one slider per latent
    explore.waterline(x, images)                                           # which latents of a linear VAE are dry

Every figure but the bench is a `Figure`: it carries its data, its style and its script, asks nothing of a network or
a kernel, and comes with a description in words. A bench needs a kernel to train and leaves a still `Figure` without one.
"""

from .anatomy import anatomy
from .bench import bench
from .codebook import codebook
from .denoise import denoise
from .figure import Figure
from .gradients import gradients
from .interpolate import interpolate
from .layouts import layouts
from .plane import latent_plane
from .playground import playground
from .sizes import code_size
from .traversals import traversals
from .waterline import waterline
from .weighted_draws import weighted_draws

__all__ = ["Figure", "anatomy", "bench", "codebook", "code_size", "denoise", "gradients", "interpolate", "latent_plane", "layouts", "playground", "traversals", "waterline", "weighted_draws"]

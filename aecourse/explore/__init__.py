"""Interactive figures: one HTML fragment each, at home in a static page and in a live notebook.

    explore.code_size(originals, reconstructions, sizes=..., errors=...)   # a slider over code sizes
    explore.gradients(mu=2.0, sigma=1.0)                                   # two estimators of a gradient
    explore.latent_plane(decoder, codes, labels)                           # a decoder under the pointer
    explore.denoise({name: network, ...}, images)                          # spoil a digit, watch it being repaired

Every figure is a `Figure`: it carries its data, its style and its script, asks nothing of a network or
a kernel, and comes with a description in words.
"""

from .denoise import denoise
from .figure import Figure
from .gradients import gradients
from .plane import latent_plane
from .sizes import code_size

__all__ = ["Figure", "code_size", "denoise", "gradients", "latent_plane"]

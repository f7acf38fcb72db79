"""Interactive figures: one HTML fragment each, at home in a static page and in a live notebook.

    explore.code_size(originals, reconstructions, sizes=..., errors=...)   # a slider over code sizes
    explore.latent_plane(decoder, codes, labels)                           # a decoder under the pointer

Every figure is a `Figure`: it carries its data, its style and its script, asks nothing of a network or
a kernel, and comes with a description in words.
"""

from .figure import Figure
from .plane import latent_plane
from .sizes import code_size

__all__ = ["Figure", "code_size", "latent_plane"]

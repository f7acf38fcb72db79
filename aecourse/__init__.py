"""The code of the course *Autoencoders, Measured*: each idea once, in a file that can be read in one sitting.

Reading order: `data`, `nets`, `models`, `train`, `evaluate`, `exact`; then `plots`, `explore`, `claims`,
`check` and `quiz`, which show what those found. Imports point in that direction only.

Conventions everywhere: images are float32 [N, C, H, W] in [0, 1]; a loss is summed over pixels and latents,
averaged over the batch, in nats per image; decoders return logits.
"""

__version__ = "0.1.0"

from aecourse import quick, seeds

seeds.install()
quick.install()

"""Every kind of model that a lesson trains is found in the cache the second time, so that no lesson trains for nothing."""

import pytest
import torch

from aecourse import convolution, data, estimators, models, nets, train
from aecourse.data import Split

SHAPE, CODES = (1, 8, 8), (2, 2)
DENSE, CONV = nets.mlp((6,)), nets.conv((2, 3))
X = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(0)).round()
MASK = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(1)) < 0.6
GRIDS = torch.randint(4, (12, *CODES), generator=torch.Generator().manual_seed(2))
LABELS = torch.arange(12) % 3


def dense(kind, *arguments, likelihood=None, **options):
    """A builder of such a model; likelihood: a builder, since a likelihood may be trained, too."""

    def build():
        own = {} if likelihood is None else {"likelihood": likelihood()}
        return kind(*arguments, **{"net": DENSE, "shape": SHAPE, **options, **own})

    return build


def conv(kind, *arguments, **options):
    return dense(kind, *arguments, **{"net": CONV, **options})


MODELS = {
    "autoencoder": dense(models.Autoencoder, 2),
    "autoencoder, conv": conv(models.Autoencoder, 2, error="bce"),
    "autoencoder, batch norm": conv(models.Autoencoder, 2, net=nets.conv((2,), batch_norm=True)),
    "autoencoder, upsampling": conv(models.Autoencoder, 2, net=convolution.upsampling((2, 3))),
    "autoencoder, flat": dense(models.Autoencoder, 2, net=nets.mlp(()), output="identity"),
    "linear": lambda: models.LinearAutoencoder(2, shape=SHAPE),
    "sparse, l1": dense(models.SparseAutoencoder, 5),
    "sparse, kl": dense(models.SparseAutoencoder, 5, penalty="kl"),
    "sparse, topk": dense(models.SparseAutoencoder, 5, penalty="topk", k=2),
    "contractive, tied": lambda: models.ContractiveAutoencoder(2, shape=SHAPE),
    "contractive": dense(models.ContractiveAutoencoder, 2),
    "denoising, Gaussian": dense(
        models.DenoisingAutoencoder, 2, noise=models.GaussianNoise((0.1, 0.5))
    ),
    "denoising, masks": conv(models.DenoisingAutoencoder, 2, noise=models.Masking(0.5, patch=2)),
    "denoising, salt": dense(models.DenoisingAutoencoder, 2, noise=models.SaltAndPepper(0.2)),
    "VAE": dense(models.VAE, 2),
    "VAE, conv": conv(models.VAE, 2, likelihood=models.Gaussian, beta=2.0, free_bits=0.1),
    "VAE, continuous": dense(models.VAE, 2, likelihood=models.ContinuousBernoulli),
    "VAE, learned sigma": dense(models.VAE, 2, likelihood=lambda: models.Gaussian(learned=True)),
    "VAE, MADE": dense(models.VAE, 2, likelihood=lambda: models.MADE((6,), shape=SHAPE)),
    "VAE, masked convolution": dense(
        models.VAE, 2, likelihood=lambda: models.MaskedConv(window=3, channels=2)
    ),
    "codeless": lambda: models.Codeless(models.MADE((6,), shape=SHAPE), shape=SHAPE),
    "score function": dense(estimators.ScoreFunctionVAE, 2),
    "aggressive": dense(models.AggressiveVAE, 2),
    "beta-TCVAE": dense(models.BetaTCVAE, 2, images=12),
    "capacity": dense(models.CapacityVAE, 2),
    "IWAE": dense(models.IWAE, 2, samples=2),
    "IWAE, dreg": dense(models.IWAE, 2, samples=2, estimator="dreg"),
    "flow": dense(models.FlowVAE, 2, steps=2),
    "ladder": dense(models.LadderVAE, (3, 2), widths=(6, 6)),
    "VQ-VAE": conv(models.VQVAE, 4, 2),
    "VQ-VAE, gradient": conv(models.VQVAE, 4, 2, codebook="gradient"),
    "adversarial": dense(models.AdversarialAutoencoder, 2, judge=(6,)),
    "adversarial, roll": dense(models.AdversarialAutoencoder, 2, prior="swiss_roll", judge=(6,)),
    "adversarial, mixture by mmd": conv(
        models.AdversarialAutoencoder, 2, prior="mixture", penalty="mmd"
    ),
    "GAN": dense(models.GAN, 2),
    "GAN, calm": dense(models.GAN, 2, calm=1.0, output="identity"),
    "Mult-DAE": lambda: models.MultDAE(2, nets.mlp(()), shape=(64,)),
    "Mult-VAE": lambda: models.MultVAE(2, nets.mlp((6,)), shape=(64,)),
    "MIWAE": dense(models.MIWAE, 2, samples=2),
    "mask denoiser": dense(models.MaskDenoiser, 2),
    "mask denoiser, hiding": dense(models.MaskDenoiser, 2, hide=models.Masking(0.5)),
    "classifier": dense(models.Classifier, 3),
    "classifier, conv": conv(models.Classifier, 3),
    "conditional VAE": dense(models.ConditionalVAE, 2, classes=3),
    "conditional VAE, conv": conv(
        models.ConditionalVAE, 2, classes=3, embed="one_hot", prior="learned"
    ),
    "M2": dense(models.M2, 2, classes=3),
    "code prior": lambda: models.CodePrior(4, CODES, width=8, layers=1, heads=2),
}


def columns(name: str):
    """What each kind of model is trained on: a tensor, or a Split with the columns that its loss names."""
    if name == "code prior":
        return GRIDS
    if name.startswith("Mult"):
        return X.flatten(1)
    if "MIWAE" in name or "mask denoiser" in name:
        return Split(X, LABELS, mask=MASK)
    if name.startswith(("classifier", "conditional", "M2")):
        return Split(X, LABELS)
    return X


def cached(name: str, **options) -> bool:
    torch.manual_seed(0)
    settings = {"epochs": 1, "batch_size": 8, "progress": False, **options}
    return train.fit(MODELS[name](), columns(name), **settings).cached


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", MODELS)
def test_each_kind_of_model_is_found_in_the_cache(name):
    assert [cached(name) for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    "name, options",
    [
        ("autoencoder", {"validation": X[:4], "keep": "best"}),
        ("autoencoder", {"transform": data.binarize, "clip": 1.0, "ema": 0.9}),
        ("VAE", {"weights": {"beta": train.warmup(0.2)}, "schedule": "constant"}),
        ("Mult-VAE", {"weights": {"beta": train.warmup(to=0.2)}}),
        ("capacity", {"weights": {"capacity": train.warmup(0.8, to=25)}}),
    ],
    ids=["validation", "transform", "warm-up", "cap", "capacity"],
)
def test_the_usual_options_are_known(name, options):
    assert [cached(name, **options) for _ in range(2)] == [False, True]

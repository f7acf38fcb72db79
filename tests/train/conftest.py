"""What the tests of training share: small images, small models, and no cache unless a test asks for one."""

from contextlib import contextmanager

import pytest
import torch

from aecourse import models, nets
from aecourse.data import Images, Split

SHAPE = (1, 4, 5)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", "off")


@pytest.fixture
def images() -> Images:
    """22 images (so that batches of 8 leave an odd one of 6) and 7 held out."""
    generator = torch.Generator().manual_seed(7)
    return Images(
        "random",
        *(
            Split(
                torch.rand(n, *SHAPE, generator=generator),
                torch.randint(10, (n,), generator=generator),
            )
            for n in (22, 7)
        ),
    )


@pytest.fixture
def autoencoder():
    """A builder of equal autoencoders, whose loss draws no random numbers."""
    return lambda **options: seeded(
        lambda: models.Autoencoder(2, nets.mlp((6,), "tanh"), shape=SHAPE, **options)
    )


@pytest.fixture
def vae():
    """A builder of equal VAEs, whose loss draws noise."""
    return lambda **options: seeded(lambda: models.VAE(2, nets.mlp((6,)), shape=SHAPE, **options))


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return build()


@pytest.fixture
def weights():
    """The weights of a model as one vector."""
    return lambda model: torch.cat(
        [p.detach().cpu().flatten() for p in model.state_dict().values()]
    )


@pytest.fixture
def small_files():
    """A context in which no file can grow beyond so many bytes: what a full disk does, also to the administrator."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited

"""The quantiser and the VQ-VAE: the straight-through gradient, k-means, revival, and known counts."""

import math
import warnings

import pytest
import torch
from sklearn.cluster import KMeans
from torch.autograd import grad

from aecourse import evaluate, nets, train
from aecourse.models import VQVAE, VectorQuantizer

LEFT = iter(())


def quantizer(words, **options):
    """A quantiser with these words [K, D]."""
    made = VectorQuantizer(*words.shape, **options)
    made.words.data.copy_(words)
    return made.to(words.dtype)


def small(seed=0, **options):
    torch.manual_seed(seed)
    return VQVAE(
        **{
            "codes": 6,
            "code_dim": 3,
            "net": nets.conv((4, 5)),
            "shape": (1, 12, 8),
            "revive": 0.1,
            **options,
        }
    )


def some(n=10, seed=0, shape=(1, 12, 8)):
    return (torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


# ---- Quantising ----------------------------------------------------------------------------------------------


def test_every_cell_gets_the_word_nearest_to_its_own_channels():
    """Non-square, with fewer channels than cells: reshaping NCHW without moving the channels would mix cells."""
    torch.manual_seed(0)
    z, words = torch.randn(2, 3, 5, 4), torch.randn(7, 3)
    out, _ = quantizer(words).eval()(z)
    for b in range(2):
        for row in range(5):
            for column in range(4):
                distances = [(z[b, :, row, column] - word).square().sum() for word in words]
                best = min(range(7), key=distances.__getitem__)
                assert torch.equal(out[b, :, row, column], words[best])
    mixed = words[torch.cdist(z.reshape(-1, 3), words).argmin(1)].view(z.shape)
    assert not torch.equal(out, mixed)


def test_of_equally_near_words_the_first_is_taken():
    words = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    vectors = torch.tensor([[1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.5], [0.0, 9.0]])
    assert quantizer(words).nearest(vectors).tolist() == [0, 0, 1, 1, 3]


def test_words_are_fixed_points_and_lookup_undoes_nearest():
    torch.manual_seed(0)
    made = quantizer(torch.randn(9, 4))
    indices = torch.randint(9, (3, 2, 5))
    words = made.lookup(indices)
    assert words.shape == (3, 4, 2, 5) and torch.equal(
        made.nearest(words.permute(0, 2, 3, 1)), indices
    )
    out, terms = made.eval()(words)
    assert torch.equal(out, words) and terms["commitment"] == terms["codebook"] == 0


# ---- Gradients -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_straight_through_copies_the_gradient_exactly(codebook):
    torch.manual_seed(0)
    z = torch.randn(3, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    made = quantizer(torch.randn(8, 2, dtype=torch.float64), codebook=codebook)
    out, _ = made(z)
    weights = torch.randn_like(out)
    at_decoder, at_encoder = grad((weights * out.sin()).sum(), (out, z))
    assert torch.equal(at_encoder, at_decoder) and at_decoder.any()


def test_a_model_s_encoder_gets_the_decoder_s_gradient():
    model, x = small(commitment=0.0), some()
    z = model.encode(x).detach().requires_grad_()
    words, _ = model.eval().quantizer(z)
    reconstruction = -model.likelihood.log_prob(model.decode(words), x).mean()
    at_words, at_z = grad(reconstruction, (words, z))
    assert torch.equal(at_words, at_z)


def test_each_term_moves_its_own_side():
    torch.manual_seed(0)
    z = torch.randn(2, 3, 2, 2, requires_grad=True)
    made = quantizer(torch.randn(5, 3), codebook="gradient").eval()
    out, terms = made(z)
    words = out.detach()
    at_z, at_words = grad(
        terms["commitment"], (z, made.words), allow_unused=True, retain_graph=True
    )
    assert at_words is None and torch.allclose(at_z, 2 * (z - words) / 2)
    at_z, at_words = grad(terms["codebook"], (z, made.words), allow_unused=True)
    assert at_z is None and torch.allclose(
        at_words.sum(0), (2 * (words - z) / 2).sum((0, 2, 3)), atol=1e-6
    )
    assert terms["codebook"].item() == pytest.approx((z - words).square().sum().item() / 2)


@pytest.mark.parametrize("codebook, weight", [("ema", 0.25), ("gradient", 1.25)])
def test_the_loss_is_what_it_says(codebook, weight):
    model, x = small(codebook=codebook).eval(), some()
    terms = model.loss(x)
    z = model.encode(x)
    words = model.quantize(z)
    reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(
        model.decode(words), x, reduction="sum"
    ) / len(x)
    assert terms["reconstruction"].item() == pytest.approx(reconstruction.item(), rel=1e-5)
    assert terms["commitment"].item() == pytest.approx(
        (z - words).square().sum().item() / len(x), rel=1e-5
    )
    assert terms["loss"].item() == pytest.approx(
        (reconstruction + weight * terms["commitment"]).item(), rel=1e-5
    )


def test_the_loss_does_not_depend_on_the_batch_size():
    model, x = small().eval(), some()
    one, four = model.loss(x), model.loss(x.repeat(4, 1, 1, 1))
    parts = [model.loss(part) for part in x.split(2)]
    for name in one:
        assert one[name].item() == pytest.approx(four[name].item(), rel=1e-5)
        assert one[name].item() == pytest.approx(sum(p[name].item() for p in parts) / 5, rel=1e-5)


# ---- The codebook --------------------------------------------------------------------------------------------


def test_a_step_without_memory_is_a_step_of_k_means():
    torch.manual_seed(0)
    vectors, start = (
        torch.randn(200, 3, dtype=torch.float64),
        torch.randn(6, 3, dtype=torch.float64),
    )
    made = quantizer(start, decay=0.0)
    for steps in (1, 2, 3):
        made(vectors.T.reshape(1, 3, 20, 10))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that three steps are too few to converge
            known = KMeans(
                6, init=start.numpy(), n_init=1, max_iter=steps, tol=0, algorithm="lloyd"
            ).fit(vectors.numpy())
        assert torch.allclose(made.words, torch.from_numpy(known.cluster_centers_), atol=1e-10)


def test_averages_remember_as_the_decay_says():
    made = quantizer(torch.tensor([[0.0], [10.0], [99.0]]), decay=0.75)
    made(torch.tensor([1.0, 1.0, 1.0, 12.0]).view(1, 1, 2, 2))
    assert made.words.flatten().tolist() == [
        1.0,
        12.0,
        99.0,
    ]  # no memory yet, and nobody chose the third
    made(torch.tensor([3.0, 12.0, 12.0, 12.0]).view(1, 1, 2, 2))
    assert made.shares.tolist() == pytest.approx(
        [0.25 * (0.75 * 0.75 + 0.25), 0.25 * (0.75 * 0.25 + 0.75), 0.0]
    )
    first = (0.75 * 0.75 * 1 + 0.25 * 3) / (0.75 * 0.75 + 0.25)
    assert made.words.flatten().tolist() == pytest.approx([first, 12.0, 99.0])


def test_nothing_moves_in_evaluation_mode():
    model, x = small(), some()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.eval().loss(x)
    model.indices(x), model.reconstruct(x), model.sample(3)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    model.train().loss(x)
    assert not torch.equal(model.quantizer.words, before["quantizer.words"])


def test_dead_words_are_put_where_vectors_are_served_badly():
    words = torch.tensor([[0.0, 0.0], [50.0, 50.0], [60.0, 60.0]])
    made = quantizer(words, revive=0.3)
    made.shares.copy_(
        torch.tensor([0.8, 0.2, 0.05])
    )  # the limit is 0.3 / 3 = 0.1: the last one is dead
    vectors = torch.cat([torch.zeros(99, 2), torch.tensor([[7.0, 7.0]])])
    made.replace_dead(vectors)
    assert made.words.tolist() == [[0.0, 0.0], [50.0, 50.0], [7.0, 7.0]]
    assert made.shares.tolist() == pytest.approx([0.8, 0.2, 0.2])
    assert torch.allclose(made.sums[2], made.shares[2] * made.words[2])
    before = made.words.clone()
    made.replace_dead(torch.randn(100, 2))  # none is dead now
    assert torch.equal(made.words, before)


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_revival_brings_a_codebook_back_to_life(codebook):
    """Eight clusters and a codebook of which one word is near them all: alone, the seven others never get a vector."""
    torch.manual_seed(0)
    centres = 5 * torch.randn(8, 2)
    start = torch.cat([torch.zeros(1, 2), 1000 + torch.arange(7.0)[:, None].expand(7, 2)])
    used = {}
    for revive in (0.0, 0.2):
        made = quantizer(start, revive=revive, codebook=codebook, decay=0.9)
        for _ in range(60):
            z = (
                (centres[torch.randint(8, (256,))] + 0.05 * torch.randn(256, 2))
                .view(4, 8, 8, 2)
                .permute(0, 3, 1, 2)
            )
            made(z)
        used[revive] = evaluate.codebook_usage(made.nearest(z.permute(0, 2, 3, 1)), 8)
    assert used[0.0] == 1 / 8 and used[0.2] >= 7 / 8


def test_fewer_vectors_than_dead_words_are_no_problem():
    made = VectorQuantizer(16, 2, revive=0.1)
    made(torch.randn(1, 2, 1, 3))
    assert torch.isfinite(made.words).all()


def test_k_means_starts_find_separated_clusters_and_repeat():
    torch.manual_seed(0)
    centres = torch.cartesian_prod(torch.arange(3.0), torch.arange(3.0)) * 10
    vectors = (centres[:, None] + 0.1 * torch.randn(9, 40, 2)).flatten(0, 1)
    made, again = VectorQuantizer(9, 2), VectorQuantizer(9, 2)
    made.initialise(vectors, seed=1)
    again.initialise(vectors, seed=1)
    assert torch.equal(made.words, again.words)
    assert torch.cdist(centres, made.words).min(1).values.max() < 0.1
    assert torch.allclose(
        made.shares, torch.full((9,), 1 / 9)
    ) and made.shares.sum().item() == pytest.approx(1)


def test_k_means_with_fewer_distinct_vectors_than_words():
    made = VectorQuantizer(5, 2)
    made.initialise(torch.tensor([[1.0, 1.0], [2.0, 2.0]]).repeat(10, 1))
    assert (
        torch.isfinite(made.words).all()
        and len(made.nearest(torch.tensor([[1.0, 1.0], [2.0, 2.0]])).unique()) == 2
    )


def test_initialise_starts_at_the_encoder_s_vectors():
    model, x = small(codes=4), some(50)
    model.initialise(x)
    distance = lambda: (model.encode(x) - model.quantize(model.encode(x))).square().sum().item()  # noqa: E731
    started = distance()
    model.quantizer.words.uniform_(-0.25, 0.25)
    assert started < 0.5 * distance()


# ---- The model -----------------------------------------------------------------------------------------------


def test_shapes_and_parts():
    model, x = small(), some()
    assert model.grid == (3, 2) and model.latent_dim == 18
    indices = model.indices(x)
    assert (
        indices.shape == (10, 3, 2)
        and indices.dtype == torch.long
        and 0 <= indices.min()
        and indices.max() < 6
    )
    assert model.decode(model.code(x)).shape == x.shape and model.code(x).shape == (10, 18)
    assert torch.equal(model.draw(indices), model.reconstruct(x))
    assert torch.equal(evaluate.reconstruct(model, x), model.eval().reconstruct(x).detach())
    assert torch.equal(evaluate.code_indices(model, x), indices)
    assert model.sample(4).shape == (4, 1, 12, 8)


def test_a_grid_decoder_looks_at_neighbours_and_no_further_than_it_must():
    model = small()
    z = torch.randn(1, 3, 3, 2, requires_grad=True)
    seen = grad(model.decode(z)[0, 0, 0, 0], z)[0].abs().sum(1)[0]
    assert seen[0, 0] > 0 and seen[2].sum() == 0


def test_sampling_asks_the_prior():
    model = small()

    class Always:
        def sample(self, n):
            return torch.full((n, 3, 2), 4)

    drawn = model.sample(3, Always())
    assert torch.equal(drawn, model.draw(torch.full((3, 3, 2), 4)))


@pytest.mark.parametrize("codebook", ["ema", "gradient"])
def test_it_trains_caches_and_resumes(codebook, tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    x = some(64)

    def trained(**options):
        model = small(codebook=codebook)
        return model, train.fit(
            model, x, epochs=4, batch_size=16, lr=1e-2, progress=False, **options
        )

    (one, history), (two, again) = trained(), trained()
    assert again.cached and not history.cached and history["loss"][-1] < history["loss"][0]
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values())
    )
    loaded = small(codebook=codebook)
    loaded.load_state_dict(one.state_dict())
    assert torch.equal(loaded.indices(x), one.indices(x))
    stopped = small(codebook=codebook)
    with pytest.raises(RuntimeError):
        train.fit(
            stopped,
            x,
            epochs=4,
            batch_size=16,
            lr=1e-2,
            progress=False,
            cache=False,
            checkpoint=tmp_path / "c.pt",
            transform=stopping(10),
        )
    train.fit(
        stopped,
        x,
        epochs=4,
        batch_size=16,
        lr=1e-2,
        progress=False,
        cache=False,
        checkpoint=tmp_path / "c.pt",
        transform=stopping(10**9),
    )
    assert torch.equal(stopped.quantizer.words, one.quantizer.words) and torch.equal(
        stopped.quantizer.sums, one.quantizer.sums
    )


def stopping(batches):
    """The same transform at every call, which stops after so many batches: what counts them lies outside it."""
    global LEFT
    LEFT = iter(range(batches))
    return _stop


def _stop(x):
    if next(LEFT, None) is None:
        raise RuntimeError("stopped")
    return x


def test_half_precision_trains_too():
    model = small()
    history = train.fit(
        model,
        some(32),
        epochs=1,
        batch_size=16,
        precision="bf16",
        progress=False,
        cache=False,
        device="cpu",
    )
    assert math.isfinite(history["loss"][-1]) and model.quantizer.words.dtype == torch.float32


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: VectorQuantizer(1, 2), ValueError, "codes: got 1"),
        (lambda: VectorQuantizer(4, 0), ValueError, "code_dim: got 0"),
        (lambda: VectorQuantizer(4, 2, codebook="kmeans"), ValueError, "codebook: got 'kmeans'"),
        (lambda: VectorQuantizer(4, 2, decay=1.5), ValueError, "decay: got 1.5"),
        (lambda: VectorQuantizer(4, 2, revive=-1), ValueError, "revive: got -1"),
        (lambda: VQVAE(net=nets.mlp((8,))), TypeError, "net: got MLP"),
        (lambda: VQVAE(commitment=-1), ValueError, "commitment: got -1"),
        (lambda: VQVAE(code_dim=0), ValueError, "code_dim: got 0"),
        (lambda: VQVAE(likelihood="laplace"), ValueError, "likelihood"),
        (lambda: small().sample(0), ValueError, "n: got 0"),
        (lambda: small().initialise(torch.rand(3, 1, 9, 9)), ValueError, "x: got"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ---- Measures ------------------------------------------------------------------------------------------------


def test_usage_and_perplexity_of_known_counts():
    one, even = torch.zeros(5, 2, 3, dtype=torch.long), torch.arange(12).view(2, 2, 3)
    assert evaluate.codebook_usage(one, 12) == pytest.approx(1 / 12) and evaluate.perplexity(
        one, 12
    ) == pytest.approx(1)
    assert evaluate.codebook_usage(even, 12) == 1 and evaluate.perplexity(
        even, 12
    ) == pytest.approx(12)
    assert evaluate.codebook_usage(even, 48) == 0.25 and evaluate.perplexity(
        even, 48
    ) == pytest.approx(12)
    halves = torch.tensor([0, 0, 1, 2])  # 1/2, 1/4, 1/4: 1.5 bits
    assert evaluate.perplexity(halves, 5) == pytest.approx(2**1.5)
    for wrong in (
        torch.tensor([5]),
        torch.tensor([-1]),
        torch.tensor([0.5]),
        torch.tensor([], dtype=torch.long),
    ):
        with pytest.raises(ValueError, match="indices: got"):
            evaluate.perplexity(wrong, 5)


def test_laplacian_energy():
    board = (torch.arange(6)[:, None] + torch.arange(8)) % 2.0
    slope = torch.arange(8.0).expand(6, 8) / 8
    pictures = torch.stack([torch.full((6, 8), 0.3), slope, board, 0.5 * board])[:, None]
    energy = evaluate.laplacian_energy(pictures)
    assert energy.tolist() == pytest.approx([0, 0, 16, 4], abs=1e-10)
    noise = torch.rand(3, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(noise, 3, stride=1)
    assert (evaluate.laplacian_energy(blurred) < 0.2 * evaluate.laplacian_energy(noise)).all()
    with pytest.raises(ValueError, match="x: got"):
        evaluate.laplacian_energy(torch.rand(3, 1, 2, 2))

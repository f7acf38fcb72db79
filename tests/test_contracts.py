"""What a model promises to those who use it: options do something, measures fit or refuse, surroundings do not matter."""

import hashlib
import importlib.util
import inspect
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from aecourse import data, estimators, evaluate, exact, models, nets, plots

SHAPE = (1, 4, 4)
NET = nets.mlp((5,))
X = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(0)).round()
LABELS = torch.arange(12) % 3
MASK = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(2)) < 0.6
PRIOR_GRIDS = torch.randint(4, (5, 2, 2), generator=torch.Generator().manual_seed(1))


# ---- Options -------------------------------------------------------------------------------------------------------

# class -> (options that are always given, option -> a value that is not the default)
AUTOENCODER = {
    "latent_dim": 3,
    "net": nets.mlp((7,)),
    "error": "l1",
    "output": "identity",
    "shape": (1, 4, 3),
}
VAE = {"net": nets.mlp((7,)), "likelihood": "gaussian", "shape": (1, 4, 3)}
OPTIONS = {
    models.Autoencoder: ({"latent_dim": 2}, AUTOENCODER),
    models.ContractiveAutoencoder: ({"latent_dim": 2}, {**AUTOENCODER, "weight": 3.0}),
    models.SparseAutoencoder: (
        {"latent_dim": 2},
        {**AUTOENCODER, "penalty": "kl", "weight": 3.0, "rho": 0.2, "k": 1},
    ),
    models.DenoisingAutoencoder: ({"latent_dim": 2}, {**AUTOENCODER, "noise": models.Masking(0.9)}),
    models.LinearAutoencoder: ({"latent_dim": 2}, {"latent_dim": 3, "shape": (1, 4, 3)}),
    models.AdversarialAutoencoder: (
        {"latent_dim": 2},
        {
            "latent_dim": 3,
            "net": nets.mlp((7,)),
            "prior": "mixture",
            "penalty": "mmd",
            "weight": 3.0,
            "judge": (6,),
            "error": "l1",
            "shape": (1, 4, 3),
        },
    ),
    models.GAN: (
        {"latent_dim": 2},
        {
            "latent_dim": 3,
            "net": nets.mlp((7,)),
            "calm": 2.0,
            "output": "identity",
            "shape": (1, 4, 3),
        },
    ),
    models.VAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "beta": 3.0, "free_bits": 2.0}),
    models.AggressiveVAE: (
        {"latent_dim": 2},
        {**VAE, "latent_dim": 3, "beta": 3.0, "free_bits": 2.0},
    ),
    models.BetaTCVAE: (
        {"latent_dim": 2, "images": 100, "beta": 2.0},
        {**VAE, "latent_dim": 3, "images": 20, "beta": 3.0},
    ),
    models.CapacityVAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "gamma": 3.0}),
    models.FlowVAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "steps": 2}),
    models.IWAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "samples": 2, "estimator": "dreg"}),
    estimators.ScoreFunctionVAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "baseline": "none"}),
    models.MIWAE: ({"latent_dim": 2}, {**VAE, "latent_dim": 3, "samples": 2}),
    models.MaskDenoiser: (
        {"latent_dim": 2},
        {
            "latent_dim": 3,
            "net": nets.mlp((7,)),
            "hide": models.Masking(0.9),
            "output": "identity",
            "shape": (1, 4, 3),
        },
    ),
    models.LadderVAE: (
        {"latent_dims": (3, 2), "widths": (6, 6)},
        {**VAE, "latent_dims": (2, 2), "widths": (5, 6), "beta": 3.0},
    ),
    models.VQVAE: (
        {"codes": 4, "code_dim": 2, "net": nets.conv((3,))},
        {
            "codes": 5,
            "code_dim": 3,
            "net": nets.conv((4,)),
            "likelihood": "gaussian",
            "commitment": 3.0,
            "codebook": "gradient",
            "decay": 0.1,
            "revive": 0.9,
            "shape": (1, 4, 3),
        },
    ),
    models.Codeless: ({}, {"likelihood": "gaussian", "shape": (1, 4, 3)}),
    models.ConditionalVAE: (
        {"latent_dim": 2, "classes": 3, "prior": "learned"},
        {
            **VAE,
            "latent_dim": 3,
            "classes": 4,
            "embed": "one_hot",
            "prior": "standard",
            "decoder_label": False,
        },
    ),
    models.M2: (
        {"latent_dim": 2, "classes": 3},
        {**VAE, "latent_dim": 3, "classes": 4, "alpha": 3.0},
    ),
    models.Classifier: ({"classes": 3}, {"classes": 4, "net": nets.mlp((7,)), "shape": (1, 4, 3)}),
    models.CodePrior: (
        {"codes": 4, "grid": (2, 2), "width": 8, "layers": 1, "heads": 2},
        {"codes": 5, "grid": (1, 3), "width": 16, "layers": 2, "heads": 4, "classes": 3},
    ),
    models.MultDAE: (
        {"latent_dim": 2},
        {"latent_dim": 3, "net": nets.mlp((7,)), "dropout": 0.0, "shape": (15,)},
    ),
    models.MultVAE: (
        {"latent_dim": 2},
        {"latent_dim": 3, "net": nets.mlp((7,)), "dropout": 0.0, "beta": 3.0, "shape": (15,)},
    ),
    models.MADE: ({"hidden": (6,)}, {"hidden": (7,), "shape": (1, 4, 3), "seed": 1}),
    models.MaskedConv: ({"window": 3}, {"window": 5, "channels": 3}),
    models.Gaussian: ({}, {"sigma": 0.5, "learned": True, "squash": False}),
    models.VectorQuantizer: (
        {"codes": 4, "code_dim": 2},
        {"codes": 5, "code_dim": 3, "codebook": "gradient", "decay": 0.1, "revive": 0.9},
    ),
    models.GaussianNoise: ({}, {"sigma": 0.1}),
    models.Masking: ({}, {"share": 0.1, "patch": 2}),
    models.SaltAndPepper: ({}, {"share": 0.9}),
}


# options that count only beside others: these are then given, with and without them
BESIDE = {
    (models.SparseAutoencoder, "rho"): {"penalty": "kl"},
    (models.SparseAutoencoder, "k"): {"penalty": "topk"},
}


def made(cls, **options):
    """The model, with weights from seed 0; small where nothing else is said."""
    parameters = inspect.signature(cls).parameters
    usual = {"net": NET, "shape": SHAPE}
    torch.manual_seed(0)
    usual = {name: value for name, value in usual.items() if name in parameters}
    return cls(**{**usual, **OPTIONS[cls][0], **options})


def trace(model) -> list[float]:
    """What can be seen of a model: its sizes, its loss or output, the gradients, and what is in it after one step."""
    numbers = [float(len(list(model.parameters())))]
    torch.manual_seed(1)
    shape = (
        model.network[-1].unflattened_size
        if isinstance(model, models.MADE)
        else getattr(model, "shape", SHAPE)
    )
    x = torch.rand(6, *shape).round()
    if isinstance(model, models.CodePrior):
        x = x.long()  # words
        torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(2))
    if hasattr(model, "loss"):
        labelled = isinstance(model, (models.Classifier, models.ConditionalVAE, models.M2)) or (
            isinstance(model, models.CodePrior) and model.classes is not None
        )
        holed = isinstance(model, (models.MIWAE, models.MaskDenoiser))
        columns = [LABELS[:6]] * labelled + [x.roll(1, 0).roll(1, -1) < 0.5] * holed
        terms = model.loss(x, *columns)
        terms["loss"].backward()
        numbers += [term.item() for term in terms.values()]
    elif isinstance(model, models.VectorQuantizer):
        model(torch.rand(2, model.code_dim, 2, 2))
    elif hasattr(model, "log_prob"):
        numbers += model.log_prob(torch.rand_like(x), x).tolist()
    else:
        numbers += model(x).flatten().tolist()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    for tensor in [*gradients, *model.parameters(), *model.buffers()]:
        numbers += [*tensor.shape, tensor.double().abs().sum().item()]
    return numbers


@pytest.mark.parametrize(
    "cls, option",
    [(cls, option) for cls in OPTIONS for option in OPTIONS[cls][1]],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_option_has_an_effect(cls, option):
    if cls is models.VQVAE and option == "net":
        assert made(cls).parameter_count != made(cls, net=OPTIONS[cls][1]["net"]).parameter_count
    beside = BESIDE.get((cls, option), {})
    usual = trace(made(cls, **beside))
    assert usual == trace(made(cls, **beside))  # so that what differs is the option's doing
    assert usual != trace(made(cls, **beside, **{option: OPTIONS[cls][1][option]}))


def test_every_model_and_every_option_is_in_the_table():
    everything = [getattr(models, name) for name in models.__all__] + [estimators.ScoreFunctionVAE]
    classes = {c for c in everything if isinstance(c, type) and issubclass(c, torch.nn.Module)}
    assert classes - {
        models.Model,
        models.LatentModel,
        models.Bernoulli,
        models.ContinuousBernoulli,
        models.Multinomial,
    } == set(OPTIONS)
    for cls, (_, values) in OPTIONS.items():
        parameters = inspect.signature(cls).parameters.values()
        assert {p.name for p in parameters} == set(values) and all(
            p.kind is not p.VAR_KEYWORD for p in parameters
        ), cls


@pytest.mark.parametrize(
    "cls, option",
    [
        (estimators.ScoreFunctionVAE, "beta"),
        (estimators.ScoreFunctionVAE, "free_bits"),
        (models.BetaTCVAE, "free_bits"),
        (models.CapacityVAE, "beta"),
        (models.CapacityVAE, "free_bits"),
        (models.FlowVAE, "beta"),
        (models.IWAE, "free_bits"),
    ],
)
def test_what_a_loss_cannot_honour_is_refused(cls, option):
    with pytest.raises(TypeError, match=f"'{option}'"):
        made(cls, **{option: 0.5})


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: models.VAE(2, torch.nn.Linear(2, 2)), r"net: got Linear.*nets.mlp"),
        (lambda: models.LadderVAE((2, 2), "mlp"), "net: got 'mlp'"),
        (lambda: models.VQVAE(4, 2, 7), "net: got 7"),
        (lambda: models.DenoisingAutoencoder(2, noise=models.Masking), "noise: got <class"),
        (lambda: models.Gaussian(learned="no"), "learned: got 'no'"),
        (lambda: nets.conv((3,), batch_norm="no"), "batch_norm: got 'no'"),
    ],
)
def test_options_that_are_none_are_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_a_likelihood_of_ones_own_needs_no_range():
    class Own(torch.nn.Module):
        def log_prob(self, logits, x):
            return -(logits - x).square().flatten(1).sum(1)

        def mean(self, logits):
            return logits

        sample = mean

    assert models.VAE(2, NET, likelihood=Own(), shape=SHAPE).input_range is None
    assert models.Codeless(Own(), shape=SHAPE).loss(X)["loss"].item() == pytest.approx(
        X.square().sum().item() / len(X)
    )


def test_an_estimator_put_on_the_model_is_checked():
    model = made(models.IWAE)
    with pytest.raises(ValueError, match="estimator: got 'DReG'"):
        model.estimator = "DReG"
    with pytest.raises(TypeError, match="samples: got 2.5"):
        model.samples = 2.5
    model.estimator, model.samples = "dreg", 3
    assert (model.estimator, model.samples) == ("dreg", 3) and "loss" in model.loss(X)


def test_dreg_in_half_precision_has_the_gradient_of_single_precision():
    found = []
    for half in (False, True):
        model = made(models.IWAE, estimator="dreg", samples=4)
        torch.manual_seed(3)
        eps = torch.randn(4, 12, 2)
        with (
            pytest.MonkeyPatch.context() as patch,
            torch.autocast("cpu", torch.bfloat16, enabled=half),
        ):
            patch.setattr(torch, "randn", lambda *_, dtype=None, **__: eps.to(dtype))
            model.loss(X)["loss"].backward()
        found.append(torch.cat([p.grad.flatten() for p in model.encoder.parameters()]))
    assert torch.nn.functional.cosine_similarity(*found, dim=0) > 0.95


# ---- Measures ------------------------------------------------------------------------------------------------------

MODELS = {cls.__name__: (lambda cls=cls: made(cls)) for cls in OPTIONS}
MODELS["FlowVAE, steps 0"] = lambda: made(models.FlowVAE, steps=0)
GAUSSIAN = {
    "VAE",
    "AggressiveVAE",
    "BetaTCVAE",
    "CapacityVAE",
    "IWAE",
    "MultVAE",
    "ScoreFunctionVAE",
    "FlowVAE, steps 0",
}
WEIGHTED = GAUSSIAN | {"FlowVAE", "LadderVAE", "Codeless", "M2"}
CODED = GAUSSIAN | {
    "FlowVAE",
    "LadderVAE",
    "Autoencoder",
    "ContractiveAutoencoder",
    "SparseAutoencoder",
    "AdversarialAutoencoder",
    "DenoisingAutoencoder",
    "LinearAutoencoder",
    "MultDAE",
    "VQVAE",
}
# measure -> (the call, the models that it fits)
MEASURES = {
    "aggregated_log_prob": (
        lambda m: evaluate.aggregated_log_prob(m, torch.zeros(3, 2), X),
        GAUSSIAN,
    ),
    "index_code_information": (lambda m: evaluate.index_code_information(m, X), GAUSSIAN),
    "kl_aggregated": (lambda m: evaluate.kl_aggregated(m, X), GAUSSIAN),
    "total_correlation": (lambda m: evaluate.total_correlation(m, X), GAUSSIAN),
    "kl_per_latent": (lambda m: evaluate.kl_per_latent(m, X), GAUSSIAN),
    "kl_per_latent, two images": (lambda m: evaluate.kl_per_latent(m, X[:2]), GAUSSIAN),
    "rate_distortion": (lambda m: evaluate.rate_distortion(m, X), GAUSSIAN),
    "draw_codes": (lambda m: evaluate.draw_codes(m, X), GAUSSIAN | {"FlowVAE"}),
    "elbo": (lambda m: evaluate.elbo(m, X), WEIGHTED),
    "log_likelihood": (lambda m: evaluate.log_likelihood(m, X, 5), WEIGHTED),
    "gaps": (lambda m: evaluate.gaps(m, X, steps=2, samples=3).elbo, GAUSSIAN | {"FlowVAE"}),
    "codes": (lambda m: evaluate.codes(m, X), CODED),
    "active_units": (lambda m: evaluate.active_units(m, X), CODED - {"FlowVAE"}),
    "reconstruct": (lambda m: evaluate.reconstruct(m, X), CODED),
    "squared_error": (lambda m: evaluate.squared_error(m, X), CODED),
    "gradient_moments": (lambda m: evaluate.gradient_moments(m, X, 3)[0], CODED - {"LadderVAE"}),
    "signal_to_noise": (
        lambda m: evaluate.signal_to_noise(m, X, 3),
        GAUSSIAN | {"FlowVAE", "DenoisingAutoencoder"},
    ),
    "code_indices": (lambda m: evaluate.code_indices(m, X), {"VQVAE"}),
    "code_nats": (lambda m: evaluate.code_nats(m, PRIOR_GRIDS), {"CodePrior"}),
    "recognised": (lambda m: evaluate.recognised(m, X), {"Classifier", "M2"}),
    "named_as": (lambda m: evaluate.named_as(m, X, LABELS), {"Classifier", "M2"}),
    "log_likelihood_given": (
        lambda m: evaluate.log_likelihood_given(m, X, LABELS, 5),
        {"ConditionalVAE"},
    ),
    "imputed": (lambda m: evaluate.imputed(m, X, MASK), {"MIWAE", "MaskDenoiser"}),
    "imputations": (lambda m: evaluate.imputations(m, X, MASK, 2, 5), {"MIWAE"}),
    "observed_log_likelihood": (
        lambda m: evaluate.observed_log_likelihood(m, X, MASK, 5),
        {"MIWAE"},
    ),
    "style_codes": (lambda m: evaluate.style_codes(m, X, LABELS), {"ConditionalVAE", "M2"}),
}


def finite(value) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(torch.as_tensor(part).double().isfinite().all() for part in parts)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_fits_the_model_or_says_what_it_needs(measure, kind):
    call, fits = MEASURES[measure]
    model = MODELS[kind]()
    if kind in fits:
        assert finite(call(model))
    else:
        refused = f"model: got {type(model).__name__}[,;].*accepted is"
        with pytest.raises((TypeError, ValueError), match=refused) as error:
            call(model)
        assert "\n" not in str(error.value)


def test_every_measure_of_models_is_in_the_table():
    takes_model = {
        name
        for name in evaluate.__all__
        if callable(getattr(evaluate, name))
        and {"model", "prior", "classifier"}
        & set(inspect.signature(getattr(evaluate, name)).parameters)
    } - {
        "diagnose"
    }  # takes any module and says what it cannot tell: tests/evaluate/test_diagnose.py
    assert takes_model == {name.split(",")[0] for name in MEASURES}


def test_a_flow_without_steps_is_measured_as_the_vae_it_is():
    flow, vae = made(models.FlowVAE, steps=0), made(models.VAE)
    vae.load_state_dict(flow.state_dict())
    assert evaluate.rate_distortion(flow, X) == evaluate.rate_distortion(vae, X)
    assert torch.equal(evaluate.draw_codes(flow, X), evaluate.draw_codes(vae, X))


def test_codes_are_drawn_as_the_definition_says():
    vae = made(models.VAE)
    with torch.no_grad():
        mu, log_var = vae.encode(X)
    torch.manual_seed(4)
    assert torch.equal(
        evaluate.draw_codes(vae, X, seed=4), mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
    )


def with_pixel(value):
    x = X.clone()
    x[3, 0, 1, 1] = value
    return x


@pytest.mark.parametrize(
    "measure",
    [
        "elbo",
        "log_likelihood",
        "kl_per_latent",
        "rate_distortion",
        "gaps",
        "gradient_moments",
        "signal_to_noise",
        "draw_codes",
        "kl_aggregated",
        "codes",
        "active_units",
        "reconstruct",
        "squared_error",
    ],
)
def test_measures_refuse_images_that_the_model_does_not(measure):
    vae, take = made(models.VAE), getattr(evaluate, measure)
    spoiled = measure in ("codes", "active_units", "reconstruct", "squared_error")
    wrong = {
        "0-255.*divide by 255": 255 * X,
        "NaN or infinite": with_pixel(math.nan),
        "infinite": with_pixel(math.inf),
        "float64; accepted is float32": X.double(),
        "uint8": X.byte(),
        r"\[12, 4, 4\]": X[:, 0],
        r"\[0, 1, 4, 4\]": X[:0],
        "got ndarray": X.numpy(),
        "got Split": data.Split(X),
    }
    if not spoiled:
        wrong |= {
            r"pixels in \[0, 1.5\].*VAE is \[0, 1\]": with_pixel(1.5),
            r"pixels in \[-1, 1\]": 2 * X - 1,
        }
    for message, x in wrong.items():
        with pytest.raises(
            (ValueError, TypeError), match=f"x: got .*{message}|x: {message}"
        ) as error:
            take(vae, x)
        assert "\n" not in str(error.value)
    if spoiled:
        assert finite(take(vae, with_pixel(1.5)))


def test_measures_leave_the_mode_of_every_part_alone():
    model = made(models.VAE)
    model.train()
    model.decoder.eval()
    evaluate.elbo(model, X)
    assert model.training and model.encoder.training and not model.decoder.training


def test_one_image_has_no_variance():
    with pytest.raises(ValueError, match="x: got 1 image"):
        evaluate.active_units(made(models.VAE), X[:1])


# ---- Surroundings --------------------------------------------------------------------------------------------------

SURROUNDINGS = [(torch.float64, "cpu"), (torch.float32, "meta"), (torch.bfloat16, "meta")]


@pytest.fixture
def surroundings():
    """A function that changes torch's defaults; they are as before after the test."""
    before = torch.get_default_dtype()

    def change(dtype, device):
        torch.set_default_dtype(dtype)
        torch.set_default_device(device)

    yield change
    torch.set_default_dtype(before)
    torch.set_default_device(None)  # "cpu" would stay as a mode, under which nothing is cached


@pytest.mark.parametrize("dtype, device", SURROUNDINGS)
def test_data_are_the_same_bytes_whatever_the_defaults(surroundings, dtype, device):
    expected = data.digits(3000), data.shapes()
    surroundings(dtype, device)
    found = data.digits(3000), data.shapes()
    assert torch.get_default_dtype() is dtype and torch.get_default_device().type == device
    for one, other in zip(expected, found):
        assert (
            np.array_equal(one.train.x.numpy(), other.train.x.numpy())
            and one.test.x.dtype == other.test.x.dtype
        )
        assert np.array_equal(one.test.x.numpy(), other.test.x.numpy())


@pytest.mark.parametrize("dtype, device", SURROUNDINGS)
def test_measures_are_the_same_numbers_whatever_the_defaults(surroundings, dtype, device):
    pairs = [
        (MEASURES[name][0], MODELS[kind]())
        for name, kind in (
            ("elbo", "VAE"),
            ("log_likelihood", "FlowVAE"),
            ("elbo", "LadderVAE"),
            ("rate_distortion", "VAE"),
            ("draw_codes", "VAE"),
            ("gradient_moments", "IWAE"),
            ("kl_aggregated", "VAE"),
            ("gaps", "VAE"),
            ("reconstruct", "VQVAE"),
            ("recognised", "Classifier"),
        )
    ]
    expected = [call(model) for call, model in pairs]
    surroundings(dtype, device)
    for (call, model), known in zip(pairs, expected):
        found = call(model)
        assert (
            found == known
            if isinstance(known, tuple)
            else np.array_equal(found.numpy(), known.numpy())
        )


def test_downloads_go_to_the_folder_that_is_meant(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AECOURSE_DATA", "~/my images")
    assert data.folder() == tmp_path / "my images"
    monkeypatch.setenv("AECOURSE_DATA", "  ")
    assert "my images" not in str(data.folder()) and data.folder().name == "data"
    monkeypatch.setenv("AECOURSE_DATA", "~nobody-of-this-name/images")
    with pytest.raises(data.DataError, match="AECOURSE_DATA: got '~nobody-of-this-name/images'"):
        data.folder()


def test_data_load_in_the_plainest_locale():
    code = (
        "import hashlib; from aecourse import data; x = data.digits(2000).train.x; "
        "print(hashlib.sha256(x.numpy().tobytes()).hexdigest())"
    )
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=plain, check=True, capture_output=True, text=True
    ).stdout
    assert found.strip() == hashlib.sha256(data.digits(2000).train.x.numpy().tobytes()).hexdigest()


def test_where_the_repository_lies_does_not_matter_for_what_is_built(tmp_path, monkeypatch):
    file = Path(__file__).resolve().parents[1] / "make.py"
    spec = importlib.util.spec_from_file_location("make_of_this_course", file)
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    found = {}
    for parent in ("plain", "cards", "__pycache__", "a.egg-info"):
        root = tmp_path / parent / "course"
        (root / "book" / "cards").mkdir(parents=True)
        monkeypatch.setattr(make, "ROOT", root)
        for text in ("one", "two"):
            (root / "book" / "page.md").write_text(text)
            found[parent, text] = make.digest(root / "book")
        (root / "book" / "cards" / "bank.md").write_text("a card")
        assert make.digest(root / "book") == found[parent, "two"]
    assert len(set(found.values())) == 2


# ---- Plots ---------------------------------------------------------------------------------------------------------


def canvas(figure):
    return figure.axes[0].images[0].get_array()


def test_colour_is_drawn_as_colour():
    green = torch.zeros(2, 3, 6, 6)
    green[:, 1] = 1
    assert canvas(plots.images(green, description="d"))[2, 2].tolist() == [0, 1, 0, 1]
    both = canvas(
        plots.rows({"green": green, "grey": torch.full((2, 1, 6, 6), 0.5)}, description="d")
    )
    assert both[2, 2].tolist() == [0, 1, 0, 1] and both[9, 2].tolist() == [0.5, 0.5, 0.5, 1]


@pytest.mark.parametrize(
    "of",
    [
        lambda x: x[:, 0],
        lambda x: x.bfloat16(),
        lambda x: x.half(),
        lambda x: x.double(),
        lambda x: x.clone().requires_grad_(),
        lambda x: x.numpy(),
        lambda x: x.bool(),
        lambda x: x.byte(),
        lambda x: (255 * x).byte(),
        lambda x: list(x),
    ],
    ids=[
        "[N, H, W]",
        "bfloat16",
        "half",
        "double",
        "gradient",
        "array",
        "bool",
        "0/1 bytes",
        "0-255 bytes",
        "list",
    ],
)
def test_images_of_every_kind_are_the_same_picture(of):
    assert np.array_equal(
        canvas(plots.images(of(X), description="d")), canvas(plots.images(X, description="d"))
    )


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(2, 2, 4, 4),
        torch.rand(2, 4, 4, 4),
        torch.rand(4, 4),
        torch.rand(0, 1, 4, 4),
        torch.linspace(0, 255, 32).view(2, 1, 4, 4),
        torch.full((2, 1, 4, 4), math.nan),
    ],
    ids=lambda x: str(list(x.shape)),
)
def test_images_that_are_none_are_refused(x):
    with pytest.raises(ValueError, match="x: got .*; accepted"):
        plots.images(x, description="d")


def drawn_points(figure):
    return sum(len(part.get_offsets()) for ax in figure.axes for part in ax.collections)


def looks(ax):
    return {
        (tuple(part.get_facecolor()[0]), part.get_paths()[0].vertices.tobytes())
        for part in ax.collections
    }


@pytest.mark.parametrize(
    "labels",
    [
        torch.arange(100) % 26,
        torch.arange(100) - 50,
        torch.arange(100) % 3 * 1000,
        torch.arange(100) % 7,
        (torch.arange(100) % 26).int(),
        torch.arange(100) % 2 == 0,
        (torch.arange(100) % 4).float(),
    ],
    ids=["26", "negative", "far apart", "7", "int32", "bool", "whole floats"],
)
def test_every_point_is_drawn_whatever_its_label(labels):
    points, classes = (
        torch.randn(100, 2, generator=torch.Generator().manual_seed(0)),
        len(labels.unique()),
    )
    for figure in (
        plots.scatter(points, labels, description="d"),
        plots.clouds({"a": points}, labels, description="d"),
        plots.plane(torch.rand(4, 4), 3.0, points=points, labels=labels, description="d"),
    ):
        assert (
            drawn_points(figure) == 100 and len(looks(figure.axes[0])) == classes and figure.svg()
        )


def test_digits_keep_their_colours():
    import matplotlib.colors

    points = torch.randn(6, 2).bfloat16().requires_grad_()
    figure = plots.scatter(points, torch.tensor([3, 9, 3, 9, 3, 9]), description="d")
    assert [tuple(part.get_facecolor()[0]) for part in figure.axes[0].collections] == [
        matplotlib.colors.to_rgba(plots.DIGITS[digit]) for digit in (3, 9)
    ]


def test_any_number_of_series_is_drawn_and_none_looks_like_another():
    twenty = {
        f"series {i}": (torch.arange(40), torch.rand(40).bfloat16().requires_grad_())
        for i in range(20)
    }
    (ax,) = plots.curves(twenty, x="x", y="y", description="d").axes
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 20
    (ax,) = plots.curves(
        {n: (xs[:5], ys[:5]) for n, (xs, ys) in twenty.items()}, x="x", y="y", description="d"
    ).axes
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == 20
    many = {str(i): torch.rand(3, 4) for i in range(20)}
    assert plots.intervals(many, [1, 2, 3], x="x", y="y", description="d").svg()
    parts = {f"part {i}": 1.0 for i in range(9)}
    bars = plots.stacked({"one": parts, "two": parts}, x="x", description="d").axes[0].patches
    assert len(bars) == 18 and len({(bar.get_facecolor(), bar.get_hatch()) for bar in bars}) == 9
    paths = {f"path {i}": torch.rand(5, 2) for i in range(8)}
    (ax,) = plots.plane(torch.zeros(4, 4), 3.0, paths=paths, description="d").axes
    lines = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8


def test_the_mean_of_possible_origins_is_that_of_the_exact_denoiser():
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    noisy, mixture = torch.tensor([0.7, 0.4]), exact.GaussianMixture(points, 1e-6)
    (ax,) = plots.origins({"n": noisy}, points, 0.5, description="d").axes
    mean = torch.tensor([line.get_xydata()[0].tolist() for line in ax.lines][1])
    assert torch.allclose(mean.double(), mixture.denoise(noisy[None], 0.5)[0], atol=1e-5)


def test_projections_lead_from_each_marked_point_to_its_place():
    points = torch.tensor([[0.0, 1.0], [1.0, 2.0], [2.0, 5.0]])
    places = points * torch.tensor([1.0, 0.0])
    figure = plots.projections({"axis": (places, places)}, points, marked=2, description="d")
    (ax,) = figure.axes
    curve, *ways = [line.get_xydata().tolist() for line in ax.lines]
    assert figure.svg() and curve == places.tolist() and ax.get_title() == "axis"
    assert ways == [[points[i].tolist(), places[i].tolist()] for i in range(2)]


def test_walkers_differ_from_panel_to_panel_and_the_view_ends_with_the_arrows():
    at = torch.cartesian_prod(*[torch.linspace(-1, 1, 3)] * 2)
    named = {name: torch.zeros(9, 2) for name in "abc"}
    walkers = {name: torch.full((4, 2), 0.1 * i) for i, name in enumerate("abc")}
    figure = plots.fields(named, at, points=at, walkers=walkers, columns=2, description="d")
    shown = [ax for ax in figure.axes if ax.axison]
    assert figure.svg() and [ax.get_title() for ax in shown] == ["a", "b", "c"]
    moving = [ax.collections[1].get_offsets()[0][0] for ax in shown]
    assert np.allclose(moving, [0, 0.1, 0.2]) and shown[0].get_xlim() == pytest.approx(
        (-1.12, 1.12)
    )
    with pytest.raises(ValueError, match="walkers"):
        plots.fields(named, at, walkers={"a": at}, description="d")


def test_the_pushes_of_both_estimators_have_means_near_the_derivative():
    figure = plots.pushes(torch.square, 1.5, draws=200, description="d")
    means = [
        float(text.get_text().removeprefix("mean "))
        for ax in figure.axes
        for text in ax.texts
        if text.get_text()
    ]
    assert figure.svg() and means == pytest.approx([3.0, 3.0], abs=0.1)


def test_the_largest_two_of_a_column_have_frames_and_their_gap_stands_below():
    known = torch.tensor([[0.5, 0.1], [0.2, 0.0], [0.0, 0.9]])
    figure = plots.gaps(
        {"a": (known, torch.tensor([1.0, 1.0]))},
        rows=list("rst"),
        columns=list("xy"),
        description="d",
    )
    (ax,) = figure.axes
    frames = [(p.get_xy(), p.get_linestyle()) for p in ax.patches if not p.get_fill()]
    places = {(int(x), int(y)): line for (x, y), line in frames}
    assert places == {(0, 0): "-", (0, 1): "--", (1, 2): "-", (1, 0): "--"}
    assert [text.get_text() for text in ax.texts][-2:] == ["30", "80"]
    (ax,) = plots.marked(
        {"a": known}, rows=list("rst"), columns=list("xy"), along="rows", description="d"
    ).axes
    frames = [(int(p.get_x()), int(p.get_y())) for p in ax.patches if not p.get_fill()]
    assert frames == [(0, 0), (0, 1), (1, 2)]


def test_a_graph_draws_every_node_and_tells_gradients_from_values():
    nodes = {"a": (0, 0), "b": (1, 0), "eps": (1, 1)}
    arrows = [("a", "b"), ("eps", "b"), ("b", "a", "cut")]
    figure = plots.graph(
        {"one": (nodes, arrows), "two": (nodes, arrows[:2])}, chance=("eps",), description="d"
    )
    first, second = figure.axes
    assert figure.svg() and [ax.get_title() for ax in (first, second)] == ["one", "two"]
    named = {text.get_text(): text for text in first.texts if text.get_text()}
    assert set(named) == set(nodes)
    assert len({named[n].get_bbox_patch().get_edgecolor() for n in nodes}) == 2
    dashed = [
        [text.arrow_patch.get_linestyle() for text in ax.texts if not text.get_text()]
        for ax in (first, second)
    ]
    assert dashed == [["-", "-", "--"], ["-", "-"]] and len(first.lines) == 1 and not second.lines
    for wrong in (("a", "z"), ("a", "b", "forward")):
        with pytest.raises(ValueError, match="arrows"):
            plots.graph({"one": (nodes, [wrong])}, description="d")


def test_steps_lead_from_each_image_to_the_next_and_back():
    x = torch.rand(1, 4, 4)
    colour = torch.rand(3, 4, 4)
    figure = plots.steps({"a": x, "b": x, "c": colour}, there="f", back="g", description="d")
    arrows = [artist for artist in figure.artists if hasattr(artist, "axesA")]
    ways = [(figure.axes.index(a.axesA), figure.axes.index(a.axesB)) for a in arrows]
    assert figure.svg() and sorted(ways) == [(0, 1), (1, 0), (1, 2), (2, 1)]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["→ f", "← g"] and np.allclose(
        figure.axes[2].images[0].get_array(), colour.movedim(0, -1)
    )
    assert len(plots.steps({"a": x, "b": x}, there="f", description="d").artists) == 1
    for wrong in ({"a": x}, {"a": x, "b": torch.rand(2, 4, 4)}):
        with pytest.raises(ValueError, match="panels"):
            plots.steps(wrong, there="f", description="d")


def test_values_below_zero_are_seen_and_numbers_above_the_scale_are_written():
    assert plots.strips({"p": {"a": [-2.0, 1.0]}}, description="d").axes[0].get_ylim()[0] < -2
    (ax,) = plots.matrices(
        {"": torch.tensor([[1.5, -0.001]])}, rows=["a"], columns=["b", "c"], description="d"
    ).axes
    assert [text.get_text() for text in ax.texts] == ["150", "0"]


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: plots.scatter(torch.rand(5, 3), torch.arange(5), description="d"),
            r"points: got the shape \[5, 3\]",
        ),
        (
            lambda: plots.scatter(torch.rand(5, 2), torch.arange(4), description="d"),
            r"labels: got the shape \[4\] for 5 points",
        ),
        (
            lambda: plots.scatter(torch.rand(5, 2), torch.rand(5), description="d"),
            "labels: got float32; accepted are whole",
        ),
        (
            lambda: plots.scatter(torch.rand(500, 2), torch.arange(500), description="d"),
            "labels: got 500 different",
        ),
        (
            lambda: plots.scatter(torch.full((5, 2), math.nan), torch.arange(5), description="d"),
            "points: got NaN",
        ),
        (
            lambda: plots.scatter(torch.rand(5, 2), torch.arange(5), names=["a"], description="d"),
            "names: got 1 for labels 0 to 4",
        ),
        (
            lambda: plots.clouds(
                {"a": torch.rand(5, 2), "b": torch.rand(4, 2)}, torch.arange(5), description="d"
            ),
            "labels: got",
        ),
        (
            lambda: plots.clouds(
                {"a": torch.rand(5, 2)}, torch.arange(5), names=["a"], description="d"
            ),
            "names: got 1 for labels 0 to 4",
        ),
        (
            lambda: plots.plane(torch.rand(4, 4), 3.0, points=torch.rand(5, 2), description="d"),
            "labels: got",
        ),
        (
            lambda: plots.curves(
                {"a": (torch.arange(3), torch.rand(4))}, x="x", y="y", description="d"
            ),
            r"a: got the shapes \[3\], \[4\]",
        ),
        (lambda: plots.curves({}, x="x", y="y", description="d"), "named: got {}"),
        (
            lambda: plots.curves(
                {"a": ([1], [2])}, bands={"b": ([1], [2], [3])}, x="x", y="y", description="d"
            ),
            "bands: got 'b'",
        ),
        (
            lambda: plots.rows(
                {"a": torch.rand(2, 1, 4, 4), "b": torch.rand(2, 1, 5, 4)}, description="d"
            ),
            "named: got images of the sizes",
        ),
        (lambda: plots.images(X, columns=0, description="d"), "columns: got 0"),
        (
            lambda: plots.rows({"a": X[:2]}, titles=list("abc"), description="d"),
            "titles: got 3 for 2 columns",
        ),
        (
            lambda: plots.intervals({"a": torch.rand(4)}, [1, 2], x="x", y="y", description="d"),
            r"a: got the shape \[4\]",
        ),
        (
            lambda: plots.matrices(
                {"t": torch.rand(2, 3)}, rows=["a"], columns=list("abc"), description="d"
            ),
            r"t: got the shape \[2, 3\]",
        ),
        (
            lambda: plots.maps({"t": torch.rand(3, 4)}, torch.arange(4), description="d"),
            r"t: got the shape \[3, 4\]",
        ),
        (
            lambda: plots.stacked({"a": {"x": 1.0}, "b": {"y": 1.0}}, x="x", description="d"),
            "b: got the parts y",
        ),
        (lambda: plots.hourglass([4, 0, 4], description="d"), r"widths\[1\]: got 0"),
        (
            lambda: plots.fields({"f": torch.rand(4, 2)}, torch.rand(5, 2), description="d"),
            r"f: got the shapes \[5, 2\], \[4, 2\]",
        ),
        (
            lambda: plots.origins({"n": [0.0]}, torch.rand(5, 2), 0.3, description="d"),
            r"n: got the shape \[1, 1\]",
        ),
        (
            lambda: plots.projections(
                {"n": (torch.rand(9, 2), torch.rand(4, 2))}, torch.rand(5, 2), description="d"
            ),
            r"n: got 4 places for 5 points",
        ),
        (
            lambda: plots.origins({"n": [0.0, 0.0]}, torch.rand(5, 2), 0, description="d"),
            r"sigma: got 0.0",
        ),
    ],
)
def test_what_cannot_be_drawn_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call()
    assert "\n" not in str(error.value)

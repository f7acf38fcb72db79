"""Whatever is changed, `fit` with the cache leaves the weights that `fit` without it would.

A model is never read in another's place.
"""

import builtins
import copy
import functools
import importlib
import inspect
import math
import random
import re
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from aecourse import data, models, nets, seeds, train
from aecourse.models import autoregressive, denoising, likelihoods, vae
from aecourse.train import batches, cache, loop, schedules, state

SHAPE = (1, 4, 5)


def named(options) -> str:
    """A name for a test: without the addresses of functions, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(options))


class Parts:
    """What a run is made of, of which a change changes one."""

    def __init__(self, patch):
        self.patch, self.around = patch, None  # patches of names, and a context to train in
        self.kind, self.arguments = (
            models.VAE,
            {
                "latent_dim": 2,
                "net": nets.mlp((6,)),
                "likelihood": likelihoods.Gaussian(0.5),
                "shape": SHAPE,
            },
        )
        self.x, self.labels = (
            torch.rand(22, *SHAPE, generator=torch.Generator().manual_seed(7)),
            torch.arange(22) % 3,
        )
        self.fit = {
            "epochs": 2,
            "batch_size": 8,
            "lr": 0.01,
            "transform": data.binarize,
            "weights": {"beta": train.warmup(0.5)},
        }
        self.made = []  # what is done to the finished model

    @functools.cached_property
    def model(self):
        torch.manual_seed(1)
        model = self.kind(**self.arguments)
        for change in self.made:
            change(model)
        return model


def outcome(change, *, cache: bool):
    """All numbers of the model after a run with `change` (or the error), and whether it was read from the cache."""
    with pytest.MonkeyPatch.context() as patch:
        parts = Parts(patch)
        kept = torch.get_default_dtype()
        try:
            change(parts)
            model = parts.model  # made before the context is entered
            with parts.around or mock.patch.dict({}):
                history = train.fit(
                    model,
                    data.Split(parts.x, parts.labels),
                    cache=cache,
                    progress=False,
                    **parts.fit,
                )
            cached = history.cached
        except Exception as error:
            return repr(error), False
        finally:
            torch.set_default_dtype(kept)
            torch.use_deterministic_algorithms(False)
            torch.set_flush_denormal(False)
            torch.set_float32_matmul_precision("highest")
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}, cached


def equal(one, two) -> bool:
    return (
        one == two
        if isinstance(one, str) or isinstance(two, str)
        else one.keys() == two.keys()
        and all(
            one[name].shape == two[name].shape and torch.equal(one[name], two[name]) for name in one
        )
    )


def nothing(parts):
    pass


CHANGES = {"nothing": (nothing,)}


def changes(name, *several):
    CHANGES[name] = several


def argument(name, value):
    changes(f"model: {name}={value!r}"[:60], lambda parts: parts.arguments.update({name: value}))


def setting(**options):
    changes(f"fit: {named(options)}"[:60], lambda parts: parts.fit.update(options))


def made(name, *several):
    changes(
        f"made: {name}",
        *(lambda parts, change=change: parts.made.append(change) for change in several),
    )


def patched(place, name, *values):
    changes(
        f"patched: {getattr(place, '__name__', place)}.{name} {len(CHANGES)}",
        *(lambda parts, value=value: parts.patch.setattr(place, name, value) for value in values),
    )


def around(name, make):
    changes(f"around: {name}", lambda parts: setattr(parts, "around", make()))


# --- the model

for option, value in {
    "latent_dim": 3,
    "beta": 2.0,
    "free_bits": 0.1,
    "net": nets.mlp((7,)),
    "likelihood": "continuous_bernoulli",
}.items():
    argument(option, value)
argument("net", nets.mlp((6, 6)))
argument("net", nets.mlp((6,), "gelu"))
argument("net", nets.conv((3,), batch_norm=True))
argument("likelihood", likelihoods.Gaussian(0.6))
changes(
    "a learned sigma",
    lambda parts: parts.arguments.update(likelihood=likelihoods.Gaussian(0.5, learned=True)),
)
changes(
    "no squash",
    lambda parts: parts.arguments.update(likelihood=likelihoods.Gaussian(0.5, squash=False)),
)
for family in (models.IWAE, models.FlowVAE, models.AggressiveVAE, models.CapacityVAE):
    changes(
        f"family {family.__name__}",
        lambda parts, family=family: (setattr(parts, "kind", family), parts.fit.pop("weights")),
    )


def made_likelihood(seed):
    def change(parts):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            parts.arguments.update(likelihood=models.MADE((5,), shape=SHAPE, seed=seed))

    return change


def classes(labels):
    def change(parts):
        parts.kind, parts.arguments, parts.labels = (
            models.Classifier,
            {"classes": 3, "net": nets.mlp((4,)), "shape": SHAPE},
            labels,
        )
        parts.fit.pop("weights")

    return change


def codeless(haste):
    def change(parts):
        parts.kind, parts.arguments = models.Codeless, {"shape": SHAPE}
        parts.fit.pop("weights")
        parts.patch.setattr(autoregressive, "HASTE", haste)

    return change


def denoiser(noise):
    def change(parts):
        parts.kind, parts.arguments = (
            denoising.DenoisingAutoencoder,
            {"latent_dim": 2, "net": nets.mlp((4,)), "noise": noise, "shape": SHAPE},
        )
        parts.fit.pop("weights")

    return change


changes("the seed of a MADE", made_likelihood(0), made_likelihood(1))
changes("labels", classes(torch.arange(22) % 3), classes(torch.arange(22) // 8))
changes("a constant of the package", codeless(30.0), codeless(3.0))
changes("noise", denoiser(models.GaussianNoise(0.5)), denoiser(models.GaussianNoise(0.4)))


class Doubled(models.VAE):
    def decode(self, z):
        return 2 * super().decode(z)


class Cube(nn.ReLU):
    def forward(self, x):
        return x**3


class Scale(nn.Module):
    by = 1.0

    def forward(self, x):
        return x * self.by


class Special(nn.Parameter):
    pass


changes("a class of one's own", lambda parts: setattr(parts, "kind", Doubled))
Twin = type(
    "VAE",
    (models.VAE,),
    {
        "loss": lambda self, x, beta=None: {
            "loss": self.decoder(self.encoder(x)[:, :2]).square().mean()
        },
        "__module__": "aecourse.models.vae",
        "__qualname__": "VAE",
    },
)
changes("a class with a borrowed name", lambda parts: setattr(parts, "kind", Twin))


def frozen(*names):
    return lambda model: [
        p.requires_grad_(False) for name, p in model.named_parameters() if name.startswith(names)
    ]


def moved(name, by=1e-3):
    return lambda model: dict([*model.named_parameters(), *model.named_buffers()])[name].data.add_(
        by
    )


def tied(model):
    model.decoder[2].weight = nn.Parameter(model.encoder[1].weight.detach().t().contiguous())
    model.encoder[1].weight = nn.Parameter(model.decoder[2].weight.detach().t().contiguous())


def tied_biases(model):
    model.decoder[0].bias = model.encoder[1].bias


def same_biases(model):
    model.decoder[0].bias = nn.Parameter(model.encoder[1].bias.detach().clone())


def overlapping(model):
    values = torch.cat([model.encoder[1].bias.detach(), model.encoder[1].bias.detach()])
    model.encoder[1].bias, model.decoder[0].bias = (
        nn.Parameter(values[:6]),
        nn.Parameter(values[6:]),
    )
    model.decoder[0].bias.data = model.encoder[1].bias.data


def grads(model):
    for p in model.parameters():
        p.grad = torch.ones_like(p)


def by_another_layout(model):
    model.decoder[2].weight.data = model.decoder[2].weight.data.t().contiguous().t()


def scaled(by):
    def change(model):
        layer = Scale()
        layer.by = by
        model.encoder.append(layer)

    return change


def attribute(layer, name, value):
    return lambda model: setattr(model.get_submodule(layer), name, value)


def appended(*layers):
    return lambda model: model.encoder.extend(copy.deepcopy(layers))


def unregistered(model):
    model.beta = torch.tensor(2.0)


def reversed_parts(model):
    model._modules = dict(reversed(model._modules.items()))


made("a frozen decoder", frozen("decoder"))
made("a frozen bias", frozen("encoder.1.bias"))
made("all but one frozen", frozen("encoder", "decoder.0"))
made("an initial weight", moved("encoder.1.weight"))
made("a buffer", moved("likelihood.log_sigma"))
made("weights by another layout", by_another_layout)
made("tied weights", tied, tied_biases)
made("tied and merely equal", same_biases, tied_biases)
made("tied by storage", same_biases, overlapping)
made("gradients from before", grads)
made("beta afterwards", attribute("", "beta", 3.0))
made("an attribute of a part", attribute("likelihood", "squash", False))
made("a tensor as attribute", unregistered)
made("an attribute that nobody knows", attribute("", "note", object()))
made(
    "another loss on the model itself",
    attribute("", "loss", lambda x, beta=None: {"loss": torch.zeros(()).requires_grad_()}),
)
made(
    "another forward on a layer",
    attribute("encoder.1", "forward", lambda x: x[:, :6]),
    attribute("encoder.1", "forward", lambda x: x[:, 6:12]),
)
made(
    "another method by functools.wraps",
    lambda model: setattr(
        model, "decode", functools.wraps(model.decode)(lambda z: 3 * models.VAE.decode(model, z))
    ),
)
made(
    "a method of another class",
    lambda model: setattr(model, "encode", functools.partial(models.VAE.encode, model)),
)
made(
    "a layer of another class",
    lambda model: setattr(model.encoder[2], "__class__", Cube),
    lambda model: setattr(model.encoder[2], "__class__", nn.Tanh),
)
made("a layer of one's own", scaled(1.0), scaled(2.0))
made("dropout", appended(nn.Dropout(0.1)), appended(nn.Dropout(0.9)))
made("a slope", appended(nn.LeakyReLU(0.1)), appended(nn.LeakyReLU(0.9)))
made("order of the parts", reversed_parts)
made("evaluation mode before", lambda model: model.eval())
made(
    "a parameter of another type",
    lambda model: setattr(model.encoder[1], "bias", Special(model.encoder[1].bias.detach())),
)
made("a parametrization", lambda model: nn.utils.parametrizations.weight_norm(model.encoder[1]))
made(
    "a parametrization of one's own",
    lambda model: nn.utils.parametrize.register_parametrization(
        model.encoder[1], "weight", Scale()
    ),
)
made(
    "a forward hook",
    lambda model: model.encoder[1].register_forward_hook(lambda layer, x, y: 2 * y),
)
made(
    "a forward pre-hook",
    lambda model: model.encoder[1].register_forward_pre_hook(lambda layer, x: (2 * x[0],)),
)
made(
    "a backward hook",
    lambda model: model.encoder[1].register_full_backward_hook(lambda layer, into, out: (into[0],)),
)
made(
    "a hook on a parameter",
    lambda model: model.encoder[1].weight.register_hook(lambda gradient: -gradient),
)
made(
    "a hook after accumulation",
    lambda model: model.encoder[1].weight.register_post_accumulate_grad_hook(
        lambda p: p.grad.neg_()
    ),
)


# --- the data


def pixel(parts):
    parts.x[3, 0, 2, 2] += 1e-3


changes("data: a pixel", pixel)
changes("data: the order", lambda parts: setattr(parts, "x", parts.x.flip(0)))
changes(
    "data: the number",
    lambda parts: (setattr(parts, "x", parts.x[1:]), setattr(parts, "labels", parts.labels[1:])),
)
changes(
    "data: another layout",
    lambda parts: setattr(parts, "x", parts.x.transpose(2, 3).contiguous().transpose(2, 3)),
)
changes("data: no labels", lambda parts: setattr(parts, "labels", None))
changes(
    "data: a tensor of another type",
    lambda parts: setattr(parts, "x", parts.x.as_subclass(type("Images", (torch.Tensor,), {}))),
)
changes(
    "validation",
    *(
        lambda parts, n=n: parts.fit.update(validation=parts.x[:n], keep="best", lr=1.0)
        for n in (5, 9)
    ),
)


# --- settings, transforms and schedules

for options in (
    {"epochs": 3},
    {"batch_size": 4},
    {"lr": 0.02},
    {"schedule": "cosine"},
    {"schedule": 1.0},
    {"seed": 1},
    {"clip": 0.1},
    {"ema": 0.9},
    {"precision": "bf16"},
    {"weights": None},
    {"weights": {"beta": 0.5}},
    {"weights": {"beta": train.warmup(0.6)}},
    {"weights": {"beta": train.warmup(0.5, to=2)}},
    {"weights": {"beta": train.cyclical(2)}},
    {"schedule": train.one_cycle(warm=0.3)},
    {"transform": None},
    {"transform": torch.sigmoid},
    {"schedule": train.one_cycle(end=0.1)},
):
    setting(**options)

HELPS = 1.0


def helper(x):
    return x * HELPS


def helped(x):
    return helper(x)


def closed_over(value):
    return lambda x: x * value


class Level:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return x * self.by


class Counting:
    def __init__(self):
        self.calls = 0

    def __call__(self, t):
        self.calls += 1
        return 1 / self.calls


def transforms(name, *several):
    changes(
        f"transform: {name}",
        *(lambda parts, one=one: parts.fit.update(transform=one) for one in several),
    )


def rates(name, *several):
    changes(
        f"schedule: {name}",
        *(lambda parts, one=one: parts.fit.update(schedule=one) for one in several),
    )


lambdas = (lambda x: x, lambda x: 1 - x)
transforms("two lambdas on a line", *lambdas)
transforms("closures", closed_over(1.0), closed_over(0.5))
transforms("objects", Level(1.0), Level(0.5))
transforms(
    "partial", functools.partial(torch.mul, other=1.0), functools.partial(torch.mul, other=0.5)
)
transforms("noise with a level", models.GaussianNoise(0.1), models.GaussianNoise(0.2))
transforms("bound methods", Level(1.0).__call__, Level(0.5).__call__)
transforms(
    "a wrapped function",
    functools.wraps(data.binarize)(lambda x: x),
    functools.wraps(data.binarize)(lambda x: 1 - x),
)
transforms("without gradient", torch.no_grad()(lambdas[0]), torch.no_grad()(lambdas[1]))
transforms("that draws elsewhere", lambda x: x * random.random())
changes(
    "transform: a helper's number",
    lambda parts: parts.fit.update(transform=helped),
    lambda parts: (
        parts.fit.update(transform=helped),
        parts.patch.setitem(globals(), "HELPS", 0.5),
    ),
)
rates("lambdas", lambda t: 1.0, lambda t: 0.5)
rates(
    "between the points that are looked at", lambda t: 1.0, lambda t: 0.1 if 0.4 < t < 0.5 else 1.0
)
changes("schedule: that counts", lambda parts: parts.fit.update(schedule=Counting()))
changes(
    "weights: a lambda",
    *(lambda parts, v=v: parts.fit.update(weights={"beta": lambda t: v}) for v in (0.1, 2.0)),
)


# --- surroundings

real = {
    "loss": models.VAE.loss,
    "reparameterize": vae.reparameterize,
    "update": loop.Run.update,
    "step": torch.optim.Adam.step,
    "linear": nn.Linear.forward,
    "iterate": batches.TensorBatches.__iter__,
    "square": torch.Tensor.square,
    "seed": torch.manual_seed,
    "relu": F.relu,
}
patched(models.VAE, "loss", lambda self, x, beta=None: {"loss": 2 * real["loss"](self, x)["loss"]})
patched(
    models.VAE,
    "loss",
    functools.wraps(real["loss"])(
        lambda self, x, beta=None: {"loss": 3 * real["loss"](self, x)["loss"]}
    ),
)
patched(models.VAE, "decode", models.Autoencoder.encode)
patched(
    models.VAE, "encode", functools.lru_cache(lambda self, x: self.encoder(x).sin().chunk(2, 1))
)
patched(vae, "reparameterize", lambda mu, log_var: mu, lambda mu, log_var: mu + 1)
patched(vae, "kl_divergence", lambda mu, log_var: mu.square())
patched(vae, "torch", mock.Mock(wraps=torch))
patched(vae.VAE.loss, "__defaults__", (3.0,))
patched(likelihoods.Gaussian, "mean", lambda self, logits: logits.tanh())
patched(likelihoods.Gaussian, "sigma", property(lambda self: 2.0))
patched(loop, "SWEEP", 1)
patched(loop.Run, "update", lambda self: (self.optimizer.step(), real["update"](self)))
patched(loop.Run, "begin", lambda self: self.model.eval())
patched(loop.Run, "average", loop.Run.begin)
patched(batches.TensorBatches, "__iter__", lambda self: reversed(list(real["iterate"](self))))
patched(state, "seed_all", lambda seed: real["seed"](seed + 1))
patched(seeds, "_moved_by", 5)
patched(data, "binarize", lambda x: x.round())
patched(data.torch, "rand_like", torch.zeros_like)
patched(torch, "rand_like", lambda x: x / 2, lambda x: x / 3)
patched(torch, "randn_like", torch.zeros_like, torch.ones_like)
patched(
    torch,
    "randperm",
    functools.partial(lambda n, **options: torch.arange(n)),
    functools.partial(lambda n, **options: torch.arange(n).flip(0)),
)
patched(torch, "exp", mock.Mock(side_effect=torch.sigmoid))
patched(torch.Tensor, "square", lambda x: x * x * 2)
patched(torch.Tensor, "square", torch.abs)
patched(
    torch.optim.Adam,
    "step",
    lambda self: [
        p.data.add_(p.grad, alpha=-1e-3)
        for p in self.param_groups[0]["params"]
        if p.grad is not None
    ],
)
patched(
    inspect.getmodule(torch.optim.Adam),
    "adam",
    lambda params, gradients, *rest, **options: [
        p.data.sub_(1e-3 * g) for p, g in zip(params, gradients)
    ],
)
patched(nn.Linear, "forward", lambda self, x: 2 * real["linear"](self, x))
patched(nn.ReLU, "forward", nn.Tanh.forward)
patched(F, "relu", lambda x, inplace=False: x.sin())
patched(F, "relu", F.gelu)
patched(math, "cos", math.sin)
patched(schedules, "one_cycle", lambda: lambda t: 0.3)
changes(
    "patched: a schedule by name",
    lambda parts: parts.patch.setitem(schedules.SCHEDULES, "one_cycle", lambda: lambda t: 0.3),
)
changes(
    "patched: an activation",
    lambda parts: (
        parts.patch.setitem(nets.ACTIVATIONS, "relu", Cube),
        parts.arguments.update(net=nets.mlp((6,))),
    ),
)


class Louder(TorchFunctionMode):
    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        return result + 0.5 if function is torch.randn_like else result


class Quieter(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        return result * 0.5 if "randn_like" in str(function) else result


class Hooked:
    def __init__(self, *hooks):
        self.hooks = hooks

    def __enter__(self):
        self.handles = [hook() for hook in self.hooks]

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


around("a function mode", Louder)
around("a dispatch mode", Quieter)
around(
    "a hook on all modules",
    lambda: Hooked(
        lambda: nn.modules.module.register_module_forward_hook(
            lambda layer, x, y: 2 * y if isinstance(layer, nn.Linear) else None
        )
    ),
)
around(
    "a hook on all optimisers",
    lambda: Hooked(
        lambda: register_optimizer_step_pre_hook(
            lambda optimizer, *rest: [
                p.grad.neg_() for p in optimizer.param_groups[0]["params"] if p.grad is not None
            ]
        )
    ),
)
around(
    "hooks on saved tensors",
    lambda: torch.autograd.graph.saved_tensors_hooks(
        lambda x: x, lambda x: x * 0.5 if x.is_floating_point() else x
    ),
)
around("autocast", lambda: torch.autocast("cpu", torch.bfloat16))
around("no gradient", torch.no_grad)
around("inference mode", torch.inference_mode)
around("a default device", lambda: torch.device("cpu"))
changes(
    "around: default dtype", lambda parts: (parts.model, torch.set_default_dtype(torch.float64))
)
changes(
    "around: deterministic", lambda parts: torch.use_deterministic_algorithms(True, warn_only=True)
)
changes("around: denormals", lambda parts: torch.set_flush_denormal(True))
changes("around: precision of products", lambda parts: torch.set_float32_matmul_precision("medium"))
changes("around: random state", lambda parts: (parts.model, torch.manual_seed(99)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def kept(folder, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", folder)


@pytest.fixture(scope="module", autouse=True)
def base(folder):
    """A run without a change lies in the cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AECOURSE_CACHE", folder)
        assert not outcome(nothing, cache=True)[1] and outcome(nothing, cache=True)[1]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_never_answered_with_other_weights(name):
    for change in CHANGES[name]:
        (found, _), (fresh, _) = outcome(change, cache=True), outcome(change, cache=False)
        assert equal(found, fresh)


def test_there_are_many_changes():
    assert len(CHANGES) >= 60


def test_what_was_patched_or_hooked_is_forgotten():
    (found, cached), (fresh, _) = outcome(nothing, cache=True), outcome(nothing, cache=False)
    assert cached and equal(found, fresh)


@pytest.mark.parametrize(
    "what",
    [
        {"transform": data.binarize},
        {"transform": None},
        {"schedule": "cosine"},
        {"schedule": 0.5},
        {"weights": {"beta": train.cyclical(3)}},
        {"weights": {"beta": 2.0}},
        {"schedule": train.one_cycle(warm=0.1)},
        {"ema": 0.9, "clip": 1.0},
    ],
    ids=named,
)
def test_what_is_known_is_read(what):
    def change(parts):
        parts.fit.update(what)

    (one, _), (two, cached) = outcome(change, cache=True), outcome(change, cache=True)
    assert cached and equal(one, two)


def test_tied_weights_are_read():
    def change(parts):
        parts.made.append(tied_biases)

    (one, _), (two, cached) = outcome(change, cache=True), outcome(change, cache=True)
    assert cached and equal(one, two)


def test_what_a_notebook_adds_to_python_is_no_change(monkeypatch):
    outcome(nothing, cache=True)
    monkeypatch.setattr(builtins, "display", lambda *things: None, raising=False)
    assert outcome(nothing, cache=True)[1]
    kept = builtins.sum
    monkeypatch.setattr(builtins, "sum", lambda *numbers, **options: kept(*numbers, **options))
    assert not any(outcome(nothing, cache=True)[1] for _ in range(2))


def test_a_frozen_decoder_stands_still():
    """The second run is another one, although every number that it begins with is the same."""
    for freeze in (False, True):
        torch.manual_seed(0)
        model = models.VAE(2, nets.mlp((6,)), shape=SHAPE)
        model.decoder.requires_grad_(not freeze)
        before = model.decoder[0].weight.clone()
        assert not train.fit(model, Parts(None).x, epochs=2, progress=False).cached
        assert torch.equal(before, model.decoder[0].weight) == freeze


def test_another_text_of_the_packages_files_is_another_run(monkeypatch):
    """Also of a file that only other models use: nobody has to know which do."""
    outcome(nothing, cache=True)
    assert (
        "def reparameterize(" in cache.SOURCES["aecourse.models.vae"]
        and "def fit(" in cache.SOURCES["aecourse.train.fitting"]
    )
    monkeypatch.setitem(
        cache.SOURCES, "aecourse.models.vae", cache.SOURCES["aecourse.models.vae"] + "#"
    )
    assert not outcome(nothing, cache=True)[1] and outcome(nothing, cache=True)[1]


def test_a_module_that_was_loaded_again_is_not_known(monkeypatch):
    """Its file may say something else by now."""
    before = dict(vars(schedules))
    try:
        importlib.reload(schedules)
        assert not any(outcome(nothing, cache=True)[1] for _ in range(2))
    finally:
        vars(schedules).clear()
        vars(schedules).update(before)
    assert outcome(nothing, cache=True)[1]


def test_a_hit_leaves_what_training_leaves():
    """Mode, devices, gradients, what is trained, and the caller's random numbers."""

    def left(cache):
        parts = Parts(None)
        frozen("decoder")(parts.model)
        torch.manual_seed(5)
        history = train.fit(parts.model, parts.x, cache=cache, progress=False, epochs=2)
        state_now = [
            (name, p.requires_grad, p.grad, p.device, p.is_inference(), p.is_leaf)
            for name, p in parts.model.named_parameters()
        ]
        return (
            history.cached,
            history.terms,
            state_now,
            [m.training for m in parts.model.modules()],
            torch.rand(3).tolist(),
        )

    left(True)
    hit, trained = left(True), left(False)
    assert hit[0] and not trained[0] and hit[1:] == trained[1:]


@pytest.mark.parametrize(
    "options",
    [{}, {"ema": 0.9, "keep": "best", "validation": torch.full((3, *SHAPE), 0.5)}],
    ids=["plain", "all"],
)
def test_a_hit_leaves_a_checkpoint_that_loads(tmp_path, options):
    path = tmp_path / "run.pt"
    run = {"epochs": 3, "batch_size": 8, "progress": False, **options}

    def trained(**more):
        parts = Parts(None)
        history = train.fit(parts.model, parts.x, **run, **more)
        return history, parts.model.state_dict()

    first, weights = trained()
    assert trained()[0].cached
    hit, second = trained(checkpoint=path)
    assert hit.cached and path.exists() and equal(second, weights)
    read, third = trained(checkpoint=path, cache=False)
    assert (
        not read.cached
        and read.terms == first.terms
        and equal(third, weights)
        and read.best_epoch == first.best_epoch
    )
    run["epochs"] = 4
    with pytest.raises(train.CheckpointError, match="epochs=3, this one has epochs=4"):
        trained(checkpoint=path)


def test_a_run_that_went_on_from_another_models_checkpoint_is_not_kept(tmp_path):
    """Initial weights are no part of a checkpoint's identity: what follows is not what this model would have become."""
    run = {"epochs": 2, "progress": False, "seed": 77}
    train.fit(Parts(None).model, Parts(None).x, checkpoint=tmp_path / "run.pt", cache=False, **run)
    for checkpoint, same in ((tmp_path / "run.pt", False), (None, True)):
        parts, fresh = Parts(None), Parts(None)
        for model in (parts.model, fresh.model):
            moved("encoder.1.weight", 0.1)(model)
        history = train.fit(parts.model, parts.x, checkpoint=checkpoint, **run)
        train.fit(fresh.model, parts.x, cache=False, **run)
        assert (
            not history.cached and equal(parts.model.state_dict(), fresh.model.state_dict()) == same
        )

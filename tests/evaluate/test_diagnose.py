"""The doctor names every broken run, keeps silent on healthy ones, changes nothing and never raises."""

import math
import random

import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_images
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from aecourse import evaluate, models, nets, train

X = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
TRAIN, TEST = X[:1500], X[1500:]


def fit(parameters, loss, data=TRAIN, steps=300, lr=2e-3):
    optimizer = torch.optim.Adam([p for p in parameters if p.requires_grad], lr)
    order = torch.Generator().manual_seed(0)
    for _ in range(steps):
        total = loss(data[torch.randint(len(data), (64,), generator=order)])
        total = total["loss"] if isinstance(total, dict) else total
        total = total[0] if isinstance(total, tuple) else total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()


class Dense(nn.Module):
    """An encoder and a decoder as anybody writes them."""

    def __init__(self, k=8, two=True, last=None, bn=False, drop=0.0, act=nn.ReLU, shape=(1, 8, 8)):
        super().__init__()
        size = math.prod(shape)
        extra = ([nn.BatchNorm1d(64)] if bn else []) + ([nn.Dropout(drop)] if drop else [])
        self.shape, self.two = shape, two
        self.enc = nn.Sequential(
            nn.Flatten(), nn.Linear(size, 64), *extra, act(), nn.Linear(64, (1 + two) * k)
        )
        self.dec = nn.Sequential(
            nn.Linear(k, 64), act(), nn.Linear(64, size), *([last] if last else [])
        )

    def encode(self, x):
        h = self.enc(x)
        return tuple(h.chunk(2, -1)) if self.two else h

    def decode(self, z):
        return self.dec(z).view(-1, *self.shape)


class Conv(nn.Module):
    def __init__(self, k=8, two=True, last=None, bn=False, channels=1, **_):
        super().__init__()
        self.two, side = two, 4
        self.enc = nn.Sequential(
            nn.Conv2d(channels, 16, 3, 2, 1),
            *([nn.BatchNorm2d(16)] if bn else []),
            nn.LeakyReLU(),
            nn.Flatten(),
            nn.Linear(16 * side * side, (1 + two) * k),
        )
        self.dec = nn.Sequential(
            nn.Linear(k, 16 * side * side),
            nn.Unflatten(1, (16, side, side)),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(16, channels, 4, 2, 1),
            *([last] if last else []),
        )

    encode, decode = Dense.encode, lambda self, z: self.dec(z)


ERRORS = {
    "logits": lambda y, x: F.binary_cross_entropy_with_logits(y, x, reduction="none"),
    "bce": lambda y, x: F.binary_cross_entropy(y, x, reduction="none"),
    "mse": lambda y, x: (y - x) ** 2,
    "gauss": lambda y, x: (y - x) ** 2 / (2 * 0.2**2),
    "clamped": lambda y, x: (
        -(x * y.clamp(1e-6, 1 - 1e-6).log() + (1 - x) * (1 - y.clamp(1e-6, 1 - 1e-6)).log())
    ),
}


def vae(net=Dense, error="logits", beta=1.0, pixels="sum", sample="log_var", noise=True, **options):
    torch.manual_seed(0)
    sign, cut, seed, kl = (
        options.pop(name, default)
        for name, default in (("sign", 1), ("cut", False), ("seed", None), ("kl", "log_var"))
    )
    model = net(**options)

    def loss(x):
        mu, log_var = model.encode(x)
        if cut:
            mu, log_var = mu.detach(), log_var.detach()
        if seed is not None:
            torch.manual_seed(seed)
        sigma = log_var if sample == "sigma" else torch.exp(0.5 * log_var)
        z = mu + sigma * torch.randn_like(sigma) if noise else mu
        each = ERRORS[error](model.decode(z), x)
        pixel = each.mean() if pixels == "mean" else each.sum() / len(x)
        if kl == "sigma":
            price = 0.5 * (mu**2 + log_var**2 - 1) - log_var.abs().clamp(min=1e-6).log()
        else:
            price = -0.5 * (1 + log_var - mu**2 - log_var.exp())
        return pixel + sign * beta * price.sum() / len(x)

    return model, {"encode": model.encode, "decode": model.decode, "loss": loss}


def plain(net=Dense, error="mse", corrupt=None, **options):
    torch.manual_seed(0)
    model = net(two=False, **options)
    noisy = corrupt or (lambda x: x)

    def loss(x):
        return ERRORS[error](model.decode(model.encode(noisy(x))), x).mean()

    functions = {"encode": model.encode, "decode": model.decode, "loss": loss}
    return model, {**functions, **({"corrupt": corrupt} if corrupt else {})}


def sampled(how):
    torch.manual_seed(0)
    model = Dense()

    def loss(x):
        mu, log_var = model.encode(x)
        q = Normal(mu, (0.5 * log_var).exp())
        z = torch.normal(mu, q.stddev) if how == "torch.normal" else getattr(q, how)()
        pixels = F.binary_cross_entropy_with_logits(model.decode(z), x, reduction="sum") / len(x)
        return pixels + kl_divergence(q, Normal(0.0, 1.0)).sum() / len(x)

    return model, {"encode": model.encode, "decode": model.decode, "loss": loss}


class VQ(nn.Module):
    def __init__(self, size=64, channels=8, permuted=True, spread=0.3):
        super().__init__()
        self.enc = nn.Sequential(
            nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, channels, 3, 1, 1)
        )
        self.words, self.permuted = nn.Embedding(size, channels), permuted
        self.words.weight.data.mul_(spread)
        self.dec = nn.Sequential(
            nn.Conv2d(channels, 32, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)
        )

    def quantise(self, z):
        places = z.permute(0, 2, 3, 1).contiguous() if self.permuted else z.contiguous()
        rows = places.view(-1, z.shape[1])
        tokens = torch.cdist(rows, self.words.weight).argmin(1)
        words = self.words(tokens).view(places.shape)
        return (words.permute(0, 3, 1, 2) if self.permuted else words), tokens.view(len(z), -1)

    def encode(self, x):
        return self.quantise(self.enc(x))

    def decode(self, words):
        return self.dec(words)

    def loss(self, x):
        z = self.enc(x)
        words, _ = self.quantise(z)
        held = F.mse_loss(words, z.detach()) + 0.25 * F.mse_loss(z, words.detach())
        return {"loss": F.mse_loss(self.decode(z + (words - z).detach()), x) + held}


def vq(**options):
    torch.manual_seed(0)
    model = VQ(**options)
    return model, model


def examined(built, data=TRAIN, test=TEST, steps=300, mode="eval"):
    model, functions = built
    loss = functions["loss"] if isinstance(functions, dict) else functions.loss
    try:
        fit(model.parameters(), loss, data, steps)
    except RuntimeError:
        pass  # as F.binary_cross_entropy does with logits
    model.train(mode == "train")
    return evaluate.diagnose(functions, data, test=test)


def frozen():
    model, functions = vae()
    model.enc.requires_grad_(False)
    return model, functions


def silent():
    model, functions = plain()
    model.enc[1].bias.data.fill_(-50)
    return model, functions


def noisy(x):
    return x + 0.3 * torch.randn_like(x)


TABLE = torch.tensor(load_breast_cancer().data, dtype=torch.float32)

# room of the museum -> (what builds it, how it is examined, what is found)
BROKEN = {
    "the KL that was never added": (lambda: vae(beta=0.0), {}, "KL not applied"),
    "pixel mean against KL sum": (lambda: vae(pixels="mean"), {}, "KL too heavy"),
    "the KL with the wrong sign": (lambda: vae(sign=-1), {}, "KL sign"),
    "logits into plain cross-entropy": (lambda: vae(error="bce"), {}, "logits as probabilities"),
    "logits cut to [0, 1]": (lambda: vae(error="clamped"), {}, "logits as probabilities"),
    "sigmoid twice": (lambda: vae(last=nn.Sigmoid()), {}, "sigmoid twice"),
    "two sigmoids in a row": (
        lambda: vae(error="bce", last=nn.Sequential(nn.Sigmoid(), nn.Sigmoid())),
        {},
        "sigmoid twice",
    ),
    "the log-variance taken for sigma": (lambda: vae(sample="sigma"), {}, "log-variance as sigma"),
    "the KL of sigma for a log-variance": (lambda: vae(kl="sigma"), {}, "log-variance as sigma"),
    "no noise": (lambda: vae(noise=False), {}, "no noise"),
    "a corruption that does nothing": (lambda: plain(corrupt=lambda x: x), {}, "no noise"),
    "a seed in the loss": (lambda: vae(seed=3), {}, "fixed noise"),
    "torch.normal": (lambda: sampled("torch.normal"), {}, "no gradient through the sample"),
    "sample for rsample": (lambda: sampled("sample"), {}, "no gradient through the sample"),
    "a detached encoder": (lambda: vae(cut=True), {}, "no gradient"),
    "a frozen encoder": (frozen, {}, "no gradient"),
    "collapse": (lambda: vae(beta=10.0), {}, "collapse"),
    "pixels up to 255": (
        lambda: vae(error="mse", last=nn.Sigmoid()),
        {"data": 255 * TRAIN, "test": None},
        "input range",
    ),
    "columns as they come": (
        lambda: plain(shape=(30,)),
        {"data": TABLE, "test": None},
        "input range",
    ),
    "a sigmoid for [-1, 1]": (
        lambda: plain(last=nn.Sigmoid()),
        {"data": 2 * TRAIN - 1, "test": None},
        "output range",
    ),
    "dropout at the test": (lambda: vae(drop=0.3), {"mode": "train"}, "train mode"),
    "batch norm at the test": (lambda: vae(bn=True), {"mode": "train"}, "train mode"),
    "test rows in the training data": (lambda: vae(), {"data": X}, "leakage"),
    "codebook collapse": (lambda: vq(size=512, spread=30.0), {}, "dead codes"),
    "a quantiser without the permutation": (lambda: vq(permuted=False), {}, "not permuted"),
    "a dead layer": (silent, {}, "dead units"),
}


@pytest.mark.parametrize("room", BROKEN)
def test_every_broken_run_is_named(room):
    build, how, kind = BROKEN[room]
    report = examined(build(), **how)
    assert kind in report.kinds, str(report)
    assert report.seconds < 10 and all(finding.evidence for finding in report.findings)


@pytest.mark.parametrize("beta", (1.0, 4.0))
def test_a_kl_beside_decoded_means_is_read_with_its_weight(beta):
    report = examined(vae(noise=False, beta=beta))
    assert "KL not applied" not in report.kinds and "KL sign" not in report.kinds, str(report)
    assert report.facts["effective beta"] == pytest.approx(beta, rel=0.05)


def test_a_kl_that_is_missing_beside_decoded_means_is_still_missed():
    assert {"no noise", "KL not applied"} <= set(examined(vae(noise=False, beta=0.0)).kinds)


def softplus():
    torch.manual_seed(0)
    model = Dense()

    def encode(x):
        mu, raw = model.encode(x)
        return mu, F.softplus(raw)

    def loss(x):
        mu, sigma = encode(x)
        y = model.decode(mu + sigma * torch.randn_like(sigma))
        pixels = F.binary_cross_entropy_with_logits(y, x, reduction="sum") / len(x)
        return pixels + (0.5 * (mu**2 + sigma**2 - 1) - sigma.log()).sum() / len(x)

    return model, {"encode": encode, "decode": model.decode, "loss": loss}


def official():
    """In the manner of the example that most people start from: sums over the batch."""
    torch.manual_seed(0)
    model = Dense()

    def decode(z):
        return torch.sigmoid(model.decode(z))

    def loss(x):
        mu, logvar = model.encode(x)
        y = decode(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar))
        bce = F.binary_cross_entropy(y, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return bce + kld, bce, kld

    return model, {"encode": model.encode, "decode": decode, "loss": loss}


def colour():
    picture = torch.tensor(load_sample_images().images[0]).permute(2, 0, 1)[:, ::4, ::4] / 255
    crops = picture.unfold(1, 8, 5).unfold(2, 8, 5).flatten(1, 2).transpose(0, 1).contiguous()
    return crops


def spirals():
    t = torch.rand(2000, generator=torch.Generator().manual_seed(0)) * 6 + 1
    return torch.stack([t * t.cos(), t * t.sin()], 1) / 4


STANDARD = (TABLE - TABLE.mean(0)) / TABLE.std(0)
HEALTHY = {
    "a VAE": (vae, {}),
    "squared error": (lambda: vae(error="mse"), {}),
    "a Gaussian of sigma 0.2": (lambda: vae(error="gauss", last=nn.Sigmoid()), {}),
    "probabilities": (lambda: vae(error="bce", last=nn.Sigmoid()), {}),
    "averages with a small weight": (lambda: vae(pixels="mean", beta=1 / 64), {}),
    "softplus for sigma": (softplus, {}),
    "sums over the batch": (official, {}),
    "Normal.rsample": (lambda: sampled("rsample"), {}),
    "convolutions": (lambda: vae(Conv), {}),
    "batch norm": (lambda: vae(Conv, bn=True), {}),
    "dropout": (lambda: vae(drop=0.2), {}),
    "two numbers": (lambda: plain(k=2, last=nn.Sigmoid()), {}),
    "denoising": (lambda: plain(corrupt=noisy), {}),
    "a VQ-VAE": (vq, {"steps": 600}),
    "tanh for [-1, 1]": (lambda: plain(last=nn.Tanh()), {"data": 2 * TRAIN - 1, "test": None}),
    "colour": (lambda: vae(Conv, channels=3), {"data": colour(), "test": None}),
    "a table": (lambda: plain(shape=(30,)), {"data": STANDARD, "test": None}),
    "a toy in the plane": (
        lambda: vae(error="gauss", k=2, shape=(2,)),
        {"data": spirals(), "test": None},
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_models_pass_in_silence(name):
    build, how = HEALTHY[name]
    report = examined(build(), **how)
    assert not report.findings, str(report)


def drawn(chance):
    """A healthy model at random: net, error, weight, width, layers, data."""
    error, last = chance.choice(
        [("logits", None), ("bce", nn.Sigmoid()), ("mse", nn.Sigmoid()), ("mse", None)]
    )
    options = {
        "net": chance.choice([Dense, Conv]),
        "error": error,
        "last": last,
        "k": chance.choice([2, 3, 5, 8, 16, 32]),
        "bn": chance.random() < 0.3,
    }
    if options["net"] is Dense:
        options |= {
            "act": chance.choice([nn.ReLU, nn.GELU, nn.Tanh, nn.SiLU]),
            "drop": chance.choice([0.0, 0.0, 0.1]),
        }
    if chance.random() < 0.3:
        return plain(**options, corrupt=chance.choice([None, noisy]))
    pixels = chance.choice(["sum", "mean"])
    beta = chance.uniform(0.02, 0.3) if error == "mse" else chance.uniform(0.1, 1.0)
    return vae(**options, pixels=pixels, beta=beta / (64 if pixels == "mean" else 1))


@pytest.mark.slow
def test_of_healthy_models_drawn_at_random_one_in_thirty_at_most_is_suspected():
    chance, alarms = random.Random(0), []
    for _ in range(30):  # of 100, drawn in the same way, none was
        built = drawn(chance)
        data = chance.choice([TRAIN, (TRAIN > 0.5).float(), 1 - TRAIN])
        report = examined(built, data=data, test=None, steps=200)
        alarms += [str(report)] if report.findings else []
    assert len(alarms) <= 1, "\n\n".join(alarms)


@pytest.mark.parametrize("kind", [models.Autoencoder, models.VAE, models.DenoisingAutoencoder])
def test_models_of_the_course_pass(kind):
    torch.manual_seed(0)
    model = kind(8, nets.mlp((64,)), shape=(1, 8, 8))
    train.fit(model, TRAIN, epochs=20, progress=False, cache=False)
    report = evaluate.diagnose(model, TRAIN, test=TEST)
    assert not report.findings, str(report)


def test_the_effective_beta_is_read_off():
    for pixels, beta, expected in (
        ("sum", 1.0, 1.0),
        ("sum", 0.3, 0.3),
        ("mean", 1.0, 64.0),
        ("mean", 0.02, 1.28),
    ):
        report = examined(vae(pixels=pixels, beta=beta), steps=60)
        assert report.facts["effective beta"] == pytest.approx(expected, rel=0.1)


def test_nothing_is_left_changed():
    model, functions = vae(bn=True, drop=0.2)
    fit(model.parameters(), functions["loss"], steps=20)
    model.enc[1].eval()
    gradients = [p.grad.clone() for p in model.parameters()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modes, chance = [m.training for m in model.modules()], torch.get_rng_state()
    evaluate.diagnose(functions, TRAIN)
    assert all(torch.equal(state[n], v) for n, v in model.state_dict().items())
    assert all(torch.equal(g, p.grad) for g, p in zip(gradients, model.parameters()))
    assert modes == [m.training for m in model.modules()]
    assert torch.equal(chance, torch.get_rng_state())


GARBAGE = {
    "nothing": None,
    "a number": 3,
    "no functions": {},
    "a number for a function": {"encode": 1},
    "an encoder that raises": {"encode": lambda x: 1 / 0, "decode": lambda z: z},
    "a loss of None": {"encode": lambda x: x, "decode": lambda z: z, "loss": lambda x: None},
    "texts": {"encode": lambda x: "z", "decode": lambda z: "x", "loss": lambda x: "1"},
    "other shapes": {"encode": lambda x: x[:, :1], "decode": lambda z: z[:, :0]},
}
DATA = {"nothing": None, "a text": "x", "images": TRAIN, "a vector": torch.zeros(3), "a list": [1]}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("model", GARBAGE)
def test_it_never_raises(model, data):
    report = evaluate.diagnose(GARBAGE[model], DATA[data])
    assert report.findings or report.skipped
    assert str(report)


def test_a_report_says_what_to_do():
    report = examined(vae(beta=0.0))
    text = str(report)
    assert "Seen: " in text and "Do: " in text and "Read: lesson 05" in text


def test_the_command_reads_a_file(tmp_path, capsys):
    from aecourse.__main__ import main

    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\n"
        "from torch import nn\n"
        "net = nn.Linear(6, 6)\n"
        "data = torch.rand(40, 6)\n"
        "def encode(x): return net(x).detach()\n"
        "def decode(z): return z\n"
        "def loss(x): return ((decode(encode(x)) - x) ** 2).mean()\n"
    )
    assert (
        main(["diagnose", str(file)]) == 1 and "Gradients do not arrive" in capsys.readouterr().out
    )
    file.write_text("x = 1\n")
    assert main(["diagnose", str(file)]) == 2 and "wanted are data" in capsys.readouterr().err
    file.write_text("1 / 0\n")
    assert main(["diagnose", str(file)]) == 2 and "ZeroDivisionError" in capsys.readouterr().err
    assert main(["diagnose", str(tmp_path / "none.py")]) == 2

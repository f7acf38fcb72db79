"""The doctor on models in other people's styles: other losses, other orders, other data, other things wrong."""

import math

import pytest
import torch
from test_diagnose import STANDARD, TEST, TRAIN, VQ, Conv, Dense, X, colour, fit, vae
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from aecourse import evaluate

FLAT = TRAIN.flatten(1)


def kl(mu, log_var):
    return -0.5 * (1 + log_var - mu**2 - log_var.exp())


def bits(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)


def noisy(mu, log_var):
    return mu + (0.5 * log_var).exp() * torch.randn_like(mu)


def made(loss, encode=None, decode=None, net=Dense, **options):
    """A model and its functions; loss(model, x)."""
    torch.manual_seed(0)
    model = net(**options)
    return model, {
        "encode": (lambda x: encode(model, x)) if encode else model.encode,
        "decode": (lambda z: decode(model, z)) if decode else model.decode,
        "loss": lambda x: loss(model, x),
    }


def usual(model, x):
    mu, log_var = model.encode(x)
    return bits(model.decode(noisy(mu, log_var)), x) + kl(mu, log_var).sum() / len(x)


def examined(built, data=TRAIN, test=None, steps=300, rows=TRAIN, of=lambda out: out):
    """Trains on `rows` with the number that `of` takes from the loss, and diagnoses with `data`."""
    model, functions = built
    loss = functions["loss"] if isinstance(functions, dict) else functions.loss
    fit(model.parameters(), lambda x: of(loss(x)), rows, steps)
    model.eval()
    return evaluate.diagnose(functions, data, test=test)


# ---- healthy -------------------------------------------------------------------------------------------------------


def distribution():
    def encode(model, x):
        mu, log_var = model.encode(x)
        return Normal(mu, (0.5 * log_var).exp())

    def loss(model, x):
        q = encode(model, x)
        return bits(model.decode(q.rsample()), x) + kl_divergence(q, Normal(0.0, 1.0)).sum() / len(
            x
        )

    return made(loss, encode)


def parts_first():
    """The parts before the total, in a dictionary."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        recon = bits(model.decode(noisy(mu, log_var)), x)
        price = kl(mu, log_var).sum() / len(x)
        return {"recon": recon, "kl": price, "total": recon + 0.7 * price}

    return made(loss)


def total_last():
    """(reconstruction, KL, total)."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        recon = bits(model.decode(noisy(mu, log_var)), x)
        price = kl(mu, log_var).sum() / len(x)
        return recon, price, recon + 0.7 * price

    return made(loss)


def z_last():
    """encode gives (mu, log_var, z)."""

    def encode(model, x):
        mu, log_var = model.encode(x)
        return mu, log_var, noisy(mu, log_var)

    def loss(model, x):
        mu, log_var, z = encode(model, x)
        return bits(model.decode(z), x) + kl(mu, log_var).sum() / len(x)

    return made(loss, encode)


def z_first():
    def encode(model, x):
        mu, log_var = model.encode(x)
        return (noisy(mu, log_var) if model.training else mu), mu, log_var

    def loss(model, x):
        z, mu, log_var = encode(model, x)
        return bits(model.decode(z), x) + kl(mu, log_var).sum() / len(x)

    return made(loss, encode)


def importance():
    """The IWAE bound with five draws."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        q = Normal(mu, (0.5 * log_var).exp())
        z = q.rsample((5,))
        log_p = (
            -F.binary_cross_entropy_with_logits(
                model.decode(z.flatten(0, 1)).view(5, *x.shape),
                x.expand(5, *x.shape),
                reduction="none",
            )
            .flatten(2)
            .sum(2)
        )
        log_w = log_p + (Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)).sum(2)
        return -(torch.logsumexp(log_w, 0) - math.log(5)).mean()

    return made(loss)


def free_bits():
    def loss(model, x):
        mu, log_var = model.encode(x)
        price = kl(mu, log_var).mean(0).clamp(min=0.3).sum()
        return bits(model.decode(noisy(mu, log_var)), x) + price

    return made(loss)


def learned_width():
    """A Gaussian decoder whose standard deviation is a parameter."""

    class Wide(Dense):
        def __init__(self, **options):
            super().__init__(**options)
            self.log_sigma = nn.Parameter(torch.tensor(-1.0))

    def loss(model, x):
        mu, log_var = model.encode(x)
        p = Normal(model.decode(noisy(mu, log_var)), model.log_sigma.exp())
        return (kl(mu, log_var).sum() - p.log_prob(x).sum()) / len(x)

    return made(loss, net=Wide)


def two_heads():
    """The decoder gives a mean and a log-variance of each pixel."""

    class Heads(Dense):
        def __init__(self):
            super().__init__()
            self.more = nn.Linear(8, 64)

        def decode(self, z):
            mean = torch.sigmoid(self.dec(z)).view(-1, 1, 8, 8)
            return mean, self.more(z).view(-1, 1, 8, 8).clamp(-5, 1)

    def loss(model, x):
        mu, log_var = model.encode(x)
        mean, width = model.decode(noisy(mu, log_var))
        pixels = 0.5 * ((x - mean) ** 2 / width.exp() + width).sum() / len(x)
        return pixels + kl(mu, log_var).sum() / len(x)

    return made(loss, net=Heads)


class EMA(VQ):
    """A codebook in a buffer, moved by averages; encode gives (words, tokens, loss)."""

    def __init__(self, size=32, channels=8):
        super().__init__(size, channels)
        del self.words
        self.register_buffer("codebook", torch.randn(size, channels) * 0.3)
        self.register_buffer("counts", torch.ones(size))
        self.register_buffer("sums", self.codebook.clone())

    def quantise(self, z):
        rows = z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        tokens = torch.cdist(rows, self.codebook).argmin(1)
        if self.training:
            with torch.no_grad():
                hot = F.one_hot(tokens, len(self.codebook)).to(rows)
                self.counts.mul_(0.95).add_(0.05 * hot.sum(0))
                self.sums.mul_(0.95).add_(0.05 * hot.T @ rows)
                self.codebook.copy_(self.sums / (self.counts[:, None] + 1e-3))
                few = self.counts < 0.1
                pick = torch.randint(len(rows), (int(few.sum()),))
                self.codebook[few], self.sums[few] = rows[pick], rows[pick]
                self.counts[few] = 1.0
        words = F.embedding(tokens, self.codebook)
        return words.view(len(z), 4, 4, -1).permute(0, 3, 1, 2), tokens.view(len(z), 4, 4)

    def encode(self, x):
        z = self.enc(x)
        words, tokens = self.quantise(z)
        held = F.mse_loss(z, words.detach())
        return z + (words - z).detach(), tokens, held

    def loss(self, x):
        words, _, held = self.encode(x)
        return F.mse_loss(self.decode(words), x) + 0.25 * held


def moving():
    torch.manual_seed(0)
    model = EMA()
    return model, model


class Skips(nn.Module):
    """A U-Net: decode wants all that encode gives."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(1, 8, 3, 2, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(16, 1, 2, 2)

    def encode(self, x):
        h = F.relu(self.one(x))
        return F.relu(self.two(h)), h

    def decode(self, parts):
        z, h = parts
        return torch.sigmoid(self.out(torch.cat([F.relu(self.up(z)), h], 1)))

    def loss(self, x):
        return F.mse_loss(self.decode(self.encode(x)), x)


def skips():
    torch.manual_seed(0)
    model = Skips()
    return model, model


class Attention(nn.Module):
    """Patches, a transformer with dropout, one token as the code."""

    def __init__(self):
        super().__init__()
        layer = {"nhead": 4, "dim_feedforward": 64, "dropout": 0.1, "batch_first": True}
        self.into, self.back = nn.Linear(16, 32), nn.Linear(32, 16)
        self.place = nn.Parameter(0.1 * torch.randn(1, 4, 32))
        self.enc = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, **layer), 1)
        self.dec = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, **layer), 1)
        self.mu, self.log_var, self.open = nn.Linear(32, 8), nn.Linear(32, 8), nn.Linear(8, 32)

    def encode(self, x):
        patches = F.unfold(x, 4, stride=4).transpose(1, 2)
        h = self.enc(self.into(patches) + self.place).mean(1)
        return {"mu": self.mu(h), "logvar": self.log_var(h)}

    def decode(self, z):
        h = self.dec(self.open(z)[:, None] + self.place)
        return F.fold(self.back(h).transpose(1, 2), (8, 8), 4, stride=4)

    def loss(self, x):
        q = self.encode(x)
        mu, log_var = q["mu"], q["logvar"]
        return bits(self.decode(noisy(mu, log_var)), x) + kl(mu, log_var).sum() / len(x)


def attention():
    torch.manual_seed(0)
    model = Attention()
    return model, model


def conditional():
    """The class comes from a frozen network in a closure."""
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).requires_grad_(False)
    model = Dense(shape=(1, 8, 8))
    model.enc[1], model.dec[0] = nn.Linear(74, 64), nn.Linear(18, 64)

    def told(x):
        return F.one_hot(judge(x).argmax(1), 10).float()

    def encode(x):
        return model.enc(torch.cat([x.flatten(1), told(x)], 1)).chunk(2, 1)

    labels = {}

    def decode(z):
        return model.dec(torch.cat([z, labels["now"][: len(z)]], 1)).view(-1, 1, 8, 8)

    def remembered(x):
        labels["now"] = told(x)
        return encode(x)

    def loss(x):
        mu, log_var = remembered(x)
        return bits(decode(noisy(mu, log_var)), x) + kl(mu, log_var).sum() / len(x)

    return model, {"encode": remembered, "decode": decode, "loss": loss, "module": model}


def perceptual():
    """Compared in the features of a frozen network."""
    torch.manual_seed(1)
    eye = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).requires_grad_(False)

    def loss(model, x):
        image = model.decode(model.encode(x))
        return F.mse_loss(eye(image), eye(x)) + 0.1 * F.l1_loss(image, x)

    return made(loss, two=False, last=nn.Sigmoid())


def tensors_only():
    """No module at all: matrices, as in a script about gradients."""
    torch.manual_seed(0)
    a, b = (torch.randn(*s).mul(0.1).requires_grad_() for s in ((64, 6), (6, 64)))

    class Held:
        def parameters(self):
            return [a, b]

        def eval(self):
            pass

    def encode(x):
        return x.flatten(1) @ a

    def decode(z):
        return (z @ b).view(-1, 1, 8, 8)

    return Held(), {
        "encode": encode,
        "decode": decode,
        "loss": lambda x: ((decode(encode(x)) - x) ** 2).sum() / len(x),
    }


def sequence():
    """An LSTM over the rows of the image, data [N, T, F]."""

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.LSTM(8, 32, batch_first=True)
            self.write, self.out = nn.LSTM(32, 32, batch_first=True), nn.Linear(32, 8)

        def encode(self, x):
            return self.read(x)[1][0][-1]

        def decode(self, z):
            return self.out(self.write(z[:, None].expand(-1, 8, -1))[0])

        def loss(self, x):
            return F.mse_loss(self.decode(self.encode(x)), x)

    torch.manual_seed(0)
    model = Recurrent()
    return model, model


def gumbel():
    """Categorical codes, relaxed."""

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 48))
            self.dec = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 64))

        def encode(self, x):
            return self.enc(x).view(-1, 6, 8)

        def decode(self, z):
            return self.dec(z.softmax(-1).flatten(1)).view(-1, 1, 8, 8)

        def loss(self, x):
            hot = F.gumbel_softmax(self.encode(x), 1.0)
            return bits(self.dec(hot.flatten(1)).view(-1, 1, 8, 8), x)

    torch.manual_seed(0)
    model = Words()
    return model, model


def matched():
    """A Wasserstein autoencoder: codes matched to the prior by their mean and covariance."""

    def loss(model, x):
        z = model.encode(x)
        away = z.mean(0).square().sum() + (z.T.cov() - torch.eye(z.shape[1])).square().sum()
        return F.mse_loss(model.decode(z), x, reduction="sum") / len(x) + 0.1 * away

    return made(loss, two=False)


def ladder():
    """Two levels of latents: encode gives a list of pairs."""

    def encode(model, x):
        mu, log_var = model.encode(x)
        return [(mu[:, :4], log_var[:, :4]), (mu[:, 4:], log_var[:, 4:])]

    def decode(model, pairs):
        return model.decode(torch.cat([mu for mu, _ in pairs], 1))

    return made(usual, encode, decode)


def sparse():
    def loss(model, x):
        z = torch.relu(model.encode(x))
        return F.mse_loss(model.decode(z), x) + 1e-4 * z.sum(1).mean()

    return made(loss, lambda m, x: torch.relu(m.encode(x)), two=False, k=32)


def half_of_the_square():
    return made(
        lambda m, x: 0.5 * F.mse_loss(m.decode(m.encode(x)), x, reduction="none").sum((1, 2, 3)),
        two=False,
    )


def flat():
    """Images flattened by the model; decode gives rows."""
    return made(usual, decode=lambda m, z: m.dec(z))


LOADER = DataLoader(TensorDataset(TRAIN, torch.zeros(len(TRAIN))), batch_size=64, shuffle=True)
HEALTHY = {
    "encode gives a distribution": (distribution, {}),
    "parts before the total": (parts_first, {"of": lambda out: out["total"]}),
    "the total last": (total_last, {"of": lambda out: out[2]}),
    "(mu, log_var, z)": (z_last, {}),
    "(z, mu, log_var)": (z_first, {}),
    "importance weights": (importance, {}),
    "free bits": (free_bits, {}),
    "a learned width": (learned_width, {}),
    "a mean and a width for each pixel": (two_heads, {}),
    "beta of 4": (lambda: vae(error="gauss", beta=4.0), {"steps": 600}),
    "moving averages": (moving, {"steps": 600}),
    "skip connections": (skips, {}),
    "a transformer": (attention, {"steps": 600}),
    "a class from a closure": (conditional, {}),
    "features of a frozen network": (perceptual, {"steps": 600}),
    "matrices without a module": (tensors_only, {}),
    "an LSTM": (sequence, {"data": TRAIN[:, 0], "rows": TRAIN[:, 0], "steps": 600}),
    "relaxed words": (gumbel, {"steps": 600}),
    "moments matched": (matched, {}),
    "two levels": (ladder, {}),
    "a sparse code": (sparse, {"steps": 600}),
    "a loss for each image": (half_of_the_square, {"of": lambda out: out.mean()}),
    "decode gives rows": (flat, {}),
    "a list of tensors": (lambda: made(usual), {"data": list(TRAIN)}),
    "a loader": (lambda: made(usual), {"data": LOADER}),
    "a data set": (lambda: made(usual), {"data": TensorDataset(TRAIN, torch.zeros(len(TRAIN)))}),
    "an array": (lambda: made(usual), {"data": TRAIN.numpy()}),
    "colour in [-1, 1]": (
        lambda: vae(Conv, error="mse", channels=3, last=nn.Tanh(), beta=0.1),
        {"data": 2 * colour() - 1, "rows": 2 * colour() - 1},
    ),
    "a table with a VAE": (
        lambda: vae(error="mse", shape=(30,), beta=0.3),
        {"data": STANDARD, "rows": STANDARD},
    ),
    "words counted": (
        lambda: vae(error="mse", shape=(64,), beta=0.1),
        {"data": (4 * FLAT).round(), "rows": (4 * FLAT).round()},
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_models_of_other_styles_pass_in_silence(name):
    build, how = HEALTHY[name]
    report = examined(build(), **how)
    assert not report.findings, str(report)


# ---- broken --------------------------------------------------------------------------------------------------------


def priced(how):
    """The KL is in the number and not in the gradient."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        price = kl(mu, log_var).sum() / len(x)
        return bits(model.decode(noisy(mu, log_var)), x) + (
            price.item() if how == "item" else price.detach()
        )

    return made(loss)


def cut_sample(how):
    """The KL trains the encoder, the reconstruction does not."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        if how == "detach":
            z = noisy(mu, log_var).detach()
        elif how == "no_grad":
            with torch.no_grad():
                z = noisy(mu, log_var)
        else:
            z = torch.tensor(noisy(mu, log_var).tolist())
        return bits(model.decode(z), x) + kl(mu, log_var).sum() / len(x)

    return made(loss)


def blind():
    """encode runs under no_grad, the decoder learns."""

    @torch.no_grad()
    def encode(model, x):
        return model.encode(x)

    return made(
        lambda m, x: F.mse_loss(m.decode(encode(m, x)), x), encode, two=False, last=nn.Sigmoid()
    )


def variance_as_sigma():
    def loss(model, x):
        mu, log_var = model.encode(x)
        z = mu + log_var.exp() * log_var.data.new(log_var.size()).normal_()
        return bits(model.decode(z), x) + kl(mu, log_var).sum() / len(x)

    return made(loss)


def half_in_the_price():
    def loss(model, x):
        mu, log_var = model.encode(x)
        price = -0.5 * (1 + log_var - mu**2 - (0.5 * log_var).exp())
        return bits(model.decode(noisy(mu, log_var)), x) + price.sum() / len(x)

    return made(loss)


def positive_head():
    """A ReLU on both heads: sigma is never below 1."""

    def encode(model, x):
        mu, log_var = model.encode(x)
        return mu, torch.relu(log_var)

    def loss(model, x):
        mu, log_var = encode(model, x)
        return bits(model.decode(noisy(mu, log_var)), x) + kl(mu, log_var).sum() / len(x)

    return made(loss, encode)


def same_noise():
    held = torch.randn(64, 8, generator=torch.Generator().manual_seed(1))

    def loss(model, x):
        mu, log_var = model.encode(x)
        z = mu + (0.5 * log_var).exp() * held[: len(x)]
        return bits(model.decode(z), x) + kl(mu, log_var).sum() / len(x)

    return made(loss)


def averaged_code():
    """Every image gets the mean code of its batch."""
    return made(
        lambda m, x: F.mse_loss(m.decode(m.encode(x).mean(0, keepdim=True).expand(len(x), -1)), x),
        lambda m, x: m.encode(x).mean(0, keepdim=True).expand(len(x), -1),
        two=False,
    )


def shuffled_target():
    return made(
        lambda m, x: F.mse_loss(m.decode(m.encode(x)), x[torch.randperm(len(x))]), two=False
    )


def subtracted():
    """(total, parts), with the KL already negative."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        recon, price = bits(model.decode(noisy(mu, log_var)), x), -kl(mu, log_var).sum() / len(x)
        return recon + price, {"recon": recon, "kl": price}

    return made(loss)


def weight_zero():
    """A warm-up that was never stepped; parts before the total."""

    def loss(model, x):
        mu, log_var = model.encode(x)
        recon, price = bits(model.decode(noisy(mu, log_var)), x), kl(mu, log_var).sum() / len(x)
        return {"recon": recon, "kl": price, "loss": recon + 0.0 * price}

    return made(loss)


class Rows(VQ):
    """einops-free, and wrong: reshape to [B, places, channels] without a permutation."""

    def quantise(self, z):
        rows = z.reshape(len(z), -1, z.shape[1])
        apart = (rows[:, :, None] - self.words.weight).square().sum(-1)
        tokens = apart.argmin(-1)
        return self.words(tokens).view(z.shape), tokens


class Renamed(VQ):
    """A codebook under a name that says nothing, and far from the codes."""

    def __init__(self):
        super().__init__()
        del self.words
        self.b = nn.Parameter(30 * torch.randn(512, 8))

    def quantise(self, z):
        rows = z.permute(0, 2, 3, 1).reshape(-1, 8)
        tokens = (rows[:, None] - self.b).square().sum(-1).min(dim=-1).indices
        return self.b[tokens].view(len(z), 4, 4, 8).permute(0, 3, 1, 2), tokens


def renamed():
    torch.manual_seed(0)
    model = Renamed()
    return model, model


def rows():
    torch.manual_seed(0)
    model = Rows()
    return model, model


def close(x):
    return x + 1e-4 * torch.randn(x.shape, generator=torch.Generator().manual_seed(3))


PLAIN = {"error": "mse", "two": False}


def plain(last=None, **options):
    return made(lambda m, x: F.mse_loss(m.decode(m.encode(x)), x), two=False, last=last, **options)


BROKEN = {
    "kl.item()": (lambda: priced("item"), {}, "KL not applied"),
    "kl.detach()": (lambda: priced("detach"), {}, "KL not applied"),
    "a detached sample beside a KL": (
        lambda: cut_sample("detach"),
        {},
        "no gradient through the sample",
    ),
    "a sample under no_grad": (lambda: cut_sample("no_grad"), {}, "no gradient through the sample"),
    "a sample by way of lists": (lambda: cut_sample("list"), {}, "no gradient through the sample"),
    "encode under no_grad": (blind, {}, "no gradient"),
    "exp(log_var) as sigma": (variance_as_sigma, {}, "log-variance as sigma"),
    "exp(log_var / 2) in the KL": (half_in_the_price, {}, "log-variance as sigma"),
    "a ReLU on the log-variance": (positive_head, {}, "cut head"),
    "noise drawn once": (same_noise, {}, "no noise"),
    "the mean code of the batch": (averaged_code, {}, "collapse"),
    "shuffled targets": (shuffled_target, {}, "collapse"),
    "the KL subtracted": (subtracted, {"of": lambda out: out[0]}, "KL sign"),
    "a warm-up never stepped": (weight_zero, {}, "KL not applied"),
    "a quantiser of reshaped rows": (rows, {}, "not permuted"),
    "a ReLU before a loss of logits": (lambda: made(usual, last=nn.ReLU()), {}, "output range"),
    "a softmax over the pixels": (lambda: plain(nn.Softmax(1)), {}, "output range"),
    "a ReLU for a standardised table": (
        lambda: plain(nn.ReLU(), shape=(30,)),
        {"data": STANDARD, "rows": STANDARD},
        "output range",
    ),
    "pixels up to 8 in a cross-entropy": (
        lambda: made(usual),
        {"data": 8 * TRAIN, "rows": 8 * TRAIN, "steps": 100},
        "input range",
    ),
    "words far off, under another name": (renamed, {}, "dead codes"),
    "divided by 255 twice": (
        lambda: plain(nn.Sigmoid()),
        {"data": TRAIN / 255, "rows": TRAIN / 255},
        "input range",
    ),
    "255 in flat rows": (
        lambda: plain(shape=(64,)),
        {"data": 255 * FLAT, "rows": 255 * FLAT},
        "input range",
    ),
    "255 without a channel": (
        lambda: plain(shape=(8, 8)),
        {"data": 255 * TRAIN[:, 0], "rows": 255 * TRAIN[:, 0]},
        "input range",
    ),
    "test rows up to rounding": (
        lambda: made(usual),
        {"data": torch.cat([TRAIN, close(TEST)]), "test": TEST},
        "leakage",
    ),
    "a NaN among the images": (
        lambda: made(usual),
        {"data": TRAIN.clone().index_fill_(0, torch.tensor([3]), math.nan)},
        "not finite",
    ),
}


@pytest.mark.parametrize("room", BROKEN)
def test_broken_runs_of_other_styles_are_named(room):
    build, how, kind = BROKEN[room]
    report = examined(build(), **how)
    assert kind in report.kinds, str(report)


def test_honest_duplicates_are_no_leak():
    """Rows of few values occur twice by themselves, within the training data as often as across."""
    coarse = (X[:, :, ::3, ::3] > 0.5).float()
    report = evaluate.diagnose(
        {"encode": lambda x: x, "decode": lambda z: z}, coarse[:1500], test=coarse[1500:]
    )
    assert "leakage" not in report.kinds, str(report)


def test_the_size_of_a_codebook_is_heard_and_not_guessed_from_names():
    report = examined(renamed(), steps=50)
    assert report.facts["codebook entries used"].endswith(" of 512")


def test_a_collapsed_code_is_no_sign_that_the_kl_is_missing():
    report = examined(vae(beta=10.0))
    assert "collapse" in report.kinds and "KL not applied" not in report.kinds

"""Exercises of lesson 11."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import models
from aecourse.check.core import Mistake, Named, exercise

# ---- The KL divergence to a class's own prior ------------------------------------------------------


def conditional_kl(mu, log_var, prior_mu, prior_log_var, y) -> torch.Tensor:
    """KL(q(z|x, y) || p(z|y)) in nats, [B]: mu and log_var are [B, k], those of the
    priors [classes, k], y [B]."""
    excess = log_var - prior_log_var[y]
    distance = (mu - prior_mu[y]).square() / prior_log_var[y].exp()
    return 0.5 * (excess.exp() + distance - 1 - excess).sum(1)


def _kl_cases(generator, sizes=((5, 3, 4), (3, 2, 6), (4, 5, 3))):
    return [
        (
            *torch.randn(2, b, k, generator=generator),
            *torch.randn(2, classes, k, generator=generator),
            torch.randint(classes, (b,), generator=generator),
        )
        for b, k, classes in sizes
    ]


def _kl_by_torch(mu, log_var, prior_mu, prior_log_var, y):
    q, p = (
        torch.distributions.Normal(mean, (0.5 * spread).exp())
        for mean, spread in ((mu, log_var), (prior_mu[y], prior_log_var[y]))
    )
    return torch.distributions.kl_divergence(q, p).sum(1)


def _kl_by_one_hot(mu, log_var, prior_mu, prior_log_var, y):
    row = F.one_hot(y, len(prior_mu)).to(mu.dtype)
    return models.gaussian_kl(mu, log_var, row @ prior_mu, row @ prior_log_var).sum(1)


exercise(
    conditional_kl,
    cases=_kl_cases,
    hard=lambda generator: {
        "one image": _kl_cases(generator, ((1, 4, 3),))[0],
        "q equal to the prior of its class": (
            torch.ones(3, 2),
            torch.full((3, 2), 0.5),
            torch.ones(4, 2),
            torch.full((4, 2), 0.5),
            torch.tensor([3, 0, 3]),
        ),
        "as many images as classes": _kl_cases(generator, ((4, 3, 4),))[0],
    },
    mistakes=[
        Mistake(
            "the standard prior",
            lambda m, v, pm, pv, y: models.kl_divergence(m, v).sum(1) + 0 * pm.sum(),
            "that is the divergence to N(0, I): the prior of an image's class has a mean and a variance of its own.",
        ),
        Mistake(
            "rows in order",
            lambda m, v, pm, pv, y: conditional_kl(m, v, pm, pv, torch.arange(len(m)) % len(pm)),
            "the rows of the priors are taken in order; each image needs the row of its own label, prior_mu[y].",
        ),
        Mistake(
            "the sign",
            lambda *a: -conditional_kl(*a),
            "the sign is wrong: a KL divergence is never negative.",
        ),
        Mistake("the half", lambda *a: 2 * conditional_kl(*a), "the factor 1/2 is missing."),
        Mistake(
            "arguments swapped",
            lambda m, v, pm, pv, y: models.gaussian_kl(pm[y], pv[y], m, v).sum(1),
            "that is KL(p(z|y) || q): the arguments are swapped.",
        ),
        Mistake(
            "distance not in units of the prior",
            lambda m, v, pm, pv, y: (
                0.5 * ((v - pv[y]).exp() + (m - pm[y]).square() - 1 - v + pv[y]).sum(1)
            ),
            "the squared distance of the means is not divided by the variance of the prior.",
        ),
        Mistake(
            "no log of the prior's variance",
            lambda m, v, pm, pv, y: (
                0.5 * ((v - pv[y]).exp() + (m - pm[y]).square() / pv[y].exp() - 1 - v).sum(1)
            ),
            "the logarithm of the prior's variance is missing: a wide prior costs nats, too.",
        ),
        Mistake(
            "mean over latents",
            lambda m, *a: conditional_kl(m, *a) / m.shape[1],
            "that averages over the latents: a KL divergence adds up over independent dimensions.",
        ),
        Mistake(
            "mean over the batch",
            lambda *a: conditional_kl(*a).mean(),
            "that is one number for the whole batch; keep one per image.",
        ),
        Mistake(
            "no sum",
            lambda m, v, pm, pv, y: models.gaussian_kl(m, v, pm[y], pv[y]),
            "that is one number per latent; add the latents of an image up.",
        ),
    ],
    also_right={"torch.distributions": _kl_by_torch, "a one-hot row": _kl_by_one_hot},
    also_wrong=[
        Mistake(
            "the prior detached",
            lambda m, v, pm, pv, y: conditional_kl(m, v, pm.detach(), pv.detach(), y),
            "no gradient reaches prior_mu",
        ),
        Mistake(
            "variances as widths",
            lambda m, v, pm, pv, y: models.gaussian_kl(m, 2 * v, pm[y], 2 * pv[y]).sum(1),
            "should be",
        ),
    ],
    praise="each image is charged for its distance from the place of its own class, and the prior can learn.",
)


# ---- One style, every class ------------------------------------------------------------------------


def in_every_class(x, y, classes, encode, decode) -> torch.Tensor:
    """The style of each image in every class, as probabilities [B, classes, P].

    x [B, P], y [B]; encode(x, y) -> mu, log_var [B, k];
    decode(z, y) -> logits [B, P]."""
    z, _ = encode(x, y)
    drawn = [decode(z, torch.full_like(y, c)) for c in range(classes)]
    return torch.sigmoid(torch.stack(drawn, 1))


def _halves(pixels: int, classes: int, k: int, seed: int):
    """A small encoder and decoder with seeded weights, as functions of data and label."""
    g = torch.Generator().manual_seed(seed)
    into, of_label = (
        torch.randn(pixels, 2 * k, generator=g),
        torch.randn(classes, 2 * k, generator=g),
    )
    out, shift = torch.randn(k, pixels, generator=g), torch.randn(classes, pixels, generator=g)

    def encode(x, y):
        return torch.tanh(x @ into.to(x.dtype) + of_label.to(x.dtype)[y]).chunk(2, dim=1)

    def decode(z, y):
        return torch.sin(z @ out.to(z.dtype)) + shift.to(z.dtype)[y]

    return Named("encode", encode), Named("decode", decode)


class _Two(Named):
    """A named function of two arguments."""

    def __call__(self, a, b):
        return self.function(a, b)


def _style_case(generator, b: int, pixels: int, classes: int, k: int):
    encode, decode = _halves(pixels, classes, k, seed=b + pixels)
    x = torch.rand(b, pixels, generator=generator)
    y = torch.randint(classes, (b,), generator=generator)
    return x, y, classes, _Two("encode", encode.function), _Two("decode", decode.function)


def _style(x, y, classes, encode, decode, *, ask=None, draw=False, axis=1):
    """The solution with one thing changed: which label the encoder is told, noise in z, or the axis of the classes."""
    drawn = []
    for c in range(classes):
        target = torch.full_like(y, c)
        mu, log_var = encode(x, target if ask == "target" else y)
        z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu) if draw else mu
        drawn.append(decode(z, y if ask == "own" else target))
    return torch.sigmoid(torch.stack(drawn, axis))


exercise(
    in_every_class,
    cases=lambda generator: [
        _style_case(generator, 5, 7, 4, 3),
        _style_case(generator, 3, 6, 5, 2),
    ],
    hard=lambda generator: {
        "one image": _style_case(generator, 1, 5, 3, 2),
        "as many images as classes": _style_case(generator, 4, 6, 4, 2),
    },
    mistakes=[
        Mistake(
            "encoded with the target's label",
            lambda *a: _style(*a, ask="target"),
            "the encoder is told the class that is asked for; it must be told the class that the image shows, y.",
        ),
        Mistake(
            "decoded with its own label",
            lambda *a: _style(*a, ask="own"),
            "the decoder is told the image's own class every time; tell it the class that is asked for.",
        ),
        Mistake(
            "classes first",
            lambda *a: _style(*a, axis=0),
            "the classes are in the first dimension; images come first: [B, classes, P].",
        ),
        Mistake(
            "logits",
            lambda *a: torch.logit(in_every_class(*a)),
            "those are logits; a picture needs probabilities: a sigmoid is missing.",
        ),
        Mistake(
            "the log-variance as the code",
            lambda x, y, classes, encode, decode: in_every_class(
                x, y, classes, lambda a, b: encode(a, b)[::-1], decode
            ),
            "the log-variance is used as the code; encode returns mu first.",
        ),
    ],
    also_right={
        "all at once": lambda x, y, classes, encode, decode: torch.sigmoid(
            decode(
                encode(x, y)[0].repeat_interleave(classes, 0), torch.arange(classes).repeat(len(x))
            )
        ).view(len(x), classes, -1)
    },
    also_wrong=[
        Mistake("a draw", lambda *a: _style(*a, draw=True), "draws numbers of its own"),
        Mistake(
            "detached",
            lambda x, y, classes, encode, decode: in_every_class(
                x.detach(), y, classes, encode, decode
            ),
            "gradient",
        ),
    ],
    praise="one hand, every class: z is kept, and the label alone changes.",
)


# ---- The whole model -------------------------------------------------------------------------------


def conditional_vae(encoder, decoder, classes: int):
    """A conditional VAE from two networks: (loss, ask).

    encoder: [B, P + classes] -> mu and log_var side by side, [B, 2 k].
    decoder: [B, k + classes] -> logits [B, P].
    loss(x, y, eps): x [B, P] in {0, 1}, labels y [B], eps [B, k] from N(0, I)
    -> nats per image [B].
    ask(y, eps) -> the images asked for, as probabilities [B, P]."""

    def one_hot(y):
        return F.one_hot(y, classes).float()

    def loss(x, y, eps):
        mu, log_var = encoder(torch.cat([x, one_hot(y)], 1)).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * log_var) * eps
        logits = decoder(torch.cat([z, one_hot(y)], 1))
        bits = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        kl = -0.5 * (1 + log_var - mu.square() - log_var.exp())
        return bits.sum(1) + kl.sum(1)

    def ask(y, eps):
        return torch.sigmoid(decoder(torch.cat([eps, one_hot(y)], 1)))

    return loss, ask


def _run(function):
    """The answer as one function of a batch: per image the loss, then the image that is asked for, [B, 1 + P]."""

    def run(x, y, asked, eps, encoder, decoder, classes):
        pair = function(encoder, decoder, classes)
        if pair is None:
            return None
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(map(callable, pair)):
            raise TypeError("two functions are wanted: return loss, ask")
        nats, drawn = pair[0](x, y, eps), pair[1](asked, eps)
        for name, value, shape in (("loss", nats, x.shape[:1]), ("ask", drawn, x.shape)):
            if not isinstance(value, Tensor) or value.shape != shape:
                got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise ValueError(
                    f"{name} should return a tensor {list(shape)}, yours returns {got}"
                )
        return torch.cat([nats[:, None], drawn], 1)

    return run


def _vae_case(generator, b: int, pixels: int, classes: int, k: int):
    def network(a: int, z: int) -> nn.Sequential:
        made = nn.Sequential(nn.Linear(a, 5), nn.Tanh(), nn.Linear(5, z))
        for p in made.parameters():
            p.data.copy_(0.7 * torch.randn(p.shape, generator=generator))
        return made

    y, asked = torch.randint(classes, (2, b), generator=generator)
    return (
        torch.rand(b, pixels, generator=generator).round(),
        y,
        asked,
        torch.randn(b, k, generator=generator),
        network(pixels + classes, 2 * k),
        network(k + classes, pixels),
        classes,
    )


def _varied(
    encoder,
    decoder,
    classes,
    *,
    told=(True, True),
    kl=1.0,
    mean=False,
    noise=1.0,
    width=0.5,
    logits_out=False,
    shift=0,
    label_first=False,
):
    """The solution with one thing changed."""

    def rows(y):
        return F.one_hot((y + shift) % classes, classes).float()

    def join(a, y, tell):
        label = rows(y) if tell else torch.zeros(len(y), classes)
        return torch.cat([label, a] if label_first else [a, label], 1)

    def loss(x, y, eps):
        mu, log_var = encoder(join(x, y, told[0])).chunk(2, dim=1)
        z = mu + noise * torch.exp(width * log_var) * eps
        logits = decoder(join(z, y, told[1]))
        nats = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        nats = nats.mean(1) if mean else nats.sum(1)
        return nats + kl * models.kl_divergence(mu, log_var).sum(1)

    def ask(y, eps):
        logits = decoder(join(eps, y, told[1]))
        return logits if logits_out else torch.sigmoid(logits)

    return loss, ask


def _ask_without_noise(encoder, decoder, classes):
    loss, ask = conditional_vae(encoder, decoder, classes)
    return loss, lambda y, eps: ask(y, 0 * eps)


def _with_embedding(encoder, decoder, classes):
    """In another style: the row of an identity matrix, torch.distributions for both terms."""
    eye = torch.eye(classes)

    def loss(x, y, eps):
        mu, log_var = encoder(torch.hstack([x, eye[y]])).tensor_split(2, dim=1)
        sigma = log_var.div(2).exp()
        logits = decoder(torch.hstack([mu + sigma * eps, eye[y]]))
        q, p = torch.distributions.Normal(mu, sigma), torch.distributions.Normal(0.0, 1.0)
        log_px = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(1)
        return torch.distributions.kl_divergence(q, p).sum(1) - log_px

    return loss, lambda y, eps: decoder(torch.hstack([eps, eye[y]])).sigmoid()


exercise(
    conditional_vae,
    through=_run,
    cases=lambda generator: [_vae_case(generator, 4, 6, 3, 2), _vae_case(generator, 3, 5, 4, 3)],
    hard=lambda generator: {
        "one image": _vae_case(generator, 1, 7, 3, 2),
        "as many images as classes": _vae_case(generator, 3, 4, 3, 1),
    },
    still=("x",),
    mistakes=[
        Mistake(
            "the decoder is not told",
            lambda *a: _varied(*a, told=(True, False)),
            "the decoder is not told the label: it cannot draw what is asked for.",
        ),
        Mistake(
            "the encoder is not told",
            lambda *a: _varied(*a, told=(False, True)),
            "the encoder is not told the label: q(z|x, y) depends on both.",
        ),
        Mistake(
            "the label first",
            lambda *a: _varied(*a, label_first=True),
            "the label stands before the image or the code; the networks expect it behind them.",
        ),
        Mistake(
            "the KL subtracted",
            lambda *a: _varied(*a, kl=-1.0),
            "the KL is subtracted: the loss is minus the bound, so both terms are added.",
        ),
        Mistake(
            "no KL",
            lambda *a: _varied(*a, kl=0.0),
            "the KL term is missing from the loss: without it, draws from the prior decode to nothing.",
        ),
        Mistake(
            "twice the KL",
            lambda *a: _varied(*a, kl=2.0),
            "the factor 1/2 of the KL term is missing.",
        ),
        Mistake(
            "mean over pixels",
            lambda *a: _varied(*a, mean=True),
            "the reconstruction is averaged over the pixels: sum them, or the KL weighs as many times too much.",
        ),
        Mistake(
            "no noise",
            lambda *a: _varied(*a, noise=0.0),
            "z is mu alone: the draw needs the noise, z = mu + sigma * eps.",
        ),
        Mistake(
            "variance for sigma",
            lambda *a: _varied(*a, width=1.0),
            "eps is multiplied by the variance: sigma is exp(log_var / 2).",
        ),
        Mistake(
            "logits asked for",
            lambda *a: _varied(*a, logits_out=True),
            "ask returns logits: a picture needs probabilities, so a sigmoid is missing.",
        ),
        Mistake(
            "ask without eps",
            _ask_without_noise,
            "ask ignores eps: every image of a class would be the same. A sample needs a code from the prior, z = eps.",
        ),
    ],
    also_right={"an identity matrix and torch.distributions": _with_embedding},
    also_wrong=[
        Mistake("labels shifted", lambda *a: _varied(*a, shift=1), "should be"),
        Mistake(
            "one number for the batch",
            lambda *a: (lambda pair: (lambda x, y, eps: pair[0](x, y, eps).mean(), pair[1]))(
                conditional_vae(*a)
            ),
            "loss should return a tensor",
        ),
        Mistake("the model alone", lambda *a: conditional_vae(*a)[0], "two functions are wanted"),
    ],
    praise="both halves hear the label, the loss is minus the conditional bound, and what is asked for is drawn.",
)

"""The checkers, by kinds of mistake that plausible answers make, and by kinds of style that right answers have."""
import math
import random
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aecourse import check, models

KL = models.kl_divergence


def lme(w):
    return torch.logsumexp(w, 0) - math.log(len(w))


def shifted(w, m):
    return (w - m).exp().mean(0).log() + m


def count(widths):
    return sum(2 * a * b + a + b for a, b in zip(widths, widths[1:]))


def popping(widths):
    total = 0
    while len(widths) > 1:
        a = widths.pop(0)
        total += 2 * a * widths[0] + a + widths[0]
    return total


def error(a, b):
    return (a - b).square().sum() / len(a)


def arc(a, b, t, angle=None):
    angle = torch.acos(F.cosine_similarity(a, b))[:, None] if angle is None else angle
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def backward_inside(a, b):
    loss = error(a, b)
    if loss.requires_grad:
        loss.backward(retain_graph=True)
    return loss


def squares_in_place(z, u, w, b):
    return torch.log(1 + (1 - torch.tanh(z @ w + b).square_()) * (u @ w))


def gap(information):
    best = information.topk(2, 0).values
    return best[0] - best[1]


def entropy(p):
    return torch.special.entr(p.double()).sum()


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


class Hostile:
    def __getattribute__(self, name):
        raise RuntimeError("hands off")


def failing(*_):
    raise Silent


def endless(*_):
    return endless()


MADE = {  # kind: [(checker, wrong answer, part of the message)]
    "half a gradient": [
        ("squared_error", lambda a, b: error(a, b.detach()), "no gradient reaches x"),
        ("kl_divergence", lambda m, v: 0.5 * (m**2 + v.exp().detach() - 1 - v).sum(1),
         "respect to log_var, entry [0, 0]"),
        ("kl_divergence", lambda m, v: 0.5 * (m * m.detach() + v.exp() - 1 - v).sum(1), "respect to mu"),
        ("log_mean_exp", lambda w: w.amax(0) + (lme(w) - w.amax(0)).detach(), "respect to log_w"),
        ("iwae_bound", lambda a, b, c: lme(a + b - c.detach()), "no gradient reaches log_qz"),
        ("effective_sample_size", lambda w: 1 / (w.softmax(0) * w.softmax(0).detach()).sum(0), "the gradient is not"),
        ("planar_flow", lambda z, u, w, b: torch.log(1 + (1 - torch.tanh(z @ w + b) ** 2).detach() * (u @ w)),
         "reaches z"),
        ("planar_flow", squares_in_place, "in place"),
        ("reparameterize", lambda m, v, e: m + (v / 4).exp() * (v / 4).exp().detach() * e, "respect to log_var"),
        ("straight_through", lambda y: (h := F.one_hot(y.argmax(1), y.shape[1])) * y / y.detach() + 0.0 * h,
         "the gradient is not"),
        ("denoising_loss", lambda m, x, n: error(m.pixels(m.decode(m.encode(n(x)).detach())), x), "model.encoder"),
        ("slerp", lambda a, b, t: arc(a, b, t, torch.acos(F.cosine_similarity(a, b))[:, None].detach()),
         "the gradient is not"),
        ("path_length", lambda x: (x[1:] - x[:-1].detach()).flatten(2).norm(dim=2).sum(0), "respect to images"),
        ("rate_in_bits", lambda m, v: KL(m, v.detach()).sum(1).mean() / math.log(2), "no gradient reaches log_var"),
        ("mig", lambda i, h: (gap(i) / h.detach()).mean(), "no gradient reaches entropies"),
        ("total_correlation", lambda c: 0.5 * (c.diagonal().detach().log().sum() - torch.logdet(c)), "respect to cov"),
        ("vq_loss",
         lambda z, e, b: ((1 - b) * (e - z.detach()).square().sum() + b * (z - e.detach()).square().sum()) / len(z),
         "weight 1, not 1 - beta"),
        ("squared_error", backward_inside, "backward()"),
    ],
    "overflow": [
        ("log_mean_exp", lambda w: shifted(w, w.max()), "each image has its own level"),
        ("log_mean_exp", lambda w: shifted(w, w.mean(0)), "from -900 to 900 your result at [0] is inf"),
        ("log_mean_exp", lambda w: shifted(w, w.amin(0)), "is inf"),
        ("log_mean_exp", lambda w: shifted(w, w[0]), "is inf"),
        ("log_mean_exp", lambda w: shifted(w, w.abs().amax(0)), "around -800 your result at [0] is -inf"),
        ("log_mean_exp", lambda w: w.double().exp().mean(0).log().to(w.dtype), "-inf"),
        ("log_mean_exp", lambda w: lme(w.clamp(max=80)), "around +950 entry [0] should be 95"),
        ("iwae_bound", lambda a, b, c: shifted(a + b - c, (a + b - c).max()), "different levels"),
        ("effective_sample_size", lambda w: (p := (w - w.max()).exp()).sum(0) ** 2 / (p * p).sum(0), "its own level"),
        ("effective_sample_size", lambda w: (p := (w - w.mean(0)).exp()).sum(0) ** 2 / (p * p).sum(0), "is NaN"),
        ("planar_flow",
         lambda z, u, w, b: torch.log(1 + 4 * (e := torch.exp(2 * (z @ w + b))) / (e + 1) ** 2 * (u @ w)),
         "NaN"),
        ("index_code_information", lambda q: (q.diagonal() - shifted(q.T, q.max())).mean(), "rows at different levels"),
        ("index_code_information", lambda q: (q.diagonal() - q.double().exp().mean(1).log()).mean().to(q.dtype),
         "around 950"),
        ("total_correlation", lambda c: 0.5 * (c.diagonal().log().sum() - c.det().log()), "would underflow"),
        ("total_correlation", lambda c: 0.5 * (c.diagonal().prod().log() - torch.logdet(c)), "would underflow"),
        ("total_correlation", lambda c: 0.5 * (c.diagonal().log().sum() - c.det().clamp(min=1e-30).log()),
         "150 latents"),
    ],
    "inputs changed": [
        ("parameter_count", popping, "changes its input in place (widths)"),
        ("parameter_count", lambda w: (w.reverse(), count(w))[1], "in place (widths)"),
        ("nearest_code", lambda z, e: torch.cdist(z.movedim(1, -1), e.div_(2)[None]).argmin(-1), "in place (codebook)"),
        ("neighbour_probabilities", lambda s, w: (-s.fill_diagonal_(math.inf) / (2 * w[:, None] ** 2)).softmax(1),
         "(squared)"),
        ("psnr", lambda a, x: (a.requires_grad_(), -10 * (a - x).square().mean((1, 2, 3)).log10())[1],
         "requires_grad_()"),
        ("denoising_loss", lambda m, x, n: (m.eval(), error(m.reconstruct(n(x)), x))[1], "in place (model)"),
    ],
    "surroundings": [
        ("squared_error", lambda a, b: (torch.manual_seed(0), error(a, b))[1], "global random state"),
        ("kl_divergence", lambda m, v: (np.random.seed(0), KL(m, v).sum(1))[1], "global random state"),
        ("free_bits", lambda m, v, f: (random.random(), KL(m, v).mean(0).clamp(min=f).sum())[1], "global random state"),
        ("pca_reconstruction", lambda x, k: (torch.manual_seed(3), x)[1], "global random state"),
        ("kl_divergence", lambda m, v: (KL(m, v).sum(1), torch.set_grad_enabled(False))[0],
         "whether gradients are recorded"),
        ("kl_divergence", lambda m, v: (KL(m, v).sum(1), torch.set_default_dtype(torch.float64))[0],
         "the default dtype"),
        ("mask", lambda x, p, g: x * (torch.rand(x.shape, generator=g.manual_seed(g.initial_seed())) >= p),
         "seeded anew"),
        ("mask", lambda x, p, g: (x * (torch.rand(x.shape, generator=g) >= p), torch.rand(1, generator=g))[0],
         "second call"),
        ("denoising_loss", lambda m, x, n: (error(m.reconstruct(n(x)), x), n(x))[0], "called exactly once"),
        ("denoising_loss", lambda m, x, n: (e := error(m.reconstruct(n(x)), x), e.backward(retain_graph=True))[0],
         "backward()"),
    ],
    "a fixed dtype": [
        ("kl_divergence", lambda m, v: torch.zeros(len(m)).copy_(KL(m, v).sum(1)), "should be torch.float64"),
        ("mask", lambda x, p, g: torch.zeros(x.shape).copy_(x * (torch.rand(x.shape, generator=g) >= p)),
         "torch.float64"),
        ("slerp", lambda a, b, t: torch.empty(a.shape).copy_(arc(a, b, t)), "torch.float64"),
        ("psnr", lambda a, x: -10 * (a - x).double().square().mean((1, 2, 3)).log10(), "should be torch.float32"),
    ],
    "kind data": [
        ("nearest_code", lambda z, e: torch.cdist(z.movedim(1, -1), e[None]).argmin(-1).byte().long(),
         "400 words entry"),
        ("perplexity", lambda i, k: entropy(i.flatten().byte().long().bincount(minlength=k) / i.numel()).exp().item(),
         "700"),
        ("made_mask", lambda b, a, s: (a.byte()[:, None] >= b.byte() + int(s)).float(), "degrees up to 700"),
        ("neighbour_probabilities", lambda s, w: (-s / (2 * w[:, None] ** 2)).masked_fill(s == 0, -math.inf).softmax(1),
         "coincide"),
        ("mig", lambda i, h: ((i.amax(0) - i.masked_fill(i == i.amax(0), 0).amax(0)) / h).mean(), "equally well"),
        ("reparameterize", lambda m, v, e: m + (v.clamp(-8, 8) / 2).exp() * e, "from -20 to 20"),
        ("parameter_count", lambda w: count(sorted(w)[::-1]), "widen first"),
        ("parameter_count", lambda w: float(torch.tensor(float(count(w)))), "12000780011"),
        ("planar_flow", lambda z, u, w, b: torch.log(1 + (1 - torch.tanh(z @ w + b) ** 2) * (u @ w).abs()),
         "not with w.u = -0.6"),
        ("pullback_metric",
         lambda f, z: (J := torch.stack([f(e) - f(0 * z) for e in torch.eye(len(z)).to(z)], 1)).T @ J,
         "right with decode(z) = W z, but not with decode(z) = tanh(V z)"),
        ("psnr", lambda a, x: -10 * (a - x).square().mean((2, 3)).log10().mean(1), "right with images of 1 channel"),
        ("denoising_loss", lambda m, x, n: (m.reconstruct(n(x)) - x).square().mean(1).sum() / len(x), "1/2 of it"),
    ],
    "failures": [
        ("parameter_count", lambda w: sys.exit(1), "SystemExit: 1"),
        ("kl_divergence", endless, "RecursionError"),
        ("psnr", failing, "your function raised Silent"),
        ("squared_error", lambda a, b: Hostile(), "hands off"),
        ("perplexity", lambda i, k: Hostile(), "hands off"),
        ("psnr", lambda a, x: ((a - x) ** 2).mean((1, 2, 3)).numpy(),
         "tensor is wanted, your function returned ndarray"),
        ("kl_divergence", lambda m, v: KL(m, v).sum(1) if m.dtype == torch.float32 else 1 / 0, "ZeroDivisionError"),
        ("kl_divergence", lambda m, v: torch.from_numpy(KL(m, v).numpy().sum(1)), "no gradient flows"),
    ],
}


def like(array, x):
    return torch.as_tensor(np.asarray(array)).to(x.dtype)


def numpy_lme(w):
    a = w.numpy()
    return like(a.max(0) + np.log(np.exp(a - a.max(0)).mean(0)), w)


def numpy_arc(a, b, t):
    a_, b_ = a.numpy(), b.numpy()
    o = np.arccos((a_ * b_).sum(1) / np.linalg.norm(a_, axis=1) / np.linalg.norm(b_, axis=1))[:, None]
    return like((np.sin((1 - t) * o) * a_ + np.sin(t * o) * b_) / np.sin(o), a)


def python_flow(z, u, w, b):
    u, w, b = u.tolist(), w.tolist(), float(b)
    dot = sum(p * q for p, q in zip(u, w))
    slopes = [1 - math.tanh(sum(p * q for p, q in zip(row, w)) + b) ** 2 for row in z.tolist()]
    return torch.tensor([math.log(1 + slope * dot) for slope in slopes])


def own_buffer(mu, log_var, half=0.5):
    out = mu.new_zeros(len(mu))
    for i, (m, v) in enumerate(zip(mu, log_var)):
        out[i] = half * (m**2 + v.exp() - 1 - v).sum()
    return out


def copied(image, x, *, reduce=True):
    difference = image.clone()
    difference -= x
    return difference.pow(2).sum() / len(x)


def noise_outside(model, x, noise, factor=1.0):
    with torch.no_grad():
        noisy = noise(x)
    return factor * F.mse_loss(model.reconstruct(noisy), x, reduction="sum") / len(x)


def python_floor(mu, log_var, floor):
    return sum(k if k > floor else torch.as_tensor(floor, dtype=mu.dtype) for k in KL(mu, log_var).mean(0))


class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        return torch.zeros_like(y).scatter_(1, y.argmax(1, keepdim=True), 1)

    @staticmethod
    def backward(ctx, slope):
        return slope


RIGHT = [
    ("parameter_count", lambda w: np.int64(count(w))),
    ("parameter_count", lambda w: float(count(w))),
    ("parameter_count", lambda w: popping(list(w))),
    ("squared_error", copied),
    ("squared_error", lambda a, b: torch.einsum("bchw,bchw->b", a - b, a - b).mean()),
    ("squared_error", lambda a, b: error(a.double(), b.double()).to(a.dtype)),
    ("pca_reconstruction",
     lambda x, k: (m := x.mean(0)) + (x - m) @ (v := torch.pca_lowrank(x, q=min(x.shape))[2][:, :k]) @ v.T),
    ("kl_divergence", own_buffer),
    ("kl_divergence", lambda m, v: 0.5 * (torch.einsum("bk,bk->b", m, m) + (v.exp() - v).sum(1) - m.shape[1])),
    ("log_mean_exp", numpy_lme),
    ("log_mean_exp", lambda w: shifted(w, w.amax(0).detach())),
    ("log_mean_exp",
     lambda w: torch.tensor([max(c) + math.log(sum(math.exp(v - max(c)) for v in c) / len(c)) for c in w.T.tolist()])),
    ("iwae_bound", lambda a, b, c: numpy_lme(a + b - c)),
    ("effective_sample_size", lambda w: torch.exp(2 * torch.logsumexp(w, 0) - torch.logsumexp(2 * w, 0))),
    ("effective_sample_size",
     lambda w: like((p := np.exp(w.numpy() - w.numpy().max(0))).sum(0) ** 2 / (p * p).sum(0), w)),
    ("planar_flow", python_flow),
    ("planar_flow", lambda z, u, w, b: torch.log1p((u * w).sum() / torch.cosh(z @ w + b) ** 2)),
    ("reparameterize", lambda m, v, e: torch.addcmul(m, v.exp().sqrt(), e.detach())),
    ("straight_through", Through.apply),
    ("free_bits", python_floor),
    ("made_mask", lambda b, a, s: torch.from_numpy((a.numpy()[:, None] - int(s) >= b.numpy()).astype(np.float32))),
    ("mask",
     lambda x, p, generator, value=0: x.clone().masked_fill_(torch.rand(x.shape, generator=generator) < p, value)),
    ("psnr", lambda a, x: torch.from_numpy(10 * np.log10(1 / ((a.numpy() - x.numpy()) ** 2).mean((1, 2, 3))))),
    ("psnr", lambda a, x: torch.tensor([-10 * math.log10(float((u - v).square().mean())) for u, v in zip(a, x)])),
    ("denoising_loss", noise_outside),
    ("slerp", numpy_arc),
    ("slerp", lambda a, b, t: torch.stack([arc(u[None], v[None], t)[0] for u, v in zip(a, b)])),
    ("path_length", lambda x: torch.from_numpy(np.sqrt((np.diff(x.numpy(), axis=0) ** 2).sum((2, 3, 4))).sum(0))),
    ("path_length", lambda x: (x.diff(dim=0).square().sum((2, 3, 4)) + 1e-12).sqrt().sum(0)),
    ("pullback_metric", lambda f, z: torch.einsum("pi,pj->ij", (J := torch.func.jacrev(f)(z)), J)),
    ("neighbour_probabilities", lambda s, w: like(
        (e := np.exp(-s.numpy() / (2 * w.numpy()[:, None] ** 2)) * (1 - np.eye(len(s)))) / e.sum(1, keepdims=True), s)),
    ("index_code_information", lambda q: math.log(len(q)) - F.cross_entropy(q, torch.arange(len(q)))),
    ("score_function_gradient", lambda f, t, z: torch.from_numpy(f(z).numpy() * (z.numpy() - t.numpy()))),
    ("rate_in_bits",
     lambda m, v: like((0.5 * (m.numpy() ** 2 + np.exp(v.numpy()) - 1 - v.numpy())).sum(1).mean() / np.log(2), m)),
    ("mig",
     lambda i, h: torch.tensor(sum((sorted(c)[-1] - sorted(c)[-2]) / e for c, e in zip(i.T.tolist(), h.tolist())) / len(h))),
    ("total_correlation", lambda c: (c.diagonal().log() / 2 - torch.linalg.cholesky(c).diagonal().log()).sum()),
    ("total_correlation", lambda c: like((np.log(np.diag(c.numpy())).sum() - np.linalg.slogdet(c.numpy())[1]) / 2, c)),
    ("nearest_code", lambda z, e: ((e * e).sum(1) - 2 * torch.einsum("bdhw,kd->bhwk", z, e)).argmin(-1)),
    ("nearest_code", lambda z, e: torch.from_numpy(
        ((z.numpy().transpose(0, 2, 3, 1)[..., None, :] - e.numpy()) ** 2).sum(-1).argmin(-1))),
    ("vq_loss",
     lambda z, e, b: sum(((v - u.detach()) ** 2).sum() + b * ((u - v.detach()) ** 2).sum() for u, v in zip(z, e)) / len(z)),
    ("perplexity",
     lambda i, k: np.float32(np.exp(-sum(p * np.log(p) for p in np.unique(i, return_counts=True)[1] / i.numel())))),
    ("perplexity",
     lambda i, k: 2 ** -sum(p * math.log2(p) for p in (i.flatten().bincount() / i.numel()).tolist() if p)),
]
WRONG = [(kind, *row) for kind, rows in MADE.items() for row in rows]


@pytest.mark.parametrize("kind, name, answer, said", WRONG, ids=[f"{kind}-{name}" for kind, name, _, _ in WRONG])
def test_wrong_answers_of_every_kind_are_caught_and_named(kind, name, answer, said):
    found = getattr(check, name)(answer)
    assert not found.passed and said in found.message, found


@pytest.mark.parametrize("name, answer", RIGHT, ids=[name for name, _ in RIGHT])
def test_right_answers_in_other_styles_are_accepted(name, answer):
    found = getattr(check, name)(answer)
    assert found.passed, found


def test_a_check_leaves_everything_as_it_was():
    def state():
        numbers = torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()
        return *numbers, torch.is_grad_enabled()
    before = state()
    check.kl_divergence(lambda m, v: (torch.manual_seed(0), np.random.rand(), torch.set_grad_enabled(False),
                                      KL(m, v).sum(1))[3])
    check.denoising_loss(noise_outside)
    assert state() == before


def test_the_notebooks_dtype_device_and_grad_mode_do_not_matter():
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        with torch.no_grad():
            assert check.kl_divergence(own_buffer).passed and check.denoising_loss(noise_outside).passed
        assert torch.get_default_dtype() == torch.float64 and torch.get_default_device().type == "meta"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)


@pytest.mark.parametrize("wrong, said", [
    (lambda w: lme(w) / math.log(2), "bits where nats"), (lambda w: lme(w) + 0.25, "0.25 too large"),
    (lambda w: 1.5 * lme(w), "1.5 times"), (lambda w: lme(w) * 1.003, "should be")])
def test_what_all_numbers_have_in_common_is_said_and_a_factor_near_one_is_not(wrong, said):
    answer = check.log_mean_exp(wrong)
    assert not answer.passed and said in answer.message and " 1.003 times" not in answer.message, answer


def test_two_numbers_in_a_message_never_print_alike():
    answer = check.kl_divergence(lambda m, v: KL(m, v).sum(1) * (1 + 2e-4 * torch.arange(len(m))))
    wanted, found = answer.message.split(" should be ")[1].rstrip(".").split(", yours is ")
    assert wanted != found and "entry [" in answer.message

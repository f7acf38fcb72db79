"""Speed of the interactive figures: what they ask of the reader's browser, and whether they compute what PyTorch computes.

    python benchmarks/page.py [--quick] [--results FOLDER]

Takes about two minutes; leave the machine alone meanwhile. Needs Chromium or Chrome, and says so where there is none. The
figures are those of the lessons, around models of the same sizes that are trained for a few epochs on the embedded digits.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import _measure
import torch
from _measure import say
from torch import Tensor, nn

from aecourse import data, evaluate, explore, interpolation, models, nets, train
from aecourse.doctor import browser_path

FULL = {
    "images": 20_000,
    "epochs": 3,
    "inputs": 60,
    "decodes": 500,
    "loads": 5,
    "seconds": 2.0,
    "training": 20,
}
QUICK = {
    "images": 300,
    "epochs": 1,
    "inputs": 6,
    "decodes": 12,
    "loads": 1,
    "seconds": 0.3,
    "training": 2,
}
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SCREENS = {
    "desktop": {
        "width": 1280,
        "slowdown": 1,
        "context": {"viewport": {"width": 1280, "height": 900}},
    },
    "phone": {
        "width": 390,
        "slowdown": 4,
        "context": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    },
}
FIGURE = "document.querySelector('.ae-figure')"
SLIDE = """const slider = root.querySelector("input[type=range]"), [low, high] = [Number(slider.min), Number(slider.max)];
  slider.value = low + (high - low) * (1 + Math.sin(n / 12)) / 2;
  slider.dispatchEvent(new Event("input", { bubbles: true }));"""
POINT = """const stage = root.querySelector("%s"), box = stage.getBoundingClientRect();
  stage.dispatchEvent(new PointerEvent("%s", { bubbles: true, clientX: box.left + box.width * (1 + 0.9 * Math.sin(n / 13)) / 2,
    clientY: box.top + box.height * (1 + 0.9 * Math.cos(n / 17)) / 2 }));"""


class Shown(NamedTuple):
    """A figure with networks in it. move: JavaScript for a reader's n-th move; ask: for one decode of `input`; both see `root`."""

    name: str
    network: str
    figure: explore.Figure
    move: str
    ask: str | None = None  # where the figure lends out its decoder
    inputs: list = []
    truth: Tensor | None = None  # the pixels that PyTorch decodes from the inputs


def figures(sizes: dict):
    """The lessons' figures that run networks, with these freshly trained."""
    digits = data.load("digits")
    images, count = (
        data.Images("digits", digits.train[: sizes["images"]], digits.test),
        sizes["inputs"],
    )
    test, labels = images.test.x, images.test.labels
    generator = torch.Generator().manual_seed(0)

    def trained(family, *arguments, **options):
        torch.manual_seed(0)
        model = family(*arguments, **options)
        train.fit(model, images, epochs=sizes["epochs"], lr=2e-3, cache=False, progress=False)
        return model.eval()

    def decoded(model, z: Tensor) -> Tensor:
        return model.pixels(model.decode(z)).flatten(1)

    flat, z = (
        trained(models.VAE, 2, nets.mlp((256, 128), "gelu")),
        1.5 * torch.randn(count, 2, generator=generator),
    )
    yield Shown(
        "latent plane",
        "2-128-256-784",
        explore.latent_plane(
            flat.decoder, evaluate.codes(flat, test), labels, encoder=flat.encoder
        ),
        POINT % (".ae-stage", "pointermove"),
        "root.aecourse.decode(input)",
        z.tolist(),
        decoded(flat, z),
    )

    autoencoder, vae = (
        trained(family, 20, nets.mlp((128, 128)), **options)
        for family, options in ((models.Autoencoder, {"error": "bce"}), (models.VAE, {}))
    )
    ends, times = (
        [evaluate.codes(model, test[:10]) for model in (autoencoder, vae)],
        torch.linspace(0, 1, count),
    )
    ways = {
        "pixel blend": None,
        "autoencoder, line": (autoencoder.decoder, ends[0], "linear"),
        "VAE, line": (vae.decoder, ends[1], "linear"),
        "VAE, arc": (vae.decoder, ends[1], "slerp"),
    }
    yield Shown(
        "interpolation",
        "20-128-128-784",
        explore.interpolate(test[:10], ways),
        SLIDE,
        "root.aecourse.image(3, input)",
        times.tolist(),
        decoded(vae, interpolation.slerp(ends[1][0], ends[1][1], times)),
    )

    priced = {
        f"β = {beta}": trained(models.VAE, 6, nets.mlp((128, 128), "gelu"), beta=beta)
        for beta in (1, 8, 16, 32)
    }
    first, z = priced["β = 1"], torch.randn(count, 6, generator=generator)
    parts = {
        name: (model.decoder, evaluate.kl_per_latent(model, test), evaluate.codes(model, test[:3]))
        for name, model in priced.items()
    }
    yield Shown(
        "traversals",
        "6-128-128-784",
        explore.traversals(parts),
        SLIDE,
        "root.aecourse.decode(0, input)",
        z.tolist(),
        decoded(first, z),
    )

    repairing = {
        name: trained(models.DenoisingAutoencoder, 32, nets.mlp((72,)), noise=noise)
        for name, noise in (
            ("trained on noise", models.GaussianNoise((0.0, 1.0))),
            ("trained on holes", models.Masking((0.0, 0.9), patch=3)),
        )
    }
    spoiled = test[:count] + 0.3 * torch.randn(test[:count].shape, generator=generator)
    networks = {
        name: nn.Sequential(model.encoder, model.decoder) for name, model in repairing.items()
    }
    first = repairing["trained on noise"]
    yield Shown(
        "denoising",
        "784-72-32-72-784",
        explore.denoise(networks, test[:10]),
        SLIDE,
        "root.aecourse.repair(0, input)",
        spoiled.flatten(1).tolist(),
        first.reconstruct(spoiled).flatten(1),
    )

    words = trained(models.VQVAE, codes=64, code_dim=8, net=nets.conv((16, 32)))
    grids = evaluate.code_indices(words, test[:count])
    yield Shown(
        "codebook",
        "8×7×7, convolutions of 32-16-1 channels",
        explore.codebook(words.decoder, words.quantizer.words, grids[:10]),
        POINT % (".ae-shelf", "pointerdown"),
        "root.aecourse.decode(input)",
        grids.flatten(1).tolist(),
        words.draw(grids).flatten(1),
    )

    small = trained(models.VAE, 4, nets.mlp((64, 32)))
    yield Shown(
        "anatomy of a VAE",
        "784-64-32-4 and its mirror",
        explore.anatomy(small, (test[:10] > 0.5).float()),
        SLIDE,
    )


@contextlib.contextmanager
def chromium():
    """A browser without a network of its own, or None."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield None
        return
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=browser_path(), args=QUIET)
        except Error:
            yield None
            return
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser, figure, screen: str = "desktop"):
    """The figure in a page of its own, opened as a file: (page, a session of the browser's own protocol)."""
    faults, options = [], SCREENS[screen]
    with tempfile.TemporaryDirectory() as folder:
        context = browser.new_context(offline=True, **options["context"])
        try:
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(figure.save(Path(folder) / "figure.html").as_uri())
            session = context.new_cdp_session(page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": options["slowdown"]})
            session.send("Performance.enable")
            yield page, session
        finally:
            context.close()
    if faults:
        raise RuntimeError(f"the page logged an error: {faults[0]}")


def loading(browser, name: str, figure, sizes: dict) -> dict:
    """What a figure weighs, and the milliseconds until a page that holds nothing else is ready."""
    with opened(browser, figure) as (page, _):
        ready = []
        for _ in range(sizes["loads"]):
            page.reload()
            ready.append(
                page.evaluate(
                    "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
                )
            )
    return {"figure": name, "kB": figure.nbytes / 1000, "ready_ms": statistics.median(ready)}


def decodes(browser, one: Shown, sizes: dict) -> dict:
    """Milliseconds of single decodes, from the first on, and how far the pixels are from PyTorch's."""
    with opened(browser, one.figure) as (page, _):
        times = page.evaluate(
            f"""([inputs, decodes]) => {{
            const root = {FIGURE}, decode = (input) => {one.ask}, times = [], began = performance.now();
            for (let n = 0; n < decodes; n++) {{
                const from = performance.now();
                decode(inputs[n % inputs.length]);
                times.push(performance.now() - from);
            }}
            return {{ each: times, mean: (performance.now() - began) / decodes }};
        }}""",
            [one.inputs, sizes["decodes"]],
        )
        seen = page.evaluate(
            f"inputs => {{ const root = {FIGURE}; return inputs.map((input) => [...{one.ask}]); }}",
            one.inputs,
        )
    each = sorted(times["each"])
    return {
        "figure": one.name,
        "network": one.network,
        "decodes": len(each),
        "mean_ms": times["mean"],
        "median_ms": statistics.median(each),
        "p95_ms": each[int(0.95 * (len(each) - 1))],
        "difference": 255 * (torch.tensor(seen) - one.truth.detach()).abs().max().item(),
    }


def frames(browser, one: Shown, screen: str, sizes: dict) -> dict:
    """The frames of a page in which a reader makes a move at every frame, and the browser's work for each."""
    with opened(browser, one.figure, screen) as (page, session):
        drawn = (
            f"[...{FIGURE}.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL()).join()"
        )
        before = page.evaluate(drawn)

        def during(move: str) -> tuple[list[float], dict]:
            def counted():
                return {
                    entry["name"]: entry["value"]
                    for entry in session.send("Performance.getMetrics")["metrics"]
                }

            start = counted()
            at = page.evaluate(
                f"""(seconds) => new Promise((done) => {{
                const root = {FIGURE}, move = (n) => {{ {move} }}, at = [];
                requestAnimationFrame(function frame(now) {{
                    at.push(now);
                    if (now - at[0] >= 1000 * seconds) return done(at);
                    move(at.length);
                    requestAnimationFrame(frame);
                }});
            }})""",
                sizes["seconds"],
            )
            return [b - a for a, b in zip(at, at[1:])], {
                name: value - start[name] for name, value in counted().items()
            }

        rest, _ = during("")
        steps, spent = during(one.move)
        if page.evaluate(drawn) == before:
            raise RuntimeError(f"{one.name}: the figure does not follow the moves")
    options = SCREENS[screen]
    return {
        "figure": one.name,
        "screen": screen,
        "width": options["width"],
        "slowdown": options["slowdown"],
        "frames": len(steps),
        "per_second": 1000 * len(steps) / sum(steps),
        "at_rest": 1000 * len(rest) / sum(rest),
        "late": sum(step > 1000 / 50 for step in steps) / len(steps),
        "work_ms": 1000 * spent["TaskDuration"] / len(steps),
        "script_ms": 1000 * spent["ScriptDuration"] / len(steps),
    }


def training(browser, screen: str, sizes: dict) -> dict:
    """Seconds for epochs of the playground's default model: computed at once, and as a reader sees it who presses Train."""
    figure, epochs = explore.playground(), sizes["training"]
    with opened(browser, figure, screen) as (page, _):
        computed = page.evaluate(
            f"""(epochs) => {{
            const playground = {FIGURE}.aecourse, began = performance.now();
            for (let n = 0; n < epochs; n++) playground.epochOnce();
            return (performance.now() - began) / 1000;
        }}""",
            epochs,
        )
    with opened(browser, figure, screen) as (page, _):
        seen = page.evaluate(
            f"""(epochs) => new Promise((done) => {{
            const root = {FIGURE}, began = performance.now();
            [...root.querySelectorAll("button")].find((button) => button.textContent === "Train").click();
            requestAnimationFrame(function frame() {{
                if (root.aecourse.epoch >= epochs) return done((performance.now() - began) / 1000);
                requestAnimationFrame(frame);
            }});
        }})""",
            epochs,
        )
    options = SCREENS[screen]
    return {
        "screen": screen,
        "width": options["width"],
        "slowdown": options["slowdown"],
        "epochs": epochs,
        "computed_s": computed,
        "seen_s": seen,
    }


def targets(results: dict) -> list[dict]:
    """What the figures promise a reader, with the figure measured in this run and whether it holds."""
    slowest, farthest = (
        max(results["decodes"], key=lambda row: row[key]) for key in ("p95_ms", "difference")
    )
    plane = next(
        row
        for row in results["frames"]
        if (row["figure"], row["screen"]) == ("latent plane", "desktop")
    )
    played = next(row for row in results["training"] if row["screen"] == "desktop")
    return [
        _measure.promise(
            f"milliseconds of a decode, 95 of 100, in the slowest figure ({slowest['figure']})",
            slowest["p95_ms"],
            4,
            False,
        ),
        _measure.promise(
            "frames per second while the pointer moves over the latent plane",
            plane["per_second"],
            59,
        ),
        _measure.promise(
            f"seconds for {played['epochs']} epochs of the playground's default model",
            played["seen_s"],
            10,
            False,
        ),
        _measure.promise(
            f"largest difference of a pixel from PyTorch's, in grey levels of 255 ({farthest['figure']})",
            farthest["difference"],
            2,
            False,
        ),
    ]


def main() -> None:
    options = _measure.arguments(__doc__.splitlines()[0])
    sizes = QUICK if options.quick else FULL
    with chromium() as browser:
        if browser is None:
            say(
                "   no browser starts here: nothing is measured (install Chromium, or: python -m playwright install chromium)"
            )
            return
        results = {
            **_measure.conditions(),
            "browser": f"Chromium {browser.version}",
            "quick": options.quick,
            "data": "digits",
            "loading": [],
            "decodes": [],
            "frames": [],
        }
        say("   networks of the lessons' sizes, briefly trained")
        for one in list(figures(sizes)):
            say(f"   {one.name}")
            results["loading"].append(loading(browser, one.name, one.figure, sizes))
            results["decodes"] += [decodes(browser, one, sizes)] if one.ask else []
            results["frames"] += [frames(browser, one, screen, sizes) for screen in SCREENS]
        say("   playground")
        results["loading"].append(loading(browser, "playground", explore.playground(), sizes))
        results["training"] = [training(browser, screen, sizes) for screen in SCREENS]
    results["targets"] = targets(results)
    _measure.write(options.results, "page", results)
    _measure.tell(results["targets"])


if __name__ == "__main__":
    sys.exit(main())

"""Speed and memory of training: `fit` beside what readers would use instead, and how both grow.

    python benchmarks/speed.py [--quick] [--results FOLDER]

Takes about a quarter of an hour on two cores; leave the machine alone meanwhile. Uses MNIST where its files are under
AECOURSE_DATA, and the embedded digits otherwise.
"""

from __future__ import annotations

import functools
import json
import statistics
import sys

import _contenders
import _measure
import torch
from _measure import say

from aecourse import data, evaluate, models, nets, train

FULL = {
    "images": {"dense": 60_000, "conv": 10_000},
    "batches": (128, 512),
    "rounds": 5,
    "repeats": 200,
    "in_a_row": 6,
    "memory": ("tutorial", "pythae", "plain", "fit"),
    "growth": {
        "images": (10_000, 30_000, 100_000, 300_000, 600_000),
        "latent": (2, 8, 32, 128, 512),
        "width": (100, 200, 400, 800, 1600),
        "batch": (32, 128, 512, 2048),
    },
    "epochs": {"fit": (1, 2, 4, 8, 16), "tutorial": (1, 2, 4)},
    "test": 2_000,
    "samples": 200,
}
QUICK = {
    "images": {"dense": 512, "conv": 128},
    "batches": (64,),
    "rounds": 1,
    "repeats": 2,
    "in_a_row": 2,
    "memory": ("fit",),
    "growth": {"images": (500, 1000)},
    "epochs": {"fit": (1,), "tutorial": (1,)},
    "test": 20,
    "samples": 5,
}


def epochs_side_by_side(name: str, sizes: dict) -> list[dict]:
    """For each kind of network and batch: seconds per epoch of every contender, in turns with a matrix product."""
    results = []
    for kind, count in sizes["images"].items():
        for batch in sizes["batches"]:
            say(f"   {kind}, batches of {batch}: an epoch of each, {sizes['rounds']} rounds")
            work, absent = {}, []
            for contender, make in _contenders.ALL.items():
                try:
                    make(name, 2 * batch, kind, batch)()  # lets every library choose and allocate
                    work[contender] = make(name, count, kind, batch)
                except ImportError:
                    absent.append(contender)
            multiply, product = _measure.matrix_product()
            multiply()
            rounds = _measure.alternating({**work, "product": multiply}, sizes["rounds"])
            seconds = {contender: statistics.median(each) for contender, each in rounds.items()}
            peak = product / seconds.pop("product")
            count = min(count, len(_contenders.load(name).train))
            per_image = (
                _measure.operations(_contenders.built(kind), torch.rand(batch, 1, 28, 28)) / batch
            )
            results.append(
                {
                    "net": kind,
                    "batch": batch,
                    "images": count,
                    "peak_gflops": peak / 1e9,
                    "absent": absent,
                    "mflop_per_image": per_image / 1e6,
                    "seconds": seconds,
                    "rounds": rounds,
                    "images_per_second": {c: count / s for c, s in seconds.items()},
                    "share_of_peak": {c: count * per_image / s / peak for c, s in seconds.items()},
                }
            )
    return results


def in_a_row(name: str, sizes: dict) -> dict:
    """Seconds of each epoch of one training, for the bare loop and for fit; medians of three trainings that take turns."""
    say(f"   {sizes['in_a_row']} epochs in a row")
    images, rounds = (
        _contenders.load(name).subset(sizes["images"]["dense"]),
        {"plain": [], "fit": []},
    )
    for _ in range(min(3, sizes["rounds"])):
        seconds, subnormal = _contenders.bare(
            images.train.x, _contenders.built("dense"), 128, sizes["in_a_row"]
        )
        rounds["plain"].append(seconds)
        rounds["fit"].append(
            train.fit(
                _contenders.built("dense"),
                images,
                epochs=sizes["in_a_row"],
                schedule="constant",
                cache=False,
                progress=False,
            ).seconds
        )
    return {
        "seconds": {
            contender: [statistics.median(epoch) for epoch in zip(*each)]
            for contender, each in rounds.items()
        },
        "subnormal": subnormal,
    }


def parts(name: str, sizes: dict) -> list[dict]:
    """Milliseconds of one training step of the dense model, and of what it is made of, each alone and repeated."""
    say("   one step, in parts")
    results, pixels = [], _contenders.load(name).train.x
    for batch in sizes["batches"]:
        x, model = pixels[:batch], _contenders.built("dense")
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

        def gradients(x=x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            model.loss(x)["loss"].backward()

        with _measure.Products() as products:
            gradients()
        rows = torch.randperm(len(pixels))[:batch]
        work = {
            "products": products.replay,
            "optimizer": optimizer.step,
            "batch": lambda rows=rows: pixels[rows],
            "gradients": gradients,
        }
        rounds = _measure.alternating(
            {
                part: functools.partial(_measure.repeated, call, sizes["repeats"])
                for part, call in work.items()
            },
            sizes["rounds"],
        )
        seconds = {
            part: statistics.median(each) / sizes["repeats"] for part, each in rounds.items()
        }
        results.append(
            {
                "batch": batch,
                "products": len(products.calls),
                "ms": {part: 1e3 * s for part, s in seconds.items()},
            }
        )
    return results


def memory(name: str, sizes: dict) -> dict[str, int]:
    """Peak resident bytes of a process that loads the images and trains an epoch, for each contender."""
    say("   peak memory of each, in a fresh process")
    found = {}
    for contender in sizes["memory"]:
        job = {"contender": contender, "name": name, "count": sizes["images"]["dense"]}
        found[contender] = _measure.in_a_fresh_process(__file__, **job)["peak"]
    return {contender: peak for contender, peak in found.items() if peak is not None}


def growth(sizes: dict) -> dict[str, list[dict]]:
    """Seconds per epoch and peak memory of fit as one thing grows and the others stay; each in a fresh process."""
    usual = {
        "images": min(20_000, sizes["growth"]["images"][0]),
        "latent": 20,
        "width": 400,
        "batch": 128,
    }
    results = {}
    for what, values in sizes["growth"].items():
        say(f"   growth with {what}: {', '.join(map(str, values))}")
        results[what] = [
            _measure.in_a_fresh_process(__file__, **{**usual, what: value}) for value in values
        ]
    return results


def likelihood(name: str, sizes: dict) -> dict[str, list[dict]]:
    """log p(x) of held-out binary images, reached after so many seconds of training, for fit and the tutorial loop."""
    say("   likelihood against training time")
    images = _contenders.load(name)
    torch.manual_seed(0)
    test, results = data.binarize(images.test.x[: sizes["test"]]), {}
    for contender, epochs in sizes["epochs"].items():
        results[contender] = []
        for number in epochs:
            model, seconds = (
                by_fit(images, number) if contender == "fit" else by_tutorial(name, number)
            )
            nats = evaluate.log_likelihood(model, test, samples=sizes["samples"]).mean().item()
            results[contender].append({"epochs": number, "seconds": seconds, "nats": -nats})
    return results


def by_fit(images, epochs: int):
    """fit as the course uses it: batches of 128, a one-cycle rate, pixels drawn anew at every visit."""
    model = _contenders.built("dense")
    seconds = _measure.timed(
        lambda: train.fit(
            model,
            images,
            epochs=epochs,
            lr=2e-3,
            transform=data.binarize,
            cache=False,
            progress=False,
        )
    )
    return model, seconds


def by_tutorial(name: str, epochs: int):
    """The tutorial loop on the same model, with the drawing of pixels among its transforms."""
    dataset, model = _contenders.torchvision_dataset(name, 60_000), _contenders.built("dense")
    grey = dataset.transform
    dataset.transform = lambda image: data.binarize(grey(image))
    loader = torch.utils.data.DataLoader(dataset, batch_size=128, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def training():
        for _ in range(epochs):
            for x, _ in loader:
                optimizer.zero_grad()
                loss = model.loss(x)["loss"]
                loss.backward()
                loss.item()
                optimizer.step()

    return model, _measure.timed(training)


def targets(results: dict) -> list[dict]:
    """What this engine promises, with the figure measured in this run and whether it holds."""

    def of(net, batch):
        return next(r for r in results["epochs"] if (r["net"], r["batch"]) == (net, batch))

    found = []

    def promise(*promised) -> None:
        found.append(_measure.promise(*promised))

    batches = [r["batch"] for r in results["epochs"] if r["net"] == "dense"]
    small, large = of("dense", batches[0]), of("dense", batches[-1])
    for contender, bound in (("tutorial", 6), ("pythae", 3)):
        if contender in small["seconds"]:
            promise(
                f"images per second of fit, relative to {contender}, batch {small['batch']}",
                small["seconds"][contender] / small["seconds"]["fit"],
                bound,
            )
    promise(
        f"share of the matrix-product peak, batch {small['batch']}",
        small["share_of_peak"]["fit"],
        0.45,
    )
    promise(
        f"share of the matrix-product peak, batch {large['batch']}",
        large["share_of_peak"]["fit"],
        0.65,
    )
    for one in (small, large):
        promise(
            f"time of a fit epoch relative to the bare loop, batch {one['batch']}",
            one["seconds"]["fit"] / one["seconds"]["plain"],
            1.05,
            False,
        )
    promise("peak memory in GB", results["memory"]["fit"] / 1e9, 1.0, False)
    first, last = results["growth"]["images"][0], results["growth"]["images"][-1]
    more = last["images"] / first["images"]
    promise(
        "time relative to growth in proportion to images",
        last["seconds"] / first["seconds"] / more,
        1.1,
        False,
    )
    promise(
        "memory added per byte of images added",
        (last["peak"] - first["peak"]) / (last["bytes"] - first["bytes"]),
        1.1,
        False,
    )
    return found


def child(job: dict) -> dict:
    """A measurement in a process of its own: memory of a contender, or one point of growth."""
    if "contender" in job:
        try:
            _contenders.ALL[job["contender"]](job["name"], job["count"], "dense", 128)()
        except ImportError:
            return {"peak": None}
        return {"peak": _measure.peak_memory()}
    before = _measure.peak_memory()
    x, model = (
        torch.rand(job["images"], 1, 28, 28),
        models.VAE(job["latent"], nets.mlp((job["width"],))),
    )
    history = train.fit(model, x, epochs=3, batch_size=job["batch"], cache=False, progress=False)
    return {
        **job,
        "seconds": min(history.seconds),
        "peak": _measure.peak_memory(),
        "at_start": before,
        "bytes": x.nbytes,
    }


def main() -> None:
    options = _measure.arguments(__doc__.splitlines()[0])
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return
    sizes, name = (
        QUICK if options.quick else FULL,
        "digits" if options.quick else _measure.data_name(),
    )
    say(f"   data: {name}")
    results = {
        **_measure.conditions(),
        "quick": options.quick,
        "data": name,
        "epochs": epochs_side_by_side(name, sizes),
        "parts": parts(name, sizes),
        "in_a_row": in_a_row(name, sizes),
        "memory": memory(name, sizes),
        "growth": growth(sizes),
        "likelihood": likelihood(name, sizes),
    }
    results["targets"] = targets(results)
    _measure.write(options.results, "speed", results)
    _measure.tell(results["targets"])


if __name__ == "__main__":
    sys.exit(main())

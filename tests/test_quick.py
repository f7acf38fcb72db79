"""With AECOURSE_QUICK=1 budgets are small, claims are not judged, and nothing else changes."""

import json
import os
import subprocess
import sys

import pytest

from aecourse import quick

CODE = """
import json
from aecourse import claims, data, evaluate, models, nets, quick, train

images = data.load()
model = models.Autoencoder(2, nets.mlp((8,)))
steps, loss = [0], model.loss

def counted(x):
    steps[0] += 1
    return loss(x)

def fit(**options):
    steps[0] = 0
    model.loss = counted
    history = train.fit(model, images, progress=False, cache=False, **options)
    return history.epochs, steps[0]

runs = [fit(epochs=50, batch_size=100), fit(epochs=1), fit(epochs=1, batch_size=1)]
strange = None
try:
    train.fit(model, images, epochs="many")
except TypeError as error:
    strange = str(error)
claim, exact = claims.claim("a-claim", "It is large.", 0.1, above=1), claims.exact("b", "2.", 3, holds=False)
print(json.dumps({
    "train": len(images.train), "test": len(images.test), "runs": runs, "strange": strange,
    "verdicts": [claim.verdict, exact.verdict], "judged": claim.record()["judged"], "html": claim._repr_html_(),
    "nothing": str(evaluate.named_as(None, images.test.x[:0], images.test.labels[:0])), "later": [fit(epochs=5, batch_size=100) for _ in range(4)],
}))
"""


def told(**variables) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_budgets_are_small_and_claims_are_not_judged():
    said = told(AECOURSE_QUICK="1", AECOURSE_STRICT="1")  # which would stop at the exact claim
    assert said["train"] == quick.IMAGES and said["test"] == 360
    assert said["runs"] == [[50, 150], [1, 16], [1, quick.STEPS]]
    assert said["later"][-1] == [5, quick.FEW]
    assert said["nothing"] == "nan"
    assert said["verdicts"] == ["not judged in a quick book"] * 2 and said["judged"] is False
    assert "unjudged" in said["html"] and "#d64550" not in said["html"]
    assert said["strange"].startswith("epochs: got")


def test_without_it_nothing_changes():
    from aecourse import claims, data, train
    from aecourse.train import fitting

    assert (
        not quick.on() and train.fit is fitting.fit and fitting.fit.__module__ == fitting.__name__
    )
    assert data.load.__module__ == data.__name__ and not hasattr(train.fit, "__wrapped__")
    assert claims.claim("a-claim", "It is large.", 0.1, above=1).verdict == "did not hold here"

"""A threshold under the reader's hand: which cases give an alarm, which of them deserve it, and what it all costs."""

from __future__ import annotations

import numpy as np

from aecourse import evaluate, require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.pictures import names_of

BINS = 160
PRICES = (0.5, 1000.0)  # what the sliders of the costs reach


def alarms(
    detectors: dict,
    labels,
    *,
    miss: float = 50.0,
    false_alarm: float = 1.0,
    false_alarms: float = 0.01,
    names=("normal cases", "anomalies"),
    description=None,
) -> Figure:
    """Two histograms of scores and a threshold that the reader moves; the four counts, precision, recall and cost follow.

    detectors:     name -> scores [N], higher is stranger; one to six of them, of the same cases.
    labels:        [N], 1 for an anomaly, 0 for a normal case.
    miss:          where the slider for the price of a miss stands at first, 0.5 to 1,000.
    false_alarm:   the same for the price of a false alarm.
    false_alarms:  the threshold at first gives at most this share of false alarms on these cases.
    names:         what the two kinds of cases are called, in the plural.
    description:   the figure in words; by default what is known at the first threshold.

    The page holds counts in 160 steps of the threshold, not the scores. Raises ValueError or TypeError for what does not fit.
    """
    if not isinstance(detectors, dict) or not 1 <= len(detectors) <= 6:
        raise ValueError(
            f"detectors: got {require.described(detectors)}; accepted is a dict of one to six entries"
        )
    names = names_of("names", names, 2)
    prices = {
        name: require.number(name, value, low=PRICES[0], high=PRICES[1])
        for name, value in {"miss": miss, "false_alarm": false_alarm}.items()
    }
    share = require.number("false_alarms", false_alarms, low=0, high=1)
    labels = as_array("labels", labels)
    packed = []
    for name, scores in detectors.items():
        scores = as_array(name, scores).astype(float)
        evaluate.auroc(scores, labels)  # refuses what no detector's scores and labels are
        packed.append({"name": str(name), **_counted(scores, labels == 1, share)})
    data = {"detectors": packed, "names": names, "limits": PRICES, **prices}
    description = _describe(packed, names, prices) if description is None else description
    return Figure(
        fragment(
            "alarms",
            data,
            package=__name__,
            title="Interactive figure: move the threshold",
            description=description,
        ),
        description,
    )


def _counted(scores: np.ndarray, anomaly: np.ndarray, share: float) -> dict:
    """The thresholds that can be chosen, how many cases of each kind lie between one and the next, and the first to show."""
    low, high = np.quantile(scores[~anomaly], 0.002), scores.max()
    log = bool(scores.min() > 0 and high > 30 * np.median(scores))
    inner = np.geomspace(low, high, BINS) if log and low < high else np.linspace(low, high, BINS)
    inner = np.unique([float(f"{edge:.5g}") for edge in inner])
    beyond = 1e-4 * np.ptp(scores) + 1e-9  # alarms for all at one end, for none at the other
    ends = scores.min() - beyond, high + beyond
    edges = np.array([ends[0], *inner[(inner > ends[0]) & (inner < ends[1])], ends[1]])
    normal, anomalies = (
        np.bincount(np.searchsorted(edges, part, side="left") - 1, minlength=len(edges) - 1)
        for part in (scores[~anomaly], scores[anomaly])
    )
    above = np.append(normal[::-1].cumsum()[::-1], 0)
    return {
        "log": log,
        "edges": edges.tolist(),
        "normal": normal.tolist(),
        "anomaly": anomalies.tolist(),
        "start": int(np.argmax(above <= share * normal.sum())),
    }


def _describe(packed: list[dict], names, prices) -> str:
    def told(one: dict) -> str:
        found, false = (sum(one[kind][one["start"] :]) for kind in ("anomaly", "normal"))
        return f"{one['name']}: {found} of {sum(one['anomaly'])} {names[1]} found, {false} false alarms"

    return (
        f"Two histograms of scores, of the {names[0]} and of the {names[1]}, with a threshold across both. What lies right of it "
        "gives an alarm. A table counts alarms that are right, false alarms, misses and the rest; below, the cost of every "
        f"threshold as a curve, where a miss costs {prices['miss']:g} and a false alarm {prices['false_alarm']:g}. At the first "
        f"threshold: {'; '.join(map(told, packed))}."
    )

"""Measures of detectors: a score says how strange each case is, a threshold turns it into alarms, and alarms cost something."""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import torch
from sklearn import metrics
from torch import Tensor

from aecourse import require


def _scores(name: str, value) -> Tensor:
    """`value` as finite numbers [N] in float64, from torch, NumPy or a list."""
    try:
        value = torch.as_tensor(value).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"{name}: got {require.described(value)}; accepted is one number for each case, [N]"
        ) from error
    if value.dim() != 1 or not len(value):
        raise ValueError(
            f"{name}: got the shape {list(value.shape)}; accepted is one number for each case, [N]"
        )
    if not value.isfinite().all():
        raise ValueError(
            f"{name}: got {int((~value.isfinite()).sum())} scores that are NaN or infinite; accepted are finite numbers"
        )
    return value


def _both(scores: Tensor, labels: Tensor, *_, **__) -> None:
    """Raises an error where labels are not one 0 or 1 for each score, with both among them."""
    if len(labels) != len(scores):
        raise ValueError(
            f"labels: got {len(labels)} for {len(scores)} scores; accepted is one for each"
        )
    found = sorted(set(labels.tolist()))
    if not set(found) <= {0, 1}:
        raise ValueError(
            f"labels: got {found[0]:g} to {found[-1]:g}; accepted are 0 (normal) and 1 (anomaly)"
        )
    if len(found) < 2:
        raise ValueError(
            f"labels: got {found[0]:g} for all {len(labels)}; accepted are both classes, 0 (normal) and 1 (anomaly)"
        )


judged = require.checked(_both, scores=_scores, labels=_scores)


@judged
def auroc(scores, labels) -> float:
    """The share of pairs of an anomaly and a normal case in which the anomaly scores higher; equal scores count one half.

    scores   [N], higher is stranger
    labels   [N], 1 for an anomaly, 0 for a normal case

    This is the area under the ROC curve, as scikit-learn computes it: 1/2 by chance, and the same however rare anomalies are.
    """
    return float(metrics.roc_auc_score(labels, scores))


@judged
def average_precision(scores, labels) -> float:
    """The precision, averaged over the thresholds at which each anomaly in turn is found: scores [N], labels [N] -> (0, 1].

    By chance it is the share of anomalies. The area under the precision-recall curve by steps, as scikit-learn computes it.
    """
    return float(metrics.average_precision_score(labels, scores))


def _enough(scores: Tensor, false_alarms: float) -> None:
    if (len(scores) + 1) * false_alarms < 1 - 1e-9:
        raise ValueError(
            f"false_alarms: got {false_alarms:g} with {len(scores)} scores; accepted is at least 1 / {len(scores) + 1}, "
            "or more scores: no score lies that far out"
        )


@require.checked(
    _enough,
    scores=_scores,
    false_alarms=lambda name, value: require.number(name, value, low=0, high=0.5, above=True),
)
def alarm_threshold(scores, false_alarms: float = 0.01) -> float:
    """The score above which a new normal case comes with a probability of at most `false_alarms`.

    scores   [N] of normal cases that the model was not trained on

    The promise holds for any score, if the new case is drawn as these were: its rank among N + 1 is as likely to be any
    one as any other. (Split conformal prediction, Papadopoulos et al. 2002.)
    """
    allowed = int((len(scores) + 1) * false_alarms + 1e-9)
    return scores.sort().values[len(scores) - allowed].item()


class Alarms(NamedTuple):
    """What a threshold does: how many cases of each kind, as four counts."""

    found: int  # anomalies with an alarm
    missed: int  # anomalies without
    false: int  # normal cases with an alarm
    quiet: int  # normal cases without

    @property
    def precision(self) -> float:
        """The share of alarms that are anomalies; NaN where there is no alarm."""
        return self.found / (self.found + self.false) if self.found + self.false else math.nan

    @property
    def recall(self) -> float:
        """The share of anomalies that are found."""
        return self.found / (self.found + self.missed)

    @property
    def false_rate(self) -> float:
        """The share of normal cases that give an alarm."""
        return self.false / (self.false + self.quiet)

    def cost(self, miss: float, false_alarm: float) -> float:
        """What all cases together cost: each miss and each false alarm has its price."""
        return miss * self.missed + false_alarm * self.false


@require.checked(
    _both, scores=_scores, labels=_scores, threshold=lambda name, value: _level(name, value)
)
def alarms(scores, labels, threshold: float) -> Alarms:
    """The four counts for an alarm wherever a score lies above the threshold: scores [N], labels [N]."""
    alarm, anomaly = scores > threshold, labels == 1
    return Alarms(
        int((alarm & anomaly).sum()),
        int((~alarm & anomaly).sum()),
        int((alarm & ~anomaly).sum()),
        int((~alarm & ~anomaly).sum()),
    )


def _level(name: str, value) -> float:
    if isinstance(value, bool) or not hasattr(value, "__float__") or math.isnan(float(value)):
        raise ValueError(f"{name}: got {require.described(value)}; accepted is a number")
    return float(value)


def _price(name: str, value) -> float:
    return require.number(name, value, low=0, above=True)


@require.checked(_both, scores=_scores, labels=_scores, miss=_price, false_alarm=_price)
def cheapest_threshold(scores, labels, miss: float, false_alarm: float) -> float:
    """The threshold with the least cost on these cases: one of the scores, or minus infinity where alarms for all are cheapest.

    scores, labels      [N] of validation cases, some of which are known anomalies
    miss, false_alarm   the price of one anomaly without an alarm, and of one alarm without an anomaly

    Of thresholds that cost the same, the highest: it gives the fewest alarms.
    """
    order = scores.argsort(descending=True)
    ordered, anomaly = scores[order], labels[order]
    found, false = anomaly.cumsum(0), (1 - anomaly).cumsum(0)  # with an alarm for the first so many
    cost = miss * (anomaly.sum() - found) + false_alarm * false
    cost = torch.cat([miss * anomaly.sum()[None], cost])
    below = torch.cat([ordered, ordered.new_tensor([-math.inf])])  # the threshold under so many
    possible = torch.cat([torch.tensor([True]), below[1:] < ordered])  # equal scores go together
    return below[torch.where(possible, cost, math.inf).argmin()].item()


def compressed_nats(x: Tensor) -> Tensor:
    """The length of each image in a lossless file: x [N, C, H, W] in [0, 1] -> nats [N] (8 bits are 5.5 nats).

    Pixels are rounded to 256 levels, each is written as the difference from its left neighbour, and zlib packs them; PNG
    does much the same. A measure of how simple an image is that knows nothing of any data set (Serrà et al. 2020).
    """
    if not isinstance(x, Tensor) or x.dim() != 4 or not x.numel() or not x.is_floating_point():
        raise ValueError(
            f"x: got {require.described(x)}; accepted is a floating-point tensor [N, C, H, W]"
        )
    low, high = (bound.item() for bound in torch.aminmax(x))
    if not (low >= 0 and high <= 1):
        raise ValueError(f"x: got pixels in [{low:g}, {high:g}]; accepted is [0, 1]")
    levels = (255 * x).round().cpu().to(torch.uint8)
    steps = torch.cat([levels[..., :1], levels[..., 1:] - levels[..., :-1]], -1)  # modulo 256
    sizes = [len(zlib.compress(image.numpy().tobytes(), 9)) for image in steps]
    return torch.tensor(sizes) * 8 * math.log(2)

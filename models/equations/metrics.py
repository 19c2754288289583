"""Equations of metrics: the success of a task under its metric, and the score that a success gives.

As in `models.equations.surrogates`, numbers, arrays, DataArrays and PyTensor variables are all taken.

`METRICS` is the one place that knows a metric. To add one, write its success as a function of the loss per token and
add a row; table, model, prediction, emergence, design and simulation read it from there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from models.equations.guessed import at_least_each
from models.equations.surrogates import (
    at_least_k,
    exact_match,
    loss_from_at_least_k,
    loss_from_exact_match,
    pass_at_k,
    token_accuracy,
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a metric makes of the loss of a task; lengths and k are numbers or arrays, a length is 1 if not known."""

    words: str
    sharpness: int  # order of metrics by how steeply a score rises; the smoothest first
    success: Callable[..., Any] | None = None  # (loss, nu, *, length, k, token_floor); None: a measured number
    reciprocal: bool = False  # of a measured number: it is one over the loss, and rises where the loss falls
    inverse: Callable[..., Any] | None = None  # (success, nu, *, length, k); None: found by search
    decisions: Callable[..., Any] = lambda length, k: 1.0 + 0.0 * length  # tokens of an exact match that is about alike
    of_answers: bool = False  # a function of the loss of the answers, which the metrics of one task name share
    k: str = ""  # what the column k means; blank: it means nothing
    k_may_be_learned: bool = False
    counts_tokens: bool = False  # its trials are tokens, an item's length of them
    is_attempts: bool = False  # k counts attempts at an item

    @property
    def is_rate(self) -> bool:
        """Whether scores are shares of items, and not measured numbers such as a loss."""
        return self.success is not None

    @property
    def falls(self) -> bool:
        """Whether scores fall as models get better."""
        return not self.is_rate and not self.reciprocal


def _exact_match(loss, nu, *, length, k, token_floor=None):
    if token_floor is None:
        return exact_match(loss, length=length, nu=nu)
    return at_least_each(loss, ks=(int(length),), length=int(length), nu=nu, token_floor=token_floor)[..., 0]


def _at_least_k(loss, nu, *, length, k, token_floor=None):
    if token_floor is None:
        return at_least_k(loss, k=int(k), length=int(length), nu=nu)
    return at_least_each(loss, ks=(int(k),), length=int(length), nu=nu, token_floor=token_floor)[..., 0]


def _token_accuracy(loss, nu, *, length, k, token_floor=None):
    accuracy = token_accuracy(loss, nu=nu)
    return accuracy if token_floor is None else token_floor + (1.0 - token_floor) * accuracy


def _pass_at_k(loss, nu, *, length, k, token_floor=None):
    return pass_at_k(length * loss, k=k, nu=nu)


def _of_attempts(length, k):
    """Tokens of the exact match that is half solved at the loss at which pass@k is, were all items alike."""
    return length * np.log(2.0) / -np.log(-np.expm1(-np.log(2.0) / k))


METRICS: dict[str, Metric] = {
    "exact_match": Metric(
        words="exact match",
        sharpness=4,
        success=_exact_match,
        inverse=lambda success, nu, *, length, k: loss_from_exact_match(success, length=length, nu=nu),
        decisions=lambda length, k: length,
        of_answers=True,
    ),
    "at_least_k": Metric(
        words="at least k",
        sharpness=2,
        success=_at_least_k,
        inverse=lambda success, nu, *, length, k: loss_from_at_least_k(success, k=int(k), length=int(length), nu=nu),
        decisions=lambda length, k: k,
        of_answers=True,
        k="the tokens needed, blank where that is to be learned",
        k_may_be_learned=True,
    ),
    "pass_at_k": Metric(
        words="pass at k",
        sharpness=3,
        success=_pass_at_k,
        decisions=_of_attempts,
        of_answers=True,
        k="the attempts at an item, of which one must be right",
        is_attempts=True,
    ),
    "token_accuracy": Metric(
        words="token accuracy",
        sharpness=0,
        success=_token_accuracy,
        inverse=lambda success, nu, *, length, k: loss_from_exact_match(success, length=1.0, nu=nu),
        of_answers=True,
        counts_tokens=True,
    ),
    "choice": Metric(
        words="choice",
        sharpness=1,
        success=_token_accuracy,
        inverse=lambda success, nu, *, length, k: loss_from_exact_match(success, length=1.0, nu=nu),
    ),
    "loss": Metric(words="loss", sharpness=-1),
    "horizon": Metric(words="time horizon", sharpness=-1, reciprocal=True),
}


def rates() -> tuple[str, ...]:
    """The metrics whose scores are shares of items."""
    return tuple(name for name, metric in METRICS.items() if metric.is_rate)


def metrics_where(trait: str) -> tuple[str, ...]:
    """The metrics of which a field of `Metric` is true or not blank."""
    return tuple(name for name, metric in METRICS.items() if getattr(metric, trait))


def measured_score(loss, *, metric):
    """Score of a task that is no rate, of its loss, and the loss of its score: a horizon h has the loss ``1 / h``."""
    with np.errstate(divide="ignore"):
        return 1.0 / loss if METRICS[metric].reciprocal else loss


def score_from_success(success, *, floor, ceiling):
    """Expected score: ``floor + (ceiling - floor) S``. Floor is the success of guessing, ceiling of a perfect model."""
    return floor + (ceiling - floor) * success


def success_from_score(score, *, floor, ceiling):
    """Success behind an expected score; at least 1 where the score is out of reach, at most 0 below the floor."""
    return (score - floor) / (ceiling - floor)


def success_of_task(loss, nu, *, metric, length, k, token_floor=None):
    """Probability of success of one task under its metric: the surrogate that belongs to it."""
    success = METRICS[metric].success
    assert success is not None, f"{metric} is no rate"
    length = length if np.isfinite(length) else 1.0
    return success(loss, nu, length=length, k=k, token_floor=token_floor)


def loss_of_success(success, nu, *, metric, length, k):
    """Loss at which the success of a task is reached: the inverse of `success_of_task`, of metrics that have one."""
    inverse = METRICS[metric].inverse
    assert inverse is not None, f"{metric} has no inverse"
    return inverse(success, nu, length=length if np.isfinite(length) else 1.0, k=k)


def frailty(theta, nu, drift, *, limits):
    """Frailty at effective compute theta: ``nu exp(drift theta)``, with theta held within the range of the runs.

    `limits` : its ends, of `models.facts.placing.drift_limits`
    """
    return nu if drift is None else nu * np.exp(drift * theta.clip(limits[0], limits[1]))


def token_floor_of_run(token_floor, residual):
    """Chance that a run guesses a token right: that of the law, moved by `residual` as a logit."""
    odds = token_floor / (1.0 - token_floor) * np.exp(residual)
    return odds / (1.0 + odds)


# Judgements whose k is unknown: judges who pass an answer of which j sub-judgements are right with a probability h(j),
# rising from h(0) = 0 to h(L) = 1, pass over all answers the mean over k of P(at least k of L) with the weights
# h(k) - h(k - 1). At least k of L with a known k is all weight on one k. So an unknown k is a weight that is learned.

LARGEST_LENGTH = 32  # for which `models.equations.guessed.at_least_each` is accurate
UNKNOWN_LENGTH = 12  # sub-judgements that stand for an unknown number: what is learned then is the share that is needed


def required_share_weights(share, *, softness, length):
    """Weight of at least k of `length` for each k = 1..L, on a last axis (dim k), positive and adding up to one.

    ``w_k = (F_k - F_(k-1)) / (F_L - F_0)`` with the logistic ``F_j = 1 / (1 + exp(-(j - L share) / softness))``: half
    of the answers of which ``L share`` are right pass. Softness to 0 is at least k of L with k the next whole number.

    Units: softness in sub-judgements, positive; share between 0 and 1.
    """
    if isinstance(share, xr.DataArray) or isinstance(softness, xr.DataArray):
        return xr.apply_ufunc(
            lambda share, softness: required_share_weights(share, softness=softness, length=length),
            *(share, softness),
            output_core_dims=[["k"]],
        )
    share, softness = (np.float64(1.0) * each for each in (share, softness))
    distance = (np.arange(length + 1) - length * share[..., None]) / softness[..., None]
    passed = 0.5 * (1.0 + np.tanh(0.5 * distance))
    return (passed[..., 1:] - passed[..., :-1]) / (passed[..., -1:] - passed[..., :1])


def success_of_judgement(loss, nu, *, share, softness, length, token_floor=0.0):
    """Probability that a judgement of `length` sub-judgements is passed where the number needed is not known."""
    tails = at_least_each(loss, ks=tuple(range(1, length + 1)), length=length, nu=nu, token_floor=token_floor)
    weights = required_share_weights(share, softness=softness, length=length)
    last = {"dim": "k"} if isinstance(tails, xr.DataArray) else {"axis": -1}
    return (tails * weights).sum(**last)

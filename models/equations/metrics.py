"""Equations of metrics: the success of a task under its metric, and the score that a success gives.

As in `models.equations.surrogates`, numbers, arrays, DataArrays and PyTensor variables are all taken.

Judges who pass an answer of which j sub-judgements are right with a probability h(j), rising from h(0) = 0 to
h(L) = 1, pass over all answers the mean over k of P(at least k of L) with the weights ``h(k) - h(k - 1)``. At least k
of L with a known k is all weight on one k. So an unknown k is a weight that is learned, not a list of models.
"""

import numpy as np
import xarray as xr

from models.equations.surrogates import at_least_each, at_least_k, exact_match, token_accuracy


def score_from_success(success, *, floor, ceiling):
    """Expected score: ``floor + (ceiling - floor) S``. Floor is the success of guessing, ceiling of a perfect model."""
    return floor + (ceiling - floor) * success


def success_from_score(score, *, floor, ceiling):
    """Success behind an expected score; at least 1 where the score is out of reach, at most 0 below the floor."""
    return (score - floor) / (ceiling - floor)


def success_of_task(loss, nu, *, metric, length, k, token_floor=None):
    """Probability of success of one task under its metric: the surrogate of DESIGN section 3.3 that belongs to it."""
    length = length if np.isfinite(length) else 1.0
    if metric not in ("at_least_k", "exact_match"):
        accuracy = token_accuracy(loss, nu=nu)
        return accuracy if token_floor is None else token_floor + (1.0 - token_floor) * accuracy
    if token_floor is not None:
        k = int(k if metric == "at_least_k" else length)
        return at_least_each(loss, ks=(k,), length=int(length), nu=nu, token_floor=token_floor)[..., 0]
    if metric == "at_least_k":
        return at_least_k(loss, k=int(k), length=int(length), nu=nu)
    return exact_match(loss, length=length, nu=nu)


def frailty(theta, nu, drift, *, limits):
    """Frailty at effective compute theta: ``nu exp(drift theta)``, with theta held within the range of the runs.

    `limits` : its ends, of `models.facts.placing.drift_limits`
    """
    return nu if drift is None else nu * np.exp(drift * theta.clip(limits[0], limits[1]))


def token_floor_of_run(token_floor, residual):
    """Chance that a run guesses a token right: that of the law, moved by `residual` as a logit."""
    odds = token_floor / (1.0 - token_floor) * np.exp(residual)
    return odds / (1.0 + odds)


LARGEST_LENGTH = 32  # for which `models.equations.surrogates.at_least_each` is accurate
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

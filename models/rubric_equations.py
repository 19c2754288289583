"""Formulas of judgements that follow from how many of L sub-judgements are right, when the number needed is unknown.

As in `models.equations`, numbers, arrays, DataArrays and PyTensor variables are all taken.

Judges who pass an answer of which j sub-judgements are right with a probability h(j), rising from h(0) = 0 to
h(L) = 1, pass over all answers the mean over k of P(at least k of L) with the weights ``h(k) - h(k - 1)``. At least k
of L with a known k is all weight on one k. So an unknown k is a weight that is learned, not a list of models.
"""

import numpy as np
import xarray as xr

from models import equations

LARGEST_LENGTH = 32  # for which `models.equations.at_least_each` is accurate
UNKNOWN_LENGTH = 12  # sub-judgements that stand for an unknown number: what is learned then is the share that is needed


def passing_weights(share, *, softness, length):
    """Weight of at least k of `length` for each k = 1..L, on a last axis (dim k), positive and adding up to one.

    ``w_k = (F_k - F_(k-1)) / (F_L - F_0)`` with the logistic ``F_j = 1 / (1 + exp(-(j - L share) / softness))``: half
    of the answers of which ``L share`` are right pass. Softness to 0 is at least k of L with k the next whole number.

    Units: softness in sub-judgements, positive; share between 0 and 1.
    """
    if isinstance(share, xr.DataArray) or isinstance(softness, xr.DataArray):
        return xr.apply_ufunc(
            lambda share, softness: passing_weights(share, softness=softness, length=length),
            *(share, softness),
            output_core_dims=[["k"]],
        )
    share, softness = (np.float64(1.0) * each for each in (share, softness))
    distance = (np.arange(length + 1) - length * share[..., None]) / softness[..., None]
    passed = 0.5 * (1.0 + np.tanh(0.5 * distance))
    return (passed[..., 1:] - passed[..., :-1]) / (passed[..., -1:] - passed[..., :1])


def success_of_judgement(loss, nu, *, share, softness, length, token_floor=0.0):
    """Probability that a judgement of `length` sub-judgements is passed where the number needed is not known."""
    tails = equations.at_least_each(loss, ks=tuple(range(1, length + 1)), length=length, nu=nu, token_floor=token_floor)
    weights = passing_weights(share, softness=softness, length=length)
    last = {"dim": "k"} if isinstance(tails, xr.DataArray) else {"axis": -1}
    return (tails * weights).sum(**last)

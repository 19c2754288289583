"""Surrogates: from loss per token to the success of an answer, and back.

Each function takes Python numbers, NumPy arrays, xarray DataArrays or, unless it says otherwise, PyTensor variables,
broadcasts them, and returns the same kind. The impossible has a value: an inverse answers `inf` where no compute
suffices and `-inf` where any does.

The chain from compute to score and back:

    theta --power_law_loss--> loss --surrogate--> success --score_from_success--> score
    theta <--theta_from_loss-- loss <--loss_from_...-- success <--success_from_score-- score

Units: theta in decades (log10 FLOP), loss in nats per token, success and score as rates.

Frailty: item i has loss ``loss * g_i`` with ``g_i ~ Gamma(nu, nu)`` (mean 1, shape nu), so the closed forms below are
Laplace transforms of the Gamma distribution (Vaupel, Manton and Stallard 1979, Demography 16:439).
"""

import numpy as np
import xarray as xr

from models.equations.numbers import log_choose, logsumexp, positive_part, root_between

HAZARD_FLOOR = 1e-290  # keeps 0 * log(0) out of the far left of the grid, where success is 1 to machine precision
LARGEST_HAZARD = np.float64(1e300)  # keeps 0 * inf out of the far right; not single precision in a graph
ATTEMPT_NODES, LOG_MOST_ATTEMPTS = 81, np.log(1e6)  # of the grid of `pass_at_k`
TILTED_HAZARDS = 1e-15, 600.0  # below, an attempt is right; beyond, so rarely that k attempts are k times as good
DROPPED_LOG_MASS = 40.0  # the grid ends where the density has fallen by exp(-40) = 4e-18
SMALLEST = np.nextafter(0.0, 1.0)
LEAST_ROOM = 1e-9  # below 1, of a success that is 1 or that guessing alone exceeds
ROUNDING = 1e-9  # in the log of the loss, of the ends of a bracket


def exact_match(loss, *, length, nu):
    """Probability that all `length` tokens of an answer are right: ``(1 + L loss / nu)^-nu``.

    As nu grows items become alike and this tends to ``exp(-L loss)``; nu = 1 is the logistic curve in log compute.
    """
    with np.errstate(over="ignore"):
        return np.exp(-nu * np.log1p(length * loss / nu))


def loss_from_exact_match(success, *, length, nu):
    """Loss at which exact match is `success`: ``nu / L (S^(-1/nu) - 1)``; zero or negative where S >= 1."""
    with np.errstate(divide="ignore", over="ignore"):
        return nu / length * np.expm1(-np.log(positive_part(success)) / nu)


def room_above(score, *, floor, nu, length, bounding_length):
    """What the exact match of `length` tokens lacks of 1 where that of `bounding_length`, guesses included, is `score`.

    Both are of the same answers; ``floor`` is the chance that a guess scores. Not of Python numbers.
    """
    success = ((score - floor) / (1.0 - floor)).clip(LEAST_ROOM, 1.0 - LEAST_ROOM)
    return 1.0 - exact_match(loss_from_exact_match(success, length=bounding_length, nu=nu), length=length, nu=nu)


def token_accuracy(loss, *, nu):
    """Expected share of answer tokens that are right: ``(1 + loss / nu)^-nu``, which is exact match at length 1."""
    return exact_match(loss, length=1, nu=nu)


def loss_from_token_accuracy(success, *, nu):
    """Loss at which token accuracy is `success`: the inverse of `token_accuracy`."""
    return loss_from_exact_match(success, length=1, nu=nu)


def at_least_k(loss, *, k, length, nu):
    """Probability that at least k of `length` tokens are right, over items of different difficulty.

    ``E_g[ sum_{j>=k} C(L,j) q^j (1-q)^(L-j) ]`` with ``q = exp(-loss g)`` and ``g ~ Gamma(nu, nu)``. Taking ``q^k`` out
    of the sum tilts the Gamma distribution to the rate ``nu + k loss`` and leaves a mean of numbers in [1, C(L,k)]:

        (1 + k loss / nu)^-nu  E_t[ sum_{j>=k} C(L,j) q^(j-k) (1-q)^(L-j) ],   t = (nu + k loss) g ~ Gamma(nu, 1)

    so the far tail is as exact as the closed form in front, and k = L is the closed form. The mean is taken by the
    trapezoid rule on a grid in log t: relative error below 1e-11 for length to 200, nu >= 0.05 and any loss.

    k and length are plain integers, 1 <= k <= length; anything else is a `ValueError`. This is not ``S^k``, which lacks
    the binomial coefficient.
    """
    if not (1 <= k <= length and k % 1 == 0 and length % 1 == 0):
        raise ValueError(f"k must be an integer between 1 and length, got k = {k} and length = {length}")
    if k == length:
        return exact_match(loss, length=length, nu=nu)
    if isinstance(loss, xr.DataArray) or isinstance(nu, xr.DataArray):
        return xr.apply_ufunc(lambda loss, nu: at_least_k(loss, k=k, length=length, nu=nu), loss, nu)
    right = np.arange(k, length + 1)
    log_choices = log_choose(length, right)

    loss, nu = (np.float64(1.0) * loss)[..., None], (np.float64(1.0) * nu)[..., None]
    log_t, log_weight = _gamma_grid(nu, nodes=int(41 + 8 * length**0.5), margin=DROPPED_LOG_MASS + log_choices[0])
    with np.errstate(over="ignore"):
        mean_hazard = -nu / k * np.expm1(-np.log1p(k * loss / nu))  # nu loss / (nu + k loss), for an infinite loss too
    hazard = (mean_hazard * np.exp(log_t) + HAZARD_FLOOR)[..., None]
    log_ratio = logsumexp(log_choices - (right - k) * hazard + (length - right) * np.log(-np.expm1(-hazard)))
    log_mean_ratio = logsumexp(log_weight + log_ratio) - logsumexp(log_weight)
    return exact_match(loss[..., 0], length=k, nu=nu[..., 0]) * np.exp(log_mean_ratio)


def pass_at_k(loss, *, k, nu):
    """Probability that at least one of k independent attempts is right, over items of different difficulty.

    ``1 - E_g[(1 - p)^k]`` with ``p = exp(-loss g)`` and ``g ~ Gamma(nu, nu)``, where loss is that of a whole answer.
    Source: Chen et al. 2021 (arXiv:2107.03374). It is `at_least_k` of 1 among k, written for any k; pass@1 is the mean
    of p, ``(1 + loss / nu)^-nu``. As there, taking one p out of the expectation tilts the Gamma distribution:

        (1 + loss / nu)^-nu  E_t[ (1 - (1 - p)^k) / p ],   t = (nu + loss) g ~ Gamma(nu, 1)

    Relative error below 1e-8 for k to 128, 1e-6 to 1000 and 2e-5 to 10,000, for nu from 0.05 to 50 and any loss.
    """
    if any(isinstance(each, xr.DataArray) for each in (loss, nu, k)):
        return xr.apply_ufunc(lambda loss, nu, k: pass_at_k(loss, k=k, nu=nu), loss, nu, k)
    loss, nu, k = ((np.float64(1.0) * each)[..., None] for each in (loss, nu, k))
    log_t, log_weight = _gamma_grid(nu, nodes=ATTEMPT_NODES, margin=DROPPED_LOG_MASS + LOG_MOST_ATTEMPTS)
    with np.errstate(over="ignore"):
        mean_hazard = -nu * np.expm1(-np.log1p(loss / nu))  # nu loss / (nu + loss), for an infinite loss too
        hazard = (mean_hazard * np.exp(log_t)).clip(*TILTED_HAZARDS)
    log_ratio = hazard + np.log(-np.expm1(k * np.log1p(-np.exp(-hazard))))
    log_mean_ratio = logsumexp(log_weight + log_ratio) - logsumexp(log_weight)
    return exact_match(loss[..., 0], length=1.0, nu=nu[..., 0]) * np.exp(log_mean_ratio)


def loss_from_at_least_k(success, *, k, length, nu):
    """Loss at which at least k of `length` has probability `success`; zero where success >= 1. It takes no variables.

    The bracket is exact up to rounding: at-least-k lies between exact match at length k and C(L,k) times that. The root
    is that of the difference in logs, as a function of the log of the loss.
    """
    if k == length:
        return loss_from_exact_match(success, length=length, nu=nu)
    if isinstance(success, xr.DataArray) or isinstance(nu, xr.DataArray):
        return xr.apply_ufunc(lambda success, nu: loss_from_at_least_k(success, k=k, length=length, nu=nu), success, nu)

    def excess(log_loss, log_success, nu):
        return np.log(np.maximum(at_least_k(np.exp(log_loss), k=k, length=length, nu=nu), SMALLEST)) - log_success

    log_success = np.log(np.where((success <= 0) | (success >= 1), 0.5, success))
    low = _log_loss_from_exact_match(log_success, length=k, nu=nu) - ROUNDING
    high = _log_loss_from_exact_match(log_success - log_choose(length, k), length=k, nu=nu) + ROUNDING
    found = root_between(excess, low, high, log_success, nu)
    with np.errstate(over="ignore"):
        never = (success <= 0) | np.isinf(np.exp(low))
        return np.select([never, success >= 1], [np.inf, 0.0], np.exp(found))[()]


def _log_loss_from_exact_match(log_success, *, length, nu):
    """Log of `loss_from_exact_match` for a success between 0 and 1, where the loss itself may overflow."""
    log_ratio = -log_success / nu
    return np.log(nu / length) + log_ratio + np.log(-np.expm1(-log_ratio))


def _gamma_grid(nu, *, nodes, margin):
    """Log t minus log nu and log weight, on a last axis of `nodes`, for a mean over t ~ Gamma(nu, 1).

    ``log(t / nu) = y + 1 - exp(-y)`` makes both tails fall double exponentially (Takahasi and Mori 1974); y is uniform
    and reaches as far as the log density stays above its peak less `margin`.
    """
    reach = np.log1p(margin / nu + np.sqrt(margin / (2.0 * nu)))
    y = reach * np.linspace(-1.0, 1.0, nodes)
    log_ratio = y - np.expm1(-y)
    return log_ratio, nu * (log_ratio - np.expm1(log_ratio)) + np.log1p(np.exp(-y))

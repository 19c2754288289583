"""What people do without a model of the metric: five point forecasts, each with residual-bootstrap intervals."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit, logit

HALF_COUNT = 0.5  # scores enter logs and logits as (successes + 1/2) / (trials + 1)

Curve = Callable[[np.ndarray], np.ndarray]


def last_value(x: np.ndarray, score: np.ndarray) -> Curve:
    """The score of the largest run, at any compute."""
    latest = score[np.argmax(x)]
    return lambda new: np.full_like(new, latest)


def linear(x: np.ndarray, score: np.ndarray) -> Curve:
    """A straight line in log compute, kept within [0, 1]."""
    slope, level = np.polyfit(x, score, 1)
    return lambda new: np.clip(level + slope * new, 0.0, 1.0)


def logistic(x: np.ndarray, score: np.ndarray) -> Curve:
    """A logistic curve in log compute, by least squares on the score."""
    centre = x.mean()
    start = np.polyfit(x - centre, logit(np.clip(score, 1e-4, 1 - 1e-4)), 1)[::-1]
    found = least_squares(lambda p: expit(p[0] + p[1] * (x - centre)) - score, start, max_nfev=200)
    level, slope = found.x
    return lambda new: expit(level + slope * (new - centre))


def power_law(x: np.ndarray, score: np.ndarray) -> Curve:
    """A direct power law in compute, ``-log score = A C^-b``: a straight line in log-log, by least squares there."""
    level, slope = _log_hazard_line(x, score)
    return lambda new: _gompertz(level + slope * (new - x.mean()))


def gompertz(x: np.ndarray, score: np.ndarray) -> Curve:
    """The same power law by least squares on the score, where large scores weigh most: a Gompertz curve."""
    centre = x.mean()
    start = _log_hazard_line(x, score)
    found = least_squares(lambda p: _gompertz(p[0] + p[1] * (x - centre)) - score, start, max_nfev=200)
    level, slope = found.x
    return lambda new: _gompertz(level + slope * (new - centre))


def _log_hazard_line(x: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Level at the mean of x and slope of log(-log score)."""
    hazard = -np.log(np.clip(score, 1e-6, 1 - 1e-6))
    return np.polyfit(x - x.mean(), np.log(hazard), 1)[::-1]


BASELINES = {
    "last value": last_value,
    "linear": linear,
    "logistic": logistic,
    "power law": power_law,
    "Gompertz": gompertz,
}


def baseline_draws(
    method: Callable[[np.ndarray, np.ndarray], Curve],
    x: np.ndarray,
    successes: np.ndarray,
    trials: np.ndarray,
    new_x: np.ndarray,
    *,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Predictive draws of the score at `new_x` (draw, point) by the residual bootstrap.

    Residuals of the fit on the logit scale, less their mean, are drawn with replacement, added to the fitted curve, the
    method is fitted again, and a residual is added to its forecast (Efron and Tibshirani 1993, chapter 9).
    """
    score = (successes + HALF_COUNT) / (trials + 2 * HALF_COUNT)
    fitted = _logit(method(x, score)(x))
    residual = logit(score) - fitted
    residual -= residual.mean()
    result = np.empty((draws, len(new_x)))
    for draw in range(draws):
        again = expit(fitted + rng.choice(residual, len(x)))
        result[draw] = expit(_logit(method(x, again)(new_x)) + rng.choice(residual, len(new_x)))
    return result


def _gompertz(log_hazard: np.ndarray) -> np.ndarray:
    return np.exp(-np.exp(np.minimum(log_hazard, 50.0)))


def _logit(score: np.ndarray) -> np.ndarray:
    return logit(np.clip(score, 1e-6, 1 - 1e-6))

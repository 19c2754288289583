"""Tables of thresholds: quantiles of the compute at which a task reaches each of many scores, all draws at once."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.draws import INTERVAL
from forecast.posterior.compute import path_slopes
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import family_deviation, family_shift
from forecast.posterior.recipes.later import spread_dates
from forecast.posterior.score import has_closed_inverse, theta_at_score
from forecast.posterior.threshold import threshold_draws
from models.equations.compute import bent_compute
from models.equations.metrics import METRICS
from models.facts.placing import bend_knots, reference_compute

SHAPE = (0.01, 0.025, *(round(0.05 * i, 2) for i in range(2, 19) if i != 10), 0.975, 0.99)
"""Further probabilities, of which the density is drawn."""
CHUNK = 4  # scores
TIMES = (  # minutes, to a year of work
    *(1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0),
    *(60.0 * hours for hours in (1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 40, 80, 120, 167, 334, 500, 1000, 2000)),
)
SEARCHED = 0.1  # step of the scores of a task whose curve has no closed inverse


@dataclass(frozen=True, kw_only=True)
class ThresholdTable:
    """Quantiles of log10 FLOP, order statistics; they may be infinite."""

    scores: np.ndarray  # (score,) tau, rising
    interval: np.ndarray  # (score, 3): 5%, 50% and 95%, as `forecast threshold` prints them
    shape: np.ndarray  # (score, probability of `SHAPE`)
    never: np.ndarray  # (score,) number of draws in which the score is not reached
    draws: int


def threshold_table(fit: Fit, task: str, scores: np.ndarray, *, family: str | None = None) -> ThresholdTable:
    """The thresholds of a task at rising scores, of a family or of the typical one.

    `fit` : without coordinates of chain and draw, which take longer to align than all arithmetic
    """
    ordered = np.sort(_draws(fit, task, scores, family), axis=1)
    count = ordered.shape[1]

    def at(probabilities: tuple[float, ...]) -> np.ndarray:
        places = np.ceil(count * np.array(probabilities) - 1).clip(0)  # as NumPy's inverted_cdf
        return ordered[:, places.astype(int)]

    never = count - np.array([np.searchsorted(row, np.inf) for row in ordered])
    return ThresholdTable(scores=scores, interval=at(INTERVAL), shape=at(SHAPE), never=never, draws=count)


def scores_of(fit: Fit, task: str, asked: list[float]) -> np.ndarray:
    """The scores that a reader may ask about: every percent above guessing, of horizons usual times, and those asked.

    Of losses only these. Where a curve has no closed inverse, every tenth: each is sought draw by draw.
    """
    metric = METRICS[fit.data.metric.sel(task=task).item()]
    if not metric.is_rate:
        return np.unique([*(TIMES if metric.reciprocal else ()), *asked])
    step = 0.01 if has_closed_inverse(fit, task) else SEARCHED
    every = np.round(np.arange(step, 0.995, step), 2)
    least = fit.data.chance.sel(task=task).item() + 0.01 - 1e-9
    return np.unique([*every[every >= least], *asked])


def _draws(fit: Fit, task: str, scores: np.ndarray, family: str | None) -> np.ndarray:
    """Log10 FLOP (score, draw) of `forecast.posterior.threshold.threshold_draws`."""
    if not has_closed_inverse(fit, task):
        return np.stack([threshold_draws(fit, task, at, family=family).values.ravel() for at in scores])
    posterior = fit.posterior
    theta = theta_at_score(fit, task, xr.DataArray(scores, dims="score"))
    path = (theta - family_deviation(fit, task, family)) * posterior.theta_scale + posterior.theta_origin
    path = (path - family_shift(fit, family, None)).transpose("score", "chain", "draw").values.reshape(len(scores), -1)
    slopes = path_slopes(fit, family).transpose("chain", "draw", ...).values.reshape(path.shape[1], -1)
    return spread_dates(fit, _unbent(path, slopes, bend_knots(fit.data), reference_compute(fit.data)))


def _unbent(path: np.ndarray, slopes: np.ndarray, knots: np.ndarray, reference: float) -> np.ndarray:
    """`models.equations.compute.compute_from_bent` of (score, draw), a few scores and one hinge at a time.

    All at once take gigabytes, and all scores at once do not fit the processor's cache. slopes : (draw, piece)
    """
    places = bent_compute(knots, slopes=slopes[:, None, :], knots=knots[None, :], theta_ref=reference).T
    inverse = np.ascontiguousarray(1.0 / slopes.T)
    bends, places = inverse[1:] - inverse[:-1], np.ascontiguousarray(places)
    start = reference - (bends * np.maximum(-places, 0.0)).sum(axis=0)
    found = np.empty_like(path)
    for first in range(0, len(path), CHUNK):
        part = path[first : first + CHUNK]
        near = part.clip(-1e3, 1e3)  # the hinges of an infinite place would add up to inf - inf
        total, hinge = start + near * inverse[0] + (part - near), np.empty_like(near)
        reached = near[near < 1e3].max(initial=-np.inf)
        for place, bend in zip(places, bends, strict=True):
            if place.min() >= reached:
                continue
            np.subtract(near, place, out=hinge)
            np.maximum(hinge, 0.0, out=hinge)
            np.multiply(hinge, bend, out=hinge)
            np.add(total, hinge, out=total)
        found[first : first + CHUNK] = total
    return found

"""Outliers: measurements far from what the model expects of that run on that task."""

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from forecast.draws import order_statistics
from forecast.posterior.fit import Fit, thinned
from forecast.posterior.predict import row_means
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import is_measured
from models.facts.counts import (
    MEAN_MARGIN,
    conditional_counts,
    contamination_of,
    log_beta_binomial,
    log_density_of_count,
    mean_among,
    whole_counts,
)
from models.facts.layout import error_of_log

GROSS_ERROR = 0.5  # probability from which a row is called broken
OUTLYING = 0.002  # two-sided tail of the predictive: one row in five hundred by chance
MOST_DRAWS = 1000


def outliers(fit: Fit, *, seed: int = 1) -> list[dict[str, Any]]:
    """Rows called broken, and rows in the far tail of their own predictive distribution, most surprising first.

    `p_broken` is the posterior probability that the row is one of the strange or broken evaluations
    (`models.priors.Priors.outlier_share` and `gross_error_share`); `tail` the two-sided tail probability of a count,
    or of a loss, under the fitted curve. A row that counts the same answers as another (at least k among at least
    fewer) is judged given that one; its expected scores are shares of all answers, given that one.
    """
    rng, data = np.random.default_rng(seed), fit.data
    few = thinned(fit, MOST_DRAWS)
    means = row_means(few)
    counts, trials = conditional_counts(data)
    items, sure = whole_counts(data)
    among = mean_among(means, data)
    found = []
    for t, task in enumerate(data.task.values):
        rows = np.flatnonzero(data.task_index.values == t)
        law = law_of_task(few, str(task))
        if is_measured(fit, str(task)):
            scales = np.hypot(law.loss_scale.values.ravel(), error_of_log(data)[rows, None])
            judged = _judged_losses(data.score.values[rows], means[rows], scales, fit, rng)
        else:
            concentration = law.concentration.values.ravel()
            judged = _judged_counts(counts[rows], trials[rows], among[rows], concentration, fit, rng)
            judged = (
                (p_broken, tail, (sure[row] + drawn) / items[row])
                for row, (p_broken, tail, drawn) in zip(rows, judged, strict=True)
            )
        for row, (p_broken, tail, drawn) in zip(rows, judged, strict=True):
            if p_broken > GROSS_ERROR or tail < OUTLYING:
                found.append(_outlier(data, int(row), p_broken, tail, order_statistics(drawn)))
    return sorted(found, key=lambda each: (-each["p_broken"], each["tail"]))


def _judged_counts(counts, trials, means, concentration, fit: Fit, rng):
    """Probability of being strange or broken, two-sided tail and draws of the count, row by row."""
    shares = contamination_of(fit.priors, fit.parts)
    for count, number, mean in zip(counts, trials, means, strict=True):
        mean = mean.clip(MEAN_MARGIN, 1.0 - MEAN_MARGIN)
        sound = np.log1p(-shares.outlier - shares.gross_error) + log_beta_binomial(count, number, mean, concentration)
        p_broken = float(np.mean(-np.expm1(sound - log_density_of_count(count, number, mean, concentration, shares))))
        rate = rng.beta(np.maximum(mean * concentration, 1e-12), np.maximum((1.0 - mean) * concentration, 1e-12))
        drawn = np.minimum(rng.binomial(int(np.ceil(number)), rate), number)
        yield p_broken, _tail(drawn, count), drawn


def _judged_losses(losses, means, scales, fit: Fit, rng):
    for loss, mean, scale in zip(losses, means, scales, strict=True):
        drawn = mean * np.exp(scale * rng.standard_t(fit.priors.loss_degrees_of_freedom, mean.shape))
        z = (np.log(loss) - np.log(mean)) / scale
        tail = 2.0 * float(np.mean(stats.t.sf(np.abs(z), fit.priors.loss_degrees_of_freedom)))
        yield 0.0, tail, drawn


def _tail(drawn, count) -> float:
    return min(2.0 * min(float((drawn <= count).mean()), float((drawn >= count).mean())), 1.0)


def _outlier(data: xr.Dataset, row: int, p_broken: float, tail: float, interval: dict[str, Any]) -> dict[str, Any]:
    task, run = data.task_index.values[row], data.run_index.values[row]
    return {
        "row": int(data.observation.values[row]),
        "model": str(data.run.values[run]),
        "task": str(data.task.values[task]),
        "score": float(data.score.values[row]),
        "expected": {name: float(value) for name, value in interval.items()},
        "tail": tail,
        "p_broken": p_broken,
    }

"""Outliers: measurements far from what the model expects of that run on that task."""

from typing import Any

import numpy as np
import xarray as xr
from scipy import special, stats

from forecast.posterior.fit import Fit, thinned
from forecast.posterior.predict import row_means
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import is_loss
from models.facts.counts import MEAN_MARGIN, conditional_counts, mean_among

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
    among = mean_among(means, data)
    found = []
    for t, task in enumerate(data.task.values):
        rows = np.flatnonzero(data.task_index.values == t)
        law = law_of_task(few, str(task))
        if is_loss(fit, str(task)):
            judged = _judged_losses(data.score.values[rows], means[rows], law.loss_scale.values.ravel(), fit, rng)
        else:
            concentration = law.concentration.values.ravel()
            judged = _judged_counts(counts[rows], trials[rows], among[rows], concentration, fit, rng)
        for row, (p_broken, tail, interval) in zip(rows, judged, strict=True):
            if p_broken > GROSS_ERROR or tail < OUTLYING:
                found.append(_outlier(data, int(row), p_broken, tail, interval))
    return sorted(found, key=lambda each: (-each["p_broken"], each["tail"]))


def _judged_counts(counts, trials, means, concentration, fit: Fit, rng):
    """Probability of being strange or broken, two-sided tail and 5, 50, 95% of the share, row by row."""
    priors, mixed = fit.priors, fit.parts.outliers
    for count, number, mean in zip(counts, trials, means, strict=True):
        mean = mean.clip(MEAN_MARGIN, 1.0 - MEAN_MARGIN)
        sound = _density(count, number, mean, concentration)
        outlier = _density(count, number, mean, concentration / priors.outlier_dispersion)
        wrong = priors.outlier_share * outlier + priors.gross_error_share / (number + 1.0)
        right = (1.0 - priors.outlier_share - priors.gross_error_share) * sound
        p_broken = float(np.mean(wrong / (wrong + right + 1e-300))) if mixed else 0.0
        rate = rng.beta(np.maximum(mean * concentration, 1e-12), np.maximum((1.0 - mean) * concentration, 1e-12))
        drawn = np.minimum(rng.binomial(int(np.ceil(number)), rate), number)
        yield p_broken, _tail(drawn, count), _interval(drawn / max(number, 1e-9))


def _judged_losses(losses, means, scale, fit: Fit, rng):
    for loss, mean in zip(losses, means, strict=True):
        drawn = mean * np.exp(scale * rng.standard_t(fit.priors.loss_degrees_of_freedom, mean.shape))
        z = (np.log(loss) - np.log(mean)) / scale
        tail = 2.0 * float(np.mean(stats.t.sf(np.abs(z), fit.priors.loss_degrees_of_freedom)))
        yield 0.0, tail, _interval(drawn)


def _interval(draws):
    return np.quantile(draws, (0.05, 0.5, 0.95), method="inverted_cdf")


def _density(count, trials, mean, concentration):
    alpha, beta = mean * concentration, (1.0 - mean) * concentration
    log_choose = -np.log1p(trials) - special.betaln(count + 1.0, trials - count + 1.0)
    return np.exp(log_choose + special.betaln(count + alpha, trials - count + beta) - special.betaln(alpha, beta))


def _tail(drawn, count) -> float:
    return min(2.0 * min(float((drawn <= count).mean()), float((drawn >= count).mean())), 1.0)


def _outlier(data: xr.Dataset, row: int, p_broken: float, tail: float, interval: np.ndarray) -> dict[str, Any]:
    task, run = data.task_index.values[row], data.run_index.values[row]
    low, middle, high = interval
    return {
        "row": int(data.observation.values[row]),
        "model": str(data.run.values[run]),
        "task": str(data.task.values[task]),
        "score": float(data.score.values[row]),
        "expected": {"q05": float(low), "q50": float(middle), "q95": float(high)},
        "tail": tail,
        "p_broken": p_broken,
    }

"""Fits averaged over structures, and the structures side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.average import equal_weights, mixed, samplings
from forecast.backtest import weights_of
from forecast.fit import Sampling
from forecast.law import rate_tasks
from forecast.reached import with_context
from forecast.splits import check_compute_known
from forecast.stages import SILENT, Stages
from forecast.store import Fit, json_number
from forecast.table import observations
from forecast.table_fit import distinct, fit_table, observed
from forecast.table_warnings import warnings_of
from forecast.threshold import threshold, threshold_by_structure
from models.priors import DEFAULT, Priors


def fit_average(
    frame: pd.DataFrame,
    *,
    table: str,
    structures: Sequence[str] = DEFAULT,
    weights: Mapping[str, float] | None = None,
    sampling: Sampling = Sampling(),
    below: float | None = None,
    priors: Priors = Priors(),
    stages: Stages = SILENT,
    warn: Callable[[str], None] = lambda text: None,
) -> Fit:
    """One posterior of all tasks: of one structure or, of several, averaged.

    `weights` are those of a back-test, of the structures to fit. Without any, the `structures` that differ on the table
    are weighed by how well they forecast its largest three in ten runs from the others. The other arguments are those
    of `forecast.table_fit.fit_table`. `warn` is called with each weakness of the table before the first fit.
    """
    if below is not None:
        check_compute_known(frame)
    for sentence in warnings_of(observed(frame, below)):
        warn(sentence)
    used = frame if below is None else frame[frame["compute"] < below]
    structures = distinct(structures, observations(frame)) if weights is None else list(weights)
    if weights is None and len(structures) == 1:
        weights = equal_weights(structures)
    if weights is None:
        with stages.stage("structures weighed by their forecast of the largest runs"):
            weights = weights_of(used, structures, table=table)
    chosen = {name: weights[name] for name in structures}
    options: dict[str, Any] = {"table": table, "below": below, "priors": priors, "stages": stages}

    each = samplings(sampling, chosen)
    fits = [fit_table(used, name=name, sampling=own, **options) for name, own in zip(structures, each, strict=True)]
    return mixed(fits, chosen)


def compared(fit: Fit, *, at: Sequence[float]) -> dict[str, Any]:
    """Thresholds of every task by each structure and by their average, and how far structures are apart.

    `between` is the weighted standard deviation of the medians of the structures, `within` the weighted mean of the
    widths of their 90% intervals, both in decades and 'inf' where a structure says never.
    """
    lines = []
    for task in rate_tasks(fit):
        for score in at:
            each = threshold_by_structure(fit, task, score)
            share = np.array([of["weight"] for of in each]) / sum(of["weight"] for of in each)
            low, middle, high = (
                np.array([float(of["log10_compute"][name]) for of in each]) for name in ("q05", "q50", "q95")
            )
            between, within = _spread(share, low, middle, high)
            lines.append(
                with_context(fit, threshold(fit, task, score))
                | {
                    "structures": each,
                    "between": json_number(between),
                    "within": json_number(within),
                }
            )
    return {"weights": dict(fit.weights), "thresholds": lines}


def _spread(share: np.ndarray, low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Spread of medians and mean width; where guessing already reaches the score in all structures, both are zero."""
    low, middle, high = (np.where(high == -np.inf, 0.0, each) for each in (low, middle, high))
    with np.errstate(invalid="ignore"):
        between, within = float(np.sqrt(share @ (middle - share @ middle) ** 2)), float(share @ (high - low))
    return between if np.isfinite(between) else np.inf, within if np.isfinite(within) else np.inf

"""Growth of a horizon: the time, or the compute, in which it doubles."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import QUANTILES, quantiles
from forecast.posterior.compute import path_slopes
from forecast.posterior.fit import Fit
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import is_horizon
from forecast.table.dataset import rows_of_task
from models.dates import DAYS_A_YEAR, DECADES_A_YEAR, by_date
from models.equations.compute import bent_compute
from models.facts.placing import bend_knots, reference_compute

SHORTEST = 0.1  # decades over which growth is averaged where all runs are of one place


def doubling_decades(fit: Fit, task: str, *, family: str | None = None) -> xr.DataArray:
    """Decades of the scale in which a horizon doubles, on average from the first run of the task to the last.

    ``log10(2) / (alpha s)``: alpha the exponent of the law and s the mean slope of effective compute, both as the fit
    has them. Dims chain, draw.
    """
    own = fit.data.log10_compute.values[fit.data.run_index.values[rows_of_task(fit.data, task)]]
    ends = np.array([own.min(), max(own.max(), own.min() + SHORTEST)])
    path = {"knots": bend_knots(fit.data), "theta_ref": reference_compute(fit.data)}
    first, last = (bent_compute(end, slopes=path_slopes(fit, family), **path) for end in ends)
    slope = (last - first) / (ends[1] - ends[0]) / fit.posterior.theta_scale
    return np.log10(2.0) / (law_of_task(fit, task).exponent * slope)


def growth_of(fit: Fit, task: str, family: str | None) -> dict[str, Any]:
    """Quantiles of the growth of a horizon, as answers hold them; nothing of other tasks.

    On a scale of dates `doubling_days`, otherwise `doubling_decades` of compute.
    """
    if not is_horizon(fit, task):
        return {}
    decades = doubling_decades(fit, task, family=family).values.ravel()
    if by_date(fit.data):
        return {"doubling_days": quantiles(decades / DECADES_A_YEAR * DAYS_A_YEAR, QUANTILES)}
    return {"doubling_decades": quantiles(decades, QUANTILES)}


def growth_in_words(answer: Mapping[str, Any]) -> str:
    """'doubling time 129 days (90% 104 to 158)', or the factor of compute that doubles it; blank of other tasks."""
    if found := answer.get("doubling_days"):
        return "doubling time {q50:.0f} days (90% {q05:.0f} to {q95:.0f})".format(**found)
    if found := answer.get("doubling_decades"):
        factors = {name: f"{10.0 ** min(float(value), 99.0):.2g}" for name, value in found.items()}
        return "doubles with {q50} times the compute (90% {q05} to {q95})".format(**factors)
    return ""

"""Later runs and dates: forecasts past the last date of a table, spread as wide as the record says they must be."""

import numpy as np
import pandas as pd

from forecast.posterior.fit import Fit
from forecast.posterior.tasks import is_measured
from models.dates import by_date, latest, years

SPREAD_OF_LATER = 1.5
"""By how much the spread of an expected score grows, on the scale of its logit. By date 90% intervals of five splits of
open tables held 69 to 85% of outcomes without it; of factors from 0.8 to 3, the lowest CRPS had 1.2 to 1.8 on each, and
1.5 lost on none. Splits by compute gain next to nothing (README, How well it does)."""
EDGE = 1e-12


def is_later(fit: Fit, date: object) -> bool:
    """Whether a run is released after all runs of a fit that tells time: in years, or with progress."""
    if pd.isna(date) or not (by_date(fit.data) or "progress" in fit.posterior):
        return False
    return bool(years(np.datetime64(date)) > latest(fit.data))


def spread_out(fit: Fit, task: str, expected: np.ndarray, by: float = SPREAD_OF_LATER) -> np.ndarray:
    """Draws (draw) of an expected score, `by` times as far from their median: of rates on the logit, else on the log.

    Of a task with a known chance, the logit is of the way from it to 1. The order of draws stays, and so does how rows
    move together.
    """
    if is_measured(fit, task):
        with np.errstate(over="ignore"):  # a draw that is far off is infinite
            return np.exp(_stretched(np.log(expected), by))
    chance = float(fit.data.chance.sel(task=task))
    share = ((expected - chance) / (1.0 - chance)).clip(EDGE, 1.0 - EDGE)
    stretched = _stretched(np.log(share) - np.log1p(-share), by)
    return chance + (1.0 - chance) / (1.0 + np.exp(-stretched))


def _stretched(values: np.ndarray, by: float) -> np.ndarray:
    middle = np.median(values)
    return middle + by * (values - middle)


def spread_dates(fit: Fit, places: np.ndarray, by: float = SPREAD_OF_LATER) -> np.ndarray:
    """Draws (..., draw) of the date of an event in a fit in years, as places on its scale, spread likewise.

    `by` times as far from their median where all are later than the last run, as they are where none is, and between
    in between; none comes to lie before the last run by it. Where half never come, and in fits of compute, nothing
    changes.
    """
    if not by_date(fit.data):
        return places
    last, middle = fit.data.log10_compute.values.max(), np.median(places, axis=-1, keepdims=True)
    by = 1.0 + (by - 1.0) * (places > last).mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        spread = np.maximum(middle + by * (places - middle), np.minimum(places, last))
    return np.where(np.isfinite(middle) & np.isfinite(places), spread, places)

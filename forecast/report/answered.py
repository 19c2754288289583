"""Tasks that a report answers for: the rates of a table, or its horizons; only tasks of one kind share a threshold."""

import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.words import MINUTES_OF
from models.equations.metrics import METRICS, Metric

USUAL_SHARE, USUAL_MINUTES = 0.5, MINUTES_OF["working day"]


def metric_of(data: xr.Dataset, task: str) -> Metric:
    """The metric of a task of a table."""
    return METRICS[str(data.metric.sel(task=task).item())]


def answered_tasks(data: xr.Dataset, headline: str | None = None) -> list[str]:
    """The tasks of the kind of the headline: rates or horizons; left out, rates where there are any.

    A `ForecastError` where the headline is a loss, or all tasks are.
    """
    every = [str(task) for task in data.task.values]
    open_to = [task for task in every if not metric_of(data, task).falls]
    if not open_to:
        raise ForecastError("the table holds only losses, and the report answers for a rate or a horizon; add one")
    if headline is not None and headline not in open_to:
        listed = "; ".join(shown(task) for task in open_to[:10])
        raise ForecastError(
            f"{shown(headline)} is a loss, and the report answers for a rate or a horizon; choose one of: {listed}"
        )
    rates = [task for task in open_to if metric_of(data, task).is_rate]
    asked = headline or next(iter(rates or open_to))
    return [task for task in open_to if metric_of(data, task).is_rate == metric_of(data, asked).is_rate]


def usual_threshold(metric: Metric) -> float:
    """What is asked for where no threshold is given: half of a rate, a working day in minutes of a horizon."""
    return USUAL_SHARE if metric.is_rate else USUAL_MINUTES

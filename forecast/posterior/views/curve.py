"""Curve of a task: the typical score over compute, its threshold and the runs beside it, as arrays and frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.posterior.compute import compute_as_family, differs_by_family
from forecast.posterior.fit import Fit, thinned
from forecast.posterior.predict import typical_score
from forecast.posterior.threshold import threshold, threshold_draws
from models.dates import years_of_runs

CURVE_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
CURVE_DRAWS = 2000  # plenty for the quantiles and for the median lines of a figure


@dataclass(frozen=True, kw_only=True)
class TaskForecast:
    """The forecast of one task."""

    task: str
    metric: str
    at: float  # the threshold tau
    threshold: Mapping[str, Any]  # JSON of `forecast threshold`; quantiles may be 'inf' or '-inf'
    log10_compute_draws: np.ndarray  # (draw,) log10 FLOP, may hold inf and -inf
    grid: np.ndarray  # (point,) log10 FLOP
    curve: Mapping[str, np.ndarray]  # q05, q25, q50, q75, q95 of the typical expected score, each (point,)
    human: float | None = None  # score of experts
    observed: pd.DataFrame  # see `forecast.figures.curve.plot_curve`; and model, family, moved_to


def task_forecast(
    fit: Fit, task: str, at: float, data: xr.Dataset | None = None, *, family: str | None = None
) -> TaskForecast:
    """All that is shown of one task; rows of `data` that the fit has not seen appear as held out.

    Curve and threshold are of a family or, for None, of the typical family.
    """
    observed = _observed(fit, task, fit.data if data is None else data, family)
    answer = threshold(fit, task, at, family=family)
    grid = _grid(observed, answer)
    curve = typical_score(thinned(fit, CURVE_DRAWS), task, grid, family=family)
    bands = curve.quantile(CURVE_QUANTILES, dim=("chain", "draw")).values
    return TaskForecast(
        task=task,
        metric=answer["metric"],
        at=at,
        threshold=answer,
        log10_compute_draws=threshold_draws(fit, task, at, family=family).values.ravel(),
        grid=grid,
        curve={f"q{round(100 * q):02d}": bands[i] for i, q in enumerate(CURVE_QUANTILES)},
        human=_human(fit, task),
        observed=observed,
    )


def _human(fit: Fit, task: str) -> float | None:
    """The score of experts on a task, where the table has one."""
    known = float(fit.data.human.sel(task=task)) if "human" in fit.data else np.nan
    return known if np.isfinite(known) else None


def _observed(fit: Fit, task: str, data: xr.Dataset, family: str | None) -> pd.DataFrame:
    """The scores of a task in a table, and where the runs would lie with the family of the curve."""
    own = _same_task(fit.data.sel(task=task), data)[data.task_index.values]
    runs = data.run_index.values[own]
    model, x = data.run.values[runs], data.log10_compute.values[runs]
    families = data.family.values[data.family_index.values[runs]]
    moved_to = np.full(len(x), np.nan)
    if differs_by_family(fit):
        years = years_of_runs(data)[runs]
        sizes = {name: data[name].values[runs] for name in ("log10_params", "log10_tokens")}
        moved_to = compute_as_family(fit, task, x, families=families, years=years, family=family, **sizes)
    return pd.DataFrame(
        {
            "model": model,
            "family": families,
            "moved_to": moved_to,
            "log10_compute": x,
            "score": data.score.values[own],
            "trials": data.trials.values[own].astype(float),
            "held_out": ~np.isin(model, fit.data.run.values),
        }
    )


def _same_task(task: xr.Dataset, data: xr.Dataset) -> np.ndarray:
    """Which task of a table is the one of a fit; not by label: a table of more rows may label it otherwise."""
    same = (data.task_name == task.task_name.item()) & (data.metric == task.metric.item())
    same &= (data.metric != "at_least_k") | (data.task_k.fillna(0) == task.task_k.fillna(0))
    if same.sum() > 1:
        same &= data.task_length == task.task_length.item()
    return same.values


def _grid(observed: pd.DataFrame, answer: Mapping[str, Any]) -> np.ndarray:
    """Places of the curve, log10 FLOP: from below the smallest run to beyond the largest or the threshold."""
    seen, x, moved_to = answer["data_log10_compute"], observed["log10_compute"], observed["moved_to"]
    places = np.concatenate([x, moved_to[np.isfinite(moved_to)], seen])
    crossed_at = answer["log10_compute"]["q75"]
    far = seen[1] if crossed_at is None else min(float(crossed_at), seen[1] + 4.0)
    return np.linspace(places.min() - 0.3, max(far, places.max()) + 0.7, 80)

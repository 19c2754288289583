"""Answer of `gain`: the factor of compute that one recipe is worth to another, task by task and overall, as JSON."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import QUANTILES, order_statistics
from forecast.errors import ForecastError, shown
from forecast.files import json_number
from forecast.posterior.compute import (
    compute_at_theta,
    differs_by_family,
    effective_compute,
    family_deviation,
    family_shift,
)
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import law_name, task_label
from forecast.posterior.threshold import silenced
from forecast.published import Answer
from forecast.table.dataset import index_of, rows_of_task
from forecast.table.direction import can_be_modelled
from forecast.table.splits import ADD_COMPUTE, IN_YEARS
from forecast.words import counted
from models.dates import DECADES_A_YEAR, by_date, iso_date, years_of_runs

MONTHS = 12.0


def gain(
    fit: Fit, family: str, *, against: str | None = None, task: str | None = None, log10_compute: float | None = None
) -> Answer:
    """The compute-equivalent gain of a family: by what the other's compute must be multiplied to reach its score.

    ``C_A / C_B`` with ``path_A(x_A) + shift_A + deviation_At = path_B(x_B) + shift_B + deviation_Bt``, draw by draw;
    each recipe at its own last date. `mean` is that of the log over the laws of the tasks; `shared` is that of a task
    on which both deviate by nothing: effects of the families, and progress between their dates. In a fit in years it
    is months ahead in place of a factor. Runs count as split optimally into parameters and tokens.

    Parameters
    ----------
    against : None: the typical recipe of the date of `family`
    task : None: all
    log10_compute : of the run of `family`; None: the middle of the compute that runs of both have
    """
    _check(fit, family, against, log10_compute)
    spans = [_span(fit, name) for name in (family, against)]
    overlap = max(low for low, _ in spans), min(high for _, high in spans)
    x = float(np.mean(overlap)) if log10_compute is None else log10_compute
    years = [_year(fit, name) for name in (family, family if against is None else against)]
    pair = _Pair(fit, family, against, years[0] if against is None else None)
    labels = list(map(str, fit.data.task.values)) if task is None else [task_label(fit, task)]
    decades = {label: pair.decades(label, x) for label in labels}
    lines = [silenced(fit, pair.facts(label) | _quantiles(fit, found, x)) for label, found in decades.items()]
    modelled = [line["task"] for line in lines if can_be_modelled(line["direction"])]
    of_law = {law_name(fit, label): decades[label] for label in modelled}
    overall = np.mean(list(of_law.values()), axis=0) if task is None and of_law else None
    shared = pair.without_deviations()
    places = dict.fromkeys((overlap[0], x, overlap[1]) if overlap[0] < overlap[1] else (x,))
    return Answer(
        {
            **{"family": family, "against": against, "families": fit.data.sizes["family"]},
            **{"family_recipe_of": _date(fit, years[0]), "against_recipe_of": _date(fit, years[1])},
            "scale": "date" if by_date(fit.data) else "compute",
            "log10_compute": x,
            "family_log10_compute": spans[0],
            "against_log10_compute": spans[1],
            "overlap": overlap[0] <= overlap[1],
            "tasks": lines,
            "mean": None if overall is None else {"laws": len(of_law)} | _quantiles(fit, overall, x),
            "shared": _quantiles(fit, shared.decades(labels[0], x), x),
            "shared_along": [
                {"log10_compute": at} | _quantiles(fit, shared.decades(labels[0], at), at) for at in places
            ],
            "diagnostics": fit.diagnostics.brief,
        },
        dated=by_date(fit.data),
    )


class _Pair:
    """Two recipes of a fit."""

    def __init__(self, fit: Fit, family: str, against: str | None, year: float | None):
        self._fit, self._family, self._against = fit, family, against
        self._year = year if year is not None and np.isfinite(year) else None  # of the typical recipe

    def without_deviations(self) -> "_Pair":
        """The same, alike on all tasks."""
        posterior = self._fit.posterior.drop_vars("deviation", errors="ignore")
        return _Pair(replace(self._fit, posterior=posterior), self._family, self._against, self._year)

    def decades(self, label: str, x: float) -> np.ndarray:
        """Decades of compute (draw) that the other needs beyond x for the score of the family at x."""
        fit, shift = self._fit, family_shift(self._fit, self._family, None)
        theta = effective_compute(fit, xr.DataArray(x), family=self._family, shift=shift)
        theta = theta + family_deviation(fit, label, self._family)
        needed = compute_at_theta(fit, label, theta, family=self._against, year=self._year)
        return needed.transpose("chain", "draw").values.ravel() - x

    def facts(self, label: str) -> dict[str, Any]:
        """Name and metric of a task, and how many runs of each recipe have a score on it."""
        runs = np.unique(self._fit.data.run_index.values[rows_of_task(self._fit.data, label)])
        measured = [int(_is_of(self._fit, name)[runs].sum()) for name in (self._family, self._against)]
        metric = self._fit.data.metric.sel(task=label).item()
        return {"task": label, "metric": metric, "family_runs": measured[0], "against_runs": measured[1]}


def _quantiles(fit: Fit, decades: np.ndarray, x: float) -> dict[str, Any]:
    """Quantiles of the factor or of months ahead, and of the place where the other has the score; P(gain > 1)."""
    found, dated = order_statistics(decades, QUANTILES), by_date(fit.data)
    with np.errstate(over="ignore"):
        factors = {name: json_number(10.0 ** float(value)) for name, value in found.items()}
    months = {name: json_number(MONTHS * float(value) / DECADES_A_YEAR) for name, value in found.items()}
    return {
        "gain": None if dated else factors,
        "months_ahead": months if dated else None,
        "p_ahead": float(np.mean(decades > 0.0)),
        "needed": {"log10_compute": {name: json_number(x + float(value)) for name, value in found.items()}},
    }


def _check(fit: Fit, family: str, against: str | None, log10_compute: float | None) -> None:
    """A `ForecastError` where there are no two recipes to compare, or where compute means nothing."""
    if fit.data.sizes["family"] == 1:
        raise ForecastError(
            f"{fit.table} holds one family, {shown(str(fit.data.family.values[0]))}: a gain compares two recipes; "
            "name the recipe of each model in the column 'family' and fit again"
        )
    for name in filter(None, (family, against)):
        family_shift(fit, name, None)  # refuses what is not a family
    if family == against:
        raise ForecastError(f"--family and --against are both {shown(family)}; name two recipes")
    if not differs_by_family(fit):
        raise ForecastError("this fit was made with recipes that are all alike; fit again with the part of families")
    if log10_compute is not None and by_date(fit.data):
        raise ForecastError(f"--compute: {IN_YEARS}; leave --compute out, or {ADD_COMPUTE}")


def _is_of(fit: Fit, family: str | None) -> np.ndarray:
    """Whether each run (run) is of a family; of the typical recipe all are."""
    if family is None:
        return np.ones(fit.data.sizes["run"], dtype=bool)
    return fit.data.family_index.values == index_of(fit.data, "family", family)


def _span(fit: Fit, family: str | None) -> list[float]:
    """Log10 FLOP of the smallest and the largest run of a family."""
    own = fit.data.log10_compute.values[_is_of(fit, family)]
    return [float(own.min()), float(own.max())]


def _year(fit: Fit, family: str) -> float:
    """The last date of the runs of a family; NaN where none is known."""
    known = years_of_runs(fit.data)[_is_of(fit, family)]
    return float(np.nanmax(known)) if np.isfinite(known).any() else np.nan


def _date(fit: Fit, year: float) -> str | None:
    """The date of a recipe; None where none is known, or in a fit in years, which looks at both on one date."""
    return None if by_date(fit.data) or not np.isfinite(year) else iso_date(year)


def lines_of(answer: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What an answer says by name: overall first, then the tasks for which a gain can be given."""
    overall = [(f"mean of {counted(answer['mean']['laws'], 'task')}", answer["mean"])] if answer["mean"] else []
    tasks = [(line["task"], line) for line in answer["tasks"] if can_be_modelled(line["direction"])]
    return [*overall, ("shared by all tasks", answer["shared"]), *tasks]

"""Thresholds: the compute, or of a table of dates the date, at which a task reaches a score; growth of horizons."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import QUANTILES, date_quantiles, quantiles
from forecast.posterior.compute import compute_at_theta, path_slopes
from forecast.posterior.fit import Fit, of_structure
from forecast.posterior.reached import context
from forecast.posterior.recipes.ahead import check_recipe
from forecast.posterior.recipes.later import spread_dates
from forecast.posterior.score import law_of_task, theta_at_score
from forecast.posterior.tasks import checked_task, is_horizon, is_measured, task_label
from forecast.published import Answer, without_numbers
from forecast.table.dataset import rows_of_task
from forecast.table.direction import direction_of_task
from models.dates import DAYS_A_YEAR, DECADES_A_YEAR, by_date, log10_compute_of, year_of
from models.equations.compute import bent_compute
from models.facts.placing import bend_knots, reference_compute

DECADES_SHOWN, YEARS_SHOWN = 6, 10  # beyond the runs, by which it is said whether a score is crossed


def threshold_draws(
    fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None
) -> xr.DataArray:
    """Log10 FLOP at which the typical curve of a task crosses the score `at`: dims chain, draw.

    tau -> success -> loss -> theta -> compute, closed form where there is one. `inf` where the ceiling is at or below
    tau or the irreducible loss too high for it, `-inf` where guessing already reaches it. Of a loss, `at` is in nats
    and reached from above; of a horizon in minutes. In a fit in years the dates are spread as the record says, see
    `forecast.posterior.recipes.later.spread_dates`. `family` and `year` as in
    `forecast.posterior.recipes.ahead.family_shift`.
    """
    label = checked_task(fit, task, at)
    found = compute_at_theta(fit, label, theta_at_score(fit, label, at), family=family, year=year)
    return found.copy(data=spread_dates(fit, found.values.ravel()).reshape(found.shape))


def threshold(fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None) -> Answer:
    """The posterior of threshold compute, and the runs that reached the score with less; order statistics.

    Of a task that falls or turns (`forecast.table.direction`) all numbers are None: the model can only rise.
    Of a table of dates all places are on the scale of `models.dates`; `Answer.to_dict` makes dates of them.
    """
    check_recipe(fit, family, year)
    label = task_label(fit, task)
    draws = threshold_draws(fit, label, at, family=family, year=year).values.ravel()
    rows = rows_of_task(fit.data, label)
    own = fit.data.log10_compute.values[fit.data.run_index.values[rows]]
    dated, found = by_date(fit.data), quantiles(draws, QUANTILES)
    ladder = _new_years(own) if dated else _half_decades(own)
    never = float(np.mean(draws == np.inf))
    by_ceiling = float((law_of_task(fit, label).ceiling <= at).mean()) if not is_measured(fit, label) else 0.0
    whose = family or _only_family(fit)
    return silenced(
        fit,
        {
            "task": label,
            "metric": fit.data.metric.sel(task=label).item(),
            "at": float(at),
            "event": "typical",
            "family": whose,
            "log10_compute": found,
            **({"date": date_quantiles(year_of(draws))} if dated else {}),
            "p_never": never,
            "p_never_ceiling": by_ceiling,
            "p_never_loss": never - by_ceiling,
            "p_crossed_by": [{"log10_compute": float(x), "p": float(np.mean(draws <= x))} for x in ladder],
            "data_log10_compute": [float(own.min()), float(own.max())],
            "diagnostics": fit.diagnostics.brief,
            **growth_of(fit, label, whose),
            **context(fit, label, float(at), whose, median=float(found["q50"])),
        },
    )


def silenced(fit: Fit, answer: dict[str, Any], **empty: Any) -> Answer:
    """An answer about a task with its direction; without numbers, and with what else is `empty`, where it cannot be."""
    found, dated = direction_of_task(fit.data, answer["task"]), by_date(fit.data)
    if found.can_be_modelled:
        return Answer(answer | {"direction": found.to_dict()}, dated=dated)
    empty |= {"reached_with_less": []} if "reached_with_less" in answer else {}
    without = without_numbers(answer) | empty
    return Answer(without | {"direction": found.to_dict()}, dated=dated)


def _half_decades(own: np.ndarray) -> np.ndarray:
    return np.arange(np.floor(own.min()), np.ceil(own.max()) + DECADES_SHOWN + 0.5, 0.5)


def _new_years(own: np.ndarray) -> np.ndarray:
    """The first of January of each year that the runs span and of those after, as places on the scale of dates."""
    first, last = int(np.floor(year_of(own.min()))), int(np.ceil(year_of(own.max()))) + YEARS_SHOWN
    return log10_compute_of(np.array([f"{year}-01-01" for year in range(first, last + 1)], dtype="datetime64[D]"))


def _only_family(fit: Fit) -> str | None:
    families = fit.data.family.values.tolist()
    return families[0] if len(families) == 1 else None


def threshold_by_structure(fit: Fit, task: str, at: float) -> list[dict[str, Any]]:
    """Weight, quantiles and P(never) of each structure that the posterior is averaged over."""
    crossed_at = threshold_draws(fit, task, at)
    each = {name: of_structure(fit, name).posterior.draw for name, weight in fit.weights.items() if weight > 0}
    apart = {name: crossed_at.sel(draw=own).values for name, own in each.items()}
    lines = [
        {
            **{"structure": name, "weight": fit.weights[name], "log10_compute": quantiles(values, QUANTILES)},
            "p_never": float(np.mean(values == np.inf)),
        }
        for name, values in apart.items()
    ]
    known = direction_of_task(fit.data, task_label(fit, task)).can_be_modelled
    return lines if known else without_numbers(lines)


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

"""Answer of `when`: dates by scenario and event, as JSON."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import QUANTILES, date_quantiles, order_statistics, quantiles
from forecast.posterior.compute import compute_of
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import check_recipe
from forecast.posterior.recipes.later import spread_dates
from forecast.posterior.tasks import checked_task
from forecast.posterior.threshold import growth_of, silenced
from forecast.published import Answer, without_numbers
from forecast.questions.when.arrival import BY, Outlook, arrival, lags, largest_by, new_year, paths_of
from forecast.questions.when.best import best_so_far
from forecast.questions.when.frontier import Frontier, ends_early, fit_frontier, largest_at, stale_since
from forecast.questions.when.needed import needed_path, needed_path_of_new_runs
from forecast.questions.when.scenarios import SCENARIOS, Scenario, progress_of
from forecast.table.training_runs import read_runs
from models.dates import by_date, iso_date, latest, year_of


def when(
    fit: Fit,
    task: str,
    at: float,
    *,
    frontier: Frontier | None = None,
    scenarios: Sequence[Scenario] = SCENARIOS,
    family: str | None = None,
    as_of: float | None = None,
    first_of: int = 5,
    items: int | None = None,
    trained: bool = False,
    by: Sequence[int] = BY,
    seed: int = 1,
) -> Answer:
    """When a task reaches the score `at`, by scenario and event, as JSON: quantiles are order statistics.

    Parameters
    ----------
    frontier : the growth of the largest run, of `forecast.questions.when.frontier.fit_frontier`; None: that of the
        built-in runs or, where dates are the scale of the table, that they go on as they did
    as_of : decimal year from which scenarios differ: a slowdown counts, recipes stay or improve; None: the last date
        of the frontier's runs
    first_of : number J of runs of the event `first`
    items : items that a new run is scored on; None: as usual in the table
    trained : whether the frontier's runs are dated by the end of training; then releases come a lag later
    by : years by whose first of January chances are given
    """
    check_recipe(fit, family, year=None)
    label = checked_task(fit, task, at)
    new = needed_path_of_new_runs(fit, label, at, runs=first_of, seed=seed, items=items, family=family)
    typical = needed_path(fit, label, at, family=family)
    needed = {"typical": typical, "new run": new.isel(run=0, drop=True), "first": new.min("run")}
    if frontier is None and not by_date(fit.data):
        frontier = fit_frontier(read_runs(), seed=seed)
    if frontier is None:
        as_of = latest(fit.data) if as_of is None else as_of
        best = best_so_far(fit, label, at, seed=seed, items=items, family=family)
        found = [_trend_of_dates(fit, needed, best, family=family, as_of=as_of, by=by, seed=seed)]
    else:
        as_of = frontier.known_to if as_of is None else as_of
        options: dict[str, Any] = {"fit": fit, "family": family, "needed": needed, "frontier": frontier, "task": label}
        outlook = Outlook(**options, as_of=as_of, seed=seed, trained=trained, by=tuple(by))
        found = [_scenario_answer(outlook, scenario) for scenario in scenarios]
    threshold = spread_dates(fit, compute_of(fit, typical, family).values.ravel())
    largest = None if frontier is None else _frontier_answer(frontier, trained, as_of=as_of, seed=seed)
    return silenced(
        fit,
        {
            "task": label,
            "metric": fit.data.metric.sel(task=label).item(),
            "at": float(at),
            "family": family,
            "families": fit.data.sizes["family"],
            "as_of": iso_date(as_of),
            "first_of": first_of,
            "items": items,
            "scale": "date" if by_date(fit.data) else "compute",
            "log10_compute": quantiles(threshold, QUANTILES),
            **growth_of(fit, label, family),
            "scenarios": found,
            "frontier": largest,
            "seed": seed,
        },
        scenarios=[each | {"events": without_numbers(each["events"])} for each in found],
        frontier=largest,
    )


def _frontier_answer(frontier: Frontier, trained: bool, *, as_of: float, seed: int) -> dict[str, Any]:
    """The table of the largest runs and, where the date of the forecast is later, what its trend brings by then."""
    later = as_of > frontier.known_to
    return {
        "table": frontier.table,
        "records": len(frontier.records),
        "known_to": iso_date(frontier.known_to),
        "ends": iso_date(frontier.ends),
        "stale_since": stale_since(frontier.ends, as_of=as_of),
        "sentence": ends_early(frontier.ends, as_of=as_of, table=frontier.table),
        "largest": str(frontier.records["model"].iloc[-1]),
        "largest_log10_compute": float(np.log10(frontier.records["compute"].iloc[-1])),
        "as_of_log10_compute": quantiles(largest_at(frontier, as_of, seed=seed), QUANTILES) if later else None,
        "growth": order_statistics(frontier.posterior["growth"].values[..., -1], QUANTILES),
        "dates_are": "end of training" if trained else "release",
        "diagnostics": frontier.diagnostics.brief,
    }


def _trend_of_dates(
    fit: Fit,
    needed: dict[str, xr.DataArray],
    best: np.ndarray,
    *,
    family: str | None,
    as_of: float,
    by: Sequence[int],
    seed: int,
) -> dict[str, Any]:
    """The only scenario of a table whose scale is its dates: thresholds are dates already."""
    places = {event: compute_of(fit, path, family).values.ravel() for event, path in needed.items()}
    dates = {event: year_of(spread_dates(fit, each)) for event, each in places.items()}
    dates["best so far"] = best
    events = {event: _event_answer(each, lags(len(each), seed=seed), as_of, by) for event, each in dates.items()}
    source = "in the dates, which are the scale of the table; nothing is added"
    return {
        "name": "dates go on",
        "growth": None,
        "slowdown": False,
        "progress": {"decades_a_year": None, "since": None, "source": source},
        "largest_run": [],
        "events": events,
    }


def _scenario_answer(outlook: Outlook, scenario: Scenario) -> dict[str, Any]:
    largest = paths_of(outlook, scenario)
    progress = progress_of(
        outlook.fit, scenario, task=outlook.task, family=outlook.family, as_of=outlook.as_of, seed=outlook.seed
    )
    lag = lags(len(progress.decades), seed=outlook.seed)
    events = {}
    for event in outlook.needed:
        dates = arrival(outlook, event, largest, progress).values.ravel()
        events[event] = _event_answer(dates + (lag if outlook.trained else 0.0), lag, outlook.as_of, outlook.by)
    return {
        "name": scenario.name,
        "growth": scenario.growth,
        "slowdown": scenario.slowdown,
        "progress": {
            "decades_a_year": order_statistics(progress.a_year, QUANTILES),
            "since": iso_date(progress.since),
            "source": progress.source,
        },
        "largest_run": [
            {"date": f"{year}-01-01", "log10_compute": order_statistics(largest_by(largest, year), QUANTILES)}
            for year in outlook.by
            if new_year(year) > largest.years[0]
        ],
        "events": events,
    }


def _event_answer(dates: np.ndarray, lag: np.ndarray, as_of: float, by: Sequence[int]) -> dict[str, Any]:
    return {
        "date": date_quantiles(dates),
        "trained": date_quantiles(dates - lag),
        "p_by": [{"date": f"{year}-01-01", "p": float(np.mean(dates <= new_year(year)))} for year in by],
        "p_already": float(np.mean(dates <= as_of)),
        "p_never": float(np.mean(dates == inf)),
    }

"""The date at which a capability appears: threshold draws against draws of the largest run of each date."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Any

import numpy as np
import xarray as xr

from forecast.date_scale import LAST_YEAR, by_date, iso_date, latest, year_of
from forecast.events import compute_of, needed_path, needed_path_of_new_runs, path_of, slopes_of
from forecast.frontier import Frontier, Paths, paths
from forecast.recipe_progress import Progress, progress_of
from forecast.scenarios import SCENARIOS, Scenario
from forecast.store import Fit, json_number
from forecast.threshold import QUANTILES, checked_task, date_quantiles
from models.recipe_facts import years

BY = (2027, 2028, 2030, 2035)  # P(by) is of the first of January of these years
HALVING_YEARS, HALVING_SD = 5.0, 0.5  # log-normal: growth of compute halves in 2.2 to 11 years (90%)
"""What is left to come at 0.6 decades a year is then 4.3 decades, 1.9 to 9.8."""
LAG_YEARS, LAG_SD = 0.5, 0.5  # log-normal: training ends 2.6 to 14 months before release (90%)
"""GPT-4 was trained by August 2022 and released in March 2023 (arXiv:2303.08774)."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is needed, and what it is set against."""

    fit: Fit
    family: str | None
    needed: dict[str, xr.DataArray]  # event: place on the path (chain, draw)
    frontier: Frontier
    as_of: float  # decimal year from which scenarios differ
    seed: int
    trained: bool = False  # True: the runs are dated by the end of their training, not by their release
    by: tuple[int, ...] = BY


def arrival(outlook: Outlook, event: str, largest: Paths, progress: Progress) -> xr.DataArray:
    """Date at which the largest run so far, with the recipe of the day, brings what is needed: dims chain, draw.

    The first date t of ``path(M(t) + s (t - A)+) + p (min(t, A) - since) >= needed``, with A the date of the forecast,
    p the progress until then, on the path of the fit, and s the scenario's own after it, in decades of compute. A
    progress that goes on as before has t in place of min(t, A) and no s. Where p is in decades of compute, so is all:
    ``M(t) + s (t - A)+ + p (min(t, A) - since) >= C*``. Scenarios share their past, so that more progress is never
    later, and a run of the past has no recipe of today. Where A is before the table's latest date, frozen recipes are
    those of A: behind the recipes that were fitted, as a forecast made at A would have had them.

    Decimal years, of release. `inf` where no compute suffices; `-inf` where the first known run did; later than 9999
    where growth stops short.
    """
    fit, needed, family = outlook.fit, outlook.needed[event], outlook.family
    if progress.in_fit:
        slopes = slopes_of(fit, family).transpose("chain", "draw", ...).values.reshape(needed.size, -1)
        wanted, height = needed.values.ravel(), lambda x: path_of(fit, x, slopes)
    else:
        wanted, height = compute_of(fit, needed, family).values.ravel(), lambda x: x
    row = np.arange(needed.size)

    def reached(at: np.ndarray) -> np.ndarray:
        year = largest.years[at]
        return height(largest.log10_compute[row, at] + progress.as_compute(year)) + progress.on_path(year) >= wanted

    low, high = np.full(needed.size, -1), np.full(needed.size, len(largest.years))
    while (high - low > 1).any():
        middle = (low + high) // 2
        now = reached(middle.clip(0, len(largest.years) - 1)) & (middle >= 0)
        open_ = high - low > 1
        low, high = np.where(open_ & ~now, middle, low), np.where(open_ & now, middle, high)
    dates = np.append(largest.years, LAST_YEAR + 1)[high]
    dates = np.where(high == 0, -inf, np.where(wanted == inf, inf, dates))
    return needed.copy(data=dates.reshape(needed.shape)).drop_attrs()


def lags(draws: int, *, seed: int) -> np.ndarray:
    """Years from the end of training to release, from the prior."""
    return np.random.default_rng([seed, 4]).lognormal(log(LAG_YEARS), LAG_SD, draws)


def paths_of(outlook: Outlook, scenario: Scenario) -> Paths:
    """The largest run so far under a scenario, one path for each draw of the fit; the same luck in every scenario."""
    draws = next(iter(outlook.needed.values())).size
    halving: np.ndarray | float = inf if scenario.slowdown is False else scenario.slowdown
    if scenario.slowdown is True:
        halving = np.random.default_rng([outlook.seed, 5]).lognormal(log(HALVING_YEARS), HALVING_SD, draws)
    return paths(
        outlook.frontier,
        draws=draws,
        seed=outlook.seed,
        growth=scenario.growth,
        halving=halving,
        slowing_from=outlook.as_of,
    )


def when(
    fit: Fit,
    task: str,
    at: float,
    *,
    frontier: Frontier | None,
    scenarios: Sequence[Scenario] = SCENARIOS,
    family: str | None = None,
    as_of: float | None = None,
    first_of: int = 5,
    items: int | None = None,
    trained: bool = False,
    by: Sequence[int] = BY,
    seed: int = 1,
) -> dict[str, Any]:
    """When a task reaches the score `at`, by scenario and event, as JSON: quantiles are order statistics.

    Parameters
    ----------
    frontier : the growth of the largest run, `forecast.frontier.fit_frontier`; of no use, and None, where the scale of
        the table is its dates, whose only scenario is that they go on as they did
    as_of : decimal year from which scenarios differ: a slowdown counts, recipes stay or improve; None: the last date
        of the frontier's runs
    first_of : number J of runs of the event `first`
    items : items that a new run is scored on; None: as usual in the table
    trained : whether the frontier's runs are dated by the end of training; then releases come a lag later
    by : years by whose first of January chances are given
    """
    label = checked_task(fit, task, at)
    new = needed_path_of_new_runs(fit, label, at, runs=first_of, seed=seed, items=items, family=family)
    needed = {
        "typical": needed_path(fit, label, at, family=family),
        "new run": new.isel(run=0, drop=True),
        "first": new.min("run"),
    }
    if frontier is None:
        as_of = latest(fit.data) if as_of is None else as_of
        found = [_trend_of_dates(fit, needed, family=family, as_of=as_of, by=by, seed=seed)]
    else:
        as_of = frontier.known_to if as_of is None else as_of
        options: dict[str, Any] = {"fit": fit, "family": family, "needed": needed, "frontier": frontier}
        outlook = Outlook(**options, as_of=as_of, seed=seed, trained=trained, by=tuple(by))
        found = [_scenario_answer(outlook, scenario) for scenario in scenarios]
    threshold = compute_of(fit, needed["typical"], family).values.ravel()
    return {
        "task": label,
        "metric": fit.data.metric.sel(task=label).item(),
        "at": float(at),
        "family": family,
        "families": fit.data.sizes["family"],
        "as_of": iso_date(as_of),
        "first_of": first_of,
        "items": items,
        "scale": "date" if by_date(fit.data) else "compute",
        "log10_compute": {name: json_number(value) for name, value in _quantiles(threshold).items()},
        "scenarios": found,
        "frontier": None if frontier is None else _frontier_answer(frontier, trained),
        "seed": seed,
    }


def _frontier_answer(frontier: Frontier, trained: bool) -> dict[str, Any]:
    found = frontier.diagnostics
    return {
        "table": frontier.table,
        "records": len(frontier.records),
        "known_to": iso_date(frontier.known_to),
        "ends": iso_date(frontier.ends),
        "largest": str(frontier.records["model"].iloc[-1]),
        "largest_log10_compute": float(np.log10(frontier.records["compute"].iloc[-1])),
        "growth": _quantiles(frontier.posterior["growth"].values[..., -1].ravel()),
        "dates_are": "end of training" if trained else "release",
        "diagnostics": {
            "max_rhat": found.max_rhat,
            "min_ess": min(found.min_ess_bulk, found.min_ess_tail),
            "divergences": found.divergences,
        },
    }


def _trend_of_dates(
    fit: Fit, needed: dict[str, xr.DataArray], *, family: str | None, as_of: float, by: Sequence[int], seed: int
) -> dict[str, Any]:
    """The only scenario of a table whose scale is its dates: thresholds are dates already."""
    events = {}
    for event, path in needed.items():
        dates = year_of(compute_of(fit, path, family).values.ravel())
        events[event] = _event_answer(dates, lags(len(dates), seed=seed), as_of, by)
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
    progress = progress_of(outlook.fit, scenario, family=outlook.family, as_of=outlook.as_of, seed=outlook.seed)
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
            "decades_a_year": _quantiles(progress.a_year),
            "since": iso_date(progress.since),
            "source": progress.source,
        },
        "largest_run": [
            {"date": f"{year}-01-01", "log10_compute": _quantiles(largest_by(largest, year))}
            for year in outlook.by
            if _new_year(year) > largest.years[0]
        ],
        "events": events,
    }


def _event_answer(dates: np.ndarray, lag: np.ndarray, as_of: float, by: Sequence[int]) -> dict[str, Any]:
    return {
        "date": date_quantiles(dates),
        "trained": date_quantiles(dates - lag),
        "p_by": [{"date": f"{year}-01-01", "p": float(np.mean(dates <= _new_year(year)))} for year in by],
        "p_already": float(np.mean(dates <= as_of)),
        "p_never": float(np.mean(dates == inf)),
    }


def largest_by(largest: Paths, year: float) -> np.ndarray:
    """log10 FLOP of the largest run published by the first of January of a year (draw)."""
    return largest.log10_compute[:, np.searchsorted(largest.years, _new_year(year), side="right") - 1]


def _new_year(year: float) -> float:
    return float(years(np.datetime64(f"{int(year)}-01-01")))


def _quantiles(draws: np.ndarray) -> dict[str, float]:
    values = np.quantile(draws, QUANTILES, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": float(value) for q, value in zip(QUANTILES, values, strict=True)}

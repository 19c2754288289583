"""Arrival: the date at which the largest run so far brings what a capability needs."""

from dataclasses import dataclass
from math import inf, log

import numpy as np
import xarray as xr

from forecast.posterior.compute import compute_of, path_of, slopes_of
from forecast.posterior.fit import Fit
from forecast.questions.when.frontier import Frontier, Paths, paths
from forecast.questions.when.scenarios import Progress, Scenario
from models.dates import LAST_YEAR, years
from models.priors import TimePriors

BY = (2027, 2028, 2030, 2035)  # P(by) is of the first of January of these years
PRIORS = TimePriors()


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is needed, and what it is set against."""

    fit: Fit
    family: str | None
    needed: dict[str, xr.DataArray]  # event: place on the path (chain, draw)
    frontier: Frontier
    as_of: float  # decimal year from which scenarios differ
    seed: int
    task: str | None = None  # whose progress counts; None: a typical one's
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
    return np.random.default_rng([seed, 4]).lognormal(log(PRIORS.lag_years_median), PRIORS.lag_years_log_sd, draws)


def paths_of(outlook: Outlook, scenario: Scenario) -> Paths:
    """The largest run so far under a scenario, one path for each draw of the fit; the same luck in every scenario."""
    draws = next(iter(outlook.needed.values())).size
    halving: np.ndarray | float = inf if scenario.slowdown is False else scenario.slowdown
    if scenario.slowdown is True:
        rng = np.random.default_rng([outlook.seed, 5])
        halving = rng.lognormal(log(PRIORS.halving_years_median), PRIORS.halving_years_log_sd, draws)
    return paths(
        outlook.frontier,
        draws=draws,
        seed=outlook.seed,
        growth=scenario.growth,
        halving=halving,
        slowing_from=outlook.as_of,
    )


def largest_by(largest: Paths, year: float) -> np.ndarray:
    """log10 FLOP of the largest run published by the first of January of a year (draw)."""
    return largest.log10_compute[:, np.searchsorted(largest.years, new_year(year), side="right") - 1]


def new_year(year: float) -> float:
    return float(years(np.datetime64(f"{int(year)}-01-01")))

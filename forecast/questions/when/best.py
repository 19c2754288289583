"""Best so far: the date from which some model of a table in years has a score, as models keep being released."""

import numpy as np
import xarray as xr

from forecast.posterior.compute import compute_of
from forecast.posterior.fit import Fit, thinned
from forecast.posterior.recipes.later import spread_dates
from forecast.posterior.tasks import reaches
from forecast.questions.when.needed import needed_path_of_new_runs
from forecast.table.dataset import rows_of_task
from models.dates import latest, year_of, years_of_runs

RECENT = 2.0  # years before the last release, over which releases are counted
AHEAD = 15.0  # years after it in which their luck is drawn one by one
MOST, FEWEST_DRAWS = 200_000, 100  # releases times draws that are simulated; draws


def best_so_far(fit: Fit, task: str, at: float, *, seed: int, items: int | None, family: str | None) -> np.ndarray:
    """Decimal years (draw) from which the best score of any model so far is `at` or better; `inf` where none comes.

    That of the first known run that has it. Where none has, models go on to be released as often as in the last two
    years of the table, evenly; each has luck of its own, as a new run has, and counts from its own release. So the best
    runs ahead of the typical model the more, the more models there are.
    """
    rows = rows_of_task(fit.data, task)
    dates = years_of_runs(fit.data)[fit.data.run_index.values[rows]]
    reached = dates[reaches(fit, task, fit.data.score.values[rows], at)]
    if len(reached):
        return np.full(FEWEST_DRAWS, float(reached.min()))
    last = latest(fit.data)
    recent = dates[dates > last - RECENT]
    rate = max(len(recent), 1) / min(RECENT, max(last - float(recent.min(initial=last)), 0.5))
    released = last + np.arange(1, int(np.ceil(rate * AHEAD)) + 1) / rate
    few = thinned(fit, max(MOST // len(released), FEWEST_DRAWS))
    needed = needed_path_of_new_runs(few, task, at, runs=len(released), seed=seed, items=items, family=family)
    could = year_of(spread_dates(few, _stacked(compute_of(few, needed, family)).T).T)
    then = np.where(could <= released, released, np.inf).min(axis=1)
    return np.where(np.isfinite(then), then, could.min(axis=1))  # of a later one with the best luck of all of these


def _stacked(values: xr.DataArray) -> np.ndarray:
    return values.transpose("chain", "draw", "run").values.reshape(-1, values.sizes["run"])

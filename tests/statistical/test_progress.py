"""Progress by task and with time, from tables drawn in NumPy with known truth; and what later runs are forecast."""

from dataclasses import dataclass

import numpy as np
import pytest

from forecast.draws import Sampling
from forecast.fitting.structures import fit_table
from forecast.posterior.predict import predict
from forecast.posterior.recipes.ahead import elapsed_years, progress_of_task
from forecast.table.dataset import read_rows, read_table
from tests.conftest import SEED, write_rows

pytestmark = pytest.mark.mcmc
HEADER = ("model", "task", "metric", "successes", "trials", "compute", "date")
START, CHANGE, END, RUNS = 2019.0, 2021.5, 2024.0, 60
LAWS = {
    "recall": (0.5, 0.6),
    "reading": (0.1, 0.5),
    "sums": (-0.2, 0.6),
    "contest": (-0.9, 0.6),
}  # log10 odds at 22.5 and their slope
RATES = {"recall": 0.02, "reading": 0.3, "sums": 0.8, "contest": 1.6}  # decades a year while the pace is 1
FAST = 2.5  # pace from CHANGE on
SEASON, AHEAD = 2022.0, 0.6  # the releases of one half-year, decades ahead
RESIDUAL, TRIALS, CONCENTRATION = 0.1, 1000, 300.0


def elapsed(year, *, pace):
    """Years since START, those after CHANGE counted at the later pace."""
    return min(year, CHANGE) - START + pace * max(year - CHANGE, 0.0)


def table(path, *, rates, pace, season):
    rng, rows = np.random.default_rng(SEED), []
    for run in range(RUNS):
        year = START + (END - START) * (run + 0.5) / RUNS
        x = 21.0 + 3.0 * ((7 * run) % RUNS) / RUNS  # not in the order of dates
        shared = season * (SEASON <= year < SEASON + 0.5) + RESIDUAL * rng.standard_normal()
        for task, (level, slope) in LAWS.items():
            theta = x - 22.5 + rates[task] * (elapsed(year, pace=pace) - elapsed(CHANGE, pace=pace)) + shared
            success = 1.0 / (1.0 + 10.0 ** -(level + slope * theta))
            count = rng.binomial(TRIALS, rng.beta(CONCENTRATION * success, CONCENTRATION * (1.0 - success)))
            rows.append(_row(f"run {run}", task, x, year) | {"successes": count})
    return write_rows(path, rows, header=HEADER)


def _row(model, task, x, year):
    date = np.datetime64("2000-01-01") + np.timedelta64(round((year - 2000.0) * 365.25), "D")
    return {"model": model, "task": task, "metric": "exact_match", "trials": TRIALS} | {
        "compute": f"{10**x:.6g}",
        "date": str(date),
    }


@dataclass(frozen=True)
class Case:
    rates: dict
    pace: float
    season: float


TRUTH = Case(rates=RATES, pace=FAST, season=AHEAD)
ALIKE = Case(rates=dict.fromkeys(LAWS, 0.5), pace=1.0, season=0.0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("progress"), {}
    for name, case in {"truth": TRUTH, "alike": ALIKE}.items():
        path = table(folder / f"{name}.csv", rates=case.rates, pace=case.pace, season=case.season)
        found[name] = fit_table(read_table(path), table=name, sampling=Sampling(draws=250, tune=400, seed=SEED))
    return found


def gained(fit, task, since, until):
    """Decades that recipes gain on a task between two dates: dims chain, draw."""
    return progress_of_task(fit, task) * (elapsed_years(fit, until) - elapsed_years(fit, since))


def away(truth, draws):
    """Posterior standard deviations from the posterior mean to the truth."""
    return abs(float(draws.mean()) - truth) / float(draws.std())


@pytest.mark.parametrize("task", ["reading", "sums", "contest"])
def test_each_task_gains_what_it_did_before_and_after_the_pace_changed(fitted, task):
    for since, until, pace in ((START + 0.5, CHANGE, 1.0), (CHANGE, END - 0.5, FAST)):
        assert away(RATES[task] * pace * (until - since), gained(fitted["truth"], task, since, until)) < 4


def test_a_task_without_progress_is_told_from_one_rate_for_all(fitted):
    recall, sums = (gained(fitted["truth"], task, START, END) for task in ("recall", "sums"))
    assert float(recall.quantile(0.95)) < 1.5 and float((recall < sums).mean()) > 0.99


def test_the_half_year_that_was_ahead_is_found_and_no_other(fitted):
    shock = fitted["truth"].posterior.half_year_shock
    ahead = shock.sel(half_year=SEASON) - shock.drop_sel(half_year=SEASON).mean("half_year")
    assert float((ahead > 0.2).mean()) > 0.9
    others = shock.drop_sel(half_year=SEASON)
    assert max(away(0.0, others.isel(half_year=place)) for place in range(others.sizes["half_year"])) < 3


def test_where_tasks_pace_and_seasons_are_alike_nothing_is_found(fitted):
    """The negative control of the three tests above."""
    fit = fitted["alike"]
    assert fit.posterior.sigma_progress.median() < 0.6 * fitted["truth"].posterior.sigma_progress.median()
    for task in LAWS:
        assert away(0.5 * (END - START), gained(fit, task, START, END)) < 4
    before, after = (gained(fit, "sums", *ends) for ends in ((START + 0.5, CHANGE), (CHANGE, END - 0.5)))
    assert 0.5 < float((after / before).median()) < 2.0
    assert max(away(0.0, fit.posterior.half_year_shock.isel(half_year=place)) for place in range(10)) < 3


def test_later_runs_of_one_half_year_move_together_and_what_came_is_inside(fitted, tmp_path):
    """Half a year on at the pace of today; two runs of one half-year, and one of the next."""
    fit = fitted["truth"]
    new = [(f"new {place}", year) for place, year in enumerate((END + 0.1, END + 0.3, END + 0.6))]
    path = write_rows(tmp_path / "new.csv", [_row(model, "sums", 21.0, year) for model, year in new], header=HEADER)
    draws = predict(fit, read_rows(path), seed=SEED).values
    level, slope = LAWS["sums"]
    for place, (_, year) in enumerate(new):
        theta = 21.0 - 22.5 + RATES["sums"] * FAST * (year - CHANGE)
        truth = 1.0 / (1.0 + 10.0 ** -(level + slope * theta))
        low, high = np.quantile(draws[:, place], (0.005, 0.995))
        assert low <= truth <= high
    logit = np.log((draws + 1e-3) / (1.0 - draws + 1e-3))
    together = np.corrcoef(logit.T)
    assert together[0, 1] > 0.3  # of one half-year: a shock, and what comes of progress

"""One broken evaluation, 0 right answers of the largest run, in a table that is otherwise clean."""

import csv

import arviz as az
import numpy as np
import pytest

from forecast.draws import Sampling
from forecast.fitting.structures import fit_table
from forecast.posterior.predict import typical_score
from forecast.table.dataset import read_table
from models.structures import Parts
from tests.conftest import SEED

pytestmark = pytest.mark.mcmc

RUNS, TRIALS, CONCENTRATION = 24, 500, 300  # with 10 runs, scores that scatter widely explain the row nearly as well
TASKS = {"hit": (4, -0.7, 0.5), "words": (2, -0.4, 0.4), "long": (8, -0.9, 0.45), "more": (4, -0.5, 0.5)}
X = 21.5  # where theta is counted from
LARGEST = X + 1.65
ELSEWHERE = np.array([X, LARGEST])  # the middle of the table and its end
COLUMNS = ("model", "task", "metric", "successes", "trials", "length", "compute")


def success(task, theta):
    """Exact match with nu = 1: length, amplitude and exponent of the loss by task."""
    length, amplitude, exponent = TASKS[task]
    return 1.0 / (1.0 + length * 10 ** (amplitude - exponent * theta))


def simulated_rows():
    rng = np.random.default_rng(SEED)
    for run, x in enumerate(np.linspace(X - 1.5, LARGEST, RUNS)):
        theta = x - X + 0.1 * rng.standard_normal()
        for task, (length, *_) in TASKS.items():
            mean = success(task, theta)
            right = rng.binomial(TRIALS, rng.beta(CONCENTRATION * mean, CONCENTRATION * (1 - mean)))
            right = 0 if task == "hit" and run == RUNS - 1 else right
            yield f"run {run}", task, "exact_match", right, TRIALS, length, f"{10**x:.6g}"


def is_broken(row):
    return row[:2] == (f"run {RUNS - 1}", "hit")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Fit a table with or without the broken row, allowing for such rows or not; bends would only cost time."""

    def fit(*, gross_error, allowed):
        path = tmp_path_factory.mktemp("table") / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [COLUMNS, *(row for row in simulated_rows() if gross_error or not is_broken(row))]
            )
        parts = Parts(bend=False, free_floor=False, outliers=allowed)
        sampling = Sampling(draws=300, tune=300, seed=SEED)
        return fit_table(read_table(path), table="gross_error", sampling=sampling, parts=parts)

    return fit


@pytest.fixture(scope="module")
def lacking(fitted):
    """The broken row left out: what a posterior is to be that gives it no weight."""
    return fitted(gross_error=False, allowed=True)


@pytest.fixture(scope="module")
def allowed(fitted):
    return fitted(gross_error=True, allowed=True)


@pytest.fixture(scope="module")
def believed(fitted):
    """The broken row taken for a sound one."""
    return fitted(gross_error=True, allowed=False)


def curve(fit, task="hit"):
    """Typical score of the task at the middle and the end of the table: draws (chain, draw, point)."""
    return typical_score(fit, task, ELSEWHERE).transpose("chain", "draw", "point")


def log_concentration(fit, task="hit"):
    return np.log(fit.posterior.concentration.sel(task=task))


def moments(draws):
    """Mean and standard deviation of the draws, each with its Monte Carlo error: arrays (mean or sd, point)."""
    values = [draws.mean(("chain", "draw")), draws.std(("chain", "draw"))]
    return np.array(values), np.array([az.mcse(draws.rename("draws"), method=of) for of in ("mean", "sd")])


def assert_alike(one, other):
    """Two samplings of one distribution: mean and standard deviation differ by at most five Monte Carlo errors."""
    (first, error), (second, other_error) = moments(one), moments(other)
    assert np.all(abs(first - second) < 5 * np.hypot(error, other_error)), (first, second)


def test_a_broken_row_changes_nothing_where_such_rows_are_allowed(lacking, allowed):
    assert_alike(curve(allowed), curve(lacking))
    assert_alike(log_concentration(allowed), log_concentration(lacking))


def test_with_broken_rows_allowed_the_curve_is_the_true_one(allowed):
    (found, sd), _ = moments(curve(allowed))
    assert np.all(abs(found - success("hit", ELSEWHERE - X)) < 5 * sd)


def test_a_broken_row_that_is_believed_bends_the_curve_at_the_end_and_is_called_noise(lacking, allowed, believed):
    """The negative control: the task is thought to end far below scores that other runs have reached."""
    (expected, sd), _ = moments(curve(lacking))
    (found, _), _ = moments(curve(believed))
    assert found[-1] < expected[-1] - 5 * sd[-1]
    few, usual = log_concentration(believed), log_concentration(allowed)
    assert float(few.max()) < float(usual.mean()) and float(few.mean()) < np.log(10)


@pytest.mark.parametrize("task", ["words", "long", "more"])
def test_tasks_without_a_broken_row_are_forecast_alike_either_way(lacking, allowed, believed, task):
    assert_alike(curve(allowed, task), curve(lacking, task))
    (expected, sd), error = moments(curve(lacking, task))
    (found, found_sd), found_error = moments(curve(believed, task))  # of other runs' theta, so another posterior
    assert np.all(abs(found - expected) < np.minimum(sd, found_sd) + 5 * np.hypot(error, found_error)[0])

"""One broken evaluation, 0 right answers of the largest run, in a table that is otherwise clean."""

import csv
import os

import numpy as np
import pytest

from forecast.fit import Sampling
from forecast.predict import typical_score
from forecast.table import read_table
from forecast.table_fit import fit_table
from models.priors import Structure

SEED = int(os.environ.get("FORECAST_TEST_SEED", "1"))
RUNS, TRIALS, CONCENTRATION = 10, 500, 300
TASKS = {"hit": (4, -0.7, 0.5), "words": (2, -0.4, 0.4), "long": (8, -0.9, 0.45), "more": (4, -0.5, 0.5)}
X = 21.5  # where theta is counted from
LARGEST = X + 1.65
ELSEWHERE = np.array([X, LARGEST])  # the middle of the table and its end
COLUMNS = ("model", "task", "metric", "successes", "trials", "length", "compute")


def success(task, theta):
    """Exact match with nu = 1: length, amplitude and exponent of the loss by task."""
    length, amplitude, exponent = TASKS[task]
    return 1.0 / (1.0 + length * 10 ** (amplitude - exponent * theta))


def simulated_rows(*, broken):
    rng = np.random.default_rng(SEED)
    for run, x in enumerate(np.linspace(X - 1.5, LARGEST, RUNS)):
        theta = x - X + 0.1 * rng.standard_normal()
        for task, (length, *_) in TASKS.items():
            mean = success(task, theta)
            right = rng.binomial(TRIALS, rng.beta(CONCENTRATION * mean, CONCENTRATION * (1 - mean)))
            right = 0 if broken and task == "hit" and run == RUNS - 1 else right
            yield f"run {run}", task, "exact_match", right, TRIALS, length, f"{10**x:.6g}"


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Fit a table, clean or broken, allowing for broken rows or not; without bends, which here only cost time."""

    def fit(*, broken, allowed):
        path = tmp_path_factory.mktemp("table") / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *simulated_rows(broken=broken)])
        structure = Structure(bend=False, free_floor=False, broken_rows=allowed)
        sampling = Sampling(draws=200, tune=300, seed=SEED)
        return fit_table(read_table(path), table="broken", sampling=sampling, structure=structure)

    return fit


@pytest.fixture(scope="module")
def clean(fitted):
    return fitted(broken=False, allowed=True)


@pytest.fixture(scope="module")
def allowed(fitted):
    return fitted(broken=True, allowed=True)


@pytest.fixture(scope="module")
def believed(fitted):
    """The broken row taken for a sound one."""
    return fitted(broken=True, allowed=False)


def curve(fit, task="hit"):
    """Typical score of the task at the middle and the end of the table: mean and standard deviation."""
    score = typical_score(fit, task, ELSEWHERE).stack(sample=("chain", "draw")).transpose("point", "sample")
    return score.mean("sample").values, score.std("sample").values


def log_concentration(fit, task="hit"):
    return np.log(fit.posterior.concentration.sel(task=task))


def test_with_broken_rows_allowed_the_curve_stays_that_of_the_clean_table(clean, allowed):
    (expected, sd), (found, found_sd) = curve(clean), curve(allowed)
    assert np.all(abs(found - expected) < 3 * np.hypot(sd, found_sd))
    assert np.all(found_sd < 4 * sd)  # nor is that because nothing is known


def test_with_broken_rows_allowed_the_curve_is_the_true_one(allowed):
    found, sd = curve(allowed)
    assert np.all(abs(found - success("hit", ELSEWHERE - X)) < 5 * sd)


def test_a_broken_row_that_is_believed_bends_the_curve_at_the_end_and_is_called_noise(clean, allowed, believed):
    """The negative control: the task is thought to end far below scores that other runs have reached."""
    (expected, sd), (found, _) = curve(clean), curve(believed)
    assert found[-1] < expected[-1] - 5 * sd[-1]
    few, usual = log_concentration(believed), log_concentration(allowed)
    assert float(few.max()) < float(usual.mean()) and float(few.mean()) < np.log(10)


def test_the_concentration_of_the_task_is_that_of_the_clean_table(clean, allowed):
    expected, found = log_concentration(clean), log_concentration(allowed)
    assert abs(float(found.mean() - expected.mean())) < 3 * float(np.hypot(found.std(), expected.std()))


@pytest.mark.parametrize("task", ["words", "long", "more"])
def test_tasks_without_a_broken_row_are_forecast_alike_either_way(clean, allowed, believed, task):
    expected, sd = curve(clean, task)
    for fit in (allowed, believed):
        found, found_sd = curve(fit, task)
        assert np.all(abs(found - expected) < 3 * np.hypot(sd, found_sd))

"""Families and progress, from a table drawn with known truth to thresholds and predictions of other recipes."""

import csv
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from forecast.draws import Sampling
from forecast.errors import ForecastError
from forecast.fitting.structures import fit_table
from forecast.posterior.predict import predict
from forecast.posterior.recipes.ahead import elapsed_years, progress_of_task
from forecast.posterior.threshold import threshold_draws
from forecast.questions.gain.answer import gain
from forecast.table.dataset import read_rows, read_table
from tests.conftest import SEED

pytestmark = pytest.mark.mcmc
START = np.datetime64("2000-01-01", "D")
AHEAD = 1.0  # decades by which the first family is ahead of the two others
PROGRESS = 0.5  # decades a year
RESIDUAL = 0.1  # decades, standard deviation
FAMILIES = ("ahead", "second", "third")
RUNS_EACH, TRIALS, CONCENTRATION = 7, 500, 200
TASKS = {"whole": (4, -0.35, 0.5), "words": (2, -0.1, 0.4), "long": (8, -0.5, 0.45)}  # length, amplitude, exponent
X, YEAR = 22.0, 2021.4  # where theta is counted from
COLUMNS = ("model", "task", "metric", "successes", "trials", "length", "compute", "family", "date")


def simulated_rows():
    """Counts from the equations of DESIGN 3.1 to 3.5 in NumPy: nu = 1, straight path, no deviations, ceiling 1."""
    rng = np.random.default_rng(SEED)
    for position, family in enumerate(FAMILIES):
        for run in range(RUNS_EACH):
            x = 20.5 + 0.5 * run + 0.1 * position
            year = 2019 + 0.8 * ((2 * run + 3 * position) % RUNS_EACH)  # not in the order of compute
            theta = x - X + AHEAD * (position == 0) + PROGRESS * (year - YEAR) + RESIDUAL * rng.standard_normal()
            for task, (length, amplitude, exponent) in TASKS.items():
                success = 1.0 / (1.0 + length * 10 ** (amplitude - exponent * theta))
                rate = rng.beta(CONCENTRATION * success, CONCENTRATION * (1 - success))
                yield row(f"{family} {run}", task, x, family, year) | {"successes": rng.binomial(TRIALS, rate)}


def row(model, task, x, family, year):
    date = START + np.timedelta64(round((year - 2000) * 365.25), "D")
    facts = {"task": task, "metric": "exact_match", "trials": TRIALS, "length": TASKS[task][0]}
    return {"model": model, "compute": f"{10**x:.6g}", "family": family, "date": date} | facts


def written(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    frame = read_table(written(tmp_path_factory.mktemp("table") / "table.csv", simulated_rows()))
    return fit_table(frame, table="recipes", sampling=Sampling(draws=200, tune=300, seed=SEED))


@pytest.fixture(scope="module")
def straight(fitted):
    """The same posterior with a path that has no bends."""
    return replace(fitted, posterior=fitted.posterior.assign(slopes=xr.ones_like(fitted.posterior.slopes)))


@pytest.fixture
def predicted(fitted, tmp_path):
    """Predictive draws (draw, row) of rows (model, task, log10 compute, family, year)."""
    return lambda *rows: predict(fitted, read_rows(written(tmp_path / "r.csv", [row(*r) for r in rows])), seed=SEED)


def effect(fit, family):
    return fit.posterior.family_effect.sel(family=family, drop=True)


def deviation(fit, task, family):
    """How far a family is ahead on a task beyond its effect, in decades; a task of one metric is a law of its name."""
    return fit.posterior.deviation.sel(law=task, family=family, drop=True) * fit.posterior.theta_scale


def deviations_from(truth, draws):
    """How many posterior standard deviations the truth lies from the posterior mean."""
    return abs(float(draws.mean()) - truth) / float(draws.std())


def correlation_error(draws):
    """Monte Carlo error of a correlation near zero, for as many independent draws."""
    return draws.sizes["draw"] ** -0.5


@pytest.mark.parametrize("other", ["second", "third"])
def test_the_family_that_is_ahead_is_found_ahead_by_what_it_is(fitted, other):
    difference = effect(fitted, "ahead") - effect(fitted, other)
    assert deviations_from(AHEAD, difference) < 5
    assert deviations_from(0.0, difference) > 2 and np.mean(difference > 0) > 0.95


def test_families_that_are_alike_are_not_told_apart(fitted):
    """The negative control of the test above."""
    difference = effect(fitted, "second") - effect(fitted, "third")
    assert deviations_from(0.0, difference) < 5 and deviations_from(AHEAD, difference) > 3


def test_progress_is_found_and_kept_apart_from_compute(fitted):
    assert deviations_from(PROGRESS, fitted.posterior.progress) < 5 < deviations_from(0.0, fitted.posterior.progress)


def test_the_residual_of_the_runs_is_found(fitted):
    assert deviations_from(np.log(RESIDUAL), np.log(fitted.posterior.sigma_run)) < 5


@pytest.mark.parametrize("task", TASKS)
def test_on_a_straight_path_thresholds_differ_by_what_the_recipes_differ(straight, task):
    crossed_at = {family: threshold_draws(straight, task, 0.5, family=family, year=2022.0) for family in FAMILIES}
    for other in ("second", "third"):
        by = [effect(straight, name) + deviation(straight, task, name) for name in ("ahead", other)]
        reached = np.isfinite(crossed_at["ahead"])
        assert reached.mean() > 0.5
        np.testing.assert_allclose(
            (crossed_at[other] - crossed_at["ahead"]).where(reached), (by[0] - by[1]).where(reached)
        )


@pytest.mark.parametrize("task", TASKS)
def test_the_family_that_is_ahead_needs_less_compute(fitted, task):
    ahead, second, third = (threshold_draws(fitted, task, 0.5, family=name, year=2022.0) for name in FAMILIES)
    for other in (second, third):
        assert np.mean(ahead < other) > 0.9
    assert 0 < np.mean(second < third) < 1  # alike families are not told apart


def test_on_a_straight_path_each_year_lowers_the_threshold_by_the_progress(straight):
    early, late = (threshold_draws(straight, "whole", 0.5, family="second", year=year) for year in (2020.0, 2023.0))
    reached = np.isfinite(early)
    saved = progress_of_task(straight, "whole") * (elapsed_years(straight, 2023.0) - elapsed_years(straight, 2020.0))
    np.testing.assert_allclose((early - late).where(reached), saved.where(reached))


@pytest.mark.parametrize("family", [None, "ahead"])
def test_a_later_year_lowers_the_threshold(fitted, family):
    years = [threshold_draws(fitted, "long", 0.5, family=family, year=year) for year in (2018.0, 2021.0, 2030.0)]
    for early, late in pairwise(years):
        assert np.all((late < early) | ~np.isfinite(early))
        assert np.all(np.isfinite(early) == np.isfinite(late))  # time does not lift a ceiling


def test_an_unknown_family_is_refused_with_the_known_ones(fitted):
    with pytest.raises(ForecastError) as caught:
        threshold_draws(fitted, "whole", 0.5, family="zzz")
    assert all(name in str(caught.value) for name in ("'zzz'", *FAMILIES)) and "\n" not in str(caught.value)
    with pytest.raises(ForecastError, match="choose one of: 'second'"):
        threshold_draws(fitted, "whole", 0.5, family="secnd")


def test_a_family_of_the_table_is_forecast_with_its_own_effect(fitted, predicted):
    """New runs of equal compute and date; the truth is the equation at what the families are ahead."""
    assert fitted.data.family.values.tolist() == list(FAMILIES)
    draws = predicted(*((f"new {name}", "whole", 22.0, name, 2021.4) for name in FAMILIES))
    ahead, second, third = draws.values.T
    error = np.hypot(ahead.std(), second.std()) / np.sqrt(draws.sizes["draw"])
    assert ahead.mean() - max(second.mean(), third.mean()) > 5 * error
    truth = [1 / (1 + 4 * 10 ** (-0.35 - 0.5 * gain)) for gain in (AHEAD, 0.0, 0.0)]
    for scores, expected in zip((ahead, second, third), truth, strict=True):
        assert abs(scores.mean() - expected) < 5 * scores.std()


def test_a_run_of_an_unseen_family_is_less_certain_than_a_new_run_of_a_known_one(predicted):
    draws = predicted(("a", "whole", 22.0, "second", 2021.4), ("b", "whole", 22.0, "never seen", 2021.4))
    known, unseen = draws.std("draw").values
    error = known / np.sqrt(2 * draws.sizes["draw"])
    assert unseen - known > 5 * error


def test_runs_of_one_unseen_family_are_correlated_and_of_two_less(predicted):
    runs = (("a", "unseen"), ("b", "unseen"), ("c", "another"))
    draws = predicted(*((model, "whole", 22.0, family, 2021.4) for model, family in runs))
    found, error = np.corrcoef(draws.values.T), correlation_error(draws)
    assert found[0, 1] > 5 * error
    assert found[0, 1] - max(found[0, 2], found[1, 2]) > 5 * error


def test_runs_of_one_known_family_share_no_more_than_what_is_unknown_of_it(predicted):
    """The negative control: what correlates runs of an unseen family is its effect, which here is known."""
    runs = (("a", "second"), ("b", "second"), ("c", "unseen"), ("d", "unseen"))
    found = predicted(*((model, "whole", 22.0, family, 2021.4) for model, family in runs))
    of_pairs = np.corrcoef(found.values.T)
    assert of_pairs[2, 3] - of_pairs[0, 1] > 5 * correlation_error(found)


def test_the_gain_of_a_recipe_is_what_it_was_made_ahead_by_and_the_progress_between_both(fitted):
    answer = gain(fitted, "ahead", against="second")
    dates = [np.datetime64(answer[f"{name}_recipe_of"]) for name in ("family", "against")]
    truth = AHEAD + PROGRESS * (dates[0] - dates[1]) / np.timedelta64(1, "D") / 365.25
    for line in (answer["shared"], answer["mean"], *answer["tasks"]):
        low, middle, high = (np.log10(line["gain"][name]) for name in ("q05", "q50", "q95"))
        assert abs(middle - truth) < 1.2 * (high - low) < 1.5  # four standard deviations
    assert answer["shared"]["p_ahead"] > 0.99

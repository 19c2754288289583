"""Threshold compute: the inverse of the expected score, with a value for the impossible."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.errors import ForecastError
from forecast.posterior.compute import effective_compute
from forecast.posterior.predict import typical_score
from forecast.posterior.score import expected_score
from forecast.posterior.threshold import threshold, threshold_draws
from tests.conftest import HOSTILE, TASKS

KEYS = [  # DESIGN section 5
    *("task", "metric", "at", "event", "family", "log10_compute", "p_never", "p_never_ceiling", "p_never_loss"),
    *("p_crossed_by", "data_log10_compute", "diagnostics", "families", "reached_with_less", "direction"),
]
QUANTILES = ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]


def with_law(fit, task, **values):
    """The fit with some parameters of one task set to numbers."""
    own = fit.posterior.task == task
    changed = {name: xr.where(own, value, fit.posterior[name]) for name, value in values.items()}
    return replace(
        fit, posterior=fit.posterior.assign({n: v.transpose("chain", "draw", "task") for n, v in changed.items()})
    )


@pytest.mark.parametrize("at", [0.01, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("task", TASKS)
def test_the_expected_score_at_the_threshold_draws_is_the_threshold(fitted, task, at):
    crossed_at = threshold_draws(fitted, task, at)
    finite = np.isfinite(crossed_at)
    score = expected_score(fitted, task, effective_compute(fitted, crossed_at.where(finite, 0.0)))
    assert finite.any() or (task == "four choices" and at < 0.25)
    np.testing.assert_allclose(score.values[finite.values], at, rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_the_threshold_rises_with_the_score_asked_for_in_every_draw(fitted, task):
    ladder = np.stack([threshold_draws(fitted, task, at) for at in (0.26, 0.4, 0.6, 0.8, 0.99)])
    assert np.all(ladder[1:] >= ladder[:-1])


def test_draws_whose_ceiling_is_at_or_below_the_threshold_are_infinite_and_counted(fitted):
    at = float(fitted.posterior.ceiling.sel(task=HOSTILE).median())
    never = fitted.posterior.ceiling.sel(task=HOSTILE) <= at
    crossed_at = threshold_draws(fitted, HOSTILE, at)
    assert 0 < never.sum() < never.size
    np.testing.assert_array_equal(crossed_at == np.inf, never)
    answer = threshold(fitted, HOSTILE, at)
    assert answer["p_never"] == float(never.mean())
    assert answer["p_never_ceiling"] + answer["p_never_loss"] == answer["p_never"]


@pytest.mark.parametrize("task", TASKS)
def test_a_ceiling_exactly_at_the_threshold_is_never_reached(fitted, task):
    assert np.all(threshold_draws(with_law(fitted, task, ceiling=0.7), task, 0.7) == np.inf)
    assert np.all(threshold_draws(with_law(fitted, task, ceiling=0.7, floor=0.1), task, 0.69999) < np.inf)


@pytest.mark.parametrize("task", TASKS)
def test_a_floor_at_or_above_the_threshold_is_reached_at_any_compute(fitted, task):
    for floor in (0.3, 0.4):
        assert np.all(threshold_draws(with_law(fitted, task, floor=floor, ceiling=0.9), task, 0.3) == -np.inf)


def test_guessing_already_reaches_a_threshold_below_chance(fitted):
    answer = threshold(fitted, "four choices", 0.2)
    assert set(answer["log10_compute"].values()) == {"-inf"}
    assert answer["p_never"] == 0 and all(rung["p"] == 1 for rung in answer["p_crossed_by"])


@pytest.mark.parametrize("task", TASKS)
def test_the_answer_has_exactly_the_keys_of_the_design(fitted, task):
    answer = threshold(fitted, task, 0.5)
    assert list(answer) == KEYS
    assert list(answer["log10_compute"]) == QUANTILES
    assert all(set(rung) == {"log10_compute", "p"} for rung in answer["p_crossed_by"])
    assert set(answer["diagnostics"]) == {"max_rhat", "min_ess", "divergences"}
    assert (answer["task"], answer["metric"], answer["at"], answer["event"]) == (task, TASKS[task][0], 0.5, "typical")
    assert answer["data_log10_compute"] == pytest.approx([20.0, 22.5])
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize("at", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("task", TASKS)
def test_quantiles_are_ordered_draws(fitted, task, at):
    found = [float(value) for value in threshold(fitted, task, at)["log10_compute"].values()]
    assert found == sorted(found)
    assert set(found) <= set(threshold_draws(fitted, task, at).values.ravel())  # order statistics, not interpolated


def test_an_infinite_quantile_is_the_string_inf(fitted):
    half_never = with_law(fitted, HOSTILE, ceiling=xr.where(fitted.posterior.draw % 2 == 0, 0.4, 0.95), floor=0.0)
    found = threshold(half_never, HOSTILE, 0.5)
    assert found["p_never"] == 0.5
    assert found["log10_compute"]["q75"] == found["log10_compute"]["q95"] == "inf"
    assert isinstance(found["log10_compute"]["q25"], float)


@pytest.mark.parametrize("task", TASKS)
def test_the_chance_to_have_crossed_rises_with_compute_and_ends_below_one_minus_never(fitted, task):
    answer = threshold(fitted, task, 0.9)
    x, p = np.array([[rung["log10_compute"], rung["p"]] for rung in answer["p_crossed_by"]]).T
    assert np.all(np.diff(x) > 0) and np.all(np.diff(p) >= 0)
    assert p[0] >= 0 and p[-1] + answer["p_never"] <= 1 + 1e-12  # shares of draws, added in floating point
    draws = threshold_draws(fitted, task, 0.9).values
    np.testing.assert_array_equal(p, [(draws <= rung).mean() for rung in x])
    first, last = answer["data_log10_compute"]
    assert x[0] <= first and x[-1] >= last + 6


def test_the_median_threshold_is_where_half_of_the_curves_have_crossed(fitted):
    median = float(np.quantile(threshold_draws(fitted, "most of it", 0.5), 0.5, method="inverted_cdf"))
    crossed = typical_score(fitted, "most of it", np.array([median])) >= 0.5 - 1e-9
    assert abs(float(crossed.mean()) - 0.5) <= 1 / crossed.size


@pytest.mark.parametrize("at", [0.0, 1.0, -0.1, 80.0, float("nan"), float("inf")])
def test_a_threshold_outside_the_unit_interval_is_refused_with_the_remedy(fitted, at):
    with pytest.raises(ForecastError, match=r"between 0 and 1.*0.8"):
        threshold(fitted, "addition", at)


def test_an_unknown_task_is_refused_with_the_nearest_names(fitted):
    with pytest.raises(ForecastError, match=r"'adition' is not a task of this fit; choose one of: 'addition'$"):
        threshold(fitted, "adition", 0.5)

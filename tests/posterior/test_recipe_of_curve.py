"""Runs of other recipes on a curve: the curve's recipe scores there what their own does where they are."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.errors import ForecastError
from forecast.fitting.contraction import contraction
from forecast.posterior.compute import compute_as_family, differs_by_family, split_deficit
from forecast.posterior.predict import typical_score
from forecast.posterior.threshold import threshold_draws
from forecast.report.content import task_forecast, write_report
from models.dates import years_of_runs

TASK = "words [exact_match]"


@pytest.fixture(scope="module")
def one_draw(answer_fitted):
    """A posterior of one draw, of which a median is no approximation."""
    return replace(answer_fitted, posterior=answer_fitted.posterior.isel(chain=[0], draw=[5]))


@pytest.mark.parametrize("family", [None, "recipe 1"])
def test_the_recipe_of_the_curve_scores_there_what_the_own_recipe_scores(one_draw, family):
    data = one_draw.data
    assert differs_by_family(one_draw)
    x, years = data.log10_compute.values, years_of_runs(data)
    families = data.family.values[data.family_index.values]
    moved = compute_as_family(one_draw, TASK, x, families=families, years=years, family=family)
    curve = typical_score(one_draw, TASK, moved, family=family).values.ravel()
    own = [
        typical_score(one_draw, TASK, np.array([place]), family=str(of), year=year).item()
        for place, of, year in zip(x, families, years, strict=True)
    ]
    np.testing.assert_allclose(curve, own, rtol=1e-6)
    assert np.ptp(moved - x) > 0.01  # recipes differ


def test_a_run_of_the_recipe_of_the_curve_stays_where_it_is(one_draw):
    year = float(np.nanmax(years_of_runs(one_draw.data)[one_draw.data.family_index.values == 1]))
    x = np.array([20.5, 22.0])
    family = str(one_draw.data.family.values[1])
    options = {"families": np.array([family] * 2), "years": np.array([year] * 2), "family": family}
    np.testing.assert_allclose(compute_as_family(one_draw, TASK, x, **options), x, atol=1e-9)


def test_a_run_of_a_family_that_was_not_fitted_has_no_place(one_draw):
    options = {"families": np.array(["another"]), "years": np.array([2022.0])}
    assert np.isnan(compute_as_family(one_draw, TASK, np.array([21.0]), **options)).all()


def test_a_split_that_is_not_optimal_counts_as_less_compute(one_draw):
    """By what the fit says such a split loses, with the family of the curve itself."""
    posterior = one_draw.posterior.assign(
        params_exponent=0.35 + 0 * one_draw.posterior.sigma_run,
        tokens_exponent=0.35 + 0 * one_draw.posterior.sigma_run,
        log10_optimal_ratio=1.3 + 0 * one_draw.posterior.sigma_run,
    )
    fit, family = replace(one_draw, posterior=posterior), str(one_draw.data.family.values[1])
    year = float(np.nanmax(years_of_runs(fit.data)[fit.data.family_index.values == 1]))
    params, tokens = np.array([9.0, 10.0]), np.array([12.0, 11.3])
    x = np.log10(6.0) + params + tokens
    options = {"families": np.array([family] * 2), "years": np.array([year] * 2), "family": family}
    moved = compute_as_family(fit, TASK, x, log10_params=params, log10_tokens=tokens, **options)
    lost = split_deficit(fit, xr.DataArray(params, dims="run"), xr.DataArray(tokens, dims="run")).values.ravel()
    np.testing.assert_allclose(moved - x, lost, atol=1e-9)
    assert lost[0] < -0.1 and lost[0] < lost[1] <= 0.0


def test_a_table_of_one_recipe_moves_nothing(fitted):
    assert not differs_by_family(fitted)
    assert isinstance(fitted.posterior, xr.Dataset)


@pytest.mark.parametrize("family", [None, "recipe 1"])
def test_the_curve_of_a_report_reaches_every_point_that_was_moved_to_it(answer_fitted, family, monkeypatch):
    data = answer_fitted.data
    far = data.log10_compute.values.min() - 2.0, data.log10_compute.values.max() + 9.0
    ends = np.resize(far, int((data.task_index.values == data.task.values.tolist().index(TASK)).sum()))
    monkeypatch.setattr("forecast.posterior.views.curve.compute_as_family", lambda *_, **__: ends)
    grid = task_forecast(answer_fitted, TASK, 0.5, family=family).grid
    assert grid[0] < far[0] and grid[-1] > far[1]


def test_what_the_data_moved_of_a_threshold_of_a_family_is_that_of_the_family(answer_fitted):
    found = contraction(answer_fitted, at=(0.5,), family="recipe 1")
    line = next(line for line in found if line["task"] == TASK and "p_never" in line)
    draws = threshold_draws(answer_fitted, TASK, 0.5, family="recipe 1").values
    wanted = np.quantile(draws, (0.05, 0.5, 0.95), method="inverted_cdf")
    np.testing.assert_array_equal([float(value) for value in line["posterior"]], wanted)
    typical = next(line for line in contraction(answer_fitted, at=(0.5,)) if line["task"] == TASK and "p_never" in line)
    assert line["posterior"] != typical["posterior"]


def test_a_loss_is_refused_as_the_headline_of_a_report_with_the_rates(answer_fitted, tmp_path):
    with pytest.raises(ForecastError, match=r"'words \[loss\]' is a loss.*choose one of.*words \[exact_match\]"):
        write_report(answer_fitted, tmp_path / "report.html", at=0.5, headline="words [loss]")
    assert not list(tmp_path.iterdir())

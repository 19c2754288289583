"""What new runs share: shocks of sizes and half-years, the progress of a date; and how later ones are spread."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.posterior.predict import predict
from forecast.posterior.recipes.ahead import date_deviation, elapsed_years, family_shift, progress_of_task
from forecast.posterior.recipes.later import SPREAD_OF_LATER, is_later, spread_dates, spread_out
from forecast.posterior.recipes.new_runs import NewRuns
from forecast.posterior.threshold import threshold_draws
from forecast.table.dataset import read_rows, read_table
from models.structures import Parts
from tests.conftest import SEED, write_rows

HEADER = ("model", "family", "task", "metric", "score", "trials", "params", "tokens", "date", "chance")
TASKS = {"sums": "exact_match", "picks": "choice"}
DRAWS = 1000


def row(model, task, params, date, family="a", tokens=2e10):
    known = {"score": 0.4, "trials": 200, "chance": 0.25 if task == "picks" else ""}
    size = {"params": params, "tokens": tokens} if params else {}
    return {"model": model, "family": family, "task": task, "metric": TASKS[task], "date": date} | known | size


@pytest.fixture(scope="module")
def fits(tmp_path_factory, prior_fit):
    """Draws of the prior, of a table with compute and of one in years."""
    folder, found = tmp_path_factory.mktemp("runs"), {}
    for name, sized in {"compute": True, "years": False}.items():
        rows = [
            row(f"run {place}", task, 10 ** (8 + place / 4) if sized else None, f"20{18 + place}-03-01")
            for place in range(6)
            for task in TASKS
        ]
        path = write_rows(folder / f"{name}.csv", rows, header=HEADER)
        found[name] = prior_fit(read_table(path), draws=DRAWS)
    return found | {"folder": folder}


def new_rows(fits, rows):
    return read_rows(write_rows(fits["folder"] / "new.csv", rows, header=HEADER))


def thetas(fits, rows, fit=None):
    """Effective compute (model: draw) of new runs, in decades."""
    fit, frame = fit or fits["compute"], new_rows(fits, rows)
    runs = NewRuns(fit, frame, np.random.default_rng(SEED).standard_normal)
    by = frame.groupby("model", sort=False)
    return {model: (runs.theta(model, own) * fit.posterior.theta_scale).values.ravel() for model, own in by}


def test_runs_of_one_new_size_share_a_shock_and_others_do_not(fits):
    """The variance of the difference of two runs is that of their residuals alone, or has both shocks as well."""
    fit = fits["compute"]
    sigma2 = float((fit.posterior.sigma_run**2).mean())
    alike = thetas(fits, [row("x", "sums", 1e10, "2023-04-01"), row("y", "sums", 1e10, "2023-04-01")])
    assert np.var(alike["x"] - alike["y"]) == pytest.approx(2 * sigma2, rel=0.25)
    other = [row("x", "sums", 1e10, "2023-04-01"), row("y", "sums", 1e10, "2023-04-01", family="b")]
    apart = thetas(fits, other, replace(fit, posterior=fit.posterior.drop_vars("progress_speed", errors="ignore")))
    beyond = np.log10(6 * 1e10 * 2e10) - fit.data.log10_compute.values.max()
    expected = 2 * sigma2 + 2 * fit.priors.size_sd**2 * (1 + beyond)
    assert np.var(apart["x"] - apart["y"]) == pytest.approx(expected, rel=0.3)
    assert expected > 1.5 * 2 * sigma2 * 0.9


def test_a_size_that_was_fitted_has_no_new_shock_nor_has_a_fit_without_the_part(fits):
    fit = fits["compute"]
    fitted_size = 10 ** (8 + 5 / 4)
    rows = [row(name, "sums", fitted_size, "2023-04-01") for name in "xy"]
    with_shocks = thetas(fits, rows)["x"]
    off = thetas(fits, rows, replace(fit, parts=Parts(shocks=False)))["x"]
    np.testing.assert_allclose(with_shocks, off)
    larger = [row(name, "sums", 1e11, "2023-04-01") for name in "xy"]
    assert np.var(thetas(fits, larger)["x"]) > np.var(
        thetas(fits, larger, replace(fit, parts=Parts(shocks=False)))["x"]
    )


def test_a_half_year_that_was_fitted_keeps_its_shock_and_a_new_one_is_one_for_all(fits):
    fit = fits["compute"]
    raised = fit.posterior.half_year_shock + xr.DataArray([0.0] * 5 + [3.0], dims="half_year")
    other = replace(fit, posterior=fit.posterior.assign(half_year_shock=raised))
    rows = [row("x", "sums", 1e10, "2023-04-01"), row("y", "sums", 1e10, "2023-09-01")]
    before, after = thetas(fits, rows), thetas(fits, rows, other)
    np.testing.assert_allclose(after["x"] - before["x"], 3.0)
    np.testing.assert_allclose(after["y"], before["y"])
    wide = replace(fit, posterior=fit.posterior.assign(sigma_half_year=5.0 + 0.0 * fit.posterior.sigma_half_year))
    later = [
        row("x", "sums", 1e10, "2024-01-15"),
        row("y", "sums", 1e10, "2024-06-15"),
        row("z", "sums", 1e10, "2024-07-15"),
    ]
    found = thetas(fits, later, wide)
    assert np.corrcoef(found["x"], found["y"])[0, 1] > 0.95 > 0.5 > np.corrcoef(found["x"], found["z"])[0, 1]


def test_a_task_is_ahead_by_its_own_progress_at_the_pace_of_the_years(fits):
    fit = fits["compute"]
    posterior, gained = fit.posterior, elapsed_years(fit, 2023.0) - elapsed_years(fit, 2021.0)
    shift = family_shift(fit, None, 2023.0) - family_shift(fit, None, 2021.0)
    own = posterior.theta_scale * (date_deviation(fit, "sums", 2023.0) - date_deviation(fit, "sums", 2021.0))
    np.testing.assert_allclose(shift + own, progress_of_task(fit, "sums") * gained)
    np.testing.assert_allclose(shift, posterior.progress * gained)
    assert float(abs(progress_of_task(fit, "sums") - progress_of_task(fit, "picks")).min()) > 0


def test_later_is_past_the_last_date_of_a_fit_that_tells_time(fits):
    fit = fits["compute"]
    assert is_later(fit, "2023-03-02") and not is_later(fit, "2023-03-01") and not is_later(fit, None)
    timeless = replace(fit, posterior=fit.posterior.drop_vars("progress"))
    assert not is_later(timeless, "2030-01-01") and is_later(fits["years"], "2024-01-01")


def test_spreading_stretches_the_logit_about_the_median_and_keeps_the_order(fits):
    draws = np.random.default_rng(SEED).beta(2.0, 3.0, 999)
    wide = spread_out(fits["compute"], "sums", draws, by=2.0)
    logit = [np.log(each / (1.0 - each)) for each in (draws, wide)]
    np.testing.assert_allclose(logit[1] - np.median(logit[1]), 2.0 * (logit[0] - np.median(logit[0])), atol=1e-9)
    assert np.median(wide) == pytest.approx(np.median(draws)) and (np.argsort(wide) == np.argsort(draws)).all()
    above = spread_out(fits["compute"], "picks", 0.25 + 0.75 * draws, by=2.0)
    np.testing.assert_allclose((above - 0.25) / 0.75, wide)
    np.testing.assert_array_equal(spread_out(fits["compute"], "sums", np.array([0.0, 1.0])).round(6), [0.0, 1.0])


def test_a_run_after_the_last_date_is_forecast_wider_than_one_on_it(fits):
    """By date alone a day changes nothing but that."""
    rows = [row("on", "sums", None, "2023-03-01"), row("after", "sums", None, "2023-03-02")]
    on, after = predict(fits["years"], new_rows(fits, rows), seed=SEED).values.T
    ranges = [np.subtract(*np.quantile(each, (0.75, 0.25))) for each in (on, after)]
    assert ranges[1] > 1.1 * ranges[0]


def test_dates_to_come_are_spread_and_those_of_the_past_are_not(fits):
    fit = fits["years"]
    last = fit.data.log10_compute.values.max()
    ahead = last + np.linspace(0.5, 4.5, 401)
    wide = spread_dates(fit, ahead)
    assert np.median(wide) == pytest.approx(np.median(ahead)) and wide.min() >= last
    assert wide.max() - np.median(wide) == pytest.approx(SPREAD_OF_LATER * 2.0)
    np.testing.assert_array_equal(spread_dates(fit, ahead - 6.0), ahead - 6.0)
    never = np.where(np.arange(401) < 300, np.inf, ahead)
    np.testing.assert_array_equal(spread_dates(fit, never), never)
    some = spread_dates(fit, np.where(np.arange(401) < 100, np.inf, ahead))
    assert np.isinf(some).sum() == 100 and not np.isnan(some).any()
    np.testing.assert_array_equal(spread_dates(fits["compute"], ahead), ahead)
    assert threshold_draws(fit, "sums", 0.5).dims == ("chain", "draw")

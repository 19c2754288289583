"""Predictive distributions: bounded, reproducible, and with one residual for all rows of a run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.errors import ForecastError
from forecast.posterior.compute import effective_compute
from forecast.posterior.predict import predict, summarise, typical_score
from forecast.posterior.score import expected_score
from forecast.posterior.tasks import task_label
from forecast.table.dataset import read_rows, read_table
from models.facts.placing import reference_compute, standard_weights
from tests.conftest import (
    ANSWER_COLUMNS,
    ANSWERS,
    HOSTILE,
    RUNS,
    SEED,
    TASKS,
    TRIALS,
    forecast_command,
    write_rows,
)

QUANTILES = [f"q{q:02d}" for q in range(1, 100)]


def row(task="addition", model="new", x=23.0, **cells):
    metric, own, *_ = TASKS[task]
    return {"model": model, "task": task, "metric": metric, "compute": f"{10**x:.6g}", **own, **cells}


@pytest.fixture
def rows_of(tmp_path):
    return lambda *rows: read_rows(write_rows(tmp_path / "rows.csv", list(rows)))


def with_wide_residuals(fit):
    """Runs that differ by half a decade, so that a shared residual dominates every other uncertainty."""
    return fit.posterior.assign(sigma_run=xr.full_like(fit.posterior.sigma_run, 0.5))


@pytest.mark.parametrize("task", TASKS)
def test_a_row_has_its_mean_and_ninety_nine_ordered_quantiles(fitted, rows_of, task):
    rows = rows_of(row(task, x=21.2), row(task, "far", x=25.0))
    found = summarise(rows, predict(fitted, rows, seed=SEED))
    assert list(found.columns) == ["model", "task", "metric", "mean", *QUANTILES]
    values = found[QUANTILES].to_numpy()
    assert np.all(np.diff(values, axis=1) >= 0) and values.min() >= 0 and values.max() <= 1
    assert np.all((found["mean"] >= values[:, 0]) & (found["mean"] <= values[:, -1]))


def test_scores_are_counts_out_of_the_trials_or_of_the_usual_number(fitted, rows_of):
    rows = rows_of(row(trials=7), row())
    draws = predict(fitted, rows, seed=SEED)
    for column, trials in enumerate((7, TRIALS)):
        counts = draws.values[:, column] * trials
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-9)
    assert draws.dims == ("draw", "row") and draws.name == "score"
    assert draws.sizes["draw"] == fitted.posterior.sizes["chain"] * fitted.posterior.sizes["draw"]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(fitted, rows_of):
    rows = rows_of(row(x=21.5), row(HOSTILE, x=21.5))
    first, again, other = (predict(fitted, rows, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_identical(first, again)
    assert not np.array_equal(first, other)


def test_rows_of_a_new_run_share_its_residual_and_rows_of_two_runs_do_not(fitted, rows_of):
    fit = replace(fitted, posterior=with_wide_residuals(fitted))
    x = 21.25  # where the tasks are steep
    rows = rows_of(*(row(task, model, x) for model in ("a", "b") for task in ("addition", "most of it")))
    found = np.corrcoef(predict(fit, rows, seed=SEED).values.T)
    error = fit.posterior.sigma_run.size**-0.5  # of a correlation near 0
    assert found[0, 1] > 5 * error and found[2, 3] > 5 * error
    assert found[0, 1] - found[0, 3] > 5 * error and found[2, 3] - found[2, 1] > 5 * error


def test_a_fitted_run_keeps_its_own_effective_compute(fitted, rows_of):
    """Moved by three decades in one run's theta, only the forecast of that run moves."""
    model, other = list(RUNS)[2:4]
    rows = rows_of(row(model=model, x=RUNS[model]), row(model=other, x=RUNS[other]), row(model="new", x=RUNS[model]))
    shift = 3.0 * fitted.posterior.theta_scale * (fitted.posterior.run == model)
    moved = replace(fitted, posterior=fitted.posterior.assign(theta=fitted.posterior.theta + shift))
    before, after = (predict(fit, rows, seed=SEED).mean("draw").values for fit in (fitted, moved))
    assert after[0] > before[0] + 0.1
    np.testing.assert_allclose(after[1:], before[1:], atol=0.05)


def test_the_predictive_mean_is_the_mean_of_the_expected_scores_of_a_fitted_run(fitted, rows_of):
    model = list(RUNS)[2]
    rows = rows_of(*(row(task, model, RUNS[model]) for task in TASKS))
    draws = predict(fitted, rows, seed=SEED)
    law = fitted.posterior
    theta = (law.theta.sel(run=model) - law.theta_origin) / law.theta_scale
    for column, task in enumerate(TASKS):
        expected = expected_score(fitted, task, theta)
        error = (
            float((draws[:, column] - expected.stack(draw_=("chain", "draw")).values).std())
            / draws.sizes["draw"] ** 0.5
        )
        assert abs(float(draws[:, column].mean() - expected.mean())) < 5 * error


@pytest.mark.parametrize("task", TASKS)
def test_the_typical_score_rises_from_the_floor_to_the_ceiling_and_stays_between(fitted, task):
    score = typical_score(fitted, task, np.linspace(-2000, 3000, 1001)).transpose("point", ...)
    law = fitted.posterior.sel(task=task)  # one rate a law: nothing irreducible
    assert np.all(score >= law.floor - 1e-12) and np.all(score <= law.ceiling + 1e-12)
    assert np.all(score.diff("point") >= -1e-12)
    np.testing.assert_allclose(score[-1], law.ceiling.transpose(*score[-1].dims), atol=1e-6)


def test_effective_compute_has_the_level_and_slope_of_log_compute_and_rises_with_it(fitted):
    law, (level, slope) = fitted.posterior, standard_weights(fitted.data)
    theta = ((law.theta - law.theta_origin) / law.theta_scale).transpose("chain", "draw", "run").values
    np.testing.assert_allclose(theta @ level, 0.0, atol=1e-12)
    np.testing.assert_allclose(theta @ slope, 1.0, rtol=1e-12)
    assert abs((fitted.data.log10_compute.values - reference_compute(fitted.data)) @ level) < 1e-12
    grid = xr.DataArray(np.linspace(19, 26, 30), dims="point")
    assert np.all(effective_compute(fitted, grid).diff("point") > 0)


@pytest.mark.parametrize("x", [-50.0, 90.0])
def test_far_from_the_data_predictions_stay_scores(fitted, rows_of, x):
    rows = rows_of(*(row(task, x=22.0) for task in TASKS)).assign(compute=10.0**x)  # no table may hold such a compute
    draws = predict(fitted, rows, seed=SEED).values
    assert np.all((draws >= 0) & (draws <= 1))


def test_an_unknown_task_lists_the_nearest_names(fitted, rows_of):
    with pytest.raises(ForecastError, match=r"'four choice' .*choose one of: 'four choices'"):
        predict(fitted, rows_of(row() | {"task": "four choice"}), seed=1)


def test_a_task_unlike_any_other_lists_what_there_is(fitted):
    with pytest.raises(ForecastError) as caught:
        task_label(fitted, "zzzz")
    assert all(name in str(caught.value) for name in ("addition", "most of it", "four choices"))
    assert "\n" not in str(caught.value)


def test_a_task_with_another_metric_than_fitted_is_refused(fitted, rows_of):
    with pytest.raises(ForecastError, match="'addition' with metric 'choice' is not a task of this fit"):
        predict(fitted, rows_of(row() | {"metric": "choice"}), seed=1)


def test_a_row_that_asks_for_another_k_than_fitted_is_refused(fitted, rows_of):
    with pytest.raises(ForecastError, match="k"):
        predict(fitted, rows_of(row("most of it", k=3)), seed=1)


def test_a_loss_of_a_task_that_was_fitted_on_rates_alone_is_refused(fitted, rows_of):
    with pytest.raises(ForecastError, match="'addition' with metric 'loss' is not a task of this fit"):
        predict(fitted, rows_of(row(), row() | {"metric": "loss"}), seed=1)


def test_the_draws_file_holds_what_the_quantiles_summarise(fit_file, tmp_path):
    rows = write_rows(tmp_path / "rows.csv", [row(x=22.0), row(HOSTILE, x=22.0)])
    out, draws = tmp_path / "out.csv", tmp_path / "draws.nc"
    assert forecast_command("predict", fit_file, "--rows", rows, "-o", out, "--draws", draws).code == 3
    table = pd.read_csv(out)
    with xr.open_dataset(draws) as dataset:
        assert list(dataset.data_vars) == ["score"] and dataset.score.dims == ("draw", "row")
        np.testing.assert_allclose(dataset.score.mean("draw"), table["mean"])
        np.testing.assert_allclose(
            np.quantile(dataset.score, 0.05, axis=0, method="inverted_cdf"), table["q05"], rtol=1e-12
        )
        assert dataset.score.attrs["seed"] == 1
    assert list(table["task"]) == ["addition", HOSTILE]


# several metrics of the same answers, several kinds of laws


@pytest.fixture(scope="module")
def prior(answer_table, prior_fit):
    return prior_fit(read_table(answer_table), draws=300)


@pytest.fixture
def scores_of(prior, tmp_path):
    """Predicted scores (row, draw) of answers of runs of families, with some numbers of the posterior set."""

    def predicted(rows, **numbers):
        rows = [
            {**ANSWERS[label], "model": model, "family": family, "date": "2022-06-01", "compute": "1e22"}
            | ({} if label.endswith("[loss]") else {"trials": 400000})
            for label, model, family in rows
        ]
        read = read_rows(write_rows(tmp_path / "rows.csv", rows, header=ANSWER_COLUMNS))
        law = prior.posterior
        law = law.assign({name: xr.full_like(law[name], number) for name, number in numbers.items()})
        return predict(replace(prior, posterior=law), read, seed=SEED).values.T

    return predicted


def test_a_new_run_guesses_tokens_differently_where_tokens_are_guessed(scores_of):
    rows = [("words [exact_match]", "new", "recipe 0"), ("sums [token_accuracy]", "new", "recipe 0")]
    alike, apart = (scores_of(rows, token_floor_spread=spread) for spread in (0.0, 3.0))
    np.testing.assert_array_equal(alike[0], apart[0])
    assert abs(alike[1] - apart[1]).mean() > 0.02


def test_a_fitted_run_keeps_how_it_guesses_tokens(scores_of):
    rows = [("sums [token_accuracy]", "run 0", "recipe 0")]
    np.testing.assert_array_equal(*(scores_of(rows, token_floor_spread=spread) for spread in (0.0, 3.0)))


def test_an_unseen_family_that_is_good_at_choices_is_not_so_at_answers(scores_of):
    """A measured loss and exact match are of one kind and get better together, a choice gets worse."""
    rows = [("picks", "known", "recipe 0"), ("words [loss]", "new", "unseen")]
    rows += [("words [exact_match]", "new", "unseen"), ("picks", "new", "unseen")]
    precise = {"concentration": 1e9, "loss_scale": 1e-9}
    alike, apart = (scores_of(rows, sigma_skill=spread, **precise) for spread in (0.0, 3.0))
    np.testing.assert_array_equal(alike[0], apart[0])  # the skills of a known family are its own
    _, loss, answers, choices = apart - alike
    assert np.mean(answers * choices < 0) > 5 * np.mean(answers * choices > 0)
    assert np.mean(answers * loss < 0) > 5 * np.mean(answers * loss > 0)

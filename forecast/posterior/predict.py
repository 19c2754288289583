"""Predictions: typical curves over compute, and predictive draws for rows of a table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import order_statistics
from forecast.posterior.compute import effective_compute
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import date_deviation, family_deviation, family_shift
from forecast.posterior.recipes.later import is_later, spread_out
from forecast.posterior.recipes.new_runs import NewRuns
from forecast.posterior.score import Residuals, expected_score, law_of_task, residuals_of_answers
from forecast.posterior.tasks import is_measured, item_size, law_name, task_label, usual_trials
from models.dates import years_of_runs
from models.equations.loss import LN10
from models.equations.metrics import METRICS
from models.facts.layout import answers

PERCENTILES = tuple(q / 100 for q in range(1, 100))


def typical_score(
    fit: Fit, task: str, log10_compute: np.ndarray, *, family: str | None = None, year: float | None = None
) -> xr.DataArray:
    """Expected score of a typical run along a grid of log10 FLOP: dims chain, draw, point."""
    grid, shift = xr.DataArray(log10_compute, dims="point"), family_shift(fit, family, year)
    theta = effective_compute(fit, grid, family=family, shift=shift)
    return expected_score(fit, task, theta + family_deviation(fit, task, family, year))


def row_means(fit: Fit) -> np.ndarray:
    """Expected score or loss of each row at the run's own residuals: dims row, draw."""
    data, posterior = fit.data, fit.posterior
    standard = (posterior.theta - posterior.theta_origin) / posterior.theta_scale
    answer = answers(data)
    means = np.empty((data.sizes["observation"], posterior.sizes["chain"] * posterior.sizes["draw"]))
    for t, task in enumerate(data.task.values):
        rows = np.flatnonzero(data.task_index.values == t)
        runs = xr.DataArray(data.run_index.values[rows], dims="row")
        theta = standard.isel(run=runs)
        if "deviation" in posterior:
            families = data.family_index.values[runs.values]
            own = posterior.deviation.sel(law=law_name(fit, str(task)), drop=True)
            theta = theta + own.isel(family=xr.DataArray(families, dims="row"), drop=True).drop_vars("family")
        theta = theta + date_deviation(fit, str(task), xr.DataArray(years_of_runs(data)[runs.values], dims="row"))
        shared = answer[rows[0]] >= 0
        residuals = residuals_of_answers(fit, xr.DataArray(answer[rows], dims="row")) if shared else Residuals()
        expected = expected_score(fit, str(task), theta, residuals)
        means[rows] = expected.transpose("row", "chain", "draw").values.reshape(len(rows), -1)
    return means


def predict(fit: Fit, rows: pd.DataFrame, *, seed: int) -> xr.DataArray:
    """Predictive draws of the score of each row: ``score(draw, row)``.

    A row of a run that was fitted keeps the residuals of that run; rows of a new run share one new residual, those of
    one law another, those of one new size or half-year a shock, and runs of a new family share its effect and its
    deviation on each law. Runs later than all of the table are spread as the record says. Rates are counts out of
    `trials` (where blank, the median number of trials of the task in the fitted table); losses are in nats and
    horizons in minutes, with the error of their rows.
    """
    labels = labels_of_rows(fit, rows)
    rng = np.random.default_rng(seed)
    bare = fit.posterior.drop_vars(("chain", "draw"), errors="ignore")  # to align them takes longer than all arithmetic
    fit = replace(fit, posterior=bare)
    laws = {label: law_of_task(fit, label) for label in dict.fromkeys(labels)}
    posterior = fit.posterior.sizes
    recipes = NewRuns(fit, rows, rng.standard_normal)
    thetas = {model: recipes.theta(model, group) for model, group in rows.groupby("model", sort=False)}
    fitted = set(fit.data.run.values.tolist())
    scores = np.empty((posterior["chain"] * posterior["draw"], len(rows)))
    for position, (label, row) in enumerate(zip(labels, rows.itertuples(), strict=True)):
        theta = thetas[row.model] + recipes.deviation(label, row.model, row.family)
        mean = _flat(expected_score(fit, label, theta, recipes.residuals(label, row.model)))
        if row.model not in fitted and is_later(fit, row.date):
            mean = spread_out(fit, label, mean)
        law = laws[label]
        if is_measured(fit, label):
            freedom, error = fit.priors.loss_degrees_of_freedom, LN10 * np.nan_to_num(getattr(row, "score_sd", 0.0))
            scale = np.hypot(_flat(law.loss_scale), error) if error else _flat(law.loss_scale)
            scores[:, position] = mean * np.exp(scale * rng.standard_t(freedom, mean.shape))
            continue
        counts, trials = draw_counts(fit, label, mean, _flat(law.concentration), row.trials, rng)
        scores[:, position] = counts / trials
    return xr.DataArray(scores, dims=("draw", "row"), name="score", attrs={"seed": seed})


def labels_of_rows(fit: Fit, rows: pd.DataFrame) -> list[str]:
    """The task of a fit that each row is of."""
    return [
        task_label(fit, row.task, row.metric, row.k if METRICS[row.metric].k and pd.notna(row.k) else None, row.length)
        for row in rows.itertuples()
    ]


def _flat(draws: xr.DataArray) -> np.ndarray:
    return draws.transpose("chain", "draw").values.ravel()


def draw_counts(
    fit: Fit, label: str, mean: np.ndarray, concentration: np.ndarray, trials: float, rng: np.random.Generator
) -> tuple[np.ndarray, int]:
    """Counts of a sound evaluation around their mean, and the trials they are out of; of tokens, items times length."""
    number = int(trials) if pd.notna(trials) else usual_trials(fit, label)
    tokens = max(int(item_size(fit, label)), 1)
    items = max(number // tokens, 1)
    rate = rng.beta(np.maximum(mean * concentration, 1e-12), np.maximum((1.0 - mean) * concentration, 1e-12))
    return rng.binomial(items, rate) * (number / items), number


def summarise(rows: pd.DataFrame, draws: xr.DataArray) -> pd.DataFrame:
    """One line a row: model, task, metric, predictive mean and quantiles q01 to q99."""
    quantiles = order_statistics(draws.values, PERCENTILES, axis=0)
    names = rows[["model", "task", "metric"]].reset_index(drop=True)
    return pd.concat([names, pd.DataFrame({"mean": draws.values.mean(axis=0), **quantiles})], axis=1)

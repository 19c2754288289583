"""Scores that a fit expects: typical curves over compute, and predictive draws for rows of a table."""

import difflib

import numpy as np
import pandas as pd
import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.store import Fit
from models import equations
from models.capability import bend_knots, reference_compute, success_of_task

QUANTILES = tuple(q / 100 for q in range(1, 100))


def task_label(fit: Fit, name: str, metric: str | None = None, k: float | None = None) -> str:
    """The task coordinate of a fit that a user's name (metric, k) means; a `ForecastError` lists what there is."""
    labels = fit.data.task.values.tolist()
    wanted = np.ones(len(labels), dtype=bool)
    if metric is not None:
        wanted &= fit.data.metric.values == metric
    if k is not None:
        wanted &= fit.data.task_k.values == k
    if name in labels and wanted[labels.index(name)]:
        return name
    found = fit.data.task.values[wanted & (fit.data.task_name.values == name)]
    if len(found) == 1:
        return str(found[0])
    choices = found.tolist() or difflib.get_close_matches(name, labels, n=5, cutoff=0.4) or labels[:10]
    listed = "; ".join(shown(str(choice)) for choice in choices)
    asked = (
        shown(name) + ("" if metric is None else f" with metric {shown(metric)}") + ("" if k is None else f", k {k:g}")
    )
    what = "names several tasks" if len(found) else "is not a task of this fit"
    raise ForecastError(f"{asked} {what}; choose one of: {listed}")


def effective_compute(fit: Fit, log10_compute: xr.DataArray, residual: xr.DataArray | float = 0.0) -> xr.DataArray:
    """Effective compute of runs at the given log10 FLOP: dims chain, draw and those of the argument.

    ``(path(x) + residual - origin) / scale``, see `models.capability`.
    """
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    path = xr.apply_ufunc(
        lambda log10_compute, slopes: equations.bent_compute(
            log10_compute, slopes=slopes, knots=knots, theta_ref=reference
        ),
        log10_compute,
        fit.posterior.slopes,
        input_core_dims=[[], ["segment"]],
    )
    return (path + residual - fit.posterior.theta_origin) / fit.posterior.theta_scale


def expected_score(fit: Fit, task: str, theta: xr.DataArray) -> xr.DataArray:
    """Expected score of a task at effective compute theta, per posterior draw."""
    law, facts = fit.posterior.sel(task=task), fit.data.sel(task=task)
    loss = equations.power_law_loss(
        theta, irreducible=0.0, log10_amplitude=law.log10_amplitude, exponent=law.exponent, theta_ref=0.0
    )
    success = success_of_task(
        loss, law.nu, metric=facts.metric.item(), length=facts.task_length.item(), k=facts.task_k.item()
    )
    return equations.score_from_success(success, floor=law.floor, ceiling=law.ceiling)


def typical_score(fit: Fit, task: str, log10_compute: np.ndarray) -> xr.DataArray:
    """Expected score of a typical run along a grid of log10 FLOP: dims chain, draw, point."""
    return expected_score(fit, task, effective_compute(fit, xr.DataArray(log10_compute, dims="point")))


def predict(fit: Fit, rows: pd.DataFrame, *, seed: int) -> xr.DataArray:
    """Predictive draws of the score of each row: ``score(draw, row)``.

    A row of a run that was fitted keeps the residual of that run; rows of a new run share one new residual. Scores are
    counts out of `trials` (where blank, the median number of trials of the task in the fitted table).
    """
    unknown = rows.index[rows["metric"] == "loss"]
    if len(unknown):
        raise ForecastError(f"row {unknown[0]}: metric 'loss' cannot be predicted by this fit; remove the loss rows")
    labels = [
        task_label(fit, row.task, row.metric, row.k if row.metric == "at_least_k" else None)
        for row in rows.itertuples()
    ]
    rng = np.random.default_rng(seed)
    posterior = fit.posterior.sizes
    thetas = {model: _theta_of_run(fit, model, group, rng) for model, group in rows.groupby("model", sort=False)}
    scores = np.empty((posterior["chain"] * posterior["draw"], len(rows)))
    for position, (label, row) in enumerate(zip(labels, rows.itertuples(), strict=True)):
        mean = expected_score(fit, label, thetas[row.model]).stack(sample=("chain", "draw")).values
        weight = fit.posterior.concentration.sel(task=label).stack(sample=("chain", "draw")).values
        trials = _trials(fit, label, row.trials)
        rate = rng.beta(np.maximum(mean * weight, 1e-12), np.maximum((1.0 - mean) * weight, 1e-12))
        scores[:, position] = rng.binomial(trials, rate) / trials
    return xr.DataArray(scores, dims=("draw", "row"), name="score", attrs={"seed": seed})


def summarise(rows: pd.DataFrame, draws: xr.DataArray) -> pd.DataFrame:
    """One line a row: model, task, metric, predictive mean and quantiles q01 to q99."""
    quantiles = np.quantile(draws.values, QUANTILES, axis=0, method="inverted_cdf")
    columns = {f"q{round(100 * q):02d}": quantiles[i] for i, q in enumerate(QUANTILES)}
    names = rows[["model", "task", "metric"]].reset_index(drop=True)
    return pd.concat([names, pd.DataFrame({"mean": draws.values.mean(axis=0), **columns})], axis=1)


def _theta_of_run(fit: Fit, model: str, rows: pd.DataFrame, rng: np.random.Generator) -> xr.DataArray:
    if model in fit.data.run.values:
        return (fit.posterior.theta.sel(run=model, drop=True) - fit.posterior.theta_origin) / fit.posterior.theta_scale
    sigma = fit.posterior.sigma_run
    residual = sigma * xr.DataArray(rng.standard_normal(sigma.shape), dims=sigma.dims)
    return effective_compute(fit, xr.DataArray(np.log10(rows["compute"].iloc[0])), residual)


def _trials(fit: Fit, label: str, trials: float) -> int:
    if pd.notna(trials):
        return int(trials)
    own = fit.data.trials.values[fit.data.task_index.values == fit.data.task.values.tolist().index(label)]
    return int(np.median(own))

"""Predictions: typical curves over compute, and predictive draws for rows of a table."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import order_statistics
from forecast.posterior.compute import effective_compute, family_deviation, family_shift, new_deviation, split_deficit
from forecast.posterior.fit import Fit
from forecast.posterior.score import Residuals, expected_score, law_of_task
from forecast.posterior.tasks import is_measured, item_size, law_name, task_label, usual_trials
from forecast.table.dataset import index_of
from models.dates import years
from models.equations.loss import LN10
from models.equations.metrics import METRICS
from models.facts.layout import answers
from models.facts.placing import reference_compute

PERCENTILES = tuple(q / 100 for q in range(1, 100))


def typical_score(
    fit: Fit, task: str, log10_compute: np.ndarray, *, family: str | None = None, year: float | None = None
) -> xr.DataArray:
    """Expected score of a typical run along a grid of log10 FLOP: dims chain, draw, point."""
    grid, shift = xr.DataArray(log10_compute, dims="point"), family_shift(fit, family, year)
    theta = effective_compute(fit, grid, family=family, shift=shift)
    return expected_score(fit, task, theta + family_deviation(fit, task, family))


def residuals_of_answers(fit: Fit, answer: xr.DataArray | int) -> Residuals:
    """Residuals of fitted answers, by their index."""
    names = {"log_loss": "answer_residual", "token_floor": "token_floor_residual"}
    found = {
        name: fit.posterior[of].isel(answer=answer, drop=True) for name, of in names.items() if of in fit.posterior
    }
    return Residuals(**found)


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
        shared = answer[rows[0]] >= 0
        residuals = residuals_of_answers(fit, xr.DataArray(answer[rows], dims="row")) if shared else Residuals()
        expected = expected_score(fit, str(task), theta, residuals)
        means[rows] = expected.transpose("row", "chain", "draw").values.reshape(len(rows), -1)
    return means


def predict(fit: Fit, rows: pd.DataFrame, *, seed: int) -> xr.DataArray:
    """Predictive draws of the score of each row: ``score(draw, row)``.

    A row of a run that was fitted keeps the residuals of that run; rows of a new run share one new residual, those of
    one law another, and runs of a new family share its effect and its deviation on each law. Rates are counts out of
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
    scores = np.empty((posterior["chain"] * posterior["draw"], len(rows)))
    for position, (label, row) in enumerate(zip(labels, rows.itertuples(), strict=True)):
        theta = thetas[row.model] + recipes.deviation(label, row.model, row.family)
        mean = _flat(expected_score(fit, label, theta, recipes.residuals(label, row.model)))
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


class NewRuns:
    """What is new in a table of rows, each drawn once: residuals of runs, effects and deviations of families.

    `normal` gives standard normal draws of a shape: that of `sigma_run`, which may have dims beside chain and draw.
    """

    def __init__(self, fit: Fit, rows: pd.DataFrame, normal: Callable[[tuple[int, ...]], np.ndarray]):
        self._fit, self._standard_normal = fit, normal
        self._mean_compute = np.log10(rows.groupby("family")["compute"].mean())
        self._own: dict[object, xr.DataArray] = {}

    def theta(self, model: str, rows: pd.DataFrame) -> xr.DataArray:
        """Effective compute of a run, in units of the laws: dims chain, draw."""
        posterior = self._fit.posterior
        if model in self._fit.data.run.values:
            return (posterior.theta.sel(run=model, drop=True) - posterior.theta_origin) / posterior.theta_scale
        run = rows.iloc[0]
        sd = np.hypot(posterior.sigma_run, run["compute_sd"] if pd.notna(run["compute_sd"]) else 0.0)
        year = None if pd.isna(run["date"]) else float(years(np.datetime64(run["date"])))
        if self._is_known(run["family"]):
            shift = family_shift(self._fit, run["family"], year)
        else:
            shift = family_shift(self._fit, None, year) + self._new_family(run["family"])
        shift = shift + sd * self._normal(("run", model))
        x = np.log10(run["compute"]) + self._deficit(run["params"], run["tokens"])
        return effective_compute(self._fit, x, family=run["family"], shift=shift)  # the regression is in the shift

    def deviation(self, task: str, model: str, family: str) -> xr.DataArray | float:
        """Deviation of a run's family on a task, in units of the laws: dims chain, draw."""
        if model in self._fit.data.run.values:
            run = index_of(self._fit.data, "run", model)
            family = str(self._fit.data.family.values[self._fit.data.family_index.values[run]])
        if "deviation" not in self._fit.posterior or self._is_known(family):
            return family_deviation(self._fit, task, family)
        return new_deviation(self._fit, task, lambda of: self._normal((of, family)))

    def residuals(self, task: str, model: str) -> Residuals:
        """Residuals that the metrics of a run's answers share: dims chain, draw."""
        data, posterior, law = self._fit.data, self._fit.posterior, law_name(self._fit, task)
        of_law = data.law.values[data.law_index.values] == law
        if of_law.sum() == 1:
            return Residuals()
        own = (data.run.values[data.run_index.values] == model) & of_law[data.task_index.values]
        if own.any():
            return residuals_of_answers(self._fit, int(answers(data)[np.argmax(own)]))
        spread = posterior.get("token_floor_spread", 0.0)
        return Residuals(
            log_loss=posterior.answer_sd.sel(law=law, drop=True) * self._normal(("answer", model, law)),
            token_floor=spread * self._normal(("token floor", model, law)),
        )

    def _deficit(self, params: float, tokens: float) -> xr.DataArray | float:
        known = pd.notna(params) and pd.notna(tokens)
        return split_deficit(self._fit, np.log10(params), np.log10(tokens)) if known else 0.0

    def _is_known(self, family: str) -> bool:
        return family in self._fit.data.family.values

    def _new_family(self, family: str) -> xr.DataArray | float:
        posterior = self._fit.posterior
        if "family_slope" not in posterior:
            return 0.0
        beyond = self._mean_compute[family] - reference_compute(self._fit.data)
        return posterior.family_slope * beyond + posterior.sigma_family * self._normal(("family", family))

    def _normal(self, of: object) -> xr.DataArray:
        if of not in self._own:
            like = self._fit.posterior.sigma_run
            self._own[of] = xr.DataArray(self._standard_normal(like.shape), dims=like.dims)
        return self._own[of]

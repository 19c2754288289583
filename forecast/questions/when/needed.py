"""Effective compute a run needs to reach a score, for three events: typical, new run, first of J runs.

All are one number a draw: the place on the path of effective compute (`models.equations.compute.bent_compute`) that a
run with the recipe of the table's last date must reach. Whether it does is then a question of compute and progress
alone.
"""

import numpy as np
import xarray as xr
from scipy import special

from forecast.posterior.compute import placed
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import family_deviation, new_deviation
from forecast.posterior.score import Residuals, law_of_task, theta_at_score
from forecast.posterior.tasks import checked_task, is_measured, item_size, usual_trials
from models.equations.numbers import root_between
from models.facts.layout import answers

SMALLEST_MEAN = 1e-14


def needed_path(fit: Fit, task: str, at: float, *, family: str | None = None) -> xr.DataArray:
    """*Typical*: place on the path from which the mean curve is at `at` or above: dims chain, draw; may be infinite."""
    label = checked_task(fit, task, at)
    return placed(fit, theta_at_score(fit, label, at), family_deviation(fit, label, family), family)


def needed_path_of_new_runs(
    fit: Fit, task: str, at: float, *, runs: int, seed: int, items: int | None = None, family: str | None = None
) -> xr.DataArray:
    """*New run*: place on the path from which a new run scores `at` or more on so many items: dims chain, draw, run.

    A run has its own residual and answers, and without a `family` a recipe of its own. Its luck, residual and sample of
    items, is drawn once and kept over time, so that the share of draws in which it succeeds by a date is the
    probability that a run of that date does. The `first` of the runs is the one that needs least.
    """
    label, rng = checked_task(fit, task, at), np.random.default_rng([seed, 2])
    posterior, of_task = fit.posterior, law_of_task(fit, label)
    numbers: dict[str, xr.DataArray] = {}

    def normal(of: str) -> xr.DataArray:
        if of not in numbers:
            shape = *posterior.sigma_run.shape, runs
            numbers[of] = xr.DataArray(rng.standard_normal(shape), dims=("chain", "draw", "run"))
        return numbers[of]

    ahead = posterior.sigma_run * normal("run")
    if "sigma_half_year" in posterior:  # of all runs the same: the first of them comes in a good or a bad season
        ahead = ahead + posterior.sigma_half_year * normal("half-year").isel(run=0, drop=True)
    if family is None and "sigma_family" in posterior:
        ahead = ahead + posterior.sigma_family * normal("family")
    deviation = new_deviation(fit, label, normal) if family is None else family_deviation(fit, label, family)
    residuals = _residuals(fit, label, normal)
    if is_measured(fit, label):
        shocks = rng.standard_t(fit.priors.loss_degrees_of_freedom, normal("run").shape)
        mean = at * np.exp(-of_task.loss_scale * xr.DataArray(shocks, dims=("chain", "draw", "run")))
    else:
        mean = needed_mean(fit, label, at, items=items, like=normal("run"), rng=rng)
    theta = theta_at_score(fit, label, mean, residuals)
    return (placed(fit, theta, deviation, family) - ahead).transpose("chain", "draw", "run")


def needed_mean(
    fit: Fit, label: str, at: float, *, items: int | None, like: xr.DataArray, rng: np.random.Generator
) -> xr.DataArray:
    """Expected score from which a sound evaluation of a run shows `at` or more, its luck drawn: dims of `like`.

    Successes are beta-binomial. At least k of n show where the rate is above the k-th smallest of n uniform numbers,
    which is Beta(k, n - k + 1), and the rate is the quantile, at a uniform number, of its beta distribution.
    """
    concentration = law_of_task(fit, label).concentration
    trials = usual_trials(fit, label) if items is None else items
    number = trials if items is not None else max(int(trials / item_size(fit, label)), 1)
    k = max(int(np.ceil(at * number - 1e-9)), 1)
    rate = rng.beta(k, number - k + 1, like.shape)
    luck, spread = rng.uniform(size=like.shape), concentration.broadcast_like(like).transpose(*like.dims).values

    def missing(mean: np.ndarray, luck: np.ndarray, spread: np.ndarray, rate: np.ndarray) -> np.ndarray:
        return special.betainc(mean * spread, (1.0 - mean) * spread, rate) - luck

    return like.copy(data=root_between(missing, SMALLEST_MEAN, 1.0 - SMALLEST_MEAN, luck, spread, rate))


def _residuals(fit: Fit, label: str, normal) -> Residuals:
    """What the metrics of a new run's answers share: nothing where one task alone looks at the law."""
    law = fit.data.law.values[int(fit.data.law_index.sel(task=label))]
    if (fit.data.law.values[fit.data.law_index.values] == law).sum() == 1 or not (answers(fit.data) >= 0).any():
        return Residuals()
    spread = fit.posterior.get("token_floor_spread", 0.0)
    return Residuals(
        log_loss=fit.posterior.answer_sd.sel(law=law, drop=True) * normal("answer"),
        token_floor=spread * normal("token floor"),
    )

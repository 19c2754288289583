"""What a run must bring for a capability to be there, under the three events: typical, new run, first of J runs.

All are one number a draw: the place on the path of effective compute (`models.equations.bent_compute`) that a run with
the recipe of the table's last date must reach. Whether it does is then a question of compute and progress alone.
"""

import numpy as np
import xarray as xr
from scipy import special

from forecast.date_scale import by_date
from forecast.law import Residuals, is_loss, law_of_task, theta_at_score
from forecast.predict import usual_trials
from forecast.recipes import family_deviation, new_deviation, recipe_shift, recipe_slopes
from forecast.store import Fit
from forecast.threshold import checked_task
from models import equations
from models.facts import answers
from models.scale_facts import bend_knots, reference_compute

HALVINGS = 45  # of the unit interval, to 3e-14


def needed_path(fit: Fit, task: str, at: float, *, family: str | None = None) -> xr.DataArray:
    """*Typical*: place on the path from which the mean curve is at `at` or above: dims chain, draw; may be infinite."""
    label = checked_task(fit, task, at)
    return _placed(fit, theta_at_score(fit, label, at), family_deviation(fit, label, family), family)


def needed_path_of_new_runs(
    fit: Fit, task: str, at: float, *, runs: int, seed: int, items: int | None = None, family: str | None = None
) -> xr.DataArray:
    """*New run*: place on the path from which a new run scores `at` or more on so many items: dims chain, draw, run.

    A run has its own residual and answers, and without a `family` a recipe of its own. Its luck, residual and sample of
    items, is drawn once and kept over time, so that the share of draws in which it succeeds by a date is the
    probability that a run of that date does. The `first` of the runs is the one that needs least.
    """
    label, rng = checked_task(fit, task, at), np.random.default_rng([seed, 2])
    law, of_task = fit.posterior, law_of_task(fit, label)
    numbers: dict[str, xr.DataArray] = {}

    def normal(of: str) -> xr.DataArray:
        if of not in numbers:
            shape = *law.sigma_run.shape, runs
            numbers[of] = xr.DataArray(rng.standard_normal(shape), dims=("chain", "draw", "run"))
        return numbers[of]

    ahead = law.sigma_run * normal("run")
    if family is None and "sigma_family" in law:
        ahead = ahead + law.sigma_family * normal("family")
    deviation = new_deviation(fit, label, normal) if family is None else family_deviation(fit, label, family)
    residuals = _residuals(fit, label, normal)
    if is_loss(fit, label):
        shocks = rng.standard_t(fit.priors.loss_degrees_of_freedom, normal("run").shape)
        mean = at * np.exp(-of_task.loss_scale * xr.DataArray(shocks, dims=("chain", "draw", "run")))
    else:
        mean = needed_mean(fit, label, at, items=items, like=normal("run"), rng=rng)
    theta = theta_at_score(fit, label, mean, residuals)
    return (_placed(fit, theta, deviation, family) - ahead).transpose("chain", "draw", "run")


def needed_mean(
    fit: Fit, label: str, at: float, *, items: int | None, like: xr.DataArray, rng: np.random.Generator
) -> xr.DataArray:
    """Expected score from which a sound evaluation of a run shows `at` or more, its luck drawn: dims of `like`.

    Successes are beta-binomial. At least k of n show where the rate is above the k-th smallest of n uniform numbers,
    which is Beta(k, n - k + 1), and the rate is the quantile, at a uniform number, of its beta distribution.
    """
    task, concentration = fit.data.sel(task=label), law_of_task(fit, label).concentration
    length = task.task_length.item() if task.metric.item() == "token_accuracy" else 1.0
    trials = usual_trials(fit, label) if items is None else items
    number = trials if items is not None else max(int(trials / (length if np.isfinite(length) else 1.0)), 1)
    k = max(int(np.ceil(at * number - 1e-9)), 1)
    rate = rng.beta(k, number - k + 1, like.shape)
    luck, spread = rng.uniform(size=like.shape), concentration.broadcast_like(like).transpose(*like.dims).values
    low, high = np.zeros(like.shape), np.ones(like.shape)
    for _ in range(HALVINGS):
        mean = 0.5 * (low + high)
        shows = special.betainc(mean * spread, (1.0 - mean) * spread, rate) <= luck
        low, high = np.where(shows, low, mean), np.where(shows, mean, high)
    return like.copy(data=high)


def slopes_of(fit: Fit, family: str | None) -> xr.DataArray:
    """Slopes of the path along which compute grows.

    As in `forecast.threshold` where the fit tells progress from compute. Where it does not, larger families of the
    table may be better because they are later: that is progress, so the path is that of one recipe.
    """
    return recipe_slopes(fit, family) if "progress" in fit.posterior or by_date(fit.data) else fit.posterior.slopes


def path_of(fit: Fit, log10_compute: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Place on the path of a compute, log10 FLOP (draw), along slopes (draw, segment)."""
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    return equations.bent_compute(log10_compute, slopes=slopes, knots=knots, theta_ref=reference)


def compute_of(fit: Fit, path: xr.DataArray, family: str | None) -> xr.DataArray:
    """Compute at a place on the path, log10 FLOP, for the recipe of the table's last date."""
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    found = equations.compute_from_bent(path, slopes=slopes_of(fit, family), knots=knots, theta_ref=reference)
    return found.reset_coords(drop=True).transpose("chain", "draw", ...)


def _placed(fit: Fit, theta: xr.DataArray, deviation: xr.DataArray | float, family: str | None) -> xr.DataArray:
    law = fit.posterior
    place = (theta - deviation) * law.theta_scale + law.theta_origin - recipe_shift(fit, family, None)
    return place.reset_coords(drop=True).transpose("chain", "draw", ...)


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

"""The compute at which a capability appears."""

from typing import Any

import numpy as np
import xarray as xr

from forecast.errors import ForecastError
from forecast.predict import family_deviation, recipe_shift, recipe_slopes, task_label
from forecast.store import Fit, json_number
from models import equations
from models.effective_compute import bend_knots, reference_compute

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
DECADES_SHOWN = 6


def threshold_compute(
    fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None
) -> xr.DataArray:
    """Log10 FLOP at which the typical curve of a task crosses the score `at`: dims chain, draw.

    tau -> success -> loss -> theta -> compute, closed form but for at-least-k. `inf` where the ceiling is at or below
    tau, `-inf` where guessing already reaches it. `family` and `year` as in `forecast.predict.recipe_shift`.
    """
    if not 0 < at < 1:
        raise ForecastError(f"the threshold must lie between 0 and 1, got {at:g}; for 80 % write --at 0.8")
    label = task_label(fit, task)
    law, facts = fit.posterior.sel(task=label), fit.data.sel(task=label)
    success = equations.success_from_score(at, floor=law.floor, ceiling=law.ceiling)
    loss = _loss(success, law.nu, facts)
    theta = equations.theta_from_loss(
        loss, irreducible=0.0, log10_amplitude=law.log10_amplitude, exponent=law.exponent, theta_ref=0.0
    )
    shift = recipe_shift(fit, family, year)
    path = (theta - family_deviation(fit, label, family)) * law.theta_scale + law.theta_origin - shift
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    crossed_at = equations.compute_from_bent(path, slopes=recipe_slopes(fit, family), knots=knots, theta_ref=reference)
    return crossed_at.reset_coords(drop=True)


def threshold(
    fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None
) -> dict[str, Any]:
    """The posterior of threshold compute as the JSON of DESIGN section 5; quantiles are order statistics."""
    label = task_label(fit, task)
    draws = threshold_compute(fit, label, at, family=family, year=year).values.ravel()
    rows = fit.data.task_index.values == fit.data.task.values.tolist().index(label)
    own = fit.data.log10_compute.values[fit.data.run_index.values[rows]]
    quantiles = np.quantile(draws, QUANTILES, method="inverted_cdf")
    ladder = np.arange(np.floor(own.min()), np.ceil(own.max()) + DECADES_SHOWN + 0.5, 0.5)
    never = float(np.mean(draws == np.inf))
    worst = fit.diagnostics
    return {
        "task": label,
        "metric": fit.data.metric.sel(task=label).item(),
        "at": float(at),
        "event": "typical",
        "family": family or _only_family(fit),
        "log10_compute": {
            f"q{round(100 * q):02d}": json_number(value) for q, value in zip(QUANTILES, quantiles, strict=True)
        },
        "p_never": never,
        "p_never_ceiling": never,
        "p_never_loss": 0.0,
        "p_crossed_by": [{"log10_compute": float(x), "p": float(np.mean(draws <= x))} for x in ladder],
        "data_log10_compute": [float(own.min()), float(own.max())],
        "diagnostics": {
            "max_rhat": worst.max_rhat,
            "min_ess": min(worst.min_ess_bulk, worst.min_ess_tail),
            "divergences": worst.divergences,
        },
    }


def _loss(success: xr.DataArray, nu: xr.DataArray, facts: xr.Dataset) -> xr.DataArray:
    """Loss at which a task succeeds: the inverse of `models.capability.success_of_task`."""
    metric, length = facts.metric.item(), facts.task_length.item()
    if metric == "at_least_k":
        return equations.loss_from_at_least_k(success, k=int(facts.task_k.item()), length=int(length), nu=nu)
    if metric == "exact_match" and np.isfinite(length):
        return equations.loss_from_exact_match(success, length=length, nu=nu)
    return equations.loss_from_token_accuracy(success, nu=nu)


def _only_family(fit: Fit) -> str | None:
    families = fit.data.family.values.tolist()
    return families[0] if len(families) == 1 else None

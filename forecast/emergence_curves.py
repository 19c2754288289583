"""What a metric makes of one fitted law: its width, its curve, and what its number of items could not show."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.emergence_scores import SEEN, chance_of_a_success, items_for_a_success, items_for_a_success_on_average
from forecast.law import Residuals, expected_score, is_loss, law_of_task, loss_per_token, theta_at_score
from forecast.predict import effective_compute, residuals_of_answers, row_means
from forecast.recipes import family_deviation, recipe_shift
from forecast.store import Fit, json_number, quantiles
from forecast.threshold import compute_at_theta
from models import equations, facts
from models.capability import frailty, success_of_task, token_floor_of_run

QUANTILES = (0.05, 0.5, 0.95)
RISE = (0.1, 0.9)  # of the way from floor to ceiling
BEYOND, POINTS = 1.5, 80  # decades past the largest run that a figure shows, and points along it
Curves = Mapping[tuple[str, int | None], xr.DataArray]
"""Scores by metric and k: of token accuracy k is None, of exact match it is the length."""


def transition_width(fit: Fit, task: str) -> xr.DataArray:
    """Decades of compute in which the typical curve of a task goes from 10 to 90% of its rise: dims chain, draw.

    The rise is from the score at no compute to that at infinite compute. `inf` where no compute reaches 90%.
    """
    theta = [xr.full_like(fit.posterior.theta_origin, end) for end in (-np.inf, np.inf)]
    low, high = (expected_score(fit, task, end) for end in theta)
    ends = (compute_at_theta(fit, task, theta_at_score(fit, task, low + share * (high - low))) for share in RISE)
    with np.errstate(invalid="ignore"):
        width = -1.0 * (next(ends) - next(ends))
    return width.where(np.isfinite(width), np.inf)


def curves_of_law(
    fit: Fit, task: str, theta: xr.DataArray, residuals: Residuals = Residuals(), *, length: int | None
) -> Curves:
    """The score of one law at standard effective compute under token accuracy, at least each k, and exact match.

    Floor and ceiling are those of the task. Without a whole length there are token accuracy and exact match alone, of a
    choice or an unknown length the task's own metric.
    """
    law, own = law_of_task(fit, task), fit.data.sel(task=task)
    loss = loss_per_token(law, theta, residual=residuals.log_loss)
    nu = frailty(theta, law.nu, law.get("frailty_drift"), limits=facts.drift_limits(fit.data))
    floor = token_floor_of_run(law.token_floor, residuals.token_floor) if "token_floor" in law else None
    metric = own.metric.item()
    asked: list[tuple[str, int | None]] = [("token_accuracy", None)]
    asked += [("at_least_k", k) for k in range(1, length or 1)]
    asked += [("exact_match", length)]
    if metric == "choice" or not np.isfinite(own.task_length.item()):
        asked = [(metric, None)]
    found = {}
    for metric, k in asked:
        tokens = length if length is not None else own.task_length.item()
        each = {"metric": metric, "length": tokens, "k": float(k or 0), "token_floor": floor}
        success = success_of_task(loss, nu, **each)
        score = equations.score_from_success(success, floor=law.floor, ceiling=law.ceiling)
        found[metric, k] = score.transpose("chain", "draw", ...)
    return found


def whole_length(fit: Fit, task: str) -> int | None:
    """Answer length of a task in whole tokens; None where it is not known or not whole."""
    length = fit.data.task_length.sel(task=task).item()
    return int(length) if np.isfinite(length) and length >= 1 and length % 1 == 0 else None


def curves_at_runs(fit: Fit, task: str, row: int) -> Curves:
    """`curves_of_law` for the run of one row, with what is its own."""
    data, law = fit.data, fit.posterior
    run = int(data.run_index.values[row])
    theta = (law.theta.isel(run=run, drop=True) - law.theta_origin) / law.theta_scale
    theta = theta + family_deviation(fit, task, str(data.family.values[data.family_index.values[run]]))
    answer = int(facts.answers(data)[row])
    residuals = residuals_of_answers(fit, answer) if answer >= 0 else Residuals()
    return curves_of_law(fit, task, theta, residuals, length=whole_length(fit, task))


def typical_curves(fit: Fit, task: str, grid: np.ndarray) -> Curves:
    """`curves_of_law` of a typical run along a grid of log10 FLOP: dims chain, draw, point."""
    theta = effective_compute(fit, xr.DataArray(grid, dims="point"), shift=recipe_shift(fit, None, None))
    return curves_of_law(fit, task, theta, length=whole_length(fit, task))


def resolution(fit: Fit, task: str) -> list[dict[str, Any]]:
    """Runs of which a success could hardly have been seen: none was, or less than one was expected.

    `p_seen` is the chance that as many items show a success, `items_needed` how many show one with 95% chance, both
    averaged over draws; of `items` the quantiles over draws.
    """
    data, means = fit.data, row_means(fit)
    label = data.task.values.tolist().index(task)
    found = []
    for row in np.flatnonzero(data.task_index.values == label):
        trials, successes, rate = float(data.trials.values[row]), float(data.successes.values[row]), means[row]
        if is_loss(fit, task) or not (successes < 1 or rate.mean() * trials < 1):
            continue
        run = data.run_index.values[row]
        found.append(
            {
                "model": str(data.run.values[run]),
                "log10_compute": float(data.log10_compute.values[run]),
                "items": int(trials),
                "successes": int(successes),
                "smallest_score": 1.0 / trials,
                "expected_score": quantiles(rate, QUANTILES),
                "p_seen": float(chance_of_a_success(rate, items=trials).mean()),
                "items_needed": json_number(items_for_a_success_on_average(rate)),
                "items_needed_by_draw": quantiles(items_for_a_success(rate, chance=SEEN), QUANTILES),
            }
        )
    return sorted(found, key=lambda each: each["log10_compute"])


def curves_along_compute(fit: Fit, task: str) -> tuple[np.ndarray, dict[tuple[str, int | None], dict[str, np.ndarray]]]:
    """A grid of log10 FLOP from below the runs to beyond them, and q05, q50 and q95 of `typical_curves` along it."""
    x = fit.data.log10_compute.values
    grid = np.linspace(x.min() - 0.3, x.max() + BEYOND, POINTS)
    names = [f"q{round(100 * q):02d}" for q in QUANTILES]
    found = {}
    for key, draws in typical_curves(fit, task, grid).items():
        values = np.quantile(draws.values.reshape(-1, POINTS), QUANTILES, axis=0, method="inverted_cdf")
        found[key] = dict(zip(names, values, strict=True))
    return grid, found

"""Curves of one fitted law under several metrics: width, shape, and what the number of items could not show."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import order_statistics, quantiles
from forecast.files import json_number
from forecast.posterior.compute import compute_at_theta, effective_compute
from forecast.posterior.fit import Fit
from forecast.posterior.predict import row_means
from forecast.posterior.recipes.ahead import family_deviation, family_shift
from forecast.posterior.score import (
    Residuals,
    expected_score,
    law_of_task,
    loss_per_token,
    residuals_of_answers,
    theta_at_score,
)
from forecast.posterior.tasks import is_measured, whole_length
from forecast.table.dataset import rows_of_task
from models.dates import years_of_runs
from models.equations.metrics import METRICS, frailty, score_from_success, success_of_task, token_floor_of_run
from models.equations.numbers import root_between
from models.facts.layout import answers
from models.facts.placing import drift_limits

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
    nu = frailty(theta, law.nu, law.get("frailty_drift"), limits=drift_limits(fit.data))
    floor = token_floor_of_run(law.token_floor, residuals.token_floor) if "token_floor" in law else None
    metric, own_k = own.metric.item(), own.task_k.item()
    asked: list[tuple[str, int | None]] = [("token_accuracy", None)]
    asked += [("at_least_k", k) for k in range(1, length or 1)]
    asked += [("exact_match", length)]
    if METRICS[metric].is_attempts or not METRICS[metric].of_answers or not np.isfinite(own.task_length.item()):
        asked = [(metric, int(own_k) if METRICS[metric].k and np.isfinite(own_k) else None)]
    found = {}
    for metric, k in asked:
        tokens = length if length is not None else own.task_length.item()
        each = {"metric": metric, "length": tokens, "k": float(k or 0), "token_floor": floor}
        success = success_of_task(loss, nu, **each)
        score = score_from_success(success, floor=law.floor, ceiling=law.ceiling)
        found[metric, k] = score.transpose("chain", "draw", ...)
    return found


def curves_at_runs(fit: Fit, task: str, row: int) -> Curves:
    """`curves_of_law` for the run of one row, with what is its own."""
    data, posterior = fit.data, fit.posterior
    run = int(data.run_index.values[row])
    theta = (posterior.theta.isel(run=run, drop=True) - posterior.theta_origin) / posterior.theta_scale
    family, year = str(data.family.values[data.family_index.values[run]]), float(years_of_runs(data)[run])
    theta = theta + family_deviation(fit, task, family, year)
    answer = int(answers(data)[row])
    residuals = residuals_of_answers(fit, answer) if answer >= 0 else Residuals()
    return curves_of_law(fit, task, theta, residuals, length=whole_length(fit, task))


def typical_curves(fit: Fit, task: str, grid: np.ndarray) -> Curves:
    """`curves_of_law` of a typical run along a grid of log10 FLOP: dims chain, draw, point."""
    theta = effective_compute(fit, xr.DataArray(grid, dims="point"), shift=family_shift(fit, None, None))
    theta = theta + family_deviation(fit, task, None)
    return curves_of_law(fit, task, theta, length=whole_length(fit, task))


def resolution(fit: Fit, task: str) -> list[dict[str, Any]]:
    """Runs of which a success could hardly have been seen: none was, or less than one was expected.

    `p_seen` is the chance that as many items show a success, `items_needed` how many show one with 95% chance, both
    averaged over draws; of `items` the quantiles over draws.
    """
    data, means = fit.data, row_means(fit)
    found = []
    for row in np.flatnonzero(rows_of_task(data, task)):
        trials, successes, rate = float(data.trials.values[row]), float(data.successes.values[row]), means[row]
        if is_measured(fit, task) or not (successes < 1 or rate.mean() * trials < 1):
            continue
        run = data.run_index.values[row]
        found.append(
            {
                "model": str(data.run.values[run]),
                "log10_compute": float(data.log10_compute.values[run]),
                "items": int(trials),
                "successes": int(successes),
                "smallest_score": 1.0 / trials,
                "expected_score": quantiles(rate),
                "p_seen": float(chance_of_a_success(rate, items=trials).mean()),
                "items_needed": json_number(items_for_a_success_on_average(rate)),
                "items_needed_by_draw": quantiles(items_for_a_success(rate, chance=SEEN)),
            }
        )
    return sorted(found, key=lambda each: each["log10_compute"])


def curves_along_compute(fit: Fit, task: str) -> tuple[np.ndarray, dict[tuple[str, int | None], dict[str, np.ndarray]]]:
    """A grid of log10 FLOP from below the runs to beyond them, and q05, q50 and q95 of `typical_curves` along it."""
    x = fit.data.log10_compute.values
    grid = np.linspace(x.min() - 0.3, x.max() + BEYOND, POINTS)
    curves = typical_curves(fit, task, grid)
    return grid, {key: order_statistics(draws.values, axis=(0, 1)) for key, draws in curves.items()}


SEEN = 0.95  # chance of at least one success that counts as "would show it"
MOST_ITEMS = 1e18  # beyond it no number of items is named


def emergence_score(score: np.ndarray) -> float:
    """Emergence score of the scores (run) of one metric, in order of scale.

    ``sign(argmax y - argmin y) (max y - min y) / sqrt(median_i (y_i - y_{i+1})^2)``

    Source: Srivastava et al. 2022 (arXiv:2206.04615), as used by Schaeffer, Miranda and Koyejo 2023 (arXiv:2304.15004,
    section 4). Where half of the steps are nothing the median is zero and the score infinite; of a metric that never
    moves it is 0. NaN for fewer than two runs.
    """
    if len(score) < 2:
        return np.nan
    jump = np.sign(np.argmax(score) - np.argmin(score)) * (score.max() - score.min())
    with np.errstate(divide="ignore"):
        return float(jump / np.sqrt(np.median(np.diff(score) ** 2))) if jump else 0.0


def chance_of_a_success(rate: np.ndarray, *, items: np.ndarray | float) -> np.ndarray:
    """Chance that `items` items show at least one success: ``1 - (1 - p)^n``."""
    with np.errstate(divide="ignore"):
        return -np.expm1(items * np.log1p(-np.asarray(rate, dtype=float)))


def items_for_a_success(rate: np.ndarray, *, chance: float = SEEN) -> np.ndarray:
    """Items that show at least one success with that chance: ``log(1 - chance) / log(1 - p)``, not rounded.

    The inverse of `chance_of_a_success`; `inf` at rate 0.
    """
    with np.errstate(divide="ignore"):
        return np.log1p(-chance) / np.log1p(-np.asarray(rate, dtype=float)) + 0.0


def items_for_a_success_on_average(rate: np.ndarray, *, chance: float = SEEN) -> float:
    """Items that show at least one success with that chance on average over draws (draw,) of the rate, rounded up.

    `inf` where so many draws are zero that no number of items does, or more than 1e18 were needed.
    """

    def excess(log_items: np.ndarray | float) -> np.ndarray:
        return chance_of_a_success(rate, items=np.exp(np.asarray(log_items))[..., None]).mean(axis=-1) - chance

    if excess(np.log(MOST_ITEMS)) < 0:
        return np.inf
    if excess(0.0) >= 0:
        return 1.0
    whole = np.floor(np.exp(root_between(excess, 0.0, np.log(MOST_ITEMS))))
    return float(whole if chance_of_a_success(rate, items=whole).mean() >= chance else whole + 1.0)

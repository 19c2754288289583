"""Likelihood of the loss of each run by its scores alone, on a grid, by draws of what runs share.

Frailty, floors, ceilings and concentrations are those of posterior draws; the law of the loss is not used. A measured
loss is taken as it is, whatever links it to answers.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy import special, stats

from forecast.posterior.compute import split_deficit
from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import elapsed_years, progress_of_task
from forecast.posterior.score import law_of_task, residuals_of_answers
from forecast.posterior.tasks import is_measured, law_name
from models.dates import years_of_runs
from models.equations.metrics import frailty, measured_score, score_from_success, success_of_task, token_floor_of_run
from models.facts.counts import conditional_counts, contamination_of, log_density_of_count, mean_among
from models.facts.layout import answers, error_of_log
from models.facts.placing import drift_limits

GRID = np.arange(-4.0, 4.01, 0.03)
"""Log10 of the loss in nats per token."""
NODES = np.array([-0.375, -0.125, 0.125, 0.375])  # of each cell, over which the likelihood is averaged
SMALLEST_LOG_LOSS_SD = 0.02  # of a measured loss, natural log: what the grid resolves


def rows_of(fit: Fit, tasks: Sequence[str]) -> np.ndarray:
    """Positions of the rows of some tasks."""
    return np.flatnonzero(np.isin(fit.data.task.values[fit.data.task_index.values], list(tasks)))


def corrected_compute(fit: Fit, task: str, runs: np.ndarray) -> np.ndarray:
    """Log10 FLOP of runs (positions) corrected for split, family and date, as the law of a task sees it: (draw, run).

    Not for the run's own residual, which would hide a break, nor for the bend of the law.
    """
    data, posterior = fit.data, fit.posterior
    family = xr.DataArray(data.family_index.values[runs], dims="run")
    x = xr.DataArray(data.log10_compute.values[runs], dims="run") + 0.0 * posterior.sigma_run
    sizes = (xr.DataArray(data[name].values[runs], dims="run") for name in ("log10_params", "log10_tokens"))
    x = x + split_deficit(fit, *sizes).fillna(0.0)
    if "family_effect" in posterior:
        x = x + posterior.family_effect.isel(family=family).drop_vars("family")
    if "deviation" in posterior:
        own = posterior.deviation.sel(law=law_name(fit, task), drop=True).isel(family=family).drop_vars("family")
        x = x + own * posterior.theta_scale
    if "progress" in posterior:
        x = x + progress_of_task(fit, task) * elapsed_years(fit, xr.DataArray(years_of_runs(data)[runs], dims="run"))
    return x.transpose("chain", "draw", "run").values.reshape(-1, len(runs))


def draws_of_law(fit: Fit, task: str) -> xr.Dataset:
    """Parameters of one task and its law, dim sample."""
    return _draws(law_of_task(fit, task))


def mean_at_loss(fit: Fit, task: str, law: xr.Dataset, log10_loss: np.ndarray, run: int, row: int) -> np.ndarray:
    """Expected score of a rate task, by its `draws_of_law`, for one run and row at each log10 loss.

    (draw, ...) of (draw or 1, ...).
    """
    each = {name: law[name].values.reshape(-1, *[1] * (log10_loss.ndim - 1)) for name in law}
    theta = _draws((fit.posterior.theta - fit.posterior.theta_origin) / fit.posterior.theta_scale)
    drift = each.get("frailty_drift")
    own = xr.DataArray(theta.isel(run=run).values.reshape(each["nu"].shape))
    nu = np.asarray(frailty(own, each["nu"], drift, limits=drift_limits(fit.data)))
    floor = _token_floor(fit, each, row) if "token_floor" in each else None
    facts_of_task = fit.data.sel(task=task)
    success = success_of_task(
        10.0**log10_loss + 0.0 * nu,
        nu + 0.0 * log10_loss,
        metric=facts_of_task.metric.item(),
        length=facts_of_task.task_length.item(),
        k=facts_of_task.task_k.item(),
        token_floor=None if floor is None else floor + 0.0 * log10_loss,
    )
    return score_from_success(success, floor=each["floor"], ceiling=each["ceiling"])


def log_likelihood(fit: Fit, tasks: Sequence[str], runs: np.ndarray) -> np.ndarray:
    """Log likelihood of the log10 loss of each run (position) on `GRID`, from its rows on some tasks (draw, run, node).

    Counts of the same answers are taken given each other. Strange and broken rows are allowed for as in the model.
    """
    data = fit.data
    rows = rows_of(fit, tasks)
    laws = {str(task): draws_of_law(fit, task) for task in data.task.values}
    counts, trials = conditional_counts(data)
    contamination = contamination_of(fit.priors, fit.parts)
    draws = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    total = np.zeros((draws, len(runs), len(GRID)))
    for place, run in enumerate(runs):
        own = rows[data.run_index.values[rows] == run]
        every = {row: _mean_of_row(fit, laws, row) for row in {*own, *data.given_index.values[own]} - {-1}}
        for row in own:
            task = str(data.task.values[data.task_index.values[row]])
            if is_measured(fit, task):
                log = _log_density_of_loss(fit, task, laws[task], row)
            else:
                given = data.given_index.values[row]
                pair = data.isel(observation=[row, max(given, 0)]).assign(
                    given_index=("observation", [1 if given >= 0 else -1, -1])
                )
                mean = mean_among(np.stack([every[row], every.get(given, every[row])]), pair)[0]
                concentration = laws[task].concentration.values[:, None, None]
                log = log_density_of_count(counts[row], trials[row], mean, concentration, contamination)
            total[:, place] += _cells(log)
    return total


def _mean_of_row(fit, laws, row):
    """Expected score at the nodes of every cell, interpolated between its ends as a logit: (draw, cell, node)."""
    data = fit.data
    task = str(data.task.values[data.task_index.values[row]])
    if is_measured(fit, task):
        return np.zeros(1)
    step = GRID[1] - GRID[0]
    ends = np.append(GRID - 0.5 * step, GRID[-1] + 0.5 * step)
    mean = mean_at_loss(fit, task, laws[task], ends[None], int(data.run_index.values[row]), row)
    logit = special.logit(np.clip(mean, 1e-15, 1 - 1e-15))
    return special.expit(logit[:, :-1, None] + (NODES + 0.5) * np.diff(logit, axis=1)[..., None])


def _log_density_of_loss(fit, task, law, row):
    log_loss = np.log(10.0) * (GRID[:, None] + NODES * (GRID[1] - GRID[0]))
    scale = np.hypot(law.loss_scale.values, error_of_log(fit.data)[row])
    scale = np.maximum(scale, SMALLEST_LOG_LOSS_SD)[:, None, None]
    score = measured_score(fit.data.score.values[row], metric=fit.data.metric.sel(task=task).item())
    z = (np.log(score) - log_loss) / scale
    return stats.t.logpdf(z, fit.priors.loss_degrees_of_freedom) - np.log(scale)


def _cells(log):
    return special.logsumexp(log, axis=-1) - np.log(log.shape[-1])


def _token_floor(fit, each, row):
    residual = residuals_of_answers(fit, int(answers(fit.data)[row])).token_floor
    residual = residual.values.reshape(each["nu"].shape) if isinstance(residual, xr.DataArray) else residual
    return token_floor_of_run(each["token_floor"], residual)


def _draws(values):
    return values.stack(sample=("chain", "draw")).transpose("sample", ...)

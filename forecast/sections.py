"""What the report shows of one fit: thresholds and curves of each task, check on held-out runs, k-sweep, evidence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scoringrules
import xarray as xr

from forecast.baselines import baseline_forecasts
from forecast.files import write_whole
from forecast.law import law_of_task, loss_per_token
from forecast.moved import moved
from forecast.predict import effective_compute, predict, summarise, typical_score
from forecast.report import KSweep, OutcomeCheck, TaskForecast
from forecast.report_evidence import Evidence
from forecast.store import Fit
from forecast.surprise import surprising_rows
from forecast.table import observations
from forecast.table_answers import task_labels
from forecast.threshold import threshold, threshold_compute
from models import equations

CURVE_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
K_SWEEP_THINNING = 10  # every tenth draw is plenty for a median line
OURS = "capability model"


def task_forecast(fit: Fit, task: str, at: float, frame: pd.DataFrame | None = None) -> TaskForecast:
    """All that the report shows of one task; rows of `frame` that the fit has not seen appear as held out."""
    data = observations(frame) if frame is not None else fit.data
    facts = fit.data.sel(task=task)  # not by label: a frame of more rows may label the same task otherwise
    same = (data.task_name == facts.task_name.item()) & (data.metric == facts.metric.item())
    same &= (data.metric != "at_least_k") | (data.task_k == facts.task_k.item())
    if same.sum() > 1:
        same &= data.task_length == facts.task_length.item()
    own = same.values[data.task_index.values]
    model = data.run.values[data.run_index.values[own]]
    x = data.log10_compute.values[data.run_index.values[own]]
    observed = pd.DataFrame(
        {
            "model": model,
            "log10_compute": x,
            "score": data.score.values[own],
            "trials": data.trials.values[own].astype(float),
            "held_out": ~np.isin(model, fit.data.run.values),
        }
    )
    answer = threshold(fit, task, at)
    seen = answer["data_log10_compute"]
    far = [min(float(answer["log10_compute"]["q75"]), seen[1] + 4.0), x.max()]
    grid = np.linspace(min(x.min(), seen[0]) - 0.3, max(*far, seen[1]) + 0.7, 80)
    curve = typical_score(fit, task, grid).quantile(CURVE_QUANTILES, dim=("chain", "draw")).values
    return TaskForecast(
        task=task,
        metric=answer["metric"],
        at=at,
        threshold=answer,
        log10_compute_draws=threshold_compute(fit, task, at).values.ravel(),
        grid=grid,
        curve={f"q{round(100 * q):02d}": curve[i] for i, q in enumerate(CURVE_QUANTILES)},
        observed=observed,
    )


def check_held_out(fit: Fit, frame: pd.DataFrame, below: float, predictions: Path, *, seed: int) -> OutcomeCheck:
    """Scores of the runs at or above the cut beside their forecast, and beside the baselines' forecasts."""
    _, rows = split(frame, below)
    ours = predict(fit, rows, seed=seed)
    write_csv(predictions, summarise(rows, ours))
    draws = {OURS: ours.values, **baseline_forecasts(frame[frame["compute"] < below], rows, seed)}
    score = rows["score"].to_numpy()
    crps = {method: scoringrules.crps_ensemble(score, values.T) for method, values in draws.items()}
    bounds = {method: np.quantile(values, (0.05, 0.5, 0.95), axis=0) for method, values in draws.items()}
    inside = {method: (score >= low) & (score <= high) for method, (low, _, high) in bounds.items()}
    low, middle, high = bounds[OURS]
    outcomes = pd.DataFrame(
        {
            "task": rows["task"].to_numpy(),
            "model": rows["model"].to_numpy(),
            "log10_compute": np.log10(rows["compute"].to_numpy()),
            "score": score,
            "q05": low,
            "q50": middle,
            "q95": high,
            "crps": crps[OURS],
            "inside": inside[OURS],
        }
    )
    methods = pd.DataFrame(
        {
            "method": list(draws),
            "crps": [float(crps[method].mean()) for method in draws],
            "coverage_90": [float(inside[method].mean()) for method in draws],
            "width_90": [float((bounds[method][2] - bounds[method][0]).mean()) for method in draws],
        }
    )
    title = f"Forecast from runs below {below:g} FLOP beside what larger runs scored".replace("+", "")
    return OutcomeCheck(title=title, outcomes=outcomes, methods=methods)


def split(frame: pd.DataFrame, below: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rate rows of the runs below a cut, and those of the other runs on the same tasks."""
    rates, labels = frame[frame["metric"] != "loss"], task_labels(frame)
    train = rates[rates["compute"] < below]
    return train, rates[(rates["compute"] >= below) & labels[rates.index].isin(set(labels[train.index]))]


def k_sweep(fit: Fit, task: str, length: int) -> KSweep:
    """Median success at 'at least k of `length` tokens' for every k, from the fitted law of one task.

    The law of the loss and the frailty are those of the task; only the metric changes, from token accuracy's slow rise
    at small k to exact match's late jump at k = length. Loss is per token of the fitted answer.
    """
    law = law_of_task(fit, task).isel(draw=slice(None, None, K_SWEEP_THINNING))
    x = fit.data.log10_compute.values
    grid = np.linspace(x.min() - 0.3, x.max() + 3.0, 60)
    theta = effective_compute(fit, xr.DataArray(grid, dims="point")).isel(draw=slice(None, None, K_SWEEP_THINNING))
    loss = loss_per_token(law, theta)
    curves = {
        k: equations.at_least_k(loss, k=k, length=length, nu=law.nu).median(("chain", "draw")).values
        for k in range(1, length + 1)
    }
    return KSweep(task=task, length=length, grid=grid, curves=curves)


def evidence(fit: Fit, headline: str, thresholds: Sequence[float], *, seed: int) -> Evidence:
    """What the data moved, each parameter and threshold once and task by task, and the rows that surprise."""
    return Evidence(
        headline=headline,
        moved=moved(fit, at=thresholds, seed=seed),
        surprising=surprising_rows(fit, seed=seed),
        rows=fit.data.sizes["observation"],
    )


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as CSV, whole or not at all."""
    write_whole(path, lambda temporary: frame.to_csv(temporary, index=False))

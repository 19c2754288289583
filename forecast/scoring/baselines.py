"""Baselines: curves through the scores or losses of each task, without a model of the metric, with their intervals.

The intervals are those of the residual bootstrap. `baseline_forecasts` does it for a table.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from forecast.scoring.curves import (
    EDGE,
    FEWEST_RUNS,
    Method,
    broken_power_law,
    exp_within,
    gompertz,
    last_value,
    linear,
    logistic,
    loss_power_law,
    offset_power_law,
    power_law,
    sigmoid,
)
from forecast.table.labels import task_labels
from models.equations.metrics import metrics_where, rates

HALF_COUNT = 0.5  # scores enter logs and logits as (successes + 1/2) / (trials + 1)
BASELINES: dict[str, Method] = {  # of scores
    "last value": last_value,
    "linear": linear,
    "logistic": logistic,
    "power law": power_law,
    "Gompertz": gompertz,
    "broken power law": broken_power_law,
}
TWO_STEP = "two-step"  # of scores too, where a loss was measured on the same runs
LOSS_BASELINES: dict[str, Method] = {
    "last value": last_value,
    "power law": loss_power_law,
    "offset power law": offset_power_law,
}


class Scale(NamedTuple):
    """The scale on which residuals of scores or losses are drawn, and the way back."""

    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


LOGIT = Scale(lambda score: logit(np.clip(score, EDGE, 1 - EDGE)), expit)
LOG = Scale(np.log, exp_within)


def baseline_draws(
    method: Method,
    x: np.ndarray,
    values: np.ndarray,
    new_x: np.ndarray,
    *,
    scale: Scale,
    draws: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Predictive draws (draw, point) of a score or loss at `new_x` by the residual bootstrap.

    Residuals of the fit, on `scale` and less their mean, are drawn with replacement, added to the fitted curve, the
    method is fitted again, and a residual is added to its forecast (Efron and Tibshirani 1993, chapter 9). They are
    first enlarged by ``(n / (n - p))^(1/2)``, as much as fitting p parameters to n runs makes them too small (Davison
    and Hinkley 1997, section 6.3). As many parameters as runs leave no residual, and draws without spread.

    Parameters
    ----------
    x, values
        Of the runs: (run). Scores lie in (0, 1), see `HALF_COUNT`; losses are in nats.
    new_x
        (point), or (draw, point) where it is uncertain itself.
    """
    curve = method(x, values[None])
    fitted = scale.to(curve.at(x)[0])
    residual = scale.to(values) - fitted
    residual -= residual.mean()
    residual *= (len(x) / max(len(x) - curve.parameters, 1)) ** 0.5
    again = scale.back(fitted + rng.choice(residual, (draws, len(x))))
    forecast = scale.to(method(x, again).at(new_x))
    return scale.back(forecast + rng.choice(residual, forecast.shape))


def baseline_forecasts(train: pd.DataFrame, rows: pd.DataFrame, seed: int, draws: int = 200) -> dict[str, np.ndarray]:
    """Draws (draw, row) of the score or loss of each row by each method, from the training rows of its own task.

    "two-step" forecasts a score from a loss, as in Gadre et al. 2024 and Bhagia et al. 2024: the loss by
    `offset_power_law` in log10 FLOP, the score by `sigmoid` in the loss, both bootstrapped. The loss is that of the
    same task name or else the one measured on most of the task's runs, the first of equals, on three of them at least.

    A method stands in the result where it applies to any row. Where it does not, to scores without such a loss or as a
    method of scores to a loss, its draws are those of the power law. Scores of `rows` are not looked at.

    Parameters
    ----------
    train, rows
        Frames as of `forecast.table.dataset.read_table` and `read_rows`; `train` with all that may be learned from,
        losses too.

    Raises
    ------
    ValueError
        for rows without a training row of their task.
    """
    seen, asked = _essentials(train), _essentials(rows)
    labels = task_labels(pd.concat([train, rows], ignore_index=True)).to_numpy()
    seen["label"], asked["label"] = labels[: len(seen)], labels[len(seen) :]
    unknown = ~asked["label"].isin(seen["label"])
    if unknown.any():
        lines = ", ".join(map(str, rows.index[unknown][:10]))
        raise ValueError(f"{unknown.sum()} rows lack a training row of their task: {lines}; leave them out")
    groups = list(asked.groupby("label", sort=False))
    by_task = [
        _of_task(seen, label, group["x"].to_numpy(), draws, rng)
        for (label, group), rng in zip(groups, np.random.default_rng(seed).spawn(len(groups)), strict=True)
    ]
    methods = dict.fromkeys([*BASELINES, TWO_STEP, *LOSS_BASELINES])
    result = {name: np.empty((draws, len(rows))) for name in methods if any(name in found for found in by_task)}
    for (_, group), found in zip(groups, by_task, strict=True):
        for name, values in result.items():
            values[:, group.index] = found.get(name, found["power law"])
    return result


def _essentials(frame: pd.DataFrame) -> pd.DataFrame:
    """Of each row, by position: model, task, whether a loss, x (log10 FLOP), and value: a score kept off 0 and 1, or a
    loss. A horizon is one over a loss, `is_reciprocal`."""
    is_loss = ~frame["metric"].isin(rates()).to_numpy()
    successes, trials = (frame[name].to_numpy(dtype=float, na_value=np.nan) for name in ("successes", "trials"))
    is_reciprocal = frame["metric"].isin(metrics_where("reciprocal")).to_numpy()
    loss = frame["score"].to_numpy(dtype=float) ** np.where(is_reciprocal, -1.0, 1.0)
    value = np.where(is_loss, loss, (successes + HALF_COUNT) / (trials + 2 * HALF_COUNT))
    x = np.log10(frame["compute"].to_numpy(dtype=float))
    named = {name: frame[name].to_numpy() for name in ("model", "task")}
    return pd.DataFrame({**named, "is_loss": is_loss, "is_reciprocal": is_reciprocal, "x": x, "value": value})


def _of_task(
    seen: pd.DataFrame, label: str, new_x: np.ndarray, draws: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draws (draw, point) by each method that applies to one task."""
    own = seen[seen["label"] == label]
    x, values, is_loss = own["x"].to_numpy(), own["value"].to_numpy(), own["is_loss"].iloc[0]
    methods, scale = (LOSS_BASELINES, LOG) if is_loss else (BASELINES, LOGIT)
    found = {
        name: baseline_draws(method, x, values, new_x, scale=scale, draws=draws, rng=rng)
        for name, method in methods.items()
    }
    if own["is_reciprocal"].iloc[0]:
        with np.errstate(divide="ignore"):
            return {name: 1.0 / values for name, values in found.items()}
    beside = seen[:0] if is_loss else _loss_beside(own, seen[seen["is_loss"] & ~seen["is_reciprocal"]])
    if len(beside):
        loss_x, loss = beside["x"].to_numpy(), beside["value"].to_numpy()
        new_loss = baseline_draws(offset_power_law, loss_x, loss, new_x, scale=LOG, draws=draws, rng=rng)
        own_loss = own["model"].map(beside.groupby("model")["value"].mean()).to_numpy()
        paired = np.isfinite(own_loss)
        step = own_loss[paired], values[paired], new_loss
        found[TWO_STEP] = baseline_draws(sigmoid, *step, scale=LOGIT, draws=draws, rng=rng)
    return found


def _loss_beside(own: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """The rows of the loss that two steps pair with a task, see `baseline_forecasts`; none where none will do."""
    of_own_runs = losses[losses["model"].isin(own["model"])].groupby("label", sort=False)
    runs = of_own_runs["model"].nunique()
    runs = runs[runs >= FEWEST_RUNS]
    namesakes = runs[of_own_runs["task"].first()[runs.index] == own["task"].iloc[0]]
    candidates = namesakes if len(namesakes) else runs
    return losses[losses["label"] == candidates.idxmax()] if len(candidates) else losses[:0]

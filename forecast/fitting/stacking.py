"""Stacking: forecasts of hidden runs by each structure, and the weights that these forecasts earn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from forecast.draws import Sampling
from forecast.fitting.structures import fit_table
from forecast.posterior.fit import Fit, evenly_thinned
from forecast.posterior.predict import predict
from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold_draws
from forecast.scoring.rows import score_rows
from forecast.table.splits import Split, latest
from models.facts.layout import is_measured

PSEUDO_TASKS = 1.0
"""Strength of the prior towards equal weights, in tasks. At 4 forecasts of six of ten open tables
were worse (of two by 6%), of two better (by less than 1%)."""


def stacking_weights(scores: pd.DataFrame) -> dict[str, float]:
    """Weights of structures by how well their mixture would have forecast, shrunk slightly towards equal weights.

    Stacking of predictive distributions (Yao et al. 2018, Bayesian Analysis 13:917) with scores of left-out futures:
    the weights that maximise ``sum_t mean_i log sum_s w_s p_s(i) + (m / S) sum_s log w_s``, with i the outcomes of task
    t and m = 1. Outcomes of one task share its law, so that a task counts once, however many runs it has; the second
    term, a Dirichlet prior, keeps a few lucky outcomes from ruling out a structure.

    Parameters
    ----------
    scores : log_score by method (the structure), task and row; outcomes as lines, of one or several splits
    """
    key = [name for name in ("cut", "task", "row") if name in scores]
    table = scores.pivot(index=key, columns="method", values="log_score")
    log_scores, tasks = table.to_numpy(), table.index.get_level_values("task")
    share = 1.0 / tasks.map(tasks.value_counts()).to_numpy(dtype=float)
    count = log_scores.shape[1]

    def loss(free: np.ndarray) -> float:
        log_weights = free - logsumexp(free)
        fit = (share * logsumexp(log_scores + log_weights, axis=1)).sum()
        return -float(fit + PSEUDO_TASKS / count * log_weights.sum())

    weights = softmax(minimize(loss, np.zeros(count), method="L-BFGS-B").x)
    return dict(zip(table.columns.astype(str), weights.tolist(), strict=True))


def equal_weights(names: Sequence[str]) -> dict[str, float]:
    """The weights where there is no past to judge by."""
    return {name: 1.0 / len(names) for name in names}


def mixture(sizes: Sequence[int], weights: Sequence[float], draws: int) -> list[np.ndarray]:
    """Which draws, evenly spaced, each member gives to a mixture of about so many draws; at least one where w > 0."""
    counts = [max(1, round(draws * weight)) if weight > 0 else 0 for weight in weights]
    return [
        np.floor((np.arange(count) + 0.5) * size / count).astype(int) for size, count in zip(sizes, counts, strict=True)
    ]


def fullest(sizes: Sequence[int], weights: Sequence[float]) -> int:
    """Draws of the largest mixture in which no draw of a member is there twice."""
    return min(round(size / weight) for size, weight in zip(sizes, weights, strict=True) if weight > 0)


SAMPLING = Sampling()
DRAWS = 1000
"""Of a predictive distribution that is scored."""
UNKNOWN = ("score", "successes")
"""What a forecast must not see of the hidden rows."""


def hidden(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without what a forecast must not see of them."""
    return rows.drop(columns=list(UNKNOWN)).assign(score=np.nan, successes=pd.NA)


def forecast_hidden(
    train: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    table: str,
    structures: Sequence[str],
    at: Sequence[float],
    sampling: Sampling = SAMPLING,
) -> xr.Dataset:
    """Every structure fitted to the training rows, its forecast of the hidden rows and its thresholds.

    Returns
    -------
    Dataset
        score (structure, draw, row) and log10_compute (structure, draw, task, at); its attributes hold, for each
        structure, draws (kept, a chain), max_rhat, min_ess and divergences of its parameters, and forecast_rhat of its
        forecasts.
    """
    fits = {name: fit_table(train, table=table, name=name, sampling=sampling) for name in structures}
    return _dataset({name: _forecast(fit, rows, sampling) for name, fit in fits.items()}, at)


def forecasts_of(fit: Fit, rows: pd.DataFrame, *, at: Sequence[float], sampling: Sampling = SAMPLING) -> xr.Dataset:
    """The same of a fit of one structure that is there already, for rows that it has not seen."""
    (name,) = fit.weights
    return _dataset({name: _forecast(fit, hidden(rows), sampling)}, at)


def weights_of(
    frame: pd.DataFrame, structures: Sequence[str], *, table: str, sampling: Sampling = SAMPLING
) -> dict[str, float]:
    """Weights of structures by how well they forecast the largest runs of a table from the others; equal if too few."""
    past = latest(frame) if len(structures) > 1 else None
    if past is None:
        return equal_weights(structures)
    train, rows = past.parts(frame)
    found = forecast_hidden(train, hidden(rows), table=table, structures=structures, at=(), sampling=sampling)
    return weights_of_forecast(found, frame, past, structures, seed=sampling.seed)


def weights_of_forecast(
    found: xr.Dataset, frame: pd.DataFrame, past: Split, structures: Sequence[str], *, seed: int
) -> dict[str, float]:
    """Weights by a result of `forecast_hidden` and the outcomes that a split of a frame hid from it."""
    train, rows = past.parts(frame)
    where: dict[str, Any] = {"log10_cut": past.log10_cut(train), "seed": seed}
    scores = [score_rows(found.score.sel(structure=name).values, rows, method=name, **where) for name in structures]
    return weights_of_scores(pd.concat(scores, ignore_index=True), structures)


def weights_of_scores(lines: pd.DataFrame, structures: Sequence[str]) -> dict[str, float]:
    """Weights by scored forecasts, lines of `forecast.scoring.rows`, in the order of the structures."""
    if len(structures) == 1:
        return equal_weights(structures)
    weights = stacking_weights(lines[lines["method"].isin(structures)])
    return {name: weights[name] for name in structures}


def _dataset(found: Mapping[str, "_Forecast"], at: Sequence[float]) -> xr.Dataset:
    drawn = np.stack([each.scores for each in found.values()])
    half = np.float32 if drawn.max(initial=0.0) < np.finfo(np.float32).max else np.float64  # horizons may be vast
    scores = xr.DataArray(drawn.astype(half), dims=("structure", "draw", "row"))
    crossed = xr.concat([_thresholds(each.fit, at) for each in found.values()], dim="structure")
    variables = {"score": scores, "log10_compute": crossed}
    dataset = xr.Dataset(variables, coords={"structure": list(found)})
    return dataset.assign_attrs(diagnostics={name: each.diagnostics for name, each in found.items()})


@dataclass(frozen=True, kw_only=True)
class _Forecast:
    fit: Fit  # of as many draws in however many rounds it was sampled
    scores: np.ndarray  # (draw, row)
    diagnostics: dict[str, Any]


def _forecast(fit: Fit, rows: pd.DataFrame, sampling: Sampling) -> _Forecast:
    found, few = fit.diagnostics, evenly_thinned(fit, DRAWS // sampling.chains)
    scores = predict(few, rows, seed=sampling.seed).values
    diagnostics = {
        "draws": fit.posterior.sizes["draw"],
        "max_rhat": found.max_rhat,
        "min_ess": found.min_ess,
        "divergences": found.divergences,
        "forecast_rhat": forecast_rhat(scores, sampling.chains),
    }
    return _Forecast(fit=few, scores=scores, diagnostics=diagnostics)


def forecast_rhat(scores: np.ndarray, chains: int) -> float:
    """Largest rank-normalised R-hat of predictive draws (draw, row), chain after chain; 1 where no row varies.

    What a record needs is that chains agree about forecasts. A parameter about which they do not, such as one of two
    sources of scatter, may leave these alone.
    """
    each = xr.Dataset({"score": (("chain", "draw", "row"), scores.reshape(chains, -1, scores.shape[1]))})
    with np.errstate(divide="ignore", invalid="ignore"):  # rows that do not vary have none
        found = az.rhat(each).score.values
    return float(np.max(found[np.isfinite(found)], initial=1.0))


def _thresholds(fit: Fit, at: Sequence[float]) -> xr.DataArray:
    """Draws (draw, task, at) of typical threshold compute of the rates; of tables of losses alone, no task."""
    tasks = [] if is_measured(fit.data).all() else rate_tasks(fit)
    draws = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    values = np.array([[threshold_draws(fit, task, score).values.ravel() for score in at] for task in tasks])
    values = values.reshape(len(tasks), len(at), draws).transpose(2, 0, 1)
    return xr.DataArray(
        values, dims=("draw", "task", "at"), coords={"task": np.array(tasks, dtype=str), "at": list(at)}
    )

"""One trial of forecasting as a job: fit the training rows of a split, forecast its hidden runs, scores unseen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from forecast.fit import Sampling
from forecast.jobs import Job
from forecast.law import rate_tasks
from forecast.predict import predict
from forecast.splits import Split
from forecast.store import Fit, evenly_thinned, installed_versions
from forecast.table import data_hash
from forecast.table_fit import fit_table
from forecast.threshold import threshold_compute
from models.priors import Held, held_of

VERSION = 7
"""Of the forecasts: raise it when the same table gives other ones than before."""
SAMPLING = Sampling()
DRAWS = 1000
"""Of a predictive distribution that is scored."""
UNKNOWN = ("score", "successes")
"""What a forecast must not see of the hidden rows."""


def trial(name: str, frame: pd.DataFrame, split: Split, table: str, options: Mapping[str, Any]) -> Job:
    """The job of one split; `options` are structures, at and sampling, all as JSON values."""
    train, rows = split.parts(frame)
    asked = hidden(rows)
    held = {structure: _plain(held_of(structure)) for structure in options["structures"]}
    arguments = dict(options) | {"train": data_hash(train), "rows": data_hash(asked), "held": held}
    arguments |= {"versions": installed_versions()}
    return Job(name=name, arguments=arguments, version=VERSION, data={"train": train, "rows": asked, "table": table})


def hidden(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without what a forecast must not see of them."""
    return rows.drop(columns=list(UNKNOWN)).assign(score=np.nan, successes=pd.NA)


def _plain(held: Held) -> dict[str, Any]:
    return {name: str(value) for name, value in asdict(held).items()}


def forecasts(job: Job) -> xr.Dataset:
    """The work of a job: every structure fitted to the training rows, its forecast of the others and its thresholds.

    Returns
    -------
    Dataset
        score (structure, draw, row) and log10_compute (structure, draw, task, at); its attributes hold, for each
        structure, draws (kept, a chain), max_rhat, min_ess and divergences of its parameters, and forecast_rhat of its
        forecasts.
    """
    given, data = job.arguments, job.data
    sampling = Sampling(**given["sampling"])
    names = given["structures"]
    fits = {name: fit_table(data["train"], table=data["table"], name=name, sampling=sampling) for name in names}
    return _dataset({name: _forecast(fit, data["rows"], sampling) for name, fit in fits.items()}, given["at"])


def forecasts_of(fit: Fit, rows: pd.DataFrame, *, at: Sequence[float], sampling: Sampling = SAMPLING) -> xr.Dataset:
    """The same of a fit of one structure that is there already, for rows that it has not seen."""
    (name,) = fit.weights
    return _dataset({name: _forecast(fit, hidden(rows), sampling)}, at)


def _dataset(found: Mapping[str, "_Forecast"], at: Sequence[float]) -> xr.Dataset:
    scores = xr.DataArray(np.stack([each.scores for each in found.values()]), dims=("structure", "draw", "row"))
    crossed = xr.concat([_thresholds(each.fit, at) for each in found.values()], dim="structure")
    variables = {"score": scores.astype(np.float32), "log10_compute": crossed}
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
        "min_ess": min(found.min_ess_bulk, found.min_ess_tail),
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
    losses = fit.data.metric.values == "loss"
    tasks = [] if losses.all() else rate_tasks(fit)
    draws = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    values = np.array([[threshold_compute(fit, task, score).values.ravel() for score in at] for task in tasks])
    values = values.reshape(len(tasks), len(at), draws).transpose(2, 0, 1)
    return xr.DataArray(
        values, dims=("draw", "task", "at"), coords={"task": np.array(tasks, dtype=str), "at": list(at)}
    )

"""Exact refits beside importance weights: the table with one simulated outcome of a candidate, fitted again."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.files import json_number
from forecast.fitting.average import fit_average
from forecast.fitting.structures import fit_table
from forecast.posterior.fit import Fit
from forecast.posterior.threshold import threshold_draws
from forecast.questions.design.candidates import Candidate
from forecast.questions.design.interval import Posterior, Simulation, simulated
from forecast.questions.design.outcomes import interval_ends
from forecast.questions.design.places import Row, parents_first, places_of
from forecast.stages import SILENT, Stages
from forecast.table.dataset import frame_of
from forecast.table.reading.cells import COLUMNS
from models.equations.metrics import METRICS
from models.structures import Parts


def refit_check(
    posterior: Posterior,
    candidate: Candidate,
    *,
    task: str,
    at: float,
    family: str | None,
    simulation: Simulation,
    stages: Stages = SILENT,
) -> dict[str, Any]:
    """One simulated outcome of a candidate: the interval of the threshold by importance weights and by a refit."""
    fit, places = posterior.fit, places_of(posterior.fit, candidate.rows)
    values, weights = simulated(posterior, candidate, simulation=simulation)
    chosen = int(np.random.default_rng([simulation.seed, 2]).integers(values.shape[1]))
    frame, scores = with_outcome(fit, candidate, places, values[:, chosen])
    weighted = posterior.expected(weights[chosen : chosen + 1])
    again = _refitted(fit, frame, seed=simulation.seed, stages=stages)
    label = _label_of(again, fit, task)
    crossed_at = threshold_draws(again, label, at, family=family).values.ravel()
    ends = interval_ends(crossed_at, np.full((1, len(crossed_at)), 1.0 / len(crossed_at)))
    held = ends.clip(*posterior.horizon)
    return {
        "name": candidate.name,
        "outcome": scores,
        "effective_draws": float(weighted.effective[0]),
        "log10_compute": dict(zip(("q05", "q95"), map(json_number, weighted.ends[:, 0]), strict=True)),
        "width": float(weighted.widths[0]),
        "refit_log10_compute": dict(zip(("q05", "q95"), map(json_number, ends[:, 0]), strict=True)),
        "refit_width": float(held[1, 0] - held[0, 0]),
        "reasons": again.diagnostics.reasons,
    }


def _refitted(fit: Fit, frame: pd.DataFrame, *, seed: int, stages: Stages) -> Fit:
    sampling = replace(fit.sampling, seed=seed, draws=None if len(fit.weights) > 1 else fit.sampling.draws)
    if fit.parts != Parts():
        options: dict[str, Any] = {"parts": fit.parts, "priors": fit.priors}
        return fit_table(frame, table=fit.table, sampling=sampling, stages=stages, **options)
    weights = {name: weight for name, weight in fit.weights.items() if weight > 0}
    options = {"structures": tuple(weights), "weights": weights, "sampling": sampling, "priors": fit.priors}
    return fit_average(frame, table=fit.table, stages=stages, **options)


def _label_of(again: Fit, fit: Fit, task: str) -> str:
    """The label of a task after the refit, where a second metric of its name may have changed it."""
    old = fit.data.sel(task=task)
    new = again.data
    alike = (new.task_name == old.task_name) & (new.metric == old.metric)
    for name in ("task_k", "task_length"):
        alike &= (new[name] == old[name]) | np.isnan(old[name])
    return task if task in new.task.values[alike.values] else str(new.task.values[alike.values][0])


def with_outcome(
    fit: Fit, candidate: Candidate, places: list[Row], values: np.ndarray
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The table of a fit with one outcome (measurement,) of a candidate, and what its rows scored."""
    frame, data, scores = frame_of(fit.data), fit.data, []
    counts: dict[int, float] = {}  # of answers, by row of the candidate
    for at, value in zip(parents_first(places), values, strict=True):
        row, place = candidate.rows.iloc[at], places[at]
        if not METRICS[row["metric"]].is_rate:
            new = {"score": float(np.exp(value)), "successes": pd.NA, "trials": pd.NA}
        else:
            counts[at] = float(value)
            if place.exact is not None:
                counts[at] += float(data.successes.values[place.exact])
            elif place.given is not None and row["metric"] == "token_accuracy":
                counts[at] += counts[place.given]
            successes, trials = round(counts[at] * place.length), round(float(row["trials"]))
            new = {"score": successes / trials, "successes": successes, "trials": trials}
        scores.append({"task": str(row["task"]), "metric": str(row["metric"]), "score": new["score"]})
        if place.old is not None:
            line = frame.index[place.old]
            for name in ("successes", "trials"):
                frame.loc[line, name] = frame.loc[line, name] + new[name]
            frame.loc[line, "score"] = frame.loc[line, "successes"] / frame.loc[line, "trials"]
        else:
            added = pd.DataFrame([{**row[list(COLUMNS)].to_dict(), **new}], index=[frame.index.max() + 1])
            frame = pd.concat([frame, added.astype(frame.dtypes.to_dict())])
    return frame, scores

"""What a table holds, and what can be identified from it before anything is fitted."""

import os
from typing import Any

import numpy as np
import pandas as pd

from forecast.table import data_hash, observations, read_table
from models.facts import (
    SHORTEST_SPAN,
    has_families,
    has_greedy,
    has_irreducible,
    has_params_tokens,
    has_progress,
)
from models.priors import Structure

FEW = 3  # counts above guessing that tell a score from zero
HALF_WAY = 0.5  # a ceiling shows only in scores on the upper half of the curve


def describe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Rows, runs, compute range and tasks of a table, and for each task what its rows can tell (DESIGN 3.7)."""
    frame = read_table(path)
    data = observations(frame)
    x = data.log10_compute.values
    return {
        "table": str(path),
        "rows": len(frame),
        "runs": data.sizes["run"],
        "families": data.family.values.tolist(),
        "log10_compute": [float(x.min()), float(x.max())],
        "data_hash": data_hash(frame),
        "problems": [],
        "parts": _parts(data),
        "tasks": [_describe_task(label, data, data.task_index.values == t) for t, label in enumerate(data.task.values)],
    }


def _parts(data: Any) -> dict[str, str]:
    """Which parts of effective compute the table switches on, and why not (DESIGN 3.1)."""
    full = Structure()
    return {
        "families": f"on, {data.sizes['family']} families"
        if has_families(data, full)
        else "off: one family; name recipes in the column family",
        "progress": "on, from dates"
        if has_progress(data, full)
        else f"off: no dates that span more than {SHORTEST_SPAN:g} year; fill the column date",
        "params_tokens": "on: compute counts as that of the compute-optimal run of the same loss"
        if has_params_tokens(data, full)
        else "off: params and tokens are unknown or do not vary independently; compute alone counts",
    }


def _describe_task(label: str, data: Any, own: np.ndarray) -> dict[str, Any]:
    rows = pd.DataFrame({name: data[name].values[own] for name in ("score", "successes", "trials")})
    rows["x"] = data.log10_compute.values[data.run_index.values[own]]
    metric, chance = data.metric.sel(task=label).item(), data.chance.sel(task=label).item()
    law = data.law_index.sel(task=label).item()
    return {
        "task": str(label),
        "metric": metric,
        "runs": len(rows),
        "log10_compute": [float(rows["x"].min()), float(rows["x"].max())],
        "score": [float(rows["score"].min()), float(rows["score"].max())],
        "identified": _of_loss(bool(has_greedy(data)[law]))
        if metric == "loss"
        else _of_rate(rows, chance, told_apart=bool(has_irreducible(data)[law])),
    }


def _of_loss(beside_rates: bool) -> list[str]:
    if beside_rates:
        return ["loss: the law of the rates of its name, up to a power and a factor that its rows fix"]
    return ["loss: a law of its own; it tells the effective compute of the runs"]


def _of_rate(rows: pd.DataFrame, chance: float, *, told_apart: bool) -> list[str]:
    excess = rows["successes"] - chance * rows["trials"]
    noise = np.sqrt(rows["trials"] * chance * (1.0 - chance))
    informative = int(((excess > FEW + 2.0 * noise) & (rows["score"] < 1)).sum())
    said = [
        "position: only bounded from below, no run scores clearly above guessing; the threshold is mostly prior"
        if informative == 0
        else f"position: fixed by {informative} runs between guessing and full marks",
        "slope: from the data"
        if informative >= 3
        else "slope: mostly from the other tasks and the prior, fewer than 3 such runs",
    ]
    top = float(rows["score"].max())
    said.append(
        "ceiling: the data have a say"
        if top > HALF_WAY
        else f"ceiling: prior, the best score is {top:g}; P(never) rests on it"
    )
    if told_apart:
        return [*said, "loss floor E: from the several metrics of its name"]
    return [*said, "loss floor E and answer length: not identified from one rate alone, E = 0 and L enters as L x loss"]

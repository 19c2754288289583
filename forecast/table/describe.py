"""Description of a table: what it holds, what can be identified from it, and what makes forecasts untrustworthy."""

import os
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.published import as_published
from forecast.table.adjusting import Adjustments
from forecast.table.dataset import data_hash, index_of, observations, read_table
from forecast.table.direction import direction_of_task, refusals
from forecast.table.learnable.identified import identified, known
from forecast.table.learnable.spread import check_spread, little_spread
from models.dates import by_date
from models.facts.ceilings import BOUNDS, CLOSED, NONE, bounding_task, lowest_ceiling
from models.facts.guessing import likely_choices, smallest_score, unknown_chance
from models.facts.parts import (
    FEWEST_CHECKPOINTS,
    has_families,
    has_params_tokens,
    has_progress,
    has_warm_up,
)
from models.structures import Parts


def describe(path: str | os.PathLike[str], adjust: Adjustments = Adjustments()) -> dict[str, Any]:
    """Rows, runs, compute range and tasks of a table, and for each task what its rows can tell."""
    said: list[str] = []
    frame = read_table(path, adjust=adjust, warn=said.append)
    data = observations(frame)
    check_spread(data, path)
    facts = {
        "table": str(path),
        "rows": len(frame),
        "runs": data.sizes["run"],
        "families": data.family.values.tolist(),
        "scale": "date" if by_date(data) else "compute",
        **{name: _range(data[name].values) for name in ("log10_compute", "log10_params", "log10_tokens")},
        "dates": _dates(data.date.values),
        "data_hash": data_hash(frame),
        "problems": [],
        "warnings": [*said, *warnings_of(data)],
        "parts": _parts(data),
        "tasks": [_describe_task(label, data, data.task_index.values == t) for t, label in enumerate(data.task.values)],
    }
    return as_published(facts, dated=by_date(data))


def weaknesses(path: str | os.PathLike[str]) -> list[str]:
    """A sentence for each strange thing in a table and each weakness of it, with its remedy."""
    said: list[str] = []
    frame = read_table(path, warn=said.append)
    return [*said, *warnings_of(observations(frame))]


def _range(values: np.ndarray) -> list[float] | None:
    """Smallest and largest of what is known."""
    known = values[np.isfinite(values)]
    return [float(known.min()), float(known.max())] if len(known) else None


def _dates(dates: np.ndarray) -> list[str] | None:
    known = dates[~np.isnat(dates)]
    return [str(np.datetime64(end, "D")) for end in (known.min(), known.max())] if len(known) else None


def _parts(data: Any) -> dict[str, str]:
    """Which parts of effective compute the table switches on, and why not."""
    full = Parts()
    return {
        "families": f"on, {data.sizes['family']} families"
        if has_families(data, full)
        else "off: one family; name families in the column family",
        "progress": "on, from dates"
        if has_progress(data, full)
        else "off: no compute is known, dates are the scale and progress is part of it"
        if by_date(data)
        else "off: no dates that span more than half a year; fill the column date",
        "params_tokens": "on: compute counts as that of the compute-optimal run of the same loss"
        if has_params_tokens(data, full)
        else "off: params and tokens are unknown or do not vary independently; compute alone counts",
        "warm_up": "on: early checkpoints of one training may lag behind the law of late ones"
        if has_warm_up(data, full)
        else f"off: no family and size at {FEWEST_CHECKPOINTS} numbers of tokens or more, thirtyfold apart",
    }


def _describe_task(label: str, data: Any, own: np.ndarray) -> dict[str, Any]:
    rows = pd.DataFrame({name: data[name].values[own] for name in ("score", "successes", "trials")})
    rows["run"] = data.run_index.values[own]
    rows["x"] = data.log10_compute.values[rows["run"]]
    trials = rows["trials"][rows["trials"] > 0]
    place = index_of(data, "task", label)
    found = direction_of_task(data, str(label)).to_dict()
    return {
        "task": str(label),
        "metric": data.metric.values[place].item(),
        "law": str(data.law.values[int(data.law_index.sel(task=label))]),
        "runs": int(rows["run"].nunique()),
        "rows": len(rows),
        "chance": float(data.chance.values[place]),
        **{name: known(data, name, place) for name in BOUNDS},
        "trials": [int(trials.min()), int(trials.max())] if len(trials) else None,
        "log10_compute": [float(rows["x"].min()), float(rows["x"].max())],
        "score": [float(rows["score"].min()), float(rows["score"].max())],
        "direction": found,
        "identified": identified(str(label), data, rows, found),
    }


FEW_RUNS = 5
"""Fewer training runs: ceiling, slope, position and curvature cannot all be seen."""
TASKS_NAMED = 3  # tasks of one warning that are named
_NUMBERS = {2: "two", 4: "four", 5: "five", 10: "ten"}


def warnings_of(data: xr.Dataset) -> list[str]:
    """A sentence for each weakness of a table of measurements, with its remedy; `data` is that of `observations`."""
    few = few_runs(data.sizes["run"])
    guesses = np.unique(likely_choices(data)[unknown_chance(data)])
    chances = [_of_chance(data, int(number)) for number in guesses]
    said = [f"{few.capitalize()}."] if few else []
    said += filter(None, [little_spread(data)])
    return [*said, *map(_of_direction, refusals(data).values()), *chances, *_unused_bounds(data)]


def _unused_bounds(data: xr.Dataset) -> list[str]:
    """The laws whose bounds are all of metrics that do not say where the others end."""
    of_law = np.bincount(data.law_index.values, np.isfinite(lowest_ceiling(data)), data.sizes["law"])
    return [
        f"The score of experts, or the lowest ceiling, of {law} is not used, since other metrics share its law. Give "
        f"one for another metric of this name, of {', '.join(CLOSED)}, or delete it."
        for law in data.law.values[(of_law > 0) & (bounding_task(data) == NONE)]
    ]


def _of_direction(refusal: str) -> str:
    remedy = "Leave the task out, or give a measure that gets better"
    return f"{refusal[0].upper()}{refusal[1:]}, and its forecasts mean nothing. {remedy}."


def few_runs(runs: int) -> str:
    """What to say of too few training runs, as a clause; empty where there are enough."""
    if runs >= FEW_RUNS:
        return ""
    return f"only {runs} runs can be learned from; at least {FEW_RUNS} are needed"


def _of_chance(data: xr.Dataset, number: int) -> str:
    """The choices without a chance that probably have so many choices."""
    own = np.flatnonzero(unknown_chance(data) & (likely_choices(data) == number))
    names = [str(name) for name in data.task.values[own]]
    least = float(smallest_score(data)[0][own].min())
    listed = ", ".join(names[:TASKS_NAMED]) + (
        f" and {len(names) - TASKS_NAMED} more" if len(names) > TASKS_NAMED else ""
    )
    one = len(names) == 1
    return (
        f"{listed} {'is a choice' if one else 'are choices'} without a chance, yet no score is below {least:.2g}. "
        f"The value of a guess is therefore learned, which widens the forecast. "
        f"Fill the column chance with {1 / number:g} ({_NUMBERS[number]} choices), "
        f"or with 1 divided by the number of choices of {'the task' if one else 'each task'}."
    )

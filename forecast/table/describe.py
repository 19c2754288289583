"""Description of a table: what it holds, what can be identified from it, and what makes forecasts untrustworthy."""

import os
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.published import as_published
from forecast.scales import scale_of
from forecast.table.adjusting import Adjustments
from forecast.table.dataset import data_hash, index_of, observations, read_table
from forecast.table.direction import direction_of_task, in_words, refusals
from models.dates import by_date
from models.facts.ceilings import BOUNDS, CLOSED, NONE, bounding_task, lowest_ceiling
from models.facts.guessing import chance_of_placing, likely_choices, smallest_score, unknown_chance
from models.facts.layout import links_loss_to_rates
from models.facts.parts import (
    FEWEST_CHECKPOINTS,
    has_families,
    has_irreducible,
    has_params_tokens,
    has_progress,
    has_warm_up,
)
from models.structures import Parts

FEW = 3  # counts above guessing that tell a score from zero
WIDE, FALLEN = 2.0, 1.5  # decades of compute, and factor of the loss, over which a bend towards E can show
NAMED = 4  # tasks of a law that are named one by one
HALF_WAY = 0.5  # a ceiling shows only in scores on the upper half of the curve


def describe(path: str | os.PathLike[str], adjust: Adjustments = Adjustments()) -> dict[str, Any]:
    """Rows, runs, compute range and tasks of a table, and for each task what its rows can tell."""
    said: list[str] = []
    frame = read_table(path, adjust=adjust, warn=said.append)
    data = observations(frame)
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
    metric, chance = data.metric.values[place].item(), float(chance_of_placing(data)[place])
    law, found = int(data.law_index.sel(task=label)), direction_of_task(data, str(label))
    return {
        "task": str(label),
        "metric": metric,
        "law": str(data.law.values[law]),
        "runs": int(rows["run"].nunique()),
        "rows": len(rows),
        "chance": float(data.chance.values[place]),
        **{name: _known(data, name, place) for name in BOUNDS},
        "trials": [int(trials.min()), int(trials.max())] if len(trials) else None,
        "log10_compute": [float(rows["x"].min()), float(rows["x"].max())],
        "score": [float(rows["score"].min()), float(rows["score"].max())],
        "direction": found.to_dict(),
        "identified": _identified(rows, metric, chance, has_irreducible(data)[law])
        + (["floor: learned, the chance of a right guess is not given"] if unknown_chance(data)[place] else [])
        + _of_bound(data, place)
        + [f"direction: {in_words(str(label), metric, found.to_dict(), quantity=scale_of(data).quantity)}"]
        + _of_the_law(label, data, law, int((data.given_index.values[own] >= 0).sum())),
    }


def _identified(rows: pd.DataFrame, metric: str, chance: float, irreducible: bool) -> list[str]:
    if metric == "loss":
        return [f"position: fixed by {len(rows)} measured losses", _of_loss_floor(rows)]
    if metric == "horizon":
        return [f"position and growth: fixed by {len(rows)} measured horizons"]
    excess = rows["successes"] - chance * rows["trials"]
    noise = np.sqrt(rows["trials"] * chance * (1.0 - chance))
    informative = int(rows["run"][(excess > FEW + 2.0 * noise) & (rows["score"] < 1)].nunique())
    counted = "1 run" if informative == 1 else f"{informative} runs"
    said = [
        "position: only bounded from below, no run scores clearly above guessing; the threshold is mostly prior"
        if informative == 0
        else f"position: fixed by {counted} between guessing and full marks",
        "slope: from the data"
        if informative >= 3
        else "slope: mostly from the other tasks and the prior, fewer than 3 such runs",
    ]
    top = float(rows["score"].max())
    end = "what the irreducible loss leaves" if irreducible else "ceiling"
    said.append(
        f"{end}: the data have a say"
        if top > HALF_WAY
        else f"{end}: prior, the best score is {top:g}; P(never) rests on it"
    )
    if irreducible:
        return said
    return [*said, "loss floor E and answer length: not identified from one rate alone, E = 0 and L enters as L x loss"]


def _known(data: Any, name: str, place: int) -> float | None:
    return float(data[name].values[place]) if name in data and np.isfinite(data[name].values[place]) else None


def _of_bound(data: Any, place: int) -> list[str]:
    """What a lowest ceiling of a task says of its law."""
    law, lowest = int(data.law_index.values[place]), float(lowest_ceiling(data)[place])
    if not np.isfinite(lowest):
        return []
    end = "what the irreducible loss leaves" if has_irreducible(data)[law] else "ceiling"
    if bounding_task(data)[law] != place:
        return [f"{end}: at least {lowest:g} is not used, the law is bounded by another metric or by none"]
    near = _known(data, "human", place)
    return [f"{end}: at least {lowest:g}" + ("" if near is None else f", expected near the score of experts, {near:g}")]


def _of_loss_floor(rows: pd.DataFrame) -> str:
    fall = float(rows["score"].max() / rows["score"].min())
    if np.ptp(rows["x"]) < WIDE or fall < FALLEN:
        return (
            f"loss floor E: mostly prior, the loss falls by a factor of {fall:.3g} over {np.ptp(rows['x']):.3g} decades"
        )
    return "loss floor E: the data have a say"


def _of_the_law(label: str, data: Any, law: int, given: int) -> list[str]:
    """What other tasks of the same law add."""
    tasks = [str(task) for task in data.task.values[data.law_index.values == law] if task != label]
    named = "; ".join(tasks) if len(tasks) <= NAMED else f"{len(tasks)} other metrics of {data.law.values[law]}"
    said = [f"shares one law of loss with: {named}"] if tasks else []
    if given:
        said.append(f"{given} rows count the same answers as another row and are used given that one, not twice")
    if links_loss_to_rates(data)[law]:
        said.append("measured loss: related to the answers by a factor and a power that are learned")
    same_name = data.task_name.values == data.task_name.sel(task=label).item()
    lone = data.metric.sel(task=label).item() in ("exact_match",) and np.isnan(data.task_length.sel(task=label).item())
    if lone and (same_name & (data.metric.values == "token_accuracy")).any():
        said.append("not linked with the token accuracy of this name: fill the column length")
    return said


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

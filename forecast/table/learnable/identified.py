"""Identification: what the rows of each task fix of its law, in words, and what they leave to the prior."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.scales import scale_of
from forecast.table.dataset import index_of
from forecast.table.direction import in_words
from forecast.table.learnable.spread import range_of_runs
from models.facts.ceilings import bounding_task, lowest_ceiling
from models.facts.guessing import unknown_chance
from models.facts.informative import LITTLE, hardly_varies, is_above_guessing
from models.facts.layout import links_loss_to_rates
from models.facts.parts import has_irreducible, has_params_tokens
from models.structures import Parts

FEWEST = 3  # informative runs that show a slope
WIDE, FALLEN = 2.0, 1.5  # decades of compute, and factor of the loss, over which a bend towards E can show
NAMED = 4  # tasks of a law that are named one by one
HALF_WAY = 0.5  # a ceiling shows only in scores on the upper half of the curve


def identified(label: str, data: Any, rows: pd.DataFrame, direction: dict[str, Any]) -> list[str]:
    """Sentences about one task; `rows` are its own, with their score, successes, trials, run and x."""
    place = index_of(data, "task", label)
    own = data.task_index.values == place
    metric, law = data.metric.values[place].item(), int(data.law_index.values[place])
    given = int((data.given_index.values[own] >= 0).sum())
    said = (
        _of_measured(data, rows, metric)
        if metric in ("loss", "horizon")
        else _of_rate(data, rows.assign(above=is_above_guessing(data)[own]), irreducible=has_irreducible(data)[law])
    )
    if unknown_chance(data)[place]:
        said.append("floor: learned, the chance of a right guess is not given")
    said += _of_bound(data, place)
    said.append(f"direction: {in_words(label, metric, direction, quantity=scale_of(data).quantity)}")
    return said + _of_the_law(label, data, law, given)


def _of_measured(data: Any, rows: pd.DataFrame, metric: str) -> list[str]:
    prior = _slope_of_prior(data)
    if metric == "loss":
        return [f"position: fixed by {len(rows)} measured losses", *prior, _of_loss_floor(rows)]
    what = "position" if prior else "position and growth"
    return [f"{what}: fixed by {len(rows)} measured horizons", *prior]


def _slope_of_prior(data: Any) -> list[str]:
    return [f"slope: from the prior, {range_of_runs(data)}"] if hardly_varies(data) else []


def _of_rate(data: Any, rows: pd.DataFrame, *, irreducible: bool) -> list[str]:
    informative = rows[rows["above"] & (rows["score"] < 1)].groupby("run")["x"].first()
    said = [_position(rows, len(informative)), *(_slope_of_prior(data) or [_slope(data, informative)])]
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


def _position(rows: pd.DataFrame, informative: int) -> str:
    if not rows["above"].any():
        bound = "below, no run scores clearly above guessing"
    elif (rows["score"] >= 1).all():
        bound = "above, every run has full marks"
    else:
        counted = "1 run" if informative == 1 else f"{informative} runs"
        return f"position: fixed by {counted} between guessing and full marks"
    return f"position: only bounded from {bound}; the threshold is mostly prior"


def _slope(data: Any, informative: pd.Series) -> str:
    """Whose the slope of a task is; `informative` are the places of runs between guessing and full marks."""
    if len(informative) < FEWEST:
        return f"slope: mostly from the other tasks and the prior, fewer than {FEWEST} such runs"
    if np.ptp(informative) < LITTLE and not has_params_tokens(data, Parts()):
        return f"slope: mostly from the other tasks and the prior, such runs hardly differ in {scale_of(data).quantity}"
    return "slope: from the data"


def known(data: Any, name: str, place: int) -> float | None:
    return float(data[name].values[place]) if name in data and np.isfinite(data[name].values[place]) else None


def _of_bound(data: Any, place: int) -> list[str]:
    """What a lowest ceiling of a task says of its law."""
    law, lowest = int(data.law_index.values[place]), float(lowest_ceiling(data)[place])
    if not np.isfinite(lowest):
        return []
    end = "what the irreducible loss leaves" if has_irreducible(data)[law] else "ceiling"
    if bounding_task(data)[law] != place:
        return [f"{end}: at least {lowest:g} is not used, the law is bounded by another metric or by none"]
    near = known(data, "human", place)
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

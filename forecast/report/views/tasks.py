"""Tasks in a report: the row of each threshold, its curve, and what another fit changed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecast.posterior.reached import already
from forecast.posterior.views.curve import TaskForecast
from forecast.report.sections import Section
from forecast.scales import Scale, scale_of_answer
from forecast.table.direction import refusal
from forecast.words import counted, spoken_score

_EVENTS: Mapping[str, str] = {
    "typical": "the mean curve of the family crosses τ or, of several, that of the typical family at the latest date",
    "new run": "one new run reaches τ",
    "first": "the first of several runs reaches τ",
}


def row(task: TaskForecast) -> dict[str, Any]:
    """What the table of thresholds shows of one."""
    quantiles, data_max = task.threshold["log10_compute"], task.threshold["data_log10_compute"][1]
    less, refused = task.threshold.get("reached_with_less"), refusal_of(task)
    return {
        "task": task.task,
        "metric": task.metric,
        "at": spoken_score(task.at, task.metric),
        "median": quantiles["q50"],
        "lower": quantiles["q05"],
        "upper": quantiles["q95"],
        "p_never": task.threshold["p_never"],
        "data_max": data_max,
        "p_crossed": None if refused else float(np.mean(task.log10_compute_draws <= data_max)),
        "without_data": task.observed.empty,
        "already": already(less, less=scale_of_answer(task.threshold).less) if less else refused,
    }


def refusal_of(task: TaskForecast) -> str:
    """Why no threshold is given; empty where there is one."""
    return refusal(task.threshold, quantity=scale_of_answer(task.threshold).quantity)


def events(tasks: Sequence[TaskForecast]) -> list[str]:
    """The events that thresholds are of, each with its meaning."""
    found = {(str(task.threshold.get("event") or "typical"), str(task.threshold.get("family") or "")) for task in tasks}
    return [_event(*each) for each in sorted(found)]


def _event(event: str, family: str) -> str:
    meaning = f"“{event}”: {_EVENTS[event]}" if event in _EVENTS else f"“{event}”"
    return f"{meaning} (family {family})" if family else meaning


def moved(task: TaskForecast) -> bool:
    """Whether the runs of a task are shown with the family of the curve."""
    return "moved_to" in task.observed and bool(task.observed["moved_to"].notna().any())


def legend(colours: Mapping[str, str], *, grey: str) -> list[tuple[str, str]]:
    """Names and colours of families; those that share a colour are told together."""
    own = [(name, colour) for name, colour in colours.items() if colour != grey]
    others = len(colours) - len(own)
    return own + ([(f"{counted(others, 'other family', 'other families')}", grey)] if others else [])


def changes(first: Section, later: Section, scale: Scale) -> list[dict[str, Any]]:
    """Threshold by threshold what a later fit says beside the first; `shift` where both medians are finite."""
    before = {(task.task, task.at): task for task in first.tasks}
    rows = []
    for task in later.tasks:
        if (old := before.get((task.task, task.at))) is None:
            continue
        medians = [each.threshold["log10_compute"]["q50"] for each in (old, task)]
        ends = [np.inf if median is None else float(median) for median in medians]
        shift = ends[1] - ends[0] if np.isfinite(ends).all() else None
        said = "" if shift is None else f"{scale.units(shift):+.1f} {scale.distance_unit}"
        rows.append({"before": row(old), "after": row(task), "shift": said})
    return rows

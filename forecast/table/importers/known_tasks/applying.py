"""Application of the catalogue: what the name of a task adds to results that do not say it, with a note on each."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from forecast.errors import shown
from forecast.table.importers.choices import Choices
from forecast.table.importers.known_tasks.catalogue import KnownTask, known_task
from forecast.table.importers.measurements import Measurement
from models.equations.metrics import METRICS, rates

type Labelled = tuple[str, Measurement]  # name of the task in the table first
BELOW = 4.0  # standard errors below chance that no guessing explains
NOMINAL = 1000  # items, where nobody says how many
OTHER_ITEMS = 0.02  # relative difference of numbers of items that a rounded standard error does not make
ABOUT = 0.01  # difference of chances that is rounding


class Said(NamedTuple):
    """A decision on a task, for the user to check."""

    task: str
    text: str  # with {tasks} and, to decide otherwise, {given}
    value: str = ""  # that is given to decide otherwise


def with_known(rows: Iterable[Labelled], choices: Choices) -> tuple[list[Labelled], list[str]]:
    """Rows with the metric, the chance and the items that the names of their tasks tell, and a note on each of these.

    The user's word outweighs the file's, and the file's that of the catalogue.
    """
    by_task: dict[str, list[Measurement]] = {}
    for label, each in rows:
        by_task.setdefault(label, []).append(each)
    said: list[Said] = []
    found: list[Labelled] = []
    for label, measured in by_task.items():
        task = known_task(measured[0].task)
        if task is not None:
            measured = _with_metric(label, measured, task, choices, said)
            measured = _with_chance(label, measured, task, choices, said)
            measured = _with_items(label, measured, task, choices, said)
        found += [(label, each) for each in measured]
    return found, _notes(said)


def _with_metric(
    label: str, measured: list[Measurement], task: KnownTask, choices: Choices, said: list[Said]
) -> list[Measurement]:
    """Choices and exact matches told apart, where neither file nor user says which they are."""
    given = choices.metric.of(label, measured[0].task)
    is_open = [not each.told and given not in METRICS for each in measured]
    if not task.is_choice:
        chosen = [each.metric == "choice" and open_ for each, open_ in zip(measured, is_open, strict=True)]
        if any(chosen):
            text = "{tasks}: exact match, since answers are generated: known task (else --metric {given})"
            said.append(Said(label, text, "choice"))
        return _as("exact_match", measured, chosen)
    if given is None and any(each.told and each.metric == "exact_match" for each in measured):
        text = "{tasks}: a choice by its name, but answers are generated, and a guess may be right: --metric {given}"
        said.append(Said(label, f"{text} makes chance {task.chance:.3g} the floor", "choice"))
    matching = [each.metric == "exact_match" and open_ for each, open_ in zip(measured, is_open, strict=True)]
    text = f"{{tasks}}: a choice among given answers with chance {task.chance:.3g}: known task"
    if any(_is_below(each, task.chance or 0.0) for each, is_one in zip(measured, matching, strict=True) if is_one):
        text += "; but scores lie below chance, so taken as exact match (else --metric {given})"
        said.append(Said(label, text, "choice"))
        return measured
    if any(matching):
        said.append(Said(label, f"{text} (--metric {{given}} if answers were generated)", "exact_match"))
    return _as("choice", measured, matching)


def _as(metric: str, measured: list[Measurement], which: list[bool]) -> list[Measurement]:
    """The measurements, those of them that are marked read as this metric."""
    return [
        replace(each, metric=metric, chance=None) if is_one else each
        for each, is_one in zip(measured, which, strict=True)
    ]


def _is_below(each: Measurement, chance: float) -> bool:
    error = math.sqrt(chance * (1 - chance) / (each.trials or NOMINAL))
    return each.score < chance - BELOW * error


def _with_chance(
    label: str, measured: list[Measurement], task: KnownTask, choices: Choices, said: list[Said]
) -> list[Measurement]:
    if task.chance is None or choices.chance.named_for(label, measured[0].task) is not None:
        return measured
    asked = choices.metric.of(label, measured[0].task) == "choice"
    chosen = [each for each in measured if each.metric == "choice" or (asked and each.metric == "exact_match")]
    if any(each.chance is not None and abs(each.chance - task.chance) > ABOUT for each in chosen):
        said.append(
            Said(
                label, f"{{tasks}}: known task of chance {task.chance:.3g}, but the file says otherwise and is followed"
            )
        )
    if any(each.chance is None for each in chosen):
        said.append(
            Said(label, f"chance {task.chance:.3g} of {{tasks}}: known task (--chance {{given}} outweighs)", "P")
        )
    metrics = ("choice", "exact_match") if asked else ("choice",)
    return [
        replace(each, chance=task.chance) if each.metric in metrics and each.chance is None else each
        for each in measured
    ]


def _with_items(
    label: str, measured: list[Measurement], task: KnownTask, choices: Choices, said: list[Said]
) -> list[Measurement]:
    if task.items is None or choices.trials.of(label, measured[0].task) is not None:
        return measured
    counted = {each.trials for each in measured if each.trials is not None and each.metric in rates()}
    if other := sorted(items for items in counted if abs(items - task.items) > OTHER_ITEMS * task.items):
        said.append(
            Said(label, f"{{tasks}}: known task of {task.items} items, but the file says {other[0]} and is followed")
        )
    uncounted = [each.trials is None and each.metric in rates() for each in measured]
    if any(uncounted):
        said.append(Said(label, f"{task.items} items of {{tasks}}: known task (--trials {{given}} outweighs)", "N"))
    return [
        replace(each, trials=task.items) if is_one else each for each, is_one in zip(measured, uncounted, strict=True)
    ]


def _notes(said: Sequence[Said]) -> list[str]:
    """One sentence for all tasks of which the same is said."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for each in said:
        tasks.setdefault((each.text, each.value), []).append(each.task)
    return [
        text.format(tasks=", ".join(names), given=shown(f"{names[0]}={value}"))
        for (text, value), names in tasks.items()
    ]

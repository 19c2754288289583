"""Parts of known tasks: subtasks that count as one task, such as the 57 of MMLU."""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from forecast.table.importers.choices import Choices
from forecast.table.importers.known_tasks.catalogue import APART
from forecast.table.importers.measurements import Found, LeftOut, Measurement

GROUPS = Path(__file__).with_name("groups.toml")


class Part(NamedTuple):
    """A part of a task."""

    whole: str  # name of the task
    part: str
    of: int  # number of its parts


def with_parts_together(found: Found, choices: Choices) -> tuple[Found, list[str]]:
    """Subtasks of a known task counted as that task, of every model that has all of them, and a note on each task.

    They stay apart where no model has all of them, or the user names one of them.
    """
    named = {part.whole for _, name in choices.named() if (part := part_of(name))}
    parts = [(part_of(each.task), each) for each in found.measurements]
    wholes: dict[Part, list[Measurement]] = {}
    for part, each in parts:
        if part is not None and part.whole not in named:
            wholes.setdefault(part._replace(part=""), []).append(each)
    made = {task: list(_together(task, rows)) for task, rows in wholes.items()}
    made = {task: together for task, together in made.items() if together}
    taken = {task.whole for task in made}
    kept = [each for part, each in parts if part is None or part.whole not in taken]
    incomplete = [each for task, rows in made.items() for each in _incomplete(task, wholes[task], rows)]
    others = (each for each in found.left_out if not (_above_parts(each.task, taken) and "average" in each.why))
    left_out = dict.fromkeys(_of_whole(each, taken) for each in others)
    notes = [
        f"{task.whole}: its {task.of} subtasks count as one task (--tasks with their names takes them apart)"
        for task in made
    ]
    measurements = (*kept, *(each for rows in made.values() for each in rows))
    return replace(found, measurements=measurements, left_out=(*left_out, *incomplete)), notes


@cache
def part_of(task: str) -> Part | None:
    """The part of a known task that a task is by its name; None where it is none.

    >>> part_of("hendrycksTest-anatomy")
    Part(whole='mmlu', part='anatomy', of=57)
    """
    name = APART.sub("_", task.casefold()).strip("_")
    for group in _groups():
        for prefix in group["prefixes"]:
            rest = name.removeprefix(prefix)
            for part in group["parts"] if rest != name else ():
                if rest in part.split():
                    return Part(group.get("called", prefix.rstrip("_")), part, len(group["parts"]))
    return None


@cache
def _groups() -> list[dict]:
    return tomllib.loads(GROUPS.read_text(encoding="utf-8"))["group"]


def _above_parts(task: str, wholes: Iterable[str]) -> bool:
    """Whether a task is an average of parts: the whole, or one between ('mmlu_stem')."""
    return part_of(task) is None and any(task == whole or task.startswith(f"{whole}_") for whole in wholes)


def _of_whole(left_out: LeftOut, wholes: Iterable[str]) -> LeftOut:
    """What was left out of a part, said of the whole, since it is the same of all parts."""
    part = part_of(left_out.task)
    if part is None or part.whole not in wholes:
        return left_out
    return replace(left_out, what=left_out.what.replace(left_out.task, part.whole, 1), task=part.whole)


def _together(task: Part, rows: Sequence[Measurement]) -> Iterator[Measurement]:
    """The task of each model and metric of a file that has all of its parts, with their items."""
    groups: dict[tuple, dict[str, Measurement]] = {}
    for each in rows:
        part = part_of(each.task)
        if part is not None and each.metric != "loss" and each.k is None and each.trials:
            same = (each.model, each.variant, each.native, each.metric, each.source)
            groups.setdefault(same, {})[part.part] = each
    for parts in (group for group in groups.values() if len(group) == task.of):
        all_parts = list(parts.values())
        items = [each.trials or 0 for each in all_parts]
        chances = [each.chance for each in all_parts]
        known = [chance for chance in chances if chance is not None]
        yield replace(
            all_parts[0],
            task=task.whole,
            score=_mean([each.score for each in all_parts], items),
            trials=sum(items),
            chance=_mean(known, items) if len(known) == task.of else None,
            told=all(each.told for each in all_parts),
        )


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def _incomplete(task: Part, rows: Sequence[Measurement], made: Sequence[Measurement]) -> Iterator[LeftOut]:
    """What is not part of any whole: models that lack parts or their items, and losses of parts."""
    whole = {each.model for each in made}
    counted: dict[str, set[str]] = {}
    for each in rows:
        if each.trials and each.metric != "loss" and (part := part_of(each.task)):
            counted.setdefault(each.model, set()).add(part.part)
    for model in dict.fromkeys(each.model for each in rows if each.model not in whole):
        why = f"has {len(counted.get(model, ()))} of its {task.of} subtasks with their items"
        yield LeftOut(what=f"{task.whole} of {model}", why=why, task=task.whole)
    if any(each.metric == "loss" for each in rows):
        yield LeftOut(what=f"{task.whole}: losses of its subtasks", why="are of parts of the task", task=task.whole)

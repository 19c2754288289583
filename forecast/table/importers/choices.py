"""Choices of the user: which tasks to take, how they are measured, and what the files do not say."""

import csv
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from forecast.errors import ForecastError, shown
from forecast.table.reading.roles import AS_HEADERS_SAY, Columns


@dataclass(frozen=True, kw_only=True)
class PerTask[T]:
    """An option with values for named tasks, and one for all others."""

    option: str
    named: Mapping[str, T] = field(default_factory=dict)
    general: T | None = None

    def named_for(self, *names: str) -> T | None:
        """The value given for the first of these names that has one."""
        return next((self.named[name] for name in names if name in self.named), None)

    def of(self, *names: str) -> T | None:
        """The value given for one of these names, else the general one."""
        named = self.named_for(*names)
        return self.general if named is None else named


@dataclass(frozen=True, kw_only=True)
class Choices:
    """All that the command takes beside files; a task goes by its name in the table or in the file."""

    tasks: tuple[str, ...] = ()  # none: all
    metric: PerTask[str] = PerTask(option="--metric")
    chance: PerTask[float] = PerTask(option="--chance")
    trials: PerTask[int] = PerTask(option="--trials")
    percent: bool = False  # scores are in [0, 100]
    percent_of: tuple[str, ...] = ()  # those of these tasks are, whatever they look like
    columns: Columns = AS_HEADERS_SAY  # of tables, by role
    repeats: str | None = None  # of `forecast.table.repeats.REPEATS`; None: the one with most items, then the latest
    best_of: tuple[str, ...] = ()  # sizes that runs have in common, of which the best is kept

    def wants(self, *names: str) -> bool:
        return not self.tasks or any(name in self.tasks for name in names)

    def named(self) -> list[tuple[str, str]]:
        """(option, task) of every task that is named."""
        options = (self.metric, self.chance, self.trials)
        lists = {"--tasks": self.tasks, "--percent-of": self.percent_of}
        return [(option, task) for option, tasks in lists.items() for task in tasks] + [
            (option.option, task) for option in options for task in option.named
        ]


def task_names(given: str | None) -> tuple[str, ...]:
    """Names separated by commas; one that holds a comma is quoted as in a CSV."""
    names = next(csv.reader([given], skipinitialspace=True), []) if given else []
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def per_task[T](option: str, given: Iterable[str], convert: Callable[[str], T], *, expected: str) -> PerTask[T]:
    """The values ``TASK=VALUE``, or ``VALUE`` for all tasks, of an option.

    Raises
    ------
    ForecastError
        where a value cannot be converted (a `ValueError`), or a task has two.
    """
    values: dict[str | None, T] = {}
    for text in given:
        name, equals, value = text.rpartition("=")
        task = name.strip() if equals else None
        if task == "":
            raise ForecastError(f"{option} {shown(text)}: no task before '='; give TASK=VALUE, or VALUE for all tasks")
        if task in values:
            raise ForecastError(f"{option} {shown(text)}: a second value for one task; give one")
        try:
            values[task] = convert(value.strip())
        except ValueError:
            raise ForecastError(f"{option} {shown(text)}: {shown(value)} is not {expected}") from None
    named = {task: value for task, value in values.items() if task is not None}
    return PerTask(option=option, named=named, general=values.get(None))


def as_chance(text: str) -> float:
    chance = float(text)
    if not 0 <= chance < 1:
        raise ValueError(text)
    return chance


def as_trials(text: str) -> int:
    trials = int(text)
    if not 1 <= trials <= 2**53:
        raise ValueError(text)
    return trials


def as_metric(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest, where one is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)), None)

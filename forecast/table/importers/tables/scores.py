"""Scores as typed: rates, percentages and losses, decided column by column, with all that is wrong at once."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.checks.scores import MEASURED
from forecast.table.importers.choices import Choices
from forecast.table.importers.tables.cells import ATTEMPTS
from forecast.table.reading.cells import NUMBER
from models.equations.metrics import rates

NAMED = 10  # tasks in a message


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The cells of a task that are not blank, by line."""

    task: str
    header: str  # of their column
    metric: str
    cells: Mapping[int, str]
    values: Mapping[int, float] = field(init=False)  # of the cells that are numbers, percent signs aside
    kin: tuple[float, ...] = ()  # values of pass@k of the same items at all k, which are in one unit

    def __post_init__(self) -> None:
        numbers = {line: number for line, cell in self.cells.items() if (number := _number(cell)) is not None}
        object.__setattr__(self, "values", numbers)

    @property
    def rate(self) -> bool:
        return self.metric in rates()

    @property
    def marked(self) -> tuple[int, ...]:
        """Lines of the cells with a percent sign."""
        return tuple(line for line, cell in self.cells.items() if "%" in cell)

    @property
    def range(self) -> str:
        return f"{min(self.values.values()):g} to {max(self.values.values()):g}"

    @property
    def never_above_1(self) -> bool:
        """Whether the largest score lies in (0, 1], as of rates."""
        return 0 < max((*self.values.values(), *self.kin), default=0.0) <= 1

    @property
    def like_percent(self) -> bool:
        """Whether scores reach beyond 1 and never beyond 100."""
        values = (*self.values.values(), *self.kin)
        return bool(self.values) and min(values) >= 0 and 1 < max(values) <= 100

    @property
    def no_score(self) -> bool:
        """Whether no cell can be one."""
        return bool(self.cells) and not any(0 <= value <= 100 for value in self.values.values())


def is_score(cell: str) -> bool:
    """Whether a cell holds a number, with a percent sign or without."""
    return _number(cell) is not None


def _number(cell: str) -> float | None:
    text = cell.rstrip("% ")
    return float(text) if NUMBER.fullmatch(text) else None


def scores_of(path: Path, tasks: list[Scored], choices: Choices) -> dict[tuple[int, str], float]:
    """The rate or loss of each cell by line and task.

    A column is of percentages by the user's word, by a percent sign in its header, or by one in a cell where the others
    are above 1.

    Raises
    ------
    TableError
        with all columns that are in doubt and all cells that hold no score.
    """
    tasks, choices = _with_kin(tasks, choices)
    problems: list[Problem] = []
    found: dict[tuple[int, str], float] = {}
    for each in tasks:
        problems += _in_doubt(each, tasks, choices)
        percent = _is_percent(each, choices)
        for line, cell in each.cells.items():
            score = _score(each, line, percent=percent)
            if score is not None:
                found[line, each.task] = score
            elif not each.no_score and not (each.rate and not percent and each.like_percent and line in each.values):
                problems.append(_problem(each, line, cell, percent=percent))
    if problems:
        raise TableError(path, sorted(problems, key=lambda problem: problem.row or 0))
    _check_percent(path, tasks, choices)
    return found


def _with_kin(tasks: list[Scored], choices: Choices) -> tuple[list[Scored], Choices]:
    """Tasks that know the values of pass@k at other k, and what is said of the percentages of one said of all."""
    bases = {each.task: attempts["task"] for each in tasks if (attempts := ATTEMPTS.fullmatch(each.task))}
    kin: dict[str, list[Scored]] = {}
    for each in tasks:
        kin.setdefault(bases.get(each.task, f"\0{each.task}"), []).append(each)
    of_task = {each.task: same for same in kin.values() for each in same}
    related = [
        replace(each, kin=tuple(value for one in of_task[each.task] for value in one.values.values())) for each in tasks
    ]
    said = [one.task for task in choices.percent_of for one in of_task.get(task, [])]
    return related, replace(choices, percent_of=tuple(dict.fromkeys((*choices.percent_of, *said))))


def _is_percent(each: Scored, choices: Choices) -> bool:
    if not each.rate:
        return False
    said = choices.percent or each.task in choices.percent_of or "%" in each.header
    return said or (any(value > 1 for value in each.values.values()) and bool(each.marked))


def _in_doubt(each: Scored, tasks: list[Scored], choices: Choices) -> Iterator[Problem]:
    """What is wrong with a column as a whole; the user's word for it by name ends doubt about percentages."""
    first = next(iter(each.cells), None)
    if each.no_score and first is not None:
        wrong = f"no cell of the column is a score ({len(each.cells)} cells)"
        yield Problem(row=first, column=each.header, value=each.cells[first], wrong=wrong, remedy=_others(each, tasks))
    elif each.rate and each.values and each.task not in choices.percent_of:
        others = [other for other in tasks if other.rate and other is not each]
        if 0 < len(each.marked) < len(each.cells) and each.never_above_1:
            yield _half_marked(each)
        elif each.never_above_1 and not each.marked and _is_percent(each, choices):
            if "%" in each.header or any(map(_above_1, others)):
                yield _not_percent(each, [other for other in others if _above_1(other)], choices)
        elif each.like_percent and _above_1(each) and not _is_percent(each, choices):
            yield _percent(each, others)


def _half_marked(each: Scored) -> Problem:
    row = next(line for line in each.cells if line not in each.marked)
    wrong = "other cells have a percent sign, and this one may be a rate or a percentage"
    remedy = f"write all cells alike, or add --percent-of {_listed([each])} if all are percentages"
    return Problem(row=row, column=each.header, value=each.cells[row], wrong=wrong, remedy=remedy)


def _not_percent(each: Scored, percent: list[Scored], choices: Choices) -> Problem:
    """A column that is taken for percentages, of which its scores show nothing."""
    wrong = f"{_name(each)} never exceeds 1 ({each.range}), as rates do{_while(percent, 'percentages')}"
    instead = f"give --percent-of {_listed(percent)} in place of --percent" if choices.percent else "rename the column"
    remedy = f"if these are rates, {instead}; if they are percentages, add --percent-of {_listed([each])}"
    return Problem(column=each.header, wrong=wrong, remedy=remedy)


def _percent(each: Scored, others: list[Scored]) -> Problem:
    """A column that is taken for rates, and looks like percentages."""
    row = next(line for line, value in each.values.items() if value > 1)
    rates_ = [other for other in others if other.never_above_1]
    likely = [other for other in (each, *others) if other.like_percent]
    option = "--percent" if len(likely) == len(others) + 1 else f"--percent-of {_listed(likely)}"
    wrong = f"lies outside [0, 1]; {_name(each)} looks like percentages ({each.range}){_while(rates_, 'rates')}"
    remedy = f"add {option} if the scores are percentages, or name the columns that are scores with --tasks"
    return Problem(row=row, column=each.header, value=each.cells[row], wrong=wrong, remedy=remedy)


def _above_1(each: Scored) -> bool:
    return each.rate and any(value > 1 for value in each.values.values())


def _name(each: Scored) -> str:
    return "the column" if each.header == each.task else f"task {shown(each.task)}"


def _while(others: list[Scored], kind: str) -> str:
    looks = "looks" if len(others) == 1 else "look"
    return f", while {', '.join(shown(other.task) for other in others[:NAMED])} {looks} like {kind}" if others else ""


def _listed(tasks: list[Scored]) -> str:
    """Names of tasks as the command line takes them: by comma, those that hold one in quotes."""
    return _quoted(each.task for each in tasks)


def _quoted(names: Iterable[str]) -> str:
    """Names as an option of several takes them: by comma, those that hold one in double quotes, all in quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(list(dict.fromkeys(names)))
    return "'" + out.getvalue().replace("'", "'\\''") + "'"


def _others(each: Scored, tasks: list[Scored]) -> str:
    good = [other for other in tasks if not other.no_score]
    named = f"--tasks {_listed(good)}" if good else "--tasks NAMES"
    return f"name the columns that are scores: {named}"


def _check_percent(path: Path, tasks: list[Scored], choices: Choices) -> None:
    of_rates = [each for each in tasks if each.rate]
    if choices.percent and of_rates and not any(_above_1(each) or each.marked for each in of_rates):
        raise ForecastError(f"{shown_path(path)}: with --percent no score is above 1%; leave it out if they are rates")


def _score(each: Scored, line: int, *, percent: bool) -> float | None:
    """The rate or loss in a cell; None where there is none."""
    value = each.values.get(line)
    if value is None or ("%" in each.cells[line] and not each.rate):
        return None
    if not each.rate:
        return value if 0 < value < float("inf") else None
    rate = round(value / 100, 15) if percent or "%" in each.cells[line] else value
    return rate if 0 <= rate <= 1 else None


def _problem(each: Scored, line: int, cell: str, *, percent: bool) -> Problem:
    if each.metric in MEASURED:
        wrong = f"is not a positive {MEASURED[each.metric]}"
    elif line not in each.values:
        wrong = "is text, not a score"
    else:
        wrong = "lies outside 0 to 100%" if percent else "lies outside [0, 1]"
    remedy = "correct the cell, or name the columns that are scores with --tasks"
    return Problem(row=line, column=each.header, value=cell, wrong=wrong, remedy=remedy)

"""Cells of a row beside its scores: the model, the number of items and the chance of a guess."""

import re
from collections.abc import Iterable
from pathlib import Path

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.known_tasks.catalogue import known_task
from forecast.table.reading.cells import NUMBER
from forecast.table.reading.sheet import Sheet

ATTEMPTS = re.compile(r"(?P<task>.*?)(?<![\s_:,-])[\s_:,-]*\(?pass(?:@|_at_)(?P<k>[1-9][0-9]*)\)?", re.IGNORECASE)


def check_named(sheet: Sheet, lines: Iterable[int]) -> None:
    """A `TableError` with all rows that have scores and no model."""
    models, column = sheet.text("model"), sheet.columns["model"].header
    place = {"column": column, "value": "", "wrong": "is blank", "remedy": "give the model a name, or delete the row"}
    problems = [Problem(row=line, **place) for line in sorted(set(lines)) if not models[line]]
    if problems:
        raise TableError(sheet.path, problems)


def check_counted(path: Path, uncounted: Iterable[str]) -> None:
    """A `ForecastError` that names the tasks whose number of items is not known."""
    unknown = [task for task in dict.fromkeys(uncounted) if _known_items(task) is None]
    if unknown:
        raise ForecastError(
            f"{shown_path(path)}: rates need the number of items scored, and none is given for "
            f"{', '.join(map(shown, unknown[:10]))}; add --trials {shown(f'{unknown[0]}=1000')}, "
            "or one number for all tasks, or --columns 'trials=NAME' of a column"
        )


def _known_items(name: str) -> int | None:
    attempts = ATTEMPTS.fullmatch(name)
    known = known_task(name if attempts is None else attempts["task"])
    return None if known is None else known.items


def trials_of(sheet: Sheet, line: int, task: str, choices: Choices) -> int | None:
    """Items of a row: those that the user gives for the task, else those of the row, else those for all tasks."""
    of_row = sheet.text("trials")[line]
    return choices.trials.named_for(task) or (whole(sheet, line, "trials") if of_row else choices.trials.general)


def whole(sheet: Sheet, line: int, role: str) -> int | None:
    """A count in a cell; None where it is blank."""
    cell = sheet.text(role)[line]
    try:
        count = float(cell.replace(",", "")) if cell else None
        if count is None or (count >= (role != "successes") and count == int(count)):
            return None if count is None else int(count)
    except (ValueError, OverflowError):
        pass
    remedy = "give the number of items, or leave the cell blank and add --trials"
    problem = Problem(row=line, column=sheet.columns[role].header, value=cell, wrong="is no count", remedy=remedy)
    raise TableError(sheet.path, [problem])


def length_of(sheet: Sheet, line: int) -> float | None:
    """The length of an answer in a cell; None where it is blank."""
    cell = sheet.text("length")[line]
    if not cell or NUMBER.fullmatch(cell):
        return float(cell) if cell else None
    header, remedy = sheet.columns["length"].header, "give the answer length in tokens, or leave the cell blank"
    raise TableError(sheet.path, [Problem(row=line, column=header, value=cell, wrong="is no length", remedy=remedy)])


def bound_of(sheet: Sheet, line: int, role: str, *, percent: bool) -> float | None:
    """A score of experts or a lowest ceiling in a cell, in the unit of the scores of its task; None where blank."""
    cell, header = sheet.text(role)[line], sheet.columns[role].header if role in sheet.columns else ""
    if not cell:
        return None
    text, marked = cell.rstrip("% "), "%" in cell or "%" in header
    value = float(text) if NUMBER.fullmatch(text) else -1.0
    rate = round(value / 100, 15) if marked or percent else value
    doubtful = percent and not marked and value <= 1
    if 0 < rate <= 1 and not doubtful:
        return rate
    wrong = "may be a rate or a percentage, as the scores of its task are" if doubtful and value > 0 else "is no score"
    remedy = "write it with a percent sign if it is a percentage, else as the scores of its task are"
    raise TableError(sheet.path, [Problem(row=line, column=header, value=cell, wrong=wrong, remedy=remedy)])


def chance_of(sheet: Sheet, line: int) -> float | None:
    """The success of a guess in a cell, as a rate or with a percent sign; None where it is blank."""
    cell = sheet.text("chance")[line]
    try:
        chance = None if not cell else float(cell.rstrip("% ")) / (100 if "%" in cell else 1)
        if chance is None or 0 <= chance < 1:
            return chance
    except ValueError:
        pass
    remedy = "give the success rate of a guess, such as 0.25 for four choices"
    header = sheet.columns["chance"].header
    raise TableError(sheet.path, [Problem(row=line, column=header, value=cell, wrong="is no chance", remedy=remedy)])

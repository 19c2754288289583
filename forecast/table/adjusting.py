"""Adjustments of a table as it is read: tasks taken, counts and chances filled, rows left out, repeats made one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, by_kind, row_ranges, shown
from forecast.table.checks.rows import check_cells
from forecast.table.importers.choices import PerTask, as_chance, as_trials, closest, per_task, task_names
from forecast.table.reading.cells import Cells, cells_of
from forecast.table.repeats import REPEATS, best_runs, one_a_measurement, without_duplicates
from forecast.words import counted, first_of

type Warn = Callable[[str], None]
NO_TRIALS: PerTask[int] = PerTask(option="--trials")
NO_CHANCE: PerTask[float] = PerTask(option="--chance")
SHOWN_KINDS = 3  # of problems of rows that are left out


def silent(sentence: str) -> None:
    """A warning that nobody asked for."""


@dataclass(frozen=True, kw_only=True)
class Adjustments:
    """What the user changes about a table without editing it."""

    tasks: tuple[str, ...] = ()  # none: all
    trials: PerTask[int] = NO_TRIALS
    chance: PerTask[float] = NO_CHANCE
    skip_unusable: bool = False  # leave out rows with problems
    repeats: str | None = None  # of `forecast.table.repeats.REPEATS`; None: rows of one measurement all count
    best_of: tuple[str, ...] = ()  # sizes that runs have in common, of which the best is kept

    def words(self) -> list[str]:
        """The options that say so on a command line."""
        words = ["--tasks", ",".join(map(_quoted, self.tasks))] if self.tasks else []
        for each in (self.trials, self.chance):
            general = [] if each.general is None else [f"{each.general:g}"]
            values = [*general, *(f"{task}={value:g}" for task, value in each.named.items())]
            words += [word for value in values for word in (each.option, value)]
        words += ["--skip-unusable"] if self.skip_unusable else []
        words += ["--repeats", self.repeats] if self.repeats else []
        return words + (["--best-of", ",".join(self.best_of)] if self.best_of else [])


def adjustments(
    tasks: str | None,
    trials: Sequence[str] | None,
    chance: Sequence[str] | None,
    skip_unusable: bool,
    repeats: str | None,
    best_of: str | None,
) -> Adjustments:
    """The adjustments that words of a command line name; a `ForecastError` for words that are none."""
    return Adjustments(
        tasks=task_names(tasks),
        trials=per_task("--trials", trials or (), as_trials, expected="a whole number of 1 or more"),
        chance=per_task("--chance", chance or (), as_chance, expected="a number from 0 to below 1"),
        skip_unusable=skip_unusable,
        repeats=known_repeats(repeats),
        best_of=task_names(best_of),
    )


def known_repeats(repeats: str | None) -> str | None:
    """Itself; a `ForecastError` where it is none of `forecast.table.repeats.REPEATS`."""
    if repeats is not None and repeats not in REPEATS:
        raise ForecastError(f"--repeats {shown(repeats)}: is not known; give one of {', '.join(REPEATS)}")
    return repeats


def _quoted(name: str) -> str:
    return f'"{name}"' if "," in name else name


def adjusted(
    frame: pd.DataFrame, ragged: list[Problem], adjust: Adjustments, *, path: Path, scored: bool, warn: Warn
) -> tuple[Cells, pd.DataFrame]:
    """The cells of a table after all adjustments, checked, and the rows they are of.

    `frame` and `ragged` are of `forecast.table.reading.files.cells_and_ragged`.

    Raises
    ------
    TableError
        with all problems that are left.
    ForecastError
        where a task that is named is not in the table, or nothing is left.
    """
    notes: list[str] = []  # said where the table can be used; else its problems are all that matters
    frame = _filled(_of_tasks(frame, adjust), adjust, notes.append)
    if scored and {"model", "task", "metric"} <= set(frame.columns):
        frame = frame if adjust.repeats == "each" else without_duplicates(frame, notes.append)
        frame = one_a_measurement(frame, adjust.repeats, notes.append)
    cells, frame = _usable(frame, ragged, adjust, path, scored, notes.append)
    if adjust.best_of:
        kept = frame.loc[best_runs(cells, adjust.best_of, notes.append)]
        cells, frame = _usable(kept, [], adjust, path, scored, notes.append)
    for sentence in notes:
        warn(sentence)
    return cells, frame


def _of_tasks(frame: pd.DataFrame, adjust: Adjustments) -> pd.DataFrame:
    """The rows of the tasks that are wanted; a `ForecastError` for a name that is none."""
    if "task" not in frame:
        return frame
    names = frame["task"].astype(str).str.strip()
    named = [("--tasks", task) for task in adjust.tasks]
    named += [(each.option, task) for each in (adjust.trials, adjust.chance) for task in each.named]
    for option, task in named:
        if task not in set(names):
            near = closest(task, names.unique()) or ", ".join(names.unique()[:10])
            raise ForecastError(f"{option} {shown(task)}: no row is of a task of this name; did you mean {near}?")
    return frame[names.isin(adjust.tasks)] if adjust.tasks else frame


def _filled(frame: pd.DataFrame, adjust: Adjustments, warn: Warn) -> pd.DataFrame:
    """Counts and chances that the options give: for a named task always, else where the cell is blank."""
    if "task" not in frame:
        return frame
    cells = cells_of(frame)
    frame = frame.copy()
    for column, option in (("trials", adjust.trials), ("chance", adjust.chance)):
        if option.general is None and not option.named:
            continue
        rows = ~cells.loss
        fills = rows if column == "trials" else cells.metric == "choice"
        names = cells.text["task"].str.strip()
        own = rows & names.isin(option.named)
        blank = cells.blank[column] & fills & ~own & (option.general is not None)
        given = names.map(option.named).where(own, option.general).astype(float)
        if option.general is not None and not blank.any():
            warn(f"{option.option} {option.general:g} changes nothing: {_kept(column, option.option)}")
        replaced = own & ~cells.blank[column] & (cells.number[column] != given)
        if replaced.any():
            warn(f"{option.option} {_replaced(cells.text.loc[replaced, ['task', column]], column)}")
        frame[column] = cells.text[column].where(~(own | blank), given.map("{:.17g}".format, na_action="ignore"))
    return frame


def _kept(column: str, option: str) -> str:
    """Why a value for all tasks has filled no cell, and what replaces those that are there."""
    return f"no row that needs {column} is blank; {option} TASK=VALUE replaces what a row has"


def _replaced(cells: pd.DataFrame, column: str) -> str:
    """The tasks, rows and values of which a named task has taken the place."""
    tasks, values = (first_of([shown(each) for each in cells[name].unique()]) for name in ("task", column))
    rows = f"row{'s' * (len(cells) > 1)} {row_ranges(cells.index)}"
    return f"of {tasks} replaces the {column} of {rows}, {values}; leave it out to keep them"


def _usable(
    frame: pd.DataFrame, ragged: Sequence[Problem], adjust: Adjustments, path: Path, scored: bool, warn: Warn
) -> tuple[Cells, pd.DataFrame]:
    """Cells without problems, and their rows; rows that have any are left out where that is wanted."""
    skipped: list[Problem] = list(ragged) if adjust.skip_unusable else []
    complete = adjust.skip_unusable or not ragged
    while True:
        cells = cells_of(frame, scored=scored)
        problems = check_cells(cells, complete=complete)
        of_rows = {problem.row for problem in problems} & set(frame.index)
        if adjust.skip_unusable and of_rows and len(of_rows) < len(frame):
            skipped += [problem for problem in problems if problem.row in of_rows]
            frame = frame.drop(index=list(of_rows))
            continue
        found = [*problems, *([] if adjust.skip_unusable else ragged)]
        if found:
            raise TableError(path, sorted([*found, *(skipped if problems else [])], key=lambda each: each.row or 0))
        for sentence in _skipped(skipped):
            warn(sentence)
        return cells, frame


def _skipped(problems: Sequence[Problem]) -> Iterator[str]:
    rows = {problem.row for problem in problems if problem.row is not None}
    if rows:
        kinds = by_kind(problems)
        more = f"; and {counted(len(kinds) - SHOWN_KINDS, 'other kind')} of problem" if len(kinds) > SHOWN_KINDS else ""
        yield f"Left out {counted(len(rows), 'row')} that cannot be used: {'; '.join(kinds[:SHOWN_KINDS])}{more}"

"""Runs of agents: attempts at tasks of known human time, as METR publishes them, to a horizon of each agent."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import Problem, TableError
from forecast.table.importers.choices import Choices
from forecast.table.importers.horizons.bootstrap import horizon_of
from forecast.table.importers.horizons.columns import (
    DATE,
    MODEL,
    NATIVE,
    TASK,
    column_of,
    columns_of,
    facts_by_date,
)
from forecast.table.importers.measurements import Found, LeftOut, Measurement, files, sorted_out, source_of, words
from forecast.table.reading.cells import MISSING, NUMBER
from forecast.table.reading.dates import iso_date_of
from forecast.table.reading.files import read_cells

NEEDED = {
    "model": MODEL,
    "task": ("task_id", "task", "task_name"),
    "minutes": ("human_minutes", "human_time_minutes", "minutes", "task_minutes"),
    "success": ("score_binarized", "success", "succeeded", "passed"),
}
FAMILY = ("task_family", "family")
WEIGHT = ("invsqrt_task_weight", "weight")
HUMAN = "human"  # of `model`: the people whose times are the lengths of the tasks
OUTCOMES = {"true": 1.0, "false": 0.0}
FEWEST = 5  # tasks of an agent
WIDEST_SD = 5.0  # of log10 minutes: nothing is known


def read(path: Path, choices: Choices) -> Found:
    """A horizon of each agent of a file of runs, or of all such files of a folder; dates are the scale if given.

    Raises
    ------
    TableError
        with all cells that cannot be meant.
    ForecastError
        if a file is no table of runs.
    """
    runs = pd.concat([_runs(file, read_cells(file)) for file in files(path, ("*.jsonl", "*.csv"))], ignore_index=True)
    blank = int(runs[["minutes", "success"]].isna().any(axis=1).sum())
    left_out = [LeftOut(what=f"{blank} runs of {source_of(path)}", why="human time or outcome is blank")]
    each = [_measurement(str(model), own.dropna(), source_of(path)) for model, own in runs.groupby("model", sort=False)]
    dates = runs.groupby("model", sort=False)["date"].max()
    found = sorted_out([*each, *left_out[: min(blank, 1)]])
    return replace(found, facts=facts_by_date({str(model): date for model, date in dates.items()}))


def _measurement(model: str, own: pd.DataFrame, source: str) -> Measurement | LeftOut:
    what = f"model {model}"
    if model.casefold() == HUMAN:
        return LeftOut(what=what, why="is the people whose times are the lengths of tasks")
    if own["task"].nunique() < FEWEST:
        return LeftOut(what=what, why=f"has runs of {own['task'].nunique()} tasks; a horizon needs {FEWEST} or more")
    shares = own["success"].mean()
    if shares in (0.0, 1.0):
        side = ("no run succeeds", "below the shortest task") if shares == 0 else ("all succeed", "above the longest")
        return LeftOut(what=what, why=f"{side[0]}: its horizon lies {side[1]}, and nothing tells where")
    horizon = horizon_of(own)
    if not 0 < horizon.minutes < float("inf") or horizon.sd is None:
        return LeftOut(what=what, why="success does not fall with the length of tasks: there is no horizon")
    of_table: dict[str, Any] = {"task": TASK, "native": NATIVE, "metric": "horizon", "source": source}
    return Measurement(
        model=model, score=float(f"{horizon.minutes:.6g}"), score_sd=round(min(horizon.sd, WIDEST_SD), 4), **of_table
    )


def _runs(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Runs of a file as numbers; blank minutes and outcomes are NaN."""
    cells = columns_of(path, frame, NEEDED).map(lambda cell: "" if pd.isna(cell) else words(str(cell)))
    cells["family"], cells["date"] = (_optional(frame, names) for names in (FAMILY, DATE))
    cells["family"] = cells["family"].where(cells["family"] != "", cells["task"].str.partition("/")[0])
    weight = _optional(frame, WEIGHT)
    minutes = cells["minutes"].map(_number)
    success = cells["success"].map(lambda cell: OUTCOMES.get(cell.casefold(), _number(cell)))
    weights = weight.map(_number)
    problems = [
        *_problems(cells["minutes"], minutes > 0, "minutes", "give the minutes that a human needs, above 0"),
        *_problems(cells["success"], success.isin([0.0, 1.0]), "success", "give 1 for a run that succeeds, else 0"),
        *_problems(weight, weights >= 0, "weight", "give a weight of 0 or more, or leave the column out"),
        *_problems(cells["model"], cells["model"] != "", "model", "give the name of the agent", blank=True),
    ]
    if problems:
        raise TableError(path, sorted(problems, key=lambda problem: problem.row or 0))
    found = cells.assign(minutes=minutes, success=success, date=cells["date"].map(iso_date_of))
    return found.assign(weight=weights if weights.notna().all() else _inverse_square_root(found))


def _optional(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    column = column_of(frame, names)
    cells = pd.Series("", index=frame.index) if column is None else frame[column]
    return cells.map(lambda cell: "" if pd.isna(cell) else str(cell).strip())


def _number(cell: str) -> float:
    return float(cell) if NUMBER.fullmatch(cell) and abs(float(cell)) < float("inf") else float("nan")


def _problems(
    cells: pd.Series, holds: pd.Series, column: str, remedy: str, *, blank: bool = False
) -> Iterator[Problem]:
    missing = cells.str.casefold().isin(MISSING)
    for line in cells.index[~holds & (blank | ~missing)]:
        yield Problem(row=int(line), column=column, value=cells[line], wrong="cannot be meant", remedy=remedy)


def _inverse_square_root(runs: pd.DataFrame) -> pd.Series:
    """Weight of each run: one over its agent's runs of the task and over the root of the tasks of its family."""
    attempts = runs.groupby(["model", "task"])["task"].transform("size")
    tasks = runs.groupby(["model", "family"])["task"].transform("nunique")
    return 1.0 / (attempts * tasks**0.5)

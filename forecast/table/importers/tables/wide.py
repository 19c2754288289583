"""Wide tables: one row a model and one column a task, as leaderboards and papers publish scores."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.importers.choices import Choices, closest
from forecast.table.importers.known_tasks.catalogue import known_task
from forecast.table.importers.measurements import Found, Measurement, source_of
from forecast.table.importers.models_table import FACTS, facts_of
from forecast.table.reading.cells import MISSING, NUMBER
from forecast.table.reading.files import read_cells
from models.equations.metrics import METRICS, rates

DEFAULT, PASS_AT_K = "exact_match", "pass_at_k"
ATTEMPTS = re.compile(r"(?P<task>.*?)[\s_:,-]*\(?pass(?:@|_at_)(?P<k>[1-9][0-9]*)\)?", re.IGNORECASE)
DASHES = ("-", "–", "—")
NOT_A_SCORE = "correct the cell, or name the columns that are scores with --tasks"


def read(path: Path, choices: Choices) -> Found:
    """All scores; columns named as facts of a model in a table (compute, params, ...) are taken for that.

    Raises
    ------
    TableError
        with all cells that are no scores.
    ForecastError
        if there is no column of models, or the metric or the number of items of a task is not known.
    """
    frame = read_cells(path)
    if "model" not in frame:
        raise ForecastError(
            f"{shown_path(path)}: no column is named 'model', of {', '.join(map(shown, frame.columns[:10]))}; "
            "rename the one with the names of the models"
        )
    tasks = [name for name in frame.columns if name not in ("model", *FACTS) and choices.wants(name)]
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise ForecastError(f"{shown_path(path)}: two columns are named {shown(repeated[0])}; rename one")
    metrics = {task: _metric(task, choices) for task in tasks}
    _check_counted(path, metrics, choices)
    facts = facts_of(frame, path)
    cells = [(line, task, cell) for task in tasks for line, cell in _given(frame[task])]
    scores = _scores(path, cells, metrics, choices)
    return Found(
        measurements=tuple(
            Measurement(
                model=str(frame.at[line, "model"]).strip(),
                **_named(task, metrics[task]),
                metric=metrics[task],
                score=score,
                trials=choices.trials.of(task) if metrics[task] in rates() else None,
                told=choices.metric.of(task) is not None,
                source=f"{source_of(path)}, row {line}",
            )
            for (line, task), score in scores.items()
        ),
        facts=facts if set(FACTS) & set(frame.columns) else None,
    )


def _check_counted(path: Path, metrics: dict[str, str], choices: Choices) -> None:
    uncounted = [
        task
        for task, name in metrics.items()
        if name in rates() and choices.trials.of(task) is None and _known_items(task) is None
    ]
    if uncounted:
        raise ForecastError(
            f"{shown_path(path)}: rates need the number of items scored, and none is given for "
            f"{', '.join(map(shown, uncounted[:10]))}; add --trials {shown(f'{uncounted[0]}=1000')}, "
            "or one number for all tasks"
        )


def _known_items(column: str) -> int | None:
    attempts = ATTEMPTS.fullmatch(column)
    known = known_task(column if attempts is None else attempts["task"])
    return None if known is None else known.items


def _scores(
    path: Path, cells: list[tuple[int, str, str]], metrics: dict[str, str], choices: Choices
) -> dict[tuple[int, str], float]:
    """The score of each cell by line and task; an error names all cells that hold none."""
    found, problems = {}, []
    for line, task, cell in cells:
        score = _score(cell, metrics[task], choices)
        if score is None:
            problems.append(_problem(line, task, cell, metrics[task], choices))
        else:
            found[line, task] = score
    if problems:
        raise TableError(path, sorted(problems, key=lambda problem: problem.row or 0))
    largest = max((float(cell.rstrip(" %")) for _, task, cell in cells if metrics[task] in rates()), default=2.0)
    if choices.percent and largest <= 1:
        raise ForecastError(f"{shown_path(path)}: with --percent no score is above 1%; leave it out if they are rates")
    return found


def _named(column: str, metric: str) -> dict[str, Any]:
    """Task, native metric and k of a column: 'HumanEval pass@8' is the task 'HumanEval' in 8 attempts."""
    attempts = ATTEMPTS.fullmatch(column) if metric == PASS_AT_K else None
    if attempts is None:
        return {"task": column, "native": metric}
    return {"task": attempts["task"] or "pass@k", "native": column, "k": int(attempts["k"])}


def _metric(task: str, choices: Choices) -> str:
    metric = choices.metric.of(task) or (PASS_AT_K if ATTEMPTS.fullmatch(task) else DEFAULT)
    if metric not in METRICS:
        near = closest(metric, METRICS)
        hint = "" if near is None else f"did you mean {near}? "
        raise ForecastError(f"--metric {shown(metric)}: is no metric of a table; {hint}Allowed: {', '.join(METRICS)}")
    return metric


def _given(column: pd.Series) -> Iterator[tuple[int, str]]:
    """Line and text of the cells that are not blank."""
    for line, cell in column.items():
        text = "" if pd.isna(cell) else str(cell).strip()
        if text.lower() not in (*MISSING, *DASHES):
            yield int(str(line)), text


def _score(cell: str, metric: str, choices: Choices) -> float | None:
    """The rate or loss in a cell; None where there is none."""
    percent = choices.percent and metric in rates()
    text = cell.rstrip(" %") if percent else cell
    if not NUMBER.fullmatch(text):
        return None
    value = round(float(text) / 100, 15) if percent else float(text)
    return value if (0 <= value <= 1 if metric in rates() else 0 < value < float("inf")) else None


def _problem(line: int, task: str, cell: str, metric: str, choices: Choices) -> Problem:
    number = cell.rstrip(" %")
    if metric == "loss":
        wrong, remedy = "is not a positive loss in nats per token", NOT_A_SCORE
    elif not NUMBER.fullmatch(number):
        wrong, remedy = "is text, not a score", NOT_A_SCORE
    elif choices.percent:
        wrong, remedy = "lies outside 0 to 100%", NOT_A_SCORE
    elif cell != number or 1 < float(number) <= 100:
        wrong, remedy = "lies outside [0, 1]", "add --percent if the scores are percentages; else " + NOT_A_SCORE
    else:
        wrong, remedy = "lies outside [0, 1]", NOT_A_SCORE
    return Problem(row=line, column=task, value=cell, wrong=wrong, remedy=remedy)

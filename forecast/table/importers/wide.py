"""A CSV with one row a model and one column a task, as leaderboards and papers publish scores."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.cells import METRICS, MISSING, NUMBER, RATES
from forecast.table.files import read_cells
from forecast.table.importers.choices import Choices, closest
from forecast.table.importers.measurements import Found, Measurement, source_of
from forecast.table.importers.models_table import FACTS, facts_of

DEFAULT = "exact_match"
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
    _check_counted(metrics, choices, path)
    facts = facts_of(frame, path)
    cells = [(line, task, cell) for task in tasks for line, cell in _given(frame[task])]
    scores = {(line, task): _score(cell, metrics[task], choices) for line, task, cell in cells}
    problems = [
        _problem(int(line), task, cell, metrics[task], choices)
        for line, task, cell in cells
        if scores[line, task] is None
    ]
    if problems:
        raise TableError(path, sorted(problems, key=lambda problem: problem.row or 0))
    if choices.percent:
        _check_percentages([cell for _, task, cell in cells if metrics[task] in RATES], path)
    return Found(
        measurements=tuple(
            Measurement(
                model=str(frame.at[line, "model"]).strip(),
                task=task,
                native=metrics[task],
                metric=metrics[task],
                score=score,
                trials=choices.trials.of(task) if metrics[task] in RATES else None,
                source=f"{source_of(path)}, row {line}",
            )
            for (line, task), score in scores.items()
            if score is not None
        ),
        facts=facts if set(FACTS) & set(frame.columns) else None,
    )


def _check_counted(metrics: Mapping[str, str], choices: Choices, path: Path) -> None:
    """A `ForecastError` where the number of items of a rate is not known."""
    uncounted = [task for task, metric in metrics.items() if metric in RATES and choices.trials.of(task) is None]
    if uncounted:
        raise ForecastError(
            f"{shown_path(path)}: rates need the number of items scored, and none is given for "
            f"{', '.join(map(shown, uncounted[:10]))}; add --trials {shown(f'{uncounted[0]}=1000')}, "
            "or one number for all tasks"
        )


def _check_percentages(cells: Sequence[str], path: Path) -> None:
    """A `ForecastError` where rates, such as 0.7, are called percentages."""
    if cells and max(float(cell.rstrip(" %")) for cell in cells) <= 1:
        raise ForecastError(f"{shown_path(path)}: with --percent no score is above 1%; leave it out if they are rates")


def _metric(task: str, choices: Choices) -> str:
    metric = choices.metric.of(task) or DEFAULT
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
    percent = choices.percent and metric in RATES
    text = cell.rstrip(" %") if percent else cell
    if not NUMBER.fullmatch(text):
        return None
    value = round(float(text) / 100, 15) if percent else float(text)
    return value if (0 <= value <= 1 if metric in RATES else 0 < value < float("inf")) else None


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

"""Long tables: one row a score, with columns of model, task and score under any names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, Problem, TableError, shown, shown_path
from forecast.table.importers.choices import Choices
from forecast.table.importers.measurements import Found, LeftOut, Measurement, source_of
from forecast.table.importers.models_table import FACTS, ROLES, check_models, facts_of, numbered
from forecast.table.importers.tables.cells import (
    ATTEMPTS,
    bound_of,
    chance_of,
    check_counted,
    check_named,
    length_of,
    trials_of,
    whole,
)
from forecast.table.importers.tables.scores import Scored, scores_of
from forecast.table.importers.tables.wide import PASS_AT_K, metric_of
from forecast.table.reading.sheet import Sheet, read_sheet
from models.equations.metrics import METRICS, rates
from models.facts.ceilings import BOUNDS

OF_SCORES = ("task", "metric", "score", "successes", "trials", "chance", *BOUNDS, "length", "k")
KNOWN = {  # spellings of metrics, as letters and digits alone
    **dict.fromkeys(("em", "match", "solved", "resolved"), "exact_match"),
    **dict.fromkeys(("acc", "accuracy", "accnorm", "mcacc", "correct"), "accuracy"),  # a choice where it has a chance
    **dict.fromkeys(("nll", "crossentropy", "valloss", "testloss", "validationloss"), "loss"),
    **{name.replace("_", ""): name for name in METRICS},
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the table, what it scores and how."""

    line: int
    task: str
    native: str
    metric: str
    k: int | None


def read(path: Path, choices: Choices) -> Found:
    """All scores of a table with a row for each; facts of the model may stand in any of its rows.

    Raises
    ------
    TableError
        with all cells that are no scores.
    ForecastError
        if there is no column of models, tasks or scores, or the number of items of a task is not known.
    """
    sheet = read_sheet(path, (*ROLES, *OF_SCORES), choices.columns)
    choices.columns.check(sheet.frame.columns, path.name)
    check_models(sheet)
    _check_columns(sheet)
    sheet = numbered(sheet, "task", "metric", "k", "length") if choices.repeats == "each" else sheet
    table = facts_of(sheet, repeated=True, repeats=choices.repeats)
    table.check(table.facts.index)
    found = list(_rows(sheet, choices))
    rows = {each.line: each for each in found if isinstance(each, Row)}
    scores = _scores(sheet, list(rows.values()), choices)
    bounds = _bounds(sheet, rows, scores)
    return Found(
        measurements=tuple(
            replace(_measurement(sheet, rows[line], score, choices, table.times.get(line, 0.0)), **bounds[line])
            for line, score in scores.items()
        ),
        left_out=tuple(dict.fromkeys(each for each in found if isinstance(each, LeftOut))),
        facts=table.facts if set(FACTS) & set(sheet.columns) else None,
        headers=table.headers,
        sizes_not_read=table.sizes_not_read,
    )


def _check_columns(sheet: Sheet) -> None:
    """A `ForecastError` where a column of tasks or of scores is missing."""
    missing = [] if "task" in sheet.columns else ["task"]
    missing += [] if {"score", "successes"} & set(sheet.columns) else ["score"]
    if missing:
        options = " ".join(f"--columns {role}=NAME" for role in missing)
        raise ForecastError(
            f"{shown_path(sheet.path)}: no column has the {' and '.join(f'{role}s' for role in missing)}, of "
            f"{', '.join(map(shown, sheet.frame.columns[:20]))}; say which with {options}, or read a table with a "
            "column for each task with `forecast import wide`"
        )


def _rows(sheet: Sheet, choices: Choices) -> Iterator[Row | LeftOut]:
    """The rows of the tasks that are wanted; such as have a metric of no table are left out."""
    tasks, natives, chances = (sheet.text(role) for role in ("task", "metric", "chance"))
    problems = []
    for line in (int(str(line)) for line in sheet.frame.index):
        task, native = tasks[line], natives[line]
        if not task and (sheet.text("score")[line] or sheet.text("successes")[line]):
            header = sheet.columns["task"].header
            remedy = "give the task a name, or delete the row"
            problems.append(Problem(row=line, column=header, value="", wrong="is blank", remedy=remedy))
        if not task or not choices.wants(task):
            continue
        known = _metric(task, native, choices, has_chance=chances[line] not in ("", "0", "0.0"))
        if known is None:
            yield LeftOut(what=f"{task}: {native}", why=_no_metric(task), task=task)
        else:
            k = whole(sheet, line, "k") or (int(found["k"]) if (found := _attempts(task, native)) else None)
            yield Row(line=line, task=task, native=native or known, metric=known, k=k)
    if problems:
        raise TableError(sheet.path, problems)


def _attempts(task: str, native: str) -> re.Match[str] | None:
    """The attempts that a metric, or a task without one, is named after: 'pass@8'."""
    return ATTEMPTS.fullmatch(native or task)


def _metric(task: str, native: str, choices: Choices, *, has_chance: bool) -> str | None:
    """The metric of a table that a score is; None where the word in its row is none."""
    if not native:
        return metric_of(task, choices)
    if ATTEMPTS.fullmatch(native):
        return PASS_AT_K
    known = _kind(native)
    if known == "accuracy":
        return "choice" if has_chance or choices.chance.of(task) else "exact_match"
    said = choices.metric.of(task)
    return known or (said if said in METRICS else None)


def _kind(native: str) -> str | None:
    return KNOWN.get(re.sub(r"[\W_]+", "", native.lower().partition(",")[0]))


def _no_metric(task: str) -> str:
    option = shown(f"{task}=exact_match")
    return f"is no metric of a table; --metric {option} reads its scores as the share of items that are right"


def _scores(sheet: Sheet, rows: list[Row], choices: Choices) -> dict[int, float]:
    """The rate or loss of each line: its score, else its successes of its trials."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.task, row.metric), []).append(row)
    role = "score" if "score" in sheet.columns else "successes"
    tasks = [
        Scored(
            task=task,
            header=sheet.columns[role].header,
            metric=metric,
            cells={row.line: cell for row in members if (cell := sheet.text("score")[row.line])},
        )
        for (task, metric), members in groups.items()
    ]
    check_named(sheet, [row.line for row in rows])
    uncounted = [
        row.task for row in rows if row.metric in rates() and trials_of(sheet, row.line, row.task, choices) is None
    ]
    check_counted(sheet.path, uncounted)
    found = {line: score for (line, _), score in scores_of(sheet.path, tasks, choices).items()}
    for row in rows:
        successes, trials = whole(sheet, row.line, "successes"), trials_of(sheet, row.line, row.task, choices)
        if row.line not in found and row.metric in rates() and successes is not None and trials:
            found[row.line] = _share(sheet, row.line, successes, trials)
    return found


def _bounds(sheet: Sheet, rows: dict[int, Row], scores: dict[int, float]) -> dict[int, dict[str, Any]]:
    """Scores of experts and lowest ceilings of each line; of losses and horizons, which have no ceiling, none."""
    kinds = {line: (rows[line].task, rows[line].metric) for line in scores}
    percent = {kinds[line] for line, score in scores.items() if _is_hundredth(score, sheet.text("score")[line])}
    names = {line: BOUNDS if rows[line].metric in rates() else () for line in scores}
    return {
        line: {name: bound_of(sheet, line, name, percent=kinds[line] in percent) for name in of_line}
        for line, of_line in names.items()
    }


def _is_hundredth(score: float, cell: str) -> bool:
    """Whether a score is that of a cell by 100."""
    return bool(cell) and score > 0 and float(cell.rstrip("% ")) > 10.0 * score


def _share(sheet: Sheet, line: int, successes: int, trials: int) -> float:
    if successes <= trials:
        return successes / trials
    column, wrong = sheet.columns["successes"].header, f"is above the number of items, {trials}"
    remedy = "correct one of them"
    raise TableError(sheet.path, [Problem(row=line, column=column, value=str(successes), wrong=wrong, remedy=remedy)])


def _measurement(sheet: Sheet, row: Row, score: float, choices: Choices, time: float) -> Measurement:
    attempts = _attempts(row.task, row.native) if row.metric == PASS_AT_K else None
    return Measurement(
        model=sheet.text("model")[row.line],
        task=(attempts["task"] if attempts and row.native == row.metric else "") or row.task,
        native=row.native,
        metric=row.metric,
        score=score,
        trials=trials_of(sheet, row.line, row.task, choices) if row.metric in rates() else None,
        chance=chance_of(sheet, row.line),
        told=choices.metric.of(row.task) is not None or _kind(sheet.text("metric")[row.line]) not in (None, "accuracy"),
        k=row.k,
        length=length_of(sheet, row.line),
        time=time,
        source=f"{source_of(sheet.path)}, row {row.line}",
    )

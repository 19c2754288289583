"""Wide tables: one row a model and one column a task, as leaderboards and papers publish scores."""

import re
from pathlib import Path
from typing import Any

from forecast.errors import ForecastError, shown, shown_path
from forecast.table.checks import names
from forecast.table.checks.hints import named_like, plain_name
from forecast.table.importers.choices import Choices, closest
from forecast.table.importers.measurements import Found, LeftOut, Measurement, source_of
from forecast.table.importers.models_table import FACTS, ROLES, check_models, facts_of, numbered
from forecast.table.importers.tables.cells import ATTEMPTS, chance_of, check_counted, check_named, trials_of
from forecast.table.importers.tables.scores import Scored, is_score, scores_of
from forecast.table.reading.roles import likely_role, role_of
from forecast.table.reading.sheet import Sheet, read_sheet, texts
from models.equations.metrics import METRICS, rates

DEFAULT, PASS_AT_K = "exact_match", "pass_at_k"
TEXTS = ("dataset", "Dataset", "test")  # columns that may as well say what a model was trained on
NAMED = 10  # columns in a message
AVERAGE = re.compile(r"(?:average|avg|mean|overall)(?![a-z])", re.IGNORECASE)
UNNAMED = re.compile(r"unnamed[: ].*", re.IGNORECASE)


def read(path: Path, choices: Choices) -> Found:
    """All scores; columns that are facts of a model (compute, params, ...) are taken for that.

    Raises
    ------
    TableError
        with all cells that are no scores.
    ForecastError
        if there is no column of models, or the metric or the number of items of a task is not known.
    """
    sheet = read_sheet(path, (*ROLES, "trials", "chance"), choices.columns)
    choices.columns.check(sheet.frame.columns, path.name)
    check_models(sheet)
    _check_wide(sheet, choices)
    sheet = numbered(sheet) if choices.repeats == "each" else sheet
    table = facts_of(sheet, repeated=choices.repeats is not None, repeats=choices.repeats)
    columns, left_out = _tasks(sheet, choices)
    _check_any(sheet, columns, left_out)
    repeated = [name for name in columns if list(sheet.frame.columns).count(name) > 1]
    if repeated:
        raise ForecastError(f"{shown_path(path)}: two columns are named {shown(repeated[0])}; rename one")
    table.check(table.facts.index)
    metrics = {task: metric_of(task, choices) for task in columns}
    tasks = [_scored(sheet, task, metric) for task, metric in metrics.items()]
    rows = [(line, each) for each in tasks for line in each.cells]
    check_named(sheet, [line for line, _ in rows])
    check_counted(
        path, [each.task for line, each in rows if each.rate and not trials_of(sheet, line, each.task, choices)]
    )
    return Found(
        measurements=tuple(
            Measurement(
                model=sheet.text("model")[line],
                **named(task, metrics[task]),
                metric=metrics[task],
                score=score,
                trials=trials_of(sheet, line, task, choices) if metrics[task] in rates() else None,
                chance=chance_of(sheet, line),
                told=choices.metric.of(task) is not None,
                time=table.times.get(line, 0.0),
                source=f"{source_of(path)}, row {line}",
            )
            for (line, task), score in scores_of(path, tasks, choices).items()
        ),
        left_out=tuple(left_out),
        facts=table.facts if set(FACTS) & set(sheet.columns) else None,
        headers=table.headers,
        sizes_not_read=table.sizes_not_read,
    )


def _check_wide(sheet: Sheet, choices: Choices) -> None:
    """A `ForecastError` where each row is a score, and its task stands beside it."""
    by_role: dict[str, str] = {}
    for name in sheet.frame:
        known = role_of(name, ("task", "score", "successes"))
        numbers = any(is_score(cell) for cell in texts(sheet.frame, name))
        if known is not None and numbers == (known[0] != "task") and name not in TEXTS:
            by_role.setdefault(known[0], name)
    score = by_role.get("score", by_role.get("successes"))
    if "task" in by_role and score is not None and not choices.tasks:
        raise ForecastError(
            f"{shown_path(sheet.path)}: has a row for each score: column {shown(by_role['task'])} names tasks, column "
            f"{shown(score)} holds their scores; `forecast import long` in place of wide reads it; where "
            f"{shown(score)} is a task itself, add --tasks {shown(score)}"
        )


def _check_any(sheet: Sheet, columns: list[str], left_out: list[LeftOut]) -> None:
    """A `ForecastError` that says why no column is a task."""
    if not columns and left_out:
        reasons = "".join(f"\n  {each.what}: {each.why}" for each in left_out[:NAMED])
        raise ForecastError(f"{shown_path(sheet.path)}: no column holds scores of a task:{reasons}")


def _tasks(sheet: Sheet, choices: Choices) -> tuple[list[str], list[LeftOut]]:
    """The columns that are tasks, and those that are not: no names, text throughout, or sizes of an unknown unit."""
    used = {column.header for column in sheet.columns.values()}
    wanted = [name for name in dict.fromkeys(sheet.frame) if name not in used and choices.wants(name)]
    of_name = {name: "" if choices.metric.of(name) else _no_rate(name, named=bool(choices.tasks)) for name in wanted}
    reasons = of_name if choices.tasks else {name: _no_task(sheet, name) or of_name[name] for name in wanted}
    left_out = [LeftOut(what=f"column {shown(name)}", why=why) for name, why in reasons.items() if why]
    return [name for name in wanted if not reasons[name]], left_out


def _no_task(sheet: Sheet, name: str) -> str:
    cells = [cell for cell in texts(sheet.frame, name) if cell]
    if UNNAMED.fullmatch(name):
        return "has no name"
    if cells and not any(is_score(cell) for cell in cells):
        return "holds text, no scores" + _as_family(sheet, name)
    if AVERAGE.match(name):
        return f"is an average of tasks; --tasks {shown(name)} takes it"
    if name in sheet.sizes_not_read:
        option = shown(f"{likely_role(name)}={name}")
        return f"may be {likely_role(name)} of the model, which its header leaves open; --columns {option} takes it"
    return ""


def _as_family(sheet: Sheet, name: str) -> str:
    """How a column of text is taken for families, where it is called as people call them and none is known."""
    if "family" in sheet.columns or plain_name(name) not in names.COLUMN_NAMES["family"]:
        return ""
    return f"; may be the family of the model; --columns {shown(f'family={name}')} takes it"


def _no_rate(name: str, *, named: bool) -> str:
    """Why the scores of a column are no share of right items, by its name; blank where they may be one."""
    losses = {"perplexity": names.PERPLEXITIES, "bits_per_byte": names.BITS, "loss": (*names.NATS, "loss")}
    for metric, group in losses.items():
        if named_like(name, group) and not re.search(r"%|acc", name, re.IGNORECASE):
            options = [metric, *(["loss"] if metric != "loss" else [])]
            typed = [f"--metric {shown(f'{name}={each}')}" for each in options]
            nats = f", or {typed[1]} if it is in nats already" if typed[1:] else ""
            return f"is named like a loss, not a share of right items; {typed[0]} takes it{nats}"
    if not named and named_like(name, names.NO_SHARES):
        return f"is named like a measure that is no share of right items; --tasks {shown(name)} takes it as one"
    return ""


def _scored(sheet: Sheet, task: str, metric: str) -> Scored:
    cells = {int(str(line)): cell for line, cell in texts(sheet.frame, task).items() if cell}
    return Scored(task=task, header=task, metric=metric, cells=cells)


def named(column: str, metric: str) -> dict[str, Any]:
    """Task, native metric and k of a column: 'HumanEval pass@8' is the task 'HumanEval' in 8 attempts."""
    attempts = ATTEMPTS.fullmatch(column) if metric == PASS_AT_K else None
    if attempts is None:
        return {"task": column, "native": metric}
    return {"task": attempts["task"] or "pass@k", "native": column, "k": int(attempts["k"])}


def metric_of(task: str, choices: Choices) -> str:
    """The metric of a table that the scores of a task are."""
    metric = choices.metric.of(task) or (PASS_AT_K if ATTEMPTS.fullmatch(task) else DEFAULT)
    if metric not in METRICS:
        near = closest(metric, METRICS)
        hint = "" if near is None else f"did you mean {near}? "
        raise ForecastError(f"--metric {shown(metric)}: is no metric of a table; {hint}Allowed: {', '.join(METRICS)}")
    return metric

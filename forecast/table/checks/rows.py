"""Checks of a table: every rule that needs several cells, all problems at once."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from forecast.errors import Problem, shown
from forecast.table.checks.columns import COLUMN_CHECKS, RULES, is_count, is_positive
from forecast.table.reading.cells import Cells, cells_of
from models.equations.metrics import LARGEST_LENGTH, METRICS, metrics_where

FEWEST_RUNS = 3  # two runs fix a line exactly and leave nothing to judge it by
MEASURED = {"loss": "loss in nats per token", "horizon": "horizon in minutes"}  # scores that are no rates
HORIZONS = (1e-6, 1e9)  # minutes that can be meant: from 60 microseconds to 1,900 years
SAME_WITHIN = 1e-3  # relative: published figures of one run are rounded differently in different rows


def check_table(frame: pd.DataFrame, *, scored: bool = True) -> tuple[Problem, ...]:
    """All problems of a table, whole-table ones first, then by row.

    Columns are named as in README, cells are text or numbers, the index is the line in the file. With
    `scored` False they are rows to predict: no scores, trials only where known, any number of runs.
    """
    return check_cells(cells_of(frame, scored=scored))


def check_cells(cells: Cells, *, complete: bool = True) -> tuple[Problem, ...]:
    """As `check_table`; not `complete` where rows of the file could not be read: they may hold what seems missing."""
    found = [problem for check in CHECKS for problem in check(cells) if problem.row is None or _speaks(cells, problem)]
    found += _repeated_columns(cells)
    if complete:
        found += [*_no_rows(cells), *_too_few_runs(cells)]
    return tuple(sorted(found, key=lambda problem: problem.row or 0))


def _speaks(cells: Cells, problem: Problem) -> bool:
    """False for a row's problem with a column that the file lacks: the missing column is reported once instead."""
    return problem.column in cells.present


def _repeated_columns(cells: Cells) -> Iterator[Problem]:
    for name in cells.columns[cells.columns.duplicated()].unique():
        wrong = f"{(cells.columns == name).sum()} columns are duplicates: they have this name (spaces and case ignored)"
        yield Problem(row=1, column=str(name), wrong=wrong, remedy="keep one of them, or rename the others")


def _missing_columns(cells: Cells) -> Iterator[Problem]:
    used = set(cells.metric)
    only_losses = bool(cells.loss.all()) and len(cells.loss) > 0
    needed = [
        ("model", True, "the name of the trained model"),
        ("task", True, "the name of what is measured"),
        ("metric", True, f"one of {', '.join(METRICS)}"),
        ("trials", cells.scored and not only_losses, "the number of items scored"),
        *(("k", True, f"{METRICS[name].k}: metric {name} is in use") for name in metrics_where("k") if name in used),
        ("length", "at_least_k" in used, "the answer length in tokens: metric at_least_k is in use"),
    ]
    for column, is_needed, meaning in needed:
        if is_needed and column not in cells.present:
            yield Problem(column=column, wrong="the column is missing", remedy=f"add it: {meaning}")
    if cells.scored and not cells.present & {"score", "successes"}:
        yield Problem(
            column="score",
            wrong="the column is missing, and so is 'successes'",
            remedy="add score (a rate in [0, 1]; for loss nats per token, for horizon minutes) or successes (a count)",
        )
    if "compute" not in cells.present and not cells.present >= {"params", "tokens"} and not cells.by_date:
        yield Problem(
            column="compute",
            wrong="the column is missing, and 'params' and 'tokens' are not both there",
            remedy="add compute (training FLOP), or params and tokens, or a date of every model (three or more)",
        )


def _no_rows(cells: Cells) -> Iterator[Problem]:
    if cells.text.empty:
        yield Problem(wrong="there is a header but no rows", remedy="add one row for each measurement")


def _too_few_runs(cells: Cells) -> Iterator[Problem]:
    runs = cells.text["model"][~cells.blank["model"] & cells.compute_given].nunique()
    if cells.scored and "model" in cells.present and 0 < runs < FEWEST_RUNS:
        yield Problem(
            column="model",
            wrong=f"the table has fewer than three runs with known compute: {runs}",
            remedy="add rows of models trained with other amounts of compute",
        )


def _scores(cells: Cells) -> Iterator[Problem]:
    if not cells.scored:
        return
    score, rate = cells.number["score"], cells.rate
    column = "score" if "score" in cells.present else "successes"
    missing = rate & cells.blank["score"] & cells.blank["successes"]
    yield from cells.problems(missing, column, "is blank", "give score or successes, or delete the row")
    for name, asked in MEASURED.items():
        missing = (cells.metric == name) & cells.blank["score"]
        yield from cells.problems(missing, "score", "is blank", f"give the {asked}, or delete the row")
    outside = rate & ((score < 0) | (score > 1))
    percent = _looks_like_percent(cells)
    wrong = "lies outside [0, 1]"
    yield from cells.problems(outside & ~percent, "score", wrong, "give a rate between 0 and 1, or delete the row")
    remedy = "if the scores of this task are percentages, divide all of them by 100"
    yield from cells.problems(outside & percent, "score", wrong, remedy)
    for name, asked in MEASURED.items():
        bad = (cells.metric == name) & score.notna() & ~is_positive(score)
        yield from cells.problems(bad, "score", f"is not a positive finite {name}", f"give the {asked}, above 0")
    least, most = HORIZONS
    beyond = (cells.metric == "horizon") & is_positive(score) & ~score.between(least, most)
    wrong = f"is no horizon in minutes: it lies outside {least:g} to {most:g}"
    yield from cells.problems(beyond, "score", wrong, "give minutes, such as 240 for four hours; not seconds or hours")


def _errors_of_rates(cells: Cells) -> Iterator[Problem]:
    """A rate scatters by its trials; an error that would be passed over is named."""
    given = cells.rate & (cells.number["score_sd"] > 0)
    remedy = "delete the value: trials say how exact a rate is"
    yield from cells.problems(given, "score_sd", "is for horizons and losses; this row is a rate", remedy)


def _looks_like_percent(cells: Cells) -> pd.Series:
    """True for the rates of a task whose scores all lie in [0, 100]."""
    by_task = cells.number["score"].where(cells.rate).groupby([cells.text["task"], cells.metric])
    return (by_task.transform("min") >= 0) & (by_task.transform("max") <= 100)


def _counts(cells: Cells) -> Iterator[Problem]:
    score, successes, trials = (cells.number[name].where(cells.rate) for name in ("score", "successes", "trials"))
    if cells.scored:
        missing = cells.rate & cells.blank["trials"]
        yield from cells.problems(missing, "trials", "is blank", "give the number of items scored, or delete the row")
    above = successes > trials
    yield from cells.problems(above, "successes", "is above trials", "correct successes or trials of this row")
    comparable = is_count(successes) & is_count(trials) & (trials >= 1) & ~above & score.between(0, 1)
    gap = (successes / trials.where(trials >= 1) - score).abs()
    contradict = comparable & (gap > 0.5 / trials.where(trials >= 1) + 1e-9) & (gap > 0.0005 + 1e-9)
    for line in cells.text.index[contradict]:
        ratio = f"{successes[line]:.10g} / {trials[line]:.10g} = {successes[line] / trials[line]:.4g}"
        wrong = f"score and successes contradict each other: successes / trials is {ratio}"
        yield Problem(
            row=int(line),
            column="score",
            value=cells.text.at[line, "score"],
            wrong=wrong,
            remedy="correct one of them, or leave one blank",
        )


def _k_and_length(cells: Cells) -> Iterator[Problem]:
    k, length = cells.number["k"], cells.number["length"]
    for name in metrics_where("k"):
        if not METRICS[name].k_may_be_learned and "k" in cells.present:
            blank = (cells.metric == name) & cells.blank["k"]
            yield from cells.problems(blank, "k", f"is blank: metric {name} needs it", f"give {METRICS[name].k}")
    rows = cells.metric == "at_least_k"
    wrong = "is blank: metric at_least_k with k needs length"
    remedy = "give length, the answer length, or leave k blank too: the share that is needed is then learned"
    yield from cells.problems(rows & cells.blank["length"] & ~cells.blank["k"], "length", wrong, remedy)
    long = rows & cells.blank["k"] & (length > LARGEST_LENGTH)
    wrong = f"is above {LARGEST_LENGTH}: metric at_least_k without k takes no more sub-judgements"
    yield from cells.problems(long, "length", wrong, "give k, or leave length blank too")
    fractional = rows & is_positive(length) & (length != np.floor(length))
    wrong = "is fractional: metric at_least_k needs a whole length"
    yield from cells.problems(fractional, "length", wrong, "give one row for each length, in whole tokens")
    above = rows & (k > length)
    yield from cells.problems(above, "k", "is above length", "give k from 1 to length, or correct length")


def _unknown_compute(cells: Cells) -> Iterator[Problem]:
    has_columns = "compute" in cells.present or cells.present >= {"params", "tokens"}
    known = cells.compute_given
    column = "compute" if "compute" in cells.present else "params"
    if has_columns and len(known) and not known.any():
        wrong = "no row of the table has compute, nor both params and tokens"
        yield Problem(
            column=column,
            wrong=wrong,
            remedy="give compute (training FLOP), or params and tokens, or a date of every model (three or more)",
        )
    elif has_columns:
        remedy = "give compute, or params and tokens, or delete the row"
        yield from cells.problems(~known, column, "the compute of this row is not known", remedy)


def _runs_that_disagree(cells: Cells) -> Iterator[Problem]:
    """A run has one compute, family and date: the first row that contradicts an earlier row of the same model."""
    facts = cells.number[["params", "tokens", "compute_sd"]].assign(compute=cells.compute)
    for column, given in facts.items():
        values = given.where(RULES[str(column)][0](given))  # a cell that is wrong by itself is no fact
        first = values.groupby(cells.text["model"]).transform("first")
        yield from _disagreements(cells, str(column), values, (values - first).abs() > SAME_WITHIN * first.abs())
    families = cells.text["family"].mask(cells.blank["family"])
    for column, values in {"family": families, "date": cells.date}.items():
        first = values.groupby(cells.text["model"]).transform("first")
        yield from _disagreements(cells, column, values, values.notna() & (values != first))


def _disagreements(cells: Cells, column: str, values: pd.Series, differs: pd.Series) -> Iterator[Problem]:
    models = cells.text["model"]
    for line in models[differs & ~cells.blank["model"]].drop_duplicates().index:
        earlier = values[models == models[line]].first_valid_index()
        before, now = (cells.text.at[at, column] or f"{values[at]:g}" for at in (earlier, line))
        yield Problem(
            row=int(line),
            column=column,
            value=now,
            wrong=f"model {shown(models[line])} has {column} {shown(before)} in row {earlier}",
            remedy="give one value for a model, or give the two models different names",
        )


CHECKS: tuple[Callable[[Cells], Iterator[Problem]], ...] = (
    _missing_columns,
    *COLUMN_CHECKS,
    _scores,
    _errors_of_rates,
    _counts,
    _k_and_length,
    _unknown_compute,
    _runs_that_disagree,
)

"""Checks of a table: every rule that needs several cells, all problems at once."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from forecast.errors import Problem, shown
from forecast.table.checks.columns import COLUMN_CHECKS, RULES, is_count, is_positive
from forecast.table.checks.hints import looks_like
from forecast.table.checks.scores import bounds_given, scores_given
from forecast.table.reading.cells import Cells, cells_of
from models.equations.metrics import LARGEST_LENGTH, METRICS, metrics_where

FEWEST_RUNS = 3  # two runs fix a line exactly and leave nothing to judge it by
WIDE = "; or make the table with `forecast import wide` if each task has a column"
LONG = "; or make the table with `forecast import long`, which knows columns by other names"
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
        ("task", True, f"the name of what is measured{WIDE if cells.scored else ''}"),
        ("metric", True, f"one of {', '.join(METRICS)}{LONG if cells.scored and 'task' in cells.present else ''}"),
        ("trials", cells.scored and not only_losses, "the number of items scored"),
        *(("k", True, f"{METRICS[name].k}: metric {name} is in use") for name in metrics_where("k") if name in used),
        ("length", "at_least_k" in used, "the answer length in tokens: metric at_least_k is in use"),
    ]
    for column, is_needed, meaning in needed:
        if is_needed and column not in cells.present:
            yield _missing(cells, column, "the column is missing", f"add it: {meaning}")
    if cells.scored and not cells.present & {"score", "successes"}:
        remedy = "add score (a rate in [0, 1]; for loss nats per token, for horizon minutes) or successes (a count)"
        yield _missing(cells, "score", "the column is missing, and so is 'successes'", remedy, "successes")
    if not _has_columns_of_compute(cells) and not cells.by_date:
        remedy = "add compute (training FLOP), or params and tokens, or a date of every model (three or more)"
        wrong = "the column is missing, and 'params' and 'tokens' are not both there"
        yield _missing(cells, "compute", wrong, remedy, "params", "tokens", "date")


def _missing(cells: Cells, column: str, wrong: str, remedy: str, *instead: str) -> Problem:
    """A missing column, with the columns of the file that look like it or what may stand for it."""
    absent = [name for name in (column, *instead) if name not in cells.present]
    alike = {name: other for name in absent if (other := looks_like(name, cells.columns))}
    if alike:
        names = " and ".join(f"{other!r}" for other in alike.values())
        wrong = f"{wrong}; {names} look{'s' if len(alike) == 1 else ''} like it"
        remedy = f"rename {', '.join(f'{other!r} to {name}' for name, other in alike.items())}; else {remedy}"
    return Problem(column=column, wrong=wrong, remedy=remedy)


def _has_columns_of_compute(cells: Cells) -> bool:
    has_params = "params" in cells.present or not cells.blank["active_params"].all()
    return "compute" in cells.present or ("tokens" in cells.present and has_params)


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


def _errors_of_rates(cells: Cells) -> Iterator[Problem]:
    """A rate scatters by its trials; an error that would be passed over is named."""
    given = cells.rate & (cells.number["score_sd"] > 0)
    remedy = "delete the value: trials say how exact a rate is"
    yield from cells.problems(given, "score_sd", "is for horizons and losses; this row is a rate", remedy)


def _counts(cells: Cells) -> Iterator[Problem]:
    score, successes, trials = (cells.number[name].where(cells.rate) for name in ("score", "successes", "trials"))
    if cells.scored:
        missing = cells.rate & cells.blank["trials"]
        yield from cells.problems(missing, "trials", "is blank", "give the number of items scored, or delete the row")
    above = successes > trials
    yield from cells.problems(above, "successes", "is above trials", "correct successes or trials of this row")
    comparable = is_count(successes) & is_count(trials) & (trials >= 1) & ~above & score.between(0, 1)
    gap = (successes / trials.where(trials >= 1) - score).abs()
    contradict = comparable & (gap > 0.5 / trials.where(trials >= 1) + 1e-9) & (gap > _rounding(cells) + 1e-9)
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


def _rounding(cells: Cells) -> pd.Series:
    """Half a unit of the last digit of each score, of two digits or more; at least that of three."""
    decimals = cells.text["score"].str.strip().str.extract(r"^[0-9]*\.([0-9]+)$", expand=False).str.len()
    return 0.5 * 10.0 ** -decimals.where(decimals == 2, 3).astype(float)


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
    known = cells.compute_given
    column = next((name for name in ("compute", "params", "tokens") if name in cells.present), "compute")
    has_columns = _has_columns_of_compute(cells)
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
    facts = cells.number[["params", "tokens", "active_params", "compute_sd"]].assign(compute=cells.compute)
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
    scores_given,
    bounds_given,
    _errors_of_rates,
    _counts,
    _k_and_length,
    _unknown_compute,
    _runs_that_disagree,
)

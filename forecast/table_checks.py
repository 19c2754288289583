"""What can be wrong with an observation table: every check of DESIGN.md section 4, all problems at once.

Cells are checked as the text that stands in the file, so that a message can show what the user typed. A check is a
function from `Cells` to problems; `check_table` runs them all.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pandera.pandas as pa

from forecast.errors import Problem, shown

RATES = ("exact_match", "at_least_k", "token_accuracy", "choice")
METRICS = (*RATES, "loss")
NAMES = ("model", "task", "metric", "family")
NUMBERS = ("score", "successes", "trials", "length", "k", "chance", "compute", "params", "tokens", "compute_sd")
COLUMNS = ("model", "task", "metric", *NUMBERS, "family", "date")
FEWEST_RUNS = 3  # two runs fix a line exactly and leave nothing to judge it by

MISSING = ("", "nan", "na", "n/a", "nat", "none", "null", "<na>")  # blank numbers and dates; as names they are names
DECIMAL = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NUMBER = re.compile(rf"{DECIMAL}(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.IGNORECASE)
POWERS = {"K": "e3", "M": "e6", "B": "e9", "T": "e12"}
ISO_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?")  # the time does not matter
EARLIEST, LATEST = pd.Timestamp("1950-01-01"), pd.Timestamp("2200-01-01")
LARGEST = 1e100  # the product of two such numbers is still finite
LARGEST_COUNT = 2**53  # whole numbers beyond are not exact in double precision
SAME_WITHIN = 1e-3  # relative: published figures of one run are rounded differently in different rows


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A table as it is checked: all known columns, blank where the file lacks them, indexed by line number."""

    text: pd.DataFrame  # as typed
    number: pd.DataFrame  # NaN where blank or not a number
    date: pd.Series  # NaT where blank or not a date
    blank: pd.DataFrame
    columns: pd.Index  # as in the file, repeated and unknown ones included
    scored: bool  # False: a table of rows to predict

    @cached_property
    def present(self) -> frozenset[str]:
        """The known columns that the file has."""
        return frozenset(self.columns) & frozenset(COLUMNS)

    @cached_property
    def metric(self) -> pd.Series:
        return self.text["metric"].str.strip()

    @cached_property
    def rate(self) -> pd.Series:
        return self.metric.isin(RATES)

    @cached_property
    def loss(self) -> pd.Series:
        return self.metric == "loss"

    @cached_property
    def compute(self) -> pd.Series:
        """Training FLOP: as given, else 6 N D."""
        return self.number["compute"].fillna(6 * self.number["params"] * self.number["tokens"])

    @cached_property
    def compute_given(self) -> pd.Series:
        return ~self.blank["compute"] | ~(self.blank["params"] | self.blank["tokens"])

    def problems(
        self, bad: pd.Series, column: str, wrong: str, remedy: str | Callable[[str], str]
    ) -> Iterator[Problem]:
        """One problem for each row that is `bad`."""
        for line in self.text.index[bad]:
            value = self.text.at[line, column]
            advice = remedy if isinstance(remedy, str) else remedy(value)
            yield Problem(row=int(line), column=column, value=value, wrong=wrong, remedy=advice)


def cells_of(frame: pd.DataFrame, *, scored: bool = True) -> Cells:
    """The known columns of a frame as text, as numbers and as dates; without its scores if these do not count."""
    unused = () if scored else ("score", "successes")
    first = frame.loc[:, ~frame.columns.duplicated()].drop(columns=list(unused), errors="ignore")
    text = {column: _texts(first, column) for column in COLUMNS}
    blank = {column: [_is_blank(cell, column) for cell in cells] for column, cells in text.items()}
    number = {column: [_as_number(cell) for cell in text[column]] for column in NUMBERS}
    return Cells(
        text=pd.DataFrame(text, index=frame.index, dtype=object),
        number=pd.DataFrame(number, index=frame.index, dtype=float),
        date=pd.Series([_as_date(cell) for cell in text["date"]], index=frame.index, dtype="datetime64[ns]"),
        blank=pd.DataFrame(blank, index=frame.index, dtype=bool),
        columns=frame.columns,
        scored=scored,
    )


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * len(frame)
    cells = frame[column].astype(object)
    return ["" if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)]


def _is_blank(cell: str, column: str) -> bool:
    return not cell.strip() if column in NAMES else cell.strip().lower() in MISSING


def _as_number(cell: str) -> float:
    return float(cell) if NUMBER.fullmatch(cell.strip()) else math.nan


def _as_date(cell: str) -> pd.Timestamp:
    found = ISO_DATE.fullmatch(cell.strip())
    try:
        date = pd.Timestamp(found[1]) if found else pd.NaT
    except ValueError:  # such as 30 February
        return pd.NaT
    return date if EARLIEST <= date < LATEST else pd.NaT


def check_table(frame: pd.DataFrame, *, scored: bool = True) -> tuple[Problem, ...]:
    """All problems of a table, whole-table ones first, then by row.

    Columns are named as in DESIGN.md section 4, cells are text or numbers, the index is the line in the file. With
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


# The table as a whole


def _repeated_columns(cells: Cells) -> Iterator[Problem]:
    for name in cells.columns[cells.columns.duplicated()].unique():
        wrong = f"{(cells.columns == name).sum()} columns are duplicates: they have this name (spaces and case ignored)"
        yield Problem(row=1, column=str(name), wrong=wrong, remedy="keep one of them, or rename the others")


def _missing_columns(cells: Cells) -> Iterator[Problem]:
    at_least_k = bool((cells.metric == "at_least_k").any())
    only_losses = bool(cells.loss.all()) and len(cells.loss) > 0
    needed = [
        ("model", True, "the name of the trained model"),
        ("task", True, "the name of what is measured"),
        ("metric", True, f"one of {', '.join(METRICS)}"),
        ("trials", cells.scored and not only_losses, "the number of items scored"),
        ("k", at_least_k, "the tokens needed: metric at_least_k is in use"),
        ("length", at_least_k, "the answer length in tokens: metric at_least_k is in use"),
    ]
    for column, is_needed, meaning in needed:
        if is_needed and column not in cells.present:
            yield Problem(column=column, wrong="the column is missing", remedy=f"add it: {meaning}")
    if cells.scored and not cells.present & {"score", "successes"}:
        yield Problem(
            column="score",
            wrong="the column is missing, and so is 'successes'",
            remedy="add score (a rate in [0, 1]; for loss nats per token) or successes (a count)",
        )
    if "compute" not in cells.present and not cells.present >= {"params", "tokens"}:
        yield Problem(
            column="compute",
            wrong="the column is missing, and 'params' and 'tokens' are not both there",
            remedy="add compute (training FLOP), or params and tokens",
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


# One column at a time


def _is_name(cells: pd.Series) -> pd.Series:
    return (cells.str.strip() != "") & ~cells.str.contains("\0", regex=False)


def _is_positive(numbers: pd.Series) -> pd.Series:
    return (numbers > 0) & (numbers < LARGEST)


def _is_count(numbers: pd.Series) -> pd.Series:
    return (numbers >= 0) & (numbers <= LARGEST_COUNT) & (numbers == np.floor(numbers))


def _metric_remedy(value: str) -> str:
    nearest = difflib.get_close_matches(value.strip().lower().replace(" ", "_"), METRICS, n=1, cutoff=0.5)
    guess = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"{guess}Allowed: {', '.join(METRICS)}"


POSITIVE = (_is_positive, "is not a positive finite number (below 1e100)")
WHOLE_FROM_1 = (lambda numbers: _is_count(numbers) & (numbers >= 1), "is not a whole number of 1 or more")
NAME = (_is_name, "is blank or holds a NUL character")
RULES: dict[str, tuple[Callable[[pd.Series], pd.Series], str]] = {
    "model": NAME,
    "task": NAME,
    "metric": (lambda cells: cells.str.strip().isin(METRICS), "is not a known metric"),
    "family": (lambda cells: ~cells.str.contains("\0", regex=False), "holds a NUL character"),
    "successes": (_is_count, "is not a whole number of 0 or more"),
    "trials": WHOLE_FROM_1,
    "length": POSITIVE,
    "k": WHOLE_FROM_1,
    "chance": (lambda numbers: (numbers >= 0) & (numbers < 1), "lies outside [0, 1), 1 excluded"),
    "compute": POSITIVE,
    "params": POSITIVE,
    "tokens": POSITIVE,
    "compute_sd": (lambda numbers: (numbers >= 0) & (numbers < LARGEST), "is negative or infinite"),
}
REMEDIES: dict[str, str | Callable[[str], str]] = {
    "model": "give the model a name, or delete the row",
    "task": "give the task a name, or delete the row",
    "metric": _metric_remedy,
    "family": "retype the name",
    "successes": "give the count of items answered right, or a rate in the column score",
    "trials": "give the number of items scored (for token_accuracy: tokens)",
    "length": "give the answer length in tokens, or leave the cell blank",
    "k": "give the number of tokens that must be right, from 1 to length",
    "chance": "give the success rate of a guess, such as 0.25 for four choices",
    "compute": "give the training FLOP, such as 3.1e23, or leave it blank and give params and tokens",
    "params": "give the number of parameters, such as 7e9, or leave the cell blank and give compute",
    "tokens": "give the number of training tokens, such as 3e11, or leave the cell blank and give compute",
    "compute_sd": "give the standard deviation of log10 compute, 0 where compute is exact",
}
SCHEMA = pa.DataFrameSchema(
    {column: pa.Column(checks=pa.Check(holds, error=wrong), nullable=True) for column, (holds, wrong) in RULES.items()}
)


def _column_rules(cells: Cells) -> Iterator[Problem]:
    counts = cells.number[["successes", "trials"]].where(cells.rate)  # of a loss they mean nothing
    table = cells.number.assign(**{name: cells.text[name] for name in NAMES}, **counts)
    try:
        SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures = error.failure_cases
        for (column, wrong), lines in failures.groupby(["column", "check"], sort=False)["index"]:
            bad = cells.text.index.isin(lines.astype(int))
            yield from cells.problems(bad, column, wrong, REMEDIES[column])


def _text_for_numbers(cells: Cells) -> Iterator[Problem]:
    for column in NUMBERS:
        bad = cells.number[column].isna() & ~cells.blank[column]
        yield from cells.problems(bad, column, "is text, not a number", _number_remedy)


def _number_remedy(value: str) -> str:
    """What to type instead of a number with separators, a unit or a decimal comma."""
    value = value.strip()
    if re.fullmatch(r"[+-]?[1-9][0-9]{0,2}([,_ '\u00a0\u202f][0-9]{3})+(\.[0-9]*)?", value):
        return f"write it without thousands separators: {re.sub(r'[^0-9.+-]', '', value)}"
    if re.fullmatch(r"[+-]?[0-9]+,[0-9]+", value):
        return f"write a decimal point: {value.replace(',', '.')}"
    if number := re.fullmatch(rf"({DECIMAL})\s*%", value):
        return f"write percentages as rates: {float(number[1]) / 100:.10g}"
    if number := re.fullmatch(rf"({DECIMAL})\s*([KMBT])", value, re.IGNORECASE):
        return f"write it out: {number[1]}{POWERS[number[2].upper()]}"
    if number := re.fullmatch(rf"({DECIMAL}(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z][^0-9]*)", value):
        return f"write the number alone, without {shown(number[2])}: {number[1]}"
    return "write a plain number such as 0.25, 2000 or 3.1e23"


def _dates(cells: Cells) -> Iterator[Problem]:
    bad = cells.date.isna() & ~cells.blank["date"]
    wrong = f"is not an ISO date between {EARLIEST.year} and {LATEST.year}"
    yield from cells.problems(bad, "date", wrong, "write YYYY-MM-DD, such as 2020-05-28, or leave the cell blank")


# Columns against each other


def _scores(cells: Cells) -> Iterator[Problem]:
    if not cells.scored:
        return
    score, rate, loss = cells.number["score"], cells.rate, cells.loss
    column = "score" if "score" in cells.present else "successes"
    missing = rate & cells.blank["score"] & cells.blank["successes"]
    yield from cells.problems(missing, column, "is blank", "give score or successes, or delete the row")
    missing = loss & cells.blank["score"]
    yield from cells.problems(missing, "score", "is blank", "give the loss in nats per token, or delete the row")
    outside = rate & ((score < 0) | (score > 1))
    percent = _looks_like_percent(cells)
    wrong = "lies outside [0, 1]"
    yield from cells.problems(outside & ~percent, "score", wrong, "give a rate between 0 and 1, or delete the row")
    remedy = "if the scores of this task are percentages, divide all of them by 100"
    yield from cells.problems(outside & percent, "score", wrong, remedy)
    bad = loss & score.notna() & ~_is_positive(score)
    yield from cells.problems(bad, "score", "is not a positive finite loss", "give the loss in nats per token, above 0")


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
    comparable = _is_count(successes) & _is_count(trials) & (trials >= 1) & ~above & score.between(0, 1)
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


def _at_least_k(cells: Cells) -> Iterator[Problem]:
    rows = cells.metric == "at_least_k"
    k, length = cells.number["k"], cells.number["length"]
    for column, meaning in {"k": "the number of tokens that must be right", "length": "the answer length"}.items():
        wrong = f"is blank: metric at_least_k needs {column}"
        yield from cells.problems(rows & cells.blank[column], column, wrong, f"give {column}, {meaning}")
    fractional = rows & _is_positive(length) & (length != np.floor(length))
    wrong = "is fractional: metric at_least_k needs a whole length"
    yield from cells.problems(fractional, "length", wrong, "give one row for each length, in whole tokens")
    above = rows & (k > length)
    yield from cells.problems(above, "k", "is above length", "give k from 1 to length, or correct length")


# Facts about runs


def _unknown_compute(cells: Cells) -> Iterator[Problem]:
    has_columns = "compute" in cells.present or cells.present >= {"params", "tokens"}
    known = cells.compute_given
    column = "compute" if "compute" in cells.present else "params"
    if has_columns and len(known) and not known.any():
        wrong = "no row of the table has compute, nor both params and tokens"
        yield Problem(column=column, wrong=wrong, remedy="give compute (training FLOP), or params and tokens")
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
    _column_rules,
    _text_for_numbers,
    _dates,
    _scores,
    _counts,
    _at_least_k,
    _unknown_compute,
    _runs_that_disagree,
)

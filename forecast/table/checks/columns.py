"""Columns of a table: what a cell of each may hold, whatever stands in the others."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from forecast.errors import Problem, shown
from forecast.table.checks.hints import metric_remedy
from forecast.table.checks.magnitudes import CHECKS as MAGNITUDES
from forecast.table.reading.cells import DECIMAL, NAMES, NUMBERS, Cells
from models.equations.metrics import METRICS
from models.facts.ceilings import BOUNDS

POWERS = {"K": "e3", "M": "e6", "B": "e9", "T": "e12"}
LARGEST = 1e100  # the product of two such numbers is still finite
WIDEST = 10  # decades of a standard deviation
LARGEST_COUNT = 2**53  # whole numbers beyond are not exact in double precision


def _is_name(cells: pd.Series) -> pd.Series:
    return (cells.str.strip() != "") & ~cells.str.contains("\0", regex=False)


def is_positive(numbers: pd.Series) -> pd.Series:
    return (numbers > 0) & (numbers < LARGEST)


def is_count(numbers: pd.Series) -> pd.Series:
    return (numbers >= 0) & (numbers <= LARGEST_COUNT) & (numbers == np.floor(numbers))


def _as_rate(value: str) -> str:
    """What a percentage is as a rate; of another number, an example."""
    percent = float(value)
    return f"{percent / 100:.10g}" if 1 < percent <= 100 else "0.9"


POSITIVE = (is_positive, "is not a positive finite number (below 1e100)")
WHOLE_FROM_1 = (lambda numbers: is_count(numbers) & (numbers >= 1), "is not a whole number of 1 or more")
NAME = (_is_name, "is blank or holds a NUL character")
RULES: dict[str, tuple[Callable[[pd.Series], pd.Series], str]] = {
    "model": NAME,
    "task": NAME,
    "metric": (lambda cells: cells.str.strip().isin(METRICS), "is not a known metric"),
    "family": (lambda cells: ~cells.str.contains("\0", regex=False), "holds a NUL character"),
    "score_sd": (lambda numbers: (numbers >= 0) & (numbers < WIDEST), f"is not between 0 and {WIDEST} decades"),
    "successes": (is_count, "is not a whole number of 0 or more"),
    "trials": WHOLE_FROM_1,
    "length": POSITIVE,
    "k": WHOLE_FROM_1,
    "chance": (lambda numbers: (numbers >= 0) & (numbers < 1), "lies outside [0, 1), 1 excluded"),
    **dict.fromkeys(BOUNDS, (lambda numbers: (numbers > 0) & (numbers <= 1), "lies outside (0, 1], 0 excluded")),
    "compute": POSITIVE,
    "params": POSITIVE,
    "active_params": POSITIVE,
    "tokens": POSITIVE,
    "compute_sd": (lambda numbers: (numbers >= 0) & (numbers < LARGEST), "is negative or infinite"),
}
REMEDIES: dict[str, str | Callable[[str], str]] = {
    "model": "give the model a name, or delete the row",
    "task": "give the task a name, or delete the row",
    "metric": f"write one of {', '.join(METRICS)}",
    "family": "retype the name",
    "score_sd": "give the standard deviation of log10 score, such as 0.2 for a factor of 1.6; blank: it is learned",
    "successes": "give the count of items answered right, or a rate in the column score",
    "trials": "give the number of items scored (for token_accuracy: tokens)",
    "length": "give the answer length in tokens, or leave the cell blank",
    "k": "give the number of tokens that must be right, from 1 to length",
    "chance": "give the success rate of a guess, such as 0.25 for four choices",
    "human": lambda value: f"give the score of experts as a rate, such as {_as_rate(value)}, or leave the cell blank",
    "ceiling_at_least": lambda value: f"give a score as a rate, such as {_as_rate(value)}, or leave the cell blank",
    "compute": "give the training FLOP, such as 3.1e23, or leave it blank and give params and tokens",
    "params": "give the number of parameters, such as 7e9, or leave the cell blank and give compute",
    "active_params": "give the parameters that a token passes through, such as 1.3e10, or leave the cell blank",
    "tokens": "give the number of training tokens, such as 3e11, or leave the cell blank and give compute",
    "compute_sd": "give the standard deviation of log10 compute, 0 where compute is exact",
}


def _column_rules(cells: Cells) -> Iterator[Problem]:
    counts = cells.number[["successes", "trials"]].where(cells.rate)  # of a loss they mean nothing
    table = cells.number.assign(**{name: cells.text[name] for name in NAMES}, **counts)
    for column, (holds, wrong) in RULES.items():
        bad = table[column].notna() & ~holds(table[column])
        for found in cells.problems(bad, column, wrong, REMEDIES[column]):
            score = cells.number["score"].get(found.row, math.nan)
            yield replace(found, remedy=metric_remedy(found.value or "", score)) if column == "metric" else found


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
    for line in cells.text.index[cells.date.isna() & ~cells.blank["date"]]:
        value = cells.text.at[line, "date"]
        wrong, remedy = cells.dates.problem(value)
        yield Problem(row=int(line), column="date", value=value, wrong=wrong, remedy=remedy)


COLUMN_CHECKS: tuple[Callable[[Cells], Iterator[Problem]], ...] = (
    _column_rules,
    _text_for_numbers,
    _dates,
    *MAGNITUDES,
)

"""Magnitudes that cannot be meant in the unit of their column: billions, petaFLOP, log10 FLOP, dates of 1970."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from forecast.errors import Problem
from forecast.table.checks.units import likely_units, mended, typed
from forecast.table.reading.cells import Cells
from forecast.table.reading.sizes import LARGEST, SMALLEST

SMALL = {"params": 1e6, "active_params": 1e6, "tokens": 1e8, "compute": 0.0}
"""Below, a number is not believed beside another one that cannot be meant."""
NOUNS = {
    "params": "a number of parameters",
    "active_params": "a number of parameters",
    "tokens": "a number of training tokens",
    "compute": "a training compute in FLOP",
}
TOYS = {"params": 200.0, "active_params": 200.0, "tokens": 2000.0, "compute": 1e7}  # from which a run can be meant
REALLY_SMALL = "if runs are truly so small, give compute, params and tokens of each, which then agree"
EXAMPLES = {"params": "7e9", "active_params": "1.3e10", "tokens": "3e11", "compute": "3.1e23"}
TOKENS_A_PARAMETER = (1e-2, 1e5)  # of published runs 0.04 to 2e5, and the largest are of sizes that nobody doubts
AGREE = 30.0  # factor between compute and 6 N D within which they are of one unit
UNIT_SLIP = 10**2.5  # factor from which a constant disagreement is one of units: no mixture of experts is so sparse
FIRST_LARGE_RUNS = pd.Timestamp("2010-01-01")  # before, training took less than 1e15 FLOP
FIRST_DATE = pd.Timestamp("1990-01-01")
WIDEST = 3.0  # decades of compute_sd; beyond, a compute is not known at all
MOST_ITEMS, MOST_TOKENS = 1e9, 1e13  # of a test


def ratio_to_sizes(cells: Cells) -> pd.Series:
    """Compute as given over 6 N D as given; NaN where one is not known."""
    return cells.number["compute"] / (6 * cells.params_at_work * cells.number["tokens"])


def agrees_with_sizes(cells: Cells) -> pd.Series:
    """Whether compute, parameters and tokens of a row are all given, and of one unit."""
    return ratio_to_sizes(cells).between(1 / AGREE, AGREE)


def impossible_sizes(cells: Cells) -> pd.DataFrame:
    """Which sizes of which rows cannot be meant; a size that is doubtful beside another such is one too."""
    sizes = cells.number[list(SMALLEST)].where(cells.number[list(SMALLEST)] > 0)
    share = sizes["tokens"] / cells.params_at_work
    few, many = share < TOKENS_A_PARAMETER[0], share > TOKENS_A_PARAMETER[1]
    odd = {"params": many, "active_params": many, "tokens": few}
    small = pd.DataFrame({name: sizes[name] < SMALL[name] for name in SMALL})
    below = pd.DataFrame({name: sizes[name] < SMALLEST[name] for name in SMALL})
    below |= small & pd.DataFrame({name: odd.get(name, few & False) for name in SMALL})
    below["compute"] &= ~(cells.date < FIRST_LARGE_RUNS)
    below = below.where(~agrees_with_sizes(cells), False)
    beside = small.where(below.any(axis=1), below.any(axis=0) & small).where(~agrees_with_sizes(cells), False)
    return (
        below
        | beside
        | pd.DataFrame({name: sizes[name].between(LARGEST[name], 1e100, inclusive="left") for name in SMALL})
    )


def sizes_that_cannot_be(cells: Cells) -> Iterator[Problem]:
    """Sizes and computes in another unit than their column's, with what to write."""
    impossible = impossible_sizes(cells)
    for name, noun in NOUNS.items():
        too_large = impossible[name] & (cells.number[name] >= LARGEST[name])
        advice = f"give {noun}, such as {EXAMPLES[name]}"
        yield from cells.problems(too_large, name, f"is too large for {noun}", advice)
        small = impossible[name] & ~too_large
        units = likely_units(name, cells.number[name][small], sizes=6 * cells.params_at_work * cells.number["tokens"])
        looks = " or ".join(unit.words for unit in units)
        wrong = f"is too small for {noun}" + (f", it looks like {looks}" if looks else "")
        toy = cells.number[name][small].max() >= TOYS[name]
        for line in small.index[small]:
            remedy = mended(cells.number.at[line, name], units) if units else advice
            yield Problem(
                row=int(line),
                column=name,
                value=cells.text.at[line, name],
                wrong=wrong,
                remedy=remedy + (f"; {REALLY_SMALL}" if toy else ""),
            )


def unmeant(name: str, value: float) -> str:
    """Why a single size cannot be meant, and what to write; empty where it can, or is no size at all."""
    noun, advice = NOUNS[name], f"give {NOUNS[name]}, such as {EXAMPLES[name]}"
    if LARGEST[name] <= value < np.inf:
        return f"is too large for {noun}; {advice}"
    if not 0 < value < SMALLEST[name]:
        return ""
    units = likely_units(name, pd.Series([value]), sizes=pd.Series([np.nan]))
    return f"is too small for {noun}; {mended(value, units) if units else advice}"


def computes_that_slip(cells: Cells) -> Iterator[Problem]:
    """Computes of a whole table that are off 6 N D by one large factor, as of another unit."""
    ratio = ratio_to_sizes(cells).where(~impossible_sizes(cells).any(axis=1))
    logs = np.log10(ratio[(ratio > 0) & np.isfinite(ratio)])
    if logs.empty or abs(logs.median()) < np.log10(UNIT_SLIP) or np.ptp(logs) > 1:
        return
    times = "times 6 N D, N params and D tokens: one of the three is in another unit"
    for line, log in logs.items():
        product = cells.number.at[line, "compute"] / 10**log
        yield Problem(
            row=int(str(line)),
            column="compute",
            value=cells.text.at[line, "compute"],
            wrong=f"is {typed(10**log, 2)} {times}",
            remedy=f"write {typed(product, 3)} if params and tokens are right, or leave the cell blank",
        )


def spreads_that_cannot_be(cells: Cells) -> Iterator[Problem]:
    """Standard deviations of log10 compute that are factors, percent or FLOP."""
    wide = (cells.number["compute_sd"] > WIDEST) & np.isfinite(cells.number["compute_sd"])
    wrong = "is too large for a standard deviation of log10 compute, in decades"

    def remedy(value: str) -> str:
        factor = float(value)
        known = (
            f"write {np.log10(factor):.3g} if compute is known to a factor of {value.strip()}; " if factor < 1e3 else ""
        )
        return f"{known}0.3 means a factor of 2"

    yield from cells.problems(wide, "compute_sd", wrong, remedy)


def dates_that_cannot_be(cells: Cells) -> Iterator[Problem]:
    """Dates before any model that a table can be about, but of early runs with their small compute."""
    early = (cells.date < FIRST_DATE) & ~(cells.number["compute"] < 1e15)
    advice = "give the date of release, such as 2020-05-28, or leave the cell blank"
    yield from cells.problems(early, "date", f"lies before {FIRST_DATE.year}", advice)


def counts_that_cannot_be(cells: Cells) -> Iterator[Problem]:
    """Numbers of items beyond any test, and tests of one item of which a part is right."""
    trials, score = cells.number["trials"].where(cells.rate), cells.number["score"]
    tokens = cells.metric == "token_accuracy"
    many = (trials > MOST_TOKENS) | (~tokens & (trials > MOST_ITEMS))
    many &= trials <= 2**53
    yield from cells.problems(many, "trials", "is more than any test has items", "give the number of items scored")
    if not cells.scored:
        return
    part = (trials == 1) & (score > 0) & (score < 1) & cells.blank["successes"]
    wrong = "is one item, of which no share can be right"
    yield from cells.problems(part, "trials", wrong, "give the number of items that the score is a share of")


CHECKS: tuple[Callable[[Cells], Iterator[Problem]], ...] = (
    sizes_that_cannot_be,
    computes_that_slip,
    spreads_that_cannot_be,
    dates_that_cannot_be,
    counts_that_cannot_be,
)

"""Rounding of scores: how many items a rate that is rounded to a few digits is worth."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from forecast.table.checks.units import typed
from forecast.table.reading.cells import Cells, in_rows
from forecast.words import first_of

FEWEST_DIGITS = 2  # scores of a task that all have one digit are rather typed as they are than rounded
MANY_ITEMS = 5.0  # in one unit of the last digit
LOST = 2.0 / 3.0  # share of the items below which the rounding, and not their number, limits what is known
COINCIDENCE = 3.0  # log10 of the odds against one
WHOLE = ("exact_match", "choice", "at_least_k")  # metrics whose score is a count over items
SINGLE_PRECISION = 1e-6  # to which stored scores may be rounded
TASKS = 3  # named in a sentence


def last_digit(cells: Cells) -> pd.Series:
    """The unit of the last digit of a rate: the finest of its task; NaN where only successes are given."""
    rate = cells.rate & ~cells.blank["score"] & cells.blank["successes"]
    text = cells.text["score"].str.strip().where(rate, "")
    decimals = text.str.extract(r"^[0-9]*\.([0-9]+)$", expand=False).str.len().astype(float)
    exact = text.str.fullmatch(r"[01]?(?:\.0*)?") & (text != "")  # '0' and '1' say nothing of the digits
    known = decimals.where(~exact | decimals.notna(), 0.0).where(rate)
    known = known.where(known.notna() | ~rate, 17.0)  # 1.2e-3 and the like: as exact as a number can be
    by_task = known.groupby([cells.text["task"].str.strip(), cells.metric])
    return 10.0 ** -by_task.transform("max").where(rate)


def items_left(cells: Cells) -> pd.Series:
    """Number of items whose binomial noise is that of the items and of the rounding together; NaN: all that there are.

    A score s in units u has the variance s (1 - s) / n + u^2 / 12. One that is rounded to 0 or 1 lies anywhere within
    half a unit, as likely as not beyond the half of it: then a run of so many failures is as likely as not too.
    """
    unit, trials, score = last_digit(cells), cells.number["trials"].where(cells.rate), cells.number["score"]
    if trials.isna().all():
        return trials
    with np.errstate(invalid="ignore"):  # comparisons with what is not known
        inside = score.clip(unit / 2, 1 - unit / 2)
        noise = inside * (1 - inside)
        left = noise / (noise / trials + unit**2 / 12)
        at_end = (score < unit / 2) | (score > 1 - unit / 2)
        left = left.where(~at_end, np.minimum(trials, np.log(2) / (unit / 2)))
        coarse = (unit * trials >= MANY_ITEMS) & (unit <= 10.0**-FEWEST_DIGITS) & (left < LOST * trials)
        return left.round().where(coarse & _is_rounded(cells, unit * trials))


def _is_rounded(cells: Cells, items: pd.Series) -> pd.Series:
    """Whether so many different scores of a task are whole units, of so many items, that it is no coincidence."""
    task = [cells.text["task"].str.strip(), cells.metric]
    score = cells.number["score"]
    different = ~pd.DataFrame({"task": task[0], "metric": task[1], "score": score}).duplicated() & (score % 1 != 0)
    digits = np.log10(items.where(different).clip(lower=1.0))
    return digits.groupby(task).transform("sum") > COINCIDENCE


def no_whole_counts(cells: Cells) -> Iterator[str]:
    """Of scores that are no share of a whole number of items."""
    trials, score = cells.number["trials"], cells.number["score"]
    count = score * trials
    slack = trials * (0.5 * last_digit(cells) + SINGLE_PRECISION)
    broken = cells.metric.isin(WHOLE) & ((count - count.round()).abs() > slack) & (trials > 1)
    tasks = [(task, broken & own) for task, own in cells.tasks() if (broken & own).any()]
    if tasks:
        line = tasks[0][1].index[tasks[0][1]][0]
        named = [f"{task} ({in_rows(rows)})" for task, rows in tasks]
        yield (
            f"Score x trials is no whole number of items for {first_of(named, TASKS)}: "
            f"{cells.text.at[line, 'score'].strip()} x {trials[line]:g} = {count[line]:.6g}. Counts are rounded. Give "
            "the trials that the scores are shares of; an average over subtasks has as many as all of them together."
        )


def rounded(cells: Cells) -> Iterator[str]:
    """Of scores that are rounded to more than a few items."""
    left, unit, trials = items_left(cells), last_digit(cells), cells.number["trials"]
    tasks = [(task, left.notna() & own) for task, own in cells.tasks() if (left.notna() & own).any()]
    for task, rows in tasks[:TASKS]:
        line = rows.index[rows][0]
        few, many = left[rows].min(), left[rows].max()
        worth = f"{few:g}" if few == many else f"{few:g} to {many:g}"
        yield (
            f"Scores of {task} are rounded to {typed(unit[line])}, which is {unit[line] * trials[line]:.3g} of "
            f"{trials[line]:g} items. So {in_rows(rows)} count{'s' if rows.sum() == 1 else ''} as {worth} items, which "
            "is what the rounding leaves. Give successes, or scores with more digits."
        )
    if len(tasks) > TASKS:
        yield f"Scores of {len(tasks) - TASKS} further tasks are rounded as much; give successes, or more digits."

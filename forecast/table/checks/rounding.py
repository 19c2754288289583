"""Rounding of scores: how many items a rate that is rounded to a few digits is worth."""

import numpy as np
import pandas as pd

from forecast.table.reading.cells import Cells

FEWEST_DIGITS = 2  # scores of a task that all have one digit are rather typed as they are than rounded
MANY_ITEMS = 5.0  # in one unit of the last digit
LOST = 2.0 / 3.0  # share of the items below which the rounding, and not their number, limits what is known
COINCIDENCE = 3.0  # log10 of the odds against one


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

"""Trust in the forecast of one task of a table, by the back-test of the table on its earlier runs."""

from typing import Any

import pandas as pd

from forecast.backtesting.record import baselines, record
from forecast.backtesting.scored import OURS
from forecast.backtesting.verdict import (
    CARE,
    FARTHER,
    NOT,
    WORSE,
    YES,
    reason,
    reasons_of_chains,
    reasons_of_record,
)
from forecast.scoring.summary import summary


def cell_trust(past: pd.DataFrame, task: str, *, farther: float, rhat: float = 1.0) -> tuple[str, list[dict[str, Any]]]:
    """Whether to believe the forecast of one task, from the back-test of its table on earlier runs.

    `past` are scores of a split of the training rows; `farther` the decades by which the forecast looks farther beyond
    its data than any of those did; `rhat` that of its own fit. What speaks against the table speaks against the task.
    """
    own = past[past["task"] == task]
    reasons = reasons_of_record(record(past)) + reasons_of_chains(rhat)
    if own.empty:
        reasons.append(reason(CARE, "untested task", f"no forecast of {task} has been tested"))
    else:
        ours = own[own["method"] == OURS]
        missed = float((~ours["inside_90"].astype(bool)).mean())
        if missed > 1.0 / 3.0:
            reasons.append(reason(NOT, "task missed", f"{missed:.0%} of its outcomes lay outside 90% intervals"))
        table = summary(own).set_index("method")
        if table.loc[OURS, "crps"] > WORSE * baselines(table).min():
            reasons.append(reason(CARE, "task beaten", "a baseline forecast this task better"))
    if farther > FARTHER:
        reasons.append(reason(CARE, "far", f"{farther:.1f} decades farther than ever tested"))
    level = NOT if any(each["level"] == NOT for each in reasons) else CARE if reasons else YES
    return level, reasons

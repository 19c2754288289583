"""Places of the rows of a candidate: their task in a fit, and the rows that they continue or are counted out of."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast.errors import ForecastError, shown
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import is_measured, task_label
from forecast.table.dataset import rows_of_task
from forecast.table.labels import given_rows
from models.equations.metrics import METRICS


@dataclass(frozen=True, kw_only=True)
class Row:
    """Where a row of a candidate belongs: its task in the fit, and the row of the table that it continues."""

    label: str  # of the task or, of a token accuracy that the fit has not seen, of the exact match of its answers
    seen: bool = True  # whether the fit has its metric
    old: int | None = None  # the row whose evaluation gets more items
    exact: int | None = None  # the exact-match row of the same answers, where they are scored again
    given: int | None = None  # the row of the candidate that it is a count out of
    length: float = 1.0  # items count once: tokens of an answer share one difficulty


def places_of(fit: Fit, rows: pd.DataFrame) -> list[Row]:
    """The place of each row of a candidate (one run), in the order given; a `ForecastError` where it has none."""
    data, found = fit.data, []
    runs = data.run.values.tolist()
    model = rows["model"].iloc[0]
    for row in rows.itertuples():
        label, seen = _label(fit, row)
        token = row.metric == "token_accuracy" and np.isfinite(row.length)
        place = Row(label=label, seen=seen, length=float(row.length) if token else 1.0)
        if model in runs:
            of_run = data.run_index.values == runs.index(model)
            old = np.flatnonzero(of_run & rows_of_task(data, label))
            if seen and len(old) and not is_measured(fit, label):
                place = replace(place, old=int(old[-1]))
            elif row.metric in ("token_accuracy", "at_least_k"):
                place = replace(place, exact=_exact_row(fit, label, of_run, row.trials / place.length))
        found.append(place)
    given = _given(fit, rows, found)
    return [replace(place, given=None if at < 0 else int(at)) for place, at in zip(found, given, strict=True)]


def _label(fit: Fit, row) -> tuple[str, bool]:
    k = row.k if METRICS[row.metric].k else None
    try:
        return task_label(fit, row.task, row.metric, k, row.length), True
    except ForecastError:
        if row.metric != "token_accuracy":
            raise
    data = fit.data
    own = data.task.values[(data.task_name.values == row.task) & (data.metric.values == "exact_match")]
    if len(own) != 1:
        task_label(fit, row.task, row.metric, k, row.length)  # says what there is
    length = float(data.task_length.sel(task=own[0]))
    if not np.isfinite(length) or length != row.length:
        raise ForecastError(
            f"token accuracy of {shown(row.task)} cannot be foreseen: its answer length is "
            f"{'not known to the fit' if not np.isfinite(length) else f'{length:g} tokens in the fit'}; "
            "give the length of the exact-match rows in the table and fit it again"
        )
    return str(own[0]), False


def _exact_row(fit: Fit, label: str, of_run: np.ndarray, items: float) -> int | None:
    """The exact-match row of the run and law with as many items: its answers can be scored again."""
    data = fit.data
    law = data.law_index.values == int(data.law_index.sel(task=label))
    exact = (law & (data.metric.values == "exact_match"))[data.task_index.values] & of_run
    found = np.flatnonzero(exact & (np.abs(data.trials.values - items) < 0.5))
    return int(found[-1]) if len(found) else None


def _given(fit: Fit, rows: pd.DataFrame, places: list[Row]) -> np.ndarray:
    """Which row of the candidate each is a count out of, or -1; of more items as in the table."""
    laws = [int(fit.data.law_index.sel(task=place.label)) for place in places]
    fresh = rows.assign(successes=np.zeros(len(rows)))
    given = given_rows(fresh, np.zeros(len(rows)), np.array(laws))
    for at, place in enumerate(places):
        if given[at] < 0 or place.old is None:
            continue
        if (
            fit.data.given_index.values[place.old] < 0
            or places[given[at]].old != fit.data.given_index.values[place.old]
        ):
            given[at] = -1
    return given


def parents_first(places: list[Row]) -> list[int]:
    """Positions of rows in an order in which a row comes after the one that it is a count out of."""

    def depth(place: Row) -> int:
        return 0 if place.given is None else 1 + depth(places[place.given])

    return sorted(range(len(places)), key=lambda at: depth(places[at]))

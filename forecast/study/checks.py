"""Checks of a study against its table, made before the first fit: all that could only fail after it."""

from collections.abc import Iterator

import pandas as pd
import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.questions.when.frontier import records_of
from forecast.questions.when.scenarios import SCENARIOS
from forecast.report.answered import answered_tasks, metric_of
from forecast.study.file import Study
from forecast.table.learnable.spread import check_spread
from forecast.table.splits import Split, latest
from forecast.table.training_runs import read_runs
from models.dates import by_date


def check_answerable(study: Study, data: xr.Dataset) -> None:
    """A `ForecastError` where the headline is no task of the table, a threshold does not suit it, or compute is one."""
    check_spread(data, study.table)
    tasks = data.task.values.tolist()
    if study.headline is not None and study.headline not in tasks:
        listed = "; ".join(shown(task) for task in tasks[:10])
        raise ForecastError(
            f"headline {shown(study.headline)} is not a task of {study.table.name}; use one of: {listed}"
        )
    answered_tasks(data, study.headline)
    task = headline_of_table(study, data)
    if metric_of(data, task).is_rate and (wrong := list(_no_shares(study))):
        raise ForecastError(f"{'; '.join(wrong)}; {shown(task)} is a rate: give numbers between 0 and 1, 0.8 for 80%")


def headline_of_table(study: Study, data: xr.Dataset) -> str:
    """The task that the study asks about, or else the first that a report answers for."""
    return study.headline or answered_tasks(data)[0]


def _no_shares(study: Study) -> Iterator[str]:
    for place, at in enumerate(study.thresholds, start=1):
        if not at < 1:
            yield f"key 'thresholds', place {place} is {at:g}"


def splits_of(study: Study, frame: pd.DataFrame) -> list[Split]:
    """The cuts to test at: those of the study, or where it names none the largest or latest three in ten runs."""
    if study.cuts:
        return [split_at(cut).checked(frame) for cut in study.cuts]
    return [each for each in [latest(frame)] if each]


def split_at(cut: float | str) -> Split:
    """The split of which a fit below a compute, or before an ISO date, has seen the one side."""
    return Split(by="date" if isinstance(cut, str) else "compute", at=cut)


def largest_runs(study: Study, data: xr.Dataset) -> pd.DataFrame | None:
    """The largest training runs; None where no dates are asked for, or dates are the scale of the table.

    Refuses keys about the growth of compute where it means nothing, and runs that show none.
    """
    asked = {"scenarios": study.scenarios != SCENARIOS, "runs": study.runs is not None}
    named = " and ".join(name for name, given in asked.items() if given)
    if by_date(data) and named:
        raise ForecastError(
            f"{named}: {study.table.name} holds no compute, dates are its scale and go on as they did; "
            f"leave {named} out and write when = true, or add compute, or params and tokens, to the table"
        )
    if by_date(data) or not study.when:
        return None
    runs = read_runs(study.runs)
    records_of(runs)
    return runs

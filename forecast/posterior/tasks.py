"""Tasks of a fit: by the names that users give them, with their law, metric, length and usual number of items."""

from difflib import get_close_matches

import numpy as np

from forecast.errors import ForecastError, shown
from forecast.posterior.fit import Fit
from forecast.table.dataset import rows_of_task
from forecast.words import Minutes
from models.equations.metrics import METRICS, Metric, rates
from models.facts.layout import tokens_per_item

NAMED = 10  # tasks of a message


def task_label(
    fit: Fit, name: str, metric: str | None = None, k: float | None = None, length: float | None = None
) -> str:
    """The task coordinate of a fit that a user's name (metric, k, length) means; a `ForecastError` lists what there is.

    A length only decides between tasks that are otherwise alike.
    """
    labels = fit.data.task.values.tolist()
    wanted = np.ones(len(labels), dtype=bool)
    if metric is not None:
        wanted &= fit.data.metric.values == metric
    if k is not None:
        wanted &= fit.data.task_k.values == k
    if name in labels and wanted[labels.index(name)]:
        return name
    named = wanted & (fit.data.task_name.values == name)
    if length is not None and named.sum() > 1:
        named &= fit.data.task_length.values == length
    found = fit.data.task.values[named]
    if len(found) == 1:
        return str(found[0])
    near = _holding(name, labels) or get_close_matches(name, labels, n=5, cutoff=0.4) or labels
    choices = found.tolist() or near[:NAMED]
    listed = "; ".join(shown(str(choice)) for choice in choices)
    asked = (
        shown(name) + ("" if metric is None else f" with metric {shown(metric)}") + ("" if k is None else f", k {k:g}")
    )
    what = "names several tasks" if len(found) else "is not a task of this fit"
    raise ForecastError(f"{asked} {what}; choose one of: {listed}")


def _holding(name: str, labels: list[str]) -> list[str]:
    """The labels that a name is a part of, whatever its capitals."""
    return [label for label in labels if name.strip() and name.strip().casefold() in label.casefold()]


def usual_trials(fit: Fit, label: str) -> int:
    """The median number of trials of a task in the fitted table."""
    own = fit.data.trials.values[rows_of_task(fit.data, label)]
    return int(np.median(own))


def law_name(fit: Fit, task: str) -> str:
    """The law that a task looks at."""
    return str(fit.data.law.values[int(fit.data.law_index.sel(task=task))])


def is_measured(fit: Fit, task: str) -> bool:
    """Whether a task is a measured number, a loss in nats or a horizon in minutes, and not a rate."""
    return not _metric(fit, task).is_rate


def is_horizon(fit: Fit, task: str) -> bool:
    """Whether a task is a horizon, in minutes."""
    return _metric(fit, task).reciprocal


def reaches(fit: Fit, task: str, scores: np.ndarray, at: float) -> np.ndarray:
    """Whether each score of a task is `at` or better: of a loss at most that."""
    return scores <= at if _metric(fit, task).falls else scores >= at


def _metric(fit: Fit, task: str) -> Metric:
    return METRICS[str(fit.data.metric.sel(task=task).item())]


def rate_tasks(fit: Fit) -> list[str]:
    """The tasks that are rates, of which thresholds are reported; a `ForecastError` where there is none."""
    tasks = [str(task) for task in fit.data.task.values if not is_measured(fit, str(task))]
    if not tasks:
        raise ForecastError(
            f"{fit.table} holds only losses or horizons: there is no rate to report; "
            "`forecast threshold FIT.nc --task T --at NATS` says where a loss is reached, --at 8h where a horizon is"
        )
    return tasks


def checked_task(fit: Fit, task: str, at: float) -> str:
    """The task coordinate that a name means; a `ForecastError` where `at` is no threshold of it."""
    label = task_label(fit, task)
    if isinstance(at, Minutes) and not is_horizon(fit, label):
        raise ForecastError(f"--at {at.text}: is a duration, {shown(label)} is no horizon; give a number such as 0.5")
    if is_measured(fit, label):
        if not 0 < at < np.inf:
            unit = "a horizon must be above 0 minutes" if is_horizon(fit, label) else "a loss must be above 0 nats"
            raise ForecastError(f"the threshold of {unit}, got {at:g}")
    else:
        check_rate(at)
    return label


def check_rate(at: float) -> None:
    """A `ForecastError` where a score is no threshold of a rate."""
    if isinstance(at, Minutes):
        raise ForecastError(f"--at {at.text}: is a duration, the thresholds are of rates; give a number such as 0.5")
    if not 0 < at < 1:
        percent = at if 1 < at < 100 else 80
        raise ForecastError(
            f"the threshold must lie between 0 and 1, got {at:g}; for {percent:g}% write --at {percent / 100:g}"
        )


ITEMS = 1000  # of an evaluation where the table has no rate


def usual_items(fit: Fit, label: str) -> int:
    """The median number of items of the rows of a task; of a loss that of the rates of the table, where it has any."""
    data = fit.data
    own = rows_of_task(data, label)
    if is_measured(fit, label):
        own = np.isin(data.metric.values, rates())[data.task_index.values]
    size = tokens_per_item(data)[data.task_index.values]
    return max(1, int(np.median((data.trials.values / size)[own]))) if own.any() else ITEMS


def item_size(fit: Fit, label: str) -> float:
    """Trials of a task that one item is: its tokens where trials are tokens, else 1."""
    return float(tokens_per_item(fit.data)[fit.data.task.values.tolist().index(label)])


def whole_length(fit: Fit, task: str) -> int | None:
    """Answer length of a task in whole tokens; None where it is not known or not whole."""
    length = fit.data.task_length.sel(task=task).item()
    return int(length) if np.isfinite(length) and length >= 1 and length % 1 == 0 else None

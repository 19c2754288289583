"""Figures of a fit: its curves, thresholds and track record on an Axes, a new one in the house style unless given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes

from forecast.errors import ForecastError
from forecast.figures.evidence.record import plot_track_record as draw_track_record
from forecast.figures.forest import forest_height, forest_rows
from forecast.figures.forest import plot_forest as draw_forest
from forecast.figures.headline import headline_height, plot_headline
from forecast.figures.style import STYLE, one_line
from forecast.figures.svg import TRACK, WIDE, threshold_limits
from forecast.figures.threshold import plot_threshold_density
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import rate_tasks, task_label
from forecast.posterior.views.curve import task_forecast
from forecast.scales import scale_of
from forecast.table.direction import refusal
from forecast.table.training_runs import read_runs


def plot_curve(fit: Fit, task: str, at: float = 0.5, *, family: str | None = None, ax: Axes | None = None) -> Axes:
    """The typical score of a task over compute with its data, the threshold `at` and where it is crossed.

    Known training runs stand above; see `forecast.figures.headline.plot_headline`. `family`: whose curve; None: the
    typical one.
    """
    shown = task_forecast(fit, task_label(fit, task), at, family=family)
    scale = scale_of(fit.data)

    def draw(new: Axes) -> Axes:
        plot_headline(shown, scale=scale, runs=read_runs(), ax=new)
        new.set_ylabel(one_line(shown.task, width=40))
        return new

    return _on(ax, draw, size=(WIDE, headline_height(shown, WIDE)))


def plot_threshold(fit: Fit, task: str, at: float = 0.5, *, family: str | None = None, ax: Axes | None = None) -> Axes:
    """Posterior density of the threshold compute of a task, with P(never) as a bar beside it.

    A `ForecastError` says why where no threshold is given, as of a task that falls.
    """
    shown = task_forecast(fit, task_label(fit, task), at, family=family)
    ends, draws, scale = shown.threshold["data_log10_compute"], shown.log10_compute_draws, scale_of(fit.data)
    if refused := refusal(shown.threshold, quantity=scale.quantity):
        raise ForecastError(f"{refused}; `fit.plot_curve` shows its scores")

    def draw(new: Axes) -> Axes:
        options: dict[str, Any] = {"limits": threshold_limits([ends], [draws]), "data_max": float(ends[1])}
        plot_threshold_density(draws, quantiles=shown.threshold["log10_compute"], scale=scale, **options, ax=new)
        new.set_xlabel(f"{scale.threshold_axis}, {one_line(shown.task, width=40)} at {at:g}")
        return new

    return _on(ax, draw, size=(5.0, 2.6))


def plot_forest(
    fit: Fit,
    at: float | Sequence[float] = 0.5,
    *,
    tasks: Iterable[str] | None = None,
    family: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Thresholds of all tasks that are rates, or of those named, on one axis; see `forecast.figures.forest`."""
    labels = rate_tasks(fit) if tasks is None else [task_label(fit, task) for task in tasks]
    levels = [at] if isinstance(at, int | float) else at
    rows = forest_rows(task_forecast(fit, label, level, family=family) for label in labels for level in levels)
    scale = scale_of(fit.data)
    return _on(
        ax,
        lambda new: draw_forest(rows, scale=scale, runs=read_runs(), ax=new),
        size=(WIDE, forest_height(len(rows), WIDE)),
    )


def plot_track_record(record: Any, *, ax: Axes | None = None) -> Axes:
    """Mean CRPS and coverage of the forecast beside those of baselines.

    `record` is what `forecast.backtest` returns, or what its summary.json holds, or the table of its methods.
    """
    methods = _methods(record)
    return _on(ax, lambda new: draw_track_record(methods, ax=new), size=(TRACK, 0.65 + 0.21 * len(methods)))


def _methods(record: Any) -> pd.DataFrame:
    if isinstance(record, pd.DataFrame):
        return record
    return pd.DataFrame((record if isinstance(record, Mapping) else record.to_dict())["methods"])


def _on(ax: Axes | None, draw: Callable[[Axes], Axes], *, size: tuple[float, float]) -> Axes:
    """Draw on the Axes, or on a new figure of `size` inches in the house style."""
    if ax is not None:
        return draw(ax)
    from matplotlib import pyplot  # so that notebooks show it

    with matplotlib.rc_context(dict(STYLE)):
        return draw(pyplot.figure(figsize=size, layout="constrained").subplots())

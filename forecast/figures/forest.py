"""Forest: the thresholds of all tasks as intervals on one axis of compute, with P(never) at the margin."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from forecast.figures.axes import CELL, NARROW, known_runs_above, legend_below, place_ticks, width_in_points
from forecast.figures.style import BLUE, GREY, INK, ORANGE, PAPER, VERMILLION, name_label, one_line
from forecast.figures.threshold import places, plot_interval
from forecast.posterior.views.curve import TaskForecast
from forecast.scales import COMPUTE, Scale
from forecast.words import percent, spoken_score

QUANTILES = ("q05", "q25", "q50", "q75", "q95")
BAR = 1.03, 0.09  # left end and width of the column of P(never), in widths of the axes
ROW, ROW_OF_MANY, ROW_OF_TWO_LINES = 0.2, 0.165, 0.25  # inches; where rows are many they are closer
MANY = 40
INTERVAL_LABELS = ("median", "50% interval", "90% interval", "goes on")
BEYOND_DATA = 6.0  # decades of compute, ten years: how far the axis goes beyond the data


def forest_rows(tasks: Iterable[TaskForecast]) -> pd.DataFrame:
    """What `plot_forest` shows of each task and threshold, a row each, the soonest median first.

    Columns task, at, metric, q05, q25, q50, q75, q95 (log10 FLOP, may be infinite), p_never, data_min and data_max
    (log10 FLOP of the task's runs in the fit), and reached and reached_unseen: log10 FLOP of the smallest run that has
    the score, among those of the fit and among those that it has not seen; NaN where none has. All
    are NaN of a task for which no threshold is given, and it is last.
    """
    columns = ("task", "at", "metric", *QUANTILES, "p_never", "data_min", "data_max", "reached", "reached_unseen")
    rows = pd.DataFrame([_row(task) for task in tasks], columns=list(columns))
    return rows.sort_values(["q50", "q25", "q75", "p_never", "task", "at"], kind="stable", ignore_index=True)


def _row(task: TaskForecast) -> dict[str, Any]:
    quantiles = places({name: task.threshold["log10_compute"][name] for name in QUANTILES})
    low, high = task.threshold["data_log10_compute"]
    runs, below = task.observed, task.metric == "loss"
    has = runs["score"] <= task.at if below else runs["score"] >= task.at
    unseen = runs["held_out"].astype(bool)
    return {
        **{"task": task.task, "at": task.at, "metric": task.metric, **quantiles},
        **{"p_never": places({"": task.threshold["p_never"]})[""], "data_min": low, "data_max": high},
        "reached": runs.loc[has & ~unseen, "log10_compute"].min(),
        "reached_unseen": runs.loc[has & unseen, "log10_compute"].min(),
    }


def plot_forest(rows: pd.DataFrame, *, scale: Scale = COMPUTE, runs: pd.DataFrame | None = None, ax: Axes) -> Axes:
    """Median, 50% and 90% interval of each threshold, a row each and first on top; P(never) at the right as a bar.

    Arrows say that an interval goes on beyond the axis or to 'never'. A dotted line is the largest run of the data; a
    dot is the smallest run of the data that has the score, and a hollow diamond that of the runs not seen.

    Parameters
    ----------
    rows : of `forest_rows`
    runs : known runs, of which those that fit are named above; see `forecast.figures.axes.landmarks`
    """
    limits = forest_limits(rows)
    ax.set_xlim(*limits)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    for row, at in enumerate(rows.to_dict("records")):
        plot_interval(ax, row, {name: at[name] for name in QUANTILES}, limits, width=5.0)
    _marks(ax, rows, scale)
    wide = width_in_points(ax) >= NARROW
    labels = _labels(rows, wide=wide)
    beside = max((len(line) for label in labels for line in label.split("\n")), default=0) * (4.9 if wide else 4.0)
    _names(ax, labels, wide=wide)
    _never(ax, rows)
    _legend(ax, left=beside)
    place_ticks(ax, scale, limits, count=6 if wide else 3)
    ax.set_xlabel(scale.threshold_axis)
    ax.grid(axis="x")
    if not scale.dated:
        known_runs_above(ax, limits, runs, width=width_in_points(ax) * CELL - beside - 70)
    return ax


def forest_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis, log10 FLOP: the data and the intervals, not more than six decades beyond the data."""
    if rows.empty:
        return 20.0, 26.0
    low, high = rows["data_min"].min(), rows["data_max"].max()
    ends = rows[["q05", "q50", "q95"]].to_numpy(dtype=float)
    ends = ends[np.isfinite(ends)]
    left = max(min(low, *np.append(ends, low)), low - BEYOND_DATA / 2)
    right = min(max(high + 0.5, *np.append(ends, high)), high + BEYOND_DATA)
    return float(left - 0.02 * (right - left)), float(right + 0.02 * (right - left))


def forest_height(rows: int, width: float) -> float:
    """Inches of a figure of so many rows and so many inches of width."""
    return 1.2 + max(rows, 2) * (ROW_OF_TWO_LINES if width < 5 else ROW if rows <= MANY else ROW_OF_MANY)


def _marks(ax: Axes, rows: pd.DataFrame, scale: Scale) -> None:
    """The largest run of the data, and the smallest that has the score."""
    y, ends = np.arange(len(rows)), sorted(set(rows["data_max"]))
    line: dict[str, Any] = {"color": GREY, "linestyle": ":", "linewidth": 1.0, "zorder": 1}
    label = f"{scale.largest} run of the data"
    if len(ends) == 1:
        ax.axvline(ends[0], **line, label=label)
    else:
        ax.vlines(rows["data_max"], y - 0.5, y + 0.5, **line, label=label)
    dot: dict[str, Any] = {"ls": "none", "zorder": 5, "mew": 0.9}
    if rows["reached"].notna().any():
        ax.plot(rows["reached"], y, "o", color=INK, markersize=2.5, **dot, label="first run that has it")
    if rows["reached_unseen"].notna().any():
        hollow: dict[str, Any] = {"color": VERMILLION, "mfc": PAPER, "markersize": 4}
        ax.plot(rows["reached_unseen"], y, "D", **hollow, **dot, label="first not seen by the fit")


def _legend(ax: Axes, *, left: float) -> None:
    """Each mark once, below the axis."""
    handles: list[Any] = [
        Line2D([], [], marker="o", ls="none", mfc=PAPER, mec=INK, mew=0.9, markersize=4, label="median"),
        Line2D([], [], color=BLUE, linewidth=5, label="50% interval"),
        Line2D([], [], color=BLUE, alpha=0.35, linewidth=5, label="90% interval"),
    ]
    handles += [each for each in ax.get_legend_handles_labels()[0] if each.get_label() not in INTERVAL_LABELS]
    legend_below(ax, handles, left=left)


def _never(ax: Axes, rows: pd.DataFrame) -> None:
    """P(never) of each row, a bar and a number right of the axes."""
    y, left, width = np.arange(len(rows)), *BAR
    beside = blended_transform_factory(ax.transAxes, ax.transData)
    options: dict[str, Any] = {"transform": beside, "clip_on": False, "linewidth": 0}
    ax.barh(y, width, 0.5, left, color=GREY, alpha=0.15, **options)
    ax.barh(y, width * rows["p_never"].fillna(0.0), 0.5, left, color=ORANGE, **options)
    words: dict[str, Any] = {"transform": beside, "va": "center", "fontsize": 7.5, "color": INK}
    for at, p in enumerate(rows["p_never"]):
        ax.text(left + width + 0.012, at, "–" if np.isnan(p) else percent(p), **words)
        if np.isnan(p):
            ax.text(
                0.01, at, "no threshold can be given", **words | {"transform": ax.get_yaxis_transform(), "color": GREY}
            )
    ax.text(left, -0.75, "P(never)", **words | {"va": "bottom", "color": GREY})


def _labels(rows: pd.DataFrame, *, wide: bool) -> list[str]:
    """Names of the tasks, with the threshold where there are several; on two lines where the figure is narrow."""
    several = rows["at"].nunique() > 1
    lines = zip(rows["task"], rows["at"], rows["metric"], strict=True)
    names = [f"{task}, {spoken_score(at, metric)}" if several else str(task) for task, at, metric in lines]
    return [one_line(name, width=40) if wide else name_label(name, width=20) for name in names]


def _names(ax: Axes, labels: Sequence[str], *, wide: bool) -> None:
    size = None if wide else 6.5
    ax.set_yticks(np.arange(len(labels)), labels, parse_math=False, linespacing=1.0, fontsize=size)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)

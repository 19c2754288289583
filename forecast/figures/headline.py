"""Headline: the curve of one task with its data, the fan beyond them, the threshold and where it is crossed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from forecast.figures.axes import (
    NARROW,
    known_runs_above,
    legend_below,
    place_ticks,
    power_text,
    score_limits,
    width_in_points,
)
from forecast.figures.curve import family_style, plot_runs
from forecast.figures.style import BEYOND, BLUE, GREY, INK, ORANGE, PAPER, VERMILLION, family_colours, one_line
from forecast.figures.threshold import plot_interval
from forecast.posterior.views.curve import TaskForecast
from forecast.scales import COMPUTE, Scale
from forecast.words import counted, percent

STRIP = 0.2  # height of the strip of the threshold below the scores, as a share of theirs
WITHIN, BEYOND_BANDS = (0.2, 0.34), (0.11, 0.19)  # opacity of the 90% band and of the 50% band on top of it


def plot_headline(
    task: TaskForecast,
    *,
    scale: Scale = COMPUTE,
    runs: pd.DataFrame | None = None,
    by_year: Mapping[int, float] | None = None,
    colours: Mapping[str, str] | None = None,
    ax: Axes,
) -> Axes:
    """The typical score over compute with its 50% and 90% bands, the data, and the threshold as a strip below.

    Beyond the largest run of the fit the ground is shaded, the bands are paler and the median is dashed. The strip on
    the axis of compute holds the threshold: median, 50% and 90% interval, with an arrow where it goes on; P(never)
    stands at its right end.

    Parameters
    ----------
    scale : of the table; above dates there are no known runs
    runs : known runs, of which those that fit are named above; see `forecast.figures.axes.landmarks`
    by_year : log10 FLOP of the largest run by year; see `forecast.figures.axes.largest_by_year`
    colours : of each family, of `forecast.figures.style.family_colours`; None: their own
    """
    if colours is None and task.observed["family"].nunique() > 1:
        colours = family_colours(task.observed["family"].astype(str))
    limits = _limits(task)
    low = _score_axis(task, ax)
    ax.set_xlim(*limits)
    data_max = float(task.threshold["data_log10_compute"][1])
    _beyond(ax, data_max, limits)
    _fan(ax, task, data_max)
    _threshold(ax, task, limits)
    plot_runs(ax, task.observed, colours, size=4.0)
    _strip(ax, task, limits, low=low, scale=scale)
    place_ticks(ax, scale, limits, count=6 if width_in_points(ax) >= NARROW else 4)
    ax.set_xlabel(scale.axis)
    if not scale.dated:
        known_runs_above(ax, limits, runs, by_year)
    _legend(ax, task, colours)
    return ax


def headline_height(task: TaskForecast, width: float) -> float:
    """Inches of a figure of that width, by the lines of its legend."""
    entries = 3 + min(task.observed["family"].nunique(), 8) + 2
    return (3.5 if width > 5 else 3.1) + 0.15 * -(-entries // (5 if width > 5 else 2))


def _limits(task: TaskForecast) -> tuple[float, float]:
    x = np.concatenate([task.grid, task.observed["log10_compute"], task.observed["moved_to"].dropna()])
    return float(x.min()), float(x.max())


def _score_axis(task: TaskForecast, ax: Axes) -> float:
    """Limits and ticks of the scores, percent for rates, and below them room for the strip; where the scores begin."""
    shown = np.concatenate([*task.curve.values(), task.observed["score"].to_numpy(dtype=float), [task.at]])
    low, high = score_limits(shown)
    rates = (low, high) == score_limits([])
    floor = 0.0 if rates else low
    if rates:
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        ax.set_ylabel("score")
    else:
        ax.set_ylabel("loss (nats)" if task.metric == "loss" else f"score ({task.metric})")
    ax.set_ylim(floor - STRIP * (high - low) - (0.03 if rates else 0.0), high)
    if not rates:
        ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])
    ax.spines["left"].set_bounds(floor, 1.0 if rates else high)
    return floor


def _beyond(ax: Axes, data_max: float, limits: tuple[float, float]) -> None:
    """Shade what lies beyond the largest run of the fit, and say so where there is room."""
    if data_max >= limits[1]:
        return
    ax.axvspan(data_max, limits[1], color=BEYOND, linewidth=0, zorder=0, label="beyond the largest run")
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, zorder=1)
    points = width_in_points(ax) * (limits[1] - data_max) / (limits[1] - limits[0])
    words = "beyond the largest run" if points > 100 else "beyond the\nlargest run"
    if points > 50:
        at = (data_max, 1.0)
        ax.annotate(words, at, (4, -3), xycoords=("data", "axes fraction"), textcoords="offset points", va="top")
        ax.texts[-1].set(color=GREY, fontsize=7, linespacing=1.1)


def _fan(ax: Axes, task: TaskForecast, data_max: float) -> None:
    """Bands and median, drawn apart on either side of the largest run."""
    for part, (wide, narrow), line in (
        (task.grid <= data_max, WITHIN, "-"),
        (task.grid > data_max, BEYOND_BANDS, (0, (4, 2))),
    ):
        grid = np.append(task.grid[part], data_max) if task.grid.min() <= data_max <= task.grid.max() else task.grid
        grid = np.sort(grid)
        curve = {name: np.interp(grid, task.grid, values) for name, values in task.curve.items()}
        ax.fill_between(grid, curve["q05"], curve["q95"], color=BLUE, alpha=wide, linewidth=0)
        ax.fill_between(grid, curve["q25"], curve["q75"], color=BLUE, alpha=narrow, linewidth=0)
        ax.plot(grid, curve["q50"], color=BLUE, linewidth=1.7, linestyle=line, zorder=2.5)


def _threshold(ax: Axes, task: TaskForecast, limits: tuple[float, float]) -> None:
    """The score that is asked for, up to the median crossing, and from there down to the strip."""
    median = float(task.threshold["log10_compute"]["q50"])
    ax.axhline(task.at, color=INK, linestyle=(0, (5, 3)), linewidth=0.8, zorder=1.5, label="threshold")
    if limits[0] <= median <= limits[1]:
        ax.plot([median, median], [ax.get_ylim()[0], task.at], color=BLUE, linestyle=(0, (1, 2)), linewidth=1.1)
    words = ax.annotate(
        f"threshold {_score(task)}", (0, task.at), (4, 2), xycoords=("axes fraction", "data"), va="bottom"
    )
    words.set(fontsize=7.5, color=INK)
    words.set_anncoords("offset points")


def _score(task: TaskForecast) -> str:
    return f"{task.at:g} nats" if task.metric == "loss" else f"{100 * task.at:g}%" if task.at <= 1 else f"{task.at:g}"


def _strip(ax: Axes, task: TaskForecast, limits: tuple[float, float], *, low: float, scale: Scale) -> None:
    """Where the threshold is crossed, as an interval right above the axis of compute, and P(never) beside it."""
    bottom = ax.get_ylim()[0]
    middle, top = bottom + 0.33 * (low - bottom), bottom + 0.62 * (low - bottom)
    ax.axhline(low, color=GREY, linewidth=0.4, zorder=0.5)
    quantiles = {name: float(value) for name, value in task.threshold["log10_compute"].items()}
    plot_interval(ax, middle, quantiles, limits, width=8.0)
    median, share = quantiles["q50"], (quantiles["q50"] - limits[0]) / (limits[1] - limits[0])
    if 0 <= share <= 1:
        side = "left" if share < 0.1 else "right" if share > 0.9 else "center"
        said = scale.named(median) if scale.dated else f"{power_text(median)}{scale.unit}"
        ground = {"facecolor": PAPER, "alpha": 0.7, "linewidth": 0, "pad": 0.5}
        ax.text(median, top, said, ha=side, fontsize=7.5, color=INK, bbox=ground, zorder=3, gid="median")
    start = float(np.clip(quantiles["q05"], *limits) - limits[0]) / (limits[1] - limits[0])
    if start * width_in_points(ax) > 65:
        words = f"{'reaches' if task.metric != 'loss' else 'falls to'} {_score(task)}"
        ax.text(0.01, middle, words, transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=GREY)
    box = {"boxstyle": "round,pad=0.3", "facecolor": PAPER, "edgecolor": ORANGE, "linewidth": 0.9}
    tag = ax.annotate(f"never\n{percent(task.threshold['p_never'])}", (1, middle), (9, 0), bbox=box, gid="never")
    tag.xycoords = ("axes fraction", "data")
    tag.set_anncoords("offset points")
    tag.set(fontsize=7.5, va="center", linespacing=1.15, color=INK)


def _legend(ax: Axes, task: TaskForecast, colours: Mapping[str, str] | None) -> None:
    """All that is drawn, below the axis: the curve first, then the runs; families beyond the seventh are counted."""
    handles: list[Any] = [
        Line2D([], [], color=BLUE, linewidth=1.7, label="median"),
        Patch(color=BLUE, alpha=1 - (1 - WITHIN[0]) * (1 - WITHIN[1]), linewidth=0, label="50% band"),
        Patch(color=BLUE, alpha=WITHIN[0], linewidth=0, label="90% band"),
    ]
    handles += _runs_in_legend(task.observed, colours)
    legend_below(ax, handles)


def _runs_in_legend(observed: pd.DataFrame, colours: Mapping[str, str] | None) -> list[Line2D]:
    held_out = observed["held_out"].to_numpy(dtype=bool)
    hollow = {"marker": "D", "mfc": PAPER, "ls": "none", "markersize": 4.5}
    if colours is None:
        seen = Line2D([], [], color=INK, marker="o", ls="none", markersize=4, label="data of the fit")
        hidden = Line2D([], [], color=VERMILLION, **hollow, label="not seen by the fit")
        return [seen] * bool((~held_out).any()) + [hidden] * bool(held_out.any())
    shown = {str(family): colours[str(family)] for family in observed["family"].unique()}
    named = [name for name in colours if shown.get(name, GREY) != GREY]
    styles = [(name, family_style(colours, name)) for name in named]
    if others := len(shown) - len(named):
        styles.append((counted(others, "other family", "other families"), {"color": GREY, "fmt": "o"}))
    dot: dict[str, Any] = {"ls": "none", "mec": INK, "mew": 0.3, "markersize": 4.5}
    found = [Line2D([], [], color=of["color"], marker=of["fmt"], **dot, label=_short(name)) for name, of in styles]
    if held_out.any():
        found.append(Line2D([], [], color=INK, **hollow, label="not seen by the fit"))
    if observed["moved_to"].notna().any():
        pale = Line2D([], [], color=GREY, alpha=0.35, marker="o", ls="none", mew=0, markersize=4, label="as measured")
        found.append(pale)
    return found


def _short(name: str) -> str:
    """Name on one line. A leading underscore would hide it from a legend."""
    line = one_line(name, width=28)
    return f"\u200b{line}" if line.startswith("_") else line

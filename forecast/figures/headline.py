"""Headline: the curve of one task with its data, the fan beyond them, the threshold and where it is crossed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from forecast.figures.axes import (
    NARROW,
    QUANTITIES,
    columns_that_fit,
    known_runs_above,
    legend_below,
    on_axis,
    place_scores,
    place_ticks,
    power_text,
    score_limits,
    width_in_points,
)
from forecast.figures.curve import family_style, plot_runs, shown_scores
from forecast.figures.style import BEYOND, BLUE, GREY, INK, ORANGE, PAPER, VERMILLION, family_colours, one_line
from forecast.figures.threshold import places, plot_interval
from forecast.posterior.views.curve import TaskForecast
from forecast.scales import COMPUTE, Scale
from forecast.words import counted, format_minutes, percent

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
    task, colours = _on_axis(task), colours or _colours(task)
    limits = _limits(task)
    low = _score_axis(task, ax)
    ax.set_xlim(*limits)
    data_max = float(task.threshold["data_log10_compute"][1])
    _beyond(ax, data_max, limits, scale.largest)
    _fan(ax, task, data_max)
    _threshold(ax, task, limits)
    plot_runs(ax, task.observed, colours, size=4.0)
    _strip(ax, task, limits, low=low, scale=scale)
    place_ticks(ax, scale, limits, count=6 if width_in_points(ax) >= NARROW else 4)
    ax.set_xlabel(scale.axis)
    if not scale.dated:
        known_runs_above(ax, limits, runs, by_year)
    narrow = width_in_points(ax) < NARROW
    legend_below(ax, _handles(task, colours, short=narrow), left=38 if narrow else 0)
    return ax


def _on_axis(task: TaskForecast) -> TaskForecast:
    """The same with its scores where they are drawn; see `forecast.figures.axes.on_axis`."""
    curve = {name: on_axis(values, task.metric) for name, values in task.curve.items()}
    observed = task.observed.assign(score=on_axis(task.observed["score"], task.metric))
    return replace(task, at=float(on_axis(task.at, task.metric)), curve=curve, observed=observed)


def headline_height(task: TaskForecast, width: float, colours: Mapping[str, str] | None = None) -> float:
    """Inches of a figure of that width, by the lines of its legend."""
    handles = _handles(task, colours or _colours(task), short=width < 5)
    lines = -(-len(handles) // columns_that_fit(handles, 72 * width - (15 if width < 5 else 65)))
    return (3.5 if width > 5 else 3.1) + 0.16 * lines


def _colours(task: TaskForecast) -> dict[str, str] | None:
    families = task.observed["family"].astype(str)
    return family_colours(families) if families.nunique() > 1 else None


def _limits(task: TaskForecast) -> tuple[float, float]:
    x = np.concatenate([task.grid, task.observed["log10_compute"], task.observed["moved_to"].dropna()])
    return float(x.min()), float(x.max())


def _score_axis(task: TaskForecast, ax: Axes) -> float:
    """Limits and ticks of the scores, percent for rates, and below them room for the strip; where the scores begin."""
    shown = shown_scores(task.curve, task.observed, task.at, task.metric)
    low, high = place_scores(ax, shown, metric=task.metric)
    if (low, high) == score_limits([]):
        ticks = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, np.clip(np.nanmax(shown) / 0.9, 0.01, 1))
        top = ticks[-1]  # below 100% where all scores are small, so that they are seen
        ax.set_ylabel("score")
        ax.set_yticks(ticks, [f"{100 * tick:g}%" for tick in ticks])
        ax.set_ylim(-(STRIP + 0.03) * top, 1.03 * top)
        ax.spines["left"].set_bounds(0, top)
        return 0.0
    ax.set_ylabel(QUANTITIES.get(task.metric, f"score ({task.metric})"))
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])
    ax.set_ylim(low - STRIP * (high - low), high)
    ax.spines["left"].set_bounds(low, high)
    return low


def _beyond(ax: Axes, data_max: float, limits: tuple[float, float], largest: str) -> None:
    """Shade what lies beyond the largest run of the fit, and say so where there is room."""
    if data_max >= limits[1]:
        return
    ax.axvspan(data_max, limits[1], color=BEYOND, linewidth=0, zorder=0, label=f"beyond the {largest} run")
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, zorder=1)
    points = width_in_points(ax) * (limits[1] - data_max) / (limits[1] - limits[0])
    words = f"beyond the {largest} run" if points > 100 else f"beyond the\n{largest} run"
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
    median = places(task.threshold["log10_compute"])["q50"]
    ax.axhline(task.at, color=INK, linestyle=(0, (5, 3)), linewidth=0.8, zorder=1.5, label="threshold")
    if limits[0] <= median <= limits[1]:
        ax.plot([median, median], [ax.get_ylim()[0], task.at], color=BLUE, linestyle=(0, (1, 2)), linewidth=1.1)
    words = ax.annotate(
        f"threshold {_score(task)}", (0, task.at), (4, 2), xycoords=("axes fraction", "data"), va="bottom"
    )
    words.set(fontsize=7.5, color=INK)
    words.set_anncoords("offset points")


def _score(task: TaskForecast) -> str:
    if task.metric == "horizon":
        return format_minutes(10.0**task.at)
    return f"{task.at:g} nats" if task.metric == "loss" else f"{100 * task.at:g}%" if task.at <= 1 else f"{task.at:g}"


def _strip(ax: Axes, task: TaskForecast, limits: tuple[float, float], *, low: float, scale: Scale) -> None:
    """Where the threshold is crossed, as an interval right above the axis of compute, and P(never) beside it."""
    bottom = ax.get_ylim()[0]
    middle, top = bottom + 0.33 * (low - bottom), bottom + 0.62 * (low - bottom)
    ax.axhline(low, color=GREY, linewidth=0.4, zorder=0.5)
    quantiles = places(task.threshold["log10_compute"])
    if np.isnan(quantiles["q50"]):
        said: dict[str, Any] = {"va": "center", "fontsize": 7.5, "color": INK}
        ax.text(0.01, middle, "no threshold can be given", transform=ax.get_yaxis_transform(), **said)
        return
    plot_interval(ax, middle, quantiles, limits, width=8.0)
    median, share = quantiles["q50"], (quantiles["q50"] - limits[0]) / (limits[1] - limits[0])
    if 0 <= share <= 1:
        side = "left" if share < 0.1 else "right" if share > 0.9 else "center"
        text = scale.named(median) if scale.dated else f"{power_text(median)}{scale.unit}"
        ground: dict[str, Any] = {"facecolor": PAPER, "alpha": 0.7, "linewidth": 0, "pad": 0.5}
        ax.text(median, top, text, ha=side, fontsize=7.5, color=INK, bbox=ground, zorder=3, gid="median")
    start = float(np.clip(quantiles["q05"], *limits) - limits[0]) / (limits[1] - limits[0])
    if start * width_in_points(ax) > 65:
        words = f"{'reaches' if task.metric != 'loss' else 'falls to'} {_score(task)}"
        ax.text(0.01, middle, words, transform=ax.get_yaxis_transform(), va="center", fontsize=7, color=GREY)
    box: dict[str, Any] = {"boxstyle": "round,pad=0.3", "facecolor": PAPER, "edgecolor": ORANGE, "linewidth": 0.9}
    tag = ax.annotate(f"never\n{percent(task.threshold['p_never'])}", (1, middle), (9, 0), bbox=box, gid="never")
    tag.xycoords = ("axes fraction", "data")
    tag.set_anncoords("offset points")
    tag.set(fontsize=7.5, va="center", linespacing=1.15, color=INK)


def _handles(task: TaskForecast, colours: Mapping[str, str] | None, *, short: bool) -> list[Any]:
    """Of a legend of all that is drawn: the curve first, then the runs; families beyond the seventh are counted."""
    curve: list[Any] = [
        Line2D([], [], color=BLUE, linewidth=1.7, label="median"),
        Patch(color=BLUE, alpha=1 - (1 - WITHIN[0]) * (1 - WITHIN[1]), linewidth=0, label="50% band"),
        Patch(color=BLUE, alpha=WITHIN[0], linewidth=0, label="90% band"),
    ]
    held_out = task.observed["held_out"].to_numpy(dtype=bool)
    hollow: dict[str, Any] = {"marker": "D", "mfc": PAPER, "ls": "none", "markersize": 4.5}
    unseen = Line2D([], [], color=INK if colours else VERMILLION, **hollow, label="not seen by the fit")
    if colours is None:
        seen = Line2D([], [], color=INK, marker="o", ls="none", markersize=4, label="data of the fit")
        return [*curve, *[seen] * bool((~held_out).any()), *[unseen] * bool(held_out.any())]
    found = curve + _families(task.observed, colours, short=short) + [unseen] * bool(held_out.any())
    pale: dict[str, Any] = {"alpha": 0.35, "marker": "o", "ls": "none", "mew": 0, "markersize": 4}
    moved = bool(task.observed["moved_to"].notna().any())
    return found + [Line2D([], [], color=GREY, **pale, label="as measured")] * moved


def _families(observed: pd.DataFrame, colours: Mapping[str, str], *, short: bool) -> list[Any]:
    """Those with a colour by name, the others by their number."""
    shown = {str(family): colours[str(family)] for family in observed["family"].unique()}
    named = [name for name in colours if shown.get(name, GREY) != GREY]
    styles = [(_short(name, width=18 if short else 28), family_style(colours, name)) for name in named]
    if others := len(shown) - len(named):
        styles.append((counted(others, "other family", "other families"), {"color": GREY, "fmt": "o"}))
    dot: dict[str, Any] = {"ls": "none", "mec": INK, "mew": 0.3, "markersize": 4.5}
    return [Line2D([], [], color=of["color"], marker=of["fmt"], **dot, label=name) for name, of in styles]


def _short(name: str, *, width: int) -> str:
    """Name on one line. A leading underscore would hide it from a legend."""
    line = one_line(name, width=width)
    return f"\u200b{line}" if line.startswith("_") else line

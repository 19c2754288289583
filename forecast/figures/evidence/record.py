"""Track record: the forecast's error beside that of baselines, coverage, and outcomes in their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from forecast.figures.axes import QUANTITIES, on_axis, padded, score_limits, time_ticks
from forecast.figures.style import BLUE, GREY, INK, PAPER, VERMILLION, name_label, one_line
from forecast.scoring.summary import wilson_interval

NOMINAL = {"coverage_50": 0.5, "coverage_90": 0.9}


def plot_outcomes(outcomes: pd.DataFrame, *, metric: str = "", ax: Axes) -> Axes:
    """Held-out outcomes beside their 90% predictive intervals and medians, one row each, first on top.

    `outcomes` has the columns task, model, score, q05, q50, q95 and inside; horizons are drawn by their logs.
    """
    numbers = outcomes[["score", "q05", "q50", "q95"]].astype(float).apply(on_axis, metric=metric)
    outcomes = outcomes.assign(**numbers)
    rows = np.arange(len(outcomes))
    inside = outcomes["inside"].to_numpy(dtype=bool)
    score = outcomes["score"].to_numpy(dtype=float)
    ax.hlines(rows, outcomes["q05"], outcomes["q95"], color=BLUE, alpha=0.35, linewidth=6, label="90% interval")
    ax.plot(outcomes["q50"], rows, "|", color=BLUE, markersize=8, markeredgewidth=1.6, label="median")
    ax.plot(score[inside], rows[inside], "o", color=INK, markersize=4, label="outcome inside")
    ax.plot(score[~inside], rows[~inside], "X", color=VERMILLION, markersize=6, label="outcome outside")
    several = outcomes["model"].nunique() > 1
    names = outcomes["task"].astype(str) + (", " + outcomes["model"].astype(str) if several else "")
    ax.set_yticks(rows, [name_label(name) for name in names], parse_math=False, linespacing=1.0)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(outcomes) - 0.4, -0.6)
    if metric == "horizon":
        limits = padded(float(numbers.min(axis=None)), float(numbers.max(axis=None)), share=0.05)
        time_ticks(ax.xaxis, limits, count=5)
    else:
        limits = score_limits(numbers.to_numpy().ravel())
    ax.set_xlim(*limits)
    ax.set_xlabel(QUANTITIES.get(metric, "score"))
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    return ax


def plot_track_record(methods: Sequence[Mapping[str, Any]] | pd.DataFrame, *, ax: Axes) -> Axes:
    """Mean CRPS of the forecast and of each baseline as bars, the forecast first; coverage beside them.

    The right part has the share of outcomes inside 50% and 90% intervals, with its 95% Wilson interval, and dashed
    lines where honest intervals would be.

    Parameters
    ----------
    methods : method, n, crps, coverage_50 and coverage_90 of each, of `forecast.scoring.summary.summary` or `methods`
        of a back-test's summary.json; the first is the forecast
    """
    table = pd.DataFrame(methods, columns=["method", "n", "crps", *NOMINAL])
    ours, others = table.iloc[:1], table.iloc[1:].sort_values("crps", kind="stable")
    table = pd.concat([ours, others], ignore_index=True)
    y = np.arange(len(table))
    ax.set_ylim(max(len(table), 1) - 0.4, -0.6)
    ax.set_yticks(y, [one_line(str(name), width=26) for name in table["method"]], parse_math=False)
    for name in ax.get_yticklabels()[:1]:
        name.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.set_xticks([])
    ax.set_xlabel(" ", labelpad=14)  # room for the labels of the two parts, which are not in the layout
    ax.spines[["left", "bottom"]].set_visible(False)
    _errors(_part(ax, 0.0, 0.54), table["crps"].to_numpy(dtype=float), y)
    _coverage(_part(ax, 0.62, 0.38), table, y)
    return ax


def _part(ax: Axes, left: float, width: float) -> Axes:
    """A part of the axes with the same rows and an axis of its own below."""
    part = ax.inset_axes((left, 0.0, width, 1.0), facecolor="none")
    part.set_ylim(*ax.get_ylim())
    part.set_yticks([])
    return part


def _errors(ax: Axes, crps: np.ndarray, y: np.ndarray) -> None:
    colours = [BLUE if at == 0 else GREY for at in y]
    ax.barh(y, crps, 0.6, color=colours, alpha=0.8, linewidth=0, label="mean CRPS")
    for at, value in zip(y, crps, strict=True):
        ax.annotate(f"{value:.3f}", (value, at), (3, 0), textcoords="offset points", va="center", fontsize=7)
    ax.set_xlim(0, 1.25 * max(np.nanmax(crps, initial=0.0), 1e-9))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.set_xlabel("mean CRPS (lower is better)")


def _coverage(ax: Axes, table: pd.DataFrame, y: np.ndarray) -> None:
    """Share of outcomes inside 50% and 90% intervals, with the error of the share; dashed: what is promised."""
    n = table["n"].to_numpy(dtype=float)
    for (name, nominal), shift, hollow in zip(NOMINAL.items(), (-0.15, 0.15), (True, False), strict=True):
        share = table[name].to_numpy(dtype=float)
        low, high = wilson_interval(share, n)
        for part, colour in ((y == 0, BLUE), (y > 0, GREY)):
            ax.hlines(y[part] + shift, low[part], high[part], color=colour, linewidth=0.9, alpha=0.7)
            dot: dict[str, Any] = {"color": colour, "mfc": PAPER if hollow else colour, "markersize": 4.5}
            ax.plot(share[part], y[part] + shift, "o", **dot, label=f"{100 * nominal:.0f}%")
        ax.axvline(nominal, color=INK, linestyle="--", linewidth=0.8, zorder=0)
    ax.set_xlim(-0.03, 1.03)
    ax.spines["left"].set_visible(False)
    ax.set_xticks([0, 0.5, 0.9], ["0%", "50%", "90%"])
    ax.set_xlabel("inside 50% (○) and 90% (●)")

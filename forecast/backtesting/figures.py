"""Figures of a back-test: reliability of intervals, PIT histograms, CRPS by distance beyond the training runs.

`plot_` functions take data and an `Axes`, draw, and return the `Axes`; `_figure` functions return inline SVG, a panel a
method, the first method first.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILLION, name_label
from forecast.figures.svg import inline_svg

PANELS_A_LINE = 3
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, GREY)
MARKERS = ("o", "s", "^", "D", "v", "X")  # of another number than the colours: no two of 42 methods look alike
PERCENT = ([0.0, 0.5, 1.0], ["0", "50", "100"])  # no signs, which would touch those of the next panel


def plot_reliability(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Observed against nominal coverage of central intervals of one method, with its Wilson band and the diagonal.

    `table` is that of `forecast.scoring.summary.reliability`. Below the diagonal intervals are too narrow, above too
    wide.
    """
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=0.9, label="honest")
    ax.fill_between(
        table["nominal"], table["low"], table["high"], color=BLUE, alpha=0.18, linewidth=0, label="95% Wilson interval"
    )
    ax.plot(table["nominal"], table["observed"], "o-", color=BLUE, markersize=2.5, label="observed")
    ax.set_xlim(0, 1)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xticks(*PERCENT)
    ax.set_yticks(*PERCENT)
    return ax


def plot_pit(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Histogram of one method's PIT with the band in which nine of ten bars lie where forecasts are honest.

    `table` is that of `forecast.scoring.summary.pit_histogram`. Mass at the ends: intervals too narrow; in the middle:
    too wide; on the right: outcomes above the forecast.
    """
    edges = np.append(table["left"], table["right"].iloc[-1])
    ax.stairs(table["share"], edges, fill=True, color=BLUE, alpha=0.75, linewidth=0, label="share of outcomes")
    ax.fill_between([0, 1], *table[["low", "high"]].iloc[0], color=ORANGE, alpha=0.35, linewidth=0, label="expected")
    ax.axhline(1 / len(table), color=INK, linestyle="--", linewidth=0.9, label="uniform")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.08 * max(table["share"].max(), table["high"].max()))
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    return ax


def plot_crps_by_distance(table: pd.DataFrame, *, unit: str = "decades", ax: Axes) -> Axes:
    """Mean CRPS by distance beyond the largest training run, a marker a method, side by side within a bin.

    `table` is that of `forecast.scoring.summary.summary` by method and distance; `unit` is that of distance.
    """
    bins = table["distance"].drop_duplicates().tolist()
    methods = table["method"].drop_duplicates().tolist()
    for i, method in enumerate(methods):
        own = table[table["method"] == method]
        shift = 0.7 * ((i + 0.5) / len(methods) - 0.5)
        x = np.array([bins.index(distance) for distance in own["distance"]]) + shift
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        ax.plot(x, own["crps"], marker, color=colour, markersize=5, label=name_label(str(method)))
    outcomes = table.groupby("distance", observed=True)["n"].max()
    ax.set_xticks(range(len(bins)), [f"{each}\nn = {outcomes[each]}" for each in bins])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(bins) - 0.5)
    for edge in range(1, len(bins)):
        ax.axvline(edge - 0.5, color=GREY, linewidth=0.4, alpha=0.5)
    ax.set_ylim(bottom=0)
    ax.grid(axis="y", linewidth=0.4, alpha=0.5)
    ax.set_xlabel(f"{unit} beyond the largest training run")
    ax.set_ylabel("mean CRPS")
    return ax


def reliability_figure(table: pd.DataFrame, *, key: str) -> Markup:
    """Reliability of central intervals, a panel a method; see `plot_reliability`."""
    names = ("nominal coverage (%)", "observed (%)")
    return _panels(table, plot_reliability, names=names, key=f"reliability-{key}")


def pit_figure(table: pd.DataFrame, *, key: str) -> Markup:
    """PIT histograms, a panel a method; see `plot_pit`."""
    return _panels(table, plot_pit, names=("PIT of the outcome", "share of outcomes"), key=f"pit-{key}")


def crps_by_distance_figure(table: pd.DataFrame, *, unit: str = "decades", key: str) -> Markup:
    """Mean CRPS of several methods by distance; see `plot_crps_by_distance`."""

    def draw(figure: Figure) -> None:
        ax = plot_crps_by_distance(table, unit=unit, ax=figure.subplots())
        figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=3, frameon=False)

    lines = -(-table["method"].nunique() // 3)
    return inline_svg(draw, size=(4.4, 2.2 + 0.2 * lines), key=f"distance-{key}", layout="constrained")


def _panels(table: pd.DataFrame, plot: Callable[..., Axes], *, names: tuple[str, str], key: str) -> Markup:
    """A panel a method, all of one size whatever their number; `names` are those of the axes."""
    groups = list(table.groupby("method", sort=False))
    lines = -(-len(groups) // PANELS_A_LINE)

    def draw(figure: Figure) -> None:
        axes = figure.subplots(lines, PANELS_A_LINE, squeeze=False).ravel()
        for i, (method, own) in enumerate(groups):
            plot(own, ax=axes[i])
            axes[i].set_title(f"{name_label(str(method), width=18)}\nn = {own['n'].iloc[0]}", fontsize="medium")
            if i % PANELS_A_LINE == 0:
                axes[i].set_ylabel(names[1])
            if i + PANELS_A_LINE >= len(groups):
                axes[i].set_xlabel(names[0])
        for ax in axes[len(groups) :]:
            ax.set_axis_off()

    return inline_svg(draw, size=(4.6, 0.2 + 1.6 * lines), key=key, layout="constrained")

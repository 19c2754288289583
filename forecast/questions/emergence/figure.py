"""Figure of `forecast emergence`: what every metric makes of one fitted law, beside what was observed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from forecast.figures.axes import padded, place_ticks, score_limits
from forecast.figures.style import BLUE, INK, VERMILLION
from forecast.scales import Scale
from forecast.scoring.summary import wilson_interval
from models.equations.metrics import METRICS

Key = tuple[str, int | None]
MOST_NAMED = 8  # curves of at least k in the legend


def plot_emergence(
    grid: np.ndarray,
    curves: Mapping[Key, Mapping[str, np.ndarray]],
    observed: Mapping[Key, pd.DataFrame],
    *,
    scale: Scale,
    ax: Axes,
) -> Axes:
    """Curves of one law under token accuracy, at least each k and exact match, with the scores that were observed.

    Parameters
    ----------
    grid : (point,) log10 FLOP, or places of dates, see `forecast.scales`
    curves : by metric and k, quantiles q05, q50 and q95 (point,) of the typical score
    observed : by metric and k, columns log10_compute, score and trials
    """
    partial = [key for key in curves if key[0] == "at_least_k"]
    shades = dict(zip(partial, colormaps["viridis"](np.linspace(0.9, 0.15, len(partial))), strict=True))
    colour = {key: BLUE if key[0] == "token_accuracy" else VERMILLION for key in curves} | shades
    named = partial[:: -(-len(partial) // MOST_NAMED)] if partial else []
    for key, curve in curves.items():
        label = _name(key) if key in named or key not in shades else None
        if key not in shades:
            ax.fill_between(grid, curve["q05"], curve["q95"], color=colour[key], alpha=0.15, linewidth=0)
        ax.plot(grid, curve["q50"], color=colour[key], linewidth=1.0 if key in shades else 1.6, label=label)
    for key, points in observed.items():
        _scores_with_error(ax, points, color=colour.get(key, INK), marker="o" if key[0] == "exact_match" else "s")
    limits = padded(float(grid.min()), float(grid.max()), share=0.0)
    ax.set_xlim(*limits)
    place_ticks(ax, scale, limits, count=6)
    ax.set_ylim(*score_limits([0.0, 1.0]))
    ax.set_xlabel(scale.axis)
    ax.set_ylabel("score")
    ax.legend(loc="upper left", frameon=False)
    return ax


def _name(key: Key) -> str:
    metric, k = key
    words = METRICS[metric].words
    return words.removesuffix("k") + str(k) if METRICS[metric].k else words


def _scores_with_error(ax: Axes, points: pd.DataFrame, *, color: object, marker: str) -> None:
    x, score, trials = (points[name].to_numpy(dtype=float) for name in ("log10_compute", "score", "trials"))
    lower, upper = wilson_interval(score, trials)
    error: Sequence[np.ndarray] = [np.maximum(score - lower, 0.0), np.maximum(upper - score, 0.0)]
    ax.errorbar(
        x, score, error, fmt=marker, color=color, markersize=3.5, mec="white", mew=0.5, elinewidth=0.9, zorder=3
    )

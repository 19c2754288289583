"""Sensitivity: how far a threshold and P(never) move with each prior half and twice as wide."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from forecast.figures.axes import NARROW, legend_below, width_in_points
from forecast.figures.style import BLUE, INK, ORANGE, name_label
from forecast.scales import COMPUTE, Scale

SIDES = {"halved": (BLUE, -0.2, "prior half as wide"), "doubled": (ORANGE, 0.2, "twice as wide")}
PALE = 0.3  # of what weights cannot tell
SMALLEST = 0.1, 2.0  # decades and percentage points; axes that end nearer would magnify noise


def plot_sensitivity(rows: Sequence[Mapping[str, Any]], *, scale: Scale = COMPUTE, ax: Axes) -> Axes:
    """Change of the median threshold with each prior half and twice as wide, a row each; P(never) beside it.

    Bars of what is not reliable are pale. An arrow at the end of the axis: the median becomes 'never', or is no longer.

    Parameters
    ----------
    rows : of `forecast.fitting.sensitivity.answer.sensitivity`, drawn in their order, the first on top
    """
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    wide = width_in_points(ax) >= NARROW
    names = [name_label(str(row["prior"]), width=24 if wide else 18) for row in rows]
    ax.set_yticks(np.arange(len(rows)), names, parse_math=False, linespacing=1.0)
    ax.tick_params(axis="y", length=0)
    ax.set_xticks([])
    ax.set_xlabel(" ", labelpad=14)  # room for the labels of the two parts, which are not in the layout
    ax.spines[["left", "bottom"]].set_visible(False)
    medians = ax.inset_axes((0.0, 0.0, 0.56, 1.0), facecolor="none")
    never = ax.inset_axes((0.64, 0.0, 0.36, 1.0), facecolor="none")
    decades, points = SMALLEST
    _bars(medians, rows, "shift", unit=1.0 / scale.distance_of_one, least=decades / scale.distance_of_one)
    _bars(never, rows, "shift_p_never", unit=100.0, least=points)
    size = "medium" if wide else "x-small"
    medians.set_xlabel(f"{'change of the ' if wide else ''}median, {scale.distance_unit}", fontsize=size)
    never.set_xlabel(f"{'change of ' if wide else ''}P(never), points", fontsize=size)
    for part in (medians, never):
        part.xaxis.set_major_locator(MaxNLocator(nbins=4 if wide else 2, symmetric=True, steps=[1, 2, 5, 10]))
    handles = [Patch(facecolor=colour, label=label) for colour, _, label in SIDES.values()]
    if not all(row[side]["reliable"] for row in rows for side in SIDES):
        handles.append(Patch(facecolor=INK, alpha=PALE, label="pale: not reliable"))
    legend_below(ax, handles)
    return ax


def _bars(ax: Axes, rows: Sequence[Mapping[str, Any]], name: str, *, unit: float, least: float) -> None:
    changes = {side: unit * np.array([float(row[side][name]) for row in rows]) for side in SIDES}
    limit = 1.1 * _largest(changes, least)
    for side, (colour, beside, _) in SIDES.items():
        for at, change in enumerate(changes[side]):
            reliable = rows[at][side]["reliable"]
            style: dict[str, Any] = {"color": colour, "alpha": 1.0 if reliable else PALE}
            ax.barh(at + beside, np.clip(change, -limit, limit), 0.38, linewidth=0, **style)
            if not np.isfinite(change):
                marker = CARETRIGHTBASE if change > 0 else CARETLEFTBASE
                ax.plot(np.sign(change) * limit, at + beside, marker=marker, clip_on=False, markersize=7, **style)
    ax.axvline(0.0, color=INK, linewidth=0.8)
    ax.set_xlim(-limit, limit)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)


def _largest(changes: Mapping[str, np.ndarray], least: float) -> float:
    """The largest finite change, or `least` if that is larger."""
    together = np.abs(np.concatenate([*changes.values()]))
    return max(float(together[np.isfinite(together)].max(initial=0.0)), least)

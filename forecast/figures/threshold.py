"""Figures of the threshold compute of a task: its density and the probability that it is crossed.

Both take data and an `Axes`, draw, and return the `Axes`; compute is log10 FLOP, or the place of a date on the scale of
the table (see `forecast.scales`), and may be infinite.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.markers import CARETLEFTBASE, CARETRIGHTBASE

from forecast.figures.axes import place_ticks
from forecast.figures.style import BLUE, GREY, INK, ORANGE, PAPER
from forecast.scales import COMPUTE, Scale
from forecast.words import percent

_BINS = 48
_SLOT = 0.1  # width of the bars for mass outside the axis, as a share of the axis


def plot_threshold_density(
    log10_compute_draws: np.ndarray,
    *,
    limits: tuple[float, float],
    quantiles: Mapping[str, Any],
    data_max: float,
    scale: Scale = COMPUTE,
    ax: Axes,
) -> Axes:
    """Posterior density of threshold compute over `limits`, with the mass at 'never' as a bar beside it.

    Areas are probabilities: density is per decade, and every bar has the area of its mass, so density and bars
    ('never', and 'earlier' and 'later' than the axis where there is such mass) have area one together.

    Parameters
    ----------
    log10_compute_draws : (draw,) log10 FLOP, may hold inf and -inf
    limits : log10 FLOP, the ends of the axis
    quantiles : q05, q50 and q95 of log10 FLOP; 'inf' and '-inf' are allowed
    data_max : log10 FLOP of the largest run in the data
    """
    mass, slots = _outside(log10_compute_draws, limits), _slots(limits)
    counts, edges = np.histogram(log10_compute_draws, bins=_BINS, range=limits)
    density = counts / len(log10_compute_draws) / np.diff(edges)
    width = _SLOT * (limits[1] - limits[0])
    ax.stairs(density, edges, fill=True, color=BLUE, alpha=0.75, linewidth=0, label=f"density of {scale.threshold}")
    top = 1.25 * max(density.max(), *(p / width for p in mass.values()))
    for name, p in mass.items():
        ax.bar(slots[name], p / width, width=width, color=ORANGE if name == "never" else BLUE, label=f"P({name})")
        ax.text(slots[name], p / width + 0.02 * top, percent(p), ha="center", va="bottom", fontsize="small")
    ax.set_ylim(0, top)
    ax.set_yticks([])
    ax.set_ylabel("density")
    ax.spines["left"].set_visible(False)
    return _threshold_axis(ax, limits=limits, mass=mass, quantiles=quantiles, data_max=data_max, scale=scale)


def plot_threshold_cumulative(
    log10_compute_draws: np.ndarray,
    *,
    limits: tuple[float, float],
    quantiles: Mapping[str, Any],
    data_max: float,
    scale: Scale = COMPUTE,
    ax: Axes,
) -> Axes:
    """Probability that the threshold is crossed by each compute; what is missing to 100% stands at 'never'.

    Parameters are those of `plot_threshold_density`.
    """
    mass, slots = _outside(log10_compute_draws, limits), _slots(limits)
    edges = np.linspace(*limits, 4 * _BINS + 1)
    crossed = np.searchsorted(np.sort(log10_compute_draws), edges, side="right") / len(log10_compute_draws)
    width = _SLOT * (limits[1] - limits[0])
    ax.plot(edges, crossed, color=BLUE, label="probability that it is crossed")
    bottoms = {"earlier": 0.0, "later": crossed[-1], "never": 1 - mass["never"]}
    for name, p in mass.items():
        colour = ORANGE if name == "never" else BLUE
        ax.bar(slots[name], p, bottom=bottoms[name], width=width, color=colour, label=f"P({name})")
    below = bottoms["never"] > 0.25
    ax.text(
        slots["never"],
        bottoms["never"] - 0.04 if below else bottoms["never"] + mass["never"] / 2,
        percent(mass["never"]),
        ha="center",
        va="top" if below else "center",
        fontsize="small",
    )
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0, 0.5, 1], ["0%", "50%", "100%"])
    ax.set_ylabel("crossed by")
    return _threshold_axis(ax, limits=limits, mass=mass, quantiles=quantiles, data_max=data_max, scale=scale)


def places(quantiles: Mapping[str, Any]) -> dict[str, float]:
    """Quantiles as numbers; NaN where no threshold is given, as of a task that falls."""
    return {name: np.nan if value is None else float(value) for name, value in quantiles.items()}


def plot_interval(
    ax: Axes,
    at: float,
    quantiles: Mapping[str, float],
    limits: tuple[float, float],
    *,
    colour: str = BLUE,
    width: float = 6.0,
) -> None:
    """Interval of a threshold: 90% pale, 50% dark, the median a dot, and an arrow where it leaves the axis.

    `at` is its height, `quantiles` are q05, q25, q50, q75 and q95, of `places`, and `width` is that of the
    bar in points.
    """
    q05, q25, q50, q75, q95 = (np.clip(quantiles[name], *limits) for name in ("q05", "q25", "q50", "q75", "q95"))
    ax.hlines(at, q05, q95, color=colour, alpha=0.35, linewidth=width, label="90% interval")
    ax.hlines(at, q25, q75, color=colour, linewidth=width, label="50% interval")
    arrow: dict[str, Any] = {"color": colour, "markersize": 1.05 * width, "markeredgewidth": 0, "clip_on": False}
    if quantiles["q95"] > limits[1]:
        ax.plot(limits[1], at, marker=CARETRIGHTBASE, **arrow, label="goes on")
    if quantiles["q05"] < limits[0]:
        ax.plot(limits[0], at, marker=CARETLEFTBASE, **arrow, label="goes on")
    if limits[0] <= quantiles["q50"] <= limits[1]:
        dot: dict[str, Any] = {"mfc": PAPER, "mec": INK, "markeredgewidth": 0.9, "markersize": 0.75 * width}
        ax.plot(q50, at, "o", **dot, zorder=4, label="median")


def _outside(draws: np.ndarray, limits: tuple[float, float]) -> dict[str, float]:
    """Mass the axis cannot hold, by slot; 'never' is always there."""
    mass = {
        "earlier": float(np.mean(draws < limits[0])),
        "later": float(np.mean((draws > limits[1]) & (draws < np.inf))),
        "never": float(np.mean(draws == np.inf)),
    }
    return {name: p for name, p in mass.items() if p > 0 or name == "never"}


def _slots(limits: tuple[float, float]) -> dict[str, float]:
    """Centres of the bars for mass outside the axis, in the units of the axis."""
    width = _SLOT * (limits[1] - limits[0])
    return {"earlier": limits[0] - 0.9 * width, "later": limits[1] + 0.9 * width, "never": limits[1] + 2.5 * width}


def _threshold_axis(
    ax: Axes,
    *,
    limits: tuple[float, float],
    mass: Mapping[str, float],
    quantiles: Mapping[str, Any],
    data_max: float,
    scale: Scale,
) -> Axes:
    slots, width = _slots(limits), _SLOT * (limits[1] - limits[0])
    left = slots["earlier"] - 0.7 * width if "earlier" in mass else limits[0]
    right = slots["never"] + 0.7 * width
    q05, q50, q95 = (float(quantiles[name]) for name in ("q05", "q50", "q95"))
    ax.axvspan(*np.clip([q05, q95], left, right), color=BLUE, alpha=0.1, linewidth=0, zorder=0, label="90% interval")
    if limits[0] <= q50 <= limits[1]:
        ax.axvline(q50, color=INK, linewidth=1, label="median")
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, label=f"{scale.largest} run of the data")
    ax.set_xlim(left, right)
    place_ticks(ax, scale, limits, count=4)
    # Ticks next to a slot would print over its label.
    ticks = [(t, s) for t, s in zip(ax.get_xticks(), _tick_texts(ax), strict=True) if t <= limits[1] - 0.7 * width]
    if "earlier" in mass:
        ticks = [(t, s) for t, s in ticks if t >= limits[0] + 0.7 * width]
    ticks += [(slots[name], name) for name in mass]
    ax.set_xticks([t for t, _ in ticks], [s for _, s in ticks])
    return ax


def _tick_texts(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_xticklabels()]

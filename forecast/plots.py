"""Figures of a forecast: each function takes data and an `Axes`, draws, and returns the `Axes`.

Compute is always log10 FLOP on the way in and labelled in FLOP on the axis. Seen and unseen points differ by marker
as well as by colour.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from forecast.figure_style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILLION,
    flop_ticks,
    name_label,
    padded,
    percent,
    score_limits,
)

_BINS = 48
_SLOT = 0.1  # width of the bars for mass outside the axis, as a share of the axis


def wilson_interval(score: np.ndarray, trials: np.ndarray, *, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson (1927) 95 % interval of a binomial rate: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    centre = (score + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(score * (1 - score) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    # Rounding puts the bound a hair beyond the score at 0 and 1.
    return np.minimum(centre - half, score), np.maximum(centre + half, score)


def plot_threshold_density(
    log10_compute_draws: np.ndarray,
    *,
    limits: tuple[float, float],
    quantiles: Mapping[str, Any],
    data_max: float,
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
    ax.stairs(density, edges, fill=True, color=BLUE, alpha=0.75, linewidth=0, label="density of threshold compute")
    top = 1.25 * max(density.max(), *(p / width for p in mass.values()))
    for name, p in mass.items():
        ax.bar(slots[name], p / width, width=width, color=ORANGE if name == "never" else BLUE, label=f"P({name})")
        ax.text(slots[name], p / width + 0.02 * top, percent(p), ha="center", va="bottom", fontsize="small")
    ax.set_ylim(0, top)
    ax.set_yticks([])
    ax.set_ylabel("density")
    ax.spines["left"].set_visible(False)
    return _threshold_axis(ax, limits=limits, mass=mass, quantiles=quantiles, data_max=data_max)


def plot_threshold_cumulative(
    log10_compute_draws: np.ndarray,
    *,
    limits: tuple[float, float],
    quantiles: Mapping[str, Any],
    data_max: float,
    ax: Axes,
) -> Axes:
    """Probability that the threshold is crossed by each compute; what is missing to 100 % stands at 'never'.

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
    ax.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    ax.set_ylabel("crossed by")
    return _threshold_axis(ax, limits=limits, mass=mass, quantiles=quantiles, data_max=data_max)


def plot_curve(
    grid: np.ndarray,
    curve: Mapping[str, np.ndarray],
    observed: pd.DataFrame,
    *,
    at: float,
    data_max: float,
    ax: Axes,
) -> Axes:
    """Fitted curve of the typical score with its 50 % and 90 % bands, the data and the threshold tau.

    Parameters
    ----------
    grid : (point,) log10 FLOP
    curve : q05, q25, q50, q75 and q95 of the typical score, each (point,)
    observed : columns log10_compute, score, trials (NaN where there are none, as for losses) and held_out
    at : the threshold tau
    data_max : log10 FLOP of the largest run in the data
    """
    ax.fill_between(grid, curve["q05"], curve["q95"], color=BLUE, alpha=0.18, linewidth=0, label="90 % band")
    ax.fill_between(grid, curve["q25"], curve["q75"], color=BLUE, alpha=0.3, linewidth=0, label="50 % band")
    ax.plot(grid, curve["q50"], color=BLUE, label="median")
    held_out = observed["held_out"].to_numpy(dtype=bool)
    _points(ax, observed[~held_out], fmt="o", color=INK, markersize=3, label="data of the fit")
    _points(ax, observed[held_out], fmt="D", color=VERMILLION, mfc="white", markersize=4, label="not seen by the fit")
    x = np.concatenate([grid, observed["log10_compute"].to_numpy(dtype=float)])
    limits = padded(float(x.min()), float(x.max()), share=0.02)
    ax.axhline(at, color=GREY, linestyle="--", linewidth=0.9, label="threshold τ")
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, label="largest run of the data")
    ax.text(0.01, at, f"τ = {at:g}", transform=ax.get_yaxis_transform(), fontsize="small", va="bottom", color=GREY)
    shown = np.concatenate([*curve.values(), observed["score"].to_numpy(dtype=float), [at]])
    ax.set_ylim(*score_limits(shown))
    ax.set_xlim(*limits)
    flop_ticks(ax, limits)
    return ax


def plot_outcomes(outcomes: pd.DataFrame, *, ax: Axes) -> Axes:
    """Held-out outcomes beside their 90 % predictive intervals and medians, one row each, first on top.

    `outcomes` has the columns task, model, score, q05, q50, q95 and inside.
    """
    rows = np.arange(len(outcomes))
    inside = outcomes["inside"].to_numpy(dtype=bool)
    score = outcomes["score"].to_numpy(dtype=float)
    ax.hlines(rows, outcomes["q05"], outcomes["q95"], color=BLUE, alpha=0.35, linewidth=6, label="90 % interval")
    ax.plot(outcomes["q50"], rows, "|", color=BLUE, markersize=8, markeredgewidth=1.6, label="median")
    ax.plot(score[inside], rows[inside], "o", color=INK, markersize=4, label="outcome inside")
    ax.plot(score[~inside], rows[~inside], "X", color=VERMILLION, markersize=6, label="outcome outside")
    several = outcomes["model"].nunique() > 1
    names = outcomes["task"].astype(str) + (", " + outcomes["model"].astype(str) if several else "")
    ax.set_yticks(rows, [name_label(name) for name in names], parse_math=False, linespacing=1.0)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(outcomes) - 0.4, -0.6)
    ax.set_xlim(*score_limits(outcomes[["q05", "q95", "score"]].to_numpy(dtype=float).ravel()))
    ax.set_xlabel("score")
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    return ax


def plot_k_sweep(grid: np.ndarray, curves: Mapping[int, np.ndarray], *, ax: Axes) -> Axes:
    """Success under 'at least k tokens right' for every k of one fitted law, from linear to sharp.

    `grid` is (point,) log10 FLOP; `curves` maps k to the median success, (point,).
    """
    shades = colormaps["viridis"](np.linspace(0.85, 0.0, len(curves)))
    step = -(-len(curves) // 8)  # at most about eight entries in the legend
    for i, (k, success) in enumerate(sorted(curves.items())):
        named = i % step == 0 or i == len(curves) - 1
        ax.plot(grid, success, color=shades[i], label=f"k = {k}" if named else None)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel("success")
    ax.set_xlabel("training compute (FLOP)")
    limits = padded(float(grid.min()), float(grid.max()), share=0.0)
    ax.set_xlim(*limits)
    flop_ticks(ax, limits, count=6)
    if curves:
        ax.legend(loc="upper left", frameon=False, title="tokens needed")
    return ax


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
) -> Axes:
    slots, width = _slots(limits), _SLOT * (limits[1] - limits[0])
    left = slots["earlier"] - 0.7 * width if "earlier" in mass else limits[0]
    right = slots["never"] + 0.7 * width
    q05, q50, q95 = (float(quantiles[name]) for name in ("q05", "q50", "q95"))
    ax.axvspan(*np.clip([q05, q95], left, right), color=BLUE, alpha=0.1, linewidth=0, zorder=0, label="90 % interval")
    if limits[0] <= q50 <= limits[1]:
        ax.axvline(q50, color=INK, linewidth=1, label="median")
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, label="largest run of the data")
    ax.set_xlim(left, right)
    flop_ticks(ax, limits, count=4)
    # Ticks next to a slot would print over its label.
    ticks = [(t, s) for t, s in zip(ax.get_xticks(), _tick_texts(ax), strict=True) if t <= limits[1] - 0.7 * width]
    if "earlier" in mass:
        ticks = [(t, s) for t, s in ticks if t >= limits[0] + 0.7 * width]
    ticks += [(slots[name], name) for name in mass]
    ax.set_xticks([t for t, _ in ticks], [s for _, s in ticks])
    return ax


def _tick_texts(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_xticklabels()]


def _points(ax: Axes, observed: pd.DataFrame, **style: Any) -> None:
    if observed.empty:
        return
    x, score, trials = (observed[name].to_numpy(dtype=float) for name in ("log10_compute", "score", "trials"))
    lower, upper = wilson_interval(score, trials) if np.isfinite(trials).any() else (score, score)
    error = np.nan_to_num(np.stack([score - lower, upper - score]))  # no trials, no error bar
    ax.errorbar(x, score, error, elinewidth=0.9, zorder=3, **style)

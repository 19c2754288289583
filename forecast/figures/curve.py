"""Figures of curves and priors: each function takes data and an `Axes`, draws, and returns the `Axes`.

Compute is always log10 FLOP on the way in (or the place of a date, see `forecast.scales`) and labelled in FLOP, or with
dates, on the axis. Seen and unseen points differ by marker as well as by colour.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from forecast.figures.axes import on_axis, padded, place_scores, place_ticks
from forecast.figures.style import BEYOND, BLUE, GREY, INK, PAPER, VERMILLION, name_label
from forecast.scales import COMPUTE, Scale
from forecast.scoring.summary import wilson_interval
from forecast.words import percent, spoken_score

MARKERS = ("o", "s", "^", "v", "P", "X", "p")


def plot_curve(
    grid: np.ndarray,
    curve: Mapping[str, np.ndarray],
    observed: pd.DataFrame,
    *,
    at: float,
    data_max: float,
    metric: str = "",
    scale: Scale = COMPUTE,
    colours: Mapping[str, str] | None = None,
    human: float | None = None,
    ax: Axes,
) -> Axes:
    """Fitted curve of the typical score with its 50% and 90% bands, the data and the threshold tau.

    Where runs have recipes of their own, each is drawn twice: pale where it is, and in the colour of its family where
    it would be with the family of the curve.

    Parameters
    ----------
    grid : (point,) log10 FLOP
    curve : q05, q25, q50, q75 and q95 of the typical score, each (point,)
    observed : columns log10_compute, score, trials (NaN or 0 where there are none, as for losses) and held_out; with
        `colours` also family and moved_to (log10 FLOP with the family of the curve, NaN where unknown)
    at : the threshold tau
    metric : of the task; horizons are drawn by their logs
    data_max : log10 FLOP of the largest run in the data
    colours : of each family; None: all runs have one recipe
    human : score of experts, where it is known
    """
    spoken = spoken_score(at, metric)
    curve, at = {name: on_axis(values, metric) for name, values in curve.items()}, on_axis(at, metric)
    observed = observed.assign(score=on_axis(observed["score"], metric))
    ax.fill_between(grid, curve["q05"], curve["q95"], color=BLUE, alpha=0.18, linewidth=0, label="90% band")
    ax.fill_between(grid, curve["q25"], curve["q75"], color=BLUE, alpha=0.3, linewidth=0, label="50% band")
    ax.plot(grid, curve["q50"], color=BLUE, label="median")
    x = np.concatenate([grid, observed["log10_compute"].to_numpy(dtype=float)])
    plot_runs(ax, observed, colours)
    if colours is not None:
        x = np.append(x, observed["moved_to"].dropna())
    limits = padded(float(x.min()), float(x.max()), share=0.02)
    ax.axhline(at, color=GREY, linestyle="--", linewidth=0.9, label="threshold τ")
    ax.axvspan(data_max, max(limits[1], data_max), color=BEYOND, linewidth=0, zorder=0)
    ax.axvline(data_max, color=GREY, linestyle=":", linewidth=0.9, label=f"{scale.largest} run of the data")
    ax.text(0.01, at, f"τ = {spoken}", transform=ax.get_yaxis_transform(), fontsize="small", va="bottom", color=GREY)
    if human is not None:
        ax.axhline(human, color=GREY, linestyle="-.", linewidth=0.9, label="experts")
        ax.text(0.01, human, "experts", transform=ax.get_yaxis_transform(), fontsize="small", va="bottom", color=GREY)
    shown = np.append(shown_scores(curve, observed, at, metric), at if human is None else human)
    place_scores(ax, shown, metric=metric)
    ax.set_xlim(*limits)
    place_ticks(ax, scale, limits)
    ax.set_xlabel(scale.axis)
    return ax


def shown_scores(curve: Mapping[str, np.ndarray], observed: pd.DataFrame, at: float, metric: str) -> np.ndarray:
    """What an axis of scores must hold; of horizons, of which the 90% band soon goes to years, the 50% band alone."""
    bands = [values for name, values in curve.items() if metric != "horizon" or name in ("q25", "q75")]
    return np.concatenate([*bands, observed["score"].to_numpy(dtype=float), [at]])


def plot_prior_posterior(rows: pd.DataFrame, *, ax: Axes) -> Axes:
    """Posterior intervals, dark, on prior intervals, pale, one row each and first on top; a heading above each group.

    Positions are shares of the prior's 90% interval: 0 stands for its 5% quantile, 1 for its 95% quantile.

    Parameters
    ----------
    rows : columns group, name, q05, q50 and q95 (positions of the posterior, NaN where unknown), prior_q50 (position
        of the prior's median), endless (bool: 1 stands for infinity), half (bool: above its median the posterior is
        not compared), verdict ('data', 'prior', or other words) and note, the text at the right end
    """
    first = ~rows["group"].duplicated().to_numpy(dtype=bool)
    y = np.arange(len(rows)) + 1.35 * np.cumsum(first)  # room above each group for a heading of two lines
    colours = [{"data": BLUE, "prior": VERMILLION}.get(verdict, GREY) for verdict in rows["verdict"]]
    low, middle, high = (rows[name].to_numpy(dtype=float) for name in ("q05", "q50", "q95"))
    limits = max(np.nanmin([-0.08, *(low - 0.05)]), -1.0), min(np.nanmax([1.08, *(high + 0.05)]), 2.0)
    half = rows["half"].to_numpy(dtype=bool)
    start, centre, end = (np.clip(each, *limits) for each in (low, middle, high))
    ax.hlines(y, 0, 1, color=GREY, alpha=0.28, linewidth=9, label="prior, 90% interval")
    ax.hlines(y, start, np.where(half, centre, end), color=colours, linewidth=4, label="posterior, 90% interval")
    ax.hlines(y[half], centre[half], end[half], color=GREY, linewidth=4, label="not compared")
    ax.plot(rows["prior_q50"], y, "|", color=GREY, markersize=9, markeredgewidth=1.2, label="prior median")
    dots = np.where(centre == middle, middle, np.nan)  # none where the median is beyond the axis
    ax.scatter(dots, y, s=24, c=colours, edgecolors="white", linewidths=0.8, zorder=3, label="posterior median")
    for beyond, marker, edge in ((low < limits[0], "<", limits[0]), (high > limits[1], ">", limits[1])):
        ax.plot(np.full(beyond.sum(), edge), y[beyond], marker, color=INK, markersize=4, label="beyond the axis")
    for at, note, colour in zip(y, rows["note"], colours, strict=True):
        ax.text(1.03, at, note, transform=ax.get_yaxis_transform(), color=colour, fontsize="small", va="center")
    for at in y[rows["endless"].to_numpy(dtype=bool)]:
        ax.text(1, at - 0.36, "never", ha="right", va="bottom", color=GREY, fontsize="x-small")
    labels = [name_label(text) for text in (*rows["group"][first], *rows["name"])]
    ax.set_yticks([*(y[first] - 1.1), *y], labels, parse_math=False, linespacing=1.0)
    for heading in ax.get_yticklabels()[: first.sum()]:
        heading.set_fontweight("bold")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(y.max(initial=0) + 0.6, -0.3)
    ax.set_xlim(*limits)
    ax.set_xticks([0, 1], [percent(0.05), percent(0.95)])
    ax.set_xlabel("quantile of the prior")
    ax.grid(axis="x", linewidth=0.4, alpha=0.5)
    return ax


def plot_k_sweep(grid: np.ndarray, curves: Mapping[int, np.ndarray], *, scale: Scale = COMPUTE, ax: Axes) -> Axes:
    """Success under 'at least k tokens right' for every k of one fitted law, from linear to sharp.

    `grid` is (point,) log10 FLOP; `curves` maps k to the median success, (point,).
    """
    shades = np.linspace(0.4, 1.0, len(curves))
    step = -(-len(curves) // 8)  # at most about eight entries in the legend
    for i, (k, success) in enumerate(sorted(curves.items())):
        named = i % step == 0 or i == len(curves) - 1
        ax.plot(grid, success, color=BLUE, alpha=shades[i], label=f"k = {k}" if named else None)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel("success")
    ax.set_xlabel(scale.axis)
    limits = padded(float(grid.min()), float(grid.max()), share=0.0)
    ax.set_xlim(*limits)
    place_ticks(ax, scale, limits, count=6)
    if curves:
        ax.legend(loc="upper left", frameon=False, title="tokens needed")
    return ax


def plot_runs(ax: Axes, observed: pd.DataFrame, colours: Mapping[str, str] | None, *, size: float = 3.0) -> None:
    """Scores of runs with their binomial errors; those that the fit has not seen are hollow diamonds.

    With `colours`, families differ by colour and marker, and a run is where it would be with the family of the curve
    (`moved_to`), and pale where it is. `size` is that of a marker in points; many are smaller.
    """
    size *= float(np.clip((60 / max(len(observed), 1)) ** 0.5, 0.6, 1.0))
    seen: dict[str, Any] = {"fmt": "o", "color": INK, "markersize": size, "label": "data of the fit"}
    hidden = seen | {"fmt": "D", "color": VERMILLION, "mfc": PAPER, "markersize": size + 0.5}
    hidden["label"] = "not seen by the fit"
    if colours is None:
        held_out = observed["held_out"].to_numpy(dtype=bool)
        _scores_with_error(ax, observed[~held_out], **seen)
        _scores_with_error(ax, observed[held_out], **hidden)
        return
    moved = observed["moved_to"].notna()
    x, score = (observed[name].to_numpy(dtype=float) for name in ("log10_compute", "score"))
    if moved.any():
        ax.plot(x[moved], score[moved], "o", color=GREY, alpha=0.35, markersize=0.8 * size, mew=0, label="as it is")
    placed = observed.assign(log10_compute=observed["moved_to"].fillna(observed["log10_compute"]))
    for family, own in placed.groupby("family", sort=False):
        held_out, style = own["held_out"].to_numpy(dtype=bool), family_style(colours, str(family))
        _scores_with_error(ax, own[~held_out], **seen | style | {"mec": INK, "mew": 0.3, "label": str(family)})
        style |= {"fmt": hidden["fmt"], "label": f"{family}, not seen"}
        _scores_with_error(ax, own[held_out], **hidden | style)


def family_style(colours: Mapping[str, str], family: str) -> dict[str, Any]:
    """Colour and marker of a family; those beyond the colours are all alike, grey dots."""
    place, colour = list(colours).index(family), colours[family]
    return {"color": colour, "fmt": "o" if colour == GREY else MARKERS[place % len(MARKERS)]}


def _scores_with_error(ax: Axes, observed: pd.DataFrame, **style: Any) -> None:
    if observed.empty:
        return
    x, score, trials = (observed[name].to_numpy(dtype=float) for name in ("log10_compute", "score", "trials"))
    lower, upper = wilson_interval(score, np.where(trials > 0, trials, np.nan))
    error = np.nan_to_num(np.stack([score - lower, upper - score]))  # no trials, no error bar
    ax.errorbar(x, score, error, elinewidth=0.9, zorder=3, **style)

"""Figure of `howmuch`: parameters and tokens that reach a score."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.axes import padded, power_ticks
from forecast.figures.style import BLUE, GREY, INK, ORANGE, VERMILLION, write_figure
from forecast.words import FAR_SIZE, reach_of

BANDS = ("q05", "q25", "q50", "q75", "q95")
DECADES_ABOVE = 2.0  # of tokens, above those of the optimal run, that the axis shows of a band without end


def plot_iso_capability(
    curve: Mapping[str, np.ndarray],
    optimal: Mapping[str, Mapping[str, float]],
    runs: pd.DataFrame,
    *,
    given: Mapping[str, float | None],
    ax: Axes,
) -> Axes:
    """Tokens that each number of parameters needs, with 50% and 90% bands, the optimal run and the runs of the table.

    Parameters
    ----------
    curve : log10_params and q05, q25, q50, q75 and q95 of log10 tokens, each (point,); infinite where none suffice
    optimal : q05, q50 and q95 of log10_params and of log10_tokens of the compute-optimal run; may be infinite
    runs : columns log10_params, log10_tokens (NaN where unknown) and reached (bool)
    given : log10 of params, tokens, unique_tokens and most_effective_tokens, drawn as lines; None: no line
    """
    known = runs[np.isfinite(runs[["log10_params", "log10_tokens"]]).all(axis=1)]
    x, limits = curve["log10_params"], _token_limits(curve, optimal, known)
    low, quarter, middle, three_quarters, high = (np.clip(curve[name], limits[0] - 1, limits[1] + 1) for name in BANDS)
    ax.fill_between(x, low, high, color=BLUE, alpha=0.18, linewidth=0, label="90% band")
    ax.fill_between(x, quarter, three_quarters, color=BLUE, alpha=0.3, linewidth=0, label="50% band")
    ax.plot(x, np.where(np.isfinite(curve["q50"]), middle, np.nan), color=BLUE, label="median")
    for reached, fill, label in ((True, INK, "runs that reached it"), (False, "white", "runs that did not")):
        own = known[known["reached"] == reached]
        ax.plot(
            own["log10_params"], own["log10_tokens"], "o", color=INK, mfc=fill, mew=0.7, markersize=3.5, label=label
        )
    _plot_optimal(optimal, ax)
    _plot_given(given, ax)
    wide = padded(*_finite_range([*x, *known["log10_params"]], otherwise=(8.0, 12.0)), share=0.02)
    ax.set_xlim(*wide)
    ax.set_ylim(*limits)
    power_ticks(ax.xaxis, wide)
    power_ticks(ax.yaxis, limits)
    ax.set_xlabel("parameters")
    ax.set_ylabel("training tokens")
    return ax


def write_howmuch(answer: Mapping[str, Any], runs: pd.DataFrame, path: Path) -> None:
    """The figure of an answer of `forecast.questions.howmuch.answer.howmuch` as a file; `runs` are its
    `measured_runs`."""
    curve, optimal = in_reach(answer)
    limited = answer["limited_data"] or {}
    given = {
        "params": (answer["fixed_params"] or {}).get("log10_params"),
        "tokens": (answer["fixed_tokens"] or {}).get("log10_tokens"),
        "unique_tokens": limited.get("log10_unique_tokens"),
        "most_effective_tokens": limited.get("log10_most_effective_tokens"),
    }

    def draw(figure: Figure) -> None:
        ax = plot_iso_capability(curve, optimal, runs, given=given, ax=figure.subplots())
        ax.set_title(f"{_on_one_line(answer['task'])} at {answer['at']:g}", fontsize="medium", loc="left")
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    write_figure(path, draw, size=(5.2, 3.6))


def in_reach(answer: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, dict[str, float]]]:
    """Curve and optimal run of an answer for `plot_iso_capability`, without sizes that no output calls by a number.

    Points of the curve with too many parameters are missing; all else that is too large is infinite.
    """
    sizes = ("log10_params", "log10_tokens")
    most = {size: reach_of(answer[f"data_{size}"], decades=FAR_SIZE).high for size in sizes}
    points = [point for point in answer["curve"] if point["log10_params"] <= most["log10_params"]]

    def near(size: str, value: float | str) -> float:
        return float(value) if float(value) <= most[size] else np.inf

    curve = {name: np.array([near("log10_tokens", point["log10_tokens"][name]) for point in points]) for name in BANDS}
    curve["log10_params"] = np.array([point["log10_params"] for point in points])
    best = answer["compute_optimal"]
    return curve, {size: {name: near(size, best[size][name]) for name in ("q05", "q50", "q95")} for size in sizes}


def _plot_optimal(optimal: Mapping[str, Mapping[str, float]], ax: Axes) -> None:
    """Median and 90% intervals of both sizes, which lie along one line; nothing where the median is infinite."""
    (x, left, right), (y, bottom, top) = (
        (optimal[size]["q50"], optimal[size]["q05"], optimal[size]["q95"]) for size in ("log10_params", "log10_tokens")
    )
    if not np.isfinite([x, y]).all():
        return
    ends = [[[x - left], [right - x]], [[y - bottom], [top - y]]]
    horizontal, vertical = (np.nan_to_num(each, posinf=99.0) for each in ends)
    ax.errorbar(
        [x], [y], xerr=horizontal, yerr=vertical, fmt="D", color=ORANGE, markersize=5, label="compute-optimal, 90%"
    )


def _plot_given(given: Mapping[str, float | None], ax: Axes) -> None:
    lines = {
        "params": (ax.axvline, VERMILLION, "-", "given parameters"),
        "tokens": (ax.axhline, VERMILLION, "--", "given tokens"),
        "unique_tokens": (ax.axhline, GREY, "-", "unique tokens"),
        "most_effective_tokens": (ax.axhline, GREY, ":", "what they are worth at most"),
    }
    for name, (line, colour, style, label) in lines.items():
        if (at := given[name]) is not None:
            line(at, color=colour, linestyle=style, linewidth=1, label=label)


def _token_limits(
    curve: Mapping[str, np.ndarray], optimal: Mapping[str, Mapping[str, float]], known: pd.DataFrame
) -> tuple[float, float]:
    tokens, best = [*curve["q05"], *known["log10_tokens"]], optimal["log10_tokens"]
    low, high = _finite_range([*tokens, best["q05"], best["q95"]], otherwise=(9.0, 13.0))
    return padded(low, min(high, best["q50"] + DECADES_ABOVE) if np.isfinite(best["q50"]) else high, share=0.04)


def _finite_range(values: list[float], *, otherwise: tuple[float, float]) -> tuple[float, float]:
    finite = [value for value in values if np.isfinite(value)]
    return (min(finite), max(finite)) if finite else otherwise


def _on_one_line(name: str) -> str:
    return "".join(c if c.isprintable() else " " for c in name)

"""Figure of `gain`: a forest of factors of compute, overall and task by task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast.figures.style import BLUE, GREY, ORANGE, name_label, write_figure
from forecast.figures.threshold import plot_interval
from forecast.questions.gain.answer import lines_of
from forecast.words import percent

FARTHEST = 4.0  # decades, or as many years, that the axis goes from no gain
STEPS = (1.0, 2.0, 5.0)  # of a decade, where it is short


def plot_gain(lines: Sequence[tuple[str, Mapping[str, Any]]], *, overall: int, ax: Axes) -> Axes:
    """Median, 50% and 90% interval of each gain, first on top, and P(gain > 1) at the right; no gain is dotted.

    Parameters
    ----------
    lines : names and gains, of `forecast.questions.gain.answer.lines_of`
    overall : how many of them are not of one task
    """
    dated = lines[0][1]["gain"] is None
    rows = [_places(line, dated) for _, line in lines]
    most = FARTHEST * (12.0 if dated else 1.0)
    ends = np.clip([0.0, *(row[name] for row in rows for name in ("q05", "q95"))], -most, most)
    pad = 0.05 * max(float(np.ptp(ends)), 0.1)
    limits = float(ends.min()) - pad, float(ends.max()) + pad
    ax.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0)
    for place, (row, (_, line)) in enumerate(zip(rows, lines, strict=True)):
        plot_interval(ax, place, row, limits, colour=ORANGE if place < overall else BLUE, width=5.0)
        ax.text(limits[1] + pad, place, percent(line["p_ahead"]), va="center", fontsize="small")
    ax.text(limits[1] + pad, -0.9, "P(ahead)" if dated else "P(gain > 1)", va="center", fontsize="small", color=GREY)
    ax.set_yticks(range(len(lines)), [name_label(name, width=34) for name, _ in lines], parse_math=False)
    ax.set_ylim(len(lines) - 0.4, -1.3)
    ax.set_xlim(*limits)
    if not dated:
        ticks = _ticks(limits)
        ax.set_xticks(np.log10(ticks), [f"{tick:g}" for tick in ticks])
    ax.set_xlabel(f"{'months ahead' if dated else 'gain, times the compute'}; median, 50% and 90% interval")
    return ax


def _places(line: Mapping[str, Any], dated: bool) -> dict[str, float]:
    """Quantiles as places on the axis: log10 of factors, or months."""
    with np.errstate(divide="ignore"):
        found = line["months_ahead"] if dated else line["gain"]
        return {name: float(value) if dated else float(np.log10(float(value))) for name, value in found.items()}


def _ticks(limits: tuple[float, float]) -> list[float]:
    """Round factors within the axis, three to a decade where it is short."""
    steps = STEPS if limits[1] - limits[0] < 3.0 else STEPS[:1]
    exponents = range(int(np.floor(limits[0])), int(np.ceil(limits[1])) + 1)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    return [tick for tick in ticks if limits[0] <= np.log10(tick) <= limits[1]]


def write_gain(answer: Mapping[str, Any], path: Path) -> None:
    """The figure of an answer of `forecast.questions.gain.answer.gain` as a file."""
    lines = lines_of(answer)
    other = "the typical recipe" if answer["against"] is None else name_label(answer["against"], width=40)

    def draw(figure: Figure) -> None:
        ax = plot_gain(lines, overall=sum("family_runs" not in line for _, line in lines), ax=figure.subplots())
        ax.set_title(f"{name_label(answer['family'], width=40)} against {other}", loc="left", parse_math=False)

    write_figure(path, draw, size=(6.4, 1.2 + 0.26 * len(lines)))

"""Axes of compute (log10 FLOP), dates (places of `models.dates`) and scores, and above them known runs and years."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from matplotlib.transforms import ScaledTranslation, Transform

from forecast.figures.style import GREY, INK, printable
from forecast.scales import Scale
from forecast.words import minutes_of, scientific
from models.dates import iso_date, log10_compute_of_year, year_of, years

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
QUARTER = 0.25  # of a year, the finest tick
WELL_KNOWN = ("GPT-3", "GPT-4", "PaLM", "AlexNet", "Grok-3", "GNMT", "T5-11B", "VGG16", "Megatron-Turing NLG")
"""Runs that readers know, the best known first; of all others the largest are named first."""
EM, SMALL = 0.62, 7.0  # width of a character in sizes of its font, wide for most fonts; size of small text in points
ROW = 19.0  # points from one row above the axes to the next
CELL = 1.29  # width of the cell of a grid in those of its axes before their layout
LEGEND = 34.0  # points from the axes down to the legend
QUANTITIES = {"loss": "loss (nats)", "horizon": "time horizon"}  # of an axis of scores that are no rates
TIMES = ("1 s", "10 s", "1 min", "10 min", "1 h", "8 h", "40 h", "167 h", "2000 h")
NARROW = 280.0  # points; an axis below has fewer ticks and no captions beside it


def place_ticks(ax: Axes, scale: Scale, limits: tuple[float, float], *, count: int = 5) -> None:
    """Ticks of the x axis at round places of a scale within `limits`, at most about `count`: powers of ten or dates."""
    if scale.dated:
        date_ticks(ax, limits, count=count)
    else:
        power_ticks(ax.xaxis, limits, count=count)


def power_ticks(axis: Axis, limits: tuple[float, float], *, count: int = 5) -> None:
    """Ticks of an axis of log10 at round places within `limits`, at most about `count`, labelled as powers of ten."""
    whole = limits[1] - limits[0] >= 1.5
    locator = MaxNLocator(nbins=count if whole else 2, integer=whole, steps=[1, 2, 5, 10])
    ticks = [t for t in locator.tick_values(*limits) if limits[0] <= t <= limits[1]]
    axis.set_ticks(ticks, [power_text(t) for t in ticks])


def power_text(log10_value: float) -> str:
    """A power of ten as '3.1×10²³'."""
    mantissa, exponent = scientific(log10_value)
    power = "10" + str(exponent).translate(_SUPERSCRIPT)
    return power if mantissa == "1.0" else f"{mantissa}×{power}"


def date_ticks(ax: Axes, limits: tuple[float, float], *, count: int = 5) -> None:
    """Ticks of the x axis at new years, or where these are too few at quarters, at most about `count`."""
    first, last = (float(year_of(end)) for end in limits)
    whole = last - first >= 2.0
    unit = 1.0 if whole else QUARTER
    locator = MaxNLocator(nbins=count, integer=True, steps=[1, 2, 5, 10])
    found = unit * np.asarray(locator.tick_values(first / unit, last / unit))
    shown = [float(year) for year in found if first <= year <= last]
    labels = [f"{year:.0f}" if whole else iso_date(year + 0.01)[:7] for year in shown]
    ax.set_xticks([log10_compute_of_year(year) for year in shown], labels)


def score_limits(values: Iterable[float]) -> tuple[float, float]:
    """The unit interval for rates; for losses the range of the finite values."""
    finite = np.asarray([v for v in values if np.isfinite(v)])
    if finite.size == 0 or (finite.min() >= 0 and finite.max() <= 1):
        return -0.03, 1.03
    return padded(float(finite.min()), float(finite.max()), share=0.05)


def on_axis(score: Any, metric: str) -> Any:
    """A score, or several, as a place on its axis: of a horizon log10 minutes."""
    return np.log10(score) if metric == "horizon" else score


def time_ticks(axis: Axis, limits: tuple[float, float], *, count: int = len(TIMES)) -> None:
    """Ticks of an axis of log10 minutes at lengths of time that readers know, at most so many."""
    shown = {text: at for text in TIMES if limits[0] <= (at := float(np.log10(minutes_of(text)))) <= limits[1]}
    shown = dict(list(shown.items())[:: -(-len(shown) // count) or 1])
    axis.set_ticks(list(shown.values()), list(shown))


def place_scores(ax: Axes, values: Iterable[float], *, metric: str = "") -> tuple[float, float]:
    """Limits of a y axis that holds the values, and its ticks in percent where they are rates; the limits."""
    if metric == "horizon":
        finite = [value for value in values if np.isfinite(value)]
        limits = padded(min(finite), max(finite), share=0.05)
        time_ticks(ax.yaxis, limits)
    elif (limits := score_limits(values)) == score_limits([]):
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    else:
        ax.yaxis.set_major_locator(MaxNLocator(nbins=5))
        ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.set_ylim(*limits)
    return limits


def padded(lower: float, upper: float, *, share: float) -> tuple[float, float]:
    """Range widened by a share of itself; a range of no width becomes one unit wide."""
    pad = share * (upper - lower) if upper > lower else 0.5
    return lower - pad, upper + pad


def width_in_points(ax: Axes) -> float:
    """Width of an Axes before its layout, which may make it a little wider."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return float(ax.get_window_extent().width) * 72 / figure.dpi


def landmarks(
    limits: tuple[float, float], runs: pd.DataFrame, *, characters: float = 90, most: int = 6
) -> list[tuple[str, float]]:
    """Names and log10 FLOP of known runs on an axis, from left to right, chosen so that no two names overlap.

    Parameters
    ----------
    limits : log10 FLOP, the ends of the axis, within which whole names stay
    runs : model, compute and, where '(est.)' is added, speculative; of `forecast.table.training_runs.read_runs`
    characters : that fit side by side along the axis
    most : names at most
    """
    a_character, chosen = (limits[1] - limits[0]) / characters, list[tuple[str, float]]()
    speculative = runs["speculative"] if "speculative" in runs else np.zeros(len(runs), dtype=bool)
    found = [
        (fame(name), -float(np.log10(compute)), printable(name) + (" (est.)" if guess else ""))
        for name, compute, guess in zip(runs["model"], runs["compute"], speculative, strict=True)
    ]
    for _, minus, name in sorted(found):
        half, room = _half(name, a_character), min(-minus - limits[0], limits[1] + minus)
        apart = all(abs(place + minus) > half + _half(other, a_character) for other, place in chosen)
        if half <= room and apart and len(chosen) < most:
            chosen.append((name, -minus))
    return sorted(chosen, key=lambda each: each[1])


def fame(name: str) -> int:
    """Place of a run among those that readers know, 0 for the best known."""
    ranks = [i for i, known in enumerate(WELL_KNOWN) if name == known or name.startswith(f"{known} ")]
    return min(ranks, default=len(WELL_KNOWN))


def _half(name: str, a_character: float) -> float:
    return (len(name) / 2 + 0.75) * a_character


def largest_by_year(runs: pd.DataFrame, expected: Sequence[Mapping[str, Any]] = ()) -> dict[int, float]:
    """Log10 FLOP of the largest run by the first of January of each year, known or expected; the median of the latter.

    `runs` has model, date and compute; `expected` is `largest_run` of a scenario of `forecast when`: date and
    log10_compute with q50. Between its dates the growth is even.
    """
    year, largest = years(runs["date"].to_numpy()), np.log10(runs["compute"].to_numpy(dtype=float))
    if not len(runs):
        return {}
    known = {
        at: float(largest[year <= at].max()) for at in range(int(np.ceil(year.min())), int(np.floor(year.max())) + 1)
    }
    dates = [float(year.max()), *(float(each["date"][:4]) for each in expected)]
    places = [float(largest.max()), *(float(each["log10_compute"]["q50"]) for each in expected)]
    future = range(int(dates[0]) + 1, int(dates[-1]) + 1)
    return known | {at: float(np.interp(at, dates, places)) for at in future}


def years_that_fit(
    limits: tuple[float, float], by_year: Mapping[int, float], *, characters: float = 90
) -> list[tuple[str, float]]:
    """Years on an axis at even steps and their places, so that no two overlap; the first where several are at one."""
    a_character = (limits[1] - limits[0]) / characters
    places = {year: place for year, place in sorted(by_year.items()) if limits[0] <= place <= limits[1]}
    first = [year for year in places if places[year] > places.get(year - 1, -np.inf)]
    for step in (1, 2, 5, 10):
        shown = [year for year in first if year % step == 0]
        if np.diff([places[year] for year in shown]).min(initial=np.inf) > 6 * a_character:
            return [(str(year), places[year]) for year in shown]
    return []


def known_runs_above(
    ax: Axes,
    limits: tuple[float, float],
    runs: pd.DataFrame | None,
    by_year: Mapping[int, float] | None = None,
    *,
    width: float | None = None,
) -> None:
    """Names of known runs above an axis of compute and, above them, the years by which the largest run has it.

    The limits of the axis are `limits` already; `width` is that of the axes in points, None: as they are before layout.
    """
    points = width_in_points(ax) if width is None else width
    characters = points / (EM * SMALL)
    rows = []
    if runs is not None and (names := landmarks(limits, runs, characters=characters)):
        rows.append(("known runs", names))
    if by_year and (shown := years_that_fit(limits, by_year, characters=characters)):
        rows.append(("largest run by", shown))
    wide = points >= NARROW
    for row, (caption, places) in enumerate(rows):
        _row_above(ax, row, caption if wide or row else "", places, beside=wide)


def _row_above(ax: Axes, row: int, caption: str, places: Sequence[tuple[str, float]], *, beside: bool) -> None:
    """A line with ticks and names, the lowest on top of the axes; its caption beside it or above it."""
    colour = INK if row == 0 else GREY
    line: dict[str, Any] = {"transform": _raised(ax, ROW * row), "color": GREY, "linewidth": 0.6, "clip_on": False}
    ax.add_artist(Line2D(ax.get_xlim(), [1, 1], **line))
    x = [place for _, place in places]
    ax.add_artist(Line2D(x, np.ones(len(x)), marker=2, markersize=3, markeredgewidth=0.6, **line | {"ls": "none"}))
    words: dict[str, Any] = {"transform": _raised(ax, ROW * row + 5), "va": "bottom", "fontsize": SMALL}
    for name, place in places:
        ax.text(place, 1, name, ha="center", color=colour, **words)
    left, right = ax.get_xlim()
    if beside:
        ax.text(left - 0.012 * (right - left), 1, caption, ha="right", color=GREY, **words)
    elif caption:
        ax.text(left, 1, caption, color=GREY, **words | {"transform": _raised(ax, ROW * row + 15)})


def _raised(ax: Axes, points: float) -> Transform:
    """Compute across and shares of the axes upwards, so many points higher."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return ax.get_xaxis_transform() + ScaledTranslation(0, points / 72, figure.dpi_scale_trans)


def legend_below(ax: Axes, handles: Sequence[Any], *, left: float = 0.0) -> None:
    """A legend below the label of the axis, in as many columns as fit, from so many points left of the axes on."""
    columns = columns_that_fit(handles, width_in_points(ax) * CELL - max(55 - left, 10))
    figure = ax.get_figure(root=True)
    assert figure is not None
    down = ScaledTranslation(-left / 72, -LEGEND / 72, figure.dpi_scale_trans)
    where: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": ax.transAxes + down}
    where |= {"fontsize": 7.5, "borderaxespad": 0, "borderpad": 0}
    options: dict[str, Any] = {"handletextpad": 0.5, "columnspacing": 1.3}
    ax.legend(handles=handles, ncols=columns, **where, **options)


def columns_that_fit(handles: Sequence[Any], room: float) -> int:
    """The most columns of a legend, filled one after the other, that are not wider than the room in points together."""
    widths = [4.3 * len(str(handle.get_label())) + 30 for handle in handles]
    for lines in range(1, len(widths)):
        columns = -(-len(widths) // lines)
        if sum(own.max() for own in np.array_split(widths, columns)) <= room:  # as Matplotlib fills them
            return columns
    return 1

"""Style of figures: colours, ticks, ranges of axes and names; and a figure as a file.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast.files import check_figure, write_whole
from forecast.scales import Scale
from forecast.words import scientific
from models.dates import iso_date, log10_compute_of_year, year_of

INK, GREY, BLUE, ORANGE, VERMILLION = "#222222", "#767676", "#0072B2", "#E69F00", "#D55E00"
GREEN, PURPLE, SKY = "#009E73", "#CC79A7", "#56B4E9"  # where several methods are told apart
FAMILIES = (VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK, "#F0E442")  # Okabe and Ito without the blue of curves
STYLE: Mapping[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.4,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
"""Matplotlib settings of the report's figures, for `matplotlib.rc_context`."""
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def family_colours(families: Iterable[str]) -> dict[str, str]:
    """A colour for each family, those with the most rows first; grey for all beyond the seventh."""
    counts = Counter(families)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return {name: FAMILIES[place] if place < len(FAMILIES) else GREY for place, name in enumerate(names)}


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
    axis.set_ticks(ticks, [_power_tick(t) for t in ticks])


def _power_tick(log10_value: float) -> str:
    mantissa, exponent = scientific(log10_value)
    power = "10" + str(exponent).translate(_SUPERSCRIPT)
    return power if mantissa == "1.0" else f"{mantissa}×{power}"


def score_limits(values: Iterable[float]) -> tuple[float, float]:
    """The unit interval for rates; for losses the range of the finite values."""
    finite = np.asarray([v for v in values if np.isfinite(v)])
    if finite.size == 0 or (finite.min() >= 0 and finite.max() <= 1):
        return -0.03, 1.03
    return padded(float(finite.min()), float(finite.max()), share=0.05)


def padded(lower: float, upper: float, *, share: float) -> tuple[float, float]:
    """Range widened by a share of itself; a range of no width becomes one unit wide."""
    pad = share * (upper - lower) if upper > lower else 0.5
    return lower - pad, upper + pad


def name_label(name: str, *, width: int = 24) -> str:
    """Name on at most two lines, unprintable characters as spaces; a longer one loses its middle.

    Names of tasks often differ at the end only, so that the end must stay.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    keep = width - 2
    short = line if len(line) <= 2 * keep else f"{line[:keep]}… {line[-keep:]}"
    return "\n".join(textwrap.wrap(short, width, break_on_hyphens=False))


DOTS_AN_INCH = 200


def write_figure(path: Path, draw: Callable[[Figure], object], *, size: tuple[float, float]) -> None:
    """Write what `draw` puts on a figure of `size` inches; the suffix of the path says which kind of file."""
    check_figure(path)
    style: Any = dict(STYLE) | {"svg.hashsalt": path.name}  # with the date left out, the same figure is the same file
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        kind = path.suffix.lower().removeprefix(".")
        options: Any = {"metadata": {"Date": None}} if kind == "svg" else {}
        write_whole(path, lambda temporary: figure.savefig(temporary, format=kind, dpi=DOTS_AN_INCH, **options))


QUARTER = 0.25  # of a year, the finest tick


def date_ticks(ax: Axes, limits: tuple[float, float], *, count: int = 5) -> None:
    """Ticks of the x axis at new years, or where these are too few at quarters, at most about `count`."""
    first, last = (float(year_of(end)) for end in limits)
    whole = last - first >= 2.0
    unit = 1.0 if whole else QUARTER
    locator = MaxNLocator(nbins=count, integer=True, steps=[1, 2, 5, 10])
    years = unit * np.asarray(locator.tick_values(first / unit, last / unit))
    shown = [float(year) for year in years if first <= year <= last]
    labels = [f"{year:.0f}" if whole else iso_date(year + 0.01)[:7] for year in shown]
    ax.set_xticks([log10_compute_of_year(year) for year in shown], labels)

"""Drawings of the report: each is a figure that becomes inline SVG in a page, or a file, when it is asked for."""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from forecast.figures.axes import QUANTITIES
from forecast.figures.curve import plot_curve, plot_k_sweep, plot_prior_posterior
from forecast.figures.evidence.record import plot_outcomes, plot_track_record
from forecast.figures.evidence.sensitivity import plot_sensitivity
from forecast.figures.forest import forest_height, plot_forest
from forecast.figures.headline import headline_height, plot_headline
from forecast.figures.style import PALETTE, STYLE, one_line
from forecast.figures.threshold import plot_threshold_cumulative, plot_threshold_density
from forecast.posterior.views.curve import TaskForecast
from forecast.scales import COMPUTE, Scale

TRACK = 5.2  # inches
TAG = 0.09  # inches at the sides, for the frame of the tag, which is not in the layout
WIDE, NARROW = 7.0, 3.4  # inches: a figure for a page 700 px wide, and for one of 340 px, in letters of one size
VARIABLES = {light.lower(): name for name, (light, _) in PALETTE.items()}


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure not drawn yet: a template that shows it gets inline SVG, `write_figures` files."""

    draw: Callable[[Figure], object]
    size: tuple[float, float]  # inches
    key: str  # keeps the ids of figures in one page apart
    layout: Any = None
    kept: str = ""  # figures of one kind and size share their axes, which take longer to make than what they show

    def __html__(self) -> str:
        return inline_svg(self.draw, size=self.size, key=self.key, layout=self.layout, kept=self.kept)

    __str__ = __html__


@lru_cache(maxsize=8)
def _kept_figure(kind: str, size: tuple[float, float]) -> Figure:
    return Figure(figsize=size)


def panels(figure: Figure, rows: int = 1, **margins: float) -> list[Axes]:
    """Axes one below the other, within the margins; those that a kept figure has already, with nothing on them."""
    if not figure.axes:
        figure.subplots(rows, 1)
        figure.subplots_adjust(**margins)
    for ax in figure.axes:
        for artist in (*ax.lines, *ax.collections, *ax.patches, *ax.texts):
            artist.remove()
        ax.containers.clear()
    return figure.axes


def headline_figure(task: TaskForecast, *, width: float = WIDE, title: str = "", key: str, **options: Any) -> Drawing:
    """The curve of the headline task, `WIDE` or `NARROW`; see `forecast.figures.headline.plot_headline`."""

    def draw(figure: Figure) -> None:
        plot_headline(task, **options, ax=figure.subplots())
        if title:
            figure.suptitle(one_line(title, width=round(13 * width)), x=0.01, ha="left", fontsize=9)

    size = width, headline_height(task, width, options.get("colours")) + (0.2 if title else 0.0)
    return Drawing(draw=draw, size=size, key=f"headline-{key}", layout=ConstrainedLayoutEngine(w_pad=TAG))


def forest_figure(
    rows: pd.DataFrame, *, scale: Scale = COMPUTE, runs: pd.DataFrame | None = None, width: float = WIDE, key: str
) -> Drawing:
    """Thresholds of all tasks, a row each; see `forecast.figures.forest.plot_forest`."""

    def draw(figure: Figure) -> None:
        plot_forest(rows, scale=scale, runs=runs, ax=figure.subplots())

    size = width, forest_height(len(rows), width)
    return Drawing(draw=draw, size=size, key=f"forest-{key}", layout="constrained")


def track_record_figure(
    methods: Sequence[Mapping[str, Any]] | pd.DataFrame, *, width: float = 5.2, key: str
) -> Drawing:
    """CRPS and coverage beside those of baselines; see `forecast.figures.evidence.record.plot_track_record`."""

    def draw(figure: Figure) -> None:
        plot_track_record(methods, ax=figure.subplots())

    return Drawing(draw=draw, size=(width, 0.65 + 0.21 * len(methods)), key=f"track-{key}", layout="constrained")


def threshold_figure(
    log10_compute_draws: np.ndarray,
    *,
    limits: tuple[float, float],
    quantiles: Mapping[str, Any],
    data_max: float,
    scale: Scale,
    key: str,
) -> Drawing:
    """Density of threshold compute above the probability that it is crossed; see `forecast.figures.threshold`."""
    options: dict[str, Any] = {"limits": limits, "quantiles": quantiles, "data_max": data_max, "scale": scale}

    def draw(figure: Figure) -> None:
        upper, lower = panels(figure, 2, left=0.15, right=0.99, top=0.98, bottom=0.14, hspace=0.28)
        plot_threshold_density(log10_compute_draws, **options, ax=upper)
        plot_threshold_cumulative(log10_compute_draws, **options, ax=lower)
        lower.set_xlabel(scale.threshold_axis)

    return Drawing(draw=draw, size=(3.5, 2.9), key=f"threshold-{key}", kept="threshold")


def curve_figure(
    grid: np.ndarray,
    curve: Mapping[str, np.ndarray],
    observed: pd.DataFrame,
    *,
    at: float,
    data_max: float,
    metric: str,
    scale: Scale,
    colours: Mapping[str, str] | None,
    human: float | None = None,
    key: str,
) -> Drawing:
    """Fitted curve of a task with its data; see `forecast.figures.curve.plot_curve`."""

    def draw(figure: Figure) -> None:
        (ax,) = panels(figure, left=0.13, right=0.97, top=0.98, bottom=0.19)
        options: dict[str, Any] = {"at": at, "data_max": data_max, "scale": scale, "colours": colours, "human": human}
        plot_curve(grid, curve, observed, metric=metric, **options, ax=ax)
        ax.set_ylabel(QUANTITIES.get(metric, "score"))

    return Drawing(draw=draw, size=(3.5, 2.2), key=f"curve-{key}", kept="curve")


def outcomes_figure(outcomes: pd.DataFrame, *, metric: str = "", key: str) -> Drawing:
    """Held-out outcomes beside their intervals, a row each; see `forecast.figures.evidence.record.plot_outcomes`."""

    def draw(figure: Figure) -> None:
        plot_outcomes(outcomes, metric=metric, ax=figure.subplots())

    return Drawing(draw=draw, size=(4.0, 0.7 + 0.3 * len(outcomes)), key=f"outcomes-{key}", layout="constrained")


def k_sweep_figure(grid: np.ndarray, curves: Mapping[int, np.ndarray], *, scale: Scale, key: str) -> Drawing:
    """Success for every k; see `forecast.figures.curve.plot_k_sweep`."""

    def draw(figure: Figure) -> None:
        plot_k_sweep(grid, curves, scale=scale, ax=figure.subplots())

    return Drawing(draw=draw, size=(4.0, 2.6), key=f"k-{key}", layout="constrained")


def contraction_figure(rows: pd.DataFrame, *, key: str) -> Drawing:
    """Posterior intervals on prior intervals, a row each; see `forecast.figures.curve.plot_prior_posterior`."""

    def draw(figure: Figure) -> None:
        plot_prior_posterior(rows, ax=figure.subplots())

    lines = len(rows) + 1.35 * rows["group"].nunique()
    return Drawing(draw=draw, size=(3.5, 0.6 + 0.24 * lines), key=f"moved-{key}", layout="constrained")


def sensitivity_figure(
    rows: Sequence[Mapping[str, Any]], *, scale: Scale = COMPUTE, width: float = WIDE, key: str
) -> Drawing:
    """What a threshold owes to each prior; see `forecast.figures.evidence.sensitivity.plot_sensitivity`."""

    def draw(figure: Figure) -> None:
        plot_sensitivity(rows, scale=scale, ax=figure.subplots())

    return Drawing(draw=draw, size=(width, 1.1 + 0.27 * len(rows)), key=f"sensitivity-{key}", layout="constrained")


def threshold_limits(
    data_log10_compute: Sequence[Sequence[float]], log10_compute_draws: Sequence[np.ndarray]
) -> tuple[float, float]:
    """One axis for all tasks of a section: the data and the bulk of the draws, at most ten decades beyond the data.

    For each task (smallest, largest) log10 FLOP of the data, and the draws of the threshold, (draw,).
    """
    ranges = np.array(data_log10_compute, dtype=float)
    lower, upper = float(ranges.min()), float(ranges.max())
    draws = np.concatenate(log10_compute_draws)
    finite = draws[np.isfinite(draws)]
    first, last = np.quantile(finite, [0.005, 0.97]) if finite.size else (lower, upper)
    return max(min(lower, first), lower - 5), min(max(upper + 1, last), upper + 10)


def inline_svg(
    draw: Callable[[Figure], object], *, size: tuple[float, float], key: str, layout: Any = None, kept: str = ""
) -> Markup:
    """Inline SVG of what `draw` puts on a figure of `size` inches, in CSS variables of the house colours.

    `key` keeps the ids of figures in one page apart. Figures of one kind `kept` reuse their axes, see `panels`.
    """
    # Text stays text (searchable, small) and is laid out by the browser in its own font.
    style: Any = {**STYLE, "svg.fonttype": "none", "svg.hashsalt": key}
    file = io.StringIO()
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # The browser has the glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = _kept_figure(kept, size) if kept else Figure(figsize=size, layout=layout)
        draw(figure)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    svg = file.getvalue()
    # Inside HTML: no XML prologue, no ids shared between figures, size left to the style sheet.
    svg = re.sub(r'<g id="[^"]*"(/?)>', r"<g\1>", svg[svg.index("<svg") :])
    svg = re.sub(r' width="\S+" height="\S+"', "", svg, count=1)
    # matplotlib has escaped every text in this string; see the tests.
    return Markup(re.sub(r"<[^>]*>", _for_pages, svg))


def _for_pages(tag: re.Match[str]) -> str:
    """A tag with the house colours as CSS variables, so that a dark page may set others, and with short numbers.

    Texts are left alone: they have no brackets.
    """
    return re.sub(r"(fill|stroke): (#[0-9a-f]{6})\b", _variable, re.sub(r"(\.\d\d)\d+", r"\1", tag[0]))


def _variable(found: re.Match[str]) -> str:
    name = VARIABLES.get(found[2])
    return f"{found[1]}: var(--{name}, {found[2]})" if name else found[0]

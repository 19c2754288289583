"""Figure of `when`: intervals of every event under every scenario, on one axis of years."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from forecast.figures.style import BLUE, GREEN, GREY, INK, PURPLE, VERMILLION, name_label, write_figure
from forecast.questions.when.scenarios import with_equal_dates
from forecast.words import percent, spoken_score
from models.dates import years

COLOURS = {"typical": BLUE, "new run": GREEN, "first": VERMILLION, "best so far": PURPLE}
FARTHEST_AHEAD = 15.0  # years on the axis after today; what comes later, or never, ends in an arrow


def plot_dates(answer: Mapping[str, Any], *, ax: Axes) -> Axes:
    """Median, 50% and 90% interval of the date of each event, scenario by scenario, first on top.

    `answer` is that of `forecast.questions.when.answer.when`. Ends beyond the axis are arrows; P(never) stands at the
    right.
    """
    today, row = _year(answer["as_of"]), 0
    found = [each for of in answer["scenarios"] for event in of["events"].values() for each in event["date"].values()]
    left = min([today, *(year for date in found if np.isfinite(year := _year(date)))]) - 1.0
    right = today + FARTHEST_AHEAD
    places, names = [], []
    for group in with_equal_dates(answer["scenarios"]):
        places.append(row)
        names.append("\n".join(name_label(scenario["name"]) for scenario in group))
        for event, of in group[0]["events"].items():
            _interval(ax, row, {name: _year(date) for name, date in of["date"].items()}, (left, right), COLOURS[event])
            ax.text(right + 0.4, row, percent(of["p_never"]), va="center", fontsize="small", color=COLOURS[event])
            row += 1
        row += 1
    for event in next(iter(answer["scenarios"]))["events"]:
        colour = COLOURS[event]
        label = f"first of {answer['first_of']} runs" if event == "first" else event
        ax.plot([], [], "o-", color=colour, markersize=4, label=label)
    ax.axvline(today, color=GREY, linestyle=":", linewidth=0.9, label=f"as of {answer['as_of']}")
    ax.text(right + 0.4, -0.9, "never", va="center", fontsize="small", color=INK)
    ax.set_yticks(np.array(places) + 1, names, parse_math=False)
    ax.set_ylim(row - 0.6, -1.4)
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    ax.set_xlabel("date of release; median, 50% and 90% interval")
    return ax


def _interval(ax: Axes, row: int, q: Mapping[str, float], limits: tuple[float, float], colour: str) -> None:
    inside = {name: float(np.clip(value, *limits)) for name, value in q.items()}
    ax.hlines(row, inside["q05"], inside["q95"], color=colour, alpha=0.35, linewidth=2)
    ax.hlines(row, inside["q25"], inside["q75"], color=colour, linewidth=4)
    if q["q95"] > limits[1]:
        ax.plot(limits[1], row, ">", color=colour, markersize=4, clip_on=False)
    if limits[0] <= q["q50"] <= limits[1]:
        ax.plot(q["q50"], row, "o", color=colour, mfc="white", markersize=5)


def _year(date: str) -> float:
    """Decimal year of an ISO date, or of what stands for one."""
    if date in ("inf", "-inf"):
        return float(date)
    if date.startswith(("after", "before")):
        return np.inf if date.startswith("after") else -np.inf
    return float(years(np.datetime64(date)))


def _title(answer: Mapping[str, Any]) -> str:
    title = f"{name_label(answer['task'], width=60)} at {spoken_score(answer['at'], answer['metric'])}"
    if answer["family"] is not None:
        return f"{title}\nfamily {name_label(answer['family'], width=60)}"
    return title if answer["families"] == 1 else f"{title}\ntypical of {answer['families']} families"


def write_dates(answer: Mapping[str, Any], path: Path) -> None:
    """The figure of an answer of `forecast.questions.when.answer.when` as a file."""

    def draw(figure: Figure) -> None:
        ax = plot_dates(answer, ax=figure.subplots())
        ax.set_title(_title(answer), loc="left", parse_math=False)
        if said := (answer["frontier"] or {}).get("sentence"):
            ax.set_xlabel(f"{ax.get_xlabel()}\n{fill(said, 100)}", parse_math=False)
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)

    lines = sum(len(group[0]["events"]) + 1 for group in with_equal_dates(answer["scenarios"]))
    write_figure(path, draw, size=(6.4, 0.9 + 0.24 * lines))

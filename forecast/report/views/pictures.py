"""Pictures of a report and what stands beside them: the headline, the forest, and a curve for each task."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.figures.axes import largest_by_year
from forecast.figures.forest import forest_rows
from forecast.figures.style import GREY, family_colours
from forecast.figures.svg import NARROW, WIDE, Drawing, curve_figure, forest_figure, headline_figure, k_sweep_figure
from forecast.posterior.reached import family_in_words
from forecast.posterior.views.curve import TaskForecast
from forecast.report.sections import KSweep, Report, Section
from forecast.report.views.headline import everyday
from forecast.report.views.tasks import events, legend, moved, row
from forecast.scales import Scale
from forecast.table.training_runs import read_runs

MAX_PANELS = 200
"""Tasks drawn; the table holds them all."""
MAX_ROWS = 200
"""Thresholds drawn in the forest; the table holds them all."""


def known_runs(scale: Scale) -> pd.DataFrame:
    """Training runs that a reader knows, with their compute; none where dates are the scale."""
    runs = read_runs()
    return runs.iloc[:0] if scale.dated else runs


def known_places(scale: Scale) -> list[tuple[str, float]]:
    """Names and log10 FLOP of those runs."""
    runs = known_runs(scale)
    return list(zip(runs["model"], np.log10(runs["compute"].to_numpy(dtype=float)), strict=True))


def headline_view(
    task: TaskForecast, scale: Scale, *, dates: Sequence[Mapping[str, Any]] = (), key: str
) -> dict[str, Any]:
    """The headline as a picture for a screen and one for a phone, a sentence, and the numbers of its row."""
    runs = known_runs(scale)
    expected = dates[0]["scenarios"][0].get("largest_run", ()) if dates else ()
    years = largest_by_year(runs, expected) if dates and not scale.dated else None
    options: dict[str, Any] = {"scale": scale, "runs": runs, "by_year": years}
    drawn = [headline_figure(task, width=width, key=f"{key}-{width:g}", **options) for width in (WIDE, NARROW)]
    held_out = bool(task.observed["held_out"].any())
    return row(task) | {"figures": drawn, "sentence": everyday(task, runs), "held_out": held_out}


def figures_view(section: Section, scale: Scale) -> dict[str, Any]:
    """Figures of each task of the first fit, and what their legends need."""
    once = list({task.task: task for task in reversed(section.tasks)}.values())[::-1]
    drawn = once[:MAX_PANELS]
    families = [str(name) for task in drawn if moved(task) for name in task.observed["family"]]
    colours = family_colours(families) if families else None
    in_forest = section.tasks[:MAX_ROWS]
    return {
        "tasks": len(once),
        "data_max": sorted({float(task.threshold["data_log10_compute"][1]) for task in section.tasks}),
        "events": events(section.tasks),
        "in_forest": len(in_forest),
        "forest": _forest(in_forest, scale),
        "panels": [_panel(task, scale, colours=colours, key=f"1-{i}") for i, task in enumerate(drawn)],
        "families": legend(colours or {}, grey=GREY),
        "recipe": family_in_words(section.tasks[0].threshold) if section.tasks else "",
        "held_out": any(task.observed["held_out"].any() for task in drawn),
        "k_sweep": section.k_sweep and _k_sweep(section.k_sweep, scale, key="1"),
    }


def _forest(tasks: Sequence[TaskForecast], scale: Scale) -> list[Drawing]:
    """The forest for a screen and for a phone."""
    rows, runs = forest_rows(tasks), known_runs(scale)
    return [forest_figure(rows, scale=scale, runs=runs, width=width, key=f"1-{width:g}") for width in (WIDE, NARROW)]


def _panel(task: TaskForecast, scale: Scale, *, colours: Mapping[str, str] | None, key: str) -> dict[str, Any]:
    options: dict[str, Any] = {"data_max": float(task.threshold["data_log10_compute"][1]), "scale": scale, "key": key}
    of_curve: dict[str, Any] = {"at": task.at, "metric": task.metric, "colours": colours if moved(task) else None}
    of_curve["human"] = task.human
    return row(task) | {"curve": curve_figure(task.grid, task.curve, task.observed, **of_curve, **options)}


def _k_sweep(sweep: KSweep, scale: Scale, *, key: str) -> dict[str, Any]:
    figure = k_sweep_figure(sweep.grid, sweep.curves, scale=scale, key=key)
    return {"task": sweep.task, "length": sweep.length, "figure": figure}


def drawings_of(report: Report) -> list[tuple[str, Drawing]]:
    """Every figure of a report by name, the headline first: that, the forest, the track record, a curve for each task.

    Of a further fit its headline alone.
    """
    scale, drawn = report.scale, list[tuple[str, Drawing]]()
    for place, section in enumerate(report.sections, start=1):
        if (task := report.headline(section)) is None:
            continue
        shown = headline_view(task, scale, dates=report.dates if place == 1 else (), key=f"file-{place}")
        drawn.append(("headline" if place == 1 else f"headline-{place}", shown["figures"][0]))
        if place == 1:
            drawn.append(("forest", _forest(section.tasks, scale)[0]))
            drawn += [("track-record", record)] if (record := (report.record or {}).get("track")) else []
            drawn += [(f"curve-{each['task']}", each["curve"]) for each in figures_view(section, scale)["panels"]]
    return drawn

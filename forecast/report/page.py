"""Page of the report: one self-contained HTML file.

Everything shown goes through jinja2's autoescape; figures are inline SVG whose texts matplotlib escapes.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from forecast.draws import Diagnostics
from forecast.figures.style import GREY, family_colours
from forecast.figures.svg import curve_figure, k_sweep_figure, outcomes_figure, threshold_figure, threshold_limits
from forecast.files import write_whole
from forecast.posterior.reached import already, family_in_words
from forecast.report.dates import dates_view
from forecast.report.evidence import evidence_view, headline_warnings
from forecast.report.sections import KSweep, OutcomeCheck, Section, TaskForecast
from forecast.report.text import number, place_html, plain
from forecast.report.wording import threshold_remarks
from forecast.scales import COMPUTE, Scale, scale_of_answer
from forecast.table.direction import refusal
from forecast.words import counted, percent, reach_of_answers

MAX_PANELS = 24
"""Tasks drawn in a section; the table holds them all."""
MAX_OUTCOMES = 60
"""Held-out outcomes drawn in a section; the table holds them all."""
_CHECKS: Mapping[str, tuple[str, str]] = {
    "max_rhat": ("largest R-hat", "Chains started apart agree with each other; above the limit they have not mixed."),
    "min_ess_bulk": ("smallest bulk ESS", "Independent draws behind medians; with fewer, these are noise."),
    "min_ess_tail": (
        "smallest tail ESS",
        "Independent draws behind the ends of intervals.",
    ),
    "divergences": (
        "divergences",
        "Places the sampler could not follow; a few in thousands are usual.",
    ),
}
_EVENTS: Mapping[str, str] = {
    "typical": "the mean curve of the family crosses τ or, of several, that of the typical family at the latest date",
    "new run": "one new run reaches τ",
    "first": "the first of several runs reaches τ",
}


def write_page(
    path: str | Path,
    *,
    title: str,
    question: str,
    answer: str,
    sections: Sequence[Section],
    warnings: Sequence[str] = (),
    record: Mapping[str, Any] | None = None,
    dates: Sequence[Mapping[str, Any]] = (),
    scale: Scale = COMPUTE,
) -> None:
    """Write the report to `path`, whole or not at all.

    Parameters
    ----------
    path : the HTML file; a file already there is replaced once the new one is complete
    answer : the answer in a sentence
    sections : the fits, in reading order
    warnings : what a reader must know before believing the answer. Without a verdict, the reasons for which a fit is
        not trustworthy and thresholds of the headline task that are prior-dominated are added. Nothing is said twice.
    record : the back-test, what `forecast.report.backtest.backtest_view` gives
    dates : of each threshold, answers of `forecast.questions.when.answer.when`
    scale : of the table, that all fits share
    """
    environment = Environment(
        loader=PackageLoader("forecast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scale = scale.within(reach_of_answers(*(task.threshold for section in sections for task in section.tasks)))
    environment.filters.update(place=partial(place_html, scale=scale), number=number, percent=percent, plain=plain)
    verdict = record["sentence"] if record else ""
    said = _warnings(sections, warnings, verdict, judged=record is not None and not record.get("of_table"))
    told = "\n".join([verdict, *said])
    html = environment.get_template("report.html.j2").render(
        title=title,
        question=question,
        answer=answer,
        warnings=said,
        record=record,
        dates=dates_view(dates),
        scale=scale,
        sections=[_section(section, scale, told=told, key=str(i)) for i, section in enumerate(sections, start=1)],
    )
    # A lone surrogate in a name (a badly decoded byte) is shown as '?', not fatal.
    write_whole(path, lambda temporary: temporary.write_text(html, encoding="utf-8", errors="replace"))


def _warnings(sections: Iterable[Section], warnings: Sequence[str], verdict: str, *, judged: bool) -> list[str]:
    """What a reader must know that the verdict does not say: given warnings, reasons of distrust of the fits.

    `judged`: the verdict is on these fits, and not on their table alone.
    """
    own = [warning for warning in warnings if warning.rstrip(".").lower() not in verdict.lower()]
    if judged:
        return own
    reasons = (
        f"{section.title}: {reason}"
        for section in sections
        for reason in (
            *section.diagnostics["reasons"],
            *(headline_warnings(section.evidence) if section.evidence else ()),
        )
        if not any(reason in warning for warning in warnings)
    )
    return [*own, *reasons]


def _section(section: Section, scale: Scale, *, told: str, key: str) -> dict[str, Any]:
    """What the template shows of a section: numbers, words and finished figures."""
    drawn = section.tasks[:MAX_PANELS]
    ranges = [task.threshold["data_log10_compute"] for task in section.tasks]
    draws = [task.log10_compute_draws for task in section.tasks if not _refusal(task)]
    limits = threshold_limits(ranges, draws) if draws else (0.0, 1.0)
    families = [str(name) for task in drawn if _moved(task) for name in task.observed["family"]]
    colours = family_colours(families) if families else None
    remarks = threshold_remarks(section.evidence.moved) if section.evidence else {}
    return {
        "key": key,
        "title": section.title,
        "text": section.text,
        "rows": [_row(task) | {"remark": remarks.get((task.task, f"{task.at:g}"))} for task in section.tasks],
        "data_max": sorted({float(ends[1]) for ends in ranges}),
        "events": [_event(*event) for event in sorted({_event_of(task) for task in section.tasks})],
        "panels": [
            _panel(task, scale, limits=limits, colours=colours, key=f"{key}-{i}") for i, task in enumerate(drawn)
        ],
        "families": _legend(colours or {}),
        "recipe": family_in_words(section.tasks[0].threshold) if section.tasks else "",
        "held_out": any(task.observed["held_out"].any() for task in drawn),
        "check": section.check and _check(section.check, key=key),
        "k_sweep": section.k_sweep and _k_sweep(section.k_sweep, scale, key=key),
        "evidence": section.evidence and evidence_view(section.evidence, scale, key=key),
        "diagnostics": _diagnostics(section.diagnostics, told),
        "provenance": section.provenance,
    }


def _row(task: TaskForecast) -> dict[str, Any]:
    quantiles, data_max = task.threshold["log10_compute"], task.threshold["data_log10_compute"][1]
    less, refused = task.threshold.get("reached_with_less"), _refusal(task)
    return {
        "task": task.task,
        "metric": task.metric,
        "at": f"{task.at:g}",
        "median": quantiles["q50"],
        "lower": quantiles["q05"],
        "upper": quantiles["q95"],
        "p_never": task.threshold["p_never"],
        "data_max": data_max,
        "p_crossed": None if refused else float(np.mean(task.log10_compute_draws <= data_max)),
        "without_data": task.observed.empty,
        "already": already(less, less=scale_of_answer(task.threshold).less) if less else refused,
    }


def _refusal(task: TaskForecast) -> str:
    """Why no threshold is given; empty where there is one."""
    return refusal(task.threshold, quantity=scale_of_answer(task.threshold).quantity)


def _event_of(task: TaskForecast) -> tuple[str, str]:
    return str(task.threshold.get("event") or "typical"), str(task.threshold.get("family") or "")


def _event(event: str, family: str) -> str:
    meaning = f"“{event}”: {_EVENTS[event]}" if event in _EVENTS else f"“{event}”"
    return f"{meaning} (family {family})" if family else meaning


def _moved(task: TaskForecast) -> bool:
    """Whether the runs of a task are shown with the family of the curve."""
    return "moved_to" in task.observed and bool(task.observed["moved_to"].notna().any())


def _legend(colours: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names and colours of families; those that share a colour are told together."""
    own = [(name, colour) for name, colour in colours.items() if colour != GREY]
    others = len(colours) - len(own)
    return own + ([(f"{counted(others, 'other family', 'other families')}", GREY)] if others else [])


def _panel(
    task: TaskForecast, scale: Scale, *, limits: tuple[float, float], colours: Mapping[str, str] | None, key: str
) -> dict[str, Any]:
    data_max = float(task.threshold["data_log10_compute"][1])
    quantiles = task.threshold["log10_compute"]
    options: dict[str, Any] = {"data_max": data_max, "scale": scale, "key": key}
    of_curve: dict[str, Any] = {"at": task.at, "metric": task.metric, "colours": colours if _moved(task) else None}
    draws, of_threshold = task.log10_compute_draws, {"limits": limits, "quantiles": quantiles, **options}
    return _row(task) | {
        "threshold": None if _refusal(task) else threshold_figure(draws, **of_threshold),
        "curve": curve_figure(task.grid, task.curve, task.observed, **of_curve, **options),
    }


def _check(check: OutcomeCheck, *, key: str) -> dict[str, Any]:
    drawn = check.outcomes.head(MAX_OUTCOMES)
    return {
        "title": check.title,
        "inside": int(check.outcomes["inside"].sum()),
        "total": len(check.outcomes),
        "drawn": len(drawn),
        "outcomes": check.outcomes.to_dict("records"),
        "methods": check.methods.to_dict("records"),
        "figure": outcomes_figure(drawn, key=key),
    }


def _k_sweep(sweep: KSweep, scale: Scale, *, key: str) -> dict[str, Any]:
    figure = k_sweep_figure(sweep.grid, sweep.curves, scale=scale, key=key)
    return {"task": sweep.task, "length": sweep.length, "figure": figure}


def _diagnostics(diagnostics: Mapping[str, Any], told: str) -> dict[str, Any]:
    """The checks of a fit, and the reasons not to trust it that the top of the report does not name already."""
    fields = {name: diagnostics[name] for name in Diagnostics.__dataclass_fields__ if name in diagnostics}
    rows = []
    for check in Diagnostics(**fields).checks:
        name, meaning = _CHECKS[check.name]
        value = f"{check.value:.3f}" if check.name == "max_rhat" else f"{check.value:.0f}"
        asked = f"at {'least' if check.above else 'most'} {check.limit:g}"
        rows.append({"name": name, "value": value, "asked": asked, "passed": check.passed, "meaning": meaning})
    reasons = list(diagnostics["reasons"])
    untold = [reason for reason in reasons if reason not in told]
    return {"rows": rows, "worst": list(diagnostics["worst"]), "sound": not reasons, "reasons": untold}

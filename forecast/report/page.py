"""Page of the report: one self-contained HTML file.

Everything shown goes through jinja2's autoescape; figures are inline SVG whose texts matplotlib escapes.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from forecast.draws import Diagnostics
from forecast.figures.svg import outcomes_figure
from forecast.files import write_whole
from forecast.report.live.script import embedded, live_script, live_style
from forecast.report.sections import OutcomeCheck, Report, Section
from forecast.report.views.dates import dates_view
from forecast.report.views.evidence import evidence_view, headline_warnings
from forecast.report.views.pictures import figures_view, headline_view
from forecast.report.views.tasks import changes, row
from forecast.report.views.text import markdown, number, place_html, plain, powers, score_text
from forecast.report.views.wording import threshold_remarks
from forecast.scales import COMPUTE, Scale
from forecast.words import percent, reach_of_answers, spoken_score

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


def write_page(path: str | Path, report: Report) -> None:
    """Write a report as HTML to `path`, whole or not at all; a file there is replaced once the new one is complete."""
    sections, record = report.sections, report.record
    thresholds = (task.threshold for section in sections for task in section.tasks)
    scale = report.scale.within(reach_of_answers(*thresholds))
    said = warnings_of_report(report)
    told = "\n".join([record["sentence"] if record else "", *said])
    html = (
        environment_of(scale)
        .get_template("report.html.j2")
        .render(
            **{name: getattr(report, name) for name in ("title", "question", "answer", "record", "command")},
            **_live(report),
            warnings=said,
            dates=dates_view(report.dates),
            scale=scale,
            hero=_hero(report, scale),
            metric=getattr(report.headline(), "metric", ""),
            first=_section(sections[0], scale, told=told, key="1") | figures_view(sections[0], scale)
            if sections
            else None,
            later=[_later(report, each, scale, told=told, key=f"{i}") for i, each in enumerate(sections[1:], start=2)],
            sections=_provenance(sections),
        )
    )
    # A lone surrogate in a name (a badly decoded byte) is shown as '?', not fatal.
    write_whole(path, lambda temporary: temporary.write_text(html, encoding="utf-8", errors="replace"))


def environment_of(scale: Scale = COMPUTE) -> Environment:
    """The templates, which escape whatever is no figure of ours."""
    environment = Environment(
        loader=PackageLoader("forecast.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {"place": partial(place_html, scale=scale), "number": number, "percent": percent, "plain": plain}
    environment.filters.update(filters | {"powers": powers, "score": score_text})
    return environment


def text_environment(scale: Scale) -> Environment:
    """The same templates for plain text: a name stays on its line and out of the syntax of Markdown."""
    environment = environment_of(scale).overlay(autoescape=False, keep_trailing_newline=True)
    environment.filters = environment.filters | {"place": scale.text, "cell": markdown}
    return environment


def warnings_of_report(report: Report) -> list[str]:
    """What a reader must know that the verdict does not say: given warnings, reasons of distrust of the fits."""
    record = report.record
    verdict = record["sentence"] if record else ""
    own = [warning for warning in report.warnings if warning.rstrip(".").lower() not in verdict.lower()]
    if record is not None:  # the verdict has what follows among its reasons
        return own
    reasons = (
        f"{section.title}: {reason}"
        for section in report.sections
        for reason in (
            *section.diagnostics["reasons"],
            *(headline_warnings(section.evidence) if section.evidence else ()),
        )
        if not any(reason in warning for warning in report.warnings)
    )
    return [*own, *reasons]


def _live(report: Report) -> dict[str, Any]:
    """The script of the page with its data and what lets it run; nothing of it where there are no data."""
    if report.live is None:
        return {"live": None, "style": "", "script": "", "source": ""}
    script, source = live_script()
    return {"live": embedded(report.live), "style": live_style(), "script": script, "source": f"; script-src {source}"}


def _hero(report: Report, scale: Scale) -> dict[str, Any] | None:
    """The top of the page; None where the first fit has no task."""
    task = report.headline()
    if task is None:
        return None
    runs = report.sections[0].title.removeprefix("Fit on ")
    return headline_view(task, scale, dates=report.dates, key="top") | {"runs": runs}


def _provenance(sections: Sequence[Section]) -> list[dict[str, Any]]:
    """What fixes the first fit, and of the later ones what is not the same."""
    first = sections[0].provenance if sections else {}
    own = [{k: v for k, v in each.provenance.items() if v != first.get(k)} for each in sections]
    shown = [first, *own[1:]] if sections else []
    return [{"title": each.title, "provenance": of} for each, of in zip(sections, shown, strict=True)]


def _section(section: Section, scale: Scale, *, told: str, key: str) -> dict[str, Any]:
    """What the templates show of every fit: words, changes and checks, without figures of each task."""
    remarks = threshold_remarks(section.evidence.moved) if section.evidence else {}
    return {
        "key": key,
        "title": section.title,
        "text": section.text,
        "rows": [
            row(task) | {"remark": remarks.get((task.task, spoken_score(task.at, task.metric)))}
            for task in section.tasks
        ],
        "check": section.check and _check(section.check, key=key),
        "evidence": section.evidence and evidence_view(section.evidence, scale, key=key),
        "diagnostics": _diagnostics(section.diagnostics, told),
        "provenance": section.provenance,
    }


def _later(report: Report, section: Section, scale: Scale, *, told: str, key: str) -> dict[str, Any]:
    """What a further fit shows: its headline, and what changed."""
    view = _section(section, scale, told=told, key=key)
    task = report.headline(section)
    if task is None:
        return view | {"changes": [], "figures": [], "sentence": ""}
    shown = headline_view(task, scale, key=key)
    picture = {"figures": shown["figures"], "sentence": shown["sentence"], "headline": task.task}
    return view | {"changes": changes(report.sections[0], section, scale)} | picture


def _check(check: OutcomeCheck, *, key: str) -> dict[str, Any]:
    drawn = check.outcomes.head(MAX_OUTCOMES)
    return {
        "title": check.title,
        "inside": int(check.outcomes["inside"].sum()),
        "others": check.others,
        "total": len(check.outcomes),
        "drawn": len(drawn),
        "outcomes": check.outcomes.to_dict("records"),
        "methods": check.methods.to_dict("records"),
        "figure": outcomes_figure(drawn, metric=check.metric, key=key),
    }


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

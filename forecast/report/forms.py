"""Forms of the report beside HTML: Markdown with its figures in a folder, and JSON with a schema number."""

from os.path import relpath
from pathlib import Path
from typing import Any

from forecast.figures.style import write_figures
from forecast.files import write_json, write_whole
from forecast.published import as_published
from forecast.report.page import text_environment, warnings_of_report, write_page
from forecast.report.sections import Report, Section
from forecast.report.views.headline import everyday
from forecast.report.views.pictures import drawings_of, known_runs
from forecast.report.views.tasks import row
from forecast.words import reach_of_answers

SCHEMA = 1
"""Of `report.json`; it grows by one when a key changes its meaning or goes."""


def as_json(report: Report) -> dict[str, Any]:
    """What `report.json` holds, before dates are published as such."""
    headline = report.headline()
    return {
        "schema": SCHEMA,
        "title": report.title,
        "question": report.question,
        "answer": report.answer,
        "in_words": everyday(headline, known_runs(report.scale)) if headline else report.answer,
        "warnings": warnings_of_report(report),
        "verdict": report.record and report.record["sentence"],
        "fits": [_of_fit(section) for section in report.sections],
        "when": list(report.dates),
        "command": report.command,
    }


def _of_fit(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "thresholds": [dict(task.threshold) for task in section.tasks],
        "methods": section.check.methods.to_dict("records") if section.check else [],
        "outcomes": section.check.outcomes.to_dict("records") if section.check else [],
        "moved": list(section.evidence.moved) if section.evidence else [],
        "sensitivity": list(section.evidence.sensitivity) if section.evidence else [],
        "surprising_rows": list(section.evidence.surprising) if section.evidence else [],
        "diagnostics": dict(section.diagnostics),
        "provenance": dict(section.provenance),
    }


def write_as(form: str, path: Path, report: Report, *, figures: Path | None = None) -> list[str]:
    """Write a report as 'html', 'md' or 'json', and its figures into a folder; answers the files of the figures.

    Markdown has its figures beside it, in a folder named after it, where none is given.
    """
    if form == "md" and figures is None:
        figures = path.with_name(f"{path.stem}_figures")
    written = [] if figures is None else write_figures(figures, drawings_of(report))
    if form == "json":
        write_json(path, as_published(as_json(report), dated=report.scale.dated))
    elif form == "md":
        own = [each for each in written if each.suffix == ".svg"]
        write_as_markdown(path, report, [Path(relpath(each, path.parent)).as_posix() for each in own])
    else:
        write_page(path, report)
    return [str(each) for each in written]


def write_as_markdown(path: Path, report: Report, figures: list[str]) -> None:
    """Write the report as Markdown, whole or not at all; `figures` are paths relative to it, the headline first."""
    thresholds = [task.threshold for section in report.sections for task in section.tasks]
    scale = report.scale.within(reach_of_answers(*thresholds))
    headline = report.headline()
    text = (
        text_environment(scale)
        .get_template("report.md.j2")
        .render(
            report=report,
            sentence=everyday(headline, known_runs(scale)) if headline else report.answer,
            warnings=warnings_of_report(report),
            rows=[(section.title, [row(task) for task in section.tasks]) for section in report.sections],
            figures=figures,
            scale=scale,
        )
    )
    write_whole(path, lambda temporary: temporary.write_text(text, encoding="utf-8", errors="replace"))

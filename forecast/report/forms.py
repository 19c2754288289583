"""Forms of the report beside HTML: Markdown with its figures in a folder, and JSON with a schema number."""

from pathlib import Path
from typing import Any

from forecast.files import write_json, write_whole
from forecast.published import as_published
from forecast.report.page import text_environment, warnings_of_report
from forecast.report.sections import Report, Section
from forecast.report.views.headline import everyday
from forecast.report.views.pictures import known_runs
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
        "surprising_rows": list(section.evidence.surprising) if section.evidence else [],
        "diagnostics": dict(section.diagnostics),
        "provenance": dict(section.provenance),
    }


def write_as_json(path: Path, report: Report) -> None:
    """Write `report.json`, whole or not at all."""
    write_json(path, as_published(as_json(report), dated=report.scale.dated))


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

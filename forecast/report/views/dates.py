"""Dates in the report: a table of scenarios and events, and a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from forecast.figures.svg import inline_svg
from forecast.questions.when.figure import plot_dates
from forecast.questions.when.scenarios import told, with_equal_dates
from forecast.table.direction import refusal
from forecast.words import spoken_score
from models.dates import spoken

Answer = Mapping[str, Any]  # of `forecast.questions.when.answer.when`


def dates_view(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """What the template shows of each threshold that can be given."""
    known = [answer for answer in answers if not refusal(answer, quantity="date")]
    return [_view(answer, key=str(place)) for place, answer in enumerate(known, start=1)]


def _view(answer: Answer, *, key: str) -> dict[str, Any]:
    named = {"first": f"first of {answer['first_of']} runs"}
    scenarios = [
        {
            "name": ", ".join(each["name"] for each in group) + (" (the same dates)" if len(group) > 1 else ""),
            "heading": _sentence(", ".join(each["name"] for each in group)),
            "progress": ". ".join(_sentence(line) for line in told(group)),
            "lines": [_spoken_event(named.get(event, event), of) for event, of in group[0]["events"].items()],
        }
        for group in with_equal_dates(answer["scenarios"])
    ]
    view = {name: answer[name] for name in ("task", "as_of", "frontier", "family", "families")}
    years = [each["date"][:4] for each in answer["scenarios"][0]["events"]["typical"]["p_by"]]
    return view | {
        "at": spoken_score(answer["at"], answer["metric"]),
        "scenarios": scenarios,
        "years": years,
        "figure": _figure(answer, key),
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]  # names keep their capitals


def _spoken_event(event: str, of: Mapping[str, Any]) -> dict[str, Any]:
    return {**of, "event": event, "date": {name: spoken(date) for name, date in of["date"].items()}}


def _figure(answer: Answer, key: str) -> Markup:
    rows = sum(len(group[0]["events"]) + 1 for group in with_equal_dates(answer["scenarios"]))

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        plot_dates(answer, ax=ax)
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        figure.set_layout_engine("constrained")

    return inline_svg(draw, size=(5.2, 1.1 + 0.22 * rows), key=f"dates-{key}")

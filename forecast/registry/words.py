"""Words of registered forecasts: a question, a frozen threshold, and where it was crossed."""

from collections.abc import Mapping
from typing import Any

from forecast.scales import Scale
from forecast.words import counted, first_of, format_flop, spoken_score
from models.dates import spoken


def question_in_words(asked: Mapping[str, Any]) -> str:
    """A question in a line: '4 tasks, 3 models; 3-digit addition at 0.5'."""
    rows, said = asked["rows"], []
    if rows:
        tasks, models = (list(dict.fromkeys(row[name] for row in rows)) for name in ("label", "model"))
        of = first_of(tasks, 1) if len(tasks) == 1 else counted(len(tasks), "task")
        said.append(f"{of}, {models[0] if len(models) == 1 else counted(len(models), 'model')}")
    return "; ".join([*said, *map(threshold_named, asked["thresholds"])])


def threshold_named(asked: Mapping[str, Any]) -> str:
    """'3-digit addition at 0.5'."""
    return f"{asked['label']} at {spoken_score(asked['at'], asked['metric'])}"


def threshold_in_words(of: Mapping[str, Any], scale: Scale) -> str:
    """Median and 90% interval of a frozen threshold, on the scale of its fit."""
    if "date" in of:
        return "{q50} (90% {q05} to {q95})".format(**{name: spoken(date) for name, date in of["date"].items()})
    q = of["log10_compute"]
    return f"{scale.named(q['q50'])} (90% {scale.interval(q['q05'], q['q95'])})"


def crossed_in_words(each: Mapping[str, Any]) -> str:
    """Where a threshold was crossed, and the score of its forecast; or that nothing is known of it."""
    if each["rps"] is None:
        return f"{threshold_named(each)}: open, no outcome of another run"
    low, high = (_place(each[name]) for name in ("low", "high"))
    where = f"between {low} and {high}"
    if str(each["high"]) == "inf":
        where = f"not reached up to {low}"
    elif str(each["low"]) == "-inf":
        where = f"reached by {high}"
    inside = "inside" if each["inside_90"] else "outside"
    return f"{threshold_named(each)}: {where}, {inside} the 90% interval; RPS {each['rps']:.3g}"


def _place(told: float | str) -> str:
    return told if isinstance(told, str) else f"{format_flop(told)} FLOP"

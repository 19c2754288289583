"""Wording of evidence: sentences on whether a number comes from the data or the prior."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from forecast.posterior.names import WORDS
from forecast.words import percent

Line = Mapping[str, Any]  # of `forecast.fitting.contraction.contraction`
SHARED = "shared by all tasks"
_LISTED = 5  # names in a sentence; the table has them all
_REMARKS = {"prior": "prior-dominated", "not comparable": "not comparable with its prior"}


def is_threshold(line: Line) -> bool:
    """Whether a line is about a threshold, not a parameter."""
    return "p_never" in line


def threshold_of(line: Line) -> str:
    """The score of a threshold line, such as '0.5'."""
    return str(line["parameter"]).split(" at ")[-1]


def name_of(line: Line) -> str:
    """What a line is about, in words; a parameter without words keeps its name."""
    if is_threshold(line):
        return f"threshold {threshold_of(line)}"
    parameter, _, kind = str(line["parameter"]).partition(" of ")  # where laws of each kind have their own
    return WORDS.get(parameter, (parameter,))[0] + (f" ({kind})" if kind else "")


def meanings(lines: Sequence[Line]) -> list[tuple[str, str, str]]:
    """Words, name in the model and meaning of each parameter of the lines."""
    parameters = dict.fromkeys(str(line["parameter"]).partition(" of ")[0] for line in lines)
    return [(WORDS[name][0], name, WORDS[name][1]) for name in parameters if name in WORDS]


def verdict(line: Line) -> str:
    """Whose the number is: 'data', 'prior', or 'not comparable' where no width can be compared."""
    if line["width_ratio"] is None:
        return "not comparable"
    return "data" if line["moved"] else "prior"


def is_half(line: Line) -> bool:
    """Whether widths end at the median, because the upper end is infinite with the data as without."""
    return line["width_ratio"] is not None and all(float(line[side][2]) == np.inf for side in ("prior", "posterior"))


def threshold_remarks(lines: Sequence[Line]) -> dict[tuple[str, str], str]:
    """What to say beside thresholds that the data did not move, by task and score, such as '0.5'."""
    loose = [line for line in lines if is_threshold(line) and not line["moved"]]
    return {(line["task"], threshold_of(line)): _REMARKS[verdict(line)] for line in loose}


def threshold_sentences(lines: Sequence[Line], task: str) -> list[dict[str, Any]]:
    """Of each threshold of a task: whose it is (lead), why (rest), and whether the data did not move it (loose)."""
    own = [line for line in lines if line["task"] == task]
    loose_ceiling = any(line["parameter"] == "ceiling" and not line["moved"] for line in own)
    return [_threshold_sentence(line, loose_ceiling=loose_ceiling) for line in own if is_threshold(line)]


def _threshold_sentence(line: Line, *, loose_ceiling: bool) -> dict[str, Any]:
    finite = np.isfinite([float(line[side][2]) for side in ("prior", "posterior")]).all()
    span = "its 90% interval is" if finite else "from its 5% to its 50% quantile it is"
    ratio = f"{line['width_ratio'] or 0:.2g} times as wide as the prior’s"
    whose, reason = {
        "data": ("comes from the data" + (" up to its median only" if is_half(line) else ""), f"{span} {ratio}."),
        "prior": ("is prior-dominated", f"{span} still {ratio}. Another prior would give another forecast."),
        "not comparable": (
            "counts as prior-dominated",
            "its median is “never” or unknown, before the data or after, so that no widths can be compared.",
        ),
    }[verdict(line)]
    above = " Its upper end is “never” with the data as without." if is_half(line) else ""
    never = f" P(never) is {percent(line['p_never'])} with the data and {percent(line['prior_p_never'])} without"
    rests = loose_ceiling and line["p_never"] >= 0.01
    ceiling = ", and rests on the ceiling, which is prior-dominated." if rests else "."
    return {
        "lead": f"The threshold {threshold_of(line)} of {line['task']} {whose}",
        "rest": f": {reason}{above}{never}{ceiling}",
        "loose": not line["moved"],
    }


def parameters_sentence(lines: Sequence[Line], task: str) -> str:
    """Names the parameters that stayed prior-dominated, of those of a task and those that all tasks share."""
    parts = {name: _groups(lines, task, name) for name in ("prior", "not comparable")}
    said = f"Of the parameters of {task} and those {SHARED}, none is prior-dominated."
    if parts["prior"]:
        said = f"Still prior-dominated: {parts['prior']}. Their uncertainty is mostly what was assumed."
    return said + (f" Not comparable with the prior: {parts['not comparable']}." if parts["not comparable"] else "")


def _groups(lines: Sequence[Line], task: str, wanted: str) -> str:
    """The parameters of a verdict, those of the task before those of all tasks; empty where there are none."""
    parts = []
    for owner, whose in ((task, f"of {task}"), (None, SHARED)):
        own = [line for line in lines if line["task"] == owner and not is_threshold(line)]
        names = [name_of(line) for line in own if verdict(line) == wanted]
        parts += [f"{_listed(names)} ({whose})"] if names else []
    return "; ".join(parts)


def others_sentence(lines: Sequence[Line], task: str) -> str | None:
    """How many thresholds of the tasks but one the data did not move, and which; None where there are no others."""
    others = [line for line in lines if is_threshold(line) and line["task"] != task]
    if not others:
        return None
    parts = []
    for name, remark in _REMARKS.items():
        found = [f"{line['task']} at {threshold_of(line)}" for line in others if verdict(line) == name]
        if found:
            parts.append(f"{len(found)} {'is' if len(found) == 1 else 'are'} {remark} ({_listed(found)})")
        elif name == "prior":
            parts.append(f"none is {remark}")
    total = (
        f"Of the {len(others)} thresholds of other tasks," if len(others) > 1 else "Of the threshold of the other task,"
    )
    return f"{total} {' and '.join(parts)}."


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_LISTED]) + ([f"{len(names) - _LISTED} more"] if len(names) > _LISTED else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

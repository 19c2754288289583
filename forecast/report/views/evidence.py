"""Evidence in the report: how much the data narrowed each number, and which rows are outliers."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from forecast.figures.svg import contraction_figure
from forecast.fitting.contraction import CONTRACTED, MEASURED_PLAIN
from forecast.posterior.outliers import GROSS_ERROR, OUTLYING
from forecast.report.sections import Evidence
from forecast.report.views.sensitivity import sensitivity_view
from forecast.report.views.text import number, place_html
from forecast.report.views.wording import (
    SHARED,
    Line,
    is_half,
    is_threshold,
    meanings,
    name_of,
    others_sentence,
    parameters_sentence,
    threshold_sentences,
    verdict,
)
from forecast.scales import Scale
from forecast.words import percent

MAX_SURPRISING = 20
"""Surprising rows listed in a section; the text says how many more there are."""
_HIGHEST = 0.92  # place of finite computes however large, where 1 is 'never'


def headline_warnings(evidence: Evidence) -> list[str]:
    """What the report must say at its top of thresholds of the headline task that the data did not move."""
    sentences = threshold_sentences(evidence.moved, evidence.headline)
    return [each["lead"] + each["rest"] for each in sentences if each["loose"]]


def evidence_view(evidence: Evidence, scale: Scale, *, key: str) -> dict[str, Any]:
    """What the template shows: sentences, a figure, and the rows of two tables."""
    lines, task = evidence.moved, evidence.headline
    tasks = dict.fromkeys(line["task"] for line in lines)
    of = {each: [line for line in lines if line["task"] == each] for each in tasks}
    drawn = [*sorted(of.get(task, []), key=is_threshold, reverse=True), *of.get(None, [])]
    listed = evidence.surprising[:MAX_SURPRISING]
    return {
        "headline": task,
        "thresholds": threshold_sentences(lines, task),
        "parameters": parameters_sentence(lines, task),
        "others": others_sentence(lines, task),
        "limit": f"{CONTRACTED:g}",
        "figure": contraction_figure(pd.DataFrame([_drawn(line) for line in drawn]), key=key) if drawn else None,
        "half": any(is_half(line) for line in drawn),
        "groups": [{"name": each or SHARED, "rows": [_table_row(line, scale) for line in of[each]]} for each in of],
        "meanings": meanings(lines),
        "surprising": [{**row, "tail": _tail(row["tail"])} for row in listed],
        "more": len(evidence.surprising) - len(listed),
        "total": len(evidence.surprising),
        "rows": evidence.rows,
        "sensitivity": sensitivity_view(evidence.sensitivity, scale, key=key),
        "by_chance": number(OUTLYING * evidence.rows),
        "one_in": f"{1 / OUTLYING:.0f}",
        "broken": sum(row["p_broken"] > GROSS_ERROR for row in evidence.surprising),
    }


def _drawn(line: Line) -> dict[str, Any]:
    """A row of `forecast.figures.curve.plot_prior_posterior`."""
    ratio, whose = line["width_ratio"], verdict(line)
    return {
        "group": line["task"] or SHARED,
        "name": name_of(line),
        "endless": float(line["prior"][2]) == np.inf,
        "half": is_half(line),
        "prior_q50": _places(line, line["prior"])[1],
        **dict(zip(("q05", "q50", "q95"), _places(line, line["posterior"]), strict=True)),
        "verdict": whose,
        "note": whose if ratio is None else f"{whose} ({ratio:.2g})",
    }


def _places(line: Line, values: Sequence[float | str]) -> np.ndarray:
    """Places of `values` where the prior's 90% interval is 0 to 1, on the scale by which widths are compared.

    Where its upper end is infinite, the median is at one half, infinity at 1 and all that is finite below 0.92.
    """
    with np.errstate(all="ignore"):  # what has no place is NaN
        on_log = not (is_threshold(line) or line["parameter"] in MEASURED_PLAIN)
        scale = np.log if on_log else np.asarray
        (low, middle, high), at = (scale(np.array(each, dtype=float)) for each in (line["prior"], values))
        if high != np.inf:
            return (at - low) / (high - low)
        return np.where(at == np.inf, 1.0, np.minimum(0.5 * (at - low) / (middle - low), _HIGHEST))


def _table_row(line: Line, scale: Scale) -> dict[str, Any]:
    ratio, written = line["width_ratio"], partial(place_html, scale=scale) if is_threshold(line) else number
    never = [percent(line[name]) for name in ("prior_p_never", "p_never")] if is_threshold(line) else None
    return {
        "name": name_of(line),
        "prior": [written(value) for value in line["prior"]],
        "posterior": [written(value) for value in line["posterior"]],
        "half": is_half(line),
        "ratio": "" if ratio is None else f"{ratio:.2g}",
        "verdict": verdict(line),
        "never": never,
    }


def _tail(probability: float) -> str:
    return "<0.1%" if probability < 0.001 else f"{100 * probability:.1f}%"

"""Sensitivity to priors in the report: sentences, a figure and a table."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from forecast.figures.svg import sensitivity_figure
from forecast.fitting.sensitivity.answer import WIDER
from forecast.fitting.sensitivity.weights import LARGEST_K
from forecast.report.views.text import number
from forecast.scales import Scale
from forecast.words import counted, first_of, percent

Row = Mapping[str, Any]  # of `forecast.fitting.sensitivity.answer.sensitivity`
Side = tuple[Row, str]  # a row and one of `forecast.fitting.sensitivity.answer.WIDER`
MOST_DRAWN = 10  # priors in the figure; the table has them all
MOST_NAMED = 5
SMALL = 0.05, 0.01  # decades and share of P(never), below which an answer hardly depends on a prior
FAR = 2.0  # decades, beyond which a factor says no more than they do
WIDTHS = {"halved": "half as wide", "doubled": "twice as wide"}


def sensitivity_view(rows: Sequence[Row], scale: Scale, *, key: str) -> dict[str, Any]:
    """What the template shows; of no rows, as of a task that falls, no sentence and no figure."""
    return {
        "sentences": sensitivity_sentences(rows, scale),
        "figure": sensitivity_figure(rows[:MOST_DRAWN], scale=scale, key=key) if rows else None,
        "unit": scale.distance_unit,
        "rows": [{"prior": row["prior"], "sides": [_cells(row[side], scale) for side in WIDER]} for row in rows],
        "limit": f"{LARGEST_K:g}",
    }


def _cells(side: Row, scale: Scale) -> dict[str, Any]:
    decades = float(side["shift"])
    shift = f"{scale.units(decades):+.2f}".replace("-", "−") if isfinite(decades) else _endless(decades)
    return {
        "shift": shift,
        "p_never": percent(side["p_never"]),
        "k": number(side["pareto_k"]),
        "by": side["by"],
        "reliable": side["reliable"],
    }


def _endless(decades: float) -> str:
    return "to never" if decades > 0 else "from never"


def sensitivity_sentences(rows: Sequence[Row], scale: Scale) -> list[str]:
    """How far one prior moves the answer, which prior matters most, and of which it cannot be told."""
    sides = [(row, side) for row in rows for side in WIDER if row[side]["reliable"]]
    if not sides:
        return ["These draws do not tell how far the answer rests on single priors."] if rows else []
    endless = [each for each in sides if not isfinite(_shift(each))]
    finite = [each for each in sides if isfinite(_shift(each))]
    found = [_to_never(*each) for each in endless[:MOST_NAMED]]
    found += _changes(finite, sides, scale, but="Otherwise h" if endless else "H") if finite else []
    unknown = [f"{row['prior']} ({WIDTHS[side]})" for row in rows for side in WIDER if not row[side]["reliable"]]
    if unknown:
        found.append(f"These draws do not tell (Pareto k too large): {first_of(unknown, MOST_NAMED)}.")
    return found


def _shift(each: Side) -> float:
    row, side = each
    return abs(float(row[side]["shift"]))


def _never(each: Side) -> float:
    row, side = each
    return abs(float(row[side]["shift_p_never"]))


def _to_never(row: Row, side: str) -> str:
    becomes = "becomes" if float(row[side]["shift"]) > 0 else "is no longer"
    return f"With a prior of the {row['prior']} {WIDTHS[side]}, the median {becomes} “never”."


def _changes(finite: Sequence[Side], sides: Sequence[Side], scale: Scale, *, but: str) -> list[str]:
    """The largest changes of the median, where it stays finite, and of P(never), and the priors behind them."""
    of_median, of_never = max(finite, key=_shift), max(sides, key=_never)
    shift, never = _shift(of_median), _never(of_never)
    stays = all(float(row[side]["log10_compute"]["q50"]) == float("inf") for row, side in finite)
    points = (
        f"P(never) by {'less than 1 point' if never < SMALL[1] else f'at most {counted(round(100 * never), "point")}'}"
    )
    median = "leaves the median at “never” and moves" if stays else f"moves the median by {_at_most(shift, scale)} and"
    moved = [
        row["prior"] for (row, _), large in ((of_median, shift >= SMALL[0]), (of_never, never >= SMALL[1])) if large
    ]
    most = f"The prior of the {moved[0]} matters most." if moved else ""
    if len(set(moved)) > 1:
        most = f"The median depends most on the prior of the {moved[0]}, P(never) on that of the {moved[1]}."
    return [f"{but}alving or doubling the width of any one prior {median} {points}.", *([most] if most else [])]


def _at_most(shift: float, scale: Scale) -> str:
    if shift < SMALL[0]:
        return f"less than {scale.units(SMALL[0]):.2f} {scale.distance_unit}"
    factor = "" if scale.dated or shift >= FAR else f" (a factor of {10**shift:.2g})"
    return f"at most {scale.units(shift):.2f} {scale.distance_unit}{factor}"

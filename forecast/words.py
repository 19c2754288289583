"""Words and numbers as every output writes them, and the limits beyond which no number is given."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: '1 task', '2 tasks', '3 families'."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def first_of(names: list[str], most: int = 3) -> str:
    """The first names of a list and how many more there are: 'a, b, c and 4 more'."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def plain_power(value: float, form: str = "g") -> str:
    """A number as people type it: '1e23', not '1e+23'."""
    return f"{value:{form}}".replace("e+", "e")


class Minutes(float):
    """A length of time in minutes that was given in words."""

    text: str


MINUTES_OF = {  # working time: a day of 8 hours, a week of 40, a month of 167, a year of 2000
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1 / 60),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 1.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60.0),
    **{f"working {name}": 60.0 * hours for name, hours in (("day", 8), ("week", 40), ("month", 167), ("year", 2000))},
}
PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]+(?:[ -][a-z]+)?)", re.IGNORECASE)


def minutes_of(text: str) -> Minutes:
    """Minutes of a length of time in words, such as '8h', '2 h 10 min' or '1 working month'.

    A `ValueError` says what is wrong and what to write.
    """
    parts, end = [], 0
    while part := PART.match(text, end):
        parts.append((float(part[1]), re.sub("[ -]+", " ", part[2].lower())))
        end = part.end()
    if not parts or text[end:].strip():
        raise ValueError("write a length of time such as 30min, 8h or '1 working month'")
    return _minutes(text, sum(number * _minutes_of_unit(unit) for number, unit in parts))


def _minutes(text: str, value: float) -> Minutes:
    found = Minutes(value)
    found.text = text
    return found


def _minutes_of_unit(unit: str) -> float:
    name = unit if unit in MINUTES_OF else unit.removesuffix("s")
    if name in MINUTES_OF:
        return MINUTES_OF[name]
    if f"working {name}" in MINUTES_OF:
        raise ValueError(f"a {name} of work or of the clock? write 'working {name}' for work, or hours, such as 24h")
    raise ValueError(f"{unit!r} is no unit of time; write s, min, h, or working day, week, month or year")


def format_minutes(minutes: float | str) -> str:
    """A length of time in words: '2.4 s', '38 s', '5.4 min', '2 h 10 min', '167 h', '3.1 working years'."""
    value = float(minutes)
    if not np.isfinite(value):
        return "unknown" if np.isnan(value) else "unbounded" if value > 0 else "none"
    if value < 59.5 / 60:
        return f"{60 * value:.2g} s"
    if value < 59.5:
        return f"{value:.2g} min"
    if value < 600:
        hours, rest = divmod(round(value), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    years = value / MINUTES_OF["working year"]
    if years >= 1:
        return f"{plain_power(years, '.2g')} working years"
    return f"{value / 60:.3g} h" if value < 6000 else f"{value / 60:.0f} h"


def spoken_score(score: float, metric: str) -> str:
    """A score as outputs write it: of a horizon a length of time."""
    return format_minutes(score) if metric == "horizon" else f"{score:g}"


FAR = 6  # decades of compute from the nearest run; at 0.6 a year, ten years of growth of the largest run
FAR_SIZE = 3  # of parameters or tokens, each of which takes half of the decades of compute


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The places that are named, whole log10 of FLOP, parameters or tokens."""

    low: int
    high: int


def reach_of(places: Iterable[float], *, decades: int = FAR) -> Reach:
    """Whole decades that hold all places (log10 of the runs') and so many decades on either side."""
    known = [round(float(place), 9) for place in places]  # a compute of 1e24 may be stored as 24.000000000000004
    return Reach(low=floor(min(known)) - decades, high=ceil(max(known)) + decades)


def reach_of_answers(*answers: Mapping[str, Any]) -> Reach | None:
    """That of thresholds, by the compute of the runs that they rest on; None of no threshold."""
    return reach_of(end for answer in answers for end in answer["data_log10_compute"]) if answers else None


NOTHING = "–"  # where no number can be given


def percent(probability: float | None) -> str:
    """Probability in whole percent; the ends are '<1%' and '>99%', because draws cannot show 0 or 1."""
    if probability is None:
        return NOTHING
    if probability < 0.01:
        return "<1%"
    return ">99%" if probability > 0.99 else f"{100 * probability:.0f}%"


def scientific(log10_compute: float) -> tuple[str, int]:
    """Mantissa with two significant digits and exponent of a finite log10 FLOP."""
    exponent = int(np.floor(log10_compute))
    mantissa = f"{10 ** (log10_compute - exponent):.1f}"
    return ("1.0", exponent + 1) if mantissa == "10.0" else (mantissa, exponent)


def format_flop(log10_compute: float | str, reach: Reach | None = None) -> str:
    """Compute in plain text, two significant digits: '3.1e23', 'never' for infinity, 'below any compute' for -inf.

    Outside the reach of a fit it is 'beyond 1e30' or 'below 1e12'.
    """
    value = float(log10_compute)
    if np.isnan(value):
        return "unknown"
    if not np.isfinite(value):
        return "never" if value > 0 else "below any compute"
    if outside := out_of_reach(value, reach):
        return "{} 1e{}".format(*outside)
    mantissa, exponent = scientific(value)
    return f"{mantissa}e{exponent}"


def out_of_reach(value: float, reach: Reach | None) -> tuple[str, int] | None:
    """On which side of which power of ten a finite value lies that is out of reach; None for all others."""
    if reach is None or not np.isfinite(value) or reach.low <= value <= reach.high:
        return None
    return ("beyond", reach.high) if value > reach.high else ("below", reach.low)

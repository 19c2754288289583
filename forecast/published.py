"""Published answers: of a table of dates, dates and years in place of what stands in for them.

Inside, a date is a place on the scale of `models.dates`, under the names that FLOP have. Nobody outside can
tell such a number from a compute, so that it is null there and the date stands beside it under a name of its own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from forecast.files import json_number
from models.dates import DECADES_A_YEAR, iso_date, year_of

PLACES = {
    "log10_compute": "date",
    "refit_log10_compute": "refit_date",
    "data_log10_compute": "data_dates",
    "horizon": "horizon_dates",
    "family_log10_compute": "family_dates",
    "against_log10_compute": "against_dates",
}
DISTANCES = {
    "between": "between_years",
    "within": "within_years",
    "width_decades": "width_years",
    "shift_decades": "shift_years",
}
RUNG = {"log10_compute", "p"}  # a place and its chance: the date alone says where
THRESHOLD = (
    "log10_compute at "  # begins the name of a threshold among the lines of `forecast.fitting.contraction.contraction`
)


NUMBER = re.compile(r"q\d\d|p|p_\w+")  # keys of quantiles and of probabilities


class Answer(dict[str, Any]):
    """An answer as its keys; `to_dict` gives what JSON shows of it."""

    def __init__(self, values: Mapping[str, Any], *, dated: bool) -> None:
        super().__init__(values)
        self.dated = dated  # whether dates are the scale of its table

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: dates in place of what stands in for them."""
        return as_published(dict(self), dated=self.dated)


def as_published(answer: Any, *, dated: bool) -> Any:
    """An answer for JSON; `dated` says whether the scale of its table is its dates. Others stay as they are."""
    if not dated:
        return answer
    if isinstance(answer, Mapping):
        return _mapping(answer)
    return [as_published(each, dated=True) for each in answer] if isinstance(answer, list | tuple) else answer


def without_numbers(answer: Any) -> Any:
    """An answer with null in place of its quantiles and probabilities, where none may be given; all keys stay."""
    if isinstance(answer, list | tuple):
        return [without_numbers(each) for each in answer]
    if not isinstance(answer, Mapping):
        return answer
    return {
        key: None if NUMBER.fullmatch(key) and not isinstance(value, Mapping | list) else without_numbers(value)
        for key, value in answer.items()
    }


def _mapping(answer: Mapping[str, Any]) -> dict[str, Any]:
    if set(answer) == RUNG:
        return {"date": _dates(answer["log10_compute"]), "p": answer["p"]}
    found: dict[str, Any] = {}
    for key, value in answer.items():
        if key in PLACES:
            found |= {key: None, PLACES[key]: _dates(value)}
        elif key in DISTANCES:
            found |= {key: None, DISTANCES[key]: _years(value)}
        else:
            found.setdefault(key, as_published(value, dated=True))
    if str(answer.get("parameter", "")).startswith(THRESHOLD):
        found["parameter"] = answer["parameter"].replace(THRESHOLD, "date at ")
        found |= {name: _dates(answer[name]) for name in ("prior", "posterior")}
    return found


def _dates(places: Any) -> Any:
    """ISO dates of a place, of several, or of quantiles by name; infinite ones are 'inf' and '-inf', none is None."""
    if places is None:
        return None
    if isinstance(places, Mapping):
        return {name: _dates(place) for name, place in places.items()}
    return [_dates(place) for place in places] if isinstance(places, list | tuple) else iso_date(_year(places))


def _year(place: float | str) -> float:
    return float(year_of(float(place)))


def _years(decades: Any) -> Any:
    if isinstance(decades, Mapping):
        return {name: _years(each) for name, each in decades.items()}
    return None if decades is None else json_number(float(decades) / DECADES_A_YEAR)


def with_dates(frame: pd.DataFrame, *, places: Mapping[str, str], distances: Mapping[str, str] = {}) -> pd.DataFrame:
    """A frame of a table of dates for a file: beside each column, which is blank then, that of its dates or years."""
    dates = {new: [_dates(json_number(place)) for place in frame[name]] for name, new in places.items()}
    years = {new: frame[name] / DECADES_A_YEAR for name, new in distances.items()}
    return frame.assign(**dates, **years, **dict.fromkeys((*places, *distances)))


def threshold_rows(results: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Thresholds of the fits of a study as lines, quantiles as columns."""
    return pd.DataFrame(
        [
            {"fit": result["fit"], "task": t["task"], "metric": t["metric"], "at": t["at"], "p_never": t["p_never"]}
            | {f"{_place(t)}_{name}": value for name, value in t[_place(t)].items()}
            for result in results
            for t in result["thresholds"]
        ]
    )


def _place(answer: Mapping[str, Any]) -> str:
    return "date" if "date" in answer else "log10_compute"

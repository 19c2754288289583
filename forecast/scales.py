"""The scale of a table in words and on axes: training compute or, where no compute is known, dates of release.

Places on it are log10 FLOP, or what `models.dates` makes of dates. Distances are decades, or years.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from forecast.words import Reach, format_flop, reach_of, reach_of_answers
from models.dates import DECADES_A_YEAR, by_date, iso_date, spoken, year_of


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How places on the scale and distances are named."""

    quantity: str  # of a run
    threshold: str  # where a capability appears
    axis: str  # label of an axis of runs
    threshold_axis: str  # label of an axis of thresholds
    column: str  # what stands below the heading of a column of places; blank: nothing
    largest: str  # of the runs, the one farthest along the scale
    none: str  # of a threshold that is never crossed, after "not expected"
    at: str  # before a place, after "expected"
    unit: str  # behind a place in a sentence
    less: str  # of a run that is nearer on the scale, after "reached it"
    distance_unit: str
    bins: str  # unit of the bins of distance in a record, which are the same on every scale
    distance_of_one: float  # decades
    text: Callable[..., str]  # of a place; `within` names those out of reach
    dated: bool  # whether places are dates

    def units(self, decades: float | str) -> float:
        """A distance in units of the scale."""
        return float(decades) / self.distance_of_one

    def distance(self, decades: float | str) -> str:
        """The same in words, such as '0.7 decades'."""
        return f"{self.units(decades):.1f} {self.distance_unit}"

    def span(self, decades: Mapping[str, float | str]) -> str:
        """Median and 90% interval of a distance: '3.3 (2.3 to 6.1) decades', 'unbounded' for infinity."""
        low, middle, high = (self.bounded(decades[name], ".3g") for name in ("q05", "q50", "q95"))
        return f"{middle} ({low if low == high else f'{low} to {high}'}) {self.distance_unit}"

    def bounded(self, decades: float | str, form: str) -> str:
        """A distance as a number of that form, without its unit; 'unbounded' where it is infinite."""
        return f"{self.units(decades):{form}}" if np.isfinite(self.units(decades)) else "unbounded"

    def spread(self, decades: float | str) -> str:
        """A spread in words, 'unbounded' where it is infinite."""
        return self.bounded(decades, ".2f") + (f" {self.distance_unit}" if np.isfinite(self.units(decades)) else "")

    def named(self, place: float | str) -> str:
        """A place with its unit, such as '3.1e23 FLOP'; 'never' has none."""
        return self.text(place) + (self.unit if np.isfinite(float(place)) else "")

    def interval(self, low: float | str, high: float | str) -> str:
        """Two places, the unit behind the last that has one: '3.1e23 to beyond 1e30 FLOP', '3.1e23 FLOP to never'."""
        first = self.text(low) if np.isfinite(float(high)) else self.named(low)
        return self.named(high) if self.text(low) == self.text(high) else f"{first} to {self.named(high)}"

    def bare(self, low: float | str, high: float | str) -> str:
        """The same below a heading that names the unit."""
        first, last = self.text(low), self.text(high)
        return first if first == last else f"{first} to {last}"

    def where(self, place: float | str) -> str:
        """A place after 'is expected': 'at 3.1e23 FLOP', 'beyond 1e30 FLOP', 'by 2027-01-01', 'after 2100'."""
        said = self.named(place)
        return f"{self.at} {said}" if said[0].isdigit() else said

    def within(self, reach: Reach | None) -> "Scale":
        """The same scale, on which places out of reach of a fit are 'beyond 1e30'; dates have one reach for all."""
        return replace(self, text=partial(self.text, reach=reach))


def _date(place: float | str, reach: Reach | None = None) -> str:
    return spoken(iso_date(float(year_of(float(place)))))


COMPUTE = Scale(
    quantity="training compute",
    threshold="threshold compute",
    axis="training compute (FLOP)",
    threshold_axis="threshold compute (FLOP)",
    column="(FLOP)",
    largest="largest",
    none="at any compute",
    at="at",
    unit=" FLOP",
    less="with less compute",
    distance_unit="decades",
    bins="decades",
    distance_of_one=1.0,
    text=format_flop,
    dated=False,
)
DATES = Scale(
    quantity="date of release",
    threshold="threshold date",
    axis="date of release",
    threshold_axis="threshold date",
    column="",
    largest="latest",
    none="at any date",
    at="by",
    unit="",
    less="earlier",
    distance_unit="years",
    bins="years",
    distance_of_one=DECADES_A_YEAR,
    text=_date,
    dated=True,
)


def scale_of(data: xr.Dataset) -> Scale:
    """That of the table of a fit, or of observations."""
    return DATES if by_date(data) else COMPUTE


def scale_of_answer(answer: Mapping[str, Any]) -> Scale:
    """That of the JSON of a threshold or of `when`, which has dates where they are the scale."""
    return DATES if "date" in answer or answer.get("scale") == "date" else COMPUTE


def named_by(*answers: Mapping[str, Any]) -> Scale:
    """That of thresholds within the reach of the runs that they rest on: what every output names places by."""
    return scale_of_answer(answers[0]).within(reach_of_answers(*answers))


def named_by_fit(data: xr.Dataset) -> Scale:
    """The same of all runs of a fit, where no threshold is at hand."""
    return scale_of(data).within(reach_of(data.log10_compute.values))

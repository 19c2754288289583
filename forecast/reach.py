"""Limits of what an output calls by a number: places far from all runs of a fit lie beyond or below them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

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

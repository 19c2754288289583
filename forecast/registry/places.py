"""Places on the scale of a table as a registered forecast holds them: log10 FLOP, or dates of a table of dates."""

import numpy as np

from models.dates import iso_date, log10_compute_of, year_of


def told_place(place: float, *, dated: bool) -> float | str:
    """A place as the file holds it."""
    return iso_date(float(year_of(place))) if dated else rounded(place)


def place_of(told: float | str) -> float:
    """The way back; dates too far to be written are infinite."""
    if isinstance(told, str) and told.startswith(("after", "before")):
        return np.inf if told.startswith("after") else -np.inf
    dated = isinstance(told, str) and told not in ("inf", "-inf")
    return float(log10_compute_of(np.datetime64(told))) if dated else float(told)


DIGITS = 7


def rounded(value: float) -> float:
    """A number with as many digits as any reader needs."""
    return float(f"{value:.{DIGITS}g}")

"""Dates: as decimal years, and in place of compute where none is known; a year counts as one decade.

So the priors of the model, which are per decade of compute, mean for a year what the growth of the largest run, 0.6
decades (`models.priors.FrontierPriors`), and the progress of recipes, 0.4 decades (`models.priors.Priors`), make of it.
Progress is in the scale itself and not estimated beside it.
"""

import numpy as np
import xarray as xr

DECADES_A_YEAR = 1.0
ZERO_YEAR = 2000.0
LAST_YEAR = 9999.0  # of a date that can be written
SPOKEN = 1900, 2100  # years that are told to readers; the last is 75 years past the runs of today
SAME = 1e-6  # decades; computes are stored as FLOP


def log10_compute_of(dates) -> np.ndarray:
    """Place of dates on the scale, in nominal decades."""
    return log10_compute_of_year(years(dates))


def log10_compute_of_year(year):
    """The same of a decimal year."""
    return DECADES_A_YEAR * (year - ZERO_YEAR)


def year_of(log10_compute):
    """Decimal year at a place on the scale; infinities stay."""
    return ZERO_YEAR + log10_compute / DECADES_A_YEAR


def is_by_date(log10_compute: np.ndarray, dates: np.ndarray) -> bool:
    """Whether computes are dates: no published compute is that of its date to a millionth of a decade."""
    return bool((abs(log10_compute - log10_compute_of(dates)) < SAME).all())  # False where a date is missing


def by_date(data: xr.Dataset) -> bool:
    """Whether the scale of a fitted table is its dates."""
    return data.attrs.get("scale") == "date"


def latest(data: xr.Dataset) -> float:
    """Decimal year of the last dated run."""
    return float(np.nanmax(years_of_runs(data)))


def iso_date(year: float) -> str:
    """A decimal year as an ISO date; 'inf', '-inf', or 'after 9999' where there is none."""
    if not np.isfinite(year):
        return str(float(year))
    if year >= LAST_YEAR + 1:
        return "after 9999"
    if year < 1.0:
        return "before 0001"
    day = np.datetime64("2000-01-01") + np.timedelta64(round((year - 2000.0) * 365.25), "D")
    return str(day)


def spoken(date: str) -> str:
    """A date of `iso_date` for readers: infinite ones are 'never' and 'always', far ones 'after 2100'."""
    first, last = SPOKEN
    words = {"inf": "never", "-inf": "always", "after 9999": f"after {last}", "before 0001": f"before {first}"}
    if date in words:
        return words[date]
    year = int(date[:4])
    return f"after {last}" if year > last else f"before {first}" if year < first else date


DAYS_A_YEAR = 365.25


def years_of_runs(data):
    """Date of each run (run) as a decimal year; NaN where unknown."""
    return years(data.date.values)


def years(dates):
    """Dates as decimal years; NaN for NaT."""
    since = (np.asarray(dates, dtype="datetime64[D]") - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")
    return 2000.0 + since / DAYS_A_YEAR


def reference_year(data):
    """The year from which progress is counted: the mean of the known dates."""
    return float(np.nanmean(years_of_runs(data)))

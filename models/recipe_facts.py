"""What the model needs to know of the recipes of a table, families and dates: plain NumPy, as in `models.facts`."""

import numpy as np

DAYS_A_YEAR = 365.25
SHORTEST_SPAN = 1.0  # years that dates must span for progress to be told from families


def has_families(data, structure):
    """Whether the table can tell families apart."""
    return structure.families and data.sizes["family"] > 1


def has_deviations(data, structure):
    """Whether the table can tell what a family is good at: several families on several tasks."""
    return structure.deviations and has_families(data, structure) and data.sizes["law"] > 1


def has_progress(data, structure):
    """Whether known dates span enough time to tell progress, and are not themselves the scale."""
    if data.attrs.get("scale") == "date":
        return False
    known = years_of_runs(data)
    known = known[np.isfinite(known)]
    return structure.progress and len(known) > 1 and bool(np.ptp(known) > SHORTEST_SPAN)


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


def family_compute(data):
    """Mean log compute of the runs of each family (family)."""
    count = np.bincount(data.family_index.values, minlength=data.sizes["family"])
    return np.bincount(data.family_index.values, data.log10_compute.values, data.sizes["family"]) / count

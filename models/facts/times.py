"""Times and sizes that runs share: half-years of release, and sizes within a recipe."""

import numpy as np

from models.dates import years_of_runs

HALF_YEAR = 0.5
YEARS_BEYOND = 5.0  # past the latest run, over which the rate of progress still wanders
SAME_SIZE = 0.02  # decades of parameters: 5%


def progress_knots(data):
    """Decimal years at which the rate of progress may change, ascending: each half-year among the dates and beyond."""
    known = years_of_runs(data)
    if not np.isfinite(known).any():
        return np.empty(0)
    first, last = np.nanmin(known), np.nanmax(known)
    return np.arange(np.floor(first / HALF_YEAR) + 1.0, (last + YEARS_BEYOND) / HALF_YEAR) * HALF_YEAR


def coords_of_times(data) -> dict[str, np.ndarray]:
    """Labels of the pieces of progress and the half-years of a table."""
    knots = progress_knots(data)
    return {
        "progress_knot": knots,
        "progress_piece": np.concatenate([knots[:1] - HALF_YEAR, knots]),
        "half_year": np.array(shared_half_years(data)[0], dtype=float),
    }


def half_years(years) -> list[float | None]:
    """The half-year that each date lies in, as the decimal year of its start; None where a date is not known."""
    return [float(np.floor(year / HALF_YEAR) * HALF_YEAR) if np.isfinite(year) else None for year in years]


def sizes(families, log10_params) -> list[tuple[str, int] | None]:
    """The size of each run within its recipe, the same where parameters agree to 5%; None where they are not known."""
    each = zip(families, np.asarray(log10_params, dtype=float).tolist(), strict=True)
    return [(str(family), round(size / SAME_SIZE)) if np.isfinite(size) else None for family, size in each]


def shared_half_years(data) -> tuple[list[float], np.ndarray]:
    """The half-years of the runs, ascending, and the place of each run's among them (run); -1 without a date."""
    labels = half_years(years_of_runs(data))
    names = sorted({label for label in labels if label is not None})
    return names, np.array([-1 if label is None else names.index(label) for label in labels])


def sizes_of_runs(data) -> list[tuple[str, int] | None]:
    """`sizes` of the runs of a table (run)."""
    return sizes(data.family.values[data.family_index.values].tolist(), data.log10_params.values)

"""Times and sizes that runs share: half-years of release, and sizes within a recipe."""

from collections.abc import Sequence

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
    """Labels of the pieces of progress, the sizes and the half-years of a table."""
    knots = progress_knots(data)
    names = [f"{family} at {10.0 ** (size * SAME_SIZE):.2g}" for family, size in shared_sizes(data)[0]]
    return {
        "progress_knot": knots,
        "progress_piece": np.concatenate([knots[:1] - HALF_YEAR, knots]),
        "size": np.array(names, dtype=object),
        "half_year": np.array(shared_half_years(data)[0], dtype=float),
    }


def half_years(years) -> list[float | None]:
    """The half-year that each date lies in, as the decimal year of its start; None where a date is not known."""
    return [float(np.floor(year / HALF_YEAR) * HALF_YEAR) if np.isfinite(year) else None for year in years]


def sizes(families, log10_params) -> list[tuple[str, int] | None]:
    """The size of each run within its recipe, the same where parameters agree to 5%; None where they are not known."""
    each = zip(families, np.asarray(log10_params, dtype=float).tolist(), strict=True)
    return [(str(family), round(size / SAME_SIZE)) if np.isfinite(size) else None for family, size in each]


def shared_half_years(data) -> tuple[list, np.ndarray]:
    """The half-years of the runs, ascending, and the place of each run's among them (run); -1 without a date."""
    return _places(half_years(years_of_runs(data)), fewest=1)


def shared_sizes(data) -> tuple[list, np.ndarray]:
    """The sizes that several runs of a recipe have, and the place of each run's among them (run); -1 for all others.

    The shock of a size that has one run alone is part of the residual of that run.
    """
    return _places(sizes_of_runs(data), fewest=2)


def sizes_of_runs(data) -> list[tuple[str, int] | None]:
    """`sizes` of the runs of a table (run)."""
    return sizes(data.family.values[data.family_index.values].tolist(), data.log10_params.values)


def _places(labels: Sequence, *, fewest: int) -> tuple[list, np.ndarray]:
    known = [label for label in labels if label is not None]
    names = sorted({label for label in known if known.count(label) >= fewest})
    place = {name: index for index, name in enumerate(names)}
    return names, np.array([place.get(label, -1) for label in labels])

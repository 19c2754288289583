"""Spread of the runs of a table along its scale: without any there is nothing to learn a slope from."""

import os

import numpy as np
import xarray as xr

from forecast.errors import Problem, TableError
from forecast.scales import scale_of
from models.dates import DAYS_A_YEAR, by_date
from models.facts.informative import hardly_varies, has_one_place


def check_spread(data: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """A `TableError` for a table whose runs all have one compute, or one date where dates are the scale."""
    if has_one_place(data):
        column = "date" if by_date(data) else "compute"
        wrong = f"{range_of_runs(data)}, so how scores change with it cannot be learned"
        raise TableError(path, [Problem(column=column, wrong=wrong, remedy=_remedy(data))])


def little_spread(data: xr.Dataset) -> str:
    """What to say of runs that hardly differ on their scale, with the remedy; empty where they do."""
    if not hardly_varies(data):
        return ""
    first, remedy = range_of_runs(data), _remedy(data)
    it = "time" if by_date(data) else "it"
    said = f"{first[0].upper()}{first[1:]}, so how scores change with {it} comes from the prior, not from the data."
    return f"{said} {remedy[0].upper()}{remedy[1:]}."


def range_of_runs(data: xr.Dataset) -> str:
    """How far apart the runs are, such as 'all runs lie within a factor of 1.5 of training compute'."""
    x, scale = data.log10_compute.values, scale_of(data)
    if has_one_place(data):
        return f"all runs have the same {scale.quantity}, {scale.named(float(x[0]))}"
    if by_date(data):
        return f"all runs were released within {round(scale.units(float(np.ptp(x))) * DAYS_A_YEAR)} days"
    return f"all runs lie within a factor of {10.0 ** float(np.ptp(x)):.2g} of {scale.quantity}"


def _remedy(data: xr.Dataset) -> str:
    if by_date(data):
        return "add runs of other years"
    dated = len(np.unique(data.date.values[~np.isnat(data.date.values)])) > 1
    other = ", or leave out compute and sizes: dates are the scale where all models have one" if dated else ""
    return f"add runs of a tenth of the compute, or less{other}"

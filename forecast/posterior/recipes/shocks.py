"""Shocks of new runs: what all runs of one new size, or of one half-year to come, have in common."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from forecast.posterior.fit import Fit
from models.dates import by_date
from models.facts.times import half_years, shared_half_years, sizes, sizes_of_runs


def new_shocks(
    fit: Fit, run: pd.Series, year: float | None, normal: Callable[[object], xr.DataArray]
) -> xr.DataArray | float:
    """Shocks of a new run, decades: dims chain, draw. `normal` gives the same numbers for the same half-year or size.

    A half-year that was fitted has its own, and the shock of a size that was fitted is in its runs. That of a new size
    of a recipe grows with the square root of the decades d of compute beyond the largest run: ``sigma sqrt(1 + d)``.
    """
    return _of_half_year(fit, year, normal) + _of_size(fit, run, normal)


def _of_half_year(fit: Fit, year: float | None, normal: Callable[[object], xr.DataArray]) -> xr.DataArray | float:
    if "half_year_shock" not in fit.posterior:
        return 0.0
    own, fitted = half_years([np.nan if year is None else year])[0], shared_half_years(fit.data)[0]
    if own in fitted:
        return fit.posterior.half_year_shock.isel(half_year=fitted.index(own), drop=True)
    return fit.posterior.sigma_half_year * normal(("half-year", own))


def _of_size(fit: Fit, run: pd.Series, normal: Callable[[object], xr.DataArray]) -> xr.DataArray | float:
    size = run["params"] if pd.notna(run["params"]) else run["compute"]
    own = sizes([run["family"]], [np.log10(size)])[0]
    if not fit.parts.shocks or by_date(fit.data) or own in sizes_of_runs(fit.data):
        return 0.0
    beyond = max(float(np.log10(run["compute"]) - fit.data.log10_compute.values.max()), 0.0)
    return fit.priors.size_sd * (1.0 + beyond) ** 0.5 * normal(("size", own))

"""Shocks of new runs: what all runs of one new size, or of one half-year to come, have in common."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from forecast.posterior.fit import Fit
from models.facts.times import half_years, shared_half_years, shared_sizes, sizes


def new_shocks(
    fit: Fit, run: pd.Series, year: float | None, normal: Callable[[object], xr.DataArray]
) -> xr.DataArray | float:
    """Shocks of a new run, decades: dims chain, draw. `normal` gives the same numbers for the same half-year or size.

    A half-year or a size that was fitted has its own. That of a new size grows with the square root of the decades d of
    compute beyond the largest run: ``sigma sqrt(1 + d)``, and ``sigma sqrt(d)`` where no two runs of a size were
    fitted, as then the shock of a size is in the residuals of its runs.
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
    posterior, log10_compute = fit.posterior, float(np.log10(run["compute"]))
    size = run["params"] if pd.notna(run["params"]) else run["compute"]
    own, beyond = sizes([run["family"]], [np.log10(size)])[0], log10_compute - fit.data.log10_compute.values.max()
    known = shared_sizes(fit.data)[0] if "size_shock" in posterior else []
    if own in known:
        return posterior.size_shock.isel(size=known.index(own), drop=True)
    sigma = posterior.get("sigma_size", fit.priors.size_sd_median)
    return sigma * np.sqrt(bool(known) + max(beyond, 0.0)) * normal(("size", own))

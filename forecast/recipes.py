"""By how much a recipe is ahead: its slope, its shift at equal compute, what it is good at, per posterior draw."""

import difflib
from collections.abc import Callable

import numpy as np
import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.law import law_name
from forecast.store import Fit
from models.facts import kinds_of_laws
from models.recipe_facts import reference_year, years_of_runs

SMALLEST_SLOPE = 0.05  # effective compute never falls with compute


def recipe_slopes(fit: Fit, family: str | None) -> xr.DataArray:
    """Decades of effective compute a decade, by piece: within a family or, for None, across typical families."""
    slopes = fit.posterior.slopes
    if family is not None or "family_slope" not in fit.posterior:
        return slopes
    return (slopes + fit.posterior.family_slope).clip(SMALLEST_SLOPE).transpose(*slopes.dims)


def recipe_shift(fit: Fit, family: str | None, year: float | None) -> xr.DataArray | float:
    """Decades by which a recipe of that family and year is ahead at equal compute: dims chain, draw.

    `family` None is the typical one. `year` None is that of the family's runs or, without a family, the latest.
    """
    if family is not None and family not in fit.data.family.values:
        known = fit.data.family.values.tolist()
        choices = difflib.get_close_matches(family, known, n=5, cutoff=0.4) or known[:10]
        listed = "; ".join(shown(choice) for choice in choices)
        raise ForecastError(f"{shown(family)} is not a family of this fit; choose one of: {listed}")
    shift = 0.0
    if family is not None and "family_effect" in fit.posterior:
        shift = shift + fit.posterior.family_effect.sel(family=family, drop=True)
    if "progress" in fit.posterior:
        known_years = years_of_runs(fit.data)
        if family is not None:
            known_years = known_years[fit.data.family_index.values == fit.data.family.values.tolist().index(family)]
        if year is None:
            year = np.nanmax(known_years, initial=-np.inf)
        shift = shift + fit.posterior.progress * ((year - reference_year(fit.data)) if np.isfinite(year) else 0.0)
    return shift


def family_deviation(fit: Fit, task: str, family: str | None) -> xr.DataArray | float:
    """By how much, in units of the laws, a family is ahead on one task beyond its effect on all."""
    if family is None or "deviation" not in fit.posterior:
        return 0.0
    return fit.posterior.deviation.sel(law=law_name(fit, task), family=family, drop=True)


def new_deviation(fit: Fit, task: str, normal: Callable[[str], xr.DataArray]) -> xr.DataArray | float:
    """The same of a family that was not fitted, from standard normal numbers by what they are of: skill, or law."""
    if "deviation" not in fit.posterior:
        return 0.0
    law, (kinds, kind) = fit.posterior, kinds_of_laws(fit.data)
    place = int(kind[int(fit.data.law_index.sel(task=task))])
    own = law.sigma_deviation.isel(kind=place, drop=True) * normal(f"deviation on {law_name(fit, task)}")
    if len(kinds) > 1:  # the skills of a family add to zero over the kinds, of which there are two
        own = own + (1 - 2 * place) * law.sigma_skill / len(kinds) ** 0.5 * normal("skill")
    return own / law.theta_scale

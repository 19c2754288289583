"""Recipes at equal compute: by how much a family and a date are ahead, on all tasks and on single ones."""

import difflib
from collections.abc import Callable

import numpy as np
import xarray as xr

from forecast.errors import ForecastError, shown
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import law_name
from forecast.table.dataset import NO_FAMILY, index_of
from forecast.table.splits import IN_YEARS
from models.dates import by_date, iso_date, reference_year, years_of_runs
from models.equations.compute import bent_compute
from models.facts.layout import kinds_of_laws


def family_shift(fit: Fit, family: str | None, year: float | None) -> xr.DataArray | float:
    """Decades by which a recipe of that family and year is ahead at equal compute: dims chain, draw.

    `family` None is the typical one. `year` None is that of the family's runs or, without a family, the latest.
    """
    _check(fit, family)
    shift = 0.0
    if family is not None and "family_effect" in fit.posterior:
        shift = shift + fit.posterior.family_effect.sel(family=family, drop=True)
    if "progress" in fit.posterior:
        shift = shift + fit.posterior.progress * elapsed_years(fit, _year_of_recipe(fit, family, year))
    return shift


def family_deviation(fit: Fit, task: str, family: str | None, year: float | None = None) -> xr.DataArray | float:
    """By how much, in units of the laws, a recipe is ahead on one task beyond what it is on all; as `family_shift`."""
    return recipe_deviation(fit, task, family) + date_deviation(fit, task, _year_of_recipe(fit, family, year))


def recipe_deviation(fit: Fit, task: str, family: str | None) -> xr.DataArray | float:
    """By how much, in units of the laws, a family is ahead on one task beyond its effect on all, whatever the date."""
    if family is None or "deviation" not in fit.posterior:
        return 0.0
    return fit.posterior.deviation.sel(law=law_name(fit, task), family=family, drop=True)


def date_deviation(fit: Fit, task: str, year: float | xr.DataArray) -> xr.DataArray | float:
    """By how much, in units of the laws, recipes of a date are ahead on one task beyond what they are on all."""
    if "progress_of_law" not in fit.posterior:
        return 0.0
    beyond = progress_of_task(fit, task) - fit.posterior.progress
    return beyond * elapsed_years(fit, year) / fit.posterior.theta_scale


def progress_of_task(fit: Fit, task: str | None) -> xr.DataArray:
    """Decades a year, at the reference date, by which recipes improve on one or a typical task: dims chain, draw."""
    if task is None or "progress_of_law" not in fit.posterior:
        return fit.posterior.progress
    return fit.posterior.progress_of_law.sel(law=law_name(fit, task), drop=True)


def elapsed_years(fit: Fit, year: float | xr.DataArray) -> xr.DataArray | float:
    """Years from the reference date, each counted as fast as progress was: see `models.progress`; 0 where unknown."""
    later = year - reference_year(fit.data)
    later = later.fillna(0.0) if isinstance(later, xr.DataArray) else later if np.isfinite(later) else 0.0
    if "progress_speed" not in fit.posterior:
        return later
    knots = pace_knots(fit) - reference_year(fit.data)
    return bent_compute(later, slopes=fit.posterior.progress_speed, knots=knots, theta_ref=0.0)


def pace_knots(fit: Fit) -> np.ndarray:
    """Decimal years (knot) at which the pace of progress changes, of a fit whose progress wanders."""
    return fit.posterior.progress_piece.values[1:]


def _year_of_recipe(fit: Fit, family: str | None, year: float | None) -> float:
    """The year asked for; else that of the family's runs or, without a family, the latest; infinite where unknown."""
    _check(fit, family)
    if year is not None:
        return year
    known = years_of_runs(fit.data)
    if family is not None:
        known = known[fit.data.family_index.values == index_of(fit.data, "family", family)]
    return float(np.nanmax(known, initial=-np.inf))


def new_deviation(fit: Fit, task: str, normal: Callable[[str], xr.DataArray]) -> xr.DataArray | float:
    """That of a family that was not fitted, from standard normal numbers by what they are of: skill, or law."""
    if "deviation" not in fit.posterior:
        return 0.0
    posterior, (kinds, kind) = fit.posterior, kinds_of_laws(fit.data)
    place = int(kind[int(fit.data.law_index.sel(task=task))])
    own = posterior.sigma_deviation.isel(kind=place, drop=True) * normal(f"deviation on {law_name(fit, task)}")
    if len(kinds) > 1:  # the skills of a family add to zero over the kinds, of which there are two
        own = own + (1 - 2 * place) * posterior.sigma_skill / len(kinds) ** 0.5 * normal("skill")
    return own / posterior.theta_scale


def check_recipe(fit: Fit, family: str | None, year: float | None) -> None:
    """A `ForecastError` where a user asks for a family or a date of recipes, of which the fit knows none."""
    if family is not None and fit.data.family.values.tolist() == [NO_FAMILY]:
        raise ForecastError(f"{shown(family)} is not a family: the table of this fit names none; leave --family out")
    _check(fit, family)
    if year is not None and "progress" not in fit.posterior:
        why = IN_YEARS if by_date(fit.data) else "the dates of its runs are unknown or span half a year at most"
        raise ForecastError(f"--date {iso_date(year)}: changes nothing, {why}; leave --date out")


def _check(fit: Fit, family: str | None) -> None:
    """A `ForecastError` that names those that were fitted, where a family was not."""
    if family is not None and family not in fit.data.family.values:
        known = fit.data.family.values.tolist()
        choices = difflib.get_close_matches(family, known, n=5, cutoff=0.4) or known[:10]
        listed = "; ".join(shown(choice) for choice in choices)
        raise ForecastError(f"{shown(family)} is not a family of this fit; choose one of: {listed}")

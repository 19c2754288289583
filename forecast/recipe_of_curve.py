"""Runs of other recipes on a curve: where a run would stand if it had been made with the recipe of the curve."""

import numpy as np
import xarray as xr

from forecast.law import split_deficit
from forecast.recipes import family_deviation, recipe_shift, recipe_slopes
from forecast.store import Fit, thinned
from models import equations
from models.scale_facts import bend_knots, reference_compute

DRAWS = 2000  # as of the curves; a median of 400 draws was off by up to 0.3 decades far from the data


def differs_by_recipe(fit: Fit) -> bool:
    """Whether runs of the fit differ by more than compute: in family or, with progress, in date."""
    return "family_effect" in fit.posterior or "progress" in fit.posterior


def compute_with_recipe(
    fit: Fit,
    task: str,
    log10_compute: np.ndarray,
    *,
    families: np.ndarray,
    years: np.ndarray,
    log10_params: np.ndarray | None = None,
    log10_tokens: np.ndarray | None = None,
    family: str | None = None,
) -> np.ndarray:
    """Log10 FLOP (run) at which the recipe of a curve has the expected score that each run's own recipe has at its own.

    ``path_F(x') + shift_F + deviation_F = path_f(x + deficit) + shift_f + deviation_f``, solved for x' draw by draw;
    its median. The deficit is what a run loses by its split into parameters and tokens, as the curve is of
    compute-optimal runs. NaN where the family of a run was not fitted.

    Parameters
    ----------
    log10_compute, families, years : of the runs (run), x; years are decimal, NaN where unknown
    log10_params, log10_tokens : of the runs (run), NaN where unknown; None: as if split optimally
    family : F, the recipe of the curve; None is the typical one at the latest date
    """
    few = thinned(fit, DRAWS)
    scale = few.posterior.theta_scale
    found = np.full(len(log10_compute), np.nan)
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    ends = {"slopes": recipe_slopes(few, family), "knots": knots, "theta_ref": reference}
    curve = recipe_shift(few, family, None) + scale * family_deviation(few, task, family)
    for own in sorted(set(families.tolist()) & set(fit.data.family.values.tolist())):
        runs = np.flatnonzero(families == own)
        x = xr.DataArray(log10_compute[runs], dims="run")
        if log10_params is not None and log10_tokens is not None:
            sizes = (xr.DataArray(size[runs], dims="run") for size in (log10_params, log10_tokens))
            x = x + split_deficit(few, *sizes).fillna(0.0)
        path = equations.bent_compute(x, slopes=recipe_slopes(few, own), knots=knots, theta_ref=reference)
        ahead = xr.concat([_shift(few, own, float(year)) for year in years[runs]], dim="run")
        place = path + ahead + scale * family_deviation(few, task, own) - curve
        moved = equations.compute_from_bent(place, **ends).reset_coords(drop=True)
        found[runs] = moved.median(("chain", "draw")).values
    return found


def _shift(fit: Fit, family: str, year: float) -> xr.DataArray:
    return recipe_shift(fit, family, year) + xr.zeros_like(fit.posterior.theta_origin)

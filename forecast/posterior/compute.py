"""Effective compute of recipes along the path, what the split of compute costs, and the way back to FLOP."""

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit, thinned
from forecast.posterior.recipes.ahead import family_deviation, family_shift
from models.dates import by_date
from models.equations import compute
from models.equations.compute import bent_compute, compute_from_bent, warm_up_deficit
from models.facts.placing import bend_knots, reference_compute

SMALLEST_SLOPE = 0.05  # effective compute never falls with compute


def path_slopes(fit: Fit, family: str | None) -> xr.DataArray:
    """Decades of effective compute a decade, by piece: within a family or, for None, across typical families."""
    slopes = fit.posterior.slopes
    if family is not None or "family_slope" not in fit.posterior:
        return slopes
    return (slopes + fit.posterior.family_slope).clip(SMALLEST_SLOPE).transpose(*slopes.dims)


def effective_compute(
    fit: Fit, log10_compute: xr.DataArray, *, family: str | None = None, shift: xr.DataArray | float = 0.0
) -> xr.DataArray:
    """Effective compute, in units of the laws, at the given log10 FLOP: dims chain, draw and those of the argument.

    ``(path(x) + shift - origin) / scale``, see `models.effective_compute`. `family`: None for the typical recipe, which
    improves with compute as the families of the table do; `shift`: all else that is added, in decades.
    """
    reference = reference_compute(fit.data)
    slopes = path_slopes(fit, family)
    path = bent_compute(log10_compute, slopes=slopes, knots=bend_knots(fit.data), theta_ref=reference)
    return (path + shift - fit.posterior.theta_origin) / fit.posterior.theta_scale


def compute_at_theta(
    fit: Fit, label: str, theta: xr.DataArray, *, family: str | None = None, year: float | None = None
) -> xr.DataArray:
    """Log10 FLOP at which a recipe is at standard effective compute theta on a task: dims chain, draw."""
    posterior, shift = fit.posterior, family_shift(fit, family, year)
    path = (theta - family_deviation(fit, label, family, year)) * posterior.theta_scale + posterior.theta_origin - shift
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    crossed_at = compute_from_bent(path, slopes=path_slopes(fit, family), knots=knots, theta_ref=reference)
    return crossed_at.reset_coords(drop=True)


def split_deficit(fit: Fit, log10_params: xr.DataArray | float, log10_tokens: xr.DataArray | float) -> xr.DataArray:
    """Decades (chain, draw) that runs lose by their split and in warm-up: zero if not fitted, NaN if N or D is."""
    posterior = fit.posterior
    if "params_exponent" not in posterior:
        return xr.zeros_like(posterior.sigma_run)
    found = compute.split_deficit(
        log10_params,
        log10_tokens,
        params_exponent=posterior.params_exponent,
        tokens_exponent=posterior.tokens_exponent,
        log10_ratio=posterior.log10_optimal_ratio,
        reference=reference_compute(fit.data),
    )
    if "warm_up_lag" in posterior:
        warm_up = {name: posterior[name] for name in ("log10_warm_up_tokens", "warm_up_lag")}
        found = found + warm_up_deficit(log10_tokens, **warm_up)
    return found


def slopes_of(fit: Fit, family: str | None) -> xr.DataArray:
    """Slopes of the path along which compute grows.

    As in `forecast.posterior.threshold` where the fit tells progress from compute. Where it does not, larger families
    of the table may be better because they are later: that is progress, so the path is that of one recipe.
    """
    return path_slopes(fit, family) if "progress" in fit.posterior or by_date(fit.data) else fit.posterior.slopes


def path_of(fit: Fit, log10_compute: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Place on the path of a compute, log10 FLOP (draw), along slopes (draw, segment)."""
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    return bent_compute(log10_compute, slopes=slopes, knots=knots, theta_ref=reference)


def compute_of(fit: Fit, path: xr.DataArray, family: str | None) -> xr.DataArray:
    """Compute at a place on the path, log10 FLOP, for the recipe of the table's last date."""
    knots, reference = bend_knots(fit.data), reference_compute(fit.data)
    found = compute_from_bent(path, slopes=slopes_of(fit, family), knots=knots, theta_ref=reference)
    return found.reset_coords(drop=True).transpose("chain", "draw", ...)


def placed(fit: Fit, theta: xr.DataArray, deviation: xr.DataArray | float, family: str | None) -> xr.DataArray:
    posterior = fit.posterior
    place = (theta - deviation) * posterior.theta_scale + posterior.theta_origin - family_shift(fit, family, None)
    return place.reset_coords(drop=True).transpose("chain", "draw", ...)


DRAWS = 2000  # as of the curves; a median of 400 draws was off by up to 0.3 decades far from the data


def differs_by_family(fit: Fit) -> bool:
    """Whether runs of the fit differ by more than compute: in family or, with progress, in date."""
    return "family_effect" in fit.posterior or "progress" in fit.posterior


def compute_as_family(
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
    ends = {"slopes": path_slopes(few, family), "knots": knots, "theta_ref": reference}
    curve = family_shift(few, family, None) + scale * family_deviation(few, task, family)
    for own in sorted(set(families.tolist()) & set(fit.data.family.values.tolist())):
        runs = np.flatnonzero(families == own)
        x = xr.DataArray(log10_compute[runs], dims="run")
        if log10_params is not None and log10_tokens is not None:
            sizes = (xr.DataArray(size[runs], dims="run") for size in (log10_params, log10_tokens))
            x = x + split_deficit(few, *sizes).fillna(0.0)
        path = bent_compute(x, slopes=path_slopes(few, own), knots=knots, theta_ref=reference)
        ahead = xr.concat([_ahead(few, task, own, float(year)) for year in years[runs]], dim="run")
        place = path + ahead - curve
        moved = compute_from_bent(place, **ends).reset_coords(drop=True)
        found[runs] = moved.median(("chain", "draw")).values
    return found


def _ahead(fit: Fit, task: str, family: str, year: float) -> xr.DataArray:
    own = fit.posterior.theta_scale * family_deviation(fit, task, family, year)
    return family_shift(fit, family, year) + own + xr.zeros_like(fit.posterior.theta_origin)

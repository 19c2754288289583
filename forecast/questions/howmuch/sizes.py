"""Sizes of runs that reach a score: the compute-optimal run, all others, and the cheapest where data are limited."""

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.posterior.threshold import threshold_draws
from models.equations.compute import cheapest_effective_tokens, optimal_sizes, params_needed, tokens_needed, tokens_seen
from models.facts.placing import reference_compute

SPLIT = ("params_exponent", "tokens_exponent", "log10_optimal_ratio")
LOG10_SIX = float(np.log10(6.0))  # FLOP a parameter and token


def optimal_run(
    fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None, seed: int = 1
) -> xr.Dataset:
    """The compute-optimal run that reaches the score, per posterior draw: dims chain, draw.

    log10_compute, log10_params, log10_tokens, params_exponent and tokens_exponent; `inf` where no run reaches the
    score, `-inf` where any does. The attribute `split` says where the exponents and the ratio come from: 'learned', or
    'prior', drawn with `seed`, where the table cannot tell. `family` and `year` as in `threshold_draws`.
    """
    compute = threshold_draws(fit, task, at, family=family, year=year)
    split, source = split_of_optimal_runs(fit, seed)
    exponents = {name: split[name] for name in ("params_exponent", "tokens_exponent")}
    half = 0.5 * (reference_compute(fit.data) - LOG10_SIX)
    reference = {
        "log10_params_ref": half - 0.5 * split.log10_optimal_ratio,
        "log10_tokens_ref": half + 0.5 * split.log10_optimal_ratio,
    }
    params, tokens = optimal_sizes(compute, **exponents, **reference)
    run = {"log10_compute": compute, "log10_params": params, "log10_tokens": tokens}
    return xr.Dataset({**run, **exponents}).reset_coords(drop=True).assign_attrs(split=source)


def tokens_of(optimal: xr.Dataset, log10_params: xr.DataArray | float) -> xr.DataArray:
    """Log tokens with which runs of N parameters reach the score: dims chain, draw and those of the argument."""
    return tokens_needed(log10_params, **_exponents_and_optimum(optimal))


def params_of(optimal: xr.Dataset, log10_tokens: xr.DataArray | float) -> xr.DataArray:
    """Log parameters with which runs of D effective tokens reach the score: dims chain, draw and those of it."""
    return params_needed(log10_tokens, **_exponents_and_optimum(optimal))


def cheapest_run(optimal: xr.Dataset, log10_unique: float) -> tuple[xr.DataArray, xr.DataArray]:
    """Log parameters and log tokens seen of the run of least compute on U unique tokens that reaches the score.

    Both are `inf` where no number of parameters and repeats suffices: dims chain, draw.
    """
    effective = cheapest_effective_tokens(
        params_exponent=optimal.params_exponent,
        tokens_exponent=optimal.tokens_exponent,
        log10_tokens_optimal=optimal.log10_tokens,
        log10_unique=log10_unique,
    )
    seen = tokens_seen(effective, log10_unique=log10_unique)
    possible, free = np.isfinite(effective), effective == -np.inf
    params = params_of(optimal, effective.where(possible, 0.0)).where(possible, np.inf).where(~free, -np.inf)
    return params, seen


def known_sizes(fit: Fit) -> dict[str, list[float]]:
    """Smallest and largest log10_params and log10_tokens of the runs of a table.

    Where no sizes are known those of the published split of its compute: 20 tokens a parameter or so.
    """
    half, ratio = (
        0.5 * (fit.data.log10_compute.values - LOG10_SIX),
        np.log(fit.priors.optimal_ratio_median) / np.log(10.0),
    )
    published = {"log10_params": half - 0.5 * ratio, "log10_tokens": half + 0.5 * ratio}
    found = {}
    for name, otherwise in published.items():
        own = fit.data[name].values
        known = own[np.isfinite(own)] if np.isfinite(own).any() else otherwise
        found[name] = [float(known.min()), float(known.max())]
    return found


def split_of_optimal_runs(fit: Fit, seed: int) -> tuple[xr.Dataset, str]:
    """Exponents and tokens per parameter of the optimal run at the reference compute, and where they come from."""
    posterior = fit.posterior
    if all(name in posterior for name in SPLIT):
        return posterior[list(SPLIT)], "learned"
    rng, like, priors = np.random.default_rng(seed), posterior.theta_origin, fit.priors
    normal = xr.DataArray(rng.standard_normal((3, *like.shape)), dims=("part", *like.dims))
    exponents = np.exp(np.log(priors.params_exponent_median) + priors.params_exponent_log_sd * normal[:2])
    log_ratio = np.log(priors.optimal_ratio_median) + priors.optimal_ratio_log_sd * normal[2]
    return xr.Dataset(dict(zip(SPLIT, (*exponents, log_ratio / np.log(10.0)), strict=True))), "prior"


def _exponents_and_optimum(optimal: xr.Dataset) -> dict[str, xr.DataArray]:
    """The arguments of `params_needed` and `tokens_needed` that the optimal run fixes."""
    names = {"log10_params_optimal": "log10_params", "log10_tokens_optimal": "log10_tokens"}
    return {name: optimal[name] for name in SPLIT[:2]} | {name: optimal[of] for name, of in names.items()}

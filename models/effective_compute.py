"""Effective compute of runs: compute corrected for family, date, published error and the residual of the run."""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models.equations.compute import bent_compute, split_deficit, warm_up_deficit
from models.facts.layout import kinds_of_laws
from models.facts.parts import (
    family_compute,
    fewest_tokens,
    has_bend,
    has_deviations,
    has_families,
    has_params_tokens,
    has_warm_up,
)
from models.facts.placing import KNOT_SPACING, bend_knots, reference_compute
from models.priors import Priors
from models.progress import progress, walk_from
from models.run_coordinates import SAME_COMPUTE, sampled_as_residuals, sampled_directly
from models.shocks import shocks
from models.structures import Parts, Structure

MANY_LAWS = 3  # from here on the laws fix a run's residual well enough to sample it directly


def effective_compute(data: xr.Dataset, parts: Parts, priors: Priors, structure: Structure = Structure()) -> tuple:
    """Effective compute of each run (run), and how far ahead it is on single laws, by family and by date.

    x is log compute less what the run loses by its split into parameters and tokens, and in warm-up.
    ``theta = path(x) + family + progress(date) + shocks + residual`` in decades. The result is standard effective
    compute, ``(theta - theta_origin) / theta_scale``. Origin and scale are the level and the slope of theta over the
    runs (see `models.facts.placing.standard_weights`), so that the result is what the scores fix. Also in units of the
    laws are the deviation of families (law, family) and of dates (law, run); None where there are none.

    The error of a published compute has the same effect on the scores as the residual of the run, so the two are one
    normal variable whose variances add up.
    """
    reference = pm.Data("reference_compute", reference_compute(data))
    x = pm.Data("log10_compute", data.log10_compute.values, dims="run")
    spread = np.ptp(data.log10_compute.values) > SAME_COMPUTE
    knots = pm.Data("knots", bend_knots(data), dims="knot")
    compute = x + _deficit(data, parts, reference, priors) if has_params_tokens(data, parts) else x
    direct = data.sizes["law"] >= MANY_LAWS and spread
    slopes = _slopes(data, parts, priors, structure, direct)
    expected = bent_compute(compute, slopes=slopes, knots=knots, theta_ref=reference)
    if has_families(data, parts):
        family = pm.Data("family_of_run", data.family_index.values.astype("int64"), dims="run")
        expected = expected + _family_effect(data, priors)[family]
    ahead, ahead_by_law = progress(data, parts, priors)
    expected = expected + ahead + shocks(data, parts, priors)
    sigma_run = pm.LogNormal("sigma_run", np.log(priors.run_sd_median), priors.run_sd_log_sd)
    sigma = pt.sqrt(sigma_run**2 + pm.Data("compute_sd", data.compute_sd.values, dims="run") ** 2)
    sample = sampled_directly if direct else sampled_as_residuals
    standard, scale = sample(data, x - reference, expected, sigma)
    return standard, _deviation(data, parts, priors, scale), None if ahead_by_law is None else ahead_by_law / scale


def _slopes(data, parts, priors, structure, direct):
    """Slope of theta on each piece between knots: a random walk in logs from 1 at the reference (segment).

    Runs that are sampled directly fix the steps among them: these steps are sampled as they are, the others in units
    of their spread.
    """
    knots = bend_knots(data)
    if not has_bend(data, parts):
        return pm.Deterministic("slopes", pt.ones(len(knots) + 1), dims="segment")
    median = priors.bend_sd_median_of_split if has_params_tokens(data, parts) else priors.bend_sd_median
    sigma = pm.LogNormal("sigma_bend", np.log(median), priors.bend_sd_log_sd)
    bends = pm.Data("bends", float(not structure.bend))
    x = data.log10_compute.values
    among = pm.Data("knot_among_runs", direct & (x.min() < knots) & (knots < x.max()), dims="knot")
    steps = pm.Normal("bend_step", 0.0, pt.where(among, sigma, 1.0), dims="knot")
    steps = bends * KNOT_SPACING**0.5 * pt.where(among, steps, sigma * steps)
    walk = pm.Data("walk", walk_from(reference_compute(data), knots), dims=("segment", "knot"))
    return pm.Deterministic("slopes", pt.exp(pt.dot(walk, steps)), dims="segment")


def _deficit(data, parts, reference, priors):
    """Compute that each run (run) loses, in decades and negative; a run of unknown parameters and tokens loses none."""
    exponents = {
        name: pm.LogNormal(name, np.log(priors.params_exponent_median), priors.params_exponent_log_sd)
        for name in ("params_exponent", "tokens_exponent")
    }
    log_ratio = pm.Normal("log_optimal_ratio", np.log(priors.optimal_ratio_median), priors.optimal_ratio_log_sd)
    log10_ratio = pm.Deterministic("log10_optimal_ratio", log_ratio / np.log(10.0))
    sizes = data.log10_params.values, data.log10_tokens.values
    known = np.isfinite(sizes).all(axis=0)
    params, tokens = (
        pm.Data(name, np.where(known, size, size[known].mean()), dims="run")
        for name, size in zip(("log10_params", "log10_tokens"), sizes, strict=True)
    )
    deficit = split_deficit(params, tokens, **exponents, log10_ratio=log10_ratio, reference=reference)
    if has_warm_up(data, parts):
        first = pm.Data("fewest_tokens", fewest_tokens(data)) + priors.log10_warm_up_beyond_fewest
        warm_up = {
            "log10_warm_up_tokens": pm.Normal("log10_warm_up_tokens", first, priors.log10_warm_up_sd),
            "warm_up_lag": pm.HalfNormal("warm_up_lag", priors.warm_up_lag_sd),
        }
        deficit = deficit + warm_up_deficit(tokens, **warm_up)
    return pt.where(pm.Data("split_known", known.astype("int64"), dims="run") > 0, deficit, 0.0)


def _family_effect(data, priors):
    """Shift of each family (family) in decades: a regression on its mean compute, and residuals that add to zero.

    Without the regression the slope between families, whose larger models also have better recipes, would be forced
    onto the slope within them, and every later family forecast too low. Dates enter through `progress`.
    """
    slope = pm.Normal("family_slope", 0.0, priors.family_slope_sd)
    sigma = pm.LogNormal("sigma_family", np.log(priors.family_sd_median), priors.family_sd_log_sd)
    residual = pm.ZeroSumNormal("family_own", sigma=sigma, dims="family")
    compute = pm.Data("family_compute", family_compute(data) - reference_compute(data), dims="family")
    return pm.Deterministic("family_effect", slope * compute + residual, dims="family")


def _deviation(data, parts, priors, scale):
    """How far each family is ahead on each law (law, family), beyond its effect on all, in units of the laws.

    Where laws are of several kinds, a family has a skill in each kind, and skills add to zero over the kinds. Its
    deviations on single laws add to zero over the laws of a kind. Both add to zero over the families.
    """
    if not has_deviations(data, parts):
        return None
    kinds, kind_of_law = kinds_of_laws(data)
    sigma = pm.LogNormal("sigma_deviation", np.log(priors.deviation_sd_median), priors.deviation_sd_log_sd, dims="kind")
    deviation = pt.zeros((data.sizes["law"], data.sizes["family"]))
    for kind, name in enumerate(kinds):
        laws = np.flatnonzero(kind_of_law == kind)
        if len(laws) > 1:
            of_kind = pm.ZeroSumNormal(
                f"deviation_{name}", sigma=sigma[kind] / scale, n_zerosum_axes=2, dims=(f"law_{name}", "family")
            )
            deviation = pt.set_subtensor(deviation[laws], of_kind)
    if len(kinds) > 1:
        sigma = pm.LogNormal("sigma_skill", np.log(priors.deviation_sd_median), priors.deviation_sd_log_sd)
        skill = pm.ZeroSumNormal("skill", sigma=sigma / scale, n_zerosum_axes=2, dims=("kind", "family"))
        deviation = deviation + skill[kind_of_law]
    return pm.Deterministic("deviation", deviation, dims=("law", "family"))

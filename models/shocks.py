"""Shocks: what all runs of one size, or of one half-year, have in common beyond what their compute and date say."""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.parts import has_half_years, has_sizes
from models.facts.times import shared_half_years, shared_sizes


def shocks(data, parts, priors):
    """Sum of the shocks of each run (run), decades."""
    total = 0.0
    if has_sizes(data, parts):
        sigma = pm.LogNormal("sigma_size", np.log(priors.size_sd_median), priors.size_sd_log_sd)
        total = total + _shock("size", sigma, shared_sizes(data)[1])
    if has_half_years(data, parts):
        sigma = pm.LogNormal("sigma_half_year", np.log(priors.half_year_sd_median), priors.half_year_sd_log_sd)
        total = total + _shock("half_year", sigma, shared_half_years(data)[1])
    return total


def _shock(kind, sigma, place):
    """Normal around zero, one for each place that runs share; zero for runs of none."""
    shock = pm.Deterministic(f"{kind}_shock", sigma * pm.Normal(f"{kind}_own", dims=kind), dims=kind)
    known = pm.Data(f"has_{kind}", (place >= 0).astype("int64"), dims="run")
    return pt.where(known > 0, shock[pm.Data(f"{kind}_of_run", place.clip(0).astype("int64"), dims="run")], 0.0)

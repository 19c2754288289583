"""Shocks: what all releases of one half-year have in common beyond what their compute and date say.

Those of sizes are drawn for new runs alone (`forecast.posterior.recipes.shocks`): a ladder of few sizes does not tell
them from the bends of its law.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.parts import has_half_years
from models.facts.times import shared_half_years


def shocks(data, parts, priors):
    """The shock of the half-year of each run (run), decades: normal around zero; zero without a date."""
    if not has_half_years(data, parts):
        return 0.0
    sigma = pm.LogNormal("sigma_half_year", np.log(priors.half_year_sd_median), priors.half_year_sd_log_sd)
    shock = pm.Deterministic("half_year_shock", sigma * pm.Normal("half_year_own", dims="half_year"), dims="half_year")
    place = shared_half_years(data)[1]
    known = pm.Data("has_half_year", (place >= 0).astype("int64"), dims="run")
    return pt.where(known > 0, shock[pm.Data("half_year_of_run", place.clip(0).astype("int64"), dims="run")], 0.0)

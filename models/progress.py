"""Progress of recipes with time: at a rate of each law's own, which wanders from half-year to half-year for all."""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.dates import reference_year, years_of_runs
from models.equations.compute import bent_compute
from models.facts.parts import has_progress, has_progress_by_law, has_progress_walk
from models.facts.times import HALF_YEAR, progress_knots


def progress(data, parts, priors):
    """Decades (run) by which recipes of a date are ahead, and how many more on each law (law, run); None where alike.

    ``p G(t)`` and ``(p_l - p) G(t)`` with ``p_l = p exp(eta_l)``: rates p, of a typical law, and p_l in decades a year.
    G(t) are the years from the reference date to t, each counted as fast as progress was: the path length over pieces
    of half a year whose log speed is a random walk from 0 at the reference. A run without date is of the reference.
    """
    if not has_progress(data, parts):
        return 0.0, None
    rate = pm.LogNormal("progress", np.log(priors.progress_median), priors.progress_log_sd)
    elapsed = _elapsed(data, parts, priors)
    if not has_progress_by_law(data, parts):
        return rate * elapsed, None
    spread = pm.LogNormal("sigma_progress", np.log(priors.progress_spread_median), priors.progress_spread_log_sd)
    own = pm.ZeroSumNormal("progress_own", dims="law")
    of_law = pm.Deterministic("progress_of_law", rate * pt.exp(spread * own), dims="law")
    return rate * elapsed, (of_law - rate)[:, None] * elapsed


def _elapsed(data, parts, priors):
    """G of each run (run), years."""
    years, reference = years_of_runs(data), reference_year(data)
    known = ~np.isnan(years)
    date = pm.Data("years", np.where(known, years - reference, 0.0), dims="run")
    if not has_progress_walk(data, parts):
        return date
    knots = progress_knots(data) - reference
    sigma = pm.LogNormal("sigma_progress_walk", np.log(priors.progress_walk_median), priors.progress_walk_log_sd)
    steps = sigma * HALF_YEAR**0.5 * pm.Normal("progress_step", dims="progress_knot")
    walk = pm.Data("progress_walk", walk_from(0.0, knots), dims=("progress_piece", "progress_knot"))
    speed = pm.Deterministic("progress_speed", pt.exp(pt.dot(walk, steps)), dims="progress_piece")
    knots = pm.Data("progress_knots", knots, dims="progress_knot")
    return bent_compute(date, slopes=speed, knots=knots, theta_ref=pm.Data("reference_date", 0.0))


def walk_from(home, knots):
    """Which steps at knots lie between each piece and the one of `home` (piece, knot): a random walk that starts there.

    The walk of pieces, cumulated away from `home` on either side, is this matrix by the steps.
    """
    start = np.searchsorted(knots, home)
    walk = np.zeros((len(knots) + 1, len(knots)))
    for piece in range(len(knots) + 1):
        walk[piece, min(piece, start) : max(piece, start)] = 1.0
    return walk

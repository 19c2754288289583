"""Effective compute of each run: compute corrected for recipe, date, published error and the run's own residual."""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import equations
from models.priors import Priors, Structure

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
MANY_TASKS = 3  # from here on the tasks fix a run's residual well enough to sample it directly
SHORTEST_DISTANCE = 0.5  # decades; a nearer second anchor would magnify noise
ANCHOR_WIDTH = 0.25  # decades: the runs that stand for an anchor
SMALLEST_SCALE = 0.05
DAYS_A_YEAR = 365.25
SMALLEST_VARIATION = 0.15  # decades, standard deviation of parameters and tokens in their least varied direction
FEWEST_SPLIT_RUNS = 5
SHORTEST_SPAN = 1.0  # years that dates must span for progress to be told from families


def effective_compute(data: xr.Dataset, structure: Structure, priors: Priors) -> tuple:
    """Effective compute of each run (run) and the deviation of its family on each task (task, family), or None.

    x is log compute less what the run loses by its split into parameters and tokens.
    ``theta = path(x) + family + progress (year - year_ref) + residual`` in decades (DESIGN 3.1); what is returned is
    ``(theta - theta_origin) / theta_scale``. Origin and scale are such that the runs at the anchors lie where the laws
    have their anchors: a shift or stretch of all residuals is then not a direction in which every law must follow.

    The error of a published compute has the same effect on the scores as the residual of the run, so the two are one
    normal variable whose variances add up.
    """
    x, knots, reference = data.log10_compute.values, bend_knots(data), reference_compute(data)
    slopes = _slopes(reference, knots, structure, priors)
    if has_params_tokens(data, structure):
        x = x + _split(data, priors)
    expected = equations.bent_compute(x, slopes=slopes, knots=knots, theta_ref=reference)
    if has_families(data, structure):
        expected = expected + _family_effect(data, priors)[data.family_index.values]
    if has_progress(data, structure):
        years = years_of_runs(data)
        expected = expected + pm.LogNormal("progress", priors.log_progress_median, priors.log_progress_sd) * (
            np.where(np.isnan(years), 0.0, years - reference_year(data))
        )
    sigma_run = pm.LogNormal("sigma_run", priors.log_run_sd_median, priors.log_run_sd_sd)
    sigma = pt.sqrt(sigma_run**2 + data.compute_sd.values**2)
    if data.sizes["task"] >= MANY_TASKS:
        theta = pm.Normal("theta", expected, sigma, dims="run")
    else:
        theta = pm.Deterministic("theta", expected + sigma * pm.Normal("run_residual", dims="run"), dims="run")
    home, far = anchors(data)
    origin = pm.Deterministic("theta_origin", pt.dot(home, theta))
    slope = (pt.dot(far, theta) - origin) / anchor_distance(data)
    # the slope itself, but never negative
    scale = pm.Deterministic("theta_scale", SMALLEST_SCALE + 0.1 * pt.softplus(10.0 * (slope - SMALLEST_SCALE)))
    return (theta - origin) / scale, _deviation(data, structure, priors, scale)


def reference_run(data):
    """Index of the run at which all laws are anchored and from which effective compute is counted.

    It is the median, in order of compute, of the runs that say most about a task, over the tasks.
    """
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    return int(order[int(np.median(np.argsort(order, kind="stable")[_informative_runs(data)]))])


def reference_compute(data):
    """Log compute of the reference run."""
    return data.log10_compute.values[reference_run(data)]


def anchors(data):
    """Weights (run) of the runs that stand for the two anchors of all laws: the reference, and the far end.

    The far end is the largest run or, where that is near the reference, the smallest. Runs of nearly the same compute
    stand for an anchor together.
    """
    x, reference = data.log10_compute.values, reference_compute(data)
    far = x.max() if x.max() - reference >= SHORTEST_DISTANCE else x.min()
    near = [np.abs(x - anchor) < ANCHOR_WIDTH for anchor in (reference, far)]
    return tuple(runs / runs.sum() for runs in near)


def anchor_distance(data):
    """Decades from the reference to the far anchor; at least half a decade, so that equal runs do no harm."""
    home, far = anchors(data)
    distance = (far - home) @ data.log10_compute.values
    return distance if abs(distance) >= SHORTEST_DISTANCE else SHORTEST_DISTANCE * (-1.0 if distance < 0 else 1.0)


def informative_place(data):
    """Where (task) the scores say most about a law, on the way from the reference, 0, to the far anchor, 1."""
    way = (data.log10_compute.values[_informative_runs(data)] - reference_compute(data)) / anchor_distance(data)
    return way.clip(0.0, 1.0)


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    x, reference = data.log10_compute.values, reference_compute(data)
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def has_params_tokens(data, structure):
    """Whether parameters and tokens of enough runs are known and vary independently (rank check of DESIGN 3.1)."""
    sizes = np.stack([data.log10_params.values, data.log10_tokens.values], axis=1)
    sizes = sizes[np.isfinite(sizes).all(axis=1)]
    if not structure.params_tokens or len(sizes) < FEWEST_SPLIT_RUNS:
        return False
    least = np.linalg.svd(sizes - sizes.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(sizes))
    return bool(least >= SMALLEST_VARIATION)


def split_deficit(log10_params, log10_tokens, *, params_exponent, tokens_exponent, log10_ratio, reference):
    """Decades by which compute split so falls short of the same compute split optimally: zero or less.

    `log10_ratio` is the log of tokens per parameter of the compute-optimal run at log compute `reference`.
    """
    half = 0.5 * (reference - np.log10(6.0))
    optimal = equations.optimal_compute(
        log10_params,
        log10_tokens,
        params_exponent=params_exponent,
        tokens_exponent=tokens_exponent,
        log10_params_ref=half - 0.5 * log10_ratio,
        log10_tokens_ref=half + 0.5 * log10_ratio,
    )
    return optimal - (np.log10(6.0) + log10_params + log10_tokens)


def has_families(data, structure):
    """Whether the table can tell families apart."""
    return structure.families and data.sizes["family"] > 1


def has_progress(data, structure):
    """Whether the table can tell progress over time: dates that span more than a year."""
    years = years_of_runs(data)
    return structure.progress and bool(np.nanmax(years, initial=0.0) - np.nanmin(years, initial=np.inf) > SHORTEST_SPAN)


def years_of_runs(data):
    """Date of each run (run) in years, NaN where unknown."""
    return years(data.date.values)


def years(dates):
    """Dates as decimal years; NaN for NaT."""
    since = (np.asarray(dates, dtype="datetime64[D]") - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")
    return 2000.0 + since / DAYS_A_YEAR


def reference_year(data):
    """The year from which progress is counted: the mean of the known dates."""
    return float(np.nanmean(years_of_runs(data)))


def family_compute(data):
    """Mean log compute of the runs of each family (family)."""
    count = np.bincount(data.family_index.values, minlength=data.sizes["family"])
    return np.bincount(data.family_index.values, data.log10_compute.values, data.sizes["family"]) / count


def _informative_runs(data):
    """The run (task) that says most about the law of a task: the last before the first that half solves it."""
    x, runs = data.log10_compute.values, []
    for t, chance in enumerate(data.chance.values):
        rows = np.flatnonzero(data.task_index.values == t)
        rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")]
        share = (data.score.values[rows] - chance) / (1.0 - chance)
        solved = np.flatnonzero(share > 0.5)
        last = max(solved[0] - 1, 0) if len(solved) else len(rows) - 1
        runs.append(data.run_index.values[rows[last]])
    return np.array(runs)


def _slopes(reference, knots, structure, priors):
    """Slope of theta on each piece between knots: a random walk in logs from 1 at the reference (segment)."""
    if not structure.bend:
        return pm.Deterministic("slopes", pt.ones(len(knots) + 1), dims="segment")
    sigma = pm.LogNormal("sigma_bend", priors.log_bend_sd_median, priors.log_bend_sd_sd)
    steps = sigma * KNOT_SPACING**0.5 * pm.Normal("bend_step", dims="knot")
    home = np.searchsorted(knots, reference)
    walk = np.zeros((len(knots) + 1, len(knots)))
    for segment in range(len(knots) + 1):
        walk[segment, min(segment, home) : max(segment, home)] = 1.0
    return pm.Deterministic("slopes", pt.exp(pt.dot(walk, steps)), dims="segment")


def _split(data, priors):
    """Deficit of each run (run); a run whose parameters or tokens are unknown counts as compute-optimal."""
    exponents = {
        name: pm.LogNormal(name, priors.log_params_exponent_mean, priors.log_params_exponent_sd)
        for name in ("params_exponent", "tokens_exponent")
    }
    log_ratio = pm.Normal("log_optimal_ratio", priors.log_optimal_ratio_mean, priors.log_optimal_ratio_sd)
    log10_ratio = pm.Deterministic("log10_optimal_ratio", log_ratio / np.log(10.0))
    sizes = data.log10_params.values, data.log10_tokens.values
    known = np.isfinite(sizes).all(axis=0)
    params, tokens = (np.where(known, size, size[known].mean()) for size in sizes)
    deficit = split_deficit(params, tokens, **exponents, log10_ratio=log10_ratio, reference=reference_compute(data))
    return pt.where(known, deficit, 0.0)


def _family_effect(data, priors):
    """Shift of each family (family) in decades: a regression on its mean compute and what is its own, adding to zero.

    Without the regression the slope between families, whose larger models also have better recipes, would be forced
    onto the slope within them, and every later family forecast too low.
    """
    slope = pm.Normal("family_slope", 0.0, priors.family_slope_sd)
    sigma = pm.LogNormal("sigma_family", priors.log_family_sd_median, priors.log_family_sd_sd)
    own = pm.ZeroSumNormal("family_own", sigma=sigma, dims="family")
    regression = slope * (family_compute(data) - reference_compute(data))
    return pm.Deterministic("family_effect", regression + own, dims="family")


def _deviation(data, structure, priors, scale):
    """How far each family is ahead on each task (task, family), beyond its effect on all, in units of the laws.

    Deviations add to zero over the families and over the tasks.
    """
    if not (structure.deviations and has_families(data, structure) and data.sizes["task"] > 1):
        return None
    sigma = pm.LogNormal("sigma_deviation", priors.log_deviation_sd_median, priors.log_deviation_sd_sd)
    return pm.ZeroSumNormal("deviation", sigma=sigma, n_zerosum_axes=2, dims=("task", "family")) / scale

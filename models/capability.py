"""The joint model of all tasks and runs of one table."""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import equations
from models.laws import surrogate_length, task_laws
from models.priors import Priors, Structure

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
MANY_TASKS = 3  # from here on the tasks fix a run's residual well enough to sample it directly
SHORTEST_DISTANCE = 0.5  # decades; a nearer second anchor would magnify noise
ANCHOR_WIDTH = 0.25  # decades: the runs that stand for an anchor
SMALLEST_SCALE = 0.05
LARGEST_LOSS = 1e200  # and its inverse the smallest: beyond them doubles have no gradient
MEAN_MARGIN = 1e-12  # keeps the beta-binomial proper where floor and success underflow


def capability_model(data: xr.Dataset, structure: Structure = Structure(), priors: Priors = Priors()) -> pm.Model:
    """Joint model of all rate rows of a table (DESIGN section 3, compute only): a `pm.Model` ready for `fit`.

    `data` is what `forecast.table.observations` gives: dims observation, run and task. Every dimension keeps its name
    and every number of the table enters through `pm.Data`, observations too.

    Named variables (dims): theta (run), exponent (task), log10_amplitude (task), nu (task), floor (task), ceiling
    (task), concentration (task), slopes (segment), theta_origin, theta_scale, sigma_run; `forecast.predict` puts them
    back into the equations. How the laws are sampled: `models.laws`.
    """
    knots = bend_knots(data)
    coords = {
        "run": data.run.values,
        "task": data.task.values,
        "knot": knots,
        "segment": np.arange(len(knots) + 1),
        "law_coordinate": ["level", "log_rise", "gap"],
    }
    with pm.Model(coords=coords) as model:
        theta = _effective_compute(data, knots, structure, priors)
        law = task_laws(data, anchor_distance(data), _informative_place(data), structure, priors) | {
            "concentration": _concentration(priors)
        }
        task, run, trials, successes = (
            pm.Data(name, data[name].values.astype("int64"), dims="observation")
            for name in ("task_index", "run_index", "trials", "successes")
        )
        row = {name: node[task] for name, node in law.items()}
        shape = {"log10_amplitude": row["log10_amplitude"], "exponent": row["exponent"], "theta_ref": 0.0}
        ends = (equations.theta_from_loss(loss, irreducible=0.0, **shape) for loss in (LARGEST_LOSS, 1 / LARGEST_LOSS))
        loss = equations.power_law_loss(pt.clip(theta[run], *ends), irreducible=0.0, **shape)
        success = _success_of_rows(loss, row["nu"], data)
        mean = equations.score_from_success(success, floor=row["floor"], ceiling=row["ceiling"])
        mean = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean
        alpha, beta = mean * row["concentration"], (1.0 - mean) * row["concentration"]
        pm.BetaBinomial("count", n=trials, alpha=alpha, beta=beta, observed=successes, dims="observation")
    return model


def reference_run(data):
    """Index of the run at which all laws are anchored and from which effective compute is counted.

    It is the median, in order of compute, of the runs that say most about a task, over the tasks.
    """
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    return int(order[int(np.median(np.argsort(order, kind="stable")[_informative_runs(data)]))])


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


def _informative_place(data):
    """Where (task) that run lies on the way from the reference, 0, to the far anchor, 1."""
    way = (data.log10_compute.values[_informative_runs(data)] - reference_compute(data)) / anchor_distance(data)
    return way.clip(0.0, 1.0)


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


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    x, reference = data.log10_compute.values, reference_compute(data)
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def success_of_task(loss, nu, *, metric, length, k):
    """Probability of success of one task under its metric: the surrogate of DESIGN section 3.3 that belongs to it."""
    if metric == "at_least_k":
        return equations.at_least_k(loss, k=int(k), length=int(length), nu=nu)
    if metric == "exact_match":
        return equations.exact_match(loss, length=length if np.isfinite(length) else 1.0, nu=nu)
    return equations.token_accuracy(loss, nu=nu)


def _effective_compute(data, knots, structure, priors):
    """Effective compute of each run (run), in decades from the reference run and in units that the runs span.

    Origin and scale are such that the runs at the anchors lie where the laws have their anchors. A shift or stretch of
    all residuals is then not a direction in which every law of every task must follow.
    """
    x, reference = data.log10_compute.values, reference_compute(data)
    slopes = _slopes(reference, knots, structure, priors)
    path = equations.bent_compute(x, slopes=slopes, knots=knots, theta_ref=reference)
    sigma = pm.LogNormal("sigma_run", priors.log_run_sd_median, priors.log_run_sd_sd)
    if data.sizes["task"] >= MANY_TASKS:
        theta = pm.Normal("theta", path, sigma, dims="run")
    else:
        theta = pm.Deterministic("theta", path + sigma * pm.Normal("run_residual", dims="run"), dims="run")
    home, far = anchors(data)
    origin = pm.Deterministic("theta_origin", pt.dot(home, theta))
    slope = (pt.dot(far, theta) - origin) / anchor_distance(data)
    scale = SMALLEST_SCALE + 0.1 * pt.softplus(10.0 * (slope - SMALLEST_SCALE))  # the slope itself, but never negative
    return (theta - origin) / pm.Deterministic("theta_scale", scale)


def _slopes(reference, knots, structure, priors):
    """Slope of theta on each piece between knots: a random walk in logs from 1 at the reference (segment)."""
    if not structure.bend:
        return pm.Deterministic("slopes", pt.ones(len(knots) + 1), dims="segment")
    steps = (
        pm.LogNormal("sigma_bend", priors.log_bend_sd_median, priors.log_bend_sd_sd)
        * KNOT_SPACING**0.5
        * pm.Normal("bend_step", dims="knot")
    )
    home = np.searchsorted(knots, reference)
    walk = np.zeros((len(knots) + 1, len(knots)))
    for segment in range(len(knots) + 1):
        walk[segment, min(segment, home) : max(segment, home)] = 1.0
    return pm.Deterministic("slopes", pt.exp(pt.dot(walk, steps)), dims="segment")


def _concentration(priors):
    log = pm.Normal("log_concentration", priors.log_concentration_mean, priors.log_concentration_sd, dims="task")
    return pm.Deterministic("concentration", pt.exp(log), dims="task")


def _success_of_rows(loss, nu, data):
    """Success of each row (observation): closed forms at once, then each (k, L) of at-least-k over its own rows."""
    length, task = surrogate_length(data), data.task_index.values
    success = equations.exact_match(loss, length=length[task], nu=nu)
    for t in np.flatnonzero(data.metric.values == "at_least_k"):
        rows = np.flatnonzero(task == t)
        own = success_of_task(
            loss[rows], nu[rows], metric="at_least_k", length=data.task_length.values[t], k=data.task_k.values[t]
        )
        success = pt.set_subtensor(success[rows], own)
    return success

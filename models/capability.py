"""The joint model of all tasks and runs of one table."""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import equations
from models.priors import Priors, Structure

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
INDEPENDENT_NU = 1e6  # frailty switched off
MANY_TASKS = 3  # from here on the tasks fix a run's residual well enough to sample it directly
SCALE_INERTIA = 0.25  # decades squared: a table of nearly equal runs keeps the unit of compute itself
MEAN_MARGIN = 1e-12  # keeps the beta-binomial proper where floor and success underflow


def capability_model(data: xr.Dataset, structure: Structure = Structure(), priors: Priors = Priors()) -> pm.Model:
    """Joint model of all rate rows of a table (DESIGN section 3, compute only): a `pm.Model` ready for `fit`.

    `data` is what `forecast.table.observations` gives: dims observation, run and task. Every dimension keeps its name
    and every number of the table enters through `pm.Data`, observations too.

    Named variables (dims): theta (run), exponent (task), log10_amplitude (task), nu (task), floor (task), ceiling
    (task), concentration (task), slopes (segment), theta_origin, theta_scale, sigma_run; `forecast.predict` puts them
    back into the equations.

    The law of a task is sampled through its success at the reference run rather than through a_t: the data fix that
    success, while a_t trades off against ceiling and nu along a curved ridge on which samplers stall.
    """
    knots = bend_knots(data)
    coords = {"run": data.run.values, "task": data.task.values, "knot": knots, "segment": np.arange(len(knots) + 1)}
    with pm.Model(coords=coords) as model:
        theta = _effective_compute(data, knots, structure, priors)
        law = _task_laws(data, structure, priors)
        task, run, trials, successes = (
            pm.Data(name, data[name].values.astype("int64"), dims="observation")
            for name in ("task_index", "run_index", "trials", "successes")
        )
        row = {name: node[task] for name, node in law.items()}
        loss = equations.power_law_loss(
            theta[run],
            irreducible=0.0,
            log10_amplitude=row["log10_amplitude"],
            exponent=row["exponent"],
            theta_ref=0.0,
        )
        success = _success_of_rows(loss, row["nu"], data)
        mean = equations.score_from_success(success, floor=row["floor"], ceiling=row["ceiling"])
        mean = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean
        alpha, beta = mean * row["concentration"], (1.0 - mean) * row["concentration"]
        pm.BetaBinomial("count", n=trials, alpha=alpha, beta=beta, observed=successes, dims="observation")
    return model


def reference_run(data):
    """Index of the run at which all laws are anchored and from which effective compute is counted.

    For each task the scores say most about its law at the last run before the first that half solves it; the reference
    is the median of these runs over the tasks, in order of compute.
    """
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    rank = np.argsort(order, kind="stable")
    anchors = []
    for t, chance in enumerate(data.chance.values):
        rows = np.flatnonzero(data.task_index.values == t)
        rows = rows[np.argsort(rank[data.run_index.values[rows]], kind="stable")]
        share = (data.score.values[rows] - chance) / (1.0 - chance)
        solved = np.flatnonzero(share > 0.5)
        last = max(solved[0] - 1, 0) if len(solved) else len(rows) - 1
        anchors.append(rank[data.run_index.values[rows[last]]])
    return int(order[int(np.median(anchors))])


def reference_compute(data):
    """Log compute of the reference run."""
    return data.log10_compute.values[reference_run(data)]


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    x, reference = data.log10_compute.values, reference_compute(data)
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def surrogate_length(data):
    """Tokens an answer must get right in the closed-form surrogate of each task (task); 1 where unknown.

    With exact match alone the length enters only as ``L * loss``, so an unknown one is absorbed by the amplitude.
    Token accuracy and multiple choice are one decision; at least k of L is anchored by its exact-match factor, k.
    """
    whole_answer = data.task_length.fillna(1.0).values
    by_metric = {"exact_match": whole_answer, "at_least_k": data.task_k.fillna(1.0).values}
    return np.choose(
        np.select([data.metric.values == name for name in by_metric], [1, 2], default=0),
        [np.ones_like(whole_answer), *by_metric.values()],
    )


def success_of_task(loss, nu, *, metric, length, k):
    """Probability of success of one task under its metric: the surrogate of DESIGN section 3.3 that belongs to it."""
    if metric == "at_least_k":
        return equations.at_least_k(loss, k=int(k), length=int(length), nu=nu)
    if metric == "exact_match":
        return equations.exact_match(loss, length=length if np.isfinite(length) else 1.0, nu=nu)
    return equations.token_accuracy(loss, nu=nu)


def _effective_compute(data, knots, structure, priors):
    """Effective compute of each run (run), in decades from the reference run and in units that the runs span.

    Origin and scale are those of the runs as they turned out. A shift or stretch of all residuals is then not a
    direction in which every law of every task must follow, which is what makes the posterior easy to sample.
    """
    x, reference = data.log10_compute.values, reference_run(data)
    slopes = _slopes(x[reference], knots, structure, priors)
    path = equations.bent_compute(x, slopes=slopes, knots=knots, theta_ref=x[reference])
    sigma = pm.LogNormal("sigma_run", priors.log_run_sd_median, priors.log_run_sd_sd)
    if data.sizes["task"] >= MANY_TASKS:
        theta = pm.Normal("theta", path, sigma, dims="run")
    else:
        theta = pm.Deterministic("theta", path + sigma * pm.Normal("run_residual", dims="run"), dims="run")
    origin = pm.Deterministic("theta_origin", theta[reference])
    distance = x - x[reference]
    scale = (pt.sum(distance * (theta - origin)) + SCALE_INERTIA) / (np.sum(distance**2) + SCALE_INERTIA)
    return (theta - origin) / pm.Deterministic("theta_scale", scale)


def _slopes(reference, knots, structure, priors):
    """Slope of theta on each piece between knots: a random walk in logs from 1 at the reference (segment)."""
    if not structure.bend:
        return pm.Deterministic("slopes", pt.ones(len(knots) + 1), dims="segment")
    steps = pm.HalfNormal("sigma_bend", priors.bend_sd) * KNOT_SPACING**0.5 * pm.Normal("bend_step", dims="knot")
    home = np.searchsorted(knots, reference)
    walk = np.zeros((len(knots) + 1, len(knots)))
    for segment in range(len(knots) + 1):
        walk[segment, min(segment, home) : max(segment, home)] = 1.0
    return pm.Deterministic("slopes", pt.exp(pt.dot(walk, steps)), dims="segment")


def _task_laws(data, structure, priors):
    """Parameters of each task (task), by their name in the equations."""
    nu = _frailty(data, structure, priors)
    floor = _floor(data, structure, priors)
    logit = _pooled(
        "reference_logit",
        pm.Normal("reference_logit_mean", priors.reference_logit_mean, priors.reference_logit_sd),
        pm.LogNormal("reference_logit_spread", priors.reference_logit_spread_median, priors.reference_logit_spread_sd),
    )
    at_reference, log_at_reference = pm.math.sigmoid(logit), -pt.softplus(-logit)
    top = pt.ones_like(logit)
    if structure.free_ceiling:
        gap = pm.math.invprobit(pm.Normal("ceiling_gap", dims="task")) ** priors.ceiling_gap_power
        top = 1.0 - (1.0 - at_reference) * gap
    # The data fix how steeply the score rises, nu alpha (1 - S^(1/nu)); sampled is its log, the prior is on alpha.
    steepness = pt.log(-nu * pt.expm1(log_at_reference / nu))
    log_exponent = (
        _pooled(
            "log_steepness",
            pm.Normal("log_exponent_mean", priors.log_exponent_mean, priors.log_exponent_sd) + steepness,
            pm.LogNormal("log_exponent_spread", priors.log_exponent_spread_median, priors.log_exponent_spread_sd),
        )
        - steepness
    )
    exponent = pm.Deterministic("exponent", pt.exp(log_exponent), dims="task")
    # loss at the reference from S = success / top, as in loss_from_exact_match
    loss_at_reference = nu / surrogate_length(data) * pt.expm1((pt.log(top) - log_at_reference) / nu)
    log_concentration = pm.Normal(
        "log_concentration", priors.log_concentration_mean, priors.log_concentration_sd, dims="task"
    )
    return {
        "nu": nu,
        "floor": floor,
        "ceiling": pm.Deterministic("ceiling", floor + (1.0 - floor) * top, dims="task"),
        "log10_amplitude": pm.Deterministic("log10_amplitude", pt.log10(loss_at_reference), dims="task"),
        "exponent": exponent,
        "concentration": pm.Deterministic("concentration", pt.exp(log_concentration), dims="task"),
    }


def _pooled(name, centre, spread):
    return pm.Normal(name, centre, spread, dims="task")


def _frailty(data, structure, priors):
    if not structure.frailty:
        return pm.Deterministic("nu", pt.full(data.sizes["task"], INDEPENDENT_NU), dims="task")
    shared = pm.Normal("log_nu_mean", priors.log_frailty_mean, priors.log_frailty_sd)
    own = pm.Normal("log_nu_own", dims="task")
    return pm.Deterministic("nu", pt.exp(shared + priors.log_frailty_spread * own), dims="task")


def _floor(data, structure, priors):
    """Success of guessing (task): `chance` where the table gives one, otherwise small and learned."""
    chance = data.chance.values
    if not structure.free_floor:
        return pm.Deterministic("floor", pt.as_tensor(chance), dims="task")
    shared = pm.Normal("floor_logit_mean", priors.floor_logit_mean, priors.floor_logit_sd)
    spread = pm.HalfNormal("floor_logit_spread", priors.floor_logit_spread)
    guessing = pm.math.sigmoid(shared + spread * pm.Normal("floor_logit_own", dims="task"))
    return pm.Deterministic("floor", pt.switch(chance > 0, chance, guessing), dims="task")


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

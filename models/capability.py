"""The joint model of all tasks and runs of one table."""

from functools import partial

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import equations
from models.effective_compute import anchor_distance, bend_knots, effective_compute, informative_place
from models.laws import surrogate_length, task_laws
from models.priors import Priors, Structure

LARGEST_LOSS = 1e200  # and its inverse the smallest: beyond them doubles have no gradient
MEAN_MARGIN = 1e-12  # keeps the beta-binomial proper where floor and success underflow


def capability_model(data: xr.Dataset, structure: Structure = Structure(), priors: Priors = Priors()) -> pm.Model:
    """Joint model of all rate rows of a table (DESIGN section 3): a `pm.Model` ready for `fit`. Loss rows are not used.

    `data` is what `forecast.table.observations` gives: dims observation, run, task and family. Every dimension keeps
    its name; counts and indices enter through `pm.Data`, facts of runs and tasks as constants.

    Named variables (dims): theta (run), exponent (task), log10_amplitude (task), nu (task), floor (task), ceiling
    (task), concentration (task), slopes (segment), theta_origin, theta_scale, sigma_run; where the table supports them
    family_effect (family), deviation (task, family), progress, params_exponent, tokens_exponent, log10_optimal_ratio.
    `forecast.predict` puts them back into the equations. How the laws are sampled: `models.laws`.
    """
    with pm.Model(coords=_coords(data)) as model:
        theta, deviation = effective_compute(data, structure, priors)
        law = task_laws(data, anchor_distance(data), informative_place(data), structure, priors)
        task, run, trials, successes = (
            pm.Data(name, data[name].values.astype("int64"), dims="observation")
            for name in ("task_index", "run_index", "trials", "successes")
        )
        row = {name: node[task] for name, node in (law | {"concentration": _concentration(priors)}).items()}
        theta_of_row = theta[run]
        if deviation is not None:
            theta_of_row = theta_of_row + deviation[task, data.family_index.values[data.run_index.values]]
        success = _success_of_rows(_loss(theta_of_row, row), row["nu"], data)
        mean = equations.score_from_success(success, floor=row["floor"], ceiling=row["ceiling"])
        _counts(mean, row["concentration"], trials, successes, structure, priors)
    return model


def _coords(data):
    knots = bend_knots(data)
    return {
        "run": data.run.values,
        "task": data.task.values,
        "family": data.family.values,
        "knot": knots,
        "segment": np.arange(len(knots) + 1),
        "law_coordinate": ["level", "log_rise", "gap"],
    }


def success_of_task(loss, nu, *, metric, length, k):
    """Probability of success of one task under its metric: the surrogate of DESIGN section 3.3 that belongs to it."""
    if metric == "at_least_k":
        return equations.at_least_k(loss, k=int(k), length=int(length), nu=nu)
    if metric == "exact_match":
        return equations.exact_match(loss, length=length if np.isfinite(length) else 1.0, nu=nu)
    return equations.token_accuracy(loss, nu=nu)


def _loss(theta, law):
    """Loss at effective compute theta, kept where doubles have a gradient."""
    shape = {"irreducible": 0.0, "theta_ref": 0.0} | {name: law[name] for name in ("log10_amplitude", "exponent")}
    ends = (equations.theta_from_loss(loss, **shape) for loss in (LARGEST_LOSS, 1.0 / LARGEST_LOSS))
    return equations.power_law_loss(pt.clip(theta, *ends), **shape)


def _counts(mean, concentration, trials, successes, structure, priors):
    """Beta-binomial counts or, for a small share of broken evaluations, any count alike (observation)."""
    mean = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean
    alpha, beta = mean * concentration, (1.0 - mean) * concentration
    if not structure.broken_rows:
        pm.BetaBinomial("count", n=trials, alpha=alpha, beta=beta, observed=successes, dims="observation")
        return
    pm.CustomDist(
        "count",
        trials,
        alpha,
        beta,
        logp=partial(_log_density_of_counts, share=priors.broken_share),
        random=partial(_draw_counts, share=priors.broken_share),
        signature="(),(),()->()",
        dtype="int64",
        observed=successes,
        dims="observation",
    )


def _log_density_of_counts(count, trials, alpha, beta, *, share):
    sound = pm.logp(pm.BetaBinomial.dist(n=trials, alpha=alpha, beta=beta), count)
    return pt.logaddexp(np.log1p(-share) + sound, np.log(share) - pt.log1p(trials))


def _draw_counts(trials, alpha, beta, *, share, rng=None, size=None):
    sound = rng.binomial(trials, rng.beta(alpha, beta, size=size))
    return np.where(rng.uniform(size=np.shape(sound)) < share, rng.integers(trials + 1, size=np.shape(sound)), sound)


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

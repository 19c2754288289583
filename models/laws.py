"""The law of each task: floor, ceiling, frailty and a power law of the loss, in coordinates that a sampler walks well.

Priors are on the quantities of DESIGN section 3: success at the reference run, exponent, ceiling, nu. Data fix other
ones: the success at two places, the reference (S_0) and the far end of the runs (S_1). Sampled are therefore

    level                                      logit S where along the way the scores of the task say most
    logit S_0 = level -+ where exp(log_rise)   `where` from 0, at the reference, to 1, at the far end
    logit S_1 = logit S_0 +- exp(log_rise)     `distance` decades from the reference
    ceiling of S = 1 - (1 - S_upper) Phi(gap)^power,  S_upper the larger of the two

and the priors are carried over by the Jacobian of this change of variables. A ceiling below a score already reached, a
wall in the natural coordinates, does not exist in these.
"""

from functools import partial

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt
from scipy import special

from models.priors import Priors, Structure

INDEPENDENT_NU = 1e6  # frailty switched off
LN10 = np.log(10.0)
TINY = 1e-290  # keeps a logarithm finite where doubles underflow


def task_laws(data: xr.Dataset, distance: float, where: np.ndarray, structure: Structure, priors: Priors) -> dict:
    """Parameters of each task (task), by their name in the equations: nu, floor, ceiling, log10_amplitude, exponent.

    `distance` is that of the far anchor from the reference, in decades; `where` (task) is explained above.
    """
    nu, floor = _frailty(data, structure, priors), _floor(data, structure, priors)
    power = priors.ceiling_gap_power if structure.free_ceiling else np.inf
    coordinates = pm.CustomDist(
        "law_coordinates",
        nu,
        where,
        pm.Normal("reference_logit_mean", priors.reference_logit_mean, priors.reference_logit_sd),
        pm.LogNormal("reference_logit_spread", priors.reference_logit_spread_median, priors.reference_logit_spread_sd),
        pm.Normal("log_exponent_mean", priors.log_exponent_mean, priors.log_exponent_sd),
        pm.LogNormal("log_exponent_spread", priors.log_exponent_spread_median, priors.log_exponent_spread_sd),
        logp=partial(_log_density, distance=distance, power=power),
        random=partial(_draw, distance=distance, power=power),
        signature="(),(),(),(),(),()->(3)",
        dims=("task", "law_coordinate"),
    )
    law = _law(coordinates, nu, where, distance, power)
    amplitude = pt.log10(law["hazard"] / surrogate_length(data))
    return {
        "nu": nu,
        "floor": floor,
        "ceiling": pm.Deterministic("ceiling", floor + (1.0 - floor) * pt.exp(law["log_top"]), dims="task"),
        "log10_amplitude": pm.Deterministic("log10_amplitude", amplitude, dims="task"),
        "exponent": pm.Deterministic("exponent", law["exponent"], dims="task"),
    }


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


def _law(value, nu, where, distance, power):
    """The law behind the coordinates, as PyTensor nodes; hazards are length times loss, as in loss_from_exact_match."""
    level, log_rise, gap = value[..., 0], value[..., 1], value[..., 2]
    rise = np.sign(distance) * pt.exp(log_rise)
    logit, far_logit = level - where * rise, level + (1.0 - where) * rise
    log_success, log_far_success = -pt.softplus(-logit), -pt.softplus(-far_logit)
    log_miss, log_upper_miss = -pt.softplus(logit), -pt.softplus(pt.maximum(logit, far_logit))
    log_top = pt.log1p(-pt.exp(log_upper_miss) * pm.math.invprobit(gap) ** power)
    hazard = nu * pt.expm1((log_top - log_success) / nu) + TINY
    far_hazard = nu * pt.expm1((log_top - log_far_success) / nu) + TINY
    return {
        "logit": logit,
        "log_far_miss": -pt.softplus(far_logit),
        "log_top": log_top,
        "hazard": hazard,
        "exponent": (pt.log(hazard) - pt.log(far_hazard)) / (LN10 * distance),
        # d log hazard / d log S at the far anchor is minus the inverse of this
        "elasticity": -nu * pt.expm1((log_far_success - log_top) / nu) + TINY,
        # u of the prior, where the ceiling lies 1 - (1 - S_0) u^power, is this much narrower than Phi(gap)
        "log_shrinkage": (log_upper_miss - log_miss) / power,
    }


def _log_density(value, nu, where, logit_mean, logit_sd, mean, sd, *, distance, power):
    """Prior of (logit S_0, log exponent, u uniform) in the coordinates (level, log_rise, gap)."""
    law = _law(value, nu, where, distance, power)
    log_exponent = pt.log(law["exponent"])
    log_scale = log_exponent + pt.log(law["elasticity"] * LN10 * abs(distance))
    log_jacobian = value[..., 1] + law["log_far_miss"] - log_scale + law["log_shrinkage"]
    prior = _log_normal(law["logit"], logit_mean, logit_sd) + _log_normal(log_exponent, mean, sd)
    return prior + _log_normal(value[..., 2], 0.0, 1.0) + log_jacobian


def _log_normal(value, mean, sd):
    return pm.logp(pm.Normal.dist(), (value - mean) / sd) - pt.log(sd)


def _draw(nu, where, logit_mean, logit_sd, mean, sd, *, distance, power, rng=None, size=None):
    """The same prior drawn: success, exponent and ceiling first, then the coordinates that mean them."""
    parameters = (nu, where, logit_mean, logit_sd, mean, sd)
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters), size or ())
    logit = logit_mean + logit_sd * rng.standard_normal(shape)
    exponent = np.exp(mean + sd * rng.standard_normal(shape))
    uniform = rng.uniform(size=shape)
    log_top = np.log1p(-special.expit(-logit) * uniform**power)
    hazard = nu * np.expm1((log_top - special.log_expit(logit)) / nu)
    log_far_success = log_top - nu * np.logaddexp(0.0, np.log(hazard / nu + TINY) - LN10 * exponent * distance)
    far_logit = log_far_success - np.log(-np.expm1(log_far_success) + TINY)
    upper_miss = special.expit(-np.maximum(logit, far_logit))
    share = uniform * (special.expit(-logit) / upper_miss) ** (1.0 / power)
    gap = special.ndtri(share.clip(TINY, 1.0 - 1e-16))
    return np.stack([logit + where * (far_logit - logit), np.log(np.abs(far_logit - logit) + TINY), gap], axis=-1)


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
    guessing = pm.Normal(
        "floor_logit",
        pm.Normal("floor_logit_mean", priors.floor_logit_mean, priors.floor_logit_sd),
        pm.LogNormal("floor_logit_spread", priors.floor_logit_spread_median, priors.floor_logit_spread_sd),
        dims="task",
    )
    return pm.Deterministic("floor", pt.switch(chance > 0, chance, pm.math.sigmoid(guessing)), dims="task")

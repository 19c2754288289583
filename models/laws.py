"""The law of each loss: frailty, irreducible part and power law, in coordinates that a sampler walks well.

Priors are on the quantities of DESIGN section 3: success at the reference run, exponent, ceiling, nu. Data fix other
ones: the success at two places, the reference (S_0) and the far end of the runs (S_1). Sampled are therefore

    level                                      logit S where along the way the scores of the law say most
    logit S_0 = level -+ where exp(log_rise)   `where` from 0, at the reference, to 1, at the far end
    logit S_1 = logit S_0 +- exp(log_rise)     `distance` decades from the reference
    top of S = 1 - (1 - S_upper) Phi(gap)^power,  S_upper the larger of the two

and the priors are carried over by the Jacobian of this change of variables. A top below a score already reached, a wall
in the natural coordinates, does not exist in these.

S is the success of the main task of a law in its closed-form surrogate. Its top is a ceiling or, where loss or several
rates of the same answers are seen, what the irreducible loss leaves: for one surrogate the two are the same curve,

    top (1 + L R / nu)^-nu = (1 + L (E + R') / nu)^-nu   with   1 + L E / nu = top^(-1/nu),   R' = R top^(-1/nu)

A law seen by measured losses alone has nu = 1, so that logit S is minus the log of the loss.
"""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt
from scipy import special

from models import facts
from models.priors import Priors, Structure

INDEPENDENT_NU = 1e6  # frailty switched off
NO_GAP = 1e9  # power of a ceiling that is 1: Phi(gap) to it underflows for any gap in reach
LN10 = np.log(10.0)
TINY = 1e-290  # keeps a logarithm finite where doubles underflow


def laws(data: xr.Dataset, structure: Structure, priors: Priors) -> dict:
    """Parameters of each law (law), by their name in the equations, and `top`, the success that no compute exceeds.

    nu (at the reference where it drifts), irreducible (nats), log10_amplitude and exponent, per decade of standard
    effective compute; where a table has laws seen by several rates, frailty_drift (per decade) and token_floor, both
    zero for the other laws.
    """
    where = pm.Data("informative_place", facts.informative_place(data), dims="law")
    length = pm.Data("surrogate_length", facts.surrogate_length(data), dims="law")
    distance = pm.Data("anchor_distance", facts.anchor_distance(data))
    nu = _frailty(data, structure, priors)
    coordinates = pm.CustomDist(
        "law_coordinates",
        nu,
        where,
        *_expected(data, priors),
        _power(data, structure, priors),
        distance,
        logp=_log_density,
        random=_draw,
        signature="(),(),(),(),(),(),(),()->(3)",
        dims=("law", "law_coordinate"),
    )
    law = _law(coordinates, nu, where, _power(data, structure, priors), distance)
    open_end = facts.has_irreducible(data)
    stretch = pt.where(open_end, pt.exp(-law["log_top"] / nu), 1.0)
    irreducible = pt.where(open_end, nu * pt.expm1(-law["log_top"] / nu) / length, 0.0)
    amplitude = pt.log10(law["hazard"] * stretch / length)
    return {
        "nu": nu,
        "irreducible": pm.Deterministic("irreducible", irreducible, dims="law"),
        "top": pt.where(open_end, 1.0, pt.exp(law["log_top"])),
        "log10_amplitude": pm.Deterministic("log10_amplitude", amplitude, dims="law"),
        "exponent": pm.Deterministic("exponent", law["exponent"], dims="law"),
    } | _several_rates(data, structure, priors)


def _expected(data, priors):
    """Prior mean and sd of logit S_0 and of the log exponent (law): pooled over laws of one kind; fixed for losses.

    Choices rise slowly. Pooled with them, the exponents of tasks that are still at zero would be thought small too.
    """
    kind = facts.kinds_of_laws(data)[1]
    logit = (
        pm.Normal("reference_logit_mean", priors.reference_logit_mean, priors.reference_logit_sd, dims="kind")[kind],
        pm.LogNormal("reference_logit_spread", priors.reference_logit_spread_median, priors.reference_logit_spread_sd),
    )
    exponent = (
        pm.Normal("log_exponent_mean", priors.log_exponent_mean, priors.log_exponent_sd, dims="kind")[kind],
        pm.LogNormal("log_exponent_spread", priors.log_exponent_spread_median, priors.log_exponent_spread_sd),
    )
    of_loss = priors.log_loss_exponent_mean, priors.log_loss_exponent_sd
    if "params_exponent" in (model := pm.modelcontext(None)).named_vars:
        each = model["params_exponent"], model["tokens_exponent"]
        of_loss = pt.log(each[0] * each[1] / (each[0] + each[1])), priors.log_loss_exponent_sd_of_split
    losses = facts.is_loss_law(data)
    pairs = (logit, (-priors.log_loss_mean, priors.log_loss_sd)), (exponent, of_loss)
    return [pt.where(losses, own, pooled) for rates, loss in pairs for pooled, own in zip(rates, loss, strict=True)]


def _power(data, structure, priors):
    """Power of the gap of each law (law): how near to 1 the top is expected."""
    of_rate = priors.ceiling_gap_power if structure.free_ceiling else NO_GAP
    return np.where(facts.is_loss_law(data), priors.loss_gap_power, of_rate)


def _several_rates(data, structure, priors):
    """Drift of frailty and floor of each token (law), for laws that several rates look at; zero for the other laws."""
    found = {}
    if (drifts := facts.has_drift(data, structure)).any():
        own = pm.Normal("frailty_drift_own", dims="law")
        drift = priors.frailty_drift_mean + priors.frailty_drift_sd * own
        found["frailty_drift"] = pm.Deterministic("frailty_drift", pt.where(drifts, drift, 0.0), dims="law")
    if (guesses := facts.has_token_floor(data, structure)).any():
        own = pm.Normal("token_floor_own", dims="law")
        floor = pm.math.sigmoid(priors.token_floor_logit_mean + priors.token_floor_logit_sd * own)
        found["token_floor"] = pm.Deterministic("token_floor", pt.where(guesses, floor, 0.0), dims="law")
    return found


def _law(value, nu, where, power, distance):
    """The law behind the coordinates, as PyTensor nodes; hazards are length times loss, as in loss_from_exact_match."""
    level, log_rise, gap = value[..., 0], value[..., 1], value[..., 2]
    rise = pt.sign(distance) * pt.exp(log_rise)
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


def _log_density(value, nu, where, logit_mean, logit_sd, mean, sd, power, distance):
    """Prior of (logit S_0, log exponent, u uniform) in the coordinates (level, log_rise, gap)."""
    law = _law(value, nu, where, power, distance)
    log_exponent = pt.log(law["exponent"])
    log_scale = log_exponent + pt.log(law["elasticity"] * LN10 * pt.abs(distance))
    log_jacobian = value[..., 1] + law["log_far_miss"] - log_scale + law["log_shrinkage"]
    prior = _log_normal(law["logit"], logit_mean, logit_sd) + _log_normal(log_exponent, mean, sd)
    return prior + _log_normal(value[..., 2], 0.0, 1.0) + log_jacobian


def _log_normal(value, mean, sd):
    return pm.logp(pm.Normal.dist(), (value - mean) / sd) - pt.log(sd)


def _draw(nu, where, logit_mean, logit_sd, mean, sd, power, distance, *, rng=None, size=None):
    """The same prior drawn: success, exponent and ceiling first, then the coordinates that mean them."""
    parameters = (nu, where, logit_mean, logit_sd, mean, sd)
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters), size or ())
    logit = logit_mean + logit_sd * rng.standard_normal(shape)
    exponent = np.exp(mean + sd * rng.standard_normal(shape))
    uniform = rng.uniform(size=shape)
    log_top = np.log1p(-special.expit(-logit) * uniform**power)
    log_ratio = (log_top - special.log_expit(logit)) / nu
    log_hazard = log_ratio + np.log(-np.expm1(-log_ratio) + TINY)  # of hazard / nu, which itself may overflow
    log_far_success = log_top - nu * np.logaddexp(0.0, log_hazard - exponent * distance * LN10)
    far_logit = log_far_success - np.log(-np.expm1(log_far_success) + TINY)
    upper_miss = special.expit(-np.maximum(logit, far_logit))
    share = uniform * (special.expit(-logit) / upper_miss) ** (1.0 / power)
    gap = special.ndtri(share.clip(TINY, 1.0 - 1e-16))
    return np.stack([logit + where * (far_logit - logit), np.log(np.abs(far_logit - logit) + TINY), gap], axis=-1)


def _frailty(data, structure, priors):
    losses = facts.is_loss_law(data)
    if not structure.frailty:
        return pm.Deterministic("nu", pt.as_tensor(np.where(losses, 1.0, INDEPENDENT_NU)), dims="law")
    shared = pm.Normal("log_nu_mean", priors.log_frailty_mean, priors.log_frailty_sd, dims="kind")
    shared = shared[facts.kinds_of_laws(data)[1]]
    own = pm.Normal("log_nu_own", dims="law")
    nu = pt.exp(shared + priors.log_frailty_spread * own)
    return pm.Deterministic("nu", pt.where(losses, 1.0, nu), dims="law")

"""Laws of loss: frailty, irreducible part and power law.

How they are sampled: `models.law_coordinates`. A law seen by measured losses alone has nu = 1, so that the logit of its
success is minus the log of the loss.
"""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models.facts import placing
from models.facts.layout import is_loss_law, kinds_of_laws
from models.facts.parts import has_drift, has_irreducible, has_token_floor, is_frailty_open
from models.facts.placing import is_informative, reference_compute, surrogate_length
from models.law_coordinates import LN10, TINY, draw_law, law_of_coordinates, log_density_of_law
from models.priors import Priors
from models.structures import Parts, Structure

INDEPENDENT_NU = 1e6  # frailty switched off
NO_GAP = 1e9  # power of a ceiling that is 1: Phi(gap) to it underflows for any gap in reach


def laws(data: xr.Dataset, parts: Parts, priors: Priors, structure: Structure = Structure(), *, floor_logit) -> dict:
    """Parameters of each law (law), by their name in the equations, and `top`, the success that no compute exceeds.

    `floor_logit` (law) is that of a chance of guessing to be learned, far below zero where there is none.
    nu (at the reference where it drifts), irreducible (nats), log10_amplitude and exponent, per decade of standard
    effective compute; where a table has laws seen by several rates, frailty_drift (per decade) and token_floor, both
    zero for the other laws.
    """
    length = pm.Data("surrogate_length", surrogate_length(data), dims="law")
    nu, power = _frailty(data, parts, priors, structure), _power(data, parts, priors, structure)
    law = _informative_and_others(data, nu, power, _expected(data, priors), floor_logit)
    open_end = has_irreducible(data)
    stretch = pt.where(open_end, pt.exp(-law["log_top"] / nu), 1.0)
    irreducible = pt.where(open_end, nu * pt.expm1(-law["log_top"] / nu) / length, 0.0)
    amplitude = (law["log_hazard"] + pt.log(stretch / length)) / LN10
    return {
        "nu": nu,
        "irreducible": pm.Deterministic("irreducible", irreducible, dims="law"),
        "top": pt.where(open_end, 1.0, pt.exp(law["log_top"])),
        "log10_amplitude": pm.Deterministic("log10_amplitude", amplitude, dims="law"),
        "exponent": pm.Deterministic("exponent", law["exponent"], dims="law"),
    } | _several_rates(data, parts, priors)


def _informative_and_others(data, nu, power, expected, floor_logit):
    """log_top, log_hazard and exponent (law): of laws whose scores say how they rise, and of the others."""
    informative, parts = is_informative(data), []
    place, distance = placing.anchors(data)

    def own(name, which, *values):
        if which.all():
            return values
        index = pm.Data(f"{name}_laws", np.flatnonzero(which), dims=f"{name}_law")
        return [value[index] for value in values]

    if informative.any():
        anchors = (
            pm.Data("anchor", (place - reference_compute(data))[informative], dims="informative_law"),
            pm.Data("anchor_distance", distance[informative], dims="informative_law"),
        )
        given = (*own("informative", informative, nu, *expected, power, floor_logit), *anchors)
        coordinates = pm.CustomDist(
            "law_coordinates",
            *given,
            logp=log_density_of_law,
            random=draw_law,
            signature="(),(),(),(),(),(),(),(),()->(3)",
            dims=("informative_law", "law_coordinate"),
        )
        parts.append(law_of_coordinates(coordinates, given[0], *given[-4:]))
    if not informative.all():
        standard = pm.Normal("law_standard", dims=("uninformative_law", "law_coordinate"))
        parts.append(_uninformative_law(standard, *own("uninformative", ~informative, nu, *expected, power)))
    names = "log_top", "log_hazard", "exponent"
    if len(parts) == 1:
        return {name: parts[0][name] for name in names}
    order = np.argsort(np.concatenate([np.flatnonzero(informative), np.flatnonzero(~informative)]))
    order = pm.Data("law_order", order, dims="law")
    return {name: pt.concatenate([part[name] for part in parts])[order] for name in names}


def _uninformative_law(standard, nu, logit_mean, logit_sd, mean, sd, power):
    """The law of standard normal coordinates (3): of logit S_0, of the log exponent and of u of the ceiling."""
    logit = logit_mean + logit_sd * standard[..., 0]
    log_top = pt.log1p(-pt.exp(-pt.softplus(logit) + power * pm.logcdf(pm.Normal.dist(), standard[..., 2])))
    log_ratio = (log_top + pt.softplus(-logit)) / nu
    return {
        "log_top": log_top,
        "log_hazard": pt.log(nu * pt.expm1(log_ratio) + TINY),
        "exponent": pt.exp(mean + sd * standard[..., 1]),
    }


def _expected(data, priors):
    """Prior mean and sd of logit S_0 and of the log exponent (law): pooled over laws of one kind; fixed for losses.

    Choices rise slowly. Pooled with them, the exponents of tasks that are still at zero would be thought small too.
    """
    kind = kinds_of_laws(data)[1]
    logit = (
        pm.Normal("reference_logit_mean", priors.reference_logit_mean, priors.reference_logit_sd, dims="kind")[kind],
        pm.LogNormal("reference_logit_spread", priors.reference_logit_spread_median, priors.reference_logit_spread_sd),
    )
    exponent = (
        pm.Normal("log_exponent_mean", np.log(priors.exponent_median), priors.exponent_log_sd, dims="kind")[kind],
        pm.LogNormal("log_exponent_spread", np.log(priors.exponent_spread_median), priors.exponent_spread_log_sd),
    )
    losses, of_loss = is_loss_law(data), (np.log(priors.loss_exponent_median), priors.loss_exponent_log_sd)
    if "params_exponent" in (model := pm.modelcontext(None)).named_vars:
        each = model["params_exponent"], model["tokens_exponent"]
        own = each[0] * each[1] / (each[0] + each[1])  # per decade of effective compute itself
        lone = len(losses) == 1
        sd = priors.loss_exponent_log_sd_of_own_split if lone else priors.loss_exponent_log_sd_of_split
        of_loss = pt.log(own * model["theta_scale"]), sd
    pairs = (logit, (-np.log(priors.loss_median), priors.loss_log_sd)), (exponent, of_loss)
    return [pt.where(losses, own, pooled) for rates, loss in pairs for pooled, own in zip(rates, loss, strict=True)]


def _power(data, parts, priors, structure):
    """Power of the gap of each law (law): how near to 1 the top is expected."""
    of_rate = priors.ceiling_gap_power if parts.free_ceiling else NO_GAP
    power = np.where(is_loss_law(data), priors.loss_gap_power, of_rate)
    solved = structure.ceiling & ~has_irreducible(data)
    return pm.Data("gap_power", np.where(solved, NO_GAP, power), dims="law")


def _several_rates(data, parts, priors):
    """Drift of frailty and floor of each token (law), for laws that several rates look at; zero for the other laws."""
    found = {}
    if (drifts := has_drift(data, parts)).any():
        own = pm.Normal("frailty_drift_own", dims="law")
        drift = priors.frailty_drift_mean + priors.frailty_drift_sd * own
        found["frailty_drift"] = pm.Deterministic("frailty_drift", pt.where(drifts, drift, 0.0), dims="law")
    if (guesses := has_token_floor(data, parts)).any():
        own = pm.Normal("token_floor_own", dims="law")
        floor = pm.math.sigmoid(priors.token_floor_logit_mean + priors.token_floor_logit_sd * own)
        found["token_floor"] = pm.Deterministic("token_floor", pt.where(guesses, floor, 0.0), dims="law")
    return found


def _frailty(data, parts, priors, structure):
    losses = is_loss_law(data)
    if not parts.frailty:
        return pm.Deterministic("nu", pt.as_tensor(np.where(losses, 1.0, INDEPENDENT_NU)), dims="law")
    shared = pm.Normal("log_nu_mean", np.log(priors.frailty_median), priors.frailty_log_sd, dims="kind")
    shared = shared[kinds_of_laws(data)[1]]
    own = pm.Normal("log_nu_own", dims="law")
    fixed = 0.0 if structure.nu is None else min(structure.nu, INDEPENDENT_NU)
    of_rates = np.where(is_frailty_open(data), fixed, 0.0)
    given = pm.Data("nu_given", np.where(losses, 1.0, of_rates), dims="law")  # 0: learned
    nu = pt.where(given > 0, given, pt.exp(shared + priors.frailty_log_spread * own))
    return pm.Deterministic("nu", nu, dims="law")

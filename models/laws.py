"""Laws of loss: frailty, irreducible part and power law.

How they are sampled: `models.law_coordinates`. A law seen by measured losses alone has nu = 1, so that the logit of its
success is minus the log of the loss: of a horizon, which is one over a loss, its log.
"""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models.equations.loss import LN10
from models.equations.metrics import metrics_where
from models.equations.surrogates import room_above
from models.facts.ceilings import NONE, bounding_length, bounding_task, is_of_experts, lowest_ceiling
from models.facts.layout import is_measured_law, is_reciprocal_law, kinds_of_laws
from models.facts.parts import has_drift, has_irreducible, has_token_floor, is_frailty_open
from models.facts.placing import anchors, is_informative, main_task, reference_compute, surrogate_length
from models.law_coordinates import Law, LawPrior, coordinates_of_laws, law_of_coordinates, law_of_standard
from models.priors import Priors
from models.structures import Parts, Structure

NO_FLOOR = -1e9  # logit of a chance of guessing that is zero
INDEPENDENT_NU = 1e6  # frailty switched off
NO_SHORTFALL = 1e9  # power of a ceiling that is 1: Phi(z) to it underflows for any shortfall in reach


def laws(
    data: xr.Dataset, parts: Parts, priors: Priors, structure: Structure = Structure(), *, floor, floor_logit
) -> dict:
    """Parameters of each law (law), by their name in the equations, and `asymptote`, where it is a ceiling.

    `floor` (task) is the success of guessing; `floor_logit` (law) that of a chance to be learned, far below zero where
    there is none.
    nu (at the reference where it drifts), irreducible (nats), log10_amplitude and exponent, per decade of standard
    effective compute; where a table has laws seen by several rates, frailty_drift (per decade) and token_floor, both
    zero for the other laws.
    """
    length = pm.Data("surrogate_length", surrogate_length(data), dims="law")
    nu, power = _frailty(data, parts, priors, structure), _shortfall_power(data, parts, priors, structure)
    expected, anchors_of_laws = _expected(data, priors), _anchors(data)
    expected |= {"shortfall_power": power, "log_room": _log_room(data, nu, length, floor)}
    several, token_floor_logit = _several_rates(data, parts, priors)
    floor_logit = pt.maximum(floor_logit, token_floor_logit)
    prior = LawPrior(nu=nu, floor_logit=floor_logit, **expected, **anchors_of_laws)
    law = _sampled_laws(data, prior)
    open_end = has_irreducible(data)
    stretch = pt.where(open_end, pt.exp(-law.log_asymptote / nu), 1.0)
    irreducible = pt.where(open_end, nu * pt.expm1(-law.log_asymptote / nu) / length, 0.0)
    amplitude = (law.log_hazard + pt.log(stretch / length)) / LN10
    return {
        "nu": nu,
        "irreducible": pm.Deterministic("irreducible", irreducible, dims="law"),
        "asymptote": pt.where(open_end, 1.0, pt.exp(law.log_asymptote)),
        "log10_amplitude": pm.Deterministic("log10_amplitude", amplitude, dims="law"),
        "exponent": pm.Deterministic("exponent", law.exponent, dims="law"),
    } | several


def _anchors(data):
    """Decades from the reference to the first anchor of each law (law), and from there to the second."""
    first, distance = anchors(data)
    return {
        "anchor": pm.Data("anchor", first - reference_compute(data), dims="law"),
        "distance": pm.Data("anchor_distance", distance, dims="law"),
    }


def _sampled_laws(data, prior):
    """The laws (law): those whose scores say how they rise by their coordinates, the others by standard numbers."""
    informative, groups = is_informative(data), []
    if informative.any():
        of_group = _prior_of(prior, informative, "informative")
        coordinates = coordinates_of_laws(of_group, dims=("informative_law", "law_coordinate"))
        groups.append(law_of_coordinates(coordinates, of_group)[0])
    if not informative.all():
        standard = pm.Normal("law_standard", dims=("uninformative_law", "law_coordinate"))
        groups.append(law_of_standard(standard, _prior_of(prior, ~informative, "uninformative")))
    if len(groups) == 1:
        return groups[0]
    order = np.argsort(np.concatenate([np.flatnonzero(informative), np.flatnonzero(~informative)]))
    order = pm.Data("law_order", order, dims="law")
    return Law(*(pt.concatenate(parameters)[order] for parameters in zip(*groups, strict=True)))


def _prior_of(prior, chosen, name):
    """The prior of the chosen laws alone."""
    if chosen.all():
        return prior
    index = pm.Data(f"{name}_laws", np.flatnonzero(chosen), dims=f"{name}_law")
    return LawPrior(*(parameter[index] for parameter in prior.parameters))


def _expected(data, priors):
    """Prior mean and sd of logit S_0 and of the log exponent (law): pooled over laws of one kind; fixed for losses.

    Choices rise slowly. Pooled with them, the exponents of tasks that are still at zero would be thought small too.
    """
    kind = kinds_of_laws(data)[1]
    of_rates = (
        pm.Normal("reference_logit_mean", priors.reference_logit_mean, priors.reference_logit_sd, dims="kind")[kind],
        pm.LogNormal("reference_logit_spread", priors.reference_logit_spread_median, priors.reference_logit_spread_sd),
        pm.Normal("log_exponent_mean", np.log(priors.exponent_median), priors.exponent_log_sd, dims="kind")[kind],
        pm.LogNormal("log_exponent_spread", np.log(priors.exponent_spread_median), priors.exponent_spread_log_sd),
    )
    of_losses = (-np.log(priors.loss_median), priors.loss_log_sd, *_expected_exponent_of_losses(data, priors))
    if (horizons := is_reciprocal_law(data)).any():
        pairs = zip(_expected_of_horizons(priors), of_losses, strict=True)
        of_losses = tuple(pt.where(horizons, of_horizon, of_loss) for of_horizon, of_loss in pairs)
    measured = is_measured_law(data)
    names = "logit_mean", "logit_sd", "log_exponent_mean", "log_exponent_sd"
    pairs = zip(of_losses, of_rates, strict=True)
    return dict(zip(names, (pt.where(measured, of_loss, of_rate) for of_loss, of_rate in pairs), strict=True))


def _expected_of_horizons(priors):
    """The same of a law of horizons."""
    level = np.log(priors.horizon_median), priors.horizon_log_sd
    return *level, np.log(priors.horizon_exponent_median), priors.horizon_exponent_log_sd


def _expected_exponent_of_losses(data, priors):
    """Prior mean and sd of the log exponent of a law of losses: near that of parameters and tokens, where they vary."""
    named = pm.modelcontext(None).named_vars
    if "params_exponent" not in named:
        return np.log(priors.loss_exponent_median), priors.loss_exponent_log_sd
    params_exponent, tokens_exponent = named["params_exponent"], named["tokens_exponent"]
    per_decade = params_exponent * tokens_exponent / (params_exponent + tokens_exponent)  # of effective compute itself
    lone = data.sizes["law"] == 1
    sd = priors.loss_exponent_log_sd_of_own_split if lone else priors.loss_exponent_log_sd_of_split
    return pt.log(per_decade * named["theta_scale"]), sd


def _shortfall_power(data, parts, priors, structure):
    """Power of the shortfall of each law (law): how near to 1 the asymptote is expected."""
    of_rates = np.where(is_of_experts(data), priors.human_shortfall_power, priors.ceiling_shortfall_power)
    of_rates = of_rates if parts.free_ceiling else NO_SHORTFALL
    power = np.where(is_measured_law(data), priors.loss_shortfall_power, of_rates)
    ceiling_is_1 = structure.ceiling & ~has_irreducible(data) | is_reciprocal_law(data)
    return pm.Data("shortfall_power", np.where(ceiling_is_1, NO_SHORTFALL, power), dims="law")


def _log_room(data, nu, length, floor):
    """Log of what the asymptote of each law (law) may lack of 1 by its bound, 0 where it has none; None: no law has."""
    task = bounding_task(data)
    if (task == NONE).all():
        return None
    lowest = pm.Data("lowest_ceiling", np.where(task == NONE, 0.0, lowest_ceiling(data)[task]), dims="law")
    floor = floor[pm.Data("bounding_task", task.clip(0), dims="law")]
    tokens = pm.Data("bounding_length", bounding_length(data), dims="law")
    room = room_above(lowest, floor=floor, nu=nu, length=length, bounding_length=tokens)
    return pt.where(lowest > 0, pt.log(room), 0.0)


def _several_rates(data, parts, priors):
    """Drift of frailty and floor of each token (law), for laws that several rates look at; zero for the other laws.

    Besides, the logit of the floor of each token where the main task of a law counts tokens (law).
    """
    parameters, logit = {}, NO_FLOOR
    if (drifts := has_drift(data, parts)).any():
        standard = pm.Normal("frailty_drift_own", dims="law")
        drift = priors.frailty_drift_mean + priors.frailty_drift_sd * standard
        parameters["frailty_drift"] = pm.Deterministic("frailty_drift", pt.where(drifts, drift, 0.0), dims="law")
    if (guesses := has_token_floor(data, parts)).any():
        standard = pm.Normal("token_floor_own", dims="law")
        logit = priors.token_floor_logit_mean + priors.token_floor_logit_sd * standard
        floor = pt.where(guesses, pm.math.sigmoid(logit), 0.0)
        parameters["token_floor"] = pm.Deterministic("token_floor", floor, dims="law")
        in_tokens = np.isin(data.metric.values[main_task(data)], metrics_where("counts_tokens"))
        logit = pt.where(pm.Data("law_in_guessed_tokens", guesses & in_tokens, dims="law"), logit, NO_FLOOR)
    return parameters, logit


def _frailty(data, parts, priors, structure):
    """nu (law): learned where it is open, with a mean for each kind of laws; 1 for losses."""
    losses = is_measured_law(data)
    if not parts.frailty:
        return pm.Deterministic("nu", pt.as_tensor(np.where(losses, 1.0, INDEPENDENT_NU)), dims="law")
    log_mean = pm.Normal("log_nu_mean", np.log(priors.frailty_median), priors.frailty_log_sd, dims="kind")
    standard = pm.Normal("log_nu_own", dims="law")
    log_nu = log_mean[kinds_of_laws(data)[1]] + priors.frailty_log_spread * standard
    fixed = 0.0 if structure.nu is None else min(structure.nu, INDEPENDENT_NU)
    of_rates = np.where(is_frailty_open(data), fixed, 0.0)
    given = pm.Data("nu_given", np.where(losses, 1.0, of_rates), dims="law")  # 0: learned
    return pm.Deterministic("nu", pt.where(given > 0, given, pt.exp(log_nu)), dims="law")

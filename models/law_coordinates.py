"""Coordinates of a law that a sampler walks well, and the Jacobian that carries the prior of the law there.

Priors are on the natural parameters of a law (README, section "The model"): its success at the reference run S_0, its
exponent alpha and its asymptote A, the success that no compute exceeds. Data fix other numbers: S_1 and S_2, the
success at two anchors around the place where the scores say most (`models.facts.placing.anchors`). The coordinates are
therefore

    level l        logit of the score half-way between the anchors
    log_rise rho   log of what this logit gains from the first anchor to the second
    shortfall g    what A lacks of 1, as a share of what S_2 lacks; stretched, see `stretched`

No coordinates mean an asymptote below the score at an anchor. A law that is all but solved has its anchors where it
rose: then an asymptote of 1 and one just above the best score are near each other, not ends of a long narrow ridge.
Where A is known to be at least 1 - r, min(1 - S_i, r) stands for 1 - S_i in steps 2 and 5: the room for A above S_i.

**Change of variables**, from (l, rho, g) to (logit S_0, ln alpha, u), for which priors are stated. D is the log of the
derivative of a step; the log Jacobian is the sum of all D. Further symbols, as in `LawPrior`: nu frailty, p power of
the shortfall, phi logit of the floor, x decades from the reference to the first anchor, d decades between the anchors,
Phi and varphi the standard normal distribution and density.

1. Logits at the anchors, the same for i = 1, 2 (minus for 1, plus for 2):
       c_i = l -/+ e^rho / 2                                     D = rho
       logit S_i = c_i - ln(1 + e^(phi - c_i)) - ln(1 + e^phi)   D = sum_i ln(1 + sigmoid(phi - c_i))
2. Asymptote, with S_2 fixed:
       A = 1 - (1 - S_2) Phi(z)^p,  z = stretched(g)             D: in step 5, with that of u
3. Hazards h_i at the anchors, with A fixed:
       S_i = A (1 + h_i / nu)^-nu                                D = -sum_i ln |d logit S_i / d ln h_i|
       d logit S / d ln h = -nu (1 - 1 / (1 + h / nu)) / (1 - S)
4. Exponent and hazard at the reference, by the power law through two points (`PowerLaw.through`):
       alpha = (ln h_1 - ln h_2) / (d ln 10)
       ln h_0 = ln h_1 + alpha x ln 10                           D = -ln(alpha d ln 10)
5. Success at the reference, with A fixed, and u, with S_0 and S_2 fixed:
       S_0 = A (1 + h_0 / nu)^-nu                                D = ln |d logit S_0 / d ln h_0|
       u = ((1 - A) / (1 - S_0))^(1/p) = Phi(z) ((1 - S_2) / (1 - S_0))^(1/p)
       du / dg = varphi(z) z'(g) ((1 - S_2) / (1 - S_0))^(1/p)   D = ln du / dg, of steps 2 and 5 together

**Floor.** Where a guess, of an answer or of each of its tokens, is right by an unknown chance f, with phi = logit f,
data fix the score f + (1 - f) S, and a high floor and a slow rise would be two modes. So c_i is roughly its logit.

**Asymptote.** S is the success of the main task of the law in its closed-form surrogate, h the loss of its L tokens. A
is a ceiling or, where losses or several rates of the same answers are seen, what the irreducible loss E leaves. For one
surrogate both are the same curve, so that both kinds of laws have these coordinates:

    A (1 + L R / nu)^-nu = (1 + L (E + R') / nu)^-nu   with   1 + L E / nu = A^(-1/nu),   R' = R A^(-1/nu)

A law seen by measured losses alone has nu = 1, so that logit S is minus the log of the loss.
"""

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
from pytensor import tensor as pt
from scipy import special

from models.equations.loss import PowerLaw

# of `stretched`: at power 4 of the shortfall, asymptotes above 1 - 0.15 (1 - S_2) take a quarter of their room
SHORTFALL_BEND, SHORTFALL_ROUND, SHORTFALL_STRETCH = 0.3, 0.1, 4.0
TINY = 1e-290  # keeps a logarithm finite where doubles underflow


class LawPrior(NamedTuple):
    """Prior of each law and the anchors of its coordinates, each a number or (law): parameters of the distribution."""

    nu: Any
    logit_mean: Any  # of logit S_0
    logit_sd: Any
    log_exponent_mean: Any
    log_exponent_sd: Any
    shortfall_power: Any
    floor_logit: Any
    anchor: Any  # decades from the reference to the first anchor
    distance: Any  # decades from the first anchor to the second
    log_room: Any = None  # ln r, 0 for a law without a bound; None: no law has one

    @property
    def parameters(self) -> tuple[Any, ...]:
        return tuple(parameter for parameter in self if parameter is not None)


class Law(NamedTuple):
    """Parameters of each law (law); the hazard is length times loss, as in `loss_from_exact_match`."""

    log_asymptote: Any
    log_hazard: Any  # at the reference
    exponent: Any  # per decade


def coordinates_of_laws(prior: LawPrior, *, dims):
    """The variable `law_coordinates` (law, 3) of the model in context."""
    given = prior.parameters
    signature = ",".join(["()"] * len(given)) + "->(3)"
    return pm.CustomDist("law_coordinates", *given, logp=_logp, random=_random, signature=signature, dims=dims)


def _logp(value, *prior):
    return log_density_of_law(value, LawPrior(*prior))


def _random(*prior, rng=None, size=None):
    return draw_law(LawPrior(*prior), rng=rng, size=size)


def log_density_of_law(value, prior: LawPrior):
    """Log density of coordinates (..., 3): the prior of (logit S_0, ln alpha, u), u uniform, and the log Jacobian."""
    law, logit, log_jacobian = law_of_coordinates(value, prior)
    of_logit = _log_normal(logit, prior.logit_mean, prior.logit_sd)
    return of_logit + _log_normal(pt.log(law.exponent), prior.log_exponent_mean, prior.log_exponent_sd) + log_jacobian


def law_of_coordinates(value, prior: LawPrior):
    """The law behind coordinates (..., 3), its logit S_0, and the log Jacobian of the five steps, as PyTensor nodes."""
    level, log_rise, shortfall = value[..., 0], value[..., 1], value[..., 2]
    logits, step_1 = _logits_at_anchors(level, log_rise, prior.floor_logit)
    log_asymptote, log_excess = _asymptote(shortfall, logits[1], prior)
    log_hazards, step_3 = _hazards_at_anchors(logits, log_excess, prior.nu)
    power_law = PowerLaw.through(log_hazards, decades=prior.anchor, distance=prior.distance)
    step_4 = power_law.log_jacobian_through(distance=prior.distance)
    logit, log_miss, step_5 = _success_at_reference(power_law.log_amplitude, log_asymptote, prior.nu)
    step_2_and_u = _log_slope_of_u(shortfall, -pt.softplus(logits[1]), log_miss, prior)
    law = Law(log_asymptote, power_law.log_amplitude, power_law.exponent)
    return law, logit, step_1 + step_2_and_u + step_3 + step_4 + step_5


def _logits_at_anchors(level, log_rise, floor_logit):
    """Step 1: logit S_1 and logit S_2, and D."""
    half_rise = 0.5 * pt.exp(log_rise)
    score_logits = level - half_rise, level + half_rise
    logits = [logit - pt.softplus(floor_logit - logit) - pt.softplus(floor_logit) for logit in score_logits]
    return logits, log_rise + sum(pt.log1p(pt.sigmoid(floor_logit - logit)) for logit in score_logits)


def _asymptote(shortfall, logit_2, prior):
    """Step 2: ln A and ln A / S_2, which is written so that it is never negative."""
    log_share = _of_room(prior.shortfall_power * _log_normal_cdf(stretched(shortfall)[0]), logit_2, prior)
    log_asymptote = pt.log1p(-pt.exp(-pt.softplus(logit_2) + log_share))
    return log_asymptote, pt.log1p(-pt.exp(-logit_2) * pt.expm1(log_share))


def _of_room(log_share, logit, prior):
    """Log of a share of the room for the asymptote above S, from its logit, as a share of 1 - S."""
    return log_share if prior.log_room is None else log_share + pt.minimum(0.0, prior.log_room + pt.softplus(logit))


def _hazards_at_anchors(logits, log_excess, nu):
    """Step 3: ln h_1 and ln h_2, and D; ``ln(1 + h_i / nu) = (ln A - ln S_i) / nu``."""
    above = log_excess / nu
    log_ratios = [above + (pt.softplus(-logit) - pt.softplus(-logits[1])) / nu for logit in logits]
    log_hazards = [pt.log(nu * pt.expm1(log_ratio) + TINY) for log_ratio in log_ratios]
    slopes = [_log_logit_slope(ratio, -pt.softplus(logit), nu) for ratio, logit in zip(log_ratios, logits, strict=True)]
    return log_hazards, -sum(slopes)


def _success_at_reference(log_hazard, log_asymptote, nu):
    """Step 5: logit S_0 and ln(1 - S_0), and D of logit S_0."""
    log_ratio = pt.softplus(log_hazard - pt.log(nu))
    log_success = log_asymptote - nu * log_ratio
    log_miss = pt.log(-pt.expm1(log_success) + TINY)
    return log_success - log_miss, log_miss, _log_logit_slope(log_ratio, log_miss, nu)


def _log_slope_of_u(shortfall, log_miss_2, log_miss_0, prior):
    """Steps 2 and 5: ln du / dg; apart, they would underflow where an asymptote is all but 1."""
    normal, slope = stretched(shortfall)
    if prior.log_room is not None:
        log_miss_2, log_miss_0 = (pt.minimum(each, prior.log_room) for each in (log_miss_2, log_miss_0))
    return _log_normal(normal, 0.0, 1.0) + pt.log(slope) + (log_miss_2 - log_miss_0) / prior.shortfall_power


def _log_logit_slope(log_ratio, log_miss, nu):
    """``ln |d logit S / d ln h| = ln(nu (1 - 1 / (1 + h / nu))) - ln(1 - S)``, of ln(1 + h / nu) and ln(1 - S)."""
    return pt.log(-nu * pt.expm1(-log_ratio) + TINY) - log_miss


def _log_normal(value, mean, sd):
    return pm.logp(pm.Normal.dist(), (value - mean) / sd) - pt.log(sd)


def _log_normal_cdf(value):
    return pm.logcdf(pm.Normal.dist(), value)


def stretched(shortfall):
    """Standard normal number z of a shortfall g, and dz / dg: t = 4 far below the bend b, 1 far above it.

    ``z = b + m (g - b) - k sqrt((g - b)^2 + r^2)`` with m = (t + 1) / 2, k = (t - 1) / 2 and r the roundness of the
    bend. Asymptotes of nearly 1 are many in the prior and alike to the data: they take little more room than others.
    """
    mean, half = 0.5 * (SHORTFALL_STRETCH + 1.0), 0.5 * (SHORTFALL_STRETCH - 1.0)
    beyond = shortfall - SHORTFALL_BEND
    far = np.sqrt(beyond**2 + SHORTFALL_ROUND**2)
    return SHORTFALL_BEND + mean * beyond - half * far, mean - half * beyond / far


def unstretched(normal):
    """Inverse of `stretched`: ``g = b + (m (z - b) + k sqrt((z - b)^2 + t r^2)) / t``, since m^2 - k^2 = t."""
    mean, half = 0.5 * (SHORTFALL_STRETCH + 1.0), 0.5 * (SHORTFALL_STRETCH - 1.0)
    beyond = normal - SHORTFALL_BEND
    far = np.sqrt(beyond**2 + SHORTFALL_STRETCH * SHORTFALL_ROUND**2)
    return SHORTFALL_BEND + (mean * beyond + half * far) / SHORTFALL_STRETCH


def draw_law(prior: LawPrior, *, rng, size=None):
    """Coordinates (..., 3) drawn from the prior: logit S_0, alpha and u first, then the coordinates that mean them."""
    shape = np.broadcast_shapes(*map(np.shape, prior.parameters), size or ())
    logit = prior.logit_mean + prior.logit_sd * rng.standard_normal(shape)
    exponent = np.exp(prior.log_exponent_mean + prior.log_exponent_sd * rng.standard_normal(shape))
    return coordinates_of_law(logit, exponent, rng.uniform(size=shape), prior)


def coordinates_of_law(logit, exponent, uniform, prior: LawPrior):
    """Coordinates (..., 3) of logit S_0, alpha and u: the five steps back, of NumPy arrays."""
    nu, power = prior.nu, prior.shortfall_power
    # step 5
    most = 1.0 if prior.log_room is None else np.exp(prior.log_room)
    room = np.minimum(special.expit(-logit), most)
    log_asymptote = np.log1p(-room * uniform**power)
    log_ratio = (log_asymptote - special.log_expit(logit)) / nu
    # step 4, of h / nu: h itself may overflow
    reference = PowerLaw(log_amplitude=log_ratio + np.log(-np.expm1(-log_ratio) + TINY), exponent=exponent)
    log_hazards = [reference.log_loss(decades) for decades in (prior.anchor, prior.anchor + prior.distance)]
    # step 3
    log_successes = [log_asymptote - nu * np.logaddexp(0.0, log_hazard) for log_hazard in log_hazards]
    logits = [log_success - np.log(-np.expm1(log_success) + TINY) for log_success in log_successes]
    # step 2
    share = uniform * (room / (np.minimum(special.expit(-logits[1]), most) + TINY)) ** (1.0 / power)
    shortfall = unstretched(special.ndtri(share.clip(TINY, 1.0 - 1e-16)))
    # step 1
    scores = [_score_logit(each, prior.floor_logit) for each in logits]
    return np.stack([0.5 * (scores[0] + scores[1]), np.log(scores[1] - scores[0] + TINY), shortfall], axis=-1)


def _score_logit(logit, floor_logit):
    """``c = m + ln((1 + sqrt(1 + 4 e^(phi - m))) / 2)``, m = logit S + ln(1 + e^phi): the inverse of step 1."""
    logit = logit + np.logaddexp(0.0, floor_logit)
    return logit + np.logaddexp(0.0, 0.5 * np.logaddexp(0.0, np.log(4.0) + floor_logit - logit)) - np.log(2.0)


def law_of_standard(standard, prior: LawPrior) -> Law:
    """The law of three standard normal numbers (..., 3), of logit S_0, ln alpha and u: for scores that stay at chance.

    Such scores fix neither rise nor asymptote: the law is its prior, below what would be seen.
    """
    logit = prior.logit_mean + prior.logit_sd * standard[..., 0]
    log_share = _of_room(prior.shortfall_power * _log_normal_cdf(standard[..., 2]), logit, prior)
    log_asymptote = pt.log1p(-pt.exp(-pt.softplus(logit) + log_share))
    log_ratio = (log_asymptote + pt.softplus(-logit)) / prior.nu
    log_hazard = pt.log(prior.nu * pt.expm1(log_ratio) + TINY)
    return Law(log_asymptote, log_hazard, pt.exp(prior.log_exponent_mean + prior.log_exponent_sd * standard[..., 1]))

"""Coordinates of a law that a sampler walks well, and the Jacobian that carries its prior there.

Priors are on the quantities of DESIGN section 3: success at the reference run, exponent, ceiling, nu. Data fix other
ones: the success at two anchors of the law, S_1 and S_2, around the place where its scores say most (see
`models.facts.placing.anchors`). Sampled are therefore

    level                            logit S half-way between the anchors
    logit S_1 = level - rise / 2     rise = exp(log_rise)
    logit S_2 = level + rise / 2
    top of S = 1 - (1 - S_2) Phi(bent gap)^power

and the priors are carried over by the Jacobian of this change of variables. A top below a score already reached, a wall
in the natural coordinates, does not exist in these; and a law that is all but solved before the largest run has its
anchors where it rose, so that a top of 1 and one just above the best score are no ends of a long narrow ridge.

Where a guess is right by an unknown chance f, data fix the score, f + (1 - f) S, and a floor and a slow rise are two
modes. The coordinates are then logits c of the score, roughly: the odds of S are e^(2c) / (e^c + f / (1 - f)), which is
e^c - f / (1 - f) far above the floor and never negative.

S is the success of the main task of a law in its closed-form surrogate. Its top is a ceiling or, where loss or several
rates of the same answers are seen, what the irreducible loss leaves: for one surrogate the two are the same curve,

    top (1 + L R / nu)^-nu = (1 + L (E + R') / nu)^-nu   with   1 + L E / nu = top^(-1/nu),   R' = R top^(-1/nu)

Scores that stay at chance fix neither: such a law is its prior, below what would be seen. It is sampled as three
standard normal numbers, of logit S_0, of the log exponent and of the ceiling.

A law seen by measured losses alone has nu = 1, so that logit S is minus the log of the loss.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt
from scipy import special

GAP_BEND, GAP_ROUND = 0.3, 0.1  # tops of the prior half-way and more from 1 - (1 - S_2) 0.15 to 1 are squeezed together
GAP_STRETCH = 4.0  # by this factor
LN10 = np.log(10.0)
TINY = 1e-290  # keeps a logarithm finite where doubles underflow


def law_of_coordinates(value, nu, power, floor_logit, place, distance):
    """The law behind the coordinates, as PyTensor nodes; hazards are length times loss, as in loss_from_exact_match.

    Anchors are at `place` and `place + distance`, in decades from the reference.
    """
    level, rise, gap = value[..., 0], pt.exp(value[..., 1]), value[..., 2]
    totals = level - 0.5 * rise, level + 0.5 * rise
    logits = [total - pt.softplus(floor_logit - total) for total in totals]
    log_upper_miss = -pt.softplus(logits[1])
    normal, slope = _bent(gap)
    log_share = power * pm.logcdf(pm.Normal.dist(), normal)
    log_top = pt.log1p(-pt.exp(log_upper_miss + log_share))
    above = pt.log1p(-pt.exp(-logits[1]) * pt.expm1(log_share)) / nu  # never negative, as log_top - log S_2 may be
    ratios = [above + (pt.softplus(-logit) - pt.softplus(-logits[1])) / nu for logit in logits]  # log 1 + hazard / nu
    log_hazards = [pt.log(nu * pt.expm1(ratio) + TINY) for ratio in ratios]
    exponent = (log_hazards[0] - log_hazards[1]) / (LN10 * distance)
    log_hazard = log_hazards[0] + LN10 * exponent * place
    ratio = pt.softplus(log_hazard - pt.log(nu))
    log_success = log_top - nu * ratio
    log_miss = pt.log(-pt.expm1(log_success) + TINY)
    stretches = [pt.log1p(pt.sigmoid(floor_logit - total)) for total in totals]  # of logit S in the coordinates
    slopes = [
        _log_logit_slope(*each, nu) for each in zip(ratios, (-pt.softplus(logit) for logit in logits), strict=True)
    ]
    return {
        "logit": log_success - log_miss,
        "log_top": log_top,
        "log_hazard": log_hazard,
        "exponent": exponent,
        # of (logit S_0, log exponent) in (logit S_1, logit S_2) at one top
        "log_jacobian": _log_logit_slope(ratio, log_miss, nu)
        - sum(slopes)
        + sum(stretches)
        - pt.log(exponent * LN10 * distance),
        # u of the prior, where the ceiling lies 1 - (1 - S_0) u^power, in the gap at one S_0 and S_2
        "log_shrinkage": _log_normal(normal, 0.0, 1.0) + pt.log(slope) + (log_upper_miss - log_miss) / power,
    }


def _bent(gap):
    """Standard normal of the gap, and the slope of one in the other: GAP_STRETCH far below GAP_BEND, 1 far above it.

    Tops of nearly 1 are many in the prior and alike to the data; so they take little more room than those told apart.
    """
    far = np.sqrt((gap - GAP_BEND) ** 2 + GAP_ROUND**2)
    mean, half = 0.5 * (GAP_STRETCH + 1.0), 0.5 * (GAP_STRETCH - 1.0)
    return GAP_BEND + mean * (gap - GAP_BEND) - half * far, mean - half * (gap - GAP_BEND) / far


def _unbent(normal):
    """Inverse of `_bent`."""
    normal = normal - GAP_BEND
    mean, half = 0.5 * (GAP_STRETCH + 1.0), 0.5 * (GAP_STRETCH - 1.0)
    return GAP_BEND + (mean * normal + half * np.sqrt(normal**2 + GAP_STRETCH * GAP_ROUND**2)) / GAP_STRETCH


def _log_logit_slope(ratio, log_miss, nu):
    """Log of minus d logit S / d log hazard."""
    return pt.log(-nu * pt.expm1(-ratio) + TINY) - log_miss


def log_density_of_law(value, nu, logit_mean, logit_sd, mean, sd, power, floor_logit, place, distance):
    """Prior of (logit S_0, log exponent, u uniform) in the coordinates (level, log_rise, gap)."""
    law = law_of_coordinates(value, nu, power, floor_logit, place, distance)
    log_jacobian = value[..., 1] + law["log_jacobian"] + law["log_shrinkage"]
    prior = _log_normal(law["logit"], logit_mean, logit_sd) + _log_normal(pt.log(law["exponent"]), mean, sd)
    return prior + log_jacobian


def _log_normal(value, mean, sd):
    return pm.logp(pm.Normal.dist(), (value - mean) / sd) - pt.log(sd)


def draw_law(nu, logit_mean, logit_sd, mean, sd, power, floor_logit, place, distance, *, rng=None, size=None):
    """The same prior drawn: success, exponent and ceiling first, then the coordinates that mean them."""
    parameters = (nu, logit_mean, logit_sd, mean, sd, place)
    shape = np.broadcast_shapes(*(np.shape(value) for value in parameters), size or ())
    logit = logit_mean + logit_sd * rng.standard_normal(shape)
    exponent = np.exp(mean + sd * rng.standard_normal(shape))
    uniform = rng.uniform(size=shape)
    log_top = np.log1p(-special.expit(-logit) * uniform**power)
    log_ratio = (log_top - special.log_expit(logit)) / nu
    log_hazard = log_ratio + np.log(-np.expm1(-log_ratio) + TINY)  # of hazard / nu, which itself may overflow
    log_success = [
        log_top - nu * np.logaddexp(0.0, log_hazard - exponent * x * LN10) for x in (place, place + distance)
    ]
    logits = [value - np.log(-np.expm1(value) + TINY) for value in log_success]
    share = uniform * (special.expit(-logit) / (special.expit(-logits[1]) + TINY)) ** (1.0 / power)
    gap = _unbent(special.ndtri(share.clip(TINY, 1.0 - 1e-16)))
    totals = [
        logit + np.logaddexp(0.0, 0.5 * np.logaddexp(0.0, np.log(4.0) + floor_logit - logit)) - np.log(2.0)
        for logit in logits
    ]
    return np.stack([0.5 * (totals[0] + totals[1]), np.log(totals[1] - totals[0] + TINY), gap], axis=-1)

"""Coordinates of effective compute: of each run itself where its scores fix it, else of its residual.

Where scores fix the runs, sampled are the origin o, the log of the scale s, and n - 2 residuals r of n runs:

    theta = o + e^s (x + B r)        theta, x, B r: (run), in decades

with x the log compute of the runs from the reference. Rows W_1 and W_2 of the weights give the level and the slope of a
line through runs (`models.facts.placing.standard_weights`): W_1 1 = W_2 x = 1 and W_1 x = W_2 1 = 0. The columns of B
are an orthonormal basis of what both overlook, W B = 0, nearly single runs after Löwdin (`residual_basis`). So

    o = W_1 theta,   e^s = W_2 theta,   r = B^T ((theta - o) / e^s - x)

What the laws see is x + B r, of level 0 and slope 1. The prior is that of theta, normal about `expected` with `sigma`,
carried over by the Jacobian

    ln |d theta / d (o, s, r)| = (n - 1) s + ln |det (1, x, B)|

for the columns of the derivative are 1, e^s (x + B r) and e^s B. The last term is the same for all values: left out.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.placing import informative_runs, residual_basis, standard_weights

SMALLEST_SCALE = 0.05
SAME_COMPUTE = 1e-6  # decades


def sampled_directly(data, x, expected, sigma):
    """Standard effective compute (run) as the sampled variable, beside the scale.

    A run's residual, the families and the path all leave the scores alone when they move against each other. In these
    coordinates such moves touch a few numbers, not every run. Runs with uninformative scores depend on the path alone:
    they are sampled as standard normal residuals.
    """
    informative = informative_runs(data)
    chosen = pm.Data("informative_index", np.flatnonzero(informative), dims="informative_run")
    coordinates, basis = _coordinates(data, informative, x[chosen], expected[chosen], sigma[chosen])
    origin, scale, standard = origin_scale_and_standard(coordinates, x[chosen], basis)
    origin, scale = pm.Deterministic("theta_origin", origin), pm.Deterministic("theta_scale", scale)
    if not informative.all():
        others = pm.Data("uninformative_index", np.flatnonzero(~informative), dims="uninformative_run")
        theta = expected[others] + sigma[others] * pm.Normal("run_residual", dims="uninformative_run")
        order = np.argsort(np.concatenate([np.flatnonzero(informative), np.flatnonzero(~informative)]))
        order = pm.Data("run_order", order, dims="run")
        standard = pt.concatenate([standard, (theta - origin) / scale])[order]
    pm.Deterministic("theta", origin + scale * standard, dims="run")
    return standard, scale


def _coordinates(data, informative, x, expected, sigma):
    """The variable `run_coordinates` (o, s, r) of the informative runs, whose x and prior are given, and the basis."""
    weights = standard_weights(data)[:, informative]
    basis = pm.Data("residual_basis", residual_basis(weights), dims=("informative_run", "residual"))
    coordinates = pm.CustomDist(
        "run_coordinates",
        x,
        expected,
        sigma,
        pm.Data("standard_weights", weights, dims=("standard", "informative_run")),
        basis,
        logp=log_density_of_runs,
        random=draw_runs,
        signature="(n),(n),(n),(r,n),(n,m)->(n)",
        initval=np.zeros(informative.sum()),
        dims="run_coordinate",
    )
    return coordinates, basis


def origin_scale_and_standard(value, x, basis):
    """o, e^s and x + B r (run) of coordinates (o, s, r)."""
    return value[0], pt.exp(value[1]), x + pt.dot(basis, value[2:])


def log_density_of_runs(value, x, expected, sigma, weights, basis):
    """Log density of coordinates (o, s, r): that of theta, and (n - 1) s of the Jacobian."""
    origin, scale, standard = origin_scale_and_standard(value, x, basis)
    z = (origin + scale * standard - expected) / sigma
    return (-0.5 * z**2 - pt.log(sigma) - 0.5 * np.log(2.0 * np.pi)).sum() + (x.shape[0] - 1) * value[1]


def draw_runs(x, expected, sigma, weights, basis, *, rng=None, size=None):
    """Coordinates (*size, n) of theta drawn from its prior; a slope of theta below the smallest scale counts as that.

    PyMC may put batch dims before those of the parameters. Only the prior of theta varies over them; x, the weights and
    the basis are data.
    """
    batch = size or np.broadcast_shapes(np.shape(expected), np.shape(sigma))[:-1]
    x, weights, basis = _without_batch(x, 1), _without_batch(weights, 2), _without_batch(basis, 2)
    theta = expected + sigma * rng.standard_normal((*batch, len(x)))
    return coordinates_of_runs(theta, x, weights, basis)


def _without_batch(parameter, dims):
    """The parameter over its own last dims, of the first of a batch."""
    return np.reshape(parameter, (-1, *np.shape(parameter)[-dims:]))[0]


def coordinates_of_runs(theta, x, weights, basis):
    """Coordinates (..., n) of effective compute theta (..., run): its line, and what is left of it in the basis."""
    origin, slope = theta @ weights[0], np.maximum(theta @ weights[1], SMALLEST_SCALE)
    residual = (theta - origin[..., None] - slope[..., None] * x) / slope[..., None]
    return np.concatenate([origin[..., None], np.log(slope)[..., None], residual @ basis], axis=-1)


def sampled_as_residuals(data, x, expected, sigma):
    """The same from standard normal residuals, for tables of few laws, whose scores do not fix single runs."""
    theta = pm.Deterministic("theta", expected + sigma * pm.Normal("run_residual", dims="run"), dims="run")
    if np.ptp(data.log10_compute.values) > SAME_COMPUTE:
        level, slope = standard_weights(data)
    else:
        level, slope = np.full((2, data.sizes["run"]), 1.0 / data.sizes["run"])
    origin = pm.Deterministic("theta_origin", pt.dot(pm.Data("level_weights", level, dims="run"), theta))
    rise = pt.dot(pm.Data("slope_weights", slope, dims="run"), theta)
    # the slope itself, but never negative
    scale = pm.Deterministic("theta_scale", SMALLEST_SCALE + 0.1 * pt.softplus(10.0 * (rise - SMALLEST_SCALE)))
    return (theta - origin) / scale, scale

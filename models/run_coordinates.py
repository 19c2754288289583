"""Coordinates of effective compute: of each run itself where its scores fix it, else of its residual."""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.facts.placing import informative_runs, residual_basis, standard_weights

SMALLEST_SCALE = 0.05
SAME_COMPUTE = 1e-6  # decades


def sampled_directly(data, x, expected, sigma):
    """Standard effective compute (run) as the sampled variable, beside its origin and the log of its scale.

    A run's residual, the recipes and the path all leave the scores alone when they move against each other; in these
    coordinates such moves touch a few numbers, not every run. The prior is that of theta, carried over by the Jacobian.
    Runs whose scores say next to nothing hang on the path alone: they are sampled as standard normal residuals.
    """
    weights, informative = standard_weights(data), informative_runs(data)
    own = pm.Data("informative_index", np.flatnonzero(informative), dims="informative_run")
    basis = residual_basis(weights[:, informative])
    weights = (
        pm.Data("standard_weights", weights[:, informative], dims=("standard", "informative_run")),
        pm.Data("residual_basis", basis, dims=("informative_run", "residual")),
    )
    coordinates = pm.CustomDist(
        "run_coordinates",
        x[own],
        expected[own],
        sigma[own],
        *weights,
        logp=_log_density,
        random=_draw,
        signature="(n),(n),(n),(r,n),(n,m)->(n)",
        initval=np.zeros(informative.sum()),
        dims="run_coordinate",
    )
    origin, scale, standard = _standard(coordinates, x[own], weights[1])
    origin, scale = pm.Deterministic("theta_origin", origin), pm.Deterministic("theta_scale", scale)
    if not informative.all():
        others = pm.Data("uninformative_index", np.flatnonzero(~informative), dims="uninformative_run")
        theta = expected[others] + sigma[others] * pm.Normal("run_residual", dims="uninformative_run")
        order = np.argsort(np.concatenate([np.flatnonzero(informative), np.flatnonzero(~informative)]))
        order = pm.Data("run_order", order, dims="run")
        standard = pt.concatenate([standard, (theta - origin) / scale])[order]
    pm.Deterministic("theta", origin + scale * standard, dims="run")
    return standard, scale


def _standard(value, x, basis):
    return value[0], pt.exp(value[1]), x + pt.dot(basis, value[2:])


def _log_density(value, x, expected, sigma, weights, basis):
    origin, scale, standard = _standard(value, x, basis)
    z = (origin + scale * standard - expected) / sigma
    return (-0.5 * z**2 - pt.log(sigma) - 0.5 * np.log(2.0 * np.pi)).sum() + (x.shape[0] - 1) * value[1]


def _draw(x, expected, sigma, weights, basis, *, rng=None, size=None):
    shape = np.broadcast_shapes(np.shape(x), np.shape(expected), np.shape(sigma))
    theta = expected + sigma * rng.standard_normal((*(size or ()), *shape)[-max(len(size or ()) + 1, len(shape)) :])
    weights, basis = (np.reshape(each, np.shape(each)[-2:]) for each in (weights, basis))
    x = np.reshape(x, (-1, np.shape(x)[-1]))[0]
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

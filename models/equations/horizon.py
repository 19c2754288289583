"""Time horizon of agents: success by the time that a task takes a human, and the regression that finds it.

Plain NumPy. Source: Kwa et al. 2025 (arXiv:2503.14499).
"""

import numpy as np
from scipy.special import expit

RIDGE = 1e-5  # of the squared slope, where weights add up to one: a slope stays finite where runs are told apart
STEPS = 60  # of Newton's method, halved where they would overshoot; about ten suffice
NEARLY = 1e-12  # none or all, of sums of rounded weights
LARGEST_STEP = 2.0  # logits, and logits per doubling


def success_at_minutes(minutes, *, horizon, slope):
    """Success at tasks that take a human so many minutes: ``1 / (1 + 2^(b log2(t / h) / ln 2))``, one half at h.

    Units: minutes and horizon alike; slope b in logits per doubling of the time, positive where long tasks are harder.
    """
    return expit(-slope * (np.log2(minutes) - np.log2(horizon)))


def fitted_horizon(log2_minutes, share, weight):
    """Horizon in minutes and slope (...) of the weighted logistic regression of success on log2 minutes.

    ``logit p = c - b (x - mean x)``, maximum likelihood with a ridge on b, and ``log2 h = mean x + c / b``.

    Parameters
    ----------
    log2_minutes : of each task (task)
    share : of the attempts at each task that succeed (..., task)
    weight : of each task (..., task), 0 or above

    Where success does not fall with time, or all or nothing succeeds, the horizon is beyond all tasks: infinite where
    more than half succeeds, else zero.
    """
    weight = weight / weight.sum(axis=-1, keepdims=True)
    x = log2_minutes - (weight * log2_minutes).sum(axis=-1, keepdims=True)
    level, slope = np.zeros(weight.shape[:-1]), np.zeros(weight.shape[:-1])
    for _ in range(STEPS):
        chance = expit(level[..., None] - slope[..., None] * x)
        miss, curvature = weight * (share - chance), weight * chance * (1.0 - chance)
        gradient = miss.sum(axis=-1), -(miss * x).sum(axis=-1) - RIDGE * slope
        step = _newton_step(gradient, curvature, x)
        level, slope = level + step[0], slope + step[1]
    mean, success = (weight * log2_minutes).sum(axis=-1), (weight * share).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        horizon = 2.0 ** (mean + level / slope)
    flat = (slope <= 0) | (success < NEARLY) | (success > 1.0 - NEARLY)
    return np.where(flat, np.where(success > 0.5, np.inf, 0.0), horizon), slope


def _newton_step(gradient, curvature, x):
    """Step of level and slope, held where the likelihood is flat."""
    of_level, of_slope = curvature.sum(axis=-1) + RIDGE, (curvature * x**2).sum(axis=-1) + RIDGE
    of_both = -(curvature * x).sum(axis=-1)
    determinant = of_level * of_slope - of_both**2
    level = (of_slope * gradient[0] - of_both * gradient[1]) / determinant
    slope = (of_level * gradient[1] - of_both * gradient[0]) / determinant
    return tuple(np.clip(step, -LARGEST_STEP, LARGEST_STEP) for step in (level, slope))

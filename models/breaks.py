"""Breaks: a smooth law or one with a break, by marginal likelihood; a likelihood says where each run is.

Run m lies at ``l_m ~ Normal(c_0 + c_1 u_m, scatter)`` with u the axis of compute: straight, bent gradually or broken at
one place. It is seen through a likelihood L_m(l) of any shape on a grid: of no success at all it is one-sided.
Hypotheses are choices of (place, steepening, width, scatter); the two coefficients are integrated over by expectation
propagation (Minka 2001, UAI 17:362), whose cavities are the predictive distributions of left-out runs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from models.priors import BreakPriors

PRIORS = BreakPriors()
SWEEPS, SETTLED = 30, 1e-2  # of a cavity's mean, in its standard deviations
DAMPING = 0.7
SHARP = 1e-9  # decades: the width of a break
NEGLIGIBLE = 60.0  # nats below its peak a likelihood ends
LEVEL = 1e-3  # nats of its end within which a likelihood is level there


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """Laws that are compared, all (hypothesis)."""

    position: np.ndarray  # of the break, in the unit of the axis
    steepening: np.ndarray  # 1 for the straight ones
    width: np.ndarray  # over which the slope turns, 0 for a break
    scatter: np.ndarray  # decades of loss

    @property
    def broken(self) -> np.ndarray:
        """Which are laws with a break."""
        return (self.steepening > 1.0) & (self.width == 0.0)

    @property
    def log_prior(self) -> np.ndarray:
        """Log probability beforehand: half for breaks, a quarter each for straight laws and for gradual bends."""
        kind = np.select([self.broken, self.steepening == 1.0], [0, 1], 2)
        return np.log(np.array([0.5, 0.25, 0.25]) / np.bincount(kind))[kind]


def hypotheses(positions: np.ndarray) -> Hypotheses:
    """Straight laws, and laws with a break or a gradual bend at any of the positions, at every scatter."""
    breaks = [(place, steepening, 0.0) for place in positions for steepening in PRIORS.steepenings]
    bends = [(place, PRIORS.bend, PRIORS.bend_width) for place in positions]
    every = [(*law, scatter) for law in [(positions[0], 1.0, 0.0), *breaks, *bends] for scatter in PRIORS.scatters]
    position, steepening, width, scatter = np.array(every).T
    return Hypotheses(position=position, steepening=steepening, width=width, scatter=scatter)


def bent_axis(x: np.ndarray, of: Hypotheses) -> np.ndarray:
    """Compute (run) as each law counts it: ``x + (r - 1) w log(1 + exp((x - b) / w))``, (hypothesis, run).

    Its slope goes from 1 to r; of width 0 it is ``x + (r - 1) (x - b)_+``. Centred and scaled so that it rises by one a
    decade over all runs: level and fall mean the same in every hypothesis.
    """
    from_break = x - of.position[:, None]
    width = np.maximum(of.width, SHARP)[:, None]
    path = x + (of.steepening[:, None] - 1.0) * width * np.logaddexp(0.0, from_break / width)
    rise = np.ptp(path, axis=1, keepdims=True) / np.ptp(x)
    return (path - path.mean(axis=1, keepdims=True)) / rise


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What each hypothesis says of each run from the others."""

    log_score: np.ndarray  # (draw, hypothesis, run) log predictive probability of what the run scored
    log_evidence: np.ndarray  # (draw, hypothesis)
    mean: np.ndarray  # (draw, hypothesis, run) of log10 loss
    sd: np.ndarray  # (draw, hypothesis, run), the scatter of runs included


def left_out(log_likelihood: np.ndarray, grid: np.ndarray, axis: np.ndarray, scatter: np.ndarray) -> LeftOut:
    """Leave-one-run-out predictions of every hypothesis, for each draw of what the likelihoods share.

    Parameters
    ----------
    log_likelihood : (draw, run, node) of log10 loss at the nodes
    grid : (node,) evenly spaced, at most the smallest scatter apart
    axis : (draw, hypothesis, run), of `bent_axis`
    scatter : (hypothesis,)
    """
    v = -axis  # the law is ``c_0 + c_1 v``
    prior = (PRIORS.level_sd**-2, 0.0, PRIORS.fall_sd**-2, 0.0, PRIORS.fall_mean * PRIORS.fall_sd**-2)
    seen = [_peak(log_likelihood[:, run], grid) for run in range(axis.shape[-1])]
    tau, nu, before = np.zeros(axis.shape), np.zeros(axis.shape), np.full(axis.shape, np.inf)
    for _ in range(SWEEPS):
        means, whole = np.empty(axis.shape), _sums(v, tau, nu, prior)
        for run, (likelihood, nodes) in enumerate(seen):
            others = _less(whole, v[..., run], tau[..., run], nu[..., run])
            mean, variance = _law_at(others, v[..., run])
            _, slope, curvature = _moments(likelihood, nodes, mean, variance + scatter**2)
            curvature = np.minimum(curvature, 0.0)  # a likelihood of two humps may be convex between them
            new_tau = -curvature / (1.0 + variance * curvature)
            new_nu = slope / (1.0 + variance * curvature) + mean * new_tau
            tau[..., run] += DAMPING * (new_tau - tau[..., run])
            nu[..., run] += DAMPING * (new_nu - nu[..., run])
            whole = _less(others, v[..., run], -tau[..., run], -nu[..., run])
            means[..., run] = mean / np.sqrt(variance + scatter**2)
        if np.abs(means - before).max() < SETTLED:
            break
        before = means
    return _predictions(seen, v, scatter, (tau, nu), prior)


def _predictions(seen, v, scatter, sites, prior) -> LeftOut:
    tau, nu = sites
    whole = _sums(v, tau, nu, prior)
    log_score, means, sds = (np.empty(tau.shape) for _ in range(3))
    log_evidence = _normaliser(whole) - _normaliser(prior)
    for run, (likelihood, nodes) in enumerate(seen):
        others = _less(whole, v[..., run], tau[..., run], nu[..., run])
        mean, variance = _law_at(others, v[..., run])
        means[..., run], sds[..., run] = mean, np.sqrt(variance + scatter**2)
        log_score[..., run] = _moments(likelihood, nodes, mean, variance + scatter**2)[0]
        log_evidence += log_score[..., run] + _normaliser(others) - _normaliser(whole)
    # What is forecast from all others is forecast from more than evidence has; more evidence means: not settled
    log_evidence = np.minimum(log_evidence, log_score.sum(axis=-1))
    return LeftOut(log_score=log_score, log_evidence=log_evidence, mean=means, sd=sds)


def _peak(log_likelihood, grid):
    """Likelihoods (draw, node) and their grid without the ends where all are negligible or level."""
    matters = log_likelihood > log_likelihood.max(axis=-1, keepdims=True) - NEGLIGIBLE
    from_left, from_right = (np.abs(log_likelihood - log_likelihood[:, [end]]) > LEVEL for end in (0, -1))
    first = (matters & from_left).any(axis=0).argmax()
    last = len(grid) - 1 - (matters & from_right).any(axis=0)[::-1].argmax()
    part = slice(max(min(first, last) - 1, 0), max(first, last) + 2)
    return log_likelihood[:, part], grid[part]


def _moments(log_likelihood, grid, mean, variance):
    """Log of ``Z = int L(l) Normal(l; mean, variance) dl``, and its two derivatives in the mean (draw, hypothesis).

    Beyond the grid the likelihood (draw, node) is what it is at its ends.
    """
    log_likelihood, sd = log_likelihood[:, None], np.sqrt(variance)
    z = (grid - mean[..., None]) / sd[..., None]
    squared = z**2
    log_weight = log_likelihood - 0.5 * squared
    tails = log_likelihood[..., [0, -1]] + log_ndtr(z[..., [0, -1]] * np.array([1.0, -1.0]))
    largest = np.maximum(log_weight.max(axis=-1), tails.max(axis=-1))[..., None]
    weight = np.exp(log_weight - largest) * (grid[1] - grid[0]) / (np.sqrt(2.0 * np.pi) * sd[..., None])
    weight[..., [0, -1]] *= 0.5  # trapezoid rule
    ends = np.exp(log_weight[..., [0, -1]] - largest) / np.sqrt(2.0 * np.pi)
    ends, beyond = ends * np.array([-1.0, 1.0]), np.exp(tails - largest)
    total = weight.sum(axis=-1) + beyond.sum(axis=-1)
    first = (np.vecdot(weight, z) + ends.sum(axis=-1)) / total
    second = (np.vecdot(weight, squared - 1.0) + (ends * z[..., [0, -1]]).sum(axis=-1)) / total
    return largest[..., 0] + np.log(total), first / sd, (second - first**2) / variance


def _sums(v, tau, nu, prior):
    own = (each.sum(axis=-1) for each in (tau, tau * v, tau * v**2, nu, nu * v))
    return tuple(start + each for start, each in zip(prior, own, strict=True))


def _less(sums, v, tau, nu):
    a, b, d, g, h = sums
    return a - tau, b - tau * v, d - tau * v**2, g - nu, h - nu * v


def _law_at(sums, v):
    """Mean and variance of ``c_0 + c_1 v``."""
    a, b, d, g, h = sums
    area = a * d - b**2
    return (d * g - b * h + v * (a * h - b * g)) / area, (d - 2.0 * b * v + a * v**2) / area


def _normaliser(sums):
    a, b, d, g, h = sums
    area = a * d - b**2
    return 0.5 * (d * g**2 - 2.0 * b * g * h + a * h**2) / area - 0.5 * np.log(area)

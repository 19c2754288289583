"""Breaks: a straight line or one with a break, by leave-one-run-out log score; a likelihood says where each run is.

Run m lies at ``l_m ~ Normal(c_0 + c_1 u_m, scatter)`` with u the axis of compute, straight or bent at one place, and is
seen through a likelihood L_m(l) of any shape on a grid: of no success at all it is one-sided. Hypotheses are choices of
(place, steepening, scatter); the two coefficients are integrated over by expectation propagation (Minka 2001, UAI
17:362), whose cavities are the predictive distributions of left-out runs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

from models.priors import BreakPriors

PRIORS = BreakPriors()
SWEEPS, SETTLED = 30, 1e-2  # of a cavity's mean, in its standard deviations
DAMPING = 0.7


@dataclass(frozen=True, kw_only=True)
class Hypotheses:
    """Laws that are compared, all (hypothesis)."""

    position: np.ndarray  # of the break, in the unit of the axis; NaN for the straight ones
    steepening: np.ndarray  # 1 for the straight ones
    scatter: np.ndarray  # decades of loss

    @property
    def straight(self) -> np.ndarray:
        """Which are laws without a break."""
        return self.steepening == 1.0


def hypotheses(positions: np.ndarray) -> Hypotheses:
    """Straight laws, and laws with one break at any of the positions, at every steepening and scatter."""
    breaks = [(place, steepening) for place in positions for steepening in PRIORS.steepenings]
    every = [(*law, scatter) for law in [(np.nan, 1.0), *breaks] for scatter in PRIORS.scatters]
    position, steepening, scatter = np.array(every).T
    return Hypotheses(position=position, steepening=steepening, scatter=scatter)


def bent_axis(x: np.ndarray, *, position: np.ndarray, steepening: np.ndarray) -> np.ndarray:
    """Compute (run) as a law with a break counts it: ``x + (r - 1) (x - b)_+``, (hypothesis, run).

    Centred and scaled so that it rises by one a decade over all runs: level and fall mean the same in every hypothesis.
    """
    beyond = np.nan_to_num(np.maximum(x - position[:, None], 0.0))
    path = x + (steepening[:, None] - 1.0) * beyond
    rise = np.ptp(path, axis=1, keepdims=True) / np.ptp(x)
    return (path - path.mean(axis=1, keepdims=True)) / rise


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What each hypothesis says of each run from the others."""

    log_score: np.ndarray  # (hypothesis, run) log predictive probability of what the run scored
    log_evidence: np.ndarray  # (hypothesis,)
    mean: np.ndarray  # (hypothesis, run) of log10 loss
    sd: np.ndarray  # (hypothesis, run), the scatter of runs included


def left_out(log_likelihood: np.ndarray, grid: np.ndarray, axis: np.ndarray, scatter: np.ndarray) -> LeftOut:
    """Leave-one-run-out predictions of every hypothesis.

    Parameters
    ----------
    log_likelihood : (run, node) of log10 loss at the nodes
    grid : (node,) evenly spaced, at most the smallest scatter apart
    axis : (hypothesis, run), of `bent_axis`
    scatter : (hypothesis,)
    """
    v = -axis  # the law is ``c_0 + c_1 v``
    prior = (PRIORS.level_sd**-2, 0.0, PRIORS.fall_sd**-2, 0.0, PRIORS.fall_mean * PRIORS.fall_sd**-2)
    tau, nu, before = np.zeros(axis.shape), np.zeros(axis.shape), np.full(axis.shape, np.inf)
    for _ in range(SWEEPS):
        means, whole = np.empty(axis.shape), _sums(v, tau, nu, prior)
        for run in range(axis.shape[1]):
            others = _less(whole, v[:, run], tau[:, run], nu[:, run])
            mean, variance = _law_at(others, v[:, run])
            _, slope, curvature = _moments(log_likelihood[run], grid, mean, variance + scatter**2)
            curvature = np.minimum(curvature, 0.0)  # a likelihood of two humps may be convex between them
            new_tau = -curvature / (1.0 + variance * curvature)
            new_nu = slope / (1.0 + variance * curvature) + mean * new_tau
            tau[:, run] += DAMPING * (new_tau - tau[:, run])
            nu[:, run] += DAMPING * (new_nu - nu[:, run])
            whole = _less(others, v[:, run], -tau[:, run], -nu[:, run])
            means[:, run] = mean / np.sqrt(variance + scatter**2)
        if np.abs(means - before).max() < SETTLED:
            break
        before = means
    return _predictions(log_likelihood, grid, v, scatter, (tau, nu), prior)


def _predictions(log_likelihood, grid, v, scatter, sites, prior) -> LeftOut:
    tau, nu = sites
    whole = _sums(v, tau, nu, prior)
    log_score, means, sds = (np.empty(tau.shape) for _ in range(3))
    log_evidence = _normaliser(whole) - _normaliser(prior)
    for run in range(tau.shape[1]):
        others = _less(whole, v[:, run], tau[:, run], nu[:, run])
        mean, variance = _law_at(others, v[:, run])
        means[:, run], sds[:, run] = mean, np.sqrt(variance + scatter**2)
        log_score[:, run] = _moments(log_likelihood[run], grid, mean, variance + scatter**2)[0]
        log_evidence += log_score[:, run] + _normaliser(others) - _normaliser(whole)
    # What is forecast from all others is forecast from more than evidence has; more evidence means: not settled
    log_evidence = np.minimum(log_evidence, log_score.sum(axis=1))
    return LeftOut(log_score=log_score, log_evidence=log_evidence, mean=means, sd=sds)


def log_scores(log_score: np.ndarray, log_evidence: np.ndarray) -> np.ndarray:
    """Leave-one-run-out log score (run) of the mixture of all hypotheses, weighted by what the other runs say of each.

    ``log sum_h p(h | others) p(run | others, h) = log sum_h Z_h - log sum_h Z_h / p_h``, since a hypothesis' evidence Z
    without the run is Z / p. `log_score` is (..., run), `log_evidence` (...).
    """
    flat, evidence = log_score.reshape(-1, log_score.shape[-1]), log_evidence.reshape(-1, 1)
    return logsumexp(evidence) - logsumexp(evidence - flat, axis=0)


def _moments(log_likelihood, grid, mean, variance):
    """Log of ``Z = int L(l) Normal(l; mean, variance) dl``, and its two derivatives in the mean (hypothesis).

    Beyond the grid the likelihood is what it is at its ends.
    """
    sd = np.sqrt(variance)
    z = (grid - mean[:, None]) / sd[:, None]
    log_weight = log_likelihood - 0.5 * z**2
    tails = np.stack([log_likelihood[0] + norm.logcdf(z[:, 0]), log_likelihood[-1] + norm.logsf(z[:, -1])], axis=1)
    largest = np.maximum(log_weight.max(axis=1), tails.max(axis=1))[:, None]
    weight = np.exp(log_weight - largest) * (grid[1] - grid[0]) / (np.sqrt(2.0 * np.pi) * sd[:, None])
    weight[:, [0, -1]] *= 0.5  # trapezoid rule
    ends, sign = np.exp(log_likelihood[[0, -1]] + norm.logpdf(z[:, [0, -1]]) - largest), np.array([-1.0, 1.0])
    total = weight.sum(axis=1) + np.exp(tails - largest).sum(axis=1)
    first = ((weight * z).sum(axis=1) + ends @ sign) / total
    second = ((weight * (z**2 - 1.0)).sum(axis=1) + (ends * z[:, [0, -1]]) @ sign) / total
    return largest[:, 0] + np.log(total), first / sd, (second - first**2) / variance


def _sums(v, tau, nu, prior):
    own = tau.sum(axis=1), (tau * v).sum(axis=1), (tau * v**2).sum(axis=1), nu.sum(axis=1), (nu * v).sum(axis=1)
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

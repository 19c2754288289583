"""Log probability of an outcome under predictive draws: the draws are smoothed, and nothing is impossible.

Higher is better. A count has a probability and a loss a density per nat: never average one with the other.
"""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import betabinom, binom, cauchy, norm

WIDE_WEIGHT = 0.005
"""Weight of the wide component. The fewest draws that a method gives, 200 of a baseline, cannot tell rarer events from
impossible ones; the same weight for all methods, so that more draws do not make a miss cost more."""
LARGEST_CORRELATION = 0.5  # of the items of one draw: beyond, a kernel is a bathtub
SMALLEST_CORRELATION = 1e-7  # below, log gamma functions of a beta-binomial cancel, and it is a binomial
TINY_SHARE = 1e-12  # keeps the beta-binomial proper at draws of 0 and 1
SMALLEST_LOG_LOSS_SD = 1e-3  # published losses have three digits


def count_log_score(draws: np.ndarray, *, successes: float, trials: float) -> float:
    """Log probability of a count under draws of its share (draw,).

    ``log((1 - w) mean_i K(successes | draw_i) + w / (trials + 1))``: every draw d is the mean of a beta-binomial K of
    variance ``d (1 - d) (1 / trials + (1 - 1 / trials) rho)``. On the scale arcsin(sqrt d), where a count has standard
    deviation ``1 / (2 sqrt trials)`` whatever its mean (Anscombe 1948), that is a kernel of equal width everywhere;
    rho gives it the bandwidth h of Silverman's rule, or is 0 (a binomial) where h is narrower than a count's noise. So
    a kernel is never narrower than a binomial: a little too wide for draws that hold that noise already. Draws of
    exactly 0 or 1 keep all of their mass there.
    """
    squared = 4.0 * _bandwidth(np.arcsin(np.sqrt(draws))) ** 2
    rho = min((squared - 1.0 / trials) / (1.0 - 1.0 / trials), LARGEST_CORRELATION) if trials > 1 else 0.0
    if rho > SMALLEST_CORRELATION:
        share, concentration = np.clip(draws, TINY_SHARE, 1.0 - TINY_SHARE), 1.0 / rho - 1.0
        kernels = betabinom.logpmf(successes, trials, share * concentration, (1.0 - share) * concentration)
    else:
        kernels = binom.logpmf(successes, trials, draws)
    return _widened(kernels, -np.log1p(trials))


def loss_log_score(draws: np.ndarray, *, loss_nats: float) -> float:
    """Log density, per nat, of a measured loss under draws of it (draw,).

    A Gaussian kernel density of log loss with Silverman's bandwidth, over the loss (the Jacobian), mixed with a Cauchy
    of scale 1 on log loss around the median draw. Draws of inf and 0 count among the draws, and give no density.
    """
    with np.errstate(divide="ignore"):
        log_draws = np.log(draws)
    finite = log_draws[np.isfinite(log_draws)]
    if not len(finite):
        return float(np.log(WIDE_WEIGHT) + cauchy.logpdf(np.log(loss_nats)) - np.log(loss_nats))
    kernels = norm.logpdf(np.log(loss_nats), finite, max(_bandwidth(finite), SMALLEST_LOG_LOSS_SD))
    kernels = kernels + np.log(len(finite) / len(draws))
    wide = cauchy.logpdf(np.log(loss_nats), np.median(finite))
    return _widened(kernels, wide) - float(np.log(loss_nats))


def _widened(kernels: np.ndarray, wide: float) -> float:
    log_mean = logsumexp(kernels) - np.log(len(kernels))
    return float(np.logaddexp(np.log1p(-WIDE_WEIGHT) + log_mean, np.log(WIDE_WEIGHT) + wide))


def _bandwidth(values: np.ndarray) -> float:
    """Silverman (1986, eq. 3.31): ``0.9 min(sd, IQR / 1.34) n^(-1/5)``; the standard deviation alone where IQR is 0."""
    sd, (lower, upper) = values.std(), np.quantile(values, (0.25, 0.75))
    spread = min(sd, (upper - lower) / 1.34) if upper > lower else sd
    return float(0.9 * spread * len(values) ** -0.2)

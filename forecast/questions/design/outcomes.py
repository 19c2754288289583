"""Simulated outcomes of a candidate and the importance weights they imply.

Pure arrays: `draw` counts posterior draws, `node` draws of what is new about a run (its residuals), `outcome` simulated
measurements. Importance weights of an outcome are its probability under each draw, the residuals averaged out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import t as student_t

from models.facts.counts import MEAN_MARGIN, Contamination, contamination_of
from models.log_rising import log_rising_of
from models.priors import Priors
from models.structures import Parts

TAILS = (0.05, 0.95)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One row of a candidate, as `forecast.questions.design.expected` expects it.

    Where there are several nodes the last one is for drawing outcomes, so that no draw knows the truth's residual.
    """

    mean: np.ndarray  # (node, draw): expected share among its trials; of a loss the log of its median, nats
    spread: np.ndarray  # (draw,): concentration; of a loss the scale of its log
    loss: bool = False
    trials: float = 0.0  # items counted, where not given by another measurement
    given: int | None = None  # position of the measurement whose count it is a count out of
    complement: bool = False  # out of the items that failed there, not of those that passed
    old_count: float = 0.0  # of the same evaluation, known before
    old_trials: float = 0.0

    @property
    def nodes(self) -> np.ndarray:
        """The expected shares (node, draw) over which the residuals are averaged out."""
        return self.mean[:-1] if len(self.mean) > 1 else self.mean


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """How measurements scatter: the contamination of counts, and losses."""

    counts: Contamination
    degrees_of_freedom: float


def scatter_of(priors: Priors, parts: Parts) -> Scatter:
    """The scatter of a fit's model."""
    return Scatter(counts=contamination_of(priors, parts), degrees_of_freedom=priors.loss_degrees_of_freedom)


def draw_outcomes(
    measurements: Sequence[Measurement], truth: np.ndarray, scatter: Scatter, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Counts, or log losses, and trials of each measurement (measurement, outcome) where the draws `truth` are true."""
    values, trials = np.zeros((2, len(measurements), len(truth)))
    for place, each in enumerate(measurements):
        mean, spread = each.mean[-1, truth], each.spread[truth]
        if each.loss:
            values[place] = mean + spread * rng.standard_t(scatter.degrees_of_freedom, len(truth))
            continue
        trials[place] = each.trials
        if each.given is not None:
            parent = values[each.given]
            trials[place] = trials[each.given] - parent if each.complement else parent
        values[place] = _draw_counts(mean, spread, trials[place], each, scatter, rng)
    return values, trials


def _draw_counts(mean, spread, trials, each, scatter, rng):
    """Counts of more items of an evaluation: the share it has on items without end is drawn given what is known."""
    parts = list(_components(mean, spread, scatter))
    known = np.stack([mean * 0.0 + log + _log_rising_beta(each.old_count, each.old_trials, *of) for log, *of in parts])
    kind = np.argmax(known + rng.gumbel(size=known.shape), axis=0)
    alpha, beta = (
        np.choose(kind, [np.broadcast_to(part[at], mean.shape) for part in parts]) + more
        for at, more in ((1, each.old_count), (2, each.old_trials - each.old_count))
    )
    rate = rng.beta(np.maximum(alpha, 1e-290), np.maximum(beta, 1e-290))
    return rng.binomial(np.ceil(trials).astype(np.int64), rate).clip(0, trials)


def _components(mean, spread, scatter: Scatter):
    """Log share, alpha, beta and alpha + beta of the beta-binomials of a count: sound, strange, broken evaluations."""
    mean = MEAN_MARGIN + (1.0 - 2.0 * MEAN_MARGIN) * mean
    yield np.log1p(-scatter.counts.outlier - scatter.counts.gross_error), mean * spread, (1.0 - mean) * spread, spread
    if scatter.counts.outlier:
        wide = spread / scatter.counts.ratio
        yield np.log(scatter.counts.outlier), mean * wide, (1.0 - mean) * wide, wide
    if scatter.counts.gross_error:
        yield np.log(scatter.counts.gross_error), np.ones(1), np.ones(1), np.full(1, 2.0)


def _log_rising_beta(count, trials, alpha, beta, total):
    """Log of a beta-binomial without what its mean does not change: ``B(alpha + c, beta + n - c) / B(alpha, beta)``."""
    failures = np.maximum(trials - count, 0.0)  # to the last bit of fractions
    constant = _n_log_n(count) + _n_log_n(failures) - _n_log_n(trials)
    return log_rising_of(alpha, count) + log_rising_of(beta, failures) - log_rising_of(total, trials) + constant


def _n_log_n(n):
    return n * np.log(np.maximum(n, 1e-300))


def log_likelihood(
    measurements: Sequence[Measurement], values: np.ndarray, trials: np.ndarray, scatter: Scatter
) -> np.ndarray:
    """Log probability of each outcome under each draw (outcome, draw), but for a constant of the outcome.

    ``log mean_node prod_j p(y_j | mean_j(node, draw))``; more items of an evaluation are judged given its old ones.
    """
    densities = [_density(each, scatter) for each in measurements]
    joint, of_outcome = np.unique(np.concatenate([values, trials]).T, axis=0, return_inverse=True)
    found = np.empty((len(joint), len(measurements[0].spread)))
    for row, each in enumerate(joint):
        count, out_of = np.split(each, 2)
        log = np.zeros((1, 1))
        for density, value, number in zip(densities, count, out_of, strict=True):
            log = log + density(value, number)
        found[row] = logsumexp(log, axis=0) - np.log(len(log))
    return found[of_outcome]


def _density(each: Measurement, scatter: Scatter) -> Callable[[float, float], np.ndarray]:
    """The log density (node, draw) of a measurement, as a function of its value and trials; what repeats is kept."""
    if each.loss:
        z_of = student_t(scatter.degrees_of_freedom).logpdf
        return lambda value, _: z_of((value - each.nodes) / each.spread) - np.log(each.spread)
    parts = list(_components(each.nodes, each.spread, scatter))

    def of_total(count, trials):
        logs = [log + _log_rising_beta(count, trials, *of) for log, *of in parts]
        total = logs[0]
        for log in logs[1:]:
            total = np.logaddexp(total, log)
        return total

    known = of_total(each.old_count, each.old_trials) if each.old_trials else 0.0
    return lambda count, trials: of_total(count + each.old_count, trials + each.old_trials) - known


def weights_of(log_likelihood: np.ndarray, truth: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Importance weights (outcome, draw), adding to 1: the likelihood within a group; each group keeps its share.

    Groups are the structures that a posterior is averaged over; their weights are those of past forecasts and stay.
    The draw that is the truth of an outcome has no weight: it would be judged by what it made itself.
    """
    log = log_likelihood.copy()
    log[np.arange(len(truth)), truth] = -np.inf
    weights = np.zeros_like(log)
    for name in np.unique(group):
        own = group == name
        if own.sum() > 1:
            weights[:, own] = own.mean() * np.exp(log[:, own] - logsumexp(log[:, own], axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def effective_draws(weights: np.ndarray) -> np.ndarray:
    """Effective number of draws ``1 / sum w^2`` of each outcome (Kish 1965)."""
    return 1.0 / (weights**2).sum(axis=1)


def interval_ends(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ends (2, outcome) of the 90% interval of values (draw) under weights (outcome, draw): order statistics."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[:, order], axis=1)
    places = [np.argmax(below >= tail * below[:, -1:] * (1.0 - 1e-12), axis=1) for tail in TAILS]
    return values[order][np.stack(places)]


def interval_scores(values: np.ndarray, weights: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Expected interval score (outcome) of stating the 90% interval: its width and 20 times the mean miss.

    ``high - low + 2/alpha E[(low - x)_+ + (x - high)_+]`` with alpha = 0.1 (Gneiting and Raftery 2007, eq. 43).
    Under the posterior itself that is the mean of the upper twentieth less that of the lower one. Unlike a width it is
    concave in the posterior: a measurement is never expected to make it larger. Values and ends are finite.
    """
    low, high = ends[:, :, None]
    missed = (low - values).clip(0.0) + (values - high).clip(0.0)
    return ends[1] - ends[0] + (weights * missed).sum(axis=1) / weights.sum(axis=1) / TAILS[0]


def spread_truths(values: np.ndarray, outcomes: int, rng: np.random.Generator) -> np.ndarray:
    """So many draws (outcome,), each equally likely, evenly over the order of their values (draw)."""
    order = np.argsort(values, kind="stable")
    places = (np.arange(outcomes) + rng.random(outcomes)) / outcomes * len(values)
    return order[places.astype(int).clip(0, len(values) - 1)]

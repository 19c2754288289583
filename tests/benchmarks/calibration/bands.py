"""Bands: whether ranks are uniform, by their empirical distribution as a whole.

Simultaneous bands and p-values after Säilynoja, Bürkner and Vehtari 2022, Statistics and Computing 32:32: the smallest
pointwise tail probability of the empirical distribution, against that of uniform samples of the same size.
"""

from functools import cache

import numpy as np
from scipy import stats

POINTS = np.arange(1, 100) / 100  # the ends of ranks 0 to 98 of 100
SIMULATED = 20_000


def shares(ranks: np.ndarray) -> np.ndarray:
    """Share of ranks (0 to 99) below each point."""
    return np.searchsorted(np.sort(ranks), 100 * POINTS - 0.5) / len(ranks)


def p_value(ranks: np.ndarray) -> float:
    """Probability that as many uniform ranks stray as far."""
    found, null = _smallest_tail(shares(ranks), len(ranks)), _null(len(ranks))
    return float((1 + np.sum(null <= found)) / (1 + len(null)))


def band(size: int, coverage: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest share at each point within which all of the empirical distribution of uniform ranks stays."""
    tail = np.quantile(_null(size), 1.0 - coverage)
    low, high = (stats.binom.ppf(at, size, POINTS) for at in (tail / 2, 1.0 - tail / 2))
    return low / size, high / size


def _smallest_tail(share: np.ndarray, size: int) -> np.ndarray:
    count = np.rint(share * size)
    below, above = stats.binom.cdf(count, size, POINTS), stats.binom.sf(count - 1, size, POINTS)
    return 2.0 * np.minimum(below, above).min(axis=-1)


@cache
def _null(size: int) -> np.ndarray:
    counts = np.random.default_rng(size).multinomial(size, np.full(100, 0.01), SIMULATED)
    return _smallest_tail(np.cumsum(counts, axis=1)[:, :-1] / size, size)

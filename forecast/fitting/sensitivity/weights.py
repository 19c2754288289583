"""Weights of draws by a ratio of densities, with a smooth Pareto tail, and how far they can be relied on.

Vehtari et al. 2024, Journal of Machine Learning Research 25:72.
"""

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import softmax

LARGEST_K = 0.7  # of 2000 draws and more; of fewer draws S it is 1 - 1 / log10 S


def largest_k(draws: int) -> float:
    """Pareto k up to which so many draws with weights say what as many without would, roughly."""
    return min(1.0 - 1.0 / float(np.log10(draws)), LARGEST_K)


def smoothed(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed importance weights (chain, draw), which add up to one, and the shape k of their tail."""
    ratio = np.exp(log_ratio - log_ratio.max())
    efficiency = min(1.0, float(array_stats.ess(ratio, method="mean")) / ratio.size)
    try:
        log_weights, k = array_stats.psislw(-log_ratio.ravel(), r_eff=efficiency)  # takes what is divided by
    except ValueError:  # the largest are all alike, as of asymptotes that are 1 to all digits: there is no tail
        return softmax(log_ratio), -np.inf
    return softmax(log_weights).reshape(log_ratio.shape), float(k)

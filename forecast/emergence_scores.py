"""How sharp a metric rises, and what its number of items can show: bare functions of arrays."""

import numpy as np

SEEN = 0.95  # chance of at least one success that counts as "would show it"
MOST_ITEMS = 1e18  # beyond it no number of items is named


def emergence_score(score: np.ndarray) -> float:
    """Emergence score of the scores (run) of one metric, in order of scale.

    ``sign(argmax y - argmin y) (max y - min y) / sqrt(median_i (y_i - y_{i+1})^2)``

    Source: Srivastava et al. 2022 (arXiv:2206.04615), as used by Schaeffer, Miranda and Koyejo 2023 (arXiv:2304.15004,
    section 4). Where half of the steps are nothing the median is zero and the score infinite; of a metric that never
    moves it is 0. NaN for fewer than two runs.
    """
    if len(score) < 2:
        return np.nan
    jump = np.sign(np.argmax(score) - np.argmin(score)) * (score.max() - score.min())
    with np.errstate(divide="ignore"):
        return float(jump / np.sqrt(np.median(np.diff(score) ** 2))) if jump else 0.0


def chance_of_a_success(rate: np.ndarray, *, items: float) -> np.ndarray:
    """Chance that `items` items show at least one success: ``1 - (1 - p)^n``."""
    with np.errstate(divide="ignore"):
        return -np.expm1(items * np.log1p(-np.asarray(rate, dtype=float)))


def items_for_a_success(rate: np.ndarray, *, chance: float = SEEN) -> np.ndarray:
    """Items that show at least one success with that chance: ``log(1 - chance) / log(1 - p)``, not rounded.

    The inverse of `chance_of_a_success`; `inf` at rate 0.
    """
    with np.errstate(divide="ignore"):
        return np.log1p(-chance) / np.log1p(-np.asarray(rate, dtype=float)) + 0.0


def items_for_a_success_on_average(rate: np.ndarray, *, chance: float = SEEN) -> float:
    """Items that show at least one success with that chance on average over draws (draw,) of the rate, rounded up.

    `inf` where so many draws are zero that no number of items does, or more than 1e18 were needed.
    """
    low, high = 0.0, 1.0
    while chance_of_a_success(rate, items=high).mean() < chance:
        if high > MOST_ITEMS:
            return np.inf
        low, high = high, 2.0 * high
    while high - low > max(0.5, 1e-12 * high):
        middle = 0.5 * (low + high)
        enough = chance_of_a_success(rate, items=middle).mean() >= chance
        low, high = (low, middle) if enough else (middle, high)
    whole = np.floor(high)
    return float(whole if chance_of_a_success(rate, items=whole).mean() >= chance else np.ceil(high))

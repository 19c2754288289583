"""How often outcomes fall where a forecast says: intervals of rates, reliability of central intervals, PIT histograms.

The PIT is the one of `forecast.calibration.score_rows`, uniform on [0, 1] where forecasts are honest.
"""

import numpy as np
import pandas as pd
from scipy.stats import binom

LEVELS = tuple(level / 10 for level in range(1, 10))
PIT_BINS = 10


def wilson_interval(score: np.ndarray, trials: np.ndarray, *, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """Wilson (1927) 95% interval of a binomial rate: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)."""
    centre = (score + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(score * (1 - score) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    # Rounding puts the bounds a hair beyond the score, 0 and 1.
    return np.clip(centre - half, 0.0, score), np.clip(centre + half, score, 1.0)


def reliability(frame: pd.DataFrame) -> pd.DataFrame:
    """Observed beside nominal coverage of central intervals, by method: ``|2 PIT - 1| <= nominal``.

    From the PIT, not from quantiles: where many draws tie, as at a score of 0, a closed interval between quantiles
    holds more than its nominal probability and an honest forecast looks too wide.

    Returns
    -------
    DataFrame
        method, n, nominal (0.1 to 0.9), observed, and the ends low and high of its 95% Wilson interval. The interval
        takes outcomes as independent; those of one task are not, so that it is rather too narrow.
    """
    tables = []
    for method, group in frame.groupby("method", sort=False):
        distance = np.abs(2.0 * group["pit"].to_numpy() - 1.0)
        observed = np.array([(distance <= level).mean() for level in LEVELS])
        low, high = wilson_interval(observed, np.array(len(group)))
        columns = {"nominal": LEVELS, "observed": observed, "low": low, "high": high}
        tables.append(pd.DataFrame({"method": method, "n": len(group), **columns}))
    return pd.concat(tables, ignore_index=True)


def pit_histogram(frame: pd.DataFrame) -> pd.DataFrame:
    """Share of outcomes in each of ten equal bins of the PIT, by method, and what uniformity lets one expect.

    Returns
    -------
    DataFrame
        method, n, left and right (edges of the bin), share, and low and high, the 5% and 95% quantiles of
        Binomial(n, 1/10) / n: of ten bins about one lies outside by chance.
    """
    edges = np.linspace(0.0, 1.0, PIT_BINS + 1)
    tables = []
    for method, group in frame.groupby("method", sort=False):
        n = len(group)
        low, high = binom.ppf((0.05, 0.95), n, 1 / PIT_BINS) / n
        share = np.histogram(group["pit"], edges)[0] / n
        columns = {"left": edges[:-1], "right": edges[1:], "share": share, "low": low, "high": high}
        tables.append(pd.DataFrame({"method": method, "n": n, **columns}))
    return pd.concat(tables, ignore_index=True)

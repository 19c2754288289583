"""Summaries of scores: tables by method, pairs of methods, reliability and PIT.

Frames of several methods, cuts and tables are stacked by `pd.concat`. A column `bed` then names the table, and a column
`cut` the split where several splits share one `log10_cut`, as cuts by date and by family may. CRPS and widths are in
units of the score (nats of losses, decades of minutes of horizons). Lower CRPS is better, and a higher log score.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from forecast.draws import order_statistics
from models.equations.metrics import metrics_where

OURS = "capability model"  # the method that is not a baseline
INTERVALS = {50: ("q25", "q75"), 80: ("q10", "q90"), 90: ("q05", "q95")}  # percent: quantiles at the ends
DISTANCE_EDGES = (-np.inf, 0.0, 0.5, 1.0, 2.0, np.inf)
DISTANCES = ("< 0", "0-0.5", "0.5-1", "1-2", "2+")
"""Decades beyond the largest training run; each bin holds its left edge."""


def summary(frame: pd.DataFrame, by: Sequence[str] = ("method",)) -> pd.DataFrame:
    """Mean scores and coverage of the lines of `score_rows`, one line a group.

    Parameters
    ----------
    by : any columns of the frame (method, task, metric, bed, ...) and `distance`, the decades beyond the largest
        training run in the bins `DISTANCES`; empty for one line of all. Groups come in order of appearance, distances
        from near to far.

    Returns
    -------
    DataFrame
        the columns of `by`; n; crps, log_score and width_90 (means); coverage_50, coverage_80 and coverage_90, each
        with the ends ``_low`` and ``_high`` of its 95% Wilson interval, which takes outcomes as independent.
    """
    # Rounded, so that ten times the cut is one decade beyond it.
    beyond = pd.cut(frame["decades_beyond"].round(9), DISTANCE_EDGES, right=False, labels=DISTANCES)
    frame = frame.assign(distance=beyond, width_90=_widths(frame))
    if "distance" in by:
        frame = frame.sort_values("distance", kind="stable")
    groups = frame.groupby(list(by) or np.zeros(len(frame)), sort=False, observed=True)
    means = {name: (name, "mean") for name in ("crps", "log_score", "width_90")}
    covered = {f"coverage_{percent}": (f"inside_{percent}", "mean") for percent in INTERVALS}
    table = groups.agg(n=("crps", "size"), **means, **covered).reset_index(drop=not by)
    for name in covered:
        low, high = wilson_interval(table[name].to_numpy(dtype=float), table["n"].to_numpy(dtype=float))
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    return table


def paired_bootstrap(frame: pd.DataFrame, *, method: str, against: str, seed: int, draws: int = 2000) -> dict[str, Any]:
    """How much lower the mean CRPS of one method is than another's on the same outcomes, by a bootstrap over tasks.

    Tasks are drawn with replacement, each with all of its outcomes (over its cuts too), because outcomes of a task are
    not independent: the cluster bootstrap of Davison and Hinkley (1997, section 3.8). Where there is one task only,
    runs are drawn instead.

    Parameters
    ----------
    frame : lines of `score_rows` of both methods; outcomes that one of them lacks are left out
    draws : resamples

    Returns
    -------
    dict
        method, against; n, the outcomes compared; over, 'task' or 'model': what was drawn, and units, how many of them
        there are; crps and crps_against; difference (method less against: negative is better) and ratio (below 1 is
        better), each with estimate (of the outcomes as they are), q05 and q95; p_better, the share of resamples in
        which the method is better, ties as halves. Percentile intervals of few units are too narrow; one unit tells
        nothing of the next, so that its intervals are endless and p_better is 0.5.

    Raises
    ------
    ValueError
        if the methods share no outcome, or one has an outcome twice.
    """
    pairs = _pairs(frame, method, against)
    bed = [name for name in ("bed",) if name in frame]
    over = "task" if pairs.groupby([*bed, "task"]).ngroups > 1 else "model"
    units = pairs.groupby([*bed, over])[["crps", "crps_against"]]
    sums, sizes = units.sum().to_numpy(), units.size().to_numpy()
    chosen = np.random.default_rng(seed).integers(len(sizes), size=(draws, len(sizes)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)[:, None]
    difference, ratio = _difference(*means.T), _ratio(*means.T)
    ours, theirs = pairs[["crps", "crps_against"]].mean()
    alone = len(sizes) == 1
    return {
        "method": method,
        "against": against,
        "n": len(pairs),
        "over": over,
        "units": len(sizes),
        "crps": float(ours),
        "crps_against": float(theirs),
        "difference": _estimate(_difference(ours, theirs), (-np.inf, np.inf) if alone else _interval_90(difference)),
        "ratio": _estimate(_ratio(ours, theirs), (0.0, np.inf) if alone else _interval_90(ratio)),
        "p_better": 0.5 if alone else float(np.mean(difference < 0) + 0.5 * np.mean(difference == 0)),
    }


def _pairs(frame: pd.DataFrame, method: str, against: str) -> pd.DataFrame:
    """The outcomes that both methods forecast, with `crps` of the one and `crps_against` of the other."""
    key = [name for name in ("bed", "cut", "log10_cut", "row") if name in frame]
    ours, theirs = (frame[frame["method"] == name] for name in (method, against))
    pairs = ours.merge(theirs[[*key, "crps"]], on=key, suffixes=("", "_against"), validate="one_to_one")
    if pairs.empty:
        counts = f"{method} has {len(ours)} outcomes, {against} has {len(theirs)}"
        raise ValueError(f"{counts}, and they share none; score both on the same rows and cut")
    return pairs


def _interval_90(values: np.ndarray) -> tuple[float, float]:
    ends = order_statistics(values)
    return float(ends["q05"]), float(ends["q95"])


def _estimate(value: float, ends: tuple[float, float]) -> dict[str, float]:
    return {"estimate": float(value), "q05": ends[0], "q95": ends[1]}


def _widths(frame: pd.DataFrame) -> np.ndarray:
    """Widths of the 90% intervals of lines, of horizons in decades."""
    horizon = frame["metric"].isin(metrics_where("reciprocal")) if "metric" in frame else False
    with np.errstate(divide="ignore", invalid="ignore"):  # where no horizon is
        low, high = (np.where(horizon, np.log10(frame[end]), frame[end]) for end in ("q05", "q95"))
    return _difference(high, low)


def _difference(first, second):
    """First less second, 0 where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(first == second, 0.0, np.subtract(first, second))


def _ratio(first, second):
    """First over second, 1 where both are 0 or both infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(first == second, 1.0, np.divide(first, second))


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

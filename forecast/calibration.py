"""Scores of forecasts against outcomes (DESIGN 9): one line an outcome, tables of them, and pairs of methods.

Frames of several methods, cuts and tables are stacked by `pd.concat`. A column `bed` then names the table, and a column
`cut` the split where several splits share one `log10_cut`, as cuts by date and by family may. CRPS is in units of the
score (nats for losses) and lower is better; of the log score higher is better.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.coverage import wilson_interval
from forecast.log_score import count_log_score, loss_log_score

INTERVALS = {50: (0.25, 0.75), 80: (0.10, 0.90), 90: (0.05, 0.95)}  # percent: quantiles at the ends
DISTANCE_EDGES = (-np.inf, 0.0, 0.5, 1.0, 2.0, np.inf)
DISTANCES = ("< 0", "0-0.5", "0.5-1", "1-2", "2+")
"""Decades beyond the largest training run; each bin holds its left edge."""


def score_rows(draws: np.ndarray, rows: pd.DataFrame, *, method: str, log10_cut: float, seed: int) -> pd.DataFrame:
    """Scores of one method's predictive draws of the rows of a table, one line an outcome.

    Parameters
    ----------
    draws : (draw, row) of the score: shares in [0, 1], for losses nats, which may be infinite
    rows : a frame of `forecast.table.read_table`; the outcome of a rate is successes / trials
    log10_cut : log10 FLOP from which distance is counted: that of the largest run seen
    seed : of the PIT; with the same seed ties are split alike for every method

    Returns
    -------
    DataFrame
        method, row (the label in `rows`), model, task, metric, log10_compute, log10_cut, decades_beyond, outcome;
        crps, infinite where a draw is; log_score (see `forecast.log_score`: higher is better); the quantiles q05, q50
        and q95 (order statistics); inside_50, inside_80, inside_90 (closed central intervals); and pit.

        ``pit = (#{draw < outcome} + v (#{draw = outcome} + 1)) / (draws + 1)`` with v uniform: the outcome is one more
        draw, so that PITs of an honest forecast are uniform whatever the number of draws (Czado, Gneiting and Held
        2009 for counts). Shares are compared as counts, rounded where a method forgets that scores are counts.

    Raises
    ------
    ValueError
        if `draws` is not (draw, row), or holds NaN.
    """
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 2 or draws.shape[1] != len(rows) or len(draws) == 0:
        raise ValueError(f"draws of {method} have shape {draws.shape}, expected (draws, {len(rows)}), a column a row")
    if (unknown := np.isnan(draws).any(axis=0)).any():
        found = ", ".join(map(str, rows.index[unknown][:5]))
        raise ValueError(f"draws of {method} hold NaN for {unknown.sum()} rows ({found}); leave these rows out")
    rate = (rows["metric"] != "loss").to_numpy()
    successes, trials, score, compute = (
        rows[name].to_numpy(dtype=float, na_value=np.nan) for name in ("successes", "trials", "score", "compute")
    )
    outcome = np.where(rate, successes / trials, score)
    quantiles = {q: np.quantile(draws, q, axis=0, method="inverted_cdf") for q in (0.5, *sum(INTERVALS.values(), ()))}
    inside = {
        f"inside_{percent}": (quantiles[low] <= outcome) & (outcome <= quantiles[high])
        for percent, (low, high) in INTERVALS.items()
    }
    compared = np.where(rate, np.rint(draws * trials), draws)
    splits = np.random.default_rng(seed).random(len(rows))
    table = {
        "method": method,
        "row": rows.index,
        **{name: rows[name].to_numpy() for name in ("model", "task", "metric")},
        "log10_compute": np.log10(compute),
        "log10_cut": log10_cut,
        "decades_beyond": np.log10(compute) - log10_cut,
        "outcome": outcome,
        "crps": _crps(draws, outcome),
        "log_score": _log_scores(draws, successes, trials, losses=np.where(rate, np.nan, score)),
        **{f"q{round(100 * q):02d}": quantiles[q] for q in (0.05, 0.5, 0.95)},
        **inside,
        "pit": _randomised_pit(compared, np.where(rate, successes, outcome), splits),
    }
    return pd.DataFrame(table, index=pd.RangeIndex(len(rows)))


def _crps(draws: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """CRPS (row) of draws (draw, row), by quantiles: ``2/M^2 sum_i (x_(i) - y) (M 1{y < x_(i)} - i + 1/2)``.

    Source: Laio and Tamea 2007, Hydrol. Earth Syst. Sci. 11:1267. `scoringrules` has it too, and compiles for three
    seconds when it is imported.
    """
    finite = np.isfinite(draws).all(axis=0)
    crps = np.full(len(outcome), np.inf)  # any mass at infinity
    if finite.any():
        ordered, ranks = np.sort(draws.T[finite], axis=1), np.arange(len(draws)) + 0.5
        seen = outcome[finite, None]
        crps[finite] = 2.0 * ((ordered - seen) * ((seen < ordered) - ranks / len(draws))).mean(axis=1)
    return crps


def _log_scores(draws: np.ndarray, successes: np.ndarray, trials: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """By row; `losses` is NaN where the row is a count."""
    columns = zip(draws.T, successes, trials, losses, strict=True)
    scores = [
        count_log_score(own, successes=count, trials=items) if np.isnan(loss) else loss_log_score(own, loss_nats=loss)
        for own, count, items, loss in columns
    ]
    return np.array(scores, dtype=float)


def _randomised_pit(draws: np.ndarray, outcome: np.ndarray, splits: np.ndarray) -> np.ndarray:
    below, ties = (draws < outcome).sum(axis=0), (draws == outcome).sum(axis=0)
    return (below + splits * (ties + 1)) / (len(draws) + 1)


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
    frame = frame.assign(distance=beyond, width_90=_difference(frame["q95"].to_numpy(), frame["q05"].to_numpy()))
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
        "difference": _estimate(_difference(ours, theirs), (-np.inf, np.inf) if alone else _ends(difference)),
        "ratio": _estimate(_ratio(ours, theirs), (0.0, np.inf) if alone else _ends(ratio)),
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


def _ends(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, (0.05, 0.95), method="inverted_cdf")
    return float(low), float(high)


def _estimate(value: float, ends: tuple[float, float]) -> dict[str, float]:
    return {"estimate": float(value), "q05": ends[0], "q95": ends[1]}


def _difference(first, second):
    """First less second, 0 where both are infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(first == second, 0.0, np.subtract(first, second))


def _ratio(first, second):
    """First over second, 1 where both are 0 or both infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(first == second, 1.0, np.divide(first, second))

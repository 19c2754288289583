"""Scores of forecasts, one line an outcome: CRPS, log score, intervals and PIT.

Higher is better. A count has a probability and a loss a density per nat: never average one with the other.
"""

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import betabinom, binom, cauchy, norm

from forecast.draws import QUANTILES, order_statistics
from forecast.scoring.summary import INTERVALS
from models.equations.metrics import metrics_where, rates


def score_rows(draws: np.ndarray, rows: pd.DataFrame, *, method: str, log10_cut: float, seed: int) -> pd.DataFrame:
    """Scores of one method's predictive draws of the rows of a table, one line an outcome.

    Parameters
    ----------
    draws : (draw, row) of the score: shares in [0, 1], for losses nats and for horizons minutes, which may be infinite
    rows : a frame of `forecast.table.dataset.read_table`; the outcome of a rate is successes / trials
    log10_cut : log10 FLOP from which distance is counted: that of the largest run seen
    seed : of the PIT; with the same seed ties are split alike for every method

    Returns
    -------
    DataFrame
        method, row (the label in `rows`), model, task, metric, log10_compute, log10_cut, decades_beyond, outcome;
        crps, infinite where a draw is, of horizons that of log10 minutes; log_score (see `forecast.scoring.rows`:
        higher is better); the quantiles q05, q50 and q95 (order statistics); inside_50, inside_80, inside_90 (closed
        central intervals); and pit.

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
    rate = rows["metric"].isin(rates()).to_numpy()
    successes, trials, score, compute = (
        rows[name].to_numpy(dtype=float, na_value=np.nan) for name in ("successes", "trials", "score", "compute")
    )
    outcome = np.where(rate, successes / trials, score)
    quantiles = order_statistics(draws, QUANTILES, axis=0)
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
        "crps": crps(*on_crps_scale(rows, draws, outcome)),
        "log_score": _log_scores(draws, successes, trials, losses=np.where(rate, np.nan, score)),
        **{name: quantiles[name] for name in ("q05", "q50", "q95")},
        **inside,
        "pit": _randomised_pit(compared, np.where(rate, successes, outcome), splits),
    }
    return pd.DataFrame(table, index=pd.RangeIndex(len(rows)))


def on_crps_scale(rows: pd.DataFrame, draws: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draws and outcomes, those of horizons as log10 minutes: they differ by decades, and one miss would be all."""
    horizon = rows["metric"].isin(metrics_where("reciprocal")).to_numpy()
    if not horizon.any():
        return draws, outcome
    with np.errstate(divide="ignore"):
        return np.where(horizon, np.log10(draws), draws), np.where(horizon, np.log10(outcome), outcome)


def crps(draws: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """CRPS (row) of draws (draw, row), by quantiles: ``2/M^2 sum_i (x_(i) - y) (M 1{y < x_(i)} - i + 1/2)``.

    Source: Laio and Tamea 2007, Hydrol. Earth Syst. Sci. 11:1267. `scoringrules` has it too, and compiles for three
    seconds when it is imported.
    """
    finite = np.isfinite(draws).all(axis=0)
    found = np.full(len(outcome), np.inf)  # any mass at infinity
    if finite.any():
        ordered, ranks = np.sort(draws.T[finite], axis=1), np.arange(len(draws)) + 0.5
        seen = outcome[finite, None]
        found[finite] = 2.0 * ((ordered - seen) * ((seen < ordered) - ranks / len(draws))).mean(axis=1)
    return found


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

"""Scores of threshold forecasts on a ladder of runs, where the truth is an interval between two rungs or censored.

Compute is log10 FLOP; a threshold may be inf (never) or -inf (already reached by guessing).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Where a ladder of runs crosses a threshold: above rung `first` - 1, at or below rung `first`."""

    log10_rungs: np.ndarray  # (rung,) log10 FLOP, ascending, each once
    first: int  # the first rung that reaches the threshold; the number of rungs where none does

    @property
    def low(self) -> float:
        """Log10 FLOP of the last rung below the threshold; -inf where already the smallest run reaches it."""
        return float(self.log10_rungs[self.first - 1]) if self.first > 0 else -np.inf

    @property
    def high(self) -> float:
        """Log10 FLOP of the first rung at the threshold; inf where not even the largest run reaches it."""
        return float(self.log10_rungs[self.first]) if self.first < len(self.log10_rungs) else np.inf


def crossing(log10_compute: np.ndarray, score: np.ndarray, at: float) -> Crossing:
    """Where the runs of one task, seen and hidden, cross the score `at`.

    Ladders are not monotone: runs scatter beyond their binomial error. So the rungs are those of the isotonic fit by
    least squares (Barlow et al. 1972; runs count alike, because that scatter is of runs, not of items; runs of equal
    compute are one rung), and the first of them at or above `at` is where it is crossed. Where scores are monotone the
    fit is the scores; a lone early success is averaged with the failures after it.

    Parameters
    ----------
    log10_compute, score : (run,) in any order
    """
    rungs, rung = np.unique(log10_compute, return_inverse=True)
    runs = np.bincount(rung)
    fitted = isotonic_regression(np.bincount(rung, score) / runs, weights=runs).x
    reached = fitted >= at
    return Crossing(log10_rungs=rungs, first=int(np.argmax(reached)) if reached.any() else len(rungs))


def ranked_probability_score(log10_compute_draws: np.ndarray, truth: Crossing) -> float:
    """Mean over rungs of ``(P(threshold <= rung) - [crossed by the rung])^2``: 0 is perfect, 1 is sure and wrong.

    Epstein (1969) over the intervals between rungs and the two beyond them, divided by the number of rungs so that
    ladders compare. A censored truth needs no care: what lies beyond the ladder is one interval, in which 'later' and
    'never' are alike. Draws (draw,) may be inf and -inf.
    """
    if np.isnan(log10_compute_draws).any():
        raise ValueError("draws of threshold compute hold NaN; a threshold that is never crossed is inf")
    intervals = len(truth.log10_rungs) + 1
    # Interval i holds thresholds above rung i - 1, up to and with rung i.
    at = np.searchsorted(truth.log10_rungs, log10_compute_draws, side="left")
    forecast = np.bincount(at, minlength=intervals) / len(log10_compute_draws)
    come = np.arange(intervals - 1) >= truth.first
    return float(((np.cumsum(forecast)[:-1] - come) ** 2).sum()) / (intervals - 1)

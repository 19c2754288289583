"""Horizon of one agent from its attempts at tasks, with a bootstrap over task families, tasks and attempts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.equations.horizon import fitted_horizon

REPLICATES = 1000
SEED = 20
TAILS = (0.025, 0.975)
NORMAL = 1.959964  # standard deviations to either end of a 95% interval


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """A horizon in minutes with its 95% interval, whose ends may be zero or infinite."""

    minutes: float
    low: float
    high: float

    @property
    def sd(self) -> float | None:
        """Standard deviation of log10 minutes: see `sd_of_interval`."""
        return sd_of_interval(self.minutes, self.low, self.high)


def sd_of_interval(middle: float, low: float, high: float) -> float | None:
    """Standard deviation of the log10 of a quantity with this 95% interval.

    Half the interval or, where one end is zero or infinite, what lies towards the other. None where neither end says
    anything.
    """
    ends = [np.log10(end) for end in (low, high) if 0 < end < np.inf]
    if len(ends) == 2:
        return float(ends[1] - ends[0]) / (2.0 * NORMAL) or None
    return abs(float(ends[0] - np.log10(middle))) / NORMAL or None if ends else None


def horizon_of(attempts: pd.DataFrame, *, seed: int = SEED, replicates: int = REPLICATES) -> Horizon:
    """Horizon of attempts with columns family, task, minutes, success (0 or 1) and weight.

    Families are drawn with replacement, in each its tasks, and of each task its attempts. A replicate in which success
    does not fall with the length of tasks counts below or above all others.
    """
    tasks = attempts.groupby(["family", "task"], sort=True).agg(
        minutes=("minutes", "mean"), number=("success", "size"), won=("success", "sum"), weight=("weight", "mean")
    )
    log2_minutes = np.log2(tasks["minutes"].to_numpy(dtype=float))
    number, won, weight = (tasks[name].to_numpy(dtype=float) for name in ("number", "won", "weight"))
    found = float(fitted_horizon(log2_minutes, won / number, number * weight)[0])
    families = pd.factorize(tasks.index.get_level_values("family"))[0]
    times = _times_drawn(families, replicates, rng := np.random.default_rng(seed))
    attempts_drawn = times * number.astype(int)
    share = rng.binomial(attempts_drawn, won / number) / np.maximum(attempts_drawn, 1)
    drawn = fitted_horizon(log2_minutes, share, attempts_drawn * weight)[0]
    low, high = np.quantile(drawn, TAILS, method="inverted_cdf")
    return Horizon(minutes=found, low=float(low), high=float(high))


def _times_drawn(families: np.ndarray, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """How many times each task (replicate, task) is drawn: families first, then as many tasks as each has."""
    sizes = np.bincount(families)
    of_family = rng.multinomial(len(sizes), np.full(len(sizes), 1.0 / len(sizes)), size=replicates)
    times = np.empty((replicates, len(families)), dtype=int)
    for family, size in enumerate(sizes):
        times[:, families == family] = rng.multinomial(of_family[:, family] * size, np.full(size, 1.0 / size))
    return times

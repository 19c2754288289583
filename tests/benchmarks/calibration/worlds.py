"""Worlds: tables drawn in NumPy around a known truth that a user would fear, none of them from the model itself.

In all of them a loss per token falls as a power law in compute, answers of four tokens are scored by exact match (items
differ so that nu = 1), runs scatter by 0.1 decades and counts beyond binomial. Each world changes one thing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

RUNS, TRIALS, LENGTH = 12, 400, 4
FIRST, LAST = 20.0, 23.5  # log10 FLOP
RESIDUAL, CONCENTRATION = 0.1, 200.0  # decades; of the beta-binomial
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class World:
    """One simulated table and its truth."""

    rows: pd.DataFrame
    crossed_at: float  # log10 FLOP at which the typical curve is at one half; infinite: never; NaN: has no meaning
    family: str | None = None  # whose curve that is


def power_law(x: np.ndarray, crossed_at: np.ndarray | float, slope: np.ndarray | float) -> np.ndarray:
    """Loss that gives one half of the answers at a compute and falls by so many decades a decade."""
    return 10.0 ** (-slope * (x - crossed_at)) / LENGTH


def exact_match(loss: np.ndarray, length: int = LENGTH) -> np.ndarray:
    return 1.0 / (1.0 + length * loss)


class Draw:
    """What is drawn of every world: computes, residuals, slope and threshold."""

    def __init__(self, seed: int, beyond: tuple[float, float] = (0.2, 1.2)):
        self.rng = np.random.default_rng(seed)
        self.x = np.linspace(FIRST, LAST, RUNS)
        self.seen = self.x + self.rng.normal(0.0, RESIDUAL, RUNS)  # effective compute
        self.slope = self.rng.uniform(0.4, 0.8)
        self.crossed_at = LAST + self.rng.uniform(*beyond)

    def table(self, mean: np.ndarray, **columns: object) -> pd.DataFrame:
        """Rows of exact match of expected score `mean`."""
        rate = self.rng.beta(CONCENTRATION * mean, CONCENTRATION * (1.0 - mean))
        known = {"model": [f"run {run}" for run in range(RUNS)], "task": "sums", "metric": "exact_match"}
        counts = {"successes": self.rng.binomial(TRIALS, rate), "trials": TRIALS, "length": float(LENGTH)}
        return pd.DataFrame(known | counts | {"compute": 10.0**self.x} | columns)


def as_supposed(seed: int) -> World:
    """Nothing is wrong: for comparison."""
    draw = Draw(seed)
    mean = exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    return World(rows=draw.table(mean), crossed_at=draw.crossed_at)


def never(seed: int) -> World:
    """The ceiling is 0.25 to 0.45, and half of it is reached within the runs."""
    draw = Draw(seed, beyond=(-1.5, -0.3))
    mean = draw.rng.uniform(0.25, 0.45) * exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    return World(rows=draw.table(mean), crossed_at=np.inf)


def already_crossed(seed: int) -> World:
    """One half was reached by a run long ago."""
    draw = Draw(seed, beyond=(-2.5, -1.5))
    mean = exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    return World(rows=draw.table(mean), crossed_at=draw.crossed_at)


def break_beyond(seed: int) -> World:
    """Beyond the last run the loss falls three times as slowly as it did."""
    draw = Draw(seed, beyond=(0.3, 1.0))
    mean = exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    return World(rows=draw.table(mean), crossed_at=LAST + 3.0 * (draw.crossed_at - LAST))


def wrong_length(seed: int) -> World:
    """Answers have sixteen tokens, the table says four; a loss per token is measured beside."""
    draw = Draw(seed)
    loss = power_law(draw.seen, draw.crossed_at, draw.slope) * LENGTH / 16
    rows = draw.table(exact_match(loss, length=16))
    measured = (2.0 * loss) ** (1 / 1.2) * np.exp(draw.rng.normal(0.0, 0.02, RUNS))
    losses = rows.assign(metric="loss", score=measured, successes=None, trials=None, length=None)
    return World(rows=pd.concat([rows, losses]), crossed_at=draw.crossed_at)


def bimodal_seeds(seed: int) -> World:
    """Every run falls into one of two groups 1.2 decades apart, by its seed; the typical run is between them."""
    draw = Draw(seed)
    apart = draw.rng.choice([-0.6, 0.6], RUNS)
    mean = exact_match(power_law(draw.seen + apart, draw.crossed_at, draw.slope))
    return World(rows=draw.table(mean), crossed_at=draw.crossed_at)


def falling(seed: int) -> World:
    """Scores fall with compute, from 0.6 to 0.8 on: there is no threshold to be told."""
    draw = Draw(seed)
    mean = draw.rng.uniform(0.6, 0.8) * exact_match(power_law(-draw.seen, -22.0, draw.slope))
    return World(rows=draw.table(mean), crossed_at=np.nan)


def contaminated(seed: int) -> World:
    """Two runs were trained on the test: they score 0.85 to 0.95."""
    draw = Draw(seed)
    mean = exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    mean[draw.rng.choice(RUNS, 2, replace=False)] = draw.rng.uniform(0.85, 0.95, 2)
    return World(rows=draw.table(mean), crossed_at=draw.crossed_at)


def twice_as_good(seed: int) -> World:
    """One of two families needs half of the compute of the other; asked for is the other."""
    draw = Draw(seed)
    better = np.arange(RUNS) % 2 == 1
    mean = exact_match(power_law(draw.seen + np.log10(2.0) * better, draw.crossed_at, draw.slope))
    family = np.where(better, "better", "plain")
    return World(rows=draw.table(mean, family=family), crossed_at=draw.crossed_at, family="plain")


def wrong_compute(seed: int) -> World:
    """The published compute of one of the largest four runs is ten times too small or too large."""
    draw = Draw(seed)
    mean = exact_match(power_law(draw.seen, draw.crossed_at, draw.slope))
    wrong = np.zeros(RUNS)
    wrong[draw.rng.choice(np.arange(RUNS - 4, RUNS))] = draw.rng.choice([-1.0, 1.0])
    return World(rows=draw.table(mean, compute=10.0 ** (draw.x + wrong)), crossed_at=draw.crossed_at)


WORLDS: dict[str, Callable[[int], World]] = {
    "as supposed": as_supposed,
    "never": never,
    "already crossed": already_crossed,
    "a break beyond the data": break_beyond,
    "wrong length L": wrong_length,
    "bimodal seeds": bimodal_seeds,
    "a metric that falls": falling,
    "contaminated evaluations": contaminated,
    "one family twice as good": twice_as_good,
    "a published compute wrong by ten": wrong_compute,
}

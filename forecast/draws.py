"""Draws: how to make them, how far they can be trusted, and their quantiles as JSON names them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.files import json_number
from models.dates import iso_date

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
INTERVAL = (0.05, 0.50, 0.95)  # the 90% interval and the median in it


def order_statistics(
    draws: np.ndarray,
    at: Sequence[float] = INTERVAL,
    *,
    axis: int | tuple[int, ...] | None = None,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Order statistics by name, such as q05, of all draws or along axes: infinite draws stay what they are."""
    values = np.quantile(draws, at, axis=axis, weights=weights, method="inverted_cdf")
    return {f"q{round(100 * q):02d}": value for q, value in zip(at, values, strict=True)}


def quantiles(
    draws: np.ndarray, at: Sequence[float] = INTERVAL, *, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """The same of all draws, as numbers for JSON."""
    return {name: json_number(value) for name, value in order_statistics(draws, at, weights=weights).items()}


def date_quantiles(years: np.ndarray) -> dict[str, str]:
    """Order statistics of decimal years as ISO dates, or 'inf', '-inf' and 'after 9999'."""
    return {name: iso_date(value) for name, value in order_statistics(years, QUANTILES).items()}


ROUND, MOST_ROUNDS = 400, 10  # kept draws a chain after which they are judged, and how often


FINE_ACCEPT = 0.95  # target of a posterior that is hard to sample


MAX_RHAT = 1.01  # Vehtari et al. 2021, Bayesian Analysis 16:667


MIN_ESS = 400  # the same source: 100 a chain


MAX_DIVERGENT_SHARE = 0.001  # of all draws: a few among thousands are always shown, more make the fit untrustworthy


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample. Same seed, same draws."""

    seed: int = 1
    chains: int = 4
    tune: int = 500  # warm-up draws a chain
    draws: int | None = None  # kept draws a chain; None: rounds of 400 until they can be trusted, at most ten
    target_accept: float = 0.88


@dataclass(frozen=True, kw_only=True)
class Check:
    """A diagnostic beside its limit."""

    name: str  # a field of `Diagnostics`
    value: float
    limit: float
    above: bool  # whether the value has to be at least the limit; else at most

    @property
    def passed(self) -> bool:
        """Whether the limit is kept; NaN keeps none."""
        return bool(self.value >= self.limit if self.above else self.value <= self.limit)


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """Worst values over all that is reported, and the reasons not to trust the draws (none when they are fine).

    Those of all sampled parameters, spreads and nuisances among them, are there to be read and decide nothing.
    """

    max_rhat: float
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int
    total_draws: int
    worst: tuple[str, ...]  # what of it has the lowest effective sample size
    parameters_max_rhat: float | None = None  # of all of them; None: where they are what was judged
    parameters_min_ess: float | None = None

    def beside(self, parameters: "Diagnostics") -> "Diagnostics":
        """The same with the worst values of all parameters."""
        return replace(self, parameters_max_rhat=parameters.max_rhat, parameters_min_ess=parameters.min_ess)

    @property
    def min_ess(self) -> float:
        """The smaller of both effective sample sizes; NaN where either is."""
        return float(np.minimum(self.min_ess_bulk, self.min_ess_tail))

    @property
    def brief(self) -> dict[str, float]:
        """The three numbers that stand beside an answer."""
        return {"max_rhat": self.max_rhat, "min_ess": self.min_ess, "divergences": self.divergences}

    @property
    def checks(self) -> tuple[Check, ...]:
        """Each diagnostic beside its limit: the only rule of what can be trusted."""
        return (
            Check(name="max_rhat", value=self.max_rhat, limit=MAX_RHAT, above=False),
            Check(name="min_ess_bulk", value=self.min_ess_bulk, limit=MIN_ESS, above=True),
            Check(name="min_ess_tail", value=self.min_ess_tail, limit=MIN_ESS, above=True),
            Check(
                name="divergences",
                value=self.divergences,
                limit=math.floor(MAX_DIVERGENT_SHARE * self.total_draws),
                above=False,
            ),
        )

    @property
    def reasons(self) -> list[str]:
        """What is wrong, heaviest first; empty when the draws can be trusted. Causes: `forecast.report.complaints`."""
        rhat, bulk, tail, divergences = self.checks
        found = []
        if not rhat.passed:
            found.append(f"chains disagree: R-hat is {self.max_rhat:.3f}, above {MAX_RHAT}")
        if not (bulk.passed and tail.passed):
            found.append(f"effective sample size is {self.min_ess:.0f}, below {MIN_ESS}")
        if not divergences.passed:
            found.append(f"part of the posterior is unexplored: {self.divergences} divergent transitions")
        return found


UNKNOWN = Diagnostics(
    max_rhat=math.nan, min_ess_bulk=math.nan, min_ess_tail=math.nan, divergences=0, total_draws=1, worst=()
)
"""Of draws that nobody has judged."""

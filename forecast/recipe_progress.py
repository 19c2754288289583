"""Algorithmic progress: by how much recipes improve a year, counted once, from the recipes that were fitted."""

from dataclasses import dataclass
from math import inf, isfinite, log

import numpy as np

from forecast.scenarios import Scenario
from forecast.store import Fit
from models.recipe_facts import reference_year, years_of_runs

PROGRESS_DECADES, PROGRESS_SD = 0.477, 0.46  # log-normal, where the fit does not know it
"""Median 3x a year less compute for the same score, 90 % from 1.7x to 10x. Published: 2.8x, 1.8x to 5.3x (Ho et al.
2024, arXiv:2403.05812, language models), 2.5x (Erdil, Besiroglu 2022, arXiv:2212.05153, vision); others 1.7 to 11."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """By how much recipes improve: added once, from the date of the recipes that were fitted."""

    decades: np.ndarray  # (draw,) a year
    since: float  # decimal year from which it is counted
    in_fit: bool  # True: on the scale of the fit, which estimated it; False: decades of compute
    source: str
    dated: bool = True  # False: the date of the recipes is not known; then none is added before `since`, nor taken away

    def grown(self, year: np.ndarray) -> np.ndarray:
        """Decades (draw) by which recipes of each date are ahead of those that were fitted."""
        ahead = year - self.since
        return self.decades * (ahead if self.dated else np.maximum(ahead, 0.0))


def progress_of(fit: Fit, scenario: Scenario, *, family: str | None, as_of: float, seed: int) -> Progress:
    """The progress of a scenario: the fit's own where it has one, else the scenario's number, else the prior."""
    since, dated = recipe_year(fit, family), True
    if not isfinite(since):
        since, dated = as_of, False
    where = "the latest date of the fitted runs" if dated else "the date of the forecast, since the table has no dates"
    count = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    if scenario.progress is not None:
        source = "none" if scenario.progress == 0 else f"the scenario's, counted from {where}"
        return Progress(
            decades=np.full(count, float(scenario.progress)), since=since, in_fit=False, source=source, dated=dated
        )
    if "progress" in fit.posterior:
        own = fit.posterior.progress.transpose("chain", "draw").values.ravel()
        source = f"as the fit estimates it from dates, counted on from {where}; no prior is added"
        return Progress(decades=own, since=since, in_fit=True, source=source)
    rng = np.random.default_rng([seed, 3])
    decades = rng.lognormal(log(PROGRESS_DECADES), PROGRESS_SD, count)
    source = f"a prior, median {10**PROGRESS_DECADES:.0f}x a year, since the fit has none; counted from {where}"
    return Progress(decades=decades, since=since, in_fit=False, source=source, dated=dated)


def recipe_year(fit: Fit, family: str | None) -> float:
    """The date of the recipe that thresholds are of: the latest of the family, or of all; `-inf` where none is known.

    The counterpart of `forecast.recipes.recipe_shift` without a year.
    """
    known = years_of_runs(fit.data)
    if family is not None:
        known = known[fit.data.family_index.values == fit.data.family.values.tolist().index(family)]
    latest = float(np.nanmax(known, initial=-inf))
    return latest if isfinite(latest) or "progress" not in fit.posterior else reference_year(fit.data)

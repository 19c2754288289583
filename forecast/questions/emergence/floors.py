"""Floors: items that every model solves and tokens that it guesses, of which small models are alike without a break."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from forecast.posterior.fit import Fit
from forecast.posterior.tasks import is_measured
from forecast.questions.emergence.likelihood import rows_of

EASY = (0.5, 0.75, 1.0)  # easy items, as shares of the smallest score, which bounds them


def with_floors(fit: Fit, tasks: Sequence[str]) -> Fit:
    """The draws of a fit once without floors, once as fitted, and with easy items: as further chains, in this order.

    Rates of `tasks` are of the same items, so that the smallest score of the sharpest bounds the easy ones. Choices
    keep their floor, and losses have none: of losses alone the fit is as it was.
    """
    data, posterior = fit.data, fit.posterior
    rates = [task for task in tasks if not is_measured(fit, task)]
    if not rates:
        return fit
    chance = data.chance.reset_coords(drop=True)
    without = {"floor": xr.where(data.metric == "choice", posterior.floor, chance + 0.0 * posterior.floor)}
    if "token_floor" in posterior:
        without["token_floor"] = 0.0 * posterior.token_floor
    copies = [posterior.assign(without), posterior]
    if (most := _smallest_success(fit, rates)) > 0:
        above = posterior.ceiling - posterior.floor
        copies += [posterior.assign(floor=posterior.floor + share * most * above) for share in EASY]
    return replace(fit, posterior=xr.concat(copies, dim="chain"))


def _smallest_success(fit: Fit, rates: Sequence[str]) -> float:
    rows = rows_of(fit, rates)
    chance = fit.data.chance.values[fit.data.task_index.values[rows]]
    return max(float(np.min((fit.data.score.values[rows] - chance) / (1.0 - chance))), 0.0)

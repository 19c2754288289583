"""Sensitivity of a threshold: its median and P(never) with each prior half and twice as wide.

The draws of the fit are weighted by the ratio of the priors (power scaling: Kallioinen et al. 2024, Statistics and
Computing 34:57) with a smooth Pareto tail, whose shape k says whether the weights can be relied on (Vehtari et al.
2024, Journal of Machine Learning Research 25:72). Nothing is fitted, unless it is asked for where they cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from forecast.draws import quantiles
from forecast.files import json_number
from forecast.fitting.average import mixed
from forecast.fitting.reported import reported
from forecast.fitting.sampler import sampled
from forecast.fitting.sensitivity.scales import PriorScale, multiplier, prior_scales
from forecast.fitting.sensitivity.weights import largest_k, smoothed
from forecast.posterior.fit import Fit, of_structure
from forecast.posterior.tasks import checked_task
from forecast.posterior.threshold import threshold_draws
from forecast.table.direction import direction_of_task
from models.priors import Priors

WIDER = {"halved": 0.5, "doubled": 2.0}

Refit = Callable[[Fit, Priors], Fit]


def sensitivity(
    fit: Fit, task: str, at: float, *, family: str | None = None, year: float | None = None, refit: Refit | None = None
) -> list[dict[str, Any]]:
    """Threshold of a task with the width of each prior halved and doubled, the prior that matters most first.

    A row for each prior that bears on the task: its name in words, `prior`; its scale in `models.priors.Priors`,
    `number`; and, as `halved` and `doubled`, log10_compute (q05, q50, q95) and p_never, the `shift` of the median in
    decades ('inf' to never) and `shift_p_never`, the `pareto_k` of the weights, `by` ('weights' or 'refit'), and
    whether all this is `reliable`. There is no row of a task that falls or turns.

    Parameters
    ----------
    family, year : as of `forecast.posterior.threshold.threshold_draws`
    refit : from a fit and other priors the fit with them, such as `refitted`, for what weights cannot tell. It scales
        the priors of all tasks; weights scale what laws and tasks have without pooling for this task alone.
    """
    label = checked_task(fit, task, at)
    if not direction_of_task(fit.data, label).can_be_modelled:
        return []

    def drawn(other: Fit) -> np.ndarray:
        return threshold_draws(other, label, at, family=family, year=year).transpose("chain", "draw").values

    before = _Weighted(drawn(fit))
    rows = []
    for (number, name), scales in _scales(fit, label).items():
        row: dict[str, Any] = {"prior": name, "number": number}
        for side, wider in WIDER.items():
            weights, k = _weights(fit, scales, wider)
            after, by, reliable = _Weighted(before.draws, weights), "weights", k <= largest_k(before.draws.size)
            if refit and not reliable:
                other = refit(
                    fit, replace(fit.priors, **{number: multiplier(number, wider) * getattr(fit.priors, number)})
                )
                after, by, reliable = _Weighted(drawn(other)), "refit", not other.diagnostics.reasons
            row[side] = after.beside(before) | {"pareto_k": json_number(k), "by": by, "reliable": reliable}
        rows.append(row)
    return sorted(rows, key=effect, reverse=True)


def effect(row: Mapping[str, Any]) -> float:
    """How much a prior matters, or may matter where this is not reliable: decades of the median and share of P(never).

    Both are added up, and the larger effect of both widths counts.
    """
    return max(abs(float(row[side]["shift"])) + abs(row[side]["shift_p_never"]) for side in WIDER)


def refitted(fit: Fit, priors: Priors) -> Fit:
    """The table of a fit fitted anew with other priors, in its structures and with their weights."""
    fits = []
    for name in _structures(fit):
        like = replace(of_structure(fit, name), priors=priors, weights={name: 1.0})
        found = sampled(like.model(), fit.sampling, reported=partial(_reported, like))
        fits.append(replace(_of(like, found.posterior), diagnostics=found.diagnostics))
    return mixed(fits, fit.weights) if len(fits) > 1 else fits[0]


@dataclass(frozen=True)
class _Weighted:
    """Draws of a threshold (chain, draw), and their weights, which add up to one; None: all alike."""

    draws: np.ndarray
    weights: np.ndarray | None = None

    def beside(self, before: "_Weighted") -> dict[str, Any]:
        """What is said of it, and how far it is from what it was before."""
        own, other = self.answer, before.answer
        medians = [float(each["log10_compute"]["q50"]) for each in (other, own)]
        shift = 0.0 if medians[0] == medians[1] else medians[1] - medians[0]
        return own | {"shift": json_number(shift), "shift_p_never": own["p_never"] - other["p_never"]}

    @property
    def answer(self) -> dict[str, Any]:
        never = float(np.average(self.draws == np.inf, weights=self.weights))
        return {"log10_compute": quantiles(self.draws, weights=self.weights), "p_never": never}


def _reported(like: Fit, posterior: xr.Dataset) -> Any:
    """What is reported of a posterior, in the terms of the fit `like`."""
    return reported(_of(like, posterior))


def _of(fit: Fit, posterior: xr.Dataset) -> Fit:
    return replace(fit, posterior=posterior)


def _structures(fit: Fit) -> list[str]:
    return [name for name, weight in fit.weights.items() if weight > 0]


def _scales(fit: Fit, label: str) -> dict[tuple[str, str], dict[str, PriorScale]]:
    """By number and name of each scale what it is in each structure that has it."""
    found: dict[tuple[str, str], dict[str, PriorScale]] = {}
    for structure in _structures(fit):
        for scale in prior_scales(of_structure(fit, structure), label):
            found.setdefault((scale.number, scale.name), {})[structure] = scale
    return found


def _weights(fit: Fit, scales: Mapping[str, PriorScale], wider: float) -> tuple[np.ndarray, float]:
    """Weights (chain, draw) of the draws under another scale, and the largest Pareto k of a structure.

    Each structure keeps its share of an average: shares come from forecasts, not from priors.
    """
    shape = fit.posterior.sizes["chain"], fit.posterior.sizes["draw"]
    weights, largest = np.full(shape, 1.0 / np.prod(shape)), -np.inf
    for structure, scale in scales.items():
        own = np.flatnonzero(fit.posterior.structure.values == structure) if len(fit.weights) > 1 else slice(None)
        log_ratio = scale.log_ratio(wider).values
        smooth, k = smoothed(log_ratio)
        weights[:, own] = smooth * weights[:, own].sum()
        largest = max(largest, k)
    return weights, largest

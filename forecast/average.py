"""Forecasts averaged over structures: their weights by past forecasts, and one posterior mixed from all.

The averaged posterior is a posterior like any other: every structure has the same variables, and each gives the share
of draws that its weight says. The coordinate `structure` of its draws says whose a draw is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from forecast.errors import ForecastError, shown
from forecast.fit import Diagnostics, Sampling
from forecast.store import Fit
from models.priors import STRUCTURES

PSEUDO_TASKS = 1.0
"""Tasks' worth of outcomes that speak for equal weights, over all structures. At 4 forecasts of six of ten open tables
were worse (of two by 6%), of two better (by less than 1%)."""
FEWEST_DRAWS = 500
"""A chain of a structure, however small its weight: fewer could not be judged."""


def stacking_weights(scores: pd.DataFrame) -> dict[str, float]:
    """Weights of structures by how well their mixture would have forecast, a little drawn to equal ones.

    Stacking of predictive distributions (Yao et al. 2018, Bayesian Analysis 13:917) with scores of left-out futures:
    the weights that maximise ``sum_t mean_i log sum_s w_s p_s(i) + (m / S) sum_s log w_s``, with i the outcomes of task
    t and m = 1. Outcomes of one task share its law, so that a task counts once, however many runs it has; the second
    term, a Dirichlet prior, keeps a few lucky outcomes from ruling out a structure.

    Parameters
    ----------
    scores : log_score by method (the structure), task and row; outcomes as lines, of one or several splits
    """
    key = [name for name in ("cut", "task", "row") if name in scores]
    table = scores.pivot(index=key, columns="method", values="log_score")
    log_scores, tasks = table.to_numpy(), table.index.get_level_values("task")
    share = 1.0 / tasks.map(tasks.value_counts()).to_numpy(dtype=float)
    count = log_scores.shape[1]

    def loss(free: np.ndarray) -> float:
        log_weights = free - logsumexp(free)
        fit = (share * logsumexp(log_scores + log_weights, axis=1)).sum()
        return -float(fit + PSEUDO_TASKS / count * log_weights.sum())

    weights = softmax(minimize(loss, np.zeros(count), method="L-BFGS-B").x)
    return dict(zip(table.columns.astype(str), weights.tolist(), strict=True))


def equal_weights(names: Sequence[str]) -> dict[str, float]:
    """The weights where there is no past to judge by."""
    return {name: 1.0 / len(names) for name in names}


def known_structures(names: Sequence[str]) -> tuple[str, ...]:
    """The names as they are; a `ForecastError` for one that is no structure."""
    unknown = [name for name in names if not {part.strip() for part in name.split("+")} <= set(STRUCTURES)]
    if unknown or not names:
        asked = ", ".join(map(shown, unknown)) or "none"
        choices = ", ".join(map(shown, STRUCTURES))
        raise ForecastError(f"structures asked for: {asked}; use some of: {choices}, or several joined by '+'")
    return tuple(dict.fromkeys(names))


def samplings(sampling: Sampling, weights: Mapping[str, float]) -> list[Sampling]:
    """How long to sample each structure, so that all together give about as many draws as one fit."""
    draws = sampling.draws
    if draws is None or len(weights) == 1:
        return [sampling] * len(weights)
    return [replace(sampling, draws=max(FEWEST_DRAWS, round(draws * weight))) for weight in weights.values()]


def mixture(sizes: Sequence[int], weights: Sequence[float], draws: int) -> list[np.ndarray]:
    """Which draws, evenly spaced, each member gives to a mixture of about so many draws; at least one where w > 0."""
    counts = [max(1, round(draws * weight)) if weight > 0 else 0 for weight in weights]
    return [
        np.floor((np.arange(count) + 0.5) * size / count).astype(int) for size, count in zip(sizes, counts, strict=True)
    ]


def fullest(sizes: Sequence[int], weights: Sequence[float]) -> int:
    """Draws of the largest mixture in which no draw of a member is there twice."""
    return min(round(size / weight) for size, weight in zip(sizes, weights, strict=True) if weight > 0)


def mixed(fits: Sequence[Fit], weights: Mapping[str, float]) -> Fit:
    """One fit whose draws come from the fits of single structures, in proportion to the weights."""
    names = [next(iter(fit.weights)) for fit in fits]
    sizes = [fit.posterior.sizes["draw"] for fit in fits]
    share = [weights[name] for name in names]
    parts = [
        fit.posterior.isel(draw=chosen).assign_coords(structure=("draw", np.full(len(chosen), name)))
        for name, fit, chosen in zip(names, fits, mixture(sizes, share, fullest(sizes, share)), strict=True)
    ]
    posterior = xr.concat(parts, dim="draw", data_vars="all", coords="minimal", compat="override", join="override")
    posterior = posterior.assign_coords(draw=np.arange(posterior.sizes["draw"]))
    diagnostics = mixed_diagnostics([fit.diagnostics for fit in fits], share)
    return replace(fits[0], posterior=posterior, diagnostics=diagnostics, weights=dict(weights))


def mixed_diagnostics(members: Sequence[Diagnostics], weights: Sequence[float]) -> Diagnostics:
    """How well the mean over a mixture is known: members are sampled apart, so their Monte Carlo variances add.

    ``1 / ESS = sum w^2 / ESS_s`` and ``Rhat^2 - 1 = sum w^2 (Rhat_s^2 - 1)``, the ratio of variance between chains to
    that within; both as if members were equally wide.
    """
    squared = np.square(weights)
    bulk, tail, rhat = (np.array([getattr(each, name) for each in members]) for name in _JUDGED)
    least = members[int(np.argmax(squared / np.minimum(bulk, tail)))]  # the most of the Monte Carlo variance
    return Diagnostics(
        max_rhat=float(np.sqrt(1.0 + np.sum(squared * (rhat**2 - 1.0)))),
        min_ess_bulk=float(1.0 / np.sum(squared / bulk)),
        min_ess_tail=float(1.0 / np.sum(squared / tail)),
        divergences=sum(each.divergences for each in members),
        total_draws=sum(each.total_draws for each in members),
        worst=least.worst,
        parameters_max_rhat=max(
            (each.parameters_max_rhat for each in members if each.parameters_max_rhat), default=None
        ),
        parameters_min_ess=min((each.parameters_min_ess for each in members if each.parameters_min_ess), default=None),
    )


_JUDGED = ("min_ess_bulk", "min_ess_tail", "max_rhat")


def of_structure(fit: Fit, name: str) -> Fit:
    """The part of an averaged fit that is of one structure."""
    if name not in fit.weights:
        raise ForecastError(f"{shown(name)} is not a structure of this fit; use one of: {', '.join(fit.weights)}")
    if len(fit.weights) == 1:
        return fit
    own = fit.posterior.structure.values == name
    return replace(fit, posterior=fit.posterior.isel(draw=np.flatnonzero(own)), weights={name: 1.0})

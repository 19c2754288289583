"""Averages over structures: one posterior mixed from the fits of several."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError, shown
from forecast.files import json_number
from forecast.fitting.stacking import equal_weights, fullest, mixture, weights_of
from forecast.fitting.structures import distinct, fit_table, observed
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import rate_tasks
from forecast.posterior.threshold import threshold, threshold_by_structure
from forecast.published import Answer
from forecast.stages import SILENT, Stages
from forecast.table.dataset import observations, read_table
from forecast.table.describe import warnings_of
from forecast.table.direction import can_be_modelled
from forecast.table.learnable.spread import check_spread
from forecast.table.splits import check_compute_known, runs_since
from models.dates import by_date
from models.priors import Priors
from models.structures import DEFAULT, STRUCTURES


def fit(
    table: str | os.PathLike[str] | pd.DataFrame,
    *,
    name: str | None = None,
    structures: Sequence[str] = DEFAULT,
    sampling: Sampling = Sampling(),
    below: float | None = None,
    since: str | None = None,
    priors: Priors = Priors(),
    stages: Stages = SILENT,
    warn: Callable[[str], None] = lambda text: None,
) -> Fit:
    """The posterior of all tasks of a table, as `forecast fit` makes it.

    Parameters
    ----------
    table : a file, or what `forecast.read_table` gives
    name : of the table, kept with the fit; None: that of the file
    structures : names of `models.structures.STRUCTURES`; of several the posteriors are averaged, weighed by how well
        they forecast the largest three in ten runs from the others
    below : compute cut in FLOP; only runs strictly below it are used
    since : ISO date; only runs released on it or later are used
    priors : other prior numbers than those of `models.priors.Priors()`
    stages : told what is under way
    warn : called with each weakness of the table before the first fit
    """
    frame = table if isinstance(table, pd.DataFrame) else read_table(table, warn=warn)
    frame = frame if since is None else runs_since(frame, since)
    name = name or ("table" if isinstance(table, pd.DataFrame) else Path(table).name)
    options: dict[str, Any] = {"sampling": sampling, "below": below, "priors": priors, "stages": stages, "warn": warn}
    return replace(fit_average(frame, table=name, structures=known_structures(structures), **options), since=since)


def fit_average(
    frame: pd.DataFrame,
    *,
    table: str,
    structures: Sequence[str] = DEFAULT,
    weights: Mapping[str, float] | None = None,
    sampling: Sampling = Sampling(),
    below: float | None = None,
    priors: Priors = Priors(),
    stages: Stages = SILENT,
    warn: Callable[[str], None] = lambda text: None,
) -> Fit:
    """One posterior of all tasks: of one structure or, of several, averaged.

    `weights` are those of a back-test, of the structures to fit. Without any, the `structures` that differ on the table
    are weighed by how well they forecast its largest three in ten runs from the others. The other arguments are those
    of `forecast.fitting.structures.fit_table`. `warn` is called with each weakness of the table before the first fit.
    """
    if below is not None:
        check_compute_known(frame)
    data = observed(frame, below)
    check_spread(data, table)
    for sentence in warnings_of(data):
        warn(sentence)
    used = frame if below is None else frame[frame["compute"] < below]
    structures = distinct(structures, observations(frame)) if weights is None else list(weights)
    if weights is None and len(structures) == 1:
        weights = equal_weights(structures)
    if weights is None:
        with stages.stage("structures weighed by their forecast of the largest runs"):
            weights = weights_of(used, structures, table=table)
    chosen = {name: weights[name] for name in structures}
    options: dict[str, Any] = {"table": table, "below": below, "priors": priors, "stages": stages}

    each = samplings(sampling, chosen)
    fits = [fit_table(used, name=name, sampling=own, **options) for name, own in zip(structures, each, strict=True)]
    return mixed(fits, chosen)


def compared(fit: Fit, *, at: Sequence[float]) -> Answer:
    """Thresholds of every task by each structure and by their average, and how far structures are apart.

    `between` is the weighted standard deviation of the medians of the structures, `within` the weighted mean of the
    widths of their 90% intervals, both in decades and 'inf' where a structure says never.
    """
    lines = []
    for task in rate_tasks(fit):
        for score in at:
            each = threshold_by_structure(fit, task, score)
            line = threshold(fit, task, score) | {"structures": each}
            known = can_be_modelled(line["direction"])
            lines.append(line | (_spreads(each) if known else {"between": None, "within": None}))
    return Answer({"weights": dict(fit.weights), "thresholds": lines}, dated=by_date(fit.data))


def _spreads(structures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    share = np.array([of["weight"] for of in structures]) / sum(of["weight"] for of in structures)
    low, middle, high = (
        np.array([float(of["log10_compute"][name]) for of in structures]) for name in ("q05", "q50", "q95")
    )
    between, within = _spread(share, low, middle, high)
    return {"between": json_number(between), "within": json_number(within)}


def _spread(share: np.ndarray, low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Spread of medians and mean width; where guessing already reaches the score in all structures, both are zero."""
    low, middle, high = (np.where(high == -np.inf, 0.0, each) for each in (low, middle, high))
    with np.errstate(invalid="ignore"):
        between, within = float(np.sqrt(share @ (middle - share @ middle) ** 2)), float(share @ (high - low))
    return between if np.isfinite(between) else np.inf, within if np.isfinite(within) else np.inf


FEWEST_DRAWS = 500
"""A chain of a structure, however small its weight: fewer could not be judged."""


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
    # interleaved, so that a diagnosis of chains does not find one structure after another
    place = np.concatenate([(np.arange(part.sizes["draw"]) + 0.5) / part.sizes["draw"] for part in parts])
    posterior = posterior.isel(draw=np.argsort(place, kind="stable"))
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
    least = members[int(np.argmax(squared / [each.min_ess for each in members]))]  # most of the Monte Carlo variance
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

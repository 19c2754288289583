"""Influence of changed data on thresholds: what each change alone makes of the earlier fit, by importance weights.

A new row weighs the earlier draws by its likelihood, a row that left by one over it, and a changed value by the ratio
of both. Residuals of a new run and effects of a new family, drawn as in a forecast of it, are averaged out. From a
wide posterior to a narrower one weights last longest; a Pareto k tells where they do not (Vehtari et al. 2024, Journal
of Machine Learning Research 25:72). What the layout of the table fixes stays, such as where priors are placed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from scipy.special import logsumexp

from forecast.files import json_number
from forecast.fitting.sensitivity.weights import largest_k, smoothed
from forecast.posterior.fit import Fit
from forecast.posterior.predict import NewRuns, row_means
from forecast.posterior.score import expected_score, law_of_task
from forecast.posterior.tasks import is_measured
from forecast.table.dataset import frame_of
from models.facts.counts import conditional_counts, contamination_of, log_density_of_count, mean_among
from models.facts.layout import error_of_log

INTERVAL = (0.05, 0.5, 0.95)
MOST_NODES, MOST_NUMBERS = 64, 3e6  # draws of residuals for each draw of the fit, and numbers of all rows together
FEWEST_DRAWS = 100  # effective ones, from which a median is told


class Changes(NamedTuple):
    """Rows that differ: positions in the earlier and in the later fit."""

    added: np.ndarray  # in the later fit, on tasks that the earlier one has
    removed: np.ndarray  # in the earlier fit
    changed: Mapping[int, int]  # position in the earlier fit: that in the later one


def influence(
    before: Fit,
    after: Fit,
    changes: Changes,
    labels: Mapping[str, str],
    thresholds: Mapping[tuple[str, float], np.ndarray],
    *,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """How far each change of the data alone moves each threshold of the earlier fit, the farthest first, as JSON.

    A line is all that changed of one model on one task, of one model on all, or of all; `shift_decades` is the median
    with the change less that without it ('inf' to never). Where `reliable` is false the draws cannot tell: `pareto_k`
    is too large, effective draws are too few, or rows that came or left count the same answers as rows that stayed.

    Parameters
    ----------
    labels : task of the later fit to that of the earlier one
    thresholds : log10 FLOP (draw) of the earlier fit, by the task in the later fit and the score
    """
    ratios = pd.concat([_of_earlier(before, after, changes), _of_added(before, after, changes, labels, seed=seed)])
    mixed = _mixed_answers(before, changes.removed) | _mixed_answers(after, changes.added)
    orders = {asked: np.argsort(draws, kind="stable") for asked, draws in thresholds.items()}
    found = []
    for unit, own in _units(ratios):
        ratio = sum(own["ratio"])
        weights, k = _weights(before, logsumexp(ratio, axis=0) - np.log(len(ratio)))
        effective = float(1.0 / (weights**2).sum())
        exact = not set(zip(own["model"], own["task"], strict=True)) & mixed
        found.append(
            unit
            | {
                "rows": len(own),
                "pareto_k": json_number(k),
                "effective_draws": effective,
                "reliable": bool(exact and k <= largest_k(weights.size) and effective >= FEWEST_DRAWS),
                "thresholds": [_moved(asked, thresholds[asked], orders[asked], weights) for asked in thresholds],
            }
        )
    return sorted(found, key=_largest, reverse=True)


def _largest(unit: Mapping[str, Any]) -> float:
    return max((abs(float(each["shift_decades"])) for each in unit["thresholds"]), default=0.0)


def _units(ratios: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Changes that count together: of a model on a task; of a model with several, and of several models, all."""
    for (model, task), own in ratios.groupby(["model", "task"], sort=False):
        yield {"model": str(model), "task": str(task)}, own
    for model, own in ratios.groupby("model", sort=False):
        if own["task"].nunique() > 1:
            yield {"model": str(model), "task": None}, own
    if ratios["model"].nunique() > 1:
        yield {"model": None, "task": None}, ratios


def _of_earlier(before: Fit, after: Fit, changes: Changes) -> pd.DataFrame:
    """Log ratios (1, draw) of the likelihood of earlier rows that left, changed, or count among such."""
    old = row_log_likelihood(before, before.data)
    new = row_log_likelihood(before, _with_values(before.data, after.data, changes.changed)) if changes.changed else old
    ratio = new - old
    ratio[changes.removed] = -old[changes.removed]
    rows = np.flatnonzero(ratio.any(axis=1))
    return _named(frame_of(before.data).iloc[rows], list(ratio[rows, None]))


def _named(rows: pd.DataFrame, ratios: list[np.ndarray]) -> pd.DataFrame:
    return pd.DataFrame({"model": list(rows["model"]), "task": list(rows["task"]), "ratio": ratios})


def _with_values(old: xr.Dataset, new: xr.Dataset, changed: Mapping[int, int]) -> xr.Dataset:
    """The earlier data with the values that changed rows have now."""
    was, now = list(changed), list(changed.values())
    values = {name: old[name].values.astype(float) for name in ("score", "successes", "trials")}
    for name, array in values.items():
        array[was] = new[name].values[now]
    return old.assign({name: ("observation", array) for name, array in values.items()})


def row_log_likelihood(fit: Fit, data: xr.Dataset) -> np.ndarray:
    """Log likelihood of each row of a fit, with the values of `data`: dims row, draw.

    At the residuals of its run and answers; of a count that is out of another count, given that one.
    """
    means, labels = row_means(fit), data.task.values[data.task_index.values]
    return _log_densities(fit, data, means, dict.fromkeys(map(str, labels)), {label: label for label in labels})


def _log_densities(
    fit: Fit, data: xr.Dataset, means: np.ndarray, tasks: Mapping[str, Any], labels: Mapping[str, str]
) -> np.ndarray:
    """The same of rows of some tasks around their expected scores (row, ..., draw); `labels` are those of the fit."""
    counts, trials = conditional_counts(data)
    among, contamination = mean_among(means, data), contamination_of(fit.priors, fit.parts)
    found, shape = np.zeros_like(means), (-1,) + (1,) * (means.ndim - 1)
    for task in tasks:
        rows = np.flatnonzero(data.task.values[data.task_index.values] == task)
        law = law_of_task(fit, labels[task])
        if is_measured(fit, labels[task]):
            scale = np.hypot(_flat(law.loss_scale), error_of_log(data)[rows].reshape(shape))
            z = (np.log(data.score.values[rows].reshape(shape)) - np.log(means[rows])) / scale
            found[rows] = stats.t.logpdf(z, fit.priors.loss_degrees_of_freedom) - np.log(scale)
        else:
            count, number = (each[rows].reshape(shape) for each in (counts, trials))
            found[rows] = log_density_of_count(count, number, among[rows], _flat(law.concentration), contamination)
    return found


def _of_added(before: Fit, after: Fit, changes: Changes, labels: Mapping[str, str], *, seed: int) -> pd.DataFrame:
    """Log likelihood (node, draw) of each new row under the earlier fit, at nodes of what is new about its run."""
    rows = frame_of(after.data).iloc[changes.added]
    fit = _with_nodes(before, len(rows))
    names = list(map(str, after.data.task.values[after.data.task_index.values[changes.added]]))
    recipes = NewRuns(fit, rows, np.random.default_rng(seed).standard_normal)
    theta = {model: recipes.theta(str(model), own) for model, own in rows.groupby("model", sort=False)}
    everywhere, means = xr.zeros_like(fit.posterior.sigma_run), []
    for name, row in zip(names, rows.itertuples(), strict=True):
        own = theta[row.model] + recipes.deviation(labels[name], str(row.model), str(row.family))
        mean = expected_score(fit, labels[name], own + everywhere, recipes.residuals(labels[name], str(row.model)))
        means.append(mean.transpose("node", "chain", "draw").values.reshape(mean.sizes["node"], -1))
    if not means:
        return _named(rows, [])
    data = _among_themselves(after.data, changes.added)
    return _named(rows, list(_log_densities(before, data, np.stack(means), dict.fromkeys(names), labels)))


def _with_nodes(fit: Fit, rows: int) -> Fit:
    """The fit with several draws of residuals beside each draw, as far as time allows."""
    posterior = fit.posterior.drop_vars(("chain", "draw"), errors="ignore")  # to align them takes time
    numbers = posterior.sizes["chain"] * posterior.sizes["draw"] * max(rows, 1)
    nodes = xr.DataArray(np.ones(int(np.clip(MOST_NUMBERS / numbers, 1, MOST_NODES))), dims="node")
    return replace(fit, posterior=posterior.assign(sigma_run=posterior.sigma_run * nodes))


def _among_themselves(data: xr.Dataset, rows: np.ndarray) -> xr.Dataset:
    """Some rows of a table, each given only others of them."""
    place = np.full(data.sizes["observation"] + 1, -1)  # the last is that of no row
    place[rows] = np.arange(len(rows))
    own = data.isel(observation=rows)
    return own.assign(given_index=("observation", place[own.given_index.values]))


def _mixed_answers(fit: Fit, rows: np.ndarray) -> set[tuple[str, str]]:
    """Model and task of counts out of counts of which one is among some rows and the other is not."""
    given = fit.data.given_index.values
    apart = (given >= 0) & (np.isin(np.arange(len(given)), rows) != np.isin(given, rows))
    frame = frame_of(fit.data)[apart]
    return set(zip(frame["model"], frame["task"], strict=True))


def _flat(draws: xr.DataArray) -> np.ndarray:
    return draws.transpose("chain", "draw").values.ravel()


def _weights(fit: Fit, log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights (draw,) that add up to one, and the largest Pareto k; each structure of an average keeps its share."""
    shape = fit.posterior.sizes["chain"], fit.posterior.sizes["draw"]
    ratio, weights, largest = log_ratio.reshape(shape), np.empty(shape), -np.inf
    structure = fit.posterior.structure.values if len(fit.weights) > 1 else np.zeros(shape[1])
    for name in np.unique(structure):
        own = structure == name
        smooth, k = smoothed(ratio[:, own])
        weights[:, own], largest = smooth * own.mean(), max(largest, k)
    return weights.ravel(), largest


def _moved(asked: tuple[str, float], draws: np.ndarray, order: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    """A threshold with the change, and the shift of its median and of P(never)."""
    below = np.cumsum(weights[order])
    places = [np.searchsorted(below, q * below[-1] * (1.0 - 1e-12)) for q in INTERVAL]
    found = draws[order][np.minimum(places, len(draws) - 1)]
    median = float(np.quantile(draws, 0.5, method="inverted_cdf"))
    never = float(weights[draws == np.inf].sum())
    return {
        "task": asked[0],
        "at": asked[1],
        "log10_compute": dict(zip(("q05", "q50", "q95"), map(json_number, found), strict=True)),
        "p_never": never,
        "shift_decades": json_number(0.0 if median == found[1] else float(found[1]) - median),
        "shift_p_never": never - float(np.mean(draws == np.inf)),
    }

"""Expected scores of the rows of a candidate, by posterior draw and residuals of what is new."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri
from scipy.stats.qmc import LatinHypercube

from forecast.posterior.fit import Fit
from forecast.posterior.recipes.new_runs import NewRuns
from forecast.posterior.score import expected_score, law_of_task, loss_per_token
from forecast.posterior.tasks import is_measured
from forecast.questions.design.outcomes import Measurement
from forecast.questions.design.places import Row, parents_first, places_of
from models.equations.metrics import token_floor_of_run
from models.equations.surrogates import token_accuracy
from models.facts.counts import MEAN_MARGIN, conditional_counts

NODES = 12  # draws of the residuals of a new run for each posterior draw


def measurements(fit: Fit, rows: pd.DataFrame, *, rng: np.random.Generator, nodes: int = NODES) -> list[Measurement]:
    """The rows of one candidate as measurements, in the order of `parents_first`.

    Trials are those of `rows`. What is new (the residuals of a new run and of its answers, the effect of a new family)
    is drawn `nodes` times for each posterior draw, spread evenly, and once more for the outcomes.
    """
    places = places_of(fit, rows)
    order = parents_first(places)
    new = _NewScores(fit, rows, rng=rng, nodes=nodes)
    shares, spreads = {}, {}
    for at, place in enumerate(places):
        shares[at], spreads[at] = new.of_row(place)
    found = []
    for at in order:
        place, spread = places[at], spreads[at]
        if place.seen and is_measured(fit, place.label):
            found.append(Measurement(mean=np.log(shares[at]), spread=spread, loss=True))
            continue
        tokens = rows["metric"].iloc[at] == "token_accuracy"
        trials = float(rows["trials"].iloc[at]) / place.length
        old_count, old_trials = _old_counts(fit, place)
        mean = shares[at]
        if place.given is not None:
            mean = _among(mean, shares[place.given], complement=tokens)
        elif place.exact is not None:
            mean = _among(mean, new.of_task(_label_of_row(fit, place.exact)), complement=True)
            trials = float(fit.data.trials.values[place.exact] - fit.data.successes.values[place.exact])
        rate = Measurement(
            mean=mean.clip(0.0, 1.0),
            spread=spread,
            trials=trials,
            given=None if place.given is None else order.index(place.given),
            complement=bool(tokens and place.given is not None),
            old_count=old_count,
            old_trials=old_trials,
        )
        found.append(rate)
    return found


class _NewScores:
    """Expected scores of a candidate on tasks of a fit; what is new about its run is drawn once."""

    def __init__(self, fit: Fit, rows: pd.DataFrame, *, rng: np.random.Generator, nodes: int) -> None:
        sigma_run = fit.posterior.sigma_run.expand_dims(node=nodes + 1)
        self._fit, self._rng, self._nodes = fit, rng, nodes + 1
        self._wide = replace(fit, posterior=fit.posterior.assign(sigma_run=sigma_run))
        self._normal = partial(even_normals, rng=rng)
        self._runs = NewRuns(self._wide, rows, self._normal)
        self._model, self._family = rows["model"].iloc[0], rows["family"].iloc[0]
        self._theta = self._runs.theta(self._model, rows)

    def of_task(self, label: str) -> np.ndarray:
        """Expected score or loss (node, draw) on a task of the fit."""
        theta = self._theta_of(label)
        return _array(expected_score(self._wide, label, theta, self._runs.residuals(label, self._model)))

    def of_row(self, place: Row) -> tuple[np.ndarray, np.ndarray]:
        """Expected score or loss (node, draw) of a row, and how much it scatters (draw)."""
        if not place.seen:
            theta = self._theta_of(place.label)
            return _unseen_token_accuracy(self._fit, place, theta, self._rng, self._normal, self._nodes)
        law = law_of_task(self._fit, place.label)
        spread = law.loss_scale if is_measured(self._fit, place.label) else law.concentration
        return self.of_task(place.label), _array(spread)[-1]

    def _theta_of(self, label: str) -> xr.DataArray:
        return self._theta + self._runs.deviation(label, self._model, self._family)


def even_normals(shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    """Standard normals (node, ...): all nodes but the last lie one in each of as many equally likely intervals.

    Every one by itself is standard normal, so that averages over nodes are unbiased, with less noise than independent
    ones have (Latin hypercube, McKay et al. 1979).
    """
    even = LatinHypercube(math.prod(shape[1:]), rng=rng).random(shape[0] - 1).reshape(-1, *shape[1:])
    return ndtri(np.concatenate([even, rng.random((1, *shape[1:]))]).clip(1e-15, 1.0 - 1e-15))


def _among(mean: np.ndarray, of_given: np.ndarray, *, complement: bool) -> np.ndarray:
    """Share among the items that passed, or failed, the measurement `of_given`: see
    `models.facts.counts.mean_among`."""
    if complement:
        return ((mean - of_given) / (1.0 - of_given + MEAN_MARGIN)).clip(0.0, 1.0)
    return (mean / (of_given + MEAN_MARGIN)).clip(0.0, 1.0)


def _old_counts(fit: Fit, place: Row) -> tuple[float, float]:
    """Successes and trials of the evaluation that gets more items, as the row is judged."""
    if place.old is None:
        return 0.0, 0.0
    if place.given is None:
        counts, trials = fit.data.successes.values / place.length, fit.data.trials.values / place.length
    else:
        counts, trials = conditional_counts(fit.data)
    return float(counts[place.old]), float(trials[place.old])


def _label_of_row(fit: Fit, row: int) -> str:
    return str(fit.data.task.values[fit.data.task_index.values[row]])


def _array(values: xr.DataArray) -> np.ndarray:
    """(node, draw); one node where nothing is new."""
    by_node = values if "node" in values.dims else values.expand_dims("node")
    by_node = by_node.transpose("node", "chain", "draw")
    return by_node.values.reshape(by_node.sizes["node"], -1)


def _unseen_token_accuracy(
    fit: Fit, place: Row, theta: xr.DataArray, rng: np.random.Generator, normal: Callable, nodes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Expected token accuracy (node, draw), and its concentration, of a law of which only exact match has been seen.

    What the model adds for a second metric (floor of a token, residuals of the answers, concentration) is drawn from
    its prior; frailty does not drift. The top of exact match is what the irreducible loss leaves (`models.laws`).
    """
    law, priors, like = law_of_task(fit, place.label), fit.priors, fit.posterior.theta_scale

    def drawn(mean: float, sd: float) -> xr.DataArray:
        return xr.DataArray(mean + sd * rng.standard_normal(like.shape), dims=like.dims)

    def residual() -> xr.DataArray:
        return xr.DataArray(normal((nodes, *like.shape)), dims=("node", *like.dims))

    top = (law.ceiling - law.floor) / (1.0 - law.floor)
    stretch = np.exp(-np.log(top) / law.nu)
    answer_sd = np.exp(drawn(np.log(priors.answer_sd_median), priors.answer_sd_log_sd))
    loss = law.nu / place.length * (stretch - 1.0) + loss_per_token(law, theta) * stretch
    guessed = xr.zeros_like(like)
    if fit.parts.token_floor:
        odds = np.exp(drawn(priors.token_floor_logit_mean, priors.token_floor_logit_sd))
        spread = np.exp(drawn(np.log(priors.token_floor_spread_median), priors.token_floor_spread_log_sd))
        guessed = token_floor_of_run(odds / (1.0 + odds), spread * residual())
    accuracy = token_accuracy(loss * np.exp(answer_sd * residual()), nu=law.nu)
    score = law.floor + (1.0 - law.floor) * (guessed + (1.0 - guessed) * accuracy)
    log_concentration = drawn(np.log(priors.concentration_median), priors.concentration_log_sd)
    return _array(score), np.exp(_array(log_concentration)[-1])

"""Capability model: the joint model of all tasks and runs of one table."""

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import observation
from models.dates import by_date
from models.effective_compute import effective_compute
from models.equations.loss import power_law_loss, theta_from_loss
from models.equations.metrics import frailty, score_from_success
from models.facts import counts
from models.facts.counts import conditional_counts, mean_among
from models.facts.guessing import unknown_chance
from models.facts.layout import (
    answers,
    has_unknown_floor,
    has_unknown_k,
    is_measured,
    kinds_of_laws,
    links_loss_to_rates,
)
from models.facts.placing import bend_knots, drift_limits, informative_runs, is_informative, main_task
from models.facts.times import coords_of_times
from models.laws import NO_FLOOR, laws
from models.measured import observe_losses
from models.priors import Priors
from models.structures import Parts, Structure
from models.success import as_data, required_share, success_of_rows, token_floor_of_runs

MANY_ROWS = 6  # of one run's answers: from here on they fix its residual well enough to sample it directly
LARGEST_LOSS = 1e200  # and its inverse the smallest: beyond them doubles have no gradient


def capability_model(
    data: xr.Dataset, parts: Parts = Parts(), priors: Priors = Priors(), structure: Structure = Structure()
) -> pm.Model:
    """Joint model of all rows of a table: a `pm.Model` ready for `fit`.

    `data` is what `forecast.table.dataset.observations` gives: dims observation, run, task, law and family. Numbers of
    the table and what is `as_graph` enter through `pm.Data`; the layout of the table (which row is of which run, task
    and length) and the structure are parts of the graph.

    Named variables, where the table supports them, by their dims:

    ==============  ==================================================================================================
    none            theta_origin, theta_scale, sigma_run, sigma_half_year, progress, params_exponent, tokens_exponent,
                    log10_optimal_ratio, log10_warm_up_tokens, warm_up_lag
    run             theta
    segment         slopes
    progress_piece  progress_speed
    half_year       half_year_shock
    family          family_effect
    law             progress_of_law, exponent, log10_amplitude, irreducible, nu, frailty_drift, token_floor, answer_sd,
                    log_loss_link_factor, loss_link_power, log_guess_loss
    law, family     deviation
    task            floor, ceiling, concentration
    unknown_k       required_share, required_share_softness
    measured        loss_scale
    answer          answer_residual, token_floor_residual
    ==============  ==================================================================================================

    `forecast.posterior.predict` puts them back into the equations. How the laws are sampled: `models.laws`.
    """
    priors = priors.of_scale(dated=by_date(data))
    with pm.Model(coords=_coords(data)) as model:
        theta, deviation, ahead = effective_compute(data, parts, priors, structure)
        floor, floor_logit = _floor(data, parts, priors, structure)
        law = laws(data, parts, priors, structure, floor=floor, floor_logit=floor_logit)
        law_of_task = pm.Data("law_of_task", data.law_index.values, dims="task")
        law_of_row, run_of_row, family_of_row = _indices(data)
        ceiling = pm.Deterministic("ceiling", floor + (1.0 - floor) * law["asymptote"][law_of_task], dims="task")
        theta_of_row = theta[run_of_row]
        if deviation is not None:
            theta_of_row = theta_of_row + deviation[law_of_row, family_of_row]
        if ahead is not None:
            theta_of_row = theta_of_row + ahead[law_of_row, run_of_row]
        drift = _of_rows(law, "frailty_drift", law_of_row)
        limits = () if drift is None else pm.Data("drift_limits", drift_limits(data), dims="end")
        nu = frailty(theta_of_row, law["nu"][law_of_row], drift, limits=limits)
        loss = _loss(theta_of_row, {name: law[name][law_of_row] for name in ("log10_amplitude", "exponent")})
        loss = (law["irreducible"][law_of_row] + loss) * pt.exp(_answer_residual(data, priors))
        law |= token_floor_of_runs(data, law, parts, priors)
        law |= required_share(data, priors)
        _observe_counts(data, loss, nu, law, floor, ceiling, parts, priors)
        observe_losses(data, loss, law, priors)
    return model


def _indices(data):
    """Law, run and family of each row: data, since the graph would have a piece of its own for an index in order."""
    run = data.run_index.values
    index = {
        "law_of_row": data.law_index.values[data.task_index.values],
        "run_of_row": run,
        "family_of_row": data.family_index.values[run],
    }
    return [pm.Data(name, values.astype("int64"), dims="observation") for name, values in index.items()]


def _coords(data):
    knots, losses = bend_knots(data), is_measured(data)[data.task_index.values]
    kinds, kind = kinds_of_laws(data)
    informative, guessing = is_informative(data), has_unknown_floor(data)
    return {
        "observation": data.observation.values,
        "run": data.run.values,
        "task": data.task.values,
        "law": data.law.values,
        "family": data.family.values,
        "kind": kinds,
        "knot": knots,
        "segment": np.arange(len(knots) + 1),
        "end": ["first", "last"],
        **coords_of_times(data),
        "informative_law": data.law.values[informative],
        "uninformative_law": data.law.values[~informative],
        "law_coordinate": ["level", "log_rise", "shortfall"],
        **{f"law_{name}": data.law.values[kind == place] for place, name in enumerate(kinds)},
        "run_coordinate": np.arange(informative_runs(data).sum()),
        "uninformative_run": data.run.values[~informative_runs(data)],
        "standard": ["level", "slope"],
        "residual": np.arange(max(informative_runs(data).sum() - 2, 0)),
        "informative_run": data.run.values[informative_runs(data)],
        "rate_row": data.observation.values[~losses],
        "row_kind": np.arange(len(counts.row_groups(data, np.flatnonzero(~losses))[0])),
        "loss_row": data.observation.values[losses],
        "measured": data.task.values[is_measured(data)],
        "unknown_k": data.task.values[has_unknown_k(data)],
        "unknown_chance": data.task.values[unknown_chance(data)],
        "guessing_law": data.law.values[guessing],
        "answer": np.arange(answers(data).max(initial=-1) + 1),
    }


def _of_rows(law, name, law_of_row):
    return law[name][law_of_row] if name in law else None


def _loss(theta, law):
    """Reducible loss at effective compute theta, kept where doubles have a gradient."""
    shape = {"irreducible": 0.0, "theta_ref": 0.0} | law
    ends = (theta_from_loss(loss, **shape) for loss in (LARGEST_LOSS, 1.0 / LARGEST_LOSS))
    return power_law_loss(pt.clip(theta, *ends), **shape)


def _answer_residual(data, priors):
    """Residual (observation) of the log loss that the metrics of one run's answers share; zero for lone metrics."""
    index = answers(data)
    if index.max(initial=-1) < 0:
        return 0.0
    law = data.law_index.values[data.task_index.values]
    law_of_answer = np.zeros(index.max() + 1, dtype=int)
    law_of_answer[index[index >= 0]] = law[index >= 0]
    sd = pm.LogNormal("answer_sd", np.log(priors.answer_sd_median), priors.answer_sd_log_sd, dims="law")
    sd = sd[as_data(law_of_answer)]
    # a measured loss, or many counts, fix a residual: it is sampled itself; others are in units of their spread
    fixed = as_data(links_loss_to_rates(data)[law_of_answer] | (np.bincount(index[index >= 0]) >= MANY_ROWS))
    own = pm.Normal("answer_residual_own", 0.0, pt.where(fixed, sd, 1.0), dims="answer")
    residual = pm.Deterministic("answer_residual", pt.where(fixed, own, sd * own), dims="answer")
    return pt.where(as_data(index >= 0), residual[as_data(np.maximum(index, 0))], 0.0)


def _floor(data, parts, priors, structure):
    """Success of guessing (task), `chance` where the table gives one, otherwise learned; and what is learned (law).

    It is small and one for a law, but of a choice whose chance is unknown: there it is that of some number of choices.
    """
    chance = pm.Data("chance", data.chance.values, dims="task")
    logit, unknown = pt.full(data.sizes["task"], NO_FLOOR), unknown_chance(data)
    if parts.free_floor and (guessing := has_unknown_floor(data)).any():
        mean = pm.Normal("floor_logit_mean", priors.floor_logit_mean, priors.floor_logit_sd)
        spread = pm.LogNormal("floor_logit_spread", priors.floor_logit_spread_median, priors.floor_logit_spread_sd)
        own = pm.Normal("floor_logit", mean, spread, dims="guessing_law")
        place = np.cumsum(guessing) - 1
        learned = own[as_data(place[data.law_index.values].clip(0))]
        logit = pt.where(as_data(guessing[data.law_index.values] & (data.chance.values == 0)), learned, logit)
    if parts.free_floor and unknown.any():
        choice = pm.Normal(
            "choice_floor_logit", priors.choice_floor_logit_mean, priors.choice_floor_logit_sd, dims="unknown_chance"
        )
        logit = pt.set_subtensor(logit[np.flatnonzero(unknown)], choice)
    logit = pt.where(pm.Data("floor_is_free", float(not structure.floor)) > 0, logit, NO_FLOOR)
    floor = pm.Deterministic("floor", pt.where(chance > 0, chance, pm.math.sigmoid(logit)), dims="task")
    return floor, logit[as_data(main_task(data))]


def _observe_counts(data, loss, nu, law, floor, ceiling, parts, priors):
    log = pm.Normal("log_concentration", np.log(priors.concentration_median), priors.concentration_log_sd, dims="task")
    concentration = pm.Deterministic("concentration", pt.exp(log), dims="task")
    rows = np.flatnonzero(~is_measured(data)[data.task_index.values])
    if not len(rows):
        return
    task = data.task_index.values
    success = success_of_rows(data, loss, nu, law)
    task_of_row = pm.Data("task_of_row", task, dims="observation")
    mean = score_from_success(success, floor=floor[task_of_row], ceiling=ceiling[task_of_row])
    mean = mean_among(mean, data, as_graph=as_data)
    mean = mean if len(rows) == len(task) else mean[pm.Data("rate_rows", rows, dims="rate_row")]
    successes, trials = (
        pm.Data(name, values[rows], dims="rate_row")
        for name, values in zip(("successes", "trials"), conditional_counts(data), strict=True)
    )
    first, kind = counts.row_groups(data, rows)
    row_groups = pm.Data("first_of_kind", first, dims="row_kind"), pm.Data("kind_of_row", kind, dims="rate_row")
    options = {"parts": parts, "priors": priors, "dims": "rate_row", "row_groups": row_groups}
    concentration = concentration[pm.Data("task_of_rate", task[rows], dims="rate_row")]
    observation.counts("count", mean, concentration, trials, successes, **options)

"""Capability model: the joint model of all tasks and runs of one table."""

from itertools import count

import numpy as np
import pymc as pm
import xarray as xr
from pytensor import tensor as pt

from models import observation
from models.effective_compute import effective_compute
from models.equations.loss import log_measured_loss, power_law_loss, theta_from_loss
from models.equations.metrics import frailty, score_from_success, success_of_judgement, token_floor_of_run
from models.equations.surrogates import at_least_each, at_least_k, exact_match
from models.facts import counts
from models.facts.counts import conditional_counts, mean_among
from models.facts.guessing import unknown_chance
from models.facts.layout import (
    answers,
    has_unknown_floor,
    has_unknown_k,
    is_loss,
    kinds_of_laws,
    known_length,
    largest_loss,
    links_loss_to_rates,
    unknown_k_length,
)
from models.facts.parts import has_token_floor
from models.facts.placing import bend_knots, drift_limits, informative_runs, is_informative, main_task
from models.laws import laws
from models.priors import Priors
from models.structures import Parts, Structure

MANY_ROWS = 6  # of one run's answers: from here on they fix its residual well enough to sample it directly
NO_FLOOR = -1e9  # logit of a chance of guessing that is zero
LARGEST_LOSS = 1e200  # and its inverse the smallest: beyond them doubles have no gradient


def capability_model(
    data: xr.Dataset, parts: Parts = Parts(), priors: Priors = Priors(), structure: Structure = Structure()
) -> pm.Model:
    """Joint model of all rows of a table (DESIGN section 3): a `pm.Model` ready for `fit`.

    `data` is what `forecast.table.dataset.observations` gives: dims observation, run, task, law and family. Numbers of
    the table and what is `as_graph` enter through `pm.Data`; the layout of the table (which row is of which run, task
    and length) and the structure are parts of the graph.

    Named variables (dims): theta (run), exponent, log10_amplitude, irreducible, nu (law), floor, ceiling (task),
    concentration (task), slopes (segment), theta_origin, theta_scale, sigma_run; where the table supports them
    family_effect (family), deviation (law, family), progress, params_exponent, tokens_exponent, log10_optimal_ratio,
    log10_warm_up_tokens, warm_up_lag, frailty_drift, token_floor, answer_sd (law), answer_residual,
    token_floor_residual (answer), log_loss_link_factor, loss_link_power, log_guess_loss (law), loss_scale (measured),
    required_share, required_share_softness (unknown_k).
    `forecast.posterior.predict` puts them back into the equations. How the laws are sampled: `models.laws`.
    """
    with pm.Model(coords=_coords(data)) as model:
        theta, deviation = effective_compute(data, parts, priors, structure)
        floor, floor_logit = _floor(data, parts, priors, structure)
        law = laws(data, parts, priors, structure, floor_logit=floor_logit)
        law_of_task = pm.Data("law_of_task", data.law_index.values, dims="task")
        law_of_row, run_of_row, family_of_row = _indices(data)
        ceiling = pm.Deterministic("ceiling", floor + (1.0 - floor) * law["top"][law_of_task], dims="task")
        theta_of_row = theta[run_of_row]
        if deviation is not None:
            theta_of_row = theta_of_row + deviation[law_of_row, family_of_row]
        drift = _of_rows(law, "frailty_drift", law_of_row)
        limits = () if drift is None else pm.Data("drift_limits", drift_limits(data), dims="end")
        nu = frailty(theta_of_row, law["nu"][law_of_row], drift, limits=limits)
        loss = _loss(theta_of_row, {name: law[name][law_of_row] for name in ("log10_amplitude", "exponent")})
        loss = (law["irreducible"][law_of_row] + loss) * pt.exp(_answer_residual(data, priors))
        law |= _token_floor_of_runs(data, law, parts, priors)
        law |= _required_share(data, priors)
        _observe_counts(data, loss, nu, law, floor, ceiling, parts, priors)
        _observe_losses(data, loss, law, priors)
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


def _array(values):
    """An array without a name of its own, as data: a graph that holds it itself serves tables of one size."""
    names = (name for each in count() if (name := f"array_{each}") not in pm.modelcontext(None))
    return pm.Data(next(names), np.asarray(values))


def _coords(data):
    knots, losses = bend_knots(data), is_loss(data)[data.task_index.values]
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
        "measured": data.task.values[is_loss(data)],
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
    sd = sd[_array(law_of_answer)]
    # a measured loss, or many counts, fix a residual: it is sampled itself; others are in units of their spread
    fixed = _array(links_loss_to_rates(data)[law_of_answer] | (np.bincount(index[index >= 0]) >= MANY_ROWS))
    own = pm.Normal("answer_residual_own", 0.0, pt.where(fixed, sd, 1.0), dims="answer")
    residual = pm.Deterministic("answer_residual", pt.where(fixed, own, sd * own), dims="answer")
    return pt.where(_array(index >= 0), residual[_array(np.maximum(index, 0))], 0.0)


def _token_floor_of_runs(data, law, parts, priors):
    """Chance of guessing a token (observation), of the laws that have one."""
    if "token_floor" not in law:
        return {}
    index, law_of_row = _array(np.maximum(answers(data), 0)), data.law_index.values[data.task_index.values]
    spread = pm.LogNormal(
        "token_floor_spread", np.log(priors.token_floor_spread_median), priors.token_floor_spread_log_sd
    )
    residual = pm.Normal("token_floor_residual", 0.0, spread, dims="answer")
    return {"token_floor_of_row": token_floor_of_run(law["token_floor"][_array(law_of_row)], residual[index])}


def _required_share(data, priors):
    """Share of sub-judgements that must be right and how sharply judges tell (judged), where k is not known."""
    if not has_unknown_k(data).any():
        return {}
    softness = pm.LogNormal(
        "required_share_softness",
        np.log(priors.required_share_softness_median),
        priors.required_share_softness_log_sd,
        dims="unknown_k",
    )
    return {"required_share": pm.Uniform("required_share", dims="unknown_k"), "required_share_softness": softness}


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
        learned = own[_array(place[data.law_index.values].clip(0))]
        logit = pt.where(_array(guessing[data.law_index.values] & (data.chance.values == 0)), learned, logit)
    if parts.free_floor and unknown.any():
        choice = pm.Normal(
            "choice_floor_logit", priors.choice_floor_logit_mean, priors.choice_floor_logit_sd, dims="unknown_chance"
        )
        logit = pt.set_subtensor(logit[np.flatnonzero(unknown)], choice)
    logit = pt.where(pm.Data("floor_is_free", float(not structure.floor)) > 0, logit, NO_FLOOR)
    floor = pm.Deterministic("floor", pt.where(chance > 0, chance, pm.math.sigmoid(logit)), dims="task")
    return floor, logit[_array(main_task(data))]


def _observe_counts(data, loss, nu, law, floor, ceiling, parts, priors):
    log = pm.Normal("log_concentration", np.log(priors.concentration_median), priors.concentration_log_sd, dims="task")
    concentration = pm.Deterministic("concentration", pt.exp(log), dims="task")
    rows = np.flatnonzero(~is_loss(data)[data.task_index.values])
    if not len(rows):
        return
    task = data.task_index.values
    success = _success_of_rows(data, loss, nu, law)
    task_of_row = pm.Data("task_of_row", task, dims="observation")
    mean = score_from_success(success, floor=floor[task_of_row], ceiling=ceiling[task_of_row])
    mean = mean_among(mean, data, as_graph=_array)
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


def _success_of_rows(data, loss, nu, law):
    """Success of each row (observation): closed forms at once, then those of one law and length together."""
    task = data.task_index.values
    metric, laws_, length, k = (data[name].values for name in ("metric", "law_index", "task_length", "task_k"))
    closed = np.where(metric == "exact_match", np.nan_to_num(length, nan=1.0), 1.0)
    success = exact_match(loss, length=_array(closed[task]), nu=nu)
    guessed = has_token_floor(data, Parts())[laws_] if "token_floor" in law else np.zeros(len(metric), bool)
    if guessed.any():
        floor = law["token_floor_of_row"]
        by_token = _array((guessed & (metric == "token_accuracy"))[task])
        success = pt.where(by_token, floor + (1.0 - floor) * success, success)
    judged = has_unknown_k(data)
    whole = ((metric == "at_least_k") & ~judged) | (guessed & (metric == "exact_match"))
    needed = np.where(metric == "at_least_k", k, length)
    for group in sorted({(laws_[t], length[t]) for t in np.flatnonzero(whole)}):
        tasks = np.flatnonzero(whole & (laws_ == group[0]) & (length == group[1]))
        rows = np.flatnonzero(np.isin(task, tasks))
        runs, of_run = np.unique(data.run_index.values[rows], return_inverse=True)
        first = _array([rows[np.argmax(of_run == run)] for run in range(len(runs))])  # rows of a run have one loss
        of_run = _array(of_run)
        ks = tuple(sorted({int(needed[t]) for t in tasks}))
        options = {"length": int(group[1]), "nu": nu[first]}
        if guessed[tasks[0]]:
            tails = at_least_each(loss[first], ks=ks, token_floor=law["token_floor_of_row"][first], **options)
        else:
            tails = pt.stack([at_least_k(loss[first], k=k, **options) for k in ks], axis=-1)
        own = tails[of_run, _array(np.searchsorted(ks, needed[task[rows]]))]
        success = pt.set_subtensor(success[_array(rows)], own)
    for place, judged_task in enumerate(np.flatnonzero(judged)):
        rows = _array(np.flatnonzero(task == judged_task))
        floor = law["token_floor_of_row"][rows] if guessed[judged_task] else 0.0
        passing = {"share": law["required_share"][place], "softness": law["required_share_softness"][place]}
        options = {"length": int(unknown_k_length(data)[judged_task]), "nu": nu[rows], "token_floor": floor}
        success = pt.set_subtensor(success[rows], success_of_judgement(loss[rows], **options, **passing))
    return success


def _observe_losses(data, loss, law, priors):
    """Measured losses: those of a law of losses are its loss, others follow `log_measured_loss`."""
    losses = is_loss(data)
    rows = np.flatnonzero(losses[data.task_index.values])
    if not len(rows):
        return
    task, laws_ = data.task_index.values[rows], data.law_index.values[data.task_index.values[rows]]
    loss = loss[_array(rows)]
    log_loss = pt.log(loss)
    linked = links_loss_to_rates(data)
    if linked.any():
        reference = law["irreducible"] + 10.0 ** law["log10_amplitude"]  # loss at the reference
        known = np.isfinite(known_length(data))
        sd = np.where(known, priors.loss_link_factor_log_sd, priors.loss_link_factor_log_sd_of_unknown_length)
        power = pm.LogNormal(
            "loss_link_power",
            np.log(priors.loss_link_power_median),
            priors.loss_link_power_log_sd,
            dims="law",
        )
        # what the measured losses fix is their own level at the reference; s follows from it
        level = pm.Normal(
            "log_measured", (pt.log(reference) - np.log(priors.loss_link_factor_median)) / power, sd / power, dims="law"
        )
        link_factor = pm.Deterministic("log_loss_link_factor", pt.log(reference) - power * level, dims="law")
        least = np.log(largest_loss(data).clip(priors.least_guess_loss))
        excess = pm.LogNormal(
            "guess_excess", np.log(priors.guess_excess_median), priors.guess_excess_log_sd, dims="law"
        )
        guess = pm.Deterministic("log_guess_loss", pm.Data("least_guess_loss", least, dims="law") + excess, dims="law")
        own = _array(laws_)
        relation = {
            "log_loss_link_factor": link_factor[own],
            "loss_link_power": power[own],
            "log_guess_loss": guess[own],
        }
        log_loss = pt.where(_array(linked[laws_]), log_measured_loss(loss, **relation), log_loss)
    sd = np.where(linked[data.law_index.values[losses]], priors.loss_scale_log_sd_of_answers, priors.loss_scale_log_sd)
    scale = pm.LogNormal("loss_scale", np.log(priors.loss_scale_median), sd, dims="measured")
    observed = pm.Data("log_loss_observed", np.log(data.score.values[rows]), dims="loss_row")
    observation.losses(
        "log_loss", log_loss, scale[_array(np.cumsum(losses)[task] - 1)], observed, priors=priors, dims="loss_row"
    )

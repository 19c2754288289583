"""Success of the rows of a table as a graph: closed forms at once, the others by law and length or by metric."""

from itertools import count

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.equations.guessed import Tails, tails
from models.equations.metrics import METRICS, success_of_judgement, token_floor_of_run
from models.equations.surrogates import at_least_k, exact_match
from models.facts.layout import answers, has_unknown_k, unknown_k_length
from models.facts.parts import has_token_floor
from models.structures import Parts

CLOSED = ("exact_match", "token_accuracy", "choice")
BY_LENGTH = ("exact_match", "at_least_k")  # metrics whose whole number of tokens is a part of the graph


def as_data(values):
    """An array without a name of its own, as data: a graph that holds it itself serves tables of one size."""
    names = (name for each in count() if (name := f"array_{each}") not in pm.modelcontext(None))
    return pm.Data(next(names), np.asarray(values))


def token_floor_of_runs(data, law, parts, priors):
    """Chance of guessing a token (observation), of the laws that have one."""
    if "token_floor" not in law:
        return {}
    index, law_of_row = as_data(np.maximum(answers(data), 0)), data.law_index.values[data.task_index.values]
    spread = pm.LogNormal(
        "token_floor_spread", np.log(priors.token_floor_spread_median), priors.token_floor_spread_log_sd
    )
    own = pm.Normal("token_floor_residual_own", dims="answer")
    residual = pm.Deterministic("token_floor_residual", spread * own, dims="answer")
    return {"token_floor_of_row": token_floor_of_run(law["token_floor"][as_data(law_of_row)], residual[index])}


def required_share(data, priors):
    """Share of sub-judgements that must be right and how sharply judges tell (unknown_k), where k is not known."""
    if not has_unknown_k(data).any():
        return {}
    softness = pm.LogNormal(
        "required_share_softness",
        np.log(priors.required_share_softness_median),
        priors.required_share_softness_log_sd,
        dims="unknown_k",
    )
    return {"required_share": pm.Uniform("required_share", dims="unknown_k"), "required_share_softness": softness}


def success_of_rows(data, loss, nu, law):
    """Success of each row (observation), of its loss and frailty; `law` may hold token_floor_of_row and required_*."""
    task = data.task_index.values
    metric, length = data.metric.values, np.nan_to_num(data.task_length.values, nan=1.0)
    closed = np.where(metric == "exact_match", length, 1.0)
    success = exact_match(loss, length=as_data(closed[task]), nu=nu)
    guessed = np.zeros(len(metric), bool)
    if "token_floor" in law:
        guessed, floor = has_token_floor(data, Parts())[data.law_index.values], law["token_floor_of_row"]
        by_token = as_data((guessed & (metric == "token_accuracy"))[task])
        success = pt.where(by_token, floor + (1.0 - floor) * success, success)
    success = _by_length(success, data, loss, nu, law, guessed)
    for name in sorted(set(metric) - {*CLOSED, *BY_LENGTH}):
        if METRICS[name].success is not None:
            rows = np.flatnonzero(metric[task] == name)
            k = np.nan_to_num(data.task_k.values, nan=1.0)  # of a metric that has none it means nothing
            each = {"length": as_data(length[task[rows]]), "k": as_data(k[task[rows]])}
            rows = as_data(rows)
            success = pt.set_subtensor(success[rows], METRICS[name].success(loss[rows], nu[rows], **each))
    return _of_unknown_k(success, data, loss, nu, law, guessed)


def _by_length(success, data, loss, nu, law, guessed):
    """At least k of L, and exact match where tokens are guessed."""
    task = data.task_index.values
    metric, laws, length, k = (data[name].values for name in ("metric", "law_index", "task_length", "task_k"))
    at_least = (metric == "at_least_k") & ~has_unknown_k(data)
    needed = np.where(metric == "at_least_k", k, length)
    for t in np.flatnonzero(at_least & ~guessed):
        rows = as_data(np.flatnonzero(task == t))
        own = at_least_k(loss[rows], k=int(k[t]), length=int(length[t]), nu=nu[rows])
        success = pt.set_subtensor(success[rows], own)
    rows = np.flatnonzero((guessed & (at_least | (metric == "exact_match")))[task])
    if not len(rows):
        return success
    pair = np.stack([laws[task], data.run_index.values])[:, rows]  # rows of one law and run have one loss
    _, first, answer = np.unique(pair, axis=1, return_index=True, return_inverse=True)
    of = Tails.of(answer.ravel(), length[task[rows]], needed[task[rows]]).map(as_data)
    first, rows = as_data(rows[first]), as_data(rows)
    own = tails(loss[first], nu=nu[first], token_floor=law["token_floor_of_row"][first], of=of)
    return pt.set_subtensor(success[rows], own)


def _of_unknown_k(success, data, loss, nu, law, guessed):
    """Judgements of which it is learned how many sub-judgements must be right."""
    for place, task in enumerate(np.flatnonzero(has_unknown_k(data))):
        rows = as_data(np.flatnonzero(data.task_index.values == task))
        floor = law["token_floor_of_row"][rows] if guessed[task] else 0.0
        required = {"share": law["required_share"][place], "softness": law["required_share_softness"][place]}
        options = {"length": int(unknown_k_length(data)[task]), "nu": nu[rows], "token_floor": floor}
        success = pt.set_subtensor(success[rows], success_of_judgement(loss[rows], **options, **required))
    return success

"""Placing of runs and laws on the scale of compute: where scores say most."""

import numpy as np

from models.equations.metrics import METRICS, metrics_where
from models.facts.guessing import chance_of_placing
from models.facts.layout import has_unknown_k, is_measured, unknown_k_length

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
FEWEST_INFORMATION = 0.003  # a row of a run, on the same scale; below it hardly any answer is right, or wrong
UNINFORMATIVE_ROW = 0.002  # weight of a row of all or nothing, where one half counts 0.25


def with_constants(data):
    """Observations with what follows from them once: attribute `reference` and variable `knots` (knot)."""
    reference = _reference(data)
    data = data.drop_vars("knots", errors="ignore").assign_attrs(reference=reference)
    return data.assign(knots=("knot", _knots(data.log10_compute.values, reference)))


def reference_compute(data):
    """Log compute at which the priors of the laws are placed and from which effective compute is counted.

    That of the median, in order of compute, of the runs that say most about a task, over the tasks.
    """
    return data.attrs["reference"]


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    return data.knots.values


def _reference(data):
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    runs = [run for run in _main_runs(data) if run >= 0]
    return float(x[order[int(np.median(np.argsort(order, kind="stable")[runs]))] if runs else order[len(x) // 2]])


def _knots(x, reference):
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def standard_weights(data):
    """Weights (2, run) that give the level at the reference and the slope of the least-squares line through runs.

    Runs count by what their scores say: most at one half, next to nothing at none or all. Effective compute measured by
    these two numbers is what the scores fix; the numbers themselves are what the compute of the runs fixes.
    """
    x, weight = data.log10_compute.values, _information(data) * informative_runs(data)
    weight /= weight.sum()
    centred = x - weight @ x
    slope = weight * centred / (weight @ centred**2)
    return np.stack([weight + (reference_compute(data) - weight @ x) * slope, slope])


def informative_runs(data):
    """Whether the scores of a run (run) say where it is; all runs where hardly any do."""
    rows = np.bincount(data.run_index.values, minlength=data.sizes["run"])
    informative = _information(data) > FEWEST_INFORMATION * rows.clip(1)
    return informative if informative.sum() > 3 else np.ones_like(informative)


def _information(data):
    """What the scores of a run (run) say about it: most at one half, next to nothing at none or all."""
    share = share_of_rows(data)
    informative = np.where(np.isnan(share), 0.25, share * (1.0 - share)) + UNINFORMATIVE_ROW
    return np.bincount(data.run_index.values, informative, data.sizes["run"])


def residual_basis(weights):
    """Orthonormal basis (run, run - 2) of what both weights overlook, as near to the single runs as can be.

    The symmetric orthonormalisation of Löwdin (1950), so that a coordinate is nearly the residual of one run. All runs
    but two have one; these two are the pair that the weights tell apart best, never two runs of equal compute, whose
    residuals the others do not determine.
    """
    projector = np.eye(weights.shape[1]) - np.linalg.pinv(weights) @ weights
    across = np.linalg.qr(weights.T)[0]
    area = np.abs(np.outer(across[:, 0], across[:, 1]) - np.outer(across[:, 1], across[:, 0]))
    kept = np.setdiff1d(np.arange(weights.shape[1]), np.unravel_index(np.argmax(area.round(12)), area.shape))
    eigenvalue, vector = np.linalg.eigh(projector[np.ix_(kept, kept)])
    return projector[:, kept] @ (vector / np.sqrt(eigenvalue)) @ vector.T


def share_of_rows(data):
    """Score of each row between guessing, 0, and full marks, 1; NaN for losses and horizons."""
    chance = chance_of_placing(data)[data.task_index.values]
    share = ((data.score_for_placing.values - chance) / (1.0 - chance)).clip(0.0, 1.0)
    return np.where(is_measured(data)[data.task_index.values], np.nan, share)


def _main_runs(data):
    """The run (task) that says most about a task: the last before the first that half solves it; -1 for losses."""
    x, share, runs = data.log10_compute.values, share_of_rows(data), []
    for t in range(data.sizes["task"]):
        rows = np.flatnonzero((data.task_index.values == t) & ~np.isnan(share))
        rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")]
        solved = np.flatnonzero(share[rows] > 0.5)
        last = max(solved[0] - 1, 0) if len(solved) else len(rows) - 1
        runs.append(data.run_index.values[rows[last]] if len(rows) else -1)
    return np.array(runs)


SHORTEST_DISTANCE = 0.5  # decades; nearer anchors would magnify noise
LEAST_TOLD = 0.02  # score beyond guessing, where a law begins to be told
ITEMS_WORTH = 100.0  # most items of a score that count for its error: prompts and formats scatter it, too
BEYOND_BEST = 1.2  # an asymptote is expected this much above the best score


def main_task(data):
    """The task (law) whose scores say most about a law: its surrogate carries the coordinates of the law."""
    share = share_of_rows(data)
    informative = np.bincount(data.task_index.values, np.nan_to_num(share * (1.0 - share)), data.sizes["task"])
    informative = informative + np.where(is_measured(data), 0.0, 1e-9)
    laws = data.law_index.values
    return np.array(
        [max(np.flatnonzero(laws == law), key=lambda t: informative[t]) for law in range(data.sizes["law"])]
    )


def surrogate_length(data):
    """Tokens an answer must get right in the closed-form surrogate of the main task of each law (law); 1 if unknown.

    With exact match alone the length enters only as ``L * loss``, so an unknown one is absorbed by the amplitude.
    Token accuracy, multiple choice and loss are one decision; at least k of L is anchored by its exact-match factor, k.
    """
    task = main_task(data)
    metric, length = data.metric.values[task], np.nan_to_num(data.task_length.values[task], nan=1.0)
    k = np.where(has_unknown_k(data), np.ceil(0.5 * unknown_k_length(data)), data.task_k.values)[task]
    return np.array(
        [METRICS[name].decisions(*each) for name, *each in zip(metric, length, k, strict=True)], dtype=float
    )


def anchors(data):
    """Log compute of the lower anchor of each law (law) and decades to its upper anchor.

    One standard deviation to either side of the mean over the runs, which count by what the scores of the main task say
    about the rise: most half-way to a little above the best score, next to nothing at none or all. Of right tokens the
    lowest score counts as none, since they may be guessed. Both anchors lie within the runs, and half a decade or more
    apart.
    """
    x, share, task = data.log10_compute.values, share_of_rows(data), data.task_index.values
    in_tokens = np.isin(data.metric.values, metrics_where("counts_tokens"))
    ends = np.empty((2, data.sizes["law"]))
    for law, main in enumerate(main_task(data)):
        rows = np.flatnonzero(task == main)
        where = x[data.run_index.values[rows]]
        reached = np.nan_to_num(share[rows], nan=0.5)
        reached = reached - reached.min() * in_tokens[main]
        reached = reached / min(1.0, max(BEYOND_BEST * reached.max(), UNINFORMATIVE_ROW))
        weight = reached * (1.0 - reached) + UNINFORMATIVE_ROW
        mean = np.average(where, weights=weight)
        sd = np.sqrt(np.average((where - mean) ** 2, weights=weight))
        ends[:, law] = np.clip([mean - sd, mean + sd], x.min(), x.max())
    short = np.maximum(SHORTEST_DISTANCE - (ends[1] - ends[0]), 0.0)
    ends += 0.5 * np.stack([-short, short])
    return ends[0], ends[1] - ends[0]


def is_informative(data):
    """Whether the scores of a law (law) say how it rises.

    Losses do; rates do where the largest third of the runs is beyond guessing, by two standard errors and more than
    next to nothing. It decides how a law is sampled, never what its prior is.
    """
    x, share, task = data.log10_compute.values, share_of_rows(data), data.task_index.values
    chances, informative = chance_of_placing(data), np.ones(data.sizes["law"], dtype=bool)
    for law, main in enumerate(main_task(data)):
        rows = np.flatnonzero((task == main) & ~np.isnan(share))
        if len(rows):
            rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")][-max(len(rows) // 3, 1) :]
            score, chance = data.score_for_placing.values[rows], chances[main]
            items = np.minimum(data.trials.values[rows].astype(float), ITEMS_WORTH)
            error = np.sqrt((score * (1.0 - score) / items).clip(0.01 / items).sum()) / len(rows)
            informative[law] = score.mean() - chance > max(2.0 * error, LEAST_TOLD * (1.0 - chance))
    return informative


def drift_limits(data):
    """Ends of the effective compute, in units of the laws, over which frailty drifts: the range of the runs."""
    x = data.log10_compute.values - reference_compute(data)
    return float(x.min()), float(x.max())

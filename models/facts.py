"""What the model needs to know of a table before it is built: plain NumPy, nothing random.

`data` is what `forecast.table.observations` gives: dims observation, run, task, law and family. Scores enter here only
as `placing` (observation), which says where the data are informative; it is the score, but for tables drawn from the
prior, whose prior must not look at them.
"""

import numpy as np

from models.priors import Structure
from models.rubric_equations import UNKNOWN_LENGTH

KNOT_SPACING = 0.5  # decades
KNOTS_BEYOND = 4.0  # decades past the largest run over which the law may still bend
SHORTEST_DISTANCE = 0.5  # decades; nearer anchors would magnify noise
BEYOND_BEST = 1.2  # a top is expected this much above the best score
FEWEST_INFORMATION = 0.003  # a row of a run, on the same scale; below it hardly any answer is right, or wrong
UNINFORMATIVE_ROW = 0.002  # weight of a row of all or nothing, where one half counts 0.25

# The scale of compute


def reference_compute(data):
    """Log compute at which the priors of the laws are placed and from which effective compute is counted.

    That of the median, in order of compute, of the runs that say most about a task, over the tasks.
    """
    x = data.log10_compute.values
    order = np.argsort(x, kind="stable")
    runs = [run for run in _informative_runs(data) if run >= 0]
    return x[order[int(np.median(np.argsort(order, kind="stable")[runs]))] if runs else order[len(x) // 2]]


def standard_weights(data):
    """Weights (2, run) that give the level at the reference and the slope of the least-squares line through runs.

    Runs count by what their scores say: most at one half, next to nothing at none or all. Effective compute measured by
    these two numbers is what the scores fix; the numbers themselves are what the compute of the runs fixes.
    """
    x, weight = data.log10_compute.values, _information(data) * telling_runs(data)
    weight /= weight.sum()
    centred = x - weight @ x
    slope = weight * centred / (weight @ centred**2)
    return np.stack([weight + (reference_compute(data) - weight @ x) * slope, slope])


def telling_runs(data):
    """Whether the scores of a run (run) say where it is; all runs where hardly any do."""
    rows = np.bincount(data.run_index.values, minlength=data.sizes["run"])
    telling = _information(data) > FEWEST_INFORMATION * rows.clip(1)
    return telling if telling.sum() > 3 else np.ones_like(telling)


def _information(data):
    """What the scores of a run (run) say about it: most at one half, next to nothing at none or all."""
    share = _share(data)
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


def bend_knots(data):
    """Log compute at which the slope of theta may change, ascending; none lies at the reference itself."""
    x, reference = data.log10_compute.values, reference_compute(data)
    below = np.arange(reference - KNOT_SPACING / 2, x.min(), -KNOT_SPACING)[::-1]
    above = np.arange(reference + KNOT_SPACING / 2, x.max() + KNOTS_BEYOND, KNOT_SPACING)
    return np.concatenate([below, above])


def has_bend(data, structure: Structure):
    """Whether the law may bend: not where losses alone are seen, whose irreducible part would pass for a bend."""
    return structure.bend and not is_loss(data).all()


def _share(data):
    """Score of each row between guessing, 0, and full marks, 1; NaN for losses."""
    chance = data.chance.values[data.task_index.values]
    share = ((data.placing.values - chance) / (1.0 - chance)).clip(0.0, 1.0)
    return np.where(data.metric.values[data.task_index.values] == "loss", np.nan, share)


def _informative_runs(data):
    """The run (task) that says most about a task: the last before the first that half solves it; -1 for losses."""
    x, share, runs = data.log10_compute.values, _share(data), []
    for t in range(data.sizes["task"]):
        rows = np.flatnonzero((data.task_index.values == t) & ~np.isnan(share))
        rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")]
        solved = np.flatnonzero(share[rows] > 0.5)
        last = max(solved[0] - 1, 0) if len(solved) else len(rows) - 1
        runs.append(data.run_index.values[rows[last]] if len(rows) else -1)
    return np.array(runs)


# Laws, each the law of one loss, and the tasks that look at it


def is_loss(data):
    """Whether a task (task) is a measured loss."""
    return data.metric.values == "loss"


def rates_of_law(data):
    """How many rate tasks look at each law (law)."""
    return np.bincount(data.law_index.values, ~is_loss(data), data.sizes["law"]).astype(int)


def is_loss_law(data):
    """Whether a law (law) is seen by measured losses alone."""
    return rates_of_law(data) == 0


def kinds_of_laws(data):
    """Kinds of laws whose parameters are pooled together, and the kind (law) of each: generated answers or choices.

    Laws of losses are of the first kind, whose pool they do not use.
    """
    choice = np.bincount(data.law_index.values, data.metric.values == "choice", data.sizes["law"]) > 0
    kinds, index = np.unique(np.where(choice, "choice", "answer"), return_inverse=True)
    return kinds, index


def has_irreducible(data):
    """Whether a law (law) has an irreducible loss of its own, and not a ceiling in its place (DESIGN 3.7).

    One rate alone cannot tell them apart; a measured loss, or several rates of the same answers, can.
    """
    tasks = np.bincount(data.law_index.values, minlength=data.sizes["law"])
    return (tasks > 1) | is_loss_law(data)


def has_drift(data, structure: Structure):
    """Whether the frailty of a law (law) may drift with effective compute: where several rates look at it."""
    return (rates_of_law(data) > 1) & structure.frailty & structure.drift


def is_frailty_open(data):
    """Whether the rates of a law (law) leave its frailty open: a lone rate; several of the same answers measure it."""
    return rates_of_law(data) == 1


def has_unknown_k(data):
    """Whether a task (task) is at least k of L with an unknown k: how much must be right is learned."""
    return (data.metric.values == "at_least_k") & np.isnan(data.task_k.values)


def judged_length(data):
    """Sub-judgements (task) of which a judgement with an unknown k is made."""
    return np.nan_to_num(data.task_length.values, nan=UNKNOWN_LENGTH).astype(int)


def has_token_floor(data, structure: Structure):
    """Whether single tokens of a law (law) may be guessed right: where several rates look at it, in whole tokens."""
    length = np.nan_to_num(data.task_length.values, nan=1.0)
    fractional = np.bincount(data.law_index.values, (length % 1 > 0) & ~is_loss(data), data.sizes["law"]) > 0
    return (rates_of_law(data) > 1) & ~fractional & structure.token_floor


def has_greedy(data):
    """Whether a law (law) is seen both by rates and by measured losses."""
    return (np.bincount(data.law_index.values, is_loss(data), data.sizes["law"]) > 0) & ~is_loss_law(data)


def largest_loss(data):
    """The largest measured loss of each law (law), nats; of a law without any zero."""
    rows = is_loss(data)[data.task_index.values]
    found = np.zeros(data.sizes["law"])
    np.maximum.at(found, data.law_index.values[data.task_index.values[rows]], data.placing.values[rows])
    return found


def known_length(data):
    """Answer length (law) where a rate task of the law gives one, else NaN."""
    known = np.where(is_loss(data), np.nan, data.task_length.values)
    known = np.where(data.metric.values == "token_accuracy", 1.0, known)
    lengths = np.full(data.sizes["law"], np.nan)
    given = np.flatnonzero(np.isfinite(known))
    lengths[data.law_index.values[given]] = known[given]
    return lengths


def main_task(data):
    """The task (law) whose scores say most about a law: its surrogate carries the coordinates of the law."""
    share = _share(data)
    told = np.bincount(data.task_index.values, np.nan_to_num(share * (1.0 - share)), data.sizes["task"])
    told = told + np.where(is_loss(data), 0.0, 1e-9)
    laws = data.law_index.values
    return np.array([max(np.flatnonzero(laws == law), key=lambda t: told[t]) for law in range(data.sizes["law"])])


def surrogate_length(data):
    """Tokens an answer must get right in the closed-form surrogate of the main task of each law (law); 1 if unknown.

    With exact match alone the length enters only as ``L * loss``, so an unknown one is absorbed by the amplitude.
    Token accuracy, multiple choice and loss are one decision; at least k of L is anchored by its exact-match factor, k.
    """
    task = main_task(data)
    metric, length, k = data.metric.values[task], data.task_length.values[task], data.task_k.values[task]
    k = np.where(has_unknown_k(data)[task], np.ceil(0.5 * judged_length(data)[task]), k)
    return np.select(
        [metric == "exact_match", metric == "at_least_k"], [np.nan_to_num(length, nan=1.0), k], default=1.0
    )


def anchors(data):
    """Log compute of the lower anchor of each law (law) and decades to its upper anchor.

    One standard deviation to either side of the mean over the runs, which count by what the scores of the main task say
    about the rise: most half-way to a little above the best score, next to nothing at none or all. Both lie within the
    runs, and half a decade or more apart.
    """
    x, share, task = data.log10_compute.values, _share(data), data.task_index.values
    ends = np.empty((2, data.sizes["law"]))
    for law, main in enumerate(main_task(data)):
        rows = np.flatnonzero(task == main)
        where = x[data.run_index.values[rows]]
        reached = np.nan_to_num(share[rows], nan=0.5)
        reached = reached / min(1.0, max(BEYOND_BEST * reached.max(), UNINFORMATIVE_ROW))
        weight = reached * (1.0 - reached) + UNINFORMATIVE_ROW
        mean = np.average(where, weights=weight)
        sd = np.sqrt(np.average((where - mean) ** 2, weights=weight))
        ends[:, law] = np.clip([mean - sd, mean + sd], x.min(), x.max())
    short = np.maximum(SHORTEST_DISTANCE - (ends[1] - ends[0]), 0.0)
    ends += 0.5 * np.stack([-short, short])
    return ends[0], ends[1] - ends[0]


def drift_limits(data):
    """Ends of the effective compute, in units of the laws, over which frailty drifts: the range of the runs."""
    x = data.log10_compute.values - reference_compute(data)
    return float(x.min()), float(x.max())


def answers(data):
    """Index of the residual (observation) that a row shares with the other metrics of the same answers; -1: none.

    Counted over the pairs of run and law, of the laws that several tasks look at.
    """
    several = np.bincount(data.law_index.values, minlength=data.sizes["law"]) > 1
    law = data.law_index.values[data.task_index.values]
    pair = np.where(several[law], data.run_index.values * data.sizes["law"] + law, -1)
    _, index = np.unique(pair, return_inverse=True)
    return index - int((pair < 0).any())

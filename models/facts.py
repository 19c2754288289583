"""What the model needs to know of a table before it is built: laws, each of one loss, and the tasks that look at them.

Plain NumPy, nothing random. `data` is what `forecast.table.observations` gives: dims observation, run, task, law and
family. Scores enter here only as `placing` (observation), which says where the data are informative; it is the score,
but for tables drawn from the prior, whose prior must not look at them.
"""

import numpy as np

from models.guessing import chance_of_placing, unknown_chance
from models.priors import Structure
from models.rubric_equations import UNKNOWN_LENGTH
from models.scale_facts import UNINFORMATIVE_ROW, reference_compute, share_of_rows

SHORTEST_DISTANCE = 0.5  # decades; nearer anchors would magnify noise
LEAST_TOLD = 0.02  # score beyond guessing, where a law begins to be told
ITEMS_WORTH = 100.0  # most items of a score that count for its error: prompts and formats scatter it, too
BEYOND_BEST = 1.2  # a top is expected this much above the best score


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


def has_unknown_floor(data):
    """Whether a rate of a law (law) may be guessed right by a chance that the table does not give."""
    tasks = (data.chance.values == 0) & ~is_loss(data) & ~unknown_chance(data)
    return np.bincount(data.law_index.values, tasks, data.sizes["law"]) > 0


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
    share = share_of_rows(data)
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
    x, share, task = data.log10_compute.values, share_of_rows(data), data.task_index.values
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


def is_told(data):
    """Whether the scores of a law (law) say how it rises.

    Losses do; rates do where the largest third of the runs is beyond guessing, by two standard errors and more than
    next to nothing. It decides how a law is sampled, never what its prior is.
    """
    x, share, task = data.log10_compute.values, share_of_rows(data), data.task_index.values
    chances, told = chance_of_placing(data), np.ones(data.sizes["law"], dtype=bool)
    for law, main in enumerate(main_task(data)):
        rows = np.flatnonzero((task == main) & ~np.isnan(share))
        if len(rows):
            rows = rows[np.argsort(x[data.run_index.values[rows]], kind="stable")][-max(len(rows) // 3, 1) :]
            score, chance = data.placing.values[rows], chances[main]
            items = np.minimum(data.trials.values[rows].astype(float), ITEMS_WORTH)
            error = np.sqrt((score * (1.0 - score) / items).clip(0.01 / items).sum()) / len(rows)
            told[law] = score.mean() - chance > max(2.0 * error, LEAST_TOLD * (1.0 - chance))
    return told


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

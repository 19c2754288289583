"""Layout of a table before it is fitted: laws, each of one loss, and the tasks that look at them.

Plain NumPy, nothing random. `data` is what `forecast.table.dataset.observations` gives: dims observation, run, task,
law and family. Scores enter here only as `score_for_placing` (observation), which says where the data are informative;
it is the score, but for tables drawn from the prior, whose prior must not look at them.
"""

import numpy as np

from models.equations.loss import LN10
from models.equations.metrics import UNKNOWN_LENGTH, metrics_where, rates
from models.facts.guessing import unknown_chance


def is_measured(data):
    """Whether a task (task) is a measured number, a loss or what is one over a loss, and not a rate."""
    return ~np.isin(data.metric.values, rates())


def is_reciprocal(data):
    """Whether a task (task) is one over a loss, as a horizon is."""
    return np.isin(data.metric.values, metrics_where("reciprocal"))


def rates_of_law(data):
    """How many rate tasks look at each law (law)."""
    return np.bincount(data.law_index.values, ~is_measured(data), data.sizes["law"]).astype(int)


def is_measured_law(data):
    """Whether a law (law) is seen by measured numbers alone."""
    return rates_of_law(data) == 0


def is_reciprocal_law(data):
    """Whether a law (law) is that of horizons: the loss is one over them, and no part of it is irreducible."""
    return np.bincount(data.law_index.values, is_reciprocal(data), data.sizes["law"]) > 0


def kinds_of_laws(data):
    """Kinds of laws whose parameters are pooled together, and the kind (law) of each: generated answers or choices.

    Laws of losses are of the first kind, whose pool they do not use.
    """
    choice = np.bincount(data.law_index.values, data.metric.values == "choice", data.sizes["law"]) > 0
    kinds, index = np.unique(np.where(choice, "choice", "answer"), return_inverse=True)
    return kinds, index


def has_unknown_k(data):
    """Whether a task (task) is at least k of L with an unknown k: how much must be right is learned."""
    return (data.metric.values == "at_least_k") & np.isnan(data.task_k.values)


def has_unknown_floor(data):
    """Whether a rate of a law (law) may be guessed right by a chance that the table does not give."""
    tasks = (data.chance.values == 0) & ~is_measured(data) & ~unknown_chance(data)
    return np.bincount(data.law_index.values, tasks, data.sizes["law"]) > 0


def unknown_k_length(data):
    """Sub-judgements (task) of which a judgement with an unknown k is made."""
    return np.nan_to_num(data.task_length.values, nan=UNKNOWN_LENGTH).astype(int)


def links_loss_to_rates(data):
    """Whether a law (law) is seen both by rates and by measured losses."""
    return (np.bincount(data.law_index.values, is_measured(data), data.sizes["law"]) > 0) & ~is_measured_law(data)


def largest_loss(data):
    """The largest measured loss of each law (law), nats; of a law without any zero."""
    rows = (data.metric.values == "loss")[data.task_index.values]
    found = np.zeros(data.sizes["law"])
    np.maximum.at(found, data.law_index.values[data.task_index.values[rows]], data.score_for_placing.values[rows])
    return found


def error_of_log(data):
    """Standard deviation of the natural log of each measured number (observation) by its own error; 0 unknown."""
    return LN10 * data.score_sd.values if "score_sd" in data else np.zeros(data.sizes["observation"])


def has_attempts(data):
    """Whether a law (law) is seen by attempts at whole answers, such as pass@k."""
    attempts = np.isin(data.metric.values, metrics_where("is_attempts"))
    return np.bincount(data.law_index.values, attempts, data.sizes["law"]) > 0


def tokens_per_item(data):
    """Trials of a task (task) that one item is: its length where trials are tokens, else 1."""
    tokens = np.isin(data.metric.values, metrics_where("counts_tokens"))
    return np.where(tokens, np.nan_to_num(data.task_length.values, nan=1.0), 1.0)


def known_length(data):
    """Answer length (law) where a rate task of the law gives one, else NaN."""
    known = np.where(is_measured(data), np.nan, data.task_length.values)
    known = np.where(np.isin(data.metric.values, metrics_where("counts_tokens")), 1.0, known)
    lengths = np.full(data.sizes["law"], np.nan)
    given = np.flatnonzero(np.isfinite(known))
    lengths[data.law_index.values[given]] = known[given]
    return lengths


def answers(data):
    """Index of the residual (observation) that a row shares with the other metrics of the same answers; -1: none.

    Counted over the pairs of run and law, of the laws that several tasks look at.
    """
    several = np.bincount(data.law_index.values, minlength=data.sizes["law"]) > 1
    law = data.law_index.values[data.task_index.values]
    pair = np.where(several[law], data.run_index.values * data.sizes["law"] + law, -1)
    _, index = np.unique(pair, return_inverse=True)
    return index - int((pair < 0).any())

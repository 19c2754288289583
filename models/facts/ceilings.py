"""Ceilings that a table bounds from below, by the score of experts or by its own word.

Plain NumPy, as `models.facts.layout` is.
"""

import numpy as np

from models.facts.layout import is_measured
from models.facts.placing import main_task, surrogate_length

BOUNDS = ("human", "ceiling_at_least")  # columns, each the same for all rows of a task
CLOSED = ("exact_match", "token_accuracy", "choice")  # metrics whose score says the same of others of the same answers
NONE = -1


def lowest_ceiling(data):
    """Score that the ceiling of each task (task) is at least; NaN where the table bounds none."""
    return np.fmax(*(_given(data, name) for name in BOUNDS))


def bounding_task(data):
    """The task (law) whose bound holds for a law; -1: none.

    Of a law that several metrics look at it is the main task, else the first that has a bound and a closed form: only
    these say, by the frailty of the law, what the main task reaches.
    """
    bounded, laws, found = np.isfinite(lowest_ceiling(data)) & ~is_measured(data), data.law_index.values, []
    for law, main in enumerate(main_task(data)):
        of_law = np.flatnonzero(laws == law)
        fits = [t for t in of_law if bounded[t] and (len(of_law) == 1 or data.metric.values[t] in CLOSED)]
        found.append(main if main in fits else fits[0] if fits else NONE)
    return np.array(found)


def is_of_experts(data):
    """Whether the ceiling of a law (law) is expected near the score of experts."""
    task = bounding_task(data)
    return (task != NONE) & np.isfinite(_given(data, "human")[task])


def bounding_length(data):
    """Tokens that an answer of the bounding task of each law (law) must get right, as of `surrogate_length`."""
    task = bounding_task(data)
    length = np.nan_to_num(data.task_length.values, nan=1.0)
    tokens = np.where(data.metric.values == "exact_match", length, 1.0)[task]
    return np.where((task == NONE) | (task == main_task(data)), surrogate_length(data), tokens)


def _given(data, name):
    return data[name].values if name in data else np.full(data.sizes["task"], np.nan)

"""Information in a table: whether its runs show a slope in compute, and its scores where a law lies.

Plain NumPy, as `models.facts.layout` is.
"""

import numpy as np

from models.facts.guessing import chance_of_placing
from models.facts.layout import is_measured
from models.facts.parts import has_params_tokens
from models.structures import Parts

FEW = 3  # counts above guessing that tell a score from zero
ONE_PLACE = 5e-4  # decades; published figures of one compute are rounded differently
LITTLE = float(np.log10(2.0))  # decades over which runs scatter as much as they rise


def has_one_place(data):
    """Whether all runs lie at one place on the scale, so that nothing of it can be learned.

    Sizes that vary independently are a scale of their own. At one compute C = 6 N D they do not: the one takes what the
    other gives.
    """
    return bool(np.ptp(data.log10_compute.values) < ONE_PLACE) and not has_params_tokens(data, Parts())


def hardly_varies(data):
    """Whether the runs lie so near to one another on the scale that its slope is the prior's."""
    return bool(np.ptp(data.log10_compute.values) < LITTLE) and not has_params_tokens(data, Parts())


def is_above_guessing(data):
    """Whether a rate (observation) is clearly above guessing; False of a measured number."""
    chance = chance_of_placing(data)[data.task_index.values]
    noise = np.sqrt(data.trials.values * chance * (1.0 - chance))
    return data.successes.values - chance * data.trials.values > FEW + 2.0 * noise


def is_never_above_guessing(data):
    """Whether no row of a law (law) is clearly above guessing, and no measured number looks at it."""
    return ~_any(data, is_above_guessing(data) | _of_measured(data))


def is_always_full(data):
    """Whether all rows of a law (law) have full marks, and no measured number looks at it."""
    return ~_any(data, (data.score.values < 1.0) | _of_measured(data))


def _of_measured(data):
    return is_measured(data)[data.task_index.values]


def _any(data, rows):
    return np.bincount(data.law_index.values[data.task_index.values], rows, data.sizes["law"]) > 0

"""Guessing: choices whose chance of a right guess the table leaves blank, and what it may be.

Plain NumPy, as `models.facts.layout` is.
"""

import numpy as np

HIGH_SCORE = 0.1  # smallest score of a choice from which a guess must be worth something
CHOICES = (2, 4, 5, 10)  # of common tests
NOISE = 2.0  # standard errors by which the smallest score may fall short of guessing


def unknown_chance(data):
    """Whether a task (task) is a choice of chance 0, or blank, whose scores all stay above what that allows."""
    choice = (data.metric.values == "choice") & (data.chance.values == 0)
    return choice & (smallest_score(data)[0] > HIGH_SCORE)  # False where placing is not known


def smallest_score(data):
    """Smallest score of each task (task), and its standard error; NaN where one is not known."""
    found, trials = np.full(data.sizes["task"], np.nan), np.ones(data.sizes["task"])
    for task in range(data.sizes["task"]):
        rows = np.flatnonzero(data.task_index.values == task)
        if len(rows):
            least = rows[np.argmin(data.score_for_placing.values[rows])]
            found[task], trials[task] = data.score_for_placing.values[least], max(data.trials.values[least], 1)
    return found, np.sqrt((found * (1.0 - found)).clip(0.0) / trials)


def likely_choices(data):
    """Number of choices (task) of the common test whose chance is nearest below the smallest score, within noise."""
    score, error = smallest_score(data)
    fits = np.array([1.0 / number <= score + NOISE * error for number in CHOICES])
    return np.where(fits.any(axis=0), np.array(CHOICES)[np.argmax(fits, axis=0)], CHOICES[-1])


def chance_of_placing(data):
    """Chance of a right guess (task) that says where scores are informative: the likely one where it is unknown."""
    unknown = unknown_chance(data)
    return np.where(unknown, 1.0 / likely_choices(data), data.chance.values) if unknown.any() else data.chance.values

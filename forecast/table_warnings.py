"""Warnings of a table: what makes a forecast from it untrustworthy and is known before anything is fitted."""

import numpy as np
import xarray as xr

from models.guessing import likely_choices, smallest_score, unknown_chance

FEW_RUNS = 5
"""Fewer training runs: ceiling, slope, position and curvature cannot all be seen."""
NAMED = 3  # tasks of one warning that are named
_NUMBERS = {2: "two", 4: "four", 5: "five", 10: "ten"}


def warnings_of(data: xr.Dataset) -> list[str]:
    """A sentence for each weakness of a table of measurements, with its remedy; `data` is that of `observations`."""
    few = few_runs(data.sizes["run"])
    guesses = np.unique(likely_choices(data)[unknown_chance(data)])
    return ([f"{few.capitalize()}."] if few else []) + [_of_chance(data, int(number)) for number in guesses]


def few_runs(runs: int) -> str:
    """What to say of too few training runs, as a clause; empty where there are enough."""
    if runs >= FEW_RUNS:
        return ""
    return f"only {runs} runs can be learned from; at least {FEW_RUNS} are needed"


def _of_chance(data: xr.Dataset, number: int) -> str:
    """The choices without a chance that probably have so many choices."""
    own = np.flatnonzero(unknown_chance(data) & (likely_choices(data) == number))
    names = [str(name) for name in data.task.values[own]]
    least = float(smallest_score(data)[0][own].min())
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    one = len(names) == 1
    return (
        f"{listed} {'is a choice' if one else 'are choices'} without a chance, yet no score is below {least:.2g}. "
        f"The value of a guess is therefore learned, which widens the forecast. "
        f"Fill the column chance with {1 / number:g} ({_NUMBERS[number]} choices), "
        f"or with 1 divided by the number of choices of {'the task' if one else 'each task'}."
    )

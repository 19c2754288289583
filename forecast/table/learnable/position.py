"""Thresholds that no data fix: what to say of those that are prior-dominated by the table alone."""

from collections.abc import Iterable, Iterator

import xarray as xr

from forecast.scales import scale_of
from forecast.table.learnable.spread import range_of_runs
from models.facts.informative import hardly_varies, is_always_full, is_never_above_guessing


def prior_dominated(data: xr.Dataset, tasks: Iterable[str]) -> list[str]:
    """Why the thresholds of these tasks, by label, come from the prior; of those that data fix nothing.

    What is said of a task holds for all that share its law: token accuracy may fix where exact match is all zeros.
    """
    return [f"the threshold of {task} is prior-dominated: {why}" for task in tasks for why in _reasons(data, task)]


def _reasons(data: xr.Dataset, task: str) -> Iterator[str]:
    law = int(data.law_index.sel(task=task))
    never, full = bool(is_never_above_guessing(data)[law]), bool(is_always_full(data)[law])
    larger, smaller = ("later", "earlier") if scale_of(data).dated else ("larger", "smaller")
    if never:
        yield f"no run scores clearly above guessing; add {larger} runs, or more items"
    elif full:
        yield f"every run has full marks; add {smaller} runs, or harder items"
    if hardly_varies(data):
        yield f"{range_of_runs(data)}; add runs that differ more"

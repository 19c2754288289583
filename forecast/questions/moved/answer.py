"""Answer of `compare` for two fits: thresholds, parameters and data before and after, and the rows that moved them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import quantiles
from forecast.errors import ForecastError, shown
from forecast.files import json_number
from forecast.posterior.fit import Fit
from forecast.posterior.names import WORDS
from forecast.posterior.score import PER_TASK, law_of_task
from forecast.posterior.tasks import checked_task, is_measured, rate_tasks, task_label
from forecast.posterior.threshold import threshold, threshold_draws
from forecast.published import Answer
from forecast.questions.moved.differences import changed_rows, differences, matched
from forecast.questions.moved.influence import Changes, influence
from forecast.table.direction import can_be_modelled
from models.dates import by_date, iso_date, latest

OF_ALL = {"chain", "draw", "kind"}  # dims of parameters that all tasks, or all of one kind, share
MOST = 50  # of the rows that moved a threshold most


def moved(
    before: Fit,
    after: Fit,
    *,
    task: str | None = None,
    at: Sequence[float] = (0.5,),
    family: str | None = None,
    year: float | None = None,
) -> Answer:
    """What moved between two fits of one study, and which rows that came, left or changed moved it.

    `thresholds` of the tasks of both, `parameters` by the size of their shift, `data`, and `influence`: see
    `forecast.questions.moved.influence`. Shifts are after less before: `shift_decades` of the median, and
    `shift_in_half_widths` in those of the 90% interval before, None where that is infinite. Without a year each fit has
    the typical recipe of its own last date: `recipes_of`, where that bears on it.

    Parameters
    ----------
    task : by its name in the later fit; None: all rates of both
    family, year : as of `forecast.posterior.threshold.threshold_draws`
    """
    if by_date(before.data) != by_date(after.data):
        raise ForecastError(
            "one fit is in FLOP and one in years: they have no scale in common; compare fits of one kind"
        )
    pairs = shared_tasks(before, after, task, at)
    whose: dict[str, Any] = {"family": family, "year": year}
    thresholds = [_threshold(before, after, pair, score, whose) for pair in pairs for score in at]
    rows = matched(before, after)
    asked = {
        (new, score): threshold_draws(before, old, score, **whose).values.ravel()
        for (old, new), line in zip(pairs, thresholds[:: len(at)], strict=True)
        for score in at
        if can_be_modelled(line["direction"])
    }
    changes, labels = _changes(before, after, rows)
    units = influence(before, after, changes, labels, asked) if asked and sum(map(len, changes)) else []
    return Answer(
        {
            "family": family,
            "families": after.data.sizes["family"],
            "recipes_of": [_recipe_of(fit) for fit in (before, after)] if family is None and year is None else None,
            "thresholds": thresholds,
            "parameters": sorted(_parameters(before, after, pairs), key=_size, reverse=True),
            "data": differences(before, after, rows),
            "influence": units[:MOST],
            "influence_left_out": max(len(units) - MOST, 0),
        },
        dated=by_date(after.data),
    )


def shared_tasks(before: Fit, after: Fit, task: str | None, at: Sequence[float]) -> list[tuple[str, str]]:
    """Labels of each task asked for in both fits; a label may differ where a task has a second metric by now."""
    labels = rate_tasks(after) if task is None else [task_label(after, task)]
    for label in labels if task is not None else ():
        for score in at:
            checked_task(after, label, score)
    pairs = [(other, label) for label in labels if (other := _label_in(before, after, label)) is not None]
    if not pairs:
        asked = "no rate" if task is None else shown(task)
        known = "; ".join(shown(str(label)) for label in before.data.task.values[:10])
        said = f"{asked} is a task of both fits" if task is None else f"{asked} is not a task of the earlier fit"
        raise ForecastError(f"{said}, which has: {known}; compare two fits of one study")
    return pairs


def _label_in(before: Fit, after: Fit, label: str) -> str | None:
    """The label of the same task, metric, k and length in the earlier fit."""
    if label in before.data.task.values and before.data.metric.sel(task=label) == after.data.metric.sel(task=label):
        return label
    own, old = after.data.sel(task=label), before.data
    alike = (old.task_name == own.task_name) & (old.metric == own.metric)
    for name in ("task_k", "task_length"):
        alike &= (old[name] == own[name]) | (np.isnan(old[name]) & np.isnan(own[name]))
    found = old.task.values[alike.values]
    return str(found[0]) if len(found) else None


def _threshold(before: Fit, after: Fit, pair: tuple[str, str], at: float, whose: Mapping[str, Any]) -> dict[str, Any]:
    """A threshold before and after, and its shift; no numbers of a task that falls or turns."""
    old, new = (threshold(fit, label, at, **whose) for fit, label in zip((before, after), pair, strict=True))
    known = can_be_modelled(old["direction"]) and can_be_modelled(new["direction"])
    names = ("log10_compute", "p_never", "data_log10_compute")
    found = {name: new[name] for name in ("task", "metric", "at", "direction")} | {"dated": by_date(after.data)}
    shift = _shift(old["log10_compute"], new["log10_compute"]) if known else dict.fromkeys(SHIFTS)
    return found | {"before": {n: old[n] for n in names}, "after": {n: new[n] for n in names}, **shift}


def _recipe_of(fit: Fit) -> str | None:
    """The date of the typical recipe of a fit; None where dates do not bear on it."""
    return iso_date(latest(fit.data)) if "progress" in fit.posterior else None


SHIFTS = ("shift_decades", "shift_in_half_widths")


def _shift(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Shift of a median in decades and in half-widths before; of an endless interval, those of 5 to 50%."""
    low, first, high, last = (float(value) for value in (old["q05"], old["q50"], old["q95"], new["q50"]))
    shift = 0.0 if first == last else last - first
    half = 0.5 * (high - low) if np.isfinite(high) else first - low
    relative = shift / half if np.isfinite([shift, half]).all() and half > 0 else np.nan
    return dict(zip(SHIFTS, map(json_number, (shift, relative)), strict=True))


def _parameters(before: Fit, after: Fit, pairs: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Quantiles of each named parameter of both fits, and its shift in half-widths of the interval before."""
    for name in WORDS:
        if all(name in fit.posterior and set(fit.posterior[name].dims) <= OF_ALL for fit in (before, after)):
            old, new = before.posterior[name], after.posterior[name]
            kinds = [str(kind) for kind in new.kind.values] if "kind" in new.dims and "kind" in old.dims else [""]
            for kind in kinds:
                both = [each.sel(kind=kind) for each in (old, new)] if kind else [old, new]
                if not kind or kind in old.kind.values:
                    yield _parameter(name + (f" of {kind}s" if len(kinds) > 1 else ""), name, None, *both)
    for was, label in pairs:
        laws = [_law(before, was), _law(after, label)]
        for name in WORDS:
            if all(name in law for law in laws) and not (is_measured(after, label) and name in PER_TASK):
                yield _parameter(name, name, label, *(law[name] for law in laws))


def _law(fit: Fit, label: str) -> xr.Dataset:
    """Parameters of a task in units that both fits share: its exponent is per decade of compute."""
    law = law_of_task(fit, label)
    return law.assign(exponent=law.exponent / fit.posterior.theta_scale)


def _parameter(name: str, word: str, task: str | None, before: xr.DataArray, after: xr.DataArray) -> dict[str, Any]:
    old, new = (quantiles(draws.values) for draws in (before, after))
    shift = _shift(old, new)["shift_in_half_widths"]
    known = {"parameter": name, "words": WORDS[word][0], "task": task}
    return known | {"before": old, "after": new, "shift_in_half_widths": shift}


def _size(line: Mapping[str, Any]) -> float:
    return abs(float(line["shift_in_half_widths"] or 0.0))


def _changes(before: Fit, after: Fit, rows: pd.DataFrame) -> tuple[Changes, dict[str, str]]:
    """The rows that differ and can be weighed, and the task of the earlier fit by that of the later one."""
    each = {str(label): _label_in(before, after, str(label)) for label in after.data.task.values}
    labels = {label: old for label, old in each.items() if old is not None}
    added = rows.loc[rows["before"] < 0, "after"].to_numpy(dtype=int)
    known = np.isin(after.data.task.values[after.data.task_index.values[added]], list(labels))
    removed = rows.loc[rows["after"] < 0, "before"].to_numpy(dtype=int)
    changed = rows[changed_rows(before, after, rows)]
    return Changes(added[known], removed, dict(zip(changed["before"], changed["after"], strict=True))), labels

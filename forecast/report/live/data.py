"""Data of the live part: curves, points and tables of thresholds of all tasks, small enough to lie in the page."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.figures.axes import fame
from forecast.figures.style import family_colours
from forecast.posterior.compute import differs_by_family
from forecast.posterior.fit import Fit, thinned
from forecast.report.live.dates import Asked, arrival_dates
from forecast.report.live.tables import SHAPE, scores_of
from forecast.report.live.views import view
from forecast.report.sections import TaskForecast
from forecast.scales import scale_of
from forecast.scoring.summary import wilson_interval
from forecast.words import counted, reach_of
from models.dates import DECADES_A_YEAR
from models.equations.metrics import METRICS

CURVE_DRAWS, CURVE_DRAWS_OF_MANY = 2000, 800
FEW_VIEWS = 60
MOST_VIEWS = 240  # what a page of 10 MB and 20 seconds holds; the typical curve of each task in any case
MOST_OF_HEADLINE = 24

Task = tuple[str, str | None]  # and the family of the curve, None for the typical one


def live_data(
    fit: Fit,
    tasks: Sequence[TaskForecast],
    *,
    headline: str,
    family: str | None = None,
    known: Sequence[tuple[str, float]] = (),
    asked: Asked | None = None,
) -> dict[str, Any]:
    """What `live.js` draws: plain values for JSON; arrays are base64 of little-endian numbers.

    Parameters
    ----------
    tasks : as in the report; a task at several thresholds starts at the first
    headline, family : task and curve that are shown first
    known : names and log10 FLOP of runs that readers know; those that fit are named above the curve
    asked : how dates of the headline's thresholds are found; None: they are not
    """
    bare = replace(fit, posterior=fit.posterior.drop_vars(("chain", "draw"), errors="ignore"))
    at: dict[str, list[float]] = {}
    for each in tasks:
        at.setdefault(each.task, []).append(each.at)
    first = {each.task: each for each in reversed(tasks)}
    offered = _offered(fit, list(at), headline, family)
    made = _views(bare, [first[task] for task in at], at, offered)
    if asked is not None:  # of two curves: each takes seconds
        for whose in offered[headline][:2]:
            scores = np.array(made[headline, whose]["scores"])
            made[headline, whose]["dates"] = arrival_dates(bare, headline, scores, whose, asked)
    scale, runs = scale_of(fit.data), _runs([each.observed for each in first.values()])
    curves = list(dict.fromkeys(whose for _, whose in made))
    return {
        **{"dated": scale.dated, "decades_a_year": DECADES_A_YEAR, "axis": scale.axis, "largest": scale.largest},
        "known": [
            [str(name), round(float(x), 4)] for name, x in sorted(known, key=lambda each: (fame(each[0]), -each[1]))
        ],
        "scenario": None if asked is None else asked.scenario.name,
        "curves": [_whose(fit, whose) for whose in curves],
        "families": [[name, colour] for name, colour in _colours(fit, runs).items()],
        "runs": [[run, family, round(x, 5)] for run, family, x in runs.itertuples(index=False)],
        "shape": list(SHAPE),
        "draws": bare.posterior.sizes["chain"] * bare.posterior.sizes["draw"],
        "start": list(at).index(headline),
        "tasks": [
            _task(first[task], runs, {"at": [round(each, 6) for each in at[task]], "views": _own(made, task, curves)})
            for task in at
        ],
    }


def _offered(fit: Fit, tasks: Sequence[str], headline: str, family: str | None) -> dict[str, list[str | None]]:
    """Whose curves are offered of each task: the one of the report, the typical one, then families, largest first."""
    rows = Counter(fit.data.family.values[fit.data.family_index.values[fit.data.run_index.values]].tolist())
    several = len(rows) > 1 and differs_by_family(fit)
    families = [name for name, _ in rows.most_common()] if several else []
    every: list[str | None] = list(dict.fromkeys([family, None, *families])) if several else [family]
    beside = max(0, MOST_VIEWS // len(tasks) - 1)
    return {task: every[: 1 + max(beside, MOST_OF_HEADLINE * (task == headline))] for task in tasks}


def _views(
    fit: Fit, tasks: Sequence[TaskForecast], at: Mapping[str, list[float]], offered: Mapping[str, list[str | None]]
) -> dict[Task, dict[str, Any]]:
    """All views, computed side by side: NumPy lets other threads in."""
    asked = [(each, whose) for each in tasks for whose in offered[each.task]]
    few = thinned(fit, CURVE_DRAWS if len(asked) <= FEW_VIEWS else CURVE_DRAWS_OF_MANY)
    scores = {each.task: scores_of(fit, each.task, at[each.task]) for each in tasks}

    def made(each: TaskForecast, whose: str | None) -> dict[str, Any]:
        return view(fit, few, each.task, whose, scores=scores[each.task], at=each.at, ends=_ends(each))

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        found = threads.map(lambda pair: made(*pair), asked)
        return {(each.task, whose): one for (each, whose), one in zip(asked, found, strict=True)}


def _ends(task: TaskForecast) -> tuple[float, float]:
    """Log10 FLOP of the smallest and the largest place of a run, or of a run with the recipe of the curve."""
    moved = task.observed["moved_to"].dropna() if "moved_to" in task.observed else ()
    places = [*task.threshold["data_log10_compute"], *task.observed["log10_compute"], *moved]
    return float(min(places)), float(max(places))


def _own(made: Mapping[Task, dict[str, Any]], task: str, curves: Sequence[str | None]) -> list[dict[str, Any]]:
    return [{"curve": curves.index(whose), **found} for (of, whose), found in made.items() if of == task]


def _whose(fit: Fit, family: str | None) -> str:
    if family is not None:
        return family
    families = fit.data.sizes["family"]
    return f"typical of {counted(families, 'family', 'families')}" if families > 1 else ""


def _runs(observed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    every = pd.concat([pd.DataFrame(columns=["model", "family", "log10_compute"]), *observed])
    names = every[["model", "log10_compute"]].assign(family=every.get("family", "").fillna(""))
    return names[["model", "family", "log10_compute"]].drop_duplicates("model", ignore_index=True)


def _colours(fit: Fit, runs: pd.DataFrame) -> dict[str, str]:
    """Colours of families, as in the figures; none where all runs are of one."""
    return family_colours(runs["family"]) if runs["family"].nunique() > 1 else {}


def _task(task: TaskForecast, runs: pd.DataFrame, own: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a task, whosever curve is chosen."""
    seen, reach = task.threshold["data_log10_compute"], reach_of(task.threshold["data_log10_compute"])
    return {
        "name": task.task,
        "metric": task.metric,
        "rate": METRICS[task.metric].is_rate,
        "time": METRICS[task.metric].reciprocal,
        "reach": [reach.low, reach.high],
        "data": [round(float(end), 6) for end in seen],
        "points": _points(task.observed, runs),
        **own,
    }


def _points(observed: pd.DataFrame, runs: pd.DataFrame) -> list[list[Any]]:
    """Number of the run, score, ends of its Wilson interval, held out (0 or 1), and place with the typical family."""
    place = {name: number for number, name in enumerate(runs["model"])}
    score, trials = (observed[name].to_numpy(dtype=float) for name in ("score", "trials"))
    known = trials > 0
    low, high = wilson_interval(score, np.where(known, trials, np.nan))
    low, high = np.where(known, low, score), np.where(known, high, score)
    moved = observed.get("moved_to", pd.Series(np.nan, index=observed.index)).to_numpy(dtype=float)
    return [
        [
            place[model],
            *(round(float(x), 5) for x in numbers),
            int(hidden),
            round(float(to), 4) if np.isfinite(to) else None,
        ]
        for model, *numbers, hidden, to in zip(
            observed["model"], score, low, high, observed["held_out"], moved, strict=True
        )
    ]

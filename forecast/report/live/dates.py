"""Dates of the live part: when each score of a task is reached, under one scenario."""

from dataclasses import dataclass, replace

import numpy as np

from forecast.draws import order_statistics
from forecast.posterior.fit import Fit
from forecast.questions.when.arrival import Outlook, arrival, lags, paths_of
from forecast.questions.when.frontier import Frontier
from forecast.questions.when.needed import needed_path
from forecast.questions.when.scenarios import Scenario, progress_of
from models.dates import iso_date


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How dates are found, as by `forecast.questions.when.answer.when`."""

    frontier: Frontier
    scenario: Scenario
    seed: int
    as_of: float | None = None  # decimal year; None: the last date of the frontier's runs
    trained: bool = False


def arrival_dates(fit: Fit, task: str, scores: np.ndarray, family: str | None, asked: Asked) -> list[list[str]]:
    """The 5%, 50% and 95% of the date at which a typical run reaches each score, as ISO dates, 'inf' and the like."""
    as_of = asked.frontier.known_to if asked.as_of is None else asked.as_of
    outlook = Outlook(
        fit=fit,
        family=family,
        needed={"typical": needed_path(fit, task, float(scores[0]), family=family)},
        frontier=asked.frontier,
        as_of=as_of,
        seed=asked.seed,
        trained=asked.trained,
    )
    largest = paths_of(outlook, asked.scenario)
    progress = progress_of(fit, asked.scenario, task=task, family=family, as_of=as_of, seed=asked.seed)
    lag = lags(len(progress.decades), seed=asked.seed) if asked.trained else 0.0
    found = []
    for score in scores:
        needed = {"typical": needed_path(fit, task, float(score), family=family)}
        dates = arrival(replace(outlook, needed=needed), "typical", largest, progress).values.ravel() + lag
        found.append([iso_date(float(year)) for year in order_statistics(dates).values()])
    return found

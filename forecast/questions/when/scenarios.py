"""Assumptions about future growth and algorithmic progress, which is counted once, from the recipes that were
fitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, StrictBool
from pydantic.dataclasses import dataclass as checked_dataclass

from forecast.posterior.fit import Fit
from forecast.posterior.recipes.ahead import pace_knots, progress_of_task
from forecast.table.dataset import index_of
from forecast.words import percent
from models.dates import iso_date, reference_year, years_of_runs
from models.equations.compute import bent_compute
from models.priors import TimePriors

Rate = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]  # decades of compute a year
Years = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


@checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Scenario:
    """What is supposed of the time to come; a `ValueError` says what cannot be."""

    name: Annotated[str, Field(strict=True, pattern=r"\S")]
    growth: Rate | None = None  # None: as fitted to the largest runs
    progress: Rate | None = None  # 0: recipes stay; None: as the fit has it, else a prior
    slowdown: StrictBool | Years = False  # in which growth halves; True: a prior; False: never


SCENARIOS = (
    Scenario(name="compute only", progress=0.0),
    Scenario(name="with algorithmic progress"),
    Scenario(name="with slowdown", slowdown=True),
)


def with_equal_dates(answers: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Answers of scenarios (of `forecast.questions.when.answer.when`), together those whose rows would read alike."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        groups.setdefault(repr([_row(event) for event in answer["events"].values()]), []).append(answer)
    return list(groups.values())


def _row(event: Mapping[str, Any]) -> list[Any]:
    chances = [event["p_already"], *(each["p"] for each in event["p_by"]), event["p_never"]]
    return [*(event["date"][name] for name in ("q05", "q50", "q95")), *map(percent, chances)]


def told(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """What scenarios of the same dates suppose of the progress of recipes: once if they agree, else one by one."""
    sources = {each["name"]: each["progress"]["source"] for each in group}
    alike = len(set(sources.values())) == 1
    return [*{f"progress: {source}" if alike else f"progress, {name}: {source}": 0 for name, source in sources.items()}]


PRIORS = TimePriors()


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast progress is at any time, in units of its rate at the reference date, as `models.progress` has it."""

    speed: np.ndarray  # (draw, piece)
    knots: np.ndarray  # (knot,) decimal years at which it changes

    def between(self, since: float, until: np.ndarray) -> np.ndarray:
        """Years from one date to another, each counted at its pace: (draw,) as `until`."""
        return bent_compute(until, slopes=self.speed, knots=self.knots, theta_ref=since)

    def at(self, year: float) -> np.ndarray:
        """The pace (draw) of a date."""
        return self.speed[:, np.searchsorted(self.knots, year, side="right")]


def pace_of(fit: Fit) -> Pace | None:
    """The pace of a fit whose progress wanders."""
    if "progress_speed" not in fit.posterior:
        return None
    speed = fit.posterior.progress_speed.transpose("chain", "draw", ...).values
    return Pace(speed=speed.reshape(-1, speed.shape[-1]), knots=pace_knots(fit))


@dataclass(frozen=True, kw_only=True)
class Progress:
    """By how much recipes improve: one history for all scenarios, which part at the date of the forecast."""

    decades: np.ndarray  # (draw,) a year, until `as_of` and, unless `later` is given, after it too; at the pace of 1
    since: float  # decimal year of the recipes that were fitted; `as_of` where their date is not known
    as_of: float  # decimal year at which scenarios part
    in_fit: bool  # True: `decades` are on the path of the fit, which estimated them; False: decades of compute
    later: np.ndarray | float | None  # decades (draw) of compute a year after `as_of`; None: they improve as before
    source: str
    pace: Pace | None = None  # None: always 1

    def on_path(self, year: np.ndarray) -> np.ndarray:
        """Decades by which recipes of a date are ahead of those that were fitted; before these, they are behind."""
        until = year if self.later is None else np.minimum(year, self.as_of)
        return self.decades * (until - self.since if self.pace is None else self.pace.between(self.since, until))

    def as_compute(self, year: np.ndarray) -> np.ndarray:
        """Decades of compute a year, since `as_of`, that a scenario adds."""
        return (0.0 if self.later is None else self.later) * np.maximum(year - self.as_of, 0.0)

    @property
    def a_year(self) -> np.ndarray:
        """Decades (draw) a year after `as_of`."""
        if self.later is not None:
            return np.broadcast_to(self.later, self.decades.shape)
        return self.decades if self.pace is None else self.decades * self.pace.at(self.as_of)


def progress_of(
    fit: Fit, scenario: Scenario, *, task: str | None = None, family: str | None, as_of: float, seed: int
) -> Progress:
    """The progress of a scenario, on a task or a typical one.

    Until `as_of` it is the fit's own, else a prior; after it what the scenario says. Where the
    recipes of the table have no date, nothing is known of their past: they count as those of `as_of`.
    """
    since = family_year(fit, family)
    count = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    in_fit, dated = "progress" in fit.posterior, isfinite(since)
    if in_fit:
        decades = progress_of_task(fit, task).transpose("chain", "draw").values.ravel()
        before = "the fit's own estimate"
    else:
        rng = np.random.default_rng([seed, 3])
        decades = rng.lognormal(log(PRIORS.progress_median), PRIORS.progress_log_sd, count)
        before = f"a prior, median {10**PRIORS.progress_median:.0f}x a year, since the fit has none"
    later: np.ndarray | float | None = scenario.progress
    source = _source(scenario.progress, before, iso_date(as_of), dated=dated)
    if not dated:  # no past, so that all progress is that of the time to come
        decades, since, later = np.zeros(count), as_of, decades if later is None else later
    pace = pace_of(fit) if in_fit and dated else None
    return Progress(decades=decades, since=since, as_of=as_of, in_fit=in_fit, later=later, source=source, pace=pace)


def _source(later: float | None, before: str, as_of: str, *, dated: bool) -> str:
    """Where the progress of a scenario comes from, in words."""
    past = f"until then {before}" if dated else "the table has no dates, so none is counted before"
    if later is None:
        return before if dated else f"{before}, from {as_of} on; {past}"
    rate = "algorithms stay as they are on" if later == 0 else f"{later:g} decades a year from"
    return f"{rate} {as_of}{'' if later == 0 else ' on'}; {past}"


def family_year(fit: Fit, family: str | None) -> float:
    """The date of the recipe that thresholds are of: the latest of the family, or of all; `-inf` where none is known.

    The counterpart of `forecast.posterior.recipes.ahead.family_shift` without a year.
    """
    known = years_of_runs(fit.data)
    if family is not None:
        known = known[fit.data.family_index.values == index_of(fit.data, "family", family)]
    latest = float(np.nanmax(known, initial=-inf))
    return latest if isfinite(latest) or "progress" not in fit.posterior else reference_year(fit.data)

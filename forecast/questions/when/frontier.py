"""Frontier: growth of the largest training runs, fitted to the records and carried into the future."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr

from forecast.draws import Diagnostics, Sampling
from forecast.errors import ForecastError
from forecast.fitting.sampler import sampled
from forecast.stages import SILENT, Stages
from models.dates import LAST_YEAR, iso_date, years
from models.frontier import PIECE, frontier_model, largest_between
from models.priors import FrontierPriors

SINCE = 2012.0  # runs before deep learning grew twentyfold slower (Sevilla et al. 2022)
FEWEST_RECORDS = 4
SAMPLING = Sampling(draws=1000, tune=1000, target_accept=0.97)
WALK_YEARS = 30  # of the future over which the rate of growth still changes
MONTHS_YEARS = 40  # of the future looked at month by month; beyond, in ever longer steps to the year 9999


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Growth of the largest run: a posterior with the records it is of."""

    posterior: xr.Dataset  # chain, draw, and the dims of `models.frontier.frontier_model`
    records: pd.DataFrame  # model, date, compute; each larger than all before it
    known_to: float  # decimal year of the last run of the table; nothing larger was published by then
    ends: float  # the same of the whole table, also where `as_of` leaves later runs out
    table: str  # "built-in" or the name of the user's
    diagnostics: Diagnostics


@dataclass(frozen=True, kw_only=True)
class Paths:
    """The largest run so far over time, one path a draw."""

    years: np.ndarray  # (time,) decimal years, from the first record on
    log10_compute: np.ndarray  # (draw, time), never falling


def records_of(runs: pd.DataFrame, *, as_of: float | None = None) -> tuple[pd.DataFrame, float]:
    """The runs since 2012 that were larger than all before them, and the year up to which that is known.

    That is the date of the last run of any size, or `as_of` where that is earlier: what follows is not looked at.
    """
    year = years(runs["date"].to_numpy())
    known_to = float(min(year.max(initial=-np.inf), np.inf if as_of is None else as_of))
    seen = runs[year <= known_to]
    best = seen["compute"].cummax()
    records = seen[(seen["compute"] > best.shift(fill_value=0.0)) & (years(seen["date"].to_numpy()) >= SINCE)]
    records = records.groupby("date", sort=True).tail(1).reset_index(drop=True)  # of one day the largest
    if len(records) < FEWEST_RECORDS:
        until = "" if as_of is None else f" by {iso_date(as_of)}"
        raise ForecastError(
            f"{len(records)} record training runs since {SINCE:.0f}{until}, at least {FEWEST_RECORDS} are needed "
            "to see growth; add earlier runs or choose a later --as-of"
        )
    return records, known_to


def fit_frontier(
    runs: pd.DataFrame,
    *,
    table: str = "built-in",
    as_of: float | None = None,
    seed: int = 1,
    priors: FrontierPriors = FrontierPriors(),
    stages: Stages = SILENT,
) -> Frontier:
    """Growth of the largest run, from the runs published up to a date."""
    records, known_to = records_of(runs, as_of=as_of)
    model = frontier_model(years(records["date"].to_numpy()), np.log10(records["compute"].to_numpy()), known_to, priors)
    found = sampled(model, replace(SAMPLING, seed=seed), stages=stages)
    known = {"records": records, "known_to": known_to, "ends": float(years(runs["date"].max())), "table": table}
    return Frontier(posterior=found.posterior, diagnostics=found.diagnostics, **known)


STALE_AFTER = 1.0  # years: by then the largest run has grown about fourfold
NEWER = 'give a newer one, such as Epoch AI\'s CSV, with --runs RUNS.csv or, in study.toml, runs = "RUNS.csv"'


def stale_since(ends: float, *, as_of: float) -> str | None:
    """The date from which a table that ends there is stale, a year on; None where it is not stale at `as_of`, or today.

    Of the past (`as_of` before the end of the table) nothing is missing. Today's date moves this and `ends_early` only.
    """
    since = ends + STALE_AFTER
    return iso_date(since) if _looked_at(ends, as_of) >= np.datetime64(iso_date(since)) else None


def ends_early(ends: float, *, as_of: float, table: str = "built-in") -> str | None:
    """A sentence where the last month and more of largest runs is missing, before a date or before today."""
    until, last = _looked_at(ends, as_of), np.datetime64(iso_date(ends))
    if until - last <= np.timedelta64(31, "D"):
        return None
    since = stale_since(ends, as_of=as_of)
    stale = f" and is stale since {since}" if since else ""
    return (
        f"The table of largest runs ({table}) ends on {last}{stale}; from there to {until} the largest run follows "
        f"its trend; {NEWER}."
    )


def _looked_at(ends: float, as_of: float) -> np.datetime64:
    """The date up to which runs should be known: that of the forecast; where it is the end of the table, today."""
    return today() if iso_date(as_of) == iso_date(ends) else np.datetime64(iso_date(as_of))


def today() -> np.datetime64:
    """The date of today."""
    return np.datetime64("today")


def paths(
    frontier: Frontier,
    *,
    draws: int,
    seed: int,
    growth: float | None = None,
    halving: np.ndarray | float = np.inf,
    slowing_from: float | None = None,
) -> Paths:
    """The largest run so far over time: the known records, then what the posterior expects.

    Parameters
    ----------
    draws : number of paths; each has the parameters of one posterior draw, used alike often
    growth : decades a year from the last known run on; None: as fitted, its log going on as a random walk
    halving : years (or (draw,) years) in which the growth halves, from `slowing_from` on; `inf`: never

    Same seed, same random numbers: paths of a faster growth are nowhere lower.
    """
    rng = np.random.default_rng([seed, 1])
    law = frontier.posterior.stack(sample=("chain", "draw"))
    chosen = rng.permutation(np.resize(np.arange(law.sizes["sample"]), draws))
    now, jump, walk_sd = (law[name].values[chosen] for name in ("trend", "jump", "walk_sd"))
    steps = np.cumsum(rng.standard_normal((draws, round(WALK_YEARS / PIECE))), axis=1)
    ahead = future_years(frontier.known_to)
    piece = np.clip((0.5 * (ahead[1:] + ahead[:-1]) - frontier.known_to) / PIECE, 0, steps.shape[1] - 1).astype(int)
    rate = law["growth"].values[-1][chosen, None] * np.exp(walk_sd[:, None] * PIECE**0.5 * steps[:, piece])
    rate = rate if growth is None else np.full_like(rate, growth)
    spent = slowed_time(ahead, frontier.known_to if slowing_from is None else slowing_from, halving)
    trend = now[:, None] + np.concatenate([np.zeros((draws, 1)), np.cumsum(rate * np.diff(spent, axis=-1), axis=1)], 1)
    gumbel = rng.gumbel(size=(draws, len(ahead) - 1))
    new = largest_between(trend[:, :-1], trend[:, 1:], gumbel, jump=jump[:, None])
    largest = np.log10(frontier.records["compute"].to_numpy())
    new = np.maximum.accumulate(np.concatenate([np.full((draws, 1), largest[-1]), new], axis=1), axis=1)
    past = past_years(frontier)
    known = largest[np.searchsorted(years(frontier.records["date"].to_numpy()), past, side="right") - 1]
    log10_compute = np.concatenate([np.broadcast_to(known, (draws, len(past))), new], axis=1)
    return Paths(years=np.concatenate([past, ahead]), log10_compute=log10_compute)


def largest_at(frontier: Frontier, year: float, *, seed: int, draws: int = 4000) -> np.ndarray:
    """Log10 FLOP of the largest run by a date (draw): the known record, or after it what its trend brings."""
    found = paths(frontier, draws=draws, seed=seed)
    return found.log10_compute[:, np.searchsorted(found.years, year, side="right") - 1]


def future_years(known_to: float) -> np.ndarray:
    """Dates at which the future is looked at: months for forty years, then ever longer steps to the year 9999."""
    near = known_to + np.arange(12 * MONTHS_YEARS + 1) / 12
    return np.concatenate([near, known_to + np.geomspace(MONTHS_YEARS, LAST_YEAR + 1 - known_to, 60)[1:]])


def past_years(frontier: Frontier) -> np.ndarray:
    """Dates at which the past is looked at: those of the records, and every month from the first on."""
    dates = years(frontier.records["date"].to_numpy())
    both = np.union1d(dates, dates[0] + np.arange(np.ceil(12 * (frontier.known_to - dates[0]))) / 12)
    return both[both < frontier.known_to]


def slowed_time(at: np.ndarray, start: float, halving: np.ndarray | float) -> np.ndarray:
    """Years of undiminished growth worth the time to each date (draw or 1, time): ``h / ln 2 (1 - 2^(-t / h))``."""
    h = np.atleast_1d(np.asarray(halving, dtype=float))[:, None] / np.log(2.0)
    after = np.maximum(at - start, 0.0)
    with np.errstate(invalid="ignore"):  # an infinite halving time is the other branch
        slowed = np.where(np.isinf(h), after, -h * np.expm1(-after / h))
    return np.minimum(at - start, 0.0) + slowed

"""Growth of the largest training run over time: a trend whose rate drifts, and the records set around it.

What is known is the running maximum, so that is what is modelled, by the extremes of a Poisson process (Resnick 1987,
Extreme Values, Regular Variation and Point Processes, chapter 4). While the trend m (log10 FLOP) climbs one decade,
runs above y appear at the rate ``exp(-(y - m) / b)``. Then

- the largest run so far lies around the trend as a Gumbel variable: ``P(M < y) = exp(-b exp(-(y - m) / b))``,
- a record beats the one before by an exponential amount of mean b,
- after a run far ahead of its time records are rare until the trend has caught up,
- a trend that stands still sets no more records.

Units: decades (log10 FLOP) and decimal years.
"""

import numpy as np
import pymc as pm
from pytensor import tensor as pt

from models.priors import FrontierPriors

PIECE = 1.0  # years over which the rate of growth is constant


def log_first_record(y, trend, *, jump):
    """Log density of the largest run so far, y, where the trend has come to `trend`: ``e^-z exp(-b e^-z)``."""
    z = (y - trend) / jump
    return -z - jump * np.exp(-z)


def log_next_record(y, trend, *, jump):
    """Log density, per decade of the trend, of a run of size y at `trend`: ``e^-z / b`` with ``z = (y - m) / b``."""
    return -(y - trend) / jump - np.log(jump)


def expected_above(y, start, end, *, jump):
    """Expected number of runs above y while the trend climbs from m0 to m1: ``b (e^((m1-y)/b) - e^((m0-y)/b))``.

    The probability that there is none, and that y stays the record, is ``exp(-expected_above)``.
    """
    return jump * (np.exp((end - y) / jump) - np.exp((start - y) / jump))


def largest_between(start, end, gumbel, *, jump):
    """Largest run set while the trend climbs from `start` to `end`, from a standard Gumbel variable.

    ``m1 + b (log(b (1 - e^-((m1 - m0) / b))) + G)``; ``-inf`` where the trend stands still.
    """
    with np.errstate(divide="ignore"):
        return end + jump * (np.log(jump) + np.log(-np.expm1(-(end - start) / jump)) + gumbel)


def time_in_pieces(years, edges, origin):
    """Years from `origin` to each date spent in each piece between edges (date, piece); negative before the origin."""
    spent = np.clip(np.asarray(years, dtype=float)[:, None] - edges[:-1], 0.0, np.diff(edges))
    return spent - np.clip(origin - edges[:-1], 0.0, np.diff(edges))


def piece_edges(start, until):
    """Dates at which the rate may change: every year back from `until`, to `start` or before."""
    pieces = max(int(np.ceil((until - start) / PIECE - 1e-9)), 1)
    return until - PIECE * np.arange(pieces, -1, -1)


def frontier_model(years, log10_compute, until, priors: FrontierPriors = FrontierPriors()) -> pm.Model:
    """Model of the records set until a date: a `pm.Model` ready for `fit`.

    ``d log(growth) = walk_sd dW``, constant within a year; the trend climbs by `growth` decades a year.

    Parameters
    ----------
    years : (record,) decimal years, ascending
    log10_compute : (record,) log10 FLOP of each record, ascending
    until : decimal year up to which no larger run than the last is known

    Named variables: growth (piece; the last is that of today), trend (of `until`), jump, walk_sd.
    """
    years, log10_compute = np.asarray(years, dtype=float), np.asarray(log10_compute, dtype=float)
    edges, middle = piece_edges(years[0], until), 0.5 * (years[0] + until)
    line = np.polynomial.Polynomial.fit(years, log10_compute, 1)
    with pm.Model(coords={"piece": edges[:-1], "record": years}) as model:
        y = pm.Data("log10_compute", log10_compute, dims="record")
        spent = pm.Data("time_in_pieces", time_in_pieces([*years, until], edges, middle))
        walk_sd = pm.LogNormal("walk_sd", np.log(priors.walk_sd_median), priors.walk_sd_log_sd)
        jump = pm.LogNormal("jump", np.log(priors.jump_median), priors.jump_log_sd)
        log_growth = pm.Normal("log_growth", np.log(priors.growth_median), priors.growth_log_sd)
        if len(edges) > 2:
            steps = pm.Normal("step", shape=len(edges) - 2)
            walk = pt.concatenate([[0.0], pt.cumsum(steps)]) * walk_sd * PIECE**0.5
            log_growth = log_growth + walk - walk.mean()
        growth = pm.Deterministic("growth", pt.exp(log_growth * pt.ones(len(edges) - 1)), dims="piece")
        trend = pm.Normal("level", float(line(middle)), priors.level_sd) + pt.dot(spent, growth)
        pm.Deterministic("trend", trend[-1])
        piece = np.clip(np.searchsorted(edges, years, side="left") - 1, 0, len(edges) - 2)
        pm.Potential("first", log_first_record(y[0], trend[0], jump=jump))
        later = log_next_record(y[1:], trend[1:-1], jump=jump) + np.log(growth[piece[1:]])
        pm.Potential("later", (later.sum() if len(years) > 1 else 0.0))
        pm.Potential("none_between", -expected_above(y, trend[:-1], trend[1:], jump=jump).sum())
    return model

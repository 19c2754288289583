"""Comparison of two explanations of a jump: a smooth law under the metric, or a break in the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit, logsumexp

from forecast.draws import order_statistics
from forecast.posterior.fit import Fit, evenly_thinned
from forecast.posterior.predict import draw_counts, row_means
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import is_measured
from forecast.questions.emergence.floors import with_floors
from forecast.questions.emergence.likelihood import (
    GRID,
    corrected_compute,
    draws_of_law,
    log_likelihood,
    mean_at_loss,
    rows_of,
)
from models.breaks import Hypotheses, LeftOut, bent_axis, hypotheses, left_out
from models.equations.metrics import success_from_score

DRAWS_A_CHAIN = 4  # of what the scores share (frailty, floors, ceilings, recipes)
FEWEST_RUNS = 3  # on either side of a break
MOST_POSITIONS = 6
FOOT, MIDDLE = 0.001, 0.5  # shares of the rise between which a break would make the jump
SURE = 0.95
SAMPLES = 400  # of each left-out score
OUTLYING = 0.01  # chance of so few scores inside their 90% intervals from which the metric does not follow the law


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Smooth laws against laws with a break at the jump; what is as likely beforehand."""

    tasks: tuple[str, ...]  # whose scores say where the loss is
    log10_compute: np.ndarray  # (run,) corrected for recipe, of the runs compared
    log_bayes_factor: float  # of a break against none, nats
    log_bayes_factor_without_floors: float  # where no item is easy and no token guessed
    positions: np.ndarray  # (position,) log10 FLOP where a break was sought
    p_position: np.ndarray  # (position,) posterior of the break's place, if there is one
    steepening: float  # posterior mean, in logs, of how many times faster the loss falls behind it
    inside: tuple[int, int] | None  # sharp scores inside the smooth laws' 90% intervals, and all of them

    @property
    def p_break(self) -> float:
        """Probability of a break, which is one half beforehand."""
        return float(expit(self.log_bayes_factor))

    @property
    def broken(self) -> bool:
        """Whether a break is all but certain."""
        return self.p_break > SURE

    @property
    def smooth(self) -> bool:
        """Whether no break is all but certain."""
        return self.p_break < 1.0 - SURE

    @property
    def floors_decide(self) -> bool:
        """Whether a break was all but certain if no item were easy and no token guessed."""
        return not self.broken and expit(self.log_bayes_factor_without_floors) > SURE

    @property
    def follows(self) -> bool:
        """Whether the sharp scores lie in the smooth laws' intervals as often as these promise."""
        return self.inside is None or bool(stats.binom.cdf(*self.inside, 0.9) > OUTLYING)


def compare(
    fit: Fit, sharp: str, tasks: Sequence[str], *, seed: int, companion: Sequence[str] = ()
) -> Comparison | None:
    """Smooth law against break, from the rows of `tasks`, at the jump of the task `sharp`; None where none can be told.

    With `companion` the axis is not compute but minus the log loss that the rows of these tasks give each run,
    stretched to the range of compute.
    """
    fit = evenly_thinned(fit, DRAWS_A_CHAIN)
    runs = np.unique(fit.data.run_index.values[rows_of(fit, tasks)])
    if companion:
        runs = np.intersect1d(runs, fit.data.run_index.values[rows_of(fit, companion)])
    every = with_floors(fit, tasks)
    x = corrected_compute(every, sharp if sharp in tasks else tasks[0], runs)
    if companion:
        likelihood = np.exp(log_likelihood(every, companion, runs))
        x = _stretched(-(likelihood @ GRID) / likelihood.sum(axis=-1), like=x)
    order = np.argsort(x.mean(axis=0), kind="stable")
    runs, x = runs[order], x[:, order]
    positions = break_positions(x.mean(axis=0), share_of_rise(fit, sharp, runs))
    if not len(positions):
        return None
    of = hypotheses(positions)
    axis = np.stack([bent_axis(own, of) for own in x])
    found = left_out(log_likelihood(every, tasks, runs), GRID, axis, of.scatter)
    inside = _inside(every, sharp, runs, found, of, seed) if sharp in tasks and not is_measured(fit, sharp) else None
    log = found.log_evidence + of.log_prior
    weight = np.exp(log[:, of.broken] - logsumexp(log[:, of.broken])).sum(axis=0)
    return Comparison(
        tasks=tuple(tasks),
        log10_compute=x.mean(axis=0),
        log_bayes_factor=_log_odds(log, of),
        log_bayes_factor_without_floors=_log_odds(log[: fit.posterior.sigma_run.size], of),
        positions=positions,
        p_position=np.array([weight[of.position[of.broken] == place].sum() for place in positions]),
        steepening=float(np.exp(weight @ np.log(of.steepening[of.broken]))),
        inside=inside,
    )


def _stretched(x: np.ndarray, *, like: np.ndarray) -> np.ndarray:
    """An axis (draw, run) with the centre and the range of another: on it a bend and a fall mean the same."""
    centre, range_ = (part(like, axis=1, keepdims=True) for part in (np.mean, np.ptp))
    return centre + (x - x.mean(axis=1, keepdims=True)) * range_ / np.ptp(x, axis=1, keepdims=True)


def _log_odds(log: np.ndarray, of: Hypotheses) -> float:
    return float(logsumexp(log[:, of.broken]) - logsumexp(log[:, ~of.broken]))


def share_of_rise(fit: Fit, task: str, runs: np.ndarray) -> np.ndarray:
    """How far the curve of a task has risen from floor to ceiling at each run (position): posterior median, (run,)."""
    law, means, rows = law_of_task(fit, task), row_means(fit), rows_of(fit, [task])
    risen = success_from_score(means[rows], floor=law.floor.values.ravel(), ceiling=law.ceiling.values.ravel())
    found = np.full(len(runs), np.nan)
    for row, share in zip(rows, np.median(risen, axis=1), strict=True):
        found[runs == fit.data.run_index.values[row]] = share
    return found


def break_positions(x: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Places, half-way between runs in order, where a break would make the jump: at its foot or on its lower half.

    Three runs or more, at different compute, lie on either side. `x` and `share` (NaN: not scored) are (run,).
    """
    if np.isnan(share).all():
        return np.empty(0)
    known = np.interp(x, x[~np.isnan(share)], np.maximum.accumulate(share[~np.isnan(share)]))
    rungs = np.unique(x)
    middle = 0.5 * (rungs[1:] + rungs[:-1])[FEWEST_RUNS - 1 : len(rungs) - FEWEST_RUNS]
    below, above = (known[np.searchsorted(x, middle) - side] for side in (1, 0))
    found = middle[(above >= FOOT) & (below <= MIDDLE)]
    return found[np.unique(np.linspace(0, len(found) - 1, MOST_POSITIONS).round().astype(int))] if len(found) else found


def _inside(fit, sharp, runs, found: LeftOut, of: Hypotheses, seed) -> tuple[int, int]:
    """How many scores of the sharp metric lie in the 90% intervals of the smooth laws, their runs left out."""
    rng, data = np.random.default_rng(seed), fit.data
    law_of, smooth = draws_of_law(fit, sharp), np.flatnonzero(~of.broken)
    concentration = law_of.concentration.values
    scored = [row for row in rows_of(fit, [sharp]) if data.run_index.values[row] in runs]
    inside = 0
    for row in scored:
        run = int(np.flatnonzero(runs == data.run_index.values[row])[0])
        log = (found.log_evidence + of.log_prior - found.log_score[..., run])[:, smooth]
        chosen = rng.choice(log.size, SAMPLES, p=np.exp(log - logsumexp(log)).ravel())
        draw, law = np.unravel_index(chosen, log.shape)
        log10_loss = rng.normal(found.mean[draw, smooth[law], run], found.sd[draw, smooth[law], run])
        mean = _at_draws(fit, sharp, law_of, log10_loss, draw, row)
        counts, number = draw_counts(fit, sharp, mean, concentration[draw], float(data.trials.values[row]), rng)
        ends = order_statistics(counts / number)
        inside += bool(ends["q05"] <= data.score.values[row] <= ends["q95"])
    return inside, len(scored)


def _at_draws(fit, task, law, log10_loss, draw, row):
    run, log10_loss = int(fit.data.run_index.values[row]), np.broadcast_to(log10_loss, (1, len(draw)))
    every = mean_at_loss(fit, task, law, log10_loss, run, int(row))  # (draw, sample)
    return every[draw, np.arange(len(draw))]

"""Comparison of two explanations of a jump: a smooth law under the metric, or a break in the loss."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from forecast.draws import order_statistics
from forecast.posterior.fit import Fit, evenly_thinned
from forecast.posterior.predict import draw_counts, row_means
from forecast.posterior.score import law_of_task
from forecast.posterior.tasks import is_measured
from forecast.questions.emergence.likelihood import GRID, corrected_compute, log_likelihood, mean_at_loss, rows_of
from models.breaks import Hypotheses, LeftOut, bent_axis, hypotheses, left_out, log_scores
from models.equations.metrics import success_from_score

EXPLAINED, BREAK, UNDECIDED = "explained by the metric", "a break in the loss", "not decidable with these data"
DRAWS_A_CHAIN = 6  # of what the scores share (frailty, floors, ceilings, recipes)
FEWEST_RUNS = 3  # on either side of a break
MOST_POSITIONS = 6
FOOT, MIDDLE = 0.001, 0.5  # shares of the rise between which a break would make the jump
LEAST_DIFFERENCE = 4.0  # nats: below it the error of a difference is itself not known (Sivula et al. 2020)
ERRORS = 2.0
SAMPLES = 400  # of each left-out score
OUTLYING = 0.01  # chance of so few scores inside their 90% intervals from which the metric does not follow the law


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Leave-one-run-out log scores of the smooth law and of the law with a break at the jump."""

    tasks: tuple[str, ...]  # whose scores say where the loss is
    log10_compute: np.ndarray  # (run,) corrected for recipe, of the runs compared
    positions: np.ndarray  # (position,) log10 FLOP where a break was sought
    smooth: np.ndarray  # (run,) nats
    broken: np.ndarray  # (run,) nats
    p_position: np.ndarray  # (position,) posterior of the break's place, if there is one
    steepening: float  # posterior mean, in logs, of how many times faster the loss falls behind it
    inside: tuple[int, int] | None  # sharp scores inside the smooth law's 90% intervals, and all of them

    @property
    def difference(self) -> float:
        """Log score of the law with a break less that of the smooth one, summed over runs."""
        return float((self.broken - self.smooth).sum())

    @property
    def error(self) -> float:
        """Standard error of the difference over runs, paired."""
        return float((self.broken - self.smooth).std(ddof=1) * np.sqrt(len(self.smooth)))

    @property
    def decided(self) -> int:
        """1: the break forecasts better, -1: the smooth law does, 0: they cannot be told apart."""
        clear = abs(self.difference) >= max(LEAST_DIFFERENCE, ERRORS * self.error)
        return int(np.sign(self.difference)) if clear else 0

    @property
    def follows(self) -> bool:
        """Whether the sharp scores lie in the smooth law's intervals as often as these promise."""
        return self.inside is None or bool(stats.binom.cdf(*self.inside, 0.9) > OUTLYING)


def compare(
    fit: Fit, sharp: str, tasks: Sequence[str], *, seed: int, companion: Sequence[str] = ()
) -> Comparison | None:
    """Smooth law against break, from the rows of `tasks`, at the jump of the task `sharp`; None where none can be told.

    With `companion` the axis is not compute but minus the log loss that the rows of these tasks give each run.
    """
    fit = evenly_thinned(fit, DRAWS_A_CHAIN)
    runs = np.unique(fit.data.run_index.values[rows_of(fit, tasks)])
    if companion:
        runs = np.intersect1d(runs, fit.data.run_index.values[rows_of(fit, companion)])
    x = corrected_compute(fit, sharp if sharp in tasks else tasks[0], runs)
    if companion:
        likelihood = np.exp(log_likelihood(fit, companion, runs))
        x = -(likelihood @ GRID) / likelihood.sum(axis=-1)
    order = np.argsort(x.mean(axis=0), kind="stable")
    runs, x = runs[order], x[:, order]
    positions = break_positions(x.mean(axis=0), share_of_rise(fit, sharp, runs))
    if not len(positions):
        return None
    of = hypotheses(positions)
    seen = log_likelihood(fit, tasks, runs)
    each = []
    for own, log in zip(x, seen, strict=True):
        axis = bent_axis(own, position=of.position, steepening=of.steepening)
        each.append(left_out(log, GRID, axis, of.scatter))
    together = LeftOut(**{name: np.stack([getattr(one, name) for one in each]) for name in vars(each[0])})
    return _comparison(fit, sharp, tuple(tasks), runs, x.mean(axis=0), of, together, seed)


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


def _comparison(
    fit: Fit,
    sharp: str,
    tasks: tuple[str, ...],
    runs: np.ndarray,
    x: np.ndarray,
    of: Hypotheses,
    found: LeftOut,
    seed: int,
) -> Comparison:
    straight = of.straight
    parts = [(found.log_score[:, own], found.log_evidence[:, own]) for own in (straight, ~straight)]
    smooth, broken = (log_scores(*part) for part in parts)
    weight = np.exp(found.log_evidence[:, ~straight] - logsumexp(found.log_evidence[:, ~straight])).sum(axis=0)
    position, steepening = of.position[~straight], of.steepening[~straight]
    places = np.unique(position)
    inside = (
        _inside(fit, sharp, runs, found, straight, seed) if sharp in tasks and not is_measured(fit, sharp) else None
    )
    return Comparison(
        tasks=tasks,
        log10_compute=x,
        positions=places,
        smooth=smooth,
        broken=broken,
        p_position=np.array([weight[position == place].sum() for place in places]),
        steepening=float(np.exp(weight @ np.log(steepening))),
        inside=inside,
    )


def _inside(fit, sharp, runs, found: LeftOut, straight, seed) -> tuple[int, int]:
    """How many scores of the sharp metric lie in the 90% intervals of the smooth law, their runs left out."""
    rng, data = np.random.default_rng(seed), fit.data
    concentration = law_of_task(fit, sharp).concentration.values.ravel()
    scored = [row for row in rows_of(fit, [sharp]) if data.run_index.values[row] in runs]
    inside = 0
    for row in scored:
        run = int(np.flatnonzero(runs == data.run_index.values[row])[0])
        log = found.log_evidence[:, straight] - found.log_score[:, straight, run]
        chosen = rng.choice(log.size, SAMPLES, p=np.exp(log - logsumexp(log)).ravel())
        draw, law = np.unravel_index(chosen, log.shape)
        log10_loss = rng.normal(found.mean[:, straight, run][draw, law], found.sd[:, straight, run][draw, law])
        mean = _at_draws(fit, sharp, log10_loss, draw, int(data.run_index.values[row]), int(row))
        trials = float(data.trials.values[row])
        counts, number = draw_counts(fit, sharp, mean, concentration[draw], trials, rng)
        ends = order_statistics(counts / number)
        inside += bool(ends["q05"] <= data.score.values[row] <= ends["q95"])
    return inside, len(scored)


def _at_draws(fit, task, log10_loss, draw, run, row):
    every = mean_at_loss(fit, task, np.broadcast_to(log10_loss, (1, len(draw))), run, row)  # (draw, sample)
    return every[draw, np.arange(len(draw))]

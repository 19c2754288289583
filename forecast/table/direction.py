"""Direction of scores: whether a task gets better, worse, or first one and then the other along the scale of a table.

The model can only rise. A task that falls or turns beyond doubt is not its case, and no threshold is given for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special, stats

from forecast.scales import scale_of
from models.equations.metrics import METRICS
from models.facts.layout import tokens_per_item

LEVEL = 0.90  # of the interval of a rank correlation
DOUBT = 0.2  # beyond which the interval must lie, so that of flat tasks one in sixty at most is called falling
SMALLEST_RATE, SMALLEST_LOG = 0.1, 0.02  # change that counts: of arcsin(sqrt(score)), of the log of all else
TINY = 1e-9  # for what only has to be above the noise
NOISE = 3.0  # binomial standard errors that a change must exceed
FEWEST, FEWEST_OF_TURN = 4, 6  # runs
STEADY = 0.9  # rank correlation of a rise without doubt
TURN_TAIL = 0.005  # one-sided, of each arm of a turn
REPLICATES, NODES, SEED = 200, 50, 20


@dataclass(frozen=True, kw_only=True)
class Direction:
    """How a task changes along the scale, from worse to better; a loss that shrinks rises."""

    rank_correlation: float | None  # Spearman's; None: too few runs, or all scores alike
    interval: tuple[float, float] | None  # 90%
    says: Literal["rises", "falls", "turns", "unclear"]

    @property
    def can_be_modelled(self) -> bool:
        """Whether nothing speaks against a curve that only rises."""
        return can_be_modelled(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        interval = None if self.interval is None else list(self.interval)
        return {"rank_correlation": self.rank_correlation, "interval": interval, "says": self.says}


def can_be_modelled(found: Mapping[str, Any]) -> bool:
    """The same of `Direction.to_dict`, as answers hold it."""
    return found["says"] not in ("falls", "turns")


def in_words(task: str, metric: str, found: Mapping[str, Any], *, quantity: str) -> str:
    """How a task changes along a scale, as a clause with the strength of it; `found` is of `Direction.to_dict`."""
    changes = {"rises": "rise", "falls": "fall", "turns": "turn", "unclear": "show no clear direction"}[found["says"]]
    what, sign = f"scores of {task} {changes}", 1.0
    if METRICS[metric].falls:
        opposite = {"rises": "fall", "falls": "rise, that is get worse,"}
        what, sign = f"losses of {task} {opposite.get(found['says'], changes)}", -1.0
    if found["interval"] is None:
        return f"{what} with {quantity}"
    low, high = sorted(sign * end for end in found["interval"])
    strength = f"rank correlation {sign * found['rank_correlation']:.2f}, 90% {low:.2f} to {high:.2f}"
    return f"{what} with {quantity} ({strength})"


def refusal(answer: Mapping[str, Any], *, quantity: str) -> str:
    """Why an answer (task, metric, direction) gives no number, as a clause; empty where it does."""
    if "direction" not in answer or can_be_modelled(answer["direction"]):
        return ""
    said = in_words(answer["task"], answer["metric"], answer["direction"], quantity=quantity)
    return f"{said}: this is not this model's case, no threshold can be given"


def refusals(data: xr.Dataset) -> dict[str, str]:
    """The tasks of a table that fall or turn, each with the clause of `refusal`."""
    metrics = dict(zip(data.task.values.tolist(), data.metric.values.tolist(), strict=True))
    answers = (
        {"task": task, "metric": metrics[task], "direction": found.to_dict()}
        for task, found in directions(data).items()
        if not found.can_be_modelled
    )
    return {each["task"]: refusal(each, quantity=scale_of(data).quantity) for each in answers}


UNCLEAR = Direction(rank_correlation=None, interval=None, says="unclear")


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The runs of a task along the scale."""

    x: np.ndarray  # (run,) ascending
    y: np.ndarray  # (run,) the higher the better, on a scale where noise does not depend on it
    noise: np.ndarray  # (run,) standard error of y by chance
    family: np.ndarray  # (run,)
    smallest: float  # change of y that counts


def directions(data: xr.Dataset) -> dict[str, Direction]:
    """The direction of each task of `forecast.table.dataset.observations`, or of the data of a stored fit."""
    return {str(task): direction_of_task(data, str(task)) for task in data.task.values}


def direction_of_task(data: xr.Dataset, task: str) -> Direction:
    """The direction of one task, by its label."""
    return direction(ladder(data, task))


def direction(runs: Ladder) -> Direction:
    """Whether a task rises, falls or turns; 'unclear' where it is flat, near chance, noisy or seen by too few runs.

    It falls where the 90% interval of its rank correlation lies wholly below -0.2, its last third of runs scores less
    than the first by a change that counts and by three standard errors, and runs of one family do not say the contrary.
    It rises where the interval lies above zero and the last third scores more by three standard errors. For a turn see
    `_turns`.
    """
    if len(runs.x) < FEWEST or np.ptp(runs.x) == 0 or np.ptp(runs.y) == 0:
        return UNCLEAR
    correlation = float(_rank_correlation(runs.x, runs.y[None])[0])
    low, high = _interval(runs)
    interval = min(low, correlation), max(high, correlation)  # noise alone draws a correlation towards zero
    known = partial(Direction, rank_correlation=correlation, interval=interval)
    third = max(len(runs.x) // 3, 1)
    climb = _climb(runs, slice(0, third), slice(-third, None))
    if high < -DOUBT and climb < -1.0 and _concordance(runs) <= 0:
        return known(says="falls")
    if _turns(runs):
        return known(says="turns")
    rises = low > 0.0 and _climb(replace(runs, smallest=TINY), slice(0, third), slice(-third, None)) > 1.0
    return known(says="rises" if rises else "unclear")


def ladder(data: xr.Dataset, task: str) -> Ladder:
    """The runs that were measured on a task: rates as arcsin(sqrt(score)), all else as its log; repeats pooled."""
    place = int(data.indexes["task"].get_loc(task))
    rows, metric = data.task_index.values == place, str(data.metric.values[place])
    items = data.trials.values[rows] / tokens_per_item(data)[place]
    frame = pd.DataFrame({"run": data.run_index.values[rows], "score": data.score.values[rows], "items": items})
    runs = frame.groupby("run").agg({"score": "mean", "items": "sum"})
    x = data.log10_compute.values[runs.index]
    order = np.argsort(x, kind="stable")
    score, rate = runs["score"].to_numpy(dtype=float)[order], METRICS[metric].is_rate
    with np.errstate(divide="ignore"):
        y = np.arcsin(np.sqrt(score.clip(0.0, 1.0))) if rate else np.log(score)
    return Ladder(
        x=x[order],
        y=-y if METRICS[metric].falls else y,
        noise=0.5 / np.sqrt(runs["items"].to_numpy()[order].clip(1.0)) if rate else np.zeros(len(x)),
        family=data.family_index.values[runs.index[order]],
        smallest=SMALLEST_RATE if rate else SMALLEST_LOG,
    )


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's, of x (run,) with each of y (replicate, run)."""
    first, second = stats.rankdata(x), stats.rankdata(y, axis=-1)
    first, second = first - first.mean(), second - second.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(second @ first / np.sqrt((first @ first) * (second**2).sum(axis=-1)))


def _interval(runs: Ladder) -> tuple[float, float]:
    """90% interval of the rank correlation, by Fisher's transformation and with binomial noise.

    ``z = atanh(r)`` has standard error ``sqrt((1 + r^2 / 2) / (n - 3))`` (Bonett and Wright 2000); it is mixed over
    replicates of the values with their noise. A perfect order counts as half a step from perfect.
    """
    rng, n = np.random.default_rng(SEED), len(runs.x)
    values = runs.y + runs.noise * rng.standard_normal((REPLICATES if runs.noise.any() else 1, n))
    most = 1.0 - 3.0 / (n**3 - n)
    r = _rank_correlation(runs.x, values).clip(-most, most)
    nodes = special.ndtri((np.arange(NODES) + 0.5) / NODES)
    z = np.arctanh(r)[:, None] + np.sqrt((1.0 + r**2 / 2.0) / (n - 3.0))[:, None] * nodes
    low, high = np.tanh(np.quantile(z, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]))
    return float(low), float(high)


def _climb(runs: Ladder, before: slice, after: slice, scatter: float = 0.0) -> float:
    """Change of the mean value between two groups of runs, in units of the smallest change that counts.

    That is the largest of `smallest`, of three standard errors of the noise, and of `scatter` of a single run.
    """
    sizes = np.array([len(runs.y[group]) for group in (before, after)])
    noise = np.sqrt(sum((runs.noise[group] ** 2).sum() / len(runs.y[group]) ** 2 for group in (before, after)))
    least = max(runs.smallest, NOISE * noise, scatter * np.sqrt((1.0 / sizes).sum()))
    return float((runs.y[after].mean() - runs.y[before].mean()) / least)


def _concordance(runs: Ladder, part: slice = slice(None)) -> int:
    """Pairs of runs of one family that rise less those that fall, of a part of the ladder; 0 without such pairs."""
    x, y, family = runs.x[part], runs.y[part], runs.family[part]
    pairs = np.sign(np.subtract.outer(x, x)) * np.sign(np.subtract.outer(y, y))
    return int(pairs[np.equal.outer(family, family)].sum()) // 2


def _turns(runs: Ladder) -> bool:
    """Whether a task turns: it bends back, and no lone run makes it.

    A ladder that rises but for its worst run, its best or one at an end holds a broken evaluation: an outlier, no turn.
    """
    alone = {int(np.argmin(runs.y)), int(np.argmax(runs.y)), 0, len(runs.x) - 1}
    without = (_without(runs, place) for place in alone)
    return _bends_back(runs) and all(_rank_correlation(own.x, own.y[None])[0] < STEADY for own in without)


def _without(runs: Ladder, place: int) -> Ladder:
    """The ladder without one run."""
    x, y, noise, family = (np.delete(each, place) for each in (runs.x, runs.y, runs.noise, runs.family))
    return replace(runs, x=x, y=y, noise=noise, family=family)


def _bends_back(runs: Ladder) -> bool:
    """Whether some middle of the ladder lies beyond both of its ends.

    By a change that counts, by three standard errors of the noise, and by the scatter of the runs about a bend.
    Each part holds a quarter of the runs and two at least. Runs of one family do not say the contrary on either side.
    """
    n = len(runs.x)
    if n < FEWEST_OF_TURN:
        return False
    needed = -stats.t.ppf(TURN_TAIL, n - 3) * _scatter_about_a_turn(runs.y)
    for first, last in _splits(n):
        left, middle, right = slice(0, first), slice(first, last), slice(last, n)
        up, down = _climb(runs, left, middle, needed), _climb(runs, middle, right, needed)
        if min(abs(up), abs(down)) > 1.0 and up * down < 0.0:
            before, after = _concordance(runs, slice(0, last)), _concordance(runs, slice(first, n))
            if before * up >= 0.0 and after * down >= 0.0:
                return True
    return False


def _scatter_about_a_turn(y: np.ndarray) -> float:
    """Standard deviation of values in their order about a line with a bend: the best of a parabola and two lines."""
    places = np.arange(len(y), dtype=float) - (len(y) - 1) / 2
    bends = [places**2, *(abs(places - knot) for knot in places[1:-1])]
    fits = [np.column_stack([np.ones(len(y)), places, bend]) for bend in bends]
    rests = [y - fit @ np.linalg.lstsq(fit, y, rcond=None)[0] for fit in fits]
    return float(np.sqrt(min((rest**2).sum() for rest in rests) / (len(y) - 3)))


def _splits(n: int) -> Iterator[tuple[int, int]]:
    """Ends of the first and of the middle of three parts of n runs, none too small."""
    least = max(2, n // 4)
    for first, last in combinations(range(least, n - least + 1), 2):
        if last - first >= least:
            yield first, last

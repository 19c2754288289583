"""Headline of a report: its answer in everyday numbers, beside a known training run."""

import numpy as np
import pandas as pd

from forecast.figures.axes import WELL_KNOWN
from forecast.posterior.reached import family_in_words
from forecast.posterior.views.curve import TaskForecast
from forecast.scales import Scale, named_by
from forecast.table.direction import refusal
from forecast.words import percent, spoken_score
from models.equations.metrics import METRICS

NEAR = 1.5  # decades from a known run, beyond which a comparison says nothing
SAME = 0.06  # decades, by which two computes are about alike
COUNTED = 0.4  # a chance below this is said as one in so many
PARTS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 8: "an eighth", 10: "a tenth"}
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def everyday(task: TaskForecast, runs: pd.DataFrame) -> str:
    """The answer as one would tell it: where, beside which known run, in which interval, and whether it comes at all.

    `runs` : known training runs, model and compute, of `forecast.table.training_runs.read_runs`
    """
    quantiles, never = task.threshold["log10_compute"], task.threshold["p_never"]
    scale = named_by(task.threshold)
    if refused := refusal(task.threshold, quantity=scale.quantity):
        return f"{refused}."
    middle = float(quantiles["q50"])
    said = f"{task.task} {_reaches(task, scale, middle)}{_beside(middle, runs, scale)}."
    whose = family_in_words(task.threshold)
    return f"{said} {_interval(quantiles, scale)}{_never(never)}" + (f" This is {whose}." if whose else "")


def _reaches(task: TaskForecast, scale: Scale, middle: float) -> str:
    whole = (
        METRICS.get(task.metric, METRICS["exact_match"]).is_rate and 0.01 <= task.at <= 0.99 and not (100 * task.at) % 1
    )
    at = percent(task.at) if whole else spoken_score(task.at, task.metric)
    if middle == np.inf:
        return f"is more likely than not never to reach {at}"
    if middle == -np.inf:
        return f"reaches {at} by guessing"
    where = scale.where(middle)
    return f"is expected to reach {at} {where.replace('at ', 'at about ', 1) if where.startswith('at ') else where}"


def _beside(middle: float, runs: pd.DataFrame, scale: Scale) -> str:
    """', twice the compute of GPT-3': the nearest of the known runs, where one is near."""
    if scale.dated or runs.empty or not np.isfinite(middle):
        return ""
    known = runs[runs["model"].isin(WELL_KNOWN)]
    known = runs if known.empty else known
    distance = middle - np.log10(known["compute"].to_numpy(dtype=float))
    nearest = int(np.argmin(np.abs(distance)))
    if abs(distance[nearest]) > NEAR:
        return ""
    name = known["model"].iloc[nearest]
    return f", {times(float(distance[nearest]))} the compute of {name}"


def times(decades: float) -> str:
    """A ratio in words: 'about', 'twice', '3.5 times', 'a third of'.

    >>> times(0.3), times(-0.5), times(0.0)
    ('twice', 'a third of', 'about')
    """
    ratio = 10.0 ** abs(decades)
    if abs(decades) < SAME:
        return "about"
    if decades < 0:
        nearest = min(PARTS, key=lambda part: abs(np.log(ratio / part)))
        return f"{PARTS[nearest]} of" if ratio < 12 else f"1/{ratio:.0f} of"
    if abs(ratio - 2.0) < 0.1:
        return "twice"
    return f"{ratio:.1f} times" if ratio < 9.95 else f"{ratio:.0f} times"


def _interval(quantiles: dict[str, float | str], scale: Scale) -> str:
    low, high = float(quantiles["q05"]), float(quantiles["q95"])
    if np.isfinite(low) and np.isfinite(high):
        return f"The chances are nine in ten that it lies between {scale.text(low)} and {scale.named(high)}."
    if np.isfinite(low):
        more = "that it comes later than" if scale.dated else "that it takes more than"
        return f"The chances are nineteen in twenty {more} {scale.named(low)}."
    return f"The 90% interval is {scale.interval(quantiles['q05'], quantiles['q95'])}."


def _never(chance: float) -> str:
    """The chance of never as one in so many."""
    if chance < 0.01:
        return " That it never comes has less than one chance in a hundred."
    if chance > COUNTED:
        return f" The chance that it never comes is {percent(chance)}."
    odds = round(1.0 / chance)
    counted = NUMBERS[odds - 2] if odds - 2 < len(NUMBERS) else str(odds)
    return f" One chance in {counted} is that it never comes."

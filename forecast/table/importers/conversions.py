"""Conversions of losses that people publish otherwise: perplexities and bits, to nats."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from forecast.errors import ForecastError, shown, shown_path
from forecast.table.importers.choices import Choices, PerTask
from forecast.table.importers.measurements import Found, Measurement

TO_NATS: dict[str, Callable[[float], float]] = {
    "perplexity": math.log,
    "bits_per_byte": lambda bits: bits * math.log(2),
    "byte_perplexity": math.log,
}
"""What of a table's columns is a loss in other words, to nats per token, or per byte."""


def with_losses(choices: Choices) -> Choices:
    """The same choices with the metric loss for all that becomes one."""
    metric = choices.metric
    named = {task: "loss" if name in TO_NATS else name for task, name in metric.named.items()}
    return replace(
        choices, metric=replace(metric, named=named, general="loss" if metric.general in TO_NATS else metric.general)
    )


def in_nats(found: Found, choices: Choices, path: Path) -> Found:
    """The findings of a reader of tables by `with_losses`, with the scores of all metrics of `TO_NATS` in nats.

    Raises
    ------
    ForecastError
        where a perplexity is 1 or less, of which no loss follows.
    """
    measured = tuple(_in_nats(each, choices.metric, path) for each in found.measurements)
    return replace(found, measurements=measured)


def _in_nats(measured: Measurement, metric: PerTask[str], path: Path) -> Measurement:
    name = metric.of(measured.task, measured.native)
    if measured.metric != "loss" or name not in TO_NATS:
        return measured
    nats = TO_NATS[name](measured.score)
    if nats <= 0:
        raise ForecastError(
            f"{shown_path(path)}: {shown(measured.task)} of {shown(measured.model)}: {measured.score:g} is no {name}, "
            "which is above 1; give --metric loss if it is a loss in nats already"
        )
    return replace(measured, score=nats, unit="nats per byte" if "byte" in name else "nats")

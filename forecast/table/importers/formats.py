"""Formats of result files, by the name that `forecast import` takes: one line each.

Readers are imported when they are used, so that `forecast import --help` can list them at once.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from forecast.errors import ForecastError, shown

if TYPE_CHECKING:
    from forecast.table.importers.choices import Choices
    from forecast.table.importers.measurements import Found

type Reader = "Callable[[Path, Choices], Found]"


@dataclass(frozen=True)
class Format:
    """The module of `forecast.table.importers` that reads a format, and what it is in a few words."""

    module: str
    words: str

    @property
    def read(self) -> Reader:
        return cast("Reader", import_module(f"{__package__}.{self.module}").read)


FORMATS: dict[str, Format] = {
    "lm-eval": Format("results.lm_eval", "results of lm-evaluation-harness"),
    "inspect": Format("results.inspect_log", "logs of Inspect, .eval or .json"),
    "lighteval": Format("results.lighteval", "results of lighteval"),
    "helm": Format("results.helm", "folders of runs of HELM"),
    "every-eval-ever": Format("results.every_eval_ever", "results in the schema of Every Eval Ever"),
    "opencompass": Format("tables.opencompass", "summaries of OpenCompass"),
    "composer": Format("results.composer", "evaluations of Composer and DataComp-LM"),
    "epoch": Format("tables.epoch", "benchmark files of Epoch AI, with dates and compute"),
    "metr-runs": Format("horizons.runs", "runs of agents at tasks, with the time that a task takes a human"),
    "metr-horizons": Format("horizons.published", "published time horizons of agents, YAML or CSV"),
    "wide": Format("tables.wide", "a table with a column for each task"),
    "long": Format("tables.long", "a table with a row for each score"),
}


def format_named(name: str) -> Format:
    """The format of this name; a `ForecastError` that names the nearest where there is none."""
    if name in FORMATS:
        return FORMATS[name]
    near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    raise ForecastError(f"format {shown(name)}: is not known; {hint}There are: {', '.join(FORMATS)}")

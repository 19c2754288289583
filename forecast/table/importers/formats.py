"""Formats of result files, by the name that `forecast import` takes: one line each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from forecast.errors import ForecastError, shown
from forecast.table.importers.choices import Choices, closest
from forecast.table.importers.horizons import published, runs
from forecast.table.importers.measurements import Found
from forecast.table.importers.results import composer, every_eval_ever, helm, inspect_log, lighteval, lm_eval
from forecast.table.importers.tables import epoch, long, opencompass, wide


@dataclass(frozen=True)
class Format:
    """How a format is read, and what it is in a few words."""

    read: Callable[[Path, Choices], Found]
    words: str


FORMATS: dict[str, Format] = {
    "lm-eval": Format(lm_eval.read, "results of lm-evaluation-harness"),
    "inspect": Format(inspect_log.read, "logs of Inspect, .eval or .json"),
    "lighteval": Format(lighteval.read, "results of lighteval"),
    "helm": Format(helm.read, "folders of runs of HELM"),
    "every-eval-ever": Format(every_eval_ever.read, "results in the schema of Every Eval Ever"),
    "opencompass": Format(opencompass.read, "summaries of OpenCompass"),
    "composer": Format(composer.read, "evaluations of Composer and DataComp-LM"),
    "epoch": Format(epoch.read, "benchmark files of Epoch AI, with dates and compute"),
    "metr-runs": Format(runs.read, "runs of agents at tasks, with the time that a task takes a human"),
    "metr-horizons": Format(published.read, "published time horizons of agents, YAML or CSV"),
    "wide": Format(wide.read, "a table with a column for each task"),
    "long": Format(long.read, "a table with a row for each score"),
}


def format_named(name: str) -> Format:
    """The format of this name; a `ForecastError` that names the nearest where there is none."""
    if name in FORMATS:
        return FORMATS[name]
    near = closest(name, FORMATS)
    hint = "" if near is None else f"did you mean {near}? "
    raise ForecastError(f"format {shown(name)}: is not known; {hint}There are: {', '.join(FORMATS)}")

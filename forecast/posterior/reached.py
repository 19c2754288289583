"""Runs of the table that reached a score already: what the forecast of a typical family does not show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import shown
from forecast.posterior.fit import Fit
from forecast.posterior.tasks import reaches, task_label
from forecast.words import first_of

SAME = 1e-9  # decades; sizes are stored as logarithms
COLUMNS = ("model", "family", "log10_compute", "params", "tokens", "score")


def measured_runs(fit: Fit, task: str, at: float) -> pd.DataFrame:
    """The runs of the table that were measured on a task: log10_params, log10_tokens and whether they reached `at`."""
    data, label = fit.data, task_label(fit, task)
    rows = np.flatnonzero(data.task.values[data.task_index.values] == label)
    runs, score = data.run_index.values[rows], data.score.values[rows]
    sizes = {name: data[name].values[runs] for name in ("log10_params", "log10_tokens")}
    return pd.DataFrame(sizes | {"reached": reaches(fit, label, score, at)})


def reached(fit: Fit, task: str, at: float, family: str | None = None) -> pd.DataFrame:
    """The runs that scored `at` or better on a task, smallest compute first; of one family where it is named."""
    data, label = fit.data, task_label(fit, task)
    rows = np.flatnonzero(data.task.values[data.task_index.values] == label)
    runs, score = data.run_index.values[rows], data.score.values[rows]
    found = pd.DataFrame(
        {
            "model": data.run.values[runs],
            "family": data.family.values[data.family_index.values[runs]],
            "log10_compute": data.log10_compute.values[runs],
            "params": 10.0 ** data.log10_params.values[runs],
            "tokens": 10.0 ** data.log10_tokens.values[runs],
            "score": score,
        }
    )
    own = reaches(fit, label, score, at)
    if family is not None:
        own &= (found["family"] == family).to_numpy()
    return found[own].sort_values("log10_compute", kind="stable", ignore_index=True)


def reached_with_less(fit: Fit, task: str, at: float, family: str | None = None, *, median: float) -> pd.DataFrame:
    """Those of them that took less compute than the median threshold, or were earlier; with 'never', all."""
    found = reached(fit, task, at, family)
    return found[found["log10_compute"] < median]


def context(fit: Fit, task: str, at: float, family: str | None, *, median: float) -> dict[str, Any]:
    """What stands beside a threshold: the number of families of the table, and the runs that reached it with less."""
    own = family if fit.data.sizes["family"] > 1 else None
    less = reached_with_less(fit, task, at, own, median=median)
    return {"families": fit.data.sizes["family"], "reached_with_less": records(less)}


def with_sizes(runs: pd.DataFrame, fixed: str, needed: Mapping[str, Any]) -> dict[str, Any]:
    """Of runs that reached a score, those within one given size that took less of the other than its median.

    `fixed` is 'fixed_params' or 'fixed_tokens', and `needed` what `forecast.questions.howmuch.answer` says is needed
    there.
    """
    given, other = ("params", "tokens") if fixed == "fixed_params" else ("tokens", "params")
    most, median = float(needed[f"log10_{given}"]), float(needed[f"log10_{other}"]["q50"])
    less = (np.log10(runs[given]) <= most + SAME) & (np.log10(runs[other]) < median)
    return {"reached_with_less": records(runs[less])}


def records(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Runs as JSON; sizes that are not known are null."""
    plain = runs.astype(object).where(runs.notna(), None)
    return [{name: line[name] for name in COLUMNS} for line in plain.to_dict("records")]


def family_in_words(answer: Mapping[str, Any]) -> str:
    """Whose curve a threshold is of, where the table holds several families; else empty."""
    if answer.get("families", 1) == 1:
        return ""
    if answer["family"] is not None:
        return f"family {shown(answer['family'])}"
    return f"typical of {answer['families']} families"


def already(runs: Sequence[Mapping[str, Any]], *, less: str, which: str = "runs") -> str:
    """Runs that reached a score already by name, as 'runs that reached it with less compute: a, b'; or nothing."""
    return f"{which} that reached it {less}: {first_of([each['model'] for each in runs])}" if runs else ""

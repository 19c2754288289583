"""Designs: a small table of each kind without scores, and where its scores are expected to lie.

What a table says of its own scores moves where priors are placed (`models.facts.placing`): reference, anchors, weights
of runs, main task. Were that made again from each simulated score, truth and fit would have different priors. So it is
made once, from the expected scores here, and holds for the truth and for all refits.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.table.dataset import observations, read_rows

RUNS, TRIALS = 10, 400
FIRST, LAST = 20.0, 23.6  # log10 FLOP
MIDDLE, STEEPNESS = 22.5, 1.2  # of the expected rise: half-way, and logits a decade
LOSS = 2.0  # expected, nats


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a design."""

    name: str
    metric: str = "exact_match"
    cells: dict[str, Any] = field(default_factory=dict)
    at_chance: bool = False  # scores are expected to stay there: the law is sampled from standard numbers


TASKS: dict[str, tuple[Task, ...]] = {
    "exact match": (Task(name="sums", cells={"length": 4}), Task(name="proofs", at_chance=True)),
    "choice": (
        Task(name="picks", metric="choice", cells={"chance": 0.25}),
        Task(name="blank chance", metric="choice", cells={"chance": None}),
    ),
    "loss": (
        Task(name="sums", cells={"length": 4}),
        Task(name="sums", metric="loss"),
        Task(name="validation", metric="loss"),
        Task(name="picks", metric="choice", cells={"chance": 0.25}),
    ),
    "tokens": (
        Task(name="sums", metric="at_least_k", cells={"length": 4, "k": 2}),
        Task(name="sums", cells={"length": 4}),
        Task(name="sums", metric="token_accuracy", cells={"length": 4, "trials": 4 * TRIALS}),
    ),
    "attempts": tuple(Task(name="code", metric="pass_at_k", cells={"k": k}) for k in (1, 8, 64)),
    "families": (
        Task(name="sums", cells={"length": 4}),
        Task(name="words", cells={"length": 2}),
        Task(name="picks", metric="choice", cells={"chance": 0.25}),
    ),
    "sizes": (Task(name="sums", cells={"length": 4}), Task(name="validation", metric="loss")),
    "years": (Task(name="sums", cells={"length": 4}), Task(name="picks", metric="choice", cells={"chance": 0.25})),
}
"""Tasks of each kind of table."""
KINDS = tuple(TASKS)


@dataclass(frozen=True, kw_only=True)
class Design:
    """A table of one kind without scores, and one new run of it."""

    kind: str
    rows: pd.DataFrame  # as `read_rows` gives them, with trials and the expected score
    data: xr.Dataset  # the same as observations
    new: pd.DataFrame  # a row of the first task


def design(kind: str) -> Design:
    """The design of a kind of table."""
    facts = [_run(kind, run, x) for run, x in enumerate(np.linspace(FIRST, LAST, RUNS))]
    new = _run(kind, RUNS - 3, LAST + 0.5) | {"model": "new"}
    table = [
        {"task": task.name, "metric": task.metric, "trials": None if task.metric == "loss" else TRIALS}
        | run
        | task.cells
        for run in [*facts, new]
        for task in TASKS[kind]
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "design.csv"
        pd.DataFrame(table).to_csv(path, index=False)
        rows = read_rows(path)
    tasks = [task for _ in [*facts, new] for task in TASKS[kind]]
    rows = rows.assign(successes=pd.array(np.zeros(len(rows)), dtype="Int64"), score=_expected(rows, tasks))
    rows, new_rows = rows[rows["model"] != "new"], rows[rows["model"] == "new"]
    return Design(kind=kind, rows=rows, data=observations(rows), new=new_rows.iloc[:1])


def _run(kind: str, run: int, x: float) -> dict[str, Any]:
    """Facts of a run of log10 compute x."""
    if kind == "years":
        return {"model": f"run {run}", "date": str(np.datetime64("2020-01-01") + 150 * run)}
    found: dict[str, Any] = {"model": f"run {run}", "compute": 10**x}
    if kind == "families":
        found |= {
            "family": f"family {run % 3}",
            "date": f"{2020 + run // 3}-0{1 + 3 * (run % 3)}-15",
            "compute_sd": 0.15 * (run % 4 == 0),
        }
    if kind == "sizes":
        ratio, half = (0.7, -0.4, 0.2, 1.0)[run % 4], 0.5 * (x - np.log10(6.0))
        found |= {"params": 10 ** (half - 0.65 - 0.5 * ratio), "tokens": 10 ** (half + 0.65 + 0.5 * ratio)}
    return found


def _expected(rows: pd.DataFrame, tasks: list[Task]) -> np.ndarray:
    """The score that each row is expected to have (row)."""
    x = np.log10(rows["compute"].to_numpy(dtype=float))
    place = (x - x.min()) / np.ptp(x) * (LAST - FIRST) + FIRST  # dates likewise
    share = 1.0 / (1.0 + np.exp(-STEEPNESS * (place - MIDDLE)))
    share = np.where([task.at_chance for task in tasks], 0.0, share)
    chance = np.where([task.name == "blank chance" for task in tasks], 0.25, rows["chance"])
    return np.where(rows["metric"] == "loss", LOSS, chance + (1.0 - chance) * share)

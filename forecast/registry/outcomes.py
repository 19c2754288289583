"""Outcomes: rows of a table with scores, and the rows of a frozen question that they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import Problem, TableError
from forecast.table.dataset import read_rows, read_scores
from models.equations.metrics import METRICS, rates


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Outcomes by the place of their row in the question."""

    rows: pd.DataFrame  # as of `forecast.table.dataset.read_table`; index: place in the question
    unmatched: pd.DataFrame  # outcomes that no row asks for; index: line in the file
    new_items: dict[int, tuple[int, int]]  # place: items that the forecast was made for, and that were scored

    @property
    def all(self) -> pd.DataFrame:
        """All outcomes, those of the question first."""
        return pd.concat([self.rows, self.unmatched]) if len(self.rows) else self.unmatched


def read_outcomes(path: Path) -> pd.DataFrame:
    """The rows of a file that have a score; a `TableError` names scores that cannot be any."""
    rows, found = read_rows(path), read_scores(path)
    impossible = found[np.isinf(found["score"])]
    if len(impossible):
        wrong, remedy = "cannot be a score of its metric", "give a rate from 0 to 1, or a loss or horizon above 0"
        raise TableError(
            path,
            [
                Problem(row=int(line), column="score", value=str(typed), wrong=wrong, remedy=remedy)
                for line, typed in impossible["typed"].items()
            ],
        )
    return rows.assign(score=found["score"])[found["score"].notna()]


def matched(question: Mapping[str, Any], outcomes: pd.DataFrame, path: Path) -> Matched:
    """Outcomes by model, task, metric and, where both give them, k and length.

    A `TableError` names outcomes of one row that are several, and those that could be of several rows.
    """
    lines, problems = dict[int, Any](), list[Problem]()
    for place, row in enumerate(question["rows"]):
        own = outcomes.index[(outcomes["model"] == row["model"]).to_numpy() & of_task(outcomes, row)]
        for line in own[1:]:
            problems.append(_double(line, row, f"row {own[0]} is an outcome of the same row of the forecast"))
        if len(own) and own[0] in lines.values():
            problems.append(_double(own[0], row, "could be of several rows of the forecast"))
        elif len(own):
            lines[place] = own[0]
    if problems:
        raise TableError(path, problems)
    found = outcomes.loc[list(lines.values())].set_axis(list(lines), axis=0)
    asked = pd.DataFrame([question["rows"][place] for place in lines], columns=["trials", "date"], index=found.index)
    items = asked["trials"].astype("Int64")
    trials = found["trials"].fillna(items).where(found["metric"].isin(rates()))
    known = {
        "trials": trials,
        "successes": (found["score"] * trials.astype("Float64")).round().astype("Int64"),
        "date": found["date"].fillna(pd.to_datetime(asked["date"])),
    }
    return Matched(
        rows=found.assign(**known),
        unmatched=outcomes.drop(index=list(lines.values())),
        new_items={
            int(place): (int(items[place]), int(trials[place]))
            for place in found.index[(trials != items).fillna(False).to_numpy(dtype=bool)]
        },
    )


def of_task(outcomes: pd.DataFrame, asked: Mapping[str, Any]) -> np.ndarray:
    """Which outcomes are of the task, metric, k and length of a row or a threshold: (outcome)."""
    same = (outcomes["task"] == asked["task"]) & (outcomes["metric"] == asked["metric"])
    names = ("length", "k") if METRICS[asked["metric"]].k else ("length",)
    for name in names:
        if asked[name] is not None:
            same &= outcomes[name].isna() | np.isclose(outcomes[name], asked[name])
    return same.to_numpy()


def _double(line: Any, row: Mapping[str, Any], wrong: str) -> Problem:
    remedy = "keep one of them, or tell them apart by k or length"
    return Problem(row=int(line), value=f"{row['model']} on {row['task']}", wrong=wrong, remedy=remedy)

"""Training runs with date and compute: the user's, Epoch's or the built-in ones."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from forecast.errors import Problem, TableError
from forecast.table.checks.columns import COLUMN_CHECKS
from forecast.table.reading.cells import cells_of
from forecast.table.reading.files import read_cells

COLUMNS = {"model": "Model", "date": "Publication date", "compute": "Training compute (FLOP)"}  # ours: Epoch's
DOMAIN, OTHER = "Domain", "Games"  # of Epoch's rows, left out: self-play trains no model that could be asked a question
GUESSED = (
    ("Confidence", "confidence"),
    "speculative",
)  # Epoch's column and ours, and its word for computes not published
BUILT_IN = Path(__file__).with_name("frontier_runs.csv")


def read_runs(path: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Runs of a table with the columns model, date, compute, or of Epoch's format, by date; None: the built-in ones.

    Of Epoch's rows those whose only domain is games are left out, as they are of the built-in runs: AlphaGo Zero had
    the compute of GPT-3 three years before it, and says nothing of when a model that answers questions has it. Rows
    in which date or compute is blank are left out too, as Epoch has many. `speculative` is whether the compute is a
    guess, as Epoch's column of confidence says.

    Raises
    ------
    TableError
        with all columns that are missing, or all cells that cannot be used.
    ForecastError
        if the file cannot be read at all.
    """
    path = BUILT_IN if path is None else path
    frame = read_cells(path)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    frame = frame[frame[DOMAIN].str.strip() != OTHER] if DOMAIN in frame else frame
    frame = frame.rename(columns={theirs: ours for ours, theirs in COLUMNS.items() if ours not in frame})
    if missing := [name for name in COLUMNS if name not in frame]:
        remedy = f"give {', '.join(COLUMNS)} or, as Epoch does, {', '.join(COLUMNS.values())}"
        raise TableError(path, [Problem(column=name, wrong="the column is missing", remedy=remedy) for name in missing])
    cells = cells_of(frame[list(COLUMNS)], scored=False)
    known = ~(cells.blank["date"] | cells.blank["compute"])
    found = [problem for check in COLUMN_CHECKS for problem in check(cells) if problem.column in ("date", "compute")]
    if problems := [problem for problem in found if known[problem.row]]:
        raise TableError(path, [_mended(problem) for problem in sorted(problems, key=lambda problem: problem.row or 0)])
    runs = pd.DataFrame({"model": cells.text["model"], "date": cells.date, "compute": cells.number["compute"]})
    runs["speculative"] = _guessed(frame)
    return runs[known].sort_values("date", kind="stable", ignore_index=True)


def _guessed(frame: pd.DataFrame) -> pd.Series:
    names, word = GUESSED
    said = next((frame[name] for name in names if name in frame), pd.Series("", index=frame.index))
    return said.astype(str).str.strip().str.lower() == word


def _mended(problem: Problem) -> Problem:
    """The problem with a remedy for runs, of which parameters and tokens are not asked."""
    return replace(problem, remedy=problem.remedy.removesuffix(" and give params and tokens"))
